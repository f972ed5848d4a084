// SPDX-License-Identifier: Apache-2.0
// What tells slices apart: paths of discriminators, and the test each slice gets for each of them.
//
// A value discriminator asks: is there something at the path that has the values (fixed, pattern, required binding) the
// slice's node there has, itself or below? The values may stand above the path's end (patternCodeableConcept on `code` for
// the path code.coding.code), or in a profile of the slice's type (the url of an extension).
#include <algorithm>

#include <fmt/format.h>

#include "profile/tree.h"

namespace xinglin::profile {

namespace {

Outcome bad_path(std::string_view text) {
    return refuse(IssueCode::invariant, "discriminator.path",
                  fmt::format("the discriminator path {} must be made of elements, extension('url'), ofType(Type) and resolve()",
                              text.substr(0, 100)));
}

using TreeOf = std::function<std::shared_ptr<const Node>(std::string_view url)>;

/// Where a path leads among the nodes of a slice.
struct Place {
    const Node* node = nullptr;
    std::shared_ptr<const Node> owner;
    std::size_t steps = 0;  // of the path, to this node
};

class Search {
public:
    Search(const Node& slice, const std::vector<PathStep>& path, const TreeOf& tree_of) : path_(path), tree_of_(tree_of) {
        visit(slice, nullptr, 0, 0);
    }
    std::vector<Place> places;  // every node on the way, those of profiles of types included

private:
    const std::vector<PathStep>& path_;
    const TreeOf& tree_of_;

    void visit(const Node& node, const std::shared_ptr<const Node>& owner, std::size_t step, int depth) {
        places.push_back({&node, owner, step});
        if (step < path_.size()) follow(node, owner, step, depth);
        if (depth >= 4) return;
        for (const TypeChoice& choice : node.types) {
            if (choice.profiles.size() != 1) continue;
            if (const auto other = tree_of_(choice.profiles.front())) visit(*other, other, step, depth + 1);
        }
    }

    void follow(const Node& node, const std::shared_ptr<const Node>& owner, std::size_t at, int depth) {
        const PathStep& step = path_[at];
        if (step.kind == PathStep::Kind::of_type) return visit(node, owner, at + 1, depth);
        if (step.kind == PathStep::Kind::resolve) {
            places.push_back({&node, owner, at + 1});
            if (depth >= 4) return;
            for (const TypeChoice& choice : node.types) {
                if (choice.targets.size() != 1) continue;
                if (const auto other = tree_of_(choice.targets.front())) visit(*other, other, at + 1, depth + 1);
            }
            return;
        }
        if (step.kind == PathStep::Kind::child) {
            if (const Node* next = node.child(step.name)) visit(*next, owner, at + 1, depth);
            for (const auto& slice : node.slices) {
                if (slice->min > 0) follow(*slice, owner, at, depth);
            }
            return;
        }
        const Node* extensions = node.child("extension");
        if (!extensions) return;
        for (const auto& slice : extensions->slices) {
            const bool is_it = std::any_of(slice->types.begin(), slice->types.end(), [&](const TypeChoice& choice) {
                return std::find(choice.profiles.begin(), choice.profiles.end(), step.name) != choice.profiles.end();
            });
            const Node* url = slice->child("url");
            if (is_it || (url && url->fixed.string() == step.name)) visit(*slice, owner, at + 1, depth);
        }
    }
};

std::vector<PathStep> front(const std::vector<PathStep>& path, std::size_t steps) {
    return {path.begin(), path.begin() + static_cast<std::ptrdiff_t>(steps)};
}

Outcome undecided(const Node& slice, const Discriminator& discriminator, std::string_view what) {
    return {{Issue{Severity::error, IssueCode::invariant, slice.id.substr(0, 200),
                   fmt::format("the slice says nothing at its discriminator {}: {}", discriminator.text.substr(0, 100), what),
                   "profile-slicing"}}};
}

Result<SliceTest> value_test(const Node& slice, const Discriminator& discriminator, const TreeOf& tree_of) {
    const bool is_extension = slice.name == "extension" || slice.name == "modifierExtension";
    if (is_extension && discriminator.text == "url" && slice.types.size() == 1 && slice.types[0].profiles.size() == 1)
        return SliceTest{.by = By::value, .path = discriminator.path, .url = slice.types[0].profiles[0]};
    const Search search(slice, discriminator.path, tree_of);
    const Place* best = nullptr;
    for (const Place& place : search.places) {  // the deepest that has values; above the end only its own count
        const bool at_end = place.steps == discriminator.path.size();
        const bool has = at_end ? place.node->has_values() : place.node->fixed || place.node->pattern;
        if (has && (!best || place.steps > best->steps)) best = &place;
    }
    if (best)
        return SliceTest{
            .by = By::value, .path = front(discriminator.path, best->steps), .node = best->node, .owner = best->owner};
    // Types may be told by their name alone: "valueQuantity" under value[x] by value $this does not occur, but targets do.
    for (const Place& place : search.places) {
        if (place.steps == discriminator.path.size() && place.node->max == 0)
            return SliceTest{.by = By::exists, .path = discriminator.path, .must_exist = false};
    }
    return undecided(slice, discriminator, "neither a fixed value nor a pattern nor a required binding");
}

Result<SliceTest> test_for(const Node& slice, const Discriminator& discriminator, const TreeOf& tree_of) {
    if (discriminator.by == By::value) return value_test(slice, discriminator, tree_of);
    const Search search(slice, discriminator.path, tree_of);
    const Place* end = nullptr;
    for (const Place& place : search.places) {
        if (place.steps == discriminator.path.size()) end = &place;
    }
    SliceTest test{.by = discriminator.by, .path = discriminator.path};
    switch (discriminator.by) {
        case By::exists:
            if (!end || (end->node->min == 0 && end->node->max > 0)) return undecided(slice, discriminator, "min 1 or max 0");
            test.must_exist = end->node->min > 0;
            return test;
        case By::type:
            if (!end) return undecided(slice, discriminator, "no types");
            test.node = end->node;
            test.owner = end->owner;
            return test;
        default: {
            if (!end) return undecided(slice, discriminator, "no profile");
            const bool resolved = !discriminator.path.empty() && discriminator.path.back().kind == PathStep::Kind::resolve;
            for (const Place& place : search.places) {
                if (place.steps + (resolved ? 1 : 0) < discriminator.path.size()) continue;
                for (const TypeChoice& choice : place.node->types) {
                    const auto& urls = resolved ? choice.targets : choice.profiles;
                    test.profiles.insert(test.profiles.end(), urls.begin(), urls.end());
                }
            }
            if (test.profiles.empty()) return undecided(slice, discriminator, "no profile");
            return test;
        }
    }
}

}  // namespace

Result<std::vector<PathStep>> parse_path(std::string_view text) {
    std::vector<PathStep> path;
    std::string_view rest = text;
    const auto take_name = [&rest] {
        std::size_t end = 0;
        while (end < rest.size() && (std::isalnum(static_cast<unsigned char>(rest[end])) || rest[end] == '_' || rest[end] == '$'))
            ++end;
        const std::string_view name = rest.substr(0, end);
        rest.remove_prefix(end);
        return name;
    };
    while (!rest.empty()) {
        const std::string_view name = take_name();
        if (name.empty()) return bad_path(text);
        if (rest.starts_with("[x]")) rest.remove_prefix(3);
        if (rest.starts_with('(')) {
            const std::size_t close = rest.find(')');
            if (close == std::string_view::npos) return bad_path(text);
            std::string_view argument = rest.substr(1, close - 1);
            rest.remove_prefix(close + 1);
            if (argument.size() >= 2 && (argument[0] == '\'' || argument[0] == '"'))
                argument = argument.substr(1, argument.size() - 2);
            if (name == "extension") path.push_back({PathStep::Kind::extension, std::string(argument)});
            else if (name == "ofType" || name == "as") path.push_back({PathStep::Kind::of_type, std::string(argument)});
            else if (name == "resolve" && argument.empty()) path.push_back({PathStep::Kind::resolve, {}});
            else return bad_path(text);
        } else if (name != "$this") {
            path.push_back({PathStep::Kind::child, std::string(name)});
        }
        if (rest.empty()) break;
        if (!rest.starts_with('.') || rest.size() == 1) return bad_path(text);
        rest.remove_prefix(1);
    }
    return path;
}

Result<Done> decide_slices(Node& node, const TreeOf& tree_of) {
    if (!node.slices.empty() && node.slicing) {
        for (const auto& slice : node.slices) {
            if (slice->slices.size() > 0 && slice->slicing && slice->slicing->discriminators.empty())
                slice->slicing->discriminators = node.slicing->discriminators;
            if (slice->slice_name == "@default") continue;
            for (const Discriminator& discriminator : node.slicing->discriminators) {
                XINGLIN_TRY(SliceTest test, test_for(*slice, discriminator, tree_of));
                slice->tests.push_back(std::move(test));
            }
        }
    }
    for (const auto& slice : node.slices) XINGLIN_CHECK(decide_slices(*slice, tree_of));
    for (const auto& inside : node.children) XINGLIN_CHECK(decide_slices(*inside, tree_of));
    return Done{};
}

}  // namespace xinglin::profile
