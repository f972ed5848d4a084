// SPDX-License-Identifier: Apache-2.0
// What one viewer may see, compiled for the store: rules over patients, types, labels and sources; the first that applies decides.
//
// Who makes the rules is room policy; here they are obeyed, inside every search and read (docs/decisions/0041). Pure data, never
// changed once made, shared by the requests of a viewer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calendar/calendar.h"
#include "fhir/fhir.h"
#include "json/json.h"
#include "search/search.h"

namespace xinglin::record {

/// Patients by their ordinals in one store (Reader::ordinals_of); few of them as a list, many as bits.
class PatientSet {
public:
    explicit PatientSet(std::vector<std::int64_t> ordinals);  // in any order
    bool has(std::int64_t ordinal) const;
    /// The first member at or after; INT64_MAX when there is none.
    std::int64_t next(std::int64_t ordinal) const;
    std::size_t size() const { return size_; }
    std::size_t bytes() const { return sorted_.capacity() * 4 + bits_.capacity() * 8; }

private:
    std::size_t size_ = 0;
    std::int64_t first_ = 0;             // of bits_
    std::vector<std::uint32_t> sorted_;  // few
    std::vector<std::uint64_t> bits_;    // many
};

struct GuardRule {
    enum class Whose : std::uint8_t {
        anything,  // resources of patients and others
        nobodys,   // that belong to no patient: registers, terminology
        somebodys,
        members,  // of a patient in `patients`
        others    // of a patient who is not
    };
    std::string name;  // for the explanation
    bool permit = false;
    Whose whose = Whose::anything;
    std::shared_ptr<const PatientSet> patients;
    std::vector<const fhir::Type*> types;  // empty: all
    std::vector<std::pair<std::string, std::string>>
        labels{};                            // meta.security has one of these (system, code); empty: whatever it has
    std::vector<std::string> sources{};      // meta.source is one of these; empty: whatever it is
    std::optional<calendar::Span> period{};  // its clinical date lies in here
};

struct Guard;

/// A part of what a token's scope allows: resources of the types that meet all conditions ("Observation.rs?category=…").
struct GuardGrant {
    std::vector<const fhir::Type*> types;       // empty: all
    std::vector<search::Criterion> all{};       // of the one type, codes resolved; empty: all of them
    std::string actions = "rs";                 // some of cruds
    std::string patient{};                      // id of the Patient whose record it is about; "": anybody's
    std::shared_ptr<const Guard> of_patient{};  // the same as rules, for searches; nothing without `patient`
};

struct Guard {
    /// A resource that belongs to several patients is a member when one of them is. What no rule applies to is not seen.
    std::vector<GuardRule> rules;
    /// With `limited` a resource must also be in one of the grants: of r to be read, of s to be searched, of both in what does both.
    bool limited = false;
    std::vector<GuardGrant> grants{};
};

/// A grant of one patient's record, and of what is nobody's and needed to understand it (Practitioner, Organization, Medication …).
/// `ordinal`: Reader::ordinals_of; nothing when nobody was ever called so.
void bind_to_patient(GuardGrant& grant, std::string_view id, std::optional<std::int64_t> ordinal);

/// Does one of the grants allow this action on a resource as it is written here? Slow and plain; asks nothing of the record.
bool is_granted(const Guard& guard, const fhir::Type& type, json::Value resource, char action, std::int16_t offset_minutes,
                std::int64_t updated_ms);

/// What a text says of itself, for the rules.
struct Standing {
    std::vector<std::int64_t> owners;  // ordinals of patients
    std::vector<std::pair<std::string, std::string>> labels;
    std::string source;
    std::vector<calendar::Span> dates;
};
/// The rule that decides, nothing when none applies. Slow and plain: everything else must agree with it.
const GuardRule* deciding_rule(const Guard& guard, const fhir::Type& type, const Standing& standing);

}  // namespace xinglin::record
