// SPDX-License-Identifier: Apache-2.0
// For tests: a record, a person index over it, and people who are written into it.
#pragma once

#include <gmock/gmock.h>

#include <random>
#include <set>

#include "person/facts.h"
#include "person/person.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::person {

/// An identity number of nobody: area 130399, which there is none of.
inline std::string number_of(const std::string& birth, int order) {
    const std::string body = "130399" + birth + fmt::format("{:03}", order);
    for (const char check : std::string_view("0123456789x"))
        if (identity::is_sound_identity(body + check)) return body + check;
    return {};
}

struct Said {
    std::string id, name, sex = "female", birth, number, phone, address, more;
    std::string source = "a";
};

class PersonTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder;
    testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();
    std::unique_ptr<Persons> persons = index("one.db");

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(
            folder.path(), clock,
            {.readers = 2, .offset_minutes = std::int16_t{480}, .store = testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    Settings settings() const {
        auto read = Settings::read(content::Files());
        if (!read.ok()) throw std::runtime_error(read.outcome().line());
        return *read;
    }
    std::unique_ptr<Persons> index(const std::string& name) { return index(name, settings()); }
    std::unique_ptr<Persons> index(const std::string& name, Settings chosen) {
        return std::make_unique<Persons>(*store, clock, std::move(chosen),
                                         Options{.file = folder.path() / name, .follow = false});
    }
    void put(const Said& said) {
        std::string text = fmt::format(R"({{"resourceType":"Patient","id":"{}","meta":{{"source":"urn:xinglin:source:{}"}})",
                                       said.id, said.source);
        if (!said.name.empty()) text += fmt::format(R"(,"name":[{{"text":"{}"}}])", said.name);
        if (!said.sex.empty()) text += fmt::format(R"(,"gender":"{}")", said.sex);
        if (!said.birth.empty())
            text +=
                fmt::format(R"(,"birthDate":"{}-{}-{}")", said.birth.substr(0, 4), said.birth.substr(4, 2), said.birth.substr(6));
        if (!said.number.empty())
            text += fmt::format(R"(,"identifier":[{{"system":"urn:oid:2.16.156.10011.1.3","value":"{}"}}])", said.number);
        if (!said.phone.empty()) text += fmt::format(R"(,"telecom":[{{"system":"phone","value":"{}"}}])", said.phone);
        if (!said.address.empty()) text += fmt::format(R"(,"address":[{{"text":"{}"}}])", said.address);
        text += said.more + "}";
        json::Arena arena;
        const auto value = json::parse(text, arena);
        ASSERT_TRUE(value.ok()) << text;
        const auto& type = *fhir::find_resource("Patient");
        const record::Prepared prepared = store->prepare(type, said.id, *value);
        clock.move(1'000);
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            transaction.put(prepared, false, false);
                            return Done{};
                        })
                        .ok());
    }
    void erase(const std::string& id) {
        const auto& type = *fhir::find_resource("Patient");
        clock.move(1'000);
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            const auto state = transaction.state(type, id);
                            if (state && !state->deleted) transaction.erase(type, id);
                            return Done{};
                        })
                        .ok());
    }
    std::vector<std::string> person_of(const std::string& id) {
        persons->catch_up();
        return persons->patients(id);
    }
    /// "kind a b", sorted.
    std::multiset<std::string> asked() {
        persons->catch_up();
        std::multiset<std::string> all;
        for (const Task& task : persons->queue({.count = 1'000}).tasks) all.insert(task.kind + " " + task.a + " " + task.b);
        return all;
    }
    std::string rule(const Ruling& ruling) {
        clock.move(1'000);
        const auto done = persons->rule(ruling);
        return done.ok() ? *done : "refused: " + done.outcome().line();
    }
    /// Some strangers, so that what is rare shows.
    void town(int people) {
        std::mt19937_64 random(7);
        static const std::vector<std::string> surnames{"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙"};
        static const std::vector<std::string> given{"伟", "芳", "娜", "敏", "静", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛"};
        for (int i = 0; i < people; ++i) {
            const std::string birth = fmt::format("{}{:02}{:02}", 1940 + random() % 70, 1 + random() % 12, 1 + random() % 28);
            put({.id = fmt::format("t{}", i),
                 .name = surnames[random() % surnames.size()] + given[random() % given.size()] + given[random() % given.size()],
                 .sex = "male",
                 .birth = birth,
                 .number = number_of(birth, static_cast<int>(1 + 2 * (random() % 400))),
                 .phone = fmt::format("160{:08}", random() % 100'000'000),
                 .address = fmt::format("某市某区{}村{}号", random() % 90, random() % 400),
                 .source = "town"});
        }
    }
    const Said anna{.id = "anna-1",
                    .name = "马雨桐",
                    .birth = "19850817",
                    .number = number_of("19850817", 42),
                    .phone = "16011112222",
                    .address = "某市某区石河镇五里台村17号"};
    Said with(Said said, const std::string& id) const {
        said.id = id;
        return said;
    }
};

}  // namespace xinglin::person
