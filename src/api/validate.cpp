// SPDX-License-Identifier: Apache-2.0
// $validate: what is wrong with a resource, its structure first, then R4's rules and the profiles asked for or claimed.
//
// Source: FHIR R4, OperationDefinition/Resource-validate.
#include <deque>

#include "api/exchange.h"
#include "json/json.h"

namespace xinglin::api {
namespace {

/// What is asked: by query, or by a Parameters resource.
struct Question {
    json::Value resource;
    std::string mode;
    std::vector<std::string> profiles;
};

Result<Question> read_question(const Exchange& exchange, const fhir::Type& type, json::Arena& arena) {
    Question question;
    question.mode = exchange.parameter("mode");
    for (const auto& [name, value] : exchange.parameters) {
        if (name == "profile") question.profiles.push_back(value);
    }
    if (exchange.request.body.find_first_not_of(" \t\r\n") == std::string::npos) return question;
    XINGLIN_TRY(const json::Value body, read_body(exchange, arena));
    if (body.find("resourceType").string() != "Parameters" || type.name == "Parameters") {
        question.resource = body;
        return question;
    }
    for (const json::Node& item : body.find("parameter").items()) {
        const json::Value parameter(&item);
        const std::string_view name = parameter.find("name").string();
        if (name == "resource") {
            question.resource = parameter.find("resource");
            continue;
        }
        std::string_view value;
        for (const std::string_view key : {"valueUri", "valueCanonical", "valueUrl", "valueCode", "valueString"}) {
            if (value.empty()) value = parameter.find(key).string();
        }
        if (name == "profile") question.profiles.emplace_back(value);
        else if (name == "mode") question.mode = value;
        else return refuse(IssueCode::not_supported, "Parameters.parameter", "$validate takes resource, mode and profile");
    }
    return question;
}

/// Resources that references lead to, as far as the viewer may read them.
class Targets {
public:
    explicit Targets(const Exchange& exchange) : exchange_(exchange) {}

    json::Value find(std::string_view reference) {
        if (reference.starts_with(exchange_.base_url + "/")) reference.remove_prefix(exchange_.base_url.size() + 1);
        const std::size_t slash = reference.find('/');
        if (slash == std::string_view::npos || bodies_.size() > most) return {};
        const fhir::Type* type = fhir::find_resource(reference.substr(0, slash));
        std::string_view id = reference.substr(slash + 1);
        id = id.substr(0, id.find('/'));
        if (!type || type->is_abstract || !ingest::is_id(id) || !may(exchange_.viewer, type, 'r').ok()) return {};
        auto found = exchange_.house.store.reader(exchange_.viewer).read(*type, id);
        if (!found.ok() || found->deleted) return {};
        bodies_.push_back(std::move(found->body));
        const auto parsed = json::parse(bodies_.back(), arena_, {.depth = 1'000, .bytes = bodies_.back().size() + 1});
        return parsed.ok() ? *parsed : json::Value();
    }

private:
    static constexpr std::size_t most = 1'000;
    const Exchange& exchange_;
    json::Arena arena_;
    std::deque<std::string> bodies_;
};

Outcome judge(const Exchange& exchange, const Question& question, const fhir::Type& type) {
    Outcome outcome = exchange.house.ingest.check(question.resource);
    if (outcome.ok() && question.resource.find("resourceType").string() != type.name)
        return refuse(IssueCode::invalid, "resourceType", "is not the type in the address");
    const fhir::Type* named = fhir::find_resource(question.resource.find("resourceType").string());
    if (!named || named->is_abstract) return outcome;
    static const profile::Book r4;
    const auto held = exchange.house.options.profiles ? exchange.house.options.profiles() : nullptr;
    const profile::Book& book = held ? *held : r4;
    Targets targets(exchange);
    profile::Ask ask;
    ask.profiles = question.profiles;
    ask.member_of = exchange.house.options.member_of;
    ask.resolve = [&targets](std::string_view reference) { return targets.find(reference); };
    for (Issue& issue : book.check(question.resource, ask).issues) outcome.issues.push_back(std::move(issue));
    if (type.name == "StructureDefinition") {
        if (auto sound = book.test(question.resource); !sound.ok())
            for (const Issue& issue : sound.outcome().issues) outcome.issues.push_back(issue);
    }
    return outcome;
}

}  // namespace

Answer answer_validate(Exchange& exchange, const fhir::Type& type, const std::string& id) {
    XINGLIN_CHECK(only_parameters(exchange, {"mode", "profile", "_language"}));
    json::Arena arena;
    XINGLIN_TRY(Question question, read_question(exchange, type, arena));
    const std::string& mode = question.mode;
    if (!mode.empty() && mode != "create" && mode != "update" && mode != "delete" && mode != "profile")
        return refuse(IssueCode::value, "mode", "must be create, update, delete or profile");
    if (id.empty() && mode == "delete")
        return refuse(IssueCode::required, "mode", "delete needs the address of a resource: Type/id/$validate");
    std::string stored;  // outlives the question
    if (!id.empty() && (!question.resource || mode == "delete")) {
        XINGLIN_CHECK(may(exchange.viewer, &type, 'r'));
        XINGLIN_TRY(record::Version found, exchange.house.store.reader(exchange.viewer).read(type, id));
        note(exchange,
             {.what = "read", .type = &type, .id = id, .patient = patient_of_body(type, id, found.body), .detail = "$validate"});
        if (mode == "delete") return resource_answer(exchange, 200, operation_outcome({}, language_of(exchange)));
        stored = std::move(found.body);
        XINGLIN_TRY(question.resource, json::parse(stored, arena, {.depth = 1'000, .bytes = stored.size() + 1}));
    }
    if (!question.resource) return refuse(IssueCode::required, "Parameters.parameter", "needs one named resource");
    Outcome outcome = judge(exchange, question, type);
    if (mode == "update" && !id.empty() && question.resource.find("id").string() != id) {
        outcome.issues.push_back({Severity::error, IssueCode::invalid, std::string(type.name) + ".id",
                                  "differs from the id in the address, or is missing", "id", "与地址中的编号不同，或未填写"});
    }
    return resource_answer(exchange, 200, operation_outcome(outcome, language_of(exchange)));
}

}  // namespace xinglin::api
