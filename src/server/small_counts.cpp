// SPDX-License-Identifier: Apache-2.0
// Which counts stand in sums with which, for each answer that tells counts of persons.
#include "server/small_counts.h"

#include <set>

#include "server/house.h"

namespace xinglin::server {

bool sees_counts(const access::Viewer& viewer) { return viewer.may_read(); }

ShownCounts::ShownCounts(House& house, bool open) : open_(open) {
    if (const auto below = anonymity::read_small_limit(*house.content); below.ok()) below_ = *below;
}

std::size_t ShownCounts::add(const std::string& name, std::int64_t count) {
    const std::size_t cell = counts_.add(count);
    names_.emplace(name, cell);
    return cell;
}

void ShownCounts::settle() {
    if (!open_) cells_ = anonymity::hide_small(counts_, below_);
}

std::string ShownCounts::mark(const std::string& name, std::int64_t count) const {
    if (open_) return "";
    if (const auto found = names_.find(name); found != names_.end()) return anonymity::mark_of(cells_[found->second], below_);
    return count > 0 && count < below_ ? anonymity::mark_of(anonymity::Cell::small, below_) : "";
}

json::Value ShownCounts::value(json::Arena& arena, const std::string& name, std::int64_t count) const {
    const std::string hidden = mark(name, count);
    return hidden.empty() ? arena.number(count) : arena.string(hidden);
}

std::string ShownCounts::text(const std::string& name, std::int64_t count) const {
    const std::string hidden = mark(name, count);
    return hidden.empty() ? std::to_string(count) : hidden;
}

ShownCounts shown_types(House& house, const std::vector<record::TypeCount>& types, bool open) {
    ShownCounts shown(house, open);
    std::vector<std::size_t> parts;
    std::int64_t total = 0;
    for (const record::TypeCount& each : types) {
        parts.push_back(shown.add(std::string(each.type->name), static_cast<std::int64_t>(each.count)));
        total += static_cast<std::int64_t>(each.count);
    }
    shown.sum(shown.add("", total), std::move(parts));
    shown.settle();
    return shown;
}

ShownCounts shown_statistics(House& house, const person::Statistics& all, bool open) {
    ShownCounts shown(house, open);
    const auto add = [&](const std::string& name, std::uint64_t count) {
        return shown.add(name, static_cast<std::int64_t>(count));
    };
    std::vector<std::size_t> sources, ages, with_id, with_id_by_age;
    std::int64_t records = 0, numbered = 0;
    for (const person::SourceShare& each : all.sources) {
        sources.push_back(add("source " + each.source, each.records));
        with_id.push_back(add("with_id " + each.source, each.with_id));
        // The rest of a source is a count too: records without a number.
        const std::size_t without = add("", each.records - std::min(each.records, each.with_id));
        shown.never_shown(without);
        shown.sum(sources.back(), {with_id.back(), without});
        records += static_cast<std::int64_t>(each.records);
        numbered += static_cast<std::int64_t>(each.with_id);
    }
    for (const person::AgeShare& each : all.ages) {
        ages.push_back(add(fmt::format("age {}", each.from_age), each.records));
        with_id_by_age.push_back(add(fmt::format("age with_id {}", each.from_age), each.with_id));
    }
    const std::size_t total = shown.add("records", records), sum = shown.add("numbered", numbered);
    shown.never_shown(sum);
    shown.sum(total, std::move(sources));
    shown.sum(total, std::move(ages));
    shown.sum(sum, std::move(with_id));
    shown.sum(sum, std::move(with_id_by_age));
    shown.settle();
    return shown;
}

ShownCounts shown_quality(House& house, const QualityReport& report, bool open) {
    ShownCounts shown(house, open);
    if (open) return shown;
    std::map<std::string, std::pair<std::int64_t, std::vector<std::size_t>>> by_set;
    std::map<std::int64_t, std::pair<std::int64_t, std::vector<std::size_t>>> by_day;
    std::vector<std::size_t> institutions;
    std::int64_t all = 0;
    const auto volume = [](const quality::Sheet& sheet) {
        std::int64_t sum = 0;
        for (const auto& [set, counts] : sheet) sum += counts.n;
        return sum;
    };
    for (const QualityInstitution& one : report.institutions) {
        const std::size_t total = shown.add(one.id, volume(one.sheet));
        std::vector<std::size_t> sets, days;
        for (const auto& [set, counts] : one.sheet) {
            sets.push_back(shown.add(one.id + " " + set, counts.n));
            by_set[set].first += counts.n;
            by_set[set].second.push_back(sets.back());
        }
        for (const auto& [day, sheet] : one.days) {
            const std::int64_t count = volume(sheet);
            days.push_back(shown.add(one.id + "/" + day_text(day), count));
            by_day[day].first += count;
            by_day[day].second.push_back(days.back());
        }
        shown.sum(total, std::move(sets));
        shown.sum(total, std::move(days));
        institutions.push_back(total);
        all += volume(one.sheet);
    }
    const std::size_t whole = shown.add("", all);
    shown.sum(whole, std::move(institutions));
    std::vector<std::size_t> sets, days;
    for (auto& [set, line] : by_set) {
        sets.push_back(shown.add(set, line.first));
        shown.sum(sets.back(), std::move(line.second));
    }
    for (auto& [day, line] : by_day) {
        days.push_back(shown.add("/" + day_text(day), line.first));
        shown.sum(days.back(), std::move(line.second));
    }
    shown.sum(whole, std::move(sets));
    shown.sum(whole, std::move(days));
    shown.settle();
    return shown;
}

}  // namespace xinglin::server
