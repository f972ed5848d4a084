// SPDX-License-Identifier: Apache-2.0
// /api/v1/audit: who looked, for those who watch over it: search, AuditEvents, a CSV, the chain and what was found unusual.
//
// Auditors do all of it; administrators may read. Who reads the audit stands in it too.
#include <charconv>

#include "access/audit_event.h"
#include "calendar/calendar.h"
#include "server/audit_json.h"
#include "server/spreadsheet.h"

namespace xinglin::server {

namespace {

bool may_see(Visit& visit) {
    if (visit.viewer.role == access::Role::auditor || visit.viewer.may_administer()) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only auditors and administrators see the audit"));
    return false;
}
bool may_judge(Visit& visit) {
    if (visit.viewer.role == access::Role::auditor) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only auditors judge what the audit tells"));
    return false;
}

std::optional<std::int64_t> whole(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

/// A day or a moment, in China's time; its beginning, or its end when it is the end that is asked.
Result<std::int64_t> moment(const std::string& text, std::string_view where, bool end) {
    if (text.empty()) return std::int64_t{0};
    const auto read = calendar::parse_date_time(text);
    if (!read)
        return refuse(IssueCode::value, std::string(where),
                      "expected a day or a moment, 2026-11-22 or 2026-11-22T08:00:00+08:00");
    const auto span = calendar::span_of(*read, 8 * 60);
    return end ? span.high_ms : span.low_ms;
}

struct Wanted {
    access::Audit::Asked asked;
    std::uint32_t count = 50;
    std::int64_t before = 0;
    std::string names;  // of the parameters
};

Result<Wanted> wanted_of(const Visit& visit, std::uint32_t most) {
    Wanted wanted;
    const auto take = [&](std::string_view name) {
        std::string value = visit.parameter(name);
        if (!value.empty()) wanted.names += (wanted.names.empty() ? "" : " ") + std::string(name);
        return value;
    };
    wanted.asked.patient = take("patient");
    wanted.asked.who = take("who");
    wanted.asked.what = take("what");
    wanted.asked.institution = take("institution");
    XINGLIN_TRY(wanted.asked.from_ms, moment(take("from"), "from", false));
    XINGLIN_TRY(wanted.asked.until_ms, moment(take("to"), "to", true));
    const std::string result = take("result"), emergency = take("emergency");
    if (result == "granted") wanted.asked.result = access::Audit::Asked::Result::granted;
    else if (result == "refused") wanted.asked.result = access::Audit::Asked::Result::refused;
    else if (!result.empty()) return refuse(IssueCode::value, "result", "expected granted or refused");
    if (!emergency.empty() && emergency != "true" && emergency != "false")
        return refuse(IssueCode::value, "emergency", "expected true or false");
    wanted.asked.emergency = emergency == "true";
    if (const std::string before = visit.parameter("before"); !before.empty()) {
        const auto row = whole(before);
        if (!row) return refuse(IssueCode::value, "before", "expected the number of a line");
        wanted.before = *row;
    }
    if (const std::string count = visit.parameter("count"); !count.empty()) {
        const auto number = whole(count);
        if (!number || *number < 1 || *number > most)
            return refuse(IssueCode::value, "count", "expected 1 to " + std::to_string(most));
        wanted.count = static_cast<std::uint32_t>(*number);
    }
    return wanted;
}

/// Looks at the audit, and writes down that it did.
std::optional<access::Audit::Found> found_for(Visit& visit, const Result<Wanted>& wanted, std::string_view what) {
    if (!wanted.ok()) {
        visit.refuse(wanted.outcome());
        return std::nullopt;
    }
    visit.house.audit->flush();
    auto found = visit.house.audit->find(wanted->asked, wanted->count, wanted->before);
    visit.house.write_down(visit.viewer, visit.request, what, 200, "", "",
                           wanted->names.empty() ? "audit" : "audit: " + wanted->names);
    return found;
}

void search(Visit& visit) {
    if (!may_see(visit)) return;
    const auto wanted = wanted_of(visit, 500);
    const auto found = found_for(visit, wanted, "audit");
    if (!found) return;
    json::Arena arena;
    InstitutionNames names(visit.house);
    std::vector<json::Value> lines;
    for (const access::Access& line : found->accesses) lines.push_back(line_json(arena, line, names));
    visit.answer(200, arena.object({{"lines", arena.array(lines)},
                                    {"next", found->next > 0 ? arena.number(found->next) : json::Value{}}}));
}

void events(Visit& visit) {
    if (!may_see(visit)) return;
    const auto wanted = wanted_of(visit, 500);
    const auto found = found_for(visit, wanted, "audit");
    if (!found) return;
    json::Arena arena;
    InstitutionNames names(visit.house);
    std::vector<json::Value> entries;
    for (const access::Access& line : found->accesses) {
        const std::string hash = visit.house.audit->hash_of(line.row), before = line.row > 1
                                                                                    ? visit.house.audit->hash_of(line.row - 1)
                                                                                    : std::string(access::hash_bytes, '\0');
        entries.push_back(
            arena.object({{"fullUrl", arena.string("urn:xinglin:audit:" + std::to_string(line.row))},
                          {"resource", access::audit_event(arena, line, hash, before, {names.of(line.institution)})}}));
    }
    std::vector<std::pair<std::string_view, json::Value>> members{{"resourceType", arena.string("Bundle")},
                                                                  {"type", arena.string("searchset")}};
    if (found->next > 0)
        members.emplace_back(
            "link", arena.array(std::vector<json::Value>{
                        arena.object({{"relation", arena.string("next")},
                                      {"url", arena.string("/api/v1/audit/events?before=" + std::to_string(found->next))}})}));
    if (!entries.empty()) members.emplace_back("entry", arena.array(entries));
    auto response = json_response(200, arena.object(members));
    response.headers.set("Content-Type", "application/fhir+json; charset=utf-8");
    visit.respond(std::move(response));
}

/// A cell that no spreadsheet takes for a formula.
std::string cell(std::string_view text) {
    std::string out = "\"";
    if (is_taken_for_a_formula(text)) out += '\'';
    for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + '"';
}

void csv(Visit& visit) {
    if (!may_see(visit)) return;
    auto wanted = wanted_of(visit, 10'000);
    if (wanted.ok() && visit.parameter("count").empty()) wanted->count = 10'000;
    const auto found = found_for(visit, wanted, "export");
    if (!found) return;
    InstitutionNames names(visit.house);
    std::string out =
        "\xef\xbb\xbfline,time,account,name,role,institution,action,type,id,patient,purpose,authorisation,detail,status,reason,"
        "count,address,request\r\n";
    for (const access::Access& line : found->accesses) {
        out += std::to_string(line.row) + ',' + calendar::instant_text(line.at_ms);
        const std::string institution = names.of(line.institution).empty() ? line.institution : names.of(line.institution);
        for (const std::string& text : {line.who, line.display, line.role, institution, line.what, line.type, line.id,
                                        line.patient, line.purpose, line.authorisation, line.detail, std::to_string(line.status),
                                        line.reason, std::to_string(line.count), line.peer, line.trace_id})
            out += ',' + cell(text);
        out += "\r\n";
    }
    auto response = http::Response::text(200, "text/csv; charset=utf-8", std::move(out));
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Content-Disposition", "attachment; filename=\"audit.csv\"");
    visit.respond(std::move(response));
}

json::Value verification_json(json::Arena& arena, const SecurityDesk::Verification& done) {
    std::vector<json::Value> faults;
    for (const access::Fault& fault : done.result.faults) {
        if (faults.size() == 100) break;
        faults.push_back(arena.object({{"kind", arena.string(access::text(fault.kind))},
                                       {"first", arena.number(fault.first)},
                                       {"last", arena.number(fault.last)},
                                       {"at", arena.string(calendar::instant_text(fault.at_ms))},
                                       {"what", arena.string(fault.what)}}));
    }
    return arena.object({{"running", arena.boolean(done.running)},
                         {"at", done.at_ms > 0 ? arena.string(calendar::instant_text(done.at_ms)) : json::Value{}},
                         {"lines", arena.number(static_cast<std::int64_t>(done.result.lines))},
                         {"checkpoints", arena.number(static_cast<std::int64_t>(done.result.checkpoints))},
                         {"good", arena.boolean(done.at_ms > 0 && done.error.empty() && done.result.good())},
                         {"faults_found", arena.number(static_cast<std::int64_t>(done.result.faults_found))},
                         {"faults", arena.array(faults)},
                         {"error", arena.string(done.error)}});
}

void chain(Visit& visit) {
    if (!may_see(visit)) return;
    const auto newest = visit.house.audit->newest_checkpoint();
    json::Arena arena;
    visit.answer(
        200,
        arena.object(
            {{"lines", arena.number(static_cast<std::int64_t>(visit.house.audit->all(0).total))},
             {"checkpoint", newest ? checkpoint_json(arena, *newest) : json::Value{}},
             {"signing_trouble", arena.string(visit.house.audit->signing_trouble())},
             {"verified", verification_json(arena, visit.house.security->verification())},
             {"cases_waiting", arena.number(static_cast<std::int64_t>(visit.house.security->desk().waiting_cases()))},
             {"findings_waiting", arena.number(static_cast<std::int64_t>(visit.house.security->desk().waiting_findings()))}}));
}

void verify(Visit& visit) {
    if (!may_see(visit)) return;
    visit.house.audit->flush();
    visit.house.security->verify();
    visit.house.write_down(visit.viewer, visit.request, "audit", 202, "", "", "audit: verified");
    json::Arena arena;
    visit.answer(202, verification_json(arena, visit.house.security->verification()));
}

void anchor(Visit& visit) {
    if (!may_see(visit)) return;
    const auto checkpoint = visit.house.audit->checkpoint();
    if (!checkpoint)
        return visit.refuse(refuse(IssueCode::not_found, "checkpoint", "nothing is signed yet; see the state of the chain"));
    json::Arena arena;
    visit.answer(200, checkpoint_json(arena, *checkpoint));
}

json::Value words_json(json::Arena& arena, const std::vector<std::pair<std::string, std::string>>& words) {
    std::vector<std::pair<std::string_view, json::Value>> members;
    for (const auto& [language, text] : words) members.emplace_back(language, arena.string(text));
    return arena.object(members);
}

void unusual(Visit& visit) {
    if (!may_see(visit)) return;
    visit.house.audit->flush();
    const std::int64_t left = visit.house.security->judge(2'000);
    json::Arena arena;
    InstitutionNames names(visit.house);
    std::vector<json::Value> rules, findings;
    for (const auto& rule : visit.house.security->rules().rules())
        rules.push_back(arena.object(
            {{"id", arena.string(rule.id)}, {"names", words_json(arena, rule.names)}, {"why", words_json(arena, rule.why)}}));
    for (const access::Finding& one : visit.house.security->desk().findings(visit.parameter("reviewed") == "true", 200)) {
        const auto line = line_of_row(visit.house, one.row);
        const auto facts = json::parse(one.facts, arena);
        findings.push_back(arena.object(
            {{"number", arena.number(one.number)},
             {"rule", arena.string(one.rule)},
             {"facts", facts.ok() ? *facts : arena.object({})},
             {"line", line ? line_json(arena, *line, names) : json::Value{}},
             {"reviewed", one.reviewed_ms > 0 ? arena.string(calendar::instant_text(one.reviewed_ms)) : json::Value{}},
             {"reviewed_by", arena.string(one.reviewed_by)},
             {"note", arena.string(one.note)}}));
    }
    visit.house.write_down(visit.viewer, visit.request, "audit", 200, "", "", "audit: unusual");
    visit.answer(
        200,
        arena.object({{"rules", arena.array(rules)}, {"findings", arena.array(findings)}, {"lines_left", arena.number(left)}}));
}

void review(Visit& visit) {
    if (!may_judge(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    std::string note;
    for (const auto& [name, value] : *fields) {
        if (name == "note") note = value;
    }
    const auto number = whole(visit.holes[0]);
    const auto done = number ? visit.house.security->desk().review(*number, visit.viewer.name, note, visit.house.clock.now_ms())
                             : Result<Done>(refuse(IssueCode::not_found, "number", "there is no such finding"));
    visit.house.write_down(visit.viewer, visit.request, "audit", done.ok() ? 204 : http_status(done.outcome().code()), "",
                           visit.holes[0], "audit: finding reviewed");
    if (!done.ok()) return visit.refuse(done.outcome());
    visit.answer_nothing();
}

constexpr std::string_view line_example =
    R"({"row":1204,"at":"2026-11-22T08:15:00.123Z","who":"doctor","display":"李医生","role":"clinician","institution":"hospital-1","institution_name":"青禾县人民医院","what":"read","type":"Patient","id":"p1","patient":"p1","purpose":"TREAT","authorisation":"","detail":"","status":200,"reason":"","count":1,"peer":"10.0.0.7","trace":"0af7651916cd43dd8448eb211c80319c"})";
const std::string search_example = R"({"lines":[)" + std::string(line_example) + R"(],"next":1203})";

const Route routes[] = {
    {"GET", "/api/v1/audit", Who::logged_in,
     "Lines of the audit, newest first: patient, who, what, institution, from, to, result (granted, refused), emergency, count; "
     "before=next goes on.",
     "", search_example, search},
    {"GET", "/api/v1/audit/events", Who::logged_in,
     "The same lines as a Bundle of FHIR AuditEvents (IHE BALP), each with its place in the chain.", "",
     R"({"resourceType":"Bundle","type":"searchset","entry":[]})", events},
    {"GET", "/api/v1/audit/lines.csv", Who::logged_in, "The same as CSV, at most 10,000 lines; is audited as an export.", "", "",
     csv},
    {"GET", "/api/v1/audit/chain", Who::logged_in, "State of the chain: newest checkpoint, last verification, what waits.", "",
     R"({"lines":1204,"checkpoint":{"checkpoint":3,"line":1200},"signing_trouble":"","verified":{"running":false,"at":"2026-11-22T08:00:00Z","lines":1200,"good":true,"faults":[]},"cases_waiting":1,"findings_waiting":2})",
     chain},
    {"POST", "/api/v1/audit/chain/verify", Who::logged_in,
     "Read the whole chain again, beside everything else; the state tells when it is done.", "", "", verify},
    {"GET", "/api/v1/audit/anchor", Who::logged_in,
     "A signed checkpoint on the newest line, to be kept elsewhere: it names no person.", "",
     R"({"checkpoint":3,"line":1204,"at":"2026-11-22T08:15:00Z","at_ms":1795334100000,"hash":"…","key":"…","signature":"…"})",
     anchor},
    {"GET", "/api/v1/audit/unusual", Who::logged_in,
     "Unusual looks that wait for a review (reviewed=true: the others), with the rule and why.", "",
     R"({"rules":[{"id":"neighbour","names":{"zh-CN":"邻居","en":"Neighbour"},"why":{"en":"…"}}],"findings":[{"number":1,"rule":"neighbour","facts":{"address":"…"},"line":{"row":1204},"reviewed":null,"reviewed_by":"","note":""}],"lines_left":0})",
     unusual},
    {"POST", "/api/v1/audit/unusual/{number}/review", Who::logged_in, "A finding was looked into; what came of it.",
     R"({"note":"family doctor of this village, visit on the same day"})", "", review},
};

}  // namespace

std::span<const Route> audit_routes() { return routes; }

}  // namespace xinglin::server
