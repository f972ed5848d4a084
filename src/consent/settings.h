// SPDX-License-Identifier: Apache-2.0
// content/access: the categories a resident may close, who may act for whom at which age, and emergencies (content/access/README.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "calendar/calendar.h"
#include "consent/consent.h"
#include "content/content.h"
#include "outcome/outcome.h"

namespace xinglin::consent {

struct Words {
    std::string zh, en;
};

/// What a resident may close by itself, in plain words; as security labels.
struct Category {
    std::string id;
    Words name, hint;
    std::vector<Label> labels;
};

/// An age, and what a proxy of somebody of it does not see.
struct AgeBand {
    std::string id;
    Words name;
    int from_age = 0, below_age = 0;
    std::vector<std::string> withheld;  // ids of categories
};

/// What a proxy is to the ward.
struct Relation {
    std::string id;
    Words name;
    bool minors_only = false;  // ends when the ward comes of age
    bool consent = false;      // the ward must agree
    bool document = false;     // only with a document seen at a counter
    int months = 0;            // at most; 0: until the ward comes of age
};

struct ReasonCode {
    std::string id;
    Words name;
};

struct EmergencyPolicy {
    int minutes = 30;
    std::vector<access::Role> roles;
    std::vector<ReasonCode> reasons;
    std::size_t least_words = 4;  // characters of the reason that is typed
    int review_work_days = 1;
    int work_begins_hour = 8, work_ends_hour = 18;
};

struct Settings {
    std::vector<Category> categories;
    std::vector<Words> always_visible;  // what stays visible though everything is closed, in honest words
    int holder_from_age = 18;           // who acts for another is at least this old
    int of_age = 18;                    // the ward's coming of age
    int own_consent_from_age = 14;      // from here on the ward must agree too
    std::vector<AgeBand> ages;          // without a gap
    std::vector<Relation> relations;
    EmergencyPolicy emergency;
    int request_days = 14, request_months = 12;  // how long a request for access waits; how long it may ask for at most

    /// Refuses by name what is missing or out of range.
    static Result<Settings> read(const content::Files& files);

    const Category* category(std::string_view id) const;
    const Relation* relation(std::string_view id) const;
    const AgeBand& age(int years) const;
    std::vector<Label> labels_of(const std::vector<std::string>& categories) const;
};

/// Plays the cases of a content folder; appends what is wrong.
void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

}  // namespace xinglin::consent
