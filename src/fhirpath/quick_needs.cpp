// SPDX-License-Identifier: Apache-2.0
// What a resource's JSON text must hold for a quick test to be true: who knows that may leave texts unread that lack it.
#include <algorithm>

#include "fhirpath/quick.h"

namespace xinglin::fhirpath {

namespace {

using Step = Quick::Step;
using Kind = Quick::Step::Kind;
using Needs = Quick::Needs;

/// JSON may write these otherwise than they are; every other character only as itself or as \uXXXX.
bool may_be_escaped(char c) { return c == '"' || c == '\\' || c == '/' || static_cast<unsigned char>(c) < 0x20; }

std::string longest_plain_part(std::string_view text) {
    std::string_view best;
    for (std::size_t from = 0; from < text.size();) {
        std::size_t to = from;
        while (to < text.size() && !may_be_escaped(text[to])) ++to;
        if (to - from > best.size()) best = text.substr(from, to - from);
        from = to + 1;
    }
    return std::string(best);
}

/// Two answers, one of which holds: one of the texts of either. Of several demands the one with fewest texts is kept.
Needs either(const Needs& a, const Needs& b) {
    if (a.empty() || b.empty()) return {};
    const auto fewest = [](const Needs& needs) {
        return *std::min_element(needs.begin(), needs.end(), [](const auto& x, const auto& y) { return x.size() < y.size(); });
    };
    std::vector<std::string> texts = fewest(a);
    for (const std::string& text : fewest(b)) texts.push_back(text);
    return {std::move(texts)};
}

class Reader {
public:
    explicit Reader(const std::vector<Step>& steps) : steps_(steps) {}

    /// Of a step that gives something, or of a test that is true.
    Needs of(int number) const {
        if (number < 0) return {};
        const Step& step = steps_[static_cast<std::size_t>(number)];
        switch (step.kind) {
            case Kind::member:
            case Kind::first:
            case Kind::last:
            case Kind::at:
            case Kind::exists:
            case Kind::not_equal:
            case Kind::resource_key:
            case Kind::reference_key: return of(step.focus);
            case Kind::extension: return text_too(of(step.focus), longest_plain_part(step.name));
            case Kind::equal: {
                // A code system's address would be looked for in vain: it stands in nearly every resource.
                const bool plain = is_element(step.focus) && std::none_of(step.name.begin(), step.name.end(), may_be_escaped);
                return text_too(of(step.focus), plain ? step.name : "");
            }
            case Kind::where:
            case Kind::both: {
                Needs all = of(step.focus);
                for (auto& one : of(step.argument)) all.push_back(std::move(one));
                return all;
            }
            case Kind::either: return either(of(step.focus), of(step.argument));
            default: return {};  // holds without anything there (empty, count, a literal), or we can't tell (not)
        }
    }

private:
    const std::vector<Step>& steps_;

    bool is_element(int number) const { return steps_[static_cast<std::size_t>(number)].type != nullptr; }

    static Needs text_too(Needs needs, const std::string& text) {
        if (!text.empty()) needs.push_back({text});
        return needs;
    }
};

}  // namespace

bool Quick::is_test() const {
    switch (steps_[static_cast<std::size_t>(root_)].kind) {
        case Kind::exists:
        case Kind::empty:
        case Kind::negate:
        case Kind::equal:
        case Kind::not_equal:
        case Kind::both:
        case Kind::either: return true;
        default: return false;
    }
}

Quick::Needs Quick::needs() const {
    Needs needs = is_test() ? Reader(steps_).of(root_) : Needs();
    std::sort(needs.begin(), needs.end());
    needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
    return needs;
}

}  // namespace xinglin::fhirpath
