// SPDX-License-Identifier: Apache-2.0
// Inside the room: a look at everybody before anything is written.
#pragma once

#include "bulk/bulk.h"

namespace xinglin::bulk {

/// Called from several threads; the resource lives during the call. `asked`: a Patient of the order.
using Seen = std::function<void(const fhir::Type& type, json::Value resource, bool asked)>;
/// All Patients there are as of a position, asked for or not, and all resources of one other type.
void look_at_patients(record::Store& store, const Order& order, record::Position as_of, const RunOptions& options,
                      Progress& progress, const fhir::Type& also, const Seen& seen);

}  // namespace xinglin::bulk
