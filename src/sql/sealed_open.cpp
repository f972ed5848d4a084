// SPDX-License-Identifier: Apache-2.0
// Pages between SQLite, which sees them plain, and the disk, which never does.
//
// SQLite reads and writes in a few shapes only (https://sqlite.org/fileformat2.html, sections 1.2 and 4): whole pages, the head of page 1,
// and in the log a header, frame headers, pages, or a frame with both. Any other shape is refused rather than guessed at.
#include "sql/sealed_open.h"

#include <algorithm>
#include <cstring>

namespace xinglin::sql {

namespace {

constexpr std::int64_t log_header = 32, frame_header = 24, frame_bytes = frame_header + page_bytes;
constexpr int checkpoint_slot = 1, recover_slot = 2;  // of SQLITE_SHM_LOCK, as in its wal.c
constexpr int most_tries = 64;

std::uint32_t number_at(const unsigned char* at) {
    return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

}  // namespace

SealedOpen::SealedOpen(Kind kind, std::string name, std::unique_ptr<char[]> memory, std::shared_ptr<keys::Folder> keys,
                       SealedOpen* main)
    : kind_(kind), name_(std::move(name)), memory_(std::move(memory)), main_(main ? main : this), redo_(name_) {
    if (kind == Kind::main) own_codec_ = std::make_unique<PageCodec>(std::move(keys));
    codec_ = kind == Kind::main ? own_codec_.get() : main_->codec_;
}

int SealedOpen::damaged(const std::string& what) {
    tell_seal_problem(name_ + ": " + what);
    return SQLITE_CORRUPT;
}

int SealedOpen::read(unsigned char* bytes, int count, std::int64_t offset) {
    if (kind_ == Kind::log) return read_log(bytes, count, offset);
    if (kind_ == Kind::journal) return below_read(bytes, count, offset);
    if (offset == 0 && count == 100) return read_header(bytes);
    const auto page = static_cast<std::uint32_t>(offset / page_bytes + 1);
    if (count == page_bytes && offset % page_bytes == 0) return read_page(page, bytes);
    if (page != 1 || offset + count > page_bytes) return SQLITE_IOERR_READ;
    std::array<unsigned char, page_bytes> whole;
    const int code = read_page(1, whole.data());
    std::memcpy(bytes, whole.data() + offset, static_cast<std::size_t>(count));
    return code;
}

int SealedOpen::write(const unsigned char* bytes, int count, std::int64_t offset) {
    if (kind_ == Kind::log) return write_log(bytes, count, offset);
    if (kind_ == Kind::journal)  // a new database's has no pages; any other would hold plain ones
        return count < page_bytes ? below_write(bytes, count, offset) : SQLITE_IOERR_WRITE;
    if (count != page_bytes || offset % page_bytes != 0) return SQLITE_IOERR_WRITE;
    return write_page(static_cast<std::uint32_t>(offset / page_bytes + 1), bytes);
}

// ---- the main file --------------------------------------------------------------------------------------------------

int SealedOpen::learn_salt() {
    if (codec_->has_salt()) return SQLITE_OK;
    std::string first(keys::salt_bytes, '\0');
    const int code = main_->below_read(first.data(), static_cast<int>(first.size()), 0);
    if (code != SQLITE_OK) return code;
    if (first == sqlite_magic) {
        tell_seal_problem(name_ + ": is plain, in a folder that is encrypted; encrypt it with `xinglin keys encrypt`");
        return SQLITE_NOTADB;
    }
    codec_->set_salt(std::move(first));
    return SQLITE_OK;
}

/// What SQLite wants to know before it knows the size of a page and has looked into the log: page 1 may be torn then.
int SealedOpen::read_header(unsigned char* bytes) {
    std::memset(bytes, 0, 100);
    if (const int code = learn_salt(); code != SQLITE_OK) return code;
    std::memcpy(bytes, sqlite_magic.data(), sqlite_magic.size());
    bytes[16] = page_bytes >> 8, bytes[17] = page_bytes & 0xff;
    bytes[18] = bytes[19] = 2;  // write-ahead log
    bytes[20] = reserved_bytes;
    bytes[21] = 64, bytes[22] = 32, bytes[23] = 32;
    return SQLITE_OK;
}

int SealedOpen::read_page(std::uint32_t page, unsigned char* plain) {
    const std::int64_t offset = (std::int64_t{page} - 1) * page_bytes;
    unsigned char* const sealed = scratch_.data();
    std::array<unsigned char, reserved_bytes> before{};
    for (int i = 0; i < most_tries; ++i) {
        const int code = below_read(sealed, page_bytes, offset);
        if (code == SQLITE_IOERR_SHORT_READ) std::memset(plain, 0, page_bytes);
        if (code != SQLITE_OK) return code;
        if (const int salted = learn_salt(); salted != SQLITE_OK) return salted;
        if (codec_->open(page, sealed, plain)) return SQLITE_OK;
        // It may be on its way to another key: half written by a process that lives, or torn under one that died.
        const bool stands = std::equal(before.begin(), before.end(), sealed + page_body_bytes);
        std::copy(sealed + page_body_bytes, sealed + page_bytes, before.begin());
        if (open_from_redo(page, plain)) return SQLITE_OK;
        if (i > 1 && stands && !redo_.is_pending()) break;
    }
    return damaged(codec_->why());
}

bool SealedOpen::open_from_redo(std::uint32_t page, unsigned char* plain) {
    if (!redo_.is_pending()) return false;
    for (const RedoPage& each : redo_.pages()) {
        if (each.number == page) return codec_->open(page, reinterpret_cast<const unsigned char*>(each.sealed.data()), plain);
    }
    return false;
}

int SealedOpen::write_page(std::uint32_t page, const unsigned char* plain) {
    if (const int code = learn_salt(); code == SQLITE_IOERR_SHORT_READ) codec_->set_salt(keys::random_bytes(keys::salt_bytes));
    else if (code != SQLITE_OK) return code;
    if (const int code = fill_gap(page); code != SQLITE_OK) return code;
    std::array<unsigned char, page_bytes> first;
    if (page == 1) {
        std::copy(plain, plain + page_bytes, first.begin());
        first[18] = first[19] = 2;  // always with a write-ahead log: other journals would hold plain pages
        plain = first.data();
    }
    if (!codec_->seal(page, plain, scratch_.data())) {
        tell_seal_problem(name_ + ": " + codec_->why());
        return SQLITE_IOERR_WRITE;
    }
    return below_write(scratch_.data(), page_bytes, (std::int64_t{page} - 1) * page_bytes);
}

/// Pages that SQLite leaves out, because nothing was ever on them, would read as zeros, and so would pages that a disk lost.
int SealedOpen::fill_gap(std::uint32_t upto) {
    sqlite3_int64 size = 0;
    if (const int code = methods().xFileSize(below(), &size); code != SQLITE_OK) return code;
    static const std::array<unsigned char, page_bytes> nothing{};
    for (std::int64_t next = size / page_bytes + 1; next < upto; ++next) {
        codec_->seal(static_cast<std::uint32_t>(next), nothing.data(), scratch_.data());
        if (const int code = below_write(scratch_.data(), page_bytes, (next - 1) * page_bytes); code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

int SealedOpen::truncate(std::int64_t size) {
    if (kind_ == Kind::main && size > 0) {
        const int code = codec_->has_salt() ? fill_gap(static_cast<std::uint32_t>(size / page_bytes + 1)) : SQLITE_OK;
        if (code != SQLITE_OK) return code;
    }
    return methods().xTruncate(below(), size);
}

// ---- the write-ahead log --------------------------------------------------------------------------------------------

int SealedOpen::read_log(unsigned char* bytes, int count, std::int64_t offset) {
    if (offset + count <= log_header) return below_read(bytes, count, offset);
    const std::int64_t in_frame = (offset - log_header) % frame_bytes, frame = offset - in_frame;
    if (in_frame + count <= frame_header) return below_read(bytes, count, offset);
    if (in_frame == 0 && count == frame_bytes) return read_frame(bytes, frame);
    if (in_frame != frame_header || count != page_bytes) return SQLITE_IOERR_READ;
    if (const int code = below_read(scratch_.data(), static_cast<int>(frame_bytes), frame); code != SQLITE_OK) return code;
    if (const int code = main_->learn_salt(); code != SQLITE_OK) return code;
    if (codec_->open(number_at(scratch_.data()), scratch_.data() + frame_header, bytes)) return SQLITE_OK;
    return damaged(codec_->why());
}

/// A frame as a whole. Who reads a log anew after a crash meets frames that were never finished, and frames of a former round: SQLite
/// tells by their check sums, so they get to it with one that is certainly wrong.
int SealedOpen::read_frame(unsigned char* bytes, std::int64_t frame) {
    if (const int code = below_read(scratch_.data(), static_cast<int>(frame_bytes), frame); code != SQLITE_OK) {
        std::memset(bytes, 0, frame_bytes);
        return code;
    }
    if (const int code = main_->learn_salt(); code != SQLITE_OK) return code;
    std::memcpy(bytes, scratch_.data(), frame_header);
    if (codec_->open(number_at(bytes), scratch_.data() + frame_header, bytes + frame_header)) return SQLITE_OK;
    if (!main_->recovers_) return damaged(codec_->why());
    std::memset(bytes, 0, frame_bytes);  // page 0 is no frame
    return SQLITE_OK;
}

int SealedOpen::write_log(const unsigned char* bytes, int count, std::int64_t offset) {
    if (offset + count <= log_header) return below_write(bytes, count, offset);
    const std::int64_t in_frame = (offset - log_header) % frame_bytes, frame = offset - in_frame;
    if (offset >= log_header && in_frame == 0 && count == frame_header) {
        header_at_ = frame;
        header_page_ = number_at(bytes);
        return below_write(bytes, count, offset);
    }
    if (offset < log_header || in_frame != frame_header || count != page_bytes) return SQLITE_IOERR_WRITE;
    if (header_at_ != frame) {  // a page that changed again in the same transaction: its frame is written over
        std::array<unsigned char, 4> number;
        if (const int code = below_read(number.data(), 4, frame); code != SQLITE_OK) return code;
        header_at_ = frame;
        header_page_ = number_at(number.data());
    }
    if (const int code = main_->learn_salt(); code != SQLITE_OK) return code;
    if (!codec_->seal(header_page_, bytes, scratch_.data())) {
        tell_seal_problem(name_ + ": " + codec_->why());
        return SQLITE_IOERR_WRITE;
    }
    return below_write(scratch_.data(), page_bytes, offset);
}

// ---- locks, and pages that change their key -------------------------------------------------------------------------

int SealedOpen::take_over() {
    codec_->refresh();
    if (is_read_only_ || !redo_.is_pending()) return SQLITE_OK;  // who only reads changes nothing that could be undone
    if (const int code = learn_salt(); code != SQLITE_OK) return code;
    const std::uint32_t there = pages();
    std::array<unsigned char, page_bytes> plain;
    for (const RedoPage& each : redo_.pages()) {
        const auto* sealed = reinterpret_cast<const unsigned char*>(each.sealed.data());
        if (each.number == 0 || each.number > there || !codec_->open(each.number, sealed, plain.data())) continue;
        if (const int code = below_write(sealed, page_bytes, (std::int64_t{each.number} - 1) * page_bytes); code != SQLITE_OK)
            return code;
    }
    if (const int code = methods().xSync(below(), SQLITE_SYNC_NORMAL); code != SQLITE_OK) return code;
    return redo_.forget() ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

int SealedOpen::lock(int level) {
    const int code = methods().xLock(below(), level);
    if (code != SQLITE_OK || kind_ != Kind::main || level < SQLITE_LOCK_EXCLUSIVE) return code;
    const int taken = take_over();
    if (taken != SQLITE_OK) methods().xUnlock(below(), SQLITE_LOCK_SHARED);
    return taken;
}

int SealedOpen::lock_shared(int offset, int count, int flags) {
    const int code = methods().xShmLock(below(), offset, count, flags);
    if (code != SQLITE_OK || !(flags & SQLITE_SHM_EXCLUSIVE)) return code;
    const bool takes = (flags & SQLITE_SHM_LOCK) != 0;
    const auto covers = [&](int slot) { return offset <= slot && slot < offset + count; };
    if (covers(recover_slot)) recovers_ = takes;
    if (!takes) return code;
    if (!covers(checkpoint_slot)) {
        codec_->refresh();
        return code;
    }
    const int taken = take_over();
    if (taken != SQLITE_OK) {
        if (covers(recover_slot)) recovers_ = false;
        methods().xShmLock(below(), offset, count, (flags & ~SQLITE_SHM_LOCK) | SQLITE_SHM_UNLOCK);
    }
    return taken;
}

std::uint32_t SealedOpen::pages() {
    sqlite3_int64 size = 0;
    return methods().xFileSize(below(), &size) == SQLITE_OK ? static_cast<std::uint32_t>(size / page_bytes) : 0;
}

std::uint32_t SealedOpen::key_of_page(std::uint32_t page) {
    if (below_read(scratch_.data(), page_bytes, (std::int64_t{page} - 1) * page_bytes) != SQLITE_OK) return 0;
    return PageCodec::key_of(scratch_.data());
}

int SealedOpen::rekey(std::uint32_t first, std::uint32_t count) {
    const int slot = SQLITE_SHM_EXCLUSIVE;
    if (const int code = lock_shared(checkpoint_slot, 1, SQLITE_SHM_LOCK | slot); code != SQLITE_OK) return code;
    std::vector<RedoPage> changed;
    std::array<unsigned char, page_bytes> plain, sealed;
    int code = learn_salt();
    const std::uint32_t end = std::min(first + count, pages() + 1);
    for (std::uint32_t page = first; page < end && code == SQLITE_OK; ++page) {
        if (key_of_page(page) == codec_->active_key()) continue;
        code = read_page(page, plain.data());
        if (code != SQLITE_OK) break;
        codec_->seal(page, plain.data(), sealed.data());
        changed.push_back({page, std::string(reinterpret_cast<const char*>(sealed.data()), sealed.size())});
    }
    if (code == SQLITE_OK && !changed.empty()) {
        if (!redo_.keep(changed)) code = SQLITE_IOERR_WRITE;
        for (const RedoPage& each : changed) {
            if (code == SQLITE_OK)
                code = below_write(each.sealed.data(), page_bytes, (std::int64_t{each.number} - 1) * page_bytes);
        }
        if (code == SQLITE_OK) code = methods().xSync(below(), SQLITE_SYNC_NORMAL);
        if (code == SQLITE_OK && !redo_.forget()) code = SQLITE_IOERR_FSYNC;
    }
    lock_shared(checkpoint_slot, 1, SQLITE_SHM_UNLOCK | slot);
    return code;
}

}  // namespace xinglin::sql
