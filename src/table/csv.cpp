// SPDX-License-Identifier: Apache-2.0
// CSV by RFC 4180, as it is really sent: any of four delimiters, three line ends, quoted line breaks, blank lines.
//
// A row that can't be read is told as such and the next line goes on; a quotation mark that is never closed costs its own
// line, not the rest of the file.
#include <algorithm>
#include <array>
#include <cstring>

#include "table/decoder.h"
#include "table/table.h"

namespace xinglin::table {

namespace {

constexpr std::size_t sample_bytes = 64u << 10;
constexpr int most_recoveries = 1'000;

struct Field {
    std::size_t begin, end;
    bool doubled = false;  // holds "" to be read as "
};

class CsvRows : public Rows {
public:
    CsvRows(std::unique_ptr<Decoder> decoder, const CsvOptions& options) : decoder_(std::move(decoder)), options_(options) {
        about_.kind = "csv";
        about_.delimiter = options.delimiter;
    }
    Result<Done> begin();
    Result<bool> next(Row& row) override;
    const About& about() const override { return about_; }

private:
    enum class Scan : std::uint8_t { row, blank, more, trouble };
    Result<bool> fill();
    Scan scan();
    std::size_t scan_quoted(std::size_t at, bool& closed, bool& doubled) const;
    std::size_t line_end(std::size_t at) const;
    void step_over_line_end(std::size_t at);
    void give_cells();
    bool give_up(std::string_view why);

    std::unique_ptr<Decoder> decoder_;
    CsvOptions options_;
    About about_;
    std::string text_;  // decoded, from the row that is read on
    std::size_t at_ = 0, after_ = 0;
    bool ended_ = false;
    std::uint64_t number_ = 0;
    std::vector<Field> fields_;
    std::vector<std::string_view> cells_;
    std::string trouble_;
    int recoveries_ = 0;
    std::array<bool, 256> stops_{};  // bytes an unquoted field ends at
};

/// How evenly a delimiter cuts the first lines: lines with the most common number of it, times that number.
std::size_t evenness(std::string_view sample, char delimiter) {
    std::vector<std::size_t> counts;
    std::size_t count = 0;
    bool quoted = false;
    for (const char c : sample) {
        if (c == '"') quoted = !quoted;
        else if (c == delimiter && !quoted) ++count;
        else if (c == '\n' && !quoted) {
            counts.push_back(count);
            count = 0;
            if (counts.size() >= 50) break;
        }
    }
    if (counts.empty()) counts.push_back(count);
    std::size_t best = 0;
    for (const std::size_t one : counts) {
        if (one == 0) continue;
        const auto same = static_cast<std::size_t>(std::count(counts.begin(), counts.end(), one));
        best = std::max(best, same * 100 + std::min<std::size_t>(one, 99));
    }
    return best;
}

char find_delimiter(std::string_view sample) {
    char best = ',';
    std::size_t most = 0;
    for (const char c : {',', '\t', ';', '|'}) {
        const std::size_t score = evenness(sample, c);
        if (score > most) most = score, best = c;
    }
    return best;
}

Result<Done> CsvRows::begin() {
    while (text_.size() < sample_bytes && !ended_) XINGLIN_CHECK(fill());
    if (text_.find('\0') != std::string::npos)
        return refuse(IssueCode::invalid, "file", "is no text (it holds zero bytes), send CSV or XLSX");
    if (about_.delimiter == 0) about_.delimiter = find_delimiter(std::string_view(text_).substr(0, sample_bytes));
    for (const char c : {about_.delimiter, '\n', '\r'}) stops_[static_cast<unsigned char>(c)] = true;
    return Done{};
}

/// Some more text behind what is there; what was read is dropped first. False at the end of the file.
Result<bool> CsvRows::fill() {
    if (ended_) return false;
    if (at_ > 0) {
        text_.erase(0, at_);
        at_ = 0;
    }
    XINGLIN_TRY(const bool more, decoder_->more(text_));
    about_.encoding = decoder_->encoding().empty() ? "UTF-8" : decoder_->encoding();
    ended_ = !more;
    return true;
}

/// Where the closing quotation mark of the field that begins at `at` stands; `closed` false when it is not there yet.
std::size_t CsvRows::scan_quoted(std::size_t at, bool& closed, bool& doubled) const {
    closed = false;
    for (;;) {
        const void* found = at < text_.size() ? std::memchr(text_.data() + at, '"', text_.size() - at) : nullptr;
        if (!found) return text_.size();
        at = static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
        if (at + 1 < text_.size() && text_[at + 1] == '"') {
            doubled = true;
            at += 2;
            continue;
        }
        closed = at + 1 < text_.size() || ended_;  // a second mark may follow in the next piece
        return at;
    }
}

std::size_t CsvRows::line_end(std::size_t at) const {
    const std::size_t end = text_.find_first_of("\r\n", at);
    return end == std::string::npos ? text_.size() : end;
}

void CsvRows::step_over_line_end(std::size_t at) {
    after_ = at;
    if (after_ < text_.size() && text_[after_] == '\r') ++after_;
    if (after_ < text_.size() && text_[after_] == '\n') ++after_;
}

/// Reads one row from at_ on; `more` when it does not end in what is there.
CsvRows::Scan CsvRows::scan() {
    fields_.clear();
    trouble_.clear();
    std::size_t at = at_;
    const auto trouble = [&](std::string_view what, std::size_t where) {
        trouble_ = what;
        step_over_line_end(line_end(where));
        return Scan::trouble;
    };
    for (;;) {
        Field field{at, at};
        if (at < text_.size() && text_[at] == '"') {
            bool closed = false;
            field.begin = at + 1;
            field.end = scan_quoted(at + 1, closed, field.doubled);
            if (!closed) {
                if (!ended_ && text_.size() - at_ < options_.limits.row_bytes) return Scan::more;
                return trouble("a quotation mark is never closed; close it, or double marks that belong to the text", at_);
            }
            at = field.end + 1;
            if (at < text_.size() && !stops_[static_cast<unsigned char>(text_[at])])
                return trouble("text follows a closing quotation mark; double marks that belong to the text", at);
        } else {
            while (at < text_.size() && !stops_[static_cast<unsigned char>(text_[at])]) ++at;
            field.end = at;
        }
        if (field.end - field.begin > options_.limits.field_bytes)
            return trouble("a field is longer than the limit of 1 MiB; shorten it", at);
        fields_.push_back(field);
        if (fields_.size() > options_.limits.columns)
            return trouble("there are more columns than the limit of 2,000; delete the superfluous ones", at);
        if (at < text_.size() && text_[at] == about_.delimiter) {
            ++at;
            continue;
        }
        if (!ended_ && at + 1 >= text_.size()) {  // the line end, or its second byte, may be in the next piece
            if (text_.size() - at_ < options_.limits.row_bytes) return Scan::more;
            return trouble("the row is longer than the limit of 4 MiB; shorten it", at);
        }
        step_over_line_end(at);
        return fields_.size() == 1 && fields_[0].begin == fields_[0].end && at == at_ ? Scan::blank : Scan::row;
    }
}

void CsvRows::give_cells() {
    cells_.clear();
    for (const Field& field : fields_) {
        if (field.doubled) {  // in place: the text only becomes shorter
            char* const begin = text_.data() + field.begin;
            char* to = begin;
            for (const char* from = begin; from < text_.data() + field.end; ++from) {
                *to++ = *from;
                if (*from == '"') ++from;
            }
            cells_.emplace_back(begin, static_cast<std::size_t>(to - begin));
        } else {
            cells_.emplace_back(text_.data() + field.begin, field.end - field.begin);
        }
    }
}

Result<bool> CsvRows::next(Row& row) {
    at_ = after_;
    for (;;) {
        if (at_ >= text_.size()) {
            if (ended_) return false;
            after_ = 0;
            XINGLIN_CHECK(fill());
            continue;
        }
        const Scan found = scan();
        if (found == Scan::more) {
            XINGLIN_CHECK(fill());
            continue;
        }
        ++number_;
        if (found == Scan::blank) {
            at_ = after_;
            continue;
        }
        if (found == Scan::trouble && ++recoveries_ > most_recoveries)
            return refuse(IssueCode::invalid, "row " + std::to_string(number_),
                          "more than 1,000 rows can't be read; the file is no CSV, or its quotation marks are broken");
        if (found == Scan::trouble) cells_.clear();
        else give_cells();
        row = {number_, cells_, trouble_};
        return true;
    }
}

}  // namespace

Result<std::unique_ptr<Rows>> read_csv(const Source& source, const CsvOptions& options) {
    XINGLIN_TRY(auto bytes, Bytes::open(source));
    XINGLIN_TRY(const std::string first, bytes->peek(8));
    if (first.starts_with("PK\x03\x04"))
        return refuse(IssueCode::invalid, "file", "is a workbook or an archive, not CSV; read it as xlsx");
    if (first.starts_with("\xD0\xCF\x11\xE0"))
        return refuse(IssueCode::invalid, "file",
                      "is an old workbook (.xls) or an encrypted one, not CSV; save it as CSV or .xlsx");
    XINGLIN_TRY(auto decoder, Decoder::open(std::move(bytes), options.encoding));
    auto rows = std::make_unique<CsvRows>(std::move(decoder), options);
    XINGLIN_CHECK(rows->begin());
    return std::unique_ptr<Rows>(std::move(rows));
}

Result<std::unique_ptr<Rows>> read(const Source& source, const XlsxOptions& xlsx, const CsvOptions& csv) {
    std::string first;
    {
        XINGLIN_TRY(auto bytes, Bytes::open(source));
        XINGLIN_TRY(first, bytes->peek(8));
    }
    if (first.starts_with("PK") || first.starts_with("\xD0\xCF\x11\xE0")) return read_xlsx(source, xlsx);
    return read_csv(source, csv);
}

}  // namespace xinglin::table
