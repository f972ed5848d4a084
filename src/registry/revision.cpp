// SPDX-License-Identifier: Apache-2.0
// Writing revisions, listing them, and working out what undoes one.
#include "registry/revision.h"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "search/search.h"

namespace xinglin::registry {

namespace {

const fhir::Type& provenance_type() { return *fhir::find_resource("Provenance"); }

struct Address {
    const fhir::Type* type = nullptr;
    std::string id;
    std::int64_t version = 0;
};

/// "Organization/x" or "Organization/x/_history/3".
std::optional<Address> read_address(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    Address out{fhir::find_resource(text.substr(0, slash)), {}, 0};
    text.remove_prefix(slash + 1);
    const std::size_t history = text.find("/_history/");
    out.id = text.substr(0, history);
    if (history != std::string_view::npos) {
        const std::string_view digits = text.substr(history + 10);
        std::from_chars(digits.data(), digits.data() + digits.size(), out.version);
    }
    if (!out.type || !ingest::is_id(out.id)) return std::nullopt;
    return out;
}

/// The newest version there is, a deletion too; 0 for none.
std::int64_t newest_version(record::Reader& reader, const Address& address, bool& deleted) {
    record::Version gone;
    const auto version = reader.read(*address.type, address.id, {}, &gone);
    deleted = !version.ok();
    return version.ok() ? version->version : gone.version;
}

json::Value coding(json::Arena& arena, std::string_view code) {
    return arena.object({{"system", arena.string(activity_system)}, {"code", arena.string(code)}});
}

json::Value provenance(json::Arena& arena, const Revision& revision, const std::string& id,
                       const std::vector<json::Value>& targets, std::int64_t now_ms) {
    const json::Value what =
        revision.of.empty()
            ? arena.object({{"role", arena.string("source")}, {"what", arena.object({{"display", arena.string(revision.said)}})}})
            : arena.object({{"role", arena.string("revision")},
                            {"what", arena.object({{"reference", arena.string("Provenance/" + revision.of)},
                                                   {"display", arena.string(revision.said)}})}});
    return arena.object(
        {{"resourceType", arena.string("Provenance")},
         {"id", arena.string(id)},
         {"meta", arena.object({{"tag", arena.array({coding(arena, revision.what)})}})},
         {"target", arena.array(targets)},
         {"recorded", arena.string(calendar::instant_text(now_ms))},
         {"activity", arena.object({{"coding", arena.array({coding(arena, revision.what)})}})},
         {"agent", arena.array({arena.object({{"who", arena.object({{"display", arena.string(revision.who)}})}})})},
         {"entity", arena.array({what})}});
}

/// One entry of the transaction; `becomes` is the version it will be.
Result<json::Value> bundle_entry(json::Arena& arena, record::Reader& reader, const Write& write, std::int64_t& becomes) {
    const auto address = read_address(write.reference);
    if (!address) return refuse(IssueCode::invalid, write.reference, "is no reference to a resource");
    bool deleted = false;
    const std::int64_t newest = newest_version(reader, *address, deleted);
    if (write.present == 0 ? !deleted : deleted || newest != write.present)
        return refuse(IssueCode::precondition, write.reference, "has changed since this was worked out; look at it again");
    becomes = newest + 1;
    std::vector<std::pair<std::string_view, json::Value>> request = {
        {"method", arena.string(write.body.empty() ? "DELETE" : "PUT")}, {"url", arena.string(write.reference)}};
    if (write.present == 0) request.emplace_back("ifNoneMatch", arena.string("*"));
    else request.emplace_back("ifMatch", arena.string(fmt::format("W/\"{}\"", write.present)));
    json::Value resource;
    if (!write.body.empty()) {
        XINGLIN_TRY(resource, json::parse(arena.keep(write.body), arena, {.depth = 1'000, .bytes = write.body.size() + 1}));
    }
    return arena.object({{"resource", resource}, {"request", arena.object(request)}});
}

/// What a version says, without its own number and time; "" of a deletion.
std::string said_by(record::Reader& reader, const Address& address, std::int64_t version) {
    const auto found = reader.vread(*address.type, address.id, version);
    if (!found.ok() || found->deleted) return {};
    json::Arena arena;
    const auto resource = json::parse(found->body, arena, {.depth = 1'000, .bytes = found->body.size() + 1});
    if (!resource.ok()) return {};
    const json::Value meta = arena.with(arena.with((*resource)["meta"], "versionId", {}), "lastUpdated", {});
    return json::write(arena.with(*resource, "meta", meta.size() == 0 ? json::Value{} : meta));
}

std::string end_of_reference(std::string_view reference) { return std::string(reference.substr(reference.rfind('/') + 1)); }

Revised revised_of(json::Value r, std::int64_t at_ms) {
    Revised out;
    out.id = r["id"].string();
    out.what = r["activity"]["coding"][std::size_t{0}]["code"].string();
    const json::Value what = r["entity"][std::size_t{0}]["what"];
    out.said = what["display"].string();
    if (const std::string_view of = what["reference"].string(); !of.empty()) out.of = end_of_reference(of);
    out.who = r["agent"][std::size_t{0}]["who"]["display"].string();
    out.entries = r["target"].size();
    out.at_ms = at_ms;
    return out;
}

}  // namespace

Result<std::string> revise(record::Store& store, ingest::Ingest& ingest, const calendar::Clock& clock, const Revision& revision) {
    if (revision.writes.empty()) return refuse(IssueCode::invalid, "changes", "nothing would change");
    if (revision.writes.size() > most_writes)
        return refuse(IssueCode::too_costly, "changes",
                      fmt::format("at most {} entries are changed at once; split the file", most_writes));
    auto arena = std::make_shared<json::Arena>();
    record::Reader reader = store.reader(access::Viewer::program("registry"));
    std::vector<json::Value> entries, targets;
    for (const Write& write : revision.writes) {
        std::int64_t becomes = 0;
        XINGLIN_TRY(const json::Value entry, bundle_entry(*arena, reader, write, becomes));
        entries.push_back(entry);
        targets.push_back(arena->object({{"reference", arena->string(fmt::format("{}/_history/{}", write.reference, becomes))}}));
    }
    const std::string id = store.new_id();
    entries.push_back(arena->object(
        {{"resource", provenance(*arena, revision, id, targets, clock.now_ms())},
         {"request", arena->object({{"method", arena->string("PUT")}, {"url", arena->string("Provenance/" + id)}})}}));
    const json::Value bundle = arena->object(
        {{"resourceType", arena->string("Bundle")}, {"type", arena->string("transaction")}, {"entry", arena->array(entries)}});
    const auto answer =
        ingest.bundle_and_wait(arena, bundle, "", false, [](const fhir::Type&, char) -> Result<Done> { return Done{}; });
    if (!answer.ok()) return answer.outcome();
    return id;
}

Result<std::vector<Revised>> revisions(record::Store& store) {
    record::Reader reader = store.reader(access::Viewer::program("registry"));
    const fhir::Type* type = &provenance_type();
    const std::string system(activity_system);
    const std::vector<std::pair<std::string, std::string>> asked = {
        {"_tag", system + "|import," + system + "|change," + system + "|undo"}, {"_sort", "-_lastUpdated"}, {"_count", "200"}};
    XINGLIN_TRY(const search::Query query, search::parse(std::span(&type, 1), asked));
    XINGLIN_TRY(const record::Found found, reader.search(query));
    std::vector<Revised> out;
    for (const auto& each : found.entries) {
        json::Arena arena;
        const auto resource = json::parse(each.version.body, arena, {.depth = 1'000, .bytes = each.version.body.size() + 1});
        if (resource.ok()) out.push_back(revised_of(*resource, each.version.updated_ms));
    }
    std::map<std::string, std::string> undone;  // newest first: an undo that is undone does not hold
    for (Revised& each : out) {
        if (const auto found_undo = undone.find(each.id); found_undo != undone.end()) each.undone_by = found_undo->second;
        if (!each.of.empty() && each.undone_by.empty()) undone[each.of] = each.id;
    }
    return out;
}

Result<Revision> undoing(record::Store& store, std::string_view id, std::string_view who) {
    XINGLIN_TRY(const std::vector<Revised> all, revisions(store));
    for (const Revised& each : all) {
        if (each.id == id && !each.undone_by.empty()) return refuse(IssueCode::conflict, "id", "is undone already");
    }
    record::Reader reader = store.reader(access::Viewer::program("registry"));
    const auto version = reader.read(provenance_type(), id);
    if (!version.ok()) return refuse(IssueCode::not_found, "id", "there is no such change of the registries");
    json::Arena arena;
    XINGLIN_TRY(const json::Value told, json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1}));
    if (told["activity"]["coding"][std::size_t{0}]["system"].string() != activity_system)
        return refuse(IssueCode::not_found, "id", "is no change of the registries");
    Revision out{.what = "undo", .said = revised_of(told, 0).said, .of = std::string(id), .who = std::string(who)};
    std::string changed;
    for (const json::Node& node : told["target"].items()) {
        const auto address = read_address(json::Value(&node)["reference"].string());
        if (!address || address->version == 0) return refuse(IssueCode::invalid, "id", "does not say which versions it made");
        const std::string reference = std::string(address->type->name) + "/" + address->id;
        bool deleted = false;
        const std::int64_t newest = newest_version(reader, *address, deleted);
        // A later change that was undone leaves it saying the same.
        if (newest != address->version && said_by(reader, *address, newest) != said_by(reader, *address, address->version)) {
            if (changed.size() < 300) changed += (changed.empty() ? "" : ", ") + reference;
            continue;
        }
        Write write{reference, deleted ? 0 : newest, {}};
        if (address->version > 1) {
            if (const auto before = reader.vread(*address->type, address->id, address->version - 1); before.ok())
                write.body = before->body;
        }
        if (write.body.empty() && deleted) continue;
        out.writes.push_back(std::move(write));
    }
    if (!changed.empty())
        return refuse(IssueCode::conflict, "id",
                      "these have changed since: " + changed + "; undo the later change first, or mend them one by one");
    return out;
}

}  // namespace xinglin::registry
