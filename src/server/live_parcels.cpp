// SPDX-License-Identifier: Apache-2.0
// Gathering rows into files of an hour, naming their senders, and writing them where a watched folder finds them.
#include "server/live_parcels.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "calendar/calendar.h"
#include "table/sheet_writer.h"
#include "table/table.h"

namespace xinglin::server {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t hour_seconds = 3'600;

bool is_table(const city::Outgoing& message) { return message.format == "csv" || message.format == "xlsx"; }

/// The sender at the intake: a source of its own for each kind of table.
std::string source_of(const city::Outgoing& message) {
    std::string id = message.source;
    if (is_table(message)) id += "-" + message.kind;
    if (message.format == "cda") id += "-cda";
    for (char& c : id) {
        if (c == '_') c = '-';
    }
    return id.substr(0, 40);
}

struct TableWords {
    std::string_view kind, words;
};
constexpr TableWords tables[] = {
    {"clinic_visits", "门诊"},      {"hypertension_follow_up", "随访"}, {"vaccinations", "接种"},
    {"laboratory_results", "检验"}, {"resident_register", "档案"},      {"fever_clinic", "发热门诊"},
    {"enteric_clinic", "肠道门诊"}, {"report_cards", "报告卡"},         {"birth_certificates", "出生证"}};

/// Institutions send several tables; the name says which.
std::string name_of(const city::Outgoing& message) {
    if (message.format == "cda") return message.name + "（共享文档）";
    for (const TableWords& each : tables) {
        if (is_table(message) && each.kind == message.kind) return fmt::format("{}（{}）", message.name, each.words);
    }
    return message.name;
}

/// Senders of one institution stand beside each other.
std::optional<std::array<double, 2>> place_of(const city::Outgoing& message) {
    if (!message.place) return std::nullopt;
    constexpr double aside = 0.0011;  // degrees
    for (std::size_t n = 0; n < std::size(tables); ++n) {
        if (is_table(message) && tables[n].kind == message.kind)
            return std::array{(*message.place)[0] + aside * static_cast<double>(n % 3),
                              (*message.place)[1] - aside * static_cast<double>(n / 3)};
    }
    if (message.format == "cda") return std::array{(*message.place)[0] + aside, (*message.place)[1] + aside};
    return message.place;
}

Parcel parcel_of(const city::Outgoing& message, const Ways& ways) {
    Parcel parcel;
    parcel.time = message.time;
    parcel.source = source_of(message);
    parcel.name = name_of(message);
    parcel.organization = message.organization;
    parcel.facility = message.source;
    parcel.place = place_of(message);
    parcel.way = message.format == "hl7v2" && ways.mllp ? "mllp" : is_table(message) && ways.folders ? "folder" : "http";
    const bool as_workbook = message.format == "xlsx" && parcel.way == "folder";
    parcel.format = is_table(message) ? fmt::format("{}:{}", as_workbook ? "xlsx" : "csv", message.kind) : message.format;
    return parcel;
}

std::string hour_text(std::int64_t seconds) {  // "20261122-08"
    const std::string text = calendar::instant_text(seconds * 1000);
    return text.substr(0, 4) + text.substr(5, 2) + text.substr(8, 2) + "-" + text.substr(11, 2);
}

bool is_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

table::Cell cell_of(std::string_view text) {
    const bool is_day = text.size() >= 10 && text[4] == '-' && text[7] == '-' && is_digits(text.substr(0, 4)) &&
                        is_digits(text.substr(5, 2)) && is_digits(text.substr(8, 2));
    if (is_day && text.size() == 10) return table::Cell::day(text);
    if (is_day && text.size() == 16 && text[10] == ' ' && text[13] == ':')
        return table::Cell::moment(std::string(text.substr(0, 10)) + "T" + std::string(text.substr(11)) + ":00");
    const std::size_t dot = std::min(text.find('.'), text.size());
    const bool is_whole = is_digits(text.substr(0, dot)) && dot <= 5 && (text[0] != '0' || dot == 1);
    if (is_whole && (dot == text.size() || is_digits(text.substr(dot + 1))))
        return table::Cell::count(std::strtod(std::string(text).c_str(), nullptr));
    return table::Cell::of(text);
}

std::string csv_of(const Parcel& parcel) {
    std::string text = parcel.messages.front().head;
    for (const city::Outgoing& row : parcel.messages) {
        for (int copy = 0; copy < row.copies; ++copy) text += row.bytes;
    }
    return text;
}

Result<Done> write_bytes(std::string_view bytes, const fs::path& file) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << bytes;
    out.close();
    if (!out) return refuse(IssueCode::transient, file.string(), "cannot be written, see to the disk and its permissions");
    return Done{};
}

}  // namespace

std::string Ways::text() const { return std::string("http") + (mllp ? " mllp" : "") + (folders ? " folder" : ""); }

std::vector<Parcel> parcels_of(std::vector<city::Outgoing> messages, const Ways& ways) {
    std::vector<Parcel> parcels;
    std::map<std::pair<std::int64_t, std::string>, std::size_t> files;  // hour and source → parcel
    for (city::Outgoing& message : messages) {
        Parcel parcel = parcel_of(message, ways);
        if (parcel.way == "folder") {
            const std::int64_t hour = message.time / hour_seconds;
            const auto [found, is_new] = files.try_emplace({hour, parcel.source}, parcels.size());
            if (!is_new) {
                parcels[found->second].messages.push_back(std::move(message));
                continue;
            }
            parcel.time = (hour + 1) * hour_seconds;
            parcel.file =
                fmt::format("{}-{}.{}", message.kind, hour_text(message.time), parcel.format.substr(0, parcel.format.find(':')));
        }
        parcel.messages.push_back(std::move(message));
        parcels.push_back(std::move(parcel));
    }
    std::stable_sort(parcels.begin(), parcels.end(), [](const Parcel& a, const Parcel& b) { return a.time < b.time; });
    return parcels;
}

Result<Done> write_workbook(std::string_view csv, std::string_view sheet, const fs::path& file, const std::string& encoding,
                            std::int64_t made) {
    XINGLIN_TRY(const auto rows, table::read_csv(table::Source::memory(csv), {.encoding = encoding, .delimiter = ','}));
    XINGLIN_TRY(const auto writer, table::SheetWriter::create(file, made));
    table::Row row;
    for (bool is_head = true;; is_head = false) {
        XINGLIN_TRY(const bool more, rows->next(row));
        if (!more) break;
        if (is_head) {
            std::vector<table::SheetColumn> columns;
            for (const std::string_view title : row.cells) columns.push_back({std::string(title), 14});
            XINGLIN_CHECK(writer->sheet(sheet, columns));
            continue;
        }
        std::vector<table::Cell> cells;
        for (const std::string_view text : row.cells) cells.push_back(cell_of(text));
        if (!row.trouble.empty())
            cells.push_back(table::Cell::of(row.trouble));  // a row that broke off: whoever typed it sees so
        XINGLIN_CHECK(writer->row(cells));
    }
    return writer->close();
}

Result<Done> drop_file(const Parcel& parcel, const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    const fs::path file = folder / parcel.file, beside = file.string() + ".tmp";
    if (fs::exists(file, error) || fs::exists(folder / "done" / parcel.file, error)) return Done{};
    const bool is_workbook = parcel.format.starts_with("xlsx");
    XINGLIN_CHECK(is_workbook ? write_workbook(csv_of(parcel), parcel.messages.front().kind, beside)
                              : write_bytes(csv_of(parcel), beside));
    fs::rename(beside, file, error);
    if (error) return refuse(IssueCode::transient, file.string(), error.message() + ", see to the folder and its permissions");
    return Done{};
}

}  // namespace xinglin::server
