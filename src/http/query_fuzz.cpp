// SPDX-License-Identifier: Apache-2.0
// Any bytes as a query string: decoded or refused, and what is decoded survives encoding and decoding again.
#include "http/http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    const auto parsed = http::parse_query({reinterpret_cast<const char*>(data), size});
    if (!parsed.ok()) return 0;
    std::string again;
    for (const auto& [name, value] : parsed.value())
        again += '&' + http::percent_encode(name) + '=' + http::percent_encode(value);
    XINGLIN_ASSERT(http::parse_query(again).value() == parsed.value());
    return 0;
}
