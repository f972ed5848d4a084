// SPDX-License-Identifier: Apache-2.0
// Logging in through somebody else's OpenID provider.
#include "oauth/relying.h"

#include <algorithm>
#include <fstream>

#include "json/settings.h"
#include "signature/signature.h"
#include "text/text.h"

namespace xinglin::oauth {

namespace {

using signature::sha256;
constexpr std::int64_t waits_ms = 600'000, fresh_ms = 3'600'000, skew_s = 60;
constexpr std::size_t most_waiting = 1'000;

std::string secret() { return text::base64_url(signature::random_bytes(32)); }

Outcome bad(std::string where, std::string what) { return refuse(IssueCode::login, std::move(where), std::move(what)); }

std::string_view value_of(const Form& form, std::string_view name) {
    for (const auto& [key, value] : form) {
        if (key == name) return value;
    }
    return {};
}

Result<External> read_provider(json::Value value) {
    External provider;
    std::string secret_file;
    XINGLIN_CHECK(json::known_members(value, "",
                                      {"id", "name", "issuer", "client_id", "secret_file", "scope", "claim", "make_role",
                                       "second_factor", "private_addresses", "plain", "authorities_file"},
                                      "a provider"));
    XINGLIN_CHECK(json::take(value["id"], "id", provider.id, 64));
    XINGLIN_CHECK(json::take(value["name"], "name", provider.name, 100));
    XINGLIN_CHECK(json::take(value["issuer"], "issuer", provider.issuer));
    XINGLIN_CHECK(json::take(value["client_id"], "client_id", provider.client_id));
    XINGLIN_CHECK(json::take(value["secret_file"], "secret_file", secret_file));
    XINGLIN_CHECK(json::take(value["scope"], "scope", provider.scope));
    XINGLIN_CHECK(json::take(value["claim"], "claim", provider.claim, 100));
    XINGLIN_CHECK(json::take(value["make_role"], "make_role", provider.make_role, 40));
    XINGLIN_CHECK(json::take(value["second_factor"], "second_factor", provider.second_factor));
    XINGLIN_CHECK(json::take(value["private_addresses"], "private_addresses", provider.fetch.private_addresses));
    XINGLIN_CHECK(json::take(value["plain"], "plain", provider.fetch.plain));
    XINGLIN_CHECK(json::take(value["authorities_file"], "authorities_file", provider.fetch.authorities_file));
    for (const auto& [name, text] : {std::pair<const char*, const std::string&>{"id", provider.id},
                                     {"issuer", provider.issuer},
                                     {"client_id", provider.client_id}}) {
        if (text.empty()) return refuse(IssueCode::required, name, "is missing");
    }
    for (const char c : provider.id) {
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return refuse(IssueCode::value, "id", "has a-z 0-9 and - only");
    }
    if (provider.issuer.ends_with('/')) provider.issuer.pop_back();
    if (provider.name.empty()) provider.name = provider.id;
    if (!secret_file.empty()) {
        std::ifstream file(secret_file);
        if (!std::getline(file, provider.secret) || provider.secret.empty())
            return refuse(IssueCode::not_found, "secret_file", "cannot be read; its first line is the secret");
    }
    return provider;
}

}  // namespace

Result<std::vector<External>> read_providers(std::string_view text) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value parsed, json::parse(text, arena, {.depth = 6, .bytes = 64u << 10}));
    std::vector<External> all;
    for (const json::Node& each : parsed["providers"].items()) {
        XINGLIN_TRY(External provider, read_provider(json::Value(&each)));
        if (std::any_of(all.begin(), all.end(), [&](const External& other) { return other.id == provider.id; }))
            return refuse(IssueCode::duplicate, "id", "two providers have the same id");
        all.push_back(std::move(provider));
    }
    return all;
}

Result<FetchOptions> read_client_fetch(std::string_view text) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value parsed, json::parse(text, arena, {.depth = 6, .bytes = 64u << 10}));
    const json::Value clients = parsed["clients"];
    FetchOptions options;
    XINGLIN_CHECK(json::known_members(clients, "clients.", {"private_addresses", "plain", "authorities_file"}, "clients"));
    XINGLIN_CHECK(json::take(clients["private_addresses"], "private_addresses", options.private_addresses));
    XINGLIN_CHECK(json::take(clients["plain"], "plain", options.plain));
    XINGLIN_CHECK(json::take(clients["authorities_file"], "authorities_file", options.authorities_file));
    return options;
}

RelyingParty::RelyingParty(std::vector<External> providers, const calendar::Clock& clock)
    : providers_(std::move(providers)), clock_(clock) {}

/// What the provider says of itself, and its keys; asked anew after an hour.
Result<RelyingParty::Known> RelyingParty::known(const External& provider, bool anew) {
    const std::int64_t now_ms = clock_.now_ms();
    {
        const std::lock_guard lock(mutex_);
        const auto found = known_.find(provider.issuer);
        if (found != known_.end() && now_ms - found->second.read_ms < (anew ? 60'000 : fresh_ms)) return found->second;
    }
    const Fetch fetch = fetcher(provider.fetch);
    XINGLIN_TRY(const std::string text, fetch(provider.issuer + "/.well-known/openid-configuration"));
    json::Arena arena;
    XINGLIN_TRY(const json::Value said, json::parse(text, arena, {.depth = 10, .bytes = 64u << 10}));
    if (said["issuer"].string() != provider.issuer && said["issuer"].string() != provider.issuer + "/")
        return bad("issuer", "the provider says that it is another one; check its address in providers.json");
    Known read;
    read.authorize = said["authorization_endpoint"].string();
    read.token = said["token_endpoint"].string();
    read.jwks = said["jwks_uri"].string();
    const std::string_view scheme = provider.fetch.plain ? "http" : "https://";
    if (!read.authorize.starts_with(scheme) || read.authorize.find_first_of("\r\n#") != std::string::npos)
        return bad("authorization_endpoint", "the provider names no address that can be gone to");
    XINGLIN_TRY(const std::string keys, fetch(read.jwks));
    XINGLIN_TRY(read.keys, JwkSet::parse(keys));
    read.read_ms = now_ms;
    const std::lock_guard lock(mutex_);
    known_[provider.issuer] = read;
    return read;
}

Result<RelyingParty::Begun> RelyingParty::begin(std::string_view id, const std::string& redirect, std::string return_to) {
    const auto found = std::find_if(providers_.begin(), providers_.end(), [&](const External& each) { return each.id == id; });
    if (found == providers_.end()) return refuse(IssueCode::not_found, "provider", "no such provider is configured");
    XINGLIN_TRY(const Known there, known(*found, false));
    const std::string state = secret(), cookie = secret();
    Waiting waiting{*found, sha256(cookie), secret(), secret(), redirect, std::move(return_to), clock_.now_ms()};
    const std::string nonce = waiting.nonce, challenge = text::base64_url(sha256(waiting.verifier));
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(waiting_, [&](const auto& each) { return waiting.begun_ms - each.second.begun_ms > waits_ms; });
        if (waiting_.size() >= most_waiting)
            return refuse(IssueCode::throttled, "provider", "too many people are logging in, try again in a few minutes");
        waiting_[sha256(state)] = std::move(waiting);
    }
    std::string address = there.authorize;
    const auto add = [&](std::string_view name, std::string_view value) {
        address += (address.find('?') == std::string::npos ? "?" : "&") + std::string(name) + "=" + http::percent_encode(value);
    };
    add("response_type", "code");
    add("client_id", found->client_id);
    add("redirect_uri", redirect);
    add("scope", found->scope);
    add("state", state);
    add("nonce", nonce);
    add("code_challenge", challenge);
    add("code_challenge_method", "S256");
    return Begun{std::move(address), cookie};
}

Result<Jwt> RelyingParty::exchange(const Waiting& waiting, const Known& there, std::string_view code) const {
    const External& provider = waiting.provider;
    std::string form;
    const auto add = [&](std::string_view name, std::string_view value) {
        form += (form.empty() ? "" : "&") + std::string(name) + "=" + http::percent_encode(value);
    };
    add("grant_type", "authorization_code");
    add("code", code);
    add("redirect_uri", waiting.redirect);
    add("code_verifier", waiting.verifier);
    std::string authorization;
    if (provider.secret.empty()) add("client_id", provider.client_id);
    else
        authorization =
            "Basic " + text::base64(http::percent_encode(provider.client_id) + ":" + http::percent_encode(provider.secret));
    XINGLIN_TRY(const Got got, post(there.token, form, authorization, provider.fetch));
    if (got.status != 200) return bad("code", "the provider does not take the code");
    json::Arena arena;
    XINGLIN_TRY(const json::Value said, json::parse(got.body, arena, {.depth = 8, .bytes = 64u << 10}));
    return Jwt::parse(said["id_token"].string());
}

Result<Done> RelyingParty::check(const Jwt& token, const JwkSet& keys, const External& provider, std::string_view nonce,
                                 std::int64_t now_s) {
    if (!token.fits(keys)) return bad("id_token", "is not signed with a key of the provider");
    const std::string_view issuer = token.text("iss");
    if (issuer != provider.issuer && issuer != provider.issuer + "/") return bad("iss", "is another provider");
    if (!token.is_for(provider.client_id)) return bad("aud", "is not meant for us");
    const json::Value aud = token.claims["aud"];
    if (aud.is_array() && aud.size() > 1 && token.text("azp") != provider.client_id)
        return bad("azp", "was given to another client");
    if (token.claims["azp"] && token.text("azp") != provider.client_id) return bad("azp", "was given to another client");
    const auto expires = token.seconds("exp"), issued = token.seconds("iat");
    if (!expires || *expires + skew_s <= now_s) return bad("exp", "is over");
    if (!issued || *issued > now_s + skew_s || now_s - *issued > 600) return bad("iat", "is not of now; compare the clocks");
    if (nonce.empty() || token.text("nonce") != nonce) return bad("nonce", "is not the answer to this login");
    if (token.text("sub").empty()) return bad("sub", "is missing");
    return Done{};
}

Result<Arrived> RelyingParty::arrive(const Form& query, std::string_view cookie) {
    Waiting waiting;
    {
        const std::lock_guard lock(mutex_);
        const auto found = waiting_.find(sha256(value_of(query, "state")));
        if (found == waiting_.end()) return bad("state", "this login was not begun here, or too long ago; begin again");
        waiting = std::move(found->second);
        waiting_.erase(found);  // one try
    }
    if (clock_.now_ms() - waiting.begun_ms > waits_ms || cookie.empty() || sha256(cookie) != waiting.cookie_sha256)
        return bad("state", "this login was not begun in this browser, or too long ago; begin again");
    if (const auto issuer = value_of(query, "iss");
        !issuer.empty() && issuer != waiting.provider.issuer && issuer != waiting.provider.issuer + "/")
        return bad("iss", "the answer comes from another provider");
    if (!value_of(query, "error").empty()) return bad("provider", "the provider did not let you in");
    const auto code = value_of(query, "code");
    if (code.empty()) return bad("code", "is missing");
    XINGLIN_TRY(Known there, known(waiting.provider, false));
    XINGLIN_TRY(const Jwt token, exchange(waiting, there, code));
    if (!token.kid.empty() && !there.keys.has(token.kid)) {  // its keys may have changed
        XINGLIN_TRY(there, known(waiting.provider, true));
    }
    XINGLIN_CHECK(check(token, there.keys, waiting.provider, waiting.nonce, clock_.now_ms() / 1'000));
    const std::string account(token.text(waiting.provider.claim));
    if (account.empty()) return bad("claim", "the provider does not say " + waiting.provider.claim + "; it names the account");
    bool proven_twice = false;
    for (const json::Node& node : token.claims["amr"].items())
        proven_twice = proven_twice || (waiting.provider.second_factor && json::Value(&node).string() == "mfa");
    return Arrived{waiting.provider.id, account, waiting.return_to, waiting.provider.make_role, proven_twice};
}

}  // namespace xinglin::oauth
