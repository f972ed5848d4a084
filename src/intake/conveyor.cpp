// SPDX-License-Identifier: Apache-2.0
// Converting beside each other, storing one after the other.
#include "intake/conveyor.h"

#include <algorithm>

#include <fmt/format.h>

#include "http/http.h"

namespace xinglin::intake {

namespace {

constexpr std::size_t patients_remembered = 200'000;
constexpr std::size_t ahead = 512;  // converted messages that wait to be stored: each is much larger than its bytes
constexpr std::chrono::milliseconds first_pause{100}, longest_pause{5'000};

std::string origin_prefix(std::string_view source) { return fmt::format("urn:xinglin:source:{}", source); }

/// A message without a number of its own gets one, so that what it wrote can be told from what others wrote.
void name_origin(message::Converted& converted, std::string_view source, std::string_view control_id) {
    if (converted.tree) {
        converted.bundle = converted.text();
        converted.tree = {};
    }
    std::string& bundle = converted.bundle;
    const std::string nameless = fmt::format("\"source\":\"{}\"", origin_prefix(source));
    const std::string named = fmt::format("\"source\":\"{}#{}\"", origin_prefix(source), control_id);
    for (std::size_t at = bundle.find(nameless); at != std::string::npos; at = bundle.find(nameless, at + named.size()))
        bundle.replace(at, nameless.size(), named);
}

json::Value without_version(json::Value resource, json::Arena& arena) {
    json::Value meta = resource["meta"];
    if (!meta.is_object()) return resource;
    meta = arena.with(arena.with(meta, "versionId", {}), "lastUpdated", {});
    return arena.with(resource, "meta", meta.size() == 0 ? json::Value() : meta);
}

bool is_for_now(const Outcome& outcome) {
    return outcome.code() == IssueCode::transient || outcome.code() == IssueCode::throttled;
}

const Issue& first_error(const Outcome& outcome) {
    static const Issue none{.where = "message", .what = "was refused without a reason"};
    for (const Issue& issue : outcome.issues) {
        if (issue.severity == Severity::error || issue.severity == Severity::fatal) return issue;
    }
    return outcome.issues.empty() ? none : outcome.issues.front();
}

}  // namespace

ingest::Allowed allow_all() {
    return [](const fhir::Type&, char) -> Result<Done> { return Done{}; };
}

void convert(Work& work, ingest::Transactions& ingest, const Join& join) {
    const Source& source = *work.source;
    const Format* format = work.format;
    work.refusal.reset();
    if (!format || !format->convert) {
        work.refusal = refuse(IssueCode::not_supported, "format",
                              fmt::format("{} is not read by this program; choose another format for the source", source.format));
        return;
    }
    try {
        auto converted = format->convert(work.bytes, source, source.format_variant());
        if (!converted.ok()) {
            work.refusal = std::move(converted).outcome();
            return;
        }
        const std::string known = std::move(work.facts.control_id);
        work.facts = std::move(converted->facts);
        if (work.facts.control_id.empty()) work.facts.control_id = made_control_id(work.print);
        if (work.facts.control_id.starts_with('h')) name_origin(*converted, source.id, work.facts.control_id);
        work.has_learned |= known != work.facts.control_id || work.sent_ms == 0;
        work.sent_ms = instant_of(work.facts.sent_at, source.offset_minutes);
        work.patient = patient_key(source.id, work.facts.patient);
        if (converted->tree) {
            work.arena = std::move(converted->arena);
            work.bundle = converted->tree;
        } else {
            work.arena = std::make_shared<json::Arena>();  // shared: the record keeps it until it is stored
            auto bundle = json::parse(converted->bundle, *work.arena);
            if (!bundle.ok()) {
                work.refusal = std::move(bundle).outcome();
                return;
            }
            work.bundle = *bundle;
        }
        if (join) work.bundle = join(source, work.facts, work.bundle, *work.arena, converted->lesser);
        auto submit = ingest.ready(work.arena, work.bundle, allow_all(), converted->lesser);
        if (submit.ok()) work.submit = std::move(*submit);
        else work.refusal = std::move(submit).outcome();
    } catch (const std::bad_alloc&) {
        work.refusal = refuse(IssueCode::transient, "memory", "there is not enough memory to convert it");
    } catch (const sql::Broken& error) {
        work.refusal = refuse(IssueCode::transient, "store", error.what());
    } catch (const std::exception& error) {
        work.refusal =
            refuse(IssueCode::exception, "message", fmt::format("the reader broke on it: {}; please report it", error.what()));
    }
}

bool is_superseded(const Work& work, json::Value resource, std::string_view present,
                   const std::function<std::pair<std::int64_t, Number>(const std::string& control_id)>& writer_of) {
    json::Arena arena;
    const auto there = json::parse(present, arena);
    if (!there.ok()) return false;
    if (json::same_content(without_version(*there, arena), without_version(resource, arena))) return true;
    const std::string prefix = origin_prefix(work.source->id) + "#";
    const std::string_view origin = (*there)["meta"]["source"].string();
    if (!origin.starts_with(prefix)) return false;
    const auto control_id = http::percent_decode(origin.substr(prefix.size()));
    if (!control_id) return false;
    const auto [sent_ms, number] = writer_of(*control_id);
    if (number == 0 || number == work.number) return false;
    if (work.before == State::stored) return true;  // replayed: had it been the last to write this, it would be there
    const std::int64_t own_ms = believed(work.sent_ms, work.received_ms);
    const bool by_clock = work.source->order == "sent" && sent_ms != 0 && own_ms != 0 && sent_ms != own_ms;
    return by_clock ? sent_ms > own_ms : number > work.number;
}

std::string versions_of(const ingest::BundleAnswer& answer) {
    std::string all;
    for (const ingest::EntryAnswer& entry : answer.entries) {
        if (!all.empty()) all += ',';
        all += std::to_string(entry.written.ok() ? entry.written->version : 0);
    }
    return all;
}

ingest::Unless unless_of(std::shared_ptr<Work> work,
                         std::function<std::pair<std::int64_t, Number>(const std::string&, const std::string&)> writer_of) {
    return [work = std::move(work), writer_of = std::move(writer_of)](std::size_t entry, std::string_view present) {
        return is_superseded(*work, work->bundle["entry"][entry]["resource"], present,
                             [&](const std::string& id) { return writer_of(work->source->id, id); });
    };
}

bool Lateness::is_late(const Work& work) {
    if (work.source->order != "sent" || work.patient == 0 || work.sent_ms == 0) return false;
    if (newest_.size() > patients_remembered) newest_.clear();
    const auto [known, is_new] = newest_.try_emplace(work.patient, 0);
    if (is_new) known->second = newest_sent_(work.patient, work.number);
    const std::int64_t sent_ms = believed(work.sent_ms, work.received_ms);
    if (known->second > sent_ms) return true;
    known->second = sent_ms;
    return false;
}

Conveyor::Conveyor(Options options, ingest::Transactions& ingest, Questions questions, std::function<void(Outgoing)> done)
    : options_(options),
      ingest_(ingest),
      questions_(std::move(questions)),
      done_(std::move(done)),
      lateness_(questions_.newest_sent) {
    for (unsigned i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { convert_all(); });
    threads_.emplace_back([this] { store_all(); });
}

Conveyor::~Conveyor() { stop(); }

void Conveyor::push(std::vector<std::shared_ptr<Work>> works) {
    if (works.empty()) return;
    const std::lock_guard lock(mutex_);
    for (auto& work : works) {
        bytes_ += work->bytes.size();
        if (bytes_ > options_.bytes) {  // read again when its turn comes
            bytes_ -= work->bytes.size();
            work->bytes = std::string();
        }
        belt_.push_back(std::move(work));
    }
    to_convert_.notify_all();
}

std::size_t Conveyor::size() const {
    const std::lock_guard lock(mutex_);
    return belt_.size() + in_flight_ + again_.size();
}

std::string Conveyor::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

void Conveyor::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    to_convert_.notify_all();
    to_store_.notify_all();
    threads_.clear();  // joins
    std::unique_lock lock(mutex_);
    to_store_.wait(lock, [this] { return in_flight_ == 0; });
}

void Conveyor::convert_all() {
    std::unique_lock lock(mutex_);
    for (;;) {
        to_convert_.wait(lock, [this] { return stopping_ || (taken_ < belt_.size() && taken_ < ahead); });
        if (stopping_) return;
        const std::shared_ptr<Work> work = belt_[taken_++];
        lock.unlock();
        try {
            if (work->bytes.empty()) {
                if (auto bytes = questions_.read(work->number)) work->bytes = std::move(*bytes);
                const std::lock_guard counted(mutex_);
                bytes_ += work->bytes.size();
            }
            convert(*work, ingest_, options_.join);
        } catch (const std::exception&) {  // the ledger cannot be read: later
            work->refusal = refuse(IssueCode::transient, "intake", "the ledger cannot be read");
        }
        lock.lock();
        work->is_converted = true;
        if (belt_.front() == work) to_store_.notify_all();
    }
}

/// Waits until there is something to store. `again`: what was refused for the time being, all of it. False: stop.
bool Conveyor::wait_for_turn(std::shared_ptr<Work>& work, std::vector<std::shared_ptr<Work>>& again) {
    std::unique_lock lock(mutex_);
    to_store_.wait(lock, [this] {
        if (stopping_) return true;
        if (!again_.empty()) return in_flight_ == 0;
        return in_flight_ < options_.in_flight && !belt_.empty() && belt_.front()->is_converted;
    });
    if (stopping_) return false;
    if (!again_.empty()) {
        again.swap(again_);
        in_flight_ += again.size();
        return true;
    }
    work = std::move(belt_.front());
    belt_.pop_front();
    --taken_;
    to_convert_.notify_one();
    bytes_ -= std::min(bytes_, work->bytes.size());
    ++in_flight_;
    return true;
}

void Conveyor::store_all() {
    auto pause = first_pause;
    for (;;) {
        std::shared_ptr<Work> work;
        std::vector<std::shared_ptr<Work>> again;
        if (!wait_for_turn(work, again)) return;
        if (work) {
            store(work);
            continue;
        }
        {
            std::unique_lock lock(mutex_);
            to_store_.wait_for(lock, pause, [this] { return stopping_; });
            if (stopping_) {
                in_flight_ -= again.size();
                return;
            }
            pause = trouble_.empty() ? first_pause : std::min(2 * pause, longest_pause);
        }
        std::sort(again.begin(), again.end(), [](const auto& a, const auto& b) { return a->number < b->number; });
        for (const auto& one : again) {
            one->again = true;
            try {
                if (one->bytes.empty()) one->bytes = questions_.read(one->number).value_or("");
                convert(*one, ingest_, options_.join);
            } catch (const std::exception&) {}
            store(one);
        }
    }
}

void Conveyor::store(const std::shared_ptr<Work>& work) {
    if (work->refusal) return finish(work, *work->refusal);
    try {
        ingest::Unless unless;
        if (lateness_.is_late(*work) || work->again) unless = unless_of(work, questions_.writer_of);
        const ingest::Submit submit = std::exchange(work->submit, {});  // what it queues will hold the work
        submit(std::move(unless), [this, work](Result<ingest::BundleAnswer> answer) { finish(work, std::move(answer)); });
    } catch (const std::exception& error) {  // the disk, or memory
        finish(work, refuse(IssueCode::transient, "store", error.what()));
    }
}

void Conveyor::finish(const std::shared_ptr<Work>& work, Result<ingest::BundleAnswer> answer) {
    if (!answer.ok() && is_for_now(answer.outcome())) {
        const std::lock_guard lock(mutex_);
        trouble_ = answer.outcome().line();
        again_.push_back(work);
        --in_flight_;
        to_store_.notify_all();
        return;
    }
    Outgoing out{.work = work};
    if (answer.ok()) {
        out.versions = versions_of(*answer);
    } else {
        const Issue& issue = first_error(answer.outcome());
        out.state = State::rejected;
        out.where = issue.where;
        out.reason = issue.what;
    }
    leave(std::move(out));
}

void Conveyor::leave(Outgoing out) {
    done_(std::move(out));  // before it is no longer counted: whoever waits for all to be done sees it
    const std::lock_guard lock(mutex_);
    trouble_.clear();
    --in_flight_;
    to_store_.notify_all();
}

}  // namespace xinglin::intake
