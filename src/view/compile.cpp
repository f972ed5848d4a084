// SPDX-License-Identifier: Apache-2.0
// From the JSON of a ViewDefinition to a compiled view; every refusal names its place.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "view/definition.h"

namespace xinglin::view {

namespace {

using Names = std::initializer_list<std::string_view>;
constexpr std::size_t most_issues = 20;
constexpr std::size_t longest_path = 16u << 10;
constexpr std::size_t most_contexts = 8;  // types a repeat may meet

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 32> root_members = {"resourceType",
                                                           "id",
                                                           "meta",
                                                           "implicitRules",
                                                           "language",
                                                           "text",
                                                           "contained",
                                                           "url",
                                                           "identifier",
                                                           "version",
                                                           "name",
                                                           "title",
                                                           "status",
                                                           "experimental",
                                                           "date",
                                                           "publisher",
                                                           "contact",
                                                           "description",
                                                           "useContext",
                                                           "jurisdiction",
                                                           "purpose",
                                                           "copyright",
                                                           "resource",
                                                           "fhirVersion",
                                                           "profile",
                                                           "constant",
                                                           "select",
                                                           "where",
                                                           "versionAlgorithmString",
                                                           "versionAlgorithmCoding",
                                                           "copyrightLabel",
                                                           "$schema"};
constexpr std::array<std::string_view, 6> select_members = {"column", "select", "forEach", "forEachOrNull", "repeat", "unionAll"};
constexpr std::array<std::string_view, 6> column_members = {"path", "name", "description", "collection", "type", "tag"};
constexpr std::array<std::string_view, 2> tag_members = {"name", "value"}, where_members = {"path", "description"};
constexpr std::array<std::string_view, 20> constant_types = {
    "base64Binary", "boolean",  "canonical", "code",   "date",        "dateTime", "decimal",     "id",  "instant", "integer",
    "integer64",    "markdown", "oid",       "string", "positiveInt", "time",     "unsignedInt", "uri", "url",     "uuid"};
constexpr std::array<std::string_view, 8> known_variables = {"resource", "rootResource", "context",  "ucum",
                                                             "sct",      "loinc",        "rowIndex", "person"};

bool is_known_variable(std::string_view name) {
    return is_one_of(name, known_variables) || name.starts_with("vs-") || name.starts_with("cs-") || name.starts_with("ext-");
}

class Compiler {
public:
    Compiler(Definition::Inside& inside, const Limits& limits) : inside_(inside), limits_(limits) {}

    Outcome compile(json::Value view) {
        if (!view.is_object()) {
            issue(IssueCode::structure, "ViewDefinition", "is not a JSON object, give a ViewDefinition");
            return std::move(outcome_);
        }
        only_members(view, "", root_members);
        head(view);
        constants(view["constant"]);
        if (!inside_.resource) return std::move(outcome_);
        const json::Value select = view["select"];
        if (!select) issue(IssueCode::required, "select", "is missing, a view needs at least one select");
        inside_.root.where = "select";
        inside_.root.number = inside_.selects++;
        each_object(select, "select",
                    [this](json::Value one, const std::string& where) { nested(one, inside_.root, inside_.resource, where, 1); });
        inside_.root.end_column = inside_.columns.size();
        each_object(view["where"], "where", [this](json::Value one, const std::string& where) { condition(one, where); });
        for (const Path& condition : inside_.where) {
            if (!condition.quick || !condition.quick->is_test()) break;  // it may fail, and those behind it are then not asked
            for (auto& need : condition.quick->needs()) inside_.needs.push_back(std::move(need));
        }
        if (outcome_.ok() && inside_.columns.empty()) issue(IssueCode::required, "select", "gives no column, add one");
        return std::move(outcome_);
    }

private:
    Definition::Inside& inside_;
    const Limits& limits_;
    Outcome outcome_;
    std::size_t cursor_ = 0;      // number of the next column
    std::size_t replay_end_ = 0;  // in a later branch of a unionAll: where its columns must end
    bool replaying_ = false;

    bool full() const { return outcome_.issues.size() >= most_issues; }
    void issue(IssueCode code, std::string where, std::string what) {
        if (!full()) outcome_.issues.push_back({Severity::error, code, std::move(where), std::move(what)});
    }

    void only_members(json::Value object, const std::string& where, std::span<const std::string_view> known) {
        for (const json::Member& member : object.members()) {
            std::string_view name = member.key();
            if (name.starts_with('_')) name.remove_prefix(1);
            if (is_one_of(name, known) || name == "id" || name == "extension" || name == "modifierExtension") continue;
            const std::string path = where.empty() ? std::string(member.key()) : fmt::format("{}.{}", where, member.key());
            issue(IssueCode::structure, path.substr(0, 200), "is no element of a ViewDefinition, remove it or mend its name");
        }
    }

    template <typename Act>
    void each_object(json::Value list, const std::string& where, const Act& act) {
        if (!list) return;
        if (!list.is_array() || list.size() == 0)
            return issue(IssueCode::structure, where, "must be a list with at least one object");
        for (std::size_t i = 0; i < list.size() && !full(); ++i) {
            const std::string place = fmt::format("{}[{}]", where, i);
            if (list[i].is_object()) act(list[i], place);
            else issue(IssueCode::structure, place, "must be an object");
        }
    }

    /// A text, or "" (with an issue when it is there but is none).
    std::string text(json::Value object, std::string_view name, const std::string& where, bool required = false) {
        const json::Value value = object[name];
        const std::string path = where.empty() ? std::string(name) : fmt::format("{}.{}", where, name);
        if (!value) {
            if (required) issue(IssueCode::required, path, "is missing");
            return {};
        }
        if (!value.is_string() || value.string().empty()) {
            issue(IssueCode::structure, path, "must be a text that is not empty");
            return {};
        }
        return std::string(value.string());
    }

    void head(json::Value view) {
        const std::string type = text(view, "resourceType", "");
        if (!type.empty() && type != "ViewDefinition" && !type.ends_with("/ViewDefinition"))
            issue(IssueCode::value, "resourceType", "must be ViewDefinition");
        inside_.name = text(view, "name", "");
        if (!inside_.name.empty() && !is_sql_name(inside_.name))
            issue(IssueCode::value, "name", "must begin with a letter and hold letters, digits and _ only");
        inside_.title = text(view, "title", "");
        inside_.description = text(view, "description", "");
        const std::string resource = text(view, "resource", "", true);
        if (resource.empty()) return;
        const fhir::Type* known = fhir::find_resource(resource);
        if (!known || known->is_abstract)
            return issue(IssueCode::value, "resource",
                         fmt::format("'{}' is no resource type of FHIR R4", resource.substr(0, 60)));
        inside_.resource = known;
    }

    // ---- constants ----------------------------------------------------------------------------------------------

    void constants(json::Value list) {
        each_object(list, "constant", [this](json::Value constant, const std::string& where) {
            const std::string name = text(constant, "name", where, true);
            if (name.empty()) return;
            if (!is_sql_name(name))
                return issue(IssueCode::value, where + ".name", "must begin with a letter and hold letters, digits and _ only");
            if (is_known_variable(name))
                return issue(IssueCode::value, where + ".name", fmt::format("%{} has a meaning already", name));
            for (const auto& [known, value] : inside_.constants) {
                if (known == name)
                    return issue(IssueCode::duplicate, where + ".name", fmt::format("there is a constant {} already", name));
            }
            if (auto item = constant_value(constant, where)) inside_.constants.push_back({name, {std::move(*item)}});
        });
    }

    std::optional<fhirpath::Item> constant_value(json::Value constant, const std::string& where) {
        json::Value value;
        std::string type, key;
        for (const json::Member& member : constant.members()) {
            const std::string_view name = member.key();
            if (name == "name" || name == "id" || name == "extension" || name.starts_with('_')) continue;
            for (const std::string_view candidate : constant_types) {
                if (!name.starts_with("value") || name.size() != candidate.size() + 5 || name.substr(6) != candidate.substr(1) ||
                    (name[5] | 0x20) != (candidate[0] | 0x20) || name[5] > 'Z')
                    continue;
                if (value) issue(IssueCode::structure, where, "has more than one value");
                value = member.value();
                type = candidate;
                key = name;
            }
            if (key != name)
                issue(IssueCode::structure, fmt::format("{}.{}", where, name.substr(0, 60)), "is no value a constant may have");
        }
        if (!value) {
            issue(IssueCode::required, where, "has no value, give one as valueString, valueCode, …");
            return std::nullopt;
        }
        if (type == "integer64") return long_value(value, where);
        json::Arena scratch;
        const json::Value parameter = scratch.object({{"name", scratch.string("constant")}, {key, value}});
        const Outcome valid = fhir::validate(
            scratch.object({{"resourceType", scratch.string("Parameters")}, {"parameter", scratch.array({parameter})}}));
        if (!valid.ok()) {
            issue(IssueCode::value, fmt::format("{}.{}", where, key), fmt::format("is no {} as FHIR writes it", type));
            return std::nullopt;
        }
        fhirpath::Item item;
        item.value = inside_.arena.copy(value);
        item.type = fhir::find_type(type);
        return item;
    }

    /// FHIR R5's integer64 is a text of digits; R4 has no such type, so it becomes a System value.
    std::optional<fhirpath::Item> long_value(json::Value value, const std::string& where) {
        fhirpath::Item item;
        item.kind = fhirpath::Item::Kind::integer;
        const std::string digits(value.text());
        char* end = nullptr;
        errno = 0;
        item.integer = std::strtoll(digits.c_str(), &end, 10);
        if (digits.empty() || *end != '\0' || errno != 0) {
            issue(IssueCode::value, where + ".valueInteger64", "is no integer of 64 bits");
            return std::nullopt;
        }
        return item;
    }

    // ---- paths --------------------------------------------------------------------------------------------------

    std::optional<Path> path(json::Value value, const std::string& where, const fhir::Type* context, bool quiet = false) {
        const auto say = [&](IssueCode code, std::string what) {
            if (!quiet) issue(code, where, std::move(what));
            return std::nullopt;
        };
        if (!value) return say(IssueCode::required, "is missing");
        if (!value.is_string() || value.string().empty()) return say(IssueCode::structure, "must be a text that is not empty");
        if (value.string().size() > longest_path) return say(IssueCode::too_costly, "is longer than 16 KiB");
        fhirpath::Problem problem;
        auto compiled = fhirpath::Expression::compile(value.string(), {.context_type = context, .strict = true}, &problem);
        if (!compiled.ok()) return say(IssueCode::invalid, fmt::format("is not right: {}", problem.message));
        const auto mentions = compiled->mentions();
        for (const std::string& name : mentions.variables) {
            const auto has_name = [&name](const auto& constant) { return constant.first == name; };
            if (!is_known_variable(name) && std::none_of(inside_.constants.begin(), inside_.constants.end(), has_name))
                return say(IssueCode::not_found, fmt::format("there is no constant %{}", name.substr(0, 60)));
        }
        if (!mentions.unknown_types.empty())
            return say(IssueCode::not_found, fmt::format("there is no type {}", mentions.unknown_types[0].substr(0, 60)));
        Path made{.where = where, .expression = std::move(*compiled), .quick = std::nullopt, .context = context};
        const auto mentioned = [&mentions](std::string_view name) {
            return std::find(mentions.variables.begin(), mentions.variables.end(), name) != mentions.variables.end();
        };
        made.uses_index = mentioned("rowIndex");
        if (mentioned("person")) inside_.uses_person = true;
        made.quick = fhirpath::Quick::compile(
            made.expression,
            {.context = context, .resource = inside_.resource, .constants = inside_.constants, .live = live_variables});
        return made;
    }

    static const fhir::Type* only_type(const Path& path) {
        const auto& gives = path.expression.gives();
        return gives.complete && gives.types.size() == 1 && gives.system == fhirpath::Item::Kind::node ? gives.types[0] : nullptr;
    }

    void condition(json::Value one, const std::string& where) {
        only_members(one, where, where_members);
        auto made = path(one["path"], where + ".path", inside_.resource);
        if (!made) return;
        const auto& gives = made->expression.gives();
        const auto is_no_boolean = [](const fhir::Type* type) { return type->name != "boolean"; };
        const bool never =
            gives.system != fhirpath::Item::Kind::node
                ? gives.system != fhirpath::Item::Kind::boolean
                : gives.complete && !gives.types.empty() && std::all_of(gives.types.begin(), gives.types.end(), is_no_boolean);
        if (never) return issue(IssueCode::value, where + ".path", "never gives a boolean, compare with = or ask with exists()");
        inside_.where.push_back(std::move(*made));
    }

    // ---- selects ------------------------------------------------------------------------------------------------

    /// A select within `into`: its own node when it goes through elements, else written into `into`.
    void nested(json::Value select, Select& into, const fhir::Type* context, const std::string& where, std::size_t depth) {
        if (!select["forEach"] && !select["forEachOrNull"] && !select["repeat"]) return fill(select, into, context, where, depth);
        auto made = branch(select, context, where, depth);
        into.parts.emplace_back().branches.push_back(std::move(made));
    }

    std::unique_ptr<Select> branch(json::Value select, const fhir::Type* context, const std::string& where, std::size_t depth) {
        auto made = std::make_unique<Select>();
        made->where = where;
        made->number = inside_.selects++;
        made->first_column = cursor_;
        fill(select, *made, iteration(select, *made, context, where), where, depth);
        made->end_column = cursor_;
        return made;
    }

    /// Reads forEach, forEachOrNull or repeat; the type of the elements below, nullptr when unknown.
    const fhir::Type* iteration(json::Value select, Select& made, const fhir::Type* context, const std::string& where) {
        const json::Value each = select["forEach"], or_null = select["forEachOrNull"], repeat = select["repeat"];
        if ((each ? 1 : 0) + (or_null ? 1 : 0) + (repeat ? 1 : 0) > 1) {
            issue(IssueCode::structure, where, "has more than one of forEach, forEachOrNull and repeat, choose one");
            return nullptr;
        }
        if (repeat) return repetition(repeat, made, context, where + ".repeat");
        if (!each && !or_null) return context;
        made.each = each ? Select::Each::for_each : Select::Each::for_each_or_null;
        auto compiled = path(each ? each : or_null, where + (each ? ".forEach" : ".forEachOrNull"), context);
        if (!compiled) return nullptr;
        const fhir::Type* type = only_type(*compiled);
        made.paths.emplace_back().push_back(std::move(*compiled));
        return type;
    }

    /// Each path is compiled for the type it starts from and for those the paths lead to. It must be right for one.
    const fhir::Type* repetition(json::Value list, Select& made, const fhir::Type* context, const std::string& where) {
        made.each = Select::Each::repeat;
        if (!list.is_array() || list.size() == 0) {
            issue(IssueCode::structure, where, "must be a list of paths");
            return nullptr;
        }
        if (list.size() > 50) {
            issue(IssueCode::too_costly, where, "has more than 50 paths");
            return nullptr;
        }
        made.paths.resize(list.size());
        std::vector<const fhir::Type*> contexts{context};
        bool known = true;  // every element met has a type from `contexts`
        for (std::size_t c = 0; c < contexts.size() && c < most_contexts; ++c) {
            for (std::size_t i = 0; i < list.size(); ++i) {
                auto compiled = path(list[i], fmt::format("{}[{}]", where, i), contexts[c], true);
                if (!compiled) continue;
                const fhir::Type* type = only_type(*compiled);
                made.paths[i].push_back(std::move(*compiled));
                known = known && type;
                if (type && std::find(contexts.begin() + 1, contexts.end(), type) == contexts.end()) contexts.push_back(type);
            }
        }
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (made.paths[i].empty()) path(list[i], fmt::format("{}[{}]", where, i), context);  // says why
        }
        return known && contexts.size() == 2 ? contexts[1] : nullptr;
    }

    void fill(json::Value select, Select& into, const fhir::Type* context, const std::string& where, std::size_t depth) {
        if (depth > limits_.depth)
            return issue(IssueCode::too_costly, where, fmt::format("selects are nested deeper than {}", limits_.depth));
        if (inside_.selects > limits_.selects)
            return issue(IssueCode::too_costly, where, fmt::format("there are more than {} selects", limits_.selects));
        only_members(select, where, select_members);
        each_object(select["column"], where + ".column",
                    [&](json::Value one, const std::string& place) { column(one, into, context, place); });
        each_object(select["select"], where + ".select",
                    [&](json::Value one, const std::string& place) { nested(one, into, context, place, depth + 1); });
        if (select["unionAll"]) union_all(select["unionAll"], into, context, where + ".unionAll", depth);
    }

    void union_all(json::Value list, Select& into, const fhir::Type* context, const std::string& where, std::size_t depth) {
        Select::Part& part = into.parts.emplace_back();
        const std::size_t part_at = into.parts.size() - 1;
        (void)part;
        const std::size_t from = cursor_, outer_end = replay_end_;
        const bool outer = replaying_;
        std::size_t end = from;
        bool first = true;
        each_object(list, where, [&](json::Value one, const std::string& place) {
            cursor_ = from;
            if (!first) {
                replaying_ = true;
                replay_end_ = outer ? std::min(end, outer_end) : end;  // within a branch that has too many: what there is
            }
            auto made = branch(one, context, place, depth + 1);
            if (first) end = cursor_;
            else if (cursor_ != end)
                issue(IssueCode::structure, place,
                      fmt::format("has {} columns, the first branch of the unionAll has {}", cursor_ - from, end - from));
            into.parts[part_at].branches.push_back(std::move(made));
            first = false;
        });
        cursor_ = end;
        replaying_ = outer;
        replay_end_ = outer_end;
    }

    void column(json::Value one, Select& into, const fhir::Type* context, const std::string& where) {
        only_members(one, where, column_members);
        Column made{
            .name = text(one, "name", where, true), .type = "", .description = text(one, "description", where), .where = where};
        if (!made.name.empty() && !is_sql_name(made.name))
            issue(IssueCode::value, where + ".name", "must begin with a letter and hold letters, digits and _ only");
        if (const json::Value collection = one["collection"]; collection) {
            if (!collection.is_boolean()) issue(IssueCode::structure, where + ".collection", "must be true or false");
            made.collection = collection.as_bool();
        }
        each_object(one["tag"], where + ".tag", [&](json::Value tag, const std::string& place) {
            only_members(tag, place, tag_members);
            made.tags.emplace_back(text(tag, "name", place, true), text(tag, "value", place, true));
        });
        const std::string written = text(one, "type", where);
        if (!written.empty()) {
            const auto type = type_name(written);
            if (!type) issue(IssueCode::value, where + ".type", fmt::format("'{}' is no FHIR type", written.substr(0, 60)));
            made.type = type.value_or("string");
        }
        auto compiled = path(one["path"], where + ".path", context);
        const bool declared = !made.type.empty();
        if (!declared) made.type = compiled ? type_of(*compiled) : "string";
        const bool collection = made.collection;
        const auto at = place_column(std::move(made), declared);
        if (at && compiled) into.columns.push_back({std::move(*compiled), *at, collection});
    }

    static std::string type_of(const Path& path) {
        if (const fhir::Type* type = only_type(path)) return std::string(type->name);
        switch (path.expression.gives().system) {
            case fhirpath::Item::Kind::boolean: return "boolean";
            case fhirpath::Item::Kind::integer: return "integer";
            case fhirpath::Item::Kind::decimal: return "decimal";
            case fhirpath::Item::Kind::date: return "date";
            case fhirpath::Item::Kind::date_time: return "dateTime";
            case fhirpath::Item::Kind::time: return "time";
            case fhirpath::Item::Kind::quantity: return "Quantity";
            default: return path.expression.text() == "%rowIndex" ? "integer" : "string";
        }
    }

    /// Which cell it is: a new one, or in a later branch of a unionAll that of the first branch.
    std::optional<std::size_t> place_column(Column made, bool declared) {
        if (replaying_) return replayed(made, declared);
        for (const Column& known : inside_.columns) {
            if (known.name == made.name && !made.name.empty()) {
                issue(IssueCode::duplicate, made.where + ".name",
                      fmt::format("there is a column {} already, at {}", made.name, known.where));
                break;
            }
        }
        if (inside_.columns.size() >= limits_.columns) {
            issue(IssueCode::too_costly, made.where, fmt::format("there are more than {} columns", limits_.columns));
            return std::nullopt;
        }
        inside_.columns.push_back(std::move(made));
        return cursor_++;
    }

    std::optional<std::size_t> replayed(const Column& made, bool declared) {
        if (cursor_ >= replay_end_) {
            ++cursor_;  // counted: the unionAll says how many there are
            return std::nullopt;
        }
        const Column& first = inside_.columns[cursor_];
        if (first.name != made.name)
            issue(IssueCode::structure, made.where + ".name",
                  fmt::format("is {}, but the first branch of the unionAll has {} in this place", made.name, first.name));
        else if (declared && storage_of(first.type) != storage_of(made.type))
            issue(IssueCode::structure, made.where + ".type",
                  fmt::format("is {}, but the first branch of the unionAll has {}", made.type, first.type));
        return cursor_++;
    }
};

}  // namespace

Result<Definition> Definition::compile(json::Value view, const Limits& limits) {
    auto inside = std::make_shared<Inside>();
    inside->limits = limits;
    Outcome outcome = Compiler(*inside, limits).compile(view);
    if (!outcome.ok()) return outcome;
    inside->text = json::write(view);
    return Definition(std::move(inside));
}

Result<Definition> Definition::compile(std::string_view text, const Limits& limits) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value view, json::parse(text, arena, {.depth = 100, .bytes = 4u << 20}));
    return compile(view, limits);
}

const std::string& Definition::name() const { return inside_->name; }
const std::string& Definition::title() const { return inside_->title; }
const std::string& Definition::description() const { return inside_->description; }
const fhir::Type& Definition::resource() const { return *inside_->resource; }
std::span<const Column> Definition::columns() const { return inside_->columns; }
const std::string& Definition::text() const { return inside_->text; }

}  // namespace xinglin::view
