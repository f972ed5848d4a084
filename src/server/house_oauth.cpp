// SPDX-License-Identifier: Apache-2.0
// OAuth in the house: settings from DATA/providers.json, addresses from --base-url, notices to log and audit.
#include "server/house_oauth.h"

#include <fstream>
#include <sstream>

namespace xinglin::server {

namespace {

std::string whole(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

/// Something was used twice: whose, and what became of it, is for the log, the audit and its readers.
void tell(House& house, std::string_view what, std::string_view client, std::string_view account) {
    house.log.warn("token theft", {{"what", std::string(what)}, {"client", std::string(client)}});
    access::Viewer viewer;
    viewer.name = account;
    viewer.role = access::Role::system;
    if (const auto known = house.accounts->viewer_of(account)) viewer.role = known->role;
    house.write_down(viewer, {}, "app", 403, "", "", std::string(client) + ": " + std::string(what) + ", taken back");
}

}  // namespace

std::string House::issuer() const {
    std::string base = options.base_url;
    while (base.ends_with('/')) base.pop_back();
    if (base.ends_with("/fhir")) return base.substr(0, base.size() - 5);
    if (!base.empty()) return base;
    const std::string bind = options.http.bind == "0.0.0.0" || options.http.bind == "::" ? "localhost" : options.http.bind;
    const std::string host = bind.find(':') == std::string::npos ? bind : "[" + bind + "]";
    return (options.http.tls_certificate.empty() ? "http://" : "https://") + host + ":" +
           std::to_string(server ? server->port() : 0);
}

Result<Done> build_oauth(House& house) {
    const std::filesystem::path file = house.options.data / "providers.json";
    std::vector<oauth::External> externals;
    oauth::FetchOptions fetch;
    if (std::filesystem::exists(file)) {
        const std::string text = whole(file);
        auto read = oauth::read_providers(text);
        auto clients = oauth::read_client_fetch(text);
        if (!read.ok() || !clients.ok()) {
            const Issue& issue = (read.ok() ? clients.outcome() : read.outcome()).issues.front();
            return refuse(issue.code, file.string(), issue.where + " " + issue.what);
        }
        externals = std::move(*read);
        fetch = std::move(*clients);
    }
    oauth::Options options;
    options.data = house.options.data;
    options.store = house.options.record.store;
    options.issuer = [&house] { return house.issuer(); };
    options.account = [&house](std::string_view name) { return house.accounts->viewer_of(name); };
    options.fetch = oauth::fetcher(std::move(fetch));
    options.notice = [&house](std::string_view what, std::string_view client, std::string_view account) {
        tell(house, what, client, account);
    };
    house.oauth = std::make_unique<oauth::Provider>(std::move(options), house.clock);
    house.external = std::make_unique<oauth::RelyingParty>(std::move(externals), house.clock);
    return Done{};
}

}  // namespace xinglin::server
