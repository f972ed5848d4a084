// SPDX-License-Identifier: Apache-2.0
// A Patient of a release says its quasi-identifiers at their level, and nothing else.
#include "bulk/release_patient.h"

#include <fmt/format.h>

#include <charconv>

namespace xinglin::bulk {

namespace {

using json::Value;
constexpr std::string_view division_url = "urn:xinglin:extension:division-code", age_url = "urn:xinglin:extension:age-band";

Value extension_of(Value owner, std::string_view url) {
    for (const json::Node& node : owner.find("extension").items()) {
        if (Value(&node).find("url").string() == url) return Value(&node);
    }
    return {};
}

/// "4" of an extension that says a code in one of the usual ways.
std::string code_in(Value extension) {
    for (const std::string_view member : {"valueCode", "valueString"}) {
        if (const Value value = extension.find(member)) return std::string(value.string());
    }
    Value coding = extension.find("valueCoding");
    if (!coding) {
        for (const json::Node& node : extension.find("valueCodeableConcept").find("coding").items()) {
            coding = Value(&node);
            break;
        }
    }
    return std::string(coding.find("code").string());
}

std::string division_of(Value patient) {
    for (const json::Node& node : patient.find("address").items()) {
        if (const std::string code = code_in(extension_of(Value(&node), division_url)); !code.empty()) return code;
    }
    return code_in(extension_of(patient, division_url));
}

/// "90-94" is "90+" when nobody above the top is told apart.
std::string band_text(const anonymity::Quasi& quasi, const std::string& value) {
    int from = 0;
    std::from_chars(value.data(), value.data() + value.size(), from);
    return from >= quasi.top ? fmt::format("{}+", quasi.top) : value;
}

bool is_diagnosis(const anonymity::Rules& rules, Value coding) {
    const std::string_view system = coding.find("system").string();
    return std::find(rules.systems.begin(), rules.systems.end(), system) != rules.systems.end();
}

}  // namespace

std::uint64_t hash_of(std::string_view id) {
    std::uint64_t hash = 14695981039346656037ull;
    for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ull;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebull;
    return hash ^ (hash >> 31);
}

std::string quasi_value(const anonymity::Quasi& quasi, Value patient, int year) {
    if (quasi.kind == "sex") return std::string(patient.find("gender").string());
    if (quasi.kind == "division") return division_of(patient);
    if (quasi.kind == "extension") return code_in(extension_of(patient, quasi.url));
    const std::string_view birth = patient.find("birthDate").string();
    int born = 0;
    if (birth.size() < 4 || std::from_chars(birth.data(), birth.data() + 4, born).ptr != birth.data() + 4) return "";
    return std::to_string(std::clamp(year - born, 0, quasi.top));
}

std::string category_of(const anonymity::Rules& rules, Value coded) {
    for (const json::Node& node : coded.find("coding").items()) {
        const std::string_view code = Value(&node).find("code").string();
        if (code.size() >= 3 && is_diagnosis(rules, Value(&node))) return std::string(code.substr(0, 3));
    }
    return "";
}

Value patient_told(const anonymity::Rules& rules, const std::vector<std::string>& values, Value patient, json::Arena& arena) {
    std::vector<std::pair<std::string_view, Value>> members;
    for (const std::string_view name : {"resourceType", "id", "meta"}) {
        if (const Value value = patient.find(name)) members.emplace_back(name, value);
    }
    std::vector<Value> extensions;
    Value address;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const anonymity::Quasi& quasi = rules.quasi[i];
        if (values[i].empty() || values[i] == "*") continue;
        const auto text_extension = [&](std::string_view url, const std::string& text) {
            return arena.object({{"url", arena.string(url)}, {"valueString", arena.string(text)}});
        };
        if (quasi.kind == "sex") members.emplace_back("gender", arena.string(values[i]));
        else if (quasi.kind == "age") extensions.push_back(text_extension(age_url, band_text(quasi, values[i])));
        else if (quasi.kind == "division")
            address = arena.object({{"extension", arena.array({text_extension(division_url, values[i])})}});
        else if (const Value own = extension_of(patient, quasi.url); own && code_in(own) == values[i]) extensions.push_back(own);
        else extensions.push_back(text_extension(quasi.url, values[i]));
    }
    if (!extensions.empty()) members.emplace_back("extension", arena.array(extensions));
    if (address) members.emplace_back("address", arena.array({address}));
    return arena.object(members);
}

Value without_rare(const anonymity::Rules& rules, const std::unordered_set<std::string>& rare, Value value, json::Arena& arena) {
    if (rare.empty()) return value;
    if (value.is_array()) {
        std::vector<Value> items;
        for (const json::Node& node : value.items()) items.push_back(without_rare(rules, rare, Value(&node), arena));
        return arena.array(items);
    }
    if (!value.is_object()) return value;
    const std::string_view code = value.find("code").string();
    if (code.size() >= 3 && is_diagnosis(rules, value) && rare.contains(std::string(code.substr(0, 3)))) {
        const Value masked = arena.object({{"url", arena.string("http://hl7.org/fhir/StructureDefinition/data-absent-reason")},
                                           {"valueCode", arena.string("masked")}});
        return arena.object({{"extension", arena.array({masked})}});
    }
    std::vector<std::pair<std::string_view, Value>> members;
    for (const json::Member& member : value.members())
        members.emplace_back(member.key(), without_rare(rules, rare, member.value(), arena));
    return arena.object(members);
}

Value without_contained_persons(Value resource, const std::unordered_set<std::string>& left_out, json::Arena& arena) {
    const Value contained = resource.find("contained");
    if (!contained) return resource;
    std::vector<Value> kept;
    for (const json::Node& node : contained.items()) {
        const std::string type(Value(&node).find("resourceType").string());
        if (type != "Patient" && !left_out.contains(type)) kept.emplace_back(&node);
    }
    std::vector<std::pair<std::string_view, Value>> members;
    for (const json::Member& member : resource.members()) {
        if (member.key() != "contained") members.emplace_back(member.key(), member.value());
        else if (!kept.empty()) members.emplace_back("contained", arena.array(kept));
    }
    return arena.object(members);
}

}  // namespace xinglin::bulk
