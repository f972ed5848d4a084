// SPDX-License-Identifier: Apache-2.0
// An encrypted data folder by the real program: nothing plain on the disk, keys changed while it serves, the way there and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/test_process.h"
#include "testing/postgres.h"

namespace xinglin::server {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class KeysDoors : public ::testing::Test {
protected:
    void SetUp() override {
        key("one", '1');
        key("two", '2');
    }
    void key(const std::string& name, char digit) {
        std::ofstream(folder_.path() / name) << std::string(64, digit) << '\n';
        fs::permissions(folder_.path() / name, fs::perms::owner_read | fs::perms::owner_write);
    }
    std::string with(const std::string& name) const { return "file:" + (folder_.path() / name).string(); }
    std::string token(const std::string& name) { return token_in(with("one"), name); }
    std::string token_in(const std::string& place, const std::string& name = "b") {
        const auto added = command(
            {"client", "add", "--data", data_.string(), "--data-key", place, "--name", name, "--scope", "system/*.cruds"});
        EXPECT_EQ(added.status, 0) << added.err;
        return without_line_end(added.out);
    }
    static std::string patient(int number) {
        return fmt::format(
            R"({{"resourceType":"Patient","id":"p{}","name":[{{"text":"欧阳秘密{}"}}],"telecom":[{{"system":"phone","value":"1399911{:04}"}}],)"
            R"("identifier":[{{"system":"urn:oid:2.16.156.1","value":"11010519491231{:04}"}}]}})",
            number, number, number, number);
    }
    void expect_nothing_plain(const fs::path& where) {
        for (const auto& entry : fs::recursive_directory_iterator(where)) {
            if (!entry.is_regular_file()) continue;
            const std::string text = testing::read_file(entry.path());
            for (const char* told : {"欧阳秘密", "1399911", "11010519491231", "resourceType", "CREATE TABLE"})
                EXPECT_EQ(text.find(told), std::string::npos) << told << " in " << entry.path();
        }
    }
    testing::ScratchFolder folder_;
    fs::path data_ = folder_.path() / "data";
};

TEST_F(KeysDoors, AServedFolderHoldsNothingPlainWhileItsKeysChange) {
    RunningServer server(data_, {"--data-key", with("one")});
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller caller(server, token("a"));
    int stored = 0;
    const auto store = [&](int count) {
        for (const int upto = stored + count; stored < upto; ++stored)
            ASSERT_EQ(caller.send("PUT", "/fhir/Patient/p" + std::to_string(stored), patient(stored)).status, 201);
    };
    store(30);
    for (int round = 0; round < 3; ++round) {
        const auto rotated = command({"keys", "rotate", "--data", data_.string(), "--data-key", with("one")});
        EXPECT_EQ(rotated.status, 0) << rotated.err;
        store(10);
    }
    EXPECT_EQ(member(caller.get("/fhir/Patient?phone=13999110017"), {"total"}), "1");
    EXPECT_EQ(caller.get("/fhir/Patient/p3").status, 200);
    expect_nothing_plain(data_);
    const auto status = command({"keys", "status", "--data", data_.string(), "--data-key", with("one"), "--json"});
    EXPECT_THAT(status.out, HasSubstr("\"keys\":[{\"number\":4,"));

    const std::string backup = (folder_.path() / "backup").string(), again = (folder_.path() / "again").string();
    const auto made = command({"backup", "--data", data_.string(), "--data-key", with("one"), backup});
    ASSERT_EQ(made.status, 0) << made.err;
    expect_nothing_plain(backup);
    ASSERT_EQ(command({"keys", "rewrap", "--data", data_.string(), "--data-key", with("one"), "--new-key", with("two")}).status,
              0);
    store(5);  // goes on with what it holds
    EXPECT_EQ(server.stop(), 0);
    EXPECT_EQ(command({"verify", "--data", data_.string()}).status, 3);
    EXPECT_EQ(command({"verify", "--data", data_.string(), "--data-key", with("one")}).status, 3);
    const auto verified = command({"verify", "--data", data_.string(), "--data-key", with("two"), "--json"});
    EXPECT_EQ(verified.status, 0) << verified.out;
    EXPECT_THAT(verified.out, HasSubstr("\"resources\":65"));

    const auto restored = command({"restore", "--data", again, "--data-key", with("two"), "--data-key", with("one"), backup});
    ASSERT_EQ(restored.status, 0) << restored.err;
    expect_nothing_plain(again);
    EXPECT_EQ(command({"verify", "--data", again, "--data-key", with("two")}).status, 0);
}

TEST_F(KeysDoors, APlainFolderIsEncryptedAndOneLineSaysWhatIsMissing) {
    std::ofstream(folder_.path() / "in.ndjson") << patient(1) << '\n' << patient(2) << '\n';
    ASSERT_EQ(command({"import", "--data", data_.string(), (folder_.path() / "in.ndjson").string()}).status, 0);
    const auto refused = command({"user", "list", "--data", data_.string(), "--data-key", with("one")});
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("xinglin keys encrypt"));
    const auto done =
        command({"keys", "encrypt", "--data", data_.string(), "--data-key", with("one"), "--cipher", "sm4-ctr-hmac-sm3"});
    ASSERT_EQ(done.status, 0) << done.err;
    expect_nothing_plain(data_);
    EXPECT_EQ(command({"verify", "--data", data_.string(), "--data-key", with("one")}).status, 0);
    const auto closed = command({"import", "--data", data_.string(), (folder_.path() / "in.ndjson").string()});
    EXPECT_EQ(closed.status, 3);
    EXPECT_THAT(closed.err, HasSubstr("--data-key"));
    EXPECT_EQ(std::count(closed.err.begin(), closed.err.end(), '\n'), 1);

    const std::string copy = (folder_.path() / "copy").string();
    const auto copied =
        command({"copy", "--from", "sqlite:" + data_.string(), "--to", "sqlite:" + copy, "--data-key", with("one")});
    ASSERT_EQ(copied.status, 0) << copied.err;
    expect_nothing_plain(copy);
}

// A token in software takes the key over from a file while the program serves; its PIN is said nowhere.
TEST_F(KeysDoors, ATokenKeepsTheKeyAndItsPinIsNeverSaid) {
    const std::string module = "/usr/lib/softhsm/libsofthsm2.so", pin = "73918264";
    if (!fs::exists(module)) GTEST_SKIP() << "softhsm2 is not installed: no token to try";
    fs::create_directories(folder_.path() / "tokens");
    std::ofstream(folder_.path() / "conf") << "directories.tokendir = " << (folder_.path() / "tokens").string() << "\n";
    ::setenv("SOFTHSM2_CONF", (folder_.path() / "conf").c_str(), 1);
    ASSERT_EQ(
        std::system(
            ("softhsm2-util --init-token --free --label xinglin --so-pin 12345678 --pin " + pin + " >/dev/null 2>&1").c_str()),
        0);
    std::ofstream(folder_.path() / "pin") << pin << '\n';
    fs::permissions(folder_.path() / "pin", fs::perms::owner_read | fs::perms::owner_write);
    const std::string place =
        "pkcs11:token=xinglin;object=master?module-path=" + module + "&pin-source=file:" + (folder_.path() / "pin").string();
    std::string said;
    const auto run = [&](std::vector<std::string> words) {
        const auto done = command(words);
        said += done.out + done.err;
        return done.status;
    };
    EXPECT_EQ(run({"keys", "token", place}), 0) << said;
    {
        RunningServer server(data_, {"--data-key", with("one"), "--data-key", place});
        ASSERT_TRUE(server.ready()) << server.errors();
        Caller caller(server, token("a"));
        ASSERT_EQ(caller.send("PUT", "/fhir/Patient/p1", patient(1)).status, 201);
        EXPECT_EQ(run({"keys", "rewrap", "--data", data_.string(), "--data-key", with("one"), "--new-key", place}), 0) << said;
        EXPECT_EQ(run({"keys", "rotate", "--data", data_.string(), "--data-key", place}), 0) << said;
        EXPECT_EQ(caller.send("PUT", "/fhir/Patient/p2", patient(2)).status, 201);
        said += server.errors();
    }
    EXPECT_EQ(run({"keys", "status", "--data", data_.string(), "--data-key", place, "--json"}), 0) << said;
    EXPECT_THAT(said, HasSubstr("\"wrappedIn\":\"token\""));
    EXPECT_NE(run({"keys", "status", "--data", data_.string(), "--data-key", with("one")}), 0);
    RunningServer again(data_, {"--data-key", place});
    ASSERT_TRUE(again.ready()) << again.errors();
    EXPECT_EQ(Caller(again, token_in(place)).get("/fhir/Patient/p2").status, 200);
    said += again.errors();
    EXPECT_EQ(said.find(pin), std::string::npos);
}

TEST_F(KeysDoors, ADatabaseHoldsNoWholeResourceWhileItsKeysChange) {
    const std::string store = testing::fresh_postgres(), plain = testing::fresh_postgres();
    if (store.empty()) GTEST_SKIP() << testing::no_postgres;
    {
        RunningServer server(data_, {"--store", store, "--data-key", with("one"), "--data-cipher", "sm4"});
        ASSERT_TRUE(server.ready()) << server.errors();
        const auto added =
            command({"client", "add", "--store", store, "--data-key", with("one"), "--name", "a", "--scope", "system/*.cruds"});
        ASSERT_EQ(added.status, 0) << added.err;
        Caller caller(server, without_line_end(added.out));
        for (int i = 0; i < 20; ++i) ASSERT_EQ(caller.send("PUT", "/fhir/Patient/p" + std::to_string(i), patient(i)).status, 201);
        const auto rotated = command({"keys", "rotate", "--store", store, "--data-key", with("one")});
        EXPECT_EQ(rotated.status, 0) << rotated.err;
        ASSERT_EQ(caller.send("PUT", "/fhir/Patient/p3", patient(4)).status / 100, 4);  // another id: refused, not lost
        ASSERT_EQ(caller.send("PUT", "/fhir/Patient/late", R"({"resourceType":"Patient","id":"late"})").status, 201);
        EXPECT_EQ(caller.get("/fhir/Patient/p3").status, 200);
    }
    const auto status = command({"keys", "status", "--store", store, "--data-key", with("one"), "--json"});
    EXPECT_THAT(status.out, HasSubstr("sm4-ctr-hmac-sm3"));
    EXPECT_THAT(status.out, HasSubstr("{\"table\":\"record_current\",\"values\":{\"2\":21}}"));
    const std::string other = (folder_.path() / "other").string();
    EXPECT_THAT(command({"serve", "--data", other, "--store", store, "--port", "0"}).err,
                HasSubstr("name its key with --data-key"));
    EXPECT_EQ(command({"copy", "--from", store, "--to", "sqlite:" + other, "--data-key", with("one")}).status, 0);
    EXPECT_EQ(command({"copy", "--from", "sqlite:" + other, "--to", plain, "--data-key", with("one")}).status, 0);
    EXPECT_THAT(command({"keys", "status", "--store", plain, "--data-key", with("one")}).out,
                HasSubstr("record_current            key 1: 21 values"));
    const std::string open_one = testing::fresh_postgres();
    ASSERT_EQ(command({"client", "add", "--store", open_one, "--name", "a", "--scope", "system/*.cruds"}).status, 0);
    const auto refused =
        command({"serve", "--data", (folder_.path() / "third").string(), "--store", open_one, "--data-key", with("one")});
    EXPECT_THAT(refused.err, HasSubstr("is not encrypted; encrypt it with `xinglin keys encrypt --store`"));
    EXPECT_EQ(command({"keys", "encrypt", "--store", open_one, "--data-key", with("one")}).status, 0);
}

}  // namespace
}  // namespace xinglin::server
