// SPDX-License-Identifier: Apache-2.0
// A card at the counter: signature and time, then what only the house knows: is the card alive, was this code used, who is it.
#include <algorithm>

#include <fmt/format.h>

#include "card/inside.h"

namespace xinglin::card {

namespace {

constexpr int most_wrong = 5;
constexpr std::int64_t wrong_ms = 300'000;

void say_dead(Judged& judged, const Card& card, std::int64_t now_ms) {
    judged.verdict = Verdict::revoked;
    judged.seconds = std::max<std::int64_t>(0, (now_ms - card.changed_ms) / 1'000);
    const std::string day = day_text(day_of(card.changed_ms));
    if (card.state == "lost") {
        judged.en = fmt::format("This card was reported lost on {}. Do not accept it; ask for a document.", day);
        judged.zh = fmt::format("此卡已于{}挂失，请勿受理，改用身份证件。", day);
    } else if (card.state == "replaced") {
        judged.en = fmt::format("This card was replaced by another on {}. Ask for the new one.", day);
        judged.zh = fmt::format("此卡已于{}换发新卡，请出示新卡。", day);
    } else {
        judged.en = fmt::format("This card was ended on {}. Do not accept it; ask for a document.", day);
        judged.zh = fmt::format("此卡已于{}注销，请勿受理，改用身份证件。", day);
    }
}

void say_used(Judged& judged, const Used& used, std::int64_t now_ms, const Judging& judging) {
    judged.verdict = Verdict::replayed;
    judged.seconds = std::max<std::int64_t>(0, (now_ms - used.at_ms) / 1'000);
    put_words(judged, judging);
    if (used.place.empty()) return;
    judged.en += fmt::format(" It was at: {}.", used.place);
    judged.zh += fmt::format("使用地点：{}。", used.place);
}

void refuse_scan(Judged& judged, std::string en, std::string zh) {
    judged.verdict = Verdict::revoked;
    judged.en = std::move(en);
    judged.zh = std::move(zh);
}

}  // namespace

std::string masked_name(std::string_view name) {
    std::string out;
    std::size_t at = 0;
    for (const char c : name) {
        const bool begins = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
        if (begins) ++at;
        if (at == 1) out += c;
        else if (begins) out += '*';
    }
    return out;
}

Scan Cards::scan(std::string_view scanned, const ScanAsked& asked) {
    Inside& house = *inside_;
    const std::int64_t now_ms = house.clock.now_ms();
    const Judging judging{.now_s = now_ms / 1'000,
                          .tolerance_s = house.policy.tolerance_s,
                          .revoked = nullptr,
                          .clock_ahead_s = asked.clock_ahead_s};
    Scan scan;
    scan.judged = judge(scanned, *house.keys->set(), judging);
    if (scan.judged.verdict == Verdict::unknown_key)
        scan.judged = judge(scanned, *house.keys->set(true), judging);  // another process's new key
    const bool is_ours = scan.judged.verdict != Verdict::malformed && scan.judged.verdict != Verdict::unknown_key &&
                         scan.judged.verdict != Verdict::signature;
    if (is_ours) scan.card = house.read_card(scan.judged.token.number);
    if (scan.judged.verdict != Verdict::good) return scan;
    if (!scan.card) {
        refuse_scan(scan.judged,
                    "This card is not in the record: it was restored from before the card was issued. Issue another.",
                    "档案中没有此卡（可能从较早的备份恢复），请重新发卡。");
        return scan;
    }
    if (scan.card->state != "active") {
        say_dead(scan.judged, *scan.card, now_ms);
        return scan;
    }
    const Identity identity = house.identity_of(scan.card->patient);
    if (identity.patient.empty()) {
        refuse_scan(scan.judged, "The record of who had this card was deleted. Look the person up.",
                    "持卡人的档案已删除，请按姓名查找。");
        return scan;
    }
    std::vector<Presence> opens;
    if (house.policy.opens_minutes > 0 && !asked.who.empty()) {
        for (std::string& each : house.patients_of(identity.patient))
            opens.push_back({std::move(each), now_ms + house.policy.opens_minutes * 60'000});
    }
    if (scan.judged.token.kind == Kind::paper) {
        scan.needs_document = house.policy.paper_needs_check;
        scan.masked_name = masked_name(identity.name);
        if (scan.needs_document && !house.compare(scan, identity, asked, now_ms)) return scan;
        house.keys->open_to(asked.who, opens);
    } else if (const auto used = house.keys->use(scan.judged.token, {now_ms, asked.who, asked.place}, opens)) {
        say_used(scan.judged, *used, now_ms, judging);
        return scan;
    }
    scan.needs_document = false;
    scan.patient = identity.patient;
    scan.enterprise_id = house.persons.enterprise_of(identity.patient);
    ++house.generation;
    return scan;
}

std::vector<Presence> Cards::shown_to(std::string_view who) const { return inside_->keys->shown_to(who); }
std::uint64_t Cards::generation() const { return inside_->generation; }

/// A printed card and the document beside it: true when they are one person's.
bool Cards::Inside::compare(Scan& scan, const Identity& identity, const ScanAsked& asked, std::int64_t now_ms) {
    if (asked.checked.empty()) return false;
    const std::lock_guard lock(tries_mutex);
    if (tries.size() > 10'000) std::erase_if(tries, [&](const auto& each) { return now_ms - each.second.since_ms > wrong_ms; });
    Tries& its = tries[scan.card->number];
    if (now_ms - its.since_ms > wrong_ms) its = {now_ms, 0};
    if (its.wrong >= most_wrong) {
        refuse_scan(scan.judged, "Too many documents did not fit this printed card. Wait five minutes, or look the person up.",
                    "证件核对多次不符，请5分钟后再试，或按姓名查找。");
        return false;
    }
    if (fits_document(identity, asked.checked)) {
        tries.erase(scan.card->number);
        return true;
    }
    ++its.wrong;
    scan.judged.en = "The document does not fit this printed card. Compare name and picture; it may be somebody else's card.";
    scan.judged.zh = "证件与纸质卡不符，请核对姓名与照片，可能是他人的卡。";
    return false;
}

}  // namespace xinglin::card
