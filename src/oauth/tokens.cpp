// SPDX-License-Identifier: Apache-2.0
// The token endpoint, and what becomes of tokens: RFC 6749 4.1.3, 4.4, 6; RFC 7009; RFC 7662; RFC 9700 4.14 (reuse of refresh tokens).
#include <algorithm>

#include "oauth/inside.h"
#include "signature/signature.h"
#include "text/text.h"

namespace xinglin::oauth {

namespace {

using signature::sha256;

std::string fresh_secret(std::string_view prefix) { return std::string(prefix) + text::base64_url(signature::random_bytes(32)); }

bool has_grant(const Client& client, std::string_view grant) {
    return std::find(client.grants.begin(), client.grants.end(), grant) != client.grants.end();
}

Result<Done> allowed(const Client& client, std::string_view grant) {
    if (has_grant(client, grant)) return Done{};
    return bad_request("unauthorized_client", "this client is not registered for " + std::string(grant));
}

bool is_verifier(std::string_view text) {
    if (text.size() < 43 || text.size() > 128) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
               c == '~';
    });
}

Granted of_systems(Granted granted) {
    std::erase_if(granted.resources, [](const Scope& each) { return each.whose != Whose::system; });
    granted.words.clear();
    return granted;
}

constexpr std::string_view no_such_code = "the code is wrong, over or of another client";
constexpr std::string_view no_such_token = "the refresh token is wrong, over or of another client";

}  // namespace

std::string Provider::Inside::id_token(const Client& client, const FamilyRow& family, const access::Viewer& viewer, bool first,
                                       const SigningKey& key) const {
    json::Arena arena;
    const std::int64_t now_s = clock.now_ms() / 1'000;
    const Granted scope = Granted::parse(family.scope).value();
    const std::string user = viewer.patient().empty() ? viewer.practitioner.empty() ? "" : "Practitioner/" + viewer.practitioner
                                                      : "Patient/" + std::string(viewer.patient());
    const json::Value address = user.empty() ? json::Value() : arena.string(issuer() + "/fhir/" + user);
    const bool profile = scope.has("profile");
    const json::Value claims =
        arena.object({{"iss", arena.string(issuer())},
                      {"sub", arena.string(std::to_string(viewer.account))},
                      {"aud", arena.string(client.name)},
                      {"exp", arena.number(now_s + options.access_s)},
                      {"iat", arena.number(now_s)},
                      {"nonce", first && !family.nonce.empty() ? arena.string(family.nonce) : json::Value()},
                      {"fhirUser", scope.has("fhirUser") || profile ? address : json::Value()},
                      {"profile", profile ? address : json::Value()},
                      {"preferred_username", profile ? arena.string(viewer.name) : json::Value()},
                      {"name", profile ? arena.string(viewer.display) : json::Value()}});
    return key.sign(claims, "JWT");
}

Given Provider::Inside::give(Tables& table, const Client& client, const FamilyRow& family, const Granted& scope, const From& from,
                             bool first, const SigningKey* key) {
    const std::int64_t now_ms = clock.now_ms();
    // Bound to the certificate of a client that is known by it: of no use to who only stole the token.
    const std::string certificate = client.certificate == from.certificate ? client.certificate : "";
    const std::string access = fresh_secret("xa_");
    TokenRow token;
    token.family = family;
    token.scope = scope.text();
    token.certificate = certificate;
    token.issued_ms = now_ms;
    token.expires_ms = std::min(now_ms + options.access_s * 1'000, family.ends_ms);
    table.insert_token(sha256(access), token);
    const Granted whole = Granted::parse(family.scope).value();
    const bool refreshes = !family.account.empty() && has_grant(client, "refresh_token") &&
                           (whole.has("offline_access") || whole.has("online_access"));
    std::string refresh;
    if (refreshes) {
        refresh = fresh_secret("xr_");
        TokenRow again = token;
        again.is_refresh = true;
        again.scope = family.scope;  // a narrowed answer does not narrow the next
        again.expires_ms = std::min(now_ms + options.idle_s * 1'000, family.ends_ms);
        table.insert_token(sha256(refresh), again);
    }
    Given given;
    given.arena = std::make_shared<json::Arena>();
    json::Arena& arena = *given.arena;
    std::string id;
    if (scope.has("openid") && key) {
        if (const auto viewer = options.account(family.account)) id = id_token(client, family, *viewer, first, *key);
    }
    given.body = arena.object({{"access_token", arena.string(access)},
                               {"token_type", arena.string("Bearer")},
                               {"expires_in", arena.number((token.expires_ms - now_ms) / 1'000)},
                               {"scope", arena.string(token.scope)},
                               {"refresh_token", refresh.empty() ? json::Value() : arena.string(refresh)},
                               {"id_token", id.empty() ? json::Value() : arena.string(id)},
                               {"patient", family.patient.empty() ? json::Value() : arena.string(family.patient)},
                               {"need_patient_banner", family.patient.empty() ? json::Value() : arena.boolean(true)}});
    given.client = client.name;
    given.account = family.account;
    given.scope = token.scope;
    return given;
}

Result<Given> Provider::Inside::for_itself(const Client& client, const Form& form, const From& from) {
    XINGLIN_CHECK(allowed(client, "client_credentials"));
    if (client.is_public) return bad_request("unauthorized_client", "a client that keeps no secret gets no token of its own");
    const std::string_view wanted = value_of(form, "scope");
    auto asked = Granted::parse(wanted.empty() ? std::string_view(client.scope) : wanted);
    if (!asked.ok()) return bad_request("invalid_scope", asked.outcome().line());
    const Granted scope = of_systems(asked->meet(Granted::parse(client.scope).value()));
    if (scope.empty()) return bad_request("invalid_scope", "nothing of this is registered for the client, system/ scopes");
    FamilyRow family;
    family.id = fresh_secret("");
    family.client = client.name;
    family.scope = scope.text();
    family.created_ms = clock.now_ms();
    family.ends_ms = family.created_ms + options.access_s * 1'000;
    return change([&](Tables& table) {
        table.insert(family);
        return give(table, client, family, scope, from, true, nullptr);
    });
}

Result<Given> Provider::Inside::for_code(const Client& client, const Form& form, const From& from) {
    XINGLIN_CHECK(allowed(client, "authorization_code"));
    const SigningKey signs = signing_key(client);
    const std::string key = sha256(value_of(form, "code"));
    const std::int64_t now_ms = clock.now_ms();
    std::optional<FamilyRow> reused;
    auto given = change([&](Tables& table) -> Result<Given> {
        const auto found = table.code(key);
        if (!found || found->second.client != client.name) return bad_request("invalid_grant", std::string(no_such_code));
        const auto& [code, family] = *found;
        if (code.used) {  // somebody has it twice: what it gave is taken back
            if (table.revoke_family(family.id, now_ms)) reused = family;
            return bad_request("invalid_grant", std::string(no_such_code));
        }
        table.use_code(key, now_ms);  // one try, whatever comes of it
        if (family.revoked || code.expires_ms <= now_ms || family.ends_ms <= now_ms)
            return bad_request("invalid_grant", std::string(no_such_code));
        if (code.redirect != value_of(form, "redirect_uri"))
            return bad_request("invalid_grant", "redirect_uri is not that of the authorization request");
        const std::string_view verifier = value_of(form, "code_verifier");
        if (!is_verifier(verifier) || text::base64_url(sha256(verifier)) != code.challenge)
            return bad_request("invalid_grant", "code_verifier is not that of the authorization request");
        if (!options.account(family.account)) return bad_request("invalid_grant", std::string(no_such_code));
        return give(table, client, family, Granted::parse(family.scope).value(), from, true, &signs);
    });
    if (reused) notice("code used twice", *reused);
    return given;
}

Result<Given> Provider::Inside::for_refresh(const Client& client, const Form& form, const From& from) {
    XINGLIN_CHECK(allowed(client, "refresh_token"));
    const SigningKey signs = signing_key(client);
    const std::string key = sha256(value_of(form, "refresh_token"));
    const std::int64_t now_ms = clock.now_ms();
    std::optional<FamilyRow> reused;
    auto given = change([&](Tables& table) -> Result<Given> {
        const auto token = table.token(key);
        if (!token || !token->is_refresh || token->family.client != client.name || token->family.revoked ||
            token->expires_ms <= now_ms || token->family.ends_ms <= now_ms)
            return bad_request("invalid_grant", std::string(no_such_token));
        if (!token->certificate.empty() && token->certificate != from.certificate)
            return bad_request("invalid_grant", "the refresh token belongs to a certificate that was not shown");
        if (token->used) {  // the thief or the owner: nobody can say who, so both are out
            if (table.revoke_family(token->family.id, now_ms)) reused = token->family;
            return bad_request("invalid_grant",
                               "the refresh token was used before; everything it gave is taken back, log in again");
        }
        if (!options.account(token->family.account)) return bad_request("invalid_grant", std::string(no_such_token));
        Granted scope = Granted::parse(token->scope).value();
        if (const std::string_view wanted = value_of(form, "scope"); !wanted.empty()) {
            auto asked = Granted::parse(wanted);
            if (!asked.ok() || !asked->is_within(scope))
                return bad_request("invalid_scope", "a refresh can ask for less than was granted, not for more");
            scope = std::move(*asked);
        }
        table.use_token(key, now_ms);
        return give(table, client, token->family, scope, from, false, &signs);
    });
    if (reused) notice("refresh token used twice", *reused);
    return given;
}

Result<Given> Provider::token(const Form& form, const From& from) {
    const std::string_view grant = value_of(form, "grant_type");
    const bool known = grant == "client_credentials" || grant == "authorization_code" || grant == "refresh_token";
    if (grant.empty()) return bad_request("invalid_request", "grant_type is missing");
    if (!known)
        return bad_request("unsupported_grant_type", "grant_type is client_credentials, authorization_code or refresh_token");
    XINGLIN_TRY(const Client client, inside_->authenticate(form, from));
    auto given = grant == "client_credentials"   ? inside_->for_itself(client, form, from)
                 : grant == "authorization_code" ? inside_->for_code(client, form, from)
                                                 : inside_->for_refresh(client, form, from);
    if (given.ok()) given->grant = grant;
    return given;
}

Result<Done> Provider::revoke(const Form& form, const From& from) {
    XINGLIN_TRY(const Client client, inside_->authenticate(form, from));
    const std::string key = sha256(value_of(form, "token"));
    inside_->change([&](Tables& table) {
        const auto token = table.token(key);
        if (!token || token->family.client != client.name) return;  // as if it were gone
        if (token->is_refresh) table.revoke_family(token->family.id, inside_->clock.now_ms());
        else table.erase_token(key);
    });
    return Done{};
}

Result<std::string> Provider::introspect(const Form& form, const From& from) {
    XINGLIN_TRY(const Client client, inside_->authenticate(form, from));
    if (client.is_public) return unknown_client("who asks about tokens must prove who it is");
    json::Arena arena;
    const std::string inactive = R"({"active":false})";
    std::optional<TokenRow> token;
    {
        const std::lock_guard lock(inside_->mutex);
        token = inside_->tables.token(sha256(value_of(form, "token")));
    }
    const std::int64_t now_ms = inside_->clock.now_ms();
    if (!token || token->used || token->family.revoked || token->expires_ms <= now_ms || token->family.ends_ms <= now_ms)
        return inactive;
    const Granted may = Granted::parse(client.scope).value();
    const bool is_server = Granted::parse("system/*.rs")->is_within(may);
    if (token->family.client != client.name && !is_server) return inactive;
    std::optional<access::Viewer> viewer;
    if (!token->family.account.empty() && !(viewer = inside_->options.account(token->family.account))) return inactive;
    const json::Value bound = token->certificate.empty()
                                  ? json::Value()
                                  : arena.object({{"x5t#S256", arena.string(text::base64_url(token->certificate))}});
    return json::write(
        arena.object({{"active", arena.boolean(true)},
                      {"scope", arena.string(token->scope)},
                      {"client_id", arena.string(token->family.client)},
                      {"username", viewer ? arena.string(viewer->name) : json::Value()},
                      {"token_type", token->is_refresh ? json::Value() : arena.string("Bearer")},
                      {"exp", arena.number(token->expires_ms / 1'000)},
                      {"iat", arena.number(token->issued_ms / 1'000)},
                      {"sub", arena.string(viewer ? std::to_string(viewer->account) : token->family.client)},
                      {"iss", arena.string(inside_->issuer())},
                      {"patient", token->family.patient.empty() ? json::Value() : arena.string(token->family.patient)},
                      {"cnf", bound}}));
}

std::optional<Known> Provider::bearer(std::string_view secret, std::string_view certificate) const {
    if (!secret.starts_with("xa_") || secret.size() > 100) return std::nullopt;
    const std::string key = sha256(secret);
    const std::int64_t now_ms = inside_->clock.now_ms();
    TokenRow token;
    {
        const std::lock_guard lock(inside_->mutex);
        const auto found = inside_->recent.find(key);
        if (found != inside_->recent.end() && now_ms - found->second.read_ms < 500 && now_ms >= found->second.read_ms) {
            token = found->second.token;
        } else {
            auto read = inside_->tables.token(key);
            if (!read) return std::nullopt;
            token = std::move(*read);
            if (inside_->recent.size() > 20'000) inside_->recent.clear();
            inside_->recent.insert_or_assign(key, Inside::Recent{token, now_ms});
        }
    }
    if (token.is_refresh || token.family.revoked || token.expires_ms <= now_ms || token.family.ends_ms <= now_ms)
        return std::nullopt;
    if (!token.certificate.empty() && token.certificate != certificate) return std::nullopt;
    Known known;
    auto scope = Granted::parse(token.scope);
    if (!scope.ok()) return std::nullopt;
    known.scope = std::move(*scope);
    known.client = token.family.client;
    known.expires_ms = token.expires_ms;
    if (token.family.account.empty()) {
        known.viewer.name = known.viewer.display = token.family.client;
        known.viewer.role = access::Role::system;
        known.viewer.scope = token.scope;
        return known;
    }
    auto viewer = inside_->options.account(token.family.account);
    if (!viewer || viewer->must_change_password) return std::nullopt;
    known.viewer = std::move(*viewer);
    known.viewer.granted = token.scope.empty() ? "openid" : token.scope;
    known.viewer.in_context = known.context = token.family.patient;
    known.viewer.authorisation = "app " + token.family.client;
    return known;
}

void Provider::end_online(std::string_view account) {
    inside_->change([&](Tables& table) { table.revoke_online(account, inside_->clock.now_ms()); });
}

std::vector<Provider::Grant> Provider::grants(std::string_view account) const {
    const std::lock_guard lock(inside_->mutex);
    std::vector<Grant> all;
    for (const FamilyRow& family : inside_->tables.families(account, inside_->clock.now_ms()))
        all.push_back({text::base64_url(sha256(family.id)), family.client, family.scope, family.patient, family.created_ms,
                       family.ends_ms, family.offline});
    return all;
}

Result<Done> Provider::end_grant(std::string_view account, std::string_view id) {
    return inside_->change([&](Tables& table) -> Result<Done> {
        const std::int64_t now_ms = inside_->clock.now_ms();
        for (const FamilyRow& family : table.families(account, now_ms)) {
            if (text::base64_url(sha256(family.id)) != id) continue;
            table.revoke_family(family.id, now_ms);
            return Done{};
        }
        return refuse(IssueCode::not_found, "id", "no app holds this any more, see the list");
    });
}

}  // namespace xinglin::oauth
