// SPDX-License-Identifier: Apache-2.0
// Is this a data folder, may we write into it?
#include "server/folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "keys/keys.h"

namespace xinglin::server {

namespace fs = std::filesystem;

namespace {

Outcome no(const fs::path& folder, std::string what) { return refuse(IssueCode::exception, folder.string(), std::move(what)); }

bool is_ours(const fs::path& folder) {
    return fs::exists(folder / "record.db") || fs::exists(folder / "access.db") || fs::exists(folder / "store");
}

/// What a system puts into an empty folder by itself.
bool is_bystander(const fs::path& entry) {
    const std::string name = entry.filename().string();
    return name == "lost+found" || name == "lock" || name == keys::file_name || name.starts_with(".");
}

Result<Done> readable(const fs::path& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) {
        if (error) return no(folder, "cannot be looked at (" + error.message() + "), see to its permissions");
        return no(folder, "is not a folder, name another one with --data");
    }
    if (access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
        return no(folder,
                  std::string("may not be read and written (") + std::strerror(errno) + "), see to its owner and permissions");
    }
    return Done{};
}

}  // namespace

Result<Done> make_folder(const fs::path& folder) {
    std::error_code error;
    if (!fs::exists(folder, error)) {
        if (error) return no(folder, "cannot be looked at (" + error.message() + "), see to its permissions");
        fs::create_directories(folder, error);
        if (error) return no(folder, "cannot be made (" + error.message() + "), name another one with --data");
        fs::permissions(folder, fs::perms::owner_all, error);  // health records: nobody else's business
        return Done{};
    }
    XINGLIN_CHECK(readable(folder));
    if (is_ours(folder)) return Done{};
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (is_bystander(entry.path())) continue;
        return no(folder, "holds files that are not Xinglin's, name an empty or a new folder with --data");
    }
    return Done{};
}

Result<Done> find_folder(const fs::path& folder) {
    std::error_code error;
    if (!fs::exists(folder, error)) return no(folder, "is not there, name the data folder with --data");
    XINGLIN_CHECK(readable(folder));
    if (!fs::exists(folder / "record.db", error)) return no(folder, "holds no record, name the data folder with --data");
    return Done{};
}

bool is_free(const fs::path& folder) {
    std::error_code error;
    if (!fs::exists(folder, error)) return true;
    if (!fs::is_directory(folder, error)) return false;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (!is_bystander(entry.path())) return false;
    }
    return !error;
}

}  // namespace xinglin::server
