// SPDX-License-Identifier: Apache-2.0
// What the record has for a channel's day, and what became of it. The record is read again: a version that never reached the
// queue would show.
#include <algorithm>

#include <fmt/format.h>

#include "outbound/inside.h"

namespace xinglin::outbound {

namespace {

constexpr record::Position most_read = 300'000;  // changes of a day; more are counted as queued

void write_field(std::string_view text, std::string& out) {
    const bool plain = text.find_first_of(",\"\r\n") == std::string_view::npos;
    if (!plain) out += '"';
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    if (!plain) out += '"';
}

}  // namespace

Result<Reconciliation> Outbound::reconcile(const std::string& id, std::int64_t day) {
    Inside& self = *inside_;
    const auto compiled = self.compiled_of(id);
    if (!compiled) return refuse(IssueCode::not_found, "id", "there is no such channel");
    const Channel& channel = compiled->channel();
    Reconciliation account{.day = day};
    const std::lock_guard one_at_a_time(self.follow_mutex);  // the channel's place stands still
    std::optional<Place> place;
    for (const Place& one : self.reading.read([](Queue& queue) { return queue.places(); })) {
        if (one.channel == id) place = one;
    }
    if (!place) return refuse(IssueCode::not_found, "id", "there is no such channel");
    const std::int64_t begin_ms = day * day_ms - std::int64_t{channel.offset_minutes} * 60'000;
    auto reader = self.store.reader(access::Viewer::program("outbound"));
    const record::Position day_first = reader.position_at(begin_ms - 1), day_last = reader.position_at(begin_ms + day_ms - 1);
    const record::Position from = std::max(day_first, place->filter_since), upto = std::min(day_last, place->position);
    self.reading.read([&](Queue& queue) {
        account.counts = queue.counts(id, day);
        account.difference = queue.difference(id, day, most_listed + 1);
    });
    account.have = account.counts.all();
    account.counted_in_record = day_first >= place->filter_since || place->filter_since == place->since;
    if (upto - from > most_read) account.counted_in_record = false;
    if (from < upto && upto - from <= most_read) {
        const Counts before = self.reading.read([&](Queue& queue) {
            Counts all = queue.counts(id, day), later = queue.counts(id, day, from);
            all.waiting -= later.all();  // only the sum is used
            return all;
        });
        const auto queued = self.reading.read([&](Queue& queue) { return queue.positions(id, day, from); });
        account.have = before.all();
        json::Arena arena;
        reader.changes(from, upto, [&](const record::Change& change) {
            if (!compiled->sends(*change.type)) return true;
            const bool is_queued = std::binary_search(queued.begin(), queued.end(), change.position);
            if (change.deleted) {  // goes out when what it deletes did: known to the queue only
                account.have += is_queued ? 1 : 0;
                return true;
            }
            arena.clear();
            const auto resource = json::parse(change.text, arena);
            if (!resource.ok() || compiled->judge(*change.type, *resource) == Compiled::Verdict::no) return true;
            ++account.have;
            if (is_queued) return true;
            ++account.missing;
            if (account.difference.size() <= most_listed)
                account.difference.push_back({{change.position, std::string(change.type->name), change.id, change.version, false},
                                              0,
                                              "missing",
                                              "is in the record and not in the queue"});
            return true;
        });
    }
    account.difference_is_cut = account.difference.size() > most_listed;
    if (account.difference_is_cut) account.difference.resize(most_listed);
    account.balanced = account.missing == 0 && account.have == account.counts.all();
    return account;
}

std::string csv_of(const Channel& channel, const Reconciliation& day) {
    const auto civil = calendar::civil_from_days(day.day);
    const std::string date = fmt::format("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day);
    std::string out = "channel,day,have,acknowledged,sent,waiting,refused,ignored,withheld,missing\r\n";
    write_field(channel.id, out);
    out += fmt::format(",{},{},{},{},{},{},{},{},{}\r\n\r\n", date, day.have, day.counts.acknowledged, day.counts.sent,
                       day.counts.waiting, day.counts.refused, day.counts.ignored, day.counts.withheld, day.missing);
    out += "state,resource,version,delivery,reason\r\n";
    for (const Open& open : day.difference) {
        out += fmt::format("{},{}/{},{},{},", open.state, open.item.type, open.item.id, open.item.version,
                           open.delivery == 0 ? "" : std::to_string(open.delivery));
        write_field(open.reason, out);
        out += "\r\n";
    }
    return out;
}

}  // namespace xinglin::outbound
