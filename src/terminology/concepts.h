// SPDX-License-Identifier: Apache-2.0
// Inside the room: the concepts of one edition of one code system, packed and never changed.
//
// All text stands in one string, rows are 32 bytes, codes are found by binary search: 35,000 concepts of ICD-10 take
// 3 MB, and 4 MB more once somebody has searched in them (spelling.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"
#include "terminology/spelling.h"

namespace xinglin::terminology {

using Row = std::uint32_t;
constexpr Row no_row = UINT32_MAX;

/// A piece of the text pool.
struct Piece {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
};

enum class PropertyKind : std::uint8_t { string, code, boolean, integer, decimal, date_time, coding };

class Concepts {
public:
    struct Designation {
        Row row;
        Piece language, use, value;
    };
    struct Property {
        Row row;
        PropertyKind kind;
        Piece code, value;
    };

    std::size_t size() const { return rows_.size(); }
    /// no_row when there is none. Codes compare as bytes, or without regard to ASCII case when the system says so.
    Row find(std::string_view code) const;

    std::string_view code(Row row) const { return text(rows_[row].code); }
    std::string_view display(Row row) const { return text(rows_[row].display); }
    std::string_view english(Row row) const { return text(rows_[row].english); }
    std::string_view definition(Row row) const;
    bool is_active(Row row) const { return (rows_[row].flags & inactive_flag) == 0; }
    bool is_abstract(Row row) const { return (rows_[row].flags & abstract_flag) != 0; }
    /// The display in a language ("zh-CN", "en"; "" the system's own), the system's own where there is none.
    std::string_view display_in(Row row, std::string_view language) const;
    std::string_view language() const { return language_; }

    bool is_hierarchical() const { return hierarchical_; }
    Row parent(Row row) const { return rows_[row].parent; }  // the first; no_row at a root
    std::vector<Row> parents(Row row) const;
    std::span<const Row> children(Row row) const;
    std::span<const Row> roots() const { return roots_; }
    /// True when `row` stands somewhere below `above`; not for itself.
    bool is_below(Row row, Row above) const;
    /// Calls `each` for everything below, once.
    std::vector<Row> descendants(Row row) const;

    std::span<const Designation> designations(Row row) const;
    std::span<const Property> properties(Row row) const;
    /// The supplements laid over it, "url|version".
    std::span<const std::string> supplements() const { return supplements_; }
    std::string_view text(Piece piece) const { return std::string_view(pool_).substr(piece.at, piece.size); }

    /// Made at the first question; safe from any thread.
    const Spelling& spelling() const;
    std::size_t bytes() const;

private:
    friend class ConceptsBuilder;
    static constexpr std::uint32_t inactive_flag = 1, abstract_flag = 2;
    struct Packed {
        Piece code, display, english;
        Row parent = no_row;
        std::uint32_t flags = 0;
    };
    std::string pool_;
    std::string language_;
    std::vector<Packed> rows_;
    std::vector<Row> by_code_;
    std::vector<std::uint32_t> child_begin_;  // rows_.size() + 1, empty when flat
    std::vector<Row> children_, roots_;
    std::vector<std::pair<Row, Row>> extra_parents_;  // (child, parent), sorted: all but the first
    std::vector<Designation> designations_;
    std::vector<Property> properties_;
    std::vector<std::string> supplements_;
    bool hierarchical_ = false, case_sensitive_ = true;
    mutable LazySpelling spelling_;
};

/// Gathers concepts in their order and packs them.
class ConceptsBuilder {
public:
    explicit ConceptsBuilder(std::string_view language, bool case_sensitive = true);

    struct Concept {
        std::string_view code, display, english, definition;
        std::string_view parent;  // its code, or "" at a root
        bool active = true, selectable = true;
    };
    Row add(const Concept& one);
    void nest(Row row, Row parent);  // in place of a code in Concept::parent
    void parent(Row row, std::string_view code);
    void child(Row row, std::string_view code);
    void designation(Row row, std::string_view language, std::string_view use, std::string_view value);
    void property(Row row, std::string_view code, PropertyKind kind, std::string_view value);
    /// From a supplement: of a code that stands somewhere; one that does not is left out.
    void supplement(std::string_view name) { packed_->supplements_.emplace_back(name); }
    void add_designation(std::string_view code, std::string_view language, std::string_view use, std::string_view value);
    void add_property(std::string_view code, std::string_view property, PropertyKind kind, std::string_view value);
    void inactivate(Row row) { packed_->rows_[row].flags |= Concepts::inactive_flag; }
    void make_abstract(Row row) { packed_->rows_[row].flags |= Concepts::abstract_flag; }

    /// Refuses a code that comes twice, a parent that is not there and a concept above itself.
    Result<std::shared_ptr<const Concepts>> finish();

private:
    struct Link {
        Row row;
        Piece other;
        bool other_is_child;
    };
    std::shared_ptr<Concepts> packed_;
    std::vector<Link> links_;
    struct Added {  // by a supplement, to the row of a code
        Piece code;
        Concepts::Designation designation;
        Concepts::Property property;  // its code is empty when it is a designation
    };
    std::vector<Added> added_;
    void place_added();
    Piece keep(std::string_view text);
    Result<Done> sort_codes();
    Result<Done> link();
    Result<Done> check_cycles() const;
    void spread_children();
};

}  // namespace xinglin::terminology
