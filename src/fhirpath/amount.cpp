// SPDX-License-Identifier: Apache-2.0
// Comparing, converting and adding quantities of UCUM units and calendar durations.
//
// A calendar year or month is no fixed time, so it does not compare with UCUM's 'a' and 'mo' except loosely (~);
// weeks and shorter do. Source: FHIRPath N1, "Quantity Equality", "toQuantity".
#include "fhirpath/unit.h"

namespace xinglin::fhirpath {

namespace {

struct CalendarRow {
    std::string_view word, plural, ucum;
    std::int64_t milliseconds;  // by the conversion factors of toQuantity: 365 days a year, 30 a month
};
constexpr std::int64_t day_ms = 86'400'000;
constexpr CalendarRow calendar_rows[] = {
    {"year", "years", "a", 365 * day_ms}, {"month", "months", "mo", 30 * day_ms},   {"week", "weeks", "wk", 7 * day_ms},
    {"day", "days", "d", day_ms},         {"hour", "hours", "h", 3'600'000},        {"minute", "minutes", "min", 60'000},
    {"second", "seconds", "s", 1000},     {"millisecond", "milliseconds", "ms", 1},
};

std::int64_t milliseconds_of(CalendarUnit unit) { return calendar_rows[static_cast<std::size_t>(unit)].milliseconds; }
bool is_long(CalendarUnit unit) { return unit <= CalendarUnit::month; }

/// a in b's terms: a.value * numerator / denominator is the value in b's unit. Nothing when they can't be compared.
struct Ratio {
    Decimal numerator{1}, denominator{1};
    Decimal offset_before, offset_after;  // value in b = (a * numerator / denominator + before) … see `apply`
};

std::optional<Ratio> calendar_ratio(CalendarUnit from, CalendarUnit to) {
    if (from == CalendarUnit::year && to == CalendarUnit::month) return Ratio{Decimal(12), Decimal(1), {}, {}};
    if (from == CalendarUnit::month && to == CalendarUnit::year) return Ratio{Decimal(1), Decimal(12), {}, {}};
    return Ratio{Decimal(milliseconds_of(from)), Decimal(milliseconds_of(to)), {}, {}};
}

/// The UCUM unit that stands for a unit, or nothing when a calendar unit has no fixed length and we are strict.
std::optional<std::string_view> fixed_unit(std::string_view unit, bool strict) {
    const auto calendar = calendar_unit(unit);
    if (!calendar) return unit;
    if (strict && is_long(*calendar)) return std::nullopt;
    return ucum_of(*calendar);
}

std::optional<Ratio> ratio(const Amount& from, std::string_view to_unit, bool to_recorded, Loose loose) {
    const auto a = calendar_unit(from.unit), b = calendar_unit(to_unit);
    if (a && b) return calendar_ratio(*a, *b);
    const bool strict = loose == Loose::no && !from.recorded && !to_recorded;
    const auto left = fixed_unit(from.unit, strict), right = fixed_unit(to_unit, strict);
    if (!left || !right) return std::nullopt;
    if (*left == *right) return Ratio{};
    const auto source = parse_unit(*left), target = parse_unit(*right);
    if (!source || !target || !source->same_dimension(*target)) return std::nullopt;
    return Ratio{source->numerator * target->denominator, source->denominator * target->numerator, source->offset,
                 target->offset};
}

/// 37 Cel in [degF]: canonical = value * factor + offset, then back.
std::optional<Decimal> with_offsets(const Amount& amount, std::string_view unit) {
    const auto source = parse_unit(amount.unit), target = parse_unit(unit);
    if (!source || !target || !source->same_dimension(*target)) return std::nullopt;
    const auto scaled = Decimal::quotient(amount.value * source->numerator, source->denominator, 40);
    if (!scaled) return std::nullopt;
    const Decimal canonical = *scaled + source->offset - target->offset;
    const auto result = Decimal::quotient(canonical * target->denominator, target->numerator, 40);
    if (!result) return std::nullopt;
    return result->shortened(24).trimmed();
}

bool has_offset(const Ratio& r) { return !r.offset_before.is_zero() || !r.offset_after.is_zero(); }

}  // namespace

std::optional<CalendarUnit> calendar_unit(std::string_view word) {
    if (word.size() < 3) return std::nullopt;
    for (std::size_t i = 0; i < std::size(calendar_rows); ++i) {
        if (word == calendar_rows[i].word || word == calendar_rows[i].plural) return static_cast<CalendarUnit>(i);
    }
    return std::nullopt;
}

std::optional<CalendarUnit> calendar_unit_of_ucum(std::string_view code) {
    for (std::size_t i = 0; i < std::size(calendar_rows); ++i) {
        if (code == calendar_rows[i].ucum) return static_cast<CalendarUnit>(i);
    }
    return std::nullopt;
}

std::string_view ucum_of(CalendarUnit unit) { return calendar_rows[static_cast<std::size_t>(unit)].ucum; }

std::optional<int> compare(const Amount& a, const Amount& b, Loose loose) {
    if (a.unit == b.unit) return Decimal::compare(a.value, b.value);
    const auto r = ratio(a, b.unit, b.recorded, loose);
    if (!r) return std::nullopt;
    if (has_offset(*r)) {
        const auto value = with_offsets(a, b.unit);
        return value ? std::optional(Decimal::compare(*value, b.value)) : std::nullopt;
    }
    return Decimal::compare(a.value * r->numerator, b.value * r->denominator);
}

std::optional<Decimal> convert(const Amount& amount, std::string_view unit, Loose loose) {
    if (amount.unit == unit) return amount.value;
    const auto r = ratio(amount, unit, false, loose);
    if (!r) return std::nullopt;
    if (has_offset(*r)) return with_offsets(amount, unit);
    return Decimal::quotient(amount.value * r->numerator, r->denominator);
}

std::optional<Sum> add(const Amount& a, const Amount& b) {
    if (a.unit == b.unit) return Sum{a.value + b.value, std::string(a.unit)};
    const auto r = ratio(a, b.unit, b.recorded, Loose::no);
    if (!r || has_offset(*r)) return std::nullopt;
    const bool a_is_finer = r->numerator < r->denominator;
    const Amount& coarse = a_is_finer ? b : a;
    const Amount& fine = a_is_finer ? a : b;
    const auto converted = convert(coarse, fine.unit, Loose::no);
    if (!converted) return std::nullopt;
    return Sum{fine.value + *converted, std::string(fine.unit)};
}

}  // namespace xinglin::fhirpath
