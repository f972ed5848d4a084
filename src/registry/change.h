// SPDX-License-Identifier: Apache-2.0
// What may happen to entries in the course of time, one or many at once: renamed, closed, opened again, merged, moved, given another code.
//
// What was is kept in the entry itself, with the days it was in force: a former name, a former code, what became of it.
#pragma once

#include <string>
#include <vector>

#include "registry/registry.h"
#include "registry/revision.h"

namespace xinglin::registry {

/// One of the areas that another is divided into.
struct AreaPart {
    std::string code, name;
    std::vector<std::string> takes{};  // "Location/x": what was part of the whole and is part of this one from then on
};
struct Command {
    std::string what;  // rename close reopen merge move recode bed_state area class map join register period split boundary
    std::vector<std::string> entries;  // "Organization/x"
    std::string value;  // the new name, code, state; of merge, move and join whom into; of map the source's code; of period
                        // "2020-01-01/2024-06-30"; of boundary GeoJSON, a Polygon or MultiPolygon
    std::vector<AreaPart> parts;       // of split
    std::vector<std::string> targets;  // of join: one for each entry, instead of `value`
    std::string system;                // of recode; "" the usual one of its kind; of map the source ("renmin"), or its system
    std::string day;                   // from when; "" today
    std::string note;
};

/// Works out what the command changes. Refuses by name: an unknown entry, a day that is none, a cycle (invariant), a code that another
/// entry has (conflict), what cannot be done to this kind of entry.
Result<Revision> plan(const Registry& registry, const Command& command, std::string_view who);

/// A boundary as areas have it: GeoJSON of type Polygon or MultiPolygon, rings closed, points in degrees.
Result<Done> check_boundary(std::string_view geojson);

/// The system of the code that entries of a kind are known by.
std::string_view code_system_of(Kind kind);
/// True when `above` is `reference` or lies above it by the catalogue.
bool leads_to(const Registry& registry, std::string_view from, std::string_view reference);

}  // namespace xinglin::registry
