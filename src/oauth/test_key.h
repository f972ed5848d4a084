// SPDX-License-Identifier: Apache-2.0
// For tests only: a client's own key, and letters signed with it as a client, or a liar, would.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>

#include "oauth/jose.h"
#include "signature/signature.h"
#include "text/text.h"

namespace xinglin::oauth {

class TestKey {
public:
    explicit TestKey(std::string_view algorithm, std::string kid = "k1") : algorithm_(algorithm), kid_(std::move(kid)) {
        if (algorithm == "SM2") sm2_ = signature::PrivateKey::fresh(signature::Algorithm::sm2);
        EVP_PKEY* made = sm2_                          ? read(sm2_->pem(""))
                         : algorithm.starts_with("RS") ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048})
                         : algorithm == "ES384"        ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384")
                                                       : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
        key_.reset(made, EVP_PKEY_free);
    }
    std::string der() const {
        unsigned char* bytes = nullptr;
        const int size = i2d_PUBKEY(key_.get(), &bytes);
        std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
        OPENSSL_free(bytes);
        return out;
    }
    std::string jwks() const {
        JwkSet set;
        set.add(Jwk::of_der(der(), kid_).value());
        return set.json();
    }
    std::string sign_bytes(std::string_view bytes) const {
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        if (sm2_) return sm2_->sign(bytes);
        const char* name = algorithm_.ends_with("384") ? "SHA2-384" : "SHA2-256";
        std::string out(1024, '\0');
        std::size_t size = out.size();
        if (EVP_DigestSignInit_ex(digest.get(), nullptr, name, nullptr, nullptr, key_.get(), nullptr) != 1 ||
            EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) != 1)
            throw std::runtime_error("cannot sign");
        out.resize(size);
        if (algorithm_.starts_with("RS")) return out;
        const std::size_t half = algorithm_ == "ES384" ? 48 : 32;
        const unsigned char* at = reinterpret_cast<const unsigned char*>(out.data());
        const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> both(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)),
                                                                         ECDSA_SIG_free);
        std::string plain(half * 2, '\0');
        BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), reinterpret_cast<unsigned char*>(plain.data()), static_cast<int>(half));
        BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), reinterpret_cast<unsigned char*>(plain.data()) + half, static_cast<int>(half));
        return plain;
    }
    /// `more`: further members of the header, with a comma before them.
    std::string letter(std::string_view claims, std::string_view more = "") const {
        const std::string header = R"({"alg":")" + algorithm_ + R"(","kid":")" + kid_ + R"(")" + std::string(more) + "}";
        const std::string bytes = text::base64_url(header) + "." + text::base64_url(claims);
        return bytes + "." + text::base64_url(sign_bytes(bytes));
    }

private:
    static EVP_PKEY* read(const std::string& pem) {
        const std::unique_ptr<BIO, decltype(&BIO_free_all)> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                               BIO_free_all);
        return PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr);
    }
    std::string algorithm_, kid_;
    std::optional<signature::PrivateKey> sm2_;
    std::shared_ptr<EVP_PKEY> key_;
};

/// A letter with any header and an HMAC under any secret.
inline std::string hmac_letter(std::string_view header, std::string_view claims, std::string_view secret) {
    const std::string bytes = text::base64_url(header) + "." + text::base64_url(claims);
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
         bytes.size(), out, &size);
    return bytes + "." + text::base64_url(std::string_view(reinterpret_cast<char*>(out), size));
}

}  // namespace xinglin::oauth
