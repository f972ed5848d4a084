// SPDX-License-Identifier: Apache-2.0
// One cell, read as its column says; and a value, written as the FHIR type wants it.
#include <fmt/format.h>

#include <array>

#include "fhirpath/fhirpath.h"
#include "table/plan.h"
#include "text/text.h"

namespace xinglin::table {

namespace {

constexpr std::array<std::string_view, 9> kind_names = {"text",    "code",    "date",        "datetime", "number",
                                                        "integer", "boolean", "resident_id", "phone"};

class CellReader {
public:
    CellReader(const ColumnPlan& column, const Plan& plan, const message::Sender& sender, const ConversionOptions& options,
               std::vector<CellTrouble>& troubles)
        : column_(column), plan_(plan), sender_(sender), options_(options), troubles_(troubles) {}

    void read(Value& value) {
        switch (column_.kind) {
            case Kind::text: value.text = value.raw; break;
            case Kind::code: code(value); break;
            case Kind::date:
            case Kind::date_time: date(value); break;
            case Kind::number:
            case Kind::integer: number(value); break;
            case Kind::boolean: boolean(value); break;
            case Kind::resident_id: resident(value); break;
            case Kind::phone: phone(value); break;
        }
    }

    /// The cell is not what its column wants.
    void bad(Value& value, std::string key, std::string what) {
        if (column_.bad == Bad::keep) value.text = value.raw;
        else value.filled = false;
        if (column_.bad == Bad::ignore) return;
        static constexpr std::string_view ends[] = {"", "; the cell was left out", "; it was kept as written"};
        troubles_.push_back(
            {std::move(key), std::move(what) + std::string(ends[static_cast<int>(column_.bad)]), column_.bad == Bad::refuse});
    }

private:
    void date(Value& value) {
        DateOptions dates = column_.dates;
        dates.offset_minutes = sender_.offset_minutes;
        auto read = read_date(value.raw, dates);
        if (!read) return bad(value, "bad-date", "is no date; write it as 2026-11-22, 20261122 or 2026年11月22日");
        if (column_.not_future && !options_.today.empty() && std::string_view(*read).substr(0, 10) > options_.today)
            return bad(value, "future", "lies ahead; see to the date, or to the clock of the sending system");
        value.text = column_.kind == Kind::date ? read->substr(0, 10) : std::move(*read);
    }

    void number(Value& value) {
        const auto read = read_number(value.raw);
        if (!read)
            return bad(value, "not-a-number",
                       "is no number; write digits only, the unit belongs into the mapping or a column of its own");
        if (column_.kind == Kind::integer && (!is_whole(read->digits) || !read->comparator.empty() || read->digits.size() > 10))
            return bad(value, "not-a-number", "is no whole number");
        if ((!column_.minimum.empty() && compared(read->digits, column_.minimum) < 0) ||
            (!column_.maximum.empty() && compared(read->digits, column_.maximum) > 0))
            return bad(
                value, "out-of-range",
                fmt::format("must lie between {} and {}; see whether the unit is right",
                            column_.minimum.empty() ? "-∞" : column_.minimum, column_.maximum.empty() ? "∞" : column_.maximum));
        value.text = read->digits;
        value.comparator = read->comparator;
    }

    void boolean(Value& value) {
        const auto read = read_boolean(value.raw);
        if (!read) return bad(value, "not-a-boolean", "is neither yes nor no; write 是 or 否");
        value.text = *read ? "true" : "false";
    }

    void resident(Value& value) {
        value.resident = read_resident_id(value.raw);
        value.text = value.resident.number;
        if (value.resident.problem.empty()) return;
        const std::string what =
            fmt::format("is no right resident id by GB 11643: wrong {}; see to its 18 characters", value.resident.problem);
        const std::string kept = value.text;
        bad(value, "bad-resident-id", what);
        if (value.filled && column_.bad == Bad::keep) value.text = kept;
    }

    void phone(Value& value) {
        auto read = read_phone(value.raw);
        if (!read) return bad(value, "bad-phone", "is no telephone number; write 11 digits, or a landline with its area code");
        value.text = std::move(*read);
    }

    void code(Value& value) {
        value.text = value.raw;
        if (column_.codes < 0) return;
        const CodeTable& table = plan_.codes[static_cast<std::size_t>(column_.codes)];
        const auto known = table.known.find(code_key(value.raw));
        if (known != table.known.end()) {
            value.coding = known->second;
            value.coded = true;
            return;
        }
        if (table.from_terminology && options_.lookup) {
            if (auto found = options_.lookup(table.system, value.raw)) {
                value.coding = std::move(*found);
                value.coded = true;
                return;
            }
        }
        if (table.unknown == Bad::keep) {
            troubles_.push_back(
                {"unknown-code", fmt::format("is no word of the code table \"{}\"; it was kept as text", table.name), false});
            return;
        }
        value.filled = false;
        troubles_.push_back(
            {"unknown-code",
             fmt::format("is no word of the code table \"{}\"; add it to the mapping, or correct the cell", table.name),
             table.unknown == Bad::refuse});
    }

    const ColumnPlan& column_;
    const Plan& plan_;
    const message::Sender& sender_;
    const ConversionOptions& options_;
    std::vector<CellTrouble>& troubles_;
};

json::Value coding_of(const Coding& coding, json::Arena& arena) {
    return arena.object({{"system", coding.system.empty() ? json::Value() : arena.string(coding.system)},
                         {"code", arena.string(coding.code)},
                         {"display", coding.display.empty() ? json::Value() : arena.string(coding.display)}});
}

json::Value quantity_of(const Value& value, json::Arena& arena) {
    const auto or_nothing = [&](std::string_view text) { return text.empty() ? json::Value() : arena.string(text); };
    return arena.object({{"value", arena.number(value.text)},
                         {"comparator", or_nothing(value.comparator)},
                         {"unit", or_nothing(value.unit.display)},
                         {"system", value.unit.code.empty() ? json::Value() : arena.string("http://unitsofmeasure.org")},
                         {"code", or_nothing(value.unit.code)}});
}

}  // namespace

std::string_view text(Kind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

std::optional<Kind> kind_named(std::string_view name) {
    for (std::size_t i = 0; i < kind_names.size(); ++i)
        if (kind_names[i] == name) return static_cast<Kind>(i);
    return std::nullopt;
}

std::string code_key(std::string_view text) {
    std::string key = text::fold(text);
    std::erase_if(key, [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; });
    return key;
}

Value read_cell(const ColumnPlan& column, const Plan& plan, std::string_view cell, const message::Sender& sender,
                const ConversionOptions& options, std::vector<CellTrouble>& troubles) {
    Value value;
    value.raw = tidy(cell);
    if (!value.raw.empty() && column.empties.contains(code_key(value.raw))) value.raw.clear();
    if (value.raw.empty()) value.raw = column.otherwise;
    if (value.raw.empty()) {
        if (column.required) troubles.push_back({"required", "is empty, but the mapping requires it; fill it in", true});
        return value;
    }
    value.filled = true;
    CellReader reader(column, plan, sender, options, troubles);
    if (is_excel_error(value.raw)) reader.bad(value, "excel-error", "holds an error of Excel; mend the formula");
    else if (value.raw.find("\xEF\xBF\xBD") != std::string::npos)
        reader.bad(value, "damaged-text", "holds bytes that are no text; save the file anew in one encoding (UTF-8)");
    else if (value.raw.size() > column.longest)
        reader.bad(value, "too-long", fmt::format("is longer than {} bytes; shorten it", column.longest));
    else reader.read(value);
    if (!value.filled && column.required && (troubles.empty() || !troubles.back().refuses))
        troubles.push_back({"required", "can't be read, but the mapping requires it; correct it", true});
    return value;
}

namespace {

void settle_unit(const Plan& plan, std::size_t place, std::vector<Value>& values,
                 const std::function<void(std::size_t, CellTrouble)>& tell) {
    const ColumnPlan& column = plan.columns[place];
    Value& value = values[place];
    value.unit = {"", column.unit, column.unit_display.empty() ? column.unit : column.unit_display};
    if (column.unit_column >= 0) {
        const Value& written = values[static_cast<std::size_t>(column.unit_column)];
        if (!written.filled) {
            value.unit = {};
        } else if (written.coded) {
            value.unit = {"", written.coding.code, written.raw};
        } else {
            value.unit = {"", "", written.raw};
        }
    }
    if (column.to_unit.empty() || value.unit.code == column.to_unit) return;
    std::optional<std::string> converted;
    if (const auto factor = column.factors.find(value.unit.code); factor != column.factors.end()) {
        converted = multiplied(value.text, factor->second);
    } else if (const auto done = fhirpath::ucum_convert(value.text, value.unit.code, column.to_unit); done.ok()) {
        converted = *done;
    }
    if (converted) {
        value.text = *converted;
        value.unit = {"", column.to_unit, column.to_unit};
        return;
    }
    const bool refuses = column.bad == Bad::refuse;
    if (column.bad == Bad::leave_out) value.filled = false;
    tell(place,
         {"unit", fmt::format("can't be converted to {}; name the unit, or a factor in the mapping", column.to_unit), refuses});
}

}  // namespace

void settle_row(const Plan& plan, std::vector<Value>& values, const std::function<void(std::size_t, CellTrouble)>& tell) {
    for (std::size_t i = 0; i < plan.columns.size(); ++i) {
        const ColumnPlan& column = plan.columns[i];
        if (!values[i].filled) continue;
        if (column.kind == Kind::number || column.kind == Kind::integer) settle_unit(plan, i, values, tell);
        if (column.kind != Kind::resident_id || !values[i].resident.problem.empty()) continue;
        const auto differs = [&](int other, const std::string& own, const std::string& said) {
            return other >= 0 && values[static_cast<std::size_t>(other)].filled && !own.empty() && own != said;
        };
        const bool refuses = column.bad == Bad::refuse;
        if (column.agrees_birth_date >= 0) {
            const std::string& said = values[static_cast<std::size_t>(column.agrees_birth_date)].text;
            const std::string own = values[i].resident.birth_date();
            if (said.size() >= 10 && differs(column.agrees_birth_date, own, said.substr(0, 10)))
                tell(i, {"disagrees", "holds another birth date than the column of birth dates; correct one of them", refuses});
        }
        if (column.agrees_sex >= 0) {
            const Value& said = values[static_cast<std::size_t>(column.agrees_sex)];
            const std::string code = said.coding.code == "1" ? "male" : said.coding.code == "2" ? "female" : said.coding.code;
            if ((code == "male" || code == "female") && differs(column.agrees_sex, values[i].resident.sex(), code))
                tell(i, {"disagrees", "says another sex than the column of sexes; correct one of them", refuses});
        }
    }
}

std::string as_text(const Value& value, Part part) {
    if (!value.filled) return "";
    switch (part) {
        case Part::birth_date: return value.resident.birth_date();
        case Part::sex: return value.resident.sex();
        case Part::code: return value.coding.code;
        case Part::display: return value.coded && !value.coding.display.empty() ? value.coding.display : value.raw;
        case Part::system: return value.coding.system;
        case Part::unit: return value.unit.code.empty() ? value.unit.display : value.unit.code;
        case Part::date: return value.text.substr(0, 10);
        case Part::as_written: return value.raw;
        case Part::whole: break;
    }
    return value.coded ? value.coding.code : value.comparator + value.text;
}

json::Value rendered(const Value& value, Part part, Kind kind, const fhir::Type& type, json::Arena& arena) {
    const std::string_view name = type.name;
    if (!value.filled) return {};
    if (part != Part::whole) {
        const std::string text = as_text(value, part);
        return text.empty() ? json::Value() : arena.string(text);
    }
    if (name == "CodeableConcept") {
        const json::Value text = arena.string(value.raw);
        if (!value.coded) return arena.object({{"text", text}});
        return arena.object({{"coding", arena.array({coding_of(value.coding, arena)})}, {"text", text}});
    }
    if (name == "Coding")
        return value.coded ? coding_of(value.coding, arena) : arena.object({{"display", arena.string(value.raw)}});
    if (name == "code" && kind == Kind::code) return value.coded ? arena.string(value.coding.code) : json::Value();
    if (name == "boolean") return arena.boolean(value.text == "true");
    if (name == "decimal" || name == "integer" || name == "positiveInt" || name == "unsignedInt")
        return value.comparator.empty() ? arena.number(value.text) : json::Value();
    if (kind == Kind::number || kind == Kind::integer) {
        if (name != "string" && name != "markdown") return quantity_of(value, arena);
        return arena.string(value.comparator + value.text);
    }
    if (name == "date") return arena.string(std::string_view(value.text).substr(0, 10));
    if (name == "instant" && value.text.size() < 20) return {};
    return arena.string(kind == Kind::code ? value.raw : value.text);
}

}  // namespace xinglin::table
