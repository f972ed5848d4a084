// SPDX-License-Identifier: Apache-2.0
// The rules of unusual looks: read, judged, and tried on their own cases.
#include "access/unusual.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "json/json.h"
#include "json/settings.h"

namespace xinglin::access {

namespace {

constexpr std::string_view path = "access/unusual.json";
using Rule = UnusualRules::Rule;
using Kind = Rule::Kind;

constexpr std::pair<std::string_view, Kind> kinds[] = {{"same-address", Kind::same_address},
                                                       {"same-family", Kind::same_family},
                                                       {"colleague", Kind::colleague},
                                                       {"label", Kind::label},
                                                       {"volume", Kind::volume},
                                                       {"night", Kind::night},
                                                       {"refused", Kind::refused}};

std::vector<std::string> texts(json::Value list) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < list.size(); ++i) all.emplace_back(list[i].string());
    return all;
}

std::vector<std::pair<std::string, std::string>> by_language(json::Value words) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const std::string_view language : {"zh-CN", "en"}) all.emplace_back(language, words.find(language).string());
    return all;
}

Result<Rule> read_rule(json::Value value) {
    Rule rule;
    XINGLIN_CHECK(json::known_members(value, "rules.",
                                      {"id", "kind", "names", "why", "least", "factor", "from", "until", "labels", "roles"},
                                      "a rule of unusual looks"));
    XINGLIN_CHECK(json::take(value.find("id"), "rules.id", rule.id, 40));
    const auto kind = std::find_if(std::begin(kinds), std::end(kinds),
                                   [&](const auto& each) { return each.first == value.find("kind").string(); });
    if (kind == std::end(kinds))
        return refuse(IssueCode::invalid, "rules.kind",
                      "expected same-address, same-family, colleague, label, volume, night or refused");
    rule.kind = kind->second;
    XINGLIN_CHECK(json::take(value.find("least"), "rules.least", rule.least, 1, 1'000'000));
    XINGLIN_CHECK(json::take(value.find("factor"), "rules.factor", rule.factor, 1, 1'000));
    XINGLIN_CHECK(json::take(value.find("from"), "rules.from", rule.from, 0, 23));
    XINGLIN_CHECK(json::take(value.find("until"), "rules.until", rule.until, 0, 23));
    rule.labels = texts(value.find("labels"));
    rule.roles = texts(value.find("roles"));
    rule.names = by_language(value.find("names"));
    rule.why = by_language(value.find("why"));
    for (const auto& words : {rule.names, rule.why}) {
        for (const auto& [language, text] : words)
            if (text.empty())
                return refuse(IssueCode::invalid, "rules.names", rule.id + " has no words in " + language + ", add them");
    }
    return rule;
}

bool is_night(const Rule& rule, int hour) {
    return rule.from <= rule.until ? hour >= rule.from && hour < rule.until : hour >= rule.from || hour < rule.until;
}

using Facts = std::vector<std::pair<std::string_view, std::string>>;

/// What the rule found; nothing when it does not apply.
std::optional<Facts> apply(const Rule& rule, const LookFacts& look) {
    switch (rule.kind) {
        case Kind::same_address: {
            const std::string door = door_of(look.patient.address);
            if (look.own || door.empty() || door != door_of(look.viewer.address)) return std::nullopt;
            return Facts{{"address", street_of(look.patient.address)}};
        }
        case Kind::same_family: {
            const std::string street = street_of(look.patient.address);
            if (look.own || street.empty() || street != street_of(look.viewer.address) || look.viewer.surname.empty() ||
                look.viewer.surname != look.patient.surname)
                return std::nullopt;
            return Facts{{"surname", look.patient.surname}};
        }
        case Kind::colleague:
            if (look.own || !look.patient.staff) return std::nullopt;
            return Facts{};
        case Kind::label:
            for (const std::string& label : look.patient.labels) {
                if (std::find(rule.labels.begin(), rule.labels.end(), label) != rule.labels.end()) return Facts{{"label", label}};
            }
            return std::nullopt;
        case Kind::volume:
            if (look.people_today < rule.least || static_cast<double>(look.people_today) < rule.factor * look.mean)
                return std::nullopt;
            return Facts{{"people", std::to_string(look.people_today)}, {"mean", fmt::format("{:.1f}", look.mean)}};
        case Kind::night:
            if (!is_night(rule, look.hour) || std::find(rule.roles.begin(), rule.roles.end(), look.role) == rule.roles.end())
                return std::nullopt;
            return Facts{{"hour", std::to_string(look.hour)}};
        case Kind::refused:
            if (look.refused < rule.least) return std::nullopt;
            return Facts{{"refused", std::to_string(look.refused)}};
    }
    return std::nullopt;
}

LookFacts::Person read_person(json::Value value) {
    return {std::string(value.find("surname").string()), std::string(value.find("address").string()),
            value.find("staff").text() == "true", texts(value.find("labels"))};
}

LookFacts read_look(json::Value value) {
    LookFacts look;
    const auto number = [&](std::string_view name, double other) {
        const std::string_view digits = value.find(name).text();
        return digits.empty() ? other : std::strtod(std::string(digits).c_str(), nullptr);
    };
    look.role = value.find("role").string();
    look.hour = static_cast<int>(number("hour", 12));
    look.own = value.find("own").text() == "true";
    look.viewer = read_person(value.find("viewer"));
    look.patient = read_person(value.find("patient"));
    look.people_today = static_cast<std::int64_t>(number("people_today", 1));
    look.mean = number("mean", 0);
    look.refused = static_cast<std::int64_t>(number("refused", 0));
    return look;
}

Result<json::Value> file_of(const content::Files& files, json::Arena& arena, std::string& text) {
    auto read = files.read(path);
    if (!read) return refuse(IssueCode::not_found, std::string(path), "is not there");
    text = std::move(*read);
    return json::parse(text, arena);
}

}  // namespace

std::string door_of(std::string_view address) {
    constexpr std::string_view idle[] = {" ", "\t", "　", "，", ",", "。", "-", "—", "(", ")", "（", "）"};
    std::string door;
    for (std::size_t at = 0; at < address.size();) {
        std::size_t skip = 0;
        for (const std::string_view each : idle) {
            if (address.substr(at, each.size()) == each) skip = each.size();
        }
        if (skip == 0) door += address[at++];
        at += skip;
    }
    // A town alone is no door: it has to go on with a number somewhere.
    const bool has_number = std::any_of(door.begin(), door.end(), [](char c) { return c >= '0' && c <= '9'; });
    return has_number ? door : std::string();
}

std::string street_of(std::string_view address) {
    constexpr std::string_view ends[] = {"村", "街", "路", "巷", "弄", "社区", "小区"};
    const std::string door = door_of(address);
    std::size_t end = 0;
    for (const std::string_view each : ends) {
        const std::size_t at = door.rfind(each);
        if (at != std::string::npos && at > 0) end = std::max(end, at + each.size());
    }
    return door.substr(0, end);
}

Result<UnusualRules> UnusualRules::read(const content::Files& files) {
    json::Arena arena;
    std::string text;
    XINGLIN_TRY(const json::Value value, file_of(files, arena, text));
    UnusualRules rules;
    XINGLIN_CHECK(json::known_members(value, "", {"about", "rules", "cases"}, "the rules of unusual looks"));
    const json::Value list = value.find("rules");
    if (list.size() > 100) return refuse(IssueCode::invalid, "rules", "at most 100");
    for (std::size_t i = 0; i < list.size(); ++i) {
        XINGLIN_TRY(Rule rule, read_rule(list[i]));
        rules.rules_.push_back(std::move(rule));
    }
    return rules;
}

std::int64_t UnusualRules::least_people() const {
    std::int64_t least = INT64_MAX;
    for (const Rule& rule : rules_) {
        if (rule.kind == Kind::volume) least = std::min(least, rule.least);
    }
    return least;
}

std::vector<Unusual> UnusualRules::judge(const LookFacts& look) const {
    std::vector<Unusual> found;
    for (const Rule& rule : rules_) {
        const auto facts = apply(rule, look);
        if (!facts) continue;
        json::Arena arena;
        std::vector<std::pair<std::string_view, json::Value>> members;
        for (const auto& [name, value] : *facts) members.emplace_back(name, arena.string(value));
        const bool about_patient = rule.kind != Kind::volume && rule.kind != Kind::night && rule.kind != Kind::refused;
        found.push_back({rule.id, json::write(arena.object(members)), about_patient});
    }
    return found;
}

void check_unusual(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    ++checked;
    const auto complain = [&](std::string where, std::string what) {
        complaints.push_back({std::string(path), std::move(where), std::move(what)});
    };
    const auto rules = UnusualRules::read(files);
    if (!rules.ok()) return complain(rules.outcome().issues[0].where, rules.outcome().issues[0].what);
    json::Arena arena;
    std::string text;
    const auto value = file_of(files, arena, text);
    const json::Value cases = value->find("cases");
    std::vector<std::string> tried;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const std::string where = fmt::format("cases[{}]", i);
        if (cases[i].find("says").string().empty()) complain(where, "says nothing, say in a sentence what it shows");
        std::vector<std::string> found;
        for (const Unusual& each : rules->judge(read_look(cases[i].find("look")))) found.push_back(each.rule);
        tried.insert(tried.end(), found.begin(), found.end());
        if (found != texts(cases[i].find("finds"))) complain(where, fmt::format("finds \"{}\"", fmt::join(found, " ")));
    }
    for (const Rule& rule : rules->rules()) {
        if (std::find(tried.begin(), tried.end(), rule.id) == tried.end())
            complain("rules", rule.id + " is found by no case, add one");
    }
}

}  // namespace xinglin::access
