// SPDX-License-Identifier: Apache-2.0
// Entries of the registries, written as JSON.
#include "server/registry_json.h"

#include <fmt/format.h>

namespace xinglin::server {

namespace {

using Members = std::vector<std::pair<std::string_view, json::Value>>;

json::Value said(json::Arena& arena, std::string_view text) { return text.empty() ? json::Value{} : arena.string(text); }

void add_days(json::Arena& arena, Members& members, const registry::Days& days) {
    members.emplace_back("from", said(arena, days.from));
    members.emplace_back("to", said(arena, days.to));
}

}  // namespace

bool may_see_registry(Visit& visit) {
    if (visit.viewer.role == access::Role::resident ||
        (visit.viewer.role == access::Role::system && !access::scope_allows(visit.viewer.scope, "Organization", 'r'))) {
        visit.refuse(
            refuse(IssueCode::forbidden, "role",
                   "the registries are for those who work here, and for systems whose scope lets them read Organization"));
        return false;
    }
    return true;
}

bool may_edit_registry(Visit& visit) {
    if (visit.viewer.may_operate() || visit.viewer.may_administer()) return true;
    if (visit.viewer.role == access::Role::system && access::scope_allows(visit.viewer.scope, "Organization", 'u') &&
        access::scope_allows(visit.viewer.scope, "Practitioner", 'u') &&
        access::scope_allows(visit.viewer.scope, "Location", 'u'))
        return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only administrators and operators change the registries"));
    return false;
}

std::string registry_language(const Visit& visit) { return visit.parameter("lang") == "en" ? "en" : "zh-CN"; }

std::string class_name(House& house, const registry::Entry& entry, std::string_view language) {
    if (entry.kind == registry::Kind::institution && !entry.class_code.empty()) {
        std::string name = house.terminology->display(registry::class_system, entry.class_code, language);
        if (!name.empty()) return name;
    }
    return entry.class_name;
}

json::Value entry_json(House& house, json::Arena& arena, const registry::Entry& entry, std::string_view at,
                       std::string_view language, std::string_view matched) {
    std::vector<json::Value> codes;
    for (const registry::Code& code : entry.codes) {
        if (at.empty() ? !code.is_current : !code.days.hold(at)) continue;
        codes.push_back(arena.object({{"system", arena.string(code.system)}, {"value", arena.string(code.value)}}));
    }
    Members members = {
        {"reference", arena.string(entry.reference())},
        {"kind", arena.string(registry::text(entry.kind))},
        {"name", arena.string(entry.name_on(at))},
        {"matched", said(arena, matched)},
        {"codes", arena.array(codes)},
        {"class", said(arena, entry.class_code)},
        {"class_name", said(arena, class_name(house, entry, language))},
        {"parent", reference_json(house, arena, entry.parent)},
        {"organization", entry.organization == entry.parent ? json::Value{} : reference_json(house, arena, entry.organization)},
        {"practitioner", reference_json(house, arena, entry.practitioner)},
        {"area", said(arena, entry.area)},
        {"address", said(arena, entry.address)},
        {"detail", said(arena, entry.detail)},
        {"state", arena.string(entry.state)},
        {"bed_state", said(arena, entry.bed_state)},
        {"registered", arena.boolean(entry.is_registered())},
        {"source", said(arena, entry.source)},
        {"version", arena.number(entry.version)}};
    add_days(arena, members, entry.days);
    if (entry.longitude && entry.latitude)
        members.emplace_back("position", arena.array({arena.number(fmt::format("{:.6f}", *entry.longitude)),
                                                      arena.number(fmt::format("{:.6f}", *entry.latitude))}));
    return arena.object(members);
}

json::Value reference_json(House& house, json::Arena& arena, const std::string& reference) {
    if (reference.empty()) return {};
    const registry::EntryPtr entry = house.registry->find(reference);
    return arena.object({{"reference", arena.string(reference)}, {"name", entry ? arena.string(entry->name()) : arena.null()}});
}

json::Value counts_json(json::Arena& arena, const registry::Counts& counts) {
    return arena.object({{"parts", arena.number(static_cast<std::int64_t>(counts.parts))},
                         {"institutions", arena.number(static_cast<std::int64_t>(counts.institutions))},
                         {"departments", arena.number(static_cast<std::int64_t>(counts.departments))},
                         {"staff", arena.number(static_cast<std::int64_t>(counts.staff))},
                         {"beds", arena.number(static_cast<std::int64_t>(counts.beds))},
                         {"devices", arena.number(static_cast<std::int64_t>(counts.devices))}});
}

json::Value revised_json(json::Arena& arena, const registry::Revised& revised) {
    return arena.object({{"id", arena.string(revised.id)},
                         {"what", arena.string(revised.what)},
                         {"said", arena.string(revised.said)},
                         {"of", said(arena, revised.of)},
                         {"who", arena.string(revised.who)},
                         {"at", arena.string(calendar::instant_text(revised.at_ms))},
                         {"entries", arena.number(static_cast<std::int64_t>(revised.entries))},
                         {"undone_by", said(arena, revised.undone_by)}});
}

}  // namespace xinglin::server
