// SPDX-License-Identifier: Apache-2.0
// Any bytes as a shared document: refused with a reason, or a bundle that can be read.
#include "cda/cda.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    static const cda::Knowledge knowledge = *cda::Knowledge::read(content::Files());
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto converted = cda::convert(input, {.id = "fuzz"}, knowledge, {.bytes = 1u << 20, .nodes = 20'000});
    if (!converted.ok()) {
        if (converted.outcome().line().empty()) std::abort();
        return 0;
    }
    json::Arena arena;
    const auto bundle = json::parse(converted->bundle, arena);
    if (!bundle.ok()) std::abort();
    const auto again = cda::write(cda::Kind::outpatient_summary, *bundle, "1", "2026-11-22T08:00:00+08:00", knowledge);
    if (again.ok() && !cda::convert(again->xml, {.id = "fuzz"}, knowledge).ok()) std::abort();
    return 0;
}
