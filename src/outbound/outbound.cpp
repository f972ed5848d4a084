// SPDX-License-Identifier: Apache-2.0
// Channels: kept, changed, begun and ended.
#include "outbound/outbound.h"

#include <algorithm>

#include <fmt/format.h>

#include "outbound/inside.h"
#include "view/view.h"

namespace xinglin::outbound {

namespace {

std::string place_of(const Options& options) {
    return options.store.empty() ? (options.data / "outbound.db").string() : options.store;
}

std::string fresh_mark() {
    constexpr std::string_view letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    std::random_device device;
    std::string mark = "X";
    for (int i = 0; i < 5; ++i) mark += letters[device() % letters.size()];
    return mark;
}

/// What is judged by a channel's filter: when it changes, days before are not counted again.
bool same_filter(const Channel& a, const Channel& b) {
    const auto same = [](const Sends& x, const Sends& y) {
        return x.type == y.type && x.where == y.where && x.search == y.search;
    };
    return a.sends.size() == b.sends.size() && std::equal(a.sends.begin(), a.sends.end(), b.sends.begin(), same) &&
           a.organizations == b.organizations && a.confidentiality == b.confidentiality && a.deletions == b.deletions &&
           a.format == b.format && a.offset_minutes == b.offset_minutes;
}

Outcome no_such_channel() { return refuse(IssueCode::not_found, "id", "there is no such channel"); }

}  // namespace

Outbound::Inside::Inside(Options chosen, record::Store& from, const calendar::Clock& by, const content::Files& files)
    : options(std::move(chosen)),
      store(from),
      clock(by),
      content(files),
      place(place_of(options)),
      secrets(options.data / "secrets"),
      desk([this] { return std::make_unique<Queue>(connect(true), sql::values_of(place)); }),
      reading([this] { return std::make_unique<Queue>(connect(false), sql::values_of(place)); }) {}

std::unique_ptr<sql::Connection> Outbound::Inside::connect(bool wraps) const {
    auto made = sql::open(place, {.cache_bytes = 8 << 20, .lane = "xinglin outbound"});
    return wraps && options.wrap ? options.wrap(std::move(made)) : std::move(made);
}

Outbound::Inside::~Inside() { stop(); }

void Outbound::Inside::stop() {
    stopping = true;
    {
        const std::lock_guard lock(mutex);
        closing = true;
    }
    changed.notify_all();
    if (follower.joinable()) follower.join();
    for (auto& [id, line] : lines) {
        if (line->thread.joinable()) line->thread.join();
    }
    lines.clear();
}

/// Reads channels anew; content's that nobody has changed by hand are as content says, and off until somebody turns them on.
void Outbound::Inside::load() {
    std::vector<Kept> kept;
    desk.write([&](Queue& queue) {  // read within it: another process may be changing them
        kept = queue.channels(Channel{});
        const record::Position now = store.reader(access::Viewer::program("outbound")).position();  // not before they are read
        for (const Channel& of_shelf : of_content) {
            const auto found =
                std::find_if(kept.begin(), kept.end(), [&](const Kept& one) { return one.channel.id == of_shelf.id; });
            if (found == kept.end()) {
                Kept fresh{of_shelf};
                fresh.channel.built_in = true;
                fresh.position = fresh.since = fresh.filter_since = of_shelf.from == "start" ? 0 : now;
                queue.save(fresh);
                kept.push_back(std::move(fresh));
            } else if (found->channel.built_in) {
                Channel latest = of_shelf;
                latest.mode = found->channel.mode;
                latest.built_in = true;
                latest.revision = found->channel.revision;
                json::Arena arena;
                if (json::identical(write_channel(latest, arena), write_channel(found->channel, arena))) continue;
                if (!same_filter(latest, found->channel)) found->filter_since = found->position;
                found->channel = std::move(latest);
                queue.save(*found);
            }
        }
        for (Kept& one : kept) {
            if (one.position <= now) continue;
            one.position = one.filter_since = now;  // an older record was put back below us
            queue.save(one);
        }
    });
    const std::lock_guard lock(mutex);
    std::map<std::string, std::shared_ptr<const Compiled>> all;
    for (Kept& one : kept) {
        const auto before = known.find(one.channel.id);
        const bool same = before != known.end() && before->second->channel().revision == one.channel.revision &&
                          before->second->channel().mode == one.channel.mode && !one.channel.built_in;
        auto compiled = same ? Result<std::shared_ptr<const Compiled>>(before->second) : Compiled::make(one.channel);
        if (compiled.ok()) all[one.channel.id] = std::move(*compiled);
    }
    known = std::move(all);
}

/// Senders for the channels that are on.
void Outbound::Inside::arrange() {
    if (!options.runs) return;
    std::vector<std::unique_ptr<Line>> ended;
    {
        const std::lock_guard lock(mutex);
        if (closing) return;
        for (auto at = lines.begin(); at != lines.end();) {
            const auto found = known.find(at->first);
            if (found != known.end() && found->second->channel().mode == Mode::on) {
                ++at;
                continue;
            }
            at->second->ending = true;
            ended.push_back(std::move(at->second));
            at = lines.erase(at);
        }
        for (const auto& [id, compiled] : known) {
            if (compiled->channel().mode != Mode::on) continue;
            auto& line = lines[id];
            if (line && line->compiled->channel().revision == compiled->channel().revision) continue;
            if (!line) {
                line = std::make_unique<Line>();
                line->id = id;
                line->compiled = compiled;
                line->thread = std::thread([this, &self = *line] { send_always(self); });
            } else {
                line->compiled = compiled;
                line->hold_until_ms = 0;  // what was wrong may be right now
                line->failures = 0;
            }
            ++line->asked;
        }
    }
    changed.notify_all();
    for (const auto& line : ended) {
        if (line->thread.joinable()) line->thread.join();
    }
}

Outbound::Outbound(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Outbound::~Outbound() = default;

Result<std::unique_ptr<Outbound>> Outbound::open(Options options, record::Store& store, const calendar::Clock& clock,
                                                 const content::Files& content) {
    auto inside = std::make_unique<Inside>(std::move(options), store, clock, content);
    XINGLIN_TRY(inside->of_content, shelf(content));
    XINGLIN_TRY(inside->networks, ReceiverNetworks::read(content));
    if (auto knowledge = cda::Knowledge::read(content); knowledge.ok()) inside->knowledge.emplace(std::move(*knowledge));
    inside->desk.read([](Queue& queue) { Queue::migrate(queue.connection()); });
    inside->mark = inside->desk.write([](Queue& queue) { return queue.mark(fresh_mark()); });
    inside->load();
    inside->arrange();
    Inside& self = *inside;
    if (self.options.runs) inside->follower = std::thread([&self] { self.follow_always(); });
    return std::unique_ptr<Outbound>(new Outbound(std::move(inside)));
}

void Outbound::close() { inside_->stop(); }

std::vector<Channel> Outbound::channels() const {
    const std::lock_guard lock(inside_->mutex);
    std::vector<Channel> all;
    for (const auto& [id, compiled] : inside_->known) all.push_back(compiled->channel());
    return all;
}

std::optional<Channel> Outbound::channel(std::string_view id) const {
    const std::lock_guard lock(inside_->mutex);
    const auto found = inside_->known.find(std::string(id));
    return found == inside_->known.end() ? std::nullopt : std::optional(found->second->channel());
}

Result<Done> Outbound::Inside::store_channel(Channel channel, bool is_new, const std::string& who) {
    XINGLIN_CHECK(Compiled::make(channel));
    const record::Position now = store.reader(access::Viewer::program("outbound")).position();
    const std::lock_guard one_at_a_time(follow_mutex);  // its cursor stands still meanwhile
    const auto done = desk.write([&](Queue& queue) -> Result<Done> {
        const auto all = queue.channels(Channel{});
        const auto found = std::find_if(all.begin(), all.end(), [&](const Kept& one) { return one.channel.id == channel.id; });
        if (is_new && found != all.end()) return refuse(IssueCode::conflict, "id", "is taken by another channel");
        if (!is_new && found == all.end()) return no_such_channel();
        if (is_new && all.size() >= options.channels)
            return refuse(IssueCode::too_costly, "id",
                          fmt::format("there are {} channels already; remove one", options.channels));
        Kept kept = is_new ? Kept{} : *found;
        const bool begins = is_new || (kept.channel.mode == Mode::off && channel.mode != Mode::off);
        if (is_new) kept.since = channel.from == "start" ? 0 : now;
        if (begins && !is_new) kept.since = channel.from == "start" ? kept.since : now;
        if (begins) kept.position = kept.filter_since = is_new || channel.from != "start" ? kept.since : kept.position;
        if (!is_new && !same_filter(kept.channel, channel)) kept.filter_since = kept.position;
        const std::int64_t revision = kept.channel.revision + 1;
        kept.channel = channel;
        kept.channel.revision = revision;
        kept.channel.built_in = false;
        queue.save(kept);
        queue.hurry(channel.id, clock.now_ms());  // what was wrong may be right now
        queue.note(0, channel.id, {clock.now_ms(), who, is_new ? "added" : "changed", std::string(text(channel.mode))});
        return Done{};
    });
    if (!done.ok()) return done;
    load();
    return Done{};
}

Result<Done> Outbound::save(Channel channel, bool is_new, const std::string& who) {
    XINGLIN_CHECK(inside_->store_channel(std::move(channel), is_new, who));
    inside_->arrange();
    return Done{};
}

Result<Done> Outbound::set_mode(const std::string& id, Mode mode, const std::string& who) {
    auto found = channel(id);
    if (!found) return no_such_channel();
    found->mode = mode;
    return save(std::move(*found), false, who);
}

Result<Done> Outbound::remove(const std::string& id, const std::string& who) {
    Inside& self = *inside_;
    {
        const std::lock_guard one_at_a_time(self.follow_mutex);
        const auto done = self.desk.write([&](Queue& queue) -> Result<Done> {
            const auto all = queue.channels(Channel{});
            if (std::none_of(all.begin(), all.end(), [&](const Kept& one) { return one.channel.id == id; }))
                return no_such_channel();
            const auto of_shelf =
                std::any_of(self.of_content.begin(), self.of_content.end(), [&](const Channel& one) { return one.id == id; });
            if (of_shelf) return refuse(IssueCode::conflict, "id", "comes from content/outbound; turn it off instead");
            const Queue::Standing standing = queue.standing(id);
            if (standing.waiting > 0 || standing.refused > 0)
                return refuse(
                    IssueCode::conflict, "id",
                    fmt::format("{} deliveries wait and {} are refused; send or ignore them first, or turn the channel off",
                                standing.waiting, standing.refused));
            queue.remove(id);
            queue.note(0, id, {self.clock.now_ms(), who, "removed", ""});
            return Done{};
        });
        if (!done.ok()) return done;
        self.load();
    }
    self.arrange();
    return Done{};
}

Result<Trial> Outbound::try_out(const Channel& channel, std::string_view type_name, std::string_view id, bool connects) {
    Inside& self = *inside_;
    XINGLIN_TRY(const auto compiled, Compiled::make(channel));
    Trial trial;
    if (connects) {
        const auto peer =
            peer_of(channel, {self.secrets, self.networks}, self.options.data, [&self] { return self.stopping.load(); });
        const auto connected = peer->connect();
        trial.reachable = connected.ok();
        if (!connected.ok()) trial.connection = connected.outcome().line();
    }
    if (type_name.empty()) return trial;
    const fhir::Type* type = fhir::find_resource(type_name);
    if (type == nullptr) return refuse(IssueCode::value, "resource", "must be Type/id, Encounter/1 for one");
    auto reader = self.store.reader(access::Viewer::program("outbound"));
    XINGLIN_TRY(const record::Version version, reader.read(*type, id));
    json::Arena arena;
    XINGLIN_TRY(const json::Value resource, json::parse(version.body, arena));
    trial.matches = compiled->judge(*type, resource, &trial.why) == Compiled::Verdict::yes;
    const std::string patient = view::patient_key(resource);
    if (trial.matches && !patient.empty() && self.consent_forbids(reader, channel, patient, self.clock.now_ms())) {
        trial.matches = false;
        trial.why = "the patient's consent forbids it";
    }
    if (!trial.matches && !compiled->sends(*type)) return trial;
    Renderer renderer(*compiled, self.options.tables, self.content, self.secrets, self.reads());
    self.make_ready(renderer);
    const Item item{version.position, std::string(type_name), std::string(id), version.version, false};
    auto payload = renderer.render({item}, self.clock.now_ms(), "TRIAL");
    if (payload.ok()) {
        trial.payload = std::move(*payload);
    } else {
        trial.matches = false;
        trial.why = payload.outcome().line();
    }
    return trial;
}

std::string Outbound::trouble() const { return inside_->desk.trouble(); }

}  // namespace xinglin::outbound
