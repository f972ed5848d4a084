// SPDX-License-Identifier: Apache-2.0
// gzip through zlib. Each thread keeps one packing state: setting one up clears 256 KiB, which costs more than a small answer.
#include "http/gzip.h"

#include <zlib.h>

#include <cctype>
#include <memory>
#include <stdexcept>

#include "http/field_text.h"

namespace xinglin::http {
namespace {

constexpr int gzip_window = 15 + 16;  // zlib's way to ask for the gzip wrapper

class Packer {
public:
    Packer() {
        if (deflateInit2(&stream_, 4, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
    }
    ~Packer() { deflateEnd(&stream_); }
    Packer(const Packer&) = delete;

    std::string pack(std::string_view plain) {
        deflateReset(&stream_);
        std::string packed(deflateBound(&stream_, plain.size()), '\0');
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
        stream_.avail_in = static_cast<uInt>(plain.size());
        stream_.next_out = reinterpret_cast<Bytef*>(packed.data());
        stream_.avail_out = static_cast<uInt>(packed.size());
        if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("gzip: the answer could not be packed");
        packed.resize(stream_.total_out);
        return packed;
    }

    /// Continues the stream begun by `begin`; `last` ends it.
    void begin() { deflateReset(&stream_); }
    void append(std::string_view plain, bool last, std::string& packed) {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
        stream_.avail_in = static_cast<uInt>(plain.size());
        for (;;) {
            const std::size_t before = packed.size();
            packed.resize(before + (64u << 10));
            stream_.next_out = reinterpret_cast<Bytef*>(packed.data() + before);
            stream_.avail_out = 64u << 10;
            const int status = deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
            packed.resize(packed.size() - stream_.avail_out);
            if (status == Z_STREAM_ERROR) throw std::runtime_error("gzip: the answer could not be packed");
            if (last ? status == Z_STREAM_END : stream_.avail_out != 0) return;
        }
    }

private:
    z_stream stream_{};
};

struct Unpacker {
    z_stream stream{};
    Unpacker() {
        if (inflateInit2(&stream, gzip_window) != Z_OK) throw std::bad_alloc();
    }
    ~Unpacker() { inflateEnd(&stream); }
    Unpacker(const Unpacker&) = delete;
};

bool is_zero_weight(std::string_view parameter) {
    parameter = trimmed(parameter);
    if (parameter.size() < 3 || lower(parameter[0]) != 'q' || parameter[1] != '=') return false;
    return parameter.substr(2).find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

Inflated inflate_gzip(std::string_view packed, std::size_t limit, std::string& plain) {
    Unpacker unpacker;
    z_stream& stream = unpacker.stream;
    char piece[16 << 10];
    plain.clear();
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());  // bodies are limited far below 4 GiB
    if (packed.size() > UINT32_MAX) return Inflated::too_large;
    for (;;) {
        stream.next_out = reinterpret_cast<Bytef*>(piece);
        stream.avail_out = sizeof piece;
        const int status = inflate(&stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END) return Inflated::broken;  // Z_BUF_ERROR: it ends too early
        const std::size_t got = sizeof piece - stream.avail_out;
        if (got > limit - plain.size()) return Inflated::too_large;
        plain.append(piece, got);
        if (status == Z_STREAM_END) {
            if (stream.avail_in == 0) return Inflated::whole;
            inflateReset(&stream);  // a further member, RFC 1952 section 2.2
        }
    }
}

std::string gzip(std::string_view plain) {
    thread_local Packer packer;
    return packer.pack(plain);
}

std::function<std::string()> gzip_pieces(std::function<std::string()> plain) {
    constexpr std::size_t piece_at_least = 32u << 10;
    struct State {
        std::function<std::string()> plain;
        Packer packer;
        bool over = false;
    };
    const auto state = std::make_shared<State>();
    state->plain = std::move(plain);
    state->packer.begin();
    return [state] {
        std::string packed;
        while (!state->over && packed.size() < piece_at_least) {
            const std::string piece = state->plain();
            state->over = piece.empty();
            state->packer.append(piece, state->over, packed);
        }
        return packed;
    };
}

std::function<std::string()> gunzip_pieces(std::function<std::string()> packed) {
    struct State {
        std::function<std::string()> packed;
        Unpacker unpacker;
        std::string piece;
        bool within = false;  // a member has begun and not ended
    };
    const auto state = std::make_shared<State>();
    state->packed = std::move(packed);
    return [state] {
        z_stream& stream = state->unpacker.stream;
        std::string plain(256u << 10, '\0');
        stream.next_out = reinterpret_cast<Bytef*>(plain.data());
        stream.avail_out = static_cast<uInt>(plain.size());
        while (stream.avail_out > 0) {
            if (stream.avail_in == 0) {
                state->piece = state->packed();
                if (state->piece.empty()) {
                    if (state->within) throw std::runtime_error("a packed file ends too early");
                    break;
                }
                stream.next_in = reinterpret_cast<Bytef*>(state->piece.data());
                stream.avail_in = static_cast<uInt>(state->piece.size());
            }
            const int status = inflate(&stream, Z_NO_FLUSH);
            if (status != Z_OK && status != Z_STREAM_END) throw std::runtime_error("a packed file is broken");
            state->within = status != Z_STREAM_END;
            if (status == Z_STREAM_END) inflateReset(&stream);
        }
        plain.resize(plain.size() - stream.avail_out);
        return plain;
    };
}

bool accepts_gzip(std::string_view accept_encoding) {
    bool star = false;
    while (!accept_encoding.empty()) {
        const std::string_view item = take_item(accept_encoding);
        const std::size_t semicolon = item.find(';');
        const std::string_view name = trimmed(item.substr(0, semicolon));
        const bool refused = semicolon != std::string_view::npos && is_zero_weight(item.substr(semicolon + 1));
        if (same_name(name, "gzip") || same_name(name, "x-gzip")) return !refused;
        if (name == "*") star = !refused;
    }
    return star;
}

bool packs_well(std::string_view content_type) {
    content_type = trimmed(content_type.substr(0, content_type.find(';')));
    std::string type;
    for (const char c : content_type) type += lower(c);
    const auto ends_with = [&](std::string_view end) { return type.ends_with(end); };
    return type.starts_with("text/") || ends_with("json") || ends_with("xml") || ends_with("javascript") || ends_with("/wasm") ||
           ends_with("x-www-form-urlencoded");
}

}  // namespace xinglin::http
