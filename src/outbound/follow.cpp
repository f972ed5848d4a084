// SPDX-License-Identifier: Apache-2.0
// Following the feed: what goes out is put into the queue with the position it was found at, in one transaction; then
// deliveries are closed that are due.
#include <algorithm>

#include <fmt/format.h>

#include "fhirpath/quick.h"
#include "outbound/inside.h"
#include "search/search.h"
#include "view/view.h"

namespace xinglin::outbound {

namespace {

constexpr std::int64_t advisory_lock = 0x78696e6f7574;  // "xinout"
using SteadyClock = std::chrono::steady_clock;

bool covers(json::Value period, std::int64_t at_ms) {
    const auto limit = [](json::Value moment, bool end, std::int64_t otherwise) {
        const auto parsed = calendar::parse_date_time(moment.string());
        if (!parsed) return otherwise;
        const calendar::Span span = calendar::span_of(*parsed, 0);
        return end ? span.high_ms : span.low_ms;
    };
    return limit(period["start"], false, calendar::beginning_ms) <= at_ms &&
           at_ms < limit(period["end"], true, calendar::end_of_time_ms);
}

/// Does a provision speak of this receiver now? Without an actor it speaks of everybody.
bool concerns(json::Value provision, std::string_view organization, std::int64_t at_ms, bool* by_name = nullptr) {
    if (!covers(provision["period"], at_ms)) return false;
    const json::Value actors = provision["actor"];
    if (actors.size() == 0) return true;
    for (const json::Node& node : actors.items()) {
        const std::string_view key =
            fhirpath::reference_key(json::Value(&node)["reference"]["reference"].string(), "Organization");
        if (key.empty() || organization.empty() || key.substr(key.find('/') + 1) != organization) continue;
        if (by_name != nullptr) *by_name = true;
        return true;
    }
    return false;
}

/// FHIR's Consent: the root rule, and exceptions within it. A narrowed refusal is taken as a whole one: rather too little than too much.
bool forbids(json::Value consent, std::string_view organization, std::int64_t at_ms) {
    const json::Value root = consent["provision"];
    bool no = root["type"].string() == "deny" && concerns(root, organization, at_ms);
    for (const json::Node& node : root["provision"].items()) {
        const json::Value exception(&node);
        bool by_name = false;
        if (!concerns(exception, organization, at_ms, &by_name)) continue;
        if (exception["type"].string() == "deny") return true;
        if (by_name) no = false;
    }
    return no;
}

}  // namespace

std::shared_ptr<const Compiled> Outbound::Inside::compiled_of(const std::string& id) const {
    const std::lock_guard lock(mutex);
    const auto found = known.find(id);
    return found == known.end() ? nullptr : found->second;
}

void Outbound::Inside::follow_always() {
    auto swept = SteadyClock::now(), loaded = swept, told = swept;
    const bool shared = !options.store.empty();
    while (!stopping) {
        bool busy = false;
        try {
            if (shared && SteadyClock::now() - loaded > std::chrono::seconds(3)) {
                loaded = SteadyClock::now();
                load();  // another process may have changed them
                arrange();
            }
            ours = is_ours();
            if (ours) busy = follow_all();
            if (ours && SteadyClock::now() - told > std::chrono::seconds(5)) {
                told = SteadyClock::now();
                tell_changes();
            }
            if (ours && SteadyClock::now() - swept > std::chrono::hours(1)) {
                swept = SteadyClock::now();
                sweep();
            }
        } catch (const std::exception&) {  // said by the desk; nothing moved, so nothing is lost
            std::unique_lock lock(mutex);
            changed.wait_for(lock, std::chrono::seconds(1), [this] { return closing; });
        }
        if (busy) continue;
        std::unique_lock lock(mutex);
        changed.wait_for(lock, std::chrono::milliseconds(250), [this] { return closing; });
    }
}

bool Outbound::Inside::is_ours() {
    if (options.store.empty()) return true;
    return desk.read([](Queue& queue) {
        auto& query = queue.connection().prepare("SELECT CASE WHEN pg_try_advisory_lock(?) THEN 1 ELSE 0 END");
        query.bind(1, advisory_lock);
        const bool is_ours = query.step() && query.integer(0) == 1;
        query.reset();
        return is_ours;
    });
}

/// True when there was something to do.
bool Outbound::Inside::follow_all() {
    const std::lock_guard one_at_a_time(follow_mutex);
    auto reader = store.reader(access::Viewer::program("outbound"));
    const record::Position target = reader.position();
    auto all = desk.read([](Queue& queue) { return queue.places(); });
    std::erase_if(all, [&](const Place& place) {
        const auto compiled = compiled_of(place.channel);
        return !compiled || compiled->channel().mode == Mode::off;
    });
    bool busy = false;
    while (!stopping && follow_once(reader, all, target)) busy = true;
    return cut_due(all) || busy;
}

/// One step of the feed for all channels that have not seen it; false when there is none left.
bool Outbound::Inside::follow_once(record::Reader& reader, std::vector<Place>& all, record::Position target) {
    record::Position from = target;
    for (const Place& place : all) from = std::min(from, place.position);
    if (from >= target) return false;
    const record::Position upto = std::min<record::Position>(target, from + static_cast<record::Position>(options.step));
    std::map<std::string, std::vector<Matched>> found;
    std::vector<std::shared_ptr<const Compiled>> ready;
    for (const Place& place : all) ready.push_back(compiled_of(place.channel));
    std::map<std::pair<std::string, std::string>, bool> consents;  // (channel, patient) → forbidden
    json::Arena arena;
    reader.changes(from, upto, [&](const record::Change& change) {
        json::Value resource;
        std::string patient;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (!ready[i] || change.position <= all[i].position || !ready[i]->sends(*change.type)) continue;
            const Channel& channel = ready[i]->channel();
            Matched matched{.item = {change.position, std::string(change.type->name), change.id, change.version, change.deleted},
                            .day = day_of(change.updated_ms, channel.offset_minutes),
                            .updated_ms = change.updated_ms};
            if (change.deleted) {
                if (channel.deletions && channel.format == "transaction") found[channel.id].push_back(std::move(matched));
                continue;
            }
            if (!resource) {
                arena.clear();
                const auto parsed = json::parse(change.text, arena);
                if (!parsed.ok()) continue;
                resource = *parsed;
                patient = view::patient_key(resource);
            }
            const auto verdict = ready[i]->judge(*change.type, resource);
            if (verdict == Compiled::Verdict::no) continue;
            matched.lane = lane_of(patient.empty() ? fmt::format("{}/{}", change.type->name, change.id) : patient);
            if (verdict == Compiled::Verdict::confidential) {
                matched.withheld = "its confidentiality label is not among filter.confidentiality";
            } else if (!patient.empty()) {
                const auto [at, is_new] = consents.try_emplace({channel.id, patient}, false);
                if (is_new) at->second = consent_forbids(reader, channel, patient, change.updated_ms);
                if (at->second) matched.withheld = "the patient's consent forbids it";
            }
            found[channel.id].push_back(std::move(matched));
        }
        return true;
    });
    desk.write([&](Queue& queue) {
        for (Place& place : all) {
            if (place.position >= upto || !queue.advance(place.channel, place.position, upto)) continue;
            for (Matched& matched : found[place.channel]) {
                if (matched.item.deleted) matched.lane = queue.lane_of_sent(place.channel, matched.item.type, matched.item.id);
                if (matched.lane != 0) queue.add(place.channel, matched);
            }
        }
    });
    for (Place& place : all) place.position = std::max(place.position, upto);
    return true;
}

bool Outbound::Inside::consent_forbids(record::Reader& reader, const Channel& channel, const std::string& patient,
                                       std::int64_t at_ms) {
    static const fhir::Type* const type = fhir::find_resource("Consent");
    const std::vector<std::pair<std::string, std::string>> asked{{"patient", patient}, {"status", "active"}, {"_count", "200"}};
    const auto query = search::parse(std::span(&type, 1), asked);
    if (!query.ok()) return false;
    const auto consents = reader.search(*query);
    if (!consents.ok()) return true;  // rather too little than too much
    json::Arena arena;
    for (const record::Found::Entry& entry : consents->entries) {
        const auto consent = json::parse(entry.version.body, arena);
        if (consent.ok() && forbids(*consent, channel.organization, at_ms)) return true;
    }
    return false;
}

bool Outbound::Inside::is_due(const Channel& channel, const Place& place, Queue& queue) const {
    const auto [oldest_ms, count] = queue.uncut(channel.id);
    if (count == 0) return false;
    if (channel.at.empty() && channel.seconds == 0) return true;
    if (channel.at.empty()) return count >= channel.count || clock.now_ms() - oldest_ms >= channel.seconds * 1'000;
    // Once a day: the last time of day that has passed lies behind the last cut, and something from before it waits.
    const auto time = calendar::parse_time(channel.at, true);
    const std::int64_t offset = std::int64_t{channel.offset_minutes} * 60'000;
    const std::int64_t now = clock.now_ms() + offset, of_day = (time ? time->hour * 60 + time->minute : 0) * std::int64_t{60'000};
    std::int64_t last = now / day_ms * day_ms + of_day;
    if (last > now) last -= day_ms;
    return place.cut_ms + offset < last && oldest_ms + offset < last;
}

bool Outbound::Inside::cut_due(const std::vector<Place>& all) {
    std::vector<std::string> cut;
    for (const Place& place : all) {
        const auto compiled = compiled_of(place.channel);
        if (!compiled || !desk.read([&](Queue& queue) { return is_due(compiled->channel(), place, queue); })) continue;
        desk.write([&](Queue& queue) { queue.cut(compiled->channel(), clock.now_ms(), mark); });
        cut.push_back(place.channel);
    }
    if (cut.empty()) return false;
    {
        const std::lock_guard lock(mutex);
        for (const std::string& id : cut) {
            if (const auto line = lines.find(id); line != lines.end()) ++line->second->asked;
        }
    }
    changed.notify_all();
    return true;
}

void Outbound::follow() {
    if (inside_->options.store.empty()) inside_->ours = true;
    else inside_->ours = inside_->is_ours();
    if (inside_->ours) inside_->follow_all();
}

}  // namespace xinglin::outbound
