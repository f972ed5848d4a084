// SPDX-License-Identifier: Apache-2.0
// Private keys that lie in files of the data folder, put aside in one small database, which is sealed as the others are where the
// folder is encrypted. Without them cards and apps of a restored house would be known, but nothing could be signed as before.
#include <fstream>
#include <sstream>

#include "backup/private.h"
#include "sql/sql.h"

namespace xinglin::backup {

namespace {

constexpr std::size_t most_bytes = 64u << 10;

/// card/3f2a-es256.pem, secrets/oauth-….pem: nothing else is taken, and nothing else is put anywhere.
bool is_private(std::string_view name) {
    const bool is_card = name.starts_with("card/"), is_oauth = name.starts_with("secrets/oauth-");
    if ((!is_card && !is_oauth) || !name.ends_with(".pem") || name.size() > 200) return false;
    name.remove_prefix(name.find('/') + 1);
    return name.find("..") == std::string_view::npos &&
           name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == std::string_view::npos;
}

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace

bool keep_private(const fs::path& data, const fs::path& to) {
    std::vector<std::pair<std::string, std::string>> found;
    for (const char* folder : {"card", "secrets"}) {
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(data / folder, none)) {
            const std::string name = std::string(folder) + "/" + entry.path().filename().string();
            if (entry.is_regular_file() && is_private(name) && entry.file_size() <= most_bytes)
                found.emplace_back(name, text_of(entry.path()));
        }
    }
    if (found.empty()) return false;
    {
        const auto connection = sql::open_sqlite(to, {.cache_bytes = 1 << 20});
        sql::transaction(*connection, [&] {
            connection->run("CREATE TABLE backup_private (name TEXT PRIMARY KEY, bytes BLOB NOT NULL)");
            for (const auto& [name, bytes] : found)
                connection->prepare("INSERT INTO backup_private (name, bytes) VALUES (?, ?)")
                    .bind(1, name)
                    .bind_blob(2, bytes)
                    .run();
        });
        connection->checkpoint();
    }
    fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
    synchronise(to);
    return true;
}

void bring_private(const fs::path& from, const fs::path& data) {
    {
        const auto connection = sql::open_sqlite(from, {.read_only = true, .cache_bytes = 1 << 20});
        auto& rows = connection->prepare("SELECT name, bytes FROM backup_private ORDER BY name");
        while (rows.step()) {
            const std::string name(rows.text(0));
            if (!is_private(name)) continue;
            const fs::path path = data / name;
            fs::create_directories(path.parent_path());
            fs::permissions(path.parent_path(), fs::perms::owner_all);
            std::ofstream(path, std::ios::binary | std::ios::trunc).flush();
            fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);  // before anything is in it
            std::ofstream(path, std::ios::binary) << rows.text(1);
            synchronise(path);
        }
    }
    for (const char* tail : {"-wal", "-shm"}) {  // left by looking
        std::error_code ignored;
        fs::remove(from.string() + tail, ignored);
    }
    for (const char* folder : {"card", "secrets"}) {
        if (fs::exists(data / folder)) synchronise(data / folder);
    }
}

}  // namespace xinglin::backup
