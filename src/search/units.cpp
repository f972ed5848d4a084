// SPDX-License-Identifier: Apache-2.0
// Quantities in other units. Source: FHIR R4 search.html, 3.1.1.4.11: with UCUM, the server should find what is equal in
// other units too.
#include "search/units.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "fhirpath/fhirpath.h"

namespace xinglin::search {

namespace {

constexpr std::string_view ucum = "http://unitsofmeasure.org";
constexpr std::size_t most_units = 64;  // of one kind

bool is_ucum(const Operand& operand) { return operand.has_system && operand.system == ucum && !operand.code.empty(); }

/// From the shortest digits of the number: those it was written with.
std::optional<double> converted(double value, const std::string& from, const std::string& to) {
    if (!std::isfinite(value)) return value;
    char digits[400];
    const auto written = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
    const auto result = fhirpath::ucum_convert({digits, static_cast<std::size_t>(written.ptr - digits)}, from, to);
    if (!result.ok()) return std::nullopt;
    double number = 0;
    const auto end = std::from_chars(result->data(), result->data() + result->size(), number);
    return end.ec == std::errc() && end.ptr == result->data() + result->size() ? std::optional(number) : std::nullopt;
}

std::optional<Operand> in_unit(const Operand& operand, const std::string& unit) {
    const auto number = converted(operand.number, operand.code, unit), low = converted(operand.low, operand.code, unit),
               high = converted(operand.high, operand.code, unit);
    if (!number || !low || !high) return std::nullopt;
    Operand other = operand;
    other.code = unit;
    other.number = *number;
    other.low = *low;
    other.high = *high;
    return other;
}

std::vector<Operand> in_other_units(const Operand& operand, const std::vector<std::string>& in_use) {
    std::vector<Operand> others;
    if (is_ucum(operand)) {
        for (const std::string& unit : in_use) {
            if (unit == operand.code || others.size() == most_units) continue;
            if (auto other = in_unit(operand, unit)) others.push_back(std::move(*other));
        }
    }
    for (std::size_t i = 0; i < operand.components.size(); ++i) {
        for (Operand& other : in_other_units(operand.components[i], in_use)) {
            Operand whole = operand;
            whole.components[i] = std::move(other);
            others.push_back(std::move(whole));
        }
    }
    return others;
}

bool has_ucum(const Operand& operand) {
    return is_ucum(operand) || std::any_of(operand.components.begin(), operand.components.end(), has_ucum);
}

bool asks_in_ucum(const Criterion& criterion) {
    const bool measured = criterion.kind == Criterion::Kind::value && criterion.parameter &&
                          (criterion.parameter->type == ParamType::quantity || criterion.parameter->type == ParamType::composite);
    return (measured && std::any_of(criterion.any.begin(), criterion.any.end(), has_ucum)) ||
           std::any_of(criterion.inner.begin(), criterion.inner.end(),
                       [](const Criterion& inner) { return asks_in_ucum(inner); });
}

void spread(Criterion& criterion, const std::vector<std::string>& in_use) {
    for (Criterion& inner : criterion.inner) spread(inner, in_use);
    if (!criterion.inner.empty() || !asks_in_ucum(criterion)) return;
    std::vector<Operand> more;
    for (const Operand& operand : criterion.any) {
        for (Operand& other : in_other_units(operand, in_use)) more.push_back(std::move(other));
    }
    criterion.any.insert(criterion.any.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

bool asks_in_ucum(const Query& query) {
    return std::any_of(query.all.begin(), query.all.end(), [](const Criterion& criterion) { return asks_in_ucum(criterion); });
}

void spread_units(Query& query, const std::vector<std::string>& in_use) {
    for (Criterion& criterion : query.all) spread(criterion, in_use);
}

}  // namespace xinglin::search
