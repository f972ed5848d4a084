// SPDX-License-Identifier: Apache-2.0
// JSON text to Value, through simdjson's on-demand reader, which hands out numbers as written.
//
// simdjson checks UTF-8, strings and structure; number grammar, duplicate keys, depth and trailing text are checked here.
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "json/json.h"

namespace xinglin::json {
namespace {

namespace od = simdjson::ondemand;

struct Refused {
    Outcome outcome;
};

[[noreturn]] void stop(IssueCode code, std::string where, std::string what) {
    throw Refused{refuse(code, std::move(where), std::move(what))};
}

// number = [-] (0 | [1-9][0-9]*) [. [0-9]+] [(e|E) [+-] [0-9]+], RFC 8259 section 6.
bool is_number(std::string_view text) {
    std::size_t i = 0;
    const auto digits = [&] {
        const std::size_t start = i;
        while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
        return i - start;
    };
    if (i < text.size() && text[i] == '-') ++i;
    const bool zero = i < text.size() && text[i] == '0';
    const std::size_t whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (i < text.size() && text[i] == '.') {
        ++i;
        if (digits() == 0) return false;
    }
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        ++i;
        if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
        if (digits() == 0) return false;
    }
    return i == text.size();
}

class Reader {
public:
    Reader(Arena& arena, const Limits& limits) : arena_(arena), limits_(limits) {}

    template <typename Source>
    Node read(Source&& source, std::size_t depth) {
        Node node;
        switch (od::json_type(source.type())) {
            case od::json_type::object: read_object(source.get_object(), depth, node); break;
            case od::json_type::array: read_array(source.get_array(), depth, node); break;
            case od::json_type::string: set_text(node, Kind::string, std::string_view(source.get_string())); break;
            case od::json_type::number: read_number(std::string_view(source.raw_json_token()), source, node); break;
            case od::json_type::boolean:
                node.kind = Kind::boolean;
                node.boolean = bool(source.get_bool());
                break;
            case od::json_type::null:
                if (!source.is_null()) stop(IssueCode::structure, "", "not a JSON value");
                break;
        }
        return node;
    }

private:
    template <typename Source>
    void read_number(std::string_view token, Source& source, Node& node) {
        while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' || token.back() == '\t'))
            token.remove_suffix(1);
        if (!is_number(token)) stop(IssueCode::structure, "", "a number is malformed; JSON numbers look like -12.50e3");
        set_text(node, Kind::number, token);
        // Consumes the token; a number beyond double is kept as text all the same.
        double ignored = 0;
        const auto error = source.get_double().get(ignored);
        if (error && error != simdjson::NUMBER_ERROR) throw simdjson::simdjson_error(error);
        if (error) stop(IssueCode::value, "", "a number is out of range");
    }

    void set_text(Node& node, Kind kind, std::string_view text) {
        const std::string_view kept = arena_.keep(text);
        node.kind = kind;
        node.text = kept.data();
        node.size = static_cast<std::uint32_t>(kept.size());
    }

    void check_depth(std::size_t depth) const {
        if (depth >= limits_.depth)
            stop(IssueCode::too_costly, "", "nested deeper than " + std::to_string(limits_.depth) + " levels");
    }

    void read_object(od::object object, std::size_t depth, Node& node) {
        check_depth(depth);
        const std::size_t start = members_.size();
        for (auto field : object) {
            const std::string_view key = arena_.keep(std::string_view(field.unescaped_key()));
            Member member{key.data(), static_cast<std::uint32_t>(key.size()), {}};
            member.node = read(field.value(), depth + 1);
            members_.push_back(member);
        }
        const std::size_t count = members_.size() - start;
        check_duplicates(std::span(members_).subspan(start));
        auto* made = static_cast<Member*>(arena_.allocate(sizeof(Member) * std::max<std::size_t>(count, 1), alignof(Member)));
        std::uninitialized_copy_n(members_.begin() + static_cast<std::ptrdiff_t>(start), count, made);
        members_.resize(start);
        node.kind = Kind::object;
        node.members = made;
        node.size = static_cast<std::uint32_t>(count);
    }

    void read_array(od::array array, std::size_t depth, Node& node) {
        check_depth(depth);
        const std::size_t start = items_.size();
        for (auto item : array) {
            const Node made = read(item.value(), depth + 1);
            items_.push_back(made);
        }
        const std::size_t count = items_.size() - start;
        auto* made = static_cast<Node*>(arena_.allocate(sizeof(Node) * std::max<std::size_t>(count, 1), alignof(Node)));
        std::uninitialized_copy_n(items_.begin() + static_cast<std::ptrdiff_t>(start), count, made);
        items_.resize(start);
        node.kind = Kind::array;
        node.items = made;
        node.size = static_cast<std::uint32_t>(count);
    }

    static void check_duplicates(std::span<const Member> members) {
        if (members.size() <= 24) {
            for (std::size_t i = 1; i < members.size(); ++i) {
                for (std::size_t j = 0; j < i; ++j) {
                    if (members[i].key_size == members[j].key_size && members[i].key() == members[j].key())
                        duplicate(members[i].key());
                }
            }
            return;
        }
        std::vector<std::string_view> keys;
        keys.reserve(members.size());
        for (const Member& member : members) keys.push_back(member.key());
        std::sort(keys.begin(), keys.end());
        const auto twice = std::adjacent_find(keys.begin(), keys.end());
        if (twice != keys.end()) duplicate(*twice);
    }

    [[noreturn]] static void duplicate(std::string_view key) {
        stop(IssueCode::structure, "", "the key \"" + std::string(key.substr(0, 64)) + "\" stands twice in one object");
    }

    Arena& arena_;
    const Limits& limits_;
    std::vector<Member> members_;
    std::vector<Node> items_;
};

struct Workspace {
    od::parser parser;
    std::string padded;
};

constexpr std::size_t kept_between_calls = 1u << 20;

}  // namespace

Result<Value> parse(std::string_view text, Arena& arena, const Limits& limits) {
    if (text.size() > limits.bytes) {
        return refuse(IssueCode::too_costly, "", "longer than " + std::to_string(limits.bytes) + " bytes");
    }
    static thread_local std::unique_ptr<Workspace> workspace;
    if (!workspace) workspace = std::make_unique<Workspace>();
    std::string& padded = workspace->padded;
    padded.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    padded.assign(text);
    try {
        auto document = workspace->parser.iterate(padded.data(), padded.size(), padded.size() + simdjson::SIMDJSON_PADDING);
        Reader reader(arena, limits);
        od::document& root = document.value();
        const Node read = reader.read(root, 0);
        if (const char* rest = nullptr; !root.current_location().get(rest))
            return refuse(IssueCode::structure, "", "text follows the JSON value");
        Node* node = new (arena.allocate(sizeof(Node), alignof(Node))) Node(read);
        if (padded.capacity() > kept_between_calls) workspace.reset();
        return Value(node);
    } catch (const Refused& refused) {
        workspace.reset();
        return refused.outcome;
    } catch (const simdjson::simdjson_error& error) {
        workspace.reset();
        const auto code = error.error() == simdjson::DEPTH_ERROR ? IssueCode::too_costly : IssueCode::structure;
        return refuse(code, "", std::string("not JSON: ") + error.what());
    }
}

}  // namespace xinglin::json
