// SPDX-License-Identifier: Apache-2.0
// Cards, family cards, tokens and scans as JSON.
#include "server/card_json.h"

#include "people/people.h"

namespace xinglin::server {

namespace {

json::Value number_json(json::Arena& arena, const std::optional<card::Number>& number) {
    return number ? arena.string(card::number_text(*number)) : arena.null();
}

json::Value seconds_json(json::Arena& arena, std::int64_t seconds) {
    return seconds > 0 ? arena.string(calendar::instant_text(seconds * 1'000)) : arena.null();
}

/// As a list of people shows them; nothing of one that is gone.
std::optional<people::Person> summary_of(Visit& visit, const std::string& patient) {
    const auto version =
        visit.house.store->reader(access::Viewer::program("card")).read(*fhir::find_resource("Patient"), patient);
    if (!version.ok()) return std::nullopt;
    json::Arena arena;
    const auto parsed = json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1});
    return parsed.ok() ? std::optional(people::summary(*parsed)) : std::nullopt;
}

json::Value name_json(Visit& visit, json::Arena& arena, const std::string& patient, bool whole) {
    const auto person = summary_of(visit, patient);
    const std::string name = person ? person->name : "";
    return arena.string(whole ? name : card::masked_name(name));
}

}  // namespace

json::Value card_json(json::Arena& arena, const card::Card& card) {
    return arena.object({{"number", arena.string(card::number_text(card.number))},
                         {"patient", arena.string(card.patient)},
                         {"state", arena.string(card.state)},
                         {"issued", arena.string(card.issued)},
                         {"who", arena.string(card.who)},
                         {"why", arena.string(card.why)},
                         {"replaces", number_json(arena, card.replaces)},
                         {"replaced_by", number_json(arena, card.replaced_by)},
                         {"printed_until", seconds_json(arena, card.printed_until_s)},
                         {"changed_at", arena.string(calendar::instant_text(card.changed_ms))}});
}

json::Value family_json(Visit& visit, json::Arena& arena, const card::Family& family) {
    return arena.object({{"id", arena.string(family.id)},
                         {"patient", arena.string(family.patient)},
                         {"patient_name", name_json(visit, arena, family.patient, true)},
                         {"holder", arena.string(family.holder)},
                         {"holder_name", name_json(visit, arena, family.holder, true)},
                         {"relation", arena.string(family.relation)},
                         {"from", arena.string(family.from)},
                         {"until", arena.string(family.until)},
                         {"in_force", arena.boolean(visit.house.cards->in_force(family))},
                         {"state", arena.string(family.state)},
                         {"proof", arena.string(family.proof)},
                         {"consent", arena.boolean(family.consent)},
                         {"who", arena.string(family.who)},
                         {"why", arena.string(family.why)},
                         {"changed_at", arena.string(calendar::instant_text(family.changed_ms))}});
}

json::Value shown_json(Visit& visit, json::Arena& arena, const card::Shown& shown) {
    return arena.object({{"token", arena.string(shown.text)},
                         {"card", arena.string(card::number_text(shown.token.number))},
                         {"kind", arena.string(card::text(shown.token.kind))},
                         {"issued", seconds_json(arena, shown.token.issued_s)},
                         {"expires", seconds_json(arena, shown.token.expires_s)},
                         {"now", arena.string(calendar::instant_text(visit.house.clock.now_ms()))}});
}

json::Value mine_json(Visit& visit, json::Arena& arena) {
    const card::Cards& cards = *visit.house.cards;
    const std::string patient(visit.viewer.patient());
    std::vector<json::Value> all;
    const auto add = [&](const card::Card& card, const card::Family* family) {
        all.push_back(arena.object({{"number", arena.string(card::number_text(card.number))},
                                    {"kind", arena.string(family ? "family" : "self")},
                                    {"state", arena.string(card.state)},
                                    {"name", name_json(visit, arena, card.patient, false)},
                                    {"relation", family ? arena.string(family->relation) : json::Value()},
                                    {"until", family ? arena.string(family->until) : json::Value()},
                                    {"changed_at", arena.string(calendar::instant_text(card.changed_ms))}}));
    };
    bool has_one = false;
    const auto own = cards.of_person(patient);
    for (const card::Card& each : own) {
        if (each.state != "active" && &each != &own.front()) continue;  // of dead ones only the newest, when there is no other
        has_one = has_one || each.state == "active";
        add(each, nullptr);
    }
    for (const card::Family& family : cards.held_by(patient)) {
        if (!cards.in_force(family)) continue;
        const auto theirs = cards.of_person(family.patient);
        if (!theirs.empty()) add(theirs.front(), &family);
    }
    return arena.object({{"name", name_json(visit, arena, patient, false)},
                         {"cards", arena.array(all)},
                         {"may_issue", arena.boolean(!has_one && cards.policy().self_issue)},
                         {"lifetime", arena.number(cards.policy().lifetime_s)},
                         {"now", arena.string(calendar::instant_text(visit.house.clock.now_ms()))}});
}

json::Value person_cards_json(Visit& visit, json::Arena& arena, const std::string& patient) {
    const card::Cards& cards = *visit.house.cards;
    std::vector<json::Value> own, shown, held, bands;
    for (const card::Card& each : cards.of_person(patient)) own.push_back(card_json(arena, each));
    for (const card::Family& each : cards.shown_for(patient)) shown.push_back(family_json(visit, arena, each));
    for (const card::Family& each : cards.held_by(patient)) held.push_back(family_json(visit, arena, each));
    const card::Policy& policy = cards.policy();
    for (const card::Band& each : policy.family)
        bands.push_back(arena.object({{"id", arena.string(each.id)},
                                      {"zh", arena.string(each.zh)},
                                      {"en", arena.string(each.en)},
                                      {"from_age", arena.number(std::int64_t{each.from_age})},
                                      {"below_age", arena.number(std::int64_t{each.below_age})},
                                      {"consent", arena.boolean(each.consent)},
                                      {"months", arena.number(std::int64_t{each.months})}}));
    const json::Value rules = arena.object({{"paper", arena.boolean(policy.paper)},
                                            {"paper_days", arena.number(policy.paper_days)},
                                            {"lifetime", arena.number(policy.lifetime_s)},
                                            {"holder_from_age", arena.number(std::int64_t{policy.holder_from_age})},
                                            {"family", arena.array(bands)}});
    return arena.object({{"patient", arena.string(patient)},
                         {"name", name_json(visit, arena, patient, true)},
                         {"cards", arena.array(own)},
                         {"families", arena.array(shown)},
                         {"holds", arena.array(held)},
                         {"policy", rules}});
}

json::Value scan_json(Visit& visit, json::Arena& arena, const card::Scan& scan, std::int64_t clock_ahead_s) {
    json::Value card, person;
    if (scan.card)
        card = arena.object({{"number", arena.string(card::number_text(scan.card->number))},
                             {"kind", arena.string(card::text(scan.judged.token.kind))},
                             {"state", arena.string(scan.card->state)}});
    if (!scan.patient.empty()) {
        const auto found = summary_of(visit, scan.patient);
        person = arena.object({{"id", arena.string(scan.enterprise_id)},
                               {"patient", arena.string(scan.patient)},
                               {"name", arena.string(found ? found->name : "")},
                               {"sex", arena.string(found ? found->sex : "")},
                               {"birth_date", arena.string(found ? found->birth_date : "")},
                               {"identifier", arena.string(found ? found->identifier : "")}});
    }
    return arena.object({{"accepted", arena.boolean(!scan.patient.empty())},
                         {"reason", arena.string(card::text(scan.judged.verdict))},
                         {"message", arena.string(scan.judged.en)},
                         {"message_zh", arena.string(scan.judged.zh)},
                         {"seconds", arena.number(scan.judged.seconds)},
                         {"clock_ahead", arena.number(clock_ahead_s)},
                         {"needs_document", arena.boolean(scan.needs_document)},
                         {"masked_name", scan.needs_document ? arena.string(scan.masked_name) : json::Value()},
                         {"card", card},
                         {"person", person}});
}

}  // namespace xinglin::server
