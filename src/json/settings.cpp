// SPDX-License-Identifier: Apache-2.0
// Settings read and refused by name.
#include "json/settings.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

namespace xinglin::json {

Result<Done> take(Value value, std::string_view name, std::string& to, std::size_t most) {
    if (!value) return Done{};
    const std::string_view given = value.string();
    const bool has_control = std::any_of(given.begin(), given.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (!value.is_string() || given.size() > most || has_control)
        return refuse(IssueCode::value, std::string(name), fmt::format("must be a line of text of at most {} bytes", most));
    to = given;
    return Done{};
}

Result<Done> take(Value value, std::string_view name, bool& to) {
    if (!value) return Done{};
    if (!value.is_boolean()) return refuse(IssueCode::value, std::string(name), "must be true or false");
    to = value.as_bool();
    return Done{};
}

Result<Done> take(Value value, std::string_view name, std::int64_t& to, std::int64_t least, std::int64_t most) {
    if (!value) return Done{};
    const std::string_view digits = value.is_number() ? value.text() : "";
    std::int64_t number = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || end.ec != std::errc() || end.ptr != digits.data() + digits.size() || number < least || number > most)
        return refuse(IssueCode::value, std::string(name), fmt::format("must be a whole number from {} to {}", least, most));
    to = number;
    return Done{};
}

Result<Done> take(Value value, std::string_view name, double& to, double least, double most) {
    if (!value) return Done{};
    const std::string digits(value.is_number() ? value.text() : "");
    const double number = digits.empty() ? least - 1 : std::strtod(digits.c_str(), nullptr);
    if (!(number >= least && number <= most))
        return refuse(IssueCode::value, std::string(name), fmt::format("must be a number from {} to {}", least, most));
    to = number;
    return Done{};
}

Result<Done> one_of(std::string_view value, std::string_view name, std::initializer_list<std::string_view> allowed) {
    std::string all;
    for (const std::string_view each : allowed) {
        if (value == each) return Done{};
        all += (all.empty() ? "" : ", ") + std::string(each);
    }
    return refuse(IssueCode::value, std::string(name), "must be one of " + all);
}

Result<Done> known_members(Value object, std::string_view where, std::initializer_list<std::string_view> names,
                           std::string_view what) {
    if (!object) return Done{};
    if (!object.is_object()) {
        const std::string place(where.substr(0, where.find_last_not_of('.') + 1));
        return refuse(IssueCode::structure, place.empty() ? "body" : place, "must be an object");
    }
    for (const Member& member : object.members()) {
        if (std::find(names.begin(), names.end(), member.key()) == names.end())
            return refuse(IssueCode::invalid, std::string(where) + std::string(member.key().substr(0, 60)),
                          fmt::format("is no setting of {}; see docs/operate.md for those there are", what));
    }
    return Done{};
}

}  // namespace xinglin::json
