// SPDX-License-Identifier: Apache-2.0
// Releases as the server makes them.
#include "server/release_desk.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace xinglin::server {

/// The key of pseudonyms: of a file that is made, for its owner only, when it is not there.
Result<std::string> deidentify_key(const std::filesystem::path& file) {
    const auto cannot = [&](std::string_view what) {
        return refuse(IssueCode::invalid, file.string(), fmt::format("{}, name or lay another file", what));
    };
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        unsigned char bytes[32];
        if (RAND_bytes(bytes, sizeof bytes) != 1) return cannot("no random key could be made");
        std::string hex;
        for (const unsigned char byte : bytes) hex += fmt::format("{:02x}", byte);
        const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (descriptor < 0) return cannot("the key cannot be written");
        const bool fine =
            ::write(descriptor, hex.data(), hex.size()) == static_cast<ssize_t>(hex.size()) && ::fsync(descriptor) == 0;
        ::close(descriptor);
        if (!fine) return cannot("the key cannot be written");
        return hex;
    }
    std::ifstream in(file, std::ios::binary);
    std::ostringstream content;
    content << in.rdbuf();
    std::string key = std::move(content).str();
    while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
    if (!in || key.size() < bulk::Deidentifier::key_bytes_least || key.size() > 4'096)
        return cannot("does not hold a key of 32 to 4,096 bytes");
    return key;
}

namespace {
bool is_among(const std::vector<std::string>& roles, const access::Viewer& viewer) {
    return viewer.granted.empty() && std::find(roles.begin(), roles.end(), access::text(viewer.role)) != roles.end();
}
}  // namespace

bool may_ask_for_release(const House& house, const access::Viewer& viewer) {
    const auto rules = anonymity::read_rules(*house.content);
    return rules.ok() && is_among(rules->asked_by, viewer);
}

bool may_approve_release(const House& house, const access::Viewer& viewer) {
    const auto rules = anonymity::read_rules(*house.content);
    return rules.ok() && is_among(rules->approved_by, viewer);
}

Result<std::shared_ptr<const bulk::Release>> make_release(House& house, const bulk::Job& job, const bulk::Order& order,
                                                          bulk::Progress& progress) {
    XINGLIN_TRY(std::string key, deidentify_key(house.store->folder() / "deidentify.key"));
    const std::string moment = calendar::instant_text(job.transaction_ms);
    bulk::ReleaseAsked asked{.name = order.release,
                             .files = *house.content,
                             .key = std::move(key),
                             .year = std::stoi(moment.substr(0, 4)),
                             .made_at = moment};
    if (const person::State index = house.persons->state(); index.people > 0 && !index.filling)
        asked.person_of = [&persons = *house.persons](std::string_view patient) { return persons.enterprise_of(patient); };
    XINGLIN_TRY(bulk::Release made, bulk::Release::make(*house.store, order, job.position, std::move(asked), {}, progress));
    return std::shared_ptr<const bulk::Release>(std::make_shared<bulk::Release>(std::move(made)));
}

}  // namespace xinglin::server
