// SPDX-License-Identifier: Apache-2.0
// A folder of profiles is judged by its cases: ours is right, and each thing put wrong in a copy is named.
#include "profile/shelf_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "calendar/calendar.h"
#include "terminology/terminology.h"
#include "testing/testing.h"

namespace xinglin::profile {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

class Shelf : public ::testing::Test {
protected:
    Shelf() {
        fs::create_directories(folder.path() / "profiles");
        fs::copy(fs::path(XINGLIN_SOURCE_DIR) / "content/profiles", folder.path() / "profiles", fs::copy_options::recursive);
    }
    void write(const std::string& path, std::string_view text) {
        fs::create_directories((folder.path() / path).parent_path());
        std::ofstream(folder.path() / path, std::ios::binary) << text;
    }
    /// "FILE WHERE WHAT"
    std::vector<std::string> complaints() {
        const auto files = content::Files::over(folder.path());
        const calendar::SystemClock clock;
        terminology::Terminology terminology(*files, clock);
        std::vector<content::Complaint> found;
        checked = 0;
        check_shelf(
            *files,
            [&](std::string_view set, std::string_view system, std::string_view code) {
                return terminology.has(set, system, code);
            },
            found, checked);
        std::vector<std::string> lines;
        for (const content::Complaint& each : found) lines.push_back(each.file + " " + each.where + " " + each.what);
        return lines;
    }
    testing::ScratchFolder folder;
    std::size_t checked = 0;
};

TEST_F(Shelf, OfOursHasNothingWrong) {
    EXPECT_EQ(complaints(), std::vector<std::string>{});
    EXPECT_GE(checked, 110u);
}

TEST_F(Shelf, NamesWhatIsWrongAndWhere) {
    const std::string right = testing::read_file(folder.path() / "profiles/cases/patient/valid/usual.json");
    write("profiles/broken.json", "{");
    write("profiles/twice.json", testing::read_file(folder.path() / "profiles/patient.json"));
    write("profiles/contrary.json",
          R"({"resourceType":"StructureDefinition","url":"urn:t:contrary","name":"contrary","status":"draft","kind":"resource",
              "abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient",
              "derivation":"constraint","differential":{"element":[{"id":"Patient.name","path":"Patient.name","min":3,"max":"1"}]}})");
    write("profiles/cases/patient/invalid/usual.json", right);
    write("profiles/cases/patient/valid/nameless.json",
          R"({"resourceType":"Patient","meta":{"profile":["urn:xinglin:profile:patient"]}})");
    write("profiles/cases/patient/stray.json", right);
    const auto found = complaints();
    EXPECT_THAT(found, Contains(HasSubstr("profiles/broken.json")));
    EXPECT_THAT(found, Contains(HasSubstr("profiles/twice.json url is that of profiles/patient.json too")));
    EXPECT_THAT(found, Contains(HasSubstr("profiles/contrary.json")));
    EXPECT_THAT(found, Contains(HasSubstr("invalid/usual.json expected.json does not say what is wrong with it")));
    EXPECT_THAT(found, Contains(HasSubstr("valid/nameless.json errors are [")));
    EXPECT_THAT(found, Contains(HasSubstr("stray.json path is neither")));
    EXPECT_EQ(found.size(), 6u);
}

}  // namespace
}  // namespace xinglin::profile
