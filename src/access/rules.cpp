// SPDX-License-Identifier: Apache-2.0
// Reading content/access/passwords.json and sessions.json, and weighing a password by them.
#include "access/rules.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "json/json.h"
#include "text/text.h"

namespace xinglin::access {

namespace {

constexpr std::string_view passwords_file = "access/passwords.json", sessions_file = "access/sessions.json",
                           cases_file = "access/passwords_cases.json";
constexpr std::size_t longest_password = 1'024;

struct Within {
    std::int64_t least, most;
};

Result<std::int64_t> whole(std::string_view file, json::Value object, std::string_view name, Within within) {
    std::int64_t number = 0;
    const std::string_view digits = object[name].text();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (!object[name].is_number() || error != std::errc() || end != digits.data() + digits.size() || number < within.least ||
        number > within.most)
        return refuse(IssueCode::value, fmt::format("{}: {}", file, name),
                      fmt::format("must be a whole number from {} to {}", within.least, within.most));
    return number;
}

Result<json::Value> parse(const content::Files& files, std::string_view path, json::Arena& arena) {
    const auto text = files.read(path);
    if (!text) return refuse(IssueCode::not_found, std::string(path), "this file is missing from the content");
    auto parsed = json::parse(*text, arena);
    if (!parsed.ok()) return refuse(IssueCode::invalid, std::string(path), parsed.outcome().issues.front().what);
    return *parsed;
}

Result<PasswordRules> passwords_of(json::Value file) {
    PasswordRules rules;
    XINGLIN_TRY(const auto characters, whole(passwords_file, file, "least_characters", {8, 64}));
    XINGLIN_TRY(const auto classes, whole(passwords_file, file["classes"], "least", {1, 4}));
    XINGLIN_TRY(const auto below, whole(passwords_file, file["classes"], "below_characters", {0, 64}));
    XINGLIN_TRY(const auto history, whole(passwords_file, file, "history", {0, 24}));
    XINGLIN_TRY(const auto warn, whole(passwords_file, file, "warn_days", {0, 90}));
    rules.least_characters = static_cast<std::size_t>(characters), rules.least_classes = static_cast<std::size_t>(classes);
    rules.below_characters = static_cast<std::size_t>(below), rules.history = static_cast<std::size_t>(history);
    rules.warn_days = static_cast<int>(warn);
    for (const json::Node& node : file["common"].items()) rules.common.push_back(text::fold(json::Value(&node).string()));
    return rules;
}

Result<FailureRule> failure_of(json::Value failures, std::string_view name) {
    const json::Value value = failures[name];
    FailureRule rule;
    XINGLIN_TRY(rule.free, whole(sessions_file, value, "free", {1, 1'000}));
    XINGLIN_TRY(rule.first_s, whole(sessions_file, value, "first_s", {1, 86'400}));
    XINGLIN_TRY(rule.longest_s, whole(sessions_file, value, "longest_s", {1, 86'400}));
    XINGLIN_TRY(rule.forget_one_s, whole(sessions_file, value, "forget_one_s", {1, 86'400}));
    return rule;
}

/// Kinds of characters: small, capital, digit, sign; a letter of another script is worth two.
std::size_t classes_of(std::string_view password) {
    bool small = false, capital = false, digit = false, sign = false, other = false;
    for (const char c : password) {
        if (c >= 'a' && c <= 'z') small = true;
        else if (c >= 'A' && c <= 'Z') capital = true;
        else if (c >= '0' && c <= '9') digit = true;
        else if (static_cast<unsigned char>(c) < 0x80) sign = true;
        else other = true;
    }
    return std::size_t{small} + capital + digit + sign + (other ? 2 : 0);
}

bool is_repetition(std::string_view folded) {
    for (std::size_t period = 1; period <= 3; ++period) {
        bool repeats = true;
        for (std::size_t i = period; i < folded.size(); ++i) repeats = repeats && folded[i] == folded[i - period];
        if (repeats) return true;
    }
    return false;
}

bool is_run(std::string_view folded) {
    for (const int step : {1, -1}) {
        bool run = true;
        for (std::size_t i = 1; i < folded.size(); ++i) run = run && folded[i] - folded[i - 1] == step;
        if (run) return true;
    }
    return false;
}

}  // namespace

std::int64_t Rules::longest_idle_ms() const {
    return std::max_element(roles.begin(), roles.end(), [](const auto& a, const auto& b) { return a.idle_ms < b.idle_ms; })
        ->idle_ms;
}

std::int64_t Rules::longest_ms() const {
    return std::max_element(roles.begin(), roles.end(), [](const auto& a, const auto& b) { return a.longest_ms < b.longest_ms; })
        ->longest_ms;
}

Result<Rules> Rules::read(const content::Files& files) {
    json::Arena arena;
    Rules rules;
    XINGLIN_TRY(const auto passwords, parse(files, passwords_file, arena));
    XINGLIN_TRY(rules.passwords, passwords_of(passwords));
    XINGLIN_TRY(const auto sessions, parse(files, sessions_file, arena));
    for (const json::Member& member : sessions["roles"].members()) {
        const auto role = parse_role(member.key());
        if (!role)
            return refuse(IssueCode::value, fmt::format("{}: roles.{}", sessions_file, member.key()), "is not a role we know");
        RoleRules& of = rules.roles[static_cast<std::size_t>(*role)];
        XINGLIN_TRY(const auto idle, whole(sessions_file, member.value(), "idle_minutes", {1, 1'440}));
        XINGLIN_TRY(const auto longest, whole(sessions_file, member.value(), "longest_hours", {1, 168}));
        if (!member.value()["second_factor"].is_boolean())
            return refuse(IssueCode::value, fmt::format("{}: roles.{}.second_factor", sessions_file, member.key()),
                          "must be true or false");
        of.idle_ms = idle * 60'000, of.longest_ms = longest * 3'600'000;
        of.second_factor = member.value()["second_factor"].as_bool();
    }
    for (const json::Member& member : passwords["longest_days"].members()) {
        const auto role = parse_role(member.key());
        if (!role)
            return refuse(IssueCode::value, fmt::format("{}: longest_days.{}", passwords_file, member.key()),
                          "is not a role we know");
        XINGLIN_TRY(const auto days, whole(passwords_file, passwords["longest_days"], member.key(), {0, 3'650}));
        rules.roles[static_cast<std::size_t>(*role)].password_days = static_cast<int>(days);
    }
    XINGLIN_TRY(rules.name_at_place, failure_of(sessions["failures"], "name_at_place"));
    XINGLIN_TRY(rules.name, failure_of(sessions["failures"], "name"));
    XINGLIN_TRY(rules.place, failure_of(sessions["failures"], "place"));
    XINGLIN_TRY(rules.code, failure_of(sessions["failures"], "code"));
    return rules;
}

Result<Done> strong_enough(std::string_view password, std::string_view account_name, const PasswordRules& rules) {
    const auto weak = [](std::string what) { return refuse(IssueCode::value, "new", std::move(what)); };
    if (!text::is_utf8(password)) return weak("the password is not UTF-8 text");
    const std::size_t characters = text::code_points(password);
    if (characters < rules.least_characters)
        return weak(fmt::format("the password is too short, choose at least {} characters", rules.least_characters));
    if (password.size() > longest_password) return weak("the password is too long, choose at most 1024 bytes");
    if (characters < rules.below_characters && classes_of(password) < rules.least_classes)
        return weak(fmt::format("a password of fewer than {} characters needs {} of: small and capital letters, digits, signs",
                                rules.below_characters, rules.least_classes));
    const std::string folded = text::fold(password);
    if (is_repetition(folded) || is_run(folded)) return weak("the password repeats or counts, choose another");
    if (folded.find(account_name) != std::string::npos) return weak("the password contains the account name, choose another");
    for (const std::string& start : rules.common) {
        // "password2024!" is as easily guessed as "password": what follows a common word must itself be six characters.
        if (folded.starts_with(start) && folded.size() < start.size() + 6)
            return weak("the password is a common one, choose another");
    }
    return Done{};
}

void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    const auto complain = [&](std::string_view file, std::string where, std::string what) {
        complaints.push_back({std::string(file), std::move(where), std::move(what)});
    };
    ++checked;
    const auto rules = Rules::read(files);
    if (!rules.ok()) return complain(passwords_file, rules.outcome().issues.front().where, rules.outcome().issues.front().what);
    json::Arena arena;
    const auto cases = parse(files, cases_file, arena);
    if (!cases.ok()) return complain(cases_file, "", cases.outcome().issues.front().what);
    bool any_fits = false, any_fails = false;
    for (const json::Node& node : cases->items()) {
        const json::Value each(&node);
        ++checked;
        const bool fits = strong_enough(each["password"].string(), each["account"].string(), rules->passwords).ok();
        (fits ? any_fits : any_fails) = true;
        if (fits != each["fits"].as_bool())
            complain(cases_file, std::string(each["says"].string()),
                     fits ? "is taken, but should be refused" : "is refused, but should fit");
    }
    if (!any_fits || !any_fails) complain(cases_file, "cases", "there must be one that fits and one that does not");
}

}  // namespace xinglin::access
