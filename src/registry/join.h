// SPDX-License-Identifier: Apache-2.0
// What a message tells of institutions, places, staff and things is joined to the registries before it is stored.
//
// Entries of the message that are registered already (by id, by any present or former code, by a source's own code that a steward wrote down,
// by name at their place) leave the message, and what refers to them refers to the registered ones, with the source's words beside it.
// What nobody knows is stored as the source tells it, marked as a stray; what is only referred to and nowhere told becomes a stray of its
// own. Nothing is lost, and the registers grow by nobody's message. From memory; safe from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "registry/registry.h"

namespace xinglin::registry {

struct Sender {
    std::string_view source;        // its id
    std::string_view organization;  // id of its Organization; "" not known
    std::string_view sent_at;       // FHIR dateTime; "" now
};
struct Joined {
    json::Value bundle;
    std::vector<std::string> stubs{};  // "Organization/x": entries added at the end, to be left out when they are there
    std::size_t joined = 0;            // entries and references that are registered now
    std::size_t strays = 0;            // entries marked as strays
};
/// A Bundle of PUTs as converters make it; the registries must have been read (Registry::wait). What is made lives in the arena.
Joined join(const Registry& registry, const Sender& sender, json::Value bundle, json::Arena& arena);

/// One resource of a FHIR client: references that name a registered code and nothing else get the entry they mean. Changes nothing else.
json::Value join_codes(const Registry& registry, json::Value resource, json::Arena& arena);

}  // namespace xinglin::registry
