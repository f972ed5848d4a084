// SPDX-License-Identifier: Apache-2.0
// Keeping the book of profiles in step with the record.
#include "server/profiles.h"

namespace xinglin::server {

namespace {
constexpr std::int64_t look_every_ms = 1'000, watch_after_write_ms = 10'000;
}

Profiles::Profiles(record::Store& store, const calendar::Clock& clock, profile::Book built_in, profile::MemberOf member_of)
    : store_(store), clock_(clock), built_in_(std::move(built_in)), member_of_(std::move(member_of)) {
    book_ = std::make_shared<const profile::Book>(built_in_.with({}, ""));
}

std::shared_ptr<const profile::Book> Profiles::book() {
    const std::lock_guard guard(lock_);
    const std::int64_t now = clock_.now_ms();
    const bool just_written = written_ms_ >= 0 && now - written_ms_ < watch_after_write_ms;
    if (looked_ms_ < 0 || now - looked_ms_ >= look_every_ms || now < looked_ms_ || just_written) {
        looked_ms_ = now;
        refresh();
    }
    return book_;
}

void Profiles::refresh() {
    static const fhir::Type& type = *fhir::find_resource("StructureDefinition");
    record::Reader reader = store_.reader(access::Viewer::program("profiles"));
    std::uint64_t count = 0;
    std::int64_t updated_ms = -1;
    for (const record::TypeCount& row : reader.type_counts()) {
        if (row.type == &type) count = row.count, updated_ms = row.last_updated_ms;
    }
    if (count == known_count_ && updated_ms == known_updated_ms_) return;
    json::Arena arena;
    std::vector<json::Value> definitions;
    reader.scan(&type, [&](const record::Version& version) {
        const auto parsed = json::parse(version.body, arena, {.depth = 1'000, .bytes = version.body.size() + 1});
        if (parsed.ok()) definitions.push_back(*parsed);
        return true;
    });
    book_ = std::make_shared<const profile::Book>(built_in_.with(definitions, "stored"));
    known_count_ = count;
    known_updated_ms_ = updated_ms;
}

Outcome Profiles::check_write(json::Value resource) {
    const auto held = book();
    profile::Ask ask;
    ask.everything = false;
    ask.limit = 50;
    ask.member_of = member_of_;
    Outcome outcome = held->check(resource, ask);
    if (resource["resourceType"].string() != "StructureDefinition") return outcome;
    if (auto sound = held->test(resource); !sound.ok()) {
        for (const Issue& issue : sound.outcome().issues) outcome.issues.push_back(issue);
    }
    const std::lock_guard guard(lock_);
    written_ms_ = clock_.now_ms();
    return outcome;
}

}  // namespace xinglin::server
