// SPDX-License-Identifier: Apache-2.0
// Changing JSON, member by member.
#include "registry/edit.h"

#include <vector>

#include "text/text.h"

namespace xinglin::registry {

template <typename Is>
json::Value Edit::list(json::Value from, Is is, json::Value more) {
    std::vector<json::Value> kept;
    for (const json::Node& node : from.items()) {
        if (!is(json::Value(&node))) kept.emplace_back(&node);
    }
    if (more) kept.push_back(more);
    return kept.empty() ? json::Value{} : arena_.array(kept);
}

json::Value Edit::period(std::string_view from, std::string_view to) {
    if (from.empty() && to.empty()) return {};
    return arena_.object({{"start", text(from)}, {"end", text(to)}});
}

std::string_view Edit::period_member() const {
    return type() == "PractitionerRole" || type() == "OrganizationAffiliation" ? "period" : "";
}

void Edit::put_extension(std::string_view url, json::Value extension, bool only) {
    put("extension", list(
                         it_["extension"], [&](json::Value each) { return only && each["url"].string() == url; }, extension));
}

void Edit::set_text(std::string_view member, std::string_view value) { put(member, text(value)); }

void Edit::set_reference(std::string_view member, std::string_view reference) {
    put(member, reference.empty() ? json::Value{} : arena_.object({{"reference", arena_.string(reference)}}));
}

void Edit::set_coding(std::string_view member, std::string_view system, std::string_view code) {
    put(member, code.empty() ? json::Value{} : arena_.object({{"system", arena_.string(system)}, {"code", arena_.string(code)}}));
}

void Edit::set_concept(std::string_view member, std::string_view system, std::string_view code, std::string_view said,
                       bool many) {
    json::Value value;
    if (!code.empty() || !said.empty()) {
        const json::Value coding = code.empty()
                                       ? json::Value{}
                                       : arena_.array({arena_.object({{"system", text(system)}, {"code", arena_.string(code)}})});
        value = arena_.object({{"coding", coding}, {"text", text(said)}});
        if (many) value = arena_.array({value});
    }
    put(member, value);
}

void Edit::set_type(std::string_view system, std::string_view code, std::string_view display) {
    const json::Value more = code.empty()
                                 ? json::Value{}
                                 : arena_.object({{"coding", arena_.array({arena_.object({{"system", arena_.string(system)},
                                                                                          {"code", arena_.string(code)},
                                                                                          {"display", text(display)}})})}});
    put("type",
        list(
            it_["type"], [&](json::Value each) { return each["coding"][std::size_t{0}]["system"].string() == system; }, more));
}

void Edit::set_code(std::string_view system, std::string_view value) {
    const json::Value more =
        value.empty() ? json::Value{} : arena_.object({{"system", arena_.string(system)}, {"value", arena_.string(value)}});
    put("identifier",
        list(
            it_["identifier"],
            [&](json::Value each) { return each["system"].string() == system && each["use"].string() != "old"; }, more));
}

void Edit::recode(std::string_view system, std::string_view value, std::string_view day) {
    std::vector<json::Value> all;
    for (const json::Node& node : it_["identifier"].items()) {
        json::Value each(&node);
        if (each["system"].string() == system && each["use"].string() != "old") {
            each = arena_.with(each, "use", arena_.string("old"));
            each = arena_.with(each, "period", period(each["period"]["start"].string(), day_before(day)));
        }
        all.push_back(each);
    }
    all.push_back(
        arena_.object({{"system", arena_.string(system)}, {"value", arena_.string(value)}, {"period", period(day, "")}}));
    put("identifier", arena_.array(all));
}

void Edit::set_name(std::string_view name) {
    if (type() == "Practitioner") {
        const json::Value more = arena_.object({{"use", arena_.string("official")}, {"text", arena_.string(name)}});
        return put("name", list(
                               it_["name"], [](json::Value each) { return each["use"].string() != "old"; }, more));
    }
    if (type() == "Device" || type() == "DeviceDefinition")
        return put("deviceName",
                   arena_.array({arena_.object({{"name", arena_.string(name)}, {"type", arena_.string("user-friendly-name")}})}));
    if (type() == "Medication") {
        json::Value code = it_["code"];
        if (!code) code = arena_.object({});
        return put("code", arena_.with(code, "text", arena_.string(name)));
    }
    put("name", text(name));
}

void Edit::rename(std::string_view was, std::string_view name, std::string_view day) {
    if (type() == "Practitioner") {
        std::vector<json::Value> all = {
            arena_.object({{"use", arena_.string("official")}, {"text", arena_.string(name)}, {"period", period(day, "")}})};
        for (const json::Node& node : it_["name"].items()) {
            json::Value each(&node);
            if (each["use"].string() != "old") {
                each = arena_.with(each, "use", arena_.string("old"));
                each = arena_.with(each, "period", period(each["period"]["start"].string(), day_before(day)));
            }
            all.push_back(each);
        }
        return put("name", arena_.array(all));
    }
    if (!was.empty()) {
        const json::Value parts =
            arena_.array({arena_.object({{"url", arena_.string("name")}, {"valueString", arena_.string(was)}}),
                          arena_.object({{"url", arena_.string("period")}, {"valuePeriod", period("", day_before(day))}})});
        put_extension(former_name_extension, arena_.object({{"url", arena_.string(former_name_extension)}, {"extension", parts}}),
                      false);
    }
    put("name", arena_.string(name));
}

void Edit::set_area(std::string_view code) {
    const bool many = type() == "Organization";
    json::Value address = many ? it_["address"][std::size_t{0}] : it_["address"];
    if (!address) address = arena_.object({});
    const json::Value more =
        code.empty() ? json::Value{}
                     : arena_.object({{"url", arena_.string(division_extension)}, {"valueString", arena_.string(code)}});
    address =
        arena_.with(address, "extension",
                    list(
                        address["extension"], [](json::Value each) { return each["url"].string() == division_extension; }, more));
    if (address.size() == 0) address = {};
    put("address", !address ? address : many ? arena_.array({address}) : address);
}

void Edit::set_address(std::string_view said) {
    const bool many = type() == "Organization";
    json::Value address = many ? it_["address"][std::size_t{0}] : it_["address"];
    if (!address) address = arena_.object({});
    address = arena_.with(address, "text", text(said));
    if (address.size() == 0) address = {};
    put("address", !address ? address : many ? arena_.array({address}) : address);
}

void Edit::set_phone(std::string_view number) {
    const json::Value more =
        number.empty() ? json::Value{} : arena_.object({{"system", arena_.string("phone")}, {"value", arena_.string(number)}});
    put("telecom", list(
                       it_["telecom"], [](json::Value each) { return each["system"].string() == "phone"; }, more));
}

void Edit::set_position(std::string_view longitude, std::string_view latitude) {
    put("position", longitude.empty() || latitude.empty()
                        ? json::Value{}
                        : arena_.object({{"longitude", arena_.number(longitude)}, {"latitude", arena_.number(latitude)}}));
}

void Edit::set_days(std::string_view from, std::string_view to) {
    const json::Value days = period(from, to);
    if (!period_member().empty()) return put(period_member(), days);
    put_extension(period_extension,
                  days ? arena_.object({{"url", arena_.string(period_extension)}, {"valuePeriod", days}}) : json::Value{}, true);
}

void Edit::set_active(bool active) {
    if (type() == "Location" || type() == "Device" || type() == "Medication")
        return put("status", arena_.string(active ? "active" : "inactive"));
    if (type() != "DeviceDefinition") put("active", arena_.boolean(active));
}

Days Edit::days() const {
    json::Value said = period_member().empty() ? json::Value{} : it_[period_member()];
    for (const json::Node& node : it_["extension"].items()) {
        if (json::Value(&node)["url"].string() == period_extension) said = json::Value(&node)["valuePeriod"];
    }
    return {std::string(said["start"].string()), std::string(said["end"].string())};
}

void Edit::set_state(std::string_view state) {
    if (type() == "Location" && state == "suspended") return put("status", arena_.string("suspended"));
    set_active(state == "active" || state.empty());
}

void Edit::set_display(std::string_view member, std::string_view display) {
    put(member, display.empty() ? json::Value{} : arena_.object({{"display", arena_.string(display)}}));
}

void Edit::set_udi(std::string_view device_identifier) {
    put("udiCarrier", device_identifier.empty()
                          ? json::Value{}
                          : arena_.array({arena_.object({{"deviceIdentifier", arena_.string(device_identifier)}})}));
}

void Edit::set_product_identifier(std::string_view udi) {
    put("udiDeviceIdentifier", arena_.array({arena_.object({{"deviceIdentifier", arena_.string(udi)},
                                                            {"issuer", arena_.string("http://hl7.org/fhir/NamingSystem/gs1-di")},
                                                            {"jurisdiction", arena_.string("urn:iso:std:iso:3166#CN")}})}));
}

void Edit::set_licence(std::string_view number, std::string_view name, bool is_name) {
    const auto is_licence = [](json::Value each) {
        return each["identifier"][std::size_t{0}]["system"].string() == licence_system || each["id"].string() == "licence";
    };
    json::Value licence;
    for (const json::Node& node : it_["qualification"].items()) {
        if (is_licence(json::Value(&node))) licence = json::Value(&node);
    }
    if (!licence) licence = arena_.object({{"id", arena_.string("licence")}});
    if (is_name) {
        licence = arena_.with(licence, "code", name.empty() ? json::Value{} : arena_.object({{"text", arena_.string(name)}}));
    } else {
        const json::Value identifier = arena_.object({{"system", arena_.string(licence_system)}, {"value", text(number)}});
        licence = arena_.with(licence, "identifier", number.empty() ? json::Value{} : arena_.array({identifier}));
    }
    const bool says_something = licence["code"] || licence["identifier"];
    if (says_something && !licence["code"])
        licence = arena_.with(licence, "code", arena_.object({{"text", arena_.string(unnamed_licence)}}));
    put("qualification", list(it_["qualification"], is_licence, says_something ? licence : json::Value{}));
}

void Edit::set_standing(std::string_view code) {
    const json::Value meta = it_["meta"].is_object() ? it_["meta"] : arena_.object({});
    const json::Value tag = arena_.object({{"system", arena_.string(standing_system)}, {"code", arena_.string(code)}});
    const json::Value tags = list(
        meta["tag"], [](json::Value each) { return each["system"].string() == standing_system; }, tag);
    it_ = arena_.with_after(it_, "id", "meta", arena_.with(meta, "tag", tags));
}

void Edit::add_mapping(std::string_view system, std::string_view value) {
    const json::Value more =
        arena_.object({{"use", arena_.string("secondary")}, {"system", arena_.string(system)}, {"value", arena_.string(value)}});
    put("identifier",
        list(
            it_["identifier"],
            [&](json::Value each) { return each["system"].string() == system && each["value"].string() == value; }, more));
}

void Edit::add_former_parent(std::string_view reference, std::string_view day) {
    if (reference.empty()) return;
    std::string from;
    for (const json::Node& node : it_["extension"].items()) {  // it was so since the one before ended
        const json::Value each(&node);
        if (each["url"].string() != former_parent_extension) continue;
        for (const json::Node& inner : each["extension"].items()) {
            const std::string_view end = json::Value(&inner)["valuePeriod"]["end"].string();
            if (end > from) from = end;
        }
    }
    const json::Value parent = arena_.object({{"reference", arena_.string(reference)}});
    const json::Value parts =
        arena_.array({arena_.object({{"url", arena_.string("parent")}, {"valueReference", parent}}),
                      arena_.object({{"url", arena_.string("period")},
                                     {"valuePeriod", period(from.empty() ? "" : day_after(from), day_before(day))}})});
    put_extension(former_parent_extension, arena_.object({{"url", arena_.string(former_parent_extension)}, {"extension", parts}}),
                  false);
}

void Edit::set_boundary(std::string_view geojson, std::string_view day) {
    json::Value present;
    std::string from;
    for (const json::Node& node : it_["extension"].items()) {
        const json::Value each(&node);
        if (each["url"].string() == boundary_extension) present = each["valueAttachment"];
        if (each["url"].string() != former_boundary_extension) continue;
        for (const json::Node& inner : each["extension"].items()) {
            const std::string_view end = json::Value(&inner)["valuePeriod"]["end"].string();
            if (end > from) from = end;
        }
    }
    if (present) {
        const json::Value parts =
            arena_.array({arena_.object({{"url", arena_.string("geojson")}, {"valueAttachment", present}}),
                          arena_.object({{"url", arena_.string("period")},
                                         {"valuePeriod", period(from.empty() ? "" : day_after(from), day_before(day))}})});
        put_extension(former_boundary_extension,
                      arena_.object({{"url", arena_.string(former_boundary_extension)}, {"extension", parts}}), false);
    }
    const json::Value attachment =
        arena_.object({{"contentType", arena_.string("application/geo+json")}, {"data", arena_.string(text::base64(geojson))}});
    put_extension(boundary_extension,
                  arena_.object({{"url", arena_.string(boundary_extension)}, {"valueAttachment", attachment}}), true);
}

void Edit::set_open(bool open, std::string_view day) {
    set_days(days().from, open ? "" : day);
    set_active(open);
}

void Edit::add_event(std::string_view kind, std::string_view day, std::string_view target, std::string_view note) {
    std::vector<json::Value> parts = {arena_.object({{"url", arena_.string("kind")}, {"valueCode", arena_.string(kind)}}),
                                      arena_.object({{"url", arena_.string("date")}, {"valueDate", arena_.string(day)}})};
    if (!target.empty())
        parts.push_back(arena_.object(
            {{"url", arena_.string("target")}, {"valueReference", arena_.object({{"reference", arena_.string(target)}})}}));
    if (!note.empty()) parts.push_back(arena_.object({{"url", arena_.string("note")}, {"valueString", arena_.string(note)}}));
    put_extension(event_extension, arena_.object({{"url", arena_.string(event_extension)}, {"extension", arena_.array(parts)}}),
                  false);
}

void Edit::replace_references(std::string_view from, std::string_view to) {
    for (const std::string_view member :
         {"partOf", "managingOrganization", "organization", "participatingOrganization", "practitioner", "providedBy", "owner"}) {
        const json::Value reference = it_[member];
        if (reference["reference"].string() == from) put(member, arena_.object({{"reference", arena_.string(to)}}));
    }
}

bool is_division(std::string_view code) {
    if (code.size() != 2 && code.size() != 4 && code.size() != 6 && code.size() != 9 && code.size() != 12) return false;
    return code.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace xinglin::registry
