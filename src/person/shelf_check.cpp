// SPDX-License-Identifier: Apache-2.0
// content/persons tried on its own examples: two Patients, and what the program decides of them.
#include "person/shelf_check.h"

#include "person/decide.h"

namespace xinglin::person {

namespace {

constexpr std::string_view cases = "persons/cases.json";
/// As in a district of a hundred thousand records, where one more has the value.
constexpr identity::Bench::Frequency rare{2, 100'000};

/// link: the program joins them; ask: somebody is asked; apart: neither.
std::string_view outcome_of(const Facts& a, const Facts& b, const Settings& settings) {
    identity::Bench bench(identity::Bench::scales(settings.model, settings.wording),
                          [](identity::Role, std::string_view) { return rare; });
    std::array<std::string, 6> kept_a, kept_b;
    const auto row_a = row_of(a, &b, kept_a), row_b = row_of(b, &a, kept_b);
    const std::uint32_t one = bench.add(row_a), other = bench.add(row_b);
    const PairVerdict verdict = judged(a, b, bench.judge(one, other));
    if (a.is_nobody() || b.is_nobody() || verdict.never) return "apart";
    if (!verdict.ask && verdict.log_odds >= odds_of(settings.link)) return "link";
    return verdict.log_odds >= odds_of(settings.review) || verdict.named == "lent_id" ? "ask" : "apart";
}

}  // namespace

void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    checked += files.list("persons").size();
    const auto settings = Settings::read(files);
    if (!settings.ok()) {
        const Issue& first = settings.outcome().issues.front();
        complaints.push_back({"persons", first.where, first.what});
        return;
    }
    const auto text = files.read(cases);
    if (!text) return;
    json::Arena arena;
    const auto parsed = json::parse(arena.keep(*text), arena);
    if (!parsed.ok() || (*parsed)["cases"].size() == 0) {
        complaints.push_back({std::string(cases), "cases", "must be a list of examples: name, a, b, expect"});
        return;
    }
    for (std::size_t i = 0; i < (*parsed)["cases"].size(); ++i) {
        const json::Value each = (*parsed)["cases"][i];
        const std::string_view expected = each["expect"].string();
        const std::string where = fmt::format("cases[{}] {}", i, each["name"].string());
        if (expected != "link" && expected != "ask" && expected != "apart") {
            complaints.push_back({std::string(cases), where + ".expect", "must be link, ask or apart"});
            continue;
        }
        const auto facts = [&](std::string_view name) { return facts_of(each[name], settings->wording.get()); };
        const std::string_view is = outcome_of(facts("a"), facts("b"), *settings);
        if (is != expected)
            complaints.push_back(
                {std::string(cases), where, fmt::format("expects {}, these settings and weights say {}", expected, is)});
    }
}

}  // namespace xinglin::person
