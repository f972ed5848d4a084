// SPDX-License-Identifier: Apache-2.0
// Inside the room: the web pages that are built into the binary (tools/embed_web.py describes the form).
#pragma once

#include <string_view>
#include <vector>

#include "http/http.h"

namespace xinglin::server {

/// Answers for files of the web pages; every path that names no file belongs to the one page (its router knows it).
/// Safe from any thread.
class Pages {
public:
    /// `blob` is in the form of tools/embed_web.py and outlives us. A form we do not know is an empty list.
    explicit Pages(std::string_view blob);
    /// Those in this binary.
    static std::string_view embedded();

    http::Response answer(const http::Request& request) const;
    bool empty() const { return files_.empty(); }

private:
    struct File {
        std::string_view path, type, etag, raw, packed;
    };
    const File* find(std::string_view path) const;
    std::vector<File> files_;  // sorted by path
};

/// What every answer of ours tells the browser: nothing from elsewhere, in no frame, no guessing of types.
void add_security_headers(http::Headers& headers);

}  // namespace xinglin::server
