// SPDX-License-Identifier: Apache-2.0
// TLS by OpenSSL straight on the descriptor: no stream templates, no copies between buffers.
#include "http/transport.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <cerrno>
#include <fstream>

namespace xinglin::http {
namespace {

std::string tls_error() {
    const unsigned long code = ERR_peek_last_error();
    const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    ERR_clear_error();
    return reason != nullptr ? reason : "unknown error";
}

bool can_read(const std::string& file) { return std::ifstream(file).good(); }

Transport::Got after_recv(ssize_t count) {
    if (count > 0) return Transport::Got::some;
    if (count == 0) return Transport::Got::end;
    return errno == EAGAIN || errno == EINTR ? Transport::Got::later : Transport::Got::broken;
}

int no_passphrase(char*, int, int, void*) { return 0; }

int choose_http_1_1(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in, unsigned in_length,
                    void*) {
    static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_length, ours, sizeof ours, in, in_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<TlsContext> tls_context(const std::string& certificate_file, const std::string& key_file) {
    if (certificate_file.empty()) {
        return refuse(IssueCode::required, "--tls-certificate",
                      "a key is given without its certificate; name the PEM file of the certificate chain");
    }
    if (key_file.empty()) {
        return refuse(IssueCode::required, "--tls-key",
                      "a certificate is given without its key; name the PEM file of the private key");
    }
    if (!can_read(certificate_file)) {
        return refuse(IssueCode::not_found, "--tls-certificate",
                      fmt::format("{} cannot be read; check the path and its permissions", certificate_file));
    }
    if (!can_read(key_file)) {
        return refuse(IssueCode::not_found, "--tls-key",
                      fmt::format("{} cannot be read; check the path and its permissions", key_file));
    }
    ERR_clear_error();
    TlsContext context(SSL_CTX_new(TLS_server_method()));
    if (!context) throw std::runtime_error("OpenSSL gave no context: " + tls_error());
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
    SSL_CTX_set_alpn_select_cb(context.get(), choose_http_1_1, nullptr);
    if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
        return refuse(IssueCode::value, "--tls-certificate",
                      fmt::format("{} is not a certificate chain in PEM ({}); convert it with `openssl x509`", certificate_file,
                                  tls_error()));
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return refuse(
            IssueCode::value, "--tls-key",
            fmt::format("{} is not the certificate's private key in PEM without passphrase ({}); convert it with `openssl pkey`",
                        key_file, tls_error()));
    }
    if (SSL_CTX_check_private_key(context.get()) != 1) {
        return refuse(IssueCode::value, "--tls-key",
                      fmt::format("{} does not belong to the certificate {}", key_file, certificate_file));
    }
    return context;
}

void ask_clients(SSL_CTX* context) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    // A resumed session would stand for a certificate that is not shown again: every connection shakes hands in full.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
}

std::string Transport::peer_certificate() const {
    if (!session_) return "";
    const X509* shown = SSL_get0_peer_certificate(session_.get());
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (shown == nullptr || X509_digest(shown, EVP_sha256(), digest, &size) != 1) return "";
    return {reinterpret_cast<char*>(digest), size};
}

Transport::Transport(int descriptor, SSL_CTX* tls) : descriptor_(descriptor) {
    if (tls == nullptr) return;
    session_.reset(SSL_new(tls));
    if (!session_ || SSL_set_fd(session_.get(), descriptor) != 1) throw std::bad_alloc();
}

Transport::Got Transport::shake_hands() {
    if (!session_ || shaken_) return Got::some;
    ERR_clear_error();
    const Got got = after_tls(SSL_accept(session_.get()));
    shaken_ = got == Got::some;
    return got;
}

Transport::Got Transport::after_tls(int result) {
    if (result > 0) return Got::some;
    const int error = SSL_get_error(session_.get(), result);
    wants_write_ = error == SSL_ERROR_WANT_WRITE;
    if (wants_write_ || error == SSL_ERROR_WANT_READ) return Got::later;
    const bool end = error == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    return end ? Got::end : Got::broken;
}

Transport::Got Transport::read(char* to, std::size_t room, std::size_t& got) {
    got = 0;
    wants_write_ = false;
    if (session_) {
        ERR_clear_error();
        return after_tls(SSL_read_ex(session_.get(), to, room, &got));
    }
    const ssize_t count = ::recv(descriptor_, to, room, 0);
    if (count > 0) got = static_cast<std::size_t>(count);
    return after_recv(count);
}

Transport::Got Transport::discard(char* to, std::size_t room) { return after_recv(::recv(descriptor_, to, room, 0)); }

Transport::Got Transport::write(std::span<const iovec> pieces, std::size_t& sent) {
    sent = 0;
    wants_write_ = true;
    if (session_) {
        ERR_clear_error();
        return after_tls(SSL_write_ex(session_.get(), pieces.front().iov_base, pieces.front().iov_len, &sent));
    }
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    const ssize_t count = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
    if (count >= 0) {
        sent = static_cast<std::size_t>(count);
        return Got::some;
    }
    return errno == EAGAIN || errno == EINTR ? Got::later : Got::broken;
}

void Transport::end_writing() {
    if (session_ && shaken_) {
        ERR_clear_error();
        SSL_shutdown(session_.get());
        ERR_clear_error();
    }
    ::shutdown(descriptor_, SHUT_WR);
}

}  // namespace xinglin::http
