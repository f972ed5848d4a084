// SPDX-License-Identifier: Apache-2.0
// Playing the cases of content/access: who may act for whom until when, what is withheld at an age, when a review is due.
#include <set>

#include <fmt/format.h>

#include "consent/desk.h"
#include "consent/settings.h"
#include "json/json.h"

namespace xinglin::consent {

namespace {

Result<std::string> play(const Settings& settings, json::Value asked, std::set<std::string>& bands) {
    if (asked["ask"].string() == "age") {
        const auto birth = calendar::parse_date(asked["birth"].string()), on = calendar::parse_date(asked["on"].string());
        if (!birth || !on) return refuse(IssueCode::required, "on", "birth and on must be days, 2026-11-22");
        const AgeBand& band = settings.age(calendar::age_in_years(*birth, {on->year, on->month, on->day}));
        bands.insert(band.id);
        return fmt::format("{}: {}", band.id, fmt::join(band.withheld, " "));
    }
    if (asked["ask"].string() == "review") {
        const auto at = calendar::parse_instant(asked["at"].string());
        if (!at) return refuse(IssueCode::required, "at", "must be an instant, 2026-11-22T10:00:00+08:00");
        return calendar::instant_text(review_due_ms(calendar::span_of(*at, 0).low_ms, settings.emergency));
    }
    return refuse(IssueCode::value, "ask", "must be age or review");
}

}  // namespace

void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    const auto settings = Settings::read(files);
    ++checked;
    if (!settings.ok()) {
        const Issue& first = settings.outcome().issues.front();
        complaints.push_back({"access", first.where, first.what});
        return;
    }
    std::set<std::string> bands;
    for (const std::string& path : files.list("access/cases/consent", ".json")) {
        ++checked;
        json::Arena arena;
        const std::string text = files.read(path).value_or("");
        const auto parsed = json::parse(text, arena);
        if (!parsed.ok()) {
            complaints.push_back({path, "JSON", parsed.outcome().line()});
            continue;
        }
        const auto came = play(*settings, *parsed, bands);
        if (!came.ok()) complaints.push_back({path, came.outcome().issues.front().where, came.outcome().issues.front().what});
        else if (*came != (*parsed)["expect"].string())
            complaints.push_back(
                {path, "expect", fmt::format("comes out as \"{}\", expected \"{}\"", *came, (*parsed)["expect"].string())});
    }
    if (bands.empty()) return;  // a folder without cases: nothing is asked
    for (const AgeBand& each : settings->ages)
        if (!bands.contains(each.id)) complaints.push_back({"access/proxies.json", "ages", "no case asks for band " + each.id});
}

}  // namespace xinglin::consent
