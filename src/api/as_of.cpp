// SPDX-License-Identifier: Apache-2.0
// The record as it was: nothing is stored for it, since versions never change.
#include "api/as_of.h"

#include <charconv>
#include <map>
#include <set>

#include "api/union.h"
#include "json/json.h"

namespace xinglin::api {
namespace {

constexpr std::size_t changed_most = 200'000;  // versions since then that may have left the compartment

/// Did the resource belong to one of the patients, by what it said itself?
bool names_patient(const fhir::Type& type, std::string_view body, const std::vector<std::string>& patients) {
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
            if (by_it && reference.type == "Patient" && search::counts_for(*parameter, reference) &&
                std::find(patients.begin(), patients.end(), reference.id) != patients.end())
                return true;
        }
    }
    return false;
}

/// What these resources lean on and what is in nobody's compartment: practitioners, organizations, places, medications.
std::vector<record::Version> supporting(record::Reader& reader, std::span<const record::Version> versions,
                                        record::Position as_of) {
    constexpr std::string_view mark = "\"reference\":\"";
    std::set<std::string> seen;
    std::vector<record::Version> found;
    for (const record::Version& version : versions) {
        for (std::size_t at = version.body.find(mark); at != std::string::npos; at = version.body.find(mark, at + 1)) {
            const std::size_t start = at + mark.size();
            const std::string reference = version.body.substr(start, version.body.find('"', start) - start);
            const std::size_t slash = reference.find('/');
            const fhir::Type* type = slash == std::string::npos ? nullptr : fhir::find_resource(reference.substr(0, slash));
            if (!type || type->name == "Patient" || !fhir::compartment_parameters("Patient", type->name).empty()) continue;
            if (!seen.insert(reference).second) continue;
            if (auto read = reader.read(*type, reference.substr(slash + 1), as_of); read.ok()) found.push_back(std::move(*read));
        }
    }
    return found;
}

/// One of the Patients was there then; else what is said of the one asked for.
Result<Done> read_any(record::Reader& reader, const Union& all, record::Position as_of) {
    const fhir::Type& type = *fhir::find_resource("Patient");
    auto first = reader.read(type, all.ids.front(), as_of);
    if (first.ok()) return Done{};
    for (std::size_t i = 1; i < all.ids.size(); ++i)
        if (reader.read(type, all.ids[i], as_of).ok()) return Done{};
    return first.outcome();
}

std::uint64_t whole_number(std::string_view text, std::uint64_t otherwise) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return !text.empty() && error == std::errc() && end == text.data() + text.size() ? value : otherwise;
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
    XINGLIN_CHECK(
        only_parameters(exchange, {"_asOf", "_type", "_count", "_page", "_summary", "_elements", "_person", "identifier"}));
    XINGLIN_TRY(const Trim trim, read_trim(exchange));
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    XINGLIN_TRY(const auto asked, read_as_of(exchange, reader));
    const record::Position as_of = *asked;
    const fhir::Type& patient_type = *fhir::find_resource("Patient");
    XINGLIN_TRY(const Union all, union_of(exchange, id));
    XINGLIN_CHECK(read_any(reader, all, as_of));

    std::vector<record::Rid> rids;
    for (const std::string& each : all.ids)
        for (const record::Rid rid : reader.compartment(each)) rids.push_back(rid);
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
    XINGLIN_TRY(const std::string page, inner_page(all, exchange.parameter("_page")));
    const std::uint64_t from = whole_number(page, 0);
    const std::uint64_t size = std::max<std::uint64_t>(1, whole_number(exchange.parameter("_count"), 100'000));
    std::uint64_t count = 0;
    std::vector<record::Version> versions;
    reader.scan(
        {.as_of = as_of, .only = &rids}, [&](const record::Sight& sight) { return !sight.deleted && wanted(*sight.type); },
        [&](const record::Sight& sight, std::string_view body) {
            json::Arena arena;
            const auto resource = json::parse(body, arena, {.depth = 1'000, .bytes = body.size() + 1});
            const std::string own(resource.ok() ? resource->find("id").string() : std::string_view());
            const bool is_theirs = sight.type == &patient_type && std::find(all.ids.begin(), all.ids.end(), own) != all.ids.end();
            if (!is_theirs && !names_patient(*sight.type, body, all.ids)) return true;
            const bool on_page = count >= from && versions.size() < size;
            ++count;
            if (!on_page) return true;
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
    bundle.total(count);
    Parameters said = exchange.parameters;
    std::erase_if(said, [](const auto& pair) {
        return is_general_parameter(pair.first) || pair.first == "_page" || pair.first == "identifier";
    });
    const std::string path = "Patient/" + id + "/$everything";
    bundle.link("self", link_url(exchange, path, said));
    if (from + versions.size() < count)
        bundle.link("next", link_url(exchange, path, said, {{"_page", page_of(all, std::to_string(from + versions.size()))}}));
    for (const record::Version& version : versions) bundle.match(version, false, trim);
    for (const record::Version& version : supporting(reader, versions, as_of)) {
        if (wanted(*version.type)) bundle.match(version, true, trim);
    }
    for (const std::string& each : all.ids)
        note(exchange, {.what = "read",
                        .type = &patient_type,
                        .id = each,
                        .patient = each,
                        .detail = "$everything _asOf",
                        .count = static_cast<std::uint32_t>(versions.size())});
    auto response = resource_answer(exchange, 200, bundle.finish());
    response.headers.add("X-Xinglin-As-Of", std::to_string(as_of));
    return response;
}

Answer answer_timeline(Exchange& exchange, const std::string& id) {
    const fhir::Type& patient_type = *fhir::find_resource("Patient");
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    XINGLIN_CHECK(reader.read(patient_type, id));
    XINGLIN_TRY(const Union all, union_of(exchange, id));
    struct Day {
        std::uint64_t versions = 0;
        record::Position position = 0;
    };
    std::map<std::int64_t, Day> days;
    const std::int64_t zone_ms = exchange.house.store.offset_minutes() * 60'000ll;
    std::int64_t first_ms = INT64_MAX, last_ms = 0;
    const auto add = [&](std::int64_t updated_ms, record::Position position) {
        Day& day = days[(updated_ms + zone_ms) / 86'400'000];  // nothing was written before 1970
        ++day.versions;
        day.position = std::max(day.position, position);
        first_ms = std::min(first_ms, updated_ms);
        last_ms = std::max(last_ms, updated_ms);
    };
    std::vector<record::Rid> rids;
    for (const std::string& each : all.ids)
        for (const record::Rid rid : reader.compartment(each)) rids.push_back(rid);
    std::sort(rids.begin(), rids.end());
    rids.erase(std::unique(rids.begin(), rids.end()), rids.end());
    std::vector<std::pair<const fhir::Type*, std::string>> several;  // resources with more than one version
    reader.scan(
        {.as_of = INT64_MAX, .only = &rids},
        [&](const record::Sight& sight) { return !sight.deleted; },
        [&](const record::Sight& sight, std::string_view body) {  // only what the viewer sees comes here
            if (sight.version == 1) {
                add(sight.updated_ms, sight.position);
                return true;
            }
            json::Arena arena;
            const auto resource = json::parse(body, arena, {.depth = 1'000, .bytes = body.size() + 1});
            if (resource.ok()) several.emplace_back(sight.type, resource->find("id").string());
            return true;
        });
    for (const auto& [type, resource_id] : several) {
        const auto history = reader.history({.type = type, .id = resource_id, .count = 1'000});
        if (!history.ok()) continue;
        for (const record::Version& version : history->versions) add(version.updated_ms, version.position);
    }
    std::string list;
    for (const auto& [number, day] : days) {
        const calendar::Civil date = calendar::civil_from_days(number);
        list += fmt::format(R"({}{{"date":"{:04}-{:02}-{:02}","versions":{},"position":{}}})", list.empty() ? "" : ",", date.year,
                            date.month, date.day, day.versions, day.position);
    }
    note(exchange, {.what = "history", .type = &patient_type, .id = id, .patient = id, .detail = "timeline"});
    const auto instant = [](std::int64_t ms) { return json_text(calendar::instant_text(ms)); };
    auto response = http::Response::text(
        200, "application/json; charset=utf-8",
        fmt::format(R"({{"first_at":{},"last_at":{},"days":[{}]}})", instant(first_ms), instant(last_ms), list));
    response.headers.add("Cache-Control", "private, no-cache");
    return response;
}

}  // namespace xinglin::api
