// SPDX-License-Identifier: Apache-2.0
// Keys of a folder, and the two ciphers against published vectors and against what OpenSSL's building blocks say one by one.
#include "keys/keys.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <fstream>

#include "testing/testing.h"
#include "text/text.h"

namespace xinglin::keys {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

std::string from_hex(std::string_view text) {
    std::string made;
    for (std::size_t i = 0; i < text.size(); i += 2)
        made += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
    return made;
}
std::span<const unsigned char> span_of(std::string_view text) {
    return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

struct Piece {
    std::string sealed, tag = std::string(tag_bytes, '\0');
};
Piece seal(Sealer& sealer, std::uint64_t count, std::string_view about, std::string_view text) {
    Piece piece{std::string(text.size(), '\0')};
    sealer.seal(count, about, span_of(text), reinterpret_cast<unsigned char*>(piece.sealed.data()),
                reinterpret_cast<unsigned char*>(piece.tag.data()));
    return piece;
}
std::optional<std::string> open(Sealer& sealer, std::uint64_t count, std::string_view about, const Piece& piece) {
    std::string text(piece.sealed.size(), '\0');
    const bool done = sealer.open(count, about, span_of(piece.sealed), reinterpret_cast<unsigned char*>(text.data()),
                                  span_of(piece.tag).data());
    return done ? std::optional(text) : std::nullopt;
}
std::string hash(std::string_view text, const EVP_MD* kind) {
    std::string out(32, '\0');
    unsigned length = 0;
    EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), &length, kind, nullptr);
    return out;
}
/// RFC 2104, from its definition.
std::string hmac(std::string key, std::string_view text, const EVP_MD* kind) {
    key.resize(64, '\0');
    std::string inner = key, outer = key;
    for (char& c : inner) c = static_cast<char>(c ^ 0x36);
    for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
    return hash(outer + hash(inner + std::string(text), kind), kind);
}
/// RFC 5869, from its definition.
std::string hkdf(std::string_view key, std::string_view salt, std::string_view info, std::size_t size, const EVP_MD* kind) {
    const std::string extracted = hmac(std::string(salt), key, kind);
    std::string all, last;
    for (char i = 1; all.size() < size; ++i) all += last = hmac(extracted, last + std::string(info) + i, kind);
    return all.substr(0, size);
}
std::string sm4_block(std::string_view key, std::string_view block) {
    std::string out(32, '\0');
    int length = 0;
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(context, EVP_sm4_ecb(), nullptr, span_of(key).data(), nullptr);
    EVP_EncryptUpdate(context, reinterpret_cast<unsigned char*>(out.data()), &length, span_of(block).data(),
                      static_cast<int>(block.size()));
    EVP_CIPHER_CTX_free(context);
    return out.substr(0, block.size());
}

// The GCM specification of McGrew and Viega, test case 14: key, nonce and plaintext all zeros.
TEST(Ciphers, AesGcmIsThePublishedOne) {
    Sealer sealer(Cipher::aes_256_gcm, std::string(32, '\0'));
    const Piece piece = seal(sealer, 0, "", std::string(16, '\0'));
    EXPECT_EQ(text::hex(piece.sealed), "cea7403d4d606b6e074ec5d3baf39d18");
    EXPECT_EQ(text::hex(piece.tag), "d0d1c8a799996bf0265b98b5d48ab919");
    EXPECT_EQ(open(sealer, 0, "", piece), std::string(16, '\0'));
}

// GB/T 32907-2016 annex A.1 for the block, GB/T 32905-2016 annex A for the hash; the mode and the HMAC from their definitions.
TEST(Ciphers, Sm4WithHmacSm3IsMadeOfThePublishedOnes) {
    const std::string example = from_hex("0123456789abcdeffedcba9876543210");
    ASSERT_EQ(text::hex(sm4_block(example, example)), "681edf34d206965e86b3e94f536e4246");
    ASSERT_EQ(text::hex(hash("abc", EVP_sm3())), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    const std::string mac_key(32, 'm'), plain = "two blocks and a bit more of text";
    Sealer sealer(Cipher::sm4_ctr_hmac_sm3, example + mac_key);
    const Piece piece = seal(sealer, 7, "about", plain);
    std::string expected;
    for (std::size_t i = 0; i < plain.size(); ++i) {
        std::string counter(16, '\0');
        counter[7] = 7, counter[15] = static_cast<char>(i / 16);
        expected += static_cast<char>(plain[i] ^ sm4_block(example, counter)[i % 16]);
    }
    EXPECT_EQ(piece.sealed, expected);
    std::string head(16, '\0');
    head[7] = 7, head[15] = 5;
    EXPECT_EQ(piece.tag, hmac(mac_key, head + "about" + expected, EVP_sm3()).substr(0, 16));
    EXPECT_EQ(open(sealer, 7, "about", piece), plain);
}

// RFC 5869 appendix A.1 for the definition above; then the subkeys by it.
TEST(Ciphers, SubkeysAreHkdfs) {
    ASSERT_EQ(text::hex(hkdf(std::string(22, '\x0b'), from_hex("000102030405060708090a0b0c"), from_hex("f0f1f2f3f4f5f6f7f8f9"),
                             42, EVP_sha256())),
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    const Secret key(std::string(32, 'k'));
    for (const Cipher cipher : {Cipher::aes_256_gcm, Cipher::sm4_ctr_hmac_sm3}) {
        const bool is_aes = cipher == Cipher::aes_256_gcm;
        Sealer derived(cipher, key, "salt", "page");
        Sealer direct(cipher, hkdf(key.bytes(), "salt", "xinglin 1 " + std::string(name_of(cipher)) + " page", is_aes ? 32 : 48,
                                   is_aes ? EVP_sha256() : EVP_sm3()));
        EXPECT_EQ(open(direct, 3, "a", seal(derived, 3, "a", "text")), "text");
    }
}

TEST(Ciphers, AnyChangeIsSeen) {
    for (const Cipher cipher : {Cipher::aes_256_gcm, Cipher::sm4_ctr_hmac_sm3}) {
        Sealer sealer(cipher, Secret(std::string(32, 'k')), "salt", "page"),
            other(cipher, Secret(std::string(32, 'k')), "tlas", "page");
        const Piece piece = seal(sealer, 1, "p1", "some words");
        EXPECT_EQ(open(sealer, 1, "p1", piece), "some words");
        EXPECT_EQ(open(sealer, 2, "p1", piece), std::nullopt);
        EXPECT_EQ(open(sealer, 1, "p2", piece), std::nullopt);
        EXPECT_EQ(open(other, 1, "p1", piece), std::nullopt);
        for (std::size_t bit = 0; bit < piece.sealed.size() * 8; ++bit) {
            Piece changed = piece;
            changed.sealed[bit / 8] = static_cast<char>(changed.sealed[bit / 8] ^ (1 << bit % 8));
            EXPECT_EQ(open(sealer, 1, "p1", changed), std::nullopt);
        }
        for (std::size_t bit = 0; bit < tag_bytes * 8; ++bit) {
            Piece changed = piece;
            changed.tag[bit / 8] = static_cast<char>(changed.tag[bit / 8] ^ (1 << bit % 8));
            EXPECT_EQ(open(sealer, 1, "p1", changed), std::nullopt);
        }
    }
}

class KeysOfAFolder : public ::testing::TestWithParam<Cipher> {
protected:
    void SetUp() override {
        ::setenv("XINGLIN_KEY_A", std::string(64, 'a').c_str(), 1);
        ::setenv("XINGLIN_KEY_B", std::string(64, 'b').c_str(), 1);
        ASSERT_TRUE(make(folder_.path(), GetParam(), a_, "2026-11-23").ok());
    }
    testing::ScratchFolder folder_;
    const std::string a_ = "env:XINGLIN_KEY_A", b_ = "env:XINGLIN_KEY_B";
};
INSTANTIATE_TEST_SUITE_P(Ciphers, KeysOfAFolder, ::testing::Values(Cipher::aes_256_gcm, Cipher::sm4_ctr_hmac_sm3),
                         [](const auto& info) { return info.index == 0 ? "aes" : "sm4"; });

TEST_P(KeysOfAFolder, OpenWithTheirKeyOnly) {
    const auto opened = Folder::open(folder_.path(), {b_, a_});
    ASSERT_TRUE(opened.ok()) << opened.outcome().line();
    EXPECT_EQ((*opened)->ring()->cipher, GetParam());
    EXPECT_EQ((*opened)->ring()->active, 1u);
    EXPECT_FALSE(Folder::open(folder_.path(), {b_}).ok());
    EXPECT_THAT(Folder::open(folder_.path(), {}).outcome().line(), HasSubstr("--data-key"));
    EXPECT_FALSE(make(folder_.path(), GetParam(), a_, "").ok()) << "never over others";
    struct stat about = {};
    ASSERT_EQ(::stat((folder_.path() / file_name).c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600u);
    EXPECT_THAT(testing::read_file(folder_.path() / file_name),
                Not(HasSubstr(text::hex((*opened)->ring()->keys[0].secret.bytes()))));
}

TEST_P(KeysOfAFolder, RotationIsSeenByWhoHasThemOpenAndRewrappingLocksTheOldKeyOut) {
    const auto opened = *Folder::open(folder_.path(), {a_});
    const std::string first(opened->ring()->keys[0].secret.bytes());
    EXPECT_EQ(*rotate(folder_.path(), {a_}, "2026-12-01"), 2u);
    EXPECT_EQ(opened->refresh()->active, 2u);
    EXPECT_EQ(opened->ring()->find(1)->secret.bytes(), first);
    ASSERT_TRUE(rewrap(folder_.path(), {a_}, b_).ok());
    EXPECT_EQ(opened->refresh()->active, 2u) << "who has them goes on";
    EXPECT_FALSE(Folder::open(folder_.path(), {a_}).ok());
    ASSERT_TRUE(retire(folder_.path(), {b_}).ok());
    const auto again = *Folder::open(folder_.path(), {b_});
    EXPECT_EQ(again->ring()->keys.size(), 1u);
    EXPECT_EQ(again->ring()->find(1), nullptr);
    EXPECT_NE(again->ring()->find(2)->secret.bytes(), first);
}

// The list cannot be put together from parts of itself or of former ones.
TEST_P(KeysOfAFolder, AnAlteredListIsRefused) {
    ASSERT_TRUE(rotate(folder_.path(), {a_}, "2026-12-01").ok());
    const fs::path file = folder_.path() / file_name;
    const std::string whole = testing::read_file(file);
    const auto opens = [&](const std::string& text) {
        std::ofstream(file, std::ios::trunc) << text;
        return Folder::open(folder_.path(), {a_}).ok();
    };
    ASSERT_TRUE(opens(whole));
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string text = whole;
        text.replace(text.find(from), from.size(), to);
        return text;
    };
    EXPECT_FALSE(opens(with("\"active\": 2", "\"active\": 1")));
    EXPECT_FALSE(opens(with("\"generation\": 2", "\"generation\": 9")));
    EXPECT_FALSE(opens(with("\"number\": 1", "\"number\": 3")));
    EXPECT_FALSE(opens(with("2026-11-23", "2026-11-24")));
    EXPECT_FALSE(opens(with("\"format\": 1", "\"format\": 2")));
    EXPECT_FALSE(opens(whole.substr(0, whole.size() / 2)));
    EXPECT_FALSE(opens(""));
}

TEST(Places, KeysComeFromFilesThatNotEverybodyReadsAndFromTheEnvironment) {
    const testing::ScratchFolder folder;
    const fs::path file = folder.path() / "key";
    const auto with = [&](const std::string& text, fs::perms perms) {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
        fs::permissions(file, perms);
        return fetch("file:" + file.string());
    };
    const auto mine = fs::perms::owner_read | fs::perms::owner_write;
    EXPECT_EQ(with(std::string(64, '5') + "\n", mine)->bytes(), std::string(32, '\x55'));
    EXPECT_EQ(with(std::string(32, '\x01'), mine)->bytes(), std::string(32, '\x01'));
    EXPECT_THAT(with(std::string(64, '5'), mine | fs::perms::others_read).outcome().line(), HasSubstr("chmod 600"));
    const std::string wrong = std::string(63, '5') + "x";
    EXPECT_THAT(with(wrong, mine).outcome().line(), Not(HasSubstr("5555")));
    EXPECT_FALSE(with("", mine).ok());
    EXPECT_FALSE(fetch("file:/nowhere").ok());
    EXPECT_FALSE(fetch("env:XINGLIN_NOT_SET").ok());
    EXPECT_FALSE(fetch("/path/without/kind").ok());
}

}  // namespace
}  // namespace xinglin::keys
