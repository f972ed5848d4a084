// SPDX-License-Identifier: Apache-2.0
// What the text of a reference names.
#pragma once

#include <string_view>

namespace xinglin::search {

struct Named {
    std::string_view type, id;  // of a relative reference, version cut off
    std::string_view url;       // otherwise: as written, version and history cut off
    bool contained = false;     // "#x": `id` is x
};
Named named_by(std::string_view reference);

/// "http://other/fhir/Patient/1" → "Patient"; "" when the URL does not end like a FHIR address.
std::string_view type_in_url(std::string_view url);

}  // namespace xinglin::search
