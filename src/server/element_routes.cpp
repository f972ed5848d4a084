// SPDX-License-Identifier: Apache-2.0
// /api/v1/types/{type}/elements: what a type is made of, for pages that let people pick elements.
#include "fhir/fhir.h"
#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

std::string_view text(fhir::TypeKind kind) {
    switch (kind) {
        case fhir::TypeKind::primitive: return "primitive";
        case fhir::TypeKind::complex: return "complex";
        case fhir::TypeKind::resource: return "resource";
        case fhir::TypeKind::backbone: return "backbone";
    }
    return "";
}

json::Value type_of(json::Arena& arena, const fhir::TypeRef& ref) {
    std::vector<json::Value> targets;
    for (const std::string_view target : ref.targets) targets.push_back(arena.string(target));
    return arena.object({{"name", arena.string(ref.type->name)},
                         {"kind", arena.string(text(ref.type->kind))},
                         {"targets", arena.array(targets)}});
}

json::Value element_of(json::Arena& arena, const fhir::Element& element) {
    std::vector<json::Value> types;
    for (const fhir::TypeRef& ref : element.types) types.push_back(type_of(arena, ref));
    const bool endless = element.max == UINT32_MAX;
    return arena.object({{"name", arena.string(element.name)},
                         {"min", arena.number(static_cast<std::int64_t>(element.min))},
                         {"max", endless ? arena.null() : arena.number(static_cast<std::int64_t>(element.max))},
                         {"choice", arena.boolean(element.is_choice)},
                         {"types", arena.array(types)}});
}

void elements(Visit& visit) {
    const fhir::Type* type = fhir::find_type(visit.holes.at(0));
    if (type == nullptr) {
        return visit.refuse(refuse(IssueCode::not_found, "type",
                                   "no type of FHIR R4 has this name; write it as Patient, HumanName or Patient.contact"));
    }
    json::Arena arena;
    std::vector<json::Value> all;
    for (const fhir::Element& element : type->elements) all.push_back(element_of(arena, element));
    visit.answer(
        200, arena.object(
                 {{"type", arena.string(type->name)}, {"kind", arena.string(text(type->kind))}, {"elements", arena.array(all)}}));
}

constexpr Route routes[] = {
    {"GET", "/api/v1/types/{type}/elements", Who::logged_in,
     "The elements of a FHIR R4 type, inherited ones first; max is null for any number.", "",
     R"({"type":"Patient","kind":"resource","elements":[{"name":"birthDate","min":0,"max":1,"choice":false,)"
     R"("types":[{"name":"date","kind":"primitive","targets":[]}]}]})",
     elements},
};

}  // namespace

std::span<const Route> element_routes() { return routes; }

}  // namespace xinglin::server
