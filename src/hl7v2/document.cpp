// SPDX-License-Identifier: Apache-2.0
// Documents: TXA and the OBX that carry their text.
#include <fmt/format.h>

#include "hl7v2/walk.h"
#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {

std::string entity_key(Field field) { return key_of(field.first()[1], field.first()[2]); }

/// T05 and T06 add to the parent, T09 and T10 take its place.
std::string_view relation_of(std::string_view event) {
    if (event == "T09" || event == "T10") return "replaces";
    return "appends";
}

}  // namespace

void on_document(Walk& w, Seg txa) {
    Conversion& c = w.c;
    c.at_segment = txa.segment();
    std::string key = entity_key(txa[12]);
    if (key.empty()) key = txa[12].first()[3].text();
    if (key.empty()) key = entity_key(txa[15]);
    if (key.empty()) key = fmt::format("control^{}^{}", c.facts.control_id, c.facts.sent_at);
    Thing& out = c.thing("DocumentReference", key);
    w.document = w.last = &out;
    w.specimen = nullptr;
    c.anchor(txa, out);
    pass_over(txa, {1});
    out.text("status", w.event == "T11" ? "entered-in-error" : txa[19].text() == "OB" ? "superseded" : "current");
    out.set("subject", w.subject());
    c.at_field = 17;
    if (const std::string_view said = txa[17].text(); !said.empty()) {
        const std::string_view status = code_by(c, said, "0271", txa.place(17));
        out.text("docStatus", status);
    }
    constexpr Line lines[] = {{2, "type", [](Conversion& each, Part p) { return concept_by(each, p, "0270"); }, false},
                              {6, "date", as_instant, false},
                              {18, "securityLabel", [](Conversion& each, Part p) { return concept_by(each, p, "0272"); }},
                              {5, "author", as_practitioner},
                              {9, "author", as_practitioner},
                              {15, "identifier", as_entity},
                              {10, "authenticator", as_practitioner, false},
                              {19, "valueString", as_string, false, "urn:xinglin:hl7v2:TXA-19"},
                              {25, "description", as_string, false}};
    c.carry(txa, out, lines);
    c.at_field = 12;
    if (const json::Value number = txa.has(12) ? as_entity(c, txa[12].first()) : json::Value{}) {
        if (number["value"]) out.set("masterIdentifier", number);
    }
    if (!out.has("masterIdentifier")) {
        if (const std::string_view universal = txa[12].first()[3].text(); !universal.empty())
            out.set("masterIdentifier", identifier(c, c.own_system("document"), universal));
    }
    c.at_field = 13;
    if (const json::Value parent = txa.has(13) ? as_entity(c, txa[13].first()) : json::Value{})
        out.add("relatesTo",
                c.arena.object({{"code", c.string(relation_of(w.event))}, {"target", c.arena.object({{"identifier", parent}})}}));
    c.at_field = 22;
    for (const Part each : txa[22].all()) out.set("authenticator", as_practitioner(c, each));
    Object context(c);
    if (w.encounter) context.add("encounter", w.encounter->reference());
    c.at_field = 4;
    if (const json::Value when = txa.has(4) ? as_date_time(c, txa[4].first()) : json::Value{})
        context.set("period", c.arena.object({{"start", when}}));
    if (w.order) context.add("related", w.order->reference());
    c.at_field = 14;
    for (const Part each : txa[14].all()) {
        if (const json::Value number = as_entity(c, each)) context.add("related", c.arena.object({{"identifier", number}}));
    }
    out.set("context", context.value());
    w.order = w.report = nullptr;
    w.orc = {};
}

bool result_into_document(Walk& w, Seg obx) {
    Conversion& c = w.c;
    const std::string_view type = obx[2].text();
    c.at_field = 5;
    if (type == "ED" || type == "RP") {
        for (const Part each : obx[5].all()) {
            if (const json::Value attachment = attachment_of(c, type, each))
                w.document->add("content", c.arena.object({{"attachment", attachment}}));
        }
    } else if (type == "TX" || type == "FT" || type == "ST" || type.empty()) {
        for (const Part each : obx[5].all()) {
            if (!w.document_text.empty()) w.document_text += '\n';
            w.document_text += each.text();
        }
    } else return false;
    c.anchor(obx, *w.document);
    pass_over(obx, {1, 2, 11});
    c.at_field = 3;
    if (obx.has(3) && !w.document->has("type")) w.document->set("type", as_concept(c, obx[3].first()));
    else if (obx.has(3)) w.document->extend("urn:xinglin:hl7v2:OBX-3", "valueCodeableConcept", as_concept(c, obx[3].first()));
    w.last = w.document;
    return true;
}

void end_document(Walk& w) {
    if (!w.document) return;
    Conversion& c = w.c;
    const Segment* const txa = c.message.find("TXA");
    const Seg seg(&c, txa);
    Object attachment(c);
    if (!w.document_text.empty()) {
        attachment.text("contentType", "text/plain; charset=utf-8");
        attachment.text("data", text::base64(w.document_text));
    }
    if (txa) {
        c.at_segment = txa;
        c.at_field = 3;
        const std::string_view presentation = seg[3].text();
        if (!presentation.empty() && w.document_text.empty()) attachment.set("title", c.string(presentation));
        c.at_field = 16;
        if (const std::string_view name = seg[16].text(); !name.empty()) attachment.put("title", c.string(name));
        c.at_field = 7;
        if (const json::Value when = seg.has(7) ? as_date_time(c, seg[7].first()) : json::Value{})
            attachment.set("creation", when);
    }
    if (!attachment.empty()) w.document->add("content", c.arena.object({{"attachment", attachment.value()}}));
    if (!w.document->has("content"))
        w.document->add("content",
                        c.arena.object({{"attachment", c.arena.object({{"title", c.arena.string("kept by the sender")}})}}));
}

}  // namespace xinglin::hl7v2
