// SPDX-License-Identifier: Apache-2.0
// Reading single rows of the record.
#include "feed/feed.h"
#include "record/find.h"

#include <algorithm>

namespace xinglin::record {

std::int64_t Shelf::find(std::int64_t tid, std::string_view id) {
    const std::string key = id_key(id);
    if (!ahead_.names.empty()) {
        if (const std::int64_t* rid = ahead_.names.find({tid, key})) return *rid;
    }
    auto& query = context_.connection.prepare("SELECT rid FROM record_name WHERE id = ? AND tid = ?");
    query.bind_blob(1, key).bind(2, tid);
    const std::int64_t rid = query.step() ? query.integer(0) : 0;
    query.reset();
    return rid ? rid : context_.fresh->name(key, tid);
}

namespace {
void unpack(const Context& context, Stored& stored, std::string_view body) {
    if (stored.deleted()) {
        stored.text = body;
        return;
    }
    try {
        stored.text = context.compressor.text_of(stored.rid, stored.version, body);
    } catch (const sql::Broken& broken) {
        throw sql::Broken(broken.why, "resource " + std::to_string(stored.rid) + ", version " + std::to_string(stored.version) +
                                          ": " + broken.what());
    }
}

// Columns: tid version position updated_ms flags splice present body
Stored stored_row(const Context& context, std::int64_t rid, const sql::Statement& row, bool with_text) {
    Stored stored{rid,
                  row.integer(0),
                  row.integer(1),
                  row.integer(2),
                  row.integer(3),
                  row.integer(4),
                  row.integer(5),
                  static_cast<std::uint64_t>(row.integer(6)),
                  {}};
    if (with_text) unpack(context, stored, row.text(7));
    return stored;
}

Stored stored_row(const Context& context, std::int64_t rid, const Fetched& row, bool with_text) {
    Stored stored{rid, row.tid, row.version, row.position, row.updated_ms, row.flags, row.splice, row.present, {}};
    if (with_text) unpack(context, stored, row.body);
    return stored;
}
}  // namespace

std::optional<Stored> Shelf::current(std::int64_t rid, bool with_text) {
    if (!ahead_.current.empty()) {
        const Fetched* held = ahead_.current.find(rid);
        if (held && !held->there) return std::nullopt;
        if (held && (held->has_body || !with_text)) return stored_row(context_, rid, *held, with_text);
    }
    auto& query = context_.connection.prepare(
        "SELECT tid, version, position, updated_ms, flags, splice, present, body FROM record_current WHERE rid = ? "
        "/*pg AND p = ?1 >> 20*/");
    query.bind(1, rid);
    if (!query.step()) return std::nullopt;
    Stored stored = stored_row(context_, rid, query, with_text);
    query.reset();
    return stored;
}

std::optional<Stored> Shelf::numbered(std::int64_t rid, std::int64_t version) {
    if (!ahead_.versions.empty()) {
        const Fetched* held = ahead_.versions.find({rid, version});
        if (held) return held->there ? std::optional<Stored>(stored_row(context_, rid, *held, true)) : std::nullopt;
    }
    auto now = current(rid, false);
    if (!now) return std::nullopt;
    if (now->version == version) return current(rid);
    auto& query = context_.connection.prepare(
        "SELECT 0, version, position, updated_ms, flags, splice, 0, body FROM record_past WHERE rid = ? AND version = ? "
        "/*pg AND p = ?1 >> 20*/");
    query.bind(1, rid).bind(2, version);
    if (!query.step()) return std::nullopt;
    Stored stored = stored_row(context_, rid, query, true);
    query.reset();
    stored.tid = now->tid;
    return stored;
}

std::optional<Stored> Shelf::as_of(std::int64_t rid, std::int64_t position) {
    auto now = current(rid, false);
    if (!now) return std::nullopt;
    if (now->position <= position) return current(rid);
    auto& query = context_.connection.prepare(R"sql(
        SELECT 0, version, position, updated_ms, flags, splice, 0, body FROM record_past
         WHERE rid = ? /*pg AND p = ?1 >> 20*/ AND position <= ? ORDER BY version DESC LIMIT 1)sql");
    query.bind(1, rid).bind(2, position);
    if (!query.step()) return std::nullopt;
    Stored stored = stored_row(context_, rid, query, true);
    query.reset();
    stored.tid = now->tid;
    return stored;
}

Version Shelf::version_of(const Stored& stored) const {
    Version version;
    const auto type = context_.numbers.type_of.find(stored.tid);
    if (type == context_.numbers.type_of.end())
        throw sql::Broken(sql::Broken::Why::corrupt, "resource " + std::to_string(stored.rid) + " is of an unknown type");
    version.type = type->second;
    version.id = stored.id();
    version.version = stored.version;
    version.updated_ms = stored.updated_ms;
    version.position = stored.position;
    version.deleted = stored.deleted();
    version.created = (stored.flags & flag_created) != 0;
    if (!version.deleted) version.body = with_version(stored.text, stored.splice, stored.version, stored.updated_ms);
    return version;
}

void for_each_change(const Context& context, Position after, Position upto, std::span<const fhir::Type* const> types,
                     const std::function<bool(const Change&)>& each) {
    Shelf shelf(context);
    const auto is_wanted = [&](const feed::Change& line) {
        if (types.empty()) return true;
        const auto type = context.numbers.type_of.find(line.type);
        return type == context.numbers.type_of.end() || std::find(types.begin(), types.end(), type->second) != types.end();
    };
    // In blocks, so that `each` may use the same connection.
    while (after < upto) {
        std::vector<feed::Change> lines;
        feed::forward(context.connection, after, upto, [&](const feed::Change& line) {
            lines.push_back(line);
            return lines.size() < 500;
        });
        if (lines.empty()) return;
        after = lines.back().position;
        lines.erase(std::remove_if(lines.begin(), lines.end(), [&](const feed::Change& line) { return !is_wanted(line); }),
                    lines.end());
        std::vector<std::pair<std::int64_t, std::int64_t>> asked;
        for (const feed::Change& line : lines) asked.emplace_back(line.resource, line.version);
        shelf.expect_versions(asked);
        for (const feed::Change& line : lines) {
            auto stored = shelf.numbered(line.resource, line.version);
            const auto type = context.numbers.type_of.find(line.type);
            if (!stored || stored->position != line.position || type == context.numbers.type_of.end())
                throw sql::Broken(sql::Broken::Why::corrupt,
                                  "the feed and the record differ at position " + std::to_string(line.position));
            std::string id = stored->id();
            const bool created = (stored->flags & flag_created) != 0;
            if (!each({line.position, type->second, std::move(id), line.version, line.updated_ms, stored->deleted(), created,
                       stored->deleted() ? "" : std::move(stored->text)}))
                return;
        }
    }
}

}  // namespace xinglin::record
