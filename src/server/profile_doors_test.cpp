// SPDX-License-Identifier: Apache-2.0
// Profiles that make no sense, at every door: $validate, a write, the import of files. Each has its named refusal.
#include <gtest/gtest.h>

#include <fstream>

#include "server/test_process.h"

namespace xinglin::server {
namespace {

std::string definition(const std::string& id, const std::string& elements) {
    return R"({"resourceType":"StructureDefinition","id":")" + id + R"(","url":"urn:test:)" + id +
           R"(","name":"T","status":"draft","kind":"resource","abstract":false,"type":"Patient",)"
           R"("baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint","differential":{"element":[)" +
           elements + "]}}";
}

const std::string contradictory = definition("contradictory", R"({"id":"Patient.name","path":"Patient.name","min":3,"max":"2"})");

/// Sixty to the fifth power of steps: nobody waits for its end.
std::string endless() {
    const std::string letters = "'" + std::string(60, 'a') + "'.toChars()";
    std::string expression = letters + ".count() > 0";
    for (int i = 0; i < 4; ++i) expression = letters + ".select(" + expression + ").count() > 0";
    return definition(
        "endless",
        R"({"id":"Patient","path":"Patient","constraint":[{"key":"endless-1","severity":"error","human":"ends","expression":")" +
            expression + R"("}]})");
}

std::string patient(const std::string& profile) {
    return R"({"resourceType":"Patient","id":"p","meta":{"profile":["urn:test:)" + profile + R"("]},"active":true})";
}

class ProfileDoors : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";
    std::string token_ = [this] {
        const auto added = command({"client", "add", "--data", data_.string(), "--name", "hospital"});
        return added.out.substr(0, added.out.find('\n'));
    }();
    const std::string fhir_ = "application/fhir+json";

    /// What an import with its profiles checked says, and what it writes beside.
    std::string imported(const std::string& lines) {
        const auto file = folder_.path() / "lines.ndjson";
        std::ofstream(file) << lines;
        const auto ended = command({"import", "--data", data_.string(), "--check-profiles", file.string()});
        std::string all = ended.out + ended.err;
        for (const auto& rejected : testing::files_below(data_ / "rejected", ".ndjson")) all += whole_file(rejected);
        return all;
    }
};

TEST_F(ProfileDoors, AContradictionIsNamed) {
    {
        RunningServer server(data_);
        ASSERT_TRUE(server.ready()) << server.errors();
        Caller caller(server, token_);
        const auto judged = caller.send("POST", "/fhir/StructureDefinition/$validate", contradictory, fhir_);
        EXPECT_EQ(judged.status, 200);
        EXPECT_NE(judged.body.find("profile-cardinality"), std::string::npos) << judged.body;
        const auto written = caller.send("PUT", "/fhir/StructureDefinition/contradictory", contradictory, fhir_);
        EXPECT_EQ(written.status, 422);
        EXPECT_NE(written.body.find("profile-cardinality"), std::string::npos) << written.body;
        EXPECT_EQ(caller.get("/fhir/StructureDefinition/contradictory").status, 404);
        ASSERT_EQ(server.stop(), 0);
    }
    const std::string said = imported(contradictory + "\n");
    EXPECT_NE(said.find("min 3 is above max 2"), std::string::npos) << said;
}

TEST_F(ProfileDoors, AnInvariantThatNeverEndsIsGivenUpByName) {
    {
        RunningServer server(data_);
        ASSERT_TRUE(server.ready()) << server.errors();
        Caller caller(server, token_);
        const auto kept = caller.send("PUT", "/fhir/StructureDefinition/endless", endless(), fhir_);
        ASSERT_EQ(kept.status, 201) << kept.body;
        const auto judged = caller.send("POST", "/fhir/Patient/$validate", patient("endless"), fhir_);
        EXPECT_EQ(judged.status, 200);
        EXPECT_NE(judged.body.find("endless-1"), std::string::npos) << judged.body;
        EXPECT_NE(judged.body.find("given up"), std::string::npos) << judged.body;
        const auto written = caller.send("PUT", "/fhir/Patient/p", patient("endless"), fhir_);
        EXPECT_GE(written.status, 400) << written.body;
        EXPECT_NE(written.body.find("endless-1"), std::string::npos) << written.body;
        EXPECT_EQ(caller.get("/fhir/Patient/p").status, 404);
        ASSERT_EQ(server.stop(), 0);
    }
    const std::string said = imported(patient("endless") + "\n");
    EXPECT_NE(said.find("endless-1"), std::string::npos) << said;
}

}  // namespace
}  // namespace xinglin::server
