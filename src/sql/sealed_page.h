// SPDX-License-Identifier: Apache-2.0
// Inside the room: one page, sealed and opened.
//
// The last 48 bytes of a page, which SQLite leaves to us, say with what it was sealed:
//   key number (4)  writer (16)  count (8)  tag (16)  zero (4)
// The subkey is derived from the data key, the file's salt and the writer, a random number of whoever opened the file to write;
// the count goes up by one with each page it seals. So no nonce is ever used twice under one key. The page number is
// authenticated: a page that was moved to another place or file is refused. Of page 1 the first 16 bytes, which SQLite
// fills with a constant, hold the file's salt.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "keys/keys.h"

namespace xinglin::sql {

constexpr int page_bytes = 4'096, reserved_bytes = 48, page_body_bytes = page_bytes - reserved_bytes;
constexpr std::string_view sqlite_magic("SQLite format 3\0", 16);

class PageCodec {
public:
    explicit PageCodec(std::shared_ptr<keys::Folder> folder) : folder_(std::move(folder)), ring_(folder_->ring()) {}

    bool has_salt() const { return !salt_.empty(); }
    void set_salt(std::string salt);
    void refresh() { ring_ = folder_->refresh(); }
    std::uint32_t active_key() const { return ring_->active; }

    /// `plain` and `sealed`: page_bytes each. The reserved bytes of `plain` must be zero (false otherwise): they come back as zero.
    bool seal(std::uint32_t page, const unsigned char* plain, unsigned char* sealed);
    /// False when it is not what was sealed as this page of this file; `why` says so in words.
    bool open(std::uint32_t page, const unsigned char* sealed, unsigned char* plain);
    const std::string& why() const { return why_; }

    static std::uint32_t key_of(const unsigned char* sealed);

private:
    keys::Sealer* opener(std::uint32_t key, std::string_view writer);
    std::shared_ptr<keys::Folder> folder_;
    std::shared_ptr<const keys::Ring> ring_;
    std::string salt_, writer_, why_;
    std::uint32_t writes_with_ = 0;
    std::uint64_t count_ = 0;
    std::unique_ptr<keys::Sealer> sealer_;
    std::unordered_map<std::string, std::unique_ptr<keys::Sealer>> openers_;  // by key number and writer
};

}  // namespace xinglin::sql
