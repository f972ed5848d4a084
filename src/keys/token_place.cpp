// SPDX-License-Identifier: Apache-2.0
// PKCS#11 URIs, RFC 7512: which module, which token, which key in it, and where its PIN is.
#include <algorithm>
#include <charconv>

#include "keys/keys.h"
#include "keys/token.h"
#include "text/text.h"

namespace xinglin::keys {

namespace {

constexpr unsigned long aes_cbc = 0x1082;  // PKCS#11 2.40, CKM_AES_CBC

std::optional<std::string> decoded(std::string_view text) {
    std::string made;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            made += text[i];
            continue;
        }
        unsigned value = 0;
        if (i + 2 >= text.size()) return std::nullopt;
        const auto end = std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
        if (end.ec != std::errc() || end.ptr != text.data() + i + 3) return std::nullopt;
        made += static_cast<char>(value);
        i += 2;
    }
    return made;
}

std::optional<unsigned long> number_of(std::string_view text) {
    const bool is_hex = text.starts_with("0x");
    if (is_hex) text.remove_prefix(2);
    unsigned long number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number, is_hex ? 16 : 10);
    if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

Outcome not_understood(const TokenPlace& place, std::string_view name) {
    return refuse(
        IssueCode::value, place.name,
        std::string(name) +
            " is not understood; expected pkcs11:token=NAME;object=NAME?module-path=FILE&pin-source=file:PATH (RFC 7512)");
}

Result<Done> take(TokenPlace& place, std::string_view name, const std::string& value) {
    const std::pair<std::string_view, std::string*> texts[] = {
        {"token", &place.token},        {"serial", &place.serial},        {"manufacturer", &place.manufacturer},
        {"model", &place.model},        {"object", &place.object},        {"id", &place.id},
        {"module-path", &place.module}, {"pin-source", &place.pin_source}};
    for (const auto& [known, text] : texts) {
        if (name != known) continue;
        *text = value;
        return Done{};
    }
    if (name == "type" && value == "secret-key") return Done{};
    if (name == "pin-value")
        return refuse(IssueCode::forbidden, place.name,
                      "the PIN does not belong here, where everybody sees it; name a file of mode 600 with pin-source=file:PATH");
    const auto number = number_of(value);
    if (name == "slot-id" && number) place.slot = number;
    else if (name == "x-mechanism" && number) place.mechanism = *number;
    else return not_understood(place, name);
    return Done{};
}

}  // namespace

Result<TokenPlace> token_place(std::string_view whole) {
    TokenPlace place;
    place.mechanism = aes_cbc;
    place.name = whole.find("pin-value") == whole.npos ? whole.substr(0, whole.find('?')) : token_scheme;
    const std::string_view inside = whole.substr(token_scheme.size());
    const std::size_t asked = std::min(inside.find('?'), inside.size());
    const std::string_view query = asked < inside.size() ? inside.substr(asked + 1) : std::string_view();
    for (const auto& [part, between] : {std::pair(inside.substr(0, asked), ';'), std::pair(query, '&')}) {
        for (const std::string_view each : text::split(part, between)) {
            if (each.empty()) continue;
            const std::size_t equals = std::min(each.find('='), each.size());
            const std::string_view name = each.substr(0, equals);
            const auto value = equals < each.size() ? decoded(each.substr(equals + 1)) : std::nullopt;
            if (!value) return not_understood(place, name);
            XINGLIN_CHECK(take(place, name, *value));
        }
    }
    if (place.module.empty())
        return refuse(IssueCode::required, place.name,
                      "names no module; add ?module-path=FILE, the library that came with the token");
    if (place.object.empty() && place.id.empty())
        return refuse(IssueCode::required, place.name, "names no key; add object=NAME or id=%01");
    return place;
}

}  // namespace xinglin::keys
