// SPDX-License-Identifier: Apache-2.0
// Settings out of an object that a person wrote: a member that is not there leaves the setting as it is, a wrong one is refused by
// its name, with what it must be.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "json/json.h"

namespace xinglin::json {

/// A line of text: without control characters, at most `most` bytes.
Result<Done> take(Value value, std::string_view name, std::string& to, std::size_t most = 400);
Result<Done> take(Value value, std::string_view name, bool& to);
Result<Done> take(Value value, std::string_view name, std::int64_t& to, std::int64_t least, std::int64_t most);
Result<Done> take(Value value, std::string_view name, double& to, double least, double most);
/// Refuses any other, and lists those that may be.
Result<Done> one_of(std::string_view value, std::string_view name, std::initializer_list<std::string_view> allowed);
/// Refuses members of other names, `where` before them ("retry."), as no settings of `what` ("a channel"). Nothing is well.
Result<Done> known_members(Value object, std::string_view where, std::initializer_list<std::string_view> names,
                           std::string_view what);

}  // namespace xinglin::json
