// SPDX-License-Identifier: Apache-2.0
// From segments to resources: which segment is whose, what a message must have, and the whole.
#include <fmt/format.h>

#include "hl7v2/walk.h"

namespace xinglin::hl7v2 {

namespace {

struct Entry {
    std::string_view name;
    Handler handle;
};

/// Segments without a resource of their own: kept, field by field, as an extension of what they speak of.
void on_remark(Walk& w, Seg seg) {
    const std::string_view name = seg.name();
    Thing* thing = nullptr;
    if (name == "ACC" || name == "UB1" || name == "UB2" || name == "DRG" || name == "ABS" || name == "BLC") thing = w.encounter;
    else if (name == "SAC" || name == "INV" || name == "PAC" || name == "SHP") thing = w.specimen;
    else if (name == "IN2" || name == "IN3") thing = w.coverage;
    else if (name == "AUT") thing = w.referral ? w.referral : w.coverage;
    else if (name == "BLG" || name == "CTI" || name == "CTD" || name == "RXC" || name == "RXV" || name == "OBC" ||
             name == "IPC" || name == "RGS")
        thing = w.charge && name == "BLG" ? w.charge : w.medication ? w.medication : w.order ? w.order : w.appointment;
    else if (name == "CON") thing = w.document;
    if (!thing) thing = w.patient ? w.patient : w.last;
    if (!thing) return;
    w.c.anchor(seg, *thing);
    pass_over(seg, {1});
    if (name == "AUT" || name == "ACC" || name == "BLG" || name == "CTI" || name == "CTD" || name == "SAC" || name == "IN2" ||
        name == "INV" || name == "PDA" || name == "RXC")
        w.c.cells[seg.segment()->first] = {};
}

/// NPU: the state of a bed (ADT^A20), a message without a patient.
void on_bed(Walk& w, Seg npu) {
    Thing* const bed = location_of(w.c, npu[1].first());
    if (!bed) return;
    w.c.anchor(npu, *bed);
    bed->is_lesser = false;
    if (const std::string_view status = npu[2][1].text(); !status.empty())
        bed->put("operationalStatus", w.c.coding("http://terminology.hl7.org/CodeSystem/v2-0116", status, npu[2][2].text()));
}

/// Segments that say nothing of the record: envelopes, answers, continuations.
void on_envelope(Walk&, Seg seg) {
    for (std::uint32_t field = 1; field <= seg.segment()->count; ++field) seg[field].pass_over();
}

constexpr Entry entries[] = {
    {"MSH", on_header},         {"EVN", on_event},         {"PID", on_patient},        {"PD1", on_more_patient},
    {"NK1", on_next_of_kin},    {"MRG", on_merge},         {"PV1", on_visit},          {"PV2", on_more_visit},
    {"ROL", on_role},           {"PRT", on_participation}, {"AL1", on_allergy},        {"IAM", on_adverse},
    {"DG1", on_diagnosis},      {"PR1", on_procedure},     {"PRB", on_problem},        {"GOL", on_goal},
    {"ORC", on_order},          {"OBR", on_request},       {"TQ1", on_timing},         {"SPM", on_specimen},
    {"NTE", on_comment},        {"OBX", on_result},        {"RXO", on_pharmacy_order}, {"RXE", on_encoded_order},
    {"RXR", on_route},          {"RXD", on_dispense},      {"RXA", on_administration}, {"SCH", on_schedule},
    {"AIS", on_service},        {"AIG", on_resource},      {"AIL", on_place},          {"AIP", on_person},
    {"TXA", on_document},       {"GT1", on_guarantor},     {"IN1", on_insurance},      {"FT1", on_charge},
    {"RF1", on_referral},       {"PRD", on_provider},      {"STF", on_staff},          {"SFT", [](Walk&, Seg) {}},
    {"UAC", [](Walk&, Seg) {}}, {"DB1", on_remark},        {"ARV", on_remark},         {"PDA", on_remark},
    {"ACC", on_remark},         {"UB1", on_remark},        {"UB2", on_remark},         {"DRG", on_remark},
    {"IN2", on_remark},         {"IN3", on_remark},        {"AUT", on_remark},         {"SAC", on_remark},
    {"INV", on_remark},         {"BLG", on_remark},        {"CTI", on_remark},         {"CTD", on_remark},
    {"RXC", on_remark},         {"CON", on_remark},        {"PAC", on_remark},         {"SHP", on_remark},
    {"RGS", on_remark},         {"OBC", on_remark},        {"IPC", on_remark},         {"IAR", on_remark},
    {"ABS", on_remark},         {"BLC", on_remark},        {"MSA", on_envelope},       {"ERR", on_envelope},
    {"DSC", on_envelope},       {"QAK", on_envelope},      {"QPD", on_envelope},       {"QRD", on_envelope},
    {"QRF", on_envelope},       {"RCP", on_envelope},      {"MFI", on_envelope},       {"MFE", on_envelope},
    {"NDS", on_envelope},       {"NPU", on_bed},
};

// ---- What a message must have -----------------------------------------------------------------------------------------------

struct Need {
    std::string_view type, event, segments;  // one of the segments, apart by |
};
/// Without these a message says nothing, or is cut off.
constexpr Need needs[] = {
    {"ADT", "", "PID"},     {"ADT", "A01", "PV1"},  {"ADT", "A02", "PV1"},  {"ADT", "A03", "PV1"},  {"ADT", "A06", "PV1"},
    {"ADT", "A07", "PV1"},  {"ADT", "A11", "PV1"},  {"ADT", "A12", "PV1"},  {"ADT", "A13", "PV1"},  {"ADT", "A40", "MRG"},
    {"ADT", "A34", "MRG"},  {"ADT", "A18", "MRG"},  {"ADT", "A47", "MRG"},  {"ORU", "", "PID|OBR"}, {"ORU", "", "OBR"},
    {"ORM", "", "ORC|OBR"}, {"OML", "", "ORC|OBR"}, {"OMG", "", "ORC|OBR"}, {"OMI", "", "ORC|OBR"}, {"SIU", "", "SCH"},
    {"DFT", "", "PID"},     {"DFT", "P03", "FT1"},  {"DFT", "P11", "FT1"},  {"BAR", "", "PID"},     {"RDE", "", "PID"},
    {"RDE", "", "RXE|RXO"}, {"RDS", "", "RXD"},     {"RAS", "", "RXA"},     {"VXU", "", "PID"},     {"MDM", "", "PID"},
    {"MDM", "", "TXA"},     {"REF", "", "PID"},     {"PPR", "", "PRB"},     {"PPR", "", "PID"},     {"PGL", "", "GOL"},
    {"OUL", "", "OBR"},
};

bool has_any(const Message& m, std::string_view names) {
    for (std::size_t at = 0; at <= names.size(); at += 4) {
        if (m.find(names.substr(at, 3))) return true;
    }
    return false;
}

struct Least {
    std::string_view name;
    std::uint32_t fields;  // the last field that a whole segment has
};
/// The last required field of a segment: a last segment that ends before it was cut.
constexpr Least least[] = {{"PID", 5}, {"PV1", 2}, {"OBR", 4}, {"OBX", 3}, {"DG1", 3}, {"AL1", 3}, {"FT1", 7}, {"RXA", 5},
                           {"RXE", 3}, {"TXA", 2}, {"IN1", 3}, {"PR1", 3}, {"ORC", 1}, {"SCH", 2}, {"PRB", 3}, {"MRG", 1}};

Result<Done> check_whole(const Message& m, const message::Facts& facts) {
    const std::string_view kind = facts.kind;
    const std::string_view type = kind.substr(0, kind.find('^'));
    const std::string_view event = kind.size() > type.size() ? kind.substr(type.size() + 1) : std::string_view{};
    if (type == "ACK" || type == "NAK" || type == "MCF")
        return refuse(IssueCode::not_supported, "MSH-9", "an acknowledgement holds no record, send it to whoever waits for it");
    for (const Need& each : needs) {
        if (each.type != type || (!each.event.empty() && each.event != event) || has_any(m, each.segments)) continue;
        if (event == "A20" && m.find("NPU")) continue;  // beds have no patient
        return refuse(
            IssueCode::required, std::string(each.segments.substr(0, 3)),
            fmt::format("a {} message needs the segment {}: it is cut off or incomplete, send it whole", kind, each.segments));
    }
    const Segment& last = m.segments.back();
    for (const Least& each : least) {
        if (each.name == last.name && last.count < each.fields && m.segments.size() > 1)
            return refuse(IssueCode::structure, m.place(last, last.count),
                          "the last segment ends before its required fields: the message is cut off, send it whole");
    }
    // An OBX has its status; a last one that lacks it while the others have theirs was cut.
    if (last.name == "OBX" && last.occurrences > 1 && last.count < 11) {
        bool others_whole = true;
        for (const Segment& each : m.segments) {
            if (each.name == "OBX" && &each != &last && each.count < 11) others_whole = false;
        }
        if (others_whole)
            return refuse(IssueCode::structure, m.place(last, last.count),
                          "the last OBX ends before its status: the message is cut off, send it whole");
    }
    return Done{};
}

/// A patient must have a number, or nothing could be filed under them.
Result<Done> check_patients(Conversion& c) {
    for (const Segment& each : c.message.segments) {
        if (each.name != "PID") continue;
        const Seg pid(&c, &each);
        std::string key;
        for (const std::uint32_t field : {3u, 2u, 4u, 18u, 19u}) {
            if (key.empty()) key = best_key(pid[field]);
        }
        if (key.empty())
            return refuse(IssueCode::required, c.message.place(each, 3),
                          "the patient has no number, send the patient's number in the institution");
    }
    return Done{};
}

void walk(Walk& w) {
    const auto& segments = w.c.message.segments;
    for (w.at = 0; w.at < segments.size(); ++w.at) {
        const Seg seg(&w.c, &segments[w.at]);
        for (const Entry& each : entries) {
            if (each.name != seg.name()) continue;
            w.c.at_segment = seg.segment();
            w.c.at_field = 0;
            each.handle(w, seg);
            break;
        }
    }
    w.end_order();
    for (Thing& each : w.c.things) {  // RF1 stands before its PID
        if (each.type == "ServiceRequest" && w.patient) w.place(each);
    }
    end_document(w);
    end_appointment(w);
    end_event(w);
}

enum class As : std::uint8_t { text, tree };

Result<message::Converted> convert_as(As as, const Message& message, const message::Sender& sender, const Tables& tables,
                                      const Limits& limits) {
    XINGLIN_TRY(message::Facts facts, facts_of(message, sender));
    XINGLIN_CHECK(check_whole(message, facts));
    Conversion c(message, sender, tables, limits, std::move(facts));
    XINGLIN_CHECK(check_patients(c));
    if (c.facts.control_id.empty())
        c.note("MSH-10", "the message has no number of its own; it is known by its content alone", "no-number");
    Walk w(c);
    const std::string_view kind = c.facts.kind;
    w.type = kind.substr(0, kind.find('^'));
    if (kind.size() > w.type.size()) w.event = kind.substr(w.type.size() + 1);
    walk(w);
    if (c.things.size() > limits.resources)
        return refuse(IssueCode::too_costly, "message",
                      fmt::format("becomes more than {} resources, split it", limits.resources));
    if (c.things.empty())
        return refuse(IssueCode::not_supported, "MSH-9",
                      fmt::format("a {} message holds nothing that the record keeps", c.facts.kind));
    return as == As::tree ? c.finish_as_tree() : c.finish();
}

}  // namespace

Result<message::Converted> convert(const Message& message, const message::Sender& sender, const Tables& tables,
                                   const Limits& limits) {
    return convert_as(As::text, message, sender, tables, limits);
}

Result<message::Converted> convert(std::string_view bytes, const message::Sender& sender, const Tables& tables,
                                   const Limits& limits) {
    XINGLIN_TRY(const Message message, read(bytes, sender, limits));
    return convert(message, sender, tables, limits);
}

Result<message::Converted> convert_to_tree(std::string_view bytes, const message::Sender& sender, const Tables& tables,
                                           const Limits& limits) {
    XINGLIN_TRY(const Message message, read(bytes, sender, limits));
    return convert_as(As::tree, message, sender, tables, limits);
}

}  // namespace xinglin::hl7v2
