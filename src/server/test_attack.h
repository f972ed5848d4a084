// SPDX-License-Identifier: Apache-2.0
// For tests only: what attackers send, and what must never come back.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "server/test_process.h"

namespace xinglin::server {

/// A way for every request the server describes itself: /api/v1, /auth, /oauth.
struct Described {
    std::string method, pattern;
};

inline std::vector<Described> described(Caller& caller) {
    const auto answer = caller.get("/api/v1/openapi.json");
    EXPECT_EQ(answer.status, 200);
    json::Arena arena;
    const auto document = json::parse(answer.body, arena);
    std::vector<Described> all;
    if (!document.ok()) return all;
    for (const json::Member& path : (*document)["paths"].members())
        for (const json::Member& operation : path.value().members()) {
            std::string method(operation.key());
            for (char& c : method) c = static_cast<char>(c - 'a' + 'A');
            all.push_back({method, std::string(path.key())});
        }
    return all;
}

/// The pattern with every hole filled.
inline std::string filled(std::string_view pattern, std::string_view with) {
    std::string target;
    bool inside = false;
    for (const char c : pattern) {
        if (c == '{') inside = true, target += with;
        if (!inside) target += c;
        if (c == '}') inside = false;
    }
    return target;
}

/// Every query parameter that some call reads (`Visit::parameter` in src/server and room api), so that each is tried everywhere.
constexpr std::string_view query_parameters[] = {
    "source",    "kind",     "state",      "count", "q",       "to",     "system",       "version",  "type",        "after",
    "patient",   "name",     "lang",       "from",  "format",  "day",    "date",         "code",     "below",       "before",
    "at",        "within",   "ward",       "wait",  "value",   "title",  "text",         "strays",   "sheet",       "set",
    "role",      "reviewer", "reviewed",   "query", "purpose", "parent", "organization", "language", "institution", "id",
    "encounter", "days",     "control_id", "class", "check",   "by",     "as",           "area",     "apply",       "age",
    "_since",    "_count",   "sort",       "who",   "what",    "result", "mapping"};

/// Words of a database that complains.
inline std::string leaks(std::string_view body) {
    for (const char* word : {"syntax error",    "sqlite3",
                             "SQLITE_",         "SQL logic error",
                             "SQLSTATE",        "unrecognized token",
                             "unterminated",    "no such column",
                             "no such table",   "PG::",
                             "libpq",           "invalid byte sequence",
                             "malformed MATCH", "fts5",
                             "at character ",   "stack trace",
                             "/src/",           "terminate called",
                             "root:x:0",        "std::"})
        if (body.find(word) != std::string_view::npos) return word;
    return "";
}

}  // namespace xinglin::server
