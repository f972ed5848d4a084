// SPDX-License-Identifier: Apache-2.0
// Trees are never changed: what is made shares everything off the way to the place.
#include "patch/place.h"

#include <charconv>

namespace xinglin::patch {

namespace {

json::Value child(json::Value tree, const Stride& stride) {
    if (!stride.is_index) return tree.find(stride.key);
    return tree.is_array() && stride.index < tree.size() ? tree[stride.index] : json::Value();
}

json::Value with_item(json::Value array, std::size_t index, json::Value value, bool insert, json::Arena& arena) {
    std::vector<json::Value> items;
    items.reserve(array.size() + 1);
    for (std::size_t i = 0; i < array.size(); ++i) {
        if (i == index && value) items.push_back(value);
        if (i != index || insert) items.push_back(array[i]);
    }
    if (index >= array.size() && value) items.push_back(value);
    return arena.array(items);
}

json::Value put_from(json::Value tree, const Place& place, std::size_t depth, json::Value value, json::Arena& arena) {
    if (depth == place.size()) return value;
    const Stride& stride = place[depth];
    const json::Value below = child(tree, stride);
    const json::Value changed = put_from(below, place, depth + 1, value, arena);
    return stride.is_index ? with_item(tree, stride.index, changed, false, arena) : arena.with(tree, stride.key, changed);
}

bool find_from(json::Value tree, json::Value node, Place& place) {
    if (tree == node) return true;
    const auto try_child = [&](json::Value below, Stride stride) {
        place.push_back(std::move(stride));
        if (find_from(below, node, place)) return true;
        place.pop_back();
        return false;
    };
    for (std::size_t i = 0; tree.is_array() && i < tree.size(); ++i) {
        if (try_child(tree[i], {"", i, true})) return true;
    }
    for (const json::Member& member : tree.members()) {
        if (try_child(member.value(), {std::string(member.key()), 0, false})) return true;
    }
    return false;
}

/// A number as sign, digits without zeros at either end, and the power of ten of the first.
struct Decimal {
    bool negative = false;
    std::string digits;
    std::int64_t power = 0;
    bool operator==(const Decimal&) const = default;
};

Decimal decimal(std::string_view text) {
    Decimal number;
    std::int64_t exponent = 0, point = -1;
    std::size_t i = 0;
    if (text.starts_with('-')) number.negative = true, ++i;
    for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
        if (text[i] == '.') point = static_cast<std::int64_t>(number.digits.size());
        else number.digits += text[i];
    }
    if (i < text.size()) {
        std::string_view written = text.substr(i + 1);
        if (written.starts_with('+')) written.remove_prefix(1);
        std::from_chars(written.data(), written.data() + written.size(), exponent);
    }
    number.power = (point < 0 ? static_cast<std::int64_t>(number.digits.size()) : point) + exponent;
    const std::size_t first = number.digits.find_first_not_of('0');
    if (first == std::string::npos) return {};  // zero has no sign
    number.digits.erase(0, first);
    number.power -= static_cast<std::int64_t>(first);
    number.digits.erase(number.digits.find_last_not_of('0') + 1);
    return number;
}

}  // namespace

json::Value at(json::Value tree, const Place& place) {
    for (const Stride& stride : place) tree = tree ? child(tree, stride) : tree;
    return tree;
}

json::Value put(json::Value tree, const Place& place, json::Value value, json::Arena& arena) {
    return put_from(tree, place, 0, value, arena);
}

json::Value insert(json::Value tree, const Place& list, std::size_t index, json::Value value, json::Arena& arena) {
    return put(tree, list, with_item(at(tree, list), index, value, true, arena), arena);
}

std::optional<Place> find(json::Value tree, json::Value node) {
    Place place;
    if (!node || !find_from(tree, node, place)) return std::nullopt;
    return place;
}

std::size_t weight(json::Value tree, std::size_t most) {
    std::size_t count = 1;
    for (const json::Node& node : tree.items()) {
        if (count >= most) return count;
        count += weight(json::Value(&node), most - count);
    }
    for (const json::Member& member : tree.members()) {
        if (count >= most) return count;
        count += weight(member.value(), most - count);
    }
    return count;
}

bool equal(json::Value a, json::Value b) {
    if (a == b) return true;
    if (!a || !b || a.kind() != b.kind() || a.size() != b.size()) return false;
    switch (a.kind()) {
        case json::Kind::null: return true;
        case json::Kind::boolean: return a.as_bool() == b.as_bool();
        case json::Kind::number: return decimal(a.text()) == decimal(b.text());
        case json::Kind::string: return a.text() == b.text();
        case json::Kind::array:
            for (std::size_t i = 0; i < a.size(); ++i) {
                if (!equal(a[i], b[i])) return false;
            }
            return true;
        case json::Kind::object:
            for (const json::Member& member : a.members()) {
                if (!equal(member.value(), b.find(member.key()))) return false;
            }
            return true;
    }
    return false;
}

}  // namespace xinglin::patch
