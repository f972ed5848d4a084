// SPDX-License-Identifier: Apache-2.0
// Inside the room: carries what a living city sends to a server: HL7 v2 over MLLP, files into its inbox, the rest over HTTP.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "hl7v2/hl7v2.h"
#include "http/client.h"
#include "server/live_parcels.h"

namespace xinglin::server {

struct Address {
    std::string host;
    std::uint16_t port = 0;
    bool tls = false;
};
/// "https://host:8443", "host:2575". Refuses naming the option.
Result<Address> parse_address(std::string_view text, std::string_view option);

/// What became of something sent.
enum class Told : std::uint8_t {
    taken,    // it is the receiver's now
    refused,  // it was read and rejected: in the error queue over there
    again,    // not now: the source is paused, the disk is full
    silence,  // nobody answers
};

/// One sender's line to an MLLP port. Connects again when it was cut.
class MllpLine {
public:
    explicit MllpLine(Address to) : to_(std::move(to)) {}
    /// Sends one message and waits for its acknowledgement (original and enhanced mode).
    Told send(std::string_view message);

private:
    Address to_;
    std::optional<http::Client> line_;
    hl7v2::FrameReader frames_;

    std::optional<std::string> answer();
};

class Carrier {
public:
    struct Options {
        Address server;
        std::optional<Address> mllp;
        std::filesystem::path inbox;  // of the server, on this machine; "": none
        std::string token;
        int days_ahead = 0;  // the city's calendar may run before the server's by so much
    };
    explicit Carrier(Options options) : options_(std::move(options)) {}

    Ways ways() const { return {options_.mllp.has_value(), !options_.inbox.empty()}; }
    /// `again`: its source takes nothing now, others may. `silence`: nobody does. Throws when the token is not good enough.
    Told deliver(const Parcel& parcel);
    /// Makes a sender known before it sends. False when the server does not answer.
    bool introduce(const Parcel& parcel);

    /// Pauses the senders it knows, except those that an operator paused, so that their silence is no alarm; adds them to `resting`.
    /// False when the server does not answer: ask again.
    bool rest(std::vector<std::string>& resting);
    /// The way back; takes them out of `resting`.
    bool wake(std::vector<std::string>& resting);

    struct Counts {
        std::uint64_t sent = 0, refused = 0, duplicates = 0;
    };
    const Counts& counts() const { return counts_; }

private:
    const Options options_;
    std::optional<http::Client> client_;
    std::map<std::string, MllpLine> lines_;
    std::set<std::string> known_;
    bool turn(const std::string& source, bool paused);
    Counts counts_;

    std::optional<http::Response> call(const std::string& method, const std::string& target, const std::string& type,
                                       std::string body);
    Told post(const Parcel& parcel, const city::Outgoing& message);
    void count(Told told);
};

}  // namespace xinglin::server
