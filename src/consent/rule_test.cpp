// SPDX-License-Identifier: Apache-2.0
// A Consent as rules: random trees against one that walks the JSON for every resource; laws of which rule decides; and Consents made to hurt.
#include <random>

#include "consent/index.h"
#include "consent/rule.h"
#include "consent/test_house.h"

namespace xinglin::consent {
namespace {

using ::testing::SizeIs;

constexpr const char* labels[] = {"HIV", "PSY", "SEX"};
constexpr const char* types[] = {"Observation", "Condition", "Immunization"};
constexpr const char* actors[] = {"Organization/hospital", "Practitioner/li", "Organization/clinic"};

/// A resource as rules see it.
struct Thing {
    std::string type;
    std::vector<std::string> labels;
    std::int64_t at_ms;
};

class Trees {
public:
    explicit Trees(std::uint64_t seed) : random_(seed) {}
    std::string node(int depth) {
        std::string text = "{";
        const auto add = [&](const std::string& member) { text += (text.size() > 1 ? "," : "") + member; };
        if (depth > 0 || one_in(2)) add(fmt::format(R"("type":"{}")", one_in(2) ? "permit" : "deny"));
        if (one_in(3)) add(fmt::format(R"("actor":[{{"role":{{"text":"x"}},"reference":{{"reference":"{}"}}}}])", pick(actors)));
        if (one_in(3)) add(fmt::format(R"("securityLabel":[{{"system":"s","code":"{}"}}])", pick(labels)));
        if (one_in(4))
            add(fmt::format(R"("class":[{{"system":"http://hl7.org/fhir/resource-types","code":"{}"}}])", pick(types)));
        if (one_in(5)) add(R"("dataPeriod":{"start":"2020-01-01"})");
        if (one_in(8)) add(R"("period":{"end":"2020-01-01"})");
        if (one_in(8)) add(R"("action":[{"coding":[{"code":"correct"}]}])");
        if (depth < 3) {
            std::string nested;
            for (int i = 0; i < 2; ++i)
                if (one_in(2)) nested += (nested.empty() ? "" : ",") + node(depth + 1);
            if (!nested.empty()) add("\"provision\":[" + nested + "]");
        }
        return text + "}";
    }
    Thing thing() {
        Thing out{pick(types), {}, one_in(2) ? 1'500'000'000'000 : 1'700'000'000'000};
        for (const char* label : labels)
            if (one_in(3)) out.labels.emplace_back(label);
        return out;
    }
    bool one_in(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)) == 0; }

private:
    std::mt19937_64 random_;
    template <std::size_t n>
    std::string pick(const char* const (&from)[n]) {
        return from[random_() % n];
    }
};

/// Asks the JSON itself: may this node speak of this thing, to Dr Li of the hospital, now?
bool speaks(json::Value node, const Thing& thing) {
    if (node["period"]["end"] || node["action"].size() > 0) return false;
    if (node["actor"].size() > 0) {
        const std::string_view who = node["actor"][std::size_t{0}]["reference"]["reference"].string();
        if (who != "Organization/hospital" && who != "Practitioner/li") return false;
    }
    if (node["class"].size() > 0 && node["class"][std::size_t{0}]["code"].string() != thing.type) return false;
    if (node["dataPeriod"] && thing.at_ms < 1'577'808'000'000) return false;
    const std::string_view label = node["securityLabel"][std::size_t{0}]["code"].string();
    return label.empty() || std::find(thing.labels.begin(), thing.labels.end(), label) != thing.labels.end();
}

/// Are there labels within other labels?
bool is_doubtful(json::Value node, std::string_view outer) {
    const std::string_view label = node["securityLabel"][std::size_t{0}]["code"].string();
    if (!label.empty() && !outer.empty() && label != outer) return true;
    for (const json::Node& each : node["provision"].items())
        if (is_doubtful(json::Value(&each), label.empty() ? outer : label)) return true;
    return false;
}

/// Of the nodes that speak, those in which none speaks: "permit" and "deny" of the innermost.
void innermost(json::Value node, const Thing& thing, std::set<std::string>& out) {
    if (!speaks(node, thing)) return;
    std::set<std::string> inside;
    for (const json::Node& each : node["provision"].items()) innermost(json::Value(&each), thing, inside);
    const std::string_view type = node["type"].string();
    if (inside.empty() && !type.empty()) inside.insert(std::string(type));
    out.insert(inside.begin(), inside.end());
}

bool concerns(const Provision& provision, const Thing& thing) {
    const auto type = std::find_if(provision.types.begin(), provision.types.end(),
                                   [&](const fhir::Type* each) { return each->name == thing.type; });
    if (!provision.types.empty() && type == provision.types.end()) return false;
    if (provision.period && (thing.at_ms < provision.period->low_ms || thing.at_ms >= provision.period->high_ms)) return false;
    if (provision.labels.empty()) return true;
    return std::any_of(provision.labels.begin(), provision.labels.end(), [&](const Label& label) {
        return std::find(thing.labels.begin(), thing.labels.end(), label.code) != thing.labels.end();
    });
}

const Party li{
    .practitioner = "li", .account = "doctor-li", .role = "clinician", .purpose = "TREAT", .institutions = {"hospital"}};
constexpr std::int64_t now_ms = 1'795'305'600'000;

std::optional<Consent> parsed(const std::string& id, const std::string& provision, std::int64_t at_ms) {
    json::Arena arena;
    const std::string text = fmt::format(
        R"({{"resourceType":"Consent","id":"{}","status":"active","scope":{{"coding":[{{"code":"patient-privacy"}}]}},"patient":{{"reference":"Patient/anna"}},"provision":{}}})",
        id, provision);
    const auto value = json::parse(text, arena, {.depth = 1'000, .bytes = text.size() + 1});
    if (!value.ok()) return std::nullopt;
    return consent_of(*value, at_ms, at_ms, 480);
}

std::string decided(const Index& index, const Thing& thing) {
    std::string out;
    for (const Provision& each : index.of_patient("anna", li, now_ms))
        if (concerns(each, thing)) out = each.permit ? "permit" : "deny";
    return out;
}

TEST(Rules, OfOneConsentDecideAsTheTreeDoes) {
    const std::uint64_t seed = testing::seed();
    Trees trees(seed);
    int decisions = 0;
    for (int round = 0; round < 5'000; ++round) {
        const std::string tree = trees.node(0);
        Index index;
        if (auto consent = parsed("c", tree, 1)) index.put(std::move(*consent), {"anna"}, {});
        json::Arena arena;
        const json::Value root = *json::parse(tree, arena);
        for (int i = 0; i < 4; ++i) {
            const Thing thing = trees.thing();
            std::set<std::string> expected;
            innermost(root, thing, expected);
            const std::string came = decided(index, thing);
            if (is_doubtful(root, "")) {  // only closing is taken over
                EXPECT_TRUE(came != "permit" || expected.contains("permit")) << seed << " " << tree;
                continue;
            }
            const std::string hint = fmt::format("{} {} {} {}", seed, tree, thing.type, fmt::join(thing.labels, " "));
            if (expected.empty()) {
                EXPECT_EQ(came, "") << hint;
            } else if (expected.size() == 1) {
                EXPECT_EQ(came, *expected.begin()) << hint;
            } else {
                EXPECT_NE(came, "") << hint;  // two exceptions that contradict each other: the order decides
            }
            decisions += expected.empty() ? 0 : 1;
            if (::testing::Test::HasFailure()) return;
        }
    }
    EXPECT_GT(decisions, 2'000);
}

/// How closely a rule names Dr Li of the hospital: 0, 1, 2; and the label it is about.
struct Reach {
    int party;
    std::string label;
    bool permit;
    std::int64_t at_ms;
};

TEST(Rules, OpenNothingThatAnotherDecisionClosedAsCloselyOrMore) {
    const std::uint64_t seed = testing::seed();
    Trees trees(seed);
    int opened = 0;
    for (int round = 0; round < 5'000; ++round) {
        Index index;
        std::vector<Reach> reaches;
        const int count = 2 + round % 4;
        for (int i = 0; i < count; ++i) {
            Reach reach{trees.one_in(3)   ? 0
                        : trees.one_in(2) ? 1
                                          : 2,
                        trees.one_in(2)   ? ""
                        : trees.one_in(2) ? "HIV"
                                          : "PSY",
                        trees.one_in(2), i + 1};
            std::string text = fmt::format(R"({{"type":"{}")", reach.permit ? "permit" : "deny");
            if (reach.party > 0)
                text += fmt::format(R"(,"actor":[{{"reference":{{"reference":"{}"}}}}])",
                                    reach.party == 1 ? "Organization/hospital" : "Practitioner/li");
            if (!reach.label.empty()) text += fmt::format(R"(,"securityLabel":[{{"system":"s","code":"{}"}}])", reach.label);
            auto consent = parsed(fmt::format("c{}", i), text + "}", reach.at_ms);
            ASSERT_TRUE(consent);
            index.put(std::move(*consent), {"anna"}, {});
            reaches.push_back(reach);
        }
        const Thing thing = trees.thing();
        const auto speaks_of = [&](const Reach& reach) {
            return reach.label.empty() || std::find(thing.labels.begin(), thing.labels.end(), reach.label) != thing.labels.end();
        };
        std::optional<Reach> decider;
        for (const Provision& each : index.of_patient("anna", li, now_ms))
            if (concerns(each, thing)) decider = reaches[static_cast<std::size_t>(each.consent[1] - '0')];
        if (!decider) {
            EXPECT_TRUE(std::none_of(reaches.begin(), reaches.end(), speaks_of)) << seed;
            continue;
        }
        if (!decider->permit) continue;
        ++opened;
        for (const Reach& other : reaches) {
            if (other.permit || !speaks_of(other)) continue;
            const bool same = other.party == decider->party && other.label == decider->label;
            const bool less = other.party <= decider->party && (other.label.empty() || other.label == decider->label);
            const bool beaten = same ? other.at_ms < decider->at_ms : less;
            // A third rule may stand between: of the same category and newer, or naming Dr Li more closely.
            const bool outlived = std::any_of(reaches.begin(), reaches.end(), [&](const Reach& third) {
                return third.label == other.label &&
                       (third.party == other.party ? third.at_ms > other.at_ms
                                                   : third.permit && third.party > other.party && !third.label.empty());
            });
            EXPECT_TRUE(beaten || outlived) << seed << " round " << round;
        }
    }
    EXPECT_GT(opened, 300);
}

TEST(Rules, ExceptionOpensWithinItsReachAndNoFurther) {
    Index index;
    index.put(
        *parsed(
            "hiv",
            R"({"type":"deny","securityLabel":[{"system":"s","code":"HIV"}],"provision":[{"type":"permit","class":[{"system":"http://hl7.org/fhir/resource-types","code":"Immunization"}]}]})",
            1),
        {"anna"}, {});
    EXPECT_EQ(decided(index, {"Immunization", {"HIV"}, 1}), "permit");
    EXPECT_EQ(decided(index, {"Observation", {"HIV"}, 1}), "deny");
    index.put(*parsed("hospital", R"({"type":"deny","actor":[{"reference":{"reference":"Organization/hospital"}}]})", 2),
              {"anna"}, {});
    EXPECT_EQ(decided(index, {"Immunization", {"HIV"}, 1}), "deny") << "the hospital was closed";
    index.put(*parsed("li", R"({"type":"permit","actor":[{"reference":{"reference":"Practitioner/li"}}]})", 3), {"anna"}, {});
    EXPECT_EQ(decided(index, {"Immunization", {"HIV"}, 1}), "permit");
    EXPECT_EQ(decided(index, {"Observation", {"HIV"}, 1}), "deny");
    EXPECT_EQ(decided(index, {"Observation", {}, 1}), "permit");
}

TEST(Rules, BasePolicyStandsBelowItsExceptions) {
    json::Arena arena;
    const auto value = json::parse(
        R"({"resourceType":"Consent","id":"c","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"patient":{"reference":"Patient/anna"},"policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"provision":[{"actor":[{"reference":{"reference":"Organization/hospital"}}]}]}})",
        arena);
    const auto consent = consent_of(*value, 1, 1, 480);
    ASSERT_TRUE(consent);
    ASSERT_THAT(consent->rules, SizeIs(2));
    EXPECT_FALSE(consent->rules[0].permit);
    EXPECT_TRUE(consent->rules[1].permit) << "an exception without a type says the opposite";
}

TEST(Rules, WhatIsNotUnderstoodNeverOpens) {
    const auto count = [](const std::string& provision) {
        const auto consent = parsed("c", provision, 1);
        return consent ? consent->rules.size() : 0;
    };
    for (const char* condition :
         {R"("code":[{"coding":[{"code":"x"}]}])", R"("data":[{"meaning":"instance","reference":{"reference":"Observation/1"}}])",
          R"("class":[{"system":"urn:other","code":"x"}])", R"("period":{"start":"soon"})", R"("dataPeriod":{"end":"soon"})"}) {
        EXPECT_EQ(count(fmt::format(R"({{"type":"permit",{}}})", condition)), 0u) << condition;
        EXPECT_EQ(count(fmt::format(R"({{"type":"deny",{}}})", condition)), 1u) << condition;
        EXPECT_EQ(count(fmt::format(R"({{"type":"permit",{},"provision":[{{"type":"deny"}},{{"type":"permit"}}]}})", condition)),
                  1u)
            << condition;
    }
}

TEST(Rules, AreNotManyHoweverHostileTheConsent) {
    std::string deep = R"({"type":"permit")";
    for (int i = 0; i < 300; ++i) deep += R"(,"provision":[{"type":"permit")";
    for (int i = 0; i < 300; ++i) deep += "}]";
    std::string wide = R"({"type":"permit","provision":[)";
    for (int i = 0; i < 5'000; ++i) wide += (i ? "," : "") + std::string(R"({"type":"deny"})");
    std::string actors_many = R"({"type":"permit","actor":[)";
    for (int i = 0; i < 5'000; ++i)
        actors_many += (i ? "," : "") + fmt::format(R"({{"reference":{{"reference":"Practitioner/{}"}}}})", i);
    for (const std::string& hostile : {deep + "}", wide + "]}", actors_many + "]}"}) {
        const auto consent = parsed("c", hostile, 1);
        ASSERT_TRUE(consent);
        EXPECT_TRUE(consent->too_complex);
        ASSERT_THAT(consent->rules, SizeIs(1));
        EXPECT_FALSE(consent->rules[0].permit) << "closes everything";
    }
    for (const char* odd :
         {"[]", "1", "\"x\"", "null", R"({"type":7})", R"({"actor":{"reference":1},"type":"permit","provision":{"type":"deny"}})",
          R"({"type":"permit","actor":[{"reference":{"reference":"Practitioner/"}}]})",
          R"({"type":"permit","actor":[1,null,{}]})"}) {
        const auto consent = parsed("c", odd, 1);
        Index index;
        if (consent) index.put(*consent, {"anna"}, {});
        for (const Provision& each : index.of_patient("anna", li, now_ms)) EXPECT_FALSE(each.permit && each.named) << odd;
    }
}

}  // namespace
}  // namespace xinglin::consent
