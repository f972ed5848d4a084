// SPDX-License-Identifier: Apache-2.0
// Name-value pairs to a Query. Source: FHIR R4 search.html; what is not answered is refused by name.
#include <algorithm>
#include <charconv>

#include "search/criterion.h"
#include "search/operand.h"
#include "text/text.h"

namespace xinglin::search {
namespace {

constexpr std::size_t longest_name = 500;
constexpr std::size_t most_sorts = 8, most_includes = 50, most_elements = 200;
constexpr std::string_view skipped[] = {"_format", "_pretty", "_at"};
constexpr std::string_view refused[] = {"_text", "_content", "_filter", "_list", "_query", "_containedType", "_score"};

template <typename Names>
bool among(const Names& names, std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

class QueryParser {
public:
    QueryParser(std::span<const fhir::Type* const> types, const ParseOptions& options) : options_(options), criteria_(options) {
        query_.types.assign(types.begin(), types.end());
    }

    Result<Query> parse(std::span<const std::pair<std::string, std::string>> pairs) {
        if (pairs.size() > options_.max_criteria + 100) return refuse(IssueCode::too_costly, "search", "too many parameters");
        Outcome problems;
        for (const auto& [name, value] : pairs) {  // types first: they decide which parameters there are
            if (name == "_type") take(name, value, problems);
        }
        for (const auto& [name, value] : pairs) {
            if (name != "_type") take(name, value, problems);
        }
        if (!problems.issues.empty()) return problems;
        return std::move(query_);
    }

private:
    const ParseOptions& options_;
    CriterionParser criteria_;
    Query query_;
    std::vector<std::string_view> once_;  // general parameters seen

    void take(const std::string& name, const std::string& value, Outcome& problems) {
        if (value.empty() || among(skipped, name)) return;
        Result<Done> done = name.size() > longest_name
                                ? Result<Done>(refuse(IssueCode::too_costly, name.substr(0, 60), "the name is too long"))
                                : one(name, value);
        if (done) {
            if (name != "_page") query_.understood.emplace_back(name, value);
            return;
        }
        for (const Issue& issue : done.outcome().issues) {
            if (options_.lenient && issue.code != IssueCode::too_costly) {
                query_.warnings.push_back({Severity::warning, issue.code, issue.where, "ignored: " + issue.what});
            } else {
                problems.issues.push_back(issue);
            }
        }
    }

    Result<Done> one(std::string_view name, std::string_view value) {
        const std::string_view head = name.substr(0, name.find(':'));
        if (among(refused, head)) return refuse(IssueCode::not_supported, std::string(name), "is not supported by this server");
        if (head == "_include" || head == "_revinclude") return include(name, value);
        if (name.starts_with('_')) {
            if (const auto done = general(name, value)) return *done;
        }
        if (query_.all.size() >= options_.max_criteria)
            return refuse(IssueCode::too_costly, std::string(name), "too many criteria");
        const auto every = fhir::resources();
        std::span<const fhir::Type* const> types = query_.types;
        XINGLIN_TRY(Criterion criterion, criteria_.parse(types.empty() ? every : types, name, value));
        query_.all.push_back(std::move(criterion));
        return Done{};
    }

    /// Nothing when `name` is not a general parameter.
    std::optional<Result<Done>> general(std::string_view name, std::string_view value) {
        constexpr std::string_view known[] = {"_sort", "_count", "_total",   "_summary",  "_elements",
                                              "_type", "_page",  "_explain", "_contained"};
        const auto at = std::find(std::begin(known), std::end(known), name);
        if (at == std::end(known)) return std::nullopt;
        if (among(once_, name)) return refuse(IssueCode::value, std::string(name), "given twice");
        once_.push_back(*at);
        switch (at - std::begin(known)) {
            case 0: return sort(value);
            case 1: return count(value);
            case 2: return total(value);
            case 3: return summary(value);
            case 4: return elements(value);
            case 5: return types(value);
            case 6: query_.page = value; return Done{};
            case 7: return explain(value);
            default: return contained(value);
        }
    }

    static Outcome bad(std::string_view name, std::string what) {
        return refuse(IssueCode::value, std::string(name), std::move(what));
    }

    Result<Done> explain(std::string_view value) {
        if (value != "true" && value != "false") return bad("_explain", "expected true or false");
        query_.explain = value == "true";
        return Done{};
    }
    Result<Done> contained(std::string_view value) {
        if (value == "false") return Done{};
        return refuse(IssueCode::not_supported, "_contained", "only false is supported");
    }
    Result<Done> count(std::string_view value) {
        std::uint32_t number = 0;
        const auto end = std::from_chars(value.data(), value.data() + value.size(), number);
        if (end.ec != std::errc() || end.ptr != value.data() + value.size())
            return bad("_count", "expected a number of 0 or more");
        query_.count = number;
        return Done{};
    }
    Result<Done> total(std::string_view value) {
        if (value == "none") query_.total = Total::none;
        else if (value == "estimate") query_.total = Total::estimate;
        else if (value == "accurate") query_.total = Total::accurate;
        else return bad("_total", "expected none, estimate or accurate");
        return Done{};
    }
    Result<Done> summary(std::string_view value) {
        if (value == "true") query_.summary = Summary::yes;
        else if (value == "false") query_.summary = Summary::no;
        else if (value == "text") query_.summary = Summary::text;
        else if (value == "data") query_.summary = Summary::data;
        else if (value == "count") query_.summary = Summary::count;
        else return bad("_summary", "expected true, false, text, data or count");
        return Done{};
    }
    Result<Done> elements(std::string_view value) {
        for (const std::string_view part : text::split(value, ',')) {
            const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.'; };
            if (part.empty() || !std::all_of(part.begin(), part.end(), plain))
                return bad("_elements", "expected names of elements separated by ','");
            if (query_.elements.size() >= most_elements) return refuse(IssueCode::too_costly, "_elements", "too many elements");
            query_.elements.emplace_back(part);
        }
        return Done{};
    }
    Result<Done> types(std::string_view value) {
        if (!query_.types.empty()) return refuse(IssueCode::not_supported, "_type", "only for searches over several types");
        std::vector<const fhir::Type*> types;
        for (const std::string_view part : text::split(value, ',')) {
            const fhir::Type* type = fhir::find_resource(part);
            if (!type || type->is_abstract) return bad("_type", "names a resource type that R4 does not have");
            if (!among(types, type)) types.push_back(type);
        }
        query_.types = std::move(types);
        return Done{};
    }
    template <typename Types>
    static bool among(const Types& types, const fhir::Type* type) {
        return std::find(types.begin(), types.end(), type) != types.end();
    }
    template <typename Names>
    static bool among(const Names& names, std::string_view name) {
        return std::find(std::begin(names), std::end(names), name) != std::end(names);
    }

    Result<Done> sort(std::string_view value) {
        for (std::string_view part : text::split(value, ',')) {
            Sort sort;
            if (part.starts_with('-')) {
                sort.descending = true;
                part.remove_prefix(1);
            }
            if (query_.sort.size() >= most_sorts) return refuse(IssueCode::too_costly, "_sort", "too many keys");
            const auto every = fhir::resources();
            for (const fhir::Type* type : query_.types.empty() ? every : std::span<const fhir::Type* const>(query_.types)) {
                const Parameter* parameter = find_parameter(*type, part);
                if (!parameter)
                    return bad("_sort", "not a search parameter of the type searched: " + std::string(part.substr(0, 60)));
                if (!sort.parameter) sort.parameter = parameter;
                if (parameter->type != sort.parameter->type)
                    return bad("_sort", "means different things in different types: " + std::string(part));
            }
            if (sort.parameter->type == ParamType::composite || sort.parameter->type == ParamType::special) {
                return bad("_sort", "cannot be sorted by: " + std::string(part));
            }
            if (part == "_id") sort.by = Sort::By::id;
            if (part == "_lastUpdated") sort.by = Sort::By::last_updated;
            query_.sort.push_back(sort);
        }
        return Done{};
    }

    Result<Done> include(std::string_view name, std::string_view value) {
        Include include;
        const std::size_t colon = name.find(':');
        const std::string_view modifier = colon == std::string_view::npos ? std::string_view() : name.substr(colon + 1);
        include.reverse = name.starts_with("_revinclude");
        include.iterate = modifier == "iterate" || modifier == "recurse";
        if (colon != std::string_view::npos && !include.iterate)
            return refuse(IssueCode::not_supported, std::string(name), "the only modifier is :iterate");
        if (query_.includes.size() >= most_includes) return refuse(IssueCode::too_costly, std::string(name), "too many includes");
        if (value == "*") {
            include.all = true;
            query_.includes.push_back(include);
            return Done{};
        }
        const auto parts = text::split(value, ':');
        if (parts.size() != 2 && parts.size() != 3) return bad(name, "expected Type:parameter or Type:parameter:TargetType");
        include.source = fhir::find_resource(parts[0]);
        if (!include.source || include.source->is_abstract) return bad(name, "names a resource type that R4 does not have");
        include.wildcard = parts[1] == "*";
        if (!include.wildcard) {
            include.parameter = find_parameter(*include.source, parts[1]);
            if (!include.parameter || include.parameter->type != ParamType::reference) {
                return bad(name, std::string(include.source->name) + " has no such reference parameter");
            }
        }
        if (parts.size() == 3) {
            include.target = fhir::find_resource(parts[2]);
            if (!include.target || include.target->is_abstract) return bad(name, "names a resource type that R4 does not have");
            const bool fits =
                include.wildcard || include.parameter->targets.empty() || among(include.parameter->targets, include.target->name);
            if (!fits) return bad(name, "this reference never names that type");
        }
        query_.includes.push_back(include);
        return Done{};
    }
};

}  // namespace

Result<Query> parse(std::span<const fhir::Type* const> types, std::span<const std::pair<std::string, std::string>> parameters,
                    const ParseOptions& options) {
    return QueryParser(types, options).parse(parameters);
}

}  // namespace xinglin::search
