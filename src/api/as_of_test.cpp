// SPDX-License-Identifier: Apache-2.0
// The record as it was, and patches.
#include <gtest/gtest.h>

#include <future>

#include "api/api.h"
#include "json/json.h"
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
        auto opened = record::Store::open(folder.path(), clock, {.readers = 4, .offset_minutes = 0});
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

}  // namespace
}  // namespace xinglin::api
