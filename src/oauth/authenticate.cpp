// SPDX-License-Identifier: Apache-2.0
// Which client is it? By a letter it signed (RFC 7523, SMART backend services), by the certificate it shows (RFC 8705), or, public,
// by its name alone, which proves nothing: PKCE does.
#include <algorithm>

#include "oauth/inside.h"
#include "signature/signature.h"
#include "text/text.h"

namespace xinglin::oauth {

namespace {

constexpr std::string_view assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr std::int64_t longest_s = 300, skew_s = 30;  // an assertion's life (SMART: five minutes); clocks that differ
constexpr std::int64_t fresh_ms = 600'000, again_ms = 60'000, stale_ms = 86'400'000;
constexpr std::size_t most_sets = 1'000;

bool may_sign_assertions(Algorithm algorithm) { return algorithm != Algorithm::rs256; }

}  // namespace

Outcome unknown_client(std::string what) { return refuse(IssueCode::login, "invalid_client", std::move(what)); }
Outcome bad_request(std::string error, std::string what) { return refuse(IssueCode::invalid, std::move(error), std::move(what)); }

std::string_view value_of(const Form& form, std::string_view name) {
    for (const auto& [key, value] : form) {
        if (key == name) return value;
    }
    return {};
}

/// The keys of a client; from its address at most once a minute, however many letters name keys that are not there.
Result<JwkSet> Provider::Inside::keys_of(const Client& client, std::string_view kid) {
    if (!client.jwks.empty()) return JwkSet::parse(client.jwks);
    if (client.jwks_url.empty()) return unknown_client("this client has no keys; register them with client add --jwks");
    const std::int64_t now_ms = clock.now_ms();
    {
        const std::lock_guard lock(sets_mutex);
        const auto found = sets.find(client.jwks_url);
        if (found != sets.end()) {
            const std::int64_t age_ms = now_ms - found->second.at_ms;
            const bool will_do = age_ms < fresh_ms && (kid.empty() || found->second.keys.has(kid));
            if (will_do || age_ms < again_ms) return found->second.keys;
            found->second.at_ms = std::max(found->second.at_ms, now_ms - fresh_ms + again_ms);  // others do not ask meanwhile
        }
    }
    const auto text = options.fetch ? options.fetch(client.jwks_url)
                                    : Result<std::string>(refuse(IssueCode::not_supported, "jwks_url", "is not fetched here"));
    auto read = text.ok() ? JwkSet::parse(*text) : Result<JwkSet>(text.outcome());
    const std::lock_guard lock(sets_mutex);
    const auto found = sets.find(client.jwks_url);
    if (!read.ok()) {
        if (found != sets.end() && now_ms - found->second.at_ms < stale_ms) return found->second.keys;
        if (sets.size() < most_sets) sets[client.jwks_url] = {JwkSet(), now_ms};  // and not at once again
        return unknown_client("the keys of this client cannot be read: " + read.outcome().line());
    }
    if (sets.size() >= most_sets) sets.clear();
    sets[client.jwks_url] = {*read, now_ms};
    return read;
}

Result<Client> Provider::Inside::by_assertion(const Form& form) {
    if (value_of(form, "client_assertion_type") != assertion_type)
        return unknown_client("client_assertion_type must be " + std::string(assertion_type));
    auto letter = Jwt::parse(value_of(form, "client_assertion"));
    if (!letter.ok()) return unknown_client("the client_assertion cannot be read: " + letter.outcome().line());
    const std::string name(letter->text("sub"));
    if (name.empty() || letter->text("iss") != name) return unknown_client("iss and sub must both be the client_id");
    if (const auto said = value_of(form, "client_id"); !said.empty() && said != name)
        return unknown_client("client_id is not the client of the assertion");
    std::optional<Client> client;
    {
        const std::lock_guard lock(mutex);
        client = tables.client(name);
    }
    const Outcome wrong = unknown_client("no such client, or the assertion is not signed with its key");
    if (!client || client->is_public || (client->jwks.empty() && client->jwks_url.empty())) return wrong;
    if (!may_sign_assertions(letter->algorithm)) return unknown_client("sign the assertion with RS384, ES384, ES256 or SM2");
    XINGLIN_TRY(const JwkSet keys, keys_of(*client, letter->kid));
    if (!letter->fits(keys)) return wrong;

    const std::int64_t now_s = clock.now_ms() / 1'000;
    if (!letter->is_for(endpoint("token")) && !letter->is_for(issuer()))
        return unknown_client("aud must be the token endpoint, " + endpoint("token"));
    const auto expires = letter->seconds("exp");
    if (!expires || *expires <= now_s) return unknown_client("exp is missing or over");
    if (*expires > now_s + longest_s + skew_s) return unknown_client("exp is more than five minutes ahead");
    for (const std::string_view claim : {"nbf", "iat"}) {
        if (!letter->claims[claim]) continue;
        const auto from = letter->seconds(claim);
        if (!from || *from > now_s + skew_s) return unknown_client(std::string(claim) + " lies ahead; set the clock");
    }
    const std::string_view jti = letter->text("jti");
    if (jti.empty() || jti.size() > 500) return unknown_client("jti is missing; every assertion needs one of its own");
    const bool is_new =
        change([&](Tables& table) { return table.note_letter(name, signature::sha256(jti), (*expires + skew_s) * 1'000); });
    if (!is_new) return unknown_client("this assertion was used before; sign another with a jti of its own");
    return std::move(*client);
}

Result<Client> Provider::Inside::authenticate(const Form& form, const From& from) {
    if (!value_of(form, "client_assertion").empty()) return by_assertion(form);
    if (!value_of(form, "client_secret").empty()) return unknown_client("shared secrets are not taken; sign an assertion");
    const std::string_view name = value_of(form, "client_id");
    if (name.empty()) return unknown_client("say who you are: client_assertion, or client_id");
    std::optional<Client> client;
    {
        const std::lock_guard lock(mutex);
        client = tables.client(name);
    }
    if (client && client->is_public) return std::move(*client);
    const bool shown =
        client && !client->certificate.empty() && !from.certificate.empty() && client->certificate == from.certificate;
    if (!shown) return unknown_client("no such client, or it must prove who it is: by an assertion or its certificate");
    return std::move(*client);
}

}  // namespace xinglin::oauth
