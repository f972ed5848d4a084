// SPDX-License-Identifier: Apache-2.0
// The tables, and what is written into them. Reading is in reading.cpp.
#include "intake/ledger.h"

#include <openssl/sha.h>
#include <zstd.h>

#include <fmt/format.h>

#include "text/text.h"

namespace xinglin::intake {

namespace {

constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE intake_message (
        number      INTEGER PRIMARY KEY,  -- order of arrival, without gaps
        source      TEXT NOT NULL,
        kind        TEXT NOT NULL,        -- ADT^A01, WS/T 500.7, …
        control_id  TEXT NOT NULL,        -- the sender's own number of it, or h… made from its print
        print       INTEGER NOT NULL,     -- first 8 bytes of its hash
        print_more  INTEGER NOT NULL,     -- the next 8
        state       INTEGER NOT NULL,     -- 0 waiting 1 stored 2 rejected 3 duplicate 4 ignored
        received_ms INTEGER NOT NULL,     -- milliseconds since 1970, UTC; so below
        sent_ms     INTEGER NOT NULL,     -- by the sender's clock; 0 unknown
        settled_ms  INTEGER NOT NULL,     -- 0 not yet
        patient     INTEGER NOT NULL,     -- which patient of the source, hashed; 0 unknown
        bytes       INTEGER NOT NULL,     -- of the raw message
        of          INTEGER NOT NULL,     -- of a duplicate the first; of an edited one the rejected; of that the edited
        place       TEXT NOT NULL,        -- where it is wrong: PID-7
        spot        TEXT NOT NULL,        -- the same without the number of a row
        reason      TEXT NOT NULL,
        versions    TEXT NOT NULL         -- of the resources stored, in their order: 1,4,1
    );
    CREATE INDEX intake_message_print ON intake_message (print);
    CREATE INDEX intake_message_patient ON intake_message (patient, sent_ms) WHERE patient <> 0;
    CREATE INDEX intake_message_source ON intake_message (source, number);
    CREATE INDEX intake_message_control ON intake_message (source, control_id);
    CREATE INDEX intake_message_open ON intake_message (state, number) WHERE state = 0 OR state = 2;
    CREATE TABLE intake_raw (
        number INTEGER PRIMARY KEY,
        packed BLOB NOT NULL              -- zstd
    );
    CREATE TABLE intake_hour (            -- what intake_message says, counted when it happened
        source    TEXT NOT NULL,
        hour      INTEGER NOT NULL,       -- hours since 1970, UTC, of receiving
        received  INTEGER NOT NULL,
        stored    INTEGER NOT NULL,
        rejected  INTEGER NOT NULL,
        duplicate INTEGER NOT NULL,
        ignored   INTEGER NOT NULL,
        first     INTEGER NOT NULL,       -- numbers of its messages lie between
        last      INTEGER NOT NULL,
        PRIMARY KEY (source, hour)
    );
    CREATE INDEX intake_hour_hour ON intake_hour (hour);
    CREATE TABLE intake_event (
        number INTEGER NOT NULL,
        at_ms  INTEGER NOT NULL,
        what   TEXT NOT NULL,             -- retry resubmit ignore replay
        detail TEXT NOT NULL
    );
    CREATE INDEX intake_event_number ON intake_event (number);
    CREATE TABLE intake_source (
        id         TEXT PRIMARY KEY,
        definition TEXT NOT NULL          -- JSON
    );
    CREATE TABLE intake_file (
        source TEXT NOT NULL,
        file   TEXT NOT NULL,             -- name, size, time of change
        items  INTEGER NOT NULL,          -- messages of it received so far
        done   INTEGER NOT NULL,
        PRIMARY KEY (source, file)
    );
    CREATE TABLE intake_swept (
        source TEXT PRIMARY KEY,
        number INTEGER NOT NULL           -- up to which raw messages were looked at
    );
)sql"}};

std::int64_t eight_bytes(const unsigned char* from) {
    std::uint64_t all = 0;
    for (int i = 0; i < 8; ++i) all = all << 8 | from[i];
    return static_cast<std::int64_t>(all);
}

Print digest_of(std::initializer_list<std::string_view> parts) {
    std::string all;  // digests of the parts: no two lists read the same
    unsigned char digest[SHA256_DIGEST_LENGTH];
    for (const std::string_view part : parts) {
        SHA256(reinterpret_cast<const unsigned char*>(part.data()), part.size(), digest);
        all.append(reinterpret_cast<const char*>(digest), sizeof digest);
    }
    SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest);
    return {eight_bytes(digest), eight_bytes(digest + 8)};
}

/// What no text column may hold, left out.
std::string tidy(std::string_view text, std::size_t most) {
    std::string out(text.substr(0, most));
    while (!out.empty() && !text::is_utf8(out)) {
        if (out.size() + 4 < std::min(text.size(), most)) return std::string();  // not just cut in a character
        out.pop_back();
    }
    std::erase(out, '\0');
    return out;
}

std::int64_t& of_state(Counts& counts, State state) {
    switch (state) {
        case State::stored: return counts.stored;
        case State::rejected: return counts.rejected;
        case State::duplicate: return counts.duplicate;
        case State::ignored: return counts.ignored;
        case State::waiting: break;
    }
    return counts.received;  // not reached: waiting is what is left
}

}  // namespace

std::string_view text(State state) {
    static constexpr std::string_view names[] = {"waiting", "stored", "rejected", "duplicate", "ignored"};
    return names[static_cast<int>(state)];
}

std::optional<State> parse_state(std::string_view name) {
    for (const State state : {State::waiting, State::stored, State::rejected, State::duplicate, State::ignored}) {
        if (text(state) == name) return state;
    }
    return std::nullopt;
}

Counts& Counts::operator+=(const Counts& other) {
    received += other.received;
    stored += other.stored;
    rejected += other.rejected;
    duplicate += other.duplicate;
    ignored += other.ignored;
    return *this;
}

Print print_of(std::string_view source, std::string_view essence) { return digest_of({source, essence}); }

std::int64_t patient_key(std::string_view source, std::string_view patient) {
    if (patient.empty()) return 0;
    const std::int64_t key = digest_of({"patient", source, patient}).first;
    return key == 0 ? 1 : key;
}

std::string made_control_id(const Print& print) {
    return fmt::format("h{:016x}{:016x}", static_cast<std::uint64_t>(print.first), static_cast<std::uint64_t>(print.second));
}

std::string about_raw(Number number) { return sql::about_of("message", std::array<std::int64_t, 1>{number}); }

std::string pack(std::string_view bytes) {
    thread_local const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
    if (!context) throw std::bad_alloc();
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    const std::size_t size = ZSTD_compressCCtx(context.get(), out.data(), out.size(), bytes.data(), bytes.size(), 1);
    if (ZSTD_isError(size) != 0) throw std::bad_alloc();
    out.resize(size);
    return out;
}

std::string unpack(std::string_view packed, std::int64_t bytes) {
    std::string out(static_cast<std::size_t>(std::clamp<std::int64_t>(bytes, 0, 64 << 20)), '\0');
    const std::size_t size = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
    if (ZSTD_isError(size) != 0 || size != out.size())
        throw sql::Broken(sql::Broken::Why::corrupt, "intake: a raw message is damaged");
    return out;
}

std::int64_t instant_of(std::string_view moment, std::int16_t offset_minutes) {
    if (moment.empty()) return 0;
    const auto parsed = calendar::parse_date_time(moment, true);
    return parsed ? calendar::span_of(*parsed, offset_minutes).low_ms : 0;
}

std::string spot_of(std::string_view where) {
    if (!where.starts_with("row ")) return std::string(where);
    const std::size_t comma = where.find(", ");
    return comma == std::string_view::npos ? "row" : std::string(where.substr(comma + 2));
}

void Ledger::migrate(sql::Connection& connection) { sql::migrate(connection, "intake", migrations); }

Number Ledger::newest() {
    auto& query = connection_->prepare("SELECT coalesce(max(number), 0) FROM intake_message");
    query.reset();
    const Number newest = query.step() ? query.integer(0) : 0;
    query.reset();
    return newest;
}

std::vector<Number> Ledger::known(const std::vector<Print>& prints) {
    std::vector<Number> first(prints.size(), 0);
    if (connection_->engine() == sql::Engine::postgres) {
        std::vector<std::int64_t> asked;
        for (const Print& print : prints) asked.push_back(print.first);
        auto& query = connection_->prepare(
            "SELECT print, print_more, min(number) FROM intake_message WHERE print = ANY(?) AND state <> 3 GROUP BY print, "
            "print_more");
        query.reset();
        query.bind_many(1, asked);
        std::map<std::pair<std::int64_t, std::int64_t>, Number> found;
        while (query.step()) found[{query.integer(0), query.integer(1)}] = query.integer(2);
        for (std::size_t i = 0; i < prints.size(); ++i) {
            const auto one = found.find({prints[i].first, prints[i].second});
            if (one != found.end()) first[i] = one->second;
        }
        return first;
    }
    auto& query = connection_->prepare(
        "SELECT number FROM intake_message WHERE print = ? AND print_more = ? AND state <> 3 ORDER BY number LIMIT 1");
    for (std::size_t i = 0; i < prints.size(); ++i) {
        query.reset();
        query.bind(1, prints[i].first).bind(2, prints[i].second);
        if (query.step()) first[i] = query.integer(0);
    }
    query.reset();
    return first;
}

void Ledger::add(const Entry& entry) {
    auto& insert = connection_->prepare(
        "INSERT INTO intake_message (number, source, kind, control_id, print, print_more, state, received_ms, sent_ms, "
        "settled_ms,"
        " patient, bytes, of, place, spot, reason, versions) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const std::string kind = tidy(entry.facts.kind, 60), control_id = tidy(entry.facts.control_id, 200),
                      place = tidy(entry.where, 400), spot = tidy(spot_of(place), 400), reason = tidy(entry.reason, 1'000);
    insert.bind(1, entry.number).bind(2, entry.source).bind(3, kind).bind(4, control_id);
    insert.bind(5, entry.print.first).bind(6, entry.print.second).bind(7, static_cast<std::int64_t>(entry.state));
    insert.bind(8, entry.received_ms).bind(9, entry.sent_ms);
    insert.bind(10, entry.state == State::waiting ? std::int64_t{0} : entry.received_ms);
    insert.bind(11, patient_key(entry.source, entry.facts.patient)).bind(12, entry.bytes).bind(13, entry.of);
    insert.bind(14, place).bind(15, spot).bind(16, reason).bind(17, std::string_view("")).run();
    if (entry.packed.empty()) return;
    auto& raw = connection_->prepare("INSERT INTO intake_raw (number, packed) VALUES (?, ?)");
    if (values_) values_->refresh(*connection_);
    raw.bind(1, entry.number).bind_blob(2, sql::sealed(values_, about_raw(entry.number), entry.packed)).run();
}

void Ledger::add_hour(const std::string& source, std::int64_t hour, const Counts& delta, Number first, Number last) {
    auto& upsert = connection_->prepare(
        "INSERT INTO intake_hour (source, hour, received, stored, rejected, duplicate, ignored, first, last)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, hour) DO UPDATE SET"
        " received = intake_hour.received + excluded.received, stored = intake_hour.stored + excluded.stored,"
        " rejected = intake_hour.rejected + excluded.rejected, duplicate = intake_hour.duplicate + excluded.duplicate,"
        " ignored = intake_hour.ignored + excluded.ignored, first = min(intake_hour.first, excluded.first), last = "
        "max(intake_hour.last, excluded.last)");
    upsert.bind(1, source).bind(2, hour).bind(3, delta.received).bind(4, delta.stored).bind(5, delta.rejected);
    upsert.bind(6, delta.duplicate).bind(7, delta.ignored).bind(8, first).bind(9, last).run();
}

Counts Ledger::turn(const Line& before, State state, std::int64_t at_ms, const std::string& where, const std::string& reason,
                    const std::string& versions) {
    const std::string place = tidy(where, 400), spot = tidy(spot_of(place), 400), why = tidy(reason, 1'000);
    auto& update = connection_->prepare(
        "UPDATE intake_message SET state = ?, settled_ms = ?, place = ?, spot = ?, reason = ?, versions = ? WHERE number = ?");
    update.bind(1, static_cast<std::int64_t>(state)).bind(2, state == State::waiting ? std::int64_t{0} : at_ms);
    update.bind(3, place).bind(4, spot).bind(5, why).bind(6, versions).bind(7, before.number).run();
    Counts delta;
    if (before.state != State::waiting) --of_state(delta, before.state);
    if (state != State::waiting) ++of_state(delta, state);
    return delta;
}

void Ledger::change(const Line& before, State state, std::int64_t at_ms, const std::string& where, const std::string& reason,
                    const std::string& versions) {
    const Counts delta = turn(before, state, at_ms, where, reason, versions);
    add_hour(before.source, hour_of(before.received_ms), delta, before.number, before.number);
}

std::map<Number, State> Ledger::states(const std::vector<Number>& numbers) {
    std::map<Number, State> all;
    if (connection_->engine() == sql::Engine::postgres) {
        auto& query = connection_->prepare("SELECT number, state FROM intake_message WHERE number = ANY(?)");
        query.reset();
        query.bind_many(1, numbers);
        while (query.step()) all[query.integer(0)] = static_cast<State>(query.integer(1));
        return all;
    }
    auto& query = connection_->prepare("SELECT state FROM intake_message WHERE number = ?");
    for (const Number number : numbers) {
        query.reset();
        query.bind(1, number);
        if (query.step()) all[number] = static_cast<State>(query.integer(0));
    }
    query.reset();
    return all;
}

void Ledger::learn(Number number, const message::Facts& facts, std::int64_t sent_ms, std::int64_t patient) {
    const std::string kind = tidy(facts.kind, 60), control_id = tidy(facts.control_id, 200);
    auto& update =
        connection_->prepare("UPDATE intake_message SET kind = ?, control_id = ?, sent_ms = ?, patient = ? WHERE number = ?");
    update.bind(1, kind).bind(2, control_id).bind(3, sent_ms).bind(4, patient).bind(5, number).run();
}

void Ledger::note(Number number, std::int64_t at_ms, const std::string& what, const std::string& detail) {
    const std::string words = tidy(detail, 1'000);
    auto& insert = connection_->prepare("INSERT INTO intake_event (number, at_ms, what, detail) VALUES (?, ?, ?, ?)");
    insert.bind(1, number).bind(2, at_ms).bind(3, what).bind(4, words).run();
}

void Ledger::file_at(const std::string& source, const std::string& file, std::int64_t items, bool done) {
    auto& upsert = connection_->prepare(
        "INSERT INTO intake_file (source, file, items, done) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (source, file) DO UPDATE SET items = max(intake_file.items, excluded.items), done = excluded.done");
    upsert.bind(1, source).bind(2, file).bind(3, items).bind(4, std::int64_t{done}).run();
}

void Ledger::save(const Source& source) {
    json::Arena arena;
    const std::string definition = json::write(write_source(source, arena));
    auto& upsert = connection_->prepare(
        "INSERT INTO intake_source (id, definition) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET definition = "
        "excluded.definition");
    upsert.bind(1, source.id).bind(2, definition).run();
}

void Ledger::remove(const std::string& source) {
    connection_->prepare("DELETE FROM intake_source WHERE id = ?").bind(1, source).run();
}

std::int64_t Ledger::sweep(const std::string& source, std::int64_t before_ms, std::size_t count) {
    Number from = 0, upto = 0;
    {
        auto& query = connection_->prepare("SELECT number FROM intake_swept WHERE source = ?");
        query.reset();
        query.bind(1, source);
        if (query.step()) from = query.integer(0);
        query.reset();
    }
    std::vector<Number> gone;
    auto& old = connection_->prepare(
        "SELECT number, state FROM intake_message WHERE source = ? AND number > ? AND received_ms < ? ORDER BY number LIMIT ?");
    old.reset();
    old.bind(1, source).bind(2, from).bind(3, before_ms).bind(4, static_cast<std::int64_t>(count));
    std::size_t looked = 0;
    while (old.step()) {
        ++looked;
        upto = old.integer(0);
        const auto state = static_cast<State>(old.integer(1));
        if (state == State::waiting || state == State::rejected) continue;  // somebody may yet want to see it
        gone.push_back(upto);
    }
    old.reset();
    if (looked == 0) return 0;
    for (const Number number : gone) connection_->prepare("DELETE FROM intake_raw WHERE number = ?").bind(1, number).run();
    if (upto > from) {
        auto& mark = connection_->prepare(
            "INSERT INTO intake_swept (source, number) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET number = "
            "excluded.number");
        mark.bind(1, source).bind(2, upto).run();
    }
    return static_cast<std::int64_t>(looked);
}

}  // namespace xinglin::intake
