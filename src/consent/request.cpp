// SPDX-License-Identifier: Apache-2.0
// A doctor asks, the resident says yes or no: a Consent that is proposed, then active or rejected.
#include <algorithm>

#include <fmt/format.h>

#include "consent/desk_inside.h"

namespace xinglin::consent {

Result<Decision> Desk::ask(const AccessWish& wish, const Hand& hand) {
    const Settings& settings = inside_->settings();
    if (!inside_->read("Patient", wish.patient))
        return refuse(IssueCode::not_found, "patient", "there is no such Patient in the record");
    XINGLIN_CHECK(fits("reason", wish.reason, 4, 300));
    if (wish.months < 1 || wish.months > settings.request_months)
        return refuse(IssueCode::value, "months", fmt::format("must be from 1 to {}", settings.request_months));
    for (const Decision& each : decisions(wish.patient)) {
        const bool same = wish.practitioner.empty() ? each.account == hand.account : each.practitioner == wish.practitioner;
        if (each.kind == "request" && same && each.state == "waiting")
            return refuse(IssueCode::conflict, "patient", "was asked already; wait for the answer");
    }
    Paper paper;
    paper.id = "consent-" + inside_->store.new_id();
    paper.patient = wish.patient;
    paper.kind = "request";
    paper.status = "proposed";
    paper.permit = true;
    paper.actor = wish.practitioner.empty() ? "account|" + hand.account : "Practitioner/" + wish.practitioner;
    paper.actor_name = wish.name;
    paper.until = day_text(months_later(day_of(inside_->clock.now_ms()), wish.months));
    paper.date_time = calendar::instant_text(inside_->clock.now_ms());
    paper.parts = {{"reason", wish.reason}, {"asked-by", hand.account}, {"asked-at", wish.institution}};
    paper.hand = hand;
    XINGLIN_CHECK(inside_->write({{"Consent", paper.id, consent_text(paper), 0}}));
    inside_->tell("request", wish.patient, paper.id);
    return inside_->read_back(paper.id);
}

Result<Decision> Desk::answer(std::string_view id, std::string_view patient, bool accept, const Hand& hand) {
    XINGLIN_TRY(const Decision decision, inside_->read_back(id));
    if (decision.kind != "request" || !inside_->is_same_person(decision.patient, patient))
        return refuse(IssueCode::not_found, "consent", "there is no such request");
    if (decision.state == "over")
        return refuse(IssueCode::conflict, "consent", "waited too long and is over; the doctor may ask again");
    if (decision.state != "waiting") return refuse(IssueCode::conflict, "consent", "was answered already");
    XINGLIN_TRY(Inside::Write answered,
                inside_->changed(decision, accept ? "active" : "rejected", {{"answered-by", hand.account}}));
    XINGLIN_CHECK(inside_->write({std::move(answered)}));
    return inside_->read_back(id);
}

std::vector<Decision> Desk::asked_by(std::string_view account) const {
    std::vector<Decision> out;
    for (const record::Version& version :
         inside_->found("Consent", {{"category", "urn:xinglin:consent|request"}, {"_sort", "-_lastUpdated"}}, 1'000)) {
        json::Arena arena;
        auto decision = decision_of(version, inside_->settings(), inside_->clock.now_ms());
        if (!decision) continue;
        const auto parsed = json::parse(version.body, arena);
        if (!parsed.ok()) continue;
        for (const json::Node& node : (*parsed)["extension"].items()) {
            for (const json::Node& inner : json::Value(&node)["extension"].items()) {
                if (json::Value(&inner)["url"].string() == "asked-by" && json::Value(&inner)["valueString"].string() == account)
                    out.push_back(*decision);
            }
        }
    }
    return out;
}

}  // namespace xinglin::consent
