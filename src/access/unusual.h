// SPDX-License-Identifier: Apache-2.0
// Which looks at records are unusual: rules as content (access/unusual.json), judged over facts, without asking any store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "outcome/outcome.h"

namespace xinglin::access {

/// One look, as far as the rules ask.
struct LookFacts {
    struct Person {
        std::string surname, address;     // as written; "" when unknown
        bool staff = false;               // registered as one who works in care
        std::vector<std::string> labels;  // codes of meta.security
    };
    std::string role;
    int hour = 12;     // local
    bool own = false;  // one's own record
    Person viewer, patient;
    std::int64_t people_today = 0;  // that the viewer looked at, this one included
    double mean = 0;                // people a day in the 30 days before, of the days with any
    std::int64_t refused = 0;       // lines in a row, up to this one
};

/// Found by a rule; `facts` is a JSON object of what its words are filled with.
struct Unusual {
    std::string rule, facts;
    bool about_patient = false;  // one finding per person looked at; else one per day
};

class UnusualRules {
public:
    /// Refuses (where: the file) rules that are none, and says which member.
    static Result<UnusualRules> read(const content::Files& files);
    std::vector<Unusual> judge(const LookFacts& look) const;
    std::int64_t least_people() const;  // below it nobody's mean is asked for

    struct Rule {
        enum class Kind : std::uint8_t { same_address, same_family, colleague, label, volume, night, refused };
        std::string id;
        Kind kind = Kind::night;
        std::int64_t least = 0, from = 22, until = 6;
        double factor = 3;
        std::vector<std::string> labels, roles;
        std::vector<std::pair<std::string, std::string>> names, why;  // by language
    };
    const std::vector<Rule>& rules() const { return rules_; }

private:
    std::vector<Rule> rules_;
};

/// An address without what does not tell doors apart: spaces and punctuation. "" when it names no door.
std::string door_of(std::string_view address);
/// As far as the street or village; "" when it names none.
std::string street_of(std::string_view address);

/// Reads access/unusual.json and plays its cases.
void check_unusual(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

}  // namespace xinglin::access
