// SPDX-License-Identifier: Apache-2.0
// content/access/policy.json: who may see what, as rules a health commission can read and change. The first that applies decides.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/access.h"
#include "content/content.h"
#include "fhir/fhir.h"
#include "outcome/outcome.h"

namespace xinglin::policy {

struct Words {
    std::string zh, en;
};

struct Rule {
    enum class Kind : std::uint8_t {
        plain,
        emergency,  // of patients for whom an emergency access was taken
        card,       // of patients whose card this account scanned a short while ago
        consent,    // what residents decided, strongest first
        own,        // a resident's own record
        wards       // of whom a resident is the proxy, without what is withheld
    };
    enum class Whose : std::uint8_t { anything, nobodys, somebodys, set };
    std::string id;
    Words words;
    Kind kind = Kind::plain;
    bool permit = false;
    Whose whose = Whose::anything;
    std::string set;                       // of Whose::set
    std::vector<const fhir::Type*> types;  // empty: all
    std::vector<std::pair<std::string, std::string>> labels;
    bool own_sources = false;            // only what one's own institution has written
    std::vector<std::string> purposes;   // only for these purposes of use; empty: any
    std::vector<std::string> only_when;  // "no-post": only for accounts without institution and area
};

/// Patients, by searches: they are members to whom a match belongs. {institution}, {area}, {practitioner} and {today-365} stand for what
/// the viewer is; a search that names what the viewer has not is left out.
struct Set {
    Words words;
    std::vector<std::string> searches;
};

struct Book {
    std::map<std::string, Set, std::less<>> sets;
    std::vector<std::string> own_sources;             // templates: "urn:xinglin:source:{identifier}"
    std::map<access::Role, std::vector<Rule>> roles;  // a role that is not here sees everything its account may
    std::set<access::Role> open_in_demonstrations;    // see everything where all people are made up
    Words nothing;                                    // said when no rule applied
    std::string default_purpose = "TREAT";

    /// For made-up people: without the rules of `open_in_demonstrations`.
    Book of_demonstration() &&;
    /// Refuses by name what is missing or not understood.
    static Result<Book> read(const content::Files& files);
};

/// A search of a set with a viewer put in; nothing when it names what the viewer has not.
std::optional<std::string> put_in(std::string_view search, const access::Viewer& viewer, std::int64_t now_ms);

}  // namespace xinglin::policy
