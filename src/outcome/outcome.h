// SPDX-License-Identifier: Apache-2.0
// How a request is refused: an Outcome of issues, and Result<T>, a value or an Outcome.
//
// Refusals travel as values; a broken world (disk full, connection lost) travels as std::runtime_error;
// a broken invariant of ours stops the program through XINGLIN_ASSERT.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace xinglin {

/// Why something was refused. Names follow FHIR's issue-type code system; `fhir_code(code)` gives the FHIR code.
enum class IssueCode {
    invalid,        // content is not well-formed or breaks a rule of the format
    structure,      // structural problem: JSON/XML syntax, unknown element
    required,       // a required element is missing
    value,          // an element's value is not allowed
    invariant,      // a rule between elements is broken
    code_invalid,   // a code is not in its required value set
    not_supported,  // we do not do this
    not_found,
    deleted,    // was there, is deleted: HTTP 410
    duplicate,  // conditional operation matched several: HTTP 412
    multiple_matches,
    conflict,      // HTTP 409
    precondition,  // If-Match, If-None-Match: HTTP 412
    login,         // who are you: HTTP 401
    forbidden,     // you may not: HTTP 403
    too_costly,    // HTTP 413 or 400, over a limit
    throttled,     // HTTP 429, try again later
    transient,     // HTTP 503
    exception,     // HTTP 500
    informational,
};

enum class Severity { fatal, error, warning, information };

/// FHIR issue-type code, e.g. "code-invalid".
std::string_view fhir_code(IssueCode code);
/// FHIR issue-severity code, e.g. "error".
std::string_view fhir_code(Severity severity);
/// The one table from issue to HTTP status.
int http_status(IssueCode code);

/// One thing that is wrong. `where` names the element or parameter ("Patient.birthDate", "_count"); `what` says
/// what is wrong and how to mend it, in English, and never repeats personal data.
struct Issue {
    Severity severity = Severity::error;
    IssueCode code = IssueCode::invalid;
    std::string where;
    std::string what;
    std::string key = {};      // of a check: "min", "binding", "invariant:pat-1"; OperationOutcome's details.coding
    std::string what_zh = {};  // the same in Chinese, where there is one
};

struct Outcome {
    std::vector<Issue> issues;

    /// True when no issue is an error or fatal.
    bool ok() const;
    /// The first error's code; `informational` if there is none.
    IssueCode code() const;
    /// "WHERE: WHAT" of the first error.
    std::string line() const;
};

inline Outcome refuse(IssueCode code, std::string where, std::string what) {
    return Outcome{{Issue{Severity::error, code, std::move(where), std::move(what)}}};
}

/// Nothing, as the value of a Result that only succeeds or refuses.
struct Done {};

template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}            // NOLINT implicit
    Result(Outcome outcome) : content_(std::in_place_index<1>, std::move(outcome)) {}  // NOLINT implicit

    bool ok() const { return content_.index() == 0; }
    explicit operator bool() const { return ok(); }
    T& value() & { return std::get<0>(content_); }
    const T& value() const& { return std::get<0>(content_); }
    T&& value() && { return std::get<0>(std::move(content_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    const Outcome& outcome() const& { return std::get<1>(content_); }
    Outcome&& outcome() && { return std::get<1>(std::move(content_)); }

private:
    std::variant<T, Outcome> content_;
};

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace xinglin

#define XINGLIN_JOIN_(a, b) a##b
#define XINGLIN_JOIN(a, b) XINGLIN_JOIN_(a, b)
/// `XINGLIN_TRY(auto person, find(id));` unwraps a Result or returns its Outcome.
#define XINGLIN_TRY(declaration, ...) \
    auto XINGLIN_JOIN(try_, __LINE__) = (__VA_ARGS__); \
    if (!XINGLIN_JOIN(try_, __LINE__).ok()) return std::move(XINGLIN_JOIN(try_, __LINE__)).outcome(); \
    declaration = std::move(XINGLIN_JOIN(try_, __LINE__)).value()
/// `XINGLIN_CHECK(save(x));` returns the Outcome of a refused Result, drops its value otherwise.
#define XINGLIN_CHECK(...) \
    if (auto XINGLIN_JOIN(check_, __LINE__) = (__VA_ARGS__); !XINGLIN_JOIN(check_, __LINE__).ok()) \
    return std::move(XINGLIN_JOIN(check_, __LINE__)).outcome()
/// An invariant of ours. On in release too: log, stop, restart from the last commit.
#define XINGLIN_ASSERT(condition) ((condition) ? (void)0 : ::xinglin::assertion_failed(#condition, __FILE__, __LINE__))
