// SPDX-License-Identifier: Apache-2.0
// Rules and a viewer become a guard: what depends on the viewer is settled here, what depends on the resource is left to the store.
#include "policy/compile.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "text/text.h"

namespace xinglin::policy {

namespace {

using record::GuardRule;

class Compiling {
public:
    Compiling(const Book& book, const access::Viewer& viewer, Sets& sets) : book_(book), viewer_(viewer), sets_(sets) {}

    Compiled run(const std::vector<Rule>& rules) {
        // Who is in one of the sets that a permitting rule names has to do with the viewer; a resident's "open to all" reaches no further.
        for (const Rule& rule : rules) {
            if (rule.kind == Rule::Kind::plain && rule.permit && rule.whose == Rule::Whose::set && holds(rule))
                related_.push_back(set_of(rule.set));
            open_to_all_ =
                open_to_all_ || (rule.kind == Rule::Kind::plain && rule.permit && rule.labels.empty() && !rule.own_sources &&
                                 holds(rule) && (rule.whose == Rule::Whose::anything || rule.whose == Rule::Whose::somebodys));
        }
        for (const Rule& rule : rules) {
            if (!holds(rule)) continue;
            switch (rule.kind) {
                case Rule::Kind::plain: add_plain(rule); break;
                case Rule::Kind::emergency: add_emergencies(rule); break;
                case Rule::Kind::card: add_shown(rule); break;
                case Rule::Kind::consent: add_consents(rule); break;
                case Rule::Kind::own: add_members(rule.id, true, sets_.of_ids(sets_.own(viewer_))); break;
                case Rule::Kind::wards: add_wards(rule); break;
            }
        }
        return {guard_, std::move(of_), ends_ms_};
    }

private:
    bool holds(const Rule& rule) const {
        const std::string& purpose = viewer_.purpose.empty() ? book_.default_purpose : viewer_.purpose;
        if (!rule.purposes.empty() && std::find(rule.purposes.begin(), rule.purposes.end(), purpose) == rule.purposes.end())
            return false;
        const bool has_post = !viewer_.institution.empty() || !viewer_.area.empty();
        return rule.only_when.empty() || !has_post;
    }

    SetPtr set_of(const std::string& name) {
        if (const auto known = named_.find(name); known != named_.end()) return known->second;
        std::vector<SetPtr> parts;
        for (const std::string& search : book_.sets.at(name).searches) {
            const auto mine = put_in(search, viewer_, sets_.now_ms());
            if (!mine) continue;
            parts.push_back(sets_.of_search(*mine));
            of_.emplace_back(*mine, parts.back());
        }
        if (parts.size() == 1) return named_[name] = parts.front();
        std::vector<std::int64_t> all;
        for (const SetPtr& part : parts) {
            for (std::int64_t at = part->next(0); at != INT64_MAX; at = part->next(at + 1)) all.push_back(at);
        }
        return named_[name] = std::make_shared<record::PatientSet>(std::move(all));
    }

    void add_plain(const Rule& rule) {
        GuardRule out{.name = rule.id, .permit = rule.permit, .types = rule.types, .labels = rule.labels};
        switch (rule.whose) {
            case Rule::Whose::anything: out.whose = GuardRule::Whose::anything; break;
            case Rule::Whose::nobodys: out.whose = GuardRule::Whose::nobodys; break;
            case Rule::Whose::somebodys: out.whose = GuardRule::Whose::somebodys; break;
            case Rule::Whose::set:
                out.whose = GuardRule::Whose::members;
                out.patients = set_of(rule.set);
                break;
        }
        if (rule.own_sources) {
            out.sources = sets_.sources_of(viewer_);
            if (out.sources.empty()) return;  // without an institution nothing is one's own
        }
        guard_->rules.push_back(std::move(out));
    }

    void add_members(const std::string& name, bool permit, std::vector<std::int64_t> ordinals,
                     std::vector<std::pair<std::string, std::string>> labels = {}) {
        if (ordinals.empty()) return;
        guard_->rules.push_back({.name = name,
                                 .permit = permit,
                                 .whose = GuardRule::Whose::members,
                                 .patients = std::make_shared<record::PatientSet>(std::move(ordinals)),
                                 .types = {},
                                 .labels = std::move(labels)});
    }

    void note_end(std::int64_t until_ms) { ends_ms_ = std::min(ends_ms_.value_or(until_ms), until_ms); }

    void add_emergencies(const Rule& rule) {
        std::vector<std::string> patients;
        for (const consent::Emergency& each : sets_.emergencies(viewer_)) {
            patients.push_back(each.patient);
            note_end(each.until_ms);
        }
        add_members(rule.id, true, sets_.of_ids(patients));
    }

    void add_shown(const Rule& rule) {
        std::vector<std::string> patients;
        for (const card::Presence& each : sets_.shown(viewer_)) {
            patients.push_back(each.patient);
            note_end(each.until_ms);
        }
        add_members(rule.id, true, sets_.of_ids(patients));
    }

    void add_wards(const Rule& rule) {
        for (const consent::Proxy& each : sets_.wards(viewer_)) {
            const auto ordinals = sets_.of_ids({each.patient});
            std::vector<std::pair<std::string, std::string>> withheld;
            for (const consent::Label& label : each.withheld_labels) withheld.emplace_back(label.system, label.code);
            if (!withheld.empty()) add_members(rule.id + "/withheld", false, ordinals, std::move(withheld));
            add_members(rule.id + "/" + each.relation, true, ordinals);
            note_end(each.until_ms);
        }
    }

    // Of each patient the strongest provision first. Provisions alike, of the same strength, are one rule over many patients.
    void add_consents(const Rule& rule) {
        using Alike = std::tuple<std::size_t, bool, bool, std::vector<const fhir::Type*>,
                                 std::vector<std::pair<std::string, std::string>>, std::int64_t, std::int64_t>;
        std::map<Alike, std::vector<std::string>> groups;
        const std::vector<consent::Provision> all = sets_.provisions(viewer_);
        for (std::size_t end = all.size(); end > 0;) {
            const std::string& patient = all[end - 1].patient;
            std::size_t strength = 0;
            while (end > 0 && all[end - 1].patient == patient) {
                const consent::Provision& each = all[--end];
                std::vector<std::pair<std::string, std::string>> labels;
                for (const consent::Label& label : each.labels) labels.emplace_back(label.system, label.code);
                groups[{strength++, each.permit, each.named, each.types, std::move(labels),
                        each.period ? each.period->low_ms : INT64_MIN, each.period ? each.period->high_ms : INT64_MAX}]
                    .push_back(patient);
            }
        }
        for (const auto& [alike, patients] : groups) {
            const auto& [strength, permit, named, types, labels, low_ms, high_ms] = alike;
            std::vector<std::int64_t> ordinals = sets_.of_ids(patients);
            if (permit && !named) std::erase_if(ordinals, [&](std::int64_t each) { return !is_related(each); });
            if (ordinals.empty()) continue;
            add_members(rule.id + (permit ? "/opened" : "/closed"), permit, std::move(ordinals), labels);
            guard_->rules.back().types = types;
            if (low_ms != INT64_MIN || high_ms != INT64_MAX) guard_->rules.back().period = calendar::Span{low_ms, high_ms};
        }
    }

    bool is_related(std::int64_t ordinal) const {
        return open_to_all_ ||
               std::any_of(related_.begin(), related_.end(), [&](const SetPtr& set) { return set->has(ordinal); });
    }

    const Book& book_;
    const access::Viewer& viewer_;
    Sets& sets_;
    std::shared_ptr<record::Guard> guard_ = std::make_shared<record::Guard>();
    std::map<std::string, SetPtr> named_;
    std::vector<std::pair<std::string, SetPtr>> of_;
    std::vector<SetPtr> related_;
    bool open_to_all_ = false;
    std::optional<std::int64_t> ends_ms_;
};

}  // namespace

Compiled compile(const Book& book, const std::vector<Rule>& rules, const access::Viewer& viewer, Sets& sets) {
    return Compiling(book, viewer, sets).run(rules);
}

Result<search::Query> query_of(std::string_view search, std::int64_t now_ms) {
    const std::size_t mark = search.find('?');
    const fhir::Type* type = fhir::find_resource(search.substr(0, mark));
    if (!type || mark == std::string_view::npos)
        return refuse(IssueCode::value, std::string(search), "must be Type?parameter=value");
    std::vector<std::pair<std::string, std::string>> parameters;
    for (const std::string_view part : text::split(search.substr(mark + 1), '&')) {
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos)
            return refuse(IssueCode::value, std::string(search), "must be Type?parameter=value");
        parameters.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    }
    const fhir::Type* const types[] = {type};
    return search::parse(types, parameters, {.now_ms = now_ms});
}

}  // namespace xinglin::policy
