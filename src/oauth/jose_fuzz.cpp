// SPDX-License-Identifier: Apache-2.0
// Letters, key sets and scopes from strangers.
#include "oauth/jose.h"
#include "oauth/scope.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace xinglin::oauth;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto keys = JwkSet::parse(text); keys.ok()) {
        const auto again = JwkSet::parse(keys->json());
        if (!again.ok() || again->json() != keys->json()) __builtin_trap();
        for (const Jwk& key : keys->keys()) {
            if (key.fits(Algorithm::es256, "x", std::string(64, 'x'))) __builtin_trap();
            (void)key.thumbprint();
        }
    }
    static const JwkSet ours = [] {
        JwkSet set;
        set.add(SigningKey::fresh(Algorithm::es256).public_key());
        return set;
    }();
    if (const auto letter = Jwt::parse(text); letter.ok()) {
        if (letter->fits(ours)) __builtin_trap();
        (void)letter->seconds("exp");
        (void)letter->is_for("x");
    }
    if (const auto scope = Granted::parse(text); scope.ok()) {
        const auto again = Granted::parse(scope->text());
        if (!again.ok() || again->text() != scope->text() || !again->is_within(*scope)) __builtin_trap();
        xinglin::http::Request request;
        request.method = "GET";
        request.path = "/fhir/Observation";
        (void)pass(*scope, false, "p1", request).ok();
    }
    return 0;
}
