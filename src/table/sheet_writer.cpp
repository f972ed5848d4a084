// SPDX-License-Identifier: Apache-2.0
// Workbooks by libxlsxwriter, with its constant memory.
#include "table/sheet_writer.h"

#include <xlsxwriter.h>

#include <set>

#include "table/values.h"

namespace xinglin::table {

namespace {

constexpr std::uint32_t most_rows = 1'048'576;
constexpr std::size_t longest_text = 32'767;  // characters of a cell

/// At most `most` code points.
std::string cut(std::string_view text, std::size_t most) {
    std::size_t at = 0, count = 0;
    while (at < text.size()) {
        const bool begins = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
        if (begins && count++ == most) break;
        ++at;
    }
    return std::string(text.substr(0, at));
}

/// Without what XML 1.0 can't hold.
std::string clean(std::string_view text) {
    std::string out = cut(text, longest_text - 1);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') c = ' ';
    return out;
}

}  // namespace

struct SheetWriter::State {
    std::string path, temporary;
    lxw_workbook* workbook = nullptr;
    lxw_worksheet* sheet = nullptr;
    lxw_format *bold = nullptr, *header = nullptr, *day = nullptr, *moment = nullptr, *percent = nullptr;
    std::uint32_t row = 0;
    std::set<std::string> names;
};

SheetWriter::SheetWriter() : state_(std::make_unique<State>()) {}

SheetWriter::~SheetWriter() {
    if (state_->workbook) lxw_workbook_free(state_->workbook);
}

Result<std::unique_ptr<SheetWriter>> SheetWriter::create(const std::filesystem::path& path, std::int64_t made) {
    std::unique_ptr<SheetWriter> writer(new SheetWriter);
    State& state = *writer->state_;
    state.path = path.string();
    std::FILE* probe = std::fopen(state.path.c_str(), "wb");
    if (!probe) return refuse(IssueCode::not_found, state.path, "cannot be written, see to the folder and its permissions");
    std::fclose(probe);
    state.temporary = path.parent_path().string();
    lxw_workbook_options options = {};
    options.constant_memory = LXW_TRUE;
    options.tmpdir = state.temporary.empty() ? nullptr : state.temporary.data();
    state.workbook = workbook_new_opt(state.path.c_str(), &options);
    if (!state.workbook) return refuse(IssueCode::exception, state.path, "cannot be begun, see to memory and disk");
    if (made > 0) {
        lxw_doc_properties properties = {};
        properties.created = static_cast<std::time_t>(made);
        workbook_set_properties(state.workbook, &properties);
    }
    state.bold = workbook_add_format(state.workbook);
    format_set_bold(state.bold);
    format_set_font_size(state.bold, 14);
    state.header = workbook_add_format(state.workbook);
    format_set_bold(state.header);
    format_set_bg_color(state.header, 0xE8EEF4);
    format_set_text_wrap(state.header);
    state.day = workbook_add_format(state.workbook);
    format_set_num_format(state.day, "yyyy-mm-dd");
    state.moment = workbook_add_format(state.workbook);
    format_set_num_format(state.moment, "yyyy-mm-dd hh:mm:ss");
    state.percent = workbook_add_format(state.workbook);
    format_set_num_format(state.percent, "0.0%");
    return writer;
}

Result<Done> SheetWriter::sheet(std::string_view name, const std::vector<SheetColumn>& columns, std::string_view title) {
    State& state = *state_;
    std::string short_name = cut(name, 28);
    for (char& c : short_name)
        if (std::string_view("[]:*?/\\'").find(c) != std::string_view::npos || static_cast<unsigned char>(c) < 0x20) c = ' ';
    if (short_name.empty()) short_name = "Sheet";
    const std::string first = short_name;
    for (int again = 2; !state.names.insert(short_name).second; ++again) short_name = first + " " + std::to_string(again);
    state.sheet = workbook_add_worksheet(state.workbook, short_name.c_str());
    if (!state.sheet) return refuse(IssueCode::value, "sheet", "can't be added under this name, choose another");
    state.row = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto column = static_cast<lxw_col_t>(i);
        worksheet_set_column(state.sheet, column, column, columns[i].width, nullptr);
    }
    if (!title.empty()) {
        worksheet_write_string(state.sheet, state.row, 0, clean(title).c_str(), state.bold);
        state.row += 2;
    }
    for (std::size_t i = 0; i < columns.size(); ++i)
        worksheet_write_string(state.sheet, state.row, static_cast<lxw_col_t>(i), clean(columns[i].title).c_str(), state.header);
    ++state.row;
    worksheet_freeze_panes(state.sheet, state.row, 0);
    return Done{};
}

namespace {

/// Days since 1899-12-30, with the time of day; below 0 for what is no date.
double serial_of(const std::string& iso) {
    const auto read = read_date(iso, {});
    if (!read || read->size() < 10) return -1;
    const auto part = [&](std::size_t at, std::size_t count) { return std::stoi(read->substr(at, count)); };
    int year = part(0, 4), month = part(5, 2), day = part(8, 2);
    const int a = (14 - month) / 12, y = year + 4800 - a, m = month + 12 * a - 3;
    const int julian = day + (153 * m + 2) / 5 + 365 * y + y / 4 - y / 100 + y / 400 - 32045;
    double serial = julian - 2'415'019;
    if (read->size() >= 19) serial += (part(11, 2) * 3600 + part(14, 2) * 60 + part(17, 2)) / 86'400.0;
    return serial;
}

}  // namespace

Result<Done> SheetWriter::row(const std::vector<Cell>& cells) {
    State& state = *state_;
    if (!state.sheet) return refuse(IssueCode::invalid, "sheet", "none was begun");
    if (state.row >= most_rows)
        return refuse(IssueCode::too_costly, "rows", "are more than a sheet can hold (1,048,576), choose fewer or another sheet");
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const auto column = static_cast<lxw_col_t>(i);
        const Cell& cell = cells[i];
        switch (cell.kind) {
            case Cell::Kind::empty: break;
            case Cell::Kind::text:
                worksheet_write_string(state.sheet, state.row, column, clean(cell.text).c_str(), nullptr);
                break;
            case Cell::Kind::number: worksheet_write_number(state.sheet, state.row, column, cell.number, nullptr); break;
            case Cell::Kind::percent: worksheet_write_number(state.sheet, state.row, column, cell.number, state.percent); break;
            case Cell::Kind::day:
            case Cell::Kind::moment: {
                const double serial = serial_of(cell.text);
                if (serial < 61) worksheet_write_string(state.sheet, state.row, column, clean(cell.text).c_str(), nullptr);
                else
                    worksheet_write_number(state.sheet, state.row, column, serial,
                                           cell.kind == Cell::Kind::day ? state.day : state.moment);
            }
        }
    }
    ++state.row;
    return Done{};
}

Result<Done> SheetWriter::close() {
    if (!state_->workbook) return refuse(IssueCode::invalid, state_->path, "is closed already");
    if (!state_->sheet) workbook_add_worksheet(state_->workbook, nullptr);
    const lxw_error error = workbook_close(state_->workbook);  // frees it too
    state_->workbook = nullptr;
    if (error != LXW_NO_ERROR)
        return refuse(IssueCode::transient, state_->path,
                      std::string("cannot be written: ") + lxw_strerror(error) + "; see to the disk");
    return Done{};
}

}  // namespace xinglin::table
