// SPDX-License-Identifier: Apache-2.0
// Which codes make a resource sensitive: content/access/labels.json, put into meta.security of whatever is stored.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "fhir/fhir.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::policy {

/// Immutable; safe from many threads.
class Labeller {
public:
    /// Refuses by name what is missing or not understood.
    static Result<Labeller> read(const content::Files& files);
    /// The resource itself when nothing is to be added; otherwise with the labels its codings ask for beside those it has.
    json::Value mark(const fhir::Type& type, json::Value resource, json::Arena& arena) const;

private:
    struct Range {
        std::string from, upto;  // beginnings of codes, both included: "B20" to "B24"
    };
    struct Label {
        std::string system, code;
        std::vector<Range> ranges;
    };
    struct System {
        std::string name;
        std::vector<std::pair<Range, std::size_t>> ranges;  // with the label's place
    };
    std::vector<Label> labels_;
    std::vector<System> systems_;

    void gather(json::Value value, std::vector<bool>& asked) const;
    void look_at(std::string_view system, std::string_view code, std::vector<bool>& asked) const;
};

/// For record::Options::mark. Refuses what Labeller::read refuses.
Result<std::function<json::Value(const fhir::Type&, json::Value, json::Arena&)>> marking(const content::Files& files);

/// Plays the cases of policy and labels; appends what is wrong.
void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

}  // namespace xinglin::policy
