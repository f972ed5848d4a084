// SPDX-License-Identifier: Apache-2.0
// Any JSON may be validated and written as XML; what is valid comes back from XML the same.
#include <cstdlib>

#include "fhir/fhir.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    json::Arena arena;
    const auto parsed = json::parse({reinterpret_cast<const char*>(data), size}, arena);
    if (!parsed.ok()) return 0;
    const bool valid = fhir::validate(*parsed).ok();
    const std::string xml = fhir::to_xml(*parsed);
    const auto back = fhir::from_xml(xml, arena);
    // XML may be 95 elements deep.
    if (!back.ok() && valid && back.outcome().line().find("too deeply") == std::string::npos) std::abort();
    // A carriage return in a narrative is the end of a line, and XML has one kind of these.
    const bool has_returns = json::write(*parsed).find("\\r") != std::string::npos;
    if (back.ok() && valid && !has_returns && !json::same_content(*parsed, *back)) std::abort();
    return 0;
}
