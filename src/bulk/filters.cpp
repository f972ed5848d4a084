// SPDX-License-Identifier: Apache-2.0
// Conditions on one resource; what they need from others is read as of the export's position.
#include "bulk/filters.h"

#include "bulk/compartment.h"

namespace xinglin::bulk {

using search::Criterion;

bool Filters::has(const fhir::Type& type, json::Value resource, std::int64_t updated_ms, const Criterion& criterion) {
    const auto any = [&](std::string_view value) {
        return std::any_of(criterion.any.begin(), criterion.any.end(), [&](const search::Operand& o) { return o.raw == value; });
    };
    if (criterion.kind == Criterion::Kind::id) return any(resource.find("id").string());
    if (criterion.kind == Criterion::Kind::has) {
        const auto found = reached_.find(&criterion);
        return found != reached_.end() && found->second.contains(fmt::format("{}/{}", type.name, resource.find("id").string()));
    }
    arena_.clear();
    search::Surroundings around;
    around.offset_minutes = store_.offset_minutes();
    around.last_updated_ms = updated_ms;
    around.resolve = [this](const search::Reference& reference) {
        const fhir::Type* target = fhir::find_resource(reference.type);
        if (!target || reference.id.empty()) return json::Value();
        auto found = store_.reader(access::Viewer::program("export")).read(*target, reference.id, as_of_);
        if (!found.ok()) return json::Value();
        const auto parsed = json::parse(arena_.keep(found->body), arena_, {.depth = 1'000, .bytes = found->body.size() + 1});
        return parsed.ok() ? *parsed : json::Value();
    };
    around.referrers = [](const search::Parameter&, std::string_view, std::string_view) { return std::vector<json::Value>(); };
    return search::matches(type, resource, criterion, around);
}

bool Filters::has_all(const fhir::Type& type, json::Value resource, std::int64_t updated_ms, const std::vector<Criterion>& all) {
    return std::all_of(all.begin(), all.end(),
                       [&](const Criterion& criterion) { return has(type, resource, updated_ms, criterion); });
}

namespace {
void add_conditions(const fhir::Type& type, const Criterion& criterion,
                    std::vector<std::pair<const fhir::Type*, const Criterion*>>& found) {
    if (criterion.kind != Criterion::Kind::has) return;
    add_conditions(*criterion.has_type, criterion.inner.front(), found);
    found.emplace_back(&type, &criterion);
}
}  // namespace

std::vector<std::pair<const fhir::Type*, const Criterion*>> has_conditions(const std::vector<Order::Filter>& filters) {
    std::vector<std::pair<const fhir::Type*, const Criterion*>> found;
    for (const Order::Filter& filter : filters) {
        for (const Criterion& criterion : filter.all) add_conditions(*filter.type, criterion, found);
    }
    return found;
}

void add_reached(const fhir::Type& named, const Criterion& has, json::Value resource, std::int64_t updated_ms, Filters& filters,
                 std::unordered_set<std::string>& reached) {
    if (!filters.has(*has.has_type, resource, updated_ms, has.inner.front())) return;
    search::Entries entries;
    search::extract(*has.has_type, resource, 0, entries);
    for (const search::Reference& reference : entries.references) {
        if (reference.type != named.name || reference.id.empty() || !counts_as(*has.parameter, reference)) continue;
        reached.insert(fmt::format("{}/{}", named.name, reference.id));
    }
    if (reached.size() > reached_most)
        throw std::runtime_error("_typeFilter " + has.written + ": reaches more than 2,000,000 resources; narrow the condition");
}

json::Value only_elements(const Order& order, const fhir::Type& type, json::Value resource, json::Arena& arena) {
    std::vector<std::string_view> wanted;
    for (const auto& [of, element] : order.elements) {
        if (!of || of == &type) wanted.push_back(element);
    }
    if (wanted.empty()) return resource;
    const auto asked = [&](std::string_view name) { return std::find(wanted.begin(), wanted.end(), name) != wanted.end(); };
    std::vector<std::pair<std::string_view, json::Value>> kept;
    for (const json::Member& member : resource.members()) {
        std::string_view key = member.key();
        if (key.starts_with('_')) key.remove_prefix(1);
        const fhir::Match match = fhir::match(type, key);
        const bool always = key == "resourceType" || key == "id" || key == "meta" ||
                            (match && (match.element->min > 0 || match.element->is_modifier));
        if (always || asked(key) || (match && asked(match.element->name))) kept.emplace_back(member.key(), member.value());
    }
    const json::Value meta = resource.find("meta");
    std::vector<json::Value> tags;
    for (const json::Node& item : meta.find("tag").items()) tags.emplace_back(&item);
    tags.push_back(arena.object({{"system", arena.string("http://terminology.hl7.org/CodeSystem/v3-ObservationValue")},
                                 {"code", arena.string("SUBSETTED")}}));
    const json::Value all = arena.array(tags);
    return arena.with_after(arena.object(kept), "id", "meta", meta ? arena.with(meta, "tag", all) : arena.object({{"tag", all}}));
}

}  // namespace xinglin::bulk
