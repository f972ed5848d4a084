// SPDX-License-Identifier: Apache-2.0
// Manifests and lines of backups from strangers.
#include "backup/lines.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)xinglin::backup::parse_manifest(text, "manifest.json").ok();
    const auto change = xinglin::backup::change_of(text);
    if (change.ok()) {
        // What was understood can be written and is understood again.
        const auto again = xinglin::backup::change_of(xinglin::backup::line_of(*change));
        if (!again.ok() || again->text != change->text || again->id != change->id) __builtin_trap();
    }
    return 0;
}
