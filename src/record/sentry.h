// SPDX-License-Identifier: Apache-2.0
// A guard at work: as a cursor that meets those of a search, and asked of one resource or one version. Inside the room only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "record/find.h"

namespace xinglin::record {

Standing standing_of(Shelf& shelf, const fhir::Type& type, const Stored& stored);
bool concerns(const GuardRule& rule, const fhir::Type& type);
bool concerns(const GuardRule& rule, const OwnerList& owners);
bool has_terms(const GuardRule& rule);
bool concerns(const GuardGrant& grant, const fhir::Type& type);
bool allows(const GuardGrant& grant, char action);
/// Codes of UCUM that amounts in the record have.
std::vector<std::string> units_in_use(sql::Connection& connection);

/// The rules that concern one type, as a cursor over what they let through; resources that are not there at all are among them.
class Sentry final : public Cursor {
public:
    /// `confirm`: asked of rids where a rule depends on what rows do not tell (a clinical date).
    Sentry(const Context& context, const fhir::Type& type, std::function<bool(std::int64_t)> confirm);

    Word seek(std::int64_t key) override;
    std::uint64_t estimate() override { return estimate_; }
    bool has(std::int64_t rid) override;
    bool exact() const override { return !timed_; }
    bool keep(std::int64_t rid) override { return !timed_ || has(rid); }
    bool keeps_anywhere() const override { return true; }
    /// Whether it lets through few enough that it should lead.
    bool is_narrow() const { return estimate_ < many; }

private:
    struct Part {
        const GuardRule* rule;
        CursorPtr terms;  // labels and sources; nothing: whatever it has
        Word head{-1, 0};
        bool timed;
    };
    std::uint64_t bits(Part& part, std::int64_t key);
    std::uint64_t mask(const OwnerList& owners, std::int64_t key);
    bool is_open(const OwnerList& owners) const;
    std::int64_t next_open(std::int64_t ordinal);
    std::int64_t next_change(std::int64_t ordinal) const;
    bool verdict(const OwnerList& owners, std::int64_t rid);
    const OwnerList& by_place(std::int64_t rid);
    CursorPtr terms_of(const GuardRule& rule, const fhir::Type& type) const;

    const Context& context_;
    std::function<bool(std::int64_t)> confirm_;
    std::vector<Part> parts_;
    bool timed_ = false, open_to_nobodys_ = false;
    std::uint64_t estimate_ = 0;
    std::int64_t open_ = -1;  // answer of next_open to the last question
    std::int64_t asked_ = -1;
    OwnerList place_, nobody_;
};

}  // namespace xinglin::record
