// SPDX-License-Identifier: Apache-2.0
// The commands against good and bad surroundings: every refusal is one clear line with the right exit status.
#include <gtest/gtest.h>

#include "json/json.h"
#include "server/test_process.h"
#include "sql/sql.h"
#include "text/text.h"

namespace xinglin::server {
namespace {

namespace fs = std::filesystem;

const std::string patient = R"({"resourceType":"Patient","id":"p1","birthDate":"1959-03-12"})";

/// One line "error: WHERE: WHAT", and nothing else on standard error.
::testing::AssertionResult is_one_error_line(const std::string& text, const std::string& part) {
    const bool fits = text.starts_with("error: ") && text.find('\n') == text.size() - 1 && text.find(part) != std::string::npos;
    return fits ? ::testing::AssertionSuccess()
                : ::testing::AssertionFailure() << "not one error line with \"" << part << "\": " << text;
}

class SurroundingsTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    std::string data() const { return (folder_.path() / "data").string(); }
    std::string file(const std::string& name, const std::string& content) const {
        std::ofstream(folder_.path() / name, std::ios::binary) << content;
        return (folder_.path() / name).string();
    }
    /// Two patients by import.
    void fill() const {
        const auto in = file("two.ndjson", patient + "\n" + R"({"resourceType":"Patient","id":"p2"})" + "\n");
        ASSERT_EQ(command({"import", "--data", data(), in}).status, 0);
    }
    Ended serve(std::vector<std::string> more = {}) const {
        std::vector<std::string> arguments{"serve", "--data", data(), "--port", "0"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return command(arguments);
    }
};

TEST_F(SurroundingsTest, AFileInPlaceOfTheFolder) {
    file("data", "I am a file");
    const auto ended = serve();
    EXPECT_EQ(ended.status, 3);
    EXPECT_TRUE(is_one_error_line(ended.err, "is not a folder"));
    EXPECT_EQ(ended.out, "");
}

TEST_F(SurroundingsTest, AFolderThatHoldsSomethingElse) {
    fs::create_directories(data());
    std::ofstream(fs::path(data()) / "thesis.odt") << "precious";
    for (const auto& ended :
         {serve(), command({"client", "add", "--data", data(), "--name", "x1"}), command({"import", "--data", data(), "x"})}) {
        EXPECT_EQ(ended.status, 3);
        EXPECT_TRUE(is_one_error_line(ended.err, "files that are not Xinglin's"));
    }
    EXPECT_EQ(whole_file(fs::path(data()) / "thesis.odt"), "precious");
}

TEST_F(SurroundingsTest, AFolderThatCannotBeMade) {
    const auto ended = command({"serve", "--data", "/proc/xinglin", "--port", "0"});
    EXPECT_EQ(ended.status, 3);
    EXPECT_TRUE(is_one_error_line(ended.err, "cannot be made"));
}

TEST_F(SurroundingsTest, AFolderThatMayNotBeRead) {
    fill();
    fs::permissions(folder_.path(), fs::perms::owner_all | fs::perms::others_exec);
    if (geteuid() == 0) {  // root may read everything, so another does it
        const auto copy = folder_.path() / "xinglin";
        fs::copy_file(program(), copy);
        fs::permissions(copy, fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
        const auto ended = run({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy.string(), "serve", "--data",
                                data(), "--port", "0"});
        EXPECT_EQ(ended.status, 3);
        EXPECT_TRUE(is_one_error_line(ended.err, "permissions"));
        return;
    }
    fs::permissions(data(), fs::perms::none);
    const auto ended = serve();
    fs::permissions(data(), fs::perms::owner_all);
    EXPECT_EQ(ended.status, 3);
    EXPECT_TRUE(is_one_error_line(ended.err, "permissions"));
}

TEST_F(SurroundingsTest, APortThatIsTaken) {
    RunningServer first(folder_.path() / "first");
    ASSERT_TRUE(first.ready());
    const auto ended = command({"serve", "--data", data(), "--port", std::to_string(first.port())});
    EXPECT_EQ(ended.status, 3);
    EXPECT_TRUE(is_one_error_line(ended.err, "in use"));
    EXPECT_EQ(command({"user", "list", "--data", data()}).out, "") << "no password was made that nobody saw";
}

TEST_F(SurroundingsTest, AnAddressThatIsNotOurs) {
    const auto ended = serve({"--bind", "198.51.100.7"});
    EXPECT_EQ(ended.status, 3);
    EXPECT_TRUE(is_one_error_line(ended.err, "--bind"));
}

TEST_F(SurroundingsTest, ADamagedRecord) {
    fill();
    add_client(data(), "machine");
    for (const char* name : {"record.db", "access.db", "audit.db"}) {
        const auto damaged = folder_.path() / ("damaged-" + std::string(name));
        fs::copy(data(), damaged);
        for (const char* suffix : {"-wal", "-shm"}) fs::remove(damaged / (name + std::string(suffix)));
        std::ofstream(damaged / name, std::ios::binary) << std::string(20'000, 'x');
        const auto ended = command({"serve", "--data", damaged.string(), "--port", "0"});
        EXPECT_EQ(ended.status, 3) << name;
        EXPECT_TRUE(is_one_error_line(ended.err, "backup")) << name;
    }
}

TEST_F(SurroundingsTest, ARecordOfANewerProgram) {
    fill();
    add_client(data(), "machine");
    for (const char* name : {"record.db", "access.db"}) {
        sql::open_sqlite(fs::path(data()) / name)->run("UPDATE schema_version SET number = number + 99");
        const auto ended = serve();
        EXPECT_EQ(ended.status, 3) << name;
        EXPECT_TRUE(is_one_error_line(ended.err, "newer")) << name;
        sql::open_sqlite(fs::path(data()) / name)->run("UPDATE schema_version SET number = number - 99");
    }
    RunningServer healed(data());
    EXPECT_TRUE(healed.ready()) << healed.errors();
}

TEST_F(SurroundingsTest, AFolderThatAServerHolds) {
    fill();
    RunningServer server(data());
    ASSERT_TRUE(server.ready());
    for (const auto& ended :
         {serve(), command({"import", "--data", data(), file("in.ndjson", patient)}), command({"verify", "--data", data()})}) {
        EXPECT_EQ(ended.status, 3);
        EXPECT_TRUE(ended.err.starts_with("error: ")) << ended.err;
        EXPECT_NE(ended.err.find("stop it"), std::string::npos) << ended.err;
    }
}

// The limit on file sizes stands in for a full disk: writing beyond it fails as on a full one.
TEST_F(SurroundingsTest, AFullDiskRefusesWritesAndServesReads) {
    fill();
    const std::string token = add_client(data(), "machine");
    RunningServer server(data(), {}, {"/bin/bash", "-c", "trap '' XFSZ; ulimit -f 1200; exec \"$@\"", "limited"});
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller machine(server, token);
    int refused = 0;
    for (int i = 0; i < 400 && refused == 0; ++i) {
        std::string noise;  // that does not compress
        for (int n = 0; n < 3'000; ++n) noise += static_cast<char>('a' + (i * 7919 + n * n * 31 + n * 17) % 26);
        const std::string id = "x" + std::to_string(i);
        const auto answer =
            machine.send("PUT", "/fhir/Patient/" + id,
                         R"({"resourceType":"Patient","id":")" + id + R"(","name":[{"text":")" + noise + R"("}]})");
        if (answer.status == 503 || answer.status == 507 || answer.status == 500 || answer.status == 429) refused = answer.status;
        else ASSERT_EQ(answer.status, 201) << answer.body;
    }
    EXPECT_EQ(refused, 503) << "writes are refused, try again later";
    Caller reader(server, token);
    EXPECT_EQ(reader.get("/fhir/Patient/p1").status, 200) << "reads go on";
    EXPECT_EQ(reader.get("/healthz").status, 200);
    server.stop();
    RunningServer healed(data());
    ASSERT_TRUE(healed.ready()) << healed.errors();
    Caller again(healed, token);
    EXPECT_EQ(again.send("PUT", "/fhir/Patient/after", R"({"resourceType":"Patient","id":"after"})").status, 201);
}

TEST_F(SurroundingsTest, ImportSaysWhatItDidAndDoesNothingTwice) {
    const auto in =
        file("in.ndjson", patient + "\n" + R"({"resourceType":"Patient","id":"p2","gender":"nonsense"})" + "\nnot json\n");
    const auto first = command({"import", "--data", data(), in, "--json"});
    EXPECT_EQ(first.status, 0) << first.err;
    json::Arena arena;
    const auto result = json::parse(first.out, arena);
    ASSERT_TRUE(result.ok()) << first.out;
    EXPECT_EQ((*result)["read"].text(), "3");
    EXPECT_EQ((*result)["stored"].text(), "1");
    EXPECT_EQ((*result)["rejected"].text(), "2");
    EXPECT_TRUE(fs::exists(fs::path((*result)["rejected_file"].string())));
    const auto second = command({"import", "--data", data(), in});
    EXPECT_TRUE(second.out.starts_with("read 3, stored 0, unchanged 1, rejected 2, ")) << second.out;
    const auto none = command({"import", "--data", data(), (folder_.path() / "none.json").string()});
    EXPECT_EQ(none.status, 3);
    EXPECT_TRUE(is_one_error_line(none.err, "none.json"));
}

TEST_F(SurroundingsTest, ExportGivesBackWhatWasImportedAlsoWhileServing) {
    fill();
    RunningServer server(data());
    ASSERT_TRUE(server.ready());
    const auto out = folder_.path() / "out";
    const auto ended = command({"export", "--data", data(), "--out", out.string(), "--json"});
    ASSERT_EQ(ended.status, 0) << ended.err;
    const std::string lines = whole_file(out / "Patient.ndjson");
    EXPECT_NE(lines.find(R"("birthDate":"1959-03-12")"), std::string::npos) << lines;
    EXPECT_EQ(text::split(lines, '\n').size(), 3u);
    EXPECT_FALSE(fs::exists(out / ".snapshot"));
    const auto again = command({"export", "--data", data(), "--out", out.string()});
    EXPECT_EQ(again.status, 1);
    EXPECT_TRUE(is_one_error_line(again.err, "not an empty folder"));
    EXPECT_EQ(command({"export", "--data", data(), "--out", (folder_.path() / "o2").string(), "--type", "Horse"}).status, 2);
    const auto packed = folder_.path() / "packed";
    ASSERT_EQ(command({"export", "--data", data(), "--out", packed.string(), "--gzip", "--type", "Patient"}).status, 0);
    EXPECT_EQ(testing::read_packed(packed / "Patient.ndjson.gz"), lines);
}

TEST_F(SurroundingsTest, ABackupMadeWhileServingIsRestoredAndVerified) {
    fill();
    const std::string token = add_client(data(), "machine");
    const auto backup = folder_.path() / "backup", restored = folder_.path() / "restored";
    {
        RunningServer server(data());
        ASSERT_TRUE(server.ready());
        Caller machine(server, token);
        ASSERT_EQ(machine.send("PUT", "/fhir/Patient/p3", R"({"resourceType":"Patient","id":"p3"})").status, 201);
        const auto ended = command({"backup", "--data", data(), backup.string()});
        ASSERT_EQ(ended.status, 0) << ended.err;
    }
    EXPECT_EQ(command({"backup", "--data", data(), backup.string()}).status, 1) << "never over another backup";
    const auto ended = command({"restore", "--data", restored.string(), backup.string()});
    ASSERT_EQ(ended.status, 0) << ended.err;
    EXPECT_NE(ended.out.find("sound, 3 resources"), std::string::npos) << ended.out;
    EXPECT_EQ(command({"restore", "--data", restored.string(), backup.string()}).status, 1) << "never over another folder";
    RunningServer again(restored);
    Caller machine(again, token);
    EXPECT_EQ(machine.get("/fhir/Patient/p3").status, 200) << "accounts are part of it";
}

TEST_F(SurroundingsTest, WhatCameSinceABackupIsKeptByItselfAndEveryMomentCanBeHadBack) {
    fill();
    const std::string token = add_client(data(), "machine");
    const auto full = folder_.path() / "full", more = folder_.path() / "more";
    {
        RunningServer server(data());
        ASSERT_TRUE(server.ready());
        Caller machine(server, token);
        ASSERT_EQ(command({"backup", "--data", data(), full.string()}).status, 0);
        ASSERT_EQ(machine.send("PUT", "/fhir/Patient/p3", R"({"resourceType":"Patient","id":"p3"})").status, 201);
        ASSERT_EQ(machine.send("PUT", "/fhir/Patient/p4", R"({"resourceType":"Patient","id":"p4"})").status, 201);
        const auto ended = command({"backup", "--data", data(), "--base", full.string(), more.string()});
        ASSERT_EQ(ended.status, 0) << ended.err;
        EXPECT_EQ(machine.send("POST", "/api/v1/backups", R"({"kind":"full"})", "application/json").status, 403)
            << "administrators only";
    }
    EXPECT_EQ(command({"verify", "--data", more.string()}).status, 0);
    const auto all = folder_.path() / "all", before = folder_.path() / "before";
    ASSERT_EQ(command({"restore", "--data", all.string(), full.string(), more.string()}).status, 0);
    const auto ended = command({"restore", "--data", before.string(), full.string(), more.string(), "--to-position", "3"});
    ASSERT_EQ(ended.status, 0) << ended.err;
    for (const auto& [folder, status] : {std::pair{all, 200}, {before, 404}}) {
        RunningServer again(folder);
        Caller machine(again, token);
        EXPECT_EQ(machine.get("/fhir/Patient/p3").status, 200);
        EXPECT_EQ(machine.get("/fhir/Patient/p4").status, status);
    }
    EXPECT_EQ(command({"restore", "--data", (folder_.path() / "x").string(), more.string()}).status, 1);
    EXPECT_EQ(command({"restore", "--data", (folder_.path() / "x").string(), full.string(), "--to-time", "noon"}).status, 2);
}

TEST_F(SurroundingsTest, ADamagedBackupIsNotRestored) {
    fill();
    const auto backup = folder_.path() / "backup", restored = folder_.path() / "restored";
    ASSERT_EQ(command({"backup", "--data", data(), backup.string()}).status, 0);
    {
        std::fstream record(backup / "record.db", std::ios::in | std::ios::out | std::ios::binary);
        record.seekp(9'000);
        record << "flip";
    }
    const auto ended = command({"restore", "--data", restored.string(), backup.string()});
    EXPECT_EQ(ended.status, 1);
    EXPECT_TRUE(is_one_error_line(ended.err, "SHA-256"));
    EXPECT_FALSE(fs::exists(restored));
    EXPECT_EQ(command({"restore", "--data", restored.string(), data()}).status, 1) << "no manifest, no backup";
}

TEST_F(SurroundingsTest, VerifyFindsWhatIsWrong) {
    fill();
    EXPECT_EQ(command({"verify", "--data", data()}).status, 0);
    EXPECT_EQ(command({"verify", "--data", data(), "--quick"}).status, 0);
    EXPECT_EQ(command({"verify", "--data", (folder_.path() / "none").string()}).status, 3);
    sql::open_sqlite(fs::path(data()) / "audit.db")
        ->run("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'audit_access_patient'");
    const auto ended = command({"verify", "--data", data(), "--json"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_NE(ended.out.find("\"sound\":false"), std::string::npos) << ended.out;
    EXPECT_NE(ended.out.find("audit.db"), std::string::npos) << ended.out;
}

TEST_F(SurroundingsTest, ValidateNamesFileLineAndElement) {
    const auto good = file("good.json", patient),
               bad = file("bad.ndjson", patient + "\n" + R"({"resourceType":"Patient","birthDate":"yesterday"})" + "\n");
    const auto xml = file("good.xml", R"(<Patient xmlns="http://hl7.org/fhir"><id value="p1"/></Patient>)");
    EXPECT_EQ(command({"validate", good, xml}).status, 0);
    const auto ended = command({"validate", good, bad});
    EXPECT_EQ(ended.status, 1);
    EXPECT_NE(ended.out.find(bad + ":2: error: Patient.birthDate: "), std::string::npos) << ended.out;
    const auto as_json = command({"validate", bad, "--json"});
    EXPECT_NE(as_json.out.find(R"("valid":false)"), std::string::npos);
    EXPECT_EQ(command({"validate", (folder_.path() / "none.json").string()}).status, 3);
    EXPECT_EQ(command({"validate", file("deep.json", std::string(10'000, '[')), file("gb.json", "{\"a\":\"\xD6\xD0\"}")}).status,
              1);
}

TEST_F(SurroundingsTest, AccountsAreMadeListedAndRemoved) {
    const auto added = command({"user", "add", "--data", data(), "--name", "li.na", "--role", "clinician", "--json"});
    EXPECT_EQ(added.status, 0) << added.err;
    EXPECT_NE(added.out.find("\"password\":\""), std::string::npos);
    EXPECT_EQ(command({"user", "add", "--data", data(), "--name", "li.na", "--role", "clinician"}).status, 1);
    EXPECT_EQ(command({"user", "add", "--data", data(), "--name", "other", "--role", "king"}).status, 2);
    EXPECT_NE(command({"user", "list", "--data", data()}).out.find("li.na"), std::string::npos);
    EXPECT_EQ(command({"user", "reset", "--data", data(), "--name", "li.na"}).status, 0);
    EXPECT_EQ(command({"user", "remove", "--data", data(), "--name", "li.na"}).status, 0);
    EXPECT_EQ(command({"user", "remove", "--data", data(), "--name", "li.na"}).status, 1);
    EXPECT_EQ(command({"client", "add", "--data", data(), "--name", "lab", "--scope", "everything"}).status, 1);
    EXPECT_EQ(command({"client", "remove", "--data", data(), "--name", "lab"}).status, 1);
}

TEST_F(SurroundingsTest, UsageIsStatusTwoAndOneLine) {
    for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                  {"nonsense"},
                                                  {"serve"},
                                                  {"serve", "--data", data(), "--port", "many"},
                                                  {"user"},
                                                  {"export", "--data", data()},
                                                  {"serve", "--data", data(), "--store", "oracle"}}) {
        const auto ended = command(wrong);
        EXPECT_EQ(ended.status, 2);
        EXPECT_TRUE(is_one_error_line(ended.err, ""));
    }
}

TEST_F(SurroundingsTest, EveryWordHelpsWithAnExample) {
    for (const std::string words :
         {"serve", "import", "export", "backup", "restore", "verify", "user", "user add", "user remove", "user reset",
          "user list", "client", "client add", "client remove", "client list", "fhirpath", "validate", "version", "completion"}) {
        std::vector<std::string> arguments;
        for (const auto word : text::split(words, ' ')) arguments.emplace_back(word);
        arguments.emplace_back("--help");
        const auto ended = command(arguments);
        EXPECT_EQ(ended.status, 0) << words;
        EXPECT_NE(text::lower_ascii(ended.out + ended.err).find("example"), std::string::npos) << words;
    }
    EXPECT_TRUE(command({"version"}).out.starts_with("xinglin 0."));
    EXPECT_NE(command({"completion"}).out.find("complete"), std::string::npos);
}

TEST_F(SurroundingsTest, FhirpathAnswersAsTheContractSays) {
    const auto ended = command({"fhirpath", "--resource", file("p.json", patient), "Patient.birthDate", "1 +"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_NE(ended.out.find(R"("type":"date")"), std::string::npos) << ended.out;
    EXPECT_NE(ended.out.find(R"("kind":"syntax")"), std::string::npos) << ended.out;
}

}  // namespace
}  // namespace xinglin::server
