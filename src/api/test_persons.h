// SPDX-License-Identifier: Apache-2.0
// For tests only: the FHIR door over a record with a person index, asked without sockets. One woman, told by a hospital and a clinic.
#pragma once

#include <gmock/gmock.h>

#include <future>

#include "access/audit.h"
#include "api/api.h"
#include "json/json.h"
#include "person/person.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::api {

class PersonsTest : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();
    access::Audit audit{folder.path()};
    ingest::Ingest ingest{*store};
    people::People people{*store};
    person::Persons persons{*store, clock, person::Settings::read(content::Files()).value(), {.follow = false}};
    person::Survivorship survivorship = person::Survivorship::read(content::Files()).value();
    Api api{*store, audit, ingest, people, clock, {.persons = &persons, .survivorship = &survivorship}};
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
};

}  // namespace xinglin::api
