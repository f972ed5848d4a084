// SPDX-License-Identifier: Apache-2.0
// Inside the room: the mappings of tables, built in and the operator's own, which come first (DATA/mappings/NAME.json).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "table/mapping.h"
#include "terminology/terminology.h"

namespace xinglin::server {

/// What terminology knows of a code or a name. Remembers what it was asked; for one thread at a time. `terms` outlives it.
table::Lookup terminology_lookup(const terminology::Terminology& terms);

class MappingShelf {
public:
    /// `own`: the operator's folder; "" for none. Both outlive it.
    MappingShelf(const content::Files& files, std::filesystem::path own) : files_(files), own_(std::move(own)) {}

    struct Kept {
        std::string name, text, origin;  // origin: "built in", "saved", or the file it comes from
    };
    std::vector<Kept> list() const;
    std::optional<Kept> find(std::string_view name) const;
    /// By name, or by the path of a file that ends in .json. Refuses (where: the name) one that is not there or not right.
    Result<table::Mapping> load(std::string_view name_or_path) const;
    /// True when there was none of this name. Refuses a wrong mapping, another name inside, and a disk that does not take it.
    Result<bool> save(std::string_view name, std::string_view text) const;
    Result<Done> erase(std::string_view name) const;

private:
    std::filesystem::path file_of(std::string_view name) const { return own_ / (std::string(name) + ".json"); }
    const content::Files& files_;
    std::filesystem::path own_;
};

}  // namespace xinglin::server
