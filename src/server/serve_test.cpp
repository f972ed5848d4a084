// SPDX-License-Identifier: Apache-2.0
// The real server in a folder of its own: logging in, our own calls, stopping.
#include <gtest/gtest.h>

#include <thread>

#include "server/route.h"
#include "server/test_process.h"
#include "text/text.h"

namespace xinglin::server {
namespace {

const std::string patient =
    R"({"resourceType":"Patient","id":"p1","name":[{"family":"Li","given":["Na"]}],"birthDate":"1959-03-12"})";

class ServeTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
};

std::string one_time_password(const std::string& errors) {
    const std::string before = "one-time password ";
    const auto at = errors.find(before);
    return at == std::string::npos ? "" : errors.substr(at + before.size(), errors.find('\n', at) - at - before.size());
}

/// Goes on with the session that was answered.
void take_session(Caller& caller, const http::Response& answer) {
    const std::string cookie(answer.headers.get("Set-Cookie"));
    caller.extra = {{"Cookie", cookie.substr(0, cookie.find(';'))}, {"X-Xinglin-CSRF", member(answer, {"csrf"})}};
}

/// Logs in and remembers cookie and csrf for what follows.
http::Response log_in(Caller& caller, const std::string& name, const std::string& password) {
    caller.extra.clear();
    json::Arena arena;
    const std::string body = json::write(arena.object({{"name", arena.string(name)}, {"password", arena.string(password)}}));
    http::Response answer = caller.send("POST", "/auth/login", body, "application/json");
    take_session(caller, answer);
    return answer;
}

TEST_F(ServeTest, FirstStartPrintsAnAdministratorWhoMustChangeThePassword) {
    RunningServer server(folder_.path());
    ASSERT_TRUE(server.ready()) << server.errors();
    EXPECT_EQ(server.ready_line(), "ready http://127.0.0.1:" + std::to_string(server.port()));
    const std::string password = one_time_password(server.errors());
    ASSERT_NE(password, "");

    Caller admin(server, "");
    EXPECT_EQ(log_in(admin, "admin", "wrong").status, 401);
    const auto session = log_in(admin, "admin", password);
    ASSERT_EQ(session.status, 200) << session.body;
    EXPECT_EQ(member(session, {"user", "must_change_password"}), "true");
    const std::string cookie(session.headers.get("Set-Cookie"));
    EXPECT_NE(cookie.find("HttpOnly"), std::string::npos);
    EXPECT_NE(cookie.find("SameSite=Strict"), std::string::npos);

    EXPECT_EQ(admin.get("/api/v1/types").status, 403) << "nothing before the password is changed";
    EXPECT_EQ(admin.get("/fhir/Patient").status, 403);
    EXPECT_EQ(admin.send("POST", "/auth/password", R"({"old":")" + password + R"(","new":"short"})", "application/json").status,
              422);
    const auto changed =
        admin.send("POST", "/auth/password", R"({"old":")" + password + R"(","new":"moderate-rain-7"})", "application/json");
    ASSERT_EQ(changed.status, 200) << changed.body;
    EXPECT_EQ(admin.get("/auth/me").status, 401) << "the old cookie ended with the old password";
    take_session(admin, changed);
    EXPECT_EQ(admin.get("/api/v1/types").status, 200);
    EXPECT_EQ(member(admin.get("/auth/me"), {"user", "name"}), "admin");
    EXPECT_EQ(admin.send("POST", "/auth/logout").status, 204);
    EXPECT_EQ(admin.get("/auth/me").status, 401);

    EXPECT_EQ(server.stop(), 0);
    RunningServer again(folder_.path());
    EXPECT_EQ(one_time_password(again.errors()), "") << "only the first start makes one";
    Caller later(again, "");
    EXPECT_EQ(log_in(later, "admin", "moderate-rain-7").status, 200);
}

TEST_F(ServeTest, AnAdministratorMakesBackupsBesideTheServing) {
    const auto password = folder_.path() / "password";
    std::ofstream(password) << "moderate-rain-7\n";
    const auto data = folder_.path() / "data";
    { RunningServer first(data); }
    ASSERT_EQ(command({"user", "add", "--data", data.string(), "--name", "boss", "--role", "administrator", "--password-file",
                       password.string()})
                  .status,
              0);
    RunningServer server(data);
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller boss(server, "");
    ASSERT_EQ(log_in(boss, "boss", "moderate-rain-7").status, 200);
    const auto begin = [&](const std::string& body) {
        return boss.send("POST", "/api/v1/backups", body, "application/json").status;
    };
    EXPECT_EQ(begin(R"({"kind":"differential"})"), 409) << "there is none to continue";
    EXPECT_EQ(begin(R"({"kind":"half"})"), 422);
    std::string body;
    for (const std::string kind : {"full", "differential"}) {
        int status = 409;
        for (int i = 0; i < 300 && status == 409; ++i) {  // the one before may still be finishing
            status = begin(R"({"kind":")" + kind + R"("})");
            if (status == 409) std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        ASSERT_EQ(status, 202);
        const std::string done = R"("kind":")" + kind + R"(","seconds")";
        for (int i = 0; i < 300; ++i) {
            body = boss.get("/api/v1/system").body;
            if (body.find(done) != std::string::npos) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        EXPECT_NE(body.find(done), std::string::npos) << body;
    }
    EXPECT_NE(body.find(R"("storage":[)"), std::string::npos);
    EXPECT_NE(body.find(R"("tables":[)"), std::string::npos);
    EXPECT_EQ(server.stop(), 0);
    for (const auto& each : std::filesystem::directory_iterator(data / "backups"))
        EXPECT_EQ(command({"verify", "--data", each.path().string()}).status, 0) << each.path();
}

TEST_F(ServeTest, WritesWithACookieNeedItsCsrfValue) {
    ASSERT_EQ(command({"user", "add", "--data", folder_.path().string(), "--name", "doctor", "--role", "clinician",
                       "--password-file", "/dev/null"})
                  .status,
              3);
    const auto file = folder_.path() / ".password";
    std::ofstream(file) << "moderate-rain-7\n";
    ASSERT_EQ(command({"user", "add", "--data", folder_.path().string(), "--name", "doctor", "--role", "clinician",
                       "--password-file", file.string()})
                  .status,
              0);
    RunningServer server(folder_.path());
    Caller doctor(server, "");
    ASSERT_EQ(log_in(doctor, "doctor", "moderate-rain-7").status, 200);
    EXPECT_EQ(doctor.send("PUT", "/fhir/Patient/p1", patient).status, 201);
    doctor.extra.pop_back();
    EXPECT_EQ(doctor.send("PUT", "/fhir/Patient/p1", patient).status, 403);
    EXPECT_EQ(doctor.get("/fhir/Patient/p1").status, 200);
    doctor.extra.emplace_back("X-Xinglin-CSRF", "guess");
    EXPECT_EQ(doctor.send("DELETE", "/fhir/Patient/p1").status, 403);
}

TEST_F(ServeTest, RolesSeeWhatIsTheirs) {
    const auto file = folder_.path() / ".password";
    std::ofstream(file) << "moderate-rain-7\n";
    for (const std::string role : {"clinician", "epidemiologist", "planner", "operator", "resident"}) {
        std::vector<std::string> words{"user", "add",    "--data", folder_.path().string(), "--name",
                                       role,   "--role", role,     "--password-file",       file.string()};
        if (role == "resident") words.insert(words.end(), {"--patient", "p1"});
        ASSERT_EQ(command(words).status, 0) << role;
    }
    RunningServer server(folder_.path());
    const auto enter = [&](const std::string& role) {
        Caller caller(server, "");
        EXPECT_EQ(log_in(caller, role, "moderate-rain-7").status, 200) << role;
        return caller;
    };
    Caller doctor = enter("clinician");
    ASSERT_EQ(doctor.send("PUT", "/fhir/Patient/p1", patient).status, 201);
    ASSERT_EQ(doctor.send("PUT", "/fhir/Patient/p2", R"({"resourceType":"Patient","id":"p2"})").status, 201);
    Caller watcher = enter("epidemiologist");
    EXPECT_EQ(watcher.get("/fhir/Patient?name=li").status, 200);
    EXPECT_EQ(watcher.send("DELETE", "/fhir/Patient/p2").status, 403);
    for (const std::string role : {"planner", "operator"}) {
        Caller caller = enter(role);
        for (const char* path : {"/fhir/Patient/p1", "/fhir/Patient", "/fhir/Patient/p1/$everything", "/fhir/_history",
                                 "/api/v1/people?q=li", "/api/v1/people/p1", "/api/v1/people/p1/accesses",
                                 "/fhir/Organization?_has:Encounter:service-provider:status=finished"})
            EXPECT_EQ(caller.get(path).status, 403) << role << " " << path;
        EXPECT_EQ(caller.send("PUT", "/fhir/Patient/p2", patient).status, 403) << role;
        EXPECT_EQ(caller.get("/api/v1/system").status, 200) << role;
        EXPECT_EQ(caller.get("/api/v1/screen").status, 200) << role;
        EXPECT_EQ(caller.get("/api/v1/screen/map").status, 200) << role;
        EXPECT_EQ(caller.get("/api/v1/intake/messages").status, role == "operator" ? 200 : 403) << role;
        EXPECT_EQ(caller.send("POST", "/api/v1/intake/messages/1/retry").status, role == "operator" ? 404 : 403) << role;
    }
    Caller resident = enter("resident");
    EXPECT_EQ(member(resident.get("/auth/me"), {"user", "patient"}), "p1");
    for (const char* path :
         {"/fhir/Patient/p1", "/fhir/Patient/p1/$everything", "/api/v1/people/p1", "/api/v1/people/p1/accesses"})
        EXPECT_EQ(resident.get(path).status, 200) << path;
    for (const char* path : {"/fhir/Patient/p2", "/fhir/Patient", "/fhir/Patient/p1/_history", "/fhir/Observation",
                             "/api/v1/people?q=li", "/api/v1/people/p2", "/api/v1/people/p2/accesses", "/api/v1/system",
                             "/api/v1/events", "/fhir/Patient/p2/$everything", "/api/v1/types", "/fhir/_history"})
        EXPECT_EQ(resident.get(path).status, 403) << path;
    EXPECT_EQ(resident.send("PUT", "/fhir/Patient/p1", patient).status, 403);
    EXPECT_EQ(resident.send("POST", "/fhir/Patient/_search", "name=li", "application/x-www-form-urlencoded").status, 403);
    EXPECT_EQ(resident.send("POST", "/fhir", R"({"resourceType":"Bundle","type":"batch"})").status, 403);
}

TEST_F(ServeTest, GuessingIsStoppedAfterFiveFailures) {
    RunningServer server(folder_.path());
    Caller stranger(server, "");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(log_in(stranger, "admin", "guess").status, 401);
    const auto sixth = log_in(stranger, "admin", "guess");
    EXPECT_EQ(sixth.status, 429);
    EXPECT_TRUE(sixth.headers.has("Retry-After"));
    EXPECT_EQ(member(sixth, {"error", "code"}), "throttled");
}

TEST_F(ServeTest, StrangersSeeNothingButWhatIsOpen) {
    RunningServer server(folder_.path());
    Caller stranger(server, "");
    for (const char* closed :
         {"/fhir/Patient", "/fhir/Patient/p1", "/api/v1/types", "/api/v1/system", "/api/v1/people", "/api/v1/imports",
          "/api/v1/events", "/api/v1/openapi.json", "/auth/me", "/api/v1/nothing", "/fhir", "/fhir/_history"}) {
        EXPECT_EQ(stranger.get(closed).status, 401) << closed;
    }
    for (const char* open : {"/fhir/metadata", "/healthz", "/readyz", "/metrics"})
        EXPECT_EQ(stranger.get(open).status, 200) << open;
    EXPECT_NE(stranger.get("/fhir/Patient").body.find("OperationOutcome"), std::string::npos);
    Caller wrong(server, "xl_wrong");
    EXPECT_EQ(wrong.get("/fhir/Patient").status, 401);
    // A stranger's large body is not even read.
    EXPECT_EQ(stranger.send("POST", "/fhir/Patient", std::string(200'000, ' ')).status, 413);
}

TEST_F(ServeTest, ATokenWorksFromBeforeTheStartAndEndsWhileServing) {
    const std::string early = add_client(folder_.path(), "early");
    RunningServer server(folder_.path());
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller first(server, early);
    EXPECT_EQ(first.send("PUT", "/fhir/Patient/p1", patient).status, 201);

    Caller second(server, add_client(folder_.path(), "late", "system/Patient.rs"));
    EXPECT_EQ(second.get("/fhir/Patient/p1").status, 200);
    EXPECT_EQ(second.send("PUT", "/fhir/Patient/p2", R"({"resourceType":"Patient","id":"p2"})").status, 403);

    ASSERT_EQ(command({"client", "remove", "--data", folder_.path().string(), "--name", "late"}).status, 0);
    int status = 200;
    for (int i = 0; i < 100 && status == 200; ++i) {
        status = second.get("/fhir/Patient/p1").status;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_EQ(status, 401);
    EXPECT_EQ(first.get("/fhir/Patient/p1").status, 200);
}

// What the description says exists, exists; what it does not say does not.
TEST_F(ServeTest, EveryDescribedCallAnswers) {
    const std::string token = add_client(folder_.path(), "machine");
    RunningServer server(folder_.path());
    Caller machine(server, token);
    ASSERT_EQ(machine.send("PUT", "/fhir/Patient/p1", patient).status, 201);
    const auto description = machine.get("/api/v1/openapi.json");
    json::Arena arena;
    const auto document = json::parse(description.body, arena);
    ASSERT_TRUE(document.ok()) << description.body;
    std::size_t calls = 0;
    for (const json::Member& path : (*document)["paths"].members()) {
        for (const json::Member& operation : path.value().members()) {
            std::string target(path.key());
            ++calls;
            if (target == "/api/v1/events") continue;  // an answer that never ends; pulse_test.cpp listens to it
            if (const auto hole = target.find("{id}"); hole != std::string::npos)
                target.replace(hole, 4, target.find("people") != std::string::npos ? "p1" : "none");
            std::string method(operation.key());
            for (char& c : method) c = static_cast<char>(c - 'a' + 'A');
            const auto answer = machine.send(method, target, method == "POST" ? "{}" : "", "application/json");
            EXPECT_NE(answer.status, 405) << method << target;
            EXPECT_LT(answer.status, 500) << method << target << answer.body;
            EXPECT_EQ(answer.body.find("nothing at this address"), std::string::npos) << method << target;
        }
    }
    EXPECT_EQ(calls, all_routes().size() + 5);
    EXPECT_EQ(machine.get("/api/v1/nothing").status, 404);
    const auto wrong = machine.send("DELETE", "/api/v1/types");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.headers.get("Allow"), "GET");
}

TEST_F(ServeTest, SystemTypesAndMetricsCountWhatIsThere) {
    const std::string token = add_client(folder_.path(), "machine");
    RunningServer server(folder_.path());
    Caller machine(server, token);
    ASSERT_EQ(machine.send("PUT", "/fhir/Patient/p1", patient).status, 201);
    ASSERT_EQ(machine.send("PUT", "/fhir/Patient/p2", R"({"resourceType":"Patient","id":"p2"})").status, 201);
    const auto types = machine.get("/api/v1/types");
    EXPECT_EQ(member(types, {"total"}), "2") << types.body;
    const auto system = machine.get("/api/v1/system");
    EXPECT_EQ(member(system, {"resources"}), "2");
    EXPECT_EQ(member(system, {"feed_position"}), "2");
    EXPECT_NE(system.body.find(R"({"name":"writer","status":"good")"), std::string::npos) << system.body;
    const std::string metrics = machine.get("/metrics").body;
    EXPECT_NE(metrics.find("\nxinglin_record_versions 2\n"), std::string::npos) << metrics;
    EXPECT_NE(metrics.find("xinglin_http_request_seconds_bucket{le=\"+Inf\"}"), std::string::npos);
    EXPECT_EQ(metrics.find("Li"), std::string::npos);
}

TEST_F(ServeTest, TheElementsOfATypeAreToldToPages) {
    const std::string token = add_client(folder_.path(), "machine");
    RunningServer server(folder_.path());
    Caller machine(server, token);
    const auto patient = machine.get("/api/v1/types/Patient/elements");
    EXPECT_EQ(patient.status, 200);
    EXPECT_NE(
        patient.body.find(
            R"({"name":"name","min":0,"max":null,"choice":false,"types":[{"name":"HumanName","kind":"complex","targets":[]}]})"),
        std::string::npos)
        << patient.body;
    EXPECT_EQ(member(machine.get("/api/v1/types/Patient.contact/elements"), {"kind"}), "backbone");
    EXPECT_EQ(machine.get("/api/v1/types/Nothing/elements").status, 404);
}

TEST_F(ServeTest, EventsComeAsServerSentEvents) {
    const std::string token = add_client(folder_.path(), "machine");
    RunningServer server(folder_.path());
    http::Client listening = server.client();
    ASSERT_TRUE(listening.send_raw("GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n").ok());
    const auto head = listening.receive_head();
    ASSERT_TRUE(head.ok());
    EXPECT_EQ(head.value().status, 200);
    EXPECT_TRUE(head.value().headers.get("Content-Type").starts_with("text/event-stream"));
    std::string events;
    const std::string_view mark = "event: system\n";
    while (events.find(mark) == events.rfind(mark)) {  // until the second heartbeat, on the same answer
        const auto some = listening.receive_some();
        ASSERT_TRUE(some.ok() && !some.value().empty());
        events += some.value();
    }
    EXPECT_NE(events.find("event: system\ndata: {\"version\""), std::string::npos) << events;
    EXPECT_EQ(server.stop(), 0) << "a listener does not hold a stop up";
}

TEST_F(ServeTest, AFileSentInIsImported) {
    const std::string token = add_client(folder_.path(), "machine");
    RunningServer server(folder_.path());
    Caller machine(server, token);
    const std::string lines =
        patient + "\n" + R"({"resourceType":"Observation","id":"o1","status":"nonsense","code":{"text":"x"}})" + "\n";
    const auto taken = machine.send("POST", "/api/v1/imports?name=two.ndjson", lines, "application/x-ndjson");
    ASSERT_EQ(taken.status, 202) << taken.body;
    const std::string at = "/api/v1/imports/" + member(taken, {"id"});
    http::Response job;
    for (int i = 0; i < 200; ++i) {
        job = machine.get(at);
        if (member(job, {"state"}) == "done") break;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_EQ(member(job, {"state"}), "done") << job.body;
    EXPECT_EQ(member(job, {"read"}), "2");
    EXPECT_EQ(member(job, {"stored"}), "1");
    EXPECT_EQ(member(job, {"rejected"}), "1");
    EXPECT_EQ(machine.get("/fhir/Patient/p1").status, 200);
    const auto rejected = machine.get(at + "/rejected");
    EXPECT_NE(rejected.body.find("\"reason\""), std::string::npos) << rejected.body;
    EXPECT_EQ(machine.send("POST", at + "/cancel").status, 409);
    EXPECT_EQ(machine.send("POST", "/api/v1/imports?name=letter.doc", "x", "application/octet-stream").status, 422);
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "incoming"));
}

TEST_F(ServeTest, HostileInputIsRefusedAndTheServerGoesOn) {
    const std::string token = add_client(folder_.path(), "machine");
    RunningServer server(folder_.path());
    Caller machine(server, token);
    const auto post = [&](std::string body) { return machine.send("POST", "/fhir/Patient", std::move(body)).status; };
    EXPECT_EQ(post(std::string(10'000, '[') + std::string(10'000, ']')), 413) << "too deep";
    EXPECT_EQ(post("{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"\xFF\"}]}"), 400) << "not UTF-8";
    EXPECT_EQ(post("{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"\xCD\xF5\"}]}"), 400) << "GB18030";
    EXPECT_EQ(post(R"({"resourceType":"Patient","id":"a","id":"b"})"), 400) << "a key twice";
    EXPECT_EQ(machine.send("POST", "/fhir", R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":)").status, 400)
        << "half a bundle";
    EXPECT_EQ(post(std::string(200u << 20, ' ')), 413) << "200 MiB";
    Caller again(server, token);
    EXPECT_EQ(again.send("PUT", "/fhir/Patient/p1", patient).status, 201);
    EXPECT_EQ(again.send("POST", "/api/v1/imports?name=..%2F..%2Fescape.json", patient).status, 202);
    EXPECT_FALSE(std::filesystem::exists(folder_.path().parent_path() / "escape.json"));
    EXPECT_EQ(member(again.get("/api/v1/system"), {"resources"}).empty(), false);
}

TEST_F(ServeTest, PagesComeWithHeadersThatProtectThem) {
    RunningServer server(folder_.path());
    Caller browser(server, "");
    const auto page = browser.get("/");
    EXPECT_TRUE(page.status == 200 || page.body.find("without its web pages") != std::string::npos) << page.status;
    EXPECT_NE(page.headers.get("Content-Security-Policy").find("frame-ancestors 'none'"), std::string_view::npos);
    EXPECT_EQ(page.headers.get("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(browser.get("/person/p1/timeline").status, page.status) << "the router of the page knows this path";
    EXPECT_EQ(browser.get("/assets/none-1234.js").status, 404);
    EXPECT_EQ(browser.send("POST", "/", "x", "text/plain").status, 405);
}

TEST_F(ServeTest, SigtermFinishesWhatWasTaken) {
    const std::string token = add_client(folder_.path(), "machine");
    std::atomic<int> acknowledged = 0;
    {
        RunningServer server(folder_.path());
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                Caller machine(server, token);
                for (int i = 0; i < 10'000; ++i) {
                    const std::string id = "t" + std::to_string(t) + "-" + std::to_string(i);
                    if (machine.send("PUT", "/fhir/Patient/" + id, R"({"resourceType":"Patient","id":")" + id + R"("})").status !=
                        201)
                        return;
                    ++acknowledged;
                }
            });
        }
        while (acknowledged < 50) std::this_thread::yield();
        EXPECT_EQ(server.stop(), 0) << server.errors();
        for (auto& thread : threads) thread.join();
    }
    RunningServer again(folder_.path());
    Caller machine(again, token);
    EXPECT_GE(std::stoi(member(machine.get("/api/v1/types"), {"total"})), acknowledged);
}

TEST_F(ServeTest, ASecondSigtermStopsAtOnce) {
    RunningServer server(folder_.path());
    ASSERT_TRUE(server.ready());
    http::Client slow = server.client();
    ASSERT_TRUE(
        slow.send_raw("POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
            .ok());
    kill(server.process(), SIGTERM);
    while (server.errors().find("\"stopping\"") == std::string::npos) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const int status = server.stop(SIGTERM);
    EXPECT_TRUE(status == 0 || status == 1) << status;
}

TEST_F(ServeTest, LogsAreJsonWithoutPersonalData) {
    const std::string token = add_client(folder_.path(), "machine");
    RunningServer server(folder_.path());
    Caller machine(server, token);
    machine.send("PUT", "/fhir/Patient/p1", patient);
    machine.get("/fhir/Patient?name=Li");
    machine.get("/fhir/Patient?nonsense=Li");
    EXPECT_EQ(server.stop(), 0);
    const std::string log = server.errors();
    json::Arena arena;
    for (const std::string_view line : text::split(log, '\n')) {
        if (line.empty() || line.starts_with("first start:")) continue;
        EXPECT_TRUE(json::parse(line, arena).ok()) << line;
        EXPECT_EQ(line.find("Li"), std::string_view::npos) << line;
        EXPECT_EQ(line.find(token), std::string_view::npos) << line;
    }
}

}  // namespace
}  // namespace xinglin::server
