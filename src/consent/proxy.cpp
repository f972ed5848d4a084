// SPDX-License-Identifier: Apache-2.0
// Who acts for whom: children, wards, parents who gave a power. A proxy is a Consent of the ward that names who acts.
#include <algorithm>

#include <fmt/format.h>

#include "consent/desk_inside.h"
#include "fhir/id.h"
#include "text/text.h"

namespace xinglin::consent {

namespace {

constexpr std::string_view resident_system = "urn:oid:2.16.156.10011.1.3";

/// What a RelatedPerson says must be of the ward and name who acts.
Result<Done> proves(const Desk::Inside& inside, std::string_view reference, std::string_view ward, std::string_view holder_name);

calendar::Civil birthday(const calendar::Moment& birth, int age) {
    const int year = birth.year + age;
    return {year, birth.month, std::min<int>(birth.day, calendar::days_in_month(year, birth.month))};
}

struct Asked {
    const Relation* relation = nullptr;
    std::optional<calendar::Moment> ward_birth;
    int ward_age = 0;
    std::string last;  // day until which it may live
};

}  // namespace

/// Checks who may act, and says until when at most.
static Result<Asked> judged(const Desk::Inside& inside, const ProxyWish& wish) {
    const Settings& settings = inside.settings();
    Asked asked;
    asked.relation = settings.relation(wish.relation);
    if (!asked.relation) return refuse(IssueCode::value, "relation", "is none of those in /api/v1/consent/choices");
    if (!inside.read("Patient", wish.ward)) return refuse(IssueCode::not_found, "ward", "there is no such Patient in the record");
    if (!inside.read("Patient", wish.holder))
        return refuse(IssueCode::not_found, "holder", "there is no such Patient in the record");
    if (inside.is_same_person(wish.ward, wish.holder))
        return refuse(IssueCode::value, "holder", "is the same person: nothing needs to be granted");
    const calendar::Civil today = day_of(inside.clock.now_ms());
    const auto holder_birth = inside.birth_of(wish.holder);
    if (!holder_birth)
        return refuse(IssueCode::required, "holder", "the day of birth is not known; put it into the record first");
    if (calendar::age_in_years(*holder_birth, today) < settings.holder_from_age)
        return refuse(IssueCode::forbidden, "holder",
                      fmt::format("who acts for another is {} at least", settings.holder_from_age));
    asked.ward_birth = inside.birth_of(wish.ward);
    if (!asked.ward_birth)
        return refuse(IssueCode::required, "ward", "the day of birth is not known; put it into the record first");
    asked.ward_age = calendar::age_in_years(*asked.ward_birth, today);
    if (asked.relation->minors_only && asked.ward_age >= settings.of_age)
        return refuse(IssueCode::forbidden, "ward", "is of age; an adult gives a power, or a court names a guardian");
    calendar::Civil last =
        asked.relation->months > 0 ? months_later(today, asked.relation->months) : birthday(*asked.ward_birth, settings.of_age);
    if (asked.relation->minors_only) {
        const calendar::Civil of_age = birthday(*asked.ward_birth, settings.of_age);
        if (day_text(of_age) < day_text(last)) last = of_age;
    }
    asked.last = day_text(last);
    return asked;
}

static Result<Done> agrees(const Asked& asked, const Settings& settings, bool agreed) {
    const bool minor = asked.ward_age < settings.of_age;
    if (agreed || (!asked.relation->consent && !(minor && asked.ward_age >= settings.own_consent_from_age))) return Done{};
    return refuse(IssueCode::required, "agreed", "the person whose record it is must agree; record that they did");
}

namespace {

Result<Done> proves(const Desk::Inside& inside, std::string_view reference, std::string_view ward, std::string_view holder_name) {
    constexpr std::string_view start = "RelatedPerson/";
    if (!reference.starts_with(start)) return refuse(IssueCode::value, "proof", "must be RelatedPerson/ID");
    const auto version = inside.read("RelatedPerson", reference.substr(start.size()));
    json::Arena arena;
    if (!version) return refuse(IssueCode::not_found, "proof", "there is no such RelatedPerson in the record");
    XINGLIN_TRY(const json::Value related,
                json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1}));
    const std::string of = patient_in(related["patient"]);
    if (of.empty() || !inside.is_same_person(ward, of))
        return refuse(IssueCode::value, "proof", "is a RelatedPerson of somebody else");
    if (related["active"].is_boolean() && !related["active"].as_bool())
        return refuse(IssueCode::value, "proof", "is a RelatedPerson that no longer holds");
    const json::Value name = related["name"][std::size_t{0}];
    std::string said(name["text"].string());
    if (said.empty()) {
        said = name["family"].string();
        for (const json::Node& given : name["given"].items()) said += json::Value(&given).string();
    }
    if (said.empty() || said != holder_name) return refuse(IssueCode::value, "proof", "names somebody else than who would act");
    return Done{};
}

}  // namespace

Result<Decision> Desk::make_proxy(const ProxyWish& wish, const Hand& hand) {
    XINGLIN_TRY(const Asked asked, judged(*inside_, wish));
    const std::string holder_name = inside_->name_of("Patient", wish.holder);
    if (!wish.waits) {
        if (!wish.proof.empty()) XINGLIN_CHECK(proves(*inside_, wish.proof, wish.ward, holder_name));
        const bool by_ward = !hand.performer.empty() && inside_->is_same_person(hand.performer, wish.ward);
        XINGLIN_CHECK(agrees(asked, inside_->settings(), wish.agreed || by_ward));
        if ((asked.relation->document || !by_ward) && hand.document.empty() && wish.proof.empty())
            return refuse(
                IssueCode::required, "document",
                "is missing: which document was seen (household register, court order, power of attorney), and its number");
    }
    XINGLIN_CHECK(fits("document", hand.document, 0, 100));
    XINGLIN_CHECK(fits("witness", hand.witness, 0, 100));
    if (!wish.until.empty() && !is_day(wish.until)) return refuse(IssueCode::value, "until", "must be a day, 2027-11-22");
    if (!wish.until.empty() && (wish.until <= inside_->today() || wish.until > asked.last))
        return refuse(IssueCode::value, "until", "must be after today and no later than " + asked.last);
    for (const Decision& each : held_by(wish.holder)) {
        if ((each.state == "active" || each.state == "waiting") && inside_->is_same_person(each.patient, wish.ward))
            return refuse(IssueCode::conflict, "holder",
                          each.state == "active" ? "acts for this person already" : "has applied for this person already");
    }
    Paper paper;
    paper.id = "consent-" + inside_->store.new_id();
    paper.patient = wish.ward;
    paper.kind = "proxy";
    paper.status = wish.waits ? "proposed" : "active";
    paper.permit = true;
    paper.actor = "Patient/" + wish.holder;
    paper.actor_name = holder_name;
    paper.relation = asked.relation->id;
    paper.from = inside_->today();
    paper.until = wish.until.empty() ? asked.last : wish.until;
    paper.date_time = calendar::instant_text(inside_->clock.now_ms());
    paper.parts = parts_of(hand);
    paper.parts.emplace_back("proof", wish.proof);
    paper.hand = hand;
    XINGLIN_CHECK(inside_->write({{"Consent", paper.id, consent_text(paper), 0}}));
    inside_->tell("proxy", wish.ward, paper.id);
    return inside_->read_back(paper.id);
}

Result<Decision> Desk::confirm_proxy(std::string_view id, const Hand& hand, bool agreed) {
    XINGLIN_TRY(const Decision decision, inside_->read_back(id));
    if (decision.kind != "proxy") return refuse(IssueCode::not_found, "consent", "there is no such application");
    if (decision.state != "waiting") return refuse(IssueCode::conflict, "consent", "waits no longer");
    XINGLIN_TRY(const Asked asked,
                judged(*inside_, {.ward = decision.patient, .holder = decision.holder, .relation = decision.relation}));
    XINGLIN_CHECK(agrees(asked, inside_->settings(), agreed));
    XINGLIN_CHECK(fits("document", hand.document, 1, 100));
    XINGLIN_CHECK(fits("witness", hand.witness, 0, 100));
    XINGLIN_TRY(Inside::Write now, inside_->changed(decision, "active", parts_of(hand)));
    XINGLIN_CHECK(inside_->write({std::move(now)}));
    inside_->tell("proxy", decision.patient, id);
    return inside_->read_back(id);
}

std::vector<Decision> Desk::held_by(std::string_view patient) const {
    if (!fhir::is_id(patient)) return {};
    const std::string who = fmt::format("Patient/{}", fmt::join(inside_->patients_of(patient), ",Patient/"));
    std::vector<Decision> out;
    for (const record::Version& version : inside_->found("Consent", {{"actor", who}, {"_sort", "-_lastUpdated"}}, 200)) {
        auto decision = decision_of(version, inside_->settings(), inside_->clock.now_ms());
        if (decision && decision->kind == "proxy") out.push_back(std::move(*decision));
    }
    return out;
}

std::string Desk::somebody(std::string_view number, std::string_view name) const {
    if (number.empty() || number.size() > 30 || name.empty() || number.find_first_of("|,\\$ ") != std::string_view::npos)
        return {};
    std::string upper = text::lower_ascii(number);
    if (!upper.empty() && upper.back() == 'x') upper.back() = 'X';
    const auto found = inside_->found(
        "Patient", {{"identifier", fmt::format("{0}|{1},{0}|{2}", resident_system, upper, text::lower_ascii(number))}}, 20);
    for (const record::Version& version : found) {
        if (inside_->name_of("Patient", version.id) == name) return version.id;
    }
    return {};
}

}  // namespace xinglin::consent
