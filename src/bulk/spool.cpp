// SPDX-License-Identifier: Apache-2.0
// Files that several threads fill. A gzip file is a row of members (RFC 1952 section 2.2), so that packing needs no lock.
#include "bulk/spool.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>

#include "bulk/kept.h"

namespace xinglin::bulk {

struct Packing::Inside {
    z_stream stream{};
};

Packing::Packing() : inside_(std::make_unique<Inside>()) {
    if (deflateInit2(&inside_->stream, 1, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
}
Packing::~Packing() { deflateEnd(&inside_->stream); }

std::string Packing::pack(std::string_view plain) {
    z_stream& stream = inside_->stream;
    deflateReset(&stream);
    std::string packed(deflateBound(&stream, plain.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("gzip: lines could not be packed");
    packed.resize(stream.total_out);
    return packed;
}

struct Spool::Open {
    ~Open() {
        if (descriptor >= 0) ::close(descriptor);
    }
    File file;
    fs::path path;
    int descriptor = -1;
};

Spool::Spool(fs::path folder, bool packed, const RunOptions& options, Progress& progress, const std::vector<File>& begun)
    : folder_(std::move(folder)), packed_(packed), options_(options), progress_(progress), closed_(begun) {
    std::error_code error;
    for (const std::string& name : names_in(folder_)) {
        if (name.find(".ndjson") == std::string::npos) continue;
        const bool known = std::any_of(begun.begin(), begun.end(), [&](const File& file) { return file.name == name; });
        if (!known) fs::remove(folder_ / name, error);
    }
    for (const File& file : begun) {
        const fs::path path = folder_ / file.name;
        if (fs::file_size(path, error) < file.bytes || error)
            throw sql::Broken(sql::Broken::Why::corrupt,
                              fmt::format("{} is shorter than it was; begin the export again in an empty folder", path.string()));
        fs::resize_file(path, file.bytes, error);
        if (error) fail(path);
        ++parts_[file.deletions ? std::string("deleted") : file.type];
        progress_.written += file.count;
        progress_.bytes += file.bytes;
    }
}
Spool::~Spool() = default;

void Spool::fail(const fs::path& file) const {
    const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    throw sql::Broken(
        full ? sql::Broken::Why::full : sql::Broken::Why::io,
        full ? fmt::format("the disk is full ({}); free space, or export fewer types or a shorter time, and ask again",
                           file.filename().string())
             : fmt::format("{} cannot be written: {}", file.filename().string(), std::strerror(errno)));
}

/// Asked every 64 MiB: the record shares the disk, and must not be the first to find it full.
void Spool::check_space() {
    if (unchecked_bytes_ < (64u << 20)) return;
    unchecked_bytes_ = 0;
    std::error_code error;
    const auto space = fs::space(folder_, error);
    if (!error && space.available < options_.disk_reserve_bytes) {
        throw sql::Broken(
            sql::Broken::Why::full,
            fmt::format("the disk is nearly full ({} MiB free, {} MiB are kept for the record); free space, or export "
                        "fewer types or a shorter time, and ask again",
                        space.available >> 20, options_.disk_reserve_bytes >> 20));
    }
}

void Spool::write_all(Open& open, std::string_view bytes) {
    progress_.bytes += bytes.size();
    unchecked_bytes_ += bytes.size();
    while (!bytes.empty()) {
        const long written = options_.write ? options_.write(open.descriptor, bytes.data(), bytes.size())
                                            : ::write(open.descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail(open.path);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void Spool::add(std::string_view type, bool deletions, std::string_view bytes, std::uint64_t plain_bytes, std::uint64_t count) {
    const std::lock_guard lock(mutex_);
    check_space();
    auto& open = open_[{deletions, std::string(type)}];
    if (open && open->file.count >= options_.part_resources) {
        if (::fsync(open->descriptor) != 0) fail(open->path);
        closed_.push_back(open->file);
        open.reset();
    }
    if (!open) {
        open = std::make_unique<Open>();
        const std::string stem = deletions ? "deleted" : std::string(type);
        const int part = ++parts_[stem];
        open->file.name = fmt::format("{}{}.ndjson{}", stem, options_.first_plain && part == 1 ? "" : fmt::format(".{}", part),
                                      packed_ ? ".gz" : "");
        open->file.type = type;
        open->file.deletions = deletions;
        open->path = folder_ / open->file.name;
        open->descriptor = ::open(open->path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (open->descriptor < 0) fail(open->path);
    }
    write_all(*open, bytes);
    open->file.count += count;
    open->file.bytes += bytes.size();
    open->file.plain_bytes += plain_bytes;
    progress_.written += count;
}

std::vector<File> Spool::so_far() {
    const std::lock_guard lock(mutex_);
    std::vector<File> files = closed_;
    for (auto& [key, open] : open_) {
        if (!open) continue;
        if (::fsync(open->descriptor) != 0) fail(open->path);
        files.push_back(open->file);
    }
    return files;
}

std::vector<File> Spool::finish() {
    const std::lock_guard lock(mutex_);
    for (auto& [key, open] : open_) {
        if (!open) continue;
        if (::fsync(open->descriptor) != 0) fail(open->path);
        closed_.push_back(open->file);
    }
    open_.clear();
    std::sort(closed_.begin(), closed_.end(), [](const File& a, const File& b) {
        return std::tie(a.deletions, a.type, a.name) < std::tie(b.deletions, b.type, b.name);
    });
    return std::move(closed_);
}

}  // namespace xinglin::bulk
