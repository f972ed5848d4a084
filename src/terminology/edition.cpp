// SPDX-License-Identifier: Apache-2.0
// What a definition says of itself.
#include "terminology/edition.h"

#include <charconv>

#include "text/text.h"

namespace xinglin::terminology {

namespace {

constexpr std::string_view period_url = "http://hl7.org/fhir/StructureDefinition/resource-effectivePeriod";
constexpr std::string_view translation_url = "http://hl7.org/fhir/StructureDefinition/translation";

json::Value extension(json::Value element, std::string_view url) {
    for (const json::Node& node : element["extension"].items()) {
        if (json::Value(&node)["url"].string() == url) return json::Value(&node);
    }
    return {};
}

std::string english_title(json::Value resource) {
    for (const json::Node& node : resource["_title"]["extension"].items()) {
        const json::Value one(&node);
        if (one["url"].string() != translation_url) continue;
        if (extension(one, "lang")["valueCode"].string().starts_with("en"))
            return std::string(extension(one, "content")["valueString"].string());
    }
    return {};
}

std::string first_of(json::Value resource, std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) {
        if (const json::Value value = resource[key]) return std::string(value.string());
    }
    return {};
}

bool is_nested(json::Value resource) {
    for (const json::Node& node : resource["concept"].items()) {
        const json::Value one(&node);
        if (one["concept"].size() > 0) return true;
        for (const json::Node& property : one["property"].items()) {
            const std::string_view code = json::Value(&property)["code"].string();
            if (code == "parent" || code == "child" || code == "subsumedBy") return true;
        }
    }
    return false;
}

std::int64_t count_concepts(json::Value holder) {
    std::int64_t count = 0;
    for (const json::Node& node : holder["concept"].items()) count += 1 + count_concepts(json::Value(&node));
    return count;
}

template <typename Number>
void number_from(std::string_view text, Number& number) {
    std::from_chars(text.data(), text.data() + text.size(), number);
}

void describe_system(json::Value resource, Edition& edition) {
    edition.value_set = resource["valueSet"].string();
    const std::string_view content = resource["content"].string();
    if (content == "supplement") edition.supplements = resource["supplements"].string();
    edition.has_concepts = content == "complete" || content == "fragment" || content == "example";
    edition.case_sensitive = !resource["caseSensitive"] || resource["caseSensitive"].as_bool();
    edition.count = count_concepts(resource);
    if (edition.count == 0) number_from(resource["count"].text(), edition.count);  // a header: the table says it all
    edition.hierarchical = is_nested(resource) || resource["hierarchyMeaning"];
}

}  // namespace

std::string_view type_name(Kind kind) {
    switch (kind) {
        case Kind::system: return "CodeSystem";
        case Kind::value_set: return "ValueSet";
        case Kind::map: return "ConceptMap";
    }
    return "";
}

std::string Edition::where() const {
    if (origin == Origin::stored) return std::string(type_name(kind)) + "/" + id;
    return "content/" + (csv.empty() ? file : csv);
}

Result<Edition> describe(json::Value resource) {
    Edition edition;
    const std::string_view type = resource["resourceType"].string();
    if (type == "ValueSet") {
        edition.kind = Kind::value_set;
    } else if (type == "ConceptMap") {
        edition.kind = Kind::map;
    } else if (type != "CodeSystem") {
        return refuse(IssueCode::invalid, "resourceType", "expected a CodeSystem, a ValueSet or a ConceptMap");
    }
    edition.url = resource["url"].string();
    if (edition.url.empty())
        return refuse(IssueCode::required, std::string(type) + ".url", "is needed: a definition is found by it");
    edition.version = resource["version"].string();
    edition.name = resource["name"].string();
    edition.title = resource["title"].string();
    if (edition.title.empty()) edition.title = edition.name;
    edition.title_en = english_title(resource);
    edition.status = resource["status"].string();
    if (const auto language = resource["language"].string(); !language.empty()) edition.language = language;
    edition.source = resource["publisher"].string();
    edition.copyright = resource["copyright"].string();
    edition.note = resource["description"].string();
    const json::Value period = extension(resource, period_url)["valuePeriod"];
    edition.from = period["start"].string().substr(0, 10);
    edition.to = period["end"].string().substr(0, 10);
    for (const json::Node& node : resource["identifier"].items()) {
        if (const auto value = json::Value(&node)["value"].string(); value.starts_with("urn:oid:"))
            edition.aliases.emplace_back(value);
    }
    if (edition.kind == Kind::system) describe_system(resource, edition);
    if (edition.kind == Kind::map) {
        edition.map_source = first_of(resource, {"sourceUri", "sourceCanonical"});
        edition.map_target = first_of(resource, {"targetUri", "targetCanonical"});
        edition.count = 0;
        for (const json::Node& node : resource["group"].items())
            edition.count += static_cast<std::int64_t>(json::Value(&node)["element"].size());
    }
    return edition;
}

std::vector<Edition> read_index(std::string_view text) {
    std::vector<Edition> all;
    for (const std::string_view line : text::split(text, '\n')) {
        const auto field = text::split(line, '\t');
        if (field.size() != 17) continue;
        Edition edition;
        edition.kind = field[0] == "CodeSystem" ? Kind::system : field[0] == "ValueSet" ? Kind::value_set : Kind::map;
        edition.url = field[1];
        edition.version = field[2];
        edition.name = field[3];
        edition.title = field[4].empty() ? field[3] : field[4];
        edition.title_en = field[5];
        edition.status = field[6];
        if (!field[7].empty()) number_from(field[7], edition.count);
        edition.value_set = field[8];
        edition.map_source = field[9];
        edition.map_target = field[10];
        if (!field[11].empty()) {
            for (const std::string_view alias : text::split(field[11], '|')) edition.aliases.emplace_back(alias);
        }
        edition.language = field[12];
        edition.hierarchical = field[13] == "1";
        edition.file = field[14];
        number_from(field[15], edition.offset);
        number_from(field[16], edition.bytes);
        all.push_back(std::move(edition));
    }
    return all;
}

}  // namespace xinglin::terminology
