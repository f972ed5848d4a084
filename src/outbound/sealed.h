// SPDX-License-Identifier: Apache-2.0
// What of the deliveries is sealed in a database that is encrypted at rest.
#pragma once

#include <vector>

#include "sql/sealed_values.h"

namespace xinglin::outbound {

/// What was sent, whole.
inline std::vector<sql::SealedColumn> sealed_columns() {
    return {{"xinglin outbound", "outbound_payload", "packed", "delivery", {"number"}}};
}

}  // namespace xinglin::outbound
