// SPDX-License-Identifier: Apache-2.0
// Copies of databases, their check sums.
#include "server/snapshot.h"

#include <cstdlib>

#include "keys/keys.h"
#include "sql/sql.h"

namespace xinglin::server {

namespace fs = std::filesystem;

Opened::~Opened() {
    store.reset();
    std::error_code ignored;
    if (!copy.empty()) fs::remove_all(copy, ignored);
}

Result<Opened> open_or_snapshot(const fs::path& folder, const fs::path& copy, const calendar::Clock& clock) {
    Opened opened;
    auto store = record::Store::open(folder, clock);
    if (!store.ok() && store.outcome().code() == IssueCode::conflict) {
        opened.copy = copy;
        fs::create_directories(copy);
        if (keys::is_sealed(folder)) backup::copy_bytes(folder / keys::file_name, copy / keys::file_name);
        copy_database(folder / "record.db", copy / "record.db");
        store = record::Store::open(copy, clock);
    }
    if (!store.ok()) return store.outcome();
    opened.store = std::move(store).value();
    return opened;
}

Result<Opened> open_database(const std::string& store, const calendar::Clock& clock, record::Options options) {
    std::string name = (fs::temp_directory_path() / "xinglin-XXXXXX").string();
    if (!mkdtemp(name.data())) throw sql::Broken(sql::Broken::Why::io, name + ": cannot be made");
    Opened opened;
    opened.copy = name;
    options.store = store;
    XINGLIN_TRY(opened.store, record::Store::open(name, clock, options));
    return opened;
}

}  // namespace xinglin::server
