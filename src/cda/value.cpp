// SPDX-License-Identifier: Apache-2.0
// Values by their xsi:type: ST, CD, PQ, REAL, INT, BL, TS, IVL, MO and what stands for them.
#include <charconv>

#include "cda/work.h"
#include "text/text.h"

namespace xinglin::cda {

namespace {

/// A number as JSON writes it; "" for what is none.
std::string digits_of(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty() || text.size() > 20) return "";
    std::string out(text);
    if (out.find_first_not_of("-.0123456789") != std::string::npos) return "";
    const bool negative = out.starts_with('-');
    if (negative) out.erase(0, 1);
    out.erase(0, std::min(out.find_first_not_of('0'), out.size()));
    if (out.empty() || out.front() == '.') out.insert(0, "0");
    if (out.back() == '.') out.pop_back();
    return (negative ? "-" : "") + out;
}

bool is_empty(pugi::xml_node node) { return !node || !attribute(node, "nullFlavor").empty(); }

}  // namespace

json::Value read_code(Work& work, pugi::xml_node code) {
    if (is_empty(code)) return {};
    const std::string own = attribute(code, "code");
    std::string words = attribute(code, "displayName");
    if (words.empty()) words = text(child(code, "originalText"));
    if (own.empty() && words.empty()) return {};
    return work.coded(Tables::system(attribute(code, "codeSystem")), own, attribute(code, "displayName"),
                      words.empty() ? own : words);
}

json::Value read_quantity(Work& work, pugi::xml_node quantity, std::string_view unit) {
    if (is_empty(quantity)) return {};
    const std::string digits = digits_of(attribute(quantity, "value"));
    if (digits.empty()) return {};
    std::string written = attribute(quantity, "unit");
    std::string ucum = work.tables.unit(written);
    if (written.empty() && !unit.empty()) {
        ucum = work.tables.unit(unit);
        if (ucum.empty() && work.tables.written_unit(unit) != unit) ucum = unit;
        written = ucum.empty() ? std::string(unit) : work.tables.written_unit(ucum);
    }
    return work.arena.object({{"value", work.arena.number(digits)},
                              {"unit", work.text(written)},
                              {"system", ucum.empty() ? json::Value() : work.arena.string("http://unitsofmeasure.org")},
                              {"code", work.text(ucum)}});
}

std::optional<std::pair<std::string_view, json::Value>> read_value(Work& work, pugi::xml_node value, std::string_view unit) {
    using Found = std::optional<std::pair<std::string_view, json::Value>>;
    if (is_empty(value)) return std::nullopt;
    const std::string type = attribute(value, "type"), written = attribute(value, "value"), words = text(value);
    const auto given = [](std::string_view name, json::Value one) { return one ? Found({name, one}) : Found(); };
    if (type == "CD" || type == "CE" || type == "CO" || type == "CV" || (type.empty() && !attribute(value, "code").empty()))
        return given("valueCodeableConcept", read_code(work, value));
    if (type == "BL") {
        const std::string lower = text::lower_ascii(written.empty() ? words : written);
        if (lower == "true" || lower == "1" || lower == "t") return given("valueBoolean", work.arena.boolean(true));
        if (lower == "false" || lower == "0" || lower == "f") return given("valueBoolean", work.arena.boolean(false));
        return std::nullopt;
    }
    if (type == "INT") {
        std::int32_t number = 0;
        const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), number);
        if (error == std::errc{} && end == written.data() + written.size() && !written.empty())
            return given("valueInteger", work.arena.number(static_cast<std::int64_t>(number)));
    }
    if (type == "TS") return given("valueDateTime", work.text(work.time(value)));
    if (type == "IVL_TS") {
        const std::string low = work.time(child(value, "low")), high = work.time(child(value, "high"));
        if (low.empty() && high.empty()) return std::nullopt;
        return given("valuePeriod", work.arena.object({{"start", work.text(low)}, {"end", work.text(high)}}));
    }
    if (type == "PQ" || type == "REAL" || type == "INT" || type == "MO" || (type.empty() && !written.empty())) {
        if (const json::Value quantity = read_quantity(work, value, type == "MO" ? std::string_view("元") : unit))
            return given("valueQuantity", quantity);
        return given("valueString", work.text(written.empty() ? words : written));
    }
    return given("valueString", work.text(words.empty() ? written : words));
}

}  // namespace xinglin::cda
