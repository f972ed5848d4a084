// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a compiled view is made of.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fhirpath/fhirpath.h"
#include "fhirpath/quick.h"
#include "view/view.h"

namespace xinglin::view {

/// A FHIRPath expression of the definition; quick, when it is simple, on elements of type `context`.
struct Path {
    std::string where;  // "select[0].column[2].path"
    fhirpath::Expression expression;
    std::optional<fhirpath::Quick> quick;
    const fhir::Type* context = nullptr;
    bool uses_index = false;  // mentions %rowIndex
};

struct ColumnPath {
    Path path;
    std::size_t at = 0;  // which cell of the row
    bool collection = false;
};

/// A select that goes through elements, a branch of a unionAll, or the root. Selects that do neither are written into the
/// one around them: they make no difference but nesting.
struct Select {
    enum class Each : std::uint8_t { once, for_each, for_each_or_null, repeat };
    Each each = Each::once;
    /// forEach: one path; repeat: several. Each compiled once for every type it starts from.
    std::vector<std::vector<Path>> paths;
    std::vector<ColumnPath> columns;
    /// Rows are the product of the parts; a part of several branches (unionAll) gives the rows of one after the other.
    struct Part {
        std::vector<std::unique_ptr<Select>> branches;
    };
    std::vector<Part> parts;
    std::size_t first_column = 0, end_column = 0;  // every column below
    std::size_t number = 0;                        // of the select within the view
    std::string where;
};

struct Definition::Inside {
    json::Arena arena;  // holds the constants' values
    std::string name, title, description, text;
    const fhir::Type* resource = nullptr;
    std::vector<std::pair<std::string, fhirpath::Collection>> constants;
    std::vector<Path> where;
    fhirpath::Quick::Needs needs;  // texts a resource with rows must hold, see Definition::may_have_rows
    Select root;
    std::vector<Column> columns;
    std::size_t selects = 0;
    bool uses_person = false;
    Limits limits;
};

/// Variables that change from row to row, in this order; and in FHIRPath's list of variables they come first.
constexpr std::string_view live_variables[] = {"rowIndex", "person"};

/// How a value of a FHIR type is kept in a column.
enum class Storage : std::uint8_t { boolean, integer, decimal, text, json };
Storage storage_of(std::string_view type);
/// "string" for "http://hl7.org/fhirpath/System.String", …; nothing when there is no such type.
std::optional<std::string> type_name(std::string_view written);
/// ^[A-Za-z][A-Za-z0-9_]*$
bool is_sql_name(std::string_view name);

}  // namespace xinglin::view
