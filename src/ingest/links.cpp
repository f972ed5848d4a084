// SPDX-License-Identifier: Apache-2.0
// Walks a resource along its types and replaces links.
#include "ingest/links.h"

#include <functional>
#include <vector>

#include "fhir/fhir.h"

namespace xinglin::ingest {
namespace {

struct LinkTypes {
    const fhir::Type* uri = fhir::find_type("uri");
    const fhir::Type* url = fhir::find_type("url");
    const fhir::Type* oid = fhir::find_type("oid");
    const fhir::Type* uuid = fhir::find_type("uuid");
    const fhir::Type* xhtml = fhir::find_type("xhtml");
    const fhir::Type* reference = fhir::find_type("Reference");
    const fhir::Type* element = fhir::find_type("Element");

    bool is_link(const fhir::Type* type) const { return type == uri || type == url || type == oid || type == uuid; }
};
const LinkTypes& types() {
    static const LinkTypes made;
    return made;
}

/// "urn:uuid:1#part" is found by "urn:uuid:1"; "" when there is no such link.
std::string replacement(std::string_view link, const Links& links) {
    if (const auto found = links.find(link); found != links.end()) return found->second;
    const std::size_t hash = link.find('#');
    if (hash != std::string_view::npos && hash > 0) {
        if (const auto found = links.find(link.substr(0, hash)); found != links.end())
            return found->second + std::string(link.substr(hash));
    }
    const std::size_t history = link.find("/_history/");
    if (history != std::string_view::npos) {
        if (const auto found = links.find(link.substr(0, history)); found != links.end()) return found->second;
    }
    return {};
}

json::Value rewrite_narrative(json::Value div, const Links& links, json::Arena& arena) {
    const std::string_view text = div.string();
    std::string out;
    std::size_t copied = 0;
    for (std::size_t at = text.find("=\""); at != std::string_view::npos; at = text.find("=\"", at)) {
        const std::string_view before = text.substr(0, at);
        at += 2;
        if (!before.ends_with("href") && !before.ends_with("src")) continue;
        const std::size_t end = text.find('"', at);
        if (end == std::string_view::npos) break;
        const std::string to = replacement(text.substr(at, end - at), links);
        if (to.empty()) continue;
        out.append(text, copied, at - copied);
        out += to;
        copied = end;
    }
    if (copied == 0) return div;
    out.append(text, copied);
    return arena.string(out);
}

class Rewriter {
public:
    Rewriter(const Links& links, json::Arena& arena) : links_(links), arena_(arena) {}

    json::Value object(json::Value value, const fhir::Type* type) {
        if (const auto named = value.find("resourceType").string(); !named.empty()) type = fhir::find_resource(named);
        if (!type) return value;
        std::vector<std::pair<std::string_view, json::Value>> changed;
        const auto members = value.members();
        for (std::size_t i = 0; i < members.size(); ++i) {
            const json::Value before = members[i].value();
            const json::Value after = member(before, *type, members[i].key());
            if (changed.empty() && after == before) continue;
            if (changed.empty()) {
                for (std::size_t k = 0; k < i; ++k) changed.emplace_back(members[k].key(), members[k].value());
            }
            changed.emplace_back(members[i].key(), after);
        }
        return changed.empty() ? value : arena_.object(changed);
    }

private:
    const Links& links_;
    json::Arena& arena_;

    json::Value member(json::Value value, const fhir::Type& owner, std::string_view key) {
        if (value.is_string()) {
            if (&owner == types().reference && key == "reference") return link(value);
        } else if (!value.is_object() && !value.is_array()) {
            return value;
        }
        if (!key.empty() && key.front() == '_') return any(value, types().element);
        const fhir::Match match = fhir::match(owner, key);
        return match && match.type ? any(value, match.type->type) : value;
    }
    json::Value any(json::Value value, const fhir::Type* type) {
        if (value.is_string()) {
            if (types().is_link(type)) return link(value);
            return type == types().xhtml ? rewrite_narrative(value, links_, arena_) : value;
        }
        if (value.is_object()) return object(value, type);
        if (value.is_array()) return array(value, type);
        return value;
    }
    json::Value array(json::Value value, const fhir::Type* type) {
        std::vector<json::Value> changed;
        const auto items = value.items();
        for (std::size_t i = 0; i < items.size(); ++i) {
            const json::Value before(&items[i]);
            const json::Value after = any(before, type);
            if (changed.empty() && after == before) continue;
            if (changed.empty()) {
                for (std::size_t k = 0; k < i; ++k) changed.emplace_back(&items[k]);
            }
            changed.push_back(after);
        }
        return changed.empty() ? value : arena_.array(changed);
    }
    json::Value link(json::Value value) {
        const std::string to = replacement(value.string(), links_);
        return to.empty() ? value : arena_.string(to);
    }
};

void walk_references(json::Value value, const std::function<void(std::string_view)>& each) {
    for (const json::Member& member : value.members()) {
        if (member.key() == "reference" && member.value().is_string()) each(member.value().string());
        walk_references(member.value(), each);
    }
    for (const json::Node& item : value.items()) walk_references(json::Value(&item), each);
}

}  // namespace

json::Value rewrite_links(json::Value resource, const Links& links, json::Arena& arena) {
    if (links.empty()) return resource;
    return Rewriter(links, arena).object(resource, nullptr);
}

void each_conditional_reference(json::Value resource, const std::function<void(std::string_view)>& each) {
    walk_references(resource, [&](std::string_view reference) {
        const std::size_t question = reference.find('?');
        if (question != std::string_view::npos && fhir::find_resource(reference.substr(0, question))) each(reference);
    });
}

}  // namespace xinglin::ingest
