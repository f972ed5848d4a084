// SPDX-License-Identifier: Apache-2.0
// Medicines and vaccines: RXO, RXE, RXR, RXD, RXA, and the observations of a vaccination.
#include <fmt/format.h>

#include "hl7v2/walk.h"

namespace xinglin::hl7v2 {

namespace {

std::string entity_key(Field field) { return key_of(field.first()[1], field.first()[2]); }

std::string medication_key(Walk& w, const char* kind) {
    std::string key = w.orc ? entity_key(w.orc[2]) : std::string{};
    if (key.empty() && w.orc) key = entity_key(w.orc[3]);
    if (key.empty()) key = fmt::format("control^{}^{}", w.c.facts.control_id, w.c.facts.sent_at);
    return w.once(fmt::format("{}|{}", kind, key));
}

std::string_view medication_status(std::string_view control, std::string_view said) {
    if (control == "CA" || control == "OC" || control == "CR") return "cancelled";
    if (control == "DC" || control == "DR" || said == "DC") return "stopped";
    if (control == "HD" || said == "HD") return "on-hold";
    if (said == "CM") return "completed";
    if (said == "CA") return "cancelled";
    return "active";
}

/// A dose, or a range of doses.
void dose(Conversion& c, Seg seg, std::uint32_t low_field, std::uint32_t high_field, std::uint32_t unit_field, Object& dosage,
          json::Value rate) {
    const Part unit = seg[unit_field].first();
    c.at_field = low_field;
    const std::string_view low_text = seg[low_field][1].text();
    const json::Value low = quantity(c, low_text, unit);
    c.at_field = high_field;
    const json::Value high = high_field != 0 ? quantity(c, seg[high_field][1].text(), unit) : json::Value{};
    if (!low && !low_text.empty()) c.note(seg.place(low_field), "is no number and is left out", "not-a-number");
    Object one(c);
    if (low && high) one.set("doseRange", c.arena.object({{"low", low}, {"high", high}}));
    else one.set("doseQuantity", low);
    one.set("rateQuantity", rate);
    if (!one.empty()) dosage.add("doseAndRate", one.value());
}

json::Value amount(Conversion& c, Seg seg, std::uint32_t number, std::uint32_t unit) {
    return quantity(c, seg[number][1].text(), seg[unit].first());
}

void substitution(Conversion& c, Seg seg, std::uint32_t field, Thing& out) {
    c.at_field = field;
    const std::string_view said = seg[field].text();
    if (said.empty()) return;
    Object inner(c);
    if (said == "N") inner.set("allowedBoolean", c.arena.boolean(false));
    else if (said == "Y") inner.set("allowedBoolean", c.arena.boolean(true));
    else inner.set("allowedCodeableConcept", concept_by(c, seg[field].first(), "0161"));
    out.set("substitution", inner.value());
}

void instructions(Conversion& c, Seg seg, std::uint32_t field, Object& dosage) {
    c.at_field = field;
    std::string words;
    for (const Part each : seg[field].all()) {
        std::string_view text = each[2].text();
        if (text.empty()) text = each[1].text();
        if (!words.empty() && !text.empty()) words += '\n';
        words += text;
    }
    dosage.text("text", words);
}

Thing& medication_request(Walk& w, Seg seg, const char* kind, std::string_view intent) {
    Conversion& c = w.c;
    w.end_dosage();
    Thing& out = c.thing("MedicationRequest", medication_key(w, kind));
    w.medication = w.last = &out;
    w.immunization = nullptr;
    w.dosage.emplace(c);
    c.anchor(seg, out);
    w.place(out);
    out.text("intent", intent);
    std::string_view control, said;
    if (w.orc) {
        control = w.orc[1].text();
        said = w.orc[5].text();
        c.at_segment = w.orc.segment();
        c.anchor(w.orc, out);
        for (const auto& [field, type] : {std::pair<std::uint32_t, const char*>{2, "PLAC"}, {3, "FILL"}}) {
            const json::Value made = w.orc.has(field) ? as_entity(c, w.orc[field].first()) : json::Value{};
            if (made)
                out.add("identifier", c.arena.with_after(made, "", "type",
                                                         c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", type)));
        }
        if (w.orc.has(4)) out.set("groupIdentifier", as_entity(c, w.orc[4].first()));
        constexpr Line lines[] = {{9, "authoredOn", as_date_time, false},
                                  {12, "requester", as_practitioner, false},
                                  {16, "reasonCode", as_concept},
                                  {10, "recorder", as_practitioner, false}};
        c.carry(w.orc, out, lines);
        c.at_field = 21;
        if (Thing* const facility = w.orc.has(21) ? organization_of(c, w.orc[21].first()) : nullptr) {
            for (const Part each : w.orc[22].all()) facility->add("address", as_address(c, each));
            add_telecoms(c, *facility, w.orc[23], "work");
            out.extend("urn:xinglin:hl7v2:ORC-21", "valueReference", facility->reference(facility->get("name").string()));
        }
        if (w.orc.has(17)) out.extend("urn:xinglin:hl7v2:ORC-17", "valueCodeableConcept", as_concept(c, w.orc[17].first()));
    }
    out.text("status", medication_status(control, said));
    if (const Seg timing = w.pending_timing) {
        w.pending_timing = {};
        on_timing(w, timing);
    }
    c.at_segment = seg.segment();
    return out;
}

json::Value not_said(Conversion& c) { return c.arena.object({{"text", c.arena.string("not said")}}); }

}  // namespace

void on_pharmacy_order(Walk& w, Seg rxo) {
    Conversion& c = w.c;
    if (!w.patient) return;
    Thing& out = medication_request(w, rxo, "RXO", w.has_ahead("RXE") ? "original-order" : "order");
    c.at_field = 1;
    out.set("medicationCodeableConcept", rxo.has(1) ? as_concept(c, rxo[1].first()) : not_said(c));
    dose(c, rxo, 2, 3, 4, *w.dosage, {});
    instructions(c, rxo, 7, *w.dosage);
    c.at_field = 6;
    for (const Part each : rxo[6].all()) {
        std::string_view text = each[2].text();
        if (text.empty()) text = each[1].text();
        if (!text.empty()) out.add("note", c.arena.object({{"text", c.string(text)}}));
    }
    substitution(c, rxo, 9, out);
    Object dispense(c);
    dispense.set("quantity", amount(c, rxo, 11, 12));
    c.at_field = 13;
    if (const std::string refills = number_text(rxo[13].text());
        !refills.empty() && refills.find_first_not_of("0123456789") == std::string::npos && refills.size() < 9)
        dispense.set("numberOfRepeatsAllowed", c.arena.number(refills));
    out.set("dispenseRequest", dispense.value());
    constexpr Line lines[] = {{14, "requester", as_practitioner, false}, {20, "reasonCode", as_concept}};
    c.carry(rxo, out, lines);
}

namespace {
/// TQ of 2.3 to 2.6 in RXE-1: 2 the interval, 4 the start, 5 the end.
void old_timing(Walk& w, Seg rxe) {
    Conversion& c = w.c;
    const Part said = rxe[1].first();
    if (!said) return;
    c.at_field = 1;
    Object timing(c), repeat(c);
    const json::Value start = as_date_time(c, said[4]);
    repeat.set("boundsPeriod", period(c, start, as_date_time(c, said[5])));
    timing.set("repeat", repeat.value());
    if (const std::string_view pattern = said[2][1].text(); !pattern.empty())
        timing.set("code", c.arena.object({{"text", c.string(pattern)}}));
    if (w.dosage) w.dosage->set("timing", timing.value());
}
}  // namespace

void on_encoded_order(Walk& w, Seg rxe) {
    Conversion& c = w.c;
    if (!w.patient) return;
    Thing* const original = w.medication && w.medication->type == "MedicationRequest" ? w.medication : nullptr;
    Thing& out = medication_request(w, rxe, "RXE", "order");
    if (original && original != &out) out.add("basedOn", original->reference());
    c.at_field = 2;
    out.set("medicationCodeableConcept", rxe.has(2) ? as_concept(c, rxe[2].first()) : not_said(c));
    json::Value rate;
    if (const std::string number = number_text(rxe[23].text()); !number.empty()) rate = quantity(c, number, rxe[24].first());
    dose(c, rxe, 3, 4, 5, *w.dosage, rate);
    old_timing(w, rxe);
    instructions(c, rxe, 7, *w.dosage);
    substitution(c, rxe, 9, out);
    Object dispense(c);
    dispense.set("quantity", amount(c, rxe, 10, 11));
    c.at_field = 12;
    if (const std::string refills = number_text(rxe[12].text());
        !refills.empty() && refills.find_first_not_of("0123456789") == std::string::npos && refills.size() < 9)
        dispense.set("numberOfRepeatsAllowed", c.arena.number(refills));
    c.at_field = 40;
    if (const std::string_view place = rxe.has(39) ? rxe[39][2].text() : std::string_view{}; !place.empty()) {
        Thing& pharmacy = c.thing("Organization", fmt::format("name^{}", place));
        pharmacy.is_lesser = true;
        pharmacy.text("name", place);
        c.at_field = 41;
        if (!rxe[39][1].text().empty()) pharmacy.add("identifier", identifier(c, c.own_system("pharmacy"), rxe[39][1].text()));
        dispense.set("performer", pharmacy.reference(place));
        c.at_field = 45;
        add_telecoms(c, pharmacy, rxe[45], "work");
        c.at_field = 40;
        for (const Part each : rxe[40].all()) pharmacy.add("address", as_address(c, each));
    }
    out.set("dispenseRequest", dispense.value());
    c.at_field = 15;
    if (const std::string_view number = rxe[15].text(); !number.empty())
        out.add("identifier", identifier(c, c.own_system("prescription"), number));
    constexpr Line lines[] = {
        {13, "requester", as_practitioner, false}, {27, "reasonCode", as_concept}, {32, "authoredOn", as_date_time, false}};
    c.carry(rxe, out, lines);
    c.at_field = 21;
    for (const Part each : rxe[21].all()) {
        const std::string_view text = each[2].text().empty() ? each[1].text() : each[2].text();
        if (!text.empty()) w.dosage->add("additionalInstruction", c.arena.object({{"text", c.string(text)}}));
    }
}

void on_route(Walk& w, Seg rxr) {
    Conversion& c = w.c;
    c.at_segment = rxr.segment();
    Thing* const thing = w.immunization ? w.immunization : w.medication;
    if (!thing) return;
    c.anchor(rxr, *thing);
    Object* const to = w.immunization ? static_cast<Object*>(w.immunization) : w.dosage ? &*w.dosage : nullptr;
    if (!to) return;
    c.at_field = 1;
    if (rxr.has(1)) to->set("route", concept_by(c, rxr[1].first(), "0162"));
    c.at_field = 2;
    if (rxr.has(2)) to->set("site", concept_by(c, rxr[2].first(), "0163"));
    c.at_field = 4;
    if (rxr.has(4) && !w.immunization) to->set("method", concept_by(c, rxr[4].first(), "0165"));
}

void on_dispense(Walk& w, Seg rxd) {
    Conversion& c = w.c;
    if (!w.patient) return;
    w.end_dosage();
    c.at_segment = rxd.segment();
    std::string key = rxd[7].text().empty() ? medication_key(w, "RXD")
                                            : fmt::format("RXD|{}|{}|{}", rxd[7].text(), rxd[1].text(), rxd[3].text());
    Thing& out = c.thing("MedicationDispense", key);
    w.medication = w.last = &out;
    w.dosage.emplace(c);
    c.anchor(rxd, out);
    if (w.orc) c.anchor(w.orc, out);
    pass_over(rxd, {1});
    out.set("subject", w.subject());
    if (w.encounter) out.set("context", w.encounter->reference());
    out.text("status", "completed");
    c.at_field = 2;
    out.set("medicationCodeableConcept", rxd.has(2) ? as_concept(c, rxd[2].first()) : not_said(c));
    constexpr Line lines[] = {{3, "whenHandedOver", as_date_time, false}, {9, "note", as_annotation}};
    c.carry(rxd, out, lines);
    out.set("quantity", amount(c, rxd, 4, 5));
    c.at_field = 10;
    for (const Part each : rxd[10].all()) {
        if (const json::Value who = as_practitioner(c, each)) out.add("performer", c.arena.object({{"actor", who}}));
    }
    c.at_field = 7;
    if (const std::string_view number = rxd[7].text(); !number.empty())
        out.add("authorizingPrescription", c.arena.object({{"identifier", identifier(c, c.own_system("prescription"), number)}}));
}

// ---- Administrations and vaccinations ---------------------------------------------------------------------------------------

namespace {

void performer(Walk& w, Seg seg, std::uint32_t field, std::string_view code, Thing& out) {
    Conversion& c = w.c;
    c.at_segment = seg.segment();
    c.at_field = field;
    for (const Part each : seg[field].all()) {
        if (const json::Value who = as_practitioner(c, each))
            out.add("performer",
                    c.arena.object(
                        {{"function", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0443", code)}, {"actor", who}}));
    }
}

void immunization(Walk& w, Seg rxa, const std::string& key) {
    Conversion& c = w.c;
    Thing& out = c.thing("Immunization", key);
    w.immunization = w.last = &out;
    w.medication = nullptr;
    c.anchor(rxa, out);
    pass_over(rxa, {1, 2});
    out.set("patient", w.subject());
    if (w.encounter) out.set("encounter", w.encounter->reference());
    c.at_segment = rxa.segment();
    c.at_field = 3;
    const json::Value when = as_date_time(c, rxa[3].first());
    if (rxa[4].text() == rxa[3].text()) pass_over(rxa, {4});
    else if (rxa.has(4)) out.extend("urn:xinglin:hl7v2:RXA-4", "valueDateTime", as_date_time(c, rxa[4].first()));
    if (when) out.set("occurrenceDateTime", when);
    else out.text("occurrenceString", "unknown");
    c.at_field = 5;
    out.set("vaccineCode", rxa.has(5) ? as_concept(c, rxa[5].first()) : not_said(c));
    c.at_field = 20;
    const std::string_view said = rxa[20].text(), action = rxa[21].text();
    const std::string_view status = said.empty() ? "completed" : code_by(c, said, "0322", rxa.place(20));
    out.text("status", action == "D" ? "entered-in-error" : status.empty() ? "completed" : status);
    c.at_field = 6;
    if (rxa[6].text() != "999") out.set("doseQuantity", quantity(c, rxa[6].text(), rxa[7].first()));
    constexpr Line lines[] = {{15, "lotNumber", as_string, false},
                              {16, "expirationDate", as_date, false},
                              {18, "statusReason", as_concept, false},
                              {19, "reasonCode", as_concept},
                              {22, "recorded", as_date_time, false}};
    c.carry(rxa, out, lines);
    c.at_field = 9;
    for (const Part each : rxa[9].all()) {
        const std::string_view code = each[1].text(), system = each[3].text();
        if (system == "NIP001") {
            out.set("primarySource", c.arena.boolean(code == "00"));
            if (code != "00") out.set("reportOrigin", as_concept(c, each));
            else out.extend("urn:xinglin:hl7v2:RXA-9", "valueCodeableConcept", as_concept(c, each));
        } else {
            const std::string_view words = each[2].text().empty() ? code : each[2].text();
            if (!words.empty()) out.add("note", c.arena.object({{"text", c.string(words)}}));
        }
    }
    performer(w, rxa, 10, "AP", out);
    c.at_field = 11;
    for (const std::uint32_t field : {27u, 11u}) {  // 11 is LA2: the facility in its fourth component
        c.at_field = field;
        if (rxa.has(field)) out.set("location", as_location(c, rxa[field].first()));
    }
    c.at_field = 17;
    if (const Part maker = rxa[17].first()) {
        const std::string_view id = maker[1].text(), name = maker[2].text();
        Thing& organization = c.thing("Organization", fmt::format("maker^{}", id.empty() ? name : id));
        organization.is_lesser = true;
        organization.text("name", name.empty() ? id : name);
        if (!id.empty())
            organization.add(
                "identifier",
                identifier(c, maker[3].text().empty() ? c.own_system("manufacturer") : system_of(c, maker[3].text()), id));
        out.set("manufacturer", organization.reference(name.empty() ? id : name));
    }
    if (!w.orc) return;
    c.anchor(w.orc, out);
    pass_over(w.orc, {1});
    for (const std::uint32_t field : {3u, 2u}) {
        c.at_field = field;
        if (w.orc.has(field)) out.add("identifier", as_entity(c, w.orc[field].first()));
    }
    performer(w, w.orc, 12, "OP", out);
    performer(w, w.orc, 10, "EP", out);
    if (w.orc.has(9)) out.set("recorded", as_date_time(c, w.orc[9].first()));
    if (w.orc.has(17)) out.extend("urn:xinglin:hl7v2:ORC-17", "valueCodeableConcept", as_concept(c, w.orc[17].first()));
}

void administration(Walk& w, Seg rxa, const std::string& key) {
    Conversion& c = w.c;
    w.end_dosage();
    Thing& out = c.thing("MedicationAdministration", key);
    w.medication = w.last = &out;
    w.immunization = nullptr;
    w.dosage.emplace(c);
    c.anchor(rxa, out);
    pass_over(rxa, {1, 2});
    out.set("subject", w.subject());
    if (w.encounter) out.set("context", w.encounter->reference());
    c.at_segment = rxa.segment();
    const std::string_view said = rxa[20].text();
    out.text("status", said == "RE" || said == "NA" ? "not-done" : said == "PA" ? "stopped" : "completed");
    c.at_field = 3;
    const json::Value start = as_date_time(c, rxa[3].first());
    c.at_field = 4;
    const json::Value end = rxa.has(4) ? as_date_time(c, rxa[4].first()) : json::Value{};
    if (start && end && start.string() != end.string()) out.set("effectivePeriod", period(c, start, end));
    else if (start || end) out.set("effectiveDateTime", start ? start : end);
    else
        out.set("_effectiveDateTime",
                c.arena.object(
                    {{"extension", c.arena.array({c.arena.object(
                                       {{"url", c.arena.string("http://hl7.org/fhir/StructureDefinition/data-absent-reason")},
                                        {"valueCode", c.arena.string("unknown")}})})}}));
    c.at_field = 5;
    out.set("medicationCodeableConcept", rxa.has(5) ? as_concept(c, rxa[5].first()) : not_said(c));
    w.dosage->set("dose", amount(c, rxa, 6, 7));
    c.at_field = 10;
    for (const Part each : rxa[10].all()) {
        if (const json::Value who = as_practitioner(c, each)) out.add("performer", c.arena.object({{"actor", who}}));
    }
    c.at_field = 18;
    if (rxa.has(18)) out.add("statusReason", as_concept(c, rxa[18].first()));
    if (rxa.has(19)) out.add("reasonCode", as_concept(c, rxa[19].first()));
    if (!w.orc) return;
    c.anchor(w.orc, out);
    for (const std::uint32_t field : {3u, 2u}) {
        if (w.orc.has(field)) out.add("identifier", as_entity(c, w.orc[field].first()));
    }
}

}  // namespace

void on_administration(Walk& w, Seg rxa) {
    if (!w.patient) return;
    std::string key;
    if (w.orc) key = entity_key(w.orc[3]);
    if (key.empty() && w.orc) key = entity_key(w.orc[2]);
    const std::string_view code = rxa[5][1].text();
    if (key.empty() || key.starts_with("9999^")) key = fmt::format("{}|{}|{}", w.patient_key, code, rxa[3].text());
    const bool vaccine = w.type == "VXU" || w.type == "VXR" || w.type == "VXX" || w.type == "RSP";
    w.end_vaccination();
    if (vaccine) immunization(w, rxa, w.once(key));
    else administration(w, rxa, w.once(fmt::format("{}|{}|{}", key, code, rxa[3].text())));
    w.orc = {};
}

namespace {
/// The statement that belongs to one OBX-4 group: kept open in Walk until the vaccination ends.
Object& education(Walk& w, std::string_view group) {
    for (auto& [name, object] : w.education) {
        if (name == group) return object;
    }
    w.education.emplace_back(group, Object(w.c));
    return w.education.back().second;
}
}  // namespace

bool result_into_immunization(Walk& w, Seg obx) {
    Conversion& c = w.c;
    const std::string_view code = obx[3][1].text();
    Thing& out = *w.immunization;
    c.at_field = 5;
    const Part value = obx[5].first();
    if (code == "30963-3") out.set("fundingSource", as_concept(c, value));
    else if (code == "64994-7") out.add("programEligibility", as_concept(c, value));
    else if (code == "69764-9") {
        const std::string_view words = value[2].text().empty() ? value[1].text() : value[2].text();
        education(w, obx[4].text()).text("documentType", words);
        if (!value[1].text().empty() && !value[2].text().empty())
            education(w, obx[4].text()).extend("urn:xinglin:hl7v2:OBX-5", "valueCodeableConcept", as_concept(c, value));
    } else if (code == "29768-9") education(w, obx[4].text()).set("publicationDate", as_date_time(c, value));
    else if (code == "29769-7") education(w, obx[4].text()).set("presentationDate", as_date_time(c, value));
    else if (code == "30973-2") {
        if (const json::Value number = as_positive(c, value))
            out.add("protocolApplied", c.arena.object({{"doseNumberPositiveInt", number}}));
        else return false;
    } else return false;
    c.anchor(obx, out);
    pass_over(obx, {1, 2, 3, 4, 11});
    return true;
}

}  // namespace xinglin::hl7v2
