// SPDX-License-Identifier: Apache-2.0
// Any bytes as CSV: rows come in order, cells are UTF-8, and a mapping over them refuses or gives sound bundles.
#include <cstdint>
#include <cstdlib>

#include "table/mapping.h"
#include "text/text.h"

namespace {
constexpr const char* mapping_text =
    R"({"mapping":"f","version":"1","columns":{"a":{"headers":["a","姓名"],"required":true},"b":{"headers":["b"],"kind":"date","on_bad":"leave_out"},
 "c":{"headers":["c"],"kind":"number","on_bad":"leave_out","fill_down":true},"d":{"headers":["d"],"kind":"resident_id","on_bad":"keep"}},"group":["$a"],
 "resources":[{"name":"p","type":"Patient","key":["$a"],"set":{"name.text":"$a","birthDate":"$b"}},
 {"name":"o","type":"Observation","each":"row","key":["$a","$c"],"when":"$c","set":{"status":"final","code.text":"$d.text","subject":{"$reference":"p"},"valueQuantity":"$c"}}]})";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    table::CsvOptions options;
    options.limits.row_bytes = 1u << 12;
    options.limits.field_bytes = 1u << 10;
    const auto rows = table::read_csv(table::Source::memory(input), options);
    if (rows.ok()) {
        table::Row row;
        std::uint64_t last = 0;
        for (;;) {
            const auto more = (*rows)->next(row);
            if (!more.ok() || !*more) break;
            if (row.number <= last) std::abort();
            last = row.number;
            for (const std::string_view cell : row.cells)
                if (!text::is_utf8(cell)) std::abort();
        }
    }
    static const table::Mapping mapping = *table::Mapping::read(mapping_text);
    const auto again = table::read_csv(table::Source::memory(input), options);
    if (!again.ok()) return 0;
    auto conversion = table::Conversion::begin(mapping, {.id = "fuzz"}, **again);
    if (!conversion.ok()) return 0;
    table::Item item;
    for (;;) {
        const auto more = conversion->next(item);
        if (!more.ok() || !*more) return 0;
        if (item.rows.empty() || (!item.converted && item.refusal.issues.empty())) std::abort();
        json::Arena arena;
        if (item.converted && !json::parse(item.converted->bundle, arena).ok()) std::abort();
        item = {};
    }
}
