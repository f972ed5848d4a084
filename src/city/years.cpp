// SPDX-License-Identifier: Apache-2.0
// What changes over the years: births, deaths with their causes, marriages, moves in, within and out.
#include <algorithm>
#include <unordered_map>

#include "calendar/calendar.h"
#include "city/people.h"
#include "city/random.h"

namespace xinglin::city {

namespace {

constexpr int days_of_pregnancy = 280;

class Years {
public:
    Years(const District& district, People& people)
        : district_(district), facts_(*district.facts), people_(people), random_(district.seed, Purpose::years) {}

    void run() {
        now_.resize(people_.all.size());
        for (std::size_t i = 0; i < now_.size(); ++i) now_[i] = people_.all[i].household;
        for (const Person& person : people_.all)
            taken_[person.birth * 2ll + person.male] = std::max<int>(taken_[person.birth * 2ll + person.male], person.sequence);
        for (std::int32_t month = people_.start; month < people_.end; month += 30) {
            const std::int32_t days = std::min(30, people_.end - month);
            deaths(month, days);
            births(month, days);
            marriages(month, days);
            moves(month, days);
        }
        // Women who are expecting when the story ends: their antenatal visits belong to it.
        for (std::int32_t month = people_.end; month < people_.end + days_of_pregnancy; month += 30) births(month, 30);
        std::sort(people_.moves.begin(), people_.moves.end());
    }

private:
    const District& district_;
    const Facts& facts_;
    People& people_;
    Random random_;
    std::vector<std::uint32_t> now_;               // household of each
    std::unordered_map<std::int64_t, int> taken_;  // birth day and sex → highest sequence number in use

    int month_of(std::int32_t day) const { return calendar::civil_from_days(day).month; }

    void deaths(std::int32_t from, std::int32_t days) {
        // One in seven more than the mean in January, one in seven fewer in July.
        const double season = 1 + 0.14 * std::cos(2 * std::numbers::pi * (month_of(from + days / 2) - 1) / 12.0);
        const double share = facts_.parameter("death_factor") * season * days / 365.2425 / 1000;
        for (std::uint32_t i = 0; i < people_.all.size(); ++i) {
            Person& person = people_.all[i];
            if (person.until() != never || person.arrive >= from + days) continue;
            const int age = people_.age(person, from);
            const AgeGroup& group = facts_.age_group(std::max(0, age));
            // Within five years of age the risk grows by about half; the table is its middle.
            double within = group.to - group.from == 4 && group.from >= 30 ? std::pow(1.095, age - group.from - 2) : 1;
            if (!random_.chance((person.male ? group.deaths_male : group.deaths_female) * within * share)) continue;
            person.death = from + static_cast<std::int32_t>(random_.below(static_cast<std::uint32_t>(days)));
            person.death = std::max(person.death, person.arrive == INT32_MIN ? person.death : person.arrive + 1);
            person.cause = cause(person, age);
        }
    }

    std::uint16_t cause(const Person& person, int age) {
        const std::size_t band = age < 1 ? 0 : age < 15 ? 1 : age < 45 ? 2 : age < 65 ? 3 : age < 80 ? 4 : 5;
        double total = 0;
        const auto weight = [&](const Cause& each) {
            return each.sex == 0 || (each.sex == 'M') == person.male ? each.weight[band] : 0;
        };
        for (const Cause& each : facts_.causes) total += weight(each);
        double at = random_.unit() * total;
        for (std::size_t i = 0; i < facts_.causes.size(); ++i) {
            if ((at -= weight(facts_.causes[i])) <= 0 && weight(facts_.causes[i]) > 0) return static_cast<std::uint16_t>(i);
        }
        return 0;
    }

    void births(std::int32_t from, std::int32_t days) {
        const auto residents = static_cast<std::uint32_t>(people_.all.size());
        const double share = facts_.parameter("birth_factor") * days / 365.2425 / 1000;
        for (std::uint32_t i = 0; i < residents; ++i) {
            const Person& mother = people_.all[i];
            if (mother.male || mother.spouse == none32 || !mother.here(std::min(from, people_.end - 1)) ||
                mother.until() <= from + days)
                continue;
            if (mother.last_birth != INT32_MIN && from - mother.last_birth < 420) continue;
            const int age = people_.age(mother, from);
            if (age < 16 || age > 49) continue;
            // The table counts all women; only wives have children here, and those of last year not again.
            const double wives = age < 20 ? 0.03 : age < 25 ? 0.22 : age < 30 ? 0.60 : age < 35 ? 0.78 : 0.86;
            if (random_.chance(std::min(1.0, facts_.age_group(age).births / wives * share)))
                birth(i, from + static_cast<std::int32_t>(random_.below(static_cast<std::uint32_t>(days))));
        }
    }

    void birth(std::uint32_t mother, std::int32_t day) {
        Pregnancy pregnancy{mother, day};
        people_.all[mother].last_birth = day;
        const bool twins = random_.chance(facts_.parameter("twins_per_1000_births") / 1000);
        const bool early = random_.chance(twins ? 0.5 : facts_.parameter("preterm_percent") / 100);
        pregnancy.weeks = static_cast<std::uint8_t>(early ? random_.between(31, 36) : random_.between(37, 41));
        pregnancy.caesarean = random_.chance(twins ? 0.85 : facts_.parameter("caesarean_percent") / 100);
        for (int i = 0; i < (twins ? 2 : 1); ++i) {
            const double mean = 3320 - (39 - std::min<int>(pregnancy.weeks, 39)) * 190.0 - (twins ? 250 : 0);
            pregnancy.grams[i] = static_cast<std::uint16_t>(std::clamp(random_.normal(mean, 390), 900.0, 5200.0) / 10) * 10;
            if (day < people_.end) pregnancy.babies[i] = baby(mother, day, twins, i == 0);
        }
        people_.pregnancies.push_back(pregnancy);
    }

    std::uint32_t baby(std::uint32_t mother, std::int32_t day, bool twin, bool first) {
        Person child;
        child.birth = child.arrive = day;
        child.mother = mother;
        child.father = people_.all[mother].spouse;
        child.household = now_[mother];
        child.male = random_.chance(0.527);
        if (twin && !first && random_.chance(0.35)) child.male = people_.all.back().male;  // of one egg
        child.is_twin = twin;
        child.school_luck = static_cast<std::uint8_t>(random_.next());
        const bool fathers = random_.chance(facts_.parameter("surname_of_father_percent") / 100);
        give_name(facts_, child, random_, people_.all[fathers ? child.father : mother].surname);
        if (twin && !first) {  // twins bear the name of their siblings
            child.surname = people_.all.back().surname;
            if (child.male == people_.all.back().male) child.given_a = people_.all.back().given_a;
        }
        number(child);
        people_.all.push_back(child);
        now_.push_back(child.household);
        return static_cast<std::uint32_t>(people_.all.size() - 1);
    }

    void number(Person& person) {
        int& highest = taken_[person.birth * 2ll + person.male];
        highest = highest == 0 ? (person.male ? 1 : 2) : highest + 2;
        person.sequence = static_cast<std::uint16_t>(highest % 1000);
    }

    void marriages(std::int32_t from, std::int32_t days) {
        const int wanted =
            random_.poisson(facts_.parameter("marriages_per_1000") / 1000 * district_.population * days / 365.2425);
        const auto size = static_cast<std::uint32_t>(people_.all.size());
        for (int n = 0; n < wanted; ++n) {
            for (int attempt = 0; attempt < 400; ++attempt) {
                const std::uint32_t a = random_.below(size), b = random_.below(size);
                const Person &man = people_.all[a], &woman = people_.all[b];
                if (!man.male || woman.male || man.spouse != none32 || woman.spouse != none32) continue;
                if (!man.here(from) || !woman.here(from) || man.until() <= from + days || woman.until() <= from + days) continue;
                const int his = people_.age(man, from), hers = people_.age(woman, from);
                if (his < 22 || hers < 20 || hers > 55 || std::abs(his - hers - 2) > 6 || (hers > 34 && random_.chance(0.75)))
                    continue;
                if (now_[a] == now_[b] || (man.mother != none32 && man.mother == woman.mother)) continue;
                marry(a, b, from + static_cast<std::int32_t>(random_.below(static_cast<std::uint32_t>(days))));
                break;
            }
        }
    }

    void marry(std::uint32_t husband, std::uint32_t wife, std::int32_t day) {
        people_.all[husband].spouse = wife;
        people_.all[wife].spouse = husband;
        people_.marriages.push_back({day, husband, wife});
        const std::uint16_t community = people_.households[now_[husband]].community;
        people_.households.push_back({community, static_cast<std::uint32_t>(random_.next())});
        const auto home = static_cast<std::uint32_t>(people_.households.size() - 1);
        move(husband, home, day);
        move(wife, home, day);
    }

    void move(std::uint32_t person, std::uint32_t to, std::int32_t day) {
        people_.moves.push_back({day, person, now_[person], to});
        now_[person] = to;
    }

    /// Who lives together at the moment, by household.
    std::vector<std::vector<std::uint32_t>> homes(std::int32_t day) const {
        std::vector<std::vector<std::uint32_t>> out(people_.households.size());
        for (std::uint32_t i = 0; i < people_.all.size(); ++i) {
            if (people_.all[i].here(day)) out[now_[i]].push_back(i);
        }
        return out;
    }

    void moves(std::int32_t from, std::int32_t days) {
        const auto members = homes(from);
        const double within = facts_.parameter("moves_within_percent") / 100 * days / 365.2425;
        const double out = facts_.parameter("moves_out_per_1000") / 1000 * days / 365.2425;
        const double in = facts_.parameter("moves_in_per_1000") / 1000 * days / 365.2425;
        for (const auto& home : members) {
            if (home.empty()) continue;
            const std::int32_t day = from + static_cast<std::int32_t>(random_.below(static_cast<std::uint32_t>(days)));
            const double chance = random_.unit();
            const bool settled = std::all_of(home.begin(), home.end(), [&](std::uint32_t i) {
                return people_.all[i].until() > from + days + 1 && now_[i] == now_[home[0]];
            });
            if (!settled) continue;
            if (chance < within) {
                people_.households.push_back(
                    {static_cast<std::uint16_t>(random_.below(static_cast<std::uint32_t>(district_.communities.size()))),
                     static_cast<std::uint32_t>(random_.next())});
                for (const std::uint32_t i : home) move(i, static_cast<std::uint32_t>(people_.households.size() - 1), day);
            } else if (chance < within + out) {
                if (std::any_of(home.begin(), home.end(),
                                [&](std::uint32_t i) { return people_.all[i].last_birth > from - 400; }))
                    continue;
                for (const std::uint32_t i : home) people_.all[i].leave = day;
            } else if (chance > 1 - in) {
                arrive(home, day);
            }
        }
    }

    /// A family like one that lives here moves in: the same ages, other people.
    void arrive(const std::vector<std::uint32_t>& like, std::int32_t day) {
        people_.households.push_back({people_.households[now_[like[0]]].community, static_cast<std::uint32_t>(random_.next())});
        const auto home = static_cast<std::uint32_t>(people_.households.size() - 1);
        const auto first = static_cast<std::uint32_t>(people_.all.size());
        const auto place = [&](std::uint32_t old) {
            const auto found = std::find(like.begin(), like.end(), old);
            return old == none32 || found == like.end() ? none32 : first + static_cast<std::uint32_t>(found - like.begin());
        };
        const auto surname = static_cast<std::uint16_t>(
            random_.below(static_cast<std::uint32_t>(std::min<std::size_t>(40, facts_.surnames.size()))));
        for (const std::uint32_t old : like) {
            Person person;
            const Person& model = people_.all[old];
            person.birth = std::min(model.birth + random_.between(-200, 200), day - 30);
            person.arrive = day;
            person.household = home;
            person.male = model.male;
            person.mother = place(model.mother);
            person.father = place(model.father);
            person.spouse = place(model.spouse);
            person.school_luck = static_cast<std::uint8_t>(random_.next());
            give_name(facts_, person, random_,
                      model.male || person.father != none32
                          ? surname
                          : static_cast<std::uint16_t>(random_.below(static_cast<std::uint32_t>(facts_.surnames.size()))));
            number(person);
            people_.all.push_back(person);
            now_.push_back(home);
        }
    }
};

}  // namespace

void live_on(const District& district, People& people) { Years(district, people).run(); }

}  // namespace xinglin::city
