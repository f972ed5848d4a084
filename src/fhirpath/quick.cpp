// SPDX-License-Identifier: Apache-2.0
// Running quick paths. What they are made of is decided in quick_compile.cpp.
#include "fhirpath/quick.h"

#include <algorithm>

namespace xinglin::fhirpath {

namespace {

using Step = Quick::Step;
using Kind = Quick::Step::Kind;

/// One run. Results are pushed on the stack; a step takes what its focus pushed and leaves its own in that place.
class Run {
public:
    Run(const std::vector<Step>& steps, const QuickSite& site, std::vector<Spot>& stack)
        : steps_(steps), site_(site), stack_(stack) {}

    void push(int at, const Spot& context) {
        const Step& step = steps_[static_cast<std::size_t>(at)];
        switch (step.kind) {
            case Kind::context: stack_.push_back(context); return;
            case Kind::resource: stack_.push_back({.value = site_.resource}); return;
            case Kind::live:
                if (const Spot& spot = site_.live[step.index]; spot.kind != Spot::Kind::text || !spot.text.empty())
                    stack_.push_back(spot);
                return;
            case Kind::literal:
                stack_.push_back(step.literal);
                stack_.back().text = step.name;
                return;
            case Kind::exists:
            case Kind::empty:
            case Kind::negate:
            case Kind::equal:
            case Kind::not_equal:
            case Kind::both:
            case Kind::either:
                if (const auto truth = test(step, context)) stack_.push_back({.kind = Spot::Kind::boolean, .boolean = *truth});
                return;
            default: return push_path(step, context);
        }
    }

private:
    const std::vector<Step>& steps_;
    const QuickSite& site_;
    std::vector<Spot>& stack_;

    void push_path(const Step& step, const Spot& context) {
        if (step.kind == Kind::member && step.focus < 0) return push_member(step, context);
        const std::size_t from = stack_.size();
        push(step.focus, context);
        const std::size_t to = stack_.size();
        switch (step.kind) {
            case Kind::first: return keep(from, from, std::min(from + 1, to));
            case Kind::last: return keep(from, to == from ? to : to - 1, to);
            case Kind::at: {
                const bool there = step.index < to - from;
                return keep(from, there ? from + step.index : to, there ? from + step.index + 1 : to);
            }
            case Kind::where: return keep_where(step, from, to);
            case Kind::count:
                stack_.resize(from);
                stack_.push_back({.kind = Spot::Kind::integer, .integer = static_cast<std::int64_t>(to - from)});
                return;
            default: break;
        }
        for (std::size_t i = from; i < to; ++i) {
            const Spot spot = stack_[i];  // a copy: pushing moves the stack
            if (step.kind == Kind::member) push_member(step, spot);
            else if (step.kind == Kind::extension) push_extension(step, spot);
            else push_key(step, spot);
        }
        keep(from, to, stack_.size());
    }

    /// What lies at [first, last) moves down to `from`; the rest above is dropped.
    void keep(std::size_t from, std::size_t first, std::size_t last) {
        if (first != from)
            std::move(stack_.begin() + static_cast<std::ptrdiff_t>(first), stack_.begin() + static_cast<std::ptrdiff_t>(last),
                      stack_.begin() + static_cast<std::ptrdiff_t>(from));
        stack_.resize(from + (last - first));
    }

    void keep_where(const Step& step, std::size_t from, std::size_t to) {
        std::size_t kept = from;
        for (std::size_t i = from; i < to; ++i) {
            const Spot spot = stack_[i];
            if (test(steps_[static_cast<std::size_t>(step.argument)], spot) == true) stack_[kept++] = spot;
        }
        stack_.resize(kept);
    }

    void push_values(json::Value value, json::Value sidecar) {
        if (!value.is_array() && !sidecar.is_array()) {
            if (value || sidecar) stack_.push_back({.value = value, .sidecar = sidecar});
            return;
        }
        const std::size_t count = std::max(value.size(), sidecar.size());
        for (std::size_t i = 0; i < count; ++i) {
            const json::Value one = value[i];
            const json::Value beside = sidecar.is_array() ? sidecar[i] : json::Value();
            stack_.push_back(
                {.value = one.is_null() ? json::Value() : one, .sidecar = beside.is_null() ? json::Value() : beside});
        }
    }

    void push_member(const Step& step, const Spot& spot) {
        const json::Value from = step.from_sidecar ? spot.sidecar : spot.value;
        push_values(from[std::string_view(step.name)], step.with_sidecar ? from[std::string_view(step.sidecar)] : json::Value());
    }

    void push_extension(const Step& step, const Spot& spot) {
        const std::size_t from = stack_.size();
        push_values((step.from_sidecar ? spot.sidecar : spot.value)["extension"], {});
        std::size_t kept = from;
        for (std::size_t i = from; i < stack_.size(); ++i) {
            if (stack_[i].value["url"].string() == step.name) stack_[kept++] = stack_[i];
        }
        stack_.resize(kept);
    }

    void push_key(const Step& step, const Spot& spot) {
        std::string_view key;
        if (step.kind == Kind::reference_key) {
            key = reference_key(spot.value["reference"].string(), step.name);
        } else {
            const std::string_view type = spot.value["resourceType"].string(), id = spot.value["id"].string();
            if (type.empty() || id.empty()) return;
            char* text = static_cast<char*>(site_.arena->allocate(type.size() + 1 + id.size(), 1));
            std::copy(type.begin(), type.end(), text);
            text[type.size()] = '/';
            std::copy(id.begin(), id.end(), text + type.size() + 1);
            key = {text, type.size() + 1 + id.size()};
        }
        if (!key.empty()) stack_.push_back({.kind = Spot::Kind::text, .text = key});
    }

    std::optional<bool> test(const Step& step, const Spot& context) {
        switch (step.kind) {
            case Kind::both:
            case Kind::either: {
                const bool wanted = step.kind == Kind::either;  // what decides alone
                const auto a = test(steps_[static_cast<std::size_t>(step.focus)], context);
                if (a == wanted) return wanted;
                const auto b = test(steps_[static_cast<std::size_t>(step.argument)], context);
                if (b == wanted) return wanted;
                return a && b ? std::optional(!wanted) : std::nullopt;
            }
            case Kind::negate: {
                const auto a = test(steps_[static_cast<std::size_t>(step.focus)], context);
                return a ? std::optional(!*a) : std::nullopt;
            }
            case Kind::literal: return step.literal.boolean;
            default: break;
        }
        const std::size_t from = stack_.size();
        push(step.focus, context);
        const std::size_t found = stack_.size() - from;
        std::optional<bool> answer;
        if (step.kind == Kind::exists) answer = found > 0;
        else if (step.kind == Kind::empty) answer = found == 0;
        else if (found > 0) answer = (found == 1 && is_literal(step, stack_[from])) == (step.kind == Kind::equal);
        stack_.resize(from);
        return answer;
    }

    static bool is_literal(const Step& step, const Spot& spot) {
        const Spot& literal = step.literal;
        switch (spot.kind) {
            case Spot::Kind::text: return literal.kind == Spot::Kind::text && spot.text == step.name;
            case Spot::Kind::boolean: return literal.kind == Spot::Kind::boolean && spot.boolean == literal.boolean;
            case Spot::Kind::integer: return literal.kind == Spot::Kind::integer && spot.integer == literal.integer;
            case Spot::Kind::element: break;
        }
        if (literal.kind == Spot::Kind::text) return spot.value.is_string() && spot.value.string() == step.name;
        return literal.kind == Spot::Kind::boolean && spot.value.is_boolean() && spot.value.as_bool() == literal.boolean;
    }
};

}  // namespace

void Quick::run(const Spot& context, const QuickSite& site, std::vector<Spot>& out) const {
    Run(steps_, site, out).push(root_, context);
}

}  // namespace xinglin::fhirpath
