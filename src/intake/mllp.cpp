// SPDX-License-Identifier: Apache-2.0
// One talk for each connection: frames in, answers out in the order of their messages.
#include "intake/mllp.h"

#include <deque>
#include <mutex>

#include <fmt/format.h>

#include "hl7v2/hl7v2.h"

namespace xinglin::intake {

namespace {

using Clock = std::chrono::steady_clock;

/// "20261122081500+0800", by China's clock.
std::string hl7_time(std::int64_t now_ms) {
    constexpr std::int64_t offset_ms = 8 * 3'600'000, of_day_ms = 86'400'000;
    const std::int64_t local = now_ms + offset_ms, day = local / of_day_ms, seconds = local % of_day_ms / 1000;
    const calendar::Civil date = calendar::civil_from_days(day);
    return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}+0800", date.year, date.month, date.day, seconds / 3600, seconds / 60 % 60,
                       seconds % 60);
}

/// Answers leave in the order of the messages, whoever is settled first. Held by the talk and by whoever owes an answer.
class Answers {
public:
    Answers(std::shared_ptr<http::Wire> wire, std::size_t most, std::shared_ptr<MllpFigures> figures)
        : wire_(std::move(wire)), most_(most), figures_(std::move(figures)) {}

    std::uint64_t owe() {
        const std::lock_guard lock(mutex_);
        slots_.emplace_back();
        if (slots_.size() == most_) wire_->hold(true);
        return first_ + slots_.size() - 1;
    }
    /// "" when the sender asked for none.
    void give(std::uint64_t slot, std::string answer) {
        const std::lock_guard lock(mutex_);
        if (slot < first_ || slot - first_ >= slots_.size()) return;
        slots_[slot - first_] = std::move(answer);
        std::string ready;
        const std::size_t before = slots_.size();
        while (!slots_.empty() && slots_.front()) {
            if (!slots_.front()->empty()) ++figures_->answers, ready += hl7v2::frame(*slots_.front());
            slots_.pop_front();
            ++first_;
        }
        if (before >= most_ && slots_.size() < most_) wire_->hold(false);
        if (!ready.empty()) wire_->send(std::move(ready));
        if (ending_ && slots_.empty()) wire_->end();
    }
    /// Beside the order: what an enhanced sender is told once its message is stored.
    void add(const std::string& answer) { wire_->send(hl7v2::frame(answer)); }
    /// Closes once every answer owed is sent.
    void end() {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        if (slots_.empty()) wire_->end();
    }

private:
    const std::shared_ptr<http::Wire> wire_;  // shared with the port
    const std::size_t most_;
    const std::shared_ptr<MllpFigures> figures_;  // shared: answers may be given when the door is gone
    std::mutex mutex_;                            // guards what follows
    std::deque<std::optional<std::string>> slots_;
    std::uint64_t first_ = 0;
    bool ending_ = false;
};

/// One message that is owed an answer.
struct Owed {
    std::shared_ptr<Answers> answers;  // shared: the connection may be gone
    std::uint64_t slot = 0;
    std::shared_ptr<const hl7v2::Message> message;  // empty when it could not be read; shared by both callbacks
    std::string bytes;                              // then these
    std::string now;

    std::string control_id() const { return fmt::format("XL{}{}", now.substr(2, 12), slot % 100'000); }
    void answer(bool accepted, bool broken, const Outcome& why) const {
        if (!message) {  // unreadable, perhaps not for the first time
            const Outcome again = refuse(IssueCode::invalid, "message", "was received and rejected before");
            return answers->give(slot, hl7v2::reject(bytes, control_id(), now, accepted ? again : why));
        }
        const auto kind = hl7v2::answer_for(*message, accepted, broken);
        if (!kind) return answers->give(slot, "");
        const auto errors = accepted ? std::vector<hl7v2::Error>() : hl7v2::errors_of(why);
        answers->give(slot, hl7v2::acknowledge(*message, *kind, control_id(), now, errors));
    }
    /// MSH-15 is there: the sender tells commit and application acknowledgements apart.
    bool is_enhanced() const { return message && !message->field(message->segments.front(), 15).empty(); }
    void answer_application(const Settled& settled) const {
        const std::string_view wanted = message->field(message->segments.front(), 16);
        const bool good = settled.state != State::rejected;
        if (wanted != "AL" && wanted != (good ? "SU" : "ER")) return;
        const auto errors =
            good ? std::vector<hl7v2::Error>() : hl7v2::errors_of(refuse(IssueCode::invalid, settled.where, settled.reason));
        answers->add(hl7v2::acknowledge(*message, good ? hl7v2::Answer::AA : hl7v2::Answer::AE, control_id() + "A", now, errors));
    }
};

}  // namespace

struct MllpDoor::Inside {
    Inside(MllpOptions chosen, Intake& to, const calendar::Clock& by) : options(std::move(chosen)), intake(to), clock(by) {}
    const MllpOptions options;
    Intake& intake;
    const calendar::Clock& clock;
    const std::shared_ptr<MllpFigures> figures = std::make_shared<MllpFigures>();  // shared with answers
    std::unique_ptr<http::Port> port;

    void take(const std::shared_ptr<Answers>& answers, std::string bytes);
};

void MllpDoor::Inside::take(const std::shared_ptr<Answers>& answers, std::string bytes) {
    ++figures->messages;
    Owed owed{.answers = answers, .slot = answers->owe(), .now = hl7_time(clock.now_ms())};
    if (auto read = hl7v2::read(bytes, {}); read.ok()) owed.message = std::make_shared<const hl7v2::Message>(std::move(*read));
    else owed.bytes = bytes.substr(0, 4'096);
    Arrival arrival{.format = "hl7v2", .bytes = std::move(bytes)};
    // Whether the source wants it stored first is known only with the receipt: it says which source it is.
    auto settled = std::make_shared<Owed>(owed);                    // shared by the two callbacks
    auto by_settling = std::make_shared<std::atomic<bool>>(false);  // shared by them too
    arrival.settled = [settled, by_settling](const Settled& end) {
        const bool good = end.state != State::rejected;
        if (*by_settling) settled->answer(good, false, refuse(IssueCode::invalid, end.where, end.reason));
        else if (settled->is_enhanced()) settled->answer_application(end);
    };
    intake.receive(std::move(arrival), [&intake = intake, owed = std::move(owed), by_settling](Result<Receipt> receipt) {
        if (!receipt.ok()) return owed.answer(false, true, receipt.outcome());
        if (receipt->state == State::rejected)
            return owed.answer(false, false, refuse(IssueCode::invalid, receipt->where, receipt->reason));
        const auto source = intake.source(receipt->source);
        if (source && source->acknowledge == "stored" && receipt->state == State::waiting && !owed.is_enhanced()) {
            *by_settling = true;
            return;
        }
        owed.answer(true, false, {});
    });
}

namespace {

class MllpTalk final : public http::Talk {
public:
    MllpTalk(MllpDoor::Inside& door, std::shared_ptr<http::Wire> wire)
        : door_(door),
          answers_(std::make_shared<Answers>(std::move(wire), door.options.unanswered, door.figures)),
          reader_(door.options.message_bytes) {}
    ~MllpTalk() override {
        if (reader_.in_frame()) ++door_.figures->broken_off;
        count_half(0);
    }
    void received(std::string_view bytes) override;
    bool keep(Clock::time_point now) override {
        if (!reader_.in_frame()) return true;
        return now - heard_ < door_.options.silence && now - begun_ < door_.options.whole;
    }

private:
    MllpDoor::Inside& door_;
    const std::shared_ptr<Answers> answers_;  // shared with whoever owes an answer
    hl7v2::FrameReader reader_;
    std::size_t half_ = 0;
    Clock::time_point heard_ = Clock::now(), begun_ = heard_;
    bool over_ = false;

    void count_half(std::size_t bytes) {
        door_.figures->half_bytes += bytes;
        door_.figures->half_bytes -= half_;
        half_ = bytes;
    }
};

void MllpTalk::received(std::string_view bytes) {
    if (over_) return;
    constexpr std::size_t small = 64u << 10;
    heard_ = Clock::now();
    const bool was_inside = reader_.in_frame();
    auto taken = reader_.take(bytes);
    bool any = false;
    while (auto message = reader_.next()) {
        any = true;
        door_.take(answers_, std::move(*message));
    }
    if (taken.ok() && any) taken = reader_.take({});  // what follows the last message may be no frame
    if (!was_inside || any) begun_ = heard_;
    count_half(reader_.in_frame() ? reader_.waiting() : 0);
    const bool too_long = half_ > door_.options.message_bytes;
    const bool too_many = half_ > small && door_.figures->half_bytes > door_.options.half_bytes;
    if (taken.ok() && !too_many && !too_long) return;
    over_ = true;
    if (!taken.ok()) ++door_.figures->garbage;
    answers_->end();
}

}  // namespace

MllpDoor::MllpDoor(MllpOptions options, Intake& intake, const calendar::Clock& clock)
    : inside_(std::make_unique<Inside>(std::move(options), intake, clock)) {
    Inside& self = *inside_;
    self.port = std::make_unique<http::Port>(self.options.port, [&self](std::shared_ptr<http::Wire> wire) {
        return std::make_unique<MllpTalk>(self, std::move(wire));
    });
}
MllpDoor::~MllpDoor() = default;
Result<Done> MllpDoor::start() { return inside_->port->start(); }
std::uint16_t MllpDoor::port() const { return inside_->port->port(); }
const MllpFigures& MllpDoor::figures() const { return *inside_->figures; }
void MllpDoor::stop() { inside_->port->stop(); }

}  // namespace xinglin::intake
