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
constexpr std::uint64_t few = 256;           // candidates that are cheaper to confirm one by one than to gather a large range
constexpr std::size_t read_at_once = 4'000;  // rows gathered before the first candidate is confirmed
constexpr std::uint64_t plenty = 20'000;     // candidates to be read all, for which gathering pays whatever it costs

/// "code=8302-2,8480-6", cut off when long.
std::string words_of(const Criterion& criterion) {
    std::string words = criterion.written;
    char before = '=';
    for (const Operand& operand : criterion.any) {
        if (words.size() > 80) return words + ",…";
        words += before + operand.raw;
        before = ',';
    }
    if (criterion.kind == Criterion::Kind::missing) words += criterion.missing ? "=true" : "=false";
    return words;
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
    auto found = meeting(*query.types.front(), rest, &query);
    if (back_) back_->members.clear();  // known by the place of their conditions, which were copied here
    return found;
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
    auto found = meeting(type, translated, &query);
    if (back_) back_->members.clear();
    return found;
}

Step* Finder::step(std::string_view kind, const Criterion& criterion, std::string_view how) {
    if (!plan_.on) return nullptr;
    return plan_.add(kind, words_of(criterion) + ": " + std::string(how),
                     criterion.parameter ? criterion.parameter->code : std::string_view());
}

CursorPtr Finder::shown(CursorPtr cursor, std::string_view kind, const Criterion& criterion, std::string_view how) {
    return plan_.watch(std::move(cursor), step(kind, criterion, how));
}

std::uint64_t Finder::size_of(const fhir::Type& type) {
    auto& query = context_.connection.prepare("SELECT count FROM record_type WHERE tid = ?");
    query.bind(1, context_.numbers.tid(type));
    const std::uint64_t size = query.step() ? static_cast<std::uint64_t>(query.integer(0)) : 0;
    query.reset();
    return size;
}

bool Finder::Making::led() const {
    const auto open = std::count_if(lazy.begin(), lazy.end(), [](const auto& each) { return !each.first->exact(); });
    return meeting.all.size() > static_cast<std::size_t>(open);
}

Result<CursorPtr> Finder::meeting(const fhir::Type& type, std::span<const Criterion> all, const search::Query* query) {
    auto meeting = std::make_unique<Meeting>();
    Making making{*meeting, type};
    Step* step = plan_.add("intersect", std::string(type.name));
    const Plan::Open open(plan_, step);
    if (query && !query->compartment_type.empty()) meeting->all.push_back(compartment(type, *query));
    for (const Criterion& criterion : all) {
        XINGLIN_CHECK(add(making, criterion));
    }
    meeting->arrange();
    for (const Criterion* criterion : making.late) {
        XINGLIN_CHECK(add_patient_chain(making, *criterion));
    }
    if (context_.guard && !unguarded_) XINGLIN_CHECK(stand_guard(making));
    XINGLIN_CHECK(settle(making));
    look_ahead(making);
    // Lists by id or time know nothing of types and deletions; and something has to lead.
    if (!making.bound || !making.led())
        meeting->all.push_back(plan_.watch(posting_cursor(context_.connection, -context_.numbers.tid(type)),
                                           plan_.add("postings", "all of type " + std::string(type.name))));
    meeting->arrange();
    return plan_.watch(std::move(meeting), step);
}

// What will be confirmed on the resource is fetched some in advance, where that saves round trips.
void Finder::look_ahead(Making& making) {
    if (!shelf_.looks_ahead()) return;
    const bool asks_text =
        making.asks_text || std::any_of(making.lazy.begin(), making.lazy.end(), [](auto& each) { return !each.first->exact(); });
    if (asks_text || making.asks_row)
        making.meeting.ahead.push_back([this, asks_text](std::span<const std::int64_t> rids) { shelf_.expect(rids, asks_text); });
}

// How far large conditions are gathered before the first candidate is met.
Result<Done> Finder::settle(Making& making) {
    Meeting& meeting = making.meeting;
    const std::uint64_t candidates = making.led() ? meeting.estimate() : size_of(making.type);
    if (candidates <= few) return Done{};
    for (auto& [lazy, written] : making.lazy) {
        const bool all = reads_all_ && candidates > plenty;
        lazy->read(all ? SIZE_MAX : read_at_once);
        if (lazy->too_many())
            return refuse(IssueCode::too_costly, written, "matches too many resources; add a narrower condition");
    }
    return Done{};
}

// A condition on the patient that a resource names: asked of each candidate's patient when that is the shorter way.
Result<Done> Finder::add_patient_chain(Making& making, const Criterion& criterion) {
    Meeting& meeting = making.meeting;
    const fhir::Type& patient_type = *criterion.target_types.front();
    Step* step = this->step("chain", criterion, "asked of each candidate's patient");
    const Plan::Open open(plan_, step);
    CursorPtr inner;
    if (!back_) {
        XINGLIN_TRY(inner, this->meeting(patient_type, {&criterion.inner.front(), 1}, nullptr));
    }
    if (!inner || !making.led() || inner->estimate() <= std::min<std::uint64_t>(few, meeting.estimate())) {
        inner.reset();
        XINGLIN_TRY(CursorPtr cursor, chain(criterion));
        meeting.all.push_back(std::move(cursor));
        meeting.arrange();
        making.bound = true;
        return Done{};
    }
    std::shared_ptr<Cursor> patients = std::move(inner);
    std::vector<std::int64_t> pids;
    for (const Parameter* each : with_included(*criterion.parameter)) pids.push_back(context_.numbers.pid(*each));
    if (shelf_.looks_ahead())
        meeting.ahead.push_back([this, pids](std::span<const std::int64_t> rids) { shelf_.expect_own_patient(rids, pids); });
    const auto asks = [this, patients, &patient_type, parameter = criterion.parameter, pids](std::int64_t rid) {
        if (shelf_.names_own_patient(rid, pids)) return patients->has(patient_of(rid));
        const std::vector<std::int64_t> named = targets_of(rid, *parameter, patient_type);
        return std::any_of(named.begin(), named.end(), [&](std::int64_t target) { return patients->has(target); });
    };
    meeting.filters.push_back(plan_.counted(asks, step));
    return Done{};
}

void Finder::add_missing(Making& making, const Criterion& criterion) {
    const std::uint64_t bit = std::uint64_t{1} << criterion.parameter->bit;
    const bool missing = criterion.missing;
    const auto asks = [this, bit, missing](std::int64_t rid) {
        const auto stored = shelf_.current(rid, false);
        return stored && ((stored->present & bit) == 0) == missing;
    };
    making.asks_row = true;
    making.meeting.filters.push_back(plan_.counted(asks, step("confirm", criterion, "asked of each candidate's presence bits")));
}

void Finder::add_last_updated(Making& making, const Criterion& criterion) {
    CursorPtr cursor = last_updated(making.type, criterion);
    if (cursor) {
        making.meeting.all.push_back(shown(std::move(cursor), "range", criterion, "from the feed"));
        return;
    }
    const auto asks = [this, any = criterion.any](std::int64_t rid) {
        const auto stored = shelf_.current(rid, false);
        return stored && std::any_of(any.begin(), any.end(), [&](const Operand& o) {
                   return search::date_matches(o, stored->updated_ms, stored->updated_ms + 1);
               });
    };
    making.asks_row = true;
    making.meeting.filters.push_back(plan_.counted(asks, step("confirm", criterion, "asked of each candidate's time")));
}

Result<Done> Finder::add(Making& making, const Criterion& criterion) {
    Meeting& meeting = making.meeting;
    switch (criterion.kind) {
        case Criterion::Kind::missing: add_missing(making, criterion); return Done{};
        case Criterion::Kind::id:
            meeting.all.push_back(shown(by_id(making.type, criterion), "postings", criterion, "by id"));
            return Done{};
        case Criterion::Kind::last_updated: add_last_updated(making, criterion); return Done{};
        case Criterion::Kind::chain: {
            if (criterion.target_types.size() == 1 && criterion.target_types.front()->name == "Patient" &&
                single_valued(*criterion.parameter)) {
                making.late.push_back(&criterion);
                return Done{};
            }
            Step* step = this->step("chain", criterion, "followed backwards");
            const Plan::Open open(plan_, step);
            XINGLIN_TRY(CursorPtr cursor, chain(criterion));
            meeting.all.push_back(plan_.watch(std::move(cursor), step));
            making.bound = true;
            return Done{};
        }
        case Criterion::Kind::has: {
            Step* step = this->step("has", criterion, "whom the matching ones name");
            const Plan::Open open(plan_, step);
            XINGLIN_TRY(CursorPtr cursor, has(making.type, criterion));
            meeting.all.push_back(plan_.watch(std::move(cursor), step));
            return Done{};
        }
        case Criterion::Kind::value: return add_value(making, criterion);
    }
    return Done{};
}

Result<Done> Finder::add_value(Making& making, const Criterion& criterion) {
    Meeting& meeting = making.meeting;
    const ParamType kind = criterion.parameter->type;
    if (kind == ParamType::special) {
        add_filter(making, criterion);
        return Done{};
    }
    const bool negated = criterion.modifier == Modifier::negated || criterion.modifier == Modifier::not_in;
    bool exact = true;
    XINGLIN_TRY(CursorPtr cursor, value(criterion, exact));
    Lazy* lazy = dynamic_cast<Lazy*>(cursor.get());
    if (negated && exact && !lazy) {
        meeting.none.push_back(shown(std::move(cursor), "postings", criterion, "taken out of the candidates"));
        return Done{};
    }
    if (negated) {
        add_filter(making, criterion);
        return Done{};
    }
    if (lazy) making.lazy.emplace_back(lazy, criterion.written);
    making.bound = true;
    const bool ranged = kind == ParamType::date || kind == ParamType::number || kind == ParamType::quantity;
    meeting.all.push_back(shown(std::move(cursor),
                                ranged                         ? "range"
                                : kind == ParamType::reference ? "reference"
                                                               : "postings",
                                criterion, lazy ? "confirmed or gathered, whichever is less" : "by index"));
    if (!exact) add_filter(making, criterion);
    return Done{};
}

// ---- confirming -----------------------------------------------------------------------------------------------------

search::Surroundings Finder::surroundings(std::int64_t updated_ms) {
    const auto parsed = [this](std::int64_t rid) -> json::Value {
        const auto stored = at(rid);
        if (!stored || stored->deleted() || (context_.guard && !unguarded_ && !(back_ ? sees_then(*stored) : sees(*stored))))
            return {};
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
            for (const std::int64_t referrer : referrers(rid, *each, most_gathered)) {
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

Lazy::Confirm Finder::confirming(const fhir::Type& type, const Criterion& criterion) {
    // The criterion is copied: a translated query may be gone before its cursor.
    return [this, &type, kept = std::make_shared<Criterion>(criterion)](std::int64_t rid) {
        const auto stored = shelf_.current(rid);
        return stored && !stored->deleted() && confirm(type, *kept, *stored);
    };
}

void Finder::add_filter(Making& making, const Criterion& criterion) {
    making.asks_text = true;
    making.meeting.filters.push_back(
        plan_.counted(confirming(making.type, criterion), step("confirm", criterion, "asked of each candidate")));
}

bool Finder::matches(const search::Query& query, const fhir::Type& type, const Stored& stored) {
    if (stored.deleted() || !in_compartment(query, type, stored)) return false;
    if (!sees_then(stored)) return false;
    for (const Criterion& criterion : query.all) {
        const auto held = holds(criterion, type, stored);
        if (!held.ok() || !*held) return false;  // what is refused was so before: the candidates came from the same conditions
    }
    return true;
}

Result<bool> Finder::holds(const Criterion& criterion, const fhir::Type& type, const Stored& stored) {
    using Kind = Criterion::Kind;
    const auto any = [&](auto&& one) { return std::any_of(criterion.any.begin(), criterion.any.end(), one); };
    if (criterion.kind == Kind::id) return any([id = stored.id()](const Operand& o) { return o.raw == id; });
    if (criterion.kind == Kind::last_updated)
        return any([&](const Operand& o) { return search::date_matches(o, stored.updated_ms, stored.updated_ms + 1); });
    if (back_ && criterion.kind == Kind::has) {
        XINGLIN_TRY(const std::vector<std::int64_t>* named, members_then(type, criterion));
        return std::binary_search(named->begin(), named->end(), stored.rid);
    }
    Criterion own = criterion;
    if (own.parameter && own.kind != Kind::has) own.parameter = search::find_parameter(type, own.parameter->code);
    if (!back_ || criterion.kind != Kind::chain) return confirm(type, own, stored);
    for (std::size_t i = 0; own.parameter && i < criterion.target_types.size(); ++i) {
        XINGLIN_TRY(const std::vector<std::int64_t>* found, members_then(*criterion.target_types[i], criterion.inner[i]));
        for (const std::int64_t target : targets_in(stored, *own.parameter, *criterion.target_types[i])) {
            if (std::binary_search(found->begin(), found->end(), target)) return true;
        }
    }
    return false;
}

}  // namespace xinglin::record
