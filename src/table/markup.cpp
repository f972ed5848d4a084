// SPDX-License-Identifier: Apache-2.0
// libxml2 as a push parser that knows no DTD.
#include "table/markup.h"

#include <libxml/parser.h>

#include <cstring>

namespace xinglin::table {

struct Markup::State {
    Hearer& hearer;
    xmlParserCtxtPtr context = nullptr;
    bool has_dtd = false;
    std::vector<Hearer::Attribute> attributes = {};
    xmlSAXHandler handler = {};
};

namespace {

std::string_view text_of(const xmlChar* text) {
    return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

void begin_element(void* user, const xmlChar* name, const xmlChar*, const xmlChar*, int, const xmlChar**, int count, int,
                   const xmlChar** attributes) {
    auto& state = *static_cast<Markup::State*>(user);
    state.attributes.clear();
    for (int i = 0; i < count; ++i) {  // name, prefix, URI, first byte of the value, behind the last
        const xmlChar** one = attributes + 5 * i;
        const auto* from = reinterpret_cast<const char*>(one[3]);
        state.attributes.push_back({text_of(one[0]), {from, static_cast<std::size_t>(one[4] - one[3])}});
    }
    state.hearer.begin(text_of(name), state.attributes);
}

void end_element(void* user, const xmlChar* name, const xmlChar*, const xmlChar*) {
    static_cast<Markup::State*>(user)->hearer.end(text_of(name));
}

void characters(void* user, const xmlChar* text, int size) {
    static_cast<Markup::State*>(user)->hearer.text({reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)});
}

void subset(void* user, const xmlChar*, const xmlChar*, const xmlChar*) {
    auto& state = *static_cast<Markup::State*>(user);
    state.has_dtd = true;
    xmlStopParser(state.context);
}

xmlEntityPtr entity(void*, const xmlChar* name) { return xmlGetPredefinedEntity(name); }

void silent(void*, const char*, ...) {}

}  // namespace

Markup::Markup(Hearer& hearer, std::string name) : state_(new State{hearer}), name_(std::move(name)) {
    xmlSAXHandler& handler = state_->handler;
    std::memset(&handler, 0, sizeof handler);
    handler.initialized = XML_SAX2_MAGIC;
    handler.startElementNs = begin_element;
    handler.endElementNs = end_element;
    handler.characters = characters;
    handler.cdataBlock = characters;
    handler.internalSubset = subset;
    handler.getEntity = entity;
    handler.error = silent;
    handler.fatalError = silent;
    handler.warning = silent;
    state_->context = xmlCreatePushParserCtxt(&handler, state_.get(), nullptr, 0, nullptr);
    if (!state_->context) throw std::bad_alloc();
    // NOENT: "&amp;" in an attribute is told as "&", not as "&#38;". There are no other entities: a DTD stops the reading.
    xmlCtxtUseOptions(state_->context, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

Markup::~Markup() {
    if (state_->context->myDoc) xmlFreeDoc(state_->context->myDoc);
    xmlFreeParserCtxt(state_->context);
}

Result<Done> Markup::push(std::string_view piece, bool last) {
    const int code = xmlParseChunk(state_->context, piece.data(), static_cast<int>(piece.size()), last ? 1 : 0);
    if (state_->has_dtd)
        return refuse(IssueCode::forbidden, name_, "declares a document type, which no workbook does; save it anew");
    const bool broken = code != XML_ERR_OK && code != XML_WAR_UNDECLARED_ENTITY && !state_->context->wellFormed;
    if (broken) return refuse(IssueCode::invalid, name_, "is not well-formed XML, the file is damaged or cut off; send it again");
    return Done{};
}

Result<Done> Markup::feed(std::string_view piece) { return push(piece, false); }
Result<Done> Markup::finish() { return push({}, true); }

}  // namespace xinglin::table
