// SPDX-License-Identifier: Apache-2.0
// Source: W3C Trace Context, 23 November 2021, section 3.2 (version 00; later versions are read as far as 00 goes).
#include "http/trace.h"

#include <cstdint>
#include <random>

namespace xinglin::http {
namespace {

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }
bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

std::string random_hex(int words) {
    thread_local std::mt19937_64 random = [] {
        std::random_device device;
        std::seed_seq seed{device(), device(), device(), device()};
        return std::mt19937_64(seed);
    }();
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(static_cast<std::size_t>(words) * 16);
    for (int word = 0; word < words; ++word) {
        std::uint64_t bits = random();
        for (int digit = 0; digit < 16; ++digit, bits >>= 4) text += digits[bits & 15];
    }
    return text;
}

}  // namespace

std::string_view trace_id_of(std::string_view traceparent) {
    // 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
    if (traceparent.size() < 55 || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return {};
    const std::string_view version = traceparent.substr(0, 2), trace = traceparent.substr(3, 32);
    const std::string_view span = traceparent.substr(36, 16), flags = traceparent.substr(53, 2);
    if (!is_hex(version) || !is_hex(trace) || !is_hex(span) || !is_hex(flags)) return {};
    if (version == "ff" || is_zero(trace) || is_zero(span)) return {};
    if (traceparent.size() > 55 && (version == "00" || traceparent[55] != '-')) return {};
    return trace;
}

std::string fresh_trace_id() { return random_hex(2); }

std::string answering_traceparent(std::string_view traceparent) {
    std::string answer = "00-";
    answer += traceparent.substr(3, 33);
    answer += random_hex(1);
    answer += '-';
    answer += traceparent.substr(53, 2);
    return answer;
}

}  // namespace xinglin::http
