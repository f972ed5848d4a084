// SPDX-License-Identifier: Apache-2.0
// Requests a second over loopback, clients and server on the same machine: quick and handed-over requests, with and without
// pipelining. Expected: a keep-alive request costs four system calls on each side, about 10 µs a core with a client that does
// no more than the server, so 40,000 to 60,000 a second on two cores; a pipeline shares the calls and should give ten times that.
#include <benchmark/benchmark.h>

#include "http/client.h"

namespace xinglin::http {
namespace {

struct Running {
    Running()
        : server({.port = 0, .quick = [](const Request& request) { return request.path == "/quick"; }},
                 [](Request, Respond respond) {
                     respond(Response::text(200, "application/fhir+json", R"({"resourceType":"Patient","id":"1"})"));
                 }) {
        if (!server.start().ok()) throw std::runtime_error("the server does not start");
    }
    Server server;
};

Server& server() {
    static Running running;
    return running.server;
}

void requests(benchmark::State& state, std::string_view path) {
    const auto depth = static_cast<std::size_t>(state.range(0));
    Client client = Client::connect({.port = server().port()}).value();
    std::string batch;
    for (std::size_t i = 0; i < depth; ++i)
        batch += "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nAccept: application/fhir+json\r\n\r\n";
    for (auto _ : state) {
        if (!client.send_raw(batch).ok()) state.SkipWithError("sending failed");
        for (std::size_t i = 0; i < depth; ++i) {
            const auto response = client.receive();
            if (!response.ok() || response.value().status != 200) state.SkipWithError("no answer");
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * depth));
}

void quick(benchmark::State& state) { requests(state, "/quick"); }
void handed_over(benchmark::State& state) { requests(state, "/worker"); }

BENCHMARK(quick)->ArgName("pipelined")->Arg(1)->Arg(32)->Threads(1)->Threads(2)->Threads(8)->Threads(32)->UseRealTime();
BENCHMARK(handed_over)->ArgName("pipelined")->Arg(1)->Arg(32)->Threads(1)->Threads(8)->Threads(32)->UseRealTime();

}  // namespace
}  // namespace xinglin::http
