// SPDX-License-Identifier: Apache-2.0
// Inside the room: FHIR operations ($…), a table of rows that routing and the CapabilityStatement read alike.
//
// A file with operations defines a span of rows and names it in all_operations() (operation.cpp); nothing else is needed.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "api/exchange.h"

namespace xinglin::api {

struct Operation {
    enum Level : std::uint8_t { on_system = 1, on_type = 2, on_instance = 4 };
    std::string_view name;  // "$expand"
    std::string_view type;  // "ValueSet"; "*" every resource type; "" the system only. "ViewDefinition" is taken too
    std::uint8_t levels;
    std::string_view methods;     // "GET, HEAD, POST"
    std::string_view definition;  // canonical URL
    /// Answers now or later through exchange->respond. `type`: nullptr on the system and for ViewDefinition; `id`: "" but on an instance.
    void (*act)(const Shared& exchange, const fhir::Type* type, const std::string& id);
};

std::span<const Operation> record_operations();  // $meta, $validate, $everything
std::span<const Operation> bulk_operations();    // $export
std::span<const Operation> view_operations();    // $viewdefinition-run
std::span<const Operation> person_operations();  // $match, $ihe-pix

std::span<const Operation> terminology_operations();  // $lookup, $validate-code, $subsumes, $expand, $translate

/// What GET /fhir/metadata?mode=terminology answers.
Answer answer_terminology_capabilities(Exchange& exchange);

/// All of them.
const std::vector<Operation>& all_operations();
const Operation* find_operation(std::string_view type, Operation::Level level, std::string_view name);

/// Responds with the answer or its refusal.
void send(Exchange& exchange, Answer answer);

}  // namespace xinglin::api
