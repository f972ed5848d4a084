// SPDX-License-Identifier: Apache-2.0
// Bundle.entry.request, read.
#include "ingest/bundle_entry.h"

#include <charconv>

#include "http/http.h"
#include "patch/patch.h"
#include "text/text.h"

namespace xinglin::ingest {
namespace {

std::string path_of(std::size_t index, std::string_view rest) {
    return "Bundle.entry[" + std::to_string(index) + "]" + std::string(rest);
}

std::string_view without_base(std::string_view url, std::string_view base_url) {
    if (!base_url.empty() && url.starts_with(base_url)) url.remove_prefix(base_url.size());
    while (!url.empty() && url.front() == '/') url.remove_prefix(1);
    return url;
}

/// Type, Type/id or Type?condition.
Result<Done> read_address(std::string_view url, Change& change, std::size_t index) {
    const std::size_t question = url.find('?');
    const std::string_view path = url.substr(0, question);
    if (question != std::string_view::npos) change.condition = url.substr(question + 1);
    const std::size_t slash = path.find('/');
    change.type = fhir::find_resource(path.substr(0, slash));
    if (!change.type || change.type->is_abstract) {
        return refuse(IssueCode::not_supported, path_of(index, ".request.url"), "does not begin with a resource type of FHIR R4");
    }
    if (slash != std::string_view::npos) change.id = path.substr(slash + 1);
    if (!change.id.empty() && !is_id(change.id)) {
        return refuse(IssueCode::not_supported, path_of(index, ".request.url"),
                      "only Type, Type/id and Type?parameters can be written to");
    }
    return Done{};
}

/// A Binary with a JSON Patch, or the Parameters of a FHIRPath Patch (http.html#patch).
Result<Done> read_patch(json::Value resource, Change& change, std::size_t index) {
    const std::string_view type = resource.find("resourceType").string();
    if (type == "Parameters") {
        change.patch = [resource](json::Value present, json::Arena& arena) {
            return patch::apply_fhirpath_patch(present, resource, arena);
        };
        return Done{};
    }
    if (type != "Binary")
        return refuse(IssueCode::invalid, path_of(index, ".resource"),
                      "of a PATCH must be a Binary with a JSON Patch, or the Parameters of a FHIRPath Patch");
    if (!resource.find("contentType").string().starts_with("application/json-patch+json"))
        return refuse(IssueCode::not_supported, path_of(index, ".resource.contentType"), "must be application/json-patch+json");
    const auto text = text::base64_decode(resource.find("data").string());
    if (!text) return refuse(IssueCode::value, path_of(index, ".resource.data"), "is not base64");
    XINGLIN_TRY(change.patch, patch::read_json_patch(*text));
    return Done{};
}

}  // namespace

std::optional<std::int64_t> version_of_tag(std::string_view tag) {
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
    std::int64_t version = 0;
    const auto [end, error] = std::from_chars(tag.data(), tag.data() + tag.size(), version);
    if (error != std::errc{} || end != tag.data() + tag.size() || version < 1) return std::nullopt;
    return version;
}

Outcome within_entry(Outcome outcome, std::size_t index) {
    for (Issue& issue : outcome.issues) {
        if (issue.where.starts_with("Bundle.entry[")) continue;
        if (issue.where.empty() || !(issue.where.front() >= 'A' && issue.where.front() <= 'Z') ||
            issue.where.find('?') != std::string::npos || issue.where.starts_with("If-")) {
            issue.where = path_of(index, issue.where.empty() ? ".resource" : ".resource: " + issue.where);
            continue;
        }
        const std::size_t dot = issue.where.find('.');
        issue.where = path_of(index, ".resource" + (dot == std::string::npos ? std::string() : issue.where.substr(dot)));
    }
    return outcome;
}

Result<Entry> read_entry(json::Value value, std::size_t index, std::string_view base_url, bool want_body) {
    Entry entry{.index = index, .full_url = std::string(value.find("fullUrl").string())};
    const json::Value request = value.find("request");
    if (!request.is_object())
        return refuse(IssueCode::required, path_of(index, ".request"), "is missing; it says what to do with the entry");
    const std::string_view method = request.find("method").string();
    const std::string_view url = without_base(request.find("url").string(), base_url);
    if (url.empty()) return refuse(IssueCode::required, path_of(index, ".request.url"), "is missing");
    const bool is_operation = method == "POST" && is_operation_address(url);
    if (method == "GET" || method == "HEAD" || is_operation) {
        entry.read = ReadAsked{std::string(method),
                               std::string(url),
                               std::string(request.find("ifNoneMatch").string()),
                               std::string(request.find("ifModifiedSince").string()),
                               {}};
        if (const json::Value resource = value.find("resource"); is_operation && resource)
            entry.read->body = json::write(resource);
        return entry;
    }
    Change& change = entry.step.change;
    change.want_body = want_body;
    XINGLIN_CHECK(read_address(url, change, index));
    if (method == "POST") {
        change.kind = Change::Kind::create;
        if (!change.id.empty())
            return refuse(IssueCode::not_supported, path_of(index, ".request.url"), "a POST names the type only");
        change.condition = request.find("ifNoneExist").string();
        if (change.condition.starts_with(std::string(change.type->name) + "?"))
            change.condition.erase(0, change.type->name.size() + 1);
    } else if (method == "PUT") {
        change.kind = Change::Kind::update;
    } else if (method == "PATCH") {
        change.kind = Change::Kind::update;
        XINGLIN_CHECK(read_patch(value.find("resource"), change, index));
    } else if (method == "DELETE") {
        change.kind = Change::Kind::erase;
    } else {
        return refuse(method.empty() ? IssueCode::required : IssueCode::not_supported, path_of(index, ".request.method"),
                      "must be GET, HEAD, POST, PUT, PATCH or DELETE");
    }
    if (change.kind != Change::Kind::create && change.id.empty() && change.condition.empty()) {
        return refuse(IssueCode::invalid, path_of(index, ".request.url"), "must name one resource: Type/id or Type?parameters");
    }
    if (change.kind != Change::Kind::create && !change.id.empty()) change.condition.clear();
    if (change.kind != Change::Kind::erase && !change.patch) {
        change.resource = value.find("resource");
        if (!change.resource.is_object()) return refuse(IssueCode::required, path_of(index, ".resource"), "is missing");
    }
    if (const std::string_view tag = request.find("ifMatch").string(); !tag.empty()) {
        change.if_match = version_of_tag(tag);
        if (!change.if_match)
            return refuse(IssueCode::value, path_of(index, ".request.ifMatch"), "must be a version tag such as W/\"3\"");
    }
    if (const std::string_view tag = request.find("ifNoneMatch").string(); !tag.empty()) {
        if (tag != "*") return refuse(IssueCode::value, path_of(index, ".request.ifNoneMatch"), "of a write may only be *");
        change.if_none_match_any = true;
    }
    return entry;
}

}  // namespace xinglin::ingest
