// SPDX-License-Identifier: Apache-2.0
// Functions on numbers. Source: FHIRPath N1, "Math"; sum, min, max, avg from 3.0.
#include <fmt/format.h>

#include "fhirpath/equality.h"
#include "fhirpath/functions.h"

namespace xinglin::fhirpath {

namespace {

/// The input as a number (a quantity's value too); nothing when empty or failed.
std::optional<Decimal> number_of(Evaluator& evaluator, const Node& call, const Collection& collection, bool quantities = false) {
    const Item* item = evaluator.single(collection, call.name + "()");
    if (!item || is_valueless(*item)) return std::nullopt;
    const Plain value = plain(*item);
    if (!value.is_number() && !(quantities && value.is(Item::Kind::quantity))) {
        evaluator.fail(fmt::format("{}() works on numbers, not {}", call.name, item->type_name()));
        return std::nullopt;
    }
    return value.number();
}

/// A result for the same kind of input: a quantity keeps its unit, a whole number becomes an integer when it fits.
Collection like_input(const Item& input, const Decimal& value) {
    const Plain source = plain(input);
    if (source.is(Item::Kind::quantity)) return one(make(value, std::string(source.unit)));
    const auto whole = value.to_integer();
    if (whole && *whole >= INT32_MIN && *whole <= INT32_MAX) return one(make(*whole));
    return one(make(value));
}

Collection run_abs(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const auto number = number_of(evaluator, call, input, true);
    if (!number) return {};
    const Plain source = plain(input.front());
    if (source.is(Item::Kind::integer)) return source.integer == INT64_MIN ? Collection() : one(make(std::abs(source.integer)));
    if (source.is(Item::Kind::quantity)) return one(make(number->abs(), std::string(source.unit)));
    return one(make(number->abs()));
}

template <Rounding rounding>
Collection run_whole(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const auto number = number_of(evaluator, call, input, true);
    return number ? like_input(input.front(), number->rounded(0, rounding)) : Collection();
}

Collection run_round(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto number = number_of(evaluator, call, input, true);
    if (!number) return {};
    std::int64_t places = 0;
    if (!call.arguments.empty()) {
        const auto asked = evaluator.integer_argument(call, 0, frame);
        if (!asked) return {};
        places = *asked;
    }
    if (places < 0) return evaluator.fail("round() takes zero or more places");
    if (places > 100) return evaluator.fail("round() takes at most 100 places");
    // More places than the number has change nothing: 1.round(3) stays 1.
    const Decimal result =
        places >= number->scale() ? *number : number->rounded(static_cast<int>(places), Rounding::half_away_from_zero);
    const Plain source = plain(input.front());
    if (source.is(Item::Kind::quantity)) return one(make(result, std::string(source.unit)));
    return one(make(result));
}

template <std::optional<Decimal> (*function)(const Decimal&)>
Collection run_real(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const auto number = number_of(evaluator, call, input);
    if (!number || !evaluator.spend(200)) return {};
    const auto result = function(*number);
    return result ? one(make(*result)) : Collection();
}

Collection run_log(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto number = number_of(evaluator, call, input);
    const auto base = number_of(evaluator, call, evaluator.run_scoped(*call.arguments[0], frame));
    if (!number || !base || !evaluator.spend(400)) return {};
    const auto result = logarithm(*number, *base);
    return result ? one(make(*result)) : Collection();
}

Collection run_power(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto base = number_of(evaluator, call, input);
    const Collection argument = evaluator.run_scoped(*call.arguments[0], frame);
    const auto exponent = number_of(evaluator, call, argument);
    if (!base || !exponent || !evaluator.spend(400)) return {};
    const auto result = power(*base, *exponent);
    if (!result) return {};
    const bool integers = plain(input.front()).is(Item::Kind::integer) && plain(argument.front()).is(Item::Kind::integer);
    if (!integers || !result->is_integer()) return one(make(*result));
    const auto whole = result->to_integer();
    return whole && *whole >= INT32_MIN && *whole <= INT32_MAX ? one(make(*whole)) : Collection();
}

/// Folds the items by an operator of the language, so that units and types follow its rules.
Collection folded(Evaluator& evaluator, const Collection& input) {
    Collection total;
    for (const Item& item : input) {
        if (total.empty()) {
            auto first = system_item(item);
            if (!first) return evaluator.fail("sum() and avg() work on numbers and quantities");
            total = one(std::move(*first));
            continue;
        }
        Node sum;
        sum.kind = Node::Kind::binary;
        sum.operation = Operator::add;
        const auto operand = [](const Item& value) {
            auto node = std::make_unique<Node>();
            node->kind = Node::Kind::literal;
            node->literal = value;
            return node;
        };
        sum.focus = operand(total.front());
        sum.arguments.push_back(operand(item));
        total = evaluate_binary(evaluator, sum, {});
        if (total.empty() || evaluator.failed()) return {};
    }
    return total;
}

Collection run_sum(Evaluator& evaluator, const Node&, Collection input, const Frame&) { return folded(evaluator, input); }

Collection run_average(Evaluator& evaluator, const Node&, Collection input, const Frame&) {
    const Collection total = folded(evaluator, input);
    if (total.empty()) return {};
    const Plain value = plain(total.front());
    const auto number = value.number();
    if (!number) return evaluator.fail("avg() works on numbers and quantities");
    const auto mean = Decimal::quotient(*number, Decimal(static_cast<std::int64_t>(input.size())));
    if (!mean) return {};
    return value.is(Item::Kind::quantity) ? one(make(*mean, std::string(value.unit))) : one(make(*mean));
}

template <Relation wanted>
Collection run_extreme(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    if (input.empty()) return {};
    const Item* best = &input.front();
    for (const Item& item : input) {
        if (!evaluator.spend()) return {};
        const Relation relation = relate(item, *best);
        if (relation == Relation::incomparable)
            return evaluator.fail(fmt::format("{}() can't order values of different types", call.name));
        if (relation == Relation::unknown) return {};
        if (relation == wanted) best = &item;
    }
    return one(*best);
}

constexpr Function table[] = {
    {"abs", 0, 0, run_abs},
    {"ceiling", 0, 0, run_whole<Rounding::ceiling>},
    {"floor", 0, 0, run_whole<Rounding::floor>},
    {"truncate", 0, 0, run_whole<Rounding::toward_zero>},
    {"round", 0, 1, run_round},
    {"exp", 0, 0, run_real<exponential>},
    {"ln", 0, 0, run_real<natural_logarithm>},
    {"sqrt", 0, 0, run_real<square_root>},
    {"log", 1, 1, run_log},
    {"power", 1, 1, run_power},
    {"sum", 0, 0, run_sum},
    {"avg", 0, 0, run_average},
    {"min", 0, 0, run_extreme<Relation::less>},
    {"max", 0, 0, run_extreme<Relation::greater>},
};

}  // namespace

std::span<const Function> math_functions() { return table; }

}  // namespace xinglin::fhirpath
