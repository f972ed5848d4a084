// SPDX-License-Identifier: Apache-2.0
// Reading an entry out of its resource.
#include "registry/entry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "calendar/calendar.h"
#include "text/text.h"

namespace xinglin::registry {

namespace {

constexpr std::array<std::string_view, 14> kinds = {"institution", "department", "alliance",     "area", "site",
                                                    "ward",        "bed",        "practitioner", "role", "affiliation",
                                                    "service",     "device",     "consumable",   "drug"};
constexpr std::size_t most_names = 50, most_codes = 50, most_events = 200;

std::string own(std::string_view text) { return std::string(text); }
std::string day_part(std::string_view text) { return own(text.substr(0, 10)); }

Days days_of(json::Value period) { return {day_part(period["start"].string()), day_part(period["end"].string())}; }

json::Value extension(json::Value element, std::string_view url) {
    for (const json::Node& node : element["extension"].items()) {
        if (json::Value(&node)["url"].string() == url) return json::Value(&node);
    }
    return {};
}

/// The first coding of the first concept that has a code; else its text.
void read_concept(json::Value concept_, std::string& code, std::string& name) {
    if (concept_.is_array()) concept_ = concept_[std::size_t{0}];
    const json::Value coding = concept_["coding"][std::size_t{0}];
    code = own(coding["code"].string());
    name = own(coding["display"].string().empty() ? concept_["text"].string() : coding["display"].string());
}

void read_codes(Entry& entry, json::Value identifiers) {
    for (const json::Node& node : identifiers.items()) {
        const json::Value each(&node);
        if (each["value"].string().empty() || entry.codes.size() >= most_codes) continue;
        entry.codes.push_back({own(each["system"].string()), own(each["value"].string()), days_of(each["period"]),
                               each["use"].string() != "old" && each["period"]["end"].string().empty()});
    }
}

void read_extensions(Entry& entry, json::Value resource) {
    for (const json::Node& node : resource["extension"].items()) {
        const json::Value each(&node);
        const std::string_view url = each["url"].string();
        if (url == period_extension) entry.days = days_of(each["valuePeriod"]);
        if (url == former_name_extension && entry.names.size() < most_names)
            entry.names.push_back(
                {own(extension(each, "name")["valueString"].string()), days_of(extension(each, "period")["valuePeriod"]), false});
        if (url == former_parent_extension && entry.former_parents.size() < most_names)
            entry.former_parents.push_back({own(extension(each, "parent")["valueReference"]["reference"].string()),
                                            days_of(extension(each, "period")["valuePeriod"])});
        if (url == boundary_extension || url == former_boundary_extension) entry.has_boundary = true;
        if (url == event_extension && entry.events.size() < most_events)
            entry.events.push_back({own(extension(each, "kind")["valueCode"].string()),
                                    own(extension(each, "date")["valueDate"].string()),
                                    own(extension(each, "target")["valueReference"]["reference"].string()),
                                    own(extension(each, "note")["valueString"].string())});
    }
}

void read_address(Entry& entry, json::Value address) {
    if (address.is_array()) address = address[std::size_t{0}];
    entry.area = own(extension(address, division_extension)["valueString"].string());
    entry.address = own(address["text"].string());
}

void read_phone(Entry& entry, json::Value telecom) {
    for (const json::Node& node : telecom.items()) {
        if (json::Value(&node)["system"].string() == "phone" && entry.phone.empty())
            entry.phone = own(json::Value(&node)["value"].string());
    }
}

std::string human_name(json::Value name) {
    if (!name["text"].string().empty()) return own(name["text"].string());
    std::string given;
    for (const json::Node& node : name["given"].items()) given += (given.empty() ? "" : " ") + own(json::Value(&node).string());
    const std::string family = own(name["family"].string());
    return text::has_han(family) || text::has_han(given) ? family + given : given.empty() ? family : given + " " + family;
}

bool read_organization(Entry& entry, json::Value r) {
    entry.names.push_back({own(r["name"].string()), {}, true});
    std::string unit;
    for (const json::Node& concept_ : r["type"].items()) {
        for (const json::Node& node : json::Value(&concept_)["coding"].items()) {
            const json::Value coding(&node);
            if (coding["system"].string() == unit_system) unit = own(coding["code"].string());
            else if (entry.class_code.empty() || coding["system"].string() == class_system) {
                entry.class_code = own(coding["code"].string());
                entry.class_name = own(coding["display"].string());
            }
        }
    }
    entry.parent = own(r["partOf"]["reference"].string());
    entry.kind = unit == "alliance" ? Kind::alliance : unit == "department" ? Kind::department : Kind::institution;
    if (entry.kind == Kind::department) entry.organization = entry.parent;
    read_address(entry, r["address"]);
    read_phone(entry, r["telecom"]);
    if (r["active"].is_boolean() && !r["active"].as_bool()) entry.state = "inactive";
    return true;
}

bool read_location(Entry& entry, json::Value r) {
    entry.names.push_back({own(r["name"].string()), {}, true});
    read_concept(r["physicalType"], entry.class_code, entry.class_name);
    if (entry.class_code == "ho" || entry.class_code == "ve") return false;  // a home, a vehicle
    entry.kind = entry.class_code == "bd"                               ? Kind::bed
                 : entry.class_code == "si" || entry.class_code == "bu" ? Kind::site
                 : entry.class_code == "jdn"                            ? Kind::area
                                                                        : Kind::ward;
    entry.parent = own(r["partOf"]["reference"].string());
    entry.organization = own(r["managingOrganization"]["reference"].string());
    entry.bed_state = own(r["operationalStatus"]["code"].string());
    const std::string_view status = r["status"].string();
    if (status == "inactive" || status == "suspended") entry.state = own(status);
    read_address(entry, r["address"]);
    for (const Code& code : entry.codes) {
        if (code.system == division_system && code.is_current) entry.area = code.value;
    }
    read_phone(entry, r["telecom"]);
    if (const json::Value at = r["position"]; at) {
        entry.longitude = std::strtod(own(at["longitude"].text()).c_str(), nullptr);
        entry.latitude = std::strtod(own(at["latitude"].text()).c_str(), nullptr);
    }
    return true;
}

bool read_practitioner(Entry& entry, json::Value r) {
    entry.kind = Kind::practitioner;
    for (const json::Node& node : r["name"].items()) {
        const json::Value name(&node);
        if (entry.names.size() >= most_names) break;
        entry.names.push_back({human_name(name), days_of(name["period"]), name["use"].string() != "old"});
    }
    std::stable_sort(entry.names.begin(), entry.names.end(),
                     [](const Name& a, const Name& b) { return a.is_current > b.is_current; });
    for (const json::Node& node : r["qualification"].items()) {
        const json::Value each(&node);
        std::string code, name;
        read_concept(each["code"], code, name);
        if (!name.empty()) entry.detail += (entry.detail.empty() ? "" : "、") + name;
        read_codes(entry, each["identifier"]);
    }
    read_phone(entry, r["telecom"]);
    if (r["active"].is_boolean() && !r["active"].as_bool()) entry.state = "inactive";
    return true;
}

bool read_role(Entry& entry, json::Value r) {
    entry.kind = Kind::role;
    entry.practitioner = own(r["practitioner"]["reference"].string());
    entry.organization = own(r["organization"]["reference"].string());
    entry.parent = entry.organization;
    read_concept(r["code"], entry.class_code, entry.class_name);
    std::string code;
    read_concept(r["specialty"], code, entry.detail);
    entry.days = days_of(r["period"]);
    entry.names.push_back({own(r["practitioner"]["display"].string()), {}, true});
    if (r["active"].is_boolean() && !r["active"].as_bool()) entry.state = "inactive";
    return true;
}

bool read_affiliation(Entry& entry, json::Value r) {
    entry.kind = Kind::affiliation;
    entry.parent = own(r["organization"]["reference"].string());
    entry.organization = own(r["participatingOrganization"]["reference"].string());
    entry.days = days_of(r["period"]);
    read_concept(r["code"], entry.class_code, entry.class_name);
    if (r["active"].is_boolean() && !r["active"].as_bool()) entry.state = "inactive";
    return true;
}

bool read_thing(Entry& entry, json::Value r) {
    if (entry.type->name == "Medication") {
        entry.kind = Kind::drug;
        read_concept(r["form"], entry.class_code, entry.class_name);
        std::string code, name;
        read_concept(r["code"], code, name);
        if (const std::string_view said = r["code"]["text"].string(); !said.empty()) name = said;
        entry.names.push_back({name, {}, true});
        entry.detail = own(r["manufacturer"]["display"].string());
        if (r["status"].string() == "inactive") entry.state = "inactive";
        return !r["identifier"].items().empty();  // one that a prescription carries with it is no entry
    }
    const bool is_definition = entry.type->name == "DeviceDefinition";
    entry.kind = is_definition ? Kind::consumable : Kind::device;
    entry.names.push_back({own(r["deviceName"][std::size_t{0}]["name"].string()), {}, true});
    read_concept(r["type"], entry.class_code, entry.class_name);
    entry.detail = own(r["modelNumber"].string());
    if (const std::string_view maker = is_definition ? r["manufacturerString"].string() : r["manufacturer"].string();
        !maker.empty())
        entry.detail += (entry.detail.empty() ? "" : " · ") + own(maker);
    for (const json::Node& node : (is_definition ? r["udiDeviceIdentifier"] : r["udiCarrier"]).items()) {
        const std::string_view udi = json::Value(&node)["deviceIdentifier"].string();
        if (!udi.empty() && entry.codes.size() < most_codes) entry.codes.push_back({own(udi_system), own(udi), {}, true});
    }
    entry.organization = own(r["owner"]["reference"].string());
    entry.serial = own(r["serialNumber"].string());
    if (r["status"].string() == "inactive") entry.state = "inactive";
    return true;
}

bool read_service(Entry& entry, json::Value r) {
    entry.kind = Kind::service;
    entry.names.push_back({own(r["name"].string()), {}, true});
    entry.parent = entry.organization = own(r["providedBy"]["reference"].string());
    read_concept(r["type"], entry.class_code, entry.class_name);
    if (r["active"].is_boolean() && !r["active"].as_bool()) entry.state = "inactive";
    return true;
}

bool read_kind(Entry& entry, json::Value r) {
    const std::string_view type = entry.type->name;
    if (type == "Organization") return read_organization(entry, r);
    if (type == "Location") return read_location(entry, r);
    if (type == "Practitioner") return read_practitioner(entry, r);
    if (type == "PractitionerRole") return read_role(entry, r);
    if (type == "OrganizationAffiliation") return read_affiliation(entry, r);
    if (type == "HealthcareService") return read_service(entry, r);
    return read_thing(entry, r);
}

void add_words(std::string& search, std::string_view name) {
    const std::string folded = text::fold(name);
    if (folded.empty()) return;
    search += '\n' + folded;
    if (!text::has_han(folded)) return;
    // An institution is no name of a person: the everyday reading of its words; and the reading as a name, for staff.
    std::string whole, firsts;
    text::spell(folded, [&](std::string_view syllable, bool) {
        whole += syllable;
        if (!syllable.empty()) firsts += syllable.front();
    });
    search += '\n' + whole + '\n' + firsts;
    if (const std::string as_name = text::pinyin(folded); as_name != whole)
        search += '\n' + as_name + '\n' + text::initials(folded);
}

}  // namespace

std::string_view text(Kind kind) { return kinds[static_cast<std::size_t>(kind)]; }

std::optional<Kind> parse_kind(std::string_view text) {
    const auto found = std::find(kinds.begin(), kinds.end(), text);
    if (found == kinds.end()) return std::nullopt;
    return static_cast<Kind>(found - kinds.begin());
}

const std::vector<const fhir::Type*>& entry_types() {
    static const std::vector<const fhir::Type*> types = [] {
        std::vector<const fhir::Type*> all;
        for (const std::string_view name :
             {"Organization", "Location", "Practitioner", "PractitionerRole", "OrganizationAffiliation", "HealthcareService",
              "Device", "DeviceDefinition", "Medication"})
            all.push_back(fhir::find_resource(name));
        return all;
    }();
    return types;
}

bool is_entry_type(std::string_view type) {
    return std::any_of(entry_types().begin(), entry_types().end(), [&](const fhir::Type* each) { return each->name == type; });
}

std::string_view Entry::name_on(std::string_view day) const {
    if (day.empty()) return name();
    const Name* best = nullptr;
    for (const Name& each : names) {
        if (!each.is_current && each.days.hold(day) && (!best || each.days.to < best->days.to)) best = &each;
    }
    return best ? std::string_view(best->text) : name();
}

std::string_view Entry::parent_on(std::string_view day) const {
    if (day.empty()) return parent;
    const FormerParent* best = nullptr;
    for (const FormerParent& each : former_parents) {
        if (each.days.hold(day) && (!best || each.days.to < best->days.to)) best = &each;
    }
    return best ? std::string_view(best->reference) : std::string_view(parent);
}

bool Entry::is_registered() const {
    return std::any_of(codes.begin(), codes.end(),
                       [](const Code& code) { return !code.system.starts_with("urn:xinglin:source:"); });
}

std::string_view Entry::successor() const {
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
        if (event->kind == "merged") return event->target;
        if (event->kind == "reopened") return {};
    }
    return {};
}

std::optional<Entry> entry_of(json::Value r) {
    Entry entry;
    const std::string_view type = r["resourceType"].string();
    entry.type = fhir::find_resource(type);
    if (!entry.type || !is_entry_type(type)) return std::nullopt;
    entry.id = own(r["id"].string());
    read_codes(entry, r["identifier"]);
    if (!read_kind(entry, r)) return std::nullopt;
    read_extensions(entry, r);
    if (entry.kind == Kind::consumable && !entry.days.to.empty()) entry.state = "inactive";  // it has no status of its own
    constexpr std::string_view ours = "urn:xinglin:source:";
    if (const std::string_view source = r["meta"]["source"].string(); source.starts_with(ours)) {
        entry.source = own(source.substr(ours.size(), source.find('#') - ours.size()));
        entry.is_stray = source.find('#') != std::string_view::npos;
    }
    for (const json::Node& node : r["meta"]["tag"].items()) {
        const json::Value tag(&node);
        if (tag["system"].string() == standing_system) entry.is_stray = tag["code"].string() == "stray";
    }
    if (entry.names.empty()) entry.names.push_back({});
    index(entry);
    return entry;
}

void take_over(Entry& entry, const Entry& earlier, std::string_view since, std::string_view until) {
    if (since >= until) return;  // mended on the day it came: it was never in force
    const Days days{earlier.version <= 1 ? std::string() : own(since), day_before(until)};
    const auto named = [&](const Name& name) {
        return std::any_of(entry.names.begin(), entry.names.end(), [&](const Name& each) { return each.text == name.text; });
    };
    const auto coded = [&](const Code& code) {
        return std::any_of(entry.codes.begin(), entry.codes.end(),
                           [&](const Code& each) { return each.system == code.system && each.value == code.value; });
    };
    if (!earlier.names.empty() && !earlier.name().empty() && !named(earlier.names.front()) && entry.names.size() < most_names)
        entry.names.push_back({earlier.names.front().text, days, false});
    for (const Code& code : earlier.codes) {
        if (!coded(code) && entry.codes.size() < most_codes)
            entry.codes.push_back(
                {code.system, code.value, {code.days.from.empty() ? days.from : code.days.from, days.to}, false});
    }
}

void index(Entry& entry) {
    entry.search.clear();
    for (const Name& name : entry.names) add_words(entry.search, name.text);
    for (const Code& code : entry.codes) entry.search += '\n' + text::fold(code.value);
    entry.search += '\n';
    entry.order.clear();
    text::spell(entry.name(), [&](std::string_view syllable, bool) { entry.order.append(syllable).push_back(' '); });
}

std::string boundary_on(json::Value location, std::string_view day) {
    json::Value found = extension(location, boundary_extension)["valueAttachment"];
    std::string until;
    for (const json::Node& node : location["extension"].items()) {
        const json::Value each(&node);
        if (day.empty() || each["url"].string() != former_boundary_extension) continue;
        const Days days = days_of(extension(each, "period")["valuePeriod"]);
        if (!days.hold(day) || (!until.empty() && until <= days.to)) continue;
        until = days.to;
        found = extension(each, "geojson")["valueAttachment"];
    }
    return text::base64_decode(found["data"].string()).value_or("");
}

std::string plain_name(std::string_view name) {
    constexpr std::string_view left_out[] = {"·",  "•",  "、", "。",
                                             "〔", "〕", "【", "】"};  // brackets and commas are ASCII by now
    const std::string folded = text::fold(name);
    std::string out;
    out.reserve(folded.size());
    for (std::size_t at = 0; at < folded.size();) {
        const auto c = static_cast<unsigned char>(folded[at]);
        if (c < 0x80) {
            if (std::isalnum(c)) out += folded[at];
            ++at;
            continue;
        }
        const std::string_view rest = std::string_view(folded).substr(at);
        const auto* const mark =
            std::find_if(std::begin(left_out), std::end(left_out), [&](std::string_view each) { return rest.starts_with(each); });
        if (mark != std::end(left_out)) {
            at += mark->size();
            continue;
        }
        out += folded[at++];
        while (at < folded.size() && (static_cast<unsigned char>(folded[at]) & 0xc0u) == 0x80u) out += folded[at++];
    }
    return out.empty() ? folded : out;
}

std::string day_of(std::int64_t ms, int offset_minutes) {
    const std::int64_t local = ms + offset_minutes * 60'000ll;
    const calendar::Civil day = calendar::civil_from_days(local >= 0 ? local / 86'400'000 : (local - 86'399'999) / 86'400'000);
    return fmt::format("{:04}-{:02}-{:02}", day.year, day.month, day.day);
}

namespace {
std::string moved(std::string_view day, int by) {
    const auto moment = calendar::parse_date(day);
    if (!moment || moment->precision != calendar::Precision::day) return own(day);
    const calendar::Civil then =
        calendar::civil_from_days(calendar::days_from_civil(moment->year, moment->month, moment->day) + by);
    return fmt::format("{:04}-{:02}-{:02}", then.year, then.month, then.day);
}
}  // namespace

std::string day_before(std::string_view day) { return moved(day, -1); }
std::string day_after(std::string_view day) { return moved(day, 1); }

bool is_day(std::string_view text) {
    const auto moment = calendar::parse_date(text);
    return moment && moment->precision == calendar::Precision::day;
}

}  // namespace xinglin::registry
