// SPDX-License-Identifier: Apache-2.0
// Who may take how much of the record away.
#include "bulk/bulk.h"

namespace xinglin::bulk {

Result<Done> admit(Order& order, const access::Viewer& viewer) {
    const bool is_client = viewer.role == access::Role::system;
    if (!order.release.empty() && !is_client && viewer.granted.empty())
        return Done{};  // who may ask is content, and another approves it
    if (!is_client && !viewer.may_administer())
        return refuse(IssueCode::forbidden, "role", "exports are for administrators, and for systems with a scope");
    if (viewer.guard)
        return refuse(IssueCode::forbidden, "scope", "exports are of everything in a type: this token sees a part of it only");
    if (!is_client || viewer.scope.empty()) return Done{};
    const auto allowed = [&](const fhir::Type& type) { return access::scope_allows(viewer.scope, type.name, 'r'); };
    for (const fhir::Type* type : order.types) {
        if (!allowed(*type))
            return refuse(IssueCode::forbidden, "_type", fmt::format("your scope does not include {}", type->name));
    }
    if (!order.types.empty()) return Done{};
    std::string names;
    std::vector<const fhir::Type*> types;
    bool all = true;
    for (const fhir::Type* type : fhir::resources()) {
        if (type->is_abstract || !order.wants(*type)) continue;
        if (!allowed(*type)) {
            all = false;
            continue;
        }
        types.push_back(type);
        names += (names.empty() ? "" : ",") + std::string(type->name);
    }
    if (names.empty()) return refuse(IssueCode::forbidden, "scope", "your scope includes nothing that could be exported");
    if (all) return Done{};
    for (const Order::Filter& filter : order.filters) {
        if (!allowed(*filter.type))
            return refuse(IssueCode::forbidden, "_typeFilter", fmt::format("your scope does not include {}", filter.type->name));
    }
    order.types = std::move(types);
    order.written.emplace_back("_type", names);
    return Done{};
}

}  // namespace xinglin::bulk
