// SPDX-License-Identifier: Apache-2.0
// A stream of MLLP gives the same messages whatever pieces it comes in. The first byte chooses the size of the pieces.
#include <cstdlib>

#include "hl7v2/hl7v2.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    if (size < 2) return 0;
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto run = [&](std::size_t step, bool& refused) {
        hl7v2::FrameReader reader(1u << 20);
        std::vector<std::string> got;
        for (std::size_t at = 0; at < stream.size() && !refused; at += step) {
            refused = !reader.take(stream.substr(at, step)).ok();
            while (auto message = reader.next()) got.push_back(*message);
        }
        return got;
    };
    bool whole_refused = false, cut_refused = false;
    const auto whole = run(stream.size(), whole_refused);
    const auto cut = run(1 + data[0] % 7, cut_refused);
    if (!whole_refused && !cut_refused && whole != cut) std::abort();
    return 0;
}
