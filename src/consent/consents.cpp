// SPDX-License-Identifier: Apache-2.0
// Following the record and the person index, and answering from what is kept.
#include "consent/consents.h"

#include <algorithm>

namespace xinglin::consent {

namespace {

constexpr std::size_t most_turns = 2'000, most_patients_a_turn = 2'000, most_above = 10, persons_at_once = 500;

const fhir::Type& consent_type() { return *fhir::find_resource("Consent"); }
const fhir::Type& basic_type() { return *fhir::find_resource("Basic"); }
const fhir::Type& patient_type() { return *fhir::find_resource("Patient"); }

json::Limits no_limits(std::size_t bytes) { return {.depth = 1'000, .bytes = bytes + 1}; }

}  // namespace

std::vector<std::string> Consents::Inside::patients_of(std::string_view patient) const {
    std::vector<std::string> all = persons.patients(patient);
    std::sort(all.begin(), all.end());
    if (std::find(all.begin(), all.end(), patient) == all.end()) all.emplace_back(patient);
    return all;
}

std::optional<calendar::Moment> Consents::Inside::birth_of(const std::vector<std::string>& patients) const {
    record::Reader from = reader();
    for (const std::string& id : patients) {
        const auto version = from.read(patient_type(), id);
        json::Arena arena;
        const auto parsed = version.ok() ? json::parse(version->body, arena, no_limits(version->body.size()))
                                         : Result<json::Value>(version.outcome());
        if (!parsed.ok()) continue;
        const auto birth = calendar::parse_date((*parsed)["birthDate"].string());
        if (birth && birth->precision == calendar::Precision::day) return birth;
    }
    return std::nullopt;
}

Post Consents::Inside::post_of(std::string_view id) const {
    const auto version = reader().read(*fhir::find_resource("PractitionerRole"), id);
    json::Arena arena;
    if (!version.ok()) return {};
    const auto parsed = json::parse(version->body, arena, no_limits(version->body.size()));
    if (!parsed.ok() || ((*parsed)["active"].is_boolean() && !(*parsed)["active"].as_bool())) return {};
    const auto end_of = [](std::string_view reference, std::string_view start) {
        return reference.starts_with(start) ? std::string(reference.substr(start.size())) : std::string();
    };
    return {end_of((*parsed)["practitioner"]["reference"].string(), "Practitioner/"),
            end_of((*parsed)["organization"]["reference"].string(), "Organization/")};
}

/// The institution and those it is part of, nearest first.
std::vector<std::string> Consents::Inside::institutions_of(std::string_view institution) const {
    if (institution.empty()) return {};
    {
        const std::lock_guard lock(above_mutex);
        const auto found = above.find(std::string(institution));
        if (found != above.end()) return found->second;
    }
    std::vector<std::string> chain{std::string(institution)};
    record::Reader from = reader();
    while (chain.size() < most_above) {
        const auto version = from.read(*fhir::find_resource("Organization"), chain.back());
        if (!version.ok()) break;
        json::Arena arena;
        const auto parsed = json::parse(version->body, arena, no_limits(version->body.size()));
        if (!parsed.ok()) break;
        const std::string_view next = (*parsed)["partOf"]["reference"].string();
        constexpr std::string_view start = "Organization/";
        if (!next.starts_with(start) || std::find(chain.begin(), chain.end(), next.substr(start.size())) != chain.end()) break;
        chain.emplace_back(next.substr(start.size()));
    }
    const std::lock_guard lock(above_mutex);
    return above[std::string(institution)] = chain;
}

Party Consents::Inside::party_of(const access::Viewer& viewer) const {
    Party party{.practitioner = viewer.practitioner,
                .account = viewer.name,
                .role = std::string(access::text(viewer.role)),
                .purpose = viewer.purpose,
                .institutions = institutions_of(viewer.institution)};
    if (party.purpose.empty()) party.purpose = "TREAT";  // unsaid: what most looking is for
    return party;
}

void Consents::Inside::changed(std::vector<std::string> patients, bool everybody) const {
    const std::lock_guard lock(turns_mutex);
    const std::uint64_t now = generation.load() + 1;
    everybody = everybody || patients.size() > most_patients_a_turn;
    if (everybody) patients.clear();
    turns.push_back({now, std::move(patients), everybody});
    while (turns.size() > most_turns) turns.pop_front();
    generation.store(now);
}

void Consents::Inside::set_next_turn() const {
    const std::lock_guard lock(turns_mutex);
    const std::shared_lock reading(index_mutex);
    next_turn_ms = index.next_turn(turned_ms);
}

/// What changed because time passed.
void Consents::Inside::count_turns() const {
    const std::int64_t now_ms = clock.now_ms();
    if (now_ms < next_turn_ms.load()) return;
    std::vector<std::string> patients;
    {
        const std::lock_guard lock(turns_mutex);
        if (now_ms <= turned_ms) return;
        const std::shared_lock reading(index_mutex);
        patients = index.turning(turned_ms, now_ms);
        turned_ms = now_ms;
        next_turn_ms = index.next_turn(now_ms);
    }
    if (!patients.empty()) changed(std::move(patients));
}

void Consents::Inside::take_consent(const record::Change& change, json::Value resource) {
    std::vector<std::string> touched;
    {
        const std::shared_lock reading(index_mutex);
        if (const auto* kept = index.find(change.id)) touched = kept->patients;
    }
    auto consent =
        change.deleted ? std::nullopt : consent_of(resource, change.updated_ms, change.position, store.offset_minutes());
    if (!consent && touched.empty()) return;
    std::vector<std::string> patients;
    std::optional<calendar::Moment> birth;
    std::vector<std::pair<std::string, Post>> posts;
    if (consent) {
        consent->id = change.id;
        patients = patients_of(consent->patient);
        if (consent->is_proxy) birth = birth_of(patients);
        for (std::string& id : index.unknown_posts(*consent)) {  // only this thread changes the index
            Post post = post_of(id);
            posts.emplace_back(std::move(id), std::move(post));
        }
        touched.insert(touched.end(), patients.begin(), patients.end());
    }
    {
        const std::unique_lock writing(index_mutex);
        for (auto& [id, post] : posts) index.set_post(id, std::move(post));
        if (consent) index.put(std::move(*consent), std::move(patients), birth);
        else index.remove(change.id);
    }
    changed(std::move(touched));
}

void Consents::Inside::take_emergency(const record::Change& change, json::Value resource) {
    auto line = change.deleted ? std::nullopt : emergency_of(resource);
    std::vector<std::string> patients;
    const bool runs = line && line->ended_ms == 0 && line->until_ms > clock.now_ms();
    if (line) patients = patients_of(line->patient);
    {
        const std::unique_lock writing(index_mutex);
        if (runs) index.put(std::move(*line), patients);
        else index.remove_emergency(change.id);
    }
    if (line) changed(std::move(patients));
}

void Consents::Inside::take_organization(const record::Change& change) {
    {
        const std::lock_guard lock(above_mutex);
        const bool known = std::any_of(above.begin(), above.end(), [&](const auto& chain) {
            return std::find(chain.second.begin(), chain.second.end(), change.id) != chain.second.end();
        });
        if (!known) return;
        above.clear();
    }
    changed({}, true);
}

void Consents::Inside::take(const record::Change& change) {
    json::Arena arena;
    const auto parsed =
        change.text.empty() ? Result<json::Value>(json::Value{}) : json::parse(change.text, arena, no_limits(change.text.size()));
    const json::Value resource = parsed.ok() ? *parsed : json::Value{};
    const std::string_view type = change.type->name;
    if (type == "Consent") return take_consent(change, resource);
    if (type == "Basic") return take_emergency(change, resource);
    if (type == "Organization") return take_organization(change);
    if (type == "PractitionerRole" && index.names_post(change.id)) {
        Post post = post_of(change.id);
        const std::unique_lock writing(index_mutex);
        index.set_post(change.id, std::move(post));
    } else if (type == "Patient") {  // a ward's day of birth, perhaps
        const std::vector<std::string> consents = index.of_any({change.id});
        for (const std::string& id : consents) {
            const Index::Kept* kept = index.find(id);
            if (!kept->consent.is_proxy) continue;
            Consent same = kept->consent;
            std::vector<std::string> patients = kept->patients;
            const auto birth = birth_of(patients);
            const std::unique_lock writing(index_mutex);
            index.put(std::move(same), std::move(patients), birth);
        }
        if (consents.empty()) return;
    } else {
        return;
    }
    changed(type == "Patient" ? std::vector<std::string>{change.id} : std::vector<std::string>{}, type != "Patient");
}

/// Everything there is, in the state of now; what comes while it is read is followed afterwards.
void Consents::Inside::load() {
    cursor = std::to_string(persons.state().position) + ".0";
    record::Reader from = reader();
    position = from.position();
    from.scan(&consent_type(), [&](const record::Version& version) {
        take({version.position, version.type, version.id, version.version, version.updated_ms, false, false, version.body});
        return true;
    });
    const fhir::Type* basic = &basic_type();
    const std::int64_t longest_ms = 2ll * settings.emergency.minutes * 60'000 + 60'000;
    const auto query =
        search::parse(std::span(&basic, 1), std::vector<std::pair<std::string, std::string>>{
                                                {"code", std::string(emergency_system) + "|emergency"},
                                                {"_lastUpdated", "ge" + calendar::instant_text(clock.now_ms() - longest_ms)},
                                                {"_count", "1000"}});
    if (!query.ok()) throw std::logic_error("a query of ours: " + query.outcome().line());
    const auto found = from.search(*query);
    if (!found.ok()) throw std::logic_error("a search of ours: " + found.outcome().line());
    for (const auto& entry : found->entries) {
        const record::Version& version = entry.version;
        take({version.position, version.type, version.id, version.version, version.updated_ms, false, false, version.body});
    }
    was_loaded = true;
}

void Consents::Inside::follow_persons() {
    for (;;) {
        const person::Changes news = persons.changes(cursor, persons_at_once);
        std::vector<std::string> touched;
        for (const person::PersonChange& change : news.changes) {
            touched.push_back(change.patient);
            touched.insert(touched.end(), change.patients.begin(), change.patients.end());
        }
        const std::vector<std::string> consents = news.begins_again ? index.all() : index.of_any(touched);
        std::vector<std::string> patients;
        for (const std::string& id : consents) {
            const Index::Kept* kept = index.find(id);
            std::vector<std::string> now = patients_of(kept->consent.patient);
            if (now == kept->patients) continue;
            patients.insert(patients.end(), kept->patients.begin(), kept->patients.end());
            patients.insert(patients.end(), now.begin(), now.end());
            const std::unique_lock writing(index_mutex);
            index.regroup(id, std::move(now));
        }
        if (!patients.empty()) changed(std::move(patients));
        cursor = news.next;
        if (news.changes.empty()) return;
    }
}

void Consents::Inside::follow() {
    const std::lock_guard work(work_mutex);
    if (!was_loaded) load();
    follow_persons();
    {
        record::Reader from = reader();
        const record::Position now = from.position();
        if (now > position) {
            std::vector<const fhir::Type*> types{&consent_type(), &basic_type(), fhir::find_resource("Organization"),
                                                 fhir::find_resource("PractitionerRole")};
            if (index.has_wards()) types.push_back(&patient_type());
            from.changes(position, now, types, [&](const record::Change& change) {
                take(change);
                position = change.position;
                return true;
            });
            position = now;
        }
    }
    set_next_turn();
}

void Consents::Inside::run() {
    for (;;) {
        auto wait = options.poll;
        try {
            follow();
            count_turns();
        } catch (const std::exception&) {  // the disk, the connection, memory: tried again in a second
            wait = std::chrono::milliseconds(1'000);
        }
        std::unique_lock lock(stop_mutex);
        stopped.wait_for(lock, wait, [this] { return stopping; });
        if (stopping) return;
    }
}

Consents::Consents(record::Store& store, const person::Persons& persons, const calendar::Clock& clock, Settings settings,
                   Options options)
    : inside_(std::make_unique<Inside>(store, persons, clock, std::move(settings), options)) {
    inside_->turned_ms = clock.now_ms();
    inside_->follow();
    if (options.follow) inside_->thread = std::thread([this] { inside_->run(); });
}

Consents::~Consents() {
    {
        const std::lock_guard lock(inside_->stop_mutex);
        inside_->stopping = true;
        inside_->stopped.notify_all();
    }
    if (inside_->thread.joinable()) inside_->thread.join();
}

void Consents::catch_up() {
    inside_->follow();
    inside_->count_turns();
}

const Settings& Consents::settings() const { return inside_->settings; }

std::uint64_t Consents::generation() const {
    inside_->count_turns();
    return inside_->generation.load();
}

std::optional<std::vector<std::string>> Consents::changed_since(std::uint64_t generation) const {
    inside_->count_turns();
    const std::lock_guard lock(inside_->turns_mutex);
    const std::uint64_t now = inside_->generation.load();
    if (generation == now) return std::vector<std::string>{};
    if (generation > now || inside_->turns.empty() || inside_->turns.front().generation > generation + 1) return std::nullopt;
    std::vector<std::string> patients;
    for (const Inside::Turn& turn : inside_->turns) {
        if (turn.generation <= generation) continue;
        if (turn.everybody) return std::nullopt;
        patients.insert(patients.end(), turn.patients.begin(), turn.patients.end());
    }
    std::sort(patients.begin(), patients.end());
    patients.erase(std::unique(patients.begin(), patients.end()), patients.end());
    return patients;
}

std::vector<Provision> Consents::provisions(const access::Viewer& viewer, std::int64_t now_ms) const {
    const Party party = inside_->party_of(viewer);
    const std::shared_lock reading(inside_->index_mutex);
    return inside_->index.provisions(party, now_ms);
}

std::vector<Provision> Consents::of_patient(std::string_view patient, const access::Viewer& viewer, std::int64_t now_ms) const {
    const Party party = inside_->party_of(viewer);
    const std::shared_lock reading(inside_->index_mutex);
    return inside_->index.of_patient(patient, party, now_ms);
}

std::vector<Emergency> Consents::emergencies(const access::Viewer& viewer, std::int64_t now_ms) const {
    const std::shared_lock reading(inside_->index_mutex);
    return inside_->index.emergencies(viewer.account, viewer.name, now_ms);
}

std::vector<Proxy> Consents::proxies(std::string_view resident_patient, std::int64_t now_ms) const {
    const std::vector<std::string> own = inside_->patients_of(resident_patient);
    const calendar::Civil today = calendar::civil_from_days((now_ms + 480 * 60'000) / 86'400'000);
    const std::shared_lock reading(inside_->index_mutex);
    std::vector<Proxy> out;
    for (const Index::Kept* kept : inside_->index.held_by(own)) {
        const Relation* relation = inside_->settings.relation(kept->consent.relation);
        const Rule& rule = kept->consent.rules.front();
        if (!relation || !rule.permit || now_ms < rule.valid.low_ms || now_ms >= rule.valid.high_ms) continue;
        if (!kept->birth && relation->minors_only) continue;  // nobody knows how long
        const int age = kept->birth ? calendar::age_in_years(*kept->birth, today) : 199;
        std::int64_t until_ms = rule.valid.high_ms;
        if (relation->minors_only) {
            calendar::Moment of_age = *kept->birth;
            of_age.year = static_cast<std::int16_t>(of_age.year + inside_->settings.of_age);
            of_age.day = static_cast<std::int8_t>(std::min<int>(of_age.day, calendar::days_in_month(of_age.year, of_age.month)));
            until_ms = std::min(until_ms, calendar::span_of(of_age, 480).low_ms);
        }
        if (now_ms >= until_ms) continue;
        const AgeBand& band = inside_->settings.age(age);
        for (const std::string& patient : kept->patients)
            out.push_back(
                {patient, relation->id, until_ms, band.withheld, inside_->settings.labels_of(band.withheld), kept->consent.id});
    }
    return out;
}

}  // namespace xinglin::consent
