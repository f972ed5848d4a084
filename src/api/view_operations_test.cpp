// SPDX-License-Identifier: Apache-2.0
// $viewdefinition-run, asked without sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <future>

#include "access/audit.h"
#include "api/api.h"
#include "http/stream.h"
#include "json/json.h"
#include "testing/postgres.h"
#include "testing/testing.h"
#include "view/library.h"

namespace xinglin::api {
namespace {

using ::testing::HasSubstr;

class ViewRunTest : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();
    access::Audit audit{folder.path()};
    ingest::Ingest ingest{*store};
    people::People people{*store};
    view::Library library{content::Files(), folder.path() / "views"};
    Api api{*store, audit, ingest, people, clock, {.views = &library}};
    access::Viewer doctor{.account = 1, .name = "doctor", .display = "Doctor", .role = access::Role::clinician};

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(
            folder.path(), clock, {.readers = 4, .offset_minutes = 480, .store = xinglin::testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    http::Response send(std::string method, std::string target, std::string body = {}, std::string accept = {}) {
        return send_as(doctor, std::move(method), std::move(target), std::move(body), std::move(accept));
    }
    http::Response send_as(const access::Viewer& viewer, std::string method, std::string target, std::string body = {},
                           std::string accept = {}) {
        http::Request request;
        request.method = std::move(method);
        request.target = target;
        const std::size_t question = target.find('?');
        request.path = http::percent_decode(target.substr(0, question)).value();
        if (question != std::string::npos) request.query = target.substr(question + 1);
        request.body = std::move(body);
        request.headers.add("Host", "test:8080");
        if (!request.body.empty()) request.headers.add("Content-Type", "application/fhir+json");
        if (!accept.empty()) request.headers.add("Accept", accept);
        request.scheme = "http";
        auto promise = std::make_shared<std::promise<http::Response>>();
        auto future = promise->get_future();
        api.handle(std::move(request), viewer, [promise](http::Response response) { promise->set_value(std::move(response)); });
        auto response = future.get();
        if (response.stream) {
            for (std::string piece = response.stream->next(); !piece.empty(); piece = response.stream->next())
                response.body += piece;
        }
        return response;
    }
    void put(const std::string& type, const std::string& id, const std::string& members) {
        const auto answer =
            send("PUT", "/fhir/" + type + "/" + id, fmt::format(R"({{"resourceType":"{}","id":"{}",{}}})", type, id, members));
        ASSERT_EQ(answer.status, 201) << answer.body;
    }
    void SetUp() override {
        put("Patient", "a", R"("gender":"male","name":[{"use":"official","text":"A","family":"A"}])");
        put("Patient", "b", R"("gender":"female")");
        put("Condition", "c", R"("subject":{"reference":"Patient/a"},"code":{"text":"x"})");
        put("Condition", "d", R"("subject":{"reference":"Patient/b"},"code":{"text":"y"})");
        put("Group", "g",
            R"("type":"person","actual":true,"member":[{"entity":{"reference":"Patient/b"}},{"entity":{"reference":"Patient/none"}}])");
    }
    static std::string parameters(const std::string& more) {
        return R"({"resourceType":"Parameters","parameter":[{"name":"viewResource","resource":{"resourceType":"ViewDefinition","resource":"Condition","select":[
            {"column":[{"name":"id","path":"id"},{"name":"text","path":"code.text"}]}]}})" +
               more + "]}";
    }
};

TEST_F(ViewRunTest, GivesRowsInTheFormatAskedFor) {
    const std::string type = "/fhir/ViewDefinition/$viewdefinition-run";
    EXPECT_EQ(send("POST", type, parameters("")).body, R"([{"id":"c","text":"x"},{"id":"d","text":"y"}])");
    EXPECT_EQ(send("POST", type, parameters(R"(,{"name":"_format","valueCode":"ndjson"})")).body,
              "{\"id\":\"c\",\"text\":\"x\"}\n{\"id\":\"d\",\"text\":\"y\"}\n");
    const auto csv = send("POST", type + "?_format=csv", parameters(""));
    EXPECT_EQ(csv.body, "id,text\r\nc,x\r\nd,y\r\n");
    EXPECT_THAT(std::string(csv.headers.get("Content-Type")), HasSubstr("text/csv"));
    EXPECT_EQ(send("POST", type, parameters(R"(,{"name":"header","valueBoolean":false})"), "text/csv").body, "c,x\r\nd,y\r\n");
    EXPECT_EQ(send("POST", type, parameters(R"(,{"name":"_limit","valueInteger":1})")).body, R"([{"id":"c","text":"x"}])");
    EXPECT_EQ(send("POST", "/fhir/$viewdefinition-run", parameters("")).status, 200);
}

TEST_F(ViewRunTest, RunsByNameAndNarrows) {
    const std::string run = "/fhir/ViewDefinition/condition/$viewdefinition-run?_format=csv&header=false";
    EXPECT_THAT(send("GET", run).body, ::testing::AllOf(HasSubstr("Condition/c,Patient/a"), HasSubstr("Condition/d,Patient/b")));
    EXPECT_THAT(send("GET", run + "&patient=Patient/a").body,
                ::testing::AllOf(HasSubstr("Condition/c"), ::testing::Not(HasSubstr("Condition/d"))));
    EXPECT_THAT(send("GET", run + "&group=Group/g").body,
                ::testing::AllOf(HasSubstr("Condition/d"), ::testing::Not(HasSubstr("Condition/c"))));
    EXPECT_EQ(send("GET", run + "&_since=2100-01-01T00:00:00Z").body, "");
    EXPECT_THAT(send("GET", "/fhir/ViewDefinition/patient_demographics/$viewdefinition-run?patient=a").body,
                HasSubstr(R"("patient":"Patient/a")"));
    EXPECT_THAT(
        send(
            "POST", "/fhir/ViewDefinition/$viewdefinition-run",
            R"({"resourceType":"Parameters","parameter":[{"name":"viewReference","valueReference":{"reference":"ViewDefinition/condition"}}]})")
            .body,
        HasSubstr("Condition/c"));
}

TEST_F(ViewRunTest, RunsOverWhatIsSentAlong) {
    const auto answer = send(
        "POST", "/fhir/ViewDefinition/$viewdefinition-run",
        parameters(
            R"(,{"name":"resource","resource":{"resourceType":"Condition","id":"z"}},{"name":"resource","resource":{"resourceType":"Patient"}})"));
    EXPECT_EQ(answer.body, R"([{"id":"z","text":null}])");
}

TEST_F(ViewRunTest, RefusesByName) {
    const std::string type = "/fhir/ViewDefinition/$viewdefinition-run";
    const auto issue = [&](const http::Response& response) { return std::to_string(response.status) + response.body; };
    EXPECT_THAT(issue(send("POST", type, R"({"resourceType":"Parameters"})")), HasSubstr("viewResource"));
    EXPECT_THAT(
        issue(send(
            "POST", type,
            R"({"resourceType":"ViewDefinition","resource":"Condition","select":[{"column":[{"name":"a","path":"cod"}]}]})")),
        HasSubstr("select[0].column[0].path"));
    EXPECT_EQ(send("GET", "/fhir/ViewDefinition/nobody/$viewdefinition-run").status, 404);
    EXPECT_THAT(issue(send("GET", "/fhir/ViewDefinition/condition/$viewdefinition-run?_format=parquet")), HasSubstr("_format"));
    EXPECT_THAT(issue(send("GET", "/fhir/ViewDefinition/condition/$viewdefinition-run?_limit=0")), HasSubstr("_limit"));
    EXPECT_THAT(issue(send("GET", "/fhir/ViewDefinition/condition/$viewdefinition-run?colour=red")), HasSubstr("colour"));
    const access::Viewer machine{.account = 2, .name = "m", .role = access::Role::system, .scope = "system/Patient.rs"};
    EXPECT_EQ(send_as(machine, "GET", "/fhir/ViewDefinition/condition/$viewdefinition-run").status, 403);
    EXPECT_EQ(send_as(machine, "GET", "/fhir/ViewDefinition/patient_demographics/$viewdefinition-run").status, 200);
}

TEST_F(ViewRunTest, StreamsWhatIsLong) {
    const std::string wide =
        R"({"resourceType":"ViewDefinition","resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]},{"unionAll":[)";
    std::string branches;
    for (int i = 0; i < 900; ++i)
        branches += fmt::format(R"({}{{"column":[{{"name":"long","path":"'{}'"}}]}})", i ? "," : "", std::string(400, 'x'));
    const auto answer = send("POST", "/fhir/ViewDefinition/$viewdefinition-run", wide + branches + "]}]}");
    ASSERT_EQ(answer.status, 200) << answer.body.substr(0, 300);
    EXPECT_TRUE(answer.stream);
    json::Arena arena;
    const auto rows = json::parse(answer.body, arena);
    ASSERT_TRUE(rows.ok());
    EXPECT_EQ(rows->size(), 1'800u);
}

}  // namespace
}  // namespace xinglin::api
