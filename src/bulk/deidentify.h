// SPDX-License-Identifier: Apache-2.0
// Taking the person out of a resource and leaving the medicine in, by rules that are data (content/deidentify).
//
// Ids and identifiers become keyed pseudonyms (HMAC-SM3), so that references still join; names, contacts, free text and addresses
// finer than the county go; birth dates become years, the very old one group. Sources: GB/T 37964-2019, GB/T 32905-2016.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "content/content.h"
#include "fhir/fhir.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::bulk {

/// What becomes of dates other than those of birth (of which the rules leave years). Shifted: all dates of a person by the same number
/// of days, 1 to 365 back, as the key decides, so that what lies between them stays.
enum class Dates : std::uint8_t { keep, shift, month, year };

/// A key of its own for one purpose: who has it finds neither the key it was made of nor that of another purpose.
std::string key_for(std::string_view key, std::string_view purpose);

/// Immutable; safe from many threads. What no rule allows is removed; an element that R4 requires says then that it is masked.
class Deidentifier {
public:
    static constexpr std::size_t key_bytes_least = 32;
    /// `year`: of the export; ages are counted to it. Refuses (where: file and rule) rules that name what is not in R4, and a key
    /// that is too short.
    static Result<Deidentifier> make(const content::Files& files, std::string key, int year, Dates dates = Dates::keep);
    Deidentifier(Deidentifier&&) noexcept;
    ~Deidentifier();

    /// The resource without its person; nothing when it is left out: its type is, or it is modified by an extension no rule knows.
    /// `person`: whose it is, "Patient/1", for dates that are shifted; "" for what is nobody's, whose own id decides then.
    json::Value apply(json::Value resource, json::Arena& arena, std::string_view person = {}) const;
    bool leaves_out(const fhir::Type& type) const;
    /// The pseudonym of an id, of 32 characters.
    std::string id_of(const fhir::Type& type, std::string_view id) const;
    const std::string& edition() const;
    /// Tells keys apart without telling them: eight characters.
    std::string key_mark() const;

    struct Inside;

private:
    explicit Deidentifier(std::unique_ptr<const Inside> inside);
    std::unique_ptr<const Inside> inside_;
};

}  // namespace xinglin::bulk
