// SPDX-License-Identifier: Apache-2.0
// Inside the room: the profiles in force: those of content/profiles, and the StructureDefinitions users wrote into the record.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "calendar/calendar.h"
#include "profile/profile.h"
#include "record/record.h"

namespace xinglin::server {

/// Safe from many threads. Looks into the record at most once a second, and at once after a StructureDefinition was checked
/// here for writing; another process's definitions are seen within that second.
class Profiles {
public:
    /// All of it must outlive this.
    Profiles(record::Store& store, const calendar::Clock& clock, profile::Book built_in, profile::MemberOf member_of);

    std::shared_ptr<const profile::Book> book();
    /// For every write: R4's rules and the profiles claimed, errors only; a StructureDefinition must not contradict itself.
    Outcome check_write(json::Value resource);
    const profile::MemberOf& member_of() const { return member_of_; }

private:
    record::Store& store_;
    const calendar::Clock& clock_;
    const profile::Book built_in_;
    const profile::MemberOf member_of_;

    std::mutex lock_;
    std::shared_ptr<const profile::Book> book_;
    std::int64_t looked_ms_ = -1;         // when the record was asked last
    std::int64_t written_ms_ = -1;        // when a StructureDefinition was let through here
    std::uint64_t known_count_ = 0;       // of stored definitions, when they were read
    std::int64_t known_updated_ms_ = -1;  // of the newest of them

    void refresh();
};

}  // namespace xinglin::server
