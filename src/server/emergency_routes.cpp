// SPDX-License-Identifier: Apache-2.0
// /api/v1/emergency: a record opened with a reason, for minutes; and whoever looks at that afterwards.
#include "server/consent_json.h"

namespace xinglin::server {

namespace {

void write_down(Visit& visit, int status, std::string_view patient, std::string_view detail) {
    visit.house.write_down(visit.viewer, visit.request, "break-glass", status, "Patient", patient, detail);
}

bool may_open(Visit& visit) {
    const auto& roles = visit.house.consents->settings().emergency.roles;
    for (const access::Role role : roles) {
        if (role == visit.viewer.role) return true;
    }
    visit.refuse(refuse(IssueCode::forbidden, "role", "your role has no emergency access (content/access/emergency.json)"));
    return false;
}

bool may_review(Visit& visit) {
    if (visit.viewer.role == access::Role::auditor || visit.viewer.may_administer()) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "emergencies are reviewed by the security officer (auditor)"));
    return false;
}

/// Who this is, so far as the question needs it: a masked name, sex, year of birth.
void who(Visit& visit) {
    if (!may_open(visit)) return;
    json::Arena arena;
    const json::Value person = masked_person_json(visit, arena, visit.holes[0]);
    write_down(visit, person ? 200 : 404, visit.holes[0], "asked who it is");
    if (!person) return visit.refuse(refuse(IssueCode::not_found, "patient", "there is no such Patient in the record"));
    visit.answer(200, person);
}

void open(Visit& visit) {
    if (!may_open(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    const std::string patient = consent_field(*fields, "patient"), code = consent_field(*fields, "reason_code");
    const auto done = visit.house.consent_desk->open_in_emergency(
        {.patient = patient, .reason_code = code, .reason = consent_field(*fields, "reason")}, visit.viewer);
    write_down(visit, done.ok() ? 200 : http_status(done.outcome().code()), patient,
               done.ok() ? "opened: " + code + " " + done->id : "refused");
    if (!done.ok()) return visit.refuse(done.outcome());
    json::Arena arena;
    visit.answer(200, review_json(visit, arena, *done));
}

void end(Visit& visit) {
    if (!may_open(visit)) return;
    const auto done = visit.house.consent_desk->end_emergency(visit.holes[0], visit.viewer);
    write_down(visit, done.ok() ? 200 : http_status(done.outcome().code()), done.ok() ? done->patient : "", "ended");
    if (!done.ok()) return visit.refuse(done.outcome());
    json::Arena arena;
    visit.answer(200, review_json(visit, arena, *done));
}

void reviews(Visit& visit) {
    if (!may_review(visit)) return;
    const std::string state = visit.parameter("state");
    if (!state.empty() && state != "open" && state != "overdue" && state != "reviewed")
        return visit.refuse(refuse(IssueCode::value, "state", "must be open, overdue or reviewed"));
    json::Arena arena;
    constexpr std::size_t most = 500;
    visit.answer(200, arena.object({{"reviews", reviews_json(visit, arena, visit.house.consent_desk->reviews(state, most))}}));
}

void reviewed(Visit& visit) {
    if (!may_review(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    const auto done = visit.house.consent_desk->review(visit.holes[0], consent_field(*fields, "finding"),
                                                       consent_field(*fields, "note"), visit.viewer.name);
    write_down(visit, done.ok() ? 200 : http_status(done.outcome().code()), done.ok() ? done->patient : "",
               "reviewed: " + consent_field(*fields, "finding").substr(0, 20));
    if (!done.ok()) return visit.refuse(done.outcome());
    json::Arena arena;
    visit.answer(200, review_json(visit, arena, *done));
}

constexpr std::string_view example =
    R"({"id":"emergency-01…","patient":"p1","patient_name":"马**","account":"doctor","display":"李医生","role":"clinician","institution":"人民医院","reason_code":"unconscious","reason":"昏迷送来","at":"…","until":"…","due":"…","state":"open","finding":"","reviewer":"","note":"","reviewed_at":null})";

constexpr Route routes[] = {
    {"POST", "/api/v1/emergency", Who::logged_in,
     "Opens a record in an emergency: for this account, one person, some minutes; the resident sees it at once, and it is "
     "reviewed. Is audited as break-glass.",
     R"({"patient":"p1","reason_code":"unconscious","reason":"昏迷送来，家属不在"})", example, open},
    {"GET", "/api/v1/emergency/person/{id}", Who::logged_in, "Who this is: masked name, sex, year of birth. Is audited.", "",
     R"({"patient":"p1","name":"马**","sex":"female","birth_year":"1990"})", who},
    {"GET", "/api/v1/emergency/reviews", Who::logged_in,
     "For the security officer: what was opened in emergencies. `state`: open, overdue, reviewed.", "", R"({"reviews":[]})",
     reviews},
    {"POST", "/api/v1/emergency/{id}/reviewed", Who::logged_in,
     "For the security officer: justified, unclear (stays open) or abuse, with a note. Nobody reviews one's own. Is audited.",
     R"({"finding":"justified","note":"已核对急诊病历"})", example, reviewed},
    {"POST", "/api/v1/emergency/{id}/end", Who::logged_in, "Ends one's own emergency access before its time. Is audited.", "",
     example, end},
};

}  // namespace

std::span<const Route> emergency_routes() { return routes; }

}  // namespace xinglin::server
