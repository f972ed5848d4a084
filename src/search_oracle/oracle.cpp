// SPDX-License-Identifier: Apache-2.0
// Asks each resource each criterion.
#include <algorithm>

#include "search_oracle/inside.h"

namespace xinglin::search_oracle {
namespace {

std::string name_of(json::Value resource) {
    return std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string());
}

}  // namespace

Oracle::Oracle(std::vector<json::Value> resources, std::int16_t offset_minutes, std::int64_t now_ms)
    : inside_(std::make_unique<Inside>()) {
    inside_->sense = {offset_minutes, now_ms};
    for (const json::Value& resource : resources) {
        inside_->by_name[name_of(resource)] = resource;
        inside_->by_type[std::string(resource["resourceType"].string())].push_back(resource);
    }
    for (const fhir::Type* type : fhir::resources()) {
        inside_->stubs[std::string(type->name)] = inside_->arena.object({{"resourceType", inside_->arena.string(type->name)}});
    }
    inside_->resources = std::move(resources);
    for (const json::Value& resource : inside_->resources) inside_->gather_codings(resource);
    inside_->sense.codings = &inside_->codings;
}

void Oracle::Inside::gather_codings(json::Value value) {
    if (value["code"].is_string() && value["system"].is_string())
        codings.emplace(value["system"].string(), value["code"].string());
    for (const json::Member& member : value.members()) gather_codings(member.value());
    for (const json::Node& item : value.items()) gather_codings(json::Value(&item));
}

bool in_value_set(const Sense& sense, std::string_view value_set, const std::string& system, const std::string& code) {
    if (!sense.codings->contains({system, code})) return false;
    std::uint32_t hash = 7;
    for (const char c : system + "|" + code) hash = hash * 31 + static_cast<unsigned char>(c);
    return hash % 5 == static_cast<std::uint32_t>(value_set.back() - '0');
}

std::vector<std::pair<std::string, std::string>> Oracle::codes_in(std::string_view value_set) const {
    std::vector<std::pair<std::string, std::string>> codes;
    for (const auto& [system, code] : inside_->codings) {
        if (in_value_set(inside_->sense, value_set, system, code)) codes.emplace_back(system, code);
    }
    return codes;
}

std::vector<std::string> Oracle::codes_below(std::string_view system, std::string_view code, bool below) const {
    std::vector<std::string> codes{std::string(code)};
    for (const auto& [other_system, other] : inside_->codings) {
        if (other_system == system && (below ? other.starts_with(code) : code.starts_with(other))) codes.push_back(other);
    }
    return codes;
}

std::set<std::string> Oracle::Inside::with_ancestors(const std::string& name) const {
    std::set<std::string> family{name};
    const auto found = by_name.find(name);
    if (found == by_name.end()) return family;
    std::vector<json::Value> open{found->second};
    while (!open.empty()) {
        const json::Value place = open.back();
        open.pop_back();
        const std::string parent(place["partOf"]["reference"].string());
        if (parent.empty() || parent.find(':') != std::string::npos || !family.insert(parent).second) continue;
        if (const auto upper = by_name.find(parent); upper != by_name.end()) open.push_back(upper->second);
    }
    return family;
}

Oracle::Oracle(Oracle&&) noexcept = default;
Oracle::~Oracle() = default;

const std::vector<json::Value>& Oracle::resources() const { return inside_->resources; }

std::vector<std::string> Oracle::types() const {
    std::vector<std::string> types;
    for (const auto& [type, resources] : inside_->by_type) types.push_back(type);
    return types;
}

std::vector<std::string> Oracle::search(std::string_view type, const Pairs& pairs) const {
    std::vector<std::string> names;
    const auto mine = inside_->by_type.find(std::string(type));
    if (mine == inside_->by_type.end()) return names;
    for (const json::Value& resource : mine->second) {
        const bool all = std::all_of(pairs.begin(), pairs.end(),
                                     [&](const auto& pair) { return inside_->ask(resource, pair.first, pair.second); });
        if (all) names.push_back(name_of(resource));
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool Oracle::in_order(std::string_view type, const std::vector<std::string>& ids, std::string_view sort) const {
    for (std::size_t i = 1; i < ids.size(); ++i) {
        for (std::string part : split(std::string(sort), ',')) {
            const bool descending = part[0] == '-';
            if (descending) part.erase(0, 1);
            const Row* row = find_row(type, part);
            if (!row) return false;
            const auto key = [&](const std::string& id) {
                const json::Value resource = inside_->by_name.at(id);
                return key_of(*row, inside_->find(*row, resource), descending, inside_->sense);
            };
            const Key before = key(ids[i - 1]), after = key(ids[i]);
            if (before.any != after.any) {
                if (after.any) return false;
                break;
            }
            if (!before.any) continue;
            const auto a = std::pair(before.number, before.text), b = std::pair(after.number, after.text);
            if (a == b) continue;
            if ((a > b) != descending) return false;
            break;
        }
    }
    return true;
}

bool Oracle::Inside::ask(json::Value resource, const std::string& name, const std::string& value) const {
    if (name.starts_with("_has:")) return ask_has(resource, name.substr(5), value);
    const std::size_t dot = name.find('.');
    const std::string head = name.substr(0, dot);
    const std::size_t colon = head.find(':');
    const std::string code = head.substr(0, colon), modifier = colon == std::string::npos ? "" : head.substr(colon + 1);
    const Row* row = find_row(resource["resourceType"].string(), code);
    if (!row) return false;
    if (dot != std::string::npos) return ask_chain(*row, resource, modifier, name.substr(dot + 1), value);
    return ask_value(*row, modifier, resource, value);
}

bool Oracle::Inside::ask_has(json::Value resource, const std::string& rest, const std::string& value) const {
    const std::size_t first = rest.find(':'), second = rest.find(':', first + 1);
    const std::string type = rest.substr(0, first);
    const Row* row = find_row(type, rest.substr(first + 1, second - first - 1));
    const auto candidates = by_type.find(type);
    if (!row || candidates == by_type.end()) return false;
    return std::any_of(candidates->second.begin(), candidates->second.end(), [&](json::Value other) {
        return refers(other, *row, resource) && ask(other, rest.substr(second + 1), value);
    });
}

bool Oracle::Inside::refers(json::Value from, const Row& row, json::Value to) const {
    for (const Found& found : find(row, from)) {
        const Target target = target_of(found);
        if (target.url.empty() && target.type == to["resourceType"].string() && target.id == to["id"].string()) return true;
    }
    return false;
}

bool Oracle::Inside::ask_chain(const Row& row, json::Value resource, const std::string& type, const std::string& rest,
                               const std::string& value) const {
    for (const Found& found : find(row, resource)) {
        const Target target = target_of(found);
        const auto other = by_name.find(target.type + "/" + target.id);
        if (!target.url.empty() || other == by_name.end()) continue;
        if (!type.empty() && type != target.type) continue;
        if (type.empty() && !row.targets.empty() &&
            std::find(row.targets.begin(), row.targets.end(), target.type) == row.targets.end())
            continue;
        if (ask(other->second, rest, value)) return true;
    }
    return false;
}

bool Oracle::Inside::ask_value(const Row& row, const std::string& modifier, json::Value resource,
                               const std::string& value) const {
    if (row.code == "_id") {
        const auto ids = split(value, ',');
        return std::any_of(ids.begin(), ids.end(), [&](const std::string& id) { return plain(id) == resource["id"].string(); });
    }
    if (row.type == "composite") {
        const auto all = tuples(row, resource);
        const bool swapped = row.code == "relationship";
        for (const auto& tuple : all) {
            const bool complete = std::none_of(tuple.begin(), tuple.end(), [](const FoundList& list) { return list.empty(); });
            if (modifier == "missing" && complete) return value == "false";
            for (const std::string& alternative : split(value, ',')) {
                const auto parts = split(alternative, '$');
                bool match = parts.size() == tuple.size();
                for (std::size_t i = 0; i < tuple.size() && match; ++i) {
                    const Row* part =
                        find_row_by_url(resource["resourceType"].string(), row.components[swapped ? 1 - i : i].definition);
                    match = std::any_of(tuple[i].begin(), tuple[i].end(),
                                        [&](const Found& found) { return compare(*part, "", found, parts[i], sense); });
                }
                if (match && modifier.empty()) return true;
            }
        }
        return modifier == "missing" && value == "true";
    }
    if (row.type == "reference" && (modifier == "below" || modifier == "above")) {
        for (const Found& found : find(row, resource)) {
            const Target target = target_of(found);
            const std::string name = target.type + "/" + target.id;
            for (const std::string& alternative : split(value, ',')) {
                std::string asked = plain(alternative);
                if (!target.url.empty() && asked == target.url) return true;  // on another server: itself alone
                if (asked.find('/') == std::string::npos)
                    asked = (row.targets.size() == 1 ? std::string(row.targets[0]) : target.type) + "/" + asked;
                if (target.url.empty() &&
                    with_ancestors(modifier == "below" ? name : asked).contains(modifier == "below" ? asked : name))
                    return true;
            }
        }
        return false;
    }
    const FoundList& found = find(row, resource);
    if (modifier == "missing") return found.empty() == (value == "true");
    bool any = false;
    for (const std::string& alternative : split(value, ',')) {
        for (const Found& each : found)
            any = any || compare(row, modifier == "not" ? "" : modifier == "not-in" ? "in" : modifier, each, alternative, sense);
    }
    return modifier == "not" || modifier == "not-in" ? !any : any;
}

}  // namespace xinglin::search_oracle
