// SPDX-License-Identifier: Apache-2.0
// Functions that filter, project, cut and join collections. Source: FHIRPath N1, "Filtering and projection",
// "Subsetting", "Combining", "Tree navigation", "Aggregates"; sort() and coalesce() from 3.0.
#include <algorithm>
#include <deque>
#include <iterator>

#include <fmt/format.h>

#include "fhirpath/equality.h"
#include "fhirpath/functions.h"

namespace xinglin::fhirpath {

namespace {

Frame frame_of(const Item& item, std::size_t index, const Frame& outer) {
    return {std::span<const Item>(&item, 1), static_cast<std::int64_t>(index), outer.total};
}

void append(Collection& out, Collection more) {
    out.insert(out.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Collection run_where(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    Collection out;
    for (std::size_t i = 0; i < input.size() && evaluator.spend(); ++i) {
        if (evaluator.test(*call.arguments[0], frame_of(input[i], i, frame)) == true) out.push_back(input[i]);
    }
    return out;
}

Collection run_select(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    Collection out;
    for (std::size_t i = 0; i < input.size() && evaluator.spend(); ++i) {
        append(out, evaluator.run_scoped(*call.arguments[0], frame_of(input[i], i, frame)));
        if (!evaluator.fits(out.size())) return {};
    }
    return out;
}

enum class Repeats : bool { distinct, all };

Collection repeated(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame, Repeats repeats) {
    Collection out;
    ItemSet seen;
    std::deque<Item> queue(std::make_move_iterator(input.begin()), std::make_move_iterator(input.end()));
    for (std::size_t i = 0; !queue.empty() && evaluator.spend(); ++i) {
        const Item item = std::move(queue.front());
        queue.pop_front();
        for (Item& found : evaluator.run_scoped(*call.arguments[0], frame_of(item, i, frame))) {
            if (repeats == Repeats::distinct && !seen.add(found)) continue;
            queue.push_back(found);
            out.push_back(std::move(found));
        }
        if (!evaluator.fits(out.size())) return {};
    }
    return out;
}
Collection run_repeat(Evaluator& e, const Node& call, Collection input, const Frame& f) {
    return repeated(e, call, std::move(input), f, Repeats::distinct);
}
Collection run_repeat_all(Evaluator& e, const Node& call, Collection input, const Frame& f) {
    return repeated(e, call, std::move(input), f, Repeats::all);
}

Collection run_of_type(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    if (!call.type.known()) return evaluator.fail(fmt::format("there is no type {}", call.type.name.substr(0, 60)));
    std::erase_if(input, [&call](const Item& item) { return !is_of_type(item, call.type); });
    return input;
}

Collection run_is(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    if (!call.type.known()) return evaluator.fail(fmt::format("there is no type {}", call.type.name.substr(0, 60)));
    const Item* item = evaluator.single(input, "is()");
    return item ? one(make(is_of_type(*item, call.type))) : Collection();
}

Collection run_as(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    if (!call.type.known()) return evaluator.fail(fmt::format("there is no type {}", call.type.name.substr(0, 60)));
    const Item* item = evaluator.single(input, "as()");
    return item && is_of_type(*item, call.type) ? std::move(input) : Collection();
}

Collection run_single(Evaluator& evaluator, const Node&, Collection input, const Frame&) {
    return evaluator.single(input, "single()") ? std::move(input) : Collection();
}

Collection slice(const Collection& input, std::size_t from, std::size_t to) {
    to = std::min(to, input.size());
    if (from >= to) return {};
    return {input.begin() + static_cast<std::ptrdiff_t>(from), input.begin() + static_cast<std::ptrdiff_t>(to)};
}
Collection run_first(Evaluator&, const Node&, Collection input, const Frame&) { return slice(input, 0, 1); }
Collection run_last(Evaluator&, const Node&, Collection input, const Frame&) {
    return input.empty() ? input : slice(input, input.size() - 1, input.size());
}
Collection run_tail(Evaluator&, const Node&, Collection input, const Frame&) { return slice(input, 1, input.size()); }

Collection run_skip(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto count = evaluator.integer_argument(call, 0, frame);
    if (!count) return {};
    return *count <= 0 ? std::move(input) : slice(input, static_cast<std::size_t>(*count), input.size());
}
Collection run_take(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto count = evaluator.integer_argument(call, 0, frame);
    return count && *count > 0 ? slice(input, 0, static_cast<std::size_t>(*count)) : Collection();
}

Collection run_intersect(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    ItemSet other, seen;
    for (const Item& item : evaluator.run_scoped(*call.arguments[0], frame)) {
        if (!evaluator.spend()) return {};
        other.add(item);
    }
    Collection out;
    for (const Item& item : input) {
        if (!evaluator.spend()) return {};
        if (other.has(item) && seen.add(item)) out.push_back(item);
    }
    return out;
}

Collection run_exclude(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    ItemSet other;
    for (const Item& item : evaluator.run_scoped(*call.arguments[0], frame)) {
        if (!evaluator.spend()) return {};
        other.add(item);
    }
    std::erase_if(input, [&](const Item& item) { return evaluator.spend() && other.has(item); });
    return input;
}

Collection run_combine(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    append(input, evaluator.run_scoped(*call.arguments[0], frame));
    return input;
}

Collection run_union(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    append(input, evaluator.run_scoped(*call.arguments[0], frame));
    Collection out;
    ItemSet seen;
    for (Item& item : input) {
        if (!evaluator.spend()) return {};
        if (seen.add(item)) out.push_back(std::move(item));
    }
    return out;
}

Collection run_children(Evaluator& evaluator, const Node&, Collection input, const Frame&) {
    Collection out;
    for (const Item& item : input) {
        if (!evaluator.spend()) return {};
        evaluator.children(item, out);
    }
    return out;
}

/// Every node below, parents before their children.
Collection run_descendants(Evaluator& evaluator, const Node&, Collection input, const Frame&) {
    Collection out;
    for (const Item& item : input) evaluator.children(item, out);
    for (std::size_t i = 0; i < out.size() && evaluator.spend(); ++i) {
        const Item item = out[i];  // a copy: `out` grows below
        evaluator.children(item, out);
        if (!evaluator.fits(out.size())) return {};
    }
    return out;
}

Collection run_aggregate(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    Collection total;
    if (call.arguments.size() > 1) total = evaluator.run_scoped(*call.arguments[1], frame);
    for (std::size_t i = 0; i < input.size() && evaluator.spend(); ++i) {
        Frame inner = frame_of(input[i], i, frame);
        inner.total = &total;
        Collection next = evaluator.run_scoped(*call.arguments[0], inner);
        if (!evaluator.fits(next.size())) return {};
        total = std::move(next);
    }
    return total;
}

/// Items and their keys; an item without a key comes first.
struct Sortable {
    Item item;
    std::vector<std::optional<Item>> keys;
};

Collection run_sort(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    std::vector<Sortable> rows;
    for (std::size_t i = 0; i < input.size() && evaluator.spend(); ++i) {
        Sortable row{input[i], {}};
        if (call.arguments.empty()) row.keys.emplace_back(input[i]);
        for (const NodePtr& key : call.arguments) {
            const Collection value = evaluator.run_scoped(*key, frame_of(input[i], i, frame));
            const Item* only = evaluator.single(value, "sort()");
            row.keys.push_back(only ? std::optional(*only) : std::nullopt);
        }
        rows.push_back(std::move(row));
    }
    bool mixed = false;
    // One merge sort by hand would do; std::stable_sort needs a strict order, which `unknown` relations keep as "equal".
    const auto before = [&](const Sortable& a, const Sortable& b) {
        for (std::size_t k = 0; k < a.keys.size(); ++k) {
            if (!evaluator.spend()) return false;
            const auto& x = a.keys[k];
            const auto& y = b.keys[k];
            if (!x || !y) {
                if (x.has_value() != y.has_value()) return !x.has_value();
                continue;
            }
            const Relation relation = relate(*x, *y);
            if (relation == Relation::incomparable) mixed = true;
            const bool down = k < call.arguments.size() && call.arguments[k]->descending;
            if (relation == Relation::less) return !down;
            if (relation == Relation::greater) return down;
        }
        return false;
    };
    std::stable_sort(rows.begin(), rows.end(), before);
    if (mixed) return evaluator.fail("sort() can't order values of different types");
    Collection out;
    for (Sortable& row : rows) out.push_back(std::move(row.item));
    return out;
}

Collection run_coalesce(Evaluator& evaluator, const Node& call, Collection, const Frame& frame) {
    for (const NodePtr& argument : call.arguments) {
        Collection value = evaluator.run_scoped(*argument, frame);
        if (!value.empty() || evaluator.failed()) return value;
    }
    return {};
}

constexpr Function table[] = {
    {"where", 1, 1, run_where},
    {"select", 1, 1, run_select},
    {"repeat", 1, 1, run_repeat},
    {"repeatAll", 1, 1, run_repeat_all},
    {"ofType", 0, 0, run_of_type, true},
    {"is", 0, 0, run_is, true},
    {"as", 0, 0, run_as, true},
    {"single", 0, 0, run_single},
    {"first", 0, 0, run_first, false, true},
    {"last", 0, 0, run_last, false, true},
    {"tail", 0, 0, run_tail, false, true},
    {"skip", 1, 1, run_skip, false, true},
    {"take", 1, 1, run_take, false, true},
    {"intersect", 1, 1, run_intersect},
    {"exclude", 1, 1, run_exclude},
    {"combine", 1, 1, run_combine},
    {"union", 1, 1, run_union},
    {"children", 0, 0, run_children},
    {"descendants", 0, 0, run_descendants},
    {"aggregate", 1, 2, run_aggregate},
    {"sort", 0, 64, run_sort},
    {"coalesce", 1, 64, run_coalesce},
};

}  // namespace

std::span<const Function> collection_functions() { return table; }

}  // namespace xinglin::fhirpath
