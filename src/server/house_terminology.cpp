// SPDX-License-Identifier: Apache-2.0
// What users write into the record as CodeSystem, ValueSet and ConceptMap, for the room terminology.
#include "server/house_terminology.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "fhir/fhir.h"

namespace xinglin::server {

namespace {

constexpr std::string_view types[] = {"CodeSystem", "ValueSet", "ConceptMap"};

/// The position of the newest version of the three types. Asked twenty times a second while messages are checked, so it looks into
/// the feed, from its end back to the first of the type, only when a type was written to: of a large feed that is far back, and
/// of a type that nobody ever wrote all of it.
class Watch {
public:
    explicit Watch(record::Store& store) : store_(store) {}
    std::int64_t position() {
        const std::lock_guard lock(lock_);
        record::Reader reader = store_.reader(access::Viewer::program("terminology"));
        const record::Position feed = reader.position();
        if (feed == feed_) return newest_;
        std::array<Written, std::size(types)> now;
        std::int64_t latest_ms = 0;
        for (const record::TypeCount& each : reader.type_counts()) {
            latest_ms = std::max(latest_ms, each.last_updated_ms);
            const auto* const found = std::find(std::begin(types), std::end(types), each.type->name);
            if (found != std::end(types)) now[static_cast<std::size_t>(found - types)] = {each.count, each.last_updated_ms};
        }
        for (std::size_t i = 0; i < now.size(); ++i) {
            // Two writes may fall into one millisecond; one after the last look can't have the time of one that was not the newest then.
            const bool was_passed = now[i].last_ms < latest_ms_;
            if (now[i].last_ms == 0 || (was_passed && now[i] == written_[i])) continue;
            const auto page = reader.history({.type = fhir::find_resource(types[i]), .count = 1});
            if (page.ok() && !page->versions.empty()) newest_ = std::max(newest_, page->versions.front().position);
        }
        written_ = now;
        latest_ms_ = latest_ms;
        feed_ = feed;
        return newest_;
    }

private:
    record::Store& store_;
    struct Written {
        std::uint64_t count = 0;
        std::int64_t last_ms = 0;
        bool operator==(const Written&) const = default;
    };
    std::mutex lock_;  // guards what follows
    record::Position feed_ = -1, newest_ = 0;
    std::array<Written, std::size(types)> written_;
    std::int64_t latest_ms_ = -1;  // of all types
};

}  // namespace

terminology::Stored stored_terminology(record::Store& store) {
    const auto watch = std::make_shared<Watch>(store);  // shared: std::function wants to be copied
    return {[watch] { return watch->position(); },
            [&store](const terminology::Stored::Each& each) {
                record::Reader reader = store.reader(access::Viewer::program("terminology"));
                for (const std::string_view type : types) {
                    reader.scan(fhir::find_resource(type), [&](const record::Version& version) {
                        each(type, version.id, version.version, version.body);
                        return true;
                    });
                }
            },
            [&store](std::string_view type, std::string_view id) -> std::optional<std::string> {
                auto found = store.reader(access::Viewer::program("terminology")).read(*fhir::find_resource(type), id);
                if (!found.ok()) return std::nullopt;
                return std::move(found->body);
            }};
}

}  // namespace xinglin::server
