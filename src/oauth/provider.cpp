// SPDX-License-Identifier: Apache-2.0
// Clients, and the documents that tell them what there is (RFC 8414, OpenID Connect Discovery 1.0, SMART App Launch 2.2).
#include <algorithm>

#include "oauth/inside.h"
#include "text/text.h"

namespace xinglin::oauth {

namespace {

constexpr std::string_view all_grants[] = {"client_credentials", "authorization_code", "refresh_token"};

bool is_name(std::string_view name) {
    if (name.empty() || name.size() > 256 || !text::is_utf8(name) || text::code_points(name) > 64) return false;
    for (const char c : name) {
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) return false;
    }
    return name.front() != ' ' && name.back() != ' ';
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view each) { return text.starts_with(each); });
}

/// https, this machine, or a scheme of the app's own with a dot in it (RFC 8252 7.1); nothing that a browser would run.
Result<Done> check_redirect(std::string_view address) {
    const auto no = [&](std::string what) {
        return refuse(IssueCode::value, "redirect", std::string(address) + ": " + std::move(what));
    };
    if (address.size() > 500) return no("is longer than 500 bytes");
    for (const char c : address) {
        if (c <= ' ' || c > '~' || c == '"' || c == '<' || c == '>' || c == '\\' || c == '*')
            return no("holds a character no address has");
    }
    if (address.find('#') != std::string_view::npos) return no("must not have a part behind #");
    const std::size_t colon = address.find(':');
    const std::string_view scheme = address.substr(0, colon == std::string_view::npos ? 0 : colon);
    if (starts_with_any(address, {"https://"}) && address.size() > 8) {
        const std::string_view host = address.substr(8, address.find('/', 8) - 8);
        return host.find('@') == std::string_view::npos ? Result<Done>(Done{}) : no("must not name a user");
    }
    for (const std::string_view local : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
        if (!address.starts_with(local)) continue;
        const std::string_view rest = address.substr(local.size());
        if (rest.starts_with(':') || rest.starts_with('/'))
            return rest.find('@') == std::string_view::npos ? Result<Done>(Done{}) : no("must not name a user");
    }
    if (scheme.find('.') != std::string_view::npos) return Done{};
    return no("must be https://…, http://127.0.0.1:PORT/… or of a scheme like com.example.app:/…");
}

Result<Done> check_keys(const Client& client) {
    if (!client.jwks.empty() && !client.jwks_url.empty())
        return refuse(IssueCode::value, "jwks", "give the keys or their address, not both");
    if (!client.jwks.empty()) {
        auto set = JwkSet::parse(client.jwks);
        if (!set.ok()) return refuse(IssueCode::value, "jwks", set.outcome().line());
        if (set->empty()) return refuse(IssueCode::value, "jwks", "holds no key for RS384, ES384, ES256 or SM2");
    }
    if (!client.jwks_url.empty() && !client.jwks_url.starts_with("https://") && !client.jwks_url.starts_with("http://"))
        return refuse(IssueCode::value, "jwks", "its address must begin with https://");
    const bool has_secret = !client.jwks.empty() || !client.jwks_url.empty() || !client.certificate.empty();
    if (client.is_public && has_secret)
        return refuse(IssueCode::value, "public", "a public client has neither keys nor a certificate");
    if (!client.is_public && !has_secret)
        return refuse(IssueCode::required, "jwks",
                      "a client that is not public needs keys (--jwks) or a certificate (--certificate)");
    if (!client.certificate.empty() && client.certificate.size() != 32)
        return refuse(IssueCode::value, "certificate", "expected the 32 bytes of a SHA-256");
    return Done{};
}

Result<Done> check(const Client& client) {
    if (!is_name(client.name))
        return refuse(IssueCode::value, "name",
                      "a client's name has 1 to 64 characters and no control characters, choose another");
    XINGLIN_CHECK(check_keys(client));
    const auto has = [&](std::string_view grant) {
        return std::find(client.grants.begin(), client.grants.end(), grant) != client.grants.end();
    };
    for (const std::string& grant : client.grants) {
        if (std::find(std::begin(all_grants), std::end(all_grants), grant) == std::end(all_grants))
            return refuse(IssueCode::value, "grant", grant + " is none of client_credentials authorization_code refresh_token");
    }
    if (!has("client_credentials") && !has("authorization_code"))
        return refuse(IssueCode::required, "grant", "a client needs client_credentials or authorization_code");
    if (client.is_public && has("client_credentials"))
        return refuse(IssueCode::value, "grant", "a public client gets no token of its own; give it authorization_code");
    if (has("authorization_code") == client.redirects.empty())
        return refuse(IssueCode::required, "redirect", "authorization_code goes with --redirect, and the other way round");
    if (client.redirects.size() > 20) return refuse(IssueCode::too_costly, "redirect", "at most 20 addresses");
    for (const std::string& each : client.redirects) XINGLIN_CHECK(check_redirect(each));
    if (client.id_token_algorithm != "ES256" && client.id_token_algorithm != "RS256")
        return refuse(IssueCode::value, "id-token", "is ES256 or RS256");
    auto scope = Granted::parse(client.scope);
    if (!scope.ok()) return scope.outcome();
    if (scope->empty()) return refuse(IssueCode::required, "scope", "say what it may do: system/*.rs, or openid patient/*.rs …");
    if (scope->has(Whose::system) && !has("client_credentials"))
        return refuse(IssueCode::value, "scope", "system/ scopes are for client_credentials; an app has patient/ and user/ ones");
    return Done{};
}

json::Value list(json::Arena& arena, std::initializer_list<std::string_view> words) {
    std::vector<json::Value> all;
    for (const std::string_view each : words) all.push_back(arena.string(each));
    return arena.array(all);
}

using Members = std::vector<std::pair<std::string_view, json::Value>>;

/// What RFC 8414, OpenID Connect Discovery and SMART all ask for.
Members common(json::Arena& arena, const std::string& issuer) {
    const auto at = [&](std::string_view name) { return arena.string(issuer + "/oauth/" + std::string(name)); };
    const auto methods = [&] { return list(arena, {"private_key_jwt", "self_signed_tls_client_auth", "none"}); };
    const auto algorithms = [&] { return list(arena, {"RS384", "ES384", "ES256", "SM2"}); };
    return {{"issuer", arena.string(issuer)},
            {"authorization_endpoint", at("authorize")},
            {"token_endpoint", at("token")},
            {"jwks_uri", at("jwks")},
            {"userinfo_endpoint", at("userinfo")},
            {"revocation_endpoint", at("revoke")},
            {"introspection_endpoint", at("introspect")},
            {"end_session_endpoint", at("end_session")},
            {"grant_types_supported", list(arena, {"authorization_code", "client_credentials", "refresh_token"})},
            {"response_types_supported", list(arena, {"code"})},
            {"response_modes_supported", list(arena, {"query"})},
            {"code_challenge_methods_supported", list(arena, {"S256"})},
            {"token_endpoint_auth_methods_supported", methods()},
            {"token_endpoint_auth_signing_alg_values_supported", algorithms()},
            {"revocation_endpoint_auth_methods_supported", methods()},
            {"revocation_endpoint_auth_signing_alg_values_supported", algorithms()},
            {"introspection_endpoint_auth_methods_supported", list(arena, {"private_key_jwt", "self_signed_tls_client_auth"})},
            {"introspection_endpoint_auth_signing_alg_values_supported", algorithms()},
            {"tls_client_certificate_bound_access_tokens", arena.boolean(true)},
            {"authorization_response_iss_parameter_supported", arena.boolean(true)},
            {"scopes_supported", list(arena, {"openid", "fhirUser", "profile", "launch/patient", "online_access",
                                              "offline_access", "patient/*.rs", "user/*.cruds", "system/*.cruds"})}};
}

}  // namespace

Provider::Inside::Inside(Options chosen, const calendar::Clock& the_clock)
    : options(std::move(chosen)),
      clock(the_clock),
      place(options.store.empty() ? (options.data / "oauth.db").string() : options.store),
      keys(options.data, place, clock, options.key_days),
      tables(place) {}

Provider::Provider(Options options, const calendar::Clock& clock)
    : inside_(std::make_unique<Inside>(std::move(options), clock)) {}
Provider::~Provider() = default;

Result<Done> Provider::add_client(Client client) {
    XINGLIN_CHECK(check(client));
    client.scope = Granted::parse(client.scope)->text();
    client.created_ms = inside_->clock.now_ms();
    if (inside_->options.account && inside_->options.account(client.name))
        return refuse(IssueCode::conflict, "name", "an account has this name already, choose another");
    return inside_->change([&](Tables& table) -> Result<Done> {
        if (table.client(client.name))
            return refuse(IssueCode::conflict, "name", "a client has this name already, choose another");
        table.insert(client);
        return Done{};
    });
}

Result<Done> Provider::remove_client(std::string_view name) {
    return inside_->change([&](Tables& table) -> Result<Done> {
        if (table.erase_client(name)) return Done{};
        return refuse(IssueCode::not_found, "name", "no client has this name, see the list");
    });
}

std::optional<Client> Provider::client(std::string_view name) const {
    const std::lock_guard lock(inside_->mutex);
    return inside_->tables.client(name);
}

std::vector<Client> Provider::clients() const {
    const std::lock_guard lock(inside_->mutex);
    return inside_->tables.clients();
}

std::string Provider::jwks() { return inside_->keys.published().json(); }

std::string Provider::sign(json::Value claims, std::string_view type, Algorithm algorithm) {
    return inside_->keys.current(algorithm).sign(claims, type);
}

std::string Provider::userinfo(const Known& known) const {
    json::Arena arena;
    const access::Viewer& viewer = known.viewer;
    const std::string user = !viewer.patient().empty()      ? "Patient/" + std::string(viewer.patient())
                             : !viewer.practitioner.empty() ? "Practitioner/" + viewer.practitioner
                                                            : "";
    const bool profile = known.scope.has("profile"), told = !user.empty() && (profile || known.scope.has("fhirUser"));
    return json::write(arena.object({{"sub", arena.string(std::to_string(viewer.account))},
                                     {"fhirUser", told ? arena.string(inside_->issuer() + "/fhir/" + user) : json::Value()},
                                     {"preferred_username", profile ? arena.string(viewer.name) : json::Value()},
                                     {"name", profile ? arena.string(viewer.display) : json::Value()}}));
}

std::string Provider::openid_configuration() const {
    json::Arena arena;
    Members members = common(arena, inside_->issuer());
    members.emplace_back("subject_types_supported", list(arena, {"public"}));
    members.emplace_back("id_token_signing_alg_values_supported", list(arena, {"ES256", "RS256"}));
    members.emplace_back("claims_supported", list(arena, {"sub", "fhirUser", "profile", "preferred_username", "name"}));
    members.emplace_back("request_parameter_supported", arena.boolean(false));
    members.emplace_back("request_uri_parameter_supported", arena.boolean(false));
    members.emplace_back("claims_parameter_supported", arena.boolean(false));
    return json::write(arena.object(members));
}

std::string Provider::smart_configuration() const {
    json::Arena arena;
    Members members = common(arena, inside_->issuer());
    members.emplace_back(
        "capabilities",
        list(arena, {"launch-standalone", "authorize-post", "client-public", "client-confidential-asymmetric",
                     "sso-openid-connect", "context-standalone-patient", "context-banner", "permission-offline",
                     "permission-online", "permission-patient", "permission-user", "permission-v1", "permission-v2"}));
    return json::write(arena.object(members));
}

std::string error_body(const Outcome& outcome) {
    json::Arena arena;
    const Issue* first = outcome.issues.empty() ? nullptr : &outcome.issues.front();
    return json::write(arena.object({{"error", arena.string(first ? first->where : "server_error")},
                                     {"error_description", arena.string(first ? first->what : "")}}));
}

int error_status(const Outcome& outcome) { return outcome.code() == IssueCode::login ? 401 : 400; }

}  // namespace xinglin::oauth
