// SPDX-License-Identifier: Apache-2.0
// Entries that may be one: found twice in the registries, or told by messages without a code that a register gave.
#pragma once

#include <string>
#include <vector>

#include "registry/registry.h"

namespace xinglin::registry {

/// Two entries of one kind that say the same, by the linkage of room identity.
struct Twin {
    EntryPtr keep, other;  // keep: the one that has a code, or the older one
    double probability = 0;
    std::vector<std::string> agrees;  // name, code, phone, address, area, sex, institution
};
/// Institutions, or staff, in use. Surest first, at most `most`.
std::vector<Twin> twins(const Registry& registry, Kind kind, std::size_t most = 200);

/// An entry that messages brought and no register knows, with whom it may be.
struct Stray {
    EntryPtr entry;
    EntryPtr suggestion;  // nothing: nobody like it is registered
    std::string why;      // same_code, same_name
};
/// Of all sources, or one; by source, then name.
std::vector<Stray> strays(const Registry& registry, std::string_view source = {}, std::size_t most = 1'000);

}  // namespace xinglin::registry
