// SPDX-License-Identifier: Apache-2.0
// A query becomes a meeting of cursors: which condition leads, which are met, which are confirmed on the resource.
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

namespace {
constexpr std::uint64_t few = 256;  // candidates that are cheaper to confirm one by one than to gather a large range
constexpr std::size_t narrow_enough = 2'000;
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
        if (!criterion.parameter)
            return refuse(IssueCode::not_supported, criterion.written,
                          std::string("not a search parameter of ") + std::string(type.name));
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
    auto& probe = context_.connection.prepare(
        "SELECT 1 FROM record_reference WHERE target = ? AND pid = ? AND rid = ? /*pg AND p = ?3 >> 20*/");
    meeting.filters.push_back([this, patients, &probe, &patient_type, parameter = criterion.parameter,
                               asked = with_included(*criterion.parameter)](std::int64_t rid) {
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

Result<Done> Finder::add(Meeting& meeting, const fhir::Type& type, const Criterion& criterion,
                         std::vector<const Criterion*>& late) {
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
                return stored && std::any_of(any.begin(), any.end(), [&](const Operand& o) {
                           return search::date_matches(o, stored->updated_ms, stored->updated_ms + 1);
                       });
            });
            return Done{};
        }
        case Criterion::Kind::chain: {
            if (criterion.target_types.size() == 1 && criterion.target_types.front()->name == "Patient" &&
                single_valued(*criterion.parameter)) {
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
    const bool ranged =
        parameter.type == ParamType::date || parameter.type == ParamType::number || parameter.type == ParamType::quantity;
    if (ranged && criterion.modifier == Modifier::none &&
        std::any_of(criterion.any.begin(), criterion.any.end(), [&](const Operand& o) { return range_is_large(parameter, o); })) {
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
    plan_.push_back(criterion.written + ": " + (size >= many ? "many" : std::to_string(size)) + " by index" +
                    (exact ? "" : ", each confirmed"));
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
            if (std::none_of(criterion.any.begin(), criterion.any.end(), [&](const Operand& o) { return o.raw == id; }))
                return false;
        } else if (criterion.kind == Criterion::Kind::last_updated) {
            if (std::none_of(criterion.any.begin(), criterion.any.end(),
                             [&](const Operand& o) { return search::date_matches(o, stored.updated_ms, stored.updated_ms + 1); }))
                return false;
        } else {
            Criterion own = criterion;
            if (own.parameter && own.kind != Criterion::Kind::has)
                own.parameter = search::find_parameter(type, own.parameter->code);
            if (!confirm(type, own, stored)) return false;
        }
    }
    return true;
}

}  // namespace xinglin::record
