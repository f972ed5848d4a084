// SPDX-License-Identifier: Apache-2.0
// Files and memory read in pieces; names of columns.
#include "table/bytes.h"

#include <algorithm>
#include <cstring>

namespace xinglin::table {

namespace fs = std::filesystem;

Result<std::unique_ptr<Bytes>> Bytes::open(const Source& source) {
    auto bytes = std::make_unique<Bytes>();
    if (source.in_memory) {
        bytes->rest_ = source.bytes;
        return bytes;
    }
    bytes->name_ = source.path.string();
    std::error_code error;
    if (!fs::is_regular_file(source.path, error))
        return refuse(IssueCode::not_found, bytes->name_, "is not there or not a file, name a file");
    bytes->file_.reset(std::fopen(source.path.c_str(), "rb"));
    if (!bytes->file_) return refuse(IssueCode::not_found, bytes->name_, "cannot be read, see to its permissions");
    return bytes;
}

Result<std::size_t> Bytes::read(char* to, std::size_t room) {
    if (!peeked_.empty()) {
        const std::size_t count = std::min(room, peeked_.size());
        std::memcpy(to, peeked_.data(), count);
        peeked_.erase(0, count);
        return count;
    }
    if (!file_) {
        const std::size_t count = std::min(room, rest_.size());
        std::copy_n(rest_.data(), count, to);
        rest_.remove_prefix(count);
        return count;
    }
    const std::size_t count = std::fread(to, 1, room, file_.get());
    if (count == 0 && std::ferror(file_.get()))
        return refuse(IssueCode::transient, name_, "cannot be read to its end, see to the disk and send it again");
    return count;
}

Result<std::string> Bytes::peek(std::size_t room) {
    std::string first(room, '\0');
    std::size_t have = 0;
    while (have < room) {
        XINGLIN_TRY(const std::size_t got, read(first.data() + have, room - have));
        if (got == 0) break;
        have += got;
    }
    first.resize(have);
    peeked_ = first;
    return first;
}

std::string column_letters(std::size_t column) {
    std::string letters;
    for (std::size_t rest = column + 1; rest > 0; rest = (rest - 1) / 26)
        letters.insert(letters.begin(), static_cast<char>('A' + (rest - 1) % 26));
    return letters;
}

int column_number(std::string_view letters) {
    if (letters.empty() || letters.size() > 3) return -1;
    int number = 0;
    for (const char c : letters) {
        const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        if (upper < 'A' || upper > 'Z') return -1;
        number = number * 26 + (upper - 'A' + 1);
    }
    return number - 1;
}

}  // namespace xinglin::table
