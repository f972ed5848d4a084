// SPDX-License-Identifier: Apache-2.0
// The made-up city against its own truth, and twins by the thousand. Larger ones: bench/person_bench.
#include <gtest/gtest.h>

#include "city/city.h"
#include "identity/match.h"
#include "testing/linkage_score.h"
#include "testing/testing.h"
#include "testing/told_people.h"

namespace xinglin::identity {
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

testing::LinkageScore scored(const std::vector<testing::Told>& told, bool with_number = true) {
    Records records({{"name", Role::name_full},
                     {"sex", Role::sex},
                     {"birth_date", Role::birth_date},
                     {"national_id", Role::national_id},
                     {"phone", Role::phone},
                     {"address", Role::address}});
    std::vector<std::uint32_t> person;
    std::vector<std::string> mistakes;
    for (const testing::Told& each : told) {
        const std::array<std::string_view, 6> row{each.name,  each.sex,
                                                  each.birth, with_number ? std::string_view(each.number) : std::string_view(),
                                                  each.phone, each.address};
        records.add(row);
        person.push_back(each.person);
        mistakes.push_back(each.mistakes);
    }
    return testing::LinkageScore::of(match(records).cluster, person, mistakes);
}

TEST(City, IsMatchedAsItTrulyIs) {
    const auto score = scored(city_of(3'000, 3));
    std::printf("%s", score.text().c_str());
    EXPECT_GE(score.pair_f1(), 0.99);
    EXPECT_GE(score.cluster_f1(), 0.98);
    EXPECT_LE(score.largest, score.largest_true);
    EXPECT_GE(score.kinds.at("id_lent").apart(), 0.95);
}

TEST(City, IsMatchedWithoutAnyIdentityNumber) {
    const auto score = scored(city_of(3'000, 4), false);
    std::printf("%s", score.text().c_str());
    EXPECT_GE(score.pair_f1(), 0.985);
}

TEST(Twins, AreNeverMadeOneBesideACity) {
    auto told = city_of(2'000, 5);
    const auto people = static_cast<std::uint32_t>(told.size());
    for (testing::Told twin : testing::made_twins(1'000, 7)) {
        twin.person += people;
        twin.mistakes += twin.mistakes.empty() ? "twin" : "|twin";
        told.push_back(std::move(twin));
    }
    const auto score = scored(told);
    std::printf("%s", score.text().c_str());
    EXPECT_EQ(score.kinds.at("twin").strangers, 0u);
    EXPECT_GE(score.kinds.at("twin").recall(), 0.9);
}

}  // namespace
}  // namespace xinglin::identity
