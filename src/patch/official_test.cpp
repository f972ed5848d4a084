// SPDX-License-Identifier: Apache-2.0
// The official cases of FHIRPath Patch and JSON Patch (testdata/, Apache-2.0), each input with its patch against its output.
#include <gtest/gtest.h>

#include "fhir/fhir.h"
#include "patch/patch.h"
#include "testing/conformance.h"
#include "testing/testing.h"

namespace xinglin::patch {
namespace {

const std::filesystem::path folder = std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/patch/testdata";

/// What stands between <name …> and </name>.
std::string_view inside(std::string_view text, std::string_view name) {
    const std::size_t open = text.find(fmt::format("<{}", name));
    const std::size_t from = open == std::string_view::npos ? open : text.find('>', open);
    const std::size_t upto = text.find(fmt::format("</{}>", name), open);
    if (from == std::string_view::npos || upto == std::string_view::npos || upto < from) return {};
    return text.substr(from + 1, upto - from - 1);
}

/// As JSON without blanks and with the narrative's quotes as characters: the same XHTML is laid out in two ways in the cases.
std::string folded(json::Value value) {
    const std::string text = json::write(value);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = std::string_view(text).substr(i);
        const bool is_line = rest.starts_with("\\n"), is_quote = rest.starts_with("&quot;");
        if (is_quote) out += "\\\"";
        else if (!is_line && text[i] != ' ') out += text[i];
        i += is_line ? 1 : is_quote ? 5 : 0;
    }
    return out;
}

std::string why_not(std::string_view one) {
    json::Arena arena;
    const auto input = fhir::from_xml(inside(one, "input"), arena), diff = fhir::from_xml(inside(one, "diff"), arena),
               output = fhir::from_xml(inside(one, "output"), arena);
    if (!input.ok() || !diff.ok() || !output.ok()) return "the case cannot be read";
    const auto changed = apply_fhirpath_patch(*input, *diff, arena);
    if (!changed.ok()) return "refused: " + changed.outcome().line();
    const std::string gave = folded(*changed), wanted = folded(*output);
    if (json::same_content(*changed, *output) || gave == wanted) return "";
    const auto at = std::mismatch(gave.begin(), gave.end(), wanted.begin(), wanted.end()).first - gave.begin();
    const auto from = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, at - 40));
    return "gave …" + gave.substr(from, 120) + "…, wanted …" + wanted.substr(from, 120) + "…";
}

TEST(OfficialPatch, FhirPathPatchAsTheOfficialCasesHaveIt) {
    const std::string text = testing::read_file(folder / "fhir-path-tests.xml");
    testing::Conformance suite{.suite = "FHIRPath Patch R4",
                               .source = "FHIR/fhir-test-cases 1.1.14, r4/patch/fhir-path-tests.xml"};
    for (std::size_t at = text.find("<case "); at != std::string::npos; at = text.find("<case ", at + 1)) {
        const std::string_view one = std::string_view(text).substr(at, text.find("</case>", at) - at);
        const std::size_t quote = one.find("name=\"") + 6;
        const std::string name(one.substr(quote, one.find('"', quote) - quote)), why = why_not(one);
        ++suite.cases;
        suite.passed += why.empty();
        if (!why.empty()) suite.reasons.push_back(name + ": " + why);
        EXPECT_EQ(why, "") << name;
    }
    EXPECT_EQ(suite.cases, 30u);
    testing::report(suite);
}

TEST(OfficialPatch, JsonPatchAsTheOfficialCasesHaveIt) {
    const std::string text = testing::read_file(folder / "json-patch-tests.json");
    testing::Conformance suite{.suite = "JSON Patch R4", .source = "FHIR/fhir-test-cases 1.1.14, r4/patch/json-patch-tests.json"};
    json::Arena arena;
    const json::Value tests = json::parse(text, arena).value();
    for (const json::Node& node : tests.items()) {
        const json::Value one(&node);
        const std::string name(one.find("comment").string());
        const auto changed = apply_plain_json_patch(one.find("doc"), one.find("patch"), arena);
        const bool fits = one.find("error") ? !changed.ok() : changed.ok() && json::same_content(*changed, one.find("expected"));
        const std::string why = fits           ? ""
                                : changed.ok() ? "gave " + json::write(*changed)
                                               : "refused: " + changed.outcome().line();
        ++suite.cases;
        suite.passed += fits;
        if (!fits) suite.reasons.push_back(name + ": " + why);
        EXPECT_TRUE(fits) << name << ": " << why;
    }
    EXPECT_GT(suite.cases, 0u);
    testing::report(suite);
}

}  // namespace
}  // namespace xinglin::patch
