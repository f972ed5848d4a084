// SPDX-License-Identifier: Apache-2.0
// Value sets worked out by the engine against a slow evaluator that asks every code, one by one, straight from the rules.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "terminology/terminology.h"
#include "testing/testing.h"

namespace xinglin::terminology {
namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t limit) { return random() % limit; }
bool chance(Random& random, int percent) { return below(random, 100) < static_cast<std::size_t>(percent); }

/// A code system as plain as can be.
struct Plain {
    struct One {
        std::set<std::string> parents;
        std::string color;
        bool inactive = false;
    };
    std::string url;
    std::vector<std::string> order;
    std::map<std::string, One> concepts;

    bool below(const std::string& code, const std::string& above) const {
        for (const std::string& parent : concepts.at(code).parents) {
            if (parent == above || below(parent, above)) return true;
        }
        return false;
    }
};

struct Filter {
    std::string property, op, value;
};
struct Rule {
    std::string system;  // "" none
    std::vector<std::string> codes;
    std::vector<Filter> filters;
    std::vector<std::size_t> sets;
};
struct Compose {
    std::vector<Rule> includes, excludes;
    bool active_only = false;
};

std::set<std::string> words(const std::string& list) {
    std::set<std::string> all;
    std::stringstream in(list);
    for (std::string one; std::getline(in, one, ',');) all.insert(one);
    return all;
}

/// The two patterns of random_filter().
bool matches(const std::string& pattern, const std::string& value) {
    if (pattern == "c1.*") return value.starts_with("c1");
    return value.size() == 2 && value[0] == 'c' && value[1] >= '0' && value[1] <= '9';  // "c[0-9]"
}

/// The specification, read word by word.
class Oracle {
public:
    Oracle(const std::vector<Plain>& systems, const std::vector<Compose>& sets) : systems_(systems), sets_(sets) {}

    bool in_set(std::size_t set, const Plain& system, const std::string& code) const {
        const Compose& compose = sets_[set];
        if (compose.active_only && system.concepts.at(code).inactive) return false;
        bool in = false;
        for (const Rule& rule : compose.includes) in = in || holds(rule, system, code);
        for (const Rule& rule : compose.excludes) in = in && !holds(rule, system, code);
        return in;
    }

private:
    const std::vector<Plain>& systems_;
    const std::vector<Compose>& sets_;

    bool holds(const Rule& rule, const Plain& system, const std::string& code) const {
        if (!rule.system.empty()) {
            if (system.url != rule.system) return false;
            if (!rule.codes.empty() && std::find(rule.codes.begin(), rule.codes.end(), code) == rule.codes.end()) return false;
            for (const Filter& filter : rule.filters) {
                if (!passes(filter, system, code)) return false;
            }
        }
        for (const std::size_t set : rule.sets) {
            if (!in_set(set, system, code)) return false;
        }
        return true;
    }

    static bool passes(const Filter& filter, const Plain& system, const std::string& code) {
        const Plain::One& one = system.concepts.at(code);
        if (filter.op == "is-a") return code == filter.value || system.below(code, filter.value);
        if (filter.op == "descendent-of") return system.below(code, filter.value);
        if (filter.op == "is-not-a") return !(code == filter.value || system.below(code, filter.value));
        if (filter.op == "generalizes") return code == filter.value || system.below(filter.value, code);
        std::set<std::string> values;
        if (filter.property == "code") values = {code};
        if (filter.property == "parent") values = one.parents;
        if (filter.property == "color" && !one.color.empty()) values = {one.color};
        if (filter.op == "exists") return values.empty() == (filter.value == "false");
        const auto any = [&](auto test) { return std::any_of(values.begin(), values.end(), test); };
        if (filter.op == "=") return any([&](const std::string& value) { return value == filter.value; });
        if (filter.op == "in") return any([&](const std::string& value) { return words(filter.value).contains(value); });
        if (filter.op == "not-in") return !any([&](const std::string& value) { return words(filter.value).contains(value); });
        return any([&](const std::string& value) { return matches(filter.value, value); });
    }
};

Plain random_system(Random& random, const std::string& url) {
    Plain plain{url, {}, {}};
    const std::size_t size = 5 + below(random, 40);
    constexpr const char* colors[] = {"", "red", "green", "blue"};
    for (std::size_t i = 0; i < size; ++i) {
        const std::string code = "c" + std::to_string(i);
        Plain::One one;
        for (int tries = 0; tries < 2 && i > 0; ++tries) {
            if (chance(random, tries == 0 ? 70 : 20)) one.parents.insert(plain.order[below(random, i)]);
        }
        one.color = colors[below(random, 4)];
        one.inactive = chance(random, 15);
        plain.order.push_back(code);
        plain.concepts.emplace(code, one);
    }
    return plain;
}

std::string random_codes(Random& random, const Plain& system) {
    std::string list;
    for (std::size_t i = 0; i <= below(random, 6); ++i)
        list += (list.empty() ? "" : ",") + system.order[below(random, system.order.size())];
    return list;
}

Filter random_filter(Random& random, const Plain& system) {
    const std::string code = system.order[below(random, system.order.size())];
    constexpr const char* colors[] = {"red", "green", "red,blue", "black"};
    switch (below(random, 10)) {
        case 0: return {"concept", "is-a", code};
        case 1: return {"concept", "descendent-of", code};
        case 2: return {"concept", "is-not-a", code};
        case 3: return {"concept", "generalizes", code};
        case 4: return {"code", chance(random, 50) ? "in" : "not-in", random_codes(random, system)};
        case 5: return {"code", "regex", chance(random, 50) ? "c1.*" : "c[0-9]"};
        case 6: return {"color", "=", colors[below(random, 2)]};
        case 7: return {"color", chance(random, 50) ? "in" : "not-in", colors[below(random, 4)]};
        case 8: return {chance(random, 50) ? "parent" : "color", "exists", chance(random, 50) ? "true" : "false"};
        default: return {"parent", "=", code};
    }
}

Rule random_rule(Random& random, const std::vector<Plain>& systems, std::size_t sets_before) {
    Rule rule;
    const bool has_sets = sets_before > 0 && chance(random, 40);
    if (!has_sets || chance(random, 40)) {
        const Plain& system = systems[below(random, systems.size())];
        rule.system = system.url;
        if (chance(random, 35)) {
            for (const std::string& code : words(random_codes(random, system))) rule.codes.push_back(code);
        } else {
            for (std::size_t i = below(random, 3); i > 0; --i) rule.filters.push_back(random_filter(random, system));
        }
    }
    for (std::size_t i = 0; has_sets && i <= below(random, 3); ++i) rule.sets.push_back(below(random, sets_before));
    return rule;
}

std::string json_of(const Rule& rule) {
    std::string out = "{";
    const auto member = [&](const std::string& name, const std::string& value) {
        out += (out.size() > 1 ? "," : "") + ("\"" + name + "\":") + value;
    };
    const auto list = [](const auto& all, auto print) {
        std::string text = "[";
        for (const auto& one : all) text += (text.size() > 1 ? "," : "") + print(one);
        return text + "]";
    };
    if (!rule.system.empty()) member("system", "\"" + rule.system + "\"");
    if (!rule.codes.empty())
        member("concept", list(rule.codes, [](const std::string& code) { return R"({"code":")" + code + "\"}"; }));
    if (!rule.filters.empty()) {
        member("filter", list(rule.filters, [](const Filter& f) {
                   return fmt::format(R"({{"property":"{}","op":"{}","value":"{}"}})", f.property, f.op, f.value);
               }));
    }
    if (!rule.sets.empty())
        member("valueSet", list(rule.sets, [](std::size_t set) { return "\"urn:v" + std::to_string(set) + "\""; }));
    return out + "}";
}

std::string json_of(const Compose& compose, std::size_t number) {
    const auto rules = [](const std::vector<Rule>& all) {
        std::string text = "[";
        for (const Rule& rule : all) text += (text.size() > 1 ? "," : "") + json_of(rule);
        return text + "]";
    };
    return fmt::format(R"({{"resourceType":"ValueSet","url":"urn:v{}","compose":{{{}"include":{}{}}}}})", number,
                       compose.active_only ? "\"inactive\":false," : "", rules(compose.includes),
                       compose.excludes.empty() ? "" : ",\"exclude\":" + rules(compose.excludes));
}

std::string json_of(const Plain& system) {
    std::string concepts;
    for (const std::string& code : system.order) {
        const Plain::One& one = system.concepts.at(code);
        std::string properties;
        const auto property = [&](const std::string& text) { properties += (properties.empty() ? "" : ",") + text; };
        for (const std::string& parent : one.parents) property(R"({"code":"parent","valueCode":")" + parent + "\"}");
        if (!one.color.empty()) property(R"({"code":"color","valueString":")" + one.color + "\"}");
        if (one.inactive) property(R"({"code":"inactive","valueBoolean":true})");
        concepts += (concepts.empty() ? "" : ",") + fmt::format(R"({{"code":"{}","property":[{}]}})", code, properties);
    }
    return R"({"resourceType":"CodeSystem","url":")" + system.url + R"(","content":"complete","concept":[)" + concepts + "]}";
}

TEST(ComposeOracle, EngineAndSlowEvaluatorAgreeOnRandomValueSets) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed));
    Random random(seed);
    const content::Files files;
    const testing::StoppedClock clock;
    std::size_t compared = 0, members = 0;
    for (int round = 0; round < 60; ++round) {
        std::vector<Plain> systems = {random_system(random, "urn:s0"), random_system(random, "urn:s1")};
        std::vector<Compose> sets(12);
        std::vector<std::pair<std::string, std::string>> resources;
        for (const Plain& system : systems) resources.emplace_back("CodeSystem", json_of(system));
        for (std::size_t i = 0; i < sets.size(); ++i) {
            for (std::size_t n = 0; n <= below(random, 3); ++n) sets[i].includes.push_back(random_rule(random, systems, i));
            for (std::size_t n = below(random, 2); n > 0; --n) sets[i].excludes.push_back(random_rule(random, systems, i));
            sets[i].active_only = chance(random, 20);
            resources.emplace_back("ValueSet", json_of(sets[i], i));
        }
        const auto each = [&](const Stored::Each& tell) {
            for (std::size_t i = 0; i < resources.size(); ++i)
                tell(resources[i].first, std::to_string(i), 1, resources[i].second);
        };
        const auto body = [&](std::string_view, std::string_view id) {
            return std::optional(resources[std::stoul(std::string(id))].second);
        };
        const Terminology terminology(files, clock, {[] { return 1; }, each, body});
        const Oracle oracle(systems, sets);
        for (std::size_t set = 0; set < sets.size(); ++set) {
            const std::string url = "urn:v" + std::to_string(set);
            const auto found = terminology.codes_in(url);
            ASSERT_TRUE(found.ok()) << found.outcome().line() << "\n" << json_of(sets[set], set);
            const std::set<std::pair<std::string, std::string>> engine(found->begin(), found->end());
            ASSERT_EQ(engine.size(), found->size()) << "a code comes once";
            for (const Plain& system : systems) {
                for (const std::string& code : system.order) {
                    const bool expected = oracle.in_set(set, system, code);
                    ASSERT_EQ(engine.contains({system.url, code}), expected) << system.url << " " << code << "\n"
                                                                             << json_of(sets[set], set) << "\n"
                                                                             << json_of(system);
                    ASSERT_EQ(terminology.has(url, system.url, code), expected);
                    ++compared;
                    members += expected;
                }
            }
        }
    }
    EXPECT_GT(compared, 10'000u);
    EXPECT_GT(members, 1'000u);
}

// Search by words against a look at every name.
TEST(ComposeOracle, SearchFindsExactlyTheNamesThatHoldTheWords) {
    const content::Files files;
    const testing::StoppedClock clock;
    const Terminology terminology(files, clock);
    constexpr std::string_view system = "urn:xinglin:codesystem:icd-9-cm-3";
    std::vector<std::string> names;
    for (std::size_t offset = 0;; offset += 5'000) {
        const auto page =
            terminology.expand({.url = "urn:xinglin:codesystem:icd-9-cm-3?fhir_vs", .offset = offset, .count = 5'000});
        ASSERT_TRUE(page.ok());
        for (const auto& one : page->concepts) names.push_back(one.display);
        if (page->concepts.empty()) break;
    }
    ASSERT_GT(names.size(), 13'000u);
    for (const std::string_view words : {"肝", "切除", "腹腔镜", "心脏瓣膜", "术", "冠状动脉旁路", "食管胃", "没有这种手术"}) {
        std::size_t expected = 0;
        for (const std::string& name : names) expected += name.find(words) != std::string::npos;
        EXPECT_EQ(terminology.concepts({.system = system, .words = words})->total, expected) << words;
    }
}

}  // namespace
}  // namespace xinglin::terminology
