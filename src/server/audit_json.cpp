// SPDX-License-Identifier: Apache-2.0
// Lines of the audit and cases as JSON.
#include "server/audit_json.h"

#include "calendar/calendar.h"

namespace xinglin::server {

const std::string& InstitutionNames::of(const std::string& id) {
    const auto [place, fresh] = known_.try_emplace(id);
    if (!fresh || id.empty()) return place->second;
    const auto version = house_.store->reader(access::Viewer::program("audit")).read(*fhir::find_resource("Organization"), id);
    json::Arena arena;
    if (version.ok()) {
        if (const auto resource = json::parse(version->body, arena); resource.ok())
            place->second = resource->find("name").string();
    }
    return place->second;
}

std::optional<access::Access> line_of_row(House& house, std::int64_t row) {
    auto lines = house.audit->after(row - 1, 1);
    if (lines.empty() || lines[0].row != row) return std::nullopt;
    return std::move(lines[0]);
}

json::Value line_json(json::Arena& arena, const access::Access& line, InstitutionNames& names) {
    return arena.object({{"row", arena.number(line.row)},
                         {"at", arena.string(calendar::instant_text(line.at_ms))},
                         {"who", arena.string(line.who)},
                         {"display", arena.string(line.display)},
                         {"role", arena.string(line.role)},
                         {"institution", arena.string(line.institution)},
                         {"institution_name", arena.string(names.of(line.institution))},
                         {"what", arena.string(line.what)},
                         {"type", arena.string(line.type)},
                         {"id", arena.string(line.id)},
                         {"patient", arena.string(line.patient)},
                         {"purpose", arena.string(line.purpose)},
                         {"authorisation", arena.string(line.authorisation)},
                         {"detail", arena.string(line.detail)},
                         {"status", arena.number(std::int64_t{line.status})},
                         {"reason", arena.string(line.reason)},
                         {"count", arena.number(std::int64_t{line.count})},
                         {"peer", arena.string(line.peer)},
                         {"trace", arena.string(line.trace_id)}});
}

json::Value case_json(Visit& visit, json::Arena& arena, const access::Case& one, InstitutionNames& names) {
    const auto line = line_of_row(visit.house, one.row);
    std::vector<json::Value> steps;
    for (const auto& step : one.steps)
        steps.push_back(arena.object({{"at", arena.string(calendar::instant_text(step.at_ms))},
                                      {"by", arena.string(step.by)},
                                      {"step", arena.string(step.step)},
                                      {"words", arena.string(step.words)}}));
    return arena.object({{"number", arena.number(one.number)},
                         {"opened", arena.string(calendar::instant_text(one.opened_ms))},
                         {"moved", arena.string(calendar::instant_text(one.moved_ms))},
                         {"state", arena.string(access::text(one.state))},
                         {"patient", arena.string(one.patient)},
                         {"opened_by", arena.string(one.opened_by)},
                         {"question", arena.string(one.question)},
                         {"answer", arena.string(one.answer)},
                         {"line", line ? line_json(arena, *line, names) : json::Value{}},
                         {"steps", arena.array(steps)}});
}

json::Value checkpoint_json(json::Arena& arena, const access::Checkpoint& checkpoint) {
    return arena.object({{"checkpoint", arena.number(checkpoint.number)},
                         {"line", arena.number(checkpoint.row)},
                         {"at", arena.string(calendar::instant_text(checkpoint.at_ms))},
                         {"at_ms", arena.number(checkpoint.at_ms)},
                         {"hash", arena.string(access::hex(checkpoint.hash))},
                         {"key", arena.string(access::hex(checkpoint.key))},
                         {"signature", arena.string(access::hex(checkpoint.signature))}});
}

}  // namespace xinglin::server
