// SPDX-License-Identifier: Apache-2.0
// Expression: compile once, evaluate often.
#include <algorithm>

#include "fhirpath/check.h"
#include "fhirpath/evaluator.h"
#include "fhirpath/parser.h"

namespace xinglin::fhirpath {

TypeName find_type_name(std::string_view name_space, std::string_view name) {
    TypeName result;
    result.name_space = name_space;
    result.name = name;
    if (name_space != "System") result.fhir = fhir::find_type(name);
    if (name_space == "FHIR") return result;
    constexpr std::pair<std::string_view, Item::Kind> rows[] = {
        {"Boolean", Item::Kind::boolean},    {"Integer", Item::Kind::integer}, {"Long", Item::Kind::integer},
        {"Decimal", Item::Kind::decimal},    {"String", Item::Kind::string},   {"Date", Item::Kind::date},
        {"DateTime", Item::Kind::date_time}, {"Time", Item::Kind::time},       {"Quantity", Item::Kind::quantity},
    };
    for (const auto& [known, kind] : rows) {
        if (known == name) result.system = kind;
    }
    result.system_any = name == "Any";
    return result;
}

Expression::Expression(std::shared_ptr<const Tree> tree) : tree_(std::move(tree)) {}
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

std::string_view Expression::text() const { return tree_->text; }
const Expression::Gives& Expression::gives() const { return tree_->gives; }

namespace {
void add_mentions(const Node& node, Expression::Mentions& mentions, std::vector<std::string>& defined) {
    if (node.kind == Node::Kind::variable) mentions.variables.push_back(node.name);
    if (!node.type.name.empty() && !node.type.known()) mentions.unknown_types.push_back(node.type.name);
    if (node.kind == Node::Kind::function && node.name == "defineVariable") defined.push_back(node.arguments[0]->literal.text);
    if (node.focus) add_mentions(*node.focus, mentions, defined);
    for (const NodePtr& argument : node.arguments) add_mentions(*argument, mentions, defined);
}
}  // namespace

Expression::Mentions Expression::mentions() const {
    Mentions mentions;
    std::vector<std::string> defined;
    add_mentions(*tree_->root, mentions, defined);
    std::erase_if(mentions.variables, [&defined](const std::string& name) {
        return std::find(defined.begin(), defined.end(), name) != defined.end();
    });
    return mentions;
}

Result<Expression> Expression::compile(std::string_view text, const CompileOptions& options, Problem* problem) {
    Problem found;
    auto tree = std::make_shared<Tree>();
    tree->text = text;
    tree->root = parse(text, found);
    if (!tree->root || !check(*tree->root, options, found, tree->gives)) {
        const Outcome outcome = refuse(IssueCode::invalid, "FHIRPath", found.kind + ": " + found.message);
        if (problem) *problem = std::move(found);
        return outcome;
    }
    return Expression(std::move(tree));
}

Result<Collection> Expression::evaluate(const Item& context, const Environment& environment, Problem* problem) const {
    Evaluator evaluator(context, environment);
    Collection result = evaluator.run(*tree_->root, Frame{std::span<const Item>(&context, 1), -1, nullptr});
    if (!evaluator.failed()) return result;
    if (problem) *problem = evaluator.problem();
    return refuse(IssueCode::invalid, "FHIRPath", evaluator.problem().kind + ": " + evaluator.problem().message);
}

}  // namespace xinglin::fhirpath
