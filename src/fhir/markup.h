// SPDX-License-Identifier: Apache-2.0
// Inside the room: is a text one well-formed XML element, and where does it end?
//
// pugixml forgives much (unknown entities, repeated attributes, a dropped DOCTYPE), so whatever comes from outside passes
// this scan first. It allocates nothing but a stack of open names.
#pragma once

#include <cstddef>
#include <string_view>

namespace xinglin::fhir {

struct Markup {
    std::size_t size = 0;    // bytes of the element, from '<' to its last '>'
    std::string_view fault;  // empty when well-formed; else what is wrong, as the end of a sentence
    bool ok() const { return fault.empty(); }
};

/// Scans the element that `text` starts with.
Markup scan_element(std::string_view text, std::size_t depth_limit = 200);

/// Scans a whole document: optional declaration and comments, one element, nothing more. `size` is then the offset of the
/// root element. A DOCTYPE is refused.
Markup scan_document(std::string_view text, std::size_t depth_limit = 200);

/// Empty when `text` is one <div> in the XHTML namespace, without scripts and forms; else what is wrong.
std::string_view narrative_fault(std::string_view text);

}  // namespace xinglin::fhir
