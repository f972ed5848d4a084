// SPDX-License-Identifier: Apache-2.0
// Specimens and comments: SPM, NTE.
#include <fmt/format.h>

#include "hl7v2/walk.h"

namespace xinglin::hl7v2 {

namespace {
void specimen_numbers(Conversion& c, Seg spm, Thing& out) {
    // EIP: placer & filler; each an EI in subcomponents.
    c.at_field = 2;
    const Part both = spm[2].first();
    const auto number = [&](Part each) {
        const std::string_view value = each[1].text(), authority = each[2].text(), universal = each[3].text();
        if (value.empty()) return json::Value{};
        Object made(c);
        made.text("system", !universal.empty() ? system_of(c, universal)
                                               : c.own_system(authority.empty() ? "specimen" : std::string(authority)));
        made.text("value", value);
        if (!authority.empty()) made.set("assigner", c.arena.object({{"display", c.string(authority)}}));
        return made.value();
    };
    out.add("identifier", number(both[1]));
    if (const json::Value filler = number(both[2])) out.set("accessionIdentifier", filler);
    c.at_field = 3;
    for (const Part parent : spm[3].all()) {
        for (const int which : {1, 2}) {
            if (const json::Value made = number(parent[which])) out.add("parent", c.arena.object({{"identifier", made}}));
        }
    }
    c.at_field = 31;
    for (const Part each : spm[31].all()) out.add("identifier", as_identifier(c, each));
    c.at_field = 30;
    for (const Part each : spm[30].all()) out.add("identifier", as_identifier(c, each));
    c.at_field = 32;
    for (const Part each : spm[32].all()) out.add("identifier", as_identifier(c, each));
}
}  // namespace

void on_specimen(Walk& w, Seg spm) {
    Conversion& c = w.c;
    c.at_segment = spm.segment();
    const Part numbers = spm[2].first();
    std::string key;
    for (const int which : {2, 1}) {
        if (key.empty()) key = numbers[which][1].text();
    }
    if (key.empty())
        key = w.once(fmt::format("{}^{}",
                                 w.report  ? w.report_key
                                 : w.order ? w.order->id
                                           : "control^" + c.facts.control_id,
                                 spm[1].text()));
    Thing& out = c.thing("Specimen", key);
    w.specimen = w.last = &out;
    c.anchor(spm, out);
    pass_over(spm, {1});
    out.set("subject", w.subject());
    specimen_numbers(c, spm, out);
    constexpr Line lines[] = {{4, "type", [](Conversion& each, Part p) { return concept_by(each, p, "0487"); }, false},
                              {14, "note", as_annotation},
                              {18, "receivedTime", as_date_time, false},
                              {24, "condition", [](Conversion& each, Part p) { return concept_by(each, p, "0493"); }},
                              {21, "condition", [](Conversion& each, Part p) { return concept_by(each, p, "0490"); }},
                              {11, "valueCodeableConcept", [](Conversion& each, Part p) { return concept_by(each, p, "0369"); },
                               true, "urn:xinglin:hl7v2:SPM-11"}};
    c.carry(spm, out, lines);
    Object collection(c);
    constexpr Line inner[] = {{7, "method", [](Conversion& each, Part p) { return concept_by(each, p, "0488"); }, false},
                              {8, "bodySite", as_concept, false},
                              {12, "quantity", as_quantity, false}};
    c.carry(spm, collection, inner);
    c.at_field = 17;
    if (const Part when = spm[17].first()) {
        const json::Value start = as_date_time(c, when[1]), end = as_date_time(c, when[2]);
        if (start && end && start.string() != end.string()) collection.set("collectedPeriod", period(c, start, end));
        else collection.set("collectedDateTime", start ? start : end);
    }
    out.set("collection", collection.value());
    Object container(c);
    c.at_field = 27;
    if (spm.has(27)) container.set("type", as_concept(c, spm[27].first()));
    c.at_field = 6;
    if (spm.has(6)) container.set("additiveCodeableConcept", concept_by(c, spm[6].first(), "0371"));
    if (!container.empty()) out.add("container", container.value());
    c.at_field = 20;
    if (spm.has(20)) out.text("status", spm[20].text() == "N" ? "unavailable" : "available");
    if (w.type == "OUL") {
        w.order = w.report = nullptr;  // OUL: the order follows its specimen
        return;
    }
    if (w.report) w.report->add("specimen", out.reference());
    if (w.order) w.order->add("specimen", out.reference());
}

// ---- NTE ----------------------------------------------------------------------------------------------------

void on_comment(Walk& w, Seg nte) {
    Conversion& c = w.c;
    Thing* const thing = w.last ? w.last : w.patient;
    if (!thing) return;
    c.at_segment = nte.segment();
    c.anchor(nte, *thing);
    pass_over(nte, {1, 2});
    std::string words;
    c.at_field = 3;
    for (const Part each : nte[3].all()) {
        if (!words.empty()) words += '\n';
        words += each.text();
    }
    if (words.empty()) return;
    Object note(c);
    c.at_field = 5;
    if (nte.has(5)) note.set("authorReference", as_practitioner(c, nte[5].first()));
    c.at_field = 6;
    if (nte.has(6)) note.set("time", as_date_time(c, nte[6].first()));
    note.text("text", words);
    if (thing->type == "Appointment") {
        const json::Value before = thing->get("comment");
        thing->put("comment", c.string(before ? fmt::format("{}\n{}", before.string(), words) : words));
        return;
    }
    constexpr std::string_view with_notes[] = {
        "AllergyIntolerance", "Condition",    "Procedure",         "Observation",
        "ServiceRequest",     "Specimen",     "MedicationRequest", "MedicationAdministration",
        "MedicationDispense", "Immunization", "ChargeItem",        "Goal"};
    for (const std::string_view each : with_notes) {
        if (each == thing->type) return thing->add("note", note.value());
    }
    thing->extend("http://hl7.org/fhir/StructureDefinition/note", "valueAnnotation", note.value());
}

}  // namespace xinglin::hl7v2
