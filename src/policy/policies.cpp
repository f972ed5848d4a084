// SPDX-License-Identifier: Apache-2.0
// Guards and the sets of patients they are made of, kept while they hold.
#include "policy/policy.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <unordered_map>

#include "consent/settings.h"
#include "policy/compile.h"

namespace xinglin::policy {

namespace {
constexpr std::size_t most_guards = 5'000, most_sets = 2'000, most_ordinals = 500'000;
constexpr std::size_t most_looked_at = 100;     // patients of whom something changed
constexpr std::int64_t most_held_ms = 600'000;  // then a guard is made anew in any case: searches name the day
constexpr std::int64_t least_age_ms = 1'000, most_age_ms = 60'000,
                       work_share = 50;  // of a set's age, its making may take so much
/// Whoever has the same account, post and purpose has the same guard while nothing changed it.
std::string key_of(const access::Viewer& viewer) {
    return std::to_string(viewer.account) + '\n' + viewer.name + '\n' + std::string(access::text(viewer.role)) + '\n' +
           viewer.institution + '\n' + viewer.area + '\n' + viewer.practitioner + '\n' + viewer.purpose + '\n' + viewer.scope;
}
const access::Viewer& program() {
    static const access::Viewer viewer = access::Viewer::program("policy");
    return viewer;
}
}  // namespace

struct Policies::Inside final : Sets {
    Inside(record::Store& store, const Asked& asked, const calendar::Clock& clock, Book book)
        : store(store),
          consents(asked.consents),
          persons(asked.persons),
          cards(asked.cards),
          clock(clock),
          book(std::move(book)) {}

    record::Store& store;
    const consent::Consents* consents;
    const person::Persons* persons;
    const card::Cards* cards;
    const calendar::Clock& clock;
    const Book book;

    struct Kept {
        SetPtr patients;
        record::Position position = 0;
        std::int64_t made_ms = 0, cost_ms = 0;
    };
    using Generation = std::pair<std::uint64_t, std::uint64_t>;  // of consents and shown cards
    struct KeptGuard {
        std::shared_ptr<const record::Guard> guard;
        Generation generation;
        std::int64_t made_ms = 0, looked_ms = 0;         // compiled; found to hold still
        std::optional<std::int64_t> ends_ms;             // of the first emergency, card or proxy in it
        std::vector<std::pair<std::string, SetPtr>> of;  // while these are the same, so is it
        std::vector<std::string> shown;                  // patients whose cards were scanned, in whichever process
    };
    std::mutex mutex;  // guards what follows
    std::unordered_map<std::string, Kept> sets;
    std::unordered_map<std::string, KeptGuard> guards;
    std::unordered_map<std::string, std::int64_t> ordinals;

    // Changed by a write; the older and the dearer a set is, the longer it may go on (a minute at most).
    SetPtr of_search(const std::string& search) override {
        const record::Position position = store.figures().position;
        const std::int64_t now = clock.now_ms();
        {
            std::lock_guard lock(mutex);
            const auto found = sets.find(search);
            if (found != sets.end()) {
                Kept& kept = found->second;
                const std::int64_t age = std::clamp(kept.cost_ms * work_share, least_age_ms, most_age_ms);
                if (kept.position == position || (now >= kept.made_ms && now - kept.made_ms < age)) return kept.patients;
            }
        }
        const auto started = std::chrono::steady_clock::now();
        SetPtr made = ask(search);
        const std::int64_t cost =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started).count();
        std::lock_guard lock(mutex);
        if (sets.size() >= most_sets) sets.clear();
        sets[search] = {made, position, now, cost};
        return made;
    }

    SetPtr ask(const std::string& search) {
        const auto query = query_of(search, clock.now_ms());
        if (!query.ok())
            return std::make_shared<record::PatientSet>(std::vector<std::int64_t>{});  // checked when the content was read
        auto found = store.reader(program()).patients_of(*query);
        if (!found.ok()) throw std::runtime_error("policy: " + search + ": " + found.outcome().line());
        return std::make_shared<record::PatientSet>(std::move(*found));
    }

    std::vector<std::int64_t> of_ids(const std::vector<std::string>& ids) override {
        std::vector<std::int64_t> found;
        std::vector<std::string> unknown;
        {
            std::lock_guard lock(mutex);
            for (const std::string& id : ids) {
                const auto known = ordinals.find(id);
                if (known == ordinals.end()) unknown.push_back(id);
                else found.push_back(known->second);
            }
        }
        if (unknown.empty()) return found;
        record::Reader reader = store.reader(program());
        for (const std::string& id : unknown) {
            const auto one = reader.ordinals_of({&id, 1});
            if (one.empty()) continue;
            found.push_back(one.front());
            std::lock_guard lock(mutex);
            if (ordinals.size() >= most_ordinals) ordinals.clear();
            ordinals[id] = one.front();
        }
        return found;
    }

    std::vector<std::string> sources_of(const access::Viewer& viewer) override {
        std::vector<std::string> values;
        if (viewer.institution.empty()) return values;
        const auto read = store.reader(program()).read(*fhir::find_resource("Organization"), viewer.institution);
        if (!read.ok()) return values;
        json::Arena arena;
        const auto organization = json::parse(read->body, arena);
        if (!organization.ok()) return values;
        for (const std::string& pattern : book.own_sources) {
            const std::size_t at = pattern.find("{identifier}");
            if (at == std::string::npos) {
                if (const auto one = put_in(pattern, viewer, clock.now_ms())) values.push_back(*one);
                continue;
            }
            for (const json::Node& node : (*organization)["identifier"].items()) {
                const json::Value identifier(&node);
                const std::string value(identifier["value"].string());
                if (!value.empty()) values.push_back(pattern.substr(0, at) + value + pattern.substr(at + 12));
            }
        }
        return values;
    }

    std::vector<consent::Provision> provisions(const access::Viewer& viewer) override {
        return consents ? consents->provisions(viewer, clock.now_ms()) : std::vector<consent::Provision>{};
    }
    std::vector<consent::Emergency> emergencies(const access::Viewer& viewer) override {
        return consents ? consents->emergencies(viewer, clock.now_ms()) : std::vector<consent::Emergency>{};
    }
    std::vector<card::Presence> shown(const access::Viewer& viewer) override {
        return cards && !viewer.name.empty() ? cards->shown_to(viewer.name) : std::vector<card::Presence>{};
    }
    std::vector<consent::Proxy> wards(const access::Viewer& viewer) override {
        return consents && !viewer.patient().empty() ? consents->proxies(viewer.patient(), clock.now_ms())
                                                     : std::vector<consent::Proxy>{};
    }
    std::vector<std::string> own(const access::Viewer& viewer) override {
        std::vector<std::string> ids{std::string(viewer.patient())};
        if (!persons || ids.front().empty()) return ids;
        for (std::string& id : persons->patients(ids.front())) {
            if (id != ids.front()) ids.push_back(std::move(id));
        }
        return ids;
    }
    std::int64_t now_ms() const override { return clock.now_ms(); }

    Generation generation() const {
        return {consents ? consents->generation() : std::uint64_t{0}, cards ? cards->generation() : std::uint64_t{0}};
    }
    std::vector<std::string> shown_patients(const access::Viewer& viewer) {
        std::vector<std::string> patients;
        for (card::Presence& each : shown(viewer)) patients.push_back(std::move(each.patient));
        return patients;
    }
    KeptGuard make(const std::vector<Rule>& rules, const access::Viewer& viewer, std::int64_t now) {
        std::vector<std::string> patients = shown_patients(viewer);
        Compiled compiled = compile(book, rules, viewer, *this);
        return {std::move(compiled.guard), {}, now, now, compiled.ends_ms, std::move(compiled.of), std::move(patients)};
    }
    /// What a guard was made of is as it was, as far as this viewer goes; told without making it again.
    bool holds_still(const KeptGuard& kept, const access::Viewer& viewer, std::int64_t now) {
        if (now < kept.made_ms || now - kept.made_ms >= most_held_ms || (kept.ends_ms && now >= *kept.ends_ms)) return false;
        if (kept.shown != shown_patients(viewer)) return false;
        for (const auto& [search, patients] : kept.of) {
            if (of_search(search) != patients) return false;
        }
        return !consents || consents->generation() == kept.generation.first || says_nothing_of(kept, viewer, now);
    }
    /// Made of what residents decided or of emergencies, not of a search.
    bool is_personal(access::Role role, std::string_view name) const {
        const auto& rules = book.roles.at(role);
        return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
            return (rule.kind == Rule::Kind::consent || rule.kind == Rule::Kind::emergency) &&
                   (name == rule.id || name.starts_with(rule.id + "/"));
        });
    }
    /// Of none of those of whom consents or emergencies changed did it or would it say anything.
    bool says_nothing_of(const KeptGuard& kept, const access::Viewer& viewer, std::int64_t now) {
        if (viewer.role == access::Role::resident) return false;  // wards: few, and soon asked
        const auto changed = consents->changed_since(kept.generation.first);
        if (!changed || changed->size() > most_looked_at) return false;
        const auto emergencies_now = consents->emergencies(viewer, now);
        for (const std::string& patient : *changed) {
            if (!consents->of_patient(patient, viewer, now).empty()) return false;
            if (std::any_of(emergencies_now.begin(), emergencies_now.end(),
                            [&](const auto& each) { return each.patient == patient; }))
                return false;
            for (const std::int64_t ordinal : of_ids({patient})) {
                for (const record::GuardRule& rule : kept.guard->rules) {
                    if (rule.patients && is_personal(viewer.role, rule.name) && rule.patients->has(ordinal)) return false;
                }
            }
        }
        return true;
    }
};

Policies::Policies(record::Store& store, const Asked& asked, const calendar::Clock& clock, Book book)
    : inside_(std::make_unique<Inside>(store, asked, clock, std::move(book))) {}
Policies::~Policies() = default;

const Book& Policies::book() const { return inside_->book; }

Result<std::shared_ptr<const record::Guard>> Policies::guard(const access::Viewer& viewer) const {
    Inside& house = *inside_;
    const auto rules = house.book.roles.find(viewer.role);
    if (rules == house.book.roles.end()) return std::shared_ptr<const record::Guard>{};
    const std::string key = key_of(viewer);
    const Inside::Generation generation = house.generation();
    const std::int64_t now = house.clock.now_ms();
    std::optional<Inside::KeptGuard> before;
    {
        std::lock_guard lock(house.mutex);
        const auto found = house.guards.find(key);
        if (found != house.guards.end()) before = found->second;
    }
    if (before && before->generation == generation && now >= before->looked_ms && now - before->looked_ms < least_age_ms &&
        !(before->ends_ms && now >= *before->ends_ms))
        return before->guard;
    Inside::KeptGuard kept = before && house.holds_still(*before, viewer, now) ? *before : house.make(rules->second, viewer, now);
    // The same sets make the same guard: who holds it may go on holding it.
    if (before && before->generation == generation && before->of == kept.of && before->shown == kept.shown && !kept.ends_ms)
        kept.guard = before->guard;
    kept.generation = generation;
    kept.looked_ms = now;
    std::lock_guard lock(house.mutex);
    if (house.guards.size() >= most_guards) house.guards.clear();
    return (house.guards[key] = std::move(kept)).guard;
}

Result<Decision> Policies::decide(access::Viewer viewer, const fhir::Type& type, std::string_view id) const {
    XINGLIN_TRY(viewer.guard, guard(viewer));
    const auto answer = inside_->store.reader(viewer).decide(type, id);
    Decision decision{answer.exists, answer.permit, viewer.guard ? (answer.rule.empty() ? "nothing" : answer.rule) : "", {}, {},
                      false};
    const auto rules = inside_->book.roles.find(viewer.role);
    if (decision.rule == "nothing") decision.why = inside_->book.nothing;
    if (rules == inside_->book.roles.end()) return decision;
    // A rule of residents or emergencies became several, "consent/ID".
    const auto deciding = std::find_if(rules->second.begin(), rules->second.end(), [&](const Rule& rule) {
        return decision.rule == rule.id || decision.rule.starts_with(rule.id + "/");
    });
    if (deciding != rules->second.end()) decision.why = deciding->words;
    if (deciding != rules->second.end() && deciding->kind == Rule::Kind::card) {
        for (const card::Presence& each : inside_->shown(viewer)) {
            if (type.name == "Patient" && each.patient == id) decision.until_ms = each.until_ms;
        }
    }
    if (!inside_->consents) return decision;
    for (const consent::Emergency& each : inside_->consents->emergencies(viewer, inside_->clock.now_ms())) {
        if (type.name == "Patient" && each.patient == id) decision.until_ms = each.until_ms;
    }
    decision.emergency_possible = !decision.permit && may_take_emergency(viewer);
    return decision;
}

bool Policies::may_take_emergency(const access::Viewer& viewer) const {
    if (!inside_->consents) return false;
    const auto& roles = inside_->consents->settings().emergency.roles;
    return std::find(roles.begin(), roles.end(), viewer.role) != roles.end();
}

void Policies::wrote(const access::Viewer& viewer, std::string_view type) const {
    std::lock_guard lock(inside_->mutex);
    const auto kept = inside_->guards.find(key_of(viewer));
    if (kept == inside_->guards.end()) return;
    for (const auto& [search, patients] : kept->second.of) {
        if (!type.empty() && search.substr(0, search.find('?')) != type) continue;
        if (const auto set = inside_->sets.find(search); set != inside_->sets.end()) set->second.made_ms = 0;
        kept->second.looked_ms = 0;
    }
}

void Policies::forget() const {
    std::lock_guard lock(inside_->mutex);
    inside_->sets.clear();
    inside_->guards.clear();
}

Policies::Figures Policies::figures() const {
    std::lock_guard lock(inside_->mutex);
    Figures figures{inside_->guards.size(), inside_->sets.size(), 0};
    for (const auto& [search, kept] : inside_->sets) figures.bytes += kept.patients->bytes();
    return figures;
}

}  // namespace xinglin::policy
