// SPDX-License-Identifier: Apache-2.0
// Allergies, diagnoses, problems, goals, procedures: AL1, IAM, DG1, PRB, GOL, PR1.
#include <fmt/format.h>

#include "hl7v2/walk.h"

namespace xinglin::hl7v2 {

namespace {

constexpr std::string_view clinical_system = "http://terminology.hl7.org/CodeSystem/condition-clinical";
constexpr std::string_view verification_system = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
constexpr std::string_view allergy_clinical = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
constexpr std::string_view allergy_verification = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";

/// The code of a coded field for a key: its code, or its words.
std::string key_word(Field field) {
    const Part p = field.first();
    for (const int component : {1, 2, 4, 9}) {
        if (const std::string_view text = p[component].text(); !text.empty()) return std::string(text);
    }
    return {};
}

/// A code with words of another field beside it.
json::Value with_words(Conversion& c, json::Value said, Field words) {
    const std::string_view text = words.text();
    if (text.empty()) return said;
    if (!said) return c.arena.object({{"text", c.string(text)}});
    return c.arena.with(said, "text", c.string(text));
}

void kind_of_allergy(Conversion& c, Field field, Thing& out) {
    const Part said = field.first();
    if (!said) return;
    const std::string_view code = said[1].text();
    if (const Tables::Target* const target = c.tables.target("0127", code)) {
        if (target->system == "category") out.add("category", c.string(target->code));
        else if (!target->code.empty()) out.set("type", c.string(target->code));
    }
    out.extend("urn:xinglin:hl7v2:AL1-2", "valueCodeableConcept", concept_by(c, said, "0127"));
}

void reaction(Walk& w, Seg seg, Thing& out) {
    Conversion& c = w.c;
    Object one(c);
    c.at_field = 5;
    for (const Part each : seg[5].all()) {
        // The place of a manifestation is a code; most send words.
        const json::Value said = each[2] || each[3] ? as_concept(c, each) : c.arena.object({{"text", c.string(each.text())}});
        one.add("manifestation", said);
    }
    c.at_field = 4;
    const Part severity = seg[4].first();
    if (severity) {
        const std::string_view code = code_by(c, severity, "0128");
        if (one.has("manifestation") && !code.empty()) one.text("severity", code);
        if (!code.empty()) out.text("criticality", code == "severe" ? "high" : "low");
        else if (severity[1].text() == "U") out.text("criticality", "unable-to-assess");
        one.extend("urn:xinglin:hl7v2:AL1-4", "valueCodeableConcept", concept_by(c, severity, "0128"));
    }
    if (one.has("manifestation")) out.add("reaction", one.value());
    else if (one.has("extension")) out.add("extension", one.get("extension"));
}

Thing& allergy(Walk& w, Seg seg, const std::string& key) {
    Conversion& c = w.c;
    Thing& out = c.thing("AllergyIntolerance", fmt::format("{}|{}", w.patient_key, key));
    c.anchor(seg, out);
    pass_over(seg, {1});
    c.at_segment = seg.segment();
    out.set("patient", w.subject());
    if (w.encounter) out.set("encounter", w.encounter->reference());
    c.at_field = 2;
    kind_of_allergy(c, seg[2], out);
    c.at_field = 3;
    if (seg.has(3)) out.set("code", as_concept(c, seg[3].first()));
    if (!out.has("code")) out.set("code", c.arena.object({{"text", c.arena.string("not said")}}));
    reaction(w, seg, out);
    w.last = &out;
    return out;
}

}  // namespace

void on_allergy(Walk& w, Seg al1) {
    Conversion& c = w.c;
    if (!w.patient) return;
    Thing& out = allergy(w, al1, key_word(al1[3]));
    out.set("clinicalStatus", c.concept_of(allergy_clinical, "active"));
    c.at_field = 6;
    out.set("onsetDateTime", as_date_time(c, al1[6].first()));
}

void on_adverse(Walk& w, Seg iam) {
    Conversion& c = w.c;
    if (!w.patient) return;
    std::string key = key_of(iam[7].first()[1], iam[7].first()[2]);
    if (key.empty()) key = key_word(iam[3]);
    Thing& out = allergy(w, iam, key);
    const std::string_view action = iam[6][1].text();
    if (action == "D" || action == "X") {
        out.put("verificationStatus", c.concept_of(allergy_verification, "entered-in-error"));
    } else {
        c.at_field = 17;
        const std::string_view status = iam.has(17) ? code_by(c, iam[17].first(), "0438") : std::string_view{};
        if (status == "entered-in-error" || status == "refuted")
            out.set("verificationStatus", c.concept_of(allergy_verification, status));
        else if (!status.empty()) out.set("verificationStatus", c.concept_of(allergy_verification, status));
        if (status != "entered-in-error") out.set("clinicalStatus", c.concept_of(allergy_clinical, "active"));
    }
    c.at_field = 7;
    if (iam.has(7)) out.add("identifier", as_entity(c, iam[7].first()));
    constexpr Line lines[] = {{11, "onsetDateTime", as_date_time, false},
                              {13, "recordedDate", as_date_time, false},
                              {18, "asserter", as_practitioner, false}};
    c.carry(iam, out, lines);
    c.at_field = 9;
    if (iam.has(9)) {
        const std::string_view kind = code_by(c, iam[9].first(), "0436");
        if (!kind.empty()) out.text("type", kind);
    }
    c.at_field = 14;
    if (const json::Value who = iam.has(14) ? as_name_text(c, iam[14].first()) : json::Value{})
        out.set("recorder", c.arena.object({{"display", who}}));
}

// ---- Diagnoses --------------------------------------------------------------------------------------------------------------

void on_diagnosis(Walk& w, Seg dg1) {
    Conversion& c = w.c;
    if (!w.patient) return;
    c.at_segment = dg1.segment();
    const std::string_view kind = dg1[6][1].text();
    std::string key = key_of(dg1[20].first()[1], dg1[20].first()[2]);
    if (key.empty()) {
        std::string code = key_word(dg1[3]);
        if (code.empty()) code = dg1[4].text();
        key = fmt::format("{}|{}|{}|{}", w.patient_key, w.encounter_key, code, kind);
    } else key = fmt::format("{}|{}", w.patient_key, key);
    Thing& out = c.thing("Condition", key);
    c.anchor(dg1, out);
    w.last = &out;
    pass_over(dg1, {1});
    w.place(out);
    out.add("category", c.concept_of("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis",
                                     "Encounter Diagnosis"));
    c.at_field = 3;
    json::Value code = dg1.has(3) ? as_concept(c, dg1[3].first()) : json::Value{};
    // DG1-2 names the coding method; where DG1-3 does not say a system, this is it.
    const bool needs_method = code && code["coding"].size() > 0 && !code["coding"][std::size_t{0}]["system"];
    const std::string_view method = needs_method ? dg1[2].text() : std::string_view{};
    if (!method.empty()) {
        const json::Value first =
            c.arena.with_after(code["coding"][std::size_t{0}], "", "system", c.string(system_of(c, method)));
        code = c.arena.with(code, "coding", c.arena.array({first}));
    }
    out.set("code", with_words(c, code, dg1[4]));
    c.at_field = 5;
    out.set("onsetDateTime", as_date_time(c, dg1[5].first()));
    c.at_field = 19;
    out.set("recordedDate", as_date_time(c, dg1[19].first()));
    c.at_field = 16;
    for (const Part each : dg1[16].all()) out.set("asserter", as_practitioner(c, each));
    c.at_field = 20;
    if (dg1.has(20)) out.add("identifier", as_entity(c, dg1[20].first()));
    const std::string_view action = dg1[21][1].text();
    const Tables::Target* const status = c.tables.target("0052", kind);
    if (action == "D") out.set("verificationStatus", c.concept_of(verification_system, "entered-in-error"));
    else {
        out.set("clinicalStatus", c.concept_of(clinical_system, "active"));
        if (status && !status->system.empty()) out.set("verificationStatus", c.concept_of(verification_system, status->system));
    }
    if (!w.encounter || action == "D") return;
    Object diagnosis(c);
    diagnosis.set("condition", out.reference());
    if (status)
        diagnosis.set("use", c.concept_of("http://terminology.hl7.org/CodeSystem/diagnosis-role", status->code, status->display));
    else if (!kind.empty()) diagnosis.set("use", concept_by(c, dg1[6].first(), "0052"));
    c.at_field = 15;
    if (dg1.has(15)) diagnosis.set("rank", as_positive(c, dg1[15].first()));
    w.encounter->add("diagnosis", diagnosis.value());
}

void on_procedure(Walk& w, Seg pr1) {
    Conversion& c = w.c;
    if (!w.patient) return;
    c.at_segment = pr1.segment();
    std::string key = key_of(pr1[19].first()[1], pr1[19].first()[2]);
    if (key.empty()) key = fmt::format("{}|{}|{}", w.encounter_key, key_word(pr1[3]), pr1[5].text());
    Thing& out = c.thing("Procedure", w.once(fmt::format("{}|{}", w.patient_key, key)));
    c.anchor(pr1, out);
    pass_over(pr1, {1});
    w.last = &out;
    w.place(out);
    out.text("status", pr1[20][1].text() == "D" ? "entered-in-error" : "completed");
    c.at_field = 3;
    json::Value code = pr1.has(3) ? as_concept(c, pr1[3].first()) : json::Value{};
    if (const std::string_view method = pr1[2].text();
        code && !method.empty() && code["coding"].size() > 0 && !code["coding"][std::size_t{0}]["system"])
        code = c.arena.with(
            code, "coding",
            c.arena.array({c.arena.with_after(code["coding"][std::size_t{0}], "", "system", c.string(system_of(c, method)))}));
    out.set("code", with_words(c, code, pr1[4]));
    constexpr Line lines[] = {{5, "performedDateTime", as_date_time, false},
                              {6, "category", [](Conversion& each, Part p) { return concept_by(each, p, "0230"); }, false},
                              {15, "reasonCode", as_concept},
                              {19, "identifier", as_entity},
                              {23, "location", as_location, false}};
    c.carry(pr1, out, lines);
    struct Who {
        std::uint32_t field;
        std::string_view code, display;
    };
    constexpr Who all[] = {
        {11, "PPRF", "primary performer"}, {8, "SPRF", "secondary performer"}, {12, "SPRF", "secondary performer"}};
    for (const Who& each : all) {
        c.at_field = each.field;
        for (const Part p : pr1[each.field].all()) {
            if (const json::Value who = as_practitioner(c, p))
                out.add("performer",
                        c.arena.object({{"function", c.concept_of("http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                                                                  each.code, each.display)},
                                        {"actor", who}}));
        }
    }
    c.at_field = 25;
    if (const json::Value parent = pr1.has(25) ? as_entity(c, pr1[25].first()) : json::Value{})
        out.add("partOf", c.arena.object({{"identifier", parent}}));
}

// ---- Problems and goals -----------------------------------------------------------------------------------------------------

void on_problem(Walk& w, Seg prb) {
    Conversion& c = w.c;
    if (!w.patient) return;
    c.at_segment = prb.segment();
    std::string key = key_of(prb[4].first()[1], prb[4].first()[2]);
    if (key.empty()) key = key_word(prb[3]);
    Thing& out = c.thing("Condition", fmt::format("{}|problem|{}", w.patient_key, key));
    c.anchor(prb, out);
    w.last = &out;
    w.place(out);
    out.add("category",
            c.concept_of("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item", "Problem List Item"));
    constexpr Line lines[] = {{3, "code", as_concept, false},
                              {4, "identifier", as_entity},
                              {7, "recordedDate", as_date_time, false},
                              {16, "onsetDateTime", as_date_time, false},
                              {2, "valueDateTime", as_date_time, false, "urn:xinglin:hl7v2:PRB-2"}};
    c.carry(prb, out, lines);
    if (prb[1].text() == "DE") {
        out.set("verificationStatus", c.concept_of(verification_system, "entered-in-error"));
        return;
    }
    c.at_field = 9;
    const json::Value ended = prb.has(9) ? as_date_time(c, prb[9].first()) : json::Value{};
    const std::string_view life = prb[13][1].text().empty() ? prb[13][2].text() : prb[13][1].text();
    const Tables::Target* const said = c.tables.target("problem-life", life);
    const std::string_view status = said ? std::string_view(said->code) : ended ? "resolved" : "active";
    out.set("clinicalStatus", c.concept_of(clinical_system, status, {}, life));
    // con-4: what ended is not active.
    if (status != "active" && status != "recurrence" && status != "relapse") out.set("abatementDateTime", ended);
    else if (ended) out.extend("urn:xinglin:hl7v2:PRB-9", "valueDateTime", ended);
    c.at_field = 14;
    if (prb.has(14)) {
        const std::string_view sure = prb[14][1].text();
        const Tables::Target* const target = c.tables.target("problem-sure", sure);
        out.set("verificationStatus", target ? c.concept_of(verification_system, target->code, {}, sure)
                                             : c.concept_of(verification_system, "unconfirmed", {}, sure));
    }
}

void on_goal(Walk& w, Seg gol) {
    Conversion& c = w.c;
    if (!w.patient) return;
    c.at_segment = gol.segment();
    std::string key = key_of(gol[4].first()[1], gol[4].first()[2]);
    if (key.empty()) key = key_word(gol[3]);
    Thing& out = c.thing("Goal", fmt::format("{}|{}", w.patient_key, key));
    c.anchor(gol, out);
    w.last = &out;
    out.set("subject", w.subject());
    constexpr Line lines[] = {{3, "description", as_concept, false},
                              {4, "identifier", as_entity},
                              {7, "startDate", as_date, false},
                              {2, "statusDate", as_date, false}};
    c.carry(gol, out, lines);
    if (!out.has("description")) out.set("description", c.arena.object({{"text", c.arena.string("not said")}}));
    const std::string_view life = gol[18][1].text();
    const Tables::Target* const said = c.tables.target("goal-life", life);
    out.text("lifecycleStatus", gol[1].text() == "DE" ? "entered-in-error" : said ? std::string_view(said->code) : "active");
}

}  // namespace xinglin::hl7v2
