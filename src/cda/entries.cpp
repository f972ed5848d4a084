// SPDX-License-Identifier: Apache-2.0
// What the sections of a document say: every statement is looked up by its data element (DE…) and becomes what it means.
#include <fmt/format.h>

#include "cda/work.h"
#include "text/text.h"

namespace xinglin::cda {

namespace {

/// One data element with its value.
struct Statement {
    pugi::xml_node node, value;
    std::string code, name;
    const Element* element = nullptr;
    std::string_view use() const { return element ? std::string_view(element->use) : std::string_view(); }
    bool starts(std::string_view what) const { return use().starts_with(what); }
};

/// All observations below an entry, outer ones first.
void gather(Work& work, pugi::xml_node node, std::vector<Statement>& all, int depth = 0) {
    if (depth > 40 || all.size() > 100'000) return;
    for (const pugi::xml_node& one : node.children()) {
        if (one.type() != pugi::node_element) continue;
        const std::string_view name = local(one);
        const pugi::xml_node code = child(one, "code");
        if (name == "observation" && (child(one, "value") || !attribute(code, "code").empty())) {
            Statement statement{one, child(one, "value"), attribute(code, "code"), attribute(code, "displayName"), nullptr};
            statement.element = work.tables.element(statement.code);
            if (statement.name.empty() && statement.element) statement.name = statement.element->name;
            all.push_back(std::move(statement));
        }
        if (name == "observation" || name == "organizer" || name == "component" || name == "entryRelationship" || name == "act")
            gather(work, one, all, depth + 1);
    }
}

std::string time_of(Work& work, pugi::xml_node node) {
    const pugi::xml_node time = child(node, "effectiveTime");
    std::string at = work.time(time);
    if (at.empty()) at = work.time(child(time, "low"));
    return at;
}

std::string words_of(const Statement& one) {
    const std::string display = attribute(one.value, "displayName");
    if (!display.empty()) return display;
    const std::string words = text(one.value);
    return words.empty() ? attribute(one.value, "value") : words;
}

json::Value code_of(Work& work, const Statement& one) {
    std::vector<json::Value> codings;
    if (one.element && !one.element->loinc.empty())
        codings.push_back(work.coding("http://loinc.org", one.element->loinc, one.element->display));
    if (!one.code.empty()) {
        std::string system = Tables::system(attribute(child(one.node, "code"), "codeSystem"));
        if (one.code.starts_with("DE")) system = "urn:oid:2.16.156.10011.2.2.1";  // some writers name another table here
        codings.push_back(work.coding(system, one.code, one.name));
    }
    const std::string words = one.name.empty() ? one.code : one.name;
    return work.arena.object(
        {{"coding", codings.empty() ? json::Value() : work.arena.array(codings)}, {"text", work.text(words)}});
}

json::Value category_of(Work& work, std::string_view category) {
    if (category.empty()) return {};
    return work.arena.array({work.coded("http://terminology.hl7.org/CodeSystem/observation-category", category, "", category)});
}

class SectionReader {
public:
    SectionReader(Work& work, pugi::xml_node section, std::vector<std::string>& made)
        : work_(work), section_(section), made_(made) {
        known_ = work.tables.section(attribute(section, "code", "code"));
    }

    void read() {
        for (const pugi::xml_node entry : children(section_, "entry")) {
            for (const pugi::xml_node& one : entry.children()) {
                if (one.type() != pugi::node_element) continue;
                if (local(one) == "substanceAdministration") drug(one);
                else if (local(one) == "procedure") procedure(one);
            }
            std::vector<Statement> all;
            gather(work_, entry, all);
            statements(all);
        }
        flush_result();
        flush_pressure();
    }

private:
    bool is(std::string_view use) const { return known_ && known_->use == use; }

    void statements(const std::vector<Statement>& all) {
        if (named_drug(all) || named_procedure(all)) return;
        diagnosis_name_.clear();
        for (const Statement& one : all) statement(one);
        if (!diagnosis_name_.empty()) diagnosis({}, diagnosis_name_);
        flush_pressure();
    }

    void statement(const Statement& one) {
        const std::string_view use = one.use();
        if (use == "diagnosis_name" || use == "tcm_name") {
            if (!diagnosis_name_.empty()) diagnosis({}, diagnosis_name_);
            diagnosis_name_ = words_of(one);
            diagnosis_time_ = time_of(work_, one.node);
        } else if (use == "diagnosis_code" || use == "tcm_code") {
            if (!attribute(one.value, "code").empty() || !words_of(one).empty()) diagnosis(one, diagnosis_name_);
            diagnosis_name_.clear();
        } else if (use == "systolic" || use == "diastolic") {
            pressure(one);
        } else if (one.starts("lab_") || use == "specimen") {
            result(one);
        } else if (use == "allergy") {
            allergy(one);
        } else if (use == "allergy_flag") {
            return;  // the text beside it says which
        } else {
            if (use == "complaint" && !words_of(one).empty()) work_.reasons.push_back(work_.concept_text(words_of(one)));
            if (use == "admission_time" && work_.admitted.empty()) work_.admitted = work_.time(one.value);
            if (use == "discharge_time" && work_.discharged.empty()) work_.discharged = work_.time(one.value);
            observation(one);
        }
    }

    void add(std::string reference) { made_.push_back(std::move(reference)); }

    Members common(std::string_view at) {
        return {{"subject", work_.reference(work_.patient)},
                {"encounter", work_.reference(work_.encounter)},
                {"effectiveDateTime", work_.text(at.empty() ? std::string_view(work_.at) : at)}};
    }

    void observation(const Statement& one) {
        const auto value = read_value(work_, one.value, one.element ? std::string_view(one.element->unit) : std::string_view());
        if (!value) return;
        if (!one.element)
            work_.note(one.node, fmt::format("data element {} is not in the table, it was kept as it is", one.code.substr(0, 20)),
                       "unknown-element");
        Members members{{"status", work_.arena.string("final")},
                        {"category", category_of(work_, one.element && !one.element->category.empty()
                                                            ? std::string_view(one.element->category)
                                                            : "survey")},
                        {"code", code_of(work_, one)}};
        for (const auto& member : common(time_of(work_, one.node))) members.push_back(member);
        members.push_back(*value);
        add(work_.put_entry("Observation", std::move(members)));
    }

    void pressure(const Statement& one) {
        json::Value& place = one.use() == "systolic" ? systolic_ : diastolic_;
        if (place) flush_pressure();
        const json::Value quantity = read_quantity(work_, one.value, one.element->unit);
        if (!quantity) return;
        if (pressure_time_.empty()) pressure_time_ = time_of(work_, one.node);
        (one.use() == "systolic" ? systolic_ : diastolic_) =
            work_.arena.object({{"code", code_of(work_, one)}, {"valueQuantity", quantity}});
    }

    void flush_pressure() {
        if (!systolic_ && !diastolic_) return;
        std::vector<json::Value> components;
        for (const json::Value part : {systolic_, diastolic_})
            if (part) components.push_back(part);
        Members members{
            {"status", work_.arena.string("final")},
            {"category", category_of(work_, "vital-signs")},
            {"code", work_.coded("http://loinc.org", "85354-9", "Blood pressure panel with all children optional", "血压")}};
        for (const auto& member : common(pressure_time_)) members.push_back(member);
        members.emplace_back("component", work_.arena.array(components));
        add(work_.put_entry("Observation", std::move(members)));
        systolic_ = diastolic_ = json::Value();
        pressure_time_.clear();
    }

    /// A condition; `one.value` holds the code, `name` what stood beside it.
    void diagnosis(const Statement& one, const std::string& name) {
        const std::string code = attribute(one.value, "code");
        std::string words = name.empty() ? words_of(one) : name;
        std::string at = one.node ? time_of(work_, one.node) : diagnosis_time_;
        std::string system = Tables::system(attribute(one.value, "codeSystem"));
        const bool chinese_medicine = one.use() == "tcm_code";
        const bool like_icd = code.size() >= 3 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= '0' && code[1] <= '9';
        if (like_icd && !chinese_medicine) system = message::icd10_system;  // published samples name other tables here
        const bool lasting = is("problem");
        Members members{{"clinicalStatus", work_.coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "")},
                        {"category", work_.arena.array({work_.coded("http://terminology.hl7.org/CodeSystem/condition-category",
                                                                    lasting ? "problem-list-item" : "encounter-diagnosis", "")})},
                        {"code", work_.coded(system, code, attribute(one.value, "displayName"), words)},
                        {"subject", work_.reference(work_.patient)},
                        {"encounter", work_.reference(work_.encounter)},
                        {"recordedDate", work_.text(at.empty() ? work_.at : at)}};
        add(work_.put_entry("Condition", std::move(members)));
        if (work_.encounter.empty()) return;
        const std::string_view role = is("discharge")       ? "DD"
                                      : is("admission")     ? "AD"
                                      : is("preoperative")  ? "pre-op"
                                      : is("postoperative") ? "post-op"
                                                            : "";
        work_.diagnoses.push_back(work_.arena.object(
            {{"condition", work_.reference(made_.back())},
             {"use",
              role.empty() ? json::Value() : work_.coded("http://terminology.hl7.org/CodeSystem/diagnosis-role", role, "")},
             {"rank", work_.arena.number(static_cast<std::int64_t>(work_.diagnoses.size() + 1))}}));
    }

    void allergy(const Statement& one) {
        const std::string words = words_of(one);
        if (words.empty() || words == "无" || words == "否认" || words == "-") return;
        add(work_.put_entry(
            "AllergyIntolerance",
            {{"clinicalStatus", work_.coded("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active", "")},
             {"code", work_.concept_text(words)},
             {"patient", work_.reference(work_.patient)},
             {"encounter", work_.reference(work_.encounter)},
             {"recordedDate", work_.text(work_.at)}}));
    }

    // ---- laboratory: name, code, result and unit come as statements of their own --------------------------------------------

    struct LabResult {
        std::string name, code, unit, specimen, time, sampled;
        json::Value value, interpretation, range;
        std::string_view value_name;
        bool any() const { return !name.empty() || !code.empty() || value; }
    };

    void result(const Statement& one) {
        const std::string_view use = one.use();
        const std::string words = words_of(one);
        if (use == "lab_panel" || use == "lab_method") return observation(one);
        if ((use == "lab_item" && !result_.name.empty()) || (use == "lab_code" && (!result_.code.empty() || result_.value)) ||
            (use == "lab_item" && result_.value) || ((use == "lab_number" || use == "lab_text") && result_.value))
            flush_result();
        if (std::string at = time_of(work_, one.node); !at.empty()) (use == "specimen" ? result_.sampled : result_.time) = at;
        if (use == "lab_item") result_.name = words;
        else if (use == "lab_code") result_.code = words;
        else if (use == "specimen") result_.specimen = words;
        else if (use == "lab_unit") unit(words);
        else if (use == "lab_interpretation") result_.interpretation = read_code(work_, one.value);
        else if (const auto value = read_value(work_, one.value, "")) std::tie(result_.value_name, result_.value) = *value;
        const pugi::xml_node range = child(one.node, "referenceRange/observationRange");
        if (const std::string limits = text(child(range, "text")); !limits.empty()) result_.range = work_.concept_text(limits);
    }

    void unit(const std::string& words) {
        result_.unit = words;
        if (result_.value_name != "valueQuantity" || result_.value["unit"]) return;
        const std::string ucum = work_.tables.unit(words);
        result_.value = work_.arena.with(result_.value, "unit", work_.text(words));
        if (ucum.empty()) return;
        result_.value = work_.arena.with(result_.value, "system", work_.arena.string("http://unitsofmeasure.org"));
        result_.value = work_.arena.with(result_.value, "code", work_.arena.string(ucum));
    }

    void flush_result() {
        LabResult one = std::move(result_);
        result_ = LabResult{};
        if (!one.any()) return;
        if (one.value.is_null() || !one.value) {  // a code of the result may be all there is
            if (one.interpretation)
                one.value_name = "valueCodeableConcept", one.value = one.interpretation, one.interpretation = json::Value();
            else if (one.name.empty()) return;
        }
        json::Value specimen;
        if (!one.specimen.empty()) {
            const json::Value collected = one.sampled.empty()
                                              ? json::Value()
                                              : work_.arena.object({{"collectedDateTime", work_.arena.string(one.sampled)}});
            specimen = work_.reference(work_.put("Specimen", "document^" + work_.key + "^specimen^" + one.specimen,
                                                 {{"type", work_.concept_text(one.specimen)},
                                                  {"subject", work_.reference(work_.patient)},
                                                  {"collection", collected}}));
        }
        const std::string own = one.code.empty() ? "" : message::own_system(work_.sender, "laboratory-item");
        Members members{{"status", work_.arena.string("final")},
                        {"category", category_of(work_, "laboratory")},
                        {"code", work_.coded(own, one.code, one.name, one.name.empty() ? one.code : one.name)}};
        for (const auto& member : common(one.time.empty() ? one.sampled : one.time)) members.push_back(member);
        if (one.code.empty() && one.name.empty()) members[2].second = work_.concept_text("检验结果");
        if (one.value) members.emplace_back(one.value_name, one.value);
        if (one.interpretation) members.emplace_back("interpretation", work_.arena.array({one.interpretation}));
        if (specimen) members.emplace_back("specimen", specimen);
        if (one.range) members.emplace_back("referenceRange", work_.arena.array({one.range}));
        add(work_.put_entry("Observation", std::move(members)));
    }

    // ---- drugs, vaccines, procedures ----------------------------------------------------------------------------------------

    struct Drug {
        json::Value what;
        std::string strength, lot, days, at;
        json::Value dose, route, total;
        std::string frequency;
        bool ordered = false;
    };

    void drug(pugi::xml_node node) {
        Drug drug;
        const pugi::xml_node product = child(node, "consumable/manufacturedProduct");
        pugi::xml_node material = child(product, "manufacturedLabeledDrug");
        if (!material) material = child(product, "manufacturedMaterial");
        const std::string name = text(child(material, "name"));
        const pugi::xml_node code = child(material, "code");
        drug.what = work_.coded(Tables::system(attribute(code, "codeSystem")), attribute(code, "code"),
                                attribute(code, "displayName"), name.empty() ? attribute(code, "displayName") : name);
        if (!drug.what) drug.what = work_.concept_text(text(child(node, "text")));
        if (!drug.what) return work_.note(node, "names no drug and was left out of the entries", "no-drug");
        drug.lot = text(child(material, "lotNumberText"));
        drug.at = time_of(work_, node);
        drug.dose = read_quantity(work_, child(node, "doseQuantity"));
        drug.route = read_code(work_, child(node, "routeCode"));
        const pugi::xml_node rate = child(node, "rateQuantity");
        drug.frequency = attribute(rate, "value") + attribute(rate, "unit");
        const std::string standard = work_.standard;
        drug.ordered = attribute(node, "moodCode") == "RQO" || standard == "WS/T 500.4" || standard == "WS/T 500.5";
        std::vector<Statement> all;
        gather(work_, node, all);
        for (const Statement& one : all) {
            if (one.use() == "drug_strength") drug.strength = words_of(one);
            else if (one.use() == "drug_total") drug.total = read_quantity(work_, one.value);
            else if (one.use() == "drug_frequency") drug.frequency = words_of(one);
            else if (one.use() == "drug_route") drug.route = read_code(work_, one.value);
            else statement(one);
        }
        if (is("immunization")) vaccination(drug, node);
        else put_drug(drug);
    }

    void put_drug(const Drug& drug) {
        const json::Value dosage =
            work_.arena.object({{"text", work_.text(drug.frequency)},
                                {"route", drug.route},
                                {"doseAndRate", drug.dose ? work_.arena.array({work_.arena.object({{"doseQuantity", drug.dose}})})
                                                          : json::Value()}});
        const json::Value dosages = dosage.size() == 0 ? json::Value() : work_.arena.array({dosage});
        const json::Value note =
            drug.strength.empty() ? json::Value() : work_.arena.array({work_.concept_text("规格: " + drug.strength)});
        const std::string& at = drug.at.empty() ? work_.at : drug.at;
        if (drug.ordered) {
            add(work_.put_entry(
                "MedicationRequest",
                {{"status", work_.arena.string("completed")},
                 {"intent", work_.arena.string("order")},
                 {"medicationCodeableConcept", drug.what},
                 {"subject", work_.reference(work_.patient)},
                 {"encounter", work_.reference(work_.encounter)},
                 {"authoredOn", work_.text(at)},
                 {"requester", work_.reference(work_.author)},
                 {"note", note},
                 {"dosageInstruction", dosages},
                 {"dispenseRequest", drug.total ? work_.arena.object({{"quantity", drug.total}}) : json::Value()}}));
            return;
        }
        add(work_.put_entry("MedicationStatement", {{"status", work_.arena.string("unknown")},
                                                    {"medicationCodeableConcept", drug.what},
                                                    {"subject", work_.reference(work_.patient)},
                                                    {"context", work_.reference(work_.encounter)},
                                                    {"effectiveDateTime", work_.text(at)},
                                                    {"note", note},
                                                    {"dosage", dosages}}));
    }

    void vaccination(const Drug& drug, pugi::xml_node node) {
        std::int64_t dose = 0;
        for (const char c : attribute(node, "repeatNumber", "value"))
            if (c >= '0' && c <= '9' && dose < 100) dose = dose * 10 + (c - '0');
        const json::Value protocol =
            dose > 0 ? work_.arena.array({work_.arena.object({{"doseNumberPositiveInt", work_.arena.number(dose)}})})
                     : json::Value();
        add(work_.put_entry("Immunization",
                            {{"status", work_.arena.string("completed")},
                             {"vaccineCode", drug.what},
                             {"patient", work_.reference(work_.patient)},
                             {"encounter", work_.reference(work_.encounter)},
                             {drug.at.empty() ? "occurrenceString" : "occurrenceDateTime",
                              work_.arena.string(drug.at.empty() ? "不详" : drug.at)},
                             {"primarySource", work_.arena.boolean(true)},
                             {"lotNumber", work_.text(drug.lot)},
                             {"route", drug.route},
                             {"doseQuantity", drug.dose},
                             {"performer", work_.arena.array({work_.arena.object({{"actor", work_.reference(work_.author)}})})},
                             {"protocolApplied", protocol}}));
    }

    bool named_drug(const std::vector<Statement>& all) {
        Drug drug;
        for (const Statement& one : all) {
            if (one.use() == "drug_name")
                drug.what = one.value && !attribute(one.value, "code").empty() ? read_code(work_, one.value)
                                                                               : work_.concept_text(words_of(one));
            else if (one.use() == "drug_strength") drug.strength = words_of(one);
            else if (one.use() == "drug_frequency") drug.frequency = words_of(one);
            else if (one.use() == "drug_total") drug.total = read_quantity(work_, one.value);
            else if (one.use() == "drug_route") drug.route = read_code(work_, one.value);
        }
        if (!drug.what) return false;
        put_drug(drug);
        return true;
    }

    void put_procedure(json::Value code, const std::string& begin, const std::string& end, const std::string& doctor) {
        const json::Value who =
            doctor.empty()
                ? json::Value()
                : work_.arena.array(
                      {work_.arena.object({{"actor", work_.arena.object({{"display", work_.arena.string(doctor)}})}})});
        const json::Value period = begin.empty() && end.empty()
                                       ? json::Value()
                                       : work_.arena.object({{"start", work_.text(begin)}, {"end", work_.text(end)}});
        add(work_.put_entry("Procedure", {{"status", work_.arena.string("completed")},
                                          {"code", code},
                                          {"subject", work_.reference(work_.patient)},
                                          {"encounter", work_.reference(work_.encounter)},
                                          {"performedPeriod", period},
                                          {"performer", who}}));
    }

    void procedure(pugi::xml_node node) {
        const pugi::xml_node code = child(node, "code"), time = child(node, "effectiveTime");
        std::string own = attribute(code, "code"), words = attribute(code, "displayName");
        if (own.starts_with("DE")) own.clear();
        std::vector<Statement> all, others;
        gather(work_, node, all);
        for (const Statement& one : all) {
            if (one.use() == "procedure_name") words = words_of(one);
            else if (one.use() == "procedure_code" && !attribute(one.value, "code").empty()) own = attribute(one.value, "code");
            else others.push_back(one);
        }
        if (own.empty() && words.empty()) words = text(child(node, "text"));
        if (own.empty() && words.empty())
            return work_.note(node, "names no procedure and was left out of the entries", "no-procedure");
        std::string begin = work_.time(child(time, "low"));
        if (begin.empty()) begin = work_.time(time);
        put_procedure(work_.coded("urn:xinglin:codesystem:icd-9-cm-3", own, "", words), begin, work_.time(child(time, "high")),
                      text(child(node, "performer/assignedEntity/assignedPerson/name")));
        for (const Statement& one : others) statement(one);
    }

    bool named_procedure(const std::vector<Statement>& all) {
        std::string own, words, at;
        for (const Statement& one : all) {
            if (one.use() == "procedure_name") words = words_of(one);
            else if (one.use() == "procedure_code")
                own = attribute(one.value, "code"), words = words.empty() ? words_of(one) : words;
            else if (one.use() == "procedure_date") at = work_.time(one.value);
        }
        if (own.empty() && words.empty()) return false;
        put_procedure(work_.coded("urn:xinglin:codesystem:icd-9-cm-3", own, "", words), at, "", "");
        for (const Statement& one : all)
            if (!one.starts("procedure_")) statement(one);
        return true;
    }

    Work& work_;
    pugi::xml_node section_;
    std::vector<std::string>& made_;
    const Section* known_ = nullptr;
    std::string diagnosis_name_, diagnosis_time_, pressure_time_;
    json::Value systolic_, diastolic_;
    LabResult result_;
};

}  // namespace

void read_section(Work& work, pugi::xml_node section, std::vector<std::string>& made) {
    SectionReader(work, section, made).read();
}

}  // namespace xinglin::cda
