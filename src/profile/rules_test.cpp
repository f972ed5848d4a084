// SPDX-License-Identifier: Apache-2.0
// R4's own rules are said in Chinese too.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "profile/walk.h"

namespace xinglin::profile {
namespace {

bool is_chinese(const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xe4; });
}

TEST(RulesOfR4, AreAllSaidInChinese) {
    std::size_t rules = 0;
    std::vector<const fhir::Type*> waiting(fhir::resources().begin(), fhir::resources().end());
    std::set<const fhir::Type*> seen;
    while (!waiting.empty()) {
        const fhir::Type* type = waiting.back();
        waiting.pop_back();
        if (!type || !seen.insert(type).second) continue;
        waiting.push_back(type->base);
        for (const fhir::Element& element : type->elements) {
            for (const fhir::TypeRef& ref : element.types) waiting.push_back(ref.type);
        }
        for (const fhir::Rule& rule : fhir::rules(*type)) {
            if (rule.key.starts_with("dom-") || rule.key == "ref-1") continue;  // the survey's own words
            ++rules;
            EXPECT_TRUE(is_chinese(chinese_rule(type->name, rule.key))) << type->name << " " << rule.key << ": " << rule.human;
        }
    }
    EXPECT_GT(rules, 200U);
    EXPECT_NE(chinese_rule("Task", "inv-1"), chinese_rule("TestReport.setup.action", "inv-1"));
    EXPECT_EQ(chinese_rule("Patient", "no-such-rule"), "");
}

}  // namespace
}  // namespace xinglin::profile
