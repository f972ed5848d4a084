// SPDX-License-Identifier: Apache-2.0
// The judgement of a token, and its words.
#include <fmt/format.h>

#include "card/key_set.h"

namespace xinglin::card {

namespace {

struct Span {
    std::string en, zh;
};
/// "40 s", "5 min", "3 days".
Span span_of(std::int64_t seconds) {
    if (seconds < 120) return {fmt::format("{} s", seconds), fmt::format("{}秒", seconds)};
    if (seconds < 2 * 3'600) return {fmt::format("{} min", seconds / 60), fmt::format("{}分钟", seconds / 60)};
    if (seconds < 2 * 86'400) return {fmt::format("{} h", seconds / 3'600), fmt::format("{}小时", seconds / 3'600)};
    return {fmt::format("{} days", seconds / 86'400), fmt::format("{}天", seconds / 86'400)};
}

void say(Judged& judged, std::string en, std::string zh) {
    judged.en = std::move(en);
    judged.zh = std::move(zh);
}

void say_clock(Judged& judged, std::int64_t ahead_s) {
    if (ahead_s == 0) return;
    const Span by = span_of(ahead_s > 0 ? ahead_s : -ahead_s);
    judged.en += fmt::format(" Your clock is {} {}.", by.en, ahead_s > 0 ? "ahead" : "behind");
    judged.zh += fmt::format("您的设备时钟{}了{}。", ahead_s > 0 ? "快" : "慢", by.zh);
}

void say_expired(Judged& judged, const Judging& judging) {
    const Span since = span_of(judged.seconds);
    if (judged.token.kind == Kind::paper) {
        return say(judged, fmt::format("This printed card ended {} ago. Print a new one at a counter.", since.en),
                   fmt::format("这张纸质卡已于{}前到期，请到窗口重新打印。", since.zh));
    }
    say(judged, fmt::format("The code expired {} ago. Ask for the card to be shown again; it renews itself.", since.en),
        fmt::format("二维码已于{}前过期。请让持卡人重新出示，二维码会自动更新。", since.zh));
    if (judging.clock_ahead_s != 0) return;
    const Span by = span_of(judged.seconds + (judged.token.expires_s - judged.token.issued_s) / 2);
    judged.en += fmt::format(" If it was shown just now, this clock is about {} ahead: set it.", by.en);
    judged.zh += fmt::format("如果刚刚才出示，则本机时钟约快了{}，请校准时间。", by.zh);
}

/// Is the key set itself, or the key, good for anything now?
Verdict judge_key(Judged& judged, const KeySet& keys, const Judging& judging) {
    const std::int64_t late = judging.now_s - judging.tolerance_s;
    if (late > keys.expires_s) {
        judged.seconds = judging.now_s - keys.expires_s;
        return Verdict::keys_over;
    }
    const Token& token = judged.token;
    const PublishedKey* key = keys.find(token.key, token.algorithm);
    if (!key) return Verdict::unknown_key;
    if (token.algorithm == Algorithm::es256 && !has_low_s(token.signature)) return Verdict::signature;
    if (!key->key.fits(token.signed_bytes(), token.signature)) return Verdict::signature;
    const bool in_time = token.issued_s + judging.tolerance_s >= key->signs_from_s &&
                         token.issued_s - judging.tolerance_s <= key->signs_until_s && late <= key->ends_s;
    return in_time ? Verdict::good : Verdict::key_over;
}

Verdict judge_time(Judged& judged, const Judging& judging) {
    const Token& token = judged.token;
    if (token.issued_s > judging.now_s + judging.tolerance_s) {
        judged.seconds = token.issued_s - judging.now_s;
        return Verdict::not_yet;
    }
    if (token.expires_s + judging.tolerance_s < judging.now_s) {
        judged.seconds = judging.now_s - token.expires_s;
        return Verdict::expired;
    }
    return Verdict::good;
}

Verdict judge_list(Judged& judged, const Judging& judging) {
    if (!judging.revoked) return Verdict::good;
    if (judging.revoked->has(judged.token.number)) return Verdict::revoked;
    if (judging.now_s - judging.tolerance_s <= judging.revoked->expires_s) return Verdict::good;
    judged.seconds = judging.now_s - judging.revoked->expires_s;
    return Verdict::list_over;
}

}  // namespace

std::string_view text(Verdict verdict) {
    switch (verdict) {
        case Verdict::good: return "good";
        case Verdict::malformed: return "malformed";
        case Verdict::keys_over: return "keys-over";
        case Verdict::unknown_key: return "unknown-key";
        case Verdict::signature: return "signature";
        case Verdict::key_over: return "key-over";
        case Verdict::list_over: return "list-over";
        case Verdict::revoked: return "revoked";
        case Verdict::not_yet: return "not-yet";
        case Verdict::expired: return "expired";
        case Verdict::replayed: return "replayed";
    }
    return "";
}

void put_words(Judged& judged, const Judging& judging) {
    const Span span = span_of(judged.seconds);
    switch (judged.verdict) {
        case Verdict::good:
            if (judged.token.kind == Kind::paper)
                return say(judged, "The printed card is sound. It opens nothing by itself: compare an identity document.",
                           "纸质卡有效，但不能单独使用：请核对身份证件。");
            return say(judged, "The card is sound.", "电子健康卡有效。");
        case Verdict::malformed: return;  // parse_token said it
        case Verdict::keys_over:
            return say(judged, fmt::format("The key set ended {} ago. Fetch /.well-known/card-keys.json again.", span.en),
                       fmt::format("公钥集已于{}前到期，请重新获取 /.well-known/card-keys.json。", span.zh));
        case Verdict::unknown_key:
            return say(
                judged,
                fmt::format("Key {} is not in the key set: the card is another region's or the key set is old. Fetch it again.",
                            key_text(judged.token.key)),
                fmt::format("公钥集中没有密钥 {}：可能是外地卡，或公钥集已旧，请重新获取。", key_text(judged.token.key)));
        case Verdict::signature:
            return say(judged,
                       "The signature does not fit: the code was changed or forged. Do not accept it; ask for a document.",
                       "签名不符：二维码被改动或伪造，请勿受理，改用身份证件。");
        case Verdict::key_over:
            return say(judged, "The key that signed this was not in force. Ask for the card to be shown or printed anew.",
                       "签名所用密钥不在有效期内，请重新出示或重新打印。");
        case Verdict::list_over:
            return say(judged,
                       fmt::format("The list of dead cards ended {} ago. Fetch /.well-known/card-revoked.json again.", span.en),
                       fmt::format("失效卡名单已于{}前到期，请重新获取 /.well-known/card-revoked.json。", span.zh));
        case Verdict::revoked:
            return say(judged, "This card was reported lost, replaced or ended. Do not accept it; ask for a document.",
                       "此卡已挂失、换发或注销，请勿受理，改用身份证件。");
        case Verdict::not_yet:
            say(judged, fmt::format("The code was issued {} in the future: this clock is behind by that much. Set it.", span.en),
                fmt::format("二维码的签发时间在{}之后：本机时钟慢了这么多，请校准时间。", span.zh));
            return say_clock(judged, judging.clock_ahead_s);
        case Verdict::expired: say_expired(judged, judging); return say_clock(judged, judging.clock_ahead_s);
        case Verdict::replayed:
            if (judged.seconds == 0)
                return say(judged, "This code was used just now. Ask for the card to be shown again.",
                           "此二维码刚刚使用过，请让持卡人重新出示。");
            return say(judged, fmt::format("This code was used {} ago already. Ask for the card to be shown again.", span.en),
                       fmt::format("此二维码已于{}前使用过，请让持卡人重新出示。", span.zh));
    }
}

Judged judge(std::string_view scanned, const KeySet& keys, const Judging& judging) {
    Judged judged;
    auto token = parse_token(scanned);
    if (!token.ok()) {
        judged.en = "The code " + token.outcome().issues.front().what + ".";
        judged.zh = "读到的不是完整的电子健康卡二维码，请重新扫码。";
        return judged;
    }
    judged.token = std::move(*token);
    judged.verdict = judge_key(judged, keys, judging);
    if (judged.verdict == Verdict::good) judged.verdict = judge_time(judged, judging);
    if (judged.verdict == Verdict::good) judged.verdict = judge_list(judged, judging);
    put_words(judged, judging);
    return judged;
}

}  // namespace xinglin::card
