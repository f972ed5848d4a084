// SPDX-License-Identifier: Apache-2.0
// Ids that stay the same, and the transaction a message becomes.
#include "message/message.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include "text/text.h"

namespace xinglin::message {

std::string stable_id(std::string_view sender, std::string_view type, std::string_view key) {
    std::string all;
    for (const std::string_view part : {sender, type, key}) {  // the length first: no two triples read the same
        all += fmt::format("{}:", part.size());
        all += part;
    }
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest);
    return text::hex({reinterpret_cast<const char*>(digest), 16});
}

std::string own_system(const Sender& sender, std::string_view numbers) {
    return fmt::format("urn:xinglin:source:{}:{}", sender.id, numbers);
}

namespace {
/// A control id as the fragment of a URI: what may not stand there is percent-encoded.
std::string fragment(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 200)) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                           byte == '-' || byte == '.' || byte == '_' || byte == '~';
        if (plain) out += c;
        else out += fmt::format("%{:02X}", byte);
    }
    return out;
}
}  // namespace

Draft::Draft(json::Arena& arena, const Sender& sender, const Facts& facts) : arena_(arena) {
    source_ = "urn:xinglin:source:" + sender.id;
    if (!facts.control_id.empty()) source_ += "#" + fragment(facts.control_id);
}

std::string Draft::put(std::string_view id, json::Value resource) {
    const std::string reference = fmt::format("{}/{}", resource["resourceType"].string(), id);
    const json::Value meta =
        arena_.with(resource["meta"] ? resource["meta"] : arena_.object({}), "source", arena_.string(source_));
    json::Value whole = arena_.with_after(resource, "resourceType", "id", arena_.string(id));
    whole = arena_.with_after(whole, "id", "meta", meta);
    const auto [place, is_new] = places_.emplace(reference, resources_.size());
    if (is_new) resources_.push_back(whole);
    else resources_[place->second] = whole;
    return reference;
}

bool Draft::has(std::string_view type, std::string_view id) const { return places_.contains(fmt::format("{}/{}", type, id)); }

std::string Draft::bundle() const {
    std::string out = R"({"resourceType":"Bundle","type":"transaction","entry":[)";
    bool first = true;
    for (const json::Value resource : resources_) {
        const std::string url = fmt::format("{}/{}", resource["resourceType"].string(), resource["id"].string());
        if (!first) out += ',';
        first = false;
        out += R"({"resource":)";
        json::write(resource, out);
        out += R"(,"request":{"method":"PUT","url":)";
        json::write_string(url, out);
        out += "}}";
    }
    out += "]}";
    return out;
}

json::Value Draft::tree() const {
    const json::Value put = arena_.string("PUT");
    std::vector<json::Value> entries;
    entries.reserve(resources_.size());
    for (const json::Value resource : resources_) {
        const std::string url = fmt::format("{}/{}", resource["resourceType"].string(), resource["id"].string());
        entries.push_back(
            arena_.object({{"resource", resource}, {"request", arena_.object({{"method", put}, {"url", arena_.string(url)}})}}));
    }
    return arena_.object(
        {{"resourceType", arena_.string("Bundle")}, {"type", arena_.string("transaction")}, {"entry", arena_.array(entries)}});
}

}  // namespace xinglin::message
