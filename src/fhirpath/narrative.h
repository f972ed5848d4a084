// SPDX-License-Identifier: Apache-2.0
// What FHIR allows in the text of a narrative.
#pragma once

#include <string_view>

namespace xinglin::fhirpath {

/// True for a <div> in the XHTML namespace with only the elements and attributes FHIR allows and something to read.
/// Source: FHIR R4 narrative.html (rules txt-1 and txt-2).
bool is_narrative(std::string_view xhtml);

}  // namespace xinglin::fhirpath
