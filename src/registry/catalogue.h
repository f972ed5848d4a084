// SPDX-License-Identifier: Apache-2.0
// Inside the room: all entries in memory, by reference, by code, and by whom they name.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "registry/grams.h"
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
    /// What it is now: itself, or what took its place by merging; nothing of nothing.
    EntryPtr now(EntryPtr entry) const;
    /// The division code that a code which was once in force is now: recoded, or merged into another; itself when it is in force, or when
    /// it was divided and nobody can say.
    std::string present_area(std::string_view code) const;
    /// Registered entries of a type that are or were called so (plain_name).
    std::vector<EntryPtr> named(std::string_view name, const fhir::Type* type) const;
    std::vector<Node> children(std::string_view reference, std::string_view at) const;
    std::vector<EntryPtr> above(std::string_view reference, std::string_view at = {}) const;
    std::vector<EntryPtr> pointing(std::string_view reference, const std::vector<Kind>& kinds) const;
    Counts counts(std::string_view reference) const;
    std::vector<Trouble> troubles() const;
    const std::unordered_map<std::string, EntryPtr>& all() const { return entries_; }
    std::size_t size() const { return entries_.size(); }

private:
    std::unordered_map<std::string, EntryPtr> entries_;
    std::vector<EntryPtr> slots_;  // the same, by number; nothing where one was
    std::unordered_map<std::string, std::uint32_t> numbers_;
    std::size_t empty_slots_ = 0;
    Grams grams_;                                                       // of Entry::search
    std::unordered_map<std::string, std::set<std::string>> by_code_;    // folded value → references
    std::unordered_map<std::string, std::set<std::string>> by_name_;    // plain name → references
    std::unordered_map<std::string, std::set<std::string>> once_part_;  // reference → those that were part of it
    std::unordered_map<std::string, std::set<std::string>> pointing_;   // reference → those that name it

    void number(const EntryPtr& entry, const std::string& reference);
    std::vector<EntryPtr> parts(std::string_view reference, std::string_view at = {}) const;
    bool lies_in(const Entry& entry, std::string_view area) const;
    std::unordered_set<std::string> within(const std::string& reference) const;
    bool is_top(const Entry& entry) const;
    bool is_in_cycle(const Entry& entry) const;
};

/// How well an entry fits folded words: "" not at all. `rank`: lower is better.
std::string_view matched_by(const Entry& entry, const std::vector<std::string>& words, int& rank);

}  // namespace xinglin::registry
