// SPDX-License-Identifier: Apache-2.0
// The table of functions: name, how many arguments, what runs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "fhirpath/evaluator.h"

namespace xinglin::fhirpath {

/// `input` is the collection before the dot (or $this); arguments are in `call`, not evaluated yet.
using Handler = Collection (*)(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame);

struct Function {
    std::string_view name;
    std::uint8_t least, most;  // arguments
    Handler run;
    bool takes_type = false;     // its one argument names a type
    bool ordered = false;        // its answer depends on the order of the input
    bool type_may_lack = false;  // f() is right too
};

const Function* find_function(std::string_view name);

std::span<const Function> existence_functions();
std::span<const Function> collection_functions();
std::span<const Function> conversion_functions();
std::span<const Function> string_functions();
std::span<const Function> encoding_functions();
std::span<const Function> math_functions();
std::span<const Function> time_functions();
std::span<const Function> utility_functions();
std::span<const Function> fhir_functions();

}  // namespace xinglin::fhirpath
