// SPDX-License-Identifier: Apache-2.0
// A list of data keys as text, wherever it is kept: a folder's file, a row of a database.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/keys.h"

namespace xinglin::keys {

struct OpenedList {
    Ring ring;
    ListKey with;
};
/// Opens with the first of `places` that fits. `where`: for messages. `held` is what this process opened it with before: as long
/// as that fits, nobody is asked for a key in a token.
Result<OpenedList> open_list(const std::string& where, std::string_view text, const std::vector<std::string>& places,
                             const std::optional<ListKey>& held = std::nullopt);
/// Which key is the active one, as the list says without a key: nothing may rest on it but that it changed.
std::uint32_t active_in(std::string_view text);
/// One data key.
Result<std::string> new_list(Cipher cipher, const std::string& place, const std::string& date);
/// The same data keys under another key-encrypting key.
Result<std::string> rewrapped(OpenedList list, const std::string& place);
/// With a further data key, the active one from now on.
struct Rotated {
    std::string text;
    std::uint32_t number;  // of the new key
};
Rotated rotated(OpenedList list, const std::string& date);
/// Without all but the active one.
std::string retired(OpenedList list);

}  // namespace xinglin::keys
