// SPDX-License-Identifier: Apache-2.0
// Tails and folding.
#include "record/postings.h"

#include <algorithm>

namespace xinglin::record {

namespace {
constexpr std::int64_t counted_from = 128;  // rows a term gets from us before we look how long its tail is
constexpr std::int64_t shortest_folded = 512, longest_tail = 16'384;
constexpr std::size_t remembered = 150'000;

/// The longer the list, the longer its tail may grow: folding touches blocks all over a list that grows in the middle.
std::int64_t fold_at(std::int64_t folded) { return std::clamp(folded / 32, shortest_folded, longest_tail); }

std::vector<std::int64_t> rids_of(std::span<const PostingRow> rows) {
    std::vector<std::int64_t> rids;
    rids.reserve(rows.size());
    for (const PostingRow& row : rows) rids.push_back(row.rid);
    return rids;
}

struct Block {
    std::int64_t first;
    std::vector<Word> words;
};

Block read_block(sql::Statement& row) {
    Block block{row.integer(0), {}};
    if (!unpack(block.first, row.text(1), block.words))
        throw sql::Broken(sql::Broken::Why::corrupt, "a block of record_block is damaged");
    return block;
}

template <typename Each>
void each_term(std::span<const PostingRow> rows, Each&& each) {
    for (std::size_t from = 0; from < rows.size();) {
        std::size_t upto = from;
        while (upto < rows.size() && rows[upto].term == rows[from].term) ++upto;
        each(rows[from].term, rows.subspan(from, upto - from));
        from = upto;
    }
}
}  // namespace

void Postings::write(std::span<const PostingRow> removing, std::span<const PostingRow> adding) {
    if (tails_.size() > remembered) tails_.clear();
    each_term(removing, [this](std::int64_t term, std::span<const PostingRow> rows) { remove(term, rows); });
    each_term(adding, [this](std::int64_t term, std::span<const PostingRow> rows) { add(term, rows); });
}

std::int64_t Postings::folded(std::int64_t term) {
    auto& query = connection_.prepare("SELECT folded FROM record_term_count WHERE term = ?");
    query.bind(1, term);
    const std::int64_t count = query.step() ? query.integer(0) : 0;
    query.reset();
    return count;
}

void Postings::change_folded(std::int64_t term, std::int64_t by) {
    connection_
        .prepare(
            "INSERT INTO record_term_count (term, folded) VALUES (?, ?) "
            "ON CONFLICT (term) DO UPDATE SET folded = record_term_count.folded + excluded.folded")
        .bind(1, term)
        .bind(2, by)
        .run();
}

void Postings::remove(std::int64_t term, std::span<const PostingRow> rows) {
    auto& drop = connection_.prepare("DELETE FROM record_posting WHERE term = ? AND rid = ? /*pg AND p = ?2 >> 20*/");
    for (const PostingRow& row : rows) drop.bind(1, term).bind(2, row.rid).run();
    if (folded(term) > 0) remove_from_blocks(term, rows);
}

void Postings::remove_from_blocks(std::int64_t term, std::span<const PostingRow> rows) {
    auto& find =
        connection_.prepare("SELECT first, bytes FROM record_block WHERE term = ? AND first <= ? ORDER BY first DESC LIMIT 1");
    auto& keep = connection_.prepare("UPDATE record_block SET count = ?, bytes = ? WHERE term = ? AND first = ?");
    std::int64_t removed = 0;
    for (const PostingRow& row : rows) {
        find.bind(1, term).bind(2, key_of(row.rid));
        if (!find.step()) continue;
        Block block = read_block(find);
        find.reset();
        const auto word = std::lower_bound(block.words.begin(), block.words.end(), key_of(row.rid),
                                           [](const Word& each, std::int64_t key) { return each.key < key; });
        if (word == block.words.end() || word->key != key_of(row.rid) || !(word->bits & bit_of(row.rid))) continue;
        word->bits &= ~bit_of(row.rid);
        if (word->bits == 0) block.words.erase(word);
        ++removed;
        if (block.words.empty()) {
            connection_.prepare("DELETE FROM record_block WHERE term = ? AND first = ?").bind(1, term).bind(2, block.first).run();
            continue;
        }
        const std::string bytes = pack(block.first, block.words);
        keep.bind(1, static_cast<std::int64_t>(members(block.words))).bind_blob(2, bytes).bind(3, term).bind(4, block.first);
        keep.run();
    }
    if (removed > 0) change_folded(term, -removed);
}

void Postings::add(std::int64_t term, std::span<const PostingRow> rows) {
    Tail& tail = tails_[term];
    tail.rows += static_cast<std::int64_t>(rows.size());
    if (!tail.counted && tail.rows >= counted_from) {
        auto& query = connection_.prepare("SELECT count(*) FROM record_posting WHERE term = ?");
        query.bind(1, term);
        const std::int64_t there = query.step() ? query.integer(0) : 0;
        query.reset();
        tail = {there + static_cast<std::int64_t>(rows.size()), folded(term), true};
    }
    if (tail.counted && tail.rows >= fold_at(tail.folded)) {
        fold(term, rows);
        tail = {0, tail.folded + tail.rows, true};
        return;
    }
    auto& insert = connection_.prepare(
        "INSERT INTO record_posting (term, rid /*pg , p*/) VALUES (?, ? /*pg , ?2 >> 20*/) ON CONFLICT DO NOTHING");
    for (const PostingRow& row : rows) insert.bind(1, term).bind(2, row.rid).run();
}

void Postings::fold(std::int64_t term, std::span<const PostingRow> rows) {
    std::vector<std::int64_t> tail;
    auto& query = connection_.prepare("SELECT rid FROM record_posting WHERE term = ? ORDER BY rid");
    query.bind(1, term);
    while (query.step()) tail.push_back(query.integer(0));
    if (!tail.empty()) connection_.prepare("DELETE FROM record_posting WHERE term = ?").bind(1, term).run();
    const std::vector<Word> words = merged(words_of(tail), words_of(rids_of(rows)));
    merge(term, words);
    change_folded(term, static_cast<std::int64_t>(members(words)));
}

// The blocks from the one where the first word belongs to the one where the last does; each that gets words is written anew.
void Postings::merge(std::int64_t term, std::span<const Word> words) {
    if (words.empty()) return;
    std::vector<Block> blocks;
    auto& query = connection_.prepare(
        "SELECT first, bytes FROM record_block WHERE term = ? AND first <= ? AND first >= coalesce((SELECT max(b.first) FROM "
        "record_block b WHERE b.term = ? AND b.first <= ?), (SELECT min(b.first) FROM record_block b WHERE b.term = ?)) "
        "ORDER BY first");
    // At least the first block is read, even when all that comes lies before it.
    std::int64_t upto = words.back().key;
    auto& least = connection_.prepare("SELECT min(first), max(first) FROM record_block WHERE term = ?");
    least.bind(1, term);
    std::int64_t last_first = -1;
    if (least.step() && !least.is_null(0)) {
        upto = std::max(upto, least.integer(0));
        last_first = least.integer(1);
    }
    least.reset();
    query.bind(1, term).bind(2, upto).bind(3, term).bind(4, words.front().key).bind(5, term);
    while (query.step()) blocks.push_back(read_block(query));
    if (blocks.empty()) return store(term, words, false);
    std::size_t from = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::int64_t end = i + 1 < blocks.size() ? blocks[i + 1].first : no_more;
        std::size_t to = from;
        while (to < words.size() && words[to].key < end) ++to;
        if (to == from) continue;
        const std::vector<Word> all = merged(blocks[i].words, words.subspan(from, to - from));
        from = to;
        connection_.prepare("DELETE FROM record_block WHERE term = ? AND first = ?").bind(1, term).bind(2, blocks[i].first).run();
        store(term, all, blocks[i].first != last_first);
    }
}

void Postings::store(std::int64_t term, std::span<const Word> words, bool even) {
    auto& insert = connection_.prepare("INSERT INTO record_block (term, first, count, bytes) VALUES (?, ?, ?, ?)");
    for (const std::span<const Word> piece : pieces(words, even)) {
        const std::string bytes = pack(piece.front().key, piece);
        insert.bind(1, term).bind(2, piece.front().key).bind(3, static_cast<std::int64_t>(members(piece))).bind_blob(4, bytes);
        insert.run();
    }
}

void Postings::fold_all() {
    std::vector<std::int64_t> terms;
    auto& query = connection_.prepare("SELECT term FROM record_posting GROUP BY term HAVING count(*) >= ?");
    query.bind(1, shortest_folded);
    while (query.step()) terms.push_back(query.integer(0));
    for (const std::int64_t term : terms) fold(term, {});
}

}  // namespace xinglin::record
