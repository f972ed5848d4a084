// SPDX-License-Identifier: Apache-2.0
// Rows as text.
#include "view/view.h"

namespace xinglin::view {

namespace {

void write_value(const Cell& cell, std::string& out) {
    switch (cell.kind) {
        case Cell::Kind::null: out += "null"; return;
        case Cell::Kind::boolean: out += cell.boolean ? "true" : "false"; return;
        case Cell::Kind::number: out += cell.text; return;
        case Cell::Kind::text: json::write_string(cell.text, out); return;
        case Cell::Kind::json: json::write(cell.json, out); return;
    }
}

void write_field(std::string_view text, std::string& out) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

}  // namespace

Cell cell_of(json::Value value) {
    switch (value.kind()) {
        case json::Kind::null: return {};
        case json::Kind::boolean: return {.kind = Cell::Kind::boolean, .boolean = value.as_bool()};
        case json::Kind::number: return {.kind = Cell::Kind::number, .text = value.text()};
        case json::Kind::string: return {.kind = Cell::Kind::text, .text = value.string()};
        default: return {.kind = Cell::Kind::json, .json = value};
    }
}

void write_object(std::span<const Column> columns, Row row, std::string& out) {
    out += '{';
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) out += ',';
        out += '"';
        out += columns[i].name;  // letters, digits and _: nothing to escape
        out += "\":";
        write_value(row[i], out);
    }
    out += '}';
}

void write_array(Row row, std::string& out) {
    out += '[';
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) out += ',';
        write_value(row[i], out);
    }
    out += ']';
}

void write_csv(Row row, std::string& out) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) out += ',';
        if (row[i].kind == Cell::Kind::null) continue;
        if (row[i].kind == Cell::Kind::text) {
            // An empty text is "" and an absent value nothing, so that the two can be told apart.
            if (row[i].text.empty()) out += "\"\"";
            else write_field(row[i].text, out);
            continue;
        }
        text.clear();
        write_value(row[i], text);
        write_field(text, out);
    }
    out += "\r\n";
}

void write_csv_header(std::span<const Column> columns, std::string& out) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i > 0) out += ',';
        out += columns[i].name;
    }
    out += "\r\n";
}

}  // namespace xinglin::view
