// SPDX-License-Identifier: Apache-2.0
// The format of tests-fhir-r4.xml: <group><test inputfile predicate mode checkOrderedFunctions><expression invalid/><output type/>.
#include "fhirpath/suite.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "fhirpath/fhirpath.h"
#include "fhirpath/plain.h"

namespace xinglin::fhirpath {

namespace {

std::optional<std::string> read_whole(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

/// Reads inputs once; each may be there as XML or as JSON.
class Inputs {
public:
    explicit Inputs(std::filesystem::path folder) : folder_(std::move(folder)) {}

    Result<Item> load(const std::string& name) {
        if (name.empty()) return Item{};
        if (const auto found = loaded_.find(name); found != loaded_.end()) return found->second;
        const std::string stem = name.substr(0, name.rfind('.'));
        std::string wrong = "no such file";
        for (const std::string& candidate : {name, stem + ".json", stem + ".xml"}) {
            for (const std::filesystem::path& folder : {folder_, folder_ / "inputs"}) {
                const auto text = read_whole(folder / candidate);
                if (!text) continue;
                const bool xml = candidate.ends_with(".xml");
                auto resource = xml ? fhir::from_xml(*text, arena_) : json::parse(*text, arena_);
                if (!resource.ok()) {
                    wrong = resource.outcome().line();
                    continue;
                }
                return loaded_.emplace(name, item_of(*resource)).first->second;
            }
        }
        return refuse(IssueCode::not_found, name, wrong);
    }

private:
    std::filesystem::path folder_;
    json::Arena arena_;
    std::map<std::string, Item> loaded_;
};

std::string shown(const Item& item) {
    const auto text = text_of(item);
    if (text) return *text;
    return item.value ? json::write(item.value).substr(0, 100) : std::string();
}

std::string shown(const Collection& items) {
    std::string out;
    for (const Item& item : items) out += fmt::format("{}{}:{}", out.empty() ? "" : ", ", item.type_name(), shown(item));
    return "[" + out + "]";
}

/// Dates and times are written with their @ and T in the test files.
bool same_value(std::string expected, const Item& item) {
    const std::string actual = shown(item);
    if (expected == actual) return true;
    if (expected.starts_with('@')) expected.erase(0, 1);
    if (expected.starts_with('T')) expected.erase(0, 1);
    return expected == actual || expected == actual + "T";
}

bool same_type(std::string_view expected, const Item& item) { return expected.empty() || expected == item.type_name(); }

std::optional<std::string> difference(const pugi::xml_node& test, const Collection& result) {
    std::vector<pugi::xml_node> outputs;
    for (const pugi::xml_node output : test.children("output")) outputs.push_back(output);
    if (test.attribute("predicate").as_bool()) {
        const bool expected = outputs.empty() || std::string_view(outputs[0].text().get()) == "true";
        return truth(result).value_or(false) == expected
                   ? std::nullopt
                   : std::optional("the truth of it is not " + std::string(expected ? "true" : "false"));
    }
    if (outputs.size() != result.size()) return fmt::format("{} results expected, got {}", outputs.size(), shown(result));
    const auto matches = [](const pugi::xml_node& output, const Item& item) {
        const std::string text = output.text().get();
        return same_type(output.attribute("type").value(), item) && (text.empty() || same_value(text, item));
    };
    const bool any_order = std::string_view(test.attribute("ordered").value()) == "false";
    std::vector<bool> taken(result.size(), false);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        bool found = false;
        for (std::size_t j = any_order ? 0 : i; j < (any_order ? result.size() : i + 1) && !found; ++j) {
            if (taken[j] || !matches(outputs[i], result[j])) continue;
            taken[j] = found = true;
        }
        if (!found)
            return fmt::format("{} {} expected, got {}", outputs[i].attribute("type").value(), outputs[i].text().get(),
                               shown(result));
    }
    return std::nullopt;
}

/// Nothing when the test passes, else what differed.
std::optional<std::string> run_test(const pugi::xml_node& test, Inputs& inputs) {
    const pugi::xml_node expression = test.child("expression");
    const std::string_view invalid = expression.attribute("invalid").value();
    const bool must_fail = !invalid.empty() && invalid != "false";
    auto input = inputs.load(test.attribute("inputfile").value());
    if (!input.ok()) return input.outcome().line();
    CompileOptions options;
    options.context_type = input->type;
    options.strict = std::string_view(test.attribute("mode").value()) == "strict";
    options.check_ordered_functions = test.attribute("checkOrderedFunctions").as_bool();
    Problem problem;
    const auto compiled = Expression::compile(expression.text().get(), options, &problem);
    if (compiled.ok()) {
        Environment environment;
        const auto result = compiled->evaluate(*input, environment, &problem);
        if (result.ok())
            return must_fail ? fmt::format("a failure ({}) expected, got {}", invalid, shown(*result))
                             : difference(test, *result);
    }
    if (!must_fail) return fmt::format("{}: {}", problem.kind, problem.message);
    if (invalid == "true" || invalid == problem.kind) return std::nullopt;
    return fmt::format("a failure of kind {} expected, got {}: {}", invalid, problem.kind, problem.message);
}

}  // namespace

Result<SuiteResult> run_suite(const std::filesystem::path& file) {
    const auto text = read_whole(file);
    if (!text) return refuse(IssueCode::not_found, file.string(), "can't be read");
    pugi::xml_document document;
    // White space inside expressions counts, as in a string over two lines.
    const auto parsed = document.load_buffer(text->data(), text->size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
    if (!parsed || !document.child("tests")) return refuse(IssueCode::structure, file.string(), "not a file of FHIRPath tests");
    Inputs inputs(file.parent_path());
    SuiteResult result;
    for (const pugi::xpath_node found : document.select_nodes("//test")) {
        const pugi::xml_node test = found.node();
        const auto wrong = run_test(test, inputs);
        ++(wrong ? result.failed : result.passed);
        if (wrong)
            result.failures.push_back(
                fmt::format("{}/{}: {}", test.parent().attribute("name").value(), test.attribute("name").value(), *wrong));
    }
    return result;
}

}  // namespace xinglin::fhirpath
