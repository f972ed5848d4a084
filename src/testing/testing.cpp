// SPDX-License-Identifier: Apache-2.0
// Scratch folders and files for tests.
#include "testing/testing.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace xinglin::testing {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path.string());
    std::ostringstream content;
    content << in.rdbuf();
    return std::move(content).str();
}

std::string read_packed(const fs::path& path) {
    if (path.extension() != ".gz") return read_file(path);
    gzFile file = gzopen(path.c_str(), "rb");
    if (!file) throw std::runtime_error("cannot read " + path.string());
    std::string content;
    char buffer[65536];
    int got = 0;
    while ((got = gzread(file, buffer, sizeof buffer)) > 0) content.append(buffer, static_cast<std::size_t>(got));
    gzclose(file);
    return content;
}

fs::path shared_data() {
    const char* named = std::getenv("XINGLIN_SHARED_DATA");
    const fs::path folder = named ? fs::path(named) : fs::path(XINGLIN_SOURCE_DIR).parent_path() / "shared" / "data";
    return fs::is_directory(folder) ? folder : fs::path();
}

std::vector<fs::path> files_below(const fs::path& folder, std::string_view suffix) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.path().string().ends_with(suffix)) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

ScratchFolder::ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "xinglin-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a scratch folder");
    path_ = name;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::uint64_t seed() {
    if (const char* given = std::getenv("XINGLIN_SEED")) return std::strtoull(given, nullptr, 10);
    return std::random_device{}();
}

}  // namespace xinglin::testing
