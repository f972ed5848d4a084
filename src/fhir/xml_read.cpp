// SPDX-License-Identifier: Apache-2.0
// FHIR XML to JSON. The text is scanned strictly first (markup.cpp), then read through pugixml's tree.
//
// Elements may stand in any order and come out in the order of their definition, attributes first. JSON is at most twice as deep as XML,
// so the depth allowed here stays below what json::parse allows.
#include <pugixml.hpp>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "fhir/markup.h"
#include "fhir/tables.h"
#include "text/text.h"

namespace xinglin::fhir {
namespace {

using json::Arena;
using json::Value;

constexpr std::string_view fhir_namespace = "http://hl7.org/fhir";
constexpr std::string_view xhtml_namespace = "http://www.w3.org/1999/xhtml";
constexpr std::size_t depth_limit = 95;

std::string_view prefix_of(std::string_view name) {
    const std::size_t colon = name.find(':');
    return colon == std::string_view::npos ? std::string_view() : name.substr(0, colon);
}
std::string_view local(std::string_view name) { return name.substr(name.find(':') + 1); }

std::string_view namespace_of(pugi::xml_node node) {
    const std::string_view prefix = prefix_of(node.name());
    const std::string declaration = prefix.empty() ? "xmlns" : "xmlns:" + std::string(prefix);
    for (; node; node = node.parent()) {
        if (const pugi::xml_attribute found = node.attribute(declaration.c_str())) return found.value();
    }
    return {};
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

std::string_view trimmed(std::string_view text) {
    const std::size_t start = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    text.remove_prefix(start);
    return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

/// Makes an XHTML element free of prefixes, so that it can stand alone.
void strip_prefixes(pugi::xml_node node) {
    node.set_name(std::string(local(node.name())).c_str());
    for (pugi::xml_attribute attribute = node.first_attribute(); attribute;) {
        const pugi::xml_attribute next = attribute.next_attribute();
        if (std::string_view(attribute.name()).starts_with("xmlns")) node.remove_attribute(attribute);
        attribute = next;
    }
    for (pugi::xml_node child : node.children()) {
        if (child.type() == pugi::node_element) strip_prefixes(child);
    }
}

class XmlReader {
public:
    XmlReader(std::string_view source, Arena& arena) : source_(source), arena_(arena) {}

    Result<Value> read(pugi::xml_node root) {
        const Value made = resource(root);
        if (!made) return std::move(refused_);
        return made;
    }

private:
    using Members = std::vector<std::pair<std::string_view, Value>>;

    Value refuse_here(IssueCode code, std::string what) {
        std::string where;
        for (const std::string_view step : path_) where.append(where.empty() ? "" : ".").append(step.substr(0, 64));
        if (refused_.issues.empty()) refused_ = refuse(code, std::move(where), std::move(what));
        return {};
    }

    Value resource(pugi::xml_node node) {
        const std::string_view name = local(node.name());
        const Type* type = find_resource(name);
        if (namespace_of(node) != fhir_namespace)
            return refuse_here(IssueCode::structure, "is not in the namespace http://hl7.org/fhir");
        if (!type || type->is_abstract)
            return refuse_here(IssueCode::structure, "holds an element that is not a resource of FHIR R4");
        Members members{{"resourceType", arena_.string(type->name)}};
        const bool at_root = path_.empty();
        if (at_root) path_.push_back(type->name);
        const bool good = content(node, *type, members, false);
        if (at_root) path_.pop_back();
        return good ? arena_.object(members) : Value();
    }

    Value object(pugi::xml_node node, const Type& type) {
        Members members;
        if (!content(node, type, members, false)) return {};
        if (members.empty()) return refuse_here(IssueCode::structure, "is empty; leave it out instead");
        return arena_.object(members);
    }

    struct Child {
        Match match;
        pugi::xml_node node;
        std::string_view key() const { return local(node.name()); }
    };

    /// Attributes and child elements of `node`, appended to `members` in the order of the definition.
    /// `is_primitive` allows the attribute `value`, which the caller reads.
    bool content(pugi::xml_node node, const Type& type, Members& members, bool is_primitive) {
        if (!attributes(node, type, is_primitive)) return false;
        std::vector<Child> children;
        if (!collect(node, type, children)) return false;
        std::stable_sort(children.begin(), children.end(), [](const Child& a, const Child& b) {
            return a.match.element != b.match.element ? a.match.element < b.match.element : a.match.type < b.match.type;
        });
        for (const Element& element : type.elements) {  // attributes first: the examples of R4 write an extension's url first
            if (!element.is_attribute) continue;
            const pugi::xml_attribute attribute = node.attribute(std::string(element.name).c_str());
            if (attribute) members.emplace_back(element.name, arena_.string(attribute.value()));
        }
        for (std::size_t next = 0, end = 0; next < children.size(); next = end) {
            end = next + 1;
            while (end < children.size() && children[end].match.type == children[next].match.type) ++end;
            if (!group(std::span(children).subspan(next, end - next), members)) return false;
        }
        return true;
    }

    bool attributes(pugi::xml_node node, const Type& type, bool is_primitive) {
        for (const pugi::xml_attribute attribute : node.attributes()) {
            const std::string_view name = attribute.name();
            if (name == "xmlns" || name.starts_with("xmlns:") || name.starts_with("xsi:")) continue;
            if (is_primitive && name == "value") continue;
            const Match match = type.keys->find(name);
            if (match && match.element->is_attribute) continue;
            refuse_here(IssueCode::structure, "has an attribute that is not of FHIR");
            return false;
        }
        return true;
    }

    bool collect(pugi::xml_node node, const Type& type, std::vector<Child>& children) {
        for (const pugi::xml_node child : node.children()) {
            if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
                if (is_blank(child.value())) continue;
                refuse_here(IssueCode::structure, "holds text; values are written as attributes: value=\"...\"");
                return false;
            }
            if (child.type() != pugi::node_element) continue;
            const Match match = type.keys->find(local(child.name()));
            const bool narrative = match && match.type->type->keys->check == Check::xhtml;
            if (!match || match.element->is_attribute || namespace_of(child) != (narrative ? xhtml_namespace : fhir_namespace)) {
                path_.push_back(local(child.name()));
                refuse_here(IssueCode::structure, "is not an element of " + std::string(type.name));
                path_.pop_back();
                return false;
            }
            children.push_back({match, child});
        }
        return true;
    }

    /// All children with one key.
    bool group(std::span<const Child> same, Members& members) {
        const Match& match = same[0].match;
        path_.push_back(match.element->name);
        const bool good = match.element->max == 1 && same.size() > 1
                              ? (refuse_here(IssueCode::structure, "stands twice, but does not repeat"), false)
                          : match.type->type->kind == TypeKind::primitive ? primitives(same, members)
                                                                          : objects(same, members);
        path_.pop_back();
        return good;
    }

    bool objects(std::span<const Child> same, Members& members) {
        std::vector<Value> items;
        for (const Child& child : same) {
            const Type& type = *child.match.type->type;
            items.push_back(type.keys->check == Check::resource ? only_resource(child.node) : object(child.node, type));
            if (!items.back()) return false;
        }
        members.emplace_back(same[0].key(), same[0].match.element->max == 1 ? items[0] : arena_.array(items));
        return true;
    }

    Value only_resource(pugi::xml_node node) {
        pugi::xml_node only;
        for (const pugi::xml_node child : node.children()) {
            const bool text = child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata;
            if (text && is_blank(child.value())) continue;
            if (child.type() == pugi::node_comment || child.type() == pugi::node_pi) continue;
            if (text || only) return refuse_here(IssueCode::structure, "must hold one resource");
            only = child;
        }
        if (!only) return refuse_here(IssueCode::structure, "must hold one resource");
        return resource(only);
    }

    bool primitives(std::span<const Child> same, Members& members) {
        std::vector<Value> values, beside;
        bool any_value = false, any_beside = false;
        for (const Child& child : same) {
            Value value;
            Members annotation;
            if (!primitive(child, value, annotation)) return false;
            any_value |= static_cast<bool>(value);
            any_beside |= !annotation.empty();
            values.push_back(value);
            beside.push_back(annotation.empty() ? Value() : arena_.object(annotation));
        }
        const bool many = same[0].match.element->max > 1;
        const std::string_view key = same[0].key();
        if (any_value) members.emplace_back(key, many ? arena_.array(values) : values[0]);
        if (any_beside) members.emplace_back(arena_.keep("_" + std::string(key)), many ? arena_.array(beside) : beside[0]);
        return true;
    }

    bool primitive(const Child& child, Value& value, Members& annotation) {
        const Type& type = *child.match.type->type;
        if (type.keys->check == Check::xhtml) {
            value = narrative(child.node);
            return static_cast<bool>(value);
        }
        if (!content(child.node, type, annotation, true)) return false;
        const pugi::xml_attribute attribute = child.node.attribute("value");
        if (attribute) {
            value = scalar(type.keys->check, attribute.value());
            return static_cast<bool>(value);
        }
        if (annotation.empty()) refuse_here(IssueCode::structure, "has neither a value nor an extension");
        return !annotation.empty();
    }

    Value scalar(Check check, std::string_view text) {
        if (is_json_boolean(check)) {
            text = trimmed(text);
            if (text != "true" && text != "false") return refuse_here(IssueCode::value, "must be true or false");
            return arena_.boolean(text == "true");
        }
        if (is_json_number(check)) {
            text = trimmed(text);
            // json::parse refuses numbers that no double comes near, so they must not get in this way either.
            double near = 0;
            const bool in_range = std::from_chars(text.data(), text.data() + text.size(), near).ec == std::errc();
            if (!is_decimal(text) || !in_range) return refuse_here(IssueCode::value, "must be a number such as -12.50");
            return arena_.number(text);
        }
        return arena_.string(text);
    }

    /// The div as it was written; only one that leans on declarations outside of it is written anew.
    Value narrative(pugi::xml_node node) {
        if (node.attribute("xmlns") && prefix_of(node.name()).empty()) {
            const std::string_view rest = source_.substr(static_cast<std::size_t>(node.offset_debug() - 1));
            return arena_.string(rest.substr(0, scan_element(rest).size));
        }
        pugi::xml_document alone;
        pugi::xml_node copy = alone.append_copy(node);
        strip_prefixes(copy);
        copy.prepend_attribute("xmlns") = std::string(xhtml_namespace).c_str();
        std::ostringstream text;
        copy.print(text, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
        return arena_.string(text.str());
    }

    std::string_view source_;
    Arena& arena_;
    Outcome refused_;
    std::vector<std::string_view> path_;
};

/// The encoding an XML declaration names, in lower case; empty when it names none.
std::string declared_encoding(std::string_view xml) {
    if (!xml.starts_with("<?xml")) return {};
    const std::string_view declaration = xml.substr(0, xml.find("?>"));
    const std::size_t at = declaration.find("encoding");
    if (at == std::string_view::npos) return {};
    const std::size_t open = declaration.find_first_of("\"'", at);
    if (open == std::string_view::npos) return {};
    const std::size_t close = declaration.find(declaration[open], open + 1);
    return text::lower_ascii(declaration.substr(open + 1, close - open - 1));
}

}  // namespace

namespace {
/// Lines end with a line feed, however the file was written (XML 1.0, section 2.11).
std::string with_line_feeds(std::string_view xml) {
    std::string text;
    text.reserve(xml.size());
    for (std::size_t i = 0; i < xml.size(); ++i) {
        if (xml[i] != '\r') text += xml[i];
        else if (i + 1 == xml.size() || xml[i + 1] != '\n') text += '\n';
    }
    return text;
}
}  // namespace

Result<json::Value> from_xml(std::string_view xml, json::Arena& arena) {
    if (xml.starts_with("\xEF\xBB\xBF")) xml.remove_prefix(3);
    if (xml.size() > json::Limits{}.bytes)
        return refuse(IssueCode::too_costly, "", "the XML is longer than " + std::to_string(json::Limits{}.bytes) + " bytes");
    std::string with_feeds;
    if (xml.find('\r') != std::string_view::npos) xml = with_feeds = with_line_feeds(xml);
    const std::string encoding = declared_encoding(xml);
    if (!text::is_utf8(xml) || (!encoding.empty() && encoding != "utf-8" && encoding != "us-ascii")) {
        return refuse(IssueCode::structure, "", "the XML must be in UTF-8");
    }
    if (const Markup scanned = scan_document(xml, depth_limit); !scanned.ok()) {
        return refuse(IssueCode::structure, "", "the XML " + std::string(scanned.fault));
    }
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8)) {
        return refuse(IssueCode::structure, "", "the XML cannot be read");
    }
    return XmlReader(xml, arena).read(document.document_element());
}

}  // namespace xinglin::fhir
