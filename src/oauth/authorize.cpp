// SPDX-License-Identifier: Apache-2.0
// The authorize endpoint: is the request sound, what may the person give, and the code that says yes.
// Sources: RFC 6749 4.1.1-2, RFC 7636, RFC 9207 (iss), RFC 9700, OpenID Connect Core 3.1.2, SMART App Launch 2.2 "aud".
#include <algorithm>

#include "fhir/id.h"
#include "oauth/inside.h"
#include "signature/signature.h"
#include "text/text.h"

namespace xinglin::oauth {

namespace {

std::string with(std::string address, std::initializer_list<std::pair<std::string_view, std::string_view>> parameters) {
    for (const auto& [name, value] : parameters) {
        if (value.empty()) continue;
        address += (address.find('?') == std::string::npos ? "?" : "&") + std::string(name) + "=" + http::percent_encode(value);
    }
    return address;
}

void keep(std::string& actions, std::string_view allowed) {
    std::erase_if(actions, [&](char c) { return allowed.find(c) == std::string_view::npos; });
}

/// What this person can give: no more than the role has; a patient's part of the record is read, not written.
Granted givable(Granted scope, const access::Viewer& viewer) {
    for (Scope& each : scope.resources) {
        if (each.whose == Whose::patient || !viewer.may_write()) keep(each.actions, "rs");
    }
    const bool is_resident = viewer.role == access::Role::resident;
    std::erase_if(scope.resources, [&](const Scope& each) {
        return each.actions.empty() || each.whose == Whose::system || !viewer.may_read() ||
               (is_resident && each.whose == Whose::user);
    });
    return scope;
}

/// The first thing wrong behind client and redirect address, as error and description; "" when nothing is.
std::pair<std::string, std::string> wrong_with(const Form& form, const std::string& fhir_base) {
    const auto value = [&](std::string_view name) { return value_of(form, name); };
    if (!value("request").empty()) return {"request_not_supported", "send the parameters themselves"};
    if (!value("request_uri").empty()) return {"request_uri_not_supported", "send the parameters themselves"};
    if (value("response_type") != "code") return {"unsupported_response_type", "response_type must be code"};
    if (!value("response_mode").empty() && value("response_mode") != "query")
        return {"invalid_request", "response_mode must be query"};
    if (value("code_challenge_method") != "S256") return {"invalid_request", "PKCE is needed: code_challenge_method=S256"};
    const auto challenge = base64_url_decode(value("code_challenge"));
    if (!challenge || challenge->size() != 32)
        return {"invalid_request", "code_challenge must be the SHA-256 of the verifier in base64url"};
    if (value("state").size() > 2'000 || value("nonce").size() > 500) return {"invalid_request", "state or nonce is too long"};
    if (!value("max_age").empty()) return {"invalid_request", "max_age is not supported"};
    if (value("prompt") == "none") return {"interaction_required", "the person is always asked"};
    if (const auto aud = value("aud"); !aud.empty() && aud != fhir_base && aud != fhir_base + "/")
        return {"invalid_request", "aud must be " + fhir_base};
    return {};
}

}  // namespace

std::variant<Proposal, Rejected> Provider::propose(const Form& form, const access::Viewer* viewer) const {
    const auto asked_by = client(value_of(form, "client_id"));
    if (!asked_by) return Rejected{"invalid_request", "no app is registered with this client_id", ""};
    const std::string redirect(value_of(form, "redirect_uri"));
    if (std::find(asked_by->redirects.begin(), asked_by->redirects.end(), redirect) == asked_by->redirects.end())
        return Rejected{"invalid_request", "redirect_uri is not registered for this app", ""};
    const std::string state(value_of(form, "state").substr(0, 2'000)), issuer = inside_->issuer();
    const auto away = [&](std::string error, const std::string& what) {
        std::string to = with(redirect, {{"error", error}, {"error_description", what}, {"state", state}, {"iss", issuer}});
        return Rejected{std::move(error), what, std::move(to)};
    };
    if (std::find(asked_by->grants.begin(), asked_by->grants.end(), "authorization_code") == asked_by->grants.end())
        return away("unauthorized_client", "this client is not registered for authorization_code");
    if (auto [error, what] = wrong_with(form, issuer + "/fhir"); !error.empty()) return away(std::move(error), what);
    auto asked = Granted::parse(value_of(form, "scope"));
    if (!asked.ok()) return away("invalid_scope", asked.outcome().line());
    Proposal proposal;
    proposal.scope = asked->meet(Granted::parse(asked_by->scope).value());
    if (viewer) proposal.scope = givable(std::move(proposal.scope), *viewer);
    if (proposal.scope.empty())
        return away("invalid_scope", "nothing of this is registered for the app, or the person cannot give it");
    if (!proposal.scope.resources.empty() && value_of(form, "aud").empty())
        return away("invalid_request", "aud is missing; it must be " + issuer + "/fhir");
    proposal.client = asked_by->name;
    proposal.redirect = redirect;
    proposal.state = state;
    proposal.nonce = value_of(form, "nonce");
    proposal.challenge = value_of(form, "code_challenge");
    const bool about_one = proposal.scope.has(Whose::patient) || proposal.scope.has("launch/patient");
    if (viewer && about_one) proposal.patient = viewer->patient();
    proposal.needs_patient = viewer && about_one && proposal.patient.empty();
    return proposal;
}

Result<std::string> Provider::approve(const Proposal& proposal, const access::Viewer& viewer, std::string_view patient) {
    FamilyRow family;
    family.patient = proposal.patient;
    if (proposal.needs_patient) {
        if (!fhir::is_id(patient)) return refuse(IssueCode::required, "patient", "choose whose record the app is to see");
        family.patient = patient;
    }
    const std::int64_t now_ms = inside_->clock.now_ms();
    const Options& options = inside_->options;
    family.id = text::base64_url(signature::random_bytes(32));
    family.client = proposal.client;
    family.account = viewer.name;
    family.scope = proposal.scope.text();
    family.nonce = proposal.nonce;
    family.offline = proposal.scope.has("offline_access");
    const bool online = proposal.scope.has("online_access");
    const std::int64_t lasts_s = family.offline ? options.offline_s
                                 : online       ? options.online_s
                                                : options.access_s + options.code_s;
    family.created_ms = now_ms;
    family.ends_ms = now_ms + lasts_s * 1'000;
    const std::string code = "xc_" + text::base64_url(signature::random_bytes(32));
    inside_->change([&](Tables& table) {
        table.insert(family);
        table.insert_code(signature::sha256(code),
                          {family.id, proposal.redirect, proposal.challenge, now_ms + options.code_s * 1'000, false});
    });
    return with(proposal.redirect, {{"code", code}, {"state", proposal.state}, {"iss", inside_->issuer()}});
}

std::string Provider::decline(const Proposal& proposal) const {
    return with(proposal.redirect, {{"error", "access_denied"}, {"state", proposal.state}, {"iss", inside_->issuer()}});
}

std::string Provider::after_logout(const Form& form) const {
    const auto asked_by = client(value_of(form, "client_id"));
    const std::string to(value_of(form, "post_logout_redirect_uri"));
    if (!asked_by || std::find(asked_by->redirects.begin(), asked_by->redirects.end(), to) == asked_by->redirects.end())
        return "";
    return with(to, {{"state", value_of(form, "state")}});
}

}  // namespace xinglin::oauth
