// SPDX-License-Identifier: Apache-2.0
// Inside the room: the figures of content/city as the program uses them. Sources of the figures: docs/sources.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "outcome/outcome.h"

namespace xinglin::city {

constexpr std::uint16_t none16 = 0xFFFF;
constexpr std::uint32_t none32 = 0xFFFF'FFFF;

struct AgeGroup {
    int from, to;
    double share, male;                 // of all; men of these
    double deaths_male, deaths_female;  // per 1,000 and year
    double births;                      // per 1,000 women and year
};
struct Given {
    int from, to;
    bool male;
    std::vector<std::string> names;
};
struct Cause {
    std::string code, name;
    std::array<double, 6> weight;  // below 1, 15, 45, 65, 80, older
    char sex;                      // 'M', 'F' or 0
    bool in_hospital;
};
struct Medicine {
    std::string key, atc, name, strength, dose, dose_unit, route;
    int times_a_day, days;
    double price;
    bool as_needed;
};
struct LabItem {
    std::string key, code, name, unit, ucum, factor;
    double low[2], high[2], mean[2], deviation[2];  // [female, male]
    int decimals;
    std::uint16_t panel;
    bool is_test() const { return factor.starts_with("test:"); }
};
struct Panel {
    std::string key, name, code;
    double price;
    std::vector<std::uint16_t> items;
};
struct ImagingText {
    double percent;
    std::string finding, conclusion;
};
struct Imaging {
    std::string key, name, modality, code;
    double price;
    std::vector<ImagingText> texts;
};
/// What brings people to a doctor, for outpatients and for stays.
struct Complaint {
    std::string code, name, dept, text, procedure, procedure_name;
    std::array<double, 5> weight;
    char sex;
    int peak_month;  // 0: none
    double season;
    int level;         // 0: anywhere, 1: rather primary, 2: rather hospital
    double los, cost;  // stays: days, yuan
    double lab, imaging_percent, procedure_percent;
    std::vector<std::uint16_t> medicines, panels;
    std::uint16_t imaging;
};
struct Chronic {
    std::string key, code, name, dept, programme;
    char sex;
    std::array<double, 7> prevalence;  // below 15, 35, 45, 55, 65, 75, older; never falling with age where it is looked up
    double managed, visits;
    std::vector<std::uint16_t> medicines, panels;
};
struct Vaccine {
    std::string code, name, prevents, route;
    int dose, of_doses, age_months;
    bool girls_only;
    std::int32_t from_day, to_day;  // the rule is in force; to_day exclusive
};
struct Pathogen {
    std::string key, name, card_name, code, code_name, complaint, clinic;  // card_name: as the law calls it
    double r0, household, school, work, village, incubation, infectious, symptomatic, immune, wane_days;
    int peak_month;
    double season, imports, oldest, care_child, care_adult, care_delay, admit, die_65, test, report_days, pharmacy, call_120,
        absent;
    bool notifiable;
    std::uint16_t panel;
    std::vector<std::uint16_t> medicines;
};
struct PlannedOutbreak {
    std::string key, place, name;
    std::uint16_t pathogen;
    int day_of_year, seeds;
    double boost;
};
struct Month {
    double mean, deviation, rain_days;
};
struct Town {
    std::string code, name;
    bool is_urban;
    double population, longitude, latitude;
    std::vector<std::pair<std::string, std::string>> communities;  // 12-digit code, name
};
struct InstitutionFact {
    std::string key, name, institution_class, kind, town, format, encoding;
    int beds;
    double share;
};
struct Holiday {
    std::int32_t from, to;  // inclusive
    std::string name;
};

struct Facts {
    std::string name, code, city, province;
    double population = 0;
    std::vector<Town> towns;
    std::vector<InstitutionFact> institutions;
    int stations = 0, clinics = 0, village_rooms = 0, pharmacies = 0, kindergartens = 0, primary = 0, middle = 0, high = 0;
    std::vector<AgeGroup> ages;
    std::vector<std::pair<std::string, double>> surnames;
    double surnames_total = 0;
    std::vector<Given> given;
    std::vector<Cause> causes;
    std::vector<Medicine> medicines;
    std::vector<LabItem> items;
    std::vector<Panel> panels;
    std::vector<Imaging> imaging;
    std::vector<Complaint> visits, stays;
    std::vector<Chronic> chronic;
    std::vector<Vaccine> vaccines;
    std::vector<Pathogen> pathogens;
    std::vector<PlannedOutbreak> outbreaks;
    std::array<Month, 12> weather{};
    std::vector<Holiday> holidays;
    std::vector<std::int32_t> extra_workdays;
    std::map<std::string, double, std::less<>> faults;  // share, 0 … 1
    std::map<std::string, double, std::less<>> parameters;

    const AgeGroup& age_group(int age) const;
    double parameter(std::string_view name) const;
    double fault(std::string_view name) const;
    std::uint16_t medicine(std::string_view key) const;
    std::uint16_t panel(std::string_view key) const;
    std::uint16_t image(std::string_view key) const;
};

/// Reads all of it. Refuses with file, row and column what is missing, unreadable or names something that is not there.
Result<Facts> read_facts(const content::Files& files);

/// Communities below each town of `facts` from content/areas.
Result<Done> read_communities(const content::Files& files, Facts& facts);

/// "2026-11-22" as a day; nothing when it is no date.
std::int32_t day_of(std::string_view date);
constexpr std::int32_t no_day = INT32_MAX;

}  // namespace xinglin::city
