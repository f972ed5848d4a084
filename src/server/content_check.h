// SPDX-License-Identifier: Apache-2.0
// Inside the room: what `xinglin content check` is made of. A new kind of content adds a row to the table in
// content_command.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "content/content.h"

namespace xinglin::server {

using ContentComplaint = content::Complaint;

struct ContentReport {
    std::vector<ContentComplaint> complaints;
    std::size_t checked = 0;  // files looked at
};

struct ContentChecker {
    std::string_view folder;  // "views"
    void (*check)(const content::Files& files, ContentReport& report);
};
std::span<const ContentChecker> content_checkers();

}  // namespace xinglin::server
