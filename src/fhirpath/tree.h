// SPDX-License-Identifier: Apache-2.0
// The syntax tree of an expression. Read-only once compiled; `search` turns simple ones into a fast walker.
//
// `Patient.name.where(use = 'official').given` is, outermost first:
//   member "given" ← focus: function "where" ← focus: member "name" ← focus: member "Patient" (names_type)
// A node without focus starts at the item being looked at ($this).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fhirpath/fhirpath.h"

namespace xinglin::fhirpath {

class Regex;
struct Function;

enum class Operator : std::uint8_t {
    multiply,
    divide,
    whole_divide,
    modulo,
    add,
    subtract,
    concatenate,
    unite,
    less,
    less_or_equal,
    greater,
    greater_or_equal,
    equal,
    equivalent,
    not_equal,
    not_equivalent,
    in,
    contains,
    and_,
    or_,
    xor_,
    implies,
};
/// "*", "div", "<=", …
std::string_view symbol(Operator operation);

/// A type as written after `is`, `as`, or in ofType(): FHIR's, System's, or both for a bare `Quantity`.
struct TypeName {
    std::string name_space;  // "FHIR", "System" or empty
    std::string name;
    const fhir::Type* fhir = nullptr;
    Item::Kind system = Item::Kind::node;  // node: no System type
    bool system_any = false;               // System.Any
    bool known() const { return fhir || system != Item::Kind::node || system_any || name_space == "System"; }
};
TypeName find_type_name(std::string_view name_space, std::string_view name);

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
    enum class Kind : std::uint8_t {
        empty,      // {}
        literal,    // literal
        this_item,  // $this
        index,      // $index
        total,      // $total
        variable,   // %name
        member,     // [focus.]name
        function,   // [focus.]name(arguments)
        indexer,    // focus[arguments[0]]
        negate,     // -focus
        plus,       // +focus
        binary,     // focus operation arguments[0]
        is_type,    // focus is type
        as_type,    // focus as type
    };
    Kind kind = Kind::empty;
    Operator operation = Operator::add;
    bool descending = false;   // as an argument of sort(): "-key" or "key desc"
    std::uint32_t offset = 0;  // where in the text
    std::string name;
    std::string sidecar_name;  // of a member: "_name"
    NodePtr focus;
    std::vector<NodePtr> arguments;
    Item literal;
    TypeName type;  // is, as; and the functions is(), as(), ofType()
    const Function* function = nullptr;
    std::shared_ptr<const Regex> regex;  // a literal pattern, compiled once
    /// Of a first member: the type it names ("Patient"), if any.
    const fhir::Type* names_type = nullptr;

    /// What is known when compiling: inside `owner`, the name means `element`.
    struct Hint {
        const fhir::Type* owner;
        const fhir::Element* element;
    };
    std::vector<Hint> hints;
};

struct Expression::Tree {
    std::string text;
    NodePtr root;
    Gives gives;
};

/// The expression as text again: parsing it gives an equal tree.
std::string print(const Node& node);

}  // namespace xinglin::fhirpath
