// SPDX-License-Identifier: Apache-2.0
// content/card: how cards work in a region, and the cases that say so (content/card/README.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"
#include "card/key_set.h"
#include "card/token.h"
#include "content/content.h"
#include "outcome/outcome.h"

namespace xinglin::card {

/// A band of age, and what is asked for a family card of somebody in it.
struct Band {
    std::string id, zh, en;
    int from_age = 0, below_age = 0;
    bool consent = false;  // the person must agree
    int months = 0;        // at most
};

struct Policy {
    Algorithm algorithm = Algorithm::es256;
    std::uint32_t region = 0;
    std::int64_t lifetime_s = 60, tolerance_s = 15;
    bool self_issue = true, paper = true, paper_needs_check = true;
    std::int64_t paper_days = 730;
    std::int64_t sign_days = 90, publish_ahead_hours = 48, set_hours = 24, list_hours = 24;
    int holder_from_age = 18;
    std::int64_t opens_minutes = 120;  // a scanned card opens a record to who scanned it; 0: it opens nothing
    std::vector<Band> family;          // by age, without a gap

    /// Refuses by name what is missing or out of range.
    static Result<Policy> read(const content::Files& files);

    std::int64_t lifetime_of(Kind kind) const { return kind == Kind::paper ? paper_days * 86'400 : lifetime_s; }
    const Band& band(int age) const;
};

/// What is said when a family card is asked for. Days are "2026-11-22".
struct FamilyAsked {
    std::string birth, holder_birth;
    bool consent = false;
    calendar::Civil today;
};
/// The day until which it may live. Refuses (where: the element) who may not have it.
Result<std::string> family_end(const Policy& policy, const FamilyAsked& asked);

std::string day_text(calendar::Civil day);
/// The day in the policy's region, whose clocks are 8 hours ahead of UTC.
calendar::Civil day_of(std::int64_t ms);

/// Plays the cases of a content folder; appends what is wrong.
void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

}  // namespace xinglin::card
