// SPDX-License-Identifier: Apache-2.0
// What goes out, to whom, in what order, and the account of it; on both engines.
#include <filesystem>
#include <fstream>

#include "cda/cda.h"
#include "outbound/test_outbound.h"
#include "testing/failing_sql.h"

namespace xinglin::outbound {

namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class OnEachEngine : public ::testing::TestWithParam<std::string> {
protected:
    OnEachEngine() : house(GetParam()) {}
    void SetUp() override {
        if (GetParam() == "postgres" && testing::fresh_postgres().empty()) GTEST_SKIP() << testing::no_postgres;
        house.open();
    }
    std::vector<fs::path> files() {
        std::vector<fs::path> all;
        for (const auto& entry : fs::directory_iterator(house.folder.path() / "outbox" / "insurance"))
            all.push_back(entry.path());
        std::sort(all.begin(), all.end());
        return all;
    }
    TestOutbound house;
};
INSTANTIATE_TEST_SUITE_P(Outbound, OnEachEngine, ::testing::ValuesIn(testing::engines()),
                         [](const auto& info) { return info.param; });

TEST_P(OnEachEngine, WhatMatchesGoesOutAsOneTransactionForEachPatientAndIsReceipted) {
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    house.patient("before");
    house.add(fhir_channel("province", receiver.port()));
    house.patient("a");
    house.visit("v1", "a");
    house.visit("v2", "a", "in-progress");
    house.patient("b");
    ASSERT_TRUE(house.outbound->settle(30));
    std::string bodies;
    for (const http::Request& each : receiver.all()) bodies += each.body + "\n";
    EXPECT_THAT(bodies,
                AllOf(HasSubstr(R"("url":"Patient/a")"), HasSubstr(R"("url":"Encounter/v1")"), HasSubstr(R"("url":"Patient/b")"),
                      Not(HasSubstr("Encounter/v2")), Not(HasSubstr("Patient/before"))));
    const auto all = house.deliveries("province");
    ASSERT_FALSE(all.empty());
    for (const Delivery& one : all) {
        EXPECT_EQ(one.state, State::acknowledged) << one.reason;
        EXPECT_THAT(one.receipt, HasSubstr("HTTP 200"));
        EXPECT_THAT(house.outbound->payload(one.number)->bytes, HasSubstr(one.control_id));
    }
    const auto account = house.outbound->reconcile("province", house.today());
    ASSERT_TRUE(account.ok());
    EXPECT_EQ(account->have, 3);
    EXPECT_EQ(account->counts.acknowledged, 3);
    EXPECT_TRUE(account->balanced);
    EXPECT_TRUE(account->difference.empty());
}

TEST_P(OnEachEngine, AVersionOfAPatientIsNeverSentBeforeTheOneThatWasSentEarlier) {
    int refusals = 0;
    std::mutex mutex;
    std::vector<std::string> order;
    Receiver receiver([&](const http::Request& request, int) {
        const std::lock_guard lock(mutex);
        if (request.body.find("Patient/a\"") != std::string::npos && refusals++ < 2)
            return http::Response::text(500, "text/plain", "my database is away");
        order.push_back(request.body);
        return Receiver::accept(request);
    });
    house.add(fhir_channel("province", receiver.port()));
    house.patient("a", "first");
    ASSERT_TRUE(house.outbound->settle(30));
    house.patient("a", "second");
    house.patient("b", "other");
    house.wait_out(2);
    ASSERT_EQ(house.states("province"), "acknowledged 3");
    std::string families;
    for (const std::string& body : order) {
        for (const std::string_view name : {"first", "second", "other"})
            families += body.find(name) != std::string::npos ? std::string(name) + " " : "";
    }
    EXPECT_EQ(families, "other first second ");
}

TEST_P(OnEachEngine, DeletionsGoOutOfWhatWentOut) {
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    house.visit("old", "a");
    house.add(fhir_channel("province", receiver.port()));
    house.visit("new", "a");
    ASSERT_TRUE(house.outbound->settle(30));
    house.erase("Encounter", "old");
    house.erase("Encounter", "new");
    ASSERT_TRUE(house.outbound->settle(30));
    const auto all = receiver.all();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_THAT(all[1].body, AllOf(HasSubstr(R"("method":"DELETE","url":"Encounter/new")"), Not(HasSubstr("Encounter/old"))));
}

TEST_P(OnEachEngine, ConfidentialResourcesAndThoseOfPatientsWhoForbidItAreWithheldAndCounted) {
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    house.add(fhir_channel("province", receiver.port(), R"(,"organization":"bureau")"));
    house.put(
        R"({"resourceType":"Patient","id":"secret","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}})");
    house.put(
        R"({"resourceType":"Consent","id":"c1","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],
                  "patient":{"reference":"Patient/no"},"provision":{"type":"permit","provision":[{"type":"deny","actor":[{"role":{"text":"r"},"reference":{"reference":"Organization/bureau"}}]}]}})");
    house.put(
        R"({"resourceType":"Consent","id":"c2","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],
                  "patient":{"reference":"Patient/other"},"provision":{"type":"deny","actor":[{"role":{"text":"r"},"reference":{"reference":"Organization/elsewhere"}}]}})");
    house.patient("no");
    house.visit("v", "no");
    house.patient("other");
    ASSERT_TRUE(house.outbound->settle(30));
    ASSERT_EQ(receiver.all().size(), 1u);
    EXPECT_THAT(receiver.all()[0].body, HasSubstr("Patient/other"));
    const auto account = house.outbound->reconcile("province", house.today());
    ASSERT_TRUE(account.ok());
    EXPECT_EQ(account->counts.withheld, 3);
    EXPECT_EQ(account->have, 4);
    EXPECT_TRUE(account->balanced);
    ASSERT_EQ(account->difference.size(), 3u);
    EXPECT_EQ(account->difference[0].state, "withheld");
    EXPECT_THAT(csv_of(*house.outbound->channel("province"), *account),
                HasSubstr("withheld,Patient/no,1,,the patient's consent forbids it"));
}

TEST_P(OnEachEngine, ADaysDischargesAreOneFileWhichIsReceiptedByAFileBesideIt) {
    house.add(csv_channel("insurance", R"(,"receipt":"file")", R"(,"batch":{"at":"22:00","count":1000})"));  // now it is 08:00
    house.patient("a", R"(王, \"大\")");
    house.visit("v1", "a");
    house.visit("v2", "a");
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(house.states("insurance"), "");
    house.clock.move(14 * 3'600'000 + 60'000);
    ASSERT_TRUE(house.outbound->settle(30));
    ASSERT_EQ(house.states("insurance"), "sent 1");
    const auto written = files();
    ASSERT_EQ(written.size(), 1u);
    EXPECT_EQ(written[0].extension(), ".csv");
    EXPECT_EQ(testing::read_file(written[0]), "就诊号,姓名\r\nv1,\"王, \"\"大\"\"\"\r\nv2,\"王, \"\"大\"\"\"\r\n");
    std::ofstream(written[0].string() + ".ack") << "accepted,2\nrefused,0\n";
    for (int i = 0; i < 100 && house.states("insurance") == "sent 1"; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_EQ(house.states("insurance"), "acknowledged 1");
    house.visit("v3", "a");
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(house.states("insurance"), "acknowledged 1");  // tomorrow
    house.clock.move(24 * 3'600'000);
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(house.states("insurance"), "acknowledged 1, sent 1");
    std::ofstream(files().back().string() + ".ack") << "accepted,0\nrefused,1\n3: no such card\n";
    for (int i = 0; i < 100 && house.states("insurance") != "acknowledged 1, refused 1"; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto refused = house.outbound->find({.channel = "insurance", .state = State::refused}).deliveries;
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_THAT(refused[0].reason, HasSubstr("no such card"));
}

TEST_P(OnEachEngine, WhatWasRefusedIsRetriedWithoutWhatTheReceiverHasLaterVersionsOf) {
    std::atomic<bool> refuses{true};
    Receiver receiver([&](const http::Request& request, int) {
        return refuses
                   ? http::Response::text(
                         422, "application/fhir+json",
                         R"({"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"value","diagnostics":"no such ward"}]})")
                   : Receiver::accept(request);
    });
    house.add(fhir_channel("province", receiver.port()));
    house.patient("a", "old");
    ASSERT_TRUE(house.outbound->settle(30));
    house.patient("b", "old");
    ASSERT_TRUE(house.outbound->settle(30));
    ASSERT_EQ(house.states("province"), "refused 2");
    EXPECT_EQ(house.outbound->health("province")[0].state, "refusing");
    EXPECT_FALSE(house.outbound->remove("province", "op").ok());
    refuses = false;
    house.patient("a", "new");
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(*house.outbound->retry_all("province", "op"), 2);
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(house.states("province"), "acknowledged 2, ignored 1");
    EXPECT_THAT(receiver.all().back().body, HasSubstr("Patient/b"));
    const auto ignored = house.outbound->find({.channel = "province", .state = State::ignored}).deliveries;
    EXPECT_THAT(ignored.at(0).reason, HasSubstr("later versions"));
    const auto events = house.outbound->events(ignored.at(0).number);
    ASSERT_EQ(events.size(), 3u);
    EXPECT_THAT(events[0].detail, HasSubstr("no such ward"));
    EXPECT_EQ(events[1].who, "op");
    EXPECT_TRUE(house.outbound->remove("province", "op").ok());
}

TEST_P(OnEachEngine, ARefusedDeliveryIsIgnoredWithAReasonAndAName) {
    Receiver receiver([](const http::Request&, int) { return http::Response::text(400, "text/html", "<h1>no</h1>"); });
    house.add(fhir_channel("province", receiver.port()));
    house.patient("a");
    ASSERT_TRUE(house.outbound->settle(30));
    const auto one = house.deliveries("province").at(0);
    EXPECT_THAT(one.reason, HasSubstr("HTML"));
    EXPECT_EQ(house.outbound->ignore(one.number, "", "op").outcome().issues.at(0).where, "reason");
    ASSERT_TRUE(house.outbound->ignore(one.number, "moved away", "op").ok());
    EXPECT_FALSE(house.outbound->ignore(one.number, "moved away", "op").ok());
    const auto account = house.outbound->reconcile("province", house.today());
    EXPECT_EQ(account->counts.ignored, 1);
    EXPECT_EQ(account->difference.at(0).state, "ignored");
}

TEST_P(OnEachEngine, OneDeadReceiverHoldsNobodyUp) {
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    RawPeer silent([](const std::string&, int) { return "…"; });
    house.add(fhir_channel("silent", silent.port()));
    house.add(fhir_channel("nobody", 1));
    house.add(fhir_channel("province", receiver.port()));
    for (int i = 0; i < 20; ++i) house.patient(fmt::format("p{}", i));
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(receiver.all().size(), 20u);
    EXPECT_EQ(house.states("province"), "acknowledged 20");
    EXPECT_EQ(house.states("silent"), "waiting 20");
    EXPECT_EQ(house.states("nobody"), "waiting 20");
    const auto health = house.outbound->health("nobody");
    EXPECT_EQ(health.at(0).state, "unreachable");
    EXPECT_THAT(health.at(0).why, HasSubstr("connection"));
}

TEST_P(OnEachEngine, APausedChannelQueuesAndOneThatIsOffDoesNot) {
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    house.add(fhir_channel("province", receiver.port()));
    ASSERT_TRUE(house.outbound->set_mode("province", Mode::paused, "op").ok());
    house.patient("a");
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(house.states("province"), "waiting 1");
    ASSERT_TRUE(house.outbound->set_mode("province", Mode::off, "op").ok());
    house.patient("b");
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(house.states("province"), "waiting 1");
    ASSERT_TRUE(house.outbound->set_mode("province", Mode::on, "op").ok());
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(house.states("province"), "acknowledged 1");
    house.patient("c");
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(house.states("province"), "acknowledged 2");
}

TEST_P(OnEachEngine, AfterARestartEverythingThatWaitedIsSentUnderItsOldControlId) {
    std::string before;
    {
        house.add(fhir_channel("province", 1));
        house.patient("a");
        ASSERT_TRUE(house.outbound->settle(30));
        before = house.deliveries("province").at(0).control_id;
        house.patient("b");
    }
    house.open();
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    house.clock.move(3'600'000);
    house.add(fhir_channel("province", receiver.port()));
    house.wait_out(1);
    ASSERT_EQ(receiver.all().size(), 2u);
    for (const http::Request& each : receiver.all()) {
        if (each.body.find("Patient/a") == std::string::npos) continue;
        EXPECT_THAT(each.body, HasSubstr(before));
        EXPECT_EQ(each.headers.get("X-Request-Id"), before);
        return;
    }
    FAIL() << "Patient/a was never sent";
}

TEST_P(OnEachEngine, WhateverStatementFailsNothingIsLostAndTheAccountBalances) {
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    const auto plan = std::make_shared<testing::FailingPlan>();
    Options options;
    options.wrap = [&](std::unique_ptr<sql::Connection> inside) { return testing::make_failing(std::move(inside), plan); };
    house.open(options);
    house.add(fhir_channel("province", receiver.port()));
    int number = 0;
    for (const int successes : {0, 1, 3, 5, 8, 12, 17}) {
        const std::int64_t before = plan->failures;
        house.patient(fmt::format("p{}", number++));
        plan->fail_after(successes);
        for (int i = 0; i < 300 && plan->failures == before; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    plan->fail_after(testing::FailingPlan::never);
    for (int i = 0; i < 100 && house.states("province") != "acknowledged 7"; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_GT(plan->failures, 3);
    EXPECT_EQ(house.states("province"), "acknowledged 7");
    const auto account = house.outbound->reconcile("province", house.today());
    EXPECT_EQ(account->have, 7);
    EXPECT_TRUE(account->balanced);
}

TEST_P(OnEachEngine, ReconciliationFindsWhatNeverReachedTheQueue) {
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    house.add(fhir_channel("province", receiver.port()));
    house.patient("a");
    house.patient("b");
    ASSERT_TRUE(house.outbound->settle(30));
    if (GetParam() == "sqlite") {
        auto by_hand = sql::open((house.folder.path() / "outbound.db").string());
        by_hand->run("DELETE FROM outbound_item WHERE id = 'b'");
        const auto account = house.outbound->reconcile("province", house.today());
        EXPECT_EQ(account->have, 2);
        EXPECT_EQ(account->missing, 1);
        EXPECT_FALSE(account->balanced);
        EXPECT_EQ(account->difference.at(0).item.id, "b");
        EXPECT_EQ(account->difference.at(0).state, "missing");
    }
}

TEST_P(OnEachEngine, AVisitGoesOutAsASharedDocumentWithWhatBelongsToItAndMayBeTold) {
    house.put(
        R"({"resourceType":"Patient","id":"a","identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"130303198001011234"}],"name":[{"text":"王小芳"}],"gender":"female","birthDate":"1980-01-01"})");
    const auto condition = [&](std::string_view id, std::string_view visit, std::string_view words, std::string_view label) {
        house.put(fmt::format(
            R"({{"resourceType":"Condition","id":"{0}","meta":{{"security":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"{3}"}}]}},
                "clinicalStatus":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}}]}},
                "code":{{"coding":[{{"system":"http://hl7.org/fhir/sid/icd-10","code":"{0}","display":"{2}"}}],"text":"{2}"}},"subject":{{"reference":"Patient/a"}},"encounter":{{"reference":"Encounter/{1}"}}}})",
            id, visit, words, label));
    };
    condition("I10", "v1", "原发性高血压", "N");
    condition("F32", "v1", "不便外传的诊断", "V");
    condition("J06", "v0", "别次就诊的诊断", "N");
    house.add(
        R"({"id":"documents","name":"省平台","target":{"kind":"folder","folder":"insurance"},"format":"cda","filter":{"types":[{"type":"Encounter","search":"status=finished"}]}})");
    house.put(
        R"({"resourceType":"Encounter","id":"v1","status":"finished","class":{"code":"IMP"},"subject":{"reference":"Patient/a"},"period":{"start":"2026-11-02T08:00:00+08:00","end":"2026-11-09T10:00:00+08:00"}})");
    house.visit("v2", "a", "in-progress");
    ASSERT_TRUE(house.outbound->settle(30));
    ASSERT_EQ(house.states("documents"), "acknowledged 1") << house.deliveries("documents").at(0).reason;
    ASSERT_EQ(files().size(), 1u);
    EXPECT_EQ(files().front().extension(), ".xml");
    std::ifstream in(files().front());
    const std::string xml(std::istreambuf_iterator<char>(in), {});
    EXPECT_THAT(xml,
                AllOf(HasSubstr("王小芳"), HasSubstr("原发性高血压"), Not(HasSubstr("不便外传")), Not(HasSubstr("别次就诊"))));
    const auto knowledge = cda::Knowledge::read(house.content);
    ASSERT_TRUE(knowledge.ok());
    const auto read = cda::convert(xml, {.id = "us"}, *knowledge);
    ASSERT_TRUE(read.ok()) << read.outcome().line();
    house.put(R"({"resourceType":"Encounter","id":"nobody","status":"finished","class":{"code":"AMB"}})");
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(house.states("documents"), "acknowledged 1, refused 1");
    const Delivery refused = house.outbound->find({.channel = "documents", .state = State::refused}).deliveries.at(0);
    EXPECT_THAT(refused.reason, HasSubstr("needs one"));
}

TEST_P(OnEachEngine, WhatIsReferredToIsNotShownThroughTheBackDoor) {
    house.add(csv_channel("insurance"));
    house.put(
        R"({"resourceType":"Patient","id":"a","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}]},"name":[{"family":"秘"}]})");
    house.patient("b", "明");
    house.visit("v1", "a");
    house.visit("v2", "b");
    ASSERT_TRUE(house.outbound->settle(30));
    std::string all;
    for (const fs::path& file : files()) {
        std::ifstream in(file);
        all += std::string(std::istreambuf_iterator<char>(in), {});
    }
    EXPECT_THAT(all, AllOf(HasSubstr("v1,\r\n"), HasSubstr("v2,明"), Not(HasSubstr("秘"))));
}

TEST_P(OnEachEngine, AChannelWithoutPersonsSendsNoneAndNoTwoReceiversCanJoinTheirs) {
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    fs::create_directories(house.folder.path() / "secrets");
    const fs::path key = house.folder.path() / "secrets" / "research";
    std::ofstream(key) << "a key of more than thirty-two bytes for tests";
    fs::permissions(key, fs::perms::owner_read);
    for (const char* id : {"one", "two"})
        house.add(fhir_channel(id, receiver.port(), R"(,"transform":{"deidentify":true,"key":"research","dates":"shift"})"));
    house.put(
        R"({"resourceType":"Patient","id":"secret-id","identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"130303198001011234"}],
            "name":[{"text":"王小芳","family":"王"}],"telecom":[{"value":"13912345678"}],"birthDate":"1980-01-01",
            "address":[{"line":["建设路8号"],"district":"山海关区"}]})");
    house.put(
        R"({"resourceType":"Encounter","id":"visit-id","status":"finished","class":{"code":"IMP"},"subject":{"reference":"Patient/secret-id","display":"王小芳"},
            "period":{"start":"2026-11-02","end":"2026-11-09"}})");
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_EQ(house.states("one"), "acknowledged 1");
    EXPECT_EQ(house.states("two"), "acknowledged 1");
    const auto all = receiver.all();
    ASSERT_EQ(all.size(), 2u);
    std::set<std::string> people;
    for (const http::Request& each : all) {
        for (const char* person :
             {"secret-id", "visit-id", "130303198001011234", "王", "13912345678", "建设路", "1980-01-01", "2026-11-02"})
            EXPECT_THAT(each.body, Not(HasSubstr(person)));
        EXPECT_THAT(each.body, AllOf(HasSubstr("山海关区"), HasSubstr("\"birthDate\":\"1980\"")));
        const std::size_t at = each.body.find("Patient/");
        ASSERT_NE(at, std::string::npos);
        people.insert(each.body.substr(at, 40));
        EXPECT_NE(each.body.find(each.body.substr(at, 40), at + 1), std::string::npos);  // the visit is still that person's
    }
    EXPECT_EQ(people.size(), 2u);
    house.erase("Encounter", "visit-id");  // what is taken back is named as it was
    ASSERT_TRUE(house.outbound->settle(30));
    EXPECT_THAT(receiver.all().back().body, AllOf(HasSubstr("DELETE"), Not(HasSubstr("visit-id"))));
}

TEST_P(OnEachEngine, ATrialSaysWhatWouldBeSentAndSendsNothing) {
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    house.patient("a");
    house.visit("v", "a", "planned");
    house.add(fhir_channel("province", receiver.port()));
    const Channel channel = *house.outbound->channel("province");
    auto trial = house.outbound->try_out(channel, "Patient", "a", true);
    ASSERT_TRUE(trial.ok());
    EXPECT_TRUE(trial->matches);
    EXPECT_TRUE(trial->reachable.value_or(false));
    EXPECT_THAT(trial->payload->bytes, HasSubstr("Patient/a"));
    trial = house.outbound->try_out(channel, "Encounter", "v", false);
    EXPECT_FALSE(trial->matches);
    EXPECT_THAT(trial->why, HasSubstr("condition"));
    EXPECT_EQ(house.outbound->try_out(channel, "Encounter", "none", false).outcome().code(), IssueCode::not_found);
    EXPECT_TRUE(receiver.all().empty());
}

}  // namespace

}  // namespace xinglin::outbound
