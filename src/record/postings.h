// SPDX-License-Identifier: Apache-2.0
// The writer's half of posting lists: new members of a term go to rows (its tail); when a tail has grown it is folded into
// the term's blocks. Everything in the group's own transaction.
#pragma once

#include <span>
#include <unordered_map>

#include "record/block.h"
#include "record/layout.h"
#include "sql/sql.h"

namespace xinglin::record {

class Postings {
public:
    explicit Postings(sql::Connection& connection) : connection_(connection) {}

    /// Both sorted. What is removed is there; what is added is not.
    void write(std::span<const PostingRow> removing, std::span<const PostingRow> adding);
    /// After a rollback nothing remembered is sure.
    void forget() { tails_.clear(); }
    /// Folds every long tail: for a store written before there were blocks.
    void fold_all();

private:
    struct Tail {  // as far as this writer knows; others may write too
        std::int64_t rows = 0, folded = 0;
        bool counted = false;
    };
    void remove(std::int64_t term, std::span<const PostingRow> rows);
    void remove_from_blocks(std::int64_t term, std::span<const PostingRow> rows);
    void add(std::int64_t term, std::span<const PostingRow> rows);
    void fold(std::int64_t term, std::span<const PostingRow> rows);
    void merge(std::int64_t term, std::span<const Word> words);
    void store(std::int64_t term, std::span<const Word> words, bool even);
    void change_folded(std::int64_t term, std::int64_t by);
    std::int64_t folded(std::int64_t term);

    sql::Connection& connection_;
    std::unordered_map<std::int64_t, Tail> tails_;
};

}  // namespace xinglin::record
