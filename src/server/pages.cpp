// SPDX-License-Identifier: Apache-2.0
// The embedded web pages: looked up by path, sent packed where the browser takes it, cached by their ETag.
#include "server/pages.h"

#include <algorithm>
#include <charconv>

#include "text/text.h"

extern "C" const char xinglin_pages_begin[];
extern "C" const char xinglin_pages_end[];

namespace xinglin::server {

namespace {

constexpr std::string_view head = "xinglin-pages 1\n";

std::size_t number(std::string_view digits) {
    std::size_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

bool takes_gzip(const http::Request& request) {
    for (const std::string_view part : text::split(request.headers.get("Accept-Encoding"), ',')) {
        const auto begin = part.find_first_not_of(' ');
        if (begin == std::string_view::npos) continue;
        const std::string_view coding = part.substr(begin);
        if (coding.starts_with("gzip"))
            return coding.find("q=0") == std::string_view::npos || coding.find("q=0.") != std::string_view::npos;
    }
    return false;
}

bool has_extension(std::string_view path) { return path.substr(path.rfind('/') + 1).find('.') != std::string_view::npos; }

}  // namespace

Pages::Pages(std::string_view blob) {
    if (!blob.starts_with(head)) return;
    const auto end = blob.find("\n\n");
    const std::size_t list_end = blob.substr(head.size()).starts_with("\n") ? head.size()
                                 : end == std::string_view::npos            ? 0
                                                                            : end + 1;
    if (list_end == 0) return;
    const std::string_view bytes = blob.substr(list_end + 1);
    for (const std::string_view line : text::split(blob.substr(head.size(), list_end - head.size()), '\n')) {
        const auto fields = text::split(line, '\t');
        if (fields.size() != 6) continue;
        const std::size_t offset = number(fields[3]), raw = number(fields[4]), packed = number(fields[5]);
        if (offset > bytes.size() || raw > bytes.size() - offset || packed > bytes.size() - offset - raw) continue;
        files_.push_back({fields[0], fields[1], fields[2], bytes.substr(offset, raw), bytes.substr(offset + raw, packed)});
    }
}

std::string_view Pages::embedded() {
    return {xinglin_pages_begin, static_cast<std::size_t>(xinglin_pages_end - xinglin_pages_begin)};
}

const Pages::File* Pages::find(std::string_view path) const {
    const auto found = std::lower_bound(files_.begin(), files_.end(), path,
                                        [](const File& file, std::string_view at) { return file.path < at; });
    return found != files_.end() && found->path == path ? &*found : nullptr;
}

http::Response Pages::answer(const http::Request& request) const {
    http::Response response;
    response.compress = false;
    add_security_headers(response.headers);
    if (request.method != "GET" && request.method != "HEAD") {
        response.status = 405;
        response.headers.add("Allow", "GET, HEAD");
        return response;
    }
    const File* file = find(request.path);
    if (!file && !has_extension(request.path)) file = find("/index.html");
    if (!file) {
        response.status = 404;
        response.headers.add("Content-Type", "text/plain; charset=utf-8");
        response.body = empty() ? "This server was built without its web pages. FHIR is at /fhir.\n" : "There is no such file.\n";
        return response;
    }
    const bool packed = !file->packed.empty() && takes_gzip(request);
    std::string etag(file->etag);
    if (packed && etag.size() > 2) etag.insert(etag.size() - 1, "-gz");
    response.headers.add("ETag", etag);
    response.headers.add("Cache-Control",
                         file->path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
    if (!file->packed.empty()) response.headers.add("Vary", "Accept-Encoding");
    if (request.headers.get("If-None-Match").find(etag) != std::string_view::npos) {
        response.status = 304;
        return response;
    }
    response.headers.add("Content-Type", std::string(file->type));
    if (packed) response.headers.add("Content-Encoding", "gzip");
    response.body = packed ? file->packed : file->raw;
    return response;
}

void add_security_headers(http::Headers& headers) {
    // Nothing inline: styles are set by scripts, which come from our own files only.
    headers.set("Content-Security-Policy",
                "default-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
                "object-src 'none'; "
                "base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
}

}  // namespace xinglin::server
