// SPDX-License-Identifier: Apache-2.0
// Patients, rulings, ids and settings from strangers.
#include "identity/wording.h"
#include "person/facts.h"
#include "person/ruling.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace xinglin::person;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    xinglin::json::Arena arena;
    const auto value = xinglin::json::parse(text, arena, {.depth = 50, .bytes = 100'000});
    if (value.ok()) {
        const Facts facts = facts_of(*value);
        if (unpacked(packed(facts)) != facts) __builtin_trap();
        if (keys_of(facts).size() > 2'000) __builtin_trap();
        if (const auto ruling = ruling_of(*value)) {
            xinglin::json::Arena again;
            const auto written = xinglin::json::parse(basic_of(*ruling, "x"), again);
            if (!written.ok() || !ruling_of(*written)) __builtin_trap();
        }
    }
    (void)unpacked(text);
    if (const std::int64_t print = print_in(text); print != 0 && print_in(enterprise_id(print)) != print) __builtin_trap();
    (void)xinglin::identity::Model::parse(text).ok();
    if (const auto wording = xinglin::identity::Wording::read(text, text, text); wording.ok()) (void)wording->address(text);
    return 0;
}
