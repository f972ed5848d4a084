// SPDX-License-Identifier: Apache-2.0
// Paths of many parameters, merged by their JSON keys, so that one walk over a resource serves them all.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/fhir.h"
#include "search/path.h"
#include "search/search.h"

namespace xinglin::search {

/// How a value of some FHIR type becomes an entry.
enum class Rule : std::uint8_t {
    presence,  // counts for :missing, is not indexed (SampledData)
    coding,
    codeable_concept,
    identifier,
    contact_point,
    boolean,
    code,
    folded_code /* of type string */,
    human_name,
    address,
    plain_string,
    date,
    instant_or_date_time,
    period,
    timing,
    number,
    range_of_numbers,
    quantity,
    money,
    range,
    reference,
    canonical,
    resource,
    uri,
    deceased,  // x.exists() and x != false, asked at x's parent
    composite
};

struct Node;

struct Leaf {
    const Parameter* parameter;
    Rule rule;
    std::string_view system;                    // of a code whose binding has one system
    std::string_view name;                      // of Rule::deceased: the element
    std::vector<const Node*> components;        // of Rule::composite, one per component
    std::vector<bool> component_from_resource;  // component starts at the resource, not here
};

struct Filter {
    Step::Kind kind;
    std::string name, value;
    const Node* next;
};

struct Edge {
    std::string_view key;
    bool first_only;  // [0]
    const Node* next;
};

struct Node {
    std::vector<Edge> edges;
    std::vector<Filter> filters;
    std::vector<Leaf> leaves;
};

/// Owns the nodes of the tries of one resource type.
class Grower {
public:
    Node* root() { return make(); }
    /// Adds one path for a parameter. Returns false when the path does not fit the type.
    bool grow(Node* root, const fhir::Type& type, const Path& path, const Parameter& parameter, const fhir::Type& resource);

    /// Whether there are leaves and all have this rule.
    bool only(Rule rule) const;
    bool any(Rule rule) const;

private:
    std::deque<Node> nodes_;
    std::deque<std::string> text_;

    struct Cursor {
        Node* node;
        const fhir::Type* type;
        const fhir::Element* element;  // that led here; nullptr at the start
    };
    Node* make() { return &nodes_.emplace_back(); }
    Node* edge(Node* from, std::string_view key, bool first_only);
    Node* filter(Node* from, const Step& step);
    void child(const Cursor& from, std::string_view name, const Step* then, std::vector<Cursor>& to);
    bool finish(const Cursor& at, const Parameter& parameter, const fhir::Type& resource);
    bool finish_composite(const Cursor& at, const Parameter& parameter, const fhir::Type& resource);
};

/// The entry rule for a parameter type and a FHIR type; nothing when they do not fit.
std::optional<Rule> rule_of(ParamType parameter, const fhir::Type& type);

}  // namespace xinglin::search
