// SPDX-License-Identifier: Apache-2.0
// The parts of a workbook beside its sheets (ECMA-376 part 1: 12.3, 18.2, 18.4, 18.8).
#include "table/workbook.h"

#include <charconv>
#include <map>

#include "table/markup.h"

namespace xinglin::table {

namespace {

using Attributes = std::vector<Hearer::Attribute>;

std::string_view value_of(const Attributes& attributes, std::string_view name) {
    for (const auto& one : attributes)
        if (one.name == name) return one.value;
    return {};
}

int number_of(std::string_view text) {
    int number = -1;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

bool is_true(std::string_view text) { return text == "1" || text == "true" || text == "on"; }

Result<Done> hear(const Archive& archive, std::string_view name, Hearer& hearer, const std::function<Result<Done>()>& look) {
    XINGLIN_TRY(const auto part, archive.part(name));
    Markup markup(hearer, std::string(name));
    std::string piece(64u << 10, '\0');
    for (;;) {
        XINGLIN_TRY(const std::size_t got, part->read(piece.data(), piece.size()));
        if (got == 0) return markup.finish();
        XINGLIN_CHECK(markup.feed({piece.data(), got}));
        XINGLIN_CHECK(look());
    }
}

Result<Done> hear(const Archive& archive, std::string_view name, Hearer& hearer) {
    return hear(archive, name, hearer, [] { return Result<Done>(Done{}); });
}

/// What belongs to a part: id → (kind, target).
struct Relations : Hearer {
    struct One {
        std::string id, type, target;
    };
    std::vector<One> all;
    void begin(std::string_view element, const Attributes& attributes) override {
        if (element != "Relationship" || value_of(attributes, "TargetMode") == "External" || all.size() > 10'000) return;
        all.push_back({std::string(value_of(attributes, "Id")), std::string(value_of(attributes, "Type")),
                       std::string(value_of(attributes, "Target"))});
    }
    void end(std::string_view) override {}
    void text(std::string_view) override {}
};

struct Sheets : Hearer {
    struct One {
        std::string name, relation;
        bool hidden;
    };
    std::vector<One> all;
    bool from_1904 = false;
    void begin(std::string_view element, const Attributes& attributes) override {
        if (element == "workbookPr") from_1904 = is_true(value_of(attributes, "date1904"));
        if (element != "sheet" || all.size() > 1'000) return;
        const std::string_view state = value_of(attributes, "state");
        all.push_back({std::string(value_of(attributes, "name")), std::string(value_of(attributes, "id")),
                       state == "hidden" || state == "veryHidden"});
    }
    void end(std::string_view) override {}
    void text(std::string_view) override {}
};

struct Styles : Hearer {
    std::map<int, DateStyle> written;
    std::vector<DateStyle> styles;
    bool in_cells = false;
    void begin(std::string_view element, const Attributes& attributes) override {
        if (element == "numFmt" && written.size() < 10'000) {
            written[number_of(value_of(attributes, "numFmtId"))] = written_style(value_of(attributes, "formatCode"));
        } else if (element == "cellXfs") {
            in_cells = true;
        } else if (element == "xf" && in_cells && styles.size() < 100'000) {
            const int format = number_of(value_of(attributes, "numFmtId"));
            const auto found = written.find(format);
            styles.push_back(found != written.end() ? found->second : builtin_style(format));
        }
    }
    void end(std::string_view element) override {
        if (element == "cellXfs") in_cells = false;
    }
    void text(std::string_view) override {}
};

struct Strings : Hearer {
    SharedStrings& strings;
    std::string one;
    bool in_text = false;
    int reading_help = 0;  // rPh: how a name is read, which is not its text
    explicit Strings(SharedStrings& to) : strings(to) {}
    void begin(std::string_view element, const Attributes&) override {
        if (element == "si") one.clear();
        else if (element == "rPh") ++reading_help;
        else if (element == "t") in_text = reading_help == 0;
    }
    void end(std::string_view element) override {
        if (element == "t") in_text = false;
        else if (element == "rPh") --reading_help;
        else if (element == "si") {
            std::string plain;
            append_unescaped(one, plain);
            strings.append(plain);
            strings.end_one();
        }
    }
    void text(std::string_view piece) override {
        if (in_text) one += piece;
    }
};

/// "worksheets/sheet1.xml" as seen from "xl/workbook.xml" → "xl/worksheets/sheet1.xml".
std::string resolved(std::string_view base, std::string_view target) {
    if (target.starts_with('/')) return std::string(target.substr(1));
    std::string folder(base.substr(0, base.rfind('/') == std::string_view::npos ? 0 : base.rfind('/') + 1));
    while (target.starts_with("../")) {
        target.remove_prefix(3);
        const std::size_t up = folder.size() < 2 ? std::string::npos : folder.rfind('/', folder.size() - 2);
        folder.erase(up == std::string::npos ? 0 : up + 1);
    }
    return folder + std::string(target);
}

std::string relations_of(std::string_view part) {
    const std::size_t cut = part.rfind('/') == std::string_view::npos ? 0 : part.rfind('/') + 1;
    return std::string(part.substr(0, cut)) + "_rels/" + std::string(part.substr(cut)) + ".rels";
}

Result<std::string> find_workbook(const Archive& archive) {
    if (!archive.has("[Content_Types].xml"))
        return refuse(IssueCode::invalid, "file", "is an archive but no XLSX workbook, send the workbook itself");
    if (archive.has("_rels/.rels")) {
        Relations relations;
        XINGLIN_CHECK(hear(archive, "_rels/.rels", relations));
        for (const auto& one : relations.all)
            if (one.type.ends_with("/officeDocument")) return resolved("", one.target);
    }
    return std::string("xl/workbook.xml");
}

Result<Done> read_strings(const Archive& archive, const std::string& part, const Limits& limits, SharedStrings& strings) {
    if (!archive.has(part)) return Done{};
    Strings hearer(strings);
    return hear(archive, part, hearer, [&]() -> Result<Done> {
        if (strings.bytes() + hearer.one.size() > limits.shared_string_bytes || strings.size() > limits.shared_strings)
            return refuse(IssueCode::too_costly, part, "holds more text than the limit, split the workbook or send CSV");
        return Done{};
    });
}

}  // namespace

Result<Workbook> read_workbook(const Archive& archive, const Limits& limits) {
    XINGLIN_TRY(const std::string main, find_workbook(archive));
    if (main.ends_with(".bin"))
        return refuse(IssueCode::not_supported, "file", "is a binary workbook (.xlsb), save it as .xlsx or CSV");
    Sheets sheets;
    XINGLIN_CHECK(hear(archive, main, sheets));
    Relations relations;
    XINGLIN_CHECK(hear(archive, relations_of(main), relations));
    Workbook workbook;
    workbook.from_1904 = sheets.from_1904;
    for (const auto& relation : relations.all) {
        const std::string part = resolved(main, relation.target);
        if (relation.type.ends_with("/sharedStrings")) XINGLIN_CHECK(read_strings(archive, part, limits, workbook.strings));
        if (relation.type.ends_with("/styles") && archive.has(part)) {
            Styles styles;
            XINGLIN_CHECK(hear(archive, part, styles));
            workbook.styles = std::move(styles.styles);
        }
    }
    for (const auto& sheet : sheets.all) {
        for (const auto& relation : relations.all)
            if (relation.id == sheet.relation && relation.type.ends_with("/worksheet"))
                workbook.sheets.push_back({sheet.name, resolved(main, relation.target), sheet.hidden});
    }
    if (workbook.sheets.empty())
        return refuse(IssueCode::invalid, "file", "is a workbook without a sheet of cells, send another");
    if (workbook.sheets.size() > limits.sheets)
        return refuse(IssueCode::too_costly, "file", "has more sheets than the limit, split the workbook");
    return workbook;
}

Result<const Workbook::Sheet*> find_sheet(const Workbook& workbook, const std::string& wanted) {
    if (wanted.empty()) {
        for (const auto& sheet : workbook.sheets)
            if (!sheet.hidden) return &sheet;
        return &workbook.sheets.front();
    }
    for (const auto& sheet : workbook.sheets)
        if (sheet.name == wanted) return &sheet;
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    if (error == std::errc{} && end == wanted.data() + wanted.size() && number >= 1 && number <= workbook.sheets.size())
        return &workbook.sheets[number - 1];
    std::string names;
    for (const auto& sheet : workbook.sheets) names += (names.empty() ? "" : ", ") + sheet.name;
    return refuse(IssueCode::not_found, "sheet", "there is no sheet \"" + wanted + "\"; the workbook has: " + names);
}

}  // namespace xinglin::table
