// SPDX-License-Identifier: Apache-2.0
// One walk over a resource along a trie.
#pragma once

#include "search/catalogue.h"

namespace xinglin::search {

/// Told of each node a composite starts from.
class CompositeSink {
public:
    virtual void base(const Leaf& leaf, json::Value value) = 0;

protected:
    ~CompositeSink() = default;
};

class Walk {
public:
    Walk(json::Value resource, std::int16_t offset_minutes, Entries& entries, CompositeSink* composites = nullptr)
        : catalogue_(Catalogue::the()),
          resource_(resource),
          offset_minutes_(offset_minutes),
          entries_(entries),
          composites_(composites) {}

    void at(const Node& node, json::Value value);
    /// Whether any leaf below `node` is reached.
    bool finds(const Node& node, json::Value value) const;
    json::Value resource() const { return resource_; }

private:
    const Catalogue& catalogue_;
    json::Value resource_;
    std::int16_t offset_minutes_;
    Entries& entries_;
    CompositeSink* composites_;

    void one(const Node& node, json::Value value);
    bool finds_one(const Node& node, json::Value value) const;
    bool passes(const Filter& filter, json::Value value) const;
    bool has_components(const Leaf& leaf, json::Value value) const;
    std::string_view target_type(json::Value reference) const;
    std::string_view target_type(const struct Named& named) const;
    void leaf(const Leaf& leaf, json::Value value);
    void composite(const Leaf& leaf, json::Value value);

    void coding(const Leaf& leaf, json::Value value);
    void concept_(const Leaf& leaf, json::Value value);
    void strings(const Leaf& leaf, json::Value value, std::initializer_list<std::string_view> keys);
    void string(const Leaf& leaf, std::string_view value);
    void token(const Leaf& leaf, std::string_view system, std::string_view code, std::string_view text);
    void moment(const Leaf& leaf, json::Value value);
    void period(const Leaf& leaf, json::Value value);
    void timing(const Leaf& leaf, json::Value value);
    void number(const Leaf& leaf, json::Value value);
    void range(const Leaf& leaf, json::Value value);
    void quantity(const Leaf& leaf, json::Value value);
    void money(const Leaf& leaf, json::Value value);
    void reference(const Leaf& leaf, json::Value value);
    void canonical(const Leaf& leaf, std::string_view value);
    void deceased(const Leaf& leaf, json::Value parent);
    void found(const Leaf& leaf);
    void found_reference(const Leaf& leaf, std::string_view type);
    calendar::Span span(json::Value value, bool& ok) const;
};

}  // namespace xinglin::search
