// SPDX-License-Identifier: Apache-2.0
// Who it is about: PID, PD1, NK1, MRG.
#include <fmt/format.h>

#include "hl7v2/walk.h"
#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {

json::Value race(Conversion& c, Part p) {
    const json::Value said = concept_by(c, p, "0005");
    if (!said) return {};
    const json::Value first = said["coding"][std::size_t{0}];
    std::vector<json::Value> inner;
    if (first) inner.push_back(c.arena.object({{"url", c.arena.string("detailed")}, {"valueCoding", first}}));
    const std::string_view words = said["text"] ? said["text"].string() : first["code"].string();
    inner.push_back(c.arena.object({{"url", c.arena.string("text")}, {"valueString", c.string(words)}}));
    return c.arena.array(inner);
}

json::Value ethnicity(Conversion& c, Part p) { return concept_by(c, p, "0189"); }
json::Value religion(Conversion& c, Part p) { return concept_by(c, p, "0006"); }
json::Value marital(Conversion& c, Part p) { return concept_by(c, p, "0002"); }
json::Value birth_place(Conversion& c, Part p) {
    const json::Value text = as_string(c, p);
    return text ? c.arena.object({{"text", text}}) : json::Value{};
}

/// One of several nationalities: the core extension wraps its code.
json::Value wrapped_code(Conversion& c, Part p) {
    const json::Value said = as_concept(c, p);
    return said ? c.arena.object({{"url", c.arena.string("code")}, {"valueCodeableConcept", said}}) : json::Value{};
}

constexpr std::string_view core = "http://hl7.org/fhir/StructureDefinition/";
constexpr Line patient_lines[] = {
    {3, "identifier", as_identifier},
    {2, "identifier", as_identifier},
    {4, "identifier", as_identifier},
    {5, "name", as_name},
    {9, "name", as_name},
    {6, "valueString", as_name_text, true, "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"},
    {11, "address", as_address},
    {16, "maritalStatus", marital, false},
    {17, "valueCodeableConcept", religion, false, "http://hl7.org/fhir/StructureDefinition/patient-religion"},
    {23, "valueAddress", birth_place, false, "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"},
    {27, "valueCodeableConcept", as_concept, true, "urn:xinglin:hl7v2:PID-27"},
    {31, "valueBoolean", as_boolean, false, "urn:xinglin:hl7v2:PID-31"},
    {32, "valueCodeableConcept", as_concept, true, "urn:xinglin:hl7v2:PID-32"},
    {33, "valueDateTime", as_date_time, false, "urn:xinglin:hl7v2:PID-33"},
};

void nationality(Conversion& c, Seg pid, Thing& patient) {
    for (const auto& [field, name] : {std::pair<std::uint32_t, const char*>{26, "patient-citizenship"},
                                      {39, "patient-citizenship"},
                                      {28, "patient-nationality"}}) {
        for (const Part each : pid[field].all()) {
            if (const json::Value inner = wrapped_code(c, each))
                patient.add("extension", c.arena.object({{"url", c.arena.string(fmt::format("{}{}", core, name))},
                                                         {"extension", c.arena.array({inner})}}));
        }
    }
}

/// Sex: FHIR's administrative gender, with the national code beside it when that is what was sent.
void sex(Conversion& c, Field field, Object& to) {
    const std::string_view said = field[1].text();
    if (said.empty()) return;
    const Tables::Target* const national = c.tables.target("SEXCN", said);
    const std::string_view code = national ? std::string_view(national->display) : code_by(c, said, "0001", c.here());
    if (!code.empty()) to.text("gender", code);
    if (!national || !c.is_chinese) return;
    const json::Value original = c.arena.object({{"coding", c.arena.array({c.coding(national->system, national->code)})}});
    to.set("_gender",
           c.arena.object(
               {{"extension", c.arena.array({c.arena.object({{"url", c.arena.string(fmt::format("{}alternate-codes", core))},
                                                             {"valueCodeableConcept", original}})})}}));
}

void birth(Conversion& c, Seg pid, Thing& patient) {
    c.at_field = 7;
    const Part said = pid[7].first();
    const auto moment = moment_of(c, said[1].text(), c.here());
    if (!moment) return;
    patient.set("birthDate", c.string(calendar::text(*moment).substr(0, 10)));
    if (moment->precision > calendar::Precision::day) {
        const json::Value time = c.arena.object({{"url", c.arena.string(fmt::format("{}patient-birthTime", core))},
                                                 {"valueDateTime", c.arena.string(calendar::text(*moment))}});
        patient.set("_birthDate", c.arena.object({{"extension", c.arena.array({time})}}));
    }
}

void death(Conversion& c, Seg pid, Thing& patient) {
    c.at_field = 29;
    if (const json::Value when = as_date_time(c, pid[29].first())) {
        patient.set("deceasedDateTime", when);
        (void)pid[30].text();
    } else if (pid.has(30)) {
        c.at_field = 30;
        patient.set("deceasedBoolean", as_boolean(c, pid[30].first()));
    }
}

void multiple_birth(Conversion& c, Seg pid, Thing& patient) {
    c.at_field = 25;
    const json::Value order = pid.has(25) ? as_positive(c, pid[25].first()) : json::Value{};
    c.at_field = 24;
    const json::Value said = pid.has(24) ? as_boolean(c, pid[24].first()) : json::Value{};
    if (order && (!said || said.as_bool() || order.text() != "1")) patient.set("multipleBirthInteger", order);
    else patient.set("multipleBirthBoolean", said);
}

void numbers(Conversion& c, Seg pid, Thing& patient) {
    c.at_field = 19;
    if (const std::string_view value = pid[19][1].text(); !value.empty()) {
        // In China this field holds the resident ID.
        const bool resident = is_resident_id(value) || (c.is_chinese && value.size() == 18);
        if (resident) patient.add("identifier", identifier(c, message::resident_id_system, value, "NNCHN"));
        else
            patient.add(
                "identifier",
                identifier(c, c.is_chinese ? c.own_system("SS") : std::string("http://hl7.org/fhir/sid/us-ssn"), value, "SS"));
    }
    c.at_field = 20;
    if (const Part licence = pid[20].first()) {
        Object out(c);
        out.set("type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", "DL"));
        const std::string_view state = licence[2].text(), number = licence[1].text();
        // "DL^T05349638" names the kind first.
        const bool swapped = number == "DL" && !state.empty();
        out.text("system", c.own_system("DL"));
        out.text("value", swapped ? state : number);
        if (!swapped && !state.empty()) out.set("assigner", c.arena.object({{"display", c.string(state)}}));
        if (const json::Value end = as_date(c, licence[3])) out.set("period", c.arena.object({{"end", end}}));
        if (out.has("value")) patient.add("identifier", out.value());
    }
    for (const Part each : pid[18].all()) {
        c.at_field = 18;
        Object out(c);
        const json::Value made = as_identifier(c, each);
        if (!made) continue;
        for (const json::Member& member : made.members()) out.set(member.key(), member.value());
        if (!out.has("type")) out.set("type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0203", "AN"));
        patient.add("identifier", out.value());
    }
}

void species(Conversion& c, Seg pid, Thing& patient) {
    std::vector<json::Value> inner;
    for (const auto& [field, name] : {std::pair<std::uint32_t, const char*>{35, "species"}, {36, "breed"}}) {
        if (!pid.has(field)) continue;
        if (const json::Value what = as_concept(c, pid[field].first()))
            inner.push_back(c.arena.object({{"url", c.arena.string(name)}, {"valueCodeableConcept", what}}));
    }
    if (!inner.empty())
        patient.add("extension", c.arena.object({{"url", c.arena.string(fmt::format("{}patient-animal", core))},
                                                 {"extension", c.arena.array(inner)}}));
}

void language(Conversion& c, Seg pid, Thing& patient) {
    c.at_field = 15;
    if (const json::Value said = pid.has(15) ? concept_by(c, pid[15].first(), "0296") : json::Value{})
        patient.add("communication", c.arena.object({{"language", said}, {"preferred", c.arena.boolean(true)}}));
}

/// PID-10 and PID-22: race and ethnicity; in Chinese messages the ethnic group of GB/T 3304.
void descent(Conversion& c, Seg pid, Thing& patient) {
    for (const std::uint32_t field : {10u, 22u}) {
        c.at_field = field;
        for (const Part each : pid[field].all()) {
            const Tables::Target* const national = c.is_chinese ? c.tables.target("ETHNICCN", each[1].text()) : nullptr;
            if (national) {
                patient.extend("urn:xinglin:extension:ethnic-group", "valueCodeableConcept",
                               c.concept_of(national->system, national->code, national->display));
            } else if (field == 22) {
                patient.extend("urn:xinglin:hl7v2:PID-22", "valueCodeableConcept", ethnicity(c, each));
            } else if (const json::Value inner = race(c, each)) {
                patient.add(
                    "extension",
                    c.arena.object({{"url", c.arena.string("http://hl7.org/fhir/us/core/StructureDefinition/us-core-race")},
                                    {"extension", inner}}));
            }
            if (national && each[2]) (void)each[2].text();
            if (national && each[3]) (void)each[3].text();
        }
    }
}

void mother(Walk& w, Seg pid) {
    Conversion& c = w.c;
    if (!pid.has(21)) return;
    const std::string key = key_of(pid[21].first()[1], pid[21].first()[4]);
    if (key.empty()) return;
    Thing& out = c.thing("RelatedPerson", fmt::format("{}|mother|{}", w.patient_key, key));
    out.is_lesser = !w.is_admission();
    c.at_field = 21;
    for (const Part each : pid[21].all()) out.add("identifier", as_identifier(c, each));
    out.set("patient", w.subject());
    out.add("relationship", c.concept_of("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "MTH", "mother"));
}

}  // namespace

std::string best_key(Field identifiers) {
    std::string best;
    int best_rank = 99;
    constexpr std::string_view order[] = {"MR", "PI", "PT", "PN", "VN", ""};
    for (const Part each : identifiers.all()) {
        const std::string key = key_of(each[1], each[4]);
        if (key.empty()) continue;
        const std::string_view type = each[5].text();
        int rank = 50;
        for (int i = 0; i < 6; ++i) {
            if (order[i] == type) rank = i;
        }
        if (rank < best_rank) {
            best_rank = rank;
            best = key;
        }
    }
    return best;
}

void on_patient(Walk& w, Seg pid) {
    Conversion& c = w.c;
    w.end_order();
    w.encounter = nullptr;
    w.encounter_key.clear();
    w.account = nullptr;
    w.specimen = nullptr;
    w.patient_key.clear();
    for (const std::uint32_t field : {3u, 2u, 4u, 18u, 19u}) {
        if (w.patient_key.empty()) w.patient_key = best_key(pid[field]);
    }
    if (w.patient_key.empty()) w.patient_key = "control^" + c.facts.control_id;  // refused before it comes to this
    Thing& patient = c.thing("Patient", w.patient_key);
    patient.is_lesser = !w.is_admission();
    w.patient = w.last = &patient;
    c.anchor(pid, patient);
    pass_over(pid, {1});
    c.carry(pid, patient, patient_lines);
    numbers(c, pid, patient);
    c.at_field = 8;
    sex(c, pid[8], patient);
    birth(c, pid, patient);
    death(c, pid, patient);
    multiple_birth(c, pid, patient);
    species(c, pid, patient);
    descent(c, pid, patient);
    language(c, pid, patient);
    nationality(c, pid, patient);
    for (const auto& [field, use] : {std::pair<std::uint32_t, const char*>{13, "home"}, {14, "work"}, {40, ""}}) {
        c.at_field = field;
        add_telecoms(c, patient, pid[field], use);
    }
    c.at_field = 12;
    if (const json::Value county = pid.has(12) ? as_string(c, pid[12].first()) : json::Value{})
        patient.extend("urn:xinglin:hl7v2:PID-12", "valueString", county);
    patient.set("managingOrganization", w.home());
    mother(w, pid);
}

// ---- PD1 --------------------------------------------------------------------------------------------------------------------

void on_more_patient(Walk& w, Seg pd1) {
    Conversion& c = w.c;
    if (!w.patient) return;
    c.anchor(pd1, *w.patient);
    constexpr Line lines[] = {
        {3, "generalPractitioner", as_organization},
        {4, "generalPractitioner", as_practitioner},
        {6, "valueCodeableConcept", as_concept, false, "http://hl7.org/fhir/StructureDefinition/patient-disability"},
        {11, "valueCodeableConcept", as_concept, false, "urn:xinglin:hl7v2:PD1-11"},
        {14, "valueString", as_string, true, "http://hl7.org/fhir/StructureDefinition/patient-congregation"},
        {16, "valueCodeableConcept", as_concept, false, "urn:xinglin:hl7v2:PD1-16"},
    };
    c.carry(pd1, *w.patient, lines);
}

// ---- NK1 --------------------------------------------------------------------------------------------------------------------

namespace {

json::Value relation(Conversion& c, Part p) { return concept_by(c, p, "0063"); }
json::Value role(Conversion& c, Part p) { return concept_by(c, p, "0131"); }

void kin_contact(Walk& w, Seg nk1, const Thing& person) {
    Conversion& c = w.c;
    Object contact(c);
    for (const std::uint32_t field : {3u, 7u}) {
        c.at_field = field;
        if (nk1.has(field)) contact.add("relationship", field == 3 ? relation(c, nk1[3].first()) : role(c, nk1[7].first()));
    }
    contact.set("name", person.get("name"));
    if (const json::Value phones = person.value()["telecom"]) contact.set("telecom", phones);
    contact.set("address", person.get("address"));
    contact.set("gender", person.get("gender"));
    c.at_field = 13;
    if (nk1.has(13)) contact.set("organization", as_organization(c, nk1[13].first()));
    contact.set("period", person.get("period"));
    // pat-1: a contact has details or an organization.
    if (contact.has("name") || contact.has("telecom") || contact.has("address") || contact.has("organization"))
        w.patient->add("contact", contact.value());
}

}  // namespace

void on_next_of_kin(Walk& w, Seg nk1) {
    Conversion& c = w.c;
    if (!w.patient) return;
    const std::string_view set_id = nk1[1].text();
    c.at_field = 2;
    const json::Value name = nk1.has(2) ? as_name(c, nk1[2].first()) : json::Value{};
    std::string key = best_key(nk1[33]);
    if (key.empty()) key = name ? std::string(name["text"].string()) : std::string(set_id);
    Thing& person = c.thing("RelatedPerson", fmt::format("{}|{}", w.patient_key, key));
    person.is_lesser = !w.is_admission();
    c.anchor(nk1, person);
    pass_over(nk1, {1});
    person.set("patient", w.subject());
    constexpr Line lines[] = {
        {33, "identifier", as_identifier},
        {12, "identifier", as_identifier},
        {2, "name", as_name},
        {30, "name", as_name},
        {26, "valueString", as_name_text, true, "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"},
        {3, "relationship", relation},
        {7, "relationship", role},
        {4, "address", as_address},
        {32, "address", as_address},
        {16, "birthDate", as_date, false},
        {14, "valueCodeableConcept", marital, false, "urn:xinglin:hl7v2:NK1-14"},
    };
    c.carry(nk1, person, lines);
    for (const auto& [field, use] :
         {std::pair<std::uint32_t, const char*>{5, "home"}, {6, "work"}, {31, ""}, {40, ""}, {41, ""}}) {
        c.at_field = field;
        add_telecoms(c, person, nk1[field], use);
    }
    c.at_field = 15;
    sex(c, nk1[15], person);
    c.at_field = 37;
    if (const std::string_view ssn = nk1[37].text(); !ssn.empty())
        person.add("identifier",
                   identifier(c, is_resident_id(ssn) ? std::string(message::resident_id_system) : c.own_system("SS"), ssn,
                              is_resident_id(ssn) ? "NNCHN" : "SS"));
    c.at_field = 20;
    if (const json::Value speaks = nk1.has(20) ? concept_by(c, nk1[20].first(), "0296") : json::Value{})
        person.add("communication", c.arena.object({{"language", speaks}}));
    c.at_field = 9;
    const json::Value start = as_date_time(c, nk1[8].first());
    person.set("period", period(c, start, as_date_time(c, nk1[9].first())));
    kin_contact(w, nk1, person);
    w.last = &person;
}

// ---- MRG --------------------------------------------------------------------------------------------------------------------

namespace {

bool merges_people(std::string_view event) {
    for (const std::string_view each : {"A18", "A30", "A34", "A36", "A39", "A40", "A46", "A47", "A24"}) {
        if (event == each) return true;
    }
    return false;
}

void retire_patient(Walk& w, Seg mrg, const std::string& old_key) {
    Conversion& c = w.c;
    Thing& old = c.thing("Patient", old_key);
    c.anchor(mrg, old);
    old.put("active", c.arena.boolean(false));
    c.at_field = 1;
    for (const std::uint32_t field : {1u, 2u, 4u}) {
        for (const Part each : mrg[field].all()) old.add("identifier", as_identifier(c, each));
    }
    for (const Part each : mrg[7].all()) old.add("name", as_name(c, each));
    old.add("link", c.arena.object({{"other", w.subject()}, {"type", c.arena.string("replaced-by")}}));
    w.patient->add("link", c.arena.object({{"other", old.reference()}, {"type", c.arena.string("replaces")}}));
    w.patient->put("active", c.arena.boolean(true));
}

}  // namespace

void on_merge(Walk& w, Seg mrg) {
    Conversion& c = w.c;
    if (!w.patient) return;
    c.anchor(mrg, *w.patient);
    const std::string old_key = best_key(mrg[1]);
    if (!old_key.empty() && old_key != w.patient_key && merges_people(w.event)) retire_patient(w, mrg, old_key);
    else if (!old_key.empty() && old_key != w.patient_key) {
        // What was filed under the old number moves; the numbers stay two people until a merge says so.
        c.note(mrg.place(1), "names the patient this moves from; what moves is stored under the new one", "moved");
    }
    c.at_field = 3;
    if (const std::string key = best_key(mrg[3]); !key.empty()) {
        Thing& account = c.thing("Account", key);
        account.put("status", c.arena.string("inactive"));
        for (const Part each : mrg[3].all()) account.add("identifier", as_identifier(c, each));
        account.add("subject", w.subject());
    }
    c.at_field = 5;
    if (const std::string key = best_key(mrg[5]); !key.empty()) {
        // The visit of PV1, when it follows, is the new one; the old number is wrong from now on, unless it stays.
        Thing& visit = c.thing("Encounter", key);
        for (const Part each : mrg[5].all()) visit.add("identifier", as_identifier(c, each));
        visit.put("status", c.arena.string("entered-in-error"));
        visit.set("class", c.coding("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "UNK", "unknown"));
        visit.put("subject", w.subject());
    }
}

}  // namespace xinglin::hl7v2
