// SPDX-License-Identifier: Apache-2.0
// An archive from a stranger: what is refused before anything is unpacked, and while it is.
#include "table/archive.h"

#include <zip.h>

#include <algorithm>

#include "table/bytes.h"
#include "text/text.h"

namespace xinglin::table {

namespace {

constexpr std::uint64_t small_enough = 16u << 20;  // no ratio is asked for below

/// A path that leads out of the archive, or that no spreadsheet writes.
bool is_trick(std::string_view name) {
    if (name.empty() || name.front() == '/' || name.find('\\') != std::string_view::npos ||
        name.find('\0') != std::string_view::npos || (name.size() > 1 && name[1] == ':'))
        return true;
    for (const std::string_view step : text::split(name, '/'))
        if (step == ".." || step == ".") return true;
    return false;
}

Result<Done> check_magic(const Source& source) {
    XINGLIN_TRY(auto bytes, Bytes::open(source));
    XINGLIN_TRY(const std::string first, bytes->peek(1u << 16));
    if (first.empty()) return refuse(IssueCode::invalid, "file", "is empty, send it again");
    if (first.starts_with("\xD0\xCF\x11\xE0")) {  // a compound file: an old workbook, or the wrapping of an encrypted one
        std::string wide;
        for (const char c : std::string_view("EncryptedPackage")) wide += c, wide += '\0';
        if (first.find(wide) != std::string::npos)
            return refuse(IssueCode::not_supported, "file", "is encrypted, save it without a password");
        return refuse(IssueCode::not_supported, "file", "is an old workbook (.xls), save it as .xlsx or CSV");
    }
    if (first.starts_with("PK\x05\x06"))
        return refuse(IssueCode::invalid, "file", "is an empty archive, send the workbook again");
    if (!first.starts_with("PK\x03\x04"))
        return refuse(IssueCode::invalid, "file", "is no XLSX workbook; save it as .xlsx, or read it as csv if it is text");
    return Done{};
}

}  // namespace

Part::~Part() {
    if (file_) zip_fclose(file_);
}

Result<std::size_t> Part::read(char* to, std::size_t room) {
    const zip_int64_t got = zip_fread(file_, to, room);
    if (got < 0) return refuse(IssueCode::invalid, name_, "is damaged or cut off, send the file again");
    read_ += static_cast<std::uint64_t>(got);
    if (read_ > limits_.unpacked_bytes || (read_ > small_enough && read_ / limits_.ratio > packed_))
        return refuse(IssueCode::too_costly, name_,
                      "unpacks to more than the limit, as an archive bomb does; save the workbook anew");
    return static_cast<std::size_t>(got);
}

Archive::~Archive() {
    if (zip_) zip_discard(zip_);
}

Result<std::unique_ptr<Archive>> Archive::open(const Source& source, const Limits& limits) {
    XINGLIN_CHECK(check_magic(source));
    std::unique_ptr<Archive> archive(new Archive);
    archive->limits_ = limits;
    if (source.in_memory) {
        zip_error_t error;
        zip_error_init(&error);
        zip_source_t* memory = zip_source_buffer_create(source.bytes.data(), source.bytes.size(), 0, &error);
        if (memory) archive->zip_ = zip_open_from_source(memory, ZIP_RDONLY, &error);
        if (memory && !archive->zip_) zip_source_free(memory);
        zip_error_fini(&error);
    } else {
        int error = 0;
        archive->zip_ = zip_open(source.path.c_str(), ZIP_RDONLY, &error);
    }
    if (!archive->zip_)
        return refuse(IssueCode::invalid, "file", "is cut off or damaged (its directory can't be read), send it again");
    XINGLIN_CHECK(archive->look_through());
    return archive;
}

Result<Done> Archive::look_through() {
    const zip_int64_t count = zip_get_num_entries(zip_, 0);
    if (count < 0 || static_cast<std::uint64_t>(count) > limits_.entries)
        return refuse(IssueCode::too_costly, "file", "is an archive of too many parts, as no workbook is; save it anew");
    for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
        zip_stat_t stat;
        if (zip_stat_index(zip_, i, 0, &stat) != 0 || !(stat.valid & ZIP_STAT_NAME))
            return refuse(IssueCode::invalid, "file", "is damaged (a part has no name), send it again");
        const std::string_view name = stat.name;
        if (is_trick(name))
            return refuse(IssueCode::forbidden, "file", "has a part whose path leads out of the archive; it is no workbook");
        if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) && stat.encryption_method != ZIP_EM_NONE)
            return refuse(IssueCode::not_supported, "file", "is encrypted, save it without a password");
        if (!places_.emplace(text::lower_ascii(name), i).second)
            return refuse(IssueCode::invalid, "file", "has two parts of one name, as no workbook has; save it anew");
    }
    return Done{};
}

bool Archive::has(std::string_view name) const { return places_.contains(text::lower_ascii(name)); }

Result<std::unique_ptr<Part>> Archive::part(std::string_view name) const {
    const auto place = places_.find(text::lower_ascii(name));
    if (place == places_.end())
        return refuse(IssueCode::invalid, std::string(name), "is missing; the file is no workbook, or one that is cut off");
    zip_stat_t stat;
    if (zip_stat_index(zip_, place->second, 0, &stat) != 0 || !(stat.valid & ZIP_STAT_COMP_SIZE))
        return refuse(IssueCode::invalid, std::string(name), "is damaged, send the file again");
    zip_file_t* file = zip_fopen_index(zip_, place->second, 0);
    if (!file) return refuse(IssueCode::invalid, std::string(name), "cannot be unpacked, save the workbook anew");
    return std::make_unique<Part>(file, std::string(name), std::max<std::uint64_t>(stat.comp_size, 1), limits_);
}

Result<std::string> Archive::read(std::string_view name, std::size_t most) const {
    XINGLIN_TRY(const auto part, this->part(name));
    std::string whole, piece(64u << 10, '\0');
    for (;;) {
        XINGLIN_TRY(const std::size_t got, part->read(piece.data(), piece.size()));
        if (got == 0) return whole;
        whole.append(piece, 0, got);
        if (whole.size() > most)
            return refuse(IssueCode::too_costly, std::string(name), "is larger than the limit, save the workbook anew");
    }
}

}  // namespace xinglin::table
