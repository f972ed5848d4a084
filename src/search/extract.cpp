// SPDX-License-Identifier: Apache-2.0
// Everything one resource says to the search parameters of its type.
#include <algorithm>
#include <tuple>

#include "search/walk.h"

namespace xinglin::search {
namespace {

auto key(const Token& t) { return std::tuple(t.parameter->index, t.is_identifier_of_reference, t.system, t.code, t.text); }
auto key(const String& s) { return std::tuple(s.parameter->index, s.value); }
auto key(const Uri& u) { return std::tuple(u.parameter->index, u.value); }
auto key(const Date& d) { return std::tuple(d.parameter->index, d.low_ms, d.high_ms); }
auto key(const Number& n) { return std::tuple(n.parameter->index, n.low, n.high); }
auto key(const Quantity& q) { return std::tuple(q.parameter->index, q.low, q.high, q.system, q.code, q.unit); }
auto key(const Reference& r) { return std::tuple(r.parameter->index, r.type, r.id, r.url, r.display); }

/// Few entries are compared each with each; many (the codes of a large code system) are sorted first.
template <typename Entry>
void drop_duplicates(std::vector<Entry>& entries) {
    if (entries.size() < 2) return;
    if (entries.size() > 24) {
        std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return key(a) < key(b); });
        entries.erase(
            std::unique(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return key(a) == key(b); }),
            entries.end());
        return;
    }
    std::size_t kept = 1;
    for (std::size_t i = 1; i < entries.size(); ++i) {
        bool known = false;
        for (std::size_t j = 0; j < kept && !known; ++j) known = key(entries[j]) == key(entries[i]);
        if (!known) entries[kept++] = entries[i];
    }
    entries.resize(kept, entries[0]);
}

}  // namespace

void Entries::clear() {
    tokens.clear();
    strings.clear();
    uris.clear();
    dates.clear();
    numbers.clear();
    quantities.clear();
    references.clear();
    present = 0;
    made.clear();
}

void extract(const fhir::Type& type, json::Value resource, std::int16_t offset_minutes, Entries& entries) {
    const Node* trie = Catalogue::the().trie(type);
    if (!trie) return;
    Walk(resource, offset_minutes, entries).at(*trie, resource);
    drop_duplicates(entries.tokens);
    drop_duplicates(entries.strings);
    drop_duplicates(entries.uris);
    drop_duplicates(entries.dates);
    drop_duplicates(entries.numbers);
    drop_duplicates(entries.quantities);
    drop_duplicates(entries.references);
}

}  // namespace xinglin::search
