// SPDX-License-Identifier: Apache-2.0
// Inside the room: packed lines of an encrypted folder's backup, sealed in pieces.
//
// "XLSEALED", key number (4), salt (16); then pieces: length (4, its highest bit on the last one), what is sealed, tag (16). A piece
// is sealed with its place in the row and its length, so that none can be changed, moved, left out or cut off.
#pragma once

#include <zlib.h>

#include <fstream>
#include <memory>
#include <string>

#include "backup/backup.h"
#include "keys/keys.h"

namespace xinglin::backup {

class SealedLinesWriter {
public:
    SealedLinesWriter(const fs::path& path, const keys::Folder& keys);
    ~SealedLinesWriter();
    SealedLinesWriter(const SealedLinesWriter&) = delete;
    void write(std::string_view bytes) { deflate_all(bytes, Z_NO_FLUSH); }
    void close();

private:
    void deflate_all(std::string_view bytes, int flush);
    void put_piece(bool is_last);
    fs::path path_;
    std::ofstream out_;
    std::unique_ptr<keys::Sealer> sealer_;
    std::uint64_t pieces_ = 0;
    std::string waiting_;
    z_stream packer_{};
};

class SealedLinesReader {
public:
    SealedLinesReader(const fs::path& path, const keys::Folder& keys);
    ~SealedLinesReader();
    SealedLinesReader(const SealedLinesReader&) = delete;
    /// Without its line end; false at the end of the file.
    bool line(std::string& into);

private:
    bool more();
    [[noreturn]] void damaged() const;
    fs::path path_;
    std::ifstream in_;
    std::unique_ptr<keys::Sealer> sealer_;
    std::uint64_t pieces_ = 0;
    bool was_last_ = false;
    std::string text_;
    std::size_t at_ = 0;
    z_stream unpacker_{};
};

}  // namespace xinglin::backup
