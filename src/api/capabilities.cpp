// SPDX-License-Identifier: Apache-2.0
// The CapabilityStatement: generated from the tables the server itself works from, so that it cannot promise more.
#include "api/operation.h"

namespace xinglin::api {
namespace {
/// What R4 says of a parameter; of a shared one ("Multiple Resources: …") the line of its type.
std::string_view description_for(const search::Parameter& parameter) {
    std::string_view words = parameter.description;
    const std::string mark = "[" + std::string(parameter.resource->name) + "](";
    if (const auto own = words.find(mark); own != std::string_view::npos) {
        const auto start = words.find("): ", own);
        if (start != std::string_view::npos) words = words.substr(start + 3);
    }
    return words.substr(0, words.find_first_of("\r\n"));
}

constexpr std::string_view interactions[] = {"read",         "vread",  "update",     "patch", "delete", "history-instance",
                                             "history-type", "create", "search-type"};
constexpr std::string_view system_interactions[] = {"transaction", "batch", "history-system", "search-system"};

std::string codes(std::span<const std::string_view> list) {
    std::string out = "[";
    for (const std::string_view code : list)
        out += (out.size() > 1 ? R"(,{"code":")" : R"({"code":")") + std::string(code) + R"("})";
    return out + "]";
}

/// The operations of a type ("" for the system), as a JSON member with a comma before it; "" when there are none.
std::string operations_of(std::string_view type) {
    std::string out;
    for (const Operation& operation : all_operations()) {
        const bool is_here =
            type.empty() ? (operation.levels & Operation::on_system) != 0
                         : (operation.levels & ~Operation::on_system) != 0 && (operation.type == "*" || operation.type == type);
        if (!is_here) continue;
        out += out.empty() ? R"(,"operation":[)" : ",";
        out += R"({"name":")" + std::string(operation.name.substr(1)) + R"(","definition":")" +
               std::string(operation.definition) + R"("})";
    }
    return out.empty() ? out : out + "]";
}

void write_search(const fhir::Type& type, std::string& out) {
    std::string includes, params;
    for (const search::Parameter* parameter : search::parameters(type)) {
        if (parameter->type == search::ParamType::reference) {
            includes += (includes.empty() ? "\"" : ",\"") + std::string(type.name) + ':' + std::string(parameter->code) + '"';
        }
        params += params.empty() ? "{" : ",{";
        params += R"("name":")" + std::string(parameter->code) + '"';
        if (!parameter->url.empty()) params += R"(,"definition":")" + std::string(parameter->url) + '"';
        params += R"(,"type":")" + std::string(search::text(parameter->type)) + '"';
        if (const auto words = description_for(*parameter); !words.empty()) params += R"(,"documentation":)" + json_text(words);
        params += '}';
    }
    if (!includes.empty()) out += R"(,"searchInclude":["*",)" + includes + ']';
    std::string reverse;
    for (const search::Parameter* parameter : search::all_parameters()) {
        if (parameter->type != search::ParamType::reference) continue;
        const auto& targets = parameter->targets;
        if (!targets.empty() && std::find(targets.begin(), targets.end(), type.name) == targets.end()) continue;
        reverse +=
            (reverse.empty() ? "\"" : ",\"") + std::string(parameter->resource->name) + ':' + std::string(parameter->code) + '"';
    }
    if (!reverse.empty()) out += R"(,"searchRevInclude":[)" + reverse + ']';
    if (!params.empty()) out += R"(,"searchParam":[)" + params + ']';
}

void write_resource(const fhir::Type& type, std::string& out) {
    out += R"({"type":")" + std::string(type.name) + R"(","profile":"http://hl7.org/fhir/StructureDefinition/)" +
           std::string(type.name) + R"(","interaction":)";
    out += codes(interactions);
    out +=
        R"(,"versioning":"versioned-update","readHistory":true,"updateCreate":true,"conditionalCreate":true,"conditionalRead":"full-support",)"
        R"("conditionalUpdate":true,"conditionalDelete":"single","referencePolicy":["literal","logical","local"])";
    write_search(type, out);
    out += operations_of(type.name) + "}";
}

/// Where tokens are had: the extension of SMART App Launch.
std::string security(std::string base) {
    if (base.ends_with("/fhir")) base.resize(base.size() - 5);
    std::string addresses;
    for (const std::string_view each : {"authorize", "token", "revoke", "introspect"}) {
        addresses += (addresses.empty() ? "" : ",") + (R"({"url":")" + std::string(each) + R"(","valueUri":)") +
                     json_text(base + "/oauth/" + std::string(each)) + "}";
    }
    return R"({"extension":[{"url":"http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris","extension":[)" +
           addresses +
           R"(]}],"service":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/restful-security-service","code":"SMART-on-FHIR"}]}],)"
           R"("description":"OAuth 2.0 tokens by SMART App Launch 2 and SMART Backend Services, plain bearer tokens for simple systems, sessions by cookie for people"})";
}

std::string statement(const Exchange& exchange) {
    const Options& options = exchange.house.options;
    std::string out =
        R"({"resourceType":"CapabilityStatement","status":"active","date":")" + calendar::instant_text(options.started_ms) +
        R"(","publisher":"Xinglin","kind":"instance","software":{"name":"Xinglin","version":)" + json_text(options.version) +
        R"(},"implementation":{"description":"Xinglin FHIR R4 record","url":)" + json_text(exchange.base_url) +
        R"(},"fhirVersion":"4.0.1","format":["application/fhir+json","application/fhir+xml","json","xml"],"patchFormat":["application/json-patch+json","application/fhir+json","application/fhir+xml"],"rest":[{"mode":"server",)"
        R"("documentation":"Unknown search parameters are refused unless Prefer: handling=lenient. Referential integrity is not enforced.",)"
        R"("security":)" +
        security(exchange.base_url) + R"(,"resource":[)";
    bool first = true;
    for (const fhir::Type* type : fhir::resources()) {
        if (!first) out += ',';
        first = false;
        write_resource(*type, out);
    }
    out += R"(],"interaction":)" + codes(system_interactions);
    constexpr std::pair<std::string_view, std::string_view> general[] = {
        {"_id", "token"},       {"_lastUpdated", "date"}, {"_tag", "token"},   {"_profile", "uri"},
        {"_security", "token"}, {"_source", "uri"},       {"_type", "special"}};
    std::string params;
    for (const auto& [name, type] : general)
        params += (params.empty() ? R"({"name":")" : R"(,{"name":")") + std::string(name) + R"(","type":")" + std::string(type) +
                  R"("})";
    out += R"(,"searchParam":[)" + params + R"(],"compartment":[)";
    std::string compartments;
    for (const std::string_view name : fhir::compartments()) {
        compartments += (compartments.empty() ? "\"" : ",\"") + std::string("http://hl7.org/fhir/CompartmentDefinition/");
        for (const char c : name) compartments += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        compartments += '"';
    }
    return out + compartments + "]" + operations_of("") + "}]}";
}

}  // namespace

Answer answer_capabilities(Exchange& exchange) {
    XINGLIN_CHECK(only_parameters(exchange, {"mode", "_summary", "_elements"}));
    const std::string_view mode = exchange.parameter("mode");
    if (mode == "terminology") return answer_terminology_capabilities(exchange);
    if (!mode.empty() && mode != "full" && mode != "normative")
        return refuse(IssueCode::value, "mode", "is one of full, normative and terminology");
    XINGLIN_TRY(const Trim trim, read_trim(exchange));
    std::string body;
    {
        std::lock_guard lock(exchange.house.statement_lock);
        auto& kept = exchange.house.statements;
        const auto known =
            std::find_if(kept.begin(), kept.end(), [&](const auto& pair) { return pair.first == exchange.base_url; });
        if (known != kept.end()) {
            body = known->second;
        } else {
            body = statement(exchange);
            if (kept.size() >= 8) kept.erase(kept.begin());  // addresses come from the client: a few are enough
            kept.emplace_back(exchange.base_url, body);
        }
    }
    return resource_answer(exchange, 200, trim ? trimmed_body(trim, body) : std::move(body));
}

}  // namespace xinglin::api
