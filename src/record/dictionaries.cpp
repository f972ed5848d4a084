// SPDX-License-Identifier: Apache-2.0
// Compression dictionaries of a store: loaded, and trained in the background on the first resources of a type.
#include "record/setting.h"
#include "record/store_inside.h"

namespace xinglin::record {

namespace {
constexpr std::size_t samples_wanted = 250, sample_bytes_wanted = 2u << 20, largest_sample = 64u << 10;
}  // namespace

void Store::Inside::load_dictionaries(sql::Connection& connection) {
    auto& query = connection.prepare("SELECT number, tid, bytes FROM record_dictionary ORDER BY number");
    while (query.step()) {
        const std::string bytes = sql::opened(compressor.values(), about_dictionary(query.integer(1)), query.text(2));
        // A damaged one is left out: the bodies that need it are refused by name, all others are served.
        if (dictionary_seal(connection, query.integer(0)) == seal_of_dictionary(query.integer(1), bytes))
            compressor.add_dictionary(query.integer(0), query.integer(1), bytes);
    }
}

void Store::Inside::load_new_dictionaries() {
    // A connection of its own: the readers may all be waiting for this.
    std::lock_guard lock(dictionary_mutex);
    if (!dictionary_connection) dictionary_connection = sql::open(place(), {.read_only = true});
    load_dictionaries(*dictionary_connection);
}

void Store::Inside::learn(std::int64_t tid, std::string_view text) {
    if (text.size() > largest_sample) return;
    std::lock_guard lock(samples_mutex);
    if (training.contains(tid)) return;
    try {
        std::vector<std::string>& kept = samples[tid];
        kept.emplace_back(text);
        if (kept.size() < samples_wanted) return;
        training.insert(tid);
        trainers.emplace_back([this, tid, texts = std::move(kept)]() mutable { train(tid, std::move(texts)); });
        samples.erase(tid);
    } catch (const std::exception&) {}  // memory, or no more threads: bodies are then a little larger
}

void Store::Inside::train(std::int64_t tid, std::vector<std::string> texts) {
    try {
        std::string dictionary = Compressor::train(texts);
        if (dictionary.empty()) return;
        // Durable first, used afterwards: no body may refer to a dictionary that a crash could lose.
        writer->between_groups([this, tid, dictionary = std::move(dictionary)](sql::Connection& connection) {
            sql::transaction(connection, [&] {
                if (compressor.values()) compressor.values()->refresh(connection);
                connection.prepare("INSERT INTO record_dictionary (tid, bytes) VALUES (?, ?)")
                    .bind(1, tid)
                    .bind_blob(2, sql::sealed(compressor.values(), about_dictionary(tid), dictionary))
                    .run();
                seal_dictionaries(connection, compressor.values());
            });
            compressor.add_dictionary(0, tid, dictionary);
        });
    } catch (const std::bad_alloc&) {}  // bodies are then a little larger
}

}  // namespace xinglin::record
