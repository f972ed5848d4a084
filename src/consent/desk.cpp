// SPDX-License-Identifier: Apache-2.0
// What the desk reads and writes, and what residents decide.
#include <algorithm>

#include <fmt/format.h>

#include "consent/desk_inside.h"
#include "fhir/id.h"
#include "people/people.h"
#include "text/text.h"

namespace xinglin::consent {

namespace {

constexpr std::size_t page = 200, most_decisions = 500;

}  // namespace

bool is_day(std::string_view text) {
    const auto moment = calendar::parse_date(text);
    return moment && moment->precision == calendar::Precision::day;
}
std::string day_text(calendar::Civil day) { return fmt::format("{:04}-{:02}-{:02}", day.year, day.month, day.day); }
calendar::Civil day_of(std::int64_t ms) {
    constexpr std::int64_t day = 86'400'000;
    const std::int64_t local = ms + 8 * 3'600'000;
    return calendar::civil_from_days(local >= 0 ? local / day : -((-local + day - 1) / day));
}
calendar::Civil months_later(calendar::Civil day, int months) {
    const int count = day.year * 12 + (day.month - 1) + months;
    const int year = count / 12, month = count % 12 + 1;
    return {year, month, std::min(day.day, calendar::days_in_month(year, month))};
}

Result<Done> fits(std::string_view where, std::string_view text, std::size_t least, std::size_t most) {
    if (!text::is_utf8(text)) return refuse(IssueCode::value, std::string(where), "must be UTF-8");
    const std::size_t characters =
        static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
    if (characters < least)
        return refuse(IssueCode::required, std::string(where), fmt::format("must be said, in {} characters at least", least));
    if (characters > most)
        return refuse(IssueCode::too_costly, std::string(where), fmt::format("must have {} characters at most", most));
    return Done{};
}

Desk::Desk(record::Store& store, const person::Persons& persons, const calendar::Clock& clock, Consents& consents,
           Notices notices)
    : inside_(new Inside{store, persons, clock, consents, std::move(notices)}) {}
Desk::~Desk() = default;

std::vector<std::string> Desk::Inside::patients_of(std::string_view patient) const {
    std::vector<std::string> all = persons.patients(patient);
    if (std::find(all.begin(), all.end(), patient) == all.end()) all.insert(all.begin(), std::string(patient));
    return all;
}

bool Desk::Inside::is_same_person(std::string_view a, std::string_view b) const {
    const auto all = patients_of(a);
    return std::find(all.begin(), all.end(), b) != all.end();
}

std::string Desk::Inside::today() const { return day_text(day_of(clock.now_ms())); }

std::optional<record::Version> Desk::Inside::read(std::string_view type, std::string_view id) const {
    auto version = reader().read(*fhir::find_resource(type), id);
    if (!version.ok()) return std::nullopt;
    return std::move(*version);
}

std::optional<calendar::Moment> Desk::Inside::birth_of(std::string_view patient) const {
    for (const std::string& id : patients_of(patient)) {
        const auto version = read("Patient", id);
        json::Arena arena;
        if (!version) continue;
        const auto parsed = json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1});
        const auto birth = parsed.ok() ? calendar::parse_date((*parsed)["birthDate"].string()) : std::nullopt;
        if (birth && birth->precision == calendar::Precision::day) return birth;
    }
    return std::nullopt;
}

std::string Desk::Inside::name_of(std::string_view type, std::string_view id) const {
    const auto version = read(type, id);
    json::Arena arena;
    if (!version) return {};
    const auto parsed = json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1});
    if (!parsed.ok()) return {};
    if (type == "Organization") return std::string((*parsed)["name"].string());
    return people::display_name(*parsed);
}

std::vector<record::Version> Desk::Inside::found(std::string_view type, std::vector<std::pair<std::string, std::string>> asked,
                                                 std::size_t most) const {
    const fhir::Type* of = fhir::find_resource(type);
    asked.emplace_back("_count", std::to_string(page));
    std::vector<record::Version> out;
    record::Reader from = reader();
    std::string next;
    do {
        auto all = asked;
        if (!next.empty()) all.emplace_back("_page", next);
        const auto query = search::parse(std::span(&of, 1), all);
        if (!query.ok()) throw std::logic_error("a query of ours: " + query.outcome().line());
        auto some = from.search(*query);
        if (!some.ok()) throw std::logic_error("a search of ours: " + some.outcome().line());
        for (auto& each : some->entries) out.push_back(std::move(each.version));
        next = some->next;
    } while (!next.empty() && out.size() < most);
    return out;
}

Result<Done> Desk::Inside::write(const std::vector<Write>& writes) {
    std::vector<record::Prepared> prepared;
    for (const Write& each : writes) {
        json::Arena arena;
        XINGLIN_TRY(const json::Value resource, json::parse(each.text, arena, {.depth = 1'000, .bytes = each.text.size() + 1}));
        prepared.push_back(store.prepare(*fhir::find_resource(each.type), each.id, resource));
    }
    XINGLIN_CHECK(store.submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
        for (const Write& each : writes) {
            const auto present = transaction.state(*fhir::find_resource(each.type), each.id);
            if ((present ? present->version : 0) != each.present)
                return refuse(IssueCode::conflict, "consent", "was changed by somebody else just now; look at it again");
        }
        for (std::size_t i = 0; i < writes.size(); ++i) transaction.put(prepared[i], writes[i].present == 0, false);
        return Done{};
    }));
    consents.catch_up();
    return Done{};
}

Result<Decision> Desk::Inside::read_back(std::string_view id) const {
    const auto version = read("Consent", id);
    auto decision = version ? decision_of(*version, settings(), clock.now_ms()) : std::nullopt;
    if (!decision) return refuse(IssueCode::not_found, "consent", "there is no such consent");
    return std::move(*decision);
}

std::optional<Decision> Desk::decision(std::string_view id) const {
    auto found = inside_->read_back(id);
    return found.ok() ? std::optional(std::move(*found)) : std::nullopt;
}

std::vector<Decision> Desk::decisions(std::string_view patient) const {
    if (!fhir::is_id(patient)) return {};
    const std::string who = fmt::format("Patient/{}", fmt::join(inside_->patients_of(patient), ",Patient/"));
    std::vector<Decision> out;
    for (const record::Version& version :
         inside_->found("Consent", {{"patient", who}, {"_sort", "-_lastUpdated"}}, most_decisions)) {
        auto decision = decision_of(version, inside_->settings(), inside_->clock.now_ms());
        if (decision) out.push_back(std::move(*decision));
    }
    const auto rank = [](const Decision& each) {
        return each.state == "active" || each.state == "accepted" ? 0 : each.state == "waiting" ? 1 : 2;
    };
    std::stable_sort(out.begin(), out.end(), [&](const Decision& a, const Decision& b) { return rank(a) < rank(b); });
    return out;
}

namespace {

Result<Done> fits_days(const Wish& wish, const std::string& today) {
    for (const std::string* day : {&wish.from, &wish.until})
        if (!day->empty() && !is_day(*day))
            return refuse(IssueCode::value, day == &wish.from ? "from" : "until", "must be a day, 2027-11-22");
    if (!wish.until.empty() && wish.until < today) return refuse(IssueCode::value, "until", "must not lie in the past");
    if (!wish.until.empty() && !wish.from.empty() && wish.until < wish.from)
        return refuse(IssueCode::value, "until", "must not lie before from");
    return Done{};
}

Result<Done> fits_hand(const Hand& hand) {
    XINGLIN_CHECK(fits("document", hand.document, 0, 100));
    XINGLIN_CHECK(fits("witness", hand.witness, 0, 100));
    if (hand.performer.empty() && hand.document.empty())
        return refuse(IssueCode::required, "document", "is missing: the number of the paper the resident signed");
    return Done{};
}

bool is_the_same(const Decision& decision, const Wish& wish) {
    return decision.kind == "decision" && decision.state == "active" && decision.whole &&
           decision.institution == wish.institution && decision.practitioner == wish.practitioner &&
           decision.categories == wish.categories && decision.account.empty();
}

}  // namespace

Result<Decision> Desk::decide(const Wish& given, const Hand& hand) {
    Wish wish = given;
    const Settings& settings = inside_->settings();
    if (!inside_->read("Patient", wish.patient))
        return refuse(IssueCode::not_found, "patient", "there is no such Patient in the record");
    if (!wish.institution.empty() && !wish.practitioner.empty())
        return refuse(IssueCode::value, "practitioner", "name an institution or a practitioner, not both");
    Paper paper;
    for (const auto& [type, id] :
         {std::pair<std::string, std::string>{"Organization", wish.institution}, {"Practitioner", wish.practitioner}}) {
        if (id.empty()) continue;
        if (!inside_->read(type, id))
            return refuse(IssueCode::not_found, type == "Organization" ? "institution" : "practitioner", "is not in the record");
        paper.actor = type + "/" + id;
        paper.actor_name = inside_->name_of(type, id);
    }
    std::vector<std::string> ordered;  // as the content has them, once each
    for (const Category& each : settings.categories)
        if (std::find(wish.categories.begin(), wish.categories.end(), each.id) != wish.categories.end())
            ordered.push_back(each.id);
    for (const std::string& each : wish.categories)
        if (!settings.category(each))
            return refuse(IssueCode::value, "categories",
                          "\"" + each.substr(0, 40) + "\" is no category; see /api/v1/consent/choices");
    wish.categories = ordered;
    XINGLIN_CHECK(fits_days(wish, inside_->today()));
    XINGLIN_CHECK(fits_hand(hand));
    paper.id = "consent-" + inside_->store.new_id();
    paper.patient = wish.patient;
    paper.kind = "decision";
    paper.permit = wish.permit;
    paper.labels = settings.labels_of(wish.categories);
    paper.from = wish.from, paper.until = wish.until;
    paper.date_time = calendar::instant_text(inside_->clock.now_ms());
    paper.parts = parts_of(hand);
    paper.hand = hand;
    std::vector<Inside::Write> writes{{"Consent", paper.id, consent_text(paper), 0}};
    for (const Decision& before : decisions(wish.patient)) {
        if (!is_the_same(before, wish)) continue;  // the newer one would count anyway; this keeps the list short and honest
        XINGLIN_TRY(Inside::Write ended,
                    inside_->changed(before, "inactive", {{"reason", "replaced"}, {"ended-by", hand.account}}));
        writes.push_back(std::move(ended));
    }
    XINGLIN_CHECK(inside_->write(writes));
    return inside_->read_back(paper.id);
}

Result<Decision> Desk::end(std::string_view id, std::string_view patient, const Hand& hand, std::string_view why) {
    XINGLIN_CHECK(fits("why", why, 0, 200));
    XINGLIN_TRY(const Decision decision, inside_->read_back(id));
    const bool own = inside_->is_same_person(decision.patient, patient);
    const bool holds = !decision.holder.empty() && inside_->is_same_person(decision.holder, patient);
    if (!own && !holds) return refuse(IssueCode::not_found, "consent", "there is no such consent");
    if (decision.state == "ended" || decision.state == "declined")
        return refuse(IssueCode::conflict, "consent", "has ended already");
    XINGLIN_TRY(Inside::Write ended,
                inside_->changed(decision, "inactive", {{"reason", std::string(why)}, {"ended-by", hand.account}}));
    XINGLIN_CHECK(inside_->write({std::move(ended)}));
    return inside_->read_back(id);
}

Result<std::size_t> Desk::reopen(std::string_view patient, const Hand& hand) {
    std::vector<Inside::Write> writes;
    for (const Decision& decision : decisions(patient)) {
        if (decision.state != "active" || decision.permit || decision.kind == "proxy") continue;
        XINGLIN_TRY(Inside::Write ended,
                    inside_->changed(decision, "inactive", {{"reason", "reopened"}, {"ended-by", hand.account}}));
        writes.push_back(std::move(ended));
    }
    if (!writes.empty()) XINGLIN_CHECK(inside_->write(writes));
    return writes.size();
}

}  // namespace xinglin::consent
