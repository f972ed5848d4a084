// SPDX-License-Identifier: Apache-2.0
// All search parameters of all resource types, which of them include which, and their tries, grown when first asked for.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "search/search.h"
#include "search/trie.h"

namespace xinglin::search {

/// What the room knows of a parameter beyond its door.
struct Details {
    Parameter parameter;
    std::vector<Path> paths;     // the whole expression
    std::vector<Path> residual;  // without what included parameters find
    std::vector<std::string_view> targets;
    std::vector<const Parameter*> includes;
    std::vector<Parameter::Component> components;
    /// All paths end in where(resolve() is T), and `includes` finds them without it.
    bool restricted = false;
    std::uint64_t present_bits = 0;               // own bit and those of unrestricted includers
    std::vector<const Parameter*> restricted_by;  // includers that count only references to their targets
};

/// A parameter's trie of its own.
struct Alone {
    std::once_flag once;
    Grower grower;
    const Node* root = nullptr;
    bool folds_case = false;  // a token whose elements are all strings: R4 compares those without case
};

struct TypeCatalogue {
    const fhir::Type* type = nullptr;
    std::vector<const Parameter*> parameters;  // by code
    std::once_flag once;
    Grower grower;
    const Node* root = nullptr;
};

/// Read-only after it is made, apart from the tries, which are each grown once. Safe from any thread.
class Catalogue {
public:
    static const Catalogue& the();

    const Parameter* find(const fhir::Type& type, std::string_view code) const;
    std::span<const Parameter* const> of(const fhir::Type& type) const;
    std::span<const Parameter* const> all() const { return all_; }
    const Details& details(const Parameter& parameter) const { return *details_[parameter.index]; }
    /// The trie of all parameters of a type, each without what its included ones find.
    const Node* trie(const fhir::Type& type) const;
    /// The trie of one parameter, complete.
    const Alone& alone(const Parameter& parameter) const;

private:
    Catalogue();
    std::deque<Details> stored_;
    std::vector<Details*> details_;
    std::vector<const Parameter*> all_;
    mutable std::deque<TypeCatalogue> types_;
    std::unordered_map<const fhir::Type*, TypeCatalogue*> by_type_;
    mutable std::deque<Alone> alone_;
};

/// Fills `includes`, `residual` and `restricted` of the parameters of one type.
void find_includes(std::span<Details*> parameters);

}  // namespace xinglin::search
