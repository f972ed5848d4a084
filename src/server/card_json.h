// SPDX-License-Identifier: Apache-2.0
// Inside the room: cards as /api/v1/card tells them.
#pragma once

#include "card/card.h"
#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

json::Value card_json(json::Arena& arena, const card::Card& card);
json::Value family_json(Visit& visit, json::Arena& arena, const card::Family& family);
json::Value shown_json(Visit& visit, json::Arena& arena, const card::Shown& shown);
/// What a resident sees: the own card and the family's, names masked.
json::Value mine_json(Visit& visit, json::Arena& arena);
/// What a counter sees of one person.
json::Value person_cards_json(Visit& visit, json::Arena& arena, const std::string& patient);
json::Value scan_json(Visit& visit, json::Arena& arena, const card::Scan& scan, std::int64_t clock_ahead_s);

}  // namespace xinglin::server
