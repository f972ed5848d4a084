// SPDX-License-Identifier: Apache-2.0
// Running a view over one resource: the rows of the root are the product of its parts, each part goes through elements.
//
// Rows are built in place: a select writes its columns into the row, hands over to what comes next, and the last one
// gives the row to the sink. What comes next is a list on the call stack (Next), so no table of partial rows is made.
#include <fmt/format.h>

#include "view/definition.h"

namespace xinglin::view {

namespace {

constexpr std::size_t deepest_repeat = 256;  // deeper than JSON can be: the path does not go down

using fhirpath::Item;
using fhirpath::Spot;

/// An element that paths start from. `type`: known, and then `spot` is enough for quick paths.
struct Focus {
    Spot spot;
    const fhir::Type* type = nullptr;
    std::int64_t index = 0;    // %rowIndex
    std::optional<Item> item;  // made when a path needs it
};

struct Next {
    const Select* select;
    std::size_t part;
    const Focus* focus;
    const Next* then;
};

}  // namespace

struct Runner::Inside {
    Inside(Definition chosen, Environment around)
        : definition(std::move(chosen)), plan(definition.inside()), environment(std::move(around)) {
        row.resize(plan.columns.size());
        foci.resize(plan.selects);
        path_environment.member_of = environment.member_of;
        path_environment.now_ms = environment.now_ms;
        path_environment.empty_join_is_text = true;
        Item index, person;
        index.kind = Item::Kind::integer;
        person.kind = Item::Kind::string;
        path_environment.variables.push_back({std::string(live_variables[0]), {index}});
        path_environment.variables.push_back({std::string(live_variables[1]), {}});
        for (const auto& constant : plan.constants) path_environment.variables.push_back(constant);
        live[0].kind = Spot::Kind::integer;
        live[1].kind = Spot::Kind::text;
    }

    Definition definition;
    const Definition::Inside& plan;
    Environment environment;
    fhirpath::Environment path_environment;
    json::Arena arena;  // of values made for the rows of one resource
    std::vector<Spot> stack;
    std::vector<std::vector<Focus>> foci;  // one list for each select, reused
    std::vector<Cell> row;
    std::string person;
    Spot live[2];
    json::Value resource;
    const Sink* sink = nullptr;
    std::size_t rows = 0, visits = 0;
    Outcome failure;
    bool failed = false;

    Result<Done> run(json::Value given, const Sink& to) {
        if (given["resourceType"].string() != plan.resource->name) return Done{};
        arena.clear();
        resource = given;
        sink = &to;
        rows = visits = 0;
        failed = false;
        if (plan.uses_person) find_person();
        Focus root{.spot = {.value = given}, .type = plan.resource};
        for (const Path& condition : plan.where) {
            const auto holds = test(condition, root);
            if (failed) return std::move(failure);
            if (!holds) return Done{};
        }
        fill(plan.root, root);
        if (!failed) parts(plan.root, 0, root, nullptr);
        if (failed) return std::move(failure);
        return Done{};
    }

    void fail(IssueCode code, const std::string& where, std::string what) {
        if (!failed) failure = refuse(code, where, std::move(what));
        failed = true;
    }

    void find_person() {
        const std::string patient = patient_key(resource);
        person = patient.empty() || !environment.person ? patient : environment.person(patient);
        auto& variable = path_environment.variables[1].second;
        variable.clear();
        live[1].text = person;
        if (person.empty()) return;
        Item item;
        item.kind = Item::Kind::string;
        item.text = person;
        variable.push_back(std::move(item));
    }

    // ---- the product of parts -----------------------------------------------------------------------------------

    void parts(const Select& select, std::size_t part, const Focus& focus, const Next* then) {
        if (part < select.parts.size()) {
            const Next next{&select, part + 1, &focus, then};
            for (const auto& branch : select.parts[part].branches) {
                each(*branch, focus, next);
                if (failed) return;
            }
        } else if (then) {
            parts(*then->select, then->part, *then->focus, then->then);
        } else if (++rows > plan.limits.rows) {
            fail(IssueCode::too_costly, "select",
                 fmt::format("one resource gives more than {} rows, narrow the forEach", plan.limits.rows));
        } else {
            (*sink)(row);
        }
    }

    void each(const Select& select, const Focus& focus, const Next& next) {
        if (select.each == Select::Each::once) {
            fill(select, focus);
            if (!failed) parts(select, 0, focus, &next);
            return;
        }
        std::vector<Focus>& found = foci[select.number];
        found.clear();
        if (select.each == Select::Each::repeat) descend(select, focus, found, 0);
        else step(select.paths[0], focus, found);
        visits += found.size();
        if (visits > plan.limits.visits) too_many(select);
        for (std::size_t i = 0; i < found.size() && !failed; ++i) {
            found[i].index = static_cast<std::int64_t>(i);
            fill(select, found[i]);
            if (!failed) parts(select, 0, found[i], &next);
        }
        if (found.empty() && select.each == Select::Each::for_each_or_null && !failed) {
            nulls(select);
            if (!failed) parts(*next.select, next.part, *next.focus, next.then);
        }
    }

    void too_many(const Select& select) {
        fail(IssueCode::too_costly, select.where,
             fmt::format("goes through more than {} elements of one resource, narrow the path", plan.limits.visits));
    }

    /// forEachOrNull without elements: one row of nulls; only %rowIndex is 0.
    void nulls(const Select& select) {
        for (std::size_t i = select.first_column; i < select.end_column; ++i) row[i] = {};
        const Focus nothing;
        for (const ColumnPath& column : select.columns) {
            if (column.path.uses_index) cell(column, nothing);
        }
    }

    /// Everything below, parents before children, the paths in their order.
    void descend(const Select& select, const Focus& from, std::vector<Focus>& out, std::size_t depth) {
        if (depth > deepest_repeat) {
            return fail(IssueCode::too_costly, select.where + ".repeat", "does not end: a path gives the element it starts from");
        }
        std::vector<Focus> found;
        for (const std::vector<Path>& variants : select.paths) {
            found.clear();
            step(variants, from, found);
            for (Focus& child : found) {
                if (failed) return;
                if (out.size() + visits > plan.limits.visits) return too_many(select);
                out.push_back(child);
                descend(select, child, out, depth + 1);
            }
        }
    }

    // ---- paths --------------------------------------------------------------------------------------------------

    static bool is_quick(const Path& path, const Focus& focus) { return path.quick && focus.type && focus.type == path.context; }

    std::size_t run_quick(const Path& path, const Focus& focus) {
        stack.clear();
        live[0].integer = focus.index;
        path.quick->run(focus.spot, {.resource = resource, .live = live, .arena = &arena}, stack);
        return stack.size();
    }

    fhirpath::Collection run_general(const Path& path, const Focus& focus) {
        Item item;
        if (!focus.item) {
            item.value = focus.spot.value;
            item.sidecar = focus.spot.sidecar;
            item.type = focus.type;
            item.resource = item.root_resource = resource;
        }
        path_environment.variables[0].second[0].integer = focus.index;
        auto result = path.expression.evaluate(focus.item ? *focus.item : item, path_environment);
        if (result.ok()) return std::move(*result);
        fail(IssueCode::invalid, path.where, "fails on a resource: " + result.outcome().issues[0].what);
        return {};
    }

    /// The elements a path leads to; of its variants the one made for where it starts.
    void step(const std::vector<Path>& variants, const Focus& from, std::vector<Focus>& out) {
        const Path* path = &variants[0];
        for (const Path& variant : variants) {
            if (is_quick(variant, from)) path = &variant;
        }
        if (is_quick(*path, from)) {
            run_quick(*path, from);
            for (const Spot& spot : stack) {
                Focus focus{.spot = spot, .type = path->quick->type(), .index = from.index};
                if (!focus.type) focus.item = item_of_value(spot);
                out.push_back(std::move(focus));
            }
            return;
        }
        for (Item& item : run_general(*path, from)) {
            Focus focus{.spot = {.value = item.value, .sidecar = item.sidecar},
                        .type = item.kind == Item::Kind::node ? item.type : nullptr,
                        .index = from.index};
            focus.item = std::move(item);
            out.push_back(std::move(focus));
        }
    }

    static Item item_of_value(const Spot& spot) {
        Item item;
        item.kind = spot.kind == Spot::Kind::boolean ? Item::Kind::boolean
                    : spot.kind == Spot::Kind::text  ? Item::Kind::string
                                                     : Item::Kind::integer;
        item.boolean = spot.boolean;
        item.integer = spot.integer;
        item.text = spot.text;
        return item;
    }

    bool test(const Path& path, const Focus& focus) {
        Cell found;
        std::size_t count = 0;
        if (is_quick(path, focus)) {
            count = run_quick(path, focus);
            if (count == 1) found = cell_of(stack[0]);
        } else {
            const auto result = run_general(path, focus);
            count = result.size();
            if (count == 1) found = cell_of(result[0]);
        }
        if (failed || count == 0 || (count == 1 && found.kind == Cell::Kind::null)) return false;
        if (found.kind == Cell::Kind::boolean) return found.boolean;
        fail(IssueCode::value, path.where, "gives something that is no boolean, compare with = or ask with exists()");
        return false;
    }

    // ---- cells --------------------------------------------------------------------------------------------------

    void fill(const Select& select, const Focus& focus) {
        for (const ColumnPath& column : select.columns) {
            cell(column, focus);
            if (failed) return;
        }
    }

    void cell(const ColumnPath& column, const Focus& focus) {
        Cell& to = row[column.at];
        to = {};
        if (is_quick(column.path, focus)) {
            const std::size_t found = run_quick(column.path, focus);
            if (column.collection) to = list(found, [this](std::size_t i) { return cell_of(stack[i]); });
            else if (found == 1) to = cell_of(stack[0]);
            else if (found > 1) several(column);
            return;
        }
        const auto result = run_general(column.path, focus);
        if (failed) return;
        if (column.collection) to = list(result.size(), [&](std::size_t i) { return cell_of(result[i]); });
        else if (result.size() == 1) to = cell_of(result[0]);
        else if (result.size() > 1) several(column);
    }

    void several(const ColumnPath& column) {
        fail(IssueCode::value, column.path.where, "gives several values, take first() or say \"collection\": true");
    }

    Cell number(std::int64_t value) { return {.kind = Cell::Kind::number, .text = arena.number(value).text()}; }

    Cell cell_of(const Spot& spot) {
        switch (spot.kind) {
            case Spot::Kind::boolean: return {.kind = Cell::Kind::boolean, .boolean = spot.boolean};
            case Spot::Kind::integer: return number(spot.integer);
            case Spot::Kind::text: return spot.text.empty() ? Cell() : Cell{.kind = Cell::Kind::text, .text = spot.text};
            case Spot::Kind::element: break;
        }
        return view::cell_of(spot.value);
    }

    Cell cell_of(const Item& item) {
        switch (item.kind) {
            case Item::Kind::node: return view::cell_of(item.value);
            case Item::Kind::boolean: return {.kind = Cell::Kind::boolean, .boolean = item.boolean};
            case Item::Kind::integer: return number(item.integer);
            case Item::Kind::decimal: return {.kind = Cell::Kind::number, .text = arena.keep(item.text)};
            case Item::Kind::quantity:
                return {.kind = Cell::Kind::json,
                        .json = arena.object({{"value", arena.number(item.text)}, {"unit", arena.string(item.unit)}})};
            default: return {.kind = Cell::Kind::text, .text = arena.keep(item.text)};
        }
    }

    json::Value json_of(const Cell& cell) {
        switch (cell.kind) {
            case Cell::Kind::null: return arena.null();
            case Cell::Kind::boolean: return arena.boolean(cell.boolean);
            case Cell::Kind::number: return arena.number(cell.text);
            case Cell::Kind::text: return arena.string(cell.text);
            case Cell::Kind::json: break;
        }
        return cell.json;
    }

    template <typename CellAt>
    Cell list(std::size_t count, const CellAt& cell_at) {
        std::vector<json::Value> values;
        for (std::size_t i = 0; i < count; ++i) {
            const Cell one = cell_at(i);
            if (one.kind != Cell::Kind::null) values.push_back(json_of(one));
        }
        return {.kind = Cell::Kind::json, .json = arena.array(values)};
    }
};

Runner::Runner(Definition definition, Environment environment)
    : inside_(std::make_unique<Inside>(std::move(definition), std::move(environment))) {}
Runner::Runner(Runner&&) noexcept = default;
Runner::~Runner() = default;

Result<Done> Runner::run(json::Value resource, const Sink& sink) { return inside_->run(resource, sink); }
const Definition& Runner::definition() const { return inside_->definition; }

std::string patient_key(json::Value resource) {
    const std::string_view type = resource["resourceType"].string();
    if (type == "Patient") {
        const std::string_view id = resource["id"].string();
        return id.empty() ? std::string() : fmt::format("Patient/{}", id);
    }
    const auto key_of = [](json::Value reference) { return fhirpath::reference_key(reference["reference"].string(), "Patient"); };
    for (const std::string_view name : {"subject", "patient", "beneficiary", "for", "individual", "member", "candidate"}) {
        const json::Value value = resource[name];
        const std::string_view key = key_of(value.is_array() ? value[0] : value);
        if (!key.empty()) return std::string(key);
    }
    for (const json::Node& participant : resource["participant"].items()) {
        const std::string_view key = key_of(json::Value(&participant)["actor"]);
        if (!key.empty()) return std::string(key);
    }
    return {};
}

}  // namespace xinglin::view
