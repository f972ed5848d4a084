// SPDX-License-Identifier: Apache-2.0
// Basic public health: follow-up of chronic conditions, checks of the old and of children, vaccination, care in pregnancy.
//
// Source: 国家基本公共卫生服务规范（第三版，2017）; the vaccination schedule of content/city/immunization.csv.
#include <algorithm>
#include <cmath>
#include <map>

#include "city/teller.h"

namespace xinglin::city {

namespace {
constexpr double month_days = 30.4375;

/// Weight in kg and height in cm by age in months (WHO growth standards, medians, rounded; boys and girls about alike).
struct Growth {
    int months;
    double kg, cm, head;
};
constexpr Growth growth[] = {{0, 3.3, 49.9, 34.3},   {1, 4.4, 54.3, 37},     {3, 6.1, 60.8, 40.1},   {6, 7.7, 66.9, 42.9},
                             {8, 8.4, 69.8, 44.1},   {12, 9.4, 75.2, 45.6},  {18, 10.7, 81.7, 46.9}, {24, 11.9, 87.1, 47.9},
                             {30, 13.0, 91.5, 48.6}, {36, 14.1, 95.6, 49.2}, {48, 16.2, 103, 50},    {60, 18.3, 110, 50.5},
                             {72, 20.5, 116, 51}};
}  // namespace

void Teller::followups() {
    for (const Illness& illness : story_.illnesses) {
        const Chronic& chronic = facts_.chronic[illness.chronic];
        if (!illness.managed || chronic.programme.empty()) continue;
        // Every quarter, on a date of one's own.
        std::int32_t day = std::max(from_, illness.onset + 14) + static_cast<std::int32_t>(random_.below(80));
        for (; day < until_; day += 84 + static_cast<std::int32_t>(random_.below(16))) {
            std::int32_t on = day;
            while (on + 1 < until_ && !world_.days.is_workday(on)) ++on;
            const Community& home = district_.communities[community(on)];
            const bool at_room = home.village_room != none16 && random_.chance(0.6);
            Visit visit = begin(VisitKind::followup, at_room ? home.village_room : district_.centre_of(community(on)), "02",
                                opening_hour(on), 15);
            visit.programme = chronic.programme;
            visit.diagnoses.push_back({chronic.code, chronic.name});
            vital_signs(visit, false);
            visit.vitals.temperature = 0;
            const double height = (person_.male ? 169 : 158) + steady(11) * 6;
            visit.vitals.weight =
                std::round((height * height / 10'000 * (24.2 + steady(12) * 3) + random_.normal(0, 0.8)) * 10) / 10;
            if (chronic.key == "diabetes")
                visit.vitals.glucose =
                    std::round(std::clamp(7.6 + steady(13) * 1.6 + random_.normal(0, 0.8), 4.2, 20.0) * 10) / 10;
            visit.medicines.clear();
            if (!chronic.medicines.empty())
                visit.medicines.push_back({chronic.medicines[mix(i_ * 64ull + illness.chronic) % chronic.medicines.size()], 30});
            visit.complaint = "随访";
            story_.visits.push_back(std::move(visit));
        }
    }
}

void Teller::elder_checks() {
    if (age(until_ - 1) < 65) return;
    Random steady(district_.seed, Purpose::condition, i_, 5);
    if (!steady.chance(facts_.parameter("elder_checked_percent") / 100)) return;
    std::int32_t day = people_.start + static_cast<std::int32_t>(steady.below(365));
    for (; day < until_; day += 365) {
        if (day < from_ || age(day) < 65) continue;
        std::int32_t on = day;
        while (on + 1 < until_ && !world_.days.is_workday(on)) ++on;
        Visit visit = begin(VisitKind::checkup, district_.centre_of(community(on)), "02", opening_hour(on), 60);
        visit.programme = "老年人健康管理";
        visit.complaint = "年度健康体检";
        visit.diagnoses.push_back({"Z00.000", "一般性医学检查"});
        vital_signs(visit, false);
        const double height = (person_.male ? 166 : 155) + this->steady(11) * 6;
        visit.vitals.height = std::round(height);
        visit.vitals.weight = std::round(height * height / 10'000 * (24.2 + this->steady(12) * 3) * 10) / 10;
        for (const std::string_view panel : {"blood", "urine", "glucose", "lipid", "liver", "kidney"})
            laboratory(visit, facts_.panel(panel), visit.start);
        const std::uint16_t ecg = facts_.image("ecg");
        visit.images.push_back({ecg, image_text(ecg), visit.start + 1800});
        story_.visits.push_back(std::move(visit));
    }
}

void Teller::child_checks() {
    if (years(from_) > 6.6) return;
    Random steady(district_.seed, Purpose::condition, i_, 6);
    if (!steady.chance(facts_.parameter("child_managed_percent") / 100)) return;
    const std::uint32_t born = world_.born_from[i_];
    double kg_at_birth = 3.3 + this->steady(14) * 0.4;
    if (born != none32) {
        const Pregnancy& pregnancy = people_.pregnancies[born];
        kg_at_birth = pregnancy.grams[pregnancy.babies[1] == i_ ? 1 : 0] / 1000.0;
    }
    for (const Growth& at : growth) {
        const std::int32_t day =
            person_.birth + static_cast<std::int32_t>(at.months == 0 ? 5 : at.months * month_days + random_.between(0, 12));
        if (day < from_ || day >= until_) continue;
        std::int32_t on = day;
        while (on + 1 < until_ && !world_.days.is_workday(on)) ++on;
        Visit visit = begin(VisitKind::child_check, district_.centre_of(community(on)), "02", opening_hour(on), 20);
        visit.programme = at.months == 0 ? "新生儿家庭访视" : "0-6岁儿童健康管理";
        visit.complaint = visit.programme;
        visit.diagnoses.push_back({"Z00.100", "儿童常规健康检查"});
        const double small = (kg_at_birth - 3.3) / std::max(1.0, at.months / 4.0);
        visit.vitals.weight =
            std::round((at.kg * (1 + this->steady(15) * 0.09 + (person_.male ? 0.02 : -0.02)) + small) * 100) / 100;
        visit.vitals.height = std::round(at.cm * (1 + this->steady(16) * 0.035) * 10) / 10;
        if (at.months < 37) visit.vitals.head = std::round(at.head * (1 + this->steady(17) * 0.025) * 10) / 10;
        if (at.months == 8 || at.months == 18 || at.months == 30) laboratory(visit, facts_.panel("blood"), visit.start);
        story_.visits.push_back(std::move(visit));
    }
}

void Teller::vaccinations() {
    if (years(people_.start) > 14.5) return;
    Random random(district_.seed, Purpose::condition, i_, 7);
    struct Due {
        std::int32_t day;
        std::uint16_t vaccine;
    };
    std::vector<Due> dues;
    const bool late = random.chance(0.06);
    for (std::uint16_t v = 0; v < facts_.vaccines.size(); ++v) {
        const Vaccine& vaccine = facts_.vaccines[v];
        if (vaccine.girls_only && (person_.male || person_.birth < day_of("2011-11-10"))) continue;
        const std::int32_t delay = vaccine.age_months == 0 ? 0 : static_cast<std::int32_t>(random.exponential(late ? 45 : 7));
        std::int32_t day = person_.birth + static_cast<std::int32_t>(std::ceil(vaccine.age_months * month_days)) + delay;
        while (vaccine.age_months > 0 && !world_.days.is_workday(day)) ++day;
        // The schedule of 2021 is taken for the years before it, too.
        const bool old_rule = vaccine.from_day < day_of("2021-12-31");
        if ((day < vaccine.from_day && !old_rule) || day >= vaccine.to_day) continue;
        if (random.chance(facts_.parameter("vaccinated_percent") / 100)) dues.push_back({day, v});
    }
    std::stable_sort(dues.begin(), dues.end(), [](const Due& a, const Due& b) { return a.day < b.day; });
    std::map<std::string_view, std::pair<int, std::int32_t>> given;  // code → last dose and its day
    for (const Due& due : dues) {
        const Vaccine& vaccine = facts_.vaccines[due.vaccine];
        const std::string_view series = vaccine.code == "bOPV" ? "IPV"
                                        : vaccine.code == "DT" ? "DTaP"
                                                               : std::string_view(vaccine.code);
        auto& [dose, last] = given[series];
        if (vaccine.dose != dose + 1 || (dose > 0 && due.day - last < 28) || due.day >= until_ || due.day < person_.birth)
            continue;
        dose = vaccine.dose;
        last = due.day;
        const std::uint16_t home = people_.households[person_.household].community;
        const std::uint16_t place =
            vaccine.age_months == 0 && vaccine.dose == 1 ? district_.hospitals[0] : district_.centre_of(home);
        story_.vaccinations.push_back(
            {due.vaccine, place, doctor(place, "05"), opening_hour(due.day),
             static_cast<std::uint32_t>(mix(due.vaccine * 1000ull + static_cast<std::uint64_t>(due.day / 60)) % 10'000)});
    }
}

void Teller::antenatal() {
    constexpr int weeks[] = {9, 16, 20, 24, 28, 32, 36, 38, 39, 40};
    for (std::uint32_t k = world_.pregnancies_first[i_]; k < world_.pregnancies_first[i_ + 1]; ++k) {
        const Pregnancy& pregnancy = people_.pregnancies[world_.pregnancies[k]];
        const std::int32_t conceived = pregnancy.delivery - pregnancy.weeks * 7;
        const bool managed = random_.chance(facts_.parameter("antenatal_managed_percent") / 100);
        const std::uint16_t where = random_.chance(0.35) ? district_.mch : hospital();
        for (const int week : weeks) {
            std::int32_t day = conceived + week * 7 + random_.between(-3, 3);
            while (!world_.days.is_workday(day)) ++day;
            if (week >= pregnancy.weeks || day >= pregnancy.delivery || day < from_ || day >= until_ ||
                !random_.chance(managed ? 0.95 : 0.35))
                continue;
            Visit visit = begin(VisitKind::antenatal, where, "05", opening_hour(day), 40);
            visit.programme = "孕产妇健康管理";
            visit.complaint = "产前检查";
            visit.week = static_cast<std::uint16_t>(week);
            const bool risk = age(day) >= 35;
            visit.diagnoses.push_back(risk ? Diagnosis{"Z35.900", "高危妊娠监督"} : Diagnosis{"Z34.900", "正常妊娠监督"});
            vital_signs(visit, false);
            visit.vitals.weight = std::round((56 + steady(12) * 7 + week * 0.33) * 10) / 10;
            if (week == 9 || week == 24 || week == 36) laboratory(visit, facts_.panel("blood"), visit.start + 300);
            laboratory(visit, facts_.panel("urine"), visit.start + 300);
            if (week < 13) prescribe(visit, {facts_.medicine("folic_acid")}, 1);
            bill(visit);
            story_.visits.push_back(std::move(visit));
        }
        for (const int after : {7, 42}) {
            const std::int32_t day = pregnancy.delivery + after;
            if (!managed || pregnancy.delivery < from_ || day >= until_) continue;
            Visit visit = begin(VisitKind::postnatal, after == 7 ? district_.centre_of(community(day)) : where,
                                after == 7 ? "02" : "05", opening_hour(day), 30);
            visit.programme = "孕产妇健康管理";
            visit.complaint = after == 7 ? "产后访视" : "产后42天健康检查";
            visit.diagnoses.push_back({"Z39.200", "常规产后随诊"});
            vital_signs(visit, false);
            story_.visits.push_back(std::move(visit));
        }
    }
}

}  // namespace xinglin::city
