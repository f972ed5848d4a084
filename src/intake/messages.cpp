// SPDX-License-Identifier: Apache-2.0
// Looking at messages, mending them, and storing them again.
#include <algorithm>

#include <fmt/format.h>

#include "intake/inside.h"

namespace xinglin::intake {

namespace {

Outcome no_such_message() { return refuse(IssueCode::not_found, "id", "there is no such message"); }

Outcome not_rejected(const Line& line) {
    return refuse(IssueCode::conflict, "id",
                  fmt::format("the message is {}; only rejected ones are in the error queue", text(line.state)));
}

Waiting waiting_of(const Line& line) {
    return {.number = line.number,
            .source = line.source,
            .received_ms = line.received_ms,
            .sent_ms = line.sent_ms,
            .control_id = line.control_id};
}

}  // namespace

Page Intake::find(const Wanted& wanted) {
    return inside_->reading.with([&](Ledger& ledger) { return ledger.find(wanted); });
}

std::optional<Line> Intake::line(Number number) {
    return inside_->reading.with([&](Ledger& ledger) { return ledger.line(number); });
}

std::optional<std::string> Intake::raw(Number number) {
    return inside_->reading.with([&](Ledger& ledger) { return ledger.raw(number); });
}

std::vector<Event> Intake::events(Number number) {
    return inside_->reading.with([&](Ledger& ledger) { return ledger.events(number); });
}

std::vector<ErrorGroup> Intake::errors(const std::string& source) {
    return inside_->reading.with([&](Ledger& ledger) { return ledger.errors(source); });
}

Result<message::Converted> Intake::convert_again(Number number) {
    const auto found = line(number);
    if (!found) return no_such_message();
    const auto bytes = raw(number);
    if (!bytes) return refuse(IssueCode::deleted, "id", "the raw message is no longer kept");
    const auto source = inside_->source_of(found->source);
    const Format* format = source ? inside_->format_of(source->format_name()) : nullptr;
    if (!format || !format->convert)
        return refuse(IssueCode::not_supported, "format", "nothing here reads the format of this source");
    auto converted = format->convert(*bytes, *source, source->format_variant());
    if (converted.ok() && converted->tree) converted->bundle = converted->text();
    return converted;
}

std::string Intake::explain(Number number, std::string& encoding) {
    const auto found = line(number);
    const auto source = found ? inside_->source_of(found->source) : nullptr;
    const Format* format = source ? inside_->format_of(source->format_name()) : nullptr;
    const auto bytes = format && format->explain ? raw(number) : std::nullopt;
    return bytes ? format->explain(*bytes, *source, encoding) : "[]";
}

void Intake::Inside::put_back(const std::vector<Waiting>& waiting) {
    std::vector<std::shared_ptr<Work>> works;
    for (const Waiting& one : waiting) {
        if (!ours || (behind && one.number > scanned)) continue;  // found by whoever looks after the belt
        works.push_back(work_of(one, true));
    }
    std::map<std::string, std::int64_t> by_source;
    for (const Waiting& one : waiting) ++by_source[one.source];
    conveyor->push(std::move(works));
    const std::lock_guard lock(live_mutex);
    for (const auto& [source, count] : by_source) live[source].total.rejected -= count;
}

Result<Done> Intake::retry(Number number, const std::string& who) {
    const auto found = line(number);
    if (!found) return no_such_message();
    if (found->state != State::rejected) return not_rejected(*found);
    if (found->source == unknown_source) {  // does anybody know the sender by now?
        const auto bytes = raw(number);
        if (!bytes) return refuse(IssueCode::deleted, "id", "the raw message is no longer kept");
        const Format* format = inside_->format_of("hl7v2");
        const auto facts = format && format->glance ? format->glance(*bytes) : Result<message::Facts>(message::Facts{});
        if (!facts.ok() || !inside_->sender_of("hl7v2", *facts))
            return refuse(IssueCode::conflict, "id",
                          "still no source has this application and facility; add them to a source's senders first");
        Arrival arrival{.format = "hl7v2", .bytes = *bytes, .instead_of = number};
        if (auto receipt = receive_and_wait(std::move(arrival)); !receipt.ok()) return std::move(receipt).outcome();
        inside_->in_writer([&](Ledger& ledger) { ledger.note(number, inside_->clock.now_ms(), "retry", "by " + who); });
        return Done{};
    }
    std::vector<Waiting> back;
    std::optional<Outcome> no;
    inside_->in_writer(
        [&](Ledger& ledger) {
            const auto now = ledger.line(number);
            if (now->state != State::rejected) {
                no = not_rejected(*now);
                return;
            }
            ledger.change(*now, State::waiting, 0, "", "", "");
            ledger.note(number, inside_->clock.now_ms(), "retry",
                        fmt::format("by {}; was: {}: {}", who, now->where, now->reason));
            back.push_back(waiting_of(*now));
        },
        [&] { inside_->put_back(back); });
    if (no) return std::move(*no);
    return Done{};
}

Result<std::int64_t> Intake::retry_all(const std::string& source, const std::string& where, const std::string& reason,
                                       const std::string& who) {
    constexpr std::size_t at_once = 1'000;
    const auto numbers = inside_->reading.with([&](Ledger& ledger) { return ledger.rejected(source, where, reason); });
    std::int64_t done = 0;
    if (source == unknown_source) {
        for (const Number number : numbers) done += retry(number, who).ok() ? 1 : 0;
        return done;
    }
    for (std::size_t from = 0; from < numbers.size(); from += at_once) {
        std::vector<Waiting> back;
        inside_->in_writer(
            [&](Ledger& ledger) {
                back.clear();
                for (std::size_t i = from; i < std::min(numbers.size(), from + at_once); ++i) {
                    const auto now = ledger.line(numbers[i]);
                    if (!now || now->state != State::rejected || now->source == unknown_source) continue;
                    ledger.change(*now, State::waiting, 0, "", "", "");
                    ledger.note(now->number, inside_->clock.now_ms(), "retry", "by " + who + ", with others");
                    back.push_back(waiting_of(*now));
                }
            },
            [&] { inside_->put_back(back); });
        done += static_cast<std::int64_t>(back.size());
    }
    return done;
}

Result<Done> Intake::ignore(Number number, const std::string& reason, const std::string& who) {
    if (reason.empty()) return refuse(IssueCode::required, "reason", "is missing; say why the message need not be stored");
    if (!line(number)) return no_such_message();
    std::optional<Outcome> no;
    std::string source;
    inside_->in_writer([&](Ledger& ledger) {
        const auto now = ledger.line(number);
        if (now->state != State::rejected) {
            no = not_rejected(*now);
            return;
        }
        source = now->source;
        ledger.change(*now, State::ignored, inside_->clock.now_ms(), now->where, now->reason, "");
        ledger.note(number, inside_->clock.now_ms(), "ignore", fmt::format("by {}: {}", who, reason));
    });
    if (no) return std::move(*no);
    const std::lock_guard lock(inside_->live_mutex);
    --inside_->live[source].total.rejected;
    ++inside_->live[source].total.ignored;
    return Done{};
}

Result<Receipt> Intake::resubmit(Number number, std::string bytes, const std::string& reason, const std::string& who) {
    if (reason.empty()) return refuse(IssueCode::required, "reason", "is missing; say what was mended");
    const auto found = line(number);
    if (!found) return no_such_message();
    if (found->state != State::rejected) return not_rejected(*found);
    if (const auto before = raw(number); before && *before == bytes)
        return refuse(IssueCode::value, "text", "is unchanged; retry the message instead");
    Arrival arrival{.source = found->source, .bytes = std::move(bytes), .instead_of = number};
    if (found->source == unknown_source) {
        arrival.source.clear();
        arrival.format = "hl7v2";
    }
    XINGLIN_TRY(Receipt receipt, receive_and_wait(std::move(arrival)));
    const std::int64_t now_ms = inside_->clock.now_ms();
    inside_->in_writer([&](Ledger& ledger) {
        ledger.note(number, now_ms, "resubmit", fmt::format("by {} as message {}: {}", who, receipt.number, reason));
        ledger.note(receipt.number, now_ms, "resubmit", fmt::format("by {} in place of message {}: {}", who, number, reason));
    });
    return receipt;
}

namespace {

std::vector<DayLine> lines_of(Ledger& ledger, std::int64_t offset_minutes, std::int64_t day, const std::string& source) {
    const std::int64_t from_ms = day * day_ms - offset_minutes * 60'000, to_ms = from_ms + day_ms;
    std::vector<DayLine> all;
    ledger.connection().begin_read();  // both counts of one moment
    try {
        const auto totals = ledger.totals(hour_of(from_ms), hour_of(to_ms));
        const auto counted = ledger.counted(from_ms, to_ms, source);
        for (const auto& [id, counts] : totals) {
            if (!source.empty() && id != source) continue;
            const auto found = counted.find(id);
            const std::array<std::int64_t, 5> states = found == counted.end() ? std::array<std::int64_t, 5>{} : found->second;
            DayLine line{.source = id, .counts = counts, .waiting = states[0]};
            const std::int64_t lines = states[0] + states[1] + states[2] + states[3] + states[4];
            line.balanced = counts.received == lines && counts.stored == states[1] && counts.rejected == states[2] &&
                            counts.duplicate == states[3] && counts.ignored == states[4] && counts.waiting() == states[0];
            all.push_back(std::move(line));
        }
        ledger.connection().rollback();
    } catch (...) {
        if (ledger.connection().in_transaction()) ledger.connection().rollback();
        throw;
    }
    return all;
}

}  // namespace

std::vector<DayLine> Intake::day(std::int64_t day, const std::string& source) {
    return inside_->reading.with([&](Ledger& ledger) { return lines_of(ledger, inside_->base.offset_minutes, day, source); });
}

std::vector<DayLine> ledger_of(const std::string& place, std::int64_t offset_minutes, std::int64_t day,
                               const std::string& source) {
    Ledger ledger(sql::open(place, {.read_only = true, .cache_bytes = 8 << 20, .lane = "xinglin intake"}), sql::values_of(place));
    return lines_of(ledger, offset_minutes, day, source);
}

namespace {

/// Stores messages one after the other in a record that is not the ledger's own.
class Elsewhere {
public:
    Elsewhere(ingest::Transactions& ingest, Reading& reading)
        : ingest_(ingest), reading_(reading), lateness_([&reading](std::int64_t patient, Number before) {
              return reading.with([&](Ledger& ledger) { return ledger.newest_sent(patient, before); });
          }) {}
    ~Elsewhere() { finish(); }
    void store(std::shared_ptr<Work> work) {
        convert(*work, ingest_, {});  // as told: that record has registers of its own, or none
        if (work->refusal) return;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return in_flight_ < 256; });
            ++in_flight_;
        }
        ingest::Unless unless;
        if (lateness_.is_late(*work)) {
            unless = unless_of(work, [this](const std::string& source, const std::string& id) {
                return reading_.with([&](Ledger& ledger) { return ledger.writer_of(source, id); });
            });
        }
        const ingest::Submit submit = std::exchange(work->submit, {});
        submit(std::move(unless), [this, work](Result<ingest::BundleAnswer> answer) {
            const std::lock_guard lock(mutex_);
            --in_flight_;
            if (answer.ok()) ++stored_;
            else if (!problem_ && answer.outcome().code() == IssueCode::transient) problem_ = answer.outcome();
            changed_.notify_all();
        });
    }
    void finish() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return in_flight_ == 0; });
    }
    Result<std::int64_t> result() {
        finish();
        const std::lock_guard lock(mutex_);
        if (problem_) return *problem_;
        return stored_;
    }

private:
    ingest::Transactions& ingest_;
    Reading& reading_;
    Lateness lateness_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::size_t in_flight_ = 0;
    std::int64_t stored_ = 0;
    std::optional<Outcome> problem_;
};

}  // namespace

Result<std::int64_t> Intake::replay(const std::string& source, std::int64_t from_ms, std::int64_t to_ms,
                                    ingest::Transactions* into) {
    constexpr std::size_t at_once = 500;
    if (!source.empty() && !inside_->source_of(source)) return refuse(IssueCode::not_found, "source", "there is no such source");
    std::optional<Elsewhere> elsewhere;
    if (into) elsewhere.emplace(*into, inside_->questions);
    std::int64_t given = 0;
    for (Number after = 0;;) {
        const auto some =
            inside_->reading.with([&](Ledger& ledger) { return ledger.received(source, from_ms, to_ms, after, at_once); });
        if (some.empty()) break;
        std::vector<std::shared_ptr<Work>> works;
        for (const Waiting& one : some) {
            after = one.number;
            if (one.state != State::stored) continue;
            auto work = inside_->work_of(one, true);
            if (auto bytes = raw(one.number)) work->bytes = std::move(*bytes);
            else continue;
            ++given;
            if (elsewhere) work->before = State::waiting;  // there it is not yet
            if (elsewhere) elsewhere->store(std::move(work));
            else works.push_back(std::move(work));
        }
        if (elsewhere) continue;
        while (inside_->conveyor->size() > inside_->options.window / 2)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        inside_->conveyor->push(std::move(works));
    }
    if (elsewhere) return elsewhere->result();
    return given;
}

}  // namespace xinglin::intake
