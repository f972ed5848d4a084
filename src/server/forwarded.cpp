// SPDX-License-Identifier: Apache-2.0
// Proxies that are trusted, and what they say of their clients.
#include "server/forwarded.h"

#include "text/text.h"

namespace xinglin::server {

namespace {

constexpr std::string_view fields[] = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"};

bool is_field(std::string_view name) {
    const std::string lower = text::lower_ascii(name);
    for (const std::string_view each : fields)
        if (lower == each) return true;
    return false;
}

std::string_view trimmed(std::string_view part) {
    while (part.starts_with(' ') || part.starts_with('\t')) part.remove_prefix(1);
    while (part.ends_with(' ') || part.ends_with('\t')) part.remove_suffix(1);
    return part;
}

std::string_view without_port(std::string_view address) {
    if (address.starts_with('[')) return address.substr(1, address.find(']') - 1);
    const std::size_t colon = address.find(':');
    return colon != std::string_view::npos && address.find(':', colon + 1) == std::string_view::npos ? address.substr(0, colon)
                                                                                                     : address;
}

}  // namespace

bool is_veiled(const http::Request& request) {
    for (const auto& [name, value] : request.headers.all())
        if (is_field(name)) return true;
    return false;
}

void unveil(http::Request& request, const text::Networks& proxies) {
    if (!is_veiled(request)) return;
    if (!proxies.has(request.peer)) {
        http::Headers kept;
        for (const auto& [name, value] : request.headers.all())
            if (!is_field(name)) kept.add(name, value);
        request.headers = std::move(kept);
        return;
    }
    std::vector<std::string_view> steps;  // the nearest last; the field may come more than once
    for (const auto& [name, value] : request.headers.all())
        if (text::lower_ascii(name) == "x-forwarded-for")
            for (const std::string_view part : text::split(value, ',')) steps.push_back(without_port(trimmed(part)));
    while (!steps.empty() && proxies.has(request.peer)) {
        if (!text::is_address(steps.back())) break;
        request.peer = steps.back();
        steps.pop_back();
    }
    if (trimmed(request.headers.get("X-Forwarded-Proto")) == "https") request.scheme = "https";
}

}  // namespace xinglin::server
