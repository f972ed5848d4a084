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
            if (std::string_view(actor).substr(13) == party.institutions[i]) return Closeness{1, own_institution - static_cast<int>(i)};
        return std::nullopt;
    }
    const auto is = [&](std::string_view start, std::string_view whom) {
        return !whom.empty() && begins(actor, start) && std::string_view(actor).substr(start.size()) == whom;
    };
    if (is("Practitioner/", party.practitioner) || is("account|", party.account)) return Closeness{2, 0};
    if (is("role|", party.role)) return Closeness{1, 1};
    if (!begins(actor, "PractitionerRole/")) return std::nullopt;
    const auto post = posts_.find(actor.substr(17));
    if (post == posts_.end() || post->second.practitioner.empty() || post->second.practitioner != party.practitioner) return std::nullopt;
    const auto& at = post->second.organization;
    const bool there = at.empty() || std::find(party.institutions.begin(), party.institutions.end(), at) != party.institutions.end();
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

Strength Index::strength(const Kept& kept, const Rule& rule, Closeness closest, const Party& party) const {
    if (!rule.above) return strength_of(rule, closest, kept.consent, nullptr);
    const Rule& above = kept.consent.rules[*rule.above];
    const Strength outer = strength(kept, above, closeness(above, party).value_or(Closeness{}), party);
    return strength_of(rule, closest, kept.consent, &outer);
}

bool Index::concerns(const Kept& kept, const Rule& rule, const Party& party, std::int64_t now_ms, std::vector<Hit>& hits) const {
    if (now_ms < rule.valid.low_ms || now_ms >= rule.valid.high_ms) return false;
    const auto closest = closeness(rule, party);
    if (!closest) return false;
    hits.push_back({kept.person, &kept, &rule, *closest, strength(kept, rule, *closest, party)});
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
        for (const auto& [conditions, hit] : newest_) out.emplace_back(hit, Label{std::get<2>(conditions), std::get<3>(conditions)});
        std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first->strength < b.first->strength; });
        return out;
    }

private:
    using Conditions = std::tuple<Closeness, std::vector<const fhir::Type*>, std::string, std::string, std::int64_t, std::int64_t>;
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

std::vector<Provision> Index::resolved(std::vector<Hit> hits, std::string_view only_patient) {
    std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.person < b.person; });
    std::vector<Provision> out;
    out.reserve(hits.size());
    std::vector<std::pair<const Hit*, std::optional<Label>>> rules;
    for (std::size_t from = 0, end = 0; from < hits.size(); from = end) {
        while (end < hits.size() && hits[end].person == hits[from].person) ++end;
        rules.clear();
        if (end - from == 1) {
            rules.emplace_back(&hits[from], std::nullopt);
        } else {
            Settling settling;
            for (std::size_t i = from; i < end; ++i) settling.add(hits[i]);
            for (const auto& [hit, label] : settling.weakest_first()) rules.emplace_back(hit, label);
        }
        std::vector<std::string> patients = hits[from].kept->patients;
        for (std::size_t i = from + 1; i < end; ++i) {
            for (const std::string& each : hits[i].kept->patients)
                if (std::find(patients.begin(), patients.end(), each) == patients.end()) patients.push_back(each);
        }
        for (const std::string& patient : patients) {
            if (!only_patient.empty() && patient != only_patient) continue;
            for (const auto& [hit, label] : rules) {
                const Rule& rule = *hit->rule;
                out.push_back({patient, rule.permit, hit->closeness.party > 0, rule.types, rule.labels, rule.period, hit->kept->consent.id});
                if (label && !rule.labels.empty()) out.back().labels = {*label};
            }
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
