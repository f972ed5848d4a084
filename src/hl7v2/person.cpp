// SPDX-License-Identifier: Apache-2.0
// People and places of HL7 v2 (XPN, XCN, XAD, XTN, XON, PL) as FHIR's.
#include <fmt/format.h>

#include "hl7v2/conversion.h"
#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {

/// Where the parts of a name stand: XPN and XCN differ.
struct NamePlaces {
    int family, given, second, suffix, prefix, degree, use, range, effective, expiry, professional, called;
};
constexpr NamePlaces xpn{1, 2, 3, 4, 5, 6, 7, 10, 12, 13, 14, 15};
constexpr NamePlaces xcn{2, 3, 4, 5, 6, 7, 10, 17, 19, 20, 21, 24};

void add_words(Conversion& c, Object& to, std::string_view key, std::string_view words) {
    if (!words.empty()) to.add(key, c.string(words));
}

/// A name as people write it: family first and without spaces in Chinese.
std::string whole_name(std::string_view family, std::string_view given, std::string_view second, std::string_view prefix,
                       std::string_view suffix) {
    if (text::has_han(family) || text::has_han(given)) return fmt::format("{}{}{}", family, given, second);
    std::string out;
    for (const std::string_view part : {prefix, given, second, family, suffix}) {
        if (part.empty()) continue;
        if (!out.empty()) out += ' ';
        out += part;
    }
    return out;
}

json::Value name_of(Conversion& c, Part p, const NamePlaces& at) {
    const Part family_part = p[at.family];
    const std::string_view family = family_part[1].text(), given = p[at.given].text(), second = p[at.second].text();
    const std::string_view suffix = p[at.suffix].text(), prefix = p[at.prefix].text();
    Object out(c);
    // The parts of a family name (FN): own prefix, own name, partner's prefix, partner's name.
    std::string whole_family;
    for (const int part : {2, 1, 4, 5}) {
        const std::string_view word = family_part[part].text();
        if (part == 2 && !word.empty() && family.starts_with(word)) continue;  // "van Beethoven&van"
        if (word.empty() || (part == 1 && word != family)) continue;
        if (!whole_family.empty()) whole_family += ' ';
        whole_family += word;
    }
    if (const std::string_view own = family_part[3].text();
        !own.empty() && own != family && whole_family.find(own) == std::string::npos)
        out.extend("http://hl7.org/fhir/StructureDefinition/humanname-own-name", "valueString", c.string(own));
    const std::string text = whole_name(whole_family, given, second, prefix, suffix);
    if (text.empty()) return {};
    if (const std::string_view use = p[at.use].text(); !use.empty()) {
        if (const std::string_view code = code_by(c, use, "0200", c.here()); !code.empty()) out.text("use", code);
    }
    out.text("text", c.arena.keep(text));
    // A Chinese name in one piece stays in one piece: nobody says where the surname ends.
    const bool one_piece = given.empty() && text::has_han(whole_family) && text::code_points(whole_family) > 1;
    if (!one_piece) out.text("family", c.arena.keep(whole_family));
    add_words(c, out, "given", given);
    if (!second.empty()) {  // "and further given names": several apart by spaces
        for (const std::string_view each : text::split(second, ' ')) add_words(c, out, "given", each);
    }
    add_words(c, out, "prefix", prefix);
    add_words(c, out, "suffix", suffix);
    add_words(c, out, "suffix", p[at.degree].text());
    add_words(c, out, "suffix", p[at.professional].text());
    if (at.called == 15) {
        if (const std::string_view called = p[15].text(); !called.empty())
            out.extend("urn:xinglin:hl7v2:XPN-15", "valueString", c.string(called));
    }
    json::Value start = as_date_time(c, p[at.effective]), end = as_date_time(c, p[at.expiry]);
    const Part range = p[at.range];
    if (!start) start = as_date_time(c, range[1]);
    if (!end) end = as_date_time(c, range[2]);
    out.set("period", period(c, start, end));
    return out.value();
}

}  // namespace

json::Value as_name(Conversion& c, Part p) { return name_of(c, p, xpn); }

json::Value as_name_text(Conversion& c, Part p) {
    const json::Value name = name_of(c, p, xpn);
    return name ? name["text"] : json::Value{};
}

// ---- Addresses --------------------------------------------------------------------------------------------------------------

json::Value as_address(Conversion& c, Part p) {
    Object out(c);
    const Part street = p[1];
    // SAD: the whole line, or its name and house number apart.
    std::string line(street[1].text());
    const std::string_view name = street[2].text(), house = street[3].text();
    for (const std::string_view more : {name, house}) {
        if (more.empty() || line.find(more) != std::string::npos) continue;
        if (!line.empty()) line += ' ';
        line += more;
    }
    if (!line.empty()) out.add("line", c.string(c.arena.keep(line)));
    for (const int more : {2, 19}) {
        if (const std::string_view text = p[more].text(); !text.empty()) out.add("line", c.string(text));
    }
    out.text("city", p[3].text());
    out.text("state", p[4].text());
    out.text("postalCode", p[5].text());
    out.text("country", p[6].text());
    if (const std::string_view kind = p[7].text(); !kind.empty()) {
        if (const Tables::Target* const use = c.tables.target("0190", kind))
            out.text(use->system == "type" ? "type" : "use", use->code);
        else c.note(c.here(), "holds an address type that table 0190 doesn't have", "unknown-code");
    }
    if (const std::string_view other = p[8].text(); !other.empty()) out.add("line", c.string(other));
    out.text("district", p[9][1].text());
    if (const std::string_view named = p[9][2].text(); !named.empty()) out.text("district", named);
    if (const std::string_view tract = p[10][1].text(); !tract.empty())
        out.extend("http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-censusTract", "valueString", c.string(tract));
    json::Value start = as_date_time(c, p[13]), end = as_date_time(c, p[14]);
    if (!start) start = as_date_time(c, p[12][1]);
    if (!end) end = as_date_time(c, p[12][2]);
    out.set("period", period(c, start, end));
    // What people wrote in one piece is shown in one piece.
    if (c.is_chinese) {
        std::string whole;
        for (const int part : {4, 3, 9}) {
            if (const std::string_view text = p[part][1].text(); line.find(text) == std::string::npos) whole += text;
        }
        whole += line;
        out.text("text", c.arena.keep(whole));
    }
    return out.value();
}

// ---- Telecoms ---------------------------------------------------------------------------------------------------------------

namespace {
/// The number in parts: country, area, local, extension.
std::string number_of(Part p) {
    const std::string_view country = p[5].text(), area = p[6].text(), local = p[7].text(), more = p[8].text();
    std::string out;
    if (!country.empty()) out += fmt::format("+{}", country.starts_with('+') ? country.substr(1) : country);
    if (!area.empty()) out += fmt::format("{}({})", out.empty() ? "" : " ", area);
    if (!local.empty()) out += (out.empty() ? "" : " ") + std::string(local);
    if (local.empty() && area.empty()) out.clear();
    if (!more.empty() && !out.empty()) out += fmt::format(" ext. {}", more);
    return out;
}

json::Value contact_point(Conversion& c, std::string_view system, std::string_view value, std::string_view use, json::Value when,
                          json::Value rank) {
    if (value.empty()) return {};
    Object out(c);
    out.text("system", system);
    out.text("value", value);
    out.text("use", use);
    out.set("rank", rank);
    out.set("period", when);
    return out.value();
}
}  // namespace

void add_telecoms(Conversion& c, Object& to, Field field, std::string_view default_use) {
    for (const Part p : field.all()) {
        const std::string_view use_code = p[2].text(), equipment = p[3].text();
        std::string_view use = default_use, system = "phone";
        if (!use_code.empty()) {
            if (const Tables::Target* const target = c.tables.target("0201", use_code)) {
                use = target->system == "use" ? std::string_view(target->code) : std::string_view{};
                if (target->system == "system") system = target->code;
            }
        }
        if (!equipment.empty()) {
            if (const Tables::Target* const target = c.tables.target("0202", equipment)) {
                if (target->system == "use") use = target->code;
                else system = target->code;
            }
        }
        const std::string parts = number_of(p);
        const std::string_view whole = p[1].text(), mail = p[4].text(), unformatted = p[12].text(), remark = p[9].text();
        const json::Value when = period(c, as_date_time(c, p[13]), as_date_time(c, p[14]));
        const json::Value rank = as_positive(c, p[18]);
        // XTN-4 holds the address when the equipment is mail; some send numbers there or the address in XTN-1.
        const bool is_mail = system == "email" || mail.find('@') != std::string_view::npos;
        if (!mail.empty() && (is_mail || whole.empty()))
            to.add("telecom", contact_point(c,
                                            mail.find('@') != std::string_view::npos ? "email"
                                            : system == "phone"                      ? "other"
                                                                                     : system,
                                            mail, use, when, rank));
        else if (!mail.empty()) to.add("telecom", contact_point(c, "other", mail, use, when, rank));
        std::string_view number = !unformatted.empty() && whole.empty() ? unformatted : whole;
        if (!parts.empty() && whole.empty()) number = c.arena.keep(parts);
        const std::string_view number_system = number.find('@') != std::string_view::npos ? "email"
                                               : system == "email"                        ? "phone"
                                                                                          : system;
        if (!number.empty())
            to.add("telecom",
                   contact_point(c, mail.empty() && system == "email" ? "email" : number_system, number, use, when, rank));
        // Where the sender writes the number both whole and in parts, the parts are the better one to search.
        if (!parts.empty() && !whole.empty() && whole != parts)
            to.add("telecom", contact_point(c, number_system, c.arena.keep(parts), use, when, rank));
        if (!unformatted.empty() && number != unformatted)
            to.add("telecom", contact_point(c, number_system, unformatted, use, when, rank));
        if (!remark.empty()) to.add("telecom", contact_point(c, "other", remark, use, when, rank));
    }
}

json::Value as_telecom(Conversion& c, Part p) {
    const std::string_view value = !p[1].text().empty() ? p[1].text() : p[12].text();
    const std::string parts = number_of(p);
    const std::string_view mail = p[4].text();
    Object out(c);
    std::string_view system = "phone";
    if (const Tables::Target* const target = c.tables.target("0202", p[3].text()); target && target->system != "use")
        system = target->code;
    if (const Tables::Target* const target = c.tables.target("0201", p[2].text()); target && target->system == "use")
        out.text("use", target->code);
    if (value.empty() && parts.empty() && mail.empty()) return {};
    if (value.empty() && parts.empty()) system = "email";
    out.text("system", system);
    out.text("value", !value.empty() ? value : !parts.empty() ? c.arena.keep(parts) : mail);
    return out.value();
}

// ---- Practitioners, organizations, places -----------------------------------------------------------------------------------

Thing* practitioner_of(Conversion& c, Part p) {
    const Part authority = p[9];
    std::string key = key_of(p[1], authority);
    const json::Value name = name_of(c, p, xcn);
    if (key.empty() && !name) return nullptr;
    if (key.empty()) key = fmt::format("name^{}", name["text"].string());
    Thing& out = c.thing("Practitioner", key);
    out.is_lesser = true;
    if (const std::string_view value = p[1].text(); !value.empty()) {
        Object identifier(c);
        if (const std::string_view type = p[13].text(); !type.empty())
            identifier.set("type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", type));
        identifier.text("system", authority_system(c, authority, "staff"));
        identifier.text("value", value);
        if (const std::string_view digit = p[11].text(); !digit.empty())
            identifier.extend("http://hl7.org/fhir/StructureDefinition/identifier-checkDigit", "valueString", c.string(digit));
        if (const std::string_view scheme = p[12].text(); !scheme.empty())
            identifier.extend("urn:xinglin:hl7v2:CX-3", "valueString", c.string(scheme));
        add_assigner(c, identifier, authority, p[14]);
        out.add("identifier", identifier.value());
    }
    out.add("name", name);
    return &out;
}

json::Value as_practitioner(Conversion& c, Part p) {
    const Thing* const who = practitioner_of(c, p);
    if (!who) return {};
    const json::Value name = who->get("name");
    return who->reference(name ? name["text"].string() : std::string_view{});
}

Thing* organization_of(Conversion& c, Part p) {
    const std::string_view name = p[1].text();
    std::string_view id = p[10].text();
    if (id.empty()) id = p[3].text();
    if (name.empty() && id.empty()) return nullptr;
    Thing& out = c.thing("Organization", id.empty() ? fmt::format("name^{}", name) : fmt::format("{}^{}", id, p[6][1].text()));
    out.is_lesser = true;
    if (!id.empty()) {
        Object identifier(c);
        if (const std::string_view type = p[7].text(); !type.empty())
            identifier.set("type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", type));
        identifier.text("system", authority_system(c, p[6], "organization"));
        identifier.text("value", id);
        if (const std::string_view digit = p[4].text(); !digit.empty())
            identifier.extend("http://hl7.org/fhir/StructureDefinition/identifier-checkDigit", "valueString", c.string(digit));
        if (const std::string_view scheme = p[5].text(); !scheme.empty())
            identifier.extend("urn:xinglin:hl7v2:CX-3", "valueString", c.string(scheme));
        add_assigner(c, identifier, p[6], {});
        out.add("identifier", identifier.value());
    }
    out.text("name", name.empty() ? id : name);
    return &out;
}

json::Value as_organization(Conversion& c, Part p) {
    const Thing* const which = organization_of(c, p);
    return which ? which->reference(which->get("name").string()) : json::Value{};
}

namespace {
struct Level {
    int component;
    std::string_view physical, display;
};
/// From the widest to the narrowest.
constexpr Level levels[] = {{4, "si", "Site"}, {7, "bu", "Building"}, {8, "lvl", "Level"},
                            {1, "wa", "Ward"}, {2, "ro", "Room"},     {3, "bd", "Bed"}};
}  // namespace

Thing* location_of(Conversion& c, Part p) {
    std::string path;
    Thing* parent = nullptr;
    for (const Level& level : levels) {
        const Part part = p[level.component];
        const std::string_view name = part[1].text();
        const std::string_view universal = part[2].text();
        const std::string_view shown = !name.empty() ? name : universal;
        if (shown.empty()) continue;
        path += fmt::format("{}={}^", level.physical, shown);
        Thing& here = c.thing("Location", path);
        here.is_lesser = true;
        here.text("name", shown);
        here.text("mode", "instance");
        here.set("physicalType",
                 c.concept_of("http://terminology.hl7.org/CodeSystem/location-physical-type", level.physical, level.display));
        if (!universal.empty())
            here.add("identifier", identifier(c, "urn:ietf:rfc:3986",
                                              universal.find_first_not_of("0123456789.") == std::string_view::npos &&
                                                      universal.find('.') != std::string_view::npos
                                                  ? fmt::format("urn:oid:{}", universal)
                                                  : fmt::format("{}", universal)));
        if (const std::string_view kind = part[3].text(); !kind.empty())
            here.extend("urn:xinglin:hl7v2:HD-3", "valueString", c.string(kind));
        if (parent) here.set("partOf", parent->reference());
        parent = &here;
    }
    const std::string_view description = p[9].text();
    if (!parent && description.empty()) return nullptr;
    if (!parent) {
        parent = &c.thing("Location", fmt::format("description={}", description));
        parent->is_lesser = true;
        parent->text("name", description);
        parent->text("mode", "instance");
    } else if (!description.empty()) parent->text("description", description);
    if (const std::string_view kind = p[6].text(); !kind.empty())
        parent->add("type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0305", kind));
    if (const std::string_view status = p[5].text(); !status.empty())
        parent->set("operationalStatus", c.coding("http://terminology.hl7.org/CodeSystem/v2-0306", status));
    if (p[10]) parent->add("identifier", as_entity(c, p[10]));
    return parent;
}

json::Value as_location(Conversion& c, Part p) {
    const Thing* const where = location_of(c, p);
    return where ? where->reference(where->get("name").string()) : json::Value{};
}

}  // namespace xinglin::hl7v2
