// SPDX-License-Identifier: Apache-2.0
// Percentiles of answers are within a step of the true ones, and old minutes are forgotten.
#include "server/latency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace xinglin::server {
namespace {

constexpr std::int64_t now = 1'795'305'600'000;

TEST(Latency, PercentilesAreWithinAStepOfTheTrueOnes) {
    const auto latency = std::make_unique<Latency>();
    std::mt19937 random(1);
    std::lognormal_distribution<double> spread(6, 2);
    std::vector<double> all;
    for (int i = 0; i < 20'000; ++i) {
        all.push_back(std::max(1.5, spread(random)));
        latency->note(AnswerKind::search, all.back(), now + i);
    }
    std::sort(all.begin(), all.end());
    const auto figures = latency->figures(AnswerKind::search, now + 20'000);
    EXPECT_EQ(figures.count, 20'000u);
    const auto near = [&](double found_ms, double q) {
        const double truth = all[static_cast<std::size_t>(q * 19'999)] / 1000;
        EXPECT_GE(found_ms, truth * 0.99);
        EXPECT_LE(found_ms, truth * 1.2);
    };
    near(figures.p50_ms, 0.5);
    near(figures.p90_ms, 0.9);
    near(figures.p99_ms, 0.99);
    EXPECT_NEAR(figures.max_ms, all.back() / 1000, 0.001);
    EXPECT_EQ(latency->figures(AnswerKind::read, now).count, 0u);
}

TEST(Latency, ForgetsAfterSixMinutes) {
    const auto latency = std::make_unique<Latency>();
    latency->note(AnswerKind::read, 10, now);
    EXPECT_EQ(latency->figures(AnswerKind::read, now + 4 * 60'000).count, 1u);
    EXPECT_EQ(latency->figures(AnswerKind::read, now + 7 * 60'000).count, 0u);
    latency->note(AnswerKind::read, 20'000, now + 6 * 60'000);
    EXPECT_EQ(latency->figures(AnswerKind::read, now + 6 * 60'000).count, 1u) << "the page was turned and wiped";
}

TEST(Latency, KnowsWhatKindARequestIs) {
    const auto kind = [](std::string method, std::string path) {
        http::Request request;
        request.method = std::move(method);
        request.path = std::move(path);
        return kind_of(request);
    };
    EXPECT_EQ(kind("GET", "/fhir/Patient/1"), AnswerKind::read);
    EXPECT_EQ(kind("GET", "/fhir/Patient/1/_history/2"), AnswerKind::read);
    EXPECT_EQ(kind("GET", "/fhir/Patient"), AnswerKind::search);
    EXPECT_EQ(kind("POST", "/fhir/Patient/_search"), AnswerKind::search);
    EXPECT_EQ(kind("POST", "/fhir"), AnswerKind::write);
    EXPECT_EQ(kind("DELETE", "/fhir/Patient/1"), AnswerKind::write);
    EXPECT_EQ(kind("GET", "/fhir/metadata"), AnswerKind::other);
    EXPECT_EQ(kind("GET", "/fhir/Patient/1/$everything"), AnswerKind::other);
    EXPECT_EQ(kind("GET", "/api/v1/system"), AnswerKind::other);
}

}  // namespace
}  // namespace xinglin::server
