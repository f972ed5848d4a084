// SPDX-License-Identifier: Apache-2.0
// Inside the room: a mapping as it is worked with.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fhir/fhir.h"
#include "json/json.h"
#include "table/mapping.h"
#include "table/values.h"

namespace xinglin::table {

enum class Kind : std::uint8_t { text, code, date, date_time, number, integer, boolean, resident_id, phone };
std::string_view text(Kind kind);
std::optional<Kind> kind_named(std::string_view name);

/// What becomes of a row whose cell can't be read: the row is refused, the cell is left out with a note, kept as written
/// with a note (ids and telephone numbers only), or left out without a word (where another column reads it as text).
enum class Bad : std::uint8_t { refuse, leave_out, keep, ignore };

struct CodeTable {
    std::string name, system;
    bool from_terminology = false;
    Bad unknown = Bad::keep;                        // keep: as text, with a note
    std::unordered_map<std::string, Coding> known;  // by folded text
};

struct ColumnPlan {
    std::string name;
    std::vector<std::string> headers;  // as written in the mapping
    int letter = -1;                   // place in the file where there is no header
    Kind kind = Kind::text;
    bool required = false, fill_down = false, not_future = false;
    Bad bad = Bad::refuse;
    std::string otherwise;  // text taken for an empty cell
    int codes = -1;         // index of its table
    DateOptions dates;
    std::string minimum, maximum;  // decimals
    std::size_t longest = 10'000;
    std::string unit, unit_display, to_unit;
    int unit_column = -1;
    std::map<std::string, std::string> factors;  // unit → factor to to_unit
    int agrees_birth_date = -1, agrees_sex = -1;
    std::set<std::string> empties;  // texts that say nothing: "-", "无", "不详"
};

/// A part of a column's value: "$id_number.birth_date".
enum class Part : std::uint8_t { whole, birth_date, sex, code, display, system, unit, date, as_written };

struct Condition {
    enum class Op : std::uint8_t { always, filled, is, all, any, negated };
    Op op = Op::always;
    int column = -1;
    std::set<std::string> values;
    std::vector<Condition> parts;
};

enum class Op : std::uint8_t {
    constant,
    column,
    words,
    first,
    choice,
    reference,
    references,
    rows,
    own_system,
    sender,
    object,
    array
};

struct Member;
struct Node {
    Op op = Op::constant;
    json::Value constant;
    int column = -1;
    Part part = Part::whole;
    int resource = -1;                               // of references
    std::string text;                                // words: template; own_system: the kind of numbers
    std::vector<std::pair<std::string, int>> holes;  // of words: text before, column behind (-1 at the end)
    std::vector<Member> members;
    std::vector<Node> items;           // array; first; choice: then, else; rows: one
    Condition condition;               // of choice
    const fhir::Type* type = nullptr;  // what has to come out
    bool dynamic = false;              // holds something that comes from a row
    std::string where;                 // place in the mapping
};

/// An element of an object: its name, and what fills it. A type of its own, since a pair of an unfinished type is none.
struct Member {
    std::string first;
    Node second;
    Member(std::string name, Node node) : first(std::move(name)), second(std::move(node)) {}
};

struct ResourcePlan {
    std::string name;
    const fhir::Type* type = nullptr;
    Condition when;
    std::vector<std::vector<Node>> keys;  // the first whose parts are all there
    Node body;
    bool each_row = false;
    bool is_sender = false;  // stands for the sender's own Organization
    bool lesser = false;     // says little: must not overwrite what is there already
};

struct Plan {
    json::Arena arena;
    std::string name, version, title, title_en, description, sheet;
    int header_row = -1;  // -1: found; 0: none
    std::vector<ColumnPlan> columns;
    std::vector<CodeTable> codes;
    std::vector<Node> group;
    std::optional<Node> sent_at, control_id;
    std::vector<ResourcePlan> resources;

    int column(std::string_view column_name) const;
    int resource(std::string_view resource_name) const;
};

/// What is wrong with a mapping, gathered.
class Findings {
public:
    void add(std::string where, std::string key, std::string what) {
        if (outcome_.issues.size() >= 200) return;
        outcome_.issues.push_back({Severity::error, IssueCode::invalid, std::move(where), std::move(what), std::move(key), {}});
    }
    bool none() const { return outcome_.issues.empty(); }
    Outcome take() { return std::move(outcome_); }

private:
    Outcome outcome_;
};

/// template_read.cpp: JSON of a mapping to nodes and conditions, names resolved.
Node read_node(json::Value value, const Plan& plan, const std::string& where, Findings& findings);
Condition read_condition(json::Value value, const Plan& plan, const std::string& where, Findings& findings);
Node read_body(json::Value set, const Plan& plan, const std::string& where, Findings& findings);
/// template_check.cpp: gives every node its type in R4; finds what does not fit.
void bind_body(ResourcePlan& resource, const Plan& plan, const std::string& where, Findings& findings);

/// Text of a code or header as it is compared: folded, without blanks.
std::string code_key(std::string_view text);

/// One cell, read by its column.
struct Value {
    bool filled = false;
    std::string raw;   // tidied
    std::string text;  // what it says: date, digits, "true", number of a resident
    std::string comparator;
    Coding coding;
    bool coded = false;
    Coding unit;  // code in UCUM, display as written
    ResidentId resident;
};

/// What happens while a cell is read.
struct CellTrouble {
    std::string key, what;
    bool refuses = true;
};
Value read_cell(const ColumnPlan& column, const Plan& plan, std::string_view cell, const message::Sender& sender,
                const ConversionOptions& options, std::vector<CellTrouble>& troubles);
/// Units, and what has to agree with other cells of the row.
void settle_row(const Plan& plan, std::vector<Value>& values, const std::function<void(std::size_t column, CellTrouble)>& tell);

/// A value as the FHIR type wants it; nothing when there is none.
json::Value rendered(const Value& value, Part part, Kind kind, const fhir::Type& type, json::Arena& arena);
/// The same as text, for keys and words.
std::string as_text(const Value& value, Part part);

}  // namespace xinglin::table
