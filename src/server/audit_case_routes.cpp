// SPDX-License-Identifier: Apache-2.0
// /api/v1/audit/cases and /api/v1/audit/mine: what residents ask about looks at their record, and the answers.
#include <charconv>

#include "person/person.h"
#include "server/audit_json.h"

namespace xinglin::server {

namespace {

std::string field(const std::vector<std::pair<std::string, std::string>>& fields, std::string_view name) {
    for (const auto& [key, value] : fields) {
        if (key == name) return value;
    }
    return "";
}
std::int64_t whole(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

bool is_officer(Visit& visit) {
    if (visit.viewer.role == access::Role::auditor) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only auditors answer questions of residents"));
    return false;
}
bool is_resident(Visit& visit) {
    if (!visit.viewer.patient().empty()) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only a resident asks about the own record"));
    return false;
}

/// Every Patient that is the resident.
std::vector<std::string> own(Visit& visit) {
    std::vector<std::string> patients =
        visit.house.persons ? visit.house.persons->patients(visit.viewer.patient()) : std::vector<std::string>{};
    if (std::find(patients.begin(), patients.end(), visit.viewer.patient()) == patients.end())
        patients.emplace_back(visit.viewer.patient());
    return patients;
}

access::Desk& desk(Visit& visit) { return visit.house.security->desk(); }

void note(Visit& visit, const Result<access::Case>& done, std::string_view patient, std::string_view step) {
    visit.house.write_down(visit.viewer, visit.request, "case", done.ok() ? 200 : http_status(done.outcome().code()), "Patient",
                           done.ok() ? std::string_view(done->patient) : patient, step);
}

void answer(Visit& visit, const access::Case& one, int status = 200) {
    json::Arena arena;
    InstitutionNames names(visit.house);
    visit.answer(status, case_json(visit, arena, one, names));
}

void answer_list(Visit& visit, const std::vector<access::Case>& all) {
    json::Arena arena;
    InstitutionNames names(visit.house);
    std::vector<json::Value> list;
    for (const access::Case& one : all) {
        const auto whole_case = desk(visit).find(one.number);
        list.push_back(case_json(visit, arena, whole_case ? *whole_case : one, names));
    }
    visit.answer(200, arena.object({{"cases", arena.array(list)}}));
}

void list(Visit& visit) {
    if (!is_officer(visit)) return;
    const std::string said = visit.parameter("state");
    const auto state = access::parse_case_state(said);
    if (!said.empty() && !state)
        return visit.refuse(refuse(IssueCode::value, "state", "expected open, asked, answered or closed"));
    answer_list(visit, desk(visit).cases({}, state, 200));
}

void one(Visit& visit) {
    if (!is_officer(visit)) return;
    const auto found = desk(visit).find(whole(visit.holes[0]));
    if (!found) return visit.refuse(refuse(IssueCode::not_found, "number", "there is no such case"));
    answer(visit, *found);
}

/// Steps of the officer are ask, answer and close; of the resident again and close.
void step(Visit& visit, bool of_resident) {
    const auto fields = visit.fields();
    if (!fields) return;
    const auto step = access::parse_case_step(field(*fields, "step"));
    const bool theirs = step && (*step == access::Case::Step::close || (*step == access::Case::Step::again) == of_resident);
    if (!theirs)
        return visit.refuse(
            refuse(IssueCode::value, "step", of_resident ? "expected again or close" : "expected ask, answer or close"));
    const auto known = desk(visit).find(whole(visit.holes[0]));
    const std::vector<std::string> mine = of_resident ? own(visit) : std::vector<std::string>{};
    if (!known || (of_resident && std::find(mine.begin(), mine.end(), known->patient) == mine.end()))
        return visit.refuse(refuse(IssueCode::not_found, "number", "there is no such case"));
    const auto moved =
        desk(visit).move(known->number, *step, visit.viewer.name, field(*fields, "words"), visit.house.clock.now_ms());
    note(visit, moved, known->patient, field(*fields, "step"));
    if (!moved.ok()) return visit.refuse(moved.outcome());
    answer(visit, *desk(visit).find(known->number));
}
void officers_step(Visit& visit) {
    if (is_officer(visit)) step(visit, false);
}
void residents_step(Visit& visit) {
    if (is_resident(visit)) step(visit, true);
}

void mine(Visit& visit) {
    if (!is_resident(visit)) return;
    answer_list(visit, desk(visit).cases(own(visit), {}, 100));
}

void open(Visit& visit) {
    if (!is_resident(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    const auto line = line_of_row(visit.house, whole(field(*fields, "row")));
    const auto patients = own(visit);
    if (!line || std::find(patients.begin(), patients.end(), line->patient) == patients.end())
        return visit.refuse(refuse(IssueCode::not_found, "row", "there is no such access to your record"));
    const auto opened = desk(visit).open_case(line->row, line->patient, visit.viewer.name, field(*fields, "question"),
                                              visit.house.clock.now_ms());
    note(visit, opened, line->patient, "open");
    if (!opened.ok()) return visit.refuse(opened.outcome());
    answer(visit, *opened, 201);
}

constexpr std::string_view example =
    R"({"number":1,"opened":"2026-11-22T08:15:00Z","moved":"2026-11-22T09:00:00Z","state":"answered","patient":"p1","opened_by":"zhang","question":"我不认识这位医生","answer":"当天为您会诊的放射科医生","line":{"row":1204},"steps":[{"at":"2026-11-22T08:15:00Z","by":"zhang","step":"open","words":"我不认识这位医生"}]})";

constexpr Route routes[] = {
    {"GET", "/api/v1/audit/cases", Who::logged_in,
     "Questions of residents about looks at their record; state: open, asked, answered, closed.", "", example, list},
    {"GET", "/api/v1/audit/cases/{number}", Who::logged_in, "One of them, with its steps.", "", example, one},
    {"POST", "/api/v1/audit/cases/{number}/step", Who::logged_in, "ask (the one who looked was asked), answer, close.",
     R"({"step":"answer","words":"当天为您会诊的放射科医生"})", example, officers_step},
    {"GET", "/api/v1/audit/mine/cases", Who::logged_in, "A resident's own questions and their answers.", "", example, mine},
    {"POST", "/api/v1/audit/mine/cases", Who::logged_in, "A resident asks about one look at the own record.",
     R"({"row":"1204","question":"我不认识这位医生"})", example, open},
    {"POST", "/api/v1/audit/mine/cases/{number}/step", Who::logged_in, "again (not content with the answer), close.",
     R"({"step":"close","words":""})", example, residents_step},
};

}  // namespace

std::span<const Route> audit_case_routes() { return routes; }

}  // namespace xinglin::server
