// SPDX-License-Identifier: Apache-2.0
// Looking up many names and terms in one statement, on PostgreSQL.
#include <algorithm>

#include "record/names.h"

namespace xinglin::record {

namespace {
constexpr std::size_t at_once = 2'000;

template <typename Item>
void sort_unique(std::vector<Item>& items) {
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
}
}  // namespace

void Names::expect(std::span<const AskedName> names) {
    if (connection_.engine() != sql::Engine::postgres) return;
    std::vector<std::string> keys;
    for (const AskedName& name : names) {
        std::string key = name_key(name.tid, name.id);
        if (!names_.contains(key) && !no_names_.contains(key)) keys.push_back(std::move(key));
    }
    sort_unique(keys);
    if (keys.empty()) return;
    for (std::size_t from = 0; from < keys.size(); from += at_once) {
        std::vector<std::string> ids;
        std::vector<std::int64_t> tids;
        for (std::size_t i = from; i < std::min(keys.size(), from + at_once); ++i) {
            std::int64_t tid = 0;
            keys[i].copy(reinterpret_cast<char*>(&tid), sizeof tid);
            tids.push_back(tid);
            ids.push_back(keys[i].substr(sizeof tid));
        }
        auto& query = connection_.prepare(
            "SELECT w.place, n.rid FROM unnest(?::bytea[], ?::int8[]) WITH ORDINALITY AS w(id, tid, place) "
            "JOIN record_name n ON n.id = w.id AND n.tid = w.tid");
        query.bind_many(1, std::span<const std::string>(ids)).bind_many(2, std::span<const std::int64_t>(tids));
        while (query.step()) names_.emplace(keys[from + static_cast<std::size_t>(query.integer(0)) - 1], query.integer(1));
    }
    for (std::string& key : keys) {
        if (!names_.contains(key)) no_names_.insert(std::move(key));
    }
}

void Names::expect(std::span<const AskedTerm> terms) {
    if (connection_.engine() != sql::Engine::postgres) return;
    std::vector<std::pair<std::string, const AskedTerm*>> wanted;
    for (const AskedTerm& term : terms) {
        std::string key = term_key(term.space, term.norm, term.extra);
        if (!terms_.contains(key) && !no_terms_.contains(key)) wanted.emplace_back(std::move(key), &term);
    }
    std::sort(wanted.begin(), wanted.end());
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    wanted.erase(std::unique(wanted.begin(), wanted.end(), same), wanted.end());
    if (wanted.empty()) return;
    for (std::size_t from = 0; from < wanted.size(); from += at_once) {
        std::vector<std::int64_t> spaces;
        std::vector<std::string> norms, extras;
        for (std::size_t i = from; i < std::min(wanted.size(), from + at_once); ++i) {
            spaces.push_back(wanted[i].second->space);
            norms.emplace_back(wanted[i].second->norm);
            extras.emplace_back(wanted[i].second->extra);
        }
        auto& query = connection_.prepare(
            "SELECT w.place, t.term FROM unnest(?::int8[], ?::bytea[], ?::bytea[]) WITH ORDINALITY AS w(space, norm, extra, "
            "place) "
            "JOIN record_term t ON t.space = w.space AND substr(t.norm, 1, 480) = substr(w.norm, 1, 480) AND t.norm = w.norm "
            "AND t.extra = w.extra");
        query.bind_many(1, std::span<const std::int64_t>(spaces));
        query.bind_many(2, std::span<const std::string>(norms)).bind_many(3, std::span<const std::string>(extras));
        while (query.step())
            terms_.emplace(wanted[from + static_cast<std::size_t>(query.integer(0)) - 1].first, query.integer(1));
    }
    for (auto& [key, term] : wanted) {
        if (!terms_.contains(key)) no_terms_.insert(std::move(key));
    }
}

void Names::expect_new(std::span<const std::int64_t> patients) {
    if (connection_.engine() != sql::Engine::postgres) return;
    std::vector<std::int64_t> ordinals;
    for (const std::int64_t patient : patients) {
        if (!next_number_.contains(ordinal_of(patient))) ordinals.push_back(ordinal_of(patient));
    }
    sort_unique(ordinals);
    if (ordinals.empty()) return;
    auto& query = connection_.prepare(
        "SELECT w.p, (SELECT max(c.rid) FROM record_current c WHERE c.p = w.p) FROM unnest(?::int8[]) AS w(p)");
    query.bind_many(1, std::span<const std::int64_t>(ordinals));
    while (query.step()) {
        const std::int64_t ordinal = query.integer(0);
        next_number_[ordinal] = std::max(query.integer(1), ordinal << rid_bits) + 1;
    }
}

}  // namespace xinglin::record
