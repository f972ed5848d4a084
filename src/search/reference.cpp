// SPDX-License-Identifier: Apache-2.0
// Takes references apart: relative, absolute, canonical, urn, contained.
#include "search/reference.h"

#include "fhir/fhir.h"

namespace xinglin::search {

Named named_by(std::string_view reference) {
    if (reference.starts_with('#')) return {.type = {}, .id = reference.substr(1), .url = {}, .contained = true};
    reference = reference.substr(0, reference.find('|'));
    reference = reference.substr(0, reference.find("/_history/"));
    const std::size_t slash = reference.find('/');
    const bool relative = slash != std::string_view::npos && slash > 0 && slash + 1 < reference.size() && reference[0] >= 'A' &&
                          reference[0] <= 'Z' && reference.find('/', slash + 1) == std::string_view::npos &&
                          reference.find(':') == std::string_view::npos;
    if (!relative) return {.type = {}, .id = {}, .url = reference};
    return {.type = reference.substr(0, slash), .id = reference.substr(slash + 1), .url = {}};
}

std::string_view type_in_url(std::string_view url) {
    const std::size_t last = url.rfind('/');
    if (last == std::string_view::npos || last == 0 || last + 1 == url.size()) return {};
    const std::string_view rest = url.substr(0, last);
    const std::size_t before = rest.rfind('/');
    if (before == std::string_view::npos) return {};
    const std::string_view type = rest.substr(before + 1);
    return fhir::find_resource(type) ? type : std::string_view();
}

}  // namespace xinglin::search
