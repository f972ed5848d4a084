// SPDX-License-Identifier: Apache-2.0
// Reading what an operation is asked.
#include "api/asked.h"

#include <algorithm>
#include <charconv>

namespace xinglin::api {

namespace {

json::Value value_of(json::Value parameter) {
    if (const json::Value resource = parameter["resource"]) return resource;
    for (const json::Member& member : parameter.members()) {
        if (member.key().starts_with("value")) return member.value();
    }
    return {};
}

AskedCoding coding_of(json::Value coding) {
    return {coding["system"].string(), coding["version"].string(), coding["code"].string(), coding["display"].string()};
}

}  // namespace

Result<Done> Asked::read(const Exchange& exchange, std::initializer_list<std::string_view> known) {
    XINGLIN_CHECK(only_parameters(exchange, known));
    for (const auto& [name, text] : exchange.parameters) {
        if (!is_general_parameter(name)) all_.emplace_back(arena_.keep(name), arena_.string(text));
    }
    const bool is_form = exchange.request.headers.get("Content-Type").starts_with("application/x-www-form-urlencoded");
    if (exchange.request.method != "POST" || is_form || exchange.request.body.empty()) return Done{};
    XINGLIN_TRY(const json::Value body, read_body(exchange, arena_));
    const std::string_view type = body["resourceType"].string();
    if (type == "ValueSet" || type == "CodeSystem" || type == "ConceptMap") {
        std::string name(type);
        name[0] = static_cast<char>(name[0] - 'A' + 'a');
        if (std::find(known.begin(), known.end(), name) == known.end())
            return refuse(IssueCode::not_supported, "body", "this operation takes no such resource");
        all_.emplace_back(arena_.keep(name), body);
        return Done{};
    }
    if (type != "Parameters") return refuse(IssueCode::invalid, "body", "expected a Parameters resource");
    Outcome unknown;
    for (const json::Node& node : body["parameter"].items()) {
        const json::Value parameter(&node);
        const std::string_view name = parameter["name"].string();
        if (!exchange.lenient && std::find(known.begin(), known.end(), name) == known.end()) {
            unknown.issues.push_back({Severity::error, IssueCode::not_supported, "Parameters.parameter." + std::string(name),
                                      "is not a parameter of this operation"});
            continue;
        }
        all_.emplace_back(name, value_of(parameter));
    }
    if (!unknown.ok()) return unknown;
    return Done{};
}

json::Value Asked::value(std::string_view name) const {
    for (const auto& [key, value] : all_) {
        if (key == name) return value;
    }
    return {};
}

std::vector<std::string_view> Asked::texts(std::string_view name) const {
    std::vector<std::string_view> all;
    for (const auto& [key, value] : all_) {
        if (key == name) all.push_back(value.text());
    }
    return all;
}

Result<std::optional<std::size_t>> Asked::number(std::string_view name) const {
    const json::Value found = value(name);
    if (!found) return std::optional<std::size_t>();
    const std::string_view text = found.text();
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
        return refuse(IssueCode::value, std::string(name), "must be a whole number, 0 or more");
    return std::optional<std::size_t>(number);
}

Result<AskedCoding> Asked::coding(std::string_view name) const {
    if (const json::Value coding = value(name)) {
        if (!coding.is_object())
            return refuse(IssueCode::invalid, std::string(name), "must be a Coding; send it in a Parameters resource");
        return coding_of(coding);
    }
    return AskedCoding{text("system"), text("version"), text("code"), text("display")};
}

Result<std::vector<AskedCoding>> Asked::codings() const {
    std::vector<AskedCoding> all;
    if (const json::Value concept_ = value("codeableConcept")) {
        if (!concept_.is_object())
            return refuse(IssueCode::invalid, "codeableConcept", "must be a CodeableConcept; send it in a Parameters resource");
        for (const json::Node& node : concept_["coding"].items()) all.push_back(coding_of(json::Value(&node)));
        if (all.empty())
            return refuse(IssueCode::required, "codeableConcept.coding", "is needed: text alone cannot be looked up");
        if (all.size() > 100) return refuse(IssueCode::too_costly, "codeableConcept.coding", "has more than 100 codings");
        return all;
    }
    XINGLIN_TRY(const AskedCoding one, coding("coding"));
    if (one.code.empty()) return refuse(IssueCode::required, "code", "is needed (or coding, or codeableConcept)");
    all.push_back(one);
    return all;
}

}  // namespace xinglin::api
