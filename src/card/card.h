// SPDX-License-Identifier: Apache-2.0
// The e-health card: cards as resources of the record, the keys that sign for them, and who stands at the counter.
//
// A card is a Basic resource (`urn:xinglin:card`) about one Patient; who that is says the person index, so that after a merge both cards open the
// one person, and after a split each its own. Keys and what was used lie in DATA/card.db, or in the PostgreSQL database that several processes share;
// private keys only in DATA/card, readable by the server alone. docs/decisions/0038, 0039. Safe from any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"
#include "card/key_set.h"
#include "card/policy.h"
#include "card/token.h"
#include "outcome/outcome.h"
#include "person/person.h"
#include "record/record.h"

namespace xinglin::card {

/// Marks of our Basic resources; nobody else may write these.
inline constexpr std::string_view card_system = "urn:xinglin:card", family_system = "urn:xinglin:card-family";

struct Card {
    Number number = 0;
    std::string patient;           // id of the Patient it was issued for
    std::string state = "active";  // active, lost, replaced, ended
    std::string who, why;          // of the last change
    std::int64_t changed_ms = 0;
    std::string issued;  // day
    std::optional<Number> replaces, replaced_by;
    std::int64_t printed_until_s = 0;  // the longest-lived print; 0: never printed
    std::int64_t version = 0;
};

/// Somebody shows another's card, until a day.
struct Family {
    std::string id;
    std::string patient, holder;  // whose card; who shows it: Patient ids
    std::string relation;         // guardian, parent, child, spouse, other
    std::string from, until;      // days; it still holds on `until`'s eve
    std::string proof;            // what the counter saw: "RelatedPerson/…", or words
    std::string band;             // of the policy
    bool consent = false;
    std::string state = "active";  // active, ended
    std::string who, why;
    std::int64_t changed_ms = 0, version = 0;
};

struct FamilyGrant {
    std::string patient, holder, relation, proof, until;  // until: "" for as long as the policy allows
    bool consent = false;
    std::string who;
};

/// A token to be shown.
struct Shown {
    std::string text;
    Token token;
};

struct ScanAsked {
    std::string who, place;
    std::string checked;  // of a printed card: last four characters of the identity document compared, or the whole birth date
    std::int64_t clock_ahead_s = 0;  // of who scans; 0: not known or right
};
/// What came of a scan.
struct Scan {
    Judged judged;
    std::optional<Card> card;     // when the token is signed by us
    std::string patient;          // to be opened; "" unless accepted
    std::string enterprise_id;    // of the person
    bool needs_document = false;  // a printed card: nothing is opened until `checked` is right
    std::string masked_name;      // then: so that the counter knows whose document to ask for
};

/// Somebody whose card was scanned a short while ago.
struct Presence {
    std::string patient;
    std::int64_t until_ms = 0;
};

struct Options {
    std::filesystem::path data;  // card.db, card/, secrets/
    std::string store;           // "": card.db; else the PostgreSQL address
    /// Tests: wraps the connection, to make it fail on demand.
    std::function<std::unique_ptr<sql::Connection>(std::unique_ptr<sql::Connection>)> wrap;
};

class Cards {
public:
    /// Refuses (where: key) when a private key cannot be read. Throws sql::Broken.
    static Result<std::unique_ptr<Cards>> open(record::Store& store, const person::Persons& persons, const calendar::Clock& clock,
                                               Policy policy, Options options);
    ~Cards();
    const Policy& policy() const;

    // ---- keys ----
    /// As it is published: every key that something in force may be signed with.
    KeySet key_set();
    /// The list of dead cards, signed.
    std::string revoked();
    /// A new key. `at_once`: it signs now, and what the keys before it signed dies, prints too (a key was stolen); else it is published
    /// first, and they sign until it begins.
    Result<Done> rotate(bool at_once);

    // ---- cards ----
    /// For an identified person (a sound identity document, a name, a birth date) who is alive and has none: conflict otherwise.
    Result<Card> issue(std::string_view patient, std::string_view who);
    Result<Card> card(Number number) const;
    /// All cards of the person a Patient is of, newest first.
    std::vector<Card> of_person(std::string_view patient) const;
    /// Lost, or ended (given back): dead at once and for ever.
    Result<Card> lose(Number number, std::string_view who, std::string_view why, bool ended = false);
    /// A new number for an active or lost card; the old one is dead for ever.
    Result<Card> reissue(Number number, std::string_view who, std::string_view why);
    /// A token to be shown for a minute. `family`: somebody else shows it; that this is allowed is for the caller to ask (may_show).
    Result<Shown> show(Number number, bool family);
    /// A token to be printed; the card remembers until when.
    Result<Shown> print(Number number, std::string_view who);

    // ---- family ----
    Result<Family> grant(const FamilyGrant& asked);
    Result<Family> end_family(std::string_view id, std::string_view who, std::string_view why);
    /// Cards of others that this person may show; and who may show this person's. In force first, newest first.
    std::vector<Family> held_by(std::string_view patient) const;
    std::vector<Family> shown_for(std::string_view patient) const;
    bool in_force(const Family& family) const;
    /// May the person of this Patient show this card: an own one, or one of the family?
    enum class May : std::uint8_t { no, own, family };
    May may_show(std::string_view patient, const Card& card) const;

    // ---- at the counter ----
    /// Signature, time, state, replay; a token opens once, whichever process it is scanned at.
    Scan scan(std::string_view scanned, const ScanAsked& asked);
    /// Whose records are open to an account since their cards were scanned by it (Policy::opens_minutes).
    std::vector<Presence> shown_to(std::string_view who) const;
    /// Another number after each scan of this process that opened something.
    std::uint64_t generation() const;

    struct Inside;
    explicit Cards(std::unique_ptr<Inside> inside);

private:
    std::unique_ptr<Inside> inside_;
};

/// "张*" of 张三: the first character, and a star for each other.
std::string masked_name(std::string_view name);
/// Is this Basic one of ours, or does it take the place of one? Those are written here only.
bool is_ours(json::Value basic);

}  // namespace xinglin::card
