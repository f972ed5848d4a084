// SPDX-License-Identifier: Apache-2.0
// What of the messages that came in is sealed in a database that is encrypted at rest.
#pragma once

#include <vector>

#include "sql/sealed_values.h"

namespace xinglin::intake {

/// Whole messages, as they came.
inline std::vector<sql::SealedColumn> sealed_columns() {
    return {{"xinglin intake", "intake_raw", "packed", "message", {"number"}}};
}

}  // namespace xinglin::intake
