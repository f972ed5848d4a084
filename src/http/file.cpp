// SPDX-License-Identifier: Apache-2.0
// Files as bodies. Source: RFC 9110 sections 13.1 (If-None-Match), 13.1.5 (If-Range), 14 (ranges).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "http/field_text.h"
#include "http/gzip.h"
#include "http/stream.h"

namespace xinglin::http {
namespace {

constexpr std::uint64_t piece_bytes = 256u << 10;

class OpenFile {
public:
    explicit OpenFile(const std::filesystem::path& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~OpenFile() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    OpenFile(const OpenFile&) = delete;
    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

/// The bytes [at, end) of a file, a piece at a time.
struct FileReader {
    std::shared_ptr<const OpenFile> file;  // shared, because a function must be copyable
    std::uint64_t at, end;

    std::string operator()() {
        std::string piece(static_cast<std::size_t>(std::min(piece_bytes, end - at)), '\0');
        std::size_t got = 0;
        while (got < piece.size()) {
            const ssize_t count =
                ::pread(file->descriptor(), piece.data() + got, piece.size() - got, static_cast<off_t>(at + got));
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) throw std::runtime_error("a file being sent could not be read to its end");
            got += static_cast<std::size_t>(count);
        }
        at += got;
        return piece;
    }
};

/// The bytes [from, to) of what a packed file holds.
std::function<std::string()> unpacked(std::shared_ptr<const OpenFile> file, std::uint64_t packed_bytes, std::uint64_t from,
                                      std::uint64_t to) {
    return [pieces = gunzip_pieces(FileReader{std::move(file), 0, packed_bytes}), skip = from, left = to - from]() mutable {
        std::string piece;
        while (left > 0 && piece.empty()) {
            piece = pieces();
            if (piece.empty()) throw std::runtime_error("a packed file holds less than it should");
            const auto dropped = static_cast<std::size_t>(std::min<std::uint64_t>(skip, piece.size()));
            piece.erase(0, dropped);
            skip -= dropped;
        }
        if (piece.size() > left) piece.resize(static_cast<std::size_t>(left));
        left -= piece.size();
        return piece;
    };
}

enum class Asked { whole, part, beyond };

bool number(std::string_view text, std::uint64_t& to) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

/// A single range; several, other units and nonsense mean the whole, as the standard allows.
Asked asked_range(std::string_view range, std::uint64_t size, std::uint64_t& from, std::uint64_t& to) {
    if (range.size() < 6 || !same_name(range.substr(0, 6), "bytes=")) return Asked::whole;
    range = trimmed(range.substr(6));
    const std::size_t dash = range.find('-');
    if (dash == std::string_view::npos || range.find(',') != std::string_view::npos) return Asked::whole;
    const std::string_view first = range.substr(0, dash), last = range.substr(dash + 1);
    std::uint64_t a = 0, b = 0;
    if (first.empty()) {
        if (!number(last, b)) return Asked::whole;
        if (b == 0 || size == 0) return Asked::beyond;
        from = size - std::min(b, size);
        to = size;
        return Asked::part;
    }
    if (!number(first, a) || (!last.empty() && (!number(last, b) || b < a))) return Asked::whole;
    if (a >= size) return Asked::beyond;
    from = a;
    to = last.empty() || b >= size ? size : b + 1;
    return Asked::part;
}

/// `*`, or a list that holds the tag; W/ does not matter here.
bool names(std::string_view list, std::string_view tag) {
    if (trimmed(list) == "*") return true;
    while (!list.empty()) {
        std::string_view item = trimmed(take_item(list));
        if (item.starts_with("W/")) item.remove_prefix(2);
        if (item == tag) return true;
    }
    return false;
}

}  // namespace

Result<Response> file_response(const Request& request, const FileBody& body) {
    const auto file = std::make_shared<const OpenFile>(body.path);
    struct stat facts {};
    if (file->descriptor() < 0 || ::fstat(file->descriptor(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return refuse(IssueCode::not_found, "file", "there is no such file (any more)");
    }
    const auto packed_size = static_cast<std::uint64_t>(facts.st_size);
    const bool unpacks =
        body.plain_bytes && body.content_encoding == "gzip" && !accepts_gzip(request.headers.get("Accept-Encoding"));
    const std::uint64_t size = unpacks ? *body.plain_bytes : packed_size;
    std::string tag = !body.etag.empty() ? body.etag
                                         : fmt::format("\"{:x}-{:x}-{:x}\"", size,
                                                       static_cast<std::uint64_t>(facts.st_mtim.tv_sec), facts.st_mtim.tv_nsec);

    if (unpacks) tag.insert(tag.size() - 1, "-plain");  // other bytes

    Response response;
    response.compress = false;
    if (body.plain_bytes) response.headers.add("Vary", "Accept-Encoding");
    response.headers.add("Content-Type", body.content_type);
    if (!body.content_encoding.empty() && !unpacks) response.headers.add("Content-Encoding", body.content_encoding);
    response.headers.add("ETag", tag);
    response.headers.add("Accept-Ranges", "bytes");
    if (request.headers.has("If-None-Match") && names(request.headers.get("If-None-Match"), tag)) {
        response.status = 304;
        return response;
    }
    std::uint64_t from = 0, to = size;
    const bool may = request.method == "GET" && request.headers.has("Range") &&
                     (!request.headers.has("If-Range") || trimmed(request.headers.get("If-Range")) == tag);
    const Asked asked = may ? asked_range(request.headers.get("Range"), size, from, to) : Asked::whole;
    if (asked == Asked::beyond) {
        response = Response::text(416, "text/plain; charset=utf-8", "the range begins behind the end of the file\n");
        response.headers.add("Content-Range", fmt::format("bytes */{}", size));
        return response;
    }
    if (asked == Asked::part) {
        response.status = 206;
        response.headers.add("Content-Range", fmt::format("bytes {}-{}/{}", from, to - 1, size));
    }
    auto next = unpacks ? unpacked(file, packed_size, from, to) : std::function<std::string()>(FileReader{file, from, to});
    response.stream = std::make_shared<Stream>(Stream{std::move(next), to - from});
    return response;
}

}  // namespace xinglin::http
