// SPDX-License-Identifier: Apache-2.0
// Inside the room: one check, on its way through a resource: where it is, what it found, whom it may ask.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "profile/profile.h"
#include "profile/tree.h"

namespace xinglin::profile {

/// A set of compiled profiles, as the walk sees it.
class Shelf {
public:
    virtual ~Shelf() = default;
    /// nullptr when there is none; `fault` then says why it cannot be used, if it is there but wrong.
    virtual const Profile* find(std::string_view url, const Issue** fault) const = 0;
};

/// Where we are: "name", "name[index]", "name.ofType(Quantity)".
struct Step {
    std::string_view name;
    std::string_view choice;
    std::size_t index = SIZE_MAX;
};

/// The resource around a spot, for FHIRPath: %resource, %rootResource, resolve().
struct Around {
    json::Value resource, root;
};

struct Finding {
    Severity severity = Severity::error;
    IssueCode code = IssueCode::value;
    std::string key;
    std::string english, chinese;
};

class Walk {
public:
    Walk(const Shelf& shelf, const Ask& ask);

    /// R4's rules, extensions and claims of a whole resource and what is in it.
    void survey(json::Value resource);
    /// The profile against the resource or item. `profile` unknown: a warning.
    void satisfy(std::string_view url, const Spot& spot, const Around& around);
    void check(const Node& node, const Spot& spot, const Around& around);

    /// Would it pass? Nothing is reported.
    bool passes(const Node& node, const Spot& spot, const Around& around) const;
    /// Does the spot have the values that the node has, itself and below?
    bool has_values(const Node& node, const Spot& spot) const;
    bool in_slice(const Node& slice, const Spot& spot, const Around& around) const;
    /// Is the item in the slice of that name of a profile? Nothing when there is no such slice.
    std::optional<bool> in_named_slice(std::string_view url, std::string_view slice, const fhirpath::Item& item) const;

    Walk(const Walk&) = delete;

    Outcome finish() && { return std::move(outcome_); }
    bool failed() const { return errors_ > 0; }

    // ---- for the parts of the walk -------------------------------------------------------------------------------------
    bool wants(Severity severity) const {
        return outcome_.issues.size() < ask_.limit && (ask_.everything || severity <= Severity::error) &&
               !(quiet_ && errors_ > 0);
    }
    void add(Finding finding, std::string_view child = {});
    /// `of_r4`: R4's rules all end; one that needs more than the budget (33,000 codes that must differ) meets a large resource,
    /// not a bad profile, and is only a warning.
    void invariant(const Invariant& rule, const Spot& spot, const Around& around, bool of_r4 = false);
    std::vector<Step>& path() { return path_; }
    const Ask& ask() const { return ask_; }

private:
    const Shelf& shelf_;
    const Ask& ask_;
    fhirpath::Environment environment_;
    Outcome outcome_;
    std::vector<Step> path_;
    std::size_t errors_ = 0;
    bool quiet_ = false;
    int depth_ = 0;                      // of profiles inside profiles
    std::vector<std::string> given_up_;  // invariants that did not end: not tried again

    /// What one check may cost in all: nodes and slice tests looked at, and the time invariants may take. Shared with the
    /// quiet walks inside.
    struct Cost {
        std::uint64_t work = 0;
        std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
    };
    Cost own_cost_;
    Cost* cost_ = &own_cost_;
    bool told_too_costly_ = false;
    /// False, with an issue, when the check has cost too much.
    bool afford();

    friend class Survey;

    std::string where() const;
    void push(const Spot& spot, std::string_view name);
    std::vector<Spot> reach(const Spot& spot, const std::vector<PathStep>& path, const Around& around) const;
    json::Value resolve(std::string_view reference, const Around& around) const;
    bool passes_profile(std::string_view url, const Spot& spot, const Around& around) const;
    bool passes_test(const SliceTest& test, const Spot& spot, const Around& around) const;

    void check_value(const Node& node, const Spot& spot, const Around& around);
    /// False when the type itself is wrong: then nothing more is said of the value.
    bool check_type(const Node& node, const Spot& spot, const Around& around);
    void check_targets(const TypeChoice& choice, const Spot& spot, const Around& around);
    /// `by_base`: R4's own binding, which a profile may replace: only mentioned.
    void check_binding(const Bound& bound, const Spot& spot, bool by_base = false);
    std::optional<bool> is_member(std::string_view value_set, std::string_view system, std::string_view code) const;
    void check_child(const Node& child, const Spot& spot, const Around& around);
    void check_slices(const Node& node, const std::vector<Spot>& items, const Around& around);
};

/// R4's own rules of a type, compiled once.
struct TypeRules {
    std::vector<const Invariant*> own;  // with those of its bases; without those that the survey checks by hand
    std::vector<std::pair<const fhir::Element*, const Invariant*>> of_elements;
};
const TypeRules& rules_of(const fhir::Type& type);

/// A rule of R4 in Chinese; empty for those that the survey checks by hand and says itself.
std::string chinese_rule(std::string_view type, std::string_view key);

}  // namespace xinglin::profile
