// SPDX-License-Identifier: Apache-2.0
// $match and $ihe-pix, asked without sockets.
#include <gmock/gmock.h>

#include <future>

#include "api/api.h"
#include "json/json.h"
#include "person/person.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PersonOperationsTest : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();
    access::Audit audit{folder.path()};
    ingest::Ingest ingest{*store};
    people::People people{*store};
    person::Persons persons{*store, clock, person::Settings::read(content::Files()).value(), {.follow = false}};
    Api api{*store, audit, ingest, people, clock, {.persons = &persons}};
    access::Viewer doctor{.account = 1, .name = "doctor", .display = "Doctor", .role = access::Role::clinician};

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(
            folder.path(), clock, {.readers = 4, .offset_minutes = 480, .store = xinglin::testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    http::Response send(std::string method, std::string target, std::string body = {}) {
        http::Request request;
        request.method = std::move(method);
        request.target = target;
        const std::size_t question = target.find('?');
        request.path = http::percent_decode(target.substr(0, question)).value();
        if (question != std::string::npos) request.query = target.substr(question + 1);
        request.body = std::move(body);
        request.headers.add("Host", "test:8080");
        if (!request.body.empty()) request.headers.add("Content-Type", "application/fhir+json");
        request.scheme = "http";
        auto promise = std::make_shared<std::promise<http::Response>>();
        auto future = promise->get_future();
        api.handle(std::move(request), doctor, [promise](http::Response response) { promise->set_value(std::move(response)); });
        return future.get();
    }
    void SetUp() override {
        const auto put = [this](const std::string& id, const std::string& number) {
            const std::string body =
                R"({"resourceType":"Patient","id":")" + id +
                R"(","name":[{"text":"马雨桐"}],"gender":"female","birthDate":"1985-08-17","telecom":[{"system":"phone","value":"16011112222"}],)" +
                R"("address":[{"text":"某市某区石河镇五里台村17号"}],"identifier":[)" + number + "]}";
            ASSERT_EQ(send("PUT", "/fhir/Patient/" + id, body).status, 201);
        };
        const std::string resident = R"({"system":"urn:oid:2.16.156.10011.1.3","value":"130399198508170427"})";
        put("a", resident + R"(,{"system":"urn:hospital","value":"H1"})");
        put("b", resident + R"(,{"system":"urn:clinic","value":"C7"})");
        persons.catch_up();
    }
    static std::string asked(const std::string& patient, const std::string& more = "") {
        return R"({"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient",)" + patient +
               "}}" + more + "]}";
    }
};

TEST_F(PersonOperationsTest, MatchTellsWhoItMayBeAndHowSureItIs) {
    const auto found = send(
        "POST", "/fhir/Patient/$match",
        asked(
            R"("name":[{"text":"马雨桐"}],"birthDate":"1985-08-17","gender":"female","telecom":[{"system":"phone","value":"16011112222"}])"));
    ASSERT_EQ(found.status, 200) << found.body;
    json::Arena arena;
    const auto bundle = json::parse(found.body, arena);
    ASSERT_TRUE(bundle.ok()) << found.body;
    EXPECT_EQ((*bundle)["type"].string(), "searchset");
    ASSERT_EQ((*bundle)["entry"].size(), 1u) << found.body;  // one person, though it has two records
    EXPECT_EQ((*bundle)["entry"][std::size_t{0}]["search"]["extension"][std::size_t{0}]["url"].string(),
              "http://hl7.org/fhir/StructureDefinition/match-grade");
    EXPECT_EQ((*bundle)["entry"][std::size_t{0}]["search"]["extension"][std::size_t{1}]["valueString"].string(),
              persons.enterprise_of("b"));
    EXPECT_THAT(send("POST", "/fhir/Patient/$match", asked(R"("name":[{"text":"谁也不是"}],"birthDate":"1901-01-01")")).body,
                HasSubstr("\"total\":0"));
    const std::string vague =
        asked(R"("name":[{"text":"马雨桐"}],"birthDate":"1985")", R"(,{"name":"onlyCertainMatches","valueBoolean":true})");
    EXPECT_THAT(send("POST", "/fhir/Patient/$match", vague).body, HasSubstr("\"total\":0"));
}

TEST_F(PersonOperationsTest, MatchRefusesWhatIsNoQuestion) {
    EXPECT_EQ(send("POST", "/fhir/Patient/$match", R"({"resourceType":"Parameters","parameter":[]})").status, 422);
    EXPECT_EQ(
        send("POST", "/fhir/Patient/$match", asked("\"gender\":\"female\"", R"(,{"name":"count","valueInteger":-1})")).status,
        422);
    EXPECT_EQ(
        send("POST", "/fhir/Patient/$match", asked("\"gender\":\"female\"", R"(,{"name":"threshold","valueDecimal":1})")).status,
        400);
    doctor.role = access::Role::planner;
    EXPECT_EQ(send("POST", "/fhir/Patient/$match", asked("\"gender\":\"female\"")).status, 403);
}

TEST_F(PersonOperationsTest, PixTellsTheOtherIdentifiers) {
    const auto found = send("GET", "/fhir/Patient/$ihe-pix?sourceIdentifier=urn:hospital%7CH1&targetSystem=urn:clinic");
    ASSERT_EQ(found.status, 200) << found.body;
    EXPECT_THAT(found.body, HasSubstr(R"("value":"C7")"));
    EXPECT_THAT(found.body, HasSubstr("Patient/b"));
    EXPECT_THAT(found.body, Not(HasSubstr("13039919")));
    EXPECT_EQ(send("GET", "/fhir/Patient/$ihe-pix?sourceIdentifier=urn:hospital%7CH2").status, 404);
    EXPECT_EQ(send("GET", "/fhir/Patient/$ihe-pix?sourceIdentifier=H1").status, 422);
}

}  // namespace
}  // namespace xinglin::api
