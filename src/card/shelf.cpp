// SPDX-License-Identifier: Apache-2.0
// Playing the cases of content/card.
#include <set>

#include <fmt/format.h>

#include "card/policy.h"
#include "json/json.h"

namespace xinglin::card {

namespace {

std::optional<std::int64_t> seconds_of(json::Value value) {
    const auto moment = calendar::parse_instant(value.string());
    if (!moment) return std::nullopt;
    return calendar::span_of(*moment, 0).low_ms / 1'000;
}

Result<std::string> play_token(const Policy& policy, json::Value asked) {
    const auto issued = seconds_of(asked["issued"]), now = seconds_of(asked["now"]);
    if (!issued || !now)
        return refuse(IssueCode::required, "issued", "issued and now must be instants, 2026-11-22T10:00:00+08:00");
    Token token;
    token.kind = asked["kind"].string() == "paper" ? Kind::paper : asked["kind"].string() == "family" ? Kind::family : Kind::self;
    token.issued_s = *issued;
    token.expires_s = *issued + policy.lifetime_of(token.kind);
    token.region = policy.region;
    static const PrivateKey key = PrivateKey::fresh(Algorithm::es256);  // made once: the same for every case
    token.key = key_id(key.public_key());
    constexpr std::int64_t ever = 200'000'000'000;
    KeySet keys{policy.region, 0, ever, {}};
    keys.keys.push_back({token.key, key.public_key(), 0, ever, ever});
    const std::string text = Token::sign(token, key).text();
    return std::string(card::text(judge(text, keys, {.now_s = *now, .tolerance_s = policy.tolerance_s}).verdict));
}

Result<std::string> play_family(const Policy& policy, json::Value asked, std::set<std::string>& bands) {
    const auto on = calendar::parse_date(asked["on"].string());
    const auto birth = calendar::parse_date(asked["birth"].string());
    if (!on || !birth) return refuse(IssueCode::required, "on", "on and birth must be days, 2026-11-22");
    const calendar::Civil today{on->year, on->month, on->day};
    bands.insert(policy.band(calendar::age_in_years(*birth, today)).id);
    const auto end = family_end(policy, {.birth = std::string(asked["birth"].string()),
                                         .holder_birth = std::string(asked["holder_birth"].string()),
                                         .consent = asked["consent"].as_bool(),
                                         .today = today});
    return end.ok() ? *end : std::string("refused");
}

}  // namespace

void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    const auto policy = Policy::read(files);
    ++checked;
    if (!policy.ok()) {
        const Issue& first = policy.outcome().issues.front();
        complaints.push_back({"card/policy.json", first.where, first.what});
        return;
    }
    std::set<std::string> bands;
    for (const std::string& path : files.list("card/cases", ".json")) {
        ++checked;
        json::Arena arena;
        const std::string text = files.read(path).value_or("");
        const auto parsed = json::parse(text, arena);
        if (!parsed.ok()) {
            complaints.push_back({path, "JSON", parsed.outcome().line()});
            continue;
        }
        const std::string_view ask = (*parsed)["ask"].string();
        if (ask != "token" && ask != "family") {
            complaints.push_back({path, "ask", "must be token or family"});
            continue;
        }
        const auto came = ask == "token" ? play_token(*policy, *parsed) : play_family(*policy, *parsed, bands);
        if (!came.ok()) complaints.push_back({path, came.outcome().issues.front().where, came.outcome().issues.front().what});
        else if (*came != (*parsed)["expect"].string())
            complaints.push_back(
                {path, "expect", fmt::format("comes out as {}, expected {}", *came, (*parsed)["expect"].string())});
    }
    if (bands.empty()) return;  // a folder without cases: nothing is asked
    for (const Band& each : policy->family) {
        if (!bands.contains(each.id)) complaints.push_back({"card/policy.json", "family", "no case asks for band " + each.id});
    }
}

}  // namespace xinglin::card
