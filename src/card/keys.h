// SPDX-License-Identifier: Apache-2.0
// Inside the room: card.db. The public keys of all processes, this one's private keys, and which tokens were used.
#pragma once

#include <mutex>
#include <optional>

#include "card/card.h"

namespace xinglin::card {

struct Signer {
    std::uint16_t id = 0;
    std::shared_ptr<const PrivateKey> key;  // shared: it may be renewed while somebody signs
};

struct Used {
    std::int64_t at_ms = 0;
    std::string who, place;
};

/// Safe from many threads.
class Keys {
public:
    /// Opens the database and reads this process's private keys.
    static Result<std::unique_ptr<Keys>> open(const Options& options, const calendar::Clock& clock, const Policy& policy);

    /// The key to sign with now; makes one when there is none, and its successor when its time comes.
    Signer signer();
    /// Every key in the database that may still say something. Remembered for some seconds; `anew` asks again.
    std::shared_ptr<const KeySet> set(bool anew = false);
    Result<Done> rotate(bool at_once);

    /// Nothing when the token is used for the first time, which is then on disk; else when it was before. Several processes on one
    /// database agree.
    /// With it is written whose records that opens, if any.
    std::optional<Used> use(const Token& token, const Used& now, const std::vector<Presence>& opens);
    /// A printed card, which may be scanned again.
    void open_to(std::string_view who, const std::vector<Presence>& opens);
    std::vector<Presence> shown_to(std::string_view who);

private:
    struct Own {
        std::uint16_t id;
        Algorithm algorithm;
        std::int64_t from_s, until_s;
        std::shared_ptr<const PrivateKey> key;
    };
    const Options options_;
    const calendar::Clock& clock_;
    const Policy policy_;
    std::string secret_;  // that locks the files; "" for none
    std::mutex mutex_;    // guards all below
    std::unique_ptr<sql::Connection> connection_;
    std::vector<Own> own_;
    std::shared_ptr<const KeySet> set_;
    std::int64_t set_read_ms_ = 0;
    unsigned uses_ = 0;

    Keys(const Options& options, const calendar::Clock& clock, const Policy& policy);
    std::int64_t now_s() const { return clock_.now_ms() / 1'000; }
    Result<Done> read_own();
    void make(std::int64_t from_s);
    void renew();
    void read_set();
    bool is_stale() const;
    void insert_shown(std::string_view who, const std::vector<Presence>& opens);
    std::filesystem::path folder() const { return options_.data / "card"; }
};

}  // namespace xinglin::card
