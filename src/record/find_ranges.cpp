// SPDX-License-Identifier: Apache-2.0
// Conditions on dates, numbers and quantities: which stretch of an index can match, and which of its rows do.
#include <algorithm>

#include "record/ranges.h"

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

/// Stretches of the date or number index, read one after the other and in pieces: where one reading ended the next goes on.
struct Stretch {
    const Operand* operand;
    std::int64_t key;  // of the index: date key, or pid
    double from, upto;
    std::vector<std::int64_t> units;  // of a quantity, sorted; empty: any
};

class DateRange final : public Source {
public:
    DateRange(const Context& context, std::vector<Operand> any, std::vector<Stretch> stretches)
        : context_(context), any_(std::move(any)), stretches_(std::move(stretches)) {}
    bool read(std::size_t rows, std::vector<std::int64_t>& into) override {
        while (rows > 0 && at_ < stretches_.size() && into.size() < Lazy::most_rids) {
            const Stretch& stretch = stretches_[at_];
            if (!begun_) last_ = {stretch.key, static_cast<std::int64_t>(stretch.from), -1, 0};
            begun_ = true;
            const std::size_t piece = std::min<std::size_t>(rows, largest_piece);
            rows_beyond(context_, last_, static_cast<std::int64_t>(stretch.upto), piece, piece_);
            for (const DateRow& row : piece_) {
                if (search::date_matches(*stretch.operand, row.low, row.low + unpack_span(row.span))) into.push_back(row.rid);
            }
            const std::size_t seen = piece_.size();
            if (seen > 0) last_ = piece_.back();
            touched += seen;
            rows -= seen;
            if (seen < piece) ++at_, begun_ = false;
        }
        return at_ == stretches_.size();
    }

private:
    static constexpr std::size_t largest_piece = 100'000;
    Context context_;
    std::vector<Operand> any_;  // the stretches point into it
    std::vector<Stretch> stretches_;
    std::size_t at_ = 0;
    bool begun_ = false;
    DateRow last_{};
    std::vector<DateRow> piece_;
};

class NumberRange final : public Source {
public:
    NumberRange(const Context& context, std::vector<Operand> any, std::vector<Stretch> stretches)
        : context_(context), any_(std::move(any)), stretches_(std::move(stretches)) {}
    bool read(std::size_t rows, std::vector<std::int64_t>& into) override {
        while (rows > 0 && at_ < stretches_.size() && into.size() < Lazy::most_rids) {
            const Stretch& stretch = stretches_[at_];
            if (!begun_) last_ = {stretch.key, stretch.from, -infinity, -1, 0};
            begun_ = true;
            const std::size_t piece = std::min<std::size_t>(rows, largest_piece);
            const std::size_t seen = read_piece(stretch, piece, into);
            touched += seen;
            rows -= seen;
            if (seen < piece) ++at_, begun_ = false;
        }
        return at_ == stretches_.size();
    }

private:
    std::size_t read_piece(const Stretch& stretch, std::size_t piece, std::vector<std::int64_t>& into) {
        rows_beyond(context_, last_, stretch.upto, piece, piece_);
        const auto& units = stretch.units;
        for (const NumberRow& row : piece_) {
            if ((units.empty() || std::binary_search(units.begin(), units.end(), row.unit)) &&
                search::number_matches(*stretch.operand, row.low, row.high))
                into.push_back(row.rid);
        }
        if (!piece_.empty()) last_ = piece_.back();
        return piece_.size();
    }
    static constexpr std::size_t largest_piece = 100'000;
    Context context_;
    std::vector<Operand> any_;  // the stretches point into it
    std::vector<Stretch> stretches_;
    std::size_t at_ = 0;
    bool begun_ = false;
    NumberRow last_{};
    std::vector<NumberRow> piece_;
};
}  // namespace

Bounds date_bounds(const Operand& operand, std::int64_t longest) {
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
        if (parameter.type == ParamType::date) {
            rows += count_rows(context_, date_key(pid, false), date_bounds(operand, short_span_ms), large_range);
        } else {
            const NumberBounds bounds = number_bounds(operand);
            rows += count_rows(context_, pid, bounds.from, bounds.upto, large_range);
        }
    }
    return rows >= large_range;
}

CursorPtr Finder::range(const Parameter& parameter, std::span<const Operand> any, Lazy::Confirm confirm) {
    std::vector<Operand> kept(any.begin(), any.end());
    std::vector<Stretch> stretches;
    const bool is_date = parameter.type == ParamType::date;
    for (const Operand& operand : kept) {
        std::vector<std::int64_t> units;
        const bool unit_named = parameter.type == ParamType::quantity && !(operand.code.empty() && operand.system.empty());
        if (unit_named) {
            Operand unit = operand;
            unit.has_system = !operand.system.empty();
            units = token_terms(unit_space, unit);
            std::sort(units.begin(), units.end());
            if (units.empty()) continue;  // nobody ever wrote it
        }
        for (const Parameter* each : with_included(parameter)) {
            const std::int64_t pid = context_.numbers.pid(*each);
            for (const bool wide : {false, true}) {
                if (is_date) {
                    const Bounds bounds = date_bounds(operand, wide ? forever : short_span_ms);
                    stretches.push_back(
                        {&operand, date_key(pid, wide), static_cast<double>(bounds.from), static_cast<double>(bounds.upto), {}});
                } else {
                    const NumberBounds bounds = wide ? NumberBounds{} : number_bounds(operand);
                    stretches.push_back({&operand, wide ? -pid : pid, bounds.from, bounds.upto, units});
                }
            }
        }
    }
    std::unique_ptr<Source> source;
    if (is_date) source = std::make_unique<DateRange>(context_, std::move(kept), std::move(stretches));
    else source = std::make_unique<NumberRange>(context_, std::move(kept), std::move(stretches));
    return std::make_unique<Lazy>(std::move(source), std::move(confirm));
}

}  // namespace xinglin::record
