// SPDX-License-Identifier: Apache-2.0
// Source: RFC 6902; pointers RFC 6901.
#include <charconv>

#include "patch/patch.h"
#include "patch/place.h"

namespace xinglin::patch {

namespace {

constexpr std::size_t operations_most = 10'000;
constexpr std::size_t nodes_most = 1'000'000;  // of the result
constexpr std::size_t work_most = 20'000'000;  // nodes looked at in all

class JsonPatch {
public:
    JsonPatch(json::Value document, json::Arena& arena, bool is_fhir) : document_(document), arena_(arena), is_fhir_(is_fhir) {
        nodes_ = weight(document, nodes_most);
    }

    Result<json::Value> apply(json::Value patch) {
        if (!patch.is_array()) return bad("patch", "must be an array of operations (RFC 6902)");
        if (patch.size() > operations_most) return refuse(IssueCode::too_costly, "patch", "has more than 10,000 operations");
        for (std::size_t i = 0; i < patch.size(); ++i) {
            here_ = fmt::format("patch[{}]", i);
            XINGLIN_CHECK(one(patch[i]));
        }
        return document_;
    }

private:
    static Outcome bad(std::string where, std::string what) {
        return refuse(IssueCode::structure, std::move(where), std::move(what));
    }
    Outcome unfit(std::string_view member, std::string what) const {
        return refuse(IssueCode::value, here_ + "." + std::string(member), std::move(what));
    }

    Result<Done> one(json::Value operation) {
        if (!operation.is_object()) return bad(here_, "must be an object");
        const json::Value word = operation.find("op");
        if (!word.is_string()) return bad(here_ + ".op", "must be add, remove, replace, move, copy or test");
        XINGLIN_TRY(const Place place, pointer(operation, "path"));
        const std::string_view op = word.string();
        const bool brings = op == "add" || op == "replace" || op == "test";
        const bool takes = op == "move" || op == "copy";
        const json::Value value = operation.find("value");
        if (brings && !value) return bad(here_ + ".value", "is missing");
        if (op != "test") XINGLIN_CHECK(may_change("path", place));
        if (op == "add") return add(place, value);
        if (op == "remove") return remove("path", place);
        if (op == "replace") return replace(place, value);
        if (op == "test") return test(place, value);
        if (!takes) return bad(here_ + ".op", "must be add, remove, replace, move, copy or test");
        XINGLIN_TRY(const Place from, pointer(operation, "from"));
        XINGLIN_TRY(const json::Value taken, there("from", from));
        if (op == "copy") return add(place, taken);
        XINGLIN_CHECK(may_change("from", from));
        if (starts_with(place, from)) {
            if (place.size() == from.size()) return Done{};
            return unfit("path", "lies inside of what is to be moved");
        }
        XINGLIN_CHECK(remove("from", from));
        return add(place, taken);
    }

    Result<Place> pointer(json::Value operation, std::string_view member) const {
        const json::Value written = operation.find(member);
        const std::string where = here_ + "." + std::string(member);
        if (!written.is_string()) return bad(where, "must be a JSON pointer such as /name/0/family");
        std::string_view text = written.string();
        Place place;
        if (text.empty()) return place;
        if (text[0] != '/') return bad(where, "must begin with /");
        while (!text.empty()) {
            text.remove_prefix(1);
            const std::size_t end = std::min(text.find('/'), text.size());
            Stride stride;
            for (std::size_t i = 0; i < end; ++i) {
                if (text[i] != '~') {
                    stride.key += text[i];
                    continue;
                }
                const char next = i + 1 < end ? text[++i] : '\0';
                if (next != '0' && next != '1') return bad(where, "holds a ~ that is not ~0 or ~1");
                stride.key += next == '0' ? '~' : '/';
            }
            place.push_back(std::move(stride));
            text.remove_prefix(end);
        }
        if (place.size() > 1'000) return bad(where, "is deeper than any resource");
        return place;
    }

    static bool starts_with(const Place& place, const Place& front) {
        if (place.size() < front.size()) return false;
        for (std::size_t i = 0; i < front.size(); ++i) {
            if (place[i].key != front[i].key) return false;
        }
        return true;
    }

    /// Which item a key means; nothing when it is no index. "-" is one behind the last.
    static std::optional<std::size_t> index(std::string_view key, std::size_t size) {
        if (key == "-") return size;
        std::size_t value = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), value);
        const bool digits = !key.empty() && error == std::errc() && end == key.data() + key.size() && key[0] != '-';
        if (!digits || (key.size() > 1 && key[0] == '0')) return std::nullopt;
        return value;
    }

    /// Settles which strides are indexes; all but the last must exist. Returns what holds the last.
    Result<json::Value> holder(std::string_view member, Place& place) {
        json::Value tree = document_;
        for (std::size_t i = 0; i + 1 < place.size(); ++i) {
            XINGLIN_CHECK(settle(member, tree, place[i]));
            tree = place[i].is_index ? (place[i].index < tree.size() ? tree[place[i].index] : json::Value())
                                     : tree.find(place[i].key);
            if (!tree) return unfit(member, fmt::format("\"{}\" is not there", place[i].key));
        }
        XINGLIN_CHECK(settle(member, tree, place.back()));
        return tree;
    }
    Result<Done> settle(std::string_view member, json::Value tree, Stride& stride) const {
        if (tree.is_object()) return Done{};
        if (!tree.is_array()) return unfit(member, fmt::format("\"{}\" is below something that has no parts", stride.key));
        const auto number = index(stride.key, tree.size());
        if (!number) return unfit(member, fmt::format("\"{}\" is not an index of a list", stride.key));
        stride.index = *number;
        stride.is_index = true;
        return Done{};
    }

    Result<json::Value> there(std::string_view member, Place place) {
        if (place.empty()) return document_;
        XINGLIN_TRY(const json::Value tree, holder(member, place));
        const Stride& last = place.back();
        const json::Value found =
            last.is_index ? (last.index < tree.size() ? tree[last.index] : json::Value()) : tree.find(last.key);
        if (!found) return unfit(member, fmt::format("\"{}\" is not there", last.key));
        return found;
    }

    /// Copies of copies grow without bounds, though they share their nodes: what is written out in the end is counted.
    Result<Done> grow(json::Value value) {
        const std::size_t more = weight(value, nodes_most);
        nodes_ += more;
        work_ += more + document_.size();
        if (nodes_ > nodes_most || work_ > work_most)
            return refuse(IssueCode::too_costly, here_, "the patch makes the resource larger than can be handled");
        return Done{};
    }

    Result<Done> add(Place place, json::Value value) {
        XINGLIN_CHECK(grow(value));
        if (place.empty()) {
            document_ = value;
            return Done{};
        }
        XINGLIN_TRY(const json::Value tree, holder("path", place));
        const Stride last = place.back();
        if (!last.is_index) {
            document_ = put(document_, place, value, arena_);
            return Done{};
        }
        if (last.index > tree.size())
            return unfit("path", fmt::format("index {} is behind the end of a list of {}", last.index, tree.size()));
        place.pop_back();
        document_ = insert(document_, place, last.index, value, arena_);
        return Done{};
    }

    Result<Done> remove(std::string_view member, Place place) {
        XINGLIN_CHECK(there(member, place));
        if (place.empty()) return unfit(member, "the whole cannot be removed; use DELETE");
        XINGLIN_CHECK(holder(member, place));
        document_ = put(document_, place, json::Value(), arena_);
        return Done{};
    }

    Result<Done> replace(Place place, json::Value value) {
        XINGLIN_CHECK(there("path", place));
        XINGLIN_CHECK(grow(value));
        if (!place.empty()) XINGLIN_CHECK(holder("path", place));
        document_ = put(document_, place, value, arena_);
        return Done{};
    }

    Result<Done> test(const Place& place, json::Value value) {
        XINGLIN_TRY(const json::Value found, there("path", place));
        work_ += weight(value, nodes_most);
        if (work_ > work_most) return refuse(IssueCode::too_costly, here_, "the patch tests more than can be handled");
        if (!equal(found, value)) return unfit("value", "the test fails: the resource says something else");
        return Done{};
    }

    /// What only the server sets.
    Result<Done> may_change(std::string_view member, const Place& place) const {
        if (!is_fhir_ || place.empty()) return Done{};
        const bool own = place.size() == 1 && (place[0].key == "id" || place[0].key == "resourceType");
        const bool version =
            place.size() == 2 && place[0].key == "meta" && (place[1].key == "versionId" || place[1].key == "lastUpdated");
        if (own || version) return unfit(member, fmt::format("{} cannot be changed by a patch", place.back().key));
        return Done{};
    }

    json::Value document_;
    json::Arena& arena_;
    const bool is_fhir_;
    std::string here_;
    std::size_t nodes_ = 0, work_ = 0;
};

}  // namespace

Result<json::Value> apply_plain_json_patch(json::Value document, json::Value patch, json::Arena& arena) {
    return JsonPatch(document, arena, false).apply(patch);
}

Result<json::Value> apply_json_patch(json::Value document, json::Value patch, json::Arena& arena) {
    XINGLIN_TRY(const json::Value changed, JsonPatch(document, arena, true).apply(patch));
    for (const std::string_view own : {"resourceType", "id"}) {
        if (!equal(changed.find(own), document.find(own)))
            return refuse(IssueCode::value, "patch", fmt::format("{} cannot be changed by a patch", own));
    }
    return changed;
}

Result<Patch> read_json_patch(std::string_view body) {
    auto arena = std::make_shared<json::Arena>();  // shared with the function, which must be copyable
    XINGLIN_TRY(const json::Value patch, json::parse(arena->keep(body), *arena));
    if (!patch.is_array()) return refuse(IssueCode::structure, "patch", "must be an array of operations (RFC 6902)");
    return Patch([arena, patch](json::Value resource, json::Arena& into) {
        Result<json::Value> changed = apply_json_patch(resource, patch, into);
        return changed.ok() ? Result<json::Value>(into.copy(*changed)) : changed;  // the patch may be gone before the result
    });
}

}  // namespace xinglin::patch
