// SPDX-License-Identifier: Apache-2.0
// Large results in order, by walking the indexes of the first sort key: as many of their rows as the page needs, exactly.
//
// A parameter's values lie in several stretches (short dates and long ones, points and intervals, included parameters); they
// are merged by key. The first time a resource comes up is by its least key, or greatest when descending: its sort key. What
// the index cannot order (codes that are only text, resources changed since the first page) is read and merged in.
#include <algorithm>
#include <unordered_set>

#include "record/page.h"
#include "record/ranges.h"

namespace xinglin::record {

namespace {
constexpr std::int64_t batch_rows = 256;

/// (key, rid) in order.
class Stream {
public:
    virtual ~Stream() = default;
    /// False at the end.
    virtual bool next(search::SortKey& key, std::int64_t& rid) = 0;
};

class DateStream final : public Stream {
public:
    DateStream(const Context& context, std::int64_t key, bool descending) : context_(context), descending_(descending) {
        const std::int64_t far = std::numeric_limits<std::int64_t>::max() / 2;
        last_ = descending ? DateRow{key, far, far, far} : DateRow{key, -far, -1, 0};
    }
    bool next(search::SortKey& key, std::int64_t& rid) override {
        if (at_ == rows_.size() && !fetch()) return false;
        last_ = rows_[at_++];
        key = {static_cast<double>(last_.low), {}};
        rid = last_.rid;
        return true;
    }

private:
    bool fetch() {
        at_ = 0;
        if (descending_) rows_before(context_, last_, batch_rows, rows_);
        else rows_beyond(context_, last_, std::numeric_limits<std::int64_t>::max(), batch_rows, rows_);
        return !rows_.empty();
    }
    Context context_;
    bool descending_;
    DateRow last_{};
    std::vector<DateRow> rows_;
    std::size_t at_ = 0;
};

class NumberStream final : public Stream {
public:
    NumberStream(const Context& context, std::int64_t pid, bool descending) : context_(context), descending_(descending) {
        const double far = std::numeric_limits<double>::infinity();
        const std::int64_t most = std::numeric_limits<std::int64_t>::max();
        last_ = descending ? NumberRow{pid, far, far, most, most} : NumberRow{pid, -far, -far, -1, 0};
    }
    bool next(search::SortKey& key, std::int64_t& rid) override {
        if (at_ == rows_.size() && !fetch()) return false;
        last_ = rows_[at_++];
        key = {last_.low, {}};
        rid = last_.rid;
        return true;
    }

private:
    bool fetch() {
        at_ = 0;
        if (descending_) rows_before(context_, last_, batch_rows, rows_);
        else rows_beyond(context_, last_, std::numeric_limits<double>::infinity(), batch_rows, rows_);
        return !rows_.empty();
    }
    Context context_;
    bool descending_;
    NumberRow last_{};
    std::vector<NumberRow> rows_;
    std::size_t at_ = 0;
};

/// Terms in the order of their text, each with everybody who has it. A token without code is left out.
class TermStream final : public Stream {
public:
    TermStream(sql::Connection& connection, std::int64_t space, bool descending, bool skips_empty)
        : connection_(connection), space_(space), descending_(descending), skips_empty_(skips_empty) {}
    bool next(search::SortKey& key, std::int64_t& rid) override {
        for (;;) {
            if (members_ && (rid = members_->next()) != no_more) {
                key = {{}, terms_[at_ - 1].norm};
                return true;
            }
            members_.reset();
            if (at_ == terms_.size() && !fetch()) return false;
            const Term& term = terms_[at_++];
            if (skips_empty_ && term.norm.empty()) continue;
            posting_ = posting_cursor(connection_, term.term);
            members_.emplace(*posting_);
        }
    }

private:
    struct Term {
        std::string norm, extra;
        std::int64_t term;
    };
    bool fetch() {
        if (ended_) return false;
        constexpr std::string_view up =
            "SELECT norm, extra, term FROM record_term WHERE space = ? AND (norm, extra) > (?, ?) "
            "/*pg AND substr(norm, 1, 480) >= substr(?2, 1, 480)*/ ORDER BY /*pg substr(norm, 1, 480),*/ norm, extra LIMIT ?4";
        constexpr std::string_view down =
            "SELECT norm, extra, term FROM record_term WHERE space = ? AND (norm, extra) < (?, ?) "
            "/*pg AND substr(norm, 1, 480) <= substr(?2, 1, 480)*/ "
            "ORDER BY /*pg substr(norm, 1, 480) DESC,*/ norm DESC, extra DESC LIMIT ?4";
        constexpr std::string_view first_up =
            "SELECT norm, extra, term FROM record_term WHERE space = ? ORDER BY /*pg substr(norm, 1, 480),*/ norm, extra LIMIT "
            "?2";
        constexpr std::string_view first_down =
            "SELECT norm, extra, term FROM record_term WHERE space = ? "
            "ORDER BY /*pg substr(norm, 1, 480) DESC,*/ norm DESC, extra DESC LIMIT ?2";
        auto& query = connection_.prepare(begun_ ? descending_ ? down : up : descending_ ? first_down : first_up);
        const Term last = begun_ ? terms_.back() : Term{};
        query.bind(1, space_);
        if (begun_) query.bind(2, last.norm).bind(3, last.extra).bind(4, batch_rows);
        else query.bind(2, batch_rows);
        begun_ = true;
        at_ = 0;
        terms_.clear();
        while (query.step()) terms_.push_back({std::string(query.text(0)), std::string(query.text(1)), query.integer(2)});
        ended_ = terms_.size() < static_cast<std::size_t>(batch_rows);
        return !terms_.empty();
    }
    sql::Connection& connection_;
    std::int64_t space_;
    bool descending_, skips_empty_, begun_ = false, ended_ = false;
    std::vector<Term> terms_;
    std::size_t at_ = 0;
    CursorPtr posting_;
    std::optional<Members> members_;
};

class ReadStream final : public Stream {
public:
    explicit ReadStream(std::vector<std::pair<search::SortKey, std::int64_t>> read) : read_(std::move(read)) {}
    bool next(search::SortKey& key, std::int64_t& rid) override {
        if (at_ == read_.size()) return false;
        key = read_[at_].first;
        rid = read_[at_++].second;
        return true;
    }

private:
    std::vector<std::pair<search::SortKey, std::int64_t>> read_;
    std::size_t at_ = 0;
};

/// The least head first, or the greatest.
class Merge {
public:
    explicit Merge(bool descending) : descending_(descending) {}
    void add(std::unique_ptr<Stream> stream) {
        Head head{std::move(stream), {}, 0, added_++ == 0};
        if (head.stream->next(head.key, head.rid)) heads_.push_back(std::move(head));
    }
    /// `was_read`: from the stream that was added first.
    bool next(search::SortKey& key, std::int64_t& rid, bool& was_read) {
        if (heads_.empty()) return false;
        std::size_t best = 0;
        for (std::size_t i = 1; i < heads_.size(); ++i) {
            if (compare_keys(heads_[i].key, heads_[best].key, descending_) < 0) best = i;
        }
        key = heads_[best].key;
        rid = heads_[best].rid;
        was_read = heads_[best].is_first;
        if (!heads_[best].stream->next(heads_[best].key, heads_[best].rid))
            heads_.erase(heads_.begin() + static_cast<std::ptrdiff_t>(best));
        return true;
    }

private:
    struct Head {
        std::unique_ptr<Stream> stream;
        search::SortKey key;
        std::int64_t rid;
        bool is_first;
    };
    bool descending_;
    int added_ = 0;
    std::vector<Head> heads_;
};
}  // namespace

// Resources whose key the index doesn't tell: read one by one.
std::vector<std::int64_t> Pager::unordered(const search::Parameter& parameter, const std::vector<std::int64_t>& rids,
                                           const Place& place) {
    std::vector<std::int64_t> found;
    const auto keep = [&](std::int64_t rid) {
        if (std::binary_search(rids.begin(), rids.end(), rid)) found.push_back(rid);
    };
    if (place.as_of < position_) {
        for (const std::int64_t rid : changed_since({parameter.resource}, place)) keep(rid);
    }
    if (parameter.type == search::ParamType::token) {
        for (const search::Parameter* source : finder_.with_included(parameter)) {
            auto& query = context_.connection.prepare(
                "SELECT term FROM record_term WHERE space = ? AND norm = ? /*pg AND substr(norm, 1, 480) = substr(?2, 1, 480)*/");
            query.bind(1, space(context_.numbers.pid(*source), Space::value)).bind(2, std::string_view());
            std::vector<std::int64_t> terms;
            while (query.step()) terms.push_back(query.integer(0));
            for (const std::int64_t term : terms) {
                const CursorPtr posting = posting_cursor(context_.connection, term);
                for (const std::int64_t rid : collect(*posting, SIZE_MAX)) keep(rid);
            }
        }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::vector<std::int64_t> Pager::by_index(const search::Query& query, const std::vector<std::int64_t>& rids, const Place& place,
                                          std::size_t needed) {
    const search::Sort& first = query.sort.front();
    const search::Parameter& parameter = *first.parameter;
    const std::vector<std::int64_t> read = unordered(parameter, rids, place);
    Merge merge(first.descending);
    std::vector<std::pair<search::SortKey, std::int64_t>> keyed;
    for (Keyed& each : keys_of(query, read, place)) {
        if (each.keys.front().number || each.keys.front().text) keyed.emplace_back(std::move(each.keys.front()), each.rid);
    }
    std::sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
        const int order = compare_keys(a.first, b.first, first.descending);
        return order ? order < 0 : a.second < b.second;
    });
    merge.add(std::make_unique<ReadStream>(std::move(keyed)));
    for (const search::Parameter* source : finder_.with_included(parameter)) {
        const std::int64_t pid = context_.numbers.pid(*source);
        for (const bool other : {false, true}) {
            if (parameter.type == search::ParamType::date)
                merge.add(std::make_unique<DateStream>(context_, date_key(pid, other), first.descending));
            else if (parameter.type == search::ParamType::number || parameter.type == search::ParamType::quantity)
                merge.add(std::make_unique<NumberStream>(context_, other ? -pid : pid, first.descending));
            else if (!other)
                merge.add(std::make_unique<TermStream>(context_.connection, space(pid, Space::value), first.descending,
                                                       parameter.type == search::ParamType::token));
        }
    }
    std::vector<bool> taken(rids.size(), false);
    std::vector<std::int64_t> order, group;
    const auto close = [&] {  // those of one key, by the other keys and at last by number
        std::sort(group.begin(), group.end());
        if (query.sort.size() > 1 && group.size() > 1) group = by_keys(query, group, place);
        order.insert(order.end(), group.begin(), group.end());
        group.clear();
    };
    search::SortKey key, group_key;
    std::int64_t rid = 0;
    std::uint64_t walked = 0;
    bool was_read = false;
    while (merge.next(key, rid, was_read)) {
        ++walked;
        if (!group.empty() && compare_keys(key, group_key, first.descending) != 0) {
            close();
            if (order.size() >= needed) break;
        }
        const auto found = std::lower_bound(rids.begin(), rids.end(), rid);
        if (found == rids.end() || *found != rid || taken[static_cast<std::size_t>(found - rids.begin())]) continue;
        // What was read comes up by that key alone: the index has another version's, or not all of it.
        if (!was_read && std::binary_search(read.begin(), read.end(), rid)) continue;
        taken[static_cast<std::size_t>(found - rids.begin())] = true;
        group_key = key;
        group.push_back(rid);
    }
    close();
    if (Step* step = finder_.plan().add("sort", "walked the index of " + std::string(parameter.code), parameter.code)) {
        step->touched = walked;
        step->kept = order.size();
    }
    if (order.size() < needed) {
        std::vector<std::int64_t> rest;
        for (std::size_t i = 0; i < rids.size(); ++i) {
            if (!taken[i]) rest.push_back(rids[i]);
        }
        if (query.sort.size() > 1) rest = by_keys(query, rest, place);
        order.insert(order.end(), rest.begin(), rest.end());
    }
    return order;
}

}  // namespace xinglin::record
