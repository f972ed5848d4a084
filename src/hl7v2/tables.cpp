// SPDX-License-Identifier: Apache-2.0
// content/mappings/hl7v2: codes, coding systems, names of fields.
#include <fmt/format.h>

#include "hl7v2/hl7v2.h"

namespace xinglin::hl7v2 {

namespace {

/// Rows of RFC 4180; lines that begin with # are remarks. Each row has `columns` cells, or the file is refused.
Result<std::vector<std::vector<std::string>>> rows(const content::Files& files, const std::string& path, std::size_t columns) {
    const auto text = files.read(path);
    std::vector<std::vector<std::string>> out;
    if (!text) return refuse(IssueCode::not_found, path, "is not in the content, put it back");
    std::size_t at = text->starts_with("\xEF\xBB\xBF") ? 3 : 0, line = 0;
    while (at < text->size()) {
        ++line;
        if ((*text)[at] == '#') {
            at = text->find('\n', at);
            at = at == std::string::npos ? text->size() : at + 1;
            continue;
        }
        std::vector<std::string> row(1);
        bool quoted = false, ended = false;
        for (; at < text->size() && !ended; ++at) {
            const char c = (*text)[at];
            if (quoted && c == '"' && at + 1 < text->size() && (*text)[at + 1] == '"') row.back() += (*text)[++at];
            else if (c == '"') quoted = !quoted;
            else if (quoted) row.back() += c;
            else if (c == ',') row.emplace_back();
            else if (c == '\n') ended = true;
            else if (c != '\r') row.back() += c;
        }
        if (row.size() == 1 && row[0].empty()) continue;
        if (row.size() != columns)
            return refuse(IssueCode::structure, fmt::format("{}:{}", path, line),
                          fmt::format("{} cells where {} belong", row.size(), columns));
        out.push_back(std::move(row));
    }
    if (!out.empty()) out.erase(out.begin());  // the header
    return out;
}

std::string key(std::string_view table, std::string_view code) { return fmt::format("{}|{}", table, code); }

}  // namespace

Result<Tables> Tables::load(const content::Files& files) {
    Tables out;
    XINGLIN_TRY(const auto codes, rows(files, "mappings/hl7v2/codes.csv", 5));
    for (const auto& row : codes) {
        out.targets_.emplace(key(row[0], row[1]), Target{row[3], row[2], row[4]});
        out.sources_.emplace(key(row[0], row[3]), row[1]);
    }
    XINGLIN_TRY(const auto systems, rows(files, "mappings/hl7v2/systems.csv", 2));
    for (const auto& row : systems) {
        out.systems_.emplace(row[0], row[1]);
        out.system_names_.emplace(row[1], row[0]);
    }
    XINGLIN_TRY(const auto fields, rows(files, "mappings/hl7v2/fields.csv", 5));
    for (const auto& row : fields) out.words_.emplace(row[0], Words{row[1], row[2], row[3], row[4]});
    return out;
}

const Tables::Target* Tables::target(std::string_view table, std::string_view code) const {
    char space[128];
    if (table.size() + code.size() + 1 > sizeof space) return nullptr;
    char* at = std::copy(table.begin(), table.end(), space);
    *at++ = '|';
    at = std::copy(code.begin(), code.end(), at);
    const auto found = targets_.find(std::string_view(space, static_cast<std::size_t>(at - space)));
    return found == targets_.end() ? nullptr : &found->second;
}

std::string_view Tables::source(std::string_view table, std::string_view target) const {
    const auto found = sources_.find(key(table, target));
    return found == sources_.end() ? std::string_view{} : std::string_view(found->second);
}

std::string_view Tables::system(std::string_view name) const {
    const auto found = systems_.find(name);
    return found == systems_.end() ? std::string_view{} : std::string_view(found->second);
}

std::string_view Tables::system_name(std::string_view system) const {
    const auto found = system_names_.find(system);
    return found == system_names_.end() ? std::string_view{} : std::string_view(found->second);
}

const Tables::Words* Tables::words(std::string_view place) const {
    const auto found = words_.find(place);
    return found == words_.end() ? nullptr : &found->second;
}

}  // namespace xinglin::hl7v2
