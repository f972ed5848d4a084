// SPDX-License-Identifier: Apache-2.0
// The JSON value, its arena, and the writer.
#include "json/json.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace xinglin::json {

Kind Value::kind() const { return node_ ? node_->kind : Kind::null; }
bool Value::as_bool() const { return node_ && node_->kind == Kind::boolean && node_->boolean; }

std::string_view Value::text() const {
    if (!node_) return {};
    switch (node_->kind) {
        case Kind::boolean: return node_->boolean ? "true" : "false";
        case Kind::number:
        case Kind::string: return {node_->text, node_->size};
        default: return {};
    }
}

std::string_view Value::string() const { return is_string() ? std::string_view{node_->text, node_->size} : std::string_view{}; }

std::size_t Value::size() const { return is_array() || is_object() ? node_->size : 0; }

Value Value::operator[](std::size_t index) const {
    return is_array() && index < node_->size ? Value(node_->items + index) : Value();
}

Value Value::operator[](std::string_view key) const {
    for (const Member& member : members()) {
        if (member.key() == key) return member.value();
    }
    return {};
}

std::span<const Node> Value::items() const {
    if (!is_array()) return {};
    return {node_->items, node_->size};
}

std::span<const Member> Value::members() const {
    if (!is_object()) return {};
    return {node_->members, node_->size};
}

struct Arena::Block {
    std::unique_ptr<Block> next;
    std::size_t size = 0;
    std::unique_ptr<char[]> memory;

    ~Block() {  // a long chain must not recurse
        while (next) next = std::move(next->next);
    }
};

Arena::Arena() = default;
Arena::Arena(Arena&& other) noexcept { *this = std::move(other); }
Arena& Arena::operator=(Arena&& other) noexcept {
    blocks_ = std::move(other.blocks_);
    at_ = std::exchange(other.at_, nullptr);
    end_ = std::exchange(other.end_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
}
Arena::~Arena() = default;

std::size_t Arena::bytes() const { return bytes_; }

void Arena::clear() {
    if (!blocks_) return;
    while (blocks_->next) blocks_ = std::move(blocks_->next);
    at_ = blocks_->memory.get();
    end_ = at_ + blocks_->size;
    bytes_ = blocks_->size;
}

void Arena::grow(std::size_t bytes) {
    const std::size_t usual = blocks_ ? std::min<std::size_t>(blocks_->size * 2, 1u << 20) : 8192;
    auto block = std::make_unique<Block>();
    block->size = std::max(bytes + 64, usual);
    block->memory = std::make_unique_for_overwrite<char[]>(block->size);
    at_ = block->memory.get();
    end_ = at_ + block->size;
    bytes_ += block->size;
    block->next = std::move(blocks_);
    blocks_ = std::move(block);
}

void* Arena::allocate(std::size_t bytes, std::size_t alignment) {
    auto aligned = [&] { return (reinterpret_cast<std::uintptr_t>(at_) + alignment - 1) & ~(alignment - 1); };
    if (!at_ || aligned() + bytes > reinterpret_cast<std::uintptr_t>(end_)) grow(bytes + alignment);
    char* place = reinterpret_cast<char*>(aligned());
    at_ = place + bytes;
    return place;
}

std::string_view Arena::keep(std::string_view text) {
    if (text.empty()) return "";
    char* place = static_cast<char*>(allocate(text.size(), 1));
    std::memcpy(place, text.data(), text.size());
    return {place, text.size()};
}

namespace {
Node* new_node(Arena& arena) { return new (arena.allocate(sizeof(Node), alignof(Node))) Node{}; }

Value text_node(Arena& arena, Kind kind, std::string_view text) {
    const std::string_view kept = arena.keep(text);
    Node* node = new_node(arena);
    node->kind = kind;
    node->text = kept.data();
    node->size = static_cast<std::uint32_t>(kept.size());
    return Value(node);
}
}  // namespace

Value Arena::null() { return Value(new_node(*this)); }

Value Arena::boolean(bool value) {
    Node* node = new_node(*this);
    node->kind = Kind::boolean;
    node->boolean = value;
    return Value(node);
}

Value Arena::number(std::string_view digits) { return text_node(*this, Kind::number, digits); }

Value Arena::number(std::int64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    return number(std::string_view(digits, static_cast<std::size_t>(end.ptr - digits)));
}

Value Arena::string(std::string_view text) { return text_node(*this, Kind::string, text); }

Value Arena::array(std::span<const Value> items) {
    auto* nodes = static_cast<Node*>(allocate(sizeof(Node) * std::max<std::size_t>(items.size(), 1), alignof(Node)));
    std::size_t count = 0;
    for (const Value& item : items) new (nodes + count++) Node(item ? *item.node() : Node{});
    Node* node = new_node(*this);
    node->kind = Kind::array;
    node->items = nodes;
    node->size = static_cast<std::uint32_t>(count);
    return Value(node);
}

Value Arena::array(std::initializer_list<Value> items) { return array(std::span(items.begin(), items.size())); }

Value Arena::object(std::span<const std::pair<std::string_view, Value>> members) {
    auto* made = static_cast<Member*>(allocate(sizeof(Member) * std::max<std::size_t>(members.size(), 1), alignof(Member)));
    std::size_t count = 0;
    for (const auto& [key, value] : members) {
        if (!value) continue;
        const std::string_view kept = keep(key);
        new (made + count++) Member{kept.data(), static_cast<std::uint32_t>(kept.size()), *value.node()};
    }
    Node* node = new_node(*this);
    node->kind = Kind::object;
    node->members = made;
    node->size = static_cast<std::uint32_t>(count);
    return Value(node);
}

Value Arena::object(std::initializer_list<std::pair<std::string_view, Value>> members) {
    return object(std::span(members.begin(), members.size()));
}

namespace {
using Members = std::vector<std::pair<std::string_view, Value>>;

Members members_of(Value object) {
    Members members;
    members.reserve(object.size() + 1);
    for (const Member& member : object.members()) members.emplace_back(member.key(), member.value());
    return members;
}

bool replaced(Members& members, std::string_view key, Value value) {
    for (auto& [name, old] : members) {
        if (name == key) {
            old = value;
            return true;
        }
    }
    return false;
}
}  // namespace

Value Arena::with(Value object_value, std::string_view key, Value member) {
    Members members = members_of(object_value);
    if (!replaced(members, key, member)) members.emplace_back(key, member);
    return object(members);
}

Value Arena::with_after(Value object_value, std::string_view after, std::string_view key, Value member) {
    Members members = members_of(object_value);
    if (!replaced(members, key, member)) {
        const auto place = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.first == after; });
        members.emplace(place == members.end() ? members.begin() : place + 1, key, member);
    }
    return object(members);
}

Value Arena::copy(Value value) {
    switch (value.kind()) {
        case Kind::boolean: return boolean(value.as_bool());
        case Kind::number: return number(value.text());
        case Kind::string: return string(value.text());
        case Kind::array: {
            std::vector<Value> items;
            items.reserve(value.size());
            for (const Node& item : value.items()) items.push_back(copy(Value(&item)));
            return array(items);
        }
        case Kind::object: {
            Members members;
            members.reserve(value.size());
            for (const Member& member : value.members()) members.emplace_back(member.key(), copy(member.value()));
            return object(members);
        }
        case Kind::null: break;
    }
    return value ? null() : Value();
}

void write_string(std::string_view text, std::string& out) {
    constexpr char hex[] = "0123456789abcdef";
    out += '"';
    std::size_t from = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out.append(text, from, i - from);
        from = i + 1;
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            default: out += "\\u00", out += hex[c >> 4], out += hex[c & 15];
        }
    }
    out.append(text, from);
    out += '"';
}

namespace {
// `indent` below zero writes compact.
void write_node(Value value, std::string& out, int indent) {
    const auto newline = [&](int levels) {
        if (indent >= 0) out += '\n', out.append(static_cast<std::size_t>(levels) * 2, ' ');
    };
    const int inner = indent < 0 ? indent : indent + 1;
    bool first = true;
    switch (value.kind()) {
        case Kind::null: out += "null"; return;
        case Kind::boolean:
        case Kind::number: out += value.text(); return;
        case Kind::string: write_string(value.text(), out); return;
        case Kind::array:
            out += '[';
            for (const Node& item : value.items()) {
                if (!std::exchange(first, false)) out += ',';
                newline(inner);
                write_node(Value(&item), out, inner);
            }
            if (!first) newline(indent);
            out += ']';
            return;
        case Kind::object:
            out += '{';
            for (const Member& member : value.members()) {
                if (!std::exchange(first, false)) out += ',';
                newline(inner);
                write_string(member.key(), out);
                out += indent < 0 ? ":" : ": ";
                write_node(member.value(), out, inner);
            }
            if (!first) newline(indent);
            out += '}';
            return;
    }
}
}  // namespace

void write(Value value, std::string& out) { write_node(value, out, -1); }

std::string write(Value value) {
    std::string out;
    write(value, out);
    return out;
}

std::string write_pretty(Value value) {
    std::string out;
    write_node(value, out, 0);
    return out;
}

bool identical(Value a, Value b) {
    if (a.kind() != b.kind() || static_cast<bool>(a) != static_cast<bool>(b)) return false;
    if (!a.is_array() && !a.is_object()) return a.text() == b.text();
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a.is_array()
                ? !identical(a[i], b[i])
                : a.members()[i].key() != b.members()[i].key() || !identical(a.members()[i].value(), b.members()[i].value())) {
            return false;
        }
    }
    return true;
}

bool same_content(Value a, Value b) {
    if (a.kind() != b.kind() || static_cast<bool>(a) != static_cast<bool>(b)) return false;
    if (!a.is_array() && !a.is_object()) return a.text() == b.text();
    if (a.size() != b.size()) return false;
    if (a.is_array()) {
        for (std::size_t i = 0; i < a.size(); ++i) {
            if (!same_content(a[i], b[i])) return false;
        }
        return true;
    }
    for (const Member& member : a.members()) {
        const Value other = b[member.key()];
        if (!other || !same_content(member.value(), other)) return false;
    }
    return true;
}

}  // namespace xinglin::json
