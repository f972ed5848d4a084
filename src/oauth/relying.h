// SPDX-License-Identifier: Apache-2.0
// People who log in elsewhere: we are the client of somebody else's OpenID provider (code flow with PKCE, state and nonce), and take
// its word for who somebody is, checked to the letter. Source: OpenID Connect Core 1.0, 3.1.3.7; RFC 9207; RFC 9700.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"
#include "json/json.h"
#include "oauth/fetch.h"
#include "oauth/jose.h"
#include "outcome/outcome.h"

namespace xinglin::oauth {

/// One line of DATA/providers.json.
struct External {
    std::string id;      // in addresses: [a-z0-9-]
    std::string name;    // on the button
    std::string issuer;  // "https://login.example"
    std::string client_id;
    std::string secret;  // of client_secret_basic; "": a public client, PKCE alone
    std::string scope = "openid profile";
    std::string claim = "preferred_username";  // whose value is the name of an account here
    bool second_factor = false;                // its word for a second factor (`amr` mfa, RFC 8176) counts; else ours is asked
    std::string make_role;                     // role of an account that is made when there is none; "": none is made
    FetchOptions fetch;
};
/// The file's text: {"providers":[{"id","name","issuer","client_id","secret_file","scope","claim","make_role","second_factor","private_addresses",
/// "plain","authorities_file"}]}. Refuses (where: the member).
Result<std::vector<External>> read_providers(std::string_view text);

/// The member "clients" of the same file: how keys of clients are fetched, {"private_addresses","plain","authorities_file"}.
Result<FetchOptions> read_client_fetch(std::string_view text);

struct Arrived {
    std::string provider, account;  // the claim's value
    std::string return_to;
    std::string make_role;
    bool proven_twice = false;
};

/// Safe from many threads; begun log-ins are remembered in memory for ten minutes, a thousand at most: who comes back to another
/// process begins again.
class RelyingParty {
public:
    RelyingParty(std::vector<External> providers, const calendar::Clock& clock);
    const std::vector<External>& providers() const { return providers_; }
    struct Begun {
        std::string address;  // to send the browser to
        std::string cookie;   // binds what comes back to this browser
    };
    /// `redirect`: our own address that the provider sends people back to.
    Result<Begun> begin(std::string_view provider, const std::string& redirect, std::string return_to);
    /// The query of the address the person came back to, and the cookie.
    Result<Arrived> arrive(const Form& query, std::string_view cookie);
    /// An id token, word by word; for tests open to all.
    static Result<Done> check(const Jwt& token, const JwkSet& keys, const External& provider, std::string_view nonce,
                              std::int64_t now_s);

private:
    struct Waiting {
        External provider;
        std::string cookie_sha256, nonce, verifier, redirect, return_to;
        std::int64_t begun_ms;
    };
    struct Known {
        std::string authorize, token, jwks;
        JwkSet keys;
        std::int64_t read_ms = 0;
    };
    Result<Known> known(const External& provider, bool anew);
    Result<Jwt> exchange(const Waiting& waiting, const Known& known, std::string_view code) const;

    const std::vector<External> providers_;
    const calendar::Clock& clock_;
    std::mutex mutex_;                        // guards what follows
    std::map<std::string, Waiting> waiting_;  // by SHA-256 of state
    std::map<std::string, Known> known_;      // by issuer
};

}  // namespace xinglin::oauth
