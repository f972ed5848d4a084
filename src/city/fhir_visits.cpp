// SPDX-License-Identifier: Apache-2.0
// One visit as Encounter, Conditions, results, prescriptions, procedure and claim.
#include <fmt/format.h>

#include <charconv>

#include "city/fhir_line.h"
#include "message/message.h"

namespace xinglin::city {

void Line::one(Number number) {
    char buffer[64];
    const auto [end, error] =
        std::to_chars(buffer, buffer + sizeof buffer, number.value, std::chars_format::fixed, number.decimals);
    text_.append(buffer, static_cast<std::size_t>(end - buffer));
}

namespace {

constexpr std::string_view fee_names[fees] = {"诊察费", "药品费", "检验费", "检查费", "治疗费", "手术费", "床位费", "护理费"};

/// What all resources of a visit need.
struct Context {
    const World& world;
    const Story& story;
    const Visit& visit;
    const Institution& at;
    std::string_view patient, coverage;
    std::string number, encounter;
    Lines& lines;
    bool is_message = false;  // written when it is over

    bool known(std::int64_t at) const { return is_message || at < world.now * 86'400ll; }
    std::string id(std::string_view type, std::string_view what, std::size_t n) const {
        return message::stable_id(at.key, type, fmt::format("{}^{}{}", number, what, n));
    }
    void subject(Line& line) const {
        line.put(R"(,"subject":{"reference":"Patient/)", patient, R"("},"encounter":{"reference":"Encounter/)", encounter, "\"}");
    }
};

std::string_view class_code(VisitKind kind) {
    return kind == VisitKind::inpatient ? "IMP" : kind == VisitKind::emergency ? "EMER" : "AMB";
}
std::string_view class_display(VisitKind kind) {
    return kind == VisitKind::inpatient ? "inpatient encounter" : kind == VisitKind::emergency ? "emergency" : "ambulatory";
}
std::string_view kind_name(VisitKind kind) {
    constexpr std::string_view names[] = {"门诊",     "急诊",         "住院",     "慢性病随访",
                                          "健康体检", "儿童健康检查", "产前检查", "产后访视"};
    return names[static_cast<std::size_t>(kind)];
}

void encounter(const Context& c) {
    const Visit& visit = c.visit;
    Line line(c.lines, Resource::encounter, c.encounter, c.at.key);
    const bool inpatient = visit.kind == VisitKind::inpatient;
    // Somebody who is still lying there has not been discharged.
    const bool open = inpatient && visit.end >= c.world.now * 86'400ll && !c.is_message;
    line.put(R"(,"identifier":[{"system":"urn:oid:2.16.156.10011.1.)", inpatient ? "12" : "11", R"(","value":")", c.number,
             R"("}],"status":")", open ? "in-progress" : "finished",
             R"(","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":")", class_code(visit.kind),
             R"(","display":")", class_display(visit.kind), R"("},"type":[{"text":")",
             visit.programme.empty() ? kind_name(visit.kind) : visit.programme, R"("}],"subject":{"reference":"Patient/)",
             c.patient, "\"}");
    if (visit.doctor != none32)
        line.put(R"(,"participant":[{"individual":{"reference":"Practitioner/)", c.world.district.doctors[visit.doctor].id,
                 "\"}}]");
    line.put(R"(,"period":{"start":")", Time{visit.start}, "\"");
    if (!open) line.put(R"(,"end":")", Time{visit.end}, "\"");
    line.put(R"(},"reasonCode":[{"text":")", visit.complaint, "\"}]");
    if (inpatient) {
        line.put(R"(,"hospitalization":{"admitSource":{"coding":[{"system":"urn:xinglin:codesystem:admission-route","code":")",
                 visit.dept == "20" ? "1" : "2", "\"}]}");
        if (!open)
            line.put(R"(,"dischargeDisposition":{"coding":[{"system":"urn:xinglin:codesystem:leave-hospital","code":")",
                     visit.died ? "5" : "1", "\"}]}");
        line.put("}");
    }
    line.put(R"(,"serviceProvider":{"reference":"Organization/)", c.at.id, "\"}");
    line.end();
}

void conditions(const Context& c) {
    for (std::size_t n = 0; n < c.visit.diagnoses.size(); ++n) {
        const Diagnosis& diagnosis = c.visit.diagnoses[n];
        Line line(c.lines, Resource::condition, c.id("Condition", "", n + 1), c.at.key);
        line.put(
            R"(,"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"confirmed"}]},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"encounter-diagnosis"}]}],"code":{"coding":[{"system":"urn:oid:2.16.156.10011.2.3.3.11","code":")",
            diagnosis.code, R"(","display":")", diagnosis.name, R"("}],"text":")", diagnosis.name, "\"}");
        c.subject(line);
        line.put(R"(,"recordedDate":")", Time{c.visit.start}, "\"");
        line.end();
    }
}

struct Sign {
    std::string_view code, name, unit, ucum;
    double value;
    int decimals;
};

void open_observation(Line& line, const Context& c, std::string_view category, std::string_view code, std::string_view name,
                      std::int64_t at, bool is_loinc = true) {
    line.put(
        R"(,"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":")",
        category, R"("}]}],"code":{"coding":[{"system":")", is_loinc ? "http://loinc.org" : "urn:xinglin:source:laboratory",
        R"(","code":")", code, R"(","display":")", name, R"("}],"text":")", name, "\"}");
    c.subject(line);
    line.put(R"(,"effectiveDateTime":")", Time{at}, "\"");
}

void quantity(Line& line, double value, int decimals, std::string_view unit, std::string_view ucum) {
    line.put(R"("valueQuantity":{"value":)", Number{value, decimals});
    if (!unit.empty()) line.put(R"(,"unit":")", unit, "\"");
    line.put(R"(,"system":"http://unitsofmeasure.org","code":")", ucum, "\"}");
}

void vital_signs(const Context& c) {
    const Vitals& vitals = c.visit.vitals;
    if (vitals.systolic > 0) {
        Line line(c.lines, Resource::observation, c.id("Observation", "bp", 0), c.at.key);
        open_observation(line, c, "vital-signs", "85354-9", "血压", c.visit.start + 300);
        line.put(R"(,"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"收缩压"}]},)");
        quantity(line, vitals.systolic, 0, "mmHg", "mm[Hg]");
        line.put(R"(},{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4","display":"舒张压"}]},)");
        quantity(line, vitals.diastolic, 0, "mmHg", "mm[Hg]");
        line.put("}]");
        line.end();
    }
    const Sign signs[] = {{"8310-5", "体温", "℃", "Cel", vitals.temperature, 1},
                          {"8867-4", "心率", "次/分", "/min", vitals.pulse, 0},
                          {"8302-2", "身高", "cm", "cm", vitals.height, 1},
                          {"29463-7", "体重", "kg", "kg", vitals.weight, c.visit.kind == VisitKind::child_check ? 2 : 1},
                          {"9843-4", "头围", "cm", "cm", vitals.head, 1},
                          {"14771-0", "空腹血糖", "mmol/L", "mmol/L", vitals.glucose, 1}};
    const bool usual = c.visit.kind <= VisitKind::emergency;  // of an ordinary visit only what was looked for
    for (std::size_t n = 0; n < std::size(signs); ++n) {
        const Sign& sign = signs[n];
        if (sign.value <= 0 || (usual && n == 0 && sign.value < 37.3) || (usual && n == 1)) continue;
        Line line(c.lines, Resource::observation, c.id("Observation", "vital", n), c.at.key);
        open_observation(line, c, n == 5 ? "laboratory" : "vital-signs", sign.code, sign.name, c.visit.start + 300);
        line.put(",");
        quantity(line, sign.value, sign.decimals, sign.unit, sign.ucum);
        line.end();
    }
}

void result(const Context& c, const LabReport& report, const LabResult& each, std::string_view id) {
    const LabItem& item = c.world.facts.items[each.item];
    const bool male = c.world.people.all[c.story.person].male;
    Line line(c.lines, Resource::observation, id, c.at.key);
    open_observation(line, c, "laboratory", item.code, item.name, report.at, item.code.find('-') != std::string::npos);
    line.put(R"(,"issued":")", Time{report.at}, R"(","performer":[{"reference":"Organization/)", c.at.id, "\"}],");
    if (item.is_test()) {
        line.put(R"("valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":")",
                 each.flag > 0 ? "10828004" : "260385009", R"(","display":")", each.flag > 0 ? "Positive" : "Negative",
                 R"("}],"text":")", each.flag > 0 ? "阳性" : "阴性", "\"}");
    } else {
        quantity(line, each.value, item.decimals, item.unit, item.ucum);
    }
    if (!item.is_test() || each.flag > 0) {
        const std::string_view code = item.is_test() ? "POS" : each.flag < 0 ? "L" : each.flag > 0 ? "H" : "N";
        line.put(
            R"(,"interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":")",
            code, "\"}]}]");
    }
    if (!item.is_test())
        line.put(R"(,"referenceRange":[{"low":{"value":)", Number{item.low[male], item.decimals},
                 R"(,"system":"http://unitsofmeasure.org","code":")", item.ucum, R"("},"high":{"value":)",
                 Number{item.high[male], item.decimals}, R"(,"system":"http://unitsofmeasure.org","code":")", item.ucum, "\"}}]");
    line.end();
}

void laboratory(const Context& c) {
    for (std::size_t n = 0; n < c.visit.labs.size(); ++n) {
        const LabReport& report = c.visit.labs[n];
        if (!c.known(report.at)) continue;
        const Panel& panel = c.world.facts.panels[report.panel];
        std::vector<std::string> ids;
        for (std::size_t k = 0; k < report.results.size(); ++k) {
            ids.push_back(c.id("Observation", "lab", n * 100 + k));
            result(c, report, report.results[k], ids.back());
        }
        Line line(c.lines, Resource::diagnostic_report, c.id("DiagnosticReport", "lab", n), c.at.key);
        line.put(
            R"(,"identifier":[{"system":"urn:oid:2.16.156.10011.1.24","value":")", c.number, "-L", std::to_string(n + 1),
            R"("}],"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB"}]}],"code":{"coding":[{"system":")",
            panel.code.find('-') != std::string::npos ? "http://loinc.org" : "urn:xinglin:source:laboratory", R"(","code":")",
            panel.code, R"(","display":")", panel.name, R"("}],"text":")", panel.name, "\"}");
        c.subject(line);
        line.put(R"(,"effectiveDateTime":")", Time{report.ordered}, R"(","issued":")", Time{report.at},
                 R"(","performer":[{"reference":"Organization/)", c.at.id, R"("}],"result":[)");
        for (std::size_t k = 0; k < ids.size(); ++k) line.put(k == 0 ? "" : ",", R"({"reference":"Observation/)", ids[k], "\"}");
        line.put("]");
        line.end();
    }
    for (std::size_t n = 0; n < c.visit.images.size(); ++n) {
        const ImageReport& report = c.visit.images[n];
        if (!c.known(report.at)) continue;
        const Imaging& imaging = c.world.facts.imaging[report.imaging];
        const ImagingText& text = imaging.texts[report.text];
        Line line(c.lines, Resource::diagnostic_report, c.id("DiagnosticReport", "image", n), c.at.key);
        line.put(
            R"(,"identifier":[{"system":"urn:oid:2.16.156.10011.1.24","value":")", c.number, "-I", std::to_string(n + 1),
            R"("}],"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":")",
            imaging.modality == "ECG" ? "EC" : "RAD", R"("}]}],"code":{"coding":[{"system":"http://loinc.org","code":")",
            imaging.code, R"("}],"text":")", imaging.name, "\"}");
        c.subject(line);
        line.put(R"(,"effectiveDateTime":")", Time{report.at - 1200}, R"(","issued":")", Time{report.at},
                 R"(","performer":[{"reference":"Organization/)", c.at.id, R"("}],"conclusion":")", text.conclusion, "。所见：",
                 text.finding, "\"");
        line.end();
    }
}

void medicines(const Context& c) {
    for (std::size_t n = 0; n < c.visit.medicines.size(); ++n) {
        const Prescription& each = c.visit.medicines[n];
        const Medicine& medicine = c.world.facts.medicines[each.medicine];
        Line line(c.lines, Resource::medication_request, c.id("MedicationRequest", "", n + 1), c.at.key);
        line.put(
            R"(,"status":"completed","intent":"order","medicationCodeableConcept":{"coding":[{"system":"http://www.whocc.no/atc","code":")",
            medicine.atc, R"("}],"text":")", medicine.name, " ", medicine.strength, "\"}");
        c.subject(line);
        line.put(
            R"(,"authoredOn":")", Time{c.visit.start + 600}, R"(","requester":{"reference":")",
            c.visit.doctor == none32 ? "Organization/" + c.at.id : "Practitioner/" + c.world.district.doctors[c.visit.doctor].id,
            R"("},"dosageInstruction":[{"text":"每次)", medicine.dose, medicine.dose_unit, "，每日",
            std::to_string(medicine.times_a_day), R"(次","timing":{"repeat":{"frequency":)", std::to_string(medicine.times_a_day),
            R"(,"period":1,"periodUnit":"d"}})");
        if (medicine.as_needed) line.put(R"(,"asNeededBoolean":true)");
        line.put(R"(,"route":{"text":")", medicine.route, R"("},"doseAndRate":[{"doseQuantity":{"value":)", medicine.dose,
                 R"(,"system":"http://unitsofmeasure.org","code":")", medicine.dose_unit,
                 R"("}}]}],"dispenseRequest":{"expectedSupplyDuration":{"value":)", std::to_string(each.days),
                 R"(,"system":"http://unitsofmeasure.org","code":"d"}})");
        line.end();
    }
}

void procedure(const Context& c) {
    if (c.visit.procedure.empty() || !c.known(c.visit.procedure_at)) return;
    Line line(c.lines, Resource::procedure, c.id("Procedure", "", 1), c.at.key);
    line.put(R"(,"status":"completed","code":{"coding":[{"system":"urn:xinglin:codesystem:icd-9-cm-3","code":")",
             c.visit.procedure, R"("}],"text":")", c.visit.procedure_name, "\"}");
    c.subject(line);
    line.put(R"(,"performedDateTime":")", Time{c.visit.procedure_at}, "\"");
    if (c.visit.doctor != none32)
        line.put(R"(,"performer":[{"actor":{"reference":"Practitioner/)", c.world.district.doctors[c.visit.doctor].id, "\"}}]");
    line.end();
}

void claim(const Context& c) {
    const double total = c.visit.total();
    if (total < 0.01 || c.coverage.empty() || !c.known(c.visit.end)) return;
    Line line(c.lines, Resource::claim, c.id("Claim", "", 1), c.at.key);
    line.put(
        R"(,"status":"active","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"institutional"}]},"use":"claim","patient":{"reference":"Patient/)",
        c.patient, R"("},"created":")", Time{c.visit.end}, R"(","provider":{"reference":"Organization/)", c.at.id,
        R"("},"priority":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/processpriority","code":"normal"}]},"insurance":[{"sequence":1,"focal":true,"coverage":{"reference":"Coverage/)",
        c.coverage, R"("}}],"item":[)");
    int sequence = 0;
    for (std::size_t n = 0; n < fees; ++n) {
        if (c.visit.fee[n] < 0.01F) continue;
        ++sequence;
        line.put(sequence > 1 ? "," : "", R"({"sequence":)", std::to_string(sequence), R"(,"productOrService":{"text":")",
                 fee_names[n], R"("},"net":{"value":)", Number{c.visit.fee[n], 2},
                 R"(,"currency":"CNY"},"encounter":[{"reference":"Encounter/)", c.encounter, "\"}]}");
    }
    line.put(R"(],"total":{"value":)", Number{total, 2}, R"(,"currency":"CNY"})");
    line.end();
}

void report_card(const Context& c) {
    if (c.visit.infection == none32 || c.visit.kind == VisitKind::inpatient) return;
    const Infection& infection = c.world.epidemic.infections[c.visit.infection];
    if (infection.card == never || infection.card >= c.world.now) return;
    const Pathogen& pathogen = c.world.facts.pathogens[infection.pathogen];
    const int age = c.world.people.age(c.world.people.all[c.story.person], infection.onset);
    Line line(c.lines, Resource::observation, c.id("Observation", "card", 1), c.at.key);
    // As content/mappings/report_cards.json makes it of a row.
    line.put(
        R"(,"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"survey","display":"Survey"}]}],"code":{"coding":[{"system":"urn:xinglin:codesystem:syndromic","code":"report-card","display":"传染病报告卡"}],"text":"传染病报告卡"},"subject":{"reference":"Patient/)",
        c.patient, R"("},"encounter":{"reference":"Encounter/)", c.encounter, R"("},"effectiveDateTime":")",
        Time{c.visit.start + 1800}, R"(","performer":[{"reference":"Organization/)", c.at.id,
        R"("}],"valueCodeableConcept":{"coding":[{"system":"urn:oid:2.16.156.10011.2.3.3.11","code":")", pathogen.code,
        R"(","display":")", pathogen.code_name, R"("}],"text":")", pathogen.card_name, R"("},"component":[)",
        R"({"code":{"text":"病例分类"},"valueString":")", infection.positive ? "确诊病例" : "临床诊断病例",
        R"("},{"code":{"text":"人群分类"},"valueCodeableConcept":{"text":")", card_occupation(age),
        R"("}},{"code":{"text":"聚集性疫情"},"valueBoolean":)",
        is_known_outbreak(c.world.epidemic, infection, c.visit.day()) ? "true" : "false",
        R"(},{"code":{"text":"发病日期"},"valueDateTime":")", Date{infection.onset},
        R"("},{"code":{"text":"填卡日期"},"valueDateTime":")", Date{infection.card}, R"("}])");
    line.end();
}

}  // namespace

void write_visit(const World& world, const Story& story, const Visit& visit, std::string_view patient, std::string_view coverage,
                 Lines& lines, bool is_message) {
    const Institution& at = world.district.institutions[visit.institution];
    Context c{world, story, visit, at, patient, coverage, visit_number(visit, story.person), "", lines, is_message};
    c.encounter = message::stable_id(at.key, "Encounter", c.number);
    encounter(c);
    conditions(c);
    vital_signs(c);
    laboratory(c);
    medicines(c);
    procedure(c);
    claim(c);
    report_card(c);
}

}  // namespace xinglin::city
