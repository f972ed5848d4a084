// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a view from strangers, and a resource, each possibly hostile; split at the first NUL byte.
#include "view/view.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = input.find('\0');
    view::Limits limits;
    limits.rows = 1'000;
    limits.visits = 10'000;
    const auto definition = view::Definition::compile(input.substr(0, cut), limits);
    if (!definition.ok()) return 0;
    json::Arena arena;
    const auto resource =
        json::parse(cut == std::string_view::npos
                        ? std::string_view(R"({"resourceType":"Patient","id":"p","name":[{"family":"a","given":["b","c"]}]})")
                        : input.substr(cut + 1),
                    arena);
    if (!resource.ok()) return 0;
    view::Runner runner(*definition);
    std::string text;
    (void)runner.run(*resource, [&](view::Row row) {
        text.clear();
        view::write_object(definition->columns(), row, text);
        view::write_csv(row, text);
    });
    return 0;
}
