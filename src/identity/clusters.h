// SPDX-License-Identifier: Apache-2.0
// People out of pairs: groups are joined only while all their pairs together speak for it.
#pragma once

#include <functional>

#include "identity/records.h"

namespace xinglin::identity {

/// A pair that may be one person, with the logarithm of its odds.
struct Edge {
    std::uint32_t a, b;
    float log_odds;
};

struct Clusters {
    std::vector<std::uint32_t> of;                    // of each record: the number of its first record
    std::vector<std::vector<std::uint32_t>> members;  // of clusters of two and more, in order
    std::uint64_t compared = 0;
};

/// Average linkage: the strongest edge first; the two groups it touches become one when the mean log odds of the pairs
/// between them, those that no rule found included, is not below `least`, and none of them is out of the question. `log_odds` tells those of any pair. Of large
/// groups a sample of pairs is asked.
Clusters clusters_of(std::uint32_t records, std::vector<Edge> edges, double least,
                     const std::function<double(std::uint32_t, std::uint32_t)>& log_odds);

}  // namespace xinglin::identity
