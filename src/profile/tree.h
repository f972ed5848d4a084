// SPDX-License-Identifier: Apache-2.0
// Inside the room: a profile compiled into a tree of what it says beyond R4, element by element.
//
// A node stands for an element; its children for what is inside; its slices for groups of its repetitions. A slice holds only
// what the slice says: an item in it is checked by the sliced element's node as well.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/fhir.h"
#include "fhirpath/fhirpath.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::profile {

constexpr std::uint32_t unbounded = UINT32_MAX;

/// One value met while walking: its JSON, the `_name` beside a primitive, its type.
struct Spot {
    json::Value value;
    json::Value sidecar;
    const fhir::Type* type = nullptr;
    std::size_t index = SIZE_MAX;  // in its array
    bool is_choice = false;
};

struct TypeChoice {
    const fhir::Type* type = nullptr;
    std::vector<std::string> profiles;  // canonical URLs, without version; one of them must be met
    std::vector<std::string> targets;   // of a Reference: profiles of its target
};

struct Invariant {
    std::string key;
    bool is_error = true;
    std::string human, human_zh;
    fhirpath::Expression expression;
};

struct Bound {
    fhir::Binding strength = fhir::Binding::none;
    std::string value_set;
};

/// A bound of a value: "minValueQuantity" becomes `$this >= 5 'mg'`.
struct Border {
    fhirpath::Expression expression;
    std::string text;  // "5 'mg'"
};

struct PathStep {
    enum class Kind : std::uint8_t { child, extension, of_type, resolve };
    Kind kind = Kind::child;
    std::string name;  // element, url of the extension, name of the type
};

enum class By : std::uint8_t { value, exists, type, profile };
struct Discriminator {
    By by = By::value;
    std::string text;  // as written
    std::vector<PathStep> path;
};

struct Slicing {
    enum class Rules : std::uint8_t { open, closed, open_at_end };
    std::vector<Discriminator> discriminators;
    Rules rules = Rules::open;
    bool ordered = false;
};

struct Node;

/// How an item is told to belong to a slice: one test for each discriminator.
struct SliceTest {
    By by = By::value;
    std::vector<PathStep> path;         // to what is compared
    const Node* node = nullptr;         // value: must match this node's values; type: one of its types
    std::shared_ptr<const Node> owner;  // when the node belongs to another profile
    std::string url;                    // value, of an extension: its url must be this
    bool must_exist = true;             // exists
    std::vector<std::string> profiles;  // profile: one of these
};

struct Node {
    std::string name;  // "identifier"; "value" for value[x]; of a root the type
    std::string id;    // "Patient.identifier:resident", for messages about the profile
    const fhir::Element* element = nullptr;
    bool ignored = false;  // stands for something JSON does not have (the value of a primitive)
    std::vector<TypeChoice> types;
    bool types_limited = false;  // fewer types, or profiles on them, than the base
    std::uint32_t base_min = 0, min = 0, base_max = unbounded, max = unbounded;

    json::Value fixed, pattern;
    std::optional<Border> least, most;
    std::optional<std::uint32_t> max_length;
    std::optional<Bound> binding;
    std::vector<Invariant> invariants;
    bool must_support = false;

    std::vector<std::unique_ptr<Node>> children;
    std::optional<Slicing> slicing;
    std::vector<std::unique_ptr<Node>> slices;

    std::string slice_name;  // of a slice
    Node* whole = nullptr;   // what it is a slice of
    std::vector<SliceTest> tests;

    Node* child(std::string_view named) const;
    Node* slice(std::string_view named) const;
    /// Does it say anything about values: itself or below?
    bool has_values() const;
};

/// A compiled profile.
struct Profile {
    std::string url;
    const fhir::Type* type = nullptr;
    std::shared_ptr<const Node> root;
    std::size_t must_support = 0;
    /// Of an Extension: where it may stand.
    struct Context {
        std::string type;  // element, extension, fhirpath
        std::string expression;
    };
    std::vector<Context> contexts;
    std::vector<json::Arena> kept;  // holds what the nodes point to
};

/// Finds a definition by canonical URL; nothing when there is none.
using FindDefinition = std::function<json::Value(std::string_view url)>;

/// Compiles a StructureDefinition over R4 and the definitions it stands on.
Result<std::shared_ptr<const Profile>> compile(json::Value definition, const FindDefinition& find);

/// Inside compile: gives every slice its tests; refuses slices that cannot be told apart by their discriminators.
Result<Done> decide_slices(Node& node, const std::function<std::shared_ptr<const Node>(std::string_view url)>& profile_tree);
Result<std::vector<PathStep>> parse_path(std::string_view text);

// ---- values.cpp ---------------------------------------------------------------------------------------------------------
/// The items of an element in a value, in order.
std::vector<Spot> items_of(const Spot& holder, const fhir::Element& element);
/// By name: "value" finds value[x].
std::vector<Spot> items_of(const Spot& holder, std::string_view element);
/// Is everything of the pattern in the value?
bool matches_pattern(json::Value value, json::Value pattern);
/// The one type a resource names; nullptr when it names none of R4.
const fhir::Type* type_of_resource(json::Value resource);
/// Without the version after `|`.
std::string_view without_version(std::string_view canonical);
/// R4's type a canonical of hl7.org names ("…/StructureDefinition/Patient"); nullptr for others.
const fhir::Type* base_type(std::string_view canonical);
/// "Quantity" for a type named in JSON keys: string → "String".
std::string capitalised(std::string_view name);

}  // namespace xinglin::profile
