// SPDX-License-Identifier: Apache-2.0
// Structural validation: one pass over the JSON beside the tables of R4.
//
// Issues name elements as FHIRPath does: Observation.value.ofType(Quantity).unit, Patient.contact[1].gender. They never
// repeat a value, because it may be personal data.
#include <algorithm>
#include <bit>

#include "fhir/markup.h"
#include "fhir/tables.h"

namespace xinglin::fhir {
namespace {

using json::Member;
using json::Node;
using json::Value;

constexpr std::size_t deepest = 400;
constexpr std::size_t codes_listed = 12;

/// Where we are: "name" or "name[index]", the last one on top.
struct Step {
    std::string_view name;
    std::string_view choice;  // "Quantity" in value.ofType(Quantity)
    std::size_t index;
};
constexpr std::size_t no_index = SIZE_MAX;

class Validator {
public:
    explicit Validator(std::size_t limit) : tables_(tables()), limit_(limit) { path_.reserve(32); }

    Outcome finish() && { return std::move(outcome_); }

    void resource(Value value, bool contained) {
        if (!value.is_object()) return issue(IssueCode::structure, "must be a JSON object, a resource");
        const Type* type = find_resource(value["resourceType"].string());
        if (!type || type->is_abstract) {
            return issue(value["resourceType"] ? IssueCode::value : IssueCode::required,
                         "resourceType must name a resource type of FHIR R4, such as Patient");
        }
        const bool outer = std::exchange(contained_, contained);
        const bool at_root = path_.empty();
        if (at_root) path_.push_back({type->name, {}, no_index});
        if (contained && !value["id"]) issue(IssueCode::invariant, "a contained resource must have an id");
        object(value, *type, true);
        if (at_root) path_.pop_back();
        contained_ = outer;
    }

private:
    bool full() const { return outcome_.issues.size() >= limit_; }

    std::string where() const {
        std::string text;
        for (const Step& step : path_) {
            if (!text.empty()) text += '.';
            text += step.name;
            if (!step.choice.empty()) text.append(".ofType(").append(step.choice).append(")");
            if (step.index != no_index) text.append("[").append(std::to_string(step.index)).append("]");
        }
        return text;
    }

    void issue(IssueCode code, std::string what, std::string_view child = {}) {
        if (full()) return;
        std::string place = where();
        if (!child.empty()) place.append(place.empty() ? "" : ".").append(child.substr(0, 64));
        outcome_.issues.push_back({Severity::error, code, std::move(place), std::move(what)});
    }

    void object(Value value, const Type& type, bool is_resource) {
        if (path_.size() > deepest) return issue(IssueCode::too_costly, "is nested too deeply");
        if (value.size() == 0) return issue(IssueCode::structure, "is an empty object; leave it out instead");
        const auto members = value.members();
        std::uint64_t seen = 0;
        std::size_t content = 0;
        for (const Member& member : members) {
            if (full()) return;
            std::string_view key = member.key();
            if (is_resource && key == "resourceType") continue;
            content += key != "id";
            const bool sidecar = key.starts_with('_');
            if (sidecar) key.remove_prefix(1);
            const Match found = type.keys->find(key);
            if (!found || (sidecar && found.type->type->kind != TypeKind::primitive)) {
                issue(IssueCode::structure, "is not an element of " + std::string(type.name), member.key());
                continue;
            }
            const auto bit = std::uint64_t(1) << (found.element - type.elements.data());
            if (found.element->is_choice && (seen & bit) &&
                has_rival(members.first(static_cast<std::size_t>(&member - members.data())), key, type, *found.element)) {
                issue(IssueCode::structure, "must have one value of one type", found.element->name);
            }
            seen |= bit;
            path_.push_back(
                {found.element->name, found.element->is_choice ? found.type->type->name : std::string_view(), no_index});
            if (sidecar) {
                const Value main = value[key];
                beside(found, main, member.value());
            } else {
                element(found, member.value(), value);
            }
            path_.pop_back();
        }
        if (const std::uint64_t missing = type.keys->required & ~seen) missing_elements(type, missing);
        if (!is_resource && content == 0) issue(IssueCode::structure, "has an id but no content");
        special(value, type, seen);
    }

    /// Was the choice met before with another type? `valueString` and `_valueString` are the same.
    static bool has_rival(std::span<const Member> members, std::string_view key, const Type& type, const Element& element) {
        for (const Member& member : members) {
            std::string_view other = member.key();
            other.remove_prefix(other.starts_with('_'));
            if (other == key) continue;
            if (type.keys->find(other).element == &element) return true;
        }
        return false;
    }

    void missing_elements(const Type& type, std::uint64_t missing) {
        for (; missing; missing &= missing - 1) {
            const Element& element = type.elements[static_cast<std::size_t>(std::countr_zero(missing))];
            issue(IssueCode::required, "is required", element.name);
        }
    }

    void element(const Match& match, Value value, Value owner) {
        const bool many = match.element->max > 1;
        if (value.is_array() != many) {
            return issue(IssueCode::structure,
                         many ? "may repeat, so it must be an array" : "does not repeat, so it must not be an array");
        }
        if (!many) return single(match, value);
        if (value.size() == 0) return issue(IssueCode::structure, "is an empty array; leave it out instead");
        std::size_t index = 0;
        for (const Node& item : value.items()) {
            path_.back().index = index;
            if (item.kind == json::Kind::null && match.type->type->kind == TypeKind::primitive) {
                const Value beside = owner["_" + std::string(match.element->name)];
                if (!beside[index].is_object()) issue(IssueCode::structure, "is null without an extension beside it");
            } else {
                single(match, Value(&item));
            }
            ++index;
        }
    }

    void single(const Match& match, Value value) {
        const Type& type = *match.type->type;
        if (type.kind == TypeKind::primitive) return primitive(match, type.keys->check, value);
        if (type.keys->check == Check::resource) {
            const bool contained = match.element->name == "contained";
            if (contained && contained_) return issue(IssueCode::structure, "a contained resource must not contain another");
            return resource(value, contained);
        }
        if (!value.is_object()) return issue(IssueCode::structure, "must be a JSON object of type " + std::string(type.name));
        object(value, type, false);
        if (type.keys->check == Check::reference) reference(*match.type, value);
        if (type.keys->check == Check::codeable_concept) concept_code(*match.element, value);
    }

    void primitive(const Match& match, Check check, Value value) {
        const std::string_view text = value.text();
        if (is_json_boolean(check) ? !value.is_boolean() : is_json_number(check) ? !value.is_number() : !value.is_string()) {
            return issue(IssueCode::structure, is_json_boolean(check)  ? "must be a JSON boolean"
                                               : is_json_number(check) ? "must be a JSON number"
                                                                       : "must be a JSON string");
        }
        const std::string_view fault = check == Check::xhtml ? narrative_fault(text) : format_fault(check, text);
        if (!fault.empty()) return issue(IssueCode::value, std::string(fault));
        if (match.element->binding != Binding::required) return;
        const CodeSet* set = tables_.code_set_of(*match.element);
        if (set && !set->has(text)) issue(IssueCode::code_invalid, "must be " + alternatives(*set));
    }

    static std::string alternatives(const CodeSet& set) {
        if (set.codes.size() > codes_listed) return "a code of " + std::string(set.value_set);
        std::string text = set.codes.size() > 1 ? "one of: " : "";
        for (const std::string_view& code : set.codes) text.append(&code == set.codes.data() ? "" : ", ").append(code);
        return text;
    }

    /// The `_name` of a primitive: an object with id and extension, or an array of such objects and nulls.
    void beside(const Match& match, Value main, Value beside) {
        const bool many = match.element->max > 1;
        if (beside.is_array() != many)
            return issue(IssueCode::structure, many ? "_ member must be an array" : "_ member must be an object");
        if (!many) return annotation(match, main, beside);
        if (main.is_array() && main.size() != beside.size()) {
            return issue(IssueCode::structure, "and its _ member must have the same length");
        }
        if (beside.size() == 0) return issue(IssueCode::structure, "_ member is an empty array; leave it out instead");
        std::size_t index = 0;
        for (const Node& item : beside.items()) {
            path_.back().index = index;
            if (item.kind != json::Kind::null) annotation(match, main[index], Value(&item));
            else if (!main[index]) issue(IssueCode::structure, "is null without a value beside it");
            ++index;
        }
    }

    void annotation(const Match& match, Value main, Value beside) {
        if (!beside.is_object()) return issue(IssueCode::structure, "_ member must hold objects with id or extension");
        if (beside.size() == 1 && beside["id"] && main && !main.is_null()) {
            const std::string_view fault = format_fault(Check::string, beside["id"].string());
            if (!fault.empty()) issue(IssueCode::value, std::string(fault), "id");
            return;
        }
        object(beside, *match.type->type, false);
    }

    void special(Value value, const Type& type, std::uint64_t seen) {
        if (type.keys->check != Check::extension) return;
        const auto has = [&](std::string_view name) {
            const Element* element = find_element(type, name);
            return (seen >> (element - type.elements.data()) & 1) != 0;
        };
        if (value["extension"]) {
            if (has("value")) issue(IssueCode::invariant, "must have a value or extensions, not both");
        } else if (!has("value")) {
            issue(IssueCode::invariant, "must have a value or extensions");
        }
    }

    /// A relative reference must name a resource type, one of the element's targets, and an id.
    void reference(const TypeRef& ref, Value value) {
        const std::string_view text = value["reference"].string();
        if (text.empty() || text[0] == '#') return;
        const std::size_t end = text.find_first_of("/?:");
        const std::string_view name = text.substr(0, end);
        if (end != std::string_view::npos && text[end] == ':') return;  // absolute
        if (end == std::string_view::npos || !find_resource(name)) {
            return issue(IssueCode::value, "must be Type/id with a resource type of FHIR R4, or an absolute URL", "reference");
        }
        if (text[end] == '/') {
            std::string_view id = text.substr(end + 1);
            const std::size_t history = id.find("/_history/");
            if (history != std::string_view::npos && is_id(id.substr(history + 10))) id = id.substr(0, history);
            if (!is_id(id.substr(0, id.find('#')))) {
                return issue(IssueCode::value, "must be Type/id; an id is 1 to 64 letters, digits, '-' and '.'", "reference");
            }
        }
        if (!ref.targets.empty() && std::find(ref.targets.begin(), ref.targets.end(), name) == ref.targets.end()) {
            std::string allowed;
            for (const std::string_view target : ref.targets) allowed.append(allowed.empty() ? "" : ", ").append(target);
            issue(IssueCode::value, "must refer to one of: " + allowed, "reference");
        }
    }

    /// A required binding of a CodeableConcept is met when one of its codings is in the value set.
    void concept_code(const Element& element, Value value) {
        if (element.binding != Binding::required) return;
        const CodeSet* set = tables_.code_set_of(element);
        const Value codings = value["coding"];
        if (!set || codings.size() == 0) return;
        for (const Node& node : codings.items()) {
            const Value coding(&node);
            const auto system = coding["system"].string();
            if (std::find(set->systems.begin(), set->systems.end(), system) != set->systems.end() &&
                set->has(coding["code"].string()))
                return;
        }
        issue(IssueCode::code_invalid, "must have a coding of " + std::string(set->systems[0]) + ": " + alternatives(*set));
    }

    const Tables& tables_;
    std::size_t limit_;
    Outcome outcome_;
    std::vector<Step> path_;
    bool contained_ = false;
};

}  // namespace

Outcome validate(json::Value resource, std::size_t limit) {
    Validator validator(limit);
    validator.resource(resource, false);
    return std::move(validator).finish();
}

}  // namespace xinglin::fhir
