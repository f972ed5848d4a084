// SPDX-License-Identifier: Apache-2.0
// The index's tables, beside those of groups.cpp.
#include "person/changes.h"
#include "person/keeper.h"

namespace xinglin::person {

namespace {

// Everything here can be had again from the record.
constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE person_key (
        key    INTEGER NOT NULL,         -- print of what two records of one person are likely to share
        record INTEGER NOT NULL,
        PRIMARY KEY (key, record)
    ) WITHOUT ROWID;
    CREATE TABLE person_value (
        role  INTEGER NOT NULL,
        print INTEGER NOT NULL,          -- 0: all that have any
        n     INTEGER NOT NULL,
        PRIMARY KEY (role, print)
    ) WITHOUT ROWID;
    CREATE TABLE person_ruling (
        seq      INTEGER PRIMARY KEY,    -- its feed position
        id       TEXT NOT NULL,          -- of the Basic
        kind     TEXT NOT NULL,
        a        INTEGER NOT NULL,       -- records; 0: none
        b        INTEGER NOT NULL,
        members  TEXT NOT NULL,          -- Patient ids, one a line
        target   INTEGER NOT NULL,       -- seq of what is undone
        proposal TEXT NOT NULL,
        who      TEXT NOT NULL,
        why      TEXT NOT NULL,
        at_ms    INTEGER NOT NULL,
        off      INTEGER NOT NULL,       -- undone
        void     INTEGER NOT NULL        -- had no effect
    );
    CREATE UNIQUE INDEX person_ruling_id ON person_ruling (id);
    CREATE INDEX person_ruling_a ON person_ruling (a);
    CREATE INDEX person_ruling_b ON person_ruling (b);
    CREATE INDEX person_ruling_target ON person_ruling (target) WHERE target > 0;
    CREATE TABLE person_spoken (         -- which records a ruling is about, beside a and b
        record INTEGER NOT NULL,
        seq    INTEGER NOT NULL,
        PRIMARY KEY (record, seq)
    ) WITHOUT ROWID;
    CREATE TABLE person_task (
        number      INTEGER PRIMARY KEY,
        kind        TEXT NOT NULL,
        a           INTEGER NOT NULL,
        b           INTEGER NOT NULL,
        log_odds    REAL NOT NULL,
        agreement   INTEGER NOT NULL,
        opened_ms   INTEGER NOT NULL,
        closed_ms   INTEGER NOT NULL,
        closed_by   INTEGER NOT NULL,    -- seq of the ruling that answered it; 0: none
        later_ms    INTEGER NOT NULL,
        state       TEXT NOT NULL,       -- open, done, gone
        claimed_by  TEXT NOT NULL,
        claimed_ms  INTEGER NOT NULL,
        proposal    TEXT NOT NULL,
        proposed_by TEXT NOT NULL
    );
    CREATE INDEX person_task_a ON person_task (a);
    CREATE INDEX person_task_b ON person_task (b);
    CREATE INDEX person_task_state ON person_task (state, number);
    CREATE INDEX person_task_closed ON person_task (closed_by) WHERE closed_by > 0;
    CREATE TABLE person_state (
        only      INTEGER PRIMARY KEY,
        position  INTEGER NOT NULL,      -- of the feed
        filled_at INTEGER NOT NULL,      -- position the first filling is of; 0: none was
        filling   INTEGER NOT NULL,
        people    INTEGER NOT NULL,      -- persons with a record that is not deleted
        records   INTEGER NOT NULL,      -- not deleted
        model     TEXT NOT NULL          -- learned by the filling; '' before
    );
    INSERT INTO person_state VALUES (1, 0, 0, 0, 0, 0, '');
)sql"},
                                         {2, R"sql(
    CREATE TABLE person_source (         -- living records; linked: of a person of two or more; duplicates: further ones of one person
        source TEXT PRIMARY KEY, records INTEGER NOT NULL, linked INTEGER NOT NULL, with_id INTEGER NOT NULL, duplicates INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE person_born (           -- living records by year of birth; 0: not told
        year INTEGER PRIMARY KEY, records INTEGER NOT NULL, with_id INTEGER NOT NULL
    );
    CREATE TABLE person_open (           -- open tasks
        kind TEXT PRIMARY KEY, n INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE person_reviewer (       -- who decided how often, with effect
        who TEXT PRIMARY KEY, decided INTEGER NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO person_open SELECT kind, count(*) FROM person_task WHERE state = 'open' GROUP BY kind;
    INSERT INTO person_reviewer SELECT who, count(*) FROM person_ruling WHERE void = 0 AND kind IN ('link', 'apart', 'split', 'propose')
        GROUP BY who;
    CREATE TRIGGER person_task_opened AFTER INSERT ON person_task WHEN new.state = 'open' BEGIN
        INSERT INTO person_open VALUES (new.kind, 1) ON CONFLICT (kind) DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER person_task_moved AFTER UPDATE OF state ON person_task WHEN (new.state = 'open') <> (old.state = 'open') BEGIN
        UPDATE person_open SET n = n + (CASE WHEN new.state = 'open' THEN 1 ELSE -1 END) WHERE kind = new.kind;
    END;
    CREATE TRIGGER person_task_lost AFTER DELETE ON person_task WHEN old.state = 'open' BEGIN
        UPDATE person_open SET n = n - 1 WHERE kind = old.kind;
    END;
    CREATE TRIGGER person_ruling_told AFTER INSERT ON person_ruling
        WHEN new.void = 0 AND new.kind IN ('link', 'apart', 'split', 'propose') BEGIN
        INSERT INTO person_reviewer VALUES (new.who, 1) ON CONFLICT (who) DO UPDATE SET decided = decided + 1;
    END;
    CREATE INDEX person_task_open ON person_task (opened_ms) WHERE state = 'open';
    CREATE INDEX person_task_queue ON person_task (state, later_ms, kind, claimed_by);
    CREATE INDEX person_task_claimed ON person_task (claimed_by) WHERE state = 'open' AND claimed_by <> '';
    ALTER TABLE person_state ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;  -- person_source and person_born are right
)sql"}};

}  // namespace

void make_tables(sql::Connection& connection) {
    auto& known = connection.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'person_record'");
    known.step();
    const bool there = known.integer(0) > 0;
    known.reset();
    if (!there) sql::transaction(connection, [&] { Groups::make_tables(connection); });
    sql::migrate(connection, "person", migrations);
    make_change_table(connection);
}

}  // namespace xinglin::person
