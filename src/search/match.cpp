// SPDX-License-Identifier: Apache-2.0
// Whether one resource matches one criterion: the parameter's own trie is walked, its entries compared.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "search/operand.h"
#include "search/reference.h"
#include "search/walk.h"
#include "text/text.h"

namespace xinglin::search {
namespace {

bool is_coded(Modifier modifier) {
    return modifier == Modifier::in || modifier == Modifier::not_in || modifier == Modifier::below || modifier == Modifier::above;
}

/// Identifier.type against "system|code".
bool is_of_type(const Operand& wanted, json::Value kind) {
    for (const json::Node& item : kind["coding"].items()) {
        const json::Value coding(&item);
        if (coding["code"].string() == wanted.code && (!wanted.has_system || coding["system"].string() == wanted.system))
            return true;
    }
    return false;
}

bool token_matches(Modifier modifier, const Operand& operand, const Token& token) {
    if (modifier == Modifier::text)
        return !token.is_identifier_of_reference && !token.text.empty() &&
               string_matches(Modifier::none, operand.raw, token.text);
    if (modifier == Modifier::of_type) return token.code == operand.code && is_of_type(operand.components.front(), token.kind);
    if (is_coded(modifier)) return operand.codes && !token.code.empty() && operand.codes->contains(token.system, token.code);
    if (operand.has_system && token.system != operand.system) return false;
    if (operand.code.empty()) return true;  // "system|"
    return token.code == operand.code;
}

bool uri_matches(Modifier modifier, const std::string& asked, std::string_view value) {
    if (modifier == Modifier::below) return uri_is_below(value, asked);
    if (modifier == Modifier::above) return uri_is_below(asked, value);
    return value == asked;
}

bool reference_matches(Modifier modifier, const Operand& operand, const Reference& reference) {
    if (modifier == Modifier::text)
        return !reference.display.empty() && string_matches(Modifier::none, operand.raw, reference.display);
    if (!operand.url.empty()) return reference.url == operand.url;
    if (!operand.target_type.empty() && reference.type != operand.target_type) return false;
    return reference.url.empty() && reference.id == operand.target_id;
}

bool quantity_matches(const Operand& operand, const Quantity& quantity) {
    if (operand.has_system && quantity.system != operand.system) return false;
    if (!operand.code.empty() && quantity.code != operand.code && (operand.has_system || quantity.unit != operand.code))
        return false;
    return number_matches(operand, quantity.low, quantity.high);
}

/// Whether an entry of this parameter matches the operand.
bool entries_match(const Parameter& parameter, Modifier modifier, const Operand& operand, const Entries& entries) {
    const auto mine = [&](const auto& list, auto&& matches) {
        return std::any_of(list.begin(), list.end(),
                           [&](const auto& entry) { return entry.parameter == &parameter && matches(entry); });
    };
    switch (parameter.type) {
        case ParamType::token:
            return mine(entries.tokens, [&](const Token& token) { return token_matches(modifier, operand, token); });
        case ParamType::string:
            return mine(entries.strings,
                        [&](const String& string) { return string_matches(modifier, operand.raw, string.value); });
        case ParamType::uri:
            return mine(entries.uris, [&](const Uri& uri) { return uri_matches(modifier, operand.raw, uri.value); });
        case ParamType::date:
            return mine(entries.dates, [&](const Date& date) { return date_matches(operand, date.low_ms, date.high_ms); });
        case ParamType::number:
            return mine(entries.numbers, [&](const Number& number) { return number_matches(operand, number.low, number.high); });
        case ParamType::quantity:
            return mine(entries.quantities, [&](const Quantity& quantity) { return quantity_matches(operand, quantity); });
        case ParamType::reference:
            if (modifier == Modifier::identifier) {
                return mine(entries.tokens, [&](const Token& token) { return token_matches(Modifier::none, operand, token); });
            }
            return mine(entries.references,
                        [&](const Reference& reference) { return reference_matches(modifier, operand, reference); });
        case ParamType::composite:
        case ParamType::special: return false;
    }
    return false;
}

/// A node matches when each component has an entry that matches its part.
class CompositeMatch final : public CompositeSink {
public:
    CompositeMatch(const std::vector<Operand>& any, json::Value resource, std::int16_t offset_minutes)
        : any_(any), resource_(resource), offset_minutes_(offset_minutes) {}

    void base(const Leaf& leaf, json::Value value) override {
        std::vector<Entries> components(leaf.components.size());
        for (std::size_t i = 0; i < leaf.components.size(); ++i) {
            Walk(resource_, offset_minutes_, components[i])
                .at(*leaf.components[i], leaf.component_from_resource[i] ? resource_ : value);
        }
        for (const Operand& operand : any_) {
            bool all = true;
            for (std::size_t i = 0; i < components.size() && all; ++i) {
                all =
                    entries_match(*leaf.parameter->components[i].parameter, Modifier::none, operand.components[i], components[i]);
            }
            matched |= all;
        }
    }
    bool matched = false;

private:
    const std::vector<Operand>& any_;
    json::Value resource_;
    std::int16_t offset_minutes_;
};

double number_or(std::string_view text, double otherwise) {
    double value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// Great-circle distance on a sphere of the earth's mean radius.
double distance_km(double latitude_a, double longitude_a, double latitude_b, double longitude_b) {
    constexpr double radius_km = 6371.0088, degree = 3.14159265358979323846 / 180;
    const double a = std::pow(std::sin((latitude_b - latitude_a) * degree / 2), 2) +
                     std::cos(latitude_a * degree) * std::cos(latitude_b * degree) *
                         std::pow(std::sin((longitude_b - longitude_a) * degree / 2), 2);
    return 2 * radius_km * std::asin(std::min(1.0, std::sqrt(a)));
}

/// Location.near: "latitude|longitude|distance|units"; 50 km when no distance is given.
bool near(const Operand& operand, json::Value location) {
    const json::Value position = location["position"];
    if (!position["latitude"] || !position["longitude"]) return false;
    const auto parts = split_unescaped(operand.raw, '|');
    double reach_km = parts.size() > 2 && !parts[2].empty() ? number_or(parts[2], 50) : 50;
    if (parts.size() > 3 && parts[3] == "m") reach_km /= 1'000;
    if (parts.size() > 3 && parts[3].find("mi") != std::string_view::npos) reach_km *= 1.609347;
    return distance_km(number_or(parts[0], 0), number_or(parts[1], 0), number_or(position["latitude"].text(), 0),
                       number_or(position["longitude"].text(), 0)) <= reach_km;
}

/// A place and everything that it is part of, as "Location/1". A circle ends where it began.
std::vector<std::string> with_ancestors(std::string_view type, std::string_view id, const Surroundings& surroundings) {
    constexpr std::size_t most = 1'000;
    std::vector<std::string> family{std::string(type) + "/" + std::string(id)};
    for (std::size_t i = 0; i < family.size() && family.size() < most && surroundings.resolve; ++i) {
        const Named named = named_by(family[i]);
        const Parameter* upwards = part_of(named.type);
        if (!upwards) continue;
        const json::Value resource = surroundings.resolve({upwards, named.type, named.id, {}, {}});
        if (!resource) continue;
        Entries entries;
        Walk(resource, surroundings.offset_minutes, entries).at(*Catalogue::the().alone(*upwards).root, resource);
        for (const Reference& parent : entries.references) {
            std::string name = std::string(parent.type) + "/" + std::string(parent.id);
            if (parent.url.empty() && std::find(family.begin(), family.end(), name) == family.end())
                family.push_back(std::move(name));
        }
    }
    return family;
}

/// :below and :above of a reference, through the places that are part of one another.
bool nested(const Parameter& parameter, json::Value resource, const Criterion& criterion, const Surroundings& surroundings) {
    Entries entries;
    Walk(resource, surroundings.offset_minutes, entries).at(*Catalogue::the().alone(parameter).root, resource);
    for (const Reference& reference : entries.references) {
        for (const Operand& operand : criterion.any) {
            // What lies on another server has no place here that we know of: it is below and above itself alone.
            if (!reference.url.empty() || !operand.url.empty()) {
                if (reference.url == operand.url) return true;
                continue;
            }
            const bool typed = !operand.target_type.empty();
            const std::string asked_type = typed ? operand.target_type : std::string(reference.type);
            const std::string asked = asked_type + "/" + operand.target_id;
            const std::string named = std::string(reference.type) + "/" + std::string(reference.id);
            const bool below = criterion.modifier == Modifier::below;
            const auto family = below ? with_ancestors(reference.type, reference.id, surroundings)
                                      : with_ancestors(asked_type, operand.target_id, surroundings);
            if (std::find(family.begin(), family.end(), below ? asked : named) != family.end()) return true;
        }
    }
    return false;
}

bool any_value(const Parameter& parameter, json::Value resource, const Criterion& criterion, const Surroundings& surroundings) {
    const std::int16_t offset_minutes = surroundings.offset_minutes;
    const bool by_level = criterion.modifier == Modifier::below || criterion.modifier == Modifier::above;
    if (parameter.type == ParamType::reference && by_level) return nested(parameter, resource, criterion, surroundings);
    if (parameter.type == ParamType::special) {
        return std::any_of(criterion.any.begin(), criterion.any.end(),
                           [&](const Operand& operand) { return near(operand, resource); });
    }
    const Node& trie = *Catalogue::the().alone(parameter).root;
    Entries entries;
    if (parameter.type == ParamType::composite) {
        CompositeMatch match(criterion.any, resource, offset_minutes);
        Walk(resource, offset_minutes, entries, &match).at(trie, resource);
        return match.matched;
    }
    Walk(resource, offset_minutes, entries).at(trie, resource);
    const bool any = std::any_of(criterion.any.begin(), criterion.any.end(), [&](const Operand& operand) {
        return entries_match(parameter, criterion.modifier, operand, entries);
    });
    return criterion.modifier == Modifier::negated || criterion.modifier == Modifier::not_in ? !any : any;
}

Surroundings around(json::Value resource, const Surroundings& surroundings) {
    Surroundings other = surroundings;
    const auto updated = calendar::parse_instant(resource["meta"]["lastUpdated"].string());
    other.last_updated_ms = updated ? calendar::span_of(*updated, 0).low_ms : 0;
    return other;
}

bool chain(const Parameter& parameter, json::Value resource, const Criterion& criterion, const Surroundings& surroundings) {
    if (!surroundings.resolve) return false;
    Entries entries;
    Walk(resource, surroundings.offset_minutes, entries).at(*Catalogue::the().alone(parameter).root, resource);
    for (const Reference& reference : entries.references) {
        const json::Value target = surroundings.resolve(reference);
        if (!target) continue;
        for (std::size_t i = 0; i < criterion.target_types.size(); ++i) {
            if (criterion.target_types[i]->name != target["resourceType"].string()) continue;
            if (matches(*criterion.target_types[i], target, criterion.inner[i], around(target, surroundings))) return true;
        }
    }
    return false;
}

bool has(const fhir::Type& type, json::Value resource, const Criterion& criterion, const Surroundings& surroundings) {
    if (!surroundings.referrers) return false;
    for (const json::Value& referrer : surroundings.referrers(*criterion.parameter, type.name, resource["id"].string())) {
        if (matches(*criterion.has_type, referrer, criterion.inner[0], around(referrer, surroundings))) return true;
    }
    return false;
}

}  // namespace

bool matches(const fhir::Type& type, json::Value resource, const Criterion& criterion, const Surroundings& surroundings) {
    const auto any = [&](auto&& one) { return std::any_of(criterion.any.begin(), criterion.any.end(), one); };
    switch (criterion.kind) {
        case Criterion::Kind::id: return any([&](const Operand& operand) { return operand.raw == resource["id"].string(); });
        case Criterion::Kind::last_updated:
            return any([&](const Operand& operand) {
                return date_matches(operand, surroundings.last_updated_ms, surroundings.last_updated_ms + 1);
            });
        case Criterion::Kind::has: return has(type, resource, criterion, surroundings);
        default: break;
    }
    const Parameter* parameter = criterion.parameter;
    if (parameter->resource != &type) parameter = find_parameter(type, parameter->code);  // a search over several types
    if (!parameter) return false;
    if (criterion.kind == Criterion::Kind::value) return any_value(*parameter, resource, criterion, surroundings);
    if (criterion.kind == Criterion::Kind::chain) return chain(*parameter, resource, criterion, surroundings);
    Entries entries;
    const Node& trie = *Catalogue::the().alone(*parameter).root;
    return Walk(resource, surroundings.offset_minutes, entries).finds(trie, resource) != criterion.missing;
}

SortKey sort_key(const fhir::Type& type, json::Value resource, const Parameter& asked, bool descending,
                 std::int16_t offset_minutes) {
    const Parameter* parameter = asked.resource == &type ? &asked : find_parameter(type, asked.code);
    SortKey key;
    if (!parameter) return key;
    Entries entries;
    Walk(resource, offset_minutes, entries).at(*Catalogue::the().alone(*parameter).root, resource);
    const auto number = [&](double value) {
        if (!key.number || (descending ? value > *key.number : value < *key.number)) key.number = value;
    };
    const auto word = [&](std::string value) {
        if (!key.text || (descending ? value > *key.text : value < *key.text)) key.text = std::move(value);
    };
    for (const Date& date : entries.dates) number(static_cast<double>(date.low_ms));
    for (const Number& each : entries.numbers) number(each.low);
    for (const Quantity& quantity : entries.quantities) number(quantity.low);
    for (const String& string : entries.strings) word(text::fold(string.value));
    for (const Uri& uri : entries.uris) word(std::string(uri.value));
    if (parameter->type == ParamType::token) {
        for (const Token& token : entries.tokens) word(std::string(token.code.empty() ? token.text : token.code));
    }
    for (const Reference& reference : entries.references) {
        word(reference.url.empty() ? std::string(reference.type) + "/" + std::string(reference.id) : std::string(reference.url));
    }
    return key;
}

}  // namespace xinglin::search
