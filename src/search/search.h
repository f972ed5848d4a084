// SPDX-License-Identifier: Apache-2.0
// Search as FHIR R4 defines it, without a database: which parameters exist, what a resource says to each of them, what a
// query string means, and whether one resource matches.
//
// The parameters are those of R4 (fhir::search_parameter_rows), for every resource type. Pure and safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calendar/calendar.h"
#include "fhir/fhir.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::search {

enum class ParamType : std::uint8_t { number, date, string, token, reference, composite, quantity, uri, special };
std::string_view text(ParamType type);

/// One search parameter of one resource type: "birthdate" of Patient.
struct Parameter {
    std::uint16_t index;  // dense over all (type, code) pairs of this build; not stable between builds: never stored
    std::uint8_t bit;     // 0..63, position among the parameters of its type, for Entries::present
    const fhir::Type* resource;
    std::string_view code;
    ParamType type;
    std::string_view expression;  // FHIRPath
    std::string_view url;
    std::string_view description;
    std::span<const std::string_view> targets;  // of a reference: resource types it may name
    /// Entries of these parameters (of the same resource type) also count as entries of this one: "combo-code" includes
    /// "code"; "patient" includes "subject" (restricted to its own `targets`). Extraction leaves them out of this one.
    std::span<const Parameter* const> includes;
    /// Of a composite: the components, each a Parameter of the same type with its own expression relative to the base.
    struct Component {
        const Parameter* parameter;   // gives type and value rules
        std::string_view expression;  // relative to each node of this parameter's own expression
    };
    std::span<const Component> components;
};

/// nullptr when the type has no such parameter. Includes _id, _lastUpdated, _tag, _profile, _security, _source for all.
const Parameter* find_parameter(const fhir::Type& resource, std::string_view code);
std::span<const Parameter* const> parameters(const fhir::Type& resource);
std::span<const Parameter* const> all_parameters();  // by index

// ---- what a resource says -------------------------------------------------------------------------------------------

/// Views into the resource's arena, or into Entries::made.
struct Token {
    const Parameter* parameter;
    std::string_view system;                  // "" for none
    std::string_view code;                    // "" when only text is there
    std::string_view text;                    // display or CodeableConcept.text, for :text
    bool is_identifier_of_reference = false;  // Reference.identifier, for :identifier; `text` is then the type named, or ""
    json::Value kind{};                       // Identifier.type, for :of-type
};
struct String {
    const Parameter* parameter;
    std::string_view value;  // as written; compared folded (text::fold), :exact as written
};
struct Uri {
    const Parameter* parameter;
    std::string_view value;
};
struct Date {
    const Parameter* parameter;
    std::int64_t low_ms, high_ms;  // half open; open ends are calendar::beginning_ms / end_of_time_ms
};
struct Number {
    const Parameter* parameter;
    double low, high;  // equal for a plain number; a Range's ends
};
struct Quantity {
    const Parameter* parameter;
    double low, high;
    std::string_view system, code, unit;
};
struct Reference {
    const Parameter* parameter;
    std::string_view type;  // "" when unknown (absolute or canonical URL, urn)
    std::string_view id;    // with `type`: a relative reference "Patient/1" (version cut off)
    std::string_view url;   // absolute, canonical (version cut off) or urn, as written; "" when relative
    std::string_view display;
};

struct Entries {
    std::vector<Token> tokens;
    std::vector<String> strings;
    std::vector<Uri> uris;
    std::vector<Date> dates;
    std::vector<Number> numbers;
    std::vector<Quantity> quantities;
    std::vector<Reference> references;
    std::uint64_t present = 0;  // bit set for each parameter that has a value, included ones counted
    json::Arena made;           // text that the resource did not hold itself

    void clear();
};

/// Whether a reference found by `asked` itself or by a parameter it includes counts for it: only where R4 says
/// where(resolve() is T), its type must be T ("patient" of "subject"); the type of a URL is read from its end
/// (".../Patient/1"). Otherwise always.
bool counts_for(const Parameter& asked, const Reference& entry);
/// The same for the identifier of a reference. Other tokens always count.
bool counts_for(const Parameter& asked, const Token& entry);

/// What all parameters of the resource's type find in it. Composites and _id, _lastUpdated are left out (the record
/// knows them better). `offset_minutes`: zone of dates written without one. Duplicates are dropped.
void extract(const fhir::Type& type, json::Value resource, std::int16_t offset_minutes, Entries& entries);

// ---- what a query means ---------------------------------------------------------------------------------------------

enum class Prefix : std::uint8_t { eq, ne, gt, lt, ge, le, sa, eb, ap };
enum class Modifier : std::uint8_t {
    none,
    exact,
    contains,
    missing,
    negated /* :not */,
    text,
    type /* :Patient */,
    identifier,
    in,
    not_in,
    below,
    above,
    of_type
};

/// Codes with their systems, as terminology gives them for :in, :not-in, :below and :above.
struct Codings {
    std::vector<std::pair<std::string, std::string>> by_code;  // (code, system), sorted, each once
    bool contains(std::string_view system, std::string_view code) const;
};

/// One alternative of a value ("a,b" has two).
struct Operand {
    Prefix prefix = Prefix::eq;
    std::string raw;  // unescaped, without prefix
    // token and quantity
    bool has_system = false;   // a '|' was written
    std::string system, code;  // quantity: code is the unit
    // number, quantity
    double number = 0, low = 0, high = 0;  // value and the interval its written precision stands for
    // date
    calendar::Span span{0, 0};
    // reference
    std::string target_type, target_id, url;
    // composite; of a token with :of-type the one component is the type, code and system here are the identifier's value
    std::vector<Operand> components;
    // token with :in, :not-in, :below, :above: what it stands for, filled in by resolve_codes()
    std::shared_ptr<const Codings> codes{};
};

/// One condition; a query is the AND of its conditions.
struct Criterion {
    enum class Kind : std::uint8_t {
        value,        // parameter[:modifier]=a,b
        missing,      // parameter:missing=true|false
        chain,        // parameter[:Type].rest=…  (rest is `inner`, asked of each of `target_types`)
        has,          // _has:Type:parameter:rest (parameter belongs to `has_type` and points at us; rest is `inner`)
        id,           // _id
        last_updated  // _lastUpdated
    };
    Kind kind = Kind::value;
    const Parameter* parameter = nullptr;
    Modifier modifier = Modifier::none;
    std::string type_modifier;                    // for Modifier::type
    bool missing = false;                         // for Kind::missing
    std::vector<Operand> any;                     // alternatives
    std::vector<const fhir::Type*> target_types;  // chain: the types asked; each with its own inner criterion
    std::vector<Criterion> inner;                 // chain: one per target type; has: exactly one
    const fhir::Type* has_type = nullptr;
    std::string written;  // as the client wrote the name, for messages and self links
};

struct Include {
    bool reverse = false;  // _revinclude
    bool iterate = false;
    bool all = false;  // _include=*  or _revinclude=*
    const fhir::Type* source = nullptr;
    const Parameter* parameter = nullptr;  // nullptr with `wildcard`: every reference of source
    bool wildcard = false;                 // Type:*
    const fhir::Type* target = nullptr;    // restricts, may be nullptr
};

struct Sort {
    enum class By : std::uint8_t { parameter, id, last_updated };
    By by = By::parameter;
    const Parameter* parameter = nullptr;
    bool descending = false;
};

enum class Total : std::uint8_t { unsaid, none, estimate, accurate };
enum class Summary : std::uint8_t { no, yes, text, data, count };

struct Query {
    std::vector<const fhir::Type*> types;  // one; or several for /fhir?_type=…; empty: every type
    std::vector<Criterion> all;
    std::vector<Include> includes;
    std::vector<Sort> sort;
    std::optional<std::uint32_t> count;  // _count
    Total total = Total::unsaid;
    Summary summary = Summary::no;
    std::vector<std::string> elements;
    std::string page;      // opaque continuation, parameter `_page`
    bool explain = false;  // _explain=true
    /// A compartment: only resources that name this one through the compartment's parameters (or are it).
    std::string compartment_type, compartment_id;
    /// The parameters as understood, for the self link; general ones (_format, _pretty) left out.
    std::vector<std::pair<std::string, std::string>> understood;
    std::vector<Issue> warnings;  // lenient: what was ignored
};

struct ParseOptions {
    bool lenient = false;  // Prefer: handling=lenient
    std::int16_t offset_minutes = 0;
    std::int64_t now_ms = 0;  // `ap` of dates is a tenth of the time between them and now; 0: the machine's clock
    std::size_t max_alternatives = 10'000, max_criteria = 100, max_chain = 8;
};

/// Decoded name-value pairs to a Query. Refuses unknown or unsupported parameters and modifiers, bad values (each issue's
/// `where` is the parameter as written), unless lenient. `_format`, `_pretty`, `_at` and empty values are skipped.
Result<Query> parse(std::span<const fhir::Type* const> types, std::span<const std::pair<std::string, std::string>> parameters,
                    const ParseOptions& options = {});

// ---- codes that only terminology knows -------------------------------------------------------------------------------

struct Terminology {
    /// (system, code) of a value set, in any order. Refuses one that is unknown or cannot be expanded.
    std::function<Result<std::vector<std::pair<std::string, std::string>>>(std::string_view value_set)> codes_in;
    /// The code itself and all below it (or, with `below` false, above it) in its system.
    std::function<Result<std::vector<std::string>>(std::string_view system, std::string_view code, bool below)> codes_below;
};
/// Whether some condition of the query, at any depth, needs resolve_codes() before it can be asked.
bool needs_codes(const Query& query);
/// Fills Operand::codes. Refuses, where = the parameter, what terminology refuses; not_supported without terminology.
Result<Done> resolve_codes(Query& query, const Terminology& terminology);

// ---- does one resource match? ---------------------------------------------------------------------------------------

/// What matching one resource may need from others.
struct Surroundings {
    /// The resource a reference points at, or nothing (chains).
    std::function<json::Value(const Reference&)> resolve;
    /// Resources of `type` whose `parameter` points at (own type, own id) (_has).
    std::function<std::vector<json::Value>(const Parameter& parameter, std::string_view type, std::string_view id)> referrers;
    std::int16_t offset_minutes = 0;
    std::int64_t last_updated_ms = 0;  // of the resource asked
};

/// Slow and sure: extracts and compares. The record uses it to confirm candidates of composites, :text, :exact and the
/// like, and to search as of an earlier position.
bool matches(const fhir::Type& type, json::Value resource, const Criterion& criterion, const Surroundings& surroundings);

/// The comparisons alone, shared by matching and the record's own search. `ap` of a date: its span was widened by parse().
bool date_matches(const Operand& operand, std::int64_t low_ms, std::int64_t high_ms);
bool number_matches(const Operand& operand, double low, double high);
bool string_matches(Modifier modifier, std::string_view operand_raw, std::string_view value);
/// Whether a URL lies below another (or is it): by whole segments, so that …/fhir is not above …/fhirpath. A urn has no levels.
bool uri_is_below(std::string_view uri, std::string_view upper);
/// The parameter by which resources of a type are part of one another (Location.partof, Organization.partof), for :below and
/// :above of references; nullptr when the type is flat.
const Parameter* part_of(std::string_view type);

/// The least (or greatest) value by which a resource sorts under a parameter; nothing when it has none.
struct SortKey {
    std::optional<double> number;     // numbers, quantities, dates (ms)
    std::optional<std::string> text;  // folded strings, tokens, uris, references
};
SortKey sort_key(const fhir::Type& type, json::Value resource, const Parameter& parameter, bool descending,
                 std::int16_t offset_minutes);

}  // namespace xinglin::search
