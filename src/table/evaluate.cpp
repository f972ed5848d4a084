// SPDX-License-Identifier: Apache-2.0
// Filling the bodies of a mapping. What holds nothing but constants beside empty cells is left out whole.
#include "table/evaluate.h"

#include <fmt/format.h>

namespace xinglin::table {

Evaluation::Evaluation(const Plan& plan, const message::Sender& sender, std::span<const std::vector<Value>> rows,
                       json::Arena& arena)
    : plan_(plan), sender_(sender), rows_(rows), arena_(arena) {}

bool Evaluation::holds(const Condition& condition, std::size_t row) const {
    const auto at = [&]() -> const Value& { return rows_[row][static_cast<std::size_t>(condition.column)]; };
    switch (condition.op) {
        case Condition::Op::always: return true;
        case Condition::Op::filled: return at().filled;
        case Condition::Op::is:
            return at().filled &&
                   (condition.values.contains(code_key(at().raw)) ||
                    (at().coded ? condition.values.contains(code_key(at().coding.code)) : condition.values.contains(at().text)));
        case Condition::Op::all:
            for (const Condition& part : condition.parts)
                if (!holds(part, row)) return false;
            return true;
        case Condition::Op::any:
            for (const Condition& part : condition.parts)
                if (holds(part, row)) return true;
            return false;
        case Condition::Op::negated: return !holds(condition.parts.front(), row);
    }
    return false;
}

std::string Evaluation::words(const Node& node, std::size_t row) {
    switch (node.op) {
        case Op::constant: return std::string(node.constant.text());
        case Op::column: return as_text(rows_[row][static_cast<std::size_t>(node.column)], node.part);
        case Op::sender: return sender_.name.empty() ? sender_.id : sender_.name;
        case Op::own_system: return message::own_system(sender_, node.text);
        case Op::words: {
            std::string out;
            bool any = !node.dynamic;
            for (const auto& [before, column] : node.holes) {
                out += before;
                if (column < 0 || !rows_[row][static_cast<std::size_t>(column)].filled) continue;
                out += rows_[row][static_cast<std::size_t>(column)].raw;
                any = true;
            }
            return any ? out : "";
        }
        case Op::first:
            for (const Node& item : node.items)
                if (std::string out = words(item, row); !out.empty()) return out;
            return "";
        case Op::choice:
            if (holds(node.condition, row)) return words(node.items.front(), row);
            return node.items.size() > 1 ? words(node.items[1], row) : "";
        default: return "";
    }
}

std::string Evaluation::id_of(const ResourcePlan& resource, std::size_t row) {
    for (const auto& key : resource.keys) {
        std::string all;
        bool whole = true;
        for (const Node& part : key) {
            const std::string text = words(part, row);
            if (text.empty()) whole = false;
            if (!all.empty()) all += '^';
            all += text;
        }
        if (whole) return message::stable_id(sender_.id, resource.type->name, all);
    }
    return "";
}

Result<Done> Evaluation::identify() {
    for (const ResourcePlan& resource : plan_.resources) {
        auto& ids = ids_.emplace_back();
        const std::size_t count = resource.each_row ? rows_.size() : 1;
        for (std::size_t row = 0; row < count; ++row) {
            if (!holds(resource.when, row)) {
                ids.emplace_back();
            } else if (resource.is_sender) {
                ids.push_back(sender_.organization.empty() ? message::stable_id(sender_.id, "Organization", "sender")
                                                           : sender_.organization);
            } else {
                ids.push_back(id_of(resource, row));
                if (ids.back().empty())
                    return refuse(IssueCode::required, "",
                                  fmt::format("nothing tells this {} from others: the cells that its key is made of "
                                              "are empty; fill them in",
                                              resource.name));
            }
        }
    }
    return Done{};
}

json::Value Evaluation::reference(std::size_t resource, std::size_t row) {
    if (!exists(resource, row)) return {};
    return arena_.object(
        {{"reference", arena_.string(fmt::format("{}/{}", plan_.resources[resource].type->name, id(resource, row)))}});
}

json::Value Evaluation::list(const Node& node, std::size_t row) {
    std::vector<json::Value> items;
    if (node.op == Op::array) {
        for (const Node& item : node.items)
            if (const json::Value one = value(item, row)) items.push_back(one);
    } else if (node.op == Op::rows) {
        for (std::size_t each = 0; each < rows_.size(); ++each)
            if (const json::Value one = value(node.items.front(), each)) items.push_back(one);
    } else {
        const auto resource = static_cast<std::size_t>(node.resource);
        const std::size_t count = plan_.resources[resource].each_row ? rows_.size() : 1;
        for (std::size_t each = 0; each < count; ++each)
            if (const json::Value one = reference(resource, each)) items.push_back(one);
    }
    return items.empty() ? json::Value() : arena_.array(items);
}

json::Value Evaluation::object(const Node& node, std::size_t row, bool whole) {
    std::vector<std::pair<std::string_view, json::Value>> members;
    bool any = whole || !node.dynamic;
    if (whole) members.emplace_back("resourceType", arena_.string(node.type->name));
    for (const auto& [key, member] : node.members) {
        const json::Value one = value(member, row);
        if (!one) continue;
        any = any || member.dynamic;
        members.emplace_back(key, one);
    }
    return any ? arena_.object(members) : json::Value();
}

json::Value Evaluation::value(const Node& node, std::size_t row) {
    switch (node.op) {
        case Op::constant: return node.constant;
        case Op::column: {
            const auto column = static_cast<std::size_t>(node.column);
            return rendered(rows_[row][column], node.part, plan_.columns[column].kind, *node.type, arena_);
        }
        case Op::words:
        case Op::sender:
        case Op::own_system: {
            const std::string text = words(node, row);
            return text.empty() ? json::Value() : arena_.string(text);
        }
        case Op::first:
            for (const Node& item : node.items)
                if (const json::Value one = value(item, row)) return one;
            return {};
        case Op::choice:
            if (holds(node.condition, row)) return value(node.items.front(), row);
            return node.items.size() > 1 ? value(node.items[1], row) : json::Value();
        case Op::reference: return reference(static_cast<std::size_t>(node.resource), row);
        case Op::object: return object(node, row, false);
        default: return list(node, row);
    }
}

json::Value Evaluation::body(std::size_t resource, std::size_t row) { return object(plan_.resources[resource].body, row, true); }

}  // namespace xinglin::table
