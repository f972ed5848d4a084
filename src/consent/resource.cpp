// SPDX-License-Identifier: Apache-2.0
// Emergencies as Basic resources, and back. What search must find (state, account) stands in code and identifier.
#include "consent/resource.h"

#include <charconv>

#include <fmt/format.h>

namespace xinglin::consent {

namespace {

constexpr std::string_view part_url = "urn:xinglin:extension:emergency";

std::string_view part_in(json::Value basic, std::string_view url) {
    for (const json::Node& node : basic["extension"].items()) {
        const json::Value each(&node);
        if (each["url"].string() != part_url) continue;
        for (const json::Node& inner : each["extension"].items()) {
            const json::Value one(&inner);
            if (one["url"].string() == url) return one["valueString"].string();
        }
    }
    return {};
}

std::int64_t instant_in(json::Value basic, std::string_view url) {
    const auto at = calendar::parse_instant(part_in(basic, url));
    return at ? calendar::span_of(*at, 0).low_ms : 0;
}

}  // namespace

std::string patient_in(json::Value reference) {
    constexpr std::string_view start = "Patient/";
    const std::string_view text = reference["reference"].string();
    return text.starts_with(start) ? std::string(text.substr(start.size())) : std::string();
}

std::string basic_of(const EmergencyLine& line) {
    json::Arena arena;
    std::vector<json::Value> parts;
    const auto part = [&](std::string_view url, std::string_view text) {
        if (!text.empty()) parts.push_back(arena.object({{"url", arena.string(url)}, {"valueString", arena.string(text)}}));
    };
    const auto instant = [&](std::string_view url, std::int64_t ms) {
        if (ms != 0) part(url, calendar::instant_text(ms));
    };
    part("display", line.display);
    part("role", line.role);
    part("institution", line.institution);
    part("reason-code", line.reason_code);
    part("reason", line.reason);
    instant("at", line.at_ms);
    instant("until", line.until_ms);
    instant("ended", line.ended_ms);
    part("finding", line.finding);
    part("reviewer", line.reviewer);
    part("note", line.note);
    instant("reviewed", line.reviewed_ms);
    const auto coding = [&](std::string_view code) {
        return arena.object({{"system", arena.string(emergency_system)}, {"code", arena.string(code)}});
    };
    return json::write(arena.object(
        {{"resourceType", arena.string("Basic")},
         {"id", arena.string(line.id)},
         {"extension", arena.array({arena.object({{"extension", arena.array(parts)}, {"url", arena.string(part_url)}})})},
         {"identifier",
          arena.array({arena.object({{"system", arena.string(emergency_account)},
                                     {"value", arena.string(fmt::format("{}/{}", line.account, line.account_name))}})})},
         {"code", arena.object({{"coding", arena.array({coding("emergency"), coding(line.state)})}})},
         {"subject", arena.object({{"reference", arena.string("Patient/" + line.patient)}})},
         {"created", arena.string(calendar::instant_text(line.at_ms).substr(0, 10))},
         {"author", arena.object({{"display", arena.string(line.display.empty() ? line.account_name : line.display)}})}}));
}

std::optional<EmergencyLine> emergency_of(json::Value basic) {
    EmergencyLine line;
    bool ours = false;
    for (const json::Node& node : basic["code"]["coding"].items()) {
        const json::Value coding(&node);
        if (coding["system"].string() != emergency_system) continue;
        if (coding["code"].string() == "emergency") ours = true;
        else line.state = coding["code"].string();
    }
    line.patient = patient_in(basic["subject"]);
    if (!ours || line.patient.empty()) return std::nullopt;
    for (const json::Node& node : basic["identifier"].items()) {
        const json::Value each(&node);
        if (each["system"].string() != emergency_account) continue;
        const std::string_view value = each["value"].string();
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), line.account);
        if (error == std::errc() && end != value.data() + value.size() && *end == '/')
            line.account_name = value.substr(static_cast<std::size_t>(end - value.data()) + 1);
    }
    line.id = basic["id"].string();
    line.display = part_in(basic, "display");
    line.role = part_in(basic, "role");
    line.institution = part_in(basic, "institution");
    line.reason_code = part_in(basic, "reason-code");
    line.reason = part_in(basic, "reason");
    line.at_ms = instant_in(basic, "at");
    line.until_ms = instant_in(basic, "until");
    line.ended_ms = instant_in(basic, "ended");
    line.finding = part_in(basic, "finding");
    line.reviewer = part_in(basic, "reviewer");
    line.note = part_in(basic, "note");
    line.reviewed_ms = instant_in(basic, "reviewed");
    return line;
}

}  // namespace xinglin::consent
