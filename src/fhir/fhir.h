// SPDX-License-Identifier: Apache-2.0
// What FHIR R4 (4.0.1) says of its types: elements, cardinalities, bindings, compartments; JSON ⇄ XML; validation.
//
// The definitions are compiled from the npm package hl7.fhir.r4.examples 4.0.1 (CC0) into read-only tables in the
// binary (tables/, made by tools/fhir_tables.py). Everything here is pure and safe from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::fhir {

enum class TypeKind : std::uint8_t { primitive, complex, resource, backbone };
enum class Binding : std::uint8_t { none, example, preferred, extensible, required };

struct Type;
struct KeyTable;

/// One type an element may have: "string", "Reference" (with its targets), "Patient.contact" (backbone).
struct TypeRef {
    const Type* type;
    std::span<const std::string_view> targets;  // resource types a Reference may name; empty: any ("Resource")
};

/// One element of a type, in the order of the specification.
struct Element {
    std::string_view name;  // "birthDate"; "value" for value[x]
    const Type* owner;      // the type that defines it
    std::uint32_t min = 0;
    std::uint32_t max = 1;    // UINT32_MAX for *
    bool is_choice = false;   // value[x]
    bool is_summary = false;  // belongs to _summary=true
    bool is_modifier = false;
    bool is_attribute = false;  // an XML attribute: id, url of Extension
    Binding binding = Binding::none;
    std::string_view value_set;  // canonical url of the binding, without version
    std::span<const TypeRef> types;
};

struct Type {
    std::string_view name;  // "Patient", "HumanName", "string", "Patient.contact"
    TypeKind kind;
    bool is_abstract;
    const Type* base;  // Patient → DomainResource → Resource; code → string → Element; nullptr at the root
    std::span<const Element> elements;  // inherited first, snapshot order
    std::string_view pattern;           // primitives: regular expression of the specification, may be empty
    const KeyTable* keys = nullptr;     // for match()

    bool is_a(const Type& other) const;  // this, or derived from it
};

/// A rule of a type, or of one of its own elements (`element`: "max"), in FHIRPath. Those that validate() checks are not here.
struct Rule {
    std::string_view element;  // "" : the type itself; with inherited elements the rules of the base apply
    std::string_view key;      // "pat-1"
    bool is_error;             // else a warning
    std::string_view expression;
    std::string_view human;
};
/// The type's own rules; those of its bases are theirs.
std::span<const Rule> rules(const Type& type);

/// nullptr when there is no such type. Accepts "Patient", "HumanName", "string", "Patient.contact".
const Type* find_type(std::string_view name);
/// nullptr unless a concrete or abstract resource type.
const Type* find_resource(std::string_view name);
/// All concrete resource types (146; with Resource and DomainResource 148), alphabetical.
std::span<const Type* const> resources();

/// What a JSON key means inside a type: "valueQuantity" → element value, type Quantity; "_birthDate" is asked without
/// its underscore.
struct Match {
    const Element* element = nullptr;
    const TypeRef* type = nullptr;  // the actual type; for a non-choice element its only one
    explicit operator bool() const { return element != nullptr; }
};
Match match(const Type& type, std::string_view json_key);
/// By element name: "value" finds value[x].
const Element* find_element(const Type& type, std::string_view name);
/// "value" + Quantity → "valueQuantity"
std::string json_key(const Element& element, const Type& type);

/// Codes of a value set whose expansion is small and fixed in R4; used for required bindings. `nullptr` when the value
/// set is not enumerable here (then any code passes).
struct CodeSet {
    std::string_view value_set;
    std::span<const std::string_view> systems;
    std::span<const std::string_view> codes;  // sorted
    bool has(std::string_view code) const;
};
const CodeSet* find_code_set(std::string_view value_set);

/// Parameters that put a resource into a patient's compartment: names of reference search parameters of `type`
/// ("subject", "performer"); empty when the type is in no patient compartment. A compartment's own type is always in
/// it, also when this is empty (Encounter in Encounter); Patient in Patient: {"link"} and itself.
std::span<const std::string_view> compartment_parameters(std::string_view compartment, std::string_view type);
/// Names of the compartments of R4: Patient, Encounter, RelatedPerson, Practitioner, Device.
std::span<const std::string_view> compartments();

/// The raw rows of R4's search parameters, for the room `search`: a parameter shared by several types gives one row for
/// each, with the part of the expression that concerns it. Sorted by base, then code. `expression` is empty where R4
/// gives none (_text, _content, _query, _filter, two of Patient's extensions).
struct SearchParameterRow {
    std::string_view code;  // "birthdate"
    std::string_view type;  // "date"
    std::string_view url;
    std::string_view expression;  // the part that concerns `base`, or the whole
    std::string_view description;
    std::span<const std::string_view> bases;  // resource types; may name "Resource" or "DomainResource"
    std::span<const std::string_view> targets;
    struct Component {
        std::string_view definition;
        std::string_view expression;
    };
    std::span<const Component> components;  // of composites
};
std::span<const SearchParameterRow> search_parameter_rows();

/// Structural validation of a whole resource: known type, known elements, types, cardinality, choice types, required
/// bindings that are enumerations, reference target types, primitive formats, empty objects and arrays, extension shape.
/// Collects up to `limit` issues, each with the element path ("Patient.contact[1].gender").
Outcome validate(json::Value resource, std::size_t limit = 50);

/// FHIR XML (http://hl7.org/fhir namespace) to JSON and back; refuses what is not FHIR. `narrative` div is kept as text.
/// Entities and DTDs are refused.
Result<json::Value> from_xml(std::string_view xml, json::Arena& arena);
std::string to_xml(json::Value resource, bool pretty = false);

}  // namespace xinglin::fhir
