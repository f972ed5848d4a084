// SPDX-License-Identifier: Apache-2.0
// `xinglin export`: every current resource as NDJSON, one file for each type.
//
// While a server holds the folder, a snapshot of the record's file is taken first and read instead; it needs as much
// disk again until the end.
#include <zlib.h>

#include <chrono>
#include <cstdio>

#include "access/access.h"
#include "json/json.h"
#include "record/record.h"
#include "server/commands.h"
#include "server/folder.h"
#include "server/snapshot.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

struct Written {
    std::string type, file;
    std::uint64_t count = 0;
};

/// A file that is plain or packed; throws sql::Broken when the disk refuses.
class Lines {
public:
    Lines(const fs::path& file, bool packed) : name_(file.string()), file_(gzopen(file.c_str(), packed ? "wb1" : "wbT")) {
        if (!file_) fail();
        gzbuffer(file_, 1u << 18);
    }
    ~Lines() {
        if (file_) gzclose(file_);
    }
    Lines(const Lines&) = delete;
    void add(std::string_view line) {
        write(line);
        write("\n");
    }
    void close() {
        if (gzclose(std::exchange(file_, nullptr)) != Z_OK) fail();
    }

private:
    void write(std::string_view bytes) {
        if (bytes.empty()) return;
        if (gzwrite(file_, bytes.data(), static_cast<unsigned>(bytes.size())) != static_cast<int>(bytes.size())) fail();
    }
    [[noreturn]] void fail() const {
        const auto why = errno == ENOSPC || errno == EFBIG ? sql::Broken::Why::full : sql::Broken::Why::io;
        throw sql::Broken(why, name_ + ": " + std::strerror(errno));
    }
    std::string name_;
    gzFile file_;
};

Result<Done> check_types(const std::vector<std::string>& types) {
    for (const std::string& type : types) {
        const fhir::Type* found = fhir::find_resource(type);
        if (!found || found->is_abstract)
            return refuse(IssueCode::value, "--type",
                          "\"" + type + "\" is no resource type of FHIR R4, see `xinglin export --help`");
    }
    return Done{};
}

std::vector<Written> write_all(record::Store& store, const ExportCommand& options) {
    record::Reader reader = store.reader(access::Viewer::program("export"));
    std::vector<Written> all;
    Progress progress;
    std::uint64_t total = 0;
    for (const record::TypeCount& each : reader.type_counts()) {
        const std::string type(each.type->name);
        const bool wanted =
            options.types.empty() || std::find(options.types.begin(), options.types.end(), type) != options.types.end();
        if (!wanted || each.count == 0) continue;
        Written written{type, (options.out / (type + (options.gzip ? ".ndjson.gz" : ".ndjson"))).string(), 0};
        Lines lines(written.file, options.gzip);
        reader.scan(each.type, [&](const record::Version& version) {
            lines.add(version.body);
            ++written.count;
            if (++total % 1'000 == 0) progress.show(grouped(total) + " resources written");
            return true;
        });
        lines.close();
        all.push_back(std::move(written));
    }
    return all;
}

void print(const std::vector<Written>& all, double seconds, bool as_json) {
    std::uint64_t total = 0;
    json::Arena arena;
    std::vector<json::Value> files;
    for (const Written& each : all) {
        total += each.count;
        files.push_back(arena.object({{"type", arena.string(each.type)},
                                      {"count", arena.number(static_cast<std::int64_t>(each.count))},
                                      {"file", arena.string(each.file)}}));
    }
    if (!as_json) {
        std::printf("%s resources in %zu files, %.1f s\n", grouped(total).c_str(), all.size(), seconds);
        return;
    }
    std::printf("%s\n", json::write(arena.object({{"resources", arena.number(static_cast<std::int64_t>(total))},
                                                  {"seconds", arena.number(fmt::format("{:.3f}", seconds))},
                                                  {"files", arena.array(files)}}))
                            .c_str());
}

}  // namespace

int export_record(const ExportCommand& options) {
    if (const auto types = check_types(options.types); !types.ok()) {
        refused(types.outcome());
        return exit_usage;
    }
    if (options.store.empty()) {
        if (const auto folder = find_folder(options.data); !folder.ok()) return environment(folder.outcome());
    }
    if (!is_free(options.out))
        return complain(options.out.string(), "is not an empty folder, name another one with --out", exit_refused);
    std::error_code error;
    fs::create_directories(options.out, error);
    if (error)
        return complain(options.out.string(), "cannot be made (" + error.message() + "), name another folder with --out",
                        exit_environment);
    const auto begin = std::chrono::steady_clock::now();
    const calendar::SystemClock clock;
    auto opened = options.store.empty() ? open_or_snapshot(options.data, options.out / ".snapshot", clock)
                                        : open_database(options.store, clock);
    if (!opened.ok()) return environment(opened.outcome());
    const auto all = write_all(*opened->store, options);
    std::uint64_t total = 0;
    for (const Written& each : all) total += each.count;
    write_down(options.data, options.store, "export", total);
    print(all, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), options.json);
    return exit_done;
}

}  // namespace xinglin::server
