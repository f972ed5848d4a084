// SPDX-License-Identifier: Apache-2.0
// Slices: which item belongs to which, and whether that is allowed.
#include <algorithm>

#include <fmt/format.h>

#include "profile/walk.h"

namespace xinglin::profile {

namespace {

/// "Patient/1" → Patient: what a reference that cannot be resolved still says.
const fhir::Type* type_of_reference(json::Value reference) {
    std::string_view text = reference["reference"].string();
    if (const fhir::Type* type = fhir::find_resource(reference["type"].string())) return type;
    const std::size_t slash = text.rfind('/');
    if (slash == std::string_view::npos) return nullptr;
    text = text.substr(0, slash);
    return fhir::find_resource(text.substr(text.rfind('/') == std::string_view::npos ? 0 : text.rfind('/') + 1));
}

}  // namespace

std::vector<Spot> Walk::reach(const Spot& spot, const std::vector<PathStep>& path, const Around& around) const {
    std::vector<Spot> at{spot};
    for (const PathStep& step : path) {
        std::vector<Spot> next;
        for (const Spot& each : at) {
            switch (step.kind) {
                case PathStep::Kind::child:
                    for (Spot& item : items_of(each, step.name)) next.push_back(item);
                    break;
                case PathStep::Kind::extension:
                    for (Spot& item : items_of(each, "extension")) {
                        if (item.value["url"].string() == step.name) next.push_back(item);
                    }
                    break;
                case PathStep::Kind::of_type:
                    if (const fhir::Type* type = fhir::find_type(step.name); type && each.type && each.type->is_a(*type))
                        next.push_back(each);
                    break;
                case PathStep::Kind::resolve: {
                    const json::Value target = resolve(each.value["reference"].string(), around);
                    const fhir::Type* type = target ? type_of_resource(target) : type_of_reference(each.value);
                    if (type) next.push_back({target, {}, type});
                    break;
                }
            }
        }
        at = std::move(next);
    }
    return at;
}

bool Walk::has_values(const Node& node, const Spot& spot) const {
    if (node.fixed && !(spot.value && json::same_content(spot.value, node.fixed))) return false;
    if (node.pattern && !matches_pattern(spot.value, node.pattern)) return false;
    if (node.binding && node.binding->strength == fhir::Binding::required && !node.fixed && !node.pattern) {
        const auto member = [&](json::Value coding) {
            return is_member(node.binding->value_set, coding["system"].string(), coding["code"].string()) == true;
        };
        bool found =
            spot.value.is_string() ? is_member(node.binding->value_set, {}, spot.value.string()) == true : member(spot.value);
        for (const json::Node& coding : spot.value["coding"].items()) found |= member(json::Value(&coding));
        if (!found) return false;
    }
    const auto somewhere = [this, &spot](const Node& inside, std::string_view name) {
        const auto items = items_of(spot, name);
        return std::any_of(items.begin(), items.end(), [&](const Spot& item) { return has_values(inside, item); });
    };
    for (const auto& child : node.children) {
        const bool own = child->fixed || child->pattern || child->binding;
        const bool below =
            std::any_of(child->children.begin(), child->children.end(), [](const auto& each) { return each->has_values(); });
        if ((own || below) && child->has_values() && !somewhere(*child, child->name)) return false;
        for (const auto& slice : child->slices) {
            if (slice->min > 0 && slice->has_values() && !somewhere(*slice, child->name)) return false;
        }
    }
    return true;
}

bool Walk::passes_test(const SliceTest& test, const Spot& spot, const Around& around) const {
    const std::vector<Spot> there = reach(spot, test.path, around);
    switch (test.by) {
        case By::exists: return there.empty() != test.must_exist;
        case By::type:
            return std::any_of(there.begin(), there.end(), [&](const Spot& item) {
                return std::any_of(test.node->types.begin(), test.node->types.end(),
                                   [&](const TypeChoice& choice) { return item.type && item.type->is_a(*choice.type); });
            });
        case By::profile:
            return std::any_of(there.begin(), there.end(), [&](const Spot& item) {
                return item.value && std::any_of(test.profiles.begin(), test.profiles.end(), [&](const std::string& url) {
                           return (base_type(url) || shelf_.find(url, nullptr)) && passes_profile(url, item, around);
                       });
            });
        case By::value: break;
    }
    if (!test.url.empty())
        return std::any_of(there.begin(), there.end(), [&](const Spot& item) { return item.value.string() == test.url; });
    return std::any_of(there.begin(), there.end(), [&](const Spot& item) { return has_values(*test.node, item); });
}

bool Walk::in_slice(const Node& slice, const Spot& spot, const Around& around) const {
    ++cost_->work;  // past the limit the walk ends with its next node
    return !slice.tests.empty() && std::all_of(slice.tests.begin(), slice.tests.end(),
                                               [&](const SliceTest& test) { return passes_test(test, spot, around); });
}

void Walk::check_slices(const Node& node, const std::vector<Spot>& items, const Around& around) {
    const Slicing& slicing = *node.slicing;
    if (slicing.discriminators.empty()) return;  // told apart in words only: not ours to judge
    const std::size_t none = node.slices.size();
    std::vector<std::vector<Spot>> members(none + 1);
    std::size_t highest = 0;
    bool out_of_order = false, after_unmatched = false;
    const Node* rest = node.slice("@default");
    for (const Spot& item : items) {
        if (!afford()) return;
        std::size_t of = 0;
        while (of < none && !in_slice(*node.slices[of], item, around)) ++of;
        members[of].push_back(item);
        if (of == none) {
            if (slicing.rules == Slicing::Rules::closed && !rest) {
                push(item, node.name);
                add({Severity::error, IssueCode::structure, "slice", "belongs to none of the slices, and no others are allowed",
                     "不属于任何允许的分组（切片）"});
                path_.pop_back();
            }
            after_unmatched = true;
            continue;
        }
        if (after_unmatched && slicing.rules == Slicing::Rules::open_at_end) out_of_order = true;
        if (slicing.ordered && of < highest) out_of_order = true;
        highest = std::max(highest, of);
    }
    if (out_of_order)
        add({Severity::error, IssueCode::structure, "slice", "the slices are out of order", "各分组（切片）的顺序不对"},
            node.name);
    for (std::size_t i = 0; i < none; ++i) {
        const Node& slice = *node.slices[i];
        std::vector<Spot>& own = &slice == rest ? members[none] : members[i];
        const std::string key = "slice:" + slice.slice_name;
        if (own.size() < slice.min)
            add({Severity::error, IssueCode::required, key, fmt::format("needs {} of {} at least", slice.min, slice.slice_name),
                 fmt::format("至少需要 {} 项“{}”", slice.min, slice.slice_name)},
                node.name);
        if (own.size() > slice.max)
            add({Severity::error, IssueCode::structure, key,
                 slice.max == 0 ? fmt::format("must not have a {}", slice.slice_name)
                                : fmt::format("may have {} of {} at most", slice.max, slice.slice_name),
                 slice.max == 0 ? fmt::format("不得有“{}”", slice.slice_name)
                                : fmt::format("“{}”最多 {} 项", slice.slice_name, slice.max)},
                node.name);
        for (const Spot& item : own) {
            push(item, node.name);
            check(slice, item, around);
            path_.pop_back();
        }
        if (!slice.slices.empty() && slice.slicing) check_slices(slice, own, around);
    }
}

namespace {

void find_slices(const Node& node, std::string_view name, std::vector<const Node*>& found) {
    for (const auto& slice : node.slices) {
        if (slice->slice_name == name) found.push_back(slice.get());
        find_slices(*slice, name, found);
    }
    for (const auto& child : node.children) find_slices(*child, name, found);
}

}  // namespace

std::optional<bool> Walk::in_named_slice(std::string_view url, std::string_view slice, const fhirpath::Item& item) const {
    const Profile* profile = shelf_.find(url, nullptr);
    if (!profile || !item.type) return std::nullopt;
    std::vector<const Node*> found;
    find_slices(*profile->root, slice, found);
    if (found.empty()) return std::nullopt;
    return std::any_of(found.begin(), found.end(), [&](const Node* node) {
        const bool right_type = std::any_of(node->types.begin(), node->types.end(),
                                            [&](const TypeChoice& choice) { return item.type->is_a(*choice.type); });
        return right_type &&
               in_slice(*node, Spot{item.value, item.sidecar, item.type}, Around{item.resource, item.root_resource});
    });
}

}  // namespace xinglin::profile
