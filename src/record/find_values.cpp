// SPDX-License-Identifier: Apache-2.0
// Conditions on tokens, strings and uris: which terms they mean, and who has them.
#include <algorithm>

#include "record/find.h"
#include "text/text.h"

namespace xinglin::record {

using search::Criterion;
using search::Modifier;
using search::Operand;
using search::Parameter;
using search::ParamType;

namespace {
constexpr std::string_view term_range =
    "SELECT term FROM record_term WHERE space = ? AND norm >= ? AND norm < ? "
    "/*pg AND substr(norm, 1, 480) BETWEEN substr(?2, 1, 480) AND substr(?3, 1, 480)*/";
}

std::vector<const Parameter*> Finder::with_included(const Parameter& parameter) const {
    std::vector<const Parameter*> found{&parameter};
    for (std::size_t i = 0; i < found.size(); ++i) {
        for (const Parameter* included : found[i]->includes) {
            if (std::find(found.begin(), found.end(), included) == found.end()) found.push_back(included);
        }
    }
    return found;
}

Result<CursorPtr> Finder::value(const fhir::Type&, const Criterion& criterion, bool& exact) {
    std::vector<CursorPtr> parts;
    for (const Operand& each : criterion.any) {
        XINGLIN_TRY(CursorPtr part, operand(*criterion.parameter, criterion, each, exact));
        parts.push_back(std::move(part));
    }
    if (parts.empty()) return list_cursor({});
    // Many alternatives are gathered once rather than asked at every step.
    if (parts.size() > 16) {
        std::vector<std::int64_t> all;
        for (CursorPtr& part : parts) {
            for (const std::int64_t rid : collect(*part, most_gathered)) all.push_back(rid);
            if (all.size() >= most_gathered)
                return refuse(IssueCode::too_costly, criterion.written, "matches too many resources; add a narrower condition");
        }
        return list_cursor(std::move(all));
    }
    return either_cursor(std::move(parts));
}

Result<CursorPtr> Finder::operand(const Parameter& parameter, const Criterion& criterion, const Operand& operand, bool& exact) {
    if (parameter.type == ParamType::composite) {
        exact = false;
        return composite(parameter, operand);
    }
    std::vector<std::int64_t> found;
    const auto gather = [&](const std::vector<std::int64_t>& more) { found.insert(found.end(), more.begin(), more.end()); };
    std::vector<CursorPtr> parts;
    for (const Parameter* each : with_included(parameter)) {
        const std::int64_t pid = context_.numbers.pid(*each);
        switch (parameter.type) {
            case ParamType::token:
                if (criterion.modifier == Modifier::text) {
                    exact = false;
                    gather(text_terms(space(pid, Space::value), criterion, operand));
                } else {
                    gather(token_terms(space(pid, Space::value), operand));
                }
                break;
            case ParamType::string: gather(string_terms(space(pid, Space::value), criterion.modifier, operand)); break;
            case ParamType::uri:
                if (criterion.modifier != Modifier::none && criterion.modifier != Modifier::negated) exact = false;
                gather(uri_terms(space(pid, Space::value), criterion.modifier, operand));
                break;
            case ParamType::date: parts.push_back(dates(*each, operand)); break;
            case ParamType::number: parts.push_back(numbers(*each, operand)); break;
            case ParamType::quantity: parts.push_back(quantities(*each, operand)); break;
            case ParamType::reference:
                if (criterion.modifier == Modifier::text) {  // displays of references are too many and too alike to index
                    exact = false;
                    parts.push_back(posting_cursor(context_.connection, -context_.numbers.tid(*parameter.resource)));
                } else if (criterion.modifier == Modifier::identifier) {
                    if (each != &parameter) exact = false;
                    gather(token_terms(space(pid, Space::reference_identifier), operand));
                } else if (!operand.url.empty()) {
                    if (each != &parameter) exact = false;
                    gather(uri_terms(space(pid, Space::url), criterion.modifier, operand));
                }
                break;
            default: break;
        }
    }
    if (parameter.type == ParamType::reference && !operand.target_id.empty() && criterion.modifier != Modifier::identifier &&
        criterion.modifier != Modifier::text)
        parts.push_back(references(parameter, criterion, operand));
    if (!found.empty() || parts.empty()) parts.push_back(terms(found));
    return either_cursor(std::move(parts));
}

CursorPtr Finder::terms(const std::vector<std::int64_t>& found) {
    if (found.size() <= 16) {
        std::vector<CursorPtr> parts;
        for (const std::int64_t term : found) parts.push_back(posting_cursor(context_.connection, term));
        return parts.empty() ? list_cursor({}) : either_cursor(std::move(parts));
    }
    std::vector<std::int64_t> rids;
    auto& query = context_.connection.prepare("SELECT rid FROM record_posting WHERE term = ?");
    for (const std::int64_t term : found) {
        query.bind(1, term);
        while (query.step()) rids.push_back(query.integer(0));
        query.reset();
    }
    return list_cursor(std::move(rids));
}

std::vector<std::int64_t> Finder::token_terms(std::int64_t space, const Operand& operand) {
    std::vector<std::int64_t> found;
    const auto gather = [&](sql::Statement& query) {
        while (query.step()) found.push_back(query.integer(0));
    };
    if (!operand.has_system) {
        gather(context_.connection
                   .prepare("SELECT term FROM record_term WHERE space = ? AND norm = ? /*pg AND substr(norm, 1, 480) = "
                            "substr(?2, 1, 480)*/")
                   .bind(1, space)
                   .bind(2, operand.code));
    } else if (!operand.code.empty()) {
        gather(context_.connection.prepare(same_term).bind(1, space).bind(2, operand.code).bind(3, operand.system));
    } else {
        gather(context_.connection.prepare("SELECT term FROM record_term WHERE space = ? AND extra = ?")
                   .bind(1, space)
                   .bind(2, operand.system));
    }
    return found;
}

std::vector<std::int64_t> Finder::text_terms(std::int64_t space, const Criterion& criterion, const Operand& operand) {
    std::vector<std::int64_t> found;
    auto& query = context_.connection.walk("SELECT text, term FROM record_term_text WHERE space = ?");
    query.bind(1, space);
    while (query.step()) {
        if (search::string_matches(criterion.modifier, operand.raw, query.text(0))) found.push_back(query.integer(1));
    }
    return found;
}

namespace {
/// The least text greater than every text with this prefix; "" when there is none.
std::string after_prefix(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
}
}  // namespace

std::vector<std::int64_t> Finder::string_terms(std::int64_t space, Modifier modifier, const Operand& operand) {
    std::vector<std::int64_t> found;
    const std::string norm = text::fold(operand.raw);
    if (modifier == Modifier::contains) {
        auto& query = context_.connection.walk("SELECT term, norm FROM record_term WHERE space = ?");
        query.bind(1, space);
        while (query.step()) {
            if (query.text(1).find(norm) != std::string_view::npos) found.push_back(query.integer(0));
        }
    } else if (modifier == Modifier::exact) {
        auto& query = context_.connection.prepare(same_term);
        query.bind(1, space).bind(2, norm).bind(3, norm == operand.raw ? std::string_view() : std::string_view(operand.raw));
        while (query.step()) found.push_back(query.integer(0));
    } else {
        auto& query = context_.connection.prepare(term_range);
        query.bind(1, space).bind(2, norm);
        // Bytes compare as blobs would; 0xf8 is above all UTF-8.
        const std::string end = norm.empty() ? std::string("\xf8") : after_prefix(norm);
        query.bind(3, end);
        while (query.step()) found.push_back(query.integer(0));
    }
    return found;
}

std::vector<std::int64_t> Finder::uri_terms(std::int64_t space, Modifier modifier, const Operand& operand) {
    std::vector<std::int64_t> found;
    const std::string& uri = operand.url.empty() ? operand.raw : operand.url;
    const auto exactly = [&](std::string_view norm) {
        auto& query = context_.connection.prepare(
            "SELECT term FROM record_term WHERE space = ? AND norm = ? /*pg AND substr(norm, 1, 480) = substr(?2, 1, 480)*/");
        query.bind(1, space).bind(2, norm);
        while (query.step()) found.push_back(query.integer(0));
    };
    if (modifier == Modifier::below) {
        auto& query = context_.connection.prepare(term_range);
        query.bind(1, space).bind(2, uri).bind(3, after_prefix(uri));
        while (query.step()) found.push_back(query.integer(0));
    } else if (modifier == Modifier::above) {
        for (std::size_t end = uri.size(); end > 0; --end) {
            if (end == uri.size() || uri[end] == '/' || uri[end - 1] == '/' || uri[end] == ':')
                exactly(std::string_view(uri).substr(0, end));
        }
    } else {
        exactly(uri);
    }
    return found;
}

}  // namespace xinglin::record
