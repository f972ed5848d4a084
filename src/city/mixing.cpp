// SPDX-License-Identifier: Apache-2.0
// Households, classes, workplaces and villages.
#include "city/mixing.h"

#include <algorithm>

#include "calendar/calendar.h"
#include "city/random.h"

namespace xinglin::city {

namespace {
int school_year_of(std::int32_t day) {
    const calendar::Civil date = calendar::civil_from_days(day);
    return date.month >= 9 ? date.year : date.year - 1;
}
}  // namespace

Mixing::Mixing(const District& district, const People& people, Epidemic& epidemic)
    : district_(district), people_(people), epidemic_(epidemic) {
    // Few large employers, many small ones: sizes fall as 1 / rank^0.85.
    const auto count = std::max<std::uint32_t>(3, district.population / 38);
    double sum = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        sum += std::pow(i + 4.0, -0.85);
        work_edges_.push_back(sum);
    }
    for (double& edge : work_edges_) edge /= sum;
    epidemic.workplaces = count;
}

std::pair<std::uint16_t, int> Mixing::school_of(std::uint32_t i, int year) const {
    const Person& person = people_.all[i];
    const int age = people_.age(person, static_cast<std::int32_t>(calendar::days_from_civil(year, 8, 31)));
    const SchoolKind kind = age < 6    ? SchoolKind::kindergarten
                            : age < 12 ? SchoolKind::primary
                            : age < 15 ? SchoolKind::middle
                                       : SchoolKind::high;
    if (age < 3 || age > 17 || (age < 6 && person.school_luck < 36) || (age > 14 && person.school_luck < 26)) return {none16, 0};
    const int first = kind == SchoolKind::kindergarten ? 3
                      : kind == SchoolKind::primary    ? 6
                      : kind == SchoolKind::middle     ? 12
                                                       : 15;
    const std::uint16_t town = district_.communities[people_.households[person.household].community].town;
    std::vector<std::uint16_t> near, all;
    for (std::uint16_t s = 0; s < district_.schools.size(); ++s) {
        if (district_.schools[s].kind != kind) continue;
        all.push_back(s);
        if (district_.schools[s].town == town) near.push_back(s);
    }
    const auto& choice = near.empty() ? all : near;
    // Brothers and sisters go to one school: the household chooses.
    return {choice[mix(person.household + district_.seed) % choice.size()], age - first + 1};
}

void Mixing::school_year(int year) {
    school_year_ = year;
    std::map<std::pair<std::uint16_t, int>, int> pupils;
    for (std::uint32_t i = 0; i < people_.all.size(); ++i) {
        const auto [school, grade] = school_of(i, year);
        if (school != none16) ++pupils[{school, grade}];
    }
    for (const auto& [key, count] : pupils) {
        const int sections = std::min(200, (count + 37) / 38);
        grades_[{key.first, key.second, year}] = {static_cast<std::uint32_t>(epidemic_.classes.size()), sections};
        for (int s = 0; s < sections; ++s)
            epidemic_.classes.push_back({key.first, static_cast<std::uint8_t>(key.second), static_cast<std::uint8_t>(s + 1),
                                         static_cast<std::int16_t>(year)});
    }
}

std::uint32_t Mixing::class_of(std::uint32_t i, std::int32_t day) const {
    const int year = school_year_of(day);
    const auto [school, grade] = school_of(i, year);
    if (school == none16) return none32;
    const auto found = grades_.find({school, grade, year});
    if (found == grades_.end()) return none32;
    return found->second.first + people_.all[i].school_luck * 7u % static_cast<std::uint32_t>(found->second.second);
}

void Mixing::arrange(std::int32_t day) {
    if (school_year_of(day) != school_year_) {
        school_year(school_year_of(day));
        auto& classes_now = epidemic_.enrolled.emplace_back(day, std::vector<std::uint32_t>(people_.all.size(), none32)).second;
        for (std::uint32_t i = 0; i < people_.all.size(); ++i) {
            if (day - people_.all[i].birth < 20 * 366) classes_now[i] = class_of(i, day);
        }
    }
    const std::size_t size = people_.all.size();
    home.assign(size, none32);
    in_class.assign(size, none32);
    at_work.assign(size, none32);
    homes.assign(people_.households.size(), {});
    classes.assign(epidemic_.classes.size(), {});
    works.assign(epidemic_.workplaces, {});
    villages.assign(district_.communities.size(), {});
    for (std::uint32_t i = 0; i < size; ++i) {
        const Person& person = people_.all[i];
        if (!person.here(day)) continue;
        home[i] = people_.household(i, day);
        homes[home[i]].push_back(i);
        villages[people_.households[home[i]].community].push_back(i);
        const int age = people_.age(person, day);
        if (age < 19) in_class[i] = class_of(i, day);
        if (in_class[i] != none32) classes[in_class[i]].push_back(i);
        const std::uint64_t luck = mix(i + district_.seed * 31);
        if (in_class[i] == none32 && age >= 18 && age < (person.male ? 60 : 55) && luck % 100 < 72) {
            const double place = static_cast<double>(mix(luck) >> 11) * 0x1.0p-53;
            at_work[i] = static_cast<std::uint32_t>(std::lower_bound(work_edges_.begin(), work_edges_.end() - 1, place) -
                                                    work_edges_.begin());
            works[at_work[i]].push_back(i);
        }
    }
}

std::uint32_t Mixing::anyone(const std::vector<std::uint32_t>& group, Random& random) const {
    return group.empty() ? none32 : group[random.below(static_cast<std::uint32_t>(group.size()))];
}

}  // namespace xinglin::city
