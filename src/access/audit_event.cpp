// SPDX-License-Identifier: Apache-2.0
// Lines of the audit as AuditEvents. Which pattern of IHE BALP a line follows, and which codes go with it, stand in one table.
#include "access/audit_event.h"

#include "calendar/calendar.h"
#include "text/text.h"

namespace xinglin::access {

namespace {

constexpr std::string_view rest_types = "http://terminology.hl7.org/CodeSystem/audit-event-type",
                           interactions = "http://hl7.org/fhir/restful-interaction",
                           dicom = "http://dicom.nema.org/resources/ontology/DCM",
                           iso_events = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle",
                           ours = "urn:xinglin:audit-event",
                           participation = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                           reasons = "http://terminology.hl7.org/CodeSystem/v3-ActReason",
                           entity_types = "http://terminology.hl7.org/CodeSystem/audit-entity-type",
                           object_roles = "http://terminology.hl7.org/CodeSystem/object-role",
                           source_types = "http://terminology.hl7.org/CodeSystem/security-source-type",
                           balp_entities = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
                           profiles = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";

struct Coding {
    std::string_view system, code, display;
};
/// What a line tells of, as events are told.
struct Pattern {
    std::string_view what;
    std::string_view profile;  // of BALP, without "Patient" before it; "" for none
    Coding type, subtype;
    char action;  // C R U D E
};

constexpr Coding restful{rest_types, "rest", "RESTful Operation"}, login{dicom, "110114", "User Authentication"},
    exported{dicom, "110106", "Export"}, imported{dicom, "110107", "Import"}, security{dicom, "110113", "Security Alert"};

constexpr Pattern patterns[] = {
    {"read", "Read", restful, {interactions, "read", "read"}, 'R'},
    {"vread", "Read", restful, {interactions, "vread", "vread"}, 'R'},
    {"history", "Read", restful, {interactions, "history-instance", "history-instance"}, 'R'},
    {"reveal", "Read", restful, {ours, "reveal", "a masked value was opened"}, 'R'},
    {"search", "Query", restful, {interactions, "search-type", "search-type"}, 'E'},
    {"everything", "Query", restful, {interactions, "search-type", "search-type"}, 'E'},
    {"create", "Create", restful, {interactions, "create", "create"}, 'C'},
    {"update", "Update", restful, {interactions, "update", "update"}, 'U'},
    {"patch", "Update", restful, {interactions, "patch", "patch"}, 'U'},
    {"delete", "Delete", restful, {interactions, "delete", "delete"}, 'D'},
    {"login", "", login, {dicom, "110122", "Login"}, 'E'},
    {"logout", "", login, {dicom, "110123", "Logout"}, 'E'},
    {"export", "PrivacyDisclosure.Source", exported, {iso_events, "disclose", "Disclose Record Lifecycle Event"}, 'R'},
    {"print", "", exported, {ours, "print", "the record was printed"}, 'R'},
    {"import", "", imported, {iso_events, "receive", "Receive/Retain Record Lifecycle Event"}, 'C'},
    {"break-glass", "", security, {dicom, "110127", "Emergency Override Started"}, 'E'},
};

Pattern pattern_of(const Access& line) {
    for (const Pattern& each : patterns) {
        if (each.what == line.what) return each;
    }
    return {line.what, "", {dicom, "110100", "Application Activity"}, {ours, line.what, line.what}, 'E'};
}

json::Value coding(json::Arena& arena, const Coding& coding) {
    if (coding.code.empty()) return arena.object({{"display", arena.string(coding.display)}});
    return arena.object({{"system", arena.string(coding.system)},
                         {"code", arena.string(coding.code)},
                         {"display", arena.string(coding.display.empty() ? coding.code : coding.display)}});
}
json::Value concept_of(json::Arena& arena, const Coding& one) {
    return arena.object({{"coding", arena.array(std::vector<json::Value>{coding(arena, one)})}});
}
json::Value text_concept(json::Arena& arena, std::string_view text) { return arena.object({{"text", arena.string(text)}}); }
json::Value many(json::Arena& arena, json::Value one) { return arena.array(std::vector<json::Value>{one}); }

using Members = std::vector<std::pair<std::string_view, json::Value>>;

bool is_code(std::string_view text) {
    bool code = !text.empty();
    for (const char c : text) code = code && ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
    return code;
}
/// A purpose of ActReason is written in capitals; what else was said is kept as words.
json::Value purpose_of(json::Arena& arena, std::string_view purpose) {
    return is_code(purpose) ? concept_of(arena, {reasons, purpose, ""}) : text_concept(arena, purpose);
}

json::Value user(json::Arena& arena, const Access& line, char action, const EventNames& names) {
    const Coding kind = action == 'C' || action == 'U' || action == 'D' ? Coding{participation, "AUT", "author (originator)"}
                                                                        : Coding{participation, "IRCP", "information recipient"};
    Members who;
    if (!line.practitioner.empty()) who.emplace_back("reference", arena.string("Practitioner/" + line.practitioner));
    if (!line.who.empty())
        who.emplace_back("identifier",
                         arena.object({{"system", arena.string("urn:xinglin:account")}, {"value", arena.string(line.who)}}));
    who.emplace_back("display", arena.string(!line.display.empty() ? line.display : !line.who.empty() ? line.who : "unknown"));
    Members members{{"type", concept_of(arena, kind)}};
    if (!line.role.empty()) members.emplace_back("role", many(arena, concept_of(arena, {"urn:xinglin:role", line.role, ""})));
    members.emplace_back("who", arena.object(who));
    members.emplace_back("requestor", arena.boolean(true));
    if (!line.authorisation.empty())
        members.emplace_back("policy", many(arena, arena.string("urn:xinglin:authorisation:" + line.authorisation)));
    if (!line.purpose.empty()) members.emplace_back("purposeOfUse", many(arena, purpose_of(arena, line.purpose)));
    if (!line.institution.empty()) {
        Members organization{{"reference", arena.string("Organization/" + line.institution)}};
        if (!names.institution.empty()) organization.emplace_back("display", arena.string(names.institution));
        members.emplace_back("extension", many(arena, arena.object({{"url", arena.string("urn:xinglin:institution")},
                                                                    {"valueReference", arena.object(organization)}})));
    }
    return arena.object(members);
}

json::Value client(json::Arena& arena, const Access& line) {
    return arena.object({{"type", concept_of(arena, {dicom, "110153", "Source Role ID"})},
                         {"who", arena.object({{"display", arena.string("client")}})},
                         {"requestor", arena.boolean(false)},
                         {"network", arena.object({{"address", arena.string(line.peer)}, {"type", arena.string("2")}})}});
}
json::Value server(json::Arena& arena) {
    return arena.object({{"type", concept_of(arena, {dicom, "110152", "Destination Role ID"})},
                         {"who", arena.object({{"display", arena.string("xinglin")}})},
                         {"requestor", arena.boolean(false)}});
}

json::Value entities(json::Arena& arena, const Access& line, const Pattern& pattern) {
    std::vector<json::Value> all;
    const auto add = [&](Coding type, Coding role, Members more) {
        Members members{{"type", coding(arena, type)}, {"role", coding(arena, role)}};
        members.insert(members.begin(), more.begin(), more.end());
        all.push_back(arena.object(members));
    };
    const auto reference = [&](const std::string& to) { return arena.object({{"reference", arena.string(to)}}); };
    if (!line.patient.empty())
        add({entity_types, "1", "Person"}, {object_roles, "1", "Patient"}, {{"what", reference("Patient/" + line.patient)}});
    if (pattern.profile == "Query")
        add({entity_types, "2", "System Object"}, {object_roles, "24", "Query"},
            {{"description",
              arena.string(line.type.empty() ? "names of the parameters" : line.type + ", names of the parameters")},
             {"query", arena.string(text::base64(!line.detail.empty() ? line.detail
                                                 : line.type.empty()  ? line.what
                                                                      : line.type))}});
    else if (!line.type.empty() && !line.id.empty() && !(line.type == "Patient" && line.id == line.patient))
        add({entity_types, "2", "System Object"}, {object_roles, "4", "Domain Resource"},
            {{"what", reference(line.type + "/" + line.id)}});
    else if (!line.detail.empty())
        add({entity_types, "2", "System Object"}, {object_roles, "3", "Report"}, {{"description", arena.string(line.detail)}});
    if (!line.trace_id.empty())
        add({balp_entities, "XrequestId", "X-Request-Id"}, {object_roles, "20", "Job"},
            {{"what", arena.object({{"identifier", arena.object({{"value", arena.string(line.trace_id)}})}})}});
    return arena.array(all);
}

json::Value chain(json::Arena& arena, const Access& line, std::string_view hash, std::string_view before) {
    const auto part = [&](std::string_view url, const std::string& value) {
        return arena.object({{"url", arena.string(url)}, {"valueString", arena.string(value)}});
    };
    std::vector<json::Value> parts{part("line", std::to_string(line.row)), part("hash", hex(hash)), part("before", hex(before))};
    return arena.object({{"url", arena.string(chain_extension)}, {"extension", arena.array(parts)}});
}

/// Of everything that was asked of FHIR or about a person, BALP has two patterns: of a patient, or of none.
std::string profile_of(const Access& line, const Pattern& pattern) {
    if (pattern.profile.empty()) return "";
    const bool is_rest = pattern.type.system == rest_types;
    return std::string(profiles) + (is_rest && !line.patient.empty() ? "Patient" : "") + std::string(pattern.profile);
}

}  // namespace

json::Value audit_event(json::Arena& arena, const Access& line, std::string_view hash, std::string_view before,
                        const EventNames& names) {
    const Pattern pattern = pattern_of(line);
    Members members{{"resourceType", arena.string("AuditEvent")}};
    if (line.row > 0) members.emplace_back("id", arena.string("line-" + std::to_string(line.row)));
    if (const std::string profile = profile_of(line, pattern); !profile.empty())
        members.emplace_back("meta", arena.object({{"profile", many(arena, arena.string(profile))}}));
    if (!hash.empty()) members.emplace_back("extension", many(arena, chain(arena, line, hash, before)));
    members.emplace_back("type", coding(arena, pattern.type));
    members.emplace_back("subtype", many(arena, coding(arena, pattern.subtype)));
    members.emplace_back("action", arena.string(std::string_view(&pattern.action, 1)));
    members.emplace_back("recorded", arena.string(calendar::instant_text(line.at_ms)));
    members.emplace_back("outcome", arena.string(line.status < 400 ? "0" : line.status < 500 ? "4" : "8"));
    const std::string outcome = line.reason.empty() ? line.refused() ? "HTTP " + std::to_string(line.status) : "" : line.reason;
    if (!outcome.empty()) members.emplace_back("outcomeDesc", arena.string(outcome));
    std::vector<json::Value> agents{user(arena, line, pattern.action, names)};
    if (!line.peer.empty()) agents.push_back(client(arena, line));
    agents.push_back(server(arena));
    members.emplace_back("agent", arena.array(agents));
    members.emplace_back("source",
                         arena.object({{"observer", arena.object({{"display", arena.string("xinglin")}})},
                                       {"type", many(arena, coding(arena, {source_types, "4", "Application Server"}))}}));
    if (const json::Value entity = entities(arena, line, pattern); entity.size() > 0) members.emplace_back("entity", entity);
    return arena.object(members);
}

}  // namespace xinglin::access
