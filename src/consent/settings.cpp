// SPDX-License-Identifier: Apache-2.0
// Reading content/access: refused by name is what is missing or out of range.
#include "consent/settings.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "json/json.h"

namespace xinglin::consent {

namespace {

constexpr std::string_view of_categories = "access/categories.json", of_proxies = "access/proxies.json",
                           of_emergency = "access/emergency.json", of_requests = "access/requests.json";

/// One file of the folder while it is read.
class Reading {
public:
    Reading(const content::Files& files, std::string_view file) : file_(file) {
        const auto text = files.read(std::string(file));
        if (!text) return;
        auto parsed = json::parse(arena_.keep(*text), arena_);
        if (parsed.ok()) value_ = *parsed;
    }
    json::Value value() const { return value_; }
    Outcome wrong(std::string_view where, std::string what) const {
        return refuse(IssueCode::value, fmt::format("{}: {}", file_, where), std::move(what));
    }
    Result<Done> is_there() const {
        if (value_.is_object()) return Done{};
        return wrong("JSON", "is not there or is no JSON object; put it back from the program's own content");
    }
    Result<int> whole(json::Value object, std::string_view name, int least, int most) const {
        int number = 0;
        const std::string_view digits = object[name].text();
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (!object[name].is_number() || error != std::errc() || end != digits.data() + digits.size() || number < least ||
            number > most)
            return wrong(name, fmt::format("must be a whole number from {} to {}", least, most));
        return number;
    }
    Result<bool> yes_or_no(json::Value object, std::string_view name) const {
        if (!object[name].is_boolean()) return wrong(name, "must be true or false");
        return object[name].as_bool();
    }
    Result<Words> words(json::Value object, std::string_view before = "") const {
        const std::string zh = std::string(before) + "zh", en = std::string(before) + "en";
        Words out{std::string(object[zh].string()), std::string(object[en].string())};
        if (out.zh.empty() || out.en.empty()) return wrong(zh, fmt::format("{} and {} must say what it is", zh, en));
        return out;
    }
    Result<std::string> id(json::Value object, std::set<std::string>& seen) const {
        std::string id(object["id"].string());
        if (id.empty() || !seen.insert(id).second) return wrong("id", "must be there, and once only");
        return id;
    }

private:
    std::string_view file_;
    json::Arena arena_;
    json::Value value_;
};

Result<Done> read_categories(const content::Files& files, Settings& settings) {
    const Reading reading(files, of_categories);
    XINGLIN_CHECK(reading.is_there());
    std::set<std::string> seen;
    for (const json::Node& node : reading.value()["categories"].items()) {
        const json::Value each(&node);
        Category category;
        XINGLIN_TRY(category.id, reading.id(each, seen));
        XINGLIN_TRY(category.name, reading.words(each));
        XINGLIN_TRY(category.hint, reading.words(each, "hint_"));
        for (const json::Node& inner : each["labels"].items()) {
            Label label{std::string(json::Value(&inner)["system"].string()), std::string(json::Value(&inner)["code"].string())};
            if (label.system.empty() || label.code.empty()) return reading.wrong("labels", "each needs system and code");
            category.labels.push_back(std::move(label));
        }
        if (category.labels.empty())
            return reading.wrong(category.id, "needs a label at least: what carries none is in no category");
        settings.categories.push_back(std::move(category));
    }
    for (const json::Node& node : reading.value()["always_visible"].items()) {
        XINGLIN_TRY(Words words, reading.words(json::Value(&node)));
        settings.always_visible.push_back(std::move(words));
    }
    if (settings.always_visible.empty())
        return reading.wrong("always_visible", "must say what stays visible: residents are told the truth");
    return Done{};
}

Result<Done> read_ages(const Reading& reading, Settings& settings) {
    std::set<std::string> seen;
    for (const json::Node& node : reading.value()["ages"].items()) {
        const json::Value each(&node);
        AgeBand band;
        XINGLIN_TRY(band.id, reading.id(each, seen));
        XINGLIN_TRY(band.name, reading.words(each));
        XINGLIN_TRY(band.from_age, reading.whole(each, "from_age", 0, 199));
        XINGLIN_TRY(band.below_age, reading.whole(each, "below_age", 1, 200));
        const int expected = settings.ages.empty() ? 0 : settings.ages.back().below_age;
        if (band.from_age != expected || band.below_age <= band.from_age)
            return reading.wrong("ages", fmt::format("{} must begin at {}", band.id, expected));
        for (const json::Node& inner : each["withheld"].items()) {
            const std::string_view id = json::Value(&inner).string();
            if (!settings.category(id))
                return reading.wrong("withheld", fmt::format("\"{}\" is no category of categories.json", id));
            band.withheld.emplace_back(id);
        }
        settings.ages.push_back(std::move(band));
    }
    if (settings.ages.empty() || settings.ages.back().below_age != 200)
        return reading.wrong("ages", "must reach from 0 to 200 years");
    return Done{};
}

Result<Done> read_proxies(const content::Files& files, Settings& settings) {
    const Reading reading(files, of_proxies);
    XINGLIN_CHECK(reading.is_there());
    XINGLIN_TRY(settings.holder_from_age, reading.whole(reading.value(), "holder_from_age", 0, 100));
    XINGLIN_TRY(settings.of_age, reading.whole(reading.value(), "of_age", 1, 100));
    XINGLIN_TRY(settings.own_consent_from_age, reading.whole(reading.value(), "own_consent_from_age", 0, 100));
    XINGLIN_CHECK(read_ages(reading, settings));
    std::set<std::string> seen;
    for (const json::Node& node : reading.value()["relations"].items()) {
        const json::Value each(&node);
        Relation relation;
        XINGLIN_TRY(relation.id, reading.id(each, seen));
        XINGLIN_TRY(relation.name, reading.words(each));
        XINGLIN_TRY(relation.minors_only, reading.yes_or_no(each, "minors_only"));
        XINGLIN_TRY(relation.consent, reading.yes_or_no(each, "consent"));
        XINGLIN_TRY(relation.document, reading.yes_or_no(each, "document"));
        XINGLIN_TRY(relation.months, reading.whole(each, "months", 0, 240));
        if (relation.months == 0 && !relation.minors_only)
            return reading.wrong("months",
                                 fmt::format("{} must end some day: 0 is for who ends when the ward comes of age", relation.id));
        settings.relations.push_back(std::move(relation));
    }
    if (settings.relations.empty()) return reading.wrong("relations", "must name one at least");
    return Done{};
}

Result<Done> read_emergency(const content::Files& files, Settings& settings) {
    const Reading reading(files, of_emergency);
    XINGLIN_CHECK(reading.is_there());
    EmergencyPolicy& policy = settings.emergency;
    XINGLIN_TRY(policy.minutes, reading.whole(reading.value(), "minutes", 1, 24 * 60));
    for (const json::Node& node : reading.value()["roles"].items()) {
        const auto role = access::parse_role(json::Value(&node).string());
        if (!role || *role == access::Role::resident || *role == access::Role::system || *role == access::Role::planner)
            return reading.wrong("roles", "must be roles that work with records of people");
        policy.roles.push_back(*role);
    }
    std::set<std::string> seen;
    for (const json::Node& node : reading.value()["reasons"].items()) {
        ReasonCode reason;
        XINGLIN_TRY(reason.id, reading.id(json::Value(&node), seen));
        XINGLIN_TRY(reason.name, reading.words(json::Value(&node)));
        policy.reasons.push_back(std::move(reason));
    }
    if (policy.reasons.empty()) return reading.wrong("reasons", "must name one at least");
    XINGLIN_TRY(const int least, reading.whole(reading.value(), "least_words", 0, 100));
    policy.least_words = static_cast<std::size_t>(least);
    XINGLIN_TRY(policy.review_work_days, reading.whole(reading.value(), "review_work_days", 1, 30));
    for (const std::size_t place : {std::size_t{0}, std::size_t{1}}) {
        const std::string_view digits = reading.value()["work_hours"][place].text();
        int hour = -1;
        std::from_chars(digits.data(), digits.data() + digits.size(), hour);
        if (hour < 0 || hour > 24) return reading.wrong("work_hours", "must be two hours, [8, 18]");
        (place == 0 ? policy.work_begins_hour : policy.work_ends_hour) = hour;
    }
    if (policy.work_begins_hour >= policy.work_ends_hour) return reading.wrong("work_hours", "must end after they begin");
    return Done{};
}

}  // namespace

Result<Settings> Settings::read(const content::Files& files) {
    Settings settings;
    XINGLIN_CHECK(read_categories(files, settings));
    XINGLIN_CHECK(read_proxies(files, settings));
    XINGLIN_CHECK(read_emergency(files, settings));
    const Reading requests(files, of_requests);
    XINGLIN_CHECK(requests.is_there());
    XINGLIN_TRY(settings.request_days, requests.whole(requests.value(), "waits_days", 1, 365));
    XINGLIN_TRY(settings.request_months, requests.whole(requests.value(), "at_most_months", 1, 240));
    return settings;
}

const Category* Settings::category(std::string_view id) const {
    for (const Category& each : categories) {
        if (each.id == id) return &each;
    }
    return nullptr;
}

const Relation* Settings::relation(std::string_view id) const {
    for (const Relation& each : relations) {
        if (each.id == id) return &each;
    }
    return nullptr;
}

const AgeBand& Settings::age(int years) const {
    for (const AgeBand& each : ages) {
        if (years < each.below_age) return each;
    }
    return ages.back();
}

std::vector<Label> Settings::labels_of(const std::vector<std::string>& ids) const {
    std::vector<Label> out;
    for (const std::string& id : ids) {
        if (const Category* found = category(id)) out.insert(out.end(), found->labels.begin(), found->labels.end());
    }
    return out;
}

}  // namespace xinglin::consent
