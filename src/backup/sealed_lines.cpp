// SPDX-License-Identifier: Apache-2.0
// Packed, then sealed, a piece at a time.
#include "backup/sealed_lines.h"

#include <cerrno>
#include <cstring>

#include "sql/sql.h"

namespace xinglin::backup {

namespace {

constexpr std::string_view magic = "XLSEALED", purpose = "backup lines";
constexpr std::size_t piece_bytes = 1 << 16, longest_line = 512u << 20;
constexpr std::uint32_t last_bit = 1u << 31;

std::string four(std::uint32_t number) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
    return bytes;
}
std::uint32_t number_of(std::string_view bytes) {
    std::uint32_t number = 0;
    for (const char c : bytes.substr(0, 4)) number = number << 8 | static_cast<unsigned char>(c);
    return number;
}
unsigned char* at(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

SealedLinesWriter::SealedLinesWriter(const fs::path& path, const keys::Folder& keys)
    : path_(path), out_(path, std::ios::binary | std::ios::trunc) {
    const auto ring = keys.ring();
    const std::string salt = keys::random_bytes(keys::salt_bytes);
    sealer_ = std::make_unique<keys::Sealer>(ring->cipher, ring->find(ring->active)->secret, salt, purpose);
    out_ << magic << four(ring->active) << salt;
    deflateInit2(&packer_, 1, Z_DEFLATED, 15, 8, Z_DEFAULT_STRATEGY);
}
SealedLinesWriter::~SealedLinesWriter() { deflateEnd(&packer_); }

void SealedLinesWriter::deflate_all(std::string_view bytes, int flush) {
    packer_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    packer_.avail_in = static_cast<uInt>(bytes.size());
    std::string packed(piece_bytes, '\0');
    do {
        packer_.next_out = at(packed);
        packer_.avail_out = static_cast<uInt>(packed.size());
        deflate(&packer_, flush);
        waiting_.append(packed, 0, packed.size() - packer_.avail_out);
        while (waiting_.size() > piece_bytes) put_piece(false);
    } while (packer_.avail_out == 0);
}

void SealedLinesWriter::put_piece(bool is_last) {
    std::string piece = waiting_.substr(0, piece_bytes), tag(keys::tag_bytes, '\0');
    waiting_.erase(0, piece.size());
    const std::string head = four(static_cast<std::uint32_t>(piece.size()) | (is_last ? last_bit : 0));
    sealer_->seal(pieces_++, head, {at(piece), piece.size()}, at(piece), at(tag));
    if (!(out_ << head << piece << tag))
        throw sql::Broken(errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? sql::Broken::Why::full : sql::Broken::Why::io,
                          path_.string() + ": " + std::strerror(errno));
}

void SealedLinesWriter::close() {
    deflate_all({}, Z_FINISH);
    put_piece(true);
    out_.close();
    if (!out_)
        throw sql::Broken(errno == ENOSPC ? sql::Broken::Why::full : sql::Broken::Why::io,
                          path_.string() + ": " + std::strerror(errno));
}

SealedLinesReader::SealedLinesReader(const fs::path& path, const keys::Folder& keys) : path_(path), in_(path, std::ios::binary) {
    std::string head(magic.size() + 4 + keys::salt_bytes, '\0');
    if (!in_.read(head.data(), static_cast<std::streamsize>(head.size())) || !head.starts_with(magic)) damaged();
    const auto ring = keys.ring();
    const keys::DataKey* key = ring->find(number_of(std::string_view(head).substr(magic.size())));
    if (!key) damaged();
    sealer_ = std::make_unique<keys::Sealer>(ring->cipher, key->secret, head.substr(magic.size() + 4), purpose);
    inflateInit2(&unpacker_, 15);  // last: a constructor that throws has no destructor
}
SealedLinesReader::~SealedLinesReader() { inflateEnd(&unpacker_); }

void SealedLinesReader::damaged() const {
    throw sql::Broken(sql::Broken::Why::corrupt,
                      path_.string() + ": piece " + std::to_string(pieces_ + 1) + " is not what was written");
}

bool SealedLinesReader::more() {
    if (was_last_) return false;
    std::string head(4, '\0'), tag(keys::tag_bytes, '\0');
    if (!in_.read(head.data(), 4)) damaged();
    const std::uint32_t number = number_of(head), size = number & ~last_bit;
    was_last_ = (number & last_bit) != 0;
    if (size > piece_bytes) damaged();
    std::string piece(size, '\0');
    if (!in_.read(piece.data(), size) || !in_.read(tag.data(), static_cast<std::streamsize>(tag.size())) ||
        !sealer_->open(pieces_, head, {at(piece), piece.size()}, at(piece), at(tag)))
        damaged();
    ++pieces_;
    text_.erase(0, at_);
    at_ = 0;
    unpacker_.next_in = at(piece);
    unpacker_.avail_in = size;
    std::string plain(piece_bytes, '\0');
    do {
        unpacker_.next_out = at(plain);
        unpacker_.avail_out = static_cast<uInt>(plain.size());
        const int code = inflate(&unpacker_, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) damaged();
        text_.append(plain, 0, plain.size() - unpacker_.avail_out);
    } while (unpacker_.avail_out == 0);
    return true;
}

bool SealedLinesReader::line(std::string& into) {
    std::size_t looked = at_;
    for (;;) {
        const std::size_t end = text_.find('\n', looked);
        if (end != std::string::npos) {
            into = text_.substr(at_, end - at_);
            at_ = end + 1;
            return true;
        }
        if (text_.size() - at_ > longest_line) damaged();
        looked = text_.size() - at_;  // where the rest will begin once what was read is gone
        if (!more()) break;
    }
    into = text_.substr(at_);
    at_ = text_.size();
    return !into.empty();
}

}  // namespace xinglin::backup
