// SPDX-License-Identifier: Apache-2.0
// What a viewer is told of residents' decisions: whom they name, for how long, which is the stronger; through merges and splits; on both engines.
#include "consent/test_house.h"

namespace xinglin::consent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST_F(ConsentTest, ClosingForEverybodyConcernsEverybody) {
    consent("c1", "anna", R"({"type":"deny"})");
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("-c1"));
    EXPECT_THAT(seen("anna", doctor("wang", "clinic")), ElementsAre("-c1"));
    EXPECT_THAT(seen("other", doctor()), IsEmpty());
    const auto all = consents->provisions(doctor(), clock.now_ms());
    ASSERT_THAT(all, SizeIs(1));
    EXPECT_EQ(all[0].patient, "anna");
    EXPECT_FALSE(all[0].named);
}

TEST_F(ConsentTest, NamesInstitutionsPractitionersPostsRolesAndAccounts) {
    put("PractitionerRole", "post",
        R"(,"practitioner":{"reference":"Practitioner/li"},"organization":{"reference":"Organization/hospital"})");
    consent("o", "anna", fmt::format(R"({{"type":"deny",{}}})", actor("Organization/hospital")));
    consent("p", "anna", fmt::format(R"({{"type":"permit",{}}})", actor("Practitioner/li")));
    consent("r", "anna", fmt::format(R"({{"type":"permit",{},{}}})", actor("PractitionerRole/post"), label("HIV")));
    consent(
        "n", "anna",
        R"({"type":"deny","actor":[{"role":{"coding":[{"system":"urn:xinglin:role","code":"epidemiologist"}]},"reference":{"display":"all of them"}}]})");
    consent(
        "a", "anna",
        R"({"type":"deny","actor":[{"role":{"text":"x"},"reference":{"identifier":{"system":"urn:xinglin:account","value":"doctor-zhao"}}}]})");
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("-o", "+p", "+r HIV"));
    EXPECT_THAT(seen("anna", doctor("wang")), ElementsAre("-o"));
    EXPECT_THAT(seen("anna", doctor("li", "clinic")), ElementsAre("+p")) << "the post is at the hospital";
    EXPECT_THAT(seen("anna", doctor("zhao", "clinic")), ElementsAre("-a"));
    access::Viewer epidemiologist = doctor("", "cdc");
    epidemiologist.role = access::Role::epidemiologist;
    EXPECT_THAT(seen("anna", epidemiologist), ElementsAre("-n"));
    put("PractitionerRole", "post",
        R"(,"practitioner":{"reference":"Practitioner/wang"},"organization":{"reference":"Organization/hospital"})");
    EXPECT_THAT(seen("anna", doctor("wang")), ElementsAre("-o", "+r HIV")) << "who holds the post now";
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("-o", "+p"));
}

TEST_F(ConsentTest, NamesAnInstitutionWithWhatIsPartOfIt) {
    put("Organization", "hospital", R"(,"name":"H")");
    put("Organization", "ward", R"(,"name":"W","partOf":{"reference":"Organization/hospital"})");
    put("Organization", "loop", R"(,"name":"L","partOf":{"reference":"Organization/loop"})");
    consent("closed", "anna", fmt::format(R"({{"type":"deny",{}}})", actor("Organization/hospital")));
    consent("open", "anna", fmt::format(R"({{"type":"permit",{}}})", actor("Organization/ward")));
    EXPECT_THAT(seen("anna", doctor("li", "ward")), ElementsAre("-closed", "+open"));
    EXPECT_THAT(seen("anna", doctor("li", "hospital")), ElementsAre("-closed"));
    EXPECT_THAT(seen("anna", doctor("li", "loop")), IsEmpty());
    const auto before = consents->generation();
    put("Organization", "ward", R"(,"name":"W")");
    EXPECT_NE(consents->generation(), before);
    EXPECT_THAT(seen("anna", doctor("li", "ward")), ElementsAre("+open"));
}

TEST_F(ConsentTest, NewestOfTheSameCountsAlone) {
    consent("first", "anna", fmt::format(R"({{"type":"deny",{}}})", actor("Organization/hospital")));
    consent("second", "anna", fmt::format(R"({{"type":"permit",{}}})", actor("Organization/hospital")));
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("+second"));
    consent("third", "anna", fmt::format(R"({{"type":"deny",{}}})", actor("Organization/hospital")),
            R"(,"dateTime":"2019-01-01")");
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("+second")) << "what was decided in 2019 and is written down now is older";
    consent("fourth", "anna", fmt::format(R"({{"type":"deny",{}}})", actor("Organization/hospital")),
            R"(,"dateTime":"2099-01-01")");
    consent("fifth", "anna", fmt::format(R"({{"type":"permit",{}}})", actor("Organization/hospital")));
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("+fifth")) << "nobody decides in the future";
}

TEST_F(ConsentTest, ClosedCategoryStaysClosedUnlessItIsNamed) {
    consent("closed", "anna", fmt::format(R"({{"type":"deny",{}}})", label("HIV")));
    consent("open", "anna", fmt::format(R"({{"type":"permit",{}}})", actor("Organization/hospital")));
    consent("li", "anna", fmt::format(R"({{"type":"permit",{}}})", actor("Practitioner/li")));
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("+open", "+li", "-closed HIV"));
    consent("both", "anna", fmt::format(R"({{"type":"permit",{},{}}})", actor("Organization/hospital"), label("HIV")));
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("+open", "+li", "-closed HIV", "+both HIV"));
    consent("not-li", "anna", fmt::format(R"({{"type":"deny",{}}})", actor("Practitioner/li")));
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("+open", "-closed HIV", "+both HIV", "-not-li"));
}

TEST_F(ConsentTest, CountsOnlyWhileItLasts) {
    const auto before = consents->generation();
    consent("c1", "anna", R"({"type":"deny","period":{"start":"2026-12-01","end":"2026-12-31"}})");
    const auto written = consents->generation();
    EXPECT_NE(before, written);
    EXPECT_THAT(seen("anna", doctor()), IsEmpty());
    clock.move(9 * day_ms);
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("-c1"));
    EXPECT_THAT(consents->changed_since(written), ::testing::Optional(ElementsAre("anna"))) << "it began by itself";
    EXPECT_EQ(consents->generation(), consents->generation());
    clock.move(30 * day_ms);
    const auto during = consents->generation();
    clock.move(2 * day_ms);
    EXPECT_NE(consents->generation(), during);
    EXPECT_THAT(seen("anna", doctor()), IsEmpty());
}

TEST_F(ConsentTest, EndedWithdrawnAndForeignConsentsDoNotCount) {
    consent("c1", "anna", R"({"type":"deny"})");
    put_text(
        "Consent", "c1",
        R"({"resourceType":"Consent","id":"c1","status":"inactive","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/anna"},"provision":{"type":"deny"}})");
    EXPECT_THAT(seen("anna", doctor()), IsEmpty());
    consent("c2", "anna", R"({"type":"deny"})");
    erase("Consent", "c2");
    EXPECT_THAT(seen("anna", doctor()), IsEmpty());
    put_text(
        "Consent", "c3",
        R"({"resourceType":"Consent","id":"c3","status":"active","scope":{"coding":[{"code":"research"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/anna"},"provision":{"type":"deny"}})");
    put_text(
        "Consent", "c4",
        R"({"resourceType":"Consent","id":"c4","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"https://elsewhere/Patient/anna"},"provision":{"type":"deny"}})");
    EXPECT_THAT(seen("anna", doctor()), IsEmpty());
}

TEST_F(ConsentTest, FollowsThePersonThroughMergeAndSplit) {
    person("anna", "马雨桐", "1990-03-01", 22);
    person("other", "苏嘉懿", "1975-07-09", 33);
    consent("c1", "anna", R"({"type":"deny"})");
    EXPECT_THAT(seen("other", doctor()), IsEmpty());
    const auto before = consents->generation();
    ASSERT_TRUE(persons->rule({.kind = "link", .a = "anna", .b = "other", .who = "li"}).ok());
    follow();
    EXPECT_THAT(consents->changed_since(before), ::testing::Optional(ElementsAre("anna", "other")));
    EXPECT_THAT(seen("other", doctor()), ElementsAre("-c1"));
    consent("c2", "other", R"({"type":"permit"})");
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("+c2")) << "the same person, the newer decision";
    std::vector<std::string> all;
    for (const auto& each : consents->provisions(doctor(), clock.now_ms())) all.push_back(each.patient + " " + each.consent);
    EXPECT_THAT(all, UnorderedElementsAre("anna c2", "other c2"));
    ASSERT_TRUE(persons->rule({.kind = "split", .members = {"other"}, .who = "li"}).ok());
    follow();
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("-c1"));
    EXPECT_THAT(seen("other", doctor()), ElementsAre("+c2"));
}

TEST_F(ConsentTest, KnowsAllOfItAfterARestart) {
    person("anna", "马雨桐", "1990-03-01", 22);
    consent("c1", "anna", R"({"type":"deny"})");
    consents = open();
    EXPECT_THAT(seen("anna", doctor()), ElementsAre("-c1"));
    EXPECT_EQ(consents->changed_since(0), std::nullopt) << "whoever asks from before must ask for all";
}

TEST_F(ConsentTest, ProxyEndsAtEighteenAndWithholdsFromFourteen) {
    person("kid", "马小雨", "2014-05-05", 44);
    person("mum", "马雨桐", "1990-03-01", 22);
    put_text(
        "Consent", "proxy",
        R"({"resourceType":"Consent","id":"proxy","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},)"
        R"("category":[{"coding":[{"system":"urn:xinglin:consent","code":"proxy"}]}],"patient":{"reference":"Patient/kid"},)"
        R"("provision":{"type":"permit","actor":[{"role":{"coding":[{"system":"urn:xinglin:consent-relation","code":"parent"}]},)"
        R"("reference":{"reference":"Patient/mum"}}]}})");
    const auto shown = [&](const char* patient) { return consents->proxies(patient, clock.now_ms()); };
    ASSERT_THAT(shown("mum"), SizeIs(1));
    EXPECT_EQ(shown("mum")[0].patient, "kid");
    EXPECT_EQ(shown("mum")[0].relation, "parent");
    EXPECT_THAT(shown("mum")[0].withheld, IsEmpty());
    EXPECT_EQ(calendar::instant_text(shown("mum")[0].until_ms), "2032-05-04T16:00:00.000Z");
    EXPECT_THAT(shown("kid"), IsEmpty());
    const auto before = consents->generation();
    clock.move(600 * day_ms);
    EXPECT_NE(consents->generation(), before) << "the ward has become fourteen";
    EXPECT_THAT(shown("mum")[0].withheld, ::testing::Contains("mental"));
    EXPECT_THAT(shown("mum")[0].withheld_labels, SizeIs(::testing::Ge(5u)));
    clock.move(1'500 * day_ms);
    EXPECT_THAT(shown("mum"), IsEmpty());
    clock.move(-2'100 * day_ms);
    person("kid", "马小雨", "2000-05-05", 45);
    EXPECT_THAT(shown("mum"), IsEmpty()) << "the day of birth was corrected";
}

}  // namespace
}  // namespace xinglin::consent
