// SPDX-License-Identifier: Apache-2.0
// The clock of a living city as a small JSON file.
#include "server/live_clock.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "json/json.h"

namespace xinglin::server {

namespace fs = std::filesystem;

namespace {
std::int64_t whole(json::Value value) { return std::strtoll(std::string(value.text()).c_str(), nullptr, 10); }
}  // namespace

Result<std::optional<LiveMoment>> read_clock(const fs::path& file) {
    std::error_code error;
    if (!fs::exists(file, error)) return std::optional<LiveMoment>();
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    const auto is_clock = [](json::Value value) {
        return value["city"].is_string() && value["ways"].is_string() && value["now"].is_number() && value["day"].is_number() &&
               value["done"].is_number() && value["held"].is_array();
    };
    if (!in || !parsed.ok() || !is_clock(*parsed))
        return refuse(IssueCode::invalid, file.string(),
                      "is no clock of a living city, remove it to begin where the city was made");
    const json::Value value = *parsed;
    LiveMoment moment{.city = std::string(value["city"].string()),
                      .ways = std::string(value["ways"].string()),
                      .now = std::strtod(std::string(value["now"].text()).c_str(), nullptr),
                      .day = whole(value["day"]),
                      .done = static_cast<std::size_t>(whole(value["done"])),
                      .held = {}};
    for (const json::Node& node : value["held"].items()) {
        const json::Value pair(&node);
        if (pair.is_array() && pair.size() == 2)
            moment.held.push_back({whole(pair[0]), static_cast<std::size_t>(whole(pair[1]))});
    }
    for (const json::Node& node : value["resting"].items()) moment.resting.emplace_back(json::Value(&node).string());
    moment.paused = value["paused"].as_bool();
    if (value["speed"].is_number()) moment.speed = std::strtod(std::string(value["speed"].text()).c_str(), nullptr);
    return std::optional(std::move(moment));
}

Result<Done> write_clock(const LiveMoment& moment, const fs::path& file) {
    json::Arena arena;
    std::vector<json::Value> held;
    for (const LiveMoment::Held& each : moment.held)
        held.push_back(arena.array({arena.number(each.day), arena.number(static_cast<std::int64_t>(each.index))}));
    std::vector<json::Value> resting;
    for (const std::string& each : moment.resting) resting.push_back(arena.string(each));
    const json::Value value = arena.object({{"city", arena.string(moment.city)},
                                            {"ways", arena.string(moment.ways)},
                                            {"now", arena.number(fmt::format("{:.3f}", moment.now))},
                                            {"day", arena.number(moment.day)},
                                            {"done", arena.number(static_cast<std::int64_t>(moment.done))},
                                            {"held", arena.array(held)},
                                            {"resting", arena.array(resting)},
                                            {"paused", arena.boolean(moment.paused)},
                                            {"speed", arena.number(fmt::format("{:g}", moment.speed))}});
    const fs::path beside = file.string() + ".new";
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out << json::write(value) << '\n';
    out.close();
    std::error_code error;
    if (out) fs::rename(beside, file, error);
    if (!out || error)
        return refuse(IssueCode::transient, file.string(), "cannot be written, see to the disk and its permissions");
    return Done{};
}

}  // namespace xinglin::server
