// SPDX-License-Identifier: Apache-2.0
// Every reference of every resource, looked at once.
#include "registry/sightings.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "text/text.h"

namespace xinglin::registry {

namespace {

constexpr std::size_t most_missing = 100'000;  // different targets
constexpr std::string_view source_prefix = "urn:xinglin:source:";

std::string source_of(json::Value resource) {
    const std::string_view said = resource["meta"]["source"].string();
    if (!said.starts_with(source_prefix)) return {};
    const std::string_view rest = said.substr(source_prefix.size());
    return std::string(rest.substr(0, rest.find('#')));
}

/// "Patient/7" of a literal reference within the record; "" of any other.
std::string_view plain_reference(std::string_view link) {
    const std::size_t slash = link.find('/');
    if (slash == std::string_view::npos || slash == 0 || link.find_first_of(":?#") != std::string_view::npos) return {};
    if (const std::size_t end = link.find('/', slash + 1); end != std::string_view::npos) link = link.substr(0, end);
    return fhir::find_resource(link.substr(0, slash)) ? link : std::string_view{};
}

template <typename Each>
void each_reference(json::Value value, const Each& each) {
    for (const json::Member& member : value.members()) {
        const json::Value inner = member.value();
        if (inner.is_string()) {
            if (member.key() == "reference") each(plain_reference(inner.string()));
        } else if (inner.is_object() || inner.is_array()) {
            each_reference(inner, each);
        }
    }
    for (const json::Node& node : value.items()) each_reference(json::Value(&node), each);
}

void add(Seen& seen, std::string_view example, std::int64_t at_ms) {
    if (seen.count++ == 0 || seen.example.empty()) seen.example = example;
    if (seen.first_ms == 0 || at_ms < seen.first_ms) seen.first_ms = at_ms;
    if (at_ms > seen.last_ms) seen.last_ms = at_ms;
}

}  // namespace

struct Sightings::Inside {
    struct Missing {
        std::string source, from;
        Seen seen;
    };
    const Registry& registry;
    std::mutex looking;
    std::mutex beginning;  // guards the thread
    std::thread thread;
    std::atomic<bool> stopping = false, running = false;

    mutable std::mutex lock;  // guards what follows
    record::Position position = 0;
    bool is_read = false;
    std::unordered_map<std::string, Seen> strays;
    std::unordered_map<std::string, std::vector<Missing>> missing;  // target → by source and type
    std::size_t left_out = 0;
    std::unordered_set<std::uint64_t> there;  // of the first look: what has come by

    explicit Inside(const Registry& of) : registry(of) {}

    static std::uint64_t mark(std::string_view reference) { return std::hash<std::string_view>{}(reference); }

    void note(json::Value resource, const std::string& self, std::int64_t at_ms, bool first_look) {
        const std::string source = source_of(resource), from(resource["resourceType"].string());
        each_reference(resource, [&](std::string_view to) {
            if (to.empty()) return;
            if (is_entry_type(to.substr(0, to.find('/')))) {
                if (const EntryPtr entry = registry.find(to)) {
                    if (entry->is_stray) add(strays[std::string(to)], self, at_ms);
                    return;
                }
            }
            if (first_look && there.contains(mark(to))) return;
            if (!first_look && missing.find(std::string(to)) == missing.end() && exists(to)) return;
            auto found = missing.find(std::string(to));
            if (found == missing.end()) {
                if (missing.size() >= most_missing) return void(++left_out);
                found = missing.emplace(std::string(to), std::vector<Missing>{}).first;
            }
            for (Missing& each : found->second) {
                if (each.source == source && each.from == from) return add(each.seen, self, at_ms);
            }
            found->second.push_back({source, from, {}});
            add(found->second.back().seen, self, at_ms);
        });
    }
    bool exists(std::string_view reference) const {
        const std::size_t slash = reference.find('/');
        return registry.store()
            .reader(access::Viewer::program("registry"))
            .read(*fhir::find_resource(reference.substr(0, slash)), reference.substr(slash + 1))
            .ok();
    }
    /// What came after those that refer to it.
    void drop_found() {
        for (auto each = missing.begin(); each != missing.end();) {
            if (there.contains(mark(each->first)) || exists(each->first)) each = missing.erase(each);
            else ++each;
        }
        there = {};
    }
    void forget(json::Value resource) {
        const std::string source = source_of(resource), from(resource["resourceType"].string());
        each_reference(resource, [&](std::string_view to) {
            if (const auto stray = strays.find(std::string(to)); stray != strays.end() && stray->second.count > 0)
                --stray->second.count;
            const auto found = missing.find(std::string(to));
            if (found == missing.end()) return;
            for (Missing& each : found->second) {
                if (each.source == source && each.from == from && each.seen.count > 0) --each.seen.count;
            }
            std::erase_if(found->second, [](const Missing& each) { return each.seen.count == 0; });
            if (found->second.empty()) missing.erase(found);
        });
    }
    void look_at(const record::Version& version) {
        json::Arena arena;
        const auto resource = json::parse(version.body, arena, {.depth = 1'000, .bytes = version.body.size() + 1});
        if (!resource.ok()) return;
        const std::string self = std::string(version.type->name) + "/" + version.id;
        const std::lock_guard guard(lock);
        there.insert(mark(self));
        missing.erase(self);
        note(*resource, self, version.updated_ms, true);
    }
    void look_at(const record::Change& change, record::Reader& reader) {
        json::Arena arena;
        const std::string self = std::string(change.type->name) + "/" + change.id;
        std::optional<json::Value> now, before;
        if (!change.deleted) {
            if (const auto parsed = json::parse(change.text, arena, {.depth = 1'000, .bytes = change.text.size() + 1});
                parsed.ok())
                now = *parsed;
        }
        if (change.version > 1) {
            const auto old = reader.vread(*change.type, change.id, change.version - 1);
            if (old.ok() && !old->deleted) {
                const auto parsed = json::parse(arena.keep(old->body), arena, {.depth = 1'000, .bytes = old->body.size() + 1});
                if (parsed.ok()) before = *parsed;
            }
        }
        const std::lock_guard guard(lock);
        if (before) forget(*before);
        if (!now) return;
        missing.erase(self);
        note(*now, self, change.updated_ms, false);
    }
};

Sightings::Sightings(const Registry& registry) : inside_(new Inside(registry)) {}
Sightings::~Sightings() {
    inside_->stopping = true;
    const std::lock_guard guard(inside_->beginning);
    if (inside_->thread.joinable()) inside_->thread.join();
}

void Sightings::hurry() {
    const std::lock_guard guard(inside_->beginning);
    if (inside_->running || inside_->stopping) return;
    if (inside_->thread.joinable()) inside_->thread.join();
    inside_->running = true;
    inside_->thread = std::thread([this] {
        try {
            catch_up([this] { return inside_->stopping.load(); });
        } catch (const std::exception&) {  // the store: whoever asks next tries again
        }
        inside_->running = false;
    });
}

void Sightings::catch_up(const std::function<bool()>& stop) {
    const std::lock_guard only_one(inside_->looking);
    record::Reader reader = inside_->registry.store().reader(access::Viewer::program("registry"));
    const record::Position target = reader.position();
    const auto ends = [&] { return stop && stop(); };
    if (!inside_->is_read) {
        {
            const std::lock_guard guard(inside_->lock);
            inside_->strays.clear();
            inside_->missing.clear();
            inside_->there.clear();
        }
        bool stopped = false;
        reader.scan(nullptr, [&](const record::Version& version) {
            if (version.position <= target) inside_->look_at(version);
            return !(stopped = ends());
        });
        if (stopped) return;
        const std::lock_guard guard(inside_->lock);
        inside_->drop_found();
        inside_->position = target;
        inside_->is_read = true;
        return;
    }
    record::Position upto = inside_->position;
    reader.changes(inside_->position, target, [&](const record::Change& change) {
        inside_->look_at(change, reader);
        upto = change.position;
        return !ends();
    });
    const std::lock_guard guard(inside_->lock);
    inside_->position = ends() ? upto : target;
}

bool Sightings::is_read() const {
    const std::lock_guard guard(inside_->lock);
    return inside_->is_read;
}

Seen Sightings::of(std::string_view reference) const {
    const std::lock_guard guard(inside_->lock);
    const auto found = inside_->strays.find(std::string(reference));
    return found == inside_->strays.end() ? Seen{} : found->second;
}

std::vector<Nowhere> Sightings::nowhere() const {
    std::map<std::tuple<std::string, std::string, std::string>, Nowhere> groups;
    {
        const std::lock_guard guard(inside_->lock);
        for (const auto& [target, all] : inside_->missing) {
            const std::string to = target.substr(0, target.find('/'));
            for (const Inside::Missing& each : all) {
                Nowhere& group = groups[{each.source, each.from, to}];
                if (group.targets++ == 0) {
                    group.source = each.source, group.from = each.from, group.to = to;
                    group.missing = target;
                    group.seen = each.seen;
                    continue;
                }
                group.seen.count += each.seen.count;
                group.seen.first_ms = std::min(group.seen.first_ms, each.seen.first_ms);
                group.seen.last_ms = std::max(group.seen.last_ms, each.seen.last_ms);
            }
        }
    }
    std::vector<Nowhere> out;
    for (auto& [key, group] : groups) out.push_back(std::move(group));
    std::stable_sort(out.begin(), out.end(), [](const Nowhere& a, const Nowhere& b) { return a.seen.count > b.seen.count; });
    return out;
}

std::size_t Sightings::left_out() const {
    const std::lock_guard guard(inside_->lock);
    return inside_->left_out;
}

}  // namespace xinglin::registry
