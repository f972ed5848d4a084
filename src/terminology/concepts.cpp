// SPDX-License-Identifier: Apache-2.0
// Packing concepts, and walking their hierarchy.
#include "terminology/concepts.h"

#include <algorithm>

#include "text/text.h"

namespace xinglin::terminology {

namespace {

/// "zh-CN" speaks "zh", and the other way round.
bool same_language(std::string_view a, std::string_view b) { return a.substr(0, a.find('-')) == b.substr(0, b.find('-')); }

constexpr auto row_less = [](const auto& entry, Row row) { return entry.row < row; };
constexpr auto less_row = [](Row row, const auto& entry) { return row < entry.row; };

template <typename Entry>
std::span<const Entry> of_row(const std::vector<Entry>& all, Row row) {
    const auto begin = std::lower_bound(all.begin(), all.end(), row, row_less);
    const auto end = std::upper_bound(begin, all.end(), row, less_row);
    return {all.data() + (begin - all.begin()), static_cast<std::size_t>(end - begin)};
}

}  // namespace

Row Concepts::find(std::string_view code) const {
    std::string folded;
    if (!case_sensitive_) {
        folded = text::lower_ascii(code);
        code = folded;
    }
    const auto key = [this](Row row) {
        return case_sensitive_ ? std::string(this->code(row)) : text::lower_ascii(this->code(row));
    };
    if (case_sensitive_) {  // the common case, without a copy
        const auto found = std::lower_bound(by_code_.begin(), by_code_.end(), code,
                                            [this](Row row, std::string_view wanted) { return this->code(row) < wanted; });
        return found != by_code_.end() && this->code(*found) == code ? *found : no_row;
    }
    const auto found = std::lower_bound(by_code_.begin(), by_code_.end(), code,
                                        [&key](Row row, std::string_view wanted) { return key(row) < wanted; });
    return found != by_code_.end() && key(*found) == code ? *found : no_row;
}

std::string_view Concepts::definition(Row row) const {
    for (const Property& property : properties(row)) {
        if (text(property.code) == "definition") return text(property.value);
    }
    return {};
}

std::string_view Concepts::display_in(Row row, std::string_view language) const {
    if (language.empty() || same_language(language, language_)) return display(row);
    if (same_language(language, "en") && rows_[row].english.size > 0) return english(row);
    for (const Designation& designation : designations(row)) {
        if (same_language(text(designation.language), language)) return text(designation.value);
    }
    return display(row);
}

std::vector<Row> Concepts::parents(Row row) const {
    std::vector<Row> all;
    if (parent(row) != no_row) all.push_back(parent(row));
    for (auto at = std::lower_bound(extra_parents_.begin(), extra_parents_.end(), std::pair(row, Row(0)));
         at != extra_parents_.end() && at->first == row; ++at)
        all.push_back(at->second);
    return all;
}

std::span<const Row> Concepts::children(Row row) const {
    if (child_begin_.empty()) return {};
    return {children_.data() + child_begin_[row], child_begin_[row + 1] - child_begin_[row]};
}

bool Concepts::is_below(Row row, Row above) const {
    if (extra_parents_.empty()) {
        for (Row at = parent(row); at != no_row; at = parent(at)) {
            if (at == above) return true;
        }
        return false;
    }
    std::vector<Row> waiting = parents(row);
    std::vector<bool> seen(size());
    while (!waiting.empty()) {
        const Row at = waiting.back();
        waiting.pop_back();
        if (at == above) return true;
        if (seen[at]) continue;
        seen[at] = true;
        for (const Row next : parents(at)) waiting.push_back(next);
    }
    return false;
}

std::vector<Row> Concepts::descendants(Row row) const {
    std::vector<Row> found, waiting(children(row).begin(), children(row).end());
    std::vector<bool> seen(size());
    while (!waiting.empty()) {
        const Row at = waiting.back();
        waiting.pop_back();
        if (seen[at]) continue;
        seen[at] = true;
        found.push_back(at);
        for (const Row next : children(at)) waiting.push_back(next);
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::span<const Concepts::Designation> Concepts::designations(Row row) const { return of_row(designations_, row); }
std::span<const Concepts::Property> Concepts::properties(Row row) const { return of_row(properties_, row); }

const Spelling& Concepts::spelling() const {
    return spelling_.get([this](SpellingBuilder& builder) {
        std::string words;
        for (Row row = 0; row < size(); ++row) {
            words = english(row);
            for (const Designation& designation : designations(row)) {
                words += '\x1f';
                words += text(designation.value);
            }
            builder.add(code(row), display(row), words);
        }
    });
}

std::size_t Concepts::bytes() const {
    return pool_.capacity() + rows_.capacity() * sizeof(Packed) +
           (by_code_.capacity() + children_.capacity() + roots_.capacity() + child_begin_.capacity()) * 4 +
           extra_parents_.capacity() * 8 + designations_.capacity() * sizeof(Designation) +
           properties_.capacity() * sizeof(Property) + spelling_.bytes();
}

ConceptsBuilder::ConceptsBuilder(std::string_view language, bool case_sensitive) : packed_(std::make_shared<Concepts>()) {
    packed_->language_ = language.empty() ? "en" : language;
    packed_->case_sensitive_ = case_sensitive;
}

Piece ConceptsBuilder::keep(std::string_view text) {
    if (text.empty()) return {};
    const Piece piece{static_cast<std::uint32_t>(packed_->pool_.size()), static_cast<std::uint32_t>(text.size())};
    packed_->pool_ += text;
    return piece;
}

Row ConceptsBuilder::add(const Concept& one) {
    const Row row = static_cast<Row>(packed_->rows_.size());
    Concepts::Packed packed;
    packed.code = keep(one.code);
    packed.display = one.display == one.code ? packed.code : keep(one.display);
    packed.english = keep(one.english);
    packed.flags = (one.active ? 0 : Concepts::inactive_flag) | (one.selectable ? 0 : Concepts::abstract_flag);
    packed_->rows_.push_back(packed);
    if (!one.definition.empty()) property(row, "definition", PropertyKind::string, one.definition);
    if (!one.parent.empty()) parent(row, one.parent);
    return row;
}

void ConceptsBuilder::nest(Row row, Row parent) { packed_->rows_[row].parent = parent; }
void ConceptsBuilder::parent(Row row, std::string_view code) { links_.push_back({row, keep(code), false}); }
void ConceptsBuilder::child(Row row, std::string_view code) { links_.push_back({row, keep(code), true}); }

void ConceptsBuilder::designation(Row row, std::string_view language, std::string_view use, std::string_view value) {
    if (!value.empty()) packed_->designations_.push_back({row, keep(language), keep(use), keep(value)});
}

void ConceptsBuilder::property(Row row, std::string_view code, PropertyKind kind, std::string_view value) {
    // Property codes are few and come in runs: the last one is usually the same.
    auto& all = packed_->properties_;
    const Piece name = !all.empty() && packed_->text(all.back().code) == code ? all.back().code : keep(code);
    all.push_back({row, kind, name, keep(value)});
}

void ConceptsBuilder::add_designation(std::string_view code, std::string_view language, std::string_view use,
                                      std::string_view value) {
    if (!value.empty()) added_.push_back({keep(code), {no_row, keep(language), keep(use), keep(value)}, {}});
}

void ConceptsBuilder::add_property(std::string_view code, std::string_view property, PropertyKind kind, std::string_view value) {
    if (!property.empty()) added_.push_back({keep(code), {}, {no_row, kind, keep(property), keep(value)}});
}

void ConceptsBuilder::place_added() {
    for (Added& one : added_) {
        const Row row = packed_->find(packed_->text(one.code));
        if (row == no_row) continue;
        one.designation.row = one.property.row = row;
        if (one.property.code.size > 0) packed_->properties_.push_back(one.property);
        else packed_->designations_.push_back(one.designation);
    }
}

Result<std::shared_ptr<const Concepts>> ConceptsBuilder::finish() {
    if (packed_->pool_.size() > UINT32_MAX / 2) return refuse(IssueCode::too_costly, "concept", "more than 2 GB of text");
    XINGLIN_CHECK(sort_codes());
    XINGLIN_CHECK(link());
    XINGLIN_CHECK(check_cycles());
    spread_children();
    place_added();
    Concepts& packed = *packed_;
    const auto by_row = [](const auto& a, const auto& b) { return a.row < b.row; };
    std::stable_sort(packed.designations_.begin(), packed.designations_.end(), by_row);
    std::stable_sort(packed.properties_.begin(), packed.properties_.end(), by_row);
    packed.pool_.shrink_to_fit();
    packed.rows_.shrink_to_fit();
    packed.designations_.shrink_to_fit();
    packed.properties_.shrink_to_fit();
    return std::shared_ptr<const Concepts>(std::move(packed_));
}

Result<Done> ConceptsBuilder::sort_codes() {
    Concepts& packed = *packed_;
    const auto key = [&](Row row) {
        return packed.case_sensitive_ ? std::string(packed.code(row)) : text::lower_ascii(packed.code(row));
    };
    packed.by_code_.resize(packed.rows_.size());
    for (Row row = 0; row < packed.by_code_.size(); ++row) packed.by_code_[row] = row;
    std::stable_sort(packed.by_code_.begin(), packed.by_code_.end(),
                     [&](Row a, Row b) { return packed.case_sensitive_ ? packed.code(a) < packed.code(b) : key(a) < key(b); });
    for (std::size_t i = 1; i < packed.by_code_.size(); ++i) {
        const Row before = packed.by_code_[i - 1], row = packed.by_code_[i];
        if (packed.case_sensitive_ ? packed.code(before) == packed.code(row) : key(before) == key(row))
            return refuse(IssueCode::duplicate, "concept.code",
                          "the code " + std::string(packed.code(row)) + " comes twice; keep one of the two");
    }
    return Done{};
}

Result<Done> ConceptsBuilder::link() {
    Concepts& packed = *packed_;
    for (const Link& link : links_) {
        const Row other = packed.find(packed.text(link.other));
        if (other == no_row)
            return refuse(IssueCode::not_found, "concept.parent",
                          "the concept " + std::string(packed.text(link.other)) + ", named by " +
                              std::string(packed.code(link.row)) + ", is not in the code system");
        const Row child = link.other_is_child ? other : link.row, above = link.other_is_child ? link.row : other;
        if (packed.rows_[child].parent == no_row) {
            packed.rows_[child].parent = above;
        } else if (packed.rows_[child].parent != above) {
            packed.extra_parents_.emplace_back(child, above);
        }
    }
    std::sort(packed.extra_parents_.begin(), packed.extra_parents_.end());
    packed.extra_parents_.erase(std::unique(packed.extra_parents_.begin(), packed.extra_parents_.end()),
                                packed.extra_parents_.end());
    return Done{};
}

/// Takes away concepts whose parents are all gone, again and again; what is left stands above itself.
Result<Done> ConceptsBuilder::check_cycles() const {
    const Concepts& packed = *packed_;
    const std::size_t size = packed.rows_.size();
    std::vector<std::uint32_t> above(size), below_begin(size + 1);
    std::vector<std::pair<Row, Row>> edges;  // parent, child
    for (Row row = 0; row < size; ++row) {
        if (packed.rows_[row].parent != no_row) edges.emplace_back(packed.rows_[row].parent, row);
    }
    for (const auto& [child, parent] : packed.extra_parents_) edges.emplace_back(parent, child);
    std::sort(edges.begin(), edges.end());
    for (const auto& [parent, child] : edges) {
        ++above[child];
        ++below_begin[parent + 1];
    }
    for (std::size_t i = 0; i < size; ++i) below_begin[i + 1] += below_begin[i];
    std::vector<Row> waiting;
    for (Row row = 0; row < size; ++row) {
        if (above[row] == 0) waiting.push_back(row);
    }
    std::size_t taken = 0;
    for (; taken < waiting.size(); ++taken) {
        for (std::uint32_t i = below_begin[waiting[taken]]; i < below_begin[waiting[taken] + 1]; ++i) {
            if (--above[edges[i].second] == 0) waiting.push_back(edges[i].second);
        }
    }
    for (Row row = 0; taken < size && row < size; ++row) {
        if (above[row] > 0)
            return refuse(IssueCode::invariant, "concept.parent",
                          "the concept " + std::string(packed.code(row)) + " stands above itself; break the circle");
    }
    return Done{};
}

void ConceptsBuilder::spread_children() {
    Concepts& packed = *packed_;
    const std::size_t size = packed.rows_.size();
    std::vector<std::pair<Row, Row>> edges;  // parent, child
    for (Row row = 0; row < size; ++row) {
        if (packed.rows_[row].parent == no_row) {
            packed.roots_.push_back(row);
        } else {
            edges.emplace_back(packed.rows_[row].parent, row);
        }
    }
    for (const auto& [child, parent] : packed.extra_parents_) edges.emplace_back(parent, child);
    packed.hierarchical_ = !edges.empty();
    if (edges.empty()) return;
    std::sort(edges.begin(), edges.end());
    packed.child_begin_.resize(size + 1);
    packed.children_.reserve(edges.size());
    for (const auto& [parent, child] : edges) {
        ++packed.child_begin_[parent + 1];
        packed.children_.push_back(child);
    }
    for (std::size_t i = 0; i < size; ++i) packed.child_begin_[i + 1] += packed.child_begin_[i];
}

}  // namespace xinglin::terminology
