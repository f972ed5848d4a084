// SPDX-License-Identifier: Apache-2.0
// From one Patient to all of the person's.
#include "api/union.h"

#include <algorithm>

#include "person/person.h"
#include "text/text.h"

namespace xinglin::api {

namespace {

constexpr std::size_t most_patients = 500;  // of one person; more are a fault of linking, and are still shown, as many as these

Result<bool> wants_person(const Exchange& exchange, bool unsaid) {
    const std::string_view said = exchange.parameter("_person");
    if (said.empty()) return unsaid;
    if (said == "true" || said == "false") return said == "true";
    return refuse(IssueCode::value, "_person",
                  "must be true (the records of all Patients that are this person) or false (this Patient's alone)");
}

std::uint64_t hash_of(std::string_view text, std::uint64_t hash) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;  // FNV-1a
    return hash;
}

/// "x", "Patient/x" or ".../Patient/x" → "x"; "" for what names no Patient. `bare`: an id alone means a Patient.
std::string_view patient_in(std::string_view reference, bool bare) {
    const std::size_t slash = reference.rfind('/');
    const std::string_view id = slash == std::string_view::npos ? reference : reference.substr(slash + 1);
    if (!ingest::is_id(id)) return {};
    if (slash == std::string_view::npos) return bare ? id : std::string_view();
    return reference.substr(0, slash).ends_with("Patient") ? id : std::string_view();
}

/// Of "subject", "patient", "subject:Patient": may its values be Patients, and may they be written without a type?
struct Naming {
    bool patients = false, bare = false;
};
Naming naming_of(std::span<const fhir::Type* const> types, std::string_view name) {
    const std::size_t colon = name.find(':');
    const std::string_view code = name.substr(0, colon);
    const std::string_view modifier = colon == std::string_view::npos ? std::string_view() : name.substr(colon + 1);
    if (!modifier.empty() && modifier != "Patient") return {};
    for (const fhir::Type* type : types) {
        const search::Parameter* parameter = search::find_parameter(*type, code);
        if (parameter && parameter->type == search::ParamType::reference)
            return {true, modifier == "Patient" || code == "patient"};
    }
    return {};
}

}  // namespace

std::string Union::print() const {
    std::uint64_t hash = 0xcbf29ce484222325ull;
    for (const std::string& id : ids) hash = hash_of("\n", hash_of(id, hash));
    return fmt::format("{:016x}", hash);
}

Result<Union> union_of(const Exchange& exchange, const std::string& id) {
    Union all{.ids = {id}};
    XINGLIN_TRY(const bool person, wants_person(exchange, true));
    const person::Persons* persons = exchange.house.options.persons;
    if (!persons) return all;
    all.is_whole = person;
    all.enterprise_id = persons->enterprise_of(id);
    if (!person) return all;
    const std::vector<std::string> members = persons->patients(id);
    if (std::find(members.begin(), members.end(), id) == members.end()) return all;  // deleted, or not known yet: alone
    for (const std::string& each : members)
        if (each != id && all.ids.size() < most_patients) all.ids.push_back(each);
    return all;
}

std::string page_of(const Union& all, std::string_view inner) {
    return all.is_whole ? all.print() + '.' + std::string(inner) : std::string(inner);
}

Result<std::string> inner_page(const Union& all, std::string_view page) {
    if (page.empty() || !all.is_whole) return std::string(page);
    const std::size_t dot = page.find('.');
    if (dot != 16) return refuse(IssueCode::value, "_page", "must be taken from a link of the page before");
    if (page.substr(0, dot) != all.print())
        return refuse(IssueCode::conflict, "_page",
                      "records of this person were linked or parted since the first page; begin again without _page");
    return std::string(page.substr(dot + 1));
}

Result<std::vector<std::string>> holders_of(const Exchange& exchange, record::Reader& reader, std::string_view identifier) {
    const std::size_t bar = identifier.find('|');
    if (bar == std::string_view::npos || bar == 0 || bar + 1 == identifier.size())
        return refuse(IssueCode::value, "identifier", "must be system|value");
    if (identifier.substr(0, bar) == enterprise_system) {
        const auto person = exchange.house.options.persons ? exchange.house.options.persons->person(identifier.substr(bar + 1))
                                                           : std::optional<person::Person>();
        std::vector<std::string> ids;
        if (person)
            for (const person::Member& each : person->members)
                if (each.live) ids.push_back(each.id);
        return ids;
    }
    const fhir::Type* const types[] = {fhir::find_resource("Patient")};
    const Parameters parameters{{"identifier", std::string(identifier)}, {"_count", "50"}, {"_total", "none"}};
    XINGLIN_TRY(const search::Query query,
                search::parse(types, parameters, {.offset_minutes = exchange.house.store.offset_minutes()}));
    XINGLIN_TRY(const record::Found found, reader.search(query));
    std::vector<std::string> ids;
    for (const auto& each : found.entries) ids.push_back(each.version.id);
    return ids;
}

Result<std::string> holder_of(const Exchange& exchange, std::string_view identifier) {
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    XINGLIN_TRY(const std::vector<std::string> ids, holders_of(exchange, reader, identifier));
    if (ids.empty()) return refuse(IssueCode::not_found, "identifier", "no Patient has this identifier");
    const person::Persons* persons = exchange.house.options.persons;
    const std::vector<std::string> members = persons ? persons->patients(ids.front()) : std::vector<std::string>();
    for (std::size_t i = 1; i < ids.size(); ++i)
        if (std::find(members.begin(), members.end(), ids[i]) == members.end())
            return refuse(IssueCode::multiple_matches, "identifier",
                          "is told of several persons; ask for one of their Patients by its id");
    return ids.front();
}

Result<Done> widen(const Exchange& exchange, std::span<const fhir::Type* const> types, Parameters& parameters) {
    XINGLIN_TRY(const bool person, wants_person(exchange, false));
    std::erase_if(parameters, [](const auto& pair) { return pair.first == "_person"; });
    if (!person) return Done{};
    const person::Persons* persons = exchange.house.options.persons;
    if (!persons) return refuse(IssueCode::not_supported, "_person", "there is no person index here");
    bool any = false;
    for (auto& [name, value] : parameters) {
        const Naming naming = naming_of(types, name);
        if (!naming.patients) continue;
        std::string wider;
        for (const std::string_view each : text::split(value, ',')) {
            const std::string_view id = patient_in(each, naming.bare);
            std::vector<std::string> members = id.empty() ? std::vector<std::string>() : persons->patients(id);
            any = any || !id.empty();
            if (members.size() > most_patients) members.resize(most_patients);
            wider += (wider.empty() ? "" : ",") + std::string(each);
            for (const std::string& other : members)
                if (other != id) wider += ",Patient/" + other;
        }
        value = std::move(wider);
    }
    if (!any)
        return refuse(IssueCode::value, "_person",
                      "needs a parameter that names a Patient, such as patient=Patient/ID; in Patient/ID/Type leave it out");
    return Done{};
}

}  // namespace xinglin::api
