// SPDX-License-Identifier: Apache-2.0
// One found value against one operand, written from R4's search.html alone.
#include <cmath>
#include <cstdlib>
#include <limits>

#include "search_oracle/inside.h"
#include "text/text.h"

namespace xinglin::search_oracle {
namespace {

constexpr std::int64_t forever = calendar::end_of_time_ms;

struct Prefixed {
    std::string prefix = "eq", rest;
};

Prefixed prefix_of(const std::string& operand) {
    if (operand.size() > 2 && std::isalpha(static_cast<unsigned char>(operand[0])))
        return {operand.substr(0, 2), operand.substr(2)};
    return {"eq", operand};
}

bool is_a(const std::string& type, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), type) != names.end();
}

bool starts(std::string_view value, std::string_view wanted) { return text::fold(value).rfind(text::fold(wanted), 0) == 0; }

// ---- dates -----------------------------------------------------------------------------------------------------------

struct Between {
    bool any = false;
    std::int64_t from = 0, until = 0;
};

Between moment(std::string_view text, const Sense& sense, bool lenient) {
    const auto moment = calendar::parse_date_time(text, lenient);
    if (!moment) return {};
    const auto span = calendar::span_of(*moment, sense.offset_minutes);
    return {true, span.low_ms, span.high_ms};
}

Between period(json::Value value, const Sense& sense) {
    const Between start = moment(value["start"].string(), sense, false), end = moment(value["end"].string(), sense, false);
    return {start.any || end.any, start.any ? start.from : -forever, end.any ? end.until : forever};
}

Between date_of(const Found& found, const Sense& sense) {
    if (is_a(found.type, {"date", "dateTime", "instant"})) return moment(found.value.string(), sense, false);
    if (found.type == "Period") return period(found.value, sense);
    if (found.type != "Timing") return {};
    std::vector<Between> all{period(found.value["repeat"]["boundsPeriod"], sense)};
    const json::Value events = found.value["event"];
    for (std::size_t i = 0; i < events.size(); ++i) all.push_back(moment(events[i].string(), sense, false));
    Between outer;
    for (const Between& each : all) {
        if (!each.any) continue;
        outer = outer.any ? Between{true, std::min(outer.from, each.from), std::max(outer.until, each.until)} : each;
    }
    return outer;
}

/// The table of prefixes: "search" is the range of the search value, "target" that of the resource.
bool dates(const Between& target, const std::string& operand, const Sense& sense) {
    const auto [prefix, rest] = prefix_of(operand);
    Between search = moment(rest, sense, true);
    if (!target.any || !search.any) return false;
    const bool contains = search.from <= target.from && search.until >= target.until;
    const bool beyond = target.until > search.until;  // the range above the search value meets the target
    const bool before = target.from < search.from;    // the range below it does
    if (prefix == "eq") return contains;
    if (prefix == "ne") return !contains;
    if (prefix == "gt") return beyond;
    if (prefix == "lt") return before;
    if (prefix == "ge") return beyond || contains;
    if (prefix == "le") return before || contains;
    if (prefix == "sa") return target.from >= search.until;
    if (prefix == "eb") return target.until <= search.from;
    std::int64_t gap = 0;
    if (sense.now_ms < search.from) gap = search.from - sense.now_ms;
    if (sense.now_ms > search.until) gap = sense.now_ms - search.until;
    return target.until > search.from - gap / 10 && target.from < search.until + gap / 10;
}

// ---- numbers ---------------------------------------------------------------------------------------------------------

double to_number(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

/// Half a unit of the last digit written, as decimal text: "5.40" → "0.005", "1e2" → "5e1".
double half_away(const std::string& text, int sign) {
    std::string digits = text.substr(0, text.find_first_of("eE"));
    const std::string exponent = digits.size() == text.size() ? "" : text.substr(digits.size());
    const bool negative = digits[0] == '-';
    if (negative || digits[0] == '+') digits.erase(0, 1);
    const std::size_t point = digits.find('.');
    std::string figures = digits;
    if (point != std::string::npos) figures.erase(point, 1);
    const std::size_t decimals = point == std::string::npos ? 0 : digits.size() - point - 1;
    // Schoolbook: figures followed by one more place, plus or minus five there.
    __int128 scaled = 0;
    for (const char c : figures) scaled = scaled * 10 + (c - '0');
    scaled = (negative ? -scaled : scaled) * 10 + 5 * sign;
    std::string out;
    const bool below = scaled < 0;
    for (__int128 rest = below ? -scaled : scaled; rest || out.empty(); rest /= 10)
        out.insert(0, 1, static_cast<char>('0' + static_cast<int>(rest % 10)));
    const int power = exponent.empty() ? 0 : std::atoi(exponent.c_str() + 1);
    return to_number((below ? "-" : "") + out + "e" + std::to_string(power - static_cast<int>(decimals) - 1));
}

struct Extent {
    bool any = false;
    double low = 0, high = 0;
};

bool numbers(const Extent& target, const std::string& operand) {
    const auto [prefix, rest] = prefix_of(operand);
    if (!target.any) return false;
    const double value = to_number(rest);
    const bool contains = target.low >= half_away(rest, -1) && target.high < half_away(rest, +1);
    if (prefix == "eq") return contains;
    if (prefix == "ne") return !contains;
    if (prefix == "gt") return target.high > value;
    if (prefix == "lt") return target.low < value;
    if (prefix == "ge") return target.high >= value;
    if (prefix == "le") return target.low <= value;
    if (prefix == "sa") return target.low > value;
    if (prefix == "eb") return target.high < value;
    const double tenth = std::abs(value) / 10, slack = std::abs(value) * 1e-12;
    return target.high >= value - tenth - slack && target.low <= value + tenth + slack;
}

constexpr double endless = std::numeric_limits<double>::infinity();

Extent exactly(json::Value number) {
    const double value = to_number(std::string(number.text()));
    return {number.is_number(), value, value};
}

Extent range(json::Value low, json::Value high) {
    return {low.is_number() || high.is_number(), low.is_number() ? exactly(low).low : -endless,
            high.is_number() ? exactly(high).low : endless};
}

/// The same quantity (or Range, whose unit is that of its low end) in another unit of UCUM; nothing when it measures something
/// else.
json::Value in_unit(json::Value quantity, const std::string& from, const std::string& to, json::Arena& arena) {
    if (!quantity["low"] && !quantity["high"]) {
        if (!quantity["value"]) return {};
        const auto digits = fhirpath::ucum_convert(quantity["value"].text(), from, to);
        return digits.ok() ? arena.with(arena.with(quantity, "value", arena.number(*digits)), "code", arena.string(to))
                           : json::Value();
    }
    for (const std::string_view end : {"low", "high"}) {
        if (!quantity[end]["value"]) continue;
        const json::Value other = in_unit(quantity[end], from, to, arena);
        if (!other) return {};
        quantity = arena.with(quantity, end, other);
    }
    return quantity;
}

bool quantities(const Found& found, const std::string& operand);

/// With UCUM, what is equal in another unit is equal.
bool other_quantities(const Found& found, const std::string& code, const std::string& wanted, const std::string& digits) {
    json::Arena arena;
    const json::Value other = in_unit(found.value, code, wanted, arena);
    return other && quantities({found.type, other, false, ""}, digits);
}

bool quantities(const Found& found, const std::string& operand) {
    const auto parts = split(operand, '|');
    Extent extent;
    json::Value unit = found.value;
    std::string system(unit["system"].string()), code(unit["code"].string()), word(unit["unit"].string());
    if (found.type == "Money") {
        extent = exactly(found.value["value"]);
        system = "urn:iso:std:iso:4217";
        code = found.value["currency"].string();
    } else if (found.type == "Range") {
        const json::Value low = found.value["low"], high = found.value["high"];
        extent = range(low["value"], high["value"]);
        unit = low["value"] ? low : high;
        system = unit["system"].string();
        code = unit["code"].string();
        word = unit["unit"].string();
    } else if (found.value["value"]) {
        extent = exactly(found.value["value"]);
        if (found.value["comparator"].string().starts_with("<")) extent.low = -endless;
        if (found.value["comparator"].string().starts_with(">")) extent.high = endless;
    }
    if (parts.size() == 3) {
        const std::string wanted_system = plain(parts[1]), wanted = plain(parts[2]);
        if (!wanted_system.empty() && wanted_system != system) return false;
        if (wanted_system == "http://unitsofmeasure.org" && !wanted.empty() && wanted != code)
            return other_quantities(found, code, wanted, parts[0]);
        if (!wanted.empty() && wanted != code && !(wanted_system.empty() && wanted == word)) return false;
    }
    return numbers(extent, parts[0]);
}

// ---- tokens ----------------------------------------------------------------------------------------------------------

struct Named {
    std::string system, code;
    std::vector<std::string> texts;
};

std::vector<Named> tokens_of(const Found& found, bool folds) {
    const json::Value value = found.value;
    const auto str = [](json::Value v) { return std::string(v.string()); };
    constexpr auto special = "http://terminology.hl7.org/CodeSystem/special-values";
    if (found.type == "boolean") return {{special, value ? std::string(value.text()) : found.boolean ? "true" : "false", {}}};
    if (found.type == "Coding") return {{str(value["system"]), str(value["code"]), {str(value["display"])}}};
    if (found.type == "Identifier") return {{str(value["system"]), str(value["value"]), {str(value["type"]["text"])}}};
    if (found.type == "ContactPoint") return {{str(value["system"]), str(value["value"]), {}}};
    if (found.type == "CodeableConcept") {
        std::vector<Named> all{{"", "", {str(value["text"])}}};
        for (std::size_t i = 0; i < value["coding"].size(); ++i) {
            const json::Value coding = value["coding"][i];
            all.push_back({str(coding["system"]), str(coding["code"]), {str(coding["display"])}});
        }
        return all;
    }
    if (!value.is_string()) return {};
    std::string code = str(value);
    if (folds && found.type == "string") code = text::lower_ascii(code);
    return {{found.system, code, {}}};
}

/// A value set, or the codes that begin with the one asked (or begin it).
bool coded(const std::vector<Named>& named, const std::string& modifier, const std::string& operand, const Sense& sense) {
    const auto parts = split(operand, '|');
    for (const Named& each : named) {
        if (each.code.empty()) continue;
        if (modifier == "in" && in_value_set(sense, plain(operand), each.system, each.code)) return true;
        if (modifier == "in" || each.system != plain(parts[0])) continue;
        const std::string asked = plain(parts[1]);
        if (each.code == asked) return true;
        const std::string &lower = modifier == "below" ? each.code : asked, &upper = modifier == "below" ? asked : each.code;
        if (lower.starts_with(upper) && sense.codings->contains({each.system, each.code})) return true;
    }
    return false;
}

/// identifier:of-type=system|code|value
bool typed(const Found& found, const std::string& operand) {
    const auto parts = split(operand, '|');
    const json::Value codings = found.value["type"]["coding"];
    for (std::size_t i = 0; i < codings.size(); ++i) {
        if (codings[i]["code"].string() == plain(parts[1]) &&
            (parts[0].empty() || codings[i]["system"].string() == plain(parts[0])))
            return found.value["value"].string() == plain(parts[2]);
    }
    return false;
}

/// Whole segments of a URL.
bool under(std::string uri, std::string upper) {
    if (uri == upper) return true;
    if (upper.starts_with("urn:")) return false;
    if (upper.back() != '/') {
        for (const char* end : {"/", "?", "#"}) {
            if (uri.starts_with(upper + end)) return true;
        }
        return false;
    }
    return uri.starts_with(upper);
}

bool token(const std::vector<Named>& named, const std::string& modifier, const std::string& operand, bool folds) {
    const auto parts = split(operand, '|');
    std::string code = plain(operand), system;
    if (parts.size() > 1) {
        system = plain(parts[0]);
        code = plain(operand.substr(parts[0].size() + 1));
    }
    if (folds) code = text::lower_ascii(code);
    for (const Named& each : named) {
        if (modifier == "text") {
            for (const std::string& text : each.texts) {
                if (!text.empty() && starts(text, plain(operand))) return true;
            }
            continue;
        }
        if (each.code.empty() && (!code.empty() || each.texts.empty() || each.texts[0].empty())) continue;
        if (parts.size() > 1 && each.system != system) continue;
        if (code.empty() || each.code == code) return true;
    }
    return false;
}

// ---- strings, references ---------------------------------------------------------------------------------------------

std::vector<std::string> strings_of(const Found& found) {
    std::vector<std::string> all;
    const auto add = [&](json::Value value) {
        if (value.is_string() && !value.string().empty()) all.emplace_back(value.string());
        for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) all.emplace_back(value[i].string());
    };
    if (found.type == "HumanName") {
        for (const auto key : {"text", "family", "given", "prefix", "suffix"}) add(found.value[key]);
    } else if (found.type == "Address") {
        for (const auto key : {"text", "line", "city", "district", "state", "postalCode", "country"}) add(found.value[key]);
    } else if (found.type == "CodeableConcept") {
        add(found.value["text"]);
        for (std::size_t i = 0; i < found.value["coding"].size(); ++i) add(found.value["coding"][i]["display"]);
    } else {
        add(found.value);
    }
    return all;
}

bool string(const Found& found, const std::string& modifier, const std::string& operand) {
    for (const std::string& value : strings_of(found)) {
        if (modifier == "exact" && value == operand) return true;
        if (modifier == "contains" && text::fold(value).find(text::fold(operand)) != std::string::npos) return true;
        if (modifier.empty() && starts(value, operand)) return true;
    }
    return false;
}

bool reference(const Row& row, const Found& found, const std::string& modifier, const std::string& operand) {
    if (modifier == "identifier") {
        const json::Value identifier = found.value["identifier"];
        return token({{std::string(identifier["system"].string()), std::string(identifier["value"].string()), {}}}, "", operand,
                     false);
    }
    const std::string wanted = plain(operand);
    const Target target = target_of(found);
    const std::string written(found.type == "Reference" ? found.value["reference"].string() : found.value.string());
    if (written.starts_with("#")) return false;
    if (modifier == "text") {
        return !written.empty() && !found.value["display"].string().empty() && starts(found.value["display"].string(), wanted);
    }
    if (wanted.find('|') != std::string::npos) return written == wanted && found.type != "Reference";
    if (wanted.find('/') == std::string::npos && wanted.find(':') == std::string::npos) {
        std::string type = modifier;
        if (type.empty() && row.targets.size() == 1) type = row.targets[0];
        return target.url.empty() && target.id == wanted && (type.empty() || type == target.type);
    }
    const Target asked = target_of(wanted);
    if (!asked.url.empty()) return asked.url == target.url;
    return target.url.empty() && asked.type == target.type && asked.id == target.id;
}

}  // namespace

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            parts.back() += text[i];
            parts.back() += text[++i];
        } else if (text[i] == separator) {
            parts.emplace_back();
        } else {
            parts.back() += text[i];
        }
    }
    return parts;
}

std::string plain(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() &&
            (text[i + 1] == ',' || text[i + 1] == '$' || text[i + 1] == '|' || text[i + 1] == '\\'))
            ++i;
        out += text[i];
    }
    return out;
}

Target target_of(std::string reference) {
    if (const std::size_t at = reference.find("/_history/"); at != std::string::npos) reference.erase(at);
    if (const std::size_t bar = reference.find('|'); bar != std::string::npos) reference.erase(bar);
    const std::size_t last = reference.rfind('/');
    if (last == std::string::npos || last == 0) return {"", "", reference};
    const std::size_t before = reference.rfind('/', last - 1);
    const std::string type =
        reference.substr(before == std::string::npos ? 0 : before + 1, last - (before == std::string::npos ? 0 : before + 1));
    if (before == std::string::npos) return {type, reference.substr(last + 1), ""};
    return {fhir::find_resource(type) ? type : "", "", reference};
}

Target target_of(const Found& found) {
    if (found.value["resourceType"])
        return {std::string(found.value["resourceType"].string()), std::string(found.value["id"].string()), ""};
    return target_of(std::string(found.type == "Reference" ? found.value["reference"].string() : found.value.string()));
}

bool compare(const Row& row, const std::string& modifier, const Found& found, const std::string& operand, const Sense& sense) {
    const bool folds = row.type == "token" && found.type == "string";
    if (row.type == "token" && modifier == "of-type") return typed(found, operand);
    if (row.type == "token" && (modifier == "in" || modifier == "below" || modifier == "above"))
        return coded(tokens_of(found, folds), modifier, operand, sense);
    if (row.type == "uri" && modifier == "below") return under(std::string(found.value.string()), plain(operand));
    if (row.type == "uri" && modifier == "above") return under(plain(operand), std::string(found.value.string()));
    if (row.type == "token") return token(tokens_of(found, folds), modifier, operand, folds);
    if (row.type == "string") return string(found, modifier, plain(operand));
    if (row.type == "uri") return found.value.string() == plain(operand);
    if (row.type == "date") return dates(date_of(found, sense), operand, sense);
    if (row.type == "reference") return reference(row, found, modifier, operand);
    if (row.type == "quantity") return quantities(found, operand);
    if (row.type == "number") {
        return numbers(
            found.type == "Range" ? range(found.value["low"]["value"], found.value["high"]["value"]) : exactly(found.value),
            operand);
    }
    return false;
}

Key key_of(const Row& row, const FoundList& found, bool descending, const Sense& sense) {
    Key best;
    const auto offer = [&](double number, const std::string& text) {
        const bool better = descending ? std::pair(number, text) > std::pair(best.number, best.text)
                                       : std::pair(number, text) < std::pair(best.number, best.text);
        if (!best.any || better) best = {true, number, text};
    };
    for (const Found& each : found) {
        if (row.type == "date") {
            if (const Between when = date_of(each, sense); when.any) offer(static_cast<double>(when.from), "");
        } else if (row.type == "number" && each.value.is_number()) {
            offer(exactly(each.value).low, "");
        } else if (row.type == "string") {
            for (const std::string& value : strings_of(each)) offer(0, text::fold(value));
        } else if (row.type == "uri") {
            offer(0, std::string(each.value.string()));
        } else if (row.type == "token") {
            for (const Named& named : tokens_of(each, each.type == "string")) {
                const std::string& word = named.code.empty() && !named.texts.empty() ? named.texts[0] : named.code;
                if (!word.empty()) offer(0, word);
            }
        }
    }
    return best;
}

}  // namespace xinglin::search_oracle
