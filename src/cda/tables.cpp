// SPDX-License-Identifier: Apache-2.0
// Reading content/mappings/cda: plain CSV with a header line, no quoted line breaks.
#include "cda/tables.h"

#include <fmt/format.h>

#include "cda/cda.h"
#include "message/message.h"
#include "text/text.h"

namespace xinglin::cda {

namespace {

std::vector<std::string> cells_of(std::string_view line) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') cells.back() += line[++i];
        else if (c == '"') quoted = !quoted;
        else if (c == ',' && !quoted) cells.emplace_back();
        else if (c != '\r') cells.back() += c;
    }
    return cells;
}

using Take = void (*)(void* to, std::vector<std::string> cells);

Result<Done> read_table(const content::Files& files, std::string_view name, std::string_view header, void* to, Take take) {
    const std::string path = fmt::format("mappings/cda/{}", name);
    const auto text = files.read(path);
    if (!text) return refuse(IssueCode::not_found, path, "is missing, put the table of content back");
    std::size_t number = 0;
    const std::size_t columns = text::split(header, ',').size();
    for (const std::string_view line : text::split(*text, '\n')) {
        ++number;
        if (line.empty() || line == "\r") continue;
        if (number == 1) {
            if (!line.starts_with(header))
                return refuse(IssueCode::invalid, path, fmt::format("must begin with the line {}", header));
            continue;
        }
        auto cells = cells_of(line);
        if (cells.size() != columns)
            return refuse(IssueCode::invalid, fmt::format("{} line {}", path, number),
                          fmt::format("has {} cells, {} are wanted", cells.size(), columns));
        take(to, std::move(cells));
    }
    return Done{};
}

}  // namespace

Result<Tables> Tables::read(const content::Files& files) {
    Tables tables;
    XINGLIN_CHECK(read_table(files, "documents.csv", "template,standard,code,title,class", &tables.templates_,
                             [](void* to, std::vector<std::string> c) {
                                 static_cast<std::vector<Template>*>(to)->push_back({c[0], c[1], c[2], c[3], c[4]});
                             }));
    XINGLIN_CHECK(read_table(files, "elements.csv", "element,name,use,loinc,display,unit,category", &tables.elements_,
                             [](void* to, std::vector<std::string> c) {
                                 static_cast<std::map<std::string, Element, std::less<>>*>(to)->insert_or_assign(
                                     c[0], Element{c[0], c[1], c[2], c[3], c[4], c[5], c[6]});
                             }));
    XINGLIN_CHECK(
        read_table(files, "sections.csv", "section,title,use", &tables.sections_, [](void* to, std::vector<std::string> c) {
            static_cast<std::map<std::string, Section, std::less<>>*>(to)->insert_or_assign(c[0], Section{c[0], c[1], c[2]});
        }));
    XINGLIN_CHECK(read_table(files, "units.csv", "written,ucum", &tables.units_, [](void* to, std::vector<std::string> c) {
        static_cast<std::vector<std::pair<std::string, std::string>>*>(to)->emplace_back(c[0], c[1]);
    }));
    return tables;
}

Result<Knowledge> Knowledge::read(const content::Files& files) {
    XINGLIN_TRY(Tables tables, Tables::read(files));
    return Knowledge(std::make_shared<const Tables>(std::move(tables)));
}

const Template* Tables::find_template(std::string_view root) const {
    for (const Template& one : templates_)
        if (one.root == root) return &one;
    return nullptr;
}

const Template* Tables::template_of(std::string_view standard) const {
    for (const Template& one : templates_)
        if (one.standard == standard) return &one;
    return nullptr;
}

const Element* Tables::element(std::string_view code) const {
    auto found = elements_.find(code);
    // Some writers add a number to tell repetitions apart: DE04.10.174.00.001 is DE04.10.174.00.
    if (found == elements_.end() && code.size() > 14 && code.starts_with("DE")) found = elements_.find(code.substr(0, 14));
    return found == elements_.end() ? nullptr : &found->second;
}

const Element* Tables::element_for(std::string_view use) const {
    for (const auto& [code, element] : elements_)
        if (element.use == use) return &element;
    return nullptr;
}

const Element* Tables::element_of_loinc(std::string_view loinc) const {
    for (const auto& [code, element] : elements_)
        if (!loinc.empty() && element.loinc == loinc) return &element;
    return nullptr;
}

const Section* Tables::section(std::string_view code) const {
    const auto found = sections_.find(code);
    return found == sections_.end() ? nullptr : &found->second;
}

std::string Tables::unit(std::string_view written) const {
    for (const auto& [own, ucum] : units_)
        if (own == written) return ucum;
    return "";
}

std::string Tables::written_unit(std::string_view ucum) const {
    for (const auto& [own, code] : units_)
        if (code == ucum) return own;
    return std::string(ucum);
}

std::string Tables::system(std::string_view oid) {
    if (oid.empty()) return "";
    if (oid == "2.16.840.1.113883.6.1") return "http://loinc.org";
    if (oid == "2.16.156.10011.2.3.3.12" || oid.starts_with("2.16.156.10011.2.3.3.12."))
        return "urn:xinglin:codesystem:icd-9-cm-3";
    if (oid == "2.16.156.10011.2.3.3.11" || oid.starts_with("2.16.156.10011.2.3.3.11."))
        return std::string(message::icd10_system);
    if (oid.find_first_not_of("0123456789.") != std::string_view::npos) return "";
    return "urn:oid:" + std::string(oid);
}

}  // namespace xinglin::cda
