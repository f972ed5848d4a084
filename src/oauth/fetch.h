// SPDX-License-Identifier: Apache-2.0
// Documents of others: keys of clients and providers, and their tokens. Small, whole within seconds, never redirected, and not from
// addresses of the machine's surroundings or of a private network, unless that was allowed.
#pragma once

#include <string>
#include <string_view>

#include "oauth/oauth.h"

namespace xinglin::oauth {

struct FetchOptions {
    bool private_addresses = false;  // 10.0.0.0/8, 127.0.0.1, fd00::/8 …: a hospital's own network
    bool plain = false;              // http:// too
    std::string authorities_file;    // PEM; "": the system's
    std::size_t bytes = 64u << 10;
    std::int64_t whole_ms = 5'000;
};
/// Refuses (where: "url") what a document of a client has no business to be at. `digits`: an IP address.
Result<Done> admits(std::string_view digits, bool private_addresses);

struct Got {
    int status = 0;
    std::string body;
};
Result<Got> get(const std::string& url, const FetchOptions& options);
Result<Got> post(const std::string& url, std::string_view form, std::string_view authorization, const FetchOptions& options);
/// For Options::fetch: the body of an answer 200.
Fetch fetcher(FetchOptions options);

}  // namespace xinglin::oauth
