// SPDX-License-Identifier: Apache-2.0
// Inside the room: the record of a person is the record of all Patients that the person index holds together. docs/decisions/0035.
#pragma once

#include "api/exchange.h"

namespace xinglin::api {

/// Identifiers of this system are enterprise ids, "7K2M0-QX4TD-9A3".
inline constexpr std::string_view enterprise_system = "urn:xinglin:enterprise-id";

struct Union {
    std::vector<std::string> ids;  // the Patient asked for first, then the person's others in order of arrival
    std::string enterprise_id;     // "" where there is no person index, or the Patient is too new for it
    bool is_whole = false;         // of the person; else of one Patient, because only that was asked for
    /// Of ids: a page that was begun with other ones is not gone on with.
    std::string print() const;
};

/// The Patients whose records one asks for by one of them. `_person=false`: that one alone. Does not say whether any of them exists.
/// What a viewer may see of them is asked of each as of any Patient; a resident is bound to the person, so to all of them.
Result<Union> union_of(const Exchange& exchange, const std::string& id);

/// A `_page` of links made with page_of: what is behind the print. Refused with conflict when the person was regrouped meanwhile, since
/// the pages together would then be nobody's record.
Result<std::string> inner_page(const Union& all, std::string_view page);
std::string page_of(const Union& all, std::string_view inner);

/// The ids of Patients with this identifier, "system|value"; enterprise ids too. At most fifty.
Result<std::vector<std::string>> holders_of(const Exchange& exchange, record::Reader& reader, std::string_view identifier);

/// The one Patient that stands for the person with this identifier; refused when it is nobody's, or several persons'.
Result<std::string> holder_of(const Exchange& exchange, std::string_view identifier);

/// `_person=true`: every "Patient/x" in reference parameters becomes the list of that person's Patients, and the parameter goes.
Result<Done> widen(const Exchange& exchange, std::span<const fhir::Type* const> types, Parameters& parameters);

}  // namespace xinglin::api
