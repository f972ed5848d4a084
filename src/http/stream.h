// SPDX-License-Identifier: Apache-2.0
// Answers whose body is not one string: made while it is sent, read from a file, or written by somebody else as things happen.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "http/http.h"

namespace xinglin::http {

/// A body made while it is sent. Memory stays at one piece whatever its length.
struct Stream {
    /// The next bytes, at best 64 to 256 KiB; "" is the end. Runs on a worker thread, one call at a time, and only when the client
    /// has taken what came before. Throwing breaks the connection off, so that the client cannot take a part for the whole.
    /// Destroyed when the body is complete or the client is gone, on any thread: keep that cheap.
    std::function<std::string()> next;
    /// Known: sent as Content-Length, and a body of another length breaks the connection off. Unknown: chunked, and to HTTP/1.0
    /// until the connection ends. Those of unknown length are packed like other bodies (see Response::compress).
    std::optional<std::uint64_t> length;
};

class AnswerDesk;
struct ConnectionName;

/// A body written by others as things happen (server-sent events). Waiting costs no thread. Safe from any thread.
class Channel {
public:
    static constexpr std::size_t behind_most = 256u << 10;

    Channel();
    ~Channel();
    /// False when the client is gone, or so far behind that it is let go; nothing more will reach it.
    bool send(std::string_view bytes);
    /// The body ends after what was sent.
    void end();
    bool is_over() const;
    /// What was sent and no connection has taken yet.
    std::string waiting() const;

private:
    friend class Connection;
    struct Place;
    void attach(std::shared_ptr<AnswerDesk> desk, const ConnectionName& connection, std::uint64_t request);
    void detach();
    /// What was sent since the last call, for the connection. False after the last bytes.
    bool take(std::string& to);
    void wake();

    mutable std::mutex mutex_;  // guards what follows
    std::string waiting_;
    std::unique_ptr<Place> place_;
    bool told_ = false, ended_ = false, gone_ = false;
};

/// A file to be answered with.
struct FileBody {
    std::filesystem::path path;
    std::string content_type;
    std::string content_encoding;  // how the file's bytes are packed, "" for not at all
    std::string etag;              // strong, with its quotes; "" makes one of size and time of change
    /// Of what is packed with gzip: it is unpacked for clients that do not take gzip, and ranges then count these bytes.
    std::optional<std::uint64_t> plain_bytes = {};
};

/// Answers GET and HEAD for a file: whole, a single byte range (206, 416), If-Range, If-None-Match. The file is opened now and read
/// while it is sent, so it may be removed meanwhile. Refuses `not_found` when it cannot be opened. Source: RFC 9110 sections 13, 14.
Result<Response> file_response(const Request& request, const FileBody& file);

}  // namespace xinglin::http
