// SPDX-License-Identifier: Apache-2.0
// The registries: institutions, departments, places, beds, staff, devices, drugs and consumables, each known by one code.
//
// The entries are FHIR resources in the record and nowhere else. This room follows the feed, keeps what it needs to look things up in
// memory, and may be thrown away and read again. Safe from any thread; nothing it answers waits for the disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"
#include "outcome/outcome.h"
#include "record/record.h"
#include "registry/entry.h"

namespace xinglin::registry {

using EntryPtr = std::shared_ptr<const Entry>;

/// What a list asks for. Empty members ask nothing.
struct Question {
    std::string q;            // words, all of which must fit: part of a name or former name, pinyin, initials, any code
    std::vector<Kind> kinds;  // empty: all but roles and affiliations
    std::string area;         // division code; everything within it
    std::string class_code;   // "A" is every hospital
    std::string state;        // active, inactive, suspended; "" all
    std::string at;           // a day: what was in force then
    std::string within;       // "Organization/x": it, its parts, and what belongs to them
    std::string source;
    bool strays = false;  // what messages told and no register knows; else only what is registered
    std::size_t count = 50, skip = 0;
};
struct Hit {
    EntryPtr entry;
    std::string matched;  // name, former_name, code, former_code, pinyin, initials; "" without words
};
struct Listed {
    std::size_t total = 0;
    std::vector<Hit> hits;
};
/// Who has or had a code.
struct Known {
    EntryPtr entry, now;  // now: itself, or what took its place by merging
    Code code;
};
struct Counts {
    std::size_t parts = 0;                                                            // what a tree shows below it
    std::size_t institutions = 0, departments = 0, staff = 0, beds = 0, devices = 0;  // of it and everything below
};
struct Node {
    EntryPtr entry;
    Counts counts;
};
/// Something about the entries that cannot be right.
struct Trouble {
    std::string kind;  // cycle, missing_parent, shared_code, closed_parent
    std::string reference, other;
};
/// A new state of an entry, for those who keep copies.
struct News {
    std::int64_t position = 0;
    std::string reference;
    std::int64_t version = 0;
    bool deleted = false;
};

struct Options {
    std::chrono::milliseconds poll{500};
    bool follow = true;  // with a thread of its own; else only catch_up() does anything
};

class Catalogue;

class Registry {
public:
    Registry(record::Store& store, const calendar::Clock& clock, Options options = {});
    ~Registry();

    /// Returns when what was committed before the call is known here.
    void catch_up();
    record::Position position() const;
    /// Waits until the record has been read once; false when it cannot be read, or the registry is closed before.
    bool wait() const;
    /// Asks many questions of one state. `ask` must be short: it holds up news.
    void look(const std::function<void(const Catalogue&)>& ask) const;
    /// What keeps it from reading right now; "" when nothing does.
    std::string trouble() const;

    EntryPtr find(std::string_view reference) const;
    /// What it is now: itself, or what took its place by merging or joining.
    EntryPtr now(std::string_view reference) const;
    Listed list(const Question& question) const;
    /// `system` "": any. `at` "": those who have it now come first, then those who had it.
    std::vector<Known> who_has(std::string_view code, std::string_view system, std::string_view at) const;
    /// Below "" stand institutions that are part of nothing, with their alliances' members among the rest.
    std::vector<Node> children(std::string_view reference, std::string_view at) const;
    /// From the top down to it, without it. A cycle is cut where it closes.
    std::vector<EntryPtr> above(std::string_view reference, std::string_view at = {}) const;
    /// The division code of now for one that was in force once; itself when nobody knows better.
    std::string present_area(std::string_view code) const;
    /// Entries that name this one: as parent, institution, department or person.
    std::vector<EntryPtr> pointing(std::string_view reference, std::vector<Kind> kinds = {}) const;
    Counts counts(std::string_view reference) const;
    /// Registered ones.
    std::vector<std::pair<Kind, std::size_t>> totals() const;
    std::vector<Trouble> troubles() const;
    /// Every entry, in no order.
    std::vector<EntryPtr> all() const;
    /// New states of entries after a position, in order, at most `count`; `upto` becomes the position everything is told of.
    std::vector<News> news(record::Position since, std::size_t count, record::Position& upto) const;
    std::string today() const;
    record::Store& store() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// What is part of what, as it will be: the record, and over it what is about to be written. Safe from any thread.
class Hierarchy {
public:
    explicit Hierarchy(record::Store& store);
    ~Hierarchy();
    /// Refuses, by name, an Organization or Location whose partOf leads back to itself; takes note of any other.
    Outcome add(json::Value resource);
    /// Several at once, of one transaction: a cycle that only all of them together make is one as well.
    Outcome add(std::span<const json::Value> resources);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};
/// Hierarchy::add of one resource, over the record as it is now. For the door that everything is written through.
Outcome check_hierarchy(record::Store& store, json::Value resource);

}  // namespace xinglin::registry
