// SPDX-License-Identifier: Apache-2.0
// A message in words: the segments, their fields, what the codes mean.
#include <fmt/format.h>

#include "hl7v2/hl7v2.h"

namespace xinglin::hl7v2 {

namespace {

std::string meaning_of(const Tables& tables, const Message& m, const Tables::Words& words, std::string_view raw) {
    if (words.table.empty()) return {};
    std::string_view code = raw.substr(0, raw.find(m.delimiters.repetition));
    code = code.substr(0, code.find(m.delimiters.component));
    const Tables::Target* target = tables.target(words.table + "CN", code);
    if (!target) target = tables.target(words.table, code);
    if (!target) return {};
    return target->display.empty() ? target->code : target->display;
}

bool is_blank(std::string_view raw, const Delimiters& d) {
    for (const char c : raw) {
        if (c != ' ' && c != d.component && c != d.subcomponent && c != d.repetition) return false;
    }
    return true;
}

}  // namespace

Result<Explanation> explain(std::string_view bytes, const message::Sender& sender, const Tables& tables) {
    XINGLIN_TRY(const Message message, read(bytes, sender));
    Explanation out;
    if (auto facts = facts_of(message, sender); facts.ok()) out.facts = std::move(*facts);
    out.encoding = message.encoding;
    for (const Segment& segment : message.segments) {
        SegmentWords words{std::string(segment.name), {}, {}, {}};
        if (const Tables::Words* const known = tables.words(segment.name)) {
            words.title = known->name;
            words.title_zh = known->name_zh;
        }
        for (std::uint32_t number = 1; number <= segment.count; ++number) {
            const std::string_view raw = message.field(segment, number);
            const bool is_delimiters = segment.name == "MSH" && number <= 2;
            if (raw.empty() || (!is_delimiters && is_blank(raw, message.delimiters))) continue;
            FieldWords field{
                message.place(segment, number), {}, {}, is_delimiters ? std::string(raw) : unescape(raw, message.delimiters), {}};
            if (const Tables::Words* const known = tables.words(fmt::format("{}-{}", segment.name, number))) {
                field.name = known->name;
                field.name_zh = known->name_zh;
                field.meaning = meaning_of(tables, message, *known, raw);
            }
            words.fields.push_back(std::move(field));
        }
        out.segments.push_back(std::move(words));
    }
    return out;
}

json::Value segments_json(const Explanation& words, json::Arena& arena) {
    std::vector<json::Value> segments;
    for (const SegmentWords& segment : words.segments) {
        std::vector<json::Value> fields;
        for (const FieldWords& field : segment.fields) {
            fields.push_back(arena.object({{"place", arena.string(field.place)},
                                           {"name", arena.string(field.name)},
                                           {"name_zh", arena.string(field.name_zh)},
                                           {"value", arena.string(field.value)},
                                           {"meaning", arena.string(field.meaning)}}));
        }
        segments.push_back(arena.object({{"name", arena.string(segment.name)},
                                         {"title", arena.string(segment.title)},
                                         {"title_zh", arena.string(segment.title_zh)},
                                         {"fields", arena.array(fields)}}));
    }
    return arena.array(segments);
}

}  // namespace xinglin::hl7v2
