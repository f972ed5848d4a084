// SPDX-License-Identifier: Apache-2.0
// The header of a record: who it is, how to tell, allergies, problems, how much there is.
#include <algorithm>
#include <map>
#include <set>

#include "api/people_json.h"
#include "api/union.h"
#include "json/json.h"
#include "person/person.h"
#include "text/text.h"

namespace xinglin::api {

json::Value parsed(const record::Version& version, json::Arena& arena) {
    auto value = json::parse(version.body, arena, {.depth = 1'000, .bytes = version.body.size() + 1});
    return value.ok() ? *value : json::Value();
}

std::vector<std::string> phone_numbers(json::Value patient) {
    std::vector<std::string> numbers;
    for (const json::Node& node : patient.find("telecom").items()) {
        const json::Value contact(&node);
        const auto system = contact.find("system").string();
        if (system == "phone" || system == "sms" || system.empty()) numbers.emplace_back(contact.find("value").string());
    }
    return numbers;
}

namespace {

/// CodeableConcept in words.
std::string words(json::Value concept_) {
    if (const auto text = concept_.find("text").string(); !text.empty()) return std::string(text);
    for (const json::Node& node : concept_.find("coding").items()) {
        if (const auto display = json::Value(&node).find("display").string(); !display.empty()) return std::string(display);
    }
    return std::string(concept_.find("coding")[std::size_t{0}].find("code").string());
}

/// One Patient of the person.
struct Part {
    record::Version version;
    json::Value patient;
};

/// The identifiers of all Patients, each once; `patient` and `index` are what reveal takes.
std::string identifiers(const std::vector<Part>& parts) {
    std::vector<std::string> all;
    std::set<std::string> seen;
    for (const Part& part : parts) {
        std::size_t index = 0;
        for (const json::Node& node : part.patient.find("identifier").items()) {
            const json::Value identifier(&node);
            const std::size_t at = index++;
            const std::string_view system = identifier.find("system").string(), value = identifier.find("value").string();
            if (!seen.insert(std::string(system) + '|' + std::string(value)).second) continue;
            all.push_back(Object()
                              .text("patient", part.version.id)
                              .number("index", at)
                              .text("type", people::identifier_label(identifier))
                              .text("system", system)
                              .text("masked", text::mask_identifier(value))
                              .finish());
        }
    }
    return list(all);
}

/// `first`: the one that is held true.
std::string phones(const std::vector<Part>& parts, std::string_view first) {
    std::vector<std::string> all;
    std::set<std::string> seen;
    for (const Part& part : parts) {
        std::size_t index = 0;
        for (const std::string& number : phone_numbers(part.patient)) {
            const std::size_t at = index++;
            if (!seen.insert(text::fold(number)).second) continue;
            all.insert(
                number == first ? all.begin() : all.end(),
                Object().text("patient", part.version.id).number("index", at).text("masked", text::mask_phone(number)).finish());
        }
    }
    return list(all);
}

std::vector<record::Version> all_of(record::Reader& reader, std::string_view type, const Union& all) {
    std::vector<record::Version> versions;
    for (const std::string& patient : all.ids) {
        search::Query query;
        query.types = {fhir::find_resource(type)};
        query.compartment_type = "Patient";
        query.compartment_id = patient;
        query.count = 200;
        query.total = search::Total::none;
        auto found = reader.search(query);
        if (!found.ok()) continue;
        for (auto& entry : found->entries) versions.push_back(std::move(entry.version));
    }
    return versions;
}

/// What several sources say of one thing, said once: the first of them, how many say it.
struct Said {
    std::string id, text, when, criticality;
    bool active = true;
    std::uint64_t times = 1;
};
void say(std::vector<Said>& all, Said said) {
    const auto same =
        std::find_if(all.begin(), all.end(), [&](const Said& one) { return one.text == said.text && !one.text.empty(); });
    if (same == all.end()) return all.push_back(std::move(said));
    ++same->times;
    same->active = same->active || said.active;
    if (!said.when.empty() && (same->when.empty() || said.when < same->when)) same->when = said.when;
    if (said.criticality == "high" || same->criticality.empty()) same->criticality = said.criticality;
}

std::string allergies(record::Reader& reader, const Union& union_) {
    std::vector<Said> all;
    for (const record::Version& version : all_of(reader, "AllergyIntolerance", union_)) {
        json::Arena arena;
        const json::Value allergy = parsed(version, arena);
        const auto status = allergy.find("clinicalStatus").find("coding")[std::size_t{0}].find("code").string();
        const auto sure = allergy.find("verificationStatus").find("coding")[std::size_t{0}].find("code").string();
        if (status == "resolved" || status == "inactive" || sure == "refuted" || sure == "entered-in-error") continue;
        say(all, {.id = version.id,
                  .text = words(allergy.find("code")),
                  .when = std::string(allergy.find("recordedDate").string()),
                  .criticality = std::string(allergy.find("criticality").string())});
    }
    std::vector<std::string> rows;
    for (const Said& one : all)
        rows.push_back(Object()
                           .text("id", one.id)
                           .text("text", one.text)
                           .text("criticality", one.criticality)
                           .text("recorded", one.when)
                           .number("times", one.times)
                           .finish());
    return list(rows);
}

std::string problems(record::Reader& reader, const Union& union_) {
    std::vector<Said> all;
    for (const record::Version& version : all_of(reader, "Condition", union_)) {
        json::Arena arena;
        const json::Value condition = parsed(version, arena);
        const auto status = condition.find("clinicalStatus").find("coding")[std::size_t{0}].find("code").string();
        const auto sure = condition.find("verificationStatus").find("coding")[std::size_t{0}].find("code").string();
        if (sure == "refuted" || sure == "entered-in-error") continue;
        std::string_view since = condition.find("onsetDateTime").string();
        if (since.empty()) since = condition.find("onsetPeriod").find("start").string();
        if (since.empty()) since = condition.find("recordedDate").string();
        const bool active = status == "active" || status == "recurrence" || status == "relapse" ||
                            (status.empty() && !condition.find("abatementDateTime"));
        Said said{.id = version.id, .text = words(condition.find("code")), .when = std::string(since), .active = active};
        if (union_.ids.size() > 1) say(all, std::move(said));
        else all.push_back(std::move(said));
    }
    std::stable_sort(all.begin(), all.end(), [](const Said& a, const Said& b) { return a.when > b.when; });
    std::vector<std::string> rows;
    for (const Said& one : all)
        rows.push_back(Object()
                           .text("id", one.id)
                           .text("text", one.text)
                           .text("since", one.when)
                           .flag("active", one.active)
                           .number("times", one.times)
                           .finish());
    return list(rows);
}

/// First and last day of contact: the encounters' starts.
std::pair<std::string, std::string> contact_dates(record::Reader& reader, const Union& all) {
    const fhir::Type* encounter = fhir::find_resource("Encounter");
    const search::Parameter* date = search::find_parameter(*encounter, "date");
    std::string ends[2];
    for (const std::string& patient : all.ids) {
        for (const bool descending : {false, true}) {
            search::Query query;
            query.types = {encounter};
            query.compartment_type = "Patient";
            query.compartment_id = patient;
            query.sort = {{search::Sort::By::parameter, date, descending}};
            query.count = 1;
            query.total = search::Total::none;
            const auto found = reader.search(query);
            if (!found.ok() || found->entries.empty()) continue;
            json::Arena arena;
            std::string day(parsed(found->entries.front().version, arena).find("period").find("start").string().substr(0, 10));
            std::string& end = ends[descending];
            if (!day.empty() && (end.empty() || (descending ? day > end : day < end))) end = std::move(day);
        }
    }
    return {ends[0], ends[1]};
}

std::string counts_of(record::Reader& reader, const Union& all) {
    std::map<std::string_view, std::uint64_t> counts;
    for (const std::string& id : all.ids)
        for (const record::TypeCount& count : reader.patient_counts(id)) counts[count.type->name] += count.count;
    Object object;
    for (const auto& [name, count] : counts) object.number(name, count);
    return object.finish();
}

/// Who tells of the person: each Patient with its source.
std::string records(const Exchange& exchange, const std::vector<Part>& parts) {
    std::vector<std::string> all;
    for (const Part& part : parts) {
        const std::string source = person::source_of(part.patient);
        const auto& senders = exchange.house.options.senders;
        all.push_back(Object()
                          .text("id", part.version.id)
                          .text("source", source)
                          .text("source_name", senders ? senders(source).name : std::string())
                          .text("updated", calendar::instant_text(part.version.updated_ms))
                          .finish());
    }
    return list(all);
}

/// Who the person is, as the head shows it: by one Patient, then by what survives of all.
struct Shown {
    std::string name, sex, birth_date, deceased_at, address, language, marital, ethnicity;
    bool deceased = false;

    explicit Shown(json::Value patient) {
        const people::Person person = people::summary(patient);
        name = person.name;
        sex = person.sex;
        birth_date = person.birth_date;
        address = people::display_address(patient);
        deceased = person.deceased;
        deceased_at = patient.find("deceasedDateTime").string();
        language = words(patient.find("communication")[std::size_t{0}].find("language"));
        marital = words(patient.find("maritalStatus"));
    }
    void take(const person::Survivor& one) {
        for (const auto& [field, to] : {std::pair<std::string_view, std::string*>{"name", &name},
                                        {"sex", &sex},
                                        {"birth_date", &birth_date},
                                        {"address", &address},
                                        {"language", &language},
                                        {"marital", &marital},
                                        {"ethnicity", &ethnicity}})
            if (one.field == field) *to = one.value;
        if (one.field != "deceased") return;
        deceased = true;
        deceased_at = one.value == "true" ? "" : one.value;
    }
};

}  // namespace

Answer people_header(Exchange& exchange, const std::string& id) {
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    const fhir::Type& type = *fhir::find_resource("Patient");
    XINGLIN_TRY(record::Version first, reader.read(type, id));
    XINGLIN_TRY(const Union all, union_of(exchange, id));
    json::Arena arena;
    std::vector<Part> parts;
    for (const std::string& each : all.ids) {
        auto version = each == id ? Result<record::Version>(first) : reader.read(type, each);
        if (!version.ok()) continue;
        const json::Value patient = parsed(*version, arena);
        parts.push_back({std::move(*version), patient});
        note(exchange, {.what = "read", .type = &type, .id = each, .patient = each, .detail = "header"});
    }
    Shown shown(parts.front().patient);
    std::string golden = "[]", number, phone;
    if (exchange.house.options.survivorship && all.is_whole) {
        const std::vector<person::Telling> tellings = person::tellings_of(reader, all.ids, exchange.house.options.senders, arena);
        const std::vector<person::Survivor> survivors = exchange.house.options.survivorship->of(tellings);
        for (const person::Survivor& each : survivors) {
            shown.take(each);
            if (each.field == "identifier") number = each.value;
            if (each.field == "phone") phone = each.value;
        }
        golden = json::write(person::as_json(survivors, tellings, arena));
    }
    // Opened where the address is told; what several sources make together is not opened as one.
    const auto told_by = std::find_if(parts.begin(), parts.end(),
                                      [&](const Part& part) { return people::display_address(part.patient) == shown.address; });
    const auto [first_day, last_day] = contact_dates(reader, all);
    return http::Response::text(200, "application/json; charset=utf-8",
                                Object()
                                    .text("id", id)
                                    .text("enterprise_id", all.enterprise_id)
                                    .raw("records", records(exchange, parts))
                                    .text("name", shown.name)
                                    .text("pinyin", text::has_han(shown.name) ? text::pinyin_display(shown.name) : std::string())
                                    .text("sex", shown.sex)
                                    .text("birth_date", shown.birth_date)
                                    .flag("deceased", shown.deceased)
                                    .text("deceased_at", shown.deceased_at)
                                    .raw("identifiers", identifiers(parts))
                                    .raw("phones", phones(parts, phone))
                                    .text("address", people::masked_address(shown.address))
                                    .text("address_of", told_by == parts.end() ? std::string() : told_by->version.id)
                                    .text("language", shown.language)
                                    .text("ethnicity", shown.ethnicity)
                                    .text("marital", shown.marital)
                                    .raw("golden", golden)
                                    .raw("relatives", relatives_json(exchange, reader, all, number))
                                    .raw("counts", counts_of(reader, all))
                                    .text("first_date", first_day)
                                    .text("last_date", last_day)
                                    .raw("allergies", allergies(reader, all))
                                    .raw("problems", problems(reader, all))
                                    .finish());
}

}  // namespace xinglin::api
