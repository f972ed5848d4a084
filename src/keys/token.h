// SPDX-License-Identifier: Apache-2.0
// Inside the room: a key-encrypting key that never leaves a token (PKCS#11 2.40): what is small enough goes into it and comes back.
//
// Used when a folder is opened, made, rewrapped or rotated, and at no other time: module and session live for one call, so a
// server that runs for months holds nothing in the token. docs/decisions/0049.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "outcome/outcome.h"

namespace xinglin::keys {

constexpr std::string_view token_scheme = "pkcs11:";

/// A PKCS#11 URI (RFC 7512), as far as a secret key needs one.
struct TokenPlace {
    std::string name;  // for messages: without where the PIN is
    std::string module, token, serial, manufacturer, model, object, id, pin_source;
    std::optional<unsigned long> slot;
    unsigned long mechanism = 0;  // of CBC with a vector of 16 bytes
};
/// Refuses a PIN in the URI: everybody sees the words a process was started with.
Result<TokenPlace> token_place(std::string_view place);

/// Encrypts under the token's key: a fresh vector, then the text. A multiple of 16 bytes, and whoever asks must see by himself
/// whether what comes back is right: CBC authenticates nothing.
Result<std::string> seal_in_token(std::string_view place, std::string_view text);
Result<std::string> open_in_token(std::string_view place, std::string_view sealed);

/// What a file that is not for everybody holds, up to 4 KiB.
Result<std::string> private_text(const std::string& place, const std::string& path);

}  // namespace xinglin::keys
