// SPDX-License-Identifier: Apache-2.0
// Any bytes may be read, explained, answered and converted; what is converted is JSON, and twice the same, as text and as a value.
#include <cstdlib>

#include "hl7v2/hl7v2.h"
#include "json/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    static const hl7v2::Tables tables = hl7v2::Tables::load(content::Files()).value();
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const message::Sender sender{.id = "fuzz"};
    for (const hl7v2::Piece& piece : hl7v2::split(bytes)) {
        (void)hl7v2::explain(piece.bytes, sender, tables);
        const auto message = hl7v2::read(piece.bytes, sender);
        if (!message.ok()) {
            (void)hl7v2::reject(piece.bytes, "1", "2026", message.outcome());
            continue;
        }
        (void)hl7v2::acknowledge(*message, hl7v2::Answer::AE, "1", "2026",
                                 std::vector<hl7v2::Error>{{"PID-3", "101", "missing"}});
        const auto once = hl7v2::convert(*message, sender, tables);
        if (!once.ok()) continue;
        json::Arena arena;
        if (!json::parse(once->bundle, arena).ok()) std::abort();
        if (size % 4 != 0) continue;  // what is asked twice costs twice
        const auto again = hl7v2::convert_to_tree(piece.bytes, sender, tables);
        if (!again.ok() || again->text() != once->bundle) std::abort();
    }
    return 0;
}
