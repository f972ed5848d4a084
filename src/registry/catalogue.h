// SPDX-License-Identifier: Apache-2.0
// Inside the room: all entries in memory, by reference, by code, and by whom they name.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "registry/registry.h"

namespace xinglin::registry {

/// Not safe from several threads by itself.
class Catalogue {
public:
    void put(EntryPtr entry);
    void erase(std::string_view reference);
    void clear();

    EntryPtr find(std::string_view reference) const;
    Listed list(const Question& question) const;
    std::vector<Known> who_has(std::string_view code, std::string_view system, std::string_view at) const;
    std::vector<Node> children(std::string_view reference, std::string_view at) const;
    std::vector<EntryPtr> above(std::string_view reference) const;
    std::vector<EntryPtr> pointing(std::string_view reference, const std::vector<Kind>& kinds) const;
    Counts counts(std::string_view reference) const;
    std::vector<Trouble> troubles() const;
    const std::unordered_map<std::string, EntryPtr>& all() const { return entries_; }
    std::size_t size() const { return entries_.size(); }

private:
    std::unordered_map<std::string, EntryPtr> entries_;
    std::unordered_map<std::string, std::set<std::string>> by_code_;   // folded value → references
    std::unordered_map<std::string, std::set<std::string>> pointing_;  // reference → those that name it

    std::vector<EntryPtr> parts(std::string_view reference) const;
    std::unordered_set<std::string> within(const std::string& reference) const;
    bool is_top(const Entry& entry) const;
    bool is_in_cycle(const Entry& entry) const;
};

/// How well an entry fits folded words: "" not at all. `rank`: lower is better.
std::string matched_by(const Entry& entry, const std::vector<std::string>& words, int& rank);

}  // namespace xinglin::registry
