// SPDX-License-Identifier: Apache-2.0
// OAuth 2.0, OpenID Connect and SMART App Launch 2: systems and apps get tokens, people let apps in, and other houses' tokens let
// people in here.
//
// Access tokens are opaque, live ten minutes and are kept as SHA-256, so that they can be taken back at once (docs/decisions/0044).
// Sources: RFC 6749, 6750, 7009, 7521, 7523, 7636, 7662, 8414, 8705, 9207, 9700; OpenID Connect Core 1.0; SMART App Launch 2.2.0.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "access/access.h"
#include "calendar/calendar.h"
#include "oauth/jose.h"
#include "oauth/scope.h"
#include "outcome/outcome.h"

namespace xinglin::oauth {

/// A system or an app that may ask for tokens. Its name is its client_id.
struct Client {
    std::string name;                          // 1 to 64 characters, without control characters
    bool is_public = false;                    // cannot keep a secret: a browser's or a phone's app
    std::vector<std::string> grants;           // client_credentials authorization_code refresh_token
    std::vector<std::string> redirects;        // compared letter by letter
    std::string scope;                         // the most it may get
    std::string jwks, jwks_url;                // its public keys, or where they are; at most one of them
    std::string certificate;                   // SHA-256 of the certificate it shows, raw; "" for none
    std::string id_token_algorithm = "ES256";  // or RS256, for clients that know no other
    std::int64_t created_ms = 0;
};

/// Parameters of a form or a query, each name once.
using Form = std::vector<std::pair<std::string, std::string>>;

/// Gets a document of somebody else's, in JSON. `redirects` are not followed.
using Fetch = std::function<Result<std::string>(const std::string& url)>;

struct Options {
    std::filesystem::path data;  // keys lie in DATA/secrets
    std::string store;           // "": DATA/oauth.db; else a PostgreSQL address
    /// The address everybody knows us by, "https://record.example", without a slash at the end.
    std::function<std::string()> issuer;
    std::function<std::optional<access::Viewer>(std::string_view name)> account;  // who has this account now
    Fetch fetch;
    /// Something was used twice that is used once, a code or a refresh token, and what it had given was taken back.
    std::function<void(std::string_view what, std::string_view client, std::string_view account)> notice;
    std::int64_t access_s = 600, code_s = 60, online_s = 12 * 3'600, offline_s = 90 * 86'400, idle_s = 30 * 86'400;
    std::int64_t key_days = 30;  // after which a new key signs
};

/// What came with a request to the token endpoint, beside its form.
struct From {
    std::string certificate;  // http::Request::certificate
    std::string peer;
};

/// A token's answer, and what is to be written down of it.
struct Given {
    json::Value body;  // in `arena`
    std::shared_ptr<json::Arena> arena;
    std::string client, account, scope, grant;
};

/// What is shown to a person who is asked whether an app may come in.
struct Proposal {
    std::string client, redirect, state, nonce, challenge;
    Granted scope;               // narrowed to what the app is registered for and this person can give
    bool needs_patient = false;  // patient/ scopes, and the person is not the patient
    std::string patient;         // of a resident: whose it is
};

/// Why an app is sent away; with `redirect` to where.
struct Rejected {
    std::string error, what;
    std::string redirect;  // with its parameters; "" : the redirect address is not to be trusted, show it here
};

/// A token that came with a request.
struct Known {
    access::Viewer viewer;  // granted and in_context are set; of a system its scope
    Granted scope;
    std::string context;
    std::string client;
    std::int64_t expires_ms = 0;
};

/// Safe from many threads, and from several processes on one database. Refusals of the endpoints name RFC 6749's error in `where`.
class Provider {
public:
    /// Throws sql::Broken when the tables cannot be opened or made.
    Provider(Options options, const calendar::Clock& clock);
    ~Provider();

    // ---- who may ask
    Result<Done> add_client(Client client);
    Result<Done> remove_client(std::string_view name);  // and everything it holds
    std::optional<Client> client(std::string_view name) const;
    std::vector<Client> clients() const;

    // ---- endpoints
    Result<Given> token(const Form& form, const From& from);
    /// RFC 7009: Done also for a token that is none.
    Result<Done> revoke(const Form& form, const From& from);
    /// RFC 7662, for clients that keep a secret; of tokens of others only to those who have system/*.rs.
    Result<std::string> introspect(const Form& form, const From& from);
    /// The first half of the authorize endpoint: is the request sound? `viewer`: who is logged in, nullptr when not known yet.
    std::variant<Proposal, Rejected> propose(const Form& form, const access::Viewer* viewer) const;
    /// The person said yes: the address to go to, with the code. `patient`: chosen for patient/ scopes.
    Result<std::string> approve(const Proposal& proposal, const access::Viewer& viewer, std::string_view patient);
    std::string decline(const Proposal& proposal) const;
    /// Who comes with this token; nothing when it is not, no longer, or without its certificate, a token of ours.
    std::optional<Known> bearer(std::string_view token, std::string_view certificate) const;
    std::string userinfo(const Known& known) const;
    /// Ends what apps hold of this person without offline_access.
    void end_online(std::string_view account);
    /// Where an app wants its person after the log-out, when it is registered; "" otherwise.
    std::string after_logout(const Form& form) const;
    struct Grant {
        std::string id, client, scope, patient;
        std::int64_t created_ms = 0, ends_ms = 0;
        bool offline = false;
    };
    /// What apps hold of this person.
    std::vector<Grant> grants(std::string_view account) const;
    Result<Done> end_grant(std::string_view account, std::string_view id);

    // ---- documents
    std::string jwks();
    std::string openid_configuration() const;
    std::string smart_configuration() const;

    /// Signs as a client of somebody else's provider does (private_key_jwt).
    std::string sign(json::Value claims, std::string_view type, Algorithm algorithm);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// What a refusal says, {"error","error_description"}, and its status.
std::string error_body(const Outcome& outcome);
int error_status(const Outcome& outcome);

}  // namespace xinglin::oauth
