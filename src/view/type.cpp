// SPDX-License-Identifier: Apache-2.0
// Types and names of columns.
#include <algorithm>
#include <cctype>

#include "view/definition.h"

namespace xinglin::view {

namespace {
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
}  // namespace

bool is_sql_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && is_letter(name[0]) &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

std::optional<std::string> type_name(std::string_view written) {
    bool is_system = false;
    for (const std::string_view prefix : {"http://hl7.org/fhir/StructureDefinition/", "FHIR."}) {
        if (written.starts_with(prefix)) written.remove_prefix(prefix.size());
    }
    for (const std::string_view prefix : {"http://hl7.org/fhirpath/System.", "System."}) {
        if (!written.starts_with(prefix)) continue;
        written.remove_prefix(prefix.size());
        is_system = true;
    }
    std::string name(written);
    if (is_system && name != "Quantity" && !name.empty())
        name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
    if (name == "integer64" || name == "long") return "integer64";
    if (!fhir::find_type(name)) return std::nullopt;
    return name;
}

Storage storage_of(std::string_view type) {
    if (type == "boolean") return Storage::boolean;
    if (type == "decimal") return Storage::decimal;
    for (const std::string_view name : {"integer", "positiveInt", "unsignedInt", "integer64"}) {
        if (type == name) return Storage::integer;
    }
    const fhir::Type* known = fhir::find_type(type);
    return known && known->kind == fhir::TypeKind::primitive ? Storage::text : Storage::json;
}

}  // namespace xinglin::view
