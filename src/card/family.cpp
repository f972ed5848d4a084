// SPDX-License-Identifier: Apache-2.0
// Family cards: who may show whose card, until when, and on what proof.
#include <algorithm>

#include <fmt/format.h>

#include "card/inside.h"
#include "card/resource.h"
#include "fhir/id.h"

namespace xinglin::card {

namespace {

constexpr std::string_view relations[] = {"parent", "guardian", "child", "spouse", "other"};
constexpr std::string_view related_start = "RelatedPerson/";
constexpr std::size_t most_families = 200, longest_proof = 500;

bool is_day(std::string_view text) {
    const auto moment = calendar::parse_date(text);
    return moment && moment->precision == calendar::Precision::day;
}

std::string name_in(json::Value related) {
    const json::Value name = related["name"][std::size_t{0}];
    if (!name["text"].string().empty()) return std::string(name["text"].string());
    std::string made(name["family"].string());
    for (const json::Node& given : name["given"].items()) made += json::Value(&given).string();
    return made;
}

bool is_among(const std::vector<std::string>& all, std::string_view id) {
    return std::find(all.begin(), all.end(), id) != all.end();
}

}  // namespace

Result<Family> Cards::grant(const FamilyGrant& asked) {
    if (std::find(std::begin(relations), std::end(relations), asked.relation) == std::end(relations))
        return refuse(IssueCode::value, "relation",
                      "must be parent, guardian, child, spouse or other: what who shows the card is to the person");
    if (asked.proof.empty() || asked.proof.size() > longest_proof)
        return refuse(IssueCode::required, "proof",
                      "is missing: RelatedPerson/ID, or what document was seen (household register, court order …)");
    const Identity whose = inside_->identity_of(asked.patient), holder = inside_->identity_of(asked.holder);
    if (whose.patient.empty()) return refuse(IssueCode::not_found, "patient", "there is no such Patient in the record");
    if (holder.patient.empty()) return refuse(IssueCode::not_found, "holder", "there is no such Patient in the record");
    const std::vector<std::string> patients = inside_->patients_of(asked.patient);
    if (is_among(patients, asked.holder))
        return refuse(IssueCode::value, "holder", "is the person whose card it is; nothing needs to be granted");
    if (holder.documents.empty())
        return refuse(IssueCode::precondition, "holder",
                      "is not identified: no sound identity number or passport is in the record");
    if (asked.proof.starts_with(related_start)) {
        const auto version =
            inside_->reader().read(*fhir::find_resource("RelatedPerson"), asked.proof.substr(related_start.size()));
        json::Arena arena;
        const auto related = version.ok() ? json::parse(version->body, arena) : Result<json::Value>(version.outcome());
        if (!related.ok()) return refuse(IssueCode::not_found, "proof", "there is no such RelatedPerson in the record");
        const std::string_view of = (*related)["patient"]["reference"].string();
        if (!of.starts_with("Patient/") || !is_among(patients, of.substr(8)))
            return refuse(IssueCode::value, "proof", "is a RelatedPerson of somebody else");
        if ((*related)["active"].is_boolean() && !(*related)["active"].as_bool())
            return refuse(IssueCode::value, "proof", "is a RelatedPerson that no longer holds");
        if (name_in(*related) != holder.name)
            return refuse(IssueCode::value, "proof", "names somebody else than who would show the card");
    }
    const calendar::Civil today = day_of(inside_->clock.now_ms());
    XINGLIN_TRY(
        const std::string last,
        family_end(inside_->policy,
                   {.birth = whose.birth_date, .holder_birth = holder.birth_date, .consent = asked.consent, .today = today}));
    if (!asked.until.empty() && !is_day(asked.until)) return refuse(IssueCode::value, "until", "must be a day, 2027-11-22");
    if (!asked.until.empty() && (asked.until > last || asked.until <= day_text(today)))
        return refuse(IssueCode::value, "until", fmt::format("must be after today and no later than {}", last));
    for (const Family& each : shown_for(asked.patient)) {
        if (in_force(each) && is_among(inside_->patients_of(asked.holder), each.holder))
            return refuse(IssueCode::conflict, "holder", "may show this card already, until " + each.until);
    }
    Family family;
    family.id = "family-" + inside_->store.new_id();
    family.patient = asked.patient, family.holder = asked.holder, family.relation = asked.relation, family.proof = asked.proof;
    family.from = day_text(today);
    family.until = asked.until.empty() ? last : asked.until;
    const auto birth = calendar::parse_date(whose.birth_date);
    family.band = inside_->policy.band(calendar::age_in_years(*birth, today)).id;
    family.consent = asked.consent;
    family.who = asked.who;
    XINGLIN_CHECK(inside_->write({{family.id, basic_of(family), 0}}));
    return *inside_->read_family(family.id);
}

Result<Family> Cards::end_family(std::string_view id, std::string_view who, std::string_view why) {
    auto family = inside_->read_family(id);
    if (!family) return refuse(IssueCode::not_found, "family", "there is no such family card");
    if (family->state != "active") return refuse(IssueCode::conflict, "family", "has ended already");
    if (why.size() > longest_proof)
        return refuse(IssueCode::too_costly, "why", fmt::format("must have {} bytes at most", longest_proof));
    family->state = "ended";
    family->who = who, family->why = why;
    XINGLIN_CHECK(inside_->write({{family->id, basic_of(*family), family->version}}));
    return *inside_->read_family(id);
}

bool Cards::in_force(const Family& family) const {
    const std::string today = day_text(day_of(inside_->clock.now_ms()));
    return family.state == "active" && family.from <= today && today < family.until;
}

namespace {

std::vector<Family> families_in(const std::vector<record::Version>& versions) {
    std::vector<Family> out;
    for (const record::Version& version : versions) {
        json::Arena arena;
        const auto parsed = json::parse(version.body, arena);
        auto family = parsed.ok() ? family_of(*parsed) : std::nullopt;
        if (!family) continue;
        family->version = version.version;
        family->changed_ms = version.updated_ms;
        out.push_back(std::move(*family));
    }
    return out;
}

}  // namespace

std::vector<Family> Cards::held_by(std::string_view patient) const {
    if (!fhir::is_id(patient)) return {};
    std::string who;
    for (const std::string& id : inside_->patients_of(patient))
        who += fmt::format("{}{}|{}", who.empty() ? "" : ",", holder_system, id);
    auto all = families_in(inside_->found({{"identifier", who}, {"_sort", "-_lastUpdated"}}, most_families));
    std::stable_partition(all.begin(), all.end(), [&](const Family& each) { return in_force(each); });
    return all;
}

std::vector<Family> Cards::shown_for(std::string_view patient) const {
    if (!fhir::is_id(patient)) return {};
    const std::string who = fmt::format("Patient/{}", fmt::join(inside_->patients_of(patient), ",Patient/"));
    auto all = families_in(inside_->found(
        {{"code", std::string(family_system) + "|family"}, {"subject", who}, {"_sort", "-_lastUpdated"}}, most_families));
    std::stable_partition(all.begin(), all.end(), [&](const Family& each) { return in_force(each); });
    return all;
}

Cards::May Cards::may_show(std::string_view patient, const Card& card) const {
    const std::vector<std::string> whose = inside_->patients_of(card.patient);
    if (is_among(whose, patient)) return May::own;
    for (const Family& each : held_by(patient)) {
        if (in_force(each) && is_among(whose, each.patient)) return May::family;
    }
    return May::no;
}

}  // namespace xinglin::card
