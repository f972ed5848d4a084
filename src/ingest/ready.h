// SPDX-License-Identifier: Apache-2.0
// Transactions made ready by many threads and queued by one: what is queued first is stored first, however long others take.
//
// The same path as Ingest::bundle, cut in two: checking and preparing here, then the queue of the record's writer.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ingest/ingest.h"

namespace xinglin::ingest {

/// Leaves an update out: the entry's index, the present version's body. Asked inside the writer.
using Unless = std::function<bool(std::size_t entry, std::string_view present)>;
/// Queues what is ready; once.
using Submit = std::function<void(Unless, BundleBack)>;

/// Safe from any thread.
class Transactions {
public:
    explicit Transactions(record::Store& store, const Options& options = {}) : store_(store), options_(options) {}

    /// A Bundle of type transaction. The arena is kept until the end. `lesser`: "Type/id" of updates that are left out when the
    /// resource is there.
    Result<Submit> ready(std::shared_ptr<json::Arena> arena, json::Value bundle, const Allowed& allowed,
                         std::span<const std::string> lesser = {});

private:
    record::Store& store_;
    const Options options_;
};

}  // namespace xinglin::ingest
