// SPDX-License-Identifier: Apache-2.0
// Inside the room: secrets, made, hashed and compared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xinglin::access {

/// `bytes` bytes from the machine's source of randomness.
std::string random_bytes(std::size_t bytes);
/// 32 raw bytes.
std::string sha256(std::string_view bytes);
bool same_secret(std::string_view a, std::string_view b);  // in time that does not depend on where they differ

/// "k7mq-x2ah-…": 80 bits in characters that cannot be mistaken for one another.
std::string one_time_password();
/// Bearer token or cookie: a prefix and 256 bits.
std::string fresh_token(std::string_view prefix);

/// argon2id with 19 MiB and two passes (OWASP's first choice), in the usual encoded form.
std::string hash_password(std::string_view password);
bool password_fits(std::string_view password, std::string_view encoded);
/// How often that was asked in this process: tests of timing count the work.
std::uint64_t passwords_compared();

}  // namespace xinglin::access
