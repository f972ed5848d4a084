// SPDX-License-Identifier: Apache-2.0
// Documents and lines into prepared resources.
#include "ingest/unit.h"

#include <openssl/evp.h>

#include "http/http.h"
#include "ingest/links.h"
#include "ingest/step.h"
#include "text/text.h"

namespace xinglin::ingest {
namespace {

constexpr std::size_t kept_of_resource = 1u << 20;  // a rejected resource larger than this is cut

std::string_view without_mark(std::string_view text) {  // the byte order mark some editors write
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    return text;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

std::string why(const Outcome& outcome, std::string_view text) {
    if (!text.empty() && !text::is_utf8(text)) {
        return "is not UTF-8; if it is GB18030, convert it first (iconv -f GB18030 -t UTF-8)";
    }
    std::string reasons;
    std::size_t count = 0;
    for (const Issue& issue : outcome.issues) {
        if (issue.severity != Severity::error && issue.severity != Severity::fatal) continue;
        if (++count > 5) return reasons + "; and more";
        if (!reasons.empty()) reasons += "; ";
        reasons += issue.where.empty() ? issue.what : issue.where + ": " + issue.what;
    }
    return reasons;
}

/// An id that the same content gets again next time.
std::string id_from_content(std::string_view type, json::Value resource) {
    const std::string content = std::string(type) + '\n' + json::write(resource);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    XINGLIN_ASSERT(EVP_Digest(content.data(), content.size(), digest, &size, EVP_sha256(), nullptr) == 1);
    return "c" + text::hex(std::string_view(reinterpret_cast<const char*>(digest), 16));
}

std::string id_for(json::Value resource, std::string_view full_url) {
    if (const auto own = resource.find("id").string(); !own.empty()) return std::string(own);
    std::string_view tail = full_url;
    if (tail.starts_with("urn:uuid:")) tail.remove_prefix(9);
    else tail = tail.substr(tail.rfind('/') + 1);
    if (full_url.starts_with("urn:oid:")) tail = {};
    if (is_id(tail)) return std::string(tail);
    return id_from_content(resource.find("resourceType").string(), resource);
}

/// What conditional references of a bundle point at; `missing` those that match nothing, or several.
void resolve_conditions(record::Store& store, json::Value bundle, Links& links, std::vector<std::string>& missing) {
    each_conditional_reference(bundle, [&](std::string_view reference) {
        if (links.contains(reference) || std::find(missing.begin(), missing.end(), reference) != missing.end()) return;
        const std::size_t question = reference.find('?');
        const fhir::Type* type = fhir::find_resource(reference.substr(0, question));
        const auto query = parse_condition(*type, reference.substr(question + 1), store.offset_minutes());
        if (query.ok()) {
            const auto found = find_ids(store, *query);
            if (found.ok() && found->size() == 1) {
                links.emplace(reference, std::string(type->name) + '/' + found->front());
                return;
            }
        }
        missing.emplace_back(reference);
    });
}

/// {"reference":"Practitioner?identifier=s|v"} → {"type":"Practitioner","identifier":{"system":"s","value":"v"}}: what it
/// says is kept, though we do not know whom it means. Other conditions stay as they are.
json::Value logical_reference(json::Value reference, json::Arena& arena) {
    const std::string_view written = reference.find("reference").string();
    const std::size_t question = written.find('?');
    const auto parameters = http::parse_query(written.substr(question + 1));
    if (!parameters.ok() || parameters->size() != 1 || parameters->front().first != "identifier") return reference;
    const std::string& token = parameters->front().second;
    const std::size_t bar = token.find('|');
    json::Value identifier =
        bar == std::string::npos
            ? arena.object({{"value", arena.string(token)}})
            : arena.object({{"system", arena.string(token.substr(0, bar))}, {"value", arena.string(token.substr(bar + 1))}});
    json::Value changed = arena.with(reference, "reference", json::Value());
    if (!changed.find("type")) changed = arena.with(changed, "type", arena.string(written.substr(0, question)));
    return changed.find("identifier") ? changed : arena.with(changed, "identifier", identifier);
}

json::Value with_logical_references(json::Value value, const std::vector<std::string>& missing, json::Arena& arena) {
    if (value.is_array()) {
        std::vector<json::Value> items;
        for (const json::Node& node : value.items()) items.push_back(with_logical_references(json::Value(&node), missing, arena));
        return arena.array(items);
    }
    if (!value.is_object()) return value;
    const auto reference = value.find("reference").string();
    if (!reference.empty() && std::find(missing.begin(), missing.end(), reference) != missing.end())
        return logical_reference(value, arena);
    std::vector<std::pair<std::string_view, json::Value>> members;
    for (const json::Member& member : value.members())
        members.emplace_back(member.key(), with_logical_references(member.value(), missing, arena));
    return arena.object(members);
}

}  // namespace

Result<Done> Preparer::resource(json::Value resource, json::Arena& arena, std::string_view id, Product& product) {
    if (options_.check_structure) XINGLIN_CHECK(check_resource(resource, nullptr));
    const fhir::Type* type = fhir::find_resource(resource.find("resourceType").string());
    if (!type || type->is_abstract) return refuse(IssueCode::structure, "resourceType", "is not a resource type of FHIR R4");
    if (!is_id(id)) return refuse(IssueCode::value, "id", "must be 1 to 64 letters, digits, '-' or '.'");
    if (resource.find("id").string() != id) resource = arena.with_after(resource, "resourceType", "id", arena.string(id));
    if (options_.check) {
        if (Outcome outcome = options_.check(resource); !outcome.ok()) return outcome;
    }
    product.prepared.push_back(store_.prepare(*type, id, resource));
    return Done{};
}

/// What an export tells of deletions is taken; other bundles may not delete through an import.
Result<Done> Preparer::deletion(std::string_view bundle_type, std::string_view url, Product& product) {
    if (bundle_type != "transaction")
        return refuse(IssueCode::not_supported, "request.method",
                      "an import deletes only what a transaction bundle of an export names");
    const std::size_t slash = url.find('/');
    const fhir::Type* type = fhir::find_resource(url.substr(0, slash));
    if (slash == std::string_view::npos || !type || type->is_abstract || !is_id(url.substr(slash + 1)))
        return refuse(IssueCode::value, "request.url", "must be a type and an id, such as Patient/123");
    product.deletions.emplace_back(type, url.substr(slash + 1));
    return Done{};
}

void Preparer::bundle(const Unit& unit, json::Value bundle, json::Arena& arena, std::uint64_t line, Product& product) {
    const std::string_view type = bundle.find("type").string();
    const json::Value entries = bundle.find("entry");
    Links links;
    std::vector<std::string> ids;
    for (const json::Node& node : entries.items()) {
        const json::Value entry(&node);
        const json::Value resource = entry.find("resource");
        const std::string_view full_url = entry.find("fullUrl").string();
        ids.push_back(resource.is_object() ? id_for(resource, full_url) : std::string());
        if (!full_url.empty() && is_id(ids.back()))
            links[std::string(full_url)] = std::string(resource.find("resourceType").string()) + '/' + ids.back();
    }
    std::vector<std::string> missing;
    resolve_conditions(store_, bundle, links, missing);
    if (!missing.empty() && !unit.last_chance) {
        product.try_again_later = true;
        return;
    }
    const std::size_t count = entries.size();
    for (std::size_t step = 0; step < count; ++step) {
        const std::size_t i = type == "history" ? count - 1 - step : step;  // a history comes newest first
        const json::Value entry = entries[i];
        json::Value resource = entry.find("resource");
        if (entry.find("search").find("mode").string() == "outcome") continue;
        ++product.read;
        const std::string_view method = entry.find("request").find("method").string();
        const auto store = [&]() -> Result<Done> {
            if (method == "DELETE") return deletion(type, entry.find("request").find("url").string(), product);
            if (!resource.is_object()) return refuse(IssueCode::required, "resource", "the entry has no resource");
            json::Value linked = rewrite_links(resource, links, arena);
            if (!missing.empty()) linked = with_logical_references(linked, missing, arena);
            return this->resource(linked, arena, ids[i], product);
        };
        if (auto stored = store(); !stored.ok()) {
            product.rejected.push_back({unit.source, line, static_cast<std::int64_t>(i), why(stored.outcome(), ""),
                                        resource ? json::write(resource) : "null"});
        }
    }
}

void Preparer::document(const Unit& unit, std::string_view text, std::uint64_t line, Product& product) {
    json::Arena arena;
    const auto value = json::parse(text, arena, {.depth = 200, .bytes = options_.file_bytes});
    if (!value.ok()) {
        ++product.read;
        product.rejected.push_back(
            {unit.source, line, -1, why(value.outcome(), text), std::string(text.substr(0, kept_of_resource))});
        return;
    }
    // A Bundle of type document or message may be meant as a resource of its own; imported, its parts are what counts. Only the
    // file that an export names after the type holds Bundles as such.
    const bool as_such = unit.is_lines && unit.source.starts_with("Bundle.");
    if (!as_such && value->find("resourceType").string() == "Bundle" && value->find("entry").size() > 0)
        return bundle(unit, *value, arena, line, product);
    ++product.read;
    auto stored = resource(*value, arena, value->is_object() ? id_for(*value, "") : "", product);
    if (!stored.ok())
        product.rejected.push_back(
            {unit.source, line, -1, why(stored.outcome(), ""), std::string(text.substr(0, kept_of_resource))});
}

Product Preparer::prepare(const Unit& unit) {
    Product product{.text_bytes = unit.text.size(), .bytes_on_disk = unit.bytes_on_disk, .file = unit.file};
    std::string_view text = unit.first_line == 1 ? without_mark(unit.text) : std::string_view(unit.text);
    const std::string_view first = text.substr(0, text.find('\n'));
    // Some name NDJSON ".json": several lines, the first of them complete.
    const bool is_lines =
        unit.is_lines ||
        (first.size() < text.size() && first.starts_with('{') && first.find_last_not_of(" \t\r") != std::string_view::npos &&
         first[first.find_last_not_of(" \t\r")] == '}' && !is_blank(text.substr(first.size())));
    if (!is_lines) {
        if (!is_blank(text)) document(unit, text, 0, product);
        else if (unit.problem.empty()) product.rejected.push_back({unit.source, 0, -1, "is empty", ""}), ++product.read;
    } else {
        std::uint64_t line = unit.first_line;
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            if (!is_blank(text.substr(0, end))) {
                Unit one = {.source = unit.source, .is_lines = unit.is_lines, .last_chance = true};
                document(one, text.substr(0, end), line, product);
            }
            text.remove_prefix(std::min(end + 1, text.size()));
            ++line;
        }
    }
    if (!unit.problem.empty() && !product.try_again_later) {
        ++product.read;
        product.rejected.push_back({unit.source, 0, -1, unit.problem, ""});
    }
    return product;
}

std::string rejected_line(const Rejected& rejected) {
    std::string out = "{\"source\":";
    json::write_string(rejected.source, out);
    if (rejected.line > 0) out += ",\"line\":" + std::to_string(rejected.line);
    if (rejected.entry >= 0) out += ",\"entry\":" + std::to_string(rejected.entry);
    out += ",\"reason\":";
    json::write_string(rejected.reason, out);
    json::Arena arena;
    if (rejected.resource.empty()) {
        out += ",\"resource\":null";
    } else if (!text::is_utf8(rejected.resource)) {
        out += ",\"resource_base64\":\"" + text::base64(rejected.resource) + '"';
    } else if (const auto value = json::parse(rejected.resource, arena); value.ok()) {
        out += ",\"resource\":" + json::write(*value);
    } else {
        out += ",\"resource\":";
        json::write_string(rejected.resource, out);
    }
    return out + "}\n";
}

}  // namespace xinglin::ingest
