// SPDX-License-Identifier: Apache-2.0
// How many deliveries a second go out, and what of the processor each takes: visits of as many patients, over MLLP as ADT messages,
// over HTTP as transactions and documents of one resource each, to receivers in a process of their own that accept everything.
//
//   outbound_load FOLDER [VISITS 10000]
//
// FOLDER is on the disk to be measured, empty or new. Prints a line of JSON for each way; processor time is this process's own, the
// follower's and the sender's together, without the receivers'.
#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "fhir/fhir.h"
#include "hl7v2/hl7v2.h"
#include "http/http.h"
#include "outbound/outbound.h"

namespace {

using namespace xinglin;
using Steady = std::chrono::steady_clock;

double own_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "outbound_load: %s\n", why.c_str());
    std::_Exit(1);
}

/// Acknowledges every message at once, one connection after the other.
[[noreturn]] void hospital(int listener) {
    for (;;) {
        const int peer = ::accept(listener, nullptr, nullptr);
        if (peer < 0) continue;
        hl7v2::FrameReader frames;
        char piece[64 << 10];
        for (ssize_t size = 0; (size = ::recv(peer, piece, sizeof piece, 0)) > 0;) {
            if (!frames.take(std::string_view(piece, static_cast<std::size_t>(size))).ok()) break;
            while (const auto message = frames.next()) {
                const auto read = hl7v2::read(*message, {});
                const std::string id = read.ok() ? std::string(read->field(*read->find("MSH"), 10)) : "";
                const std::string answer = hl7v2::frame("MSH|^~\\&|R|R|X|X|20261122||ACK|1|P|2.5.1\rMSA|AA|" + id + "\r");
                if (::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
            }
        }
        ::close(peer);
    }
}

/// A process that listens; its port.
std::pair<pid_t, std::uint16_t> hospital_beside() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 4) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        give_up("no port");
    const pid_t child = ::fork();
    if (child == 0) hospital(listener);
    ::close(listener);
    return {child, ntohs(address.sin_port)};
}

/// A FHIR server that stores nothing and says that it did.
std::pair<pid_t, std::uint16_t> province_beside() {
    int told[2];
    if (::pipe(told) != 0) give_up("no pipe");
    const pid_t child = ::fork();
    if (child != 0) {
        std::uint16_t port = 0;
        if (::read(told[0], &port, sizeof port) != sizeof port || port == 0) give_up("the receiver did not start");
        return {child, port};
    }
    http::Server server({.port = 0}, [](http::Request, http::Respond respond) {
        respond(http::Response::text(
            200, "application/fhir+json",
            R"({"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"201 Created"}}]})"));
    });
    const bool started = server.start().ok();
    const std::uint16_t port = started ? server.port() : 0;
    if (::write(told[1], &port, sizeof port) != sizeof port) std::_Exit(1);
    for (;;) ::pause();
}

void put(record::Store& store, const std::vector<std::string>& all) {
    std::vector<json::Arena> arenas(all.size());
    std::vector<record::Prepared> ready;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto value = json::parse(all[i], arenas[i]);
        if (!value.ok()) give_up(value.outcome().line());
        ready.push_back(store.prepare(*fhir::find_resource((*value)["resourceType"].string()), (*value)["id"].string(), *value));
    }
    const auto done = store.submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
        for (const auto& each : ready) transaction.put(each, false, false);
        return Done{};
    });
    if (!done.ok()) give_up(done.outcome().line());
}

void fill(record::Store& store, int visits) {
    std::vector<std::string> all;
    for (int i = 0; i < visits; ++i) {
        all.push_back(fmt::format(
            R"({{"resourceType":"Patient","id":"p{0}","identifier":[{{"system":"urn:mrn","value":"MRN{0}"}}],"name":[{{"text":"测试{0}","family":"测"}}],"gender":"male","birthDate":"1970-01-01","telecom":[{{"system":"phone","value":"138{0:08}"}}]}})",
            i));
        all.push_back(fmt::format(
            R"({{"resourceType":"Encounter","id":"v{0}","status":"in-progress","class":{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"}},"subject":{{"reference":"Patient/p{0}"}},"period":{{"start":"2026-11-20T08:00:00+08:00"}},"reasonCode":[{{"coding":[{{"system":"http://hl7.org/fhir/sid/icd-10","code":"I10","display":"原发性高血压"}}]}}]}})",
            i));
        if (all.size() >= 1'000 || i + 1 == visits) {
            put(store, all);
            all.clear();
        }
    }
}

void measure(outbound::Outbound& house, const std::string& id, const std::string& text, int visits) {
    json::Arena arena;
    const auto value = json::parse(text, arena);
    auto channel = value.ok() ? outbound::read_channel(*value, outbound::Channel{}) : Result<outbound::Channel>(value.outcome());
    if (!channel.ok()) give_up(channel.outcome().line());
    const double before = own_seconds();
    const auto begin = Steady::now();
    if (const auto saved = house.save(std::move(*channel), true, "bench"); !saved.ok()) give_up(saved.outcome().line());
    std::int64_t gone = 0;
    while (gone < visits) {
        if (!house.settle(600)) give_up(id + " is not done after 600 s");
        const auto health = house.health(id).at(0);
        gone = health.total.acknowledged;
        if (health.total.refused > 0 || !health.why.empty()) give_up(id + ": " + health.why);
    }
    const double wall = std::chrono::duration<double>(Steady::now() - begin).count(), own = own_seconds() - before;
    std::printf(R"({"way":"%s","deliveries":%d,"seconds":%.2f,"a_second":%.0f,"own_processor_us_each":%.0f})"
                "\n",
                id.c_str(), visits, wall, visits / wall, own / visits * 1e6);
    std::fflush(stdout);
    (void)house.set_mode(id, outbound::Mode::off, "bench");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) give_up("FOLDER [VISITS 10000]");
    const std::filesystem::path folder = argv[1];
    const int visits = argc > 2 ? std::atoi(argv[2]) : 10'000;
    if (visits < 1) give_up("VISITS must be a number from 1");
    const auto [mllp, mllp_port] = hospital_beside();  // before any thread begins
    const auto [fhir, fhir_port] = province_beside();
    {
        const calendar::SystemClock clock;
        const content::Files content;
        auto store = record::Store::open(folder, clock, {.offset_minutes = std::int16_t{480}});
        if (!store.ok()) give_up(store.outcome().line());
        fill(**store, visits);
        const auto tables = hl7v2::Tables::load(content);
        if (!tables.ok()) give_up(tables.outcome().line());
        outbound::Options options;
        options.data = folder;
        options.tables = &*tables;
        auto house = outbound::Outbound::open(std::move(options), **store, clock, content);
        if (!house.ok()) give_up(house.outcome().line());
        constexpr std::string_view rest = R"("from":"start","filter":{"types":[{"type":"Encounter"}]})";
        measure(**house, "mllp",
                fmt::format(R"({{"id":"mllp","name":"n","target":{{"kind":"mllp","url":"127.0.0.1:{}"}},"format":"hl7v2",{}}})",
                            mllp_port, rest),
                visits);
        measure(**house, "http",
                fmt::format(R"({{"id":"http","name":"n","target":{{"kind":"fhir","url":"http://127.0.0.1:{}/fhir"}},{}}})",
                            fhir_port, rest),
                visits);
    }
    for (const pid_t child : {mllp, fhir}) {
        ::kill(child, SIGTERM);
        ::waitpid(child, nullptr, 0);
    }
    return 0;
}
