// SPDX-License-Identifier: Apache-2.0
// create, update, delete and $meta-add/-delete: read the request, hand it to ingest, answer when it is durable.
#include "api/closed.h"
#include "api/exchange.h"
#include "json/json.h"

namespace xinglin::api {
namespace {

/// Answers of writes are made in the record's writer thread: no time for compression there.
void send(const Shared& exchange, http::Response response) {
    response.compress = false;
    exchange->respond(std::move(response));
}
void refuse_with(const Shared& exchange, const Outcome& outcome) { send(exchange, refusal_answer(*exchange, outcome)); }

std::string_view word(ingest::Change::Kind kind) {
    switch (kind) {
        case ingest::Change::Kind::create: return "create";
        case ingest::Change::Kind::update: return "update";
        case ingest::Change::Kind::erase: return "delete";
    }
    return "";
}

http::Response written_answer(const Exchange& exchange, const ingest::Written& written) {
    const std::string address = exchange.base_url + '/' + std::string(written.type->name) + '/' + written.id;
    http::Response response;
    if (written.status == 204) {
        response.status = 204;
        if (written.version > 0) response.headers.add("ETag", "W/\"" + std::to_string(written.version) + "\"");
        if (exchange.wanted != Return::outcome) return response;
        return resource_answer(exchange, 200, operation_outcome({}));
    }
    if (exchange.wanted == Return::minimal) {
        response.status = written.status;
    } else if (exchange.wanted == Return::outcome) {
        response = resource_answer(exchange, written.status, operation_outcome({}));
    } else {
        response = resource_answer(exchange, written.status, written.body);
    }
    response.headers.add("Location", address + "/_history/" + std::to_string(written.version));
    if (written.status == 201) response.headers.add("Content-Location", address + "/_history/" + std::to_string(written.version));
    add_version_headers(response, written.version, written.updated_ms);
    return response;
}

void hand_over(const Shared& exchange, std::shared_ptr<json::Arena> arena, ingest::Change change, std::string patient = {}) {
    const auto kind = change.kind;
    const fhir::Type* type = change.type;
    const std::string id = change.id;
    exchange->house.ingest.write(std::move(arena), std::move(change),
                                 [exchange, kind, type, id, patient](Result<ingest::Written> written) {
                                     if (!written.ok()) {
                                         note(*exchange, {.what = word(kind),
                                                          .type = type,
                                                          .id = id,
                                                          .patient = patient,
                                                          .status = http_status(written.outcome().code()),
                                                          .count = 0});
                                         return refuse_with(exchange, written.outcome());
                                     }
                                     note(*exchange, {.what = word(kind),
                                                      .type = type,
                                                      .id = written->id,
                                                      .patient = written->patient.empty() ? patient : written->patient,
                                                      .status = written->status});
                                     send(exchange, written_answer(*exchange, *written));
                                 });
}

Result<Done> read_preconditions(const Exchange& exchange, ingest::Change& change) {
    if (const auto tag = exchange.request.headers.get("If-Match"); !tag.empty()) {
        change.if_match = ingest::version_of_tag(tag);
        if (!change.if_match) return refuse(IssueCode::precondition, "If-Match", "must be a version tag such as W/\"3\"");
    }
    if (const auto tag = exchange.request.headers.get("If-None-Match"); !tag.empty()) {
        if (tag != "*") return refuse(IssueCode::not_supported, "If-None-Match", "of a write may only be *");
        change.if_none_match_any = true;
    }
    change.want_body = exchange.wanted == Return::unsaid || exchange.wanted == Return::representation;
    return Done{};
}

/// The query string without general parameters, still encoded.
std::string condition_of(const Exchange& exchange) {
    std::string condition;
    for (const auto& [name, value] : exchange.parameters) {
        if (is_general_parameter(name)) continue;
        if (!condition.empty()) condition += '&';
        condition += http::percent_encode(name) + '=' + http::percent_encode(value);
    }
    return condition;
}

Result<ingest::Change> read_change(const Exchange& exchange, ingest::Change::Kind kind, const fhir::Type& type,
                                   const std::string& id, json::Arena& arena) {
    using Kind = ingest::Change::Kind;
    XINGLIN_CHECK(may(exchange.viewer, &type, kind == Kind::create ? 'c' : kind == Kind::update ? 'u' : 'd'));
    ingest::Change change{.kind = kind, .type = &type, .id = id};
    XINGLIN_CHECK(read_preconditions(exchange, change));
    if (kind == Kind::create) {
        XINGLIN_CHECK(only_parameters(exchange, {}));
        change.condition = exchange.request.headers.get("If-None-Exist");
        if (const std::size_t question = change.condition.find('?'); question != std::string::npos)
            change.condition.erase(0, question + 1);
    } else if (id.empty()) {
        change.condition = condition_of(exchange);
        if (change.condition.empty())
            return refuse(IssueCode::invalid, std::string(type.name), "name one resource: by its id, or by search parameters");
    } else {
        XINGLIN_CHECK(only_parameters(exchange, {}));
    }
    change.held = held_to(exchange);
    if (!id.empty()) XINGLIN_CHECK(may_change(exchange, type, id, kind == Kind::erase ? 'd' : 'u'));
    XINGLIN_CHECK(may_change_by(exchange, type, change.condition));
    if (kind != Kind::erase) {
        XINGLIN_TRY(change.resource, read_body(exchange, arena));
        XINGLIN_CHECK(may_write_about(exchange, change.resource));
    }
    return change;
}

void do_change(const Shared& exchange, ingest::Change::Kind kind, const fhir::Type& type, const std::string& id) {
    auto arena = std::make_shared<json::Arena>();
    auto change = read_change(*exchange, kind, type, id, *arena);
    exchange->request.body.clear();
    exchange->request.body.shrink_to_fit();
    if (!change.ok()) return exchange->respond(refusal_answer(*exchange, change.outcome()));
    std::string patient;
    if (kind == ingest::Change::Kind::erase && !id.empty()) {
        const auto present = exchange->house.store.reader(exchange->viewer).read(type, id);
        if (present.ok()) patient = patient_of_body(type, id, present->body);
    }
    hand_over(exchange, std::move(arena), std::move(change).value(), std::move(patient));
}

bool same_coding(json::Value a, json::Value b) {
    return a.find("system").string() == b.find("system").string() && a.find("code").string() == b.find("code").string();
}

/// One list of meta with `given` added or taken away; profiles are strings, tags and labels codings.
json::Value changed_list(json::Value present, json::Value given, bool add, json::Arena& arena) {
    std::vector<json::Value> items;
    const auto same = [](json::Value a, json::Value b) { return a.is_string() ? a.string() == b.string() : same_coding(a, b); };
    const auto has = [&](std::span<const json::Node> list, json::Value item) {
        return std::any_of(list.begin(), list.end(), [&](const json::Node& node) { return same(json::Value(&node), item); });
    };
    for (const json::Node& node : present.items()) {
        if (add || !has(given.items(), json::Value(&node))) items.emplace_back(&node);
    }
    if (add) {
        for (const json::Node& node : given.items()) {
            if (!has(present.items(), json::Value(&node))) items.emplace_back(&node);
        }
    }
    return items.empty() ? json::Value() : arena.array(items);
}

Result<json::Value> given_meta(const Exchange& exchange, json::Arena& arena) {
    XINGLIN_TRY(const json::Value body, read_body(exchange, arena));
    for (const json::Node& item : body.find("parameter").items()) {
        const json::Value parameter(&item);
        if (parameter.find("name").string() == "meta" && parameter.find("valueMeta").is_object())
            return parameter.find("valueMeta");
    }
    return refuse(IssueCode::required, "Parameters.parameter", "needs one named meta with a valueMeta");
}

}  // namespace

void do_create(const Shared& exchange, const fhir::Type& type) { do_change(exchange, ingest::Change::Kind::create, type, ""); }
void do_update(const Shared& exchange, const fhir::Type& type, const std::string& id) {
    do_change(exchange, ingest::Change::Kind::update, type, id);
}
void do_erase(const Shared& exchange, const fhir::Type& type, const std::string& id) {
    do_change(exchange, ingest::Change::Kind::erase, type, id);
}

void do_change_meta(const Shared& exchange, const fhir::Type& type, const std::string& id, bool add) {
    auto arena = std::make_shared<json::Arena>();
    const auto read = [&]() -> Result<ingest::Change> {
        XINGLIN_CHECK(may(exchange->viewer, &type, 'u'));
        XINGLIN_CHECK(only_parameters(*exchange, {}));
        XINGLIN_TRY(const json::Value given, given_meta(*exchange, *arena));
        XINGLIN_TRY(const record::Version found, exchange->house.store.reader(exchange->viewer).read(type, id));
        XINGLIN_TRY(const json::Value resource,
                    json::parse(arena->keep(found.body), *arena, {.depth = 1'000, .bytes = found.body.size() + 1}));
        json::Value meta = resource.find("meta");
        for (const std::string_view list : {"profile", "security", "tag"}) {
            meta = arena->with(meta, list, changed_list(meta.find(list), given.find(list), add, *arena));
        }
        // Someone else's version in between is refused with 412: the client decides anew.
        return ingest::Change{.kind = ingest::Change::Kind::update,
                              .type = &type,
                              .id = id,
                              .resource = arena->with(resource, "meta", meta),
                              .if_match = found.version,
                              .want_body = true,
                              .held = held_to(*exchange)};
    };
    auto change = read();
    if (!change.ok()) return exchange->respond(refusal_answer(*exchange, change.outcome()));
    exchange->house.ingest.write(arena, std::move(change).value(), [exchange, type = &type, id](Result<ingest::Written> written) {
        note(*exchange, {.what = "update",
                         .type = type,
                         .id = id,
                         .detail = "$meta",
                         .status = written.ok() ? 200 : http_status(written.outcome().code())});
        if (!written.ok()) return refuse_with(exchange, written.outcome());
        json::Arena parsed;
        const auto resource = json::parse(written->body, parsed, {.depth = 1'000, .bytes = written->body.size() + 1});
        const std::string meta = resource.ok() ? json::write(resource->find("meta")) : "{}";
        send(exchange,
             resource_answer(*exchange, 200,
                             R"({"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":)" + meta + "}]}"));
    });
}

}  // namespace xinglin::api
