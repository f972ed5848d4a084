// SPDX-License-Identifier: Apache-2.0
// One change: what can be refused early, the guess, and what happens inside the writer.
#include "ingest/step.h"

#include "fhir/id.h"
#include "http/http.h"

namespace xinglin::ingest {

bool is_id(std::string_view text) { return fhir::is_id(text); }

bool is_operation_address(std::string_view url) {
    const std::string_view path = url.substr(0, url.find('?'));
    const std::size_t slash = path.rfind('/');
    return path.substr(slash == std::string_view::npos ? 0 : slash + 1).starts_with('$');
}

std::string patient_of(json::Value resource) {
    if (resource.find("resourceType").string() == "Patient") return std::string(resource.find("id").string());
    for (const std::string_view key : {"subject", "patient", "beneficiary", "for", "individual", "candidate"}) {
        json::Value named = resource.find(key);
        if (named.is_array()) named = named[0];
        const std::string_view reference = named.find("reference").string();
        if (reference.starts_with("Patient/")) return std::string(reference.substr(8, reference.find('/', 8) - 8));
    }
    return {};
}

Result<search::Query> parse_condition(const fhir::Type& type, std::string_view encoded, std::int16_t offset_minutes) {
    XINGLIN_TRY(const auto parameters, http::parse_query(encoded));
    const fhir::Type* types[] = {&type};
    XINGLIN_TRY(search::Query query, search::parse(types, parameters, {.offset_minutes = offset_minutes}));
    if (query.all.empty()) {
        return refuse(IssueCode::precondition, std::string(type.name) + "?" + std::string(encoded),
                      "the condition selects every resource; name at least one search parameter with a value");
    }
    return query;
}

Result<Done> check_resource(json::Value resource, const fhir::Type* expected) {
    if (!resource.is_object()) return refuse(IssueCode::structure, "", "expected a resource: a JSON object with resourceType");
    const std::string_view name = resource.find("resourceType").string();
    if (name.empty()) return refuse(IssueCode::structure, "resourceType", "is missing; every resource names its type first");
    const fhir::Type* type = fhir::find_resource(name);
    if (!type || type->is_abstract) return refuse(IssueCode::structure, "resourceType", "is not a resource type of FHIR R4");
    if (expected && type != expected) {
        return refuse(IssueCode::invalid, "resourceType",
                      "is " + std::string(type->name) + ", but the address says " + std::string(expected->name));
    }
    Outcome outcome = fhir::validate(resource);
    if (!outcome.ok()) return outcome;
    return Done{};
}

Result<std::vector<std::string>> find_ids(record::Store& store, const search::Query& query) {
    search::Query limited = query;
    limited.count = 2;
    limited.total = search::Total::none;
    limited.includes.clear();
    record::Reader reader = store.reader(access::Viewer::program("ingest"));
    XINGLIN_TRY(const record::Found found, reader.search(limited));
    std::vector<std::string> ids;
    for (const auto& entry : found.entries) {
        if (!entry.included) ids.push_back(entry.version.id);
    }
    return ids;
}

Result<Done> Steps::examine(Step& step) {
    Change& change = step.change;
    XINGLIN_ASSERT(change.type != nullptr);
    if (!change.id.empty() && !is_id(change.id))
        return refuse(IssueCode::value, "id", "must be 1 to 64 letters, digits, '-' or '.'");
    if (!change.condition.empty()) {
        XINGLIN_TRY(step.query, parse_condition(*change.type, change.condition, store_.offset_minutes()));
    }
    if (change.kind == Change::Kind::erase || change.patch) return Done{};
    return check(step);
}

Result<Done> Steps::check(Step& step) {
    Change& change = step.change;
    XINGLIN_CHECK(check_resource(change.resource, change.type));
    if (options_.complete) change.resource = options_.complete(change.resource, arena_);
    if (options_.check) {
        if (Outcome outcome = options_.check(change.resource); !outcome.ok()) return outcome;
    }
    step.resource = change.resource;
    if (change.kind == Change::Kind::update) {
        const json::Value id = change.resource.find("id");
        if (!change.id.empty() && id.string() != change.id) {
            return refuse(IssueCode::invalid, std::string(change.type->name) + ".id",
                          id ? "differs from the id in the address" : "is missing; an update carries the id of its address");
        }
    }
    return Done{};
}

Result<Done> Steps::match_patch(Step& step, const std::vector<std::string>& found) {
    const std::string where = std::string(step.change.type->name) + "?" + step.change.condition;
    if (found.empty()) return refuse(IssueCode::not_found, where, "nothing matches the condition");
    if (found.size() > 1)
        return refuse(IssueCode::multiple_matches, where, "several resources match; make the condition say which");
    step.target = found.front();
    return Done{};
}

Result<Done> Steps::patch(Step& step, const record::Version& present) {
    XINGLIN_TRY(const json::Value resource,
                json::parse(arena_.keep(present.body), arena_, {.depth = 1'000, .bytes = present.body.size() + 1}));
    XINGLIN_TRY(step.change.resource, step.change.patch(resource, arena_));
    step.patched_version = present.version;
    return check(step);
}

/// What FHIR says of a condition with these matches (http.html#ccreate, #cond-update, #cdelete).
Result<Done> Steps::match(Step& step, const std::vector<std::string>& found) {
    const Change& change = step.change;
    if (found.size() > 1) {
        return refuse(IssueCode::multiple_matches, std::string(change.type->name) + "?" + change.condition,
                      "several resources match; make the condition say which");
    }
    const bool created_already = step.creates;  // by the guess: the fresh id stays
    step.creates = found.empty();
    if (!found.empty()) {
        if (change.kind == Change::Kind::update) {
            const std::string_view id = change.resource.find("id").string();
            if (!id.empty() && id != found.front()) {
                return refuse(IssueCode::invalid, std::string(change.type->name) + ".id",
                              "differs from the id of the resource that matches the condition");
            }
        }
        step.target = found.front();
        return Done{};
    }
    if (change.kind == Change::Kind::erase) {
        step.target.clear();
    } else if (const std::string_view id = change.resource.find("id").string();
               change.kind == Change::Kind::update && !id.empty()) {
        step.target = id;
    } else if (!created_already) {
        step.target = store_.new_id();
    }
    return Done{};
}

Result<Done> Steps::guess(Step& step) {
    const Change& change = step.change;
    if (change.patch) {
        step.target = change.id;
        if (step.query) {
            XINGLIN_TRY(const std::vector<std::string> found, find_ids(store_, *step.query));
            XINGLIN_CHECK(match_patch(step, found));
        }
        XINGLIN_TRY(const record::Version present,
                    store_.reader(access::Viewer::program("ingest")).read(*change.type, step.target));
        return patch(step, present);
    }
    if (!step.query) {
        step.creates = change.kind == Change::Kind::create;
        step.target = step.creates ? store_.new_id() : change.id;
        return Done{};
    }
    XINGLIN_TRY(const std::vector<std::string> found, find_ids(store_, *step.query));
    return match(step, found);
}

void Steps::prepare(Step& step) {
    if (step.change.kind == Change::Kind::erase) return;
    if (step.resource.find("id").string() != step.target) {
        step.resource = arena_.with_after(step.resource, "resourceType", "id", arena_.string(step.target));
    }
    step.patient = patient_of(step.resource);
    step.prepared.emplace(store_.prepare(*step.change.type, step.target, step.resource));
}

Result<bool> Steps::settle(Step& step, record::Transaction& transaction) {
    if (step.change.patch) {
        const std::string type_name(step.change.type->name);
        if (step.query) {
            XINGLIN_TRY(const std::vector<std::string> found, transaction.search(*step.query, 2));
            XINGLIN_CHECK(match_patch(step, found));
        }
        const auto state = transaction.state(*step.change.type, step.target);
        if (!state) return refuse(IssueCode::not_found, type_name, "there is no such resource");
        if (state->deleted) return refuse(IssueCode::deleted, type_name, "this resource has been deleted");
        if (step.patched_version == state->version && step.resource.find("id").string() == step.target) return false;
        const auto present = transaction.read(*step.change.type, step.target);
        XINGLIN_ASSERT(present.has_value());
        XINGLIN_CHECK(patch(step, *present));
        return true;
    }
    if (!step.query) return false;
    const std::string guessed = step.target;
    const bool guessed_creates = step.creates;
    XINGLIN_TRY(const std::vector<std::string> found, transaction.search(*step.query, 2));
    XINGLIN_CHECK(match(step, found));
    return step.target != guessed || step.creates != guessed_creates;
}

Result<Done> Steps::hold(const Step& step, const record::Transaction::State* present, record::Transaction& transaction) {
    const Change& change = step.change;
    using Kind = Change::Kind;
    if (!change.held || (change.kind == Kind::create && step.query && !step.creates)) return Done{};
    const char action = change.kind == Kind::create ? 'c' : change.kind == Kind::update ? 'u' : 'd';
    if (const auto before = present ? transaction.read(*change.type, step.target) : std::nullopt) {
        json::Arena arena;
        XINGLIN_TRY(const json::Value resource,
                    json::parse(before->body, arena, {.depth = 1'000, .bytes = before->body.size() + 1}));
        XINGLIN_CHECK(change.held(*change.type, resource, action, present->updated_ms));
    }
    return change.kind == Kind::erase ? Result<Done>(Done{}) : change.held(*change.type, step.resource, action, 0);
}

Result<Done> Steps::carry_out(Step& step, record::Transaction& transaction) {
    const Change& change = step.change;
    const fhir::Type& type = *change.type;
    Written& written = step.written;
    written = Written{.type = &type, .id = step.target, .patient = step.patient};
    const auto state = step.target.empty() ? std::nullopt : transaction.state(type, step.target);
    const bool is_there = state && !state->deleted;
    XINGLIN_CHECK(hold(step, is_there ? &*state : nullptr, transaction));
    if (change.if_match && (!is_there || state->version != *change.if_match)) {
        return refuse(
            IssueCode::precondition, "If-Match",
            is_there ? "the present version is another; read it again and decide anew" : "there is no such resource at present");
    }
    if (change.if_none_match_any && is_there)
        return refuse(IssueCode::precondition, "If-None-Match", "the resource is already there");

    if (change.kind == Change::Kind::erase) {
        written.status = 204;
        if (state) written.version = state->version, written.updated_ms = state->updated_ms;
        if (!is_there) return Done{};
        const record::Version gone = transaction.erase(type, step.target);
        written.version = gone.version;
        written.updated_ms = gone.updated_ms;
        return Done{};
    }
    if (change.kind == Change::Kind::create && step.query && !step.creates) {  // If-None-Exist found it
        XINGLIN_ASSERT(state.has_value());
        const record::Transaction::State present_state = *state;
        written.version = present_state.version;
        written.updated_ms = present_state.updated_ms;
        if (change.want_body) {
            if (auto present = transaction.read(type, step.target)) written.body = std::move(present->body);
        }
        return Done{};
    }
    if (change.kind == Change::Kind::update && step.query && step.creates && is_there) {
        return refuse(IssueCode::conflict, std::string(type.name) + ".id",
                      "a resource with this id is there, but does not match the condition");
    }
    if (is_there && (step.only_if_absent || step.unless)) {
        const auto present = step.only_if_absent ? std::nullopt : transaction.read(type, step.target);
        if (step.only_if_absent || (present && step.unless(present->body))) {
            written.version = state->version;
            written.updated_ms = state->updated_ms;
            return Done{};
        }
    }
    record::Version put = transaction.put(*step.prepared, change.kind == Change::Kind::create, change.want_body);
    written.version = put.version;
    written.updated_ms = put.updated_ms;
    written.status = is_there ? 200 : 201;
    written.body = std::move(put.body);
    return Done{};
}

}  // namespace xinglin::ingest
