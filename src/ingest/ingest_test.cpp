// SPDX-License-Identifier: Apache-2.0
// What the one write path promises: preconditions, conditions, batches, and transactions that happen whole or not at all.
#include "ingest/ingest.h"

#include <gtest/gtest.h>

#include "testing/failing_sql.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::ingest {
namespace {

using Kind = Change::Kind;

Result<Done> anything(const fhir::Type&, char) { return Done{}; }

class IngestTest : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    std::shared_ptr<xinglin::testing::FailingPlan> plan = std::make_shared<xinglin::testing::FailingPlan>();
    std::unique_ptr<record::Store> store = open();
    Ingest ingest{*store};

    std::unique_ptr<record::Store> open() {
        record::Options options{.readers = 2, .offset_minutes = 480, .store = xinglin::testing::store_beside(folder.path())};
        options.wrap_writer = [plan = plan](std::unique_ptr<sql::Connection> inside) {
            return xinglin::testing::make_failing(std::move(inside), plan);
        };
        auto opened = record::Store::open(folder.path(), clock, options);
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    Result<Written> write(Kind kind, std::string_view id, std::string_view json, Change extra = {}) {
        auto arena = std::make_shared<json::Arena>();
        extra.kind = kind;
        extra.id = id;
        extra.type = fhir::find_resource("Patient");
        if (!json.empty()) extra.resource = json::parse(arena->keep(json), *arena).value();
        if (!json.empty()) extra.type = fhir::find_resource(extra.resource.find("resourceType").string());
        return ingest.write_and_wait(arena, extra);
    }
    Result<BundleAnswer> bundle(std::string_view json, bool want_body = true) {
        auto arena = std::make_shared<json::Arena>();
        const json::Value value = json::parse(arena->keep(json), *arena).value();
        return ingest.bundle_and_wait(arena, value, "http://here/fhir", want_body, anything);
    }
    record::Reader reader() { return store->reader(access::Viewer::program("test")); }
    std::string body(std::string_view type, std::string_view id) {
        auto found = reader().read(*fhir::find_resource(type), id);
        return found.ok() ? found->body : "refused: " + found.outcome().line();
    }
    static int status(const Result<Written>& written) {
        return written.ok() ? written->status : http_status(written.outcome().code());
    }
};

constexpr std::string_view anna =
    R"({"resourceType":"Patient","id":"anna","identifier":[{"system":"urn:x","value":"1"}],"name":[{"family":"A"}]})";

TEST_F(IngestTest, CreatesUnderAFreshIdAndUpdatesUnderTheGivenOne) {
    const auto made = write(Kind::create, "", anna);
    ASSERT_TRUE(made.ok()) << made.outcome().line();
    EXPECT_EQ(made->status, 201);
    EXPECT_NE(made->id, "anna");
    EXPECT_EQ(made->version, 1);
    EXPECT_EQ(status(write(Kind::update, "anna", anna)), 201);
    EXPECT_EQ(status(write(Kind::update, "anna", anna)), 200);
    EXPECT_NE(body("Patient", "anna").find(R"("versionId":"2")"), std::string::npos);
}

TEST_F(IngestTest, AnUpdateCarriesTheIdOfItsAddress) {
    EXPECT_EQ(status(write(Kind::update, "berta", anna)), 400);
    EXPECT_EQ(status(write(Kind::update, "berta", R"({"resourceType":"Patient"})")), 400);
    EXPECT_EQ(status(write(Kind::update, "no/id", R"({"resourceType":"Patient","id":"no/id"})")), 422);
}

TEST_F(IngestTest, RefusesABrokenStructureBeforeAnythingIsQueued) {
    const auto before = reader().position();
    const auto refused = write(Kind::create, "", R"({"resourceType":"Patient","birthDate":"yesterday","gendre":"male"})");
    ASSERT_FALSE(refused.ok());
    EXPECT_GE(refused.outcome().issues.size(), 2u);
    EXPECT_EQ(reader().position(), before);
}

TEST_F(IngestTest, IfMatchHoldsOnlyForThePresentVersion) {
    ASSERT_EQ(status(write(Kind::update, "anna", anna)), 201);
    EXPECT_EQ(status(write(Kind::update, "anna", anna, {.if_match = 2})), 412);
    EXPECT_EQ(status(write(Kind::update, "anna", anna, {.if_match = 1})), 200);
    EXPECT_EQ(status(write(Kind::update, "anna", anna, {.if_match = 1})), 412);
    EXPECT_EQ(status(write(Kind::erase, "anna", "", {.if_match = 1})), 412);
    EXPECT_EQ(status(write(Kind::update, "nobody", R"({"resourceType":"Patient","id":"nobody"})", {.if_match = 1})), 412);
}

TEST_F(IngestTest, IfNoneMatchAnyWritesOnlyWhatIsNotThere) {
    EXPECT_EQ(status(write(Kind::update, "anna", anna, {.if_none_match_any = true})), 201);
    EXPECT_EQ(status(write(Kind::update, "anna", anna, {.if_none_match_any = true})), 412);
}

TEST_F(IngestTest, EraseIsOnceAndThenNothingHappens) {
    ASSERT_EQ(status(write(Kind::update, "anna", anna)), 201);
    const auto gone = write(Kind::erase, "anna", "");
    ASSERT_TRUE(gone.ok());
    EXPECT_EQ(gone->version, 2);
    const auto again = write(Kind::erase, "anna", "");
    EXPECT_EQ(status(again), 204);
    EXPECT_EQ(again->version, 2);
    EXPECT_EQ(status(write(Kind::erase, "nobody", "")), 204);
    EXPECT_EQ(status(write(Kind::update, "anna", anna)), 201) << "brought back to life";
}

TEST_F(IngestTest, ConditionalCreateFindsWhatIsThere) {
    const auto first = write(Kind::create, "", anna, {.condition = "identifier=urn:x%7C1"});
    ASSERT_EQ(status(first), 201);
    const auto second = write(Kind::create, "", anna, {.condition = "identifier=urn:x%7C1", .want_body = true});
    ASSERT_EQ(status(second), 200);
    EXPECT_EQ(second->id, first->id);
    EXPECT_NE(second->body.find("\"family\":\"A\""), std::string::npos);
    ASSERT_EQ(status(write(Kind::create, "", anna)), 201);
    EXPECT_EQ(status(write(Kind::create, "", anna, {.condition = "identifier=urn:x%7C1"})), 412);
    EXPECT_EQ(status(write(Kind::create, "", anna, {.condition = "_count=1"})), 412) << "selects everything";
    EXPECT_EQ(status(write(Kind::create, "", anna, {.condition = "nonsense=1"})), 400);
}

TEST_F(IngestTest, ConditionalUpdateAndEraseChooseByCondition) {
    constexpr std::string_view nameless = R"({"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}]})";
    const auto made = write(Kind::update, "", nameless, {.condition = "identifier=urn:x%7C1"});
    ASSERT_EQ(status(made), 201);
    const auto updated = write(Kind::update, "", nameless, {.condition = "identifier=urn:x%7C1"});
    ASSERT_EQ(status(updated), 200);
    EXPECT_EQ(updated->id, made->id);
    EXPECT_EQ(status(write(Kind::update, "", anna, {.condition = "identifier=urn:x%7C1"})), 400) << "matches another id";
    EXPECT_EQ(
        status(write(Kind::update, "", R"({"resourceType":"Patient","id":"chosen"})", {.condition = "identifier=urn:x%7C2"})),
        201);
    EXPECT_NE(body("Patient", "chosen").find("chosen"), std::string::npos);
    const auto gone = write(Kind::erase, "", "", {.condition = "identifier=urn:x%7C1"});
    ASSERT_EQ(status(gone), 204);
    EXPECT_EQ(gone->id, made->id);
    EXPECT_EQ(status(write(Kind::erase, "", "", {.condition = "identifier=urn:x%7C1"})), 204);
}

TEST_F(IngestTest, ATransactionRewritesLinksToWhereItsResourcesEndUp) {
    const auto answer = bundle(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"fullUrl":"urn:uuid:0b","resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:0a"},
            "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:uuid:0a\">he</a> urn:uuid:0a</div>"},
            "derivedFrom":[{"reference":"Patient/not-here"}]},"request":{"method":"POST","url":"Observation"}},
        {"fullUrl":"urn:uuid:0a","resource":{"resourceType":"Patient","name":[{"family":"P"}]},"request":{"method":"POST","url":"Patient"}}]})");
    ASSERT_FALSE(answer.ok()) << "derivedFrom may not name a Patient";
    const auto good = bundle(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"fullUrl":"urn:uuid:0b","resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:0a"},
            "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:uuid:0a\">he</a> urn:uuid:0a</div>"},
            "identifier":[{"value":"urn:uuid:0a"}]},"request":{"method":"POST","url":"Observation"}},
        {"fullUrl":"urn:uuid:0a","resource":{"resourceType":"Patient","name":[{"family":"P"}]},"request":{"method":"POST","url":"Patient"}}]})");
    ASSERT_TRUE(good.ok()) << good.outcome().line();
    ASSERT_EQ(good->entries.size(), 2u);
    const std::string patient = "Patient/" + good->entries[1].written->id;
    const std::string observation = good->entries[0].written->body;
    EXPECT_NE(observation.find("\"subject\":{\"reference\":\"" + patient + "\"}"), std::string::npos) << observation;
    EXPECT_NE(observation.find("href=\\\"" + patient + "\\\">he</a> urn:uuid:0a</div>"), std::string::npos) << observation;
    EXPECT_NE(observation.find(R"("value":"urn:uuid:0a")"), std::string::npos) << "a string is no link";
    EXPECT_EQ(good->entries[0].written->patient, good->entries[1].written->id);
}

TEST_F(IngestTest, ATransactionDeletesThenCreatesThenUpdates) {
    ASSERT_EQ(status(write(Kind::update, "anna", anna)), 201);
    const auto answer = bundle(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"Patient","id":"b"},"request":{"method":"PUT","url":"Patient/b"}},
        {"resource":{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}]},"request":{"method":"POST","url":"Patient"}},
        {"request":{"method":"GET","url":"Patient/b"}},
        {"request":{"method":"DELETE","url":"http://here/fhir/Patient/anna"}}]})");
    ASSERT_TRUE(answer.ok()) << answer.outcome().line();
    const auto position = [&](std::size_t entry) {
        return reader().read(*fhir::find_resource("Patient"), answer->entries[entry].written->id)->position;
    };
    EXPECT_EQ(answer->entries[3].written->status, 204);
    EXPECT_LT(position(1), position(0)) << "POST before PUT";
    ASSERT_TRUE(answer->entries[2].read);
    EXPECT_EQ(answer->entries[2].read->url, "Patient/b");
}

TEST_F(IngestTest, ConditionalReferencesAreSettledInsideTheTransaction) {
    const auto answer = bundle(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=urn:x|7"}},
            "request":{"method":"POST","url":"Observation"}},
        {"resource":{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"7"}]},"request":{"method":"POST","url":"Patient"}}]})");
    ASSERT_TRUE(answer.ok()) << answer.outcome().line();
    EXPECT_NE(answer->entries[0].written->body.find("Patient/" + answer->entries[1].written->id), std::string::npos);
    const auto second = bundle(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=urn:x|7"}},
            "request":{"method":"POST","url":"Observation"}}]})");
    ASSERT_TRUE(second.ok()) << second.outcome().line();
    EXPECT_NE(second->entries[0].written->body.find("Patient/" + answer->entries[1].written->id), std::string::npos);
    const auto before = reader().position();
    const auto none = bundle(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"Patient","id":"zz"},"request":{"method":"PUT","url":"Patient/zz"}},
        {"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=urn:x|8"}},
            "request":{"method":"POST","url":"Observation"}}]})");
    ASSERT_FALSE(none.ok());
    EXPECT_EQ(http_status(none.outcome().code()), 412);
    EXPECT_EQ(reader().position(), before);
}

TEST_F(IngestTest, ConditionalCreateInATransactionLinksToWhatItFinds) {
    ASSERT_EQ(status(write(Kind::update, "anna", anna)), 201);
    const auto answer = bundle(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"fullUrl":"urn:uuid:0a","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:x|1"}},
        {"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:0a"}},
            "request":{"method":"POST","url":"Observation"}}]})");
    ASSERT_TRUE(answer.ok()) << answer.outcome().line();
    EXPECT_EQ(answer->entries[0].written->status, 200);
    EXPECT_EQ(answer->entries[0].written->id, "anna");
    EXPECT_NE(answer->entries[1].written->body.find("Patient/anna"), std::string::npos);
}

TEST_F(IngestTest, RefusesTwoWritesToOneResourceInATransaction) {
    const auto before = reader().position();
    const auto twice = bundle(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"Patient","id":"b"},"request":{"method":"PUT","url":"Patient/b"}},
        {"request":{"method":"DELETE","url":"Patient/b"}}]})");
    ASSERT_FALSE(twice.ok());
    EXPECT_EQ(http_status(twice.outcome().code()), 400);
    EXPECT_EQ(reader().position(), before);
}

TEST_F(IngestTest, NamesTheEntryAndElementThatIsWrong) {
    const auto refused = bundle(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"Patient","id":"b"},"request":{"method":"PUT","url":"Patient/b"}},
        {"resource":{"resourceType":"Patient","contact":[{"gender":"maybe"}]},"request":{"method":"POST","url":"Patient"}}]})");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.outcome().issues.front().where, "Bundle.entry[1].resource.contact[0].gender");
    EXPECT_FALSE(reader().read(*fhir::find_resource("Patient"), "b").ok());
}

TEST_F(IngestTest, OfABatchEveryEntryStandsAlone) {
    const auto answer = bundle(R"({"resourceType":"Bundle","type":"batch","entry":[
        {"resource":{"resourceType":"Patient","id":"b"},"request":{"method":"PUT","url":"Patient/b"}},
        {"resource":{"resourceType":"Patient","gender":"maybe"},"request":{"method":"POST","url":"Patient"}},
        {"resource":{"resourceType":"Patient","id":"c"},"request":{"method":"PUT","url":"Patient/c","ifMatch":"W/\"4\""}},
        {"request":{"method":"PATCH","url":"Patient/b"}},
        {"request":{"method":"DELETE","url":"Patient/nobody"}}]})");
    ASSERT_TRUE(answer.ok()) << answer.outcome().line();
    const int expected[] = {201, 422, 412, 400, 204};
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(status(answer->entries[i].written), expected[i]) << i;
    EXPECT_NE(body("Patient", "b").find("\"id\":\"b\""), std::string::npos);
}

TEST_F(IngestTest, EntriesMayPatch) {
    ASSERT_EQ(status(write(Kind::update, "anna", anna)), 201);
    // [{"op":"add","path":"/active","value":true}]
    const std::string json_patch =
        R"({"resourceType":"Binary","contentType":"application/json-patch+json","data":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL2FjdGl2ZSIsInZhbHVlIjp0cnVlfV0="})";
    const std::string path_patch = R"({"resourceType":"Parameters","parameter":[{"name":"operation","part":[
        {"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient"},{"name":"name","valueString":"maritalStatus"},
        {"name":"value","valueCodeableConcept":{"text":"married"}}]}]})";
    const auto entry = [](const std::string& resource, const std::string& url, const std::string& more = "") {
        return R"({"resource":)" + resource + R"(,"request":{"method":"PATCH","url":")" + url + "\"" + more + "}}";
    };
    const auto sent = [&](const std::string& type, const std::string& entries) {
        return bundle(R"({"resourceType":"Bundle","type":")" + type + R"(","entry":[)" + entries + "]}");
    };
    const auto done = sent("transaction", entry(json_patch, "Patient/anna", R"(,"ifMatch":"W/\"1\"")") + R"(,
        {"resource":{"resourceType":"Patient","id":"c"},"request":{"method":"PUT","url":"Patient/c"}})");
    ASSERT_TRUE(done.ok()) << done.outcome().line();
    EXPECT_EQ(done->entries[0].written->status, 200);
    EXPECT_EQ(done->entries[0].written->version, 2);
    EXPECT_NE(body("Patient", "anna").find("\"active\":true"), std::string::npos);
    const auto conditional = sent("transaction", entry(path_patch, "Patient?identifier=urn:x|1"));
    ASSERT_TRUE(conditional.ok()) << conditional.outcome().line();
    EXPECT_NE(body("Patient", "anna").find("married"), std::string::npos);
    // Of a batch each stands alone, and sees what those before it did.
    const auto batch = sent("batch", entry(json_patch, "Patient/c") + "," + entry(path_patch, "Patient/c") + "," +
                                         entry(path_patch, "Patient/anna") + "," + entry(json_patch, "Patient/nobody") + "," +
                                         entry(json_patch, "Patient?identifier=urn:x|none") + "," +
                                         entry(json_patch, "Patient/anna", R"(,"ifMatch":"W/\"1\"")") + "," +
                                         entry(R"({"resourceType":"Binary","contentType":"text/plain"})", "Patient/c") + "," +
                                         entry(json_patch, "Patient"));
    ASSERT_TRUE(batch.ok()) << batch.outcome().line();
    const int expected[] = {200, 200, 422, 404, 404, 412, 400, 400};
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(status(batch->entries[i].written), expected[i]) << i;
    EXPECT_EQ(batch->entries[2].written.outcome().issues.front().where, "Bundle.entry[2].resource.parameter[0].part[name]");
    EXPECT_NE(body("Patient", "c").find("\"active\":true"), std::string::npos);
    EXPECT_NE(body("Patient", "c").find("married"), std::string::npos);
    const auto before = reader().position();
    EXPECT_FALSE(sent("transaction", entry(json_patch, "Patient/c") + "," + entry(json_patch, "Patient/nobody")).ok());
    EXPECT_EQ(reader().position(), before) << "whole or not at all";
}

TEST_F(IngestTest, RefusesWhatTheSenderMayNotDo) {
    auto arena = std::make_shared<json::Arena>();
    const json::Value value = json::parse(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"request":{"method":"DELETE","url":"Patient/b"}}]})",
                                          *arena)
                                  .value();
    const auto answer = ingest.bundle_and_wait(
        arena, value, "", false, [](const fhir::Type&, char) -> Result<Done> { return refuse(IssueCode::forbidden, "", "no"); });
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(http_status(answer.outcome().code()), 403);
}

// Fails the first statement, then the second …; after each failure nothing of the transaction may be there, and after
// healing the same transaction succeeds.
TEST_F(IngestTest, ATransactionIsWholeOrAbsentWhicheverStatementFails) {
    ASSERT_EQ(status(write(Kind::update, "anna", anna)), 201);
    const auto text = [](std::int64_t round) {
        const std::string n = std::to_string(round);
        return R"({"resourceType":"Bundle","type":"transaction","entry":[
            {"fullUrl":"urn:uuid:0a","resource":{"resourceType":"Patient","id":"p)" +
               n + R"(","identifier":[{"system":"urn:y","value":")" + n + R"("}]},
                "request":{"method":"PUT","url":"Patient/p)" +
               n + R"("}},
            {"resource":{"resourceType":"Observation","status":"final","code":{"text":"t"},"subject":{"reference":"urn:uuid:0a"}},"request":{"method":"POST","url":"Observation"}},
            {"resource":{"resourceType":"Observation","status":"final","code":{"text":"u"},"subject":{"reference":"Patient?identifier=urn:x|1"}},"request":{"method":"POST","url":"Observation"}}]})";
    };
    std::int64_t failed = 0;
    for (std::int64_t statement = 0; statement < 2'000; ++statement) {
        const auto before = reader().position();
        plan->fail_after(statement);
        const auto answer = bundle(text(statement), false);
        const bool never_reached = plan->until_failure != xinglin::testing::FailingPlan::never;
        plan->fail_after(xinglin::testing::FailingPlan::never);
        if (answer.ok()) {
            EXPECT_EQ(reader().position(), before + 3);
            if (never_reached) break;
            continue;
        }
        ++failed;
        ASSERT_EQ(http_status(answer.outcome().code()), 503) << answer.outcome().line();
        ASSERT_EQ(reader().position(), before) << "statement " << statement;
        ASSERT_FALSE(reader().read(*fhir::find_resource("Patient"), "p" + std::to_string(statement)).ok())
            << "statement " << statement;
        Result<BundleAnswer> healed = refuse(IssueCode::transient, "", "");
        for (int i = 0; i < 200 && !healed.ok(); ++i) {
            clock.move(1'000);
            std::this_thread::sleep_for(
                std::chrono::milliseconds(i ? 20 : 0));  // the store may rest before it tries the disk again
            healed = bundle(text(statement), false);
        }
        ASSERT_TRUE(healed.ok()) << "statement " << statement << ": " << healed.outcome().line();
        ASSERT_EQ(reader().position(), before + 3);
        if (statement % 25 != 0) continue;
        if (const auto problems = store->verify(true); !problems.empty())
            FAIL() << "after statement " << statement << ": " << problems.front();
    }
    EXPECT_GT(failed, 5);
}

/// Stands for a profile: a Patient must have a birth date.
Outcome born(json::Value resource) {
    if (resource.find("resourceType").string() != "Patient" || resource.find("birthDate")) return {};
    return refuse(IssueCode::invariant, "Patient.birthDate", "profile: is required");
}

// Nothing of a transaction is stored when one entry breaks a profile; every entry that does is named.
TEST_F(IngestTest, ATransactionWithAProfileBrokenStoresNothingAndNamesTheEntries) {
    Ingest checking(*store, {.check = born});
    const auto ask = [&](const std::string& text) {
        auto arena = std::make_shared<json::Arena>();
        return checking.bundle_and_wait(arena, json::parse(arena->keep(text), *arena).value(), "http://here/fhir", true,
                                        anything);
    };
    const auto put = [](const std::string& id, const std::string& more) {
        return R"({"resource":{"resourceType":"Patient","id":")" + id + "\"" + more +
               R"(},"request":{"method":"PUT","url":"Patient/)" + id + "\"}}";
    };
    const std::string sound = R"(,"birthDate":"1950-01-01")";
    const auto before = reader().position();
    for (const std::string type : {"transaction", "batch"}) {
        const auto answer = ask(R"({"resourceType":"Bundle","type":")" + type + R"(","entry":[)" + put("e0", sound) + "," +
                                put("e1", "") + "," + put("e2", sound) + "," + put("e3", "") + "]}");
        if (type == "transaction") {
            ASSERT_FALSE(answer.ok());
            ASSERT_EQ(answer.outcome().issues.size(), 2u);
            EXPECT_EQ(answer.outcome().issues[0].where, "Bundle.entry[1].resource.birthDate");
            EXPECT_EQ(answer.outcome().issues[1].where, "Bundle.entry[3].resource.birthDate");
            EXPECT_EQ(reader().position(), before);
        } else {
            ASSERT_TRUE(answer.ok());
            EXPECT_TRUE(answer->entries[0].written.ok());
            EXPECT_EQ(answer->entries[3].written.outcome().issues.front().where, "Bundle.entry[3].resource.birthDate");
            EXPECT_EQ(reader().position(), before + 2);
        }
    }
}

// A patch is checked inside the writer, when other entries of the transaction are written already.
TEST_F(IngestTest, APatchThatBreaksAProfileUndoesItsTransaction) {
    Ingest checking(*store, {.check = born});
    auto arena = std::make_shared<json::Arena>();
    const auto ask = [&](const std::string& text) {
        return checking.bundle_and_wait(arena, json::parse(arena->keep(text), *arena).value(), "http://here/fhir", true,
                                        anything);
    };
    ASSERT_TRUE(
        ask(R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","id":"p","birthDate":"1950"},
        "request":{"method":"PUT","url":"Patient/p"}}]})")
            .ok());
    const auto before = reader().position();
    const auto answer = ask(R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"Organization","id":"o","name":"x"},"request":{"method":"PUT","url":"Organization/o"}},
        {"resource":{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"delete"},
            {"name":"path","valueString":"Patient.birthDate"}]}]},"request":{"method":"PATCH","url":"Patient/p"}}]})");
    ASSERT_FALSE(answer.ok());
    EXPECT_TRUE(answer.outcome().issues.front().where.starts_with("Bundle.entry[1].resource.birthDate"))
        << answer.outcome().line();
    EXPECT_EQ(reader().position(), before);
    EXPECT_FALSE(reader().read(*fhir::find_resource("Organization"), "o").ok());
}

}  // namespace
}  // namespace xinglin::ingest
