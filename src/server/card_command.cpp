// SPDX-License-Identifier: Apache-2.0
// `xinglin card verify`: is a scanned card sound? Without a store and without a network, for a counter that is cut off.
#include "server/card_command.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "calendar/calendar.h"
#include "card/key_set.h"
#include "json/json.h"
#include "server/commands.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

Result<std::string> read_whole(const fs::path& path, std::string_view option) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream all;
    if (!in || !(all << in.rdbuf()))
        return refuse(IssueCode::not_found, std::string(option), path.string() + " cannot be read, name a file that can");
    return std::move(all).str();
}

Result<std::int64_t> moment_of(const std::string& at) {
    if (at.empty()) return calendar::SystemClock().now_ms() / 1'000;
    const auto moment = calendar::parse_instant(at);
    if (!moment) return refuse(IssueCode::value, "--at", "must be an instant, 2026-11-22T10:00:00+08:00");
    return calendar::span_of(*moment, 0).low_ms / 1'000;
}

/// What was accepted before: a text file, one line "NUMBER NONCE EXPIRES ACCEPTED" each, locked while it is used, so that several scanners
/// of one counter may share it.
class Seen {
public:
    explicit Seen(const fs::path& path) : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        if (file_ >= 0) ::flock(file_, LOCK_EX);
    }
    ~Seen() {
        if (file_ >= 0) ::close(file_);
    }
    Seen(const Seen&) = delete;
    bool is_open() const { return file_ >= 0; }

    /// When it was accepted; nothing for the first time, which is then written down. Lines that are over go.
    Result<std::optional<std::int64_t>> take(const card::Token& token, std::int64_t now_s, std::int64_t tolerance_s) {
        std::string text, kept;
        char buffer[4096];
        for (ssize_t got; (got = ::read(file_, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(got));
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            std::string number;
            std::uint32_t nonce = 0;
            std::int64_t expires_s = 0, at_s = 0;
            if (!(words >> number >> nonce >> expires_s >> at_s)) continue;
            if (number == card::number_text(token.number) && nonce == token.nonce) return std::optional(at_s);
            if (expires_s + tolerance_s >= now_s) kept += line + "\n";
        }
        kept += fmt::format("{} {} {} {}\n", card::number_text(token.number), token.nonce, token.expires_s, now_s);
        const bool written = ::lseek(file_, 0, SEEK_SET) == 0 && ::ftruncate(file_, 0) == 0 &&
                             ::write(file_, kept.data(), kept.size()) == static_cast<ssize_t>(kept.size()) && ::fsync(file_) == 0;
        if (!written) return refuse(IssueCode::transient, "--seen", "cannot be written, make room or name another file");
        return std::optional<std::int64_t>();
    }

private:
    int file_;
};

std::string instant(std::int64_t seconds) { return calendar::instant_text(seconds * 1'000); }

void print(const card::Judged& judged, const CardVerifyCommand& options) {
    const card::Token& token = judged.token;
    if (!options.json) {
        std::printf("%s: %s\n", std::string(card::text(judged.verdict)).c_str(),
                    (options.chinese ? judged.zh : judged.en).c_str());
        if (judged.verdict != card::Verdict::malformed)
            std::printf("card %s, %s, issued %s, until %s\n", card::number_text(token.number).c_str(),
                        std::string(card::text(token.kind)).c_str(), instant(token.issued_s).c_str(),
                        instant(token.expires_s).c_str());
        return;
    }
    json::Arena arena;
    json::Value card;
    if (judged.verdict != card::Verdict::malformed)
        card = arena.object({{"number", arena.string(card::number_text(token.number))},
                             {"kind", arena.string(card::text(token.kind))},
                             {"algorithm", arena.string(card::text(token.algorithm))},
                             {"key", arena.string(card::key_text(token.key))},
                             {"region", arena.string(fmt::format("{:06}", token.region))},
                             {"issued", arena.string(instant(token.issued_s))},
                             {"expires", arena.string(instant(token.expires_s))}});
    std::printf("%s\n", json::write(arena.object({{"accepted", arena.boolean(judged.verdict == card::Verdict::good)},
                                                  {"reason", arena.string(card::text(judged.verdict))},
                                                  {"message", arena.string(judged.en)},
                                                  {"message_zh", arena.string(judged.zh)},
                                                  {"seconds", arena.number(judged.seconds)},
                                                  {"needs_document", arena.boolean(token.kind == card::Kind::paper)},
                                                  {"card", card}}))
                            .c_str());
}

/// A key set cannot come from the future: then this machine's clock is behind, whatever the card says.
void warn_of_clock(const card::KeySet& keys, std::int64_t now_s, std::int64_t tolerance_s) {
    if (keys.issued_s > now_s + tolerance_s)
        std::fprintf(stderr, "warning: the key set was issued %lld s in the future, set this machine's clock\n",
                     static_cast<long long>(keys.issued_s - now_s));
}

}  // namespace

int verify_card(const CardVerifyCommand& options) {
    std::string token = options.token;
    if (token == "-" && !std::getline(std::cin, token)) token.clear();
    const auto now_s = moment_of(options.at);
    if (!now_s.ok()) return complain("--at", now_s.outcome().issues.front().what, exit_usage);
    const auto key_text = read_whole(options.keys, "--keys");
    if (!key_text.ok()) return environment(key_text.outcome());
    const auto keys = card::KeySet::parse(*key_text);
    if (!keys.ok()) return complain("--keys", keys.outcome().issues.front().what, exit_environment);
    card::Judging judging{.now_s = *now_s, .tolerance_s = options.tolerance_s};
    std::optional<card::Revoked> revoked;
    if (!options.revoked.empty()) {
        const auto list_text = read_whole(options.revoked, "--revoked");
        if (!list_text.ok()) return environment(list_text.outcome());
        auto list = card::Revoked::parse(*list_text, *keys);
        if (!list.ok()) return complain("--revoked", list.outcome().issues.front().what, exit_environment);
        revoked = std::move(*list);
        judging.revoked = &*revoked;
    }
    warn_of_clock(*keys, *now_s, options.tolerance_s);
    card::Judged judged = card::judge(token, *keys, judging);
    if (judged.verdict == card::Verdict::good && judged.token.kind != card::Kind::paper && !options.seen.empty()) {
        Seen seen(options.seen);
        if (!seen.is_open())
            return complain("--seen", "cannot be opened, name a file in a folder that can be written", exit_environment);
        const auto before = seen.take(judged.token, *now_s, options.tolerance_s);
        if (!before.ok()) return environment(before.outcome());
        if (*before) {
            judged.verdict = card::Verdict::replayed;
            judged.seconds = std::max<std::int64_t>(0, *now_s - **before);
            card::put_words(judged, judging);
        }
    }
    print(judged, options);
    return judged.verdict == card::Verdict::good ? exit_done : exit_refused;
}

void add_card_words(CLI::App& app, Action& action) {
    CLI::App* card_word = word(app, "card", "The e-health card: is a scanned one sound? Without a store and a network",
                               "xinglin card verify --keys card-keys.json --revoked card-revoked.json --seen seen.txt -");
    card_word->require_subcommand(1);
    const auto options = std::make_shared<CardVerifyCommand>();  // shared: lives in the callback
    CLI::App* verify_word = word(
        *card_word, "verify", "Judge a token by the published key set; status 0 when the card may be accepted, 1 with the reason",
        "curl -O https://HOST/.well-known/card-keys.json; xinglin card verify --keys card-keys.json XH1…");
    verify_word->add_option("TOKEN", options->token, "what the scanner read; - takes it from standard input")->required();
    verify_word->add_option("--keys", options->keys, "the key set: /.well-known/card-keys.json")->required();
    verify_word->add_option("--revoked", options->revoked, "the list of dead cards: /.well-known/card-revoked.json");
    verify_word->add_option("--at", options->at, "the moment to judge by, 2026-11-22T10:00:00+08:00; now when not said");
    verify_word->add_option("--tolerance", options->tolerance_s, "seconds that clocks may differ")
        ->check(CLI::Range(0, 3'600))
        ->capture_default_str();
    verify_word->add_option("--seen", options->seen,
                            "a file that remembers what was accepted, so that nothing is accepted twice");
    verify_word->add_flag("--json", options->json, "print the result as JSON");
    verify_word->add_flag("--zh", options->chinese, "say the reason in Chinese");
    verify_word->callback([options, &action] { action = [options] { return verify_card(*options); }; });
}

}  // namespace xinglin::server
