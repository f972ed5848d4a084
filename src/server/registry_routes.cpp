// SPDX-License-Identifier: Apache-2.0
// /api/v1/registry: institutions, places, staff and things looked up, by code, name, pinyin, any former code; as a list or a tree.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "registry/twins.h"
#include "server/registry_json.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

using registry::Kind;

Result<std::size_t> number_of(Visit& visit, std::string_view name, std::size_t absent, std::size_t most) {
    const std::string text = visit.parameter(name);
    if (text.empty()) return absent;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > most)
        return refuse(IssueCode::value, std::string(name), fmt::format("must be a number from 0 to {}", most));
    return value;
}

Result<std::string> day_asked(Visit& visit, std::string_view name) {
    std::string day = visit.parameter(name);
    if (!day.empty() && !registry::is_day(day)) return refuse(IssueCode::value, std::string(name), "must be a day, 2026-11-22");
    return day;
}

Result<registry::Question> question_of(Visit& visit) {
    registry::Question question;
    question.q = visit.parameter("q");
    if (question.q.size() > 200) return refuse(IssueCode::too_costly, "q", "is longer than 200 bytes");
    const std::string kinds = visit.parameter("kind");
    for (const std::string_view kind : text::split(kinds, ',')) {
        if (kind.empty()) continue;
        const auto known = registry::parse_kind(kind);
        if (!known)
            return refuse(IssueCode::value, "kind",
                          "must be institution, department, alliance, area, site, ward, bed, practitioner, role, affiliation, "
                          "service, device, consumable or drug");
        question.kinds.push_back(*known);
    }
    question.area = visit.parameter("area");
    question.class_code = visit.parameter("class");
    question.state = visit.parameter("state");
    question.within = visit.parameter("within");
    question.source = visit.parameter("source");
    question.strays = visit.parameter("strays") == "true";
    XINGLIN_TRY(question.at, day_asked(visit, "at"));
    XINGLIN_TRY(question.count, number_of(visit, "count", 50, 1'000));
    XINGLIN_TRY(question.skip, number_of(visit, "skip", 0, 10'000'000));
    return question;
}

/// People of the registers are people: who looked for them, or at one of them, stands in the audit.
void write_down_people(Visit& visit, std::string_view what, std::string_view id = {}) {
    visit.house.write_down(visit.viewer, visit.request, what, 200, "Practitioner", id, "registry");
}

void list(Visit& visit) {
    if (!may_see_registry(visit)) return;
    const auto question = question_of(visit);
    if (!question.ok()) return visit.refuse(question.outcome());
    const registry::Listed listed = visit.house.registry->list(*question);
    if (std::any_of(listed.hits.begin(), listed.hits.end(),
                    [](const registry::Hit& hit) { return hit.entry->kind == Kind::practitioner; }))
        write_down_people(visit, "search");
    json::Arena arena;
    std::vector<json::Value> entries;
    for (const registry::Hit& hit : listed.hits)
        entries.push_back(entry_json(visit.house, arena, *hit.entry, question->at, registry_language(visit), hit.matched));
    std::vector<std::pair<std::string_view, json::Value>> totals;
    for (const auto& [kind, count] : visit.house.registry->totals())
        totals.emplace_back(registry::text(kind), arena.number(static_cast<std::int64_t>(count)));
    visit.answer(200, arena.object({{"total", arena.number(static_cast<std::int64_t>(listed.total))},
                                    {"entries", arena.array(entries)},
                                    {"totals", arena.object(totals)},
                                    {"position", arena.number(visit.house.registry->position())},
                                    {"trouble", arena.string(visit.house.registry->trouble())}}));
}

void tree(Visit& visit) {
    if (!may_see_registry(visit)) return;
    const std::string below = visit.parameter("below"), by = visit.parameter("by");
    const auto at = day_asked(visit, "at");
    if (!at.ok()) return visit.refuse(at.outcome());
    if (!below.empty() && !visit.house.registry->find(below))
        return visit.refuse(refuse(IssueCode::not_found, "below", "is in no registry"));
    json::Arena arena;
    std::vector<json::Value> nodes;
    const auto add = [&](const registry::Entry& entry, const registry::Counts& counts) {
        nodes.push_back(arena.object({{"entry", entry_json(visit.house, arena, entry, *at, registry_language(visit))},
                                      {"counts", counts_json(arena, counts)}}));
    };
    if (below.empty() && (by == "alliance" || by == "area")) {
        const registry::Listed tops =
            visit.house.registry->list({.kinds = {by == "area" ? Kind::area : Kind::alliance}, .at = *at, .count = 1'000});
        for (const registry::Hit& hit : tops.hits) {
            if (by == "area" && visit.house.registry->find(hit.entry->parent)) continue;
            add(*hit.entry, visit.house.registry->counts(hit.entry->reference()));
        }
    } else {
        for (const registry::Node& node : visit.house.registry->children(below, *at)) add(*node.entry, node.counts);
    }
    visit.answer(200, arena.object({{"below", arena.string(below)}, {"nodes", arena.array(nodes)}}));
}

void lookup(Visit& visit) {
    if (!may_see_registry(visit)) return;
    const std::string code = visit.parameter("code");
    if (code.empty()) return visit.refuse(refuse(IssueCode::required, "code", "is missing"));
    const auto at = day_asked(visit, "at");
    if (!at.ok()) return visit.refuse(at.outcome());
    json::Arena arena;
    std::vector<json::Value> found;
    for (const registry::Known& known : visit.house.registry->who_has(code, visit.parameter("system"), *at)) {
        if (found.size() == 100) break;
        const auto day = [&](const std::string& text) { return text.empty() ? json::Value{} : arena.string(text); };
        found.push_back(arena.object(
            {{"code", arena.object({{"system", arena.string(known.code.system)},
                                    {"value", arena.string(known.code.value)},
                                    {"current", arena.boolean(known.code.is_current)},
                                    {"from", day(known.code.days.from)},
                                    {"to", day(known.code.days.to)}})},
             {"entry", entry_json(visit.house, arena, *known.entry, *at, registry_language(visit))},
             {"now", known.now && known.now != known.entry ? reference_json(visit.house, arena, known.now->reference())
                                                           : json::Value{}}}));
    }
    visit.answer(200, arena.object({{"found", arena.array(found)}}));
}

json::Value dated_json(json::Arena& arena, std::string_view what, std::string_view text, std::string_view system,
                       const registry::Days& days, bool current) {
    const auto day = [&](const std::string& said) { return said.empty() ? json::Value{} : arena.string(said); };
    return arena.object({{what, arena.string(text)},
                         {"system", system.empty() ? json::Value{} : arena.string(system)},
                         {"from", day(days.from)},
                         {"to", day(days.to)},
                         {"current", arena.boolean(current)}});
}

json::Value events_json(Visit& visit, json::Arena& arena, const registry::Entry& entry) {
    std::vector<json::Value> out;
    for (const registry::Event& event : entry.events)
        out.push_back(arena.object({{"kind", arena.string(event.kind)},
                                    {"day", arena.string(event.day)},
                                    {"target", reference_json(visit.house, arena, event.target)},
                                    {"note", event.note.empty() ? json::Value{} : arena.string(event.note)}}));
    std::reverse(out.begin(), out.end());
    return arena.array(out);
}

/// What names it, by kind, each list at most 500 long.
json::Value related_json(Visit& visit, json::Arena& arena, const std::string& reference) {
    constexpr std::size_t most = 500;
    std::map<Kind, std::vector<json::Value>> by_kind;
    for (const registry::EntryPtr& each : visit.house.registry->pointing(reference)) {
        std::vector<json::Value>& list = by_kind[each->kind];
        if (list.size() < most) list.push_back(entry_json(visit.house, arena, *each, "", registry_language(visit)));
    }
    std::vector<std::pair<std::string_view, json::Value>> members;
    for (const auto& [kind, entries] : by_kind) members.emplace_back(registry::text(kind), arena.array(entries));
    return arena.object(members);
}

void show(Visit& visit) {
    if (!may_see_registry(visit)) return;
    const std::string reference = visit.holes[0] + "/" + visit.holes[1];
    const registry::EntryPtr entry = visit.house.registry->find(reference);
    if (!entry) return visit.refuse(refuse(IssueCode::not_found, "id", "is in no registry"));
    if (entry->kind == Kind::practitioner)
        write_down_people(visit, "read", entry->reference().substr(entry->reference().find('/') + 1));
    json::Arena arena;
    std::vector<json::Value> names, codes, above;
    for (const registry::Name& name : entry->names)
        names.push_back(dated_json(arena, "text", name.text, "", name.days, name.is_current));
    for (const registry::Code& code : entry->codes)
        codes.push_back(dated_json(arena, "value", code.value, code.system, code.days, code.is_current));
    for (const registry::EntryPtr& each : visit.house.registry->above(reference))
        above.push_back(reference_json(visit.house, arena, each->reference()));
    std::map<std::string, std::int64_t> beds;
    for (const registry::Hit& hit :
         visit.house.registry->list({.kinds = {Kind::bed}, .state = "active", .within = reference, .count = 100'000}).hits)
        ++beds[hit.entry->bed_state.empty() ? "-" : hit.entry->bed_state];
    std::vector<std::pair<std::string_view, json::Value>> bed_states;
    for (const auto& [state, count] : beds) bed_states.emplace_back(state, arena.number(count));
    visit.answer(200, arena.object({{"entry", entry_json(visit.house, arena, *entry, "", registry_language(visit))},
                                    {"names", arena.array(names)},
                                    {"codes", arena.array(codes)},
                                    {"events", events_json(visit, arena, *entry)},
                                    {"above", arena.array(above)},
                                    {"counts", counts_json(arena, visit.house.registry->counts(reference))},
                                    {"beds", arena.object(bed_states)},
                                    {"phone", arena.string(entry->phone)},
                                    {"successor", reference_json(visit.house, arena, std::string(entry->successor()))},
                                    {"related", related_json(visit, arena, reference)}}));
}

void changes(Visit& visit) {
    if (!may_see_registry(visit)) return;
    const auto since = number_of(visit, "_since", 0, 1'000'000'000'000), count = number_of(visit, "_count", 1'000, 10'000);
    if (!since.ok()) return visit.refuse(since.outcome());
    if (!count.ok()) return visit.refuse(count.outcome());
    const std::string type = visit.parameter("type");
    if (!type.empty() && !registry::is_entry_type(type))
        return visit.refuse(refuse(IssueCode::value, "type", "must be a resource type of the registries, Organization say"));
    record::Position upto = 0;
    json::Arena arena;
    std::vector<json::Value> out;
    for (const registry::News& news :
         visit.house.registry->news(static_cast<record::Position>(*since), std::max<std::size_t>(*count, 1), upto)) {
        if (!type.empty() && !news.reference.starts_with(type + "/")) continue;
        const registry::EntryPtr entry = visit.house.registry->find(news.reference);
        out.push_back(arena.object({{"position", arena.number(news.position)},
                                    {"reference", arena.string(news.reference)},
                                    {"version", arena.number(news.version)},
                                    {"deleted", arena.boolean(news.deleted)},
                                    {"entry", entry && entry->version == news.version
                                                  ? entry_json(visit.house, arena, *entry, "", registry_language(visit))
                                                  : json::Value{}}}));
    }
    visit.answer(200, arena.object({{"changes", arena.array(out)},
                                    {"next", arena.number(upto)},
                                    {"more", arena.boolean(upto < visit.house.registry->position())}}));
}

void troubles(Visit& visit) {
    if (!may_see_registry(visit)) return;
    json::Arena arena;
    std::vector<json::Value> out;
    for (const registry::Trouble& each : visit.house.registry->troubles()) {
        if (out.size() == 1'000) break;
        out.push_back(arena.object({{"kind", arena.string(each.kind)},
                                    {"entry", reference_json(visit.house, arena, each.reference)},
                                    {"other", reference_json(visit.house, arena, each.other)}}));
    }
    visit.answer(200, arena.object({{"troubles", arena.array(out)}}));
}

void duplicates(Visit& visit) {
    if (!may_see_registry(visit)) return;
    const auto kind = registry::parse_kind(visit.parameter("kind").empty() ? "institution" : visit.parameter("kind"));
    if (kind != Kind::institution && kind != Kind::practitioner)
        return visit.refuse(refuse(IssueCode::value, "kind", "must be institution or practitioner"));
    if (kind == Kind::practitioner) write_down_people(visit, "search");
    json::Arena arena;
    std::vector<json::Value> out;
    for (const registry::Twin& each : registry::twins(*visit.house.registry, *kind)) {
        std::vector<json::Value> agrees;
        for (const std::string& word : each.agrees) agrees.push_back(arena.string(word));
        out.push_back(arena.object({{"keep", entry_json(visit.house, arena, *each.keep, "", registry_language(visit))},
                                    {"other", entry_json(visit.house, arena, *each.other, "", registry_language(visit))},
                                    {"probability", arena.number(fmt::format("{:.4f}", each.probability))},
                                    {"agrees", arena.array(agrees)}}));
    }
    visit.answer(200, arena.object({{"duplicates", arena.array(out)}}));
}

constexpr std::string_view entry_example =
    R"({"reference":"Organization/…","kind":"institution","name":"山海关人民医院","codes":[{"system":"urn:oid:2.16.156.10011.1.5","value":"renmin"}],"class":"A100","class_name":"综合医院","area":"130303002001","state":"active","registered":true,"version":1})";

constexpr Route routes[] = {
    {"GET", "/api/v1/registry", Who::logged_in,
     "Entries of the registries: ?q (name, former name, pinyin, initials, any code) &kind (several with commas) &area &class "
     "&state &at (a day: what was "
     "in force then) &within (Organization/ID) &source &count &skip &lang &strays=true (what messages told and no register "
     "knows, instead). Not for residents.",
     "",
     R"({"total":1,"entries":[{"reference":"Organization/…","kind":"institution","name":"…","matched":"pinyin"}],"totals":{"institution":160},"position":81234})",
     list},
    {"GET", "/api/v1/registry/tree", Who::logged_in,
     "What lies directly below an entry: ?below=Organization/ID (nothing: the top; with by=alliance the medical communities, "
     "with by=area the areas) &at.",
     "", R"({"below":"","nodes":[{"entry":{"reference":"Organization/…"},"counts":{"parts":20,"staff":220,"beds":489}}]})", tree},
    {"GET", "/api/v1/registry/lookup", Who::logged_in,
     "Who has or had a code: ?code &system &at. `now` is what took its place when it was merged.", "",
     R"({"found":[{"code":{"system":"…","value":"OLD-7","current":false,"to":"2019-12-31"},"entry":{"reference":"Organization/…"}}]})",
     lookup},
    {"GET", "/api/v1/registry/entries/{type}/{id}", Who::logged_in,
     "One entry: names and codes with the days they are in force, what happened to it, what lies above it and names it, its beds "
     "by state.",
     "", entry_example, show},
    {"GET", "/api/v1/registry/changes", Who::logged_in,
     "For those who keep copies: new states of entries after a position, in order: ?_since &_count &type. Ask again with _since "
     "= next.",
     "", R"({"changes":[{"position":812,"reference":"Organization/…","version":2,"deleted":false}],"next":812,"more":false})",
     changes},
    {"GET", "/api/v1/registry/duplicates", Who::logged_in,
     "Entries in use that may be one, by the linkage of xinglin match, surest first: ?kind = institution (the default) or "
     "practitioner. Merge `other` into `keep`.",
     "",
     R"({"duplicates":[{"keep":{"reference":"Organization/a"},"other":{"reference":"Organization/b"},"probability":0.9812,"agrees":["name","phone"]}]})",
     duplicates},
    {"GET", "/api/v1/registry/troubles", Who::logged_in,
     "What cannot be right: cycles of the hierarchy, parents that are missing or closed, codes that two entries have.", "",
     R"({"troubles":[{"kind":"shared_code","entry":{"reference":"Organization/a"},"other":{"reference":"Organization/b"}}]})",
     troubles},
};

}  // namespace

std::span<const Route> registry_routes() { return routes; }

}  // namespace xinglin::server
