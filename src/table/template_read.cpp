// SPDX-License-Identifier: Apache-2.0
// The right-hand sides of a mapping: constants, "$column", and the few operations that begin with "$".
#include <fmt/format.h>

#include <algorithm>

#include "table/plan.h"
#include "text/text.h"

namespace xinglin::table {

namespace {

struct PartName {
    std::string_view name;
    Part part;
    Kind kind;
    bool any_kind;
};
constexpr PartName parts[] = {
    {"birth_date", Part::birth_date, Kind::resident_id, false},
    {"sex", Part::sex, Kind::resident_id, false},
    {"code", Part::code, Kind::code, false},
    {"display", Part::display, Kind::code, false},
    {"system", Part::system, Kind::code, false},
    {"unit", Part::unit, Kind::number, false},
    {"date", Part::date, Kind::date_time, false},
    {"text", Part::as_written, Kind::text, true},
};

/// "$name" or "$name.part" without its "$".
void read_column(std::string_view text, const Plan& plan, Node& node, Findings& findings) {
    const std::size_t point = text.find('.');
    const std::string_view name = text.substr(0, point);
    node.op = Op::column;
    node.dynamic = true;
    node.column = plan.column(name);
    if (node.column < 0)
        return findings.add(node.where, "unknown-column",
                            fmt::format("there is no column \"{}\"; declare it under columns", name));
    if (point == std::string_view::npos) return;
    const std::string_view part = text.substr(point + 1);
    const Kind kind = plan.columns[static_cast<std::size_t>(node.column)].kind;
    for (const PartName& one : parts) {
        if (one.name != part) continue;
        node.part = one.part;
        if (!one.any_kind && one.kind != kind)
            findings.add(node.where, "wrong-type",
                         fmt::format("\".{}\" is a part of columns of kind {}, but {} is of kind {}", part, table::text(one.kind),
                                     name, table::text(kind)));
        return;
    }
    findings.add(node.where, "unknown-column",
                 fmt::format("a column has no part \"{}\"; there are birth_date, sex, code, display, "
                             "system, unit, date, text",
                             part));
}

Node read_string(json::Value value, const Plan& plan, Node node, Findings& findings) {
    const std::string_view text = value.string();
    if (text == "$sender") {
        node.op = Op::sender;
    } else if (text.starts_with("$$")) {
        node.constant = value;
        node.text = text.substr(1);
        node.op = Op::words;  // words without a hole: the text itself
        node.holes.emplace_back(node.text, -1);
    } else if (text.starts_with('$')) {
        read_column(text.substr(1), plan, node, findings);
    } else {
        node.constant = value;
    }
    return node;
}

/// "{drug} {dose}" with holes for columns.
void read_words(std::string_view text, const Plan& plan, Node& node, Findings& findings) {
    node.op = Op::words;
    node.dynamic = true;
    std::string before;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t close = text[i] == '{' ? text.find('}', i) : std::string_view::npos;
        if (close == std::string_view::npos) {
            before += text[i];
            continue;
        }
        const int column = plan.column(text.substr(i + 1, close - i - 1));
        if (column < 0)
            findings.add(node.where, "unknown-column",
                         fmt::format("there is no column \"{}\"", text.substr(i + 1, close - i - 1)));
        node.holes.emplace_back(std::move(before), column);
        before.clear();
        i = close;
    }
    node.holes.emplace_back(std::move(before), -1);
}

void read_reference(std::string_view name, const Plan& plan, Node& node, Op op, Findings& findings) {
    node.op = op;
    node.dynamic = true;
    node.resource = plan.resource(name);
    if (node.resource < 0)
        findings.add(node.where, "unknown-resource", fmt::format("there is no resource \"{}\" in this mapping", name));
}

void read_list(json::Value list, const Plan& plan, Node& node, Findings& findings) {
    std::size_t number = 0;
    for (const json::Node& item : list.items()) {
        node.items.push_back(read_node(json::Value(&item), plan, fmt::format("{}/{}", node.where, number++), findings));
        node.dynamic = node.dynamic || node.items.back().dynamic;
    }
}

/// {"$first": […]} and its like; false when the object is no operation.
bool read_operation(json::Value object, const Plan& plan, Node& node, Findings& findings) {
    const std::string_view key = object.members().front().key();
    const json::Value value = object.members().front().value();
    if (!key.starts_with('$')) return false;
    if (key == "$text") read_words(value.string(), plan, node, findings);
    else if (key == "$reference") read_reference(value.string(), plan, node, Op::reference, findings);
    else if (key == "$references") read_reference(value.string(), plan, node, Op::references, findings);
    else if (key == "$system") node.op = Op::own_system, node.text = value.string();
    else if (key == "$first") node.op = Op::first, read_list(value, plan, node, findings);
    else if (key == "$rows") {
        node.op = Op::rows;
        node.items.push_back(read_node(value, plan, node.where + "/$rows", findings));
        node.dynamic = true;
    } else if (key == "$if") {
        node.op = Op::choice;
        node.dynamic = true;
        node.condition = read_condition(value, plan, node.where + "/$if", findings);
        for (const std::string_view branch : {"then", "else"}) {
            if (object[branch])
                node.items.push_back(read_node(object[branch], plan, fmt::format("{}/{}", node.where, branch), findings));
            else if (branch == "then") findings.add(node.where, "missing-required", "\"$if\" needs \"then\"");
        }
    } else {
        findings.add(node.where, "unknown-member",
                     fmt::format("there is no operation \"{}\"; there are $text, $reference, $references, "
                                 "$first, $if, $rows, $system",
                                 key));
    }
    return true;
}

/// "name[0]" → "name", 0; an index of -1 where none was written.
std::pair<std::string_view, int> step_of(std::string_view step) {
    const std::size_t open = step.find('[');
    if (open == std::string_view::npos || step.back() != ']' || step.size() - open > 4 || step.size() - open < 3)
        return {step, -1};
    int index = 0;
    for (const char c : step.substr(open + 1, step.size() - open - 2)) {
        if (c < '0' || c > '9') return {step, -1};
        index = index * 10 + (c - '0');
    }
    return {step.substr(0, open), index};
}

Node& member_of(Node& object, std::string_view key) {
    for (auto& [name, node] : object.members)
        if (name == key) return node;
    object.members.emplace_back(std::string(key), Node{});
    Node& node = object.members.back().second;
    node.where = object.where + "/" + std::string(key);
    return node;
}

/// Puts a node where a path of the mapping says; false when something else stands there already.
bool place(Node& body, std::string_view path, Node leaf) {
    Node* at = &body;
    const auto steps = text::split(path, '.');
    for (std::size_t i = 0; i < steps.size(); ++i) {
        at->op = Op::object;
        at->dynamic = at->dynamic || leaf.dynamic;
        const auto [name, index] = step_of(steps[i]);
        const bool is_new =
            std::none_of(at->members.begin(), at->members.end(), [&n = name](const auto& one) { return one.first == n; });
        at = &member_of(*at, name);
        if (!is_new && at->op == Op::constant && at->constant) return false;
        if (index >= 0) {
            if (!is_new && at->op != Op::array) return false;
            at->op = Op::array;
            at->dynamic = at->dynamic || leaf.dynamic;
            if (static_cast<std::size_t>(index) > at->items.size()) return false;
            const bool fresh = static_cast<std::size_t>(index) == at->items.size();
            if (fresh) at->items.emplace_back().where = fmt::format("{}[{}]", at->where, index);
            at = &at->items[static_cast<std::size_t>(index)];
            if (!fresh && (i + 1 == steps.size() || at->op != Op::object)) return false;
        } else if (!is_new && (i + 1 == steps.size() || at->op != Op::object)) {
            return false;
        }
    }
    const std::string where = at->where;
    *at = std::move(leaf);
    at->where = where;
    return true;
}

}  // namespace

Node read_node(json::Value value, const Plan& plan, const std::string& where, Findings& findings) {
    Node node;
    node.where = where;
    if (value.is_string()) return read_string(value, plan, std::move(node), findings);
    if (value.is_array()) {
        node.op = Op::array;
        read_list(value, plan, node, findings);
        return node;
    }
    if (!value.is_object() || value.size() == 0) {
        node.constant = value;
        return node;
    }
    if (read_operation(value, plan, node, findings)) return node;
    node.op = Op::object;
    for (const json::Member& member : value.members()) {
        Node one = read_node(member.value(), plan, fmt::format("{}/{}", where, member.key()), findings);
        node.dynamic = node.dynamic || one.dynamic;
        node.members.emplace_back(std::string(member.key()), std::move(one));
    }
    return node;
}

Condition read_condition(json::Value value, const Plan& plan, const std::string& where, Findings& findings) {
    Condition condition;
    if (!value) return condition;
    const auto column = [&](std::string_view name) {
        condition.column = plan.column(name);
        if (condition.column < 0) findings.add(where, "unknown-column", fmt::format("there is no column \"{}\"", name));
    };
    if (value.string().starts_with('$')) {
        condition.op = Condition::Op::filled;
        column(value.string().substr(1));
    } else if (value.is_array() || value["any"].is_array()) {
        condition.op = value.is_array() ? Condition::Op::all : Condition::Op::any;
        for (const json::Node& item : (value.is_array() ? value : value["any"]).items())
            condition.parts.push_back(read_condition(json::Value(&item), plan, where, findings));
    } else if (value["not"] && !value["column"]) {
        condition.op = Condition::Op::negated;
        condition.parts.push_back(read_condition(value["not"], plan, where, findings));
    } else if (value["column"].is_string() && value["is"].is_array()) {
        condition.op = Condition::Op::is;
        column(value["column"].string());
        for (const json::Node& item : value["is"].items()) condition.values.insert(code_key(json::Value(&item).text()));
    } else {
        findings.add(where, "condition",
                     R"(a condition is "$column", {"column":…,"is":[…]}, {"not":…}, {"any":[…]} or a list of these)");
    }
    return condition;
}

Node read_body(json::Value set, const Plan& plan, const std::string& where, Findings& findings) {
    Node body;
    body.op = Op::object;
    body.where = where;
    for (const json::Member& member : set.members()) {
        const std::string here = fmt::format("{}/{}", where, member.key());
        if (!place(body, member.key(), read_node(member.value(), plan, here, findings)))
            findings.add(here, "path", "this path meets another one of this resource; number items from [0] on, without a gap");
    }
    return body;
}

}  // namespace xinglin::table
