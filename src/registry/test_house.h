// SPDX-License-Identifier: Apache-2.0
// Tests only: a record with a registry beside it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "ingest/ingest.h"
#include "registry/registry.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::registry {

class TestHouse : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();
    std::unique_ptr<ingest::Ingest> ingest = std::make_unique<ingest::Ingest>(*store);
    Registry registry{*store, clock, {.follow = false}};

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(
            folder.path(), clock, {.readers = 2, .offset_minutes = 480, .store = xinglin::testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    void put(std::string_view text) {
        json::Arena arena;
        const auto value = json::parse(text, arena);
        if (!value.ok()) throw std::runtime_error(value.outcome().line());
        const fhir::Type& type = *fhir::find_resource((*value)["resourceType"].string());
        auto prepared = std::make_shared<record::Prepared>(store->prepare(type, (*value)["id"].string(), *value));
        clock.move(1'000);
        const auto done = store->submit_and_wait([prepared](record::Transaction& transaction) -> Result<Done> {
            transaction.put(*prepared, false, false);
            return Done{};
        });
        if (!done.ok()) throw std::runtime_error(done.outcome().line());
    }
    /// As stored, without the version's own meta.
    std::string body(std::string_view type, std::string_view id) {
        const auto version = store->reader(access::Viewer::program("test")).read(*fhir::find_resource(type), id);
        if (!version.ok()) return "";
        json::Arena arena;
        const auto value = json::parse(version->body, arena);
        json::Value meta = (*value)["meta"];
        meta = arena.with(arena.with(meta, "versionId", {}), "lastUpdated", {});
        return json::write(arena.with(*value, "meta", meta.size() ? meta : json::Value{}));
    }
};

}  // namespace xinglin::registry
