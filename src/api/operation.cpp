// SPDX-License-Identifier: Apache-2.0
// The table of operations.
#include "api/operation.h"

#include "api/as_of.h"

namespace xinglin::api {
namespace {

constexpr Operation about_the_record[] = {
    {"$validate", "*", Operation::on_type | Operation::on_instance, "POST",
     "http://hl7.org/fhir/OperationDefinition/Resource-validate",
     [](const Shared& exchange, const fhir::Type* type, const std::string& id) {
         send(*exchange, answer_validate(*exchange, *type, id));
     }},
    {"$meta", "*", Operation::on_instance, "GET, HEAD", "http://hl7.org/fhir/OperationDefinition/Resource-meta",
     [](const Shared& exchange, const fhir::Type* type, const std::string& id) {
         send(*exchange, answer_meta(*exchange, *type, id));
     }},
    {"$meta-add", "*", Operation::on_instance, "POST", "http://hl7.org/fhir/OperationDefinition/Resource-meta-add",
     [](const Shared& exchange, const fhir::Type* type, const std::string& id) { do_change_meta(exchange, *type, id, true); }},
    {"$meta-delete", "*", Operation::on_instance, "POST", "http://hl7.org/fhir/OperationDefinition/Resource-meta-delete",
     [](const Shared& exchange, const fhir::Type* type, const std::string& id) { do_change_meta(exchange, *type, id, false); }},
    {"$everything", "Patient", Operation::on_type | Operation::on_instance, "GET, HEAD, POST",
     "http://hl7.org/fhir/OperationDefinition/Patient-everything",
     [](const Shared& exchange, const fhir::Type*, const std::string& id) {
         if (id.empty()) return send(*exchange, answer_everything_of(*exchange));
         const bool as_of = !exchange->parameter("_asOf").empty();
         send(*exchange, as_of ? answer_everything_as_of(*exchange, id) : answer_everything(*exchange, id));
     }},
};

std::vector<Operation> gather() {
    std::vector<Operation> all;
    for (const auto& rows :
         {record_operations(), terminology_operations(), bulk_operations(), view_operations(), person_operations()})
        all.insert(all.end(), rows.begin(), rows.end());
    return all;
}

}  // namespace

std::span<const Operation> record_operations() { return about_the_record; }

const std::vector<Operation>& all_operations() {
    static const std::vector<Operation> all = gather();
    return all;
}

const Operation* find_operation(std::string_view type, Operation::Level level, std::string_view name) {
    for (const Operation& operation : all_operations()) {
        const bool is_for = level == Operation::on_system
                                ? (operation.levels & level) != 0
                                : (operation.levels & level) != 0 && (operation.type == "*" || operation.type == type);
        if (is_for && operation.name == name) return &operation;
    }
    return nullptr;
}

void send(Exchange& exchange, Answer answer) {
    exchange.respond(answer.ok() ? std::move(answer).value() : refusal_answer(exchange, answer.outcome()));
}

}  // namespace xinglin::api
