// SPDX-License-Identifier: Apache-2.0
// The grammar is read by Beast's parser; what Beast is lenient about is refused here, before or after it.
//
// The only file that includes Beast: its parser is a few thousand lines of templates.
// Sources: RFC 9112 (HTTP/1.1), RFC 9110 (semantics).
#include "http/request_reader.h"

#include <boost/beast/http/basic_parser.hpp>

#include "http/field_text.h"
#include "http/trace.h"
#include "text/text.h"

namespace xinglin::http {
namespace beast = boost::beast::http;
using Error = boost::beast::error_code;
using View = boost::beast::string_view;

namespace {

constexpr std::size_t fields_limit = 200;
constexpr std::size_t chunk_header_limit = 4096;   // a size and its extensions
constexpr std::size_t reserve_at_most = 1u << 20;  // a promised length alone gets no more memory than this
constexpr std::size_t shortest_chunked = 5;        // "0", its line end and the end of the trailer

std::string_view view(View text) { return {text.data(), text.size()}; }

bool holds_fold(std::string_view lines) {
    return lines.find("\n ") != std::string_view::npos || lines.find("\n\t") != std::string_view::npos;
}

}  // namespace

/// Collects what Beast finds.
struct RequestReader::Parser {
    class Grammar : public beast::basic_parser<true> {
    public:
        Grammar(Request& request, std::size_t header_bytes) : request_(&request) {
            eager(false);  // return after the header, so that it can be judged before its body
            header_limit(static_cast<std::uint32_t>(header_bytes));
            body_limit(boost::none);
        }

        std::size_t body_limit_bytes = 0;
        std::size_t content_lengths = 0, hosts = 0;
        bool over_limit = false;
        int version = 11;

    private:
        void on_request_impl(beast::verb, View method, View target, int number, Error&) override {
            version = number;
            request_->method = view(method);
            request_->target = view(target);
        }
        void on_response_impl(int, View, int, Error&) override {}
        void on_field_impl(beast::field name, View name_text, View value, Error& error) override {
            if (is_header_done()) return;  // trailers are read and forgotten, RFC 9110 section 6.5.1
            if (name == beast::field::content_length) ++content_lengths;
            if (name == beast::field::host) ++hosts;
            if (request_->headers.all().size() == fields_limit) {
                error = beast::error::header_limit;
                return;
            }
            request_->headers.add(std::string(view(name_text)), std::string(view(value)));
        }
        void on_header_impl(Error&) override {}
        void on_body_init_impl(const boost::optional<std::uint64_t>& length, Error&) override {
            if (length) request_->body.reserve(std::min<std::size_t>(*length, reserve_at_most));
        }
        std::size_t on_body_impl(View body, Error& error) override {
            if (body.size() > body_limit_bytes - request_->body.size()) {
                over_limit = true;
                error = beast::error::body_limit;
                return 0;
            }
            request_->body.append(body.data(), body.size());
            return body.size();
        }
        void on_chunk_header_impl(std::uint64_t size, View extensions, Error& error) override {
            // Beast lets a line end pass inside quotation marks; another server would end the line there.
            const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; };
            if (std::any_of(extensions.begin(), extensions.end(), is_control)) error = beast::error::bad_chunk_extension;
            if (size > body_limit_bytes - request_->body.size()) {
                over_limit = true;
                error = beast::error::body_limit;
            }
        }
        std::size_t on_chunk_body_impl(std::uint64_t, View body, Error& error) override { return on_body_impl(body, error); }
        void on_finish_impl(Error&) override {}

        Request* request_;
    };
    std::optional<Grammar> grammar;
};

RequestReader::RequestReader(const ServerOptions& options, std::string peer, std::string_view scheme)
    : options_(options), peer_(std::move(peer)), scheme_(scheme), parser_(std::make_unique<Parser>()) {
    next();
}

RequestReader::~RequestReader() = default;

void RequestReader::next() {
    request_ = Request();
    request_.peer = peer_;
    request_.scheme = scheme_;
    request_.certificate = certificate_;
    parser_->grammar.emplace(request_, options_.header_bytes + 1);
    state_ = State::between;
    scanned_ = line_start_ = body_limit_ = 0;
    expects_continue_ = packed_ = fhir_ = false;
}

bool RequestReader::keeps_alive() const { return parser_->grammar->is_header_done() && parser_->grammar->keep_alive(); }
bool RequestReader::is_http_1_0() const { return parser_->grammar->is_header_done() && parser_->grammar->version == 10; }

std::size_t RequestReader::take(std::string_view bytes) {
    std::size_t used = 0;
    if (state_ == State::between) {
        while (used < bytes.size() && (bytes[used] == '\r' || bytes[used] == '\n')) ++used;  // RFC 9112 section 2.2
        if (used == bytes.size()) return used;
        state_ = State::header;
    }
    if (state_ == State::header) used += take_header(bytes.substr(used));
    if (state_ == State::body) used += take_body(bytes.substr(used));
    return used;
}

/// Length of the whole header, or 0 when it is not there yet (or refused).
std::size_t RequestReader::header_end(std::string_view bytes) {
    while (scanned_ < bytes.size()) {
        const std::size_t feed = bytes.find('\n', scanned_);
        if (feed == std::string_view::npos) break;
        if (feed == 0 || bytes[feed - 1] != '\r') {
            refuse(400, "invalid", "a header line does not end in CR LF");
            return 0;
        }
        if (feed - line_start_ == 1) {
            scanned_ = feed + 1;
            return scanned_;
        }
        const char first = bytes[line_start_];
        if (line_start_ > 0 && (first == ' ' || first == '\t')) {
            refuse(400, "invalid", "a header line is folded; write it on one line");
            return 0;
        }
        scanned_ = line_start_ = feed + 1;
    }
    scanned_ = std::max(scanned_, bytes.size());
    return 0;
}

std::size_t RequestReader::take_header(std::string_view bytes) {
    const std::size_t target = std::min(bytes.find(' '), bytes.size() - 1) + 1;
    fhir_ = bytes.substr(target).starts_with("/fhir");
    if (bytes[0] < 'A' || bytes[0] > 'Z') {
        refuse(400, "invalid", "this is not an HTTP request");
        return 0;
    }
    const std::size_t end = header_end(bytes);
    if (state_ == State::refused) return 0;
    if (end > options_.header_bytes || (end == 0 && bytes.size() > options_.header_bytes)) {
        refuse(431, "too-costly", "the request's header is over " + std::to_string(options_.header_bytes) + " bytes");
        return 0;
    }
    if (end == 0) return 0;

    Error error;
    std::size_t used = 0;
    while (!error && !parser_->grammar->is_header_done()) {
        used += parser_->grammar->put(boost::asio::const_buffer(bytes.data() + used, end - used), error);
    }
    if (error == beast::error::header_limit) {
        refuse(431, "too-costly", "the request has more than " + std::to_string(fields_limit) + " header fields");
    } else if (error == beast::error::bad_version) {
        const std::string_view line = bytes.substr(0, bytes.find('\r'));
        const bool other_version =
            line.size() > 9 && line.substr(line.size() - 9).starts_with(" HTTP/") && !line.ends_with("HTTP/1.1");
        refuse(other_version ? 505 : 400, "invalid", "the request line does not end in HTTP/1.1");
    } else if (error) {
        refuse(400, "invalid", "the request's header is not well-formed: " + error.message());
    } else {
        finish_header();
    }
    return used;
}

void RequestReader::finish_header() {
    check_framing();
    if (state_ != State::refused) finish_target();
    if (state_ != State::refused) check_encoding();
    if (state_ == State::refused) return;

    const std::string_view traceparent = request_.headers.get("traceparent");
    request_.trace_id = trace_id_of(traceparent);
    if (request_.trace_id.empty()) request_.trace_id = fresh_trace_id();

    auto& grammar = *parser_->grammar;
    if (grammar.is_done()) {
        state_ = State::done;
        return;
    }
    body_limit_ = options_.body_limit ? options_.body_limit(request_) : options_.body_bytes;
    grammar.body_limit_bytes = body_limit_;
    if (const auto length = grammar.content_length(); length && *length > body_limit_) {
        refuse(413, "too-costly", "the body is over the limit of " + std::to_string(body_limit_) + " bytes; send it in parts");
        return;
    }
    state_ = State::body;
}

void RequestReader::check_framing() {
    const Headers& headers = request_.headers;
    const auto& grammar = *parser_->grammar;
    const bool old = grammar.version == 10;
    if (grammar.content_lengths > 1 || headers.get("Content-Length").find(',') != std::string_view::npos) {
        return refuse(400, "invalid", "Content-Length is given more than once");
    }
    if (headers.has("Transfer-Encoding")) {
        if (grammar.content_lengths > 0 || old) {
            return refuse(400, "invalid", "Transfer-Encoding may not stand beside Content-Length or in HTTP/1.0");
        }
        if (!same_name(headers.get("Transfer-Encoding"), "chunked")) {
            return refuse(501, "not-supported", "the only Transfer-Encoding known here is chunked");
        }
    }
    if (grammar.hosts > 1 || (grammar.hosts == 0 && !old)) return refuse(400, "invalid", "exactly one Host field is needed");
}

void RequestReader::finish_target() {
    for (const char c : request_.method) {
        if ((c < 'A' || c > 'Z') && c != '-') return refuse(400, "invalid", "the method is not in upper case letters");
    }
    std::string_view target = request_.target;
    if (target.front() != '/') {  // absolute form, RFC 9112 section 3.2.2
        const std::size_t authority = target.find("://");
        const std::size_t path = authority == std::string_view::npos ? authority : target.find_first_of("/?", authority + 3);
        const bool known = target.starts_with("http://") || target.starts_with("https://");
        if (target == "*" && request_.method == "OPTIONS") {
            request_.path = "*";
            return;
        }
        if (!known || path == std::string_view::npos || target[path] != '/') {
            return refuse(400, "invalid", "the request's target does not begin with '/'");
        }
        target.remove_prefix(path);
    }
    const std::size_t question = target.find('?');
    if (question != std::string_view::npos) request_.query = target.substr(question + 1);
    auto path = percent_decode(target.substr(0, question));
    if (!path || !text::is_utf8(*path)) return refuse(400, "invalid", "the path is not UTF-8 in percent-encoding");
    for (const char c : *path) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return refuse(400, "invalid", "the path holds a control character");
    }
    if (path->ends_with("/..") || path->find("/../") != std::string::npos) {
        return refuse(400, "invalid", "the path holds a '..' segment; send the path it leads to");
    }
    fhir_ = path->starts_with("/fhir");
    request_.path = std::move(*path);
}

void RequestReader::check_encoding() {
    const std::string_view expectation = request_.headers.get("Expect");
    if (!expectation.empty()) {
        if (!same_name(expectation, "100-continue"))
            return refuse(417, "not-supported", "the only Expect known here is 100-continue");
        expects_continue_ = parser_->grammar->version == 11 && !parser_->grammar->is_done();
    }
    const std::string_view encoding = request_.headers.get("Content-Encoding");
    if (encoding.empty() || same_name(encoding, "identity") || parser_->grammar->is_done()) return;
    packed_ = same_name(encoding, "gzip") || same_name(encoding, "x-gzip");
    if (!packed_) refuse(415, "not-supported", "this Content-Encoding is not known here; send gzip or none");
}

std::size_t RequestReader::take_body(std::string_view bytes) {
    auto& grammar = *parser_->grammar;
    // Beast takes a first chunk that is the last one for five bytes or more whenever it comes back to it.
    if (grammar.chunked() && request_.body.empty() && bytes.starts_with('0') && bytes.size() < shortest_chunked) return 0;
    std::size_t used = 0;
    bool folded = false;  // Beast joins what is folded; the step that ends a chunked body reads the last chunk and the trailer
    Error error;
    while (!grammar.is_done() && used < bytes.size() && !error) {
        const std::size_t before = used;
        used += grammar.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), error);
        folded = grammar.chunked() && grammar.is_done() && holds_fold(bytes.substr(before, used - before));
    }
    if (folded) {
        refuse(400, "invalid", "a line of the trailer is folded; write it on one line");
    } else if (grammar.is_done()) {
        state_ = State::done;
    } else if (grammar.over_limit) {
        refuse(413, "too-costly", "the body is over the limit of " + std::to_string(body_limit_) + " bytes; send it in parts");
    } else if (error && error != beast::error::need_more) {
        refuse(400, "invalid", "the body's chunks are not well-formed: " + error.message());
    } else if (grammar.chunked() && bytes.size() - used > chunk_header_limit && error == beast::error::need_more) {
        refuse(400, "invalid", "a chunk's header or the trailer is over " + std::to_string(chunk_header_limit) + " bytes");
    }
    if (used > 0) expects_continue_ = false;  // it does not wait for us any more
    return used;
}

void RequestReader::refuse(int status, std::string_view code, std::string what) {
    state_ = State::refused;
    refusal_ = {status, code, std::move(what)};
}

}  // namespace xinglin::http
