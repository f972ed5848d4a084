// SPDX-License-Identifier: Apache-2.0
// Inside the room: value sets worked out: which codes of which systems, in their order.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "terminology/library.h"

namespace xinglin::terminology {

/// What limits a value set that a stranger wrote.
struct SetLimits {
    std::size_t depth = 30;         // value sets within value sets
    std::size_t sets = 1'000;       // in all, for one question
    std::size_t rules = 10'000;     // include, exclude and filter, for one question
    std::size_t codes = 2'000'000;  // in all
};

/// The codes of a value set. Parts stand in the order in which their systems were first named.
struct Set {
    /// What the value set itself says of a concept.
    struct Override {
        std::string display;
        std::vector<Designation> designations;
    };
    struct Listed {
        std::string code;
        Override said;
    };
    struct Part {
        std::string system, version;
        std::shared_ptr<const Concepts> concepts;  // nullptr: the system has no content here
        std::vector<Row> rows;                     // with concepts: in their order,
        std::vector<bool> has;                     // and by row
        std::map<Row, Override> said;
        std::vector<Listed> listed;                       // without concepts: in their order,
        std::unordered_map<std::string, std::size_t> at;  // and by code
        bool open = false;                                // without concepts: all of the system, or a filter nobody can evaluate

        bool add(Row row);
        bool add(Listed one);
        std::size_t size() const { return rows.size() + listed.size(); }
    };
    std::string url, version, name, title;
    std::vector<Part> parts;
    std::vector<std::string> gaps;  // why it cannot be enumerated, as sentences

    std::size_t size() const;
    Part* find(std::string_view system, std::string_view version, const Concepts* concepts);
};
using SharedSet = std::shared_ptr<const Set>;

/// Works value sets out and keeps them until the definitions change. Safe from many threads.
class SetKeeper {
public:
    explicit SetKeeper(Library& library) : library_(library) {}

    /// `url` may be SYSTEM?fhir_vs, SYSTEM?fhir_vs=isa/CODE, or what a code system calls its own value set. Refuses not_found,
    /// a circle (invariant), too_costly, and filters that make no sense.
    Result<SharedSet> set_of(const Now& now, std::string_view url, std::string_view version, std::string_view date,
                             const Versions& versions = {});
    /// Of a ValueSet resource in hand; not kept.
    Result<SharedSet> set_of(const Now& now, json::Value value_set, std::string_view date, const Versions& versions = {});

private:
    Library& library_;
    std::shared_mutex lock_;  // guards the next two
    std::uint64_t generation_ = 0;
    std::unordered_map<std::string, SharedSet> kept_;

    friend class SetReader;
    SharedSet kept(const Now& now, const std::string& key);
    void keep(const Now& now, const std::string& key, const SharedSet& set);
};

/// Rows that pass one filter of compose. `where` names it for refusals.
Result<std::vector<bool>> filtered(const Concepts& concepts, std::string_view property, std::string_view op,
                                   std::string_view value, const std::string& where);

}  // namespace xinglin::terminology
