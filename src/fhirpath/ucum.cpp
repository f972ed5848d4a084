// SPDX-License-Identifier: Apache-2.0
// UCUM for the rest of the house: is it a unit, and what is a value in another?
#include "fhirpath/fhirpath.h"
#include "fhirpath/unit.h"

namespace xinglin::fhirpath {

namespace {

/// FHIR asks for 18 digits of a decimal; what is exact within 28 stays exact.
constexpr int most_digits = 18;

std::string plain(const Decimal& value) {
    const Decimal trimmed = value.trimmed();
    return (trimmed.digits() > 28 || trimmed.scale() > 40 ? trimmed.shortened(most_digits) : trimmed).trimmed().text();
}

}  // namespace

bool ucum_valid(std::string_view unit) { return !unit.empty() && parse_unit(unit).has_value(); }

Result<std::string> ucum_convert(std::string_view value, std::string_view from, std::string_view to) {
    const auto number = value.size() <= 60 ? Decimal::parse(value) : std::nullopt;
    if (!number) return refuse(IssueCode::value, "value", "must be a decimal number of at most 60 characters, such as 5.6");
    const auto source = parse_unit(from), target = parse_unit(to);
    if (from.empty() || !source) return refuse(IssueCode::value, "from", "is not a UCUM unit; write mg/dL, 10*9/L, mm[Hg]");
    if (to.empty() || !target) return refuse(IssueCode::value, "to", "is not a UCUM unit; write mg/dL, 10*9/L, mm[Hg]");
    if (!source->same_dimension(*target))
        return refuse(IssueCode::value, "to",
                      "measures something else: " + dimension_text(*source) + " against " + dimension_text(*target) +
                          "; amounts of substance and masses are converted by the molar mass, which a unit does not know");
    const auto converted = convert({.value = *number, .unit = from}, to, Loose::no);
    if (!converted) return refuse(IssueCode::value, "to", "cannot be reached from this unit");
    return plain(*converted);
}

std::optional<std::pair<std::string, std::string>> ucum_canonical_value(std::string_view value, std::string_view unit) {
    const auto number = value.size() <= 60 ? Decimal::parse(value) : std::nullopt;
    const auto parsed = parse_unit(unit);
    if (!number || !parsed) return std::nullopt;
    const auto scaled = Decimal::quotient(*number * parsed->numerator, parsed->denominator);
    if (!scaled) return std::nullopt;
    return std::pair(plain(*scaled + parsed->offset), dimension_text(*parsed));
}

}  // namespace xinglin::fhirpath
