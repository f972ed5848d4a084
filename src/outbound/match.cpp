// SPDX-License-Identifier: Apache-2.0
// Which versions go out by a channel.
#include "outbound/match.h"

#include <algorithm>

#include "fhir/fhir.h"
#include "fhirpath/quick.h"
#include "http/http.h"

namespace xinglin::outbound {

namespace {

constexpr std::string_view confidentiality_system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// References to Organization, wherever they stand; a resource of ours is not deep.
bool names_one(json::Value value, const std::vector<std::string>& organizations) {
    for (const json::Member& member : value.members()) {
        if (member.key() == "reference") {
            const std::string_view key = fhirpath::reference_key(member.value().string(), "Organization");
            const std::string_view id = key.empty() ? key : key.substr(key.find('/') + 1);
            if (!id.empty() && std::find(organizations.begin(), organizations.end(), id) != organizations.end()) return true;
        } else if (member.value().is_object() || member.value().is_array()) {
            if (names_one(member.value(), organizations)) return true;
        }
    }
    return std::any_of(value.items().begin(), value.items().end(),
                       [&](const json::Node& node) { return names_one(json::Value(&node), organizations); });
}

bool is_of(json::Value resource, const std::vector<std::string>& organizations) {
    if (resource["resourceType"].string() == "Organization") {
        const std::string_view id = resource["id"].string();
        if (std::find(organizations.begin(), organizations.end(), id) != organizations.end()) return true;
    }
    return names_one(resource, organizations);
}

/// As a search would. What the resource says of itself is enough; its version and time stand in it.
bool finds(const search::Criterion& criterion, const fhir::Type& type, json::Value resource, std::int16_t offset_minutes) {
    const auto any = [&](std::string_view value) {
        return std::any_of(criterion.any.begin(), criterion.any.end(), [&](const search::Operand& o) { return o.raw == value; });
    };
    if (criterion.kind == search::Criterion::Kind::id) return any(resource["id"].string());
    search::Surroundings around;
    around.offset_minutes = offset_minutes;
    if (const auto moment = calendar::parse_instant(resource["meta"]["lastUpdated"].string()))
        around.last_updated_ms = calendar::span_of(*moment, offset_minutes).low_ms;
    around.resolve = [](const search::Reference&) { return json::Value(); };
    around.referrers = [](const search::Parameter&, std::string_view, std::string_view) { return std::vector<json::Value>(); };
    return search::matches(type, resource, criterion, around);
}

}  // namespace

Result<std::vector<search::Criterion>> read_search(std::string_view text, const fhir::Type& type, std::int16_t offset_minutes) {
    const std::string_view named = text.substr(0, text.find_first_of("?=&"));
    if (named.size() < text.size() && text[named.size()] == '?') {
        if (named != type.name)
            return refuse(IssueCode::value, std::string(named.substr(0, 60)),
                          fmt::format("is not {}, whose search it is", type.name));
        text.remove_prefix(named.size() + 1);
    }
    if (text.empty()) return std::vector<search::Criterion>{};
    XINGLIN_TRY(const auto pairs, http::parse_query(text));
    const fhir::Type* const types[] = {&type};
    XINGLIN_TRY(search::Query query, search::parse(types, pairs, {.offset_minutes = offset_minutes, .max_criteria = 20}));
    const bool asks_for_answer = !query.includes.empty() || !query.sort.empty() || query.count || !query.page.empty() ||
                                 query.total != search::Total::unsaid || query.summary != search::Summary::no ||
                                 !query.elements.empty() || query.explain;
    if (asks_for_answer)
        return refuse(IssueCode::not_supported, "search",
                      "is a filter, not a question: leave out _sort, _count, _include and the like");
    for (const search::Criterion& one : query.all) {
        using Kind = search::Criterion::Kind;
        using search::Modifier;
        const bool needs_others = one.kind == Kind::chain || one.kind == Kind::has || one.modifier == Modifier::in ||
                                  one.modifier == Modifier::not_in || one.modifier == Modifier::below ||
                                  one.modifier == Modifier::above;
        if (needs_others && !(one.parameter != nullptr && one.parameter->type == search::ParamType::uri))
            return refuse(IssueCode::not_supported, one.written,
                          "asks for more than the resource itself (a chain, _has, a value set, a tree); ask for what stands in "
                          "it, code=a,b for one");
        const bool is_date =
            one.kind == Kind::last_updated || (one.parameter != nullptr && one.parameter->type == search::ParamType::date);
        if (is_date && std::any_of(one.any.begin(), one.any.end(), [](const auto& o) { return o.prefix == search::Prefix::ap; }))
            return refuse(IssueCode::not_supported, one.written,
                          "is about now (ap), and a filter gives the same answer every day");
    }
    return std::move(query.all);
}

Result<std::shared_ptr<const Compiled>> Compiled::make(Channel channel) {
    const std::shared_ptr<Compiled> made(new Compiled(std::move(channel)));  // shared: senders keep the one they began with
    for (const Sends& sends : made->channel_.sends) {
        const fhir::Type* type = fhir::find_resource(sends.type);
        if (type == nullptr) return refuse(IssueCode::value, "filter.types", sends.type + " is no resource type of R4");
        Rule rule;
        if (!sends.where.empty()) {
            XINGLIN_TRY(fhirpath::Expression expression, fhirpath::Expression::compile(sends.where, {.context_type = type}));
            rule.where = std::make_unique<fhirpath::Expression>(std::move(expression));
        }
        XINGLIN_TRY(rule.search, read_search(sends.search, *type, made->channel_.offset_minutes));
        made->rules_[type] = std::move(rule);
    }
    if (made->channel_.format == "csv") {
        for (const ColumnRule& column : made->channel_.columns) {
            XINGLIN_TRY(fhirpath::Expression expression, fhirpath::Expression::compile(column.path));
            made->columns_.push_back(std::move(expression));
        }
    }
    return std::shared_ptr<const Compiled>(made);
}

Compiled::Verdict Compiled::judge(const fhir::Type& type, json::Value resource, std::string* why) const {
    const auto no = [&](std::string_view reason, Verdict verdict = Verdict::no) {
        if (why != nullptr) *why = reason;
        return verdict;
    };
    const auto rule = rules_.find(&type);
    if (rule == rules_.end()) return no("its type is not among filter.types");
    if (rule->second.where) {
        fhirpath::Environment environment;
        environment.now_ms = 1;  // a filter gives the same answer on every day
        environment.offset_minutes = channel_.offset_minutes;
        const auto found = rule->second.where->evaluate(fhirpath::item_of(resource), environment);
        if (!found.ok()) return no("its condition cannot be evaluated on it: " + found.outcome().line());
        if (!fhirpath::truth(*found).value_or(false)) return no("the condition of filter.types is not true of it");
    }
    for (const search::Criterion& criterion : rule->second.search) {
        if (!finds(criterion, type, resource, channel_.offset_minutes))
            return no("the search of filter.types does not find it, because of " + criterion.written);
    }
    if (!channel_.organizations.empty() && !is_of(resource, channel_.organizations))
        return no("it names none of filter.organizations");
    if (!may_go_out(resource, channel_.confidentiality))
        return no("its confidentiality label is not among filter.confidentiality", Verdict::confidential);
    return Verdict::yes;
}

bool may_go_out(json::Value resource, const std::vector<std::string>& labels) {
    for (const json::Node& node : resource["meta"]["security"].items()) {
        const json::Value label(&node);
        if (label["system"].string() != confidentiality_system) continue;
        if (std::find(labels.begin(), labels.end(), label["code"].string()) == labels.end()) return false;
    }
    return true;
}

std::int64_t lane_of(std::string_view text) {
    std::uint64_t hash = 14'695'981'039'346'656'037u;  // FNV-1a
    for (const unsigned char c : text) hash = (hash ^ c) * 1'099'511'628'211u;
    const auto lane = static_cast<std::int64_t>(hash >> 1);
    return lane == 0 ? 1 : lane;
}

}  // namespace xinglin::outbound
