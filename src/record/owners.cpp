// SPDX-License-Identifier: Apache-2.0
// The lines of record_owner: appended by the writer, kept in memory for readers.
#include "record/owners.h"

#include <algorithm>
#include <charconv>

#include "record/setting.h"

namespace xinglin::record {

namespace {
constexpr std::size_t most_later = 4'096;  // lines beside the sorted ones before they are merged
}

std::string line_of_owners(std::int64_t number, std::int64_t rid, const OwnerList& owners) {
    std::string text;
    for (const std::int64_t each : owners) {
        if (!text.empty()) text += ' ';
        text += std::to_string(each);
    }
    return seal_of(std::to_string(number) + ' ' + std::to_string(rid) + ' ' + text) + text;
}

OwnerList owners_of_line(std::int64_t number, std::int64_t rid, std::string_view line) {
    constexpr std::size_t seal_size = 8;
    OwnerList owners;
    const std::string_view text = line.substr(std::min(seal_size, line.size()));
    if (line.substr(0, seal_size) != seal_of(std::to_string(number) + ' ' + std::to_string(rid) + ' ' + std::string(text)))
        throw sql::Broken(sql::Broken::Why::corrupt,
                          "record_owner: line " + std::to_string(number) + " does not fit its check sum");
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
        std::int64_t ordinal = 0;
        const auto read = std::from_chars(at, end, ordinal);
        if (read.ec != std::errc()) throw sql::Broken(sql::Broken::Why::corrupt, "record_owner: a line that is none");
        owners.push_back(ordinal);
        at = read.ptr + (read.ptr < end ? 1 : 0);
    }
    return owners;
}

OwnerList owners_by_place(std::int64_t rid) {
    return ordinal_of(rid) >= first_patient_ordinal ? OwnerList{ordinal_of(rid)} : OwnerList{};
}

const OwnerList* Owners::find(std::int64_t rid) const {
    if (const auto found = later_.find(rid); found != later_.end()) return &found->second;
    const auto found =
        std::lower_bound(base_->begin(), base_->end(), rid, [](const Line& line, std::int64_t r) { return line.rid < r; });
    return found != base_->end() && found->rid == rid ? &found->owners : nullptr;
}

std::int64_t Owners::next(std::int64_t rid) const {
    const auto later = later_.lower_bound(rid);
    const auto found =
        std::lower_bound(base_->begin(), base_->end(), rid, [](const Line& line, std::int64_t r) { return line.rid < r; });
    return std::min(later == later_.end() ? no_more : later->first, found == base_->end() ? no_more : found->rid);
}

std::size_t Owners::size() const { return base_->size() + later_.size(); }

std::shared_ptr<Owners> OwnerShelf::read(sql::Connection& connection, const Owners& from, std::int64_t upto) {
    auto made = std::make_shared<Owners>(from);
    auto& query =
        connection.prepare("SELECT number, rid, owners FROM record_owner WHERE number > ? AND number <= ? ORDER BY number");
    query.bind(1, from.number_).bind(2, upto);
    while (query.step()) made->later_[query.integer(1)] = owners_of_line(query.integer(0), query.integer(1), query.text(2));
    made->number_ = upto;
    if (made->later_.size() <= most_later) return made;
    auto base = std::make_shared<std::vector<Owners::Line>>();
    base->reserve(made->base_->size() + made->later_.size());
    auto later = made->later_.begin();
    for (const Owners::Line& line : *made->base_) {
        for (; later != made->later_.end() && later->first < line.rid; ++later) base->push_back({later->first, later->second});
        if (later != made->later_.end() && later->first == line.rid) {
            base->push_back({later->first, later->second});
            ++later;
        } else {
            base->push_back(line);
        }
    }
    for (; later != made->later_.end(); ++later) base->push_back({later->first, later->second});
    made->base_ = std::move(base);
    made->later_.clear();
    return made;
}

std::shared_ptr<const Owners> OwnerShelf::of(sql::Connection& connection) {
    auto& query = connection.prepare("SELECT coalesce(max(number), 0) FROM record_owner");
    query.reset();
    const std::int64_t last = query.step() ? query.integer(0) : 0;
    query.reset();
    std::lock_guard lock(mutex_);
    if (latest_->number_ == last) return latest_;
    if (latest_->number_ > last) return read(connection, Owners{}, last);  // an older snapshot
    std::shared_ptr<const Owners> made = read(connection, *latest_, last);
    return latest_ = made;
}

void append_owners(sql::Connection& connection, std::int64_t rid, const OwnerList& owners) {
    auto& last = connection.prepare("SELECT coalesce(max(number), 0) FROM record_owner");
    last.reset();
    const std::int64_t number = (last.step() ? last.integer(0) : 0) + 1;
    last.reset();
    connection.prepare("INSERT INTO record_owner (number, rid, owners) VALUES (?, ?, ?)")
        .bind(1, number)
        .bind(2, rid)
        .bind(3, line_of_owners(number, rid, owners))
        .run();
}

std::optional<OwnerList> stated_owners(sql::Connection& connection, std::int64_t rid) {
    auto& query = connection.prepare("SELECT number, owners FROM record_owner WHERE rid = ? ORDER BY number DESC LIMIT 1");
    query.bind(1, rid);
    std::optional<OwnerList> found;
    if (query.step()) found = owners_of_line(query.integer(0), rid, query.text(1));
    query.reset();
    return found;
}

void find_owners(sql::Connection& connection, const Numbers& numbers) {
    std::map<std::int64_t, OwnerList> found;  // exceptions only
    auto& query = connection.prepare("SELECT target, pid, rid FROM record_reference WHERE target >= ? ORDER BY rid, target");
    query.bind(1, first_patient_ordinal << rid_bits);
    std::int64_t rid = 0;
    OwnerList owners;
    const auto close = [&] {
        const bool is_patient =
            rid != 0 && ordinal_of(rid) >= first_patient_ordinal && (rid & ((std::int64_t{1} << rid_bits) - 1)) == 0;
        if (rid != 0 && !is_patient && owners != owners_by_place(rid) && !owners.empty()) found.emplace(rid, owners);
        owners.clear();
    };
    while (query.step()) {
        if (query.integer(2) != rid) {
            close();
            rid = query.integer(2);
        }
        const std::int64_t target = query.integer(0);
        if ((target & ((std::int64_t{1} << rid_bits) - 1)) != 0 || !numbers.owner_pids.contains(query.integer(1))) continue;
        if (owners.empty() || owners.back() != ordinal_of(target)) owners.push_back(ordinal_of(target));
    }
    close();
    query.reset();
    for (const auto& [each, list] : found) append_owners(connection, each, list);
}

}  // namespace xinglin::record
