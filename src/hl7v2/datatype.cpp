// SPDX-License-Identifier: Apache-2.0
// Simple data types of HL7 v2 (ST, ID, NM, DTM, CWE, CX, EI, HD, MO, DR) as FHIR's.
//
// Sources: HL7 v2.8 chapter 2A; the data type maps of the v2-to-FHIR guide (docs/sources.md).
#include <fmt/format.h>

#include <algorithm>

#include "hl7v2/conversion.h"
#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// FHIR's code: no white space at the ends, none doubled.
std::string tidy(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool space = static_cast<unsigned char>(c) <= 0x20;
        if (space && (out.empty() || out.back() == ' ')) continue;
        out += space ? ' ' : c;
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

/// As part of a URI: what may not stand there is percent-encoded.
std::string in_uri(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte == '"' || byte == '<' || byte == '>' || byte == '%' || byte == 0x7F)
            out += fmt::format("%{:02X}", byte);
        else out += c;
    }
    return out;
}

bool is_oid(std::string_view text) {
    if (text.size() < 3 || text[0] < '0' || text[0] > '2' || text[1] != '.' || text.back() == '.') return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!is_digit(text[i]) && text[i] != '.') return false;
        if (text[i] == '.' && text[i + 1] == '.') return false;
        if (text[i] == '.' && text[i + 1] == '0' && i + 2 < text.size() && is_digit(text[i + 2])) return false;
    }
    return true;
}

bool is_url(std::string_view text) {
    return text.starts_with("http://") || text.starts_with("https://") || text.starts_with("urn:");
}

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    }
    return out;
}

/// True when this is a word of a coding system rather than words for people.
bool is_code_like(std::string_view text) {
    if (text.size() > 60) return false;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x80) return false;
    }
    return true;
}

}  // namespace

json::Value as_string(Conversion& c, Part p) { return c.string(p.text()); }
json::Value as_text(Conversion& c, Part p) { return c.string(p.text()); }
json::Value as_markdown(Conversion& c, Part p) { return c.string(p.text()); }

json::Value as_code(Conversion& c, Part p) {
    const std::string code = tidy(p.text());
    return code.empty() ? json::Value{} : c.arena.string(code);
}

json::Value as_boolean(Conversion& c, Part p) {
    const std::string text = upper(p[1].text());
    for (const std::string_view yes : {"Y", "YES", "TRUE", "T", "1", "是"}) {
        if (text == yes) return c.arena.boolean(true);
    }
    for (const std::string_view no : {"N", "NO", "FALSE", "F", "0", "否"}) {
        if (text == no) return c.arena.boolean(false);
    }
    c.note(c.here(), "is neither Y nor N and is left out", "unknown-code");
    return {};
}

json::Value as_positive(Conversion& c, Part p) {
    const std::string_view text = p[1].text();
    if (text.empty() || text.size() > 9 || !std::all_of(text.begin(), text.end(), is_digit)) return {};
    const int number = std::stoi(std::string(text));
    return number > 0 ? c.arena.number(number) : json::Value{};
}

// ---- Numbers ----------------------------------------------------------------------------------------------------------------

std::string number_text(std::string_view text) {
    std::string out;
    std::size_t i = 0;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) {
        if (text[i] == '-') out += '-';
        ++i;
    }
    std::string whole;
    while (i < text.size() && is_digit(text[i])) whole += text[i++];
    std::string fraction;
    if (i < text.size() && text[i] == '.') {
        ++i;
        while (i < text.size() && is_digit(text[i])) fraction += text[i++];
    }
    std::string exponent;
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E') && !(whole + fraction).empty()) {
        exponent = "e";
        if (++i < text.size() && (text[i] == '+' || text[i] == '-')) exponent += text[i++];
        const std::size_t digits = i;
        while (i < text.size() && is_digit(text[i])) exponent += text[i++];
        if (i == digits || i - digits > 3) return {};
    }
    if (i != text.size() || (whole + fraction).empty() || whole.size() + fraction.size() > 40) return {};
    whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
    out += whole.empty() ? "0" : whole;
    if (!fraction.empty()) out += "." + fraction;
    return out + exponent;
}

json::Value quantity(Conversion& c, std::string_view number, Part unit, std::string_view comparator) {
    const std::string digits = number_text(number);
    Object out(c);
    if (!digits.empty()) out.set("value", c.arena.number(digits));
    if (!comparator.empty() && !digits.empty()) out.text("comparator", comparator);
    const std::string code = tidy(unit[1].text());
    const std::string_view words = unit[2].text(), system = unit[3].text();
    out.text("unit", !words.empty() ? words : std::string_view(code));
    if (!code.empty() && (!system.empty() || (!words.empty() && words != code))) {  // qty-3: a code has a system
        out.text("system", system.empty() ? c.own_system("units") : system_of(c, system));
        out.text("code", code);
    }
    return digits.empty() ? json::Value{} : out.value();
}

json::Value as_quantity(Conversion& c, Part p) {
    const Part unit = p[2];
    const std::string digits = number_text(p[1].text());
    if (digits.empty()) {
        c.note(c.here(), "is no number and is left out", "not-a-number");
        return {};
    }
    Object out(c);
    out.set("value", c.arena.number(digits));
    const std::string_view words = unit[2].text(), code = unit[1].text();
    out.text("unit", !words.empty() ? words : code);
    if (const std::string_view system = unit[3].text(); !system.empty() && !code.empty()) {
        out.text("system", system_of(c, system));
        out.text("code", tidy(code));
    }
    return out.value();
}

json::Value as_money(Conversion& c, Part p) {
    const Part price = p[1];  // CP: its first component is an MO; MO alone: number and currency are the components
    const std::string digits = number_text(price[1].text());
    if (digits.empty()) {
        c.note(c.here(), "is no amount and is left out", "not-a-number");
        return {};
    }
    std::string currency = upper(price[2].text());
    if (currency.empty() && p[2].text().size() == 3) currency = upper(p[2].text());
    Object out(c);
    out.set("value", c.arena.number(digits));
    const auto letter = [](char x) { return x >= 'A' && x <= 'Z'; };
    if (currency.empty() && c.is_chinese) currency = "CNY";
    if (currency == "RMB") currency = "CNY";
    if (currency.size() == 3 && std::all_of(currency.begin(), currency.end(), letter)) out.text("currency", currency);
    return out.value();
}

// ---- Codes ------------------------------------------------------------------------------------------------------------------

std::string system_of(Conversion& c, std::string_view name) {
    const std::string word = upper(tidy(name));
    if (c.is_chinese && (word == "I10" || word == "ICD10" || word == "ICD-10")) return std::string(message::icd10_system);
    if (const std::string_view known = c.tables.system(word); !known.empty()) return std::string(known);
    if (word.starts_with("HL7")) {
        std::string table = word.substr(3);
        if (table.size() == 5 && table[0] == '0') table.erase(0, 1);
        if (!table.empty() && table.size() <= 4 && std::all_of(table.begin(), table.end(), is_digit))
            return "http://terminology.hl7.org/CodeSystem/v2-" + std::string(4 - table.size(), '0') + table;
    }
    if (is_oid(name)) return "urn:oid:" + std::string(name);
    if (is_url(name)) return in_uri(name);
    return c.own_system("code:" + in_uri(tidy(name)));
}

json::Value as_coding(Conversion& c, Part p) {
    const std::string code = tidy(p[1].text());
    const std::string_view display = p[2].text(), system = p[3].text();
    if (code.empty() && display.empty()) return {};
    Object out(c);
    if (!system.empty()) out.text("system", system_of(c, system));
    out.text("version", p[7].text());
    out.text("code", code);
    out.text("display", display);
    return out.value();
}

json::Value concept_by(Conversion& c, Part p, std::string_view table) {
    Object out(c);
    const std::string code = tidy(p[1].text());
    if (!table.empty() && !code.empty()) {
        const Tables::Target* target = nullptr;
        if (c.is_chinese) target = c.tables.target(std::string(table) + "CN", code);
        if (!target) target = c.tables.target(table, code);
        if (target) out.add("coding", c.coding(target->system, target->code, target->display));
    }
    std::string_view words = p[9].text();
    const std::string_view first_words = p[2].text();
    const auto add = [&](int at, int version) {
        const std::string each = tidy(p[at].text());
        const std::string_view display = p[at + 1].text(), system = p[at + 2].text();
        if (each.empty()) {
            if (words.empty()) words = display;
            return;
        }
        if (system.empty() && !is_code_like(each)) {  // words in the place of a code
            if (words.empty()) words = c.arena.keep(each);
            if (display.empty()) return;
        }
        Object coding(c);
        if (!system.empty()) coding.text("system", system_of(c, system));
        else if (!table.empty() && is_code_like(each))
            coding.text("system", fmt::format("http://terminology.hl7.org/CodeSystem/v2-{}", table));
        coding.text("version", p[version].text());
        coding.text("code", each);
        coding.text("display", display);
        // What the table says already, with its words, is not said again.
        const json::Value known = out.get("coding");
        if (known && known["code"].string() == each && known["system"].string() == coding.get("system").string() &&
            (display.empty() || display == known["display"].string()))
            return;
        out.add("coding", coding.value());
    };
    add(1, 7);
    add(4, 8);
    if (p[10] || p[11]) add(10, 13);
    if (words.empty()) words = first_words;
    out.text("text", words);
    return out.value();
}

json::Value as_concept(Conversion& c, Part p) { return concept_by(c, p, {}); }

std::string_view code_by(Conversion& c, std::string_view code, std::string_view table, std::string_view where) {
    if (code.empty()) return {};
    const Tables::Target* target = nullptr;
    const std::string plain = tidy(code);
    if (c.is_chinese) target = c.tables.target(std::string(table) + "CN", plain);
    if (!target) target = c.tables.target(table, plain);
    if (!target) target = c.tables.target(table, upper(plain));
    if (target) return target->code;
    c.note(std::string(where),
           fmt::format("holds a code that table {} doesn't have; add it to content/mappings/hl7v2/codes.csv", table),
           "unknown-code");
    return {};
}

std::string_view code_by(Conversion& c, Part p, std::string_view table) { return code_by(c, p[1].text(), table, c.here()); }

// ---- Identifiers ------------------------------------------------------------------------------------------------------------

bool is_resident_id(std::string_view text) {
    constexpr int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    if (text.size() != 18) return false;
    int sum = 0;
    for (std::size_t i = 0; i < 17; ++i) {
        if (!is_digit(text[i])) return false;
        sum += (text[i] - '0') * weights[i];
    }
    const char last = text[17] == 'x' ? 'X' : text[17];
    const int month = (text[10] - '0') * 10 + (text[11] - '0'), day = (text[12] - '0') * 10 + (text[13] - '0');
    return last == "10X98765432"[sum % 11] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

std::string authority_system(Conversion& c, Part hd, std::string_view fallback) {
    const std::string_view name = hd[1].text(), universal = hd[2].text(), kind = hd[3].text();
    const std::string_view id = !universal.empty() ? universal : is_oid(name) ? name : std::string_view{};
    if (!id.empty()) {
        if (is_oid(id)) return "urn:oid:" + std::string(id);
        if (kind == "UUID" || kind == "GUID") return "urn:uuid:" + text::lower_ascii(in_uri(id));
        if (is_url(id)) return in_uri(id);
        if (name.empty()) return c.own_system(in_uri(tidy(id)));
    }
    if (!name.empty()) return is_url(name) ? in_uri(name) : c.own_system(in_uri(tidy(name)));
    return c.own_system(fallback);
}

std::string key_of(Part id, Part authority) {
    const std::string_view value = id.text();
    if (value.empty()) return {};
    const std::string_view name = authority[1].text();
    return fmt::format("{}^{}", value, !name.empty() ? name : authority[2].text());
}

json::Value identifier(Conversion& c, std::string_view system, std::string_view value, std::string_view type) {
    if (value.empty()) return {};
    Object out(c);
    if (!type.empty()) out.set("type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", type, {}));
    out.text("system", system);
    out.text("value", value);
    return out.value();
}

void add_assigner(Conversion& c, Object& identifier, Part authority, Part facility) {
    const std::string_view name = authority[1].text(), universal = authority[2].text();
    const std::string_view assigner = facility[1].text().empty() ? name : facility[1].text();
    if (!assigner.empty()) identifier.set("assigner", c.arena.object({{"display", c.string(assigner)}}));
    const std::string_view system = identifier.get("system").string();
    for (const std::string_view each : {name, universal, facility[2].text()}) {
        if (each.empty() || each == assigner || system.find(each) != std::string_view::npos) continue;
        identifier.extend("urn:xinglin:hl7v2:HD", "valueString", c.string(each));
    }
}

namespace {
/// The national kind of number that a type or an authority's name says ("身份证", "IDCard"), or that the value itself shows.
const Tables::Target* national(Conversion& c, Part type, Part authority, std::string_view value) {
    for (const std::string_view said : {type.text(), authority[1].text()}) {
        if (said.empty()) continue;
        if (const Tables::Target* const target = c.tables.target("IDTYPE", said)) return target;
    }
    return type.empty() && is_resident_id(value) ? c.tables.target("IDTYPE", "NNCHN") : nullptr;
}
}  // namespace

namespace {
/// Whose numbers these are when nothing says it: the sender's own of this kind.
std::string numbers_of(const Conversion& c) {
    if (!c.at_segment) return "patient";
    const std::string_view segment = c.at_segment->name;
    if (segment == "PID" && c.at_field == 18) return "account";
    if (segment == "PV1" || segment == "PV2") return "visit";
    if (segment == "IN1" || segment == "IN2") return c.at_field == 3 ? "payor" : "insured";
    if (segment == "GT1") return "guarantor";
    if (segment == "STF") return "staff";
    if (segment == "SPM") return "specimen";
    return "patient";
}
}  // namespace

json::Value as_identifier(Conversion& c, Part p) {
    std::string value(p[1].text());
    if (value.empty()) return {};
    Object out(c);
    const Part authority = p[4], type = p[5];
    const std::string_view type_code = type.text();
    const Tables::Target* const kind = national(c, type, authority, value);
    if (kind && kind->system == message::resident_id_system && value.ends_with('x')) value.back() = 'X';
    if (kind) {
        out.set("type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", kind->code, kind->display,
                                     type_code == kind->code ? std::string_view{} : type_code));
        out.text("system", kind->system);
        if (kind->system == message::resident_id_system && value.size() == 18 && !is_resident_id(value))
            c.note(c.here(), "the check character of the resident ID is wrong; kept as it is", "wrong-id");
    } else {
        if (!type_code.empty() && is_code_like(type_code))
            out.set("type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", tidy(type_code)));
        else if (!type_code.empty()) out.set("type", c.arena.object({{"text", c.string(type_code)}}));
        out.text("system",
                 authority_system(c, authority, type_code.empty() || !is_code_like(type_code) ? numbers_of(c) : tidy(type_code)));
    }
    out.text("value", value);
    out.set("period", period(c, as_date_time(c, p[7]), as_date_time(c, p[8])));
    add_assigner(c, out, authority, p[6]);
    if (const std::string_view digit = p[2].text(); !digit.empty())
        out.extend("http://hl7.org/fhir/StructureDefinition/identifier-checkDigit", "valueString", c.string(digit));
    if (const std::string_view scheme = p[3].text(); !scheme.empty())
        out.extend("urn:xinglin:hl7v2:CX-3", "valueString", c.string(scheme));
    if (p[9]) out.extend("urn:xinglin:hl7v2:CX-9", "valueCodeableConcept", as_concept(c, p[9]));
    if (p[10]) out.extend("urn:xinglin:hl7v2:CX-10", "valueCodeableConcept", as_concept(c, p[10]));
    return out.value();
}

json::Value as_entity(Conversion& c, Part p) {
    const std::string_view value = p[1].text();
    if (value.empty()) {
        return {};
    }
    const std::string_view name = p[2].text(), universal = p[3].text();
    Object out(c);
    std::string system = c.own_system(name.empty() ? std::string("order") : in_uri(tidy(name)));
    if (is_oid(universal)) system = "urn:oid:" + std::string(universal);
    else if (is_url(universal)) system = in_uri(universal);
    else if (!universal.empty()) {
        if (name.empty()) system = c.own_system(in_uri(tidy(universal)));
        else out.extend("urn:xinglin:hl7v2:EI-3", "valueString", c.string(universal));
    }
    if (const std::string_view kind = p[4].text(); !kind.empty() && kind != "ISO")
        out.extend("urn:xinglin:hl7v2:EI-4", "valueString", c.string(kind));
    out.text("system", system);
    out.text("value", value);
    if (!name.empty()) out.set("assigner", c.arena.object({{"display", c.string(name)}}));
    return out.value();
}

json::Value as_annotation(Conversion& c, Part p) {
    const json::Value text = as_markdown(c, p);
    return text ? c.arena.object({{"text", text}}) : json::Value{};
}

}  // namespace xinglin::hl7v2
