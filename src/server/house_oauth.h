// SPDX-License-Identifier: Apache-2.0
// Inside the room: the house gives tokens, and takes the word of other houses for who somebody is.
#pragma once

#include "server/house.h"

namespace xinglin::server {

/// After accounts and audit. Refuses (where: DATA/providers.json) settings that cannot be read.
Result<Done> build_oauth(House& house);

}  // namespace xinglin::server
