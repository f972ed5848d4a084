// SPDX-License-Identifier: Apache-2.0
// Bytes that claim to be a table, a code system, a value set or a map must be refused or worked out, never crash.
#include <algorithm>

#include "terminology/terminology.h"

namespace {

struct Desk {
    xinglin::content::Files files;
    xinglin::calendar::SystemClock clock;
    xinglin::terminology::Terminology terms{files, clock};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    static Desk desk;
    if (size < 2 || size > 50'000) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    json::Arena arena;
    if (data[0] % 4 == 0) {
        (void)desk.terms.edition_resource({.system = "urn:a", .version = "1", .csv = text}, arena);
        return 0;
    }
    const auto resource = json::parse(text, arena);
    if (!resource.ok()) return 0;
    if (data[0] % 4 == 1) {
        (void)desk.terms.expand({.inline_definition = *resource, .filter = data[0] > 128 ? "a" : "", .count = 20});
        (void)desk.terms.validate({.inline_definition = *resource, .code = "a"});
    } else if (data[0] % 4 == 2) {
        (void)desk.terms.validate({.inline_definition = *resource, .code = "a", .display = "b"});
    } else {
        (void)desk.terms.translate({.inline_definition = *resource, .code = "a", .reverse = data[0] > 128});
    }
    return 0;
}
