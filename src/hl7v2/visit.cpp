// SPDX-License-Identifier: Apache-2.0
// The visit: PV1, PV2, ROL, PRT; what a trigger event does to its state.
#include <fmt/format.h>

#include "hl7v2/walk.h"

namespace xinglin::hl7v2 {

namespace {

struct EventState {
    std::string_view event, status;
};
/// What an ADT event says of the visit's state; "" leaves it to PV1.
constexpr EventState event_states[] = {
    {"A01", "in-progress"}, {"A02", "in-progress"}, {"A03", "finished"},         {"A04", "in-progress"}, {"A05", "planned"},
    {"A06", "in-progress"}, {"A07", "in-progress"}, {"A09", "in-progress"},      {"A10", "in-progress"}, {"A11", "cancelled"},
    {"A12", "in-progress"}, {"A13", "in-progress"}, {"A14", "planned"},          {"A15", "in-progress"}, {"A16", "in-progress"},
    {"A21", "onleave"},     {"A22", "in-progress"}, {"A23", "entered-in-error"}, {"A25", "in-progress"}, {"A26", "in-progress"},
    {"A27", "cancelled"},   {"A32", "in-progress"}, {"A33", "in-progress"},      {"A38", "cancelled"},   {"A52", "in-progress"},
    {"A53", "onleave"},
};

std::string_view visit_status(Walk& w, std::string_view patient_class, bool ended) {
    if (w.is_admission()) {
        for (const EventState& each : event_states) {
            if (each.event != w.event) continue;
            if (each.status != "in-progress") return each.status;
            // A cancelled discharge opens the visit again, whatever PV1-45 still says.
            return ended && w.event != "A13" ? "finished" : "in-progress";
        }
    }
    if (ended) return "finished";
    return patient_class == "P" ? "planned" : "in-progress";
}

json::Value admission_type(Conversion& c, Part p) { return concept_by(c, p, "0007"); }
json::Value hospital_service(Conversion& c, Part p) { return concept_by(c, p, "0069"); }
json::Value patient_type(Conversion& c, Part p) { return concept_by(c, p, "0018"); }
json::Value ambulatory(Conversion& c, Part p) { return concept_by(c, p, "0009"); }
json::Value courtesy(Conversion& c, Part p) { return concept_by(c, p, "0099"); }
json::Value courtesy_code(Conversion& c, Part p) { return concept_by(c, p, "0045"); }
json::Value diet(Conversion& c, Part p) { return concept_by(c, p, "0114"); }
json::Value discharge(Conversion& c, Part p) { return concept_by(c, p, "0112"); }
json::Value admit_source(Conversion& c, Part p) { return concept_by(c, p, "0023"); }
json::Value readmission(Conversion& c, Part p) { return concept_by(c, p, "0092"); }

void participants(Walk& w, Seg pv1) {
    Conversion& c = w.c;
    struct Who {
        std::uint32_t field;
        std::string_view code, display;
    };
    constexpr Who all[] = {{7, "ATND", "attender"},
                           {8, "REF", "referrer"},
                           {9, "CON", "consultant"},
                           {17, "ADM", "admitter"},
                           {52, "PART", "Participation"}};
    for (const Who& each : all) {
        c.at_field = each.field;
        for (const Part p : pv1[each.field].all()) {
            const json::Value who = as_practitioner(c, p);
            if (!who) continue;
            w.encounter->add(
                "participant",
                c.arena.object({{"type", c.arena.array({c.concept_of("http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                                                                     each.code, each.display)})},
                                {"individual", who}}));
        }
    }
}

void add_location(Walk& w, Seg seg, std::uint32_t field, std::string_view status) {
    w.c.at_segment = seg.segment();
    w.c.at_field = field;
    for (const Part p : seg[field].all()) {
        if (const json::Value where = as_location(w.c, p))
            w.encounter->add("location", w.c.arena.object({{"location", where}, {"status", w.c.string(status)}}));
    }
}

void hospitalization(Walk& w, Seg pv1) {
    Conversion& c = w.c;
    Object out(c);
    c.at_field = 5;
    for (const Part each : pv1[5].all()) out.set("preAdmissionIdentifier", as_identifier(c, each));
    constexpr Line lines[] = {{14, "admitSource", admit_source, false},
                              {13, "reAdmission", readmission, false},
                              {38, "dietPreference", diet},
                              {16, "specialCourtesy", courtesy},
                              {22, "specialCourtesy", courtesy_code},
                              {15, "specialArrangement", ambulatory},
                              {36, "dischargeDisposition", discharge, false}};
    c.carry(pv1, out, lines);
    c.at_field = 37;
    if (const Part to = pv1[37].first()) {  // DLD: location and date
        const std::string_view name = to[1].text();
        if (!name.empty()) {
            Thing& where = c.thing("Location", fmt::format("discharged-to={}", name));
            where.is_lesser = true;
            where.text("name", name);
            out.set("destination", where.reference(name));
        }
    }
    w.encounter->set("hospitalization", out.value());
}

std::string encounter_key(Walk& w, Seg pv1) {
    for (const std::uint32_t field : {19u, 50u}) {
        if (const std::string key = best_key(pv1[field]); !key.empty()) return key;
    }
    if (const Segment* const pid = w.c.message.find("PID")) {
        if (const std::string key = best_key(Seg(&w.c, pid)[18]); !key.empty()) return fmt::format("account^{}", key);
    }
    const std::string_view admitted = pv1[44].text();
    if (!admitted.empty()) return fmt::format("{}|{}|{}", w.patient_key, pv1[2][1].text(), admitted);
    w.c.note(pv1.place(19), "the visit has no number; it is known by this message alone", "no-number");
    return fmt::format("control^{}^{}", w.c.facts.control_id, w.c.facts.sent_at);
}

}  // namespace

void on_visit(Walk& w, Seg pv1) {
    Conversion& c = w.c;
    if (!w.patient) return;
    c.at_segment = pv1.segment();
    // A PV1 behind an order in OML is the visit of a prior result: the order keeps its own.
    w.encounter_key = encounter_key(w, pv1);
    Thing& visit = c.thing("Encounter", w.encounter_key);
    visit.is_lesser = !w.is_admission();
    w.encounter = w.last = &visit;
    c.anchor(pv1, visit);
    pass_over(pv1, {1});
    for (const std::uint32_t field : {19u, 50u}) {
        c.at_field = field;
        for (const Part each : pv1[field].all()) visit.add("identifier", as_identifier(c, each));
    }
    c.at_field = 2;
    const Part said = pv1[2].first();
    const std::string_view said_class = said[1].text();
    const Tables::Target* target = c.is_chinese ? c.tables.target("0004CN", said_class) : nullptr;
    if (!target) target = c.tables.target("0004", said_class);
    if (target) visit.put("class", c.coding(target->system, target->code, target->display));
    else if (!said_class.empty())
        visit.put("class", c.coding("http://terminology.hl7.org/CodeSystem/v2-0004", said_class, said[2].text()));
    else visit.put("class", c.coding("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "UNK", "unknown"));
    c.at_field = 45;
    const json::Value end = w.event == "A13" && w.is_admission() ? json::Value{} : as_date_time(c, pv1[45].first());
    if (w.event == "A13") pass_over(pv1, {45});
    visit.put("status", c.string(visit_status(w, target ? target->code == "PRENC" ? "P" : said_class : said_class,
                                              static_cast<bool>(end))));
    visit.put("subject", w.subject());
    c.at_field = 44;
    visit.set("period", period(c, as_date_time(c, pv1[44].first()), end));
    constexpr Line lines[] = {
        {4, "type", admission_type}, {18, "type", patient_type}, {10, "serviceType", hospital_service, false}};
    c.carry(pv1, visit, lines);
    for (const auto& [field, status] :
         {std::pair<std::uint32_t, const char*>{3, ""}, {11, "active"}, {6, "completed"}, {43, "completed"}, {42, "planned"}}) {
        const bool planned = visit.get("status").string() == "planned";
        const bool over = visit.get("status").string() == "finished";
        add_location(w, pv1, field, field == 3 ? (planned ? "planned" : over ? "completed" : "active") : status);
    }
    participants(w, pv1);
    hospitalization(w, pv1);
    c.at_field = 39;
    if (const std::string_view facility = pv1[39][1].text(); !facility.empty()) {
        Thing& serving = c.thing("Organization", fmt::format("name^{}", facility));
        serving.is_lesser = true;
        serving.text("name", facility);
        visit.set("serviceProvider", serving.reference(facility));
    }
    visit.set("serviceProvider", w.home());
    c.at_field = 54;
    if (const json::Value episode = pv1.has(54) ? as_identifier(c, pv1[54].first()) : json::Value{})
        visit.add("episodeOfCare", c.arena.object({{"identifier", episode}}));
}

void on_more_visit(Walk& w, Seg pv2) {
    Conversion& c = w.c;
    if (!w.encounter) return;
    c.anchor(pv2, *w.encounter);
    add_location(w, pv2, 1, "planned");
    constexpr Line lines[] = {
        {3, "reasonCode", as_concept},
        {25, "priority", [](Conversion& each, Part p) { return concept_by(each, p, "0217"); }, false},
        {38, "valueCodeableConcept", [](Conversion& each, Part p) { return concept_by(each, p, "0430"); }, false,
         "urn:xinglin:hl7v2:PV2-38"},
        {8, "valueDateTime", as_date_time, false, "urn:xinglin:hl7v2:PV2-8"},
        {9, "valueDateTime", as_date_time, false, "urn:xinglin:hl7v2:PV2-9"},
        {12, "valueString", as_string, false, "urn:xinglin:hl7v2:PV2-12"},
        {40, "valueCodeableConcept", as_concept, false, "urn:xinglin:hl7v2:PV2-40"},
    };
    c.carry(pv2, *w.encounter, lines);
    c.at_field = 11;
    if (const std::string days = number_text(pv2[11].text()); !days.empty())
        w.encounter->set("length", c.arena.object({{"value", c.arena.number(days)},
                                                   {"unit", c.arena.string("d")},
                                                   {"system", c.arena.string("http://unitsofmeasure.org")},
                                                   {"code", c.arena.string("d")}}));
    c.at_field = 13;
    for (const Part each : pv2[13].all()) {
        if (const json::Value who = as_practitioner(c, each))
            w.encounter->add(
                "participant",
                c.arena.object({{"type", c.arena.array({c.concept_of("http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                                                                     "REF", "referrer")})},
                                {"individual", who}}));
    }
}

// ---- Roles and participations -----------------------------------------------------------------------------------------------

namespace {

struct Taker {
    std::string_view type, key;
    bool inside;  // an object with the reference as `actor` or `individual`
};
/// Where a resource names people.
constexpr Taker takers[] = {
    {"Encounter", "participant", true},
    {"Observation", "performer", false},
    {"ServiceRequest", "performer", false},
    {"DiagnosticReport", "performer", false},
    {"Procedure", "performer", true},
    {"Immunization", "performer", true},
    {"MedicationAdministration", "performer", true},
    {"MedicationDispense", "performer", true},
    {"ChargeItem", "performer", true},
    {"DocumentReference", "author", false},
    {"Patient", "generalPractitioner", false},
};

void name_in(Walk& w, Thing& thing, json::Value who, json::Value function, json::Value when) {
    Conversion& c = w.c;
    for (const Taker& each : takers) {
        if (each.type != thing.type) continue;
        if (!each.inside) thing.add(each.key, who);
        else if (thing.type == "Encounter")
            thing.add(each.key, c.arena.object({{"type", function ? c.arena.array({function}) : json::Value{}},
                                                {"period", when},
                                                {"individual", who}}));
        else thing.add(each.key, c.arena.object({{"function", function}, {"actor", who}}));
        return;
    }
    thing.extend("urn:xinglin:hl7v2:participant", "valueReference", who);
}

}  // namespace

void on_role(Walk& w, Seg rol) {
    Conversion& c = w.c;
    Thing* const thing = w.last ? w.last : w.patient;
    if (!thing) return;
    c.anchor(rol, *thing);
    pass_over(rol, {2});
    c.at_field = 3;
    const json::Value function = rol.has(3) ? concept_by(c, rol[3].first(), "0443") : json::Value{};
    c.at_field = 5;
    const json::Value start = rol.has(5) ? as_date_time(c, rol[5].first()) : json::Value{};
    const json::Value when = period(c, start, rol.has(6) ? as_date_time(c, rol[6].first()) : json::Value{});
    c.at_field = 4;
    for (const Part each : rol[4].all()) {
        Thing* const who = practitioner_of(c, each);
        if (!who) continue;
        const json::Value name = who->get("name");
        name_in(w, *thing, who->reference(name ? name["text"].string() : std::string_view{}), function, when);
        // What else ROL says of the person in this role.
        Thing& role = c.thing("PractitionerRole", fmt::format("{}|{}|{}", who->id, thing->id, rol[3][1].text()));
        role.is_lesser = true;
        role.set("practitioner", who->reference());
        role.add("code", function);
        role.set("period", when);
        constexpr Line lines[] = {
            {9, "specialty", as_concept}, {14, "organization", as_organization, false}, {13, "location", as_location}};
        c.carry(rol, role, lines);
        c.at_field = 12;
        add_telecoms(c, role, rol[12]);
        c.at_field = 11;
        for (const Part address : rol[11].all()) who->add("address", as_address(c, address));
        c.at_field = 10;
        if (rol.has(10)) role.add("code", concept_by(c, rol[10].first(), "0406"));
    }
}

void on_participation(Walk& w, Seg prt) {
    Conversion& c = w.c;
    Thing* const thing = w.last ? w.last : w.patient;
    if (!thing) return;
    c.anchor(prt, *thing);
    pass_over(prt, {1, 2});
    c.at_segment = prt.segment();
    c.at_field = 4;
    const json::Value function = prt.has(4) ? concept_by(c, prt[4].first(), "0912") : json::Value{};
    c.at_field = 11;
    const json::Value start = prt.has(11) ? as_date_time(c, prt[11].first()) : json::Value{};
    const json::Value when = period(c, start, prt.has(12) ? as_date_time(c, prt[12].first()) : json::Value{});
    c.at_field = 5;
    for (const Part each : prt[5].all()) {
        Thing* const who = practitioner_of(c, each);
        if (!who) continue;
        for (const Part address : prt[14].all()) who->add("address", as_address(c, address));
        add_telecoms(c, *who, prt[15]);
        const json::Value name = who->get("name");
        name_in(w, *thing, who->reference(name ? name["text"].string() : std::string_view{}), function, when);
    }
    const bool in_period = thing->type == "Encounter" && prt.has(5);
    if (!in_period) {
        thing->extend("urn:xinglin:hl7v2:PRT-4", "valueCodeableConcept", function);
        thing->extend("urn:xinglin:hl7v2:PRT-11", "valuePeriod", when);
    }
    c.at_field = 8;
    for (const Part each : prt[8].all()) {
        Thing* const which = organization_of(c, each);
        if (!which) continue;
        const json::Value reference = which->reference(which->get("name").string());
        if (thing->type == "Encounter") thing->extend("urn:xinglin:hl7v2:participant", "valueReference", reference);
        else name_in(w, *thing, reference, function, when);
    }
    c.at_field = 9;
    for (const Part each : prt[9].all()) {
        const json::Value where = as_location(c, each);
        if (!where) continue;
        if (thing->type == "Encounter") thing->add("location", c.arena.object({{"location", where}}));
        else if (thing->type == "ServiceRequest") thing->add("locationReference", where);
        else if (thing->type == "Procedure" || thing->type == "Immunization") thing->set("location", where);
        else thing->extend("urn:xinglin:hl7v2:PRT-9", "valueReference", where);
    }
}

}  // namespace xinglin::hl7v2
