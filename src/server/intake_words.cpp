// SPDX-License-Identifier: Apache-2.0
// What the intake knows, in the words of /api/v1/intake.
#include "server/intake_words.h"

#include <algorithm>

#include <fmt/format.h>

#include "text/text.h"

namespace xinglin::server {

namespace {

json::Value time_json(std::int64_t ms, json::Arena& arena) {
    return ms == 0 ? arena.null() : arena.string(calendar::instant_text(ms));
}
json::Value real_json(double number, json::Arena& arena) { return arena.number(fmt::format("{:.1f}", number)); }

using Members = std::vector<std::pair<std::string_view, json::Value>>;

Members members_of(const intake::Line& line, json::Arena& arena) {
    return {{"id", arena.string(std::to_string(line.number))},
            {"source", arena.string(line.source)},
            {"kind", arena.string(line.kind)},
            {"control_id", arena.string(line.control_id)},
            {"state", arena.string(intake::text(line.state))},
            {"received_at", time_json(line.received_ms, arena)},
            {"sent_at", time_json(line.sent_ms, arena)},
            {"stored_at", line.state == intake::State::stored ? time_json(line.settled_ms, arena) : arena.null()},
            {"where", line.where.empty() ? arena.null() : arena.string(line.where)},
            {"reason", line.reason.empty() ? arena.null() : arena.string(line.reason)},
            {"bytes", arena.number(line.bytes)},
            {"of", line.of == 0 ? arena.null() : arena.string(std::to_string(line.of))}};
}

json::Value journey(intake::Intake& intake, const intake::Line& line, json::Arena& arena) {
    struct Step {
        std::int64_t at_ms;
        std::string what, detail;
    };
    std::vector<Step> steps{{line.received_ms, "received", fmt::format("{} bytes", line.bytes)}};
    if (line.sent_ms != 0) steps.push_back({line.sent_ms, "sent", "by the sender's clock"});
    if (line.settled_ms != 0) {
        std::string detail = line.where.empty() ? line.reason : line.where + ": " + line.reason;
        if (line.state == intake::State::duplicate) detail = fmt::format("of message {}", line.of);
        steps.push_back({line.settled_ms, std::string(intake::text(line.state)), std::move(detail)});
    }
    for (const intake::Event& event : intake.events(line.number)) steps.push_back({event.at_ms, event.what, event.detail});
    std::stable_sort(steps.begin() + 1, steps.end(), [](const Step& a, const Step& b) { return a.at_ms < b.at_ms; });
    std::vector<json::Value> all;
    for (const Step& step : steps) {
        all.push_back(arena.object(
            {{"at", time_json(step.at_ms, arena)}, {"what", arena.string(step.what)}, {"detail", arena.string(step.detail)}}));
    }
    return arena.array(all);
}

/// Type, id and version of what was stored; versions as the ledger noted them, while the message still converts alike.
json::Value resources_json(const intake::Line& line, const message::Converted& converted, json::Arena& arena) {
    const auto bundle = json::parse(converted.bundle, arena);
    if (!bundle.ok()) return arena.array(std::span<const json::Value>{});
    const auto versions = text::split(line.versions, ',');
    const json::Value entries = (*bundle)["entry"];
    std::vector<json::Value> all;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::string_view url = entries[i]["request"]["url"].string();
        const std::size_t slash = url.find('/');
        if (slash == std::string_view::npos) continue;
        const bool known = line.state == intake::State::stored && versions.size() == entries.size() && versions[i] != "0";
        all.push_back(arena.object({{"type", arena.string(url.substr(0, slash))},
                                    {"id", arena.string(url.substr(slash + 1))},
                                    {"version", known ? arena.string(versions[i]) : arena.null()}}));
    }
    return arena.array(all);
}

}  // namespace

json::Value counts_json(const intake::Counts& counts, json::Arena& arena) {
    return arena.object({{"received", arena.number(counts.received)},
                         {"stored", arena.number(counts.stored)},
                         {"rejected", arena.number(counts.rejected)},
                         {"duplicate", arena.number(counts.duplicate)},
                         {"ignored", arena.number(counts.ignored)},
                         {"waiting", arena.number(counts.waiting())}});
}

json::Value source_json(const intake::Source& source, const intake::Health& health, json::Arena& arena) {
    const intake::Counts& total = health.total;
    return arena.object(
        {{"id", arena.string(source.id)},
         {"name", arena.string(source.name.empty() ? source.id : source.name)},
         {"kind", arena.string(source.kind)},
         {"format", arena.string(source.format)},
         {"organization", arena.string(source.organization)},
         {"state", arena.string(health.state)},
         {"why", arena.string(health.why)},
         {"paused", arena.boolean(source.paused)},
         {"last_at", time_json(health.last_ms, arena)},
         {"received", arena.number(total.received)},
         {"stored", arena.number(total.stored)},
         {"rejected", arena.number(total.rejected)},
         {"duplicate", arena.number(total.duplicate)},
         {"ignored", arena.number(total.ignored)},
         {"waiting", arena.number(total.waiting())},
         {"today", counts_json(health.today, arena)},
         {"latency_ms", arena.object({{"p50", real_json(health.p50_ms, arena)}, {"p99", real_json(health.p99_ms, arena)}})},
         {"expected_hour", health.expected_hour ? real_json(*health.expected_hour, arena) : arena.null()},
         {"this_hour", arena.number(health.this_hour)},
         {"clock_minutes", arena.number(health.clock_ms / 60'000)},
         {"clock_wrong", arena.boolean(health.clock_wrong)},
         {"settings", intake::write_settings(source, arena)}});
}

json::Value line_json(const intake::Line& line, json::Arena& arena) { return arena.object(members_of(line, arena)); }

json::Value message_json(intake::Intake& intake, const intake::Line& line, bool whole, json::Arena& arena) {
    Members members = members_of(line, arena);
    members.emplace_back("journey", journey(intake, line, arena));
    members.emplace_back("whole", arena.boolean(whole));
    if (!whole) return arena.object(members);
    const auto raw = intake.raw(line.number);
    std::string encoding;
    const std::string segments = intake.explain(line.number, encoding);
    const bool is_text = raw && text::is_utf8(*raw);
    members.emplace_back("raw", !raw ? arena.null() : arena.string(is_text ? *raw : text::base64(*raw)));
    members.emplace_back("raw_is_base64", arena.boolean(raw && !is_text));
    members.emplace_back("encoding", arena.string(!encoding.empty() ? encoding : is_text ? "UTF-8" : ""));
    const auto parsed = json::parse(segments, arena);
    members.emplace_back("segments", parsed.ok() ? *parsed : arena.array(std::span<const json::Value>{}));
    std::vector<json::Value> notes;
    json::Value resources = arena.array(std::span<const json::Value>{});
    if (const auto converted = intake.convert_again(line.number); converted.ok()) {
        for (const message::Note& note : converted->notes)
            notes.push_back(arena.object(
                {{"where", arena.string(note.where)}, {"what", arena.string(note.what)}, {"key", arena.string(note.key)}}));
        resources = resources_json(line, *converted, arena);
    }
    members.emplace_back("notes", arena.array(notes));
    members.emplace_back("resources", resources);
    return arena.object(members);
}

json::Value ledger_json(std::string_view day, const std::vector<intake::DayLine>& lines, json::Arena& arena) {
    std::vector<json::Value> all;
    for (const intake::DayLine& line : lines) {
        all.push_back(arena.object({{"source", arena.string(line.source)},
                                    {"received", arena.number(line.counts.received)},
                                    {"stored", arena.number(line.counts.stored)},
                                    {"rejected", arena.number(line.counts.rejected)},
                                    {"duplicate", arena.number(line.counts.duplicate)},
                                    {"waiting", arena.number(line.waiting)},
                                    {"ignored", arena.number(line.counts.ignored)},
                                    {"balanced", arena.boolean(line.balanced)}}));
    }
    return arena.object({{"day", arena.string(day)}, {"lines", arena.array(all)}});
}

std::string ledger_csv(std::string_view day, const std::vector<intake::DayLine>& lines) {
    std::string all = "day,source,received,stored,rejected,duplicate,waiting,ignored,balanced\r\n";
    for (const intake::DayLine& line : lines) {
        all += fmt::format("{},{},{},{},{},{},{},{},{}\r\n", day, line.source, line.counts.received, line.counts.stored,
                           line.counts.rejected, line.counts.duplicate, line.waiting, line.counts.ignored, line.balanced);
    }
    return all;
}

std::optional<std::int64_t> day_number(std::string_view day) {
    const auto date = calendar::parse_date(day);
    if (!date || date->precision != calendar::Precision::day) return std::nullopt;
    return calendar::days_from_civil(date->year, date->month, date->day);
}

}  // namespace xinglin::server
