// SPDX-License-Identifier: Apache-2.0
// `xinglin export` and `xinglin import` as a person at the command line meets them.
#include <gtest/gtest.h>

#include "json/json.h"
#include "server/test_process.h"
#include "text/text.h"

namespace xinglin::server {
namespace {

namespace fs = std::filesystem;

class ExportCommandTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    json::Arena arena_;
    std::string data() const { return (folder_.path() / "data").string(); }
    std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
    std::string file(const std::string& name, const std::string& content) const {
        std::ofstream(folder_.path() / name, std::ios::binary) << content;
        return path(name);
    }
    void fill() const {
        const auto in = file(
            "in.ndjson",
            R"({"resourceType":"Patient","id":"p1","birthDate":"1959-03-12","name":[{"text":"张三"}]})"
            "\n"
            R"({"resourceType":"Patient","id":"p2","gender":"female"})"
            "\n"
            R"({"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}})"
            "\n"
            R"({"resourceType":"Group","id":"g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/p2"}}]})"
            "\n");
        ASSERT_EQ(command({"import", "--data", data(), in}).status, 0);
    }
    Ended exported(const std::string& out, std::vector<std::string> more) const {
        std::vector<std::string> all{"export", "--data", data(), "--out", path(out)};
        all.insert(all.end(), more.begin(), more.end());
        return command(all);
    }
    std::string text(const std::string& name) const {
        return fs::exists(folder_.path() / name) ? whole_file(folder_.path() / name) : std::string();
    }
    json::Value parsed(const std::string& text) {
        const auto value = json::parse(arena_.keep(text), arena_);
        EXPECT_TRUE(value.ok()) << text;
        return value.ok() ? *value : json::Value();
    }
};

TEST_F(ExportCommandTest, TakesTheOptionsOfTheHttpExport) {
    fill();
    ASSERT_EQ(exported("group", {"--group", "g"}).status, 0);
    EXPECT_NE(text("group/Patient.ndjson").find("\"p2\""), std::string::npos);
    EXPECT_EQ(text("group/Patient.ndjson").find("\"p1\""), std::string::npos);
    ASSERT_EQ(exported("patient", {"--patient", "Patient/p1"}).status, 0);
    EXPECT_NE(text("patient/Observation.ndjson").find("\"o1\""), std::string::npos);
    EXPECT_EQ(text("patient/Patient.ndjson").find("\"p2\""), std::string::npos);
    ASSERT_EQ(exported("has", {"--type", "Patient", "--type-filter", "Patient?_has:Observation:patient:status=final"}).status, 0);
    EXPECT_NE(text("has/Patient.ndjson").find("\"p1\""), std::string::npos);
    EXPECT_EQ(text("has/Patient.ndjson").find("\"p2\""), std::string::npos);
    ASSERT_EQ(exported("elements", {"--type", "Patient,Group", "--elements", "Patient.gender"}).status, 0);
    EXPECT_EQ(text("elements/Patient.ndjson").find("birthDate"), std::string::npos);
    EXPECT_FALSE(fs::exists(path("elements/Observation.ndjson")));
    const auto none = exported("since", {"--since", "2199-01-01", "--json"});
    ASSERT_EQ(none.status, 0) << none.err;
    EXPECT_EQ(parsed(none.out)["resources"].text(), "0");
    EXPECT_EQ(parsed(none.out)["position"].text(), "4");
    for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--type-filter", "Observation?nonsense=1"},
                                                  {"--since", "yesterday"},
                                                  {"--elements", "Patient.nonsense"},
                                                  {"--patient", "p1", "--type", "Organization"}}) {
        const auto ended = exported("wrong", wrong);
        EXPECT_EQ(ended.status, 2) << wrong[1];
        EXPECT_NE(ended.err.find("error: --"), std::string::npos) << ended.err;
    }
    const auto stranger = exported("stranger", {"--group", "nobody"});
    EXPECT_EQ(stranger.status, 1);
    EXPECT_NE(stranger.err.find("--group"), std::string::npos) << stranger.err;
}

TEST_F(ExportCommandTest, DeidentifiedItTellsNoPersonAndPseudonymsStayTheSame) {
    fill();
    const auto first = exported("first", {"--deidentify", "--json"});
    ASSERT_EQ(first.status, 0) << first.err;
    const std::string patients = text("first/Patient.ndjson"), observations = text("first/Observation.ndjson");
    for (const char* secret : {"张三", "1959-03-12", "\"p1\"", "Patient/p1"}) {
        EXPECT_EQ(patients.find(secret), std::string::npos) << secret;
        EXPECT_EQ(observations.find(secret), std::string::npos) << secret;
    }
    EXPECT_NE(patients.find(R"("birthDate":"1959")"), std::string::npos);
    const std::string id(parsed(patients.substr(0, patients.find('\n')))["id"].string());
    EXPECT_NE(observations.find("Patient/" + id), std::string::npos) << "references join";
    EXPECT_EQ(parsed(first.out)["deidentified"]["key"].string().size(), 8u);
    EXPECT_EQ(fs::status(path("data/deidentify.key")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    ASSERT_EQ(exported("second", {"--deidentify"}).status, 0);
    EXPECT_EQ(text("second/Patient.ndjson"), patients) << "the same key, the same pseudonyms";
    ASSERT_EQ(exported("third", {"--deidentify", "--key", path("other.key")}).status, 0);
    EXPECT_EQ(text("third/Patient.ndjson").find(id), std::string::npos);
    file("short.key", "secret");
    EXPECT_EQ(exported("fourth", {"--deidentify", "--key", path("short.key")}).status, 1);
    EXPECT_EQ(exported("fifth", {"--key", path("other.key")}).status, 1);
    // What came out goes in again, elsewhere.
    const auto again = command({"import", "--data", path("elsewhere"), path("first"), "--json"});
    ASSERT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(parsed(again.out)["rejected"].text(), "0");
    EXPECT_EQ(parsed(again.out)["stored"].text(), "4");
}

TEST_F(ExportCommandTest, GoesOnWhereItStoppedButNotWithOtherOptions) {
    fill();
    fs::create_directories(path("out"));
    std::ofstream(folder_.path() / "out/.unfinished")
        << R"({"level":"system","group":"","parameters":[{"name":"_compress","value":"none"}],"position":2,"place":-9223372036854775808,"left_out":0,"files":[]})";
    const auto other = exported("out", {"--type", "Patient"});
    EXPECT_EQ(other.status, 1);
    EXPECT_NE(other.err.find("other options"), std::string::npos) << other.err;
    const auto ended = exported("out", {"--json"});
    ASSERT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(parsed(ended.out)["position"].text(), "2") << "the state it was begun with";
    EXPECT_EQ(parsed(ended.out)["resources"].text(), "2");
    EXPECT_FALSE(fs::exists(path("out/.unfinished")));
}

// The samples claim no profile of ours; R4's own rules are looked at, and what breaks one is named.
TEST_F(ExportCommandTest, ImportChecksProfilesWhenAsked) {
    const std::string samples = std::string(XINGLIN_SOURCE_DIR) + "/content/samples/";
    std::string some;
    for (const auto& entry : fs::directory_iterator(samples)) {
        if (entry.path().string().ends_with(".json.gz") && (some.empty() || entry.file_size() < fs::file_size(some)))
            some = entry.path();
    }
    const auto sample = command({"import", "--data", data(), "--check-profiles", some, "--json"});
    ASSERT_EQ(sample.status, 0) << sample.err;
    EXPECT_EQ(parsed(sample.out)["rejected"].text(), "0") << sample.out;
    const auto wrong =
        file("wrong.ndjson", R"({"resourceType":"Patient","id":"w1","contact":[{"gender":"male"}]})"
                             "\n"
                             R"({"resourceType":"Patient","id":"w2","meta":{"profile":["urn:xinglin:profile:patient"]}})"
                             "\n"
                             R"({"resourceType":"Patient","id":"w3"})"
                             "\n");
    const auto checked = command({"import", "--data", path("strict"), "--check-profiles", wrong, "--json"});
    EXPECT_EQ(parsed(checked.out)["stored"].text(), "1") << checked.out;
    EXPECT_EQ(parsed(checked.out)["rejected"].text(), "2");
    const std::string reasons = whole_file(fs::path(parsed(checked.out)["rejected_file"].string()));
    EXPECT_NE(reasons.find("pat-1"), std::string::npos) << reasons;
    EXPECT_EQ(parsed(command({"import", "--data", path("loose"), wrong, "--json"}).out)["stored"].text(), "3");
}

}  // namespace
}  // namespace xinglin::server
