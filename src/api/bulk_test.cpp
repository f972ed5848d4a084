// SPDX-License-Identifier: Apache-2.0
// $export over FHIR: kick-off, status, manifest, files, removal, and who may.
#include "bulk/bulk.h"

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <thread>

#include "access/audit.h"
#include "api/api.h"
#include "http/stream.h"
#include "ingest/import.h"
#include "json/json.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::api {
namespace {

class BulkHttpTest : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open(folder.path());
    access::Audit audit{folder.path()};
    ingest::Ingest ingest{*store};
    people::People people{*store};
    bulk::Exports exports{*store, clock};
    Api api{*store, audit, ingest, people, clock, {.exports = &exports}};
    access::Viewer chief{.account = 1, .name = "chief", .role = access::Role::administrator};
    access::Viewer doctor{.account = 2, .name = "doctor", .role = access::Role::clinician};
    access::Viewer system{.account = 3, .name = "registry", .role = access::Role::system, .scope = "system/*.rs"};

    std::unique_ptr<record::Store> open(const std::filesystem::path& where) {
        auto opened = record::Store::open(where, clock,
                                          {.readers = 4, .offset_minutes = 480, .store = xinglin::testing::store_beside(where)});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    using Headers = std::vector<std::pair<std::string, std::string>>;
    http::Response send(const access::Viewer& viewer, std::string method, const std::string& target, const Headers& headers = {},
                        std::string body = {}) {
        http::Request request;
        request.method = std::move(method);
        request.target = target;
        const std::size_t question = target.find('?');
        request.path = http::percent_decode(target.substr(0, question)).value();
        if (question != std::string::npos) request.query = target.substr(question + 1);
        request.headers.add("Host", "x");
        for (const auto& [name, value] : headers) request.headers.add(name, value);
        if (!body.empty()) request.headers.add("Content-Type", "application/fhir+json");
        request.body = std::move(body);
        auto promise = std::make_shared<std::promise<http::Response>>();
        auto future = promise->get_future();
        api.handle(std::move(request), viewer, [promise](http::Response response) { promise->set_value(std::move(response)); });
        http::Response response = future.get();
        if (response.stream) {
            for (std::string piece = response.stream->next(); !piece.empty(); piece = response.stream->next()) {
                response.body += piece;
                if (response.stream->length && response.body.size() >= *response.stream->length) break;
            }
        }
        return response;
    }
    http::Response kick_off(const access::Viewer& viewer, const std::string& target, Headers headers = {}) {
        headers.emplace_back("Prefer", "respond-async");
        return send(viewer, "GET", target, headers);
    }
    static std::string path_of(const http::Response& response) {
        return std::string(response.headers.get("Content-Location").substr(std::string_view("http://x").size()));
    }
    http::Response wait(const access::Viewer& viewer, const std::string& status) {
        for (;;) {
            auto response = send(viewer, "GET", status);
            if (response.status != 202) return response;
            EXPECT_TRUE(response.headers.has("X-Progress"));
            EXPECT_TRUE(response.headers.has("Retry-After"));
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }
    void put(const std::string& type, const std::string& id, const std::string& rest = "") {
        const auto response = send(chief, "PUT", "/fhir/" + type + "/" + id, {},
                                   R"({"resourceType":")" + type + R"(","id":")" + id + "\"" + rest + "}");
        ASSERT_LT(response.status, 300) << response.body;
    }
    json::Arena arena;
    json::Value parsed(const http::Response& response) {
        const auto value = json::parse(arena.keep(response.body), arena);
        EXPECT_TRUE(value.ok()) << response.body.substr(0, 300);
        return value.ok() ? *value : json::Value();
    }
    std::vector<access::Access> looks() {
        audit.flush();
        return audit.all(100).accesses;
    }
};

TEST_F(BulkHttpTest, FromKickOffToTheLastByte) {
    put("Patient", "a", R"(,"gender":"male")");
    put("Patient", "b");
    put("Organization", "o");
    const auto begun =
        kick_off(system, "/fhir/$export?_outputFormat=application%2Ffhir%2Bndjson", {{"Accept", "application/fhir+json"}});
    ASSERT_EQ(begun.status, 202) << begun.body;
    const auto done = wait(system, path_of(begun));
    ASSERT_EQ(done.status, 200) << done.body;
    EXPECT_EQ(done.headers.get("Content-Type"), "application/json");
    EXPECT_TRUE(done.headers.has("Expires"));
    const json::Value manifest = parsed(done);
    EXPECT_EQ(manifest.find("request").string(), "http://x/fhir/$export?_outputFormat=application%2Ffhir%2Bndjson");
    EXPECT_TRUE(manifest.find("requiresAccessToken").as_bool());
    EXPECT_EQ(manifest.find("transactionTime").string(), calendar::instant_text(clock.now_ms()));
    ASSERT_EQ(manifest.find("output").size(), 2u);
    EXPECT_TRUE(manifest.find("deleted").is_array());
    EXPECT_TRUE(manifest.find("error").is_array());
    const json::Value patients = manifest.find("output")[1];
    EXPECT_EQ(patients.find("type").string(), "Patient");
    EXPECT_EQ(patients.find("count").text(), "2");
    const std::string file(patients.find("url").string().substr(8));

    const auto plain = send(system, "GET", file, {{"Accept", "application/fhir+ndjson"}});
    ASSERT_EQ(plain.status, 200);
    EXPECT_EQ(plain.headers.get("Content-Type"), "application/fhir+ndjson");
    EXPECT_FALSE(plain.headers.has("Content-Encoding"));
    EXPECT_EQ(std::count(plain.body.begin(), plain.body.end(), '\n'), 2);
    EXPECT_NE(plain.body.find(R"({"resourceType":"Patient","id":"a","meta":{"versionId":"1")"), std::string::npos) << plain.body;
    const auto packed = send(system, "GET", file, {{"Accept-Encoding", "gzip"}});
    EXPECT_EQ(packed.headers.get("Content-Encoding"), "gzip");
    EXPECT_TRUE(packed.body.starts_with("\x1f\x8b"));
    EXPECT_NE(packed.headers.get("ETag"), plain.headers.get("ETag"));

    for (const bool gzip : {false, true}) {  // a download broken off anywhere goes on from there
        const std::string& whole = gzip ? packed.body : plain.body;
        const std::string tag(gzip ? packed.headers.get("ETag") : plain.headers.get("ETag"));
        for (const std::size_t at : {std::size_t{1}, whole.size() / 2, whole.size() - 1}) {
            Headers headers = {{"Range", fmt::format("bytes={}-", at)}, {"If-Range", tag}};
            if (gzip) headers.emplace_back("Accept-Encoding", "gzip");
            const auto rest = send(system, "GET", file, headers);
            EXPECT_EQ(rest.status, 206);
            EXPECT_EQ(rest.body, whole.substr(at));
        }
    }
    EXPECT_EQ(send(system, "DELETE", path_of(begun)).status, 202);
    EXPECT_EQ(send(system, "GET", path_of(begun)).status, 404);
    EXPECT_EQ(send(system, "GET", file).status, 404);
    std::string seen;
    for (const auto& look : looks()) {
        if (look.what == "export") seen += look.detail + "|";
    }
    EXPECT_NE(seen.find("removed|"), std::string::npos) << seen;
    EXPECT_NE(seen.find("file Patient.1.ndjson.gz|"), std::string::npos) << seen;
    EXPECT_NE(seen.find("system|"), std::string::npos) << seen;
}

TEST_F(BulkHttpTest, RefusesBadKickOffsNamingWhatIsWrong) {
    put("Patient", "a");
    EXPECT_EQ(send(system, "GET", "/fhir/$export").status, 400) << "without Prefer";
    EXPECT_EQ(kick_off(system, "/fhir/$export?_unknown=1").status, 400);
    EXPECT_EQ(kick_off(system, "/fhir/$export?_unknown=1", {{"Prefer", "handling=lenient"}}).status, 202);
    EXPECT_EQ(kick_off(system, "/fhir/$export?_type=Nonsense").status, 400);
    EXPECT_EQ(kick_off(system, "/fhir/$export?_since=soon").status, 400);
    EXPECT_EQ(kick_off(system, "/fhir/$export?_outputFormat=text%2Fcsv").status, 400);
    EXPECT_EQ(kick_off(system, "/fhir/Group/nobody/$export").status, 404);
    EXPECT_EQ(kick_off(system, "/fhir/Observation/$export").status, 404);
    EXPECT_EQ(kick_off(system, "/fhir/Patient/a/$export").status, 404);
    EXPECT_EQ(send(system, "PUT", "/fhir/$export", {{"Prefer", "respond-async"}}).status, 405);
    EXPECT_EQ(send(system, "POST", "/fhir/Patient/$export", {{"Prefer", "respond-async"}}, "not json").status, 400);
    EXPECT_EQ(
        send(system, "POST", "/fhir/Patient/$export", {{"Prefer", "respond-async"}}, R"({"resourceType":"Patient"})").status,
        400);
    for (const char* path : {"/fhir/bulk", "/fhir/bulk/none", "/fhir/bulk/none/Patient.1.ndjson.gz", "/fhir/bulk/a/b/c"})
        EXPECT_EQ(send(system, "GET", path).status, 404) << path;
}

TEST_F(BulkHttpTest, OnlyThoseWhoMay) {
    put("Patient", "a");
    EXPECT_EQ(kick_off(doctor, "/fhir/$export").status, 403);
    const auto begun = kick_off(chief, "/fhir/Patient/$export");
    ASSERT_EQ(begun.status, 202);
    wait(chief, path_of(begun));
    EXPECT_EQ(send(system, "GET", path_of(begun)).status, 404) << "another's export is as if it were not there";
    EXPECT_EQ(send(doctor, "DELETE", path_of(begun)).status, 404);
    EXPECT_EQ(send(doctor, "GET", path_of(begun) + "/Patient.1.ndjson.gz").status, 404);
    access::Viewer narrow = system;
    narrow.scope = "system/Patient.r";
    EXPECT_EQ(kick_off(narrow, "/fhir/$export?_type=Observation").status, 403);
    EXPECT_EQ(kick_off(narrow, "/fhir/$export").status, 202);
}

TEST_F(BulkHttpTest, ParametersMayComeAsAResource) {
    put("Patient", "a");
    put("Patient", "b");
    const auto begun = send(system, "POST", "/fhir/Patient/$export", {{"Prefer", "respond-async"}},
                            R"({"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Patient"},
                                {"name":"patient","valueReference":{"reference":"Patient/b"}},{"name":"_since","valueInstant":"2020-01-01T00:00:00Z"}]})");
    ASSERT_EQ(begun.status, 202) << begun.body;
    const auto manifest = parsed(wait(system, path_of(begun)));
    EXPECT_EQ(manifest.find("output")[0].find("count").text(), "1");
    put("Patient", "c", R"(,"gender":"male")");
    put("Observation", "o", R"(,"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/c"})");
    const auto several = send(system, "POST", "/fhir/Patient/$export", {{"Prefer", "respond-async"}},
                              R"({"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Patient"},
                                {"name":"patient","valueReference":{"reference":"Patient/b"}},{"name":"patient","valueReference":{"reference":"Patient/c"}},
                                {"name":"_typeFilter","valueString":"Patient?_has:Observation:patient:status=final"},
                                {"name":"_elements","valueString":"Patient.gender"}]})");
    ASSERT_EQ(several.status, 202) << several.body;
    const auto output = parsed(wait(system, path_of(several))).find("output");
    ASSERT_EQ(output.size(), 1u);
    const auto file = send(system, "GET", std::string(output[0].find("url").string().substr(8)));
    EXPECT_NE(file.body.find(R"("id":"c")"), std::string::npos) << file.body;
    EXPECT_NE(file.body.find("SUBSETTED"), std::string::npos) << file.body;
    const auto nowhere = send(
        system, "POST", "/fhir/Patient/$export", {{"Prefer", "respond-async"}},
        R"({"resourceType":"Parameters","parameter":[{"name":"includeAssociatedData","valueCode":"LatestProvenanceResources"}]})");
    EXPECT_EQ(nowhere.status, 400);
    EXPECT_NE(nowhere.body.find("includeAssociatedData"), std::string::npos) << nowhere.body;
}

// What was exported and imported elsewhere is the same, deletions included.
TEST_F(BulkHttpTest, AnExportImportedElsewhereIsTheSame) {
    const std::string lines =
        xinglin::testing::read_packed(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhir/testdata/r4-examples.ndjson.gz");
    const auto input = folder.path() / "examples.ndjson";
    std::ofstream(input, std::ios::binary) << lines;
    ingest::Importer importer(*store);
    ASSERT_TRUE(importer.run({input}, "examples").ok());
    put("Patient", "gone");
    const auto first = kick_off(system, "/fhir/$export");
    wait(system, path_of(first));
    clock.move(1'000);
    const std::string since = calendar::instant_text(clock.now_ms());
    ASSERT_EQ(send(chief, "DELETE", "/fhir/Patient/gone").status, 204);
    put("Patient", "come");
    const auto second = kick_off(system, "/fhir/$export?_since=" + since);
    wait(system, path_of(second));

    xinglin::testing::ScratchFolder elsewhere;
    const auto copy = open(elsewhere.path());
    std::size_t stored = 0;
    for (const auto& begun : {first, second}) {
        const std::string id = path_of(begun).substr(std::string_view("/fhir/bulk/").size());
        const auto figures = ingest::Importer(*copy).run({folder.path() / "exports" / id}, "copy");
        ASSERT_TRUE(figures.ok()) << figures.outcome().line();
        EXPECT_EQ(figures->rejected, 0u);
        stored += figures->stored;
    }
    EXPECT_GT(stored, 2'000u);
    const auto content = [](record::Store& from) {
        std::vector<std::string> all;
        from.reader(access::Viewer::program("test")).changes(0, INT64_MAX, [](const record::Change&) { return true; });
        from.reader(access::Viewer::program("test")).scan(nullptr, [&](const record::Version& version) {
            std::string body = version.body;  // versions are each store's own
            const std::size_t at = body.find("\"versionId\":");
            body.erase(at, body.find("Z\"", at) + 2 - at);
            all.push_back(std::move(body));
            return true;
        });
        std::sort(all.begin(), all.end());
        return all;
    };
    const auto here = content(*store), there = content(*copy);
    EXPECT_EQ(here.size(), there.size());
    EXPECT_TRUE(here == there);
    EXPECT_EQ(copy->reader(access::Viewer::program("test")).read(*fhir::find_resource("Patient"), "gone").outcome().code(),
              IssueCode::deleted);
    EXPECT_TRUE(copy->verify(true).empty());
}

}  // namespace
}  // namespace xinglin::api
