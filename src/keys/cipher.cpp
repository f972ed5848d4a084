// SPDX-License-Identifier: Apache-2.0
// AES-256-GCM, and SM4-CTR with HMAC-SM3 over what comes out; subkeys by HKDF. All of it is OpenSSL's.
//
// A subkey belongs to one salt, and under it each count is used once: counters cannot collide as random nonces of 96 bits would
// after some 2^32 pieces (NIST SP 800-38D section 8.3).
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "keys/keys.h"

namespace xinglin::keys {

namespace {

struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

void must(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string("OpenSSL refuses ") + what);
}

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

constexpr std::size_t subkey_bytes(Cipher cipher) { return cipher == Cipher::aes_256_gcm ? 32 : 16 + 32; }

/// RFC 5869.
Secret derive(Cipher cipher, const Secret& key, std::string_view salt, const std::string& purpose) {
    const Owned<EVP_KDF> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
    must(kdf != nullptr, "HKDF");
    const Owned<EVP_KDF_CTX> context(EVP_KDF_CTX_new(kdf.get()));
    const auto octets = [](const char* name, std::string_view text) {
        return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(text.data()), text.size());
    };
    const char* digest = cipher == Cipher::aes_256_gcm ? "SHA256" : "SM3";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(digest), 0),
                                     octets(OSSL_KDF_PARAM_KEY, key.bytes()), octets(OSSL_KDF_PARAM_SALT, salt),
                                     octets(OSSL_KDF_PARAM_INFO, purpose), OSSL_PARAM_construct_end()};
    std::array<unsigned char, 48> out;
    must(EVP_KDF_derive(context.get(), out.data(), subkey_bytes(cipher), parameters) == 1, "HKDF");
    Secret made(std::string_view(reinterpret_cast<const char*>(out.data()), subkey_bytes(cipher)));
    OPENSSL_cleanse(out.data(), out.size());
    return made;
}

/// Fetched once: EVP_aes_256_gcm() and its like are looked up anew at each use.
EVP_CIPHER* gcm() {
    static const Owned<EVP_CIPHER> cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
    must(cipher != nullptr, "AES-256-GCM");
    return cipher.get();
}
EVP_CIPHER* sm4() {
    static const Owned<EVP_CIPHER> cipher(EVP_CIPHER_fetch(nullptr, "SM4-CTR", nullptr));
    must(cipher != nullptr, "SM4-CTR");
    return cipher.get();
}
EVP_MAC* hmac() {
    static const Owned<EVP_MAC> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    must(mac != nullptr, "HMAC");
    return mac.get();
}

void put_count(std::uint64_t count, unsigned char* at) {
    for (int i = 7; i >= 0; --i, count >>= 8) at[i] = static_cast<unsigned char>(count);
}

}  // namespace

struct Sealer::Inside {
    Cipher cipher;
    Owned<EVP_CIPHER_CTX> sealing{EVP_CIPHER_CTX_new()}, opening{EVP_CIPHER_CTX_new()};
    Owned<EVP_MAC_CTX> mac;

    /// Over count, about, its length and the ciphertext.
    void authenticate(std::uint64_t count, std::string_view about, std::span<const unsigned char> sealed, unsigned char* tag) {
        std::array<unsigned char, 16> head;
        put_count(count, head.data());
        put_count(about.size(), head.data() + 8);
        std::array<unsigned char, 32> whole;
        std::size_t length = 0;
        must(EVP_MAC_init(mac.get(), nullptr, 0, nullptr) == 1 && EVP_MAC_update(mac.get(), head.data(), head.size()) == 1 &&
                 EVP_MAC_update(mac.get(), bytes(about), about.size()) == 1 &&
                 EVP_MAC_update(mac.get(), sealed.data(), sealed.size()) == 1 &&
                 EVP_MAC_final(mac.get(), whole.data(), &length, whole.size()) == 1 && length == whole.size(),
             "HMAC-SM3");
        std::memcpy(tag, whole.data(), tag_bytes);
    }
};

Sealer::Sealer(Cipher cipher, std::string_view subkeys) : inside_(std::make_unique<Inside>()) {
    inside_->cipher = cipher;
    const unsigned char* sub = bytes(subkeys);
    must(subkeys.size() == subkey_bytes(cipher), "a key of this size");
    if (cipher == Cipher::aes_256_gcm) {
        must(EVP_EncryptInit_ex2(inside_->sealing.get(), gcm(), sub, nullptr, nullptr) == 1 &&
                 EVP_DecryptInit_ex2(inside_->opening.get(), gcm(), sub, nullptr, nullptr) == 1,
             "AES-256-GCM");
        return;
    }
    must(EVP_EncryptInit_ex2(inside_->sealing.get(), sm4(), sub, nullptr, nullptr) == 1, "SM4-CTR");
    inside_->mac.reset(EVP_MAC_CTX_new(hmac()));
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SM3"), 0),
                                     OSSL_PARAM_construct_end()};
    must(inside_->mac && EVP_MAC_init(inside_->mac.get(), sub + 16, 32, parameters) == 1, "HMAC-SM3");
}

Sealer::Sealer(Cipher cipher, const Secret& key, std::string_view salt, std::string_view purpose)
    : Sealer(cipher,
             derive(cipher, key, salt, "xinglin 1 " + std::string(name_of(cipher)) + " " + std::string(purpose)).bytes()) {}
Sealer::~Sealer() = default;

void Sealer::seal(std::uint64_t count, std::string_view about, std::span<const unsigned char> in, unsigned char* out,
                  unsigned char* tag) {
    std::array<unsigned char, 16> nonce{};
    const int size = static_cast<int>(in.size());
    int length = 0;
    EVP_CIPHER_CTX* context = inside_->sealing.get();
    if (inside_->cipher == Cipher::aes_256_gcm) {
        put_count(count, nonce.data() + 4);
        must(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
                 EVP_EncryptUpdate(context, nullptr, &length, bytes(about), static_cast<int>(about.size())) == 1 &&
                 EVP_EncryptUpdate(context, out, &length, in.data(), size) == 1 &&
                 EVP_EncryptFinal_ex(context, out + length, &length) == 1 &&
                 EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_bytes, tag) == 1,
             "AES-256-GCM");
        return;
    }
    put_count(count, nonce.data());  // the lower half counts blocks
    must(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
             EVP_EncryptUpdate(context, out, &length, in.data(), size) == 1,
         "SM4-CTR");
    inside_->authenticate(count, about, {out, in.size()}, tag);
}

bool Sealer::open(std::uint64_t count, std::string_view about, std::span<const unsigned char> in, unsigned char* out,
                  const unsigned char* tag) {
    std::array<unsigned char, 16> nonce{};
    const int size = static_cast<int>(in.size());
    int length = 0;
    if (inside_->cipher == Cipher::aes_256_gcm) {
        EVP_CIPHER_CTX* context = inside_->opening.get();
        put_count(count, nonce.data() + 4);
        return EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
               EVP_DecryptUpdate(context, nullptr, &length, bytes(about), static_cast<int>(about.size())) == 1 &&
               EVP_DecryptUpdate(context, out, &length, in.data(), size) == 1 &&
               EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_bytes, const_cast<unsigned char*>(tag)) == 1 &&
               EVP_DecryptFinal_ex(context, out + length, &length) == 1;
    }
    std::array<unsigned char, tag_bytes> expected;
    inside_->authenticate(count, about, in, expected.data());
    if (CRYPTO_memcmp(expected.data(), tag, tag_bytes) != 0) return false;
    put_count(count, nonce.data());
    EVP_CIPHER_CTX* context = inside_->sealing.get();  // a counter's way back is its way there
    return EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
           EVP_EncryptUpdate(context, out, &length, in.data(), size) == 1;
}

Secret::~Secret() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

std::string random_bytes(std::size_t count) {
    std::string made(count, '\0');
    must(RAND_bytes(reinterpret_cast<unsigned char*>(made.data()), static_cast<int>(count)) == 1, "random bytes");
    return made;
}

std::string_view name_of(Cipher cipher) { return cipher == Cipher::aes_256_gcm ? "aes-256-gcm" : "sm4-ctr-hmac-sm3"; }

std::optional<Cipher> cipher_of(std::string_view name) {
    for (const Cipher each : {Cipher::aes_256_gcm, Cipher::sm4_ctr_hmac_sm3}) {
        if (name == name_of(each)) return each;
    }
    return std::nullopt;
}

}  // namespace xinglin::keys
