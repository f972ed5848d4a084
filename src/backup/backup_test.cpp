// SPDX-License-Identifier: Apache-2.0
// Backups are whole or none, differential ones small, and a record can be had back as of any of its moments.
#include "backup/backup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <random>

#include "access/audit.h"
#include "backup/lines.h"
#include "intake/copy.h"
#include "keys/keys.h"
#include "outbound/copy.h"
#include "sql/sealed.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::backup {
namespace {

const access::Viewer viewer = access::Viewer::program("test");

class Backup : public ::testing::Test {
protected:
    Backup() = default;
    /// In an encrypted folder.
    explicit Backup(const std::string& key) {
        store_.reset();
        fs::remove_all(data_);
        fs::create_directories(data_);
        EXPECT_TRUE(keys::make(data_, keys::Cipher::aes_256_gcm, key, "2026-11-23").ok());
        sql::give_key_places({key});
        store_ = open(data_);
    }
    testing::ScratchFolder scratch_;
    testing::StoppedClock clock_;
    fs::path data_ = scratch_.path() / "data";
    std::unique_ptr<record::Store> store_ = open(data_);

    std::unique_ptr<record::Store> open(const fs::path& folder) {
        return record::Store::open(folder, clock_, {.offset_minutes = std::int16_t{480}}).value();
    }
    void put(int number, std::string_view gender) {
        const std::string text = fmt::format(R"({{"resourceType":"Patient","id":"p{}","gender":"{}","multipleBirthInteger":{}}})",
                                             number, gender, number);
        json::Arena arena;
        const auto ready =
            store_->prepare(*fhir::find_resource("Patient"), "p" + std::to_string(number), *json::parse(text, arena));
        ASSERT_TRUE(store_
                        ->submit_and_wait([&](record::Transaction& t) -> Result<Done> {
                            t.put(ready, number % 2, false);
                            return Done{};
                        })
                        .ok());
        clock_.move(1'000);
    }
    void erase(int number) {
        ASSERT_TRUE(store_
                        ->submit_and_wait([&](record::Transaction& t) -> Result<Done> {
                            t.erase(*fhir::find_resource("Patient"), "p" + std::to_string(number));
                            return Done{};
                        })
                        .ok());
        clock_.move(1'000);
    }
    static std::vector<std::string> history(record::Store& store, record::Position upto) {
        std::vector<std::string> lines;
        store.reader(viewer).changes(0, upto, [&](const record::Change& change) {
            lines.push_back(fmt::format("{} {} {} {} {} {} {}", change.position, change.id, change.version, change.updated_ms,
                                        change.deleted, change.created, change.text));
            return true;
        });
        return lines;
    }
    Result<Manifest> made(const std::string& name, std::optional<std::string> base = {}) {
        Request request{.data = data_, .out = scratch_.path() / name};
        if (base) request.base = scratch_.path() / *base;
        return make(request, clock_, "test");
    }
    Result<Restored> restored(const std::string& name, std::vector<std::string> from,
                              std::optional<record::Position> position = {}, std::optional<std::int64_t> ms = {},
                              std::string store = {}) {
        Restoring request{.data = scratch_.path() / name, .store = std::move(store), .to_position = position, .to_ms = ms};
        for (const std::string& each : from) request.backups.push_back(scratch_.path() / each);
        return restore(request, clock_);
    }
    /// A full backup of ten versions, then two differential ones of five each.
    void three() {
        for (int i = 0; i < 10; ++i) put(i, "male");
        ASSERT_TRUE(made("full").ok());
        for (int i = 0; i < 4; ++i) put(i, "female");
        erase(9);
        ASSERT_TRUE(made("first", "full").ok());
        for (int i = 10; i < 14; ++i) put(i, "other");
        put(9, "male");
        const auto second = made("second", "first");
        ASSERT_TRUE(second.ok()) << second.outcome().line();
        EXPECT_EQ(second->from, 15);
        EXPECT_EQ(second->upto, 20);
        EXPECT_TRUE(second->verified);
        EXPECT_LT(second->bytes(), 2'000u);
    }
    void expect_same(const fs::path& folder, record::Position upto) {
        auto other = open(folder);
        EXPECT_EQ(other->verify(true), std::vector<std::string>{});
        EXPECT_EQ(other->reader(viewer).position(), upto);
        EXPECT_EQ(history(*other, 100), history(*store_, upto));
    }
};

TEST_F(Backup, IsMadeWhileTheStoreIsOpenAndRestoredWithItsWholeHistory) {
    three();
    for (const auto& [name, parts, upto] : {std::tuple{"a", std::vector<std::string>{"full"}, 10},
                                            {"b", {"full", "first"}, 15},
                                            {"c", {"full", "first", "second"}, 20}}) {
        const auto done = restored(name, parts);
        ASSERT_TRUE(done.ok()) << done.outcome().line();
        EXPECT_EQ(done->position, upto);
        expect_same(scratch_.path() / name, upto);
    }
}

TEST_F(Backup, IsRestoredAsOfAnyPositionAndAnyInstant) {
    three();
    const std::int64_t start_ms = clock_.now_ms() - 20'000;
    for (int upto = 0; upto <= 20; ++upto) {
        const auto by_position = restored("p" + std::to_string(upto), {"full", "first", "second"}, upto);
        ASSERT_TRUE(by_position.ok()) << by_position.outcome().line();
        expect_same(scratch_.path() / ("p" + std::to_string(upto)), upto);
        if (upto == 0 || upto % 4) continue;
        const auto by_time =
            restored("t" + std::to_string(upto), {"full", "first", "second"}, {}, start_ms + (upto - 1) * 1'000 + 999);
        ASSERT_TRUE(by_time.ok()) << by_time.outcome().line();
        expect_same(scratch_.path() / ("t" + std::to_string(upto)), upto);
    }
    EXPECT_EQ(restored("late", {"full"}, 11).outcome().issues[0].where, "--to-position");
}

TEST_F(Backup, IsRestoredIntoTheOtherEngine) {
    const std::string address = testing::fresh_postgres();
    if (address.empty()) GTEST_SKIP() << testing::no_postgres;
    three();
    const auto done = restored("pg", {"full", "first", "second"}, {}, {}, address);
    ASSERT_TRUE(done.ok()) << done.outcome().line();
    auto other = record::Store::open(scratch_.path() / "pg", clock_, {.store = address}).value();
    EXPECT_EQ(other->verify(true), std::vector<std::string>{});
    EXPECT_EQ(history(*other, 100), history(*store_, 100));
    // And back again: a full backup of PostgreSQL is lines from the first version on.
    Request request{.out = scratch_.path() / "lines"};
    request.source = [&] {
        return Source{20, 480,
                      [&](auto after, auto upto, const auto& each) { other->reader(viewer).changes(after, upto, each); }};
    };
    ASSERT_TRUE(make(request, clock_, "test").ok());
    ASSERT_TRUE(restored("back", {"lines"}).ok());
    expect_same(scratch_.path() / "back", 20);
}

// What was saved in the pages and who may log in come along, in either engine.
TEST_F(Backup, HoldsSavedViewsAndBringsAccountsAndAuditIntoEitherEngine) {
    const std::string address = testing::fresh_postgres();
    if (address.empty()) GTEST_SKIP() << testing::no_postgres;
    put(1, "male");
    fs::create_directories(data_ / "views");
    const std::string definition = R"({"resourceType":"ViewDefinition","name":"mine"})";
    std::ofstream(data_ / "views" / "mine.json") << definition;
    std::ofstream(data_ / "views" / "mine.json.partial") << "{";  // of a save that broke off
    {
        access::Accounts accounts(data_, clock_);
        ASSERT_TRUE(accounts.add_user("zhang", access::Role::clinician, "张医生", "a long password 1").ok());
        access::Audit audit(data_);
        audit.append({.at_ms = clock_.now_ms(), .who = "zhang", .what = "read"});
    }
    Request request{.data = data_, .views = data_ / "views", .out = scratch_.path() / "full"};
    ASSERT_TRUE(make(request, clock_, "test").ok());
    EXPECT_FALSE(fs::exists(scratch_.path() / "full" / "views" / "mine.json.partial"));

    const auto expect_all = [&](const fs::path& folder, const std::string& store) {
        EXPECT_EQ(testing::read_file(folder / "views" / "mine.json"), definition);
        access::Accounts accounts(folder, clock_, store);
        EXPECT_TRUE(accounts.login("zhang", "a long password 1", "test").ok());
        EXPECT_EQ(access::Audit(folder, store).all(10).total, 1u);
    };
    const auto done = restored("pg", {"full"}, {}, {}, address);
    ASSERT_TRUE(done.ok()) << done.outcome().line();
    expect_all(scratch_.path() / "pg", address);
    EXPECT_FALSE(fs::exists(scratch_.path() / "pg" / "access.db"));
    EXPECT_FALSE(restored("twice", {"full"}, {}, {}, address).ok());

    auto other = record::Store::open(scratch_.path() / "pg", clock_, {.store = address}).value();
    Request back{.store = address, .views = scratch_.path() / "pg" / "views", .out = scratch_.path() / "lines"};
    back.source = [&] {
        return Source{1, 480, [&](auto after, auto upto, const auto& each) { other->reader(viewer).changes(after, upto, each); }};
    };
    const auto lines = make(back, clock_, "test");
    ASSERT_TRUE(lines.ok()) << lines.outcome().line();
    ASSERT_TRUE(restored("back", {"lines"}).ok());
    expect_all(scratch_.path() / "back", "");
    expect_same(scratch_.path() / "back", 1);
}

// Messages, raw texts and sources come along in either engine, and so do mappings of tables.
TEST_F(Backup, CarriesTheLedgerOfMessagesIntoEitherEngine) {
    const std::string address = testing::fresh_postgres();
    if (address.empty()) GTEST_SKIP() << testing::no_postgres;
    put(1, "male");
    fs::create_directories(data_ / "mappings");
    std::ofstream(data_ / "mappings" / "own_1.json") << "{}";
    const std::string raw("a\0b", 3);
    {
        const fs::path none = scratch_.path() / "none.db";
        ASSERT_TRUE(intake::copy_ledger(none.string(), (data_ / "intake.db").string()).ok());  // makes the tables
        auto ledger = sql::open_sqlite(data_ / "intake.db");
        ledger->run(
            "INSERT INTO intake_source (id, definition) VALUES ('h1', '{\"id\":\"h1\"}');"
            "INSERT INTO intake_hour VALUES ('h1', 5, 2, 1, 1, 0, 0, 1, 2);"
            "INSERT INTO intake_event VALUES (2, 7, 'retry', '张三 的重试');"
            "INSERT INTO intake_file VALUES ('h1', 'a.csv', 2, 1); INSERT INTO intake_swept VALUES ('h1', 1);");
        for (int i = 1; i <= 2; ++i) {
            ledger->run(
                fmt::format("INSERT INTO intake_message VALUES ({}, 'h1', 'ADT^A01', 'c{}', {}, -5, {}, 1, 2, 3, 4, 5, 0, "
                            "'PID-3', 'PID-3', '原因', '1,2')",
                            i, i, i * 1'000'000'007LL, i));
            ledger->prepare("INSERT INTO intake_raw (number, packed) VALUES (?, ?)")
                .bind(1, std::int64_t{i})
                .bind_blob(2, raw)
                .run();
        }
    }
    Request request{.data = data_, .mappings = data_ / "mappings", .out = scratch_.path() / "full"};
    ASSERT_TRUE(make(request, clock_, "test").ok());
    const auto expect_all = [&](const std::string& place, const fs::path& folder) {
        EXPECT_EQ(testing::read_file(folder / "mappings" / "own_1.json"), "{}");
        auto ledger = sql::open(place);
        const auto lines = [&](sql::Connection& connection, const char* query) {
            auto& row = connection.prepare(query);
            row.reset();
            std::vector<std::string> all;
            while (row.step()) all.emplace_back(row.text(0));
            return all;
        };
        auto original = sql::open_sqlite(data_ / "intake.db");
        for (const char* query :
             {"SELECT number || source || kind || control_id || print || print_more || state || received_ms || sent_ms || "
              "settled_ms || patient || bytes || of || place || spot || reason || versions FROM intake_message ORDER BY number",
              "SELECT definition FROM intake_source", "SELECT what || detail || at_ms || number FROM intake_event",
              "SELECT source || hour || received || stored || rejected || duplicate || ignored || first || last FROM intake_hour",
              "SELECT source || file || items || done FROM intake_file", "SELECT source || number FROM intake_swept"})
            EXPECT_EQ(lines(*ledger, query), lines(*original, query)) << query;
        EXPECT_EQ(lines(*ledger, "SELECT packed FROM intake_raw ORDER BY number"), (std::vector<std::string>{raw, raw}));
    };
    ASSERT_TRUE(restored("same", {"full"}).ok());
    expect_all((scratch_.path() / "same" / "intake.db").string(), scratch_.path() / "same");
    const auto done = restored("pg", {"full"}, {}, {}, address);
    ASSERT_TRUE(done.ok()) << done.outcome().line();
    expect_all(address, scratch_.path() / "pg");
    EXPECT_FALSE(fs::exists(scratch_.path() / "pg" / "intake.db"));

    auto other = record::Store::open(scratch_.path() / "pg", clock_, {.store = address}).value();
    Request back{.store = address, .mappings = scratch_.path() / "pg" / "mappings", .out = scratch_.path() / "lines"};
    back.source = [&] {
        return Source{1, 480, [&](auto after, auto upto, const auto& each) { other->reader(viewer).changes(after, upto, each); }};
    };
    const auto lines = make(back, clock_, "test");
    ASSERT_TRUE(lines.ok()) << lines.outcome().line();
    ASSERT_TRUE(restored("back", {"lines"}).ok());
    expect_all((scratch_.path() / "back" / "intake.db").string(), scratch_.path() / "back");
}

// Channels, what waits and what was sent come along in either engine, and control ids go on where they stood.
TEST_F(Backup, CarriesTheQueuesOfWhatGoesOutIntoEitherEngine) {
    const std::string address = testing::fresh_postgres();
    if (address.empty()) GTEST_SKIP() << testing::no_postgres;
    put(1, "male");
    const std::string packed("\x28\0\xff", 3);
    {
        const fs::path none = scratch_.path() / "none.db";
        ASSERT_TRUE(outbound::copy_queues(none.string(), (data_ / "outbound.db").string()).ok());  // makes the tables
        auto queues = sql::open_sqlite(data_ / "outbound.db");
        queues->run(
            "INSERT INTO outbound_channel VALUES ('省', '{\"id\":\"省\"}', 7, 1, 2, 3, 4, 0);"
            "INSERT INTO outbound_mark VALUES ('ABCDEF');"
            "INSERT INTO outbound_event VALUES (1, '省', 5, '张三', 'retry', '再送');");
        for (int i = 1; i <= 3; ++i) {
            queues->run(
                fmt::format("INSERT INTO outbound_delivery VALUES ({0}, '省', 'ABCDEF{0}', {1}, -{0}, 1, 2, 3, 4, 5, 6, 7, 8, "
                            "'MSA-1', '原因', 'MSA|AE', 'f{0}')",
                            i, i - 1));
            queues->run(
                fmt::format("INSERT INTO outbound_item VALUES ('省', {0}, 'Patient', 'p{0}', 1, 0, -{0}, 20000, 9, {0}, '')", i));
            queues->prepare("INSERT INTO outbound_payload (number, content_type, size, packed) VALUES (?, 'text/csv', 9, ?)")
                .bind(1, std::int64_t{i})
                .bind_blob(2, packed)
                .run();
        }
    }
    const auto expect_all = [&](const std::string& place) {
        const auto lines = [&](sql::Connection& connection, const char* query) {
            auto& row = connection.prepare(query);
            row.reset();
            std::vector<std::string> all;
            while (row.step()) all.emplace_back(row.text(0));
            return all;
        };
        auto copy = sql::open(place);
        auto original = sql::open_sqlite(data_ / "outbound.db");
        for (const char* query :
             {"SELECT id || definition || position || since || filter_since || cut_ms || revision || built_in FROM "
              "outbound_channel",
              "SELECT mark FROM outbound_mark",
              "SELECT number || channel || control_id || state || lane || items || created_ms || due_ms || first_ms || sent_ms "
              "|| "
              "settled_ms || attempts || bytes || place || reason || receipt || file FROM outbound_delivery ORDER BY number",
              "SELECT channel || position || type || id || version || deleted || lane || day || queued || delivery || withheld "
              "FROM "
              "outbound_item ORDER BY position",
              "SELECT number || content_type || size FROM outbound_payload ORDER BY number",
              "SELECT number || channel || at_ms || who || what || detail FROM outbound_event"})
            EXPECT_EQ(lines(*copy, query), lines(*original, query)) << query;
        EXPECT_EQ(lines(*copy, "SELECT packed FROM outbound_payload"), (std::vector<std::string>{packed, packed, packed}));
    };
    ASSERT_TRUE(make({.data = data_, .out = scratch_.path() / "full"}, clock_, "test").ok());
    ASSERT_TRUE(restored("same", {"full"}).ok());
    expect_all((scratch_.path() / "same" / "outbound.db").string());
    const auto done = restored("pg", {"full"}, {}, {}, address);
    ASSERT_TRUE(done.ok()) << done.outcome().line();
    expect_all(address);
    EXPECT_FALSE(fs::exists(scratch_.path() / "pg" / "outbound.db"));
    auto other = record::Store::open(scratch_.path() / "pg", clock_, {.store = address}).value();
    Request back{.store = address, .out = scratch_.path() / "lines"};
    back.source = [&] {
        return Source{1, 480, [&](auto after, auto upto, const auto& each) { other->reader(viewer).changes(after, upto, each); }};
    };
    const auto lines = make(back, clock_, "test");
    ASSERT_TRUE(lines.ok()) << lines.outcome().line();
    ASSERT_TRUE(restored("back", {"lines"}).ok());
    expect_all((scratch_.path() / "back" / "outbound.db").string());
    // A database that has channels of its own is not written over.
    sql::open(address)->run("UPDATE outbound_mark SET mark = 'GHIJKL'");
    EXPECT_EQ(outbound::copy_queues((data_ / "outbound.db").string(), address).outcome().code(), IssueCode::conflict);
}

// Every table and column of the ledger and of the queues is copied, those too that somebody adds later.
class Copies : public Backup {
protected:
    using Copy = Result<std::int64_t> (*)(const std::string& from, const std::string& to);
    void check(Copy copy_all, const std::string& prefix, std::size_t least, const std::string& of_another) {
        const std::string from = (scratch_.path() / "from.db").string(), to = (scratch_.path() / "to.db").string();
        ASSERT_TRUE(copy_all(from, to).ok());
        auto original = sql::open_sqlite(from);
        std::vector<std::string> tables;
        auto& named = original->prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '" + prefix +
                                        "_%' AND name NOT LIKE '%migration%' ORDER BY name");
        named.reset();
        while (named.step()) tables.emplace_back(named.text(0));
        named.reset();
        ASSERT_GE(tables.size(), least);
        const auto fill = [&](int seed) {
            for (const std::string& table : tables) {
                auto& columns = original->prepare("SELECT type FROM pragma_table_info('" + table + "') ORDER BY cid");
                columns.reset();
                std::string values;
                for (int value = seed; columns.step(); ++value) {
                    const std::string kind(columns.text(0));
                    values += (values.empty() ? "" : ", ") + (kind == "BLOB"      ? fmt::format("x'{:02x}'", value)
                                                              : kind == "INTEGER" ? fmt::format("{}", value)
                                                                                  : fmt::format("'t{}'", value));
                }
                columns.reset();
                original->run(fmt::format("INSERT INTO {} VALUES ({})", table, values));
            }
        };
        const auto expect_same_rows = [&] {
            auto copy = sql::open_sqlite(to);
            copy->run("ATTACH '" + from + "' AS original");
            for (const std::string& table : tables) {
                auto& differing = copy->prepare(
                    fmt::format("SELECT count(*) FROM (SELECT * FROM original.{0} EXCEPT SELECT * FROM main.{0})", table));
                differing.reset();
                ASSERT_TRUE(differing.step());
                EXPECT_EQ(differing.integer(0), 0) << table;
            }
        };
        fill(1);
        EXPECT_EQ(copy_all(from, to).value(), 1);
        expect_same_rows();
        fill(100);  // an earlier copy is made anew, another's is not overwritten
        EXPECT_EQ(copy_all(from, to).value(), 2);
        expect_same_rows();
        EXPECT_EQ(copy_all(from, to).value(), 2);
        const std::string strange = (scratch_.path() / "strange.db").string();
        ASSERT_TRUE(copy_all((scratch_.path() / "empty.db").string(), strange).ok());
        sql::open_sqlite(strange)->run(of_another);
        EXPECT_EQ(copy_all(from, strange).outcome().code(), IssueCode::conflict);
    }
};
TEST_F(Copies, OfTheLedgerLackNoTableAndKeepWhatIsThere) {
    check(&intake::copy_ledger, "intake", 7, "INSERT INTO intake_source (id, definition) VALUES ('mine', '{}')");
}
TEST_F(Copies, OfTheQueuesLackNoTableAndKeepWhatIsThere) {
    check(&outbound::copy_queues, "outbound", 6, "INSERT INTO outbound_mark (mark) VALUES ('GHIJKL')");
}

TEST_F(Backup, NamesThePartThatIsMissingWrongOrDamaged) {
    three();
    const auto line = [&](std::vector<std::string> parts) {
        const auto done = restored("never", std::move(parts));
        EXPECT_FALSE(fs::exists(scratch_.path() / "never"));
        return done.ok() ? std::string("restored") : done.outcome().line();
    };
    const std::string at = scratch_.path().string();
    EXPECT_EQ(line({}), "FOLDER: name a backup");
    EXPECT_EQ(line({"first"}), at + "/first: is a differential backup, name the full one it continues before it");
    EXPECT_EQ(line({"full", "second"}), at + "/second: does not continue " + at + "/full, name its own base before it");
    EXPECT_EQ(line({"full", "full"}), at + "/full: is a full backup, name one full backup and then its differential ones");
    EXPECT_EQ(line({"nowhere"}), at + "/nowhere/manifest.json: cannot be read, name a folder made by `xinglin backup`");
    fs::rename(scratch_.path() / "first/changes.ndjson.gz", scratch_.path() / "away");
    EXPECT_EQ(line({"full", "first"}), at + "/first/changes.ndjson.gz: is missing from the backup, use another backup");
    fs::rename(scratch_.path() / "away", scratch_.path() / "first/changes.ndjson.gz");
    // Any flipped bit of any file, the manifest included.
    std::mt19937_64 random(testing::seed());
    for (const char* name : {"full/record.db", "full/manifest.json", "first/changes.ndjson.gz", "first/manifest.json"}) {
        const fs::path path = scratch_.path() / name;
        const std::string whole = testing::read_file(path);
        for (int i = 0; i < 40; ++i) {
            std::string changed = whole;
            changed[random() % changed.size()] ^= static_cast<char>(1 << random() % 8);
            std::ofstream(path, std::ios::binary) << changed;
            const std::string said = line({"full", "first"});
            // White space between the members of a manifest says nothing.
            if (said == "restored") {
                EXPECT_TRUE(std::string_view(name).ends_with(".json"));
                fs::remove_all(scratch_.path() / "never");
            } else {
                EXPECT_TRUE(said.starts_with(path.string()) || said.find("does not continue") != std::string::npos) << said;
            }
        }
        std::ofstream(path, std::ios::binary) << whole;
    }
    EXPECT_FALSE(made("full").ok());  // is there already
    store_.reset();
    fs::remove_all(data_);
    store_ = open(data_);
    put(1, "male");
    EXPECT_NE(made("other", "full").outcome().line().find("it is not a backup of this record"), std::string::npos);
}

TEST_F(Backup, OnAFullDiskLeavesNothingThatLooksWhole) {
    three();
    signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    for (const rlim_t limit : {0u, 100u, 300u, 5'000u, 60'000u}) {
        for (const bool differential : {false, true}) {
            const rlimit small{limit, before.rlim_max};
            setrlimit(RLIMIT_FSIZE, &small);
            const auto done = differential ? made("small", "full") : made("small");
            setrlimit(RLIMIT_FSIZE, &before);
            if (differential && limit >= 5'000) {
                EXPECT_TRUE(done.ok());
                fs::remove_all(scratch_.path() / "small");
                continue;
            }
            ASSERT_FALSE(done.ok()) << limit;
            EXPECT_NE(done.outcome().line().find("nothing is left of it"), std::string::npos) << done.outcome().line();
            EXPECT_FALSE(fs::exists(scratch_.path() / "small"));
        }
    }
    ASSERT_TRUE(made("small").ok());
}

TEST_F(Backup, AreListedNewestFirst) {
    three();
    const auto all = list(scratch_.path());
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].folder.filename(), "second");
    EXPECT_TRUE(all[0].manifest.is_differential);
    EXPECT_FALSE(all[2].manifest.is_differential);
}

class EncryptedBackup : public Backup {
protected:
    static std::string key() {
        ::setenv("XINGLIN_TEST_KEY", std::string(64, '3').c_str(), 1);
        return "env:XINGLIN_TEST_KEY";
    }
    EncryptedBackup() : Backup(key()) {}
    ~EncryptedBackup() override { sql::give_key_places({}); }
    Manifest make_one(const std::string& name, const std::string& base = "") {
        Request request{.data = data_, .out = scratch_.path() / name};
        if (!base.empty()) request.base = scratch_.path() / base;
        auto made = make(request, clock_, "test");
        EXPECT_TRUE(made.ok()) << made.outcome().line();
        return made.ok() ? *made : Manifest{};
    }
};

TEST_F(EncryptedBackup, HoldsNothingPlainAndComesBackUnderKeysOfItsOwn) {
    for (int i = 0; i < 20; ++i) put(i, "female");
    make_one("full");
    ASSERT_EQ(*keys::rotate(data_, {key()}, "2026-11-24"), 2u);
    for (int i = 20; i < 40; ++i) put(i, "male");
    EXPECT_TRUE(make_one("changes", "full").is_differential);
    for (const char* part : {"full", "changes"}) {
        for (const auto& entry : fs::directory_iterator(scratch_.path() / part)) {
            if (!entry.is_regular_file() || entry.path().extension() == ".json") continue;
            const std::string text = testing::read_file(entry.path());
            EXPECT_FALSE(text.starts_with("SQLite")) << entry.path();
            EXPECT_FALSE(text.starts_with("\x1f\x8b")) << entry.path();
            EXPECT_EQ(text.find("multipleBirth"), std::string::npos) << entry.path();
        }
    }
    const auto whole = history(*store_, 1'000);
    for (const record::Position upto : {record::Position{40}, record::Position{7}}) {
        const fs::path again = scratch_.path() / ("again" + std::to_string(upto));
        fs::create_directories(again);
        ASSERT_TRUE(keys::make(again, keys::Cipher::sm4_ctr_hmac_sm3, key(), "2026-11-25").ok());
        Restoring request{.backups = {scratch_.path() / "full", scratch_.path() / "changes"}, .data = again};
        request.to_position = upto;
        const auto restored = restore(request, clock_);
        ASSERT_TRUE(restored.ok()) << restored.outcome().line();
        EXPECT_EQ(history(*open(again), 1'000), std::vector<std::string>(whole.begin(), whole.begin() + upto));
        EXPECT_TRUE(sql::is_sealed_file(again / "record.db"));
    }
}

// Apps, cards and the keys in files: sealed in the backup, in their places afterwards, nothing else taken.
TEST_F(EncryptedBackup, HoldsAppsCardsAndThePrivateKeysThatLieInFiles) {
    for (const char* name : {"oauth.db", "card.db"})
        sql::open_sqlite(data_ / name)->run("CREATE TABLE known (name TEXT); INSERT INTO known VALUES ('app')");
    const auto write = [&](const char* name) {
        fs::create_directories((data_ / name).parent_path());
        std::ofstream(data_ / name) << "PRIVATE WORDS of " << name;
    };
    for (const char* name : {"card/0a1b-es256.pem", "secrets/oauth-abc.pem", "secrets/card-key", "card/note.txt"}) write(name);
    make_one("full");
    for (const auto& entry : fs::directory_iterator(scratch_.path() / "full"))
        EXPECT_EQ(testing::read_file(entry.path()).find("PRIVATE WORDS"), std::string::npos) << entry.path();
    const fs::path again = scratch_.path() / "again";
    fs::create_directories(again);
    ASSERT_TRUE(keys::make(again, keys::Cipher::aes_256_gcm, key(), "2026-11-25").ok());
    const auto restored = restore({.backups = {scratch_.path() / "full"}, .data = again}, clock_);
    ASSERT_TRUE(restored.ok()) << restored.outcome().line();
    for (const char* name : {"card/0a1b-es256.pem", "secrets/oauth-abc.pem"}) {
        EXPECT_EQ(testing::read_file(again / name), std::string("PRIVATE WORDS of ") + name);
        EXPECT_EQ(fs::status(again / name).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    }
    EXPECT_FALSE(fs::exists(again / "secrets" / "card-key"));
    EXPECT_FALSE(fs::exists(again / "card" / "note.txt"));
    for (const char* name : {"oauth.db", "card.db"}) {
        const auto connection = sql::open_sqlite(again / name);
        EXPECT_TRUE(connection->prepare("SELECT name FROM known").step());
        EXPECT_TRUE(sql::is_sealed_file(again / name));
    }
}

TEST_F(EncryptedBackup, LinesThatWereChangedOrCutOffAreRefused) {
    put(0, "female");
    make_one("full");
    for (int i = 1; i < 30; ++i) put(i, "male");
    const Manifest made = make_one("changes", "full");
    const fs::path file = scratch_.path() / "changes" / "changes.ndjson.gz";
    const std::string whole = testing::read_file(file);
    const auto reads = [&](const std::string& text) {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
        try {
            return read_lines(file, [](const record::Change&) -> Result<bool> { return true; }).ok();
        } catch (const sql::Broken& broken) {
            return broken.why != sql::Broken::Why::corrupt;
        }
    };
    EXPECT_TRUE(reads(whole));
    for (std::size_t byte = 0; byte < whole.size(); byte += 7) {
        std::string changed = whole;
        changed[byte] = static_cast<char>(changed[byte] ^ 4);
        EXPECT_FALSE(reads(changed)) << byte;
    }
    for (std::size_t size = 0; size < whole.size(); size += 50) EXPECT_FALSE(reads(whole.substr(0, size))) << size;
}

TEST_F(EncryptedBackup, APlainOneIsEncryptedWhenItComesBack) {
    for (int i = 0; i < 5; ++i) put(i, "female");
    store_.reset();
    fs::remove(data_ / keys::file_name);
    fs::remove_all(data_);
    store_ = open(data_);
    for (int i = 0; i < 5; ++i) put(i, "female");
    make_one("plain");
    const fs::path again = scratch_.path() / "again";
    fs::create_directories(again);
    ASSERT_TRUE(keys::make(again, keys::Cipher::aes_256_gcm, key(), "2026-11-25").ok());
    const auto restored = restore({.backups = {scratch_.path() / "plain"}, .data = again}, clock_);
    ASSERT_TRUE(restored.ok()) << restored.outcome().line();
    EXPECT_TRUE(sql::is_sealed_file(again / "record.db"));
    EXPECT_EQ(history(*open(again), 1'000).size(), 5u);
}

}  // namespace
}  // namespace xinglin::backup
