// SPDX-License-Identifier: Apache-2.0
// Inside the room: pages on their way to another key, kept beside the file (NAME-rekey) until they are safe in their place.
//
// A page that is written in place could be torn by a power cut, and it is in no log. So a few are written here first, brought to
// the disk, then written in place, brought to the disk, then forgotten here. Whoever may change the file next (who
// holds the lock of checkpoints) writes what is left here in place before anything else: so it is never older than the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xinglin::sql {

struct RedoPage {
    std::uint32_t number;
    std::string sealed;
};

class Redo {
public:
    explicit Redo(const std::string& database) : path_(database + "-rekey") {}
    /// Anything left? One look at the file system.
    bool is_pending() const;
    /// Whole pages; a torn last one is left out. Each still has to open.
    std::vector<RedoPage> pages() const;
    /// On the disk when it returns; false when the disk refuses.
    bool keep(const std::vector<RedoPage>& pages) const;
    bool forget() const;

private:
    std::string path_;
};

}  // namespace xinglin::sql
