// SPDX-License-Identifier: Apache-2.0
// A whole document: header, sections with their narrative, and the original beside what was made of it.
#include <fmt/format.h>

#include "cda/work.h"
#include "text/text.h"

namespace xinglin::cda {

namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '&') out += "&amp;";
        else out += c;
    }
    return out;
}

/// What the document is by its template: of several, the one that is known.
void find_kind(Work& work) {
    for (const pugi::xml_node node : children(work.root, "templateId")) {
        const std::string root = attribute(node, "root");
        if (const Template* found = work.tables.find_template(root)) work.kind = found;
        if (work.standard.empty()) work.standard = root;
    }
    if (work.kind) work.standard = work.kind->standard;
    else
        work.note(child(work.root, "templateId"),
                  "is no template of WS/T 483 or WS/T 500; header, narrative and entries were taken as they are",
                  "unknown-template");
}

message::Facts facts_of(const Work& work) {
    message::Facts facts;
    facts.kind = work.standard.empty() ? "CDA" : work.standard;
    facts.version = attribute(work.root, "versionNumber", "value");
    facts.control_id = attribute(work.root, "id", "extension");
    if (!facts.version.empty()) facts.control_id += "^" + facts.version;
    facts.facility = text(child(work.root, "custodian/assignedCustodian/representedCustodianOrganization/name"));
    facts.application = attribute(work.root, "custodian/assignedCustodian/representedCustodianOrganization/id", "extension");
    facts.sent_at = date_time(attribute(work.root, "effectiveTime", "value"), work.sender.offset_minutes);
    return facts;
}

/// The narrative of a section; when it has none, what its entries say in words.
std::string narrative(pugi::xml_node section) {
    std::string words = text(child(section, "text"));
    if (!words.empty()) return words;
    struct Walk : pugi::xml_tree_walker {
        std::string words;
        bool for_each(pugi::xml_node& at) override {
            if (at.type() != pugi::node_element || local(at) != "value" || words.size() > 60'000) return true;
            std::string value = attribute(at, "displayName");
            if (value.empty()) value = text(at);
            if (value.empty()) value = attribute(at, "value") + attribute(at, "unit");
            const std::string name = attribute(child(at.parent(), "code"), "displayName");
            if (!value.empty()) words += (words.empty() ? "" : "；") + (name.empty() ? value : name + "：" + value);
            return true;
        }
    } walk;
    section.traverse(walk);
    return walk.words;
}

json::Value section_of(Work& work, pugi::xml_node section, std::vector<std::string>& all, int depth = 0) {
    std::vector<std::string> made;
    read_section(work, section, made);
    const std::string code = attribute(section, "code", "code");
    const Section* known = work.tables.section(code);
    std::string title = text(child(section, "title"));
    if (title.empty() && known) title = known->title;
    if (title.empty()) title = attribute(section, "code", "displayName");
    std::vector<json::Value> entries, parts;
    for (const std::string& one : made) entries.push_back(work.reference(one));
    for (const pugi::xml_node component : children(section, "component"))
        if (const pugi::xml_node below = child(component, "section"); below && depth < 10)
            if (const json::Value part = section_of(work, below, all, depth + 1)) parts.push_back(part);
    all.insert(all.end(), made.begin(), made.end());
    const std::string words = narrative(section);
    if (words.empty() && entries.empty() && parts.empty()) return {};
    json::Value narrated;
    if (!words.empty())
        narrated = work.arena.object(
            {{"status", work.arena.string("additional")},
             {"div", work.arena.string("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>" + escaped(words) + "</p></div>")}});
    return work.arena.object({{"title", work.text(title)},
                              {"code", code.empty() ? json::Value()
                                                    : work.coded(Tables::system(attribute(section, "code", "codeSystem")), code,
                                                                 attribute(section, "code", "displayName"), title)},
                              {"text", narrated},
                              {"entry", entries.empty() ? json::Value() : work.arena.array(entries)},
                              {"section", parts.empty() ? json::Value() : work.arena.array(parts)}});
}

json::Value type_of(Work& work) {
    const pugi::xml_node code = child(work.root, "code");
    const std::string title = text(child(work.root, "title"));
    const std::string own = attribute(code, "code");
    if (own.empty()) return work.concept_text(title.empty() ? work.standard : title);
    return work.coded(Tables::system(attribute(code, "codeSystem")), own,
                      work.kind ? work.kind->title : attribute(code, "displayName"), title);
}

std::string_view confidentiality(std::string_view code) {
    for (const std::string_view known : {"N", "R", "V", "U", "L", "M"})
        if (code == known) return known;
    return "";
}

json::Value identifier_of(Work& work, std::string_view path) {
    const std::string root = attribute(work.root, path, "root"), extension = attribute(work.root, path, "extension");
    if (extension.empty() && root.empty()) return {};
    return work.arena.object({{"system", work.text(root.empty() ? "" : "urn:oid:" + root)}, {"value", work.text(extension)}});
}

void put_document(Work& work, std::string_view bytes, const std::vector<json::Value>& sections) {
    const std::string title = text(child(work.root, "title"));
    const std::string shown = title.empty() ? (work.kind ? work.kind->title : "共享文档") : title;
    const json::Value type = type_of(work), author = work.list(work.reference(work.author)),
                      encounter = work.list(work.reference(work.encounter));
    const std::string_view secrecy = confidentiality(attribute(work.root, "confidentialityCode", "code"));
    const json::Value replaced = identifier_of(work, "relatedDocument/parentDocument/id");
    const json::Value replaces =
        replaced
            ? work.arena.array({work.arena.object({{"code", work.arena.string("replaces")}, {"targetIdentifier", replaced}})})
            : json::Value();
    work.put("Composition", "document^" + work.key,
             {{"identifier", identifier_of(work, "id")},
              {"status", work.arena.string("final")},
              {"type", type},
              {"subject", work.reference(work.patient)},
              {"encounter", work.reference(work.encounter)},
              {"date", work.text(work.at)},
              {"author", author},
              {"title", work.arena.string(shown)},
              {"confidentiality", work.text(secrecy)},
              {"custodian", work.organization.empty() ? json::Value() : work.reference(work.organization)},
              {"relatesTo", replaces},
              {"section", sections.empty() ? json::Value() : work.arena.array(sections)}});
    const std::string original =
        work.put("Binary", "document^" + work.key,
                 {{"contentType", work.arena.string("text/xml")}, {"data", work.arena.string(text::base64(bytes))}});
    const json::Value attachment = work.arena.object({{"contentType", work.arena.string("text/xml")},
                                                      {"language", work.arena.string("zh-CN")},
                                                      {"url", work.arena.string(original)},
                                                      {"size", work.arena.number(static_cast<std::int64_t>(bytes.size()))},
                                                      {"title", work.arena.string(shown)},
                                                      {"creation", work.text(work.at)}});
    const json::Value content = work.arena.object(
        {{"attachment", attachment},
         {"format", work.coding("urn:xinglin:codesystem:document-format", work.standard.empty() ? "CDA" : work.standard, "")}});
    const json::Value context = encounter ? work.arena.object({{"encounter", encounter}}) : json::Value();
    const json::Value label =
        secrecy.empty() ? json::Value()
                        : work.list(work.coded("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", secrecy, ""));
    // relatesTo of a DocumentReference needs a target of ours; the Composition names the replaced document by its number.
    work.put("DocumentReference", "document^" + work.key,
             {{"masterIdentifier", identifier_of(work, "id")},
              {"status", work.arena.string("current")},
              {"docStatus", work.arena.string("final")},
              {"type", type},
              {"subject", work.reference(work.patient)},
              {"date", work.at.size() >= 20 ? work.arena.string(work.at) : json::Value()},
              {"author", author},
              {"custodian", work.organization.starts_with("Organization/") ? work.reference(work.organization) : json::Value()},
              {"description", work.arena.string(shown)},
              {"securityLabel", label},
              {"content", work.arena.array({content})},
              {"context", context}});
}

}  // namespace

Result<message::Converted> convert(std::string_view bytes, const message::Sender& sender, const Knowledge& knowledge,
                                   const Limits& limits) {
    pugi::xml_document document;
    XINGLIN_TRY(const pugi::xml_node root, parse(bytes, limits, document));
    message::Converted converted;
    json::Arena arena;
    message::Draft nothing(arena, sender, converted.facts);
    Work first{.sender = sender,
               .tables = knowledge.tables(),
               .arena = arena,
               .draft = nothing,
               .notes = converted.notes,
               .lesser = converted.lesser,
               .root = root};
    find_kind(first);
    converted.facts = facts_of(first);
    if (converted.facts.control_id.empty() && attribute(root, "id", "root").empty())
        return refuse(IssueCode::required, "/ClinicalDocument/id", "is missing, every document has its number");
    message::Draft draft(arena, sender, converted.facts);
    Work work{.sender = sender,
              .tables = knowledge.tables(),
              .arena = arena,
              .draft = draft,
              .notes = converted.notes,
              .lesser = converted.lesser,
              .root = root,
              .kind = first.kind,
              .standard = first.standard};
    // A corrected document of the same set takes the place of the one before.
    const std::string set = attribute(root, "setId", "extension");
    work.key = set.empty() ? attribute(root, "id", "root") + "^" + attribute(root, "id", "extension")
                           : "set^" + attribute(root, "setId", "root") + "^" + set;
    work.at = converted.facts.sent_at;
    if (work.at.empty()) work.at = work.time(child(root, "author/time"));
    if (work.at.empty())
        return refuse(IssueCode::required, "/ClinicalDocument/effectiveTime",
                      "is missing or no time, write it as 20261122081500");
    XINGLIN_CHECK(read_header(work));
    std::vector<json::Value> sections;
    std::vector<std::string> made;
    std::vector<pugi::xml_node> bodies = children(child(root, "component/structuredBody"), "component");
    for (const pugi::xml_node component : children(root, "component"))  // some writers leave structuredBody out
        if (child(component, "section")) bodies.push_back(component);
    for (const pugi::xml_node component : bodies) {
        const pugi::xml_node section = child(component, "section");
        if (!section) continue;
        if (const json::Value one = section_of(work, section, made)) sections.push_back(one);
    }
    if (const std::string words = text(child(root, "component/nonXMLBody/text")); !words.empty() && sections.empty())
        work.note(child(root, "component/nonXMLBody"), "is no structured body; the original is kept, nothing was taken from it",
                  "unstructured");
    put_encounter(work);
    put_document(work, bytes, sections);
    converted.facts.patient = work.patient.substr(work.patient.find('/') + 1);
    converted.bundle = draft.bundle();
    return converted;
}

Result<message::Facts> glance(std::string_view bytes, const Knowledge& knowledge, const Limits& limits) {
    pugi::xml_document document;
    XINGLIN_TRY(const pugi::xml_node root, parse(bytes, limits, document));
    json::Arena arena;
    const message::Sender sender;
    std::vector<message::Note> notes;
    std::vector<std::string> lesser;
    message::Draft draft(arena, sender, {});
    Work work{.sender = sender,
              .tables = knowledge.tables(),
              .arena = arena,
              .draft = draft,
              .notes = notes,
              .lesser = lesser,
              .root = root};
    find_kind(work);
    return facts_of(work);
}

}  // namespace xinglin::cda
