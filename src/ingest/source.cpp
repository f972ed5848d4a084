// SPDX-License-Identifier: Apache-2.0
// Plain, gzip (several members allowed) and Zstandard files, read piece by piece.
#include "ingest/source.h"

#include <zlib.h>
#include <zstd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace xinglin::ingest {
namespace {

constexpr std::size_t piece_bytes = 256u << 10;

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

class Plain : public Source {
public:
    explicit Plain(File file) : file_(std::move(file)) {}
    bool read(std::string& out) override {
        const std::size_t before = out.size();
        out.resize(before + piece_bytes);
        const std::size_t got = std::fread(out.data() + before, 1, piece_bytes, file_.get());
        out.resize(before + got);
        taken += got;
        if (std::ferror(file_.get())) problem = std::string("cannot be read: ") + std::strerror(errno);
        return got > 0;
    }

private:
    File file_;
};

class Gzip : public Source {
public:
    explicit Gzip(File file) : file_(std::move(file)), in_(piece_bytes) { ready_ = inflateInit2(&stream_, 15 + 32) == Z_OK; }
    ~Gzip() override {
        if (ready_) inflateEnd(&stream_);
    }
    bool read(std::string& out) override {
        if (!ready_ || done_) return false;
        const std::size_t before = out.size();
        out.resize(before + piece_bytes);
        stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
        stream_.avail_out = piece_bytes;
        while (stream_.avail_out > 0 && !done_) step();
        const std::size_t got = piece_bytes - stream_.avail_out;
        out.resize(before + got);
        return got > 0;
    }

private:
    File file_;
    std::vector<unsigned char> in_;
    z_stream stream_{};
    bool ready_ = false, done_ = false, member_ended_ = false;

    void step() {
        if (stream_.avail_in == 0) {
            const std::size_t got = std::fread(in_.data(), 1, in_.size(), file_.get());
            taken += got;
            if (got == 0) {
                done_ = true;
                if (!member_ended_) problem = "the gzip data ends too early";
                return;
            }
            stream_.next_in = in_.data();
            stream_.avail_in = static_cast<uInt>(got);
        }
        if (member_ended_) {
            inflateReset(&stream_);
            member_ended_ = false;
        }
        const int status = inflate(&stream_, Z_NO_FLUSH);
        if (status == Z_STREAM_END) {
            member_ended_ = true;
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            problem = std::string("the gzip data is corrupt: ") + (stream_.msg ? stream_.msg : "unknown");
            done_ = true;
        }
    }
};

class Zstandard : public Source {
public:
    explicit Zstandard(File file) : file_(std::move(file)), in_(piece_bytes), stream_(ZSTD_createDStream()) {}
    ~Zstandard() override { ZSTD_freeDStream(stream_); }
    bool read(std::string& out) override {
        if (done_) return false;
        const std::size_t before = out.size();
        out.resize(before + piece_bytes);
        ZSTD_outBuffer to{out.data() + before, piece_bytes, 0};
        while (to.pos < to.size && !done_) step(to);
        out.resize(before + to.pos);
        return to.pos > 0;
    }

private:
    File file_;
    std::vector<char> in_;
    ZSTD_inBuffer from_{nullptr, 0, 0};
    ZSTD_DStream* stream_;
    std::size_t hint_ = 0;
    bool done_ = false;

    void step(ZSTD_outBuffer& to) {
        if (from_.pos == from_.size) {
            const std::size_t got = std::fread(in_.data(), 1, in_.size(), file_.get());
            taken += got;
            from_ = {in_.data(), got, 0};
            if (got == 0) {
                done_ = true;
                if (hint_ != 0) problem = "the Zstandard data ends too early";
                return;
            }
        }
        hint_ = ZSTD_decompressStream(stream_, &to, &from_);
        if (ZSTD_isError(hint_)) {
            problem = std::string("the Zstandard data is corrupt: ") + ZSTD_getErrorName(hint_);
            done_ = true;
        }
    }
};

}  // namespace

std::unique_ptr<Source> open_source(const std::filesystem::path& path, std::string& problem) {
    File file(std::fopen(path.c_str(), "rb"));
    if (!file) {
        problem = std::string("cannot be opened: ") + std::strerror(errno);
        return nullptr;
    }
    const std::string extension = path.extension().string();
    if (extension == ".gz") return std::make_unique<Gzip>(std::move(file));
    if (extension == ".zst") return std::make_unique<Zstandard>(std::move(file));
    return std::make_unique<Plain>(std::move(file));
}

std::string unpacked_name(const std::filesystem::path& path) {
    const std::string extension = path.extension().string();
    return extension == ".gz" || extension == ".zst" ? path.stem().string() : path.filename().string();
}

}  // namespace xinglin::ingest
