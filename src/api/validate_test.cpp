// SPDX-License-Identifier: Apache-2.0
// $validate, asked without sockets.
#include <gmock/gmock.h>

#include <future>

#include "access/audit.h"
#include "api/api.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::api {
namespace {

using ::testing::HasSubstr;

constexpr const char* anna = R"({"resourceType":"Patient","id":"anna","name":[{"family":"A"}],"gender":"female"})";
constexpr const char* named =
    R"({"resourceType":"StructureDefinition","url":"urn:test:named","name":"N","status":"draft","kind":"resource","abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint","differential":{"element":[{"id":"Patient.name","path":"Patient.name","min":1}]}})";

class ValidateTest : public ::testing::Test {
protected:
    using Headers = std::vector<std::pair<std::string, std::string>>;
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    json::Arena arena;
    std::shared_ptr<const profile::Book> book = one_profile();
    std::unique_ptr<record::Store> store =
        std::move(
            record::Store::open(folder.path(), clock, {.readers = 4, .store = xinglin::testing::store_beside(folder.path())}))
            .value();
    access::Audit audit{folder.path()};
    ingest::Ingest ingest{*store,
                          {.check = [this](json::Value resource) { return book->check(resource, {.everything = false}); }}};
    people::People people{*store};
    Api api{*store, audit, ingest, people, clock, {.profiles = [this] { return book; }}};
    access::Viewer doctor{.account = 1, .name = "doctor", .display = "Doctor", .role = access::Role::clinician};

    static std::shared_ptr<const profile::Book> one_profile() {
        json::Arena text;
        auto made = std::make_shared<profile::Book>();
        EXPECT_TRUE(made->add(*json::parse(named, text), "test").ok());
        return made;
    }
    http::Response send(std::string method, std::string target, std::string body = {}, const Headers& headers = {}) {
        http::Request request;
        request.method = std::move(method);
        request.target = target;
        const std::size_t question = target.find('?');
        request.path = target.substr(0, question);
        if (question != std::string::npos) request.query = target.substr(question + 1);
        request.body = std::move(body);
        request.headers.add("Host", "test:8080");
        if (!request.body.empty()) request.headers.add("Content-Type", "application/fhir+json");
        for (const auto& [name, value] : headers) request.headers.set(name, value);
        request.scheme = "http";
        auto promise = std::make_shared<std::promise<http::Response>>();
        auto future = promise->get_future();
        api.handle(std::move(request), doctor, [promise](http::Response response) { promise->set_value(std::move(response)); });
        return future.get();
    }
    int status(std::string method, std::string target, std::string body = {}) {
        return send(std::move(method), std::move(target), std::move(body)).status;
    }
    json::Value parsed(const http::Response& response) {
        const auto value = json::parse(arena.keep(response.body), arena);
        EXPECT_TRUE(value.ok()) << response.body;
        return value.ok() ? *value : json::Value();
    }
    /// "code expression" of the issues with a key, in order.
    std::string found(const http::Response& response) {
        std::string out;
        for (const json::Node& node : parsed(response).find("issue").items()) {
            const json::Value each(&node);
            const json::Value details = each.find("details");
            if (!details) continue;
            const json::Value coding = details.find("coding")[std::size_t{0}];
            EXPECT_EQ(coding.find("system").string(), "urn:xinglin:validation");
            if (!out.empty()) out += ", ";
            out.append(coding.find("code").string()).append(" ").append(each.find("expression")[std::size_t{0}].string());
        }
        return out;
    }
};

TEST_F(ValidateTest, ChecksRulesAndTheProfilesAskedFor) {
    const std::string bare =
        R"({"resourceType":"Patient","text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">-</div>"},"contact":[{"gender":"male"}]})";
    EXPECT_EQ(found(send("POST", "/fhir/Patient/$validate", bare)), "invariant:pat-1 Patient.contact[0]");
    EXPECT_EQ(found(send("POST", "/fhir/Patient/$validate?profile=urn:test:named", bare)),
              "invariant:pat-1 Patient.contact[0], min Patient.name");
    const std::string asked =
        R"({"resourceType":"Parameters","parameter":[{"name":"resource","resource":)" + bare +
        R"(},{"name":"profile","valueUri":"urn:test:named"},{"name":"profile","valueUri":"urn:test:other"},{"name":"mode","valueCode":"create"}]})";
    EXPECT_EQ(found(send("POST", "/fhir/Patient/$validate", asked)),
              "invariant:pat-1 Patient.contact[0], min Patient.name, profile Patient");
    EXPECT_EQ(status("POST", "/fhir/Patient/$validate?mode=nonsense", bare), 422);
    EXPECT_EQ(status("POST", "/fhir/Patient/$validate?mode=delete", bare), 422);
    EXPECT_EQ(status("POST", "/fhir/Patient/$validate", ""), 422);
}

TEST_F(ValidateTest, SpeaksChineseWhenAsked) {
    const std::string bare = R"({"resourceType":"Patient","meta":{"profile":["urn:test:named"]}})";
    const auto chinese = send("POST", "/fhir/Patient/$validate", bare, {{"Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8"}});
    EXPECT_THAT(chinese.body, HasSubstr("Patient.name: 必填"));
    const auto english = send("POST", "/fhir/Patient/$validate?_language=en", bare, {{"Accept-Language", "zh-CN"}});
    EXPECT_THAT(english.body, HasSubstr("Patient.name: is required"));
    const auto structure =
        send("POST", "/fhir/Patient/$validate", R"({"resourceType":"Patient","active":"yes"})", {{"Accept-Language", "zh"}});
    EXPECT_THAT(structure.body, HasSubstr("必须是 JSON 布尔值"));
}

TEST_F(ValidateTest, LooksAtWhatIsStored) {
    ASSERT_EQ(status("PUT", "/fhir/Patient/anna", anna), 201);
    EXPECT_EQ(found(send("POST", "/fhir/Patient/anna/$validate", "")), "invariant:dom-6 Patient");
    EXPECT_EQ(status("POST", "/fhir/Patient/anna/$validate?mode=delete", ""), 200);
    EXPECT_EQ(status("POST", "/fhir/Patient/nobody/$validate?mode=delete", ""), 404);
    EXPECT_THAT(found(send("POST", "/fhir/Patient/anna/$validate?mode=update", R"({"resourceType":"Patient","id":"other"})")),
                HasSubstr("id Patient.id"));
}

TEST_F(ValidateTest, AWriteThatClaimsAProfileMustSatisfyIt) {
    const auto refused = send("POST", "/fhir/Patient", R"({"resourceType":"Patient","meta":{"profile":["urn:test:named"]}})");
    EXPECT_EQ(refused.status, 422);
    EXPECT_EQ(found(refused), "min Patient.name");
    EXPECT_EQ(status("POST", "/fhir/Patient",
                     R"({"resourceType":"Patient","meta":{"profile":["urn:test:named"]},"name":[{"text":"x"}]})"),
              201);
    EXPECT_EQ(status("POST", "/fhir/Patient", R"({"resourceType":"Patient","meta":{"profile":["urn:test:unknown"]}})"), 201);
    const auto transaction = send(
        "POST", "/fhir",
        R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","contact":[{"gender":"male"}]},"request":{"method":"POST","url":"Patient"}}]})");
    EXPECT_EQ(transaction.status, 422);
    EXPECT_THAT(transaction.body, HasSubstr("invariant:pat-1"));
}

}  // namespace
}  // namespace xinglin::api
