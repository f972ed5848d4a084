// SPDX-License-Identifier: Apache-2.0
// The security officer's desk: what residents ask about looks at their record, and what was found unusual. Beside the audit, never in
// it: these may change, lines may not. Emergency accesses are reviewed in room consent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::access {

/// What a resident asks about one line of the audit.
struct Case {
    /// open → asked (the officer asked who looked) → answered → closed; answered → open when the resident is not content.
    enum class State : std::uint8_t { open, asked, answered, closed };
    enum class Step : std::uint8_t { ask, answer, again, close };
    struct Moved {
        std::int64_t at_ms = 0;
        std::string by, step, words;
    };
    std::int64_t number = 0;
    std::int64_t opened_ms = 0, moved_ms = 0;
    State state = State::open;
    std::int64_t row = 0;  // the line
    std::string patient;   // whose record it is
    std::string opened_by;
    std::string question, answer;
    std::vector<Moved> steps;  // oldest first; of `find` only
};
std::string_view text(Case::State state);
std::optional<Case::State> parse_case_state(std::string_view text);
std::optional<Case::Step> parse_case_step(std::string_view text);

/// A look that a rule found unusual (unusual.h).
struct Finding {
    std::int64_t number = 0;
    std::int64_t row = 0, at_ms = 0;  // the line, and its time
    std::string rule;
    std::string facts;  // JSON: what the rule's words are filled with
    std::string who, patient;
    std::string key;  // one finding for each
    std::int64_t reviewed_ms = 0;
    std::string reviewed_by, note;
};

/// Safe from many threads, and from several processes.
class Desk {
public:
    /// Its tables lie beside those of the audit. Throws sql::Broken.
    Desk(const std::filesystem::path& folder, const std::string& store = {});
    ~Desk();

    static constexpr std::size_t most_words = 2'000;
    /// Refuses words that are empty or too long (where: question), and a second case about the same line that is not closed.
    Result<Case> open_case(std::int64_t row, std::string_view patient, std::string_view by, std::string_view question,
                           std::int64_t now_ms);
    /// Refuses (where: step) what is not open from the present state, and words that are missing.
    Result<Case> move(std::int64_t number, Case::Step step, std::string_view by, std::string_view words, std::int64_t now_ms);
    std::optional<Case> find(std::int64_t number) const;
    /// Newest first; of these patients, or of all when there are none; of a state, or of all.
    std::vector<Case> cases(std::span<const std::string> patients, std::optional<Case::State> state, std::uint32_t count) const;
    std::uint64_t waiting_cases() const;  // open or asked

    /// The last line that was judged.
    std::int64_t judged() const;
    /// Stores what was found up to a line; what is there already stays as it is.
    void keep(std::span<const Finding> findings, std::int64_t judged_row);
    std::vector<Finding> findings(bool reviewed, std::uint32_t count) const;
    std::uint64_t waiting_findings() const;
    Result<Done> review(std::int64_t finding, std::string_view by, std::string_view note, std::int64_t now_ms);

    /// People seen by `who` from a moment until another; and on how many days, local ones.
    struct Seen {
        std::int64_t people = 0, days = 0;
    };
    Seen seen(std::string_view who, std::int64_t from_ms, std::int64_t until_ms, std::int64_t offset_ms) const;
    /// How many of the last lines of `who` up to a line were refused, without one between that was not.
    std::int64_t refused_in_a_row(std::string_view who, std::int64_t row, std::int64_t most) const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::access
