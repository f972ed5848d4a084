// SPDX-License-Identifier: Apache-2.0
// The FHIRPath of search parameters, as far as R4 uses it: alternatives of steps, simple enough to walk all at once.
//
// Not a FHIRPath engine (that is the room fhirpath): unions of paths with `as`, `ofType`, `where(x = 'y')`,
// `where(resolve() is T)`, `where(hasExtension('u'))`, `extension('u')`, `[0]`, and Patient.deceased's test.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xinglin::search {

struct Step {
    enum class Kind : std::uint8_t {
        child,                // .name
        of_type,              // as name, ofType(name)
        where_equals,         // where(name = 'value')
        where_target,         // where(resolve() is name)
        where_extension,      // where(hasExtension('value'))
        extension,            // extension('value')
        first,                // [0]
        exists_and_not_false  // x.exists() and x != false; name is x
    };
    Kind kind;
    std::string name;
    std::string value;
    bool operator==(const Step&) const = default;
};

struct Path {
    bool from_resource = false;  // begins at the resource: "Patient.name", "%resource.x"; not "code"
    std::vector<Step> steps;
    bool operator==(const Path&) const = default;
};

/// The alternatives of an expression; nothing when it says more than we can walk.
std::optional<std::vector<Path>> parse_paths(std::string_view expression);

}  // namespace xinglin::search
