// SPDX-License-Identifier: Apache-2.0
// Calibration: how often each age goes to a doctor, so that the totals of a year are those of the plans.
#include <algorithm>
#include <cmath>

#include "calendar/calendar.h"
#include "city/random.h"
#include "city/story.h"

namespace xinglin::city {

std::size_t visit_band(int age) { return age < 6 ? 0 : age < 15 ? 1 : age < 45 ? 2 : age < 65 ? 3 : 4; }
std::size_t stay_band(int age) { return age < 1 ? 0 : age < 15 ? 1 : age < 45 ? 2 : age < 65 ? 3 : 4; }

double complaint_weight(const Complaint& complaint, std::size_t band, bool male, std::int32_t day, const Days& days) {
    if (complaint.sex != 0 && (complaint.sex == 'M') != male) return 0;
    double weight = complaint.weight[band] * days.season(day, complaint.peak_month, complaint.season);
    // A cold spell brings more coughs than the calendar says.
    if (complaint.code[0] == 'J') weight *= 1 + 0.012 * std::clamp(8 - days.temperature(day), -15.0, 25.0);
    return weight;
}

double prevalence(const Chronic& chronic, double age) {
    constexpr double middle[] = {8, 25, 40, 50, 60, 70, 82};
    if (age <= middle[0]) return chronic.prevalence[0];
    for (std::size_t i = 1; i < std::size(middle); ++i) {
        if (age > middle[i]) continue;
        const double part = (age - middle[i - 1]) / (middle[i] - middle[i - 1]);
        return chronic.prevalence[i - 1] * (1 - part) + chronic.prevalence[i] * part;
    }
    return chronic.prevalence.back();
}

namespace {

Cumulative cumulative(const Facts& facts, const Days& days, bool stays, std::size_t band, bool male) {
    Cumulative out{0};
    for (std::int32_t day = days.start(); day < days.end(); ++day) {
        double weight = 0;
        for (const Complaint& each : stays ? facts.stays : facts.visits) weight += complaint_weight(each, band, male, day, days);
        out.push_back(out.back() + weight * (stays ? days.admissions(day) : days.outpatients(day)));
    }
    return out;
}

struct Expected {
    double person_years = 0, visits = 0, stays = 0, stay_days = 0;  // of the table, before they are scaled
    double chronic_visits = 0, infection_visits = 0, infection_stays = 0, antenatal = 0, deliveries = 0, death_stays = 0;
};

/// Mean length of the stays of a band, by the table.
double mean_length(const Facts& facts, std::size_t band, bool male) {
    double weight = 0, days = 0;
    for (const Complaint& each : facts.stays) {
        if (each.sex != 0 && (each.sex == 'M') != male) continue;
        weight += each.weight[band];
        days += each.weight[band] * each.los;
    }
    return weight > 0 ? days / weight : 0;
}

Expected expect(const World& world) {
    Expected out;
    double length[5][2];
    for (std::size_t band = 0; band < 5; ++band) {
        for (const bool male : {false, true}) length[band][male] = mean_length(world.facts, band, male);
    }
    const People& people = world.people;
    for (const Person& person : people.all) {
        const std::int32_t from = std::max(people.start, person.arrive), until = std::min(people.end, person.until());
        if (from >= until) continue;
        const double years = (until - from) / 365.25, age = ((from + until) / 2 - person.birth) / 365.25;
        const auto share = [&](const Cumulative& sums) {
            return sums[static_cast<std::size_t>(until - people.start)] - sums[static_cast<std::size_t>(from - people.start)];
        };
        out.person_years += years;
        out.visits += share(world.visits[visit_band(static_cast<int>(age))][person.male]);
        const std::size_t band = stay_band(static_cast<int>(age));
        out.stays += share(world.stays[band][person.male]);
        out.stay_days += share(world.stays[band][person.male]) * length[band][person.male];
        for (const Chronic& chronic : world.facts.chronic) {
            if (chronic.sex == 0 || (chronic.sex == 'M') == person.male)
                out.chronic_visits += prevalence(chronic, age) * chronic.visits * years;
        }
        if (person.death < people.end) out.death_stays += 0.3;
    }
    for (const Infection& infection : world.epidemic.infections) {
        out.infection_visits += infection.visit != never;
        out.infection_stays += infection.visit != never && infection.admitted;
    }
    for (const Pregnancy& pregnancy : people.pregnancies) {
        if (pregnancy.delivery < people.end) ++out.deliveries;
        out.antenatal += 8;
    }
    return out;
}

}  // namespace

World::World(const Facts& f, const District& d, const Days& dd, const People& p, const Epidemic& e, std::int32_t today)
    : facts(f), district(d), days(dd), people(p), epidemic(e), now(today) {
    for (std::size_t band = 0; band < 5; ++band) {
        for (const bool male : {false, true}) {
            visits[band][male] = cumulative(facts, days, false, band, male);
            stays[band][male] = cumulative(facts, days, true, band, male);
        }
    }
    const Expected expected = expect(*this);
    const double wanted_visits = facts.parameter("visits_per_resident_year") * expected.person_years - expected.chronic_visits -
                                 expected.infection_visits - expected.antenatal;
    const double wanted_stays = facts.parameter("admissions_per_resident_year") * expected.person_years -
                                expected.infection_stays - expected.deliveries - expected.death_stays;
    // A few are dropped again because the person lies in hospital at the time.
    const double visit_factor = std::max(0.0, wanted_visits / expected.visits * 1.015),
                 stay_factor = std::max(0.0, wanted_stays / expected.stays * 1.02);
    const double all_stays = wanted_stays + expected.infection_stays + expected.deliveries + expected.death_stays;
    const double other_days = 6.5 * expected.infection_stays + 4.9 * expected.deliveries + 6.0 * expected.death_stays;
    if (expected.stay_days > 0 && wanted_stays > 0)
        stay_length = (facts.parameter("length_of_stay_days") * all_stays - other_days) /
                      (wanted_stays * expected.stay_days / expected.stays);
    for (std::size_t band = 0; band < 5; ++band) {
        for (const bool male : {false, true}) {
            for (double& sum : visits[band][male]) sum *= visit_factor;
            for (double& sum : stays[band][male]) sum *= stay_factor;
        }
    }
    const double share = facts.parameter("primary_share_percent") / 37.2;
    primary = {std::min(1.0, 0.34 * share), std::min(1.0, 0.565 * share), std::min(1.0, 0.04 * share)};

    pregnancies_first.assign(people.all.size() + 1, 0);
    born_from.assign(people.all.size(), none32);
    for (const Pregnancy& each : people.pregnancies) ++pregnancies_first[each.mother + 1];
    for (std::size_t i = 1; i < pregnancies_first.size(); ++i) pregnancies_first[i] += pregnancies_first[i - 1];
    pregnancies.resize(people.pregnancies.size());
    std::vector<std::uint32_t> next = pregnancies_first;
    for (std::uint32_t i = 0; i < people.pregnancies.size(); ++i) {
        const Pregnancy& each = people.pregnancies[i];
        pregnancies[next[each.mother]++] = i;
        for (const std::uint32_t baby : each.babies) {
            if (baby != none32) born_from[baby] = i;
        }
    }
}

}  // namespace xinglin::city
