// SPDX-License-Identifier: Apache-2.0
// Dictionaries of the writer, with bounded caches before the tables.
#include "record/names.h"

#include <algorithm>

namespace xinglin::record {

namespace {
void append_number(std::string& key, std::int64_t number) { key.append(reinterpret_cast<const char*>(&number), sizeof number); }

}  // namespace

std::string Names::name_key(std::int64_t tid, std::string_view id) {
    std::string key;
    key.reserve(sizeof tid + id.size() + 1);
    append_number(key, tid);
    return key += id_key(id);
}

std::string Names::term_key(std::int64_t space, std::string_view norm, std::string_view extra) {
    std::string key;
    key.reserve(sizeof space + norm.size() + extra.size() + 1);
    append_number(key, space);
    key += norm;
    key += '\0';
    return key += extra;
}

std::int64_t Names::find(std::int64_t tid, std::string_view id) {
    std::string key = name_key(tid, id);
    if (const auto found = names_.find(key); found != names_.end()) return found->second;
    if (!no_names_.empty() && no_names_.contains(key)) return 0;
    const std::string_view stored = std::string_view(key).substr(sizeof tid);
    std::int64_t rid = fresh_ ? fresh_->name(stored, tid) : 0;
    if (rid == 0) {
        auto& query = connection_.prepare("SELECT rid FROM record_name WHERE id = ? AND tid = ?");
        query.bind_blob(1, stored).bind(2, tid);
        rid = query.step() ? query.integer(0) : 0;
        query.reset();
    }
    if (rid != 0) names_.emplace(std::move(key), rid);
    return rid;
}

std::int64_t Names::next_in(std::int64_t patient_rid) {
    const std::int64_t ordinal = ordinal_of(patient_rid);
    auto [place, is_new] = next_number_.try_emplace(ordinal, 0);
    if (is_new) {
        auto& query = connection_.prepare(
            "SELECT rid FROM record_current WHERE rid < ? /*pg AND p = (?1 >> 20) - 1*/ ORDER BY rid DESC LIMIT 1");
        query.bind(1, (ordinal + 1) << rid_bits);
        const std::int64_t last = query.step() ? query.integer(0) : 0;
        query.reset();
        place->second = std::max(last, patient_rid) + 1;
    }
    const std::int64_t rid = place->second++;
    return ordinal_of(rid) == ordinal ? rid : 0;  // a patient with a million resources overflows into the common range
}

std::int64_t Names::give(std::int64_t tid, std::string_view id, std::int64_t patient_rid, bool surely_new) {
    if (!surely_new) {
        if (const std::int64_t known = find(tid, id)) return known;
    }
    std::int64_t rid = 0;
    if (tid == patient_tid_) {
        rid = counters_.next_ordinal++ << rid_bits;
        next_number_[ordinal_of(rid)] = rid + 1;  // nobody can be there yet
    } else if (patient_rid != 0) rid = next_in(patient_rid);
    if (rid == 0) rid = counters_.next_common++;
    std::string key = name_key(tid, id);
    if (!no_names_.empty()) no_names_.erase(key);
    names_[key] = rid;
    new_names_.push_back({std::move(key), rid});
    return rid;
}

std::int64_t Names::term(std::int64_t space, std::string_view norm, std::string_view extra) {
    std::string key = term_key(space, norm, extra);
    if (const auto found = terms_.find(key); found != terms_.end()) return found->second;
    std::int64_t term = 0;
    if (no_terms_.empty() || !no_terms_.contains(key)) {
        auto& query = connection_.prepare(same_term);
        query.bind(1, space).bind(2, norm).bind(3, extra);
        term = query.step() ? query.integer(0) : 0;
        query.reset();
    }
    if (term == 0) {
        term = counters_.next_term++;
        if (!no_terms_.empty()) no_terms_.erase(key);
        new_terms_.push_back({space, std::string(norm), std::string(extra), term});
    }
    terms_.emplace(std::move(key), term);
    return term;
}

void Names::term_text(std::int64_t space, std::string_view text, std::int64_t term) {
    std::string key;
    append_number(key, space);
    append_number(key, term);
    key += text;
    if (!texts_.emplace(std::move(key), term).second) return;
    new_texts_.push_back({space, std::string(text), term});
}

void Names::flush_names(Layer<NameRow>::Run* fresh) {
    const auto key_of = [](const NewName& name) { return std::string_view(name.key).substr(sizeof(std::int64_t)); };
    std::sort(new_names_.begin(), new_names_.end(), [&](const NewName& a, const NewName& b) { return key_of(a) < key_of(b); });
    auto& name = connection_.prepare("INSERT INTO record_name (id, tid, rid) VALUES (?, ?, ?)");
    for (const NewName& made : new_names_) {
        std::int64_t tid = 0;
        made.key.copy(reinterpret_cast<char*>(&tid), sizeof tid);
        if (fresh) fresh->push_back({{key_of(made), tid, made.rid}});
        else name.bind_blob(1, key_of(made)).bind(2, tid).bind(3, made.rid).run();
    }
    if (fresh) std::sort(fresh->begin(), fresh->end(), [](const auto& a, const auto& b) { return a.row < b.row; });
}

void Names::flush(Layer<NameRow>::Run* fresh) {
    flush_names(fresh);
    std::sort(new_terms_.begin(), new_terms_.end());
    auto& term = connection_.prepare("INSERT INTO record_term (space, norm, extra, term) VALUES (?, ?, ?, ?)");
    for (const NewTerm& made : new_terms_)
        term.bind(1, made.space).bind(2, made.norm).bind(3, made.extra).bind(4, made.term).run();
    std::sort(new_texts_.begin(), new_texts_.end());
    auto& text = connection_.prepare("INSERT INTO record_term_text (space, text, term) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    for (const NewText& made : new_texts_) text.bind(1, made.space).bind(2, made.text).bind(3, made.term).run();
    new_names_.clear();
    new_terms_.clear();
    new_texts_.clear();
}

void Names::bound() {
    no_names_.clear();
    no_terms_.clear();
    for (auto* cache : {&names_, &terms_, &texts_}) {
        if (cache->size() > remembered_) cache->clear();
    }
    if (next_number_.size() > remembered_) next_number_.clear();
}

std::vector<Names::NewName> Names::withdraw(std::size_t mark) {
    std::vector<NewName> names(std::make_move_iterator(new_names_.begin() + static_cast<std::ptrdiff_t>(mark)),
                               std::make_move_iterator(new_names_.end()));
    new_names_.resize(mark);
    for (const NewName& name : names) names_.erase(name.key);
    return names;
}

std::unordered_map<std::int64_t, std::int64_t> Names::put_back(std::vector<NewName> names) {
    std::unordered_map<std::int64_t, std::int64_t> moved;
    for (NewName& name : names) {
        if (const auto found = names_.find(name.key); found != names_.end()) {
            moved.emplace(name.rid, found->second);
        } else {
            names_[name.key] = name.rid;
            new_names_.push_back(std::move(name));
        }
    }
    return moved;
}

void Names::undo_to(std::size_t mark) {
    for (std::size_t i = mark; i < new_names_.size(); ++i) names_.erase(new_names_[i].key);
    new_names_.resize(mark);
}

void Names::forget() {
    no_names_.clear();
    no_terms_.clear();
    names_.clear();
    terms_.clear();
    texts_.clear();
    next_number_.clear();
    new_names_.clear();
    new_terms_.clear();
    new_texts_.clear();
}

}  // namespace xinglin::record
