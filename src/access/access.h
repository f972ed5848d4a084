// SPDX-License-Identifier: Apache-2.0
// Who is asking: accounts, sessions, bearer tokens. What was looked at stands in audit.h.
//
// Accounts live in access.db and the audit in audit.db of the data folder, or both in a PostgreSQL database; several
// processes may have them open, so that `xinglin user add` works while the server runs, and who logged in at one server is
// known at the next. Passwords are argon2id, tokens and sessions are stored as SHA-256 only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"
#include "outcome/outcome.h"

namespace xinglin::record {
struct Guard;
}

namespace xinglin::access {

/// administrator: everything · clinician: reads and writes records · epidemiologist: reads records · planner: figures without people ·
/// operator: the house and its messages, no records · auditor: who looked · resident: one's own record · system: by scope ·
/// institution_administrator: the accounts of an institution and of those below it, no records.
enum class Role : std::uint8_t {
    administrator,
    clinician,
    epidemiologist,
    planner,
    operator_,
    auditor,
    resident,
    system,
    institution_administrator
};
std::string_view text(Role role);
std::optional<Role> parse_role(std::string_view text);

/// The one on whose behalf something is read or written. Every read goes through one.
struct Viewer {
    std::int64_t account = 0;
    std::string name;  // account name
    std::string display;
    Role role = Role::system;
    std::string scope;    // of clients, "system/*.cruds"; of residents "patient/ID"; else ""
    std::string purpose;  // purpose of use, "" when unsaid
    std::string trace_id;
    bool must_change_password = false;
    bool must_enrol = false;    // a second factor first: nothing else is open
    std::string institution;    // id of the Organization one works for; "" for none
    std::string area;           // division code whose residents are one's own duty, its beginning: "330102001"; "" for none
    std::string practitioner;   // id of the Practitioner one is; "" when no such
    std::string authorisation;  // what allowed it beside the rules: an emergency access, a proxy, a token; "" for none
    /// Of an app's token that a person gave: what of the person's rights it got, "user/Observation.rs launch/patient"; "": all of them.
    std::string granted;
    std::string in_context;  // of such a token: id of the Patient its patient/ scopes are about; "" for none
    /// What this viewer may see, compiled for the store; nothing: everything. Set where a request comes in (room policy).
    std::shared_ptr<const record::Guard> guard;

    /// Records of people at all; of a resident and of a system only what `patient` and `scope` name.
    bool may_read() const;
    bool may_write() const;
    bool may_administer() const;
    /// By scope, of a system and of an app's token; of everybody else whatever the role may. `action`: c r u d s. A scope that is
    /// narrowed further ("?category=") allows nothing here.
    bool allows(std::string_view resource_type, char action) const;
    /// Accounts of people: all of them, or those of `institution` and below.
    bool may_manage_accounts() const;
    /// What comes in and goes out, and how the house is: sources, messages, queues, backups.
    bool may_operate() const;
    /// The Patient a resident is; "" for everyone else.
    std::string_view patient() const;
    /// For what the program does on its own account (import by command line, checks).
    static Viewer program(std::string_view what);
};

/// What a scope allows; SMART v2 "system/Patient.rs", "system/*.cruds", space separated.
bool scope_allows(std::string_view scope, std::string_view resource_type, char action /* c r u d s */);

struct Session {
    std::string cookie;  // secret, given once; "" while a second factor is wanted: nobody is logged in yet
    std::string csrf;
    Viewer viewer;
    std::string ticket;  // then: what goes with the code (second_factor.h)
};

/// Where somebody works, for whose residents, and who one is in the register of staff. Each may be "".
struct Post {
    std::string institution;   // id of an Organization
    std::string area;          // the beginning of a division code, 2 to 12 digits
    std::string practitioner;  // id of a Practitioner
};

struct Access;  // audit.h
class Audit;

/// Safe from many threads, and from several processes on one folder: what another process changes (an account removed)
/// is seen within half a second. Sessions end after 30 minutes without use and 12 hours in any case.
class Accounts {
public:
    /// Opens or makes access.db in an existing folder, or its tables in the database `store` names. Throws sql::Broken when
    /// it cannot.
    Accounts(const std::filesystem::path& folder, const calendar::Clock& clock, const std::string& store = {});
    ~Accounts();  // writes when sessions and tokens were last used

    /// On an empty store: makes `admin` with a one-time password and returns it.
    std::optional<std::string> first_start();
    /// Returns a one-time password, or the given one (which then need not be changed). Refuses a name that exists or is
    /// not [a-z0-9._-]{2,64}.
    /// A resident needs the id of the Patient whose record is theirs, nobody else has one.
    Result<std::string> add_user(std::string_view name, Role role, std::string_view display, std::string_view password = {},
                                 std::string_view patient = {}, const Post& post = {});
    struct Change {
        std::optional<Role> role;
        std::optional<std::string> display, institution, area, practitioner;  // "" takes it away
        std::optional<bool> disabled;
    };
    /// What is not named stays. Sessions end when the role changes or the account is disabled. Residents stay residents.
    Result<Done> change_user(std::string_view name, const Change& change);
    Result<Done> remove_user(std::string_view name);
    Result<std::string> reset_password(std::string_view name);
    /// Returns the bearer token, shown once. The name is any text of 1 to 64 characters.
    Result<std::string> add_client(std::string_view name, std::string_view scope);
    Result<Done> remove_client(std::string_view name);
    struct Account {
        std::string name, display, role, scope;
        std::int64_t created_ms;
        std::optional<std::int64_t> last_used_ms;
        bool is_client;
        std::int64_t id = 0;
        std::string institution, area, practitioner;
        bool disabled = false, must_change_password = false, second_factor = false;
    };
    std::vector<Account> list() const;

    /// IssueCode::login when wrong; IssueCode::throttled after too many failures. `device`: what the browser calls itself.
    Result<Session> login(std::string_view name, std::string_view password, std::string_view peer, std::string_view device = {});
    /// A session for a person who proved elsewhere who they are (an external OpenID provider); IssueCode::login when there is no
    /// such account.
    Result<Session> admit(std::string_view name, std::string_view peer = {}, std::string_view device = {});
    void logout(std::string_view cookie);
    /// Ends every session and returns a new one: a cookie does not outlive its password.
    Result<Session> change_password(std::string_view cookie, std::string_view old_password, std::string_view new_password);
    /// Cheap (cached), called on every request from many threads.
    std::optional<Session> session(std::string_view cookie) const;
    std::optional<Viewer> bearer(std::string_view token) const;
    /// Who has this account name, as bearer() would say; for tokens that are kept elsewhere (room oauth).
    std::optional<Viewer> viewer_of(std::string_view name) const;
    /// A small read, for /readyz: throws sql::Broken when the file cannot be read.
    void check() const;

    struct Inside;
    Inside& inside() const { return *inside_; }  // for the other doors of this room

private:
    std::unique_ptr<Inside> inside_;
};

/// A data folder, or the address of a PostgreSQL database.
struct Place {
    std::filesystem::path folder;
    std::string store;
};
struct Copied {
    std::uint64_t accounts = 0, accesses = 0;
};
/// Accounts, sessions and the audit from one place to another; goes on where it broke off. Refuses (where: "--to") a target
/// that has others. Throws sql::Broken.
Result<Copied> copy(const Place& from, const Place& to, const calendar::Clock& clock);

}  // namespace xinglin::access
