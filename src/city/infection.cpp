// SPDX-License-Identifier: Apache-2.0
// Infection from person to person, day by day. Each infectious person meets a Poisson number of others at home, at school, at work
// and in the village; those who are not immune are infected. What the authorities see of it is drawn afterwards.
#include "city/infection.h"

#include <fmt/format.h>

#include <algorithm>

#include "calendar/calendar.h"
#include "city/mixing.h"
#include "city/random.h"

namespace xinglin::city {

namespace {

class Spread {
public:
    Spread(const District& district, const Days& days, People& people)
        : district_(district),
          facts_(*district.facts),
          days_(days),
          people_(people),
          random_(district.seed, Purpose::infection),
          mixing_(district, people, epidemic_) {}

    Epidemic run() {
        start_immunity();
        int month = 0;
        for (std::int32_t day = people_.start; day < people_.end; ++day) {
            const calendar::Civil date = calendar::civil_from_days(day);
            if (date.month != month) mixing_.arrange(day);
            month = date.month;
            plan(day);
            for (std::uint16_t p = 0; p < facts_.pathogens.size(); ++p) {
                imports(p, day);
                transmissions(p, day);
            }
        }
        for (std::uint32_t i = 0; i < epidemic_.infections.size(); ++i) see(i);
        index();
        return std::move(epidemic_);
    }

private:
    struct Boost {
        std::uint16_t outbreak;
        std::int32_t until;
    };
    const District& district_;
    const Facts& facts_;
    const Days& days_;
    People& people_;
    Random random_;
    Epidemic epidemic_;
    Mixing mixing_;
    std::vector<std::vector<std::int32_t>> immune_until_;  // by pathogen and person
    std::vector<std::vector<std::uint32_t>> active_;       // infections by pathogen
    std::vector<Boost> boosts_;

    void start_immunity() {
        active_.resize(facts_.pathogens.size());
        for (const Pathogen& pathogen : facts_.pathogens) {
            auto& until = immune_until_.emplace_back(people_.all.size(), INT32_MIN);
            for (std::size_t i = 0; i < people_.all.size(); ++i) {
                const Person& person = people_.all[i];
                const double age = (people_.start - person.birth) / 365.25;
                double share = pathogen.immune;
                if (pathogen.oldest < 100)
                    share *= std::clamp(age / 5, 0.0, 1.0);             // of a children's disease the older have had it
                if (age < 0) share = 1, until[i] = person.birth + 150;  // from the mother
                else if (random_.chance(share))
                    until[i] = people_.start + static_cast<std::int32_t>(random_.unit() * std::min(pathogen.wane_days, 50'000.0));
                if (age > pathogen.oldest) until[i] = never;
            }
        }
    }

    std::uint32_t infect(std::uint16_t p, std::uint32_t person, std::int32_t day, std::uint32_t by, Setting setting,
                         std::uint32_t place) {
        if (person == none32 || !people_.all[person].here(day) || immune_until_[p][person] > day) return none32;
        const Pathogen& pathogen = facts_.pathogens[p];
        if ((day - people_.all[person].birth) / 365.25 > pathogen.oldest) return none32;
        Infection infection{person, by, place, day};
        infection.pathogen = p;
        infection.setting = setting;
        const double wait = pathogen.key == "tuberculosis" ? 30 + random_.exponential(pathogen.incubation)
                                                           : pathogen.incubation * std::exp(random_.normal(0, 0.35));
        infection.onset = day + std::max(1, static_cast<std::int32_t>(std::lround(wait)));
        infection.symptomatic = random_.chance(pathogen.symptomatic);
        if (by != none32) infection.outbreak = epidemic_.infections[by].outbreak;
        immune_until_[p][person] =
            infection.onset + static_cast<std::int32_t>(pathogen.infectious + pathogen.wane_days * (0.5 + random_.unit()));
        const auto index = static_cast<std::uint32_t>(epidemic_.infections.size());
        if (infection.outbreak != none16) ++epidemic_.outbreaks[infection.outbreak].infections;
        epidemic_.infections.push_back(infection);
        active_[p].push_back(index);
        die(infection, index);
        return index;
    }

    /// Decided at once, so that nothing later happens to the dead.
    void die(const Infection& infection, std::uint32_t index) {
        const Pathogen& pathogen = facts_.pathogens[infection.pathogen];
        Person& person = people_.all[infection.person];
        const int age = people_.age(person, infection.day);
        if (!infection.symptomatic || age < 65) return;
        Random random(district_.seed, Purpose::infection, index + 1, 9);
        if (!random.chance(pathogen.die_65 * (age >= 80 ? 3 : 1))) return;
        const std::int32_t day = infection.onset + random.between(4, 20);
        if (day >= people_.end || day >= person.until()) return;
        person.death = day;
        person.cause = static_cast<std::uint16_t>(0x8000 + infection.pathogen);
    }

    void imports(std::uint16_t p, std::int32_t day) {
        const Pathogen& pathogen = facts_.pathogens[p];
        const double mean =
            pathogen.imports / 7 * district_.population / 100'000.0 * days_.season(day, pathogen.peak_month, pathogen.season);
        for (int n = random_.poisson(mean); n > 0; --n)
            infect(p, random_.below(static_cast<std::uint32_t>(people_.all.size())), day, none32, Setting::import, none32);
    }

    double boost(const Infection& infection, Setting setting, std::uint32_t place) const {
        for (const Boost& each : boosts_) {
            const Outbreak& outbreak = epidemic_.outbreaks[each.outbreak];
            if (facts_.outbreaks[outbreak.plan].pathogen != infection.pathogen) continue;
            const std::string_view kind = facts_.outbreaks[outbreak.plan].place;
            const bool there = (setting == Setting::work && kind == "work" && place == outbreak.place) ||
                               (setting == Setting::village && kind == "village" && place == outbreak.place) ||
                               (setting == Setting::school && kind != "work" && kind != "village" &&
                                epidemic_.classes[place].school == outbreak.place);
            if (there) return facts_.outbreaks[outbreak.plan].boost;
        }
        return 1;
    }

    void meet(std::uint32_t index, std::int32_t day, Setting setting, std::uint32_t place, double mean) {
        if (place == none32) return;
        const std::uint16_t p = epidemic_.infections[index].pathogen;
        for (int n = random_.poisson(mean * boost(epidemic_.infections[index], setting, place)); n > 0; --n) {
            std::uint32_t at = place, other = none32;
            if (setting == Setting::household) other = mixing_.anyone(mixing_.homes[place], random_);
            if (setting == Setting::work) other = mixing_.anyone(mixing_.works[place], random_);
            if (setting == Setting::village) {
                if (random_.chance(0.25)) at = random_.below(static_cast<std::uint32_t>(mixing_.villages.size()));
                other = mixing_.anyone(mixing_.villages[at], random_);
            }
            if (setting == Setting::school) {
                if (random_.chance(0.2)) at = another_class(place);
                other = mixing_.anyone(mixing_.classes[at], random_);
            }
            if (other == none32 || other == epidemic_.infections[index].person) continue;
            if (setting == Setting::household &&
                people_.household(other, day) != people_.household(epidemic_.infections[index].person, day))
                continue;
            infect(p, other, day, index, setting, at);
        }
    }

    std::uint32_t another_class(std::uint32_t place) {
        const std::uint16_t school = epidemic_.classes[place].school;
        const auto year = epidemic_.classes[place].year;
        for (int attempt = 0; attempt < 8; ++attempt) {
            const int off = random_.between(-12, 12);
            const auto other = static_cast<std::int64_t>(place) + off;
            if (other < 0 || other >= static_cast<std::int64_t>(epidemic_.classes.size())) continue;
            const Class& each = epidemic_.classes[static_cast<std::size_t>(other)];
            if (each.school == school && each.year == year) return static_cast<std::uint32_t>(other);
        }
        return place;
    }

    void transmissions(std::uint16_t p, std::int32_t day) {
        const Pathogen& pathogen = facts_.pathogens[p];
        const double season = days_.season(day, pathogen.peak_month, pathogen.season);
        const auto length = std::max(1, static_cast<std::int32_t>(std::lround(pathogen.infectious)));
        auto& active = active_[p];
        const std::size_t known = active.size();  // those infected today infect nobody today
        for (std::size_t a = 0; a < known; ++a) {
            const Infection infection = epidemic_.infections[active[a]];
            // From the day before the first symptom on; tuberculosis from its onset.
            const std::int32_t first = std::max(infection.day + 1, infection.onset - (pathogen.incubation > 100 ? 0 : 1));
            if (day < first || day >= first + length || !people_.all[infection.person].here(day)) continue;
            const double daily = pathogen.r0 / length * season * (infection.symptomatic ? 1.25 : 0.6);
            const bool ill = infection.symptomatic && day >= infection.onset + 1;  // stays at home
            meet(active[a], day, Setting::household, mixing_.home[infection.person], daily * pathogen.household);
            meet(active[a], day, Setting::village, people_.households[people_.household(infection.person, day)].community,
                 daily * pathogen.village * (ill ? 0.5 : 1));
            if (days_.is_school_day(day))
                meet(active[a], day, Setting::school, mixing_.in_class[infection.person],
                     daily * pathogen.school * (ill ? 0.6 : 2.2));
            if (days_.is_workday(day))
                meet(active[a], day, Setting::work, mixing_.at_work[infection.person], daily * pathogen.work * (ill ? 0.5 : 1.8));
        }
        std::erase_if(active, [&](std::uint32_t i) { return epidemic_.infections[i].onset + length < day; });
    }

    void plan(std::int32_t day) {
        std::erase_if(boosts_, [&](const Boost& boost) { return boost.until <= day; });
        const calendar::Civil date = calendar::civil_from_days(day);
        const auto of_year = static_cast<int>(day - calendar::days_from_civil(date.year, 1, 1)) + 1;
        for (std::uint16_t o = 0; o < facts_.outbreaks.size(); ++o) {
            const PlannedOutbreak& planned = facts_.outbreaks[o];
            if (planned.day_of_year != of_year || people_.end - day < 10) continue;
            const std::vector<std::uint32_t> members = place_of(planned);
            if (members.size() < 12) continue;
            const auto number = static_cast<std::uint16_t>(epidemic_.outbreaks.size());
            epidemic_.outbreaks.push_back({o, day, chosen_});
            int seeds = 0;
            for (int attempt = 0; attempt < 200 && seeds < planned.seeds; ++attempt) {
                const std::uint32_t index =
                    infect(planned.pathogen, mixing_.anyone(members, random_), day, none32, Setting::outbreak, chosen_);
                if (index == none32) continue;
                epidemic_.infections[index].outbreak = number;
                epidemic_.infections[index].symptomatic = true;
                ++epidemic_.outbreaks[number].infections;
                ++seeds;
            }
            boosts_.push_back({number, day + 21});
        }
    }

    std::uint32_t chosen_ = 0;
    std::vector<std::uint32_t> place_of(const PlannedOutbreak& planned) {
        if (planned.place == "work" || planned.place == "village") {
            const auto& groups = planned.place == "work" ? mixing_.works : mixing_.villages;
            std::vector<std::uint32_t> fitting;
            for (std::uint32_t g = 0; g < groups.size(); ++g) {
                if (groups[g].size() >= 25 && (planned.place == "work" || !district_.communities[g].is_urban))
                    fitting.push_back(g);
            }
            if (fitting.empty()) return {};
            chosen_ = fitting[random_.below(static_cast<std::uint32_t>(std::min<std::size_t>(fitting.size(), 12)))];
            return groups[chosen_];
        }
        const SchoolKind kind = planned.place == "kindergarten" ? SchoolKind::kindergarten
                                : planned.place == "primary"    ? SchoolKind::primary
                                : planned.place == "middle"     ? SchoolKind::middle
                                                                : SchoolKind::high;
        std::vector<std::uint32_t> schools;
        for (std::uint32_t s = 0; s < district_.schools.size(); ++s) {
            if (district_.schools[s].kind == kind) schools.push_back(s);
        }
        if (schools.empty()) return {};
        for (int attempt = 0; attempt < 10; ++attempt) {
            chosen_ = schools[random_.below(static_cast<std::uint32_t>(schools.size()))];
            std::vector<std::uint32_t> members;
            for (std::size_t c = 0; c < mixing_.classes.size(); ++c) {
                if (epidemic_.classes[c].school == chosen_ && members.size() < 60)
                    members.insert(members.end(), mixing_.classes[c].begin(), mixing_.classes[c].end());
            }
            if (members.size() >= 12) return members;
        }
        return {};
    }

    void see(std::uint32_t index) {
        Infection& infection = epidemic_.infections[index];
        const Pathogen& pathogen = facts_.pathogens[infection.pathogen];
        const Person& person = people_.all[infection.person];
        Random random(district_.seed, Purpose::infection, index + 1, 7);
        if (!infection.symptomatic || infection.onset >= people_.end || !person.here(infection.onset)) return;
        const int age = people_.age(person, infection.onset);
        const double old = age >= 65 ? 1.35 : 1;
        const std::uint32_t in_class = class_at(infection.person, infection.onset);
        if (in_class != none32 && random.chance(pathogen.absent)) {
            infection.in_class = in_class;
            infection.absent_days = static_cast<std::uint8_t>(std::min(10, 1 + random.poisson(pathogen.infectious * 0.4)));
        }
        if (random.chance(pathogen.pharmacy)) infection.buys = infection.onset + random.between(0, 2);
        if (random.chance(pathogen.call_120 * (age >= 75 ? 5 : old))) infection.call = infection.onset + random.between(0, 3);
        if (random.chance(std::min(0.97, (age < 15 ? pathogen.care_child : pathogen.care_adult) * old))) {
            infection.visit = infection.onset + static_cast<std::int32_t>(random.exponential(pathogen.care_delay));
            if (!person.here(infection.visit) || infection.visit >= people_.end) infection.visit = never;
        }
        if (infection.visit != never) {
            infection.admitted = random.chance(std::min(0.9, pathogen.admit * (age >= 65 ? 5 : age < 5 ? 1.6 : 1)));
            infection.tested = random.chance(pathogen.test);
            infection.positive = infection.tested && random.chance(0.92);
            const bool found = infection.positive || (!infection.tested && random.chance(0.45));
            if (pathogen.notifiable && found && random.chance(0.94))
                infection.card = infection.visit + static_cast<std::int32_t>(random.exponential(pathogen.report_days));
        }
    }

    std::uint32_t class_at(std::uint32_t person, std::int32_t day) {
        if ((day - people_.all[person].birth) / 365.25 > 19) return none32;
        return mixing_.class_of_person(person, day);
    }

    void index() {
        epidemic_.of_person_first.assign(people_.all.size() + 1, 0);
        for (const Infection& infection : epidemic_.infections) ++epidemic_.of_person_first[infection.person + 1];
        for (std::size_t i = 1; i < epidemic_.of_person_first.size(); ++i)
            epidemic_.of_person_first[i] += epidemic_.of_person_first[i - 1];
        epidemic_.of_person.resize(epidemic_.infections.size());
        std::vector<std::uint32_t> next = epidemic_.of_person_first;
        for (std::uint32_t i = 0; i < epidemic_.infections.size(); ++i)
            epidemic_.of_person[next[epidemic_.infections[i].person]++] = i;
    }
};

}  // namespace

Epidemic spread(const District& district, const Days& days, People& people) { return Spread(district, days, people).run(); }

std::string_view setting_name(Setting setting) {
    constexpr std::string_view names[] = {"import", "outbreak", "household", "school", "work", "village"};
    return names[static_cast<std::size_t>(setting)];
}

std::string place_name(const District& district, const Epidemic& epidemic, const Infection& infection) {
    if (infection.place == none32) return "";
    switch (infection.setting) {
        case Setting::household: return fmt::format("household-{}", infection.place);
        case Setting::work: return fmt::format("work-{}", infection.place);
        case Setting::village: return district.communities[infection.place].code;
        case Setting::school: {
            const Class& each = epidemic.classes[infection.place];
            return fmt::format("{}/{}-{}/{}", district.schools[each.school].key, each.grade, each.section, each.year);
        }
        case Setting::outbreak: {
            const std::string_view kind =
                infection.outbreak == none16
                    ? ""
                    : std::string_view(district.facts->outbreaks[epidemic.outbreaks[infection.outbreak].plan].place);
            if (kind == "work") return fmt::format("work-{}", infection.place);
            if (kind == "village") return district.communities[infection.place].code;
            return district.schools[infection.place].key;
        }
        case Setting::import: break;
    }
    return "";
}

}  // namespace xinglin::city
