// SPDX-License-Identifier: Apache-2.0
// Consents as they are written at our desk, and any Consent as people read it.
#include <algorithm>

#include <fmt/format.h>

#include "consent/desk_inside.h"
#include "consent/rule.h"

namespace xinglin::consent {

namespace {

constexpr std::string_view part_url = "urn:xinglin:extension:consent";
constexpr std::string_view policy_uri = "urn:xinglin:content:access";

std::string_view part_in(json::Value resource, std::string_view url) {
    for (const json::Node& node : resource["extension"].items()) {
        const json::Value each(&node);
        if (each["url"].string() != part_url) continue;
        for (const json::Node& inner : each["extension"].items()) {
            if (json::Value(&inner)["url"].string() == url) return json::Value(&inner)["valueString"].string();
        }
    }
    return {};
}

class Writing {
public:
    json::Value text(std::string_view value) { return value.empty() ? json::Value() : arena.string(value); }
    json::Value reference(std::string_view to, std::string_view display = "") {
        if (to.starts_with("account|"))
            return arena.object(
                {{"identifier", arena.object({{"system", arena.string(account_system)}, {"value", arena.string(to.substr(8))}})},
                 {"display", text(display)}});
        return arena.object({{"reference", text(to)}, {"display", text(display)}});
    }
    json::Value coded(std::string_view system, std::string_view code) {
        return arena.object(
            {{"coding", arena.array({arena.object({{"system", arena.string(system)}, {"code", arena.string(code)}})})}});
    }
    json::Value provision(const Paper& paper) {
        std::vector<json::Value> labels;
        for (const Label& each : paper.labels)
            labels.push_back(arena.object({{"system", arena.string(each.system)}, {"code", arena.string(each.code)}}));
        json::Value actor;
        if (!paper.actor.empty()) {
            const json::Value role = paper.relation.empty()
                                         ? coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP")
                                         : coded(relation_system, paper.relation);
            actor = arena.array({arena.object({{"role", role}, {"reference", reference(paper.actor, paper.actor_name)}})});
        }
        const bool timed = !paper.from.empty() || !paper.until.empty();
        return arena.object(
            {{"type", arena.string(paper.permit ? "permit" : "deny")},
             {"period", timed ? arena.object({{"start", text(paper.from)}, {"end", text(paper.until)}}) : json::Value()},
             {"actor", actor},
             {"securityLabel", labels.empty() ? json::Value() : arena.array(labels)}});
    }
    json::Value extension(const std::vector<std::pair<std::string, std::string>>& parts) {
        std::vector<json::Value> all;
        for (const auto& [url, value] : parts) {
            if (!value.empty()) all.push_back(arena.object({{"url", arena.string(url)}, {"valueString", arena.string(value)}}));
        }
        if (all.empty()) return {};
        return arena.array({arena.object({{"extension", arena.array(all)}, {"url", arena.string(part_url)}})});
    }
    json::Arena arena;
};

/// A day of what may be an instant; an end that is the beginning of a day stands for the day before.
std::string day_in(json::Value value) { return std::string(value.string().substr(0, 10)); }

void read_actor(json::Value actor, Decision& decision) {
    const std::string_view to = actor["reference"]["reference"].string();
    const auto take = [&](std::string_view start, std::string& into) {
        if (to.starts_with(start)) into = to.substr(start.size());
    };
    take("Organization/", decision.institution);
    take("Practitioner/", decision.practitioner);
    take("Patient/", decision.holder);
    if (actor["reference"]["identifier"]["system"].string() == account_system)
        decision.account = actor["reference"]["identifier"]["value"].string();
    decision.name = actor["reference"]["display"].string();
    for (const json::Node& node : actor["role"]["coding"].items()) {
        if (json::Value(&node)["system"].string() == relation_system) decision.relation = json::Value(&node)["code"].string();
    }
}

void read_categories(json::Value provision, const Settings& settings, Decision& decision) {
    std::size_t known = 0;
    std::vector<Label> labels;
    for (const json::Node& node : provision["securityLabel"].items())
        labels.push_back({std::string(json::Value(&node)["system"].string()), std::string(json::Value(&node)["code"].string())});
    for (const Category& category : settings.categories) {
        const bool all = std::all_of(category.labels.begin(), category.labels.end(), [&](const Label& label) {
            return std::find(labels.begin(), labels.end(), label) != labels.end();
        });
        if (!all) continue;
        decision.categories.push_back(category.id);
        known += category.labels.size();
    }
    if (known < labels.size()) decision.whole = false;
    for (const std::string_view more : {"class", "code", "data", "dataPeriod", "purpose", "action", "provision"})
        if (provision[more]) decision.whole = false;
    if (provision["actor"].size() > 1) decision.whole = false;
}

std::string state_of(json::Value resource, const Decision& decision, const Settings& settings, std::int64_t now_ms) {
    const std::string_view status = resource["status"].string();
    const std::string today = day_text(day_of(now_ms));
    if (status == "proposed") {
        const bool late =
            decision.kind == "request" && now_ms - decision.decided_ms > std::int64_t{settings.request_days} * 86'400'000;
        return late ? "over" : "waiting";
    }
    if (status == "rejected") return "declined";
    if (status != "active") return "ended";
    if (!decision.until.empty() && decision.until < today) return "over";
    return "active";
}

}  // namespace

std::string consent_text(const Paper& paper) {
    Writing writing;
    json::Arena& arena = writing.arena;
    return json::write(arena.object(
        {{"resourceType", arena.string("Consent")},
         {"id", arena.string(paper.id)},
         {"extension", writing.extension(paper.parts)},
         {"status", arena.string(paper.status)},
         {"scope", writing.coded(scope_system, "patient-privacy")},
         {"category", arena.array({writing.coded(own_system, paper.kind)})},
         {"patient", writing.reference("Patient/" + paper.patient)},
         {"dateTime", arena.string(paper.date_time)},
         {"performer",
          paper.hand.performer.empty() ? json::Value() : arena.array({writing.reference("Patient/" + paper.hand.performer)})},
         {"organization", paper.hand.institution.empty()
                              ? json::Value()
                              : arena.array({writing.reference("Organization/" + paper.hand.institution)})},
         {"policy", arena.array({arena.object({{"uri", arena.string(policy_uri)}})})},
         {"provision", writing.provision(paper)}}));
}

std::optional<Decision> decision_of(const record::Version& version, const Settings& settings, std::int64_t now_ms) {
    json::Arena arena;
    const auto parsed = json::parse(version.body, arena, {.depth = 1'000, .bytes = version.body.size() + 1});
    if (!parsed.ok()) return std::nullopt;
    const json::Value resource = *parsed, provision = resource["provision"];
    Decision decision;
    decision.id = version.id;
    decision.patient = patient_in(resource["patient"]);
    decision.kind = "other";
    for (const json::Node& node : resource["category"].items()) {
        const json::Value coding = json::Value(&node)["coding"][std::size_t{0}];
        if (coding["system"].string() == own_system) decision.kind = coding["code"].string();
    }
    decision.permit = provision["type"].string() == "permit";
    read_actor(provision["actor"][std::size_t{0}], decision);
    read_categories(provision, settings, decision);
    if (resource["policyRule"]) decision.whole = false;
    decision.from = day_in(provision["period"]["start"]);
    decision.until = day_in(provision["period"]["end"]);
    decision.reason = part_in(resource, "reason");
    decision.recorded_by = part_in(resource, "recorded-by");
    decision.document = part_in(resource, "document");
    decision.witness = part_in(resource, "witness");
    decision.performer = patient_in(resource["performer"][std::size_t{0}]);
    decision.version = version.version;
    decision.changed_ms = version.updated_ms;
    const auto at = calendar::parse_date_time(resource["dateTime"].string());
    decision.decided_ms = at ? calendar::span_of(*at, 480).low_ms : version.updated_ms;
    decision.state = state_of(resource, decision, settings, now_ms);
    if (decision.kind == "request" && decision.state == "active") decision.state = "accepted";
    return decision;
}

std::vector<std::pair<std::string, std::string>> parts_of(const Hand& hand) {
    return {{"recorded-by", hand.account}, {"document", hand.document}, {"witness", hand.witness}};
}

bool is_ours(json::Value resource) {
    if (resource["resourceType"].string() == "Basic") {
        if (resource["id"].string().starts_with("emergency-")) return true;
        for (const json::Node& node : resource["code"]["coding"].items())
            if (json::Value(&node)["system"].string() == emergency_system) return true;
        return false;
    }
    if (resource["resourceType"].string() != "Consent") return false;
    constexpr std::size_t made_here = std::string_view("consent-").size() + 36;  // as Store::new_id() goes on
    if (resource["id"].string().starts_with("consent-") && resource["id"].string().size() == made_here) return true;
    for (const json::Node& node : resource["category"].items()) {
        for (const json::Node& inner : json::Value(&node)["coding"].items())
            if (json::Value(&inner)["system"].string() == own_system) return true;
    }
    return false;
}

Result<Desk::Inside::Write> Desk::Inside::changed(const Decision& decision, std::string_view status,
                                                  const std::vector<std::pair<std::string, std::string>>& parts) const {
    const auto version = read("Consent", decision.id);
    if (!version || version->version != decision.version)
        return refuse(IssueCode::conflict, "consent", "was changed by somebody else just now; look at it again");
    Writing writing;
    json::Arena& arena = writing.arena;
    XINGLIN_TRY(json::Value resource, json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1}));
    resource = arena.with(resource, "status", arena.string(status));
    std::vector<std::pair<std::string, std::string>> all;
    for (const json::Node& node : resource["extension"].items()) {
        const json::Value each(&node);
        if (each["url"].string() != part_url) continue;
        for (const json::Node& inner : each["extension"].items()) {
            const std::string url{json::Value(&inner)["url"].string()};
            const bool replaced = std::any_of(parts.begin(), parts.end(),
                                              [&](const auto& part) { return part.first == url && !part.second.empty(); });
            if (!replaced) all.emplace_back(url, json::Value(&inner)["valueString"].string());
        }
    }
    all.insert(all.end(), parts.begin(), parts.end());
    std::vector<json::Value> extensions;
    for (const json::Node& node : resource["extension"].items())
        if (json::Value(&node)["url"].string() != part_url) extensions.emplace_back(&node);
    if (const json::Value own = writing.extension(all)) extensions.push_back(own[std::size_t{0}]);
    if (!extensions.empty()) resource = arena.with(resource, "extension", arena.array(extensions));
    return Write{"Consent", decision.id, json::write(resource), decision.version};
}

}  // namespace xinglin::consent
