// SPDX-License-Identifier: Apache-2.0
// Inside the room: what is kept of a Patient for telling who it is, and the keys by which others like it are found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace xinglin::identity {
class Wording;
}

namespace xinglin::person {

/// One Patient, as compared: values normalised as room identity does it.
struct Facts {
    std::string name, sex, birth, address;  // the name shown first; birth as yyyymmdd, 00 for what is not told
    std::vector<std::string> other_names;   // former ones
    std::vector<std::string> residents;     // identity numbers (GB 11643), as eighteen characters where they are sound
    std::vector<std::string> identifiers;   // others: "system|value", folded
    std::vector<std::string> phones;
    std::string mother, mother_id, order;  // of a child: the mother's name and identity number; which of several
    std::string source;                    // who tells it: id of a source, of an Organization, or ""
    bool newborn = false;                  // called by the mother's name, or not named yet
    bool operator==(const Facts&) const = default;

    std::string national() const { return residents.empty() ? std::string() : residents.front(); }
    std::string phone() const { return phones.empty() ? std::string() : phones.front(); }
    /// So little is told that it can be nobody in particular: 无名氏.
    bool is_nobody() const { return name.empty() && residents.empty() && identifiers.empty(); }
};

constexpr std::string_view mother_identifier_extension = "urn:xinglin:extension:mother-identifier";

Facts facts_of(json::Value patient, const identity::Wording* wording = nullptr);
std::string packed(const Facts& facts);
Facts unpacked(std::string_view text);

/// Blocking keys, sorted, each once: whoever shares one is looked at. Every key is of two things told, or of an identifier.
std::vector<std::int64_t> keys_of(const Facts& facts);
/// The key of an identity number alone.
std::int64_t resident_key(std::string_view number);
/// 63 bits of a text, the same on every machine.
std::int64_t print_of(std::string_view text);

/// The name under which a person is known everywhere, made from the Patient that was there first: thirteen characters without
/// I, L, O and U, the last of them a check ("7K2M0-QX4TD-9A3").
std::string enterprise_id(std::int64_t print);
/// The print in it; 0 when it is none or mistyped. Dashes, blanks and case do not matter.
std::int64_t print_in(std::string_view enterprise_id);

}  // namespace xinglin::person
