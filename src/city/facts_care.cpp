// SPDX-License-Identifier: Apache-2.0
// Reading the figures of care: medicines, laboratory, what brings people to a doctor, vaccines, infections.
#include <fmt/format.h>

#include <algorithm>

#include "city/facts_parts.h"
#include "city/rows.h"
#include "text/text.h"

namespace xinglin::city {

namespace {

Result<Done> read_medicines(const content::Files& files, Facts& facts) {
    XINGLIN_TRY(const Rows rows, Rows::read(files, "city/medicines.csv"));
    const auto text = [&](std::size_t i, std::string_view column) { return std::string(rows.text(i, column)); };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        facts.medicines.push_back({text(i, "key"), text(i, "atc"), text(i, "name"), text(i, "strength"), text(i, "dose"),
                                   text(i, "dose_unit"), text(i, "route"), static_cast<int>(rows.number(i, "times_a_day")),
                                   static_cast<int>(rows.number(i, "days")), rows.number(i, "price"), text(i, "prn") == "1"});
        rows.number(i, "dose");
    }
    return rows.trouble();
}

Result<Done> read_laboratory(const content::Files& files, Facts& facts) {
    XINGLIN_TRY(const Rows rows, Rows::read(files, "city/laboratory.csv"));
    const auto text = [&](std::size_t i, std::string_view column) { return std::string(rows.text(i, column)); };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (facts.panels.empty() || facts.panels.back().key != rows.text(i, "panel"))
            facts.panels.push_back({text(i, "panel"), text(i, "panel_name"), text(i, "panel_code"), rows.number(i, "price"), {}});
        facts.panels.back().items.push_back(static_cast<std::uint16_t>(facts.items.size()));
        facts.items.push_back({text(i, "key"),
                               text(i, "code"),
                               text(i, "name"),
                               text(i, "unit"),
                               text(i, "ucum"),
                               text(i, "factor"),
                               {rows.number(i, "low_f"), rows.number(i, "low_m")},
                               {rows.number(i, "high_f"), rows.number(i, "high_m")},
                               {rows.number(i, "mean_f"), rows.number(i, "mean_m")},
                               {rows.number(i, "sd_f"), rows.number(i, "sd_m")},
                               static_cast<int>(rows.number(i, "decimals")),
                               static_cast<std::uint16_t>(facts.panels.size() - 1)});
    }
    XINGLIN_CHECK(rows.trouble());
    XINGLIN_TRY(const Rows images, Rows::read(files, "city/imaging.csv"));
    for (std::size_t i = 0; i < images.size(); ++i) {
        if (facts.imaging.empty() || facts.imaging.back().key != images.text(i, "key"))
            facts.imaging.push_back({std::string(images.text(i, "key")),
                                     std::string(images.text(i, "name")),
                                     std::string(images.text(i, "modality")),
                                     std::string(images.text(i, "code")),
                                     images.number(i, "price"),
                                     {}});
        facts.imaging.back().texts.push_back(
            {images.number(i, "percent"), std::string(images.text(i, "finding")), std::string(images.text(i, "conclusion"))});
    }
    return images.trouble();
}

/// The keys of a cell as places in a list; refuses a key that is not there.
template <typename Find>
Result<std::vector<std::uint16_t>> places(const Rows& rows, std::size_t i, std::string_view column, std::string_view file,
                                          Find find) {
    std::vector<std::uint16_t> out;
    for (const std::string_view key : rows.list(i, column)) {
        const std::uint16_t place = find(key);
        if (place == none16)
            return refuse(IssueCode::value, fmt::format("{} row {}, column {}", file, i + 2, column),
                          fmt::format("{} is not in its table", key));
        out.push_back(place);
    }
    return out;
}

Result<Done> read_complaints(const content::Files& files, std::string_view file, bool stays, Facts& facts) {
    constexpr std::string_view visit_ages[] = {"w0", "w6", "w15", "w45", "w65"}, stay_ages[] = {"w0", "w1", "w15", "w45", "w65"};
    XINGLIN_TRY(const Rows rows, Rows::read(files, file));
    const auto medicine = [&](std::string_view key) { return facts.medicine(key); };
    const auto panel = [&](std::string_view key) { return facts.panel(key); };
    const auto image = [&](std::string_view key) { return facts.image(key); };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Complaint each{};
        each.code = rows.text(i, "code");
        each.name = rows.text(i, "name");
        each.dept = rows.text(i, "dept");
        each.text = rows.text(i, "complaint");
        for (std::size_t age = 0; age < 5; ++age) each.weight[age] = rows.number(i, stays ? stay_ages[age] : visit_ages[age]);
        each.sex = sex_of(rows.text(i, "sex"));
        each.peak_month = static_cast<int>(rows.number(i, "peak_month"));
        each.season = rows.number(i, "season");
        XINGLIN_TRY(each.medicines, places(rows, i, "medicines", file, medicine));
        XINGLIN_TRY(each.panels, places(rows, i, "panels", file, panel));
        XINGLIN_TRY(const auto images, places(rows, i, "imaging", file, image));
        each.imaging = images.empty() ? none16 : images[0];
        if (stays) {
            each.los = rows.number(i, "los");
            each.cost = rows.number(i, "cost");
            each.procedure = rows.text(i, "procedure");
            each.procedure_name = rows.text(i, "procedure_name");
            each.procedure_percent = rows.number(i, "procedure_percent") / 100;
            each.level = 2;
            each.lab = each.imaging_percent = 1;
        } else {
            each.level = static_cast<int>(rows.number(i, "level"));
            each.lab = rows.number(i, "lab_percent") / 100;
            each.imaging_percent = rows.number(i, "imaging_percent") / 100;
        }
        (stays ? facts.stays : facts.visits).push_back(std::move(each));
    }
    return rows.trouble();
}

Result<Done> read_chronic(const content::Files& files, Facts& facts) {
    constexpr std::string_view file = "city/chronic.csv";
    constexpr std::string_view ages[] = {"a0", "a15", "a35", "a45", "a55", "a65", "a75"};
    XINGLIN_TRY(const Rows rows, Rows::read(files, file));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Chronic each{};
        each.key = rows.text(i, "key");
        each.code = rows.text(i, "code");
        each.name = rows.text(i, "name");
        each.dept = rows.text(i, "dept");
        each.programme = rows.text(i, "programme");
        each.sex = sex_of(rows.text(i, "sex"));
        for (std::size_t age = 0; age < 7; ++age) {
            each.prevalence[age] = rows.number(i, ages[age]) / 100;
            // Nobody is cured in this city: what falls with age in the table (the ill die earlier) stays level here.
            if (age > 0) each.prevalence[age] = std::max(each.prevalence[age], each.prevalence[age - 1]);
        }
        each.managed = rows.number(i, "managed") / 100;
        each.visits = rows.number(i, "visits");
        XINGLIN_TRY(each.medicines,
                    places(rows, i, "medicines", file, [&](std::string_view key) { return facts.medicine(key); }));
        XINGLIN_TRY(each.panels, places(rows, i, "panels", file, [&](std::string_view key) { return facts.panel(key); }));
        facts.chronic.push_back(std::move(each));
    }
    if (facts.chronic.size() > 32) return refuse(IssueCode::too_costly, std::string(file), "at most 32 conditions are carried");
    return rows.trouble();
}

Result<Done> read_vaccines(const content::Files& files, Facts& facts) {
    XINGLIN_TRY(const Rows rows, Rows::read(files, "city/immunization.csv"));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        // Where the programme leaves a choice, this district uses the live vaccines.
        if (rows.text(i, "vaccine_code") == "JE-I" || rows.text(i, "vaccine_code") == "HepA-I") continue;
        const std::int32_t from = day_of(rows.text(i, "effective_from")), to = day_of(rows.text(i, "effective_to"));
        facts.vaccines.push_back({std::string(rows.text(i, "vaccine_code")), std::string(rows.text(i, "vaccine_name_zh")),
                                  std::string(rows.text(i, "prevents_zh")), std::string(rows.text(i, "route_zh")),
                                  static_cast<int>(rows.number(i, "dose")), static_cast<int>(rows.number(i, "of_doses")),
                                  static_cast<int>(rows.number(i, "recommended_age_months")), rows.text(i, "sex") == "female",
                                  from, to == no_day ? no_day : to + 1});
    }
    return rows.trouble();
}

}  // namespace

Result<Done> read_care(const content::Files& files, Facts& facts) {
    XINGLIN_CHECK(read_medicines(files, facts));
    XINGLIN_CHECK(read_laboratory(files, facts));
    XINGLIN_CHECK(read_complaints(files, "city/visits.csv", false, facts));
    XINGLIN_CHECK(read_complaints(files, "city/admissions.csv", true, facts));
    XINGLIN_CHECK(read_chronic(files, facts));
    return read_vaccines(files, facts);
}

Result<Done> read_infections(const content::Files& files, Facts& facts) {
    constexpr std::string_view file = "city/infections.csv";
    XINGLIN_TRY(const Rows rows, Rows::read(files, file));
    const auto text = [&](std::size_t i, std::string_view column) { return std::string(rows.text(i, column)); };
    const auto share = [&](std::size_t i, std::string_view column) { return rows.number(i, column); };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Pathogen each{text(i, "key"),
                      text(i, "name"),
                      text(i, "card_name"),
                      text(i, "code"),
                      text(i, "code_name"),
                      text(i, "complaint"),
                      text(i, "clinic"),
                      share(i, "r0"),
                      share(i, "share_household"),
                      share(i, "share_school"),
                      share(i, "share_work"),
                      share(i, "share_village"),
                      share(i, "incubation"),
                      share(i, "infectious"),
                      share(i, "symptomatic"),
                      share(i, "immune_start"),
                      share(i, "wane_days"),
                      static_cast<int>(share(i, "peak_month")),
                      share(i, "season"),
                      share(i, "import_per_100k_week"),
                      share(i, "oldest"),
                      share(i, "care_child"),
                      share(i, "care_adult"),
                      share(i, "care_delay"),
                      share(i, "admit"),
                      share(i, "die_65"),
                      share(i, "test_percent") / 100,
                      share(i, "report_days"),
                      share(i, "pharmacy"),
                      share(i, "call_120"),
                      share(i, "absent"),
                      rows.text(i, "notifiable") == "1",
                      facts.panel(rows.text(i, "panel")),
                      {}};
        XINGLIN_TRY(each.medicines,
                    places(rows, i, "medicines", file, [&](std::string_view key) { return facts.medicine(key); }));
        facts.pathogens.push_back(std::move(each));
    }
    XINGLIN_CHECK(rows.trouble());
    XINGLIN_TRY(const Rows planned, Rows::read(files, "city/outbreaks.csv"));
    for (std::size_t i = 0; i < planned.size(); ++i) {
        std::uint16_t pathogen = none16;
        for (std::size_t p = 0; p < facts.pathogens.size(); ++p) {
            if (facts.pathogens[p].key == planned.text(i, "infection")) pathogen = static_cast<std::uint16_t>(p);
        }
        if (pathogen == none16)
            return refuse(IssueCode::value, fmt::format("city/outbreaks.csv row {}, column infection", i + 2),
                          "this infection is not in infections.csv");
        facts.outbreaks.push_back({std::string(planned.text(i, "key")), std::string(planned.text(i, "place")),
                                   std::string(planned.text(i, "name")), pathogen,
                                   static_cast<int>(planned.number(i, "day_of_year")),
                                   static_cast<int>(planned.number(i, "seeds")), planned.number(i, "boost")});
    }
    return planned.trouble();
}

}  // namespace xinglin::city
