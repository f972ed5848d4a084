// SPDX-License-Identifier: Apache-2.0
// One patient's resources as a national shared document, in the shapes our own reader reads (WS/T 482).
#include <fmt/format.h>

#include <map>
#include <set>

#include "cda/resources.h"
#include "cda/work.h"

namespace xinglin::cda {

namespace {

struct Shape {
    Kind kind;
    std::string_view standard, document_system;
};
constexpr Shape shapes[] = {
    {Kind::outpatient_summary, "WS/T 483.17", "2.16.156.10011.2.4"},
    {Kind::inpatient_summary, "WS/T 483.18", "2.16.156.10011.2.4"},
    {Kind::laboratory_report, "WS/T 500.7", "2.16.156.10011.2.4"},
};

using Attributes = std::initializer_list<std::pair<const char*, std::string_view>>;

pugi::xml_node add(pugi::xml_node parent, const char* name, Attributes attributes = {}, std::string_view words = {}) {
    pugi::xml_node node = parent.append_child(name);
    for (const auto& [key, value] : attributes)
        if (!value.empty()) node.append_attribute(key).set_value(std::string(value).c_str());
    if (!words.empty()) node.append_child(pugi::node_pcdata).set_value(std::string(words).c_str());
    return node;
}

class Writer {
public:
    Writer(const Shape& shape, const Tables& tables, const Record& record, std::string_view id, std::string_view now)
        : shape_(shape), tables_(tables), record_(record), id_(id), now_(hl7_time(now)) {}

    std::string write() {
        pugi::xml_node declaration = document_.append_child(pugi::node_declaration);
        declaration.append_attribute("version") = "1.0";
        declaration.append_attribute("encoding") = "UTF-8";
        root_ = add(document_, "ClinicalDocument",
                    {{"xmlns", "urn:hl7-org:v3"}, {"xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"}});
        head();
        patient();
        people();
        visit();
        body();
        struct Out : pugi::xml_writer {
            std::string text;
            void write(const void* data, std::size_t size) override { text.append(static_cast<const char*>(data), size); }
        } out;
        document_.save(out, " ", pugi::format_default, pugi::encoding_utf8);
        return out.text;
    }
    const std::set<const json::Node*>& used() const { return used_; }
    /// A reader tells the patient of the written document from others.
    bool patient_is_told() const {
        const pugi::xml_node role = child(root_, "recordTarget/patientRole");
        return !patient_key(role, date_time(attribute(role, "patient/birthTime", "value"), 0)).empty();
    }

private:
    void head() {
        const Template* kind = tables_.template_of(shape_.standard);
        add(root_, "realmCode", {{"code", "CN"}});
        add(root_, "typeId", {{"root", "2.16.840.1.113883.1.3"}, {"extension", "POCD_MT000040"}});
        add(root_, "templateId", {{"root", kind->root}});
        add(root_, "id", {{"root", "2.16.156.10011.1.1"}, {"extension", id_}});
        add(root_, "code",
            {{"code", kind->code}, {"codeSystem", shape_.document_system}, {"codeSystemName", "卫生信息共享文档规范编码体系"}});
        add(root_, "title", {}, kind->title);
        add(root_, "effectiveTime", {{"value", now_}});
        add(root_, "confidentialityCode",
            {{"code", "N"}, {"codeSystem", "2.16.840.1.113883.5.25"}, {"codeSystemName", "Confidentiality"}});
        add(root_, "languageCode", {{"code", "zh-CN"}});
        add(root_, "setId");
        add(root_, "versionNumber");
    }

    static std::string oid(std::string_view system) {
        return system.starts_with("urn:oid:") ? std::string(system.substr(8)) : "";
    }

    void numbers(pugi::xml_node node, json::Value identifiers, bool resident) {
        for (const json::Node& item : identifiers.items()) {
            const json::Value one(&item);
            const std::string root = oid(one["system"].string());
            if (root.empty() || (root == "2.16.156.10011.1.3") != resident) continue;
            add(node, "id", {{"root", root}, {"extension", one["value"].string()}});
        }
    }

    /// Codes of the patient that are kept as extensions.
    void extension(pugi::xml_node person, const char* name, std::string_view url, std::string_view system) {
        for (const json::Node& item : record_.patient["extension"].items()) {
            const json::Value one(&item);
            if (one["url"].string() != url) continue;
            const json::Value coding = one["valueCodeableConcept"]["coding"][std::size_t{0}];
            add(person, name,
                {{"code", coding["code"].string()},
                 {"codeSystem", system},
                 {"displayName", text_of(one["valueCodeableConcept"])}});
        }
    }

    void patient() {
        const json::Value one = record_.patient;
        used_.insert(one.node());
        const pugi::xml_node target = add(root_, "recordTarget", {{"typeCode", "RCT"}, {"contextControlCode", "OP"}});
        const pugi::xml_node role = add(target, "patientRole", {{"classCode", "PAT"}});
        numbers(role, one["identifier"], false);
        numbers(role, record_.encounter["identifier"], false);
        const json::Value address = one["address"][std::size_t{0}];
        if (address) {
            const pugi::xml_node addr = add(role, "addr", {{"use", "H"}});
            if (address["state"] || address["city"] || address["district"]) {
                std::string line;
                for (const json::Node& part : address["line"].items()) line += json::Value(&part).string();
                add(addr, "houseNumber", {}, line);
                add(addr, "county", {}, address["district"].string());
                add(addr, "city", {}, address["city"].string());
                add(addr, "state", {}, address["state"].string());
                add(addr, "postalCode", {}, address["postalCode"].string());
            } else {
                add(addr, "houseNumber", {}, address["text"].string());
            }
        }
        for (const json::Node& phone : one["telecom"].items())
            add(role, "telecom", {{"value", json::Value(&phone)["value"].string()}});
        const pugi::xml_node person = add(role, "patient", {{"classCode", "PSN"}, {"determinerCode", "INSTANCE"}});
        numbers(person, one["identifier"], true);
        const json::Value name = one["name"][std::size_t{0}];
        std::string full(name["text"].string());
        if (full.empty()) full = std::string(name["family"].string()) + std::string(name["given"][std::size_t{0}].string());
        add(person, "name", {}, full);
        const std::string_view sex = one["gender"].string();
        if (!sex.empty())
            add(person, "administrativeGenderCode",
                {{"code", sex == "male"     ? "1"
                          : sex == "female" ? "2"
                                            : "0"},
                 {"codeSystem", "2.16.156.10011.2.3.3.4"},
                 {"codeSystemName", "生理性别代码表(GB/T 2261.1)"},
                 {"displayName", sex == "male"     ? "男性"
                                 : sex == "female" ? "女性"
                                                   : "未知的性别"}});
        if (one["birthDate"]) add(person, "birthTime", {{"value", hl7_time(one["birthDate"].string())}});
        if (const json::Value marital = coding_of(one["maritalStatus"], "urn:oid:2.16.156.10011.2.3.3.5"))
            add(person, "maritalStatusCode",
                {{"code", marital["code"].string()},
                 {"codeSystem", "2.16.156.10011.2.3.3.5"},
                 {"displayName", text_of(one["maritalStatus"])}});
        extension(person, "ethnicGroupCode", "urn:xinglin:extension:ethnic-group", "2.16.156.10011.2.3.3.3");
        extension(person, "educationLevelCode", "urn:xinglin:extension:education-level", "2.16.156.10011.2.3.3.6");
    }

    std::string_view number_of(json::Value resource, std::string_view system) const {
        for (const json::Node& one : resource["identifier"].items())
            if (json::Value(&one)["system"].string() == system) return json::Value(&one)["value"].string();
        return {};
    }

    void people() {
        used_.insert(record_.practitioner.node());
        used_.insert(record_.organization.node());
        const pugi::xml_node author = add(root_, "author", {{"typeCode", "AUT"}, {"contextControlCode", "OP"}});
        add(author, "time", {{"value", now_}});
        const pugi::xml_node role = add(author, "assignedAuthor", {{"classCode", "ASSIGNED"}});
        const json::Value number = record_.practitioner["identifier"][std::size_t{0}];
        add(role, "id",
            {{"root", number ? oid(number["system"].string()) : "2.16.156.10011.1.4"}, {"extension", number["value"].string()}});
        const pugi::xml_node person = add(role, "assignedPerson");
        add(person, "name", {}, record_.practitioner["name"][std::size_t{0}]["text"].string());
        const pugi::xml_node custodian =
            add(add(root_, "custodian", {{"typeCode", "CST"}}), "assignedCustodian", {{"classCode", "ASSIGNED"}});
        const pugi::xml_node keeper =
            add(custodian, "representedCustodianOrganization", {{"classCode", "ORG"}, {"determinerCode", "INSTANCE"}});
        add(keeper, "id",
            {{"root", "2.16.156.10011.1.5"}, {"extension", number_of(record_.organization, message::institution_system)}});
        add(keeper, "name", {}, record_.organization["name"].string());
    }

    void visit() {
        const json::Value one = record_.encounter;
        if (!one) return;
        used_.insert(one.node());
        const pugi::xml_node encounter = add(add(root_, "componentOf", {{"typeCode", "COMP"}}), "encompassingEncounter",
                                             {{"classCode", "ENC"}, {"moodCode", "EVN"}});
        const pugi::xml_node time = add(encounter, "effectiveTime");
        if (one["period"]["start"]) add(time, "low", {{"value", hl7_time(one["period"]["start"].string())}});
        if (one["period"]["end"]) add(time, "high", {{"value", hl7_time(one["period"]["end"].string())}});
        const std::string_view department = text_of(one["serviceType"]);
        if (department.empty()) return;
        const pugi::xml_node provider = add(add(add(encounter, "location"), "healthCareFacility"), "serviceProviderOrganization");
        add(provider, "id", {{"root", "2.16.156.10011.1.26"}});
        add(provider, "name", {}, department);
        const pugi::xml_node whole = add(add(provider, "asOrganizationPartOf", {{"classCode", "PART"}}), "wholeOrganization");
        add(whole, "id",
            {{"root", "2.16.156.10011.1.5"}, {"extension", number_of(record_.organization, message::institution_system)}});
        add(whole, "name", {}, record_.organization["name"].string());
    }

    // ---- the body ----------------------------------------------------------------------------------------------------------

    pugi::xml_node section(std::string_view code) {
        if (!body_) body_ = add(add(root_, "component"), "structuredBody");
        const pugi::xml_node node = add(add(body_, "component"), "section");
        const Section* known = tables_.section(code);
        add(node, "code",
            {{"code", code},
             {"codeSystem", "2.16.840.1.113883.6.1"},
             {"codeSystemName", "LOINC"},
             {"displayName", known ? known->title : std::string()}});
        add(node, "text");
        return node;
    }

    pugi::xml_node observation(pugi::xml_node parent, std::string_view element, std::string_view name, std::string_view at = {}) {
        const pugi::xml_node node = add(parent, "observation", {{"classCode", "OBS"}, {"moodCode", "EVN"}});
        add(node, "code",
            {{"code", element},
             {"codeSystem", "2.16.156.10011.2.2.1"},
             {"codeSystemName", "卫生信息数据元目录"},
             {"displayName", name}});
        if (!at.empty()) add(node, "effectiveTime", {{"value", hl7_time(at)}});
        return node;
    }

    void value(pugi::xml_node node, json::Value resource) {
        if (const json::Value quantity = resource["valueQuantity"]) {
            const std::string ucum(quantity["code"].string());
            const std::string_view unit = quantity["unit"].string();
            add(node, "value",
                {{"xsi:type", "PQ"},
                 {"value", quantity["value"].text()},
                 {"unit", unit.empty() ? tables_.written_unit(ucum) : std::string(unit)}});
        } else if (const json::Value coded = resource["valueCodeableConcept"]) {
            const json::Value coding = coded["coding"][std::size_t{0}];
            if (coding)
                add(node, "value",
                    {{"xsi:type", "CD"},
                     {"code", coding["code"].string()},
                     {"codeSystem", oid(coding["system"].string())},
                     {"displayName", text_of(coded)}});
            else add(node, "value", {{"xsi:type", "ST"}}, text_of(coded));
        } else if (resource["valueBoolean"]) {
            add(node, "value", {{"xsi:type", "BL"}, {"value", resource["valueBoolean"].text()}});
        } else if (resource["valueInteger"]) {
            add(node, "value", {{"xsi:type", "INT"}, {"value", resource["valueInteger"].text()}});
        } else if (resource["valueDateTime"]) {
            add(node, "value", {{"xsi:type", "TS"}, {"value", hl7_time(resource["valueDateTime"].string())}});
        } else {
            add(node, "value", {{"xsi:type", "ST"}}, resource["valueString"].string());
        }
    }

    void allergies() {
        if (record_.allergies.empty()) return;
        const pugi::xml_node node = section("48765-2");
        for (const json::Value one : record_.allergies) {
            const pugi::xml_node flag = observation(add(node, "entry"), "DE02.10.023.00", "过敏史标志");
            add(flag, "value", {{"xsi:type", "BL"}, {"value", "true"}});
            const pugi::xml_node what =
                observation(add(flag, "entryRelationship", {{"typeCode", "COMP"}}), "DE02.10.022.00", "过敏史");
            add(what, "value", {{"xsi:type", "ST"}}, text_of(one["code"]));
            used_.insert(one.node());
        }
    }

    void conditions() {
        std::map<std::string_view, std::vector<json::Value>> by_section;
        for (const json::Value one : record_.conditions) {
            std::string_view place = in_category(one, "problem-list-item")    ? "11450-4"
                                     : shape_.kind == Kind::inpatient_summary ? "11535-2"
                                                                              : "29548-5";
            for (const json::Node& item : record_.encounter["diagnosis"].items()) {
                const json::Value said(&item);
                const std::string_view refers = said["condition"]["reference"].string();
                if (!refers.ends_with(one["id"].string()) || one["id"].string().empty()) continue;
                if (coding_of(said["use"], "http")["code"].string() == "AD") place = "46241-6";
                if (coding_of(said["use"], "http")["code"].string() == "DD") place = "11535-2";
            }
            by_section[place].push_back(one);
            used_.insert(one.node());
        }
        for (const auto& [code, all] : by_section) {
            const pugi::xml_node node = section(code);
            for (const json::Value one : all) diagnosis(node, one);
        }
    }

    void diagnosis(pugi::xml_node parent, json::Value one) {
        const pugi::xml_node cluster = add(add(parent, "entry"), "organizer", {{"classCode", "CLUSTER"}, {"moodCode", "EVN"}});
        add(cluster, "statusCode");
        const std::string_view at = one["recordedDate"].string();
        const json::Value coding = one["code"]["coding"][std::size_t{0}];
        add(observation(add(cluster, "component"), "DE05.01.025.00", "诊断名称", at), "value", {{"xsi:type", "ST"}},
            text_of(one["code"]));
        if (!coding) return;
        const bool icd = coding["system"].string() == message::icd10_system;
        add(observation(add(cluster, "component"), "DE05.01.024.00", "诊断代码", at), "value",
            {{"xsi:type", "CD"},
             {"code", coding["code"].string()},
             {"codeSystem", icd ? std::string("2.16.156.10011.2.3.3.11") : oid(coding["system"].string())},
             {"codeSystemName", icd ? "疾病代码表(ICD-10)" : ""},
             {"displayName", coding["display"].string()}});
    }

    void laboratory() {
        pugi::xml_node node;
        for (const json::Value one : record_.observations) {
            if (!in_category(one, "laboratory")) continue;
            if (!node) node = section("30954-2");
            const pugi::xml_node cluster = add(add(node, "entry"), "organizer", {{"classCode", "CLUSTER"}, {"moodCode", "EVN"}});
            add(cluster, "statusCode");
            const std::string_view at = one["effectiveDateTime"].string();
            add(observation(add(cluster, "component"), "DE04.30.020.00", "检验项目名称", at), "value", {{"xsi:type", "ST"}},
                text_of(one["code"]));
            if (const json::Value own = coding_of(one["code"], "urn:xinglin:source:"); own)
                add(observation(add(cluster, "component"), "DE04.30.019.00", "检验项目代码"), "value", {{"xsi:type", "ST"}},
                    own["code"].string());
            const bool measured = static_cast<bool>(one["valueQuantity"]);
            const pugi::xml_node result = observation(add(cluster, "component"), measured ? "DE04.30.015.00" : "DE04.30.009.00",
                                                      measured ? "检验定量结果" : "检验结果");
            value(result, one);
            if (const std::string_view range = one["referenceRange"][std::size_t{0}]["text"].string(); !range.empty())
                add(add(add(result, "referenceRange"), "observationRange"), "text", {}, range);
            if (const json::Value flag = one["interpretation"][std::size_t{0}]) {
                const json::Value coding = flag["coding"][std::size_t{0}];
                add(observation(add(cluster, "component"), "DE04.30.017.00", "检验结果代码"), "value",
                    {{"xsi:type", "CD"},
                     {"code", coding["code"].string()},
                     {"codeSystem", oid(coding["system"].string())},
                     {"displayName", text_of(flag)}});
            }
            used_.insert(one.node());
        }
    }

    void drugs() {
        if (record_.drugs.empty()) return;
        const pugi::xml_node node = section("10160-0");
        for (const json::Value one : record_.drugs) {
            const bool ordered = type_of(one) == "MedicationRequest";
            const pugi::xml_node drug = add(add(node, "entry"), "substanceAdministration",
                                            {{"classCode", "SBADM"}, {"moodCode", ordered ? "RQO" : "EVN"}});
            const std::string_view at = one[ordered ? "authoredOn" : "effectiveDateTime"].string();
            if (!at.empty()) add(drug, "effectiveTime", {{"value", hl7_time(at)}});
            const json::Value dosage = one[ordered ? "dosageInstruction" : "dosage"][std::size_t{0}];
            if (const json::Value route = dosage["route"]) {
                const json::Value coding = route["coding"][std::size_t{0}];
                add(drug, "routeCode",
                    {{"code", coding["code"].string()},
                     {"codeSystem", oid(coding["system"].string())},
                     {"displayName", text_of(route)}});
            }
            if (const json::Value dose = dosage["doseAndRate"][std::size_t{0}]["doseQuantity"])
                add(drug, "doseQuantity", {{"value", dose["value"].text()}, {"unit", dose["unit"].string()}});
            const pugi::xml_node label = add(add(add(drug, "consumable"), "manufacturedProduct"), "manufacturedLabeledDrug");
            const json::Value coding = one["medicationCodeableConcept"]["coding"][std::size_t{0}];
            add(label, "code",
                {{"code", coding["code"].string()},
                 {"codeSystem", oid(coding["system"].string())},
                 {"displayName", coding["display"].string()}});
            add(label, "name", {}, text_of(one["medicationCodeableConcept"]));
            if (const std::string_view words = dosage["text"].string(); !words.empty())
                add(observation(add(drug, "entryRelationship", {{"typeCode", "COMP"}}), "DE06.00.133.00", "药物使用频率"),
                    "value", {{"xsi:type", "ST"}}, words);
            used_.insert(one.node());
        }
    }

    void procedures() {
        if (record_.procedures.empty()) return;
        const pugi::xml_node node = section("47519-4");
        for (const json::Value one : record_.procedures) {
            const pugi::xml_node act = add(add(node, "entry"), "procedure", {{"classCode", "PROC"}, {"moodCode", "EVN"}});
            const json::Value coding = one["code"]["coding"][std::size_t{0}];
            add(act, "code",
                {{"code", coding["code"].string()},
                 {"codeSystem", "2.16.156.10011.2.3.3.12"},
                 {"codeSystemName", "手术(操作)代码表(ICD-9-CM)"},
                 {"displayName", text_of(one["code"])}});
            const pugi::xml_node time = add(act, "effectiveTime");
            const json::Value period = one["performedPeriod"];
            const std::string_view begin = period ? period["start"].string() : one["performedDateTime"].string();
            if (!begin.empty()) add(time, "low", {{"value", hl7_time(begin)}});
            if (period["end"]) add(time, "high", {{"value", hl7_time(period["end"].string())}});
            used_.insert(one.node());
        }
    }

    /// Findings with a data element, each in the section it belongs to; others under their own name.
    void findings() {
        std::map<std::string, std::vector<json::Value>> by_section;
        for (const json::Value one : record_.observations) {
            if (in_category(one, "laboratory")) continue;
            const std::string loinc(coding_of(one["code"], "http://loinc.org")["code"].string());
            const bool vital = in_category(one, "vital-signs") || loinc == "85354-9";
            const bool is_section = tables_.section(loinc) != nullptr;
            by_section[vital ? "8716-3" : is_section ? loinc : "29545-1"].push_back(one);
            used_.insert(one.node());
        }
        if (by_section.find("10154-3") == by_section.end() && record_.encounter["reasonCode"]) {
            const pugi::xml_node node = section("10154-3");
            add(observation(add(node, "entry"), "DE04.01.119.00", "主诉"), "value", {{"xsi:type", "ST"}},
                text_of(record_.encounter["reasonCode"][std::size_t{0}]));
        }
        for (const auto& [code, all] : by_section) {
            const pugi::xml_node node = section(code);
            for (const json::Value one : all) finding(node, one);
        }
    }

    void finding(pugi::xml_node node, json::Value one) {
        const std::string_view at = one["effectiveDateTime"].string();
        if (one["component"].size() > 0) {
            const pugi::xml_node battery = add(add(node, "entry"), "organizer", {{"classCode", "BATTERY"}, {"moodCode", "EVN"}});
            add(battery, "statusCode");
            for (const json::Node& item : one["component"].items()) single(add(battery, "component"), json::Value(&item), at);
            return;
        }
        single(add(node, "entry"), one, at);
    }

    void single(pugi::xml_node parent, json::Value one, std::string_view at) {
        const json::Value own = coding_of(one["code"], "urn:oid:2.16.156.10011.2.2.1");
        std::string element(own["code"].string());
        if (element.empty())
            if (const Element* known = tables_.element_of_loinc(coding_of(one["code"], "http://loinc.org")["code"].string()))
                element = known->code;
        value(observation(parent, element, own ? own["display"].string() : text_of(one["code"]), at), one);
    }

    void body() {
        const bool report = shape_.kind == Kind::laboratory_report;
        if (!report) allergies(), findings();
        conditions();
        laboratory();
        if (!report) procedures(), drugs();
        if (!record_.report) return;
        used_.insert(record_.report.node());
        if (const std::string_view words = record_.report["conclusion"].string(); !words.empty())
            add(observation(add(section("51848-0"), "entry"), "DE04.50.130.00", "检验报告结果"), "value", {{"xsi:type", "ST"}},
                words);
    }

    const Shape& shape_;
    const Tables& tables_;
    const Record& record_;
    std::string_view id_;
    std::string now_;
    pugi::xml_document document_;
    pugi::xml_node root_, body_;
    std::set<const json::Node*> used_;
};

}  // namespace

std::span<const std::string_view> types_of_visit() {
    static constexpr std::string_view types[] = {"Patient",   "Encounter",          "Organization",      "Practitioner",
                                                 "Condition", "Observation",        "MedicationRequest", "MedicationStatement",
                                                 "Procedure", "AllergyIntolerance", "DiagnosticReport",  "Immunization"};
    return types;
}

bool is_of_visit(json::Value resource, std::string_view visit) {
    const json::Value of = resource["encounter"] ? resource["encounter"] : resource["context"];
    return resource["resourceType"].string() == "AllergyIntolerance" || of["reference"].string() == visit;
}

Kind kind_of_visit(json::Value encounter) {
    return encounter["class"]["code"].string() == "IMP" ? Kind::inpatient_summary : Kind::outpatient_summary;
}

std::string_view text(Kind kind) {
    constexpr std::string_view names[] = {"outpatient-summary", "inpatient-summary", "laboratory-report"};
    return names[static_cast<std::size_t>(kind)];
}

std::optional<Kind> parse_kind(std::string_view name) {
    for (const Shape& shape : shapes) {
        if (text(shape.kind) == name) return shape.kind;
    }
    return std::nullopt;
}

Result<Written> write(Kind kind, json::Value resources, std::string_view id, std::string_view now, const Knowledge& knowledge) {
    const Record record = sorted(resources);
    if (!record.patient) return refuse(IssueCode::required, "resources", "hold no Patient, a shared document needs one");
    if (id.empty() || hl7_time(now).size() < 8) return refuse(IssueCode::required, "id", "and time of the document are needed");
    for (const Shape& shape : shapes) {
        if (shape.kind != kind || !knowledge.tables().template_of(shape.standard)) continue;
        Writer writer(shape, knowledge.tables(), record, id, now);
        Written written;
        written.xml = writer.write();
        if (!writer.patient_is_told())
            return refuse(IssueCode::required, "Patient.identifier",
                          "nothing a shared document carries tells this patient from others: give a number with an OID as its "
                          "system, or name with birth date");
        for (const json::Node& item : (resources.is_array() ? resources : resources["entry"]).items()) {
            const json::Value one = resources.is_array() ? json::Value(&item) : json::Value(&item)["resource"];
            if (!writer.used().contains(one.node()))
                written.left_out.push_back(fmt::format("{}/{}", type_of(one), one["id"].string()));
        }
        return written;
    }
    return refuse(IssueCode::not_supported, "content/mappings/cda",
                  "does not know this kind of document, put documents.csv back");
}

}  // namespace xinglin::cda
