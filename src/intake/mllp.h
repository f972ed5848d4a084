// SPDX-License-Identifier: Apache-2.0
// The MLLP port: HL7 v2 messages of many senders, each acknowledged when it is on disk (or stored, as its source wants it).
#pragma once

#include <atomic>
#include <memory>

#include "http/port.h"
#include "intake/intake.h"

namespace xinglin::intake {

struct MllpOptions {
    http::PortOptions port;
    std::size_t message_bytes = 16u << 20;
    std::size_t half_bytes = 256u << 20;  // of messages begun and not ended, of all connections together
    std::size_t unanswered = 256;         // messages of one connection on their way; then it isn't read from
    std::chrono::seconds silence{60};     // within a message
    std::chrono::seconds whole{300};      // from its first byte to its last
};

struct MllpFigures {
    std::atomic<std::uint64_t> messages = 0, answers = 0, broken_off = 0, garbage = 0;
    std::atomic<std::size_t> half_bytes = 0;
};

class MllpDoor {
public:
    MllpDoor(MllpOptions options, Intake& intake, const calendar::Clock& clock);
    ~MllpDoor();
    Result<Done> start();
    std::uint16_t port() const;
    const MllpFigures& figures() const;
    /// Reads nothing more; answers to what was read may still leave.
    void stop();

    struct Inside;

private:
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::intake
