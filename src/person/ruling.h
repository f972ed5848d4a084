// SPDX-License-Identifier: Apache-2.0
// Inside the room: what people decide, as it lies in the record: one Basic resource each, never changed again.
//
// So decisions are on the feed with everything else: backed up, copied, the same for every process, and an index made anew has them.
#pragma once

#include "person/person.h"

namespace xinglin::person {

constexpr std::string_view ruling_system = "urn:xinglin:person-ruling";

/// Basic, as JSON with this id.
std::string basic_of(const Ruling& ruling, std::string_view id);
/// Nothing when a Basic is none of ours, or not whole.
std::optional<Ruling> ruling_of(json::Value basic);

}  // namespace xinglin::person
