// SPDX-License-Identifier: Apache-2.0
// Whose a resource is, where its place does not say so. Inside the room only.
//
// A rid lies in the range of a patient because that patient was named when the rid was given. Nearly always the resource is that
// patient's and nobody else's; the exceptions (named before it came, of several patients, corrected to another) are lines of
// record_owner, in the order in which they were found out. A snapshot sees the lines of its own moment.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "record/cursor.h"
#include "record/layout.h"
#include "sql/sql.h"

namespace xinglin::record {

/// Ordinals of patients, in order.
using OwnerList = std::vector<std::int64_t>;

/// One line, "4097 5001" behind a check sum over all of it; reading throws sql::Broken (corrupt) when it does not fit.
std::string line_of_owners(std::int64_t number, std::int64_t rid, const OwnerList& owners);
OwnerList owners_of_line(std::int64_t number, std::int64_t rid, std::string_view line);
/// What a rid says by its place.
OwnerList owners_by_place(std::int64_t rid);

/// The exceptions as of one moment; never changes.
class Owners {
public:
    /// Nothing: its place says it.
    const OwnerList* find(std::int64_t rid) const;
    /// The first exception at or after a rid; no_more when there is none.
    std::int64_t next(std::int64_t rid) const;
    std::size_t size() const;

private:
    friend class OwnerShelf;
    struct Line {
        std::int64_t rid;
        OwnerList owners;
    };
    std::int64_t number_ = 0;                                                                // of the last line that is in here
    std::shared_ptr<const std::vector<Line>> base_ = std::make_shared<std::vector<Line>>();  // by rid, each once
    std::map<std::int64_t, OwnerList> later_;                                                // instead of those
};

/// Keeps what was read, for all readers of a store. Safe from many threads.
class OwnerShelf {
public:
    /// Those of the snapshot that the connection is in.
    std::shared_ptr<const Owners> of(sql::Connection& connection);

private:
    static std::shared_ptr<Owners> read(sql::Connection& connection, const Owners& from, std::int64_t upto);
    std::mutex mutex_;  // guards latest_
    std::shared_ptr<const Owners> latest_ = std::make_shared<Owners>();
};

void append_owners(sql::Connection& connection, std::int64_t rid, const OwnerList& owners);
/// The last line about a rid; nothing when there is none.
std::optional<OwnerList> stated_owners(sql::Connection& connection, std::int64_t rid);
/// For a store from before there were such lines: reads all references to patients.
void find_owners(sql::Connection& connection, const Numbers& numbers);

}  // namespace xinglin::record
