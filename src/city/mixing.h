// SPDX-License-Identifier: Apache-2.0
// Inside the room: who meets whom: households, classes, workplaces, villages, as they are in one month.
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "city/infection.h"

namespace xinglin::city {

class Mixing {
public:
    Mixing(const District& district, const People& people, Epidemic& epidemic);
    /// Sets everybody where they are on this day.
    void arrange(std::int32_t day);

    std::vector<std::uint32_t> home, in_class, at_work;  // of each person; none32
    std::vector<std::vector<std::uint32_t>> homes, classes, works, villages;

    /// The class of a person on a day of a school year that was arranged before; none32 when there is none.
    std::uint32_t class_of_person(std::uint32_t person, std::int32_t day) const { return class_of(person, day); }
    std::uint32_t anyone(const std::vector<std::uint32_t>& group, class Random& random) const;

private:
    const District& district_;
    const People& people_;
    Epidemic& epidemic_;
    int school_year_ = 0;
    std::vector<double> work_edges_;
    std::map<std::tuple<std::uint16_t, int, int>, std::pair<std::uint32_t, int>>
        grades_;  // school, grade, year → first class, sections

    void school_year(int year);
    std::uint32_t class_of(std::uint32_t person, std::int32_t day) const;
    std::pair<std::uint16_t, int> school_of(std::uint32_t person, int year) const;
};

}  // namespace xinglin::city
