// SPDX-License-Identifier: Apache-2.0
// What scanners send: a code is taken apart or refused, never a crash; and what messages tell joins or stays.
#include <cstdint>
#include <string_view>

#include "json/json.h"
#include "registry/change.h"
#include "registry/scan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto scanned = registry::read_scan(text);
    if (scanned.ok() && scanned->product.size() > 300) __builtin_trap();
    (void)registry::check_boundary(text);
    return 0;
}
