// SPDX-License-Identifier: Apache-2.0
// /api/v1/persons: the person index. Persons with all their records and history, the queue of questions, decisions and their undoing.
//
// Read by who may read records, decided by who may write them; every look at a person is written down.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "people/people.h"
#include "person/person.h"
#include "person/survivor.h"
#include "server/house.h"
#include "server/route.h"
#include "server/small_counts.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

constexpr std::string_view resident_system = "urn:oid:2.16.156.10011.1.3";

bool may_see(Visit& visit) {
    const access::Viewer& viewer = visit.viewer;
    const bool by_scope = viewer.role == access::Role::system && access::scope_allows(viewer.scope, "Patient", 's');
    const bool by_role = viewer.role != access::Role::system && viewer.role != access::Role::resident && viewer.may_read();
    // The desk asks about everybody; who works for one institution or area sees persons one by one, as far as their records are open.
    const bool administers = viewer.role == access::Role::administrator;
    const bool has_part = viewer.guard && (administers || !viewer.institution.empty() || !viewer.area.empty());
    const bool is_one =
        visit.holes.size() == 1 && visit.request.method == "GET" && !visit.request.path.starts_with("/api/v1/persons/queue");
    if (has_part && !is_one && visit.request.path != "/api/v1/persons") {
        visit.refuse(refuse(IssueCode::forbidden, "institution",
                            "the person index is worked on by accounts that see the records of the whole region"));
        return false;
    }
    if (by_scope || by_role) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only those who may read everybody's records see the person index"));
    return false;
}

bool may_decide(Visit& visit) {
    if (!may_see(visit)) return false;
    const access::Viewer& viewer = visit.viewer;
    if (viewer.role == access::Role::system ? access::scope_allows(viewer.scope, "Patient", 'u') : viewer.may_write())
        return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only those who may write records decide who is one person"));
    return false;
}

json::Value moment(json::Arena& arena, std::int64_t ms) {
    return ms > 0 ? arena.string(calendar::instant_text(ms)) : arena.null();
}

json::Value probability_json(json::Arena& arena, double probability) { return arena.number(fmt::format("{:.4f}", probability)); }

json::Value weights_json(json::Arena& arena, const std::vector<identity::Weight>& weights) {
    std::vector<json::Value> all;
    for (const identity::Weight& each : weights)
        all.push_back(arena.object({{"field", arena.string(each.field)},
                                    {"level", arena.string(each.level)},
                                    {"weight", arena.number(fmt::format("{:.2f}", each.weight))}}));
    return arena.array(all);
}

/// A Patient as the desk shows it beside others: numbers masked.
json::Value patient_json(Visit& visit, json::Arena& arena, record::Reader& reader, const std::string& id,
                         const person::Member* member) {
    const auto version = reader.read(*fhir::find_resource("Patient"), id);
    std::vector<std::pair<std::string_view, json::Value>> members{{"id", arena.string(id)}};
    if (member) {
        members.emplace_back("arrived_at", moment(arena, member->at_ms));
        const auto source = visit.house.intake->source(member->source);
        members.emplace_back("source", arena.string(member->source));
        members.emplace_back("source_name", arena.string(source && !source->name.empty() ? source->name : member->source));
    }
    members.emplace_back("live", arena.boolean(version.ok()));
    if (!version.ok()) return arena.object(members);
    const auto parsed = json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1});
    if (!parsed.ok()) return arena.object(members);
    const people::Person one = people::summary(*parsed);
    std::string number;  // the identity number, no other
    for (const json::Node& node : (*parsed)["identifier"].items()) {
        const json::Value identifier(&node);
        if (identifier["system"].string() == resident_system) number = text::mask_identifier(identifier["value"].string());
    }
    members.emplace_back("name", arena.string(one.name));
    members.emplace_back("pinyin", arena.string(one.pinyin));
    members.emplace_back("sex", arena.string(one.sex));
    members.emplace_back("birth_date", arena.string(one.birth_date));
    members.emplace_back("identifier", arena.string(number));
    members.emplace_back("phone", arena.string(one.phone));
    members.emplace_back("address", arena.string(one.address));
    members.emplace_back("deceased", arena.boolean(one.deceased));
    members.emplace_back("updated_at", moment(arena, version->updated_ms));
    return arena.object(members);
}

json::Value task_json(json::Arena& arena, const person::Task& task) {
    return arena.object({{"number", arena.number(task.number)},
                         {"kind", arena.string(task.kind)},
                         {"a", arena.string(task.a)},
                         {"b", arena.string(task.b)},
                         {"probability", probability_json(arena, task.probability)},
                         {"weights", weights_json(arena, task.weights)},
                         {"state", arena.string(task.state)},
                         {"opened_at", moment(arena, task.opened_ms)},
                         {"closed_at", moment(arena, task.closed_ms)},
                         {"later_until", moment(arena, task.later_ms)},
                         {"claimed_by", arena.string(task.claimed_by)},
                         {"claimed_at", moment(arena, task.claimed_ms)},
                         {"proposal", arena.string(task.proposal)},
                         {"proposed_by", arena.string(task.proposed_by)}});
}

json::Value line_json(json::Arena& arena, const person::Line& line) {
    std::vector<json::Value> members;
    for (const std::string& each : line.members) members.push_back(arena.string(each));
    return arena.object({{"decision", arena.string(line.id)},
                         {"kind", arena.string(line.kind)},
                         {"a", arena.string(line.a)},
                         {"b", arena.string(line.b)},
                         {"members", arena.array(members)},
                         {"target", arena.string(line.target)},
                         {"who", arena.string(line.who)},
                         {"why", arena.string(line.why)},
                         {"at", moment(arena, line.at_ms)},
                         {"undone", arena.boolean(line.off)},
                         {"without_effect", arena.boolean(line.void_)}});
}

std::vector<std::string> members_of(const person::Person& person) {
    std::vector<std::string> all;
    for (const person::Member& each : person.members)
        if (each.live) all.push_back(each.id);
    return all;
}

/// What is held true of the person, with who told it.
json::Value golden_json(Visit& visit, json::Arena& arena, record::Reader& reader, const std::vector<std::string>& patients) {
    const std::vector<person::Telling> tellings = person::tellings_of(reader, patients, visit.house.senders(), arena);
    return person::as_json(visit.house.survivorship->of(tellings), tellings, arena);
}

json::Value person_json(Visit& visit, json::Arena& arena, const person::Person& person) {
    record::Reader reader = visit.house.store->reader(visit.viewer);
    std::vector<json::Value> records, links, lines, tasks;
    for (const person::Member& each : person.members) records.push_back(patient_json(visit, arena, reader, each.id, &each));
    for (const person::Evidence& each : person.links)
        links.push_back(arena.object({{"a", arena.string(each.a)},
                                      {"b", arena.string(each.b)},
                                      {"by_hand", arena.boolean(each.by_hand)},
                                      {"holds", arena.boolean(each.holds)},
                                      {"probability", probability_json(arena, each.probability)},
                                      {"at", moment(arena, each.at_ms)},
                                      {"weights", weights_json(arena, each.weights)}}));
    for (const person::Line& each : person.lines) lines.push_back(line_json(arena, each));
    for (const person::Task& each : person.tasks) tasks.push_back(task_json(arena, each));
    return arena.object({{"id", arena.string(person.enterprise_id)},
                         {"golden", golden_json(visit, arena, reader, members_of(person))},
                         {"records", arena.array(records)},
                         {"links", arena.array(links)},
                         {"history", arena.array(lines)},
                         {"tasks", arena.array(tasks)}});
}

void note_person(Visit& visit, const person::Person& person, std::string_view what, std::string_view detail) {
    for (const person::Member& each : person.members)
        if (each.live) visit.house.write_down(visit.viewer, visit.request, what, 200, "Patient", each.id, detail);
}

void show(Visit& visit) {
    if (!may_see(visit)) return;
    const auto person = visit.house.persons->person(visit.holes[0]);
    record::Reader reader = visit.house.store->reader(visit.viewer);
    const auto is_open = [&](const person::Member& each) {
        return reader.decide(*fhir::find_resource("Patient"), each.id).permit;
    };
    if (!person || (visit.viewer.guard && std::none_of(person->members.begin(), person->members.end(), is_open)))
        return visit.refuse(refuse(IssueCode::not_found, "id", "is no person and no Patient; check the id, or search by name"));
    note_person(visit, *person, "read", "person index");
    json::Arena arena;
    visit.answer(200, person_json(visit, arena, *person));
}

/// Finds people by what any of their records says.
void find(Visit& visit) {
    if (!may_see(visit)) return;
    const auto page = visit.house.people->find(visit.viewer, {.q = visit.parameter("q"), .count = 50});
    if (!page.ok()) return visit.refuse(page.outcome());
    json::Arena arena;
    record::Reader reader = visit.house.store->reader(visit.viewer);
    std::vector<json::Value> persons;
    std::set<std::string> seen;
    for (const people::Person& each : page->people) {
        const std::string id = visit.house.persons->enterprise_of(each.id);
        if (!seen.insert(id.empty() ? each.id : id).second) continue;
        const std::vector<std::string> all = visit.house.persons->patients(each.id);
        persons.push_back(
            arena.object({{"id", arena.string(id)},
                          {"patient", patient_json(visit, arena, reader, each.id, nullptr)},
                          {"golden", golden_json(visit, arena, reader, all.empty() ? std::vector<std::string>{each.id} : all)},
                          {"matched", arena.string(each.matched)},
                          {"records", arena.number(static_cast<std::int64_t>(std::max<std::size_t>(all.size(), 1)))}}));
    }
    visit.house.write_down(visit.viewer, visit.request, "search", 200, "Patient", "", "persons");
    visit.answer(200, arena.object({{"persons", arena.array(persons)}}));
}

json::Value state_json(Visit& visit, json::Arena& arena) {
    const person::State state = visit.house.persons->state();
    const ShownCounts shown(visit.house, sees_counts(visit.viewer));
    return arena.object({{"people", shown.value(arena, "", static_cast<std::int64_t>(state.people))},
                         {"records", shown.value(arena, "", static_cast<std::int64_t>(state.records))},
                         {"open", arena.number(static_cast<std::int64_t>(state.tasks))},
                         {"filling", arena.boolean(state.filling)},
                         {"behind", arena.number(std::max<std::int64_t>(0, state.record_position - state.position))},
                         {"four_eyes", arena.boolean(visit.house.persons->settings().four_eyes)},
                         {"error", arena.string(state.error)}});
}

void statistics(Visit& visit) {
    if (!visit.viewer.may_operate() && visit.viewer.role != access::Role::planner && !may_see(visit)) return;
    const person::Statistics all = visit.house.persons->statistics();
    json::Arena arena;
    const auto count = [&](std::uint64_t number) { return arena.number(static_cast<std::int64_t>(number)); };
    const ShownCounts shown = shown_statistics(visit.house, all, sees_counts(visit.viewer));
    const auto persons = [&](const std::string& name, std::uint64_t number) {
        return shown.value(arena, name, static_cast<std::int64_t>(number));
    };
    std::vector<json::Value> sources, ages, reviewers, open;
    for (const person::SourceShare& each : all.sources) {
        const auto source = visit.house.intake->source(each.source);
        sources.push_back(arena.object({{"source", arena.string(each.source)},
                                        {"name", arena.string(source && !source->name.empty() ? source->name : each.source)},
                                        {"records", persons("source " + each.source, each.records)},
                                        {"linked", persons("linked", each.linked)},
                                        {"with_id", persons("with_id " + each.source, each.with_id)},
                                        {"duplicates", persons("duplicates", each.duplicates)}}));
    }
    for (const person::AgeShare& each : all.ages)
        ages.push_back(arena.object({{"from_age", arena.number(std::int64_t{each.from_age})},
                                     {"records", persons(fmt::format("age {}", each.from_age), each.records)},
                                     {"with_id", persons(fmt::format("age with_id {}", each.from_age), each.with_id)}}));
    for (const person::Workload& each : all.reviewers)
        reviewers.push_back(
            arena.object({{"who", arena.string(each.who)}, {"decided", count(each.decided)}, {"claimed", count(each.claimed)}}));
    for (const auto& [kind, number] : all.open)
        open.push_back(arena.object({{"kind", arena.string(kind)}, {"count", count(number)}}));
    visit.answer(200, arena.object({{"state", state_json(visit, arena)},
                                    {"sources", arena.array(sources)},
                                    {"ages", arena.array(ages)},
                                    {"reviewers", arena.array(reviewers)},
                                    {"open", arena.array(open)},
                                    {"open_under_a_day", count(all.open_day)},
                                    {"open_under_a_week", count(all.open_week)},
                                    {"open_older", count(all.open_older)},
                                    {"oldest_at", moment(arena, all.oldest_ms)}}));
}

std::int64_t number_of(const std::string& text, std::int64_t absent) {
    std::int64_t number = absent;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? number : absent;
}

void changes(Visit& visit) {
    if (!may_see(visit)) return;
    const std::string since = visit.parameter("_since");
    if (!person::is_cursor(since))
        return visit.refuse(refuse(IssueCode::value, "_since",
                                   "must be the cursor of a change, or next, of an answer before; leave it out to begin"));
    const auto count = static_cast<std::size_t>(std::clamp<std::int64_t>(number_of(visit.parameter("_count"), 200), 1, 1'000));
    const person::Changes all = visit.house.persons->changes(since, count);
    json::Arena arena;
    const person::Senders senders = visit.house.senders();
    std::vector<json::Value> rows;
    for (const person::PersonChange& each : all.changes) {
        std::vector<json::Value> patients;
        for (const std::string& id : each.patients) patients.push_back(arena.string(id));
        rows.push_back(arena.object({{"cursor", arena.string(each.cursor)},
                                     {"at", moment(arena, each.at_ms)},
                                     {"kind", arena.string(each.kind)},
                                     {"patient", arena.string(each.patient)},
                                     {"source", arena.string(each.source)},
                                     {"source_name", arena.string(senders(each.source).name)},
                                     {"before", arena.string(each.before)},
                                     {"now", arena.string(each.now)},
                                     {"patients", arena.array(patients)}}));
    }
    visit.house.write_down(visit.viewer, visit.request, "search", 200, "Patient", "", "person changes");
    visit.answer(200, arena.object({{"changes", arena.array(rows)},
                                    {"next", arena.string(all.next)},
                                    {"more", arena.boolean(all.changes.size() == count)},
                                    {"begins_again", arena.boolean(all.begins_again)}}));
}

void queue(Visit& visit) {
    if (!may_see(visit)) return;
    person::QueueAsked asked{.kind = visit.parameter("kind"), .reviewer = visit.parameter("reviewer")};
    if (const std::string state = visit.parameter("state"); !state.empty()) asked.state = state;
    if (asked.state != "open" && asked.state != "later" && asked.state != "done" && asked.state != "gone")
        return visit.refuse(refuse(IssueCode::value, "state", "must be open, later, done or gone"));
    asked.age = visit.parameter("age");
    if (!asked.age.empty() && asked.age != "day" && asked.age != "week" && asked.age != "older")
        return visit.refuse(refuse(IssueCode::value, "age", "must be day, week or older"));
    asked.before = number_of(visit.parameter("before"), 0);
    asked.count = static_cast<std::uint32_t>(std::clamp<std::int64_t>(number_of(visit.parameter("count"), 50), 1, 200));
    const person::Queue queue = visit.house.persons->queue(asked);
    json::Arena arena;
    record::Reader reader = visit.house.store->reader(visit.viewer);
    std::vector<json::Value> tasks;
    for (const person::Task& each : queue.tasks)
        tasks.push_back(arena.object({{"task", task_json(arena, each)},
                                      {"a", patient_json(visit, arena, reader, each.a, nullptr)},
                                      {"b", patient_json(visit, arena, reader, each.b, nullptr)}}));
    visit.house.write_down(visit.viewer, visit.request, "search", 200, "Patient", "", "person queue");
    const bool more = queue.tasks.size() == asked.count;
    visit.answer(200, arena.object({{"total", arena.number(static_cast<std::int64_t>(queue.total))},
                                    {"tasks", arena.array(tasks)},
                                    {"next", more ? arena.number(queue.tasks.back().number) : arena.null()},
                                    {"state", state_json(visit, arena)}}));
}

std::optional<person::Task> task_of(Visit& visit) {
    auto task = visit.house.persons->task(number_of(visit.holes[0], 0));
    if (!task)
        visit.refuse(refuse(IssueCode::not_found, "number",
                            "there is no such task; it may have been answered when the index was made anew"));
    return task;
}

void answer_task(Visit& visit, const person::Task& task) {
    json::Arena arena;
    std::vector<json::Value> persons;
    for (const std::string* id : {&task.a, &task.b}) {
        const auto person = visit.house.persons->person(*id);
        if (!person || (id == &task.b && task.a == task.b)) continue;
        note_person(visit, *person, "read", "person queue");
        persons.push_back(person_json(visit, arena, *person));
    }
    visit.answer(200, arena.object({{"task", task_json(arena, task)}, {"persons", arena.array(persons)}}));
}

void show_task(Visit& visit) {
    if (!may_see(visit)) return;
    if (const auto task = task_of(visit)) answer_task(visit, *task);
}

/// The members of a JSON body, each a string; absent ones are "".
std::optional<std::map<std::string, std::string>> body_of(Visit& visit) {
    std::map<std::string, std::string> all;
    if (visit.request.body.empty()) return all;
    const auto fields = visit.fields();
    if (!fields) return std::nullopt;
    for (const auto& [name, value] : *fields) all[name] = value.substr(0, 1'000);
    return all;
}

bool rule(Visit& visit, person::Ruling ruling) {
    ruling.who = visit.viewer.name;
    const auto done = visit.house.persons->rule(ruling);
    if (!done.ok()) {
        visit.refuse(done.outcome());
        return false;
    }
    std::vector<std::string> about = ruling.members;
    for (const std::string& each : {ruling.a, ruling.b})
        if (!each.empty()) about.push_back(each);
    if (about.empty()) about.emplace_back();
    for (const std::string& id : about)
        visit.house.write_down(visit.viewer, visit.request, "person-" + ruling.kind, 200, id.empty() ? "" : "Patient", id, *done);
    return true;
}

void decide(Visit& visit) {
    if (!may_decide(visit)) return;
    const auto task = task_of(visit);
    if (!task) return;
    const std::string& step = visit.holes[1];
    if (step != "link" && step != "apart" && step != "later" && step != "claim" && step != "release")
        return visit.refuse(refuse(IssueCode::not_found, "step", "must be link, apart, later, claim or release"));
    if (task->state != "open")
        return visit.refuse(refuse(IssueCode::conflict, "state", "is answered already; load the queue again"));
    const std::int64_t claim_ends = task->claimed_ms + visit.house.persons->settings().claim_minutes * 60'000;
    if (!task->claimed_by.empty() && task->claimed_by != visit.viewer.name && visit.house.clock.now_ms() < claim_ends)
        return visit.refuse(refuse(IssueCode::conflict, "claimed_by", "somebody else is at it: " + task->claimed_by));
    const auto body = body_of(visit);
    if (!body) return;
    const auto why = body->find("why");
    const person::Ruling ruling{.kind = step, .a = task->a, .b = task->b, .why = why == body->end() ? "" : why->second};
    if (!rule(visit, ruling)) return;
    answer_task(visit, visit.house.persons->task(task->number).value_or(*task));
}

void answer_person(Visit& visit, const std::string& id) {
    json::Arena arena;
    const auto person = visit.house.persons->person(id);
    if (!person) return visit.refuse(refuse(IssueCode::not_found, "id", "is no person"));
    visit.answer(200, person_json(visit, arena, *person));
}

void merge(Visit& visit) {
    if (!may_decide(visit)) return;
    auto body = body_of(visit);
    if (!body) return;
    std::array<std::string, 2> patients;
    for (std::size_t i = 0; i < 2; ++i) {
        const std::string name = i ? "b" : "a";
        const auto person = visit.house.persons->person((*body)[name]);
        if (!person) return visit.refuse(refuse(IssueCode::not_found, name, "must be the id of a person or of a Patient"));
        patients[i] = person->members.front().id;
        for (const person::Member& each : person->members)
            if (each.id == (*body)[name]) patients[i] = each.id;
    }
    if (rule(visit, {.kind = "link", .a = patients[0], .b = patients[1], .why = (*body)["why"]}))
        answer_person(visit, patients[0]);
}

void split(Visit& visit) {
    if (!may_decide(visit)) return;
    auto body = body_of(visit);
    if (!body) return;
    person::Ruling ruling{.kind = "split", .why = (*body)["why"]};
    for (const std::string_view each : text::split((*body)["members"], ' '))
        if (!each.empty() && ruling.members.size() < 200) ruling.members.emplace_back(each);
    if (rule(visit, ruling)) answer_person(visit, ruling.members.front());
}

void undo(Visit& visit) {
    if (!may_decide(visit)) return;
    auto body = body_of(visit);
    if (!body) return;
    if (!rule(visit, {.kind = "undo", .target = (*body)["decision"], .why = (*body)["why"]})) return;
    if ((*body)["show"].empty()) return visit.answer_nothing();
    answer_person(visit, (*body)["show"]);
}

void fill(Visit& visit) {
    if (!visit.viewer.may_administer())
        return visit.refuse(refuse(IssueCode::forbidden, "role", "only administrators have everything matched anew"));
    if (rule(visit, {.kind = "fill"})) visit.answer_nothing(202);
}

constexpr std::string_view person_example =
    R"({"id":"7K2M0-QX4TD-9A3","golden":[{"field":"name","value":"马雨桐","because":"frequent","from":[{"patient":"p1","source":"hospital","source_name":"人民医院","at":"2026-05-01T02:00:00.000Z"}],"others":[{"value":"马雨彤","from":[]}]}],"records":[{"id":"p1","source":"hospital","source_name":"人民医院","live":true,"name":"马雨桐","identifier":"1303**********0027"}],)"
    R"("links":[{"a":"p1","b":"p2","by_hand":false,"holds":true,"probability":0.9987,"weights":[{"field":"name","level":"exact","weight":9.1}]}],"history":[],"tasks":[]})";
constexpr std::string_view task_example =
    R"({"task":{"number":12,"kind":"lent_id","a":"p1","b":"p2","probability":0.6,"weights":[],"state":"open"},"persons":[]})";

constexpr Route routes[] = {
    {"GET", "/api/v1/persons", Who::logged_in, "Find people by what any of their records says: ?q as in /api/v1/people.", "",
     R"({"persons":[{"id":"7K2M0-QX4TD-9A3","patient":{"id":"p1","name":"马雨桐"},"matched":"name","records":2}]})", find},
    {"GET", "/api/v1/persons/statistics", Who::logged_in,
     "How many people and records there are, the share linked per source, the queue's age, workload, identity numbers by age.",
     "", R"({"state":{"people":10352,"records":13574,"open":31},"sources":[],"ages":[],"reviewers":[],"open":[]})", statistics},
    {"GET", "/api/v1/persons/queue", Who::logged_in,
     "Questions nobody has answered, newest first: ?kind &state (open, later, done, gone) &age (day, week, older) &reviewer "
     "&count "
     "&before=NEXT.",
     "", R"({"total":31,"tasks":[],"next":null})", queue},
    {"GET", "/api/v1/persons/queue/{number}", Who::logged_in, "One question, with both persons side by side.", "", task_example,
     show_task},
    {"POST", "/api/v1/persons/queue/{number}/{step}", Who::writer,
     "Answer it: link, apart, later, claim or release. With four eyes the first answer is a proposal, somebody else's same "
     "answer decides.",
     R"({"why":"母亲确认"})", task_example, decide},
    {"POST", "/api/v1/persons/merge", Who::writer, "Two persons are one. Nothing is rewritten; undo gives back what was.",
     R"({"a":"7K2M0-QX4TD-9A3","b":"p9","why":""})", person_example, merge},
    {"POST", "/api/v1/persons/split", Who::writer, "These Patients (separated by blanks) are somebody else, and stay so.",
     R"({"members":"p2 p3","why":""})", person_example, split},
    {"POST", "/api/v1/persons/undo", Who::writer,
     "Take back a decision of a person's history; an undo too. show: whose page to answer with.",
     R"({"decision":"01J…","why":"","show":"p1"})", person_example, undo},
    {"POST", "/api/v1/persons/fill", Who::writer, "Match everything anew, keeping what people decided; administrators.", "", "",
     fill},
    {"GET", "/api/v1/persons/changes", Who::logged_in,
     "Which records came to another person, oldest first: ?_since=CURSOR (next of the answer before) &_count. kind: linked (the "
     "record had been alone), merged "
     "(its whole person came with it), parted. before and now are enterprise ids; patients: all that are of either as things are "
     "now. begins_again: "
     "everything was matched anew since the cursor, read all persons again.",
     "",
     R"({"changes":[{"cursor":"4711.1","at":"2026-05-01T02:00:00.000Z","kind":"linked","patient":"p2","source":"clinic","source_name":"社区卫生服务中心","before":"3ZK0A-7M1QP-XC2","now":"7K2M0-QX4TD-9A3","patients":["p1","p2"]}],"next":"4711.1","more":false,"begins_again":false})",
     changes},
    {"GET", "/api/v1/persons/{id}", Who::logged_in,
     "One person, by enterprise id (one that was given up too) or the id of any of its Patients: what is held true of the person "
     "and who told it (golden, "
     "rules in content/persons/survivorship.json), records, evidence, history.",
     "", person_example, show},
};

}  // namespace

std::span<const Route> persons_routes() { return routes; }

}  // namespace xinglin::server
