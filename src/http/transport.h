// SPDX-License-Identifier: Apache-2.0
// A non-blocking socket with or without TLS: take what is there, give what fits. Within this room only.
#pragma once

#include <openssl/ssl.h>
#include <sys/uio.h>

#include <memory>
#include <span>

#include "http/http.h"

namespace xinglin::http {

struct TlsDelete {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* session) const { SSL_free(session); }
};
using TlsContext = std::unique_ptr<SSL_CTX, TlsDelete>;

/// Reads certificate and key; TLS 1.3 only. Refuses with where "--tls-certificate" or "--tls-key".
Result<TlsContext> tls_context(const std::string& certificate_file, const std::string& key_file);
/// Asks clients for a certificate and takes whatever they show, as long as they prove to own it.
void ask_clients(SSL_CTX* context);

/// Borrows the descriptor. The calling thread must have SIGPIPE blocked: OpenSSL writes without MSG_NOSIGNAL.
class Transport {
public:
    enum class Got { some, later, end, broken };

    Transport(int descriptor, SSL_CTX* tls);

    bool is_secure() const { return session_ != nullptr; }
    /// `some` when the handshake is complete (at once without TLS).
    Got shake_hands();
    /// SHA-256 of the certificate the other side showed, raw; "" for none.
    std::string peer_certificate() const;
    /// `later`: wait until `wants_write()` says the socket is writable, otherwise readable.
    Got read(char* to, std::size_t room, std::size_t& got);
    Got write(std::span<const iovec> pieces, std::size_t& sent);
    bool wants_write() const { return wants_write_; }
    /// Throws away what has arrived, undeciphered.
    Got discard(char* to, std::size_t room);
    /// Says goodbye; nothing can be written afterwards.
    void end_writing();

private:
    Got after_tls(int result);

    int descriptor_;
    std::unique_ptr<SSL, TlsDelete> session_;
    bool wants_write_ = false, shaken_ = false;
};

}  // namespace xinglin::http
