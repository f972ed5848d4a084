// SPDX-License-Identifier: Apache-2.0
// /api/v1/intake: sources, messages, the error queue, the ledger; and the door for senders by HTTP.
#include <charconv>

#include "server/house.h"
#include "server/intake_words.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

using intake::Number;

constexpr std::size_t most_listed = 500;

/// Administrators, and systems that may do everything.
bool runs_platform(const access::Viewer& viewer) {
    return viewer.may_operate() ||
           (viewer.role == access::Role::system && viewer.scope.find("system/*.cruds") != std::string::npos);
}

/// What messages hold, and who may send, is for those who run the platform.
bool may_run(Visit& visit) {
    if (runs_platform(visit.viewer)) return true;
    visit.refuse(
        refuse(IssueCode::forbidden, "role",
               "only administrators, operators, and systems with the scope system/*.cruds, look after sources and messages"));
    return false;
}

std::string who(const Visit& visit) { return visit.viewer.name; }

/// The body as a JSON object in `arena`; answers itself and returns nothing when it is none.
json::Value body_object(Visit& visit, json::Arena& arena) {
    if (!visit.request.headers.get("Content-Type").starts_with("application/json")) {
        visit.refuse(refuse(IssueCode::invalid, "Content-Type", "send the body as application/json"));
        return {};
    }
    const auto body = json::parse(visit.request.body, arena, {.depth = 6, .bytes = 64u << 20});
    if (!body.ok()) {
        visit.refuse(body.outcome());
        return {};
    }
    if (!body->is_object()) {
        visit.refuse(refuse(IssueCode::invalid, "body", "expected a JSON object"));
        return {};
    }
    return *body;
}

std::optional<Number> number_of(std::string_view text) {
    Number number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size() || number < 1) return std::nullopt;
    return number;
}

/// The message an address names; answers 404 itself.
std::optional<intake::Line> message_of(Visit& visit) {
    const auto number = number_of(visit.holes[0]);
    auto line = number ? visit.house.intake->line(*number) : std::nullopt;
    if (!line) visit.refuse(refuse(IssueCode::not_found, "id", "there is no such message"));
    return line;
}

/// An instant or date as a parameter; 0 when absent.
Result<std::int64_t> time_of(const Visit& visit, std::string_view name, bool end) {
    const std::string text = visit.parameter(name);
    if (text.empty()) return std::int64_t{0};
    const auto moment = calendar::parse_date_time(text, true);
    if (!moment)
        return refuse(IssueCode::value, std::string(name), "must be a date or instant, 2026-11-22 or 2026-11-22T08:00:00+08:00");
    const calendar::Span span = calendar::span_of(*moment, visit.house.intake->new_source().offset_minutes);
    const bool is_day = moment->precision <= calendar::Precision::day;
    return end && is_day ? span.high_ms : span.low_ms;
}

// ---- Sources ----

void list_sources(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    const auto health = visit.house.intake->health();
    for (const intake::Health& one : health) {
        if (const auto source = visit.house.intake->source(one.id)) all.push_back(source_json(*source, one, arena));
    }
    visit.answer(200, arena.object({{"sources", arena.array(all)}}));
}

void answer_source(Visit& visit, int status, const std::string& id) {
    json::Arena arena;
    const auto health = visit.house.intake->health(id);
    const auto source = visit.house.intake->source(id);
    if (health.empty() || !source) return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such source"));
    visit.answer(status, source_json(*source, health.front(), arena));
}

void show_source(Visit& visit) { answer_source(visit, 200, visit.holes[0]); }

void save_source(Visit& visit, bool is_new) {
    if (!may_run(visit)) return;
    json::Arena arena;
    const json::Value body = body_object(visit, arena);
    if (!body) return;
    const auto before = is_new ? std::nullopt : visit.house.intake->source(visit.holes[0]);
    if (!is_new && !before) return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such source"));
    if (!is_new && body["id"] && body["id"].string() != visit.holes[0])
        return visit.refuse(refuse(IssueCode::value, "id", "of a source never changes; add another source"));
    auto source = intake::read_source(body, is_new ? visit.house.intake->new_source() : *before);
    if (!source.ok()) return visit.refuse(source.outcome());
    const auto saved = visit.house.intake->save_source(*source, is_new);
    visit.house.write_down(visit.viewer, visit.request, "source", saved.ok() ? 200 : http_status(saved.outcome().code()), "",
                           source->id, is_new ? "added" : "changed");
    if (!saved.ok()) return visit.refuse(saved.outcome());
    answer_source(visit, is_new ? 201 : 200, source->id);
}

void add_source(Visit& visit) { save_source(visit, true); }
void change_source(Visit& visit) { save_source(visit, false); }

void remove_source(Visit& visit) {
    if (!may_run(visit)) return;
    const auto removed = visit.house.intake->remove_source(visit.holes[0]);
    visit.house.write_down(visit.viewer, visit.request, "source", removed.ok() ? 204 : http_status(removed.outcome().code()), "",
                           visit.holes[0], "removed");
    if (!removed.ok()) return visit.refuse(removed.outcome());
    visit.answer_nothing();
}

void hours(Visit& visit) {
    if (!visit.house.intake->source(visit.holes[0]))
        return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such source"));
    const std::string asked = visit.parameter("days");
    const auto days = asked.empty() ? std::optional<Number>(7) : number_of(asked);
    if (!days || *days > 366) return visit.refuse(refuse(IssueCode::value, "days", "must be a whole number from 1 to 366"));
    json::Arena arena;
    std::vector<json::Value> all;
    for (const intake::HourLine& hour : visit.house.intake->hours(visit.holes[0], static_cast<int>(*days))) {
        all.push_back(
            arena.object({{"at", arena.string(calendar::instant_text(hour.at_ms))},
                          {"received", arena.number(hour.counts.received)},
                          {"stored", arena.number(hour.counts.stored)},
                          {"rejected", arena.number(hour.counts.rejected)},
                          {"duplicate", arena.number(hour.counts.duplicate)},
                          {"expected", hour.expected ? arena.number(fmt::format("{:.1f}", *hour.expected)) : arena.null()}}));
    }
    visit.answer(200, arena.object({{"hours", arena.array(all)}}));
}

// ---- Messages ----

json::Value receipt_json(const intake::Receipt& receipt, json::Arena& arena) {
    return arena.object({{"id", arena.string(std::to_string(receipt.number))},
                         {"source", arena.string(receipt.source)},
                         {"state", arena.string(intake::text(receipt.state))},
                         {"of", receipt.of == 0 ? arena.null() : arena.string(std::to_string(receipt.of))},
                         {"where", receipt.where.empty() ? arena.null() : arena.string(receipt.where)},
                         {"reason", receipt.reason.empty() ? arena.null() : arena.string(receipt.reason)}});
}

int status_of(intake::State state, bool is_settled) {
    if (state == intake::State::rejected) return 422;
    return state == intake::State::duplicate || is_settled ? 200 : 202;
}

void take_message(Visit& visit) {
    const bool has_post = !visit.viewer.institution.empty() || !visit.viewer.area.empty();  // a message tells of anybody
    if ((!visit.viewer.may_write() || has_post) && !runs_platform(visit.viewer))
        return visit.refuse(refuse(IssueCode::forbidden, "role", "your role may not write"));
    const std::string wait = visit.parameter("wait");
    if (!wait.empty() && wait != "stored") return visit.refuse(refuse(IssueCode::value, "wait", "must be stored, or left out"));
    const std::string source = visit.parameter("source");
    if (source.empty()) return visit.refuse(refuse(IssueCode::required, "source", "is missing; ?source=ID says who sends"));
    if (const auto known = visit.house.intake->source(source); known && known->kind == "folder")
        return visit.refuse(refuse(IssueCode::conflict, "source", "sends by a watched folder; put the file there"));
    intake::Arrival arrival{.source = source, .bytes = std::move(visit.request.body)};
    // Shared: two callbacks, of which the second answers when the sender waits until it is stored.
    const auto receipt = std::make_shared<intake::Receipt>();
    if (!wait.empty()) {
        arrival.settled = [respond = visit.respond, receipt](const intake::Settled& end) {
            json::Arena arena;
            receipt->state = end.state;
            receipt->where = end.where;
            receipt->reason = end.reason;
            if (end.state != intake::State::duplicate)
                respond(json_response(status_of(end.state, true), receipt_json(*receipt, arena)));
        };
    }
    visit.house.intake->receive(std::move(arrival), [respond = visit.respond, trace = visit.request.trace_id, receipt,
                                                     waits = !wait.empty()](Result<intake::Receipt> taken) {
        if (!taken.ok()) return respond(error_response(taken.outcome(), trace));
        *receipt = *taken;
        if (waits && (taken->state == intake::State::waiting || taken->state == intake::State::rejected)) return;
        json::Arena arena;
        respond(json_response(status_of(taken->state, false), receipt_json(*taken, arena)));
    });
}

void list_messages(Visit& visit) {
    if (!may_run(visit)) return;
    intake::Wanted wanted{.source = visit.parameter("source"),
                          .kind = visit.parameter("kind"),
                          .text = visit.parameter("text"),
                          .control_id = visit.parameter("control_id"),
                          .patient = visit.parameter("patient")};
    if (const std::string state = visit.parameter("state"); !state.empty()) {
        wanted.state = intake::parse_state(state);
        if (!wanted.state)
            return visit.refuse(refuse(IssueCode::value, "state", "must be waiting, stored, rejected, duplicate or ignored"));
    }
    if (!wanted.patient.empty() && wanted.source.empty())
        return visit.refuse(refuse(IssueCode::required, "source", "is missing; a patient's number is known to one source only"));
    const auto from = time_of(visit, "from", false), to = time_of(visit, "to", true);
    if (!from.ok()) return visit.refuse(from.outcome());
    if (!to.ok()) return visit.refuse(to.outcome());
    wanted.from_ms = *from;
    wanted.to_ms = *to;
    if (const std::string count = visit.parameter("count"); !count.empty()) {
        const auto asked = number_of(count);
        if (!asked) return visit.refuse(refuse(IssueCode::value, "count", "must be a whole number above 0"));
        wanted.count = std::min(static_cast<std::size_t>(*asked), most_listed);
    }
    if (const std::string after = visit.parameter("after"); !after.empty()) {
        const auto asked = number_of(after);
        if (!asked) return visit.refuse(refuse(IssueCode::value, "after", "must be the `next` of the page before"));
        wanted.before = *asked;
    }
    const intake::Page page = visit.house.intake->find(wanted);
    json::Arena arena;
    std::vector<json::Value> all;
    for (const intake::Line& line : page.lines) all.push_back(line_json(line, arena));
    visit.answer(200, arena.object({{"messages", arena.array(all)},
                                    {"next", page.next == 0 ? arena.null() : arena.string(std::to_string(page.next))},
                                    {"total", arena.number(page.total)},
                                    {"total_is_least", arena.boolean(page.total_is_least)}}));
}

/// Came something from this message that the viewer may see? That it came, when and from whom, is of the record too.
bool sees_any_of(Visit& visit, const intake::Line& line) {
    if (!visit.viewer.guard) return true;
    const std::string source = "urn:xinglin:source:" + line.source + "#" + line.control_id;
    record::Reader reader = visit.house.store->reader(visit.viewer);
    for (const record::TypeCount& each : visit.house.store->reader(access::Viewer::program("message")).type_counts()) {
        const auto query =
            search::parse(std::span(&each.type, 1), std::vector<std::pair<std::string, std::string>>{{"_source", source}});
        if (!query.ok()) continue;
        const auto found = reader.count(*query);
        if (found.ok() && *found > 0) return true;
    }
    return false;
}

void show_message(Visit& visit) {
    const bool whole = runs_platform(visit.viewer);
    if (!whole && !visit.viewer.may_read() && !may_run(visit)) return;
    const auto line = message_of(visit);
    if (!line) return;
    if (!whole && !sees_any_of(visit, *line)) return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such message"));
    if (whole)
        visit.house.write_down(visit.viewer, visit.request, "message", 200, "", std::to_string(line->number), line->source);
    json::Arena arena;
    visit.answer(200, message_json(*visit.house.intake, *line, whole, arena));
}

void show_raw(Visit& visit) {
    if (!may_run(visit)) return;
    const auto line = message_of(visit);
    if (!line) return;
    auto raw = visit.house.intake->raw(line->number);
    visit.house.write_down(visit.viewer, visit.request, "message", raw ? 200 : 410, "", std::to_string(line->number),
                           line->source);
    if (!raw) return visit.refuse(refuse(IssueCode::deleted, "id", "the raw message is no longer kept"));
    auto response = http::Response::text(200, "application/octet-stream", std::move(*raw));
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Content-Disposition", "attachment; filename=\"message-" + std::to_string(line->number) + ".txt\"");
    visit.respond(std::move(response));
}

// ---- The error queue ----

void answer_line(Visit& visit, int status, Number number) {
    json::Arena arena;
    const auto line = visit.house.intake->line(number);
    visit.answer(status, line ? line_json(*line, arena) : arena.object({}));
}

void retry(Visit& visit) {
    if (!may_run(visit)) return;
    const auto line = message_of(visit);
    if (!line) return;
    const auto done = visit.house.intake->retry(line->number, who(visit));
    if (!done.ok()) return visit.refuse(done.outcome());
    answer_line(visit, 202, line->number);
}

void ignore(Visit& visit) {
    if (!may_run(visit)) return;
    json::Arena arena;
    const json::Value body = body_object(visit, arena);
    if (!body) return;
    const auto line = message_of(visit);
    if (!line) return;
    const auto done = visit.house.intake->ignore(line->number, std::string(body["reason"].string()), who(visit));
    if (!done.ok()) return visit.refuse(done.outcome());
    answer_line(visit, 200, line->number);
}

void resubmit(Visit& visit) {
    if (!may_run(visit)) return;
    json::Arena arena;
    const json::Value body = body_object(visit, arena);
    if (!body) return;
    const auto line = message_of(visit);
    if (!line) return;
    const auto receipt = visit.house.intake->resubmit(line->number, std::string(body["text"].string()),
                                                      std::string(body["reason"].string()), who(visit));
    if (!receipt.ok()) return visit.refuse(receipt.outcome());
    visit.answer(status_of(receipt->state, false), receipt_json(*receipt, arena));
}

void list_errors(Visit& visit) {
    if (!may_run(visit)) return;
    json::Arena arena;
    std::vector<json::Value> all;
    for (const intake::ErrorGroup& group : visit.house.intake->errors(visit.parameter("source"))) {
        all.push_back(arena.object({{"source", arena.string(group.source)},
                                    {"where", arena.string(group.where)},
                                    {"reason", arena.string(group.reason)},
                                    {"count", arena.number(group.count)},
                                    {"first_at", arena.string(calendar::instant_text(group.first_ms))},
                                    {"last_at", arena.string(calendar::instant_text(group.last_ms))},
                                    {"example", arena.string(std::to_string(group.example))}}));
    }
    visit.answer(200, arena.object({{"groups", arena.array(all)}}));
}

void retry_group(Visit& visit) {
    if (!may_run(visit)) return;
    json::Arena arena;
    const json::Value body = body_object(visit, arena);
    if (!body) return;
    const auto text = [&](std::string_view name) { return std::string(body[name].string()); };
    const auto done = visit.house.intake->retry_all(text("source"), text("where"), text("reason"), who(visit));
    if (!done.ok()) return visit.refuse(done.outcome());
    visit.answer(202, arena.object({{"retried", arena.number(*done)}}));
}

// ---- The ledger ----

std::optional<std::string> asked_day(Visit& visit) {
    std::string day = visit.parameter("day");
    if (day.empty()) {
        const std::int64_t local_ms =
            visit.house.clock.now_ms() + visit.house.intake->new_source().offset_minutes * std::int64_t{60'000};
        day = calendar::instant_text(local_ms).substr(0, 10);
    }
    if (day_number(day)) return day;
    visit.refuse(refuse(IssueCode::value, "day", "must be a day, 2026-11-22"));
    return std::nullopt;
}

void ledger(Visit& visit) {
    const auto day = asked_day(visit);
    if (!day) return;
    json::Arena arena;
    visit.answer(200, ledger_json(*day, visit.house.intake->day(*day_number(*day), visit.parameter("source")), arena));
}

void ledger_file(Visit& visit) {
    const auto day = asked_day(visit);
    if (!day) return;
    auto response = http::Response::text(200, "text/csv; charset=utf-8",
                                         ledger_csv(*day, visit.house.intake->day(*day_number(*day), visit.parameter("source"))));
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Content-Disposition", "attachment; filename=\"ledger-" + *day + ".csv\"");
    visit.respond(std::move(response));
}

void replay(Visit& visit) {
    if (!may_run(visit)) return;
    json::Arena arena;
    const json::Value body = body_object(visit, arena);
    if (!body) return;
    const auto instant = [&](std::string_view name, std::int64_t absent) -> Result<std::int64_t> {
        if (!body[name]) return absent;
        const auto moment = calendar::parse_date_time(body[name].string(), true);
        if (!moment) return refuse(IssueCode::value, std::string(name), "must be a date or instant, 2026-11-22T08:00:00+08:00");
        return calendar::span_of(*moment, visit.house.intake->new_source().offset_minutes).low_ms;
    };
    const auto from = instant("from", 0), to = instant("to", calendar::end_of_time_ms);
    if (!from.ok()) return visit.refuse(from.outcome());
    if (!to.ok()) return visit.refuse(to.outcome());
    const auto given = visit.house.intake->replay(std::string(body["source"].string()), *from, *to);
    visit.house.write_down(visit.viewer, visit.request, "replay", given.ok() ? 202 : http_status(given.outcome().code()), "", "",
                           body["source"].string());
    if (!given.ok()) return visit.refuse(given.outcome());
    visit.answer(202, arena.object({{"replayed", arena.number(*given)}}));
}

constexpr std::string_view source_example =
    R"({"id":"hospital-7","name":"…","kind":"mllp","format":"hl7v2","organization":"","state":"ok","why":"","paused":false,"last_at":"2026-11-22T02:00:00.000Z",)"
    R"("received":10,"stored":8,"rejected":1,"duplicate":1,"ignored":0,"waiting":0,"today":{"received":10,"stored":8,"rejected":1,"duplicate":1,"ignored":0,"waiting":0},)"
    R"("latency_ms":{"p50":4.0,"p99":20.0},"expected_hour":60.0,"this_hour":58,"clock_minutes":0,"clock_wrong":false,"settings":{"senders":["HIS^H7"]}})";
constexpr std::string_view line_example =
    R"({"id":"12","source":"hospital-7","kind":"ADT^A01","control_id":"4711","state":"stored","received_at":"2026-11-22T02:00:00.000Z","sent_at":null,"stored_at":null,"where":null,"reason":null,"bytes":600,"of":null})";
constexpr std::string_view ledger_example =
    R"({"day":"2026-11-22","lines":[{"source":"hospital-7","received":10,"stored":8,"rejected":1,"duplicate":1,"waiting":0,"ignored":0,"balanced":true}]})";

constexpr Route routes[] = {
    {"GET", "/api/v1/intake/sources", Who::logged_in,
     "Who sends messages, and how they are: state is ok, late, silent, failing or paused.", "", R"({"sources":[]})",
     list_sources},
    {"POST", "/api/v1/intake/sources", Who::logged_in, "Add a source.",
     R"({"id":"hospital-7","name":"…","kind":"mllp","format":"hl7v2","settings":{"senders":["HIS^H7"]}})", source_example,
     add_source},
    {"GET", "/api/v1/intake/sources/{id}", Who::logged_in, "One source.", "", source_example, show_source},
    {"PUT", "/api/v1/intake/sources/{id}", Who::logged_in, "Change a source; members left out stay.", R"({"paused":true})",
     source_example, change_source},
    {"DELETE", "/api/v1/intake/sources/{id}", Who::logged_in,
     "Remove a source without open messages; its lines stay in the ledger.", "", "", remove_source},
    {"GET", "/api/v1/intake/sources/{id}/hours", Who::logged_in, "Counts by hour: ?days=7; expected is null without a habit.", "",
     R"({"hours":[{"at":"2026-11-22T02:00:00.000Z","received":10,"stored":8,"rejected":1,"duplicate":1,"expected":12.0}]})",
     hours},
    {"POST", "/api/v1/intake/messages", Who::logged_in,
     "Send a message: ?source=ID. 202 when it is on disk, 200 a duplicate, 422 rejected at sight; &wait=stored answers when it "
     "is in "
     "the record (200) or why not (422).",
     "the bytes of one message in the source's format",
     R"({"id":"12","source":"clinic","state":"waiting","of":null,"where":null,"reason":null})", take_message},
    {"GET", "/api/v1/intake/messages", Who::logged_in,
     "Messages, newest first: ?source &state &kind &from &to &text &control_id &patient (the sender's own number, with source) "
     "&count "
     "&after=NEXT.",
     "", R"({"messages":[],"next":null,"total":0,"total_is_least":false})", list_messages},
    {"GET", "/api/v1/intake/messages/{id}", Who::logged_in,
     "One message; administrators and operators also get raw, segments, notes and resources, which is audited.", "", line_example,
     show_message},
    {"GET", "/api/v1/intake/messages/{id}/raw", Who::logged_in, "The bytes as they came; administrators, audited.", "", "",
     show_raw},
    {"POST", "/api/v1/intake/messages/{id}/retry", Who::logged_in, "Convert and store a rejected message again.", "",
     line_example, retry},
    {"POST", "/api/v1/intake/messages/{id}/ignore", Who::logged_in, "Settle a rejected message without storing it.",
     R"({"reason":"a test of the vendor"})", line_example, ignore},
    {"POST", "/api/v1/intake/messages/{id}/resubmit", Who::logged_in,
     "Send an edited text in place of a rejected message, which becomes ignored.",
     R"({"text":"MSH|…","reason":"birth date mended"})",
     R"({"id":"13","source":"clinic","state":"waiting","of":"12","where":null,"reason":null})", resubmit},
    {"GET", "/api/v1/intake/errors", Who::logged_in, "Rejected messages by source, place and reason: ?source.", "",
     R"({"groups":[{"source":"clinic","where":"PID-7","reason":"…","count":3,"first_at":"2026-11-22T02:00:00.000Z","last_at":"2026-11-22T02:00:00.000Z","example":"12"}]})",
     list_errors},
    {"POST", "/api/v1/intake/errors/retry", Who::logged_in, "Retry a group of rejected messages; empty members mean any.",
     R"({"source":"clinic","where":"PID-7","reason":"…"})", R"({"retried":3})", retry_group},
    {"GET", "/api/v1/intake/ledger", Who::logged_in,
     "The ledger of a day: ?day=2026-11-22 &source. balanced: received is the sum of the others, and the messages themselves say "
     "so.",
     "", ledger_example, ledger},
    {"GET", "/api/v1/intake/ledger.csv", Who::logged_in, "The same as CSV.", "", "", ledger_file},
    {"POST", "/api/v1/intake/replay", Who::logged_in,
     "Store again, in order, what was received from `from` up to before `to`; what the record has from later messages stays.",
     R"({"source":"clinic","from":"2026-11-22T00:00:00+08:00","to":"2026-11-23T00:00:00+08:00"})", R"({"replayed":120})", replay},
};

}  // namespace

std::span<const Route> intake_routes() { return routes; }

}  // namespace xinglin::server
