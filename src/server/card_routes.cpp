// SPDX-License-Identifier: Apache-2.0
// /api/v1/card: the e-health card. Residents show theirs; counters issue, print, replace and scan; verifiers fetch keys and dead cards at /.well-known.
//
// Scanned by who may read everybody's records, issued by who may write them; every scan, also a refused one, is written down.
#include "card/card.h"

#include "server/card_json.h"
#include "server/house.h"
#include "server/open_record.h"
#include "server/pages.h"
#include "server/route.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string field(const Fields& fields, std::string_view name) {
    for (const auto& [key, value] : fields) {
        if (key == name) return value;
    }
    return "";
}

bool may_see(Visit& visit) {
    const access::Viewer& viewer = visit.viewer;
    const bool by_scope = viewer.role == access::Role::system && access::scope_allows(viewer.scope, "Patient", 'r');
    const bool by_role = viewer.role != access::Role::system && viewer.role != access::Role::resident && viewer.may_read();
    if (by_scope || by_role) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only those who may read everybody's records open cards"));
    return false;
}

bool may_issue(Visit& visit) {
    if (!may_see(visit)) return false;
    const access::Viewer& viewer = visit.viewer;
    if (viewer.role == access::Role::system ? access::scope_allows(viewer.scope, "Patient", 'u') : viewer.may_write())
        return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only those who may write records issue cards"));
    return false;
}

bool is_resident(Visit& visit) {
    if (!visit.viewer.patient().empty()) return true;
    visit.refuse(
        refuse(IssueCode::forbidden, "role", "only a resident has a card of one's own; counters use /api/v1/card/person/ID"));
    return false;
}

/// Nothing when it is none; then it is answered.
std::optional<card::Card> card_in(Visit& visit, std::string_view text) {
    const auto number = card::parse_number(text);
    auto found = number ? visit.house.cards->card(*number)
                        : Result<card::Card>(refuse(IssueCode::value, "card", "must be a card's number, 4T7K2-9QX0M"));
    if (found.ok()) return std::move(*found);
    visit.refuse(found.outcome());
    return std::nullopt;
}

void write_down(Visit& visit, std::string_view what, int status, std::string_view patient, std::string_view detail) {
    visit.house.write_down(visit.viewer, visit.request, what, status, "Patient", patient, detail);
}

void answer_card(Visit& visit, const Result<card::Card>& done, std::string_view what, std::string_view patient) {
    write_down(visit, "card", done.ok() ? 200 : http_status(done.outcome().code()),
               done.ok() ? done->patient : std::string(patient), what);
    if (!done.ok()) return visit.refuse(done.outcome());
    json::Arena arena;
    visit.answer(200, card_json(arena, *done));
}

// ---- verifiers ----

void publish(Visit& visit, std::string text) {
    http::Response response = http::Response::text(200, "application/json", std::move(text));
    response.headers.set("Cache-Control", "public, max-age=60");
    response.headers.set("Access-Control-Allow-Origin", "*");
    add_security_headers(response.headers);
    visit.respond(std::move(response));
}
void keys(Visit& visit) { publish(visit, visit.house.cards->key_set().json()); }
void dead(Visit& visit) { publish(visit, visit.house.cards->revoked()); }

void rotate(Visit& visit) {
    if (!visit.viewer.may_administer())
        return visit.refuse(refuse(IssueCode::forbidden, "role", "only administrators change the keys of cards"));
    const auto fields = visit.fields();
    if (!fields) return;
    const std::string how = field(*fields, "how");
    if (how != "ahead" && how != "now")
        return visit.refuse(refuse(IssueCode::value, "how",
                                   "must be ahead (a planned change) or now (a key was stolen: all that was signed dies)"));
    const auto done = visit.house.cards->rotate(how == "now");
    visit.house.write_down(visit.viewer, visit.request, "card", done.ok() ? 200 : 409, "", "", "keys changed: " + how);
    if (!done.ok()) return visit.refuse(done.outcome());
    keys(visit);
}

// ---- residents ----

void mine(Visit& visit) {
    if (!is_resident(visit)) return;
    json::Arena arena;
    visit.answer(200, mine_json(visit, arena));
}

void take_out(Visit& visit) {
    if (!is_resident(visit)) return;
    if (!visit.house.cards->policy().self_issue)
        return visit.refuse(
            refuse(IssueCode::forbidden, "card", "cards are issued at a counter here; bring an identity document"));
    const std::string patient(visit.viewer.patient());
    answer_card(visit, visit.house.cards->issue(patient, visit.viewer.name), "issued", patient);
}

void show(Visit& visit) {
    if (!is_resident(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    const auto card = card_in(visit, field(*fields, "card"));
    if (!card) return;
    const auto may = visit.house.cards->may_show(visit.viewer.patient(), *card);
    if (may == card::Cards::May::no)
        return visit.refuse(refuse(IssueCode::not_found, "card", "there is no card of this number that you may show"));
    const bool family = may == card::Cards::May::family;
    const auto shown = visit.house.cards->show(card->number, family);
    if (family) write_down(visit, "card", shown.ok() ? 200 : 409, card->patient, "family card shown");
    if (!shown.ok()) return visit.refuse(shown.outcome());
    json::Arena arena;
    visit.answer(200, shown_json(visit, arena, *shown));
}

void lose_mine(Visit& visit) {
    if (!is_resident(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    const auto card = card_in(visit, field(*fields, "card"));
    if (!card) return;
    if (visit.house.cards->may_show(visit.viewer.patient(), *card) == card::Cards::May::no)
        return visit.refuse(refuse(IssueCode::not_found, "card", "there is no card of this number that you may show"));
    answer_card(visit, visit.house.cards->lose(card->number, visit.viewer.name, field(*fields, "why")), "reported lost",
                card->patient);
}

// ---- counters ----

void of_person(Visit& visit) {
    if (!may_see(visit)) return;
    const auto person = visit.house.persons->person(visit.holes[0]);
    const std::string patient = person && !person->members.empty() ? person->members.front().id : visit.holes[0];
    if (!may_open(visit, patient)) return;
    json::Arena arena;
    write_down(visit, "card", 200, patient, "cards looked at");
    visit.answer(200, person_cards_json(visit, arena, patient));
}

void issue(Visit& visit) {
    if (!may_issue(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    const std::string patient = field(*fields, "patient");
    if (!may_open(visit, patient)) return;
    answer_card(visit, visit.house.cards->issue(patient, visit.viewer.name), "issued", patient);
}

void step(Visit& visit) {
    if (!may_issue(visit)) return;
    const auto fields = visit.fields();
    const auto card = fields ? card_in(visit, visit.holes[0]) : std::nullopt;
    if (!card) return;
    const bool ended = visit.holes[1] == "end";
    if (!ended && visit.holes[1] != "lost" && visit.holes[1] != "reissue" && visit.holes[1] != "print")
        return visit.refuse(refuse(IssueCode::not_found, "step", "must be lost, end, reissue or print"));
    if (!may_open(visit, card->patient)) return;
    const std::string why = field(*fields, "why");
    if (visit.holes[1] == "reissue")
        return answer_card(visit, visit.house.cards->reissue(card->number, visit.viewer.name, why), "reissued", card->patient);
    if (visit.holes[1] != "print")
        return answer_card(visit, visit.house.cards->lose(card->number, visit.viewer.name, why, ended),
                           ended ? "ended" : "reported lost", card->patient);
    const auto print = visit.house.cards->print(card->number, visit.viewer.name);
    write_down(visit, "print", print.ok() ? 200 : http_status(print.outcome().code()), card->patient, "card printed");
    if (!print.ok()) return visit.refuse(print.outcome());
    json::Arena arena;
    visit.answer(200, shown_json(visit, arena, *print));
}

void grant(Visit& visit) {
    if (!may_issue(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    if (!may_open(visit, field(*fields, "patient"))) return;
    const std::string consent = field(*fields, "consent");
    const auto done = visit.house.cards->grant({.patient = field(*fields, "patient"),
                                                .holder = field(*fields, "holder"),
                                                .relation = field(*fields, "relation"),
                                                .proof = field(*fields, "proof"),
                                                .until = field(*fields, "until"),
                                                .consent = consent == "yes",
                                                .who = visit.viewer.name});
    write_down(visit, "card", done.ok() ? 200 : http_status(done.outcome().code()), field(*fields, "patient"), "family card");
    if (!done.ok()) return visit.refuse(done.outcome());
    json::Arena arena;
    visit.answer(200, family_json(visit, arena, *done));
}

/// Whose card a family card shows; "" when there is no such.
std::string patient_of_family(Visit& visit, const std::string& id) {
    const auto basic = visit.house.store->reader(access::Viewer::program("card")).read(*fhir::find_resource("Basic"), id);
    json::Arena arena;
    const auto parsed = basic.ok() ? json::parse(basic->body, arena) : Result<json::Value>(basic.outcome());
    const std::string_view reference = parsed.ok() ? (*parsed)["subject"]["reference"].string() : std::string_view();
    return reference.starts_with("Patient/") ? std::string(reference.substr(8)) : "";
}

void end_family(Visit& visit) {
    if (!may_issue(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    if (!may_open(visit, patient_of_family(visit, visit.holes[0]))) return;
    const auto done = visit.house.cards->end_family(visit.holes[0], visit.viewer.name, field(*fields, "why"));
    write_down(visit, "card", done.ok() ? 200 : http_status(done.outcome().code()), done.ok() ? done->patient : "",
               "family card ended");
    if (!done.ok()) return visit.refuse(done.outcome());
    json::Arena arena;
    visit.answer(200, family_json(visit, arena, *done));
}

/// How far the device's clock is ahead of ours; 0 when it says nothing, or is right.
std::int64_t clock_ahead_s(std::string_view clock, std::int64_t now_ms) {
    constexpr std::int64_t on_the_way_s = 5;
    const auto moment = calendar::parse_instant(clock);
    if (!moment) return 0;
    const std::int64_t ahead = (calendar::span_of(*moment, 0).low_ms - now_ms) / 1'000;
    return ahead > on_the_way_s || ahead < -on_the_way_s ? ahead : 0;
}

void scan(Visit& visit) {
    if (!may_see(visit)) return;
    const auto fields = visit.fields();
    if (!fields) return;
    if (!field(*fields, "purpose").empty()) visit.viewer.purpose = field(*fields, "purpose").substr(0, 64);
    card::ScanAsked asked{
        .who = visit.viewer.name, .place = field(*fields, "place").substr(0, 200), .checked = field(*fields, "checked")};
    if (!text::is_utf8(asked.place)) asked.place.clear();
    asked.clock_ahead_s = clock_ahead_s(field(*fields, "clock"), visit.house.clock.now_ms());
    const card::Scan scan = visit.house.cards->scan(field(*fields, "token"), asked);
    const bool accepted = !scan.patient.empty();
    write_down(
        visit, "card", accepted ? 200 : 403, scan.card ? scan.card->patient : "",
        fmt::format("scanned: {}{}", accepted || !scan.needs_document ? card::text(scan.judged.verdict) : "document asked for",
                    asked.place.empty() ? "" : " at " + asked.place));
    json::Arena arena;
    visit.answer(200, scan_json(visit, arena, scan, asked.clock_ahead_s));
}

constexpr std::string_view card_example =
    R"({"number":"4T7K2-9QX0M","patient":"p1","state":"active","issued":"2026-11-22","who":"desk","why":"","replaces":null,"replaced_by":null,"printed_until":null,"changed_at":"…"})";
constexpr std::string_view family_example =
    R"({"id":"family-01…","patient":"p2","holder":"p1","relation":"parent","from":"2026-11-22","until":"2029-11-22","in_force":true,"proof":"户口簿","consent":false})";
constexpr std::string_view shown_example = R"({"token":"XH1…","issued":"…","expires":"…","now":"…","kind":"self"})";

constexpr Route routes[] = {
    {"GET", "/.well-known/card-keys.json", Who::anyone,
     "The public keys of cards as a JWK Set, with the seconds since 1970 until which it may be used without asking again.", "",
     R"({"region":"130300","issued":1795305600,"expires":1795392000,"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"3f2a","x":"…","y":"…"}]})",
     keys},
    {"GET", "/.well-known/card-revoked.json", Who::anyone,
     "Dead cards that might still be shown, signed: differences of the sorted numbers, seven bits a byte, in base64url.", "",
     R"({"issued":1795305600,"expires":1795392000,"count":2,"cards":"…","alg":"ES256","kid":"3f2a","signature":"…"})", dead},
    {"POST", "/api/v1/card/keys", Who::logged_in,
     "A new key: ahead (published first), or now (one was stolen: all that was signed dies, prints too). Administrators. Is "
     "audited.",
     R"({"how":"ahead"})", R"({"keys":[]})", rotate},
    {"GET", "/api/v1/card/mine", Who::logged_in, "A resident's own card, and those of the family that may be shown.", "",
     R"({"cards":[{"number":"4T7K2-9QX0M","kind":"self","state":"active","name":"马**"}],"may_issue":false,"lifetime":60,"now":"…"})",
     mine},
    {"POST", "/api/v1/card/mine", Who::logged_in, "A resident takes out a card, where the policy allows it. Is audited.", "",
     card_example, take_out},
    {"POST", "/api/v1/card/mine/token", Who::logged_in, "A code to be shown for a minute; of the family's cards this is audited.",
     R"({"card":"4T7K2-9QX0M"})", shown_example, show},
    {"POST", "/api/v1/card/mine/lost", Who::logged_in,
     "A resident reports a card lost: it is dead at once and for ever. Is audited.", R"({"card":"4T7K2-9QX0M","why":""})",
     card_example, lose_mine},
    {"POST", "/api/v1/card/scan", Who::logged_in,
     "A scanned card: opens a person, or says in two languages why not (expired, used before, lost, forged, whose clock is off). "
     "`clock`: the device's, "
     "as an instant. `checked`: with a printed card, the last four of the identity document compared, or the birth date. A code "
     "opens once. Is audited.",
     R"({"token":"XH1…","purpose":"TREAT","place":"窗口1","clock":"2026-11-22T08:15:00Z","checked":""})",
     R"({"accepted":true,"reason":"good","message":"The card is sound.","message_zh":"电子健康卡有效。","seconds":0,"clock_ahead":0,"needs_document":false,"card":{"number":"4T7K2-9QX0M","kind":"self"},"person":{"id":"7K2M0-QX4TD-9A3","patient":"p1","name":"马雨桐","sex":"female","birth_date":"1990-03-01","identifier":"1303**********0027"}})",
     scan},
    {"GET", "/api/v1/card/person/{id}", Who::logged_in,
     "The cards of a person (Patient id or enterprise id), who may show them, and whose they may show. Is audited.", "",
     R"({"patient":"p1","cards":[],"families":[],"holds":[],"policy":{"paper":true}})", of_person},
    {"POST", "/api/v1/card/issue", Who::writer, "A card for an identified, living person who has none. Is audited.",
     R"({"patient":"p1"})", card_example, issue},
    {"POST", "/api/v1/card/family", Who::writer,
     "Somebody of the family may show this person's card until a day. consent: yes, where the policy asks for it. Is audited.",
     R"({"patient":"p2","holder":"p1","relation":"parent","proof":"户口簿","until":"","consent":""})", family_example, grant},
    {"POST", "/api/v1/card/family/{id}/end", Who::writer, "A family card ends. Is audited.", R"({"why":""})", family_example,
     end_family},
    {"POST", "/api/v1/card/{number}/{step}", Who::writer,
     "lost or end: dead at once and for ever. reissue: another number. print: a long-lived code for paper, that opens nothing "
     "without a document. Is audited.",
     R"({"why":""})", card_example, step},
};

}  // namespace

std::span<const Route> card_routes() { return routes; }

}  // namespace xinglin::server
