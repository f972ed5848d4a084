// SPDX-License-Identifier: Apache-2.0
// Making a backup: files, then the manifest, read back before anybody is told that it is there.
#include <chrono>

#include "access/access.h"
#include "backup/lines.h"
#include "backup/manifest.h"
#include "backup/private.h"
#include "intake/copy.h"
#include "keys/keys.h"
#include "outbound/copy.h"

namespace xinglin::backup {

namespace {

Outcome no(const fs::path& path, std::string what) { return refuse(IssueCode::invalid, path.string(), std::move(what)); }

bool is_free(const fs::path& folder) {
    std::error_code error;
    return !fs::exists(folder, error) || (fs::is_directory(folder, error) && fs::is_empty(folder, error));
}

void keep(const fs::path& folder, const std::string& name, Manifest& manifest) {
    manifest.files.push_back({name, file_sha256(folder / name), fs::file_size(folder / name)});
}

/// Opens what was copied, once more from the disk: pages sound, and the feed as long as it should be.
Result<Done> verify_copy(const fs::path& file) {
    auto problems = sql::open_sqlite(file, {.read_only = true, .cache_bytes = 8 << 20})->integrity();
    for (const char* tail : {"-wal", "-shm"}) {  // left by looking
        std::error_code ignored;
        fs::remove(file.string() + tail, ignored);
    }
    return problems.empty() ? Result<Done>(Done{}) : no(file, problems.front());
}

/// Every line once more: readable, without gaps.
Result<Done> verify_lines(const fs::path& file, const Manifest& manifest) {
    record::Position expected = manifest.from;
    XINGLIN_CHECK(read_lines(file, [&](const record::Change& change) -> Result<bool> {
        if (change.position != ++expected) return no(file, "lacks position " + std::to_string(expected));
        return true;
    }));
    if (expected != manifest.upto) return no(file, "ends at position " + std::to_string(expected));
    return Done{};
}

/// Accounts and audit out of the database, as the files that they are elsewhere.
Result<Done> copy_access(const Request& request, const calendar::Clock& clock, Manifest& manifest) {
    XINGLIN_CHECK(access::copy({{}, request.store}, {request.out, ""}, clock));
    for (const char* name : {"access.db", "audit.db"}) {
        synchronise(request.out / name);
        XINGLIN_CHECK(verify_copy(request.out / name));
        keep(request.out, name, manifest);
    }
    return Done{};
}

/// Messages and what became of them, out of the database.
Result<Done> copy_ledger(const Request& request, Manifest& manifest) {
    XINGLIN_CHECK(intake::copy_ledger(request.store, (request.out / ledger_name).string()));
    synchronise(request.out / ledger_name);
    XINGLIN_CHECK(verify_copy(request.out / ledger_name));
    keep(request.out, ledger_name, manifest);
    return Done{};
}

/// What goes out, where it stands, out of the database.
Result<Done> copy_queues(const Request& request, Manifest& manifest) {
    XINGLIN_CHECK(outbound::copy_queues(request.store, (request.out / queues_name).string()));
    synchronise(request.out / queues_name);
    XINGLIN_CHECK(verify_copy(request.out / queues_name));
    keep(request.out, queues_name, manifest);
    return Done{};
}

/// What was saved in the pages: small files, whole or not there, for each is renamed into its place.
void copy_saved(const fs::path& folder, const char* kind, const fs::path& out, Manifest& manifest) {
    if (folder.empty() || !fs::is_directory(folder)) return;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string name = std::string(kind) + "/" + entry.path().filename().string();
        if (!entry.is_regular_file() || !is_saved(name)) continue;
        fs::create_directories(out / kind);
        copy_bytes(entry.path(), out / name);
        keep(out, name, manifest);
    }
    if (fs::exists(out / kind)) synchronise(out / kind);
}

Result<Manifest> fill(const Request& request, const calendar::Clock& clock, std::string_view program_version) {
    const auto start = std::chrono::steady_clock::now();
    Manifest manifest;
    manifest.made_at = calendar::instant_text(clock.now_ms());
    manifest.is_differential = request.base.has_value();
    if (request.base) {
        XINGLIN_TRY(const Manifest base, read_manifest(*request.base));
        manifest.from = base.upto;
        manifest.base = file_sha256(*request.base / manifest_name);
        if (base.upto == 0 && base.offset_minutes == 0 && !base.is_differential && base.seconds == 0)
            return no(*request.base, "is of an older program and does not say where the feed stood, make a full backup");
    }
    const bool copies = !manifest.is_differential && !request.data.empty() && fs::exists(request.data / "record.db");
    fs::create_directories(request.out);
    fs::permissions(request.out, fs::perms::owner_all);
    if (!request.data.empty()) {
        take_keys(request.data, request.out);
        for (const char* name : kept_files) {
            if (name == std::string_view("record.db") && !copies) continue;
            if (!copy_database(request.data / name, request.out / name)) continue;
            XINGLIN_CHECK(verify_copy(request.out / name));
            keep(request.out, name, manifest);
        }
        if (keep_private(request.data, request.out / private_name)) {
            XINGLIN_CHECK(verify_copy(request.out / private_name));
            keep(request.out, private_name, manifest);
        }
    }
    if (!request.store.empty()) {
        XINGLIN_CHECK(copy_ledger(request, manifest));
        XINGLIN_CHECK(copy_queues(request, manifest));
        XINGLIN_CHECK(copy_access(request, clock, manifest));
    }
    copy_saved(request.views, views_name, request.out, manifest);
    copy_saved(request.mappings, mappings_name, request.out, manifest);
    std::unique_ptr<record::Archive> archive;
    Source source;
    if (copies || !request.source) {
        XINGLIN_TRY(archive, record::Archive::open(copies ? request.out : request.data));
        source = {archive->position(), archive->offset_minutes(),
                  [&](record::Position after, record::Position upto, const auto& each) { archive->changes(after, upto, each); }};
    } else {
        source = request.source();
    }
    manifest.upto = source.position;
    manifest.offset_minutes = source.offset_minutes;
    if (manifest.upto < manifest.from)
        return no(*request.base, "ends at position " + std::to_string(manifest.from) + ", this record at " +
                                     std::to_string(manifest.upto) + "; it is not a backup of this record");
    if (!copies) {
        write_lines(request.out / lines_name, source, manifest.from, manifest.upto, [&](record::Position done) {
            if (request.progress) request.progress(done - manifest.from, manifest.upto - manifest.from);
        });
        keep(request.out, lines_name, manifest);
        XINGLIN_CHECK(verify_lines(request.out / lines_name, manifest));
    }
    archive.reset();
    for (const char* tail : {"-wal", "-shm"}) {
        std::error_code ignored;
        fs::remove(request.out / (std::string("record.db") + tail), ignored);
    }
    XINGLIN_CHECK(check_files(request.out, manifest));
    manifest.verified = true;
    manifest.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (manifest.seconds <= 0) manifest.seconds = 0.001;
    write_manifest(request.out, manifest, program_version);
    return manifest;
}

}  // namespace

Result<Manifest> make(const Request& request, const calendar::Clock& clock, std::string_view program_version) {
    if (!is_free(request.out)) return no(request.out, "is not an empty folder, name another one");
    std::error_code ignored;
    const bool was_there = fs::exists(request.out, ignored);
    const auto clear = [&] {
        if (was_there) {
            for (const char* name : kept_files) fs::remove(request.out / name, ignored);
            for (const char* name : {lines_name, private_name, "manifest.partial", keys::file_name})
                fs::remove(request.out / name, ignored);
            for (const char* name : {views_name, mappings_name}) fs::remove_all(request.out / name, ignored);
        } else {
            fs::remove_all(request.out, ignored);
        }
    };
    try {
        auto made = fill(request, clock, program_version);
        if (!made.ok()) clear();
        return made;
    } catch (const sql::Broken& broken) {
        clear();
        return refuse(
            IssueCode::exception, request.out.string(),
            std::string(broken.why == sql::Broken::Why::full ? "there is no room on the disk (" : "could not be made (") +
                broken.what() + "); nothing is left of it");
    } catch (const fs::filesystem_error& error) {
        clear();
        return refuse(IssueCode::exception, request.out.string(),
                      "cannot be made (" + error.code().message() + "), name another folder");
    }
}

}  // namespace xinglin::backup
