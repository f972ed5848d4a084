// SPDX-License-Identifier: Apache-2.0
// What residents, counters and doctors can do, and what of it counts; on both engines.
#include "consent/desk.h"
#include "consent/test_house.h"

namespace xinglin::consent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class DeskTest : public ConsentTest {
protected:
    std::vector<Notice> told;
    Desk desk{*store, *persons, clock, *consents, [this](const Notice& notice) { told.push_back(notice); }};
    const Hand own{.account = "anna", .performer = "anna"};

    void SetUp() override {
        person("anna", "马雨桐", "1990-03-01", 22);
        put("Organization", "hospital", R"(,"name":"人民医院")");
        put("Practitioner", "li", R"(,"name":[{"text":"李医生"}])");
    }
    template <typename T>
    static std::string why(const Result<T>& result) {
        return result.ok() ? "" : result.outcome().line();
    }
    /// Every resource of a type is sound FHIR.
    void all_sound(const char* type) {
        auto reader = store->reader(access::Viewer::program("test"));
        reader.scan(fhir::find_resource(type), [&](const record::Version& version) {
            json::Arena arena;
            const auto parsed = json::parse(version.body, arena);
            const Outcome outcome = fhir::validate(*parsed);
            EXPECT_TRUE(outcome.ok()) << outcome.line() << "\n" << version.body;
            return true;
        });
    }
};

TEST_F(DeskTest, ClosesAnInstitutionAndOpensItAgain) {
    const auto closed = desk.decide({.patient = "anna", .permit = false, .institution = "hospital"}, own);
    ASSERT_TRUE(closed.ok()) << closed.outcome().line();
    EXPECT_EQ(closed->name, "人民医院");
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("-" + closed->id)) << "counts when the call returns";
    clock.move(60'000);
    const auto open = desk.decide({.patient = "anna", .permit = true, .institution = "hospital"}, own);
    ASSERT_TRUE(open.ok());
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("+" + open->id));
    const auto all = desk.decisions("anna");
    ASSERT_THAT(all, SizeIs(2));
    EXPECT_EQ(all[0].state, "active");
    EXPECT_EQ(all[1].state, "ended");
    EXPECT_EQ(all[1].reason, "replaced");
    ASSERT_TRUE(desk.end(open->id, "anna", own, "").ok());
    EXPECT_THAT(seen("anna", doctor()), IsEmpty());
    EXPECT_THAT(why(desk.end(open->id, "anna", own, "")), HasSubstr("ended already"));
    all_sound("Consent");
}

TEST_F(DeskTest, ClosesCategoriesForATime) {
    const auto closed = desk.decide({.patient = "anna", .categories = {"mental", "hiv", "hiv"}, .until = "2026-12-31"}, own);
    ASSERT_TRUE(closed.ok()) << closed.outcome().line();
    EXPECT_THAT(closed->categories, ElementsAre("hiv", "mental"));
    EXPECT_TRUE(closed->whole);
    EXPECT_THAT(seen("anna", doctor()), SizeIs(1));
    clock.move(60 * day_ms);
    EXPECT_THAT(seen("anna", doctor()), IsEmpty());
    EXPECT_EQ(desk.decisions("anna")[0].state, "over");
    all_sound("Consent");
}

TEST_F(DeskTest, ReopensEverything) {
    ASSERT_TRUE(desk.decide({.patient = "anna"}, own).ok());
    ASSERT_TRUE(desk.decide({.patient = "anna", .practitioner = "li"}, own).ok());
    ASSERT_TRUE(desk.decide({.patient = "anna", .permit = true, .institution = "hospital"}, own).ok());
    EXPECT_EQ(*desk.reopen("anna", own), 2u);
    EXPECT_THAT(seen("anna", doctor()), SizeIs(1));
    EXPECT_EQ(*desk.reopen("anna", own), 0u);
}

TEST_F(DeskTest, RefusesWhatCannotBeMeant) {
    EXPECT_THAT(why(desk.decide({.patient = "nobody"}, own)), StartsWith("patient:"));
    EXPECT_THAT(why(desk.decide({.patient = "anna", .institution = "x"}, own)), StartsWith("institution:"));
    EXPECT_THAT(why(desk.decide({.patient = "anna", .institution = "hospital", .practitioner = "li"}, own)),
                StartsWith("practitioner:"));
    EXPECT_THAT(why(desk.decide({.patient = "anna", .categories = {"everything"}}, own)), StartsWith("categories:"));
    EXPECT_THAT(why(desk.decide({.patient = "anna", .until = "soon"}, own)), StartsWith("until:"));
    EXPECT_THAT(why(desk.decide({.patient = "anna", .until = "2020-01-01"}, own)), StartsWith("until:"));
    EXPECT_THAT(why(desk.decide({.patient = "anna"}, {.account = "desk"})), StartsWith("document:"))
        << "at a counter it is a paper";
    EXPECT_TRUE(
        desk.decide({.patient = "anna"}, {.account = "desk", .institution = "hospital", .document = "2026-0117", .witness = "王"})
            .ok());
    EXPECT_EQ(desk.decisions("anna")[0].document, "2026-0117");
    person("other", "苏嘉懿", "1975-07-09", 33);
    const std::string id = desk.decisions("anna")[0].id;
    EXPECT_THAT(why(desk.end(id, "other", own, "")), HasSubstr("no such consent")) << "somebody else's";
}

TEST_F(DeskTest, ProxyIsAppliedForConfirmedAndEnded) {
    person("kid", "马小雨", "2014-05-05", 44);
    put("RelatedPerson", "r1", R"(,"patient":{"reference":"Patient/kid"},"name":[{"text":"马雨桐"}])");
    put("RelatedPerson", "r2", R"(,"patient":{"reference":"Patient/kid"},"name":[{"text":"别人"}])");
    const Hand counter{.account = "desk", .document = "户口簿 0117"};
    const auto waits = desk.make_proxy({.ward = "kid", .holder = "anna", .relation = "parent", .waits = true}, own);
    ASSERT_TRUE(waits.ok()) << waits.outcome().line();
    EXPECT_EQ(waits->state, "waiting");
    EXPECT_EQ(waits->until, "2032-05-05");
    EXPECT_THAT(consents->proxies("anna", clock.now_ms()), IsEmpty());
    EXPECT_THAT(why(desk.make_proxy({.ward = "kid", .holder = "anna", .relation = "parent", .waits = true}, own)),
                HasSubstr("applied"));
    EXPECT_THAT(why(desk.confirm_proxy(waits->id, {.account = "desk"}, false)), StartsWith("document:"));
    ASSERT_TRUE(desk.confirm_proxy(waits->id, counter, false).ok());
    EXPECT_THAT(consents->proxies("anna", clock.now_ms()), SizeIs(1));
    EXPECT_THAT(desk.held_by("anna"), SizeIs(1));
    ASSERT_TRUE(desk.end(waits->id, "kid", counter, "").ok());
    EXPECT_THAT(consents->proxies("anna", clock.now_ms()), IsEmpty());
    EXPECT_THAT(why(desk.make_proxy({.ward = "kid", .holder = "anna", .relation = "parent", .proof = "RelatedPerson/r2"},
                                    {.account = "desk"})),
                StartsWith("proof:"));
    EXPECT_TRUE(
        desk.make_proxy({.ward = "kid", .holder = "anna", .relation = "parent", .proof = "RelatedPerson/r1"}, {.account = "desk"})
            .ok());
    EXPECT_THAT(consents->proxies("anna", clock.now_ms()), SizeIs(1));
    all_sound("Consent");
}

TEST_F(DeskTest, ProxyIsOfAgeAndTheWardAgreesWhereItMust) {
    person("kid", "马小雨", "2011-05-05", 44);
    person("grown", "苏嘉懿", "1950-07-09", 33);
    const Hand counter{.account = "desk", .document = "1"};
    EXPECT_THAT(why(desk.make_proxy({.ward = "anna", .holder = "kid", .relation = "power", .agreed = true}, counter)),
                StartsWith("holder:"));
    EXPECT_THAT(why(desk.make_proxy({.ward = "kid", .holder = "anna", .relation = "parent"}, counter)), StartsWith("agreed:"));
    EXPECT_THAT(why(desk.make_proxy({.ward = "grown", .holder = "anna", .relation = "parent"}, counter)), StartsWith("ward:"));
    EXPECT_THAT(why(desk.make_proxy({.ward = "grown", .holder = "anna", .relation = "friend"}, counter)),
                StartsWith("relation:"));
    EXPECT_THAT(why(desk.make_proxy({.ward = "anna", .holder = "anna", .relation = "power", .agreed = true}, counter)),
                StartsWith("holder:"));
    EXPECT_THAT(why(desk.make_proxy(
                    {.ward = "grown", .holder = "anna", .relation = "power", .until = "2040-01-01", .agreed = true}, counter)),
                HasSubstr("no later than 2027-11-22"));
    const auto power =
        desk.make_proxy({.ward = "grown", .holder = "anna", .relation = "power"}, {.account = "grown", .performer = "grown"});
    ASSERT_TRUE(power.ok()) << power.outcome().line();
    EXPECT_THAT(consents->proxies("anna", clock.now_ms())[0].withheld, IsEmpty());
    EXPECT_EQ(desk.somebody(testing::sound_number("130399", "19500709", 33), "苏嘉懿"), "grown");
    EXPECT_EQ(desk.somebody(testing::sound_number("130399", "19500709", 33), "苏"), "");
    EXPECT_EQ(desk.somebody("1,2|3", "苏嘉懿"), "");
}

TEST_F(DeskTest, RequestCountsOnlyOnceItIsAccepted) {
    const Hand asking{.account = "doctor-li"};
    const AccessWish wish{.patient = "anna", .practitioner = "li", .name = "李医生", .reason = "术前会诊", .months = 2};
    const auto asked = desk.ask(wish, asking);
    ASSERT_TRUE(asked.ok()) << asked.outcome().line();
    EXPECT_EQ(asked->state, "waiting");
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(told[0].kind, "request");
    EXPECT_THAT(seen("anna", doctor()), IsEmpty());
    EXPECT_THAT(why(desk.ask(wish, asking)), HasSubstr("asked already"));
    EXPECT_THAT(why(desk.answer(asked->id, "nobody", true, own)), HasSubstr("no such request"));
    const auto accepted = desk.answer(asked->id, "anna", true, own);
    ASSERT_TRUE(accepted.ok());
    EXPECT_EQ(accepted->state, "accepted");
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("+" + asked->id));
    EXPECT_THAT(why(desk.answer(asked->id, "anna", false, own)), HasSubstr("answered already"));
    const auto again = desk.ask(wish, asking);
    EXPECT_EQ(desk.answer(again->id, "anna", false, own)->state, "declined");
    EXPECT_THAT(desk.asked_by("doctor-li"), SizeIs(2));
    const auto late = desk.ask(wish, asking);
    clock.move(20 * day_ms);
    EXPECT_THAT(why(desk.answer(late->id, "anna", true, own)), HasSubstr("waited too long"));
    clock.move(60 * day_ms);
    EXPECT_THAT(seen("anna", doctor()), IsEmpty()) << "two months are over";
    all_sound("Consent");
}

TEST_F(DeskTest, EmergencyIsShortForOneAccountAndReviewed) {
    const auto take = [&](const access::Viewer& viewer, const char* code, const char* reason) {
        return desk.open_in_emergency({.patient = "anna", .reason_code = code, .reason = reason}, viewer);
    };
    EXPECT_THAT(why(take(doctor(), "bored", "昏迷送来")), StartsWith("reason_code:"));
    EXPECT_THAT(why(take(doctor(), "unconscious", "急")), StartsWith("reason:"));
    access::Viewer planner = doctor();
    planner.role = access::Role::planner;
    EXPECT_THAT(why(take(planner, "unconscious", "昏迷送来")), StartsWith("role:"));
    const auto before = consents->generation();
    const auto taken = take(doctor(), "unconscious", "昏迷送来，家属不在");
    ASSERT_TRUE(taken.ok()) << taken.outcome().line();
    EXPECT_NE(consents->generation(), before);
    EXPECT_EQ(told.back().kind, "emergency");
    const auto running = [&](const access::Viewer& viewer) { return consents->emergencies(viewer, clock.now_ms()); };
    ASSERT_THAT(running(doctor()), SizeIs(1));
    EXPECT_EQ(running(doctor())[0].patient, "anna");
    access::Viewer other = doctor();
    other.account = 8;
    EXPECT_THAT(running(other), IsEmpty()) << "an account of the same name, made later";
    consents->catch_up();
    {
        const auto restarted = open();
        EXPECT_THAT(restarted->emergencies(doctor(), clock.now_ms()), SizeIs(1)) << "after a restart";
    }
    EXPECT_THAT(desk.emergencies_of("anna"), SizeIs(1));
    clock.move(31 * 60'000);
    EXPECT_THAT(running(doctor()), IsEmpty());
    EXPECT_THAT(desk.reviews("open", 10), SizeIs(1));
    EXPECT_THAT(desk.reviews("overdue", 10), IsEmpty());
    clock.move(2 * day_ms);
    EXPECT_EQ(desk.reviews("open", 10)[0].state, "overdue");
    EXPECT_THAT(why(desk.review(taken->id, "justified", "", "doctor-li")), StartsWith("reviewer:"));
    EXPECT_THAT(why(desk.review(taken->id, "abuse", "", "officer")), StartsWith("note:"));
    ASSERT_TRUE(desk.review(taken->id, "justified", "已核对急诊病历", "officer").ok());
    EXPECT_THAT(desk.reviews("open", 10), IsEmpty());
    EXPECT_THAT(desk.reviews("reviewed", 10), SizeIs(1));
    all_sound("Basic");
}

TEST_F(DeskTest, ReviewIsDueAtTheEndOfTheNextWorkingDay) {
    const auto due = [&](const char* at) {
        const auto moment = calendar::parse_instant(at);
        return calendar::instant_text(review_due_ms(calendar::span_of(*moment, 0).low_ms, settings.emergency));
    };
    EXPECT_EQ(due("2026-11-19T10:00:00+08:00"), "2026-11-20T10:00:00.000Z") << "Thursday";
    EXPECT_EQ(due("2026-11-20T10:00:00+08:00"), "2026-11-23T10:00:00.000Z") << "Friday";
    EXPECT_EQ(due("2026-11-21T23:30:00+08:00"), "2026-11-23T10:00:00.000Z") << "Saturday night";
}

TEST_F(DeskTest, OnlyItsOwnDoorsWriteWhatItWrites) {
    const auto ours = [](const char* text) {
        json::Arena arena;
        return is_ours(*json::parse(text, arena));
    };
    EXPECT_TRUE(ours(R"({"resourceType":"Basic","code":{"coding":[{"system":"urn:xinglin:emergency","code":"emergency"}]}})"));
    EXPECT_TRUE(ours(R"({"resourceType":"Basic","id":"emergency-1"})"));
    EXPECT_TRUE(ours(
        R"({"resourceType":"Consent","category":[{"coding":[{"system":"x"}]},{"coding":[{"system":"urn:xinglin:consent","code":"proxy"}]}]})"));
    EXPECT_TRUE(ours(R"({"resourceType":"Consent","id":"consent-00000000-0000-4000-8000-000000000001"})"));
    EXPECT_FALSE(ours(R"({"resourceType":"Consent","id":"consent-example"})"));
    EXPECT_FALSE(ours(R"({"resourceType":"Consent","id":"c","category":[{"text":"x"}]})"));
    EXPECT_FALSE(ours(R"({"resourceType":"Patient"})"));
}

}  // namespace
}  // namespace xinglin::consent
