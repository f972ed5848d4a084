// SPDX-License-Identifier: Apache-2.0
// Reads "subject:Patient.name:exact", "_has:Observation:patient:code" and their values.
#include "search/criterion.h"

#include <algorithm>

#include "search/catalogue.h"
#include "search/operand.h"

namespace xinglin::search {
namespace {

constexpr std::size_t most_criteria = 2'000;  // of one pair: a chain over every type, twice, is more

struct Word {
    std::string_view name;
    Modifier modifier;
};
constexpr Word words[] = {{"exact", Modifier::exact}, {"contains", Modifier::contains}, {"missing", Modifier::missing},
                          {"not", Modifier::negated}, {"text", Modifier::text},         {"identifier", Modifier::identifier},
                          {"in", Modifier::in},       {"not-in", Modifier::not_in},     {"below", Modifier::below},
                          {"above", Modifier::above}, {"of-type", Modifier::of_type}};

/// The modifiers we answer, by parameter type. `missing` fits all.
bool fits(ParamType type, Modifier modifier) {
    switch (modifier) {
        case Modifier::exact:
        case Modifier::contains: return type == ParamType::string;
        case Modifier::negated: return type == ParamType::token;
        case Modifier::text: return type == ParamType::token || type == ParamType::reference;
        case Modifier::identifier:
        case Modifier::type: return type == ParamType::reference;
        case Modifier::in:
        case Modifier::not_in: return type == ParamType::token;
        case Modifier::below:
        case Modifier::above: return type == ParamType::token || type == ParamType::uri || type == ParamType::reference;
        case Modifier::of_type: return type == ParamType::token;
        default: return false;
    }
}

bool may_name(const Parameter& parameter, std::string_view type) {
    const auto& targets = parameter.targets;
    return targets.empty() || std::find(targets.begin(), targets.end(), type) != targets.end();
}

bool may_nest(const Parameter& parameter) { return may_name(parameter, "Location") || may_name(parameter, "Organization"); }

}  // namespace

Outcome CriterionParser::bad(IssueCode code, std::string what) const {
    return refuse(code, std::string(written_), std::move(what));
}

Result<Criterion> CriterionParser::parse(std::span<const fhir::Type* const> types, std::string_view name,
                                         std::string_view value) {
    written_ = name;
    made_ = 0;
    depth_ = 0;
    XINGLIN_TRY(Criterion criterion, any(types, name, value));
    criterion.written = name;
    return criterion;
}

Result<Criterion> CriterionParser::any(std::span<const fhir::Type* const> types, std::string_view name, std::string_view value) {
    if (++made_ > most_criteria)
        return bad(IssueCode::too_costly, "the chain fits too many types; name them, as in subject:Patient.name");
    if (depth_ > options_.max_chain) return bad(IssueCode::too_costly, "the chain has too many links");
    if (name.starts_with("_has:")) return has(types, name.substr(5), value);
    const std::size_t dot = name.find('.');
    std::string_view head = name.substr(0, dot), modifier;
    const std::size_t colon = head.find(':');
    const bool modified = colon != std::string_view::npos;
    if (modified) {
        modifier = head.substr(colon + 1);
        head = head.substr(0, colon);
    }
    const Parameter* parameter = find_parameter(*types[0], head);
    for (const fhir::Type* type : types) {
        const Parameter* own = find_parameter(*type, head);
        if (own && parameter && own->type == parameter->type) continue;
        return bad(IssueCode::not_supported, types.size() == 1 ? std::string(type->name) + " has no such search parameter"
                                                               : "not a search parameter of every type asked");
    }
    if (modified && modifier.empty()) return bad(IssueCode::value, "nothing follows the ':'");
    if (dot == std::string_view::npos) return plain(*parameter, modifier, value);
    if (parameter->type != ParamType::reference) return bad(IssueCode::value, "only references can be followed by '.'");
    return chain(*parameter, modifier, name.substr(dot + 1), value);
}

Result<Criterion> CriterionParser::has(std::span<const fhir::Type* const> types, std::string_view rest, std::string_view value) {
    const std::size_t first = rest.find(':');
    const std::size_t second = first == std::string_view::npos ? first : rest.find(':', first + 1);
    if (second == std::string_view::npos) return bad(IssueCode::value, "expected _has:Type:reference:parameter");
    const std::string_view name = rest.substr(first + 1, second - first - 1);
    const fhir::Type* type = fhir::find_resource(rest.substr(0, first));
    if (!type || type->is_abstract) return bad(IssueCode::value, "names a resource type that R4 does not have");
    const Parameter* parameter = find_parameter(*type, name);
    if (!parameter || parameter->type != ParamType::reference) {
        return bad(IssueCode::not_supported, std::string(type->name) + " has no such reference parameter");
    }
    if (std::none_of(types.begin(), types.end(), [&](const fhir::Type* own) { return may_name(*parameter, own->name); })) {
        return bad(IssueCode::value, "this reference never names the type asked");
    }
    ++depth_;
    Result<Criterion> inner = any(std::span(&type, 1), rest.substr(second + 1), value);
    --depth_;
    if (!inner) return std::move(inner).outcome();
    Criterion criterion;
    criterion.kind = Criterion::Kind::has;
    criterion.parameter = parameter;
    criterion.has_type = type;
    criterion.inner.push_back(std::move(*inner));
    return criterion;
}

/// Types that lack the next parameter are left out; the chain is refused when none has it.
Result<Criterion> CriterionParser::chain(const Parameter& parameter, std::string_view type_name, std::string_view rest,
                                         std::string_view value) {
    if (rest.empty()) return bad(IssueCode::value, "nothing follows the '.'");
    Criterion criterion;
    criterion.kind = Criterion::Kind::chain;
    criterion.parameter = &parameter;
    std::vector<const fhir::Type*> targets;
    if (!type_name.empty()) {
        const fhir::Type* type = fhir::find_resource(type_name);
        if (!type || type->is_abstract) return bad(IssueCode::value, "names a resource type that R4 does not have");
        if (!may_name(parameter, type_name)) return bad(IssueCode::value, "this reference never names that type");
        criterion.modifier = Modifier::type;
        criterion.type_modifier = type_name;
        targets.push_back(type);
    } else if (parameter.targets.empty()) {
        targets.assign(fhir::resources().begin(), fhir::resources().end());
    } else {
        for (const std::string_view name : parameter.targets) targets.push_back(fhir::find_resource(name));
    }
    std::optional<Outcome> first_refusal;
    for (const fhir::Type* target : targets) {
        if (!target || target->is_abstract) continue;
        ++depth_;
        Result<Criterion> inner = any(std::span(&target, 1), rest, value);
        --depth_;
        if (inner) {
            criterion.target_types.push_back(target);
            criterion.inner.push_back(std::move(*inner));
            continue;
        }
        const IssueCode code = inner.outcome().code();
        if (code == IssueCode::too_costly) return std::move(inner).outcome();
        // What is wrong with a value says more than that another type lacks the parameter.
        if (!first_refusal || first_refusal->code() == IssueCode::not_supported) first_refusal = std::move(inner).outcome();
    }
    if (!criterion.inner.empty()) return criterion;
    if (first_refusal && (targets.size() == 1 || first_refusal->code() != IssueCode::not_supported)) return *first_refusal;
    return bad(IssueCode::not_supported, "no type this reference names has such a search parameter");
}

Result<Done> CriterionParser::set_modifier(Criterion& criterion, std::string_view modifier) const {
    if (modifier.empty()) return Done{};
    const auto word = std::find_if(std::begin(words), std::end(words), [&](const Word& each) { return each.name == modifier; });
    if (word != std::end(words)) {
        criterion.modifier = word->modifier;
        if (word->modifier == Modifier::missing) return Done{};
        const bool nested = word->modifier == Modifier::below || word->modifier == Modifier::above;
        if (nested && criterion.parameter->type == ParamType::reference && !may_nest(*criterion.parameter))
            return bad(IssueCode::not_supported, "this reference never names a type whose resources are part of one another");
        if (word->modifier == Modifier::of_type && !Catalogue::the().alone(*criterion.parameter).grower.any(Rule::identifier))
            return bad(IssueCode::not_supported, "modifier :of-type is only for identifiers");
        if (fits(criterion.parameter->type, word->modifier)) return Done{};
        return bad(IssueCode::not_supported, "modifier :" + std::string(modifier) + " is not supported for parameters of type " +
                                                 std::string(text(criterion.parameter->type)));
    }
    const fhir::Type* type = fhir::find_resource(modifier);
    if (!type || type->is_abstract || criterion.parameter->type != ParamType::reference) {
        return bad(IssueCode::not_supported, "unknown modifier :" + std::string(modifier.substr(0, 40)));
    }
    if (!may_name(*criterion.parameter, modifier)) return bad(IssueCode::value, "this reference never names that type");
    criterion.modifier = Modifier::type;
    criterion.type_modifier = modifier;
    return Done{};
}

Result<Done> CriterionParser::set_alternatives(Criterion& criterion, std::string_view value) const {
    const auto alternatives = split_unescaped(value, ',', options_.max_alternatives + 1);
    if (alternatives.size() > options_.max_alternatives) return bad(IssueCode::too_costly, "too many alternatives");
    for (const std::string_view alternative : alternatives) {
        if (alternative.empty()) return bad(IssueCode::value, "an alternative between ',' is empty");
        if (criterion.kind == Criterion::Kind::id) {
            Operand operand;
            operand.raw = unescape(alternative);
            operand.code = operand.raw;
            criterion.any.push_back(std::move(operand));
        } else if (criterion.kind == Criterion::Kind::last_updated) {
            XINGLIN_TRY(Operand operand, parse_date_operand(alternative, written_, options_));
            criterion.any.push_back(std::move(operand));
        } else {
            XINGLIN_TRY(Operand operand, parse_operand(*criterion.parameter, criterion.modifier, criterion.type_modifier,
                                                       alternative, written_, options_));
            criterion.any.push_back(std::move(operand));
        }
    }
    return Done{};
}

Result<Criterion> CriterionParser::plain(const Parameter& parameter, std::string_view modifier, std::string_view value) {
    Criterion criterion;
    criterion.parameter = &parameter;
    criterion.written = written_;
    if (parameter.code == "_id") criterion.kind = Criterion::Kind::id;
    if (parameter.code == "_lastUpdated") criterion.kind = Criterion::Kind::last_updated;
    if (criterion.kind != Criterion::Kind::value && !modifier.empty()) return bad(IssueCode::not_supported, "takes no modifier");
    XINGLIN_CHECK(set_modifier(criterion, modifier));
    if (criterion.modifier == Modifier::missing) {
        if (value != "true" && value != "false") return bad(IssueCode::value, "expected true or false");
        criterion.kind = Criterion::Kind::missing;
        criterion.missing = value == "true";
        return criterion;
    }
    XINGLIN_CHECK(set_alternatives(criterion, value));
    return criterion;
}

}  // namespace xinglin::search
