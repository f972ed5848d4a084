// SPDX-License-Identifier: Apache-2.0
// A view run over the record now, piece by piece, in one snapshot.
#pragma once

#include <string>
#include <vector>

#include "record/record.h"
#include "view/view.h"

namespace xinglin::view {

struct Question {
    Definition definition;
    Environment environment;
    bool of_patients = false;           // only of these
    std::vector<std::string> patients;  // ids
    std::int64_t since_ms = 0;          // resources written at or after
    std::uint64_t limit = 0;            // rows; 0: all
    std::uint64_t most_resources = 0;   // looked at; 0: all
};

/// For one thread at a time.
class OnDemand {
public:
    OnDemand(record::Reader reader, Question question);

    /// Goes on until `enough` says so after a row, or the end: then `over()`.
    Result<Done> go(const Sink& sink, const std::function<bool()>& enough);
    bool over() const { return over_; }
    /// There are more rows than the limit, or more resources than may be looked at.
    bool truncated() const { return truncated_; }
    std::uint64_t resources_read() const { return resources_read_; }
    std::uint64_t rows() const { return rows_; }
    const Definition& definition() const { return question_.definition; }

private:
    record::Reader reader_;
    Question question_;
    Runner runner_;
    record::Reader::ScanPlace place_;
    std::size_t patient_ = 0;
    json::Arena arena_;
    bool over_ = false, truncated_ = false;
    std::uint64_t rows_ = 0, resources_read_ = 0;

    Result<bool> show(const record::Version& version, const Sink& sink);
    Result<Done> go_patients(const Sink& sink, const std::function<bool()>& enough);
};

}  // namespace xinglin::view
