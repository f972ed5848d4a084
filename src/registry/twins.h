// SPDX-License-Identifier: Apache-2.0
// Entries that may be one: found twice in the registries, or told by messages without a code that a register gave.
#pragma once

#include <functional>
#include <string>
#include <utility>
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
    std::string why;      // same_code same_name other_code several elsewhere alike
};
/// How many each source has that are neither joined nor taken in; without roles.
std::vector<std::pair<std::string, std::size_t>> stray_counts(const Registry& registry);
/// Of one source, or of all (""), by source and name, from `skip` on at most `most`. `home`: the institution of a source
/// ("Organization/x"), "" when nobody knows.
std::vector<Stray> strays(const Registry& registry, std::string_view source = {}, std::size_t skip = 0, std::size_t most = 1'000,
                          const std::function<std::string(const std::string&)>& home = {});

}  // namespace xinglin::registry
