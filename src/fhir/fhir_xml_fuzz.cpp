// SPDX-License-Identifier: Apache-2.0
// Any bytes may be read as XML; what is read as a valid resource is written and read the same.
#include <cstdlib>

#include "fhir/fhir.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    json::Arena arena;
    const auto read = fhir::from_xml({reinterpret_cast<const char*>(data), size}, arena);
    if (!read.ok()) return 0;
    const bool valid = fhir::validate(*read).ok();
    const auto again = fhir::from_xml(fhir::to_xml(*read), arena);
    if (valid && (!again.ok() || !json::same_content(*read, *again))) std::abort();
    return 0;
}
