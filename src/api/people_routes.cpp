// SPDX-License-Identifier: Apache-2.0
// /api/v1/people: find a person, the header of a record, revealing what is masked, who looked.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <set>
#include <tuple>

#include "access/audit.h"
#include "api/as_of.h"
#include "api/people_json.h"
#include "api/union.h"
#include "json/json.h"
#include "record/guard.h"
#include "text/text.h"

namespace xinglin::api {
namespace {

Answer json_answer(std::string body) { return http::Response::text(200, "application/json; charset=utf-8", std::move(body)); }

http::Response error_answer(const Exchange& exchange, const Outcome& outcome, int status = 0) {
    note_refusal(exchange, outcome);
    Issue issue;
    for (const Issue& one : outcome.issues) {
        if (one.severity <= Severity::error) {
            issue = one;
            break;
        }
    }
    const std::string error = Object()
                                  .text("code", fhir_code(issue.code))
                                  .text("where", issue.where)
                                  .text("message", issue.what)
                                  .text("trace", exchange.request.trace_id)
                                  .finish();
    auto response = http::Response::text(status ? status : http_status(issue.code), "application/json; charset=utf-8",
                                         Object().raw("error", error).finish());
    if (response.status == 429 || response.status == 503) response.headers.add("Retry-After", "1");
    return response;
}

Result<std::uint32_t> read_count(const Exchange& exchange, std::uint32_t unsaid, std::uint32_t most) {
    const std::string_view text = exchange.parameter("count");
    if (text.empty()) return unsaid;
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size() || count == 0)
        return refuse(IssueCode::value, "count", "must be a whole number above zero");
    return std::min(count, most);
}

std::string person_json(const people::Person& person) {
    return Object()
        .text("id", person.id)
        .text("name", person.name)
        .text("pinyin", person.pinyin)
        .text("sex", person.sex)
        .text("birth_date", person.birth_date)
        .flag("deceased", person.deceased)
        .text("address", person.address)
        .text("identifier", person.identifier)
        .text("phone", person.phone)
        .text("matched", person.matched)
        .flag("closed", person.closed)
        .finish();
}

Answer find(Exchange& exchange) {
    const auto started = std::chrono::steady_clock::now();
    people::Request request{.q = std::string(exchange.parameter("q")), .after = std::string(exchange.parameter("after"))};
    XINGLIN_TRY(request.count, read_count(exchange, 20, 100));
    XINGLIN_TRY(const people::Page page, exchange.house.people.find(exchange.viewer, request));
    std::vector<std::string> people;
    for (const people::Person& person : page.people) people.push_back(person_json(person));
    note(exchange, {.what = "search",
                    .type = fhir::find_resource("Patient"),
                    .detail = "people",
                    .count = static_cast<std::uint32_t>(people.size())});
    const double took_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count();
    return json_answer(Object()
                           .raw("total", page.total ? std::to_string(*page.total) : "null")
                           .raw("took_ms", fmt::format("{:.2f}", took_ms))
                           .number("population", page.population)
                           .raw("people", list(people))
                           .raw("next", page.next.empty() ? "null" : json_text(page.next))
                           .finish());
}

Answer reveal(Exchange& exchange, const std::string& id) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value asked, json::parse(exchange.request.body, arena, {.depth = 10, .bytes = 10'000}));
    const std::string_view field = asked.find("field").string();
    std::size_t index = 0;
    const std::string_view digits = asked.find("index").text();
    std::from_chars(digits.data(), digits.data() + digits.size(), index);
    XINGLIN_TRY(const record::Version version,
                exchange.house.store.reader(exchange.viewer).read(*fhir::find_resource("Patient"), id));
    const json::Value patient = parsed(version, arena);
    std::optional<std::string> value;
    if (field == "identifier" && index < patient.find("identifier").size())
        value = patient.find("identifier")[index].find("value").string();
    if (field == "phone") {
        const auto numbers = phone_numbers(patient);
        if (index < numbers.size()) value = numbers[index];
    }
    if (field == "address" && index == 0) value = people::display_address(patient);
    if (!value || value->empty())
        return refuse(IssueCode::not_found, "field", "this person has no such identifier, phone or address");
    note(exchange, {.what = "reveal",
                    .type = version.type,
                    .id = id,
                    .patient = id,
                    .detail = std::string(field) + ' ' + std::to_string(index)});
    return json_answer(Object().text("value", *value).finish());
}

/// Who looked at any Patient of the person, newest first; a look at several of them at once counts once.
access::Audit::Page looks_at(const Exchange& exchange, const Union& all, std::uint32_t count) {
    access::Audit::Page page = exchange.house.audit.of_patient(all.ids.front(), count);
    if (all.ids.size() == 1) return page;
    std::set<std::tuple<std::int64_t, std::string, std::string, std::string>> seen;
    std::vector<access::Access> looks;
    bool is_all = page.total <= count;
    std::uint64_t most = page.total;
    const auto add = [&](std::vector<access::Access>& some) {
        for (access::Access& one : some)
            if (seen.insert({one.at_ms, one.who, one.what, one.trace_id}).second) looks.push_back(std::move(one));
    };
    add(page.accesses);
    for (std::size_t i = 1; i < all.ids.size(); ++i) {
        access::Audit::Page other = exchange.house.audit.of_patient(all.ids[i], count);
        is_all = is_all && other.total <= count;
        most = std::max(most, other.total);
        add(other.accesses);
    }
    std::stable_sort(looks.begin(), looks.end(), [](const auto& a, const auto& b) { return a.at_ms > b.at_ms; });
    const std::uint64_t total = is_all ? looks.size() : std::max<std::uint64_t>(most, looks.size());  // no fewer than this
    if (looks.size() > count) looks.resize(count);
    return {total, std::move(looks)};
}

/// Read on the program's own account: whose institution it was is told to everyone who is told of the look.
std::string name_of_institution(const Exchange& exchange, const std::string& id) {
    const auto version =
        exchange.house.store.reader(access::Viewer::program("audit")).read(*fhir::find_resource("Organization"), id);
    json::Arena arena;
    if (!version.ok()) return "";
    const auto resource = json::parse(version->body, arena);
    return resource.ok() ? std::string(resource->find("name").string()) : std::string();
}

Answer accesses(Exchange& exchange, const std::string& id) {
    XINGLIN_TRY(const std::uint32_t count, read_count(exchange, 20, 1'000));
    XINGLIN_TRY(const Union all, union_of(exchange, id));
    exchange.house.audit.flush();
    const access::Audit::Page page = looks_at(exchange, all, count);
    std::vector<std::string> rows;
    std::map<std::string, std::string> institutions;
    for (const access::Access& one : page.accesses) {
        const auto [institution, fresh] = institutions.try_emplace(one.institution);
        if (fresh && !one.institution.empty()) institution->second = name_of_institution(exchange, one.institution);
        rows.push_back(Object()
                           .number("row", static_cast<std::uint64_t>(one.row))
                           .text("at", calendar::instant_text(one.at_ms))
                           .text("who", one.who)
                           .text("display", one.display)
                           .text("role", one.role)
                           .text("institution", institution->second)
                           .text("what", one.what)
                           .text("type", one.type)
                           .text("purpose", one.purpose)
                           .text("authorisation", one.authorisation)
                           .text("reason", one.reason)
                           .number("status", static_cast<std::uint64_t>(std::max(one.status, 0)))
                           .finish());
    }
    return json_answer(Object().number("total", page.total).raw("accesses", list(rows)).finish());
}

Answer printed(Exchange& exchange, const std::string& id) {
    const fhir::Type* type = fhir::find_resource("Patient");
    XINGLIN_CHECK(exchange.house.store.reader(exchange.viewer).read(*type, id));
    XINGLIN_TRY(const Union all, union_of(exchange, id));
    for (const std::string& each : all.ids) note(exchange, {.what = "print", .type = type, .id = each, .patient = each});
    http::Response response;
    response.status = 204;
    return response;
}

/// A person whose record is closed to this viewer is refused with a way out, where there is one.
Result<Done> is_open(Exchange& exchange, const std::string& id) {
    if (!exchange.viewer.guard) return Done{};
    const auto decision = exchange.house.store.reader(exchange.viewer).decide(*fhir::find_resource("Patient"), id);
    if (!decision.exists && exchange.viewer.guard->limited) return refuse(IssueCode::not_found, "id", "there is no such person");
    if (!decision.exists || decision.permit) return Done{};
    const bool way_out = exchange.house.options.may_take_emergency && exchange.house.options.may_take_emergency(exchange.viewer);
    note(exchange,
         {.what = "refused", .type = fhir::find_resource("Patient"), .id = id, .patient = id, .status = 403, .count = 0});
    Outcome outcome =
        refuse(IssueCode::forbidden, "patient",
               way_out ? "this record is closed to you; in an emergency open it with a reason" : "this record is closed to you");
    if (way_out) outcome.issues.front().key = "emergency-possible";
    return outcome;
}

Answer answer_people(Exchange& exchange) {
    const auto& path = exchange.path;
    const bool is_post = exchange.request.method == "POST";
    const std::string_view word = path.size() > 1 ? std::string_view(path[1]) : std::string_view();
    // An auditor may see who looked at a record, not the record.
    if (word != "accesses" || exchange.viewer.role != access::Role::auditor)
        XINGLIN_CHECK(may(exchange.viewer, fhir::find_resource("Patient"), path.empty() ? 's' : 'r'));
    if (path.empty() && exchange.is_get()) return find(exchange);
    if (!path.empty() && !ingest::is_id(path[0])) return refuse(IssueCode::not_found, "id", "there is no such person");
    if (!path.empty()) XINGLIN_CHECK(is_open(exchange, path[0]));
    if (path.size() == 1 && exchange.is_get()) return people_header(exchange, path[0]);
    if (path.size() == 2 && word == "reveal" && is_post) return reveal(exchange, path[0]);
    if (path.size() == 2 && word == "printed" && is_post) return printed(exchange, path[0]);
    if (path.size() == 2 && word == "timeline" && exchange.is_get()) return answer_timeline(exchange, path[0]);
    if (path.size() == 2 && word == "accesses" && exchange.is_get()) return accesses(exchange, path[0]);
    return refuse(IssueCode::not_found, exchange.request.path, "there is nothing at this address, or not with this method");
}

}  // namespace

void route_people(Exchange& exchange) {
    exchange.request.headers.set("Accept", "application/json");
    if (auto agreed = negotiate(exchange, "/api/v1/people"); !agreed.ok())
        return exchange.respond(error_answer(exchange, agreed.outcome()));
    Answer answer = answer_people(exchange);
    exchange.respond(answer.ok() ? std::move(answer).value() : error_answer(exchange, answer.outcome()));
}

}  // namespace xinglin::api
