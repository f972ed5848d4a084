// SPDX-License-Identifier: Apache-2.0
// The made-up city, written by its institutions one by one and taken by the index, against its truth; twins; thousands of one phone.
#include <gtest/gtest.h>

#include "city/city.h"
#include "person/person.h"
#include "testing/linkage_score.h"
#include "testing/postgres.h"
#include "testing/testing.h"
#include "testing/told_people.h"

namespace xinglin::person {
namespace {

class OnlyRecords : public city::Sink {
public:
    std::string text;
    void append(std::string_view path, std::string_view bytes) override {
        if (path == "truth/records.csv") text += bytes;
    }
};

std::vector<testing::Told> city_of(std::uint32_t population, std::uint64_t seed) {
    city::Request request{population, seed, 1};
    request.fhir = false;
    OnlyRecords sink;
    if (const auto made = city::make(content::Files(), request, sink); !made.ok())
        throw std::runtime_error(made.outcome().line());
    return testing::told_of(sink.text);
}

class CityPersons : public ::testing::Test {
protected:
    testing::ScratchFolder folder;
    testing::StoppedClock clock;
    std::unique_ptr<record::Store> store;
    std::unique_ptr<Persons> persons;

    void SetUp() override {
        auto opened = record::Store::open(
            folder.path(), clock,
            {.readers = 2, .offset_minutes = std::int16_t{480}, .store = testing::store_beside(folder.path())});
        ASSERT_TRUE(opened.ok()) << opened.outcome().line();
        store = std::move(opened).value();
    }
    void load(const std::vector<testing::Told>& told) {
        std::vector<record::Prepared> batch;
        for (const testing::Told& each : told) {
            json::Arena arena;
            const std::string text = testing::patient_of(each);
            batch.push_back(store->prepare(*fhir::find_resource("Patient"), each.id, json::parse(text, arena).value()));
        }
        ASSERT_TRUE(store->load(std::move(batch)).ok());
        ASSERT_TRUE(store->settle().ok());
    }
    testing::LinkageScore follow(const std::vector<testing::Told>& told, bool filled) {
        Settings settings = Settings::read(content::Files()).value();
        settings.fill_from = filled ? 1 : 1'000'000'000;
        persons = std::make_unique<Persons>(*store, clock, std::move(settings),
                                            Options{.file = folder.path() / (filled ? "filled.db" : "one.db"), .follow = false});
        persons->catch_up();
        std::unordered_map<std::string, std::uint32_t> numbers;
        std::vector<std::uint32_t> groups, person;
        std::vector<std::string> mistakes;
        for (const testing::Told& each : told) {
            const auto all = persons->patients(each.id);
            groups.push_back(
                numbers.emplace(all.empty() ? each.id : all.front(), static_cast<std::uint32_t>(numbers.size())).first->second);
            person.push_back(each.person);
            mistakes.push_back(each.mistakes);
        }
        auto score = testing::LinkageScore::of(groups, person, mistakes);
        std::printf("%s: %s", filled ? "filled" : "one by one", score.text().c_str());
        return score;
    }
};

TEST_F(CityPersons, AreWhoTheyTrulyAreOneByOneAndFilled) {
    const auto told = city_of(1'500, 3);
    load(told);
    for (const bool filled : {false, true}) {
        const auto score = follow(told, filled);
        EXPECT_GE(score.pair_f1(), 0.99);
        EXPECT_GE(score.cluster_f1(), 0.985);
        EXPECT_LE(score.largest, score.largest_true);
        EXPECT_GE(score.kinds.at("id_lent").apart(), 0.95);
    }
}

TEST_F(CityPersons, KeepTwinsApart) {
    const auto told = testing::made_twins(400, 9);
    load(told);
    const auto score = follow(told, false);
    EXPECT_EQ(score.told, score.right) << "no twin became the other";
    EXPECT_GE(score.recall(), 0.95);
}

TEST_F(CityPersons, OfOnePhoneByTheThousandStayApart) {
    auto told = city_of(400, 5);
    for (std::size_t i = 0; i < told.size(); ++i) told[i].phone = "16000000000";
    load(told);
    const auto score = follow(told, false);
    EXPECT_GE(score.precision(), 0.999);
    EXPECT_GE(score.recall(), 0.97);
}

}  // namespace
}  // namespace xinglin::person
