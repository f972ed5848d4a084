// SPDX-License-Identifier: Apache-2.0
// JSON as FHIR needs it: member order and the digits of every number are kept.
//
// A Value is a two-word handle on a node in an Arena: cheap to copy, never changed after it is made, valid while its
// Arena lives. Changing means building a new node that shares the old children (Arena::with, Arena::object).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::json {

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

struct Node;
struct Member;

/// A handle on a node, or nothing (`!value`). Every question may be asked of nothing: it answers "no", "" or 0.
class Value {
public:
    Value() = default;
    explicit Value(const Node* node) : node_(node) {}

    explicit operator bool() const { return node_ != nullptr; }
    const Node* node() const { return node_; }
    bool operator==(const Value& other) const { return node_ == other.node_; }  // same node, not same content

    Kind kind() const;  // of nothing: null
    bool is_null() const { return node_ && kind() == Kind::null; }
    bool is_boolean() const { return node_ && kind() == Kind::boolean; }
    bool is_number() const { return node_ && kind() == Kind::number; }
    bool is_string() const { return node_ && kind() == Kind::string; }
    bool is_array() const { return node_ && kind() == Kind::array; }
    bool is_object() const { return node_ && kind() == Kind::object; }
    bool is_primitive() const { return node_ && kind() <= Kind::string; }

    bool as_bool() const;                          // false unless `true`
    std::string_view text() const;                 // a string's content, a number's digits as written, "true"/"false"; else ""
    std::string_view string() const;               // a string's content; "" for anything else
    std::size_t size() const;                      // items or members; 0 for primitives
    Value operator[](std::size_t index) const;     // array item
    Value operator[](std::string_view key) const;  // object member
    Value find(std::string_view key) const { return (*this)[key]; }

    std::span<const Node> items() const;      // empty unless an array; `Value(&node)` makes a handle
    std::span<const Member> members() const;  // empty unless an object

private:
    const Node* node_ = nullptr;
};

struct Node {
    Kind kind = Kind::null;
    bool boolean = false;
    std::uint32_t size = 0;  // bytes of text, or number of items or members
    union {
        const char* text = nullptr;
        const Node* items;
        const Member* members;
    };
};

struct Member {
    const char* key_text;
    std::uint32_t key_size;
    Node node;

    std::string_view key() const { return {key_text, key_size}; }
    Value value() const { return Value(&node); }
};

/// Owns nodes and text. Not for use by two threads at once; reading finished values from many threads is fine.
class Arena {
public:
    Arena();
    Arena(Arena&&) noexcept;
    Arena& operator=(Arena&&) noexcept;
    ~Arena();

    std::string_view keep(std::string_view text);  // copies text into the arena

    Value null();
    Value boolean(bool value);
    Value number(std::string_view digits);  // must be a JSON number; kept as written
    Value number(std::int64_t value);
    Value string(std::string_view text);
    Value array(std::span<const Value> items);
    /// Members in the given order; keys are copied; members whose value is nothing are left out.
    Value object(std::span<const std::pair<std::string_view, Value>> members);
    Value object(std::initializer_list<std::pair<std::string_view, Value>> members);
    Value array(std::initializer_list<Value> items);
    /// The object with one member replaced in place, or appended; a `member` of nothing removes it.
    Value with(Value object, std::string_view key, Value member);
    /// The object with a member replaced in place, or inserted right after `after` (or first, if `after` is absent).
    Value with_after(Value object, std::string_view after, std::string_view key, Value member);
    /// Deep copy from another arena.
    Value copy(Value value);

    std::size_t bytes() const;
    void* allocate(std::size_t bytes, std::size_t alignment);
    /// Forgets everything; keeps the first block.
    void clear();

private:
    struct Block;
    std::unique_ptr<Block> blocks_;
    char* at_ = nullptr;
    char* end_ = nullptr;
    std::size_t bytes_ = 0;
    void grow(std::size_t bytes);
};

struct Limits {
    std::size_t depth = 200;
    std::size_t bytes = 64u << 20;
};

/// Parses strict RFC 8259 JSON in UTF-8. Refuses: bad UTF-8, duplicate keys, deeper than `limits.depth`, longer than
/// `limits.bytes`, anything after the value. The refusal's `where` is a byte offset or a JSON pointer where known.
Result<Value> parse(std::string_view text, Arena& arena, const Limits& limits = {});

/// Appends compact JSON. Numbers are written with their digits as read.
void write(Value value, std::string& out);
std::string write(Value value);
/// Two-space indented JSON, for people.
std::string write_pretty(Value value);
/// Appends `text` as a quoted JSON string.
void write_string(std::string_view text, std::string& out);

/// Deep equality: member order and digits count ("1.50" differs from "1.5").
bool identical(Value a, Value b);
/// Deep equality in the sense of JSON: member order does not count; digits do.
bool same_content(Value a, Value b);

}  // namespace xinglin::json
