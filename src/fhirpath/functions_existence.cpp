// SPDX-License-Identifier: Apache-2.0
// Functions that ask whether: empty, exists, all, subsetOf, not, … Source: FHIRPath N1, "Existence".
#include <algorithm>

#include <fmt/format.h>

#include "fhirpath/equality.h"
#include "fhirpath/functions.h"

namespace xinglin::fhirpath {

namespace {

Frame frame_of(const Item& item, std::size_t index, const Frame& outer) {
    return {std::span<const Item>(&item, 1), static_cast<std::int64_t>(index), outer.total};
}

Collection run_empty(Evaluator&, const Node&, Collection input, const Frame&) { return one(make(input.empty())); }

Collection run_exists(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    if (call.arguments.empty()) return one(make(!input.empty()));
    for (std::size_t i = 0; i < input.size() && evaluator.spend(); ++i) {
        if (evaluator.test(*call.arguments[0], frame_of(input[i], i, frame)) == true) return one(make(true));
    }
    return one(make(false));
}

Collection run_all(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    for (std::size_t i = 0; i < input.size() && evaluator.spend(); ++i) {
        if (evaluator.test(*call.arguments[0], frame_of(input[i], i, frame)) != true) return one(make(false));
    }
    return one(make(true));
}

/// Over a collection of booleans: is any of them `wanted`?
Collection any_is(Evaluator& evaluator, const Node& call, const Collection& input, bool wanted, bool answer) {
    bool found = false;
    for (const Item& item : input) {
        const Plain value = plain(item);
        if (!value.is(Item::Kind::boolean))
            return evaluator.fail(fmt::format("{}() works on booleans, not {}", call.name, item.type_name()));
        found = found || value.boolean == wanted;
    }
    return one(make(found ? answer : !answer));
}
Collection run_all_true(Evaluator& e, const Node& call, Collection input, const Frame&) {
    return any_is(e, call, input, false, false);
}
Collection run_any_true(Evaluator& e, const Node& call, Collection input, const Frame&) {
    return any_is(e, call, input, true, true);
}
Collection run_all_false(Evaluator& e, const Node& call, Collection input, const Frame&) {
    return any_is(e, call, input, true, false);
}
Collection run_any_false(Evaluator& e, const Node& call, Collection input, const Frame&) {
    return any_is(e, call, input, false, true);
}

bool is_subset(Evaluator& evaluator, const Collection& part, const Collection& whole) {
    ItemSet set;
    for (const Item& item : whole) {
        if (!evaluator.spend()) return false;
        set.add(item);
    }
    return std::all_of(part.begin(), part.end(), [&](const Item& item) { return evaluator.spend() && set.has(item); });
}
Collection run_subset_of(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    return one(make(is_subset(evaluator, input, evaluator.run_scoped(*call.arguments[0], frame))));
}
Collection run_superset_of(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    return one(make(is_subset(evaluator, evaluator.run_scoped(*call.arguments[0], frame), input)));
}

Collection run_count(Evaluator&, const Node&, Collection input, const Frame&) {
    return one(make(static_cast<std::int64_t>(input.size())));
}

Collection distinct(Evaluator& evaluator, const Collection& input) {
    Collection out;
    ItemSet seen;
    for (const Item& item : input) {
        if (!evaluator.spend()) return {};
        if (seen.add(item)) out.push_back(item);
    }
    return out;
}
Collection run_distinct(Evaluator& evaluator, const Node&, Collection input, const Frame&) { return distinct(evaluator, input); }
Collection run_is_distinct(Evaluator& evaluator, const Node&, Collection input, const Frame&) {
    return one(make(distinct(evaluator, input).size() == input.size()));
}

Collection run_not(Evaluator& evaluator, const Node&, Collection input, const Frame&) {
    const auto value = evaluator.boolean(input);
    return one_or_none(value ? std::optional(!*value) : std::nullopt);
}

/// comparable(other): can the two quantities be compared?
Collection run_comparable(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const Collection argument = evaluator.run_scoped(*call.arguments[0], frame);
    const Item* left = evaluator.single(input, "comparable()");
    const Item* right = evaluator.single(argument, "comparable()");
    if (!left || !right) return {};
    const Plain a = plain(*left), b = plain(*right);
    const auto x = a.amount(), y = b.amount();
    if (!x || !y) return one(make(false));
    return one(make(compare(*x, *y, Loose::no).has_value()));
}

constexpr Function table[] = {
    {"empty", 0, 0, run_empty},
    {"exists", 0, 1, run_exists},
    {"all", 1, 1, run_all},
    {"allTrue", 0, 0, run_all_true},
    {"anyTrue", 0, 0, run_any_true},
    {"allFalse", 0, 0, run_all_false},
    {"anyFalse", 0, 0, run_any_false},
    {"subsetOf", 1, 1, run_subset_of},
    {"supersetOf", 1, 1, run_superset_of},
    {"count", 0, 0, run_count},
    {"distinct", 0, 0, run_distinct},
    {"isDistinct", 0, 0, run_is_distinct},
    {"not", 0, 0, run_not},
    {"comparable", 1, 1, run_comparable},
};

}  // namespace

std::span<const Function> existence_functions() { return table; }

}  // namespace xinglin::fhirpath
