// SPDX-License-Identifier: Apache-2.0
// What an export promises: one state, whole, whatever happens meanwhile.
#include "bulk/bulk.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <unistd.h>
#include <cerrno>
#include <fstream>
#include <random>
#include <set>

#include "bulk/written_record_test.h"

namespace xinglin::bulk {
namespace {

namespace fs = std::filesystem;
const access::Viewer viewer = access::Viewer::program("test");

std::string unpacked(const std::string& packed) {
    z_stream stream{};
    inflateInit2(&stream, 15 + 16);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    std::string plain;
    char piece[65536];
    while (stream.avail_in > 0) {
        stream.next_out = reinterpret_cast<Bytef*>(piece);
        stream.avail_out = sizeof piece;
        const int status = inflate(&stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END) break;
        plain.append(piece, sizeof piece - stream.avail_out);
        if (status == Z_STREAM_END) inflateReset(&stream);
    }
    inflateEnd(&stream);
    return plain;
}

class BulkTest : public WrittenRecord {
protected:
    void erase(std::string_view type, std::string_view id) {
        ASSERT_TRUE(store_
                        ->submit_and_wait([&](record::Transaction& t) -> Result<Done> {
                            t.erase(*fhir::find_resource(type), id);
                            return Done{};
                        })
                        .ok());
    }
    Order order(Level level, const Parameters& parameters = {}, std::string_view group = "") {
        auto read = read_order(level, group, parameters, false, 0, clock_.now_ms());
        EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.outcome().line());
        return read.ok() ? *read : Order{};
    }
    std::string refused(Level level, const Parameters& parameters) {
        const auto read = read_order(level, "", parameters, false, 0, clock_.now_ms());
        return read.ok() ? "" : read.outcome().line();
    }
    /// "Type/id/version" of everything written, deletions as "-Type/id", sorted.
    std::string written(const Order& wanted, std::optional<record::Position> as_of = {}, RunOptions options = {}) {
        const testing::ScratchFolder out;
        Progress progress;
        const auto files = write_files(*store_, wanted, as_of ? *as_of : position(), out.path(), options, progress);
        std::set<std::string> found;
        std::uint64_t count = 0;
        for (const File& file : files) {
            std::string text = testing::read_file(out.path() / file.name);
            EXPECT_EQ(text.size(), file.bytes);
            if (wanted.packed) text = unpacked(text);
            EXPECT_EQ(text.size(), file.plain_bytes);
            EXPECT_EQ(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')), file.count);
            count += file.count;
            gather(text, found);
        }
        EXPECT_EQ(found.size(), count) << "nothing twice";
        EXPECT_EQ(progress.written, count);
        std::string all;
        for (const std::string& each : found) all += (all.empty() ? "" : " ") + each;
        return all;
    }
    static void gather(const std::string& text, std::set<std::string>& found) {
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = text.find('\n', at);
            json::Arena arena;
            const auto value = json::parse(text.substr(at, end - at), arena);
            ASSERT_TRUE(value.ok());
            const json::Value one = *value;
            if (one["resourceType"].string() == "Bundle") {
                EXPECT_EQ(one["type"].string(), "transaction");
                found.insert("-" + std::string(one["entry"][0]["request"]["url"].string()));
            } else {
                found.insert(
                    fmt::format("{}/{}/{}", one["resourceType"].string(), one["id"].string(), one["meta"]["versionId"].string()));
            }
            at = end + 1;
        }
    }
};

TEST_F(BulkTest, WritesEverythingThereIsNow) {
    put_patient("a");
    put_patient("a", "female");
    put_observation("o", "a");
    put_patient("gone");
    erase("Patient", "gone");
    put(R"({"resourceType":"Organization","id":"org"})");
    EXPECT_EQ(written(order(Level::system)), "Observation/o/1 Organization/org/1 Patient/a/2");
    EXPECT_EQ(written(order(Level::system, {{"_type", "Patient,Organization"}})), "Organization/org/1 Patient/a/2");
    EXPECT_EQ(written(order(Level::system, {{"_compress", "none"}})), "Observation/o/1 Organization/org/1 Patient/a/2");
    EXPECT_EQ(written(order(Level::patient)), "Observation/o/1 Patient/a/2");
}

TEST_F(BulkTest, IsTheRecordAsOfItsPositionWhateverIsWrittenMeanwhile) {
    put_patient("a");
    put_observation("o", "a");
    put_patient("b");
    const record::Position then = position();
    put_patient("a", "other");
    erase("Patient", "b");
    put_patient("c");
    put_observation("o", "c");  // has changed hands since
    EXPECT_EQ(written(order(Level::system), then), "Observation/o/1 Patient/a/1 Patient/b/1");
    EXPECT_EQ(written(order(Level::patient, {{"patient", "Patient/a"}}), then), "Observation/o/1 Patient/a/1");
    EXPECT_EQ(written(order(Level::patient, {{"patient", "Patient/b"}}), then), "Patient/b/1");
    EXPECT_EQ(written(order(Level::patient, {{"patient", "Patient/c"}})), "Observation/o/2 Patient/c/1");
    EXPECT_EQ(written(order(Level::system), 0), "");
}

TEST_F(BulkTest, SinceTellsChangesAndDeletions) {
    put_patient("old");
    put_patient("gone");
    clock_.move(60'000);
    const std::string since = calendar::instant_text(clock_.now_ms());
    put_patient("new");
    erase("Patient", "gone");
    clock_.move(60'000);
    const std::string until = calendar::instant_text(clock_.now_ms());
    put_patient("late");
    EXPECT_EQ(written(order(Level::system, {{"_since", since}})), "-Patient/gone Patient/late/1 Patient/new/1");
    EXPECT_EQ(written(order(Level::system, {{"_since", since}, {"_until", until}})), "-Patient/gone Patient/new/1")
        << "a day's export";
}

TEST_F(BulkTest, GroupsAreTheirMembersThen) {
    put_patient("a");
    put_patient("b");
    put_patient("c");
    put_observation("oa", "a");
    put_observation("ob", "b");
    put_observation("oc", "c");
    put(R"({"resourceType":"Observation","id":"by","status":"final","code":{"text":"x"},"performer":[{"reference":"Patient/a"}]})");
    put(R"({"resourceType":"Observation","id":"about","status":"final","code":{"text":"x"},"focus":[{"reference":"Patient/a"}]})");
    put(R"({"resourceType":"Group","id":"g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/a"}},{"entity":{"reference":"Patient/b"},"inactive":true}]})");
    const record::Position then = position();
    put(R"({"resourceType":"Group","id":"g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/c"}}]})");
    EXPECT_EQ(written(order(Level::group, {}, "g"), then), "Group/g/1 Observation/by/1 Observation/oa/1 Patient/a/1")
        << "what is about someone is not in the compartment, what was done by them is";
    EXPECT_EQ(written(order(Level::group, {{"_type", "Patient"}}, "g")), "Patient/c/1");
}

TEST_F(BulkTest, TypeFiltersAreSearchesOfTheStateThen) {
    put_patient("a", "female");
    put_patient("b", "male");
    put_observation("oa", "a", "final");
    put_observation("ob", "b", "final");
    put_observation("oc", "b", "preliminary");
    EXPECT_EQ(written(order(Level::system, {{"_typeFilter", "Observation?status=final"}})),
              "Observation/oa/1 Observation/ob/1 Patient/a/1 Patient/b/1");
    EXPECT_EQ(
        written(order(Level::system, {{"_type", "Observation"},
                                      {"_typeFilter", "Observation?status=preliminary,Observation?patient.gender=female"}})),
        "Observation/oa/1 Observation/oc/1");
    EXPECT_EQ(written(order(Level::system, {{"_type", "Observation"},
                                            {"_typeFilter", "Observation?status=final,preliminary&subject=Patient/b"}})),
              "Observation/ob/1 Observation/oc/1");
    const record::Position then = position();
    put_observation("oa", "a", "cancelled");
    EXPECT_EQ(written(order(Level::system, {{"_type", "Observation"}, {"_typeFilter", "Observation?status=final"}}), then),
              "Observation/oa/1 Observation/ob/1");
}

TEST_F(BulkTest, RefusesWhatItCannotDoAndNamesIt) {
    EXPECT_NE(refused(Level::system, {{"_typ", "Patient"}}).find("_typ: is not a parameter"), std::string::npos);
    EXPECT_NE(refused(Level::system, {{"_type", "Patients"}}).find("_type: \"Patients\" is not a resource type"),
              std::string::npos);
    EXPECT_NE(refused(Level::patient, {{"_type", "Organization"}}).find("in no patient's compartment"), std::string::npos);
    EXPECT_NE(refused(Level::system, {{"_since", "yesterday"}}).find("_since: must be an instant"), std::string::npos);
    EXPECT_NE(refused(Level::system, {{"_outputFormat", "text/csv"}}).find("_outputFormat"), std::string::npos);
    EXPECT_NE(refused(Level::system, {{"_typeFilter", "Observation?nonsense=1"}}).find("_typeFilter nonsense"),
              std::string::npos);
    EXPECT_NE(refused(Level::system, {{"_typeFilter", "Patient?_sort=name"}}).find("only hold conditions"), std::string::npos);
    EXPECT_NE(refused(Level::system, {{"_type", "Patient"}, {"_typeFilter", "Observation?status=final"}}).find("leaves out"),
              std::string::npos);
    EXPECT_NE(refused(Level::system, {{"patient", "Patient/a"}}).find("patient: belongs to"), std::string::npos);
    EXPECT_NE(refused(Level::patient, {{"patient", "Patient/a/b"}}).find("must be a reference"), std::string::npos);
    EXPECT_NE(refused(Level::system, {{"_since", "2026-01-02"}, {"_until", "2026-01-01"}}).find("_until"), std::string::npos);
    EXPECT_EQ(refused(Level::system, {{"_outputFormat", "ndjson"}, {"_format", "json"}}), "");
    EXPECT_TRUE(read_order(Level::system, "", {{"_typ", "x"}, {"_type", "Patients,Patient"}}, true, 0, 0).ok()) << "lenient";
}

TEST_F(BulkTest, ScopesDecideWhatASystemGets) {
    access::Viewer system{.name = "system", .role = access::Role::system, .scope = "system/Patient.rs system/Group.r"};
    Order all = order(Level::system);
    ASSERT_TRUE(admit(all, system).ok());
    EXPECT_EQ(all.types.size(), 2u);
    EXPECT_EQ(order(Level::system, all.written).types.size(), 2u) << "kept when the job is read again";
    Order observations = order(Level::system, {{"_type", "Observation"}});
    EXPECT_EQ(admit(observations, system).outcome().code(), IssueCode::forbidden);
    access::Viewer doctor{.name = "doctor", .role = access::Role::clinician};
    EXPECT_EQ(admit(all, doctor).outcome().code(), IssueCode::forbidden);
    access::Viewer chief{.name = "chief", .role = access::Role::administrator};
    EXPECT_TRUE(admit(observations, chief).ok());
}

// Law: whatever was written, the export of a position is what a reader of that position sees, however it is cut up.
TEST_F(BulkTest, AgreesWithReadingEachResourceAtEveryPosition) {
    const auto seed = testing::seed();
    std::mt19937_64 random(seed);
    const auto one_of = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    for (int i = 0; i < 200; ++i) {
        const std::string p = fmt::format("p{}", one_of(8)), o = fmt::format("o{}", one_of(15));
        const int what = one_of(10);
        if (what < 3) put_patient(p, one_of(2) ? "male" : "female");
        else if (what < 8) put_observation(o, p, one_of(2) ? "final" : "amended");
        else if (store_->reader(viewer).read(*fhir::find_resource("Observation"), o).ok()) erase("Observation", o);
    }
    for (int i = 0; i < 20; ++i) {
        const record::Position then = one_of(static_cast<int>(position()) + 1);
        std::set<std::string> expected;
        for (const auto& [type, letter, count] : {std::tuple{"Patient", 'p', 8}, std::tuple{"Observation", 'o', 15}}) {
            for (int n = 0; n < count; ++n) {
                const auto found = store_->reader(viewer).read(*fhir::find_resource(type), fmt::format("{}{}", letter, n), then);
                if (found.ok()) expected.insert(fmt::format("{}/{}/{}", type, found->id, found->version));
            }
        }
        std::string all;
        for (const std::string& each : expected) all += (all.empty() ? "" : " ") + each;
        EXPECT_EQ(written(order(Level::system), then, {.threads = 3, .part_resources = 5}), all) << "XINGLIN_SEED=" << seed;
    }
}

TEST_F(BulkTest, AFullDiskIsNamedWithItsRemedy) {
    for (int i = 0; i < 50; ++i) put_patient(fmt::format("p{}", i));
    RunOptions options;
    options.write = [](int, const char*, std::size_t) -> long {
        errno = ENOSPC;
        return -1;
    };
    try {
        written(order(Level::system), {}, options);
        FAIL() << "nothing was thrown";
    } catch (const sql::Broken& broken) {
        EXPECT_EQ(broken.why, sql::Broken::Why::full);
        EXPECT_NE(std::string(broken.what()).find("the disk is full"), std::string::npos) << broken.what();
        EXPECT_NE(std::string(broken.what()).find("free space"), std::string::npos);
    }
    options.write = {};
    options.disk_reserve_bytes = UINT64_MAX;
    try {
        written(order(Level::system), {}, options);
        FAIL() << "nothing was thrown";
    } catch (const sql::Broken& broken) {
        EXPECT_NE(std::string(broken.what()).find("kept for the record"), std::string::npos) << broken.what();
    }
}

// ---- jobs -------------------------------------------------------------------------------------------------------------

class ExportsTest : public BulkTest {
protected:
    Job wait(Exports& exports, const std::string& id) {
        for (int i = 0; i < 5'000; ++i) {
            const auto job = exports.find(id);
            if (!job || job->is_over()) return job.value_or(Job{});
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        ADD_FAILURE() << "the export did not end";
        return {};
    }
    fs::path folder_of(const std::string& id) { return folder_.path() / "exports" / id; }
    static std::size_t files_in(const fs::path& folder) {
        std::size_t count = 0;
        std::error_code ignored;
        for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder, ignored)) ++count;
        return count;
    }
};

TEST_F(ExportsTest, AJobRunsIsKeptOverAStopAndIsForgottenAfterAWeek) {
    put_patient("a");
    std::string id;
    {
        std::atomic<int> told = 0;
        Exports exports(*store_, clock_, {}, [&](const Job&) { ++told; });
        id = *exports.add(order(Level::system), "chief", "http://x/fhir/$export");
        const Job job = wait(exports, id);
        EXPECT_EQ(job.state, Job::State::done) << job.error;
        EXPECT_EQ(job.resources, 1u);
        EXPECT_EQ(job.position, 1);
        ASSERT_EQ(job.files.size(), 1u);
        EXPECT_TRUE(fs::exists(exports.path_of(job, job.files[0])));
        for (int i = 0; i < 2'000 && told < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        EXPECT_GE(told, 2);
        EXPECT_NE(
            manifest_of(job, "http://x/fhir").find("\"url\":\"http://x/fhir/bulk/" + id + "/Patient.1.ndjson.gz\",\"count\":1"),
            std::string::npos);
    }
    {
        Exports exports(*store_, clock_);
        ASSERT_TRUE(exports.find(id));
        EXPECT_EQ(exports.find(id)->state, Job::State::done);
        EXPECT_EQ(exports.find(id)->files.size(), 1u);
        EXPECT_EQ(exports.find(id)->request, "http://x/fhir/$export");
    }
    clock_.move(kept_ms + 1);
    Exports exports(*store_, clock_);
    for (int i = 0; i < 2'000 && exports.find(id); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_FALSE(exports.find(id));
    EXPECT_FALSE(fs::exists(folder_of(id)));
}

TEST_F(ExportsTest, AnInterruptedJobBeginsAgainAsOfTheSamePosition) {
    for (int i = 0; i < 20; ++i) put_patient(fmt::format("p{}", i));
    std::string id;
    {
        std::atomic<bool> writing = false, go_on = false;
        RunOptions slow;
        slow.write = [&](int descriptor, const char* bytes, std::size_t size) -> long {
            writing = true;
            while (!go_on) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            return ::write(descriptor, bytes, size);
        };
        Exports exports(*store_, clock_, slow);
        id = *exports.add(order(Level::system), "chief", "");
        while (!writing) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        put_patient("later");
        std::thread ending([&] { exports.close(); });
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        go_on = true;
        ending.join();
    }
    Exports exports(*store_, clock_);
    const Job job = wait(exports, id);
    EXPECT_EQ(job.state, Job::State::done) << job.error;
    EXPECT_EQ(job.resources, 20u) << "not the one that came later";
    std::ofstream(folder_of(id) / "stray", std::ios::binary) << "x";
    fs::create_directories(folder_of("half-begun"));
    Exports again(*store_, clock_);
    EXPECT_FALSE(fs::exists(folder_of("half-begun"))) << "never promised";
}

TEST_F(ExportsTest, AFullDiskFailsTheJobAndLeavesNothingBehind) {
    put_patient("a");
    RunOptions full;
    full.write = [](int, const char*, std::size_t) -> long {
        errno = ENOSPC;
        return -1;
    };
    Exports exports(*store_, clock_, full);
    const std::string id = *exports.add(order(Level::system), "chief", "");
    const Job job = wait(exports, id);
    EXPECT_EQ(job.state, Job::State::failed);
    EXPECT_NE(job.error.find("the disk is full"), std::string::npos) << job.error;
    EXPECT_EQ(files_in(folder_of(id)), 1u) << "the job itself alone";
    put_patient("b");  // the store goes on
    EXPECT_EQ(wait(exports, *exports.add(order(Level::system), "chief", "")).state, Job::State::failed) << "and so do the jobs";
}

TEST_F(ExportsTest, CancellingAndRemovingStopTheWork) {
    put_patient("a");
    std::atomic<bool> go_on = false;
    RunOptions slow;
    slow.write = [&](int descriptor, const char* bytes, std::size_t size) -> long {
        while (!go_on) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return ::write(descriptor, bytes, size);
    };
    Exports exports(*store_, clock_, slow);
    const std::string first = *exports.add(order(Level::system), "chief", ""),
                      second = *exports.add(order(Level::system), "chief", "");
    EXPECT_TRUE(exports.cancel(second).ok());
    EXPECT_EQ(exports.find(second)->state, Job::State::cancelled);
    EXPECT_EQ(exports.cancel(second).outcome().code(), IssueCode::conflict);
    EXPECT_TRUE(exports.remove(second).ok());
    EXPECT_FALSE(exports.find(second));
    EXPECT_FALSE(fs::exists(folder_of(second)));
    EXPECT_EQ(exports.cancel("nothing").outcome().code(), IssueCode::not_found);
    EXPECT_TRUE(exports.cancel(first).ok());
    go_on = true;
    const Job job = wait(exports, first);
    EXPECT_EQ(job.state, Job::State::cancelled);
    EXPECT_EQ(files_in(folder_of(first)), 1u);
}

TEST_F(ExportsTest, RefusesStrangersAndTooMany) {
    std::atomic<bool> go_on = false;
    RunOptions slow;
    slow.write = [&](int, const char*, std::size_t size) -> long {
        while (!go_on) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return static_cast<long>(size);
    };
    put_patient("a");
    Exports exports(*store_, clock_, slow);
    EXPECT_EQ(exports.add(order(Level::group, {}, "nobody"), "chief", "").outcome().code(), IssueCode::not_found);
    EXPECT_EQ(exports.add(order(Level::patient, {{"patient", "Patient/none"}}), "chief", "").outcome().code(),
              IssueCode::not_found);
    std::size_t taken = 0;
    while (taken < 100 && exports.add(order(Level::system), "chief", "").ok()) ++taken;
    EXPECT_GE(taken, Exports::waiting_most);
    EXPECT_LE(taken, Exports::waiting_most + 1);
    go_on = true;
}

}  // namespace
}  // namespace xinglin::bulk
