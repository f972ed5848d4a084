// SPDX-License-Identifier: Apache-2.0
// Measuring: the whole record once, then what changed. The figures at a position are a function of the record as it stood there, and
// of nothing else: what changed is taken out as it was judged before, and counted as it is judged now.
#include <list>

#include "message/message.h"
#include "quality/keeper.h"

namespace xinglin::quality {

namespace {

constexpr json::Limits no_limits(std::size_t bytes) { return {.depth = 1'000, .bytes = bytes + 1}; }

/// "urn:xinglin:source:renmin#42" taken apart; nothing when it came as no message.
std::optional<std::pair<std::string, std::string>> message_of(json::Value resource) {
    constexpr std::string_view ours = "urn:xinglin:source:";
    const std::string_view source = resource["meta"]["source"].string();
    const std::size_t hash = source.find('#');
    if (!source.starts_with(ours) || hash == std::string_view::npos) return std::nullopt;
    return std::pair(std::string(source.substr(ours.size(), hash - ours.size())), std::string(source.substr(hash + 1)));
}

}  // namespace

/// Remembers the last few thousand.
class Keeper::Patients {
public:
    Patients(record::Reader& reader, record::Position as_of) : reader_(reader), as_of_(as_of) {}

    /// gender, birthDate and deceased[x] of a Patient, as JSON; "" when there is none. Valid until the next call.
    const std::string& of(const std::string& id) {
        if (const auto found = known_.find(id); found != known_.end()) return found->second;
        if (known_.size() > 5'000) known_.clear();
        std::string& facts = known_[id];
        const auto version = reader_.read(*fhir::find_resource("Patient"), id, as_of_);
        if (version.ok()) facts = facts_of(version->body);
        return facts;
    }
    static std::string facts_of(std::string_view body) {
        json::Arena arena;
        const auto patient = json::parse(body, arena, no_limits(body.size()));
        if (!patient.ok()) return "";
        return json::write(arena.object({{"resourceType", arena.string("Patient")},
                                         {"gender", (*patient)["gender"]},
                                         {"birthDate", (*patient)["birthDate"]},
                                         {"deceasedBoolean", (*patient)["deceasedBoolean"]},
                                         {"deceasedDateTime", (*patient)["deceasedDateTime"]}}));
    }

private:
    record::Reader& reader_;
    record::Position as_of_;
    std::map<std::string, std::string, std::less<>> known_;
};

/// How this very version came.
Arrived Keeper::arrival_of(json::Value resource, std::int64_t updated_ms) {
    Arrived arrived{updated_ms, 0};
    const auto message = message_of(resource);
    if (!message) return arrived;
    arrived.told_ms = arrived.at_ms;
    if (!options_.told) return arrived;
    if (const auto told = options_.told(message->first, message->second))
        arrived.told_ms = std::max(told->received_ms, told->sent_ms);
    return arrived;
}

/// How the first version came that belonged to the set and said when: later ones are corrections.
Arrived Keeper::first_arrival(Edition& edition, record::Reader& reader, const record::Version& version, json::Value resource,
                              std::size_t set) {
    constexpr std::int64_t looked_at = 20;
    for (std::int64_t number = 1; number < std::min(version.version, looked_at); ++number) {
        const auto earlier = reader.vread(*version.type, version.id, number);
        if (!earlier.ok()) continue;
        json::Arena arena;
        const auto parsed = json::parse(earlier->body, arena, no_limits(earlier->body.size()));
        if (parsed.ok() && edition.judge->tells(*parsed, set)) return arrival_of(*parsed, earlier->updated_ms);
    }
    return arrival_of(resource, version.updated_ms);
}

std::vector<Verdict> Keeper::judge(Edition& edition, record::Reader& reader, Patients& patients, const fhir::Type& type,
                                   const record::Version& version) {
    if (version.deleted || edition.book.of_type(type).empty()) return {};
    arena_.clear();
    const auto resource = json::parse(version.body, arena_, no_limits(version.body.size()));
    if (!resource.ok()) return {};
    json::Value patient;
    if (edition.book.asks_patient(type)) {
        const std::string id = edition.judge->patient_of(*resource);
        const std::string& facts = id.empty() ? id : patients.of(id);
        if (!facts.empty()) patient = *json::parse(arena_.keep(facts), arena_);
    }
    return edition.judge->judge(*resource, patient,
                                [&](std::size_t set) { return first_arrival(edition, reader, version, *resource, set); });
}

/// One transaction's worth of the record as it stood when building began.
bool Keeper::build() {
    Edition& edition = *building_;
    record::Reader reader = store_.reader(access::Viewer::program("quality"));
    record::Reader other = store_.reader(access::Viewer::program("quality"));
    Patients patients(other, edition.position);
    std::size_t done = 0;
    bool ended = true;
    record::Rid next = edition.place;
    try {
        sql::transaction(*connection_, [&] {
            reader.scan(
                {.as_of = edition.position, .from = edition.place},
                [&](const record::Sight& sight) { return !sight.deleted && !edition.book.of_type(*sight.type).empty(); },
                [&](const record::Sight& sight, std::string_view body) {
                    if (done == options_.step) {
                        next = sight.rid;
                        ended = false;
                        return false;
                    }
                    record::Version version{.type = sight.type, .version = sight.version, .updated_ms = sight.updated_ms};
                    version.body = body;
                    json::Arena arena;
                    const auto parsed = json::parse(body, arena, no_limits(body.size()));
                    if (parsed.ok()) version.id = (*parsed)["id"].string();
                    const std::string id = std::string(sight.type->name) + "/" + version.id;
                    for (const Verdict& verdict : judge(edition, other, patients, *sight.type, version))
                        edition.tally->count(verdict, id, 1);
                    ++done;
                    return true;
                });
            edition.tally->flush();
            edition.place = next;
            edition.done += static_cast<std::int64_t>(done);
            save(edition);
        });
    } catch (...) {
        edition.tally->drop();
        throw;
    }
    show();
    return ended;
}

/// What may count otherwise than before: what changed, and what leans on a patient of whom a fact changed.
std::set<std::pair<const fhir::Type*, std::string>> Keeper::affected(Edition& edition, record::Reader& reader,
                                                                     record::Position upto) {
    std::set<std::pair<const fhir::Type*, std::string>> out;
    std::set<std::string> people;
    const fhir::Type* patient = fhir::find_resource("Patient");
    reader.changes(edition.position, upto, [&](const record::Change& change) {
        if (!edition.book.of_type(*change.type).empty()) out.emplace(change.type, change.id);
        if (change.type == patient) people.insert(change.id);
        return true;
    });
    bool asks = false;
    for (const Set& set : edition.book.sets()) asks |= set.asks_patient;
    if (!asks) return out;
    Patients before(reader, edition.position), after(reader, upto);
    for (const std::string& id : people) {
        if (before.of(id) == after.of(id)) continue;
        const std::vector<record::Rid> rids = reader.compartment(id);
        if (rids.empty()) continue;
        reader.scan(
            {.as_of = upto, .only = &rids},
            [&](const record::Sight& sight) { return !sight.deleted && edition.book.asks_patient(*sight.type); },
            [&](const record::Sight& sight, std::string_view body) {
                json::Arena arena;
                const auto parsed = json::parse(body, arena, no_limits(body.size()));
                if (parsed.ok()) out.emplace(sight.type, std::string((*parsed)["id"].string()));
                return true;
            });
    }
    return out;
}

/// True when there may be more. All that changed up to now goes into one transaction: who belongs to a patient is known for now only.
bool Keeper::follow(Edition& edition) {
    record::Reader reader = store_.reader(access::Viewer::program("quality"));
    reader.position_at(0);  // from here on it sees one state
    const record::Position target = reader.position();
    {
        const std::lock_guard lock(shared_.lock);
        shared_.state.record_position = target;
    }
    const bool restored = target < edition.position;  // an older record was put below us
    if (restored || target - edition.position > static_cast<record::Position>(options_.behind)) {
        if (&edition == building_.get()) {
            sql::transaction(*connection_, [&] { clear(edition.number, true); });
            building_.reset();
            begin_building();
        } else if (!building_) {
            begin_building();
        }
        return false;
    }
    if (target == edition.position) return false;
    Patients before(reader, edition.position), after(reader, target);
    const record::Position start = edition.position;
    try {
        sql::transaction(*connection_, [&] {
            for (const auto& [type, id] : affected(edition, reader, target)) {
                const std::string whole = std::string(type->name) + "/" + id;
                if (const auto old = reader.read(*type, id, start); old.ok()) {
                    for (const Verdict& verdict : judge(edition, reader, before, *type, *old))
                        edition.tally->count(verdict, whole, -1);
                }
                if (const auto now = reader.read(*type, id, target); now.ok()) {
                    for (const Verdict& verdict : judge(edition, reader, after, *type, *now))
                        edition.tally->count(verdict, whole, 1);
                }
            }
            edition.tally->flush();
            edition.position = target;
            save(edition);
        });
    } catch (...) {
        edition.position = start;
        edition.tally->drop();
        throw;
    }
    return true;
}

}  // namespace xinglin::quality
