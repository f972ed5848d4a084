// SPDX-License-Identifier: Apache-2.0
// One entry of a registry, as its FHIR resource says it: names and codes with the days they are in force, place in the hierarchy, state.
//
// An entry is read from the record and kept nowhere else. Days are "2026-11-22", "" for open; a period holds its last day.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/fhir.h"
#include "json/json.h"

namespace xinglin::registry {

enum class Kind : std::uint8_t {
    institution,
    department,
    alliance,  // a medical community (医共体): institutions that act as one
    area,      // county, town, village: a jurisdiction with its division code
    site,      // where an institution is: site, building
    ward,      // ward, room, any other place within
    bed,
    practitioner,
    role,  // where somebody works, as what, from when to when
    affiliation,
    service,
    device,
    consumable,
    drug
};
std::string_view text(Kind kind);
std::optional<Kind> parse_kind(std::string_view text);
/// Resource types that hold entries.
const std::vector<const fhir::Type*>& entry_types();
bool is_entry_type(std::string_view type);

/// Codes of institutions, staff and things; docs/sources.md.
inline constexpr std::string_view credit_code_system = "urn:xinglin:identifier:uscc";
inline constexpr std::string_view institution_code_system = "urn:oid:2.16.156.10011.1.5";
inline constexpr std::string_view staff_code_system = "urn:oid:2.16.156.10011.1.4";
inline constexpr std::string_view class_system = "urn:xinglin:codesystem:institution-class-ws218";
inline constexpr std::string_view unit_system = "urn:xinglin:codesystem:registry-unit";  // department, alliance
/// Departments, places and things without a national code.
inline constexpr std::string_view own_code_system = "urn:xinglin:identifier:registry";
inline constexpr std::string_view division_system = "urn:xinglin:identifier:division";  // GB/T 2260, GB/T 10114
inline constexpr std::string_view licence_system = "urn:xinglin:identifier:practice-licence";
inline constexpr std::string_view udi_system = "urn:xinglin:identifier:udi-di";
inline constexpr std::string_view drug_code_system = "urn:xinglin:identifier:drug-code";
inline constexpr std::string_view bed_status_system = "http://terminology.hl7.org/CodeSystem/v2-0116";
inline constexpr std::string_view place_type_system = "http://terminology.hl7.org/CodeSystem/location-physical-type";
inline constexpr std::string_view division_extension = "urn:xinglin:extension:division-code";
inline constexpr std::string_view period_extension = "urn:xinglin:extension:registry-period";
inline constexpr std::string_view former_name_extension = "urn:xinglin:extension:former-name";
inline constexpr std::string_view former_parent_extension = "urn:xinglin:extension:former-parent";
/// The boundary of now (HL7's own extension); those before it with their days.
inline constexpr std::string_view boundary_extension = "http://hl7.org/fhir/StructureDefinition/location-boundary-geojson";
inline constexpr std::string_view former_boundary_extension = "urn:xinglin:extension:former-boundary";
/// meta.tag: `stray`, told by a message and in no register; `registered`, a steward took it in.
inline constexpr std::string_view standing_system = "urn:xinglin:codesystem:registry-standing";
inline constexpr std::string_view event_extension = "urn:xinglin:extension:registry-event";

struct Days {
    std::string from, to;
    /// "" asks of no day: everything holds.
    bool hold(std::string_view day) const { return day.empty() || ((from.empty() || from <= day) && (to.empty() || day <= to)); }
    bool operator==(const Days&) const = default;
};
struct Name {
    std::string text;
    Days days;
    bool is_current = true;
};
struct Code {
    std::string system, value;
    Days days;
    bool is_current = true;
};
/// What it was part of before.
struct FormerParent {
    std::string reference;
    Days days;
};
/// What happened to it: renamed, merged (into target), closed, reopened, moved (to target), split (from target).
struct Event {
    std::string kind, day, target, note;
};

struct Entry {
    const fhir::Type* type = nullptr;
    std::string id;
    Kind kind = Kind::institution;
    std::int64_t version = 0, position = 0, updated_ms = 0;
    std::vector<Name> names;  // the present one first
    std::vector<Code> codes;
    std::string class_code, class_name;  // WS 218; type of a place, a role, a thing
    std::vector<FormerParent> former_parents;
    bool has_boundary = false;           // of an area: now, or once
    std::string serial;                  // of a device
    std::string parent;                  // "Organization/x": partOf; of an affiliation its alliance; of a role its institution
    std::string organization;            // who owns, runs or employs it
    std::string practitioner;            // of a role
    std::string department;              // of a role or bed
    std::string area;                    // division code, 6 to 12 digits
    std::string address, phone, detail;  // detail: specification, qualification, what else a list shows
    std::string state = "active";        // active, inactive, suspended
    std::string bed_state;               // of HL7 table 0116
    Days days;                           // in force
    std::vector<Event> events;
    std::optional<double> longitude, latitude;
    std::string source;     // who told it: "renmin"; "" when a person did
    bool is_stray = false;  // told by a message on its way ("renmin#ctl") and in no register
    std::string order;      // the name as lists sort it: its pinyin
    std::string search;     // folded names, pinyin, initials, codes: what `find` looks through

    std::string reference() const { return std::string(type->name) + "/" + id; }
    std::string_view name() const { return names.empty() ? std::string_view{} : std::string_view(names.front().text); }
    /// As it was called on a day.
    std::string_view name_on(std::string_view day) const;
    /// What it was part of on a day; "" asks of now.
    std::string_view parent_on(std::string_view day) const;
    bool is_in_force(std::string_view day) const { return day.empty() ? state == "active" && days.to.empty() : days.hold(day); }
    /// Has a code that others can know it by.
    bool is_registered() const;
    /// What took its place when it was merged; "" when nothing did.
    std::string_view successor() const;
};

/// Nothing when the resource is of no registry (an Organization that only pays, a Location of a home).
std::optional<Entry> entry_of(json::Value resource);
/// Takes over names and codes that an earlier version had and this one has not. That version came on the day `since` and was the present
/// one until the day `until`; of the first version it is not known since when it was so.
void take_over(Entry& entry, const Entry& earlier, std::string_view since, std::string_view until);
/// Fills Entry::search.
void index(Entry& entry);

/// A name without what writers differ in: case, width, blanks, brackets and stops.
std::string plain_name(std::string_view name);

/// The boundary of an area as its resource says it was on a day ("": now): GeoJSON text; "" none.
std::string boundary_on(json::Value location, std::string_view day);

/// "2026-11-22" of an instant, in a zone.
std::string day_of(std::int64_t ms, int offset_minutes);
std::string day_before(std::string_view day);
std::string day_after(std::string_view day);
bool is_day(std::string_view text);

}  // namespace xinglin::registry
