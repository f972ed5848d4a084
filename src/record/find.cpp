// SPDX-License-Identifier: Apache-2.0
// Conditions to cursors: which tables answer a condition, and what has to be confirmed on the resource.
#include "record/find.h"

#include <algorithm>

#include "feed/feed.h"
#include "text/text.h"

namespace xinglin::record {

using search::Criterion;
using search::Modifier;
using search::Operand;
using search::Parameter;
using search::ParamType;
using search::Prefix;

namespace {
constexpr std::size_t most_gathered = 2'000'000;
constexpr std::uint64_t few = 256;            // candidates that are cheaper to confirm one by one than to gather a large range
constexpr std::size_t narrow_enough = 2'000;
constexpr std::int64_t large_range = 4'000;
constexpr std::int64_t recent_changes = 50'000;

/// "Observation.subject", perhaps restricted by where(resolve() is …), whose element stands at most once.
bool single_valued(const Parameter& parameter) {
    std::string_view path = parameter.expression;
    if (const auto where = path.find(".where(resolve()"); where != std::string_view::npos) path = path.substr(0, where);
    const std::string prefix = std::string(parameter.resource->name) + ".";
    if (!path.starts_with(prefix)) return false;
    path.remove_prefix(prefix.size());
    if (path.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string_view::npos) return false;
    const fhir::Element* element = fhir::find_element(*parameter.resource, path);
    return element && element->max == 1;
}
}  // namespace

// ---- the whole query ------------------------------------------------------------------------------------------------

Result<CursorPtr> Finder::cursor(const search::Query& query) {
    if (query.types.size() == 1) return of_type(query, *query.types.front());
    std::vector<CursorPtr> parts;
    const auto add = [&](const fhir::Type& type) -> Result<Done> {
        XINGLIN_TRY(CursorPtr part, of_type(query, type));
        parts.push_back(std::move(part));
        return Done{};
    };
    if (query.types.empty()) {
        for (const fhir::Type* type : fhir::resources()) {
            XINGLIN_CHECK(add(*type));
        }
    } else {
        for (const fhir::Type* type : query.types) {
            XINGLIN_CHECK(add(*type));
        }
    }
    return either_cursor(std::move(parts));
}

Result<CursorPtr> Finder::cursor_without(const search::Query& query, const Criterion& left_out) {
    std::vector<Criterion> rest;
    for (const Criterion& criterion : query.all) {
        if (&criterion != &left_out) rest.push_back(criterion);
    }
    return meeting(*query.types.front(), rest, &query);
}

Result<CursorPtr> Finder::of_type(const search::Query& query, const fhir::Type& type) {
    const bool own = query.all.empty() || std::all_of(query.all.begin(), query.all.end(), [&](const Criterion& c) {
        return !c.parameter || c.kind == Criterion::Kind::has || c.parameter->resource == &type;
    });
    if (own) return meeting(type, query.all, &query);
    // A search over several types was understood for one of them; the others have the same parameter under the same code.
    std::vector<Criterion> translated = query.all;
    for (Criterion& criterion : translated) {
        if (!criterion.parameter || criterion.kind == Criterion::Kind::has) continue;
        criterion.parameter = search::find_parameter(type, criterion.parameter->code);
        if (!criterion.parameter) return refuse(IssueCode::not_supported, criterion.written, std::string("not a search parameter of ") + std::string(type.name));
    }
    return meeting(type, translated, &query);
}

Result<CursorPtr> Finder::meeting(const fhir::Type& type, const std::vector<Criterion>& all, const search::Query* query) {
    auto meeting = std::make_unique<Meeting>();
    std::vector<const Criterion*> late;
    if (query && !query->compartment_type.empty()) meeting->all.push_back(compartment(type, *query));
    for (const Criterion& criterion : all) {
        XINGLIN_CHECK(add(*meeting, type, criterion, late));
    }
    meeting->arrange();
    for (const Criterion* criterion : late) {
        if (criterion->kind == Criterion::Kind::chain) {
            XINGLIN_CHECK(add_patient_chain(*meeting, *criterion));
            continue;
        }
        if (!meeting->all.empty() && narrow(*meeting)) {
            add_filter(*meeting, type, *criterion);
            continue;
        }
        bool exact = true;
        XINGLIN_TRY(CursorPtr cursor, value(type, *criterion, exact));
        if (!exact) add_filter(*meeting, type, *criterion);
        plan_.push_back(criterion->written + ": " + std::to_string(cursor->estimate()) + " gathered from a range");
        meeting->all.push_back(std::move(cursor));
        meeting->arrange();
    }
    // Lists by id or time know nothing of types and deletions; and something has to lead.
    meeting->all.push_back(posting_cursor(context_.connection, -context_.numbers.tid(type)));
    if (meeting->all.size() > 1) meeting->arrange();
    return CursorPtr(std::move(meeting));
}

// Few enough candidates to ask each of them: draws them, and puts a list in their place.
bool Finder::narrow(Meeting& meeting) {
    if (meeting.estimate() <= few) return true;
    auto drawn = std::make_unique<Meeting>();
    std::swap(drawn->all, meeting.all);
    std::swap(drawn->none, meeting.none);
    std::vector<std::int64_t> members = collect(*drawn, narrow_enough);
    if (members.size() < narrow_enough) {
        meeting.all.push_back(list_cursor(std::move(members)));
        return true;
    }
    // Cursors don't go back: what was drawn goes before what is left.
    std::vector<CursorPtr> parts;
    const std::int64_t last = members.back();
    parts.push_back(list_cursor(std::move(members)));
    parts.push_back(after_cursor(std::move(drawn), last));
    meeting.all.push_back(either_cursor(std::move(parts)));
    return false;
}

// A condition on the patient that a resource names: asked of each candidate's patient when that is the shorter way.
Result<Done> Finder::add_patient_chain(Meeting& meeting, const Criterion& criterion) {
    const fhir::Type& patient_type = *criterion.target_types.front();
    XINGLIN_TRY(CursorPtr inner, this->meeting(patient_type, {criterion.inner.front()}, nullptr));
    if (meeting.all.empty() || inner->estimate() <= std::min<std::uint64_t>(few, meeting.estimate())) {
        XINGLIN_TRY(CursorPtr cursor, chain(criterion));
        plan_.push_back(criterion.written + ": " + std::to_string(cursor->estimate()) + " by chain");
        meeting.all.push_back(std::move(cursor));
        meeting.arrange();
        return Done{};
    }
    plan_.push_back(criterion.written + ": asked of each candidate's patient");
    std::shared_ptr<Cursor> patients = std::move(inner);
    auto& probe = context_.connection.prepare("SELECT 1 FROM record_reference WHERE target = ? AND pid = ? AND rid = ?");
    meeting.filters.push_back([this, patients, &probe, &patient_type, parameter = criterion.parameter, asked = with_included(*criterion.parameter)](std::int64_t rid) {
        const std::int64_t patient = ordinal_of(rid) >= first_patient_ordinal ? ordinal_of(rid) << rid_bits : 0;
        for (const Parameter* each : asked) {
            if (patient == 0) break;
            probe.bind(1, patient).bind(2, context_.numbers.pid(*each)).bind(3, rid);
            const bool named = probe.step();
            probe.reset();
            if (named) return patients->has(patient);
        }
        const std::vector<std::int64_t> named = targets_of(rid, *parameter, patient_type);
        return std::any_of(named.begin(), named.end(), [&](std::int64_t target) { return patients->has(target); });
    });
    return Done{};
}

Result<Done> Finder::add(Meeting& meeting, const fhir::Type& type, const Criterion& criterion, std::vector<const Criterion*>& late) {
    switch (criterion.kind) {
        case Criterion::Kind::missing: {
            const std::uint64_t bit = std::uint64_t{1} << criterion.parameter->bit;
            const bool missing = criterion.missing;
            meeting.filters.push_back([this, bit, missing](std::int64_t rid) {
                const auto stored = shelf_.current(rid, false);
                return stored && ((stored->present & bit) == 0) == missing;
            });
            plan_.push_back(criterion.written + ": asked of each candidate's presence bits");
            return Done{};
        }
        case Criterion::Kind::id: meeting.all.push_back(by_id(type, criterion)); return Done{};
        case Criterion::Kind::last_updated: {
            CursorPtr cursor = last_updated(type, criterion);
            if (cursor) {
                meeting.all.push_back(std::move(cursor));
                return Done{};
            }
            meeting.filters.push_back([this, any = criterion.any](std::int64_t rid) {
                const auto stored = shelf_.current(rid, false);
                return stored && std::any_of(any.begin(), any.end(), [&](const Operand& o) { return search::date_matches(o, stored->updated_ms, stored->updated_ms + 1); });
            });
            return Done{};
        }
        case Criterion::Kind::chain: {
            if (criterion.target_types.size() == 1 && criterion.target_types.front()->name == "Patient" && single_valued(*criterion.parameter)) {
                late.push_back(&criterion);
                return Done{};
            }
            XINGLIN_TRY(CursorPtr cursor, chain(criterion));
            plan_.push_back(criterion.written + ": " + std::to_string(cursor->estimate()) + " by chain");
            meeting.all.push_back(std::move(cursor));
            return Done{};
        }
        case Criterion::Kind::has: {
            XINGLIN_TRY(CursorPtr cursor, has(type, criterion));
            plan_.push_back(criterion.written + ": " + std::to_string(cursor->estimate()) + " by reverse chain");
            meeting.all.push_back(std::move(cursor));
            return Done{};
        }
        case Criterion::Kind::value: break;
    }
    const Parameter& parameter = *criterion.parameter;
    if (parameter.type == ParamType::special) {
        add_filter(meeting, type, criterion);
        return Done{};
    }
    const bool ranged = parameter.type == ParamType::date || parameter.type == ParamType::number || parameter.type == ParamType::quantity;
    if (ranged && criterion.modifier == Modifier::none && std::any_of(criterion.any.begin(), criterion.any.end(), [&](const Operand& o) { return range_is_large(parameter, o); })) {
        late.push_back(&criterion);
        return Done{};
    }
    bool exact = true;
    XINGLIN_TRY(CursorPtr cursor, value(type, criterion, exact));
    if (criterion.modifier == Modifier::negated) {
        if (exact) meeting.none.push_back(std::move(cursor));
        else add_filter(meeting, type, criterion);
        plan_.push_back(criterion.written + ": excluded from the candidates");
        return Done{};
    }
    const std::uint64_t size = cursor->estimate();
    plan_.push_back(criterion.written + ": " + (size >= many ? "many" : std::to_string(size)) + " by index" + (exact ? "" : ", each confirmed"));
    meeting.all.push_back(std::move(cursor));
    if (!exact) add_filter(meeting, type, criterion);
    return Done{};
}

// ---- confirming -----------------------------------------------------------------------------------------------------

search::Surroundings Finder::surroundings(std::int64_t updated_ms) {
    const auto parsed = [this](std::int64_t rid) -> json::Value {
        const auto stored = shelf_.current(rid);
        if (!stored || stored->deleted()) return {};
        auto resource = json::parse(stored->text, arenas_.emplace_back());
        return resource.ok() ? *resource : json::Value();
    };
    search::Surroundings around;
    around.offset_minutes = context_.offset_minutes;
    around.last_updated_ms = updated_ms;
    around.resolve = [this, parsed](const search::Reference& reference) -> json::Value {
        const fhir::Type* type = fhir::find_resource(reference.type);
        if (!type || !context_.numbers.of_type.contains(type)) return {};
        const std::int64_t rid = shelf_.find(context_.numbers.tid(*type), reference.id);
        return rid ? parsed(rid) : json::Value();
    };
    around.referrers = [this, parsed](const Parameter& parameter, std::string_view type_name, std::string_view id) {
        std::vector<json::Value> resources;
        const fhir::Type* type = fhir::find_resource(type_name);
        const std::int64_t rid = type ? shelf_.find(context_.numbers.tid(*type), id) : 0;
        if (rid == 0) return resources;
        for (const Parameter* each : with_included(parameter)) {
            auto cursor = reference_cursor(context_.connection, rid, context_.numbers.pid(*each));
            for (const std::int64_t referrer : collect(*cursor, most_gathered)) {
                if (const json::Value resource = parsed(referrer)) resources.push_back(resource);
            }
        }
        return resources;
    };
    return around;
}

bool Finder::confirm(const fhir::Type& type, const Criterion& criterion, const Stored& stored) {
    arenas_.clear();
    auto resource = json::parse(stored.text, arenas_.emplace_back());
    return resource.ok() && search::matches(type, *resource, criterion, surroundings(stored.updated_ms));
}

void Finder::add_filter(Meeting& meeting, const fhir::Type& type, const Criterion& criterion) {
    // The criterion is copied: a translated query may be gone before its cursor.
    auto kept = std::make_shared<Criterion>(criterion);
    meeting.filters.push_back([this, &type, kept](std::int64_t rid) {
        const auto stored = shelf_.current(rid);
        return stored && !stored->deleted() && confirm(type, *kept, *stored);
    });
    plan_.push_back(criterion.written + ": confirmed on each candidate");
}

bool Finder::matches(const search::Query& query, const fhir::Type& type, const Stored& stored) {
    if (stored.deleted()) return false;
    for (const Criterion& criterion : query.all) {
        if (criterion.kind == Criterion::Kind::id) {
            const std::string id = stored.id();
            if (std::none_of(criterion.any.begin(), criterion.any.end(), [&](const Operand& o) { return o.raw == id; })) return false;
        } else if (criterion.kind == Criterion::Kind::last_updated) {
            if (std::none_of(criterion.any.begin(), criterion.any.end(), [&](const Operand& o) { return search::date_matches(o, stored.updated_ms, stored.updated_ms + 1); })) return false;
        } else {
            Criterion own = criterion;
            if (own.parameter && own.kind != Criterion::Kind::has) own.parameter = search::find_parameter(type, own.parameter->code);
            if (!confirm(type, own, stored)) return false;
        }
    }
    return true;
}

// ---- one condition --------------------------------------------------------------------------------------------------

std::vector<const Parameter*> Finder::with_included(const Parameter& parameter) const {
    std::vector<const Parameter*> found{&parameter};
    for (std::size_t i = 0; i < found.size(); ++i) {
        for (const Parameter* included : found[i]->includes) {
            if (std::find(found.begin(), found.end(), included) == found.end()) found.push_back(included);
        }
    }
    return found;
}

Result<CursorPtr> Finder::value(const fhir::Type&, const Criterion& criterion, bool& exact) {
    std::vector<CursorPtr> parts;
    for (const Operand& each : criterion.any) {
        XINGLIN_TRY(CursorPtr part, operand(*criterion.parameter, criterion, each, exact));
        parts.push_back(std::move(part));
    }
    if (parts.empty()) return list_cursor({});
    // Many alternatives are gathered once rather than asked at every step.
    if (parts.size() > 16) {
        std::vector<std::int64_t> all;
        for (CursorPtr& part : parts) {
            for (const std::int64_t rid : collect(*part, most_gathered)) all.push_back(rid);
            if (all.size() >= most_gathered) return refuse(IssueCode::too_costly, criterion.written, "matches too many resources; add a narrower condition");
        }
        return list_cursor(std::move(all));
    }
    return either_cursor(std::move(parts));
}

Result<CursorPtr> Finder::operand(const Parameter& parameter, const Criterion& criterion, const Operand& operand, bool& exact) {
    if (parameter.type == ParamType::composite) {
        exact = false;
        return composite(parameter, operand);
    }
    std::vector<std::int64_t> found;
    const auto gather = [&](const std::vector<std::int64_t>& more) { found.insert(found.end(), more.begin(), more.end()); };
    std::vector<CursorPtr> parts;
    for (const Parameter* each : with_included(parameter)) {
        const std::int64_t pid = context_.numbers.pid(*each);
        switch (parameter.type) {
            case ParamType::token:
                if (criterion.modifier == Modifier::text) {
                    exact = false;
                    gather(text_terms(space(pid, Space::value), criterion, operand));
                } else {
                    gather(token_terms(space(pid, Space::value), operand));
                }
                break;
            case ParamType::string: gather(string_terms(space(pid, Space::value), criterion.modifier, operand)); break;
            case ParamType::uri:
                if (criterion.modifier != Modifier::none && criterion.modifier != Modifier::negated) exact = false;
                gather(uri_terms(space(pid, Space::value), criterion.modifier, operand));
                break;
            case ParamType::date: parts.push_back(dates(*each, operand)); break;
            case ParamType::number: parts.push_back(numbers(*each, operand)); break;
            case ParamType::quantity: parts.push_back(quantities(*each, operand)); break;
            case ParamType::reference:
                if (criterion.modifier == Modifier::text) {  // displays of references are too many and too alike to index
                    exact = false;
                    parts.push_back(posting_cursor(context_.connection, -context_.numbers.tid(*parameter.resource)));
                } else if (criterion.modifier == Modifier::identifier) {
                    if (each != &parameter) exact = false;
                    gather(token_terms(space(pid, Space::reference_identifier), operand));
                } else if (!operand.url.empty()) {
                    if (each != &parameter) exact = false;
                    gather(uri_terms(space(pid, Space::url), criterion.modifier, operand));
                }
                break;
            default: break;
        }
    }
    if (parameter.type == ParamType::reference && !operand.target_id.empty() && criterion.modifier != Modifier::identifier && criterion.modifier != Modifier::text)
        parts.push_back(references(parameter, criterion, operand));
    if (!found.empty() || parts.empty()) parts.push_back(terms(found));
    return either_cursor(std::move(parts));
}

CursorPtr Finder::terms(const std::vector<std::int64_t>& found) {
    if (found.size() <= 16) {
        std::vector<CursorPtr> parts;
        for (const std::int64_t term : found) parts.push_back(posting_cursor(context_.connection, term));
        return parts.empty() ? list_cursor({}) : either_cursor(std::move(parts));
    }
    std::vector<std::int64_t> rids;
    auto& query = context_.connection.prepare("SELECT rid FROM record_posting WHERE term = ?");
    for (const std::int64_t term : found) {
        query.bind(1, term);
        while (query.step() && rids.size() < most_gathered) rids.push_back(query.integer(0));
        query.reset();
    }
    return list_cursor(std::move(rids));
}

std::vector<std::int64_t> Finder::token_terms(std::int64_t space, const Operand& operand) {
    std::vector<std::int64_t> found;
    const auto gather = [&](sql::Statement& query) {
        while (query.step()) found.push_back(query.integer(0));
    };
    if (!operand.has_system) {
        gather(context_.connection.prepare("SELECT term FROM record_term WHERE space = ? AND norm = ?").bind(1, space).bind(2, operand.code));
    } else if (!operand.code.empty()) {
        gather(context_.connection.prepare("SELECT term FROM record_term WHERE space = ? AND norm = ? AND extra = ?").bind(1, space).bind(2, operand.code).bind(3, operand.system));
    } else {
        gather(context_.connection.prepare("SELECT term FROM record_term WHERE space = ? AND extra = ?").bind(1, space).bind(2, operand.system));
    }
    return found;
}

std::vector<std::int64_t> Finder::text_terms(std::int64_t space, const Criterion& criterion, const Operand& operand) {
    std::vector<std::int64_t> found;
    auto& query = context_.connection.prepare("SELECT text, term FROM record_term_text WHERE space = ?");
    query.bind(1, space);
    while (query.step()) {
        if (search::string_matches(criterion.modifier, operand.raw, query.text(0))) found.push_back(query.integer(1));
    }
    return found;
}

namespace {
/// The least text greater than every text with this prefix; "" when there is none.
std::string after_prefix(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
}
}  // namespace

std::vector<std::int64_t> Finder::string_terms(std::int64_t space, Modifier modifier, const Operand& operand) {
    std::vector<std::int64_t> found;
    const std::string norm = text::fold(operand.raw);
    if (modifier == Modifier::contains) {
        auto& query = context_.connection.prepare("SELECT term, norm FROM record_term WHERE space = ?");
        query.bind(1, space);
        while (query.step()) {
            if (query.text(1).find(norm) != std::string_view::npos) found.push_back(query.integer(0));
        }
    } else if (modifier == Modifier::exact) {
        auto& query = context_.connection.prepare("SELECT term FROM record_term WHERE space = ? AND norm = ? AND extra = ?");
        query.bind(1, space).bind(2, norm).bind(3, norm == operand.raw ? std::string_view() : std::string_view(operand.raw));
        while (query.step()) found.push_back(query.integer(0));
    } else {
        auto& query = context_.connection.prepare("SELECT term FROM record_term WHERE space = ? AND norm >= ? AND norm < ?");
        query.bind(1, space).bind(2, norm);
        // Bytes compare as blobs would; 0xf8 is above all UTF-8.
        const std::string end = norm.empty() ? std::string("\xf8") : after_prefix(norm);
        query.bind(3, end);
        while (query.step()) found.push_back(query.integer(0));
    }
    return found;
}

std::vector<std::int64_t> Finder::uri_terms(std::int64_t space, Modifier modifier, const Operand& operand) {
    std::vector<std::int64_t> found;
    const std::string& uri = operand.url.empty() ? operand.raw : operand.url;
    const auto exactly = [&](std::string_view norm) {
        auto& query = context_.connection.prepare("SELECT term FROM record_term WHERE space = ? AND norm = ?");
        query.bind(1, space).bind(2, norm);
        while (query.step()) found.push_back(query.integer(0));
    };
    if (modifier == Modifier::below) {
        auto& query = context_.connection.prepare("SELECT term FROM record_term WHERE space = ? AND norm >= ? AND norm < ?");
        query.bind(1, space).bind(2, uri).bind(3, after_prefix(uri));
        while (query.step()) found.push_back(query.integer(0));
    } else if (modifier == Modifier::above) {
        for (std::size_t end = uri.size(); end > 0; --end) {
            if (end == uri.size() || uri[end] == '/' || uri[end - 1] == '/' || uri[end] == ':') exactly(std::string_view(uri).substr(0, end));
        }
    } else {
        exactly(uri);
    }
    return found;
}

// ---- ranges ---------------------------------------------------------------------------------------------------------

namespace {
struct Bounds {
    std::int64_t from = calendar::beginning_ms * 2, upto = calendar::end_of_time_ms * 2;  // of the row's low end, inclusive
};

// Where the low end of a matching interval can lie, when intervals are at most `longest` long.
Bounds date_bounds(const Operand& operand, std::int64_t longest) {
    Bounds bounds;
    const auto [low, high] = operand.span;
    switch (operand.prefix) {
        case Prefix::eq: bounds = {low, high}; break;
        case Prefix::gt: bounds.from = high - longest; break;
        case Prefix::ge: bounds.from = std::min(low, high - longest); break;
        case Prefix::lt: bounds.upto = low; break;
        case Prefix::le: bounds.upto = high; break;
        case Prefix::sa: bounds.from = high; break;
        case Prefix::eb: bounds.upto = low; break;
        case Prefix::ne:
        case Prefix::ap: break;
    }
    return bounds;
}
constexpr std::int64_t forever = calendar::end_of_time_ms - calendar::beginning_ms;  // from an open start to an open end

constexpr double infinity = std::numeric_limits<double>::infinity();
struct NumberBounds {
    double from = -infinity, upto = infinity;
};
NumberBounds number_bounds(const Operand& operand) {
    switch (operand.prefix) {
        case Prefix::eq: return {std::min(operand.low, operand.number), std::max(operand.high, operand.number)};
        case Prefix::gt:
        case Prefix::ge:
        case Prefix::sa: return {std::min(operand.low, operand.number), infinity};
        case Prefix::lt:
        case Prefix::le:
        case Prefix::eb: return {-infinity, std::max(operand.high, operand.number)};
        default: return {};
    }
}
constexpr std::string_view date_range = "SELECT low, span, rid FROM record_date WHERE key = ? AND low >= ? AND low <= ?";
constexpr std::string_view number_range = "SELECT low, high, unit, rid FROM record_number WHERE pid = ? AND low >= ? AND low <= ?";
}  // namespace

std::int64_t Finder::least_low(const Operand& operand, bool is_long) const { return date_bounds(operand, is_long ? forever : short_span_ms).from; }
std::int64_t Finder::greatest_low(const Operand& operand, bool is_long) const { return date_bounds(operand, is_long ? forever : short_span_ms).upto; }

bool Finder::range_is_large(const Parameter& parameter, const Operand& operand) {
    std::int64_t rows = 0;
    for (const Parameter* each : with_included(parameter)) {
        const std::int64_t pid = context_.numbers.pid(*each);
        sql::Statement* query = nullptr;
        if (parameter.type == ParamType::date) {
            const Bounds bounds = date_bounds(operand, short_span_ms);
            query = &context_.connection.prepare("SELECT 1 FROM record_date WHERE key = ? AND low >= ? AND low <= ? LIMIT ?");
            query->bind(1, date_key(pid, false)).bind(2, bounds.from).bind(3, bounds.upto).bind(4, large_range);
        } else {
            const NumberBounds bounds = number_bounds(operand);
            query = &context_.connection.prepare("SELECT 1 FROM record_number WHERE pid = ? AND low >= ? AND low <= ? LIMIT ?");
            query->bind(1, pid).bind(2, bounds.from).bind(3, bounds.upto).bind(4, large_range);
        }
        while (query->step()) ++rows;
    }
    return rows >= large_range;
}

CursorPtr Finder::dates(const Parameter& parameter, const Operand& operand) {
    std::vector<std::int64_t> rids;
    const std::int64_t pid = context_.numbers.pid(parameter);
    for (const bool is_long : {false, true}) {
        const Bounds bounds = date_bounds(operand, is_long ? forever : short_span_ms);
        auto& query = context_.connection.prepare(date_range);
        query.bind(1, date_key(pid, is_long)).bind(2, bounds.from).bind(3, bounds.upto);
        while (query.step()) {
            const std::int64_t low = query.integer(0);
            if (search::date_matches(operand, low, low + unpack_span(query.integer(1)))) rids.push_back(query.integer(2));
        }
    }
    return list_cursor(std::move(rids));
}

CursorPtr Finder::numbers(const Parameter& parameter, const Operand& operand) {
    std::vector<std::int64_t> rids;
    const std::int64_t pid = context_.numbers.pid(parameter);
    for (const bool is_range : {false, true}) {
        const NumberBounds bounds = is_range ? NumberBounds{} : number_bounds(operand);
        auto& query = context_.connection.prepare(number_range);
        query.bind(1, is_range ? -pid : pid).bind(2, bounds.from).bind(3, bounds.upto);
        while (query.step()) {
            if (search::number_matches(operand, query.real(0), query.real(1))) rids.push_back(query.integer(3));
        }
    }
    return list_cursor(std::move(rids));
}

CursorPtr Finder::quantities(const Parameter& parameter, const Operand& operand) {
    std::vector<std::int64_t> units;
    const bool any_unit = operand.code.empty() && operand.system.empty();
    if (!any_unit) {
        Operand unit = operand;
        unit.has_system = !operand.system.empty();
        units = token_terms(unit_space, unit);
        std::sort(units.begin(), units.end());
    }
    std::vector<std::int64_t> rids;
    const std::int64_t pid = context_.numbers.pid(parameter);
    for (const bool is_range : {false, true}) {
        const NumberBounds bounds = is_range ? NumberBounds{} : number_bounds(operand);
        auto& query = context_.connection.prepare(number_range);
        query.bind(1, is_range ? -pid : pid).bind(2, bounds.from).bind(3, bounds.upto);
        while (query.step()) {
            if ((any_unit || std::binary_search(units.begin(), units.end(), query.integer(2))) && search::number_matches(operand, query.real(0), query.real(1)))
                rids.push_back(query.integer(3));
        }
    }
    return list_cursor(std::move(rids));
}

// ---- references, chains, compartments -------------------------------------------------------------------------------

CursorPtr Finder::references(const Parameter& parameter, const Criterion& criterion, const Operand& operand) {
    std::vector<CursorPtr> parts;
    const auto add = [&](const fhir::Type& type) {
        if (!context_.numbers.of_type.contains(&type)) return;
        const std::int64_t rid = shelf_.find(context_.numbers.tid(type), operand.target_id);
        if (rid == 0) return;
        for (const Parameter* each : with_included(parameter)) {
            const search::Reference row{each, type.name, operand.target_id, {}, {}};
            if (search::counts_for(parameter, row)) parts.push_back(reference_cursor(context_.connection, rid, context_.numbers.pid(*each)));
        }
    };
    const std::string_view named = !operand.target_type.empty() ? std::string_view(operand.target_type) : std::string_view(criterion.type_modifier);
    if (!named.empty()) {
        if (const fhir::Type* type = fhir::find_resource(named)) add(*type);
    } else {
        for (const fhir::Type* type : fhir::resources()) add(*type);
    }
    return parts.empty() ? list_cursor({}) : either_cursor(std::move(parts));
}

Result<CursorPtr> Finder::composite(const Parameter& parameter, const Operand& operand_value) {
    auto meeting = std::make_unique<Meeting>();
    const std::size_t count = std::min(parameter.components.size(), operand_value.components.size());
    for (std::size_t i = 0; i < count; ++i) {
        bool exact = true;
        XINGLIN_TRY(CursorPtr part, operand(*parameter.components[i].parameter, Criterion{}, operand_value.components[i], exact));
        meeting->all.push_back(std::move(part));
    }
    meeting->arrange();
    return CursorPtr(std::move(meeting));
}

Result<CursorPtr> Finder::chain(const Criterion& criterion) {
    std::vector<std::int64_t> rids;
    for (std::size_t i = 0; i < criterion.target_types.size(); ++i) {
        XINGLIN_TRY(CursorPtr targets, meeting(*criterion.target_types[i], {criterion.inner[i]}, nullptr));
        const std::vector<std::int64_t> found = collect(*targets, most_gathered);
        auto& query = context_.connection.prepare("SELECT rid FROM record_reference WHERE target = ? AND pid = ?");
        for (const Parameter* each : with_included(*criterion.parameter)) {
            const std::int64_t pid = context_.numbers.pid(*each);
            for (const std::int64_t target : found) {
                query.bind(1, target).bind(2, pid);
                while (query.step()) rids.push_back(query.integer(0));
            }
            if (rids.size() > 4 * most_gathered) return refuse(IssueCode::too_costly, criterion.written, "the chain reaches too many resources; add a narrower condition");
        }
    }
    return list_cursor(std::move(rids));
}

std::vector<std::int64_t> Finder::targets_of(std::int64_t rid, const Parameter& parameter, const fhir::Type& target) {
    std::vector<std::int64_t> found;
    const auto stored = shelf_.current(rid);
    if (!stored || stored->deleted()) return found;
    json::Arena arena;
    auto resource = json::parse(stored->text, arena);
    if (!resource.ok()) return found;
    search::Entries entries;
    search::extract(*parameter.resource, *resource, context_.offset_minutes, entries);
    const auto asked = with_included(parameter);
    for (const search::Reference& reference : entries.references) {
        if (reference.type != target.name || std::find(asked.begin(), asked.end(), reference.parameter) == asked.end()) continue;
        if (const std::int64_t named = shelf_.find(context_.numbers.tid(target), reference.id)) found.push_back(named);
    }
    return found;
}

Result<CursorPtr> Finder::has(const fhir::Type& type, const Criterion& criterion) {
    XINGLIN_TRY(CursorPtr sources, meeting(*criterion.has_type, criterion.inner, nullptr));
    const Parameter& parameter = *criterion.parameter;
    const auto asked = with_included(parameter);
    const bool by_place = type.name == "Patient" && single_valued(parameter);
    auto& probe = context_.connection.prepare("SELECT 1 FROM record_reference WHERE target = ? AND pid = ? AND rid = ?");
    std::vector<std::int64_t> rids;
    std::int64_t last_patient = 0;
    for (std::int64_t rid = sources->seek(std::numeric_limits<std::int64_t>::min()); rid != no_more; rid = sources->seek(rid + 1)) {
        // What concerns a patient mostly lies in the patient's own range: one probe instead of reading the resource.
        const std::int64_t patient = ordinal_of(rid) >= first_patient_ordinal ? ordinal_of(rid) << rid_bits : 0;
        bool found = false;
        for (const Parameter* each : asked) {
            if (!by_place || patient == 0 || found) break;
            probe.bind(1, patient).bind(2, context_.numbers.pid(*each)).bind(3, rid);
            found = probe.step();
            probe.reset();
        }
        if (found) {
            if (patient != last_patient) rids.push_back(last_patient = patient);
        } else {
            for (const std::int64_t target : targets_of(rid, parameter, type)) rids.push_back(target);
        }
        if (rids.size() > most_gathered) return refuse(IssueCode::too_costly, criterion.written, "reaches too many resources; add a narrower condition");
    }
    return list_cursor(std::move(rids));
}

CursorPtr Finder::by_id(const fhir::Type& type, const Criterion& criterion) {
    std::vector<std::int64_t> rids;
    for (const Operand& operand : criterion.any) {
        if (const std::int64_t rid = shelf_.find(context_.numbers.tid(type), operand.raw)) rids.push_back(rid);
    }
    plan_.push_back(criterion.written + ": " + std::to_string(rids.size()) + " by id");
    return list_cursor(std::move(rids));
}

// Through the feed, whose times are in order; nothing when the range is large and asking each candidate is cheaper.
CursorPtr Finder::last_updated(const fhir::Type& type, const Criterion& criterion) {
    std::vector<std::int64_t> rids;
    const std::int64_t last = feed::last(context_.connection).position, tid = context_.numbers.tid(type);
    for (const Operand& operand : criterion.any) {
        const Bounds bounds = date_bounds(operand, 1);
        const std::int64_t after = feed::position_at(context_.connection, bounds.from - 1);
        const std::int64_t upto = bounds.upto >= calendar::end_of_time_ms ? last : feed::position_at(context_.connection, bounds.upto);
        if (upto - after > recent_changes) return nullptr;
        feed::forward(context_.connection, after, upto, [&](const feed::Change& change) {
            if (change.type == tid && search::date_matches(operand, change.updated_ms, change.updated_ms + 1)) rids.push_back(change.resource);
            return true;
        });
    }
    // A resource whose matching version has been superseded doesn't match.
    std::erase_if(rids, [&](std::int64_t rid) {
        const auto stored = shelf_.current(rid, false);
        return !stored || std::none_of(criterion.any.begin(), criterion.any.end(), [&](const Operand& o) { return search::date_matches(o, stored->updated_ms, stored->updated_ms + 1); });
    });
    plan_.push_back(criterion.written + ": " + std::to_string(rids.size()) + " from the feed");
    return list_cursor(std::move(rids));
}

CursorPtr Finder::compartment(const fhir::Type& type, const search::Query& query) {
    std::vector<CursorPtr> parts;
    const fhir::Type* owner = fhir::find_resource(query.compartment_type);
    const std::int64_t rid = owner && context_.numbers.of_type.contains(owner) ? shelf_.find(context_.numbers.tid(*owner), query.compartment_id) : 0;
    if (rid != 0) {
        if (owner == &type) parts.push_back(list_cursor({rid}));
        for (const std::string_view code : fhir::compartment_parameters(query.compartment_type, type.name)) {
            const Parameter* parameter = search::find_parameter(type, code);
            if (!parameter) continue;
            for (const Parameter* each : with_included(*parameter)) parts.push_back(reference_cursor(context_.connection, rid, context_.numbers.pid(*each)));
        }
    }
    plan_.push_back("compartment: " + std::to_string(parts.size()) + " reference lists");
    return parts.empty() ? list_cursor({}) : either_cursor(std::move(parts));
}

Result<std::vector<std::string>> Finder::ids(const search::Query& query, std::size_t limit) {
    XINGLIN_TRY(CursorPtr found, cursor(query));
    std::vector<std::string> ids;
    for (const std::int64_t rid : collect(*found, limit)) {
        if (const auto stored = shelf_.current(rid)) ids.push_back(stored->id());
    }
    return ids;
}

}  // namespace xinglin::record
