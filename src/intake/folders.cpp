// SPDX-License-Identifier: Apache-2.0
// Looking, waiting until files are whole, taking them in message by message, moving them.
#include "intake/folders.h"

#include <condition_variable>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "intake/inside.h"

namespace xinglin::intake {

namespace fs = std::filesystem;

namespace {

bool is_unfinished(const std::string& name) {
    for (const std::string_view end : {".tmp", ".part", ".filepart", ".crdownload"}) {
        if (name.ends_with(end)) return true;
    }
    return name.starts_with('.') || name.ends_with('~');
}

/// Names a file as it is now: the same name with other content is another file.
std::string key_of(const fs::path& file) {
    const auto changed = fs::last_write_time(file).time_since_epoch().count();
    return fmt::format("{}|{}|{}", file.filename().string(), fs::file_size(file), changed);
}

/// Gives messages to the ledger, only so many at a time. Held by whoever still owes an answer.
class Slow {
public:
    explicit Slow(std::size_t most) : most_(most) {}
    /// False when the ledger refused one before: the file is read again later, from there.
    bool begin() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return under_way_ < most_ || refused_; });
        if (refused_) return false;
        ++under_way_;
        return true;
    }
    void end(Result<Receipt> receipt) {
        const std::lock_guard lock(mutex_);
        --under_way_;
        if (!receipt.ok() && !refused_) refused_ = std::move(receipt).outcome();
        changed_.notify_all();
    }
    std::optional<Outcome> finish() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return under_way_ == 0; });
        return refused_;
    }

private:
    const std::size_t most_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::size_t under_way_ = 0;
    std::optional<Outcome> refused_;
};

bool is_for_now(const Outcome& outcome) {
    return outcome.code() == IssueCode::transient || outcome.code() == IssueCode::throttled;
}

}  // namespace

Folders::Folders(FolderOptions options, Intake& intake) : options_(std::move(options)), intake_(intake) {
    if (options_.look_every.count() == 0) return;  // tests look themselves
    for (unsigned i = 0; i < std::max(1u, options_.threads); ++i) {
        threads_.emplace_back([this](const std::stop_token& stop) {
            std::mutex mutex;
            std::condition_variable_any never;
            while (!stop.stop_requested()) {
                look();
                std::unique_lock lock(mutex);
                never.wait_for(lock, stop, options_.look_every, [] { return false; });
            }
        });
    }
}

Folders::~Folders() {
    stopping_ = true;
    for (std::jthread& thread : threads_) thread.request_stop();
    threads_.clear();  // joins
}

std::string Folders::trouble(const std::string& source) const {
    const std::lock_guard lock(mutex_);
    const auto found = troubles_.find(source);
    return found == troubles_.end() ? "" : found->second;
}

void Folders::look() {
    for (const Source& source : intake_.sources()) {
        if (source.kind != "folder" || source.paused || stopping_) continue;
        AllSeen* seen = nullptr;
        {
            const std::lock_guard lock(mutex_);
            const auto now = std::chrono::steady_clock::now();
            const auto [before, is_first] = looked_.try_emplace(source.id, now);
            if (!is_first && now - before->second < options_.look_every) continue;  // by another thread: too soon to tell
            if (!looked_at_.insert(source.id).second) continue;
            before->second = now;
            seen = &seen_[source.id];
        }
        std::string trouble;
        try {
            look_at(source, *seen);
        } catch (const std::exception& error) {
            trouble = error.what();
        }
        const std::lock_guard lock(mutex_);
        looked_at_.erase(source.id);
        std::string& known = troubles_[source.id];
        if (known != trouble && !trouble.empty() && options_.log)
            options_.log(fmt::format("folder of {}: {}", source.id, trouble));
        known = trouble;
    }
}

void Folders::look_at(const Source& source, AllSeen& seen) {
    const fs::path folder = source.path.empty() ? options_.data / "inbox" / source.id : fs::path(source.path);
    fs::create_directories(folder);
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (entry.is_symlink() || !entry.is_regular_file() || is_unfinished(entry.path().filename().string())) continue;
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
        std::error_code ignored;
        const auto when_a = fs::last_write_time(a, ignored), when_b = fs::last_write_time(b, ignored);
        return when_a != when_b ? when_a < when_b : a < b;  // oldest first: order of arrival
    });
    for (const fs::path& file : files) {
        if (stopping_) return;
        if (is_whole(file, seen)) take(source, folder, file, seen);
    }
    std::erase_if(seen, [](const auto& one) { return !fs::exists(one.first); });
}

bool Folders::is_whole(const fs::path& file, AllSeen& seen) {
    const Seen now{fs::file_size(file), fs::last_write_time(file)};
    const auto [before, is_new] = seen.try_emplace(file, now);
    const bool same = !is_new && before->second.size == now.size && before->second.changed == now.changed;
    before->second = now;
    return same;
}

void Folders::take(const Source& source, const fs::path& folder, const fs::path& file, AllSeen& seen) {
    const std::string key = key_of(file);
    const FileState state = intake_.file(source.id, key);
    Result<Done> taken = Done{};
    if (!state.done) {
        const Format* format = intake_.format(source.format_name());
        taken = format && format->split ? take_items(source, *format, file, key, state.items) : take_whole(source, file, key);
        if (stopping_) return;
        if (!taken.ok() && is_for_now(taken.outcome())) throw std::runtime_error(taken.outcome().line());
        intake_.finish_file(source.id, key);
    }
    seen.erase(file);
    move(folder, file, taken.ok() ? "" : taken.outcome().line());
}

Result<Done> Folders::take_whole(const Source& source, const fs::path& file, const std::string& key) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream content;
    if (fs::file_size(file) <= options_.whole_bytes) content << in.rdbuf();
    Arrival arrival{.source = source.id, .bytes = std::move(content).str(), .file = key, .item = 1};
    if (!in) arrival.bytes.clear();
    const bool readable = !arrival.bytes.empty();
    if (!readable)
        return refuse(IssueCode::invalid, file.filename().string(), "is empty, too long or cannot be read; send it again");
    auto receipt = intake_.receive_and_wait(std::move(arrival));
    if (!receipt.ok()) return std::move(receipt).outcome();
    if (receipt->state == State::rejected) return refuse(IssueCode::invalid, receipt->where, receipt->reason);
    return Done{};
}

Result<Done> Folders::take_items(const Source& source, const Format& format, const fs::path& file, const std::string& key,
                                 std::int64_t from) {
    Slow slow(options_.under_way);
    std::int64_t number = 0;
    auto split = format.split(file, source, source.format_variant(), [&](Item item) {
        if (++number <= from) return true;  // received before we were stopped
        if (stopping_ || !slow.begin()) return false;
        Arrival arrival{.source = source.id, .bytes = std::move(item.raw), .file = key, .item = number};
        arrival.where = std::move(item.where);
        arrival.refusal = std::move(item.refusal);
        intake_.receive(std::move(arrival), [&slow](Result<Receipt> receipt) { slow.end(std::move(receipt)); });
        return true;
    });
    if (auto refused = slow.finish()) return std::move(*refused);
    if (split.ok() || stopping_) return Done{};
    // The rest cannot be read: one message that says so.
    Arrival arrival{.source = source.id, .bytes = fmt::format("{}\n", file.filename().string()), .file = key, .item = number + 1};
    arrival.where = split.outcome().issues.empty() ? "file" : split.outcome().issues.front().where;
    arrival.refusal = split.outcome().issues.empty() ? "cannot be read" : split.outcome().issues.front().what;
    auto receipt = intake_.receive_and_wait(std::move(arrival));
    if (!receipt.ok()) return std::move(receipt).outcome();
    return std::move(split).outcome();
}

void Folders::move(const fs::path& folder, const fs::path& file, const std::string& why) {
    const fs::path target = folder / (why.empty() ? "done" : "rejected");
    fs::create_directories(target);
    fs::path to = target / file.filename();
    for (int number = 2; fs::exists(to); ++number)
        to = target / fmt::format("{}-{}{}", file.stem().string(), number, file.extension().string());
    fs::rename(file, to);
    if (why.empty()) return;
    std::ofstream reason(to.string() + ".reason.txt", std::ios::binary);
    reason << why << '\n';
}

}  // namespace xinglin::intake
