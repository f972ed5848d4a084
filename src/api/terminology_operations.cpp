// SPDX-License-Identifier: Apache-2.0
// The terminology operations of FHIR R4: $lookup, $validate-code, $subsumes, $expand, $translate.
//
// Source: FHIR R4, operations of CodeSystem, ValueSet and ConceptMap. Parameters come in a query, in a form, or as a
// Parameters resource; answers are Parameters (of $expand a ValueSet).
#include "api/asked.h"
#include "api/operation.h"
#include "terminology/terminology.h"

namespace xinglin::api {
namespace {

using terminology::Terminology;

/// One question: what was asked, of what, and where the answer is made.
class Question {
public:
    Question(Exchange& exchange, const fhir::Type& type, const std::string& id) : exchange(exchange), type(type), id(id) {}

    /// Reads parameters, refuses those not among `known`; of an instance reads the resource.
    Result<Done> read(std::initializer_list<std::string_view> known) {
        if (!exchange.house.options.terminology)
            return refuse(IssueCode::not_supported, "terminology", "is not part of this server");
        XINGLIN_CHECK(may(exchange.viewer, &type, 'r'));
        XINGLIN_CHECK(asked.read(exchange, known));
        exchange.house.options.terminology->refresh();
        if (id.empty()) return Done{};
        XINGLIN_TRY(const record::Version found, exchange.house.store.reader(exchange.viewer).read(type, id));
        XINGLIN_TRY(instance, json::parse(found.body, arena, {.depth = 1'000, .bytes = found.body.size() + 1}));
        return Done{};
    }

    const Terminology& terms() const { return *exchange.house.options.terminology; }
    json::Arena& arena_() { return arena; }

    /// A resource in the question or the instance asked; nothing when a url names it.
    json::Value inline_definition(std::string_view name) const { return instance ? instance : asked.value(name); }

    Answer answer(std::span<const json::Value> parameters) {
        const json::Value body =
            arena.object({{"resourceType", arena.string("Parameters")}, {"parameter", arena.array(parameters)}});
        return answer(body);
    }
    Answer answer(json::Value resource) {
        note(exchange,
             {.what = "terminology", .type = &type, .id = id, .detail = exchange.path.empty() ? "" : exchange.path.back()});
        return resource_answer(exchange, 200, json::write(resource));
    }

    json::Value parameter(std::string_view name, std::string_view key, json::Value value) {
        return arena.object({{"name", arena.string(name)}, {key, value}});
    }
    json::Value text(std::string_view name, std::string_view key, std::string_view value) {
        return parameter(name, key, arena.string(value));
    }
    json::Value text_or_nothing(std::string_view value) { return value.empty() ? json::Value() : arena.string(value); }

    json::Arena arena;
    Exchange& exchange;
    const fhir::Type& type;
    const std::string& id;
    Asked asked{arena};
    json::Value instance;
};

// ---- $lookup ---------------------------------------------------------------------------------------------------------

json::Value property_of(Question& question, const terminology::Property& property) {
    json::Arena& arena = question.arena;
    std::string_view key = "valueString";
    json::Value value = arena.string(property.value);
    if (property.kind == "code") key = "valueCode";
    if (property.kind == "boolean") key = "valueBoolean", value = arena.boolean(property.value == "true");
    if (property.kind == "integer") key = "valueInteger", value = arena.number(property.value);
    if (property.kind == "decimal") key = "valueDecimal", value = arena.number(property.value);
    if (property.kind == "dateTime") key = "valueDateTime";
    if (property.kind == "Coding") key = "valueCode";
    return arena.object({{"name", arena.string("property")},
                         {"part", arena.array({question.text("code", "valueCode", property.code),
                                               arena.object({{"name", arena.string("value")}, {key, value}})})}});
}

json::Value designation_of(Question& question, const terminology::Designation& one) {
    json::Arena& arena = question.arena;
    std::vector<json::Value> parts;
    if (!one.language.empty()) parts.push_back(question.text("language", "valueCode", one.language));
    if (!one.use.empty())
        parts.push_back(question.parameter("use", "valueCoding", arena.object({{"code", arena.string(one.use)}})));
    parts.push_back(question.text("value", "valueString", one.value));
    return arena.object({{"name", arena.string("designation")}, {"part", arena.array(parts)}});
}

Answer answer_lookup(Exchange& exchange, const fhir::Type& type, const std::string& id) {
    Question question(exchange, type, id);
    XINGLIN_CHECK(question.read({"code", "system", "version", "coding", "date", "displayLanguage", "property"}));
    const Asked& asked = question.asked;
    XINGLIN_TRY(const AskedCoding coding, asked.coding("coding"));
    XINGLIN_TRY(const auto found,
                question.terms().lookup({.system = question.instance ? question.instance["url"].string() : coding.system,
                                         .version = question.instance ? question.instance["version"].string() : coding.version,
                                         .code = coding.code,
                                         .date = asked.text("date").substr(0, 10),
                                         .language = asked.text("displayLanguage")}));
    const std::vector<std::string_view> wanted = asked.texts("property");
    const auto is_wanted = [&](std::string_view name) {
        return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
    };
    std::vector<json::Value> out{question.text("name", "valueString", found.name)};
    if (!found.version.empty()) out.push_back(question.text("version", "valueString", found.version));
    out.push_back(question.text("display", "valueString", found.display));
    if (is_wanted("designation")) {
        for (const auto& one : found.designations) out.push_back(designation_of(question, one));
    }
    std::vector<terminology::Property> properties = found.properties;
    if (!found.definition.empty()) properties.push_back({"definition", found.definition, "string"});
    if (!found.active) properties.push_back({"inactive", "true", "boolean"});
    if (found.is_abstract) properties.push_back({"notSelectable", "true", "boolean"});
    for (const auto& parent : found.parents) properties.push_back({"parent", parent.code, "code"});
    for (const auto& child : found.children) properties.push_back({"child", child, "code"});
    for (const auto& property : properties) {
        if (is_wanted(property.code)) out.push_back(property_of(question, property));
    }
    return question.answer(out);
}

// ---- $validate-code --------------------------------------------------------------------------------------------------

Answer answer_validation(Question& question, const terminology::Validation& found) {
    json::Arena& arena = question.arena;
    std::vector<json::Value> out{question.parameter("result", "valueBoolean", arena.boolean(found.result))};
    if (!found.message.empty()) out.push_back(question.text("message", "valueString", found.message));
    if (!found.display.empty()) out.push_back(question.text("display", "valueString", found.display));
    return question.answer(out);
}

Answer answer_validate_code(Exchange& exchange, const fhir::Type& type, const std::string& id) {
    Question question(exchange, type, id);
    const bool is_set = type.name == "ValueSet";
    const std::string_view definition = is_set ? "valueSet" : "codeSystem";
    if (is_set) {
        XINGLIN_CHECK(question.read({"url", "valueSet", "valueSetVersion", "code", "system", "systemVersion", "display", "coding",
                                     "codeableConcept", "date", "abstract", "displayLanguage"}));
    } else {
        XINGLIN_CHECK(question.read({"url", "codeSystem", "code", "version", "display", "coding", "codeableConcept", "date",
                                     "abstract", "displayLanguage"}));
    }
    const Asked& asked = question.asked;
    terminology::ValidateRequest request{.inline_definition = question.inline_definition(definition),
                                         .date = asked.text("date").substr(0, 10)};
    request.language = asked.text("displayLanguage");
    request.abstract_allowed = asked.flag("abstract");
    if (!request.inline_definition && asked.text("url").empty())
        return refuse(IssueCode::required, "url", "is needed: which " + std::string(definition) + "? (or hand one in)");
    if (is_set && !request.inline_definition)
        request.value_set = asked.text("url"), request.value_set_version = asked.text("valueSetVersion");
    XINGLIN_TRY(const std::vector<AskedCoding> codings, asked.codings());
    terminology::Validation best;
    for (const AskedCoding& coding : codings) {
        terminology::ValidateRequest one = request;
        one.system = is_set ? coding.system : asked.text("url");
        one.version = coding.version;
        if (is_set && !asked.text("systemVersion").empty()) one.version = asked.text("systemVersion");
        one.code = coding.code;
        one.display = coding.display;
        if (!is_set && !coding.system.empty() && !one.system.empty() && coding.system != one.system) {
            best.message = "the coding is of another code system";
            continue;
        }
        XINGLIN_TRY(auto found, question.terms().validate(one));
        if (found.result) return answer_validation(question, found);
        best = std::move(found);
    }
    return answer_validation(question, best);
}

// ---- $subsumes -------------------------------------------------------------------------------------------------------

Answer answer_subsumes(Exchange& exchange, const fhir::Type& type, const std::string& id) {
    Question question(exchange, type, id);
    XINGLIN_CHECK(question.read({"codeA", "codeB", "system", "version", "codingA", "codingB"}));
    const Asked& asked = question.asked;
    const json::Value a = asked.value("codingA"), b = asked.value("codingB");
    std::string_view system = question.instance ? question.instance["url"].string() : asked.text("system");
    if (system.empty()) system = a["system"].string();
    for (const json::Value coding : {a, b}) {
        if (coding && coding["system"].string() != system)
            return refuse(IssueCode::value, "codingB", "is of another code system than the first");
    }
    const std::string_view code_a = a ? a["code"].string() : asked.text("codeA"),
                           code_b = b ? b["code"].string() : asked.text("codeB");
    if (code_a.empty() || code_b.empty())
        return refuse(IssueCode::required, code_a.empty() ? "codeA" : "codeB", "is needed: two codes are compared");
    const std::string_view version = question.instance ? question.instance["version"].string() : asked.text("version");
    XINGLIN_TRY(const std::string outcome, question.terms().subsumes(system, version, code_a, code_b));
    const json::Value out[] = {question.text("outcome", "valueCode", outcome)};
    return question.answer(out);
}

// ---- $expand ---------------------------------------------------------------------------------------------------------

/// R5 has contains.property; R4 says it by extension.
json::Value properties_of(Question& question, const terminology::Expanded& concept_) {
    json::Arena& arena = question.arena;
    std::vector<json::Value> all;
    for (const auto& property : concept_.properties) {
        const json::Value parts = property_of(question, property)["part"];
        const auto part = [&](std::size_t at, std::string_view url) {
            const json::Member& value = parts[at].members()[1];  // value[x], after the name
            return arena.object({{"url", arena.string(url)}, {value.key(), value.value()}});
        };
        all.push_back(arena.object(
            {{"url", arena.string("http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property")},
             {"extension", arena.array({part(0, "code"), part(1, "value")})}}));
    }
    return all.empty() ? json::Value() : arena.array(all);
}

json::Value contains(Question& question, const std::vector<terminology::Expanded>& concepts) {
    json::Arena& arena = question.arena;
    std::vector<json::Value> all;
    for (const auto& one : concepts) {
        std::vector<json::Value> designations;
        for (const auto& d : one.designations) {
            designations.push_back(
                arena.object({{"language", question.text_or_nothing(d.language)},
                              {"use", d.use.empty() ? json::Value() : arena.object({{"code", arena.string(d.use)}})},
                              {"value", arena.string(d.value)}}));
        }
        all.push_back(arena.object({{"extension", properties_of(question, one)},
                                    {"system", question.text_or_nothing(one.system)},
                                    {"abstract", one.is_abstract ? arena.boolean(true) : json::Value()},
                                    {"inactive", one.inactive ? arena.boolean(true) : json::Value()},
                                    {"version", question.text_or_nothing(one.version)},
                                    {"code", arena.string(one.code)},
                                    {"display", question.text_or_nothing(one.display)},
                                    {"designation", designations.empty() ? json::Value() : arena.array(designations)},
                                    {"contains", one.contains.empty() ? json::Value() : contains(question, one.contains)}}));
    }
    return arena.array(all);
}

json::Value expansion_of(Question& question, const terminology::Expansion& made) {
    json::Arena& arena = question.arena;
    std::vector<json::Value> used;
    for (const std::string& system : made.used_systems) used.push_back(question.text("version", "valueUri", system));
    for (const std::string& supplement : made.used_supplements)
        used.push_back(question.text("used-supplement", "valueUri", supplement));
    for (const std::string_view name : {"filter", "date", "displayLanguage"}) {
        if (const auto value = question.asked.text(name); !value.empty())
            used.push_back(question.text(name, "valueString", value));
    }
    for (const std::string_view name : {"exclude-system", "system-version", "force-system-version", "check-system-version"}) {
        for (const std::string_view value : question.asked.texts(name)) used.push_back(question.text(name, "valueUri", value));
    }
    for (const std::string_view name :
         {"activeOnly", "excludeNested", "excludeNotForUI", "includeDesignations", "includeDefinition"}) {
        if (question.asked.value(name))
            used.push_back(question.parameter(name, "valueBoolean", arena.boolean(question.asked.flag(name))));
    }
    const auto number = [&](std::size_t value) { return arena.number(static_cast<std::int64_t>(value)); };
    return arena.object({{"identifier", arena.string("urn:uuid:" + question.exchange.house.store.new_id())},
                         {"timestamp", arena.string(calendar::instant_text(question.exchange.house.clock.now_ms()))},
                         {"total", number(made.total)},
                         {"offset", made.paged ? number(made.offset) : json::Value()},
                         {"parameter", used.empty() ? json::Value() : arena.array(used)},
                         {"contains", made.concepts.empty() ? json::Value() : contains(question, made.concepts)}});
}

/// "urn:ietf:bcp:47|en" is a language, "system|code" a use; as terminology::ExpandRequest wants them.
std::string_view designation_wanted(json::Arena& arena, std::string_view token) {
    constexpr std::string_view languages = "urn:ietf:bcp:47|";
    if (token.starts_with(languages)) return token.substr(languages.size());
    const std::size_t bar = token.find('|');
    return bar == std::string_view::npos ? token : arena.keep(token.substr(bar));
}

/// The definition when it was asked for, with the expansion made of it; else what names it.
Answer expanded(Question& question, const terminology::Expansion& made) {
    json::Arena& arena = question.arena;
    if (!question.asked.flag("includeDefinition")) {
        return question.answer(arena.object({{"resourceType", arena.string("ValueSet")},
                                             {"id", question.text_or_nothing(question.id)},
                                             {"url", question.text_or_nothing(made.url)},
                                             {"version", question.text_or_nothing(made.version)},
                                             {"name", question.text_or_nothing(made.name)},
                                             {"title", question.text_or_nothing(made.title)},
                                             {"status", arena.string("active")},
                                             {"expansion", expansion_of(question, made)}}));
    }
    json::Value definition = question.inline_definition("valueSet");
    if (!definition) {
        const Asked& asked = question.asked;
        XINGLIN_TRY(definition, question.terms().value_set(asked.text("url"), asked.text("valueSetVersion"),
                                                           asked.text("date").substr(0, 10), arena));
    }
    return question.answer(arena.with(definition, "expansion", expansion_of(question, made)));
}

Answer answer_expand(Exchange& exchange, const fhir::Type& type, const std::string& id) {
    Question question(exchange, type, id);
    XINGLIN_CHECK(question.read({"url",
                                 "valueSet",
                                 "valueSetVersion",
                                 "filter",
                                 "date",
                                 "offset",
                                 "count",
                                 "includeDesignations",
                                 "designation",
                                 "activeOnly",
                                 "excludeNested",
                                 "excludeNotForUI",
                                 "excludePostCoordinated",
                                 "displayLanguage",
                                 "includeDefinition",
                                 "property",
                                 "exclude-system",
                                 "system-version",
                                 "force-system-version",
                                 "check-system-version"}));
    const Asked& asked = question.asked;
    for (const std::string_view name : {"system-version", "force-system-version", "check-system-version"}) {
        for (const std::string_view one : asked.texts(name)) {
            if (one.find('|') == std::string_view::npos || one.ends_with('|'))
                return refuse(IssueCode::value, std::string(name), "expected SYSTEM|VERSION");
        }
    }
    XINGLIN_TRY(const auto offset, asked.number("offset"));
    XINGLIN_TRY(const auto count, asked.number("count"));
    terminology::ExpandRequest request{.url = asked.text("url"), .version = asked.text("valueSetVersion")};
    request.inline_definition = question.inline_definition("valueSet");
    request.filter = asked.text("filter");
    request.date = asked.text("date").substr(0, 10);
    request.language = asked.text("displayLanguage");
    request.offset = offset.value_or(0);
    request.count = count;
    request.active_only = asked.flag("activeOnly");
    request.selectable_only = asked.flag("excludeNotForUI");  // headings are there for people who look for their way
    request.nested = !asked.flag("excludeNested");
    for (const std::string_view token : asked.texts("designation"))
        request.wanted_designations.push_back(designation_wanted(question.arena, token));
    request.designations = asked.flag("includeDesignations") || !request.wanted_designations.empty();
    request.properties = asked.texts("property");
    request.excluded_systems = asked.texts("exclude-system");
    request.versions = {asked.texts("system-version"), asked.texts("force-system-version"), asked.texts("check-system-version")};
    XINGLIN_TRY(const auto made, question.terms().expand(request));
    return expanded(question, made);
}

// ---- $translate ------------------------------------------------------------------------------------------------------

json::Value match_of(Question& question, const terminology::Translation::Match& match) {
    json::Arena& arena = question.arena;
    std::vector<json::Value> parts{question.text("equivalence", "valueCode", match.equivalence)};
    if (!match.concept_.code.empty()) {
        parts.push_back(question.parameter("concept", "valueCoding",
                                           arena.object({{"system", question.text_or_nothing(match.concept_.system)},
                                                         {"code", arena.string(match.concept_.code)},
                                                         {"display", question.text_or_nothing(match.concept_.display)}})));
    }
    if (!match.map.empty()) parts.push_back(question.text("source", "valueUri", match.map));
    return arena.object({{"name", arena.string("match")}, {"part", arena.array(parts)}});
}

Answer answer_translate(Exchange& exchange, const fhir::Type& type, const std::string& id) {
    Question question(exchange, type, id);
    XINGLIN_CHECK(question.read({"url", "conceptMap", "conceptMapVersion", "code", "system", "version", "source", "coding",
                                 "codeableConcept", "target", "targetsystem", "reverse"}));
    const Asked& asked = question.asked;
    XINGLIN_TRY(const std::vector<AskedCoding> codings, asked.codings());
    terminology::Translation all;
    for (const AskedCoding& coding : codings) {
        terminology::TranslateRequest request{.map = asked.text("url"), .map_version = asked.text("conceptMapVersion")};
        request.inline_definition = question.inline_definition("conceptMap");
        request.source = asked.text("source");
        request.target = asked.text("target");
        request.system = coding.system;
        request.code = coding.code;
        request.target_system = asked.text("targetsystem");
        request.reverse = asked.flag("reverse");
        XINGLIN_TRY(auto found, question.terms().translate(request));
        all.result = all.result || found.result;
        if (!found.message.empty()) all.message = found.message;
        for (auto& match : found.matches) all.matches.push_back(std::move(match));
    }
    std::vector<json::Value> out{question.parameter("result", "valueBoolean", question.arena.boolean(all.result))};
    if (!all.result && !all.message.empty()) out.push_back(question.text("message", "valueString", all.message));
    for (const auto& match : all.matches) out.push_back(match_of(question, match));
    return question.answer(out);
}

constexpr std::uint8_t both = Operation::on_type | Operation::on_instance;
constexpr std::string_view methods = "GET, HEAD, POST";

template <Answer (*answer)(Exchange&, const fhir::Type&, const std::string&)>
void act(const Shared& exchange, const fhir::Type* type, const std::string& id) {
    send(*exchange, answer(*exchange, *type, id));
}

constexpr Operation about_terminology[] = {
    {"$lookup", "CodeSystem", both, methods, "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup", act<answer_lookup>},
    {"$validate-code", "CodeSystem", both, methods, "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code",
     act<answer_validate_code>},
    {"$subsumes", "CodeSystem", both, methods, "http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes",
     act<answer_subsumes>},
    {"$expand", "ValueSet", both, methods, "http://hl7.org/fhir/OperationDefinition/ValueSet-expand", act<answer_expand>},
    {"$validate-code", "ValueSet", both, methods, "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code",
     act<answer_validate_code>},
    {"$translate", "ConceptMap", both, methods, "http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
     act<answer_translate>},
};

}  // namespace

std::span<const Operation> terminology_operations() { return about_terminology; }

}  // namespace xinglin::api
