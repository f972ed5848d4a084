// SPDX-License-Identifier: Apache-2.0
// For tests only: the FHIR door over a record of its own, asked without sockets.
#pragma once

#include <gtest/gtest.h>

#include "access/audit.h"
#include "api/api.h"
#include "json/json.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::api {

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

inline constexpr const char* anna =
    R"({"resourceType":"Patient","id":"anna","active":true,"name":[{"family":"A","given":["Anna"]}],"gender":"female","birthDate":"1960-05-04","multipleBirthInteger":2})";

}  // namespace xinglin::api
