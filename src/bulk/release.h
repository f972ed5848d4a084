// SPDX-License-Identifier: Apache-2.0
// A release: a de-identified export in which everybody hides among k persons, with a report of the risk that stays.
//
// Everybody is looked at once before anything is written: the classes decide how quasi-identifiers are told and who is left out as
// a whole. Then each Patient says its quasi-identifiers at their level and nothing else; dates are shifted by person; pseudonyms and
// shifts are of this release only. Memory: 24 bytes for each Patient and 16 for each category of diagnoses of one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "anonymity/anonymity.h"
#include "bulk/bulk.h"

namespace xinglin::bulk {

struct ReleaseAsked {
    std::string name;  // what it is for: its key is made of it
    content::Files files;
    std::string key;      // of the house
    int year = 0;         // of the export
    std::string made_at;  // the instant it is of
    /// Whose a Patient is, from many threads; nothing: every Patient is a person.
    std::function<std::string(std::string_view patient)> person_of;
};

/// What it says of an order: a release is a whole, of nobody's changes. Nothing when it may.
Result<Done> check_order(const Order& order);

/// Immutable once made; safe from many threads.
class Release {
public:
    /// Looks at everybody. What the rules do not allow to go out is made all the same: see why_not(). Refuses rules that are wrong.
    static Result<Release> make(record::Store& store, const Order& order, record::Position as_of, ReleaseAsked asked,
                                const RunOptions& options, Progress& progress);
    Release(Release&&) noexcept;
    ~Release();

    /// Nothing when it is left out.
    json::Value apply(json::Value resource, json::Arena& arena) const;
    const Deidentifier& deidentifier() const;
    const anonymity::Found& found() const;
    /// "" when it may go out.
    std::string why_not() const;
    std::string report(std::uint64_t left_out) const;       // JSON
    std::string report_page(std::uint64_t left_out) const;  // HTML

private:
    struct Inside;
    explicit Release(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

constexpr std::string_view report_file = "release.json", report_page_file = "release.html";

}  // namespace xinglin::bulk
