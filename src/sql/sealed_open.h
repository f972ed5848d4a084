// SPDX-License-Identifier: Apache-2.0
// Inside the room: a sealed file that SQLite has open: a main file, its write-ahead log, or the journal a new database begins with.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "sql/sealed_file.h"

namespace xinglin::sql {

class SealedOpen final : public SealedMain {
public:
    enum class Kind { main, log, journal };
    /// `below` is SQLite's own file, in memory that we keep. `main`: of a log, the main file it belongs to.
    SealedOpen(Kind kind, std::string name, std::unique_ptr<char[]> memory, std::shared_ptr<keys::Folder> keys, SealedOpen* main);

    int read(unsigned char* bytes, int count, std::int64_t offset);
    int write(const unsigned char* bytes, int count, std::int64_t offset);
    int truncate(std::int64_t size);
    int lock(int level);
    int lock_shared(int offset, int count, int flags);

    std::uint32_t pages() override;
    std::uint32_t key_of_page(std::uint32_t page) override;
    int rekey(std::uint32_t first, std::uint32_t count) override;
    std::uint32_t active_key() override { return codec_->active_key(); }

    void set_read_only() { is_read_only_ = true; }
    sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(memory_.get()); }
    const sqlite3_io_methods& methods() { return *below()->pMethods; }

private:
    int below_read(void* bytes, int count, std::int64_t offset) { return methods().xRead(below(), bytes, count, offset); }
    int below_write(const void* bytes, int count, std::int64_t offset) { return methods().xWrite(below(), bytes, count, offset); }
    int damaged(const std::string& what);
    /// The salt as the file has it; SQLITE_IOERR_SHORT_READ for an empty file, SQLITE_NOTADB for a plain one.
    int learn_salt();
    int read_page(std::uint32_t page, unsigned char* plain);
    bool open_from_redo(std::uint32_t page, unsigned char* plain);
    int read_header(unsigned char* bytes);
    int write_page(std::uint32_t page, const unsigned char* plain);
    int fill_gap(std::uint32_t upto);
    int read_log(unsigned char* bytes, int count, std::int64_t offset);
    int read_frame(unsigned char* bytes, std::int64_t frame);
    int write_log(const unsigned char* bytes, int count, std::int64_t offset);
    /// Others may have changed keys, or died while pages changed theirs; called by who has just got the right to change the file.
    int take_over();

    Kind kind_;
    std::string name_;
    std::unique_ptr<char[]> memory_;
    SealedOpen* main_;  // of a main file itself
    std::unique_ptr<PageCodec> own_codec_;
    PageCodec* codec_;
    Redo redo_;
    bool is_read_only_ = false;
    bool recovers_ = false;  // holds the lock of who reads the log anew
    std::int64_t header_at_ = -1;
    std::uint32_t header_page_ = 0;
    std::array<unsigned char, 24 + page_bytes> scratch_;
};

}  // namespace xinglin::sql
