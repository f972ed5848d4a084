// SPDX-License-Identifier: Apache-2.0
// A precedence-climbing parser. Source: FHIRPath N1, grammar and "Operator precedence".
#include "fhirpath/parser.h"

#include <array>

#include <fmt/format.h>

#include "calendar/calendar.h"
#include "fhirpath/functions.h"
#include "fhirpath/lexer.h"
#include "fhirpath/unit.h"

namespace xinglin::fhirpath {

namespace {

struct OperatorRow {
    std::string_view symbol;
    Operator operation;
    int precedence;  // higher binds tighter
};
constexpr int type_precedence = 8;  // is, as
constexpr std::array<OperatorRow, 22> operator_rows = {{
    {"*", Operator::multiply, 10},       {"/", Operator::divide, 10},    {"div", Operator::whole_divide, 10},
    {"mod", Operator::modulo, 10},       {"+", Operator::add, 9},        {"-", Operator::subtract, 9},
    {"&", Operator::concatenate, 9},     {"|", Operator::unite, 7},      {"<", Operator::less, 6},
    {"<=", Operator::less_or_equal, 6},  {">", Operator::greater, 6},    {">=", Operator::greater_or_equal, 6},
    {"=", Operator::equal, 5},           {"~", Operator::equivalent, 5}, {"!=", Operator::not_equal, 5},
    {"!~", Operator::not_equivalent, 5}, {"in", Operator::in, 4},        {"contains", Operator::contains, 4},
    {"and", Operator::and_, 3},          {"or", Operator::or_, 2},       {"xor", Operator::xor_, 2},
    {"implies", Operator::implies, 1},
}};

/// Words that can't name an element unless delimited. (as, is and contains can.)
bool is_reserved(std::string_view word) {
    for (const std::string_view reserved : {"div", "mod", "in", "and", "or", "xor", "implies", "true", "false"}) {
        if (word == reserved) return true;
    }
    return false;
}

class Parser {
public:
    Parser(std::string_view text, Problem& problem) : lexer_(text), problem_(problem) {}

    NodePtr whole() {
        if (!advance()) return nullptr;
        if (token_.kind == Token::Kind::end) return fail("the expression is empty");
        NodePtr root = expression(0, 0);
        if (root && token_.kind != Token::Kind::end) return fail(fmt::format("unexpected {}", seen()));
        return root;
    }

private:
    Lexer lexer_;
    Problem& problem_;
    Token token_;
    bool failed_ = false;

    NodePtr fail(std::string message, std::string_view kind = "syntax") {
        if (!failed_) problem_ = {std::string(kind), fmt::format("at offset {}: {}", token_.offset, message)};
        failed_ = true;
        return nullptr;
    }

    std::string seen() const {
        return token_.kind == Token::Kind::end ? "end of the expression" : fmt::format("'{}'", token_.text.substr(0, 40));
    }

    bool advance() {
        auto next = lexer_.next();
        if (!next) {
            if (!failed_) problem_ = {"syntax", lexer_.error()};
            failed_ = true;
            return false;
        }
        token_ = std::move(*next);
        return true;
    }

    bool take_symbol(std::string_view symbol) { return token_.is_symbol(symbol) && advance(); }

    NodePtr node(Node::Kind kind) const {
        auto made = std::make_unique<Node>();
        made->kind = kind;
        made->offset = token_.offset;
        return made;
    }

    const OperatorRow* operator_here() const {
        if (token_.kind != Token::Kind::symbol && token_.kind != Token::Kind::identifier) return nullptr;
        for (const OperatorRow& row : operator_rows) {
            if (row.symbol == token_.text) return &row;
        }
        return nullptr;
    }

    // Chains like a.b.c grow a tree as deep as they are long, so they count against the same limit.
    bool too_deep(int depth) {
        if (depth <= max_tree_depth) return false;
        fail(fmt::format("nested deeper than {} levels", max_tree_depth));
        return true;
    }

    /// Operators of at least `minimum` precedence. All associate to the left.
    NodePtr expression(int minimum, int depth) {
        if (too_deep(depth)) return nullptr;
        NodePtr left = prefix(depth + 1);
        int links = depth;
        while (left) {
            if (too_deep(++links)) return nullptr;
            if ((token_.is_word("is") || token_.is_word("as")) && type_precedence >= minimum) {
                NodePtr made = node(token_.text == "is" ? Node::Kind::is_type : Node::Kind::as_type);
                if (!advance() || !type_name(made->type)) return nullptr;
                made->focus = std::move(left);
                left = std::move(made);
                continue;
            }
            const OperatorRow* row = operator_here();
            if (!row || row->precedence < minimum) break;
            NodePtr made = node(Node::Kind::binary);
            made->operation = row->operation;
            if (!advance()) return nullptr;
            NodePtr right = expression(row->precedence + 1, links + 1);
            if (!right) return nullptr;
            made->focus = std::move(left);
            made->arguments.push_back(std::move(right));
            left = std::move(made);
        }
        return failed_ ? nullptr : std::move(left);
    }

    NodePtr prefix(int depth) {
        if (too_deep(depth)) return nullptr;
        if (!token_.is_symbol("-") && !token_.is_symbol("+")) return chain(depth + 1);
        NodePtr made = node(token_.text == "-" ? Node::Kind::negate : Node::Kind::plus);
        if (!advance()) return nullptr;
        made->focus = prefix(depth + 1);
        return made->focus ? std::move(made) : nullptr;
    }

    /// term { "." invocation | "[" expression "]" }
    NodePtr chain(int depth) {
        NodePtr left = term(depth + 1);
        int links = depth;
        while (left && !failed_) {
            if (too_deep(++links)) return nullptr;
            if (token_.is_symbol(".")) {
                if (!advance()) return nullptr;
                NodePtr next = invocation(links + 1);
                if (!next) return nullptr;
                if (next->kind == Node::Kind::member || next->kind == Node::Kind::function) {
                    next->focus = std::move(left);
                    left = std::move(next);
                } else {
                    left = invoke_special(std::move(left), std::move(next));
                }
            } else if (token_.is_symbol("[")) {
                NodePtr made = node(Node::Kind::indexer);
                if (!advance()) return nullptr;
                NodePtr index = expression(0, links + 1);
                if (!index) return nullptr;
                if (!token_.is_symbol("]")) return fail("']' is expected");
                if (!advance()) return nullptr;
                made->focus = std::move(left);
                made->arguments.push_back(std::move(index));
                left = std::move(made);
            } else {
                break;
            }
        }
        return failed_ ? nullptr : std::move(left);
    }

    /// x.$this is x.select($this): the grammar lets $this, $index and $total stand after a dot.
    NodePtr invoke_special(NodePtr focus, NodePtr special) {
        NodePtr made = std::make_unique<Node>();
        made->kind = Node::Kind::function;
        made->offset = special->offset;
        made->name = "select";
        made->function = find_function("select");
        made->focus = std::move(focus);
        made->arguments.push_back(std::move(special));
        return made;
    }

    NodePtr term(int depth) {
        if (too_deep(depth)) return nullptr;
        switch (token_.kind) {
            case Token::Kind::string:
            case Token::Kind::integer:
            case Token::Kind::long_integer:
            case Token::Kind::decimal:
            case Token::Kind::date:
            case Token::Kind::date_time:
            case Token::Kind::time: return literal();
            case Token::Kind::external: {
                NodePtr made = node(Node::Kind::variable);
                made->name = token_.text;
                return advance() ? std::move(made) : nullptr;
            }
            case Token::Kind::symbol: break;
            case Token::Kind::identifier:
                if (token_.text == "true" || token_.text == "false") return literal();
                return invocation(depth + 1);
            default: return invocation(depth + 1);
        }
        if (token_.is_symbol("(")) {
            if (!advance()) return nullptr;
            NodePtr inner = expression(0, depth + 1);
            if (!inner) return nullptr;
            if (!token_.is_symbol(")")) return fail("')' is expected");
            return advance() ? std::move(inner) : nullptr;
        }
        if (token_.is_symbol("{")) {
            NodePtr made = node(Node::Kind::empty);
            if (!advance()) return nullptr;
            if (!token_.is_symbol("}")) return fail("'}' is expected");
            return advance() ? std::move(made) : nullptr;
        }
        return fail(fmt::format("a value is expected, not {}", seen()));
    }

    /// A name, a function call, $this, $index or $total.
    NodePtr invocation(int depth) {
        if (token_.kind == Token::Kind::special) {
            NodePtr made = node(token_.text == "$this"    ? Node::Kind::this_item
                                : token_.text == "$index" ? Node::Kind::index
                                                          : Node::Kind::total);
            return advance() ? std::move(made) : nullptr;
        }
        if (token_.kind != Token::Kind::identifier && token_.kind != Token::Kind::delimited) {
            return fail(fmt::format("a name is expected, not {}", seen()));
        }
        if (token_.kind == Token::Kind::identifier && is_reserved(token_.text)) {
            return fail(fmt::format("'{}' is a reserved word; write it in backticks to use it as a name", token_.text));
        }
        NodePtr made = node(Node::Kind::member);
        made->name = token_.text;
        if (!advance()) return nullptr;
        if (token_.is_symbol("(")) return call(std::move(made), depth);
        made->sidecar_name = "_" + made->name;
        return made;
    }

    NodePtr call(NodePtr made, int depth) {
        made->kind = Node::Kind::function;
        made->function = find_function(made->name);
        if (!made->function) return fail(fmt::format("there is no function {}()", made->name.substr(0, 60)), "semantic");
        if (!advance()) return nullptr;
        if (made->function->takes_type && !(made->function->type_may_lack && token_.is_symbol(")"))) {
            if (!type_name(made->type)) return nullptr;
        } else if (!made->function->takes_type && !token_.is_symbol(")") && !arguments(*made, depth)) {
            return nullptr;
        }
        if (!token_.is_symbol(")")) return fail("')' is expected");
        const std::size_t count = made->arguments.size();
        if (count < made->function->least || count > made->function->most) {
            return fail(fmt::format("{}() does not take {} arguments", made->name, count), "semantic");
        }
        return advance() ? std::move(made) : nullptr;
    }

    bool arguments(Node& call, int depth) {
        for (;;) {
            NodePtr argument = expression(0, depth + 1);
            if (!argument) return false;
            if (call.name == "sort") argument = sort_key(std::move(argument));
            if (!argument) return false;
            call.arguments.push_back(std::move(argument));
            if (!token_.is_symbol(",")) return true;
            if (!advance()) return false;
            if (call.arguments.size() > 64) {
                fail("more than 64 arguments");
                return false;
            }
        }
    }

    /// "-key" and "key desc" sort downwards.
    NodePtr sort_key(NodePtr key) {
        if (key->kind == Node::Kind::negate) {
            NodePtr inner = std::move(key->focus);
            inner->descending = true;
            return inner;
        }
        if (token_.is_word("asc") || token_.is_word("desc")) {
            key->descending = token_.text == "desc";
            if (!advance()) return nullptr;
        }
        return key;
    }

    /// [FHIR. | System.] Name; in backticks too.
    bool type_name(TypeName& type) {
        const auto part = [this](std::string& out) {
            if (token_.kind != Token::Kind::identifier && token_.kind != Token::Kind::delimited) {
                fail(fmt::format("the name of a type is expected, not {}", seen()));
                return false;
            }
            out = token_.text;
            return advance();
        };
        const bool in_parentheses = token_.is_symbol("(");
        if (in_parentheses && !advance()) return false;
        std::string first, second;
        if (!part(first)) return false;
        if (token_.is_symbol(".") && (first == "FHIR" || first == "System")) {
            if (!advance() || !part(second)) return false;
            type = find_type_name(first, second);
        } else {
            // A backbone type is named by its path: Patient.contact.
            while (token_.is_symbol(".") && fhir::find_type(first)) {
                if (!advance() || !part(second)) return false;
                first += "." + second;
            }
            type = find_type_name("", first);
        }
        if (in_parentheses) {
            if (!token_.is_symbol(")")) {
                fail("')' is expected");
                return false;
            }
            return advance();
        }
        return true;
    }

    NodePtr literal() {
        NodePtr made = node(Node::Kind::literal);
        Item& item = made->literal;
        item.text = token_.text;
        switch (token_.kind) {
            case Token::Kind::string: item.kind = Item::Kind::string; break;
            case Token::Kind::identifier:
                item.kind = Item::Kind::boolean;
                item.boolean = token_.text == "true";
                item.text.clear();
                break;
            case Token::Kind::integer:
            case Token::Kind::long_integer: {
                item.kind = Item::Kind::integer;
                const auto number = Decimal::parse(token_.text);
                const auto value = number ? number->to_integer() : std::nullopt;
                if (!value) return fail("an integer beyond 64 bits");
                item.integer = *value;
                item.text.clear();
                break;
            }
            case Token::Kind::decimal: item.kind = Item::Kind::decimal; break;
            case Token::Kind::date:
                item.kind = Item::Kind::date;
                if (!calendar::parse_date(token_.text)) return fail("there is no such date");
                break;
            case Token::Kind::date_time:
                item.kind = Item::Kind::date_time;
                if (!calendar::parse_date_time(token_.text, true)) return fail("there is no such date and time");
                break;
            default:
                item.kind = Item::Kind::time;
                if (!calendar::parse_time(token_.text.substr(0, token_.text.find_first_of("Z+-")), true))
                    return fail("there is no such time");
                if (token_.text.find_first_of("Z+-") != std::string::npos) made->name = token_.text;  // refused when evaluated
                break;
        }
        const bool number = token_.kind == Token::Kind::integer || token_.kind == Token::Kind::decimal;
        if (!advance()) return nullptr;
        return number ? quantity(std::move(made)) : std::move(made);
    }

    /// A number followed by a unit is a quantity.
    NodePtr quantity(NodePtr number) {
        const bool calendar_word = token_.kind == Token::Kind::identifier && calendar_unit(token_.text);
        if (token_.kind != Token::Kind::string && !calendar_word) return number;
        Item& item = number->literal;
        if (item.kind == Item::Kind::integer) item.text = std::to_string(item.integer);
        item.integer = 0;
        item.kind = Item::Kind::quantity;
        item.unit = token_.text;
        return advance() ? std::move(number) : nullptr;
    }
};

}  // namespace

std::string_view symbol(Operator operation) {
    for (const OperatorRow& row : operator_rows) {
        if (row.operation == operation) return row.symbol;
    }
    return "?";
}

NodePtr parse(std::string_view text, Problem& problem) {
    if (text.size() > max_expression_bytes) {
        problem = {"syntax", fmt::format("longer than {} bytes", max_expression_bytes)};
        return nullptr;
    }
    return Parser(text, problem).whole();
}

}  // namespace xinglin::fhirpath
