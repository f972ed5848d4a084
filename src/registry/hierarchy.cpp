// SPDX-License-Identifier: Apache-2.0
// No cycles: whoever becomes part of something is asked for what that is part of, up to the top.
#include <mutex>
#include <unordered_map>

#include "registry/registry.h"

namespace xinglin::registry {

namespace {

constexpr int deepest = 64;

bool has_hierarchy(std::string_view type) { return type == "Organization" || type == "Location"; }

std::string reference_of(json::Value resource) {
    return std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string());
}

}  // namespace

struct Hierarchy::Inside {
    record::Store& store;
    std::mutex lock;                                       // guards what follows
    std::unordered_map<std::string, std::string> above{};  // of what is about to be written; "" nothing

    /// What it is part of; "" nothing, or nobody knows.
    std::string part_of(const std::string& reference) {
        if (const auto found = above.find(reference); found != above.end()) return found->second;
        const std::size_t slash = reference.find('/');
        const fhir::Type* type = fhir::find_resource(std::string_view(reference).substr(0, slash));
        const auto version =
            store.reader(access::Viewer::program("registry")).read(*type, std::string_view(reference).substr(slash + 1));
        if (!version.ok()) return {};
        json::Arena arena;
        const auto resource = json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1});
        return resource.ok() ? std::string((*resource)["partOf"]["reference"].string()) : std::string();
    }
    Outcome check(json::Value resource) {
        const std::string type(resource["resourceType"].string()), self = reference_of(resource);
        std::string up(resource["partOf"]["reference"].string()), way = self;
        for (int step = 0; step < deepest; ++step) {
            if (!up.starts_with(type + "/")) return {};
            if (way.size() < 1'000) way += " → " + up;
            if (up == self)
                return refuse(IssueCode::invariant, type + ".partOf",
                              "would make a cycle in the hierarchy (" + way +
                                  "); name something that is not part of this one, or move that first");
            up = part_of(up);
        }
        return refuse(IssueCode::too_costly, type + ".partOf", "lies more than 64 levels deep");
    }
};

Hierarchy::Hierarchy(record::Store& store) : inside_(new Inside{.store = store, .lock = {}}) {}
Hierarchy::~Hierarchy() = default;

Outcome Hierarchy::add(json::Value resource) { return add(std::span(&resource, 1)); }

Outcome Hierarchy::add(std::span<const json::Value> resources) {
    std::vector<std::pair<std::string, std::string>> before;  // put back when it is refused
    std::vector<json::Value> placed;
    for (const json::Value resource : resources) {
        if (!has_hierarchy(resource["resourceType"].string()) || resource["id"].string().empty()) continue;
        placed.push_back(resource);
    }
    if (placed.empty()) return {};
    const std::lock_guard guard(inside_->lock);
    for (const json::Value resource : placed) {
        std::string& above = inside_->above[reference_of(resource)];
        before.emplace_back(reference_of(resource), above);
        above = resource["partOf"]["reference"].string();
    }
    for (const json::Value resource : placed) {
        if (Outcome outcome = inside_->check(resource); !outcome.ok()) {
            for (auto each = before.rbegin(); each != before.rend(); ++each) {
                if (each->second.empty()) inside_->above.erase(each->first);
                else inside_->above[each->first] = each->second;
            }
            return outcome;
        }
    }
    return {};
}

Outcome check_hierarchy(record::Store& store, json::Value resource) {
    if (!has_hierarchy(resource["resourceType"].string()) || resource["partOf"]["reference"].string().empty()) return {};
    return Hierarchy(store).add(resource);
}

}  // namespace xinglin::registry
