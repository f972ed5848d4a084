// SPDX-License-Identifier: Apache-2.0
// `xinglin intake ledger` and `xinglin intake replay`: the ledger printed, and a record made again from what was received.
#include <cstdio>
#include <iostream>

#include "intake/intake.h"
#include "json/json.h"
#include "record/record.h"
#include "server/commands.h"
#include "server/folder.h"
#include "server/intake_words.h"
#include "server/live_formats.h"
#include "server/mapping_shelf.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {
Result<content::Files> content_of(const fs::path& overlay) {
    if (overlay.empty()) return content::Files();
    return content::Files::over(overlay);
}
}  // namespace

int print_ledger(const LedgerCommand& options) {
    if (options.store.empty()) {
        if (const auto folder = find_folder(options.data); !folder.ok()) return environment(folder.outcome());
        if (!fs::exists(options.data / "intake.db"))
            return complain(options.data.string(), "has no ledger yet, start `xinglin serve` with it first", exit_refused);
    }
    const auto day = day_number(options.day);
    if (!day) return complain("--day", "must be a day, 2026-11-22", exit_usage);
    const std::string place = options.store.empty() ? (options.data / "intake.db").string() : options.store;
    const auto content = content_of(options.content);
    if (!content.ok()) return environment(content.outcome());
    const auto usual = intake::default_source(*content);
    if (!usual.ok()) return environment(usual.outcome());
    const auto lines = intake::ledger_of(place, usual->offset_minutes, *day, options.source);
    if (options.json) {
        json::Arena arena;
        std::printf("%s\n", json::write(ledger_json(options.day, lines, arena)).c_str());
    } else {
        std::cout << ledger_csv(options.day, lines);
    }
    for (const intake::DayLine& line : lines) {
        if (!line.balanced)
            return complain(line.source, "does not balance, keep a backup of the data folder and report it", exit_refused);
    }
    return exit_done;
}

int replay_messages(const ReplayCommand& options) {
    if (const auto folder = find_folder(options.data); !folder.ok()) return environment(folder.outcome());
    if (!fs::exists(options.data / "intake.db"))
        return complain(options.data.string(), "has no ledger, there is nothing to replay", exit_refused);
    const calendar::SystemClock clock;
    const auto instant = [&](const std::string& text, std::int64_t absent) -> std::optional<std::int64_t> {
        if (text.empty()) return absent;
        const auto moment = calendar::parse_date_time(text, true);
        if (!moment) return std::nullopt;
        return calendar::span_of(*moment, calendar::local_offset_minutes()).low_ms;
    };
    const auto from = instant(options.from, 0), to = instant(options.until, calendar::end_of_time_ms);
    if (!from) return complain("--from", "is no date or instant, write 2026-11-22T08:00:00+08:00", exit_usage);
    if (!to) return complain("--until", "is no date or instant, write 2026-11-22T08:00:00+08:00", exit_usage);
    if (const auto folder = make_folder(options.to); !folder.ok()) return environment(folder.outcome());
    auto record = record::Store::open(options.to, clock);
    if (!record.ok()) return environment(record.outcome());
    ingest::Transactions ingest(**record);
    const auto content = content_of(options.content);
    if (!content.ok()) return environment(content.outcome());
    const terminology::Terminology terms(*content, clock);
    auto formats = live_formats(*content, mapping_text(options.data, *content), terminology_lookup(terms));
    if (!formats.ok()) return environment(formats.outcome());
    // Nothing of what waits in the ledger is stored: it belongs to the record beside it.
    auto intake =
        intake::Intake::open({.data = options.data, .in_flight = 0}, **record, ingest, clock, *content, std::move(*formats));
    if (!intake.ok()) return environment(intake.outcome());
    const auto stored = (*intake)->replay(options.source, *from, *to, &ingest);
    if (!stored.ok()) return refused(stored.outcome());
    std::printf("%s messages stored in %s\n", grouped(static_cast<std::uint64_t>(*stored)).c_str(), options.to.c_str());
    return exit_done;
}

}  // namespace xinglin::server
