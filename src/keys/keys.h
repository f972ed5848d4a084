// SPDX-License-Identifier: Apache-2.0
// Keys of a data folder that is encrypted at rest: where the key-encrypting key comes from, the data keys it wraps, and the two
// ciphers pages and streams are sealed with.
//
// data-keys.json lies in the folder and holds the data keys, numbered, each wrapped (encrypted and authenticated) under the
// key-encrypting key, which never lies in the folder. Sources: NIST SP 800-38D (GCM), GB/T 32907 (SM4), GB/T 32905 (SM3),
// RFC 2104 (HMAC), RFC 5869 (HKDF). docs/decisions/0046.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::keys {

/// What a data key is used with.
enum class Cipher : std::uint8_t {
    aes_256_gcm = 1,
    sm4_ctr_hmac_sm3 = 2,  // encrypt, then authenticate; the tag is the first half of the HMAC
};
std::string_view name_of(Cipher cipher);
std::optional<Cipher> cipher_of(std::string_view name);

constexpr std::size_t key_bytes = 32, salt_bytes = 16, tag_bytes = 16;
constexpr const char* file_name = "data-keys.json";

/// 32 bytes of key, wiped when they go.
class Secret {
public:
    explicit Secret(std::string_view bytes) : bytes_(bytes) {}
    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    ~Secret();
    std::string_view bytes() const { return bytes_; }

private:
    std::string bytes_;
};

/// Fresh from OpenSSL's generator. Throws std::runtime_error when there is none.
std::string random_bytes(std::size_t count);

/// Fetches a key-encrypting key: "file:PATH" (32 bytes, or 64 hexadecimal digits; not readable by everybody), "env:NAME"
/// (64 hexadecimal digits). Refuses by naming what is wrong, never the key.
Result<Secret> fetch(std::string_view place);

/// Every way to say where a key is, for messages.
constexpr const char* places_wanted = "file:PATH, env:NAME or pkcs11:… (a token)";
/// A place without where its PIN is.
std::string shown(std::string_view place);
/// Makes a key-encrypting key of AES inside a token (a pkcs11 place); it never leaves it.
Result<Done> make_in_token(std::string_view place);

/// What the list of data keys is sealed with: a key that was fetched, or one made for the list, which a token's key encrypts.
struct ListKey {
    Secret secret;
    std::string in_token;  // as the token sealed it; empty for a key that was fetched
};

/// Seals pieces under a key derived from a data key and a salt that is never used for another purpose. A count is used for one
/// piece only. Keeps its contexts: for one thread at a time.
class Sealer {
public:
    Sealer(Cipher cipher, const Secret& key, std::string_view salt, std::string_view purpose);
    /// With subkeys as they are: 32 bytes for AES; 16 for SM4, then 32 for the HMAC. For published examples.
    Sealer(Cipher cipher, std::string_view subkeys);
    ~Sealer();
    Sealer(const Sealer&) = delete;
    /// `about` is authenticated with it. `out` is as long as `in` and may be the same.
    void seal(std::uint64_t count, std::string_view about, std::span<const unsigned char> in, unsigned char* out,
              unsigned char* tag);
    /// False when any bit of piece, tag, count or `about` is another; `out` then holds nothing of use.
    bool open(std::uint64_t count, std::string_view about, std::span<const unsigned char> in, unsigned char* out,
              const unsigned char* tag);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

struct DataKey {
    std::uint32_t number;
    std::string made;  // date
    Secret secret;
};

/// The data keys of a folder as they stood in one generation of its file.
struct Ring {
    Cipher cipher = Cipher::aes_256_gcm;
    std::int64_t generation = 0;
    std::uint32_t active = 0;  // what is written is sealed with this one
    std::vector<DataKey> keys;
    const DataKey* find(std::uint32_t number) const;
};

/// A folder's keys, kept up to date with the file. Safe from many threads.
class Folder {
public:
    /// Opens with the first of `places` that fits.
    static Result<std::shared_ptr<Folder>> open(const std::filesystem::path& folder, const std::vector<std::string>& places);
    std::shared_ptr<const Ring> ring() const;
    /// Looks whether another process has changed the file, and reads it again. What cannot be read leaves the ring as it was.
    std::shared_ptr<const Ring> refresh();
    const std::filesystem::path& path() const { return path_; }
    /// Is the key-encrypting key one in a token?
    bool is_in_token() const;

private:
    struct Stamp {
        std::int64_t inode = 0, size = 0, changed_ns = 0;
        bool operator==(const Stamp&) const = default;
    };
    Stamp stamp() const;
    Folder(std::filesystem::path path, std::vector<std::string> places) : path_(std::move(path)), places_(std::move(places)) {}
    std::filesystem::path path_;
    std::vector<std::string> places_;
    mutable std::mutex mutex_;  // guards the rest
    std::shared_ptr<const Ring> ring_;
    Stamp read_;
    std::optional<ListKey> with_;  // so that another process's rotation needs no token
};

/// Is the folder encrypted?
bool is_sealed(const std::filesystem::path& folder);
/// Makes a folder's keys: one data key. Refuses when it has some.
Result<Done> make(const std::filesystem::path& folder, Cipher cipher, const std::string& place, const std::string& date);
/// Wraps the same data keys under another key-encrypting key.
Result<Done> rewrap(const std::filesystem::path& folder, const std::vector<std::string>& places, const std::string& place);
/// Adds a data key, which is the active one from now on, for this cipher or the one in use: its number.
Result<std::uint32_t> rotate(const std::filesystem::path& folder, const std::vector<std::string>& places,
                             const std::string& date);
/// Forgets all data keys but the active one: nothing may be sealed with them any more.
Result<Done> retire(const std::filesystem::path& folder, const std::vector<std::string>& places);

}  // namespace xinglin::keys
