// SPDX-License-Identifier: Apache-2.0
// The rows of a sheet, streamed: a piece is unpacked, parsed, and the rows that it completed are handed out (ECMA-376 18.3).
#include <charconv>

#include "table/archive.h"
#include "table/markup.h"
#include "table/workbook.h"

namespace xinglin::table {

namespace {

constexpr std::size_t piece_bytes = 64u << 10;

/// A row being made or waiting to be handed out; its cells lie in one text.
struct Pending {
    std::uint64_t number = 0;
    std::string all;
    std::vector<std::pair<std::size_t, std::size_t>> spans;  // begin, size; by column
    std::string_view trouble;

    void clear() { all.clear(), spans.clear(), trouble = {}; }
};

class SheetHearer : public Hearer {
public:
    SheetHearer(const Workbook& workbook, const Limits& limits) : workbook_(workbook), limits_(limits) {}

    void begin(std::string_view element, const std::vector<Attribute>& attributes) override;
    void end(std::string_view element) override;
    void text(std::string_view piece) override {
        if (!in_value_) return;
        if (raw_.size() + piece.size() > limits_.field_bytes)
            row().trouble = "a cell holds more than the limit of 1 MiB; shorten it";
        else raw_ += piece;
    }
    /// The next finished row; nullptr when there is none.
    const Pending* take() { return taken_ < finished_ ? &pending_[taken_++] : nullptr; }
    /// Once all are taken: their room is used again.
    void forget() {
        if (taken_ < finished_) return;
        if (finished_ < pending_.size() && finished_ > 0) std::swap(pending_[0], pending_[finished_]);
        taken_ = finished_ = 0;
    }

private:
    Pending& row() {
        if (pending_.size() <= finished_) pending_.resize(finished_ + 1);
        return pending_[finished_];
    }
    void begin_row(const std::vector<Attribute>& attributes);
    void begin_cell(const std::vector<Attribute>& attributes);
    void end_cell();
    void append_value(std::string& out);

    const Workbook& workbook_;
    Limits limits_;
    std::vector<Pending> pending_;  // finished ones first, then the one being made
    std::size_t taken_ = 0, finished_ = 0;
    std::uint64_t number_ = 0;
    std::size_t column_ = 0;  // the next one
    std::string raw_, type_;
    int style_ = 0, reading_help_ = 0;
    bool in_data_ = false, in_row_ = false, in_cell_ = false, in_value_ = false;
};

void SheetHearer::begin_row(const std::vector<Attribute>& attributes) {
    ++number_;
    for (const auto& one : attributes) {
        std::uint64_t told = 0;
        if (one.name != "r") continue;
        std::from_chars(one.value.data(), one.value.data() + one.value.size(), told);
        if (told >= number_ && told <= 1'048'576) number_ = told;
    }
    row().clear();
    row().number = number_;
    column_ = 0;
    in_row_ = true;
}

void SheetHearer::begin_cell(const std::vector<Attribute>& attributes) {
    in_cell_ = true;
    raw_.clear();
    type_.clear();
    style_ = 0;
    for (const auto& one : attributes) {
        if (one.name == "r") {
            const int told = column_number(one.value.substr(0, one.value.find_first_of("0123456789")));
            if (told >= static_cast<int>(column_)) column_ = static_cast<std::size_t>(told);
        } else if (one.name == "t") {
            type_ = one.value;
        } else if (one.name == "s") {
            std::from_chars(one.value.data(), one.value.data() + one.value.size(), style_);
        }
    }
}

void SheetHearer::begin(std::string_view element, const std::vector<Attribute>& attributes) {
    if (element == "sheetData") in_data_ = true;
    if (!in_data_) return;
    if (element == "row" && !in_row_) begin_row(attributes);
    else if (element == "c" && in_row_) begin_cell(attributes);
    else if (element == "rPh") ++reading_help_;
    else if (in_cell_ && (element == "v" || (element == "t" && reading_help_ == 0))) in_value_ = true;
}

void SheetHearer::append_value(std::string& out) {
    if (type_ == "s") {
        std::size_t index = 0;
        const auto [end, error] = std::from_chars(raw_.data(), raw_.data() + raw_.size(), index);
        if (error == std::errc{} && index < workbook_.strings.size()) out += workbook_.strings[index];
        else if (!raw_.empty())
            row().trouble = "a cell points at a text that is not there; the workbook is damaged, save it anew";
    } else if (type_ == "b") {
        out += raw_ == "1" ? "TRUE" : raw_ == "0" ? "FALSE" : "";
    } else if (type_ == "str" || type_ == "inlineStr") {
        append_unescaped(raw_, out);
    } else if (type_.empty() || type_ == "n") {
        const auto style = static_cast<std::size_t>(style_);
        append_number(raw_, style_ >= 0 && style < workbook_.styles.size() ? workbook_.styles[style] : DateStyle::none,
                      workbook_.from_1904, out);
    } else {  // "d" is a date as ISO writes it, "e" an error as Excel shows it
        out += raw_;
    }
}

void SheetHearer::end_cell() {
    in_cell_ = in_value_ = false;
    Pending& now = row();
    if (column_ >= limits_.columns) {
        if (!raw_.empty()) now.trouble = "there are more columns than the limit of 2,000; delete the superfluous ones";
        return;
    }
    if (!raw_.empty()) {
        now.spans.resize(column_ + 1, {0, 0});
        const std::size_t begin = now.all.size();
        append_value(now.all);
        now.spans[column_] = {begin, now.all.size() - begin};
        if (now.all.size() > limits_.row_bytes) now.trouble = "the row is longer than the limit of 4 MiB; shorten it";
        if (!now.trouble.empty()) now.all.clear(), now.spans.clear();
    }
    ++column_;
}

void SheetHearer::end(std::string_view element) {
    if (element == "sheetData") in_data_ = false;
    else if (element == "row" && in_row_) {
        in_row_ = false;
        if (!row().spans.empty() || !row().trouble.empty()) ++finished_;
    } else if (element == "c" && in_cell_) end_cell();
    else if (element == "v" || element == "t") in_value_ = false;
    else if (element == "rPh") --reading_help_;
}

class XlsxRows : public Rows {
public:
    XlsxRows(std::unique_ptr<Archive> archive, Workbook workbook)
        : archive_(std::move(archive)), workbook_(std::move(workbook)) {}

    Result<Done> begin(const XlsxOptions& options) {
        XINGLIN_TRY(const Workbook::Sheet* sheet, find_sheet(workbook_, options.sheet));
        about_ = {.kind = "xlsx", .encoding = "UTF-8", .sheet = sheet->name};
        for (const auto& one : workbook_.sheets) about_.sheets.push_back(one.name);
        XINGLIN_TRY(part_, archive_->part(sheet->part));
        hearer_ = std::make_unique<SheetHearer>(workbook_, options.limits);
        markup_ = std::make_unique<Markup>(*hearer_, sheet->part);
        return Done{};
    }

    Result<bool> next(Row& row) override {
        for (;;) {
            if (const Pending* found = hearer_->take()) {
                cells_.clear();
                const std::string_view all = found->all;
                for (const auto& [begin, size] : found->spans) cells_.push_back(all.substr(begin, size));
                row = {found->number, cells_, found->trouble};
                return true;
            }
            if (ended_) return false;
            hearer_->forget();
            XINGLIN_CHECK(feed());
        }
    }
    const About& about() const override { return about_; }

private:
    Result<Done> feed() {
        piece_.resize(piece_bytes);
        XINGLIN_TRY(const std::size_t got, part_->read(piece_.data(), piece_.size()));
        if (got > 0) return markup_->feed({piece_.data(), got});
        ended_ = true;
        return markup_->finish();
    }

    std::unique_ptr<Archive> archive_;
    Workbook workbook_;
    About about_;
    std::unique_ptr<Part> part_;
    std::unique_ptr<SheetHearer> hearer_;
    std::unique_ptr<Markup> markup_;
    std::string piece_;
    std::vector<std::string_view> cells_;
    bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<Rows>> read_xlsx(const Source& source, const XlsxOptions& options) {
    XINGLIN_TRY(auto archive, Archive::open(source, options.limits));
    XINGLIN_TRY(auto workbook, read_workbook(*archive, options.limits));
    auto rows = std::make_unique<XlsxRows>(std::move(archive), std::move(workbook));
    XINGLIN_CHECK(rows->begin(options));
    return std::unique_ptr<Rows>(std::move(rows));
}

}  // namespace xinglin::table
