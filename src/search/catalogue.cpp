// SPDX-License-Identifier: Apache-2.0
// Builds the parameters of every type from R4's rows.
#include "search/catalogue.h"

#include <algorithm>

namespace xinglin::search {
namespace {

using Row = fhir::SearchParameterRow;

/// "composition" and "message" of Bundle share this expression; each means a first resource of its own target type.
constexpr std::string_view first_resource = "Bundle.entry[0].resource";

std::optional<ParamType> param_type(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(ParamType::special); ++i) {
        if (text(static_cast<ParamType>(i)) == name) return static_cast<ParamType>(i);
    }
    return std::nullopt;
}

/// Rows by the type they are written for; those of Resource and DomainResource concern all derived from it.
std::vector<const Row*> rows_of(const fhir::Type& type,
                                const std::unordered_map<std::string_view, std::vector<const Row*>>& by_base) {
    std::vector<const Row*> rows;
    for (const fhir::Type* at = &type; at; at = at->base) {
        const auto found = by_base.find(at->name);
        if (found == by_base.end()) continue;
        for (const Row* row : found->second) {
            const bool known = std::any_of(rows.begin(), rows.end(), [&](const Row* other) { return other->code == row->code; });
            if (!known) rows.push_back(row);
        }
    }
    std::sort(rows.begin(), rows.end(), [](const Row* a, const Row* b) { return a->code < b->code; });
    return rows;
}

std::unordered_map<std::string_view, std::vector<const Row*>> rows_by_base() {
    std::unordered_map<std::string_view, std::vector<const Row*>> by_base;
    for (const Row& row : fhir::search_parameter_rows()) {
        if (row.expression.empty()) continue;  // _text, _content, _query, _filter: not answered from elements
        for (const std::string_view base : row.bases) by_base[base].push_back(&row);
    }
    return by_base;
}

void add_components(Details& details, const Row& row, std::span<Details* const> mine) {
    for (const Row::Component& component : row.components) {
        const auto named =
            std::find_if(mine.begin(), mine.end(), [&](Details* d) { return d->parameter.url == component.definition; });
        XINGLIN_ASSERT(named != mine.end());
        details.components.push_back({&(*named)->parameter, component.expression});
    }
    // R4 gives DocumentReference's "relationship" the definitions in the wrong order; the expressions are right.
    if (row.url.ends_with("/DocumentReference-relationship"))
        std::swap(details.components[0].parameter, details.components[1].parameter);
}

}  // namespace

std::string_view text(ParamType type) {
    constexpr std::string_view names[] = {"number",    "date",     "string", "token",  "reference",
                                          "composite", "quantity", "uri",    "special"};
    return names[static_cast<int>(type)];
}

const Catalogue& Catalogue::the() {
    static const Catalogue catalogue;
    return catalogue;
}

Catalogue::Catalogue() {
    const auto by_base = rows_by_base();
    for (const fhir::Type* type : fhir::resources()) {
        TypeCatalogue& entry = types_.emplace_back();
        entry.type = type;
        by_type_[type] = &entry;
        std::vector<Details*> mine;
        std::vector<const Row*> rows = rows_of(*type, by_base);
        XINGLIN_ASSERT(rows.size() <= 64);
        for (const Row* row : rows) {
            auto paths = parse_paths(row->expression);
            const auto kind = param_type(row->type);
            XINGLIN_ASSERT(paths.has_value() && kind.has_value());  // R4 is fixed; parameters_test walks every expression
            if (row->expression == first_resource)
                paths->at(0).steps.push_back({Step::Kind::of_type, std::string(row->targets[0]), {}});
            Details& details = stored_.emplace_back();
            details.paths = std::move(*paths);
            details.targets.assign(row->targets.begin(), row->targets.end());
            details.parameter = {.index = static_cast<std::uint16_t>(details_.size()),
                                 .bit = static_cast<std::uint8_t>(mine.size()),
                                 .resource = type,
                                 .code = row->code,
                                 .type = *kind,
                                 .expression = row->expression,
                                 .url = row->url,
                                 .description = row->description};
            details_.push_back(&details);
            mine.push_back(&details);
            all_.push_back(&details.parameter);
            entry.parameters.push_back(&details.parameter);
        }
        for (std::size_t i = 0; i < rows.size(); ++i) add_components(*mine[i], *rows[i], mine);
        find_includes(mine);
        for (Details* details : mine) {
            details->parameter.targets = details->targets;
            details->parameter.includes = details->includes;
            details->parameter.components = details->components;
        }
    }
    alone_.resize(details_.size());
}

const Parameter* Catalogue::find(const fhir::Type& type, std::string_view code) const {
    const auto parameters = of(type);
    const auto found =
        std::lower_bound(parameters.begin(), parameters.end(), code,
                         [](const Parameter* parameter, std::string_view wanted) { return parameter->code < wanted; });
    return found != parameters.end() && (*found)->code == code ? *found : nullptr;
}

std::span<const Parameter* const> Catalogue::of(const fhir::Type& type) const {
    const auto found = by_type_.find(&type);
    if (found == by_type_.end()) return {};
    return found->second->parameters;
}

const Node* Catalogue::trie(const fhir::Type& type) const {
    const auto found = by_type_.find(&type);
    if (found == by_type_.end()) return nullptr;
    TypeCatalogue& entry = *found->second;
    std::call_once(entry.once, [&] {
        Node* root = entry.grower.root();
        for (const Parameter* parameter : entry.parameters) {
            if (parameter->code == "_id" || parameter->code == "_lastUpdated") continue;
            for (const Path& path : details(*parameter).residual) entry.grower.grow(root, type, path, *parameter, type);
        }
        entry.root = root;
    });
    return entry.root;
}

const Alone& Catalogue::alone(const Parameter& parameter) const {
    Alone& alone = alone_[parameter.index];
    std::call_once(alone.once, [&] {
        Node* root = alone.grower.root();
        for (const Path& path : details(parameter).paths)
            alone.grower.grow(root, *parameter.resource, path, parameter, *parameter.resource);
        alone.root = root;
        alone.folds_case = alone.grower.only(Rule::folded_code);
    });
    return alone;
}

const Parameter* find_parameter(const fhir::Type& resource, std::string_view code) {
    return Catalogue::the().find(resource, code);
}

std::span<const Parameter* const> parameters(const fhir::Type& resource) { return Catalogue::the().of(resource); }

std::span<const Parameter* const> all_parameters() { return Catalogue::the().all(); }

}  // namespace xinglin::search
