// SPDX-License-Identifier: Apache-2.0
// Jobs and checkpoints on the disk: small JSON files, replaced whole.
#include "bulk/kept.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

namespace xinglin::bulk {

json::Value count(json::Arena& arena, std::uint64_t value) { return arena.number(static_cast<std::int64_t>(value)); }

namespace {

std::int64_t number(json::Value value) {
    std::int64_t out = 0;
    const std::string_view text = value.text();
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

json::Value parameters_json(const Parameters& parameters, json::Arena& arena) {
    std::vector<json::Value> all;
    for (const auto& [name, value] : parameters)
        all.push_back(arena.object({{"name", arena.string(name)}, {"value", arena.string(value)}}));
    return arena.array(all);
}

json::Value files_json(const std::vector<File>& files, json::Arena& arena) {
    std::vector<json::Value> all;
    for (const File& file : files)
        all.push_back(arena.object({{"name", arena.string(file.name)},
                                    {"type", arena.string(file.type)},
                                    {"deletions", arena.boolean(file.deletions)},
                                    {"count", count(arena, file.count)},
                                    {"bytes", count(arena, file.bytes)},
                                    {"plain_bytes", count(arena, file.plain_bytes)}}));
    return arena.array(all);
}

std::vector<File> read_files(json::Value stored) {
    std::vector<File> files;
    for (const json::Node& node : stored.items()) {
        const json::Value one(&node);
        files.push_back({std::string(one.find("name").string()), std::string(one.find("type").string()),
                         one.find("deletions").as_bool(), static_cast<std::uint64_t>(number(one.find("count"))),
                         static_cast<std::uint64_t>(number(one.find("bytes"))),
                         static_cast<std::uint64_t>(number(one.find("plain_bytes")))});
    }
    return files;
}

Parameters read_parameters(json::Value stored) {
    Parameters parameters;
    for (const json::Node& node : stored.items())
        parameters.emplace_back(json::Value(&node).find("name").string(), json::Value(&node).find("value").string());
    return parameters;
}

Level read_level(json::Value stored) {
    for (const auto level : {Level::patient, Level::group}) {
        if (text(level) == stored.string()) return level;
    }
    return Level::system;
}

std::optional<json::Value> read_json(const fs::path& file, json::Arena& arena) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream content;
    content << in.rdbuf();
    const auto parsed = json::parse(arena.keep(std::move(content).str()), arena);
    if (!in || !parsed.ok() || !parsed->is_object()) return std::nullopt;
    return *parsed;
}

}  // namespace

[[noreturn]] void disk_refuses(const fs::path& file) {
    const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    throw sql::Broken(full ? sql::Broken::Why::full : sql::Broken::Why::io, file.string() + ": " + std::strerror(errno));
}

std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), &::closedir);
    if (!open) return names;
    while (const dirent* entry = ::readdir(open.get())) {
        const std::string_view name(entry->d_name);
        if (name != "." && name != "..") names.emplace_back(name);
    }
    return names;
}

/// Whole or not at all.
namespace {
/// A name is as safe as what it names only when its folder is written too.
bool folder_is_durable(const fs::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const bool fine = ::fsync(descriptor) == 0;
    const int why = errno;
    ::close(descriptor);
    errno = why;
    return fine;
}
}  // namespace

void write_durably(const fs::path& file, std::string_view bytes) {
    const fs::path fresh = file.string() + ".new";
    const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) disk_refuses(fresh);
    bool fine = true;
    while (fine && !bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        fine = written >= 0;
        if (fine) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    fine = fine && ::fsync(descriptor) == 0;
    const int why = errno;
    ::close(descriptor);
    if (fine && ::rename(fresh.c_str(), file.c_str()) == 0 && folder_is_durable(file.parent_path())) return;
    if (!fine) errno = why;
    disk_refuses(file);
}

/// As kept on the disk.
std::string stored_text(const Job& job) {
    json::Arena arena;
    return json::write(arena.object({{"id", arena.string(job.id)},
                                     {"by", arena.string(job.by)},
                                     {"request", arena.string(job.request)},
                                     {"approved_by", arena.string(job.approved_by)},
                                     {"state", arena.string(text(job.state))},
                                     {"level", arena.string(text(job.level))},
                                     {"group", arena.string(job.group)},
                                     {"parameters", parameters_json(job.parameters, arena)},
                                     {"position", arena.number(job.position)},
                                     {"transaction_ms", arena.number(job.transaction_ms)},
                                     {"resources", count(arena, job.resources)},
                                     {"resources_total", count(arena, job.resources_total)},
                                     {"bytes", count(arena, job.bytes)},
                                     {"files", files_json(job.files, arena)},
                                     {"created_ms", arena.number(job.created_ms)},
                                     {"started_ms", arena.number(job.started_ms)},
                                     {"finished_ms", arena.number(job.finished_ms)},
                                     {"error", arena.string(job.error)}})) +
           "\n";
}

std::optional<Job> read_stored(const fs::path& file) {
    json::Arena arena;
    const auto parsed = read_json(file, arena);
    if (!parsed) return std::nullopt;
    const json::Value stored = *parsed;
    Job job;
    job.id = stored.find("id").string();
    job.by = stored.find("by").string();
    job.request = stored.find("request").string();
    job.approved_by = stored.find("approved_by").string();
    for (const auto state : {Job::State::waiting, Job::State::running, Job::State::done, Job::State::failed,
                             Job::State::cancelled, Job::State::asked}) {
        if (text(state) == stored.find("state").string()) job.state = state;
    }
    job.level = read_level(stored.find("level"));
    job.group = stored.find("group").string();
    job.parameters = read_parameters(stored.find("parameters"));
    job.position = number(stored.find("position"));
    job.transaction_ms = number(stored.find("transaction_ms"));
    job.resources = static_cast<std::uint64_t>(number(stored.find("resources")));
    job.resources_total = static_cast<std::uint64_t>(number(stored.find("resources_total")));
    job.bytes = static_cast<std::uint64_t>(number(stored.find("bytes")));
    job.files = read_files(stored.find("files"));
    job.created_ms = number(stored.find("created_ms"));
    job.started_ms = number(stored.find("started_ms"));
    job.finished_ms = number(stored.find("finished_ms"));
    job.error = stored.find("error").string();
    return job.id.empty() ? std::nullopt : std::optional<Job>(std::move(job));
}

std::string stored_text(const Checkpoint& checkpoint) {
    json::Arena arena;
    return json::write(arena.object({{"level", arena.string(text(checkpoint.what.level))},
                                     {"group", arena.string(checkpoint.what.group)},
                                     {"parameters", parameters_json(checkpoint.what.parameters, arena)},
                                     {"position", arena.number(checkpoint.what.position)},
                                     {"place", arena.number(checkpoint.place)},
                                     {"left_out", count(arena, checkpoint.left_out)},
                                     {"files", files_json(checkpoint.files, arena)}})) +
           "\n";
}

std::optional<Checkpoint> read_checkpoint(const fs::path& folder) {
    json::Arena arena;
    const auto stored = read_json(folder / checkpoint_file, arena);
    if (!stored) return std::nullopt;
    Checkpoint checkpoint;
    checkpoint.what = {read_level(stored->find("level")), std::string(stored->find("group").string()),
                       read_parameters(stored->find("parameters")), number(stored->find("position")), 0};
    checkpoint.place = number(stored->find("place"));
    checkpoint.left_out = static_cast<std::uint64_t>(number(stored->find("left_out")));
    checkpoint.files = read_files(stored->find("files"));
    for (const File& file : checkpoint.files) checkpoint.what.written += file.count;
    return checkpoint;
}

std::optional<Unfinished> find_unfinished(const fs::path& folder) {
    const auto found = read_checkpoint(folder);
    return found ? std::optional<Unfinished>(found->what) : std::nullopt;
}

}  // namespace xinglin::bulk
