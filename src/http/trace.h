// SPDX-License-Identifier: Apache-2.0
// Trace ids, as the W3C Trace Context recommendation writes them. Within this room only.
#pragma once

#include <string>
#include <string_view>

namespace xinglin::http {

/// The 32 hex digits of a valid `traceparent` value, or nothing ("").
std::string_view trace_id_of(std::string_view traceparent);
/// 32 fresh random hex digits. Unique, not secret.
std::string fresh_trace_id();
/// `traceparent` for the answer: the same trace, a fresh span of ours, the flags kept.
std::string answering_traceparent(std::string_view traceparent);

}  // namespace xinglin::http
