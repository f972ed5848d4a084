// SPDX-License-Identifier: Apache-2.0
// Orders and reports: ORC, OBR, TQ1, SPM, NTE, RF1, PRD.
#include <fmt/format.h>

#include "hl7v2/walk.h"
#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {

std::string entity_key(Field field) { return key_of(field.first()[1], field.first()[2]); }

/// The state of an order: ORC-5 when it is said, else what ORC-1 does.
std::string_view order_status(Walk& w, Seg orc) {
    if (!orc) return "active";
    Conversion& c = w.c;
    const std::string_view control = orc[1].text(), said = orc[5].text();
    if (control == "CA" || control == "OC" || control == "CR" || control == "DC" || control == "DR" || control == "OD")
        return "revoked";
    c.at_segment = orc.segment();
    c.at_field = 5;
    if (!said.empty()) {
        if (const std::string_view status = code_by(c, said, "0038", orc.place(5)); !status.empty()) return status;
    }
    return control == "HD" || control == "HR" || control == "OH" ? "on-hold" : "active";
}

/// What ORC says of an order, whichever resource that is.
void common_order(Walk& w, Seg orc, Thing& out) {
    if (!orc) return;
    Conversion& c = w.c;
    c.anchor(orc, out);
    pass_over(orc, {1});
    c.at_segment = orc.segment();
    for (const auto& [field, type] : {std::pair<std::uint32_t, const char*>{2, "PLAC"}, {3, "FILL"}}) {
        c.at_field = field;
        if (!orc.has(field)) continue;
        const json::Value made = as_entity(c, orc[field].first());
        if (!made) continue;
        out.add("identifier",
                c.arena.with_after(made, "", "type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", type)));
    }
}

void request_from_orc(Walk& w, Seg orc, Thing& out) {
    Conversion& c = w.c;
    common_order(w, orc, out);
    if (!orc) return;
    c.at_field = 4;
    const json::Value group = orc.has(4) ? as_entity(c, orc[4].first()) : json::Value{};
    if (out.type == "MedicationRequest") out.set("groupIdentifier", group);
    else out.set("requisition", group);
    constexpr Line lines[] = {
        {9, "authoredOn", as_date_time, false}, {12, "requester", as_practitioner, false}, {16, "reasonCode", as_concept}};
    c.carry(orc, out, lines);
    c.at_field = 15;
    if (const json::Value when = orc.has(15) ? as_date_time(c, orc[15].first()) : json::Value{};
        when && out.type == "ServiceRequest")
        out.set("occurrenceDateTime", when);
    c.at_field = 8;
    if (orc.has(8)) {  // EIP: placer & filler
        const Part parent = orc[8].first();
        for (const int which : {1, 2}) {
            const std::string_view value = parent[which][1].text();
            if (!value.empty())
                out.add("basedOn",
                        c.arena.object({{"identifier", identifier(c, c.own_system(which == 1 ? "placer" : "filler"), value)}}));
        }
    }
    // Who ordered, where: ORC-21 to 23 are one organization.
    c.at_field = 21;
    if (Thing* const facility = orc.has(21) ? organization_of(c, orc[21].first()) : nullptr) {
        c.at_field = 22;
        for (const Part each : orc[22].all()) facility->add("address", as_address(c, each));
        c.at_field = 23;
        add_telecoms(c, *facility, orc[23], "work");
        out.extend("urn:xinglin:hl7v2:ORC-21", "valueReference", facility->reference(facility->get("name").string()));
    }
    for (const auto& [field, name] :
         {std::pair<std::uint32_t, const char*>{10, "urn:xinglin:hl7v2:ORC-10"}, {11, "urn:xinglin:hl7v2:ORC-11"}}) {
        c.at_field = field;
        for (const Part each : orc[field].all()) out.extend(name, "valueReference", as_practitioner(c, each));
    }
    c.at_field = 17;
    if (orc.has(17)) out.extend("urn:xinglin:hl7v2:ORC-17", "valueCodeableConcept", as_concept(c, orc[17].first()));
}

/// True when this ORC speaks of an order that follows: an OBR or RX segment before the next ORC.
bool has_detail_ahead(const Walk& w) {
    const auto& segments = w.c.message.segments;
    for (std::size_t i = w.at + 1; i < segments.size(); ++i) {
        const std::string_view name = segments[i].name;
        if (name == "OBR" || name == "RXO" || name == "RXE" || name == "RXA" || name == "RXD" || name == "RXG" || name == "RQD" ||
            name == "ODS")
            return true;
        if (name == "ORC" || name == "PID" || name == "SPM") return false;
    }
    return false;
}

std::string code_word(Field field) {
    const Part p = field.first();
    const std::string_view code = p[1].text();
    return std::string(!code.empty() ? code : p[2].text());
}

/// The key of an order: the placer's number, else the filler's, else its place in this message.
std::string order_key(Walk& w, Seg orc, Seg obr, bool filler_first) {
    std::string placer = obr ? entity_key(obr[2]) : std::string{};
    if (placer.empty() && orc) placer = entity_key(orc[2]);
    std::string filler = obr ? entity_key(obr[3]) : std::string{};
    if (filler.empty() && orc) filler = entity_key(orc[3]);
    const std::string& best = filler_first ? (filler.empty() ? placer : filler) : (placer.empty() ? filler : placer);
    if (!best.empty()) return best;
    if (orc) {
        if (std::string group = entity_key(orc[4]); !group.empty())
            return w.once(fmt::format("group^{}^{}", group, obr ? code_word(obr[4]) : std::string{}));
    }
    return w.once(fmt::format("control^{}^{}^order", w.c.facts.control_id, w.c.facts.sent_at));
}

/// One number may stand for several services of an order.
std::string apart(Walk& w, std::string_view type, std::string key, const std::string& code) {
    if (!w.c.has_thing(type, key)) return key;
    const json::Value before = w.c.thing(type, key).get("code");
    if (!before || before["coding"][std::size_t{0}]["code"].string() == code || code.empty()) return key;
    return fmt::format("{}^{}", key, code);
}

Thing& service_request(Walk& w, Seg orc, Seg obr) {
    Conversion& c = w.c;
    const std::string code = obr ? code_word(obr[4]) : std::string{};
    const std::string key = apart(w, "ServiceRequest", order_key(w, orc, obr, false), code);
    Thing& out = c.thing("ServiceRequest", key);
    out.is_lesser = w.is_result();
    out.put("status", c.string(order_status(w, orc)));
    out.text("intent", "order");
    w.place(out);
    if (!w.patient) out.set("subject", c.arena.object({{"display", c.arena.string("not said")}}));
    request_from_orc(w, orc, out);
    w.order = &out;
    return out;
}

void request_from_obr(Walk& w, Seg obr, Thing& out) {
    Conversion& c = w.c;
    for (const auto& [field, type] : {std::pair<std::uint32_t, const char*>{2, "PLAC"}, {3, "FILL"}}) {
        c.at_field = field;
        const json::Value made = obr.has(field) ? as_entity(c, obr[field].first()) : json::Value{};
        if (made)
            out.add("identifier",
                    c.arena.with_after(made, "", "type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", type)));
    }
    constexpr Line lines[] = {{4, "code", as_concept, false},
                              {16, "requester", as_practitioner, false},
                              {31, "reasonCode", as_concept},
                              {46, "orderDetail", as_concept},
                              {47, "orderDetail", as_concept}};
    c.carry(obr, out, lines);
    c.at_field = 6;
    if (const json::Value wanted = obr.has(6) ? as_date_time(c, obr[6].first()) : json::Value{}) {
        if (out.has("occurrenceDateTime")) out.extend("urn:xinglin:hl7v2:OBR-6", "valueDateTime", wanted);
        else out.set("occurrenceDateTime", wanted);
    }
    c.at_field = 5;
    if (const std::string_view code = obr[5].text(); !code.empty()) {
        if (const std::string_view priority = code_by(c, code, "0485", obr.place(5)); !priority.empty())
            out.text("priority", priority);
    }
    c.at_field = 13;
    if (const json::Value information = obr.has(13) ? as_string(c, obr[13].first()) : json::Value{})
        out.add("note", c.arena.object({{"text", information}}));
    c.at_field = 27;
    if (const Part timing = obr[27].first()) {  // TQ of 2.3: quantity^interval^duration^start^end^priority
        if (const json::Value start = as_date_time(c, timing[4])) {
            if (out.has("occurrenceDateTime")) out.extend("urn:xinglin:hl7v2:OBR-27", "valueDateTime", start);
            else out.set("occurrenceDateTime", start);
        }
        if (const std::string_view code = timing[6].text(); !code.empty()) {
            if (const std::string_view priority = code_by(c, code, "0485", obr.place(27)); !priority.empty())
                out.text("priority", priority);
        }
        if (const std::string number = number_text(timing[1][1].text()); !number.empty())
            out.set("quantityQuantity", c.arena.object({{"value", c.arena.number(number)}}));
    }
}

/// NDL: a name, times and a place in one field.
void interpreters(Walk& w, Seg obr, std::uint32_t field, Thing& out) {
    Conversion& c = w.c;
    c.at_field = field;
    for (const Part each : obr[field].all()) {
        const Part person = each[1];  // CNN: id & family & given & …
        const std::string_view id = person[1].text(), family = person[2].text(), given = person[3].text(),
                               second = person[4].text();
        if (!id.empty() || !family.empty()) {
            Thing& who = c.thing("Practitioner", id.empty() ? fmt::format("name^{}{}", family, given) : fmt::format("{}^", id));
            who.is_lesser = true;
            if (!id.empty()) who.add("identifier", identifier(c, c.own_system("staff"), id));
            Object name(c);
            std::string whole;
            const bool chinese = text::has_han(family);
            for (const std::string_view part : {chinese ? family : given, second, chinese ? given : family}) {
                if (part.empty()) continue;
                if (!whole.empty() && !chinese) whole += ' ';
                whole += part;
            }
            name.text("text", whole.empty() ? std::string(id) : whole);
            name.text("family", family);
            for (const std::string_view part : {given, second}) {
                if (!part.empty()) name.add("given", c.string(part));
            }
            if (const std::string_view suffix = person[5].text(); !suffix.empty()) name.add("suffix", c.string(suffix));
            if (const std::string_view prefix = person[6].text(); !prefix.empty()) name.add("prefix", c.string(prefix));
            if (const std::string_view degree = person[7].text(); !degree.empty()) name.add("suffix", c.string(degree));
            who.add("name", name.value());
            const json::Value reference = who.reference(whole);
            if (out.type != "DiagnosticReport")
                out.extend(fmt::format("urn:xinglin:hl7v2:OBR-{}", field), "valueReference", reference);
            else out.add(field == 32 || field == 33 ? "resultsInterpreter" : "performer", reference);
        }
        // 4 point of care, 5 room, 6 bed, 7 facility, 10 building, 11 floor.
        std::string path;
        for (const int level : {7, 10, 11, 4, 5, 6}) {
            if (const std::string_view name = each[level][1].text(); !name.empty())
                path += (path.empty() ? "" : " / ") + std::string(name);
        }
        if (!path.empty()) {
            Thing& place = c.thing("Location", fmt::format("reader={}", path));
            place.is_lesser = true;
            place.text("name", path);
            out.extend(fmt::format("urn:xinglin:hl7v2:OBR-{}", field), "valueReference", place.reference(path));
        }
    }
}

void diagnostic_report(Walk& w, Seg orc, Seg obr) {
    Conversion& c = w.c;
    const std::string code = code_word(obr[4]);
    const std::string key = apart(w, "DiagnosticReport", order_key(w, orc, obr, true), code);
    Thing& out = c.thing("DiagnosticReport", key);
    w.report = &out;
    w.report_key = key;
    w.place(out);
    for (const auto& [field, type] : {std::pair<std::uint32_t, const char*>{2, "PLAC"}, {3, "FILL"}, {51, "FILL"}}) {
        c.at_field = field;
        const json::Value made = obr.has(field) ? as_entity(c, obr[field].first()) : json::Value{};
        if (made)
            out.add("identifier",
                    c.arena.with_after(made, "", "type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", type)));
    }
    if (w.order) out.add("basedOn", w.order->reference());
    c.at_field = 25;
    const std::string_view said = obr[25].text();
    const std::string_view status = said.empty() ? std::string_view{} : code_by(c, said, "0123", obr.place(25));
    out.put("status", c.string(status.empty() ? "unknown" : status));
    c.at_field = 24;
    if (const std::string_view section = obr[24].text(); !section.empty())
        out.add("category", concept_by(c, obr[24].first(), "0074"));
    else if (w.is_result())
        out.add("category", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB", "Laboratory"));
    constexpr Line lines[] = {{4, "code", as_concept, false}, {22, "issued", as_instant, false}};
    c.carry(obr, out, lines);
    if (!out.has("code")) out.set("code", c.arena.object({{"text", c.arena.string("not said")}}));
    c.at_field = 7;
    const json::Value start = obr.has(7) ? as_date_time(c, obr[7].first()) : json::Value{};
    c.at_field = 8;
    const json::Value end = obr.has(8) ? as_date_time(c, obr[8].first()) : json::Value{};
    if (start && end && start.string() != end.string()) out.set("effectivePeriod", period(c, start, end));
    else out.set("effectiveDateTime", start ? start : end);
    for (const std::uint32_t field : {32u, 33u, 34u, 35u}) interpreters(w, obr, field, out);
    if (const json::Value home = w.home(); home && !out.has("performer")) out.add("performer", home);
    if (w.specimen && w.type == "OUL") out.add("specimen", w.specimen->reference());
}

/// OBR-15 of 2.3 to 2.5: what was taken, from where.
void specimen_source(Walk& w, Seg obr) {
    Conversion& c = w.c;
    const Part source = obr[15].first();
    if (!source) return;
    c.at_field = 15;
    Thing& out = c.thing("Specimen", fmt::format("order^{}", w.report ? w.report->id : w.order->id));
    out.set("subject", w.subject());
    const Part kind = source[1];  // a coded text in subcomponents
    Object coding(c);
    const std::string_view code = kind[1].text(), words = kind[2].text();
    if (!code.empty())
        out.set("type", c.concept_of(kind[3].text().empty() ? std::string("http://terminology.hl7.org/CodeSystem/v2-0070")
                                                            : system_of(c, kind[3].text()),
                                     code, words, words));
    else if (!words.empty()) out.set("type", c.arena.object({{"text", c.string(words)}}));
    Object collection(c);
    if (const std::string_view method = source[3].text(); !method.empty())
        collection.set("method", c.arena.object({{"text", c.string(method)}}));
    const Part site = source[4];
    if (const std::string_view place = site[1].text(); !place.empty())
        collection.set("bodySite", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0163", place, site[2].text()));
    c.at_field = 7;
    collection.set("collectedDateTime", as_date_time(c, obr[7].first()));
    out.set("collection", collection.value());
    c.at_field = 14;
    if (obr.has(14)) out.set("receivedTime", as_date_time(c, obr[14].first()));
    if (w.report) w.report->add("specimen", out.reference());
    else if (w.order) w.order->add("specimen", out.reference());
}

}  // namespace

void on_order(Walk& w, Seg orc) {
    if (has_detail_ahead(w)) {
        w.end_order();
        w.orc = orc;
        return;
    }
    Thing* const open = w.order ? w.order : nullptr;
    if (open) {  // OUL: the ORC stands behind its OBR
        open->put("status", w.c.string(order_status(w, orc)));
        request_from_orc(w, orc, *open);
        return;
    }
    w.end_order();
    Thing& out = service_request(w, orc, {});
    w.last = &out;
}

void on_request(Walk& w, Seg obr) {
    Conversion& c = w.c;
    const Seg orc = w.orc;
    w.end_dosage();
    w.medication = w.immunization = nullptr;
    w.order = w.report = nullptr;
    if (w.type != "OUL") w.specimen = nullptr;
    c.at_segment = obr.segment();
    const bool has_order = orc || obr.has(2) || !w.is_result();
    if (has_order) {
        Thing& request = service_request(w, orc, obr);
        c.at_segment = obr.segment();
        request_from_obr(w, obr, request);
        if (!request.has("code")) request.set("code", c.arena.object({{"text", c.arena.string("not said")}}));
        w.last = &request;
    }
    c.at_segment = obr.segment();
    if (w.is_result()) {
        diagnostic_report(w, orc, obr);
        w.last = w.order ? w.order : w.report;
    } else if (obr.has(25) || obr.has(22) || obr.has(7)) {
        // An order that carries times and a state of its own: they are the order's here.
        constexpr Line lines[] = {{7, "valueDateTime", as_date_time, false, "urn:xinglin:hl7v2:OBR-7"},
                                  {8, "valueDateTime", as_date_time, false, "urn:xinglin:hl7v2:OBR-8"},
                                  {22, "valueDateTime", as_date_time, false, "urn:xinglin:hl7v2:OBR-22"},
                                  {25, "valueString", as_string, false, "urn:xinglin:hl7v2:OBR-25"}};
        c.carry(obr, *w.order, lines);
        for (const std::uint32_t field : {32u, 33u, 34u, 35u}) interpreters(w, obr, field, *w.order);
    }
    c.anchor(obr, w.report ? *w.report : *w.order);
    pass_over(obr, {1});
    specimen_source(w, obr);
    if (w.specimen && w.type == "OUL" && w.order) w.order->add("specimen", w.specimen->reference());
    if (orc && w.report && !w.order) c.anchor(orc, *w.report);
    w.orc = {};
    w.seen.clear();
    if (const Seg timing = w.pending_timing; timing && w.order) {
        w.pending_timing = {};
        on_timing(w, timing);
    }
}

}  // namespace xinglin::hl7v2
