// SPDX-License-Identifier: Apache-2.0
// Whole documents: FHIR transactions of the maternity centre, CDA summaries of discharges (WS/T 483.18, 住院摘要).
#include <fmt/format.h>

#include <array>
#include <iterator>

#include "city/fhir_line.h"
#include "city/fhir_writer.h"
#include "city/native.h"
#include "city/random.h"
#include "message/message.h"

namespace xinglin::city {

void fhir_visit(Sending& sending, const Visit& visit, std::uint16_t institution) {
    if (!sending.is_now(visit.end)) return;
    const World& world = sending.world;
    const Institution& at = world.district.institutions[institution];
    const Written who = sending.as_known_to(institution, visit.day(), visit.number);
    Native& native = sending.add(at, visit.end, "Bundle", "fhir", who);
    const std::string patient = message::stable_id(at.key, "Patient", who.number);
    Lines lines;
    {
        Line line(lines, Resource::patient, patient, at.key);
        line.put(R"(,"identifier":[{"system":"urn:xinglin:source:)", at.key, R"(:patient","value":")", who.number, "\"}");
        if (!who.id.empty()) line.put(R"(,{"system":"urn:oid:2.16.156.10011.1.3","value":")", who.id, "\"}");
        line.put(R"(],"name":[{"text":")", who.name(), R"(","family":")", who.surname, R"(","given":[")", who.given,
                 R"("]}],"telecom":[{"system":"phone","value":")", who.phone, R"("}],"gender":")", who.male ? "male" : "female",
                 R"(","birthDate":")", Date{who.birth}, R"(","address":[{"text":")", who.address, "\"}]");
        line.end();
    }
    write_visit(world, sending.story, visit, patient, "", lines, true);
    std::string& text = native.text;
    text = R"({"resourceType":"Bundle","type":"transaction","timestamp":")";
    put_time(text, visit.end);
    text += R"(","identifier":{"system":"urn:xinglin:source:)" + at.key + R"(:message","value":")" + native.control_id +
            R"("},"entry":[)";
    bool first = true;
    for (std::size_t type = 0; type < resource_types; ++type) {
        std::string_view rest = lines.text[type];
        while (!rest.empty()) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(line.size() + 1);
            const std::size_t id = line.find(R"("id":")") + 6;
            fmt::format_to(std::back_inserter(text), R"({}{{"resource":{},"request":{{"method":"PUT","url":"{}/{}"}}}})",
                           first ? "" : ",", line, type_name(static_cast<Resource>(type)), line.substr(id, 32));
            first = false;
        }
    }
    text += "]}\n";
}

namespace {

std::string xml(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') out += "&amp;";
        else if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '"') out += "&quot;";
        else out += c;
    }
    return out;
}

void put_patient(std::string& out, const Institution& at, const Written& who, std::string_view number) {
    fmt::format_to(std::back_inserter(out), R"( <recordTarget typeCode="RCT" contextControlCode="OP">
  <patientRole classCode="PAT">
   <id root="2.16.156.10011.1.12" extension="{}"/>
   <id root="2.16.156.10011.1.13" extension="{}"/>
   <addr use="H"><streetAddressLine>{}</streetAddressLine></addr>
   <telecom value="{}"/>
   <patient classCode="PSN" determinerCode="INSTANCE">
    {}
    <name>{}</name>
    <administrativeGenderCode code="{}" displayName="{}" codeSystem="2.16.156.10011.2.3.3.4" codeSystemName="生理性别代码表（GB/T 2261.1）"/>
    <birthTime value="{}"/>
   </patient>
   <providerOrganization classCode="ORG" determinerCode="INSTANCE"><id root="2.16.156.10011.1.5" extension="{}"/><name>{}</name></providerOrganization>
  </patientRole>
 </recordTarget>
)",
                   number, who.number, xml(who.address), who.phone,
                   who.id.empty() ? "" : fmt::format(R"(<id root="2.16.156.10011.1.3" extension="{}"/>)", who.id),
                   xml(who.name()), who.male ? 1 : 2, who.male ? "男性" : "女性", compact_time(who.birth * 86'400ll).substr(0, 8),
                   at.key, xml(at.name));
}

void put_section(std::string& out, std::string_view code, std::string_view title, std::string_view text,
                 std::string_view entries) {
    fmt::format_to(std::back_inserter(out), R"(   <component><section>
    <code code="{}" displayName="{}" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC"/>
    <text>{}</text>
{}   </section></component>
)",
                   code, title, xml(text), entries);
}

}  // namespace

void cda_visit(Sending& sending, const Visit& visit, std::uint16_t institution) {
    const std::int64_t time = visit.end + 7200;
    const Institution& at = sending.world.district.institutions[institution];
    if (visit.kind != VisitKind::inpatient || !sending.is_now(time) || at.encoding == "GB18030")
        return;  // the people's hospital has no documents yet
    const Written who = sending.as_known_to(institution, visit.day(), visit.number);
    Native& native = sending.add(at, time, "WS/T 483.18", "cda", who);
    const std::string number = visit_number(visit, sending.story.person);
    std::string& out = native.text;
    fmt::format_to(std::back_inserter(out), R"(<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <realmCode code="CN"/>
 <typeId root="2.16.840.1.113883.1.3" extension="POCD_MT000040"/>
 <templateId root="2.16.156.10011.2.1.1.18"/>
 <id root="2.16.156.10011.1.1" extension="{}"/>
 <code code="HSDA00.18" codeSystem="2.16.156.10011.2.4" codeSystemName="卫生信息共享文档规范编码体系"/>
 <title>住院摘要</title>
 <effectiveTime value="{}"/>
 <confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25" codeSystemName="Confidentiality"/>
 <languageCode code="zh-CN"/>
 <setId/>
 <versionNumber/>
)",
                   native.control_id, compact_time(time));
    put_patient(out, at, who, number);
    const std::string doctor = visit.doctor == none32 ? "" : sending.world.district.doctors[visit.doctor].name;
    fmt::format_to(
        std::back_inserter(out),
        R"( <author typeCode="AUT" contextControlCode="OP"><time value="{0}"/><assignedAuthor classCode="ASSIGNED"><id root="2.16.156.10011.1.7" extension="{1}"/><assignedPerson><name>{2}</name></assignedPerson></assignedAuthor></author>
 <custodian typeCode="CST"><assignedCustodian classCode="ASSIGNED"><representedCustodianOrganization classCode="ORG" determinerCode="INSTANCE"><id root="2.16.156.10011.1.5" extension="{3}"/><name>{4}</name></representedCustodianOrganization></assignedCustodian></custodian>
 <componentOf><encompassingEncounter><effectiveTime><low value="{5}"/><high value="{6}"/></effectiveTime></encompassingEncounter></componentOf>
 <component>
  <structuredBody>
)",
        compact_time(time), visit.doctor == none32 ? "" : sending.world.district.doctors[visit.doctor].number, doctor, at.key,
        xml(at.name), compact_time(visit.start), compact_time(visit.end));
    std::string entries;
    for (const Diagnosis& each : visit.diagnoses)
        fmt::format_to(
            std::back_inserter(entries),
            R"(    <entry><observation classCode="OBS" moodCode="EVN"><code code="DE05.01.024.00" displayName="出院诊断编码" codeSystem="2.16.156.10011.2.2.1" codeSystemName="卫生信息数据元目录"/><effectiveTime value="{}"/><value xsi:type="CD" code="{}" displayName="{}" codeSystem="2.16.156.10011.2.3.3.11" codeSystemName="ICD-10"/></observation></entry>
)",
            compact_time(visit.end).substr(0, 8), each.code, xml(each.name));
    put_section(out, "11535-2", "HOSPITAL DISCHARGE DX", visit.diagnoses[0].name, entries);
    entries.clear();
    put_section(
        out, "10154-3", "CHIEF COMPLAINT", visit.complaint,
        fmt::format(
            R"(    <entry><observation classCode="OBS" moodCode="EVN"><code code="DE04.01.119.00" displayName="主诉" codeSystem="2.16.156.10011.2.2.1" codeSystemName="卫生信息数据元目录"/><value xsi:type="ST">{}</value></observation></entry>
)",
            xml(visit.complaint)));
    if (!visit.procedure.empty())
        put_section(
            out, "47519-4", "HISTORY OF PROCEDURES", visit.procedure_name,
            fmt::format(
                R"(    <entry><procedure classCode="PROC" moodCode="EVN"><code code="{}" displayName="{}" codeSystem="2.16.156.10011.2.3.3.12" codeSystemName="ICD-9-CM-3"/><effectiveTime value="{}"/></procedure></entry>
)",
                visit.procedure, xml(visit.procedure_name), compact_time(visit.procedure_at)));
    out += "  </structuredBody>\n </component>\n</ClinicalDocument>\n";
}

}  // namespace xinglin::city
