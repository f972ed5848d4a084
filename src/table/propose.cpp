// SPDX-License-Identifier: Apache-2.0
// A mapping proposed for a sample: headers are compared by name, and where the name is unknown by what the cells hold.
#include <fmt/format.h>

#include <map>

#include "table/headers.h"
#include "table/plan.h"
#include "text/text.h"

namespace xinglin::table {

namespace {

struct Sample {
    std::vector<std::vector<std::string>> rows;
    Header header;
};

Result<Sample> read_sample(Rows& rows) {
    Sample sample;
    Row row;
    while (sample.rows.size() < 200) {
        XINGLIN_TRY(const bool more, rows.next(row));
        if (!more) break;
        sample.rows.emplace_back(row.cells.begin(), row.cells.end());
    }
    return sample;
}

/// What most of the filled cells of a column are.
Kind kind_of(const Sample& sample, std::size_t column, std::size_t from) {
    std::map<Kind, std::size_t> votes;
    std::size_t filled = 0;
    for (std::size_t i = from; i < sample.rows.size(); ++i) {
        if (column >= sample.rows[i].size()) continue;
        const std::string cell = tidy(sample.rows[i][column]);
        if (cell.empty()) continue;
        ++filled;
        const ResidentId id = read_resident_id(cell);
        if (id.problem.empty() || id.problem == "check digit") ++votes[Kind::resident_id];
        else if (const auto phone = read_phone(cell); phone && phone->size() == 11) ++votes[Kind::phone];
        else if (const auto date = read_date(cell, {}); date && cell.size() >= 8)
            ++votes[date->size() > 10 ? Kind::date_time : Kind::date];
        else if (read_number(cell)) ++votes[Kind::number];
    }
    for (const auto& [kind, count] : votes)
        if (filled > 0 && count * 10 >= filled * 8) return kind;
    return Kind::text;
}

/// How much of a mapping a header fills: found columns count, missing required ones count against it.
long fit(const Plan& plan, const Header& header) {
    long score = static_cast<long>(header.matched) * 10;
    for (std::size_t i = 0; i < plan.columns.size(); ++i)
        if (plan.columns[i].required && header.place[i] < 0) score -= 25;
    return score;
}

/// The mapping with its sheet's own names put first, and a column for what nothing knew.
std::string with_guesses(const std::string& known, const Plan& plan, const Sample& sample, Proposal& proposal) {
    json::Arena arena;
    const auto file = json::parse(known, arena);
    if (!file.ok()) return known;
    json::Value columns = (*file)["columns"];
    std::set<std::string> names;
    for (const ColumnPlan& column : plan.columns) names.insert(column.name);
    for (std::size_t at = 0; at < sample.header.names.size(); ++at) {
        const std::string& header = sample.header.names[at];
        if (header.empty()) continue;
        bool sure = false;
        for (std::size_t i = 0; i < plan.columns.size(); ++i) {
            if (sample.header.place[i] != static_cast<int>(at)) continue;
            proposal.guesses.push_back({header, plan.columns[i].name, std::string(text(plan.columns[i].kind)), true});
            sure = true;
        }
        if (sure) continue;
        const Kind kind = kind_of(sample, at, sample.header.rows);
        std::string name = fmt::format("column_{}", text::lower_ascii(column_letters(at)));
        while (!names.insert(name).second) name += "_";
        columns = arena.with(columns, name,
                             arena.object({{"headers", arena.array({arena.string(header)})},
                                           {"kind", arena.string(text(kind))},
                                           {"on_bad", arena.string("leave_out")}}));
        proposal.guesses.push_back({header, "", std::string(text(kind)), false});
    }
    return json::write_pretty(arena.with(*file, "columns", columns));
}

}  // namespace

Result<Proposal> propose(Rows& rows, const std::vector<std::pair<std::string, std::string>>& known) {
    XINGLIN_TRY(Sample sample, read_sample(rows));
    std::optional<Mapping> best;
    const std::string* best_text = nullptr;
    long most = 0;
    for (const auto& [name, text] : known) {
        auto mapping = Mapping::read(text);
        if (!mapping.ok()) continue;
        Header header = find_header(mapping->plan(), std::span(sample.rows).first(std::min<std::size_t>(sample.rows.size(), 30)));
        const long score = fit(mapping->plan(), header);
        if (header.matched < 2 || score <= most) continue;
        most = score;
        best = *mapping;
        best_text = &text;
        sample.header = std::move(header);
    }
    Proposal proposal;
    if (best) {
        proposal.based_on = best->name();
        proposal.mapping = with_guesses(*best_text, best->plan(), sample, proposal);
        return proposal;
    }
    sample.header = guess_header(sample.rows);
    if (sample.header.rows == 0)
        return refuse(IssueCode::invalid, "sample",
                      "has no row of column names among its first; put the names into the first row");
    for (std::size_t at = 0; at < sample.header.names.size(); ++at)
        if (!sample.header.names[at].empty())
            proposal.guesses.push_back(
                {sample.header.names[at], "", std::string(text(kind_of(sample, at, sample.header.rows))), false});
    return proposal;
}

}  // namespace xinglin::table
