// SPDX-License-Identifier: Apache-2.0
// Inside the room: telling one story; its parts stand in story.cpp, story_stays.cpp, story_programmes.cpp and laboratory.cpp.
#pragma once

#include "city/random.h"
#include "city/story.h"

namespace xinglin::city {

/// What is wrong with somebody at a visit, as far as laboratory values show it.
struct State {
    double bacterial = 0, viral = 0, anaemia = 0, liver = 0, kidney = 0, infarct = 0, failure = 0;
};

class Teller {
public:
    Teller(const World& world, std::uint32_t person);
    Story tell();

private:
    const World& world_;
    const Facts& facts_;
    const District& district_;
    const People& people_;
    const std::uint32_t i_;
    const Person& person_;
    Random random_;
    Story story_;
    std::int32_t from_, until_;
    std::uint32_t ill_ = 0;  // bits of chronic conditions on the last day

    // story.cpp
    void illnesses();
    void outpatients();
    void infections();
    void chronic_visits();
    void finish();
    int age(std::int32_t day) const { return people_.age(person_, day); }
    double years(std::int32_t day) const { return (day - person_.birth) / 365.25; }
    bool has(std::string_view chronic, std::int32_t day) const;
    std::uint16_t community(std::int32_t day) const { return people_.households[people_.household(i_, day)].community; }
    std::uint16_t primary_place(std::int32_t day);
    std::uint16_t hospital();
    std::uint32_t doctor(std::uint16_t institution, std::string_view dept);
    std::int64_t opening_hour(std::int32_t day);
    std::int64_t any_hour(std::int32_t day);
    Visit begin(VisitKind kind, std::uint16_t institution, std::string_view dept, std::int64_t start, int minutes);
    void prescribe(Visit& visit, const std::vector<std::uint16_t>& choice, int most, int days = 0);
    void vital_signs(Visit& visit, bool fever);
    void bill(Visit& visit);
    double steady(std::uint64_t purpose) const;  // a normal value that belongs to this person
    std::uint16_t image_text(std::uint16_t imaging);

    // story_stays.cpp
    void stays();
    void stay(const Complaint& complaint, std::int32_t day);
    void ward(Visit& visit, const Complaint& complaint, double los);
    void deliveries();
    void last_stay();

    // story_programmes.cpp
    void followups();
    void elder_checks();
    void child_checks();
    void vaccinations();
    void antenatal();

    // laboratory.cpp
    State state_of(const Visit& visit) const;
    void laboratory(Visit& visit, std::uint16_t panel, std::int64_t ordered);
    double value_of(const LabItem& item, const State& state, const LabReport& so_far, std::int32_t day);
};

}  // namespace xinglin::city
