// SPDX-License-Identifier: Apache-2.0
// Where decisions are made: residents open and close, somebody acts for another, a doctor asks, a record is opened in an emergency.
//
// Everything is written into the record (Consents; emergencies as Basic resources) and counts when the call returns. Whoever calls has asked
// whether the caller may. Safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consent/consent.h"
#include "consent/settings.h"

namespace xinglin::consent {

/// Who decides, and who writes it down.
struct Hand {
    std::string account;      // who is logged in
    std::string performer;    // Patient id of the resident, or of the proxy who acts for a ward; "" at a counter
    std::string institution;  // of the counter: Organization id
    std::string document;     // of a paper consent: its number
    std::string witness;      // who saw it signed
};

/// What a resident wants: to open or close, to whom, what, until when.
struct Wish {
    std::string patient;
    bool permit = false;
    std::string institution, practitioner;  // Organization or Practitioner id; both "": everybody
    std::vector<std::string> categories;    // of categories.json; empty: everything
    std::string from, until;                // days; "": from now, until it is changed
};

/// A Consent as people read it.
struct Decision {
    std::string id, patient;
    std::string kind;   // decision, proxy, request; other: written by somebody else
    std::string state;  // active, ended, waiting, accepted, declined, over
    bool permit = false;
    std::string institution, practitioner, account, holder;  // whom it names
    std::string name;                                        // of whom it names, as it was called then
    std::vector<std::string> categories;
    bool whole = true;        // it speaks of everything (or of whole categories): what is said here is all it says
    std::string relation;     // of a proxy
    std::string from, until;  // days
    std::string reason;       // of a request; why it ended
    std::string recorded_by, document, witness, performer;
    std::int64_t decided_ms = 0, changed_ms = 0;
    std::int64_t version = 0;
};

struct ProxyWish {
    std::string ward, holder;  // Patient ids
    std::string relation, until;
    bool agreed = false;  // the ward agreed
    bool waits = false;   // applied for by the holder: to be confirmed at a counter
    std::string proof;    // "RelatedPerson/x": the record says so
};

struct AccessWish {
    std::string patient, practitioner, name, institution, reason;
    int months = 1;
};

struct EmergencyWish {
    std::string patient, reason_code, reason;
};

/// An emergency with what is asked of its review.
struct Review {
    std::string id, patient, account, display, role, institution, reason_code, reason;
    std::int64_t at_ms = 0, until_ms = 0, ended_ms = 0, due_ms = 0, reviewed_ms = 0;
    std::string state;  // open, overdue, reviewed
    std::string finding, reviewer, note;
    std::int64_t version = 0;
};

/// Something a resident should hear of. Handed on by whoever sends messages; the resident's page shows it in any case.
struct Notice {
    std::string kind;  // emergency, request, proxy
    std::string patient, id;
    std::int64_t at_ms = 0;
};
using Notices = std::function<void(const Notice&)>;

class Desk {
public:
    Desk(record::Store& store, const person::Persons& persons, const calendar::Clock& clock, Consents& consents,
         Notices notices = {});
    ~Desk();

    // ---- what a resident decides ----
    Result<Decision> decide(const Wish& wish, const Hand& hand);
    /// Withdraws; also a proxy, by either side. Of a person whose Patient this is (`patient`), or who holds it.
    Result<Decision> end(std::string_view id, std::string_view patient, const Hand& hand, std::string_view why);
    /// Ends everything that closes: the record is as if nothing had been said. Returns how many.
    Result<std::size_t> reopen(std::string_view patient, const Hand& hand);
    /// All decisions about a person: in force first, then waiting, then what was; newest first.
    std::vector<Decision> decisions(std::string_view patient) const;
    std::optional<Decision> decision(std::string_view id) const;

    // ---- who acts for whom ----
    Result<Decision> make_proxy(const ProxyWish& wish, const Hand& hand);
    Result<Decision> confirm_proxy(std::string_view id, const Hand& hand, bool agreed);
    /// Those whose record this person opens, or asked to.
    std::vector<Decision> held_by(std::string_view patient) const;
    /// Somebody by the whole number of an identity document and the whole name; "" when there is none: both must fit.
    std::string somebody(std::string_view number, std::string_view name) const;

    // ---- a doctor asks ----
    Result<Decision> ask(const AccessWish& wish, const Hand& hand);
    Result<Decision> answer(std::string_view id, std::string_view patient, bool accept, const Hand& hand);
    /// What an account asked for, newest first.
    std::vector<Decision> asked_by(std::string_view account) const;

    // ---- emergencies ----
    Result<Review> open_in_emergency(const EmergencyWish& wish, const access::Viewer& viewer);
    Result<Review> end_emergency(std::string_view id, const access::Viewer& viewer);
    std::vector<Review> emergencies_of(std::string_view patient) const;  // newest first
    /// state: open (overdue ones too), reviewed, "": all. Newest first; `before` from the page before.
    std::vector<Review> reviews(std::string_view state, std::size_t count) const;
    /// finding: justified, unclear, abuse.
    Result<Review> review(std::string_view id, std::string_view finding, std::string_view note, std::string_view by);

    struct Inside;

private:
    std::unique_ptr<Inside> inside_;
};

/// What only this desk writes: emergencies, proxies, requests and its own decisions.
bool is_ours(json::Value resource);
/// When the review of an emergency is due: the end of work on the last of so many working days after it (Monday to Friday, +08:00).
std::int64_t review_due_ms(std::int64_t at_ms, const EmergencyPolicy& policy);

}  // namespace xinglin::consent
