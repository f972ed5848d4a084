// SPDX-License-Identifier: Apache-2.0
// Money: GT1, IN1, FT1, and the account they belong to.
#include <fmt/format.h>

#include "hl7v2/walk.h"

namespace xinglin::hl7v2 {

namespace {

json::Value relation(Conversion& c, Part p) { return concept_by(c, p, "0063"); }

/// The patient's account, PID-18; made when something is charged or guaranteed.
Thing* account_of(Walk& w) {
    if (w.account) return w.account;
    if (!w.patient) return nullptr;
    Conversion& c = w.c;
    const Segment* pid = nullptr;
    for (std::size_t i = 0; i <= w.at && i < c.message.segments.size(); ++i) {
        if (c.message.segments[i].name == "PID") pid = &c.message.segments[i];
    }
    const Seg seg(&c, pid);
    const std::string number = pid ? best_key(seg[18]) : std::string{};
    Thing& out = c.thing("Account", number.empty() ? fmt::format("{}|account", w.patient_key) : number);
    out.is_lesser = true;
    out.text("status", "active");
    out.add("subject", w.subject());
    if (pid) {
        const Segment* const before = c.at_segment;
        c.at_segment = pid;
        c.at_field = 18;
        for (const Part each : seg[18].all()) out.add("identifier", as_identifier(c, each));
        c.at_segment = before;
    }
    w.account = &out;
    return &out;
}

void sex(Conversion& c, Field field, std::string_view place, Thing& out) {
    const std::string_view said = field[1].text();
    if (said.empty()) return;
    const Tables::Target* const national = c.is_chinese ? c.tables.target("SEXCN", said) : nullptr;
    const std::string_view code = national ? std::string_view(national->display) : code_by(c, said, "0001", place);
    if (!code.empty()) out.text("gender", code);
}

}  // namespace

void on_guarantor(Walk& w, Seg gt1) {
    Conversion& c = w.c;
    if (!w.patient) return;
    c.at_segment = gt1.segment();
    c.at_field = 3;
    std::string key = best_key(gt1[2]);
    const json::Value name = gt1.has(3) ? as_name(c, gt1[3].first()) : json::Value{};
    if (key.empty()) key = name ? std::string(name["text"].string()) : std::string(gt1[1].text());
    Thing& person = c.thing("RelatedPerson", fmt::format("{}|guarantor|{}", w.patient_key, key));
    person.is_lesser = !w.is_admission();
    c.anchor(gt1, person);
    pass_over(gt1, {1});
    person.set("patient", w.subject());
    constexpr Line lines[] = {{2, "identifier", as_identifier},
                              {3, "name", as_name},
                              {4, "name", as_name},
                              {5, "address", as_address},
                              {8, "birthDate", as_date, false},
                              {11, "relationship", relation},
                              {19, "identifier", as_identifier},
                              {30, "valueCodeableConcept", [](Conversion& each, Part p) { return concept_by(each, p, "0002"); },
                               false, "urn:xinglin:hl7v2:GT1-30"}};
    c.carry(gt1, person, lines);
    for (const auto& [field, use] : {std::pair<std::uint32_t, const char*>{6, "home"}, {7, "work"}}) {
        c.at_field = field;
        add_telecoms(c, person, gt1[field], use);
    }
    sex(c, gt1[9], gt1.place(9), person);
    c.at_field = 12;
    if (const std::string_view number = gt1[12].text(); !number.empty())
        person.add("identifier",
                   identifier(c, is_resident_id(number) ? std::string(message::resident_id_system) : c.own_system("SS"), number,
                              is_resident_id(number) ? "NNCHN" : "SS"));
    c.at_field = 14;
    const json::Value start = gt1.has(13) ? as_date_time(c, gt1[13].first()) : json::Value{};
    person.set("period", period(c, start, gt1.has(14) ? as_date_time(c, gt1[14].first()) : json::Value{}));
    c.at_field = 36;
    if (gt1.has(36)) person.add("communication", c.arena.object({{"language", concept_by(c, gt1[36].first(), "0296")}}));
    if (Thing* const account = account_of(w))
        account->add("guarantor", c.arena.object({{"party", person.reference()}, {"period", person.get("period")}}));
    w.last = &person;
}

// ---- IN1 --------------------------------------------------------------------------------------------------------------------

namespace {

json::Value payor(Walk& w, Seg in1) {
    Conversion& c = w.c;
    std::string key = best_key(in1[3]);
    const std::string_view name = in1[4][1].text();
    if (key.empty() && name.empty()) {
        if (const std::string_view plan = in1[2][2].text().empty() ? in1[2][1].text() : in1[2][2].text(); !plan.empty())
            key = plan;
        else return w.subject();  // who pays is not said: the patient
    }
    Thing& out = c.thing("Organization", key.empty() ? fmt::format("name^{}", name) : fmt::format("payor^{}", key));
    out.is_lesser = true;
    c.at_field = 3;
    for (const Part each : in1[3].all()) out.add("identifier", as_identifier(c, each));
    out.text("name", name);
    if (!out.has("name")) out.text("name", key);
    c.at_field = 5;
    for (const Part each : in1[5].all()) out.add("address", as_address(c, each));
    Object contact(c);
    c.at_field = 6;
    if (in1.has(6)) contact.set("name", as_name(c, in1[6].first()));
    c.at_field = 7;
    add_telecoms(c, contact, in1[7], "work");
    if (!contact.empty()) out.add("contact", contact.value());
    return out.reference(name);
}

void classes(Conversion& c, Seg in1, Thing& out) {
    struct Kind {
        std::uint32_t value, name;
        std::string_view code;
    };
    constexpr Kind kinds[] = {{2, 0, "plan"}, {8, 9, "group"}};
    for (const Kind& each : kinds) {
        c.at_field = each.value;
        std::string_view value = in1[each.value][1].text();
        std::string_view name = each.name != 0 ? in1[each.name][1].text() : in1[each.value][2].text();
        if (value.empty()) value = name;
        if (value.empty()) continue;
        if (name == value) name = {};
        out.add("class",
                c.arena.object({{"type", c.concept_of("http://terminology.hl7.org/CodeSystem/coverage-class", each.code)},
                                {"value", c.string(value)},
                                {"name", c.string(name)}}));
        if (each.name == 0) (void)in1[2][3].text();
    }
}

void subscriber(Walk& w, Seg in1, Thing& out, const std::string& key) {
    Conversion& c = w.c;
    const std::string_view how = in1[17][1].text();
    const bool is_self = how == "SEL" || how == "18" || how == "01" || how == "本人";
    if (!in1.has(16)) return;
    if (is_self) {
        out.set("subscriber", w.subject());
        return;
    }
    c.at_field = 16;
    Thing& person = c.thing("RelatedPerson", fmt::format("{}|insured|{}", w.patient_key, key));
    person.is_lesser = true;
    person.set("patient", w.subject());
    constexpr Line lines[] = {{16, "name", as_name},
                              {17, "relationship", relation},
                              {18, "birthDate", as_date, false},
                              {19, "address", as_address},
                              {49, "identifier", as_identifier}};
    c.carry(in1, person, lines);
    sex(c, in1[43], in1.place(43), person);
    out.set("subscriber", person.reference());
}

}  // namespace

void on_insurance(Walk& w, Seg in1) {
    Conversion& c = w.c;
    if (!w.patient) return;
    c.at_segment = in1.segment();
    std::string key = std::string(in1[36].text());
    if (key.empty()) key = best_key(in1[49]);
    key = fmt::format("{}|{}|{}|{}", w.patient_key, in1[2][1].text(), best_key(in1[3]), key);
    Thing& out = c.thing("Coverage", w.once(key));
    out.is_lesser = !w.is_admission();
    w.coverage = w.last = &out;
    c.anchor(in1, out);
    out.text("status", "active");
    out.set("beneficiary", w.subject());
    c.at_field = 1;
    if (in1.has(1)) out.set("order", as_positive(c, in1[1].first()));
    out.add("payor", payor(w, in1));
    classes(c, in1, out);
    c.at_field = 12;
    const json::Value start = in1.has(12) ? as_date(c, in1[12].first()) : json::Value{};
    c.at_field = 13;
    out.set("period", period(c, start, in1.has(13) ? as_date(c, in1[13].first()) : json::Value{}));
    constexpr Line lines[] = {{15, "type", [](Conversion& each, Part p) { return concept_by(each, p, "0086"); }, false},
                              {17, "relationship", relation, false},
                              {36, "subscriberId", as_string, false},
                              {49, "identifier", as_identifier}};
    c.carry(in1, out, lines);
    subscriber(w, in1, out, key);
    if (Thing* const account = account_of(w))
        account->add("coverage", c.arena.object({{"coverage", out.reference()}, {"priority", out.get("order")}}));
}

// ---- FT1 --------------------------------------------------------------------------------------------------------------------

void on_charge(Walk& w, Seg ft1) {
    Conversion& c = w.c;
    if (!w.patient) return;
    c.at_segment = ft1.segment();
    std::string key = key_of(ft1[2].first()[1], ft1[2].first()[2]);
    if (key.empty()) key = fmt::format("{}|{}|{}", ft1[4].text(), ft1[7][1].text(), ft1[25][1].text());
    Thing& out =
        c.thing("ChargeItem", w.once(fmt::format("{}|{}", w.encounter_key.empty() ? w.patient_key : w.encounter_key, key)));
    w.charge = w.last = &out;
    c.anchor(ft1, out);
    pass_over(ft1, {1});
    const std::string_view kind = ft1[6][1].text();
    out.text("status", kind == "CD" || kind == "CA" ? "aborted" : "billable");
    out.set("subject", w.subject());
    if (w.encounter) out.set("context", w.encounter->reference());
    if (Thing* const account = account_of(w)) out.add("account", account->reference());
    c.at_field = 7;
    json::Value code = ft1.has(7) ? as_concept(c, ft1[7].first()) : json::Value{};
    if (const std::string_view words = ft1[8].text(); !words.empty())
        code = code ? c.arena.with(code, "text", c.string(words)) : c.arena.object({{"text", c.string(words)}});
    out.set("code", code ? code : c.arena.object({{"text", c.arena.string("not said")}}));
    c.at_field = 4;
    if (const Part when = ft1[4].first()) {  // DR since 2.6
        const json::Value start = as_date_time(c, when[1]), end = as_date_time(c, when[2]);
        if (start && end && start.string() != end.string()) out.set("occurrencePeriod", period(c, start, end));
        else out.set("occurrenceDateTime", start ? start : end);
    }
    c.at_field = 10;
    if (const std::string number = number_text(ft1[10].text()); !number.empty())
        out.set("quantity", c.arena.object({{"value", c.arena.number(number)}}));
    constexpr Line lines[] = {{2, "identifier", as_entity},
                              {5, "enteredDate", as_date_time, false},
                              {11, "priceOverride", as_money, false},
                              {19, "reason", as_concept},
                              {22, "valueMoney", as_money, false, "urn:xinglin:hl7v2:FT1-22"},
                              {12, "valueMoney", as_money, false, "urn:xinglin:hl7v2:FT1-12"},
                              {25, "valueCodeableConcept", as_concept, false, "urn:xinglin:hl7v2:FT1-25"},
                              {26, "valueCodeableConcept", as_concept, true, "urn:xinglin:hl7v2:FT1-26"},
                              {29, "productCodeableConcept", as_concept, false},
                              {6, "valueCodeableConcept", [](Conversion& each, Part p) { return concept_by(each, p, "0017"); },
                               false, "urn:xinglin:hl7v2:FT1-6"}};
    c.carry(ft1, out, lines);
    for (const auto& [field, function] : {std::pair<std::uint32_t, const char*>{20, "PPRF"}, {21, "REF"}, {24, "ENT"}}) {
        c.at_field = field;
        for (const Part each : ft1[field].all()) {
            if (const json::Value who = as_practitioner(c, each))
                out.add("performer",
                        c.arena.object(
                            {{"function", c.concept_of("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", function)},
                             {"actor", who}}));
        }
    }
    c.at_field = 13;
    if (const Part department = ft1[13].first()) {
        const std::string_view id = department[1].text(), name = department[2].text();
        Thing& organization = c.thing("Organization", fmt::format("department^{}", id.empty() ? name : id));
        organization.is_lesser = true;
        if (!id.empty())
            organization.add(
                "identifier",
                identifier(c, department[3].text().empty() ? c.own_system("department") : system_of(c, department[3].text()),
                           id));
        organization.text("name", name.empty() ? id : name);
        out.set("performingOrganization", organization.reference(name.empty() ? id : name));
    }
    if (w.order) out.add("supportingInformation", w.order->reference());
}

}  // namespace xinglin::hl7v2
