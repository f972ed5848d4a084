// SPDX-License-Identifier: Apache-2.0
// Tokens, key sets, lists of dead cards and keys from strangers.
#include "card/key_set.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace xinglin::card;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto token = parse_token(text); token.ok()) {
        if (token->text() != normal(text)) __builtin_trap();
        if (!parse_token(token->text()).ok()) __builtin_trap();
    }
    if (const auto number = parse_number(text)) {
        if (parse_number(number_text(*number)) != number) __builtin_trap();
    }
    if (normal(normal(text)) != normal(text)) __builtin_trap();
    if (const auto keys = KeySet::parse(text); keys.ok()) {
        const std::string json = keys->json();
        const auto again = KeySet::parse(json);
        if (!again.ok() || again->json() != json) __builtin_trap();
        (void)judge("XH1" + std::string(141, '0'), *keys, {.now_s = 1});
        (void)Revoked::parse(text, *keys).ok();
    }
    (void)Revoked::parse(text, {}).ok();
    (void)PublicKey::of_point(Algorithm::es256, text.substr(0, 64));
    (void)PublicKey::of_point(Algorithm::sm2, text.substr(0, 64));
    return 0;
}
