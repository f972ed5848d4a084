// SPDX-License-Identifier: Apache-2.0
// Hostile JSON: whatever is accepted is written so that it is read back as the same.
#include "json/json.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    json::Arena arena;
    const auto value = json::parse(text, arena, {.depth = 200, .bytes = 1u << 20});
    if (!value.ok()) return 0;
    const std::string written = json::write(*value);
    json::Arena second;
    const auto again = json::parse(written, second, {.depth = 200, .bytes = 8u << 20});
    if (!again.ok() || !json::identical(*value, *again)) std::abort();
    return 0;
}
