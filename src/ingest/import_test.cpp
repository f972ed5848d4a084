// SPDX-License-Identifier: Apache-2.0
// What an import promises: everything readable is stored once, everything else is named with its reason.
#include "ingest/import.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>
#include <fstream>

#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::ingest {
namespace {

namespace fs = std::filesystem;

class ImportTest : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder data, input;
    xinglin::testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(
            data.path(), clock, {.readers = 2, .offset_minutes = 480, .store = xinglin::testing::store_beside(data.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    fs::path file(std::string_view name, std::string_view content) {
        const fs::path path = input.path() / name;
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }
    ImportFigures run(const std::vector<fs::path>& paths, ImportOptions options = {}) {
        Importer importer(*store, options);
        auto figures = importer.run(paths, "test file");
        if (!figures.ok()) throw std::runtime_error(figures.outcome().line());
        EXPECT_EQ(figures->read, figures->stored + figures->unchanged + figures->rejected);
        return *figures;
    }
    std::string rejected(const ImportFigures& figures) {
        return figures.rejected_file.empty() ? "" : xinglin::testing::read_file(figures.rejected_file);
    }
    std::string body(std::string_view type, std::string_view id) {
        auto found = store->reader(access::Viewer::program("test")).read(*fhir::find_resource(type), id);
        return found.ok() ? found->body : "refused: " + found.outcome().line();
    }
};

std::string gzip(std::string_view text) {
    std::string out(compressBound(text.size()) + 64, '\0');
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}
std::string zstd(std::string_view text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
}
std::string patients(int from, int to) {
    std::string lines;
    for (int i = from; i < to; ++i)
        lines += R"({"resourceType":"Patient","id":"p)" + std::to_string(i) + R"(","birthDate":"1950-01-01"})" + "\n";
    return lines;
}

TEST_F(ImportTest, TakesLinesBundlesAndSingleResourcesPackedOrPlain) {
    file("a.ndjson", patients(0, 100));
    file("b.ndjson.gz", gzip(patients(100, 200)) + gzip(patients(200, 300)));
    file("c.jsonl.zst", zstd(patients(300, 400)));
    file("d.json", R"({"resourceType":"Patient","id":"single"})");
    file("e.json", patients(400, 410));
    file("readme.txt", "not for import");
    const auto figures = run({input.path()});
    EXPECT_EQ(figures.stored, 411u);
    EXPECT_EQ(figures.rejected, 0u) << rejected(figures);
    EXPECT_EQ(figures.bytes, figures.bytes_done);
    EXPECT_NE(body("Patient", "p250").find("1950-01-01"), std::string::npos);
}

TEST_F(ImportTest, RunAgainItStoresNothingTwice) {
    const auto path = file("a.ndjson", patients(0, 50) + R"({"resourceType":"Patient","gender":"male"})" + "\n");
    EXPECT_EQ(run({path}).stored, 51u);
    const auto again = run({path});
    EXPECT_EQ(again.stored, 0u);
    EXPECT_EQ(again.unchanged, 51u);
}

TEST_F(ImportTest, TakesTheDeletionsOfAnExport) {
    run({file("a.ndjson", patients(0, 3))});
    const auto line = [](std::string_view url) {
        return fmt::format(
                   R"({{"resourceType":"Bundle","type":"transaction","entry":[{{"request":{{"method":"DELETE","url":"{}"}}}}]}})",
                   url) +
               "\n";
    };
    const auto path =
        file("deleted.1.ndjson", line("Patient/p1") + line("Patient/nobody") + line("nonsense") + line("Patient/p1"));
    const auto figures = run({path});
    EXPECT_EQ(figures.stored, 1u);
    EXPECT_EQ(figures.unchanged, 2u);
    EXPECT_EQ(figures.rejected, 1u);
    EXPECT_NE(rejected(figures).find("request.url: must be a type and an id"), std::string::npos);
    EXPECT_EQ(body("Patient", "p1"), "refused: Patient: this resource has been deleted; its history is still there");
}

TEST_F(ImportTest, BundlesOfAFileNamedAfterThemAreResources) {
    const std::string bundle =
        R"({"resourceType":"Bundle","id":"b","type":"document","entry":[{"resource":{"resourceType":"Patient","id":"x"}}]})";
    run({file("Bundle.1.ndjson", bundle + "\n")});
    EXPECT_NE(body("Bundle", "b").find("document"), std::string::npos);
    EXPECT_NE(body("Patient", "x").find("refused"), std::string::npos);
}

TEST_F(ImportTest, BundlesKeepTheirLinksUnderTheEntriesOwnIds) {
    const auto path = file("b.json", R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"fullUrl":"urn:uuid:1111","resource":{"resourceType":"Patient","id":"p1"},"request":{"method":"POST","url":"Patient"}},
        {"fullUrl":"urn:uuid:2222","resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:1111"},"encounter":{"reference":"urn:uuid:3333"}},
         "request":{"method":"POST","url":"Observation"}},
        {"fullUrl":"urn:uuid:3333","resource":{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"}},"request":{"method":"POST","url":"Encounter"}},
        {"request":{"method":"DELETE","url":"Patient/9"}}]})");
    const auto figures = run({path});
    EXPECT_EQ(figures.stored, 3u);
    EXPECT_EQ(figures.unchanged, 1u) << "who was never there needs no deletion";
    EXPECT_NE(
        body("Observation", "2222").find(R"("subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"})"),
        std::string::npos)
        << body("Observation", "2222");
}

TEST_F(ImportTest, ConditionalReferencesWaitForTheirTargetsThenBecomeLogical) {
    file("a.json", R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"performer":[
            {"reference":"Practitioner?identifier=urn:x|1","display":"Dr A"},{"reference":"Practitioner?identifier=urn:x|2","display":"Dr B"}]},
         "request":{"method":"POST","url":"Observation"}}]})");
    file("b.json", R"({"resourceType":"Bundle","type":"batch","entry":[
        {"resource":{"resourceType":"Practitioner","id":"d1","identifier":[{"system":"urn:x","value":"1"}]},"request":{"method":"POST","url":"Practitioner"}}]})");
    const auto figures = run({input.path()});
    EXPECT_EQ(figures.stored, 2u) << rejected(figures);
    EXPECT_NE(
        body("Observation", "o1")
            .find(
                R"([{"reference":"Practitioner/d1","display":"Dr A"},{"display":"Dr B","type":"Practitioner","identifier":{"system":"urn:x","value":"2"}}])"),
        std::string::npos)
        << body("Observation", "o1");
}

TEST_F(ImportTest, WhatIsBrokenIsNamedAndTheRestGoesOn) {
    file("a.ndjson", patients(0, 3) + "{\"resourceType\":\"Patient\",\"id\":\"half\n" +
                         R"({"resourceType":"Patient","id":"x","gender":"maybe"})" + "\n" +
                         "{\"resourceType\":\"Patient\",\"id\":\"gb\",\"name\":[{\"text\":\"\xd5\xc5\xc8\xfd\"}]}\n" +
                         patients(3, 6));
    file("b.json", R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient",)");
    std::string torn = gzip(patients(10, 2'000));
    file("c.ndjson.gz", torn.substr(0, torn.size() / 2));
    std::string flipped = gzip(R"({"resourceType":"Patient","id":"flipped"})");
    flipped[15] = static_cast<char>(~flipped[15]);
    file("d.json.gz", flipped);
    file("e.json", std::string(10'000, '[') + std::string(10'000, ']'));
    file("f.json", "");
    file("g.json", R"({"resourceType":"Patient","id":"last"})");
    const auto figures = run({input.path()});
    const std::string named = rejected(figures);
    EXPECT_NE(named.find(R"("source":"a.ndjson","line":4)"), std::string::npos);
    EXPECT_NE(named.find(R"("line":5,"reason":"Patient.gender)"), std::string::npos) << named;
    EXPECT_NE(named.find("GB18030"), std::string::npos);
    EXPECT_NE(named.find("resource_base64"), std::string::npos);
    EXPECT_NE(named.find(R"("source":"b.json")"), std::string::npos);
    EXPECT_NE(named.find("gzip data ends too early"), std::string::npos);
    EXPECT_NE(named.find(R"("source":"d.json.gz")"), std::string::npos);
    EXPECT_NE(named.find(R"("source":"e.json")"), std::string::npos);
    EXPECT_NE(named.find(R"("reason":"is empty")"), std::string::npos);
    EXPECT_NE(body("Patient", "last").find("last"), std::string::npos);
    EXPECT_NE(body("Patient", "p5").find("p5"), std::string::npos);
    EXPECT_GT(figures.stored, 100u) << "the readable half of c";
}

TEST_F(ImportTest, ALaterLineOfTheSameResourceWins) {
    const auto path = file("a.ndjson", R"({"resourceType":"Patient","id":"p","birthDate":"1950"})"
                                       "\n"
                                       R"({"resourceType":"Patient","id":"p","birthDate":"1951"})"
                                       "\n");
    run({path});
    EXPECT_NE(body("Patient", "p").find("1951"), std::string::npos);
}

TEST_F(ImportTest, FilesBeyondTheLimitAreRefusedWithoutUnpackingThem) {
    file("bomb.json.gz", gzip(std::string(20u << 20, ' ')));
    file("b.json", R"({"resourceType":"Patient","id":"b"})");
    const auto figures = run({input.path()}, {.file_bytes = 1u << 20});
    EXPECT_EQ(figures.stored, 1u);
    EXPECT_NE(rejected(figures).find("larger than 1 MiB"), std::string::npos);
}

TEST_F(ImportTest, RefusesPathsThatAreNotThere) {
    Importer importer(*store);
    const auto refused = importer.run({input.path() / "nothing.json"}, "x");
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.outcome().line().find("nothing.json"), std::string::npos);
}

TEST_F(ImportTest, StopsWhenCancelled) {
    for (int i = 0; i < 60; ++i) file("a" + std::to_string(i) + ".ndjson", patients(i * 100, i * 100 + 100));
    const auto& path = input.path();
    Importer importer(*store, {.batch_resources = 100});
    const auto figures = importer.run({path}, "x", [&](const ImportFigures&) { importer.cancel(); });
    ASSERT_TRUE(figures.ok());
    EXPECT_TRUE(figures->cancelled);
    EXPECT_LT(figures->stored, 6'000u);
}

TEST_F(ImportTest, SampleRecordsArriveWhole) {
    const fs::path samples = fs::path(XINGLIN_SOURCE_DIR) / "content" / "samples";
    const auto files = xinglin::testing::files_below(samples, ".json.gz");
    ASSERT_GT(files.size(), 5u);
    const auto figures = run({files.begin(), files.begin() + 6});
    EXPECT_GT(figures.stored, 500u);
    EXPECT_EQ(figures.rejected, 0u) << rejected(figures).substr(0, 2'000);
    EXPECT_EQ(run({files.begin(), files.begin() + 6}).stored, 0u);
}

// Whole patients, all that are at hand: stored without a rejection, indexed to the last row, and not stored twice.
TEST_F(ImportTest, TakesEverySyntheticPatientAtHand) {
    fs::path folder = fs::path(XINGLIN_SOURCE_DIR) / "content" / "samples";
    if (const fs::path shared = xinglin::testing::shared_data(); !shared.empty()) folder = shared / "synthea";
    const auto first = run({folder});
    EXPECT_EQ(first.rejected, 0u) << rejected(first);
    EXPECT_GE(first.read, 10'000u);
    EXPECT_EQ(store->verify(true), std::vector<std::string>{});
    const auto again = run({folder});
    EXPECT_EQ(again.stored, 0u);
    EXPECT_EQ(again.unchanged, first.read);
}

}  // namespace
}  // namespace xinglin::ingest
