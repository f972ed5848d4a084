// SPDX-License-Identifier: Apache-2.0
// Conditions on dates, numbers and quantities: which stretch of an index can match, and which of its rows do.
#include <algorithm>

#include "record/find.h"

namespace xinglin::record {

using search::Operand;
using search::Parameter;
using search::ParamType;
using search::Prefix;

namespace {
constexpr std::int64_t large_range = 4'000;                                          // rows
constexpr std::int64_t forever = calendar::end_of_time_ms - calendar::beginning_ms;  // from an open start to an open end

constexpr double infinity = std::numeric_limits<double>::infinity();
struct NumberBounds {
    double from = -infinity, upto = infinity;
};
NumberBounds number_bounds(const Operand& operand) {
    switch (operand.prefix) {
        case Prefix::eq: return {std::min(operand.low, operand.number), std::max(operand.high, operand.number)};
        case Prefix::gt:
        case Prefix::ge:
        case Prefix::sa: return {std::min(operand.low, operand.number), infinity};
        case Prefix::lt:
        case Prefix::le:
        case Prefix::eb: return {-infinity, std::max(operand.high, operand.number)};
        default: return {};
    }
}
constexpr std::string_view date_range = "SELECT low, span, rid FROM record_date WHERE key = ? AND low >= ? AND low <= ?";
constexpr std::string_view number_range =
    "SELECT low, high, unit, rid FROM record_number WHERE pid = ? AND low >= ? AND low <= ?";
}  // namespace

Finder::Bounds Finder::date_bounds(const Operand& operand, std::int64_t longest) {
    Bounds bounds;
    const auto [low, high] = operand.span;
    switch (operand.prefix) {
        case Prefix::eq: bounds = {low, high}; break;
        case Prefix::gt: bounds.from = high - longest; break;
        case Prefix::ge: bounds.from = std::min(low, high - longest); break;
        case Prefix::lt: bounds.upto = low; break;
        case Prefix::le: bounds.upto = high; break;
        case Prefix::sa: bounds.from = high; break;
        case Prefix::eb: bounds.upto = low; break;
        case Prefix::ne:
        case Prefix::ap: break;
    }
    return bounds;
}

std::int64_t Finder::least_low(const Operand& operand, bool is_long) const {
    return date_bounds(operand, is_long ? forever : short_span_ms).from;
}
std::int64_t Finder::greatest_low(const Operand& operand, bool is_long) const {
    return date_bounds(operand, is_long ? forever : short_span_ms).upto;
}

bool Finder::range_is_large(const Parameter& parameter, const Operand& operand) {
    std::int64_t rows = 0;
    for (const Parameter* each : with_included(parameter)) {
        const std::int64_t pid = context_.numbers.pid(*each);
        sql::Statement* query = nullptr;
        if (parameter.type == ParamType::date) {
            const Bounds bounds = date_bounds(operand, short_span_ms);
            query = &context_.connection.prepare(
                "SELECT count(*) FROM (SELECT 1 FROM record_date WHERE key = ? AND low >= ? AND low <= ? LIMIT ?) AS few");
            query->bind(1, date_key(pid, false)).bind(2, bounds.from).bind(3, bounds.upto).bind(4, large_range);
        } else {
            const NumberBounds bounds = number_bounds(operand);
            query = &context_.connection.prepare(
                "SELECT count(*) FROM (SELECT 1 FROM record_number WHERE pid = ? AND low >= ? AND low <= ? LIMIT ?) AS few");
            query->bind(1, pid).bind(2, bounds.from).bind(3, bounds.upto).bind(4, large_range);
        }
        while (query->step()) rows += query->integer(0);
    }
    return rows >= large_range;
}

CursorPtr Finder::dates(const Parameter& parameter, const Operand& operand) {
    std::vector<std::int64_t> rids;
    const std::int64_t pid = context_.numbers.pid(parameter);
    for (const bool is_long : {false, true}) {
        const Bounds bounds = date_bounds(operand, is_long ? forever : short_span_ms);
        auto& query = context_.connection.prepare(date_range);
        query.bind(1, date_key(pid, is_long)).bind(2, bounds.from).bind(3, bounds.upto);
        while (query.step()) {
            const std::int64_t low = query.integer(0);
            if (search::date_matches(operand, low, low + unpack_span(query.integer(1)))) rids.push_back(query.integer(2));
        }
    }
    return list_cursor(std::move(rids));
}

CursorPtr Finder::numbers(const Parameter& parameter, const Operand& operand) {
    std::vector<std::int64_t> rids;
    const std::int64_t pid = context_.numbers.pid(parameter);
    for (const bool is_range : {false, true}) {
        const NumberBounds bounds = is_range ? NumberBounds{} : number_bounds(operand);
        auto& query = context_.connection.prepare(number_range);
        query.bind(1, is_range ? -pid : pid).bind(2, bounds.from).bind(3, bounds.upto);
        while (query.step()) {
            if (search::number_matches(operand, query.real(0), query.real(1))) rids.push_back(query.integer(3));
        }
    }
    return list_cursor(std::move(rids));
}

CursorPtr Finder::quantities(const Parameter& parameter, const Operand& operand) {
    std::vector<std::int64_t> units;
    const bool any_unit = operand.code.empty() && operand.system.empty();
    if (!any_unit) {
        Operand unit = operand;
        unit.has_system = !operand.system.empty();
        units = token_terms(unit_space, unit);
        std::sort(units.begin(), units.end());
    }
    std::vector<std::int64_t> rids;
    const std::int64_t pid = context_.numbers.pid(parameter);
    for (const bool is_range : {false, true}) {
        const NumberBounds bounds = is_range ? NumberBounds{} : number_bounds(operand);
        auto& query = context_.connection.prepare(number_range);
        query.bind(1, is_range ? -pid : pid).bind(2, bounds.from).bind(3, bounds.upto);
        while (query.step()) {
            if ((any_unit || std::binary_search(units.begin(), units.end(), query.integer(2))) &&
                search::number_matches(operand, query.real(0), query.real(1)))
                rids.push_back(query.integer(3));
        }
    }
    return list_cursor(std::move(rids));
}

}  // namespace xinglin::record
