// SPDX-License-Identifier: Apache-2.0
// Inside the room: XML from strangers as a tree, and questions asked of it without minding prefixes.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cda/cda.h"

namespace xinglin::cda {

/// Refuses a document type, entities beyond XML's five, and what is beyond the limits. `document` holds the tree.
Result<pugi::xml_node> parse(std::string_view bytes, const Limits& limits, pugi::xml_document& document);

/// The name without its prefix.
std::string_view local(const pugi::xml_node& node);
/// The first child of this name; "a/b/c" goes down.
pugi::xml_node child(pugi::xml_node node, std::string_view path);
std::vector<pugi::xml_node> children(pugi::xml_node node, std::string_view name);
/// An attribute, without blanks around it; by local name ("type" for xsi:type).
std::string attribute(pugi::xml_node node, std::string_view name);
/// Attribute of a child: value_at(node, "birthTime", "value").
std::string attribute(pugi::xml_node node, std::string_view path, std::string_view name);
/// All text below, runs of blanks folded to one.
std::string text(pugi::xml_node node);
/// XPath of a node, for messages: "/ClinicalDocument/recordTarget".
std::string place(pugi::xml_node node);

/// HL7 "20261122081500+0800" as FHIR dateTime; "" for what is none. A time without a zone gets the sender's.
std::string date_time(std::string_view hl7, std::int16_t offset_minutes);
/// The other way round: digits and zone.
std::string hl7_time(std::string_view fhir);

}  // namespace xinglin::cda
