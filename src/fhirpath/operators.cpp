// SPDX-License-Identifier: Apache-2.0
// Operators between two operands. Source: FHIRPath N1, "Operations".
#include <algorithm>

#include <fmt/format.h>

#include "fhirpath/equality.h"
#include "fhirpath/evaluator.h"
#include "fhirpath/moment.h"

namespace xinglin::fhirpath {

namespace {

constexpr std::size_t longest_string = 1u << 20;

bool fits_integer(std::int64_t a) { return a >= INT32_MIN && a <= INT32_MAX; }

/// Integers of 32 bits stay there; a result beyond is empty. Longer ones (Long) may use 64 bits.
Collection integer_result(__int128 value, std::int64_t a, std::int64_t b) {
    const bool small = fits_integer(a) && fits_integer(b);
    if (small ? value < INT32_MIN || value > INT32_MAX : value < INT64_MIN || value > INT64_MAX) return {};
    return one(make(static_cast<std::int64_t>(value)));
}

Collection decimal_result(const Decimal& value) {
    if (value.digits() > Decimal::max_digits) return {};
    return one(make(value));
}

Collection integer_arithmetic(Operator operation, std::int64_t a, std::int64_t b) {
    switch (operation) {
        case Operator::add: return integer_result(static_cast<__int128>(a) + b, a, b);
        case Operator::subtract: return integer_result(static_cast<__int128>(a) - b, a, b);
        case Operator::multiply: return integer_result(static_cast<__int128>(a) * b, a, b);
        case Operator::whole_divide: return b == 0 ? Collection() : integer_result(static_cast<__int128>(a) / b, a, b);
        case Operator::modulo: return b == 0 ? Collection() : integer_result(static_cast<__int128>(a) % b, a, b);
        default: break;
    }
    const auto quotient = Decimal::quotient(Decimal(a), Decimal(b));
    return quotient ? decimal_result(*quotient) : Collection();
}

Collection decimal_arithmetic(Operator operation, const Decimal& a, const Decimal& b) {
    std::optional<Decimal> result;
    switch (operation) {
        case Operator::add: result = a + b; break;
        case Operator::subtract: result = a - b; break;
        case Operator::multiply: result = a * b; break;
        case Operator::divide: result = Decimal::quotient(a, b); break;
        case Operator::modulo: result = Decimal::remainder(a, b); break;
        case Operator::whole_divide: {
            const auto whole = Decimal::whole_quotient(a, b);
            if (!whole) return {};
            if (const auto integer = whole->to_integer(); integer && fits_integer(*integer)) return one(make(*integer));
            return decimal_result(*whole);
        }
        default: break;
    }
    return result ? decimal_result(*result) : Collection();
}

Collection quantity_arithmetic(Evaluator& evaluator, Operator operation, const Plain& left, const Plain& right) {
    auto a = left.amount(), b = right.amount();
    if (!a || !b) return {};
    if (operation == Operator::add || operation == Operator::subtract) {
        if (operation == Operator::subtract) b->value = -b->value;
        const auto sum = add(*a, *b);
        return sum ? one(make(sum->value, sum->unit)) : Collection();
    }
    if (operation != Operator::multiply && operation != Operator::divide) {
        return evaluator.fail(fmt::format("'{}' does not work on quantities", symbol(operation)));
    }
    const auto as_ucum = [](std::string_view unit) {
        const auto calendar = calendar_unit(unit);
        return calendar ? ucum_of(*calendar) : unit;
    };
    const bool divide = operation == Operator::divide;
    std::optional<std::string> unit;
    if (b->unit == "1") {
        unit = std::string(a->unit);
    } else if (a->unit == "1" && !divide) {
        unit = std::string(b->unit);
    } else {
        unit = unit_product(as_ucum(a->unit), as_ucum(b->unit), divide);
    }
    const auto value = divide ? Decimal::quotient(a->value, b->value) : std::optional(a->value * b->value);
    if (!unit || !value || value->digits() > Decimal::max_digits) return {};
    return one(make(*value, *unit));
}

/// A date or time moved by a duration: 's' and 'ms', days and weeks by UCUM too, but never 'mo' or 'a', which are not
/// the calendar's months and years.
Collection moment_arithmetic(Evaluator& evaluator, bool forward, const Plain& left, const Plain& right) {
    auto unit = calendar_unit(right.unit);
    if (!unit) {
        unit = calendar_unit_of_ucum(right.unit);
        if (unit && *unit <= CalendarUnit::month && !right.recorded) unit.reset();
    }
    if (!unit) return evaluator.fail(fmt::format("a date or time can't be moved by '{}'", right.unit.substr(0, 40)));
    if (left.is(Item::Kind::date) && *unit > CalendarUnit::day)
        return evaluator.fail("a date moves by years, months, weeks or days");
    if (left.is(Item::Kind::time) && *unit < CalendarUnit::hour)
        return evaluator.fail("a time moves by hours, minutes, seconds or milliseconds");
    const auto moment = moment_of(left.kind, left.text);
    const auto number = right.number();
    if (!moment || !number) return {};
    const auto amount = number->rounded(0, Rounding::toward_zero).to_integer();
    const auto result = amount ? moved(*moment, *unit, forward ? *amount : -*amount) : std::nullopt;
    if (!result) return evaluator.fail("the result is outside of the years 1 to 9999");
    return one(make(left.kind, calendar::text(*result)));
}

Collection arithmetic(Evaluator& evaluator, Operator operation, const Collection& a, const Collection& b) {
    const std::string_view sign = symbol(operation);
    const Item* first = evaluator.single(a, sign);
    const Item* second = evaluator.single(b, sign);
    if (!first || !second || is_valueless(*first) || is_valueless(*second)) return {};
    const Plain left = plain(*first), right = plain(*second);
    const bool adds = operation == Operator::add || operation == Operator::subtract;
    if (left.is(Item::Kind::integer) && right.is(Item::Kind::integer))
        return integer_arithmetic(operation, left.integer, right.integer);
    if (left.is_number() && right.is_number()) {
        const auto x = left.number(), y = right.number();
        return x && y ? decimal_arithmetic(operation, *x, *y) : Collection();
    }
    if (operation == Operator::add && left.is(Item::Kind::string) && right.is(Item::Kind::string)) {
        if (left.text.size() + right.text.size() > longest_string) return evaluator.fail("a string grew beyond a megabyte");
        return one(make(std::string(left.text) + std::string(right.text)));
    }
    if (adds && (left.is_moment() || left.is(Item::Kind::time)) && right.is(Item::Kind::quantity)) {
        return moment_arithmetic(evaluator, operation == Operator::add, left, right);
    }
    const auto measurable = [](const Plain& value) { return value.is_number() || value.is(Item::Kind::quantity); };
    if (measurable(left) && measurable(right)) return quantity_arithmetic(evaluator, operation, left, right);
    return evaluator.fail(fmt::format("'{}' does not work between {} and {}", sign, first->type_name(), second->type_name()));
}

Collection concatenated(Evaluator& evaluator, const Collection& a, const Collection& b) {
    std::string text;
    for (const Collection* side : {&a, &b}) {
        const Item* item = evaluator.single(*side, "&");
        if (!item || is_valueless(*item)) continue;
        const Plain value = plain(*item);
        if (!value.is(Item::Kind::string)) return evaluator.fail(fmt::format("'&' joins strings, not {}", item->type_name()));
        text += value.text;
    }
    if (text.size() > longest_string) return evaluator.fail("a string grew beyond a megabyte");
    return one(make(std::move(text)));
}

Collection compared(Evaluator& evaluator, Operator operation, const Collection& a, const Collection& b) {
    const std::string_view sign = symbol(operation);
    const Item* left = evaluator.single(a, sign);
    const Item* right = evaluator.single(b, sign);
    if (!left || !right) return {};
    const Relation relation = relate(*left, *right);
    if (relation == Relation::unknown) return {};
    if (relation == Relation::incomparable) {
        return evaluator.fail(fmt::format("'{}' can't compare {} with {}", sign, left->type_name(), right->type_name()));
    }
    const bool less = relation == Relation::less, same = relation == Relation::equal;
    switch (operation) {
        case Operator::less: return one(make(less));
        case Operator::less_or_equal: return one(make(less || same));
        case Operator::greater: return one(make(!less && !same));
        default: return one(make(!less));
    }
}

std::optional<bool> equal_collections(Evaluator& evaluator, const Collection& a, const Collection& b) {
    if (a.empty() || b.empty()) return std::nullopt;
    if (a.size() != b.size()) return false;
    std::optional<bool> result = true;
    for (std::size_t i = 0; i < a.size() && evaluator.spend(); ++i) {
        const auto same = equal(a[i], b[i]);
        if (same == false) return false;
        if (!same) result.reset();
    }
    return result;
}

/// In any order: each item of one finds its own partner in the other.
bool equivalent_collections(Evaluator& evaluator, const Collection& a, const Collection& b) {
    if (a.size() != b.size()) return false;
    std::vector<bool> taken(b.size(), false);
    for (const Item& item : a) {
        bool found = false;
        for (std::size_t i = 0; i < b.size() && !found; ++i) {
            if (!evaluator.spend()) return false;
            if (taken[i] || !equivalent(item, b[i])) continue;
            taken[i] = found = true;
        }
        if (!found) return false;
    }
    return true;
}

Collection united(Evaluator& evaluator, const Collection& a, const Collection& b) {
    Collection out;
    ItemSet seen;
    for (const Collection* side : {&a, &b}) {
        for (const Item& item : *side) {
            if (!evaluator.spend()) return {};
            if (seen.add(item)) out.push_back(item);
        }
    }
    return out;
}

Collection member_of(Evaluator& evaluator, std::string_view sign, const Collection& item, const Collection& among) {
    const Item* wanted = evaluator.single(item, sign);
    if (!wanted) return {};
    for (const Item& candidate : among) {
        if (!evaluator.spend()) return {};
        if (equal(candidate, *wanted).value_or(false)) return one(make(true));
    }
    return one(make(false));
}

std::optional<bool> logical(Operator operation, std::optional<bool> a, std::optional<bool> b) {
    switch (operation) {
        case Operator::and_:
            if (a == false || b == false) return false;
            return a && b ? std::optional(true) : std::nullopt;
        case Operator::or_:
            if (a == true || b == true) return true;
            return a && b ? std::optional(false) : std::nullopt;
        case Operator::xor_: return a && b ? std::optional(*a != *b) : std::nullopt;
        default:
            if (a == false || b == true) return true;
            return a && b ? std::optional(false) : std::nullopt;
    }
}

}  // namespace

Collection evaluate_binary(Evaluator& evaluator, const Node& node, const Frame& frame) {
    const Operator operation = node.operation;
    const Collection left = evaluator.run_scoped(*node.focus, frame);
    if (evaluator.failed()) return {};
    const bool boolean = operation == Operator::and_ || operation == Operator::or_ || operation == Operator::xor_ ||
                         operation == Operator::implies;
    if (boolean) {
        const auto a = evaluator.boolean(left);
        if (evaluator.failed()) return {};
        // The answer may be known already; nothing on the right can change it.
        if ((operation == Operator::and_ && a == false) || (operation == Operator::or_ && a == true)) return one(make(*a));
        if (operation == Operator::implies && a == false) return one(make(true));
        const auto b = evaluator.boolean(evaluator.run_scoped(*node.arguments[0], frame));
        return evaluator.failed() ? Collection() : one_or_none(logical(operation, a, b));
    }
    const Collection right = evaluator.run_scoped(*node.arguments[0], frame);
    if (evaluator.failed()) return {};
    switch (operation) {
        case Operator::unite: return united(evaluator, left, right);
        case Operator::concatenate: return concatenated(evaluator, left, right);
        case Operator::less:
        case Operator::less_or_equal:
        case Operator::greater:
        case Operator::greater_or_equal: return compared(evaluator, operation, left, right);
        case Operator::equal: return one_or_none(equal_collections(evaluator, left, right));
        case Operator::not_equal: {
            const auto same = equal_collections(evaluator, left, right);
            return one_or_none(same ? std::optional(!*same) : std::nullopt);
        }
        case Operator::equivalent: return one(make(equivalent_collections(evaluator, left, right)));
        case Operator::not_equivalent: return one(make(!equivalent_collections(evaluator, left, right)));
        case Operator::in: return member_of(evaluator, "in", left, right);
        case Operator::contains: return member_of(evaluator, "contains", right, left);
        default: return arithmetic(evaluator, operation, left, right);
    }
}

}  // namespace xinglin::fhirpath
