// SPDX-License-Identifier: Apache-2.0
// All channels and queues, from one place to another: for backups, and for whoever changes the engine.
#pragma once

#include <cstdint>
#include <string>

#include "outcome/outcome.h"

namespace xinglin::outbound {

/// Channels with their places in the feed, what waits, what became of the rest, and the bytes as they were sent, as it is at one moment, also
/// while a server sends. `from`, `to`: outbound.db or a PostgreSQL address. Control ids go on where they stood. Refuses when `to` holds
/// channels of another store, or its own later ones; an earlier copy is made anew. Returns how many deliveries it holds. Throws
/// sql::Broken.
Result<std::int64_t> copy_queues(const std::string& from, const std::string& to);

}  // namespace xinglin::outbound
