// SPDX-License-Identifier: Apache-2.0
// A record moves to the other engine and back, and nothing is lost; tables are distributed when there is Citus.
#include "server/test_process.h"
#include "sql/sql.h"
#include "testing/postgres.h"

namespace xinglin::server {
namespace {

namespace fs = std::filesystem;

class Copy : public ::testing::Test {
protected:
    void SetUp() override {
        store_ = testing::fresh_postgres();
        if (store_.empty()) GTEST_SKIP() << testing::no_postgres;
    }
    std::string folder(const std::string& name) const { return (folder_.path() / name).string(); }
    static std::string sum(const Ended& ended) {
        const auto at = ended.out.find("\"sha256\":\"");
        return at == std::string::npos ? ended.out + ended.err : ended.out.substr(at + 10, 64);
    }
    testing::ScratchFolder folder_;
    std::string store_;
};

TEST_F(Copy, MovesHistoryAccountsAndAuditUpAndBack) {
    const std::string token = add_client(folder("a"), "hospital");
    {
        RunningServer server(folder("a"));
        ASSERT_TRUE(server.ready()) << server.errors();
        Caller caller(server, token);
        for (int i = 0; i < 30; ++i) {
            const std::string id = "p" + std::to_string(i % 12);
            const auto answer = i % 7 == 6 && i > 12
                                    ? caller.send("DELETE", "/fhir/Patient/" + id)
                                    : caller.send("PUT", "/fhir/Patient/" + id,
                                                  R"({"resourceType":"Patient","id":")" + id + R"(","name":[{"family":"张)" +
                                                      std::to_string(i) + R"("}]})");
            ASSERT_LT(answer.status, 300) << answer.body;
        }
        ASSERT_EQ(server.stop(), 0);
    }
    sql::open_sqlite(folder("a") + "/intake.db")
        ->run(
            "INSERT INTO intake_message VALUES (1, 'h1', 'ADT^A01', 'c1', 5, 6, 1, 1, 2, 3, 4, 5, 0, '', '', '', '1');"
            "INSERT INTO intake_raw VALUES (1, x'00ff')");
    const Ended up = command({"copy", "--from", "sqlite:" + folder("a"), "--to", store_, "--json"});
    ASSERT_EQ(up.status, 0) << up.err;
    EXPECT_NE(up.out.find("\"messages\":1"), std::string::npos) << up.out;
    EXPECT_NE(up.out.find("\"versions\":30"), std::string::npos) << up.out;
    EXPECT_EQ(command({"verify", "--store", store_}).status, 0);
    {
        RunningServer server(folder("own"), {"--store", store_});
        ASSERT_TRUE(server.ready()) << server.errors();
        Caller caller(server, token);  // the account came along
        EXPECT_EQ(member(caller.get("/fhir/Patient/p0/_history?_count=1"), {"total"}), "3");
        EXPECT_NE(caller.get("/fhir/Patient?family=%E5%BC%A028").body.find("张28"), std::string::npos);
        EXPECT_EQ(caller.send("PUT", "/fhir/Patient/new", R"({"resourceType":"Patient","id":"new"})").status, 201);
        EXPECT_EQ(server.stop(), 0);
    }
    ASSERT_EQ(command({"client", "add", "--store", store_, "--name", "second"}).status, 0);  // numbered after those that came
    const Ended back = command({"copy", "--from", store_, "--to", "sqlite:" + folder("b"), "--json"});
    ASSERT_EQ(back.status, 0) << back.err;
    EXPECT_NE(back.out.find("\"messages\":1"), std::string::npos) << back.out;
    const Ended again = command({"copy", "--from", "sqlite:" + folder("b"), "--to", store_, "--json"});  // the same already
    EXPECT_EQ(sum(again), sum(back));
    EXPECT_EQ(command({"verify", "--data", folder("b")}).status, 0);
}

TEST_F(Copy, RefusesATargetThatHoldsAnotherRecord) {
    for (const char* name : {"a", "b"}) {
        const std::string token = add_client(folder(name), "machine");
        RunningServer server(folder(name));
        Caller caller(server, token);
        ASSERT_EQ(caller
                      .send("PUT", std::string("/fhir/Patient/") + name,
                            std::string(R"({"resourceType":"Patient","id":")") + name + R"("})")
                      .status,
                  201);
        ASSERT_EQ(server.stop(), 0);
    }
    ASSERT_EQ(command({"copy", "--from", folder("a"), "--to", store_}).status, 0);
    const Ended refused = command({"copy", "--from", folder("b"), "--to", store_});
    EXPECT_EQ(refused.status, 1) << refused.out << refused.err;
    EXPECT_NE(refused.err.find("another record"), std::string::npos) << refused.err;
    EXPECT_EQ(command({"copy", "--from", folder("nowhere"), "--to", store_}).status, 3);
    EXPECT_EQ(command({"copy", "--from", "sqlite:", "--to", store_}).status, 1);
}

TEST_F(Copy, TablesAreDistributedWhereCitusIsAndRefusedElsewhere) {
    const Ended without = command({"migrate", "--store", store_, "--distributed"});
    EXPECT_EQ(without.status, 1);
    EXPECT_NE(without.err.find("citus"), std::string::npos) << without.err;
    EXPECT_EQ(command({"migrate", "--store", store_}).status, 0);
    const auto database = sql::open(store_);
    // What the extension would bring, writing down how it is called.
    database->run(R"sql(/*pg
        CREATE TABLE pg_dist_partition (logicalrelid REGCLASS, key VARCHAR, beside VARCHAR);
        CREATE FUNCTION create_distributed_table(name REGCLASS, key VARCHAR, colocate_with VARCHAR DEFAULT 'default') RETURNS VOID LANGUAGE sql
            AS $$ INSERT INTO pg_dist_partition VALUES (name, key, colocate_with) $$;
        SET allow_system_table_mods = on;
        INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
            VALUES (99999, 'citus', 10, 11, false, 'none');
    */)sql");
    const Ended done = command({"migrate", "--store", store_, "--distributed", "--json"});
    const Ended again = command({"migrate", "--store", store_, "--distributed", "--json"});
    database->run("DELETE FROM pg_extension WHERE extname = 'citus'");
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(again.out, "{\"distributed\":[]}\n");
    // A distributed table needs the key as a column, in every unique index, and nobody's foreign key.
    auto& row = database->prepare(R"sql(
        SELECT d.logicalrelid::text,
               (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = d.logicalrelid AND a.attname = d.key AND a.attnotnull),
               (SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = d.logicalrelid AND a.attname = d.key
                 WHERE i.indrelid = d.logicalrelid AND i.indisunique AND NOT a.attnum = ANY (i.indkey)),
               (SELECT count(*) FROM pg_constraint c WHERE c.contype = 'f' AND d.logicalrelid IN (c.conrelid, c.confrelid))
          FROM pg_dist_partition d)sql");
    int tables = 0;
    while (row.step()) {
        ++tables;
        EXPECT_EQ(row.integer(1), 1) << row.text(0);
        EXPECT_EQ(row.integer(2), 0) << row.text(0);
        EXPECT_EQ(row.integer(3), 0) << row.text(0);
    }
    EXPECT_GE(tables, 10);
}

}  // namespace
}  // namespace xinglin::server
