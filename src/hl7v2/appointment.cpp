// SPDX-License-Identifier: Apache-2.0
// Appointments: SCH, AIS, AIG, AIL, AIP.
#include <fmt/format.h>

#include "hl7v2/walk.h"

namespace xinglin::hl7v2 {

namespace {

std::string entity_key(Field field) { return key_of(field.first()[1], field.first()[2]); }

/// What the event does, when SCH-25 does not say the state.
std::string_view event_status(std::string_view event) {
    if (event == "S15" || event == "S16") return "cancelled";
    if (event == "S17") return "entered-in-error";
    if (event == "S26") return "noshow";
    if (event == "S23" || event == "S25") return "cancelled";
    return "booked";
}

std::string_view participant_status(Conversion& c, Seg seg, std::uint32_t field) {
    if (!seg.has(field)) return "accepted";
    c.at_field = field;
    const Tables::Target* const target = c.tables.target("participation", seg[field][1].text());
    return target ? std::string_view(target->code) : "accepted";
}

void participant(Walk& w, json::Value actor, json::Value type, std::string_view status) {
    Conversion& c = w.c;
    if (!actor && !type) return;
    Object one(c);
    if (type) one.add("type", type);
    one.set("actor", actor);
    one.text("status", status);
    w.appointment->add("participant", one.value());
}

json::Value minutes(Conversion& c, std::string_view number, std::string_view unit) {
    const std::string digits = number_text(number);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos || digits.size() > 7) return {};
    std::int64_t value = std::stoll(digits);
    if (unit == "s" || unit == "S" || unit == "sec") value = (value + 59) / 60;
    else if (unit == "h" || unit == "hr" || unit == "H") value *= 60;
    else if (unit == "d" || unit == "D") value *= 1440;
    return value > 0 ? c.arena.number(value) : json::Value{};
}

void contact_person(Walk& w, Seg sch, std::uint32_t person, std::uint32_t phone, std::uint32_t address, std::uint32_t place) {
    Conversion& c = w.c;
    c.at_field = person;
    bool first = true;
    for (const Part each : sch[person].all()) {
        Thing* const who = practitioner_of(c, each);
        if (!who) continue;
        if (first) {
            c.at_field = phone;
            add_telecoms(c, *who, sch[phone], "work");
            c.at_field = address;
            if (address != 0) {
                for (const Part at : sch[address].all()) who->add("address", as_address(c, at));
            }
        }
        first = false;
        const json::Value name = who->get("name");
        participant(w, who->reference(name ? name["text"].string() : std::string_view{}), {}, "accepted");
    }
    c.at_field = place;
    for (const Part each : sch[place].all()) participant(w, as_location(c, each), {}, "accepted");
}

}  // namespace

void on_schedule(Walk& w, Seg sch) {
    Conversion& c = w.c;
    c.at_segment = sch.segment();
    std::string key = entity_key(sch[2]);
    if (key.empty()) key = entity_key(sch[1]);
    if (key.empty()) key = fmt::format("control^{}^{}", c.facts.control_id, c.facts.sent_at);
    Thing& out = c.thing("Appointment", key);
    w.appointment = w.last = &out;
    c.anchor(sch, out);
    c.at_field = 25;
    const std::string_view said = sch.has(25) ? code_by(c, sch[25].first(), "0278") : std::string_view{};
    const std::string_view by_event = event_status(w.event);
    out.put("status", c.string(by_event != "booked" || said.empty() ? by_event : said));
    for (const auto& [field, type] : {std::pair<std::uint32_t, const char*>{1, "PLAC"}, {2, "FILL"}}) {
        c.at_field = field;
        const json::Value made = sch.has(field) ? as_entity(c, sch[field].first()) : json::Value{};
        if (made)
            out.add("identifier",
                    c.arena.with_after(made, "", "type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", type)));
    }
    constexpr Line lines[] = {
        {7, "reasonCode", [](Conversion& each, Part p) { return concept_by(each, p, "0276"); }},
        {8, "appointmentType", [](Conversion& each, Part p) { return concept_by(each, p, "0277"); }, false}};
    c.carry(sch, out, lines);
    c.at_field = 6;
    if (sch.has(6)) {
        const json::Value reason = as_concept(c, sch[6].first());
        // app-4: a reason of cancelling belongs to what was cancelled.
        if (by_event == "cancelled" || by_event == "noshow") out.set("cancelationReason", reason);
        else out.add("reasonCode", reason);
    }
    c.at_field = 9;
    const std::string_view unit = sch[10][1].text();
    out.set("minutesDuration", minutes(c, sch[9].text(), unit));
    c.at_field = 11;
    if (const Part timing = sch[11].first()) {  // TQ: 4 start, 5 end
        if (timing[4]) out.set("start", as_instant(c, timing[4]));
        if (timing[5]) out.set("end", as_instant(c, timing[5]));
    }
    contact_person(w, sch, 12, 13, 14, 15);
    contact_person(w, sch, 16, 17, 18, 19);
    contact_person(w, sch, 20, 21, 0, 22);
    for (const std::uint32_t field : {26u, 27u}) {
        c.at_field = field;
        if (sch.has(field)) {
            const json::Value number = as_entity(c, sch[field].first());
            if (number) out.add("basedOn", c.arena.object({{"identifier", number}}));
        }
    }
}

namespace {
/// Start and length of a part of the appointment, when the whole has none.
void times(Walk& w, Seg seg, std::uint32_t start_field, std::uint32_t length_field, std::uint32_t unit_field) {
    Conversion& c = w.c;
    c.at_field = start_field;
    const json::Value start = seg.has(start_field) ? as_instant(c, seg[start_field].first()) : json::Value{};
    if (start && !w.appointment->has("start")) w.appointment->set("start", start);
    else if (start && start.string() != w.appointment->get("start").string())
        w.appointment->extend(fmt::format("urn:xinglin:hl7v2:{}-{}", seg.name(), start_field), "valueInstant", start);
    c.at_field = length_field;
    const json::Value length = minutes(c, seg[length_field].text(), seg[unit_field][1].text());
    if (length && !w.appointment->has("minutesDuration")) w.appointment->set("minutesDuration", length);
    else if (length && length.text() != w.appointment->get("minutesDuration").text())
        w.appointment->extend(fmt::format("urn:xinglin:hl7v2:{}-{}", seg.name(), length_field), "valuePositiveInt", length);
}
}  // namespace

void on_service(Walk& w, Seg ais) {
    Conversion& c = w.c;
    if (!w.appointment) return;
    c.anchor(ais, *w.appointment);
    pass_over(ais, {1, 2});
    constexpr Line lines[] = {{3, "serviceType", as_concept}};
    c.carry(ais, *w.appointment, lines);
    times(w, ais, 4, 7, 8);
}

void on_resource(Walk& w, Seg aig) {
    Conversion& c = w.c;
    if (!w.appointment) return;
    c.anchor(aig, *w.appointment);
    pass_over(aig, {1, 2});
    c.at_segment = aig.segment();
    c.at_field = 4;
    const json::Value type = aig.has(4) ? as_concept(c, aig[4].first()) : json::Value{};
    c.at_field = 3;
    const Part said = aig[3].first();
    const std::string_view id = said[1].text(), name = said[2].text();
    json::Value reference;
    if (!id.empty() || !name.empty()) {
        Thing& device = c.thing("Device", fmt::format("{}^{}", id, name));
        device.is_lesser = true;
        if (!id.empty())
            device.add("identifier", identifier(c,
                                                said[3].text().empty() || said[3].text() == "L" ? c.own_system("device")
                                                                                                : system_of(c, said[3].text()),
                                                id));
        if (!name.empty())
            device.add("deviceName", c.arena.object({{"name", c.string(name)}, {"type", c.arena.string("user-friendly-name")}}));
        device.set("type", type);
        reference = device.reference(name.empty() ? id : name);
    }
    participant(w, reference, type, participant_status(c, aig, 14));
    times(w, aig, 8, 11, 12);
}

void on_place(Walk& w, Seg ail) {
    Conversion& c = w.c;
    if (!w.appointment) return;
    c.anchor(ail, *w.appointment);
    pass_over(ail, {1, 2});
    c.at_segment = ail.segment();
    c.at_field = 4;
    const json::Value type = ail.has(4) ? concept_by(c, ail[4].first(), "0305") : json::Value{};
    c.at_field = 3;
    for (const Part each : ail[3].all()) {
        Thing* const where = location_of(c, each);
        if (!where) continue;
        if (type) where->add("type", type);
        participant(w, where->reference(where->get("name").string()), {}, participant_status(c, ail, 12));
    }
    times(w, ail, 6, 9, 10);
}

void on_person(Walk& w, Seg aip) {
    Conversion& c = w.c;
    if (!w.appointment) return;
    c.anchor(aip, *w.appointment);
    pass_over(aip, {1, 2});
    c.at_segment = aip.segment();
    c.at_field = 4;
    const json::Value role = aip.has(4) ? as_concept(c, aip[4].first()) : json::Value{};
    c.at_field = 3;
    for (const Part each : aip[3].all()) participant(w, as_practitioner(c, each), role, participant_status(c, aip, 12));
    times(w, aip, 6, 9, 10);
}

void end_appointment(Walk& w) {
    if (!w.appointment) return;
    Conversion& c = w.c;
    Thing& out = *w.appointment;
    if (w.patient) participant(w, w.subject(), {}, "accepted");
    if (!out.has("participant")) participant(w, {}, c.arena.object({{"text", c.arena.string("not said")}}), "needs-action");
    const json::Value start = out.get("start"), end = out.get("end"), length = out.get("minutesDuration");
    if (start && !end) {  // app-2: both or neither
        const auto from = calendar::parse_instant(start.string());
        if (from) {
            const std::int64_t ms =
                calendar::span_of(*from, 0).low_ms + (length ? std::stoll(std::string(length.text())) : 0) * 60'000;
            out.set("end", c.string(calendar::instant_text(ms)));
        }
    }
    if (!start && end) out.drop("end");
    if (!start || (start && !out.has("end"))) {
        out.drop("start");
        const std::string_view status = out.get("status").string();
        if (status != "cancelled" && status != "proposed" && status != "waitlist") {  // app-3
            c.note("SCH-11", "the appointment has no time; kept as proposed", "assumed");
            out.put("status", c.arena.string("proposed"));
        }
    }
    const std::string_view status = out.get("status").string();
    if (status != "cancelled" && status != "noshow" && out.has("cancelationReason")) {
        out.add("reasonCode", out.get("cancelationReason"));
        out.drop("cancelationReason");
    }
}

}  // namespace xinglin::hl7v2
