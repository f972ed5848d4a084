// SPDX-License-Identifier: Apache-2.0
// Bulk import of files: bundles, NDJSON, single resources, folders of them, plain or packed (.gz, .zst).
//
// What cannot be stored goes to DATA/rejected/ with its reason, and the rest goes on. Running the same import again
// stores nothing twice, which is also how a broken-off import is resumed.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "outcome/outcome.h"
#include "record/record.h"

namespace xinglin::ingest {

struct ImportOptions {
    unsigned prepare_threads = 2;
    std::size_t file_bytes = 512u << 20;  // of one bundle or line, unpacked
    std::size_t batch_resources = 5'000;  // given to the record at once …
    std::size_t batch_bytes = 8u << 20;   // … or this many bytes of JSON
    bool check_structure = true;
    std::function<Outcome(json::Value)> check;  // a further look after the structure (profiles); none by default
};

/// Counts so far; `read` = stored + unchanged + rejected at the end.
struct ImportFigures {
    std::uint64_t read = 0, stored = 0, unchanged = 0, rejected = 0;
    std::uint64_t files = 0, bytes = 0;  // bytes as found on disk; of all files
    std::uint64_t bytes_done = 0;
    double seconds = 0;
    bool cancelled = false;
    std::string rejected_file;  // "" when nothing was rejected
    double per_second() const { return seconds > 0 ? static_cast<double>(read) / seconds : 0; }
};

/// Imports once; make a new one for the next. `run` works with threads of its own and returns when all is durable.
class Importer {
public:
    explicit Importer(record::Store& store, const ImportOptions& options = {});
    ~Importer();

    /// `name` names the file of rejected entries. Refuses when a path cannot be read at all; a broken file among readable
    /// ones is a rejected entry. Throws sql::Broken when the disk fails; what was loaded by then stays.
    Result<ImportFigures> run(const std::vector<std::filesystem::path>& paths, std::string_view name,
                              const std::function<void(const ImportFigures&)>& progress = {});
    /// From any thread: `run` soon returns with what it has.
    void cancel() { cancelled_ = true; }

private:
    record::Store& store_;
    ImportOptions options_;
    std::atomic<bool> cancelled_{false};
};

}  // namespace xinglin::ingest
