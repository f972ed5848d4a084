// SPDX-License-Identifier: Apache-2.0
// Row by row, or group by group: cells are read, bodies filled, and what can't be taken is said with its row and column.
#include <fmt/format.h>

#include <deque>
#include <unordered_set>

#include "table/evaluate.h"
#include "table/headers.h"
#include "table/plan.h"

namespace xinglin::table {

namespace {

constexpr std::size_t header_search_rows = 30;
constexpr std::size_t remembered_groups = 2'000'000;

/// A row, owned.
struct Kept {
    std::uint64_t number = 0;
    std::vector<std::string> cells;
    std::string trouble;
};

Kept kept(const Row& row) { return {row.number, {row.cells.begin(), row.cells.end()}, std::string(row.trouble)}; }

/// A row that was read, waiting for the others of its group.
struct ReadRow {
    std::uint64_t number = 0;
    std::vector<Value> values;
    std::vector<message::Note> notes;
    std::string raw;
};

std::string csv_line(const std::vector<std::string>& cells) {
    std::string line;
    for (const std::string& cell : cells) {
        if (!line.empty() || &cell != &cells.front()) line += ',';
        if (cell.find_first_of(",\"\r\n;\t|") == std::string::npos && !cell.empty()) {
            line += cell;
            continue;
        }
        line += '"';
        for (const char c : cell) {
            if (c == '"') line += '"';
            line += c;
        }
        line += '"';
    }
    return line + "\r\n";
}

}  // namespace

struct Conversion::State {
    Mapping mapping;
    message::Sender sender;
    Rows& rows;
    ConversionOptions options;
    Header header;
    std::uint64_t header_row = 0;
    std::vector<Found> found;
    std::deque<Kept> waiting;  // read while the header was looked for
    std::deque<Item> finished;
    std::vector<ReadRow> group;
    std::string group_key;
    std::unordered_set<std::uint64_t> seen_groups;
    std::vector<std::string> last_cells;  // for cells that are filled down
    bool ended = false;
    json::Arena arena;

    State(const Mapping& mapping_, const message::Sender& sender_, Rows& rows_, ConversionOptions options_)
        : mapping(mapping_), sender(sender_), rows(rows_), options(std::move(options_)) {}

    const Plan& plan() const { return mapping.plan(); }

    Result<Done> find();
    Result<Done> check_required() const;
    void list_found();
    Result<bool> next_row(Kept& row);
    std::string where(std::uint64_t row, std::size_t column) const;
    std::string raw_line(const Kept& row) const;
    void forget_last(const Kept& row);
    void take(const Kept& row);
    void refuse_row(std::uint64_t number, Outcome outcome, const std::vector<Value>* values);
    void add_to_group(ReadRow row);
    void flush();
    Result<message::Converted> convert();
    void write_values(Item& item, const std::vector<Value>& values) const;
};

Result<Done> Conversion::State::find() {
    std::vector<std::vector<std::string>> first;
    std::vector<std::uint64_t> numbers;
    const int fixed = plan().header_row;
    while (first.size() < header_search_rows &&
           (fixed <= 0 || numbers.empty() || numbers.back() < static_cast<std::uint64_t>(fixed))) {
        Row row;
        XINGLIN_TRY(const bool more, rows.next(row));
        if (!more) break;
        waiting.push_back(kept(row));
        first.push_back(waiting.back().cells);
        numbers.push_back(row.number);
    }
    if (fixed == 0) {
        header = find_header(plan(), {});
        for (std::size_t i = 0; i < plan().columns.size(); ++i) header.place[i] = plan().columns[i].letter;
    } else if (fixed > 0) {
        header = first.empty() ? find_header(plan(), {}) : find_header(plan(), std::span(first).last(1));
        header.rows = first.size();
    } else {
        header = find_header(plan(), first);
    }
    if (header.rows > 0) header_row = numbers[header.rows - 1];
    for (std::size_t i = 0; i < header.rows; ++i) waiting.pop_front();
    list_found();
    return check_required();
}

Result<Done> Conversion::State::check_required() const {
    Outcome outcome;
    for (std::size_t i = 0; i < plan().columns.size(); ++i) {
        const ColumnPlan& column = plan().columns[i];
        if (!column.required || header.place[i] >= 0 || !column.otherwise.empty()) continue;
        std::string names;
        for (const std::string& name : column.headers) names += (names.empty() ? "" : ", ") + name;
        outcome.issues.push_back({Severity::error,
                                  IssueCode::required,
                                  "header",
                                  fmt::format("the column \"{}\" is missing; it may be called: {}", column.name, names),
                                  "missing-column",
                                  {}});
    }
    if (header.matched == 0 && plan().header_row != 0)
        return refuse(IssueCode::invalid, "header",
                      fmt::format("none of the first rows holds a header that the mapping {} knows; see whether it is "
                                  "the right mapping, sheet and encoding",
                                  plan().name));
    if (outcome.issues.empty()) return Done{};
    return outcome;
}

void Conversion::State::list_found() {
    for (std::size_t at = 0; at < header.names.size(); ++at) {
        bool wanted = false;
        const std::string name = header.names[at].empty() ? column_letters(at) : header.names[at];
        for (std::size_t i = 0; i < plan().columns.size(); ++i) {
            if (header.place[i] != static_cast<int>(at)) continue;
            found.push_back({name, plan().columns[i].name, at});
            wanted = true;
        }
        if (!wanted && !header.names[at].empty()) found.push_back({name, "", at});
    }
}

Result<bool> Conversion::State::next_row(Kept& row) {
    if (!waiting.empty()) {
        row = std::move(waiting.front());
        waiting.pop_front();
        return true;
    }
    Row read;
    XINGLIN_TRY(const bool more, rows.next(read));
    if (!more) return false;
    row.number = read.number;
    row.trouble = read.trouble;
    row.cells.resize(read.cells.size());
    for (std::size_t i = 0; i < read.cells.size(); ++i) row.cells[i] = read.cells[i];
    return true;
}

std::string Conversion::State::where(std::uint64_t row, std::size_t column) const {
    const int place = header.place[column];
    std::string name = plan().columns[column].name;
    if (place >= 0) {
        const auto at = static_cast<std::size_t>(place);
        name = at < header.names.size() && !header.names[at].empty() ? header.names[at] : column_letters(at);
    }
    return fmt::format("row {}, column {}", row, name);
}

/// The row as CSV, cells that are filled down included.
std::string Conversion::State::raw_line(const Kept& row) const {
    std::vector<std::string> cells = row.cells;
    cells.resize(std::max(cells.size(), header.names.size()));
    for (std::size_t i = 0; i < plan().columns.size(); ++i) {
        const auto place = static_cast<std::size_t>(header.place[i]);
        if (plan().columns[i].fill_down && header.place[i] >= 0 && place < cells.size() && tidy(cells[place]).empty())
            cells[place] = last_cells[i];
    }
    return csv_line(cells);
}

void Conversion::State::write_values(Item& item, const std::vector<Value>& values) const {
    if (!options.keep_values) return;
    for (std::size_t i = 0; i < values.size(); ++i)
        item.values.emplace_back(plan().columns[i].name, values[i].filled ? as_text(values[i], Part::whole) : "");
}

void Conversion::State::refuse_row(std::uint64_t number, Outcome outcome, const std::vector<Value>* values) {
    Item item;
    item.rows = {number};
    item.refusal = std::move(outcome);
    if (values) write_values(item, *values);
    finished.push_back(std::move(item));
}

/// Cells are filled down below their own first column only: where that one begins anew, nothing is carried over from above.
void Conversion::State::forget_last(const Kept& row) {
    for (std::size_t i = 0; i < plan().columns.size(); ++i) {
        if (!plan().columns[i].fill_down) continue;
        const auto place = static_cast<std::size_t>(header.place[i]);
        const std::string cell = header.place[i] >= 0 && place < row.cells.size() ? tidy(row.cells[place]) : "";
        if (!cell.empty() && cell != tidy(last_cells[i])) last_cells.assign(last_cells.size(), "");
        return;
    }
}

/// Reads the cells of a row; good ones wait for the rest of their group.
void Conversion::State::take(const Kept& row) {
    if (!row.trouble.empty() && options.split_only) {
        finished.push_back({.rows = {row.number}, .raw = row.trouble});
        return;
    }
    if (!row.trouble.empty())
        return refuse_row(row.number, refuse(IssueCode::structure, fmt::format("row {}", row.number), row.trouble), nullptr);
    ReadRow read{.number = row.number};
    Outcome outcome;
    bool any = false;
    const auto tell = [&](std::size_t column, CellTrouble trouble) {
        if (trouble.refuses)
            outcome.issues.push_back({Severity::error,
                                      IssueCode::value,
                                      where(row.number, column),
                                      std::move(trouble.what),
                                      std::move(trouble.key),
                                      {}});
        else read.notes.push_back({where(row.number, column), std::move(trouble.what), std::move(trouble.key)});
    };
    last_cells.resize(plan().columns.size());
    forget_last(row);
    for (std::size_t i = 0; i < plan().columns.size(); ++i) {
        const ColumnPlan& column = plan().columns[i];
        const auto place = static_cast<std::size_t>(header.place[i]);
        std::string_view cell =
            header.place[i] >= 0 && place < row.cells.size() ? std::string_view(row.cells[place]) : std::string_view();
        any = any || !tidy(cell).empty();
        if (column.fill_down) {
            if (tidy(cell).empty()) cell = last_cells[i];
            else last_cells[i] = cell;
        }
        std::vector<CellTrouble> troubles;
        read.values.push_back(read_cell(column, plan(), cell, sender, options, troubles));
        for (CellTrouble& trouble : troubles) tell(i, std::move(trouble));
    }
    if (!any) return;  // a row in which nothing concerns us: lines, blanks
    if (options.split_only) {
        read.raw = raw_line(row);
        return add_to_group(std::move(read));
    }
    settle_row(plan(), read.values, tell);
    if (!outcome.issues.empty()) return refuse_row(row.number, std::move(outcome), &read.values);
    add_to_group(std::move(read));
}

void Conversion::State::add_to_group(ReadRow row) {
    if (plan().group.empty()) {
        group.push_back(std::move(row));
        return flush();
    }
    json::Arena scratch;
    Evaluation evaluation(plan(), sender, {&row.values, 1}, scratch);
    std::string key;
    for (const Node& part : plan().group) key += evaluation.words(part, 0) + "^";
    if (!group.empty() && key == group_key && group.size() < options.group_rows) {
        group.push_back(std::move(row));
        return;
    }
    if (!group.empty() && key == group_key)
        return refuse_row(
            row.number,
            refuse(IssueCode::too_costly, fmt::format("row {}", row.number),
                   fmt::format("more than {} rows belong together; see what the rows are grouped by", options.group_rows)),
            &row.values);
    flush();
    if (seen_groups.contains(std::hash<std::string>{}(key)) && !options.split_only)
        return refuse_row(
            row.number,
            refuse(IssueCode::invalid, fmt::format("row {}", row.number),
                   "belongs to rows that came earlier, with others between; sort the file so that they stand together"),
            &row.values);
    if (seen_groups.size() < remembered_groups) seen_groups.insert(std::hash<std::string>{}(key));
    group_key = std::move(key);
    group.push_back(std::move(row));
}

/// The rows of the group become one Converted.
Result<message::Converted> Conversion::State::convert() {
    arena.clear();
    std::vector<std::vector<Value>> values;
    for (ReadRow& row : group) values.push_back(std::move(row.values));
    Evaluation evaluation(plan(), sender, values, arena);
    message::Converted converted;
    converted.facts.kind = plan().name;
    converted.facts.version = plan().version;
    if (plan().control_id) converted.facts.control_id = evaluation.words(*plan().control_id, 0);
    if (plan().sent_at) converted.facts.sent_at = evaluation.words(*plan().sent_at, 0);
    const auto give_back = [&] {
        for (std::size_t i = 0; i < group.size(); ++i) group[i].values = std::move(values[i]);
    };
    const std::string here = group.size() == 1 ? fmt::format("row {}", group.front().number)
                                               : fmt::format("rows {} to {}", group.front().number, group.back().number);
    if (auto known = evaluation.identify(); !known.ok()) {
        give_back();
        Outcome outcome = std::move(known).outcome();
        outcome.issues.front().where = here;
        outcome.issues.front().key = "no-key";
        return outcome;
    }
    message::Draft draft(arena, sender, converted.facts);
    Outcome outcome;
    for (std::size_t i = 0; i < plan().resources.size(); ++i) {
        const ResourcePlan& resource = plan().resources[i];
        if (resource.is_sender && !sender.organization.empty()) continue;  // registered elsewhere
        for (std::size_t row = 0; row < (resource.each_row ? values.size() : 1); ++row) {
            if (!evaluation.exists(i, row)) continue;
            const json::Value body = evaluation.body(i, row);
            for (Issue& issue : fhir::validate(body, 5).issues) {
                if (issue.severity != Severity::error && issue.severity != Severity::fatal) continue;
                issue.what =
                    fmt::format("{}: {}; fill in the cell it comes from, or correct the mapping", issue.where, issue.what);
                issue.where = here;
                issue.key = "invalid-resource";
                outcome.issues.push_back(std::move(issue));
            }
            std::string put = draft.put(evaluation.id(i, row), body);
            if (resource.lesser && (converted.lesser.empty() || converted.lesser.back() != put))
                converted.lesser.push_back(std::move(put));
            if (resource.type->name == "Patient" && converted.facts.patient.empty())
                converted.facts.patient = evaluation.id(i, row);
        }
    }
    give_back();
    if (!outcome.issues.empty()) return outcome;
    if (draft.size() == 0)
        return refuse(IssueCode::invalid, here,
                      "nothing came of it: no condition of the mapping holds for it; fill in the cells, or delete the row");
    converted.bundle = draft.bundle();
    for (ReadRow& row : group)
        for (message::Note& note : row.notes) converted.notes.push_back(std::move(note));
    return converted;
}

void Conversion::State::flush() {
    if (group.empty()) return;
    Item item;
    for (const ReadRow& row : group) item.rows.push_back(row.number);
    if (options.split_only) {
        item.raw = csv_line(header.names);
        for (const ReadRow& row : group) item.raw += row.raw;
        finished.push_back(std::move(item));
        group.clear();
        return;
    }
    auto converted = convert();
    write_values(item, group.front().values);
    if (converted.ok()) item.converted = std::move(*converted);
    else item.refusal = std::move(converted).outcome();
    finished.push_back(std::move(item));
    group.clear();
}

Conversion::Conversion(std::unique_ptr<State> state) : state_(std::move(state)) {}
Conversion::Conversion(Conversion&&) noexcept = default;
Conversion::~Conversion() = default;

Result<Conversion> Conversion::begin(const Mapping& mapping, const message::Sender& sender, Rows& rows,
                                     ConversionOptions options) {
    auto state = std::make_unique<State>(mapping, sender, rows, std::move(options));
    XINGLIN_CHECK(state->find());
    return Conversion(std::move(state));
}

Result<bool> Conversion::next(Item& item) {
    State& state = *state_;
    Kept row;
    while (state.finished.empty() && !state.ended) {
        XINGLIN_TRY(const bool more, state.next_row(row));
        if (more) {
            state.take(row);
        } else {
            state.ended = true;
            state.flush();
        }
    }
    if (state.finished.empty()) return false;
    item = std::move(state.finished.front());
    state.finished.pop_front();
    return true;
}

Result<message::Converted> convert_one(std::string_view raw, const Mapping& mapping, const message::Sender& sender,
                                       ConversionOptions options) {
    XINGLIN_TRY(const auto rows, read_csv(Source::memory(raw), {.delimiter = ','}));
    XINGLIN_TRY(auto conversion, Conversion::begin(mapping, sender, *rows, std::move(options)));
    const auto without_row = [](std::string& where) {
        const std::size_t cut = where.starts_with("row ") ? where.find(", ") : std::string::npos;
        if (cut != std::string::npos) where.erase(0, cut + 2);
    };
    Item item;
    std::optional<message::Converted> converted;
    for (;;) {
        XINGLIN_TRY(const bool more, conversion.next(item));
        if (!more) break;
        if (!item.converted) {
            for (Issue& issue : item.refusal.issues) without_row(issue.where);
            return std::move(item.refusal);
        }
        if (converted) return refuse(IssueCode::invalid, "table", "holds rows that do not belong together; send them one by one");
        converted = std::move(item.converted);
        for (message::Note& note : converted->notes) without_row(note.where);
    }
    if (!converted) return refuse(IssueCode::invalid, "table", "holds no row below its header; send it with its row");
    return std::move(*converted);
}

const std::vector<Conversion::Found>& Conversion::found() const { return state_->found; }
std::uint64_t Conversion::header_row() const { return state_->header_row; }

}  // namespace xinglin::table
