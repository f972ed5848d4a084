// SPDX-License-Identifier: Apache-2.0
// What a token may do: SMART App Launch 2.2 scopes, read strictly, narrowed, and turned into conditions for the guard of the record.
//
// "patient/Observation.rs?category=laboratory": whose, which type, which of c r u d s (in this order), under which condition.
// The names of 1.0 (.read .write .*) are understood and written as those of 2. Source: SMART App Launch 2.2.0, "Scopes and
// Launch Context".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http.h"
#include "outcome/outcome.h"

namespace xinglin::oauth {

enum class Whose : std::uint8_t { patient, user, system };
std::string_view text(Whose whose);

/// One scope about resources.
struct Scope {
    Whose whose = Whose::user;
    std::string type;     // of R4, or "*"
    std::string actions;  // some of "cruds", in this order
    std::string query;    // "category=laboratory", still encoded; "" for all. Its parameters exist for the type

    std::string text() const;
    bool covers(const Scope& other) const;
    bool allows(std::string_view resource_type, char action) const;
};

/// What was asked for or granted: scopes about resources, and the words beside them.
class Granted {
public:
    /// At most 4 KiB and 64 scopes. Refuses (where: "scope") what looks like a scope about resources and is none; leaves out other
    /// words that mean nothing to us, as OpenID Connect wants it.
    static Result<Granted> parse(std::string_view text);
    std::string text() const;
    bool empty() const { return resources.empty() && words.empty(); }
    bool has(std::string_view word) const;
    bool has(Whose whose) const;
    /// Nothing here that `wider` does not hold.
    bool is_within(const Granted& wider) const;
    /// What both allow: types, actions and conditions together.
    Granted meet(const Granted& other) const;

    /// What must hold of a resource for some actions. Of several any is enough; where there is none, nothing is allowed.
    struct Condition {
        std::string type;  // or "*"
        std::string actions;
        bool in_context = false;  // only what belongs to the Patient in context (patient/)
        std::string query;        // of search, still encoded; "" for none
    };
    std::vector<Condition> conditions() const;

    std::vector<Scope> resources;
    std::vector<std::string> words;  // openid fhirUser profile launch/patient online_access offline_access
};

/// How a request may go on with a token.
struct Passage {
    std::string granted;  // what of the scopes counts for it, without conditions (access::Viewer::granted, or scope of a system)
    /// With these the record's guard shows, counts and passes through only what one of them names, and what is written is held to them;
    /// none: the types of `granted` say it all.
    std::vector<Granted::Condition> conditions;
};
/// Decides by the request alone; refuses (where: "scope") what no scope includes and what cannot be narrowed. `context`: the Patient of
/// patient/ scopes, "" for none.
Result<Passage> pass(const Granted& granted, bool is_system, std::string_view context, const http::Request& request);

}  // namespace xinglin::oauth
