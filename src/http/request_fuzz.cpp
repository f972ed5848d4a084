// SPDX-License-Identifier: Apache-2.0
// Any bytes as a connection's input, in two pieces cut anywhere: requests or a refusal, the same as when they come at once.
#include "http/request_reader.h"

namespace {

using xinglin::http::RequestReader;

std::string read(std::string_view first, std::string_view second) {
    static const xinglin::http::ServerOptions options{.header_bytes = 1024, .body_bytes = 256};
    RequestReader reader(options, "peer", "http");
    std::string waiting, seen;
    for (const std::string_view piece : {first, second}) {
        waiting += piece;
        for (;;) {
            waiting.erase(0, reader.take(waiting));
            if (reader.state() == RequestReader::State::refused) return seen + "refused";
            if (reader.state() != RequestReader::State::done) break;
            seen += reader.request().method + reader.request().target + '\n' + reader.request().body + '\n';
            reader.next();
        }
    }
    return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t cut = data[0] % (bytes.size() + 1);
    XINGLIN_ASSERT(read(bytes, "") == read(bytes.substr(0, cut), bytes.substr(cut)));
    return 0;
}
