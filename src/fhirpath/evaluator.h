// SPDX-License-Identifier: Apache-2.0
// One evaluation: walks the tree, spends the budget, remembers the first thing that went wrong.
//
// A failure does not unwind: run() then returns empty collections, every loop stops at its next spend(), and the caller
// of the whole evaluation asks failed(). So no step needs to check what its parts returned.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fhirpath/fhirpath.h"
#include "fhirpath/plain.h"
#include "fhirpath/regex.h"
#include "fhirpath/tree.h"

namespace xinglin::fhirpath {

/// Where a part of an expression is evaluated.
struct Frame {
    std::span<const Item> focus;        // $this: one item, or none
    std::int64_t index = -1;            // $index; -1 outside of any iteration
    const Collection* total = nullptr;  // $total
};

class Evaluator {
public:
    Evaluator(const Item& context, const Environment& environment) : context_(context), environment_(environment) {}

    Collection run(const Node& node, const Frame& frame);
    /// As run(), with variables defined inside forgotten afterwards.
    Collection run_scoped(const Node& node, const Frame& frame);
    /// A criterion as a boolean: nothing when empty; any single item that is no boolean counts as true.
    std::optional<bool> test(const Node& node, const Frame& frame);

    bool failed() const { return failed_; }
    const Problem& problem() const { return problem_; }
    /// Records what went wrong (the first time) and returns an empty collection.
    Collection fail(std::string message, std::string_view kind = "execution");
    /// Counts work; false when the budget is gone or something failed, and then the caller stops.
    bool spend(std::uint64_t steps = 1);
    /// False, and a failure, when a collection grew beyond the budget.
    bool fits(std::size_t items);

    /// The only item; nullptr when there is none, or (a failure) more than one.
    const Item* single(const Collection& collection, std::string_view what);
    std::optional<bool> boolean(const Collection& collection);
    /// An argument that must be a single string or integer; nothing when empty or failed.
    std::optional<std::string> string_argument(const Node& call, std::size_t index, const Frame& frame);
    std::optional<std::int64_t> integer_argument(const Node& call, std::size_t index, const Frame& frame);
    /// The input as a string; nothing when empty or failed.
    std::optional<std::string> string_input(const Collection& input, std::string_view function);

    /// Children named so of one item, appended.
    void step(const Item& item, const Node& member, Collection& out);
    void children(const Item& item, Collection& out);

    const Item& context() const { return context_; }
    const Environment& environment() const { return environment_; }
    /// What regular expressions may still use up.
    std::int32_t& regex_ticks() { return regex_ticks_; }
    bool define(const std::string& name, Collection value);
    std::int64_t now_ms();

private:
    const Item& context_;
    const Environment& environment_;
    Problem problem_;
    bool failed_ = false;
    std::uint64_t spent_ = 0;
    std::int32_t regex_ticks_ = Regex::evaluation_ticks;
    std::int64_t now_ms_ = 0;
    std::vector<std::pair<std::string, Collection>> variables_;

    Collection run_node(const Node& node, const Frame& frame);
    Collection run_member(const Node& node, const Frame& frame);
    Collection run_function(const Node& node, const Frame& frame);
    Collection run_indexer(const Node& node, const Frame& frame);
    Collection run_sign(const Node& node, const Frame& frame);
    Collection run_type(const Node& node, const Frame& frame);
    Collection variable(const Node& node);
};

/// An item and every FHIR or System type it is.
bool is_of_type(const Item& item, const TypeName& type);

Collection evaluate_binary(Evaluator& evaluator, const Node& node, const Frame& frame);

/// Distinct items, in the order they came.
class ItemSet {
public:
    /// False when an equal item is there already.
    bool add(const Item& item);
    bool has(const Item& item) const;

private:
    std::unordered_multimap<std::size_t, Item> items_;
};

inline Collection one(Item item) {
    Collection collection;
    collection.push_back(std::move(item));
    return collection;
}
inline Collection one_or_none(std::optional<bool> value) { return value ? one(make(*value)) : Collection(); }

}  // namespace xinglin::fhirpath
