// SPDX-License-Identifier: Apache-2.0
// Inside the room: every Consent that counts and every emergency that runs, in memory, found by whom they name and whom they are about.
//
// One thread at a time changes it, many read (the mutex is the owner's). Nothing here reads the record.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "consent/order.h"
#include "consent/resource.h"
#include "consent/rule.h"

namespace xinglin::consent {

/// Who looks, as rules name people.
struct Party {
    std::string practitioner, account, role, purpose;
    std::vector<std::string> institutions;  // the own one first, then those above it
};

/// What a PractitionerRole says.
struct Post {
    std::string practitioner, organization;
};

class Index {
public:
    struct Kept {
        Consent consent;
        std::vector<std::string> patients;      // of the person: the first is the same for all its Consents
        std::optional<calendar::Moment> birth;  // of a ward
        std::size_t person = 0;                 // the same for all Consents of one person
    };

    void put(Consent consent, std::vector<std::string> patients, std::optional<calendar::Moment> birth);
    /// True when it was there.
    bool remove(std::string_view id);
    const Kept* find(std::string_view id) const;
    /// The patients of a Consent have become others.
    void regroup(std::string_view id, std::vector<std::string> patients);
    std::vector<std::string> of_any(const std::vector<std::string>& patients) const;  // ids of Consents
    std::vector<std::string> all() const;
    bool has_wards() const { return wards_ > 0; }
    std::vector<std::string> wards() const;  // ids of proxies
    bool names_post(std::string_view id) const { return posts_.contains(std::string(id)); }
    void set_post(const std::string& id, Post post);
    std::vector<std::string> unknown_posts(const Consent& consent) const;

    void put(EmergencyLine line, std::vector<std::string> patients);
    void remove_emergency(std::string_view id);

    std::vector<Provision> provisions(const Party& party, std::int64_t now_ms) const;
    std::vector<Provision> of_patient(std::string_view patient, const Party& party, std::int64_t now_ms) const;
    std::vector<Emergency> emergencies(std::int64_t account, std::string_view name, std::int64_t now_ms) const;
    std::vector<const Kept*> held_by(const std::vector<std::string>& patients) const;  // proxies

    /// The next instant at which an answer changes by itself; end_of_time_ms: none.
    std::int64_t next_turn(std::int64_t after_ms) const;
    /// Patients for whom something changes at an instant in (after, upto].
    std::vector<std::string> turning(std::int64_t after_ms, std::int64_t upto_ms) const;
    std::size_t size() const { return consents_.size(); }

private:
    struct Place {
        const Kept* kept;
        std::uint32_t rule;
    };
    struct Hit {
        std::size_t person;
        const Kept* kept;
        const Rule* rule;
        Closeness closeness;
        Strength strength;
    };
    class Settling;
    struct Running {
        EmergencyLine line;
        std::vector<std::string> patients;
    };
    std::unordered_map<std::string, std::unique_ptr<Kept>> consents_;
    std::unordered_map<std::string, std::vector<Place>> by_key_;  // "": rules for everybody
    std::unordered_map<std::string, std::vector<const Kept*>> by_patient_, by_holder_;
    std::unordered_map<std::string, std::size_t> persons_;  // first Patient of a person → its number
    std::unordered_map<std::string, Post> posts_;
    std::unordered_map<std::string, Running> emergencies_;
    std::multimap<std::int64_t, std::string> turns_;  // instant → Consent or emergency
    std::size_t next_person_ = 0, wards_ = 0;

    std::vector<std::string> keys_of(const Rule& rule) const;
    void enter(Kept& kept);
    void leave(const Kept& kept);
    std::vector<std::int64_t> turns_of(const Kept& kept) const;
    std::optional<Closeness> closeness(const Rule& rule, const Party& party) const;
    std::optional<Closeness> closeness(const Actor& actor, const Party& party) const;
    bool concerns(const Kept& kept, const Rule& rule, const Party& party, std::int64_t now_ms, std::vector<Hit>& hits) const;
    static std::vector<Provision> resolved(std::vector<Hit> hits, std::string_view only_patient);
};

}  // namespace xinglin::consent
