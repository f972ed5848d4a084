// SPDX-License-Identifier: Apache-2.0
// Opening a data folder, making resources ready, figures, backup.
#include "record/record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>
#include <random>

#include "feed/feed.h"
#include "record/setting.h"
#include "record/store_inside.h"

namespace xinglin::record {

namespace fs = std::filesystem;

namespace {
constexpr std::int64_t log_swept_from = 32 << 20, large_from = 4ll << 30;  // bytes

Outcome refusal(const fs::path& path, IssueCode code, const std::string& what) { return refuse(code, path.string(), what); }

std::int16_t settle_offset(sql::Connection& connection, const Options& options) {
    return sql::transaction(connection, [&] {
        if (const auto text = setting(connection, "offset_minutes")) {
            std::int16_t offset = 0;
            const auto end = std::from_chars(text->data(), text->data() + text->size(), offset);
            if (end.ec == std::errc() && end.ptr == text->data() + text->size()) return offset;
            throw sql::Broken(sql::Broken::Why::corrupt, "record_setting: the line 'offset_minutes' is not a number");
        }
        const std::int16_t offset = options.offset_minutes.value_or(calendar::local_offset_minutes());
        set_setting(connection, "offset_minutes", std::to_string(offset));
        return offset;
    });
}

/// A number of its own for each PostgreSQL store, made at its first opening.
std::string identity_of(sql::Connection& connection) {
    return sql::transaction(connection, [&] {
        if (const auto known = setting(connection, "identity")) return *known;
        std::random_device random;
        const std::string made = fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
        set_setting(connection, "identity", made);
        return made;
    });
}

/// What lies in the folder are views of one record; beside another one they would be wrong.
Result<Done> belong_together(const fs::path& folder, const std::string& identity) {
    if (fs::exists(folder / "record.db"))
        return refusal(folder, IssueCode::conflict,
                       "holds a record of its own; name another folder, or move the record with `xinglin copy`");
    std::string known;
    std::ifstream(folder / "store") >> known;
    if (known.empty()) {
        std::ofstream(folder / "store") << identity << '\n';
    } else if (known != identity) {
        return refusal(folder, IssueCode::conflict, "belongs to another database; name an empty folder");
    }
    return Done{};
}
}  // namespace

Prepared::Prepared(std::shared_ptr<const Inside> made) : inside(std::move(made)) {}
const fhir::Type& Prepared::type() const { return *inside->type; }
std::string_view Prepared::id() const { return inside->id; }

Result<std::unique_ptr<Store>> Store::open(const fs::path& folder, const calendar::Clock& clock, const Options& options) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error || !fs::is_directory(folder))
        return refusal(folder, IssueCode::exception,
                       "cannot be made a data folder (" + error.message() + "); name a folder that can be written");
    auto inside = std::make_unique<Inside>();
    inside->folder = folder;
    inside->clock = &clock;
    inside->options = options;
    if (inside->options.readers == 0)
        inside->options.readers =
            std::max(8u, 4 * std::thread::hardware_concurrency());  // more than ask at once: none waits behind a slow search
    inside->lock_file = ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (inside->lock_file < 0) return refusal(folder, IssueCode::exception, "cannot be written; check its owner and permissions");
    if (::flock(inside->lock_file, LOCK_EX | LOCK_NB) != 0)
        return refusal(folder, IssueCode::conflict,
                       "is in use by another xinglin process; stop it, or work through its HTTP address");
    try {
        auto connection =
            sql::open(inside->place(), {.bulk = options.bulk, .cache_bytes = options.cache_bytes, .lane = "record"});
        inside->compressor.seal_with(sql::values_of(inside->place()));
        feed::prepare(*connection);
        inside->numbers = prepare_tables(*connection, inside->compressor.values());
        inside->offset_minutes = settle_offset(*connection, options);
        if (!options.store.empty()) XINGLIN_CHECK(belong_together(folder, identity_of(*connection)));
        inside->load_dictionaries(*connection);
        if (!options.store.empty()) inside->compressor.on_unknown([house = inside.get()] { house->load_new_dictionaries(); });
        for (const fhir::Type* type : fhir::resources()) {
            for (const std::string_view code : fhir::compartment_parameters("Patient", type->name)) {
                const search::Parameter* parameter = search::find_parameter(*type, code);
                if (!parameter) continue;
                inside->patient_pids.insert(inside->numbers.pid(*parameter));
                for (const search::Parameter* included : parameter->includes)
                    inside->patient_pids.insert(inside->numbers.pid(*included));
            }
        }
        inside->fresh.start_from(load_fresh(*connection));
        if (options.bulk && inside->fresh.latest()->number > 0) settle_all(*connection, inside->fresh);
        for (const search::Parameter* parameter : search::all_parameters()) {
            if (parameter->code == "identifier")
                inside->identifier_spaces.insert(space(inside->numbers.pid(*parameter), Space::value));
        }
        inside->is_large = options.store.empty() && connection->size_bytes() > large_from;
        if (options.wrap_writer) connection = options.wrap_writer(std::move(connection));
        inside->writer = std::make_unique<Writer>(std::move(connection), inside->numbers, inside->compressor, clock,
                                                  inside->options, inside->offset_minutes, inside->fresh);
    } catch (const sql::Broken& broken) {
        if (!options.store.empty())
            return refuse(broken.why == sql::Broken::Why::lost ? IssueCode::transient : IssueCode::exception,
                          sql::without_password(options.store), broken.what());
        switch (broken.why) {
            case sql::Broken::Why::corrupt:
                return refusal(inside->file(), IssueCode::exception,
                               std::string("is damaged (") + broken.what() + "); restore a backup with `xinglin restore`");
            case sql::Broken::Why::full: return refusal(folder, IssueCode::exception, "the disk is full; free some space");
            case sql::Broken::Why::memory:
                return refusal(folder, IssueCode::exception, "cannot be opened, there is not enough memory; give it some");
            case sql::Broken::Why::read_only:
            case sql::Broken::Why::io:
                return refusal(
                    folder, IssueCode::exception,
                    std::string("cannot be read and written (") + broken.what() + "); check its owner and permissions");
            default:  // a statement that fits no longer: the schema is not what it was
                return refusal(inside->file(), IssueCode::exception,
                               std::string("cannot be used (") + broken.what() + "); restore a backup with `xinglin restore`");
        }
    }
    if (options.store.empty()) inside->sweeper = std::thread([house = inside.get()] { house->sweep(); });
    return std::make_unique<Store>(std::move(inside));
}

Store::Store(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Store::~Store() = default;

Store::Inside::~Inside() {
    std::vector<std::thread> running;
    {
        std::lock_guard lock(samples_mutex);
        running.swap(trainers);
    }
    for (std::thread& trainer : running) trainer.join();
    {
        std::lock_guard lock(sweeper_mutex);
        stopping = true;
    }
    sweeper_woken.notify_all();
    if (sweeper.joinable()) sweeper.join();
    writer.reset();
    idle.clear();
    if (lock_file >= 0) ::close(lock_file);
}

void Store::Inside::sweep() {
    std::unique_ptr<sql::Connection> connection;
    std::int64_t swept = 0, seen = 0;
    std::unique_lock lock(sweeper_mutex);
    while (!sweeper_woken.wait_for(lock, std::chrono::milliseconds(200), [this] { return stopping; })) {
        const std::int64_t position = writer->position();
        const bool is_idle = position == std::exchange(seen, position);
        // A page that is written again and again goes to the file once.
        if (position == swept || (!is_idle && writer->log_bytes() < log_swept_from)) continue;
        swept = position;
        lock.unlock();
        try {
            if (!connection) connection = sql::open(place(), {.cache_bytes = 1 << 20});
            connection->checkpoint();
            is_large = connection->size_bytes() > large_from;
        } catch (const std::exception&) {  // the writer's own checkpoint remains
        }
        lock.lock();
    }
}

void Store::Inside::ask_ahead(const Prepared::Inside& prepared) {
    std::unique_ptr<sql::Connection> connection;
    {
        std::lock_guard lock(pool_mutex);
        if (idle.empty()) return;  // never waits: the caller may hold a reader
        connection = std::move(idle.back());
        idle.pop_back();
    }
    try {
        Shelf(context(*connection, no_fresh())).find(prepared.tid, prepared.id);
        auto& term = connection->prepare(same_term);
        for (const DraftTerm& each : prepared.draft.terms) {
            if (!identifier_spaces.contains(each.space)) continue;
            term.bind(1, each.space).bind(2, prepared.draft.view(each.norm)).bind(3, prepared.draft.view(each.extra));
            term.step();
            term.reset();
        }
    } catch (const sql::Broken&) {  // the writer will say it
    }
    give_back(std::move(connection));
}

std::shared_ptr<const Fresh> Store::Inside::fresh_of(sql::Connection& connection) {
    if (!options.store.empty()) return fresh.latest();
    auto& query = connection.prepare("SELECT number FROM record_fresh ORDER BY number DESC LIMIT 1");
    query.reset();
    const std::int64_t number = query.step() ? query.integer(0) : 0;
    query.reset();
    return fresh.of(number);
}

std::unique_ptr<sql::Connection> Store::Inside::take() {
    std::unique_lock lock(pool_mutex);
    pool_returned.wait(lock, [this] { return !idle.empty() || open_readers < options.readers; });
    if (!idle.empty()) {
        auto connection = std::move(idle.back());
        idle.pop_back();
        return connection;
    }
    idle.reserve(open_readers + 1);
    ++open_readers;
    lock.unlock();
    try {
        return sql::open(place(), {.read_only = true, .cache_bytes = options.cache_bytes / 4});
    } catch (...) {
        std::lock_guard again(pool_mutex);
        --open_readers;
        pool_returned.notify_one();
        throw;
    }
}

void Store::Inside::give_back(std::unique_ptr<sql::Connection> connection) noexcept {
    std::lock_guard lock(pool_mutex);
    if (connection) idle.push_back(std::move(connection));  // take() has made room
    else --open_readers;
    pool_returned.notify_one();
}

Prepared Store::prepare(const fhir::Type& type, std::string_view id, json::Value resource) {
    auto made = std::make_shared<Prepared::Inside>();
    made->type = &type;
    made->tid = inside_->numbers.tid(type);
    made->id = id;
    json::Arena arena;
    if (resource["id"].string() != id) resource = arena.with_after(resource, "resourceType", "id", arena.string(id));
    if (inside_->options.mark) resource = inside_->options.mark(type, resource, arena);
    made->body = body_text(resource);
    made->draft = draft_of(inside_->numbers, type, resource, inside_->offset_minutes);
    inside_->compressor.compress(made->tid, made->body.text, made->frame);
    if (!inside_->compressor.has_dictionary(made->tid)) inside_->learn(made->tid, made->body.text);
    if (inside_->is_large && !inside_->options.bulk) inside_->ask_ahead(*made);
    return Prepared(std::move(made));
}

std::string Store::new_id() {
    // A UUID of version 7: time-ordered, so that new ids are neighbours in the index.
    static thread_local std::mt19937_64 random{std::random_device{}()};
    const auto now = static_cast<std::uint64_t>(inside_->clock->now_ms());
    const std::uint64_t high = now << 16 | 0x7000 | (random() & 0x0fff);
    const std::uint64_t low = (random() & 0x3fffffffffffffffull) | 0x8000000000000000ull;
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48,
                       low & 0xffffffffffffull);
}

void Store::submit(Work work, Finished finished, std::size_t weight, std::vector<Prepared> puts) {
    inside_->writer->submit(std::move(work), std::move(finished), weight, std::move(puts));
}

Result<Done> Store::submit_and_wait(Work work, std::size_t weight, std::vector<Prepared> puts) {
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<Result<Done>> answer;
    submit(
        std::move(work),
        [&](Result<Done> result) {
            std::lock_guard lock(mutex);
            answer = std::move(result);
            answered.notify_one();
        },
        weight, std::move(puts));
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return answer.has_value(); });
    return std::move(*answer);
}

Result<Store::Loaded> Store::load(std::vector<Prepared> batch) {
    // Beside live traffic in small groups, so that nobody waits long behind it.
    const std::size_t chunk = inside_->options.bulk ? batch.size() : 250;
    Loaded loaded;
    for (std::size_t from = 0; from < batch.size(); from += chunk) {
        const std::size_t upto = std::min(batch.size(), from + chunk);
        Loaded part;
        XINGLIN_CHECK(submit_and_wait(
            [&](Transaction& transaction) -> Result<Done> {
                part = {};
                for (std::size_t i = from; i < upto; ++i) {
                    if (transaction.put_if_changed(batch[i])) ++part.stored;
                    else ++part.unchanged;
                }
                return Done{};
            },
            inside_->options.group_bytes,
            std::vector<Prepared>(batch.begin() + static_cast<std::ptrdiff_t>(from),
                                  batch.begin() + static_cast<std::ptrdiff_t>(upto))));
        loaded.stored += part.stored;
        loaded.unchanged += part.unchanged;
    }
    return loaded;
}

Result<Done> Store::replay(std::span<const Change> changes) {
    std::vector<std::optional<Prepared>> prepared(changes.size());
    std::vector<Prepared> puts;
    std::size_t weight = 0;
    std::int64_t before_ms = 0;
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const Change& change = changes[i];
        const auto no = [&](const std::string& what) {
            return refuse(IssueCode::invalid, "position " + std::to_string(change.position), what);
        };
        if (!change.type || change.id.empty()) return no("it names no resource");
        if (change.updated_ms < before_ms) return no("its time lies before that of the version before it");
        before_ms = change.updated_ms;
        if (change.deleted) continue;
        json::Arena arena;
        const auto resource = json::parse(change.text, arena);
        if (!resource.ok() || (*resource)["resourceType"].string() != change.type->name ||
            (*resource)["id"].string() != change.id)
            return no("its text is not the JSON of " + std::string(change.type->name) + "/" + change.id);
        prepared[i] = prepare(*change.type, change.id, *resource);
        puts.push_back(*prepared[i]);
        weight += change.text.size();
    }
    return submit_and_wait(
        [&](Transaction& transaction) -> Result<Done> {
            for (std::size_t i = 0; i < changes.size(); ++i)
                XINGLIN_CHECK(transaction.replay(changes[i], prepared[i] ? &*prepared[i] : nullptr));
            return Done{};
        },
        weight, std::move(puts));
}

// ---- figures and care -----------------------------------------------------------------------------------------------

Figures Store::figures() {
    Figures figures;
    inside_->writer->add_figures(figures);
    figures.fresh_rows = inside_->fresh.latest()->size();
    figures.reads = inside_->reads;
    figures.searches = inside_->searches;
    try {
        Reader all = reader(access::Viewer::program("figures"));
        for (const TypeCount& each : all.type_counts()) figures.resources += each.count;
        const Position last = all.position();
        figures.versions = static_cast<std::uint64_t>(last);
        if (!in_files()) {
            figures.position = last;  // of all processes
            figures.data_bytes = Reader::Inside(*inside_, access::Viewer::program("figures")).connection->size_bytes();
        }
    } catch (const sql::Broken& broken) {
        figures.broken = true;
        figures.broken_why = broken.what();
    }
    if (!in_files()) return figures;
    std::error_code ignored;
    figures.data_bytes = static_cast<std::int64_t>(fs::file_size(inside_->file(), ignored));
    const auto wal = fs::file_size(inside_->folder / "record.db-wal", ignored);
    figures.wal_bytes = ignored ? 0 : static_cast<std::int64_t>(wal);
    return figures;
}

Store::Storage Store::storage() {
    Reader::Inside reading(*inside_, access::Viewer::program("storage"));
    sql::Connection& connection = *reading.connection;
    std::map<std::int64_t, Storage::OfType> types;
    const auto each = [&](std::string_view sql, std::uint64_t Storage::OfType::*member) {
        auto& query = connection.prepare(sql);
        query.reset();
        while (query.step()) types[query.integer(0)].*member += static_cast<std::uint64_t>(query.integer(1));
    };
    // SQLite would sort all rows, bodies included, to group them: here they are added up as they come.
    const bool grouped = connection.engine() == sql::Engine::postgres;
    each("SELECT tid, count FROM record_type WHERE count > 0", &Storage::OfType::resources);
    each(grouped ? "SELECT type, count(*) FROM feed_change GROUP BY type" : "SELECT type, 1 FROM feed_change",
         &Storage::OfType::versions);
    each(grouped ? "SELECT tid, sum(length(body)) FROM record_current GROUP BY tid"
                 : "SELECT tid, length(body) FROM record_current",
         &Storage::OfType::bytes);
    each(grouped ? "SELECT c.tid, sum(length(p.body)) FROM record_past p JOIN record_current c ON c.rid = p.rid AND c.p = p.p "
                   "GROUP BY 1"
                 : "SELECT c.tid, length(p.body) FROM record_past p JOIN record_current c ON c.rid = p.rid",
         &Storage::OfType::bytes);
    Storage storage;
    for (auto& [tid, figures] : types) {
        const auto type = inside_->numbers.type_of.find(tid);
        if (type == inside_->numbers.type_of.end()) continue;
        figures.type = type->second;
        storage.types.push_back(figures);
    }
    auto& tables = connection.prepare(
        inside_->options.store.empty()
            ? "SELECT m.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema m ON m.name = d.name WHERE d.aggregate = 1 "
              "GROUP BY 1 "
              "ORDER BY 2 DESC"
            : "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = "
              "current_schema()::regnamespace ORDER BY 2 DESC");
    tables.reset();
    while (tables.step()) storage.tables.push_back({std::string(tables.text(0)), static_cast<std::uint64_t>(tables.integer(1))});
    return storage;
}

std::int16_t Store::offset_minutes() const { return inside_->offset_minutes; }
const fs::path& Store::folder() const { return inside_->folder; }
bool Store::in_files() const { return inside_->options.store.empty(); }

void Store::backup_to(const fs::path& folder) {
    auto connection = inside_->take();
    try {
        connection->copy_to(folder / "record.db");
    } catch (...) {
        inside_->give_back(std::move(connection));
        throw;
    }
    inside_->give_back(std::move(connection));
}

namespace {
bool synced(const fs::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return errno == ENOENT;  // no log is left when it was emptied
    const bool done = ::fsync(file) == 0;
    ::close(file);
    return done;
}
}  // namespace

Result<Done> Store::settle() { return inside_->writer->settle(); }

Result<Done> close(std::unique_ptr<Store> store) {
    const fs::path folder = store->folder();
    XINGLIN_CHECK(store->settle());
    const bool in_files = store->in_files();
    store.reset();
    if (!in_files) return Done{};
    // Only now: closing a descriptor of the file would release the locks of connections that were still open. The log
    // comes along, because a last checkpoint that failed leaves it, and with no frame left to move SQLite syncs nothing.
    for (const fs::path& path : {folder / "record.db-wal", folder / "record.db", folder}) {
        if (!synced(path))
            return refusal(path, IssueCode::exception, "could not be brought to the disk; check the disk, then import again");
    }
    return Done{};
}

}  // namespace xinglin::record
