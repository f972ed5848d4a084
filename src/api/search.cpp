// SPDX-License-Identifier: Apache-2.0
// Searches of every kind, and $everything.
#include <unordered_set>

#include "api/as_of.h"
#include "api/union.h"
#include "text/text.h"

namespace xinglin::api {
namespace {

/// Takes _type out of the parameters: the types to search in.
Result<std::vector<const fhir::Type*>> take_types(Parameters& parameters) {
    std::vector<const fhir::Type*> types;
    std::optional<Outcome> refused;
    std::erase_if(parameters, [&](const auto& pair) {
        if (pair.first != "_type") return false;
        for (const std::string_view name : text::split(pair.second, ',')) {
            const fhir::Type* type = fhir::find_resource(name);
            if (type && !type->is_abstract) types.push_back(type);
            else refused = refuse(IssueCode::value, "_type", "names something that is not a resource type");
        }
        return true;
    });
    if (refused) return std::move(*refused);
    return types;
}

std::string parameter_names(const Parameters& parameters) {
    std::string names;
    for (const auto& [name, value] : parameters) {
        if (is_general_parameter(name) || name == "_page") continue;
        if (!names.empty()) names += ' ';
        names += name;
    }
    return names;
}

/// Types in a system search that the viewer may search.
Result<Done> restrict_types(const Exchange& exchange, std::vector<const fhir::Type*>& types) {
    if (types.empty() && may(exchange.viewer, nullptr, 's').ok()) return Done{};
    if (types.empty()) {
        for (const fhir::Type* type : fhir::resources()) {
            if (may(exchange.viewer, type, 's').ok()) types.push_back(type);
        }
        if (types.empty()) return refuse(IssueCode::forbidden, "", "your account may not search");
        return Done{};
    }
    for (const fhir::Type* type : types) XINGLIN_CHECK(may(exchange.viewer, type, 's'));
    return Done{};
}

bool shows(const Exchange& exchange, const record::Found::Entry& entry) {
    return !entry.included || may(exchange.viewer, entry.version.type, 'r').ok();
}

void write_entries(const Exchange& exchange, BundleText& bundle, const record::Found& found, const Trim& trim,
                   const Trim& include_trim) {
    for (const auto& entry : found.entries) {
        if (shows(exchange, entry)) bundle.match(entry.version, entry.included, entry.included ? include_trim : trim);
    }
}

/// The steps as /api/v1/explain gives them.
json::Value plan_json(std::span<const record::Step> plan, json::Arena& arena) {
    const auto count = [&](std::uint64_t number) { return arena.number(static_cast<std::int64_t>(number)); };
    constexpr std::uint64_t nobody_knows = std::uint64_t{1} << 60;  // of a range that has not been counted
    std::vector<json::Value> steps;
    for (const record::Step& step : plan) {
        steps.push_back(
            arena.object({{"id", arena.number(std::int64_t{step.id})},
                          {"parent", step.parent < 0 ? arena.null() : arena.number(std::int64_t{step.parent})},
                          {"kind", arena.string(step.kind)},
                          {"words", arena.string(step.words)},
                          {"parameter", step.parameter.empty() ? arena.null() : arena.string(step.parameter)},
                          {"estimate", step.estimate && *step.estimate < nobody_knows ? count(*step.estimate) : arena.null()},
                          {"touched", count(step.touched)},
                          {"kept", count(step.kept)},
                          {"took_ms", arena.number(fmt::format("{:.3f}", step.took_ms))}}));
    }
    return arena.array(steps);
}

void write_remarks(BundleText& bundle, const search::Query& query, const record::Found& found) {
    std::vector<Issue> remarks = query.warnings;
    for (const record::Step& step : found.plan)
        remarks.push_back({Severity::information, IssueCode::informational, "_explain",
                           fmt::format("{}: {} ({} touched, {} kept, {:.3f} ms)", step.kind, step.words, step.touched, step.kept,
                                       step.took_ms)});
    if (remarks.empty()) return;
    json::Arena arena;
    bundle.outcome(remarks, found.plan.empty() ? "" : json::write(plan_json(found.plan, arena)));
}

/// One audit row for each patient seen on the page, at most one hundred, or one for the search.
void note_page(const Exchange& exchange, std::string_view what, const fhir::Type* type, const record::Found& found,
               const std::string& detail) {
    std::vector<std::pair<std::string_view, std::uint32_t>> patients;
    for (const auto& entry : found.entries) {
        const std::string_view patient = patient_of_body(*entry.version.type, entry.version.id, entry.version.body);
        const auto known = std::find_if(patients.begin(), patients.end(), [&](const auto& one) { return one.first == patient; });
        if (known != patients.end()) ++known->second;
        else if (patients.size() < 100) patients.emplace_back(patient, 1);
    }
    if (patients.empty()) patients.emplace_back("", 0);
    for (const auto& [patient, count] : patients)
        note(exchange, {.what = what, .type = type, .patient = patient, .detail = detail, .count = count});
}

std::string search_path(const fhir::Type* type, std::string_view compartment, const std::string& compartment_id) {
    const std::string name = type ? std::string(type->name) : "";
    if (compartment.empty()) return name;
    return std::string(compartment) + '/' + compartment_id + '/' + (type ? name : "*");
}

Result<search::Query> read_query(Exchange& exchange, const fhir::Type* type, std::string_view compartment,
                                 const std::string& compartment_id) {
    Parameters parameters = exchange.parameters;
    std::erase_if(parameters, [](const auto& pair) { return pair.first == "_asOf"; });
    std::vector<const fhir::Type*> types;
    if (type) {
        types = {type};
        XINGLIN_CHECK(may(exchange.viewer, type, 's'));
    } else {
        XINGLIN_TRY(types, take_types(parameters));
        XINGLIN_CHECK(restrict_types(exchange, types));
    }
    XINGLIN_CHECK(widen(exchange, types, parameters));
    XINGLIN_TRY(
        search::Query query,
        search::parse(types, parameters, {.lenient = exchange.lenient, .offset_minutes = exchange.house.store.offset_minutes()}));
    if (!type) {
        if (const auto asked = exchange.parameter("_type"); !asked.empty())
            query.understood.insert(query.understood.begin(), {"_type", std::string(asked)});
    }
    query.compartment_type = compartment;
    query.compartment_id = compartment_id;
    query.count = std::min(query.count.value_or(exchange.house.options.default_count), exchange.house.options.max_count);
    if (*query.count == 0) query.summary = search::Summary::count;
    return query;
}

/// The moment a search is asked for. Links name it by its position, so that all pages show the same state.
Result<std::optional<record::Position>> take_as_of(const Exchange& exchange, record::Reader& reader, search::Query& query) {
    const auto given = [](const auto& pair) { return pair.first == "_asOf" && !pair.second.empty(); };
    if (std::count_if(exchange.parameters.begin(), exchange.parameters.end(), given) > 1)
        return refuse(IssueCode::value, "_asOf", "given twice");
    XINGLIN_TRY(const auto as_of, read_as_of(exchange, reader));
    if (!as_of) return as_of;
    if (*as_of == 0) return refuse(IssueCode::value, "_asOf", "is before the first version of this record");
    query.understood.emplace_back("_asOf", std::to_string(*as_of));
    return as_of;
}

Answer as_of_answer(const Exchange& exchange, std::string body, const std::optional<record::Position>& as_of) {
    auto response = resource_answer(exchange, 200, std::move(body));
    if (as_of) response.headers.add("X-Xinglin-As-Of", std::to_string(*as_of));
    return response;
}

Answer count_answer(Exchange& exchange, const fhir::Type* type, const std::string& path, search::Query& query) {
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    XINGLIN_TRY(const auto as_of, take_as_of(exchange, reader, query));
    XINGLIN_TRY(const record::Found found, reader.search(query, as_of));
    BundleText bundle(exchange, "searchset", exchange.house.clock.now_ms());
    bundle.total(found.total.value_or(0));
    bundle.link("self", link_url(exchange, path, query.understood));
    write_remarks(bundle, query, found);
    note(exchange, {.what = "search", .type = type, .detail = parameter_names(exchange.parameters), .count = 0});
    return as_of_answer(exchange, bundle.finish(), as_of ? std::optional(found.as_of) : as_of);
}

}  // namespace

Answer answer_search(Exchange& exchange, const fhir::Type* type, std::string_view compartment,
                     const std::string& compartment_id) {
    XINGLIN_TRY(search::Query query, read_query(exchange, type, compartment, compartment_id));
    const std::string path = search_path(type, compartment, compartment_id);
    if (query.summary == search::Summary::count) return count_answer(exchange, type, path, query);
    const Trim trim{query.summary, query.elements};
    if (query.summary == search::Summary::text && !query.includes.empty()) {
        return refuse(IssueCode::not_supported, "_summary", "text does not go together with _include and _revinclude");
    }
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    XINGLIN_TRY(const auto as_of, take_as_of(exchange, reader, query));
    XINGLIN_TRY(const record::Found found, reader.search(query, as_of));
    BundleText bundle(exchange, "searchset", exchange.house.clock.now_ms());
    if (found.total) bundle.total(*found.total);
    Parameters unpaged = query.understood;
    std::erase_if(unpaged, [](const auto& pair) { return pair.first == "_page"; });
    bundle.link("self", link_url(exchange, path, unpaged, query.page.empty() ? Parameters{} : Parameters{{"_page", query.page}}));
    if (!query.page.empty()) bundle.link("first", link_url(exchange, path, unpaged));
    if (!found.next.empty()) bundle.link("next", link_url(exchange, path, unpaged, {{"_page", found.next}}));
    if (!found.plan.empty()) write_remarks(bundle, query, found);  // the plan comes first
    write_entries(exchange, bundle, found, trim, Trim{query.summary, {}});
    if (found.plan.empty()) write_remarks(bundle, query, found);
    note_page(exchange, "search", type, found, parameter_names(exchange.parameters));
    return as_of_answer(exchange, bundle.finish(), as_of ? std::optional(found.as_of) : as_of);
}

namespace {

Result<record::EverythingRequest> read_everything(const Exchange& exchange) {
    XINGLIN_CHECK(only_parameters(
        exchange, {"_type", "_since", "start", "end", "_count", "_page", "_summary", "_elements", "_person", "identifier"}));
    record::EverythingRequest request;
    Parameters parameters = exchange.parameters;
    XINGLIN_TRY(request.types, take_types(parameters));
    const std::int16_t zone = exchange.house.store.offset_minutes();
    calendar::Span period{calendar::beginning_ms, calendar::end_of_time_ms};
    for (const auto& [name, value] : parameters) {
        if (value.empty()) continue;
        if (name == "_since" || name == "start" || name == "end") {
            const auto moment = calendar::parse_date_time(value, true);
            if (!moment) return refuse(IssueCode::value, name, "must be a date or an instant");
            const calendar::Span span = calendar::span_of(*moment, zone);
            if (name == "_since") request.since_ms = span.low_ms;
            if (name == "start") period.low_ms = span.low_ms;
            if (name == "end") period.high_ms = span.high_ms;
            if (name != "_since") request.period = period;
        } else if (name == "_count") {
            const auto count = ingest::version_of_tag(value);
            if (!count) return refuse(IssueCode::value, "_count", "must be a whole number above zero");
            request.count = static_cast<std::uint32_t>(std::min<std::int64_t>(*count, 100'000));
        }
    }
    return request;
}

}  // namespace

Answer answer_everything(Exchange& exchange, const std::string& id) {
    XINGLIN_CHECK(may(exchange.viewer, nullptr, 'r'));
    XINGLIN_TRY(const Trim trim, read_trim(exchange));
    XINGLIN_TRY(record::EverythingRequest request, read_everything(exchange));
    XINGLIN_TRY(const Union all, union_of(exchange, id));
    request.patient_id = id;
    request.also.assign(all.ids.begin() + 1, all.ids.end());
    const std::string page(exchange.parameter("_page"));
    XINGLIN_TRY(request.page, inner_page(all, page));
    XINGLIN_TRY(const record::Found found, exchange.house.store.reader(exchange.viewer).everything(request));
    BundleText bundle(exchange, "searchset", exchange.house.clock.now_ms());
    if (found.total) bundle.total(*found.total);
    Parameters asked = exchange.parameters;
    std::erase_if(asked, [](const auto& pair) {
        return is_general_parameter(pair.first) || pair.first == "_page" || pair.first == "identifier";
    });
    const std::string path = "Patient/" + id + "/$everything";
    bundle.link("self", link_url(exchange, path, asked, page.empty() ? Parameters{} : Parameters{{"_page", page}}));
    if (!found.next.empty()) bundle.link("next", link_url(exchange, path, asked, {{"_page", page_of(all, found.next)}}));
    write_entries(exchange, bundle, found, trim, trim);
    for (const std::string& each : all.ids)
        note(exchange, {.what = "read",
                        .type = fhir::find_resource("Patient"),
                        .id = each,
                        .patient = each,
                        .detail = "$everything",
                        .count = static_cast<std::uint32_t>(found.entries.size())});
    auto response = resource_answer(exchange, 200, bundle.finish());
    if (!all.enterprise_id.empty()) response.headers.add("X-Xinglin-Person", all.enterprise_id);
    return response;
}

Answer answer_everything_of(Exchange& exchange) {
    XINGLIN_CHECK(may(exchange.viewer, fhir::find_resource("Patient"), 's'));
    const std::string_view identifier = exchange.parameter("identifier");
    if (identifier.empty())
        return refuse(IssueCode::required, "identifier",
                      fmt::format("whose record? Patient/ID/$everything, or identifier=system|value; enterprise ids have {}",
                                  enterprise_system));
    XINGLIN_TRY(const std::string id, holder_of(exchange, identifier));
    return exchange.parameter("_asOf").empty() ? answer_everything(exchange, id) : answer_everything_as_of(exchange, id);
}

}  // namespace xinglin::api
