// SPDX-License-Identifier: Apache-2.0
// Fields, repetitions, components: read and marked as read.
#include <fmt/format.h>

#include "hl7v2/conversion.h"

namespace xinglin::hl7v2 {

namespace {

constexpr std::uint32_t whole = 1u << 31;

/// True when there is nothing but delimiters and white space, or "".
bool is_blank(std::string_view raw, const Delimiters& d) {
    if (raw == "\"\"") return true;
    for (const char c : raw) {
        if (c != ' ' && c != '\t' && c != d.component && c != d.subcomponent && c != d.repetition) return false;
    }
    return true;
}

std::string_view nth(std::string_view raw, char separator, int number) {
    if (separator == '\0') return number == 1 ? raw : std::string_view{};
    for (; number > 1; --number) {
        const std::size_t at = raw.find(separator);
        if (at == std::string_view::npos) return {};
        raw.remove_prefix(at + 1);
    }
    return raw.substr(0, raw.find(separator));
}

}  // namespace

bool Part::empty() const { return !c_ || is_blank(raw_, c_->message.delimiters); }

Part Part::operator[](int number) const {
    if (!c_ || number < 1) return {};
    const Delimiters& d = c_->message.delimiters;
    if (level_ == 0) {
        if (number < 31) c_->cells[cell_].components |= 1u << number;
        return {c_, nth(raw_, d.component, number), cell_, 1};
    }
    if (level_ == 1) return {c_, nth(raw_, d.subcomponent, number), cell_, 2};
    return number == 1 ? *this : Part{};
}

std::string_view Part::text() const {
    if (!c_) return {};
    if (level_ == 0) c_->cells[cell_].components |= whole;
    if (raw_ == "\"\"") return {};
    return c_->keep(raw_);
}

bool Field::empty() const { return !c_ || is_blank(raw_, c_->message.delimiters); }

std::vector<Part> Field::all() const {
    std::vector<Part> out;
    if (empty()) return out;
    const char separator = c_->message.delimiters.repetition;
    std::string_view rest = raw_;
    Conversion::Cell& cell = c_->cells[cell_];
    for (;;) {
        const std::size_t at = rest.find(separator);
        const Part part(c_, rest.substr(0, at), cell_, 0);
        if (!part.empty()) out.push_back(part);
        if (at == std::string_view::npos) break;
        rest.remove_prefix(at + 1);
    }
    cell.repetitions = 0xFFFF;
    return out;
}

Part Field::first() const {
    if (!c_) return {};
    Conversion::Cell& cell = c_->cells[cell_];
    if (cell.repetitions == 0) cell.repetitions = 1;
    return {c_, raw_.substr(0, raw_.find(c_->message.delimiters.repetition)), cell_, 0};
}

void Field::pass_over() const {
    if (c_) c_->cells[cell_] = {whole, 0xFFFF};
}

Field Seg::operator[](std::uint32_t number) const {
    if (!segment_ || number == 0 || number > segment_->count) return {};
    const std::uint32_t cell = segment_->first + number - 1;
    return {c_, c_->message.fields[cell], cell};
}

bool Seg::has(std::uint32_t number) const { return !(*this)[number].empty(); }

std::string Seg::place(std::uint32_t number) const { return c_->message.place(*segment_, number); }

// ---- what was not read ----------------------------------------------------------------------------------------------------

void Conversion::leftover(const Segment& segment, std::uint32_t number,
                          std::vector<std::pair<std::string, std::string_view>>& out) {
    const std::string_view raw = message.field(segment, number);
    const Cell cell = cells[segment.first + number - 1];
    const Delimiters& d = message.delimiters;
    if (is_blank(raw, d)) return;
    if (cell.components == 0) {
        out.emplace_back(fmt::format("{}-{}", segment.name, number), raw);
        return;
    }
    std::string_view rest = raw;
    for (std::uint32_t repetition = 1;; ++repetition) {
        const std::size_t at = rest.find(d.repetition);
        const std::string_view one = rest.substr(0, at);
        if (repetition > cell.repetitions) {
            if (!is_blank(one, d)) out.emplace_back(fmt::format("{}-{}({})", segment.name, number, repetition), one);
        } else if (!(cell.components & whole)) {
            std::string_view parts = one;
            for (int component = 1; component < 31; ++component) {
                const std::size_t stop = parts.find(d.component);
                if (!(cell.components & (1u << component)) && !is_blank(parts.substr(0, stop), d))
                    out.emplace_back(fmt::format("{}-{}.{}", segment.name, number, component), parts.substr(0, stop));
                if (stop == std::string_view::npos) break;
                parts.remove_prefix(stop + 1);
            }
        }
        if (at == std::string_view::npos || repetition > 1000) break;
        rest.remove_prefix(at + 1);
    }
}

void Conversion::leftovers(const Segment& segment) {
    bool touched = anchors_.contains(&segment);
    for (std::uint32_t i = 0; i < segment.count && !touched; ++i) touched = cells[segment.first + i].components != 0;
    if (!touched) {
        bool says_something = false;
        for (std::uint32_t i = 1; i <= segment.count; ++i)
            says_something = says_something || !is_blank(message.field(segment, i), message.delimiters);
        if (says_something)
            note(message.place(segment), "this segment is not carried over; it stays in the message", "unknown-segment");
        return;
    }
    std::vector<std::pair<std::string, std::string_view>> left;
    for (std::uint32_t number = 1; number <= segment.count; ++number) leftover(segment, number, left);
    if (!left.empty()) keep_leftovers(segment, left);
}

void Conversion::keep_leftovers(const Segment& segment, const std::vector<std::pair<std::string, std::string_view>>& left) {
    const auto found = anchors_.find(&segment);
    std::vector<json::Value> inner;
    for (const auto& [place, raw] : left) {
        std::string where = place;
        if (segment.occurrences > 1) where.insert(3, fmt::format("[{}]", segment.occurrence));
        if (found == anchors_.end()) {
            note(std::move(where), "has no place in the record and is not carried over; it stays in the message", "not-carried");
            continue;
        }
        const json::Value value = string(keep(raw));
        if (value) inner.push_back(arena.object({{"url", arena.string(place)}, {"valueString", value}}));
        note(std::move(where), "FHIR has no element for it; kept as an extension", "extension");
    }
    if (inner.empty()) return;
    found->second->add("extension", arena.object({{"url", arena.string(fmt::format("urn:xinglin:hl7v2:{}", segment.name))},
                                                  {"extension", arena.array(inner)}}));
}

}  // namespace xinglin::hl7v2
