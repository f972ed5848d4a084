// SPDX-License-Identifier: Apache-2.0
// Bytes in, requests out: one request at a time, strict, with limits. Knows nothing of sockets. Within this room only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/http.h"

namespace xinglin::http {

/// Why a request is not taken. `what` names no personal data.
struct Refusal {
    int status = 0;
    std::string_view code;  // FHIR issue type
    std::string what;
};

/// Reads requests off a connection's bytes. Refuses whatever two servers could read differently (RFC 9112 section 11.2):
/// both lengths, repeated lengths, folded lines, bare line feeds. After a refusal nothing more can be read.
class RequestReader {
public:
    enum class State { between, header, body, done, refused };

    /// `options` outlives the reader. `scheme` is a literal.
    RequestReader(const ServerOptions& options, std::string peer, std::string_view scheme);
    /// What the client showed; known once hands are shaken.
    void set_certificate(std::string certificate) {
        certificate_ = std::move(certificate);
        request_.certificate = certificate_;
    }
    ~RequestReader();

    /// Takes bytes from the front and returns how many. Offer the rest again with more behind it. Stops after one request.
    std::size_t take(std::string_view bytes);
    State state() const { return state_; }
    /// Makes ready for the next request.
    void next();

    /// From the end of the header on.
    Request& request() { return request_; }
    bool is_head() const { return request_.method == "HEAD"; }
    bool keeps_alive() const;
    bool is_http_1_0() const;
    bool expects_continue() const { return expects_continue_; }
    bool body_is_packed() const { return packed_; }
    std::size_t body_limit() const { return body_limit_; }
    const Refusal& refusal() const { return refusal_; }
    /// True when the request, as far as it is known, is for the FHIR part: it decides how a refusal is written.
    bool is_fhir() const { return fhir_; }

private:
    struct Parser;

    std::size_t take_header(std::string_view bytes);
    std::size_t take_body(std::string_view bytes);
    std::size_t header_end(std::string_view bytes);
    void finish_header();
    void finish_target();
    void check_framing();
    void check_encoding();
    void refuse(int status, std::string_view code, std::string what);

    const ServerOptions& options_;
    std::string peer_;
    std::string_view scheme_;
    std::string certificate_;
    std::unique_ptr<Parser> parser_;
    Request request_;
    Refusal refusal_;
    State state_ = State::between;
    std::size_t scanned_ = 0;     // header bytes already looked at
    std::size_t line_start_ = 0;  // of the line being scanned
    std::size_t body_limit_ = 0;
    bool expects_continue_ = false, packed_ = false, fhir_ = false;
};

}  // namespace xinglin::http
