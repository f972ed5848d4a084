// SPDX-License-Identifier: Apache-2.0
// The record as it was, and patches.
#include <gtest/gtest.h>

#include <future>

#include "access/audit.h"
#include "api/api.h"
#include "json/json.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::api {
namespace {

class AsOfTest : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();
    access::Audit audit{folder.path()};
    ingest::Ingest ingest{*store};
    people::People people{*store};
    Api api{*store, audit, ingest, people, clock, {}};
    access::Viewer doctor{.account = 1, .name = "doctor", .role = access::Role::clinician};

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(
            folder.path(), clock, {.readers = 4, .offset_minutes = 0, .store = xinglin::testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    http::Response send(std::string method, const std::string& target, std::string body = {},
                        const std::string& type = "application/fhir+json", const std::string& if_match = "") {
        http::Request request;
        request.method = std::move(method);
        request.target = target;
        const std::size_t question = target.find('?');
        request.path = target.substr(0, question);
        if (question != std::string::npos) request.query = target.substr(question + 1);
        if (!body.empty()) request.headers.add("Content-Type", type);
        if (!if_match.empty()) request.headers.add("If-Match", if_match);
        request.body = std::move(body);
        auto promise = std::make_shared<std::promise<http::Response>>();
        auto future = promise->get_future();
        api.handle(std::move(request), doctor, [promise](http::Response response) { promise->set_value(std::move(response)); });
        return future.get();
    }
    http::Response patch(const std::string& target, const std::string& body, const std::string& if_match = "") {
        return send("PATCH", target, body, "application/json-patch+json", if_match);
    }
    void put(const std::string& type, const std::string& id, const std::string& rest) {
        const auto response =
            send("PUT", "/fhir/" + type + "/" + id, R"({"resourceType":")" + type + R"(","id":")" + id + "\"" + rest + "}");
        ASSERT_LT(response.status, 300) << response.body;
    }
    std::string ids(const http::Response& response) {
        json::Arena arena;
        const auto bundle = json::parse(response.body, arena);
        std::vector<std::string> all;
        for (const json::Node& node : bundle->find("entry").items()) {
            const json::Value resource = json::Value(&node).find("resource");
            all.push_back(std::string(resource.find("id").string()) + "/" +
                          std::string(resource.find("meta").find("versionId").string()));
        }
        std::sort(all.begin(), all.end());
        std::string out;
        for (const std::string& each : all) out += (out.empty() ? "" : " ") + each;
        return out;
    }
};

TEST_F(AsOfTest, ReadsAgreeWithHistoryAtEveryPositionAndInstant) {
    put("Patient", "a", R"(,"gender":"male")");
    clock.move(86'400'000);
    put("Patient", "a", R"(,"gender":"female")");
    clock.move(86'400'000);
    ASSERT_EQ(send("DELETE", "/fhir/Patient/a").status, 204);
    const auto at = [&](const std::string& when) { return send("GET", "/fhir/Patient/a?_asOf=" + when); };
    EXPECT_EQ(at("0").status, 404);
    EXPECT_EQ(at("1").headers.get("ETag"), "W/\"1\"");
    EXPECT_EQ(at("1").headers.get("X-Xinglin-As-Of"), "1");
    EXPECT_NE(at("2").body.find("female"), std::string::npos);
    EXPECT_EQ(at("3").status, 410);
    EXPECT_EQ(at("4").status, 422) << "the future";
    EXPECT_EQ(at("2099-01-01").status, 422);
    EXPECT_EQ(at("soon").status, 422);
    const std::int64_t now_ms = clock.now_ms();
    EXPECT_EQ(at(calendar::instant_text(now_ms - 2 * 86'400'000)).headers.get("ETag"), "W/\"1\"");
    EXPECT_EQ(at(calendar::instant_text(now_ms - 86'400'000 - 1)).headers.get("ETag"), "W/\"1\"");
    EXPECT_EQ(at(calendar::instant_text(now_ms - 86'400'000).substr(0, 10)).headers.get("ETag"), "W/\"2\"")
        << "the end of that day";
    EXPECT_EQ(at(calendar::instant_text(now_ms)).status, 410);
}

TEST_F(AsOfTest, EverythingAsOfIsTheCompartmentAsItWas) {
    const auto observation = [&](const std::string& id, const std::string& patient) {
        put("Observation", id, R"(,"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/)" + patient + "\"}");
    };
    put("Patient", "a", "");                 // 1
    put("Patient", "b", "");                 // 2
    observation("o1", "a");                  // 3
    observation("o2", "a");                  // 4
    observation("o1", "b");                  // 5: has changed hands
    send("DELETE", "/fhir/Observation/o2");  // 6
    observation("o3", "a");                  // 7
    const auto at = [&](int position) {
        return ids(send("GET", "/fhir/Patient/a/$everything?_asOf=" + std::to_string(position)));
    };
    EXPECT_EQ(at(1), "a/1");
    EXPECT_EQ(at(4), "a/1 o1/1 o2/1");
    EXPECT_EQ(at(5), "a/1 o2/1");
    EXPECT_EQ(at(6), "a/1");
    EXPECT_EQ(at(7), "a/1 o3/1");
    EXPECT_EQ(ids(send("GET", "/fhir/Patient/a/$everything?_asOf=4&_type=Observation")), "o1/1 o2/1");
    EXPECT_EQ(send("GET", "/fhir/Patient/a/$everything?_asOf=0").status, 404);
    EXPECT_EQ(send("GET", "/fhir/Patient/a/$everything?_asOf=99").status, 422);
}

TEST_F(AsOfTest, SearchesAnswerAsTheyWouldHaveThen) {
    const auto observation = [&](const std::string& id, const std::string& patient, const std::string& status) {
        put("Observation", id,
            R"(,"status":")" + status + R"(","code":{"text":"x"},"subject":{"reference":"Patient/)" + patient + "\"}");
    };
    put("Patient", "a", R"(,"gender":"male")");  // 1
    put("Patient", "b", "");                     // 2
    observation("o1", "a", "final");             // 3
    observation("o2", "a", "preliminary");       // 4
    clock.move(86'400'000);
    observation("o1", "b", "final");               // 5: has changed hands
    send("DELETE", "/fhir/Observation/o2");        // 6
    observation("o3", "a", "final");               // 7
    observation("o3", "a", "amended");             // 8
    put("Patient", "a", R"(,"gender":"female")");  // 9
    const auto at = [&](const std::string& path, int position) {
        return ids(send(
            "GET", "/fhir/" + path + (path.find('?') == std::string::npos ? "?" : "&") + "_asOf=" + std::to_string(position)));
    };
    EXPECT_EQ(at("Observation", 2), "");
    EXPECT_EQ(at("Observation", 4), "o1/1 o2/1");
    EXPECT_EQ(at("Observation", 5), "o1/2 o2/1");
    EXPECT_EQ(at("Observation", 9), "o1/2 o3/2");
    EXPECT_EQ(at("Observation?status=final", 4), "o1/1");
    EXPECT_EQ(at("Observation?status=final", 7), "o1/2 o3/1");
    EXPECT_EQ(at("Observation?patient=a", 4), "o1/1 o2/1");
    EXPECT_EQ(at("Observation?patient=a", 6), "");
    EXPECT_EQ(at("Patient/a/Observation", 4), "o1/1 o2/1");
    EXPECT_EQ(at("Patient/a/Observation", 5), "o2/1");
    EXPECT_EQ(at("Patient/b/Observation", 4), "");
    EXPECT_EQ(at("Patient/b/Observation", 8), "o1/2");
    EXPECT_EQ(at("Patient/a/*", 4), "a/1 o1/1 o2/1");
    EXPECT_EQ(at("?_type=Patient,Observation", 4), "a/1 b/1 o1/1 o2/1");
    EXPECT_EQ(at("Patient?gender=male", 8), "a/1");
    EXPECT_EQ(at("Observation?_id=o1&_include=Observation:subject", 4), "a/1 o1/1");
    EXPECT_EQ(ids(send("POST", "/fhir/Observation/_search", "_asOf=4&status=preliminary", "application/x-www-form-urlencoded")),
              "o2/1");
    const std::string first_day = calendar::instant_text(clock.now_ms() - 86'400'000).substr(0, 10);
    const auto page = send("GET", "/fhir/Observation?_count=1&_asOf=" + first_day);
    EXPECT_EQ(page.headers.get("X-Xinglin-As-Of"), "4");
    EXPECT_NE(page.body.find("\"total\":2"), std::string::npos) << page.body;
    const std::size_t next = page.body.find("_asOf=4&_page=");
    ASSERT_NE(next, std::string::npos) << "the links name the position: " << page.body;
    const std::string rest = page.body.substr(next, page.body.find('"', next) - next);
    EXPECT_EQ(ids(page) + " " + ids(send("GET", "/fhir/Observation?_count=1&" + rest)), "o1/1 o2/1");
    EXPECT_NE(send("GET", "/fhir/Observation?_summary=count&_asOf=4").body.find("\"total\":2"), std::string::npos);
}

TEST_F(AsOfTest, ASearchSaysWhichMomentItCannotShow) {
    put("Patient", "a", "");
    const auto refused = [&](const std::string& query) {
        const auto response = send("GET", "/fhir/Patient?" + query);
        EXPECT_NE(response.body.find("OperationOutcome"), std::string::npos);
        EXPECT_NE(response.body.find("_asOf"), std::string::npos) << response.body;
        return response.status;
    };
    EXPECT_EQ(refused("_asOf=2"), 422) << "the future";
    EXPECT_EQ(refused("_asOf=2199-01-01"), 422);
    EXPECT_EQ(refused("_asOf=0"), 422) << "before the first version";
    EXPECT_EQ(refused("_asOf=1999-12-31"), 422);
    EXPECT_EQ(refused("_asOf=-1"), 422);
    EXPECT_EQ(refused("_asOf=yesterday"), 422);
    EXPECT_EQ(refused("_asOf=99999999999999999999"), 422);
    EXPECT_EQ(refused("_asOf=1&_asOf=1"), 422);
    for (const char* linked : {"organization.name=x", "_has:Observation:patient:status=final", "_revinclude=Observation:subject"})
        EXPECT_EQ(send("GET", std::string("/fhir/Patient?_asOf=1&") + linked).status, 200) << linked;
    EXPECT_EQ(send("GET", "/fhir/Patient?_asOf=").status, 200);
}

// Found while searches as of a position were made: what had changed was not asked for its compartment.
TEST_F(AsOfTest, LaterPagesOfACompartmentShowOnlyThatCompartment) {
    const auto observation = [&](const std::string& id, const std::string& patient) {
        put("Observation", id, R"(,"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/)" + patient + "\"}");
    };
    put("Patient", "a", "");
    put("Patient", "b", "");
    for (int i = 0; i < 3; ++i) observation("a" + std::to_string(i), "a");
    observation("b0", "b");
    const auto first = send("GET", "/fhir/Patient/a/Observation?_count=1");
    const std::size_t next = first.body.find("_page=");
    ASSERT_NE(next, std::string::npos);
    observation("b0", "b");  // another version: it is among what has changed since the first page
    observation("a2", "b");
    EXPECT_EQ(
        ids(send("GET", "/fhir/Patient/a/Observation?_count=9&" + first.body.substr(next, first.body.find('"', next) - next))),
        "a1/1 a2/1");
}

TEST_F(AsOfTest, TheTimelineIsTheDaysOnWhichSomethingWasWritten) {
    put("Patient", "a", "");  // 1
    put("Patient", "b", "");  // 2
    clock.move(86'400'000);
    put("Patient", "a", R"(,"gender":"male")");                                                               // 3
    put("Observation", "o", R"(,"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/a"})");  // 4
    const auto timeline = send("GET", "/api/v1/people/a/timeline");
    ASSERT_EQ(timeline.status, 200) << timeline.body;
    const std::string second = calendar::instant_text(clock.now_ms()).substr(0, 10);
    EXPECT_NE(timeline.body.find(R"("versions":1,"position":1},{"date":")" + second + R"(","versions":2,"position":4}])"),
              std::string::npos)
        << timeline.body;
    EXPECT_EQ(send("GET", "/api/v1/people/nobody/timeline").status, 404);
}

TEST_F(AsOfTest, EverythingAsOfComesInPagesWithWhatItLeansOn) {
    put("Organization", "org", "");
    put("Patient", "a", R"(,"managingOrganization":{"reference":"Organization/org"})");
    for (int i = 0; i < 5; ++i)
        put("Observation", "o" + std::to_string(i),
            R"(,"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/a"})");
    const auto first = send("GET", "/fhir/Patient/a/$everything?_count=4&_asOf=7");
    EXPECT_EQ(ids(first), "a/1 o0/1 o1/1 o2/1 org/1");
    EXPECT_NE(first.body.find("_page=4"), std::string::npos) << first.body.substr(0, 400);
    const auto last = send("GET", "/fhir/Patient/a/$everything?_count=4&_asOf=7&_page=4");
    EXPECT_EQ(ids(last), "o3/1 o4/1");
    EXPECT_EQ(last.body.find("\"next\""), std::string::npos);
}

TEST_F(AsOfTest, APatchIsAnUpdateOfThePresentVersion) {
    put("Patient", "a", R"(,"gender":"male","multipleBirthInteger":2,"extension":[{"url":"http://e","valueDecimal":1.50}])");
    const auto changed =
        patch("/fhir/Patient/a",
              R"([{"op":"test","path":"/gender","value":"male"},{"op":"replace","path":"/gender","value":"other"}])", "W/\"1\"");
    ASSERT_EQ(changed.status, 200) << changed.body;
    EXPECT_EQ(changed.headers.get("ETag"), "W/\"2\"");
    EXPECT_NE(changed.body.find("\"other\""), std::string::npos);
    EXPECT_NE(changed.body.find("1.50"), std::string::npos);
    EXPECT_EQ(patch("/fhir/Patient/a", R"([{"op":"remove","path":"/gender"}])", "W/\"1\"").status, 412);
    const auto failed = patch("/fhir/Patient/a", R"([{"op":"test","path":"/gender","value":"male"}])");
    EXPECT_EQ(failed.status, 422);
    EXPECT_NE(failed.body.find("patch[0].value"), std::string::npos) << failed.body;
    EXPECT_EQ(patch("/fhir/Patient/a", R"([{"op":"replace","path":"/id","value":"b"}])").status, 422);
    const auto invalid = patch("/fhir/Patient/a", R"([{"op":"replace","path":"/gender","value":"purple"}])");
    EXPECT_GE(invalid.status, 400) << "checked like an update";
    EXPECT_LT(invalid.status, 500);
    EXPECT_EQ(patch("/fhir/Patient/a", "not json").status, 400);
    EXPECT_EQ(patch("/fhir/Patient/a", "{}").status, 400);
    EXPECT_EQ(patch("/fhir/Patient/nobody", "[]").status, 404);
    EXPECT_EQ(send("PATCH", "/fhir/Patient/a", "<diff/>", "application/xml-patch+xml").status, 415);
    EXPECT_EQ(patch("/fhir/Patient?gender=other", R"([{"op":"add","path":"/active","value":true}])").status, 200);
    EXPECT_EQ(patch("/fhir/Patient?gender=male", "[]").status, 404);
    EXPECT_EQ(patch("/fhir/Patient", "[]").status, 400);
    put("Patient", "c", R"(,"gender":"other")");
    EXPECT_EQ(patch("/fhir/Patient?gender=other", "[]").status, 412);
}

TEST_F(AsOfTest, AFhirPathPatchComesAsParametersInJsonOrXml) {
    put("Patient", "a", R"(,"gender":"male")");
    const auto operation = [](const std::string& parts) {
        return R"({"resourceType":"Parameters","parameter":[{"name":"operation","part":[)" + parts + "]}]}";
    };
    const std::string replace =
        R"({"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.gender"},{"name":"value","valueCode":"other"})";
    const auto changed = send("PATCH", "/fhir/Patient/a", operation(replace));
    ASSERT_EQ(changed.status, 200) << changed.body;
    EXPECT_EQ(changed.headers.get("ETag"), "W/\"2\"");
    EXPECT_NE(changed.body.find("\"other\""), std::string::npos);
    const auto by_xml = send("PATCH", "/fhir/Patient?gender=other",
                             R"(<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
        <part><name value="type"/><valueCode value="delete"/></part>
        <part><name value="path"/><valueString value="Patient.gender"/></part></parameter></Parameters>)",
                             "application/fhir+xml");
    ASSERT_EQ(by_xml.status, 200) << by_xml.body;
    EXPECT_EQ(by_xml.body.find("gender"), std::string::npos);
    const auto missing = send("PATCH", "/fhir/Patient/a", operation(replace));
    EXPECT_EQ(missing.status, 422);
    EXPECT_NE(missing.body.find("Parameters.parameter[0].part[path]"), std::string::npos) << missing.body;
    EXPECT_EQ(send("PATCH", "/fhir/Patient/a", operation(replace), "application/fhir+json", "W/\"1\"").status, 412);
    EXPECT_EQ(send("PATCH", "/fhir/Patient/a", R"({"resourceType":"Patient","id":"a"})").status, 400);
    EXPECT_EQ(send("PATCH", "/fhir/Patient/a", "nonsense").status, 400);
    const auto statement = send("GET", "/fhir/metadata");
    EXPECT_NE(
        statement.body.find(R"("patchFormat":["application/json-patch+json","application/fhir+json","application/fhir+xml"])"),
        std::string::npos);
}

}  // namespace
}  // namespace xinglin::api
