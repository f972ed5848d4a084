// SPDX-License-Identifier: Apache-2.0
// From all rules to those that concern one viewer, weakest first.
#include <algorithm>
#include <tuple>

#include "consent/index.h"

namespace xinglin::consent {

namespace {

constexpr int own_institution = 100;

bool begins(std::string_view text, std::string_view start) { return text.starts_with(start); }

}  // namespace

std::optional<Closeness> Index::closeness(const Actor& actor, const Party& party) const {
    if (begins(actor, "Organization/")) {
        for (std::size_t i = 0; i < party.institutions.size(); ++i)
            if (std::string_view(actor).substr(13) == party.institutions[i])
                return Closeness{1, own_institution - static_cast<int>(i)};
        return std::nullopt;
    }
    const auto is = [&](std::string_view start, std::string_view whom) {
        return !whom.empty() && begins(actor, start) && std::string_view(actor).substr(start.size()) == whom;
    };
    if (is("Practitioner/", party.practitioner) || is("account|", party.account)) return Closeness{2, 0};
    if (is("role|", party.role)) return Closeness{1, 1};
    if (!begins(actor, "PractitionerRole/")) return std::nullopt;
    const auto post = posts_.find(actor.substr(17));
    if (post == posts_.end() || post->second.practitioner.empty() || post->second.practitioner != party.practitioner)
        return std::nullopt;
    const auto& at = post->second.organization;
    const bool there =
        at.empty() || std::find(party.institutions.begin(), party.institutions.end(), at) != party.institutions.end();
    return there ? std::optional(Closeness{2, 1}) : std::nullopt;
}

/// One of each list must be the viewer; the closest naming counts.
std::optional<Closeness> Index::closeness(const Rule& rule, const Party& party) const {
    Closeness closest;
    for (const auto& actors : rule.who) {
        std::optional<Closeness> best;
        for (const Actor& actor : actors) {
            const auto one = closeness(actor, party);
            if (one && (!best || *one > *best)) best = one;
        }
        if (!best) return std::nullopt;
        closest = std::max(closest, *best);
    }
    for (const auto& purposes : rule.purposes)
        if (std::find(purposes.begin(), purposes.end(), party.purpose) == purposes.end()) return std::nullopt;
    return closest;
}

bool Index::concerns(const Kept& kept, const Rule& rule, const Party& party, std::int64_t now_ms, std::vector<Hit>& hits) const {
    if (now_ms < rule.valid.low_ms || now_ms >= rule.valid.high_ms) return false;
    const auto closest = closeness(rule, party);
    if (!closest) return false;
    hits.push_back({kept.person, &kept, &rule, *closest, strength_of(rule, *closest, kept.consent)});
    return true;
}

/// All hits of one person, with the same conditions the newest only (of one Consent the innermost). Rules of several labels are taken apart,
/// so that "newest" counts label by label.
class Index::Settling {
public:
    void add(const Hit& hit) {
        if (hit.rule->labels.empty()) return add(hit, Label{});
        for (const Label& label : hit.rule->labels) add(hit, label);
    }
    std::vector<std::pair<const Hit*, Label>> weakest_first() const {
        std::vector<std::pair<const Hit*, Label>> out;
        for (const auto& [conditions, hit] : newest_)
            out.emplace_back(hit, Label{std::get<2>(conditions), std::get<3>(conditions)});
        std::stable_sort(out.begin(), out.end(),
                         [](const auto& a, const auto& b) { return a.first->strength < b.first->strength; });
        return out;
    }

private:
    using Conditions =
        std::tuple<Closeness, std::vector<const fhir::Type*>, std::string, std::string, std::int64_t, std::int64_t>;
    std::map<Conditions, const Hit*> newest_;

    void add(const Hit& hit, const Label& label) {
        const Rule& rule = *hit.rule;
        const calendar::Span span = rule.period.value_or(calendar::Span{calendar::beginning_ms, calendar::end_of_time_ms});
        const Hit*& kept = newest_[{hit.closeness, rule.types, label.system, label.code, span.low_ms, span.high_ms}];
        const auto age = [](const Hit& one) {
            return std::tuple(one.strength.decided_ms, one.strength.position, one.strength.depth, one.strength.closes);
        };
        if (!kept || age(*kept) < age(hit)) kept = &hit;
    }
};

namespace {

/// A rule as it is told: what it speaks of, and which Consent it is of.
struct Told {
    const Rule* rule;
    const Consent* consent;
    bool named;
    std::vector<const fhir::Type*> types;
    std::optional<Label> label;  // nothing: as the rule has them
    std::optional<calendar::Span> period;
};

bool is_exception_to(const Told& inner, const Told& outer) {
    if (inner.consent != outer.consent) return false;
    for (auto above = inner.rule->above; above; above = inner.consent->rules[*above].above)
        if (&inner.consent->rules[*above] == outer.rule) return true;
    return false;
}

/// What a rule says within another one's reach; nothing where they do not meet, or where that cannot be said and it would open.
std::optional<Told> within(const Told& rule, const Told& reach) {
    Told both = rule;
    if (rule.types.empty()) both.types = reach.types;
    else if (!reach.types.empty())
        std::erase_if(both.types, [&](const fhir::Type* each) {
            return std::find(reach.types.begin(), reach.types.end(), each) == reach.types.end();
        });
    if (both.types.empty() && !(rule.types.empty() && reach.types.empty())) return std::nullopt;
    if (rule.period && reach.period)
        both.period = calendar::Span{std::max(rule.period->low_ms, reach.period->low_ms),
                                     std::min(rule.period->high_ms, reach.period->high_ms)};
    else if (reach.period) both.period = reach.period;
    if (both.period && both.period->low_ms >= both.period->high_ms) return std::nullopt;
    if (!rule.label) both.label = reach.label;
    else if (reach.label && !(*rule.label == *reach.label) && rule.rule->permit) return std::nullopt;
    return both;
}

/// A resource may be in two categories: one that is closed and opened to nobody here stays closed though the other is open.
void close_for_good(std::vector<Told>& told) {
    std::vector<Told> opens_or_bends, for_good;
    for (std::size_t i = 0; i < told.size(); ++i) {
        const bool closes = !told[i].rule->permit && told[i].label;
        const bool is_opened = std::any_of(told.begin() + static_cast<std::ptrdiff_t>(i), told.end(), [&](const Told& each) {
            return each.rule->permit && each.label && each.label == told[i].label;
        });
        (closes && !is_opened ? for_good : opens_or_bends).push_back(told[i]);
    }
    told = std::move(opens_or_bends);
    told.insert(told.end(), for_good.begin(), for_good.end());
}

/// An exception that opens may by itself be weaker than what it is an exception to ("close HIV, but for vaccinations"). Within its reach the rules
/// then count without those around it: they are told again behind all others.
void tell_exceptions(std::vector<Told>& told) {
    constexpr std::size_t most = 50;  // further ones open nothing
    std::vector<Told> again;
    std::vector<std::size_t> weaker;
    for (std::size_t i = 0; i < told.size(); ++i) {
        if (!told[i].rule->permit || told[i].rule->depth == 0) continue;
        for (std::size_t j = i + 1; j < told.size(); ++j) {
            if (told[j].rule->permit || !is_exception_to(told[i], told[j])) continue;
            weaker.push_back(i);
            break;
        }
    }
    std::stable_sort(weaker.begin(), weaker.end(),
                     [&](std::size_t a, std::size_t b) { return told[a].rule->depth < told[b].rule->depth; });
    if (weaker.size() > most) weaker.resize(most);
    for (const std::size_t i : weaker) {
        again.push_back(told[i]);
        for (std::size_t j = i + 1; j < told.size(); ++j) {
            if (is_exception_to(told[i], told[j])) continue;
            if (auto part = within(told[j], told[i])) again.push_back(std::move(*part));
        }
    }
    told.insert(told.end(), again.begin(), again.end());
}

}  // namespace

std::vector<Provision> Index::resolved(std::vector<Hit> hits, std::string_view only_patient) {
    std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.person < b.person; });
    std::vector<Provision> out;
    out.reserve(hits.size());
    std::vector<Told> told;
    for (std::size_t from = 0, end = 0; from < hits.size(); from = end) {
        while (end < hits.size() && hits[end].person == hits[from].person) ++end;
        told.clear();
        const auto tell = [&](const Hit& hit, std::optional<Label> label) {
            told.push_back(
                {hit.rule, &hit.kept->consent, hit.closeness.party > 0, hit.rule->types, std::move(label), hit.rule->period});
        };
        if (end - from == 1) {
            tell(hits[from], std::nullopt);
        } else {
            Settling settling;
            for (std::size_t i = from; i < end; ++i) settling.add(hits[i]);
            for (const auto& [hit, label] : settling.weakest_first())
                tell(*hit, hit->rule->labels.empty() ? std::nullopt : std::optional(label));
            close_for_good(told);
            tell_exceptions(told);
        }
        std::vector<std::string> patients = hits[from].kept->patients;
        for (std::size_t i = from + 1; i < end; ++i) {
            for (const std::string& each : hits[i].kept->patients)
                if (std::find(patients.begin(), patients.end(), each) == patients.end()) patients.push_back(each);
        }
        for (const std::string& patient : patients) {
            if (!only_patient.empty() && patient != only_patient) continue;
            for (const Told& each : told)
                out.push_back({patient, each.rule->permit, each.named, each.types,
                               each.label ? std::vector<Label>{*each.label} : each.rule->labels, each.period, each.consent->id});
        }
    }
    return out;
}

std::vector<Provision> Index::provisions(const Party& party, std::int64_t now_ms) const {
    std::vector<std::string> keys{""};
    for (const std::string& institution : party.institutions) keys.push_back("Organization/" + institution);
    if (!party.practitioner.empty()) keys.push_back("Practitioner/" + party.practitioner);
    if (!party.account.empty()) keys.push_back("account|" + party.account);
    keys.push_back("role|" + party.role);
    std::vector<Hit> hits;
    std::set<std::pair<const Kept*, std::uint32_t>> seen;  // a rule may name a viewer twice
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto found = by_key_.find(keys[i]);
        if (found == by_key_.end()) continue;
        for (const Place& place : found->second) {
            const Rule& rule = place.kept->consent.rules[place.rule];
            const bool once = rule.who.empty() || rule.who.back().size() == 1;
            if (!once && !seen.emplace(place.kept, place.rule).second) continue;
            concerns(*place.kept, rule, party, now_ms, hits);
        }
    }
    return resolved(std::move(hits), "");
}

std::vector<Provision> Index::of_patient(std::string_view patient, const Party& party, std::int64_t now_ms) const {
    const auto found = by_patient_.find(std::string(patient));
    if (found == by_patient_.end()) return {};
    std::vector<Hit> hits;
    for (const Kept* kept : found->second) {
        for (const Rule& rule : kept->consent.rules) concerns(*kept, rule, party, now_ms, hits);
    }
    return resolved(std::move(hits), patient);
}

}  // namespace xinglin::consent
