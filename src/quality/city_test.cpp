// SPDX-License-Identifier: Apache-2.0
// Against the truth of a made-up city, which says of every person what a hospital wrote wrongly: the rules find exactly those.
#include "city/city.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>
#include <set>

#include "hl7v2/hl7v2.h"
#include "quality/judge.h"
#include "text/text.h"

namespace xinglin::quality {
namespace {

struct Memory : city::Sink {
    std::map<std::string, std::string> files;
    void append(std::string_view path, std::string_view bytes) override { files[std::string(path)] += bytes; }
};

/// What a source wrote wrongly of each of its patients, by its own number.
std::map<std::string, std::set<std::string>> mistakes_of(const std::string& people, std::string_view source) {
    std::map<std::string, std::set<std::string>> out;
    for (const std::string_view line : text::split(people, '\n')) {
        const auto cells = text::split(line, ',');
        if (cells.size() != 5 || cells[0] != source) continue;
        std::set<std::string>& mistakes = out[std::string(cells[1])];
        for (const std::string_view word : text::split(cells[4], '|')) {
            if (!word.empty()) mistakes.emplace(word);
        }
    }
    return out;
}

/// The rules of the person set that each patient of a hospital fails, as its messages make it, by the hospital's number.
std::map<std::string, std::set<std::string>> failures_of(const Memory& city, const std::string& source, const Rulebook& book) {
    const message::Sender sender{.id = source};
    const auto tables = hl7v2::Tables::load(content::Files());
    EXPECT_TRUE(tables.ok());
    Judge judge(book, {});
    std::map<std::string, std::set<std::string>> out;
    for (const auto& [path, bytes] : city.files) {
        if (!path.starts_with("sources/" + source + "/hl7/")) continue;
        for (const auto& piece : hl7v2::split(bytes)) {
            const auto converted = hl7v2::convert(piece.bytes, sender, *tables);
            if (!converted.ok()) continue;  // half messages
            json::Arena arena;
            const json::Value bundle = *json::parse(converted->bundle, arena);
            for (const json::Node& node : bundle["entry"].items()) {
                const json::Value patient = json::Value(&node)["resource"];
                // Who was born shortly before or meanwhile had no number at first.
                if (patient["resourceType"].string() != "Patient" || patient["birthDate"].string() >= "2025-08") continue;
                for (const Verdict& verdict : judge.judge(patient, {}, Arrived{1, 1})) {
                    const Set& set = book.sets()[verdict.set];
                    if (set.id != "person") continue;
                    std::set<std::string>& failed = out[std::string(patient["identifier"][0]["value"].string())];
                    failed.clear();
                    for (std::size_t i = 0; i < verdict.marks.size(); ++i) {
                        if (verdict.marks[i] == Mark::failed) failed.insert(set.rules[i].id);
                    }
                }
            }
        }
    }
    return out;
}

TEST(QualityOfTheCity, FindsTheMistakesThatTheCityMadeAndNoOthers) {
    Memory city;
    city::Request request;
    request.population = 1'500;
    request.years = 1;
    request.fhir = false;
    ASSERT_TRUE(city::make(content::Files(), request, city).ok());
    const Rulebook book = *Rulebook::read(content::Files());
    std::map<std::string, std::array<int, 3>> counted;  // of a rule: found, missed, false alarms
    std::size_t people = 0;
    for (const std::string source : {"renmin", "gongren", "shanqiao"}) {
        const auto truth = mistakes_of(city.files["truth/people.csv"], source);
        for (const auto& [number, failed] : failures_of(city, source, book)) {
            const auto known = truth.find(number);
            ASSERT_NE(known, truth.end()) << source << " " << number;
            ++people;
            const auto made = [&](std::initializer_list<const char*> words) {
                return std::any_of(words.begin(), words.end(), [&](const char* word) { return known->second.contains(word); });
            };
            // A number that is not right says nothing of birth and sex; a relative's number may agree with either.
            const bool has_right_number = !made({"id_missing", "newborn", "id_typo", "id_letter_o", "id_15", "id_lent"});
            const auto compare = [&](const char* rule, bool expected) {
                auto& [found, missed, alarms] = counted[rule];
                found += expected && failed.contains(rule);
                missed += expected && !failed.contains(rule);
                alarms += !expected && failed.contains(rule);
            };
            if (!made({"newborn"})) compare("resident-id", made({"id_missing"}));
            if (!made({"id_missing", "newborn", "id_lent"}))
                compare("resident-id-right", made({"id_typo", "id_letter_o", "id_15"}));
            if (has_right_number) compare("id-birth-date", made({"birth_wrong"}));
            if (has_right_number) compare("id-sex", made({"sex_wrong"}));
        }
    }
    EXPECT_GT(people, 300u);
    for (const auto& [rule, counts] : counted) {
        SCOPED_TRACE(fmt::format("{}: {} found, {} missed, {} false alarms", rule, counts[0], counts[1], counts[2]));
        RecordProperty(rule, fmt::format("{} found, {} missed, {} false alarms", counts[0], counts[1], counts[2]));
        std::printf("%s: %d found, %d missed, %d false alarms of %zu\n", rule.c_str(), counts[0], counts[1], counts[2], people);
        EXPECT_EQ(counts[1], 0);
        EXPECT_EQ(counts[2], 0);
    }
    EXPECT_GT(counted["resident-id"][0], 5);
    EXPECT_GT(counted["resident-id-right"][0], 1);
}

}  // namespace
}  // namespace xinglin::quality
