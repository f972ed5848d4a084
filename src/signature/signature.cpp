// SPDX-License-Identifier: Apache-2.0
// Keys and signatures, through OpenSSL's EVP interface.
#include "signature/signature.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <stdexcept>

namespace xinglin::signature {

namespace {

constexpr std::size_t half = 32;
constexpr char user_id[] = "1234567812345678";  // GB/T 35276-2017, 10: when nothing else was agreed
// Half of the order of P-256 (SEC 2, 2.4.2), rounded down.
constexpr unsigned char half_order[half] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b,
                                            0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* it) const {
        Free(it);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
EVP_PKEY* key_in(const std::shared_ptr<void>& key) { return static_cast<EVP_PKEY*>(key.get()); }
std::shared_ptr<void> shared(Key key) {
    return {key.release(), [](void* it) { EVP_PKEY_free(static_cast<EVP_PKEY*>(it)); }};
}

const char* kind_of(Algorithm algorithm) { return algorithm == Algorithm::sm2 ? "SM2" : "EC"; }
const char* curve_of(Algorithm algorithm) { return algorithm == Algorithm::sm2 ? "SM2" : "P-256"; }
const char* digest_of(Algorithm algorithm) { return algorithm == Algorithm::sm2 ? "SM3" : "SHA2-256"; }

[[noreturn]] void fail(const char* what) { throw std::runtime_error(std::string("OpenSSL cannot ") + what); }

/// SM2 signs the user id along. Set after the beginning and before the bytes: OpenSSL 3.0.19 takes it at no other moment.
bool with_user_id(EVP_PKEY_CTX* context, Algorithm algorithm) {
    return algorithm != Algorithm::sm2 || EVP_PKEY_CTX_set1_id(context, user_id, sizeof user_id - 1) == 1;
}

std::string der_of(std::string_view signature) {
    Number r(BN_bin2bn(bytes_of(signature), half, nullptr)), s(BN_bin2bn(bytes_of(signature) + half, half, nullptr));
    Signature both(ECDSA_SIG_new());
    if (!r || !s || !both || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) fail("read a signature");
    r.release(), s.release();
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(both.get(), &der);
    if (size <= 0) fail("write a signature");
    std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

std::string plain_of(std::string_view der, bool low) {
    const unsigned char* at = bytes_of(der);
    const Signature both(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    std::string out(signature_bytes, '\0');
    if (!both || BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), bytes_of(out), half) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), bytes_of(out) + half, half) < 0)
        fail("read its own signature");
    if (!low || has_low_s(out)) return out;
    // order - s, the order being twice its half and one.
    const Number order(BN_bin2bn(half_order, half, nullptr)), s(BN_bin2bn(bytes_of(out) + half, half, nullptr));
    if (!order || !s || BN_lshift1(order.get(), order.get()) != 1 || BN_add_word(order.get(), 1) != 1 ||
        BN_sub(s.get(), order.get(), s.get()) != 1 || BN_bn2binpad(s.get(), bytes_of(out) + half, half) < 0)
        fail("reckon with a signature");
    return out;
}

}  // namespace

std::string_view text(Algorithm algorithm) { return algorithm == Algorithm::sm2 ? "SM2" : "ES256"; }

std::optional<Algorithm> parse_algorithm(std::string_view text) {
    if (text == "ES256") return Algorithm::es256;
    if (text == "SM2") return Algorithm::sm2;
    return std::nullopt;
}

PublicKey::PublicKey(Algorithm algorithm, std::string point, std::shared_ptr<void> key)
    : algorithm_(algorithm), point_(std::move(point)), key_(std::move(key)) {}

std::optional<PublicKey> PublicKey::of_point(Algorithm algorithm, std::string_view point) {
    if (point.size() != point_bytes) return std::nullopt;
    std::string uncompressed = "\x04" + std::string(point), group = curve_of(algorithm);
    OSSL_PARAM list[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size()),
                         OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, uncompressed.data(), uncompressed.size()),
                         OSSL_PARAM_construct_end()};
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind_of(algorithm), nullptr));
    EVP_PKEY* made = nullptr;
    if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, list) != 1)
        return std::nullopt;
    Key key(made);
    const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    if (!check || EVP_PKEY_public_check(check.get()) != 1) return std::nullopt;
    return PublicKey(algorithm, std::string(point), shared(std::move(key)));
}

bool PublicKey::fits(std::string_view bytes, std::string_view signature) const {
    if (signature.size() != signature_bytes) return false;
    const std::string der = der_of(signature);
    const Digest digest(EVP_MD_CTX_new());
    EVP_PKEY_CTX* context = nullptr;  // the digest's own
    return digest &&
           EVP_DigestVerifyInit_ex(digest.get(), &context, digest_of(algorithm_), nullptr, nullptr, key_in(key_), nullptr) == 1 &&
           with_user_id(context, algorithm_) &&
           EVP_DigestVerify(digest.get(), bytes_of(der), der.size(), bytes_of(bytes), bytes.size()) == 1;
}

PrivateKey PrivateKey::fresh(Algorithm algorithm) {
    EVP_PKEY* made = algorithm == Algorithm::sm2 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "SM2")
                                                 : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    if (!made) fail("make a key");
    return PrivateKey(algorithm, shared(Key(made)));
}

Result<PrivateKey> PrivateKey::of_pem(std::string_view pem, std::string_view passphrase) {
    const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::string secret(passphrase);
    const auto no_prompt = [](char*, int, int, void*) { return 0; };
    Key key(passphrase.empty() ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_prompt, nullptr)
                               : PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, secret.data()));
    if (!key)
        return refuse(IssueCode::invalid, "key",
                      "is no private key in PEM, or was locked with another secret (DATA/secrets/card-key)");
    const bool is_sm2 = EVP_PKEY_is_a(key.get(), "SM2") == 1;
    char group[32] = {};
    std::size_t size = 0;
    if (!is_sm2 && (EVP_PKEY_get_group_name(key.get(), group, sizeof group, &size) != 1 ||
                    (std::string_view(group) != "prime256v1" && std::string_view(group) != "P-256")))
        return refuse(IssueCode::invalid, "key", "is neither on P-256 nor on SM2's curve");
    return PrivateKey(is_sm2 ? Algorithm::sm2 : Algorithm::es256, shared(std::move(key)));
}

std::string PrivateKey::pem(std::string_view passphrase) const {
    const Bio out(BIO_new(BIO_s_mem()));
    std::string secret(passphrase);
    const EVP_CIPHER* cipher = passphrase.empty() ? nullptr : EVP_aes_256_cbc();
    if (PEM_write_bio_PKCS8PrivateKey(out.get(), key_in(key_), cipher, secret.empty() ? nullptr : secret.data(),
                                      static_cast<int>(secret.size()), nullptr, nullptr) != 1)
        fail("write a key");
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

PublicKey PrivateKey::public_key() const {
    unsigned char point[1 + point_bytes] = {};
    std::size_t size = 0;
    // Uncompressed, as keys are made and read here.
    if (EVP_PKEY_get_octet_string_param(key_in(key_), OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &size) != 1 ||
        size != sizeof point || point[0] != 4)
        fail("tell a key's public half");
    auto made = PublicKey::of_point(algorithm_, {reinterpret_cast<char*>(point) + 1, point_bytes});
    if (!made) fail("use its own key");
    return std::move(*made);
}

std::string PrivateKey::sign(std::string_view bytes) const {
    const Digest digest(EVP_MD_CTX_new());
    EVP_PKEY_CTX* context = nullptr;  // the digest's own
    std::string der(128, '\0');
    std::size_t size = der.size();
    if (!digest ||
        EVP_DigestSignInit_ex(digest.get(), &context, digest_of(algorithm_), nullptr, nullptr, key_in(key_), nullptr) != 1 ||
        !with_user_id(context, algorithm_) ||
        EVP_DigestSign(digest.get(), bytes_of(der), &size, bytes_of(bytes), bytes.size()) != 1)
        fail("sign");
    return plain_of(std::string_view(der).substr(0, size), algorithm_ == Algorithm::es256);
}

bool has_low_s(std::string_view signature) {
    return signature.size() == signature_bytes &&
           signature.substr(half) <= std::string_view(reinterpret_cast<const char*>(half_order), half);
}

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    if (RAND_bytes(bytes_of(out), static_cast<int>(count)) != 1) fail("give random numbers");
    return out;
}

std::string sha256(std::string_view bytes) {
    std::string out(SHA256_DIGEST_LENGTH, '\0');
    SHA256(bytes_of(bytes), bytes.size(), bytes_of(out));
    return out;
}

}  // namespace xinglin::signature
