// SPDX-License-Identifier: Apache-2.0
// Conditions on tokens, strings and uris: which terms they mean, and who has them.
#include <algorithm>
#include <bit>

#include "record/block.h"
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
    "SELECT term, norm FROM record_term WHERE space = ? AND norm >= ? AND norm < ? "
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

// Terms of one alternative; those of all alternatives make one union.
Result<std::vector<std::int64_t>> Finder::terms_of(const Criterion& criterion, const Operand& operand, bool& exact) {
    std::vector<std::int64_t> found;
    const auto gather = [&](const std::vector<std::int64_t>& more) { found.insert(found.end(), more.begin(), more.end()); };
    const Parameter& parameter = *criterion.parameter;
    for (const Parameter* each : with_included(parameter)) {
        const std::int64_t pid = context_.numbers.pid(*each);
        switch (parameter.type) {
            case ParamType::token:
                if (criterion.modifier == Modifier::text) {
                    exact = false;
                    gather(text_terms(space(pid, Space::value), criterion, operand));
                } else if (operand.codes) {
                    gather(coded_terms(space(pid, Space::value), *operand.codes));
                } else {
                    if (criterion.modifier == Modifier::of_type) exact = false;
                    gather(token_terms(space(pid, Space::value), operand));
                }
                break;
            case ParamType::string: gather(string_terms(space(pid, Space::value), criterion.modifier, operand)); break;
            case ParamType::uri: gather(uri_terms(space(pid, Space::value), criterion.modifier, operand)); break;
            case ParamType::reference:
                if (criterion.modifier == Modifier::identifier) {
                    if (each != &parameter) exact = false;
                    gather(token_terms(space(pid, Space::reference_identifier), operand));
                } else if (criterion.modifier != Modifier::text && !operand.url.empty()) {
                    if (each != &parameter) exact = false;
                    gather(uri_terms(space(pid, Space::url), Modifier::none, operand));
                }
                break;
            default: break;
        }
    }
    return found;
}

namespace {
bool is_ranged(const Parameter& parameter) {
    return parameter.type == ParamType::date || parameter.type == ParamType::number || parameter.type == ParamType::quantity;
}
}  // namespace

Result<CursorPtr> Finder::value(const Criterion& criterion, bool& exact) {
    const Parameter& parameter = *criterion.parameter;
    if (is_ranged(parameter)) return range(parameter, criterion.any, confirming(*parameter.resource, criterion));
    std::vector<CursorPtr> parts;
    std::vector<std::int64_t> found;
    for (const Operand& operand : criterion.any) {
        if (parameter.type == ParamType::composite) {
            exact = false;
            XINGLIN_TRY(CursorPtr part, composite(parameter, operand));
            parts.push_back(std::move(part));
            continue;
        }
        XINGLIN_TRY(const std::vector<std::int64_t> more, terms_of(criterion, operand, exact));
        found.insert(found.end(), more.begin(), more.end());
        if (parameter.type != ParamType::reference) continue;
        if (criterion.modifier == Modifier::text) {  // displays of references are too many and too alike to index
            exact = false;
            return posting_cursor(context_.connection, -context_.numbers.tid(*parameter.resource));
        }
        if (!operand.target_id.empty() && criterion.modifier != Modifier::identifier)
            parts.push_back(references(parameter, criterion, operand));
    }
    if (!found.empty() || parts.empty()) parts.push_back(terms(std::move(found), confirming(*parameter.resource, criterion)));
    return either_cursor(std::move(parts));
}

Result<CursorPtr> Finder::operand(const Parameter& parameter, const Operand& operand) {
    Criterion criterion;
    criterion.parameter = &parameter;
    if (is_ranged(parameter)) return range(parameter, std::span(&operand, 1), {});
    bool exact = true;
    XINGLIN_TRY(std::vector<std::int64_t> found, terms_of(criterion, operand, exact));
    std::vector<CursorPtr> parts;
    if (parameter.type == ParamType::reference && !operand.target_id.empty())
        parts.push_back(references(parameter, criterion, operand));
    if (!found.empty() || parts.empty()) parts.push_back(terms(std::move(found), {}));
    return either_cursor(std::move(parts));
}

namespace {
constexpr std::size_t few_terms = 24;  // that stand side by side; more are gathered

/// Everybody who has one of many terms.
class Union final : public Source {
public:
    Union(sql::Connection& connection, std::vector<std::int64_t> terms) : connection_(connection), terms_(std::move(terms)) {
        std::sort(terms_.begin(), terms_.end());
        terms_.erase(std::unique(terms_.begin(), terms_.end()), terms_.end());
    }
    bool read(std::size_t rows, std::vector<std::int64_t>& into) override {
        const bool together = connection_.engine() == sql::Engine::postgres;
        for (std::size_t done = 0; at_ < terms_.size() && done < rows && into.size() < Lazy::most_rids; ++at_) {
            if (together) {
                done += read_together(into);
                continue;
            }
            const std::size_t before = into.size();
            const CursorPtr cursor = posting_cursor(connection_, terms_[at_]);
            Members members(*cursor);
            for (std::int64_t rid = 0; (rid = members.next()) != no_more;) into.push_back(rid);
            done += into.size() - before + 20;  // finding a term costs as much as reading twenty rows
            touched += cursor->touched;
        }
        return at_ == terms_.size();
    }

private:
    /// Some terms in two statements; at_ is left at the last of them. What they cost, in rows.
    std::size_t read_together(std::vector<std::int64_t>& into) {
        const std::size_t count = std::min<std::size_t>(terms_at_once, terms_.size() - at_), before = into.size();
        const std::span<const std::int64_t> few(terms_.data() + at_, count);
        auto& tails = connection_.walk("SELECT rid FROM record_posting WHERE term = ANY(?::int8[])");
        tails.bind_many(1, few);
        while (tails.step()) into.push_back(tails.integer(0));
        touched += into.size() - before;
        auto& blocks = connection_.walk("SELECT first, bytes FROM record_block WHERE term = ANY(?::int8[])");
        blocks.bind_many(1, few);
        for (std::vector<Word> words; blocks.step(); words.clear(), ++touched) {
            if (!unpack(blocks.integer(0), blocks.text(1), words))
                throw sql::Broken(sql::Broken::Why::corrupt, "a block of record_block is damaged");
            for (const Word& word : words) {
                for (std::uint64_t bits = word.bits; bits != 0; bits &= bits - 1)
                    into.push_back(word.key * 64 + std::countr_zero(bits));
            }
        }
        at_ += count - 1;
        return into.size() - before + 20 * count;
    }
    static constexpr std::size_t terms_at_once = 64;
    sql::Connection& connection_;
    std::vector<std::int64_t> terms_;
    std::size_t at_ = 0;
};
}  // namespace

CursorPtr Finder::terms(std::vector<std::int64_t> found, Lazy::Confirm confirm) {
    if (found.size() > few_terms)
        return std::make_unique<Lazy>(std::make_unique<Union>(context_.connection, std::move(found)), std::move(confirm));
    std::vector<CursorPtr> parts;
    for (const std::int64_t term : found) parts.push_back(posting_cursor(context_.connection, term));
    return parts.empty() ? list_cursor({}) : either_cursor(std::move(parts));
}

// Codes of a value set, which may be ten thousand, and the terms in use, which may be more: two sorted lists, met by leaps.
std::vector<std::int64_t> Finder::coded_terms(std::int64_t space, const search::Codings& codings) {
    using Pair = std::pair<std::string_view, std::string_view>;
    constexpr int most_passed = 16;  // terms that no code asks for, before leaping to the next code
    std::vector<std::int64_t> found;
    auto& query = context_.connection.prepare(
        "SELECT norm, extra, term FROM record_term WHERE space = ? AND (norm, extra) >= (?, ?) "
        "/*pg AND substr(norm, 1, 480) >= substr(?2, 1, 480)*/ ORDER BY /*pg substr(norm, 1, 480),*/ norm, extra LIMIT 128");
    const auto& codes = codings.by_code;  // (code, system), sorted
    for (std::size_t i = 0; i < codes.size();) {
        query.reset();
        query.bind(1, space).bind(2, codes[i].first).bind(3, codes[i].second);
        bool any = false;
        for (int passed = 0; i < codes.size() && passed < most_passed && query.step();) {
            any = true;
            const Pair term(query.text(0), query.text(1));
            while (i < codes.size() && Pair(codes[i]) < term) ++i;
            const bool asked = i < codes.size() && Pair(codes[i]) == term;
            passed = asked ? 0 : passed + 1;
            if (asked) found.push_back(query.integer(2));
            i += asked;
        }
        if (!any) break;
    }
    query.reset();
    return found;
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
        const std::string end = after_prefix(uri);
        query.bind(1, space).bind(2, uri).bind(3, end);
        while (query.step()) {
            if (search::uri_is_below(query.text(1), uri)) found.push_back(query.integer(0));
        }
    } else if (modifier == Modifier::above) {
        for (std::size_t end = uri.size(); end > 0; --end) {
            if (search::uri_is_below(uri, std::string_view(uri).substr(0, end))) exactly(std::string_view(uri).substr(0, end));
        }
    } else {
        exactly(uri);
    }
    return found;
}

}  // namespace xinglin::record
