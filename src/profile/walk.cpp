// SPDX-License-Identifier: Apache-2.0
// What a profile says of one item and what is inside it: values, types, references, bindings, cardinality, invariants.
#include "profile/walk.h"

#include <algorithm>

#include <fmt/format.h>

namespace xinglin::profile {

namespace {

constexpr std::size_t deepest = 400;
constexpr int deepest_profiles = 12;
constexpr std::uint64_t most_work = 2'000'000;
constexpr std::chrono::seconds longest{5};

std::string short_list(const std::vector<std::string>& urls) {
    std::string text;
    for (const std::string& url : urls) {
        const std::string_view last = std::string_view(url).substr(url.rfind('/') + 1);
        text.append(text.empty() ? "" : ", ").append(last);
    }
    return text;
}

std::size_t code_points(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

Walk::Walk(const Shelf& shelf, const Ask& ask) : shelf_(shelf), ask_(ask) {
    path_.reserve(16);
    environment_.budget = ask.budget;
    environment_.member_of = ask.member_of;
    environment_.resolve = ask.resolve;
    environment_.in_slice = [this](std::string_view url, std::string_view slice, const fhirpath::Item& item) {
        return in_named_slice(url, slice, item);
    };
    environment_.conforms_to = [this](std::string_view url, const fhirpath::Item& item) -> std::optional<bool> {
        if (!shelf_.find(without_version(url), nullptr)) return std::nullopt;
        if (item.kind != fhirpath::Item::Kind::node) return false;
        return passes_profile(url, Spot{item.value, item.sidecar, item.type}, Around{item.resource, item.root_resource});
    };
}

std::string Walk::where() const {
    std::string text;
    for (const Step& step : path_) {
        if (!text.empty()) text += '.';
        text += step.name;
        if (!step.choice.empty()) text.append(".ofType(").append(step.choice).append(")");
        if (step.index != SIZE_MAX) text.append("[").append(std::to_string(step.index)).append("]");
    }
    return text;
}

void Walk::add(Finding finding, std::string_view child) {
    if (finding.severity <= Severity::error) ++errors_;
    if (quiet_ || outcome_.issues.size() >= ask_.limit) return;
    std::string place = where();
    if (!child.empty()) place.append(place.empty() ? "" : ".").append(child);
    // The same may be found through two profiles.
    for (const Issue& issue : outcome_.issues) {
        if (issue.key == finding.key && issue.where == place && issue.what == finding.english) return;
    }
    outcome_.issues.push_back({finding.severity, finding.code, std::move(place), std::move(finding.english),
                               std::move(finding.key), std::move(finding.chinese)});
}

bool Walk::afford() {
    if (cost_->work <= most_work) return true;
    if (!std::exchange(told_too_costly_, true))
        add({Severity::error, IssueCode::too_costly, "too-costly",
             "takes too long to check and was given up; send it in smaller parts", "检查耗时过长，已放弃；请分成较小的部分提交"});
    return false;
}

void Walk::push(const Spot& spot, std::string_view name) {
    path_.push_back({name, spot.is_choice && spot.type ? spot.type->name : std::string_view(), spot.index});
}

void Walk::invariant(const Invariant& rule, const Spot& spot, const Around& around, bool of_r4) {
    const Severity severity = rule.is_error ? Severity::error : Severity::warning;
    if (!wants(severity) || !afford()) return;
    if (std::find(given_up_.begin(), given_up_.end(), rule.key) != given_up_.end()) return;
    if (++cost_->work % 64 == 0 && std::chrono::steady_clock::now() - cost_->begin > longest) cost_->work = most_work + 1;
    fhirpath::Item item;
    item.value = spot.value;
    item.sidecar = spot.sidecar;
    item.type = spot.type;
    item.resource = around.resource;
    item.root_resource = around.root;
    const auto result = rule.expression.evaluate(item, environment_);
    const std::string key = "invariant:" + rule.key;
    const std::string& chinese = rule.human_zh.empty() ? rule.human : rule.human_zh;
    if (!result.ok()) {
        given_up_.push_back(rule.key);
        if (of_r4 && !wants(Severity::warning)) return;
        const std::string& why = result.outcome().issues.front().what;
        return add({of_r4 ? Severity::warning : Severity::error, IssueCode::invariant, key,
                    fmt::format("the rule {} could not be evaluated and was given up ({}): {}", rule.key, why, rule.human),
                    fmt::format("规则 {} 无法求值，已放弃（{}）：{}", rule.key, why, chinese)});
    }
    // Empty passes: R4's own rules are written so (bdl-8 of an entry without fullUrl).
    if (fhirpath::truth(*result).value_or(true)) return;
    add({severity, IssueCode::invariant, key, fmt::format("breaks the rule {}: {}", rule.key, rule.human),
         fmt::format("不符合规则 {}：{}", rule.key, chinese)});
}

json::Value Walk::resolve(std::string_view reference, const Around& around) const {
    if (reference.empty()) return {};
    if (reference[0] == '#') {
        json::Value container = around.root ? around.root : around.resource;
        for (const json::Value holder : {around.resource, container}) {
            for (const json::Node& node : holder["contained"].items()) {
                if (json::Value(&node)["id"].string() == reference.substr(1)) return json::Value(&node);
            }
        }
        return {};
    }
    if (around.root["resourceType"].string() == "Bundle") {
        for (const json::Node& node : around.root["entry"].items()) {
            const json::Value entry(&node), resource = entry["resource"];
            const std::string_view full = entry["fullUrl"].string();
            if (!resource) continue;
            if (full == reference ||
                (full.ends_with(reference) && full.size() > reference.size() && full[full.size() - reference.size() - 1] == '/'))
                return resource;
            const std::string_view type = resource["resourceType"].string(), id = resource["id"].string();
            if (!id.empty() && reference.size() == type.size() + 1 + id.size() && reference.starts_with(type) &&
                reference.ends_with(id))
                return resource;
        }
    }
    return ask_.resolve ? ask_.resolve(reference) : json::Value();
}

bool Walk::passes(const Node& node, const Spot& spot, const Around& around) const {
    Ask quietly = ask_;
    quietly.everything = false;
    Walk other(shelf_, quietly);
    other.quiet_ = true;
    other.depth_ = depth_ + 1;
    other.cost_ = cost_;
    if (other.depth_ > deepest_profiles) return true;
    other.check(node, spot, around);
    return !other.failed();
}

bool Walk::passes_profile(std::string_view url, const Spot& spot, const Around& around) const {
    if (const fhir::Type* type = base_type(url)) return spot.type && spot.type->is_a(*type);
    const Profile* profile = shelf_.find(without_version(url), nullptr);
    if (!profile) return true;  // not known: not held against it
    return spot.type && spot.type->is_a(*profile->type) && passes(*profile->root, spot, around);
}

void Walk::satisfy(std::string_view url, const Spot& spot, const Around& around) {
    if (base_type(url) && spot.type) {
        if (!spot.type->is_a(*base_type(url)))
            add({Severity::error, IssueCode::structure, "profile",
                 fmt::format("is not a {}, as the profile asks", base_type(url)->name),
                 fmt::format("不是规范要求的 {} 类型", base_type(url)->name)});
        return;
    }
    const Issue* fault = nullptr;
    const Profile* profile = shelf_.find(without_version(url), &fault);
    const std::string_view shown = url.substr(0, 150);
    if (!profile) {
        if (fault)
            return add({Severity::error, IssueCode::invariant, "profile",
                        fmt::format("the profile {} contradicts itself: {}: {}", shown, fault->where, fault->what),
                        fmt::format("规范 {} 自相矛盾：{}：{}", shown, fault->where, fault->what)});
        if (!wants(Severity::warning)) return;
        return add({Severity::warning, IssueCode::not_found, "profile",
                    fmt::format("the profile {} is not known here; it was not checked", shown),
                    fmt::format("本系统没有规范 {}，未作检查", shown)});
    }
    if (!spot.type || !spot.type->is_a(*profile->type)) {
        return add({Severity::error, IssueCode::structure, "profile",
                    fmt::format("the profile {} is for {}", shown, profile->type->name),
                    fmt::format("规范 {} 只适用于 {}", shown, profile->type->name)});
    }
    if (++depth_ <= deepest_profiles) check(*profile->root, spot, around);
    --depth_;
}

void Walk::check(const Node& node, const Spot& spot, const Around& around) {
    if (path_.size() > deepest || (quiet_ && failed())) return;
    ++cost_->work;
    if (!afford()) return;
    if (!check_type(node, spot, around)) return;
    check_value(node, spot, around);
    for (const Invariant& each : node.invariants) invariant(each, spot, around);
    if (node.children.empty()) return;
    const bool is_resource = spot.type && spot.type->kind == fhir::TypeKind::resource;
    const Around inside = is_resource && spot.value != around.resource ? Around{spot.value, around.root} : around;
    for (const auto& child : node.children) check_child(*child, spot, inside);
}

void Walk::check_value(const Node& node, const Spot& spot, const Around& around) {
    if (node.fixed && !(spot.value && json::same_content(spot.value, node.fixed))) {
        const std::string shown = json::write(node.fixed).substr(0, 200);
        add({Severity::error, IssueCode::value, "fixed", "must be exactly " + shown, "必须等于 " + shown});
    }
    if (node.pattern && !matches_pattern(spot.value, node.pattern)) {
        const std::string shown = json::write(node.pattern).substr(0, 300);
        add({Severity::error, IssueCode::value, "pattern", "must contain " + shown, "必须包含 " + shown});
    }
    if (node.max_length && spot.value.is_string() && code_points(spot.value.string()) > *node.max_length)
        add({Severity::error, IssueCode::value, "max-length", fmt::format("must have {} characters at most", *node.max_length),
             fmt::format("最多 {} 个字符", *node.max_length)});
    const auto beyond = [&](const std::optional<Border>& border) {
        if (!border || !spot.value) return false;
        fhirpath::Item item;
        item.value = spot.value;
        item.type = spot.type;
        item.resource = around.resource;
        item.root_resource = around.root;
        const auto answer = border->expression.evaluate(item, environment_);
        return answer.ok() && fhirpath::truth(*answer) == false;
    };
    if (beyond(node.least))
        add({Severity::error, IssueCode::value, "min-value", "must not be below " + node.least->text,
             "不得小于 " + node.least->text});
    if (beyond(node.most))
        add({Severity::error, IssueCode::value, "max-value", "must not be above " + node.most->text,
             "不得大于 " + node.most->text});
    if (node.binding) check_binding(*node.binding, spot);
}

bool Walk::check_type(const Node& node, const Spot& spot, const Around& around) {
    if (!node.types_limited || !spot.type || node.types.empty()) return true;
    const TypeChoice* chosen = nullptr;
    for (const TypeChoice& choice : node.types) {
        if (spot.type->is_a(*choice.type)) chosen = &choice;
    }
    if (!chosen) {
        std::string allowed;
        for (const TypeChoice& choice : node.types) allowed.append(allowed.empty() ? "" : ", ").append(choice.type->name);
        add({Severity::error, IssueCode::structure, "type", "must be of type " + allowed, "类型必须是 " + allowed});
        return false;
    }
    if (!chosen->targets.empty()) check_targets(*chosen, spot, around);
    if (chosen->profiles.size() == 1) {
        if (wants(Severity::warning) || shelf_.find(chosen->profiles[0], nullptr)) satisfy(chosen->profiles[0], spot, around);
    } else if (chosen->profiles.size() > 1) {
        const auto fits = [&](const std::string& url) { return passes_profile(url, spot, around); };
        if (std::none_of(chosen->profiles.begin(), chosen->profiles.end(), fits)) {
            const std::string list = short_list(chosen->profiles);
            add({Severity::error, IssueCode::structure, "type-profile", "satisfies none of the profiles " + list,
                 "不符合以下任何一个规范：" + list});
        }
    }
    return true;
}

/// The type of the target, by the reference's text or `type`; the target itself where it is at hand.
void Walk::check_targets(const TypeChoice& choice, const Spot& spot, const Around& around) {
    if (choice.type->name != "Reference") return;
    const std::string_view reference = spot.value["reference"].string();
    const json::Value target = resolve(reference, around);
    const fhir::Type* type = target ? type_of_resource(target) : nullptr;
    if (!type) {
        std::string_view text = reference;
        if (const std::size_t history = text.find("/_history/"); history != std::string_view::npos)
            text = text.substr(0, history);
        const std::size_t slash = text.rfind('/');
        if (slash != std::string_view::npos && text[0] != '#') {
            const std::string_view before = text.substr(0, slash);
            type = fhir::find_resource(before.substr(before.rfind('/') == std::string_view::npos ? 0 : before.rfind('/') + 1));
        }
        if (!type) type = fhir::find_resource(spot.value["type"].string());
    }
    if (!type) return;
    bool type_fits = false, fits = false;
    for (const std::string& url : choice.targets) {
        const fhir::Type* base = base_type(url);
        const Profile* profile = base ? nullptr : shelf_.find(url, nullptr);
        if (!base && !profile) return;  // not known: nothing can be said
        const bool right = type->is_a(base ? *base : *profile->type);
        type_fits |= right;
        if (!right) continue;
        if (base || !target) {
            fits = true;
        } else if (depth_ < deepest_profiles) {
            const Spot found{target, {}, type};
            const bool contained = !reference.empty() && reference[0] == '#';
            fits |= passes(*profile->root, found,
                           Around{target, contained ? around.root
                                                    : (around.root["resourceType"].string() == "Bundle" ? around.root : target)});
        }
    }
    if (fits) return;
    const std::string list = short_list(choice.targets);
    if (!type_fits) {
        add({Severity::error, IssueCode::value, "reference", fmt::format("must refer to one of: {}", list),
             fmt::format("必须引用：{}", list)});
    } else {
        add({Severity::error, IssueCode::value, "target-profile", fmt::format("what it refers to satisfies none of: {}", list),
             fmt::format("引用的资源不符合：{}", list)});
    }
}

std::optional<bool> Walk::is_member(std::string_view value_set, std::string_view system, std::string_view code) const {
    if (ask_.member_of) {
        if (const auto answer = ask_.member_of(value_set, system, code)) return answer;
    }
    const fhir::CodeSet* known = fhir::find_code_set(value_set);
    if (!known) return std::nullopt;
    const bool fits = system.empty() || std::find(known->systems.begin(), known->systems.end(), system) != known->systems.end();
    return fits && known->has(code);
}

void Walk::check_binding(const Bound& bound, const Spot& spot, bool by_base) {
    const bool required = bound.strength == fhir::Binding::required, extensible = bound.strength == fhir::Binding::extensible;
    const bool warn = extensible && !by_base;
    const Severity severity = required ? Severity::error : warn ? Severity::warning : Severity::information;
    if (bound.strength == fhir::Binding::example || !wants(severity) || !spot.value) return;
    std::size_t codings = 0, unknown = 0;
    bool found = false;
    const auto ask = [&](std::string_view system, std::string_view code) {
        if (code.empty()) return;
        ++codings;
        const auto answer = is_member(bound.value_set, system, code);
        found |= answer == true;
        unknown += !answer.has_value();
    };
    if (spot.value.is_string()) ask({}, spot.value.string());
    else if (spot.value["coding"]) {
        for (const json::Node& node : spot.value["coding"].items())
            ask(json::Value(&node)["system"].string(), json::Value(&node)["code"].string());
    } else {
        ask(spot.value["system"].string(), spot.value["code"].string());
    }
    if (found) return;
    const std::string_view set = bound.value_set;
    if (unknown > 0) {
        if (!by_base && wants(Severity::information) && (required || extensible))
            add({Severity::information, IssueCode::not_supported, "binding-unknown",
                 fmt::format("the value set {} is not known here; the code was not checked", set),
                 fmt::format("本系统没有值集 {}，未检查代码", set)});
        return;
    }
    if (codings == 0 && !required) return;  // text alone is allowed
    add({severity, IssueCode::code_invalid, "binding",
         fmt::format("{} a code of {}",
                     required     ? "must have"
                     : extensible ? "should have, where one fits,"
                                  : "could have",
                     set),
         fmt::format("{}使用值集 {} 中的代码",
                     required     ? "必须"
                     : extensible ? "有合适代码时应"
                                  : "可以",
                     set)});
}

void Walk::check_child(const Node& child, const Spot& spot, const Around& around) {
    if (child.ignored) return;
    const std::vector<Spot> items = child.element && spot.type && fhir::find_element(*spot.type, child.name) == child.element
                                        ? items_of(spot, *child.element)
                                        : items_of(spot, child.name);
    if (items.size() < child.min && items.size() >= child.base_min) {
        const std::string few = child.min == 1 ? "is required" : fmt::format("must be there {} times at least", child.min);
        add({Severity::error, IssueCode::required, "min", few,
             child.min == 1 ? std::string("必填") : fmt::format("至少要有 {} 项", child.min)},
            child.name);
    }
    if (items.size() > child.max && items.size() <= child.base_max) {
        const std::string many = child.max == 0 ? "must not be there" : fmt::format("may be there {} times at most", child.max);
        add({Severity::error, IssueCode::structure, "max", many,
             child.max == 0 ? std::string("不得填写") : fmt::format("最多 {} 项", child.max)},
            child.name);
    }
    for (const Spot& item : items) {
        push(item, child.name);
        check(child, item, around);
        path_.pop_back();
    }
    if (!child.slices.empty()) check_slices(child, items, around);
}

}  // namespace xinglin::profile
