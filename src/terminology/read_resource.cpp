// SPDX-License-Identifier: Apache-2.0
// A CodeSystem resource as packed concepts.
#include <map>

#include "terminology/edition.h"

namespace xinglin::terminology {

namespace {

constexpr std::size_t deepest = 100;

std::pair<PropertyKind, std::string_view> value_of(json::Value property) {
    PropertyKind kind = PropertyKind::string;
    std::string_view value;
    for (const json::Member& member : property.members()) {
        if (!member.key().starts_with("value")) continue;
        value = member.value().text();
        if (member.key() == "valueCode") kind = PropertyKind::code;
        if (member.key() == "valueBoolean") kind = PropertyKind::boolean;
        if (member.key() == "valueInteger") kind = PropertyKind::integer;
        if (member.key() == "valueDecimal") kind = PropertyKind::decimal;
        if (member.key() == "valueDateTime") kind = PropertyKind::date_time;
        if (member.key() == "valueCoding") {
            kind = PropertyKind::coding;
            value = member.value()["code"].string();
        }
    }
    return {kind, value};
}

Result<Done> add_supplement(json::Value concepts, ConceptsBuilder& builder, std::size_t depth) {
    if (depth > deepest) return refuse(IssueCode::too_costly, "CodeSystem.concept", "is nested deeper than 100 levels");
    for (const json::Node& node : concepts.items()) {
        const json::Value one(&node);
        const std::string_view code = one["code"].string();
        for (const json::Node& designation : one["designation"].items()) {
            const json::Value d(&designation);
            builder.add_designation(code, d["language"].string(), d["use"]["code"].string(), d["value"].string());
        }
        for (const json::Node& property : one["property"].items()) {
            const auto [kind, value] = value_of(json::Value(&property));
            builder.add_property(code, json::Value(&property)["code"].string(), kind, value);
        }
        XINGLIN_CHECK(add_supplement(one["concept"], builder, depth + 1));
    }
    return Done{};
}

class Reader {
public:
    explicit Reader(json::Value system)
        : system_(system), builder_(system["language"].string(), !system["caseSensitive"] || system["caseSensitive"].as_bool()) {
        for (const json::Node& node : system["property"].items()) {
            const json::Value property(&node);
            const std::string_view uri = property["uri"].string();
            const std::string_view code = property["code"].string();
            roles_[code] = role(code, uri);
        }
    }

    Result<std::shared_ptr<const Concepts>> read(Supplements supplements) {
        XINGLIN_CHECK(add_all(system_["concept"], no_row, 0));
        XINGLIN_CHECK(add_supplements(supplements, builder_));
        return builder_.finish();
    }

private:
    enum class Role : std::uint8_t { plain, parent, child, inactive, status, abstract };
    json::Value system_;
    ConceptsBuilder builder_;
    std::map<std::string_view, Role> roles_;

    /// Source: FHIR R4, codesystem-concept-properties; v3 code systems call a concept that is not selectable `notSelectable`.
    static Role role(std::string_view code, std::string_view uri) {
        const std::size_t hash = uri.find("concept-properties#");
        const std::string_view name = hash == std::string_view::npos ? code : uri.substr(hash + 19);
        if (name == "parent" || name == "subsumedBy") return Role::parent;
        if (name == "child") return Role::child;
        if (name == "inactive") return Role::inactive;
        if (name == "status") return Role::status;
        if (name == "notSelectable" || name == "not-selectable" || name == "abstract") return Role::abstract;
        return Role::plain;
    }

    Result<Done> add_all(json::Value concepts, Row parent, std::size_t depth) {
        if (depth > deepest) return refuse(IssueCode::too_costly, "CodeSystem.concept", "is nested deeper than 100 levels");
        for (const json::Node& node : concepts.items()) {
            const json::Value one(&node);
            const std::string_view code = one["code"].string();
            if (code.empty()) return refuse(IssueCode::required, "CodeSystem.concept.code", "is needed");
            const std::string_view display = one["display"].string();
            const Row row = builder_.add({.code = code,
                                          .display = display.empty() ? code : display,
                                          .english = english(one),
                                          .definition = one["definition"].string()});
            if (parent != no_row) builder_.nest(row, parent);
            for (const json::Node& designation : one["designation"].items()) {
                const json::Value d(&designation);
                builder_.designation(row, d["language"].string(), d["use"]["code"].string(), d["value"].string());
            }
            for (const json::Node& property : one["property"].items()) add_property(row, json::Value(&property));
            XINGLIN_CHECK(add_all(one["concept"], row, depth + 1));
        }
        return Done{};
    }

    std::string_view english(json::Value one) const {
        if (!system_["language"] || system_["language"].string().starts_with("en")) return {};
        for (const json::Node& node : one["designation"].items()) {
            if (json::Value(&node)["language"].string().starts_with("en")) return json::Value(&node)["value"].string();
        }
        return {};
    }

    void add_property(Row row, json::Value property) {
        const std::string_view code = property["code"].string();
        const auto [kind, value] = value_of(property);
        const auto known = roles_.find(code);
        const Role role = known == roles_.end() ? Reader::role(code, "") : known->second;
        if (role == Role::parent) return builder_.parent(row, value);
        if (role == Role::child) return builder_.child(row, value);
        if (role == Role::inactive && value == "true") builder_.inactivate(row);
        if (role == Role::status && (value == "retired" || value == "inactive")) builder_.inactivate(row);
        if (role == Role::abstract && value == "true") builder_.make_abstract(row);
        builder_.property(row, code, kind, value);
    }
};

}  // namespace

Result<std::shared_ptr<const Concepts>> read_concepts(json::Value code_system, Supplements supplements) {
    return Reader(code_system).read(supplements);
}

Result<Done> add_supplements(Supplements supplements, ConceptsBuilder& builder) {
    for (const json::Value supplement : supplements) {
        const std::string_view version = supplement["version"].string();
        builder.supplement(std::string(supplement["url"].string()) + (version.empty() ? "" : "|" + std::string(version)));
        XINGLIN_CHECK(add_supplement(supplement["concept"], builder, 0));
    }
    return Done{};
}

}  // namespace xinglin::terminology
