// SPDX-License-Identifier: Apache-2.0
// Finding the header row among titles, notes and merged cells.
#include "table/headers.h"

#include <algorithm>

#include "text/text.h"

namespace xinglin::table {

namespace {

using Names = std::vector<std::string>;

/// Names of a header of one row, or of two: what stands above goes to the right over empty cells, as merged cells do.
Names names_of(const Names& upper, const Names* lower) {
    Names names = upper;
    for (std::string& name : names) name = tidy(name);
    if (!lower) return names;
    const std::size_t count = std::max(upper.size(), lower->size());
    names.resize(count);
    std::string over;
    for (std::size_t i = 0; i < count; ++i) {
        if (!names[i].empty()) over = names[i];
        const std::string below = i < lower->size() ? tidy((*lower)[i]) : "";
        if (below.empty()) {
            if (names[i].empty()) over.clear();
        } else {
            names[i] = over.empty() ? below : over + "/" + below;
        }
    }
    return names;
}

/// Keys a file's column answers to, best first: as written, without brackets, and the lower part of a double header.
std::vector<std::string> keys_of(const std::string& name) {
    std::vector<std::string> keys = {header_key(name), bare_header_key(name)};
    if (const std::size_t cut = name.rfind('/'); cut != std::string::npos) {
        keys.push_back(header_key(name.substr(cut + 1)));
        keys.push_back(bare_header_key(name.substr(cut + 1)));
    }
    return keys;
}

Header match(const Plan& plan, Names names) {
    Header header;
    header.place.assign(plan.columns.size(), -1);
    std::vector<std::vector<std::string>> keys;
    for (const std::string& name : names) keys.push_back(keys_of(name));
    std::set<int> used;
    for (std::size_t i = 0; i < plan.columns.size(); ++i) {
        const ColumnPlan& column = plan.columns[i];
        for (std::size_t rank = 0; rank < 4 && header.place[i] < 0; ++rank) {
            for (const std::string& wanted : column.headers) {
                const std::string key = header_key(wanted);
                for (std::size_t at = 0; at < keys.size() && header.place[i] < 0; ++at)
                    if (rank < keys[at].size() && !key.empty() && keys[at][rank] == key) header.place[i] = static_cast<int>(at);
                if (header.place[i] >= 0) break;
            }
        }
        if (header.place[i] < 0) header.place[i] = column.letter;
        else if (used.insert(header.place[i]).second) ++header.matched;
    }
    header.names = std::move(names);
    return header;
}

}  // namespace

std::string header_key(std::string_view header) {
    std::string key = code_key(header);
    for (const std::string_view mark : {"*", ":", "\"", "'", "_"}) {
        for (std::size_t at = key.find(mark); at != std::string::npos; at = key.find(mark)) key.erase(at, mark.size());
    }
    return key;
}

std::string bare_header_key(std::string_view header) {
    std::string key = header_key(header);
    for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>{"(", ")"}, {"[", "]"}, {"【", "】"}}) {
        if (!key.ends_with(close)) continue;
        const std::size_t at = key.rfind(open);
        if (at != std::string::npos && at > 0) key.erase(at);
    }
    return key;
}

Header find_header(const Plan& plan, std::span<const std::vector<std::string>> first_rows) {
    Header best;
    best.place.assign(plan.columns.size(), -1);
    for (std::size_t i = 0; i < first_rows.size(); ++i) {
        Header one = match(plan, names_of(first_rows[i], nullptr));
        one.rows = i + 1;
        if (one.matched > best.matched) best = std::move(one);
    }
    for (std::size_t i = 0; i + 1 < first_rows.size(); ++i) {  // only where two rows together say more than any one
        Header two = match(plan, names_of(first_rows[i], &first_rows[i + 1]));
        two.rows = i + 2;
        if (two.matched > best.matched) best = std::move(two);
    }
    return best;
}

Header guess_header(std::span<const std::vector<std::string>> first_rows) {
    Header best;
    std::size_t most = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(first_rows.size(), 10); ++i) {
        std::size_t words = 0;
        std::set<std::string> different;
        for (const std::string& cell : first_rows[i]) {
            const std::string key = header_key(tidy(cell));
            if (key.empty() || key.size() > 60 || read_number(key) || read_date(key, {}) || !different.insert(key).second)
                continue;
            ++words;
        }
        if (words <= most || words < 2) continue;
        most = words;
        best.rows = i + 1;
        best.names = names_of(first_rows[i], nullptr);
    }
    return best;
}

}  // namespace xinglin::table
