// SPDX-License-Identifier: Apache-2.0
// people.db: the keys of every Patient, kept up with the feed by a thread of its own.
#include "people/people.h"

#include <charconv>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "people/keys.h"
#include "sql/sql.h"
#include "text/text.h"

namespace xinglin::people {
namespace {

constexpr std::size_t most_hits = 1'000;         // a page deeper than this says: be more precise
constexpr std::size_t most_candidates = 20'000;  // looked at for a search of several words
constexpr auto poll_interval = std::chrono::milliseconds(200);

// Everything here can be had again from the record, so a change of keys is a new number and a rebuild.
constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE people_person (
        n           INTEGER PRIMARY KEY,  -- dense number within this file
        id          TEXT NOT NULL,        -- of the Patient
        names       TEXT NOT NULL,        -- folded, one a line
        pinyin      TEXT NOT NULL,        -- syllables, one name a line
        identifiers TEXT NOT NULL,        -- letters and digits, one a line
        phones      TEXT NOT NULL,        -- digits, one a line
        birth       TEXT NOT NULL         -- YYYYMMDD, as far as known
    );
    CREATE UNIQUE INDEX people_person_id ON people_person (id);
    CREATE TABLE people_key (
        key TEXT NOT NULL,     -- kind and text, see keys.h
        n   INTEGER NOT NULL,
        PRIMARY KEY (key, n)
    ) WITHOUT ROWID;
    CREATE TABLE people_cursor (
        only       INTEGER PRIMARY KEY,  -- 1
        position   INTEGER NOT NULL,     -- of the feed
        updated_ms INTEGER NOT NULL,     -- of the newest version seen
        population INTEGER NOT NULL      -- rows of people_person
    );
    INSERT INTO people_cursor VALUES (1, 0, 0, 0);
)sql"}};

/// Just above every text that begins with `prefix`.
std::string end_of(std::string_view prefix) { return std::string(prefix) + "\U0010FFFF"; }

struct Hit {
    std::int64_t n;
    std::string_view matched;
};

}  // namespace

struct People::Inside {
    record::Store& store;
    std::filesystem::path file;
    std::unique_ptr<sql::Connection> writer;

    std::mutex readers_lock;
    std::vector<std::unique_ptr<sql::Connection>> readers;  // idle ones

    mutable std::mutex state_lock;
    std::condition_variable changed;
    record::Position position = 0;
    std::int64_t updated_ms = 0;
    std::uint64_t population = 0;
    std::int64_t last_n = 0;                                  // greatest number given
    std::vector<std::pair<std::string, std::int64_t>> fresh;  // keys not yet written: in order they go in much faster
    bool stopping = false, hurry = false;
    std::thread follower;

    explicit Inside(record::Store& given) : store(given), file(given.folder() / "people.db") { open(); }

    void open();
    void follow();
    void step();
    void rebuild(record::Reader& reader, record::Position target);
    void catch_up_with(record::Reader& reader, record::Position target);
    void put(const record::Version& version);
    std::optional<std::int64_t> forget(std::string_view id);
    void write_fresh();
    void read_cursor();
    void finish_step(record::Position target, std::int64_t newest_ms);
};

namespace {

void remove_files(const std::filesystem::path& file) {
    for (const char* end : {"", "-wal", "-shm"}) {
        std::error_code ignored;
        std::filesystem::remove(file.string() + end, ignored);
    }
}

Entry read_row(sql::Statement& row, int first) {
    return {lines_of(row.text(first)), lines_of(row.text(first + 1)), lines_of(row.text(first + 2)),
            lines_of(row.text(first + 3)), std::string(row.text(first + 4))};
}

}  // namespace

void People::Inside::open() {
    const auto try_open = [&] {
        writer = sql::open_sqlite(file, {.cache_bytes = 32ll << 20});
        sql::migrate(*writer, "people", migrations);
        read_cursor();
    };
    try {
        try_open();
    } catch (const sql::Broken& broken) {
        if (broken.why == sql::Broken::Why::full || broken.why == sql::Broken::Why::read_only) throw;
        writer.reset();  // damaged or of another time: it is only a view
        remove_files(file);
        try_open();
    }
}

void People::Inside::read_cursor() {
    auto& row = writer->prepare("SELECT position, updated_ms, population FROM people_cursor WHERE only = 1");
    row.reset();
    if (row.step()) {
        const std::lock_guard lock(state_lock);
        position = row.integer(0);
        updated_ms = row.integer(1);
        population = static_cast<std::uint64_t>(row.integer(2));
    }
    row.reset();
    auto& greatest = writer->prepare("SELECT coalesce(max(n), 0) FROM people_person");
    greatest.reset();
    if (greatest.step()) last_n = greatest.integer(0);
    greatest.reset();
    fresh.clear();
}

/// Within a step every Patient comes once, so no key written here is one that the step has yet to forget.
void People::Inside::write_fresh() {
    std::sort(fresh.begin(), fresh.end());
    auto& add = writer->prepare("INSERT INTO people_key (key, n) VALUES (?, ?)");
    for (const auto& [key, n] : fresh) add.bind(1, std::string_view(key)).bind(2, n).run();
    fresh.clear();
}

std::optional<std::int64_t> People::Inside::forget(std::string_view id) {
    auto& find = writer->prepare("SELECT n, names, pinyin, identifiers, phones, birth FROM people_person WHERE id = ?");
    find.reset();
    find.bind(1, id);
    if (!find.step()) return std::nullopt;
    const std::int64_t n = find.integer(0);
    const Entry old = read_row(find, 1);
    find.reset();
    auto& drop = writer->prepare("DELETE FROM people_key WHERE key = ? AND n = ?");
    for (const std::string& key : keys_of(old)) drop.bind(1, std::string_view(key)).bind(2, n).run();
    writer->prepare("DELETE FROM people_person WHERE n = ?").bind(1, n).run();
    return n;
}

/// The newest version of a Patient, put in the place of what was there.
void People::Inside::put(const record::Version& version) {
    const auto was = forget(version.id);
    if (was) --population;
    if (version.deleted) return;
    json::Arena arena;
    const auto patient = json::parse(version.body, arena, {.depth = 1'000, .bytes = version.body.size() + 1});
    if (!patient.ok()) return;
    const Entry entry = entry_of(*patient);
    const std::string names = join(entry.names), pinyin = join(entry.pinyin), identifiers = join(entry.identifiers),
                      phones = join(entry.phones);
    auto& insert = writer->prepare(
        "INSERT INTO people_person (n, id, names, pinyin, identifiers, phones, birth) VALUES (?, ?, ?, ?, ?, ?, ?)");
    const std::int64_t n = was ? *was : ++last_n;
    insert.bind(1, n).bind(2, std::string_view(version.id)).bind(3, std::string_view(names)).bind(4, std::string_view(pinyin));
    insert.bind(5, std::string_view(identifiers)).bind(6, std::string_view(phones)).bind(7, std::string_view(entry.birth)).run();
    for (std::string& key : keys_of(entry)) fresh.emplace_back(std::move(key), n);
    ++population;
}

/// Commits rows and cursor together.
void People::Inside::finish_step(record::Position target, std::int64_t newest_ms) {
    write_fresh();
    writer->prepare("UPDATE people_cursor SET position = ?, updated_ms = ?, population = ? WHERE only = 1")
        .bind(1, target)
        .bind(2, newest_ms)
        .bind(3, static_cast<std::int64_t>(population))
        .run();
    writer->commit();
    const std::lock_guard lock(state_lock);
    position = target;
    updated_ms = newest_ms;
    changed.notify_all();
}

void People::Inside::rebuild(record::Reader& reader, record::Position target) {
    writer->begin();
    writer->run(
        "DELETE FROM people_key; DELETE FROM people_person; UPDATE people_cursor SET position = 0, updated_ms = 0, population = "
        "0;");
    population = 0;
    last_n = 0;
    std::size_t since_commit = 0;
    bool stopped = false;
    reader.scan(fhir::find_resource("Patient"), [&](const record::Version& version) {
        put(version);
        if (++since_commit % 50'000 == 0) {  // the cursor stays at 0: broken off, it begins again
            write_fresh();
            writer->commit();
            writer->begin();
        }
        if (since_commit % 1'000 == 0) {
            const std::lock_guard lock(state_lock);
            stopped = stopping;
        }
        return !stopped;
    });
    if (stopped) return writer->rollback();
    const auto newest = reader.history({.count = 1});
    finish_step(target, newest.ok() && !newest->versions.empty() ? newest->versions.front().updated_ms : 0);
}

void People::Inside::catch_up_with(record::Reader& reader, record::Position target) {
    const auto newest = reader.history({.count = 1});
    const std::int64_t newest_ms = newest.ok() && !newest->versions.empty() ? newest->versions.front().updated_ms : updated_ms;
    std::unordered_set<std::string> seen;  // pages come newest first: only the first of a Patient counts
    record::HistoryRequest request{.type = fhir::find_resource("Patient"), .since_ms = updated_ms, .count = 1'000};
    writer->begin();
    for (bool more = true; more;) {
        const auto page = reader.history(request);
        if (!page.ok()) break;
        more = !page->next.empty();
        for (const record::Version& version : page->versions) {
            if (version.position <= position) {
                more = false;
                break;
            }
            if (seen.insert(version.id).second) put(version);
        }
        request.page = page->next;
    }
    finish_step(target, newest_ms);
}

void People::Inside::step() {
    record::Reader reader = store.reader(access::Viewer::program("people"));
    const record::Position target = reader.position();
    if (target == position) return;
    try {
        if (position == 0 || target < position) rebuild(reader, target);  // an older record was restored below us
        else catch_up_with(reader, target);
    } catch (...) {
        if (writer->in_transaction()) writer->rollback();
        read_cursor();
        throw;
    }
}

void People::Inside::follow() {
    for (;;) {
        auto pause = poll_interval;
        try {
            step();
        } catch (const std::exception&) {
            pause = std::chrono::seconds(5);  // a full disk heals; the next step begins where this one did
        }
        std::unique_lock lock(state_lock);
        changed.wait_for(lock, pause, [&] { return stopping || hurry; });
        hurry = false;
        if (stopping) return;
    }
}

People::People(record::Store& store) : inside_(new Inside(store)) {
    inside_->follower = std::thread([inside = inside_.get()] { inside->follow(); });
}

People::~People() {
    {
        const std::lock_guard lock(inside_->state_lock);
        inside_->stopping = true;
        inside_->changed.notify_all();
    }
    inside_->follower.join();
}

record::Position People::position() const {
    const std::lock_guard lock(inside_->state_lock);
    return inside_->position;
}

void People::catch_up() {
    const record::Position target = inside_->store.reader(access::Viewer::program("people")).position();
    std::unique_lock lock(inside_->state_lock);
    while (inside_->position < target && !inside_->stopping) {
        inside_->hurry = true;
        inside_->changed.notify_all();
        inside_->changed.wait_for(lock, std::chrono::milliseconds(20));
    }
}

namespace {

class Finder {
public:
    explicit Finder(sql::Connection& connection) : connection_(connection) {}

    std::vector<Hit> hits;
    bool complete = true;

    /// `phrase`: what several words mean together; its hits come first.
    void find(const std::vector<std::vector<Meaning>>& words, const std::vector<Meaning>& phrase) {
        scan_all(phrase, {}, 0);
        if (!complete) return;
        std::size_t driver = 0;  // the word that says most: a number before a name, the longer before the shorter
        for (std::size_t i = 1; i < words.size(); ++i) {
            if (weight(words[i]) > weight(words[driver])) driver = i;
        }
        scan_all(words[driver], words, driver);
    }

private:
    sql::Connection& connection_;
    std::unordered_set<std::int64_t> seen_;

    void scan_all(const std::vector<Meaning>& meanings, const std::vector<std::vector<Meaning>>& words, std::size_t driver) {
        std::size_t looked_at = 0;
        for (const Meaning& meaning : meanings) {
            auto& scan = connection_.prepare("SELECT n FROM people_key WHERE key >= ? AND key < ? ORDER BY key, n");
            const std::string end = end_of(meaning.prefix);
            scan.reset();
            scan.bind(1, std::string_view(meaning.prefix)).bind(2, std::string_view(end));
            while (complete && scan.step()) {
                const std::int64_t n = scan.integer(0);
                if (seen_.contains(n)) continue;
                if (words.size() > 1 && !fits_others(n, words, driver)) {
                    complete = ++looked_at < most_candidates;
                    continue;
                }
                seen_.insert(n);
                complete = hits.size() < most_hits;
                if (complete) hits.push_back({n, meaning.matched});
            }
            scan.reset();
            if (!complete) return;
        }
    }

    static std::size_t weight(const std::vector<Meaning>& meanings) {
        const bool is_number = meanings.front().matched != "name" && meanings.front().matched != "initials";
        return meanings.front().prefix.size() + (is_number ? 100 : 0);
    }
    bool fits_others(std::int64_t n, const std::vector<std::vector<Meaning>>& words, std::size_t driver) {
        auto& row = connection_.prepare("SELECT names, pinyin, identifiers, phones, birth FROM people_person WHERE n = ?");
        row.reset();
        row.bind(1, n);
        if (!row.step()) return false;
        const auto keys = keys_of(read_row(row, 0));
        row.reset();
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (i != driver && !fits(keys, words[i])) return false;
        }
        return true;
    }
};

/// The page of everyone, in order of name, after a place in that order.
std::vector<Hit> everyone(sql::Connection& connection, const Request& request, std::string& next) {
    std::string key = "A";
    std::int64_t after_n = -1;
    if (const std::size_t colon = request.after.find(':'); colon != std::string::npos) {
        if (auto decoded = text::base64_decode(std::string_view(request.after).substr(colon + 1));
            decoded && decoded->starts_with('A')) {
            key = *decoded;
            std::from_chars(request.after.data(), request.after.data() + colon, after_n);
        }
    }
    auto& scan = connection.prepare(
        "SELECT key, n FROM people_key WHERE key >= ? AND key < 'B' AND (key > ? OR n > ?) ORDER BY key, n LIMIT ?");
    scan.reset();
    scan.bind(1, std::string_view(key))
        .bind(2, std::string_view(key))
        .bind(3, after_n)
        .bind(4, static_cast<std::int64_t>(request.count) + 1);
    std::vector<Hit> hits;
    std::string last;
    while (scan.step()) {
        if (hits.size() == request.count) {
            next = last;
            break;
        }
        hits.push_back({scan.integer(1), "name"});
        last = std::to_string(scan.integer(1)) + ':' + text::base64(scan.text(0));
    }
    scan.reset();
    return hits;
}

std::vector<std::vector<Meaning>> words_of(std::string_view q) {
    std::vector<std::vector<Meaning>> words;
    const std::string folded = text::fold(q);
    for (const std::string_view word : text::split(folded, ' ')) {
        if (!word.empty() && words.size() < 8) words.push_back(meanings_of(word));
    }
    return words;
}

/// "li na" is first of all 李娜, "jane van der berg" one name, "单 雄信" too.
std::vector<Meaning> phrase_of(std::string_view q) {
    const std::string folded = text::fold(q);
    if (folded.find(' ') == std::string::npos) return {};
    std::string joined = folded;
    std::erase(joined, ' ');
    std::vector<Meaning> meanings;
    for (Meaning& meaning : meanings_of(joined)) {
        if (meaning.matched == "pinyin" || (meaning.matched == "name" && text::has_han(joined)))
            meanings.push_back(std::move(meaning));
    }
    for (Meaning& meaning : meanings_of(folded)) {
        if (meaning.matched == "name") meanings.push_back(std::move(meaning));
    }
    return meanings;
}

}  // namespace

namespace {
/// An identity number with nothing left out: whoever types it has the card at hand.
bool is_whole_number(std::string_view q) {
    while (q.starts_with(' ')) q.remove_prefix(1);
    while (q.ends_with(' ')) q.remove_suffix(1);
    constexpr std::size_t shortest = 15, longest = 18;
    return (q.size() == shortest || q.size() == longest) && q.find_first_not_of("0123456789Xx") == std::string_view::npos;
}
}  // namespace

// Of whoever fits, the viewer may see few: pages are gone through until there is something to show.
Result<Page> People::find(const access::Viewer& viewer, const Request& asked) const {
    constexpr int most_rounds = 40;
    XINGLIN_TRY(Page page, find_page(viewer, asked));
    Request request = asked;
    for (int i = 0; viewer.guard && !page.next.empty() && page.people.size() < (request.count + 1) / 2 && i < most_rounds; ++i) {
        request.after = page.next;
        XINGLIN_TRY(Page more, find_page(viewer, request));
        page.people.insert(page.people.end(), std::make_move_iterator(more.people.begin()),
                           std::make_move_iterator(more.people.end()));
        page.next = more.next;
    }
    if (viewer.guard && page.next.empty() && asked.after.empty()) page.total = page.people.size();
    return page;
}

Result<Page> People::find_page(const access::Viewer& viewer, const Request& asked) const {
    if (asked.q.size() > 200) return refuse(IssueCode::too_costly, "q", "is longer than 200 bytes");
    if (!text::is_utf8(asked.q)) return refuse(IssueCode::value, "q", "is not UTF-8");
    Request request = asked;
    request.count = std::min(std::max(1u, request.count), 100u);
    std::unique_ptr<sql::Connection> connection;
    {
        const std::lock_guard lock(inside_->readers_lock);
        if (!inside_->readers.empty()) {
            connection = std::move(inside_->readers.back());
            inside_->readers.pop_back();
        }
    }
    if (!connection) connection = sql::open_sqlite(inside_->file, {.read_only = true, .cache_bytes = 8ll << 20});

    Page page;
    std::vector<Hit> hits;
    std::size_t from = 0;
    connection->begin_read();
    auto& counted = connection->prepare("SELECT population FROM people_cursor WHERE only = 1");
    counted.reset();
    if (counted.step()) page.population = static_cast<std::uint64_t>(counted.integer(0));
    counted.reset();
    const auto words = words_of(request.q);
    if (words.empty()) {
        hits = everyone(*connection, request, page.next);
        page.total = page.population;
    } else if (std::all_of(words.begin(), words.end(), [](const auto& meanings) { return !meanings.empty(); })) {
        Finder finder(*connection);
        finder.find(words, phrase_of(request.q));
        hits = std::move(finder.hits);
        if (finder.complete) page.total = hits.size();
        std::from_chars(request.after.data(), request.after.data() + request.after.size(), from);
        if (from + request.count < hits.size()) page.next = std::to_string(from + request.count);
    } else {
        page.total = 0;  // a word too short to mean anything
    }
    std::vector<std::pair<std::string, std::string_view>> found;
    auto& named = connection->prepare("SELECT id FROM people_person WHERE n = ?");
    for (std::size_t i = from; i < hits.size() && i - from < request.count; ++i) {
        named.reset();
        named.bind(1, hits[i].n);
        if (named.step()) found.emplace_back(named.text(0), hits[i].matched);
    }
    named.reset();
    connection->commit();
    {
        const std::lock_guard lock(inside_->readers_lock);
        inside_->readers.push_back(std::move(connection));
    }
    record::Reader reader = inside_->store.reader(viewer);
    const fhir::Type& type = *fhir::find_resource("Patient");
    if (viewer.guard) page.total.reset();  // it counts whom the viewer may not see
    for (const auto& [id, matched] : found) {
        const auto version = reader.read(type, id);
        if (!version.ok()) {  // deleted since, or not to be seen: who brings the number may know that there is somebody
            if (viewer.guard && matched == "identifier" && is_whole_number(request.q) && reader.decide(type, id).exists) {
                Person person;
                person.id = id;
                person.matched = "identifier";
                person.closed = true;
                page.people.push_back(std::move(person));
            }
            continue;
        }
        json::Arena arena;
        const auto patient = json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1});
        if (!patient.ok()) continue;
        Person person = summary(*patient);
        person.matched = words.empty() ? "" : std::string(matched);
        page.people.push_back(std::move(person));
    }
    return page;
}

}  // namespace xinglin::people
