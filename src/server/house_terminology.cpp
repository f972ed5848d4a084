// SPDX-License-Identifier: Apache-2.0
// What users write into the record as CodeSystem, ValueSet and ConceptMap, for the room terminology.
#include "server/house_terminology.h"

#include <mutex>

#include "fhir/fhir.h"

namespace xinglin::server {

namespace {

constexpr std::string_view types[] = {"CodeSystem", "ValueSet", "ConceptMap"};

/// The position of the newest version of the three types. Looks at them only when anything at all was written.
class Watch {
public:
    explicit Watch(record::Store& store) : store_(store) {}
    std::int64_t position() {
        const std::lock_guard lock(lock_);
        record::Reader reader = store_.reader(access::Viewer::program("terminology"));
        const record::Position feed = reader.position();
        if (feed == feed_) return newest_;
        for (const std::string_view type : types) {
            const auto page = reader.history({.type = fhir::find_resource(type), .count = 1});
            if (page.ok() && !page->versions.empty()) newest_ = std::max(newest_, page->versions.front().position);
        }
        feed_ = feed;
        return newest_;
    }

private:
    record::Store& store_;
    std::mutex lock_;  // guards the next two
    record::Position feed_ = -1, newest_ = 0;
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
