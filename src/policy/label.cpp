// SPDX-License-Identifier: Apache-2.0
// Looking through a resource for codes that make it sensitive.
#include "policy/label.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace xinglin::policy {

namespace {
constexpr std::string_view file = "access/labels.json";
Outcome wrong(std::string_view where, std::string what) {
    return refuse(IssueCode::value, fmt::format("{}: {}", file, where), std::move(what));
}
}  // namespace

Result<Labeller> Labeller::read(const content::Files& files) {
    const auto text = files.read(std::string(file));
    if (!text) return wrong("JSON", "is not there; put it back from the program's own content");
    json::Arena arena;
    const auto root = json::parse(*text, arena);
    if (!root.ok() || !root->is_object()) return wrong("JSON", "is no JSON object");
    std::map<std::string, System, std::less<>> systems;
    Labeller labeller;
    for (const json::Node& node : (*root)["labels"].items()) {
        const json::Value each(&node);
        const std::size_t place = labeller.labels_.size();
        labeller.labels_.push_back({std::string(each["system"].string()), std::string(each["code"].string()), {}});
        if (labeller.labels_.back().code.empty()) return wrong("labels", "each needs a code");
        for (const json::Node& inner : each["codes"].items()) {
            const json::Value codes(&inner);
            for (const json::Node& name : codes["systems"].items()) {
                System& system = systems[std::string(json::Value(&name).string())];
                for (const json::Node& range : codes["ranges"].items()) {
                    const std::string_view words = json::Value(&range).string();
                    const std::size_t dash = words.find("..");
                    Range made{std::string(words.substr(0, dash)),
                               std::string(dash == std::string_view::npos ? words : words.substr(dash + 2))};
                    if (made.from.empty() || made.upto < made.from)
                        return wrong(labeller.labels_.back().code, fmt::format("\"{}\" must be a code or FROM..UPTO", words));
                    system.ranges.emplace_back(std::move(made), place);
                }
            }
        }
    }
    if (labeller.labels_.empty()) return wrong("labels", "must name one at least");
    for (auto& [name, system] : systems) {
        system.name = name;
        labeller.systems_.push_back(std::move(system));
    }
    return labeller;
}

void Labeller::look_at(std::string_view system, std::string_view code, std::vector<bool>& asked) const {
    const auto found = std::lower_bound(systems_.begin(), systems_.end(), system,
                                        [](const System& s, std::string_view name) { return s.name < name; });
    if (found == systems_.end() || found->name != system) return;
    for (const auto& [range, place] : found->ranges) {
        // "B24.x" lies within "B20..B24": a code counts as far as the bound is long.
        if (code.substr(0, range.from.size()) >= range.from && code.substr(0, range.upto.size()) <= range.upto)
            asked[place] = true;
    }
}

void Labeller::gather(json::Value value, std::vector<bool>& asked) const {
    if (value.is_array()) {
        for (const json::Node& node : value.items()) gather(json::Value(&node), asked);
        return;
    }
    if (!value.is_object()) return;
    std::string_view system, code;
    for (const json::Member& member : value.members()) {
        const json::Value inner = member.value();
        if (inner.is_array() || inner.is_object()) gather(inner, asked);
        else if (member.key() == "system") system = inner.string();
        else if (member.key() == "code") code = inner.string();
    }
    if (!system.empty() && !code.empty()) look_at(system, code, asked);
}

json::Value Labeller::mark(const fhir::Type& type, json::Value resource, json::Arena& arena) const {
    // Tables of codes speak of illnesses, and are nobody's.
    constexpr std::string_view tables[] = {"CodeSystem",
                                           "ValueSet",
                                           "ConceptMap",
                                           "StructureDefinition",
                                           "Questionnaire",
                                           "PlanDefinition",
                                           "ActivityDefinition",
                                           "Measure",
                                           "Library",
                                           "Consent",
                                           "Patient"};
    if (std::find(std::begin(tables), std::end(tables), type.name) != std::end(tables)) return resource;
    std::vector<bool> asked(labels_.size());
    for (const json::Member& member : resource.members()) {
        if (member.key() != "meta" && member.key() != "contained") gather(member.value(), asked);
    }
    gather(resource["contained"], asked);
    std::vector<json::Value> security;
    bool adds = false;
    for (const json::Node& node : resource["meta"]["security"].items()) {
        const json::Value has(&node);
        for (std::size_t i = 0; i < labels_.size(); ++i) {
            if (has["code"].string() == labels_[i].code && has["system"].string() == labels_[i].system) asked[i] = false;
        }
        security.push_back(has);
    }
    for (std::size_t i = 0; i < labels_.size(); ++i) {
        if (!asked[i]) continue;
        adds = true;
        security.push_back(arena.object({{"system", arena.string(labels_[i].system)}, {"code", arena.string(labels_[i].code)}}));
    }
    if (!adds) return resource;
    const json::Value meta = resource["meta"].is_object() ? resource["meta"] : arena.object({});
    const json::Value marked = arena.with(meta, "security", arena.array(security));
    return resource["meta"].is_object() ? arena.with(resource, "meta", marked) : arena.with_after(resource, "id", "meta", marked);
}

Result<std::function<json::Value(const fhir::Type&, json::Value, json::Arena&)>> marking(const content::Files& files) {
    XINGLIN_TRY(Labeller labeller, Labeller::read(files));
    return std::function<json::Value(const fhir::Type&, json::Value, json::Arena&)>(
        [labeller = std::move(labeller)](const fhir::Type& type, json::Value resource, json::Arena& arena) {
            return labeller.mark(type, resource, arena);
        });
}

}  // namespace xinglin::policy
