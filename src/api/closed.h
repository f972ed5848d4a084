// SPDX-License-Identifier: Apache-2.0
// Inside the room: nothing is written about somebody whose record is closed to the writer.
#pragma once

#include "api/exchange.h"

namespace xinglin::api {

/// Refuses a resource that refers to a Patient the viewer's rules close: a visit written by oneself would open the record to oneself.
/// What a token's scope leaves out is another matter, and a Patient that is not there is nobody's.
Result<Done> may_write_about(const Exchange& exchange, json::Value resource);

}  // namespace xinglin::api
