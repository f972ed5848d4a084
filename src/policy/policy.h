// SPDX-License-Identifier: Apache-2.0
// Who may see what: the rules of content/access/policy.json, residents' consents, emergencies and proxies become a guard for the store.
//
// A decision is role × purpose × patient (institution, area, treatment relation, consent, emergency) × label and type; the first rule that
// applies decides (docs/decisions/0041). Sets of patients are searches, kept for a while; consents and emergencies count at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/access.h"
#include "calendar/calendar.h"
#include "card/card.h"
#include "consent/consent.h"
#include "fhir/fhir.h"
#include "outcome/outcome.h"
#include "person/person.h"
#include "policy/book.h"
#include "record/guard.h"
#include "record/record.h"

namespace xinglin::policy {

/// What was decided, and by which rule, in words.
struct Decision {
    bool exists = false, permit = false;
    std::string rule;  // id in the policy; "" when nothing guards this viewer, "nothing" when no rule applied
    Words why;
    std::optional<std::int64_t> until_ms;  // of an emergency access or a shown card
    bool emergency_possible = false;
};

/// Safe from many threads.
class Policies {
public:
    /// Whom it asks besides the record; nothing where there is none.
    struct Asked {
        const consent::Consents* consents = nullptr;
        const person::Persons* persons = nullptr;
        const card::Cards* cards = nullptr;
    };
    Policies(record::Store& store, const Asked& asked, const calendar::Clock& clock, Book book);
    ~Policies();

    /// For a request: nothing when the viewer's role is not in the policy (it sees what its account may). Refuses a purpose that is none.
    Result<std::shared_ptr<const record::Guard>> guard(const access::Viewer& viewer) const;
    /// Asks what `viewer` would be answered about a resource that is there now.
    Result<Decision> decide(access::Viewer viewer, const fhir::Type& type, std::string_view id) const;
    /// Is the account of a role that may open a closed record with a reason?
    bool may_take_emergency(const access::Viewer& viewer) const;
    /// This viewer wrote a resource of a type ("": of any): whom that makes one's own is seen with the next request, not a minute later.
    void wrote(const access::Viewer& viewer, std::string_view type) const;
    /// Throws away what is kept: the next question is answered from the record.
    void forget() const;
    const Book& book() const;

    struct Figures {
        std::size_t guards = 0, sets = 0, bytes = 0;
    };
    Figures figures() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::policy
