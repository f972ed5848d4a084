// SPDX-License-Identifier: Apache-2.0
// Finds functions by name.
#include "fhirpath/functions.h"

#include <unordered_map>

namespace xinglin::fhirpath {

const Function* find_function(std::string_view name) {
    static const auto table = [] {
        std::unordered_map<std::string_view, const Function*> by_name;
        for (const auto group :
             {existence_functions(), collection_functions(), conversion_functions(), string_functions(), encoding_functions(),
              math_functions(), time_functions(), utility_functions(), fhir_functions()}) {
            for (const Function& function : group) by_name.emplace(function.name, &function);
        }
        return by_name;
    }();
    const auto found = table.find(name);
    return found == table.end() ? nullptr : found->second;
}

}  // namespace xinglin::fhirpath
