// SPDX-License-Identifier: Apache-2.0
// Functions on strings. Source: FHIRPath N1, "String Manipulation" and "Additional String Functions".
#include <fmt/format.h>

#include "fhirpath/functions.h"
#include "fhirpath/regex.h"
#include "fhirpath/unicode.h"

namespace xinglin::fhirpath {

namespace {

constexpr std::size_t longest_string = 1u << 20;

/// Input and first argument, both strings; nothing when either is empty.
struct Pair {
    std::string text, argument;
};
std::optional<Pair> pair_of(Evaluator& evaluator, const Node& call, const Collection& input, const Frame& frame) {
    auto text = evaluator.string_input(input, call.name);
    if (evaluator.failed()) return std::nullopt;
    auto argument = evaluator.string_argument(call, 0, frame);
    if (!text || !argument || !evaluator.spend(1 + text->size() / 64)) return std::nullopt;
    return Pair{std::move(*text), std::move(*argument)};
}

Collection limited(Evaluator& evaluator, std::string text) {
    if (text.size() > longest_string) return evaluator.fail("a string grew beyond a megabyte");
    return one(make(std::move(text)));
}

std::int64_t code_points_before(std::string_view text, std::size_t byte) {
    return static_cast<std::int64_t>(length(text.substr(0, byte)));
}

Collection run_index_of(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto pair = pair_of(evaluator, call, input, frame);
    if (!pair) return {};
    const std::size_t at = pair->text.find(pair->argument);
    return one(make(at == std::string::npos ? std::int64_t{-1} : code_points_before(pair->text, at)));
}

Collection run_last_index_of(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto pair = pair_of(evaluator, call, input, frame);
    if (!pair) return {};
    if (pair->argument.empty()) return one(make(std::int64_t{0}));
    const std::size_t at = pair->text.rfind(pair->argument);
    return one(make(at == std::string::npos ? std::int64_t{-1} : code_points_before(pair->text, at)));
}

Collection run_substring(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto text = evaluator.string_input(input, call.name);
    if (evaluator.failed()) return {};
    const auto start = evaluator.integer_argument(call, 0, frame);
    const auto count = evaluator.integer_argument(call, 1, frame);
    if (!text || !start || evaluator.failed()) return {};
    if (*start < 0 || static_cast<std::uint64_t>(*start) >= length(*text)) return {};
    const std::size_t from = byte_of(*text, static_cast<std::size_t>(*start));
    const std::string_view rest = std::string_view(*text).substr(from);
    if (!count) return one(make(rest));
    if (*count <= 0) return one(make(""));
    return one(make(rest.substr(0, byte_of(rest, static_cast<std::size_t>(*count)))));
}

Collection run_starts_with(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto pair = pair_of(evaluator, call, input, frame);
    return pair ? one(make(pair->text.starts_with(pair->argument))) : Collection();
}
Collection run_ends_with(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto pair = pair_of(evaluator, call, input, frame);
    return pair ? one(make(pair->text.ends_with(pair->argument))) : Collection();
}
Collection run_contains(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto pair = pair_of(evaluator, call, input, frame);
    return pair ? one(make(pair->text.find(pair->argument) != std::string::npos)) : Collection();
}

Collection run_upper(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const auto text = evaluator.string_input(input, call.name);
    return text ? one(make(upper(*text))) : Collection();
}
Collection run_lower(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const auto text = evaluator.string_input(input, call.name);
    return text ? one(make(lower(*text))) : Collection();
}
Collection run_length(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const auto text = evaluator.string_input(input, call.name);
    return text ? one(make(static_cast<std::int64_t>(length(*text)))) : Collection();
}
Collection run_trim(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const auto text = evaluator.string_input(input, call.name);
    return text ? one(make(trimmed(*text))) : Collection();
}

Collection run_to_chars(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const auto text = evaluator.string_input(input, call.name);
    Collection out;
    if (!text || !evaluator.fits(length(*text))) return {};
    for (std::string_view rest = *text; !rest.empty();) {
        const std::size_t size = byte_of(rest, 1);
        out.push_back(make(rest.substr(0, size)));
        rest.remove_prefix(size);
    }
    return out;
}

/// Every occurrence replaced; an empty pattern stands between all characters.
std::string replaced(std::string_view text, std::string_view pattern, std::string_view substitution) {
    std::string out;
    if (pattern.empty()) {
        out = substitution;
        while (!text.empty() && out.size() <= longest_string) {
            const std::size_t size = byte_of(text, 1);
            out.append(text.substr(0, size)).append(substitution);
            text.remove_prefix(size);
        }
        return out;
    }
    for (;;) {
        const std::size_t at = text.find(pattern);
        if (at == std::string_view::npos || out.size() > longest_string) break;
        out.append(text.substr(0, at)).append(substitution);
        text.remove_prefix(at + pattern.size());
    }
    return out.append(text);
}

Collection run_replace(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto pair = pair_of(evaluator, call, input, frame);
    if (evaluator.failed()) return {};
    const auto substitution = evaluator.string_argument(call, 1, frame);
    if (!pair || !substitution) return {};
    return limited(evaluator, replaced(pair->text, pair->argument, *substitution));
}

/// The pattern of a call: compiled with the expression when it is a literal, else now.
std::shared_ptr<const Regex> regex_of(Evaluator& evaluator, const Node& call, const std::string& pattern) {
    if (!evaluator.spend(100)) return nullptr;
    if (call.regex) return call.regex;
    std::string error;
    auto regex = Regex::compile(pattern, error);
    if (!regex) evaluator.fail(fmt::format("{}(): {}", call.name, error));
    return regex;
}

Collection matched(Evaluator& evaluator, const Node& call, const Collection& input, const Frame& frame, Regex::Match match) {
    const auto pair = pair_of(evaluator, call, input, frame);
    if (!pair) return {};
    const auto regex = regex_of(evaluator, call, pair->argument);
    if (!regex) return {};
    const auto found = regex->matches(pair->text, match, evaluator.regex_ticks());
    if (!found) return evaluator.fail(fmt::format("{}(): the pattern takes too long on this text", call.name));
    return one(make(*found));
}
Collection run_matches(Evaluator& e, const Node& call, Collection input, const Frame& frame) {
    return matched(e, call, input, frame, Regex::Match::somewhere);
}
Collection run_matches_full(Evaluator& e, const Node& call, Collection input, const Frame& frame) {
    return matched(e, call, input, frame, Regex::Match::whole);
}

Collection run_replace_matches(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto pair = pair_of(evaluator, call, input, frame);
    if (evaluator.failed()) return {};
    const auto substitution = evaluator.string_argument(call, 1, frame);
    if (!pair || !substitution) return {};
    if (pair->argument.empty()) return one(make(pair->text));  // an empty pattern asks for nothing
    const auto regex = regex_of(evaluator, call, pair->argument);
    if (!regex) return {};
    auto result = regex->replaced(pair->text, *substitution, evaluator.regex_ticks());
    if (!result)
        return evaluator.fail("replaceMatches(): the pattern takes too long on this text, or the substitution names no group");
    return limited(evaluator, std::move(*result));
}

Collection run_split(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto pair = pair_of(evaluator, call, input, frame);
    if (!pair) return {};
    Collection out;
    std::string_view rest = pair->text;
    if (pair->argument.empty()) return one(make(rest));
    for (;;) {
        const std::size_t at = rest.find(pair->argument);
        out.push_back(make(rest.substr(0, at)));
        if (at == std::string_view::npos || !evaluator.fits(out.size())) return out;
        rest.remove_prefix(at + pair->argument.size());
    }
}

Collection run_join(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto separator = evaluator.string_argument(call, 0, frame);
    if (evaluator.failed() || (input.empty() && !evaluator.environment().empty_join_is_text)) return {};
    std::string out;
    bool first = true;
    for (const Item& item : input) {
        if (is_valueless(item)) continue;
        const Plain value = plain(item);
        if (!value.is(Item::Kind::string))
            return evaluator.fail(fmt::format("join() works on strings, not {}", item.type_name()));
        if (!first && separator) out += *separator;
        first = false;
        out += value.text;
        if (out.size() > longest_string) break;
    }
    return limited(evaluator, std::move(out));
}

constexpr Function table[] = {
    {"indexOf", 1, 1, run_index_of},
    {"lastIndexOf", 1, 1, run_last_index_of},
    {"substring", 1, 2, run_substring},
    {"startsWith", 1, 1, run_starts_with},
    {"endsWith", 1, 1, run_ends_with},
    {"contains", 1, 1, run_contains},
    {"upper", 0, 0, run_upper},
    {"lower", 0, 0, run_lower},
    {"length", 0, 0, run_length},
    {"trim", 0, 0, run_trim},
    {"toChars", 0, 0, run_to_chars},
    {"replace", 2, 2, run_replace},
    {"matches", 1, 1, run_matches},
    {"matchesFull", 1, 1, run_matches_full},
    {"replaceMatches", 2, 2, run_replace_matches},
    {"split", 1, 1, run_split},
    {"join", 0, 1, run_join},
};

}  // namespace

std::span<const Function> string_functions() { return table; }

}  // namespace xinglin::fhirpath
