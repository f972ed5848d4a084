// SPDX-License-Identifier: Apache-2.0
// JSON to FHIR XML: elements in the order of their definition, primitives as value attributes, narratives as they are.
#include <algorithm>

#include "fhir/markup.h"
#include "fhir/tables.h"

namespace xinglin::fhir {
namespace {

using json::Member;
using json::Value;

constexpr std::size_t deepest = 400;

class XmlWriter {
public:
    explicit XmlWriter(bool pretty) : pretty_(pretty) {}

    std::string finish() && { return std::move(out_); }

    void resource(Value value, std::string_view namespaces) {
        const Type* type = find_resource(value["resourceType"].string());
        if (!type || depth_ > deepest) return;
        line();
        open(type->name);
        out_ += namespaces;
        children(value, *type, type->name);
    }

private:
    /// One element with what JSON says of it; `beside` is the `_name` of a primitive.
    struct Part {
        const Element* element;
        const Type* type;
        std::string_view key;
        Value main;
        Value beside;
    };

    void line() {
        if (!pretty_ || out_.empty()) return;
        out_ += '\n';
        out_.append(depth_ * 2, ' ');
    }
    void open(std::string_view name) { out_.append("<").append(name); }

    void attribute(std::string_view name, std::string_view value) {
        out_.append(" ").append(name).append("=\"");
        escape(value);
        out_ += '"';
    }

    void escape(std::string_view text) {
        for (std::size_t i = 0; i < text.size(); ++i) {
            const char c = text[i];
            switch (c) {
                case '&': out_ += "&amp;"; break;
                case '<': out_ += "&lt;"; break;
                case '>': out_ += "&gt;"; break;
                case '"': out_ += "&quot;"; break;
                case '\t': out_ += "&#x9;"; break;
                case '\n': out_ += "&#xA;"; break;
                case '\r': out_ += "&#xD;"; break;
                default:
                    // XML 1.0 cannot hold the other control characters, nor U+FFFE and U+FFFF.
                    if (static_cast<unsigned char>(c) < 0x20) {
                        out_ += "\xEF\xBF\xBD";
                    } else if (const auto three = text.substr(i, 3); three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF") {
                        out_ += "\xEF\xBF\xBD";
                        i += 2;
                    } else {
                        out_ += c;
                    }
            }
        }
    }

    /// The members of an object, in the order of the definition; what the type does not know is left out.
    static std::vector<Part> parts(Value object, const Type& type) {
        std::vector<Part> found;
        found.reserve(object.size());
        for (const Member& member : object.members()) {
            const bool beside = member.key().starts_with('_');
            const std::string_view key = member.key().substr(beside);
            const Match match = type.keys->find(key);
            if (!match || match.element->is_attribute) continue;
            const auto same = std::find_if(found.begin(), found.end(), [&](const Part& part) { return part.key == key; });
            Part& part = same != found.end() ? *same : found.emplace_back(Part{match.element, match.type->type, key, {}, {}});
            (beside ? part.beside : part.main) = member.value();
        }
        std::stable_sort(found.begin(), found.end(), [](const Part& a, const Part& b) { return a.element < b.element; });
        return found;
    }

    /// Closes the start tag, writes the children and the end tag.
    void children(Value object, const Type& type, std::string_view name) {
        const std::vector<Part> all = parts(object, type);
        if (all.empty()) {
            out_ += "/>";
            return;
        }
        out_ += '>';
        ++depth_;
        for (const Part& part : all) elements(part);
        --depth_;
        line();
        out_.append("</").append(name).append(">");
    }

    void elements(const Part& part) {
        if (!part.main.is_array() && !part.beside.is_array()) return element(part, part.main, part.beside);
        const std::size_t count = std::max(part.main.size(), part.beside.size());
        for (std::size_t i = 0; i < count; ++i) element(part, part.main[i], part.beside[i]);
    }

    void element(const Part& part, Value main, Value beside) {
        if (depth_ > deepest) return;
        if (part.type->kind == TypeKind::primitive) return primitive(part, main, beside);
        if (!main.is_object()) return;
        line();
        open(part.key);
        if (part.type->keys->check == Check::resource) {
            out_ += '>';
            ++depth_;
            resource(main, {});
            --depth_;
            line();
            out_.append("</").append(part.key).append(">");
            return;
        }
        for (const Element& candidate : part.type->elements) {
            if (candidate.is_attribute && main[candidate.name]) attribute(candidate.name, main[candidate.name].text());
        }
        children(main, *part.type, part.key);
    }

    void primitive(const Part& part, Value main, Value beside) {
        if (part.type->keys->check == Check::xhtml) return narrative(main.string());
        const bool has_value = main && main.is_primitive() && !main.is_null();
        if (!has_value && !beside.is_object()) return;
        line();
        open(part.key);
        if (beside["id"]) attribute("id", beside["id"].text());
        if (has_value) attribute("value", main.text());
        children(beside, *part.type, part.key);
    }

    void narrative(std::string_view text) {
        line();
        if (narrative_fault(text).empty()) {
            out_ += text;
            return;
        }
        out_ += R"(<div xmlns="http://www.w3.org/1999/xhtml">)";
        escape(text);
        out_ += "</div>";
    }

    bool pretty_;
    std::string out_;
    std::size_t depth_ = 0;
};

}  // namespace

std::string to_xml(json::Value resource, bool pretty) {
    XmlWriter writer(pretty);
    writer.resource(resource, R"( xmlns="http://hl7.org/fhir")");
    return std::move(writer).finish();
}

}  // namespace xinglin::fhir
