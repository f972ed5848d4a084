// SPDX-License-Identifier: Apache-2.0
// National shared documents (CDA R2 by WS/T 482; WS/T 483 health records, WS/T 500 medical records) into FHIR, and out of it.
//
// Pure: bytes in, a transaction out. What a data element (DE…) means, which templates there are and how units are written is
// data in content/mappings/cda. Sources: docs/sources.md.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "json/json.h"
#include "message/message.h"
#include "outcome/outcome.h"

namespace xinglin::cda {

struct Limits {
    std::size_t bytes = 32u << 20;
    std::size_t depth = 120;
    std::size_t nodes = 1'000'000;
};

class Tables;

/// The tables of content/mappings/cda. Refuses (where: file and line) a broken one. Cheap to copy; safe from many threads.
class Knowledge {
public:
    static Result<Knowledge> read(const content::Files& files);
    const Tables& tables() const { return *tables_; }

private:
    explicit Knowledge(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}
    std::shared_ptr<const Tables> tables_;
};

/// A document as Patient, Encounter, Composition and what its entries say; the original is kept as Binary behind a
/// DocumentReference. Sections and entries that nothing is known of are kept as narrative and as Observation, with a note.
///
/// Refuses: what is no well-formed XML or no ClinicalDocument; a document type declaration (entities, external references);
/// beyond the limits; a document without id, or without a patient that can be told from others.
Result<message::Converted> convert(std::string_view bytes, const message::Sender& sender, const Knowledge& knowledge,
                                   const Limits& limits = {});

/// What a document says of itself, without converting it: kind "WS/T 500.7", control id, patient, time, sender.
Result<message::Facts> glance(std::string_view bytes, const Knowledge& knowledge, const Limits& limits = {});

enum class Kind : std::uint8_t { outpatient_summary, inpatient_summary, laboratory_report };
/// "outpatient-summary" and so on.
std::string_view text(Kind kind);
std::optional<Kind> parse_kind(std::string_view text);

/// What a document of a visit is made of: resource types, which of the patient's resources belong to the visit ("Encounter/7": those that
/// name it, and allergies, which are the person's), and which kind fits its class.
std::span<const std::string_view> types_of_visit();
bool is_of_visit(json::Value resource, std::string_view visit);
Kind kind_of_visit(json::Value encounter);

/// Writes one patient's resources (a Bundle, or an array of resources; one Patient, one Encounter at most) as a shared
/// document: WS/T 483.17, 483.18 or WS/T 500.7. `id` is the document's number, `now` its time (FHIR dateTime).
/// Refuses what lacks a Patient. What the document type has no place for is left out and named in `left_out`.
struct Written {
    std::string xml;
    std::vector<std::string> left_out;  // "Encounter/…", "Immunization/…"
};
Result<Written> write(Kind kind, json::Value resources, std::string_view id, std::string_view now, const Knowledge& knowledge);

}  // namespace xinglin::cda
