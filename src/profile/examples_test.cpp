// SPDX-License-Identifier: Apache-2.0
// Every published example of R4 keeps R4's own rules, but for those that break them, listed here.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "profile/profile.h"
#include "testing/conformance.h"
#include "testing/testing.h"

namespace xinglin::profile {
namespace {

const std::filesystem::path examples = std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhir/testdata";

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
        lines.emplace_back(text.substr(0, end));
    return lines;
}

TEST(Rules, OfR4HoldForEveryPublishedExampleButThoseListed) {
    const auto names = lines_of(testing::read_file(examples / "r4-examples.txt"));
    const auto texts = lines_of(testing::read_packed(examples / "r4-examples.ndjson.gz"));
    ASSERT_EQ(names.size(), 799u);
    const Book book;
    std::map<std::string, std::string> broken;
    for (std::size_t i = 0; i < names.size(); ++i) {
        json::Arena arena;
        const auto parsed = json::parse(texts[i], arena);
        ASSERT_TRUE(parsed.ok());
        std::set<std::string> keys;
        for (const Issue& issue : book.check(*parsed, {.everything = false}).issues)
            keys.insert(issue.key + " " + issue.where + " " + issue.what.substr(0, 160));
        for (const std::string& key : keys) broken[names[i]] += (broken[names[i]].empty() ? "" : "\n    ") + key;
    }
    testing::report({.suite = "FHIR R4 examples: rules (FHIRPath constraints)",
                     .source = "hl7.fhir.r4.examples 4.0.1",
                     .cases = names.size(),
                     .passed = names.size() - broken.size()});
    for (const auto& [name, keys] : broken) ADD_FAILURE() << name << " " << keys;
}

}  // namespace
}  // namespace xinglin::profile
