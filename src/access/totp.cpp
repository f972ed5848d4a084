// SPDX-License-Identifier: Apache-2.0
// One-time codes by time: RFC 4226 (HOTP, 5.3 truncation) and RFC 6238 (TOTP).
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "access/second_factor.h"

namespace xinglin::access {

std::string totp(std::string_view secret, std::int64_t step, int digits) {
    unsigned char message[8];
    for (int i = 7; i >= 0; --i, step >>= 8) message[i] = static_cast<unsigned char>(step & 0xFF);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), message, sizeof message, mac, &length);
    const unsigned at = mac[length - 1] & 0x0F;
    const std::uint32_t cut = (mac[at] & 0x7Fu) << 24 | static_cast<std::uint32_t>(mac[at + 1]) << 16 |
                              static_cast<std::uint32_t>(mac[at + 2]) << 8 | mac[at + 3];
    std::uint32_t modulus = 1;
    for (int i = 0; i < digits; ++i) modulus *= 10;
    std::string code = std::to_string(cut % modulus);
    return std::string(static_cast<std::size_t>(digits) - code.size(), '0') + code;
}

std::string base32(std::string_view bytes) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (count += 8; count >= 5; count -= 5) out += letters[bits >> (count - 5) & 31];
    }
    if (count > 0) out += letters[bits << (5 - count) & 31];
    return out;
}

}  // namespace xinglin::access
