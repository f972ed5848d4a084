// SPDX-License-Identifier: Apache-2.0
// The tables of the audit, and the adoption of lines that were written before there was a chain.
#include "access/audit_table.h"

namespace xinglin::access {

namespace {

constexpr std::int64_t adopted_at_once = 5'000;

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
)sql"},
                                         {2, R"sql(
    ALTER TABLE audit_access ADD COLUMN display TEXT NOT NULL DEFAULT '';        -- the name of who, as it was then
    ALTER TABLE audit_access ADD COLUMN practitioner TEXT NOT NULL DEFAULT '';   -- id of the Practitioner who is
    ALTER TABLE audit_access ADD COLUMN institution TEXT NOT NULL DEFAULT '';    -- id of the Organization who works for
    ALTER TABLE audit_access ADD COLUMN authorisation TEXT NOT NULL DEFAULT '';  -- what allowed it beside the rules
    ALTER TABLE audit_access ADD COLUMN reason TEXT NOT NULL DEFAULT '';         -- why refused; why in an emergency
    ALTER TABLE audit_access ADD COLUMN hash BLOB;                               -- SM3 of the line and of the hash before
    CREATE INDEX audit_access_at ON audit_access (at_ms);
    CREATE INDEX audit_access_emergency ON audit_access (row) WHERE what = 'break-glass';
    CREATE TABLE audit_checkpoint (
        number INTEGER PRIMARY KEY,   -- 1, 2, 3 without gaps
        row INTEGER NOT NULL,         -- the line it stands on
        at_ms INTEGER NOT NULL,
        hash BLOB NOT NULL,           -- of that line
        signer BLOB NOT NULL,         -- public point of the key, 64 bytes
        signature BLOB NOT NULL
    );
    /*lite*/
    CREATE TRIGGER audit_access_unchanged BEFORE UPDATE ON audit_access WHEN old.hash IS NOT NULL BEGIN
        SELECT RAISE(ABORT, 'the audit is only added to');
    END;
    CREATE TRIGGER audit_access_kept BEFORE DELETE ON audit_access BEGIN
        SELECT RAISE(ABORT, 'the audit is only added to');
    END;
    CREATE TRIGGER audit_checkpoint_unchanged BEFORE UPDATE ON audit_checkpoint BEGIN
        SELECT RAISE(ABORT, 'the audit is only added to');
    END;
    CREATE TRIGGER audit_checkpoint_kept BEFORE DELETE ON audit_checkpoint BEGIN
        SELECT RAISE(ABORT, 'the audit is only added to');
    END;
    /*pg
    CREATE FUNCTION audit_only_added_to() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''the audit is only added to''; END';
    CREATE TRIGGER audit_access_unchanged BEFORE UPDATE ON audit_access FOR EACH ROW WHEN (old.hash IS NOT NULL)
        EXECUTE FUNCTION audit_only_added_to();
    CREATE TRIGGER audit_access_kept BEFORE DELETE ON audit_access FOR EACH ROW EXECUTE FUNCTION audit_only_added_to();
    CREATE TRIGGER audit_access_whole BEFORE TRUNCATE ON audit_access FOR EACH STATEMENT EXECUTE FUNCTION audit_only_added_to();
    CREATE TRIGGER audit_checkpoint_unchanged BEFORE UPDATE OR DELETE ON audit_checkpoint FOR EACH ROW
        EXECUTE FUNCTION audit_only_added_to();
    CREATE TRIGGER audit_checkpoint_whole BEFORE TRUNCATE ON audit_checkpoint FOR EACH STATEMENT
        EXECUTE FUNCTION audit_only_added_to();
    */
)sql"}};

/// Chains the next lines that have no hash, oldest first; false when there was none left.
bool adopt_some(sql::Connection& connection) {
    return sql::transaction(connection, [&] {
        // Lines without a hash are all older than the first with one, or they were slipped in: those stay and are found.
        auto& chained = connection.prepare("SELECT count(*) FROM audit_checkpoint");
        chained.reset();
        const bool is_old = !chained.step() || chained.integer(0) == 0;
        chained.reset();
        if (!is_old) return false;
        auto& last = connection.prepare("SELECT row, hash FROM audit_access WHERE hash IS NOT NULL ORDER BY row DESC LIMIT 1");
        last.reset();
        Head head;
        if (last.step()) head = {last.integer(0), std::string(last.text(1))};
        last.reset();
        std::vector<Access> lines;
        auto& old = connection.prepare("SELECT " XINGLIN_AUDIT_COLUMNS " FROM audit_access WHERE row > ? ORDER BY row LIMIT ?");
        old.bind(1, head.row).bind(2, adopted_at_once);
        while (old.step()) lines.push_back(read_line(old));
        old.reset();
        for (const Access& line : lines) {
            head.hash = link(head.hash, line);
            connection.prepare("UPDATE audit_access SET hash = ? WHERE row = ?").bind_blob(1, head.hash).bind(2, line.row).run();
        }
        if (lines.empty()) return false;
        if (lines.size() == adopted_at_once) return true;
        Access adopted;
        adopted.row = lines.back().row + 1;
        adopted.at_ms = lines.back().at_ms;
        adopted.who = "xinglin";
        adopted.role = text(Role::system);
        adopted.what = "audit-chain";
        adopted.detail = "lines 1 to " + std::to_string(lines.back().row) + " were there before the chain";
        insert(connection, adopted, link(head.hash, adopted));
        return false;
    });
}

}  // namespace

std::string audit_place(const std::filesystem::path& folder, const std::string& store) {
    return store.empty() ? (folder / "audit.db").string() : store;
}

std::unique_ptr<sql::Connection> open_audit(const std::string& place) {
    auto connection = sql::open(place, {.cache_bytes = 2 << 20, .lane = "audit"});
    sql::migrate(*connection, "audit", migrations);
    auto& unchained = connection->prepare("SELECT hash IS NULL FROM audit_access ORDER BY row DESC LIMIT 1");
    unchained.reset();
    const bool is_old = unchained.step() && unchained.integer(0) != 0;
    unchained.reset();
    while (is_old && adopt_some(*connection)) {}
    return connection;
}

Head head_of(sql::Connection& connection) {
    auto& newest = connection.prepare("SELECT row, hash FROM audit_access ORDER BY row DESC LIMIT 1");
    newest.reset();
    Head head;
    if (newest.step()) {
        head.row = newest.integer(0);
        if (const auto hash = newest.text(1); hash.size() == hash_bytes) head.hash = hash;
    }
    newest.reset();
    return head;
}

void insert(sql::Connection& connection, const Access& line, std::string_view hash) {
    constexpr std::string_view insert_sql = "INSERT INTO audit_access (" XINGLIN_AUDIT_COLUMNS
                                            ", hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sql::Statement& statement = connection.prepare(insert_sql);
    statement.bind(1, line.row).bind(2, line.at_ms);
    int at = 3;
    for (const std::string* field : {&line.who, &line.role, &line.what, &line.type, &line.id, &line.patient, &line.purpose,
                                     &line.detail, &line.trace_id, &line.peer})
        statement.bind(at++, *field);
    statement.bind(13, std::int64_t{line.status}).bind(14, std::int64_t{line.count});
    at = 15;
    for (const std::string* field : {&line.display, &line.practitioner, &line.institution, &line.authorisation, &line.reason})
        statement.bind(at++, *field);
    statement.bind_blob(20, hash).run();
}

Access read_line(const sql::Statement& row) {
    Access line;
    line.row = row.integer(0);
    line.at_ms = row.integer(1);
    int at = 2;
    for (std::string* field : {&line.who, &line.role, &line.what, &line.type, &line.id, &line.patient, &line.purpose,
                               &line.detail, &line.trace_id, &line.peer})
        *field = row.text(at++);
    line.status = static_cast<int>(row.integer(12));
    line.count = static_cast<std::uint32_t>(row.integer(13));
    // A number that we never wrote must not be read as one that we did.
    if (line.status != row.integer(12) || line.count != row.integer(13)) line.status = -1;
    at = 14;
    for (std::string* field : {&line.display, &line.practitioner, &line.institution, &line.authorisation, &line.reason})
        *field = row.text(at++);
    return line;
}

Checkpoint read_checkpoint(const sql::Statement& row) {
    Checkpoint checkpoint;
    checkpoint.number = row.integer(0);
    checkpoint.row = row.integer(1);
    checkpoint.at_ms = row.integer(2);
    checkpoint.hash = row.text(3);
    checkpoint.key = row.text(4);
    checkpoint.signature = row.text(5);
    return checkpoint;
}

std::optional<Checkpoint> newest_checkpoint(sql::Connection& connection) {
    auto& newest = connection.prepare("SELECT " XINGLIN_CHECKPOINT_COLUMNS " FROM audit_checkpoint ORDER BY number DESC LIMIT 1");
    newest.reset();
    std::optional<Checkpoint> checkpoint;
    if (newest.step()) checkpoint = read_checkpoint(newest);
    newest.reset();
    return checkpoint;
}

void insert(sql::Connection& connection, const Checkpoint& checkpoint) {
    auto& add = connection.prepare("INSERT INTO audit_checkpoint (" XINGLIN_CHECKPOINT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)");
    add.bind(1, checkpoint.number).bind(2, checkpoint.row).bind(3, checkpoint.at_ms).bind_blob(4, checkpoint.hash);
    add.bind_blob(5, checkpoint.key).bind_blob(6, checkpoint.signature).run();
}

}  // namespace xinglin::access
