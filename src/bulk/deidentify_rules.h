// SPDX-License-Identifier: Apache-2.0
// Inside the room: the rules of de-identification, read and checked.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "bulk/deidentify.h"

namespace xinglin::bulk {

enum class Act : std::uint8_t {
    keep,         // as it is
    walk,         // element by element
    remove,       //
    pseudonym,    // keyed hash
    reference,    // keyed hash of the id in it
    birth_year,   // year, of the very old the same
    age,          // walked; of the very old the same
    county_code,  // an extension's string, its first six digits
    with_code,    // kept beside a code
};

struct Deidentifier::Inside {
    std::string key, edition;
    int least_year = 0, ages_up_to = 0;
    Dates dates = Dates::keep;
    std::unordered_map<std::string, Act> elements, types, extensions;  // elements: "Patient.birthDate", also of data types
    std::unordered_set<std::string> left_out, definitions;

    Act act_on(const fhir::Type& owner, std::string_view key, const fhir::Match& match) const;
    std::string pseudonym(std::string_view kind, std::string_view text) const;
};

Result<Done> read_rules(const content::Files& files, Deidentifier::Inside& inside);

}  // namespace xinglin::bulk
