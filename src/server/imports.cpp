// SPDX-License-Identifier: Apache-2.0
// The queue of imports.
#include "server/imports.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "json/json.h"
#include "registry/registry.h"
#include "sql/sql.h"
#include "text/text.h"

namespace xinglin::server {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t jobs_kept = 100, waiting_most = 50;
constexpr std::int64_t tell_every_ms = 300;

bool can_be_imported(std::string_view name) {
    for (const std::string_view suffix :
         {".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz", ".json.zst", ".ndjson.zst"}) {
        if (name.size() > suffix.size() && name.ends_with(suffix)) return true;
    }
    return false;
}

/// The file's own name, with nothing in it that a file system or a header could misunderstand.
std::string plain_name(std::string_view name) {
    name = name.substr(name.find_last_of("/\\") + 1);
    std::string out;
    for (const char c : name) {
        const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                          c == '_' || static_cast<unsigned char>(c) >= 0x80;
        out += fine ? c : '_';
    }
    if (out.size() > 150) out.erase(0, out.size() - 150);
    return text::is_utf8(out) ? out : "file" + out.substr(out.rfind('.'));
}

[[noreturn]] void disk_refuses(const fs::path& file) {
    const auto why = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? sql::Broken::Why::full : sql::Broken::Why::io;
    throw sql::Broken(why, file.string() + ": " + std::strerror(errno));
}

void write_file(const fs::path& file, std::string_view bytes) {
    const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) disk_refuses(file);
    while (!bytes.empty()) {
        const ssize_t written = write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const int why = errno;
            close(descriptor);
            unlink(file.c_str());
            errno = why;
            disk_refuses(file);
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    close(descriptor);
}

}  // namespace

std::string_view text(ImportJob::State state) {
    switch (state) {
        case ImportJob::State::waiting: return "waiting";
        case ImportJob::State::running: return "running";
        case ImportJob::State::done: return "done";
        case ImportJob::State::failed: return "failed";
        case ImportJob::State::cancelled: return "cancelled";
    }
    return "";
}

std::string json_of(const ImportJob& job) {
    json::Arena arena;
    const auto count = [&](std::uint64_t number) { return arena.number(static_cast<std::int64_t>(number)); };
    const auto time = [&](std::int64_t ms) { return ms == 0 ? arena.null() : arena.string(calendar::instant_text(ms)); };
    return json::write(arena.object({{"id", arena.string(job.id)},
                                     {"name", arena.string(job.name)},
                                     {"state", arena.string(text(job.state))},
                                     {"read", count(job.figures.read)},
                                     {"stored", count(job.figures.stored)},
                                     {"unchanged", count(job.figures.unchanged)},
                                     {"rejected", count(job.figures.rejected)},
                                     {"bytes", count(job.figures.bytes)},
                                     {"bytes_done", count(job.figures.bytes_done)},
                                     {"created_at", time(job.created_ms)},
                                     {"started_at", time(job.started_ms)},
                                     {"finished_at", time(job.finished_ms)},
                                     {"per_second", count(static_cast<std::uint64_t>(job.figures.per_second()))},
                                     {"error", job.error.empty() ? arena.null() : arena.string(job.error)},
                                     {"check", arena.string(job.checks_profiles ? "profiles" : "structure")}}));
}

Imports::Imports(record::Store& store, const calendar::Clock& clock, std::function<void(const ImportJob&)> changed,
                 std::function<Outcome(json::Value)> check)
    : store_(store), clock_(clock), changed_(std::move(changed)), check_(std::move(check)) {
    std::error_code ignored;
    fs::remove_all(store.folder() / "incoming", ignored);  // what an earlier stop left behind
}

Imports::~Imports() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        for (const auto& kept : jobs_) {
            if (kept->running) kept->running->cancel();
        }
    }
    wakes_.notify_all();
    if (thread_.joinable()) thread_.join();
}

Result<std::string> Imports::add(std::string_view name, std::string_view body, bool checks_profiles) {
    if (!can_be_imported(name)) {
        return refuse(IssueCode::value, "name",
                      "expected a name ending in .json, .ndjson or .jsonl, or one of these with .gz or .zst");
    }
    if (body.empty()) return refuse(IssueCode::invalid, "body", "the file is empty, send its bytes as the body");
    auto kept = std::make_shared<Kept>();
    kept->job.name = plain_name(name);
    kept->job.checks_profiles = checks_profiles;
    kept->job.id = store_.new_id();
    kept->job.created_ms = clock_.now_ms();
    kept->job.figures.bytes = body.size();
    kept->job.figures.files = 1;
    std::error_code error;
    const fs::path folder = store_.folder() / "incoming" / kept->job.id;
    fs::create_directories(folder, error);
    if (error) {
        errno = error.value();
        disk_refuses(folder);
    }
    kept->file = folder / kept->job.name;
    write_file(kept->file, body);

    const std::lock_guard lock(mutex_);
    std::size_t waiting = 0;
    for (const auto& job : jobs_) waiting += job->job.state == ImportJob::State::waiting ? 1 : 0;
    if (waiting >= waiting_most || ending_) {
        fs::remove_all(folder, error);
        return refuse(IssueCode::throttled, "imports", "too many files wait already, try again later");
    }
    jobs_.push_back(kept);
    if (jobs_.size() > jobs_kept && jobs_.front()->job.finished_ms != 0) jobs_.pop_front();
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    wakes_.notify_one();
    return kept->job.id;
}

std::vector<ImportJob> Imports::list() const {
    const std::lock_guard lock(mutex_);
    std::vector<ImportJob> all;
    for (auto at = jobs_.rbegin(); at != jobs_.rend(); ++at) all.push_back((*at)->job);
    return all;
}

std::optional<ImportJob> Imports::find(std::string_view id) const {
    const std::lock_guard lock(mutex_);
    for (const auto& kept : jobs_) {
        if (kept->job.id == id) return kept->job;
    }
    return std::nullopt;
}

Result<Done> Imports::cancel(std::string_view id) {
    std::shared_ptr<Kept> found;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& kept : jobs_) {
            if (kept->job.id == id) found = kept;
        }
        if (!found) return refuse(IssueCode::not_found, "id", "there is no such import");
        if (found->job.state == ImportJob::State::running) {
            if (found->running) found->running->cancel();
            return Done{};
        }
        if (found->job.state != ImportJob::State::waiting)
            return refuse(IssueCode::conflict, "id", "this import is over already");
        found->job.state = ImportJob::State::cancelled;
        found->job.finished_ms = clock_.now_ms();
    }
    changed_(*find(id));
    return Done{};
}

void Imports::work() {
    for (;;) {
        std::shared_ptr<Kept> next;
        {
            std::unique_lock lock(mutex_);
            const auto find_waiting = [&] {
                for (const auto& kept : jobs_) {
                    if (kept->job.state == ImportJob::State::waiting) return kept;
                }
                return std::shared_ptr<Kept>();
            };
            wakes_.wait(lock, [&] { return ending_ || find_waiting(); });
            if (ending_) return;
            next = find_waiting();
            next->job.state = ImportJob::State::running;
            next->job.started_ms = clock_.now_ms();
        }
        try {
            run(next);
        } catch (const std::exception&) {  // not even the end could be told
            const std::lock_guard lock(mutex_);
            next->running = nullptr;
            next->job.state = ImportJob::State::failed;
            next->job.error = "out of memory";  // so short that it needs none
            next->job.finished_ms = clock_.now_ms();
        }
    }
}

void Imports::run(const std::shared_ptr<Kept>& kept) {
    ingest::ImportOptions options;
    registry::Hierarchy hierarchy(store_);
    options.check = [this, &hierarchy, profiles = kept->job.checks_profiles](json::Value resource) {
        Outcome outcome = profiles && check_ ? check_(resource) : Outcome{};
        return outcome.ok() ? hierarchy.add(resource) : outcome;
    };
    ingest::Importer importer(store_, options);
    {
        const std::lock_guard lock(mutex_);
        kept->running = &importer;
        if (ending_) importer.cancel();
    }
    std::int64_t told_ms = 0;
    const auto progress = [&](const ingest::ImportFigures& figures) {
        const std::int64_t now_ms = clock_.now_ms();
        ImportJob copy;
        {
            const std::lock_guard lock(mutex_);
            kept->job.figures = figures;
            copy = kept->job;
        }
        if (now_ms - told_ms < tell_every_ms) return;
        told_ms = now_ms;
        changed_(copy);
    };
    try {
        const auto result = importer.run({kept->file}, kept->job.id, progress);
        if (result.ok()) {
            progress(*result);
            finish(*kept, result->cancelled ? ImportJob::State::cancelled : ImportJob::State::done, "");
        } else {
            // The path of the file on this machine says nothing to who sent it.
            const auto& issues = result.outcome().issues;
            finish(*kept, ImportJob::State::failed, issues.empty() ? "refused" : issues.front().what);
        }
    } catch (const std::exception& error) {
        finish(*kept, ImportJob::State::failed, error.what());
    }
}

void Imports::finish(Kept& kept, ImportJob::State state, std::string error) {
    ImportJob copy;
    {
        const std::lock_guard lock(mutex_);
        kept.running = nullptr;
        kept.job.state = state;
        kept.job.error = std::move(error);
        kept.job.finished_ms = clock_.now_ms();
        copy = kept.job;
    }
    std::error_code ignored;
    fs::remove_all(kept.file.parent_path(), ignored);
    malloc_trim(0);  // a large import leaves much behind that the allocator would keep
    changed_(copy);
}

}  // namespace xinglin::server
