// SPDX-License-Identifier: Apache-2.0
// What of the record is sealed in a database that is encrypted at rest.
#pragma once

#include <vector>

#include "sql/sealed_values.h"

namespace xinglin::record {

/// Whole resources, and the dictionaries they are compressed with. Of a deleted one only its id is left.
inline std::vector<sql::SealedColumn> sealed_columns() {
    return {{"record", "record_current", "body", "resource", {"rid", "version"}, "flags & 1 = 0"},
            {"record", "record_past", "body", "resource", {"rid", "version"}, "flags & 1 = 0"},
            {"record", "record_dictionary", "bytes", "dictionary", {"tid"}}};
}

}  // namespace xinglin::record
