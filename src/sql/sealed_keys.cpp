// SPDX-License-Identifier: Apache-2.0
// Which folder's keys a database file takes.
#include <algorithm>
#include <fstream>
#include <mutex>
#include <unordered_map>

#include "sql/sealed.h"
#include "sql/sealed_file.h"
#include "sql/sql.h"

namespace xinglin::sql {

namespace fs = std::filesystem;

namespace {

constexpr int levels_up = 3;  // DATA/views/x.db and DATA/restoring/x/y.db take DATA's keys

/// SQLite's list of file systems is the process's, and so are the keys behind ours.
struct Known {
    std::mutex mutex;  // guards the next two
    std::vector<std::string> places;
    std::unordered_map<std::string, std::shared_ptr<keys::Folder>> folders;
};
Known& known() {
    static Known all;
    return all;
}

bool is_backup(const fs::path& folder) {
    std::error_code ignored;
    return fs::exists(folder / "manifest.json", ignored);
}

thread_local std::string for_now_file;
thread_local std::shared_ptr<keys::Folder> for_now_keys;

}  // namespace

KeysForNow::KeysForNow(fs::path file, std::shared_ptr<keys::Folder> keys) {
    for_now_file = fs::absolute(file).lexically_normal().string();
    for_now_keys = std::move(keys);
}
KeysForNow::~KeysForNow() {
    for_now_file.clear();
    for_now_keys.reset();
}

void give_key_places(std::vector<std::string> places) {
    const std::lock_guard lock(known().mutex);
    known().places = std::move(places);
    known().folders.clear();
}

std::vector<std::string> key_places() {
    const std::lock_guard lock(known().mutex);
    return known().places;
}

std::shared_ptr<keys::Folder> keys_for(const fs::path& file) {
    const fs::path whole = fs::absolute(file).lexically_normal();
    if (for_now_keys && whole == for_now_file) return for_now_keys;
    fs::path folder = whole.parent_path();
    for (int i = 0; i < levels_up && !keys::is_sealed(folder); ++i) {
        if (is_backup(folder)) return nullptr;  // made before the folder around it was encrypted
        folder = folder.parent_path();
    }
    if (!keys::is_sealed(folder)) return nullptr;
    const std::lock_guard lock(known().mutex);
    auto& kept = known().folders[folder.string()];
    if (kept) {
        kept->refresh();
        return kept;
    }
    auto opened = keys::Folder::open(folder, known().places);
    if (!opened.ok()) throw Broken(Broken::Why::other, opened.outcome().line());
    return kept = std::move(*opened);
}

bool is_sealed_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string first(sqlite_magic.size(), '\0');
    in.read(first.data(), static_cast<std::streamsize>(first.size()));
    return in.gcount() == static_cast<std::streamsize>(first.size()) && first != sqlite_magic;
}

std::vector<fs::path> databases_below(const fs::path& folder) {
    std::vector<fs::path> all;
    fs::recursive_directory_iterator each(folder, fs::directory_options::skip_permission_denied);
    for (; each != fs::recursive_directory_iterator(); ++each) {
        const fs::directory_entry& entry = *each;
        if (entry.is_directory() && (is_backup(entry.path()) || keys::is_sealed(entry.path()))) each.disable_recursion_pending();
        else if (entry.is_regular_file() && entry.path().extension() == ".db") all.push_back(entry.path());
    }
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace xinglin::sql
