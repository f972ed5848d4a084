// SPDX-License-Identifier: Apache-2.0
// A thread for each backup, one at a time; what is finished is found again in its folder.
#include "server/backups.h"

#include <algorithm>

#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t most_listed = 50;
}

Backups::Backups(record::Store& store, fs::path data, fs::path folder, std::string store_address, const calendar::Clock& clock,
                 Log& log)
    : store_(store),
      data_(std::move(data)),
      folder_(std::move(folder)),
      store_address_(std::move(store_address)),
      clock_(clock),
      log_(log) {}

Backups::~Backups() {
    if (thread_.joinable()) thread_.join();
}

Result<std::string> Backups::begin(bool differential) {
    const std::lock_guard lock(mutex_);
    if (running_) return refuse(IssueCode::conflict, "kind", "a backup is being made, wait until it is done");
    backup::Request request{.store = store_address_, .views = data_ / "views", .mappings = data_ / "mappings"};
    if (store_address_.empty()) request.data = data_;
    if (differential) {
        const auto there = backup::list(folder_);
        if (there.empty()) return refuse(IssueCode::conflict, "kind", "there is no backup to continue, make a full one first");
        request.base = there.front().folder;
    }
    std::string name = calendar::instant_text(clock_.now_ms());
    std::replace(name.begin(), name.end(), ':', '-');
    name += differential ? "-differential" : "-full";
    request.out = folder_ / name;
    if (thread_.joinable()) thread_.join();
    running_ = true;
    thread_ = std::thread([this, request] { work(request); });
    return name;
}

void Backups::work(const backup::Request& asked) {
    try {
        backup::Request request = asked;
        fs::create_directories(folder_);
        fs::permissions(folder_, fs::perms::owner_all);
        std::optional<record::Reader> reader;
        if (!store_address_.empty() || request.base) {
            request.source = [&] {
                reader.emplace(store_.reader(access::Viewer::program("backup")));
                return backup::Source{reader->position(), store_.offset_minutes(),
                                      [&](auto after, auto upto, const auto& each) { reader->changes(after, upto, each); }};
            };
        }
        const auto made = backup::make(request, clock_, version());
        if (made.ok()) log_.info("backup", {{"folder", request.out.string()}, {"bytes", std::to_string(made->bytes())}});
        else log_.error("backup", {{"why", made.outcome().line()}});
    } catch (const std::exception& broken) {
        log_.error("backup", {{"why", broken.what()}});
    }
    const std::lock_guard lock(mutex_);
    running_ = false;
}

json::Value Backups::list(json::Arena& arena) {
    std::vector<json::Value> all;
    for (const backup::Listed& each : backup::list(folder_)) {
        if (all.size() == most_listed) break;
        all.push_back(arena.object({{"at", arena.string(each.manifest.made_at)},
                                    {"folder", arena.string(each.folder.filename().string())},
                                    {"bytes", arena.number(static_cast<std::int64_t>(each.manifest.bytes()))},
                                    {"kind", arena.string(each.manifest.is_differential ? "differential" : "full")},
                                    {"seconds", arena.number(fmt::format("{:.3f}", each.manifest.seconds))},
                                    {"verified", arena.boolean(each.manifest.verified)}}));
    }
    return arena.array(all);
}

namespace {

void begin(Visit& visit) {
    const auto fields = visit.fields();
    if (!fields) return;
    std::string kind;
    for (const auto& [name, value] : *fields) {
        if (name == "kind") kind = value;
    }
    if (!visit.viewer.may_operate())
        return visit.refuse(refuse(IssueCode::forbidden, "role", "only administrators and operators make backups"));
    if (kind != "full" && kind != "differential")
        return visit.refuse(refuse(IssueCode::value, "kind", "is neither \"full\" nor \"differential\""));
    const auto begun = visit.house.backups->begin(kind == "differential");
    visit.house.write_down(visit.viewer, visit.request, "backup", begun.ok() ? 202 : http_status(begun.outcome().code()), "", "",
                           kind);
    if (!begun.ok()) return visit.refuse(begun.outcome());
    json::Arena arena;
    visit.answer(202, arena.object({{"folder", arena.string(*begun)}}));
}

constexpr Route routes[] = {
    {"POST", "/api/v1/backups", Who::logged_in,
     "Begins a backup into the backup folder, beside the serving; administrators only. /api/v1/system lists those that are done.",
     R"({"kind":"full"})", R"({"folder":"2026-11-22T02-00-00.000Z-full"})", begin},
};

}  // namespace

std::span<const Route> backup_routes() { return routes; }

}  // namespace xinglin::server
