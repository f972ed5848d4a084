// SPDX-License-Identifier: Apache-2.0
// Inside the room: `xinglin card …`, its words and options.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "server/command_words.h"

namespace xinglin::server {

struct CardVerifyCommand {
    std::string token, at;  // "-": the first line of standard input; "": now
    std::filesystem::path keys, revoked, seen;
    std::int64_t tolerance_s = 15;
    bool json = false, chinese = false;
};
/// Needs no store and no network. exit_done when the card may be accepted, exit_refused with the reason when not.
int verify_card(const CardVerifyCommand& options);

/// Adds the word `card` and those below it.
void add_card_words(CLI::App& app, Action& action);

}  // namespace xinglin::server
