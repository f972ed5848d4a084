// SPDX-License-Identifier: Apache-2.0
// The whole ledger, from one place to another: for backups, and for whoever changes the engine.
#pragma once

#include <cstdint>
#include <string>

#include "outcome/outcome.h"

namespace xinglin::intake {

/// Lines, raw messages, hours, history, sources and files: everything the ledger knows, as it is at one moment, also while a server
/// writes to it. `from`, `to`: intake.db or a PostgreSQL address. Refuses when `to` holds messages or sources of its own; an
/// earlier copy of the same ledger is made anew. Returns how many messages it holds. Throws sql::Broken.
Result<std::int64_t> copy_ledger(const std::string& from, const std::string& to);

}  // namespace xinglin::intake
