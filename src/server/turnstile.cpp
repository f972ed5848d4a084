// SPDX-License-Identifier: Apache-2.0
// How many requests each caller may make.
#include "server/turnstile.h"

#include <fmt/format.h>

namespace xinglin::server {

namespace {
constexpr std::size_t one_write_bytes = 64u << 10;

bool only_reads(const http::Request& request) {
    return request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
}
/// Files of many lines, made for carrying away.
bool is_download(std::string_view path) {
    return path.ends_with(".csv") || path.ends_with(".xlsx") || path == "/api/v1/registry/export" ||
           path == "/api/v1/quality/letter";
}
}  // namespace

access::Ask ask_of(const http::Request& request) {
    const std::string_view path = request.path;
    if (path.ends_with("/$export") || path.ends_with("/$everything") || is_download(path)) return access::Ask::export_;
    if (path.ends_with("/reveal")) return access::Ask::reveal;
    if (only_reads(request)) return request.query.empty() ? access::Ask::read : access::Ask::search;
    if (path == "/api/v1/exports") return access::Ask::export_;
    if (path.ends_with("/_search") || path == "/api/v1/views/run") return access::Ask::search;
    return access::Ask::write;
}

access::Ask open_ask_of(const http::Request& request) {
    const std::string_view path = request.path;
    if (only_reads(request)) return access::Ask::page;
    if (path.starts_with("/auth/activate")) return access::Ask::activation;
    return path.starts_with("/oauth/") ? access::Ask::token : access::Ask::login;
}

std::int64_t cost_of(const http::Request& request) {
    return only_reads(request) ? 1 : 1 + static_cast<std::int64_t>(request.body.size() / one_write_bytes);
}

access::Verdict take_for(access::Limiter& limiter, const access::Viewer& viewer, std::string_view app,
                         const http::Request& request) {
    const access::Ask ask = ask_of(request);
    const std::int64_t cost = cost_of(request);
    access::Verdict verdict;
    if (!app.empty())
        verdict = limiter.take(viewer.role == access::Role::system ? access::party_of(viewer.role) : access::Party::app, app, ask,
                               cost);
    const bool is_counted = app.empty() || viewer.role != access::Role::system;
    if (verdict.granted && is_counted)
        verdict = limiter.take(access::party_of(viewer.role), std::to_string(viewer.account), ask, cost);
    return verdict;
}

access::Verdict take_for_address(access::Limiter& limiter, const http::Request& request, access::Ask ask) {
    return limiter.take(access::Party::address, access::place_of(request.peer), ask, 1);
}

Outcome too_fast(std::int64_t wait_s, const http::Request& request) {
    Outcome outcome =
        refuse(IssueCode::throttled, "rate", fmt::format("too many requests, go on in {} seconds and then more slowly", wait_s));
    outcome.issues.front().what_zh = fmt::format("请求过于频繁，请在 {} 秒后放慢速度再试", wait_s);
    if (request.headers.get("Accept-Language").starts_with("zh")) outcome.issues.front().what = outcome.issues.front().what_zh;
    return outcome;
}

}  // namespace xinglin::server
