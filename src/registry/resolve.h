// SPDX-License-Identifier: Apache-2.0
// Inside the room: which registered entry a source means by what it tells.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "registry/catalogue.h"

namespace xinglin::registry {

/// Something a source tells of: an institution, a doctor, a ward. References are those of the registries, where they are known.
struct Told {
    const fhir::Type* type = nullptr;
    std::string reference;                                     // its own, "Organization/x"; "" when only a code is told
    std::vector<std::pair<std::string, std::string>> codes{};  // system, value
    std::string name{};
    std::string parent{};        // part of, managed by, works for
    std::string practitioner{};  // of a role
};
/// Who tells it.
struct Teller {
    std::string source;  // "renmin"
    std::string home;    // its institution, "Organization/x"; "" unknown
    std::string day;     // when it was told; "" now
    bool asks = false;   // a person asks: who it may be is wanted too, which takes longer
};
struct Resolved {
    EntryPtr entry;       // who it is; nothing: not sure enough
    EntryPtr suggestion;  // then: who it may be
    std::string why;      // same_id same_code same_name; of a suggestion also other_code, several, elsewhere
};
Resolved resolve(const Catalogue& catalogue, const Told& told, const Teller& teller);

/// "urn:xinglin:source:renmin:": systems of a source's own numbers begin so.
std::string own_systems(std::string_view source);

}  // namespace xinglin::registry
