// SPDX-License-Identifier: Apache-2.0
// Cards issued, lost, replaced, shown and printed.
#include <algorithm>

#include <fmt/format.h>

#include "card/inside.h"
#include "card/resource.h"
#include "fhir/id.h"

namespace xinglin::card {

namespace {

constexpr std::size_t longest_why = 500;

Outcome no_such_card() {
    return refuse(IssueCode::not_found, "card", "there is no card of this number; look the person up instead");
}

Result<Done> fits(std::string_view why) {
    if (why.size() > longest_why)
        return refuse(IssueCode::too_costly, "why", fmt::format("must have {} bytes at most", longest_why));
    return Done{};
}

Result<Done> is_alive(const Card& card) {
    if (card.state == "active") return Done{};
    return refuse(IssueCode::conflict, "card",
                  fmt::format("is {} since {}; issue another", card.state, calendar::instant_text(card.changed_ms)));
}

}  // namespace

Cards::Cards(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Cards::~Cards() = default;

Result<std::unique_ptr<Cards>> Cards::open(record::Store& store, const person::Persons& persons, const calendar::Clock& clock,
                                           Policy policy, Options options) {
    XINGLIN_TRY(auto keys, Keys::open(options, clock, policy));
    std::unique_ptr<Inside> inside(
        new Inside{store, persons, clock, std::move(policy), std::move(options), std::move(keys), {}, {}, {}, {}, 0, -1});
    return std::make_unique<Cards>(std::move(inside));
}

const Policy& Cards::policy() const { return inside_->policy; }
KeySet Cards::key_set() { return *inside_->keys->set(); }
Result<Done> Cards::rotate(bool at_once) { return inside_->keys->rotate(at_once); }

Number Cards::Inside::fresh_number() const {
    Number number = 0;
    for (const char c : random_bytes(6)) number = number << 8 | static_cast<unsigned char>(c);
    return number;
}

Result<Done> Cards::Inside::nobody_has_one(const std::vector<std::string>& patients, record::Transaction& transaction) const {
    XINGLIN_TRY(const search::Query asked, query({{"code", std::string(state_system) + "|active"},
                                                  {"identifier", std::string(number_system) + "|"},
                                                  {"subject", fmt::format("Patient/{}", fmt::join(patients, ",Patient/"))}}));
    XINGLIN_TRY(const auto ids, transaction.search(asked, 1));
    if (ids.empty()) return Done{};
    return refuse(IssueCode::conflict, "patient", "has a card already; report it lost, or reissue it");
}

Result<Card> Cards::issue(std::string_view patient, std::string_view who) {
    const Identity identity = inside_->identity_of(patient);
    if (identity.patient.empty()) return refuse(IssueCode::not_found, "patient", "there is no such Patient in the record");
    if (identity.deceased) return refuse(IssueCode::conflict, "patient", "has died; no card is issued");
    if (identity.documents.empty())
        return refuse(IssueCode::precondition, "Patient.identifier",
                      "is not identified: no sound identity number or passport is in the record; put it there first");
    if (identity.name.empty())
        return refuse(IssueCode::precondition, "Patient.name", "is missing in the record; put it there first");
    if (identity.birth_date.empty())
        return refuse(IssueCode::precondition, "Patient.birthDate", "is missing in the record; put it there first");
    const std::vector<std::string> patients = inside_->patients_of(patient);
    Card card;
    card.number = inside_->fresh_number();
    card.patient =
        std::find(patients.begin(), patients.end(), patient) != patients.end() ? std::string(patient) : identity.patient;
    card.who = who;
    card.issued = day_text(day_of(inside_->clock.now_ms()));
    XINGLIN_CHECK(inside_->write({{id_of(card.number), basic_of(card), 0}}, [&](record::Transaction& transaction) {
        return inside_->nobody_has_one(patients, transaction);
    }));
    return inside_->read_back(card.number);
}

Result<Card> Cards::card(Number number) const {
    auto card = inside_->read_card(number);
    if (!card) return no_such_card();
    return std::move(*card);
}

std::vector<Card> Cards::of_person(std::string_view patient) const {
    if (!fhir::is_id(patient)) return {};
    constexpr std::size_t most = 500;
    std::vector<Card> out;
    const std::string who = fmt::format("Patient/{}", fmt::join(inside_->patients_of(patient), ",Patient/"));
    for (const record::Version& version :
         inside_->found({{"code", std::string(card_system) + "|card"}, {"subject", who}, {"_sort", "-_lastUpdated"}}, most)) {
        json::Arena arena;
        const auto parsed = json::parse(version.body, arena);
        auto card = parsed.ok() ? card_of(*parsed) : std::nullopt;
        if (!card) continue;
        card->version = version.version;
        card->changed_ms = version.updated_ms;
        out.push_back(std::move(*card));
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const Card& a, const Card& b) { return (a.state == "active") > (b.state == "active"); });
    return out;
}

Result<Card> Cards::lose(Number number, std::string_view who, std::string_view why, bool ended) {
    XINGLIN_CHECK(fits(why));
    XINGLIN_TRY(Card now, card(number));
    XINGLIN_CHECK(is_alive(now));
    now.state = ended ? "ended" : "lost";
    now.who = who, now.why = why;
    XINGLIN_CHECK(inside_->write({{id_of(number), basic_of(now), now.version}}));
    return card(number);
}

Result<Card> Cards::reissue(Number number, std::string_view who, std::string_view why) {
    XINGLIN_CHECK(fits(why));
    XINGLIN_TRY(Card old, card(number));
    if (old.state != "active" && old.state != "lost") XINGLIN_CHECK(is_alive(old));
    const Identity identity = inside_->identity_of(old.patient);
    if (identity.deceased) return refuse(IssueCode::conflict, "patient", "has died; no card is issued");
    if (identity.patient.empty()) return refuse(IssueCode::not_found, "patient", "there is nobody any more whose card this is");
    Card fresh;
    fresh.number = inside_->fresh_number();
    fresh.patient = old.patient;
    fresh.who = who, fresh.why = why;
    fresh.issued = day_text(day_of(inside_->clock.now_ms()));
    fresh.replaces = old.number;
    const bool was_lost = old.state == "lost";
    old.state = "replaced", old.who = who, old.why = why, old.replaced_by = fresh.number;
    XINGLIN_CHECK(inside_->write({{id_of(number), basic_of(old), old.version}, {id_of(fresh.number), basic_of(fresh), 0}},
                                 [&](record::Transaction& transaction) -> Result<Done> {
                                     if (!was_lost) return Done{};  // the old one was the active one
                                     return inside_->nobody_has_one(inside_->patients_of(old.patient), transaction);
                                 }));
    return inside_->read_back(fresh.number);
}

Result<Shown> Cards::show(Number number, bool family) {
    XINGLIN_TRY(const Card it, card(number));
    XINGLIN_CHECK(is_alive(it));
    const Signer signer = inside_->keys->signer();
    const std::string random = random_bytes(4);
    Token token;
    token.kind = family ? Kind::family : Kind::self;
    token.key = signer.id;
    token.number = number;
    token.issued_s = inside_->clock.now_ms() / 1'000;
    token.expires_s = token.issued_s + inside_->policy.lifetime_s;
    for (const char c : random) token.nonce = token.nonce << 8 | static_cast<unsigned char>(c);
    token.region = inside_->policy.region;
    token = Token::sign(std::move(token), *signer.key);
    return Shown{token.text(), token};
}

Result<Shown> Cards::print(Number number, std::string_view who) {
    if (!inside_->policy.paper)
        return refuse(IssueCode::forbidden, "paper", "cards are not printed here (content/card/policy.json)");
    XINGLIN_TRY(Card it, card(number));
    XINGLIN_CHECK(is_alive(it));
    const Signer signer = inside_->keys->signer();
    Token token;
    token.kind = Kind::paper;
    token.key = signer.id;
    token.number = number;
    token.issued_s = inside_->clock.now_ms() / 1'000;
    token.expires_s = token.issued_s + inside_->policy.lifetime_of(Kind::paper);
    token.region = inside_->policy.region;
    it.printed_until_s = std::max(it.printed_until_s, token.expires_s);
    it.who = who, it.why = "printed";
    XINGLIN_CHECK(inside_->write({{id_of(number), basic_of(it), it.version}}));
    token = Token::sign(std::move(token), *signer.key);
    return Shown{token.text(), token};
}

std::string Cards::revoked() {
    constexpr std::size_t most = 2'000'000;
    constexpr std::int64_t remembered_ms = 60'000, day_ms = 86'400'000;
    const std::lock_guard lock(inside_->list_mutex);
    const std::int64_t now_ms = inside_->clock.now_ms();
    const record::Position position = inside_->reader().position();
    const bool fresh = !inside_->list.empty() && now_ms - inside_->list_ms < 30 * remembered_ms && now_ms >= inside_->list_ms;
    if (fresh && (position == inside_->list_position || now_ms - inside_->list_ms < remembered_ms / 60)) return inside_->list;
    Revoked list{now_ms / 1'000, now_ms / 1'000 + inside_->policy.list_hours * 3'600, {}};
    const std::string states = fmt::format("{0}|lost,{0}|replaced,{0}|ended", state_system);
    for (const record::Version& version :
         inside_->found({{"code", states}, {"identifier", std::string(number_system) + "|"}}, most)) {
        json::Arena arena;
        const auto parsed = json::parse(version.body, arena);
        const auto card = parsed.ok() ? card_of(*parsed) : std::nullopt;
        if (card && (card->printed_until_s * 1'000 > now_ms || version.updated_ms > now_ms - day_ms))
            list.numbers.push_back(card->number);
    }
    std::sort(list.numbers.begin(), list.numbers.end());
    const Signer signer = inside_->keys->signer();
    inside_->list = list.json(*signer.key, signer.id);
    inside_->list_ms = now_ms, inside_->list_position = position;
    return inside_->list;
}

}  // namespace xinglin::card
