// SPDX-License-Identifier: Apache-2.0
// Inside the room: what the security officer works with: cases, unusual looks judged from the audit and the record, and the chain
// verified beside everything else.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "access/audit.h"
#include "access/desk.h"
#include "access/unusual.h"
#include "record/record.h"

namespace xinglin::server {

/// Safe from many threads.
class SecurityDesk {
public:
    struct Where {
        std::filesystem::path data;
        std::string store;
    };
    SecurityDesk(Where where, record::Store& store, const access::Audit& audit, access::UnusualRules rules,
                 const calendar::Clock& clock);
    ~SecurityDesk();  // waits for a verification

    access::Desk& desk() { return desk_; }
    const access::UnusualRules& rules() const { return rules_; }
    /// Judges the lines since the last time, at most `most` of them; returns how many wait still.
    std::int64_t judge(std::int64_t most);

    struct Verification {
        bool running = false;
        std::int64_t at_ms = 0;  // when the last one ended; 0: never
        access::Verified result;
        std::string error;
    };
    Verification verification() const;
    /// Begins one, unless one is under way.
    void verify();

private:
    struct Known {
        access::LookFacts::Person person;
        std::string identity;  // identity number, "" when unknown
    };
    access::LookFacts facts_of(record::Reader& reader, const access::Access& line);
    const Known& patient(record::Reader& reader, const std::string& id);
    const Known& practitioner(record::Reader& reader, const std::string& id);
    bool is_staff(record::Reader& reader, const std::string& identity);

    Where where_;
    record::Store& store_;
    const access::Audit& audit_;
    access::UnusualRules rules_;
    const calendar::Clock& clock_;
    access::Desk desk_;

    std::mutex judging_;  // one at a time; guards what follows, down to the blank line
    std::map<std::string, Known> patients_, practitioners_;

    mutable std::mutex mutex_;  // guards what follows
    Verification verification_;
    std::thread verifier_;
};

}  // namespace xinglin::server
