// SPDX-License-Identifier: Apache-2.0
// What was looked at: the audit, one line per access, appended and never changed; chain.h says how that is proved.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "access/chain.h"

namespace xinglin::access {

/// One line of the audit.
struct Access {
    std::int64_t at_ms = 0;
    std::string who, role;
    std::string what;      // create read vread update delete search history export reveal print login logout break-glass …
    std::string type, id;  // what was touched; of a search the type and, in `detail`, its parameter names (never values)
    std::string patient;   // id of the Patient concerned, when one
    std::string purpose, detail, trace_id, peer;
    int status = 200;                       // HTTP: what came of it
    std::uint32_t count = 1;                // resources shown
    std::string display;                    // the name of `who` as it was then
    std::string practitioner, institution;  // ids of the Practitioner one is and of the Organization one works for
    std::string authorisation;              // what allowed it beside the rules: an emergency access, a proxy, a token
    std::string reason;                     // why it was refused; the words given for an emergency access
    std::int64_t row = 0;                   // its number: 1, 2, 3 … without gaps; given when it is written

    bool refused() const { return status >= 400; }
};
/// A line on behalf of a viewer: who, role, display, practitioner, institution, purpose, authorisation and trace are filled in.
Access line_of(const Viewer& viewer, std::int64_t at_ms);

/// Appends accesses in the background, in order, in groups, each line chained to the one before. Safe from many threads and from
/// several processes on one folder or database, which keep one chain.
class Audit {
public:
    /// Opens or makes audit.db in an existing folder, or its table in the database `store` names; lines from before the chain are
    /// chained first. Without a folder no checkpoint is signed. Throws sql::Broken when it cannot.
    Audit(const std::filesystem::path& folder, const std::string& store = {});
    ~Audit();  // writes what is queued and signs what it wrote, unless the disk refuses
    /// Blocks the caller only when far behind. Throws sql::Broken when the disk refuses for so long that the queue is
    /// full: who cannot be written down is not answered.
    void append(Access access);
    /// Returns when everything appended before is durable; throws sql::Broken when that fails.
    void flush();
    /// What keeps it from writing right now; "" when nothing does.
    std::string trouble() const;
    struct Page {
        std::uint64_t total;
        std::vector<Access> accesses;
    };
    Page of_patient(std::string_view patient_id, std::uint32_t count) const;
    Page all(std::uint32_t count, std::int64_t before_row = 0) const;
    std::uint64_t queued() const;

    /// Members that are "" or 0 ask nothing.
    struct Asked {
        std::string patient, who, what, institution;
        std::int64_t from_ms = 0, until_ms = 0;
        enum class Result : std::uint8_t { any, granted, refused } result = Result::any;
        bool emergency = false;  // made with an emergency access, or one itself
    };
    struct Found {
        std::vector<Access> accesses;  // newest first
        std::int64_t next = 0;         // ask again with this as `before_row`; 0: there are no others
    };
    /// At most `count` lines, of at most 200,000 that are looked through at once: `next` goes on even after an empty answer.
    Found find(const Asked& asked, std::uint32_t count, std::int64_t before_row = 0) const;
    /// Lines after a number, oldest first.
    std::vector<Access> after(std::int64_t row, std::uint32_t count) const;
    /// The hash of a line, 32 bytes; "" when there is no such line.
    std::string hash_of(std::int64_t row) const;

    /// Signs the newest line, when it is not signed yet. Nothing when there is no line, or no folder for a key.
    std::optional<Checkpoint> checkpoint();
    std::optional<Checkpoint> newest_checkpoint() const;
    /// What keeps it from signing; "" when nothing does.
    std::string signing_trouble() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::access
