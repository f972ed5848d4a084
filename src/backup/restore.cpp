// SPDX-License-Identifier: Apache-2.0
// Making a record from backups: the copy as it is, or its history written again up to a moment, then what came since.
#include "access/access.h"
#include "backup/lines.h"
#include "backup/manifest.h"
#include "backup/private.h"
#include "intake/copy.h"
#include "outbound/copy.h"

namespace xinglin::backup {

namespace {

constexpr std::size_t batch_changes = 500;

Outcome no(const fs::path& path, std::string what) { return refuse(IssueCode::invalid, path.string(), std::move(what)); }

struct Part {
    fs::path folder;
    Manifest manifest;
    bool has(std::string_view name) const {
        return std::any_of(manifest.files.begin(), manifest.files.end(), [&](const File& file) { return file.name == name; });
    }
};

/// All parts, sound and in their order.
Result<std::vector<Part>> parts_of(const std::vector<fs::path>& folders) {
    std::vector<Part> parts;
    for (const fs::path& folder : folders) {
        XINGLIN_TRY(Manifest manifest, read_manifest(folder));
        if (parts.empty() == manifest.is_differential)
            return no(folder, parts.empty() ? "is a differential backup, name the full one it continues before it"
                                            : "is a full backup, name one full backup and then its differential ones");
        if (!parts.empty() && manifest.base != file_sha256(parts.back().folder / manifest_name))
            return no(folder, "does not continue " + parts.back().folder.string() + ", name its own base before it");
        XINGLIN_CHECK(check_files(folder, manifest));
        parts.push_back({folder, std::move(manifest)});
    }
    if (parts.empty()) return refuse(IssueCode::required, "FOLDER", "name a backup");
    return parts;
}

/// Gathers versions and hands them to the store in batches, until the moment asked for.
class Replaying {
public:
    Replaying(record::Store& store, const Restoring& request, record::Position upto)
        : store_(store), request_(request), upto_(upto) {}

    Result<bool> add(record::Change change) {
        if (request_.to_position && change.position > *request_.to_position) return false;
        if (request_.to_ms && change.updated_ms > *request_.to_ms) return false;
        waiting_.push_back(std::move(change));
        if (waiting_.size() >= batch_changes) XINGLIN_CHECK(flush());
        return true;
    }
    Result<Done> flush() {
        if (waiting_.empty()) return Done{};
        XINGLIN_CHECK(store_.replay(waiting_));
        if (request_.progress) request_.progress(waiting_.back().position, upto_);
        waiting_.clear();
        return Done{};
    }

private:
    record::Store& store_;
    const Restoring& request_;
    record::Position upto_;
    std::vector<record::Change> waiting_;
};

/// The history of a copied database, written again. It is read from a copy, because reading needs a folder to write to.
Result<Done> replay_copy(const Part& part, const fs::path& scratch, Replaying& replaying) {
    fs::create_directories(scratch);
    bring_database(part.folder / "record.db", scratch / "record.db");
    Result<bool> going = true;
    {
        XINGLIN_TRY(const auto archive, record::Archive::open(scratch));
        archive->changes(0, archive->position(), [&](const record::Change& change) {
            going = replaying.add(change);
            return going.ok() && *going;
        });
    }
    fs::remove_all(scratch);
    if (!going.ok()) return going.outcome();
    return Done{};
}

Result<bool> asks_for_less(const Restoring& request, const Part& first, const fs::path& scratch) {
    if (request.to_position) return *request.to_position < first.manifest.upto;
    if (!request.to_ms) return false;
    fs::create_directories(scratch);
    bring_database(first.folder / "record.db", scratch / "record.db");
    bool less = false;
    {
        XINGLIN_TRY(const auto archive, record::Archive::open(scratch));
        less = archive->position_at(*request.to_ms) < archive->position();
    }
    fs::remove_all(scratch);
    return less;
}

/// Accounts, sessions and audit: into the folder, or into the database when the record goes there.
Result<Done> restore_access(const Restoring& request, const Part& last, const fs::path& scratch, const calendar::Clock& clock) {
    if (!last.has("access.db") && !last.has("audit.db")) return Done{};
    const fs::path folder = request.store.empty() ? request.data : scratch;
    fs::create_directories(folder);
    for (const char* name : {"access.db", "audit.db"}) {
        if (last.has(name)) bring_database(last.folder / name, folder / name);
    }
    if (request.store.empty()) return Done{};
    const auto copied = access::copy({folder, ""}, {{}, request.store}, clock);
    fs::remove_all(scratch);
    if (!copied.ok()) return refuse(IssueCode::conflict, "--store", "has accounts or an audit already, name an empty database");
    return Done{};
}

/// Messages and what became of them: into the folder, or into the database when the record goes there.
Result<Done> restore_ledger(const Restoring& request, const Part& last, const fs::path& scratch) {
    if (!last.has(ledger_name)) return Done{};
    const fs::path folder = request.store.empty() ? request.data : scratch;
    fs::create_directories(folder);
    bring_database(last.folder / ledger_name, folder / ledger_name);
    if (request.store.empty()) return Done{};
    const auto copied = intake::copy_ledger((folder / ledger_name).string(), request.store);
    fs::remove_all(scratch);
    if (!copied.ok()) return refuse(IssueCode::conflict, "--store", "has a ledger of messages already, name an empty database");
    return Done{};
}

/// Channels and queues, the same way.
Result<Done> restore_queues(const Restoring& request, const Part& last, const fs::path& scratch) {
    if (!last.has(queues_name)) return Done{};
    const fs::path folder = request.store.empty() ? request.data : scratch;
    fs::create_directories(folder);
    bring_database(last.folder / queues_name, folder / queues_name);
    if (request.store.empty()) return Done{};
    const auto copied = outbound::copy_queues((folder / queues_name).string(), request.store);
    fs::remove_all(scratch);
    if (!copied.ok()) return refuse(IssueCode::conflict, "--store", "has channels already, name an empty database");
    return Done{};
}

/// Definitions and mappings lie in the folder whatever the engine; tables of views are built again at the next start.
void restore_saved(const Restoring& request, const Part& last) {
    for (const File& file : last.manifest.files) {
        if (!is_saved(file.name)) continue;
        fs::create_directories((request.data / file.name).parent_path());
        copy_bytes(last.folder / file.name, request.data / file.name);
    }
    for (const char* folder : {views_name, mappings_name}) {
        if (fs::exists(request.data / folder)) synchronise(request.data / folder);
    }
}

Result<Restored> build(const Restoring& request, const std::vector<Part>& parts, const calendar::Clock& clock) {
    const Part& first = parts.front();
    const bool is_copy = first.has("record.db");
    const fs::path scratch = request.data / "restoring";
    const record::Position upto = parts.back().manifest.upto;
    if (request.to_position && *request.to_position > upto)
        return refuse(IssueCode::value, "--to-position",
                      "is " + std::to_string(*request.to_position) + ", the backups end at " + std::to_string(upto));
    fs::create_directories(request.data);
    fs::permissions(request.data, fs::perms::owner_all);
    XINGLIN_CHECK(restore_access(request, parts.back(), scratch, clock));
    XINGLIN_CHECK(restore_ledger(request, parts.back(), scratch));
    XINGLIN_CHECK(restore_queues(request, parts.back(), scratch));
    restore_saved(request, parts.back());
    for (const char* name : {oauth_name, card_name}) {
        if (request.store.empty() && parts.back().has(name)) bring_database(parts.back().folder / name, request.data / name);
    }
    if (parts.back().has(private_name)) bring_private(parts.back().folder / private_name, request.data);
    bool as_it_is = is_copy && request.store.empty();
    if (as_it_is) {
        XINGLIN_TRY(const bool less, asks_for_less(request, first, scratch));
        as_it_is = !less;
    }
    if (as_it_is) bring_database(first.folder / "record.db", request.data / "record.db");
    record::Options options;
    options.bulk = request.store.empty();
    options.store = request.store;
    options.offset_minutes = first.manifest.offset_minutes;
    XINGLIN_TRY(auto store, record::Store::open(request.data, clock, options));
    if (!as_it_is && store->reader(access::Viewer::program("restore")).position() != 0)
        return refuse(IssueCode::conflict, "--store", "holds a record already, name an empty database");
    Replaying replaying(*store, request, upto);
    if (!as_it_is && is_copy) XINGLIN_CHECK(replay_copy(first, scratch, replaying));
    for (const Part& part : parts) {
        if (!part.has(lines_name)) continue;
        XINGLIN_CHECK(
            read_lines(part.folder / lines_name, [&](record::Change change) { return replaying.add(std::move(change)); }));
    }
    XINGLIN_CHECK(replaying.flush());
    XINGLIN_CHECK(record::close(std::move(store)));
    XINGLIN_TRY(auto again, record::Store::open(request.data, clock, {.store = request.store}));
    const record::Figures figures = again->figures();
    synchronise(request.data);
    return Restored{figures.position, figures.resources};
}

}  // namespace

Result<Restored> restore(const Restoring& request, const calendar::Clock& clock) {
    XINGLIN_TRY(const auto parts, parts_of(request.backups));
    try {
        return build(request, parts, clock);
    } catch (const sql::Broken& broken) {
        return refuse(
            IssueCode::exception, request.data.string(),
            std::string(broken.why == sql::Broken::Why::full ? "there is no room on the disk (" : "could not be made (") +
                broken.what() + "); empty the folder and try again");
    } catch (const fs::filesystem_error& error) {
        return refuse(IssueCode::exception, request.data.string(), "cannot be made (" + error.code().message() + ")");
    }
}

}  // namespace xinglin::backup
