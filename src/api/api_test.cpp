// SPDX-License-Identifier: Apache-2.0
// What the FHIR door promises, asked without sockets.
#include "api/api.h"

#include <gtest/gtest.h>
#include <future>
#include <set>
#include <thread>

#include "json/json.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::api {
namespace {

class ApiTest : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();
    access::Audit audit{folder.path()};
    ingest::Ingest ingest{*store};
    people::People people{*store};
    Api api{*store, audit, ingest, people, clock, {.body_bytes = 4u << 20}};
    access::Viewer doctor{.account = 1, .name = "doctor", .display = "Doctor", .role = access::Role::clinician};

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(
            folder.path(), clock, {.readers = 4, .offset_minutes = 480, .store = xinglin::testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }

    using Headers = std::vector<std::pair<std::string, std::string>>;
    http::Response send(std::string method, std::string target, std::string body = {}, const Headers& headers = {}) {
        return send_as(doctor, method, target, body, headers);
    }
    http::Response send_as(const access::Viewer& viewer, std::string method, std::string target, std::string body = {},
                           const Headers& headers = {}) {
        http::Request request;
        request.method = std::move(method);
        request.target = target;
        const std::size_t question = target.find('?');
        request.path = http::percent_decode(target.substr(0, question)).value();
        if (question != std::string::npos) request.query = target.substr(question + 1);
        request.body = std::move(body);
        request.headers.add("Host", "test:8080");
        if (!request.body.empty()) request.headers.add("Content-Type", "application/fhir+json");
        for (const auto& [name, value] : headers) request.headers.set(name, value);
        request.scheme = "http";
        auto promise = std::make_shared<std::promise<http::Response>>();
        auto future = promise->get_future();
        api.handle(std::move(request), viewer, [promise](http::Response response) { promise->set_value(std::move(response)); });
        return future.get();
    }
    int status(std::string method, std::string target, std::string body = {}, const Headers& headers = {}) {
        return send(method, target, body, headers).status;
    }

    json::Arena arena;
    json::Value parsed(const http::Response& response) {
        const auto value = json::parse(arena.keep(response.body), arena, {.bytes = 256u << 20});
        EXPECT_TRUE(value.ok()) << response.body.substr(0, 500);
        return value.ok() ? *value : json::Value();
    }
    std::string issue(const http::Response& response) {
        return std::string(parsed(response).find("issue")[std::size_t{0}].find("diagnostics").string());
    }
    /// Ids of the entries, in order.
    std::string ids(const http::Response& response) {
        std::string out;
        for (const json::Node& node : parsed(response).find("entry").items()) {
            if (!out.empty()) out += ' ';
            out += json::Value(&node).find("resource").find("id").string();
        }
        return out;
    }
    std::string next_of(const http::Response& response) {
        for (const json::Node& node : parsed(response).find("link").items()) {
            const json::Value link(&node);
            if (link.find("relation").string() == "next")
                return std::string(link.find("url").string().substr(std::string_view("http://test:8080").size()));
        }
        return {};
    }
    void put_people() {
        for (const char* id : {"a", "b", "c"}) {
            ASSERT_EQ(status("PUT", std::string("/fhir/Patient/") + id,
                             std::string(R"({"resourceType":"Patient","id":")") + id +
                                 R"(","gender":"female","birthDate":"1960-01-0)" + char('1' + id[0] - 'a') + R"("})"),
                      201);
            ASSERT_EQ(status("PUT", std::string("/fhir/Observation/o") + id,
                             std::string(R"({"resourceType":"Observation","id":"o)") + id +
                                 R"(","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/)" + id + R"("}})"),
                      201);
        }
    }
};

constexpr const char* anna =
    R"({"resourceType":"Patient","id":"anna","active":true,"name":[{"family":"A","given":["Anna"]}],"gender":"female","birthDate":"1960-05-04","multipleBirthInteger":2})";

// Every interaction once, with its status.
TEST_F(ApiTest, AnswersEveryInteractionWithItsStatus) {
    struct Step {
        std::string method, target, body;
        Headers headers;
        int status;
    };
    const std::string other = R"({"resourceType":"Patient","id":"other"})";
    const std::vector<Step> steps = {
        {"GET", "/fhir/metadata", "", {}, 200},
        {"HEAD", "/fhir/metadata", "", {}, 200},
        {"GET", "/fhir/Patient/anna", "", {}, 404},
        {"PUT", "/fhir/Patient/anna", anna, {}, 201},
        {"PUT", "/fhir/Patient/anna", anna, {}, 200},
        {"PUT", "/fhir/Patient/anna", anna, {{"If-Match", "W/\"2\""}}, 200},
        {"PUT", "/fhir/Patient/anna", anna, {{"If-Match", "W/\"2\""}}, 412},
        {"PUT", "/fhir/Patient/anna", anna, {{"If-Match", "nonsense"}}, 412},
        {"PUT", "/fhir/Patient/anna", anna, {{"If-None-Match", "*"}}, 412},
        {"PUT", "/fhir/Patient/anna", other, {}, 400},
        {"PUT", "/fhir/Observation/anna", anna, {}, 400},
        {"GET", "/fhir/Patient/anna", "", {}, 200},
        {"HEAD", "/fhir/Patient/anna", "", {}, 200},
        {"GET", "/fhir/Patient/anna", "", {{"If-None-Match", "W/\"3\""}}, 304},
        {"GET", "/fhir/Patient/anna", "", {{"If-None-Match", "W/\"2\""}}, 200},
        {"GET", "/fhir/Patient/anna", "", {{"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"}}, 304},
        {"GET", "/fhir/Patient/anna", "", {{"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}}, 200},
        {"GET", "/fhir/Patient/anna?nonsense=1", "", {}, 400},
        {"GET", "/fhir/Patient/anna?nonsense=1", "", {{"Prefer", "handling=lenient"}}, 200},
        {"GET", "/fhir/Patient/anna?_format=xml", "", {}, 200},
        {"GET", "/fhir/Patient/anna?_format=yaml", "", {}, 406},
        {"GET", "/fhir/Patient/anna", "", {{"Accept", "text/turtle"}}, 406},
        {"GET", "/fhir/Patient/anna", "", {{"Accept", "text/html, */*;q=0.1"}}, 200},
        {"GET", "/fhir/Patient/anna/_history/1", "", {}, 200},
        {"GET", "/fhir/Patient/anna/_history/9", "", {}, 404},
        {"GET", "/fhir/Patient/anna/_history/x", "", {}, 404},
        {"GET", "/fhir/Patient/anna/_history", "", {}, 200},
        {"GET", "/fhir/Patient/nobody/_history", "", {}, 404},
        {"GET", "/fhir/Patient/_history", "", {}, 200},
        {"GET", "/fhir/_history?_count=2", "", {}, 200},
        {"GET", "/fhir/_history?_since=yesterday", "", {}, 422},
        {"GET", "/fhir/_history?_since=2020-01-01T00:00:00Z", "", {}, 200},
        {"POST", "/fhir/Patient", anna, {}, 201},
        {"POST", "/fhir/Patient", anna, {{"If-None-Exist", "_id=anna"}}, 200},
        {"POST", "/fhir/Patient", anna, {{"If-None-Exist", "birthdate=1960-05-04"}}, 412},
        {"POST", "/fhir/Patient", "{", {}, 400},
        {"POST", "/fhir/Patient", R"({"resourceType":"Patient","gender":"maybe"})", {}, 422},
        {"POST", "/fhir/Patient", R"({"resourceType":"Patient","gendre":"male"})", {}, 400},
        {"POST", "/fhir/Patient", anna, {{"Content-Type", "text/csv"}}, 415},
        {"POST", "/fhir/Patient/anna", anna, {}, 405},
        {"PATCH", "/fhir/Patient/anna", "[]", {}, 400},
        {"GET", "/fhir/Patient?_id=anna", "", {}, 200},
        {"GET", "/fhir/Patient?nonsense=1", "", {}, 400},
        {"GET", "/fhir/Patient?nonsense=1", "", {{"Prefer", "handling=lenient"}}, 200},
        {"POST", "/fhir/Patient/_search", "_id=anna", {{"Content-Type", "application/x-www-form-urlencoded"}}, 200},
        {"GET", "/fhir/Patient/_search", "", {}, 405},
        {"GET", "/fhir?_type=Patient,Observation&_id=anna", "", {}, 200},
        {"GET", "/fhir/?_type=Nothing", "", {}, 422},
        {"POST", "/fhir/_search", "_type=Patient&_id=anna", {{"Content-Type", "application/x-www-form-urlencoded"}}, 200},
        {"GET", "/fhir/Patient/anna/Observation", "", {}, 200},
        {"GET", "/fhir/Patient/anna/*", "", {}, 200},
        {"GET", "/fhir/Patient/anna/$everything", "", {}, 200},
        {"GET", "/fhir/Patient/nobody/$everything", "", {}, 404},
        {"GET", "/fhir/Patient/anna/$meta", "", {}, 200},
        {"POST", "/fhir/Patient/$validate", anna, {}, 200},
        {"GET", "/fhir/Patient/anna/$nonsense", "", {}, 404},
        {"GET", "/fhir/Nonsense", "", {}, 404},
        {"GET", "/fhir/Resource", "", {}, 404},
        {"GET", "/fhir/Patient/an_na", "", {}, 404},
        {"PUT", "/fhir/Patient?birthdate=1999", R"({"resourceType":"Patient","birthDate":"1999"})", {}, 201},
        {"PUT", "/fhir/Patient?birthdate=1999", R"({"resourceType":"Patient","birthDate":"1999"})", {}, 200},
        {"PUT", "/fhir/Patient?birthdate=1960-05-04", R"({"resourceType":"Patient"})", {}, 412},
        {"PUT", "/fhir/Patient", R"({"resourceType":"Patient"})", {}, 400},
        {"DELETE", "/fhir/Patient?birthdate=1999", "", {}, 204},
        {"DELETE", "/fhir/Patient", "", {}, 400},
        {"DELETE", "/fhir/Patient/anna", "", {{"If-Match", "W/\"1\""}}, 412},
        {"DELETE", "/fhir/Patient/anna", "", {}, 204},
        {"DELETE", "/fhir/Patient/anna", "", {}, 204},
        {"GET", "/fhir/Patient/anna", "", {}, 410},
        {"GET", "/fhir/Patient/anna/_history/4", "", {}, 410},
        {"GET", "/fhir/Patient/anna/_history/3", "", {}, 200},
        {"GET", "/fhir/Patient/anna/_history", "", {}, 200},
        {"POST", "/fhir", R"({"resourceType":"Bundle","type":"collection"})", {}, 400},
        {"POST", "/fhir", R"({"resourceType":"Bundle","type":"batch","entry":[]})", {}, 200},
        {"DELETE", "/fhir", "", {}, 405},
        {"GET", "/fhir/Patient/a/b/c/d", "", {}, 404},
    };
    for (const Step& step : steps) {
        const auto response = send(step.method, step.target, step.body, step.headers);
        EXPECT_EQ(response.status, step.status) << step.method << ' ' << step.target << ' ' << response.body.substr(0, 300);
        const bool explains = response.body.find("OperationOutcome") != std::string::npos;
        EXPECT_TRUE(explains || response.status < 400) << step.method << ' ' << step.target;
    }
}

TEST_F(ApiTest, SaysWhereAndWhichVersionWithEveryWrite) {
    const auto made = send("POST", "/fhir/Patient", anna);
    ASSERT_EQ(made.status, 201);
    const std::string id(parsed(made).find("id").string());
    EXPECT_EQ(made.headers.get("Location"), "http://test:8080/fhir/Patient/" + id + "/_history/1");
    EXPECT_EQ(made.headers.get("ETag"), "W/\"1\"");
    EXPECT_EQ(made.headers.get("Last-Modified"), "Sun, 22 Nov 2026 00:00:00 GMT");
    EXPECT_EQ(made.headers.get("Content-Type"), "application/fhir+json; charset=utf-8");
    EXPECT_EQ(parsed(made).find("meta").find("versionId").string(), "1");
}

TEST_F(ApiTest, PreferenceChoosesTheBodyOfAnAnswer) {
    EXPECT_EQ(send("PUT", "/fhir/Patient/anna", anna, {{"Prefer", "return=minimal"}}).body, "");
    EXPECT_NE(send("PUT", "/fhir/Patient/anna", anna, {{"Prefer", "return=OperationOutcome"}}).body.find("OperationOutcome"),
              std::string::npos);
    EXPECT_NE(
        send("PUT", "/fhir/Patient/anna", anna, {{"Prefer", "handling=strict; return=representation"}}).body.find("\"Anna\""),
        std::string::npos);
}

TEST_F(ApiTest, NamesTheElementThatIsWrong) {
    const auto refused = send("POST", "/fhir/Patient", R"({"resourceType":"Patient","contact":[{},{"gender":"maybe"}]})");
    EXPECT_EQ(refused.status / 100, 4);
    bool named = false;
    for (const json::Node& node : parsed(refused).find("issue").items()) {
        named = named || json::Value(&node).find("expression")[std::size_t{0}].string() == "Patient.contact[1].gender";
    }
    EXPECT_TRUE(named) << refused.body;
}

TEST_F(ApiTest, UnknownParametersBecomeAWarningWhenLenient) {
    put_people();
    const auto response = send("GET", "/fhir/Patient?nonsense=1&_id=a", "", {{"Prefer", "handling=lenient"}});
    ASSERT_EQ(response.status, 200);
    EXPECT_NE(response.body.find(R"("search":{"mode":"outcome"})"), std::string::npos) << response.body;
    EXPECT_NE(response.body.find(R"("severity":"warning")"), std::string::npos) << response.body;
    EXPECT_EQ(response.body.find("nonsense=1"), std::string::npos) << "the self link shows what was understood";
}

TEST_F(ApiTest, SpeaksXmlBothWays) {
    const std::string xml =
        R"(<Patient xmlns="http://hl7.org/fhir"><id value="x"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">Hallo <b>du</b></div></text><active value="true"/><name><family value="Müller"/></name></Patient>)";
    const auto put =
        send("PUT", "/fhir/Patient/x", xml, {{"Content-Type", "application/fhir+xml"}, {"Accept", "application/fhir+xml"}});
    ASSERT_EQ(put.status, 201) << put.body;
    EXPECT_EQ(put.headers.get("Content-Type"), "application/fhir+xml; charset=utf-8");
    const auto json = send("GET", "/fhir/Patient/x");
    EXPECT_NE(json.body.find(R"("name":[{"family":"Müller"}])"), std::string::npos) << json.body;
    const auto back = send("GET", "/fhir/Patient/x?_format=xml");
    EXPECT_NE(back.body.find("<div xmlns=\"http://www.w3.org/1999/xhtml\">Hallo <b>du</b></div>"), std::string::npos)
        << back.body;
    EXPECT_EQ(status("PUT", "/fhir/Patient/x", back.body, {{"Content-Type", "application/fhir+xml"}}), 200);
    const auto bundle = send("GET", "/fhir/Patient?_id=x&_format=xml");
    EXPECT_NE(bundle.body.find("<Bundle xmlns=\"http://hl7.org/fhir\">"), std::string::npos) << bundle.body;
    EXPECT_EQ(status("POST", "/fhir/Patient", "<Patient", {{"Content-Type", "application/fhir+xml"}}), 400);
}

TEST_F(ApiTest, PrettyIsForPeople) {
    ASSERT_EQ(status("PUT", "/fhir/Patient/anna", anna), 201);
    EXPECT_NE(send("GET", "/fhir/Patient/anna?_pretty=true").body.find("\n  \"gender\": \"female\""), std::string::npos);
}

TEST_F(ApiTest, SummaryAndElementsLeaveOutButKeepItValid) {
    ASSERT_EQ(
        status(
            "PUT", "/fhir/Observation/o",
            R"({"resourceType":"Observation","id":"o","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">t</div>"},"status":"final","code":{"text":"c"},"valueString":"v","note":[{"text":"n"}]})"),
        201);
    const auto summary = parsed(send("GET", "/fhir/Observation/o?_summary=true"));
    EXPECT_FALSE(summary.find("note"));
    EXPECT_FALSE(summary.find("text"));
    EXPECT_EQ(summary.find("valueString").string(), "v");
    EXPECT_EQ(summary.find("meta").find("tag")[std::size_t{0}].find("code").string(), "SUBSETTED");
    const auto elements = parsed(send("GET", "/fhir/Observation/o?_elements=note"));
    EXPECT_TRUE(elements.find("note"));
    EXPECT_TRUE(elements.find("status")) << "mandatory";
    EXPECT_FALSE(elements.find("valueString"));
    const auto text = parsed(send("GET", "/fhir/Observation?_summary=text")).find("entry")[std::size_t{0}].find("resource");
    EXPECT_TRUE(text.find("text"));
    EXPECT_FALSE(text.find("valueString"));
    const auto data = parsed(send("GET", "/fhir/Observation?_summary=data")).find("entry")[std::size_t{0}].find("resource");
    EXPECT_FALSE(data.find("text"));
    EXPECT_TRUE(data.find("note"));
    const auto count = parsed(send("GET", "/fhir/Observation?_summary=count"));
    EXPECT_EQ(count.find("total").text(), "1");
    EXPECT_FALSE(count.find("entry"));
}

TEST_F(ApiTest, HistorySaysHowEachVersionCameToBe) {
    const std::string id(parsed(send("POST", "/fhir/Patient", anna)).find("id").string());
    std::string body(anna);
    body.replace(body.find("\"id\":\"anna\""), 11, "\"id\":\"" + id + "\"");
    ASSERT_EQ(status("PUT", "/fhir/Patient/" + id, body), 200);
    ASSERT_EQ(status("DELETE", "/fhir/Patient/" + id), 204);
    const auto history = parsed(send("GET", "/fhir/Patient/" + id + "/_history"));
    EXPECT_EQ(history.find("type").string(), "history");
    EXPECT_EQ(history.find("total").text(), "3");
    const std::string_view methods[] = {"DELETE", "PUT", "POST"};
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(history.find("entry")[i].find("request").find("method").string(), methods[i]);
    EXPECT_FALSE(history.find("entry")[std::size_t{0}].find("resource"));
    const auto page = send("GET", "/fhir/Patient/" + id + "/_history?_count=2");
    ASSERT_FALSE(next_of(page).empty()) << page.body;
    EXPECT_EQ(parsed(send("GET", next_of(page))).find("entry").size(), 1u);
}

TEST_F(ApiTest, CompartmentsHoldWhatNamesThem) {
    put_people();
    EXPECT_EQ(ids(send("GET", "/fhir/Patient/b/Observation")), "ob");
    const auto all = ids(send("GET", "/fhir/Patient/b/*"));
    EXPECT_NE(all.find("ob"), std::string::npos);
    EXPECT_EQ(all.find("oa"), std::string::npos);
    const auto everything = ids(send("GET", "/fhir/Patient/b/$everything"));
    EXPECT_EQ(everything.substr(0, 1), "b") << "the person first";
    EXPECT_NE(everything.find("ob"), std::string::npos);
    EXPECT_EQ(everything.find("oc"), std::string::npos);
    EXPECT_EQ(ids(send("GET", "/fhir/Patient/b/$everything?_type=Observation")).find("oc"), std::string::npos);
}

TEST_F(ApiTest, PagesStayStableWhileAnotherThreadWrites) {
    for (int i = 0; i < 60; ++i) {
        const std::string id = "p" + std::to_string(i);
        ASSERT_EQ(status("PUT", "/fhir/Patient/" + id,
                         R"({"resourceType":"Patient","id":")" + id + R"(","birthDate":"19)" + std::to_string(20 + i) + R"("})"),
                  201);
    }
    for (const std::string sort : {"", "&_sort=birthdate", "&_sort=-_lastUpdated"}) {
        std::atomic<bool> stop{false};
        std::thread writer([&] {
            for (int i = 0; !stop && i < 500; ++i) {
                const std::string id = "n" + std::to_string(i % 40);
                send("PUT", "/fhir/Patient/" + id, R"({"resourceType":"Patient","id":")" + id + R"(","birthDate":"1950"})");
            }
        });
        std::multiset<std::string> seen;
        std::string target = "/fhir/Patient?_count=7" + sort;
        int pages = 0;
        while (!target.empty() && ++pages < 100) {
            const auto page = send("GET", target);
            ASSERT_EQ(page.status, 200) << page.body;
            for (const json::Node& node : parsed(page).find("entry").items())
                seen.emplace(json::Value(&node).find("resource").find("id").string());
            target = next_of(page);
        }
        stop = true;
        writer.join();
        for (int i = 0; i < 60; ++i) EXPECT_EQ(seen.count("p" + std::to_string(i)), 1u) << sort << " p" << i;
        for (const std::string& id : seen) EXPECT_EQ(seen.count(id), 1u) << sort << ' ' << id;
    }
}

TEST_F(ApiTest, ATransactionAnswersInTheOrderOfItsRequest) {
    const auto response = send("POST", "/fhir", R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"request":{"method":"GET","url":"Patient/b"}},
        {"resource":{"resourceType":"Patient","id":"b","gender":"male"},"request":{"method":"PUT","url":"Patient/b"}},
        {"request":{"method":"GET","url":"Patient?gender=male"}},
        {"request":{"method":"GET","url":"Patient/nobody"}},
        {"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]})");
    ASSERT_EQ(response.status, 200) << response.body;
    const auto bundle = parsed(response);
    EXPECT_EQ(bundle.find("type").string(), "transaction-response");
    const auto entry = [&](std::size_t i) { return bundle.find("entry")[i]; };
    const auto status_of = [&](std::size_t i) { return entry(i).find("response").find("status").string().substr(0, 3); };
    EXPECT_EQ(status_of(0), "200");
    EXPECT_EQ(entry(0).find("resource").find("gender").string(), "male") << "reads come after the writes";
    EXPECT_EQ(status_of(1), "201");
    EXPECT_EQ(entry(1).find("response").find("location").string(), "Patient/b/_history/1");
    EXPECT_EQ(entry(1).find("response").find("etag").string(), "W/\"1\"");
    EXPECT_EQ(entry(2).find("resource").find("total").text(), "1");
    EXPECT_EQ(status_of(3), "404");
    EXPECT_EQ(status_of(4), "201");
}

TEST_F(ApiTest, ABatchAnswersEachEntryForItself) {
    const auto response = send("POST", "/fhir", R"({"resourceType":"Bundle","type":"batch","entry":[
        {"resource":{"resourceType":"Patient","gender":"maybe"},"request":{"method":"POST","url":"Patient"}},
        {"resource":{"resourceType":"Patient","id":"b"},"request":{"method":"PUT","url":"Patient/b"}}]})",
                               {{"Prefer", "return=representation"}});
    ASSERT_EQ(response.status, 200);
    const auto bundle = parsed(response);
    EXPECT_EQ(bundle.find("entry")[std::size_t{0}].find("response").find("status").string(), "422 Unprocessable Entity");
    EXPECT_EQ(bundle.find("entry")[std::size_t{0}]
                  .find("response")
                  .find("outcome")
                  .find("issue")[std::size_t{0}]
                  .find("expression")[std::size_t{0}]
                  .string(),
              "Bundle.entry[0].resource.gender");
    EXPECT_EQ(bundle.find("entry")[std::size_t{1}].find("resource").find("id").string(), "b");
}

TEST_F(ApiTest, MetaIsReadAddedToAndTakenFrom) {
    ASSERT_EQ(status("PUT", "/fhir/Patient/anna", anna), 201);
    const std::string tag =
        R"({"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"urn:t","code":"vip"}]}}]})";
    const auto added = send("POST", "/fhir/Patient/anna/$meta-add", tag);
    ASSERT_EQ(added.status, 200) << added.body;
    EXPECT_NE(added.body.find("\"vip\""), std::string::npos);
    EXPECT_EQ(ids(send("GET", "/fhir/Patient?_tag=urn:t%7Cvip")), "anna");
    ASSERT_EQ(status("POST", "/fhir/Patient/anna/$meta-delete", tag), 200);
    EXPECT_EQ(send("GET", "/fhir/Patient/anna/$meta").body.find("vip"), std::string::npos);
}

TEST_F(ApiTest, TheCapabilityStatementIsValidAndListsEveryType) {
    const auto response = send("GET", "/fhir/metadata");
    const auto statement = parsed(response);
    const Outcome outcome = fhir::validate(statement);
    EXPECT_TRUE(outcome.ok()) << outcome.line();
    EXPECT_EQ(statement.find("rest")[std::size_t{0}].find("resource").size(), fhir::resources().size());
    EXPECT_EQ(statement.find("fhirVersion").string(), "4.0.1");
}

TEST_F(ApiTest, HostileBodiesAreRefusedAndTheServerGoesOn) {
    EXPECT_EQ(status("POST", "/fhir/Patient", std::string(10'000, '[') + std::string(10'000, ']')), 413);
    std::string deep;
    for (int i = 0; i < 10'000; ++i) deep += R"({"extension":[)";
    EXPECT_EQ(status("POST", "/fhir/Patient", deep), 400);
    EXPECT_EQ(status("POST", "/fhir/Patient", "{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"\xff\xfe\"}]}"), 400);
    EXPECT_EQ(status("POST", "/fhir/Patient", "{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"\xd5\xc5\xc8\xfd\"}]}"), 400)
        << "GB18030";
    EXPECT_EQ(
        status("POST", "/fhir", R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Pat)"),
        400);
    EXPECT_EQ(status("POST", "/fhir/Patient", std::string(5u << 20, ' ')), 413);
    EXPECT_EQ(status("POST", "/fhir/Patient", " "), 400);
    EXPECT_EQ(status("POST", "/fhir/Patient", "null"), 400);
    EXPECT_EQ(status("POST", "/fhir", "[]"), 400);
    EXPECT_EQ(status("POST", "/fhir", R"({"resourceType":"Bundle","type":"transaction","entry":[1,null,{"request":7}]})"), 422);
    EXPECT_EQ(status("GET", "/fhir/Patient?name=%FF"), 400);
    EXPECT_EQ(status("POST", "/fhir/Patient", anna), 201);
}

TEST_F(ApiTest, AuditorsSeeNoRecordsAndScopesHold) {
    put_people();
    access::Viewer auditor{.account = 2, .name = "auditor", .role = access::Role::auditor};
    EXPECT_EQ(send_as(auditor, "GET", "/fhir/Patient/a").status, 403);
    EXPECT_EQ(send_as(auditor, "GET", "/fhir/Patient").status, 403);
    EXPECT_EQ(send_as(auditor, "GET", "/api/v1/people?q=a").status, 403);
    EXPECT_EQ(send_as(auditor, "GET", "/api/v1/people/a/accesses").status, 200);
    access::Viewer reader{.account = 3, .name = "lab", .role = access::Role::system, .scope = "system/Patient.rs"};
    EXPECT_EQ(send_as(reader, "GET", "/fhir/Patient/a").status, 200);
    EXPECT_EQ(send_as(reader, "GET", "/fhir/Observation/oa").status, 403);
    EXPECT_EQ(send_as(reader, "PUT", "/fhir/Patient/a", R"({"resourceType":"Patient","id":"a"})").status, 403);
    EXPECT_EQ(send_as(reader, "GET", "/fhir/_history").status, 403);
    EXPECT_EQ(
        send_as(reader, "POST", "/fhir",
                R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Patient/a"}}]})")
            .status,
        403);
    EXPECT_EQ(ids(send_as(reader, "GET", "/fhir/Patient?_id=a&_revinclude=Observation:subject")), "a")
        << "included types need the scope too";
}

TEST_F(ApiTest, EveryAccessLeavesALineWithItsPatient) {
    put_people();
    audit.flush();
    const auto before = audit.all(1'000).accesses.size();
    send("GET", "/fhir/Observation/ob");
    send("GET", "/fhir/Observation?subject=Patient/b");
    send("GET", "/fhir/Patient/b/$everything");
    send("DELETE", "/fhir/Observation/ob");
    audit.flush();
    EXPECT_GE(audit.all(1'000).accesses.size(), before + 4);
    const auto page = audit.of_patient("b", 100);
    std::set<std::string> seen;
    for (const auto& access : page.accesses) seen.insert(access.what);
    for (const char* what : {"read", "search", "update", "delete"}) EXPECT_TRUE(seen.contains(what)) << what;
}

TEST_F(ApiTest, PeopleCallsAnswerAsAgreed) {
    ASSERT_EQ(
        status(
            "PUT", "/fhir/Patient/shan",
            R"({"resourceType":"Patient","id":"shan","name":[{"text":"单雄信"}],"gender":"male","birthDate":"1959-03-12","identifier":[{"type":{"text":"身份证"},"system":"urn:id","value":"219901195903120428"}],"telecom":[{"system":"phone","value":"13800135207"}]})"),
        201);
    ASSERT_EQ(
        status(
            "PUT", "/fhir/AllergyIntolerance/al",
            R"({"resourceType":"AllergyIntolerance","id":"al","patient":{"reference":"Patient/shan"},"code":{"text":"青霉素"},"criticality":"high"})"),
        201);
    ASSERT_EQ(
        status(
            "PUT", "/fhir/Encounter/e1",
            R"({"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/shan"},"period":{"start":"2001-02-03T08:00:00+08:00"}})"),
        201);
    people.catch_up();
    const auto found = parsed(send("GET", "/api/v1/people?q=sxx&count=5"));
    EXPECT_EQ(found.find("total").text(), "1");
    EXPECT_EQ(found.find("people")[std::size_t{0}].find("matched").string(), "initials");
    EXPECT_EQ(found.find("people")[std::size_t{0}].find("pinyin").string(), "Shàn Xióngxìn");
    EXPECT_TRUE(found.find("next").is_null());
    const auto header = parsed(send("GET", "/api/v1/people/shan"));
    EXPECT_EQ(header.find("identifiers")[std::size_t{0}].find("type").string(), "身份证");
    EXPECT_EQ(header.find("allergies")[std::size_t{0}].find("text").string(), "青霉素");
    EXPECT_EQ(header.find("first_date").string(), "2001-02-03");
    EXPECT_EQ(header.find("counts").find("Encounter").text(), "1");
    const auto revealed = parsed(send("POST", "/api/v1/people/shan/reveal", R"({"field":"identifier","index":0})"));
    EXPECT_EQ(revealed.find("value").string(), "219901195903120428");
    EXPECT_EQ(status("POST", "/api/v1/people/shan/reveal", R"({"field":"identifier","index":7})"), 404);
    EXPECT_EQ(status("POST", "/api/v1/people/shan/printed"), 204);
    const auto accesses = parsed(send("GET", "/api/v1/people/shan/accesses?count=3"));
    EXPECT_EQ(accesses.find("accesses").size(), 3u);
    EXPECT_EQ(accesses.find("accesses")[std::size_t{0}].find("what").string(), "print");
    const auto missing = send("GET", "/api/v1/people/nobody");
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(parsed(missing).find("error").find("code").string(), "not-found");
    EXPECT_EQ(status("GET", "/api/v1/people?count=x"), 422);
}

TEST(ApiUnderPressure, AFullQueueIsSaidWith429AndRetryAfter) {
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    auto store =
        std::move(record::Store::open(
                      folder.path(), clock,
                      {.readers = 2, .queue = 1, .offset_minutes = 480, .store = xinglin::testing::store_beside(folder.path())}))
            .value();
    access::Audit audit{folder.path()};
    ingest::Ingest ingest{*store};
    people::People people{*store};
    Api api{*store, audit, ingest, people, clock};
    std::promise<void> started, released;
    auto release = released.get_future().share();
    store->submit(
        [&started, release](record::Transaction&) -> Result<Done> {
            started.set_value();
            release.wait();
            return Done{};
        },
        [](Result<Done>) {});
    started.get_future().wait();
    const auto create = [&] {
        auto promise = std::make_shared<std::promise<http::Response>>();
        http::Request request{.method = "POST", .target = "/fhir/Patient", .path = "/fhir/Patient", .body = anna};
        api.handle(std::move(request), {.role = access::Role::clinician},
                   [promise](http::Response response) { promise->set_value(std::move(response)); });
        return promise->get_future();
    };
    auto waiting = create();
    const http::Response turned_away = create().get();
    EXPECT_EQ(turned_away.status, 429);
    EXPECT_EQ(turned_away.headers.get("Retry-After"), "1");
    released.set_value();
    EXPECT_EQ(waiting.get().status, 201);
}

// Every example of R4, stored and read back: the same members in the same order with the same digits, apart from meta.
TEST_F(ApiTest, EveryExampleOfR4ComesBackAsItWasSent) {
    const std::string lines =
        xinglin::testing::read_packed(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhir/testdata/r4-examples.ndjson.gz");
    const auto without_server_meta = [](json::Value resource, json::Arena& kept) {
        json::Value meta = resource.find("meta");
        if (!meta) return resource;
        meta = kept.with(kept.with(meta, "versionId", json::Value()), "lastUpdated", json::Value());
        return kept.with(resource, "meta", meta.size() > 0 ? meta : json::Value());
    };
    // Five examples break R4's own rules: reference targets, and a missing linkId.
    const std::set<std::string> wrong = {"DeviceMetric/example", "DeviceUseStatement/example", "MedicationRequest/medrx0301",
                                         "Observation/clinical-gender", "Questionnaire/qs1"};
    std::set<std::string> refused;
    std::size_t stored = 0;
    for (std::size_t at = 0; at < lines.size();) {
        const std::size_t end = std::min(lines.find('\n', at), lines.size());
        const std::string line = lines.substr(at, end - at);
        at = end + 1;
        json::Arena kept;
        const auto sent = json::parse(line, kept);
        ASSERT_TRUE(sent.ok());
        const std::string type(sent->find("resourceType").string()), id(sent->find("id").string());
        if (id.empty()) continue;
        const auto put = send("PUT", "/fhir/" + type + "/" + id, line);
        if (put.status != 201 && put.status != 200) {
            refused.insert(type + '/' + id);
            EXPECT_TRUE(wrong.contains(type + '/' + id)) << type << '/' << id << ": " << put.body.substr(0, 300);
            continue;
        }
        const auto got = send("GET", "/fhir/" + type + "/" + id);
        const auto read = json::parse(got.body, kept);
        ASSERT_TRUE(read.ok());
        EXPECT_TRUE(json::identical(without_server_meta(*sent, kept), without_server_meta(*read, kept))) << type << '/' << id;
        ++stored;
    }
    EXPECT_GT(stored, 700u);
    EXPECT_EQ(refused, wrong);
}

}  // namespace
}  // namespace xinglin::api
