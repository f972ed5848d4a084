// SPDX-License-Identifier: Apache-2.0
// Inside the room: files that arrive by HTTP, imported one after the other.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "calendar/calendar.h"
#include "ingest/import.h"
#include "outcome/outcome.h"
#include "record/record.h"

namespace xinglin::server {

struct ImportJob {
    enum class State : std::uint8_t { waiting, running, done, failed, cancelled };
    std::string id, name;
    State state = State::waiting;
    ingest::ImportFigures figures;
    std::int64_t created_ms = 0, started_ms = 0, finished_ms = 0;  // 0: not yet
    std::string error;
    bool checks_profiles = false;
};
std::string_view text(ImportJob::State state);
std::string json_of(const ImportJob& job);

/// Keeps the last hundred jobs in memory; their files lie in DATA/incoming until they are done. What a stop interrupts is
/// cancelled: importing the file again stores nothing twice. Safe from any thread.
class Imports {
public:
    /// `changed` is told of progress, a few times a second, from the import's thread. `check` looks at the profiles of resources, for
    /// imports that want it.
    Imports(record::Store& store, const calendar::Clock& clock, std::function<void(const ImportJob&)> changed,
            std::function<Outcome(json::Value)> check);
    ~Imports();  // cancels what runs and waits for it

    /// Refuses a name that is no file we can import, and when 50 wait already. Throws sql::Broken when the disk refuses.
    Result<std::string> add(std::string_view name, std::string_view body, bool checks_profiles);
    std::vector<ImportJob> list() const;  // newest first
    std::optional<ImportJob> find(std::string_view id) const;
    /// conflict when it is over already.
    Result<Done> cancel(std::string_view id);

private:
    struct Kept {
        ImportJob job;
        std::filesystem::path file;
        ingest::Importer* running = nullptr;
    };
    void work();
    void run(const std::shared_ptr<Kept>& kept);
    void finish(Kept& kept, ImportJob::State state, std::string error);

    record::Store& store_;
    const calendar::Clock& clock_;
    std::function<void(const ImportJob&)> changed_;
    std::function<Outcome(json::Value)> check_;
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable wakes_;
    std::deque<std::shared_ptr<Kept>> jobs_;  // oldest first; shared with the one that runs
    bool ending_ = false;
    std::thread thread_;  // starts with the first job
};

}  // namespace xinglin::server
