// SPDX-License-Identifier: Apache-2.0
// Rulings as Basic resources and back.
#include "person/ruling.h"

#include <algorithm>

namespace xinglin::person {

namespace {

constexpr std::string_view extension_url = "urn:xinglin:extension:person-ruling";
constexpr std::size_t most_members = 200;
constexpr std::string_view kinds[] = {"link", "apart", "split", "undo", "claim", "release", "later", "propose", "fill"};

json::Value part(json::Arena& arena, std::string_view url, std::string_view text) {
    return arena.object({{"url", arena.string(url)}, {"valueString", arena.string(text)}});
}

}  // namespace

std::string basic_of(const Ruling& ruling, std::string_view id) {
    json::Arena arena;
    std::vector<json::Value> parts;
    const auto add = [&](std::string_view url, std::string_view text) {
        if (!text.empty()) parts.push_back(part(arena, url, text));
    };
    add("a", ruling.a);
    add("b", ruling.b);
    for (const std::string& member : ruling.members) add("member", member);
    add("target", ruling.target);
    add("proposal", ruling.proposal);
    add("why", ruling.why);
    const json::Value coding = arena.object({{"system", arena.string(ruling_system)}, {"code", arena.string(ruling.kind)}});
    std::vector<std::pair<std::string_view, json::Value>> members{{"resourceType", arena.string("Basic")},
                                                                  {"id", arena.string(id)}};
    if (!parts.empty())
        members.emplace_back(
            "extension", arena.array({arena.object({{"extension", arena.array(parts)}, {"url", arena.string(extension_url)}})}));
    members.emplace_back("code", arena.object({{"coding", arena.array({coding})}}));
    if (!ruling.who.empty()) members.emplace_back("author", arena.object({{"display", arena.string(ruling.who)}}));
    return json::write(arena.object(members));
}

std::optional<Ruling> ruling_of(json::Value basic) {
    const json::Value coding = basic["code"]["coding"][std::size_t{0}];
    if (coding["system"].string() != ruling_system) return std::nullopt;
    Ruling ruling;
    ruling.kind = coding["code"].string();
    if (std::find(std::begin(kinds), std::end(kinds), ruling.kind) == std::end(kinds)) return std::nullopt;
    ruling.who = basic["author"]["display"].string();
    for (const json::Node& node : basic["extension"].items()) {
        const json::Value each(&node);
        if (each["url"].string() != extension_url) continue;
        for (const json::Node& inner : each["extension"].items()) {
            const json::Value one(&inner);
            const std::string_view url = one["url"].string(), text = one["valueString"].string();
            if (url == "a") ruling.a = text;
            if (url == "b") ruling.b = text;
            if (url == "member" && ruling.members.size() < most_members) ruling.members.emplace_back(text);
            if (url == "target") ruling.target = text;
            if (url == "proposal") ruling.proposal = text;
            if (url == "why") ruling.why = text;
        }
    }
    return ruling;
}

}  // namespace xinglin::person
