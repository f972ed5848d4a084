// SPDX-License-Identifier: Apache-2.0
// Networks of addresses, "10.0.0.0/8", "fd00::/8", and who lies in them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::text {

/// IPv4 and IPv6; an IPv4 address in IPv6 clothes (::ffff:10.0.0.7) is what it is underneath.
class Networks {
public:
    /// An address alone is a network of one. Refuses, naming `where`, what is neither.
    static Result<Networks> parse(const std::vector<std::string>& texts, std::string_view where);
    /// False of what is no address.
    bool has(std::string_view address) const;
    bool empty() const { return all_.empty(); }

private:
    struct Network {
        unsigned char bytes[16] = {};  // IPv4 as ::ffff:a.b.c.d
        unsigned bits = 0;
    };
    std::vector<Network> all_;
};

/// Is it digits of an address at all?
bool is_address(std::string_view text);

}  // namespace xinglin::text
