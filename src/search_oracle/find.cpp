// SPDX-License-Identifier: Apache-2.0
// Values by the official expressions, evaluated by the general FHIRPath engine.
//
// Liberties, the same that every server takes: `as` narrows each item of a collection (as ofType does) instead of failing
// on several; hasExtension(u), which no edition defines, is extension(u).exists(); an extension stands for its value; a
// Bundle's first resource counts for "composition" and "message" when it is one; R4's swapped components of
// DocumentReference.relationship.
#include <cctype>

#include "search_oracle/inside.h"

namespace xinglin::search_oracle {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

/// "(a as T).b" → "a.ofType(T).b", and so on.
std::string mended(std::string text) {
    replace_all(text, ".as(", ".ofType(");
    replace_all(text, "DateTime)", "dateTime)");
    if (const std::size_t at = text.find("hasExtension("); at != std::string::npos) {
        text.replace(text.find("')", at), 2, "').exists()");
        text.replace(at, 13, "extension(");
    }
    for (std::size_t as = text.find(" as "); as != std::string::npos; as = text.find(" as ")) {
        const std::size_t open = text.rfind('(', as), close = text.find(')', as);
        text = text.substr(0, open) + text.substr(open + 1, as - open - 1) + ".ofType(" + text.substr(as + 4, close - as - 4) +
               ")" + text.substr(close + 1);
    }
    return text;
}

std::vector<std::string> alternatives_of(std::string_view text) {
    std::vector<std::string> parts(1);
    int depth = 0;
    for (const char c : text) {
        depth += (c == '(') - (c == ')');
        if (c == '|' && depth == 0) {
            parts.emplace_back();
        } else if (c != ' ' || !parts.back().empty()) {
            parts.back() += c;
        }
    }
    return parts;
}

/// The only system a plain path's code can come from.
std::string system_at(const std::string& path) {
    const fhir::Type* type = nullptr;
    const fhir::Element* element = nullptr;
    std::string name;
    for (const char c : path + ".") {
        if (std::isalnum(static_cast<unsigned char>(c))) {
            name += c;
        } else if (c != '.') {
            if (c == ' ') continue;
            return {};
        } else if (!type) {
            type = fhir::find_type(name);
            if (!type) return {};
            name.clear();
        } else {
            element = fhir::find_element(*type, name);
            if (!element || element->types.size() != 1) return {};
            type = element->types[0].type;
            name.clear();
        }
    }
    if (!element || type->name != "code" || element->binding != fhir::Binding::required) return {};
    const fhir::CodeSet* set = fhir::find_code_set(element->value_set);
    return set && set->systems.size() == 1 ? std::string(set->systems[0]) : std::string();
}

/// T of "….where(resolve() is T)".
std::string resolved_type(const std::string& expression) {
    const std::size_t at = expression.find("resolve() is ");
    if (at == std::string::npos) return {};
    return expression.substr(at + 13, expression.find(')', at + 13) - at - 13);
}

Found found_of(const fhirpath::Item& item) {
    Found found;
    found.type = item.type_name();
    found.value = item.kind == fhirpath::Item::Kind::node ? item.value : json::Value();
    found.boolean = item.boolean;
    if (found.type != "Extension") return found;
    for (const json::Member& member : item.value.members()) {
        const std::string_view key = member.key();
        if (!key.starts_with("value")) continue;
        found.value = member.value();
        found.type = key.substr(5);
        std::string lower = found.type;
        lower[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(lower[0])));
        if (!fhir::find_type(found.type)) found.type = lower;
    }
    return found;
}

}  // namespace

const std::vector<const Row*>& rows_of(std::string_view type) {
    static std::map<std::string, std::vector<const Row*>, std::less<>> known;  // tests run on one thread
    if (const auto found = known.find(type); found != known.end()) return found->second;
    std::vector<const Row*>& rows = known[std::string(type)];
    for (const fhir::Type* at = fhir::find_resource(type); at; at = at->base) {
        for (const Row& row : fhir::search_parameter_rows()) {
            if (row.expression.empty() || std::find(row.bases.begin(), row.bases.end(), at->name) == row.bases.end()) continue;
            rows.push_back(&row);
        }
    }
    return rows;
}

const Row* find_row(std::string_view type, std::string_view code) {
    for (const Row* row : rows_of(type)) {
        if (row->code == code) return row;
    }
    return nullptr;
}

const Row* find_row_by_url(std::string_view type, std::string_view url) {
    for (const Row* row : rows_of(type)) {
        if (row->url == url) return row;
    }
    return nullptr;
}

FoundList Oracle::Inside::evaluate(const std::string& written, const fhirpath::Item& context) const {
    const std::string expression = mended(written);
    auto compiled = expressions.find(expression);
    if (compiled == expressions.end()) {
        auto result = fhirpath::Expression::compile(expression);
        if (!result) throw std::runtime_error(expression + ": " + result.outcome().line());
        compiled = expressions.emplace(expression, std::move(result).value()).first;
    }
    fhirpath::Environment environment;
    environment.resolve = [this](std::string_view reference) {
        const auto stub = stubs.find(target_of(std::string(reference)).type);
        return stub == stubs.end() ? json::Value() : stub->second;
    };
    auto items = compiled->second.evaluate(context, environment);
    if (!items) throw std::runtime_error(expression + ": " + items.outcome().line());
    FoundList list;
    for (const fhirpath::Item& item : *items) {
        if (item.kind == fhirpath::Item::Kind::node && (!item.value || item.value.is_null()))
            continue;  // only extensions of a missing value
        list.push_back(found_of(item));
    }
    return list;
}

const FoundList& Oracle::Inside::find(const Row& row, json::Value resource) const {
    const auto key = std::pair(&row, resource.node());
    if (const auto known = cache.find(key); known != cache.end()) return known->second;
    FoundList list;
    const fhirpath::Item item = fhirpath::item_of(resource);
    for (std::string alternative : alternatives_of(row.expression)) {
        if (alternative == "Bundle.entry[0].resource") alternative += ".ofType(" + std::string(row.targets[0]) + ")";
        const std::string system = system_at(alternative);
        for (Found& found : evaluate(alternative, item)) {
            found.system = found.type == "code" ? system : "";
            list.push_back(std::move(found));
        }
        const std::string wanted = resolved_type(alternative);
        if (wanted.empty()) continue;
        // A reference without an address cannot be resolved; then it is of the type it declares.
        for (Found& found : evaluate(alternative.substr(0, alternative.find(".where(resolve()")), item)) {
            if (!found.value["reference"] && found.value["type"].string() == wanted) list.push_back(std::move(found));
        }
    }
    return cache.emplace(key, std::move(list)).first->second;
}

std::vector<std::vector<FoundList>> Oracle::Inside::tuples(const Row& row, json::Value resource) const {
    std::vector<std::vector<FoundList>> tuples;
    const fhirpath::Item whole = fhirpath::item_of(resource);
    for (const std::string& alternative : alternatives_of(row.expression)) {
        const std::string expression = mended(alternative);
        auto compiled = fhirpath::Expression::compile(expression);
        if (!compiled) throw std::runtime_error(expression);
        auto nodes = compiled->evaluate(whole, {});
        if (!nodes) throw std::runtime_error(expression);
        for (const fhirpath::Item& node : *nodes) {
            std::vector<FoundList> components;
            for (const Row::Component& component : row.components) {
                std::string part(component.expression);
                const bool outside = part.starts_with("%resource.");
                if (outside) part = std::string(resource["resourceType"].string()) + part.substr(9);
                components.push_back(evaluate(part, outside ? whole : node));
                for (Found& found : components.back())
                    found.system = found.type == "code" ? system_at(alternative + "." + part) : "";
            }
            tuples.push_back(std::move(components));
        }
    }
    return tuples;
}

}  // namespace xinglin::search_oracle
