// SPDX-License-Identifier: Apache-2.0
// Which views there are: those of content/views/, and those saved in the data folder (DATA/views/NAME.json).
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "content/content.h"
#include "view/view.h"

namespace xinglin::view {

struct Shelved {
    Definition definition;
    bool saved = false;  // else built in
};

/// Safe from many threads. Names are the same when they differ in case only, as those of tables are.
class Library {
public:
    /// `saved`: a folder, made when something is saved. Files that are no views are left out and named in problems().
    Library(const content::Files& content, std::filesystem::path saved, Environment environment = {});

    /// What every run of a view leans on.
    const Environment& environment() const { return environment_; }

    std::vector<Shelved> list() const;  // by name
    std::optional<Shelved> find(std::string_view name) const;
    /// Saves under `name`, in place of a saved or built-in view of that name. True when there was none.
    Result<bool> save(std::string_view name, const Definition& definition);
    /// Removes a saved view; a built-in one of the same name comes back. Refuses not_found; conflict for a built-in one.
    Result<Done> erase(std::string_view name);
    std::vector<std::string> problems() const;

private:
    std::filesystem::path folder_;
    Environment environment_;
    mutable std::mutex lock_;  // guards what follows
    std::vector<Shelved> built_in_, saved_;
    std::vector<std::string> problems_;

    std::filesystem::path file_of(std::string_view name) const;
};

/// Lower case: under which a view is filed.
std::string filed_name(std::string_view name);

}  // namespace xinglin::view
