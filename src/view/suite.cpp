// SPDX-License-Identifier: Apache-2.0
// Test files: views, resources and the rows they should give, in any order (the specification gives rows none).
#include "view/suite.h"

#include <algorithm>

#include <fmt/format.h>

namespace xinglin::view {

namespace {

/// Decimal digits without what does not change the number: "0.950" → "0.95", "1.0" → "1", "-0" → "0".
std::string plain_number(std::string_view digits) {
    std::string text(digits);
    if (text.find_first_of("eE") != std::string::npos) return fmt::format("{}", std::strtod(text.c_str(), nullptr));
    if (text.find('.') != std::string::npos) {
        while (text.back() == '0') text.pop_back();
        if (text.back() == '.') text.pop_back();
    }
    return text == "-0" ? "0" : text;
}

/// A text that is the same for values that are the same: members sorted, nulls left out of objects, numbers plain.
std::string plain_text(json::Value value) {
    if (value.is_number()) return plain_number(value.text());
    if (value.is_array()) {
        std::string out = "[";
        for (const json::Node& node : value.items()) out += plain_text(json::Value(&node)) + ",";
        return out + "]";
    }
    if (!value.is_object()) return json::write(value);
    std::vector<std::string> members;
    for (const json::Member& member : value.members()) {
        if (!member.value().is_null()) members.push_back(fmt::format("{}:{}", member.key(), plain_text(member.value())));
    }
    std::sort(members.begin(), members.end());
    return fmt::format("{{{}}}", fmt::join(members, ","));
}

struct Ran {
    std::vector<std::string> rows;
    std::vector<std::string> columns;
    Outcome failure;
};

Ran run_view(const Result<Definition>& definition, json::Value resources) {
    Ran ran;
    if (!definition.ok()) {
        ran.failure = definition.outcome();
        return ran;
    }
    for (const Column& column : definition->columns()) ran.columns.push_back(column.name);
    Runner runner(*definition);
    for (const json::Node& node : resources.items()) {
        const auto done = runner.run(json::Value(&node), [&](Row row) {
            ran.rows.emplace_back();
            write_object(definition->columns(), row, ran.rows.back());
        });
        if (done.ok()) continue;
        ran.failure = done.outcome();
        return ran;
    }
    return ran;
}

std::string compare_rows(const Ran& ran, json::Value expected) {
    json::Arena arena;
    std::vector<std::string> got, wanted;
    for (const std::string& row : ran.rows) {
        const auto parsed = json::parse(row, arena);
        got.push_back(parsed.ok() ? plain_text(*parsed) : "not JSON: " + row);
    }
    for (const json::Node& node : expected.items()) wanted.push_back(plain_text(json::Value(&node)));
    std::sort(got.begin(), got.end());
    std::sort(wanted.begin(), wanted.end());
    if (got == wanted) return {};
    return fmt::format("expected {} rows {}, got {} rows {}", wanted.size(), fmt::join(wanted, " "), got.size(),
                       fmt::join(got, " "));
}

/// "" when the case passed.
std::string judge(json::Value test, json::Value resources) {
    const Ran ran = run_view(Definition::compile(test["view"]), resources);
    const bool failed = !ran.failure.issues.empty();
    if (test["expectError"].as_bool()) return failed ? "" : "expected an error, there was none";
    if (failed) return ran.failure.line();
    if (const json::Value columns = test["expectColumns"]) {
        std::vector<std::string> wanted;
        for (const json::Node& node : columns.items()) wanted.emplace_back(json::Value(&node).string());
        if (wanted != ran.columns)
            return fmt::format("expected columns {}, got {}", fmt::join(wanted, " "), fmt::join(ran.columns, " "));
    }
    if (const json::Value count = test["expectCount"]; count && plain_number(count.text()) != std::to_string(ran.rows.size()))
        return fmt::format("expected {} rows, got {}", count.text(), ran.rows.size());
    const json::Value expected = test["expect"];
    if (!expected) return test["expectColumns"] || test["expectCount"] ? "" : "the case expects nothing";
    return compare_rows(ran, expected);
}

}  // namespace

Result<SuiteResult> run_suite(std::string_view text) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value file, json::parse(text, arena));
    if (!file["tests"].is_array() || !file["resources"].is_array())
        return refuse(IssueCode::structure, "tests", "is no SQL on FHIR test file, it needs resources and tests");
    SuiteResult result;
    result.title = file["title"].string();
    for (const json::Node& node : file["tests"].items()) {
        const json::Value test(&node);
        SuiteResult::Case one{.title = std::string(test["title"].string()), .reason = judge(test, file["resources"])};
        one.passed = one.reason.empty();
        (one.passed ? result.passed : result.failed) += 1;
        result.cases.push_back(std::move(one));
    }
    return result;
}

std::string judge_case(const Definition& view, std::string_view text) {
    json::Arena arena;
    const auto file = json::parse(text, arena);
    if (!file.ok()) return file.outcome().line();
    if (!(*file)["resources"].is_array() || !(*file)["expect"].is_array()) return "a case needs resources and expect";
    const Ran ran = run_view(view, (*file)["resources"]);
    return ran.failure.issues.empty() ? compare_rows(ran, (*file)["expect"]) : ran.failure.line();
}

std::string report(const std::vector<std::pair<std::string, SuiteResult>>& files) {
    json::Arena arena;
    std::vector<std::pair<std::string_view, json::Value>> members;
    for (const auto& [name, result] : files) {
        std::vector<json::Value> tests;
        for (const SuiteResult::Case& one : result.cases) {
            tests.push_back(
                arena.object({{"name", arena.string(one.title)},
                              {"result", arena.object({{"passed", arena.boolean(one.passed)},
                                                       {"reason", one.passed ? json::Value() : arena.string(one.reason)}})}}));
        }
        members.emplace_back(name, arena.object({{"tests", arena.array(tests)}}));
    }
    return json::write_pretty(arena.object(members));
}

}  // namespace xinglin::view
