// SPDX-License-Identifier: Apache-2.0
// Inside the room: the other side. One object, one thread, one connection that is kept as long as it holds.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "outbound/match.h"
#include "outbound/networks.h"
#include "outbound/outbound.h"
#include "outbound/render.h"

namespace xinglin::outbound {

/// What came of an attempt.
struct Reply {
    enum class Kind : std::uint8_t {
        accepted,
        lying,    // written into a folder, the receipt is to come
        refused,  // this delivery will never do: a person has to look
        failed,   // the receiver answered, not well; again later
        silent,   // no answer: it may have it, may not
        down      // nobody there, busy, or no room: this is not about the delivery
    };
    Kind kind = Kind::accepted;
    std::string where, reason;  // of any but accepted and lying
    std::string receipt;        // what the receiver said
    std::string file;
    std::int64_t retry_after_ms = 0;
};

class Peer {
public:
    virtual ~Peer() = default;
    virtual Reply send(const Delivery& delivery, const Payload& payload) = 0;
    /// Only connects (a folder: can be written).
    virtual Result<Done> connect() = 0;
    /// Of a delivery lying in a folder: has it been receipted? Nothing: not yet.
    virtual std::optional<Reply> look(const Delivery& delivery) {
        (void)delivery;
        return std::nullopt;
    }
};

/// What a peer leans on; outlives it.
struct Surroundings {
    const Secrets& secrets;
    const ReceiverNetworks& networks;
};
/// `gives_up`: asked while waiting; true when the house closes. `data`: of folders.
std::unique_ptr<Peer> peer_of(const Channel& channel, Surroundings around, const std::filesystem::path& data,
                              std::function<bool()> gives_up);
std::unique_ptr<Peer> fhir_peer(const Channel& channel, Surroundings around, std::function<bool()> gives_up);
std::unique_ptr<Peer> mllp_peer(const Channel& channel, Surroundings around, std::function<bool()> gives_up);
std::unique_ptr<Peer> folder_peer(const Channel& channel, const std::filesystem::path& data);

}  // namespace xinglin::outbound
