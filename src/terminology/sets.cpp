// SPDX-License-Identifier: Apache-2.0
// Working out ValueSet.compose.
//
// Includes are joined; within one include the system's rule and every value set named must all hold; excludes are taken away
// at the end (FHIR R4, valueset.html#compositions).
#include "terminology/sets.h"

#include <algorithm>

namespace xinglin::terminology {

bool Set::Part::add(Row row) {
    if (has.empty()) has.resize(concepts->size());
    if (has[row]) return false;
    has[row] = true;
    rows.push_back(row);
    return true;
}

bool Set::Part::add(Listed one) {
    if (!at.emplace(one.code, listed.size()).second) return false;
    listed.push_back(std::move(one));
    return true;
}

std::size_t Set::size() const {
    std::size_t size = 0;
    for (const Part& part : parts) size += part.size();
    return size;
}

Set::Part* Set::find(std::string_view system, std::string_view version, const Concepts* concepts) {
    for (Part& part : parts) {
        if (part.system == system && part.concepts.get() == concepts && (concepts || part.version == version)) return &part;
    }
    return nullptr;
}

namespace {

Set::Part& part_like(Set& set, const Set::Part& like) {
    if (Set::Part* found = set.find(like.system, like.version, like.concepts.get())) return *found;
    Set::Part part;
    part.system = like.system;
    part.version = like.version;
    part.concepts = like.concepts;
    set.parts.push_back(std::move(part));
    return set.parts.back();
}

void join(Set& into, const Set& other) {
    for (const Set::Part& part : other.parts) {
        Set::Part& target = part_like(into, part);
        for (const Row row : part.rows) target.add(row);
        for (const Set::Listed& one : part.listed) target.add(one);
        target.said.insert(part.said.begin(), part.said.end());
        target.open = target.open || part.open;
    }
    into.gaps.insert(into.gaps.end(), other.gaps.begin(), other.gaps.end());
}

bool has_listed(const Set& set, const std::string& system, const std::string& code) {
    for (const Set::Part& part : set.parts) {
        if (part.system == system && (part.open || part.at.contains(code))) return true;
        if (part.system == system && part.concepts) {
            const Row row = part.concepts->find(code);
            if (row != no_row && !part.has.empty() && part.has[row]) return true;
        }
    }
    return false;
}

/// True when the part of another edition (or the same) of the system has the concept.
bool has_row(const Set& set, const Set::Part& part, Row row) {
    for (const Set::Part& other : set.parts) {
        if (other.system != part.system) continue;
        if (other.concepts == part.concepts) {
            if (!other.has.empty() && other.has[row]) return true;
        } else if (other.concepts) {
            const Row there = other.concepts->find(part.concepts->code(row));
            if (there != no_row && !other.has.empty() && other.has[there]) return true;
        } else if (other.open || other.at.contains(std::string(part.concepts->code(row)))) {
            return true;
        }
    }
    return false;
}

bool is_open(const Set& set, const std::string& system) {
    for (const Set::Part& part : set.parts) {
        if (part.system == system && part.open) return true;
    }
    return false;
}

/// Keeps what is in `other` (or, with `keep` false, what is not).
void sift(Set& set, const Set& other, bool keep) {
    for (Set::Part& part : set.parts) {
        std::vector<Row> rows;
        std::swap(rows, part.rows);
        std::fill(part.has.begin(), part.has.end(), false);
        for (const Row row : rows) {
            if (has_row(other, part, row) == keep) part.add(row);
        }
        std::vector<Set::Listed> listed;
        std::swap(listed, part.listed);
        part.at.clear();
        for (Set::Listed& one : listed) {
            if (has_listed(other, part.system, one.code) == keep) part.add(std::move(one));
        }
        if (!part.open) continue;
        if (!keep) {
            part.open = !is_open(other, part.system);
            continue;
        }
        part.open = is_open(other, part.system);
        for (const Set::Part& there : other.parts) {  // all of the system here, some codes there: those
            if (there.system != part.system) continue;
            for (const Set::Listed& one : there.listed) part.add(one);
        }
    }
    if (keep) std::erase_if(set.parts, [](const Set::Part& part) { return part.size() == 0 && !part.open; });
}

}  // namespace

/// One question: recursion through value sets, with its limits.
class SetReader {
public:
    SetReader(SetKeeper& keeper, Now now, std::string_view date, const Versions& versions)
        : keeper_(keeper),
          now_(std::move(now)),
          date_(date.empty() ? keeper.library_.today() : std::string(date)),
          versions_(versions) {
        for (const auto* list : {&versions.default_, &versions.forced, &versions.checked}) {
            for (const std::string_view one : *list) versions_key_ += "\x1f" + std::string(one);
            versions_key_ += '\x1e';
        }
    }

    Result<SharedSet> by_url(std::string_view url, std::string_view version) {
        const std::string key = std::string(url) + "|" + std::string(version) + "|" + date_ + versions_key_;
        if (SharedSet known = keeper_.kept(now_, key)) return known;
        for (std::size_t i = 0; i < path_.size(); ++i) {
            if (path_[i] == url) return circle(i, url);
        }
        if (path_.size() >= limits_.depth || ++sets_ > limits_.sets)
            return refuse(IssueCode::too_costly, "ValueSet.compose.include.valueSet",
                          "value sets name each other more than 30 deep or 1,000 in all; flatten them");
        path_.emplace_back(url);
        auto made = make(url, version);
        path_.pop_back();
        if (made.ok()) keeper_.keep(now_, key, *made);
        return made;
    }

    Result<SharedSet> of_resource(json::Value value_set) {
        auto set = std::make_shared<Set>();
        set->url = value_set["url"].string();
        set->version = value_set["version"].string();
        set->name = value_set["name"].string();
        set->title = value_set["title"].string();
        const json::Value compose = value_set["compose"];
        if (!compose) {
            XINGLIN_CHECK(contains(value_set["expansion"], *set, 0));
            return SharedSet(std::move(set));
        }
        std::size_t number = 0;
        for (const json::Node& node : compose["include"].items()) {
            XINGLIN_TRY(const Set included, include(json::Value(&node), fmt::format("ValueSet.compose.include[{}]", number++)));
            join(*set, included);
            if (set->size() > limits_.codes)
                return refuse(IssueCode::too_costly, "ValueSet.compose", "has more than 2,000,000 codes");
        }
        number = 0;
        for (const json::Node& node : compose["exclude"].items()) {
            XINGLIN_TRY(const Set excluded, include(json::Value(&node), fmt::format("ValueSet.compose.exclude[{}]", number++)));
            sift(*set, excluded, false);
            if (json::Value(&node)["filter"]) set->gaps.insert(set->gaps.end(), excluded.gaps.begin(), excluded.gaps.end());
        }
        if (const json::Value inactive = compose["inactive"]; inactive && !inactive.as_bool()) drop_inactive(*set);
        return SharedSet(std::move(set));
    }

private:
    SetKeeper& keeper_;
    Now now_;
    std::string date_;
    const Versions& versions_;
    std::string versions_key_;
    SetLimits limits_;
    std::vector<std::string> path_;
    std::size_t sets_ = 0, rules_ = 0;

    Outcome circle(std::size_t from, std::string_view url) const {
        std::string way;
        for (std::size_t i = from; i < path_.size(); ++i) way += path_[i] + " → ";
        return refuse(IssueCode::invariant, "ValueSet.compose.include.valueSet",
                      "the value set includes itself (" + way + std::string(url) + "); break the circle");
    }

    static void drop_inactive(Set& set) {
        for (Set::Part& part : set.parts) {
            std::erase_if(part.rows, [&](Row row) {
                if (part.concepts->is_active(row)) return false;
                part.has[row] = false;
                return true;
            });
        }
    }

    Result<SharedSet> make(std::string_view url, std::string_view version) {
        Library& library = keeper_.library_;
        if (const Here edition = library.find(*now_, Kind::value_set, url, version, date_)) {
            json::Arena arena;
            XINGLIN_TRY(const json::Value resource, library.resource(*edition, arena));
            return of_resource(resource);
        }
        std::string_view system = url, below;
        if (const std::size_t mark = url.find("?fhir_vs"); mark != std::string_view::npos) {
            system = url.substr(0, mark);
            below = url.substr(mark + 8);
            if (!below.empty() && !below.starts_with("=isa/"))
                return refuse(IssueCode::not_supported, "url",
                              "of implicit value sets we know SYSTEM?fhir_vs and SYSTEM?fhir_vs=isa/CODE");
            if (!below.empty()) below.remove_prefix(5);
            if (!library.find(*now_, Kind::system, system, version, date_))
                return refuse(IssueCode::not_found, "url", "the code system " + std::string(system) + " is not known here");
        } else if (const auto own = now_->systems_of_value_set.find(std::string(url)); own != now_->systems_of_value_set.end()) {
            system = own->second->url;
        } else {
            return refuse(IssueCode::not_found, "url",
                          "the value set " + std::string(url) + (version.empty() ? "" : " in version " + std::string(version)) +
                              " is not known here");
        }
        json::Arena arena;
        json::Value include = arena.object(
            {{"system", arena.string(system)}, {"version", version.empty() ? json::Value() : arena.string(version)}});
        if (!below.empty()) {
            include = arena.with(
                include, "filter",
                arena.array({arena.object(
                    {{"property", arena.string("concept")}, {"op", arena.string("is-a")}, {"value", arena.string(below)}})}));
        }
        return of_resource(
            arena.object({{"url", arena.string(url)}, {"compose", arena.object({{"include", arena.array({include})}})}}));
    }

    Result<Set> include(json::Value rule, const std::string& where) {
        if (++rules_ > limits_.rules) return refuse(IssueCode::too_costly, where, "there are more than 10,000 rules");
        Set set;
        bool has_any = false;
        if (rule["system"]) {
            XINGLIN_CHECK(of_system(rule, where, set));
            has_any = true;
        }
        std::size_t number = 0;
        for (const json::Node& node : rule["valueSet"].items()) {
            const Canonical named(json::Value(&node).string());
            auto other = by_url(named.url, named.version);
            if (!other.ok()) {
                Outcome outcome = std::move(other).outcome();
                for (Issue& issue : outcome.issues) {
                    if (issue.where == "url") issue.where = fmt::format("{}.valueSet[{}]", where, number);
                }
                return outcome;
            }
            ++number;
            if (has_any) {
                sift(set, **other, true);
            } else {
                join(set, **other);
            }
            has_any = true;
        }
        if (!has_any) return refuse(IssueCode::required, where, "needs a system or a valueSet");
        return set;
    }

    Result<Done> of_system(json::Value rule, const std::string& where, Set& set) {
        const Canonical named(rule["system"].string());
        const std::string_view written = rule["version"] ? rule["version"].string() : named.version;
        const std::string_view forced = asked_version(versions_.forced, named.url);
        const std::string_view version = !forced.empty()    ? forced
                                         : !written.empty() ? written
                                                            : asked_version(versions_.default_, named.url);
        Here edition = keeper_.library_.find(*now_, Kind::system, named.url, version, date_);
        if (!edition && !version.empty() && version == written) edition = only_edition(named.url);
        const std::string_view checked = asked_version(versions_.checked, named.url);
        const std::string_view used = edition ? std::string_view(edition->version) : version;
        if (!checked.empty() && used != checked)
            return refuse(IssueCode::value, "check-system-version",
                          fmt::format("the value set uses version '{}' of {}, not '{}'", used, named.url, checked));
        if (!edition && !version.empty() && version != written && now_->systems.contains(std::string(named.url)))
            return refuse(IssueCode::not_found, forced.empty() ? "system-version" : "force-system-version",
                          fmt::format("the code system {} has no version '{}' here", named.url, version));
        Set::Part part;
        part.system = edition ? edition->url : std::string(named.url);
        part.version = edition ? edition->version : std::string(version);
        if (edition && edition->has_concepts) {
            XINGLIN_TRY(part.concepts, keeper_.library_.concepts(edition));
            XINGLIN_CHECK(of_concepts(rule, where, part));
        } else {
            list_only(rule, where, set, part);
        }
        set.parts.push_back(std::move(part));
        return Done{};
    }

    static std::string_view asked_version(std::span<const std::string_view> asked, std::string_view url) {
        for (const std::string_view one : asked) {
            if (const Canonical named(one); named.url == url) return named.version;
        }
        return {};
    }

    /// R4's value sets name editions of v2 and v3 tables that were never published apart: when there is only one, it is meant.
    Here only_edition(std::string_view url) const {
        const auto found = now_->systems.find(std::string(url));
        return found != now_->systems.end() && found->second.size() == 1 && found->second.front()->origin == Origin::built_in
                   ? found->second.front()
                   : nullptr;
    }

    static Set::Override said(json::Value one) {
        Set::Override said;
        said.display = one["display"].string();
        for (const json::Node& node : one["designation"].items()) {
            const json::Value designation(&node);
            said.designations.push_back({std::string(designation["language"].string()),
                                         std::string(designation["use"]["code"].string()),
                                         std::string(designation["value"].string())});
        }
        return said;
    }

    void list_only(json::Value rule, const std::string& where, Set& set, Set::Part& part) {
        for (const json::Node& node : rule["concept"].items()) {
            const json::Value one(&node);
            part.add(Set::Listed{std::string(one["code"].string()), said(one)});
        }
        if (rule["concept"] && !rule["filter"]) return;
        part.open = true;
        set.gaps.push_back(where + ": the code system " + part.system + " has no content here, so its codes cannot be listed");
    }

    Result<Done> of_concepts(json::Value rule, const std::string& where, Set::Part& part) {
        const Concepts& concepts = *part.concepts;
        std::vector<bool> passing(concepts.size(), true);
        std::size_t number = 0;
        for (const json::Node& node : rule["filter"].items()) {
            const json::Value one(&node);
            if (++rules_ > limits_.rules) return refuse(IssueCode::too_costly, where, "there are more than 10,000 rules");
            XINGLIN_TRY(const std::vector<bool> rows,
                        filtered(concepts, one["property"].string(), one["op"].string(), one["value"].text(),
                                 fmt::format("{}.filter[{}]", where, number++)));
            for (std::size_t row = 0; row < passing.size(); ++row) passing[row] = passing[row] && rows[row];
        }
        if (!rule["concept"]) {
            for (Row row = 0; row < concepts.size(); ++row) {
                if (passing[row]) part.add(row);
            }
            return Done{};
        }
        for (const json::Node& node : rule["concept"].items()) {
            const json::Value one(&node);
            const Row row = concepts.find(one["code"].string());
            if (row == no_row || !passing[row]) continue;
            part.add(row);
            if (Set::Override override = said(one); !override.display.empty() || !override.designations.empty())
                part.said.emplace(row, std::move(override));
        }
        return Done{};
    }

    /// A value set that only has an expansion: what it contains.
    Result<Done> contains(json::Value holder, Set& set, std::size_t depth) {
        if (depth > limits_.depth)
            return refuse(IssueCode::too_costly, "ValueSet.expansion.contains", "is nested deeper than 30 levels");
        for (const json::Node& node : holder["contains"].items()) {
            const json::Value one(&node);
            if (one["code"] && !one["abstract"].as_bool()) {
                Set::Part like;
                like.system = one["system"].string();
                const Here edition = keeper_.library_.find(*now_, Kind::system, like.system, one["version"].string(), date_);
                if (edition && edition->has_concepts) {
                    XINGLIN_TRY(like.concepts, keeper_.library_.concepts(edition));
                    like.version = edition->version;
                }
                Set::Part& part = part_like(set, like);
                const Row row = like.concepts ? like.concepts->find(one["code"].string()) : no_row;
                if (row != no_row) part.add(row);
                if (!like.concepts) part.add(Set::Listed{std::string(one["code"].string()), said(one)});
            }
            XINGLIN_CHECK(contains(one, set, depth + 1));
        }
        return Done{};
    }
};

Result<SharedSet> SetKeeper::set_of(const Now& now, std::string_view url, std::string_view version, std::string_view date,
                                    const Versions& versions) {
    const Canonical named(url);
    return SetReader(*this, now, date, versions).by_url(named.url, version.empty() ? named.version : version);
}

Result<SharedSet> SetKeeper::set_of(const Now& now, json::Value value_set, std::string_view date, const Versions& versions) {
    if (value_set["resourceType"].string() != "ValueSet")
        return refuse(IssueCode::invalid, "valueSet", "expected a ValueSet resource");
    return SetReader(*this, now, date, versions).of_resource(value_set);
}

SharedSet SetKeeper::kept(const Now& now, const std::string& key) {
    const std::shared_lock lock(lock_);
    if (generation_ != now->generation) return nullptr;
    const auto found = kept_.find(key);
    return found == kept_.end() ? nullptr : found->second;
}

void SetKeeper::keep(const Now& now, const std::string& key, const SharedSet& set) {
    constexpr std::size_t most = 5'000;
    const std::unique_lock lock(lock_);
    if (generation_ > now->generation) return;
    if (generation_ != now->generation || kept_.size() >= most) kept_.clear();
    generation_ = now->generation;
    kept_.emplace(key, set);
}

}  // namespace xinglin::terminology
