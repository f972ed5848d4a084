// SPDX-License-Identifier: Apache-2.0
// The record as it was: nothing is stored for it, since versions never change.
#include "api/as_of.h"

#include <charconv>

#include "json/json.h"

namespace xinglin::api {
namespace {

constexpr std::size_t changed_most = 200'000;  // versions since then that may have left the compartment

/// Did the resource belong to the patient, by what it said itself?
bool names_patient(const fhir::Type& type, std::string_view body, std::string_view patient) {
    if (body.find("Patient/") == std::string_view::npos) return false;
    json::Arena arena;
    const auto resource = json::parse(body, arena, {.depth = 1'000, .bytes = body.size() + 1});
    if (!resource.ok()) return false;
    search::Entries entries;
    search::extract(type, *resource, 0, entries);
    for (const std::string_view name : fhir::compartment_parameters("Patient", type.name)) {
        const search::Parameter* parameter = search::find_parameter(type, name);
        if (!parameter) continue;
        for (const search::Reference& reference : entries.references) {
            const bool by_it = reference.parameter == parameter ||
                               std::find(parameter->includes.begin(), parameter->includes.end(), reference.parameter) !=
                                   parameter->includes.end();
            if (by_it && reference.type == "Patient" && reference.id == patient && search::counts_for(*parameter, reference))
                return true;
        }
    }
    return false;
}

}  // namespace

Result<std::optional<record::Position>> read_as_of(const Exchange& exchange, record::Reader& reader) {
    const std::string_view text = exchange.parameter("_asOf");
    if (text.empty()) return std::optional<record::Position>();
    const record::Position now = reader.position();
    record::Position position = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
    const bool is_number = error == std::errc() && end == text.data() + text.size();
    if (is_number && (text.size() != 4 || position <= now)) {  // four digits may also be a year
        if (position < 0 || position > now)
            return refuse(IssueCode::value, "_asOf", fmt::format("is in the future: the feed has come to {}", now));
        return std::optional(position);
    }
    const auto moment = calendar::parse_date_time(text, true);
    if (!moment)
        return refuse(IssueCode::value, "_asOf", "must be a feed position, an instant such as 2026-11-22T08:00:00Z, or a date");
    const calendar::Span span = calendar::span_of(*moment, exchange.house.store.offset_minutes());
    if (span.low_ms > exchange.house.clock.now_ms()) return refuse(IssueCode::value, "_asOf", "is in the future");
    return std::optional(reader.position_at(span.high_ms - 1));
}

Answer answer_everything_as_of(Exchange& exchange, const std::string& id) {
    XINGLIN_CHECK(may(exchange.viewer, nullptr, 'r'));
    XINGLIN_CHECK(only_parameters(exchange, {"_asOf", "_type", "_summary", "_elements"}));
    XINGLIN_TRY(const Trim trim, read_trim(exchange));
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    XINGLIN_TRY(const auto asked, read_as_of(exchange, reader));
    const record::Position as_of = *asked;
    const fhir::Type& patient_type = *fhir::find_resource("Patient");
    XINGLIN_CHECK(reader.read(patient_type, id, as_of));

    std::vector<record::Rid> rids = reader.compartment(id);
    const auto changed = reader.changed(as_of, reader.position(), changed_most);
    if (!changed)
        return refuse(IssueCode::too_costly, "_asOf",
                      fmt::format("lies more than {} versions back; ask for single resources or their history", changed_most));
    rids.insert(rids.end(), changed->begin(), changed->end());
    std::sort(rids.begin(), rids.end());
    rids.erase(std::unique(rids.begin(), rids.end()), rids.end());

    const std::string_view types = exchange.parameter("_type");
    const auto wanted = [&](const fhir::Type& type) {
        return types.empty() || ("," + std::string(types) + ",").find("," + std::string(type.name) + ",") != std::string::npos;
    };
    std::vector<record::Version> versions;
    reader.scan(
        {.as_of = as_of, .only = &rids}, [&](const record::Sight& sight) { return !sight.deleted && wanted(*sight.type); },
        [&](const record::Sight& sight, std::string_view body) {
            json::Arena arena;
            const auto resource = json::parse(body, arena, {.depth = 1'000, .bytes = body.size() + 1});
            const std::string own(resource.ok() ? resource->find("id").string() : std::string_view());
            if (sight.type == &patient_type ? own != id && !names_patient(*sight.type, body, id)
                                            : !names_patient(*sight.type, body, id))
                return true;
            record::Version version;
            version.type = sight.type;
            version.id = own;
            version.version = sight.version;
            version.updated_ms = sight.updated_ms;
            version.position = sight.position;
            version.body = std::string(body);
            versions.push_back(std::move(version));
            return true;
        });
    BundleText bundle(exchange, "searchset", exchange.house.clock.now_ms());
    bundle.total(versions.size());
    Parameters said = exchange.parameters;
    std::erase_if(said, [](const auto& pair) { return is_general_parameter(pair.first); });
    bundle.link("self", link_url(exchange, "Patient/" + id + "/$everything", said));
    for (const record::Version& version : versions) bundle.match(version, false, trim);
    note(exchange, {.what = "read",
                    .type = &patient_type,
                    .id = id,
                    .patient = id,
                    .detail = "$everything _asOf",
                    .count = static_cast<std::uint32_t>(versions.size())});
    auto response = resource_answer(exchange, 200, bundle.finish());
    response.headers.add("X-Xinglin-As-Of", std::to_string(as_of));
    return response;
}

}  // namespace xinglin::api
