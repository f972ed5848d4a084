// SPDX-License-Identifier: Apache-2.0
// Inside the room: what the city counts, beside what the plans count.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "city/fhir_writer.h"
#include "city/story.h"

namespace xinglin::city {

struct Statistics {
    double person_years = 0;
    std::uint64_t people = 0, first_day = 0, last_day = 0, births = 0, deaths = 0, infant_deaths = 0, arrivals = 0,
                  departures = 0, marriages = 0, moves = 0, twins = 0;
    std::uint64_t visits = 0, primary_visits = 0, admissions = 0, discharges = 0, programme_visits = 0, vaccinations = 0;
    std::uint64_t laboratory = 0, images = 0, prescriptions = 0, men = 0;
    double stay_days = 0, bed_days = 0, beds = 0, yuan = 0;
    std::uint64_t adults = 0, old = 0, children = 0, hypertension = 0, diabetes = 0, both_managed = 0, smi = 0, smi_managed = 0,
                  hypertension_managed = 0, diabetes_managed = 0, elder_checked = 0;
    std::uint64_t doses_due = 0, doses_given = 0, mothers = 0, mothers_managed = 0, toddlers = 0, toddlers_managed = 0;
    std::vector<std::uint64_t> infections, seen, cards, infection_deaths;  // by pathogen
    std::uint64_t outbreaks = 0;
    std::array<std::uint64_t, resource_types> resources{};
    std::uint64_t messages = 0;

    void add(const Statistics& other);
    void count_people(const World& world);
    void count_story(const World& world, const Story& story);
};

struct Figure {
    std::string name, unit, source;
    double city, plan, tolerance;  // tolerance in percent of the plan's figure; 0: shown only
    bool within() const { return tolerance == 0 || std::abs(city - plan) <= plan * tolerance / 100; }
};
/// The table of calibration.
std::vector<Figure> figures(const Facts& facts, const Statistics& statistics, double years);

}  // namespace xinglin::city
