// SPDX-License-Identifier: Apache-2.0
// FHIR as HL7 v2: admissions (ADT), results (ORU^R01), vaccinations (VXU^V04). What convert() makes of it again is the same.
#include <fmt/format.h>

#include "calendar/calendar.h"
#include "hl7v2/charset.h"
#include "hl7v2/hl7v2.h"
#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {

/// A segment in the making; fields are already escaped.
class Out {
public:
    explicit Out(std::string_view name) : name_(name) {}
    void set(std::size_t number, std::string value) {
        if (value.empty()) return;
        if (fields_.size() < number) fields_.resize(number);
        fields_[number - 1] = std::move(value);
    }
    void repeat(std::size_t number, const std::string& value) {
        if (value.empty()) return;
        if (fields_.size() < number) fields_.resize(number);
        std::string& field = fields_[number - 1];
        field += (field.empty() ? "" : "~") + value;
    }
    std::string text() const {
        std::string out(name_);
        for (const std::string& each : fields_) out += "|" + each;
        return out + "\r";
    }

private:
    std::string_view name_;
    std::vector<std::string> fields_;
};

constexpr auto first = std::size_t{0};

/// Components without the empty ones at the end.
std::string joined(std::initializer_list<std::string> parts, char separator = '^') {
    std::string out;
    std::size_t used = 0, number = 0;
    for (const std::string& each : parts) {
        ++number;
        if (!each.empty()) used = number;
    }
    number = 0;
    for (const std::string& each : parts) {
        if (++number > used) break;
        if (number > 1) out += separator;
        out += each;
    }
    return out;
}

std::string safe(std::string_view text) { return escape(text); }

/// FHIR's time as HL7 writes it, precision and zone kept.
std::string time_of(std::string_view text) {
    const auto moment = calendar::parse_date_time(text);
    if (!moment) return {};
    using calendar::Precision;
    std::string out = fmt::format("{:04}", moment->year);
    if (moment->precision >= Precision::month) out += fmt::format("{:02}", moment->month);
    if (moment->precision >= Precision::day) out += fmt::format("{:02}", moment->day);
    if (moment->precision < Precision::hour) return out;
    out += fmt::format("{:02}{:02}{:02}", moment->hour, moment->minute, moment->second);
    if (moment->fraction_digits > 0)
        out += "." + fmt::format("{:09}", moment->nanosecond).substr(0, std::min<int>(moment->fraction_digits, 4));
    if (moment->offset_minutes) {
        const int offset = *moment->offset_minutes;
        out += fmt::format("{}{:02}{:02}", offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
    }
    return out;
}

struct Writer {
    const Resolve& resolve;
    const WriteOptions& options;
    const Tables& tables;

    json::Value at(json::Value reference) const {
        const std::string_view name = reference["reference"].string();
        return name.empty() ? json::Value{} : resolve(name);
    }

    std::string system_name(std::string_view system) const {
        if (const std::string_view known = tables.system_name(system); !known.empty()) return std::string(known);
        constexpr std::string_view v2 = "http://terminology.hl7.org/CodeSystem/v2-";
        if (system.starts_with(v2)) return fmt::format("HL7{}", system.substr(v2.size()));
        if (const auto mark = system.find(":code:"); system.starts_with("urn:xinglin:source:") && mark != std::string_view::npos)
            return std::string(system.substr(mark + 6));
        return std::string(system.starts_with("urn:oid:") ? system.substr(8) : system);
    }

    std::string coded(json::Value said) const {
        const json::Value one = said["coding"][first], two = said["coding"][std::size_t{1}];
        const auto triple = [&](json::Value each) {
            return std::array<std::string, 3>{safe(each["code"].string()), safe(each["display"].string()),
                                              safe(each ? system_name(each["system"].string()) : std::string{})};
        };
        const auto a = triple(one), b = triple(two);
        const std::string words = safe(said["text"].string());
        return joined(
            {a[0], !a[1].empty() ? a[1] : words, a[2], b[0], b[1], b[2], {}, {}, words == a[1] ? std::string{} : words});
    }

    /// CX. A system made of a sender's own name becomes that name again.
    std::string identifier(json::Value said) const {
        const std::string_view system = said["system"].string();
        std::string name = safe(said["assigner"]["display"].string()), universal, kind;
        if (system.starts_with("urn:oid:")) {
            universal = system.substr(8);
            kind = "ISO";
        } else if (system.starts_with("urn:xinglin:source:")) {
            // A number of the sender's own: who assigned it stands in assigner, or nobody was named.
        } else if (!system.empty()) {
            universal = safe(system);
            kind = "URI";
        }
        return joined({safe(said["value"].string()),
                       {},
                       {},
                       joined({name, universal, kind}, '&'),
                       safe(said["type"]["coding"][first]["code"].string())});
    }

    std::string entity(json::Value said) const {
        const std::string_view system = said["system"].string();
        const std::string name = safe(said["assigner"]["display"].string());
        if (system.starts_with("urn:oid:"))
            return joined({safe(said["value"].string()), name, std::string(system.substr(8)), "ISO"});
        return joined({safe(said["value"].string()), name});
    }

    std::string name(json::Value said) const {
        std::string more;
        for (std::size_t i = 1; i < said["given"].size(); ++i)
            more += (i > 1 ? " " : "") + std::string(said["given"][i].string());
        std::string family(said["family"].string());
        if (family.empty() && said["given"].size() == 0) family = said["text"].string();
        return joined({safe(family),
                       safe(said["given"][first].string()),
                       safe(more),
                       safe(said["suffix"][first].string()),
                       safe(said["prefix"][first].string()),
                       {},
                       std::string(tables.source("0200", said["use"].string()))});
    }

    std::string address(json::Value said) const {
        std::string line(said["line"][first].string());
        if (line.empty()) line = said["text"].string();
        return joined({safe(line),
                       safe(said["line"][std::size_t{1}].string()),
                       safe(said["city"].string()),
                       safe(said["state"].string()),
                       safe(said["postalCode"].string()),
                       safe(said["country"].string()),
                       std::string(tables.source("0190", said["use"].string())),
                       {},
                       safe(said["district"].string())});
    }

    std::string telecom(json::Value said) const {
        const std::string_view system = said["system"].string(), use = said["use"].string();
        const bool mail = system == "email";
        return joined({mail ? std::string{} : safe(said["value"].string()),
                       use == "work"   ? "WPN"
                       : use == "home" ? "PRN"
                                       : std::string{},
                       mail              ? "Internet"
                       : system == "fax" ? "FX"
                       : use == "mobile" ? "CP"
                                         : "PH",
                       mail ? safe(said["value"].string()) : std::string{}});
    }

    /// XCN.
    std::string person(json::Value reference) const {
        const json::Value who = at(reference);
        const json::Value id = who["identifier"][first], called = who["name"][first];
        if (!who) return joined({{}, safe(reference["display"].string())});
        std::string family(called["family"].string());
        if (family.empty()) family = called["text"].string();
        const std::string_view system = id["system"].string();
        std::string authority;
        if (system.starts_with("urn:oid:"))
            authority = joined({safe(id["assigner"]["display"].string()), std::string(system.substr(8)), "ISO"}, '&');
        else authority = safe(id["assigner"]["display"].string());
        return joined({safe(id["value"].string()),
                       safe(family),
                       safe(called["given"][first].string()),
                       safe(called["given"][std::size_t{1}].string()),
                       safe(called["suffix"][first].string()),
                       safe(called["prefix"][first].string()),
                       {},
                       {},
                       authority});
    }

    /// PL, from the narrowest place up.
    std::string place(json::Value reference) const {
        std::array<std::string, 10> parts;
        json::Value here = at(reference);
        if (!here) return safe(reference["display"].string());
        for (int depth = 0; here && depth < 8; ++depth) {
            const std::string_view level = here["physicalType"]["coding"][first]["code"].string();
            const std::size_t slot = level == "bd"    ? 3
                                     : level == "ro"  ? 2
                                     : level == "si"  ? 4
                                     : level == "bu"  ? 7
                                     : level == "lvl" ? 8
                                                      : 1;
            if (parts[slot].empty()) parts[slot] = safe(here["name"].string());
            here = at(here["partOf"]);
        }
        return joined({parts[1], parts[2], parts[3], parts[4], {}, {}, parts[7], parts[8]});
    }

    std::string header(std::string_view type, std::string_view structure) const {
        Out msh("MSH");
        std::string out = joined({"MSH",
                                  "^~\\&",
                                  safe(options.application),
                                  safe(options.facility),
                                  safe(options.receiving_application),
                                  safe(options.receiving_facility),
                                  safe(options.now),
                                  {},
                                  fmt::format("{}^{}", type, structure),
                                  safe(options.control_id),
                                  "P",
                                  options.version},
                                 '|');
        const std::string_view set = options.encoding == "GB18030" ? "GB 18030-2000" : "UNICODE UTF-8";
        return fmt::format("{}|||AL|NE|{}|{}\r", out, options.national ? "CHN" : "", set);
    }

    std::string patient(json::Value who) const {
        Out pid("PID");
        pid.set(1, "1");
        for (const json::Node& each : who["identifier"].items()) pid.repeat(3, identifier(json::Value(&each)));
        for (const json::Node& each : who["name"].items()) pid.repeat(5, name(json::Value(&each)));
        const std::string birth_time = time_of(who["_birthDate"]["extension"][first]["valueDateTime"].string());
        pid.set(7, !birth_time.empty() ? birth_time : time_of(who["birthDate"].string()));
        const std::string_view sex = who["gender"].string();
        const std::string_view national =
            who["_gender"]["extension"][first]["valueCodeableConcept"]["coding"][first]["code"].string();
        if (options.national)
            pid.set(8, !national.empty() ? std::string(national)
                       : sex == "male"   ? "1"
                       : sex == "female" ? "2"
                       : sex.empty()     ? ""
                                         : "0");
        else pid.set(8, std::string(tables.source("0001", sex)));
        for (const json::Node& each : who["address"].items()) pid.repeat(11, address(json::Value(&each)));
        for (const json::Node& each : who["telecom"].items()) {
            const json::Value one(&each);
            pid.repeat(one["use"].string() == "work" ? 14 : 13, telecom(one));
        }
        if (who["maritalStatus"]) pid.set(16, coded(who["maritalStatus"]));
        pid.set(29, time_of(who["deceasedDateTime"].string()));
        if (who["deceasedDateTime"] || who["deceasedBoolean"].as_bool()) pid.set(30, "Y");
        return pid.text();
    }

    std::string visit(json::Value encounter) const {
        Out pv1("PV1");
        pv1.set(1, "1");
        const std::string_view code = encounter["class"]["code"].string();
        const std::string_view source = tables.source("0004", code);
        pv1.set(2, std::string(source.empty() ? "U" : source));
        for (const json::Node& each : encounter["location"].items()) {
            const std::string_view status = json::Value(&each)["status"].string();
            pv1.set(status == "planned"                                                   ? 42
                    : status == "completed" && encounter["status"].string() != "finished" ? 6
                                                                                          : 3,
                    place(json::Value(&each)["location"]));
        }
        for (const json::Node& each : encounter["participant"].items()) {
            const json::Value one(&each);
            const std::string_view role = one["type"][first]["coding"][first]["code"].string();
            pv1.repeat(role == "REF" ? 8 : role == "CON" ? 9 : role == "ADM" ? 17 : 7, person(one["individual"]));
        }
        pv1.set(19, identifier(encounter["identifier"][first]));
        pv1.set(44, time_of(encounter["period"]["start"].string()));
        pv1.set(45, time_of(encounter["period"]["end"].string()));
        return pv1.text();
    }

    std::string diagnoses(json::Value encounter) const {
        std::string out;
        int number = 0;
        for (const json::Node& each : encounter["diagnosis"].items()) {
            const json::Value one(&each), condition = at(one["condition"]);
            if (!condition) continue;
            Out dg1("DG1");
            dg1.set(1, fmt::format("{}", ++number));
            dg1.set(3, coded(condition["code"]));
            dg1.set(5, time_of(condition["onsetDateTime"].string()));
            const std::string_view role = one["use"]["coding"][first]["code"].string();
            dg1.set(6, role == "AD" ? "A" : role == "DD" ? "F" : "W");
            dg1.set(15, std::string(one["rank"].text()));
            out += dg1.text();
        }
        return out;
    }

    void value(json::Value of, Out& obx) const {
        const auto unit = [&](json::Value quantity) {
            const std::string_view code = quantity["code"].string(), words = quantity["unit"].string();
            if (code.empty()) return safe(words);
            return joined({safe(code), safe(words), safe(system_name(quantity["system"].string()))});
        };
        if (const json::Value q = of["valueQuantity"]) {
            const std::string comparator(q["comparator"].string());
            obx.set(2, comparator.empty() ? "NM" : "SN");
            obx.set(5,
                    comparator.empty() ? std::string(q["value"].text()) : joined({comparator, std::string(q["value"].text())}));
            obx.set(6, unit(q));
        } else if (const json::Value said = of["valueCodeableConcept"]) {
            obx.set(2, "CWE");
            obx.set(5, coded(said));
        } else if (const json::Value range = of["valueRange"]) {
            obx.set(2, "SN");
            obx.set(5, joined({{}, std::string(range["low"]["value"].text()), "-", std::string(range["high"]["value"].text())}));
            obx.set(6, unit(range["low"]));
        } else if (const json::Value ratio = of["valueRatio"]) {
            obx.set(2, "SN");
            obx.set(5, joined({{},
                               std::string(ratio["numerator"]["value"].text()),
                               ":",
                               std::string(ratio["denominator"]["value"].text())}));
        } else if (const json::Value when = of["valueDateTime"]) {
            obx.set(2, "DTM");
            obx.set(5, time_of(when.string()));
        } else if (const json::Value clock = of["valueTime"]) {
            std::string digits(clock.string());
            std::erase(digits, ':');
            obx.set(2, "TM");
            obx.set(5, digits);
        } else if (const json::Value words = of["valueString"]) {
            obx.set(2, "TX");
            obx.set(5, safe(words.string()));
        } else if (of["valueBoolean"] || of["valueInteger"]) {
            obx.set(2, of["valueInteger"] ? "NM" : "ID");
            obx.set(5, of["valueInteger"] ? std::string(of["valueInteger"].text()) : of["valueBoolean"].as_bool() ? "Y" : "N");
        }
    }

    std::string observation(json::Value of, int number) const {
        Out obx("OBX");
        obx.set(1, fmt::format("{}", number));
        obx.set(3, coded(of["code"]));
        value(of, obx);
        const json::Value range = of["referenceRange"][first];
        const std::string_view words = range["text"].string();
        const std::string_view low = range["low"]["value"].text(), high = range["high"]["value"].text();
        if (!words.empty()) obx.set(7, safe(words));
        else if (!low.empty() && !high.empty()) obx.set(7, fmt::format("{}-{}", low, high));
        else if (!high.empty()) obx.set(7, fmt::format("<{}", high));
        else if (!low.empty()) obx.set(7, fmt::format(">{}", low));
        obx.set(8, safe(of["interpretation"][first]["coding"][first]["code"].string()));
        const std::string_view status = tables.source("0085", of["status"].string());
        obx.set(11, std::string(status.empty() ? "F" : status));
        obx.set(14, time_of(of["effectiveDateTime"].string()));
        return obx.text();
    }

    std::string report(json::Value of) const {
        Out obr("OBR");
        obr.set(1, "1");
        for (const json::Node& each : of["identifier"].items()) {
            const json::Value one(&each);
            obr.set(one["type"]["coding"][first]["code"].string() == "PLAC" ? 2 : 3, entity(one));
        }
        obr.set(4, coded(of["code"]));
        const json::Value period = of["effectivePeriod"];
        obr.set(7, time_of(period ? period["start"].string() : of["effectiveDateTime"].string()));
        obr.set(8, time_of(period["end"].string()));
        const json::Value request = at(of["basedOn"][first]);
        if (request["requester"]) obr.set(16, person(request["requester"]));
        obr.set(22, time_of(of["issued"].string()));
        obr.set(24, safe(of["category"][first]["coding"][first]["code"].string()));
        const std::string_view status = tables.source("0123", of["status"].string());
        obr.set(25, std::string(status.empty() ? "F" : status));
        std::string out = obr.text();
        int number = 0;
        for (const json::Node& each : of["result"].items()) {
            if (const json::Value one = at(json::Value(&each))) out += observation(one, ++number);
        }
        for (const json::Node& each : of["presentedForm"].items()) {
            const json::Value form(&each);
            if (!form["data"]) continue;
            Out obx("OBX");
            obx.set(1, fmt::format("{}", ++number));
            obx.set(2, "ED");
            obx.set(3, coded(of["code"]));
            const std::string_view kind = form["contentType"].string();
            const std::string_view subtype = kind.substr(kind.find('/') + 1);
            obx.set(5, joined({{},
                               kind == "application/pdf"    ? "AP"
                               : kind.starts_with("image/") ? "IM"
                                                            : "TEXT",
                               kind == "application/pdf" ? "PDF" : safe(subtype.substr(0, subtype.find(';'))),
                               "Base64",
                               std::string(form["data"].string())}));
            obx.set(11, "F");
            out += obx.text();
        }
        return out;
    }

    std::string vaccination(json::Value of) const {
        Out orc("ORC"), rxa("RXA"), rxr("RXR");
        orc.set(1, "RE");
        orc.set(3, entity(of["identifier"][first]));
        rxa.set(1, "0");
        rxa.set(2, "1");
        rxa.set(3, time_of(of["occurrenceDateTime"].string()));
        rxa.set(5, coded(of["vaccineCode"]));
        const json::Value dose = of["doseQuantity"];
        rxa.set(6, dose ? std::string(dose["value"].text()) : "999");
        rxa.set(7, dose["code"] ? joined({safe(dose["code"].string()), safe(dose["unit"].string()),
                                          safe(system_name(dose["system"].string()))})
                                : safe(dose["unit"].string()));
        for (const json::Node& each : of["performer"].items()) {
            const json::Value one(&each);
            if (one["function"]["coding"][first]["code"].string() != "OP") rxa.repeat(10, person(one["actor"]));
            else orc.set(12, person(one["actor"]));
        }
        rxa.set(15, safe(of["lotNumber"].string()));
        rxa.set(16, time_of(of["expirationDate"].string()));
        if (const json::Value maker = at(of["manufacturer"]))
            rxa.set(17, joined({safe(maker["identifier"][first]["value"].string()), safe(maker["name"].string())}));
        if (of["statusReason"]) rxa.set(18, coded(of["statusReason"]));
        const std::string_view status = of["status"].string();
        rxa.set(20, status == "not-done" ? "NA" : "CP");
        rxa.set(21, status == "entered-in-error" ? "D" : "A");
        std::string out = orc.text() + rxa.text();
        if (!of["route"] && !of["site"]) return out;
        rxr.set(1, coded(of["route"]));
        rxr.set(2, coded(of["site"]));
        return out + rxr.text();
    }
};

}  // namespace

Result<std::string> write(json::Value focus, const Resolve& resolve, const WriteOptions& options, const Tables& tables) {
    const Writer w{resolve, options, tables};
    const std::string_view type = focus["resourceType"].string();
    const json::Value who = type == "Patient" ? focus : w.at(type == "Immunization" ? focus["patient"] : focus["subject"]);
    if (!who)
        return refuse(IssueCode::not_found, fmt::format("{}.subject", type), "the patient is not there, a message needs one");
    std::string out;
    if (type == "Patient" || type == "Encounter") {
        std::string event = options.event;
        if (event.empty()) {
            const std::string_view status = focus["status"].string();
            event = type == "Patient"       ? "A31"
                    : status == "finished"  ? "A03"
                    : status == "cancelled" ? "A11"
                    : status == "planned"   ? "A05"
                                            : "A08";
        }
        const std::string_view structure = event == "A03"                                       ? "ADT_A03"
                                           : event == "A05" || event == "A28" || event == "A31" ? "ADT_A05"
                                           : event == "A11"                                     ? "ADT_A09"
                                                                                                : "ADT_A01";
        Out evn("EVN");
        evn.set(1, event);
        evn.set(2, options.now);
        out = w.header("ADT^" + event, structure) + evn.text() + w.patient(who);
        if (type == "Encounter") out += w.visit(focus) + w.diagnoses(focus);
        else out += "PV1|1|N\r";
    } else if (type == "DiagnosticReport") {
        out = w.header("ORU^R01", "ORU_R01") + w.patient(who);
        if (const json::Value visit = w.at(focus["encounter"])) out += w.visit(visit);
        out += w.report(focus);
    } else if (type == "Immunization") {
        out = w.header("VXU^V04", "VXU_V04") + w.patient(who) + w.vaccination(focus);
    } else {
        return refuse(IssueCode::not_supported, std::string(type),
                      "is not written as HL7 v2; Patient, Encounter, DiagnosticReport and Immunization are");
    }
    if (options.encoding == "UTF-8") return out;
    auto bytes = from_utf8(out, options.encoding);
    if (!bytes) return refuse(IssueCode::value, "encoding", "a character is not in it, use UTF-8 or GB18030");
    return std::move(*bytes);
}

}  // namespace xinglin::hl7v2
