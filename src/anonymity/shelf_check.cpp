// SPDX-License-Identifier: Apache-2.0
// The rules of a release, judged by small tables and what must become of them.
#include <charconv>

#include "anonymity/anonymity.h"

namespace xinglin::anonymity {

namespace {

std::uint64_t whole(json::Value value) {
    std::uint64_t number = 0;
    const std::string_view text = value.text();
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::string played(const Rules& rules, json::Value given) {
    Table table(rules);
    for (const json::Node& node : given.find("persons").items()) {
        const json::Value person(&node);
        std::vector<std::string> values, codes;
        for (const Quasi& quasi : rules.quasi) values.emplace_back(person.find(quasi.name).string());
        for (const json::Node& code : person.find("diagnoses").items()) codes.emplace_back(json::Value(&code).string());
        const std::uint32_t tuple = table.tuple_of(values);
        for (std::uint64_t i = 0; i < std::min<std::uint64_t>(whole(person.find("count")), 10'000); ++i)
            table.add(tuple, true, rules.sensitive_of(codes));
    }
    if (const auto fine = table.check_levels(); !fine.ok()) return fine.outcome().line();
    const Found found = Judge(table, rules.goals).search();
    std::string out = found.reached ? "" : "not reached;";
    for (std::size_t i = 0; i < rules.quasi.size(); ++i)
        out += fmt::format("{}{} {}", out.empty() ? "" : " ", rules.quasi[i].name, found.after.node[i]);
    return out + fmt::format("; told {}, suppressed {}, smallest {}", found.after.persons, found.after.suppressed,
                             found.after.smallest);
}

}  // namespace

void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    ++checked;
    const auto rules = read_rules(files);
    if (!rules.ok()) {
        for (const Issue& issue : rules.outcome().issues)
            complaints.push_back({"deidentify/release.json", issue.where, issue.what});
        return;
    }
    for (const std::string& path : files.list("deidentify/release-cases", ".json")) {
        ++checked;
        json::Arena arena;
        const std::string text = files.read(path).value_or("");
        const auto given = json::parse(text, arena);
        if (!given.ok()) {
            complaints.push_back({path, given.outcome().issues[0].where, given.outcome().issues[0].what});
            continue;
        }
        if (given->find("says").string().empty())
            complaints.push_back({path, "says", "is missing, say in a sentence what the case shows"});
        if (const std::string came = played(*rules, *given); came != given->find("expected").string())
            complaints.push_back({path, "expected", "differs, it becomes \"" + came + "\""});
    }
}

}  // namespace xinglin::anonymity
