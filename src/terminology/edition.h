// SPDX-License-Identifier: Apache-2.0
// Inside the room: one edition of a code system, a value set or a concept map: what is known without reading it, and how to
// read it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "outcome/outcome.h"
#include "terminology/concepts.h"

namespace xinglin::terminology {

enum class Kind : std::uint8_t { system, value_set, map };
enum class Origin : std::uint8_t { built_in, overlay, stored };

/// "CodeSystem", "ValueSet", "ConceptMap"
std::string_view type_name(Kind kind);

struct Edition {
    Kind kind = Kind::system;
    Origin origin = Origin::built_in;
    std::string url, version, name, title, title_en, status;
    std::string from, to;  // dates in force, both days included; "" open
    std::string language = "en";
    std::string source, copyright, note;
    std::string supplements;             // of a supplement: the system it adds to, "url" or "url|version"
    std::string value_set;               // of a system: the value set of all its codes
    std::string map_source, map_target;  // value sets of a map
    std::vector<std::string> aliases;    // further names: urn:oid:…
    std::int64_t count = -1;             // concepts or mapped codes; -1: not known without reading
    bool hierarchical = false, case_sensitive = true;
    bool has_concepts = true;  // CodeSystem.content is complete or a fragment

    std::string file;  // below content/; the resource, one line of NDJSON or a header
    std::string csv;   // the concepts that belong to a header
    std::size_t offset = 0, bytes = 0;
    std::string id;  // of a stored resource
    std::int64_t stored_version = 0;

    bool in_force_on(std::string_view date) const { return (from.empty() || from <= date) && (to.empty() || date <= to); }
    /// For messages: "built in", a file, "CodeSystem/x".
    std::string where() const;
};

/// What a resource says of itself; refuses one without url.
Result<Edition> describe(json::Value resource);
/// The lines of an .index file (tools/terminology_tables.py describes them); broken lines are left out.
std::vector<Edition> read_index(std::string_view text);

/// The concepts of a CodeSystem resource, with the designations and properties that its supplements (resources too) add.
using Supplements = std::span<const json::Value>;
Result<std::shared_ptr<const Concepts>> read_concepts(json::Value code_system, Supplements supplements = {});
/// The concepts of a table: a header line with `code` and `display` at least. Refuses (where: line and column) what is not
/// such a table. `header`: the CodeSystem without concepts, for the kinds of its properties.
Result<std::shared_ptr<const Concepts>> read_table(std::string_view csv, json::Value header, Supplements supplements = {});
/// For both readers: gives the builder what supplements say.
Result<Done> add_supplements(Supplements supplements, ConceptsBuilder& builder);
/// The table as concepts of a CodeSystem resource, flat with a property `parent`.
Result<json::Value> table_as_concepts(std::string_view csv, json::Arena& arena);

}  // namespace xinglin::terminology
