// SPDX-License-Identifier: Apache-2.0
// Inside the room: what an operation is asked, from a query, a form or a Parameters resource alike.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "api/exchange.h"

namespace xinglin::api {

struct AskedCoding {
    std::string_view system, version, code, display;
};

class Asked {
public:
    explicit Asked(json::Arena& arena) : arena_(arena) {}

    /// Refuses parameters not among `known` (unless lenient), and a body that is no Parameters. A resource sent in place of
    /// Parameters counts as the parameter of its type ("valueSet").
    Result<Done> read(const Exchange& exchange, std::initializer_list<std::string_view> known);

    /// The first value of that name: a primitive, a Coding, a resource; nothing when absent.
    json::Value value(std::string_view name) const;
    std::string_view text(std::string_view name) const { return value(name).text(); }
    std::vector<std::string_view> texts(std::string_view name) const;
    bool flag(std::string_view name) const { return text(name) == "true"; }
    Result<std::optional<std::size_t>> number(std::string_view name) const;

    /// `name` as a Coding, or code, system, version and display beside each other.
    Result<AskedCoding> coding(std::string_view name) const;
    /// The codings of `codeableConcept`, or coding(); at least one.
    Result<std::vector<AskedCoding>> codings() const;

private:
    json::Arena& arena_;
    std::vector<std::pair<std::string_view, json::Value>> all_;
};

}  // namespace xinglin::api
