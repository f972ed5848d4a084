// SPDX-License-Identifier: Apache-2.0
// What the registries promise: looked up by any name or code of any day, a tree without cycles, changes that keep what was, exact undo.
#include "registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "registry/change.h"
#include "registry/test_house.h"

namespace xinglin::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RegistryTest : public TestHouse {
protected:
    void SetUp() override {
        put(R"({"resourceType":"Organization","id":"renmin","identifier":[{"system":"urn:oid:2.16.156.10011.1.5","value":"renmin"},{"system":"urn:oid:2.16.156.10011.1.5","value":"OLD-7","use":"old","period":{"end":"2019-12-31"}}],"active":true,"type":[{"coding":[{"system":"urn:xinglin:codesystem:institution-class-ws218","code":"A100"}]}],"name":"山海关人民医院","address":[{"extension":[{"url":"urn:xinglin:extension:division-code","valueString":"130303002003"}],"text":"古城街道"}]})");
        put(R"({"resourceType":"Organization","id":"ward1","identifier":[{"system":"urn:xinglin:identifier:registry","value":"renmin-03"}],"type":[{"coding":[{"system":"urn:xinglin:codesystem:registry-unit","code":"department"}]}],"name":"内科","partOf":{"reference":"Organization/renmin"}})");
        put(R"({"resourceType":"Organization","id":"centre","identifier":[{"system":"urn:oid:2.16.156.10011.1.5","value":"centre"}],"active":true,"type":[{"coding":[{"system":"urn:xinglin:codesystem:institution-class-ws218","code":"B100"}]}],"name":"石河社区卫生服务中心","address":[{"extension":[{"url":"urn:xinglin:extension:division-code","valueString":"130303101"}]}]})");
        put(R"({"resourceType":"Practitioner","id":"li","identifier":[{"system":"urn:oid:2.16.156.10011.1.4","value":"renmin-001"}],"name":[{"text":"单雄信"}],"gender":"male"})");
        put(R"({"resourceType":"PractitionerRole","id":"li-1","active":true,"practitioner":{"reference":"Practitioner/li"},"organization":{"reference":"Organization/renmin"},"code":[{"text":"医师"}]})");
        put(R"({"resourceType":"PractitionerRole","id":"li-2","active":true,"practitioner":{"reference":"Practitioner/li"},"organization":{"reference":"Organization/centre"},"code":[{"text":"医师"}],"period":{"start":"2024-01-01"}})");
        put(R"({"resourceType":"Location","id":"site","identifier":[{"system":"urn:xinglin:identifier:registry","value":"renmin-site"}],"name":"本部","physicalType":{"coding":[{"code":"si"}]},"managingOrganization":{"reference":"Organization/renmin"}})");
        for (int i = 1; i <= 3; ++i)
            put(fmt::format(
                R"({{"resourceType":"Location","id":"bed{0}","identifier":[{{"system":"urn:xinglin:identifier:registry","value":"renmin-bed-{0}"}}],"name":"{0}床","physicalType":{{"coding":[{{"code":"bd"}}]}},"partOf":{{"reference":"Location/site"}},"managingOrganization":{{"reference":"Organization/renmin"}},"operationalStatus":{{"system":"http://terminology.hl7.org/CodeSystem/v2-0116","code":"U"}}}})",
                i));
        put(R"({"resourceType":"Organization","id":"alliance","identifier":[{"system":"urn:xinglin:identifier:registry","value":"ygt-1"}],"type":[{"coding":[{"system":"urn:xinglin:codesystem:registry-unit","code":"alliance"}]}],"name":"山海关医共体"})");
        put(R"({"resourceType":"OrganizationAffiliation","id":"a1","active":true,"organization":{"reference":"Organization/alliance"},"participatingOrganization":{"reference":"Organization/centre"}})");
        registry.catch_up();
    }
    /// "reference:matched …"
    std::string found(std::string_view q, Question question = {}) {
        registry.catch_up();
        question.q = q;
        std::string out;
        for (const Hit& hit : registry.list(question).hits) out += (out.empty() ? "" : " ") + hit.entry->id + ":" + hit.matched;
        return out;
    }
    std::string below(std::string_view reference, std::string_view at = "") {
        registry.catch_up();
        std::string out;
        for (const Node& node : registry.children(reference, at)) out += (out.empty() ? "" : " ") + node.entry->id;
        return out;
    }
    std::string change(Command command) {
        registry.catch_up();
        const auto planned = plan(registry, command, "tester");
        if (!planned.ok()) return planned.outcome().line();
        const auto done = revise(*store, *ingest, clock, *planned);
        if (!done.ok()) return done.outcome().line();
        last = *done;
        registry.catch_up();
        return "ok";
    }
    std::string last;
};

TEST_F(RegistryTest, FindsByNamePinyinInitialsAndCode) {
    EXPECT_EQ(found("人民医院"), "renmin:name");
    EXPECT_EQ(found("shanhaiguanrenmin"), "renmin:pinyin");
    EXPECT_EQ(found("shrmyy"), "") << "a letter is missing";
    EXPECT_EQ(found("shgrmyy"), "renmin:initials");
    EXPECT_EQ(found("OLD-7"), "renmin:former_code");
    EXPECT_EQ(found("ｒｅｎｍｉｎ-001"), "li:code") << "full width is folded";
    EXPECT_EQ(found("shanxiongxin"), "li:pinyin") << "the surname's reading";
    EXPECT_EQ(found("石河 服务"), "centre:name");
    EXPECT_EQ(found("nothing of the kind"), "");
    EXPECT_EQ(found("", {.kinds = {Kind::institution}, .class_code = "A"}), "renmin:");
    EXPECT_EQ(found("", {.kinds = {Kind::institution}, .area = "130303101"}), "centre:");
    EXPECT_EQ(found("", {.kinds = {Kind::bed}, .within = "Organization/renmin"}), "bed1: bed2: bed3:");
    EXPECT_EQ(found("", {.kinds = {Kind::institution}, .within = "Organization/alliance"}), "centre:");
}

TEST_F(RegistryTest, ShowsTheTreeWithWhatLiesBelow) {
    EXPECT_EQ(below(""), "renmin centre");
    EXPECT_EQ(below("Organization/renmin"), "ward1 site");
    EXPECT_EQ(below("Location/site"), "bed1 bed2 bed3");
    EXPECT_EQ(below("Organization/alliance"), "centre");
    const Counts counts = registry.counts("Organization/renmin");
    EXPECT_EQ(counts.beds, 3u);
    EXPECT_EQ(counts.departments, 1u);
    EXPECT_EQ(counts.staff, 1u);
    EXPECT_EQ(registry.counts("Organization/centre").staff, 1u) << "one doctor at two places";
}

TEST_F(RegistryTest, AnAreaHoldsItsInstitutionsWithAllThatBelongsToThem) {
    put(R"({"resourceType":"Location","id":"county","identifier":[{"system":"urn:xinglin:identifier:division","value":"130303"}],"name":"山海关区","physicalType":{"coding":[{"code":"jdn"}]}})");
    put(R"({"resourceType":"Location","id":"town","identifier":[{"system":"urn:xinglin:identifier:division","value":"130303101"}],"name":"石河镇","physicalType":{"coding":[{"code":"jdn"}]},"partOf":{"reference":"Location/county"}})");
    EXPECT_EQ(below("Location/county"), "town");
    EXPECT_EQ(below("Location/town"), "centre");
    EXPECT_EQ(registry.counts("Location/county").beds, 3u);
    EXPECT_EQ(registry.counts("Location/county").institutions, 2u);
    EXPECT_EQ(registry.counts("Location/town").staff, 1u);
    EXPECT_EQ(found("", {.kinds = {Kind::bed}, .within = "Location/county"}), "bed1: bed2: bed3:");
}

TEST_F(RegistryTest, ARenamedInstitutionIsFoundByItsFormerNameAndCalledAsItWasThen) {
    EXPECT_EQ(change({.what = "rename", .entries = {"Organization/renmin"}, .value = "山海关区人民医院", .day = "2026-03-01"}),
              "ok");
    const EntryPtr entry = registry.find("Organization/renmin");
    EXPECT_EQ(entry->name(), "山海关区人民医院");
    EXPECT_EQ(entry->name_on("2026-02-28"), "山海关人民医院");
    EXPECT_EQ(entry->name_on("2026-03-01"), "山海关区人民医院");
    EXPECT_EQ(found("山海关人民"), "renmin:former_name");
    EXPECT_EQ(change({.what = "rename", .entries = {"Practitioner/li"}, .value = "单通", .day = "2025-05-05"}), "ok");
    EXPECT_EQ(registry.find("Practitioner/li")->name_on("2025-05-04"), "单雄信");
    EXPECT_EQ(registry.find("Practitioner/li")->name(), "单通");
}

TEST_F(RegistryTest, WhatASourceOverwroteIsKnownFromTheVersionsBefore) {
    clock.move(3 * 86'400'000ll);
    put(R"({"resourceType":"Organization","id":"centre","identifier":[{"system":"urn:oid:2.16.156.10011.1.5","value":"centre-new"}],"active":true,"name":"石河镇卫生院"})");
    EXPECT_EQ(found("石河社区"), "centre:former_name");
    const auto known = registry.who_has("centre", "", "");
    ASSERT_EQ(known.size(), 1u);
    EXPECT_FALSE(known.front().code.is_current);
    EXPECT_EQ(registry.who_has("centre", "", registry.today()).size(), 0u) << "it has another code today";
    EXPECT_EQ(registry.who_has("centre-new", "", registry.today()).size(), 1u);
    Registry anew(*store, clock, {.follow = false});
    anew.catch_up();
    EXPECT_EQ(anew.find("Organization/centre")->search, registry.find("Organization/centre")->search)
        << "read anew it is the same";
}

TEST_F(RegistryTest, MergingSaysWhatBecameOfItAndTakesItsPartsAlong) {
    EXPECT_EQ(change({.what = "merge",
                      .entries = {"Organization/renmin"},
                      .value = "Organization/centre",
                      .day = "2026-06-01",
                      .note = "整合"}),
              "ok");
    const EntryPtr gone = registry.find("Organization/renmin");
    EXPECT_EQ(gone->state, "inactive");
    EXPECT_EQ(gone->successor(), "Organization/centre");
    EXPECT_EQ(below("Organization/centre"), "ward1 site");
    const auto known = registry.who_has("renmin", "", "");
    ASSERT_EQ(known.size(), 1u);
    EXPECT_EQ(known.front().now->id, "centre");
    EXPECT_TRUE(gone->is_in_force("2026-05-31"));
    EXPECT_FALSE(gone->is_in_force("2026-06-02"));
    EXPECT_EQ(registry.counts("Organization/centre").beds, 3u);
}

TEST_F(RegistryTest, ACycleIsRefusedByNameAtEveryDoorAndShownWhenItIsThere) {
    EXPECT_THAT(change({.what = "move", .entries = {"Organization/renmin"}, .value = "Organization/ward1"}),
                HasSubstr("cycle in the hierarchy"));
    EXPECT_THAT(change({.what = "move", .entries = {"Organization/renmin"}, .value = "Organization/renmin"}), HasSubstr("cycle"));
    json::Arena arena;
    const auto resource = json::parse(
        R"({"resourceType":"Organization","id":"renmin","name":"x","partOf":{"reference":"Organization/ward1"}})", arena);
    const Outcome outcome = check_hierarchy(*store, *resource);
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.issues.front().where, "Organization.partOf");
    EXPECT_THAT(outcome.line(), HasSubstr("Organization/renmin → Organization/ward1 → Organization/renmin"));
    put(R"({"resourceType":"Organization","id":"renmin","name":"x","partOf":{"reference":"Organization/ward1"}})");  // from before there was a check
    registry.catch_up();
    EXPECT_THAT(below(""), HasSubstr("renmin")) << "still shown";
    EXPECT_EQ(below("Organization/renmin"), "ward1 site");
    const auto troubles = registry.troubles();
    ASSERT_EQ(troubles.size(), 2u);
    EXPECT_EQ(troubles.front().kind, "cycle");
    EXPECT_EQ(registry.counts("Organization/renmin").beds, 3u);
    EXPECT_EQ(registry.above("Organization/ward1").size(), 1u);
}

TEST_F(RegistryTest, UndoPutsBackExactlyWhatWas) {
    const std::string before = body("Organization", "renmin"), part = body("Organization", "ward1");
    EXPECT_EQ(change({.what = "merge", .entries = {"Organization/renmin"}, .value = "Organization/centre"}), "ok");
    const std::string merge = last;
    EXPECT_NE(body("Organization", "ward1"), part);
    const auto back = undoing(*store, merge, "tester");
    ASSERT_TRUE(back.ok()) << back.outcome().line();
    ASSERT_TRUE(revise(*store, *ingest, clock, *back).ok());
    EXPECT_EQ(body("Organization", "renmin"), before);
    EXPECT_EQ(body("Organization", "ward1"), part);
    EXPECT_THAT(undoing(*store, merge, "tester").outcome().line(), HasSubstr("undone already"));
    const auto all = revisions(*store);
    ASSERT_EQ(all->size(), 2u);
    EXPECT_EQ(all->at(0).what, "undo");
    EXPECT_EQ(all->at(1).undone_by, all->at(0).id);
    const auto again = undoing(*store, all->at(0).id, "tester");  // an undo is undone
    ASSERT_TRUE(again.ok());
    ASSERT_TRUE(revise(*store, *ingest, clock, *again).ok());
    EXPECT_NE(body("Organization", "ward1"), part);
}

TEST_F(RegistryTest, UndoIsRefusedOnceSomethingChangedSince) {
    EXPECT_EQ(change({.what = "close", .entries = {"Organization/centre"}, .day = "2026-07-01"}), "ok");
    const std::string closing = last;
    EXPECT_EQ(change({.what = "rename", .entries = {"Organization/centre"}, .value = "别名"}), "ok");
    EXPECT_THAT(undoing(*store, closing, "x").outcome().line(), HasSubstr("Organization/centre"));
    EXPECT_THAT(undoing(*store, "nobody", "x").outcome().line(), HasSubstr("no such change"));
}

TEST_F(RegistryTest, CommandsNameWhatIsWrong) {
    EXPECT_THAT(change({.what = "explode", .entries = {"Organization/renmin"}}), HasSubstr("what: must be"));
    EXPECT_THAT(change({.what = "close"}), HasSubstr("entries: is missing"));
    EXPECT_THAT(change({.what = "close", .entries = {"Organization/nobody"}}), HasSubstr("in no registry"));
    EXPECT_THAT(change({.what = "close", .entries = {"Organization/renmin"}, .day = "2026-02-30"}),
                HasSubstr("day: must be a day"));
    EXPECT_THAT(change({.what = "bed_state", .entries = {"Location/site"}, .value = "O"}), HasSubstr("is no bed"));
    EXPECT_THAT(change({.what = "bed_state", .entries = {"Location/bed1"}, .value = "X"}), HasSubstr("value: must be"));
    EXPECT_THAT(change({.what = "recode", .entries = {"Organization/renmin"}, .value = "centre"}),
                HasSubstr("is the code of Organization/centre"));
    EXPECT_THAT(change({.what = "area", .entries = {"Organization/renmin"}, .value = "1303"}), "ok");
    EXPECT_THAT(change({.what = "area", .entries = {"Organization/renmin"}, .value = "13x"}), HasSubstr("digits"));
    EXPECT_EQ(change({.what = "bed_state", .entries = {"Location/bed1", "Location/bed2"}, .value = "O"}), "ok");
    EXPECT_EQ(registry.find("Location/bed2")->bed_state, "O");
}

TEST_F(RegistryTest, TellsWhatChangedSinceAPosition) {
    record::Position upto = 0;
    const auto first = registry.news(0, 1'000, upto);
    EXPECT_EQ(first.size(), 12u);
    const record::Position then = upto;
    put(R"({"resourceType":"Patient","id":"p"})");
    put(R"({"resourceType":"Organization","id":"centre","name":"y"})");
    registry.catch_up();
    const auto later = registry.news(then, 1'000, upto);
    ASSERT_EQ(later.size(), 1u);
    EXPECT_EQ(later.front().reference, "Organization/centre");
    EXPECT_EQ(upto, then + 2);
    const auto part = registry.news(0, 5, upto);
    EXPECT_EQ(part.size(), 5u);
    EXPECT_EQ(upto, 5);
}

}  // namespace
}  // namespace xinglin::registry
