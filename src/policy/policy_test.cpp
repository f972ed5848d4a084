// SPDX-License-Identifier: Apache-2.0
// What the rules of content/access promise, on a store: who sees whom, at once and in totals; and that the cases of the content hold.
#include "policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "consent/settings.h"
#include "person/settings.h"
#include "policy/label.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t now_ms = 1'795'305'600'000;  // 2026-11-22

class PolicyTest : public ::testing::Test {
protected:
    PolicyTest() : clock_(now_ms) {
        record::Options options{.offset_minutes = std::int16_t{480}, .store = testing::store_beside(folder_.path() / "data")};
        const Labeller labeller = Labeller::read(content::Files()).value();
        options.mark = [labeller](const fhir::Type& type, json::Value resource, json::Arena& arena) {
            return labeller.mark(type, resource, arena);
        };
        store_ = record::Store::open(folder_.path() / "data", clock_, options).value();
        policies_ = std::make_unique<Policies>(*store_, Policies::Asked{}, clock_, Book::read(content::Files()).value());
        put(R"({"resourceType":"Organization","id":"h1","name":"一院","identifier":[{"system":"s","value":"yiyuan"}]})");
        put(R"({"resourceType":"Organization","id":"room","name":"某村卫生室","identifier":[{"system":"s","value":"cunwei"}]})");
        patient("a", "330102001201");
        patient("b", "330102001202");
        patient("c", "330103001201");
    }
    void put(const std::string& text) {
        json::Arena arena;
        const json::Value resource = json::parse(text, arena).value();
        const fhir::Type& type = *fhir::find_resource(resource["resourceType"].string());
        const record::Prepared ready = store_->prepare(type, resource["id"].string(), resource);
        ASSERT_TRUE(store_
                        ->submit_and_wait([&](record::Transaction& t) -> Result<Done> {
                            t.put(ready, false, false);
                            return Done{};
                        })
                        .ok());
    }
    void patient(const std::string& id, const std::string& division) {
        put(R"({"resourceType":"Patient","id":")" + id +
            R"(","address":[{"extension":[{"url":"urn:xinglin:extension:division-code","valueString":")" + division +
            R"("}],"text":"某处"}]})");
    }
    void finding(const std::string& id, const std::string& patient, const std::string& code,
                 const std::string& source = "other") {
        put(R"({"resourceType":"Condition","id":")" + id + R"(","meta":{"source":"urn:xinglin:source:)" + source +
            R"("},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":")" + code +
            R"("}]},"subject":{"reference":"Patient/)" + patient + "\"}}");
    }
    void visit(const std::string& id, const std::string& patient, const std::string& organization, const std::string& day) {
        put(R"({"resourceType":"Encounter","id":")" + id +
            R"(","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/)" + patient +
            R"("},"period":{"start":")" + day + R"(","end":")" + day + R"("},"serviceProvider":{"reference":"Organization/)" +
            organization + "\"}}");
    }
    access::Viewer viewer(access::Role role, std::string institution = "", std::string area = "") {
        access::Viewer viewer;
        viewer.account = 1;
        viewer.name = "somebody";
        viewer.role = role;
        viewer.institution = std::move(institution);
        viewer.area = std::move(area);
        viewer.guard = policies_->guard(viewer).value();
        return viewer;
    }
    std::vector<std::string> found(const access::Viewer& viewer, std::string_view search) {
        const search::Query query = query_of(search).value();
        const record::Found found = store_->reader(viewer).search(query).value();
        std::vector<std::string> ids;
        for (const auto& entry : found.entries) ids.push_back(entry.version.id);
        std::sort(ids.begin(), ids.end());
        EXPECT_EQ(found.total, ids.size());
        return ids;
    }
    Result<search::Query> query_of(std::string_view search) {
        const std::size_t mark = search.find('?');
        const fhir::Type* const types[] = {fhir::find_resource(search.substr(0, mark))};
        std::vector<std::pair<std::string, std::string>> parameters;
        if (mark != std::string_view::npos) {
            const std::size_t equals = search.find('=', mark);
            parameters.emplace_back(search.substr(mark + 1, equals - mark - 1), search.substr(equals + 1));
        }
        return search::parse(types, parameters, {});
    }

    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    std::unique_ptr<record::Store> store_;
    std::unique_ptr<Policies> policies_;
};

TEST_F(PolicyTest, AVillageDoctorSeesTheVillage) {
    finding("x", "a", "I10");
    finding("y", "b", "I10");
    const access::Viewer doctor = viewer(access::Role::clinician, "room", "330102001201");
    EXPECT_THAT(found(doctor, "Patient"), ElementsAre("a"));
    EXPECT_THAT(found(doctor, "Condition?code=I10"), ElementsAre("x"));
    EXPECT_THAT(found(doctor, "Condition?subject=Patient/b"), IsEmpty());
    EXPECT_THAT(found(viewer(access::Role::clinician, "room", "330102"), "Patient"), ElementsAre("a", "b"));
}

TEST_F(PolicyTest, AHospitalSeesWhoWasThereWithinAYear) {
    visit("v1", "b", "h1", "2026-03-01");
    visit("v2", "c", "h1", "2024-03-01");
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Patient"), ElementsAre("b"));
    EXPECT_THAT(found(viewer(access::Role::clinician, "room"), "Patient"), IsEmpty());
}

TEST_F(PolicyTest, WhoComesInIsSeenAsSoonAsASetIsLookedAtAgain) {
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Patient"), IsEmpty());
    visit("v1", "b", "h1", "2026-11-22");
    clock_.move(2'000);
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Patient"), ElementsAre("b"));
}

TEST_F(PolicyTest, WhomSomebodyTakesInIsTheirsWithTheNextRequest) {
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Patient"), IsEmpty());
    const access::Viewer other = viewer(access::Role::clinician, "room", "330102001201");
    visit("v1", "b", "h1", "2026-11-22");
    policies_->wrote(viewer(access::Role::clinician, "h1"), "Observation");
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Patient"), IsEmpty()) << "no set asks for findings";
    policies_->wrote(viewer(access::Role::clinician, "h1"), "Encounter");
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Patient"), ElementsAre("b"));
    EXPECT_EQ(viewer(access::Role::clinician, "room", "330102001201").guard, other.guard);
}

TEST_F(PolicyTest, WhatIsSensitiveIsMarkedWhenItIsStoredAndSeenByWhoWroteIt) {
    visit("v1", "a", "h1", "2026-11-01");
    finding("hiv", "a", "B20.1", "yiyuan");
    finding("mind", "a", "F20.0");
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Condition"), ElementsAre("hiv"));
    EXPECT_THAT(found(viewer(access::Role::clinician), "Condition"), IsEmpty());
    EXPECT_THAT(found(viewer(access::Role::epidemiologist, "cdc", "33"), "Condition"), ElementsAre("hiv"));
    EXPECT_THAT(found(access::Viewer::program("test"), "Condition?_security=PSY"), ElementsAre("mind"));
}

TEST_F(PolicyTest, ADecisionSaysWhichRuleMadeItAndWhy) {
    const fhir::Type& patients = *fhir::find_resource("Patient");
    const auto in = policies_->decide(viewer(access::Role::clinician, "room", "330102001201"), patients, "a").value();
    EXPECT_TRUE(in.permit);
    EXPECT_EQ(in.rule, "area");
    EXPECT_EQ(in.why.zh, "住在本辖区的居民");
    const auto out = policies_->decide(viewer(access::Role::clinician, "room", "330102001201"), patients, "c").value();
    EXPECT_FALSE(out.permit);
    EXPECT_EQ(out.rule, "nothing");
    EXPECT_FALSE(policies_->decide(viewer(access::Role::clinician, "room", "33"), patients, "nobody").value().exists);
    EXPECT_FALSE(policies_->decide(viewer(access::Role::administrator), patients, "c").value().permit);
    const Policies made_up(*store_, Policies::Asked{}, clock_, Book::read(content::Files()).value().of_demonstration());
    EXPECT_TRUE(made_up.decide(viewer(access::Role::administrator), patients, "c").value().permit)
        << "of a demonstration everything";
}

TEST_F(PolicyTest, ASetIsAskedOnceWhileNothingIsWritten) {
    const access::Viewer one = viewer(access::Role::clinician, "h1"), again = viewer(access::Role::clinician, "h1");
    EXPECT_EQ(one.guard, again.guard);
    clock_.move(5'000);
    EXPECT_EQ(one.guard, viewer(access::Role::clinician, "h1").guard) << "nothing was written: the same guard goes on";
}

TEST_F(PolicyTest, WhatAResidentDecidesChangesTheGuardsOfThoseItConcernsAtOnceAndNoOthers) {
    for (const char* id : {"a", "b"})
        visit(std::string("v1") + id, id, "h1", "2026-11-01"), visit(std::string("v2") + id, id, "room", "2026-11-01");
    person::Persons persons(*store_, clock_, person::Settings::read(content::Files()).value(),
                            {.file = folder_.path() / "person.db", .follow = false});
    consent::Consents consents(*store_, persons, clock_, consent::Settings::read(content::Files()).value(), {.follow = false});
    policies_ =
        std::make_unique<Policies>(*store_, Policies::Asked{&consents, &persons}, clock_, Book::read(content::Files()).value());
    const auto decides = [&](const std::string& id, const std::string& patient, const std::string& status,
                             const std::string& whom) {
        put(R"({"resourceType":"Consent","id":")" + id + R"(","status":")" + status +
            R"(","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"text":"privacy"}],"patient":{"reference":"Patient/)" +
            patient + R"("},"provision":{"type":"deny")" + whom + "}}");
        consents.catch_up();
    };
    const std::string to_h1 = R"(,"actor":[{"role":{"text":"x"},"reference":{"reference":"Organization/h1"}}])";
    const auto of = [&](const char* institution) { return viewer(access::Role::clinician, institution).guard; };
    const auto h1 = of("h1"), room = of("room");
    decides("one", "a", "active", to_h1);
    EXPECT_NE(of("h1"), h1);
    EXPECT_EQ(of("room"), room) << "not made again";
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Patient"), ElementsAre("b"));
    EXPECT_THAT(found(viewer(access::Role::clinician, "room"), "Patient"), ElementsAre("a", "b"));
    decides("two", "b", "active", "");
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Patient"), IsEmpty());
    EXPECT_THAT(found(viewer(access::Role::clinician, "room"), "Patient"), ElementsAre("a"));
    decides("one", "a", "inactive", to_h1);
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Patient"), ElementsAre("a"))
        << "what was closed by a guard is asked of again";
    clock_.move(700'000);
    visit("v3", "c", "h1", "2026-11-22");
    EXPECT_THAT(found(viewer(access::Role::clinician, "h1"), "Patient"), ElementsAre("a", "c"));
}

TEST(PolicyContent, HoldsInAllItsCases) {
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(content::Files(), complaints, checked);
    for (const content::Complaint& complaint : complaints)
        ADD_FAILURE() << complaint.file << ": " << complaint.where << ": " << complaint.what;
    EXPECT_GT(checked, 30u);
}

TEST(PolicyContent, IsRefusedByNameWhenARuleIsNotUnderstood) {
    testing::ScratchFolder folder;
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string text = *content::Files().read("access/policy.json");
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos);
        text.replace(at, from.size(), to);
        std::filesystem::create_directories(folder.path() / "access");
        std::ofstream(folder.path() / "access/policy.json") << text;
        return Book::read(content::Files::over(folder.path()).value());
    };
    EXPECT_THAT(with("\"patients\": \"in-care\"", "\"patients\": \"in-cave\"").outcome().line(),
                ::testing::HasSubstr("care.patients"));
    EXPECT_THAT(with("\"labels\": \"sensitive\"", "\"lables\": \"sensitive\"").outcome().line(), ::testing::HasSubstr("lables"));
    EXPECT_THAT(with("\"kind\": \"emergency\"", "\"kind\": \"urgency\"").outcome().line(),
                ::testing::HasSubstr("emergency.kind"));
    EXPECT_THAT(with("\"clinician\": [", "\"physician\": [").outcome().line(), ::testing::HasSubstr("physician"));
}

}  // namespace
}  // namespace xinglin::policy
