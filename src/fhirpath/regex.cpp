// SPDX-License-Identifier: Apache-2.0
// ICU regular expressions with limits.
#include "fhirpath/regex.h"

#include <algorithm>

#include <unicode/regex.h>

namespace xinglin::fhirpath {

struct Regex::Pattern {
    std::unique_ptr<icu::RegexPattern> compiled;
};

namespace {

constexpr std::int32_t longest_match = 1000;           // ticks for one call: about a tenth of a second
constexpr std::int32_t stack_limit = 8 * 1024 * 1024;  // bytes
constexpr std::size_t longest_pattern = 4096;

icu::UnicodeString wide(std::string_view text) {
    return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
}

/// ICU calls this at every tick.
UBool U_CALLCONV count_tick(const void* context, std::int32_t) {
    return --*static_cast<std::int32_t*>(const_cast<void*>(context)) > 0;
}

std::unique_ptr<icu::RegexMatcher> matcher_for(const icu::RegexPattern& pattern, const icu::UnicodeString& text,
                                               std::int32_t& ticks, UErrorCode& status) {
    if (ticks <= 0) return nullptr;
    std::unique_ptr<icu::RegexMatcher> matcher(pattern.matcher(text, status));
    if (U_FAILURE(status)) return nullptr;
    matcher->setTimeLimit(longest_match, status);
    matcher->setMatchCallback(count_tick, &ticks, status);
    matcher->setStackLimit(stack_limit, status);
    return matcher;
}

}  // namespace

Regex::Regex(std::unique_ptr<Pattern> pattern) : pattern_(std::move(pattern)) {}
Regex::~Regex() = default;

std::shared_ptr<const Regex> Regex::compile(std::string_view pattern, std::string& error) {
    if (pattern.size() > longest_pattern) {
        error = "a regular expression longer than 4096 bytes";
        return nullptr;
    }
    UErrorCode status = U_ZERO_ERROR;
    UParseError where{};
    std::unique_ptr<icu::RegexPattern> compiled(icu::RegexPattern::compile(wide(pattern), UREGEX_DOTALL, where, status));
    if (U_FAILURE(status) || !compiled) {
        error = std::string("not a regular expression: ") + u_errorName(status);
        return nullptr;
    }
    auto holder = std::make_unique<Pattern>();
    holder->compiled = std::move(compiled);
    return std::shared_ptr<const Regex>(new Regex(std::move(holder)));
}

std::optional<bool> Regex::matches(std::string_view text, Match match, std::int32_t& ticks) const {
    UErrorCode status = U_ZERO_ERROR;
    const icu::UnicodeString subject = wide(text);
    const auto matcher = matcher_for(*pattern_->compiled, subject, ticks, status);
    if (!matcher) return std::nullopt;
    const bool found = match == Match::whole ? matcher->matches(status) : matcher->find(status);
    if (U_FAILURE(status)) return std::nullopt;
    return found;
}

std::optional<std::string> Regex::replaced(std::string_view text, std::string_view substitution, std::int32_t& ticks) const {
    // A match may be empty and a group the whole text: bound what all of them together could grow to.
    constexpr std::size_t largest = 64u << 20;
    const auto groups = static_cast<std::size_t>(std::count(substitution.begin(), substitution.end(), '$'));
    if ((text.size() + 1) * substitution.size() + text.size() * groups > largest) return std::nullopt;
    UErrorCode status = U_ZERO_ERROR;
    const icu::UnicodeString subject = wide(text);
    const auto matcher = matcher_for(*pattern_->compiled, subject, ticks, status);
    if (!matcher) return std::nullopt;
    const icu::UnicodeString result = matcher->replaceAll(wide(substitution), status);
    if (U_FAILURE(status)) return std::nullopt;
    std::string out;
    result.toUTF8String(out);
    return out;
}

}  // namespace xinglin::fhirpath
