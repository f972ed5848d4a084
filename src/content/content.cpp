// SPDX-License-Identifier: Apache-2.0
// The packed files (tools/embed_content.py describes the format) and the overlay.
#include "content/content.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <set>

extern "C" const char xinglin_content_begin[];
extern "C" const char xinglin_content_end[];

namespace xinglin::content {
namespace {

constexpr std::string_view head = "xinglin-content 1\n";

struct Packed {
    std::string_view path;
    std::size_t raw = 0;
    std::string_view bytes;
};

std::size_t number_upto(std::string_view& line, char end) {
    const std::size_t at = line.find(end);
    std::size_t value = 0;
    std::from_chars(line.data(), line.data() + std::min(at, line.size()), value);
    line = at == std::string_view::npos ? std::string_view() : line.substr(at + 1);
    return value;
}

std::vector<Packed> read_list() {
    std::string_view blob(xinglin_content_begin, static_cast<std::size_t>(xinglin_content_end - xinglin_content_begin));
    XINGLIN_ASSERT(blob.starts_with(head));
    const std::size_t list_end = blob.find("\n\n");
    XINGLIN_ASSERT(list_end != std::string_view::npos);
    const std::string_view bytes = blob.substr(list_end + 2);
    std::string_view lines = blob.substr(head.size(), list_end + 1 - std::min(list_end + 1, head.size()));
    std::vector<Packed> files;
    while (!lines.empty()) {
        const std::size_t end = lines.find('\n');
        std::string_view line = lines.substr(0, end);
        lines = lines.substr(end + 1);
        Packed file;
        file.path = line.substr(0, line.find('\t'));
        line = line.substr(file.path.size() + 1);
        const std::size_t offset = number_upto(line, '\t');
        file.raw = number_upto(line, '\t');
        file.bytes = bytes.substr(offset, number_upto(line, '\n'));
        files.push_back(file);
    }
    return files;
}

const std::vector<Packed>& packed_files() {
    static const std::vector<Packed> files = read_list();
    return files;
}

bool is_under(std::string_view path, std::string_view folder) {
    return folder.empty() || (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/');
}

/// No way out of the overlay: no "..", no absolute path.
bool is_tame(std::string_view path) {
    return !path.empty() && path.front() != '/' && path.find("..") == std::string_view::npos &&
           path.find('\\') == std::string_view::npos && path.find('\0') == std::string_view::npos;
}

}  // namespace

Files::Files() = default;

Result<Files> Files::over(const std::filesystem::path& folder) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
        return refuse(IssueCode::not_found, folder.string(),
                      "is not a folder that can be read; --content wants one like content/");
    Files files;
    files.overlay_ = folder;
    return files;
}

std::vector<std::string> Files::list(std::string_view folder, std::string_view suffix) const {
    std::set<std::string> paths;
    for (const Packed& file : packed_files())
        if (is_under(file.path, folder) && file.path.ends_with(suffix)) paths.emplace(file.path);
    if (!overlay_.empty()) {
        std::error_code error;
        for (auto it = std::filesystem::recursive_directory_iterator(overlay_ / folder, error);
             !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
            if (!it->is_regular_file(error)) continue;
            const std::string path = it->path().lexically_relative(overlay_).generic_string();
            if (!path.ends_with(suffix)) continue;
            if (it->file_size(error) == 0) {
                paths.erase(path);
            } else {
                paths.insert(path);
            }
        }
    }
    return {paths.begin(), paths.end()};
}

std::optional<std::string> Files::read(std::string_view path) const {
    if (!is_tame(path)) return std::nullopt;
    if (!overlay_.empty()) {
        if (std::ifstream file(overlay_ / path, std::ios::binary); file) {
            std::string text((std::istreambuf_iterator<char>(file)), {});
            if (text.empty()) return std::nullopt;
            return text;
        }
    }
    const auto& files = packed_files();
    const auto found = std::lower_bound(files.begin(), files.end(), path,
                                        [](const Packed& file, std::string_view at) { return file.path < at; });
    if (found == files.end() || found->path != path) return std::nullopt;
    std::string text(found->raw, '\0');
    uLongf size = found->raw;
    const int status = uncompress(reinterpret_cast<Bytef*>(text.data()), &size,
                                  reinterpret_cast<const Bytef*>(found->bytes.data()), found->bytes.size());
    XINGLIN_ASSERT(status == Z_OK && size == found->raw);
    return text;
}

std::string Files::origin(std::string_view path) const {
    std::error_code error;
    if (!overlay_.empty() && is_tame(path) && std::filesystem::exists(overlay_ / path, error)) return (overlay_ / path).string();
    return "built in";
}

}  // namespace xinglin::content
