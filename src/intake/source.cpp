// SPDX-License-Identifier: Apache-2.0
// Sources as data: read from content and from what an operator sends, written back.
#include "intake/source.h"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "json/settings.h"
#include "text/text.h"

namespace xinglin::intake {

namespace {

using json::one_of;
constexpr std::string_view file = "intake/sources.json";

bool is_source_id(std::string_view id) {
    if (id.empty() || id.size() > 40) return false;
    return id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

Result<Done> known_members(json::Value object, std::string_view where, std::initializer_list<std::string_view> names) {
    return json::known_members(object, where, names, "a source");
}

Result<Done> take_senders(json::Value value, std::vector<std::string>& to) {
    if (!value) return Done{};
    const auto no = [] {
        return refuse(IssueCode::value, "settings.senders",
                      "must be a list of \"APPLICATION^FACILITY\", * for any, at least one of the two named");
    };
    if (!value.is_array() || value.size() > 100) return no();
    std::vector<std::string> all;
    for (const json::Node& node : value.items()) {
        const std::string_view pair = json::Value(&node).string();
        const auto parts = text::split(pair, '^');
        if (parts.size() != 2 || parts[0].empty() || parts[1].empty() || pair == "*^*") return no();
        all.emplace_back(pair);
    }
    to = std::move(all);
    return Done{};
}

Result<Done> take_place(json::Value value, std::optional<std::array<double, 2>>& to) {
    if (!value) return Done{};
    to.reset();
    if (value.is_null()) return Done{};
    std::array<double, 2> place{200, 200};
    for (std::size_t i = 0; i < 2 && value.is_array() && value.size() == 2; ++i) {
        const json::Value each = value[i];
        if (each.is_number()) place[i] = std::strtod(std::string(each.text()).c_str(), nullptr);
    }
    if (!(std::abs(place[0]) <= 180 && std::abs(place[1]) <= 90))
        return refuse(IssueCode::value, "settings.place", "must be longitude and latitude in degrees, [119.75, 40.01], or null");
    to = place;
    return Done{};
}

Result<Done> read_settings(json::Value settings, Source& source) {
    if (!settings) return Done{};
    if (!settings.is_object()) return refuse(IssueCode::structure, "settings", "must be an object");
    XINGLIN_CHECK(
        known_members(settings, "settings.",
                      {"offset_minutes", "encoding", "senders", "path", "acknowledge", "order", "keep_ids", "per_minute",
                       "message_bytes", "raw_days", "clock_minutes", "ahead_days", "late", "silent", "failing", "place"}));
    std::int64_t offset = source.offset_minutes;
    XINGLIN_CHECK(take(settings["offset_minutes"], "settings.offset_minutes", offset, -14 * 60, 14 * 60));
    source.offset_minutes = static_cast<std::int16_t>(offset);
    XINGLIN_CHECK(take(settings["encoding"], "settings.encoding", source.encoding));
    XINGLIN_CHECK(take_senders(settings["senders"], source.senders));
    XINGLIN_CHECK(take(settings["path"], "settings.path", source.path));
    XINGLIN_CHECK(take(settings["acknowledge"], "settings.acknowledge", source.acknowledge));
    XINGLIN_CHECK(one_of(source.acknowledge, "settings.acknowledge", {"received", "stored"}));
    XINGLIN_CHECK(take(settings["order"], "settings.order", source.order));
    XINGLIN_CHECK(one_of(source.order, "settings.order", {"sent", "arrival"}));
    XINGLIN_CHECK(take(settings["keep_ids"], "settings.keep_ids", source.keep_ids));
    XINGLIN_CHECK(take(settings["per_minute"], "settings.per_minute", source.per_minute, 0, 10'000'000));
    XINGLIN_CHECK(take(settings["message_bytes"], "settings.message_bytes", source.message_bytes, 1'000, 64 << 20));
    XINGLIN_CHECK(take(settings["raw_days"], "settings.raw_days", source.raw_days, 1, 36'500));
    XINGLIN_CHECK(take(settings["clock_minutes"], "settings.clock_minutes", source.clock_minutes, 1, 1'000'000));
    XINGLIN_CHECK(take(settings["ahead_days"], "settings.ahead_days", source.ahead_days, 0, 36'500));
    XINGLIN_CHECK(take_place(settings["place"], source.place));
    XINGLIN_CHECK(take(settings["late"], "settings.late", source.late, 0.5, 1e6));
    XINGLIN_CHECK(take(settings["silent"], "settings.silent", source.silent, 0.5, 1e6));
    return take(settings["failing"], "settings.failing", source.failing, 0.001, 1);
}

Result<json::Value> content_json(const content::Files& content, json::Arena& arena) {
    const auto text = content.read(file);
    if (!text) return arena.object({});
    auto value = json::parse(*text, arena);
    if (!value.ok()) return refuse(IssueCode::invalid, std::string(file), value.outcome().line());
    return *value;
}

}  // namespace

message::Sender Source::sender() const {
    return {.id = id, .name = name, .organization = organization, .offset_minutes = offset_minutes, .encoding = encoding};
}

std::string_view Source::format_name() const { return std::string_view(format).substr(0, format.find(':')); }
std::string_view Source::format_variant() const {
    const std::size_t colon = format.find(':');
    return colon == std::string::npos ? std::string_view() : std::string_view(format).substr(colon + 1);
}

Result<Source> read_source(json::Value value, Source source) {
    if (!value.is_object()) return refuse(IssueCode::structure, "body", "must be an object with id, name, kind and format");
    XINGLIN_CHECK(known_members(value, "", {"id", "name", "kind", "format", "organization", "paused", "settings"}));
    XINGLIN_CHECK(take(value["id"], "id", source.id));
    if (!is_source_id(source.id))
        return refuse(IssueCode::value, "id", "must be 1 to 40 of a-z 0-9 -; it goes into ids of resources and never changes");
    XINGLIN_CHECK(take(value["name"], "name", source.name));
    XINGLIN_CHECK(take(value["kind"], "kind", source.kind));
    XINGLIN_CHECK(one_of(source.kind, "kind", {"mllp", "http", "folder"}));
    XINGLIN_CHECK(take(value["format"], "format", source.format));
    XINGLIN_CHECK(one_of(source.format_name(), "format", {"hl7v2", "cda", "csv", "xlsx", "fhir"}));
    const bool is_table = source.format_name() == "csv" || source.format_name() == "xlsx";
    if (is_table == source.format_variant().empty())
        return refuse(IssueCode::value, "format", "csv and xlsx name their mapping, csv:MAPPING; the others name none");
    XINGLIN_CHECK(take(value["organization"], "organization", source.organization));
    XINGLIN_CHECK(take(value["paused"], "paused", source.paused));
    XINGLIN_CHECK(read_settings(value["settings"], source));
    if (source.silent < source.late) return refuse(IssueCode::value, "settings.silent", "must not be less than settings.late");
    return source;
}

json::Value write_settings(const Source& source, json::Arena& arena) {
    std::vector<json::Value> senders;
    for (const std::string& each : source.senders) senders.push_back(arena.string(each));
    const auto real = [&](double number) { return arena.number(fmt::format("{:g}", number)); };
    const auto degrees = [&](double number) { return arena.number(fmt::format("{:.8g}", number)); };
    json::Value place = arena.null();
    if (source.place) place = arena.array({degrees((*source.place)[0]), degrees((*source.place)[1])});
    return arena.object({{"offset_minutes", arena.number(static_cast<std::int64_t>(source.offset_minutes))},
                         {"encoding", arena.string(source.encoding)},
                         {"senders", arena.array(senders)},
                         {"path", arena.string(source.path)},
                         {"acknowledge", arena.string(source.acknowledge)},
                         {"order", arena.string(source.order)},
                         {"keep_ids", arena.boolean(source.keep_ids)},
                         {"per_minute", arena.number(source.per_minute)},
                         {"message_bytes", arena.number(source.message_bytes)},
                         {"raw_days", arena.number(source.raw_days)},
                         {"clock_minutes", arena.number(source.clock_minutes)},
                         {"ahead_days", arena.number(source.ahead_days)},
                         {"late", real(source.late)},
                         {"silent", real(source.silent)},
                         {"failing", real(source.failing)},
                         {"place", place}});
}

json::Value write_source(const Source& source, json::Arena& arena) {
    return arena.object({{"id", arena.string(source.id)},
                         {"name", arena.string(source.name)},
                         {"kind", arena.string(source.kind)},
                         {"format", arena.string(source.format)},
                         {"organization", arena.string(source.organization)},
                         {"paused", arena.boolean(source.paused)},
                         {"settings", write_settings(source, arena)}});
}

Result<Source> default_source(const content::Files& content) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value all, content_json(content, arena));
    Source source;
    if (auto read = read_settings(all["defaults"], source); !read.ok())
        return refuse(IssueCode::invalid, std::string(file), "defaults: " + read.outcome().line());
    return source;
}

Result<std::vector<Source>> sources_of(const content::Files& content) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value all, content_json(content, arena));
    XINGLIN_TRY(const Source base, default_source(content));
    std::vector<Source> sources;
    for (const json::Node& node : all["sources"].items()) {
        auto one = read_source(json::Value(&node), base);
        if (!one.ok()) return refuse(IssueCode::invalid, std::string(file), "sources: " + one.outcome().line());
        one->built_in = true;
        sources.push_back(std::move(*one));
    }
    const auto is_unknown = [](const Source& source) { return source.id == unknown_source; };
    if (std::none_of(sources.begin(), sources.end(), is_unknown)) {
        Source unknown = base;
        unknown.id = unknown_source;
        unknown.name = "Unknown senders";
        unknown.kind = "mllp";
        unknown.format = "hl7v2";
        unknown.built_in = true;
        sources.push_back(std::move(unknown));
    }
    return sources;
}

bool is_sender(const Source& source, std::string_view application, std::string_view facility) {
    for (const std::string& each : source.senders) {
        const std::size_t hat = each.find('^');
        const std::string_view wanted(each);
        const auto fits = [](std::string_view pattern, std::string_view value) { return pattern == "*" || pattern == value; };
        if (fits(wanted.substr(0, hat), application) && fits(wanted.substr(hat + 1), facility)) return true;
    }
    return false;
}

}  // namespace xinglin::intake
