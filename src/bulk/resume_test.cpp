// SPDX-License-Identifier: Apache-2.0
// An export that stops goes on where it stopped; and what _elements and _has in _typeFilter ask for.
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <random>
#include <set>

#include "bulk/written_record_test.h"

namespace xinglin::bulk {
namespace {

namespace fs = std::filesystem;

class ResumeTest : public WrittenRecord {
protected:
    testing::ScratchFolder out_;

    Order order(Level level, Parameters parameters = {}) {
        parameters.emplace_back("_compress", "none");
        auto read = read_order(level, "", parameters, false, 0, clock_.now_ms());
        EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.outcome().line());
        return read.ok() ? *read : Order{};
    }
    /// "Type/id" of the lines of the files, with how often each is there.
    std::map<std::string, int> lines(const std::vector<File>& files) {
        std::map<std::string, int> found;
        for (const File& file : files) {
            const std::string text = testing::read_file(out_.path() / file.name);
            EXPECT_EQ(text.size(), file.bytes) << file.name;
            for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
                json::Arena arena;
                const auto value = json::parse(std::string_view(text).substr(at, text.find('\n', at) - at), arena);
                if (!value.ok()) ADD_FAILURE() << file.name << ": a line is cut";
                else ++found[fmt::format("{}/{}", value->find("resourceType").string(), value->find("id").string())];
            }
        }
        return found;
    }
    std::string names(const Order& wanted) {
        Progress progress;
        const auto files = write_files(*store_, wanted, position(), out_.path(), {}, progress);
        std::string all;
        for (const auto& [name, count] : lines(files)) all += (all.empty() ? "" : " ") + name;
        return all;
    }
    std::string text_of(const Order& wanted) {
        Progress progress;
        std::string all;
        for (const File& file : write_files(*store_, wanted, position(), out_.path(), {}, progress))
            all += testing::read_file(out_.path() / file.name);
        return all;
    }
    std::string refused(const Parameters& parameters, bool lenient = false) {
        const auto read = read_order(Level::system, "", parameters, lenient, 0, clock_.now_ms());
        return read.ok() ? "" : read.outcome().line();
    }
};

// The disk is full at the n-th write, for every n; after that there is room again. Meanwhile the record changes.
TEST_F(ResumeTest, AFullDiskAnywhereLosesAndDoublesNothing) {
    constexpr int patients = 90;
    for (int i = 0; i < patients; ++i) {
        put_patient(fmt::format("p{}", i));
        put_observation(fmt::format("o{}", i), fmt::format("p{}", i), "final");
    }
    const Order wanted = order(Level::system);
    const record::Position then = position();
    int stops = 0;
    for (int fails_at = 0;; ++fails_at) {
        for (const auto& entry : fs::directory_iterator(out_.path())) fs::remove(entry.path());
        int writes = 0;
        RunOptions options{.threads = 2, .first_plain = true, .checkpoint_bytes = 0};
        options.write = [&](int descriptor, const char* bytes, std::size_t size) -> long {
            if (writes++ != fails_at) return ::write(descriptor, bytes, size);
            const long half = ::write(descriptor, bytes, size / 2);  // half a line stays behind
            EXPECT_GE(half, 0);
            errno = ENOSPC;
            return -1;
        };
        std::vector<File> files;
        try {
            Progress progress;
            files = write_files(*store_, wanted, then, out_.path(), options, progress);
        } catch (const sql::Broken& broken) {
            EXPECT_EQ(broken.why, sql::Broken::Why::full);
            ++stops;
            const auto left = find_unfinished(out_.path());
            ASSERT_TRUE(left);
            EXPECT_EQ(left->position, then);
            put_patient(fmt::format("late{}", fails_at));
            Progress progress;
            options.write = {};
            files = write_files(*store_, wanted, then, out_.path(), options, progress);
            EXPECT_EQ(progress.written, 2u * patients);
        }
        EXPECT_FALSE(find_unfinished(out_.path()));
        const auto found = lines(files);
        EXPECT_EQ(found.size(), 2u * patients) << "stopped at write " << fails_at;
        for (const auto& [name, count] : found) EXPECT_EQ(count, 1) << name;
        if (writes <= fails_at) break;
        ASSERT_LT(fails_at, 500);
    }
    EXPECT_GT(stops, 5);
}

TEST_F(ResumeTest, AnotherOrderOrAnotherStateBeginsAfresh) {
    for (int i = 0; i < 40; ++i) put_patient(fmt::format("p{}", i));
    RunOptions options{.threads = 1, .checkpoint_bytes = 0};
    int writes = 0;
    options.write = [&](int descriptor, const char* bytes, std::size_t size) -> long {
        if (++writes < 2) return ::write(descriptor, bytes, size);
        errno = EIO;
        return -1;
    };
    Progress broken_off;
    EXPECT_THROW(write_files(*store_, order(Level::system), position(), out_.path(), options, broken_off), sql::Broken);
    EXPECT_GT(find_unfinished(out_.path())->written, 0u);
    Progress progress;
    const auto files = write_files(*store_, order(Level::system, {{"_type", "Patient"}}), position(), out_.path(), {}, progress);
    EXPECT_EQ(lines(files).size(), 40u);
    EXPECT_EQ(progress.written, 40u);
}

TEST_F(ResumeTest, HasIsAnsweredFromTheStateThen) {
    for (const char* id : {"a", "b", "c", "d"}) put_patient(id);
    put_observation("oa", "a", "final");
    put_observation("ob", "b", "preliminary");
    put_observation("oc", "c", "final");
    put(R"({"resourceType":"DiagnosticReport","id":"r","status":"final","code":{"text":"x"},"result":[{"reference":"Observation/oc"}]})");
    const Order wanted =
        order(Level::system, {{"_type", "Patient"}, {"_typeFilter", "Patient?_has:Observation:patient:status=final"}});
    EXPECT_EQ(names(wanted), "Patient/a Patient/c");
    const record::Position then = position();
    put_observation("oa", "d", "final");
    EXPECT_EQ(names(wanted), "Patient/c Patient/d");
    Progress progress;
    EXPECT_EQ(lines(write_files(*store_, wanted, then, out_.path(), {}, progress)).size(), 2u) << "as of then";
    EXPECT_EQ(names(order(Level::system,
                          {{"_type", "Patient"},
                           {"_typeFilter", "Patient?_has:Observation:patient:_has:DiagnosticReport:result:status=final"}})),
              "Patient/c");
    EXPECT_EQ(names(order(Level::system,
                          {{"_type", "Patient"}, {"_typeFilter", "Patient?_has:Observation:patient:status=final&_id=d"}})),
              "Patient/d");
    EXPECT_NE(refused({{"_typeFilter", "Observation?patient._has:Observation:patient:status=final"}}).find("behind a chain"),
              std::string::npos);
}

TEST_F(ResumeTest, ElementsAreWhatWasAskedAndWhatMustBeThere) {
    put(R"({"resourceType":"Patient","id":"a","gender":"male","birthDate":"1950-01-01","_birthDate":{"id":"x"},"active":true})");
    put_observation("o", "a", "final");
    const std::string some = text_of(order(Level::system, {{"_elements", "Patient.birthDate"}}));
    EXPECT_NE(some.find(R"("birthDate":"1950-01-01","_birthDate")"), std::string::npos) << some;
    EXPECT_EQ(some.find("gender"), std::string::npos);
    EXPECT_NE(some.find(R"("active":true)"), std::string::npos) << "a modifier stays";
    EXPECT_NE(some.find(R"("subject":{"reference":"Patient/a"})"), std::string::npos) << "other types are whole";
    EXPECT_NE(some.find("SUBSETTED"), std::string::npos);
    const std::string all = text_of(order(Level::system, {{"_elements", "id,gender"}}));
    EXPECT_EQ(all.find("subject"), std::string::npos);
    EXPECT_NE(all.find(R"("status":"final")"), std::string::npos) << "required";
    EXPECT_NE(all.find("gender"), std::string::npos);
    EXPECT_NE(refused({{"_elements", "Patient.nonsense"}}).find("_elements: \"Patient.nonsense\" is no element of Patient"),
              std::string::npos);
    EXPECT_NE(refused({{"_elements", "nonsense"}}).find("_elements"), std::string::npos);
    EXPECT_EQ(refused({{"_elements", "nonsense"}}, true), "");
}

TEST_F(ResumeTest, AJobTellsItsTypesAndFiltersAsLists) {
    Job job;
    job.parameters = {
        {"_type", "Patient,Observation"}, {"_type", "Group"}, {"_typeFilter", "Observation?code=a,b,Patient?gender=male"}};
    const std::string text = json_of(job, "/fhir", 0, false);
    EXPECT_NE(text.find(R"("types":["Patient","Observation","Group"])"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("type_filter":["Observation?code=a,b","Patient?gender=male"])"), std::string::npos) << text;
}

TEST_F(ResumeTest, WhatIsNotOfferedIsRefusedByName) {
    for (const char* name : {"includeAssociatedData", "organizeOutputBy", "allowPartialManifests"}) {
        const std::string line = refused({{name, "x"}});
        EXPECT_TRUE(line.starts_with(name)) << line;
        EXPECT_NE(line.find("is not offered"), std::string::npos) << line;
        EXPECT_EQ(refused({{name, "x"}}, true), "") << "lenient";
    }
    EXPECT_NE(refused({{"_typeFilter", "Observation?code:in=http://example.org/set"}}).find("name the codes"), std::string::npos);
}

}  // namespace
}  // namespace xinglin::bulk
