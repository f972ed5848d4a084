// SPDX-License-Identifier: Apache-2.0
// $match and $ihe-pix, asked without sockets.
#include "api/test_persons.h"

namespace xinglin::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PersonOperationsTest : public PersonsTest {
protected:
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
    EXPECT_THAT(found.body, Not(HasSubstr("Patient/a"))) << "has none of that system";
    EXPECT_THAT(found.body, Not(HasSubstr("13039919")));
    const auto all = send("GET", "/fhir/Patient/$ihe-pix?sourceIdentifier=urn:hospital%7CH1").body;
    for (const std::string& said : {std::string("C7"), std::string("130399198508170427"), persons.enterprise_of("a")})
        EXPECT_THAT(all, HasSubstr(said));
    EXPECT_THAT(all, Not(HasSubstr("\"H1\""))) << "not the one asked with";
    EXPECT_EQ(all.find("130399198508170427"), all.rfind("130399198508170427")) << "told twice, named once";
    const auto two =
        send("GET",
             "/fhir/Patient/"
             "$ihe-pix?sourceIdentifier=urn:clinic%7CC7&targetSystem=urn:hospital&targetSystem=urn:xinglin:enterprise-id");
    EXPECT_THAT(two.body, HasSubstr("H1"));
    EXPECT_THAT(two.body, HasSubstr(persons.enterprise_of("a")));
    EXPECT_THAT(send("GET", "/fhir/Patient/$ihe-pix?sourceIdentifier=urn:xinglin:enterprise-id%7C" + persons.enterprise_of("a") +
                                "&targetSystem=urn:clinic")
                    .body,
                HasSubstr("C7"));
}

TEST_F(PersonOperationsTest, PixTakesParametersAndSaysNothingWhereThereIsNothing) {
    const auto posted = send(
        "POST", "/fhir/Patient/$ihe-pix",
        R"({"resourceType":"Parameters","parameter":[{"name":"sourceIdentifier","valueIdentifier":{"system":"urn:hospital","value":"H1"}},{"name":"targetSystem","valueUri":"urn:clinic"}]})");
    EXPECT_EQ(posted.status, 200);
    EXPECT_THAT(posted.body, HasSubstr("C7"));
    ASSERT_EQ(
        send(
            "PUT", "/fhir/Patient/z",
            R"({"resourceType":"Patient","id":"z","name":[{"text":"何远"}],"identifier":[{"system":"urn:hospital","value":"H9"}]})")
            .status,
        201);
    persons.catch_up();
    const auto none = send("GET", "/fhir/Patient/$ihe-pix?sourceIdentifier=urn:hospital%7CH9&targetSystem=urn:clinic");
    EXPECT_EQ(none.status, 200);
    EXPECT_THAT(none.body, Not(HasSubstr("parameter")));
}

// ITI-83, the cases of 2:3.83.4.2.2.
TEST_F(PersonOperationsTest, PixRefusesAsItsProfileSays) {
    const auto refused = [&](const std::string& query, int status, const std::string& code, const std::string& words) {
        const auto answer = send("GET", "/fhir/Patient/$ihe-pix" + query);
        EXPECT_EQ(answer.status, status) << query;
        EXPECT_THAT(answer.body, HasSubstr("\"code\":\"" + code + "\"")) << query;
        EXPECT_THAT(answer.body, HasSubstr(words)) << query;
    };
    refused("?sourceIdentifier=urn:hospital%7CH2", 404, "not-found", "sourceIdentifier Patient Identifier not found");
    refused("?sourceIdentifier=urn:stranger%7CH1", 400, "code-invalid", "sourceIdentifier Assigning Authority not found");
    refused("?sourceIdentifier=urn:hospital%7CH1&targetSystem=urn:stranger", 403, "code-invalid", "targetSystem not found");
    refused("?sourceIdentifier=H1", 400, "required", "system|value");
    refused("", 400, "required", "system|value");
    refused("?sourceIdentifier=urn:hospital%7CH1&domain=x", 400, "not-supported", "");
    ASSERT_TRUE(persons.rule({.kind = "split", .members = {"b"}, .who = "doctor"}).ok());
    refused("?sourceIdentifier=urn:oid:2.16.156.10011.1.3%7C130399198508170427", 412, "multiple-matches", "several persons");
    doctor.role = access::Role::planner;
    EXPECT_EQ(send("GET", "/fhir/Patient/$ihe-pix?sourceIdentifier=urn:hospital%7CH1").status, 403);
}

// ITI-119, case 5: certain of two persons is certain of none.
TEST_F(PersonOperationsTest, OnlyCertainMatchesAreOfOnePerson) {
    const std::string said =
        R"("name":[{"text":"马雨桐"}],"birthDate":"1985-08-17","gender":"female","telecom":[{"system":"phone","value":"16011112222"}],"identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"130399198508170427"}],"address":[{"text":"某市某区石河镇五里台村17号"}])";
    const std::string certain = R"(,{"name":"onlyCertainMatches","valueBoolean":true})";
    EXPECT_THAT(send("POST", "/fhir/Patient/$match", asked(said, certain)).body, HasSubstr("\"total\":1"));
    EXPECT_THAT(send("POST", "/fhir/Patient/$match", asked(said, R"(,{"name":"count","valueInteger":1})")).body,
                HasSubstr("\"total\":1"));
    EXPECT_EQ(send("POST", "/fhir/Patient/$match", "{\"resourceType\":\"Patient\"," + said + "}").status, 200);
    ASSERT_TRUE(persons.rule({.kind = "split", .members = {"b"}, .who = "doctor"}).ok());
    EXPECT_THAT(send("POST", "/fhir/Patient/$match", asked(said, certain)).body, HasSubstr("\"total\":0"));
}

// ITI-104: a feed is conditional updates, and removing is a conditional deletion.
TEST_F(PersonOperationsTest, AFeedIsTakenAndAnsweredAtOnce) {
    const std::string address = "/fhir/Patient?identifier=urn:station%7CS1";
    const std::string told =
        R"({"resourceType":"Patient","active":true,"name":[{"text":"马雨桐"}],"gender":"female","birthDate":"1985-08-17","identifier":[{"system":"urn:station","value":"S1"},{"system":"urn:oid:2.16.156.10011.1.3","value":"130399198508170427"}]})";
    ASSERT_EQ(send("PUT", address, told).status, 201);
    ASSERT_EQ(send("PUT", address, told).status, 200);
    persons.catch_up();
    EXPECT_THAT(send("GET", "/fhir/Patient/$ihe-pix?sourceIdentifier=urn:station%7CS1&targetSystem=urn:hospital").body,
                HasSubstr("H1"));
    ASSERT_EQ(send("DELETE", address).status, 204);
    persons.catch_up();
    EXPECT_THAT(send("GET", "/fhir/Patient/$ihe-pix?sourceIdentifier=urn:hospital%7CH1").body, Not(HasSubstr("S1")));
}

// ITI-78: each parameter by itself, and the two combinations a supplier must know.
TEST_F(PersonOperationsTest, DemographicsAreAskedForAsTheProfileSays) {
    ASSERT_EQ(
        send(
            "PUT", "/fhir/Patient/q",
            R"({"resourceType":"Patient","id":"q","active":true,"name":[{"family":"MOHR","given":["ALICE"]}],"gender":"female","birthDate":"1958-01-30","telecom":[{"system":"phone","value":"555-0100"}],"identifier":[{"system":"urn:oid:1.2.3","value":"994"}],"address":[{"line":["1 Main St"],"city":"Chicago","state":"IL","postalCode":"60606","country":"US"}]})")
            .status,
        201);
    for (const std::string query :
         {"_id=q", "active=true", "family=Mohr", "family:exact=MOHR", "given=Alice", "identifier=urn:oid:1.2.3%7C994",
          "telecom=555-0100", "birthdate=1958-01-30", "address=Chicago", "address-city=Chicago", "address-country=US",
          "address-postalcode=60606", "address-state=IL", "family=MOHR&gender=female", "birthdate=1958-01-30&family=MOHR",
          "identifier=urn:oid:1.2.3%7C,urn:oid:4.5.6%7C"}) {
        EXPECT_THAT(send("GET", "/fhir/Patient?" + query).body, HasSubstr("\"id\":\"q\"")) << query;
    }
    EXPECT_THAT(send("GET", "/fhir/Patient?family=Nobody").body, HasSubstr("\"total\":0"));
    EXPECT_EQ(send("GET", "/fhir/Patient?_id=q&_format=application/pdf").status, 406);
}

}  // namespace
}  // namespace xinglin::api
