// SPDX-License-Identifier: Apache-2.0
// Inside the room: bytes piece by piece, from a file or from memory.
#pragma once

#include <cstdio>
#include <memory>

#include "table/table.h"

namespace xinglin::table {

class Bytes {
public:
    /// Refuses (where: the path) what cannot be opened or is no file.
    static Result<std::unique_ptr<Bytes>> open(const Source& source);

    /// How many bytes were read, 0 at the end. Refuses when the disk does.
    Result<std::size_t> read(char* to, std::size_t room);
    /// The first bytes, up to `room`, without moving on. Only before the first read().
    Result<std::string> peek(std::size_t room);

private:
    struct Closer {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Closer> file_;
    std::string_view rest_;  // of memory
    std::string name_, peeked_;
};

}  // namespace xinglin::table
