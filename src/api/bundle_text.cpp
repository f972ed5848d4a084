// SPDX-License-Identifier: Apache-2.0
// Bundles, written by concatenating stored bodies: nothing is parsed on the way out.
#include "api/exchange.h"

namespace xinglin::api {

BundleText::BundleText(const Exchange& exchange, std::string_view type, std::int64_t now_ms) : exchange_(exchange) {
    text_ = R"({"resourceType":"Bundle","meta":{"lastUpdated":")" + calendar::instant_text(now_ms) + R"("},"type":")" +
            std::string(type) + '"';
}

void BundleText::total(std::uint64_t total) { text_ += R"(,"total":)" + std::to_string(total); }

void BundleText::link(std::string_view relation, std::string_view url) {
    text_ += has_links_ ? "," : R"(,"link":[)";
    has_links_ = true;
    text_ += R"({"relation":")" + std::string(relation) + R"(","url":)" + json_text(url) + '}';
}

void BundleText::begin_entry() {
    if (has_links_) text_ += ']';
    has_links_ = false;
    text_ += has_entries_ ? ",{" : R"(,"entry":[{)";
    has_entries_ = true;
}

void BundleText::match(const record::Version& version, bool included, const Trim& trim) {
    begin_entry();
    text_ +=
        R"("fullUrl":")" + exchange_.base_url + '/' + std::string(version.type->name) + '/' + version.id + R"(","resource":)";
    text_ += trim ? trimmed_body(trim, version.body) : version.body;
    text_ += included ? R"(,"search":{"mode":"include"}})" : R"(,"search":{"mode":"match"}})";
}

void BundleText::outcome(const std::vector<Issue>& issues, const std::string& plan) {
    begin_entry();
    std::string outcome = operation_outcome(Outcome{issues});
    if (!plan.empty()) {
        json::Arena arena;
        const json::Value extension =
            arena.object({{"url", arena.string("urn:xinglin:plan")}, {"valueString", arena.string(plan)}});
        const json::Value read = json::parse(outcome, arena).value();
        outcome = json::write(arena.with_after(read, "resourceType", "extension", arena.array(std::vector{extension})));
    }
    text_ += R"("resource":)" + outcome + R"(,"search":{"mode":"outcome"}})";
}

void BundleText::history(const record::Version& version, const Trim& trim) {
    begin_entry();
    const std::string address = std::string(version.type->name) + '/' + version.id;
    text_ += R"("fullUrl":")" + exchange_.base_url + '/' + address + '"';
    if (!version.deleted) text_ += R"(,"resource":)" + (trim ? trimmed_body(trim, version.body) : version.body);
    const bool is_post = version.created && version.version == 1;
    const std::string_view method = version.deleted ? "DELETE" : is_post ? "POST" : "PUT";
    text_ += R"(,"request":{"method":")" + std::string(method) + R"(","url":")" +
             (is_post ? std::string(version.type->name) : address) + R"("})";
    const int status = version.deleted ? 204 : version.version == 1 ? 201 : 200;
    text_ += R"(,"response":{"status":")" + status_text(status) + R"(","etag":"W/\")" + std::to_string(version.version) +
             R"(\"","lastModified":")" + calendar::instant_text(version.updated_ms) + R"("}})";
}

void BundleText::answer(int status, std::string_view location, std::int64_t version, std::int64_t updated_ms,
                        std::string_view body, const Outcome* outcome) {
    begin_entry();
    if (!body.empty()) text_ += R"("resource":)" + std::string(body) + ',';
    text_ += R"("response":{"status":")" + status_text(status) + '"';
    if (!location.empty()) text_ += R"(,"location":)" + json_text(location);
    if (version > 0)
        text_ +=
            R"(,"etag":"W/\")" + std::to_string(version) + R"(\"","lastModified":")" + calendar::instant_text(updated_ms) + '"';
    if (outcome) text_ += R"(,"outcome":)" + operation_outcome(*outcome);
    text_ += "}}";
}

std::string BundleText::finish() {
    if (has_links_ || has_entries_) text_ += ']';
    text_ += '}';
    return std::move(text_);
}

std::string link_url(const Exchange& exchange, std::string_view path, const Parameters& parameters, const Parameters& more) {
    std::string url = exchange.base_url;
    if (!path.empty()) url += '/' + std::string(path);
    char separator = '?';
    for (const Parameters* list : {&parameters, &more}) {
        for (const auto& [name, value] : *list) {
            url += separator + http::percent_encode(name) + '=' + http::percent_encode(value);
            separator = '&';
        }
    }
    return url;
}

}  // namespace xinglin::api
