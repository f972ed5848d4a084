// SPDX-License-Identifier: Apache-2.0
// `xinglin backup`, `restore` and `verify`.
//
// What a backup is: src/backup. It may be made while a server runs. Restoring goes into an empty folder only and ends
// with a verified record.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "backup/backup.h"
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
    const calendar::SystemClock clock;
    backup::Request request{.data = options.data, .store = options.store, .out = options.backup};
    if (!options.data.empty()) request.views = options.data / "views", request.mappings = options.data / "mappings";
    if (!options.base.empty()) request.base = options.base;
    Progress progress;
    request.progress = [&](std::uint64_t done, std::uint64_t of) {
        progress.show(grouped(done) + " of " + grouped(of) + " versions");
    };
    Opened opened;
    std::optional<record::Reader> reader;
    if (!options.store.empty()) {
        auto database = open_database(options.store, clock);
        if (!database.ok()) return environment(database.outcome());
        opened = std::move(*database);
        request.data.clear();
        request.source = [&] {
            reader.emplace(opened.store->reader(access::Viewer::program("backup")));
            return backup::Source{reader->position(), opened.store->offset_minutes(),
                                  [&](auto after, auto upto, const auto& each) { reader->changes(after, upto, each); }};
        };
    } else if (const auto folder = find_folder(options.data); !folder.ok()) {
        return environment(folder.outcome());
    }
    const auto made = backup::make(request, clock, version());
    if (!made.ok()) return made.outcome().code() == IssueCode::exception ? environment(made.outcome()) : refused(made.outcome());
    if (options.json) {
        std::printf("{\"files\":%zu,\"bytes\":%llu,\"kind\":\"%s\",\"from\":%lld,\"upto\":%lld}\n", made->files.size(),
                    static_cast<unsigned long long>(made->bytes()), made->is_differential ? "differential" : "full",
                    static_cast<long long>(made->from), static_cast<long long>(made->upto));
    } else {
        std::printf("%zu files, %s bytes in %s, up to position %lld of the feed\n", made->files.size(),
                    grouped(made->bytes()).c_str(), options.backup.c_str(), static_cast<long long>(made->upto));
    }
    return exit_done;
}

int restore(const RestoreCommand& options) {
    const calendar::SystemClock clock;
    backup::Restoring request{.backups = options.backups, .data = options.data, .store = options.store};
    if (options.to_position >= 0) request.to_position = options.to_position;
    if (!options.to_time.empty()) {
        const auto moment = calendar::parse_date_time(options.to_time, true);
        if (!moment) return complain("--to-time", "is no date or instant, write 2026-11-22T08:00:00+08:00", exit_usage);
        request.to_ms = calendar::span_of(*moment, calendar::local_offset_minutes()).high_ms - 1;
    }
    if (!is_free(options.data))
        return complain(options.data.string(), "is not an empty folder, restore into a new one", exit_refused);
    {
        Progress progress;
        request.progress = [&](std::uint64_t done, std::uint64_t of) {
            progress.show("position " + grouped(done) + " of " + grouped(of));
        };
        const auto done = backup::restore(request, clock);
        if (!done.ok())
            return done.outcome().code() == IssueCode::exception ? environment(done.outcome()) : refused(done.outcome());
    }
    return verify({.data = options.data, .store = options.store, .json = options.json});
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
        const auto manifest = backup::read_manifest(options.data);
        if (!manifest.ok()) return refused(manifest.outcome());
        if (const auto sums = backup::check_files(options.data, *manifest); !sums.ok()) return refused(sums.outcome());
        if (!fs::exists(options.data / "record.db"))  // lines: their sums are all there is to say
            return report({}, static_cast<std::uint64_t>(manifest->upto - manifest->from), options.json, "every file",
                          options.data);
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
