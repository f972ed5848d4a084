// SPDX-License-Identifier: Apache-2.0
// PostgreSQL alone: how our SQL is translated, and connections that are lost at every moment.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "sql/dialect.h"
#include "sql/sql.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::sql {
namespace {

TEST(Dialect, TurnsPlainSqlIntoPostgres) {
    EXPECT_EQ(to_postgres("SELECT a FROM t WHERE b = ? AND c = '?' AND d = ?"),
              "SELECT a FROM t WHERE b = $1 AND c = '?' AND d = $2");
    EXPECT_EQ(to_postgres("UPDATE t SET a = max(a, ?), b = (SELECT max(b) FROM u) /*pg WHERE p = ?1 >> 20*/"),
              "UPDATE t SET a = GREATEST(a, $1), b = (SELECT max(b) FROM u)  WHERE p = $1 >> 20");
    EXPECT_EQ(to_postgres("CREATE TABLE t (text TEXT, n INTEGER /*lite*/ PRIMARY KEY /*pg NOT NULL*/, b BLOB) WITHOUT ROWID"),
              "CREATE TABLE t (text TEXT COLLATE \"C\", n BIGINT  NOT NULL, b BYTEA)  ");
    EXPECT_EQ(to_postgres("PRAGMA synchronous = FULL; -- a word; and another\nPRAGMA x"), "");
    EXPECT_EQ(to_postgres("INSERT INTO t (text) VALUES ('it''s -- /* no comment ; */')"),
              "INSERT INTO t (text) VALUES ('it''s -- /* no comment ; */')");
}

TEST(Dialect, BatchesOnlyPlainInserts) {
    const auto batch = as_batch("INSERT INTO t (a, b, p) VALUES ($1, 'x', $1 >> 20) ON CONFLICT DO NOTHING");
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->text({"int8"}),
              "INSERT INTO t (a, b, p) SELECT r.c1, 'x', r.c1 >> 20 FROM unnest($1::int8[]) AS r(c1) ON CONFLICT DO NOTHING");
    EXPECT_FALSE(as_batch("INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = 1"));
    EXPECT_FALSE(as_batch("INSERT INTO t (a) VALUES ($1) RETURNING a"));
    EXPECT_FALSE(as_batch("INSERT INTO t (a) VALUES ((SELECT max(a) FROM t) + $1)"));
    EXPECT_FALSE(as_batch("INSERT INTO t (a) SELECT $1"));
    EXPECT_FALSE(as_batch("INSERT INTO t (a) VALUES (1)"));
}

TEST(Dialect, HidesPasswords) {
    EXPECT_EQ(without_password("postgres://me:secret@host/x?password=other&a=b"), "postgres://me:…@host/x?password=…&a=b");
    EXPECT_EQ(without_password("postgres://me@host:5432/x"), "postgres://me@host:5432/x");
    EXPECT_EQ(without_password("/a/file.db"), "/a/file.db");
}

TEST(Arrays, AreLookedUpInOneStatementAndOnlyOnPostgres) {
    const std::string place = testing::fresh_postgres();
    if (place.empty()) GTEST_SKIP() << testing::no_postgres;
    const auto db = open(place);
    db->run("CREATE TABLE t (id BLOB PRIMARY KEY, n INTEGER)");
    using namespace std::string_literals;
    const std::vector<std::string> ids{"a", "\0\xff"s, "", std::string(70'000, 'x')};
    transaction(*db, [&] {
        std::int64_t n = -2;
        for (const std::string& id : ids) db->prepare("INSERT INTO t (id, n) VALUES (?, ?)").bind_blob(1, id).bind(2, n++).run();
    });
    auto& query =
        db->prepare("SELECT t.n FROM unnest(?::bytea[], ?::int8[]) AS w(id, n) JOIN t ON t.id = w.id AND t.n = w.n ORDER BY t.n");
    const auto found = [&](const std::vector<std::string>& some, const std::vector<std::int64_t>& numbers) {
        query.bind_many(1, std::span(some)).bind_many(2, std::span(numbers));
        std::vector<std::int64_t> all;
        while (query.step()) all.push_back(query.integer(0));
        return all;
    };
    EXPECT_EQ(found(ids, {-2, -1, 0, 1}), (std::vector<std::int64_t>{-2, -1, 0, 1}));
    EXPECT_EQ(found({"a", "b"}, {-2, -1}), (std::vector<std::int64_t>{-2}));
    EXPECT_EQ(found({}, {}), std::vector<std::int64_t>{});
    EXPECT_EQ(found({"a"}, {INT64_MIN}), std::vector<std::int64_t>{});
    const testing::ScratchFolder folder;
    const auto lite = open_sqlite(folder.path() / "t.db");
    const std::int64_t one[] = {1};
    EXPECT_THROW(lite->prepare("SELECT ?").bind_many(1, std::span<const std::int64_t>(one)), Broken);
}

/// Stands between a connection and the server, and tears the line when it is told to.
class Proxy {
public:
    enum class Tear { never, before_commit, after_commit };

    explicit Proxy(std::string server_folder) : server_folder_(std::move(server_folder)) {
        listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_un at = address(folder_.path().string());
        EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
        listen(listener_, 8);
        acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
    }
    ~Proxy() {
        acceptor_.request_stop();
        shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        for (std::jthread& line : lines_) line.request_stop();
        lines_.clear();
        close(listener_);
    }
    std::string folder() const { return folder_.path().string(); }
    std::atomic<Tear> tear{Tear::never};

private:
    static sockaddr_un address(const std::string& folder) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (folder + "/.s.PGSQL.5432").copy(address.sun_path, sizeof address.sun_path - 1);
        return address;
    }
    void accept_all(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) return;
            const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            const sockaddr_un at = address(server_folder_);
            if (connect(server, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
                close(client);
                close(server);
                continue;
            }
            lines_.emplace_back([this, client, server](const std::stop_token& ending) { carry(client, server, ending); });
        }
    }
    void carry(int client, int server, const std::stop_token& stop) {
        char bytes[65536];
        bool committing = false, torn = false;
        for (bool open = true; open && !stop.stop_requested();) {
            pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
            if (poll(ends, 2, 50) <= 0) continue;
            if (ends[0].revents) {
                const ssize_t got = read(client, bytes, sizeof bytes);
                const bool commits =
                    got > 0 && std::string_view(bytes, static_cast<std::size_t>(got)).find(std::string_view("COMMIT\0", 7)) !=
                                   std::string_view::npos;
                torn = torn || (commits && tear != Tear::never);
                if (torn && tear == Tear::before_commit) break;
                committing = torn;
                open = got > 0 && send(server, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
            }
            if (open && ends[1].revents) {
                const ssize_t got = read(server, bytes, sizeof bytes);
                if (committing) break;  // it is done, and nobody is told
                open = got > 0 && send(client, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
            }
        }
        if (torn) tear = Tear::never;
        close(client);
        close(server);
    }
    testing::ScratchFolder folder_;
    std::string server_folder_;
    int listener_ = -1;
    std::vector<std::jthread> lines_;
    std::jthread acceptor_;
};

class Lost : public ::testing::Test {
protected:
    void SetUp() override {
        place_ = testing::fresh_postgres();
        if (place_.empty()) GTEST_SKIP() << testing::no_postgres;
        db_ = open(place_);
        other_ = open(place_);
        db_->run("CREATE TABLE t (a INTEGER PRIMARY KEY)");
    }
    void add(Connection& connection, std::int64_t a) { connection.prepare("INSERT INTO t (a) VALUES (?)").bind(1, a).run(); }
    std::int64_t sum(Connection& connection) {
        Statement& row = connection.prepare("SELECT coalesce(sum(a), 0) FROM t");
        const std::int64_t value = row.step() ? row.integer(0) : -1;
        row.reset();
        return value;
    }
    /// Ends every session but the other one's.
    void cut() {
        Statement& end = other_->prepare(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
            "application_name = 'xinglin'");
        end.step();
        end.reset();
    }
    static Broken::Why why(const std::function<void()>& act) {
        try {
            act();
        } catch (const Broken& error) {
            return error.why;
        }
        return Broken::Why::other;
    }
    std::string place_;
    std::unique_ptr<Connection> db_, other_;
};

TEST_F(Lost, BetweenTransactionsNobodyNotices) {
    cut();
    EXPECT_EQ(sum(*db_), 0);
    cut();
    transaction(*db_, [&] { add(*db_, 1); });

    cut();
    db_->begin_read();
    EXPECT_EQ(sum(*db_), 1);
    db_->commit();
    cut();
    transaction(*db_, [&] { add(*db_, sum(*db_) + 1); });
    EXPECT_EQ(sum(*db_), 3);
}

TEST_F(Lost, InMidTransactionNothingIsStoredAndTheNextOneWorks) {
    EXPECT_EQ(why([&] {
                  transaction(*db_, [&] {
                      add(*db_, 1);
                      EXPECT_EQ(sum(*db_), 1);
                      cut();
                      add(*db_, 2);
                      sum(*db_);
                  });
              }),
              Broken::Why::lost);
    EXPECT_FALSE(db_->in_transaction());
    EXPECT_EQ(sum(*db_), 0);
    EXPECT_EQ(why([&] {
                  transaction(*db_, [&] {
                      add(*db_, 1);
                      EXPECT_EQ(sum(*db_), 1);
                      cut();
                  });
              }),
              Broken::Why::lost);
    transaction(*db_, [&] { add(*db_, 7); });
    EXPECT_EQ(sum(*db_), 7);
}

TEST_F(Lost, ASnapshotThatIsLostIsNotMadeUp) {
    db_->begin_read();
    EXPECT_EQ(sum(*db_), 0);
    transaction(*other_, [&] { add(*other_, 5); });
    cut();
    EXPECT_EQ(why([&] { sum(*db_); }), Broken::Why::lost);  // another snapshot would say 5
    db_->rollback();
    EXPECT_EQ(sum(*db_), 5);
}

TEST_F(Lost, AtTheCommitItFindsOutWhatBecameOfIt) {
    const std::string folder = place_.substr(place_.find("host=") + 5, place_.find('&') - place_.find("host=") - 5);
    Proxy proxy(folder);
    std::string through = place_;
    through.replace(through.find(folder), folder.size(), proxy.folder());
    auto line = open(through);
    const auto add_and_commit = [&](std::int64_t a) {
        transaction(*line, [&] {
            EXPECT_GE(sum(*line), 0);
            add(*line, a);
        });
    };
    add_and_commit(1);
    proxy.tear = Proxy::Tear::after_commit;
    add_and_commit(2);  // was stored, and so is no error
    EXPECT_EQ(proxy.tear, Proxy::Tear::never);
    EXPECT_EQ(sum(*other_), 3);
    proxy.tear = Proxy::Tear::before_commit;
    EXPECT_EQ(why([&] { add_and_commit(4); }), Broken::Why::lost);
    EXPECT_EQ(proxy.tear, Proxy::Tear::never);
    EXPECT_EQ(sum(*other_), 3);
    add_and_commit(8);
    EXPECT_EQ(sum(*other_), 11);
}

TEST(Crashed, ServerComesBackWithWhatWasCommitted) {
    if (!testing::PostgresCluster::is_installed()) GTEST_SKIP() << testing::no_postgres;
    testing::PostgresCluster cluster({.fsync = true});
    auto db = open(cluster.url());
    db->run("CREATE TABLE t (a INTEGER)");
    for (std::int64_t i = 1; i <= 20; ++i) {
        transaction(*db, [&] { db->prepare("INSERT INTO t (a) VALUES (?)").bind(1, i).run(); });
        if (i % 7 == 0) {
            cluster.crash();
            EXPECT_THROW(
                transaction(*db, [&] { db->prepare("INSERT INTO t (a) VALUES (?)").bind(1, std::int64_t{1'000}).run(); }),
                Broken);
            cluster.start();
        }
    }
    Statement& sum = db->prepare("SELECT sum(a) FROM t");
    ASSERT_TRUE(sum.step());
    EXPECT_EQ(sum.integer(0), 210);
}

}  // namespace
}  // namespace xinglin::sql
