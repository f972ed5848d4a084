// SPDX-License-Identifier: Apache-2.0
// One ElementDefinition, laid onto a node: each part narrower than what was there, or refused.
#include "profile/element.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace xinglin::profile {

namespace {

constexpr std::size_t longest_id = 200;

Outcome contradiction(const Node& node, std::string key, std::string what) {
    return {{Issue{Severity::error, IssueCode::invariant, node.id.substr(0, longest_id), std::move(what), std::move(key)}}};
}

std::string names(const std::vector<TypeChoice>& types) {
    std::string text;
    for (const TypeChoice& choice : types) text.append(text.empty() ? "" : ", ").append(choice.type->name);
    return text;
}

std::string max_text(std::uint32_t max) { return max == unbounded ? "*" : std::to_string(max); }

Result<Done> lay_cardinality(Node& node, json::Value element) {
    if (const json::Value min = element["min"]) {
        std::uint32_t value = 0;
        const std::string_view digits = min.text();
        if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc())
            return contradiction(node, "profile-cardinality", "min must be a whole number from 0");
        if (value < node.min && node.slice_name.empty()) {
            return contradiction(node, "profile-looser",
                                 fmt::format("min is {}, but the base asks for {} at least", value, node.min));
        }
        node.min = value;
    }
    if (const json::Value max = element["max"]) {
        std::uint32_t value = unbounded;
        const std::string_view text = max.string();
        if (text != "*" && std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
            return contradiction(node, "profile-cardinality", "max must be a whole number or *");
        // A max that a snapshot or a slice repeats from an element it stands on counts for the element.
        if (value > node.max && !(text == "*" && !node.slice_name.empty())) {
            return contradiction(node, "profile-looser",
                                 fmt::format("max is {}, but the base allows {} at most", max_text(value), max_text(node.max)));
        }
        node.max = std::min(value, node.max);
    }
    if (node.min > node.max) {
        return contradiction(node, "profile-cardinality", fmt::format("min {} is above max {}", node.min, max_text(node.max)));
    }
    return Done{};
}

Result<Done> lay_types(Node& node, json::Value element) {
    const json::Value list = element["type"];
    if (list.size() == 0 || node.ignored) return Done{};
    std::vector<TypeChoice> chosen;
    for (const json::Node& item : list.items()) {
        const json::Value wanted(&item);
        std::string_view code = wanted["code"].string();
        if (code.starts_with("http://hl7.org/fhirpath/System.")) return Done{};  // ids and values of primitives: as the base says
        if (code == "SimpleQuantity" || code == "MoneyQuantity") code = "Quantity";
        const fhir::Type* type = fhir::find_type(code);
        if (!type) return contradiction(node, "profile-type", fmt::format("there is no type {}", code.substr(0, 60)));
        // The same type, one derived from the base's, or one that the base's is derived from (BackboneElement for a backbone).
        const auto same_type = [type](const TypeChoice& base) { return base.type == type; };
        const auto narrower = [type](const TypeChoice& base) { return type->is_a(*base.type); };
        const auto wider = [type](const TypeChoice& base) {
            return type->kind != fhir::TypeKind::primitive && base.type->is_a(*type);
        };
        auto base = std::find_if(node.types.begin(), node.types.end(), same_type);
        if (base == node.types.end()) base = std::find_if(node.types.begin(), node.types.end(), narrower);
        if (base == node.types.end()) base = std::find_if(node.types.begin(), node.types.end(), wider);
        if (base == node.types.end()) {
            return contradiction(node, "profile-type",
                                 fmt::format("the type {} is none of those of the base: {}", type->name, names(node.types)));
        }
        TypeChoice choice{type->is_a(*base->type) ? type : base->type, base->profiles, base->targets};
        const auto urls = [&wanted](std::string_view member) {
            std::vector<std::string> found;
            for (const json::Node& url : wanted[member].items()) found.emplace_back(without_version(json::Value(&url).string()));
            return found;
        };
        auto profiles = urls("profile"), targets = urls("targetProfile");
        std::erase_if(profiles, [](const std::string& url) { return base_type(url) != nullptr; });
        if (!profiles.empty()) choice.profiles = std::move(profiles);
        if (!targets.empty()) choice.targets = std::move(targets);
        // Types written twice, once for each target, are one type.
        const auto same =
            std::find_if(chosen.begin(), chosen.end(), [&](const TypeChoice& each) { return each.type == choice.type; });
        if (same == chosen.end()) {
            chosen.push_back(std::move(choice));
        } else {
            same->targets.insert(same->targets.end(), choice.targets.begin(), choice.targets.end());
            same->profiles.insert(same->profiles.end(), choice.profiles.begin(), choice.profiles.end());
        }
    }
    if (chosen.size() < node.types.size()) node.types_limited = true;
    for (const TypeChoice& choice : chosen) {
        const bool narrower =
            std::none_of(node.types.begin(), node.types.end(), [&](const TypeChoice& base) { return base.type == choice.type; });
        if (narrower || !choice.profiles.empty() || !choice.targets.empty()) node.types_limited = true;
    }
    node.types = std::move(chosen);
    return Done{};
}

/// The type that "fixedUri" or "patternCodeableConcept" names, among those of the node.
const fhir::Type* named_type(const Node& node, std::string_view suffix) {
    for (const TypeChoice& choice : node.types) {
        for (const fhir::Type* type = choice.type; type; type = type->base) {
            if (capitalised(type->name) == suffix) return type;
        }
    }
    return nullptr;
}

/// Is the value one of its type? Looked at inside a resource that may hold any type.
Result<Done> right_value(const Node& node, std::string_view member, std::string_view suffix, json::Value value) {
    json::Arena arena;
    const std::string key = "value" + std::string(suffix);
    const json::Value parameter = arena.object({{"name", arena.string("value")}, {key, value}});
    const Outcome outcome =
        fhir::validate(arena.object({{"resourceType", arena.string("Parameters")}, {"parameter", arena.array({parameter})}}), 1);
    if (outcome.ok()) return Done{};
    const Issue& first = outcome.issues.front();
    return contradiction(node, "profile-value", fmt::format("{} is not a right value of its type: {}", member, first.what));
}

Result<Done> lay_value(Node& node, json::Value element, std::string_view kind, json::Arena& arena) {
    for (const json::Member& member : element.members()) {
        const std::string_view key = member.key();
        if (!key.starts_with(kind) || key.size() == kind.size()) continue;
        const std::string_view suffix = key.substr(kind.size());
        if (!node.ignored && !named_type(node, suffix)) {
            return contradiction(node, "profile-value",
                                 fmt::format("{} is of none of the element's types: {}", key.substr(0, 60), names(node.types)));
        }
        if (suffix != "Xhtml") XINGLIN_CHECK(right_value(node, key, suffix, member.value()));
        const json::Value value = arena.copy(member.value());
        const bool is_fixed = kind == "fixed";
        if (node.fixed && !(is_fixed ? json::same_content(node.fixed, value) : matches_pattern(node.fixed, value)))
            return contradiction(node, "profile-value",
                                 fmt::format("{} differs from the value that the base fixes", key.substr(0, 60)));
        if (is_fixed && node.pattern && !matches_pattern(value, node.pattern))
            return contradiction(node, "profile-value",
                                 fmt::format("{} does not match the element's pattern", key.substr(0, 60)));
        if (node.element && node.element->binding == fhir::Binding::required && value.is_string()) {
            const fhir::CodeSet* set = fhir::find_code_set(node.element->value_set);
            if (set && !set->has(value.string()))
                return contradiction(node, "profile-value",
                                     fmt::format("{} is not a code of {}", key.substr(0, 60), set->value_set));
        }
        (is_fixed ? node.fixed : node.pattern) = value;
    }
    return Done{};
}

/// A value as FHIRPath writes it; "" when it cannot be compared.
std::string literal(std::string_view suffix, json::Value value) {
    if (suffix == "Integer" || suffix == "PositiveInt" || suffix == "UnsignedInt" || suffix == "Decimal")
        return std::string(value.text());
    const std::string_view text = value.string();
    if (suffix == "Date") return fmt::format("@{}", text);
    if (suffix == "DateTime" || suffix == "Instant")
        return text.find('T') == std::string_view::npos ? fmt::format("@{}T", text) : fmt::format("@{}", text);
    if (suffix == "Time") return fmt::format("@T{}", text);
    if (suffix != "Quantity") return {};
    std::string_view unit = value["code"].string();
    if (unit.empty()) unit = value["unit"].string();
    if (unit.empty()) unit = "1";
    if (unit.find_first_of("'\\") != std::string_view::npos || !value["value"].is_number()) return {};
    return fmt::format("{} '{}'", value["value"].text(), unit);
}

Result<Done> lay_border(Node& node, json::Value element, std::string_view kind, std::string_view comparison,
                        std::optional<Border>& border) {
    for (const json::Member& member : element.members()) {
        const std::string_view key = member.key();
        if (!key.starts_with(kind) || key.size() == kind.size()) continue;
        const std::string_view suffix = key.substr(kind.size());
        if (!named_type(node, suffix)) {
            return contradiction(node, "profile-value",
                                 fmt::format("{} is of none of the element's types: {}", key.substr(0, 60), names(node.types)));
        }
        XINGLIN_CHECK(right_value(node, key, suffix, member.value()));
        std::string text = literal(suffix, member.value());
        auto expression = fhirpath::Expression::compile(fmt::format("$this {} {}", comparison, text));
        if (text.empty() || !expression.ok())
            return contradiction(node, "profile-value", fmt::format("{} cannot be compared with", key.substr(0, 60)));
        border.emplace(Border{std::move(*expression), std::move(text)});
    }
    return Done{};
}

Result<Done> lay_limits(Node& node, json::Value element) {
    XINGLIN_CHECK(lay_border(node, element, "minValue", ">=", node.least));
    XINGLIN_CHECK(lay_border(node, element, "maxValue", "<=", node.most));
    if (node.least && node.most) {
        const auto compared = fhirpath::Expression::compile(node.least->text + " <= " + node.most->text);
        const auto answer = compared.ok() ? compared->evaluate({}, {}) : Result<fhirpath::Collection>(compared.outcome());
        if (!answer.ok() || fhirpath::truth(*answer) != true)
            return contradiction(node, "profile-value",
                                 fmt::format("minValue {} is above maxValue {}", node.least->text, node.most->text));
    }
    if (const json::Value length = element["maxLength"]) {
        std::uint32_t value = 0;
        const std::string_view digits = length.text();
        if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc())
            return contradiction(node, "profile-value", "maxLength must be a whole number from 0");
        node.max_length = node.max_length ? std::min(*node.max_length, value) : value;
    }
    return Done{};
}

fhir::Binding strength_of(std::string_view word) {
    if (word == "required") return fhir::Binding::required;
    if (word == "extensible") return fhir::Binding::extensible;
    return word == "preferred" ? fhir::Binding::preferred : fhir::Binding::example;
}

Result<Done> lay_binding(Node& node, json::Value element) {
    const json::Value binding = element["binding"];
    if (!binding) return Done{};
    const Bound bound{strength_of(binding["strength"].string()), std::string(without_version(binding["valueSet"].string()))};
    fhir::Binding before = node.element ? node.element->binding : fhir::Binding::none;
    if (node.binding) before = std::max(before, node.binding->strength);
    if (before == fhir::Binding::required && bound.strength != before)
        return contradiction(node, "profile-looser", "the base's binding is required, so this one must be");
    if (!bound.value_set.empty()) node.binding = bound;
    return Done{};
}

bool is_rule_of_r4(const Node& node, std::string_view key) {
    if (key == "ele-1" || key == "ext-1" || key == "txt-1" || key == "txt-2" || key == "dom-2" || key == "sqty-1") return true;
    const auto among = [key](std::span<const fhir::Rule> rules) {
        return std::any_of(rules.begin(), rules.end(), [key](const fhir::Rule& rule) { return rule.key == key; });
    };
    if (node.element && among(fhir::rules(*node.element->owner))) return true;
    for (const TypeChoice& choice : node.types) {
        for (const fhir::Type* type = choice.type; type; type = type->base) {
            if (among(fhir::rules(*type))) return true;
        }
    }
    return false;
}

Result<Done> lay_invariants(Node& node, json::Value element) {
    for (const json::Node& item : element["constraint"].items()) {
        const json::Value constraint(&item);
        const std::string key(constraint["key"].string());
        const std::string_view text = constraint["expression"].string();
        if (text.empty() || is_rule_of_r4(node, key))
            continue;  // R4's own are checked everywhere; XPath only: nothing we could do
        auto expression =
            fhirpath::Expression::compile(text, {.context_type = node.types.size() == 1 ? node.types[0].type : nullptr});
        if (!expression.ok()) {
            return contradiction(node, "profile-invariant",
                                 fmt::format("the expression of {} cannot be parsed: {}", key.substr(0, 60),
                                             expression.outcome().issues.front().what));
        }
        Invariant made{key, constraint["severity"].string() != "warning", std::string(constraint["human"].string()),
                       chinese(constraint, "human"), std::move(*expression)};
        const auto same =
            std::find_if(node.invariants.begin(), node.invariants.end(), [&](const Invariant& each) { return each.key == key; });
        if (same == node.invariants.end()) node.invariants.push_back(std::move(made));
        else *same = std::move(made);
    }
    return Done{};
}

Result<Done> lay_slicing(Node& node, json::Value element) {
    const json::Value slicing = element["slicing"];
    if (!slicing) return Done{};
    Slicing made;
    const std::string_view rules = slicing["rules"].string();
    if (rules == "closed") made.rules = Slicing::Rules::closed;
    else if (rules == "openAtEnd") made.rules = Slicing::Rules::open_at_end;
    if (node.slicing && node.slicing->rules == Slicing::Rules::closed && made.rules != Slicing::Rules::closed)
        return contradiction(node, "profile-looser", "the base closes the slicing, so it must stay closed");
    made.ordered = slicing["ordered"].as_bool();
    for (const json::Node& item : slicing["discriminator"].items()) {
        const json::Value given(&item);
        Discriminator discriminator{By::value, std::string(given["path"].string()), {}};
        const std::string_view type = given["type"].string();
        if (type == "exists") discriminator.by = By::exists;
        else if (type == "type") discriminator.by = By::type;
        else if (type == "profile") discriminator.by = By::profile;
        auto path = parse_path(discriminator.text);
        if (!path.ok()) return contradiction(node, "profile-slicing", path.outcome().issues.front().what);
        discriminator.path = std::move(*path);
        made.discriminators.push_back(std::move(discriminator));
    }
    if (made.discriminators.empty() && node.slicing) made.discriminators = std::move(node.slicing->discriminators);
    node.slicing = std::move(made);
    return Done{};
}

}  // namespace

std::string chinese(json::Value holder, std::string_view member) {
    for (const json::Node& item : holder["_" + std::string(member)]["extension"].items()) {
        const json::Value translation(&item);
        if (translation["url"].string() != "http://hl7.org/fhir/StructureDefinition/translation") continue;
        std::string_view language, content;
        for (const json::Node& part_node : translation["extension"].items()) {
            const json::Value part(&part_node);
            if (part["url"].string() == "lang") language = part["valueCode"].string();
            if (part["url"].string() != "content") continue;
            content = part["valueString"].string();
            if (content.empty()) content = part["valueMarkdown"].string();
        }
        if (language.starts_with("zh")) return std::string(content);
    }
    return {};
}

Result<Done> lay(Node& node, json::Value element, json::Arena& arena) {
    XINGLIN_CHECK(lay_cardinality(node, element));
    XINGLIN_CHECK(lay_types(node, element));
    XINGLIN_CHECK(lay_value(node, element, "fixed", arena));
    XINGLIN_CHECK(lay_value(node, element, "pattern", arena));
    XINGLIN_CHECK(lay_limits(node, element));
    XINGLIN_CHECK(lay_binding(node, element));
    XINGLIN_CHECK(lay_invariants(node, element));
    XINGLIN_CHECK(lay_slicing(node, element));
    if (element["mustSupport"].as_bool()) node.must_support = true;
    return Done{};
}

}  // namespace xinglin::profile
