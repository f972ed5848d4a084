// SPDX-License-Identifier: Apache-2.0
// TerminologyCapabilities: which code systems there are, and what may be asked of them.
#include "api/operation.h"
#include "terminology/terminology.h"

namespace xinglin::api {

namespace {

json::Value code_system(json::Arena& arena, const terminology::SystemRow& row) {
    std::vector<json::Value> versions, languages;
    for (const std::string& language : row.languages) languages.push_back(arena.string(language));
    for (const std::string& version : row.versions) {
        versions.push_back(arena.object({{"code", arena.string(version)},
                                         {"isDefault", arena.boolean(version == row.version)},
                                         {"compositional", arena.boolean(false)},
                                         {"language", languages.empty() ? json::Value() : arena.array(languages)}}));
    }
    return arena.object({{"uri", arena.string(row.url)},
                         {"version", versions.empty() ? json::Value() : arena.array(versions)},
                         {"subsumption", arena.boolean(row.hierarchical)}});
}

constexpr std::pair<std::string_view, std::string_view> parameters[] = {
    {"filter", "Words in Chinese or English, a code, pinyin or its initials"},
    {"date", "The edition in force on that day"},
    {"offset", "Pages of a flat list"},
    {"count", "0: only the total"},
    {"includeDesignations", "All names"},
    {"designation", "Names in a language (urn:ietf:bcp:47|en) or of a use (SYSTEM|CODE)"},
    {"includeDefinition", "The ValueSet itself beside its expansion"},
    {"activeOnly", "Without inactive concepts"},
    {"excludeNested", "Flat"},
    {"excludeNotForUI", "Without abstract concepts"},
    {"excludePostCoordinated", "There are none"},
    {"displayLanguage", "zh-CN, en"},
    {"property", "Properties of the concepts, as R5's contains.property in extensions"},
    {"exclude-system", "SYSTEM or SYSTEM|VERSION to leave out"},
    {"system-version", "Where the value set names no version"},
    {"force-system-version", "Whatever version the value set names"},
    {"check-system-version", "Refused when the value set uses another version"}};

}  // namespace

Answer answer_terminology_capabilities(Exchange& exchange) {
    const Options& options = exchange.house.options;
    if (!options.terminology) return refuse(IssueCode::not_supported, "mode", "terminology is not part of this server");
    json::Arena arena;
    std::vector<json::Value> systems, known;
    for (const auto& row : options.terminology->systems()) systems.push_back(code_system(arena, row));
    for (const auto& [name, words] : parameters)
        known.push_back(arena.object({{"name", arena.string(name)}, {"documentation", arena.string(words)}}));
    const json::Value yes = arena.boolean(true), no = arena.boolean(false);
    const std::string started = calendar::instant_text(options.started_ms);
    const json::Value body = arena.object(
        {{"resourceType", arena.string("TerminologyCapabilities")},
         {"status", arena.string("active")},
         {"date", arena.string(started)},
         {"publisher", arena.string("Xinglin")},
         {"kind", arena.string("instance")},
         {"software", arena.object({{"name", arena.string("Xinglin")}, {"version", arena.string(options.version)}})},
         {"implementation",
          arena.object({{"description", arena.string("Xinglin FHIR R4 terminology")}, {"url", arena.string(exchange.base_url)}})},
         {"lockedDate", no},
         {"codeSystem", systems.empty() ? json::Value() : arena.array(systems)},
         {"expansion",
          arena.object({{"hierarchical", yes},
                        {"paging", yes},
                        {"incomplete", no},
                        {"parameter", arena.array(known)},
                        {"textFilter", arena.string("Every word must be found: in a name in Chinese or English, in the code, in "
                                                    "the pinyin from any syllable on, or in its initials")}})},
         {"codeSearch", arena.string("all")},
         {"validateCode", arena.object({{"translations", yes}})},
         {"translation", arena.object({{"needsMap", no}})},
         {"closure", arena.object({{"translation", no}})}});
    return resource_answer(exchange, 200, json::write(body));
}

}  // namespace xinglin::api
