// SPDX-License-Identifier: Apache-2.0
// FHIRPath N1 with the functions FHIR R4 adds: compiled once, evaluated within a budget of steps and items.
//
// Source: HL7 FHIRPath N1 (ANSI/HL7 NMN R1-2020), FHIR R4 fhirpath.html. Pure: what it needs from outside (references,
// value sets, the time) comes in through Environment.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calendar/calendar.h"
#include "fhir/fhir.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::fhirpath {

/// One item of a collection: a FHIR node (json + its FHIR type), or a System value made by an expression.
struct Item {
    enum class Kind : std::uint8_t { node, boolean, integer, decimal, string, date, date_time, time, quantity };
    Kind kind = Kind::node;
    // kind == node: the element's value; `type` its FHIR type; `sidecar` the "_name" object of a primitive.
    json::Value value;
    json::Value sidecar;
    const fhir::Type* type = nullptr;
    // system values; also filled for FHIR primitives when an operation needs them
    bool boolean = false;
    std::int64_t integer = 0;
    std::string text;  // string; decimal digits; quantity value digits; date, dateTime, time as written
    std::string unit;  // of a quantity: UCUM code or calendar word
    // where it stands, for resolve() and %resource
    json::Value resource;       // the resource that contains the node (contained ones included)
    json::Value root_resource;  // the outermost

    /// "boolean", "integer", "decimal", "string", "date", "dateTime", "time", "Quantity", or the FHIR type's name.
    std::string type_name() const;
};
using Collection = std::vector<Item>;

/// kind: "syntax", "semantic" or "execution"
struct Problem {
    std::string kind;
    std::string message;
};

struct Budget {
    std::uint64_t steps = 2'000'000;
    std::size_t items = 100'000;
};

struct Environment {
    /// Turns a reference ("Patient/1", absolute url, "#id" is handled inside) into a resource; may be empty.
    std::function<json::Value(std::string_view reference)> resolve;
    /// memberOf(value set): nothing when unknown.
    std::function<std::optional<bool>(std::string_view value_set, std::string_view system, std::string_view code)> member_of;
    /// conformsTo(profile), for profiles that are no types of R4: nothing when the profile is unknown.
    std::function<std::optional<bool>(std::string_view profile, const Item& item)> conforms_to;
    /// slice(profile, name): does the item belong to that slice?
    std::function<std::optional<bool>(std::string_view profile, std::string_view name, const Item& item)> in_slice;
    std::vector<std::pair<std::string, Collection>> variables;  // %name
    std::int64_t now_ms = 0;                                    // 0: the machine's clock
    std::int16_t offset_minutes = 0;                            // zone of now(), today()
    Budget budget;
    bool empty_join_is_text = false;  // join() of nothing is '' (SQL on FHIR), not empty
    std::function<void(std::string_view name, const Collection&)> trace;
};

struct CompileOptions {
    /// Type of the context item: lets compiling look elements up once, and strict mode know what there is.
    const fhir::Type* context_type = nullptr;
    /// Elements that the context's type does not have are refused as "semantic" when compiling; otherwise they are
    /// empty. Types that can't go together by what is written ("@2026-01-01 + 7") are always refused.
    bool strict = false;
    /// Refuses first(), skip(), [] … on collections without an order (children(), descendants(), repeat()).
    bool check_ordered_functions = false;
};

class Expression {
public:
    /// Compiles; on refusal `problem` (if given) tells the kind.
    static Result<Expression> compile(std::string_view text, const CompileOptions& options = {}, Problem* problem = nullptr);
    Expression(Expression&&) noexcept;
    Expression& operator=(Expression&&) noexcept;
    ~Expression();

    /// Evaluates with a resource (or any Item) as context. Safe from many threads at once.
    Result<Collection> evaluate(const Item& context, const Environment& environment, Problem* problem = nullptr) const;
    /// Only tests the truth of the result: empty → nothing, single boolean → it, single other → true.
    std::string_view text() const;

    /// What is known of the result before it is there: its FHIR types (the only ones when `complete`), or a System type.
    struct Gives {
        std::vector<const fhir::Type*> types;
        bool complete = false;
        Item::Kind system = Item::Kind::node;
    };
    const Gives& gives() const;
    /// Names it leans on: %variables it does not define itself, types that do not exist.
    struct Mentions {
        std::vector<std::string> variables, unknown_types;
    };
    Mentions mentions() const;

    struct Tree;
    const Tree& tree() const { return *tree_; }

private:
    explicit Expression(std::shared_ptr<const Tree> tree);
    std::shared_ptr<const Tree> tree_;
};

/// The item for a resource.
Item item_of(json::Value resource);
/// What convertsTo/`where` would see: nothing if empty.
std::optional<bool> truth(const Collection& collection);

/// UCUM, as far as comparing and converting quantities needs it: common clinical and derived units, prefixes, exponents,
/// annotations. `factor` to canonical base units; nothing when the unit is unknown.
struct Canonical {
    double factor;
    double offset;     // for Cel, [degF]: canonical = value * factor + offset
    std::string unit;  // e.g. "g.m-3"
};
std::optional<Canonical> ucum_canonical(std::string_view unit);
/// True for a UCUM unit we know; false for "".
bool ucum_valid(std::string_view unit);
/// A decimal in another unit, exact as far as 28 digits go ("5.6" g/dL → "56" g/L). Refuses (where: value, from, to) what is
/// no number, no unit, or measures something else.
Result<std::string> ucum_convert(std::string_view value, std::string_view from, std::string_view to);
/// A value in base units, and those: "5.6", "g/dL" → "56000", "m-3.g". Values of one dimension compare as such; nothing for
/// what is no number or no unit.
std::optional<std::pair<std::string, std::string>> ucum_canonical_value(std::string_view value, std::string_view unit);

}  // namespace xinglin::fhirpath
