// SPDX-License-Identifier: Apache-2.0
// Referrals and who takes part in them, staff: RF1, PRD, STF.
#include <fmt/format.h>

#include "hl7v2/walk.h"

namespace xinglin::hl7v2 {

namespace {
std::string entity_key(Field field) { return key_of(field.first()[1], field.first()[2]); }
}  // namespace

void on_referral(Walk& w, Seg rf1) {
    Conversion& c = w.c;
    c.at_segment = rf1.segment();
    std::string key = entity_key(rf1[6]);
    if (key.empty()) key = entity_key(rf1[11]);
    if (key.empty()) key = fmt::format("referral^{}", c.facts.control_id);
    Thing& out = c.thing("ServiceRequest", key);
    w.referral = w.last = &out;
    c.anchor(rf1, out);
    c.at_field = 1;
    const std::string_view status = rf1.has(1) ? code_by(c, rf1[1].first(), "0283") : std::string_view{};
    out.text("status", status.empty() ? "active" : status);
    out.text("intent", "order");
    c.at_field = 2;
    if (rf1.has(2)) {
        if (const std::string_view priority = code_by(c, rf1[2].first(), "0280"); !priority.empty())
            out.text("priority", priority);
    }
    constexpr Line lines[] = {{3, "code", as_concept, false},         {5, "category", as_concept},
                              {6, "identifier", as_entity},           {11, "identifier", as_entity},
                              {9, "authoredOn", as_date_time, false}, {10, "reasonCode", as_concept},
                              {4, "orderDetail", as_concept}};
    c.carry(rf1, out, lines);
    c.at_field = 7;
    const json::Value start = rf1.has(7) ? as_date_time(c, rf1[7].first()) : json::Value{};
    c.at_field = 8;
    out.set("occurrencePeriod", period(c, start, rf1.has(8) ? as_date_time(c, rf1[8].first()) : json::Value{}));
    if (w.patient) w.place(out);
}

void on_provider(Walk& w, Seg prd) {
    Conversion& c = w.c;
    c.at_segment = prd.segment();
    const Part number = prd[7].first();
    std::string key = key_of(number[1], number[4]);
    c.at_field = 2;
    const json::Value name = prd.has(2) ? as_name(c, prd[2].first()) : json::Value{};
    if (key.empty() && !name) return;
    Thing& who = c.thing("Practitioner", key.empty() ? fmt::format("name^{}", name["text"].string()) : key);
    who.is_lesser = true;
    c.anchor(prd, who);
    who.add("name", name);
    c.at_field = 3;
    for (const Part each : prd[3].all()) who.add("address", as_address(c, each));
    c.at_field = 5;
    add_telecoms(c, who, prd[5], "work");
    c.at_field = 7;
    for (const Part each : prd[7].all()) {  // PLN: number, type, state, expiry
        Object made(c);
        if (const std::string_view type = each[2].text(); !type.empty())
            made.set("type", c.concept_of("http://terminology.hl7.org/CodeSystem/v2-0338", type));
        made.text("system", c.own_system("staff"));
        made.text("value", each[1].text());
        if (const json::Value end = as_date(c, each[4])) made.set("period", c.arena.object({{"end", end}}));
        if (made.has("value")) who.add("identifier", made.value());
    }
    const std::string_view role = prd[1][1].text();
    if (w.referral) {
        const json::Value reference = who.reference(name ? name["text"].string() : std::string_view{});
        if (role == "RP" || role == "RQ") w.referral->set("requester", reference);
        else w.referral->add("performer", reference);
    }
    Thing& in = c.thing("PractitionerRole", fmt::format("{}|{}", who.id, role));
    in.is_lesser = true;
    in.set("practitioner", who.reference());
    constexpr Line lines[] = {{1, "code", [](Conversion& each, Part p) { return concept_by(each, p, "0286"); }},
                              {4, "location", as_location}};
    c.carry(prd, in, lines);
    c.at_field = 8;
    const json::Value start = prd.has(8) ? as_date_time(c, prd[8].first()) : json::Value{};
    c.at_field = 9;
    in.set("period", period(c, start, prd.has(9) ? as_date_time(c, prd[9].first()) : json::Value{}));
    c.at_field = 10;
    if (Thing* const organization = prd.has(10) ? organization_of(c, prd[10].first()) : nullptr) {
        c.at_field = 11;
        for (const Part each : prd[11].all()) organization->add("address", as_address(c, each));
        c.at_field = 13;
        add_telecoms(c, *organization, prd[13], "work");
        in.set("organization", organization->reference(organization->get("name").string()));
    }
    w.last = &who;
}

void on_staff(Walk& w, Seg stf) {
    Conversion& c = w.c;
    c.at_segment = stf.segment();
    std::string key = best_key(stf[2]);
    if (key.empty()) key = stf[1][1].text();
    if (key.empty()) return;
    Thing& out = c.thing("Practitioner", key);
    w.last = &out;
    c.anchor(stf, out);
    constexpr Line lines[] = {
        {2, "identifier", as_identifier}, {3, "name", as_name}, {6, "birthDate", as_date, false}, {11, "address", as_address}};
    c.carry(stf, out, lines);
    c.at_field = 5;
    if (const std::string_view sex = stf[5].text(); !sex.empty()) {
        if (const std::string_view code = code_by(c, sex, "0001", stf.place(5)); !code.empty()) out.text("gender", code);
    }
    c.at_field = 10;
    add_telecoms(c, out, stf[10], "work");
    c.at_field = 7;
    if (const std::string_view active = stf[7].text(); active == "A" || active == "I")
        out.set("active", c.arena.boolean(active == "A"));
}

}  // namespace xinglin::hl7v2
