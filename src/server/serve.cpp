// SPDX-License-Identifier: Apache-2.0
// `xinglin serve`: builds the house, opens its doors, and waits for a signal.
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "intake/mllp.h"
#include "server/commands.h"
#include "server/folder.h"
#include "server/house.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

/// SIGTERM and SIGINT wait for `wait()` instead of ending the program; must be made before any thread is.
class Signals {
public:
    Signals() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGTERM);
        sigaddset(&set_, SIGINT);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        signal(SIGPIPE, SIG_IGN);
    }
    void wait() const {
        int number = 0;
        while (sigwait(&set_, &number) != 0) {}
    }

private:
    sigset_t set_;
};

void keep_memory_small() {
    // Arenas are per thread by default and never shrink together; a few shared ones cost little speed and save much memory.
    mallopt(M_ARENA_MAX, 4);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

HouseOptions house_options(const ServeOptions& options) {
    HouseOptions house;
    house.data = options.data;
    house.content = options.content;
    house.views = options.views;
    house.demo = options.demo;
    house.codes_to = options.codes_to;
    house.base_url = options.base_url;
    house.backups = options.backups;
    house.http.bind = options.bind;
    house.http.port = options.port;
    house.http.io_threads = options.io_threads;
    house.http.worker_threads = options.worker_threads;
    house.http.tls_certificate = options.tls_certificate;
    house.http.tls_key = options.tls_key;
    house.http.tls_asks_clients = options.tls_asks_clients;
    house.record.cache_bytes = options.cache_mib << 20;
    if (options.store != "sqlite") house.record.store = options.store;
    return house;
}

std::string address(const ServeOptions& options, std::uint16_t port) {
    const bool is_v6 = options.bind.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + options.bind + "]" : options.bind;
    return std::string(options.tls_certificate.empty() ? "http" : "https") + "://" + host + ":" + std::to_string(port);
}

intake::MllpOptions mllp_options(const ServeOptions& options, Log& log) {
    intake::MllpOptions chosen;
    chosen.port.option = "--mllp";
    chosen.port.port = static_cast<std::uint16_t>(options.mllp);
    chosen.port.bind = options.mllp_bind.empty() ? options.bind : options.mllp_bind;
    chosen.port.tls_certificate = options.mllp_tls_certificate;
    chosen.port.tls_key = options.mllp_tls_key;
    chosen.port.tls_client_authorities = options.mllp_tls_clients;
    chosen.port.log = [&log](std::string_view line) { log.warn("mllp", {{"message", std::string(line)}}); };
    return chosen;
}

bool is_loopback(const std::string& bind) { return bind == "::1" || bind == "localhost" || bind.starts_with("127."); }

}  // namespace

int serve(const ServeOptions& options) {
    if (options.store != "sqlite" && !sql::is_postgres(options.store))
        return complain("--store", "expected sqlite or the address of a PostgreSQL database, postgres://user@host/name",
                        exit_usage);
    const Signals signals;
    keep_memory_small();
    if (const auto folder = make_folder(options.data); !folder.ok()) return environment(folder.outcome());
    Log log;
    auto built = House::build(house_options(options), log);
    if (!built.ok()) return environment(built.outcome());
    const std::unique_ptr<House> house = std::move(built).value();
    if (const auto opened = house->open_doors(); !opened.ok()) return environment(opened.outcome());

    std::unique_ptr<intake::MllpDoor> mllp;
    if (options.mllp >= 0) {
        mllp = std::make_unique<intake::MllpDoor>(mllp_options(options, log), *house->intake, house->clock);
        if (const auto opened = mllp->start(); !opened.ok()) return environment(opened.outcome());
        log.info("mllp", {{"port", static_cast<std::int64_t>(mllp->port())},
                          {"tls", std::string(options.mllp_tls_certificate.empty() ? "no" : "yes")}});
        if (options.mllp_tls_certificate.empty() && !is_loopback(options.mllp_bind.empty() ? options.bind : options.mllp_bind))
            log.warn("no encryption",
                     {{"advice", std::string("HL7 v2 messages can be read on the network; give --mllp-tls-certificate "
                                             "and --mllp-tls-key, or a tunnel")}});
    }
    const std::string at = address(options, house->server->port());
    if (house->first_password) {
        std::fprintf(stderr, "first start: log in as admin with the one-time password %s\n", house->first_password->c_str());
    }
    if (options.tls_certificate.empty() && !is_loopback(options.bind)) {
        log.warn("no encryption", {{"advice", std::string("whoever is on the network can read along; give --tls-certificate and "
                                                          "--tls-key, or stay behind a proxy that encrypts")}});
    }
    if (options.demo)
        log.warn("demonstration",
                 {{"advice", std::string("made-up people only: no second factor is demanded, and residents' one-time "
                                         "codes stand in this log; leave --demo out for anybody real")}});
    log.info("ready",
             {{"address", at}, {"version", std::string(version())}, {"took_ms", house->clock.now_ms() - house->started_ms}});
    std::printf("ready %s\n", at.c_str());
    std::fflush(stdout);

    signals.wait();
    log.info("stopping", {});
    std::thread([signals] {  // a second signal: at once; what was answered is on disk
        signals.wait();
        _exit(exit_refused);
    })
        .detach();
    if (mllp) mllp->stop();
    house->close_doors();
    log.info("stopped", {{"requests", static_cast<std::int64_t>(house->server->figures().requests_total)}});
    return exit_done;
}

}  // namespace xinglin::server
