// SPDX-License-Identifier: Apache-2.0
// $expand: a value set as a list, filtered, paged, or as the tree its systems make of it.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "terminology/words.h"
#include "text/text.h"

namespace xinglin::terminology {

namespace {

constexpr std::size_t most_unpaged = 10'000, most_paged = 10'000;

/// One concept of a set: a row of a part, or one of its listed codes.
struct Place {
    std::uint32_t part;
    std::uint32_t index;  // the row, or the number in `listed`
};

const Set::Override* said_of(const Set::Part& part, Row row) {
    const auto found = part.said.find(row);
    return found == part.said.end() ? nullptr : &found->second;
}

class Expander {
public:
    Expander(const Set& set, const ExpandRequest& request) : set_(set), request_(request) {
        for (const Set::Part& part : set.parts) left_out_.push_back(is_excluded(part, request));
    }

    static bool is_excluded(const Set::Part& part, const ExpandRequest& request) {
        for (const std::string_view one : request.excluded_systems) {
            const Canonical named(one);
            if (named.url == part.system && (named.version.empty() || named.version == part.version)) return true;
        }
        return false;
    }

    /// All places in order.
    std::vector<Place> all() const {
        std::vector<Place> places;
        places.reserve(set_.size());
        for (std::uint32_t p = 0; p < set_.parts.size(); ++p) {
            const Set::Part& part = set_.parts[p];
            if (left_out_[p]) continue;
            for (const Row row : part.rows) {
                if (passes(part, row)) places.push_back({p, row});
            }
            for (std::uint32_t i = 0; i < part.listed.size(); ++i) places.push_back({p, i});
        }
        return places;
    }

    /// Places that match the filter, best first from `offset` for `count`; the rest unsorted behind.
    std::vector<Place> matching(std::size_t offset, std::size_t count, std::size_t& total) const {
        std::vector<std::pair<std::uint64_t, Place>> keyed;
        for (std::uint32_t p = 0; p < set_.parts.size(); ++p) {
            const Set::Part& part = set_.parts[p];
            if (left_out_[p]) continue;
            if (part.concepts) {
                match_rows(p, keyed);
            } else {
                match_listed(p, keyed);
            }
        }
        total = keyed.size();
        const std::size_t begin = std::min(offset, total), end = count > total - begin ? total : begin + count;
        std::partial_sort(keyed.begin(), keyed.begin() + static_cast<std::ptrdiff_t>(end), keyed.end(),
                          [](const auto& a, const auto& b) { return a.first < b.first; });
        std::vector<Place> places;
        for (std::size_t i = begin; i < end; ++i) places.push_back(keyed[i].second);
        return places;
    }

    Expanded at(Place place) const {
        const Set::Part& part = set_.parts[place.part];
        Expanded one;
        one.system = part.system;
        one.version = part.version;
        if (!part.concepts) {
            const Set::Listed& listed = part.listed[place.index];
            one.code = listed.code;
            one.display = listed.said.display;
            if (request_.designations) one.designations = wanted(listed.said.designations);
            return one;
        }
        const Concepts& concepts = *part.concepts;
        const Set::Override* said = said_of(part, place.index);
        one.code = concepts.code(place.index);
        one.display = name_of(concepts, place.index, said);
        one.is_abstract = concepts.is_abstract(place.index);
        one.inactive = !concepts.is_active(place.index);
        if (request_.designations) one.designations = wanted(designations_of(concepts, place.index, said));
        if (!request_.properties.empty()) add_properties(concepts, place.index, one);
        return one;
    }

    /// Under the nearest concept above that is in the set too.
    std::vector<Expanded> tree(const std::vector<Place>& places) const {
        std::vector<Expanded> roots;
        for (std::uint32_t p = 0; p < set_.parts.size(); ++p) {
            const Set::Part& part = set_.parts[p];
            std::unordered_map<Row, std::vector<Place>> below;
            std::vector<Place> tops;
            for (const Place& place : places) {
                if (place.part != p) continue;
                Row above = part.concepts ? part.concepts->parent(place.index) : no_row;
                while (above != no_row && !is_shown(part, above)) above = part.concepts->parent(above);
                (above == no_row ? tops : below[above]).push_back(place);
            }
            for (const Place& place : tops) roots.push_back(branch(place, below, 0));
        }
        return roots;
    }

private:
    const Set& set_;
    const ExpandRequest& request_;
    std::vector<bool> left_out_;  // by part

    bool passes(const Set::Part& part, Row row) const {
        return (!request_.active_only || part.concepts->is_active(row)) &&
               (!request_.selectable_only || !part.concepts->is_abstract(row));
    }
    bool is_shown(const Set::Part& part, Row row) const { return !part.has.empty() && part.has[row] && passes(part, row); }

    std::vector<Designation> wanted(std::vector<Designation> all) const {
        if (request_.wanted_designations.empty()) return all;
        std::erase_if(all, [&](const Designation& one) {
            for (const std::string_view asked : request_.wanted_designations) {
                if (asked.starts_with('|') ? one.use == asked.substr(1) : one.language.starts_with(asked)) return false;
            }
            return true;
        });
        return all;
    }

    void add_properties(const Concepts& concepts, Row row, Expanded& one) const {
        for (const std::string_view name : request_.properties) {
            if (name == "parent") {
                for (const Row parent : concepts.parents(row))
                    one.properties.push_back({"parent", std::string(concepts.code(parent)), "code"});
            } else if (name == "child") {
                for (const Row child : concepts.children(row))
                    one.properties.push_back({"child", std::string(concepts.code(child)), "code"});
            } else if (name == "inactive" || name == "notSelectable") {
                const bool truth = name == "inactive" ? !concepts.is_active(row) : concepts.is_abstract(row);
                one.properties.push_back({std::string(name), truth ? "true" : "false", "boolean"});
            } else {
                for (const auto& property : concepts.properties(row)) {
                    if (concepts.text(property.code) == name)
                        one.properties.push_back(
                            {std::string(name), std::string(concepts.text(property.value)), kind_name(property.kind)});
                }
            }
        }
    }

    std::string name_of(const Concepts& concepts, Row row, const Set::Override* said) const {
        if (said && !request_.language.empty()) {
            for (const Designation& one : said->designations) {
                if (one.language.substr(0, 2) == request_.language.substr(0, 2)) return one.value;
            }
        }
        if (said && !said->display.empty() && request_.language.empty()) return said->display;
        return std::string(concepts.display_in(row, request_.language));
    }

    Expanded branch(Place place, std::unordered_map<Row, std::vector<Place>>& below, std::size_t depth) const {
        Expanded one = at(place);
        const auto found = set_.parts[place.part].concepts ? below.find(place.index) : below.end();
        if (found == below.end() || depth > 200) return one;
        for (const Place& child : found->second) one.contains.push_back(branch(child, below, depth + 1));
        return one;
    }

    void match_rows(std::uint32_t p, std::vector<std::pair<std::uint64_t, Place>>& keyed) const {
        const Set::Part& part = set_.parts[p];
        const Spelling& spelling = part.concepts->spelling();
        for (const Spelling::Hit& hit : spelling.find(request_.filter)) {
            if (is_shown(part, hit.row))
                keyed.emplace_back(key(hit.matched, spelling.length(hit.row), keyed.size()), Place{p, hit.row});
        }
        if (part.said.empty()) return;
        std::set<Row> found;
        for (const auto& one : keyed) {
            if (one.second.part == p) found.insert(one.second.index);
        }
        const std::string words = text::fold(request_.filter);
        for (const auto& [row, said] : part.said) {  // names that only the value set gives
            if (found.contains(row) || !is_shown(part, row) || text::fold(said.display).find(words) == std::string::npos)
                continue;
            keyed.emplace_back(key(Matched::display_part, said.display.size(), keyed.size()), Place{p, row});
        }
    }

    void match_listed(std::uint32_t p, std::vector<std::pair<std::uint64_t, Place>>& keyed) const {
        Spelling spelling;
        SpellingBuilder builder(spelling);
        for (const Set::Listed& one : set_.parts[p].listed) {
            std::string names;
            for (const Designation& designation : one.said.designations) names += '\x1f' + designation.value;
            builder.add(one.code, one.said.display, names);
        }
        for (const Spelling::Hit& hit : spelling.find(request_.filter))
            keyed.emplace_back(key(hit.matched, spelling.length(hit.row), keyed.size()), Place{p, hit.row});
    }

    static std::uint64_t key(Matched matched, std::size_t length, std::size_t order) {
        return std::uint64_t(matched) << 56 | std::uint64_t(std::min<std::size_t>(length, 0xFFFF)) << 32 | (order & 0xFFFFFFFF);
    }
};

Outcome too_many(std::size_t total) {
    return refuse(
        IssueCode::too_costly, "ValueSet.expansion",
        fmt::format("has {} concepts, more than {}: ask for pages with offset and count, or give a filter", total, most_unpaged));
}

}  // namespace

std::vector<Found> ranked(const std::vector<Spelling::Hit>& hits, const Spelling& spelling, std::size_t offset, std::size_t count,
                          std::size_t& total) {
    std::vector<std::pair<std::uint64_t, Found>> keyed;
    keyed.reserve(hits.size());
    for (const Spelling::Hit& hit : hits) {
        keyed.emplace_back(
            std::uint64_t(hit.matched) << 56 | std::uint64_t(std::min(spelling.length(hit.row), 0xFFFFu)) << 32 | hit.row,
            Found{hit.row, hit.matched});
    }
    total = keyed.size();
    const std::size_t begin = std::min(offset, total), end = count > total - begin ? total : begin + count;
    std::partial_sort(keyed.begin(), keyed.begin() + static_cast<std::ptrdiff_t>(end), keyed.end(),
                      [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Found> found;
    for (std::size_t i = begin; i < end; ++i) found.push_back(keyed[i].second);
    return found;
}

Result<Expansion> Terminology::expand(const ExpandRequest& request) const {
    const Now now = library_->now();
    if (request.url.empty() && !request.inline_definition)
        return refuse(IssueCode::required, "url", "is needed: which value set?");
    auto made = request.inline_definition ? sets_->set_of(now, request.inline_definition, request.date, request.versions)
                                          : sets_->set_of(now, request.url, request.version, request.date, request.versions);
    if (!made.ok()) return std::move(made).outcome();
    const Set& set = **made;
    if (!set.gaps.empty()) return refuse(IssueCode::not_supported, "ValueSet.compose", set.gaps.front());
    if (request.count && *request.count > most_paged)
        return refuse(IssueCode::too_costly, "count", fmt::format("is more than {} for one page", most_paged));
    Expansion expansion;
    expansion.url = set.url;
    expansion.version = set.version;
    expansion.name = set.name;
    expansion.title = set.title;
    expansion.offset = request.offset;
    expansion.paged = request.count.has_value() || request.offset > 0;
    for (const Set::Part& part : set.parts) {
        if (Expander::is_excluded(part, request)) continue;
        if (part.concepts && part.size() > 0) {
            for (const std::string& supplement : part.concepts->supplements()) expansion.used_supplements.push_back(supplement);
        }
        const std::string used = part.version.empty() ? part.system : part.system + "|" + part.version;
        if (part.size() > 0 &&
            std::find(expansion.used_systems.begin(), expansion.used_systems.end(), used) == expansion.used_systems.end())
            expansion.used_systems.push_back(used);
    }
    const Expander expander(set, request);
    const std::size_t count = request.count.value_or(most_unpaged);
    std::vector<Place> places;
    if (!request.filter.empty()) {
        places = expander.matching(request.offset, count, expansion.total);
    } else {
        places = expander.all();
        expansion.total = places.size();
    }
    if (!request.count && expansion.total > most_unpaged) return too_many(expansion.total);
    if (request.filter.empty() && request.nested && !expansion.paged) {
        expansion.concepts = expander.tree(places);
        return expansion;
    }
    if (request.filter.empty()) {
        const std::size_t begin = std::min(request.offset, places.size()),
                          end = count > places.size() - begin ? places.size() : begin + count;
        places = std::vector<Place>(places.begin() + static_cast<std::ptrdiff_t>(begin),
                                    places.begin() + static_cast<std::ptrdiff_t>(end));
    }
    for (const Place& place : places) expansion.concepts.push_back(expander.at(place));
    return expansion;
}

Result<json::Value> Terminology::value_set(std::string_view url, std::string_view version, std::string_view date,
                                           json::Arena& arena) const {
    const Canonical named(url);
    const Now now = library_->now();
    const Here edition = library_->find(*now, Kind::value_set, named.url, version.empty() ? named.version : version, date);
    if (!edition) return refuse(IssueCode::not_found, "url", "there is no ValueSet of that url written here");
    return library_->resource(*edition, arena);
}

}  // namespace xinglin::terminology
