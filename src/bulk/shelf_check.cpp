// SPDX-License-Identifier: Apache-2.0
// Rules of de-identification, judged by their cases.
#include "bulk/shelf_check.h"

#include <fmt/format.h>

#include "bulk/deidentify.h"

namespace xinglin::bulk {

namespace {
constexpr std::string_view example_key = "the key of the examples, 32 bytes";  // content/deidentify/README.md
constexpr int example_year = 2026;

/// What is wrong with a case; where and what, "" when nothing is.
content::Complaint judge(const Deidentifier& deidentifier, const std::string& path, std::string_view text) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    if (!parsed.ok()) return {path, parsed.outcome().issues[0].where, parsed.outcome().issues[0].what};
    if (parsed->find("says").string().empty()) return {path, "says", "is missing, say in a sentence what the case shows"};
    if (!parsed->find("expected")) return {path, "expected", "is missing; null when the resource is left out"};
    if (const Outcome structure = fhir::validate(parsed->find("resource")); !structure.ok())
        return {path, "resource", structure.line()};
    const json::Value found = deidentifier.apply(parsed->find("resource"), arena), expected = parsed->find("expected");
    if (expected.is_null() && found) return {path, "expected", "says that it is left out, it becomes " + json::write(found)};
    if (!expected.is_null() && !found) return {path, "expected", "is a resource, but it is left out"};
    if (!expected.is_null() && !json::same_content(found, expected))
        return {path, "expected", "differs, it becomes " + json::write(found)};
    return {path, "", ""};
}
}  // namespace

void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    ++checked;
    const auto deidentifier = Deidentifier::make(files, std::string(example_key), example_year);
    if (!deidentifier.ok()) {
        for (const Issue& issue : deidentifier.outcome().issues)
            complaints.push_back({"deidentify/rules.json", issue.where, issue.what});
        return;
    }
    for (const std::string& path : files.list("deidentify/cases", ".json")) {
        ++checked;
        content::Complaint complaint = judge(*deidentifier, path, files.read(path).value_or(""));
        if (!complaint.what.empty()) complaints.push_back(std::move(complaint));
    }
}

}  // namespace xinglin::bulk
