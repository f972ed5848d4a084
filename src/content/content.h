// SPDX-License-Identifier: Apache-2.0
// Policy as data: the files of content/, as packed into the program, overlaid by a folder a health commission may edit.
//
// A file of the overlay replaces the packed one of the same path; an empty one hides it. Paths are relative with '/':
// "terminology/vs-sex-gbt2261.1.csv".
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::content {

/// What is wrong with a file of content: which file, where in it, what and how to mend it.
struct Complaint {
    std::string file, where, what;
};

/// Immutable apart from the overlay folder, which is looked at on every call. Safe from many threads.
class Files {
public:
    /// What was packed in at build time.
    Files();
    /// With `folder` on top. Refuses (where: the folder) when it is not a folder that can be read.
    static Result<Files> over(const std::filesystem::path& folder);

    /// Paths under `folder` ("terminology") that end in `suffix` (".csv", "" for all), sorted, deeper folders included.
    std::vector<std::string> list(std::string_view folder, std::string_view suffix = {}) const;
    /// The whole file, inflated; nothing when there is none.
    std::optional<std::string> read(std::string_view path) const;
    /// "built in", or the overlay file it comes from: for messages.
    std::string origin(std::string_view path) const;

private:
    std::filesystem::path overlay_;
};

}  // namespace xinglin::content
