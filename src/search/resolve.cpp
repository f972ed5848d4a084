// SPDX-License-Identifier: Apache-2.0
// Conditions on codes that only terminology knows: value sets and hierarchies become lists of codes, once per query.
#include <algorithm>

#include "search/search.h"

namespace xinglin::search {

namespace {

bool needs_codes(const Criterion& criterion) {
    const bool coded = criterion.modifier == Modifier::in || criterion.modifier == Modifier::not_in ||
                       criterion.modifier == Modifier::below || criterion.modifier == Modifier::above;
    if (criterion.kind == Criterion::Kind::value && criterion.parameter && criterion.parameter->type == ParamType::token && coded)
        return true;
    return std::any_of(criterion.inner.begin(), criterion.inner.end(), [](const Criterion& inner) { return needs_codes(inner); });
}

std::shared_ptr<const Codings> codings(std::vector<std::pair<std::string, std::string>> by_code) {
    std::sort(by_code.begin(), by_code.end());
    by_code.erase(std::unique(by_code.begin(), by_code.end()), by_code.end());
    return std::make_shared<const Codings>(Codings{std::move(by_code)});
}

class Resolving {
public:
    explicit Resolving(const Terminology& terminology) : terminology_(terminology) {}

    Result<Done> resolve(Criterion& criterion, const std::string& written) {
        for (Criterion& inner : criterion.inner) XINGLIN_CHECK(resolve(inner, written));
        if (!criterion.inner.empty() || !needs_codes(criterion)) return Done{};
        const bool set = criterion.modifier == Modifier::in || criterion.modifier == Modifier::not_in;
        for (Operand& operand : criterion.any) {
            Result<Done> done =
                set ? value_set(operand, written) : hierarchy(operand, criterion.modifier == Modifier::below, written);
            if (!done) return done;
        }
        return Done{};
    }

private:
    static Outcome at(const std::string& written, Outcome outcome) {
        for (Issue& issue : outcome.issues) issue.where = written;
        return outcome;
    }

    Result<Done> value_set(Operand& operand, const std::string& written) {
        if (!terminology_.codes_in)
            return refuse(IssueCode::not_supported, written, "this server knows no value sets; ask for the codes themselves");
        auto found = terminology_.codes_in(operand.raw);
        if (!found) return at(written, std::move(found).outcome());
        std::vector<std::pair<std::string, std::string>> by_code;
        by_code.reserve(found->size());
        for (auto& [system, code] : *found) by_code.emplace_back(std::move(code), std::move(system));
        operand.codes = codings(std::move(by_code));
        return Done{};
    }

    Result<Done> hierarchy(Operand& operand, bool below, const std::string& written) {
        if (!terminology_.codes_below)
            return refuse(IssueCode::not_supported, written, "this server knows no hierarchies; ask for the codes themselves");
        auto found = terminology_.codes_below(operand.system, operand.code, below);
        if (!found) return at(written, std::move(found).outcome());
        std::vector<std::pair<std::string, std::string>> by_code{{operand.code, operand.system}};
        for (std::string& code : *found) by_code.emplace_back(std::move(code), operand.system);
        operand.codes = codings(std::move(by_code));
        return Done{};
    }

    const Terminology& terminology_;
};

}  // namespace

bool Codings::contains(std::string_view system, std::string_view code) const {
    const std::pair<std::string_view, std::string_view> wanted(code, system);
    const auto found = std::lower_bound(by_code.begin(), by_code.end(), wanted, [](const auto& a, const auto& b) {
        return std::pair<std::string_view, std::string_view>(a.first, a.second) < b;
    });
    return found != by_code.end() && found->first == code && found->second == system;
}

bool needs_codes(const Query& query) {
    return std::any_of(query.all.begin(), query.all.end(), [](const Criterion& criterion) { return needs_codes(criterion); });
}

Result<Done> resolve_codes(Query& query, const Terminology& terminology) {
    Resolving resolving(terminology);
    for (Criterion& criterion : query.all) XINGLIN_CHECK(resolving.resolve(criterion, criterion.written));
    return Done{};
}

}  // namespace xinglin::search
