// SPDX-License-Identifier: Apache-2.0
// Who belongs to a person: mother, father, children, whom to call, as RelatedPersons of the person's Patients tell, and those of others that
// name the person as theirs. Led to their own records by the identity number.
#include <algorithm>
#include <set>

#include "api/people_json.h"
#include "api/union.h"
#include "json/json.h"
#include "text/text.h"

namespace xinglin::api {

namespace {

constexpr std::string_view resident_system = "urn:oid:2.16.156.10011.1.3";
constexpr std::size_t most_shown = 30;

struct Relation {
    std::string code, words;
};
Relation relation_of(json::Value related) {
    Relation relation;
    for (const json::Node& one : related["relationship"].items()) {
        const json::Value each(&one);
        if (relation.words.empty()) relation.words = each["text"].string();
        for (const json::Node& node : each["coding"].items()) {
            const json::Value coding(&node);
            if (coding["system"].string() == "http://terminology.hl7.org/CodeSystem/v3-RoleCode" && relation.code.empty())
                relation.code = coding["code"].string();
            if (relation.words.empty()) relation.words = coding["display"].string();
        }
    }
    return relation;
}

std::string number_of(json::Value resource) {
    for (const json::Node& node : resource["identifier"].items()) {
        const json::Value each(&node);
        if (each["system"].string() == resident_system) return std::string(each["value"].string());
    }
    return {};
}

/// Resources of a type that a search finds, at most so many.
std::vector<record::Version> found(const Exchange& exchange, record::Reader& reader, std::string_view type,
                                   Parameters parameters) {
    const fhir::Type* const types[] = {fhir::find_resource(type)};
    parameters.insert(parameters.end(), {{"_count", std::to_string(most_shown)}, {"_total", "none"}});
    std::vector<record::Version> all;
    const auto query = search::parse(types, parameters, {.offset_minutes = exchange.house.store.offset_minutes()});
    if (!query.ok()) return all;
    auto page = reader.search(*query);
    if (page.ok())
        for (auto& entry : page->entries) all.push_back(std::move(entry.version));
    return all;
}

std::string patient_with(const Exchange& exchange, record::Reader& reader, const std::string& number) {
    if (number.empty() || number.find_first_of(",|$\\") != std::string::npos) return {};
    const auto all = found(exchange, reader, "Patient", {{"identifier", std::string(resident_system) + '|' + number}});
    return all.empty() ? std::string() : all.front().id;
}

}  // namespace

std::string relatives_json(const Exchange& exchange, record::Reader& reader, const Union& all, const std::string& number) {
    std::vector<std::string> rows;
    std::set<std::string> seen;
    // A resident sees who was told of, and is not led to anybody else's record.
    const bool leads =
        exchange.viewer.role != access::Role::resident && may(exchange.viewer, fhir::find_resource("Patient"), 's').ok();
    const auto add = [&](const std::string& id, const Relation& relation, const people::Person& who, const std::string& masked,
                         const std::string& person) {
        const std::string same = relation.code + '|' + relation.words + '|' + text::fold(who.name) + '|' + masked;
        if (rows.size() < most_shown && seen.insert(same).second)
            rows.push_back(Object()
                               .text("id", id)
                               .text("relation", relation.words)
                               .text("code", relation.code)
                               .text("name", who.name)
                               .text("masked", masked)
                               .text("phone", who.phone)
                               .text("person", person)
                               .finish());
    };
    for (const std::string& patient : all.ids) {
        for (const record::Version& version : found(exchange, reader, "RelatedPerson", {{"patient", "Patient/" + patient}})) {
            json::Arena arena;
            const json::Value related = parsed(version, arena);
            const std::string own = number_of(related);
            add(version.id, relation_of(related), people::summary(related), own.empty() ? "" : text::mask_identifier(own),
                leads ? patient_with(exchange, reader, own) : std::string());
        }
    }
    if (!leads || number.empty() || number.find_first_of(",|$\\") != std::string::npos) return list(rows);
    for (const record::Version& version :
         found(exchange, reader, "RelatedPerson", {{"identifier", std::string(resident_system) + '|' + number}})) {
        json::Arena arena;
        const json::Value related = parsed(version, arena);
        const std::string_view reference = related["patient"]["reference"].string();
        const Relation relation = relation_of(related);
        if (!reference.starts_with("Patient/") || (relation.code != "MTH" && relation.code != "FTH" && relation.code != "PRN"))
            continue;
        const std::string child(reference.substr(8));
        if (std::find(all.ids.begin(), all.ids.end(), child) != all.ids.end()) continue;
        const auto patient = reader.read(*fhir::find_resource("Patient"), child);
        if (!patient.ok()) continue;
        const json::Value body = parsed(*patient, arena);
        const std::string own = number_of(body);
        add(version.id, {"CHILD", ""}, people::summary(body), own.empty() ? "" : text::mask_identifier(own), child);
    }
    return list(rows);
}

}  // namespace xinglin::api
