// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any StructureDefinition, compiled, then applied to resources of its type and to itself.
#include "profile/profile.h"

namespace {

constexpr std::string_view resources[] = {
    R"({"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"x"}],"extension":[{"url":"urn:e","valueCode":"a"}],"identifier":[{"system":"urn:a","value":"1"},{"system":"urn:b"}],"name":[{"text":"x","_text":{"id":"1"},"given":["a",null],"_given":[null,{"id":"b"}]}],"gender":"male","birthDate":"2020","deceasedBoolean":true,"managingOrganization":{"reference":"#o"}})",
    R"({"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"urn:a","code":"b"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"1-8"}],"text":"x"},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2020-01-01","valueQuantity":{"value":1.5,"system":"http://unitsofmeasure.org","code":"kg"},"component":[{"code":{"text":"a"},"valueString":"b"},{"code":{"text":"b"}}]})",
    R"({"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient"}},{"resource":{"resourceType":"Basic","code":{"text":"x"}}}]})",
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace xinglin;
    json::Arena arena;
    const auto definition = json::parse({reinterpret_cast<const char*>(data), size}, arena, {.depth = 100, .bytes = 1u << 16});
    if (!definition.ok() || !definition->is_object()) return 0;
    profile::Book book;
    if (!book.add(*definition, "fuzz").ok()) return 0;
    (void)book.test(*definition);
    (void)book.cards();
    profile::Ask ask;
    ask.profiles = {std::string((*definition)["url"].string())};
    ask.budget = {.steps = 2'000, .items = 500};
    for (const std::string_view text : resources) {
        const auto resource = json::parse(text, arena);
        (void)book.check(*resource, ask);
    }
    if (fhir::validate(*definition).ok()) (void)book.check(*definition, ask);
    return 0;
}
