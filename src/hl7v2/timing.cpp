// SPDX-License-Identifier: Apache-2.0
// When and how often: TQ1.
#include <fmt/format.h>

#include "hl7v2/walk.h"

namespace xinglin::hl7v2 {

namespace {

json::Value timing_of(Walk& w, Seg tq1) {
    Conversion& c = w.c;
    Object timing(c), repeat(c);
    c.at_field = 7;
    const json::Value start = tq1.has(7) ? as_date_time(c, tq1[7].first()) : json::Value{};
    c.at_field = 8;
    repeat.set("boundsPeriod", period(c, start, tq1.has(8) ? as_date_time(c, tq1[8].first()) : json::Value{}));
    c.at_field = 14;
    if (const json::Value count = tq1.has(14) ? as_positive(c, tq1[14].first()) : json::Value{}) repeat.set("count", count);
    c.at_field = 4;
    for (const Part each : tq1[4].all()) repeat.add("timeOfDay", as_time(c, each));
    timing.set("repeat", repeat.value());
    c.at_field = 3;
    std::vector<json::Value> codes;
    std::string words;
    for (const Part each : tq1[3].all()) {
        const Part pattern = each[1];
        const std::string_view code = pattern[1].text(), text = pattern[2].text();
        if (code.empty() && text.empty()) continue;
        if (!code.empty()) codes.push_back(c.coding("http://terminology.hl7.org/CodeSystem/v2-0335", code, text));
        if (!words.empty()) words += "; ";
        words += text.empty() ? code : text;
    }
    if (!words.empty())
        timing.set("code",
                   c.arena.object({{"coding", codes.empty() ? json::Value{} : c.arena.array(codes)}, {"text", c.string(words)}}));
    return timing.value();
}

void timing_of_appointment(Walk& w, Seg tq1) {
    Conversion& c = w.c;
    c.at_field = 7;
    if (tq1.has(7)) w.appointment->put("start", as_instant(c, tq1[7].first()));
    c.at_field = 8;
    if (tq1.has(8)) w.appointment->put("end", as_instant(c, tq1[8].first()));
    pass_over(tq1, {1});
    if (tq1.has(9))
        w.appointment->extend("urn:xinglin:hl7v2:TQ1-9", "valueCodeableConcept", concept_by(c, tq1[9].first(), "0485"));
}

}  // namespace

void on_timing(Walk& w, Seg tq1) {
    Conversion& c = w.c;
    c.at_segment = tq1.segment();
    Thing* thing = w.medication ? w.medication : w.order;
    if (!thing && w.orc) {  // TQ1 stands before RXO, RXE or OBR: it waits for them
        w.pending_timing = tq1;
        return;
    }
    if (!thing && w.appointment) {
        c.anchor(tq1, *w.appointment);
        timing_of_appointment(w, tq1);
        return;
    }
    if (!thing) thing = w.last;
    if (!thing) return;
    c.anchor(tq1, *thing);
    pass_over(tq1, {1});
    c.at_field = 9;
    if (tq1.has(9) && (thing->type == "ServiceRequest" || thing->type == "MedicationRequest")) {
        if (const std::string_view priority = code_by(c, tq1[9].first(), "0485"); !priority.empty())
            thing->text("priority", priority);
    }
    const json::Value timing = timing_of(w, tq1);
    if (w.medication) {
        if (!w.dosage) w.dosage.emplace(c);
        if (w.medication->type != "MedicationAdministration") {
            w.dosage->set("timing", timing);
            c.at_field = 11;
            if (tq1.has(11)) w.dosage->set("patientInstruction", as_string(c, tq1[11].first()));
        }
        return;
    }
    if (thing->type == "ServiceRequest") {
        if (timing) {
            thing->extend("urn:xinglin:hl7v2:OBR-6", "valueDateTime", thing->get("occurrenceDateTime"));
            thing->drop("occurrenceDateTime");
            thing->set("occurrenceTiming", timing);
        }
        c.at_field = 11;
        if (tq1.has(11)) thing->set("patientInstruction", as_string(c, tq1[11].first()));
    }
}

}  // namespace xinglin::hl7v2
