// SPDX-License-Identifier: Apache-2.0
// The record of a person is that of all the person's Patients: $everything, searches, the header, who looked; and splits at once.
#include "api/test_persons.h"

namespace xinglin::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class UnionTest : public PersonsTest {
protected:
    void SetUp() override {
        PersonsTest::SetUp();
        ASSERT_EQ(
            send("PUT", "/fhir/Patient/other",
                 R"({"resourceType":"Patient","id":"other","name":[{"text":"何远"}],"gender":"male","birthDate":"1950-01-02"})")
                .status,
            201);
        for (const char* id : {"a", "b", "other"})
            for (const char* number : {"1", "2", "3"}) observation(id, std::string(id) + number);
        persons.catch_up();
        ASSERT_EQ(persons.patients("b").size(), 2u);
    }
    void observation(const std::string& patient, const std::string& id) {
        ASSERT_EQ(send("PUT", "/fhir/Observation/" + id,
                       R"({"resourceType":"Observation","id":")" + id +
                           R"(","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/)" + patient + "\"}}")
                      .status,
                  201);
    }
    std::vector<std::string> ids(const http::Response& response) {
        EXPECT_EQ(response.status, 200) << response.body;
        json::Arena arena;
        const auto bundle = json::parse(response.body, arena);
        std::vector<std::string> all;
        for (const json::Node& node : (*bundle)["entry"].items()) all.emplace_back(json::Value(&node)["resource"]["id"].string());
        return all;
    }
    std::string next_of(const http::Response& response) {
        json::Arena arena;
        const auto bundle = json::parse(response.body, arena);
        for (const json::Node& node : (*bundle)["link"].items()) {
            const json::Value link(&node);
            if (link["relation"].string() == "next")
                return std::string(link["url"].string().substr(std::string_view("http://test:8080").size()));
        }
        return {};
    }
    void split_b() { ASSERT_TRUE(persons.rule({.kind = "split", .members = {"b"}, .who = "doctor"}).ok()); }
};

TEST_F(UnionTest, EverythingIsTheRecordOfThePersonTheOneAskedForFirst) {
    const auto all = send("GET", "/fhir/Patient/b/$everything");
    EXPECT_THAT(ids(all), ElementsAre("b", "b1", "b2", "b3", "a", "a1", "a2", "a3"));
    EXPECT_EQ(all.headers.get("X-Xinglin-Person"), persons.enterprise_of("a"));
    EXPECT_THAT(ids(send("GET", "/fhir/Patient/b/$everything?_person=false")), ElementsAre("b", "b1", "b2", "b3"));
    EXPECT_THAT(ids(send("GET", "/fhir/Patient/b/$everything?_type=Observation")),
                ElementsAre("b1", "b2", "b3", "a1", "a2", "a3"));
    EXPECT_EQ(send("GET", "/fhir/Patient/b/$everything?_person=perhaps").status, 422);
    split_b();
    EXPECT_THAT(ids(send("GET", "/fhir/Patient/b/$everything")), ElementsAre("b", "b1", "b2", "b3"));
}

TEST_F(UnionTest, SinceTakesWhatIsNewInAnyOfTheRecords) {
    clock.move(60'000);
    const std::string since = calendar::instant_text(clock.now_ms());
    observation("a", "a9");
    EXPECT_THAT(ids(send("GET", "/fhir/Patient/b/$everything?_since=" + since)), ElementsAre("a9"));
}

TEST_F(UnionTest, PagesNeitherSkipNorRepeatWhatIsThereAllTheWhile) {
    std::vector<std::string> seen;
    int pages = 0;
    for (std::string next = "/fhir/Patient/b/$everything?_count=3"; !next.empty(); ++pages) {
        const auto page = send("GET", next);
        for (std::string& id : ids(page)) seen.push_back(std::move(id));
        next = next_of(page);
        observation("b", "between" + std::to_string(pages));  // would move what is counted
        if (pages == 0) send("DELETE", "/fhir/Observation/b1");
    }
    EXPECT_EQ(pages, 3);
    std::erase_if(seen, [](const std::string& id) { return id.starts_with("between"); });
    EXPECT_THAT(seen, ElementsAre("b", "b1", "b2", "b3", "a", "a1", "a2", "a3"));
}

TEST_F(UnionTest, PagesOfAPersonThatWasRegroupedAreRefused) {
    const std::string next = next_of(send("GET", "/fhir/Patient/a/$everything?_count=3"));
    ASSERT_THAT(next, HasSubstr("_page="));
    split_b();
    EXPECT_EQ(send("GET", next).status, 409);
    EXPECT_EQ(send("GET", "/fhir/Patient/a/$everything?_count=3&_page=4").status, 422);
    EXPECT_EQ(send("GET", "/fhir/Patient/a/$everything?_count=3&_page=0123456789abcdef.9.9").status, 409);
}

TEST_F(UnionTest, EverythingIsFoundByAnyIdentifierOfThePerson) {
    const auto ids_by = [&](const std::string& identifier) {
        return ids(send("GET", "/fhir/Patient/$everything?_type=Observation&identifier=" + identifier));
    };
    EXPECT_THAT(ids_by("urn:clinic%7CC7"), ElementsAre("b1", "b2", "b3", "a1", "a2", "a3"));
    EXPECT_THAT(ids_by("urn:xinglin:enterprise-id%7C" + persons.enterprise_of("b")),
                ElementsAre("a1", "a2", "a3", "b1", "b2", "b3"));
    EXPECT_EQ(send("GET", "/fhir/Patient/$everything").status, 422);
    EXPECT_EQ(send("GET", "/fhir/Patient/$everything?identifier=urn:clinic%7Cnobody").status, 404);
    EXPECT_EQ(send("GET", "/fhir/Patient/$everything?identifier=C7").status, 422);
    const auto page = send("GET", "/fhir/Patient/$everything?_count=2&identifier=urn:clinic%7CC7");
    EXPECT_THAT(next_of(page), HasSubstr("/fhir/Patient/b/$everything"));
    EXPECT_THAT(next_of(page), Not(HasSubstr("C7")));
    split_b();
    EXPECT_EQ(send("GET", "/fhir/Patient/$everything?identifier=urn:oid:2.16.156.10011.1.3%7C130399198508170427").status, 412)
        << "one number, two persons";
}

TEST_F(UnionTest, SearchesMayAskForThePerson) {
    EXPECT_THAT(ids(send("GET", "/fhir/Observation?patient=Patient/b&_person=true&_sort=_id")),
                ElementsAre("a1", "a2", "a3", "b1", "b2", "b3"));
    EXPECT_THAT(ids(send("GET", "/fhir/Observation?patient=b&_person=true&_sort=_id")),
                ElementsAre("a1", "a2", "a3", "b1", "b2", "b3"));
    EXPECT_THAT(ids(send("GET", "/fhir/Observation?subject=Patient/b,Patient/other&_person=true&_sort=_id")),
                ElementsAre("a1", "a2", "a3", "b1", "b2", "b3", "other1", "other2", "other3"));
    EXPECT_THAT(ids(send("GET", "/fhir/Observation?patient=Patient/b&_sort=_id")), ElementsAre("b1", "b2", "b3"));
    EXPECT_EQ(send("GET", "/fhir/Observation?code=x&_person=true").status, 422);
    EXPECT_EQ(send("GET", "/fhir/Observation?patient=Patient/b&_person=yes").status, 422);
    std::vector<std::string> paged;
    for (std::string next = "/fhir/Observation?patient=b&_person=true&_sort=_id&_count=4"; !next.empty();) {
        const auto page = send("GET", next);
        for (std::string& id : ids(page)) paged.push_back(std::move(id));
        next = next_of(page);
        if (!next.empty()) split_b();  // links name the Patients: the pages that were begun are gone on with
    }
    EXPECT_THAT(paged, ElementsAre("a1", "a2", "a3", "b1", "b2", "b3"));
}

TEST_F(UnionTest, ThePastIsThatOfAllRecords) {
    const std::string position = std::to_string(store->figures().position);
    observation("a", "a9");
    const auto then = send("GET", "/fhir/Patient/b/$everything?_asOf=" + position);
    EXPECT_THAT(ids(then), UnorderedElementsAre("b", "b1", "b2", "b3", "a", "a1", "a2", "a3"));
    EXPECT_THAT(ids(send("GET", "/fhir/Patient/b/$everything?_person=false&_asOf=" + position)),
                UnorderedElementsAre("b", "b1", "b2", "b3"));
    EXPECT_THAT(send("GET", "/api/v1/people/b/timeline").body, HasSubstr("\"versions\":9"));
}

TEST_F(UnionTest, TheHeaderCountsAllRecordsAndSaysWhoTells) {
    const auto header = send("GET", "/api/v1/people/b");
    json::Arena arena;
    const auto head = json::parse(header.body, arena);
    ASSERT_TRUE(head.ok()) << header.body;
    EXPECT_EQ((*head)["counts"]["Observation"].text(), "6");
    EXPECT_EQ((*head)["records"].size(), 2u);
    EXPECT_EQ((*head)["enterprise_id"].string(), persons.enterprise_of("a"));
    EXPECT_EQ((*head)["identifiers"].size(), 3u) << "the number both tell, H1, C7: " << header.body;
    EXPECT_EQ((*head)["phones"].size(), 1u);
    EXPECT_THAT(send("POST", "/api/v1/people/a/reveal", R"({"field":"identifier","index":1})").body, HasSubstr("H1"));
    split_b();
    EXPECT_THAT(send("GET", "/api/v1/people/b").body, HasSubstr("\"Observation\":3"));
}

TEST_F(UnionTest, TheHeaderShowsWhatSurvivesOfAllRecordsWithWhoToldIt) {
    ASSERT_EQ(
        send(
            "PUT", "/fhir/Patient/a",
            R"({"resourceType":"Patient","id":"a","meta":{"source":"urn:xinglin:source:his#7"},"name":[{"text":"马雨桐"}],"gender":"male","birthDate":"1985-08-17","deceasedDateTime":"2026-01-31","identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"130399198508170427"}]})")
            .status,
        200);
    persons.catch_up();
    ASSERT_EQ(persons.patients("b").size(), 2u);
    json::Arena arena;
    const auto head = json::parse(arena.keep(send("GET", "/api/v1/people/b").body), arena);
    EXPECT_EQ((*head)["sex"].string(), "female") << "the identity number says so";
    EXPECT_EQ((*head)["deceased"].text(), "true");
    EXPECT_EQ((*head)["deceased_at"].string(), "2026-01-31");
    bool told = false;
    for (const json::Node& node : (*head)["golden"].items()) {
        const json::Value each(&node);
        if (each["field"].string() == "deceased") told = each["from"][std::size_t{0}]["source"].string() == "his";
        if (each["field"].string() == "identifier") {
            EXPECT_EQ(each["value"].string().find("0427"), 14u) << "masked";
        }
    }
    EXPECT_TRUE(told);
    const auto alone = json::parse(arena.keep(send("GET", "/api/v1/people/a?_person=false").body), arena);
    EXPECT_EQ((*alone)["sex"].string(), "male") << "what that source says";
}

TEST_F(UnionTest, RelativesAreToldOnceAndLeadToTheirOwnRecords) {
    const auto mother = [&](const std::string& id, const std::string& patient) {
        ASSERT_EQ(
            send(
                "PUT", "/fhir/RelatedPerson/" + id,
                R"({"resourceType":"RelatedPerson","id":")" + id + R"(","patient":{"reference":"Patient/)" + patient +
                    R"("},"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"MTH","display":"mother"}]}],"name":[{"text":"马雨桐"}],"identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"130399198508170427"}]})")
                .status,
            201);
    };
    mother("m1", "other");
    mother("m2", "other");
    json::Arena arena;
    const auto child = json::parse(arena.keep(send("GET", "/api/v1/people/other").body), arena);
    ASSERT_EQ((*child)["relatives"].size(), 1u) << "told twice, shown once";
    const json::Value shown = (*child)["relatives"][std::size_t{0}];
    EXPECT_EQ(shown["code"].string(), "MTH");
    EXPECT_EQ(shown["person"].string(), "a");
    EXPECT_EQ(shown["masked"].string().find("19850817"), std::string_view::npos);
    const auto parent = json::parse(arena.keep(send("GET", "/api/v1/people/b").body), arena);
    ASSERT_EQ((*parent)["relatives"].size(), 1u);
    EXPECT_EQ((*parent)["relatives"][std::size_t{0}]["code"].string(), "CHILD");
    EXPECT_EQ((*parent)["relatives"][std::size_t{0}]["name"].string(), "何远");
    doctor = {.account = 2, .name = "ma", .role = access::Role::resident, .scope = "patient/b"};
    const auto own = json::parse(arena.keep(send("GET", "/api/v1/people/b").body), arena);
    EXPECT_EQ((*own)["relatives"].size(), 0u) << "a resident is not led to somebody else's record";
}

TEST_F(UnionTest, OneLookAtThePersonIsWrittenDownForEachPatientAndShownOnce) {
    send("GET", "/fhir/Patient/b/$everything");
    json::Arena arena;
    const auto of_a = json::parse(arena.keep(send("GET", "/api/v1/people/a/accesses").body), arena);
    const auto of_b = json::parse(arena.keep(send("GET", "/api/v1/people/b/accesses").body), arena);
    const auto reads = [](json::Value page) {
        int count = 0;
        for (const json::Node& node : page["accesses"].items()) count += json::Value(&node)["what"].string() == "read";
        return count;
    };
    EXPECT_EQ(reads(*of_a), 1);
    EXPECT_EQ(reads(*of_b), 1);
    audit.flush();
    EXPECT_GE(audit.of_patient("a", 10).total, 1u);
    split_b();
    EXPECT_GE(audit.of_patient("b", 10).total, 1u) << "what was seen stays written, whoever it turns out to be";
}

}  // namespace
}  // namespace xinglin::api
