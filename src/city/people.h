// SPDX-License-Identifier: Apache-2.0
// Inside the room: who lives in a district, with whom and where, and what changes over the years.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "city/district.h"

namespace xinglin::city {

constexpr std::int32_t never = INT32_MAX;

struct Person {
    std::int32_t birth = 0;           // days since 1970-01-01
    std::int32_t arrive = INT32_MIN;  // moved here or was born; long ago: on the first day
    std::int32_t leave = never, death = never;
    std::uint32_t household = none32;  // on the first day here
    std::uint32_t mother = none32, father = none32, spouse = none32;
    std::int32_t last_birth = INT32_MIN;
    std::uint16_t surname = 0;
    std::uint8_t given_a = 0, given_b = 0;  // two names whose halves make this one; the same: a name as it stands
    std::uint16_t sequence = 0;             // digits 15 to 17 of the resident id
    std::uint16_t cause = none16;           // of death; 0x8000 + pathogen for an infection
    bool male = false, is_twin = false;
    std::uint8_t school_luck = 0;

    bool here(std::int32_t day) const { return arrive <= day && day < leave && day < death; }
    /// The first day that this person is not here any more.
    std::int32_t until() const { return leave < death ? leave : death; }
};

struct Move {
    std::int32_t day;
    std::uint32_t person, from, to;
    bool operator<(const Move& other) const { return person != other.person ? person < other.person : day < other.day; }
};

struct Pregnancy {
    std::uint32_t mother;
    std::int32_t delivery;
    std::uint32_t babies[2] = {none32, none32};  // none when the delivery lies beyond the end
    std::uint8_t weeks = 39;
    bool caesarean = false;
    std::uint16_t grams[2] = {3300, 3300};
};

struct Household {
    std::uint16_t community = 0;
    std::uint32_t door = 0;  // for address and telephone
};

struct Marriage {
    std::int32_t day;
    std::uint32_t husband, wife;
};

struct People {
    std::int32_t start = 0, end = 0;
    std::vector<Person> all;
    std::vector<Household> households;
    std::vector<Move> moves;  // sorted by person, then day
    std::vector<Pregnancy> pregnancies;
    std::vector<Marriage> marriages;

    std::uint32_t household(std::uint32_t person, std::int32_t day) const;
    /// Full years of age.
    int age(const Person& person, std::int32_t day) const;
};

People make_people(const District& district, std::int32_t start, std::int32_t end);
void live_on(const District& district, People& people);  // years.cpp: births, deaths, marriages, moves

std::string name_of(const Facts& facts, const Person& person);
std::string given_name(const Facts& facts, const Person& person);
/// With a correct check character, below an area code that is assigned to nobody.
std::string resident_id(const District& district, const Person& person);
std::string phone_of(const District& district, std::uint32_t person, int age, std::uint32_t household);
std::string address_of(const District& district, const Household& household);
void give_name(const Facts& facts, Person& person, class Random& random, std::uint16_t surname);

}  // namespace xinglin::city
