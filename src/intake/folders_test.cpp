// SPDX-License-Identifier: Apache-2.0
// Watched folders: whole files only, each message once, what cannot be read told.
#include "intake/folders.h"

#include <fstream>

#include "intake/test_intake.h"

namespace xinglin::intake {
namespace {

namespace fs = std::filesystem;

class FoldersTest : public ::testing::Test {
protected:
    void SetUp() override {
        house.open();
        house.add("files", "folder", "csv:m");
        house.add("single", "folder", "hl7v2");
        fs::create_directories(inbox());
        fs::create_directories(inbox("single"));
    }
    fs::path inbox(const std::string& source = "files") const { return house.folder.path() / "inbox" / source; }
    void put(const fs::path& file, std::string_view content) const { std::ofstream(file, std::ios::binary) << content; }
    void look() {
        Folders folders({.data = house.folder.path(), .look_every = {}}, *house.intake);
        folders.look();
        folders.look();
        ASSERT_TRUE(house.intake->settle(20));
    }
    static std::string rows(int from, int to) {
        std::string all;
        for (int i = from; i < to; ++i) all += simple(std::to_string(i), std::to_string(i % 5), std::to_string(i), "1") + "\n";
        return all;
    }
    TestIntake house;
};

TEST_F(FoldersTest, EveryRowOfAFileIsAccountedFor) {
    put(inbox() / "day.csv", rows(0, 50) + "#\n" + rows(50, 60) + simple("x", "p", "bad", "?") + "\n");
    look();
    const DayLine day = house.today("files");
    EXPECT_EQ(day.counts.received, 62);
    EXPECT_EQ(day.counts.stored, 60);
    EXPECT_EQ(day.counts.rejected, 2);
    EXPECT_TRUE(fs::exists(inbox() / "done" / "day.csv"));
    EXPECT_EQ(house.intake->errors("files").size(), 2u);
}

TEST_F(FoldersTest, YesterdaysFileAgainIsAllDuplicates) {
    put(inbox() / "day.csv", rows(0, 50));
    look();
    put(inbox() / "day-again.csv", rows(0, 50) + rows(50, 51));
    look();
    const DayLine day = house.today("files");
    EXPECT_EQ(day.counts.received, 101);
    EXPECT_EQ(day.counts.duplicate, 50);
    EXPECT_EQ(day.counts.stored, 51);
}

TEST_F(FoldersTest, ATornFileIsReadAsFarAsItGoesAndTold) {
    put(inbox() / "torn.csv", rows(0, 5) + "##\n" + rows(5, 9));
    look();
    const DayLine day = house.today("files");
    EXPECT_EQ(day.counts.stored, 5);
    EXPECT_EQ(day.counts.rejected, 1);
    EXPECT_TRUE(fs::exists(inbox() / "rejected" / "torn.csv"));
    EXPECT_THAT(testing::read_file(inbox() / "rejected" / "torn.csv.reason.txt"), ::testing::HasSubstr("row 6"));
}

TEST_F(FoldersTest, UnfinishedFilesAreLeftAlone) {
    put(inbox() / "a.csv.part", rows(0, 5));
    put(inbox() / ".hidden", rows(0, 5));
    put(inbox() / "growing.csv", rows(0, 1));
    Folders folders({.data = house.folder.path(), .look_every = {}}, *house.intake);
    folders.look();
    put(inbox() / "growing.csv", rows(0, 3));
    folders.look();
    EXPECT_TRUE(fs::exists(inbox() / "growing.csv")) << "it grew between two looks";
    folders.look();
    ASSERT_TRUE(house.intake->settle(10));
    EXPECT_EQ(house.today("files").counts.stored, 3);
    EXPECT_TRUE(fs::exists(inbox() / "a.csv.part"));
}

TEST_F(FoldersTest, AFileGoesOnWhereItWasWhenWeWereStopped) {
    put(inbox() / "day.csv", rows(0, 200));
    const std::string all = rows(0, 200);
    // As a crash in the middle leaves it: the first eighty rows are in the ledger, with their file and number.
    int number = 0;
    const auto key = fmt::format("day.csv|{}|{}", fs::file_size(inbox() / "day.csv"),
                                 fs::last_write_time(inbox() / "day.csv").time_since_epoch().count());
    for (const std::string_view row : text::split(all, '\n')) {
        if (++number > 80) break;
        Arrival arrival{.source = "files", .bytes = std::string(row), .file = key, .item = number};
        ASSERT_TRUE(house.intake->receive_and_wait(std::move(arrival)).ok());
    }
    house.open();
    look();
    const DayLine day = house.today("files");
    EXPECT_EQ(day.counts.received, 200) << "none twice";
    EXPECT_EQ(day.counts.stored, 200);
}

TEST_F(FoldersTest, AVeryLongFileHoldsUpOnlyItsOwnSource) {
    house.add("quick", "folder", "csv:m");
    fs::create_directories(inbox("quick"));
    const fs::path go_on = house.folder.path() / "go on";
    put(inbox() / "1-long.csv", rows(0, 5) + "wait " + go_on.string() + "\n" + rows(5, 9));
    put(inbox() / "2-next.csv", rows(20, 22));
    Folders folders({.data = house.folder.path(), .look_every = std::chrono::milliseconds(5), .threads = 2}, *house.intake);
    const auto wait_for = [](const fs::path& file) {
        for (int i = 0; i < 4'000 && !fs::exists(file); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return fs::exists(file);
    };
    for (int i = 0; i < 3; ++i) {
        put(inbox("quick") / fmt::format("{}.csv", i), rows(i, i + 1));
        EXPECT_TRUE(wait_for(inbox("quick") / "done" / fmt::format("{}.csv", i)));
    }
    EXPECT_FALSE(fs::exists(inbox() / "done")) << "in order: the next waits for the long one";
    put(go_on, "");
    EXPECT_TRUE(wait_for(inbox() / "done" / "2-next.csv"));
    ASSERT_TRUE(house.intake->settle(20));
    EXPECT_EQ(house.today("files").counts.stored, 11);
    EXPECT_EQ(house.today("quick").counts.stored, 3);
}

TEST_F(FoldersTest, LinesOfNdjsonAreMessagesAndOtherFhirFilesAreOne) {
    house.add("fhir", "folder", "fhir");
    fs::create_directories(inbox("fhir"));
    const auto patient = [](int id) { return fmt::format(R"({{"resourceType":"Patient","id":"p{}"}})", id); };
    put(inbox("fhir") / "1.ndjson", patient(1) + "\r\n\n{\"resourceType\":\n" + patient(2) + "\n" + patient(3));
    put(inbox("fhir") / "2.json", "{\n\"resourceType\":\"Patient\",\n\"id\":\"p4\"}\n");
    put(inbox("fhir") / "3.json", "");
    look();
    const DayLine day = house.today("fhir");
    EXPECT_EQ(day.counts.received, 6);
    EXPECT_EQ(day.counts.stored, 4);
    EXPECT_EQ(day.counts.rejected, 2);
    EXPECT_TRUE(fs::exists(inbox("fhir") / "done" / "1.ndjson"));
    EXPECT_TRUE(fs::exists(inbox("fhir") / "rejected" / "3.json.reason.txt"));
}

TEST_F(FoldersTest, AFileThatIsOneMessage) {
    put(inbox("single") / "good.hl7", simple("1", "p", "o", "1"));
    put(inbox("single") / "empty.hl7", "");
    put(inbox("single") / "bad.hl7", "nonsense");
    look();
    EXPECT_TRUE(fs::exists(inbox("single") / "done" / "good.hl7"));
    EXPECT_TRUE(fs::exists(inbox("single") / "rejected" / "empty.hl7"));
    EXPECT_TRUE(fs::exists(inbox("single") / "rejected" / "bad.hl7.reason.txt"));
    EXPECT_EQ(house.value("o", "single"), "1");
    EXPECT_EQ(house.today("single").counts.rejected, 1);
}

TEST_F(FoldersTest, ALinkOutOfTheFolderIsNotFollowed) {
    fs::create_symlink("/etc/hostname", inbox() / "link.csv");
    look();
    EXPECT_TRUE(fs::is_symlink(inbox() / "link.csv"));
    EXPECT_EQ(house.intake->find({.source = "files"}).total, 0);
}

}  // namespace
}  // namespace xinglin::intake
