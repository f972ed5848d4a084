// SPDX-License-Identifier: Apache-2.0
// R4's own rules over a whole resource: FHIRPath constraints of every type met, contained resources, references into them,
// extensions that are known, and the profiles that resources claim.
//
// dom-3, dom-4, dom-5, dom-6 and ref-1 are checked by hand: as FHIRPath they walk the whole resource again and again.
#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "profile/walk.h"

namespace xinglin::profile {

namespace {

constexpr std::string_view by_hand[] = {"dom-3", "dom-4", "dom-5", "dom-6", "ref-1"};

/// R4 writes `answer is Boolean`, a type of FHIRPath that no answer has; R5 corrected it.
constexpr std::string_view que_7 = "operator = 'exists' implies (answer is boolean)";

using Rules = std::unordered_map<const fhir::Type*, TypeRules>;

Rules compile_rules() {
    static std::vector<std::unique_ptr<Invariant>> kept;  // once, at the first check
    Rules made;
    std::unordered_map<const fhir::Rule*, const Invariant*> compiled;
    const auto invariant = [&](const fhir::Type& type, const fhir::Rule& rule) -> const Invariant* {
        if (std::find(std::begin(by_hand), std::end(by_hand), rule.key) != std::end(by_hand)) return nullptr;
        auto& slot = compiled[&rule];
        if (slot) return slot;
        auto expression = fhirpath::Expression::compile(rule.key == "que-7" ? que_7 : rule.expression);
        XINGLIN_ASSERT(expression.ok());  // the table is ours; a test compiles all of it
        kept.push_back(std::make_unique<Invariant>(Invariant{std::string(rule.key), rule.is_error, std::string(rule.human),
                                                             chinese_rule(type.name, rule.key), std::move(*expression)}));
        return slot = kept.back().get();
    };
    const auto gather = [&](const fhir::Type& type) {
        TypeRules rules;
        for (const fhir::Type* at = &type; at; at = at->base) {
            for (const fhir::Rule& rule : fhir::rules(*at)) {
                const Invariant* each = invariant(*at, rule);
                if (!each) continue;
                if (rule.element.empty()) rules.own.push_back(each);
                else if (const fhir::Element* element = fhir::find_element(type, rule.element))
                    rules.of_elements.emplace_back(element, each);
            }
        }
        made.emplace(&type, std::move(rules));
    };
    // Every type reachable from a resource: those of its elements, and so on.
    std::vector<const fhir::Type*> waiting(fhir::resources().begin(), fhir::resources().end());
    while (!waiting.empty()) {
        const fhir::Type* type = waiting.back();
        waiting.pop_back();
        if (made.contains(type)) continue;
        gather(*type);
        for (const fhir::Element& element : type->elements) {
            for (const fhir::TypeRef& ref : element.types) waiting.push_back(ref.type);
        }
    }
    return made;
}

/// What the members of one resource say about what it contains.
struct Container {
    json::Value resource;
    std::vector<std::string_view> fragments;  // "x" of every reference "#x"
    std::vector<bool> refers_to_container;    // of each contained: does it hold the reference "#"?
};

}  // namespace

const TypeRules& rules_of(const fhir::Type& type) {
    static const Rules rules = compile_rules();
    static const TypeRules none;
    const auto at = rules.find(&type);
    return at == rules.end() ? none : at->second;
}

class Survey {
public:
    explicit Survey(Walk& walk) : walk_(walk) {}

    void resource(json::Value value, json::Value root, bool is_contained) {
        const fhir::Type* type = type_of_resource(value);
        if (!type) return;
        const Around around{value, root};
        const std::size_t outer_start = std::exchange(resource_start_, walk_.path_.size());
        Container own{value, {}, {}};
        Container* const outer = container_;
        if (!is_contained) container_ = &own;
        object(Spot{value, {}, type}, around);
        if (!is_contained) {
            contained(own);
            container_ = outer;
            if (walk_.wants(Severity::warning) && value["text"]["div"].string().empty() && fhir::find_element(*type, "text") &&
                !in_bundle_)
                walk_.add({Severity::warning, IssueCode::invariant, "invariant:dom-6",
                           "breaks the rule dom-6: A resource should have narrative for robust management",
                           "不符合规则 dom-6：资源宜带有可读叙述（text）"});
        }
        if (walk_.ask_.claims) {
            for (const json::Node& claim : value["meta"]["profile"].items())
                walk_.satisfy(json::Value(&claim).string(), Spot{value, {}, type}, around);
        }
        resource_start_ = outer_start;
    }

private:
    Walk& walk_;
    Container* container_ = nullptr;
    std::size_t resource_start_ = 0;
    std::size_t inside_contained_ = SIZE_MAX;  // which of the contained resources we are in
    bool in_bundle_ = false;
    std::vector<const fhir::Type*> types_;  // of the steps of the path

    void object(const Spot& spot, const Around& around) {
        const fhir::Type& type = *spot.type;
        types_.resize(walk_.path_.size());
        types_.back() = &type;
        const TypeRules& rules = rules_of(type);
        for (const Invariant* each : rules.own) run(*each, spot, around);
        const json::Value source = type.kind == fhir::TypeKind::primitive ? spot.sidecar : spot.value;
        if (type.name == "Reference") reference(spot);
        for (const json::Member& member : source.members()) {
            std::string_view key = member.key();
            const bool sidecar = key.starts_with('_');
            if (sidecar) key.remove_prefix(1);
            const fhir::Match found = fhir::match(type, key);
            if (!found) continue;
            const bool is_primitive = found.type->type->kind == fhir::TypeKind::primitive;
            if (sidecar && (source[key] || !is_primitive)) continue;  // taken with its value
            if (is_primitive && !sidecar && rules.of_elements.empty()) {
                fragment(*found.type->type, member.value());
                if (!source["_" + std::string(key)]) continue;
            }
            member_items(found, spot, sidecar ? json::Value() : member.value(),
                         is_primitive ? source["_" + std::string(key)] : json::Value(), rules, around);
        }
    }

    void member_items(const fhir::Match& found, const Spot& holder, json::Value value, json::Value sidecar,
                      const TypeRules& rules, const Around& around) {
        const fhir::Element& element = *found.element;
        const bool many = value.is_array() || sidecar.is_array();
        const std::size_t count = many ? std::max(value.size(), sidecar.size()) : 1;
        for (std::size_t i = 0; i < count; ++i) {
            Spot item{many ? value[i] : value, many ? sidecar[i] : sidecar, found.type->type, many ? i : SIZE_MAX,
                      element.is_choice};
            walk_.push(item, element.name);
            for (const auto& [of, rule] : rules.of_elements) {
                if (of == &element) run(*rule, item, around);
            }
            if (element.binding == fhir::Binding::extensible && walk_.ask_.everything && walk_.ask_.member_of)
                walk_.check_binding({element.binding, std::string(element.value_set)}, item, true);
            step_in(element, item, holder, around, i);
            walk_.path_.pop_back();
        }
    }

    void step_in(const fhir::Element& element, const Spot& item, const Spot& holder, const Around& around, std::size_t index) {
        const std::string_view type = item.type->name;
        if (type == "Resource") {
            if (element.name == "contained") {
                inside_contained_ = index;
                if (container_ && container_->refers_to_container.size() <= index)
                    container_->refers_to_container.resize(index + 1);
                resource(item.value, around.root, true);
                inside_contained_ = SIZE_MAX;
            } else {
                const bool outer = std::exchange(in_bundle_, true);
                resource(item.value, around.root, false);
                in_bundle_ = outer;
            }
            return;
        }
        if (item.type->kind == fhir::TypeKind::primitive && !item.sidecar) return fragment(*item.type, item.value);
        if (type == "Extension") extension(element, item, holder, around);
        object(item, around);
    }

    void run(const Invariant& rule, const Spot& spot, const Around& around) { walk_.invariant(rule, spot, around, true); }

    void reference(const Spot& spot) {
        const std::string_view text = spot.value["reference"].string();
        if (!text.starts_with('#') || !container_) return;
        fragment_text(text);
        if (text == "#") return;
        for (const json::Node& node : container_->resource["contained"].items()) {
            if (json::Value(&node)["id"].string() == text.substr(1)) return;
        }
        walk_.add({Severity::error, IssueCode::invariant, "invariant:ref-1",
                   "breaks the rule ref-1: SHALL have a contained resource if a local reference is provided",
                   "不符合规则 ref-1：以 # 开头的引用必须指向 contained 中的资源"},
                  "reference");
    }

    void fragment(const fhir::Type& type, json::Value value) {
        if (type.name != "canonical" && type.name != "uri" && type.name != "url") return;
        if (value.is_string()) return fragment_text(value.string());
        for (const json::Node& node : value.items()) fragment_text(json::Value(&node).string());
    }
    void fragment_text(std::string_view text) {
        if (!text.starts_with('#') || !container_) return;
        if (text.size() > 1) container_->fragments.push_back(text.substr(1));
        else if (inside_contained_ < container_->refers_to_container.size())
            container_->refers_to_container[inside_contained_] = true;
    }

    /// dom-3, dom-4, dom-5.
    void contained(const Container& own) {
        std::size_t index = 0;
        for (const json::Node& node : own.resource["contained"].items()) {
            const json::Value inside(&node);
            walk_.path_.push_back({"contained", {}, index});
            const bool referred =
                std::find(own.fragments.begin(), own.fragments.end(), inside["id"].string()) != own.fragments.end();
            const bool refers = index < own.refers_to_container.size() && own.refers_to_container[index];
            if (!referred && !refers)
                walk_.add({Severity::error, IssueCode::invariant, "invariant:dom-3",
                           "breaks the rule dom-3: a contained resource SHALL be referred to from elsewhere in the resource or "
                           "SHALL refer to the containing resource",
                           "不符合规则 dom-3：contained 中的资源必须被引用，或引用其所在资源"});
            if (inside["meta"]["versionId"] || inside["meta"]["lastUpdated"])
                walk_.add({Severity::error, IssueCode::invariant, "invariant:dom-4",
                           "breaks the rule dom-4: a contained resource SHALL NOT have a meta.versionId or a meta.lastUpdated",
                           "不符合规则 dom-4：contained 中的资源不得有 meta.versionId 或 meta.lastUpdated"});
            if (inside["meta"]["security"])
                walk_.add({Severity::error, IssueCode::invariant, "invariant:dom-5",
                           "breaks the rule dom-5: a contained resource SHALL NOT have a security label",
                           "不符合规则 dom-5：contained 中的资源不得有 meta.security"});
            walk_.path_.pop_back();
            ++index;
        }
    }

    void extension(const fhir::Element& element, const Spot& item, const Spot& holder, const Around& around) {
        const std::string_view url = item.value["url"].string();
        if (url.find(':') == std::string_view::npos) return;  // part of another extension, which describes it
        const Profile* profile = walk_.shelf_.find(url, nullptr);
        if (!profile) {
            const Severity severity = element.is_modifier ? Severity::warning : Severity::information;
            if (walk_.wants(severity))
                walk_.add({severity, IssueCode::informational, "extension-unknown",
                           fmt::format("the extension {} is not known here", url.substr(0, 150)),
                           fmt::format("本系统没有扩展 {} 的定义", url.substr(0, 150))});
            return;
        }
        if (!may_stand(*profile, holder)) {
            std::string places;
            for (const auto& context : profile->contexts) places.append(places.empty() ? "" : ", ").append(context.expression);
            walk_.add({Severity::error, IssueCode::structure, "extension",
                       fmt::format("the extension {} may only stand in: {}", url.substr(0, 150), places),
                       fmt::format("扩展 {} 只能用在：{}", url.substr(0, 150), places)});
        }
        walk_.satisfy(url, item, around);
    }

    bool may_stand(const Profile& profile, const Spot& holder) const {
        if (profile.contexts.empty()) return true;
        return std::any_of(profile.contexts.begin(), profile.contexts.end(), [&](const Profile::Context& context) {
            if (context.type == "fhirpath" || context.expression == "Element") return true;  // resources are elements too
            if (context.type == "extension")
                return holder.type->name == "Extension" && holder.value["url"].string() == context.expression;
            for (const fhir::Type* type = holder.type; type; type = type->base) {
                if (type->name == context.expression) return true;
            }
            return stands_at(context.expression);
        });
    }

    /// Is the holder of what we look at the element that a definition writes so: "Patient.contact.name", "HumanName.family",
    /// "Observation.value[x]"? Any type on the way may begin the path.
    bool stands_at(std::string_view expression) const {
        const auto& path = walk_.path_;
        std::string tail;
        for (std::size_t i = path.size() - 1; i-- + 1 > resource_start_;) {
            for (const fhir::Type* type = types_[i]; type; type = type->base) {
                if (std::string(type->name) + tail == expression) return true;
            }
            tail.insert(0, "." + std::string(path[i].name) + (path[i].choice.empty() ? "" : "[x]"));
        }
        return false;
    }
};

void Walk::survey(json::Value resource) { Survey(*this).resource(resource, resource, false); }

}  // namespace xinglin::profile
