// SPDX-License-Identifier: Apache-2.0
// Reading content/card/policy.json, and who may show whose card until when.
#include "card/policy.h"

#include <charconv>

#include <fmt/format.h>

#include "json/json.h"

namespace xinglin::card {

namespace {

constexpr std::string_view file = "card/policy.json";

std::string where_of(std::string_view name) { return std::string(file) + ": " + std::string(name); }

struct Within {
    std::int64_t least, most;
};

Result<std::int64_t> whole(json::Value object, std::string_view name, Within within) {
    std::int64_t number = 0;
    const std::string_view digits = object[name].text();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (!object[name].is_number() || error != std::errc() || end != digits.data() + digits.size() || number < within.least ||
        number > within.most)
        return refuse(IssueCode::value, where_of(name),
                      fmt::format("must be a whole number from {} to {}", within.least, within.most));
    return number;
}

Result<bool> yes_or_no(json::Value object, std::string_view name) {
    if (!object[name].is_boolean()) return refuse(IssueCode::value, where_of(name), "must be true or false");
    return object[name].as_bool();
}

Result<Band> band_of(json::Value value) {
    Band band{std::string(value["id"].string()), std::string(value["zh"].string()), std::string(value["en"].string())};
    if (band.id.empty() || band.zh.empty() || band.en.empty())
        return refuse(IssueCode::required, where_of("family"), "each band needs id, zh and en");
    XINGLIN_TRY(const auto from, whole(value, "from_age", {0, 200}));
    XINGLIN_TRY(const auto below, whole(value, "below_age", {1, 200}));
    XINGLIN_TRY(const auto months, whole(value, "months", {1, 1'200}));
    XINGLIN_TRY(band.consent, yes_or_no(value, "consent"));
    band.from_age = static_cast<int>(from), band.below_age = static_cast<int>(below), band.months = static_cast<int>(months);
    return band;
}

Result<std::vector<Band>> bands_of(json::Value list) {
    std::vector<Band> out;
    for (const json::Node& node : list.items()) {
        XINGLIN_TRY(Band band, band_of(json::Value(&node)));
        const int expected = out.empty() ? 0 : out.back().below_age;
        if (band.from_age != expected || band.below_age <= band.from_age)
            return refuse(IssueCode::value, where_of("family"), fmt::format("band {} must begin at {}", band.id, expected));
        out.push_back(std::move(band));
    }
    if (out.empty() || out.back().below_age != 200)
        return refuse(IssueCode::value, where_of("family"), "the bands must reach from 0 to 200 years");
    return out;
}

calendar::Civil months_later(calendar::Civil day, int months) {
    const int count = day.year * 12 + (day.month - 1) + months;
    const int year = count / 12, month = count % 12 + 1;
    return {year, month, std::min(day.day, calendar::days_in_month(year, month))};
}

std::int64_t days_of(calendar::Civil day) { return calendar::days_from_civil(day.year, day.month, day.day); }

std::optional<calendar::Moment> whole_day(std::string_view text) {
    auto moment = calendar::parse_date(text);
    return moment && moment->precision == calendar::Precision::day ? moment : std::nullopt;
}

}  // namespace

std::string day_text(calendar::Civil day) { return fmt::format("{:04}-{:02}-{:02}", day.year, day.month, day.day); }

calendar::Civil day_of(std::int64_t ms) {
    constexpr std::int64_t day_ms = 86'400'000;
    const std::int64_t local = ms + 8 * 3'600'000;
    return calendar::civil_from_days(local >= 0 ? local / day_ms : -((-local + day_ms - 1) / day_ms));
}

Result<Policy> Policy::read(const content::Files& files) {
    json::Arena arena;
    const auto text = files.read(file);
    if (!text) return refuse(IssueCode::not_found, std::string(file), "is not there; put it back from the program's own content");
    const auto parsed = json::parse(arena.keep(*text), arena);
    if (!parsed.ok()) return refuse(IssueCode::value, std::string(file), "is no JSON: " + parsed.outcome().line());
    const json::Value it = *parsed, of_paper = it["paper"], of_keys = it["keys"];
    Policy policy;
    const auto algorithm = parse_algorithm(it["algorithm"].string());
    if (!algorithm) return refuse(IssueCode::value, where_of("algorithm"), "must be ES256 or SM2");
    policy.algorithm = *algorithm;
    const std::string_view region = it["region"].string();
    const auto [end, error] = std::from_chars(region.data(), region.data() + region.size(), policy.region);
    if (region.size() != 6 || error != std::errc() || end != region.data() + region.size())
        return refuse(IssueCode::value, where_of("region"), "must be six digits of GB/T 2260");
    XINGLIN_TRY(policy.lifetime_s, whole(it, "lifetime_seconds", {10, 600}));
    XINGLIN_TRY(policy.tolerance_s, whole(it, "clock_tolerance_seconds", {0, 120}));
    XINGLIN_TRY(policy.self_issue, yes_or_no(it, "self_issue"));
    XINGLIN_TRY(policy.paper, yes_or_no(of_paper, "allowed"));
    XINGLIN_TRY(policy.paper_days, whole(of_paper, "days", {1, 3'660}));
    XINGLIN_TRY(policy.paper_needs_check, yes_or_no(of_paper, "needs_check"));
    XINGLIN_TRY(policy.sign_days, whole(of_keys, "sign_days", {7, 1'000}));
    XINGLIN_TRY(policy.set_hours, whole(of_keys, "set_hours", {1, 24 * 7}));
    XINGLIN_TRY(policy.list_hours, whole(of_keys, "list_hours", {1, 24 * 7}));
    XINGLIN_TRY(policy.publish_ahead_hours,
                whole(of_keys, "publish_ahead_hours", {policy.set_hours, policy.sign_days * 24 - 24}));
    XINGLIN_TRY(const auto holder, whole(it, "holder_from_age", {0, 100}));
    policy.holder_from_age = static_cast<int>(holder);
    XINGLIN_TRY(policy.opens_minutes, whole(it, "opens_minutes", {0, 1'440}));
    XINGLIN_TRY(policy.family, bands_of(it["family"]));
    return policy;
}

const Band& Policy::band(int age) const {
    for (const Band& each : family) {
        if (age < each.below_age) return each;
    }
    return family.back();
}

Result<std::string> family_end(const Policy& policy, const FamilyAsked& asked) {
    const auto birth = whole_day(asked.birth), holder = whole_day(asked.holder_birth);
    if (!birth)
        return refuse(IssueCode::required, "Patient.birthDate", "the day of birth is not known; put it into the record first");
    if (!holder)
        return refuse(IssueCode::required, "holder",
                      "the day of birth of who shows the card is not known; put it into the record first");
    const int age = calendar::age_in_years(*birth, asked.today), holder_age = calendar::age_in_years(*holder, asked.today);
    if (age < 0) return refuse(IssueCode::value, "Patient.birthDate", "lies in the future; mend it in the record first");
    if (holder_age < policy.holder_from_age)
        return refuse(IssueCode::forbidden, "holder",
                      fmt::format("is {}; who shows another's card is {} at least", holder_age, policy.holder_from_age));
    const Band& band = policy.band(age);
    if (band.consent && !asked.consent)
        return refuse(IssueCode::required, "consent",
                      fmt::format("is asked of everybody {}; record that the person agreed", band.en));
    calendar::Civil end = months_later(asked.today, band.months);
    const int year = birth->year + band.below_age;
    const calendar::Civil birthday{year, birth->month, std::min<int>(birth->day, calendar::days_in_month(year, birth->month))};
    if (days_of(birthday) < days_of(end)) end = birthday;
    return day_text(end);
}

}  // namespace xinglin::card
