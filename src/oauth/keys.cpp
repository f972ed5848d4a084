// SPDX-License-Identifier: Apache-2.0
// Keys made, kept, published and ended.
#include "oauth/keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace xinglin::oauth {

namespace {

namespace fs = std::filesystem;
constexpr std::int64_t day_ms = 86'400'000;

/// On disk before it returns, readable by us alone.
void write_secret(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    ::chmod(path.parent_path().c_str(), 0700);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool written =
        file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
    if (file >= 0) ::close(file);
    if (!written) throw sql::Broken(sql::Broken::Why::io, "the key of id tokens cannot be written: " + path.string());
}

std::string read_secret(const fs::path& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

}  // namespace

Keys::Keys(fs::path data, const std::string& place, const calendar::Clock& clock, std::int64_t key_days)
    : folder_(std::move(data) / "secrets"), clock_(clock), key_ms_(key_days * day_ms), tables_(place) {
    for (const KeyRow& row : tables_.keys(clock_.now_ms())) {
        auto key = SigningKey::of_pem(read_secret(folder_ / ("oauth-" + row.kid + ".pem")));
        if (key.ok() && key->public_key().kid() == row.kid) own_.push_back({std::move(*key), row.from_ms, row.until_ms});
    }
}

const Keys::Own* Keys::find(Algorithm algorithm, std::int64_t at_ms) const {
    for (const Own& own : own_) {
        if (own.key.algorithm() == algorithm && own.from_ms <= at_ms && at_ms < own.until_ms) return &own;
    }
    return nullptr;
}

void Keys::make(Algorithm algorithm, std::int64_t from_ms) {
    SigningKey key = SigningKey::fresh(algorithm);
    const std::string& kid = key.public_key().kid();
    write_secret(folder_ / ("oauth-" + kid + ".pem"), key.pem());
    json::Arena arena;
    const KeyRow row{
        kid, json::write(key.public_key().json(arena)), algorithm, from_ms, from_ms + key_ms_, from_ms + key_ms_ + 2 * day_ms};
    sql::transaction(tables_.connection(), [&] {
        tables_.insert(row);
        tables_.sweep(clock_.now_ms());
    });
    own_.push_back({std::move(key), row.from_ms, row.until_ms});
}

void Keys::renew(Algorithm algorithm) {
    const std::int64_t now_ms = clock_.now_ms();
    if (!find(algorithm, now_ms)) make(algorithm, now_ms);
    const Own* now = find(algorithm, now_ms);
    if (now->until_ms - now_ms < day_ms && !find(algorithm, now->until_ms)) make(algorithm, now->until_ms);
    std::erase_if(own_, [&](const Own& own) {
        if (own.until_ms > now_ms) return false;
        std::error_code ignored;
        fs::remove(folder_ / ("oauth-" + own.key.public_key().kid() + ".pem"), ignored);
        return true;
    });
}

SigningKey Keys::current(Algorithm algorithm) {
    const std::lock_guard lock(mutex_);
    renew(algorithm);
    return find(algorithm, clock_.now_ms())->key;
}

JwkSet Keys::published() {
    const std::lock_guard lock(mutex_);
    renew(Algorithm::es256);
    renew(Algorithm::rs256);
    JwkSet set;
    for (const KeyRow& row : tables_.keys(clock_.now_ms())) {
        json::Arena arena;
        const auto parsed = json::parse(row.jwk, arena);
        if (!parsed.ok()) continue;
        if (auto key = Jwk::read(*parsed); key.ok()) set.add(std::move(*key));
    }
    return set;
}

}  // namespace xinglin::oauth
