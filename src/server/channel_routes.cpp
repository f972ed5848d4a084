// SPDX-License-Identifier: Apache-2.0
// /api/v1/channels: what goes out, to whom, and what became of it.
#include <charconv>

#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

using outbound::Number;

constexpr std::size_t most_shown = 200;
constexpr std::size_t most_payload = 1u << 20;  // of a page; the whole is at /raw

bool may_see(Visit& visit) {
    const bool is_system =
        visit.viewer.role == access::Role::system && visit.viewer.scope.find("system/*.cruds") != std::string::npos;
    if (visit.viewer.may_operate() || is_system) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role",
                        "only administrators, operators, and systems with the scope system/*.cruds, look after channels"));
    return false;
}

/// Where something is sent is for administrators alone: an address is a way out of the house.
bool may_direct(Visit& visit) {
    if (visit.viewer.may_administer()) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only administrators say where something is sent and read what was sent"));
    return false;
}

json::Value body_object(Visit& visit, json::Arena& arena) {
    if (!visit.request.headers.get("Content-Type").starts_with("application/json")) {
        visit.refuse(refuse(IssueCode::invalid, "Content-Type", "send the body as application/json"));
        return {};
    }
    const auto body = json::parse(visit.request.body, arena, {.depth = 10, .bytes = 1u << 20});
    if (!body.ok() || !body->is_object()) {
        visit.refuse(body.ok() ? refuse(IssueCode::invalid, "body", "expected a JSON object") : body.outcome());
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

json::Value instant(std::int64_t ms, json::Arena& arena) {
    return ms == 0 ? arena.null() : arena.string(calendar::instant_text(ms));
}

json::Value counts_json(const outbound::Counts& counts, json::Arena& arena) {
    return arena.object({{"all", arena.number(counts.all())},
                         {"waiting", arena.number(counts.waiting)},
                         {"sent", arena.number(counts.sent)},
                         {"acknowledged", arena.number(counts.acknowledged)},
                         {"refused", arena.number(counts.refused)},
                         {"ignored", arena.number(counts.ignored)},
                         {"withheld", arena.number(counts.withheld)}});
}

json::Value channel_json(const outbound::Channel& channel, const outbound::Health& health, json::Arena& arena) {
    std::vector<std::pair<std::string_view, json::Value>> all;
    for (const json::Member& member : write_channel(channel, arena).members()) all.emplace_back(member.key(), member.value());
    all.emplace_back("built_in", arena.boolean(channel.built_in));
    all.emplace_back("health", arena.object({{"state", arena.string(health.state)},
                                             {"why", arena.string(health.why)},
                                             {"resources", counts_json(health.total, arena)},
                                             {"deliveries_waiting", arena.number(health.deliveries_waiting)},
                                             {"deliveries_refused", arena.number(health.deliveries_refused)},
                                             {"last_acknowledged_at", instant(health.last_acknowledged_ms, arena)},
                                             {"oldest_waiting_at", instant(health.oldest_waiting_ms, arena)},
                                             {"next_try_at", instant(health.next_try_ms, arena)},
                                             {"behind", arena.number(health.behind)}}));
    return arena.object(all);
}

json::Value delivery_json(const outbound::Delivery& one, json::Arena& arena) {
    const auto text_or_null = [&](const std::string& text) { return text.empty() ? arena.null() : arena.string(text); };
    return arena.object({{"id", arena.string(std::to_string(one.number))},
                         {"channel", arena.string(one.channel)},
                         {"control_id", arena.string(one.control_id)},
                         {"state", arena.string(text(one.state))},
                         {"items", arena.number(one.items)},
                         {"created_at", instant(one.created_ms, arena)},
                         {"due_at", one.state == outbound::State::waiting ? instant(one.due_ms, arena) : arena.null()},
                         {"sent_at", instant(one.sent_ms, arena)},
                         {"settled_at", instant(one.settled_ms, arena)},
                         {"attempts", arena.number(one.attempts)},
                         {"bytes", arena.number(one.bytes)},
                         {"where", text_or_null(one.where)},
                         {"reason", text_or_null(one.reason)},
                         {"receipt", text_or_null(one.receipt)},
                         {"file", text_or_null(one.file)}});
}

// ---- Channels ----

void list(Visit& visit) {
    if (!may_see(visit)) return;
    json::Arena arena;
    std::vector<json::Value> all;
    for (const outbound::Health& health : visit.house.outbound->health()) {
        if (const auto channel = visit.house.outbound->channel(health.id)) all.push_back(channel_json(*channel, health, arena));
    }
    visit.answer(200, arena.object({{"channels", arena.array(all)}}));
}

void answer_channel(Visit& visit, int status, const std::string& id) {
    json::Arena arena;
    const auto channel = visit.house.outbound->channel(id);
    const auto health = visit.house.outbound->health(id);
    if (!channel || health.empty()) return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such channel"));
    visit.answer(status, channel_json(*channel, health.front(), arena));
}

void show(Visit& visit) {
    if (may_see(visit)) answer_channel(visit, 200, visit.holes[0]);
}

void write_down(Visit& visit, const Result<Done>& done, int status, const std::string& id, std::string_view what) {
    visit.house.write_down(visit.viewer, visit.request, "channel", done.ok() ? status : http_status(done.outcome().code()), "",
                           id, what);
}

void save(Visit& visit, bool is_new) {
    if (!may_direct(visit)) return;
    json::Arena arena;
    const json::Value body = body_object(visit, arena);
    if (!body) return;
    const auto before = is_new ? std::nullopt : visit.house.outbound->channel(visit.holes[0]);
    if (!is_new && !before) return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such channel"));
    if (!is_new && body["id"] && body["id"].string() != visit.holes[0])
        return visit.refuse(refuse(IssueCode::value, "id", "of a channel never changes; add another channel"));
    // Only content names folders elsewhere; one that stands already may stay.
    const bool trusted = before && before->folder.starts_with('/') && body["target"]["folder"].string() == before->folder;
    auto channel = outbound::read_channel(body, is_new ? outbound::Channel{} : *before, trusted);
    if (!channel.ok()) return visit.refuse(channel.outcome());
    const std::string id = channel->id;
    const auto saved = visit.house.outbound->save(std::move(*channel), is_new, visit.viewer.name);
    write_down(visit, saved, is_new ? 201 : 200, id, is_new ? "added" : "changed");
    if (!saved.ok()) return visit.refuse(saved.outcome());
    answer_channel(visit, is_new ? 201 : 200, id);
}

void add(Visit& visit) { save(visit, true); }
void change(Visit& visit) { save(visit, false); }

void remove(Visit& visit) {
    if (!may_direct(visit)) return;
    const auto removed = visit.house.outbound->remove(visit.holes[0], visit.viewer.name);
    write_down(visit, removed, 204, visit.holes[0], "removed");
    if (!removed.ok()) return visit.refuse(removed.outcome());
    visit.answer_nothing();
}

void set_mode(Visit& visit, outbound::Mode mode, std::string_view what) {
    if (!may_see(visit)) return;
    const auto channel = visit.house.outbound->channel(visit.holes[0]);
    // What has never sent anything begins to: that is an administrator's word.
    if (channel && channel->mode == outbound::Mode::off && !may_direct(visit)) return;
    const auto done = visit.house.outbound->set_mode(visit.holes[0], mode, visit.viewer.name);
    write_down(visit, done, 200, visit.holes[0], what);
    if (!done.ok()) return visit.refuse(done.outcome());
    answer_channel(visit, 200, visit.holes[0]);
}

void pause(Visit& visit) { set_mode(visit, outbound::Mode::paused, "paused"); }
void resume(Visit& visit) { set_mode(visit, outbound::Mode::on, "resumed"); }

void test(Visit& visit) {
    if (!may_direct(visit)) return;
    json::Arena arena;
    const json::Value body = body_object(visit, arena);
    if (!body) return;
    const auto channel = visit.house.outbound->channel(visit.holes[0]);
    if (!channel) return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such channel"));
    const std::string_view resource = body["resource"].string();
    const std::size_t slash = resource.find('/');
    if (!resource.empty() && (slash == std::string_view::npos || slash + 1 == resource.size()))
        return visit.refuse(refuse(IssueCode::value, "resource", "must be Type/id, Encounter/1 for one"));
    const auto type = resource.substr(0, slash), id = resource.empty() ? resource : resource.substr(slash + 1);
    const auto trial = visit.house.outbound->try_out(*channel, type, id, body["connect"].as_bool());
    visit.house.write_down(visit.viewer, visit.request, "channel", trial.ok() ? 200 : http_status(trial.outcome().code()), type,
                           id, "trial of " + channel->id);
    if (!trial.ok()) return visit.refuse(trial.outcome());
    visit.answer(
        200,
        arena.object({{"matches", arena.boolean(trial->matches)},
                      {"why", arena.string(trial->why)},
                      {"content_type", trial->payload ? arena.string(trial->payload->content_type) : arena.null()},
                      {"payload", trial->payload ? arena.string(trial->payload->bytes.substr(0, most_payload)) : arena.null()},
                      {"reachable", trial->reachable ? arena.boolean(*trial->reachable) : arena.null()},
                      {"connection", arena.string(trial->connection)}}));
}

// ---- Deliveries ----

void deliveries(Visit& visit) {
    if (!may_see(visit)) return;
    if (!visit.house.outbound->channel(visit.holes[0]))
        return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such channel"));
    outbound::Wanted wanted{.channel = visit.holes[0]};
    if (const std::string state = visit.parameter("state"); !state.empty()) {
        wanted.state = outbound::parse_state(state);
        if (!wanted.state)
            return visit.refuse(refuse(IssueCode::value, "state", "must be waiting, sent, acknowledged, refused or ignored"));
    }
    if (const std::string after = visit.parameter("after"); !after.empty()) {
        const auto asked = number_of(after);
        if (!asked) return visit.refuse(refuse(IssueCode::value, "after", "must be the `next` of the page before"));
        wanted.before = *asked;
    }
    if (const std::string count = visit.parameter("count"); !count.empty()) {
        const auto asked = number_of(count);
        if (!asked) return visit.refuse(refuse(IssueCode::value, "count", "must be a whole number above 0"));
        wanted.count = std::min(static_cast<std::size_t>(*asked), most_shown);
    }
    const outbound::Page page = visit.house.outbound->find(wanted);
    json::Arena arena;
    std::vector<json::Value> all;
    for (const outbound::Delivery& one : page.deliveries) all.push_back(delivery_json(one, arena));
    visit.answer(200, arena.object({{"deliveries", arena.array(all)},
                                    {"next", page.next == 0 ? arena.null() : arena.string(std::to_string(page.next))}}));
}

/// The delivery an address names, of the channel it names; answers 404 itself.
std::optional<outbound::Delivery> delivery_of(Visit& visit) {
    const auto number = number_of(visit.holes[1]);
    auto found = number ? visit.house.outbound->delivery(*number) : std::nullopt;
    if (!found || found->channel != visit.holes[0]) {
        visit.refuse(refuse(IssueCode::not_found, "id", "there is no such delivery"));
        return std::nullopt;
    }
    return found;
}

void show_delivery(Visit& visit) {
    if (!may_see(visit)) return;
    const auto one = delivery_of(visit);
    if (!one) return;
    json::Arena arena;
    std::vector<json::Value> items, events;
    for (const outbound::Item& item : visit.house.outbound->items(one->number))
        items.push_back(arena.object({{"resource", arena.string(item.type + "/" + item.id)},
                                      {"version", arena.number(item.version)},
                                      {"deleted", arena.boolean(item.deleted)}}));
    for (const outbound::Event& event : visit.house.outbound->events(one->number))
        events.push_back(arena.object({{"at", instant(event.at_ms, arena)},
                                       {"who", arena.string(event.who)},
                                       {"what", arena.string(event.what)},
                                       {"detail", arena.string(event.detail)}}));
    std::vector<std::pair<std::string_view, json::Value>> all;
    const json::Value line = delivery_json(*one, arena);
    for (const json::Member& member : line.members()) all.emplace_back(member.key(), member.value());
    all.emplace_back("resources", arena.array(items));
    all.emplace_back("journey", arena.array(events));
    all.emplace_back("whole", arena.boolean(visit.viewer.may_administer()));
    visit.answer(200, arena.object(all));
}

void raw(Visit& visit) {
    if (!may_direct(visit)) return;
    const auto one = delivery_of(visit);
    if (!one) return;
    auto payload = visit.house.outbound->payload(one->number);
    visit.house.write_down(visit.viewer, visit.request, "delivery", payload ? 200 : 410, "", std::to_string(one->number),
                           one->channel);
    if (!payload)
        return visit.refuse(refuse(IssueCode::deleted, "id", "nothing was sent yet, or what was sent is no longer kept"));
    auto response = http::Response::text(200, "application/octet-stream", std::move(payload->bytes));
    response.headers.set("X-Content-Type", payload->content_type);
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Content-Disposition", "attachment; filename=\"delivery-" + one->control_id + ".txt\"");
    visit.respond(std::move(response));
}

void retry_one(Visit& visit) {
    if (!may_see(visit)) return;
    const auto one = delivery_of(visit);
    if (!one) return;
    const auto done = visit.house.outbound->retry(one->number, visit.viewer.name);
    if (!done.ok()) return visit.refuse(done.outcome());
    json::Arena arena;
    visit.answer(202, delivery_json(visit.house.outbound->delivery(one->number).value_or(*one), arena));
}

void ignore(Visit& visit) {
    if (!may_see(visit)) return;
    json::Arena arena;
    const json::Value body = body_object(visit, arena);
    if (!body) return;
    const auto one = delivery_of(visit);
    if (!one) return;
    const auto done = visit.house.outbound->ignore(one->number, std::string(body["reason"].string()), visit.viewer.name);
    if (!done.ok()) return visit.refuse(done.outcome());
    visit.answer(200, delivery_json(visit.house.outbound->delivery(one->number).value_or(*one), arena));
}

void retry_all(Visit& visit) {
    if (!may_see(visit)) return;
    const auto count = visit.house.outbound->retry_all(visit.holes[0], visit.viewer.name);
    if (!count.ok()) return visit.refuse(count.outcome());
    json::Arena arena;
    visit.answer(202, arena.object({{"retried", arena.number(*count)}}));
}

// ---- Reconciliation ----

std::optional<std::int64_t> asked_day(Visit& visit, const outbound::Channel& channel) {
    const std::string day = visit.parameter("day");
    if (day.empty()) return (visit.house.clock.now_ms() + channel.offset_minutes * std::int64_t{60'000}) / 86'400'000;
    const auto parsed = calendar::parse_date(day);
    if (parsed && parsed->precision == calendar::Precision::day)
        return calendar::days_from_civil(parsed->year, parsed->month, parsed->day);
    visit.refuse(refuse(IssueCode::value, "day", "must be a day, 2026-11-22"));
    return std::nullopt;
}

std::string day_text(std::int64_t day) { return calendar::instant_text(day * 86'400'000).substr(0, 10); }

std::optional<outbound::Reconciliation> reconciled(Visit& visit) {
    if (!may_see(visit)) return std::nullopt;
    const auto channel = visit.house.outbound->channel(visit.holes[0]);
    if (!channel) {
        visit.refuse(refuse(IssueCode::not_found, "id", "there is no such channel"));
        return std::nullopt;
    }
    const auto day = asked_day(visit, *channel);
    if (!day) return std::nullopt;
    auto account = visit.house.outbound->reconcile(channel->id, *day);
    if (!account.ok()) {
        visit.refuse(account.outcome());
        return std::nullopt;
    }
    return std::move(*account);
}

void reconciliation(Visit& visit) {
    const auto account = reconciled(visit);
    if (!account) return;
    json::Arena arena;
    std::vector<json::Value> difference;
    for (const outbound::Open& open : account->difference)
        difference.push_back(
            arena.object({{"state", arena.string(open.state)},
                          {"resource", arena.string(open.item.type + "/" + open.item.id)},
                          {"version", arena.number(open.item.version)},
                          {"delivery", open.delivery == 0 ? arena.null() : arena.string(std::to_string(open.delivery))},
                          {"reason", arena.string(open.reason)}}));
    visit.answer(200, arena.object({{"channel", arena.string(visit.holes[0])},
                                    {"day", arena.string(day_text(account->day))},
                                    {"have", arena.number(account->have)},
                                    {"counted_in_record", arena.boolean(account->counted_in_record)},
                                    {"queued", counts_json(account->counts, arena)},
                                    {"missing", arena.number(account->missing)},
                                    {"balanced", arena.boolean(account->balanced)},
                                    {"difference", arena.array(difference)},
                                    {"difference_is_cut", arena.boolean(account->difference_is_cut)}}));
}

void reconciliation_file(Visit& visit) {
    const auto account = reconciled(visit);
    if (!account) return;
    auto response =
        http::Response::text(200, "text/csv; charset=utf-8", csv_of(*visit.house.outbound->channel(visit.holes[0]), *account));
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Content-Disposition",
                         "attachment; filename=\"reconciliation-" + visit.holes[0] + "-" + day_text(account->day) + ".csv\"");
    visit.respond(std::move(response));
}

constexpr std::string_view channel_example =
    R"({"id":"province","name":"省平台","name_en":"The province","owner":"","organization":"","mode":"on","from":"now",)"
    R"("target":{"kind":"fhir","url":"https://province.example/fhir","login":"bearer","secret":"province-token"},"format":"transaction",)"
    R"("filter":{"types":[{"type":"Encounter","where":"status = 'finished'"}]},"health":{"state":"ok","why":"","deliveries_waiting":0}})";
constexpr std::string_view new_channel =
    R"({"id":"province","name":"省平台","target":{"kind":"fhir","url":"https://province.example/fhir","login":"bearer","secret":"province-token"},)"
    R"("format":"transaction","filter":{"types":[{"type":"Encounter","where":"status = 'finished'"}]}})";
constexpr std::string_view delivery_example =
    R"({"id":"12","channel":"province","control_id":"XABCDE0000000012","state":"refused","items":3,"created_at":"2026-11-22T02:00:00.000Z","due_at":null,"sent_at":"2026-11-22T02:00:01.000Z",)"
    R"("settled_at":"2026-11-22T02:00:01.000Z","attempts":1,"bytes":2000,"where":"HTTP 422","reason":"…","receipt":"HTTP 422: …","file":null})";

constexpr Route routes[] = {
    {"GET", "/api/v1/channels", Who::logged_in,
     "Where things go out, and how it is: state is ok, sending, late, unreachable, refusing, paused or off.", "",
     R"({"channels":[]})", list},
    {"POST", "/api/v1/channels", Who::logged_in, "Add a channel; administrators. Secrets are named, never sent.", new_channel,
     channel_example, add},
    {"GET", "/api/v1/channels/{id}", Who::logged_in, "One channel.", "", channel_example, show},
    {"PUT", "/api/v1/channels/{id}", Who::logged_in, "Change a channel; administrators. Members left out stay.",
     R"({"owner":"信息科"})", channel_example, change},
    {"DELETE", "/api/v1/channels/{id}", Who::logged_in, "Remove a channel without open deliveries; administrators.", "", "",
     remove},
    {"POST", "/api/v1/channels/{id}/pause", Who::logged_in, "Keep what goes out in the queue.", "", channel_example, pause},
    {"POST", "/api/v1/channels/{id}/resume", Who::logged_in, "Send what waits. One that is off begins: administrators.", "",
     channel_example, resume},
    {"POST", "/api/v1/channels/{id}/test", Who::logged_in,
     "What would be sent of one resource, and whether the receiver can be reached; nothing is sent. Administrators, audited.",
     R"({"resource":"Encounter/1","connect":true})",
     R"({"matches":true,"why":"","content_type":"application/fhir+json","payload":"…","reachable":true,"connection":""})", test},
    {"GET", "/api/v1/channels/{id}/deliveries", Who::logged_in, "Deliveries, newest first: ?state &count &after=NEXT.", "",
     R"({"deliveries":[],"next":null})", deliveries},
    {"GET", "/api/v1/channels/{id}/deliveries/{delivery}", Who::logged_in, "One delivery, what is in it and what happened to it.",
     "", delivery_example, show_delivery},
    {"GET", "/api/v1/channels/{id}/deliveries/{delivery}/raw", Who::logged_in,
     "The bytes as they were sent; administrators, audited.", "", "", raw},
    {"POST", "/api/v1/channels/{id}/deliveries/{delivery}/retry", Who::logged_in, "Send a refused delivery again.", "",
     delivery_example, retry_one},
    {"POST", "/api/v1/channels/{id}/deliveries/{delivery}/ignore", Who::logged_in,
     "Settle a refused delivery without sending it.", R"({"reason":"sent by fax"})", delivery_example, ignore},
    {"POST", "/api/v1/channels/{id}/retry", Who::logged_in, "Send all refused deliveries of a channel again.", "",
     R"({"retried":3})", retry_all},
    {"GET", "/api/v1/channels/{id}/reconciliation", Who::logged_in,
     "A day's account: ?day=2026-11-22. What the record has, what became of it, and everything that is not acknowledged.", "",
     R"({"channel":"province","day":"2026-11-22","have":10,"counted_in_record":true,"queued":{"all":10,"waiting":0,"sent":0,"acknowledged":9,"refused":1,"ignored":0,"withheld":0},"missing":0,"balanced":true,"difference":[],"difference_is_cut":false})",
     reconciliation},
    {"GET", "/api/v1/channels/{id}/reconciliation.csv", Who::logged_in, "The same as CSV.", "", "", reconciliation_file},
};

}  // namespace

std::span<const Route> channel_routes() { return routes; }

}  // namespace xinglin::server
