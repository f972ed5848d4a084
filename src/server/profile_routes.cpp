// SPDX-License-Identifier: Apache-2.0
// /api/v1/profiles: what may be validated against.
#include "server/house.h"
#include "server/profiles.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

json::Value optional_text(json::Arena& arena, const std::string& text) {
    return text.empty() ? arena.null() : arena.string(text);
}

void list_profiles(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const profile::Card& card : visit.house.profiles->book()->cards()) {
        const json::Value fault = card.fault ? arena.string(card.fault->where + ": " + card.fault->what) : arena.null();
        all.push_back(arena.object({{"url", arena.string(card.url)},
                                    {"name", arena.string(card.name)},
                                    {"title", arena.string(card.title_zh.empty() ? card.title : card.title_zh)},
                                    {"title_en", optional_text(arena, card.title)},
                                    {"type", arena.string(card.type)},
                                    {"extension", arena.boolean(card.is_extension)},
                                    {"version", optional_text(arena, card.version)},
                                    {"status", arena.string(card.status)},
                                    {"origin", arena.string(card.origin)},
                                    {"must_support", arena.number(static_cast<std::int64_t>(card.must_support))},
                                    {"error", fault}}));
    }
    visit.answer(200, arena.object({{"profiles", arena.array(all)}}));
}

constexpr Route routes[] = {
    {"GET", "/api/v1/profiles", Who::logged_in, "Profiles and extensions to validate against: ours and those written by users",
     "",
     R"({"profiles":[{"url":"urn:xinglin:profile:patient","name":"CnPatient","title":"居民","title_en":"Resident","type":"Patient","extension":false,"version":"1","status":"active","origin":"built in","must_support":12,"error":null}]})",
     list_profiles},
};

}  // namespace

std::span<const Route> profile_routes() { return routes; }

}  // namespace xinglin::server
