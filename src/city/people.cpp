// SPDX-License-Identifier: Apache-2.0
// The people of the first day: ages and sexes as in the table, then couples, children with their parents, the old with theirs.
#include "city/people.h"

#include <fmt/format.h>

#include <algorithm>

#include "calendar/calendar.h"
#include "city/random.h"
#include "text/text.h"

namespace xinglin::city {

namespace {

/// Share of women living with a husband, by age from 20 in steps of five (census 2020, rounded).
double married(int age) {
    constexpr double share[] = {0.10, 0.48, 0.80, 0.89, 0.91, 0.91, 0.90, 0.87, 0.82, 0.74, 0.62, 0.47, 0.30, 0.18, 0.08};
    if (age < 20) return 0;
    return share[std::min<std::size_t>(static_cast<std::size_t>(age - 20) / 5, std::size(share) - 1)];
}

class Settler {
public:
    Settler(const District& district, People& people)
        : district_(district), people_(people), random_(district.seed, Purpose::people) {}

    void settle() {
        people();
        couples();
        children();
        old_and_single();
        names();
    }

private:
    const District& district_;
    People& people_;
    Random random_;
    std::vector<std::vector<std::uint32_t>> men_ = std::vector<std::vector<std::uint32_t>>(130);    // without a wife, by age
    std::vector<std::vector<std::uint32_t>> wives_ = std::vector<std::vector<std::uint32_t>>(130);  // by age

    int age(std::uint32_t i) const { return people_.age(people_.all[i], people_.start); }

    std::uint32_t new_household() {
        double at = random_.unit();
        std::uint16_t community = 0;
        while (community + 1u < district_.communities.size() && (at -= district_.communities[community].weight) > 0) ++community;
        people_.households.push_back({community, static_cast<std::uint32_t>(random_.next())});
        return static_cast<std::uint32_t>(people_.households.size() - 1);
    }

    void people() {
        people_.all.resize(district_.population);
        double owed = 0;
        std::size_t group = 0;
        const auto& ages = district_.facts->ages;
        double limit = ages[0].share * district_.population;
        for (std::uint32_t i = 0; i < district_.population; ++i) {
            while (i >= limit && group + 1 < ages.size()) limit += ages[++group].share * district_.population;
            Person& person = people_.all[i];
            owed += ages[group].male;
            person.male = owed >= 1;
            if (person.male) owed -= 1;
            // Within a group of the old there are fewer the older they are.
            const double span = ages[group].to - ages[group].from + 1;
            double place = random_.unit();
            if (ages[group].from >= 60) place = 1 - std::sqrt(1 - place * (ages[group].from >= 90 ? 0.999 : 0.75));
            person.birth = people_.start - 1 - static_cast<std::int32_t>((ages[group].from + place * span) * 365.2425);
            person.school_luck = static_cast<std::uint8_t>(random_.next());
        }
    }

    void couples() {
        for (std::uint32_t i = 0; i < people_.all.size(); ++i) {
            if (people_.all[i].male && age(i) >= 20) men_[static_cast<std::size_t>(age(i))].push_back(i);
        }
        for (std::uint32_t i = 0; i < people_.all.size(); ++i) {
            Person& wife = people_.all[i];
            if (wife.male || !random_.chance(married(age(i)))) continue;
            const std::uint32_t husband = take_man(age(i) + static_cast<int>(std::lround(random_.normal(1.6, 2.6))));
            if (husband == none32) continue;
            wife.spouse = husband;
            people_.all[husband].spouse = i;
            wife.household = people_.all[husband].household = new_household();
            wives_[static_cast<std::size_t>(age(i))].push_back(i);
        }
    }

    std::uint32_t take_man(int wanted) {
        for (int off = 0; off < 12; ++off) {
            for (const int age : {wanted + off, wanted - off}) {
                if (age < 22 || age >= 130 || men_[static_cast<std::size_t>(age)].empty()) continue;
                auto& men = men_[static_cast<std::size_t>(age)];
                std::swap(men[random_.below(static_cast<std::uint32_t>(men.size()))], men.back());
                const std::uint32_t man = men.back();
                men.pop_back();
                return man;
            }
        }
        return none32;
    }

    std::uint32_t a_wife(double mean, double deviation, int least, int most) {
        for (int attempt = 0; attempt < 40; ++attempt) {
            const int age = static_cast<int>(std::lround(random_.normal(mean, deviation)));
            if (age < least || age > most || age < 0 || age >= 130) continue;
            const auto& wives = wives_[static_cast<std::size_t>(age)];
            if (!wives.empty()) return wives[random_.below(static_cast<std::uint32_t>(wives.size()))];
        }
        return none32;
    }

    void children() {
        std::vector<std::uint8_t> has(people_.all.size());
        for (std::uint32_t i = 0; i < people_.all.size(); ++i) {
            const int years = age(i);
            if (years >= 24 || (years >= 18 && random_.chance(0.12 * (years - 17)))) continue;
            if (people_.all[i].household != none32) continue;
            std::uint32_t mother = none32;
            for (int attempt = 0; attempt < 6; ++attempt) {
                mother = a_wife(years + 27.5, 4.2, years + 20, years + 44);
                if (mother == none32 || has[mother] < 2 || (has[mother] < 3 && random_.chance(0.08))) break;
            }
            if (mother == none32) continue;
            ++has[mother];
            Person& child = people_.all[i];
            child.mother = mother;
            child.father = people_.all[mother].spouse;
            child.household = people_.all[mother].household;
            Person& parent = people_.all[mother];
            parent.last_birth = std::max(parent.last_birth, child.birth);
        }
    }

    void old_and_single() {
        for (std::uint32_t i = 0; i < people_.all.size(); ++i) {
            Person& person = people_.all[i];
            const int years = age(i);
            const bool alone = person.household == none32;
            // The widowed live with a son's or daughter's family more often than couples do.
            if (years >= 60 && random_.chance(alone ? 0.40 : 0.06)) {
                const std::uint32_t host = a_wife(years - 26.0, 4.5, years - 42, years - 19);
                if (host != none32) {
                    const Person& daughter = people_.all[host];
                    const std::uint32_t child = random_.chance(0.75) ? daughter.spouse : host;
                    if (!person.male && people_.all[child].mother == none32) people_.all[child].mother = i;
                    if (person.male && people_.all[child].father == none32) people_.all[child].father = i;
                    person.household = daughter.household;
                    if (!alone) people_.all[person.spouse].household = daughter.household;
                    continue;
                }
            }
            if (!alone) continue;
            if (years < 18) {  // with grandparents or relatives
                const std::uint32_t host = a_wife(55, 10, 30, 85);
                person.household = host == none32 ? new_household() : people_.all[host].household;
            } else {
                person.household = new_household();
            }
        }
    }

    std::uint16_t any_surname() {
        double at = random_.unit() * district_.facts->surnames_total;
        std::uint16_t i = 0;
        while (i + 1u < district_.facts->surnames.size() && (at -= district_.facts->surnames[i].second) > 0) ++i;
        return i;
    }

    void names() {
        std::vector<std::uint32_t> order(people_.all.size());
        for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
        std::stable_sort(order.begin(), order.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return people_.all[a].birth < people_.all[b].birth; });
        const double fathers = district_.facts->parameter("surname_of_father_percent") / 100;
        for (const std::uint32_t i : order) {  // the oldest first: children take a parent's name
            Person& person = people_.all[i];
            const std::uint32_t parent = person.father != none32 && random_.chance(fathers) ? person.father : person.mother;
            give_name(*district_.facts, person, random_, parent == none32 ? any_surname() : people_.all[parent].surname);
        }
        // Sequence numbers follow the order of birth, odd for men: two people born on one day never share a number.
        std::int32_t day = INT32_MIN;
        std::uint16_t next[2] = {};
        for (const std::uint32_t i : order) {
            Person& person = people_.all[i];
            if (person.birth != day) {
                day = person.birth;
                next[0] = 2;
                next[1] = 1;
            }
            person.sequence = next[person.male] % 1000;
            next[person.male] = static_cast<std::uint16_t>(next[person.male] + 2);
        }
    }
};

const Given& given_list(const Facts& facts, const Person& person) {
    const int year = calendar::civil_from_days(person.birth).year;
    for (const Given& given : facts.given) {
        if (given.male == person.male && given.from <= year && year <= given.to) return given;
    }
    return facts.given[0];
}

std::string_view first_character(std::string_view name) { return name.substr(0, std::min<std::size_t>(3, name.size())); }

}  // namespace

void give_name(const Facts& facts, Person& person, Random& random, std::uint16_t surname) {
    person.surname = surname;
    const auto size = static_cast<std::uint32_t>(given_list(facts, person).names.size());
    person.given_a = static_cast<std::uint8_t>(random.below(size));
    person.given_b = random.chance(0.45) ? person.given_a : static_cast<std::uint8_t>(random.below(size));
}

std::string given_name(const Facts& facts, const Person& person) {
    const Given& list = given_list(facts, person);
    const std::string_view a = list.names[person.given_a % list.names.size()], b = list.names[person.given_b % list.names.size()];
    if (person.given_a == person.given_b || b.size() < 6) return std::string(a);
    return std::string(first_character(a)) + std::string(b.substr(3));
}

std::string name_of(const Facts& facts, const Person& person) {
    return facts.surnames[person.surname].first + given_name(facts, person);
}

std::string resident_id(const District& district, const Person& person) {
    const calendar::Civil birth = calendar::civil_from_days(person.birth);
    std::string id = fmt::format("{}{:04}{:02}{:02}{:03}", district.id_area, birth.year, birth.month, birth.day, person.sequence);
    return id + resident_check(id);
}

std::string phone_of(const District& district, std::uint32_t person, int age, std::uint32_t household) {
    // 160 and 161 were allotted to no operator.
    const std::uint64_t owner = age < 14 ? household + 0x1'0000'0000ull : person;
    return fmt::format("16{}{:08}", district.number % 2, mix(owner + district.seed) % 100'000'000);
}

std::string address_of(const District& district, const Household& household) {
    const Community& community = district.communities[household.community];
    const Facts& facts = *district.facts;
    const std::string_view town = facts.towns[community.town].name;
    if (!community.is_urban)
        return fmt::format("{}{}{}{}{}{}号", facts.province, facts.city, facts.name, town, community.name,
                           household.door % 320 + 1);
    return fmt::format("{}{}{}{}{}{}号楼{}单元{}{:02}室", facts.province, facts.city, facts.name, town, community.name,
                       household.door % 48 + 1, household.door / 64 % 5 + 1, household.door / 512 % 6 + 1,
                       household.door / 4096 % 3 + 1);
}

std::uint32_t People::household(std::uint32_t person, std::int32_t day) const {
    auto move = std::upper_bound(moves.begin(), moves.end(), Move{day, person, 0, 0});
    if (move == moves.begin() || (--move)->person != person) return all[person].household;
    return move->to;
}

int People::age(const Person& person, std::int32_t day) const {
    const calendar::Civil birth = calendar::civil_from_days(person.birth), now = calendar::civil_from_days(day);
    return now.year - birth.year - ((now.month < birth.month || (now.month == birth.month && now.day < birth.day)) ? 1 : 0);
}

People make_people(const District& district, std::int32_t start, std::int32_t end) {
    People people;
    people.start = start;
    people.end = end;
    Settler(district, people).settle();
    live_on(district, people);
    return people;
}

}  // namespace xinglin::city
