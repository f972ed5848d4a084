// SPDX-License-Identifier: Apache-2.0
// Inside the room: who infects whom, where and when; and how much of it anybody sees.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "city/days.h"
#include "city/people.h"

namespace xinglin::city {

enum class Setting : std::uint8_t { import, outbreak, household, school, work, village };

/// A class of one school year.
struct Class {
    std::uint16_t school;
    std::uint8_t grade, section;
    std::int16_t year;
};

struct Infection {
    std::uint32_t person;
    std::uint32_t by = none32;     // another infection; none: from outside, or a common source
    std::uint32_t place = none32;  // household, class, workplace or community, by setting
    std::int32_t day, onset;
    std::uint16_t pathogen;
    std::uint16_t outbreak = none16;  // of Epidemic::outbreaks; also those infected down the line
    Setting setting = Setting::import;
    bool symptomatic = false;
    // What is seen of it: days, `never` when not.
    std::int32_t visit = never, card = never, buys = never, call = never;
    std::uint32_t in_class = none32;  // of the ill person on the day of onset
    std::uint8_t absent_days = 0;
    bool admitted = false, tested = false, positive = false;
};

struct Outbreak {
    std::uint16_t plan;  // of Facts::outbreaks
    std::int32_t day;
    std::uint32_t place;  // school, workplace or community
    std::uint32_t infections = 0;
};

struct Epidemic {
    std::vector<Infection> infections;  // in the order in which they happened
    std::vector<Class> classes;
    std::vector<Outbreak> outbreaks;
    std::vector<std::uint32_t> of_person_first, of_person;  // index: infections of each person
    std::uint32_t workplaces = 0;
    std::vector<std::pair<std::int32_t, std::vector<std::uint32_t>>> enrolled;  // from this day on: class of each person
};

/// Runs every pathogen through the years, and lets some of the old die of it (People is changed).
Epidemic spread(const District& district, const Days& days, People& people);

std::string_view setting_name(Setting setting);
/// "d2-primary-03 二年级4班", "单位17", a community's code, "户123".
std::string place_name(const District& district, const Epidemic& epidemic, const Infection& infection);

}  // namespace xinglin::city
