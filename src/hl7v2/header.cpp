// SPDX-License-Identifier: Apache-2.0
// What a message says of itself (MSH), who recorded it (EVN), and the state of the walk through it.
#include <fmt/format.h>

#include "hl7v2/walk.h"

namespace xinglin::hl7v2 {

namespace {
/// The first component of a raw field, unescaped.
std::string first_of(const Message& m, std::string_view raw, int number = 1) {
    raw = raw.substr(0, raw.find(m.delimiters.repetition));
    for (; number > 1; --number) {
        const std::size_t at = raw.find(m.delimiters.component);
        if (at == std::string_view::npos) return {};
        raw.remove_prefix(at + 1);
    }
    return unescape(raw.substr(0, raw.find(m.delimiters.component)), m.delimiters);
}
std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
    const std::size_t begin = text.find_first_not_of(" \t");
    return begin == std::string::npos ? std::string{} : text.substr(begin);
}
}  // namespace

Result<message::Facts> facts_of(const Message& message, const message::Sender& sender) {
    const Segment& header = message.segments.front();
    message::Facts out;
    const std::string type = trimmed(first_of(message, message.field(header, 9))),
                      event = trimmed(first_of(message, message.field(header, 9), 2));
    if (type.empty())
        return refuse(IssueCode::required, "MSH-9",
                      "the message type is missing: the message is cut off or not HL7, send it whole");
    if (type.size() > 20 || event.size() > 20) return refuse(IssueCode::value, "MSH-9", "is no message type, write TYPE^EVENT");
    out.kind = event.empty() ? type : fmt::format("{}^{}", type, event);
    out.version = trimmed(first_of(message, message.field(header, 12)));
    out.control_id = trimmed(unescape(message.field(header, 10), message.delimiters)).substr(0, 199);
    out.application = trimmed(first_of(message, message.field(header, 3)));
    out.facility = trimmed(first_of(message, message.field(header, 4)));
    const Tables none{};
    const Limits limits;
    Conversion c(message, sender, none, limits, {});
    if (const auto sent = moment_of(c, trimmed(first_of(message, message.field(header, 7))), "MSH-7"))
        out.sent_at = calendar::text(*sent);
    if (const Segment* const pid = message.find("PID")) {
        const Seg seg(&c, pid);
        for (const std::uint32_t field : {3u, 2u, 4u, 18u, 19u}) {
            if (out.patient.empty()) out.patient = best_key(seg[field]);
        }
    }
    return out;
}

void pass_over(Seg segment, std::initializer_list<std::uint32_t> fields) {
    for (const std::uint32_t field : fields) segment[field].pass_over();
}

json::Value Walk::home() {
    if (!c.sender.organization.empty())
        return c.arena.object({{"reference", c.arena.string(fmt::format("Organization/{}", c.sender.organization))}});
    const Part facility = header[4].first();
    const std::string_view name = facility[1].text(), universal = facility[2].text();
    if (name.empty() && universal.empty()) return {};
    Thing& out = c.thing("Organization", fmt::format("facility^{}^{}", name, universal));
    out.is_lesser = true;
    out.text("name", name.empty() ? universal : name);
    out.add("identifier", identifier(c, authority_system(c, facility, "facility"), name.empty() ? universal : name));
    return out.reference(name);
}

void Walk::place(Thing& thing, std::string_view subject_name, std::string_view encounter_name) {
    if (patient) thing.set(subject_name, subject());
    if (encounter && !encounter_name.empty()) thing.set(encounter_name, encounter->reference());
}

bool Walk::is_imaging() const {
    if (!report) return false;
    const std::string_view section = report->get("category")["coding"][std::size_t{0}]["code"].string();
    for (const std::string_view each :
         {"RAD", "RUS", "CT", "NMR", "NMS", "MR", "US", "XRC", "CUS", "VUS", "OUS", "CTH", "RX", "DX"}) {
        if (section == each) return true;
    }
    return false;
}

std::string Walk::once(std::string key) {
    const int times = ++seen[key];
    return times == 1 ? key : fmt::format("{}#{}", key, times);
}

void Walk::end_dosage() {
    if (medication && dosage && !dosage->empty()) {
        if (medication->type == "MedicationAdministration") {  // mad-1: a dosage has a dose
            if (dosage->has("dose")) medication->set("dosage", dosage->value());
            else medication->extend("urn:xinglin:hl7v2:RXR-1", "valueCodeableConcept", dosage->get("route"));
        } else {
            medication->add("dosageInstruction", dosage->value());
        }
    }
    dosage.reset();
}

void Walk::end_vaccination() {
    // imm-1: an education has a document type or a reference.
    for (auto& [group, object] : education) {
        if (immunization && object.has("documentType")) immunization->add("education", object.value());
        else if (immunization && !object.empty())
            immunization->extend("urn:xinglin:hl7v2:OBX-5", "valueDateTime",
                                 object.has("presentationDate") ? object.get("presentationDate") : object.get("publicationDate"));
    }
    education.clear();
}

bool Walk::has_ahead(std::string_view name) const {
    const auto& segments = c.message.segments;
    for (std::size_t i = at + 1; i < segments.size() && segments[i].name != "ORC" && segments[i].name != "PID"; ++i) {
        if (segments[i].name == name) return true;
    }
    return false;
}

void Walk::end_order() {
    end_dosage();
    end_vaccination();
    order = report = medication = immunization = charge = nullptr;
    report_key.clear();
    orc = pending_timing = {};
}

void on_header(Walk& w, Seg msh) {
    w.header = msh;
    // Said in message::Facts, used to read and to answer; not of the record.
    pass_over(msh, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21});
}

void on_event(Walk& w, Seg evn) {
    w.recorded = evn;
    if (w.event.empty()) w.event = evn[1].text();
}

void end_event(Walk& w) {
    Conversion& c = w.c;
    const Seg evn = w.recorded;
    if (!evn || !w.patient) return;
    c.at_segment = evn.segment();
    c.at_field = 2;
    json::Value recorded = evn.has(2) ? as_instant(c, evn[2].first()) : json::Value{};
    if (!recorded && calendar::parse_instant(c.facts.sent_at)) recorded = c.string(c.facts.sent_at);
    if (!recorded) {
        c.note("EVN-2", "nobody says when this was recorded; who recorded it is not carried over", "not-carried");
        return;
    }
    Thing& out = c.thing("Provenance", fmt::format("event^{}^{}^{}", c.facts.kind, c.facts.control_id, c.facts.sent_at));
    c.anchor(evn, out);
    c.anchor(w.header, out);
    for (const Segment& each : c.message.segments) {
        if (each.name == "SFT" || each.name == "UAC") c.anchor(Seg(&c, &each), out);
    }
    out.add("target", w.patient->reference());
    if (w.encounter) out.add("target", w.encounter->reference());
    out.set("recorded", recorded);
    pass_over(evn, {1});
    out.set("activity", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0003", w.event.empty() ? w.type : w.event));
    c.at_field = 4;
    if (evn.has(4)) out.add("reason", concept_by(c, evn[4].first(), "0062"));
    c.at_field = 6;
    if (evn.has(6)) out.set("occurredDateTime", as_date_time(c, evn[6].first()));
    c.at_field = 5;
    for (const Part each : evn[5].all()) {
        if (const json::Value who = as_practitioner(c, each)) out.add("agent", c.arena.object({{"who", who}}));
    }
    c.at_field = 7;
    if (const Part place = evn[7].first()) {
        const std::string_view name = place[1].text();
        Thing& location = c.thing("Location", fmt::format("facility^{}^{}", name, place[2].text()));
        location.is_lesser = true;
        location.text("name", name.empty() ? place[2].text() : name);
        location.add("identifier", identifier(c, authority_system(c, place, "facility"), name));
        out.set("location", location.reference(name));
    }
    if (!out.has("agent")) {
        json::Value who = w.home();
        if (!who)
            who = c.arena.object({{"display", c.string(c.facts.application.empty() ? std::string_view(c.sender.id)
                                                                                   : std::string_view(c.facts.application))}});
        out.add("agent", c.arena.object({{"who", who}}));
    }
}

}  // namespace xinglin::hl7v2
