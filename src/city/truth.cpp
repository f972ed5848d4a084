// SPDX-License-Identifier: Apache-2.0
// The truth: who infected whom, who died of what, who moved, married, had a child; the weather.
#include "city/truth.h"

#include <fmt/format.h>

#include <iterator>

#include "city/fhir_writer.h"

namespace xinglin::city {

namespace {

std::string day_or_nothing(std::int32_t day) { return day == never ? "" : date_text(day); }

class Table {
public:
    Table(Sink& sink, std::string path, std::string_view head, bool first) : sink_(sink), path_(std::move(path)) {
        if (first) text_ = std::string(head) + "\n";
    }
    ~Table() { sink_.append(path_, text_); }
    template <typename... Parts>
    void row(fmt::format_string<Parts...> form, Parts&&... parts) {
        fmt::format_to(std::back_inserter(text_), form, std::forward<Parts>(parts)...);
        text_ += '\n';
        if (text_.size() > (4u << 20)) {
            sink_.append(path_, text_);
            text_.clear();
        }
    }

private:
    Sink& sink_;
    std::string path_, text_;
};

void infections(const World& world, Sink& sink, bool first) {
    const District& district = world.district;
    Table table(sink, "truth/infections.csv",
                "infection,infected_by,person,patient_id,pathogen,setting,place,community,infected,onset,symptomatic,outbreak,"
                "visit,tested,positive,report_card,pharmacy,call_120,absent_days",
                first);
    const auto name = [&](std::uint32_t n) {
        return n == none32 ? std::string() : fmt::format("{}-{}", district.number + 1, n + 1);
    };
    for (std::uint32_t n = 0; n < world.epidemic.infections.size(); ++n) {
        const Infection& each = world.epidemic.infections[n];
        if (each.day >= world.now) break;  // they are in the order of days
        const std::uint32_t home = world.people.household(each.person, each.day);
        table.row("{},{},{}-{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}", name(n), name(each.by), district.number + 1,
                  each.person, patient_id(district, each.person), world.facts.pathogens[each.pathogen].key,
                  setting_name(each.setting), place_name(district, world.epidemic, each),
                  district.communities[world.people.households[home].community].code, date_text(each.day), date_text(each.onset),
                  int{each.symptomatic},
                  each.outbreak == none16 ? "" : fmt::format("{}-{}", district.number + 1, each.outbreak + 1),
                  day_or_nothing(each.visit), int{each.tested}, int{each.positive}, day_or_nothing(each.card),
                  day_or_nothing(each.buys), day_or_nothing(each.call), int{each.absent_days});
    }
}

void outbreaks(const World& world, Sink& sink, bool first) {
    const District& district = world.district;
    Table table(sink, "truth/outbreaks.csv", "outbreak,plan,name,pathogen,begins,place,infections,first_card,cards", first);
    for (std::uint16_t o = 0; o < world.epidemic.outbreaks.size(); ++o) {
        const Outbreak& each = world.epidemic.outbreaks[o];
        if (each.day >= world.now) break;
        const PlannedOutbreak& plan = world.facts.outbreaks[each.plan];
        Infection at{};
        at.setting = Setting::outbreak;
        at.place = each.place;
        at.outbreak = o;
        std::int32_t card = never;
        std::uint32_t cards = 0;
        for (const Infection& infection : world.epidemic.infections) {
            if (infection.outbreak != o || infection.card == never) continue;
            ++cards;
            card = std::min(card, infection.card);
        }
        table.row("{}-{},{},{},{},{},{},{},{},{}", district.number + 1, o + 1, plan.key, plan.name,
                  world.facts.pathogens[plan.pathogen].key, date_text(each.day), place_name(district, world.epidemic, at),
                  each.infections, day_or_nothing(card), cards);
    }
}

void lives(const World& world, Sink& sink, bool first) {
    const District& district = world.district;
    const People& people = world.people;
    {
        Table table(sink, "truth/deaths.csv", "person,patient_id,died,age,sex,cause_code,cause", first);
        for (std::uint32_t i = 0; i < people.all.size(); ++i) {
            const Person& person = people.all[i];
            if (person.death >= world.now || person.leave < person.death) continue;
            const bool infection = person.cause != none16 && (person.cause & 0x8000) != 0;
            const std::string_view code =
                infection ? world.facts.pathogens[person.cause & 0x7FFF].code : world.facts.causes[person.cause].code;
            const std::string_view cause =
                infection ? world.facts.pathogens[person.cause & 0x7FFF].code_name : world.facts.causes[person.cause].name;
            table.row("{}-{},{},{},{},{},{},{}", district.number + 1, i, patient_id(district, i), date_text(person.death),
                      people.age(person, person.death), person.male ? "M" : "F", code, cause);
        }
    }
    {
        Table table(sink, "truth/births.csv", "mother,baby,patient_id,born,weeks,grams,caesarean,twin", first);
        for (const Pregnancy& each : people.pregnancies) {
            for (int b = 0; b < 2; ++b) {
                if (each.babies[b] == none32 || each.delivery >= world.now) continue;
                table.row("{0}-{1},{0}-{2},{3},{4},{5},{6},{7},{8}", district.number + 1, each.mother, each.babies[b],
                          patient_id(district, each.babies[b]), date_text(each.delivery), int{each.weeks}, each.grams[b],
                          int{each.caesarean}, int{people.all[each.babies[b]].is_twin});
            }
        }
    }
    Table table(sink, "truth/moves.csv", "person,moved,from_household,to_household,from_community,to_community", first);
    for (const Move& move : people.moves) {
        if (move.day >= world.now || !people.all[move.person].here(move.day)) continue;  // planned, but died before
        table.row("{}-{},{},{},{},{},{}", district.number + 1, move.person, date_text(move.day), move.from, move.to,
                  district.communities[people.households[move.from].community].code,
                  district.communities[people.households[move.to].community].code);
    }
}

}  // namespace

void write_truth(const World& world, Sink& sink) {
    const bool first = world.district.number == 0;
    infections(world, sink, first);
    outbreaks(world, sink, first);
    lives(world, sink, first);
    Table table(sink, "truth/days.csv", "district,day,temperature,wet,workday,school,holiday", first);
    for (std::int32_t day = world.people.start; day < world.now; ++day)
        table.row("{},{},{:.1f},{},{},{},{}", world.district.number + 1, date_text(day), world.days.temperature(day),
                  int{world.days.is_wet(day)}, int{world.days.is_workday(day)}, int{world.days.is_school_day(day)},
                  world.days.holiday(day));
}

}  // namespace xinglin::city
