// SPDX-License-Identifier: Apache-2.0
// Inside the room: what happens to one person: visits, stays, results, medicines, vaccinations.
//
// A story is made from the seed and the person's number alone, in any order and by any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "city/infection.h"

namespace xinglin::city {

enum class VisitKind : std::uint8_t { outpatient, emergency, inpatient, followup, checkup, child_check, antenatal, postnatal };
enum class Fee : std::uint8_t { consultation, medicine, laboratory, imaging, treatment, operation, bed, nursing };
constexpr std::size_t fees = 8;

struct Diagnosis {
    std::string_view code, name;
};
struct LabResult {
    std::uint16_t item;
    double value;
    std::int8_t flag;  // -1 below, 0 within, 1 above the reference range; of a test: 1 positive
};
struct LabReport {
    std::uint16_t panel;
    std::int64_t ordered, at;
    std::vector<LabResult> results;
};
struct ImageReport {
    std::uint16_t imaging, text;
    std::int64_t at;
};
struct Prescription {
    std::uint16_t medicine;
    std::uint16_t days;
};
/// 0: not taken.
struct Vitals {
    double temperature = 0, pulse = 0, systolic = 0, diastolic = 0, height = 0, weight = 0, glucose = 0, head = 0;
};

struct Visit {
    VisitKind kind = VisitKind::outpatient;
    std::uint16_t institution = 0;
    std::uint32_t doctor = 0;         // of District::doctors
    std::int64_t start = 0, end = 0;  // seconds since 1970, local
    std::string_view dept, complaint, programme, procedure, procedure_name;
    std::int64_t procedure_at = 0;
    std::vector<Diagnosis> diagnoses;  // the principal one first
    std::vector<LabReport> labs;
    std::vector<ImageReport> images;
    std::vector<Prescription> medicines;
    Vitals vitals;
    std::array<float, fees> fee{};
    std::uint32_t infection = none32;
    std::uint16_t week = 0;  // of the pregnancy
    bool died = false;
    std::uint32_t number = 0;  // in the story

    bool is_care() const { return kind <= VisitKind::inpatient || kind == VisitKind::antenatal; }
    std::int32_t day() const { return static_cast<std::int32_t>(start / 86'400); }
    double total() const;
};
struct Vaccination {
    std::uint16_t vaccine, institution;
    std::uint32_t doctor;
    std::int64_t at;
    std::uint32_t lot;
};
struct Illness {
    std::uint16_t chronic;
    std::int32_t onset;
    bool managed;
};

struct Story {
    std::uint32_t person = 0;
    std::vector<Illness> illnesses;
    std::vector<Visit> visits;  // in order of time
    std::vector<Vaccination> vaccinations;
    std::uint8_t insurance = 0;  // 0 none, 1 employees, 2 residents
    std::uint8_t allergy = 0;    // 0 none, 1 penicillin, 2 cephalosporin, 3 sulfonamide, 4 seafood
};

/// Cumulative expected visits from the first day on, for one age band and sex.
using Cumulative = std::vector<double>;

/// Everything that stories need and that does not change.
struct World {
    const Facts& facts;
    const District& district;
    const Days& days;
    const People& people;
    const Epidemic& epidemic;
    std::vector<std::uint32_t> pregnancies_first, pregnancies;  // of each mother
    std::vector<std::uint32_t> born_from;                       // of each person: a pregnancy or none32
    std::array<std::array<Cumulative, 2>, 5> visits, stays;     // by band and sex; scaled so that the year's totals come out
    std::array<double, 3> primary{};                            // chance of a primary institution by level
    double stay_length = 1;                                     // factor on the lengths of the table
    std::int32_t now;                                           // what is on this day or later has not been written down yet

    World(const Facts& facts, const District& district, const Days& days, const People& people, const Epidemic& epidemic,
          std::int32_t now);
};

std::size_t visit_band(int age);
std::size_t stay_band(int age);
double complaint_weight(const Complaint& complaint, std::size_t band, bool male, std::int32_t day, const Days& days);

Story tell(const World& world, std::uint32_t person);

/// 人群分类 of a report card.
std::string_view card_occupation(int age);
/// Do those who fill in the card know by then that it is part of an outbreak?
bool is_known_outbreak(const Epidemic& epidemic, const Infection& infection, std::int32_t day);

/// The share of people of an age who have a chronic condition.
double prevalence(const Chronic& chronic, double age);

}  // namespace xinglin::city
