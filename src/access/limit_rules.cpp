// SPDX-License-Identifier: Apache-2.0
// content/access/limits.json, read strictly, and the cases that must come out.
#include <fmt/format.h>

#include <charconv>

#include "access/limits.h"
#include "json/json.h"

namespace xinglin::access {

namespace {

constexpr std::string_view limits_file = "access/limits.json", cases_file = "access/limits_cases.json",
                           networks_file = "access/networks.json";
constexpr std::string_view names[asks] = {"read", "search", "write",      "export", "reveal",
                                          "page", "login",  "activation", "token",  "stranger"};
constexpr std::int64_t most_per_minute = 100'000'000;
constexpr std::size_t first_of_addresses = static_cast<std::size_t>(Ask::page);

class CaseClock : public calendar::Clock {
public:
    std::int64_t now_ms() const override { return at_ms; }
    std::int64_t at_ms = 1'700'000'000'000;
};

Result<std::int64_t> whole(json::Value object, std::string_view where, std::string_view name) {
    std::int64_t number = 0;
    const std::string_view digits = object[name].text();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (!object[name].is_number() || error != std::errc() || end != digits.data() + digits.size() || number < 1 ||
        number > most_per_minute)
        return refuse(IssueCode::value, fmt::format("{}: {}.{}", limits_file, where, name),
                      fmt::format("must be a whole number from 1 to {}", most_per_minute));
    return number;
}

std::optional<Party> parse_party(std::string_view name) {
    if (name == "app") return Party::app;
    if (name == "address") return Party::address;
    const auto role = parse_role(name);
    return role ? std::optional(party_of(*role)) : std::nullopt;
}

std::optional<Ask> parse_ask(std::string_view name) {
    for (std::size_t i = 0; i < asks; ++i)
        if (names[i] == name) return static_cast<Ask>(i);
    return std::nullopt;
}

Result<json::Value> parse(const content::Files& files, std::string_view path, json::Arena& arena) {
    const auto text = files.read(path);
    if (!text) return refuse(IssueCode::not_found, std::string(path), "this file is missing from the content");
    auto parsed = json::parse(*text, arena);
    if (!parsed.ok()) return refuse(IssueCode::invalid, std::string(path), parsed.outcome().issues.front().what);
    return *parsed;
}

Result<Done> read_party(json::Value value, std::string_view name, std::array<Limit, asks>& limits, bool is_address) {
    for (std::size_t i = is_address ? first_of_addresses : 0; i < (is_address ? asks : first_of_addresses); ++i) {
        const json::Value one = value[names[i]];
        const std::string where = fmt::format("{}.{}", name, names[i]);
        XINGLIN_TRY(limits[i].per_minute, whole(one, where, "per_minute"));
        XINGLIN_TRY(limits[i].burst, whole(one, where, "burst"));
    }
    for (const json::Member& member : value.members()) {
        const auto ask = parse_ask(member.key());
        if (!ask || (static_cast<std::size_t>(*ask) >= first_of_addresses) != is_address)
            return refuse(IssueCode::value, fmt::format("{}: {}.{}", limits_file, name, member.key()),
                          "is nothing this party is counted by");
    }
    return Done{};
}

/// So many requests, one after the other within so many seconds: how many are granted?
std::int64_t granted(const LimitRules& rules, Party party, Ask ask, std::int64_t requests, std::int64_t seconds) {
    CaseClock clock;
    Limiter limiter(rules, clock);
    const std::int64_t begun_ms = clock.at_ms;
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < requests; ++i) {
        clock.at_ms = begun_ms + seconds * 1'000 * i / requests;
        count += limiter.take(party, "somebody", ask).granted ? 1 : 0;
    }
    return count;
}

}  // namespace

std::string_view text(Ask ask) { return names[static_cast<std::size_t>(ask)]; }

Result<LimitRules> LimitRules::read(const content::Files& files) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value file, parse(files, limits_file, arena));
    LimitRules rules;
    std::array<bool, parties> said{};
    for (const json::Member& member : file["parties"].members()) {
        const auto party = parse_party(member.key());
        if (!party)
            return refuse(IssueCode::value, fmt::format("{}: parties.{}", limits_file, member.key()),
                          "is no role, nor app or address");
        const auto at = static_cast<std::size_t>(*party);
        said[at] = true;
        XINGLIN_CHECK(read_party(member.value(), member.key(), rules.limits[at], *party == Party::address));
    }
    XINGLIN_TRY(const json::Value networks, parse(files, networks_file, arena));
    std::vector<std::string> proxies;
    if (!networks["proxies"].is_array())
        return refuse(IssueCode::value, fmt::format("{}: proxies", networks_file), "must be a list of networks");
    for (const json::Node& node : networks["proxies"].items()) proxies.emplace_back(json::Value(&node).string());
    XINGLIN_TRY(rules.proxies, text::Networks::parse(proxies, fmt::format("{}: proxies", networks_file)));
    for (std::size_t i = 0; i < parties; ++i) {
        if (said[i]) continue;
        const std::string_view name = i == 9 ? "app" : i == 10 ? "address" : text(static_cast<Role>(i));
        return refuse(IssueCode::required, fmt::format("{}: parties.{}", limits_file, name), "is missing");
    }
    return rules;
}

void check_limits(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    const auto complain = [&](std::string_view file, std::string where, std::string what) {
        complaints.push_back({std::string(file), std::move(where), std::move(what)});
    };
    ++checked;
    const auto rules = LimitRules::read(files);
    if (!rules.ok()) return complain(limits_file, rules.outcome().issues.front().where, rules.outcome().issues.front().what);
    json::Arena arena;
    const auto cases = parse(files, cases_file, arena);
    if (!cases.ok()) return complain(cases_file, "", cases.outcome().issues.front().what);
    std::array<bool, asks> played{};
    for (const json::Node& node : cases->items()) {
        const json::Value each(&node);
        ++checked;
        const std::string says(each["says"].string());
        const auto party = parse_party(each["party"].string());
        const auto ask = parse_ask(each["asks"].string());
        const auto requests = whole(each, "case", "requests"), seconds = whole(each, "case", "within_s"),
                   expected = whole(each, "case", "granted");
        if (!party || !ask || !requests.ok() || !seconds.ok() || !expected.ok() || *requests > 1'000'000) {
            complain(cases_file, says, "needs party, asks, requests (at most a million), within_s and granted");
            continue;
        }
        played[static_cast<std::size_t>(*ask)] = true;
        const std::int64_t found = granted(*rules, *party, *ask, *requests, *seconds);
        if (found != *expected) complain(cases_file, says, fmt::format("{} are granted, not {}", found, *expected));
    }
    for (std::size_t i = 0; i < asks; ++i)
        if (!played[i]) complain(cases_file, std::string(names[i]), "has no case");
}

}  // namespace xinglin::access
