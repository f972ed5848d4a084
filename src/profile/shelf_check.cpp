// SPDX-License-Identifier: Apache-2.0
// Profiles of a content folder, judged by their cases.
#include "profile/shelf_check.h"

#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xinglin::profile {

namespace {

struct Shelf {
    const content::Files& files;
    const MemberOf& member_of;
    std::vector<content::Complaint>& complaints;
    std::size_t& checked;
    Book book;

    void complain(const std::string& file, std::string where, std::string what) {
        complaints.push_back({file, std::move(where), std::move(what)});
    }
    /// The file as JSON, or nothing and a complaint.
    json::Value read(const std::string& path, json::Arena& arena) {
        const auto parsed = json::parse(files.read(path).value_or(""), arena);
        if (parsed.ok()) return *parsed;
        const Issue& issue = parsed.outcome().issues[0];
        complain(path, issue.where, issue.what);
        return {};
    }
    std::set<std::string> errors(json::Value resource) const {
        Ask ask;
        ask.member_of = member_of;
        std::set<std::string> found;
        for (const Issue& issue : book.check(resource, ask).issues) {
            if (issue.severity == Severity::error || issue.severity == Severity::fatal)
                found.insert(issue.key + " " + issue.where);
        }
        return found;
    }
    void read_profiles();
    void play(const std::string& path, json::Value expected);
};

void Shelf::read_profiles() {
    std::map<std::string, std::string> paths;  // url → file
    for (const std::string& path : files.list("profiles", ".json")) {
        if (path.find("/cases/") != std::string::npos) continue;
        if (files.read(path).value_or("").empty()) continue;  // hidden by an empty file
        ++checked;
        json::Arena arena;
        const json::Value definition = read(path, arena);
        if (!definition) continue;
        if (const auto added = book.add(definition, path); !added.ok()) {
            for (const Issue& issue : added.outcome().issues) complain(path, issue.where, issue.what);
            continue;
        }
        const auto [known, is_new] = paths.emplace(definition["url"].string(), path);
        if (!is_new) complain(path, "url", "is that of " + known->second + " too");
    }
    for (const Card& card : book.cards()) {
        if (card.fault) complain(paths.contains(card.url) ? paths[card.url] : card.url, card.fault->where, card.fault->what);
    }
}

/// "profiles/cases/patient/invalid/no-name.json"
void Shelf::play(const std::string& path, json::Value expected) {
    ++checked;
    json::Arena arena;
    const json::Value resource = read(path, arena);
    if (!resource) return;
    const std::size_t kind = path.rfind('/', path.rfind('/') - 1) + 1;
    const std::string name = path.substr(kind);
    const bool is_valid = name.starts_with("valid/");
    if (is_valid) {
        if (const Outcome structure = fhir::validate(resource); !structure.ok()) complain(path, "structure", structure.line());
    }
    std::set<std::string> wanted;
    for (const json::Node& node : expected[name].items()) wanted.emplace(json::Value(&node).string());
    if (!is_valid && wanted.empty()) {
        complain(path, "expected.json", "does not say what is wrong with it, add \"" + name + "\"");
        return;
    }
    const std::set<std::string> found = errors(resource);
    if (found != wanted)
        complain(path, "errors", fmt::format("are [{}] and should be [{}]", fmt::join(found, "; "), fmt::join(wanted, "; ")));
}

}  // namespace

void check_shelf(const content::Files& files, const MemberOf& member_of, std::vector<content::Complaint>& complaints,
                 std::size_t& checked) {
    Shelf shelf{files, member_of, complaints, checked, Book()};
    shelf.read_profiles();
    json::Arena arena;
    std::map<std::string, json::Value> expected;  // by folder
    for (const std::string& path : files.list("profiles/cases", ".json")) {
        if (path.ends_with("/expected.json")) expected[path.substr(0, path.rfind('/'))] = shelf.read(path, arena);
    }
    for (const std::string& path : files.list("profiles/cases", ".json")) {
        if (path.ends_with("/expected.json")) continue;
        const std::string parent = path.substr(0, path.rfind('/'));
        if (!parent.ends_with("/valid") && !parent.ends_with("/invalid")) {
            complaints.push_back({path, "path", "is neither profiles/cases/NAME/valid/WORD.json nor …/invalid/WORD.json"});
            continue;
        }
        shelf.play(path, expected[parent.substr(0, parent.rfind('/'))]);
    }
}

}  // namespace xinglin::profile
