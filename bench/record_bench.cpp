// SPDX-License-Identifier: Apache-2.0
// Load driver for the record, in process: bulk import and its decay, reads, searches, whole records, durable live writes.
//
// record_bench FOLDER SAMPLES RESOURCES: fills FOLDER to RESOURCES with re-keyed samples (everything searchable when the
// line is printed), then measures the rest on it. --import-only stops after the filling; --gate MINUTES writes and reads
// at once instead (gate.h). Figures with machine and date: docs/performance.md.
#include <malloc.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include "fhir/fhir.h"
#include "gate.h"
#include "keys/keys.h"
#include "measure.h"
#include "record/record.h"
#include "rekeyed.h"
#include "search_mix.h"
#include "sql/sealed.h"

namespace xinglin::bench {
namespace {

const access::Viewer viewer = access::Viewer::program("bench");
const calendar::SystemClock system_clock;

std::string p(std::vector<double>& us, double q) { return us.empty() ? "-" : std::to_string(static_cast<long>(quantile(us, q))); }

/// The data folder, and the PostgreSQL database when the record lies there.
struct Where {
    std::filesystem::path folder;
    std::string store;
};

/// Batches made ready by two threads, stored by the caller.
class Pipeline {
public:
    Pipeline(record::Store& store, const std::vector<Person>& people, std::uint32_t first_copy, std::uint64_t wanted)
        : store_(store), people_(people), copy_(first_copy), wanted_(wanted) {
        for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { run(); });
    }
    ~Pipeline() {
        for (std::thread& thread : threads_) thread.join();
    }
    std::optional<std::vector<record::Prepared>> next() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !ready_.empty() || running_ == 0; });
        if (ready_.empty()) return std::nullopt;
        auto batch = std::move(ready_.front());
        ready_.pop_front();
        changed_.notify_all();
        return batch;
    }

private:
    void run() {
        json::Arena arena;
        for (;;) {
            std::vector<record::Prepared> batch;
            while (batch.size() < 4'000) {
                std::size_t person = 0;
                std::uint32_t copy = 0;
                {
                    std::lock_guard lock(mutex_);
                    if (made_ >= wanted_) break;
                    person = person_;
                    copy = copy_;
                    made_ += people_[person].resources.size();
                    if (++person_ == people_.size()) person_ = 0, ++copy_;
                }
                for (const std::string& text : people_[person].resources) {
                    arena.clear();
                    const std::string own = rekeyed(text, copy);
                    const json::Value resource = json::parse(own, arena).value();
                    if (!fhir::validate(resource).ok()) std::abort();
                    batch.push_back(store_.prepare(*fhir::find_resource(resource["resourceType"].string()),
                                                   resource["id"].string(), resource));
                }
            }
            std::unique_lock lock(mutex_);
            if (batch.empty()) {
                --running_;
                changed_.notify_all();
                return;
            }
            changed_.wait(lock, [this] { return ready_.size() < 3; });
            ready_.push_back(std::move(batch));
            changed_.notify_all();
        }
    }
    record::Store& store_;
    const std::vector<Person>& people_;
    std::uint32_t copy_;
    std::uint64_t wanted_, made_ = 0;
    std::size_t person_ = 0;
    int running_ = 2;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::vector<record::Prepared>> ready_;
    std::vector<std::thread> threads_;
};

void import(const Where& where, const std::vector<Person>& people, std::uint64_t wanted) {
    auto store =
        record::Store::open(where.folder, system_clock,
                            {.cache_bytes = 512ll << 20, .bulk = true, .offset_minutes = std::int16_t{0}, .store = where.store})
            .value();
    const std::uint64_t there = store->figures().resources;
    std::uint64_t per_copy = 0;
    for (const Person& person : people) per_copy += person.resources.size();
    if (there >= wanted) return;
    Pipeline pipeline(*store, people, static_cast<std::uint32_t>((there + per_copy - 1) / per_copy), wanted - there);
    const auto start = Time::now();
    auto window = start;
    std::uint64_t stored = 0, window_stored = 0;
    const std::uint64_t step = std::max<std::uint64_t>(200'000, (wanted - there) / 50);
    double window_cpu = cpu_seconds(), window_kib = written_kib();
    std::printf("import: resources   rate/s  window/s  cpu us each  KiB written each  B/resource  MiB\n");
    while (auto batch = pipeline.next()) {
        stored += store->load(std::move(*batch)).value().stored;
        if (stored - window_stored >= step) {
            const auto in_window = static_cast<double>(stored - window_stored);
            std::printf("  %15llu  %7.0f  %8.0f  %11.1f  %16.2f  %10.0f  %ld\n", static_cast<unsigned long long>(there + stored),
                        static_cast<double>(stored) / seconds_since(start), in_window / seconds_since(window),
                        (cpu_seconds() - window_cpu) * 1e6 / in_window, (written_kib() - window_kib) / in_window,
                        static_cast<double>(store->figures().data_bytes) / static_cast<double>(there + stored), resident_mib());
            std::fflush(stdout);
            window_stored = stored;
            window_cpu = cpu_seconds();
            window_kib = written_kib();
            window = Time::now();
        }
    }
    if (!record::close(std::move(store)).ok()) std::abort();  // the closing checkpoint and fsync belong to the figure
    std::printf("  imported %llu in %.1f s: %.0f/s\n", static_cast<unsigned long long>(stored), seconds_since(start),
                static_cast<double>(stored) / seconds_since(start));
}

struct Sample {
    std::vector<std::string> patients, observations;
};

Sample sample(record::Store& store) {
    Sample found;
    std::mt19937 random(7);
    auto reader = store.reader(viewer);
    const auto draw = [&](const char* type, std::vector<std::string>& ids, std::size_t most) {
        std::size_t seen = 0;
        reader.scan(fhir::find_resource(type), [&](const record::Version& version) {
            if (ids.size() < most) ids.push_back(version.id);
            else if (const std::size_t place = random() % (seen + 1); place < most) ids[place] = version.id;
            return ++seen < 200'000;
        });
    };
    draw("Patient", found.patients, 2'000);
    draw("Observation", found.observations, 5'000);
    return found;
}

template <typename Work>
void measure(const char* name, std::size_t count, Work&& work) {
    std::vector<double> us;
    const auto start = Time::now();
    std::size_t results = 0;
    for (std::size_t i = 0; i < count && seconds_since(start) < 8; ++i) {
        const auto one = Time::now();
        results += work(i);
        us.push_back(seconds_since(one) * 1e6);
    }
    const double total = seconds_since(start);
    const std::size_t done = us.size();
    const std::string p50 = p(us, 0.5), p99 = p(us, 0.99);
    std::printf("  %-44s %8.0f/s  p50 %6s us  p99 %7s us  %6.1f results\n", name, static_cast<double>(done) / total, p50.c_str(),
                p99.c_str(), static_cast<double>(results) / static_cast<double>(done));
}

void reads(record::Store& store, const Sample& ids) {
    const auto& observation = *fhir::find_resource("Observation");
    std::printf("reads, one thread\n");
    measure("read by id", 100'000, [&](std::size_t i) {
        return store.reader(viewer).read(observation, ids.observations[i % ids.observations.size()]).ok();
    });
    measure("$everything", 2'000, [&](std::size_t i) {
        return store.reader(viewer).everything({.patient_id = ids.patients[i * 7919 % ids.patients.size()]})->entries.size();
    });
    search_mix(store, ids.patients);
}

/// One client of the live test: resource after resource, `per_transaction` of them in each durable submission.
std::vector<double> client(record::Store& store, const std::vector<Person>& people, std::size_t first, std::uint32_t copy,
                           std::uint32_t step, std::size_t per_transaction, Time::time_point start) {
    json::Arena arena;
    std::vector<double> us;
    std::vector<record::Prepared> ready;
    std::size_t bytes = 0;
    auto begun = Time::now();
    for (std::uint32_t round = 0;; ++round) {
        for (const std::string& text : people[(first + round * 7) % people.size()].resources) {
            if (seconds_since(start) >= 6) return us;
            if (ready.empty()) begun = Time::now();
            arena.clear();
            const std::string own = rekeyed(text, copy + round * step);
            const json::Value resource = json::parse(own, arena).value();
            if (!fhir::validate(resource).ok()) std::abort();
            ready.push_back(
                store.prepare(*fhir::find_resource(resource["resourceType"].string()), resource["id"].string(), resource));
            bytes += own.size();
            if (ready.size() < per_transaction) continue;
            const auto done = store.submit_and_wait(
                [&](record::Transaction& t) -> Result<Done> {
                    for (const record::Prepared& each : ready) t.put(each, false, false);
                    return Done{};
                },
                bytes);
            if (!done.ok()) std::abort();
            us.push_back(seconds_since(begun) * 1e6);
            ready.clear();
            bytes = 0;
        }
    }
}

void live(record::Store& store, const std::vector<Person>& people, unsigned clients, std::size_t per_transaction,
          std::uint32_t first_copy) {
    std::mutex mutex;  // guards us
    std::vector<double> us;
    const auto start = Time::now();
    std::vector<std::thread> threads;
    for (unsigned c = 0; c < clients; ++c) {
        threads.emplace_back([&, c] {
            const std::vector<double> mine = client(store, people, c, first_copy + c, clients, per_transaction, start);
            std::lock_guard lock(mutex);
            us.insert(us.end(), mine.begin(), mine.end());
        });
    }
    for (std::thread& thread : threads) thread.join();
    const double per_second = static_cast<double>(us.size() * per_transaction) / seconds_since(start);
    const std::string p50 = p(us, 0.5), p99 = p(us, 0.99);
    std::printf("  durable, %2zu a transaction, %3u clients  %8.0f resources/s  p50 %6s us  p99 %7s us\n", per_transaction,
                clients, per_second, p50.c_str(), p99.c_str());
}

// The floor beneath a durable write on this disk.
void fsync_floor(const std::filesystem::path& folder) {
    const auto file = folder / "fsync.probe";
    FILE* out = std::fopen(file.c_str(), "w");
    const std::string page(4096, 'x');
    std::vector<double> us;
    for (int i = 0; i < 500; ++i) {
        const auto one = Time::now();
        std::fwrite(page.data(), 1, page.size(), out);
        std::fflush(out);
        fdatasync(fileno(out));
        us.push_back(seconds_since(one) * 1e6);
    }
    std::fclose(out);
    std::filesystem::remove(file);
    const std::string p50 = p(us, 0.5), p99 = p(us, 0.99);
    std::printf("limit: append 4 KiB + fdatasync            p50 %6s us  p99 %7s us\n", p50.c_str(), p99.c_str());
}

int run(const Where& where, const std::filesystem::path& samples, std::uint64_t wanted, bool only_import, bool only_search,
        bool guarded) {
    const std::vector<Person> people = people_in(samples);
    import(where, people, wanted);
    if (only_import) return 0;
    const auto start = Time::now();
    auto store = record::Store::open(where.folder, system_clock,
                                     {.cache_bytes = 256ll << 20, .store = where.store, .terminology = mix_terminology()})
                     .value();
    std::printf("opened in %.1f ms, %llu resources, %.0f B a resource, %ld MiB\n", seconds_since(start) * 1000,
                static_cast<unsigned long long>(store->figures().resources),
                static_cast<double>(store->figures().data_bytes) / static_cast<double>(store->figures().resources),
                resident_mib());
    if (only_search || guarded) {
        const std::vector<std::string> patients = sample(*store).patients;
        if (guarded) guarded_mix(*store, patients);
        else search_mix(*store, patients);
        return 0;
    }
    fsync_floor(where.folder);
    const Sample ids = sample(*store);
    reads(*store, ids);
    std::uint32_t copy = 1'000'000 + static_cast<std::uint32_t>(std::random_device{}() % 1'000'000'000);
    for (const std::size_t per_transaction : {1, 10}) {
        for (const unsigned clients : {1u, 8u, 64u}) live(*store, people, clients, per_transaction, copy += 100'000);
    }
    std::printf("resident at the end %ld MiB\n", resident_mib());
    return 0;
}

/// The folder encrypted with this key: a new one is made so.
void seal(const std::filesystem::path& folder, const char* key, const char* cipher) {
    sql::give_key_places({key});
    if (keys::is_sealed(folder)) return;
    std::filesystem::create_directories(folder);
    const auto chosen = cipher ? keys::cipher_of(cipher) : keys::Cipher::aes_256_gcm;
    if (!chosen || !keys::make(folder, *chosen, key, "2026-01-01").ok()) throw std::runtime_error("no such cipher or key");
}

}  // namespace
}  // namespace xinglin::bench

int main(int argc, char** argv) {
    using namespace xinglin::bench;
    mallopt(M_MMAP_THRESHOLD, 512 << 10);  // as the server does
    const auto flag = [&](std::string_view name) -> const char* {
        for (int i = 4; i < argc; ++i) {
            if (argv[i] == name) return i + 1 < argc ? argv[i + 1] : "";
        }
        return nullptr;
    };
    if (argc < 4) {
        std::fprintf(stderr,
                     "usage: record_bench FOLDER SAMPLES RESOURCES [--import-only | --search-only | --guarded] [--store "
                     "postgres://…] [--gate MINUTES "
                     "[--cache MIB] "
                     "[--writers N]] [--data-key file:PATH [--cipher aes-256-gcm | sm4-ctr-hmac-sm3]]\n");
        return 2;
    }
    if (const char* key = flag("--data-key")) seal(argv[1], key, flag("--cipher"));
    if (const char* minutes = flag("--gate")) {
        GateOptions options{.minutes = std::atof(minutes)};
        if (const char* mib = flag("--cache")) options.cache_bytes = std::atoll(mib) << 20;
        if (const char* writers = flag("--writers")) options.writers = static_cast<unsigned>(std::atoi(writers));
        return gate(argv[1], people_in(argv[2]), options);
    }
    const char* store = flag("--store");
    return run({argv[1], store ? store : ""}, argv[2], std::strtoull(argv[3], nullptr, 10), flag("--import-only") != nullptr,
               flag("--search-only") != nullptr, flag("--guarded") != nullptr);
}
