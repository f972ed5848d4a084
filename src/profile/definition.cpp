// SPDX-License-Identifier: Apache-2.0
// A StructureDefinition becomes a tree: the definitions it stands on are laid over R4 one after another, its own last.
//
// Differentials are enough, whatever they leave out comes from R4's tables. A snapshot is only read where the base is not
// known. Elements are found by id ("Patient.identifier:resident.system"), else by path and the slices opened before.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "profile/element.h"

namespace xinglin::profile {

namespace {

constexpr std::size_t longest_chain = 24, deepest_path = 40, most_elements = 10'000;
constexpr int deepest_nesting = 6;  // of profiles of types, when slices are told apart by them

Outcome fault(std::string where, std::string key, std::string what) {
    return {{Issue{Severity::error, IssueCode::invariant, where.substr(0, 200), std::move(what), std::move(key)}}};
}

struct Segment {
    std::string_view name, slice;
};

/// "Patient.identifier:resident.value[x]" in its parts. A dot inside brackets does not part.
std::vector<Segment> segments_of(std::string_view text) {
    std::vector<Segment> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('.'), text.size());
        const std::string_view part = text.substr(0, end);
        const std::size_t colon = part.find(':');
        parts.push_back({part.substr(0, colon), colon == std::string_view::npos ? std::string_view() : part.substr(colon + 1)});
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::string_view plain_name(std::string_view name) {
    if (name.ends_with("[x]")) name.remove_suffix(3);
    return name;
}

class Builder {
public:
    Builder(json::Value definition, const FindDefinition& find, int depth)
        : definition_(definition), find_(find), depth_(depth) {}

    Result<std::shared_ptr<const Profile>> build() {
        XINGLIN_CHECK(find_chain());
        auto profile = std::make_shared<Profile>();
        profile->url = definition_["url"].string();
        profile->type = root_type_;
        profile->kept.emplace_back();
        arena_ = &profile->kept.back();
        auto root = std::make_shared<Node>();
        root_ = root.get();
        root->name = root->id = std::string(root_type_->name);
        root->types.push_back({root_type_, {}, {}});
        root->max = unbounded;
        for (std::size_t i = chain_.size(); i-- > 0;) XINGLIN_CHECK(lay_definition(chain_[i]));
        XINGLIN_CHECK(finish(*root, 0));
        XINGLIN_CHECK(decide_slices(*root, [this](std::string_view url) { return tree_of(url); }));
        for (const json::Node& item : definition_["context"].items()) {
            const json::Value context(&item);
            profile->contexts.push_back({std::string(context["type"].string()), std::string(context["expression"].string())});
        }
        profile->must_support = must_support(*root);
        profile->root = std::move(root);
        return std::shared_ptr<const Profile>(std::move(profile));
    }

private:
    json::Value definition_;
    const FindDefinition& find_;
    int depth_;
    json::Arena* arena_ = nullptr;
    Node* root_ = nullptr;
    const fhir::Type* root_type_ = nullptr;
    std::vector<json::Value> chain_;  // the definition first, then what it stands on
    bool use_snapshot_ = false;       // of the last of the chain, whose base is not known

    Result<Done> find_chain() {
        for (json::Value at = definition_;;) {
            const std::string_view url = at["url"].string();
            for (const json::Value& before : chain_) {
                if (before["url"].string() == url)
                    return fault("StructureDefinition.baseDefinition", "profile-cycle",
                                 "the profile stands on itself; name another base");
            }
            if (chain_.size() >= longest_chain)
                return fault("StructureDefinition.baseDefinition", "profile-cycle", "more than 24 profiles stand on each other");
            chain_.push_back(at);
            const std::string_view base = at["baseDefinition"].string();
            if (const fhir::Type* type = base_type(base)) {
                root_type_ = type;
                break;
            }
            const json::Value next = find_(without_version(base));
            if (!next) {
                if (at["snapshot"]["element"].size() == 0) {
                    return fault("StructureDefinition.baseDefinition", "profile-base",
                                 fmt::format("the base {} is not known here; load it first", base.substr(0, 150)));
                }
                use_snapshot_ = true;
                root_type_ = fhir::find_type(at["type"].string());
                break;
            }
            at = next;
        }
        if (!root_type_ || fhir::find_type(definition_["type"].string()) == nullptr)
            return fault("StructureDefinition.type", "profile-type", "is not a type of FHIR R4");
        const fhir::Type* own = fhir::find_type(definition_["type"].string());
        if (!own->is_a(*root_type_)) return fault("StructureDefinition.type", "profile-type", "is not the type of the base");
        root_type_ = own;
        return Done{};
    }

    Result<Done> lay_definition(json::Value definition) {
        const bool snapshot = (use_snapshot_ && definition == chain_.back()) || definition["differential"]["element"].size() == 0;
        const json::Value elements = definition[snapshot ? "snapshot" : "differential"]["element"];
        if (elements.size() > most_elements) return fault("StructureDefinition", "profile-size", "has more than 10000 elements");
        std::vector<Node*> open;  // the way to the element before, for those without an id
        std::map<Node*, std::vector<const fhir::Type*>> shortcuts;
        std::vector<const Node*> whole_choices;
        for (const json::Node& item : elements.items()) {
            const json::Value element(&item);
            XINGLIN_TRY(Node* const node, locate(element, open));
            if (!node->ignored) XINGLIN_CHECK(lay(*node, element, *arena_));
            if (!node->element || !node->element->is_choice) continue;
            const bool is_shortcut = !element["path"].string().ends_with("[x]");
            if (is_shortcut && node->whole && node->types.size() == 1) shortcuts[node->whole].push_back(node->types[0].type);
            if (!is_shortcut && !node->whole) whole_choices.push_back(node);
        }
        // "valueQuantity" where nothing is said of value[x] means that no other type is allowed.
        for (const auto& [whole, types] : shortcuts) {
            if (std::find(whole_choices.begin(), whole_choices.end(), whole) != whole_choices.end()) continue;
            std::erase_if(whole->types, [&types = types](const TypeChoice& choice) {
                return std::find(types.begin(), types.end(), choice.type) == types.end();
            });
            whole->types_limited = true;
        }
        return Done{};
    }

    Result<Node*> locate(json::Value element, std::vector<Node*>& open) {
        const std::string_view path = element["path"].string(), id = element["id"].string();
        const auto by_path = segments_of(path), by_id = segments_of(id);
        if (by_path.empty() || by_path.size() > deepest_path || !starts_right(by_path.front().name))
            return fault(std::string(path), "profile-path", fmt::format("the path must begin with {}", root_type_->name));
        bool use_id = by_id.size() == by_path.size();
        for (std::size_t i = 1; use_id && i < by_path.size(); ++i) {
            use_id = plain_name(by_id[i].name) == plain_name(by_path[i].name) || by_id[i].slice == by_path[i].name;
        }
        if (use_id && !element["sliceName"].string().empty() && by_id.back().slice.empty()) use_id = false;
        return use_id ? walk(by_id, open) : walk_on(by_path, element["sliceName"].string(), open);
    }

    bool starts_right(std::string_view name) const {
        const fhir::Type* type = fhir::find_type(name);
        return type && (root_type_->is_a(*type) || type->is_a(*root_type_));
    }

    /// By id: every slice on the way is named.
    Result<Node*> walk(const std::vector<Segment>& parts, std::vector<Node*>& open) {
        Node* node = root_;
        open.assign(1, node);
        for (std::size_t i = 1; i < parts.size(); ++i) {
            XINGLIN_TRY(node, child(*node, parts[i].name));
            if (!parts[i].slice.empty()) node = slice_path(*node, parts[i].slice);
            open.push_back(node);
        }
        return node;
    }

    /// By path: inside the slices that were opened last.
    Result<Node*> walk_on(const std::vector<Segment>& parts, std::string_view slice, std::vector<Node*>& open) {
        if (open.empty()) open.push_back(root_);
        for (std::size_t i = 1; i < parts.size(); ++i) {
            const bool last = i + 1 == parts.size();
            if (!last && i < open.size() && open[i]->name == plain_name(parts[i].name)) continue;
            open.resize(std::min(open.size(), i));
            if (open.size() < i) return fault(root_->id, "profile-path", "the elements are out of order");
            XINGLIN_TRY(Node * node, child(*open.back(), parts[i].name));
            if (last && !slice.empty()) node = slice_path(*node, slice);
            open.push_back(node);
        }
        open.resize(std::min(open.size(), parts.size()));
        return open.back();
    }

    /// The child of that name, made when it is not there: "identifier", "value[x]", or "valueQuantity" for a slice of it.
    Result<Node*> child(Node& parent, std::string_view written) {
        const std::string_view name = plain_name(written);
        if (Node* there = parent.child(name)) return there;
        for (const TypeChoice& choice : parent.types) {
            const fhir::Element* element = fhir::find_element(*choice.type, name);
            if (element && element->name == name) return make_child(parent, *element);
            const fhir::Match match = fhir::match(*choice.type, name);
            if (!match || !match.element->is_choice) continue;
            Node* whole = parent.child(match.element->name);
            if (!whole) whole = make_child(parent, *match.element);
            Node* only = whole->slice(name);
            if (!only) {
                only = make_slice(*whole, name);
                limit_to(*only, *match.type->type);
                if (!whole->slicing)
                    whole->slicing = Slicing{{Discriminator{By::type, "$this", {}}}, Slicing::Rules::open, false};
            }
            return only;
        }
        const bool of_primitive = !parent.types.empty() && parent.types[0].type->kind == fhir::TypeKind::primitive;
        if (name == "value" && of_primitive) {
            parent.children.push_back(std::make_unique<Node>());
            parent.children.back()->name = name;
            parent.children.back()->ignored = true;
            return parent.children.back().get();
        }
        return fault(parent.id + "." + std::string(written.substr(0, 60)), "profile-path",
                     fmt::format("there is no element {} in {}", written.substr(0, 60),
                                 parent.types.empty() ? parent.name : std::string(parent.types[0].type->name)));
    }

    Node* make_child(Node& parent, const fhir::Element& element) {
        auto node = std::make_unique<Node>();
        node->name = element.name;
        node->id = parent.id + "." + std::string(element.name) + (element.is_choice ? "[x]" : "");
        node->element = &element;
        node->base_min = node->min = element.min;
        node->base_max = node->max = element.max;
        for (const fhir::TypeRef& ref : element.types) node->types.push_back({ref.type, {}, {}});
        parent.children.push_back(std::move(node));
        return parent.children.back().get();
    }

    Node* make_slice(Node& whole, std::string_view name) {
        auto node = std::make_unique<Node>();
        node->name = whole.name;
        node->id = whole.id + ":" + std::string(name);
        node->element = whole.element;
        node->slice_name = name;
        node->whole = &whole;
        node->base_max = node->max = whole.max;
        node->types = whole.types;
        // A type's slice is named after its type: "valueQuantity".
        if (whole.element && whole.element->is_choice && name.starts_with(whole.name)) {
            for (const TypeChoice& choice : whole.types) {
                if (fhir::json_key(*whole.element, *choice.type) == name) {
                    limit_to(*node, *choice.type);
                    break;
                }
            }
        }
        whole.slices.push_back(std::move(node));
        return whole.slices.back().get();
    }

    static void limit_to(Node& node, const fhir::Type& type) {
        std::erase_if(node.types, [&](const TypeChoice& choice) { return choice.type != &type; });
        node.types_limited = true;
    }

    /// "a", or "a/b": the slice b of the slice a.
    Node* slice_path(Node& whole, std::string_view name) {
        if (Node* there = whole.slice(name)) return there;
        const std::size_t slash = name.rfind('/');
        if (slash != std::string_view::npos) {
            if (Node* outer = find_outer(whole, name.substr(0, slash))) {
                Node* there = outer->slice(name);
                return there ? there : make_slice(*outer, name);
            }
        }
        if (whole.slice_name == name) return &whole;  // "value[x]:valueQuantity", written with the path valueQuantity
        return make_slice(whole, name);
    }
    static Node* find_outer(Node& whole, std::string_view name) {
        if (Node* there = whole.slice(name)) return there;
        for (const auto& slice : whole.slices) {
            if (Node* there = find_outer(*slice, name)) return there;
        }
        return nullptr;
    }

    Result<Done> finish(Node& node, int depth) {
        if (!node.slices.empty()) {
            if (!node.slicing) XINGLIN_CHECK(default_slicing(node));
            std::uint64_t least = 0;
            for (const auto& slice : node.slices) least += slice->min;
            if (least > node.max)
                return fault(node.id, "profile-slicing",
                             fmt::format("the slices need {} items at least, but only {} may be there", least, node.max));
        }
        for (const auto& slice : node.slices) XINGLIN_CHECK(finish(*slice, depth + 1));
        for (const auto& inside : node.children) XINGLIN_CHECK(finish(*inside, depth + 1));
        return Done{};
    }

    static Result<Done> default_slicing(Node& node) {
        if (node.name == "extension" || node.name == "modifierExtension") {
            XINGLIN_TRY(auto path, parse_path("url"));
            node.slicing = Slicing{{Discriminator{By::value, "url", std::move(path)}}, Slicing::Rules::open, false};
        } else if (node.element && node.element->is_choice) {
            node.slicing = Slicing{{Discriminator{By::type, "$this", {}}}, Slicing::Rules::open, false};
        } else if (node.slice_name.empty()) {
            return fault(node.id, "profile-slicing",
                         "has slices, but does not say by what they are told apart (slicing.discriminator)");
        } else {
            node.slicing = Slicing{};  // reslices: as the slicing outside, see decide_slices()
        }
        return Done{};
    }

    /// The tree of another profile, for what tells slices apart.
    std::shared_ptr<const Node> tree_of(std::string_view url) {
        if (depth_ >= deepest_nesting) return nullptr;
        const json::Value definition = find_(url);
        if (!definition) return nullptr;
        auto other = Builder(definition, find_, depth_ + 1).build();
        if (!other.ok()) return nullptr;
        const std::shared_ptr<const Profile> whole = std::move(*other);
        return {whole, whole->root.get()};  // keeps the whole profile
    }

    static std::size_t must_support(const Node& node) {
        std::size_t count = node.must_support ? 1 : 0;
        for (const auto& each : node.children) count += must_support(*each);
        for (const auto& each : node.slices) count += must_support(*each);
        return count;
    }
};

}  // namespace

Result<std::shared_ptr<const Profile>> compile(json::Value definition, const FindDefinition& find) {
    return Builder(definition, find, 0).build();
}

}  // namespace xinglin::profile
