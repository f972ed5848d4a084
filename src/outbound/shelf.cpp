// SPDX-License-Identifier: Apache-2.0
// Channels as content, each with examples of what goes out and what does not.
#include <fmt/format.h>

#include "fhir/fhir.h"
#include "outbound/channel.h"
#include "outbound/match.h"
#include "outbound/networks.h"
#include "outbound/render.h"

namespace xinglin::outbound {

namespace {

constexpr std::int64_t example_ms = 1'795'305'600'000;  // 2026-11-22T00:00:00Z
constexpr std::string_view example_control_id = "EXAMPLE0000000001";

/// The file without what is for its readers.
json::Value definition_of(json::Value file, json::Arena& arena) {
    return arena.with(arena.with(file, "about", {}), "examples", {});
}

Result<Channel> channel_of(std::string_view text, json::Arena& arena, json::Value* file = nullptr) {
    XINGLIN_TRY(const json::Value value, json::parse(text, arena));
    if (file != nullptr) *file = value;
    Channel base;
    base.mode = Mode::off;
    XINGLIN_TRY(Channel channel, read_channel(definition_of(value, arena), base, true));
    channel.built_in = true;
    return channel;
}

/// "" when the example holds.
std::string judge(const Compiled& compiled, const hl7v2::Tables& tables, const content::Files& files, json::Value example) {
    const Secrets none("/nonexistent");
    Renderer renderer(compiled, &tables, files, none, [](auto, auto, auto) { return std::nullopt; });
    if (example["says"].string().empty()) return "says: is missing, say in a sentence what the example shows";
    json::Value focus;
    for (const json::Node& node : example["resources"].items()) {
        const json::Value resource(&node);
        if (const Outcome sound = fhir::validate(resource); !sound.ok()) return "resources: " + sound.line();
        if (!focus) focus = resource;  // the first is what goes out; it may refer to the others
        renderer.know(resource["resourceType"].string(), resource["id"].string(), json::write(resource));
    }
    const std::string name(focus["resourceType"].string());
    const fhir::Type* type = fhir::find_resource(name);
    if (type == nullptr) return "resources: must hold at least one resource";
    std::string why;
    const bool goes = compiled.judge(*type, focus, &why) == Compiled::Verdict::yes;
    const json::Value expected = example["becomes"];
    if (expected.is_null()) return goes ? "becomes: says that it does not go out, but it does" : "";
    if (!goes) return "becomes: it does not go out: " + why;
    if (!expected.is_string()) return "becomes: must be the text that is sent, or null";
    const Item item{1, name, std::string(focus["id"].string()), 1, false};
    const auto payload = renderer.render({item}, example_ms, example_control_id);
    if (!payload.ok()) return "becomes: " + payload.outcome().line();
    if (payload->bytes == expected.string()) return "";
    std::string shown;
    json::write_string(payload->bytes, shown);
    return "becomes: differs, it becomes " + shown;
}

}  // namespace

Result<std::vector<Channel>> shelf(const content::Files& files) {
    std::vector<Channel> all;
    for (const std::string& path : files.list("outbound", ".json")) {
        const auto text = files.read(path);
        if (!text || text->empty()) continue;
        json::Arena arena;
        auto channel = channel_of(*text, arena);
        if (!channel.ok()) return refuse(IssueCode::invalid, path, channel.outcome().line());
        all.push_back(std::move(*channel));
    }
    return all;
}

void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    ++checked;
    if (const auto networks = ReceiverNetworks::read(files); !networks.ok())
        complaints.push_back(
            {"access/networks.json", networks.outcome().issues.front().where, networks.outcome().issues.front().what});
    const auto tables = hl7v2::Tables::load(files);
    if (!tables.ok()) return;  // said by the checker of mappings
    for (const std::string& path : files.list("outbound", ".json")) {
        ++checked;
        json::Arena arena;
        json::Value file;
        const auto channel = channel_of(files.read(path).value_or(""), arena, &file);
        if (!channel.ok()) {
            const Issue& issue = channel.outcome().issues.front();
            complaints.push_back({path, issue.where, issue.what});
            continue;
        }
        const auto compiled = Compiled::make(*channel);
        if (!compiled.ok()) {
            complaints.push_back({path, "filter", compiled.outcome().line()});
            continue;
        }
        if (file["examples"].size() == 0)
            complaints.push_back({path, "examples", "are missing; show what goes out and what does not"});
        std::size_t number = 0;
        for (const json::Node& node : file["examples"].items()) {
            const std::string wrong = judge(**compiled, *tables, files, json::Value(&node));
            if (!wrong.empty()) complaints.push_back({path, fmt::format("examples[{}]", number), wrong});
            ++number;
        }
    }
}

}  // namespace xinglin::outbound
