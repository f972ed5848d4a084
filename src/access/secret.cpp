// SPDX-License-Identifier: Apache-2.0
// Secrets: randomness and SHA-256 from OpenSSL, passwords by argon2id (RFC 9106).
//
// Tokens and cookies carry 256 random bits, so a plain SHA-256 keeps them; passwords do not, so they cost memory to try.
#include "access/secret.h"

#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <atomic>
#include <stdexcept>

#include "text/text.h"

namespace xinglin::access {

namespace {

constexpr std::uint32_t passes = 2, memory_kib = 19 * 1024, lanes = 1;
constexpr std::size_t hash_bytes = 32, salt_bytes = 16;
constexpr std::size_t longest_password = 1'024;

std::atomic<std::uint64_t> compared = 0;

}  // namespace

std::string random_bytes(std::size_t bytes) {
    std::string out(bytes, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(bytes)) != 1) {
        throw std::runtime_error("the machine gives no random numbers");
    }
    return out;
}

std::string sha256(std::string_view bytes) {
    std::string out(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), reinterpret_cast<unsigned char*>(out.data()));
    return out;
}

bool same_secret(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string one_time_password() {
    constexpr std::string_view letters = "abcdefghjkmnpqrstuvwxyz23456789x";  // no i l o 0 1; 32 of them
    std::string out;
    int count = 0;
    for (const char byte : random_bytes(16)) {
        if (count > 0 && count % 4 == 0) out += '-';
        out += letters[static_cast<unsigned char>(byte) % 32];
        ++count;
    }
    return out;
}

std::string fresh_token(std::string_view prefix) { return std::string(prefix) + text::base64_url(random_bytes(32)); }

std::string hash_password(std::string_view password) {
    const std::string salt = random_bytes(salt_bytes);
    std::string encoded(argon2_encodedlen(passes, memory_kib, lanes, salt_bytes, hash_bytes, Argon2_id), '\0');
    const int code = argon2id_hash_encoded(passes, memory_kib, lanes, password.data(), password.size(), salt.data(), salt.size(),
                                           hash_bytes, encoded.data(), encoded.size());
    if (code != ARGON2_OK) throw std::runtime_error(std::string("argon2: ") + argon2_error_message(code));
    encoded.resize(encoded.find('\0'));
    return encoded;
}

bool password_fits(std::string_view password, std::string_view encoded) {
    if (password.size() > longest_password) password = "";  // no account has this one; it takes as long
    compared.fetch_add(1, std::memory_order_relaxed);
    return argon2id_verify(std::string(encoded).c_str(), password.data(), password.size()) == ARGON2_OK;
}

std::uint64_t passwords_compared() { return compared.load(std::memory_order_relaxed); }

}  // namespace xinglin::access
