// SPDX-License-Identifier: Apache-2.0
// Reading what is asked for. Source: Bulk Data Access STU 2, "Query Parameters".
#include <algorithm>

#include "bulk/bulk.h"
#include "text/text.h"

namespace xinglin::bulk {

namespace {

Outcome bad(std::string_view parameter, std::string what) {
    return refuse(IssueCode::invalid, std::string(parameter), std::move(what));
}

bool in_patient_compartment(const fhir::Type& type) {
    return type.name == "Patient" || !fhir::compartment_parameters("Patient", type.name).empty();
}

Result<const fhir::Type*> read_type(std::string_view parameter, std::string_view name, Level level) {
    const fhir::Type* type = fhir::find_resource(name);
    if (!type || type->is_abstract) return bad(parameter, fmt::format("\"{}\" is not a resource type of FHIR R4", name));
    if (level != Level::system && !in_patient_compartment(*type))
        return bad(parameter, fmt::format("{} is in no patient's compartment; ask for it with /$export", name));
    return type;
}

Result<std::int64_t> read_instant(std::string_view parameter, std::string_view written, std::int16_t offset_minutes) {
    const auto moment = calendar::parse_date_time(written, true);
    if (!moment) return bad(parameter, "must be an instant such as 2026-11-22T08:00:00Z");
    return calendar::span_of(*moment, offset_minutes).low_ms;
}

/// _has is answered by reading the type it names beforehand; behind a chain there is nothing to read beforehand.
bool has_behind_chain(const search::Criterion& criterion, bool in_chain = false) {
    using Kind = search::Criterion::Kind;
    if (criterion.kind == Kind::has && in_chain) return true;
    return std::any_of(criterion.inner.begin(), criterion.inner.end(), [&](const search::Criterion& inner) {
        return has_behind_chain(inner, in_chain || criterion.kind == Kind::chain);
    });
}

std::string decoded(std::string_view text) {
    const auto nibble = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && nibble(text[i + 1]) >= 0 && nibble(text[i + 2]) >= 0) {
            out += static_cast<char>(nibble(text[i + 1]) * 16 + nibble(text[i + 2]));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

Result<Order::Filter> read_filter(const std::string& written, Level level, const search::ParseOptions& options) {
    const std::size_t question = written.find('?');
    if (question == std::string::npos) return bad("_typeFilter", "must be a search such as Observation?category=laboratory");
    XINGLIN_TRY(const fhir::Type* type, read_type("_typeFilter", std::string_view(written).substr(0, question), level));
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const std::string_view part : text::split(std::string_view(written).substr(question + 1), '&')) {
        if (part.empty()) continue;
        const std::size_t equals = part.find('=');
        // Only the name's encoding matters here when the value was decoded with the query already: decoding twice is harmless
        // but for a literal '%' or '+', which must then be written encoded twice, as the standard has it.
        pairs.emplace_back(decoded(part.substr(0, equals)),
                           equals == std::string_view::npos ? std::string() : decoded(part.substr(equals + 1)));
    }
    const fhir::Type* const types[] = {type};
    auto query = search::parse(types, pairs, options);
    if (!query.ok()) {
        Outcome outcome = std::move(query).outcome();
        for (Issue& issue : outcome.issues) issue.where = "_typeFilter " + issue.where;
        return outcome;
    }
    if (!query->sort.empty() || !query->includes.empty() || query->count || query->summary != search::Summary::no)
        return bad("_typeFilter", "may only hold conditions, not _sort, _include, _count or _summary");
    if (std::any_of(query->all.begin(), query->all.end(), [](const search::Criterion& each) { return has_behind_chain(each); }))
        return refuse(IssueCode::not_supported, "_typeFilter",
                      "_has behind a chain is not supported here; turn the condition round");
    if (search::needs_codes(*query))
        return refuse(IssueCode::not_supported, "_typeFilter",
                      "asks for a value set or a hierarchy of codes (:in, :below, …); name the codes themselves");
    return Order::Filter{type, written, std::move(query->all)};
}

struct Unoffered {
    std::string_view name, why;
};
constexpr Unoffered unoffered[] = {
    {"includeAssociatedData", "is not offered: export Provenance too (_type) and join by Provenance.target"},
    {"organizeOutputBy", "is not offered: files are by type"},
    {"allowPartialManifests", "is not offered: the manifest comes when all files are there"},
};

constexpr std::string_view formats[] = {"application/fhir+ndjson", "application/fhir ndjson", "application/ndjson", "ndjson"};

class Reading {
public:
    Reading(Order& order, const search::ParseOptions& options) : order_(order), options_(options) {}

    Result<Done> take(const std::string& name, const std::string& value) {
        if (name == "_outputFormat") return format(value);
        if (name == "_compress") return packing(value);
        if (name == "_since" || name == "_until") {
            XINGLIN_TRY(const std::int64_t ms, read_instant(name, value, options_.offset_minutes));
            (name == "_since" ? order_.since_ms : order_.until_ms) = ms;
            return Done{};
        }
        if (name == "_type") return types(value);
        if (name == "_typeFilter") {
            for (const std::string& each : split_filters(value)) {
                XINGLIN_TRY(Order::Filter filter, read_filter(each, order_.level, options_));
                order_.filters.push_back(std::move(filter));
            }
            return Done{};
        }
        if (name == "patient") return patient(value);
        if (name == "_release") return release(value);
        if (name == "_elements") return elements(value);
        if (options_.lenient) return Done{};
        for (const Unoffered& each : unoffered) {
            if (each.name == name) return refuse(IssueCode::not_supported, name, std::string(each.why));
        }
        return refuse(
            IssueCode::not_supported, name,
            "is not a parameter of this export; known are _outputFormat, _since, _until, _type, _typeFilter, _elements, "
            "patient, _compress, _release (or send Prefer: handling=lenient)");
    }

private:
    Result<Done> release(const std::string& value) {
        if (value.empty() || value.size() > 200) return bad("_release", "must say what it is for, in at most 200 bytes");
        order_.release = value;
        return Done{};
    }
    Result<Done> format(const std::string& value) {
        if (std::find(std::begin(formats), std::end(formats), value) == std::end(formats))
            return refuse(IssueCode::not_supported, "_outputFormat", "we write application/fhir+ndjson only");
        return Done{};
    }
    Result<Done> packing(const std::string& value) {
        if (value != "gzip" && value != "none") return bad("_compress", "must be gzip or none");
        order_.packed = value == "gzip";
        return Done{};
    }
    Result<Done> types(const std::string& value) {
        for (const std::string_view name : text::split(value, ',')) {
            auto type = read_type("_type", name, order_.level);
            if (!type.ok() && options_.lenient) continue;
            if (!type.ok()) return std::move(type).outcome();
            if (std::find(order_.types.begin(), order_.types.end(), *type) == order_.types.end()) order_.types.push_back(*type);
        }
        return Done{};
    }
    /// "Patient.birthDate" of one type, "id" of all; only elements of a resource itself, as the guide has it.
    Result<Done> elements(const std::string& value) {
        for (const std::string_view name : text::split(value, ',')) {
            const std::size_t dot = name.find('.');
            const fhir::Type* type = dot == std::string_view::npos ? nullptr : fhir::find_resource(name.substr(0, dot));
            const std::string_view element = name.substr(dot == std::string_view::npos ? 0 : dot + 1);
            const auto has = [&](const fhir::Type* each) {
                return fhir::find_element(*each, element) || fhir::match(*each, element);
            };
            const auto all = fhir::resources();
            const bool known = type ? has(type) : dot == std::string_view::npos && std::any_of(all.begin(), all.end(), has);
            if (!known && options_.lenient) continue;
            if (!known)
                return bad("_elements", fmt::format("\"{}\" is no element of {}; write it as Patient.birthDate or as id", name,
                                                    type ? type->name : "a resource"));
            order_.elements.emplace_back(type, std::string(element));
        }
        return Done{};
    }
    Result<Done> patient(const std::string& value) {
        if (order_.level == Level::system) return bad("patient", "belongs to Patient/$export and Group/ID/$export");
        for (std::string_view each : text::split(value, ',')) {
            if (const std::size_t slash = each.rfind("Patient/"); slash != std::string_view::npos) each = each.substr(slash + 8);
            if (each.empty() || each.size() > 64 || each.find('/') != std::string_view::npos)
                return bad("patient", "must be a reference such as Patient/123");
            order_.patients.emplace_back(each);
        }
        if (order_.patients.size() > 100'000) return bad("patient", "at most 100,000 patients; make a Group of them");
        return Done{};
    }

    Order& order_;
    const search::ParseOptions& options_;
};

}  // namespace

/// "A?x=1,2,B?y=3": a comma begins a new filter only when a type and a question mark follow.
std::vector<std::string> split_filters(std::string_view text) {
    std::vector<std::string> filters;
    for (const std::string_view part : text::split(text, ',')) {
        const std::size_t question = part.find('?');
        const bool begins = question != std::string_view::npos && fhir::find_resource(part.substr(0, question)) != nullptr;
        if (begins || filters.empty()) {
            filters.emplace_back(part);
        } else {
            filters.back().append(",").append(part);
        }
    }
    return filters;
}

std::string_view text(Level level) {
    switch (level) {
        case Level::system: return "system";
        case Level::patient: return "patient";
        case Level::group: return "group";
    }
    return "";
}

bool Order::wants(const fhir::Type& type) const {
    if (!types.empty()) return std::find(types.begin(), types.end(), &type) != types.end();
    return level == Level::system || in_patient_compartment(type);
}

Result<Order> read_order(Level level, std::string_view group, const Parameters& parameters, bool lenient,
                         std::int16_t offset_minutes, std::int64_t now_ms) {
    Order order{.level = level, .group = std::string(group)};
    const search::ParseOptions options{.lenient = lenient, .offset_minutes = offset_minutes, .now_ms = now_ms};
    Reading reading(order, options);
    for (const auto& [name, value] : parameters) {
        if (name == "_format" || name == "_pretty") continue;
        XINGLIN_CHECK(reading.take(name, value));
        order.written.emplace_back(name, value);
    }
    if (order.since_ms && order.until_ms && *order.since_ms >= *order.until_ms) return bad("_until", "must be later than _since");
    for (const Order::Filter& filter : order.filters) {
        if (!order.wants(*filter.type))
            return bad("_typeFilter", fmt::format("filters {}, which _type leaves out", filter.type->name));
    }
    return order;
}

Result<Parameters> parameters_of(json::Value resource) {
    if (resource.find("resourceType").string() != "Parameters")
        return refuse(IssueCode::structure, "body", "expected a Parameters resource");
    Parameters parameters;
    for (const json::Node& node : resource.find("parameter").items()) {
        const json::Value parameter(&node);
        std::string value;
        for (const json::Member& member : parameter.members()) {
            if (!member.key().starts_with("value")) continue;
            value = member.value().is_object() ? member.value().find("reference").string() : member.value().text();
        }
        if (value.empty())
            return refuse(IssueCode::value, "Parameters.parameter",
                          fmt::format("\"{}\" needs a value", parameter.find("name").string()));
        parameters.emplace_back(parameter.find("name").string(), std::move(value));
    }
    return parameters;
}

}  // namespace xinglin::bulk
