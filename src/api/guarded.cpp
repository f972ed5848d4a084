// SPDX-License-Identifier: Apache-2.0
// Writing by who does not see everything: what is not seen is not changed, and a condition does not tell what it matched.
#include <algorithm>
#include <set>

#include "api/closed.h"
#include "api/exchange.h"
#include "http/http.h"
#include "ingest/ingest.h"
#include "record/guard.h"
#include "text/text.h"

namespace xinglin::api {

namespace {

/// Does the condition match the same with the viewer's eyes as with everybody's?
Result<Done> may_ask(const Exchange& exchange, const fhir::Type& type, std::string_view condition) {
    std::vector<std::pair<std::string, std::string>> parameters;
    for (const std::string_view part : text::split(condition, '&')) {
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) continue;
        parameters.emplace_back(http::percent_decode(part.substr(0, equals), true).value_or(""),
                                http::percent_decode(part.substr(equals + 1), true).value_or(""));
    }
    const fhir::Type* const types[] = {&type};
    auto query = search::parse(types, parameters, {.offset_minutes = exchange.house.store.offset_minutes()});
    if (!query.ok()) return Done{};  // said better where it is carried out
    XINGLIN_TRY(const std::uint64_t seen, exchange.house.store.reader(exchange.viewer).count(*query));
    XINGLIN_TRY(const std::uint64_t there, exchange.house.store.reader(access::Viewer::program("condition")).count(*query));
    if (seen == there) return Done{};
    return refuse(IssueCode::forbidden, "condition",
                  "cannot be decided with what your account may see; name the resource by its id");
}

Result<Done> may_write_entry(const Exchange& exchange, json::Value request) {
    const std::string_view method = request["method"].string();
    std::string_view url = request["url"].string();
    if (method == "GET" || method == "HEAD" || ingest::is_operation_address(url)) return Done{};
    if (!exchange.base_url.empty() && url.starts_with(exchange.base_url + "/")) url.remove_prefix(exchange.base_url.size() + 1);
    if (url.starts_with('/')) url.remove_prefix(1);
    const std::size_t end = url.find_first_of("/?");
    const fhir::Type* type = fhir::find_resource(url.substr(0, end));
    if (!type) return Done{};
    if (const std::string_view condition = request["ifNoneExist"].string(); !condition.empty())
        XINGLIN_CHECK(may_ask(exchange, *type, condition.substr(condition.find('?') + 1)));
    if (end == std::string_view::npos) return Done{};
    if (url[end] == '?') return may_ask(exchange, *type, url.substr(end + 1));
    const std::string_view id = url.substr(end + 1);
    return may_change(exchange, *type, id.substr(0, id.find_first_of("/?")), method == "DELETE" ? 'd' : 'u');
}

/// Ids of Patients that a resource refers to, at any depth.
void add_patients(const Exchange& exchange, json::Value value, std::set<std::string, std::less<>>& ids) {
    if (value.is_array()) {
        for (const json::Node& node : value.items()) add_patients(exchange, json::Value(&node), ids);
        return;
    }
    for (const json::Member& member : value.members()) {
        if (!member.value().is_primitive()) add_patients(exchange, member.value(), ids);
        if (member.key() != "reference" && member.key() != "uri" && member.key() != "valueUri") continue;
        std::string_view reference = member.value().string();
        if (!exchange.base_url.empty() && reference.starts_with(exchange.base_url + "/"))
            reference.remove_prefix(exchange.base_url.size() + 1);
        constexpr std::string_view patient = "Patient/";
        if (!reference.starts_with(patient)) continue;
        reference.remove_prefix(patient.size());
        ids.emplace(reference.substr(0, reference.find('/')));
    }
}

/// A reference by a condition is looked up with everybody's eyes: only where the viewer's find the same.
Result<Done> may_look_up(const Exchange& exchange, json::Value value) {
    if (value.is_array()) {
        for (const json::Node& node : value.items()) XINGLIN_CHECK(may_look_up(exchange, json::Value(&node)));
        return Done{};
    }
    for (const json::Member& member : value.members()) {
        if (!member.value().is_primitive()) XINGLIN_CHECK(may_look_up(exchange, member.value()));
        const std::string_view reference = member.key() == "reference" ? member.value().string() : std::string_view();
        const std::size_t mark = reference.find('?');
        if (mark == std::string_view::npos) continue;
        const fhir::Type* type = fhir::find_resource(reference.substr(0, mark));
        if (!exchange.viewer.guard->limited || !type)
            return refuse(IssueCode::forbidden, "reference",
                          "your account may not look up references by a condition; name them by id");
        XINGLIN_CHECK(may_ask(exchange, *type, reference.substr(mark + 1)));
    }
    return Done{};
}

/// The viewer, by the rules alone.
access::Viewer unscoped(const Exchange& exchange) {
    access::Viewer viewer = exchange.viewer;
    auto rules = std::make_shared<record::Guard>(*exchange.viewer.guard);
    rules->limited = false;
    viewer.guard = std::move(rules);
    return viewer;
}

Outcome out_of_scope(const fhir::Type& type) {
    return refuse(IssueCode::forbidden, std::string(type.name), "is not what the conditions of your token let it write");
}

}  // namespace

Result<Done> may_write_about(const Exchange& exchange, json::Value resource) {
    if (!exchange.viewer.guard || exchange.viewer.role == access::Role::system) return Done{};
    std::set<std::string, std::less<>> ids;
    add_patients(exchange, resource, ids);
    if (ids.empty()) return Done{};
    auto reader = exchange.house.store.reader(unscoped(exchange));
    for (const std::string& id : ids) {
        const auto decision = reader.decide(*fhir::find_resource("Patient"), id);
        if (decision.exists && !decision.permit)
            return refuse(IssueCode::forbidden, "reference",
                          "the record of a patient named here is closed to you; scan the resident's card, or in an emergency "
                          "open it with a reason");
    }
    return Done{};
}

Result<Done> may_change(const Exchange& exchange, const fhir::Type& type, std::string_view id, char action) {
    if (!exchange.viewer.guard) return Done{};
    record::Reader reader = exchange.house.store.reader(unscoped(exchange));
    const auto decision = reader.decide(type, id);
    if (!decision.exists) return Done{};
    if (!decision.permit)
        return refuse(IssueCode::forbidden, std::string(type.name), "your account may not change this resource");
    const ingest::Held held = held_to(exchange);
    const auto present = held ? reader.read(type, id) : Result<record::Version>(record::Version{});
    if (!held || !present.ok()) return Done{};
    json::Arena arena;
    XINGLIN_TRY(const json::Value resource,
                json::parse(present->body, arena, {.depth = 1'000, .bytes = present->body.size() + 1}));
    return held(type, resource, action, present->updated_ms);
}

ingest::Held held_to(const Exchange& exchange) {
    const auto& guard = exchange.viewer.guard;
    const auto has_conditions = [](const record::GuardGrant& grant) {
        return grant.actions.find_first_of("cud") != std::string::npos && (!grant.all.empty() || !grant.patient.empty());
    };
    if (!guard || !guard->limited || std::none_of(guard->grants.begin(), guard->grants.end(), has_conditions)) return {};
    return [guard, &clock = exchange.house.clock, offset = exchange.house.store.offset_minutes()](
               const fhir::Type& type, json::Value resource, char action, std::int64_t updated_ms) -> Result<Done> {
        if (record::is_granted(*guard, type, resource, action, offset, updated_ms == 0 ? clock.now_ms() : updated_ms))
            return Done{};
        return out_of_scope(type);
    };
}

Result<Done> may_change_by(const Exchange& exchange, const fhir::Type& type, std::string_view condition) {
    return exchange.viewer.guard && !condition.empty() ? may_ask(exchange, type, condition) : Result<Done>(Done{});
}

Result<Done> may_change_all(const Exchange& exchange, json::Value bundle) {
    if (!exchange.viewer.guard) return Done{};
    for (const json::Node& node : bundle["entry"].items()) {
        const json::Value entry(&node);
        XINGLIN_CHECK(may_write_entry(exchange, entry["request"]));
        XINGLIN_CHECK(may_write_about(exchange, entry["resource"]));
        XINGLIN_CHECK(may_look_up(exchange, entry["resource"]));
    }
    return Done{};
}

}  // namespace xinglin::api
