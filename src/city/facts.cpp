// SPDX-License-Identifier: Apache-2.0
// Reading the figures: people, their names, what they die of, the district.
#include "city/facts.h"

#include <fmt/format.h>

#include "calendar/calendar.h"
#include "city/facts_parts.h"
#include "city/rows.h"
#include "json/json.h"
#include "text/text.h"

namespace xinglin::city {

std::int32_t day_of(std::string_view date) {
    const auto moment = calendar::parse_date(date);
    if (!moment || moment->precision != calendar::Precision::day) return no_day;
    return static_cast<std::int32_t>(calendar::days_from_civil(moment->year, moment->month, moment->day));
}

const AgeGroup& Facts::age_group(int age) const {
    for (const AgeGroup& group : ages) {
        if (age <= group.to) return group;
    }
    return ages.back();
}

namespace {
double look_up(const std::map<std::string, double, std::less<>>& map, std::string_view name) {
    const auto found = map.find(name);
    XINGLIN_ASSERT(found != map.end());  // read_facts has seen to it
    return found->second;
}
template <typename List>
std::uint16_t index_of(const List& list, std::string_view key) {
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (list[i].key == key) return static_cast<std::uint16_t>(i);
    }
    return none16;
}
}  // namespace

double Facts::parameter(std::string_view name) const { return look_up(parameters, name); }
double Facts::fault(std::string_view name) const { return look_up(faults, name); }
std::uint16_t Facts::medicine(std::string_view key) const { return index_of(medicines, key); }
std::uint16_t Facts::panel(std::string_view key) const { return index_of(panels, key); }
std::uint16_t Facts::image(std::string_view key) const { return index_of(imaging, key); }

char sex_of(std::string_view cell) { return cell.empty() ? '\0' : cell[0]; }

namespace {

Result<Done> read_people(const content::Files& files, Facts& facts) {
    XINGLIN_TRY(const Rows ages, Rows::read(files, "city/ages.csv"));
    for (std::size_t i = 0; i < ages.size(); ++i) {
        facts.ages.push_back({static_cast<int>(ages.number(i, "from")), static_cast<int>(ages.number(i, "to")),
                              ages.number(i, "per_mille") / 1000, ages.number(i, "male_percent") / 100,
                              ages.number(i, "deaths_male"), ages.number(i, "deaths_female"), ages.number(i, "births")});
    }
    XINGLIN_CHECK(ages.trouble());
    XINGLIN_TRY(const Rows surnames, Rows::read(files, "city/surnames.csv"));
    for (std::size_t i = 0; i < surnames.size(); ++i) {
        facts.surnames.emplace_back(surnames.text(i, "surname"), surnames.number(i, "weight"));
        facts.surnames_total += facts.surnames.back().second;
    }
    XINGLIN_CHECK(surnames.trouble());
    XINGLIN_TRY(const Rows given, Rows::read(files, "city/given.csv"));
    for (std::size_t i = 0; i < given.size(); ++i) {
        Given each{static_cast<int>(given.number(i, "born_from")),
                   static_cast<int>(given.number(i, "born_to")),
                   given.text(i, "sex") == "M",
                   {}};
        for (const std::string_view name : text::split(given.text(i, "names"), ' ')) {
            if (!name.empty()) each.names.emplace_back(name);
        }
        if (each.names.empty() || each.names.size() > 255)
            return refuse(IssueCode::invalid, fmt::format("city/given.csv row {}", i + 2), "expected 1 to 255 names");
        facts.given.push_back(std::move(each));
    }
    XINGLIN_CHECK(given.trouble());
    XINGLIN_TRY(const Rows causes, Rows::read(files, "city/causes.csv"));
    for (std::size_t i = 0; i < causes.size(); ++i) {
        facts.causes.push_back({std::string(causes.text(i, "code")),
                                std::string(causes.text(i, "name")),
                                {causes.number(i, "age_0"), causes.number(i, "age_1_14"), causes.number(i, "age_15_44"),
                                 causes.number(i, "age_45_64"), causes.number(i, "age_65_79"), causes.number(i, "age_80")},
                                sex_of(causes.text(i, "sex")),
                                causes.text(i, "place") == "hospital"});
    }
    return causes.trouble();
}

Result<Done> read_days(const content::Files& files, Facts& facts) {
    XINGLIN_TRY(const Rows weather, Rows::read(files, "city/weather.csv"));
    if (weather.size() != 12) return refuse(IssueCode::invalid, "city/weather.csv", "expected 12 months");
    for (std::size_t i = 0; i < 12; ++i)
        facts.weather[i] = {weather.number(i, "mean"), weather.number(i, "deviation"), weather.number(i, "rain_days")};
    XINGLIN_CHECK(weather.trouble());
    XINGLIN_TRY(const Rows holidays, Rows::read(files, "city/holidays.csv"));
    for (std::size_t i = 0; i < holidays.size(); ++i) {
        const std::string where = fmt::format("city/holidays.csv row {}", i + 2);
        const Holiday holiday{day_of(holidays.text(i, "from")), day_of(holidays.text(i, "to")),
                              std::string(holidays.text(i, "name"))};
        if (holiday.from == no_day || holiday.to == no_day || holiday.to < holiday.from)
            return refuse(IssueCode::invalid, where, "expected two dates, YYYY-MM-DD, in order");
        facts.holidays.push_back(holiday);
        for (const std::string_view date : holidays.list(i, "workdays")) {
            if (day_of(date) == no_day) return refuse(IssueCode::invalid, where, "column workdays: expected dates, YYYY-MM-DD");
            facts.extra_workdays.push_back(day_of(date));
        }
    }
    return holidays.trouble();
}

Result<json::Value> read_json(const content::Files& files, std::string_view path, json::Arena& arena) {
    const auto text = files.read(path);
    if (!text) return refuse(IssueCode::not_found, std::string(path), "this file is needed to make a city and is not there");
    auto value = json::parse(*text, arena);
    if (!value.ok()) return refuse(IssueCode::structure, std::string(path), value.outcome().line());
    return value;
}

double number(json::Value object, std::string_view key) {
    const std::string text(object[key].text());
    return text.empty() ? 0 : std::strtod(text.c_str(), nullptr);
}

Result<Done> read_district(const content::Files& files, Facts& facts) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value district, read_json(files, "city/district.json", arena));
    facts.name = district["name"].string();
    facts.code = district["code"].string();
    facts.city = district["city"].string();
    facts.province = district["province"].string();
    facts.population = number(district, "population");
    for (const json::Node& node : district["towns"].items()) {
        const json::Value town(&node);
        facts.towns.push_back({std::string(town["code"].string()),
                               std::string(town["name"].string()),
                               town["kind"].string() == "subdistrict",
                               number(town, "population"),
                               number(town, "longitude"),
                               number(town, "latitude"),
                               {}});
    }
    for (const json::Node& node : district["institutions"].items()) {
        const json::Value each(&node);
        facts.institutions.push_back(
            {std::string(each["key"].string()), std::string(each["name"].string()), std::string(each["class"].string()),
             std::string(each["kind"].string()), std::string(each["town"].string()), std::string(each["format"].string()),
             std::string(each["encoding"].string()), static_cast<int>(number(each, "beds")), number(each, "share")});
    }
    facts.stations = static_cast<int>(number(district, "stations"));
    facts.clinics = static_cast<int>(number(district, "clinics"));
    facts.village_rooms = static_cast<int>(number(district, "village_rooms"));
    facts.pharmacies = static_cast<int>(number(district, "pharmacies"));
    facts.kindergartens = static_cast<int>(number(district, "kindergartens"));
    facts.primary = static_cast<int>(number(district, "primary_schools"));
    facts.middle = static_cast<int>(number(district, "middle_schools"));
    facts.high = static_cast<int>(number(district, "high_schools"));
    if (facts.towns.empty() || facts.institutions.empty() || facts.population < 100)
        return refuse(IssueCode::invalid, "city/district.json", "expected a population, towns and institutions");
    return Done{};
}

constexpr std::string_view needed_parameters[] = {"visits_per_resident_year",
                                                  "admissions_per_resident_year",
                                                  "length_of_stay_days",
                                                  "bed_use_percent",
                                                  "primary_share_percent",
                                                  "birth_factor",
                                                  "death_factor",
                                                  "marriages_per_1000",
                                                  "moves_within_percent",
                                                  "moves_out_per_1000",
                                                  "moves_in_per_1000",
                                                  "twins_per_1000_births",
                                                  "caesarean_percent",
                                                  "low_birth_weight_percent",
                                                  "preterm_percent",
                                                  "antenatal_managed_percent",
                                                  "child_managed_percent",
                                                  "vaccinated_percent",
                                                  "elder_checked_percent",
                                                  "insured_percent",
                                                  "employee_insurance_percent",
                                                  "surname_of_father_percent",
                                                  "calls_120_per_1000"};
constexpr std::string_view needed_faults[] = {"duplicate",      "half",         "wrong_code",  "clock_off",   "name_typo",
                                              "name_homophone", "id_missing",   "id_typo",     "id_letter_o", "id_15",
                                              "id_lent",        "phone_shared", "birth_wrong", "sex_wrong"};

Result<Done> read_parameters(const content::Files& files, Facts& facts) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value values, read_json(files, "city/parameters.json", arena));
    for (const json::Member& member : values.members())
        facts.parameters.emplace(member.key(), std::strtod(std::string(member.value().text()).c_str(), nullptr));
    for (const std::string_view name : needed_parameters) {
        if (!facts.parameters.contains(name))
            return refuse(IssueCode::required, "city/parameters.json", fmt::format("{} is missing", name));
    }
    XINGLIN_TRY(const Rows faults, Rows::read(files, "city/faults.csv"));
    for (std::size_t i = 0; i < faults.size(); ++i)
        facts.faults.emplace(faults.text(i, "fault"), faults.number(i, "per_10000") / 10'000);
    XINGLIN_CHECK(faults.trouble());
    for (const std::string_view name : needed_faults) {
        if (!facts.faults.contains(name))
            return refuse(IssueCode::required, "city/faults.csv", fmt::format("the row {} is missing", name));
    }
    return Done{};
}

}  // namespace

Result<Facts> read_facts(const content::Files& files) {
    Facts facts;
    XINGLIN_CHECK(read_district(files, facts));
    XINGLIN_CHECK(read_communities(files, facts));
    XINGLIN_CHECK(read_people(files, facts));
    XINGLIN_CHECK(read_days(files, facts));
    XINGLIN_CHECK(read_parameters(files, facts));
    XINGLIN_CHECK(read_care(files, facts));
    XINGLIN_CHECK(read_infections(files, facts));
    return facts;
}

}  // namespace xinglin::city
