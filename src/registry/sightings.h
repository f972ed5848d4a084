// SPDX-License-Identifier: Apache-2.0
// Where strays were seen, and references that lead nowhere: by one look over the whole record, then kept up with the feed.
//
// Nothing is looked at before somebody asks; the first look reads everything once. In memory; who restarts looks again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "registry/registry.h"

namespace xinglin::registry {

struct Seen {
    std::size_t count = 0;  // references
    std::int64_t first_ms = 0, last_ms = 0;
    std::string example;  // "Encounter/x", a resource that has one
};
/// References of one source from one type to one type that is not there.
struct Nowhere {
    std::string source;  // "" when nobody says
    std::string from, to;
    std::size_t targets = 0;  // different ones
    Seen seen;
    std::string missing;  // one of them, "Patient/x"
};

class Sightings {
public:
    explicit Sightings(const Registry& registry);
    ~Sightings();
    /// Begins to catch up on a thread of its own, unless it is at it.
    void hurry();
    /// Looks at what is new. Long the first time; one at a time, others wait. `stop` ends it early, to go on the next time.
    void catch_up(const std::function<bool()>& stop = {});
    bool is_read() const;
    /// Of an entry that is a stray, or was one.
    Seen of(std::string_view reference) const;
    /// Most first.
    std::vector<Nowhere> nowhere() const;
    /// More different targets than are remembered.
    std::size_t left_out() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::registry
