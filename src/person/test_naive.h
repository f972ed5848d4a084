// SPDX-License-Identifier: Apache-2.0
// For tests: a model of persons that knows nothing of how they are kept, and plays every decision again from the beginning.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "person/groups.h"

namespace xinglin::person {

struct Decision {
    enum Kind { link, divide, undo } kind;
    Record a = 0, b = 0;
    std::set<Record> members;
    std::size_t target = 0;
};

/// What stands, by reading the whole history: a decision stands unless one that stands undoes it.
class Naive {
public:
    std::vector<Decision> all;

    bool stands(std::size_t at) const {
        for (std::size_t i = at + 1; i < all.size(); ++i)
            if (all[i].kind == Decision::undo && all[i].target == at && stands(i)) return false;
        return true;
    }
    std::map<Record, std::set<Record>> people(Record records) const {
        std::vector<char> standing(all.size());
        for (std::size_t i = 0; i < all.size(); ++i) standing[i] = stands(i);
        std::map<Record, std::set<Record>> of;
        for (Record r = 1; r <= records; ++r) of[r] = {r};
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i].kind != Decision::link || !standing[i]) continue;
            bool cut = false;
            for (std::size_t k = i + 1; k < all.size() && !cut; ++k)
                cut = all[k].kind == Decision::divide && standing[k] &&
                      all[k].members.count(all[i].a) != all[k].members.count(all[i].b);
            if (cut) continue;
            std::set<Record> both = of[all[i].a];
            both.insert(of[all[i].b].begin(), of[all[i].b].end());
            for (const Record r : both) of[r] = both;
        }
        return of;
    }
};

}  // namespace xinglin::person
