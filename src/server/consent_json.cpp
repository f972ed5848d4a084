// SPDX-License-Identifier: Apache-2.0
// Decisions of residents, proxies, requests and emergencies as JSON.
#include "server/consent_json.h"

#include "people/people.h"

namespace xinglin::server {

namespace {

std::optional<people::Person> summary_of(Visit& visit, const std::string& patient) {
    const auto version =
        visit.house.store->reader(access::Viewer::program("consent")).read(*fhir::find_resource("Patient"), patient);
    if (!version.ok()) return std::nullopt;
    json::Arena arena;
    const auto parsed = json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1});
    return parsed.ok() ? std::optional(people::summary(*parsed)) : std::nullopt;
}

json::Value instant(json::Arena& arena, std::int64_t ms) {
    return ms == 0 ? arena.null() : arena.string(calendar::instant_text(ms));
}

json::Value strings(json::Arena& arena, const std::vector<std::string>& all) {
    std::vector<json::Value> out;
    for (const std::string& each : all) out.push_back(arena.string(each));
    return arena.array(out);
}

json::Value words(json::Arena& arena, const std::string& id, const consent::Words& name) {
    return arena.object({{"id", arena.string(id)}, {"zh", arena.string(name.zh)}, {"en", arena.string(name.en)}});
}

}  // namespace

std::string consent_field(const std::vector<std::pair<std::string, std::string>>& fields, std::string_view name) {
    for (const auto& [key, value] : fields) {
        if (key == name) return value;
    }
    return "";
}

std::string patient_name(Visit& visit, const std::string& patient, bool whole) {
    const auto person = patient.empty() ? std::nullopt : summary_of(visit, patient);
    if (!person) return "";
    return whole ? person->name : card::masked_name(person->name);
}

json::Value masked_person_json(Visit& visit, json::Arena& arena, const std::string& patient) {
    const auto person = summary_of(visit, patient);
    if (!person) return {};
    return arena.object({{"patient", arena.string(patient)},
                         {"name", arena.string(card::masked_name(person->name))},
                         {"sex", arena.string(person->sex)},
                         {"birth_year", arena.string(person->birth_date.substr(0, 4))}});
}

json::Value decision_json(Visit& visit, json::Arena& arena, const consent::Decision& decision, bool whole) {
    const bool is_proxy = decision.kind == "proxy";
    return arena.object({{"id", arena.string(decision.id)},
                         {"patient", arena.string(decision.patient)},
                         {"patient_name", is_proxy ? arena.string(patient_name(visit, decision.patient, whole)) : json::Value()},
                         {"kind", arena.string(decision.kind)},
                         {"state", arena.string(decision.state)},
                         {"permit", arena.boolean(decision.permit)},
                         {"institution", arena.string(decision.institution)},
                         {"practitioner", arena.string(decision.practitioner)},
                         {"holder", arena.string(decision.holder)},
                         {"holder_name", is_proxy ? arena.string(patient_name(visit, decision.holder, whole)) : json::Value()},
                         {"name", is_proxy ? json::Value() : arena.string(decision.name)},
                         {"categories", strings(arena, decision.categories)},
                         {"whole", arena.boolean(decision.whole)},
                         {"relation", arena.string(decision.relation)},
                         {"from", arena.string(decision.from)},
                         {"until", arena.string(decision.until)},
                         {"reason", arena.string(decision.reason)},
                         {"recorded_by", arena.string(decision.recorded_by)},
                         {"document", arena.string(decision.document)},
                         {"witness", arena.string(decision.witness)},
                         {"by_resident", arena.boolean(!decision.performer.empty())},
                         {"decided_at", instant(arena, decision.decided_ms)},
                         {"changed_at", instant(arena, decision.changed_ms)},
                         {"version", arena.number(decision.version)}});
}

json::Value decisions_json(Visit& visit, json::Arena& arena, const std::vector<consent::Decision>& decisions, bool whole) {
    std::vector<json::Value> all;
    for (const consent::Decision& each : decisions) all.push_back(decision_json(visit, arena, each, whole));
    return arena.array(all);
}

json::Value review_json(Visit& visit, json::Arena& arena, const consent::Review& review) {
    std::string institution = review.institution;
    if (!institution.empty()) {
        const auto version = visit.house.store->reader(access::Viewer::program("consent"))
                                 .read(*fhir::find_resource("Organization"), review.institution);
        json::Arena scratch;
        const auto parsed = version.ok() ? json::parse(version->body, scratch) : Result<json::Value>(version.outcome());
        if (parsed.ok() && !(*parsed)["name"].string().empty()) institution = (*parsed)["name"].string();
    }
    return arena.object({{"id", arena.string(review.id)},
                         {"patient", arena.string(review.patient)},
                         {"patient_name", arena.string(patient_name(visit, review.patient, false))},
                         {"account", arena.string(review.account)},
                         {"display", arena.string(review.display)},
                         {"role", arena.string(review.role)},
                         {"institution", arena.string(institution)},
                         {"reason_code", arena.string(review.reason_code)},
                         {"reason", arena.string(review.reason)},
                         {"at", instant(arena, review.at_ms)},
                         {"until", instant(arena, review.ended_ms != 0 ? review.ended_ms : review.until_ms)},
                         {"due", instant(arena, review.due_ms)},
                         {"state", arena.string(review.state)},
                         {"finding", arena.string(review.finding)},
                         {"reviewer", arena.string(review.reviewer)},
                         {"note", arena.string(review.note)},
                         {"reviewed_at", instant(arena, review.reviewed_ms)}});
}

json::Value reviews_json(Visit& visit, json::Arena& arena, const std::vector<consent::Review>& reviews) {
    std::vector<json::Value> all;
    for (const consent::Review& each : reviews) all.push_back(review_json(visit, arena, each));
    return arena.array(all);
}

json::Value choices_json(json::Arena& arena, const consent::Settings& settings) {
    std::vector<json::Value> categories, relations, always, reasons;
    for (const consent::Category& each : settings.categories)
        categories.push_back(arena.object({{"id", arena.string(each.id)},
                                           {"zh", arena.string(each.name.zh)},
                                           {"en", arena.string(each.name.en)},
                                           {"hint_zh", arena.string(each.hint.zh)},
                                           {"hint_en", arena.string(each.hint.en)}}));
    for (const consent::Relation& each : settings.relations)
        relations.push_back(arena.object({{"id", arena.string(each.id)},
                                          {"zh", arena.string(each.name.zh)},
                                          {"en", arena.string(each.name.en)},
                                          {"minors_only", arena.boolean(each.minors_only)},
                                          {"consent", arena.boolean(each.consent)},
                                          {"document", arena.boolean(each.document)},
                                          {"months", arena.number(std::int64_t{each.months})}}));
    for (const consent::Words& each : settings.always_visible)
        always.push_back(arena.object({{"zh", arena.string(each.zh)}, {"en", arena.string(each.en)}}));
    for (const consent::ReasonCode& each : settings.emergency.reasons) reasons.push_back(words(arena, each.id, each.name));
    return arena.object({{"categories", arena.array(categories)},
                         {"relations", arena.array(relations)},
                         {"always_visible", arena.array(always)},
                         {"emergency_reasons", arena.array(reasons)},
                         {"emergency_minutes", arena.number(std::int64_t{settings.emergency.minutes})},
                         {"request_months", arena.number(std::int64_t{settings.request_months})}});
}

}  // namespace xinglin::server
