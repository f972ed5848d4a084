// SPDX-License-Identifier: Apache-2.0
// OBX: an observation; its value by its type, its place by what it belongs to.
#include <fmt/format.h>

#include "hl7v2/walk.h"
#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {

json::Value number_or_text(Conversion& c, Part p, Part unit, Object& out) {
    std::string_view text = p.text();
    std::string_view comparator;
    for (const std::string_view each : {"<=", ">=", "<", ">"}) {
        if (text.starts_with(each)) {
            comparator = each;
            text.remove_prefix(each.size());
            break;
        }
    }
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (const json::Value made = quantity(c, text, unit, comparator)) {
        out.set("valueQuantity", made);
        return made;
    }
    if (!p.text().empty()) {
        c.note(c.here(), "is called a number and is none; kept as text", "not-a-number");
        out.text("valueString", p.text());
    }
    return {};
}

/// SN: comparator, number, separator, number.
void structured(Conversion& c, Part p, Part unit, Object& out) {
    const std::string_view comparator = p[1].text(), separator = p[3].text();
    const std::string first = number_text(p[2].text()), second = number_text(p[4].text());
    const auto simple = [&](const std::string& digits) { return quantity(c, digits, unit); };
    if (!first.empty() && !second.empty() && separator == "-") {
        out.set("valueRange", c.arena.object({{"low", simple(first)}, {"high", simple(second)}}));
    } else if (!first.empty() && !second.empty() && (separator == ":" || separator == "/")) {
        out.set("valueRatio", c.arena.object({{"numerator", simple(first)}, {"denominator", simple(second)}}));
    } else if (!first.empty() && separator.empty()) {
        const bool known = comparator == "<" || comparator == "<=" || comparator == ">" || comparator == ">=";
        if (known || comparator.empty() || comparator == "=")
            out.set("valueQuantity", quantity(c, first, unit, known ? comparator : std::string_view{}));
        else out.text("valueString", fmt::format("{}{}", comparator, first));
    } else {
        out.text("valueString", fmt::format("{}{}{}{}", comparator, p[2].text(), separator, p[4].text()));
    }
}

void joined(Conversion& c, Field field, Object& out) {
    std::string words;
    for (const Part each : field.all()) {
        if (!words.empty()) words += '\n';
        words += each.text();
    }
    out.text("valueString", words);
    (void)c;
}

/// One repetition of OBX-5 as value[x] of an Observation or of a component.
void value_of(Conversion& c, std::string_view type, Part p, Part unit, Object& out) {
    if (type == "NM" || type == "SI") number_or_text(c, p, unit, out);
    else if (type == "SN") structured(c, p, unit, out);
    else if (type == "CE" || type == "CWE" || type == "CNE" || type == "CF" || type == "IS" || type == "ID" || type == "CX")
        out.set("valueCodeableConcept", as_concept(c, p));
    else if (type == "DT" || type == "TS" || type == "DTM") {
        const json::Value when = as_date_time(c, p);
        if (when) out.set("valueDateTime", when);
        else out.text("valueString", p.text());
    } else if (type == "TM") {
        const json::Value when = as_time(c, p);
        if (when) out.set("valueTime", when);
        else out.text("valueString", p.text());
    } else if (type == "DR") out.set("valuePeriod", as_period(c, p));
    else if (type == "CQ") out.set("valueQuantity", as_quantity(c, p));
    else if (type == "XAD" || type == "XPN" || type == "XTN" || type == "XCN" || type == "EI" || type == "HD" || type == "XON") {
        std::string words;
        for (int i = 1; i < 30; ++i) {
            if (const std::string_view word = p[i].text(); !word.empty()) words += (words.empty() ? "" : " ") + std::string(word);
        }
        out.text("valueString", words);
    } else if (type == "CP" || type == "MO") {
        const std::string number = number_text(p[1][1].text());
        std::string_view currency = p[1][2].text();
        if (currency.empty()) currency = p[2].text();
        if (!number.empty())
            out.set("valueQuantity", c.arena.object({{"value", c.arena.number(number)}, {"unit", c.string(currency)}}));
        else out.text("valueString", p.text());
    } else out.text("valueString", p.text());
}

/// "3.5-5.5", "<10", ">=1.2": both the words and the bounds.
json::Value reference_range(Conversion& c, std::string_view words, Part unit) {
    Object out(c);
    out.text("text", words);
    std::string_view text = words;
    const auto strip = [](std::string_view each) {
        while (!each.empty() && (each.front() == ' ' || each.front() == '(' || each.front() == '[')) each.remove_prefix(1);
        while (!each.empty() && (each.back() == ' ' || each.back() == ')' || each.back() == ']')) each.remove_suffix(1);
        return each;
    };
    text = strip(text);
    const auto bound = [&](std::string_view digits) { return quantity(c, strip(digits), unit); };
    if (text.starts_with("<") || text.starts_with("≤"))
        out.set("high", bound(text.substr(text.starts_with("<=") ? 2 : text.starts_with("<") ? 1 : 3)));
    else if (text.starts_with(">") || text.starts_with("≥"))
        out.set("low", bound(text.substr(text.starts_with(">=") ? 2 : text.starts_with(">") ? 1 : 3)));
    else {
        for (const std::string_view separator : {"--", "～", "~", "—", "–", "-"}) {
            const std::size_t at = text.find(separator, 1);
            if (at == std::string_view::npos) continue;
            const json::Value low = bound(text.substr(0, at)), high = bound(text.substr(at + separator.size()));
            if (low && high) {
                out.set("low", low);
                out.set("high", high);
            }
            break;
        }
    }
    return out.value();
}

std::string_view content_type(std::string_view type, std::string_view subtype) {
    struct Kind {
        std::string_view word, mime;
    };
    constexpr Kind kinds[] = {{"PDF", "application/pdf"},
                              {"JPEG", "image/jpeg"},
                              {"JPG", "image/jpeg"},
                              {"PNG", "image/png"},
                              {"GIF", "image/gif"},
                              {"TIFF", "image/tiff"},
                              {"BMP", "image/bmp"},
                              {"DICOM", "application/dicom"},
                              {"HTML", "text/html"},
                              {"XML", "text/xml"},
                              {"X-HL7-CDA-LEVEL-ONE", "text/xml"},
                              {"RTF", "text/rtf"},
                              {"PLAIN", "text/plain"},
                              {"TEXT", "text/plain"},
                              {"TX", "text/plain"},
                              {"FT", "text/plain"},
                              {"OCTET-STREAM", "application/octet-stream"},
                              {"JOT", "image/jot"},
                              {"FAX", "image/g3fax"},
                              {"BASIC", "audio/basic"},
                              {"MSWORD", "application/msword"},
                              {"WORD", "application/msword"},
                              {"WAV", "audio/wav"},
                              {"MP4", "video/mp4"},
                              {"MPEG", "video/mpeg"},
                              {"AP", "application/octet-stream"},
                              {"SD", "application/octet-stream"}};
    for (const std::string_view said : {subtype, type}) {
        if (said.find('/') != std::string_view::npos) return said;
        for (const Kind& each : kinds) {
            if (text::lower_ascii(said) == text::lower_ascii(each.word)) return each.mime;
        }
    }
    return {};
}

}  // namespace

json::Value attachment_of(Conversion& c, std::string_view kind, Part p) {
    Object out(c);
    if (kind == "RP") {
        std::string url(p[1].text());
        if (url.empty()) return {};
        for (char& each : url) {
            if (static_cast<unsigned char>(each) <= 0x20) each = '+';
        }
        out.text("contentType", content_type(p[3].text(), p[4].text()));
        out.text("url", url);
        out.text("title", p[2].text());
        if (const std::string_view said = p[4].text(); !said.empty() && !out.has("contentType"))
            out.extend("urn:xinglin:hl7v2:RP-4", "valueString", c.string(said));
        return out.value();
    }
    const std::string_view encoding = p[4].text(), data = p[5].text();
    out.text("contentType", content_type(p[2].text(), p[3].text()));
    const std::string way = text::lower_ascii(encoding);
    if (!data.empty()) {
        if (way == "base64") {
            if (text::base64_decode(data)) {
                std::string plain(data);
                std::erase_if(plain, [](char each) { return static_cast<unsigned char>(each) <= 0x20; });
                out.text("data", plain);
            } else {
                c.note(c.here(), "is called Base64 and is not; its data is left out", "damaged-data");
                out.text("title", "damaged data");
            }
        } else if (way == "hex") {
            std::string bytes;
            for (std::size_t i = 0; i + 1 < data.size(); i += 2) {
                const auto digit = [](char x) {
                    return x >= '0' && x <= '9'   ? x - '0'
                           : x >= 'A' && x <= 'F' ? x - 'A' + 10
                           : x >= 'a' && x <= 'f' ? x - 'a' + 10
                                                  : 0;
                };
                bytes += static_cast<char>(digit(data[i]) * 16 + digit(data[i + 1]));
            }
            out.text("data", text::base64(bytes));
        } else {
            out.text("data", text::base64(data));
            if (!out.has("contentType")) out.text("contentType", "text/plain");
        }
    }
    if (const std::string_view source = p[1].text(); !source.empty())
        out.extend("urn:xinglin:hl7v2:ED-1", "valueString", c.string(source));
    if (out.has("data") && !out.has("contentType")) out.text("contentType", "application/octet-stream");
    return out.value();
}

namespace {

bool is_report_form(json::Value attachment) {
    const std::string_view kind = attachment["contentType"].string();
    return kind == "application/pdf" || kind.starts_with("text/") || kind == "application/msword";
}

/// ED and RP: a report's own form, or a document that the observation points to.
void attach(Walk& w, Seg obx, std::string_view type, Thing& observation, const std::string& key) {
    Conversion& c = w.c;
    int number = 0;
    for (const Part each : obx[5].all()) {
        const json::Value attachment = attachment_of(c, type, each);
        if (!attachment) continue;
        if (w.report && is_report_form(attachment)) {
            w.report->add("presentedForm", attachment);
            continue;
        }
        Thing& document = c.thing("DocumentReference", fmt::format("{}^{}", key, ++number));
        document.text("status", "current");
        if (obx.has(3)) document.set("type", as_concept(c, obx[3].first()));
        document.set("subject", w.subject());
        if (w.encounter) document.set("context", c.arena.object({{"encounter", c.arena.array({w.encounter->reference()})}}));
        document.add("content", c.arena.object({{"attachment", attachment}}));
        observation.add("derivedFrom", document.reference());
    }
}

void value(Walk& w, Seg obx, Thing& out, const std::string& key) {
    Conversion& c = w.c;
    c.at_field = 5;
    std::string_view type = obx[2].text();
    const std::vector<Part> all = obx[5].all();
    if (all.empty()) return;
    if (type == "ED" || type == "RP") return attach(w, obx, type, out, key);
    c.at_field = 6;
    const Part unit = obx[6].first();
    c.at_field = 5;
    if (type.empty()) type = all.front()[2].empty() ? "ST" : "CE";
    if (type == "TX" || type == "FT" || type == "ST" || all.size() == 1) {
        if (all.size() > 1) return joined(c, obx[5], out);
        return value_of(c, type, all.front(), unit, out);
    }
    // Several values of one observation: its components (obs-7 wants a code beside none of their own).
    for (const Part each : all) {
        Object component(c);
        if (obx.has(3)) component.set("code", as_concept(c, obx[3].first()));
        value_of(c, type, each, unit, component);
        if (component.has("code")) out.add("component", component.value());
    }
}

void performers(Walk& w, Seg obx, Thing& out) {
    Conversion& c = w.c;
    c.at_field = 16;
    for (const Part each : obx[16].all()) out.add("performer", as_practitioner(c, each));
    c.at_field = 15;
    if (const Part producer = obx[15].first()) {
        const std::string_view id = producer[1].text(), name = producer[2].text();
        const std::string_view shown = name.empty() ? id : name;
        if (!shown.empty()) {
            Thing& organization = c.thing("Organization", id.empty() ? fmt::format("name^{}", name) : fmt::format("{}^", id));
            organization.is_lesser = true;
            organization.text("name", shown);
            if (!id.empty())
                organization.add(
                    "identifier",
                    identifier(c, producer[3].text().empty() ? c.own_system("organization") : system_of(c, producer[3].text()),
                               id));
            out.add("performer", organization.reference(shown));
        }
    }
    c.at_field = 23;
    if (Thing* const organization = obx.has(23) ? organization_of(c, obx[23].first()) : nullptr) {
        c.at_field = 24;
        for (const Part each : obx[24].all()) organization->add("address", as_address(c, each));
        out.add("performer", organization->reference(organization->get("name").string()));
    }
    c.at_field = 25;
    for (const Part each : obx[25].all()) {
        if (const json::Value who = as_practitioner(c, each)) out.extend("urn:xinglin:hl7v2:OBX-25", "valueReference", who);
    }
}

void devices(Walk& w, Seg obx, Thing& out) {
    Conversion& c = w.c;
    c.at_field = 18;
    for (const Part each : obx[18].all()) {
        const std::string_view value = each[1].text(), name = each[2].text();
        const std::string_view shown = value.empty() ? name : value;
        if (shown.empty()) {
            if (const std::string_view universal = each[3].text(); !universal.empty())
                out.extend("urn:xinglin:hl7v2:OBX-18", "valueString", c.string(universal));
            continue;
        }
        Thing& device = c.thing("Device", fmt::format("{}^{}", value, name));
        device.is_lesser = true;
        device.add("identifier", value.empty() ? identifier(c, c.own_system("device"), name) : as_entity(c, each));
        out.set("device", device.reference(shown));
    }
}

std::string observation_key(Walk& w, Seg obx) {
    const Part code = obx[3].first();
    std::string_view word = code[1].text();
    if (word.empty()) word = code[4].text();
    if (word.empty()) word = code[2].text();
    const std::string_view sub = obx[4].text();
    std::string owner = w.report                   ? "report^" + w.report_key
                        : w.order                  ? "order^" + w.order->id
                        : !w.encounter_key.empty() ? w.patient_key + "|" + w.encounter_key
                                                   : w.patient_key;
    if (!w.report && !w.order)
        owner += fmt::format("^{}", obx[14].text().empty() ? std::string(w.c.facts.sent_at) : std::string(obx[14].text()));
    return w.once(fmt::format("{}|{}|{}", owner, word, sub));
}

}  // namespace

void on_result(Walk& w, Seg obx) {
    Conversion& c = w.c;
    c.at_segment = obx.segment();
    if (w.document && !w.report && result_into_document(w, obx)) return;
    if (w.immunization && result_into_immunization(w, obx)) return;
    const std::string key = observation_key(w, obx);
    Thing& out = c.thing("Observation", key);
    w.last = &out;
    c.anchor(obx, out);
    pass_over(obx, {1, 2});
    w.place(out);
    c.at_field = 11;
    const std::string_view said = obx[11].text();
    const std::string_view status = said.empty() ? std::string_view{} : code_by(c, said, "0085", obx.place(11));
    out.text("status", !status.empty() ? status : w.is_result() ? "unknown" : "final");
    if (w.is_result() && w.report)
        out.add("category", c.concept_of("http://terminology.hl7.org/CodeSystem/observation-category",
                                         w.is_imaging() ? "imaging" : "laboratory"));
    c.at_field = 3;
    out.set("code", obx.has(3) ? as_concept(c, obx[3].first()) : json::Value{});
    if (!out.has("code")) {
        out.set("code", c.arena.object({{"text", c.arena.string("not said")}}));
        c.note(obx.place(3), "does not say what was observed", "missing-code");
    }
    value(w, obx, out, key);
    c.at_field = 7;
    if (const std::string_view words = obx[7].text(); !words.empty())
        out.add("referenceRange", reference_range(c, words, obx[6].first()));
    constexpr Line lines[] = {{8, "interpretation", [](Conversion& each, Part p) { return concept_by(each, p, "0078"); }},
                              {14, "effectiveDateTime", as_date_time, false},
                              {17, "method", as_concept, false},
                              {20, "bodySite", as_concept, false},
                              {21, "identifier", as_entity},
                              {19, "valueDateTime", as_date_time, false, "urn:xinglin:hl7v2:OBX-19"}};
    c.carry(obx, out, lines);
    c.at_field = 4;
    if (const std::string_view sub = obx[4].text(); !sub.empty())
        out.extend("urn:xinglin:hl7v2:OBX-4", "valueString", c.string(sub));
    if (w.report && w.report->has("effectiveDateTime")) out.set("effectiveDateTime", w.report->get("effectiveDateTime"));
    performers(w, obx, out);
    devices(w, obx, out);
    if (w.specimen && (w.is_result() || w.type == "OML")) out.set("specimen", w.specimen->reference());
    // obs-6: a value, or the reason why there is none.
    const bool has_value = out.has_value() || out.has("component") || out.has("derivedFrom");
    if (!has_value) {
        const json::Value forms = w.report ? w.report->get("presentedForm") : json::Value{};
        if (!forms)
            out.set("dataAbsentReason",
                    c.concept_of("http://terminology.hl7.org/CodeSystem/data-absent-reason", said == "X" ? "error" : "unknown"));
    }
    if (w.report) w.report->add("result", out.reference());
    else if (w.order) {
        if (w.type == "OML" || w.type == "ORM" || w.type == "OMG" || w.type == "REF")
            w.order->add("supportingInfo", out.reference());
        else out.add("basedOn", w.order->reference());
    }
    if (w.immunization) out.add("partOf", w.immunization->reference());
}

}  // namespace xinglin::hl7v2
