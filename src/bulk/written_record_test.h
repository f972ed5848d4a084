// SPDX-License-Identifier: Apache-2.0
// For the tests of this room: a record to write to, of which exports are then made.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string_view>

#include "bulk/bulk.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::bulk {

class WrittenRecord : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    std::unique_ptr<record::Store> store_ = open();

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(folder_.path(), clock_,
                                          {.offset_minutes = std::int16_t{0}, .store = testing::store_beside(folder_.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(*opened);
    }
    void put(std::string_view text) {
        json::Arena arena;
        const auto value = json::parse(text, arena);
        ASSERT_TRUE(value.ok()) << text;
        const auto ready =
            store_->prepare(*fhir::find_resource((*value)["resourceType"].string()), (*value)["id"].string(), *value);
        ASSERT_TRUE(store_
                        ->submit_and_wait([&](record::Transaction& t) -> Result<Done> {
                            t.put(ready, false, false);
                            return Done{};
                        })
                        .ok());
    }
    void put_patient(std::string_view id, std::string_view gender = "male") {
        put(fmt::format(R"({{"resourceType":"Patient","id":"{}","gender":"{}"}})", id, gender));
    }
    void put_observation(std::string_view id, std::string_view patient, std::string_view status = "final") {
        put(fmt::format(
            R"({{"resourceType":"Observation","id":"{}","status":"{}","code":{{"text":"x"}},"subject":{{"reference":"Patient/{}"}}}})",
            id, status, patient));
    }
    record::Position position() { return store_->reader(access::Viewer::program("test")).position(); }
};

}  // namespace xinglin::bulk
