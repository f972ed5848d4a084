// SPDX-License-Identifier: Apache-2.0
// A mapping file, read member by member. What is not known is refused, so that a slip of the pen is not lost silently.
#include <fmt/format.h>

#include <algorithm>

#include "table/evaluate.h"
#include "table/plan.h"
#include "text/text.h"

namespace xinglin::table {

namespace {

constexpr std::size_t most_columns = 500, most_resources = 50, most_codes = 20'000;

class MappingReader {
public:
    explicit MappingReader(std::shared_ptr<Plan> plan) : plan_(std::move(plan)) {}

    Result<Done> read(std::string_view text) {
        XINGLIN_TRY(const json::Value file, json::parse(text, plan_->arena, {.depth = 40, .bytes = 4u << 20}));
        if (!file.is_object()) return refuse(IssueCode::structure, "mapping", "must be a JSON object");
        head(file);
        codes(file["codes"]);
        columns(file["columns"]);
        resources(file["resources"]);
        if (file["group"]) plan_->group = list_of(file["group"], "group");
        if (file["sent_at"]) plan_->sent_at = read_node(file["sent_at"], *plan_, "sent_at", findings_);
        if (file["control_id"]) plan_->control_id = read_node(file["control_id"], *plan_, "control_id", findings_);
        if (findings_.none()) try_out();
        if (findings_.none()) return Done{};
        return findings_.take();
    }

private:
    void only(json::Value object, const std::string& where, std::initializer_list<std::string_view> known) {
        for (const json::Member& member : object.members()) {
            if (std::find(known.begin(), known.end(), member.key()) != known.end()) continue;
            std::string names;
            for (const std::string_view one : known) names += (names.empty() ? "" : ", ") + std::string(one);
            findings_.add(where.empty() ? std::string(member.key()) : where + "/" + std::string(member.key()), "unknown-member",
                          "is not known here; known are " + names);
        }
    }

    void head(json::Value file) {
        only(file, "",
             {"mapping", "version", "title", "title_en", "description", "source", "sheet", "header_row", "columns", "codes",
              "group", "sent_at", "control_id", "resources"});
        plan_->name = file["mapping"].string();
        plan_->version = file["version"].string();
        plan_->title = file["title"].string();
        plan_->title_en = file["title_en"].string();
        plan_->description = file["description"].string();
        plan_->sheet = file["sheet"].text();
        const bool good_name = !plan_->name.empty() && plan_->name.size() <= 64 &&
                               plan_->name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
        if (!good_name) findings_.add("mapping", "name", "must name the mapping in a-z, 0-9, _ and -, 64 at most");
        if (plan_->version.empty())
            findings_.add("version", "missing-required", "must say the version of the mapping as text, as \"1\"");
        if (file["header_row"].is_number()) plan_->header_row = number(file["header_row"], "header_row", 0, 1'000);
    }

    int number(json::Value value, const std::string& where, int low, int high) {
        int number = low;
        const std::string_view digits = value.text();
        if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string_view::npos ||
            (number = std::stoi(std::string(digits))) < low || number > high)
            findings_.add(where, "value", fmt::format("must be a whole number from {} to {}", low, high));
        return number;
    }

    Bad bad_of(json::Value value, const std::string& where, Bad otherwise) {
        if (!value) return otherwise;
        if (value.string() == "refuse") return Bad::refuse;
        if (value.string() == "leave_out") return Bad::leave_out;
        if (value.string() == "keep") return Bad::keep;
        if (value.string() == "ignore") return Bad::ignore;
        findings_.add(where, "value", "is refuse, leave_out, keep or ignore");
        return otherwise;
    }

    void codes(json::Value all) {
        for (const json::Member& member : all.members()) {
            const std::string where = fmt::format("codes/{}", member.key());
            const json::Value table = member.value();
            only(table, where, {"system", "values", "terminology", "unknown", "note"});
            CodeTable read;
            read.name = member.key();
            read.system = table["system"].string();
            read.unknown = bad_of(table["unknown"], where + "/unknown", Bad::keep);
            if (table["terminology"].is_string()) {
                read.from_terminology = true;
                read.system = table["terminology"].string();
            }
            for (const json::Member& value : table["values"].members()) code(read, value, where);
            if (read.known.empty() && !read.from_terminology)
                findings_.add(where, "missing-required", "needs values, or the terminology (a code system) that knows them");
            plan_->codes.push_back(std::move(read));
        }
    }

    void code(CodeTable& table, const json::Member& value, const std::string& where) {
        Coding coding{table.system, "", ""};
        if (value.value().is_string()) {
            coding.code = value.value().string();
        } else {
            only(value.value(), where, {"code", "display", "system"});
            coding.code = value.value()["code"].string();
            coding.display = value.value()["display"].string();
            if (value.value()["system"]) coding.system = value.value()["system"].string();
        }
        const std::string here = fmt::format("{}/values/{}", where, value.key());
        if (coding.code.empty()) findings_.add(here, "missing-required", "needs a code");
        if (table.known.size() >= most_codes)
            return findings_.add(here, "value", "too many codes, import them as an edition of terminology");
        table.known.insert_or_assign(code_key(value.key()), coding);
    }

    int code_table(json::Value name, const std::string& where) {
        for (std::size_t i = 0; i < plan_->codes.size(); ++i)
            if (plan_->codes[i].name == name.string()) return static_cast<int>(i);
        findings_.add(where, "unknown-code-table", fmt::format("there is no code table \"{}\" under codes", name.string()));
        return -1;
    }

    void columns(json::Value all) {
        if (all.size() == 0) return findings_.add("columns", "missing-required", "a mapping needs columns");
        if (all.size() > most_columns) return findings_.add("columns", "value", "are too many");
        for (const json::Member& member : all.members()) {  // names first: columns may name each other
            ColumnPlan column;
            column.name = member.key();
            if (column.name.empty() || column.name.find_first_of(".{}$ ") != std::string::npos)
                findings_.add("columns/" + column.name, "name", "must be without . { } $ and blanks");
            plan_->columns.push_back(std::move(column));
        }
        std::size_t place = 0;
        for (const json::Member& member : all.members())
            column(plan_->columns[place++], member.value(), fmt::format("columns/{}", member.key()));
    }

    std::string decimal(json::Value value, const std::string& where) {
        if (!value) return "";
        const auto read = read_number(value.text());
        if (!read || !read->comparator.empty()) findings_.add(where, "value", "must be a decimal");
        return read ? read->digits : "";
    }

    int other(json::Value value, const std::string& where) {
        if (!value) return -1;
        const std::string_view name = value.string();
        const int found = plan_->column(name.starts_with('$') ? name.substr(1) : name);
        if (found < 0) findings_.add(where, "unknown-column", fmt::format("there is no column \"{}\"", name));
        return found;
    }

    void column(ColumnPlan& column, json::Value value, const std::string& where) {
        only(value, where, {"headers",      "letter",    "kind",       "required", "on_bad",  "codes",      "unit",
                            "unit_display", "to_unit",   "factors",    "minimum",  "maximum", "max_length", "default",
                            "empty",        "fill_down", "not_future", "serials",  "order",   "agrees",     "note"});
        for (const json::Node& header : value["headers"].items()) column.headers.emplace_back(json::Value(&header).string());
        if (value["letter"]) {
            column.letter = column_number(value["letter"].string());
            if (column.letter < 0)
                findings_.add(where + "/letter", "value", "must be the letters of a column, as \"A\" or \"AC\"");
        }
        if (column.headers.empty() && column.letter < 0 && !value["default"])
            findings_.add(where, "missing-required", "needs headers (what the column may be called), a letter or a default");
        if (value["kind"]) {
            const auto kind = kind_named(value["kind"].string());
            if (!kind)
                findings_.add(where + "/kind", "unknown-kind",
                              "is text, code, date, datetime, number, integer, boolean, resident_id or phone");
            else column.kind = *kind;
        }
        column.required = value["required"].as_bool();
        column.fill_down = value["fill_down"].as_bool();
        column.not_future = value["not_future"].as_bool();
        column.otherwise = value["default"].text();
        column.bad = bad_of(value["on_bad"], where + "/on_bad", Bad::refuse);
        for (const json::Node& one : value["empty"].items()) column.empties.insert(code_key(json::Value(&one).string()));
        if (value["max_length"])
            column.longest = static_cast<std::size_t>(number(value["max_length"], where + "/max_length", 1, 1'000'000));
        read_kind(column, value, where);
    }

    void read_kind(ColumnPlan& column, json::Value value, const std::string& where) {
        if (column.bad == Bad::keep && column.kind != Kind::resident_id && column.kind != Kind::phone)
            findings_.add(where + "/on_bad", "value", "can be keep for columns of kind resident_id and phone only");
        if (value["codes"]) column.codes = code_table(value["codes"], where + "/codes");
        if (value["codes"] && column.kind != Kind::code)
            findings_.add(where + "/kind", "wrong-type", "must be code for a column with codes");
        if (column.kind == Kind::code && !value["codes"])
            findings_.add(where, "missing-required", "a column of kind code needs codes");
        column.minimum = decimal(value["minimum"], where + "/minimum");
        column.maximum = decimal(value["maximum"], where + "/maximum");
        column.dates.serials = value["serials"].as_bool();
        if (value["order"].string() == "day_first") column.dates.order = DateOptions::Order::day_first;
        else if (value["order"].string() == "month_first") column.dates.order = DateOptions::Order::month_first;
        else if (value["order"]) findings_.add(where + "/order", "value", "is day_first or month_first");
        const std::string_view unit = value["unit"].string();
        if (unit.starts_with('$')) column.unit_column = other(value["unit"], where + "/unit");
        else column.unit = unit;
        column.unit_display = value["unit_display"].string();
        column.to_unit = value["to_unit"].string();
        for (const json::Member& factor : value["factors"].members())
            column.factors[std::string(factor.key())] = decimal(factor.value(), where + "/factors");
        if (value["agrees"]) {
            only(value["agrees"], where + "/agrees", {"birth_date", "sex"});
            column.agrees_birth_date = other(value["agrees"]["birth_date"], where + "/agrees");
            column.agrees_sex = other(value["agrees"]["sex"], where + "/agrees");
        }
    }

    std::vector<Node> list_of(json::Value value, const std::string& where) {
        std::vector<Node> nodes;
        if (value.is_array()) {
            for (const json::Node& item : value.items()) nodes.push_back(read_node(json::Value(&item), *plan_, where, findings_));
        } else {
            nodes.push_back(read_node(value, *plan_, where, findings_));
        }
        return nodes;
    }

    void resources(json::Value all) {
        if (all.size() == 0 || !all.is_array())
            return findings_.add("resources", "missing-required", "must list the resources a row becomes");
        if (all.size() > most_resources) return findings_.add("resources", "value", "are too many");
        for (const json::Node& item : all.items()) {
            ResourcePlan resource;
            resource.name = json::Value(&item)["name"].string();
            resource.type = fhir::find_resource(json::Value(&item)["type"].string());
            const std::string where = "resources/" + resource.name;
            if (resource.name.empty()) findings_.add(where, "missing-required", "every resource needs a name");
            if (plan_->resource(resource.name) >= 0) findings_.add(where, "name", "two resources have this name");
            if (!resource.type || resource.type->is_abstract)
                findings_.add(where + "/type", "unknown-type",
                              "is no resource of FHIR R4; write it as Patient, Encounter, Observation …");
            plan_->resources.push_back(std::move(resource));
        }
        std::size_t place = 0;
        for (const json::Node& item : all.items()) resource(plan_->resources[place++], json::Value(&item));
    }

    void resource(ResourcePlan& resource, json::Value value) {
        const std::string where = "resources/" + resource.name;
        only(value, where, {"name", "type", "key", "when", "each", "is_sender", "lesser", "set", "note"});
        resource.each_row = value["each"].string() == "row";
        resource.is_sender = value["is_sender"].as_bool();
        resource.lesser = value["lesser"].as_bool() || resource.is_sender;
        if (value["each"] && value["each"].string() != "row" && value["each"].string() != "group")
            findings_.add(where + "/each", "value", "is row or group");
        if (resource.is_sender && (!resource.type || resource.type->name != "Organization"))
            findings_.add(where + "/is_sender", "wrong-type", "only an Organization can be the sender");
        resource.when = read_condition(value["when"], *plan_, where + "/when", findings_);
        const json::Value key = value["key"];
        if (key[std::size_t{0}].is_array()) {
            for (const json::Node& one : key.items()) resource.keys.push_back(list_of(json::Value(&one), where + "/key"));
        } else if (key) {
            resource.keys.push_back(list_of(key, where + "/key"));
        }
        if (resource.keys.empty() && !resource.is_sender)
            findings_.add(where, "missing-required",
                          "needs a key: what tells this resource from others of the sender, as [\"visit\", \"$visit_number\"]");
        resource.body = read_body(value["set"], *plan_, where + "/set", findings_);
        bind_body(resource, *plan_, where, findings_);
    }

    /// A row as it should be: every column filled. What comes out must be sound FHIR.
    void try_out();

    std::shared_ptr<Plan> plan_;
    Findings findings_;
};

Value sample_of(const ColumnPlan& column, const Plan& plan) {
    Value value{.filled = true, .raw = "样例", .text = "样例"};
    switch (column.kind) {
        case Kind::text: break;
        case Kind::code:
            value.coded = true;
            value.coding = {column.codes < 0 ? "" : plan.codes[static_cast<std::size_t>(column.codes)].system, "1", "样例"};
            if (column.codes >= 0 && !plan.codes[static_cast<std::size_t>(column.codes)].known.empty())
                value.coding = plan.codes[static_cast<std::size_t>(column.codes)].known.begin()->second;
            break;
        case Kind::date: value.text = "2026-01-02"; break;
        case Kind::date_time: value.text = "2026-01-02T08:00:00+08:00"; break;
        case Kind::number:
        case Kind::integer:
            value.text = "1";
            value.unit = {"", column.unit, column.unit_display};
            break;
        case Kind::boolean: value.text = "true"; break;
        case Kind::resident_id:
            value.text = "11010519491231002X";  // the example printed in GB 11643-1999
            value.resident = read_resident_id(value.text);
            break;
        case Kind::phone: value.text = "13800000000"; break;
    }
    return value;
}

void MappingReader::try_out() {
    std::vector<std::vector<Value>> rows(1);
    for (const ColumnPlan& column : plan_->columns) rows[0].push_back(sample_of(column, *plan_));
    const message::Sender sender{.id = "sample", .name = "样例"};
    json::Arena arena;
    Evaluation evaluation(*plan_, sender, rows, arena);
    if (const auto known = evaluation.identify(); !known.ok())
        return findings_.add("resources", "key", known.outcome().issues.front().what);
    for (std::size_t i = 0; i < plan_->resources.size(); ++i) {
        const json::Value body = evaluation.body(i, 0);
        for (const Issue& issue : fhir::validate(body).issues) {
            if (issue.severity != Severity::error && issue.severity != Severity::fatal) continue;
            findings_.add("resources/" + plan_->resources[i].name, issue.key.empty() ? "r4" : issue.key,
                          issue.where + ": " + issue.what);
        }
    }
}

}  // namespace

int Plan::column(std::string_view column_name) const {
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (columns[i].name == column_name) return static_cast<int>(i);
    return -1;
}

int Plan::resource(std::string_view resource_name) const {
    for (std::size_t i = 0; i < resources.size(); ++i)
        if (resources[i].name == resource_name) return static_cast<int>(i);
    return -1;
}

Result<Mapping> Mapping::read(std::string_view json) {
    auto plan = std::make_shared<Plan>();
    XINGLIN_CHECK(MappingReader(plan).read(json));
    return Mapping(std::move(plan));
}

const std::string& Mapping::name() const { return plan_->name; }
const std::string& Mapping::version() const { return plan_->version; }
const std::string& Mapping::title() const { return plan_->title; }
const std::string& Mapping::title_en() const { return plan_->title_en; }
const std::string& Mapping::description() const { return plan_->description; }
const std::string& Mapping::sheet() const { return plan_->sheet; }

std::vector<Mapping::Column> Mapping::columns() const {
    std::vector<Column> all;
    for (const ColumnPlan& column : plan_->columns)
        all.push_back({column.name, std::string(text(column.kind)), column.headers, column.required});
    return all;
}

std::vector<std::string> Mapping::resource_types() const {
    std::vector<std::string> all;
    for (const ResourcePlan& resource : plan_->resources) all.emplace_back(resource.type->name);
    return all;
}

}  // namespace xinglin::table
