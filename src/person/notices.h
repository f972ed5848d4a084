// SPDX-License-Identifier: Apache-2.0
// Notices of who is one person, for the sources that feed the records: FHIR's Linkage, one resource a person, written when records were
// linked, merged or parted. Channels that send Linkage bring them to whoever asked for them; searches find them (Linkage?item=Patient/x).
//
// Linkage/person-ENTERPRISE-ID: the items are the person's Patients, the first of them the source, the others alternate. A person that was
// given up is no longer active, its items are historical, and it says which person they are now.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "person/person.h"

namespace xinglin::person {

inline constexpr std::string_view now_extension =
    "urn:xinglin:extension:person-now";  // on a Linkage given up: the enterprise id that counts

/// Follows the changes of the index from where it was, kept in a file of the data folder, and writes what they come to. While nobody wants
/// notices it only keeps up. Writing the same again writes nothing, so that several processes may do it.
class Notices {
public:
    struct Options {
        std::filesystem::path file;    // "": person-notices.cursor in the store's folder
        std::function<bool()> wanted;  // does any channel send Linkage? empty: always
        std::chrono::milliseconds poll{500};
        bool follow = true;  // with a thread of its own; else only catch_up() does anything
    };
    Notices(record::Store& store, const Persons& persons, Options options);
    ~Notices();
    /// Writes what is known to the index by now. Refused when the record does not take it; tried again then.
    Result<Done> catch_up();

private:
    record::Store& store_;
    const Persons& persons_;
    Options options_;
    std::mutex work_;  // guards cursor_
    std::string cursor_;
    std::mutex lock_;  // guards stopping_
    std::condition_variable changed_;
    bool stopping_ = false;
    std::thread thread_;

    Result<Done> write(const std::vector<PersonChange>& changes);
    void keep_cursor() const;
    void run();
};

}  // namespace xinglin::person
