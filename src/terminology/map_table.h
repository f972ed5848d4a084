// SPDX-License-Identifier: Apache-2.0
// Inside the room: a ConceptMap, packed for looking up from either side.
#pragma once

#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "terminology/library.h"

namespace xinglin::terminology {

class MapTable {
public:
    struct Group {
        std::string source, target;
        std::string unmapped_mode, unmapped_code, unmapped_display, unmapped_map;
    };
    struct Entry {
        std::uint32_t group;
        Piece code, target, display, comment, source_display;
        std::uint8_t equivalence;  // index in `equivalences`
    };

    explicit MapTable(json::Value concept_map);

    const std::vector<Group>& groups() const { return groups_; }
    std::string_view text(Piece piece) const { return std::string_view(pool_).substr(piece.at, piece.size); }
    std::string_view equivalence(const Entry& entry) const { return equivalences_[entry.equivalence]; }
    /// Entries of a source code, or of a target code when `reverse`, whatever the group.
    std::vector<const Entry*> find(std::string_view code, bool reverse) const;
    std::size_t bytes() const;

private:
    std::string pool_;
    std::vector<Group> groups_;
    std::vector<Entry> entries_;  // by source code
    std::vector<std::uint32_t> by_target_;
    std::vector<std::string> equivalences_;

    Piece keep(std::string_view text);
    std::uint8_t equivalence_number(std::string_view text);
    void add_group(json::Value group);
};

/// Maps read so far. Safe from many threads.
class MapKeeper {
public:
    explicit MapKeeper(Library& library) : library_(library) {}
    Result<std::shared_ptr<const MapTable>> table(const Here& edition);
    std::size_t bytes() const;

private:
    Library& library_;
    mutable std::shared_mutex lock_;                                                          // guards kept_
    std::unordered_map<std::string, std::pair<Here, std::shared_ptr<const MapTable>>> kept_;  // by where()
};

}  // namespace xinglin::terminology
