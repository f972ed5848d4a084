// SPDX-License-Identifier: Apache-2.0
// Inside the room: the private keys of cards and of logins by apps, which lie in files.
#pragma once

#include "backup/backup.h"

namespace xinglin::backup {

constexpr const char* private_name = "private.db";
/// Into one database; false when there are none.
bool keep_private(const fs::path& data, const fs::path& to);
/// Back to their places, readable by their owner alone.
void bring_private(const fs::path& from, const fs::path& data);

}  // namespace xinglin::backup
