// SPDX-License-Identifier: Apache-2.0
// The audit: who looked at what, appended in groups by a thread of its own.
//
// One commit (fsync) serves everything that arrived while the one before was on its way, and at most fifty happen in a
// second, so writing down what happens costs readers nothing but a place in the queue. Whoever writes holds the lane of the
// audit (or SQLite's lock), reads the head of the chain and goes on from there: so many processes keep one chain.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "access/audit.h"
#include "access/audit_table.h"
#include "sql/sql.h"

namespace xinglin::access {

namespace {

constexpr std::size_t queue_limit = 65'536, group_limit = 8'192;
constexpr std::chrono::milliseconds gather{20}, retry{250}, patience{2'000};

/// Lines, or time, after which a checkpoint is signed.
constexpr std::int64_t lines_signed = 1'000;
constexpr std::chrono::seconds time_signed{60};
constexpr std::int64_t looked_through = 200'000;

}  // namespace

struct Audit::Inside {
    Inside(std::filesystem::path where, const std::string& place)
        : folder(std::move(where)), writes(open_audit(place)), reads(open_audit(place)) {
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
    bool sign_asked = false;
    std::uint64_t signings = 0;  // tries to sign since the start
    std::string signing_trouble;

    std::filesystem::path folder;             // of the key; "" for none
    std::unique_ptr<sql::Connection> writes;  // the writer thread's, and what follows, down to the blank line
    std::optional<signature::PrivateKey> key;
    std::int64_t unsigned_lines = 0;  // written by it and not signed
    std::chrono::steady_clock::time_point unsigned_since;
    struct Doubt {  // a commit that broke: what would be there if it was stored
        std::int64_t row;
        std::string hash;
        std::size_t count;
    };
    std::optional<Doubt> doubt;

    mutable std::mutex read_mutex;  // guards reads
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
        const auto called = [&] { return !queue.empty() || ending || sign_asked; };
        for (;;) {
            if (unsigned_lines > 0) changed.wait_until(lock, unsigned_since + time_signed, called);
            else changed.wait(lock, called);
            if (queue.empty()) {
                if (unsigned_lines > 0 || sign_asked) sign(lock);
                if (ending) return;
                continue;
            }
            const auto hurry = [&] { return ending || wanted > durable || queue.size() >= group_limit; };
            changed.wait_for(lock, gather, hurry);
            if (!write_group(lock)) {
                if (ending) return;
                changed.wait_for(lock, retry, [&] { return ending; });
            }
        }
    }

    /// Signs the newest line in a transaction of its own. What keeps it from that is told, and never keeps lines from being written.
    void sign(std::unique_lock<std::mutex>& lock) {
        lock.unlock();
        std::string trouble;
        try {
            if (!folder.empty()) sql::transaction(*writes, [&] { sign_head(head_of(*writes), 1); });
        } catch (const std::exception& error) {
            trouble = error.what();
        }
        lock.lock();
        unsigned_lines = 0;  // or else it would try without pause; the next line asks again
        sign_asked = false;
        ++signings;
        signing_trouble = trouble;
        changed.notify_all();
    }

    /// Within a transaction: a checkpoint on the head, when `lines` or more came since the last one.
    void sign_head(const Head& head, std::int64_t lines) {
        const auto last = access::newest_checkpoint(*writes);
        if (head.row < (last ? last->row : 0) + lines) return;
        if (!key) key = signing_key(folder);
        Checkpoint checkpoint;
        checkpoint.number = last ? last->number + 1 : 1;
        checkpoint.row = head.row;
        checkpoint.at_ms = calendar::SystemClock().now_ms();
        checkpoint.hash = head.hash;
        checkpoint.key = key->public_key().point();
        checkpoint.signature = key->sign(checkpoint.signed_bytes());
        insert(*writes, checkpoint);
    }

    /// Within a transaction: was the group, whose commit broke, stored after all?
    bool is_stored() {
        auto& row = writes->prepare("SELECT hash FROM audit_access WHERE row = ?");
        row.bind(1, doubt->row);
        const bool there = row.step() && row.text(0) == doubt->hash;
        row.reset();
        return there;
    }

    /// Within a transaction: chains the lines behind the head and stores them.
    Head store(std::span<Access* const> group) {
        Head head = head_of(*writes);
        for (Access* line : group) {
            line->row = ++head.row;  // numbered here: an engine's own numbers have gaps
            head.hash = link(head.hash, *line);
            insert(*writes, *line, head.hash);
        }
        return head;
    }

    /// Writes the front of the queue and takes it off; the lock is open meanwhile. False when the disk refused.
    bool write_group(std::unique_lock<std::mutex>& lock) {
        // Made beforehand: where there is no memory, there is none for a sentence either.
        static const sql::Broken no_memory(sql::Broken::Why::memory, "there is not enough memory");
        const std::size_t count = doubt ? doubt->count : std::min(queue.size(), group_limit);
        std::optional<sql::Broken> problem;
        // The front stays where it is while others append behind it: a deque moves no element then.
        std::vector<Access*> group;
        try {
            group.reserve(count);
        } catch (const std::bad_alloc&) {
            broken = no_memory;
            changed.notify_all();
            return false;
        }
        for (std::size_t i = 0; i < count; ++i) group.push_back(&queue[i]);
        lock.unlock();
        Head head;
        try {
            sql::transaction(*writes, [&] {
                if (doubt && is_stored()) return;
                doubt.reset();
                head = store(group);
            });
            doubt.reset();
        } catch (const sql::Broken& error) {
            problem = error;
            if (error.may_be_stored && !doubt) doubt = Doubt{head.row, head.hash, count};
        } catch (const std::exception&) {
            problem = no_memory;
        }
        lock.lock();
        broken = problem;
        if (!problem) {
            queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count));
            durable += count;
            if (unsigned_lines == 0) unsigned_since = std::chrono::steady_clock::now();
            unsigned_lines += static_cast<std::int64_t>(count);
        }
        changed.notify_all();
        if (!problem && unsigned_lines >= lines_signed) sign(lock);
        return !problem;
    }
};

Audit::Audit(const std::filesystem::path& folder, const std::string& store)
    : inside_(std::make_unique<Inside>(folder, audit_place(folder, store))) {}
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

namespace {

std::int64_t number(sql::Statement& row) {
    const std::int64_t value = row.step() ? row.integer(0) : 0;
    row.reset();
    return value;
}
std::vector<Access> lines(sql::Statement& rows) {
    std::vector<Access> lines;
    while (rows.step()) lines.push_back(read_line(rows));
    rows.reset();
    return lines;
}
constexpr std::string_view newest_sql = "SELECT coalesce(max(row), 0) FROM audit_access";

}  // namespace

Audit::Page Audit::of_patient(std::string_view patient_id, std::uint32_t count) const {
    if (patient_id.empty()) return {0, {}};
    const std::lock_guard lock(inside_->read_mutex);
    sql::Statement& total = inside_->reads->prepare("SELECT count(*) FROM audit_access WHERE patient = ? AND patient <> ''");
    Page page{static_cast<std::uint64_t>(number(total.bind(1, patient_id))), {}};
    sql::Statement& query = inside_->reads->prepare(
        "SELECT " XINGLIN_AUDIT_COLUMNS " FROM audit_access WHERE patient = ? AND patient <> '' ORDER BY row DESC LIMIT ?");
    page.accesses = lines(query.bind(1, patient_id).bind(2, std::int64_t{count}));
    return page;
}

Audit::Page Audit::all(std::uint32_t count, std::int64_t before_row) const {
    const std::lock_guard lock(inside_->read_mutex);
    // Rows are never taken away, so the last number is the count.
    sql::Statement& total = inside_->reads->prepare(newest_sql);
    total.reset();
    Page page{static_cast<std::uint64_t>(number(total)), {}};
    sql::Statement& query =
        inside_->reads->prepare("SELECT " XINGLIN_AUDIT_COLUMNS " FROM audit_access WHERE row < ? ORDER BY row DESC LIMIT ?");
    page.accesses = lines(query.bind(1, before_row > 0 ? before_row : INT64_MAX).bind(2, std::int64_t{count}));
    return page;
}

namespace {

/// The lowest and highest line that may be of the time asked for. Lines come in the order of their arrival, which is that of time but
/// for what waited in a queue.
std::pair<std::int64_t, std::int64_t> rows_of(sql::Connection& connection, const Audit::Asked& asked) {
    constexpr auto slack = static_cast<std::int64_t>(queue_limit);
    std::pair<std::int64_t, std::int64_t> rows{1, INT64_MAX};
    if (asked.from_ms > 0) {
        auto& first = connection.prepare("SELECT row FROM audit_access WHERE at_ms >= ? ORDER BY at_ms LIMIT 1");
        const std::int64_t row = number(first.bind(1, asked.from_ms));
        rows.first = row == 0 ? INT64_MAX : std::max<std::int64_t>(1, row - slack);
    }
    if (asked.until_ms > 0) {
        auto& last = connection.prepare("SELECT row FROM audit_access WHERE at_ms < ? ORDER BY at_ms DESC LIMIT 1");
        const std::int64_t row = number(last.bind(1, asked.until_ms));
        rows.second = row == 0 ? 0 : row + slack;
    }
    return rows;
}

}  // namespace

Audit::Found Audit::find(const Asked& asked, std::uint32_t count, std::int64_t before_row) const {
    const std::lock_guard lock(inside_->read_mutex);
    sql::Connection& connection = *inside_->reads;
    auto [low, high] = rows_of(connection, asked);
    if (before_row > 0) high = std::min(high, before_row - 1);
    sql::Statement& newest = connection.prepare(newest_sql);
    newest.reset();
    high = std::min(high, number(newest));
    const bool indexed = !asked.patient.empty() || asked.what == "break-glass";  // an index of accounts cost more than the chain
    const std::int64_t from = indexed ? low : std::max(low, high - looked_through + 1);
    if (high < low) return {};

    std::string sql = "SELECT " XINGLIN_AUDIT_COLUMNS " FROM audit_access WHERE row >= ? AND row <= ?";
    std::vector<std::string_view> texts;
    const auto ask = [&](std::string_view value, std::string_view condition) {
        if (value.empty()) return;
        sql += condition;
        texts.push_back(value);
    };
    ask(asked.patient, " AND patient = ? AND patient <> ''");
    ask(asked.who, " AND who = ?");
    if (asked.what == "break-glass") sql += " AND what = 'break-glass'";  // said in full, for the index of these lines
    else ask(asked.what, " AND what = ?");
    ask(asked.institution, " AND institution = ?");
    if (asked.from_ms > 0) sql += " AND at_ms >= ?";
    if (asked.until_ms > 0) sql += " AND at_ms < ?";
    if (asked.result == Asked::Result::granted) sql += " AND status < 400";
    if (asked.result == Asked::Result::refused) sql += " AND status >= 400";
    if (asked.emergency) sql += " AND (what = 'break-glass' OR authorisation LIKE 'break-glass%')";
    sql += " ORDER BY row DESC LIMIT ?";
    sql::Statement& query = connection.prepare(sql);
    query.bind(1, from).bind(2, high);
    int at = 3;
    for (const std::string_view text : texts) query.bind(at++, text);
    if (asked.from_ms > 0) query.bind(at++, asked.from_ms);
    if (asked.until_ms > 0) query.bind(at++, asked.until_ms);
    query.bind(at, std::int64_t{count} + 1);
    Found found{lines(query), 0};
    if (found.accesses.size() > count) {
        found.accesses.pop_back();
        found.next = found.accesses.empty() ? high : found.accesses.back().row;
    } else if (from > low) {
        found.next = from;
    }
    return found;
}

std::vector<Access> Audit::after(std::int64_t row, std::uint32_t count) const {
    const std::lock_guard lock(inside_->read_mutex);
    sql::Statement& query =
        inside_->reads->prepare("SELECT " XINGLIN_AUDIT_COLUMNS " FROM audit_access WHERE row > ? ORDER BY row LIMIT ?");
    return lines(query.bind(1, row).bind(2, std::int64_t{count}));
}

std::string Audit::hash_of(std::int64_t row) const {
    const std::lock_guard lock(inside_->read_mutex);
    sql::Statement& query = inside_->reads->prepare("SELECT hash FROM audit_access WHERE row = ?");
    query.bind(1, row);
    std::string hash(query.step() ? query.text(0) : std::string_view());
    query.reset();
    return hash;
}

std::optional<Checkpoint> Audit::checkpoint() {
    inside_->flush();
    {
        std::unique_lock lock(inside_->mutex);
        const std::uint64_t mine = inside_->signings;
        inside_->sign_asked = true;
        inside_->changed.notify_all();
        inside_->changed.wait(lock, [&] { return inside_->signings > mine || inside_->broken; });
    }
    return newest_checkpoint();
}

std::optional<Checkpoint> Audit::newest_checkpoint() const {
    const std::lock_guard lock(inside_->read_mutex);
    return access::newest_checkpoint(*inside_->reads);
}

std::string Audit::signing_trouble() const {
    const std::lock_guard lock(inside_->mutex);
    return inside_->signing_trouble;
}

Access line_of(const Viewer& viewer, std::int64_t at_ms) {
    Access line;
    line.at_ms = at_ms;
    line.who = viewer.name;
    line.role = text(viewer.role);
    line.display = viewer.display;
    line.practitioner = viewer.practitioner;
    line.institution = viewer.institution;
    line.authorisation = viewer.authorisation;
    line.purpose = viewer.purpose;
    line.trace_id = viewer.trace_id;
    return line;
}

}  // namespace xinglin::access
