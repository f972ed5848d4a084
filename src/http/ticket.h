// SPDX-License-Identifier: Apache-2.0
// The right to answer one request, from any thread. Within this room only.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "http/http.h"

namespace xinglin::http {

/// A connection of one I/O thread. Slots are used again; the generation tells an old name from a new one.
struct ConnectionName {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
};

/// A part of a body that comes in parts.
struct Piece {
    enum class Kind { news, some, end, broken };
    Kind kind = Kind::news;  // a channel has something
    std::string bytes;
};

/// Where answers go: an I/O thread. Shared by its tickets, because an answer may come after the server is gone.
class AnswerDesk {
public:
    virtual ~AnswerDesk() = default;
    virtual void deliver(ConnectionName connection, std::uint64_t request, Response response) = 0;
    virtual void deliver(ConnectionName connection, std::uint64_t request, Piece piece) = 0;
};

class Ticket {
public:
    Ticket(std::shared_ptr<AnswerDesk> desk, ConnectionName connection, std::uint64_t request, bool takes_gzip, bool fhir,
           std::string trace_id)
        : desk_(std::move(desk)),
          connection_(connection),
          request_(request),
          takes_gzip_(takes_gzip),
          fhir_(fhir),
          trace_id_(std::move(trace_id)) {}
    ~Ticket();
    Ticket(const Ticket&) = delete;

    /// Packs in the calling thread and delivers. Only the first answer counts.
    void answer(Response response);
    const std::string& trace_id() const { return trace_id_; }

private:
    const std::shared_ptr<AnswerDesk> desk_;
    const ConnectionName connection_;
    const std::uint64_t request_;
    const bool takes_gzip_, fhir_;
    std::atomic<bool> answered_{false};
    const std::string trace_id_;
};

}  // namespace xinglin::http
