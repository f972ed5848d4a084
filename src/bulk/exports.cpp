// SPDX-License-Identifier: Apache-2.0
// The jobs: written down before they are promised, one at a time, going on after a stop, forgotten after a week.
#include <cerrno>

#include "bulk/kept.h"
#include "bulk/release.h"
#include "text/text.h"

namespace xinglin::bulk {

struct Exports::Kept {
    Job job;
    Progress progress;
    bool removed = false;  // while it ran: its files go when it has stopped
};

namespace {

constexpr std::int64_t tell_every_ms = 300;

void remove_files(const fs::path& folder) {
    std::error_code ignored;
    for (const std::string& name : names_in(folder)) {
        if (name != job_file) fs::remove(folder / name, ignored);
    }
}

/// Who took it when; the number is the one the audit has.
json::Value taken_json(const Job& job, json::Arena& arena) {
    return arena.object({{"by", arena.string(job.by)},
                         {"approved_by", job.approved_by.empty() ? json::Value() : arena.string(job.approved_by)},
                         {"at", arena.string(calendar::instant_text(job.created_ms))},
                         {"number", arena.string(job.id)},
                         {"release", job.release().empty() ? json::Value() : arena.string(job.release())}});
}

std::string address(std::string_view base, const Job& job, const File& file) {
    return fmt::format("{}/bulk/{}/{}", base, job.id, file.name);
}

}  // namespace

Result<Moment> moment_of(record::Reader& reader, const Order& order, std::int64_t now_ms) {
    Moment moment{reader.position(), now_ms};
    // Not the present: what is committed next may carry a time a moment earlier than now, never one before the feed's last.
    reader.changes(moment.position - 1, moment.position, [&](const record::Change& last) {
        moment.transaction_ms = last.updated_ms;
        return true;
    });
    if (order.level == Level::group && !reader.read(*fhir::find_resource("Group"), order.group).ok())
        return refuse(IssueCode::not_found, "Group", "there is no such Group (any more)");
    for (const std::string& patient : order.patients) {
        if (!reader.read(*fhir::find_resource("Patient"), patient).ok())
            return refuse(IssueCode::not_found, "patient", "one of the patients named is not here (any more)");
    }
    return moment;
}

std::string_view text(Job::State state) {
    switch (state) {
        case Job::State::waiting: return "waiting";
        case Job::State::running: return "running";
        case Job::State::done: return "done";
        case Job::State::failed: return "failed";
        case Job::State::cancelled: return "cancelled";
        case Job::State::asked: return "asked";
    }
    return "";
}

std::string_view Job::release() const {
    for (const auto& [name, value] : parameters) {
        if (name == "_release") return value;
    }
    return {};
}

double Job::per_second(std::int64_t now_ms) const {
    if (started_ms == 0) return 0;
    const std::int64_t passed = (finished_ms != 0 ? finished_ms : now_ms) - started_ms;
    return passed > 0 ? static_cast<double>(resources) * 1000.0 / static_cast<double>(passed) : 0;
}

std::string json_of(const Job& job, std::string_view base, std::int64_t now_ms, bool with_outputs) {
    json::Arena arena;
    const auto time = [&](std::int64_t ms) { return ms == 0 ? arena.null() : arena.string(calendar::instant_text(ms)); };
    std::vector<json::Value> types, filters, outputs;
    json::Value since = arena.null();
    for (const auto& [name, value] : job.parameters) {
        if (name == "_type") {
            for (const std::string_view each : text::split(value, ',')) types.push_back(arena.string(each));
        }
        if (name == "_typeFilter") {
            for (const std::string& each : split_filters(value)) filters.push_back(arena.string(each));
        }
        if (name == "_since") since = arena.string(value);
    }
    for (const File& file : job.files)
        outputs.push_back(arena.object({{"type", arena.string(file.deletions ? "deleted" : file.type)},
                                        {"url", arena.string(address(base, job, file))},
                                        {"count", count(arena, file.count)},
                                        {"bytes", count(arena, file.bytes)}}));
    const bool total_known = job.resources_total != 0 || job.is_over();
    return json::write(arena.object(
        {{"id", arena.string(job.id)},
         {"state", arena.string(text(job.state))},
         {"level", arena.string(text(job.level))},
         {"group", job.group.empty() ? json::Value() : arena.string(job.group)},
         {"types", arena.array(types)},
         {"since", since},
         {"type_filter", arena.array(filters)},
         {"position", arena.number(job.position)},
         {"resources", count(arena, job.resources)},
         {"resources_total",
          !total_known ? arena.null() : count(arena, job.state == Job::State::done ? job.resources : job.resources_total)},
         {"bytes", count(arena, job.bytes)},
         {"files", count(arena, job.files.size())},
         {"started_at", time(job.started_ms)},
         {"finished_at", time(job.finished_ms)},
         {"per_second", count(arena, static_cast<std::uint64_t>(job.per_second(now_ms)))},
         {"by", arena.string(job.by)},
         {"release", job.release().empty() ? json::Value() : arena.string(job.release())},
         {"approved_by", job.approved_by.empty() ? json::Value() : arena.string(job.approved_by)},
         {"error", job.error.empty() ? arena.null() : arena.string(job.error)},
         {"outputs", with_outputs ? arena.array(outputs) : json::Value()}}));
}

std::string manifest_of(const Job& job, std::string_view base) {
    json::Arena arena;
    std::vector<json::Value> output, deleted;
    for (const File& file : job.files)
        (file.deletions ? deleted : output)
            .push_back(arena.object({{"type", arena.string(file.type)},
                                     {"url", arena.string(address(base, job, file))},
                                     {"count", count(arena, file.count)}}));
    return json::write(arena.object({{"transactionTime", arena.string(calendar::instant_text(job.transaction_ms))},
                                     {"request", arena.string(job.request)},
                                     {"requiresAccessToken", arena.boolean(true)},
                                     {"output", arena.array(output)},
                                     {"deleted", arena.array(deleted)},
                                     {"error", arena.array(std::vector<json::Value>())},
                                     {"extension", arena.object({{"urn:xinglin:feed-position", arena.number(job.position)},
                                                                 {"urn:xinglin:taken", taken_json(job, arena)}})}}));
}

Exports::Exports(record::Store& store, const calendar::Clock& clock, RunOptions options, std::function<void(const Job&)> changed)
    : store_(store),
      clock_(clock),
      options_(std::move(options)),
      changed_(changed ? std::move(changed) : [](const Job&) {}),
      folder_(store.folder() / "exports") {
    load();
    thread_ = std::thread([this] { work(); });
}

Exports::~Exports() { close(); }

void Exports::close() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        for (const auto& kept : jobs_) kept->progress.cancelled = true;
    }
    wakes_.notify_all();
    if (thread_.joinable()) thread_.join();
}

/// What an earlier process left: jobs that were not over go on.
void Exports::load() {
    std::error_code error;
    for (const std::string& name : names_in(folder_)) {
        const fs::path path = folder_ / name;
        if (!fs::exists(path / job_file, error) && !error) {
            fs::remove_all(path, error);  // stopped before it was promised
            continue;
        }
        auto job = read_stored(path / job_file);
        if (!job || job->id != name) continue;  // unreadable just now, or not ours: left alone
        if (!job->is_over() && job->state != Job::State::asked) {
            job->state = Job::State::waiting;
            job->started_ms = 0;  // and goes on from its last checkpoint
        }
        auto kept = std::make_shared<Kept>();
        kept->job = std::move(*job);
        jobs_.push_back(std::move(kept));
    }
    std::sort(jobs_.begin(), jobs_.end(), [](const auto& a, const auto& b) { return a->job.created_ms < b->job.created_ms; });
}

void Exports::save(const Job& job) const { write_durably(folder_ / job.id / job_file, stored_text(job)); }

fs::path Exports::path_of(const Job& job, const File& file) const { return folder_ / job.id / file.name; }

Result<std::string> Exports::add(const Order& order, std::string_view by, std::string_view request) {
    if (!order.release.empty()) {
        XINGLIN_CHECK(check_order(order));
        if (!options_.make_release)
            return refuse(IssueCode::not_supported, "_release", "this server makes no releases; use xinglin export --release");
    }
    auto kept = std::make_shared<Kept>();
    Job& job = kept->job;
    job.id = store_.new_id();
    if (!order.release.empty()) job.state = Job::State::asked;
    job.by = by;
    job.request = request;
    job.level = order.level;
    job.group = order.group;
    job.parameters = order.written;
    job.created_ms = clock_.now_ms();
    {
        record::Reader reader = store_.reader(access::Viewer::program("export"));
        XINGLIN_TRY(const Moment moment, moment_of(reader, order, job.created_ms));
        job.position = moment.position;
        job.transaction_ms = moment.transaction_ms;
        if (order.level == Level::system || (order.level == Level::patient && order.patients.empty())) {
            for (const record::TypeCount& each : reader.type_counts())
                if (order.wants(*each.type)) job.resources_total += each.count;
        }
    }
    const std::lock_guard lock(mutex_);
    std::size_t waiting = 0;
    for (const auto& each : jobs_)
        waiting += each->job.state == Job::State::waiting || each->job.state == Job::State::asked ? 1 : 0;
    if (waiting >= waiting_most || ending_)
        return refuse(IssueCode::throttled, "exports", "too many exports wait already; try again when some are done");
    std::error_code error;
    fs::create_directories(folder_ / job.id, error);
    if (error) {
        errno = error.value();
        disk_refuses(folder_ / job.id);
    }
    try {
        save(job);
    } catch (const sql::Broken&) {
        fs::remove_all(folder_ / job.id, error);
        throw;
    }
    jobs_.push_back(kept);
    wakes_.notify_one();
    return job.id;
}

Job Exports::seen(const Kept& kept) const {
    Job job = kept.job;
    if (job.state == Job::State::running) {
        job.resources = kept.progress.written;
        job.bytes = kept.progress.bytes;
        job.seen = kept.progress.seen;
    }
    return job;
}

std::vector<Job> Exports::list() const {
    const std::lock_guard lock(mutex_);
    std::vector<Job> all;
    for (auto at = jobs_.rbegin(); at != jobs_.rend(); ++at) all.push_back(seen(**at));
    return all;
}

std::shared_ptr<Exports::Kept> Exports::kept(std::string_view id) const {
    for (const auto& each : jobs_) {
        if (each->job.id == id && !each->removed) return each;
    }
    return nullptr;
}

std::optional<Job> Exports::find(std::string_view id) const {
    const std::lock_guard lock(mutex_);
    const auto found = kept(id);
    return found ? std::optional<Job>(seen(*found)) : std::nullopt;
}

Result<Done> Exports::cancel(std::string_view id) {
    Job copy;
    {
        const std::lock_guard lock(mutex_);
        const auto found = kept(id);
        if (!found) return refuse(IssueCode::not_found, "id", "there is no such export (any more)");
        if (found->job.is_over()) return refuse(IssueCode::conflict, "id", "this export is over already");
        found->progress.cancelled = true;
        if (found->job.state == Job::State::running) return Done{};
        found->job.state = Job::State::cancelled;
        found->job.finished_ms = clock_.now_ms();
        save(found->job);
        copy = found->job;
    }
    changed_(copy);
    return Done{};
}

Result<Done> Exports::approve(std::string_view id, std::string_view by) {
    Job copy;
    {
        const std::lock_guard lock(mutex_);
        const auto found = kept(id);
        if (!found) return refuse(IssueCode::not_found, "id", "there is no such export (any more)");
        if (found->job.state != Job::State::asked)
            return refuse(IssueCode::conflict, "id", "does not wait for an approval (any more)");
        if (found->job.by == by)
            return refuse(IssueCode::forbidden, "id", "who asked for it does not approve it: another account must");
        Job changed = found->job;
        changed.approved_by = by;
        changed.state = Job::State::waiting;
        save(changed);
        found->job = copy = std::move(changed);
        wakes_.notify_one();
    }
    changed_(copy);
    return Done{};
}

Result<Done> Exports::remove(std::string_view id) {
    const std::lock_guard lock(mutex_);
    const auto found = kept(id);
    if (!found) return refuse(IssueCode::not_found, "id", "there is no such export (any more)");
    found->progress.cancelled = true;
    found->removed = true;
    if (found->job.state == Job::State::running) return Done{};  // the rest when it has stopped
    std::error_code ignored;
    fs::remove_all(folder_ / found->job.id, ignored);
    std::erase(jobs_, found);
    return Done{};
}

/// mutex_ held.
void Exports::drop_old() {
    const std::int64_t before_ms = clock_.now_ms() - kept_ms;
    std::error_code ignored;
    std::erase_if(jobs_, [&](const auto& kept) {
        const bool old = kept->job.is_over() && kept->job.finished_ms < before_ms;
        if (old) fs::remove_all(folder_ / kept->job.id, ignored);
        return old;
    });
}

void Exports::work() {
    for (;;) {
        std::shared_ptr<Kept> next;
        {
            std::unique_lock lock(mutex_);
            const auto find_waiting = [&] {
                for (const auto& kept : jobs_) {
                    if (kept->job.state == Job::State::waiting) return kept;
                }
                return std::shared_ptr<Kept>();
            };
            while (!ending_ && !(next = find_waiting())) {
                try {
                    drop_old();
                } catch (const std::exception&) {}  // memory: the next time
                wakes_.wait_for(lock, std::chrono::minutes(10));
            }
            if (ending_) return;
            next->job.state = Job::State::running;
            next->job.started_ms = clock_.now_ms();
        }
        try {
            run(next);
        } catch (const std::exception&) {  // not even the end could be told
            const std::lock_guard lock(mutex_);
            next->job.state = Job::State::failed;
            next->job.error = "out of memory";  // so short that it needs none
            next->job.finished_ms = clock_.now_ms();
        }
    }
}

void Exports::run(const std::shared_ptr<Kept>& kept) {
    if (const auto job = find(kept->job.id)) changed_(*job);
    // Tells of progress while the export's own threads work. What it needs is made here, where it may be refused.
    std::mutex mutex;
    std::condition_variable_any changes;
    std::jthread teller([this, &kept, &mutex, &changes](const std::stop_token& stop) {
        std::unique_lock lock(mutex);
        while (!changes.wait_for(lock, stop, std::chrono::milliseconds(tell_every_ms), [&] { return stop.stop_requested(); })) {
            if (stop.stop_requested()) return;
            try {
                if (const auto job = find(kept->job.id)) changed_(*job);
            } catch (const std::exception&) {}  // memory: the next time
        }
    });
    const auto end_telling = [&teller] {
        teller.request_stop();
        if (teller.joinable()) teller.join();
    };
    try {
        auto order = read_order(kept->job.level, kept->job.group, kept->job.parameters, true, store_.offset_minutes(),
                                kept->job.created_ms);
        if (!order.ok()) throw std::runtime_error(order.outcome().line());
        RunOptions options = options_;
        std::shared_ptr<const Release> release;
        if (!order->release.empty()) {
            auto made = options_.make_release(kept->job, *order, kept->progress);
            if (!made.ok()) throw std::runtime_error(made.outcome().line());
            release = std::move(*made);
            if (const std::string why = release->why_not(); !why.empty()) throw std::runtime_error(why);
            options.release = release.get();
            options.deidentifier = &release->deidentifier();
        }
        auto files = write_files(store_, *order, kept->job.position, folder_ / kept->job.id, options, kept->progress);
        if (release && !kept->progress.cancelled) {
            write_durably(folder_ / kept->job.id / report_file, release->report(kept->progress.left_out));
            write_durably(folder_ / kept->job.id / report_page_file, release->report_page(kept->progress.left_out));
        }
        end_telling();
        const bool cancelled = kept->progress.cancelled;
        finish(*kept, cancelled ? Job::State::cancelled : Job::State::done, "", std::move(files));
    } catch (const std::exception& error) {
        end_telling();
        finish(*kept, Job::State::failed, error.what(), {});
    }
}

void Exports::finish(Kept& kept, Job::State state, std::string error, std::vector<File> files) {
    Job copy;
    {
        const std::lock_guard lock(mutex_);
        if (ending_ && state == Job::State::cancelled) return;  // the next start finds it running, and begins again
        copy = seen(kept);
        copy.state = state;
        copy.error = std::move(error);
        copy.files = std::move(files);
        copy.finished_ms = clock_.now_ms();
        if (state != Job::State::done) {
            remove_files(folder_ / copy.id);
            copy.bytes = 0;
        }
        kept.job = copy;
        if (kept.removed) {
            std::error_code ignored;
            fs::remove_all(folder_ / copy.id, ignored);
            std::erase_if(jobs_, [&](const auto& each) { return each.get() == &kept; });
            return;
        }
        try {
            save(copy);
        } catch (const sql::Broken& broken) {  // known to this process; the next begins it again
            if (state == Job::State::done) kept.job.error = broken.what();
        }
    }
    try {
        changed_(copy);
    } catch (const std::exception&) {}  // who follows it asks again
}

}  // namespace xinglin::bulk
