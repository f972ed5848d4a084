// SPDX-License-Identifier: Apache-2.0
// Packed words against plain sets; posting lists in blocks and rows against plain sets, through growth, removal, reopening.
#include "record/block.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "record/layout.h"
#include "record/postings.h"
#include "testing/testing.h"

namespace xinglin::record {
namespace {

std::vector<std::int64_t> random_rids(std::mt19937_64& random, std::size_t patients, std::size_t most_each) {
    std::set<std::int64_t> rids;
    for (std::size_t i = 0; i < patients; ++i) {
        const std::int64_t patient = static_cast<std::int64_t>(4096 + random() % 3'000) << rid_bits;
        const std::size_t count = 1 + random() % most_each;
        const std::int64_t from = static_cast<std::int64_t>(random() % 500);
        for (std::size_t k = 0; k < count; ++k)
            rids.insert(patient + from + static_cast<std::int64_t>(random() % (2 * most_each)));
    }
    return {rids.begin(), rids.end()};
}

TEST(Block, comes_back_as_it_was_packed) {
    std::mt19937_64 random(testing::seed());
    for (int round = 0; round < 200; ++round) {
        const std::vector<std::int64_t> rids = random_rids(random, 1 + random() % 300, 1 + random() % 200);
        const std::vector<Word> words = words_of(rids);
        EXPECT_EQ(members(words), rids.size());
        std::vector<Word> back;
        for (const auto piece : pieces(words, round % 2 == 0)) {
            const std::string bytes = pack(piece.front().key, piece);
            EXPECT_LE(bytes.size(), largest_block);
            ASSERT_TRUE(unpack(piece.front().key, bytes, back));
        }
        ASSERT_EQ(back.size(), words.size());
        for (std::size_t i = 0; i < words.size(); ++i) {
            ASSERT_EQ(back[i].key, words[i].key);
            ASSERT_EQ(back[i].bits, words[i].bits);
        }
    }
}

TEST(Block, of_any_bytes_is_read_or_refused_and_harms_nobody) {
    std::mt19937_64 random(testing::seed());
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes(random() % 40, 0);
        for (char& c : bytes) c = static_cast<char>(random());
        std::vector<Word> words;
        if (!unpack(static_cast<std::int64_t>(random() % 1'000), bytes, words)) continue;
        for (std::size_t i = 1; i < words.size(); ++i) EXPECT_LT(words[i - 1].key, words[i].key);
    }
}

class PostingLists : public ::testing::Test {
protected:
    PostingLists() : connection_(sql::open_sqlite(folder_.path() / "test.db")) { prepare_tables(*connection_); }

    std::vector<std::int64_t> read(std::int64_t term) {
        const CursorPtr cursor = posting_cursor(*connection_, term);
        return collect(*cursor, SIZE_MAX);
    }
    std::int64_t number(const std::string& sql) {
        auto& query = connection_->prepare(sql);
        query.step();
        const std::int64_t value = query.integer(0);
        query.reset();
        return value;
    }

    testing::ScratchFolder folder_;
    std::unique_ptr<sql::Connection> connection_;
};

TEST_F(PostingLists, hold_what_was_added_and_not_removed) {
    std::mt19937_64 random(testing::seed());
    auto postings = std::make_unique<Postings>(*connection_);
    std::map<std::int64_t, std::set<std::int64_t>> expected;
    for (int round = 0; round < 60; ++round) {
        std::set<PostingRow> adding, removing;
        for (const std::int64_t term : {1, 2, 3}) {
            std::set<std::int64_t>& mine = expected[term];
            const std::size_t patients = term == 1 ? 60 : term == 2 ? 4 : 400;
            for (const std::int64_t rid : random_rids(random, patients, term == 3 ? 1 : 30)) {
                if (!mine.contains(rid)) adding.insert({term, rid});
            }
            for (const std::int64_t rid : mine) {
                if (random() % 40 == 0) removing.insert({term, rid});
            }
        }
        for (const PostingRow& row : removing) expected[row.term].erase(row.rid);
        for (const PostingRow& row : adding) expected[row.term].insert(row.rid);
        connection_->begin();
        postings->write(std::vector(removing.begin(), removing.end()), std::vector(adding.begin(), adding.end()));
        connection_->commit();
        if (round % 7 == 0) postings = std::make_unique<Postings>(*connection_);  // as after reopening
    }
    for (const auto& [term, rids] : expected) {
        EXPECT_EQ(read(term), std::vector(rids.begin(), rids.end()));
        const CursorPtr cursor = posting_cursor(*connection_, term);
        EXPECT_EQ(cursor->count(), rids.size());
        const CursorPtr probed = posting_cursor(*connection_, term);
        for (int i = 0; i < 2'000; ++i) {
            const std::int64_t rid =
                (static_cast<std::int64_t>(4096 + random() % 3'000) << rid_bits) + static_cast<std::int64_t>(random() % 600);
            ASSERT_EQ(probed->has(rid), rids.contains(rid));
        }
        for (int i = 0; i < 50; ++i) {  // leaps of any length
            const CursorPtr leaping = posting_cursor(*connection_, term);
            std::int64_t key = 0;
            while (key < key_of(std::int64_t{7'200} << rid_bits)) {
                key += static_cast<std::int64_t>(random() % (std::uint64_t{1} << (random() % 24)));
                const Word word = leaping->seek(key);
                const auto next = rids.lower_bound(key << 6);
                ASSERT_EQ(word.key, next == rids.end() ? no_more : key_of(*next));
            }
        }
    }
    EXPECT_GT(number("SELECT count(*) FROM record_block"), 10);
    EXPECT_EQ(number("SELECT count(*) FROM record_term_count c WHERE c.folded <> (SELECT sum(b.count) FROM record_block b WHERE "
                     "b.term = c.term)"),
              0);
    EXPECT_LT(number("SELECT count(*) FROM record_posting WHERE term = 1"), 1'200);
}

TEST_F(PostingLists, of_an_older_store_are_folded_when_it_is_opened) {
    connection_->run("UPDATE record_type SET count = 5000 WHERE name = 'Patient'");
    std::vector<std::int64_t> rids;
    for (std::int64_t i = 0; i < 5'000; ++i) rids.push_back((4096 + i) << rid_bits);
    connection_->begin();
    for (const std::int64_t rid : rids)
        connection_->prepare("INSERT INTO record_posting (term, rid) VALUES (7, ?)").bind(1, rid).run();
    connection_->commit();
    prepare_tables(*connection_);
    EXPECT_EQ(number("SELECT count(*) FROM record_posting"), 0);
    EXPECT_EQ(read(7), rids);
}

}  // namespace
}  // namespace xinglin::record
