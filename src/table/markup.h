// SPDX-License-Identifier: Apache-2.0
// Inside the room: XML piece by piece, by libxml2's push parser. No DTD, no entity but XML's own five, no network.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::table {

/// What a reader of one part wants to hear. Names are without prefix.
class Hearer {
public:
    struct Attribute {
        std::string_view name, value;
    };
    virtual ~Hearer() = default;
    virtual void begin(std::string_view element, const std::vector<Attribute>& attributes) = 0;
    virtual void end(std::string_view element) = 0;
    virtual void text(std::string_view piece) = 0;
};

class Markup {
public:
    /// `name` of the part, for refusals.
    Markup(Hearer& hearer, std::string name);
    ~Markup();
    /// Refuses what is not well-formed, or has a DTD.
    Result<Done> feed(std::string_view piece);
    Result<Done> finish();

    struct State;

private:
    Result<Done> push(std::string_view piece, bool last);
    std::unique_ptr<State> state_;
    std::string name_;
};

}  // namespace xinglin::table
