// SPDX-License-Identifier: Apache-2.0
// What is kept, and by what it is found.
#include "consent/index.h"

#include <algorithm>

namespace xinglin::consent {

namespace {

constexpr std::string_view nobody = "?";

template <typename Map, typename Value>
void drop(Map& map, const std::string& key, const Value& is_it) {
    const auto found = map.find(key);
    if (found == map.end()) return;
    std::erase_if(found->second, is_it);
    if (found->second.empty()) map.erase(found);
}

}  // namespace

std::vector<std::string> Index::keys_of(const Rule& rule) const {
    if (rule.who.empty()) return {""};
    std::vector<std::string> keys;
    for (const Actor& actor : rule.who.back()) {
        if (actor == nobody) continue;
        std::string key = actor;
        if (actor.starts_with("PractitionerRole/")) {
            const auto post = posts_.find(actor.substr(17));
            if (post == posts_.end() || post->second.practitioner.empty()) continue;
            key = "Practitioner/" + post->second.practitioner;
        }
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
    }
    return keys;
}

std::vector<std::int64_t> Index::turns_of(const Kept& kept) const {
    std::vector<std::int64_t> turns;
    for (const Rule& rule : kept.consent.rules) {
        turns.push_back(rule.valid.low_ms);
        turns.push_back(rule.valid.high_ms);
    }
    if (kept.birth) {  // every birthday there may be a band at
        constexpr int oldest = 130;
        for (int age = 1; age < oldest; ++age) {
            calendar::Moment day = *kept.birth;
            if (day.year + age > 9999) break;
            day.year = static_cast<std::int16_t>(day.year + age);
            day.day = static_cast<std::int8_t>(std::min<int>(day.day, calendar::days_in_month(day.year, day.month)));
            turns.push_back(calendar::span_of(day, 480).low_ms);
        }
    }
    std::sort(turns.begin(), turns.end());
    turns.erase(std::unique(turns.begin(), turns.end()), turns.end());
    std::erase_if(turns, [](std::int64_t at) { return at <= calendar::beginning_ms || at >= calendar::end_of_time_ms; });
    return turns;
}

void Index::enter(Kept& kept) {
    const std::string& first = kept.patients.front();
    const auto person = persons_.try_emplace(first, next_person_);
    if (person.second) ++next_person_;
    kept.person = person.first->second;
    for (const std::string& patient : kept.patients) by_patient_[patient].push_back(&kept);
    for (std::uint32_t i = 0; i < kept.consent.rules.size(); ++i) {
        for (const std::string& key : keys_of(kept.consent.rules[i])) by_key_[key].push_back({&kept, i});
        if (!kept.consent.is_proxy) continue;
        for (const auto& actors : kept.consent.rules[i].who) {
            for (const Actor& actor : actors)
                if (actor.starts_with("Patient/")) by_holder_[actor.substr(8)].push_back(&kept);
        }
    }
    for (const std::int64_t at : turns_of(kept)) turns_.emplace(at, kept.consent.id);
    wards_ += kept.consent.is_proxy ? 1 : 0;
}

void Index::leave(const Kept& kept) {
    const auto is_it = [&](const Kept* each) { return each == &kept; };
    for (const std::string& patient : kept.patients) drop(by_patient_, patient, is_it);
    for (const Rule& rule : kept.consent.rules) {
        for (const std::string& key : keys_of(rule)) drop(by_key_, key, [&](const Place& each) { return each.kept == &kept; });
        for (const auto& actors : rule.who) {
            for (const Actor& actor : actors)
                if (actor.starts_with("Patient/")) drop(by_holder_, actor.substr(8), is_it);
        }
    }
    for (const std::int64_t at : turns_of(kept)) {
        const auto [from, end] = turns_.equal_range(at);
        for (auto each = from; each != end;) each = each->second == kept.consent.id ? turns_.erase(each) : std::next(each);
    }
    wards_ -= kept.consent.is_proxy ? 1 : 0;
}

void Index::put(Consent consent, std::vector<std::string> patients, std::optional<calendar::Moment> birth) {
    remove(consent.id);
    auto kept = std::make_unique<Kept>(Kept{std::move(consent), std::move(patients), birth, 0});
    enter(*kept);
    std::string id = kept->consent.id;
    consents_.emplace(std::move(id), std::move(kept));
}

bool Index::remove(std::string_view id) {
    const auto found = consents_.find(std::string(id));
    if (found == consents_.end()) return false;
    leave(*found->second);
    consents_.erase(found);
    return true;
}

const Index::Kept* Index::find(std::string_view id) const {
    const auto found = consents_.find(std::string(id));
    return found == consents_.end() ? nullptr : found->second.get();
}

void Index::regroup(std::string_view id, std::vector<std::string> patients) {
    const auto found = consents_.find(std::string(id));
    if (found == consents_.end() || found->second->patients == patients) return;
    leave(*found->second);
    found->second->patients = std::move(patients);
    enter(*found->second);
}

std::vector<std::string> Index::of_any(const std::vector<std::string>& patients) const {
    std::set<std::string> ids;
    for (const std::string& patient : patients) {
        const auto found = by_patient_.find(patient);
        if (found == by_patient_.end()) continue;
        for (const Kept* kept : found->second) ids.insert(kept->consent.id);
    }
    return {ids.begin(), ids.end()};
}

std::vector<std::string> Index::all() const {
    std::vector<std::string> ids;
    for (const auto& [id, kept] : consents_) ids.push_back(id);
    return ids;
}

std::vector<std::string> Index::wards() const {
    std::vector<std::string> ids;
    for (const auto& [id, kept] : consents_)
        if (kept->consent.is_proxy) ids.push_back(id);
    return ids;
}

void Index::set_post(const std::string& id, Post post) {
    std::vector<Kept*> naming;
    const std::string actor = "PractitionerRole/" + id;
    for (const auto& [consent, kept] : consents_) {
        for (const Rule& rule : kept->consent.rules) {
            const bool names = std::any_of(rule.who.begin(), rule.who.end(), [&](const std::vector<Actor>& actors) {
                return std::find(actors.begin(), actors.end(), actor) != actors.end();
            });
            if (names) {
                naming.push_back(kept.get());
                break;
            }
        }
    }
    for (const Kept* kept : naming) leave(*kept);
    posts_[id] = std::move(post);
    for (Kept* kept : naming) enter(*kept);
}

std::vector<std::string> Index::unknown_posts(const Consent& consent) const {
    std::vector<std::string> out;
    for (const Rule& rule : consent.rules) {
        for (const auto& actors : rule.who) {
            for (const Actor& actor : actors)
                if (actor.starts_with("PractitionerRole/") && !posts_.contains(actor.substr(17))) out.push_back(actor.substr(17));
        }
    }
    return out;
}

void Index::put(EmergencyLine line, std::vector<std::string> patients) {
    remove_emergency(line.id);
    turns_.emplace(line.until_ms, line.id);
    std::string id = line.id;
    emergencies_.emplace(std::move(id), Running{std::move(line), std::move(patients)});
}

void Index::remove_emergency(std::string_view id) {
    const auto found = emergencies_.find(std::string(id));
    if (found == emergencies_.end()) return;
    const auto [from, end] = turns_.equal_range(found->second.line.until_ms);
    for (auto each = from; each != end;) each = each->second == id ? turns_.erase(each) : std::next(each);
    emergencies_.erase(found);
}

std::vector<Emergency> Index::emergencies(std::int64_t account, std::string_view name, std::int64_t now_ms) const {
    std::vector<Emergency> out;
    for (const auto& [id, running] : emergencies_) {
        const EmergencyLine& line = running.line;
        if (line.account != account || line.account_name != name || line.until_ms <= now_ms || line.ended_ms != 0) continue;
        for (const std::string& patient : running.patients) out.push_back({patient, line.reason, line.id, line.until_ms});
    }
    return out;
}

std::vector<const Index::Kept*> Index::held_by(const std::vector<std::string>& patients) const {
    std::vector<const Kept*> out;
    for (const std::string& patient : patients) {
        const auto found = by_holder_.find(patient);
        if (found != by_holder_.end()) out.insert(out.end(), found->second.begin(), found->second.end());
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

std::int64_t Index::next_turn(std::int64_t after_ms) const {
    const auto next = turns_.upper_bound(after_ms);
    return next == turns_.end() ? calendar::end_of_time_ms : next->first;
}

std::vector<std::string> Index::turning(std::int64_t after_ms, std::int64_t upto_ms) const {
    std::set<std::string> patients;
    for (auto each = turns_.upper_bound(after_ms); each != turns_.end() && each->first <= upto_ms; ++each) {
        if (const Kept* kept = find(each->second)) patients.insert(kept->patients.begin(), kept->patients.end());
        const auto running = emergencies_.find(each->second);
        if (running != emergencies_.end()) patients.insert(running->second.patients.begin(), running->second.patients.end());
    }
    return {patients.begin(), patients.end()};
}

}  // namespace xinglin::consent
