// SPDX-License-Identifier: Apache-2.0
// A message from outside, whatever its format: who sent it, what it says of itself, and the FHIR transaction it became.
//
// Every format (hl7v2, cda, table) is a pure room that turns bytes into a Converted or a refusal; intake keeps the account.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::message {

/// What conversion must know of a sending institution.
struct Sender {
    std::string id = "unnamed";         // 1 to 40 of a-z 0-9 - : goes into ids of resources, so it never changes
    std::string name;                   // shown to people; "" is the id
    std::string organization;           // id of its Organization resource; "" is made from what the message says
    std::int16_t offset_minutes = 480;  // zone of times written without one
    std::string encoding;               // of text that does not say itself: "UTF-8", "GB18030"; "" finds out
};

/// What a message says of itself.
struct Facts {
    std::string kind;                   // "ADT^A01", "WS/T 500.7", the name of a mapping
    std::string version;                // of the format: "2.4"
    std::string control_id;             // the sender's own number of it; "" when there is none
    std::string application, facility;  // as the sender calls itself
    std::string patient;                // same text, same patient of this sender: their messages keep their order; "" for none
    std::string sent_at;                // FHIR dateTime as the sender's clock had it; "" when it doesn't say
};

/// Something that was not carried over, or carried over by assumption.
struct Note {
    std::string where;  // "PID-8", "row 12, column 性别", "/ClinicalDocument/recordTarget"
    std::string what;   // English; never repeats personal data
    std::string key;    // for the catalogue of words: "unknown-code", "unknown-segment", "truncated", …
};

struct Converted {
    Facts facts;
    std::string bundle;  // FHIR R4 Bundle of type transaction, JSON; every entry a PUT to an id made by stable_id
    std::vector<Note> notes;
    /// "Type/id" of entries that say only as much as this message needed (the patient of a laboratory result, a ward, a doctor):
    /// whoever stores the bundle leaves them out when they are there already, or a fuller earlier version would be overwritten.
    std::vector<std::string> lesser = {};
    /// The Bundle as a value and what it lives in, from a converter that was asked for it: `bundle` is "" then.
    std::shared_ptr<json::Arena> arena = {};
    json::Value tree = {};
    /// The Bundle as text, whichever there is.
    std::string text() const { return tree ? json::write(tree) : bundle; }
};

/// The id of what a sender calls `key` ("MRN^12345"): the same for every message, so that a message sent again changes nothing.
/// 32 hexadecimal digits of SHA-256.
std::string stable_id(std::string_view sender, std::string_view type, std::string_view key);

/// Identifier system of a sender's own numbers: "urn:xinglin:source:SENDER:NUMBERS", e.g. NUMBERS = "patient", "visit", "order".
std::string own_system(const Sender& sender, std::string_view numbers);

/// National identifier systems (WS/T 482; docs/sources.md).
inline constexpr std::string_view resident_id_system = "urn:oid:2.16.156.10011.1.3";
inline constexpr std::string_view health_record_system = "urn:oid:2.16.156.10011.1.2";
inline constexpr std::string_view health_card_system = "urn:oid:2.16.156.10011.1.19";
inline constexpr std::string_view outpatient_visit_system = "urn:oid:2.16.156.10011.1.11";
inline constexpr std::string_view inpatient_visit_system = "urn:oid:2.16.156.10011.1.12";
inline constexpr std::string_view institution_system = "urn:oid:2.16.156.10011.1.5";
inline constexpr std::string_view staff_system = "urn:oid:2.16.156.10011.1.4";
inline constexpr std::string_view insurance_card_system = "urn:oid:2.16.156.10011.1.15";
inline constexpr std::string_view icd10_system = "urn:oid:2.16.156.10011.2.3.3.11";
inline constexpr std::string_view national_sex_system = "urn:oid:2.16.156.10011.2.3.3.4";

/// Collects the resources of one message and writes them as a transaction. A resource put twice under one id is kept once, as
/// put last, in its first place.
class Draft {
public:
    Draft(json::Arena& arena, const Sender& sender, const Facts& facts);
    json::Arena& arena() { return arena_; }
    /// `resource` has resourceType; gets the id, and meta.source "urn:xinglin:source:SENDER#CONTROL-ID".
    /// Returns the literal reference "Type/id".
    std::string put(std::string_view id, json::Value resource);
    bool has(std::string_view type, std::string_view id) const;
    std::size_t size() const { return resources_.size(); }
    /// The Bundle, compact JSON.
    std::string bundle() const;
    /// The same as a value; lives in the arena.
    json::Value tree() const;

private:
    json::Arena& arena_;
    std::string source_;
    std::vector<json::Value> resources_;
    std::map<std::string, std::size_t, std::less<>> places_;  // "Type/id" → index
};

}  // namespace xinglin::message
