// SPDX-License-Identifier: Apache-2.0
// Inside the room: one district's places: towns, villages, institutions with their staff, schools.
#pragma once

#include <string>
#include <vector>

#include "city/facts.h"

namespace xinglin::city {

struct Community {
    std::string code, name;
    std::uint16_t town;
    bool is_urban;
    double weight;  // of all residents
    double longitude, latitude;
    std::uint16_t village_room;  // none16: there is none
};

enum class Kind : std::uint8_t { hospital, cdc, mch, centre, station, clinic, village_room, pharmacy };

struct Institution {
    std::string key;  // id of the sender: never changes
    std::string name, institution_class, uscc, format, encoding;
    std::string id;  // of its Organization resource
    Kind kind;
    std::uint16_t town, community;
    int beds;
    double share;  // of hospital patients
    std::uint32_t first_doctor, doctors;
};
struct Doctor {
    std::uint16_t institution;
    std::string id, number, name, dept;
    bool male;
};

enum class SchoolKind : std::uint8_t { kindergarten, primary, middle, high };
struct School {
    std::string key, name;
    SchoolKind kind;
    std::uint16_t town;
    double longitude, latitude;
};

struct District {
    const Facts* facts = nullptr;
    std::uint32_t number = 0;
    std::uint64_t seed = 0;
    std::uint32_t population = 0;
    double scale = 1;     // population ÷ that of the plan
    std::string id_area;  // first six digits of resident ids: assigned to no place
    std::string name;
    std::vector<Community> communities;
    std::vector<Institution> institutions;
    std::vector<Doctor> doctors;
    std::vector<School> schools;
    std::vector<std::vector<std::uint16_t>> clinics, stations, pharmacies, centres;  // by town
    std::vector<std::uint16_t> hospitals;
    std::uint16_t cdc = 0, mch = 0;

    std::uint16_t centre_of(std::uint16_t community) const;
    /// Beds that are staffed for this share of the district's people.
    double beds() const;
};

District make_district(const Facts& facts, std::uint32_t number, std::uint32_t population, std::uint64_t seed);

/// Check characters: of a resident id's 17 digits (GB 11643), of a unified social credit code's 17 characters (GB 32100).
char resident_check(std::string_view digits);
char credit_check(std::string_view characters);

}  // namespace xinglin::city
