// SPDX-License-Identifier: Apache-2.0
// Networks of addresses: 128 bits each, compared from the left.
#include "text/networks.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace xinglin::text {

namespace {

bool read_address(std::string_view digits, unsigned char (&bytes)[16]) {
    const std::string plain(digits.substr(0, digits.find('%')));  // fe80::1%eth0
    if (::inet_pton(AF_INET6, plain.c_str(), bytes) == 1) return true;
    static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::memcpy(bytes, mapped, 12);
    return ::inet_pton(AF_INET, plain.c_str(), bytes + 12) == 1;
}

}  // namespace

bool is_address(std::string_view text) {
    unsigned char bytes[16];
    return read_address(text, bytes);
}

Result<Networks> Networks::parse(const std::vector<std::string>& texts, std::string_view where) {
    Networks networks;
    for (const std::string& each : texts) {
        const auto no = [&] {
            return refuse(IssueCode::value, std::string(where),
                          "expected an address or a network such as 10.0.0.7 or 10.0.0.0/8, not " + each);
        };
        Network network;
        const std::size_t slash = each.find('/');
        const std::string address = each.substr(0, slash);
        if (!read_address(address, network.bytes)) return no();
        const bool is_v4 = address.find(':') == std::string::npos;
        unsigned bits = is_v4 ? 32 : 128;
        if (slash != std::string::npos) {
            const auto [end, error] = std::from_chars(each.data() + slash + 1, each.data() + each.size(), bits);
            if (error != std::errc() || end != each.data() + each.size() || bits > (is_v4 ? 32u : 128u)) return no();
        }
        network.bits = bits + (is_v4 ? 96 : 0);
        networks.all_.push_back(network);
    }
    return networks;
}

bool Networks::has(std::string_view address) const {
    unsigned char bytes[16];
    if (all_.empty() || !read_address(address, bytes)) return false;
    for (const Network& network : all_) {
        const unsigned whole = network.bits / 8, rest = network.bits % 8;
        const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
        if (std::memcmp(bytes, network.bytes, whole) == 0 && (rest == 0 || ((bytes[whole] ^ network.bytes[whole]) & mask) == 0))
            return true;
    }
    return false;
}

}  // namespace xinglin::text
