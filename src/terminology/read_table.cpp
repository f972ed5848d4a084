// SPDX-License-Identifier: Apache-2.0
// Concepts from a CSV table (RFC 4180): the format of content/terminology and of imported editions.
#include <array>
#include <map>
#include <optional>

#include "terminology/edition.h"
#include "text/text.h"

namespace xinglin::terminology {

namespace {

constexpr std::size_t most_columns = 64, longest_field = 20'000, longest_code = 200, most_rows = 2'000'000;

/// One row after the other; a quoted field may hold commas, quotes and line ends.
class Lines {
public:
    explicit Lines(std::string_view text) : text_(text) {
        if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
    }
    std::size_t line() const { return line_; }

    /// False at the end. Empty lines are skipped.
    Result<bool> next(std::vector<std::string>& fields) {
        while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) step();
        fields.clear();
        if (at_ >= text_.size()) return false;
        line_ = next_line_;
        for (;;) {
            if (fields.size() == most_columns) return wrong(fields.size(), "there are more than 64 columns");
            std::string field;
            if (peek() == '"') {
                XINGLIN_CHECK(quoted(field, fields.size()));
            } else {
                while (at_ < text_.size() && peek() != ',' && peek() != '\n' && peek() != '\r') field += text_[at_++];
            }
            if (field.size() > longest_field) return wrong(fields.size(), "the field is longer than 20,000 bytes");
            fields.push_back(std::move(field));
            if (peek() != ',') break;
            ++at_;
        }
        if (peek() == '\r') ++at_;
        if (at_ < text_.size() && peek() != '\n')
            return wrong(fields.size() - 1, "something stands between the closing quote and the comma");
        return true;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0, line_ = 0, next_line_ = 1;

    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void step() {
        if (text_[at_] == '\n') ++next_line_;
        ++at_;
    }
    Outcome wrong(std::size_t column, std::string what) const {
        return refuse(IssueCode::invalid, "line " + std::to_string(line_) + ", column " + std::to_string(column + 1),
                      std::move(what));
    }
    Result<Done> quoted(std::string& field, std::size_t column) {
        ++at_;
        while (at_ < text_.size()) {
            if (peek() == '"') {
                if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
                    ++at_;
                } else {
                    ++at_;
                    return Done{};
                }
            }
            field += text_[at_];
            step();
            if (field.size() > longest_field) break;
        }
        return wrong(column, "a quoted field is not closed");
    }
};

/// What a column of the header line is for.
enum class Use : std::uint8_t { code, display, english, definition, parent, active, selectable, designation, property };

struct Column {
    Use use;
    std::string name;  // of a property; the language of a designation
    PropertyKind kind = PropertyKind::string;
};

/// A row of the table, checked.
struct Entry {
    std::string_view code, display, english, definition, parent;
    bool active = true, selectable = true;
};

class Table {
public:
    explicit Table(std::string_view csv) : lines_(csv), valid_utf8_(text::is_utf8(csv)) {}

    Result<Done> open(json::Value header) {
        if (!valid_utf8_) return refuse(IssueCode::invalid, "body", "is not UTF-8; save the table as UTF-8");
        XINGLIN_TRY(const bool any, lines_.next(fields_));
        if (!any) return refuse(IssueCode::invalid, "line 1", "the table is empty; it begins with a line such as code,display");
        std::map<std::string, PropertyKind> kinds;
        for (const json::Node& node : header["property"].items())
            kinds[std::string(json::Value(&node)["code"].string())] = kind(json::Value(&node)["type"].string());
        bool has_code = false, has_display = false;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            Column column = use_of(fields_[i]);
            if (column.name.empty() && column.use == Use::property) return wrong(i, "the column has no name");
            if (const auto known = kinds.find(column.name); known != kinds.end()) column.kind = known->second;
            has_code = has_code || column.use == Use::code;
            has_display = has_display || column.use == Use::display;
            for (const Column& other : columns_) {
                if (other.use == column.use && other.name == column.name) return wrong(i, "the column comes twice");
            }
            columns_.push_back(std::move(column));
        }
        if (!has_code || !has_display)
            return refuse(IssueCode::required, "line 1",
                          std::string("the column ") + (has_code ? "display" : "code") +
                              " is missing; a table begins with a line such as code,display");
        return Done{};
    }

    /// False at the end.
    Result<bool> next(Entry& entry) {
        XINGLIN_TRY(const bool any, lines_.next(fields_));
        if (!any) return false;
        if (++rows_ > most_rows)
            return refuse(IssueCode::too_costly, "line " + std::to_string(lines_.line()), "there are more than 2,000,000 rows");
        if (fields_.size() != columns_.size())
            return wrong(fields_.size() - 1,
                         fmt::format("there are {} fields, the first line has {}", fields_.size(), columns_.size()));
        entry = {};
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const std::string& field = fields_[i];
            switch (columns_[i].use) {
                case Use::code: {
                    if (!is_code(field)) return wrong(i, "a code is 1 to 200 bytes without white space at its ends");
                    entry.code = field;
                    break;
                }
                case Use::display: entry.display = field; break;
                case Use::english: entry.english = field; break;
                case Use::definition: entry.definition = field; break;
                case Use::parent: entry.parent = field; break;
                case Use::active:
                case Use::selectable: {
                    const auto truth = truth_of(field);
                    if (!truth) return wrong(i, "expected true or false");
                    (columns_[i].use == Use::active ? entry.active : entry.selectable) = *truth;
                    break;
                }
                default: break;
            }
        }
        if (entry.display.empty()) entry.display = entry.code;
        return true;
    }

    const std::vector<Column>& columns() const { return columns_; }
    const std::string& field(std::size_t column) const { return fields_[column]; }
    Outcome wrong(std::size_t column, std::string what) const {
        const std::string name = column < columns_.size() ? " (" + named(columns_[column]) + ")" : "";
        return refuse(IssueCode::invalid, fmt::format("line {}, column {}{}", lines_.line(), column + 1, name), std::move(what));
    }
    std::size_t line() const { return lines_.line(); }

private:
    Lines lines_;
    bool valid_utf8_;
    std::vector<std::string> fields_;
    std::vector<Column> columns_;
    std::size_t rows_ = 0;

    static constexpr std::array<std::pair<std::string_view, Use>, 7> uses = {{{"code", Use::code},
                                                                              {"display", Use::display},
                                                                              {"display_en", Use::english},
                                                                              {"definition", Use::definition},
                                                                              {"parent", Use::parent},
                                                                              {"active", Use::active},
                                                                              {"selectable", Use::selectable}}};

    static Column use_of(const std::string& name) {
        for (const auto& [word, use] : uses) {
            if (name == word) return {use, std::string(word)};
        }
        if (name.starts_with("designation:")) return {Use::designation, name.substr(12)};
        return {Use::property, name};
    }
    static std::string named(const Column& column) {
        return column.use == Use::designation ? "designation:" + column.name : column.name;
    }
    static PropertyKind kind(std::string_view type) {
        if (type == "code") return PropertyKind::code;
        if (type == "boolean") return PropertyKind::boolean;
        if (type == "integer") return PropertyKind::integer;
        if (type == "decimal") return PropertyKind::decimal;
        if (type == "dateTime") return PropertyKind::date_time;
        return PropertyKind::string;
    }
    static std::optional<bool> truth_of(std::string_view field) {
        if (field.empty() || field == "true" || field == "1") return true;
        if (field == "false" || field == "0") return false;
        return std::nullopt;
    }
    static bool is_code(std::string_view text) {
        if (text.empty() || text.size() > longest_code || text.front() == ' ' || text.back() == ' ') return false;
        for (const char c : text) {
            if (static_cast<unsigned char>(c) < ' ') return false;
        }
        return true;
    }
};

std::string_view value_key(PropertyKind kind) {
    switch (kind) {
        case PropertyKind::code: return "valueCode";
        case PropertyKind::boolean: return "valueBoolean";
        default: return "valueString";
    }
}

}  // namespace

Result<std::shared_ptr<const Concepts>> read_table(std::string_view csv, json::Value header, Supplements supplements) {
    Table table(csv);
    XINGLIN_CHECK(table.open(header));
    ConceptsBuilder builder(header["language"].string(), !header["caseSensitive"] || header["caseSensitive"].as_bool());
    Entry entry;
    for (;;) {
        XINGLIN_TRY(const bool any, table.next(entry));
        if (!any) break;
        const Row row = builder.add({.code = entry.code,
                                     .display = entry.display,
                                     .english = entry.english,
                                     .definition = entry.definition,
                                     .parent = entry.parent,
                                     .active = entry.active,
                                     .selectable = entry.selectable});
        for (std::size_t i = 0; i < table.columns().size(); ++i) {
            const Column& column = table.columns()[i];
            if (table.field(i).empty()) continue;
            if (column.use == Use::designation) builder.designation(row, column.name, "", table.field(i));
            if (column.use == Use::property) builder.property(row, column.name, column.kind, table.field(i));
        }
    }
    XINGLIN_CHECK(add_supplements(supplements, builder));
    return builder.finish();
}

Result<json::Value> table_as_concepts(std::string_view csv, json::Arena& arena) {
    XINGLIN_CHECK(read_table(csv, {}));  // refuses codes that come twice, parents that are not there and circles
    Table table(csv);
    XINGLIN_CHECK(table.open({}));
    std::vector<json::Value> concepts;
    Entry entry;
    for (;;) {
        XINGLIN_TRY(const bool any, table.next(entry));
        if (!any) break;
        std::vector<json::Value> designations, properties;
        const auto property = [&](std::string_view code, std::string_view key, json::Value value) {
            properties.push_back(arena.object({{"code", arena.string(code)}, {key, value}}));
        };
        const auto designation = [&](std::string_view language, std::string_view value) {
            designations.push_back(arena.object({{"language", arena.string(language)}, {"value", arena.string(value)}}));
        };
        if (!entry.english.empty()) designation("en", entry.english);
        if (!entry.parent.empty()) property("parent", "valueCode", arena.string(entry.parent));
        if (!entry.active) property("inactive", "valueBoolean", arena.boolean(true));
        if (!entry.selectable) property("notSelectable", "valueBoolean", arena.boolean(true));
        for (std::size_t i = 0; i < table.columns().size(); ++i) {
            const Column& column = table.columns()[i];
            if (table.field(i).empty()) continue;
            if (column.use == Use::designation) designation(column.name, table.field(i));
            if (column.use == Use::property) property(column.name, value_key(column.kind), arena.string(table.field(i)));
        }
        concepts.push_back(
            arena.object({{"code", arena.string(entry.code)},
                          {"display", arena.string(entry.display)},
                          {"definition", entry.definition.empty() ? json::Value() : arena.string(entry.definition)},
                          {"designation", designations.empty() ? json::Value() : arena.array(designations)},
                          {"property", properties.empty() ? json::Value() : arena.array(properties)}}));
    }
    if (concepts.empty()) return refuse(IssueCode::required, "line 2", "the table has no rows");
    return arena.array(concepts);
}

}  // namespace xinglin::terminology
