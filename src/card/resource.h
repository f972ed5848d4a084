// SPDX-License-Identifier: Apache-2.0
// Inside the room: cards and family cards as Basic resources, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "card/card.h"
#include "json/json.h"

namespace xinglin::card {

inline constexpr std::string_view state_system = "urn:xinglin:card-state", number_system = "urn:xinglin:card-number",
                                  holder_system = "urn:xinglin:card-holder";

/// "card-4T7K29QX0M"
std::string id_of(Number number);
std::string basic_of(const Card& card);
std::string basic_of(const Family& family);
std::optional<Card> card_of(json::Value basic);
std::optional<Family> family_of(json::Value basic);

}  // namespace xinglin::card
