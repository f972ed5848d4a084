// SPDX-License-Identifier: Apache-2.0
// Inside the room: the keys that id tokens are signed with. Private halves lie in DATA/secrets and are this process's own, public
// ones in the table; a key signs for `key_days`, its successor is published a day before, and it stays published two days longer.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>

#include "oauth/jose.h"
#include "oauth/tables.h"

namespace xinglin::oauth {

/// Safe from many threads; `tables` is its own connection.
class Keys {
public:
    Keys(std::filesystem::path data, const std::string& place, const calendar::Clock& clock, std::int64_t key_days);
    SigningKey current(Algorithm algorithm);
    JwkSet published();

private:
    struct Own {
        SigningKey key;
        std::int64_t from_ms, until_ms;
    };
    const Own* find(Algorithm algorithm, std::int64_t at_ms) const;
    void make(Algorithm algorithm, std::int64_t from_ms);
    void renew(Algorithm algorithm);

    const std::filesystem::path folder_;
    const calendar::Clock& clock_;
    const std::int64_t key_ms_;
    std::mutex mutex_;  // guards what follows
    Tables tables_;
    std::vector<Own> own_;
};

}  // namespace xinglin::oauth
