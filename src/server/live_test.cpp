// SPDX-License-Identifier: Apache-2.0
// A living city and a real server: over MLLP, HTTP and files, stopped and started again; and tables as workbooks.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "server/live_carrier.h"
#include "server/live_clock.h"
#include "server/live_parcels.h"
#include "server/test_process.h"
#include "table/table.h"

namespace xinglin::server {
namespace {

namespace fs = std::filesystem;

constexpr const char* json_type = "application/json";
constexpr std::int64_t day = 86'400;

city::Request small_city() {
    city::Request request;
    request.population = 2'500;
    request.years = 1;
    request.threads = 2;
    request.future_days = 3;
    return request;
}

std::vector<city::Outgoing> messages_of(int days) {
    const auto stream = city::Stream::open(content::Files(), small_city());
    if (!stream.ok()) throw std::runtime_error(stream.outcome().line());
    return stream->between(stream->first(), stream->first() + days * day);
}

TEST(Parcels, AreFilesOfWholeHoursForFoldersAndSingleMessagesOtherwise) {
    const auto messages = messages_of(2);
    const std::vector<Parcel> parcels = parcels_of(messages, {.mllp = true, .folders = true});
    std::size_t in_parcels = 0;
    std::set<std::string> ways, files;
    for (std::size_t i = 0; i < parcels.size(); ++i) {
        const Parcel& parcel = parcels[i];
        ways.insert(parcel.way);
        in_parcels += parcel.messages.size();
        if (i > 0) {
            EXPECT_GE(parcel.time, parcels[i - 1].time);
        }
        if (parcel.way != "folder") {
            EXPECT_EQ(parcel.messages.size(), 1u);
            continue;
        }
        EXPECT_EQ(parcel.time % 3600, 0);
        EXPECT_TRUE(files.insert(parcel.source + "/" + parcel.file).second) << parcel.file << " twice";
        for (const city::Outgoing& row : parcel.messages) {
            EXPECT_GE(row.time, parcel.time - 3600);
            EXPECT_LT(row.time, parcel.time);
        }
    }
    EXPECT_EQ(in_parcels, messages.size());
    EXPECT_THAT(ways, ::testing::ElementsAre("folder", "http", "mllp"));
    for (const Parcel& parcel : parcels_of(messages, {})) EXPECT_EQ(parcel.way, "http");
}

TEST(Parcels, BecomeWorkbooksThatReadBackAsTheTableTheyWere) {
    const testing::ScratchFolder folder;
    const fs::path file = folder.path() / "a.xlsx";
    ASSERT_TRUE(write_workbook("姓名,出生日期,就诊时间,体温,身份证号\r\n"
                               "王小明,2019-03-01,2026-11-22 08:15,38.5,130399201903010017\r\n"
                               "\"断开的行,2019",
                               "sheet", file)
                    .ok());
    const auto rows = table::read_xlsx(table::Source::file(file));
    ASSERT_TRUE(rows.ok()) << rows.outcome().line();
    table::Row row;
    ASSERT_TRUE(*(*rows)->next(row));
    EXPECT_THAT(row.cells, ::testing::ElementsAre("姓名", "出生日期", "就诊时间", "体温", "身份证号"));
    ASSERT_TRUE(*(*rows)->next(row));
    EXPECT_THAT(row.cells, ::testing::ElementsAre("王小明", "2019-03-01", "2026-11-22T08:15:00", "38.5", "130399201903010017"));
}

TEST(Parcels, AreDroppedOnceWhateverBecameOfTheFirstFile) {
    const testing::ScratchFolder folder;
    Parcel parcel;
    parcel.format = "csv:clinic_visits";
    parcel.file = "a.csv";
    parcel.messages.push_back({.kind = "clinic_visits", .head = "姓名\r\n", .bytes = "王\r\n", .copies = 2});
    ASSERT_TRUE(drop_file(parcel, folder.path() / "inbox").ok());
    EXPECT_EQ(whole_file(folder.path() / "inbox" / "a.csv"), "姓名\r\n王\r\n王\r\n");
    fs::create_directories(folder.path() / "inbox" / "done");
    fs::rename(folder.path() / "inbox" / "a.csv", folder.path() / "inbox" / "done" / "a.csv");
    ASSERT_TRUE(drop_file(parcel, folder.path() / "inbox").ok());
    EXPECT_FALSE(fs::exists(folder.path() / "inbox" / "a.csv")) << "taken already";
}

TEST(LiveClock, IsReadAsItWasWrittenAndRefusedWhenItIsNone) {
    const testing::ScratchFolder folder;
    const fs::path file = folder.path() / "clock.json";
    EXPECT_FALSE(read_clock(file)->has_value());
    const LiveMoment moment{"a city",
                            "http mllp",
                            1'795'309'242.5,
                            1'795'305'600,
                            17,
                            {{1'795'305'600, 3}, {1'795'392'000, 9}},
                            {"renmin", "clinic-07"},
                            true,
                            720};
    ASSERT_TRUE(write_clock(moment, file).ok());
    EXPECT_EQ(**read_clock(file), moment);
    for (const char* bad : {"", "{}", R"({"city":"a")", "[1]"}) {
        std::ofstream(file, std::ios::trunc) << bad;
        const auto read = read_clock(file);
        ASSERT_FALSE(read.ok()) << bad;
        EXPECT_EQ(read.outcome().issues.front().where, file.string());
    }
}

/// Somebody at the other end of an MLLP line who says what it is told to say.
class Peer {
public:
    explicit Peer(std::vector<std::string> answers) {
        listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (bind(listening_, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(listening_, 4) != 0) return;
        getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &size);
        address_ = {"127.0.0.1", ntohs(at.sin_port), false};
        thread_ = std::jthread([this, answers = std::move(answers)] { talk(answers); });
    }
    ~Peer() {
        shutdown(listening_, SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
        close(listening_);
    }
    const Address& address() const { return address_; }

private:
    int listening_ = -1;
    Address address_;
    std::jthread thread_;

    /// Each answer belongs to one message; "" closes the connection without any.
    void talk(const std::vector<std::string>& answers) const {
        int line = -1;
        for (const std::string& answer : answers) {
            if (line < 0) line = accept(listening_, nullptr, nullptr);
            if (line < 0) return;
            hl7v2::FrameReader frames;
            char bytes[4096];
            while (!frames.next()) {
                const ssize_t got = recv(line, bytes, sizeof bytes, 0);
                if (got <= 0 || !frames.take({bytes, static_cast<std::size_t>(got)}).ok()) break;
            }
            if (!answer.empty()) (void)!::send(line, answer.data(), answer.size(), MSG_NOSIGNAL);
            if (answer.empty() || answer == "garbage") close(line), line = -1;
        }
        if (line >= 0) close(line);
    }
};

std::string acknowledged(std::string_view code) {
    return hl7v2::frame(fmt::format("MSH|^~\\&|X||HIS||20261122||ACK|9|P|2.4\rMSA|{}|1\r", code));
}

TEST(MllpLine, KnowsYesNoAndLaterAndConnectsAgainWhenItWasCut) {
    const Peer peer(
        {acknowledged("AA"), acknowledged("CE"), acknowledged("CR"), "", acknowledged("CA"), "garbage", acknowledged("AE")});
    MllpLine line(peer.address());
    const std::string message = "MSH|^~\\&|HIS|H|||2026||ADT^A01|1|P|2.4\rPID|1\r\n";
    EXPECT_EQ(line.send(message), Told::taken);
    EXPECT_EQ(line.send(message), Told::refused);
    EXPECT_EQ(line.send(message), Told::again);
    EXPECT_EQ(line.send(message), Told::silence) << "it was cut";
    EXPECT_EQ(line.send(message), Told::taken) << "over a new line";
    EXPECT_EQ(line.send(message), Told::silence) << "what is no answer cannot be told apart";
    EXPECT_EQ(line.send(message), Told::refused);
    MllpLine nobody({"127.0.0.1", 1, false});
    EXPECT_EQ(nobody.send(message), Told::silence);
}

TEST(CityCommand, WritesWorkbooksWhereOfficesKeepThemTheSameEveryTime) {
    const testing::ScratchFolder folder;
    for (const char* name : {"a", "b"})
        ASSERT_EQ(command({"city", "--population", "600", "--years", "1", "--only", "sources", "--out",
                           (folder.path() / name).string()})
                      .status,
                  0);
    std::size_t workbooks = 0;
    for (const auto& file : fs::recursive_directory_iterator(folder.path() / "a" / "sources")) {
        const fs::path inside = fs::relative(file.path(), folder.path() / "a");
        const bool kept = city::keeps_workbooks(inside.begin() == inside.end() ? "" : std::next(inside.begin())->string());
        if (!file.is_regular_file() || !(file.path().extension() == ".csv" || file.path().extension() == ".xlsx")) continue;
        EXPECT_EQ(file.path().extension() == ".xlsx", kept) << inside;
        if (file.path().extension() != ".xlsx") continue;
        ++workbooks;
        EXPECT_EQ(whole_file(file.path()), whole_file(folder.path() / "b" / inside)) << inside;
        if (workbooks == 1) {
            EXPECT_TRUE(table::read_xlsx(table::Source::file(file.path())).ok());
        }
    }
    EXPECT_GT(workbooks, 20u);
}

/// A city that lives, and listens.
class Living {
public:
    Living(const fs::path& city, const RunningServer& server, const std::string& token, const fs::path& errors)
        : clock_(city / "clock.json") {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
        const int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
        process_ = start({program(), "city", "live", "--city", city.string(), "--to",
                          fmt::format("http://127.0.0.1:{}", server.port()), "--token", token, "--speed", "7200"},
                         out, errors, ends[0]);
        close(out);
        close(ends[0]);
        words_ = ends[1];
    }
    ~Living() {
        if (process_ > 0) stop();
        close(words_);
    }
    void say(const std::string& word) {
        if (write(words_, (word + "\n").data(), word.size() + 1) < 0) throw std::runtime_error("it does not listen");
    }
    LiveMoment now() const {
        const auto clock = read_clock(clock_);
        return clock.ok() && *clock ? **clock : LiveMoment{};
    }
    bool reaches(const std::function<bool(const LiveMoment&)>& there) const {
        for (int i = 0; i < 1'800; ++i) {
            if (there(now())) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
        return false;
    }
    int stop() {
        kill(process_, SIGTERM);
        return exit_status(std::exchange(process_, -1));
    }

private:
    const fs::path clock_;
    pid_t process_ = -1;
    int words_ = -1;
};

class LiveTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    fs::path data() const { return folder_.path() / "data"; }
    fs::path city() const { return folder_.path() / "city"; }

    static int free_port() {
        const Peer peer({});
        return peer.address().port;
    }

    /// Lets the city live until `now` of its clock has passed `until`, or it ends; then asks it to stop.
    int live(const RunningServer& server, int mllp, const std::string& token, double until) {
        const fs::path out = folder_.path() / "out";
        const int to = open(out.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
        const pid_t process =
            start({program(), "city", "live", "--city", city().string(), "--to",
                   fmt::format("http://127.0.0.1:{}", server.port()), "--mllp", fmt::format("127.0.0.1:{}", mllp), "--inbox",
                   (data() / "inbox").string(), "--token", token, "--speed", "60000"},
                  to, folder_.path() / "errors");
        close(to);
        for (int i = 0; i < 2'400; ++i) {
            const auto clock = read_clock(city() / "clock.json");
            if (clock.ok() && *clock && (*clock)->now > until) break;
            siginfo_t ended{};
            if (waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid != 0) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        kill(process, SIGTERM);
        return exit_status(process);
    }
};

/// Of each source: received, duplicate, rejected; and how it sends.
struct Account {
    std::map<std::string, std::array<std::int64_t, 3>> sources;
    std::int64_t waiting = 0, by_message = 0;  // by_message: received over MLLP and HTTP
    std::set<std::string> kinds, formats;
    bool all_placed = true;
};
Account account_of(Caller& caller) {
    json::Arena arena;
    const auto answer = caller.get("/api/v1/intake/sources");
    const auto all = json::parse(answer.body, arena);
    Account account;
    if (!all.ok()) return account;
    for (const json::Node& node : (*all)["sources"].items()) {
        const json::Value source(&node);
        const auto number = [&](std::string_view name) {
            return static_cast<std::int64_t>(std::strtoll(std::string(source[name].text()).c_str(), nullptr, 10));
        };
        const std::string id(source["id"].string());
        account.sources[id] = {number("received"), number("duplicate"), number("rejected")};
        account.waiting += number("waiting");
        if (id == "unknown") continue;
        if (source["kind"].string() != "folder") account.by_message += number("received");
        account.kinds.insert(std::string(source["kind"].string()));
        account.formats.insert(std::string(source["format"].string()));
        account.all_placed = account.all_placed && source["settings"]["place"].is_array();
    }
    return account;
}

bool is_any_file_left(const fs::path& inbox) {
    for (const auto& source : fs::directory_iterator(inbox)) {
        for (const auto& file : fs::directory_iterator(source)) {
            if (file.is_regular_file()) return true;
        }
    }
    return false;
}

TEST_F(LiveTest, SendsByThreeWaysAndWhoeverStopsItLosesAndDoublesNothing) {
    ASSERT_EQ(command({"city", "--population", "2500", "--years", "1", "--future-days", "3", "--only", "truth", "--out",
                       city().string()})
                  .status,
              0);
    const auto expected = messages_of(3);
    const double begin = static_cast<double>(expected.front().time) - static_cast<double>(expected.front().time % day);
    const int mllp = free_port();
    std::vector<Account> accounts;
    // Once in one go, once stopped twice together with the server; the last time it ends by itself.
    for (const std::vector<double>& stops : {std::vector<double>{9.0}, std::vector<double>{0.45, 1.3, 9.0}}) {
        fs::remove_all(data());
        fs::remove(city() / "clock.json");
        const std::string token = add_client(data(), "city-live");
        for (const double stop : stops) {
            RunningServer server(data(), {"--mllp", std::to_string(mllp)});
            ASSERT_TRUE(server.ready()) << server.errors();
            EXPECT_EQ(live(server, mllp, token, begin + stop * day), 0) << whole_file(folder_.path() / "errors");
        }
        RunningServer server(data(), {"--mllp", std::to_string(mllp)});
        ASSERT_TRUE(server.ready()) << server.errors();
        Caller caller(server, token);
        for (int i = 0; i < 600 && (is_any_file_left(data() / "inbox") || account_of(caller).waiting > 0); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        accounts.push_back(account_of(caller));
        EXPECT_THAT(caller.get("/api/v1/screen").body, ::testing::HasSubstr(R"("place":[119.)"));
    }
    EXPECT_EQ(accounts[0].sources, accounts[1].sources) << whole_file(folder_.path() / "errors");
    EXPECT_EQ(accounts[0].sources["unknown"][0], 0) << "every sender is known";
    EXPECT_THAT(accounts[0].kinds, ::testing::ElementsAre("folder", "http", "mllp"));
    EXPECT_TRUE(accounts[0].formats.contains("xlsx:school_absence")) << ::testing::PrintToString(accounts[0].formats);
    EXPECT_TRUE(accounts[0].all_placed);
    std::int64_t sent = 0;
    for (const Parcel& each : parcels_of(expected, {.mllp = true, .folders = true})) {
        if (each.way != "folder") sent += each.messages.front().copies;
    }
    EXPECT_EQ(accounts[0].by_message, sent);
}

TEST_F(LiveTest, PausesWithItsSourcesGoesOnFasterAndJumpsToAnOutbreak) {
    ASSERT_EQ(command({"city", "--population", "2500", "--years", "1", "--future-days", "40", "--only", "truth", "--out",
                       city().string()})
                  .status,
              0);
    RunningServer server(data());
    ASSERT_TRUE(server.ready()) << server.errors();
    const std::string token = add_client(data(), "city-live");
    Caller caller(server, token);
    Living living(city(), server, token, folder_.path() / "errors");
    const auto states = [&] {
        std::map<std::string, std::size_t> out;
        json::Arena arena;
        const auto answer = caller.get("/api/v1/intake/sources");
        const json::Value all = *json::parse(answer.body, arena);
        for (const json::Node& node : all["sources"].items()) ++out[std::string(json::Value(&node)["state"].string())];
        return out;
    };
    ASSERT_TRUE(living.reaches([&](const LiveMoment&) { return states()["ok"] > 20; }));
    // One that an operator paused stays paused whatever the city does.
    ASSERT_EQ(caller.send("PUT", "/api/v1/intake/sources/gongren", R"({"paused":true})", json_type).status, 200);

    living.say("pause");
    ASSERT_TRUE(living.reaches([](const LiveMoment& moment) { return moment.paused && moment.resting.size() > 20; }));
    const std::size_t resting = living.now().resting.size();
    EXPECT_EQ(states()["paused"], resting + 1) << "their silence is no alarm";
    const double paused_at = living.now().now;

    living.say("faster");
    living.say("go");
    ASSERT_TRUE(living.reaches(
        [&](const LiveMoment& moment) { return !moment.paused && moment.resting.empty() && moment.now > paused_at; }));
    EXPECT_EQ(living.now().speed, 14'400);
    EXPECT_EQ(states()["paused"], 1u);

    const auto stream = city::Stream::open(content::Files(), [] {
        city::Request request = small_city();
        request.future_days = 40;
        return request;
    }());
    ASSERT_TRUE(stream.ok());
    ASSERT_FALSE(stream->outbreaks().empty());
    std::int64_t first = 0;
    for (const auto& each : stream->outbreaks()) {
        if (static_cast<double>(each.begins) > paused_at && (first == 0 || each.begins < first)) first = each.begins;
    }
    ASSERT_GT(first, 0);
    living.say("pause");
    living.say("jump");
    ASSERT_TRUE(living.reaches([&](const LiveMoment& moment) { return moment.now >= static_cast<double>(first); }));
    EXPECT_FALSE(living.now().paused);

    // Stopped in a pause, the next start wakes its sources.
    living.say("pause");
    ASSERT_TRUE(living.reaches([](const LiveMoment& moment) { return moment.resting.size() > 20; }));
    EXPECT_EQ(living.stop(), 0);
    Living again(city(), server, token, folder_.path() / "errors");
    ASSERT_TRUE(again.reaches([](const LiveMoment& moment) { return moment.resting.empty() && !moment.paused; }));
    EXPECT_EQ(again.stop(), 0);
    EXPECT_EQ(states()["paused"], 1u);
}

TEST_F(LiveTest, ATableInTheInboxAsksTerminologyAndHoldsItsDatesToToday) {
    const std::string token = add_client(data(), "machine");
    RunningServer server(data());
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller machine(server, token);
    ASSERT_EQ(
        machine
            .send("POST", "/api/v1/intake/sources", R"({"id":"room","kind":"folder","format":"xlsx:clinic_visits"})", json_type)
            .status,
        201);
    const fs::path inbox = data() / "inbox" / "room";
    fs::create_directories(inbox);
    ASSERT_TRUE(write_workbook("门诊号,就诊时间,姓名,性别,出生日期,诊断编码,诊断\r\n"
                               "MZ1,2026-01-05 08:15,王小明,男,2019-03-01,J06.900,感冒\r\n"
                               "MZ2,2099-01-05 08:15,李小红,女,2019-03-01,J06.900,感冒\r\n",
                               "visits", inbox / "a.xlsx.tmp")
                    .ok());
    fs::rename(inbox / "a.xlsx.tmp", inbox / "a.xlsx");
    for (int i = 0; i < 400 && !fs::exists(inbox / "done" / "a.xlsx"); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(fs::exists(inbox / "done" / "a.xlsx"));
    http::Response found;
    for (int i = 0; i < 200; ++i) {
        found = machine.get("/fhir/Condition");
        if (found.body.find("J06.900") != std::string::npos &&
            member(machine.get("/api/v1/intake/sources/room"), {"waiting"}) == "0")
            break;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_THAT(found.body, ::testing::HasSubstr("urn:oid:2.16.156.10011.2.3.3.11"));
    EXPECT_THAT(found.body, ::testing::HasSubstr("急性上呼吸道感染")) << "the name is terminology's, not the sender's";
    const auto room = machine.get("/api/v1/intake/sources/room");
    EXPECT_EQ(member(room, {"stored"}), "1") << room.body;
    EXPECT_EQ(member(room, {"rejected"}), "1");
    EXPECT_THAT(machine.get("/api/v1/intake/errors").body, ::testing::HasSubstr("lies ahead"));
}

TEST_F(LiveTest, TheCommandReadsAWorkbookByItsMapping) {
    fs::create_directories(data());
    ASSERT_TRUE(write_workbook("门诊号,就诊时间,姓名,性别,出生日期,诊断编码,诊断\r\n"
                               "MZ1,2026-01-05 08:15,王小明,男,2019-03-01,J06.900,感冒\r\n"
                               ",,,,,,\r\n"
                               "MZ2,无,李小红,女,2019-03-01,J06.900,感冒\r\n",
                               "visits", data() / "a.xlsx")
                    .ok());
    const Ended ended = command({"intake", "xlsx:clinic_visits", data().string(), "--to-bundle", city().string(), "--json"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.out, ::testing::HasSubstr(R"("messages":2,"converted":1,"duplicate":0,"rejected":1)"));
    EXPECT_THAT(whole_file(city() / "report.csv"), ::testing::HasSubstr("row 4,rejected"));
    std::ofstream(data() / "b.xlsx") << "PK no archive";
    const Ended broken = command({"intake", "xlsx:clinic_visits", (data() / "b.xlsx").string(), "--to-bundle", city().string()});
    EXPECT_THAT(whole_file(city() / "report.csv"), ::testing::HasSubstr("b.xlsx,1,rejected,")) << broken.err;
}

}  // namespace
}  // namespace xinglin::server
