// SPDX-License-Identifier: Apache-2.0
// Counting, and the plans' figures to compare with.
#include "city/statistics.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace xinglin::city {

namespace {
void add_all(std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& from) {
    to.resize(std::max(to.size(), from.size()));
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}
}  // namespace

void Statistics::add(const Statistics& o) {
    for (const auto& [to, from] : {std::pair{&person_years, o.person_years},
                                   {&stay_days, o.stay_days},
                                   {&bed_days, o.bed_days},
                                   {&beds, o.beds},
                                   {&yuan, o.yuan}})
        *to += from;
    for (const auto& [to, from] : {std::pair{&people, o.people},
                                   {&first_day, o.first_day},
                                   {&last_day, o.last_day},
                                   {&births, o.births},
                                   {&deaths, o.deaths},
                                   {&infant_deaths, o.infant_deaths},
                                   {&arrivals, o.arrivals},
                                   {&departures, o.departures},
                                   {&marriages, o.marriages},
                                   {&moves, o.moves},
                                   {&twins, o.twins},
                                   {&visits, o.visits},
                                   {&primary_visits, o.primary_visits},
                                   {&admissions, o.admissions},
                                   {&discharges, o.discharges},
                                   {&programme_visits, o.programme_visits},
                                   {&vaccinations, o.vaccinations},
                                   {&laboratory, o.laboratory},
                                   {&images, o.images},
                                   {&prescriptions, o.prescriptions},
                                   {&men, o.men},
                                   {&adults, o.adults},
                                   {&old, o.old},
                                   {&children, o.children},
                                   {&hypertension, o.hypertension},
                                   {&diabetes, o.diabetes},
                                   {&both_managed, o.both_managed},
                                   {&smi, o.smi},
                                   {&smi_managed, o.smi_managed},
                                   {&hypertension_managed, o.hypertension_managed},
                                   {&diabetes_managed, o.diabetes_managed},
                                   {&elder_checked, o.elder_checked},
                                   {&doses_due, o.doses_due},
                                   {&doses_given, o.doses_given},
                                   {&mothers, o.mothers},
                                   {&mothers_managed, o.mothers_managed},
                                   {&toddlers, o.toddlers},
                                   {&toddlers_managed, o.toddlers_managed},
                                   {&outbreaks, o.outbreaks},
                                   {&messages, o.messages}})
        *to += from;
    add_all(infections, o.infections);
    add_all(seen, o.seen);
    add_all(cards, o.cards);
    add_all(infection_deaths, o.infection_deaths);
    for (std::size_t i = 0; i < resource_types; ++i) resources[i] += o.resources[i];
}

void Statistics::count_people(const World& world) {
    const People& all = world.people;
    const std::size_t kinds = world.facts.pathogens.size();
    for (auto* list : {&infections, &seen, &cards, &infection_deaths}) list->resize(kinds);
    for (const Person& person : all.all) {
        if (person.arrive >= world.now) continue;
        ++people;
        const std::int32_t from = std::max(all.start, person.arrive), until = std::min(world.now, person.until());
        if (until > from) person_years += (until - from) / 365.2425;
        first_day += person.here(all.start);
        last_day += person.here(world.now - 1);
        if (person.arrive == person.birth) ++births, twins += person.is_twin;
        else arrivals += person.arrive != INT32_MIN;
        departures += person.leave < world.now && person.leave <= person.death;
        if (person.death >= world.now || person.leave < person.death) continue;
        ++deaths;
        infant_deaths += person.death - person.birth < 365;
        if (person.cause != none16 && (person.cause & 0x8000) != 0) ++infection_deaths[person.cause & 0x7FFF];
    }
    for (const Marriage& each : all.marriages) marriages += each.day < world.now;
    for (const Move& each : all.moves) moves += each.day < world.now;
    beds += world.district.beds();
    for (const Outbreak& each : world.epidemic.outbreaks) outbreaks += each.day < world.now;
    for (const Infection& infection : world.epidemic.infections) {
        if (infection.day >= world.now) continue;
        ++infections[infection.pathogen];
        seen[infection.pathogen] += infection.visit < world.now;
        cards[infection.pathogen] += infection.card < world.now;
    }
}

void Statistics::count_story(const World& world, const Story& story) {
    const People& all = world.people;
    const Person& person = all.all[story.person];
    std::set<std::string_view> programmes;
    for (const Visit& visit : story.visits) {
        if (visit.day() >= world.now) break;
        const Institution& at = world.district.institutions[visit.institution];
        programmes.insert(visit.programme);
        laboratory += visit.labs.size();
        images += visit.images.size();
        prescriptions += visit.medicines.size();
        yuan += visit.total();
        if (visit.kind == VisitKind::inpatient) {
            ++admissions;
            const std::int64_t end = std::min<std::int64_t>(visit.end, world.now * 86'400ll);
            if (at.kind == Kind::hospital) bed_days += static_cast<double>(end / 86'400 - visit.start / 86'400);
            if (visit.end < world.now * 86'400ll)
                ++discharges,
                    stay_days += static_cast<double>(std::max<std::int64_t>(1, visit.end / 86'400 - visit.start / 86'400));
        } else if (visit.is_care()) {
            ++visits;
            primary_visits += at.kind != Kind::hospital && at.kind != Kind::mch;
        } else {
            ++programme_visits;
        }
    }
    for (const Vaccination& each : story.vaccinations) vaccinations += each.at < world.now * 86'400ll;
    if (!person.here(world.now - 1)) return;
    const int age = all.age(person, world.now - 1);
    men += person.male;
    adults += age >= 18;
    old += age >= 65;
    children += age < 15;
    bool managed = false;
    for (const Illness& illness : story.illnesses) {
        if (illness.onset >= world.now) continue;
        const std::string_view key = world.facts.chronic[illness.chronic].key;
        if (key == "hypertension") ++hypertension, hypertension_managed += illness.managed;
        if (key == "diabetes") ++diabetes, diabetes_managed += illness.managed;
        if (key == "smi") ++smi, smi_managed += illness.managed;
        managed = managed || (illness.managed && (key == "hypertension" || key == "diabetes"));
    }
    both_managed += managed;
    if (age >= 65 && all.start + 364 <= world.now) elder_checked += programmes.contains("老年人健康管理");
    if (age == 1 || age == 2) ++toddlers, toddlers_managed += programmes.contains("0-6岁儿童健康管理");
    if (age == 2) {  // by then: three doses of hepatitis B, two of measles, mumps and rubella
        doses_due += 5;
        for (const Vaccination& each : story.vaccinations) {
            const std::string_view code = world.facts.vaccines[each.vaccine].code;
            doses_given += code == "HepB" || code == "MMR";
        }
    }
}

std::vector<Figure> figures(const Facts& facts, const Statistics& s, double years) {
    const auto per = [](double part, double whole, double by) { return whole > 0 ? part / whole * by : 0; };
    const double residents = s.person_years / years;
    const auto count = [](std::uint64_t n) { return static_cast<double>(n); };
    return {
        {"诊疗人次（每人每年）", "次", "丹东市卫生健康“十四五”规划：2020年875.09万人次，常住219万人",
         per(count(s.visits), s.person_years, 1), 8'750'900.0 / 2'194'000, 4},
        {"其中基层医疗卫生机构", "%", "山海关区规划：30.4万，占37.2%", per(count(s.primary_visits), count(s.visits), 100), 37.2,
         6},
        {"病床使用率（医院）", "%", "山海关区规划：66.93%", per(s.bed_days, s.beds * 365.2425 * years, 100), 66.93, 6},
        {"出院者平均住院日", "日", "山海关区规划：9.1天", per(s.stay_days, count(s.discharges), 1), 9.1, 5},
        {"出院人次（每千人每年）", "人次", "山海关区规划：3.03万 / 16.5万", per(count(s.discharges), s.person_years, 1000),
         30'300.0 / 165, 6},
        {"开放床位（医院）", "张", "山海关区规划：1107张 / 16.5万", s.beds, 1107 * residents / facts.population, 4},
        {"出生率", "‰", "国家统计局：2023年6.39‰", per(count(s.births), s.person_years, 1000), 6.39, 10},
        {"死亡率", "‰", "国家统计局：2023年7.87‰", per(count(s.deaths), s.person_years, 1000), 7.87, 10},
        {"婴儿死亡率", "‰", "丹东市规划：4.09‰（2020）；四平市2.64‰；山海关区1.24‰",
         per(count(s.infant_deaths), count(s.births), 1000), 3.0, 0},
        {"65岁及以上", "%", "山海关区规划：老年人健康管理22532人 ≥ 13.7%；第七次人口普查秦皇岛市16.4%",
         per(count(s.old), count(s.last_day), 100), 16.4, 10},
        {"高血压、糖尿病等共管", "%", "山海关区规划：21921人 / 16.5万", per(count(s.both_managed), count(s.last_day), 100), 13.29,
         8},
        {"高血压患者规范管理率", "%", "丹东市规划：77.25%（2020），≥80%（2025）",
         per(count(s.hypertension_managed), count(s.hypertension), 100), 80, 6},
        {"2型糖尿病患者规范管理率", "%", "丹东市规划：75.22%（2020），≥80%（2025）",
         per(count(s.diabetes_managed), count(s.diabetes), 100), 80, 6},
        {"在管严重精神障碍患者（每千人）", "人", "山海关区规划：517人 / 16.5万",
         per(count(s.smi_managed), count(s.last_day), 1000), 3.13, 15},
        {"严重精神障碍管理率", "%", "山海关区规划：81%", per(count(s.smi_managed), count(s.smi), 100), 81, 12},
        {"65岁及以上健康管理率", "%", "丹东市规划：80%（2020）", per(count(s.elder_checked), count(s.old), 100), 80, 10},
        {"免疫规划疫苗接种率（2岁，乙肝与麻腮风5剂）", "%", "山海关区规划：99%",
         per(count(s.doses_given), count(s.doses_due), 100), 99, 7},
        {"3岁以下儿童系统管理率", "%", "山海关区规划：92.25%", per(count(s.toddlers_managed), count(s.toddlers), 100), 92.25, 6},
    };
}

}  // namespace xinglin::city
