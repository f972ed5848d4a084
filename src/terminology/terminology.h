// SPDX-License-Identifier: Apache-2.0
// Terminology: what codes mean, which sets they are in, and what they are called elsewhere.
//
// CodeSystem, ValueSet and ConceptMap of FHIR R4 from three sources: content/terminology (national tables and R4's own), its
// overlay, and what users wrote into the record. Several editions of one system stand side by side; a version or a date
// picks one. Nothing is read before the first question. Safe from many threads; nothing here writes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calendar/calendar.h"
#include "content/content.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::terminology {

/// Where the definitions are that users wrote; all three empty when there is no record.
struct Stored {
    /// Another number whenever a CodeSystem, ValueSet or ConceptMap was written; asked at most twenty times a second.
    std::function<std::int64_t()> position;
    using Each = std::function<void(std::string_view type, std::string_view id, std::int64_t version, std::string_view body)>;
    std::function<void(const Each&)> each;
    std::function<std::optional<std::string>(std::string_view type, std::string_view id)> body;
};

struct Designation {
    std::string language, use, value;
};
struct Property {
    std::string code, value;
    std::string_view kind;  // "string", "code", "boolean", "integer", "decimal", "dateTime", "Coding"
};
struct Coding {
    std::string system, version, code, display;
};

// ---- what other rooms ask ------------------------------------------------------------------------------------------------

struct LookupRequest {
    std::string_view system, version, code;
    std::string_view date, language;  // "" today; "" the system's own
};
struct Concept {
    std::string name;  // of the code system
    std::string system, version, code, display, display_en, definition;
    bool active = true, is_abstract = false;
    std::vector<Designation> designations;
    std::vector<Property> properties;
    std::vector<Coding> parents;
    std::vector<std::string> children;
};

/// Is a code in a value set, or in a code system when `value_set` is "" and nothing is inline?
struct ValidateRequest {
    std::string_view value_set, value_set_version;
    json::Value inline_definition;           // a ValueSet (or CodeSystem) resource in place of its url
    std::string_view system, version, code;  // system "": found from the value set when only one of its systems has the code
    std::string_view display, date, language;
    bool abstract_allowed = false;
};
struct Validation {
    bool result = false;
    bool unknown = false;  // a code system has no content here, so that nobody can tell; result is then false
    bool inactive = false;
    std::string message;  // why not, or what to know beside
    std::string system, version, code, display;
};

/// Which editions a value set is worked out with, each "system|version": where it says none, whatever it says, or refused when
/// it is another.
struct Versions {
    std::vector<std::string_view> default_, forced, checked;
    bool empty() const { return default_.empty() && forced.empty() && checked.empty(); }
};

struct ExpandRequest {
    std::string_view url, version;  // url may be a value set, SYSTEM?fhir_vs or SYSTEM?fhir_vs=isa/CODE
    json::Value inline_definition;
    std::string_view filter, date, language;
    std::size_t offset = 0;
    std::optional<std::size_t> count;
    bool active_only = false, nested = true, designations = false;
    bool selectable_only = false;                       // without abstract concepts
    Versions versions;                                  // of code systems
    std::vector<std::string_view> excluded_systems;     // "url" or "url|version"
    std::vector<std::string_view> wanted_designations;  // "language" or "|use"; empty: all
    std::vector<std::string_view> properties;           // of concepts, to be told with them
};
struct Expanded {
    std::string system, version, code, display;
    bool is_abstract = false, inactive = false;
    std::vector<Designation> designations;
    std::vector<Property> properties;
    std::vector<Expanded> contains;
};
struct Expansion {
    std::string url, version, name, title;
    std::size_t total = 0, offset = 0;
    bool paged = false;
    std::vector<Expanded> concepts;
    std::vector<std::string> used_systems, used_supplements;  // "url|version"
};

struct TranslateRequest {
    std::string_view map, map_version;  // "" every map that knows the code
    json::Value inline_definition;
    std::string_view source, target;  // value sets
    std::string_view system, code, target_system, date;
    bool reverse = false;
};
struct Translation {
    struct Match {
        std::string equivalence;
        Coding concept_;
        std::string map;  // its url
        std::string comment;
    };
    bool result = false;
    std::string message;
    std::vector<Match> matches;
};

// ---- what pages and commands ask -----------------------------------------------------------------------------------------

struct SystemRow {
    std::string url, name, title, title_en, version, source, copyright, note, from, to, origin;
    std::vector<std::string> versions, languages;
    std::int64_t count = -1;
    bool hierarchical = false;
};
struct SetRow {
    std::string url, name, title, title_en, version, origin;
};
struct MapRow {
    std::string url, title, version, source, target, origin;
    std::int64_t count = -1;
};
struct ConceptsRequest {
    std::string_view system, version, date, words;
    std::optional<std::string_view> parent;  // "" the roots
    std::size_t offset = 0, count = 50;
};
struct ConceptRow {
    std::string code, display, display_en, pinyin;
    std::size_t children = 0;
    std::vector<std::string> parents;
    bool active = true, is_abstract = false;
    std::string_view matched;  // "code", "text", "pinyin", "initials"; "" when not searched
};
struct ConceptPage {
    std::string system, version;
    std::size_t total = 0;
    std::vector<ConceptRow> concepts;
};

/// An edition as it comes in: a table with `code` and `display` at least (content/terminology/README.md).
struct NewEdition {
    std::string_view system, version, from, to, title, language;
    std::string_view csv;
};

class Library;
class SetKeeper;
class MapKeeper;

class Terminology {
public:
    /// `files` and `clock` must outlive it. Reads nothing yet.
    Terminology(const content::Files& files, const calendar::Clock& clock, Stored stored = {});
    ~Terminology();

    /// memberOf: nothing when the value set is not known or one of its systems has no content here. `value_set` may carry
    /// "|version". system "" matches any system of the set.
    std::optional<bool> has(std::string_view value_set, std::string_view system, std::string_view code) const;
    /// All codes of a value set, (system, code); refuses one that is unknown, circular, not enumerable or larger than 200,000.
    Result<std::vector<std::pair<std::string, std::string>>> codes_in(std::string_view value_set) const;
    /// The code and everything below it, or above it; refuses a system or code that is not known.
    enum class Direction : bool { below, above };
    Result<std::vector<std::string>> codes_below(std::string_view system, std::string_view code,
                                                 Direction direction = Direction::below) const;
    /// The name of a code, "" when not known.
    std::string display(std::string_view system, std::string_view code, std::string_view language = {}) const;

    Result<Concept> lookup(const LookupRequest& request) const;
    Result<Validation> validate(const ValidateRequest& request) const;
    Result<Expansion> expand(const ExpandRequest& request) const;
    /// The ValueSet resource itself; refuses one that is not known or is not written anywhere (SYSTEM?fhir_vs).
    Result<json::Value> value_set(std::string_view url, std::string_view version, std::string_view date,
                                  json::Arena& arena) const;
    /// "equivalent", "subsumes", "subsumed-by" or "not-subsumed": how A stands to B.
    Result<std::string> subsumes(std::string_view system, std::string_view version, std::string_view a, std::string_view b) const;
    Result<Translation> translate(const TranslateRequest& request) const;

    std::vector<SystemRow> systems() const;
    std::vector<SetRow> value_sets() const;
    std::vector<MapRow> maps() const;
    Result<ConceptPage> concepts(const ConceptsRequest& request) const;

    /// The CodeSystem resource that an edition becomes, to be written to the record; its id follows from system and version,
    /// so that importing again replaces. Refuses (where: line and column) a broken table.
    Result<json::Value> edition_resource(const NewEdition& edition, json::Arena& arena) const;

    /// Reads and spells the larger tables in force, so that the first who searches them need not wait (50 ms for ICD-10 and
    /// ICD-9-CM-3). For a thread that has nothing else to do; gives up soon after `stop` says so.
    void warm(const std::function<bool()>& stop) const;
    /// Looks at once for definitions written since, so that the next answer knows them.
    void refresh() const;
    /// Content that could not be read, as sentences; empty when all is well.
    std::vector<std::string> troubles() const;
    /// Memory of what has been read.
    std::size_t bytes() const;

private:
    std::unique_ptr<Library> library_;
    std::unique_ptr<SetKeeper> sets_;
    std::unique_ptr<MapKeeper> maps_;
};

}  // namespace xinglin::terminology
