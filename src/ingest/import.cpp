// SPDX-License-Identifier: Apache-2.0
// The import as a pipeline: one thread reads and cuts, some prepare, one gives batches to the record in order.
#include "ingest/import.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "ingest/source.h"
#include "ingest/unit.h"

namespace xinglin::ingest {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t lines_bytes = 1u << 20;  // of NDJSON given to a thread at once
constexpr std::uint64_t window = 12;           // units on their way at once

bool is_importable(const fs::path& path) {
    const std::string name = unpacked_name(path);
    return name.ends_with(".json") || name.ends_with(".ndjson") || name.ends_with(".jsonl");
}

Result<std::vector<fs::path>> collect(const std::vector<fs::path>& paths) {
    std::vector<fs::path> files;
    for (const fs::path& path : paths) {
        std::error_code error;
        if (fs::is_directory(path, error)) {
            std::vector<fs::path> inside;
            for (auto at = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, error);
                 !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
                if (at->is_regular_file() && is_importable(at->path())) inside.push_back(at->path());
            }
            if (error) return refuse(IssueCode::not_found, path.string(), "cannot be read: " + error.message());
            if (inside.empty())
                return refuse(IssueCode::not_found, path.string(), "holds no .json, .ndjson or .jsonl files (also .gz, .zst)");
            std::sort(inside.begin(), inside.end());
            files.insert(files.end(), inside.begin(), inside.end());
        } else if (fs::is_regular_file(path, error)) {
            files.push_back(path);
        } else {
            return refuse(IssueCode::not_found, path.string(),
                          error ? "cannot be read: " + error.message() : "is not there, or neither a file nor a folder");
        }
    }
    return files;
}

std::string file_name_for(std::string_view name) {
    std::string out;
    for (const char c : name.substr(0, 80)) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        out += is_plain ? c : '-';
    }
    char time[32];
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::strftime(time, sizeof time, "%Y%m%dT%H%M%SZ", &utc);
    return out + '-' + time;
}

/// Written at the first rejected entry only.
class RejectedFile {
public:
    RejectedFile(fs::path folder, std::string_view name) : folder_(std::move(folder)), name_(file_name_for(name)) {}
    std::string path() const { return out_.is_open() ? path_.string() : std::string(); }
    void write(const std::vector<Rejected>& rejected) {
        if (rejected.empty()) return;
        if (!out_.is_open()) open();
        for (const Rejected& one : rejected) out_ << rejected_line(one);
        out_.flush();
        if (!out_) throw sql::Broken(sql::Broken::Why::io, "cannot write " + path_.string());
    }

private:
    fs::path folder_, path_;
    std::string name_;
    std::ofstream out_;

    void open() {
        fs::create_directories(folder_);
        path_ = folder_ / (name_ + ".ndjson");
        for (int i = 2; fs::exists(path_); ++i) path_ = folder_ / (name_ + '-' + std::to_string(i) + ".ndjson");
        out_.open(path_, std::ios::binary);
    }
};

/// Units out, products in, in order; at most `window` of them apart.
class Line {
public:
    void put(Unit unit) {
        std::unique_lock lock(lock_);
        changed_.wait(lock, [&] { return stopped_ || made_ - given_ < window; });
        if (stopped_) return;
        unit.number = made_++;
        waiting_.push_back(std::move(unit));
        changed_.notify_all();
    }
    std::optional<Unit> take() {
        std::unique_lock lock(lock_);
        changed_.wait(lock, [&] { return stopped_ || closed_ || !waiting_.empty(); });
        if (stopped_ || waiting_.empty()) return std::nullopt;
        Unit unit = std::move(waiting_.front());
        waiting_.pop_front();
        return unit;
    }
    void give(std::uint64_t number, Product product) {
        const std::lock_guard lock(lock_);
        ready_.emplace(number, std::move(product));
        changed_.notify_all();
    }
    /// The next in order; nothing at the end, or when `patience` ends before it is there.
    std::optional<Product> next(bool& at_end, std::chrono::milliseconds patience) {
        std::unique_lock lock(lock_);
        const auto is_there = [&] { return ready_.contains(given_) || stopped_ || (closed_ && given_ == made_); };
        changed_.wait_for(lock, patience, is_there);
        at_end = stopped_ || (closed_ && given_ == made_);
        const auto found = ready_.find(given_);
        if (stopped_ || found == ready_.end()) return std::nullopt;
        Product product = std::move(found->second);
        ready_.erase(found);
        ++given_;
        changed_.notify_all();
        return product;
    }
    void close() {
        const std::lock_guard lock(lock_);
        closed_ = true;
        changed_.notify_all();
    }
    void stop() {
        const std::lock_guard lock(lock_);
        stopped_ = true;
        changed_.notify_all();
    }

private:
    std::mutex lock_;
    std::condition_variable changed_;
    std::deque<Unit> waiting_;
    std::map<std::uint64_t, Product> ready_;
    std::uint64_t made_ = 0, given_ = 0;
    bool closed_ = false, stopped_ = false;
};

class Run {
public:
    Run(record::Store& store, const ImportOptions& options, const std::atomic<bool>& cancelled,
        const std::function<void(const ImportFigures&)>& progress, std::string_view name)
        : store_(store),
          options_(options),
          cancelled_(cancelled),
          progress_(progress),
          rejected_(store.folder() / "rejected", name) {}

    ImportFigures run(const std::vector<fs::path>& files) {
        for (const fs::path& file : files) {
            std::error_code ignored;
            figures_.bytes += fs::file_size(file, ignored);
        }
        figures_.files = files.size();
        std::vector<std::size_t> all(files.size());
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
        pass(files, all, false);
        if (!later_.empty() && !cancelled_) pass(files, std::vector<std::size_t>(later_), true);
        figures_.cancelled = cancelled_;
        figures_.rejected_file = rejected_.path();
        report(true);
        return figures_;
    }

private:
    record::Store& store_;
    const ImportOptions& options_;
    const std::atomic<bool>& cancelled_;
    const std::function<void(const ImportFigures&)>& progress_;
    RejectedFile rejected_;
    ImportFigures figures_;
    std::vector<std::size_t> later_;  // files that refer to what was not there yet
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now(), reported_{};
    std::vector<record::Prepared> batch_;
    std::uint64_t batch_bytes_ = 0;

    void report(bool at_any_rate) {
        const auto now = std::chrono::steady_clock::now();
        figures_.seconds = std::chrono::duration<double>(now - started_).count();
        if (!progress_ || (!at_any_rate && now - reported_ < std::chrono::milliseconds(200))) return;
        reported_ = now;
        progress_(figures_);
    }

    void flush() {
        if (batch_.empty()) return;
        const record::Store::Loaded loaded = [&] {
            auto result = store_.load(std::move(batch_));
            if (!result.ok()) throw sql::Broken(sql::Broken::Why::other, result.outcome().line());
            return *result;
        }();
        batch_.clear();
        batch_bytes_ = 0;
        figures_.stored += loaded.stored;
        figures_.unchanged += loaded.unchanged;
    }

    /// After what came before. What is not there, or deleted already, is unchanged.
    void erase(const std::vector<std::pair<const fhir::Type*, std::string>>& deletions) {
        flush();
        std::uint64_t erased = 0;
        const auto done = store_.submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
            erased = 0;
            for (const auto& [type, id] : deletions) {
                const auto state = transaction.state(*type, id);
                if (!state || state->deleted) continue;
                transaction.erase(*type, id);
                ++erased;
            }
            return Done{};
        });
        if (!done.ok()) throw sql::Broken(sql::Broken::Why::other, done.outcome().line());
        figures_.stored += erased;
        figures_.unchanged += deletions.size() - erased;
    }

    void receive(Product product, bool last_chance) {
        if (!last_chance) figures_.bytes_done += product.bytes_on_disk;
        if (product.try_again_later) later_.push_back(product.file);
        figures_.read += product.read;
        figures_.rejected += product.rejected.size();
        rejected_.write(product.rejected);
        batch_bytes_ += product.text_bytes;
        for (auto& one : product.prepared) batch_.push_back(std::move(one));
        if (!product.deletions.empty()) erase(product.deletions);
        if (batch_.size() >= options_.batch_resources || batch_bytes_ >= options_.batch_bytes) flush();
        report(false);
    }

    void pass(const std::vector<fs::path>& files, const std::vector<std::size_t>& chosen, bool last_chance) {
        Line line;
        std::exception_ptr failure;
        std::mutex failure_lock;
        const auto guarded = [&](auto&& body) {
            try {
                body();
            } catch (...) {
                const std::lock_guard lock(failure_lock);
                if (!failure) failure = std::current_exception();
                line.stop();
            }
        };
        std::vector<std::thread> threads;
        guarded([&] {  // one that cannot be begun ends the others
            threads.reserve(std::max(1u, options_.prepare_threads) + 1);
            for (unsigned i = 0; i < std::max(1u, options_.prepare_threads); ++i) {
                threads.emplace_back([&] {
                    guarded([&] {
                        Preparer preparer(store_, options_);
                        while (auto unit = line.take()) line.give(unit->number, preparer.prepare(*unit));
                    });
                });
            }
            threads.emplace_back([&] {
                guarded([&] {
                    for (const std::size_t file : chosen) {
                        if (cancelled_) break;
                        cut(files[file], file, last_chance, line);
                    }
                    line.close();
                });
            });
        });
        guarded([&] {
            for (bool at_end = false; !at_end;) {
                if (auto product = line.next(at_end, std::chrono::milliseconds(200)))
                    receive(std::move(*product), last_chance), at_end = false;
                else report(false);
            }
            if (!failure) flush();
        });
        for (std::thread& thread : threads) thread.join();
        if (failure) std::rethrow_exception(failure);
    }

    void cut(const fs::path& path, std::size_t file, bool last_chance, Line& line) {
        const std::string name = unpacked_name(path);
        Unit unit{.file = file,
                  .source = path.filename().string(),
                  .is_lines = name.ends_with(".ndjson") || name.ends_with(".jsonl"),
                  .last_chance = last_chance};
        std::string problem;
        const auto source = open_source(path, problem);
        std::uint64_t counted = 0;
        const auto send = [&](std::string text) {
            Unit one = unit;
            one.text = std::move(text);
            one.problem = problem;
            one.bytes_on_disk = source ? source->taken - counted : 0;
            counted = source ? source->taken : 0;
            unit.first_line += static_cast<std::uint64_t>(std::count(one.text.begin(), one.text.end(), '\n'));
            line.put(std::move(one));
        };
        if (!source) return send({});
        std::string text;
        bool goes_on = true;
        while (goes_on && !cancelled_) {
            goes_on = source->read(text);
            if (text.size() > options_.file_bytes) {
                problem = std::string(unit.is_lines ? "a line" : "the file") + " is larger than " +
                          std::to_string(options_.file_bytes >> 20) + " MiB unpacked";
                text.clear();
                break;
            }
            if (!unit.is_lines || text.size() < lines_bytes) continue;
            const std::size_t end = text.rfind('\n');
            if (end == std::string::npos) continue;
            std::string rest = text.substr(end + 1);
            text.resize(end + 1);
            send(std::move(text));
            text = std::move(rest);
        }
        if (problem.empty()) problem = source->problem;
        if (cancelled_) return;
        if (!problem.empty())
            text.resize(unit.is_lines && text.rfind('\n') != std::string::npos ? text.rfind('\n') + 1
                                                                               : 0);  // what is whole of it
        if (!text.empty() || !problem.empty() || unit.first_line == 1) send(std::move(text));
    }
};

}  // namespace

Importer::Importer(record::Store& store, const ImportOptions& options) : store_(store), options_(options) {}
Importer::~Importer() = default;

Result<ImportFigures> Importer::run(const std::vector<fs::path>& paths, std::string_view name,
                                    const std::function<void(const ImportFigures&)>& progress) {
    XINGLIN_TRY(const std::vector<fs::path> files, collect(paths));
    return Run(store_, options_, cancelled_, progress, name).run(files);
}

}  // namespace xinglin::ingest
