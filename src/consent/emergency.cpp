// SPDX-License-Identifier: Apache-2.0
// Opened in an emergency: who, why, for how long; and whether somebody looked at it afterwards.
#include <algorithm>

#include <fmt/format.h>

#include "consent/desk_inside.h"
#include "fhir/id.h"

namespace xinglin::consent {

namespace {

constexpr std::int64_t day_ms = 86'400'000, zone_ms = 8 * 3'600'000;

Review review_of(const EmergencyLine& line, const EmergencyPolicy& policy, std::int64_t now_ms) {
    Review review{.id = line.id,
                  .patient = line.patient,
                  .account = line.account_name,
                  .display = line.display,
                  .role = line.role,
                  .institution = line.institution,
                  .reason_code = line.reason_code,
                  .reason = line.reason,
                  .at_ms = line.at_ms,
                  .until_ms = line.until_ms,
                  .ended_ms = line.ended_ms,
                  .due_ms = review_due_ms(line.at_ms, policy),
                  .reviewed_ms = line.reviewed_ms,
                  .state = line.state,
                  .finding = line.finding,
                  .reviewer = line.reviewer,
                  .note = line.note,
                  .version = line.version};
    if (review.state == "open" && now_ms > review.due_ms) review.state = "overdue";
    return review;
}

std::optional<EmergencyLine> line_of(const record::Version& version) {
    json::Arena arena;
    const auto parsed = json::parse(version.body, arena, {.depth = 1'000, .bytes = version.body.size() + 1});
    auto line = parsed.ok() ? emergency_of(*parsed) : std::nullopt;
    if (line) line->version = version.version;
    return line;
}

/// 1970-01-01 was a Thursday.
bool is_work_day(std::int64_t day) {
    const std::int64_t weekday = ((day + 3) % 7 + 7) % 7;  // Monday: 0
    return weekday < 5;
}

}  // namespace

std::int64_t review_due_ms(std::int64_t at_ms, const EmergencyPolicy& policy) {
    const std::int64_t local = at_ms + zone_ms;
    std::int64_t day = local >= 0 ? local / day_ms : -((-local + day_ms - 1) / day_ms);
    for (int left = policy.review_work_days; left > 0;)
        if (is_work_day(++day)) --left;
    return day * day_ms + std::int64_t{policy.work_ends_hour} * 3'600'000 - zone_ms;
}

Result<Review> Desk::open_in_emergency(const EmergencyWish& wish, const access::Viewer& viewer) {
    const EmergencyPolicy& policy = inside_->settings().emergency;
    if (std::find(policy.roles.begin(), policy.roles.end(), viewer.role) == policy.roles.end())
        return refuse(IssueCode::forbidden, "role", "your role has no emergency access (content/access/emergency.json)");
    const bool known = std::any_of(policy.reasons.begin(), policy.reasons.end(),
                                   [&](const ReasonCode& each) { return each.id == wish.reason_code; });
    if (!known) return refuse(IssueCode::required, "reason_code", "must be one of those in /api/v1/emergency/choices");
    XINGLIN_CHECK(fits("reason", wish.reason, policy.least_words, 300));
    if (!inside_->read("Patient", wish.patient))
        return refuse(IssueCode::not_found, "patient", "there is no such Patient in the record");
    EmergencyLine line;
    line.id = "emergency-" + inside_->store.new_id();
    line.patient = wish.patient;
    line.account = viewer.account;
    line.account_name = viewer.name;
    line.display = viewer.display;
    line.role = access::text(viewer.role);
    line.institution = viewer.institution;
    line.reason_code = wish.reason_code;
    line.reason = wish.reason;
    line.at_ms = inside_->clock.now_ms();
    line.until_ms = line.at_ms + std::int64_t{policy.minutes} * 60'000;
    XINGLIN_CHECK(inside_->write({{"Basic", line.id, basic_of(line), 0}}));
    inside_->tell("emergency", line.patient, line.id);
    return review_of(line, policy, line.at_ms);
}

Result<Review> Desk::end_emergency(std::string_view id, const access::Viewer& viewer) {
    const auto version = inside_->read("Basic", id);
    auto line = version ? line_of(*version) : std::nullopt;
    if (!line || line->account != viewer.account || line->account_name != viewer.name)
        return refuse(IssueCode::not_found, "emergency", "there is no such emergency access of yours");
    if (line->ended_ms == 0 && line->until_ms > inside_->clock.now_ms()) {
        line->ended_ms = inside_->clock.now_ms();
        XINGLIN_CHECK(inside_->write({{"Basic", line->id, basic_of(*line), line->version}}));
    }
    return review_of(*line, inside_->settings().emergency, inside_->clock.now_ms());
}

std::vector<Review> Desk::emergencies_of(std::string_view patient) const {
    if (!fhir::is_id(patient)) return {};
    const std::string who = fmt::format("Patient/{}", fmt::join(inside_->patients_of(patient), ",Patient/"));
    std::vector<Review> out;
    for (const record::Version& version :
         inside_->found("Basic", {{"code", std::string(emergency_system) + "|emergency"}, {"subject", who}}, 200)) {
        if (const auto line = line_of(version))
            out.push_back(review_of(*line, inside_->settings().emergency, inside_->clock.now_ms()));
    }
    std::sort(out.begin(), out.end(), [](const Review& a, const Review& b) { return a.at_ms > b.at_ms; });
    return out;
}

std::vector<Review> Desk::reviews(std::string_view state, std::size_t count) const {
    const std::string code = state.empty() ? "emergency" : state == "reviewed" ? "reviewed" : "open";
    std::vector<Review> out;
    for (const record::Version& version :
         inside_->found("Basic", {{"code", std::string(emergency_system) + "|" + code}, {"_sort", "-_lastUpdated"}}, count)) {
        const auto line = line_of(version);
        if (!line) continue;
        Review review = review_of(*line, inside_->settings().emergency, inside_->clock.now_ms());
        if (state == "overdue" && review.state != "overdue") continue;
        if (out.size() < count) out.push_back(std::move(review));
    }
    std::sort(out.begin(), out.end(), [](const Review& a, const Review& b) { return a.at_ms > b.at_ms; });
    return out;
}

Result<Review> Desk::review(std::string_view id, std::string_view finding, std::string_view note, std::string_view by) {
    const auto version = inside_->read("Basic", id);
    auto line = version ? line_of(*version) : std::nullopt;
    if (!line) return refuse(IssueCode::not_found, "emergency", "there is no such emergency access");
    if (line->account_name == by) return refuse(IssueCode::forbidden, "reviewer", "nobody reviews one's own emergency access");
    if (finding != "justified" && finding != "unclear" && finding != "abuse")
        return refuse(IssueCode::value, "finding", "must be justified, unclear or abuse");
    XINGLIN_CHECK(fits("note", note, finding == "justified" ? 0 : 4, 500));
    line->state = finding == "unclear" ? "open" : "reviewed";
    line->finding = finding, line->note = note, line->reviewer = by;
    line->reviewed_ms = inside_->clock.now_ms();
    XINGLIN_CHECK(inside_->write({{"Basic", line->id, basic_of(*line), line->version}}));
    return review_of(*line, inside_->settings().emergency, inside_->clock.now_ms());
}

}  // namespace xinglin::consent
