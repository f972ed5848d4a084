// SPDX-License-Identifier: Apache-2.0
// What de-identification promises: the example cases, and that nothing of a person comes out of any resource.
#include "bulk/deidentify.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "bulk/shelf_check.h"
#include "calendar/calendar.h"
#include "testing/testing.h"

namespace xinglin::bulk {
namespace {

namespace fs = std::filesystem;
const fs::path source = XINGLIN_SOURCE_DIR;
constexpr std::string_view example_key = "the key of the examples, 32 bytes";

Deidentifier example() {
    auto made = Deidentifier::make(content::Files(), std::string(example_key), 2026);
    if (!made.ok()) throw std::runtime_error(made.outcome().line());
    return std::move(*made);
}

// Of `openssl dgst -sm3 -hmac KEY`.
TEST(Deidentify, PseudonymsAreHmacSm3) {
    EXPECT_EQ(example().id_of(*fhir::find_resource("Patient"), "p1"), "b2570d973cd17497066fd476d0c80df9");
}

TEST(Deidentify, DatesAreKeptShiftedOrCutAsTheChannelWants) {
    constexpr std::string_view visit =
        R"({"resourceType":"Encounter","id":"v","meta":{"lastUpdated":"2026-11-22T10:00:00+08:00"},"status":"finished",
            "class":{"code":"IMP"},"subject":{"reference":"Patient/1"},
            "period":{"start":"2026-03-01T08:30:00+08:00","end":"2026-03-11"},"statusHistory":[{"status":"planned","period":{"start":"2026-02"}}]})";
    const auto made = [&](Dates dates, std::string_view person) {
        json::Arena arena;
        const auto doer = Deidentifier::make(content::Files(), std::string(example_key), 2026, dates);
        EXPECT_TRUE(doer.ok());
        const json::Value out = doer->apply(*json::parse(visit, arena), arena, person);
        return std::vector<std::string>{std::string(out["period"]["start"].string()), std::string(out["period"]["end"].string()),
                                        std::string(out["meta"]["lastUpdated"].string()),
                                        std::string(out["statusHistory"][0]["period"]["start"].string())};
    };
    using Texts = std::vector<std::string>;
    EXPECT_EQ(made(Dates::keep, "Patient/1"),
              (Texts{"2026-03-01T08:30:00+08:00", "2026-03-11", "2026-11-22T10:00:00+08:00", "2026-02"}));
    EXPECT_EQ(made(Dates::month, "Patient/1"), (Texts{"2026-03", "2026-03", "2026-11-01T00:00:00Z", "2026-02"}));
    EXPECT_EQ(made(Dates::year, "Patient/1"), (Texts{"2026", "2026", "2026-01-01T00:00:00Z", "2026"}));
    const auto shifted = made(Dates::shift, "Patient/1");
    const auto day_of = [](const std::string& text) {
        const auto date = calendar::parse_date(text.substr(0, 10));
        return calendar::days_from_civil(date->year, date->month, date->day);
    };
    EXPECT_EQ(day_of(shifted[1]) - day_of(shifted[0]), 10);  // a stay stays as long
    EXPECT_EQ(day_of(shifted[2]) - day_of(shifted[0]), day_of("2026-11-22") - day_of("2026-03-01"));
    const auto back = day_of("2026-03-01") - day_of(shifted[0]);
    EXPECT_GE(back, 1);
    EXPECT_LE(back, 365);
    EXPECT_EQ(shifted[0].substr(10), "T08:30:00+08:00");
    EXPECT_EQ(shifted[3].size(), 7u);
    EXPECT_EQ(made(Dates::shift, "Patient/1"), shifted);
    EXPECT_NE(made(Dates::shift, "Patient/2"), shifted);
    EXPECT_NE(key_for(example_key, "a"), key_for(example_key, "b"));
    EXPECT_EQ(key_for(example_key, "a").size(), 64u);
}

TEST(Deidentify, TheExampleCasesComeOutAsTheySayAndAWrongOneIsNamed) {
    const testing::ScratchFolder folder;
    fs::create_directories(folder.path() / "deidentify");
    fs::copy(source / "content/deidentify", folder.path() / "deidentify", fs::copy_options::recursive);
    const auto complaints = [&] {
        std::vector<content::Complaint> found;
        std::size_t checked = 0;
        check_shelf(*content::Files::over(folder.path()), found, checked);
        EXPECT_GE(checked, 10u);
        std::vector<std::string> lines;
        for (const content::Complaint& each : found) lines.push_back(each.file + " " + each.where + " " + each.what);
        return lines;
    };
    EXPECT_EQ(complaints(), std::vector<std::string>{});
    std::ofstream(folder.path() / "deidentify/cases/wrong.json")
        << R"({"says":"the name stays","resource":{"resourceType":"Patient","name":[{"text":"A"}]},"expected":{"resourceType":"Patient","name":[{"text":"A"}]}})";
    std::ofstream(folder.path() / "deidentify/cases/mute.json") << R"({"resource":{"resourceType":"Patient"},"expected":null})";
    const auto found = complaints();
    ASSERT_EQ(found.size(), 2u);
    EXPECT_TRUE(found[0].starts_with("deidentify/cases/mute.json says is missing")) << found[0];
    EXPECT_TRUE(found[1].starts_with("deidentify/cases/wrong.json expected differs")) << found[1];
    EXPECT_EQ(found[1].find("\"A\""), std::string::npos) << found[1];
}

/// Every string that stands under a key, anywhere.
void strings_under(json::Value value, std::string_view key, std::string_view wanted, std::set<std::string>& found) {
    if (value.is_string() && key == wanted) found.insert(std::string(value.string()));
    for (const json::Node& item : value.items()) strings_under(json::Value(&item), key, wanted, found);
    for (const json::Member& member : value.members()) strings_under(member.value(), member.key(), wanted, found);
}

/// Of a Bundle, or of NDJSON.
std::vector<json::Value> resources_of(const fs::path& file, json::Arena& arena) {
    std::vector<json::Value> all;
    const std::string text = testing::read_packed(file);
    if (file.string().find(".ndjson") == std::string::npos) {
        const auto bundle = json::parse(text, arena);
        std::map<std::string, std::string> names;  // as importing resolves them
        for (const json::Node& entry : bundle->find("entry").items()) {
            const json::Value one = json::Value(&entry).find("resource");
            names.emplace(json::Value(&entry).find("fullUrl").string(),
                          fmt::format("{}/{}", one.find("resourceType").string(), one.find("id").string()));
            all.push_back(one);
        }
        for (json::Value& one : all) {
            std::string resolved = json::write(one);
            for (std::size_t at = 0; (at = resolved.find("\"urn:uuid:", at)) != std::string::npos; ++at) {
                const auto name = names.find(resolved.substr(at + 1, resolved.find('"', at + 1) - at - 1));
                if (name != names.end()) resolved.replace(at + 1, name->first.size(), name->second);
            }
            one = *json::parse(arena.keep(resolved), arena);
        }
        return all;
    }
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const auto one = json::parse(std::string_view(text).substr(at, end - at), arena);
        if (one.ok()) all.push_back(*one);
        at = end + 1;
    }
    return all;
}

/// Looked for in the text that comes out, without knowing the rules: names, phones, streets, numbers, exact birth dates.
std::set<std::string> persons_in(json::Value resource) {
    std::set<std::string> all;
    for (const char* key : {"family", "given", "line", "birthDate", "div", "postalCode", "data", "valueString", "birthTime"})
        strings_under(resource, "", key, all);
    for (const char* list : {"name", "telecom", "identifier"}) {
        for (const json::Node& one : resource.find(list).items()) {
            strings_under(json::Value(&one), "", "value", all);
            if (list == std::string_view("name")) strings_under(json::Value(&one), "", "text", all);
        }
    }
    for (const char* list : {"given", "line"}) {
        for (const json::Node& name : resource.find("name").items()) {
            for (const json::Node& part : json::Value(&name).find(list).items())
                all.insert(std::string(json::Value(&part).string()));
        }
        for (const json::Node& address : resource.find("address").items()) {
            for (const json::Node& part : json::Value(&address).find(list).items())
                all.insert(std::string(json::Value(&part).string()));
        }
    }
    std::erase_if(all, [](const std::string& each) { return each.size() < 6; });  // short ones stand in codes too
    return all;
}

TEST(Deidentify, NothingOfAPersonComesOutOfTheSamplesAndReferencesStillJoin) {
    const Deidentifier deidentifier = example();
    std::size_t seen = 0, joined = 0;
    for (const fs::path& file : testing::files_below(source / "content/samples", ".json.gz")) {
        json::Arena arena;
        std::set<std::string> before, after;
        for (const json::Value resource : resources_of(file, arena)) {
            const json::Value out = deidentifier.apply(resource, arena);
            if (!out) continue;
            ++seen;
            const std::string text = json::write(out);
            const fhir::Type& type = *fhir::find_resource(resource.find("resourceType").string());
            for (const std::string& secret : persons_in(resource)) {
                EXPECT_EQ(text.find("\"" + secret + "\""), std::string::npos)
                    << type.name << " " << resource.find("id").string() << " tells " << secret;
            }
            EXPECT_EQ(text.find(resource.find("id").string()), std::string::npos) << text.substr(0, 200);
            EXPECT_TRUE(fhir::validate(out).issues.empty()) << fhir::validate(out).line() << "\n" << text.substr(0, 500);
            after.insert(fmt::format("{}/{}", type.name, out.find("id").string()));
            std::set<std::string> references;
            strings_under(out, "", "reference", references);
            before.insert(references.begin(), references.end());
        }
        for (const std::string& reference : before) joined += after.contains(reference);
    }
    EXPECT_GT(seen, 3'000u);
    EXPECT_GT(joined, 500u);
}

TEST(Deidentify, EveryExampleOfR4StaysValid) {
    const Deidentifier deidentifier = example();
    json::Arena arena;
    std::size_t seen = 0;
    for (const json::Value resource : resources_of(source / "src/fhir/testdata/r4-examples.ndjson.gz", arena)) {
        if (!fhir::validate(resource).issues.empty()) continue;
        const json::Value out = deidentifier.apply(resource, arena);
        if (!out) continue;
        ++seen;
        const Outcome outcome = fhir::validate(out);
        EXPECT_TRUE(outcome.issues.empty()) << resource.find("resourceType").string() << "/" << resource.find("id").string()
                                            << ": " << outcome.line();
    }
    EXPECT_GT(seen, 700u);
}

TEST(Deidentify, AnotherKeyGivesOtherPseudonymsAndIsToldApart) {
    const Deidentifier one = example();
    const auto other = Deidentifier::make(content::Files(), std::string(40, 'x'), 2026);
    ASSERT_TRUE(other.ok());
    const fhir::Type& patient = *fhir::find_resource("Patient");
    EXPECT_NE(one.id_of(patient, "p1"), other->id_of(patient, "p1"));
    EXPECT_NE(one.id_of(patient, "p1"), one.id_of(*fhir::find_resource("Group"), "p1"));
    EXPECT_NE(one.key_mark(), other->key_mark());
    EXPECT_EQ(one.key_mark().size(), 8u);
}

TEST(Deidentify, WrongRulesAndShortKeysAreRefusedByName) {
    EXPECT_EQ(Deidentifier::make(content::Files(), "short", 2026).outcome().line().substr(0, 4), "key:");
    const testing::ScratchFolder folder;
    fs::create_directories(folder.path() / "deidentify");
    const auto refusal = [&](const std::string& rules) {
        std::ofstream(folder.path() / "deidentify/rules.json") << rules;
        auto files = content::Files::over(folder.path());
        const auto made = Deidentifier::make(*files, std::string(32, 'x'), 2026);
        return made.ok() ? std::string() : made.outcome().line();
    };
    EXPECT_EQ(refusal(R"({"ages_up_to":89})"), "");
    EXPECT_NE(refusal(R"({})").find("ages_up_to"), std::string::npos);
    EXPECT_NE(refusal(R"({"ages_up_to":89,"elements":{"Patient.birthday":"keep"}})").find("Patient.birthday: is not in R4"),
              std::string::npos);
    EXPECT_NE(refusal(R"({"ages_up_to":89,"elements":{"Patient.birthDate":"blur"}})").find("no way of treating"),
              std::string::npos);
    EXPECT_NE(refusal(R"({"ages_up_to":89,"leave_out":["Horse"]})").find("no resource type"), std::string::npos);
    EXPECT_NE(refusal("{").find("rules.json"), std::string::npos);
}

}  // namespace
}  // namespace xinglin::bulk
