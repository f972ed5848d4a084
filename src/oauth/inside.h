// SPDX-License-Identifier: Apache-2.0
// Inside the room: what the provider keeps.
#pragma once

#include <mutex>
#include <unordered_map>

#include "oauth/keys.h"
#include "oauth/oauth.h"
#include "oauth/tables.h"

namespace xinglin::oauth {

/// Refusals of the endpoints: `where` is the error code of RFC 6749, `login` makes it 401.
Outcome unknown_client(std::string what);
Outcome bad_request(std::string error, std::string what);
std::string_view value_of(const Form& form, std::string_view name);

struct Provider::Inside {
    Inside(Options chosen, const calendar::Clock& the_clock);

    const Options options;
    const calendar::Clock& clock;
    const std::string place;
    Keys keys;

    mutable std::mutex mutex;  // guards tables, recent
    mutable Tables tables;
    struct Recent {
        TokenRow token;
        std::int64_t read_ms;
    };
    mutable std::unordered_map<std::string, Recent> recent;  // by SHA-256; what another process ends is seen within half a second
    unsigned writes = 0;

    mutable std::mutex sets_mutex;  // guards sets
    struct Fetched {
        JwkSet keys;
        std::int64_t at_ms;
    };
    mutable std::unordered_map<std::string, Fetched> sets;  // by address

    std::string issuer() const { return options.issuer(); }
    std::string endpoint(std::string_view name) const { return issuer() + "/oauth/" + std::string(name); }
    /// Runs a change in a transaction. A refusal is committed too: what it took back stays taken back.
    template <typename Body>
    auto change(Body&& body) {
        const std::lock_guard lock(mutex);
        recent.clear();
        return sql::transaction(tables.connection(), [&] {
            if (++writes % 500 == 0) tables.sweep(clock.now_ms());
            return body(tables);
        });
    }
    void notice(std::string_view what, const FamilyRow& family) const {
        if (options.notice) options.notice(what, family.client, family.account);
    }

    // authenticate.cpp
    Result<Client> authenticate(const Form& form, const From& from);
    Result<Client> by_assertion(const Form& form);
    Result<JwkSet> keys_of(const Client& client, std::string_view kid);
    // tokens.cpp
    Result<Given> for_itself(const Client& client, const Form& form, const From& from);
    Result<Given> for_code(const Client& client, const Form& form, const From& from);
    Result<Given> for_refresh(const Client& client, const Form& form, const From& from);
    Given give(Tables& table, const Client& client, const FamilyRow& family, const Granted& scope, const From& from, bool first,
               const SigningKey* key);
    std::string id_token(const Client& client, const FamilyRow& family, const access::Viewer& viewer, bool first,
                         const SigningKey& key) const;
    /// Before a transaction is begun: a new key is written by a connection of its own.
    SigningKey signing_key(const Client& client) {
        return keys.current(parse_algorithm(client.id_token_algorithm).value_or(Algorithm::es256));
    }
};

}  // namespace xinglin::oauth
