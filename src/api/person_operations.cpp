// SPDX-License-Identifier: Apache-2.0
// $match and $ihe-pix: who may this be, and under which other identifiers is it known?
//
// Sources: FHIR R4, OperationDefinition/Patient-match; IHE ITI PIXm (ITI-83).
#include <algorithm>
#include <charconv>

#include "api/operation.h"
#include "json/json.h"
#include "person/person.h"

namespace xinglin::api {
namespace {

constexpr std::uint32_t usual_count = 10, most_count = 100;

Result<const person::Persons*> index_of(const Exchange& exchange) {
    if (!exchange.house.options.persons) return refuse(IssueCode::not_supported, "$match", "there is no person index here");
    return exchange.house.options.persons;
}

struct Asked {
    json::Value patient;
    std::uint32_t count = usual_count;
    bool only_certain = false;
};

Result<Asked> asked_of(const Exchange& exchange, json::Arena& arena) {
    Asked asked;
    XINGLIN_TRY(const json::Value body, read_body(exchange, arena));
    if (body["resourceType"].string() == "Patient") asked.patient = body;
    for (const json::Node& node : body["parameter"].items()) {
        const json::Value each(&node);
        const std::string_view name = each["name"].string();
        if (name == "resource") {
            asked.patient = each["resource"];
        } else if (name == "onlyCertainMatches") {
            asked.only_certain = each["valueBoolean"].as_bool();
        } else if (name == "count") {
            const std::string_view digits = each["valueInteger"].text();
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), asked.count);
            if (error != std::errc{} || asked.count == 0)
                return refuse(IssueCode::value, "count", "must be a whole number above zero");
            asked.count = std::min(asked.count, most_count);
        } else {
            return refuse(IssueCode::not_supported, "Parameters.parameter",
                          "$match takes resource, onlyCertainMatches and count");
        }
    }
    if (asked.patient["resourceType"].string() != "Patient")
        return refuse(IssueCode::required, "Parameters.parameter:resource", "must be a Patient, as much of it as is known");
    return asked;
}

Answer answer_match(Exchange& exchange) {
    const fhir::Type* patient = fhir::find_resource("Patient");
    XINGLIN_CHECK(may(exchange.viewer, patient, 's'));
    XINGLIN_CHECK(only_parameters(exchange, {}));
    XINGLIN_TRY(const person::Persons* const persons, index_of(exchange));
    json::Arena arena;
    XINGLIN_TRY(const Asked asked, asked_of(exchange, arena));
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    std::string entries;
    std::uint32_t count = 0;
    for (const person::Found& each : persons->match(asked.patient, asked.count)) {
        if (asked.only_certain && each.grade != "certain") continue;
        const auto version = reader.read(*patient, each.id);
        if (!version.ok()) continue;  // gone since, or not for this viewer
        entries += fmt::format(
            R"({}{{"fullUrl":{},"resource":{},"search":{{"extension":[{{"url":"http://hl7.org/fhir/StructureDefinition/match-grade","valueCode":"{}"}},{{"url":"urn:xinglin:extension:enterprise-id","valueString":"{}"}}],"mode":"match","score":{:.4f}}}}})",
            count ? "," : "", json_text(exchange.base_url + "/Patient/" + each.id), version->body, each.grade, each.enterprise_id,
            each.probability);
        ++count;
        note(exchange, {.what = "search", .type = patient, .id = each.id, .patient = each.id, .detail = "$match"});
    }
    if (count == 0) note(exchange, {.what = "search", .type = patient, .detail = "$match", .count = 0});
    return resource_answer(exchange, 200,
                           fmt::format(R"({{"resourceType":"Bundle","type":"searchset","total":{}{}}})", count,
                                       count ? ",\"entry\":[" + entries + "]" : std::string()));
}

/// The Patient that has this identifier, "system|value"; refused when several persons have.
Result<std::vector<std::string>> holders(const Exchange& exchange, record::Reader& reader, std::string_view identifier) {
    const fhir::Type* patient = fhir::find_resource("Patient");
    const fhir::Type* const types[] = {patient};
    const Parameters parameters{{"identifier", std::string(identifier)}, {"_count", "50"}, {"_total", "none"}};
    XINGLIN_TRY(const search::Query query,
                search::parse(types, parameters, {.offset_minutes = exchange.house.store.offset_minutes()}));
    XINGLIN_TRY(const record::Found found, reader.search(query));
    std::vector<std::string> ids;
    for (const auto& each : found.entries) ids.push_back(each.version.id);
    return ids;
}

Answer answer_pix(Exchange& exchange) {
    const fhir::Type* type = fhir::find_resource("Patient");
    XINGLIN_CHECK(may(exchange.viewer, type, 's'));
    XINGLIN_CHECK(only_parameters(exchange, {"sourceIdentifier", "targetSystem"}));
    XINGLIN_TRY(const person::Persons* const persons, index_of(exchange));
    const std::string_view source = exchange.parameter("sourceIdentifier");
    if (source.find('|') == std::string_view::npos || source.ends_with('|'))
        return refuse(IssueCode::required, "sourceIdentifier", "must be system|value");
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    XINGLIN_TRY(const std::vector<std::string> known, holders(exchange, reader, source));
    if (known.empty()) return refuse(IssueCode::not_found, "sourceIdentifier", "no Patient has this identifier");
    const std::string_view target = exchange.parameter("targetSystem");
    json::Arena arena;
    std::vector<json::Value> parameters;
    std::vector<std::string> seen;
    for (const std::string& first : known) {
        std::vector<std::string> all = persons->patients(first);
        if (all.empty()) all.push_back(first);
        for (const std::string& id : all) {
            if (std::find(seen.begin(), seen.end(), id) != seen.end()) continue;
            seen.push_back(id);
            const auto version = reader.read(*type, id);
            if (!version.ok()) continue;
            XINGLIN_TRY(const json::Value patient,
                        json::parse(arena.keep(version->body), arena, {.depth = 1'000, .bytes = version->body.size() + 1}));
            for (const json::Node& node : patient["identifier"].items()) {
                const json::Value each(&node);
                if (!target.empty() && each["system"].string() != target) continue;
                if (std::string(each["system"].string()) + '|' + std::string(each["value"].string()) == source) continue;
                parameters.push_back(arena.object({{"name", arena.string("targetIdentifier")}, {"valueIdentifier", each}}));
            }
            parameters.push_back(
                arena.object({{"name", arena.string("targetId")},
                              {"valueReference", arena.object({{"reference", arena.string("Patient/" + id)}})}}));
            note(exchange, {.what = "search", .type = type, .id = id, .patient = id, .detail = "$ihe-pix"});
        }
    }
    std::vector<std::pair<std::string_view, json::Value>> members{{"resourceType", arena.string("Parameters")}};
    if (!parameters.empty()) members.emplace_back("parameter", arena.array(parameters));
    return resource_answer(exchange, 200, json::write(arena.object(members)));
}

constexpr Operation rows[] = {
    {"$match", "Patient", Operation::on_type, "POST", "http://hl7.org/fhir/OperationDefinition/Patient-match",
     [](const Shared& exchange, const fhir::Type*, const std::string&) { send(*exchange, answer_match(*exchange)); }},
    {"$ihe-pix", "Patient", Operation::on_type, "GET, HEAD", "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix",
     [](const Shared& exchange, const fhir::Type*, const std::string&) { send(*exchange, answer_pix(*exchange)); }},
};

}  // namespace

std::span<const Operation> person_operations() { return rows; }

}  // namespace xinglin::api
