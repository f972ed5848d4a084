// SPDX-License-Identifier: Apache-2.0
// The current time, parts of dates, and what a value known only so precisely may mean.
// Source: FHIRPath N1, "Current date and time functions", lowBoundary(), highBoundary(), precision().
#include <fmt/format.h>

#include "fhirpath/functions.h"
#include "fhirpath/moment.h"

namespace xinglin::fhirpath {

namespace {

using calendar::Moment;
using calendar::Precision;

Moment now_moment(Evaluator& evaluator) {
    const std::int16_t offset = evaluator.environment().offset_minutes;
    const std::string utc = calendar::instant_text(evaluator.now_ms() + std::int64_t{offset} * 60'000);
    Moment moment = calendar::parse_instant(utc).value_or(Moment{});
    moment.offset_minutes = offset;
    return moment;
}

Collection run_now(Evaluator& evaluator, const Node&, Collection, const Frame&) {
    return one(make(Item::Kind::date_time, calendar::text(now_moment(evaluator))));
}
Collection run_today(Evaluator& evaluator, const Node&, Collection, const Frame&) {
    return one(make(Item::Kind::date, calendar::text(now_moment(evaluator)).substr(0, 10)));
}
Collection run_time_of_day(Evaluator& evaluator, const Node&, Collection, const Frame&) {
    return one(make(Item::Kind::time, calendar::text(now_moment(evaluator)).substr(11, 12)));
}

constexpr int most_places = 28;

/// Half a unit of the last digit down or up, then cut to the places asked for.
std::optional<Decimal> decimal_boundary(const Decimal& value, std::int64_t places, bool high) {
    if (places < 0 || places > most_places) return std::nullopt;
    const Decimal half = Decimal(5).shifted(-value.scale() - 1);
    const Decimal edge = high ? value + half : value - half;
    return edge.rounded(static_cast<int>(places), high ? Rounding::ceiling : Rounding::floor);
}

Collection boundary_of(Evaluator& evaluator, const Node& call, const Collection& input, const Frame& frame, bool high) {
    const Item* item = evaluator.single(input, call.name + "()");
    if (!item) return {};
    std::optional<std::int64_t> digits;
    if (!call.arguments.empty()) {
        digits = evaluator.integer_argument(call, 0, frame);
        if (!digits) return {};
    }
    const Plain value = plain(*item);
    if (value.is_number() || value.is(Item::Kind::quantity)) {
        const auto number = value.number();
        const auto edge = number ? decimal_boundary(*number, digits.value_or(8), high) : std::nullopt;
        if (!edge) return {};
        return value.is(Item::Kind::quantity) ? one(make(*edge, std::string(value.unit))) : one(make(*edge));
    }
    if (!value.is_moment() && !value.is(Item::Kind::time)) {
        if (is_valueless(*item)) return {};
        return evaluator.fail(
            fmt::format("{}() works on decimals, quantities, dates and times, not {}", call.name, item->type_name()));
    }
    const auto moment = moment_of(value.kind, value.text);
    const std::int64_t greatest = value.is(Item::Kind::date) ? 8 : value.is(Item::Kind::time) ? 9 : 17;
    const std::int64_t wanted = digits.value_or(greatest);
    if (!moment || wanted < 0 || wanted > greatest) return {};
    const auto edge = boundary(*moment, value.kind, static_cast<int>(wanted), high);
    return edge ? one(make(value.kind, calendar::text(*edge))) : Collection();
}
Collection run_low_boundary(Evaluator& e, const Node& call, Collection input, const Frame& frame) {
    return boundary_of(e, call, input, frame, false);
}
Collection run_high_boundary(Evaluator& e, const Node& call, Collection input, const Frame& frame) {
    return boundary_of(e, call, input, frame, true);
}

Collection run_precision(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const Item* item = evaluator.single(input, call.name + "()");
    if (!item) return {};
    const Plain value = plain(*item);
    if (value.is_number() || value.is(Item::Kind::quantity)) {
        const auto number = value.number();
        return number ? one(make(std::int64_t{number->scale()})) : Collection();
    }
    const auto moment = moment_of(value.kind, value.text);
    if (moment) return one(make(std::int64_t{precision_digits(*moment)}));
    if (value.is_moment() || value.is(Item::Kind::time) || is_valueless(*item)) return {};
    return evaluator.fail(fmt::format("precision() works on decimals, dates and times, not {}", item->type_name()));
}

/// The input as a moment; nothing when empty, failed or unreadable.
std::optional<Moment> moment_input(Evaluator& evaluator, const Node& call, const Collection& input) {
    const Item* item = evaluator.single(input, call.name + "()");
    if (!item) return std::nullopt;
    const Plain value = plain(*item);
    if (!value.is_moment() && !value.is(Item::Kind::time)) {
        evaluator.fail(fmt::format("{}() works on dates and times, not {}", call.name, item->type_name()));
        return std::nullopt;
    }
    return moment_of(value.kind, value.text);
}

template <Precision precision>
Collection run_part(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const auto moment = moment_input(evaluator, call, input);
    if (!moment || moment->precision < precision || (precision < Precision::hour && !moment->has_date)) return {};
    switch (precision) {
        case Precision::year: return one(make(std::int64_t{moment->year}));
        case Precision::month: return one(make(std::int64_t{moment->month}));
        case Precision::day: return one(make(std::int64_t{moment->day}));
        case Precision::hour: return one(make(std::int64_t{moment->hour}));
        case Precision::minute: return one(make(std::int64_t{moment->minute}));
        case Precision::second: return one(make(std::int64_t{moment->second}));
        case Precision::millisecond: break;
    }
    return one(make(std::int64_t{moment->nanosecond / 1'000'000}));
}

Collection run_zone(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const auto moment = moment_input(evaluator, call, input);
    if (!moment || !moment->offset_minutes) return {};
    const auto hours = Decimal::quotient(Decimal(*moment->offset_minutes), Decimal(60));
    return one(make(hours->scale() == 0 ? hours->rounded(1, Rounding::floor) : *hours));
}

Collection run_date_of(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    auto moment = moment_input(evaluator, call, input);
    if (!moment || !moment->has_date) return {};
    const std::string text = calendar::text(*moment);
    return one(make(Item::Kind::date, text.substr(0, text.find('T'))));
}

Collection run_time_of(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    auto moment = moment_input(evaluator, call, input);
    if (!moment || moment->precision < Precision::hour) return {};
    moment->has_date = false;
    moment->offset_minutes.reset();
    return one(make(Item::Kind::time, calendar::text(*moment)));
}

constexpr Function table[] = {
    {"now", 0, 0, run_now},
    {"today", 0, 0, run_today},
    {"timeOfDay", 0, 0, run_time_of_day},
    {"lowBoundary", 0, 1, run_low_boundary},
    {"highBoundary", 0, 1, run_high_boundary},
    {"precision", 0, 0, run_precision},
    {"yearOf", 0, 0, run_part<Precision::year>},
    {"monthOf", 0, 0, run_part<Precision::month>},
    {"dayOf", 0, 0, run_part<Precision::day>},
    {"hourOf", 0, 0, run_part<Precision::hour>},
    {"minuteOf", 0, 0, run_part<Precision::minute>},
    {"secondOf", 0, 0, run_part<Precision::second>},
    {"millisecondOf", 0, 0, run_part<Precision::millisecond>},
    {"timezoneOffsetOf", 0, 0, run_zone},
    {"dateOf", 0, 0, run_date_of},
    {"timeOf", 0, 0, run_time_of},
};

}  // namespace

std::span<const Function> time_functions() { return table; }

}  // namespace xinglin::fhirpath
