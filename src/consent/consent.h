// SPDX-License-Identifier: Apache-2.0
// What residents decided about their records: FHIR Consents, who acts for whom, and emergencies; as a viewer is concerned by them.
//
// Consents are resources of the record; this is a view of them in memory, which follows the feed and the person index and is made again at
// every start. What the law allows whatever a resident says is not decided here (room policy). docs/decisions/0045. Safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "calendar/calendar.h"
#include "fhir/fhir.h"
#include "outcome/outcome.h"
#include "person/person.h"
#include "record/record.h"

namespace xinglin::consent {

/// A security label, or any coding that stands in meta.security.
struct Label {
    std::string system, code;
    bool operator==(const Label&) const = default;
};

/// One rule of one resident's Consent, already narrowed to one viewer. Of one patient's provisions **the last one that speaks of a resource
/// decides**: they come weakest first (order.h says what is weaker).
struct Provision {
    std::string patient;                   // Patient id; each Patient of the person gets one
    bool permit = false;                   // opens or closes
    bool named = false;                    // it names this viewer (the institution, the practitioner …), not just everybody
    std::vector<const fhir::Type*> types;  // it speaks of these; empty: all
    std::vector<Label> labels;             // … with one of these security labels; empty: all
    std::optional<calendar::Span> period;  // … with clinical dates in here; nothing: any
    std::string consent;                   // Consent id: which rule decided
};

/// Access taken in an emergency, for this account and one person.
struct Emergency {
    std::string patient, reason, id;  // each Patient of the person gets one
    std::int64_t until_ms = 0;
};

/// Whose record a resident may open beside the own one.
struct Proxy {
    std::string patient, relation;  // each Patient of the ward gets one; relation: of content/access/proxies.json
    std::int64_t until_ms = 0;
    std::vector<std::string>
        withheld;  // categories of content/access/categories.json that a proxy does not see at the ward's age
    std::vector<Label> withheld_labels;  // the same as security labels
    std::string consent;                 // Consent id
};

struct Options {
    std::chrono::milliseconds poll{100};
    bool follow = true;  // with a thread of its own; else only catch_up() does anything
};

struct Settings;  // settings.h: content/access

class Consents {
public:
    /// Reads what is there; throws sql::Broken.
    Consents(record::Store& store, const person::Persons& persons, const calendar::Clock& clock, Settings settings,
             Options options = {});
    ~Consents();

    /// All rules that concern this viewer (the institution and those above it, the practitioner, the account, the role, everybody), of every
    /// resident; those of one patient stand together, weakest first.
    std::vector<Provision> provisions(const access::Viewer& viewer, std::int64_t now_ms) const;
    /// The same of one patient, whichever Patient of the person it is: all have the same rules.
    std::vector<Provision> of_patient(std::string_view patient, const access::Viewer& viewer, std::int64_t now_ms) const;
    std::vector<Emergency> emergencies(const access::Viewer& viewer, std::int64_t now_ms) const;
    std::vector<Proxy> proxies(std::string_view resident_patient, std::int64_t now_ms) const;
    /// Changes whenever an answer above may have changed, also because time passed (a period began, a ward came of age). Cheap.
    std::uint64_t generation() const;
    /// Patients of whom something changed since a generation; nothing: too long ago, or for everybody (then ask for all again).
    std::optional<std::vector<std::string>> changed_since(std::uint64_t generation) const;

    /// Returns when everything committed before the call counts. Throws sql::Broken.
    void catch_up();
    const Settings& settings() const;

    struct Inside;

private:
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::consent
