// SPDX-License-Identifier: Apache-2.0
// A source: who sends, by which way, in which format, and how its messages are looked after.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "json/json.h"
#include "message/message.h"
#include "outcome/outcome.h"

namespace xinglin::intake {

struct Source {
    std::string id;  // as message::Sender::id
    std::string name;
    std::string kind = "http";     // mllp http folder
    std::string format = "hl7v2";  // hl7v2 cda csv:MAPPING xlsx:MAPPING fhir
    std::string organization;      // id of its Organization resource
    bool paused = false;           // takes nothing; senders keep their messages
    bool built_in = false;         // from content, not changed by hand yet

    // Settings, each with its default in content/intake/sources.json
    std::int16_t offset_minutes = 480;
    std::string encoding;                  // "": found out
    std::vector<std::string> senders;      // "APPLICATION^FACILITY" at a shared port, "*" for any
    std::string path;                      // of a folder; "": DATA/inbox/ID
    std::string acknowledge = "received";  // when a sender is told: received, stored
    std::string order = "sent";            // what is older: sent, arrival
    bool keep_ids = false;                 // FHIR: its ids are unique everywhere
    std::int64_t per_minute = 0;           // most messages; 0: any number
    std::int64_t message_bytes = 16 << 20;
    std::int64_t raw_days = 365;                 // raw messages are kept; rejected and waiting ones for ever
    std::int64_t clock_minutes = 60;             // its clock may be wrong by
    std::int64_t ahead_days = 1;                 // dates of its tables may lie ahead by, where they may not be future
    double late = 3, silent = 8;                 // messages missed, by what is expected
    double failing = 0.2;                        // rejected share of the last hour
    std::optional<std::array<double, 2>> place;  // longitude and latitude, for the wall display

    message::Sender sender() const;
    std::string_view format_name() const;     // before the colon
    std::string_view format_variant() const;  // behind it
};

/// Members id, name, kind, format, organization, paused and `settings`. Absent ones keep what `source` has. Refuses by name:
/// unknown members, wrong types, values out of range.
Result<Source> read_source(json::Value value, Source source);
/// As read_source reads it.
json::Value write_source(const Source& source, json::Arena& arena);
json::Value write_settings(const Source& source, json::Arena& arena);
/// Those of intake/sources.json, and a last one, "unknown", that keeps what nobody is known to send.
Result<std::vector<Source>> sources_of(const content::Files& content);
/// What a new source begins with.
Result<Source> default_source(const content::Files& content);
/// Does one of the source's `senders` name this application and facility?
bool is_sender(const Source& source, std::string_view application, std::string_view facility);

inline constexpr std::string_view unknown_source = "unknown";

}  // namespace xinglin::intake
