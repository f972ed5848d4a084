// SPDX-License-Identifier: Apache-2.0
// What a release promises: everybody who comes out hides among k, and what comes out says no more than that.
#include "bulk/release.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "bulk/written_record_test.h"
#include "testing/testing.h"

namespace xinglin::bulk {
namespace {

class ReleaseTest : public WrittenRecord {
protected:
    /// Thirty of a town and an age, one alone, one with a disease nobody else has.
    void put_town() {
        for (int i = 0; i < 30; ++i)
            put_person(fmt::format("p{}", i), 1980 + i % 5, i % 2 == 0 ? "male" : "female", "130390001002");
        put_person("alone", 1930, "female", "130399009009");
        for (int i = 0; i < 15; ++i) put_diagnosis(fmt::format("c{}", i), fmt::format("p{}", i), "I10.x00");
        put_diagnosis("rare", "p3", "E75.201");
        put_diagnosis("hers", "alone", "I10.x00");
        put(R"({"resourceType":"Organization","id":"o","name":"某镇卫生院"})");
    }
    void put_person(const std::string& id, int born, const std::string& sex, const std::string& division) {
        put(fmt::format(
            R"({{"resourceType":"Patient","id":"{}","name":[{{"text":"张某"}}],"gender":"{}","birthDate":"{}-03-04","maritalStatus":{{"coding":[{{"system":"urn:oid:2.16.156.10011.2.3.3.5","code":"20"}}]}},"address":[{{"district":"测试县","text":"某村","extension":[{{"url":"urn:xinglin:extension:division-code","valueString":"{}"}}]}}],"extension":[{{"url":"urn:xinglin:extension:ethnic-group","valueCodeableConcept":{{"coding":[{{"system":"urn:oid:2.16.156.10011.2.3.3.3","code":"01"}}]}}}}]}})",
            id, sex, born, division));
    }
    void put_diagnosis(const std::string& id, const std::string& patient, const std::string& code) {
        put(fmt::format(
            R"({{"resourceType":"Condition","id":"{}","subject":{{"reference":"Patient/{}"}},"onsetDateTime":"2026-03-01","code":{{"coding":[{{"system":"http://hl7.org/fhir/sid/icd-10","code":"{}"}}]}}}})",
            id, patient, code));
    }
    Result<Release> release(const std::string& name, Order wanted = {},
                            std::function<std::string(std::string_view)> person_of = {}) {
        wanted.packed = false;
        ReleaseAsked asked{
            .name = name, .files = {}, .key = std::string(32, 'k'), .year = 2026, .made_at = "2026-11-23T00:00:00Z"};
        asked.person_of = std::move(person_of);
        Progress progress;
        return Release::make(*store_, wanted, position(), std::move(asked), {}, progress);
    }
    std::string written(const Release& release) {
        const testing::ScratchFolder out;
        Order order;
        order.packed = false;
        RunOptions options;
        options.deidentifier = &release.deidentifier();
        options.release = &release;
        Progress progress;
        std::string all;
        for (const File& file : write_files(*store_, order, position(), out.path(), options, progress))
            all += testing::read_file(out.path() / file.name);
        left_out_ = progress.left_out;
        return all;
    }
    std::vector<std::string> lines(const std::string& text, std::string_view type) {
        std::vector<std::string> found;
        std::size_t at = 0;
        while (at < text.size()) {
            const std::size_t end = text.find('\n', at);
            const std::string line = text.substr(at, end - at);
            if (line.find(fmt::format("\"resourceType\":\"{}\"", type)) != std::string::npos) found.push_back(line);
            at = end + 1;
        }
        return found;
    }
    std::uint64_t left_out_ = 0;
};

TEST_F(ReleaseTest, EverybodyWhoComesOutHidesAmongK) {
    put_town();
    const auto made = release("study");
    ASSERT_TRUE(made.ok()) << made.outcome().line();
    EXPECT_EQ(made->found().after.suppressed, 0u);  // one of 31 is more than two percent: everybody says less instead
    for (int i = 0; i < 40; ++i) put_person(fmt::format("q{}", i), 1980, "male", "130390001002");
    const auto again = release("study");
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->why_not(), "");
    EXPECT_EQ(again->found().after.suppressed, 1u);
    const std::string all = written(*again);
    std::map<std::string, int> classes;
    for (const std::string& line : lines(all, "Patient")) {
        json::Arena arena;
        const json::Value patient = *json::parse(line, arena);
        std::string said;
        for (const json::Member& member : patient.members()) {
            EXPECT_TRUE(member.key() == "resourceType" || member.key() == "id" || member.key() == "meta" ||
                        member.key() == "gender" || member.key() == "extension" || member.key() == "address")
                << member.key();
            if (member.key() != "id" && member.key() != "meta") said += json::write(member.value());
        }
        ++classes[said];
    }
    for (const auto& [said, count] : classes) EXPECT_GE(count, 10) << said;
    EXPECT_EQ(lines(all, "Patient").size(), 70u);
    EXPECT_EQ(all.find("130399"), std::string::npos) << "who is alone is left out";
    EXPECT_EQ(all.find("2026-03-01\""), std::string::npos) << "dates are shifted";
}

TEST_F(ReleaseTest, WhoIsLeftOutIsLeftOutWhollyAndRareDiagnosesAreMasked) {
    put_town();
    for (int i = 0; i < 40; ++i) put_person(fmt::format("q{}", i), 1980, "male", "130390001002");
    const auto made = release("study");
    ASSERT_TRUE(made.ok());
    const std::string all = written(*made);
    EXPECT_EQ(lines(all, "Condition").size(), 16u);  // not hers
    EXPECT_EQ(all.find("E75"), std::string::npos);
    EXPECT_NE(all.find("I10.x00"), std::string::npos);
    EXPECT_TRUE(lines(all, "Organization").empty());
    EXPECT_EQ(left_out_, 3u);  // the institution, she, and her diagnosis
}

TEST_F(ReleaseTest, TwoReleasesShareNoPseudonym) {
    for (int i = 0; i < 20; ++i) put_person(fmt::format("p{}", i), 1980, "male", "130390001002");
    const auto one = release("one"), other = release("other");
    const auto ids = [&](const Release& each) {
        std::set<std::string> found;
        for (const std::string& line : lines(written(each), "Patient")) {
            json::Arena arena;
            found.emplace((*json::parse(line, arena))["id"].string());
        }
        return found;
    };
    for (const std::string& id : ids(*one)) EXPECT_FALSE(ids(*other).contains(id));
}

// Two records of one person are one person in every class, and say the same.
TEST_F(ReleaseTest, RecordsOfOnePersonAreCountedOnce) {
    for (int i = 0; i < 18; ++i) put_person(fmt::format("p{}", i), i % 2 == 0 ? 1980 : 1981, "male", "130390001002");
    EXPECT_TRUE(release("study")->found().reached);
    const auto pairs = [](std::string_view id) { return fmt::format("e{}", std::stoi(std::string(id.substr(1))) / 2); };
    const auto joined = release("study", {}, pairs);
    EXPECT_EQ(joined->found().before.persons, 9u);
    EXPECT_FALSE(joined->found().reached);
}

TEST_F(ReleaseTest, TooFewPersonsGoNowhere) {
    for (int i = 0; i < 9; ++i) put_person(fmt::format("p{}", i), 1980, "male", "130390001002");
    const auto made = release("study");
    EXPECT_FALSE(made->found().reached);
    EXPECT_NE(made->why_not().find("when_missed"), std::string::npos);
}

TEST_F(ReleaseTest, AReleaseIsAWhole) {
    Order since;
    since.since_ms = 1;
    EXPECT_EQ(release("study", since).outcome().issues[0].where, "_since");
    EXPECT_EQ(release("").outcome().issues[0].where, "release");
}

TEST_F(ReleaseTest, TheReportSaysWhatWasDone) {
    for (int i = 0; i < 20; ++i) put_person(fmt::format("p{}", i), 1980 + i % 4, "male", "130390001002");
    const auto made = release("study");
    json::Arena arena;
    const json::Value report = *json::parse(made->report(3), arena);
    EXPECT_EQ(report["release"].string(), "study");
    EXPECT_EQ(report["resources_left_out"].text(), "3");
    EXPECT_EQ(report["before"]["smallest_class"].text(), "5");
    EXPECT_EQ(report["after"]["smallest_class"].text(), "10");
    EXPECT_EQ(report["quasi"].items().size(), 5u);
    EXPECT_NE(made->report_page(3).find("残余风险"), std::string::npos);
}

}  // namespace
}  // namespace xinglin::bulk
