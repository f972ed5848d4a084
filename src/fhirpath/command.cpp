// SPDX-License-Identifier: Apache-2.0
// The command line of FHIRPath.
#include "fhirpath/command.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "fhirpath/fhirpath.h"
#include "fhirpath/plain.h"
#include "fhirpath/suite.h"

namespace xinglin::fhirpath {

namespace {

constexpr std::string_view usage =
    R"(usage: xinglin fhirpath --resource FILE(.json|.xml) [--expressions FILE.json] [--lenient] [EXPR…]
       xinglin fhirpath --tests FILE.xml

Evaluates FHIRPath expressions on a FHIR R4 resource and prints a JSON array: for each expression its results
({"type", "value"}) or its error ({"kind": "syntax|semantic|execution", "message"}).

  --resource FILE     the resource, as JSON or XML
  --expressions FILE  a JSON array of strings, evaluated before those on the command line
  --lenient           a name that the resource's type does not have is empty instead of a semantic error, and first(),
                      skip() … may be asked of what has no order
  --tests FILE        run a test file in the format of the official test-suite; its inputs lie beside it

example: xinglin fhirpath --resource patient.json "Patient.name.where(use = 'official').given"
)";

struct Request {
    std::string resource, expressions, tests;
    std::vector<std::string> texts;
    bool strict = true;
    bool help = false;
};

Result<Request> read_arguments(std::span<const std::string> arguments) {
    Request request;
    bool only_expressions = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        std::string* file = argument == "--resource"      ? &request.resource
                            : argument == "--expressions" ? &request.expressions
                            : argument == "--tests"       ? &request.tests
                                                          : nullptr;
        if (only_expressions) {
            request.texts.push_back(argument);
        } else if (file) {
            if (i + 1 == arguments.size()) return refuse(IssueCode::required, argument, "a file is expected after it");
            *file = arguments[++i];
        } else if (argument == "--") {
            only_expressions = true;
        } else if (argument == "--help" || argument == "-h") {
            request.help = true;
        } else if (argument == "--strict" || argument == "--lenient") {
            request.strict = argument == "--strict";
        } else if (argument == "--json") {
            continue;  // the answer is JSON anyway
        } else if (argument.starts_with("--")) {
            return refuse(IssueCode::not_supported, argument, "there is no such option");
        } else {
            request.texts.push_back(argument);
        }
    }
    return request;
}

Result<std::string> read_file(const std::string& path) {
    std::error_code ignored;
    std::ifstream in(path, std::ios::binary);
    if (!in || std::filesystem::is_directory(path, ignored)) return refuse(IssueCode::not_found, path, "can't be read");
    std::ostringstream content;
    content << in.rdbuf();
    return content.str();
}

Result<json::Value> read_resource(const std::string& text, json::Arena& arena) {
    const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    const bool xml = first != std::string::npos && text[first] == '<';
    XINGLIN_TRY(const json::Value resource, xml ? fhir::from_xml(text, arena) : json::parse(text, arena));
    if (!resource.is_object()) return refuse(IssueCode::structure, "resource", "expected a JSON object");
    return resource;
}

json::Value shown(const Item& item, json::Arena& arena) {
    const Plain value = plain(item);
    const bool quantity_node = item.kind == Item::Kind::node && value.is(Item::Kind::quantity);
    switch (quantity_node ? Item::Kind::node : value.kind) {
        case Item::Kind::boolean: return arena.boolean(value.boolean);
        case Item::Kind::integer: return arena.number(value.integer);
        case Item::Kind::node: return item.value ? arena.copy(item.value) : arena.null();
        case Item::Kind::quantity: {
            const bool calendar = calendar_unit(value.unit).has_value();
            const json::Value number = arena.number(value.text.starts_with('+') ? value.text.substr(1) : value.text);
            return arena.object({{"value", number},
                                 {"unit", arena.string(value.unit)},
                                 {"system", arena.string(calendar ? "http://hl7.org/fhirpath/CodeSystem/calendar-units"
                                                                  : "http://unitsofmeasure.org")},
                                 {"code", arena.string(value.unit)}});
        }
        default: return arena.string(value.text);
    }
}

/// FHIR's name of the type: an element defined in place is a BackboneElement (or, inside a datatype, an Element).
std::string fhir_name(const Item& item) {
    const bool in_place =
        item.kind == Item::Kind::node && item.type && item.type->kind == fhir::TypeKind::backbone && item.type->base;
    return in_place ? std::string(item.type->base->name) : item.type_name();
}

json::Value failure(const Problem& problem, json::Arena& arena) {
    return arena.object({{"kind", arena.string(problem.kind)}, {"message", arena.string(problem.message)}});
}

json::Value answer(const std::string& text, const Item& context, const Environment& environment, const CompileOptions& options,
                   json::Arena& arena) {
    Problem problem;
    const json::Value expression = arena.string(text);
    const auto compiled = Expression::compile(text, options, &problem);
    if (!compiled.ok()) return arena.object({{"expression", expression}, {"error", failure(problem, arena)}});
    const auto result = compiled->evaluate(context, environment, &problem);
    if (!result.ok()) return arena.object({{"expression", expression}, {"error", failure(problem, arena)}});
    std::vector<json::Value> items;
    for (const Item& item : *result)
        items.push_back(arena.object({{"type", arena.string(fhir_name(item))}, {"value", shown(item, arena)}}));
    return arena.object({{"expression", expression}, {"result", arena.array(items)}});
}

int run_tests(const std::string& file, std::ostream& out, std::ostream& err) {
    const auto result = run_suite(file);
    if (!result.ok()) {
        err << result.outcome().line() << '\n';
        return result.outcome().code() == IssueCode::not_found ? 3 : 1;
    }
    for (const std::string& failed : result->failures) out << failed << '\n';
    out << fmt::format("{} passed, {} failed\n", result->passed, result->failed);
    return result->failed == 0 ? 0 : 1;
}

int refused(const Outcome& outcome, std::ostream& err, int status) {
    err << outcome.line() << '\n';
    return status;
}

}  // namespace

int fhirpath_command(std::span<const std::string> arguments, std::ostream& out, std::ostream& err, const Environment& around) {
    auto request = read_arguments(arguments);
    if (!request.ok()) {
        err << request.outcome().line() << '\n' << usage;
        return 2;
    }
    if (request->help) {
        out << usage;
        return 0;
    }
    if (!request->tests.empty()) return run_tests(request->tests, out, err);
    if (request->resource.empty() || (request->texts.empty() && request->expressions.empty())) {
        err << usage;
        return 2;
    }
    json::Arena arena;
    const auto text = read_file(request->resource);
    if (!text.ok()) return refused(text.outcome(), err, 3);
    const auto resource = read_resource(*text, arena);
    if (!resource.ok()) return refused(resource.outcome(), err, 1);
    std::vector<std::string> texts;
    if (!request->expressions.empty()) {
        const auto list_text = read_file(request->expressions);
        if (!list_text.ok()) return refused(list_text.outcome(), err, 3);
        const auto list = json::parse(*list_text, arena);
        if (!list.ok()) return refused(list.outcome(), err, 1);
        if (!list->is_array())
            return refused(refuse(IssueCode::structure, request->expressions, "expected a JSON array of strings"), err, 1);
        for (const json::Node& node : list->items()) {
            if (!json::Value(&node).is_string())
                return refused(refuse(IssueCode::structure, request->expressions, "expected strings only"), err, 1);
            texts.emplace_back(json::Value(&node).string());
        }
    }
    texts.insert(texts.end(), request->texts.begin(), request->texts.end());
    const Item context = item_of(*resource);
    Environment environment = around;
    environment.trace = [&err](std::string_view name, const Collection& items) {
        err << fmt::format("trace {}: {} items\n", name, items.size());
    };
    environment.offset_minutes = calendar::local_offset_minutes();
    const CompileOptions options{
        .context_type = context.type, .strict = request->strict, .check_ordered_functions = request->strict};
    std::vector<json::Value> answers;
    for (const std::string& expression : texts) answers.push_back(answer(expression, context, environment, options, arena));
    out << json::write(arena.array(answers)) << '\n';
    return 0;
}

}  // namespace xinglin::fhirpath
