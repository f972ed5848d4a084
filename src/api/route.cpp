// SPDX-License-Identifier: Apache-2.0
// Which interaction a request means.
#include "access/audit.h"
#include "api/as_of.h"
#include "api/operation.h"
#include "sql/sql.h"

namespace xinglin::api {
namespace {

void wrong_method(Exchange& exchange, std::string_view allowed) {
    auto response = refusal_answer(
        exchange, refuse(IssueCode::not_supported, "method", "is not for this address; use " + std::string(allowed)));
    response.headers.add("Allow", std::string(allowed));
    exchange.respond(std::move(response));
}

void no_such_address(Exchange& exchange) {
    exchange.respond(
        refusal_answer(exchange, refuse(IssueCode::not_found, exchange.request.path, "there is nothing at this address")));
}

/// True when the last segment names an operation, which then has been answered.
bool route_operation(const Shared& exchange) {
    const auto& path = exchange->path;
    if (path.empty() || path.size() > 3 || !path.back().starts_with('$')) return false;
    const auto level = path.size() == 1 ? Operation::on_system : path.size() == 2 ? Operation::on_type : Operation::on_instance;
    const std::string_view type = level == Operation::on_system ? std::string_view() : std::string_view(path[0]);
    const std::string id = level == Operation::on_instance ? path[1] : std::string();
    const Operation* operation = find_operation(type, level, path.back());
    const fhir::Type* known = fhir::find_resource(type);
    const bool exists =
        operation && (level == Operation::on_system || (known && !known->is_abstract) || type == "ViewDefinition");
    if (!exists || (level == Operation::on_instance && type != "ViewDefinition" && !ingest::is_id(id))) {
        no_such_address(*exchange);
        return true;
    }
    if (operation->methods.find(exchange->request.method) == std::string_view::npos) {
        wrong_method(*exchange, operation->methods);
    } else {
        operation->act(exchange, level == Operation::on_system ? nullptr : known, id);
    }
    return true;
}

/// /fhir, /fhir/metadata, /fhir/_history, /fhir/_search
void route_system(const Shared& exchange) {
    const std::string& method = exchange->request.method;
    const std::string_view word = exchange->path.empty() ? std::string_view() : std::string_view(exchange->path[0]);
    if (word == "metadata")
        return exchange->is_get() ? send(*exchange, answer_capabilities(*exchange)) : wrong_method(*exchange, "GET, HEAD");
    if (word == "_history")
        return exchange->is_get() ? send(*exchange, answer_history(*exchange, nullptr, ""))
                                  : wrong_method(*exchange, "GET, HEAD");
    if (word == "_search")
        return method == "POST" ? send(*exchange, answer_search(*exchange, nullptr)) : wrong_method(*exchange, "POST");
    if (method == "POST") return do_bundle(exchange);
    return exchange->is_get() ? send(*exchange, answer_search(*exchange, nullptr)) : wrong_method(*exchange, "GET, HEAD, POST");
}

void route_type(const Shared& exchange, const fhir::Type& type) {
    const std::string& method = exchange->request.method;
    if (exchange->is_get()) return send(*exchange, answer_search(*exchange, &type));
    if (method == "POST") return do_create(exchange, type);
    if (method == "PUT") return do_update(exchange, type, "");
    if (method == "PATCH") return do_patch(exchange, type, "");
    if (method == "DELETE") return do_erase(exchange, type, "");
    wrong_method(*exchange, "GET, HEAD, POST, PUT, PATCH, DELETE");
}

/// Type/_search, Type/_history, Type/id
void route_second(const Shared& exchange, const fhir::Type& type) {
    const std::string& method = exchange->request.method;
    const std::string& word = exchange->path[1];
    if (word == "_search")
        return method == "POST" ? send(*exchange, answer_search(*exchange, &type)) : wrong_method(*exchange, "POST");
    if (word == "_history")
        return exchange->is_get() ? send(*exchange, answer_history(*exchange, &type, "")) : wrong_method(*exchange, "GET, HEAD");
    if (!ingest::is_id(word)) return no_such_address(*exchange);
    if (exchange->is_get()) return send(*exchange, answer_read(*exchange, type, word));
    if (method == "PUT") return do_update(exchange, type, word);
    if (method == "PATCH") return do_patch(exchange, type, word);
    if (method == "DELETE") return do_erase(exchange, type, word);
    wrong_method(*exchange, "GET, HEAD, PUT, PATCH, DELETE");
}

/// Type/id/_history[/v], Compartment/id/Type
void route_third(const Shared& exchange, const fhir::Type& type) {
    const std::string& id = exchange->path[1];
    const std::string& word = exchange->path[2];
    const std::size_t size = exchange->path.size();
    const bool is_post = exchange->request.method == "POST";
    if (!ingest::is_id(id)) return no_such_address(*exchange);
    if (word == "_history" && size <= 4) {
        if (!exchange->is_get()) return wrong_method(*exchange, "GET, HEAD");
        return send(*exchange,
                    size == 3 ? answer_history(*exchange, &type, id) : answer_vread(*exchange, type, id, exchange->path[3]));
    }
    const auto compartments = fhir::compartments();
    const bool is_compartment = std::find(compartments.begin(), compartments.end(), type.name) != compartments.end();
    const fhir::Type* inner = word == "*" ? nullptr : fhir::find_resource(word);
    const bool by_post = size == 4 && exchange->path[3] == "_search";
    if (!is_compartment || (word != "*" && (!inner || inner->is_abstract)) || (size > 3 && !by_post))
        return no_such_address(*exchange);
    if (by_post ? !is_post : !exchange->is_get()) return wrong_method(*exchange, by_post ? "POST" : "GET, HEAD");
    send(*exchange, answer_search(*exchange, inner, type.name, id));
}

}  // namespace

void route_fhir(const Shared& exchange) {
    if (route_operation(exchange)) return;
    const auto& path = exchange->path;
    if (!path.empty() && path[0] == "bulk") return route_bulk(*exchange);
    if (path.empty() || path[0] == "metadata" || path[0] == "_history" || path[0] == "_search") {
        return path.size() <= 1 ? route_system(exchange) : no_such_address(*exchange);
    }
    const fhir::Type* type = fhir::find_resource(path[0]);
    if (!type || type->is_abstract) {
        return exchange->respond(
            refusal_answer(*exchange, refuse(IssueCode::not_found, exchange->path[0], "is not a resource type of FHIR R4")));
    }
    if (path.size() == 1) return route_type(exchange, *type);
    if (path.size() == 2) return route_second(exchange, *type);
    route_third(exchange, *type);
}

Api::Api(record::Store& store, access::Audit& audit, ingest::Ingest& ingest, people::People& people, const calendar::Clock& clock,
         Options options)
    : inside_(new Inside{store, audit, ingest, people, clock, std::move(options), {}, {}}) {
    if (inside_->options.started_ms == 0) inside_->options.started_ms = clock.now_ms();
}
Api::~Api() = default;

bool Api::open_to_all(const http::Request& request) { return request.path == "/fhir/metadata"; }

bool Api::quick(const http::Request& request) const {
    if (request.method != "GET" || !request.path.starts_with("/fhir/") || !request.query.empty()) return false;
    const std::string_view rest = std::string_view(request.path).substr(6);
    const std::size_t slash = rest.find('/');
    return slash != std::string_view::npos && rest.find('/', slash + 1) == std::string_view::npos && rest[slash + 1] != '_' &&
           rest[slash + 1] != '$';
}

void Api::handle(http::Request request, const access::Viewer& viewer, http::Respond respond) {
    auto exchange = std::make_shared<Exchange>(
        Exchange{.house = *inside_, .request = std::move(request), .viewer = viewer, .respond = std::move(respond)});
    const bool is_people = exchange->request.path.starts_with("/api/v1/people");
    try {
        if (is_people) return route_people(*exchange);
        if (auto agreed = negotiate(*exchange, "/fhir"); !agreed.ok())
            return exchange->respond(refusal_answer(*exchange, agreed.outcome()));
        route_fhir(exchange);
    } catch (const sql::Broken& broken) {
        if (broken.why == sql::Broken::Why::corrupt)
            return exchange->respond(refusal(refuse(IssueCode::exception, "",
                                                    std::string("the record is damaged here and not shown: ") + broken.what() +
                                                        "; the operator runs `xinglin verify` and restores a backup")));
        exchange->respond(
            refusal(refuse(IssueCode::transient, "", std::string("the record cannot be reached at present: ") + broken.what())));
    } catch (const std::exception& failure) {
        exchange->respond(refusal(refuse(IssueCode::exception, "", std::string("this was our fault: ") + failure.what())));
    }
}

}  // namespace xinglin::api
