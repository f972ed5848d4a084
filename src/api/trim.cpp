// SPDX-License-Identifier: Apache-2.0
// _summary and _elements: less of a resource, still a valid one, and marked so (R4, search.html#summary).
#include <unordered_set>

#include "api/exchange.h"
#include "json/json.h"
#include "text/text.h"

namespace xinglin::api {
namespace {

bool always_kept(const fhir::Element& element) { return element.min > 0 || element.is_modifier; }

class Trimmer {
public:
    Trimmer(const Trim& trim, json::Arena& arena) : trim_(trim), arena_(arena) {
        for (const std::string& name : trim.elements) {
            std::string_view one = name;
            if (const std::size_t dot = one.find('.'); dot != std::string_view::npos) {  // "Patient.name" or "name.family"
                one = one.front() >= 'A' && one.front() <= 'Z' ? one.substr(dot + 1) : one.substr(0, dot);
                one = one.substr(0, one.find('.'));
            }
            wanted_.insert(std::string(one));
        }
    }

    json::Value resource(json::Value value) {
        const fhir::Type* type = fhir::find_resource(value.find("resourceType").string());
        if (!type) return value;
        std::vector<std::pair<std::string_view, json::Value>> kept;
        for (const json::Member& member : value.members()) {
            if (!keeps(*type, member.key())) continue;
            const bool deeper = trim_.summary == search::Summary::yes;
            kept.emplace_back(member.key(), deeper ? summary_of(*type, member) : member.value());
        }
        return tagged(arena_.object(kept));
    }

private:
    const Trim& trim_;
    json::Arena& arena_;
    std::unordered_set<std::string> wanted_;

    bool keeps(const fhir::Type& type, std::string_view key) const {
        if (key == "resourceType" || key == "id" || key == "meta") return true;
        if (key.starts_with('_')) key.remove_prefix(1);
        if (trim_.summary == search::Summary::data) return key != "text";
        const fhir::Match match = fhir::match(type, key);
        if (!match) return false;
        if (!trim_.elements.empty())
            return always_kept(*match.element) || wanted_.contains(std::string(match.element->name)) ||
                   wanted_.contains(std::string(key));
        if (trim_.summary == search::Summary::text) return key == "text" || match.element->min > 0;
        return match.element->is_summary || always_kept(*match.element);
    }

    /// Inside backbone elements the same rule holds; data types are kept whole.
    json::Value summary_of(const fhir::Type& type, const json::Member& member) {
        const fhir::Match match = fhir::match(type, member.key());
        if (!match || !match.type || match.type->type->kind != fhir::TypeKind::backbone) return member.value();
        const fhir::Type& inner = *match.type->type;
        if (member.value().is_object()) return backbone(inner, member.value());
        std::vector<json::Value> items;
        for (const json::Node& item : member.value().items()) items.push_back(backbone(inner, json::Value(&item)));
        return arena_.array(items);
    }
    json::Value backbone(const fhir::Type& type, json::Value value) {
        std::vector<std::pair<std::string_view, json::Value>> kept;
        for (const json::Member& member : value.members()) {
            if (keeps(type, member.key())) kept.emplace_back(member.key(), summary_of(type, member));
        }
        return kept.empty() ? value : arena_.object(kept);
    }

    json::Value tagged(json::Value resource) {
        const json::Value tag =
            arena_.object({{"system", arena_.string("http://terminology.hl7.org/CodeSystem/v3-ObservationValue")},
                           {"code", arena_.string("SUBSETTED")}});
        const json::Value meta = resource.find("meta");
        std::vector<json::Value> tags;
        for (const json::Node& item : meta.find("tag").items()) tags.emplace_back(&item);
        tags.push_back(tag);
        const json::Value all = arena_.array(tags);
        return arena_.with_after(resource, "id", "meta", meta ? arena_.with(meta, "tag", all) : arena_.object({{"tag", all}}));
    }
};

}  // namespace

Result<Trim> read_trim(const Exchange& exchange) {
    Trim trim;
    const std::string_view summary = exchange.parameter("_summary");
    if (summary == "true") trim.summary = search::Summary::yes;
    else if (summary == "text") trim.summary = search::Summary::text;
    else if (summary == "data") trim.summary = search::Summary::data;
    else if (!summary.empty() && summary != "false")
        return refuse(IssueCode::value, "_summary", "must be true, text, data or false");
    if (const std::string_view elements = exchange.parameter("_elements"); !elements.empty()) {
        for (const std::string_view name : text::split(elements, ',')) {
            if (!name.empty()) trim.elements.emplace_back(name);
        }
    }
    return trim;
}

std::string trimmed_body(const Trim& trim, const std::string& body) {
    json::Arena arena;
    const auto value = json::parse(body, arena, {.depth = 1'000, .bytes = body.size() + 1});
    return value.ok() ? json::write(Trimmer(trim, arena).resource(*value)) : body;
}

}  // namespace xinglin::api
