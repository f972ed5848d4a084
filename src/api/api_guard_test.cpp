// SPDX-License-Identifier: Apache-2.0
// What the FHIR door withstands, who may pass it, and what it writes down; every example of R4 through it.
#include <gtest/gtest.h>
#include <future>
#include <set>
#include <thread>

#include "access/audit.h"
#include "api/test_api.h"

namespace xinglin::api {
namespace {

TEST_F(ApiTest, HostileBodiesAreRefusedAndTheServerGoesOn) {
    EXPECT_EQ(status("POST", "/fhir/Patient", std::string(10'000, '[') + std::string(10'000, ']')), 413);
    std::string deep;
    for (int i = 0; i < 10'000; ++i) deep += R"({"extension":[)";
    EXPECT_EQ(status("POST", "/fhir/Patient", deep), 400);
    EXPECT_EQ(status("POST", "/fhir/Patient", "{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"\xff\xfe\"}]}"), 400);
    EXPECT_EQ(status("POST", "/fhir/Patient", "{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"\xd5\xc5\xc8\xfd\"}]}"), 400)
        << "GB18030";
    EXPECT_EQ(
        status("POST", "/fhir", R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Pat)"),
        400);
    EXPECT_EQ(status("POST", "/fhir/Patient", std::string(5u << 20, ' ')), 413);
    EXPECT_EQ(status("POST", "/fhir/Patient", " "), 400);
    EXPECT_EQ(status("POST", "/fhir/Patient", "null"), 400);
    EXPECT_EQ(status("POST", "/fhir", "[]"), 400);
    EXPECT_EQ(status("POST", "/fhir", R"({"resourceType":"Bundle","type":"transaction","entry":[1,null,{"request":7}]})"), 422);
    EXPECT_EQ(status("GET", "/fhir/Patient?name=%FF"), 400);
    EXPECT_EQ(status("POST", "/fhir/Patient", anna), 201);
}

TEST_F(ApiTest, AuditorsSeeNoRecordsAndScopesHold) {
    put_people();
    access::Viewer auditor{.account = 2, .name = "auditor", .role = access::Role::auditor};
    EXPECT_EQ(send_as(auditor, "GET", "/fhir/Patient/a").status, 403);
    EXPECT_EQ(send_as(auditor, "GET", "/fhir/Patient").status, 403);
    EXPECT_EQ(send_as(auditor, "GET", "/api/v1/people?q=a").status, 403);
    EXPECT_EQ(send_as(auditor, "GET", "/api/v1/people/a/accesses").status, 200);
    access::Viewer reader{.account = 3, .name = "lab", .role = access::Role::system, .scope = "system/Patient.rs"};
    EXPECT_EQ(send_as(reader, "GET", "/fhir/Patient/a").status, 200);
    EXPECT_EQ(send_as(reader, "GET", "/fhir/Observation/oa").status, 403);
    EXPECT_EQ(send_as(reader, "PUT", "/fhir/Patient/a", R"({"resourceType":"Patient","id":"a"})").status, 403);
    EXPECT_EQ(send_as(reader, "GET", "/fhir/_history").status, 403);
    EXPECT_EQ(
        send_as(reader, "POST", "/fhir",
                R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Patient/a"}}]})")
            .status,
        403);
    EXPECT_EQ(ids(send_as(reader, "GET", "/fhir/Patient?_id=a&_revinclude=Observation:subject")), "a")
        << "included types need the scope too";
}

TEST_F(ApiTest, EveryAccessLeavesALineWithItsPatient) {
    put_people();
    audit.flush();
    const auto before = audit.all(1'000).accesses.size();
    send("GET", "/fhir/Observation/ob");
    send("GET", "/fhir/Observation?subject=Patient/b");
    send("GET", "/fhir/Patient/b/$everything");
    send("DELETE", "/fhir/Observation/ob");
    audit.flush();
    EXPECT_GE(audit.all(1'000).accesses.size(), before + 4);
    const auto page = audit.of_patient("b", 100);
    std::set<std::string> seen;
    for (const auto& access : page.accesses) seen.insert(access.what);
    for (const char* what : {"read", "search", "update", "delete"}) EXPECT_TRUE(seen.contains(what)) << what;
}

TEST_F(ApiTest, PeopleCallsAnswerAsAgreed) {
    ASSERT_EQ(
        status(
            "PUT", "/fhir/Patient/shan",
            R"({"resourceType":"Patient","id":"shan","name":[{"text":"单雄信"}],"gender":"male","birthDate":"1959-03-12","identifier":[{"type":{"text":"身份证"},"system":"urn:id","value":"219901195903120428"}],"telecom":[{"system":"phone","value":"13800135207"}],"address":[{"text":"海港县杜庄镇西村12号"}]})"),
        201);
    ASSERT_EQ(
        status(
            "PUT", "/fhir/AllergyIntolerance/al",
            R"({"resourceType":"AllergyIntolerance","id":"al","patient":{"reference":"Patient/shan"},"code":{"text":"青霉素"},"criticality":"high"})"),
        201);
    ASSERT_EQ(
        status(
            "PUT", "/fhir/Encounter/e1",
            R"({"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/shan"},"period":{"start":"2001-02-03T08:00:00+08:00"}})"),
        201);
    people.catch_up();
    const auto found = parsed(send("GET", "/api/v1/people?q=sxx&count=5"));
    EXPECT_EQ(found.find("total").text(), "1");
    EXPECT_EQ(found.find("people")[std::size_t{0}].find("matched").string(), "initials");
    EXPECT_EQ(found.find("people")[std::size_t{0}].find("pinyin").string(), "Shàn Xióngxìn");
    EXPECT_TRUE(found.find("next").is_null());
    const auto header = parsed(send("GET", "/api/v1/people/shan"));
    EXPECT_EQ(header.find("identifiers")[std::size_t{0}].find("type").string(), "身份证");
    EXPECT_EQ(header.find("allergies")[std::size_t{0}].find("text").string(), "青霉素");
    EXPECT_EQ(header.find("first_date").string(), "2001-02-03");
    EXPECT_EQ(header.find("counts").find("Encounter").text(), "1");
    const auto revealed = parsed(send("POST", "/api/v1/people/shan/reveal", R"({"field":"identifier","index":0})"));
    EXPECT_EQ(revealed.find("value").string(), "219901195903120428");
    EXPECT_EQ(status("POST", "/api/v1/people/shan/reveal", R"({"field":"identifier","index":7})"), 404);
    EXPECT_EQ(found.find("people")[std::size_t{0}].find("address").string(), "海港县杜庄镇****");
    EXPECT_EQ(header.find("address").string(), "海港县杜庄镇****");
    EXPECT_EQ(header.find("address_of").string(), "shan");
    EXPECT_EQ(parsed(send("POST", "/api/v1/people/shan/reveal", R"({"field":"address","index":0})")).find("value").string(),
              "海港县杜庄镇西村12号");
    EXPECT_EQ(status("POST", "/api/v1/people/shan/printed"), 204);
    const auto accesses = parsed(send("GET", "/api/v1/people/shan/accesses?count=3"));
    EXPECT_EQ(accesses.find("accesses").size(), 3u);
    EXPECT_EQ(accesses.find("accesses")[std::size_t{0}].find("what").string(), "print");
    const auto missing = send("GET", "/api/v1/people/nobody");
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(parsed(missing).find("error").find("code").string(), "not-found");
    EXPECT_EQ(status("GET", "/api/v1/people?count=x"), 422);
}

TEST(ApiUnderPressure, AFullQueueIsSaidWith429AndRetryAfter) {
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    auto store =
        std::move(record::Store::open(
                      folder.path(), clock,
                      {.readers = 2, .queue = 1, .offset_minutes = 480, .store = xinglin::testing::store_beside(folder.path())}))
            .value();
    access::Audit audit{folder.path()};
    ingest::Ingest ingest{*store};
    people::People people{*store};
    Api api{*store, audit, ingest, people, clock};
    std::promise<void> started, released;
    auto release = released.get_future().share();
    store->submit(
        [&started, release](record::Transaction&) -> Result<Done> {
            started.set_value();
            release.wait();
            return Done{};
        },
        [](Result<Done>) {});
    started.get_future().wait();
    const auto create = [&] {
        auto promise = std::make_shared<std::promise<http::Response>>();
        http::Request request{.method = "POST", .target = "/fhir/Patient", .path = "/fhir/Patient", .body = anna};
        api.handle(std::move(request), {.role = access::Role::clinician},
                   [promise](http::Response response) { promise->set_value(std::move(response)); });
        return promise->get_future();
    };
    auto waiting = create();
    const http::Response turned_away = create().get();
    EXPECT_EQ(turned_away.status, 429);
    EXPECT_EQ(turned_away.headers.get("Retry-After"), "1");
    released.set_value();
    EXPECT_EQ(waiting.get().status, 201);
}

// Every example of R4, stored and read back: the same members in the same order with the same digits, apart from meta.
TEST_F(ApiTest, EveryExampleOfR4ComesBackAsItWasSent) {
    const std::string lines =
        xinglin::testing::read_packed(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhir/testdata/r4-examples.ndjson.gz");
    const auto without_server_meta = [](json::Value resource, json::Arena& kept) {
        json::Value meta = resource.find("meta");
        if (!meta) return resource;
        meta = kept.with(kept.with(meta, "versionId", json::Value()), "lastUpdated", json::Value());
        return kept.with(resource, "meta", meta.size() > 0 ? meta : json::Value());
    };
    // Five examples break R4's own rules: reference targets, and a missing linkId.
    const std::set<std::string> wrong = {"DeviceMetric/example", "DeviceUseStatement/example", "MedicationRequest/medrx0301",
                                         "Observation/clinical-gender", "Questionnaire/qs1"};
    std::set<std::string> refused;
    access::Viewer boss = doctor;  // who treats does not write consents
    boss.role = access::Role::administrator;
    std::size_t stored = 0;
    for (std::size_t at = 0; at < lines.size();) {
        const std::size_t end = std::min(lines.find('\n', at), lines.size());
        const std::string line = lines.substr(at, end - at);
        at = end + 1;
        json::Arena kept;
        const auto sent = json::parse(line, kept);
        ASSERT_TRUE(sent.ok());
        const std::string type(sent->find("resourceType").string()), id(sent->find("id").string());
        if (id.empty()) continue;
        const auto put = send_as(boss, "PUT", "/fhir/" + type + "/" + id, line);
        if (put.status != 201 && put.status != 200) {
            refused.insert(type + '/' + id);
            EXPECT_TRUE(wrong.contains(type + '/' + id)) << type << '/' << id << ": " << put.body.substr(0, 300);
            continue;
        }
        const auto got = send("GET", "/fhir/" + type + "/" + id);
        const auto read = json::parse(got.body, kept);
        ASSERT_TRUE(read.ok());
        EXPECT_TRUE(json::identical(without_server_meta(*sent, kept), without_server_meta(*read, kept))) << type << '/' << id;
        ++stored;
    }
    EXPECT_GT(stored, 700u);
    EXPECT_EQ(refused, wrong);
}

}  // namespace
}  // namespace xinglin::api
