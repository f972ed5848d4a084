// SPDX-License-Identifier: Apache-2.0
// Inside the room: what the desk is made of.
#pragma once

#include "consent/desk.h"
#include "consent/resource.h"

namespace xinglin::consent {

struct Desk::Inside {
    record::Store& store;
    const person::Persons& persons;
    const calendar::Clock& clock;
    Consents& consents;
    const Notices notices;

    const Settings& settings() const { return consents.settings(); }
    record::Reader reader() const { return store.reader(access::Viewer::program("consent")); }
    std::vector<std::string> patients_of(std::string_view patient) const;
    bool is_same_person(std::string_view a, std::string_view b) const;
    std::string today() const;
    /// The body of the newest version; nothing when it is not there.
    std::optional<record::Version> read(std::string_view type, std::string_view id) const;
    std::optional<calendar::Moment> birth_of(std::string_view patient) const;
    std::string name_of(std::string_view type, std::string_view id) const;
    std::vector<record::Version> found(std::string_view type, std::vector<std::pair<std::string, std::string>> asked,
                                       std::size_t most) const;

    struct Write {
        std::string type, id, text;
        std::int64_t present = 0;  // the version it replaces; 0: new
    };
    /// All or none; refuses (conflict) when one has changed since. Counts when it returns.
    Result<Done> write(const std::vector<Write>& writes);
    /// A Consent of the record with another status, and what is said of that.
    Result<Write> changed(const Decision& decision, std::string_view status,
                          const std::vector<std::pair<std::string, std::string>>& parts) const;
    Result<Decision> read_back(std::string_view id) const;
    void tell(std::string_view kind, std::string_view patient, std::string_view id) const {
        if (notices) notices({std::string(kind), std::string(patient), std::string(id), clock.now_ms()});
    }
};

/// The pieces of a Consent written here.
struct Paper {
    std::string id, patient, kind, status = "active";
    bool permit = false;
    std::string actor, actor_name, relation;  // "Organization/x", "Patient/x", "account|li"; "": everybody
    std::vector<Label> labels;
    std::string from, until;  // days or instants
    std::string date_time;
    std::vector<std::pair<std::string, std::string>> parts;  // ours, in one extension
    Hand hand;
};
std::string consent_text(const Paper& paper);
std::optional<Decision> decision_of(const record::Version& version, const Settings& settings, std::int64_t now_ms);
std::vector<std::pair<std::string, std::string>> parts_of(const Hand& hand);

bool is_day(std::string_view text);
std::string day_text(calendar::Civil day);
calendar::Civil day_of(std::int64_t ms);
calendar::Civil months_later(calendar::Civil day, int months);
/// Ends within so many characters (UTF-8).
Result<Done> fits(std::string_view where, std::string_view text, std::size_t least, std::size_t most);

}  // namespace xinglin::consent
