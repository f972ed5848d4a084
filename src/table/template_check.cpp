// SPDX-License-Identifier: Apache-2.0
// Does what a mapping writes fit R4? Every path is looked up, every column's kind held against the type it fills.
#include <fmt/format.h>

#include "table/plan.h"

namespace xinglin::table {

namespace {

/// One place of a resource: its path in R4 and what it may hold.
struct Slot {
    const fhir::Type* type;
    const fhir::Element* element;  // nullptr inside first, choice … of the root
    std::span<const std::string_view> targets;
    std::string path;  // "Patient.birthDate"
};

class Binder {
public:
    Binder(const Plan& plan, Findings& findings) : plan_(plan), findings_(findings) {}

    void object(Node& node, const fhir::Type& type, const std::string& path) {
        node.type = &type;
        for (auto& [key, member] : node.members) {
            const fhir::Match match = key == "id" || key == "resourceType" ? fhir::Match{} : fhir::match(type, key);
            if (!match) {
                findings_.add(member.where, "unknown-path",
                              fmt::format("{} has no element \"{}\"{}", path, key,
                                          key == "id" ? " to be set; ids are made from key" : likely(type, key)));
                continue;
            }
            element(member, {match.type->type, match.element, match.type->targets, fmt::format("{}.{}", path, key)});
        }
    }

private:
    /// A hint for what was probably meant.
    static std::string likely(const fhir::Type& type, std::string_view key) {
        std::string names;
        for (const fhir::Element& element : type.elements) {
            if (element.is_choice && key == element.name) {
                for (const fhir::TypeRef& one : element.types)
                    names += (names.empty() ? "; write " : " or ") + fhir::json_key(element, *one.type);
                return names;
            }
        }
        for (const fhir::Element& element : type.elements) {
            if (element.name == "id" || element.name == "extension" || names.size() > 300) continue;
            names += (names.empty() ? "; it has " : ", ") + std::string(element.name);
        }
        return names;
    }

    void element(Node& node, Slot slot) {
        const bool repeats = slot.element->max > 1;
        const bool many = node.op == Op::array || node.op == Op::references || node.op == Op::rows;
        if (many && !repeats) return findings_.add(node.where, "wrong-type", slot.path + " does not repeat; give it one value");
        if (node.op == Op::array) {
            for (Node& item : node.items) value(item, slot);
        } else if (repeats && !many) {
            Node one = std::move(node);
            node = Node{};
            node.op = Op::array;
            node.dynamic = one.dynamic;
            node.where = one.where;
            node.items.push_back(std::move(one));
            value(node.items.front(), slot);
        } else {
            value(node, slot);
        }
    }

    void value(Node& node, const Slot& slot) {
        node.type = slot.type;
        switch (node.op) {
            case Op::constant: return constant(node, slot);
            case Op::column: return column(node, slot);
            case Op::words:
            case Op::sender:
            case Op::own_system:
                if (slot.type->kind != fhir::TypeKind::primitive || !takes_text(slot.type->name)) wrong(node, slot, "text");
                return;
            case Op::first:
            case Op::choice:
                for (Node& item : node.items) value(item, slot);
                return;
            case Op::rows: return value(node.items.front(), slot);
            case Op::reference:
            case Op::references: return reference(node, slot);
            case Op::object:
                if (slot.type->kind == fhir::TypeKind::primitive || slot.type->kind == fhir::TypeKind::resource)
                    return wrong(node, slot, "an object");
                return object(node, *slot.type, slot.path);
            case Op::array: return wrong(node, slot, "a list inside a list");
        }
    }

    void wrong(const Node& node, const Slot& slot, std::string_view what) {
        findings_.add(node.where, "wrong-type",
                      fmt::format("{} is of type {}, which can't be filled by {}", slot.path, slot.type->name, what));
    }

    void constant(const Node& node, const Slot& slot) {
        const bool simple = node.constant.is_primitive() && !node.constant.is_null();
        if (!simple || slot.type->kind != fhir::TypeKind::primitive)
            return wrong(node, slot, "this constant; write out its elements");
        const bool is_number = slot.type->name == "decimal" || slot.type->name == "integer" || slot.type->name == "positiveInt" ||
                               slot.type->name == "unsignedInt";
        if (is_number != node.constant.is_number() || (slot.type->name == "boolean") != node.constant.is_boolean())
            return wrong(node, slot, "a constant written like this");
        check_code(node, slot, node.constant.string());
    }

    static bool takes_text(std::string_view type) {
        return type == "string" || type == "markdown" || type == "uri" || type == "url" || type == "canonical" || type == "id";
    }

    /// `free_code`: any code may stand there.
    static bool fits(Kind kind, const fhir::Type& type, Part part, bool free_code) {
        const std::string_view name = type.name;
        if (name == "string" || name == "markdown") return true;
        switch (kind) {
            case Kind::text: return takes_text(name) || name == "CodeableConcept" || (name == "code" && free_code);
            case Kind::code:
                return takes_text(name) || name == "code" ||
                       (part == Part::whole && (name == "CodeableConcept" || name == "Coding"));
            case Kind::date: return name == "date" || name == "dateTime";
            case Kind::date_time: return name == "date" || name == "dateTime" || name == "instant";
            case Kind::integer:
                if (name == "integer" || name == "positiveInt" || name == "unsignedInt") return true;
                [[fallthrough]];
            case Kind::number: {
                const fhir::Type* quantity = fhir::find_type("Quantity");
                return name == "decimal" || (quantity && type.is_a(*quantity));
            }
            case Kind::boolean: return name == "boolean";
            case Kind::resident_id:
            case Kind::phone: return false;
        }
        return false;
    }

    static Kind kind_of(const ColumnPlan& column, Part part) {
        switch (part) {
            case Part::birth_date:
            case Part::date: return Kind::date;
            case Part::sex: return Kind::code;
            case Part::code:
            case Part::unit: return Kind::code;
            case Part::display:
            case Part::system:
            case Part::as_written: return Kind::text;
            case Part::whole: break;
        }
        return column.kind;
    }

    void column(const Node& node, const Slot& slot) {
        if (node.column < 0) return;
        const ColumnPlan& column = plan_.columns[static_cast<std::size_t>(node.column)];
        const Kind kind = kind_of(column, node.part);
        const bool free_code = slot.element && slot.element->binding != fhir::Binding::required;
        if (!fits(kind, *slot.type, node.part, free_code)) {
            findings_.add(
                node.where, "wrong-type",
                fmt::format(
                    "{} is of type {}, but column \"{}\" is of kind {}; map another column, or give this one another kind",
                    slot.path, slot.type->name, column.name, table::text(kind)));
            return;
        }
        if (column.codes >= 0 && node.part == Part::whole && slot.type->name == "code")
            for (const auto& [word, coding] : plan_.codes[static_cast<std::size_t>(column.codes)].known)
                check_code(node, slot, coding.code);
    }

    /// Against a binding that is required and enumerated.
    void check_code(const Node& node, const Slot& slot, std::string_view code) {
        if (slot.type->name != "code" || !slot.element || slot.element->binding != fhir::Binding::required) return;
        const fhir::CodeSet* set = fhir::find_code_set(slot.element->value_set);
        if (!set || set->has(code)) return;
        std::string codes;
        for (const std::string_view one : set->codes)
            if (codes.size() < 300) codes += (codes.empty() ? "" : ", ") + std::string(one);
        findings_.add(node.where, "unknown-code",
                      fmt::format("{} does not know the code \"{}\"; it has {}", slot.path, code, codes));
    }

    void reference(const Node& node, const Slot& slot) {
        if (slot.type->name != "Reference") return wrong(node, slot, "a reference");
        if (node.resource < 0 || slot.targets.empty()) return;
        const fhir::Type* type = plan_.resources[static_cast<std::size_t>(node.resource)].type;
        if (!type) return;
        for (const std::string_view target : slot.targets)
            if (target == type->name || target == "Resource") return;
        std::string names;
        for (const std::string_view target : slot.targets) names += (names.empty() ? "" : ", ") + std::string(target);
        findings_.add(node.where, "wrong-target",
                      fmt::format("{} can't refer to {}; it may refer to {}", slot.path, type->name, names));
    }

    const Plan& plan_;
    Findings& findings_;
};

}  // namespace

void bind_body(ResourcePlan& resource, const Plan& plan, const std::string&, Findings& findings) {
    if (resource.type) Binder(plan, findings).object(resource.body, *resource.type, std::string(resource.type->name));
}

}  // namespace xinglin::table
