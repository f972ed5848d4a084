// SPDX-License-Identifier: Apache-2.0
// From changes of the index to Linkages of the record.
#include "person/notices.h"

#include <fstream>
#include <map>

#include "fhir/fhir.h"

namespace xinglin::person {

namespace {

constexpr std::size_t batch = 500;

std::string id_of(std::string_view enterprise) { return "person-" + std::string(enterprise); }

/// The Linkage of a person as it is now: `members` of it; empty: it was given up, `left` were of it and are of `now`.
json::Value linkage(json::Arena& arena, const std::string& enterprise, const std::vector<std::string>& members,
                    const std::vector<std::string>& left, const std::string& now) {
    std::vector<json::Value> items;
    const auto item = [&](std::string_view type, const std::string& id) {
        items.push_back(arena.object(
            {{"type", arena.string(type)}, {"resource", arena.object({{"reference", arena.string("Patient/" + id)}})}}));
    };
    for (const std::string& id : members) item(items.empty() ? "source" : "alternate", id);
    if (members.empty())
        for (const std::string& id : left) item("historical", id);
    std::vector<std::pair<std::string_view, json::Value>> resource{{"resourceType", arena.string("Linkage")},
                                                                   {"id", arena.string(id_of(enterprise))}};
    if (members.empty() && !now.empty())
        resource.emplace_back(
            "extension", arena.array({arena.object({{"url", arena.string(now_extension)}, {"valueString", arena.string(now)}})}));
    resource.emplace_back("active", arena.boolean(!members.empty()));
    resource.emplace_back("item", arena.array(items));
    return arena.object(resource);
}

}  // namespace

Notices::Notices(record::Store& store, const Persons& persons, Options options)
    : store_(store), persons_(persons), options_(std::move(options)) {
    if (options_.file.empty()) options_.file = store_.folder() / "person-notices.cursor";
    std::ifstream(options_.file) >> cursor_;
    if (!is_cursor(cursor_)) cursor_.clear();
    if (options_.follow) thread_ = std::thread([this] { run(); });
}

Notices::~Notices() {
    {
        const std::lock_guard lock(lock_);
        stopping_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void Notices::run() {
    for (;;) {
        try {
            const auto done = catch_up();  // refused: tried again
            static_cast<void>(done);
        } catch (const std::exception&) {  // the disk, the connection, memory: tried again
        }
        std::unique_lock lock(lock_);
        changed_.wait_for(lock, options_.poll, [this] { return stopping_; });
        if (stopping_) return;
    }
}

/// A lost cursor costs work, not truth: what it leads to again is written already.
void Notices::keep_cursor() const {
    const std::filesystem::path fresh = options_.file.string() + ".new";
    std::ofstream(fresh) << cursor_;
    std::error_code ignored;
    std::filesystem::rename(fresh, options_.file, ignored);
}

Result<Done> Notices::catch_up() {
    const std::lock_guard work(work_);
    for (;;) {
        const Changes changes = persons_.changes(cursor_, batch);
        if (changes.changes.empty()) return Done{};
        if (!options_.wanted || options_.wanted()) XINGLIN_CHECK(write(changes.changes));
        cursor_ = changes.next;
        keep_cursor();
    }
}

Result<Done> Notices::write(const std::vector<PersonChange>& changes) {
    struct Touched {
        std::vector<std::string> left;  // who is of another person now
        std::string now;                // of which
        bool is_told = false;  // else only when it has been told of before: a record that came and was linked at once never was
    };
    std::map<std::string, Touched> touched;  // by enterprise id
    for (const PersonChange& each : changes) {
        Touched& before = touched[each.before];
        before.left.push_back(each.patient);
        before.now = each.now;
        before.is_told = before.is_told || each.kind != "linked";
        touched[each.now].is_told = true;
    }
    const fhir::Type& type = *fhir::find_resource("Linkage");
    json::Arena arena;
    std::vector<std::pair<record::Prepared, bool>> ready;
    for (const auto& [enterprise, what] : touched) {
        std::vector<std::string> members;
        if (const auto person = persons_.person(enterprise); person && person->enterprise_id == enterprise)
            for (const Member& each : person->members)
                if (each.live) members.push_back(each.id);
        if (members.empty() && what.left.empty()) continue;
        ready.emplace_back(store_.prepare(type, id_of(enterprise), linkage(arena, enterprise, members, what.left, what.now)),
                           what.is_told);
    }
    return store_.submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
        for (const auto& [each, is_told] : ready)
            if (is_told || transaction.state(type, each.id())) transaction.put_if_changed(each);
        return Done{};
    });
}

}  // namespace xinglin::person
