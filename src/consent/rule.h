// SPDX-License-Identifier: Apache-2.0
// Inside the room: a Consent as rules. The tree of provisions is unrolled: each rule carries the conditions of the provisions above it.
//
// What we cannot test (a code, an unknown class, a single document) is taken as met where a rule closes and as unmet where it opens: what
// is not understood never opens anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calendar/calendar.h"
#include "consent/consent.h"
#include "json/json.h"

namespace xinglin::consent {

/// Somebody a rule names: "Organization/x", "Practitioner/x", "PractitionerRole/x", "Patient/x", "role|clinician", "account|li"; anything
/// else names nobody we know.
using Actor = std::string;

struct Rule {
    bool permit = false;
    int depth = 0;                                   // 0: the root; 1: an exception to it …
    std::optional<std::size_t> above;                // the rule it is an exception to
    std::vector<std::vector<Actor>> who;             // one of each list; empty: everybody
    std::vector<std::vector<std::string>> purposes;  // one of each list
    calendar::Span valid{calendar::beginning_ms, calendar::end_of_time_ms};
    std::vector<const fhir::Type*> types;  // sorted by name
    std::vector<Label> labels;
    std::optional<calendar::Span> period;
    bool doubtful = false;  // it has a condition we cannot test: only closing rules are kept then
};

/// A Consent that counts.
struct Consent {
    std::string id, patient;
    bool is_proxy = false;
    std::string relation;         // of a proxy
    std::int64_t decided_ms = 0;  // dateTime, no later than when it was stored
    std::int64_t position = 0;
    std::vector<Rule> rules;
    bool too_complex = false;  // then its one rule closes everything
};

constexpr std::string_view scope_system = "http://terminology.hl7.org/CodeSystem/consentscope";
constexpr std::string_view act_system = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
constexpr std::string_view own_system = "urn:xinglin:consent";  // categories of ours: "proxy", "request", "decision"
constexpr std::string_view relation_system = "urn:xinglin:consent-relation";
constexpr std::string_view role_system = "urn:xinglin:role";        // of accounts, as actor.role
constexpr std::string_view account_system = "urn:xinglin:account";  // as actor.reference.identifier

struct Limits {
    std::size_t rules = 1'000, actors = 500, codes = 200;
    int depth = 10;
};

/// Nothing when it does not count: not active, not of privacy, of nobody. `stored_ms`, `position`: of the version.
std::optional<Consent> consent_of(json::Value resource, std::int64_t stored_ms, std::int64_t position,
                                  std::int16_t offset_minutes, const Limits& limits = {});

}  // namespace xinglin::consent
