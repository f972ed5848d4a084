// SPDX-License-Identifier: Apache-2.0
// /api/v1/people: find a person, the header of a record, revealing what is masked, who looked.
#include <algorithm>
#include <charconv>
#include <chrono>

#include "api/as_of.h"
#include "json/json.h"
#include "text/text.h"

namespace xinglin::api {
namespace {

/// JSON built member by member.
class Object {
public:
    Object& text(std::string_view key, std::string_view value) { return raw(key, json_text(value)); }
    Object& number(std::string_view key, std::uint64_t value) { return raw(key, std::to_string(value)); }
    Object& flag(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
    Object& raw(std::string_view key, std::string_view value) {
        text_ += text_.empty() ? '{' : ',';
        text_ += json_text(key) + ':';
        text_ += value;
        return *this;
    }
    std::string finish() { return (text_.empty() ? "{" : std::move(text_)) + "}"; }

private:
    std::string text_;
};

std::string list(const std::vector<std::string>& items) {
    std::string out = "[";
    for (const std::string& item : items) out += (out.size() > 1 ? "," : "") + item;
    return out + "]";
}

Answer json_answer(std::string body) { return http::Response::text(200, "application/json; charset=utf-8", std::move(body)); }

http::Response error_answer(const Exchange& exchange, const Outcome& outcome, int status = 0) {
    Issue issue;
    for (const Issue& one : outcome.issues) {
        if (one.severity <= Severity::error) {
            issue = one;
            break;
        }
    }
    const std::string error = Object()
                                  .text("code", fhir_code(issue.code))
                                  .text("where", issue.where)
                                  .text("message", issue.what)
                                  .text("trace", exchange.request.trace_id)
                                  .finish();
    auto response = http::Response::text(status ? status : http_status(issue.code), "application/json; charset=utf-8",
                                         Object().raw("error", error).finish());
    if (response.status == 429 || response.status == 503) response.headers.add("Retry-After", "1");
    return response;
}

Result<std::uint32_t> read_count(const Exchange& exchange, std::uint32_t unsaid, std::uint32_t most) {
    const std::string_view text = exchange.parameter("count");
    if (text.empty()) return unsaid;
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size() || count == 0)
        return refuse(IssueCode::value, "count", "must be a whole number above zero");
    return std::min(count, most);
}

std::string person_json(const people::Person& person) {
    return Object()
        .text("id", person.id)
        .text("name", person.name)
        .text("pinyin", person.pinyin)
        .text("sex", person.sex)
        .text("birth_date", person.birth_date)
        .flag("deceased", person.deceased)
        .text("address", person.address)
        .text("identifier", person.identifier)
        .text("phone", person.phone)
        .text("matched", person.matched)
        .finish();
}

Answer find(Exchange& exchange) {
    const auto started = std::chrono::steady_clock::now();
    people::Request request{.q = std::string(exchange.parameter("q")), .after = std::string(exchange.parameter("after"))};
    XINGLIN_TRY(request.count, read_count(exchange, 20, 100));
    XINGLIN_TRY(const people::Page page, exchange.house.people.find(exchange.viewer, request));
    std::vector<std::string> people;
    for (const people::Person& person : page.people) people.push_back(person_json(person));
    note(exchange, {.what = "search",
                    .type = fhir::find_resource("Patient"),
                    .detail = "people",
                    .count = static_cast<std::uint32_t>(people.size())});
    const double took_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count();
    return json_answer(Object()
                           .raw("total", page.total ? std::to_string(*page.total) : "null")
                           .raw("took_ms", fmt::format("{:.2f}", took_ms))
                           .number("population", page.population)
                           .raw("people", list(people))
                           .raw("next", page.next.empty() ? "null" : json_text(page.next))
                           .finish());
}

json::Value parsed(const record::Version& version, json::Arena& arena) {
    auto value = json::parse(version.body, arena, {.depth = 1'000, .bytes = version.body.size() + 1});
    return value.ok() ? *value : json::Value();
}

/// CodeableConcept in words.
std::string words(json::Value concept_) {
    if (const auto text = concept_.find("text").string(); !text.empty()) return std::string(text);
    for (const json::Node& node : concept_.find("coding").items()) {
        if (const auto display = json::Value(&node).find("display").string(); !display.empty()) return std::string(display);
    }
    return std::string(concept_.find("coding")[std::size_t{0}].find("code").string());
}

std::string identifiers(json::Value patient) {
    std::vector<std::string> all;
    std::size_t index = 0;
    for (const json::Node& node : patient.find("identifier").items()) {
        const json::Value identifier(&node);
        all.push_back(Object()
                          .number("index", index++)
                          .text("type", people::identifier_label(identifier))
                          .text("system", identifier.find("system").string())
                          .text("masked", text::mask_identifier(identifier.find("value").string()))
                          .finish());
    }
    return list(all);
}

/// Telephone numbers of Patient.telecom, in order: what `index` counts.
std::vector<std::string> phone_numbers(json::Value patient) {
    std::vector<std::string> numbers;
    for (const json::Node& node : patient.find("telecom").items()) {
        const json::Value contact(&node);
        const auto system = contact.find("system").string();
        if (system == "phone" || system == "sms" || system.empty()) numbers.emplace_back(contact.find("value").string());
    }
    return numbers;
}

std::string phones(json::Value patient) {
    std::vector<std::string> all;
    for (const std::string& number : phone_numbers(patient)) {
        all.push_back(Object().number("index", all.size()).text("masked", text::mask_phone(number)).finish());
    }
    return list(all);
}

std::vector<record::Version> all_of(record::Reader& reader, std::string_view type, const std::string& patient) {
    search::Query query;
    query.types = {fhir::find_resource(type)};
    query.compartment_type = "Patient";
    query.compartment_id = patient;
    query.count = 200;
    query.total = search::Total::none;
    std::vector<record::Version> all;
    auto found = reader.search(query);
    if (!found.ok()) return all;
    for (auto& entry : found->entries) all.push_back(std::move(entry.version));
    return all;
}

std::string allergies(record::Reader& reader, const std::string& patient) {
    std::vector<std::string> all;
    for (const record::Version& version : all_of(reader, "AllergyIntolerance", patient)) {
        json::Arena arena;
        const json::Value allergy = parsed(version, arena);
        const auto status = allergy.find("clinicalStatus").find("coding")[std::size_t{0}].find("code").string();
        const auto sure = allergy.find("verificationStatus").find("coding")[std::size_t{0}].find("code").string();
        if (status == "resolved" || status == "inactive" || sure == "refuted" || sure == "entered-in-error") continue;
        all.push_back(Object()
                          .text("id", version.id)
                          .text("text", words(allergy.find("code")))
                          .text("criticality", allergy.find("criticality").string())
                          .text("recorded", allergy.find("recordedDate").string())
                          .finish());
    }
    return list(all);
}

std::string problems(record::Reader& reader, const std::string& patient) {
    std::vector<std::pair<std::string, std::string>> all;  // since, JSON
    for (const record::Version& version : all_of(reader, "Condition", patient)) {
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
        all.emplace_back(since, Object()
                                    .text("id", version.id)
                                    .text("text", words(condition.find("code")))
                                    .text("since", since)
                                    .flag("active", active)
                                    .finish());
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<std::string> in_order;
    for (auto& [since, text] : all) in_order.push_back(std::move(text));
    return list(in_order);
}

/// First and last day of contact: the encounters' starts.
std::pair<std::string, std::string> contact_dates(record::Reader& reader, const std::string& patient) {
    const fhir::Type* encounter = fhir::find_resource("Encounter");
    const search::Parameter* date = search::find_parameter(*encounter, "date");
    std::string ends[2];
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
        ends[descending] = parsed(found->entries.front().version, arena).find("period").find("start").string().substr(0, 10);
    }
    return {ends[0], ends[1]};
}

Answer header(Exchange& exchange, const std::string& id) {
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    XINGLIN_TRY(const record::Version version, reader.read(*fhir::find_resource("Patient"), id));
    json::Arena arena;
    const json::Value patient = parsed(version, arena);
    const people::Person person = people::summary(patient);
    Object counts;
    for (const record::TypeCount& count : reader.patient_counts(id)) counts.number(count.type->name, count.count);
    const auto [first, last] = contact_dates(reader, id);
    const json::Value language = patient.find("communication")[std::size_t{0}].find("language");
    note(exchange, {.what = "read", .type = version.type, .id = id, .patient = id, .detail = "header"});
    return json_answer(Object()
                           .text("id", id)
                           .text("name", person.name)
                           .text("pinyin", person.pinyin)
                           .text("sex", person.sex)
                           .text("birth_date", person.birth_date)
                           .flag("deceased", person.deceased)
                           .text("deceased_at", patient.find("deceasedDateTime").string())
                           .raw("identifiers", identifiers(patient))
                           .raw("phones", phones(patient))
                           .text("address", person.address)
                           .text("language", words(language))
                           .text("marital", words(patient.find("maritalStatus")))
                           .raw("counts", counts.finish())
                           .text("first_date", first)
                           .text("last_date", last)
                           .raw("allergies", allergies(reader, id))
                           .raw("problems", problems(reader, id))
                           .finish());
}

Answer reveal(Exchange& exchange, const std::string& id) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value asked, json::parse(exchange.request.body, arena, {.depth = 10, .bytes = 10'000}));
    const std::string_view field = asked.find("field").string();
    std::size_t index = 0;
    const std::string_view digits = asked.find("index").text();
    std::from_chars(digits.data(), digits.data() + digits.size(), index);
    XINGLIN_TRY(const record::Version version,
                exchange.house.store.reader(exchange.viewer).read(*fhir::find_resource("Patient"), id));
    const json::Value patient = parsed(version, arena);
    std::optional<std::string> value;
    if (field == "identifier" && index < patient.find("identifier").size())
        value = patient.find("identifier")[index].find("value").string();
    if (field == "phone") {
        const auto numbers = phone_numbers(patient);
        if (index < numbers.size()) value = numbers[index];
    }
    if (!value) return refuse(IssueCode::not_found, "field", "this person has no such identifier or phone");
    note(exchange, {.what = "reveal",
                    .type = version.type,
                    .id = id,
                    .patient = id,
                    .detail = std::string(field) + ' ' + std::to_string(index)});
    return json_answer(Object().text("value", *value).finish());
}

Answer accesses(Exchange& exchange, const std::string& id) {
    XINGLIN_TRY(const std::uint32_t count, read_count(exchange, 20, 1'000));
    exchange.house.audit.flush();
    const access::Audit::Page page = exchange.house.audit.of_patient(id, count);
    std::vector<std::string> rows;
    for (const access::Access& one : page.accesses) {
        rows.push_back(Object()
                           .text("at", calendar::instant_text(one.at_ms))
                           .text("who", one.who)
                           .text("role", one.role)
                           .text("what", one.what)
                           .text("type", one.type)
                           .text("purpose", one.purpose)
                           .finish());
    }
    return json_answer(Object().number("total", page.total).raw("accesses", list(rows)).finish());
}

Answer printed(Exchange& exchange, const std::string& id) {
    const fhir::Type* type = fhir::find_resource("Patient");
    XINGLIN_CHECK(exchange.house.store.reader(exchange.viewer).read(*type, id));
    note(exchange, {.what = "print", .type = type, .id = id, .patient = id});
    http::Response response;
    response.status = 204;
    return response;
}

Answer answer_people(Exchange& exchange) {
    const auto& path = exchange.path;
    const bool is_post = exchange.request.method == "POST";
    const std::string_view word = path.size() > 1 ? std::string_view(path[1]) : std::string_view();
    // An auditor may see who looked at a record, not the record.
    if (word != "accesses" || exchange.viewer.role != access::Role::auditor)
        XINGLIN_CHECK(may(exchange.viewer, fhir::find_resource("Patient"), path.empty() ? 's' : 'r'));
    if (path.empty() && exchange.is_get()) return find(exchange);
    if (!path.empty() && !ingest::is_id(path[0])) return refuse(IssueCode::not_found, "id", "there is no such person");
    if (path.size() == 1 && exchange.is_get()) return header(exchange, path[0]);
    if (path.size() == 2 && word == "reveal" && is_post) return reveal(exchange, path[0]);
    if (path.size() == 2 && word == "printed" && is_post) return printed(exchange, path[0]);
    if (path.size() == 2 && word == "timeline" && exchange.is_get()) return answer_timeline(exchange, path[0]);
    if (path.size() == 2 && word == "accesses" && exchange.is_get()) return accesses(exchange, path[0]);
    return refuse(IssueCode::not_found, exchange.request.path, "there is nothing at this address, or not with this method");
}

}  // namespace

void route_people(Exchange& exchange) {
    exchange.request.headers.set("Accept", "application/json");
    if (auto agreed = negotiate(exchange, "/api/v1/people"); !agreed.ok())
        return exchange.respond(error_answer(exchange, agreed.outcome()));
    Answer answer = answer_people(exchange);
    exchange.respond(answer.ok() ? std::move(answer).value() : error_answer(exchange, answer.outcome()));
}

}  // namespace xinglin::api
