// SPDX-License-Identifier: Apache-2.0
// Fresh rows against a plain set; their lines; and stores that gather, settle, stop and go on.
#include "record/fresh.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <thread>

#include "record/test_workload.h"

namespace xinglin::record {
namespace {

DateRow any_row(std::mt19937_64& random) {
    const auto small = [&](int upto) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(upto)); };
    return {small(3), small(40) - 20, small(3), small(20)};
}

std::vector<DateRow> walked(Layer<DateRow>::Walk walk) {
    std::vector<DateRow> rows;
    while (const DateRow* row = walk.next()) rows.push_back(*row);
    return rows;
}

TEST(FreshRows, AndTheirTableTogetherAreASet) {
    std::mt19937_64 random(testing::seed());
    for (int round = 0; round < 30; ++round) {
        Layer<DateRow> layer;
        std::set<DateRow> table, expected;
        for (int step = 0; step < 400; ++step) {
            std::map<DateRow, bool> run;
            for (auto rows = random() % 20; rows > 0; --rows) {
                const DateRow row = any_row(random);
                run[row] = expected.contains(row);  // takes it back, or adds it
            }
            Layer<DateRow>::Run sorted;
            for (const auto& [row, removed] : run) {
                sorted.push_back({row, removed});
                if (removed) table.erase(row), expected.erase(row);
                else expected.insert(row);
            }
            layer.add(std::move(sorted));
            if (!layer.is_settling() && random() % 20 == 0) layer.freeze();
            if (layer.is_settling() && random() % 3 == 0) {
                for (const DateRow& row : layer.settle(1 + random() % 30)) table.insert(row);
            }
            if (step % 40 != 0) continue;
            const Layer<DateRow> snapshot = layer;
            const DateRow place = any_row(random);
            for (const bool descending : {false, true}) {
                std::set<DateRow> seen;
                std::vector<DateRow> rows = walked({snapshot, place, descending});
                ASSERT_TRUE(descending ? std::is_sorted(rows.rbegin(), rows.rend()) : std::is_sorted(rows.begin(), rows.end()));
                seen.insert(rows.begin(), rows.end());
                ASSERT_EQ(seen.size(), rows.size());
                for (const DateRow& row : table) {
                    if (descending ? row < place : place < row) seen.insert(row);
                }
                std::set<DateRow> wanted;
                for (const DateRow& row : expected) {
                    if (descending ? row < place : place < row) wanted.insert(row);
                }
                ASSERT_EQ(seen, wanted);
            }
            ASSERT_EQ(snapshot.contains(place) || table.contains(place), expected.contains(place));
        }
    }
}

TEST(FreshRows, StandInALineThatShowsEveryFlippedBit) {
    FreshLine line;
    line.add(Layer<DateRow>::Run{{{4, -99'999'999'999, 0, 1 << 20}}, {{4, 5, 86'400'001, 3}, true}});
    line.add(Layer<NumberRow>::Run{{{-3, -1e300, 0.1, 0, 77}}, {{9, 1, 2, 3, 4}, true}});
    line.add(Layer<NameRow>::Run{{{std::string("\0\xff\x80", 3), 7, 1ll << 40}}, {{"p1", 3, 12}}});
    const std::string sealed = line.sealed(41);
    Fresh read;
    ASSERT_TRUE(FreshLine::read(41, sealed, read));
    EXPECT_EQ(walked(Layer<DateRow>::Walk(read.dates)), (std::vector<DateRow>{{4, -99'999'999'999, 0, 1 << 20}}));
    EXPECT_TRUE(read.numbers.contains({-3, -1e300, 0.1, 0, 77}));
    EXPECT_EQ(read.name(std::string_view("\0\xff\x80", 3), 7), 1ll << 40);
    EXPECT_EQ(read.name("p1", 3), 12);
    EXPECT_EQ(read.name("p1", 4), 0);
    Fresh other;
    EXPECT_FALSE(FreshLine::read(42, sealed, other)) << "another line's place";
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        std::string changed = sealed;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        EXPECT_FALSE(FreshLine::read(41, changed, other));
    }
    for (std::size_t size = 0; size < sealed.size(); ++size) EXPECT_FALSE(FreshLine::read(41, sealed.substr(0, size), other));
}

class FreshStore : public ::testing::Test {
protected:
    testing::StoppedClock clock_;
    testing::ScratchFolder folder_;
    std::unique_ptr<Store> store_;

    void open(std::size_t fresh_rows, bool bulk = false) {
        store_.reset();
        store_ = Store::open(folder_.path(), clock_,
                             {.readers = 6, .bulk = bulk, .fresh_rows = fresh_rows, .offset_minutes = std::int16_t{0}})
                     .value();
    }
    Prepared prepared(const std::string& id, int year) {
        json::Arena arena;
        const std::string text = fmt::format(R"({{"resourceType":"Patient","id":"{}","birthDate":"{}-01-01"}})", id, year);
        return store_->prepare(*fhir::find_resource("Patient"), id, *json::parse(text, arena));
    }
    void put(const std::string& id, int year) {
        const Prepared ready = prepared(id, year);
        ASSERT_TRUE(store_
                        ->submit_and_wait([&](Transaction& t) -> Result<Done> {
                            t.put(ready, false, false);
                            return Done{};
                        })
                        .ok());
    }
    std::size_t born(Reader& reader, const std::string& date) {
        const fhir::Type* types[] = {fhir::find_resource("Patient")};
        const auto query = search::parse(
            types,
            std::vector<std::pair<std::string, std::string>>{{"birthdate", date}, {"_summary", "count"}, {"_total", "accurate"}},
            {});
        return reader.search(*query)->total.value();
    }
    std::size_t born(const std::string& date) {
        Reader reader = store_->reader(test_viewer());
        return born(reader, date);
    }
};

TEST_F(FreshStore, FindsWhatGathersWhatIsBeingSettledAndWhatIsAfterEveryStop) {
    std::mt19937_64 random(testing::seed());
    std::map<std::string, int> years;
    for (const std::size_t limit : {0u, 300u, 40u, 1u, 100'000u, 25u}) {
        open(limit);
        for (int i = 0; i < 150; ++i) {
            const std::string id = "p" + std::to_string(random() % 200);
            years[id] = 1900 + static_cast<int>(random() % 50);
            put(id, years[id]);
        }
        for (const char* which : {"eq1910", "lt1925", "ge1925"}) {
            std::size_t expected = 0;
            for (const auto& [id, year] : years)
                expected += which[0] == 'e' ? year == 1910 : which[0] == 'l' ? year < 1925 : year >= 1925;
            EXPECT_EQ(born(which), expected) << which << " with " << limit;
        }
        for (const auto& [id, year] : years)
            EXPECT_TRUE(store_->reader(test_viewer()).read(*fhir::find_resource("Patient"), id).ok());
        EXPECT_EQ(store_->verify(true), std::vector<std::string>{});
    }
    open(0, true);  // a bulk load wants everything in its table
    EXPECT_EQ(store_->verify(true), std::vector<std::string>{});
    ASSERT_TRUE(close(std::move(store_)).ok());
    const auto connection = sql::open_sqlite(folder_.path() / "record.db", {});
    auto& query = connection->prepare("SELECT (SELECT count(*) FROM record_fresh), (SELECT count(*) FROM record_date)");
    ASSERT_TRUE(query.step());
    EXPECT_EQ(query.integer(0), 0);
    EXPECT_GE(query.integer(1), static_cast<std::int64_t>(years.size()));
}

TEST_F(FreshStore, KeepsNothingOfARefusedSubmission) {
    open(30);
    for (int i = 0; i < 20; ++i) {
        put("a" + std::to_string(i), 1950);
        const Prepared ready = prepared("r" + std::to_string(i), 1960);
        const fhir::Type* types[] = {fhir::find_resource("Patient")};
        const auto query = search::parse(types, std::vector<std::pair<std::string, std::string>>{{"birthdate", "1960"}}, {});
        std::size_t found = 0;
        EXPECT_FALSE(store_
                         ->submit_and_wait([&](Transaction& t) -> Result<Done> {
                             t.put(ready, false, false);
                             found = t.search(*query, 10)->size();
                             return refuse(IssueCode::conflict, "here", "no");
                         })
                         .ok());
        EXPECT_EQ(found, 1u);
    }
    EXPECT_EQ(born("1960"), 0u);
    EXPECT_EQ(born("1950"), 20u);
    EXPECT_EQ(store_->verify(true), std::vector<std::string>{});
}

TEST_F(FreshStore, GivesReadersAtOnceExactlyTheRowsOfTheirSnapshot) {
    open(500);
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (int r = 0; r < 3; ++r) {
        readers.emplace_back([&] {
            while (!stop) {
                Reader reader = store_->reader(test_viewer());
                const std::size_t found = born(reader, "ge1900");
                std::size_t there = 0;
                for (const TypeCount& each : reader.type_counts()) there += each.count;
                ASSERT_EQ(found, there);
            }
        });
    }
    std::vector<std::thread> writers;
    for (int w = 0; w < 3; ++w) {
        writers.emplace_back([&, w] {
            for (int i = 0; i < 400; ++i) put(fmt::format("w{}-{}", w, i % 300), 1900 + i % 90);
        });
    }
    for (std::thread& each : writers) each.join();
    stop = true;
    for (std::thread& each : readers) each.join();
    EXPECT_EQ(born("ge1900"), 900u);
    EXPECT_EQ(store_->verify(true), std::vector<std::string>{});
}

}  // namespace
}  // namespace xinglin::record
