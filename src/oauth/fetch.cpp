// SPDX-License-Identifier: Apache-2.0
// Documents of others. Special addresses: RFC 6890 and the registries of IANA it made.
#include "oauth/fetch.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "http/client.h"

namespace xinglin::oauth {

namespace {

Outcome bad(std::string what) { return refuse(IssueCode::value, "url", std::move(what)); }

/// 0 for everybody's, 1 for a private network's, 2 for nobody's to ask (link-local, multicast, metadata, unspecified).
int kind_of(const unsigned char (&ip)[4]) {
    if (ip[0] == 0 || ip[0] >= 224 || (ip[0] == 169 && ip[1] == 254)) return 2;
    if (ip[0] == 100 && ip[1] == 100 && ip[2] == 100 && ip[3] == 200) return 2;  // metadata of one large cloud
    const bool local = ip[0] == 10 || ip[0] == 127 || (ip[0] == 172 && (ip[1] & 0xF0) == 16) || (ip[0] == 192 && ip[1] == 168) ||
                       (ip[0] == 100 && (ip[1] & 0xC0) == 64) || (ip[0] == 198 && (ip[1] & 0xFE) == 18) ||
                       (ip[0] == 192 && ip[1] == 0);
    return local ? 1 : 0;
}

int kind_of(const unsigned char (&ip)[16]) {
    static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static constexpr unsigned char translated[12] = {0, 0x64, 0xff, 0x9b};
    static constexpr unsigned char loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    static constexpr unsigned char metadata[16] = {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54};
    static constexpr unsigned char zeros[12] = {};
    unsigned char last[4];
    std::memcpy(last, ip + 12, 4);
    if (std::memcmp(ip, loopback, 16) == 0) return 1;
    if (std::memcmp(ip, mapped, 12) == 0 || std::memcmp(ip, translated, 12) == 0) return kind_of(last);
    if (std::memcmp(ip, zeros, 12) == 0 || std::memcmp(ip, metadata, 16) == 0) return 2;
    if (ip[0] == 0xff || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80)) return 2;
    if (ip[0] == 0x20 && ip[1] == 0x02) {  // 6to4 holds an IPv4 address
        std::memcpy(last, ip + 2, 4);
        return kind_of(last);
    }
    return (ip[0] & 0xfe) == 0xfc || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0xc0) ? 1 : 0;
}

struct Address {
    std::string host, path;
    std::uint16_t port = 443;
    bool tls = true;
};

Result<Address> address_of(const std::string& url, bool plain) {
    Address address;
    std::string_view rest = url;
    if (url.size() > 2'000) return bad("is longer than 2,000 bytes");
    for (const char c : url) {
        if (c <= ' ' || c > '~') return bad("holds a character no address has");
    }
    if (rest.starts_with("https://")) rest.remove_prefix(8);
    else if (plain && rest.starts_with("http://")) rest.remove_prefix(7), address.tls = false, address.port = 80;
    else return bad("must begin with https://");
    const std::size_t end = std::min(rest.find('/'), rest.find('?'));
    std::string_view host = rest.substr(0, end);
    address.path = end == std::string_view::npos ? "/" : std::string(rest.substr(end));
    if (address.path[0] != '/') address.path.insert(0, "/");
    if (host.find('@') != std::string_view::npos || address.path.find('#') != std::string::npos)
        return bad("must not name a user or a part");
    const std::size_t colon = host.rfind(':');
    if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
        const std::string_view digits = host.substr(colon + 1);
        const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
        if (error != std::errc() || stop != digits.data() + digits.size() || address.port == 0)
            return bad("has a port that is none");
        host = host.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty()) return bad("names no host");
    address.host = host;
    return address;
}

Result<Got> ask(const std::string& url, http::Request request, const FetchOptions& options) {
    XINGLIN_TRY(const Address address, address_of(url, options.plain));
    http::ClientOptions chosen;
    chosen.host = address.host;
    chosen.port = address.port;
    chosen.tls = address.tls;
    chosen.authorities_file = options.authorities_file;
    chosen.body_bytes = options.bytes;
    chosen.timeout = chosen.whole = std::chrono::milliseconds(options.whole_ms);
    chosen.inflate = false;
    chosen.admits = [&options](std::string_view digits) { return admits(digits, options.private_addresses); };
    XINGLIN_TRY(http::Client client, http::Client::connect(std::move(chosen)));
    request.target = address.path;
    const bool usual = address.port == (address.tls ? 443 : 80);
    const std::string host = address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]";
    request.headers.set("Host", usual ? host : host + ":" + std::to_string(address.port));
    request.headers.set("Accept", "application/json");
    XINGLIN_TRY(http::Response response, client.send(request));
    return Got{response.status, std::move(response.body)};
}

}  // namespace

Result<Done> admits(std::string_view digits, bool private_addresses) {
    const std::string plain(digits.substr(0, digits.find('%')));
    unsigned char four[4], sixteen[16];
    const int kind = ::inet_pton(AF_INET, plain.c_str(), four) == 1       ? kind_of(four)
                     : ::inet_pton(AF_INET6, plain.c_str(), sixteen) == 1 ? kind_of(sixteen)
                                                                          : 2;
    if (kind == 0 || (kind == 1 && private_addresses)) return Done{};
    return refuse(IssueCode::forbidden, "url",
                  kind == 1 ? "is an address of a private network; allow those in the settings, if that is meant"
                            : "is an address where no document of others is (link-local, cloud metadata, multicast)");
}

Result<Got> get(const std::string& url, const FetchOptions& options) {
    http::Request request;
    request.method = "GET";
    return ask(url, std::move(request), options);
}

Result<Got> post(const std::string& url, std::string_view form, std::string_view authorization, const FetchOptions& options) {
    http::Request request;
    request.method = "POST";
    request.body = form;
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    if (!authorization.empty()) request.headers.add("Authorization", std::string(authorization));
    return ask(url, std::move(request), options);
}

Fetch fetcher(FetchOptions options) {
    return [options = std::move(options)](const std::string& url) -> Result<std::string> {
        XINGLIN_TRY(Got got, get(url, options));
        if (got.status != 200) return bad("answers " + std::to_string(got.status));
        return std::move(got.body);
    };
}

}  // namespace xinglin::oauth
