// SPDX-License-Identifier: Apache-2.0
// The functions FHIR R4 adds. Source: FHIR R4 fhirpath.html, "Additional functions".
#include <algorithm>

#include <fmt/format.h>

#include "fhirpath/functions.h"
#include "fhirpath/narrative.h"
#include "fhirpath/quick.h"

namespace xinglin::fhirpath {

namespace {

Node member_named(std::string name) {
    Node node;
    node.kind = Node::Kind::member;
    node.sidecar_name = "_" + name;
    node.name = std::move(name);
    return node;
}

Collection run_extension(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto url = evaluator.string_argument(call, 0, frame);
    if (!url) return {};
    static const Node extension = member_named("extension");
    Collection out;
    for (const Item& item : input) {
        if (!evaluator.spend()) return {};
        Collection found;
        evaluator.step(item, extension, found);
        for (Item& candidate : found) {
            if (candidate.value["url"].string() == *url) out.push_back(std::move(candidate));
        }
    }
    return out;
}

/// Not in the specification, but in a search parameter of R4.
Collection run_has_extension(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    return one(make(!run_extension(evaluator, call, std::move(input), frame).empty()));
}

Collection run_has_value(Evaluator&, const Node&, Collection input, const Frame&) {
    if (input.size() != 1) return one(make(false));
    const Item& item = input.front();
    if (item.kind != Item::Kind::node) return one(make(true));
    return one(make(item.value.is_primitive() && !item.value.is_null()));
}

Collection run_get_value(Evaluator&, const Node&, Collection input, const Frame&) {
    if (input.size() != 1) return {};
    const Item& item = input.front();
    if (item.kind == Item::Kind::node && !item.value.is_primitive()) return {};
    auto value = system_item(item);
    return value ? one(std::move(*value)) : Collection();
}

/// The resource a contained one stands in: where "#id" is looked up.
json::Value container_of(const Item& item) {
    const auto holds = [&item](json::Value resource) {
        if (resource == item.resource) return true;
        const auto contained = resource["contained"].items();
        return std::any_of(contained.begin(), contained.end(),
                           [&item](const json::Node& node) { return json::Value(&node) == item.resource; });
    };
    if (!item.root_resource || holds(item.root_resource)) return item.root_resource;
    for (const json::Node& entry : item.root_resource["entry"].items()) {
        const json::Value resource = json::Value(&entry)["resource"];
        if (holds(resource)) return resource;
    }
    return item.resource;
}

json::Value find_contained(json::Value container, std::string_view id) {
    for (const json::Node& node : container["contained"].items()) {
        if (json::Value(&node)["id"].string() == id) return json::Value(&node);
    }
    return {};
}

/// An entry of the Bundle around, by full url or by type and id.
json::Value find_entry(json::Value bundle, std::string_view reference) {
    if (bundle["resourceType"].string() != "Bundle") return {};
    for (const json::Node& node : bundle["entry"].items()) {
        const json::Value entry(&node), resource = entry["resource"];
        const std::string_view full_url = entry["fullUrl"].string();
        if (!resource) continue;
        if (full_url == reference || full_url.ends_with("/" + std::string(reference))) return resource;
        if (reference == fmt::format("{}/{}", resource["resourceType"].string(), resource["id"].string())) return resource;
    }
    return {};
}

Collection run_resolve(Evaluator& evaluator, const Node&, Collection input, const Frame&) {
    Collection out;
    for (const Item& item : input) {
        if (!evaluator.spend()) return {};
        const Plain value = plain(item);
        const std::string_view reference = value.is(Item::Kind::string) ? value.text : item.value["reference"].string();
        if (reference.empty()) continue;
        Item target;
        if (reference[0] == '#') {
            const json::Value container = container_of(item);
            const json::Value found = reference.size() == 1 ? container : find_contained(container, reference.substr(1));
            if (!found) continue;
            target = item_of(found);
            target.root_resource = item.root_resource;
        } else if (const json::Value entry = find_entry(item.root_resource, reference)) {
            target = item_of(entry);
            target.root_resource = item.root_resource;
        } else {
            const auto& resolve = evaluator.environment().resolve;
            const json::Value found = resolve ? resolve(reference) : json::Value();
            if (!found) continue;
            target = item_of(found);
        }
        out.push_back(std::move(target));
    }
    return out;
}

struct Code {
    std::string_view system, code;
};
/// The codes an item carries: itself, a Coding, or a CodeableConcept's codings.
std::vector<Code> codes_of(const Item& item) {
    std::vector<Code> codes;
    if (const Plain value = plain(item); value.is(Item::Kind::string)) return {{{}, value.text}};
    const auto add = [&codes](json::Value coding) {
        if (const std::string_view code = coding["code"].string(); !code.empty())
            codes.push_back({coding["system"].string(), code});
    };
    if (item.kind != Item::Kind::node) return codes;
    add(item.value);
    for (const json::Node& node : item.value["coding"].items()) add(json::Value(&node));
    return codes;
}

std::optional<bool> is_member(const Environment& environment, std::string_view value_set, const Code& code) {
    if (environment.member_of) {
        if (const auto answer = environment.member_of(value_set, code.system, code.code)) return answer;
    }
    const fhir::CodeSet* known = fhir::find_code_set(value_set.substr(0, value_set.find('|')));
    if (!known) return std::nullopt;
    const bool system_fits =
        code.system.empty() || std::find(known->systems.begin(), known->systems.end(), code.system) != known->systems.end();
    return system_fits && known->has(code.code);
}

Collection run_member_of(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto value_set = evaluator.string_argument(call, 0, frame);
    const Item* item = evaluator.single(input, "memberOf()");
    if (!value_set || !item) return {};
    std::optional<bool> result;
    for (const Code& code : codes_of(*item)) {
        const auto answer = is_member(evaluator.environment(), *value_set, code);
        if (answer == true) return one(make(true));
        if (answer) result = false;
    }
    return one_or_none(result);
}

/// Without a terminology service only a code and itself are known to subsume each other.
Collection subsumption(Evaluator& evaluator, const Node& call, const Collection& input, const Frame& frame) {
    const Collection other = evaluator.run_scoped(*call.arguments[0], frame);
    const Item* left = evaluator.single(input, call.name + "()");
    const Item* right = evaluator.single(other, call.name + "()");
    if (!left || !right) return {};
    for (const Code& a : codes_of(*left)) {
        for (const Code& b : codes_of(*right)) {
            if (a.code == b.code && a.system == b.system) return one(make(true));
        }
    }
    return {};
}
Collection run_subsumes(Evaluator& e, const Node& call, Collection input, const Frame& frame) {
    return subsumption(e, call, input, frame);
}

Collection run_conforms_to(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto url = evaluator.string_argument(call, 0, frame);
    const Item* item = evaluator.single(input, "conformsTo()");
    if (!url || !item) return {};
    constexpr std::string_view base = "http://hl7.org/fhir/StructureDefinition/";
    const std::string_view name = std::string_view(*url).substr(0, url->find('|'));
    const fhir::Type* type = name.starts_with(base) ? fhir::find_type(name.substr(base.size())) : nullptr;
    if (!type) {
        const auto& ask = evaluator.environment().conforms_to;
        if (const auto answer = ask ? ask(*url, *item) : std::nullopt) return one(make(*answer));
        return evaluator.fail(fmt::format("the profile {} is not known here", name.substr(0, 200)));
    }
    if (item->kind != Item::Kind::node || !item->type || !item->type->is_a(*type)) return one(make(false));
    return one(make(item->type->kind != fhir::TypeKind::resource || fhir::validate(item->value).ok()));
}

/// slice(profile, name): those items that belong to the slice.
Collection run_slice(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto profile = evaluator.string_argument(call, 0, frame);
    const auto name = evaluator.string_argument(call, 1, frame);
    if (!profile || !name) return {};
    const auto& ask = evaluator.environment().in_slice;
    Collection out;
    for (Item& item : input) {
        if (!evaluator.spend()) return {};
        const auto answer = ask ? ask(*profile, *name, item) : std::nullopt;
        if (!answer) {
            return evaluator.fail(fmt::format("the slice {} of the profile {} is not known here",
                                              std::string_view(*name).substr(0, 100), std::string_view(*profile).substr(0, 200)));
        }
        if (*answer) out.push_back(std::move(item));
    }
    return out;
}

Collection run_html_checks(Evaluator& evaluator, const Node&, Collection input, const Frame&) {
    for (const Item& item : input) {
        const Plain value = plain(item);
        if (!evaluator.spend(1 + value.text.size() / 64)) return {};
        if (!value.is(Item::Kind::string) || !is_narrative(value.text)) return one(make(false));
    }
    return one(make(true));
}

/// checkModifiers(url, …): an error when a modifier extension is met that the caller did not name.
Collection run_check_modifiers(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    std::vector<std::string> understood;
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
        if (auto url = evaluator.string_argument(call, i, frame)) understood.push_back(std::move(*url));
    }
    for (const Item& item : input) {
        if (!evaluator.spend()) return {};
        if (item.kind != Item::Kind::node) continue;
        for (const json::Node& node : item.value["modifierExtension"].items()) {
            const std::string_view url = json::Value(&node)["url"].string();
            if (std::find(understood.begin(), understood.end(), url) == understood.end()) {
                return evaluator.fail(fmt::format("a modifier extension that is not understood: {}", url.substr(0, 200)));
            }
        }
    }
    return input;
}

/// SQL on FHIR: what a row of this resource is known by.
Collection run_resource_key(Evaluator& evaluator, const Node&, Collection input, const Frame&) {
    Collection out;
    for (const Item& item : input) {
        if (!evaluator.spend()) return {};
        const std::string_view type = item.value["resourceType"].string(), id = item.value["id"].string();
        if (item.kind == Item::Kind::node && !type.empty() && !id.empty()) out.push_back(make(fmt::format("{}/{}", type, id)));
    }
    return out;
}

/// SQL on FHIR: the resource key of what a Reference points at.
Collection run_reference_key(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    if (!call.type.name.empty() && !call.type.known())
        return evaluator.fail(fmt::format("there is no type {}", call.type.name.substr(0, 60)));
    Collection out;
    for (const Item& item : input) {
        if (!evaluator.spend()) return {};
        const std::string_view key =
            item.kind == Item::Kind::node ? reference_key(item.value["reference"].string(), call.type.name) : std::string_view();
        if (!key.empty()) out.push_back(make(key));
    }
    return out;
}

constexpr Function table[] = {
    {"extension", 1, 1, run_extension},
    {"hasExtension", 1, 1, run_has_extension},
    {"hasValue", 0, 0, run_has_value},
    {"getValue", 0, 0, run_get_value},
    {"resolve", 0, 0, run_resolve},
    {"memberOf", 1, 1, run_member_of},
    {"subsumes", 1, 1, run_subsumes},
    {"subsumedBy", 1, 1, run_subsumes},
    {"conformsTo", 1, 1, run_conforms_to},
    {"htmlChecks", 0, 0, run_html_checks},
    {"slice", 2, 2, run_slice},
    {"htmlChecks2", 0, 0, run_html_checks},
    {"checkModifiers", 0, 64, run_check_modifiers},
    {"getResourceKey", 0, 0, run_resource_key},
    {"getReferenceKey", 0, 0, run_reference_key, true, false, true},
};

}  // namespace

std::string_view reference_key(std::string_view reference, std::string_view wanted_type) {
    reference = reference.substr(0, reference.find("/_history/"));
    if (reference.empty() || reference.front() == '#' || reference.find('?') != std::string_view::npos) return {};
    const std::size_t slash = reference.rfind('/');
    if (slash != std::string_view::npos && slash + 1 < reference.size()) {
        const std::size_t before = slash == 0 ? std::string_view::npos : reference.rfind('/', slash - 1);
        const std::size_t from = before == std::string_view::npos ? 0 : before + 1;
        const std::string_view type = reference.substr(from, slash - from);
        if (fhir::find_resource(type))
            return wanted_type.empty() || type == wanted_type ? reference.substr(from) : std::string_view();
    }
    return wanted_type.empty() ? reference : std::string_view();
}

std::span<const Function> fhir_functions() { return table; }

}  // namespace xinglin::fhirpath
