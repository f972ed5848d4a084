// SPDX-License-Identifier: Apache-2.0
// Rules from content/deidentify/rules.json: every name in them must be R4's, so that a slip of the pen lets nothing through.
#include "bulk/deidentify_rules.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <charconv>
#include <stdexcept>

namespace xinglin::bulk {

namespace {

constexpr std::string_view file_name = "deidentify/rules.json";

std::optional<Act> act_named(std::string_view name) {
    constexpr std::pair<std::string_view, Act> acts[] = {{"keep", Act::keep},
                                                         {"walk", Act::walk},
                                                         {"remove", Act::remove},
                                                         {"pseudonym", Act::pseudonym},
                                                         {"reference", Act::reference},
                                                         {"birth_year", Act::birth_year},
                                                         {"age", Act::age},
                                                         {"county_code", Act::county_code},
                                                         {"with_code", Act::with_code}};
    for (const auto& [each, act] : acts) {
        if (each == name) return act;
    }
    return std::nullopt;
}

Outcome wrong(std::string_view where, std::string what) {
    return refuse(IssueCode::invalid, fmt::format("{} {}", file_name, where), std::move(what));
}

/// "FamilyMemberHistory.condition.onsetRange": is there such an element?
bool is_element(std::string_view path) {
    const std::size_t dot = path.rfind('.');
    if (dot == std::string_view::npos) return false;
    const fhir::Type* owner = fhir::find_type(path.substr(0, dot));
    return owner && (fhir::find_element(*owner, path.substr(dot + 1)) || fhir::match(*owner, path.substr(dot + 1)));
}

template <typename Known>
Result<Done> read_acts(json::Value rules, std::string_view member, std::unordered_map<std::string, Act>& into, Known&& known) {
    for (const json::Member& each : rules.find(member).members()) {
        const auto act = act_named(each.value().string());
        if (!act) return wrong(each.key(), fmt::format("\"{}\" is no way of treating an element", each.value().string()));
        if (!known(each.key())) return wrong(each.key(), "is not in R4");
        into[std::string(each.key())] = *act;
    }
    return Done{};
}

Result<Done> read_resources(json::Value rules, std::string_view member, std::unordered_set<std::string>& into) {
    for (const json::Node& node : rules.find(member).items()) {
        const std::string_view name = json::Value(&node).string();
        if (!fhir::find_resource(name)) return wrong(member, fmt::format("\"{}\" is no resource type of R4", name));
        into.emplace(name);
    }
    return Done{};
}

/// HMAC-SM3 in hexadecimal, of 64 digits.
std::string hash_of(std::string_view key, std::string_view kind, std::string_view text) {
    std::string message(kind);
    message.append("\n").append(text);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!HMAC(EVP_sm3(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
              message.size(), hash, &size) ||
        size != 32)
        throw std::runtime_error("HMAC-SM3 is not available in this OpenSSL");
    std::string out;
    for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", hash[i]);
    return out;
}

}  // namespace

Result<Done> read_rules(const content::Files& files, Deidentifier::Inside& inside) {
    const auto text = files.read(file_name);
    if (!text) return wrong("", "is missing");
    json::Arena arena;
    const auto rules = json::parse(*text, arena);
    if (!rules.ok()) return wrong("", rules.outcome().line());
    inside.edition = rules->find("edition").string();
    const std::string_view digits = rules->find("ages_up_to").text();
    std::from_chars(digits.data(), digits.data() + digits.size(), inside.ages_up_to);
    if (inside.ages_up_to < 1 || inside.ages_up_to > 200) return wrong("ages_up_to", "must be a number of years such as 89");
    XINGLIN_CHECK(read_resources(*rules, "leave_out", inside.left_out));
    XINGLIN_CHECK(read_resources(*rules, "definitions", inside.definitions));
    XINGLIN_CHECK(
        read_acts(*rules, "types", inside.types, [](std::string_view name) { return fhir::find_type(name) != nullptr; }));
    XINGLIN_CHECK(read_acts(*rules, "elements", inside.elements, is_element));
    return read_acts(*rules, "extensions", inside.extensions, [](std::string_view url) { return !url.empty(); });
}

/// The element's own rule, by the name in JSON and by the element's; then that of the base; then its type's and the bases of that.
/// What has parts and no rule is walked, the rest is removed.
Act Deidentifier::Inside::act_on(const fhir::Type& owner, std::string_view key, const fhir::Match& match) const {
    std::string path;
    for (const fhir::Type* at = &owner; at; at = at->base) {
        for (const std::string_view name : {key, match.element->name}) {
            path.assign(at->name).append(".").append(name);
            if (const auto found = elements.find(path); found != elements.end()) return found->second;
        }
    }
    if (!match.type) return Act::remove;
    for (const fhir::Type* at = match.type->type; at; at = at->base) {
        if (const auto found = types.find(std::string(at->name)); found != types.end()) return found->second;
    }
    return match.type->type->kind == fhir::TypeKind::primitive ? Act::remove : Act::walk;
}

std::string Deidentifier::Inside::pseudonym(std::string_view kind, std::string_view text) const {
    return hash_of(key, kind, text).substr(0, 32);
}

std::string key_for(std::string_view key, std::string_view purpose) { return hash_of(key, "key", purpose); }

}  // namespace xinglin::bulk
