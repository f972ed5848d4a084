// SPDX-License-Identifier: Apache-2.0
// Pairs judged one by one, by weights learned before: what is asked when a record arrives, and no table is at hand.
#pragma once

#include <functional>

#include "identity/match.h"

namespace xinglin::identity {

/// What a matching learned, to be kept: fields, their shares by level, how many of all pairs are of one person and of kin.
struct Model {
    std::vector<LearnedField> fields;
    double same_share = 0, kin_share = 0;

    static Model of(const Matches& matches);
    /// {"same_share": …, "kin_share": …, "fields": [{"name", "role", "same": […], "kin": […], "strangers": […]}]}; refused by name
    /// what is none.
    static Result<Model> parse(std::string_view text);
    std::string text() const;
};

/// The levels of a pair, four bits a field in the model's order: what an explanation is made from later.
using Agreement = std::uint64_t;

struct Judgement {
    double log_odds = 0;  // natural logarithm, that both are one person
    Agreement agreement = 0;
};

/// As a value is compared: folded, blanks and punctuation as the role needs them; "" when it says nothing ("不详").
std::string normalised(Role role, std::string_view raw, const Wording* wording = nullptr);
/// Pinyin of Han characters, syllables apart; the code of Soundex for Latin words.
std::string sound_of(std::string_view name);
/// GB 11643-1999: eighteen characters, a date, and the check digit of ISO 7064 MOD 11-2.
bool is_sound_identity(std::string_view id);
/// Is a newborn called by its mother's name ("…之女")? And which of several ("大")?
bool is_newborn(std::string_view name);
std::string_view birth_order(std::string_view name);

/// A few records beside each other. `frequencies` tells of a value (role, normalised) how many records of the whole have it, and how many
/// have any.
class Bench {
public:
    struct Frequency {
        std::uint32_t count = 0, present = 0;
    };
    using Frequencies = std::function<Frequency(Role, std::string_view)>;

    /// A model made ready; may be used by many benches, from any thread.
    struct Scales;
    static std::shared_ptr<const Scales> scales(const Model& model, std::shared_ptr<const Wording> wording = nullptr);

    Bench(std::shared_ptr<const Scales> scales, Frequencies frequencies);
    ~Bench();
    /// Values in the order of the model's fields; the record's number, from 0.
    std::uint32_t add(std::span<const std::string_view> values);
    /// How rare a value is, is asked of `a`'s. Records added later do not change it.
    Judgement judge(std::uint32_t a, std::uint32_t b) const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// How a pair of a table agrees.
Agreement agreement_of(const Records& records, std::uint32_t a, std::uint32_t b);
/// The level of one field in it: 0 missing, 1 differs, 2 far, 3 loose, 4 near, 5 close, 6 exact.
inline unsigned level_in(Agreement agreement, std::size_t field) { return static_cast<unsigned>(agreement >> (4 * field) & 15); }

/// The weight of each field that both have, out of what was kept of a judgement; exact agreement by the level alone.
std::vector<Weight> explain(const Model& model, Agreement agreement);

}  // namespace xinglin::identity
