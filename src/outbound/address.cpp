// SPDX-License-Identifier: Apache-2.0
// Where a channel goes: addresses taken apart, and those that no receiver has.
#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "outbound/channel.h"

namespace xinglin::outbound {

namespace {

Outcome no_url(const char* what) { return refuse(IssueCode::value, "target.url", what); }

/// host, host:port, [v6]:port
Result<Done> take_host(std::string_view from, Address& to) {
    std::string_view port;
    if (from.starts_with('[')) {
        const std::size_t end = from.find(']');
        if (end == std::string_view::npos) return no_url("has a '[' without its ']'");
        to.host = from.substr(1, end - 1);
        const std::string_view rest = from.substr(end + 1);
        if (!rest.empty() && rest.front() != ':') return no_url("must be host:port");
        if (!rest.empty()) port = rest.substr(1);
    } else {
        const std::size_t colon = from.find(':');
        to.host = from.substr(0, colon);
        if (colon != std::string_view::npos) port = from.substr(colon + 1);
    }
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:";
    if (to.host.empty() || to.host.size() > 253 || to.host.find_first_not_of(allowed) != std::string::npos)
        return no_url("must name a host; user and password belong into a secret, not here");
    if (port.empty()) return Done{};
    unsigned number = 0;
    const auto end = std::from_chars(port.data(), port.data() + port.size(), number);
    if (end.ec != std::errc() || end.ptr != port.data() + port.size() || number == 0 || number > 65'535)
        return no_url("has a port that is none; it is a number from 1 to 65535");
    to.port = static_cast<std::uint16_t>(number);
    return Done{};
}

bool is_never_a_receiver(const unsigned char* v4) {
    if (v4[0] == 0 || v4[0] >= 224) return true;                                    // unspecified, multicast, reserved
    if (v4[0] == 169 && v4[1] == 254) return true;                                  // link-local, most clouds' metadata
    if (v4[0] == 100 && v4[1] == 100 && v4[2] == 100 && v4[3] == 200) return true;  // Alibaba Cloud's metadata
    return v4[0] == 168 && v4[1] == 63 && v4[2] == 129 && v4[3] == 16;              // Azure's
}

}  // namespace

Result<Address> address_of(const Channel& channel) {
    Address address;
    std::string_view rest = channel.url;
    if (channel.kind == "mllp") {
        address.tls = channel.tls;
        XINGLIN_CHECK(take_host(rest, address));
        if (address.port == 0) return no_url("must be host:port, as the receiver's MLLP port");
        return address;
    }
    if (rest.starts_with("https://")) {
        address.tls = true;
        rest.remove_prefix(8);
    } else if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
    } else {
        return no_url("must begin with https:// or http://, the base address of a FHIR server");
    }
    const std::size_t slash = rest.find('/');
    address.path = slash == std::string_view::npos ? "" : rest.substr(slash);
    while (address.path.ends_with('/')) address.path.pop_back();
    for (const unsigned char c : address.path) {
        if (c <= 0x20 || c >= 0x7f || c == '?' || c == '#') return no_url("must have a plain path, without ? and #");
    }
    XINGLIN_CHECK(take_host(rest.substr(0, slash), address));
    if (address.port == 0) address.port = address.tls ? 443 : 80;
    return address;
}

Result<Done> admits(std::string_view address) {
    const auto no = [&] {
        return refuse(IssueCode::forbidden, "target.url",
                      std::string(address) +
                          " is an address of the machine's own surroundings (link-local, cloud metadata, "
                          "multicast), where no receiver is; nothing is sent there");
    };
    const std::string plain(address.substr(0, address.find('%')));  // fe80::1%eth0
    unsigned char bytes[16];
    if (::inet_pton(AF_INET, plain.c_str(), bytes) == 1)
        return is_never_a_receiver(bytes) ? Result<Done>(no()) : Result<Done>(Done{});
    if (::inet_pton(AF_INET6, plain.c_str(), bytes) != 1) return no();
    static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static constexpr unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};
    if (std::memcmp(bytes, mapped, 12) == 0 || std::memcmp(bytes, nat64, 12) == 0)
        return is_never_a_receiver(bytes + 12) ? Result<Done>(no()) : Result<Done>(Done{});
    static constexpr unsigned char unspecified[16] = {};
    static constexpr unsigned char amazon[16] = {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54};
    const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    if (link_local || bytes[0] == 0xff || std::memcmp(bytes, unspecified, 16) == 0 || std::memcmp(bytes, amazon, 16) == 0)
        return no();
    return Done{};
}

}  // namespace xinglin::outbound
