// SPDX-License-Identifier: Apache-2.0
// `xinglin fhirpath`: evaluates expressions on a resource, or runs a test file.
#pragma once

#include <ostream>
#include <span>
#include <string>

#include "fhirpath/fhirpath.h"

namespace xinglin::fhirpath {

/// `arguments` come after the word "fhirpath". Returns the exit status: 0 done, 1 refused (a bad resource, failing
/// tests), 2 usage, 3 a file that can't be read. An expression that fails is an answer, not a refusal. `around`: whom
/// memberOf(), subsumes(), conformsTo() and slice() ask.
int fhirpath_command(std::span<const std::string> arguments, std::ostream& out, std::ostream& err,
                     const Environment& around = {});

}  // namespace xinglin::fhirpath
