// SPDX-License-Identifier: Apache-2.0
// Regular expressions that cannot run away: ICU's, with a limit on time and on backtracking memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace xinglin::fhirpath {

class Regex {
public:
    /// nullptr when the pattern is not one; `error` says why. '.' matches line ends too ("single line" mode).
    static std::shared_ptr<const Regex> compile(std::string_view pattern, std::string& error);
    ~Regex();

    /// How long matching may go on, in ticks of ten thousand steps of the match engine; used up by every call.
    static constexpr std::int32_t evaluation_ticks = 5000;
    enum class Match { somewhere, whole };
    /// Nothing when it took too long. Safe from many threads at once.
    std::optional<bool> matches(std::string_view text, Match match, std::int32_t& ticks) const;
    /// Every match replaced; $1 and ${name} stand for groups. Nothing when it took too long or names an unknown group.
    std::optional<std::string> replaced(std::string_view text, std::string_view substitution, std::int32_t& ticks) const;

private:
    struct Pattern;
    std::unique_ptr<Pattern> pattern_;
    explicit Regex(std::unique_ptr<Pattern> pattern);
};

}  // namespace xinglin::fhirpath
