// SPDX-License-Identifier: Apache-2.0
// The names of refusals and their HTTP status.
#include "outcome/outcome.h"

#include <cstdio>
#include <cstdlib>

namespace xinglin {

namespace {
struct Row {
    IssueCode code;
    std::string_view text;
    int status;
};
constexpr Row rows[] = {
    {IssueCode::invalid, "invalid", 400},
    {IssueCode::structure, "structure", 400},
    {IssueCode::required, "required", 422},
    {IssueCode::value, "value", 422},
    {IssueCode::invariant, "invariant", 422},
    {IssueCode::code_invalid, "code-invalid", 422},
    {IssueCode::not_supported, "not-supported", 400},
    {IssueCode::not_found, "not-found", 404},
    {IssueCode::deleted, "deleted", 410},
    {IssueCode::duplicate, "duplicate", 409},
    {IssueCode::multiple_matches, "multiple-matches", 412},
    {IssueCode::conflict, "conflict", 409},
    {IssueCode::precondition, "conflict", 412},
    {IssueCode::login, "login", 401},
    {IssueCode::forbidden, "forbidden", 403},
    {IssueCode::too_costly, "too-costly", 413},
    {IssueCode::throttled, "throttled", 429},
    {IssueCode::transient, "transient", 503},
    {IssueCode::exception, "exception", 500},
    {IssueCode::informational, "informational", 200},
};
const Row& row(IssueCode code) {
    for (const Row& candidate : rows) {
        if (candidate.code == code) return candidate;
    }
    std::abort();
}
bool is_error(const Issue& issue) { return issue.severity == Severity::error || issue.severity == Severity::fatal; }
}  // namespace

std::string_view fhir_code(IssueCode code) { return row(code).text; }
int http_status(IssueCode code) { return row(code).status; }

std::string_view fhir_code(Severity severity) {
    switch (severity) {
        case Severity::fatal: return "fatal";
        case Severity::error: return "error";
        case Severity::warning: return "warning";
        case Severity::information: return "information";
    }
    std::abort();
}

bool Outcome::ok() const {
    for (const Issue& issue : issues) {
        if (is_error(issue)) return false;
    }
    return true;
}

IssueCode Outcome::code() const {
    for (const Issue& issue : issues) {
        if (is_error(issue)) return issue.code;
    }
    return IssueCode::informational;
}

std::string Outcome::line() const {
    for (const Issue& issue : issues) {
        if (is_error(issue)) return issue.where.empty() ? issue.what : issue.where + ": " + issue.what;
    }
    return {};
}

void assertion_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "xinglin: broken invariant %s at %s:%d\n", condition, file, line);
    std::abort();
}

}  // namespace xinglin
