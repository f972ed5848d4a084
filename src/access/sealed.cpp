// SPDX-License-Identifier: Apache-2.0
// AES-256-GCM (NIST SP 800-38D) with a fresh 96-bit nonce each time: nonce, ciphertext, tag.
#include "access/sealed.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "access/secret.h"

namespace xinglin::access {

namespace {

constexpr std::size_t key_bytes = 32, nonce_bytes = 12, tag_bytes = 16;

std::string read_key(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return "";
    std::string key(key_bytes + 1, '\0');
    const auto got = ::read(descriptor, key.data(), key.size());
    ::close(descriptor);
    key.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return key;
}

/// Whole or not at all, and never over another's: written beside, then linked.
void make_key(const std::filesystem::path& file) {
    std::error_code ignored;
    std::filesystem::create_directories(file.parent_path(), ignored);
    ::chmod(file.parent_path().c_str(), 0700);
    const std::string beside = file.string() + "." + std::to_string(::getpid());
    const int descriptor = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) throw std::runtime_error("the key file cannot be made: " + file.string());
    const std::string key = random_bytes(key_bytes);
    const bool written =
        ::write(descriptor, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(descriptor) == 0;
    ::close(descriptor);
    if (written) (void)::link(beside.c_str(), file.c_str());  // somebody else's stays
    ::unlink(beside.c_str());
}

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

std::string Seal::key() {
    const std::lock_guard lock(mutex_);
    if (!key_.empty()) return key_;
    const char* named = std::getenv("XINGLIN_ACCESS_KEY_FILE");
    const std::filesystem::path file = named ? std::filesystem::path(named) : folder_ / "secrets" / "access.key";
    std::string found = read_key(file);
    if (found.empty()) {
        make_key(file);
        found = read_key(file);
    }
    if (found.size() != key_bytes) throw std::runtime_error("the key file does not hold 32 bytes: " + file.string());
    return key_ = found;
}

std::string Seal::seal(std::string_view secret, std::string_view about) {
    const std::string with = key();
    std::string nonce = random_bytes(nonce_bytes), out(secret.size(), '\0'), tag(tag_bytes, '\0');
    const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    int length = 0;
    const bool done =
        context &&
        EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(std::string_view(with)),
                           bytes(std::string_view(nonce))) == 1 &&
        EVP_EncryptUpdate(context.get(), nullptr, &length, bytes(about), static_cast<int>(about.size())) == 1 &&
        EVP_EncryptUpdate(context.get(), bytes(out), &length, bytes(secret), static_cast<int>(secret.size())) == 1 &&
        EVP_EncryptFinal_ex(context.get(), bytes(out) + length, &length) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, bytes(tag)) == 1;
    if (!done) throw std::runtime_error("AES-256-GCM failed");
    return nonce + out + tag;
}

std::optional<std::string> Seal::open(std::string_view sealed, std::string_view about) {
    if (sealed.size() < nonce_bytes + tag_bytes) return std::nullopt;
    const std::string with = key();
    const std::string_view nonce = sealed.substr(0, nonce_bytes),
                           body = sealed.substr(nonce_bytes, sealed.size() - nonce_bytes - tag_bytes);
    std::string tag(sealed.substr(sealed.size() - tag_bytes)), out(body.size(), '\0');
    const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    int length = 0;
    const bool done =
        context &&
        EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(std::string_view(with)), bytes(nonce)) == 1 &&
        EVP_DecryptUpdate(context.get(), nullptr, &length, bytes(about), static_cast<int>(about.size())) == 1 &&
        EVP_DecryptUpdate(context.get(), bytes(out), &length, bytes(body), static_cast<int>(body.size())) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, bytes(tag)) == 1 &&
        EVP_DecryptFinal_ex(context.get(), bytes(out) + length, &length) == 1;
    return done ? std::optional<std::string>(std::move(out)) : std::nullopt;
}

std::string Seal::blind(std::string_view text) {
    const std::string with = key();
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    HMAC(EVP_sha256(), with.data(), static_cast<int>(with.size()), bytes(text), text.size(), out, &length);
    return {reinterpret_cast<const char*>(out), length};
}

}  // namespace xinglin::access
