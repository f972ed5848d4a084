// SPDX-License-Identifier: Apache-2.0
// What a card costs: own processor time of showing one, of judging a token, of a whole scan with its commit; both algorithms.
//
// Expected: ES256 is tuned in OpenSSL (sign 20 µs, verify 60 µs), SM2 is not in 3.0 (some 300 µs each); a scan adds reads and a commit.
#include <sys/resource.h>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "card/card.h"
#include "testing/testing.h"

namespace {

using namespace xinglin;

double processor_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <typename Act>
void measure(const std::string& what, int times, Act&& act) {
    const double before = processor_seconds();
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) act(i);
    const double used = (processor_seconds() - before) / times * 1e6;
    const double passed = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun).count() / times;
    fmt::print("{:<34} {:>9.1f} us own processor time, {:>9.1f} us passed\n", what, used, passed);
}

void run(card::Algorithm algorithm) {
    const testing::ScratchFolder folder;
    const calendar::SystemClock clock;
    auto store = std::move(record::Store::open(folder.path(), clock, {})).value();
    json::Arena arena;
    const auto patient = json::parse(
        R"({"resourceType":"Patient","id":"p","name":[{"text":"马雨桐"}],"birthDate":"1990-03-01","identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"11010519491231002X"}]})",
        arena);
    if (!store->load({store->prepare(*fhir::find_resource("Patient"), "p", *patient)}).ok()) std::abort();
    person::Persons persons(*store, clock, *person::Settings::read(content::Files()), {.follow = false});
    persons.catch_up();
    card::Policy policy = *card::Policy::read(content::Files());
    policy.algorithm = algorithm;
    auto cards = std::move(card::Cards::open(*store, persons, clock, policy, {folder.path(), "", {}})).value();
    const card::Card it = *cards->issue("p", "bench");
    const std::string name(card::text(algorithm));
    std::vector<std::string> tokens;
    constexpr int shown = 2'000;
    measure(name + ": a code shown", shown, [&](int) { tokens.push_back(cards->show(it.number, false)->text); });
    const card::KeySet keys = cards->key_set();
    measure(name + ": a code judged, no connection", shown, [&](int i) {
        const auto judged =
            card::judge(tokens[static_cast<std::size_t>(i)], keys, {.now_s = clock.now_ms() / 1'000, .tolerance_s = 15});
        if (judged.verdict != card::Verdict::good) std::abort();
    });
    measure(name + ": a scan, with its commit", shown, [&](int i) {
        if (cards->scan(tokens[static_cast<std::size_t>(i)], {}).patient != "p") std::abort();
    });
    measure(name + ": the same again, refused", shown, [&](int i) {
        if (cards->scan(tokens[static_cast<std::size_t>(i)], {}).judged.verdict != card::Verdict::replayed) std::abort();
    });
    measure(name + ": replaced by a new card", 200, [&](int) {
        const auto all = cards->of_person("p");
        if (!cards->reissue(all.front().number, "bench", "").ok()) std::abort();
    });
}

}  // namespace

int main() {
    run(card::Algorithm::es256);
    run(card::Algorithm::sm2);
}
