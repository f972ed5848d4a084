// SPDX-License-Identifier: Apache-2.0
// /api/v1/consent: what a resident decides (also for a ward), what a counter records from paper, who acts for whom, and a doctor's request.
//
// Every decision and every look at them is written down. What a resident may not touch is answered as if it were not there.
#include <algorithm>

#include "server/consent_json.h"
#include "server/open_record.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

bool is_resident(Visit& visit) {
    if (!visit.viewer.patient().empty()) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only a resident decides here; counters use /api/v1/consent/person/ID"));
    return false;
}

/// Whose record this is about: the resident's own, or of a ward (whole rights only: a proxy from whom something is withheld decides nothing).
std::optional<std::string> subject(Visit& visit, const std::string& ward) {
    std::string own(visit.viewer.patient());
    if (ward.empty() || ward == own) return own;
    for (const consent::Proxy& proxy : visit.house.consents->proxies(own, visit.house.clock.now_ms())) {
        if (proxy.patient != ward) continue;
        if (proxy.withheld.empty()) return ward;
        visit.refuse(
            refuse(IssueCode::forbidden, "ward", "at this age the young person decides too; come to a counter together"));
        return std::nullopt;
    }
    visit.refuse(refuse(IssueCode::not_found, "ward", "there is nobody of this id for whom you act"));
    return std::nullopt;
}

consent::Hand own_hand(Visit& visit) { return {.account = visit.viewer.name, .performer = std::string(visit.viewer.patient())}; }

consent::Hand counter_hand(Visit& visit, const Fields& fields) {
    return {.account = visit.viewer.name,
            .institution = visit.viewer.institution,
            .document = consent_field(fields, "document"),
            .witness = consent_field(fields, "witness")};
}

consent::Wish wish_of(const Fields& fields, const std::string& patient) {
    consent::Wish wish{.patient = patient,
                       .permit = consent_field(fields, "permit") == "yes",
                       .institution = consent_field(fields, "institution"),
                       .practitioner = consent_field(fields, "practitioner"),
                       .from = consent_field(fields, "from"),
                       .until = consent_field(fields, "until")};
    const std::string categories = consent_field(fields, "categories");
    for (const std::string_view each : text::split(categories, ','))
        if (!each.empty()) wish.categories.emplace_back(each);
    return wish;
}

void write_down(Visit& visit, int status, std::string_view patient, std::string_view detail) {
    visit.house.write_down(visit.viewer, visit.request, "consent", status, "Patient", patient, detail);
}

void answer(Visit& visit, const Result<consent::Decision>& done, std::string_view patient, std::string_view detail, bool whole) {
    write_down(visit, done.ok() ? 200 : http_status(done.outcome().code()), done.ok() ? done->patient : std::string(patient),
               done.ok() ? std::string(detail) + " " + done->id : std::string(detail));
    if (!done.ok()) return visit.refuse(done.outcome());
    json::Arena arena;
    visit.answer(200, decision_json(visit, arena, *done, whole));
}

void choices(Visit& visit) {
    json::Arena arena;
    visit.answer(200, choices_json(arena, visit.house.consents->settings()));
}

// ---- residents ----

json::Value wards_json(Visit& visit, json::Arena& arena) {
    std::vector<json::Value> all;
    for (const consent::Proxy& proxy : visit.house.consents->proxies(visit.viewer.patient(), visit.house.clock.now_ms())) {
        std::vector<json::Value> withheld;
        for (const std::string& each : proxy.withheld) withheld.push_back(arena.string(each));
        all.push_back(arena.object({{"patient", arena.string(proxy.patient)},
                                    {"name", arena.string(patient_name(visit, proxy.patient, true))},
                                    {"relation", arena.string(proxy.relation)},
                                    {"until", arena.string(calendar::instant_text(proxy.until_ms))},
                                    {"withheld", arena.array(withheld)}}));
    }
    return arena.array(all);
}

void mine(Visit& visit) {
    if (!is_resident(visit)) return;
    const auto patient = subject(visit, visit.parameter("ward"));
    if (!patient) return;
    const bool own = *patient == visit.viewer.patient();
    json::Arena arena;
    const consent::Desk& desk = *visit.house.consent_desk;
    visit.answer(200, arena.object({{"patient", arena.string(*patient)},
                                    {"name", arena.string(patient_name(visit, *patient, true))},
                                    {"decisions", decisions_json(visit, arena, desk.decisions(*patient), false)},
                                    {"emergencies", reviews_json(visit, arena, desk.emergencies_of(*patient))},
                                    {"held", own ? decisions_json(visit, arena, desk.held_by(*patient), false) : arena.array({})},
                                    {"wards", own ? wards_json(visit, arena) : arena.array({})},
                                    {"now", arena.string(calendar::instant_text(visit.house.clock.now_ms()))}}));
}

void decide(Visit& visit) {
    if (!is_resident(visit)) return;
    const auto fields = visit.fields();
    const auto patient = fields ? subject(visit, consent_field(*fields, "ward")) : std::nullopt;
    if (!patient) return;
    const consent::Wish wish = wish_of(*fields, *patient);
    answer(visit, visit.house.consent_desk->decide(wish, own_hand(visit)), *patient, wish.permit ? "opened" : "closed", false);
}

void reopen(Visit& visit) {
    if (!is_resident(visit)) return;
    const auto fields = visit.fields();
    const auto patient = fields ? subject(visit, consent_field(*fields, "ward")) : std::nullopt;
    if (!patient) return;
    const auto done = visit.house.consent_desk->reopen(*patient, own_hand(visit));
    write_down(visit, done.ok() ? 200 : http_status(done.outcome().code()), *patient, "all opened again");
    if (!done.ok()) return visit.refuse(done.outcome());
    json::Arena arena;
    visit.answer(200, arena.object({{"ended", arena.number(static_cast<std::int64_t>(*done))}}));
}

void step_mine(Visit& visit) {
    if (!is_resident(visit)) return;
    const auto fields = visit.fields();
    const auto patient = fields ? subject(visit, consent_field(*fields, "ward")) : std::nullopt;
    if (!patient) return;
    consent::Desk& desk = *visit.house.consent_desk;
    const std::string &id = visit.holes[0], &step = visit.holes[1];
    if (step == "end")
        return answer(visit, desk.end(id, *patient, own_hand(visit), consent_field(*fields, "why")), *patient, "ended", false);
    if (step == "accept" || step == "decline")
        return answer(visit, desk.answer(id, *patient, step == "accept", own_hand(visit)), *patient,
                      step == "accept" ? "request accepted" : "request declined", false);
    visit.refuse(refuse(IssueCode::not_found, "step", "must be end, accept or decline"));
}

/// A proxy named by the whole identity number and the whole name: both must fit, and a wrong one says nothing of who there is.
void apply(Visit& visit) {
    if (!is_resident(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    const std::string own(visit.viewer.patient()), side = consent_field(*fields, "side");
    if (side != "for" && side != "to")
        return visit.refuse(
            refuse(IssueCode::value, "side", "must be for (I act for this person) or to (this person acts for me)"));
    const std::string other =
        visit.house.consent_desk->somebody(consent_field(*fields, "number"), consent_field(*fields, "name"));
    if (other.empty()) {
        write_down(visit, 404, own, "proxy: nobody fits");
        return visit.refuse(
            refuse(IssueCode::not_found, "number", "nobody fits this name and number; check both, or come to a counter"));
    }
    const bool applies = side == "for";
    const auto done = visit.house.consent_desk->make_proxy({.ward = applies ? other : own,
                                                            .holder = applies ? own : other,
                                                            .relation = applies ? consent_field(*fields, "relation") : "power",
                                                            .until = consent_field(*fields, "until"),
                                                            .waits = applies},
                                                           own_hand(visit));
    answer(visit, done, own, applies ? "proxy applied for" : "power given", false);
}

/// Institutions and doctors by a part of their name.
void places(Visit& visit) {
    const std::string q = visit.parameter("q");
    json::Arena arena;
    std::vector<json::Value> all;
    if (!q.empty() && q.size() <= 100 && text::is_utf8(q)) {
        record::Reader reader = visit.house.store->reader(access::Viewer::program("consent"));
        for (const std::string_view name : {"Organization", "Practitioner"}) {
            const fhir::Type* type = fhir::find_resource(name);
            std::string escaped;
            for (const char c : q)
                escaped += c == ',' || c == '|' || c == '$' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
            const auto query = search::parse(std::span(&type, 1), std::vector<std::pair<std::string, std::string>>{
                                                                      {"name:contains", escaped}, {"_count", "10"}});
            const auto found = query.ok() ? reader.search(*query) : Result<record::Found>(query.outcome());
            if (!found.ok()) continue;
            for (const auto& entry : found->entries) {
                json::Arena scratch;
                const auto parsed =
                    json::parse(entry.version.body, scratch, {.depth = 1'000, .bytes = entry.version.body.size() + 1});
                if (!parsed.ok()) continue;
                const std::string shown =
                    name == "Organization" ? std::string((*parsed)["name"].string()) : people::display_name(*parsed);
                all.push_back(arena.object({{"kind", arena.string(name == "Organization" ? "institution" : "practitioner")},
                                            {"id", arena.string(entry.version.id)},
                                            {"name", arena.string(shown)}}));
            }
        }
    }
    visit.answer(200, arena.object({{"places", arena.array(all)}}));
}

// ---- counters ----

bool is_counter(Visit& visit) {
    if (visit.viewer.role != access::Role::system && visit.viewer.role != access::Role::resident && visit.viewer.may_write())
        return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only those who may write records record consents"));
    return false;
}

void of_person(Visit& visit) {
    if (!is_counter(visit)) return;
    const std::string& patient = visit.holes[0];
    if (!may_open(visit, patient)) return;
    json::Arena arena;
    const consent::Desk& desk = *visit.house.consent_desk;
    write_down(visit, 200, patient, "consents looked at");
    visit.answer(200, arena.object({{"patient", arena.string(patient)},
                                    {"name", arena.string(patient_name(visit, patient, true))},
                                    {"decisions", decisions_json(visit, arena, desk.decisions(patient), true)},
                                    {"held", decisions_json(visit, arena, desk.held_by(patient), true)},
                                    {"emergencies", reviews_json(visit, arena, desk.emergencies_of(patient))}}));
}

void record_paper(Visit& visit) {
    if (!is_counter(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    const consent::Wish wish = wish_of(*fields, visit.holes[0]);
    if (!may_open(visit, wish.patient)) return;
    const bool to_own = wish.institution == visit.viewer.institution || (wish.institution.empty() && wish.practitioner.empty());
    if (wish.permit && !visit.viewer.institution.empty() && to_own)
        return visit.refuse(
            refuse(IssueCode::forbidden, "institution", "another institution records what opens a record to yours"));
    if (wish.permit && !wish.practitioner.empty() && wish.practitioner == visit.viewer.practitioner)
        return visit.refuse(refuse(IssueCode::forbidden, "practitioner", "somebody else records what opens a record to you"));
    answer(visit, visit.house.consent_desk->decide(wish, counter_hand(visit, *fields)), wish.patient,
           wish.permit ? "opened on paper" : "closed on paper", true);
}

void step_person(Visit& visit) {
    if (!is_counter(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    consent::Desk& desk = *visit.house.consent_desk;
    const std::string &patient = visit.holes[0], &id = visit.holes[1], &step = visit.holes[2];
    if (!may_open(visit, patient)) return;
    const consent::Hand hand = counter_hand(visit, *fields);
    if (hand.document.empty())
        return visit.refuse(
            refuse(IssueCode::required, "document", "is missing: the number of the paper that was signed or seen"));
    if (step == "end")
        return answer(visit, desk.end(id, patient, hand, consent_field(*fields, "why")), patient, "ended on paper", true);
    if (step == "confirm")
        return answer(visit, desk.confirm_proxy(id, hand, consent_field(*fields, "agreed") == "yes"), patient, "proxy confirmed",
                      true);
    visit.refuse(refuse(IssueCode::not_found, "step", "must be end or confirm"));
}

void make_proxy(Visit& visit) {
    if (!is_counter(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    const consent::ProxyWish wish{.ward = consent_field(*fields, "ward"),
                                  .holder = consent_field(*fields, "holder"),
                                  .relation = consent_field(*fields, "relation"),
                                  .until = consent_field(*fields, "until"),
                                  .agreed = consent_field(*fields, "agreed") == "yes",
                                  .proof = consent_field(*fields, "proof")};
    if (!may_open(visit, wish.ward)) return;
    answer(visit, visit.house.consent_desk->make_proxy(wish, counter_hand(visit, *fields)), wish.ward, "proxy made", true);
}

// ---- a doctor asks ----

void ask(Visit& visit) {
    if (!is_counter(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    int months = 1;
    const std::string said = consent_field(*fields, "months");
    if (!said.empty())
        months = said.size() <= 3 && said.find_first_not_of("0123456789") == std::string::npos ? std::stoi(said) : 0;
    const std::string patient = consent_field(*fields, "patient");
    const auto done =
        visit.house.consent_desk->ask({.patient = patient,
                                       .practitioner = visit.viewer.practitioner,
                                       .name = visit.viewer.display.empty() ? visit.viewer.name : visit.viewer.display,
                                       .institution = visit.viewer.institution,
                                       .reason = consent_field(*fields, "reason"),
                                       .months = months},
                                      {.account = visit.viewer.name, .institution = visit.viewer.institution});
    answer(visit, done, patient, "access asked for", false);
}

void asked(Visit& visit) {
    if (!is_counter(visit)) return;
    json::Arena arena;
    visit.answer(
        200,
        arena.object({{"requests", decisions_json(visit, arena, visit.house.consent_desk->asked_by(visit.viewer.name), false)}}));
}

constexpr std::string_view decision_example =
    R"({"id":"consent-01…","patient":"p1","kind":"decision","state":"active","permit":false,"institution":"o1","practitioner":"","name":"人民医院","categories":["mental"],"whole":true,"from":"","until":"2027-01-01","decided_at":"…"})";

constexpr Route routes[] = {
    {"GET", "/api/v1/consent/choices", Who::logged_in,
     "What a resident may close by itself, what stays visible all the same, who may act for whom, reasons of an emergency "
     "(content/access).",
     "",
     R"({"categories":[{"id":"hiv","zh":"艾滋病相关","en":"HIV"}],"relations":[],"always_visible":[],"emergency_reasons":[],"emergency_minutes":30})",
     choices},
    {"GET", "/api/v1/consent/mine", Who::logged_in,
     "A resident's decisions in force and past, requests that wait, emergencies, and for whom one acts. `ward`: of a person one "
     "acts for.",
     "",
     R"({"patient":"p1","decisions":[],"emergencies":[],"held":[],"wards":[{"patient":"p2","name":"马小雨","relation":"parent","until":"…","withheld":[]}]})",
     mine},
    {"POST", "/api/v1/consent/mine", Who::logged_in,
     "Opens (permit: yes) or closes the own record: to an institution, a practitioner or everybody; all of it or categories "
     "(comma separated); for a time. Counts at once. Is audited.",
     R"({"permit":"no","institution":"o1","practitioner":"","categories":"mental,hiv","from":"","until":"2027-01-01","ward":""})",
     decision_example, decide},
    {"POST", "/api/v1/consent/mine/reopen", Who::logged_in, "Ends everything that closes the own record. Is audited.",
     R"({"ward":""})", R"({"ended":2})", reopen},
    {"POST", "/api/v1/consent/mine/proxy", Who::logged_in,
     "for: I ask to act for this person, to be confirmed at a counter. to: this person may act for me, at once. Name and "
     "identity number must both fit. Is audited.",
     R"({"side":"for","relation":"parent","name":"马小雨","number":"…","until":""})", decision_example, apply},
    {"GET", "/api/v1/consent/mine/places", Who::logged_in, "Institutions and practitioners by a part of their name, `q`.", "",
     R"({"places":[{"kind":"institution","id":"o1","name":"人民医院"}]})", places},
    {"POST", "/api/v1/consent/mine/{id}/{step}", Who::logged_in,
     "end: a decision, or a proxy by either side. accept, decline: a doctor's request. Counts at once. Is audited.",
     R"({"why":"","ward":""})", decision_example, step_mine},
    {"GET", "/api/v1/consent/person/{id}", Who::writer, "The decisions of a person, at a counter. Is audited.", "",
     R"({"patient":"p1","name":"马雨桐","decisions":[],"held":[],"emergencies":[]})", of_person},
    {"POST", "/api/v1/consent/person/{id}", Who::writer,
     "Records a consent signed on paper, with its number and who saw it signed. Nobody opens a record to oneself. Is audited.",
     R"({"permit":"yes","institution":"o1","practitioner":"","categories":"","from":"","until":"","document":"2026-0117","witness":"王芳"})",
     decision_example, record_paper},
    {"POST", "/api/v1/consent/person/{id}/{consent}/{step}", Who::writer,
     "end: withdrawn on paper. confirm: a proxy that was applied for; agreed: yes, where the ward must agree. Is audited.",
     R"({"document":"户口簿 0117","witness":"","agreed":"no","why":""})", decision_example, step_person},
    {"POST", "/api/v1/consent/proxy", Who::writer,
     "Somebody acts for another, on a document seen or a RelatedPerson of the record (proof). Is audited.",
     R"({"ward":"p2","holder":"p1","relation":"parent","until":"","agreed":"no","document":"户口簿 0117","witness":"","proof":""})",
     decision_example, make_proxy},
    {"POST", "/api/v1/consent/requests", Who::writer,
     "Asks a resident for access, with a reason and for so many months; the resident answers on the phone. Is audited.",
     R"({"patient":"p1","reason":"术前会诊","months":"1"})", decision_example, ask},
    {"GET", "/api/v1/consent/requests", Who::writer, "What one asked for, newest first.", "", R"({"requests":[]})", asked},
};

}  // namespace

std::span<const Route> consent_routes() { return routes; }

}  // namespace xinglin::server
