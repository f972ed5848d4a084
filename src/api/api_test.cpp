// SPDX-License-Identifier: Apache-2.0
// What the FHIR door promises, asked without sockets.
#include "api/api.h"

#include <gtest/gtest.h>
#include <future>
#include <set>
#include <thread>

#include "api/test_api.h"

namespace xinglin::api {
namespace {

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

}  // namespace
}  // namespace xinglin::api
