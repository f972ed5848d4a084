// SPDX-License-Identifier: Apache-2.0
// Inside the room: counts of persons as they are shown to who sees no records (planners, operators, auditors …): small ones are not.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "anonymity/small.h"
#include "json/json.h"
#include "server/house.h"
#include "server/quality_report.h"

namespace xinglin::server {

/// Does the viewer see counts as they are? Who may read records does: what is counted there is what the viewer sees.
bool sees_counts(const access::Viewer& viewer);

/// Counts by name, small ones hidden with so many others that no sum tells them. Asked of a name it does not have it hides by the
/// limit alone.
class ShownCounts {
public:
    /// `open`: everything is shown.
    explicit ShownCounts(House& house, bool open);
    std::size_t add(const std::string& name, std::int64_t count);
    void sum(std::size_t total, std::vector<std::size_t> parts) { counts_.sums.push_back({total, std::move(parts)}); }
    void never_shown(std::size_t cell) { counts_.never_shown.push_back(cell); }
    void settle();

    /// A number, or "<5" or "*".
    json::Value value(json::Arena& arena, const std::string& name, std::int64_t count) const;
    std::string text(const std::string& name, std::int64_t count) const;
    bool is_hidden(const std::string& name, std::int64_t count) const { return !mark(name, count).empty(); }

private:
    std::string mark(const std::string& name, std::int64_t count) const;

    bool open_;
    std::int64_t below_ = 5;
    anonymity::Counts counts_;
    std::map<std::string, std::size_t, std::less<>> names_;
    std::vector<anonymity::Cell> cells_;
};

/// Resources by type with their total, as everybody without records sees them.
ShownCounts shown_types(House& house, const std::vector<record::TypeCount>& types, bool open);
/// Records by source and by age add up to all of them; so do those with a number, of which nobody tells the sum.
/// Names: "source ID", "with_id ID", "age 60", "age with_id 60".
ShownCounts shown_statistics(House& house, const person::Statistics& all, bool open);
/// Volumes by institution, set and day, with all their sums. Names: "", "set", "/day", "institution", "institution set", "institution/day".
ShownCounts shown_quality(House& house, const QualityReport& report, bool open);

}  // namespace xinglin::server
