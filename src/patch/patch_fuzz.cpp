// SPDX-License-Identifier: Apache-2.0
// Any bytes as a patch, JSON Patch or FHIRPath Patch; after a NUL the resource. What is refused says where.
#include "patch/patch.h"

#include <cstdint>
#include <cstdlib>

namespace {

void look_at(const xinglin::Result<xinglin::json::Value>& patched) {
    using namespace xinglin;
    if (!patched.ok()) {
        if (patched.outcome().issues.empty() || patched.outcome().line().empty()) std::abort();
        return;
    }
    json::Arena arena;
    const std::string written = json::write(*patched);
    const auto again = json::parse(written, arena, {.depth = 400, .bytes = 64u << 20});
    if (!again.ok() || !json::identical(*patched, *again)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = input.find('\0');
    json::Arena arena;
    const auto patch = json::parse(input.substr(0, cut), arena, {.depth = 100, .bytes = 1u << 16});
    const auto resource = json::parse(
        cut == std::string_view::npos
            ? std::string_view(R"({"resourceType":"Patient","id":"a","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]})")
            : input.substr(cut + 1),
        arena, {.depth = 100, .bytes = 1u << 16});
    if (!patch.ok() || !resource.ok()) return 0;
    look_at(patch::apply_plain_json_patch(*resource, *patch, arena));
    look_at(patch::apply_json_patch(*resource, *patch, arena));
    look_at(patch::apply_fhirpath_patch(*resource, *patch, arena));
    return 0;
}
