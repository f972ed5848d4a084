// SPDX-License-Identifier: Apache-2.0
// `xinglin import`: files into the record, by this process alone.
#include <chrono>
#include <cstdio>

#include "ingest/import.h"
#include "json/json.h"
#include "policy/label.h"
#include "record/record.h"
#include "registry/registry.h"
#include "server/commands.h"
#include "server/folder.h"
#include "server/profiles.h"
#include "server/snapshot.h"
#include "server/terminal.h"
#include "terminology/terminology.h"

namespace xinglin::server {

namespace {

using Figures = ingest::ImportFigures;

void show(Progress& progress, const Figures& figures) {
    const double share =
        figures.bytes > 0 ? 100.0 * static_cast<double>(figures.bytes_done) / static_cast<double>(figures.bytes) : 0;
    progress.show(fmt::format("{:3.0f}%  {} read, {} stored, {} rejected, {}/s", share, grouped(figures.read),
                              grouped(figures.stored), grouped(figures.rejected),
                              grouped(static_cast<std::uint64_t>(figures.per_second()))));
}

void print(const Figures& figures, bool as_json) {
    if (as_json) {
        json::Arena arena;
        const auto count = [&](std::uint64_t number) { return arena.number(static_cast<std::int64_t>(number)); };
        const json::Value line =
            arena.object({{"read", count(figures.read)},
                          {"stored", count(figures.stored)},
                          {"unchanged", count(figures.unchanged)},
                          {"rejected", count(figures.rejected)},
                          {"seconds", arena.number(fmt::format("{:.3f}", figures.seconds))},
                          {"resources_per_second", arena.number(fmt::format("{:.0f}", figures.per_second()))},
                          {"rejected_file", figures.rejected_file.empty() ? arena.null() : arena.string(figures.rejected_file)}});
        std::printf("%s\n", json::write(line).c_str());
        return;
    }
    if (!figures.rejected_file.empty())
        std::fprintf(stderr, "rejected entries with their reasons: %s\n", figures.rejected_file.c_str());
    std::printf("read %s, stored %s, unchanged %s, rejected %s, %.1f s, %s resources/s\n", grouped(figures.read).c_str(),
                grouped(figures.stored).c_str(), grouped(figures.unchanged).c_str(), grouped(figures.rejected).c_str(),
                figures.seconds, grouped(static_cast<std::uint64_t>(figures.per_second())).c_str());
}

/// Without a commit to disk for each group a crash may cost the whole load: only where there is nothing to lose yet.
Result<Opened> open_to_load(const ImportCommand& options, const calendar::Clock& clock) {
    constexpr std::int64_t usual_cache = 64ll << 20, cache_of_a_load = 256ll << 20;
    XINGLIN_TRY(const auto mark, policy::marking(content::Files()));
    if (options.store.empty()) {
        const bool fresh = !fs::exists(options.data / "record.db");
        Opened opened;
        XINGLIN_TRY(opened.store,
                    record::Store::open(options.data, clock,
                                        {.cache_bytes = fresh ? cache_of_a_load : usual_cache, .bulk = fresh, .mark = mark}));
        return opened;
    }
    {
        XINGLIN_TRY(Opened opened, open_database(options.store, clock, {.mark = mark}));
        const bool fresh = opened.store->reader(access::Viewer::program("import")).position() == 0;
        if (!fresh) return opened;
    }
    return open_database(options.store, clock, {.bulk = true, .mark = mark});
}

}  // namespace

int import_files(const ImportCommand& options) {
    if (options.store.empty()) {
        if (const auto folder = make_folder(options.data); !folder.ok()) return environment(folder.outcome());
    }
    const calendar::SystemClock clock;
    auto opened = open_to_load(options, clock);
    if (!opened.ok() && opened.outcome().code() == IssueCode::conflict) {
        return complain(
            options.data.string(),
            "a server has this folder open, stop it first or send the files to its import page (POST /api/v1/imports)",
            exit_environment);
    }
    if (!opened.ok()) return environment(opened.outcome());

    const auto begin = std::chrono::steady_clock::now();
    ingest::ImportOptions chosen;
    chosen.prepare_threads = options.threads;
    chosen.check_structure = !options.no_check;
    std::optional<Profiles> profiles;
    std::unique_ptr<const terminology::Terminology> terms;
    const content::Files files;
    if (options.check_profiles) {
        terms = std::make_unique<const terminology::Terminology>(files, clock);
        auto book = profile::built_in(files);
        if (!book.ok()) return environment(book.outcome());
        profiles.emplace(*opened->store, clock, std::move(*book),
                         [&terms](std::string_view set, std::string_view system, std::string_view code) {
                             return terms->has(set, system, code);
                         });
    }
    registry::Hierarchy hierarchy(*opened->store);
    chosen.check = [&profiles, &hierarchy](json::Value resource) {
        Outcome outcome = profiles ? profiles->check_write(resource) : Outcome{};
        return outcome.ok() ? hierarchy.add(resource) : outcome;
    };
    ingest::Importer importer(*opened->store, chosen);
    Figures figures;
    {
        Progress progress;
        auto result = importer.run(options.paths, "import", [&](const Figures& now) { show(progress, now); });
        if (!result.ok())
            return result.outcome().code() == IssueCode::not_found ? environment(result.outcome()) : refused(result.outcome());
        figures = std::move(result).value();
    }
    if (const auto closed = record::close(std::move(opened->store)); !closed.ok()) return environment(closed.outcome());
    figures.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    write_down(options.data, options.store, "import", figures.stored);
    print(figures, options.json);
    return figures.read > 0 && figures.rejected == figures.read ? exit_refused : exit_done;
}

}  // namespace xinglin::server
