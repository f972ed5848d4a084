// SPDX-License-Identifier: Apache-2.0
// Key-encrypting keys in a token, against SoftHSM 2: what an operator does, and all that goes wrong.
#include "keys/token.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "keys/keys.h"
#include "testing/testing.h"
#include "text/text.h"

namespace xinglin::keys {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* module = "/usr/lib/softhsm/libsofthsm2.so";
constexpr const char* pin = "73918264";

class Token : public ::testing::Test {
protected:
    void SetUp() override {
        if (!fs::exists(module) || !fs::exists("/usr/bin/softhsm2-util"))
            GTEST_SKIP() << "softhsm2 is not installed: no token to try";
        fs::create_directories(data_);
        fs::create_directories(tokens_);
        std::ofstream(scratch_.path() / "conf") << "directories.tokendir = " << tokens_.string() << "\nlog.level = ERROR\n";
        ::setenv("SOFTHSM2_CONF", (scratch_.path() / "conf").c_str(), 1);
        ::unsetenv("XINGLIN_TOKEN_PIN");
        std::ofstream(pin_file_) << pin << "\n";
        fs::permissions(pin_file_, fs::perms::owner_read | fs::perms::owner_write);
        std::ofstream(key_file_) << std::string(64, 'a') << "\n";
        fs::permissions(key_file_, fs::perms::owner_read | fs::perms::owner_write);
        const std::string made =
            std::string("softhsm2-util --init-token --free --label xinglin --so-pin 12345678 --pin ") + pin + " >/dev/null 2>&1";
        ASSERT_EQ(std::system(made.c_str()), 0);
        const auto key = make_in_token(place_);
        ASSERT_TRUE(key.ok()) << key.outcome().line();
    }
    std::string with(const std::string& path, const std::string& more = "") const {
        return "pkcs11:" + path + "?module-path=" + module + "&pin-source=file:" + pin_file_.string() + more;
    }
    /// Refused, and the PIN is nowhere in what is said.
    static std::string refusal(const auto& result) {
        EXPECT_FALSE(result.ok());
        const std::string line = result.ok() ? "" : result.outcome().line();
        EXPECT_THAT(line, Not(HasSubstr(pin)));
        EXPECT_THAT(line, Not(HasSubstr("00000000")));
        return line;
    }
    testing::ScratchFolder scratch_;
    const fs::path data_ = scratch_.path() / "data", tokens_ = scratch_.path() / "tokens", pin_file_ = scratch_.path() / "pin",
                   key_file_ = scratch_.path() / "key";
    const std::string place_ = with("token=xinglin;object=master"), from_file_ = "file:" + key_file_.string();
};

TEST_F(Token, KeepsTheKeyOfAFolderThatIsMadeOpenedAndRotated) {
    for (const Cipher cipher : {Cipher::aes_256_gcm, Cipher::sm4_ctr_hmac_sm3}) {
        const fs::path data = data_ / name_of(cipher);
        fs::create_directories(data);
        const auto made = make(data, cipher, place_, "2026-11-23");
        ASSERT_TRUE(made.ok()) << made.outcome().line();
        const auto opened = Folder::open(data, {place_});
        ASSERT_TRUE(opened.ok()) << opened.outcome().line();
        EXPECT_TRUE((*opened)->is_in_token());
        EXPECT_EQ(*rotate(data, {place_}, "2026-11-24"), 2u);
        EXPECT_EQ((*opened)->refresh()->active, 2u);
        const auto again = *Folder::open(data, {place_});
        EXPECT_EQ(again->ring()->find(1)->secret.bytes(), (*opened)->ring()->find(1)->secret.bytes());
        const std::string list = testing::read_file(data / file_name);
        EXPECT_THAT(list, Not(HasSubstr(text::hex(again->ring()->keys[0].secret.bytes()))));
        EXPECT_THAT(list, Not(HasSubstr(pin)));
    }
}

TEST_F(Token, TakesOverFromAFileAndGivesBack) {
    ASSERT_TRUE(make(data_, Cipher::aes_256_gcm, from_file_, "2026-11-23").ok());
    const std::string secret(Folder::open(data_, {from_file_}).value()->ring()->keys[0].secret.bytes());
    ASSERT_TRUE(rewrap(data_, {from_file_}, place_).ok());
    EXPECT_THAT(refusal(Folder::open(data_, {from_file_})), HasSubstr("token"));
    EXPECT_EQ(Folder::open(data_, {from_file_, place_}).value()->ring()->keys[0].secret.bytes(), secret);
    ASSERT_TRUE(rewrap(data_, {place_}, from_file_).ok());
    EXPECT_FALSE(Folder::open(data_, {place_}).ok());
    EXPECT_EQ(Folder::open(data_, {place_, from_file_}).value()->ring()->keys[0].secret.bytes(), secret);
}

// A server that runs for months takes a rotation although the token is in the safe again.
TEST_F(Token, IsAskedOnlyWhenAFolderIsOpened) {
    ASSERT_TRUE(make(data_, Cipher::aes_256_gcm, place_, "2026-11-23").ok());
    const auto serving = *Folder::open(data_, {place_});
    ASSERT_EQ(*rotate(data_, {place_}, "2026-11-24"), 2u);
    fs::rename(tokens_, scratch_.path() / "safe");
    fs::create_directories(tokens_);
    EXPECT_EQ(serving->refresh()->active, 2u);
    EXPECT_THAT(refusal(Folder::open(data_, {place_})), HasSubstr("plugged in"));
    EXPECT_THAT(refusal(rotate(data_, {place_}, "2026-11-25")), HasSubstr("plugged in"));
    EXPECT_EQ(serving->refresh()->active, 2u) << "what runs goes on";
}

TEST_F(Token, RefusesByNamingWhatIsWrong) {
    ASSERT_TRUE(make(data_, Cipher::aes_256_gcm, place_, "2026-11-23").ok());
    const auto open_with = [&](const std::string& place) { return refusal(Folder::open(data_, {place})); };
    EXPECT_THAT(open_with(with("token=xinglin;object=other")), HasSubstr("no such secret key"));
    EXPECT_THAT(open_with(with("token=other;object=master")), HasSubstr("no such token"));
    EXPECT_THAT(open_with(with("object=master", "&x-mechanism=0x80000102")), HasSubstr("x-mechanism"));
    EXPECT_THAT(open_with("pkcs11:object=master?module-path=/usr/lib/none.so"), HasSubstr("cannot be loaded"));
    EXPECT_THAT(open_with("pkcs11:object=master?module-path=" + key_file_.string()), HasSubstr("cannot be loaded"));
    const char* library = "/usr/lib/x86_64-linux-gnu/libz.so.1";
    if (fs::exists(library)) {
        EXPECT_THAT(open_with(std::string("pkcs11:object=master?module-path=") + library), HasSubstr("no PKCS#11 library"));
    }
    EXPECT_THAT(open_with(std::string("pkcs11:token=xinglin;object=master?module-path=") + module),
                HasSubstr("XINGLIN_TOKEN_PIN"));
    EXPECT_THAT(refusal(make_in_token(place_)), HasSubstr("already"));
    EXPECT_FALSE(make_in_token(from_file_).ok());
}

TEST_F(Token, PinsComeFromFilesAndTheEnvironmentAndAreNeverSaid) {
    ASSERT_TRUE(make(data_, Cipher::aes_256_gcm, place_, "2026-11-23").ok());
    const std::string bare = std::string("pkcs11:token=xinglin;object=master?module-path=") + module;
    ::setenv("XINGLIN_TOKEN_PIN", pin, 1);
    EXPECT_TRUE(Folder::open(data_, {bare}).ok());
    ::setenv("XINGLIN_TEST_PIN", pin, 1);
    EXPECT_TRUE(Folder::open(data_, {bare + "&pin-source=env:XINGLIN_TEST_PIN"}).ok());
    ::setenv("XINGLIN_TOKEN_PIN", "00000000", 1);
    EXPECT_THAT(refusal(Folder::open(data_, {bare})), HasSubstr("PIN is not the token's"));
    ::unsetenv("XINGLIN_TOKEN_PIN");
    EXPECT_THAT(refusal(Folder::open(data_, {bare + "&pin-value=" + pin})), HasSubstr("does not belong here"));
    EXPECT_THAT(refusal(Folder::open(data_, {std::string("pkcs11:pin-value=") + pin + ";object=master"})),
                HasSubstr("does not belong here"));
    EXPECT_THAT(refusal(Folder::open(data_, {bare + "&pin-source=file:/nowhere"})), HasSubstr("cannot be read"));
    fs::permissions(pin_file_, fs::perms::others_read, fs::perm_options::add);
    EXPECT_THAT(refusal(Folder::open(data_, {place_})), HasSubstr("chmod 600"));
    EXPECT_EQ(shown(bare + "&pin-source=file:/safe/pin"), "pkcs11:token=xinglin;object=master");
    EXPECT_EQ(shown("pkcs11:object=a;pin-value=1"), "pkcs11:");
    EXPECT_EQ(shown("file:/key"), "file:/key");
}

TEST_F(Token, AChangedListIsRefusedAsWithAnyKey) {
    ASSERT_TRUE(make(data_, Cipher::aes_256_gcm, place_, "2026-11-23").ok());
    const std::string list = testing::read_file(data_ / file_name);
    const std::size_t at = list.find("inToken") + 11;
    for (const std::size_t digit : {std::size_t{0}, std::size_t{40}, std::size_t{95}}) {
        std::string changed = list;
        changed[at + digit] = changed[at + digit] == '0' ? '1' : '0';
        std::ofstream(data_ / file_name, std::ios::trunc) << changed;
        EXPECT_THAT(refusal(Folder::open(data_, {place_})), HasSubstr("altered"));
    }
    std::ofstream(data_ / file_name, std::ios::trunc) << list.substr(0, at) << list.substr(at + 2);
    EXPECT_THAT(refusal(Folder::open(data_, {place_})), HasSubstr("backup"));
}

TEST(TokenPlaces, AreReadAsTheRfcSays) {
    const auto place = token_place(
        "pkcs11:token=my%20token;id=%01%ff;slot-id=3;type=secret-key?module-path=/m.so&pin-source=file:/"
        "pin&x-mechanism=0x80000102");
    ASSERT_TRUE(place.ok()) << place.outcome().line();
    EXPECT_EQ(place->token, "my token");
    EXPECT_EQ(place->id, "\x01\xff");
    EXPECT_EQ(place->slot, 3u);
    EXPECT_EQ(place->mechanism, 0x80000102u);
    for (const char* wrong : {"pkcs11:", "pkcs11:object=a", "pkcs11:?module-path=/m.so", "pkcs11:object=%zz?module-path=/m.so",
                              "pkcs11:object=%4?module-path=/m.so", "pkcs11:object=a;slot-id=x?module-path=/m.so",
                              "pkcs11:object=a;colour=red?module-path=/m.so", "pkcs11:object?module-path=/m.so"})
        EXPECT_FALSE(token_place(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace xinglin::keys
