// SPDX-License-Identifier: Apache-2.0
// `xinglin backup`, `restore` and `verify`.
//
// A backup is a folder: one consistent copy of each database, and manifest.json with their SHA-256, written last. It may
// be made while a server runs. Restoring goes into an empty folder only and ends with a verified record.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "json/json.h"
#include "record/record.h"
#include "server/commands.h"
#include "server/folder.h"
#include "server/house.h"
#include "server/snapshot.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

constexpr const char* manifest_name = "manifest.json";

struct Kept {
    std::string name, sha256;
    std::uint64_t bytes = 0;
};

void write_manifest(const fs::path& folder, const std::vector<Kept>& files, std::int64_t now_ms) {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const Kept& file : files) {
        all.push_back(arena.object({{"name", arena.string(file.name)},
                                    {"bytes", arena.number(static_cast<std::int64_t>(file.bytes))},
                                    {"sha256", arena.string(file.sha256)}}));
    }
    const json::Value manifest = arena.object({{"format", arena.string("xinglin-backup 1")},
                                               {"version", arena.string(version())},
                                               {"made_at", arena.string(calendar::instant_text(now_ms))},
                                               {"files", arena.array(all)}});
    const fs::path partial = folder / "manifest.partial";
    std::ofstream(partial, std::ios::binary) << json::write_pretty(manifest) << "\n";
    synchronise(partial);
    fs::rename(partial, folder / manifest_name);
    synchronise(folder);
}

Result<std::vector<Kept>> read_manifest(const fs::path& folder) {
    const auto no = [&](std::string what) {
        return refuse(IssueCode::invalid, (folder / manifest_name).string(), std::move(what));
    };
    std::ifstream in(folder / manifest_name, std::ios::binary);
    if (!in) return no("cannot be read, name a folder made by `xinglin backup`");
    std::ostringstream content;
    content << in.rdbuf();
    json::Arena arena;
    const std::string text = std::move(content).str();
    const auto manifest = json::parse(text, arena);
    if (!manifest.ok() || (*manifest)["format"].string() != "xinglin-backup 1")
        return no("is not a manifest we know, name a folder made by `xinglin backup`");
    std::vector<Kept> files;
    const json::Value listed = (*manifest)["files"];
    for (std::size_t i = 0; i < listed.size(); ++i) {
        Kept file{std::string(listed[i]["name"].string()), std::string(listed[i]["sha256"].string()), 0};
        // A name is one of ours, never a path that leads out of the folder.
        const bool known =
            std::any_of(std::begin(kept_files), std::end(kept_files), [&](const char* name) { return file.name == name; });
        if (!known) return no("names a file that is not part of a backup, make another backup");
        files.push_back(std::move(file));
    }
    if (files.empty()) return no("names no files, make another backup");
    return files;
}

/// Are the files as they were when the manifest was written?
Result<Done> check_sums(const fs::path& folder, const std::vector<Kept>& files) {
    for (const Kept& file : files) {
        const fs::path path = folder / file.name;
        if (!fs::exists(path)) return refuse(IssueCode::invalid, path.string(), "is missing from the backup, use another backup");
        if (file_sha256(path) != file.sha256) {
            return refuse(IssueCode::invalid, path.string(),
                          "has changed since the backup was made (SHA-256 differs), use another backup");
        }
    }
    return Done{};
}

std::vector<std::string> check_database(const fs::path& file) {
    try {
        auto problems = sql::open_sqlite(file, {.read_only = true, .cache_bytes = 8 << 20})->integrity();
        for (std::string& problem : problems) problem = file.filename().string() + ": " + problem;
        return problems;
    } catch (const sql::Broken& error) {
        return {file.filename().string() + ": " + error.what()};
    }
}

int report(const std::vector<std::string>& problems, std::uint64_t resources, bool as_json, std::string_view what,
           const fs::path& where) {
    if (as_json) {
        json::Arena arena;
        std::vector<json::Value> all;
        for (const std::string& problem : problems) all.push_back(arena.string(problem));
        std::printf("%s\n", json::write(arena.object({{"sound", arena.boolean(problems.empty())},
                                                      {"resources", arena.number(static_cast<std::int64_t>(resources))},
                                                      {"problems", arena.array(all)}}))
                                .c_str());
    } else if (problems.empty()) {
        std::printf("%s: sound, %s resources\n", std::string(what).c_str(), grouped(resources).c_str());
    }
    if (problems.empty()) return exit_done;
    if (!as_json) {
        for (const std::string& problem : problems) std::printf("%s\n", problem.c_str());
    }
    return complain(where.string(), std::to_string(problems.size()) + " problems found, restore a backup with `xinglin restore`",
                    exit_refused);
}

std::vector<std::string> verify_store(record::Store& store, bool deep) {
    Progress progress;
    return store.verify(deep, [&](std::uint64_t done, std::uint64_t of) {
        progress.show(grouped(done) + " of " + grouped(of) + " resources verified");
    });
}

}  // namespace

int back_up(const BackupCommand& options) {
    if (const auto folder = find_folder(options.data); !folder.ok()) return environment(folder.outcome());
    if (!is_free(options.backup))
        return complain(options.backup.string(), "is not an empty folder, name another one", exit_refused);
    std::error_code error;
    fs::create_directories(options.backup, error);
    if (error)
        return complain(options.backup.string(), "cannot be made (" + error.message() + "), name another folder",
                        exit_environment);
    fs::permissions(options.backup, fs::perms::owner_all, error);
    std::vector<Kept> files;
    std::uint64_t bytes = 0;
    for (const char* name : kept_files) {
        if (!copy_database(options.data / name, options.backup / name)) continue;
        files.push_back({name, file_sha256(options.backup / name), fs::file_size(options.backup / name)});
        bytes += files.back().bytes;
    }
    const calendar::SystemClock clock;
    write_manifest(options.backup, files, clock.now_ms());
    if (options.json) {
        std::printf("{\"files\":%zu,\"bytes\":%llu}\n", files.size(), static_cast<unsigned long long>(bytes));
    } else {
        std::printf("%zu files, %s bytes in %s\n", files.size(), grouped(bytes).c_str(), options.backup.c_str());
    }
    return exit_done;
}

int restore(const BackupCommand& options) {
    const auto files = read_manifest(options.backup);
    if (!files.ok()) return refused(files.outcome());
    if (!is_free(options.data))
        return complain(options.data.string(), "is not an empty folder, restore into a new one", exit_refused);
    if (const auto sums = check_sums(options.backup, *files); !sums.ok()) return refused(sums.outcome());
    if (const auto folder = make_folder(options.data); !folder.ok()) return environment(folder.outcome());
    for (const Kept& file : *files) copy_bytes(options.backup / file.name, options.data / file.name);
    synchronise(options.data);
    return verify({.data = options.data, .quick = false, .json = options.json});
}

namespace {
int verify_database(const VerifyCommand& options) {
    const calendar::SystemClock clock;
    auto opened = open_database(options.store, clock);
    if (!opened.ok()) return environment(opened.outcome());
    const auto problems = verify_store(*opened->store, !options.quick);
    return report(problems, opened->store->figures().resources, options.json, options.quick ? "structure" : "every entry",
                  sql::without_password(options.store));
}
}  // namespace

int verify(const VerifyCommand& options) {
    if (!options.store.empty()) return verify_database(options);
    if (fs::exists(options.data / manifest_name)) {
        const auto files = read_manifest(options.data);
        if (!files.ok()) return refused(files.outcome());
        if (const auto sums = check_sums(options.data, *files); !sums.ok()) return refused(sums.outcome());
    }
    if (const auto folder = find_folder(options.data); !folder.ok()) return environment(folder.outcome());
    std::vector<std::string> problems;
    for (const char* name : kept_files) {
        if (name == std::string_view("record.db") || !fs::exists(options.data / name)) continue;
        for (std::string& problem : check_database(options.data / name)) problems.push_back(std::move(problem));
    }
    const calendar::SystemClock clock;
    auto opened = record::Store::open(options.data, clock);
    if (!opened.ok() && opened.outcome().code() == IssueCode::conflict) {
        return complain(options.data.string(), "a server has this folder open, stop it first, or verify a backup of it",
                        exit_environment);
    }
    if (!opened.ok()) return environment(opened.outcome());
    for (std::string& problem : verify_store(**opened, !options.quick)) problems.push_back(std::move(problem));
    return report(problems, (*opened)->figures().resources, options.json, options.quick ? "structure" : "every entry",
                  options.data);
}

}  // namespace xinglin::server
