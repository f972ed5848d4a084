// SPDX-License-Identifier: Apache-2.0
// Following the record: the catalogue is read once and then kept up with the feed.
#include "registry/registry.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "registry/catalogue.h"

namespace xinglin::registry {

namespace {
constexpr std::uint32_t most_versions = 500;  // of one entry that are looked through for former names and codes
constexpr std::size_t most_news = 100'000;    // kept in memory; who is further behind reads the record
constexpr std::int64_t far_behind = 200'000;  // versions; then everything is read again
}  // namespace

struct Registry::Inside {
    record::Store& store;
    const calendar::Clock& clock;
    const Options options;

    mutable std::shared_mutex lock;  // guards what follows
    Catalogue catalogue;
    std::deque<News> told;
    record::Position told_from = 0;  // news after this position are all in `told`

    mutable std::mutex state_lock;  // guards what follows
    std::condition_variable changed;
    record::Position position = 0;
    bool is_read = false, stopping = false, hurry = false;
    std::string trouble;
    std::mutex stepping;
    std::thread follower;

    Inside(record::Store& given, const calendar::Clock& time, Options chosen) : store(given), clock(time), options(chosen) {}

    std::shared_ptr<Entry> read(std::string_view body, std::int64_t version, std::int64_t updated_ms, record::Position at) const {
        json::Arena arena;
        const auto resource = json::parse(body, arena, {.depth = 1'000, .bytes = body.size() + 1});
        if (!resource.ok()) return nullptr;
        auto entry = entry_of(*resource);
        if (!entry) return nullptr;
        entry->version = version;
        entry->updated_ms = updated_ms;
        entry->position = at;
        return std::make_shared<Entry>(std::move(*entry));
    }
    /// What it was called before, by its earlier versions, newest first.
    void add_past(record::Reader& reader, Entry& entry) const {
        if (entry.version < 2) return;
        const auto page = reader.history({.type = entry.type, .id = entry.id, .count = most_versions});
        if (!page.ok()) return;
        std::string until = day_of(entry.updated_ms, store.offset_minutes());
        for (const record::Version& version : page->versions) {
            if (version.version >= entry.version || version.deleted) continue;
            const std::string since = day_of(version.updated_ms, store.offset_minutes());
            if (const auto earlier = read(version.body, version.version, version.updated_ms, version.position))
                take_over(entry, *earlier, since, until);
            until = since;
        }
        index(entry);
    }
    void read_all(record::Position target);
    void read_changes(record::Position target);
    bool step();
    void follow();
};

void Registry::Inside::read_all(record::Position target) {
    Catalogue fresh;
    record::Reader reader = store.reader(access::Viewer::program("registry"));
    for (const fhir::Type* type : entry_types()) {
        std::vector<std::shared_ptr<Entry>> old;
        reader.scan(type, [&](const record::Version& version) {
            if (auto entry = read(version.body, version.version, version.updated_ms, version.position)) {
                if (entry->version > 1) old.push_back(std::move(entry));
                else fresh.put(std::move(entry));
            }
            const std::lock_guard guard(state_lock);
            return !stopping;
        });
        for (std::shared_ptr<Entry>& entry : old) {
            add_past(reader, *entry);
            fresh.put(std::move(entry));
        }
    }
    const std::unique_lock guard(lock);
    catalogue = std::move(fresh);
    told.clear();
    told_from = target;
}

void Registry::Inside::read_changes(record::Position target) {
    struct Changed {
        News news;
        std::shared_ptr<Entry> entry;
    };
    std::vector<Changed> all;
    record::Reader reader = store.reader(access::Viewer::program("registry"));
    reader.changes(position, target, [&](const record::Change& change) {
        if (!is_entry_type(change.type->name)) return true;
        Changed one{{change.position, std::string(change.type->name) + "/" + change.id, change.version, change.deleted}, nullptr};
        if (!change.deleted) one.entry = read(change.text, change.version, change.updated_ms, change.position);
        if (one.entry) one.entry->id = change.id;
        all.push_back(std::move(one));
        return true;
    });
    for (Changed& one : all) {
        if (one.entry) add_past(reader, *one.entry);
    }
    const std::unique_lock guard(lock);
    for (Changed& one : all) {
        if (one.entry) catalogue.put(std::move(one.entry));
        else catalogue.erase(one.news.reference);
        told.push_back(std::move(one.news));
    }
    while (told.size() > most_news) {
        told_from = told.front().position;
        told.pop_front();
    }
}

bool Registry::Inside::step() {
    const std::lock_guard only_one(stepping);
    const record::Position target = store.reader(access::Viewer::program("registry")).position();
    if (is_read && target == position) return false;
    if (!is_read || target < position || target - position > far_behind) read_all(target);
    else read_changes(target);
    const std::lock_guard guard(state_lock);
    position = target;
    is_read = true;
    trouble.clear();
    changed.notify_all();
    return true;
}

void Registry::Inside::follow() {
    for (;;) {
        auto pause = options.poll;
        try {
            step();
        } catch (const std::exception& broken) {
            const std::lock_guard guard(state_lock);
            trouble = broken.what();
            changed.notify_all();
            pause = std::chrono::seconds(5);
        }
        std::unique_lock guard(state_lock);
        changed.wait_for(guard, pause, [&] { return stopping || hurry; });
        hurry = false;
        if (stopping) return;
    }
}

Registry::Registry(record::Store& store, const calendar::Clock& clock, Options options)
    : inside_(new Inside(store, clock, options)) {
    if (options.follow) inside_->follower = std::thread([inside = inside_.get()] { inside->follow(); });
}

Registry::~Registry() {
    {
        const std::lock_guard guard(inside_->state_lock);
        inside_->stopping = true;
        inside_->changed.notify_all();
    }
    if (inside_->follower.joinable()) inside_->follower.join();
}

void Registry::catch_up() { inside_->step(); }

record::Position Registry::position() const {
    const std::lock_guard guard(inside_->state_lock);
    return inside_->position;
}

std::string Registry::trouble() const {
    const std::lock_guard guard(inside_->state_lock);
    return inside_->trouble;
}

bool Registry::wait() const {
    std::unique_lock guard(inside_->state_lock);
    inside_->changed.wait(guard, [this] { return inside_->is_read || inside_->stopping || !inside_->trouble.empty(); });
    return inside_->is_read;
}

void Registry::look(const std::function<void(const Catalogue&)>& ask) const {
    const std::shared_lock guard(inside_->lock);
    ask(inside_->catalogue);
}

EntryPtr Registry::find(std::string_view reference) const {
    const std::shared_lock guard(inside_->lock);
    return inside_->catalogue.find(reference);
}
EntryPtr Registry::now(std::string_view reference) const {
    const std::shared_lock guard(inside_->lock);
    return inside_->catalogue.now(inside_->catalogue.find(reference));
}
Listed Registry::list(const Question& question) const {
    const std::shared_lock guard(inside_->lock);
    return inside_->catalogue.list(question);
}
std::vector<Known> Registry::who_has(std::string_view code, std::string_view system, std::string_view at) const {
    const std::shared_lock guard(inside_->lock);
    return inside_->catalogue.who_has(code, system, at);
}
std::vector<Node> Registry::children(std::string_view reference, std::string_view at) const {
    const std::shared_lock guard(inside_->lock);
    return inside_->catalogue.children(reference, at);
}
std::vector<EntryPtr> Registry::above(std::string_view reference, std::string_view at) const {
    const std::shared_lock guard(inside_->lock);
    return inside_->catalogue.above(reference, at);
}
std::string Registry::present_area(std::string_view code) const {
    const std::shared_lock guard(inside_->lock);
    return inside_->catalogue.present_area(code);
}
std::vector<EntryPtr> Registry::pointing(std::string_view reference, std::vector<Kind> kinds) const {
    const std::shared_lock guard(inside_->lock);
    return inside_->catalogue.pointing(reference, kinds);
}
Counts Registry::counts(std::string_view reference) const {
    const std::shared_lock guard(inside_->lock);
    return inside_->catalogue.counts(reference);
}
std::vector<Trouble> Registry::troubles() const {
    const std::shared_lock guard(inside_->lock);
    return inside_->catalogue.troubles();
}

std::vector<std::pair<Kind, std::size_t>> Registry::totals() const {
    std::vector<std::pair<Kind, std::size_t>> out;
    for (std::size_t kind = 0; kind <= static_cast<std::size_t>(Kind::drug); ++kind) out.emplace_back(static_cast<Kind>(kind), 0);
    const std::shared_lock guard(inside_->lock);
    for (const auto& [reference, entry] : inside_->catalogue.all())
        out[static_cast<std::size_t>(entry->kind)].second += !entry->is_stray;
    return out;
}

std::vector<EntryPtr> Registry::all() const {
    std::vector<EntryPtr> out;
    const std::shared_lock guard(inside_->lock);
    for (const auto& [reference, entry] : inside_->catalogue.all()) out.push_back(entry);
    return out;
}

std::vector<News> Registry::news(record::Position since, std::size_t count, record::Position& upto) const {
    upto = position();
    std::vector<News> out;
    {
        const std::shared_lock guard(inside_->lock);
        if (since >= inside_->told_from) {
            for (const News& each : inside_->told) {
                if (each.position <= since || each.position > upto) continue;
                if (out.size() == count) break;
                out.push_back(each);
            }
            if (out.size() == count) upto = out.empty() ? since : out.back().position;
            return out;
        }
    }
    record::Reader reader = inside_->store.reader(access::Viewer::program("registry"));
    reader.changes(since, upto, [&](const record::Change& change) {
        if (!is_entry_type(change.type->name)) return true;
        if (out.size() == count) return false;
        out.push_back({change.position, std::string(change.type->name) + "/" + change.id, change.version, change.deleted});
        return true;
    });
    if (out.size() == count && !out.empty()) upto = out.back().position;
    return out;
}

std::string Registry::today() const { return day_of(inside_->clock.now_ms(), inside_->store.offset_minutes()); }
record::Store& Registry::store() const { return inside_->store; }

}  // namespace xinglin::registry
