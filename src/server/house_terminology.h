// SPDX-License-Identifier: Apache-2.0
// Inside the room: how terminology sees the record.
#pragma once

#include "record/record.h"
#include "terminology/terminology.h"

namespace xinglin::server {

/// Reads through `store`, which must outlive it. Cheap while nothing is written.
terminology::Stored stored_terminology(record::Store& store);

}  // namespace xinglin::server
