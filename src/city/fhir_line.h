// SPDX-License-Identifier: Apache-2.0
// Inside the room: one resource being written. Texts of content and names hold nothing that JSON would need to escape; what comes
// from outside goes through Text.
#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include "city/days.h"
#include "city/fhir_writer.h"
#include "city/random.h"
#include "json/json.h"

namespace xinglin::city {

struct Date {
    std::int32_t day;
};
struct Time {
    std::int64_t seconds;
};
/// A number with this many decimals.
struct Number {
    double value;
    int decimals;
};

class Line {
public:
    Line(Lines& lines, Resource type, std::string_view id, std::string_view sender);
    template <typename... Parts>
    void put(const Parts&... parts) {
        (one(parts), ...);
    }
    void end() { text_ += "}\n"; }

private:
    std::string& text_;
    void one(std::string_view part) { text_ += part; }
    void one(Date date) { put_date(text_, date.day); }
    void one(Time time) { put_time(text_, time.seconds); }
    void one(Number number);
};

inline std::uint64_t mix_of(std::uint64_t x) { return mix(x); }

void write_visit(const World& world, const Story& story, const Visit& visit, std::string_view patient, std::string_view coverage,
                 Lines& lines, bool is_message = false);

/// Certificates of the children whom this person bore.
void write_births(const World& world, const Story& story, Lines& lines);

}  // namespace xinglin::city
