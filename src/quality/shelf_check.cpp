// SPDX-License-Identifier: Apache-2.0
// Playing the cases of the rules: a resource, and which rules it fails.
#include "quality/shelf_check.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "calendar/calendar.h"
#include "json/json.h"

namespace xinglin::quality {

namespace {

std::string day_text(std::int64_t day) {
    const calendar::Civil civil = calendar::civil_from_days(day);
    return fmt::format("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day);
}

std::set<std::string> words_of(json::Value list) {
    std::set<std::string> out;
    for (const json::Node& node : list.items()) out.emplace(json::Value(&node).string());
    return out;
}

class CaseFile {
public:
    CaseFile(const Rulebook& book, const Set& set, Judge& judge) : book_(book), set_(set), judge_(judge) {}

    /// What is wrong, "" when all is well; adds the rules that failed to `seen`.
    std::string play(std::string_view text, std::set<std::string>& seen) {
        json::Arena arena;
        const auto parsed = json::parse(text, arena);
        if (!parsed.ok()) return parsed.outcome().line();
        const json::Value expect = (*parsed)["expect"];
        if (!(*parsed)["resource"].is_object() || !expect.is_object()) return "needs the members resource and expect";
        const auto received = calendar::parse_instant((*parsed)["received"].string());
        if (!received) return "received must be an instant, such as 2026-11-22T10:00:00+08:00";
        Arrived arrived{calendar::span_of(*received, 0).low_ms, 0};
        if ((*parsed)["message"].as_bool()) arrived.told_ms = arrived.at_ms;
        for (const Verdict& verdict : judge_.judge((*parsed)["resource"], (*parsed)["patient"], arrived)) {
            if (&book_.sets()[verdict.set] == &set_) return compare(verdict, expect, seen);
        }
        return expect["counts"].is_boolean() && !expect["counts"].as_bool() ? "" : "the resource does not belong to the set";
    }

private:
    const Rulebook& book_;
    const Set& set_;
    Judge& judge_;

    std::string compare(const Verdict& verdict, json::Value expect, std::set<std::string>& seen) {
        if (expect["counts"].is_boolean() && !expect["counts"].as_bool())
            return "the resource belongs to the set, expected not to";
        if (expect["day"] && expect["day"].string() != day_text(verdict.day)) return "counts on " + day_text(verdict.day);
        if (expect["who"] && expect["who"].string() != verdict.who) return "counts for '" + verdict.who + "'";
        std::set<std::string> failed, untested;
        for (std::size_t i = 0; i < verdict.marks.size(); ++i) {
            if (verdict.marks[i] == Mark::failed) failed.insert(set_.rules[i].id);
            if (verdict.marks[i] == Mark::untested && set_.rules[i].test) untested.insert(set_.rules[i].id);
        }
        seen.insert(failed.begin(), failed.end());
        if (failed != words_of(expect["failed"])) return fmt::format("fails {}", fmt::join(failed, ", "));
        if (expect["untested"] && untested != words_of(expect["untested"]))
            return fmt::format("does not test {}", fmt::join(untested, ", "));
        return "";
    }
};

}  // namespace

void check_shelf(const content::Files& files, const Around& around, std::vector<content::Complaint>& complaints,
                 std::size_t& checked) {
    checked += files.list("quality", ".json").size();
    const auto book = Rulebook::read(files);
    if (!book.ok()) {
        const std::string& where = book.outcome().issues.front().where;
        complaints.push_back({where.substr(0, where.find(' ')),
                              where.find(' ') == std::string::npos ? "file" : where.substr(where.find(' ') + 1),
                              book.outcome().issues.front().what});
        return;
    }
    Judge judge(*book, around);
    std::map<std::string, std::set<std::string>> seen;
    for (const std::string& path : files.list("quality/cases", ".json")) {
        const std::string rest = path.substr(std::string_view("quality/cases/").size());
        const Set* set = book->set(rest.substr(0, rest.find('/')));
        if (!set) {
            complaints.push_back({path, "path", "there is no set of this name in quality/sets"});
            continue;
        }
        const std::string wrong = CaseFile(*book, *set, judge).play(files.read(path).value_or(""), seen[set->id]);
        if (!wrong.empty()) complaints.push_back({path, "expect", wrong});
    }
    for (const Set& set : book->sets()) {
        const std::string file = "quality/sets/" + set.id + ".json";
        if (files.origin(file) == "built in" && !seen.contains(set.id)) continue;  // its cases stay with the source
        for (const Rule& rule : set.rules) {
            if (rule.measure != Measure::duplicates && !seen[set.id].contains(rule.id))
                complaints.push_back({file, rule.id, "no case fails it, add one to quality/cases/" + set.id});
        }
    }
}

}  // namespace xinglin::quality
