// SPDX-License-Identifier: Apache-2.0
// The rules of a release, from content/deidentify/release.json.
#include <algorithm>
#include <charconv>

#include "anonymity/anonymity.h"

namespace xinglin::anonymity {

namespace {

constexpr std::string_view file_name = "deidentify/release.json";

Outcome wrong(std::string_view where, std::string what) {
    return refuse(IssueCode::invalid, fmt::format("{} {}", file_name, where), std::move(what));
}

Words words_of(json::Value value) { return {std::string(value.find("zh").string()), std::string(value.find("en").string())}; }

std::optional<double> number_of(json::Value value) {
    if (!value.is_number()) return std::nullopt;
    double number = 0;
    const std::string_view text = value.text();
    if (std::from_chars(text.data(), text.data() + text.size(), number).ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

Result<std::uint32_t> whole(json::Value owner, std::string_view name, std::uint32_t least, std::uint32_t most) {
    const auto number = number_of(owner.find(name));
    if (!number || *number < least || *number > most || *number != static_cast<std::uint32_t>(*number))
        return wrong(name, fmt::format("must be a number from {} to {}", least, most));
    return static_cast<std::uint32_t>(*number);
}

std::vector<std::string> texts_of(json::Value list) {
    std::vector<std::string> all;
    for (const json::Node& node : list.items()) all.emplace_back(json::Value(&node).string());
    return all;
}

Result<Level> read_level(json::Value value, const std::string& where) {
    Level level;
    level.title = words_of(value.find("title"));
    if (level.title.zh.empty() || level.title.en.empty()) return wrong(where, "needs a title in zh and en");
    const std::string_view kind = value.find("kind").string();
    if (kind == "own") level.kind = Level::Kind::own;
    else if (kind == "all") level.kind = Level::Kind::all;
    else if (kind == "band" || kind == "first") {
        level.kind = kind == "band" ? Level::Kind::band : Level::Kind::first;
        const auto number = number_of(value.find("number"));
        if (!number || *number < 1 || *number > 100) return wrong(where, "number must be 1 to 100");
        level.number = static_cast<int>(*number);
    } else if (kind == "group") {
        level.kind = Level::Kind::group;
        for (const json::Member& member : value.find("groups").members())
            level.groups.emplace(member.key(), member.value().string());
        level.otherwise = value.find("otherwise").string();
        if (level.otherwise.empty()) return wrong(where, "otherwise must say the group of all others");
    } else {
        return wrong(where, "kind must be own, band, first, group or all");
    }
    return level;
}

Result<Quasi> read_quasi(json::Value value) {
    Quasi quasi{.name = std::string(value.find("name").string()),
                .kind = std::string(value.find("kind").string()),
                .url = std::string(value.find("url").string()),
                .title = words_of(value.find("title"))};
    const std::string where = "quasi " + quasi.name;
    if (quasi.name.empty() || quasi.title.zh.empty() || quasi.title.en.empty()) return wrong(where, "needs name and title");
    constexpr std::string_view kinds[] = {"age", "sex", "division", "extension"};
    if (std::find(std::begin(kinds), std::end(kinds), quasi.kind) == std::end(kinds))
        return wrong(where, "kind must be age, sex, division or extension");
    if ((quasi.kind == "extension") == quasi.url.empty()) return wrong(where, "an extension has a url, nothing else has");
    if (quasi.kind == "age") {
        XINGLIN_TRY(const std::uint32_t top, whole(value, "top", 1, 130));
        quasi.top = static_cast<int>(top);
    }
    for (const json::Node& node : value.find("levels").items()) {
        XINGLIN_TRY(Level level, read_level(json::Value(&node), fmt::format("{} level {}", where, quasi.levels.size())));
        quasi.levels.push_back(std::move(level));
    }
    if (quasi.levels.empty() || quasi.levels.size() > 12) return wrong(where, "needs 1 to 12 levels");
    return quasi;
}

Result<SensitiveGroup> read_group(json::Value value) {
    SensitiveGroup group{.name = std::string(value.find("name").string()), .title = words_of(value.find("title")), .codes = {}};
    const std::string where = "sensitive " + group.name;
    if (group.name.empty() || group.title.zh.empty() || group.title.en.empty()) return wrong(where, "needs name and title");
    for (const std::string& written : texts_of(value.find("codes"))) {
        const std::size_t dash = written.find('-');
        const std::string from = written.substr(0, dash), to = dash == std::string::npos ? from : written.substr(dash + 1);
        if (from.size() != 3 || to.size() != 3 || to < from)
            return wrong(where, fmt::format("\"{}\" is no category and no range of them such as B20-B24", written));
        group.codes.emplace_back(from, to);
    }
    if (group.codes.empty()) return wrong(where, "needs codes");
    return group;
}

Result<Done> read_goals(json::Value root, Rules& rules) {
    XINGLIN_TRY(rules.goals.k, whole(root, "k", 1, 100'000));
    XINGLIN_TRY(rules.goals.l, whole(root, "l", 1, groups_most));
    XINGLIN_TRY(rules.rare_below, whole(root, "rare_below", 0, 100'000));
    const auto most = number_of(root.find("suppressed_most_percent"));
    if (!most || *most < 0 || *most > 50) return wrong("suppressed_most_percent", "must be a number from 0 to 50");
    rules.goals.suppressed_most_percent = *most;
    const std::string_view missed = root.find("when_missed").string();
    if (missed != "refuse" && missed != "release") return wrong("when_missed", "must be refuse or release");
    rules.goals.refuses_when_missed = missed == "refuse";
    return Done{};
}

}  // namespace

std::string Level::of(std::string_view value) const {
    if (kind == Kind::all) return "*";
    if (kind == Kind::own || value.empty()) return std::string(value);
    if (kind == Kind::first) return std::string(value.substr(0, static_cast<std::size_t>(number)));
    if (kind == Kind::group) {
        const auto found = groups.find(std::string(value));
        return found == groups.end() ? otherwise : found->second;
    }
    int years = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), years).ec != std::errc()) return "";
    if (number == 1) return std::string(value);
    const int from = years / number * number;
    return fmt::format("{}-{}", from, from + number - 1);
}

bool SensitiveGroup::has(std::string_view code) const {
    for (const auto& [from, to] : codes) {
        if (code.substr(0, from.size()) >= from && code.substr(0, to.size()) <= to) return true;
    }
    return false;
}

std::string Rules::sensitive_of(std::span<const std::string> codes) const {
    for (const SensitiveGroup& group : groups) {
        for (const std::string& code : codes) {
            if (group.has(code)) return group.name;
        }
    }
    return codes.empty() ? "none" : "other";
}

bool Rules::is_harmless(std::string_view value) const {
    return std::find(harmless.begin(), harmless.end(), value) != harmless.end();
}

Result<Rules> read_rules(const content::Files& files) {
    const auto text = files.read(file_name);
    if (!text) return wrong("", "is missing");
    json::Arena arena;
    const auto root = json::parse(*text, arena);
    if (!root.ok()) return wrong("", root.outcome().line());
    Rules rules;
    rules.edition = root->find("edition").string();
    rules.title = words_of(root->find("title"));
    if (rules.edition.empty() || rules.title.zh.empty() || rules.title.en.empty()) return wrong("", "needs edition and title");
    XINGLIN_CHECK(read_goals(*root, rules));
    for (const json::Node& node : root->find("quasi").items()) {
        XINGLIN_TRY(Quasi quasi, read_quasi(json::Value(&node)));
        rules.quasi.push_back(std::move(quasi));
    }
    if (rules.quasi.empty() || rules.quasi.size() > quasi_most) return wrong("quasi", fmt::format("needs 1 to {}", quasi_most));
    const json::Value sensitive = root->find("sensitive");
    rules.systems = texts_of(sensitive.find("systems"));
    for (const json::Node& node : sensitive.find("groups").items()) {
        XINGLIN_TRY(SensitiveGroup group, read_group(json::Value(&node)));
        rules.groups.push_back(std::move(group));
    }
    if (rules.groups.size() > groups_most) return wrong("sensitive", fmt::format("has more than {} groups", groups_most));
    rules.harmless = texts_of(sensitive.find("harmless"));
    for (const std::string& name : rules.harmless) {
        const bool known =
            name == "none" || name == "other" ||
            std::any_of(rules.groups.begin(), rules.groups.end(), [&](const auto& each) { return each.name == name; });
        if (!known) return wrong("sensitive harmless", fmt::format("\"{}\" is no group", name));
    }
    rules.leave_out = texts_of(root->find("leave_out"));
    rules.asked_by = texts_of(root->find("asked_by"));
    rules.approved_by = texts_of(root->find("approved_by"));
    if (rules.asked_by.empty() || rules.approved_by.empty()) return wrong("", "asked_by and approved_by must name roles");
    return rules;
}

}  // namespace xinglin::anonymity
