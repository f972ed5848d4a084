// SPDX-License-Identifier: Apache-2.0
// The audit: who looked at what, appended in groups by a thread of its own.
//
// One commit (fsync) serves everything that arrived while the one before was on its way, and at most fifty happen in a
// second, so writing down what happens costs readers nothing but a place in the queue.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "access/access.h"
#include "sql/sql.h"

namespace xinglin::access {

namespace {

constexpr std::size_t queue_limit = 65'536, group_limit = 8'192;
constexpr std::chrono::milliseconds gather{20}, retry{250}, patience{2'000};

constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE audit_access (
        row INTEGER PRIMARY KEY,      -- order of arrival, without gaps
        at_ms INTEGER NOT NULL,       -- milliseconds since 1970, UTC
        who TEXT NOT NULL,            -- account name
        role TEXT NOT NULL,
        what TEXT NOT NULL,           -- create read search reveal print login …
        type TEXT NOT NULL,           -- resource type touched, '' when none
        id TEXT NOT NULL,             -- its id
        patient TEXT NOT NULL,        -- id of the Patient concerned, '' when none
        purpose TEXT NOT NULL,
        detail TEXT NOT NULL,         -- of a search the names of its parameters, never their values
        trace_id TEXT NOT NULL,
        peer TEXT NOT NULL,           -- network address
        status INTEGER NOT NULL,      -- HTTP
        count INTEGER NOT NULL        -- resources shown
    );
    CREATE INDEX audit_access_patient ON audit_access (patient, row) WHERE patient <> '';
)sql"}};

constexpr std::string_view insert_sql =
    "INSERT INTO audit_access (at_ms, who, role, what, type, id, patient, purpose, detail, trace_id, peer, status, count, row)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr std::string_view newest_sql = "SELECT coalesce(max(row), 0) FROM audit_access";
#define XINGLIN_AUDIT_COLUMNS "at_ms, who, role, what, type, id, patient, purpose, detail, trace_id, peer, status, count"

void insert(sql::Connection& connection, const Access& access, std::int64_t row) {
    sql::Statement& statement = connection.prepare(insert_sql);
    statement.bind(1, access.at_ms)
        .bind(2, access.who)
        .bind(3, access.role)
        .bind(4, access.what)
        .bind(5, access.type)
        .bind(6, access.id);
    statement.bind(7, access.patient)
        .bind(8, access.purpose)
        .bind(9, access.detail)
        .bind(10, access.trace_id)
        .bind(11, access.peer);
    statement.bind(12, std::int64_t{access.status}).bind(13, std::int64_t{access.count}).bind(14, row).run();
}

Access read(const sql::Statement& row) {
    Access access;
    access.at_ms = row.integer(0);
    access.who = row.text(1);
    access.role = row.text(2);
    access.what = row.text(3);
    access.type = row.text(4);
    access.id = row.text(5);
    access.patient = row.text(6);
    access.purpose = row.text(7);
    access.detail = row.text(8);
    access.trace_id = row.text(9);
    access.peer = row.text(10);
    access.status = static_cast<int>(row.integer(11));
    access.count = static_cast<std::uint32_t>(row.integer(12));
    return access;
}

std::unique_ptr<sql::Connection> open(const std::string& place) {
    auto connection = sql::open(place, {.cache_bytes = 2 << 20, .lane = "audit"});
    sql::migrate(*connection, "audit", migrations);
    return connection;
}

}  // namespace

struct Audit::Inside {
    explicit Inside(const std::string& place) : writes(open(place)), reads(open(place)) {
        writer = std::jthread([this] { work(); });
    }
    ~Inside() {
        {
            const std::lock_guard lock(mutex);
            ending = true;
        }
        changed.notify_all();
        writer.join();
    }

    mutable std::mutex mutex;  // guards what follows, down to the blank line
    std::condition_variable changed;
    std::deque<Access> queue;
    std::uint64_t appended = 0, durable = 0;  // counted from the start
    std::uint64_t wanted = 0;                 // flush() waits for this one
    bool ending = false;
    std::optional<sql::Broken> broken;

    std::unique_ptr<sql::Connection> writes;  // the writer thread's
    mutable std::mutex read_mutex;            // guards reads
    std::unique_ptr<sql::Connection> reads;
    std::jthread writer;

    void append(Access access) {
        std::unique_lock lock(mutex);
        const auto has_room = [&] { return queue.size() < queue_limit; };
        while (!has_room()) {
            changed.wait_for(lock, patience, has_room);
            if (!has_room() && broken) throw sql::Broken(*broken);
        }
        queue.push_back(std::move(access));
        ++appended;
        if (queue.size() == 1) changed.notify_all();
    }

    void flush() {
        std::unique_lock lock(mutex);
        const std::uint64_t mine = appended;
        wanted = std::max(wanted, mine);
        changed.notify_all();
        changed.wait(lock, [&] { return durable >= mine || broken; });
        if (durable < mine) throw sql::Broken(*broken);
    }

    void work() {
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [&] { return !queue.empty() || ending; });
            if (queue.empty()) return;
            const auto hurry = [&] { return ending || wanted > durable || queue.size() >= group_limit; };
            changed.wait_for(lock, gather, hurry);
            if (!write_group(lock)) {
                if (ending) return;
                changed.wait_for(lock, retry, [&] { return ending; });
            }
        }
    }

    /// Writes the front of the queue and takes it off; the lock is open meanwhile. False when the disk refused.
    bool write_group(std::unique_lock<std::mutex>& lock) {
        // Made beforehand: where there is no memory, there is none for a sentence either.
        static const sql::Broken no_memory(sql::Broken::Why::memory, "there is not enough memory");
        const std::size_t count = std::min(queue.size(), group_limit);
        std::optional<sql::Broken> problem;
        // The front stays where it is while others append behind it: a deque moves no element then.
        std::vector<const Access*> group;
        try {
            group.reserve(count);
        } catch (const std::bad_alloc&) {
            broken = no_memory;
            changed.notify_all();
            return false;
        }
        for (std::size_t i = 0; i < count; ++i) group.push_back(&queue[i]);
        lock.unlock();
        try {
            sql::transaction(*writes, [&] {
                // Numbered here: an engine's own numbers have gaps, and the last one is the count.
                sql::Statement& newest = writes->prepare(newest_sql);
                newest.reset();
                std::int64_t row = newest.step() ? newest.integer(0) : 0;
                newest.reset();
                for (const Access* access : group) insert(*writes, *access, ++row);
            });
        } catch (const sql::Broken& error) {
            problem = error;
        } catch (const std::exception&) {
            problem = no_memory;
        }
        lock.lock();
        broken = problem;
        if (!problem) {
            queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count));
            durable += count;
        }
        changed.notify_all();
        return !problem;
    }
};

Audit::Audit(const std::filesystem::path& folder, const std::string& store)
    : inside_(std::make_unique<Inside>(store.empty() ? (folder / "audit.db").string() : store)) {}
Audit::~Audit() = default;

void Audit::append(Access access) { inside_->append(std::move(access)); }
void Audit::flush() { inside_->flush(); }

std::string Audit::trouble() const {
    const std::lock_guard lock(inside_->mutex);
    return inside_->broken ? inside_->broken->what() : std::string();
}

std::uint64_t Audit::queued() const {
    const std::lock_guard lock(inside_->mutex);
    return inside_->queue.size();
}

Audit::Page Audit::of_patient(std::string_view patient_id, std::uint32_t count) const {
    Page page{0, {}};
    if (patient_id.empty()) return page;
    const std::lock_guard lock(inside_->read_mutex);
    sql::Statement& total = inside_->reads->prepare("SELECT count(*) FROM audit_access WHERE patient = ? AND patient <> ''");
    total.bind(1, patient_id);
    if (total.step()) page.total = static_cast<std::uint64_t>(total.integer(0));
    total.reset();
    sql::Statement& query = inside_->reads->prepare(
        "SELECT " XINGLIN_AUDIT_COLUMNS "  FROM audit_access WHERE patient = ? AND patient <> '' ORDER BY row DESC LIMIT ?");
    query.bind(1, patient_id).bind(2, std::int64_t{count});
    while (query.step()) page.accesses.push_back(read(query));
    return page;
}

Audit::Page Audit::all(std::uint32_t count, std::int64_t before_row) const {
    Page page{0, {}};
    const std::lock_guard lock(inside_->read_mutex);
    // Rows are never taken away, so the last number is the count.
    sql::Statement& total = inside_->reads->prepare(newest_sql);
    if (total.step()) page.total = static_cast<std::uint64_t>(total.integer(0));
    total.reset();
    sql::Statement& query =
        inside_->reads->prepare("SELECT " XINGLIN_AUDIT_COLUMNS " FROM audit_access WHERE row < ? ORDER BY row DESC LIMIT ?");
    query.bind(1, before_row > 0 ? before_row : INT64_MAX).bind(2, std::int64_t{count});
    while (query.step()) page.accesses.push_back(read(query));
    return page;
}

}  // namespace xinglin::access
