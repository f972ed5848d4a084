// SPDX-License-Identifier: Apache-2.0
// What a Store is made of, shared by its readers. Inside the room only.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "record/find.h"
#include "record/fresh.h"
#include "record/writer.h"

namespace xinglin::record {

struct Store::Inside {
    ~Inside();

    std::filesystem::path folder;
    const calendar::Clock* clock = nullptr;
    Options options;
    int lock_file = -1;
    std::int16_t offset_minutes = 0;
    Numbers numbers;
    Compressor compressor;
    /// Stored parameters through which a resource belongs to a patient's compartment.
    std::unordered_set<std::int64_t> patient_pids;
    FreshShelf fresh;
    OwnerShelf owners;
    std::unique_ptr<Writer> writer;

    std::mutex pool_mutex;  // guards idle and open_readers
    std::condition_variable pool_returned;
    std::vector<std::unique_ptr<sql::Connection>> idle;
    std::size_t open_readers = 0;

    std::mutex samples_mutex;  // guards the next three
    std::unordered_map<std::int64_t, std::vector<std::string>> samples;
    std::unordered_set<std::int64_t> training;
    std::vector<std::thread> trainers;

    std::mutex dictionary_mutex;  // guards dictionary_connection
    std::unique_ptr<sql::Connection> dictionary_connection;

    std::mutex sweeper_mutex;  // guards stopping
    std::condition_variable sweeper_woken;
    bool stopping = false;
    std::thread sweeper;

    std::atomic<std::uint64_t> reads{0}, searches{0};

    std::unique_ptr<sql::Connection> take();
    /// Nothing: it could not be brought back into order.
    void give_back(std::unique_ptr<sql::Connection> connection) noexcept;
    Context context(sql::Connection& connection, const Fresh& rows) {
        return {connection, numbers, compressor, offset_minutes, &options.terminology, &rows, nullptr, {}};
    }
    std::filesystem::path file() const { return folder / "record.db"; }
    std::string place() const { return options.store.empty() ? file().string() : options.store; }
    /// Keeps a sample of a type that has no dictionary yet; enough of them train one in the background.
    void learn(std::int64_t tid, std::string_view text);
    void train(std::int64_t tid, std::vector<std::string> texts);
    /// Beside the writer: keeps the log short, so that no commit has to wait for a large checkpoint.
    void sweep();
    /// Reads what the writer will ask of a large store, so that it finds it in memory: many callers wait for the disk at
    /// once, the one writer would wait for each page by itself.
    void ask_ahead(const Prepared::Inside& prepared);
    std::atomic<bool> is_large{false};
    std::unordered_set<std::int64_t> identifier_spaces;
    /// The fresh rows that belong to what the connection sees; nothing when that is too long ago.
    std::shared_ptr<const Fresh> fresh_of(sql::Connection& connection);
    void load_dictionaries(sql::Connection& connection);
    /// Those that another process on the same database has trained since.
    void load_new_dictionaries();
};

struct Reader::Inside {
    explicit Inside(Store::Inside& store, access::Viewer viewer)
        : store(store), viewer(std::move(viewer)), connection(store.take()) {}
    ~Inside();
    /// From here on everything is read from one snapshot.
    void hold();
    /// `needs`: what of a scope it takes to do with what is found what this reader is about to.
    Context context(std::string_view needs = "rs") {
        if (viewer.guard) hold();  // whose a resource is belongs to the same moment as the resource
        if (!holding) rows = store.fresh.latest();
        Context context = store.context(*connection, *rows);
        if (viewer.guard) {
            if (!owners) owners = store.owners.of(*connection);
            context.guard = viewer.guard.get();
            context.owners = owners;
            context.needs = needs;
        }
        return context;
    }

    Store::Inside& store;
    access::Viewer viewer;
    std::unique_ptr<sql::Connection> connection;
    std::shared_ptr<const Fresh> rows;  // that belong to the snapshot
    std::shared_ptr<const Owners> owners;
    bool holding = false;
};

}  // namespace xinglin::record
