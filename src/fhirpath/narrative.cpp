// SPDX-License-Identifier: Apache-2.0
// htmlChecks(): formatting elements of XHTML chapters 7 to 11, 15, and links, images; no scripts, forms or outside styles.
#include "fhirpath/narrative.h"

#include <algorithm>
#include <string>

#include <pugixml.hpp>

namespace xinglin::fhirpath {

namespace {

constexpr std::string_view elements[] = {
    "a",     "abbr",     "acronym", "address", "b",   "big",   "blockquote", "br",   "caption", "cite", "code",
    "col",   "colgroup", "dd",      "del",     "dfn", "div",   "dl",         "dt",   "em",      "h1",   "h2",
    "h3",    "h4",       "h5",      "h6",      "hr",  "i",     "img",        "ins",  "kbd",     "li",   "map",
    "area",  "ol",       "p",       "pre",     "q",   "samp",  "small",      "span", "strong",  "sub",  "sup",
    "table", "tbody",    "td",      "tfoot",   "th",  "thead", "tr",         "tt",   "ul",      "var",
};
constexpr std::string_view attributes[] = {
    "abbr",        "accesskey",  "align",  "alt",     "axis",     "bgcolor",   "border",   "cellhalign", "cellpadding",
    "cellspacing", "cellvalign", "char",   "charoff", "charset",  "cite",      "class",    "colspan",    "compact",
    "coords",      "dir",        "frame",  "headers", "height",   "href",      "hreflang", "hspace",     "id",
    "lang",        "longdesc",   "name",   "nowrap",  "rel",      "rev",       "rowspan",  "rules",      "scope",
    "shape",       "span",       "src",    "start",   "style",    "summary",   "tabindex", "title",      "type",
    "valign",      "value",      "vspace", "width",   "xml:lang", "xml:space", "xmlns",
};

template <std::size_t size>
bool listed(const std::string_view (&list)[size], std::string_view name) {
    return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

class Checker : public pugi::xml_tree_walker {
public:
    bool allowed = true;
    bool readable = false;

    bool for_each(pugi::xml_node& node) override {
        if (node.type() == pugi::node_element) {
            const std::string_view name = node.name();
            allowed = listed(elements, name);
            readable = readable || name == "img";
            for (const pugi::xml_attribute attribute : node.attributes()) {
                const std::string_view key = attribute.name();
                allowed = allowed && (listed(attributes, key) || key.starts_with("xmlns:"));
            }
        } else if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
            readable = readable || std::string_view(node.value()).find_first_not_of(" \t\r\n") != std::string_view::npos;
        } else if (node.type() == pugi::node_doctype || node.type() == pugi::node_pi) {
            allowed = false;
        }
        return allowed;
    }
};

}  // namespace

bool is_narrative(std::string_view xhtml) {
    if (xhtml.size() > (4u << 20)) return false;
    pugi::xml_document document;
    if (!document.load_buffer(xhtml.data(), xhtml.size(), pugi::parse_default | pugi::parse_doctype | pugi::parse_pi,
                              pugi::encoding_utf8))
        return false;
    const pugi::xml_node root = document.document_element();
    if (std::string_view(root.name()) != "div" ||
        std::string_view(root.attribute("xmlns").value()) != "http://www.w3.org/1999/xhtml")
        return false;
    Checker checker;
    document.traverse(checker);
    return checker.allowed && checker.readable;
}

}  // namespace xinglin::fhirpath
