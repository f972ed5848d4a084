// SPDX-License-Identifier: Apache-2.0
// A tree as text again, fully parenthesised where precedence could matter.
#include <fmt/format.h>

#include "fhirpath/plain.h"
#include "fhirpath/tree.h"

namespace xinglin::fhirpath {

namespace {

std::string quoted(std::string_view text, char quote) {
    std::string out(1, quote);
    for (const char c : text) {
        switch (c) {
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            case '\f': out += "\\f"; break;
            case '\\': out += "\\\\"; break;
            default:
                if (c == quote) out += '\\';
                out += c;
        }
    }
    return out += quote;
}

std::string print_literal(const Item& item) {
    switch (item.kind) {
        case Item::Kind::boolean: return item.boolean ? "true" : "false";
        case Item::Kind::integer:
            return item.integer > INT32_MAX ? fmt::format("{}L", item.integer) : std::to_string(item.integer);
        case Item::Kind::string: return quoted(item.text, '\'');
        case Item::Kind::date: return "@" + item.text;
        case Item::Kind::date_time: return "@" + item.text + (item.text.find('T') == std::string::npos ? "T" : "");
        case Item::Kind::time: return "@T" + item.text;
        case Item::Kind::quantity:
            return calendar_unit(item.unit) ? fmt::format("{} {}", item.text, item.unit)
                                            : fmt::format("{} {}", item.text, quoted(item.unit, '\''));
        default: return item.text;
    }
}

std::string print_type(const TypeName& type) {
    std::string name;
    std::string_view rest = type.name;
    for (;;) {
        const std::size_t dot = rest.find('.');
        name += quoted(rest.substr(0, dot), '`');
        if (dot == std::string_view::npos) break;
        name += '.';
        rest.remove_prefix(dot + 1);
    }
    return type.name_space.empty() ? name : type.name_space + "." + name;
}

std::string print_arguments(const Node& node) {
    if (node.kind == Node::Kind::function && !node.type.name.empty()) return print_type(node.type);
    std::string out;
    for (const NodePtr& argument : node.arguments) {
        if (!out.empty()) out += ", ";
        out += argument->descending ? "-" + fmt::format("({})", print(*argument)) : print(*argument);
    }
    return out;
}

}  // namespace

std::string print(const Node& node) {
    const auto focus = [&node] { return node.focus ? print(*node.focus) : std::string(); };
    const std::string dot = node.focus ? "." : "";
    switch (node.kind) {
        case Node::Kind::empty: return "{}";
        case Node::Kind::literal: return fmt::format("({})", print_literal(node.literal));
        case Node::Kind::this_item: return "$this";
        case Node::Kind::index: return "$index";
        case Node::Kind::total: return "$total";
        case Node::Kind::variable: return "%" + quoted(node.name, '`');
        case Node::Kind::member: return focus() + dot + quoted(node.name, '`');
        case Node::Kind::function: return fmt::format("{}{}{}({})", focus(), dot, quoted(node.name, '`'), print_arguments(node));
        case Node::Kind::indexer: return fmt::format("{}[{}]", focus(), print_arguments(node));
        case Node::Kind::negate: return fmt::format("(-{})", focus());
        case Node::Kind::plus: return fmt::format("(+{})", focus());
        case Node::Kind::binary: return fmt::format("({} {} {})", focus(), symbol(node.operation), print(*node.arguments[0]));
        case Node::Kind::is_type: return fmt::format("({} is {})", focus(), print_type(node.type));
        case Node::Kind::as_type: return fmt::format("({} as {})", focus(), print_type(node.type));
    }
    return {};
}

}  // namespace xinglin::fhirpath
