// SPDX-License-Identifier: Apache-2.0
// Inside the room: `xinglin terminology …`, its words and options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace xinglin::server {

struct TerminologyCommand {
    enum class What : std::uint8_t { list, import, lookup, expand, validate, translate, convert };
    What what = What::list;
    std::filesystem::path data, content;
    std::string store;  // address of a PostgreSQL database in place of the folder
    std::string system, version, from, to, title, language, date, value_set, display, filter, map, target;
    std::vector<std::string> words;  // a code, a file, a value set; value and units
    std::size_t offset = 0;
    std::optional<std::size_t> count;
    bool reverse = false, json = false;
};
int run_terminology(const TerminologyCommand& options);

/// Adds the words below `terminology`; `chosen` is filled by the one that is used.
void add_terminology_words(CLI::App& parent, TerminologyCommand& chosen);

}  // namespace xinglin::server
