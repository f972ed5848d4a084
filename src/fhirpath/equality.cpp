// SPDX-License-Identifier: Apache-2.0
// Source: FHIRPath N1, "Equality" and "Comparison".
#include "fhirpath/equality.h"

#include <algorithm>
#include <functional>

#include "fhirpath/moment.h"
#include "fhirpath/plain.h"
#include "fhirpath/unicode.h"

namespace xinglin::fhirpath {

namespace {

bool same_number(std::string_view a, std::string_view b) {
    if (a == b) return true;
    const auto left = Decimal::parse(a), right = Decimal::parse(b);
    return left && right && *left == *right;
}

enum class Manner : bool { equal, equivalent };

bool same_text(std::string_view a, std::string_view b, Manner manner) {
    return a == b || (manner == Manner::equivalent && folded(a) == folded(b));
}

/// Whole structures: members in any order, numbers by value. Equivalence takes arrays in any order too.
bool same_json(json::Value a, json::Value b, Manner manner) {
    if (a == b) return true;
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case json::Kind::null: return true;
        case json::Kind::boolean: return a.as_bool() == b.as_bool();
        case json::Kind::number: return same_number(a.text(), b.text());
        case json::Kind::string: return same_text(a.text(), b.text(), manner);
        case json::Kind::array: {
            const auto left = a.items(), right = b.items();
            if (left.size() != right.size()) return false;
            for (std::size_t i = 0; i < left.size(); ++i) {
                if (!same_json(json::Value(&left[i]), json::Value(&right[i]), manner)) return false;
            }
            return true;
        }
        case json::Kind::object: break;
    }
    const auto members = a.members();
    // Equivalence does not look at ids, which only say where something stands.
    const auto counts = [manner](std::string_view key) { return manner == Manner::equal || key != "id"; };
    const auto size_of = [&counts](json::Value object) {
        return std::count_if(object.members().begin(), object.members().end(),
                             [&](const json::Member& m) { return counts(m.key()); });
    };
    if (size_of(a) != size_of(b)) return false;
    return std::all_of(members.begin(), members.end(), [&](const json::Member& member) {
        if (!counts(member.key())) return true;
        const json::Value other = b[member.key()];
        return other && same_json(member.value(), other, manner);
    });
}

bool same_node(const Item& a, const Item& b, Manner manner) {
    const auto same = [manner](json::Value x, json::Value y) { return x && y ? same_json(x, y, manner) : !x == !y; };
    return same(a.value, b.value) && same(a.sidecar, b.sidecar);
}

Order order_of_moments(const Plain& a, const Plain& b) {
    if (a.kind == b.kind && a.text == b.text) return Order::equal;
    const auto left = moment_of(a.kind, a.text), right = moment_of(b.kind, b.text);
    return left && right ? compare(*left, *right) : Order::unknown;
}

bool comparable_moments(const Plain& a, const Plain& b) {
    return (a.is_moment() && b.is_moment()) || (a.is(Item::Kind::time) && b.is(Item::Kind::time));
}

bool comparable_amounts(const Plain& a, const Plain& b) {
    const bool quantity = a.is(Item::Kind::quantity) || b.is(Item::Kind::quantity);
    return quantity && (a.is_number() || a.is(Item::Kind::quantity)) && (b.is_number() || b.is(Item::Kind::quantity));
}

/// The fewer of the digits after the point, trailing zeros aside.
bool about_equal(const Decimal& a, const Decimal& b) {
    const int places = std::min(a.trimmed().scale(), b.trimmed().scale());
    return a.rounded(places, Rounding::half_away_from_zero) == b.rounded(places, Rounding::half_away_from_zero);
}

bool equivalent_amounts(const Plain& a, const Plain& b) {
    const auto left = a.amount(), right = b.amount();
    if (!left || !right) return false;
    if (left->unit == right->unit) return about_equal(left->value, right->value);
    const auto order = compare(*left, *right, Loose::yes);
    return order && *order == 0;
}

Relation relation(int order) { return order < 0 ? Relation::less : order > 0 ? Relation::greater : Relation::equal; }

std::size_t mix(std::size_t seed, std::size_t value) { return seed ^ (value + 0x9E3779B97F4A7C15 + (seed << 6) + (seed >> 2)); }

std::size_t hash_number(std::string_view digits) {
    const auto number = Decimal::parse(digits);
    return std::hash<std::string>{}(number ? number->trimmed().text() : std::string(digits));
}

std::size_t hash_json(json::Value value) {
    switch (value.kind()) {
        case json::Kind::null: return 1;
        case json::Kind::boolean: return value.as_bool() ? 2 : 3;
        case json::Kind::number: return hash_number(value.text());
        case json::Kind::string: return std::hash<std::string_view>{}(value.text());
        case json::Kind::array: {
            std::size_t hash = 5;
            for (const json::Node& node : value.items()) hash = mix(hash, hash_json(json::Value(&node)));
            return hash;
        }
        case json::Kind::object: break;
    }
    std::size_t hash = 7;  // a sum, since the order of members does not count
    for (const json::Member& member : value.members()) {
        hash += mix(std::hash<std::string_view>{}(member.key()), hash_json(member.value()));
    }
    return hash;
}

}  // namespace

std::optional<bool> equal(const Item& a, const Item& b) {
    const Plain left = plain(a), right = plain(b);
    if (!left && !right) return same_node(a, b, Manner::equal);
    if (!left || !right) return false;
    if (left.is_number() && right.is_number()) {
        if (left.kind == right.kind && left.is(Item::Kind::integer)) return left.integer == right.integer;
        const auto x = left.number(), y = right.number();
        return x && y && *x == *y;
    }
    if (comparable_amounts(left, right)) {
        const auto x = left.amount(), y = right.amount();
        if (!x || !y) return std::nullopt;
        const auto order = compare(*x, *y, Loose::no);
        if (order) return *order == 0;
        const auto ux = parse_unit(x->unit), uy = parse_unit(y->unit);
        if (ux && uy && !ux->same_dimension(*uy)) return false;
        return std::nullopt;
    }
    if (comparable_moments(left, right)) {
        const Order order = order_of_moments(left, right);
        return order == Order::unknown ? std::nullopt : std::optional(order == Order::equal);
    }
    if (left.kind != right.kind) return false;
    return left.is(Item::Kind::boolean) ? left.boolean == right.boolean : left.text == right.text;
}

bool equivalent(const Item& a, const Item& b) {
    const Plain left = plain(a), right = plain(b);
    if (!left && !right) return same_node(a, b, Manner::equivalent);
    if (!left || !right) return false;
    if (left.is_number() && right.is_number()) {
        const auto x = left.number(), y = right.number();
        return x && y && about_equal(*x, *y);
    }
    if (comparable_amounts(left, right)) return equivalent_amounts(left, right);
    if (comparable_moments(left, right)) return order_of_moments(left, right) == Order::equal;
    if (left.kind != right.kind) return false;
    return left.is(Item::Kind::boolean) ? left.boolean == right.boolean : same_text(left.text, right.text, Manner::equivalent);
}

Relation relate(const Item& a, const Item& b) {
    const Plain left = plain(a), right = plain(b);
    if (left.is_number() && right.is_number()) {
        if (left.is(Item::Kind::integer) && right.is(Item::Kind::integer)) {
            return relation(left.integer < right.integer ? -1 : left.integer > right.integer ? 1 : 0);
        }
        const auto x = left.number(), y = right.number();
        return x && y ? relation(Decimal::compare(*x, *y)) : Relation::unknown;
    }
    if (comparable_amounts(left, right)) {
        const auto x = left.amount(), y = right.amount();
        const auto order = x && y ? compare(*x, *y, Loose::no) : std::nullopt;
        return order ? relation(*order) : Relation::unknown;
    }
    if (comparable_moments(left, right)) {
        switch (order_of_moments(left, right)) {
            case Order::less: return Relation::less;
            case Order::equal: return Relation::equal;
            case Order::greater: return Relation::greater;
            case Order::unknown: return Relation::unknown;
        }
    }
    // UTF-8 bytes sort as code points do.
    if (left.is(Item::Kind::string) && right.is(Item::Kind::string)) return relation(left.text.compare(right.text));
    if (is_valueless(a) || is_valueless(b)) return Relation::unknown;
    return Relation::incomparable;
}

std::size_t hash_of(const Item& item) {
    const Plain value = plain(item);
    switch (value.kind) {
        case Item::Kind::node: return item.value ? hash_json(item.value) : 11;
        case Item::Kind::boolean: return value.boolean ? 2 : 3;
        // Numbers equal quantities of unit '1', and quantities of other units equal each other: one bucket for those.
        case Item::Kind::integer: return std::hash<std::string>{}(std::to_string(value.integer));
        case Item::Kind::decimal: return hash_number(value.text);
        case Item::Kind::string: return std::hash<std::string_view>{}(value.text);
        case Item::Kind::date:
        case Item::Kind::date_time: return 13;
        case Item::Kind::time: return 17;
        case Item::Kind::quantity: return 19;
    }
    return 0;
}

}  // namespace xinglin::fhirpath
