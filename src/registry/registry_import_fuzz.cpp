// SPDX-License-Identifier: Apache-2.0
// Cells and resources from strangers: a cell is normalised or refused, a resource is an entry or none; neither ever crashes.
#include <cstdint>
#include <string_view>

#include "json/json.h"
#include "registry/catalogue.h"
#include "registry/entry.h"
#include "registry/sheet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    if (size < 2) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    if (data[0] % 2 == 0) {
        json::Arena arena;
        const auto resource = json::parse(text, arena);
        if (!resource.ok()) return 0;
        auto entry = registry::entry_of(*resource);
        if (!entry) return 0;
        registry::Entry later = *entry;
        registry::take_over(later, *entry, "2026-01-01", "2026-02-01");
        registry::Catalogue catalogue;
        catalogue.put(std::make_shared<registry::Entry>(std::move(later)));
        (void)catalogue.list({.q = std::string(entry->name())});
        (void)catalogue.troubles();
        return 0;
    }
    const registry::Words words;
    constexpr std::string_view keys[] = {"code",      "name",     "from",  "area",      "credit_code",
                                         "longitude", "latitude", "state", "bed_state", "type"};
    registry::Bad bad;
    for (const std::string_view key : keys) {
        const auto once = registry::normalised(words, key, text, bad);
        if (!once) continue;
        const auto twice = registry::normalised(words, key, *once, bad);
        if (!twice || *twice != *once) __builtin_trap();  // what is normal stays as it is
    }
    return 0;
}
