// SPDX-License-Identifier: Apache-2.0
// $match and $ihe-pix: who may this be, and under which other identifiers is it known?
//
// Sources: FHIR R4, OperationDefinition/Patient-match; IHE ITI PIXm 3.1 (ITI-83), PDQm 3.2 (ITI-119, cases 1 to 9).
#include <algorithm>
#include <charconv>
#include <set>

#include "api/operation.h"
#include "api/union.h"
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
    std::vector<person::Found> found = persons->match(asked.patient, asked.count);
    if (asked.only_certain) {
        std::erase_if(found, [](const person::Found& each) { return each.grade != "certain"; });
        if (found.size() > 1) found.clear();  // several persons, so none of them is certain
    }
    for (const person::Found& each : found) {
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

/// PIXm tells its refusals apart by status as well as by code.
Answer pix_refusal(const Exchange& exchange, int status, IssueCode code, std::string_view where, std::string_view what) {
    auto response = refusal_answer(exchange, refuse(code, std::string(where), std::string(what)));
    response.status = status;
    return response;
}

struct PixAsked {
    std::string source;  // "system|value"
    std::vector<std::string> targets;
};

/// Of the query, a form, or a Parameters resource, where an identifier may also be an Identifier.
Result<PixAsked> pix_asked(const Exchange& exchange, json::Arena& arena) {
    PixAsked asked;
    XINGLIN_CHECK(only_parameters(exchange, {"sourceIdentifier", "targetSystem"}));
    for (const auto& [name, value] : exchange.parameters) {
        if (name == "sourceIdentifier") asked.source = value;
        if (name == "targetSystem" && !value.empty()) asked.targets.push_back(value);
    }
    const bool is_form = exchange.request.headers.get("Content-Type").starts_with("application/x-www-form-urlencoded");
    if (exchange.request.method != "POST" || is_form || exchange.request.body.empty()) return asked;
    XINGLIN_TRY(const json::Value body, read_body(exchange, arena));
    for (const json::Node& node : body["parameter"].items()) {
        const json::Value each(&node);
        const std::string_view name = each["name"].string();
        std::string value(each["valueString"].string());
        if (value.empty()) value = each["valueUri"].string();
        if (const json::Value identifier = each["valueIdentifier"])
            value = std::string(identifier["system"].string()) + '|' + std::string(identifier["value"].string());
        if (name == "sourceIdentifier") asked.source = value;
        else if (name == "targetSystem") asked.targets.push_back(value);
        else return refuse(IssueCode::not_supported, "Parameters.parameter", "$ihe-pix takes sourceIdentifier and targetSystem");
    }
    return asked;
}

/// Does anybody have an identifier of this system?
Result<bool> is_domain(const Exchange& exchange, record::Reader& reader, std::string_view system) {
    if (system == enterprise_system) return true;
    const fhir::Type* const types[] = {fhir::find_resource("Patient")};
    const Parameters parameters{{"identifier", std::string(system) + '|'}, {"_count", "1"}, {"_total", "none"}};
    XINGLIN_TRY(const search::Query query,
                search::parse(types, parameters, {.offset_minutes = exchange.house.store.offset_minutes()}));
    XINGLIN_TRY(const record::Found found, reader.search(query));
    return !found.entries.empty();
}

/// The other identifiers of these Patients, each once, and the Patients that have them; of the systems asked for, of all when none is.
class Crossing {
public:
    Crossing(json::Arena& arena, const PixAsked& asked) : arena_(arena), asked_(asked) { seen_.insert(asked.source); }
    void take(std::string_view id, json::Value patient) {
        bool any = asked_.targets.empty();
        for (const json::Node& node : patient["identifier"].items()) {
            const json::Value each(&node);
            if (!wants(each["system"].string()) || each["value"].string().empty()) continue;
            any = true;
            identifier(each);
        }
        if (any)
            ids_.push_back(
                arena_.object({{"name", arena_.string("targetId")},
                               {"valueReference", arena_.object({{"reference", arena_.string("Patient/" + std::string(id))}})}}));
    }
    void enterprise(const std::string& id) {
        if (!id.empty() && wants(enterprise_system))
            identifier(arena_.object({{"system", arena_.string(enterprise_system)}, {"value", arena_.string(id)}}));
    }
    std::string finish() {
        std::vector<std::pair<std::string_view, json::Value>> members{{"resourceType", arena_.string("Parameters")}};
        all_.insert(all_.end(), ids_.begin(), ids_.end());
        if (!all_.empty()) members.emplace_back("parameter", arena_.array(all_));
        return json::write(arena_.object(members));
    }

private:
    json::Arena& arena_;
    const PixAsked& asked_;
    std::vector<json::Value> all_, ids_;
    std::set<std::string> seen_;
    bool wants(std::string_view system) const {
        return asked_.targets.empty() || std::find(asked_.targets.begin(), asked_.targets.end(), system) != asked_.targets.end();
    }
    void identifier(json::Value each) {
        if (seen_.insert(std::string(each["system"].string()) + '|' + std::string(each["value"].string())).second)
            all_.push_back(arena_.object({{"name", arena_.string("targetIdentifier")}, {"valueIdentifier", each}}));
    }
};

Answer answer_pix(Exchange& exchange) {
    const fhir::Type* type = fhir::find_resource("Patient");
    XINGLIN_CHECK(may(exchange.viewer, type, 's'));
    XINGLIN_TRY(const person::Persons* const persons, index_of(exchange));
    json::Arena arena;
    XINGLIN_TRY(const PixAsked asked, pix_asked(exchange, arena));
    const std::size_t bar = asked.source.find('|');
    if (bar == std::string::npos || bar == 0 || bar + 1 == asked.source.size())
        return pix_refusal(exchange, 400, IssueCode::required, "sourceIdentifier", "must be system|value");
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    XINGLIN_TRY(const std::vector<std::string> known, holders_of(exchange, reader, asked.source));
    if (known.empty()) {
        XINGLIN_TRY(const bool domain, is_domain(exchange, reader, asked.source.substr(0, bar)));
        if (!domain)
            return pix_refusal(exchange, 400, IssueCode::code_invalid, "sourceIdentifier",
                               "sourceIdentifier Assigning Authority not found");
        return pix_refusal(exchange, 404, IssueCode::not_found, "sourceIdentifier",
                           "sourceIdentifier Patient Identifier not found");
    }
    for (const std::string& target : asked.targets) {
        XINGLIN_TRY(const bool domain, is_domain(exchange, reader, target));
        if (!domain) return pix_refusal(exchange, 403, IssueCode::code_invalid, "targetSystem", "targetSystem not found");
    }
    std::vector<std::string> all = persons->patients(known.front());
    if (all.empty()) all.push_back(known.front());
    for (const std::string& each : known)
        if (std::find(all.begin(), all.end(), each) == all.end())
            return refuse(IssueCode::multiple_matches, "sourceIdentifier",
                          "is told of several persons; what belongs to whom is not said");
    Crossing crossing(arena, asked);
    for (const std::string& id : all) {
        const auto version = reader.read(*type, id);
        if (!version.ok()) continue;
        XINGLIN_TRY(const json::Value patient,
                    json::parse(arena.keep(version->body), arena, {.depth = 1'000, .bytes = version->body.size() + 1}));
        crossing.take(id, patient);
        note(exchange, {.what = "search", .type = type, .id = id, .patient = id, .detail = "$ihe-pix"});
    }
    crossing.enterprise(persons->enterprise_of(known.front()));
    return resource_answer(exchange, 200, crossing.finish());
}

constexpr Operation rows[] = {
    {"$match", "Patient", Operation::on_type, "POST", "http://hl7.org/fhir/OperationDefinition/Patient-match",
     [](const Shared& exchange, const fhir::Type*, const std::string&) { send(*exchange, answer_match(*exchange)); }},
    {"$ihe-pix", "Patient", Operation::on_type, "GET, HEAD, POST",
     "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix",
     [](const Shared& exchange, const fhir::Type*, const std::string&) { send(*exchange, answer_pix(*exchange)); }},
};

}  // namespace

std::span<const Operation> person_operations() { return rows; }

}  // namespace xinglin::api
