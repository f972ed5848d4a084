// SPDX-License-Identifier: Apache-2.0
// Inside the room: small secrets that must be read again (of second factors), sealed with AES-256-GCM under a key file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace xinglin::access {

/// The key lies in DATA/secrets/access.key, or where XINGLIN_ACCESS_KEY_FILE says, readable by its owner alone; made at the first use. It is in
/// no database and no backup. Safe from many threads once made.
class Seal {
public:
    explicit Seal(std::filesystem::path folder) : folder_(std::move(folder)) {}
    /// `about` is bound to it: what was sealed for one account opens for no other. Throws std::runtime_error without a key.
    std::string seal(std::string_view secret, std::string_view about);
    /// Nothing when it was changed, is about another, or was sealed with another key.
    std::optional<std::string> open(std::string_view sealed, std::string_view about);
    /// HMAC-SHA-256 under the same key: names that strangers typed are counted by this.
    std::string blind(std::string_view text);

private:
    std::string key();
    std::filesystem::path folder_;
    std::mutex mutex_;  // guards key_
    std::string key_;
};

}  // namespace xinglin::access
