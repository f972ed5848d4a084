// SPDX-License-Identifier: Apache-2.0
// Mappings on the shelf: read when asked, written beside and moved into place.
#include "server/mapping_shelf.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>

namespace xinglin::server {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_remembered = 100'000;
constexpr std::chrono::minutes remembered_for{1};

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

std::optional<std::string> read_whole(const fs::path& file) {
    std::error_code error;
    if (!fs::is_regular_file(file, error) || fs::file_size(file, error) > (4u << 20)) return std::nullopt;
    std::ifstream in(file, std::ios::binary);
    std::ostringstream content;
    content << in.rdbuf();
    if (!in) return std::nullopt;
    return std::move(content).str();
}

bool write_whole(const fs::path& file, std::string_view text) {
    const fs::path beside = file.string() + ".new";
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) return false;
    bool good = true;
    for (std::size_t at = 0; good && at < text.size();) {
        const auto wrote = ::write(fd, text.data() + at, text.size() - at);
        good = wrote > 0;
        if (good) at += static_cast<std::size_t>(wrote);
    }
    good = ::fsync(fd) == 0 && good;
    good = ::close(fd) == 0 && good;
    if (good && ::rename(beside.c_str(), file.c_str()) == 0) return true;
    ::unlink(beside.c_str());
    return false;
}

std::optional<table::Coding> look_up(const terminology::Terminology& terms, std::string_view system,
                                     std::string_view code_or_name) {
    if (const auto found = terms.lookup({.system = system, .code = code_or_name}); found.ok())
        return table::Coding{found->system, found->code, found->display};
    const auto page = terms.concepts({.system = system, .words = code_or_name, .count = 20});
    if (!page.ok()) return std::nullopt;
    for (const auto& row : page->concepts)
        if (row.display == code_or_name) return table::Coding{page->system, row.code, row.display};
    return std::nullopt;
}

}  // namespace

table::Lookup terminology_lookup(const terminology::Terminology& terms) {
    using Moment = std::chrono::steady_clock::time_point;
    struct Remembered {
        std::mutex mutex;  // guards what follows
        std::map<std::string, std::optional<table::Coding>> answers;
        Moment since = std::chrono::steady_clock::now();
    };
    return [&terms, remembered = std::make_shared<Remembered>()](std::string_view system, std::string_view code_or_name) {
        std::string key = std::string(system) + '\0' + std::string(code_or_name);
        const Moment now = std::chrono::steady_clock::now();
        {
            const std::lock_guard lock(remembered->mutex);
            if (now - remembered->since > remembered_for) {  // tables may have been replaced meanwhile
                remembered->answers.clear();
                remembered->since = now;
            }
            if (const auto known = remembered->answers.find(key); known != remembered->answers.end()) return known->second;
        }
        auto found = look_up(terms, system, code_or_name);
        const std::lock_guard lock(remembered->mutex);
        if (remembered->answers.size() < most_remembered) remembered->answers.emplace(std::move(key), found);
        return found;
    };
}

std::vector<MappingShelf::Kept> MappingShelf::list() const {
    std::map<std::string, Kept> all;
    for (auto& [name, text] : table::shelved(files_))
        all[name] = {name, std::move(text), files_.origin("mappings/" + name + ".json")};
    std::error_code error;
    if (!own_.empty()) {
        for (const auto& entry : fs::directory_iterator(own_, error)) {
            const std::string name = entry.path().stem().string();
            if (entry.path().extension() != ".json" || !is_name(name)) continue;
            if (auto text = read_whole(entry.path())) all[name] = {name, std::move(*text), "saved"};
        }
    }
    std::vector<Kept> list;
    for (auto& [name, kept] : all) list.push_back(std::move(kept));
    return list;
}

std::optional<MappingShelf::Kept> MappingShelf::find(std::string_view name) const {
    if (!is_name(name)) return std::nullopt;
    if (!own_.empty())
        if (auto text = read_whole(file_of(name))) return Kept{std::string(name), std::move(*text), "saved"};
    const std::string path = "mappings/" + std::string(name) + ".json";
    auto text = files_.read(path);
    if (!text || text->empty()) return std::nullopt;
    return Kept{std::string(name), std::move(*text), files_.origin(path)};
}

Result<table::Mapping> MappingShelf::load(std::string_view name_or_path) const {
    std::optional<std::string> text;
    if (name_or_path.ends_with(".json")) {
        text = read_whole(fs::path(name_or_path));
    } else if (auto kept = find(name_or_path)) {
        text = std::move(kept->text);
    }
    if (text) return table::Mapping::read(*text);
    std::string names;
    for (const Kept& one : list()) names += (names.empty() ? "" : ", ") + one.name;
    return refuse(IssueCode::not_found, std::string(name_or_path),
                  "is no mapping; there are " + names + ", or name a .json file");
}

Result<bool> MappingShelf::save(std::string_view name, std::string_view text) const {
    if (!is_name(name)) return refuse(IssueCode::value, "name", "must be of a-z, 0-9, _ and -, 64 at most");
    XINGLIN_TRY(const table::Mapping mapping, table::Mapping::read(text));
    if (mapping.name() != name)
        return refuse(IssueCode::value, "mapping",
                      "is " + mapping.name() + " in the mapping, but " + std::string(name) + " in the address");
    const bool fresh = !find(name);
    std::error_code error;
    fs::create_directories(own_, error);
    if (!write_whole(file_of(name), text))
        return refuse(IssueCode::transient, file_of(name).string(), "cannot be written, see to the disk");
    return fresh;
}

Result<Done> MappingShelf::erase(std::string_view name) const {
    std::error_code error;
    if (is_name(name) && fs::remove(file_of(name), error) && !error) return Done{};
    const auto built_in = find(name);
    if (built_in)
        return refuse(IssueCode::forbidden, "name", "is built in and can't be removed; save one of this name to replace it");
    return refuse(IssueCode::not_found, "name", "there is no saved mapping of this name");
}

}  // namespace xinglin::server
