// SPDX-License-Identifier: Apache-2.0
// content/access/passwords.json and sessions.json: what a password must be, how long sessions last, who needs a second factor,
// how long who guessed wrong must wait.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "content/content.h"
#include "outcome/outcome.h"

namespace xinglin::access {

struct PasswordRules {
    std::size_t least_characters = 10;
    std::size_t least_classes = 2, below_characters = 12;  // shorter than this: so many kinds of characters
    std::size_t history = 5;                               // not one of the last so many
    int warn_days = 14;                                    // before it is too old
    std::vector<std::string> common;                       // beginnings that lists of leaked passwords are full of, folded
};

struct RoleRules {
    int password_days = 0;  // then it must be changed; 0: never
    std::int64_t idle_ms = 30 * 60'000, longest_ms = 12 * 3'600'000;
    bool second_factor = false;  // nothing is open without one
};

/// After `free` failures one waits: `first_s`, then twice as long each time. One failure is forgotten every `forget_one_s`.
struct FailureRule {
    std::int64_t free = 5, first_s = 60, longest_s = 3'600, forget_one_s = 900;
};

struct Rules {
    PasswordRules passwords;
    std::array<RoleRules, 9> roles;  // by Role
    FailureRule name_at_place, name, place, code;

    const RoleRules& of(Role role) const { return roles[static_cast<std::size_t>(role)]; }
    std::int64_t longest_idle_ms() const, longest_ms() const;

    /// Refuses by name what is missing or out of range.
    static Result<Rules> read(const content::Files& files);
};

/// Refuses (where: new) a password that is too weak, and says why.
Result<Done> strong_enough(std::string_view password, std::string_view account_name, const PasswordRules& rules);

/// Until this is called an Accounts goes by the built-in content.
void use(Accounts& accounts, Rules rules);
const Rules& rules(const Accounts& accounts);

/// Plays the cases of a content folder; appends what is wrong.
void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

}  // namespace xinglin::access
