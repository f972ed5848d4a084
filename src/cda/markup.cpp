// SPDX-License-Identifier: Apache-2.0
// Reading XML with suspicion (pugixml knows neither entities of a DTD nor the network), and small questions.
#include "cda/markup.h"

#include <fmt/format.h>
#include <unicode/ucnv.h>

#include <algorithm>

#include "calendar/calendar.h"
#include "text/text.h"

namespace xinglin::cda {

namespace {

/// The encoding an XML declaration names, lower case; "" for none.
std::string declared_encoding(std::string_view bytes) {
    const std::string_view head = bytes.substr(0, std::min<std::size_t>(bytes.size(), 200));
    if (!head.starts_with("<?xml")) return "";
    const std::size_t end = head.find("?>"), at = head.find("encoding");
    if (end == std::string_view::npos || at > end) return "";
    const std::size_t open = head.find_first_of("\"'", at);
    if (open == std::string_view::npos) return "";
    const std::size_t close = head.find(head[open], open + 1);
    return close == std::string_view::npos ? "" : text::lower_ascii(head.substr(open + 1, close - open - 1));
}

/// GB18030 and its elders as UTF-8; everything else as it is (pugixml reads UTF-8 and UTF-16 by itself).
Result<std::string> as_utf8(std::string_view bytes) {
    const std::string encoding = declared_encoding(bytes);
    const bool chinese = encoding == "gb18030" || encoding == "gbk" || encoding == "gb2312";
    const bool wide = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF") ||
                      (bytes.size() > 1 && (bytes[0] == '\0' || bytes[1] == '\0'));
    if (!chinese) {
        if (!wide && !text::is_utf8(bytes))
            return refuse(IssueCode::invalid, "document",
                          "is not UTF-8 and names no other encoding; write it in UTF-8, or declare GB18030");
        return std::string(bytes);
    }
    if (text::is_utf8(bytes)) return std::string(bytes);  // declared so, but written otherwise
    UErrorCode error = U_ZERO_ERROR;
    std::string out(bytes.size() * 3 + 16, '\0');
    const std::int32_t size = ucnv_convert("UTF-8", "GB18030", out.data(), static_cast<std::int32_t>(out.size()), bytes.data(),
                                           static_cast<std::int32_t>(bytes.size()), &error);
    if (U_FAILURE(error)) return refuse(IssueCode::invalid, "document", "can't be read as GB18030, send it in UTF-8");
    out.resize(static_cast<std::size_t>(size));
    return out;
}

Result<Done> check_size(pugi::xml_node root, const Limits& limits) {
    std::size_t depth = 0, nodes = 0;
    for (pugi::xml_node at = root; at;) {
        if (++nodes > limits.nodes)
            return refuse(IssueCode::too_costly, "document", "has more elements than the limit, split it");
        if (pugi::xml_node down = at.first_child()) {
            if (++depth > limits.depth)
                return refuse(IssueCode::too_costly, "document", "is nested more deeply than the limit, flatten it");
            at = down;
            continue;
        }
        while (at && at != root && !at.next_sibling()) at = at.parent(), --depth;
        if (!at || at == root) break;
        at = at.next_sibling();
    }
    return Done{};
}

}  // namespace

Result<pugi::xml_node> parse(std::string_view bytes, const Limits& limits, pugi::xml_document& document) {
    if (bytes.empty()) return refuse(IssueCode::invalid, "document", "is empty, send it again");
    if (bytes.size() > limits.bytes)
        return refuse(IssueCode::too_costly, "document", "is larger than the limit of 32 MiB, split it");
    XINGLIN_TRY(const std::string utf8, as_utf8(bytes));
    const auto read = document.load_buffer(utf8.data(), utf8.size(), pugi::parse_default | pugi::parse_doctype);
    if (!read) {
        const std::size_t before =
            std::min<std::size_t>(static_cast<std::size_t>(std::max<std::ptrdiff_t>(read.offset, 0)), utf8.size());
        const auto line = 1 + std::count(utf8.begin(), utf8.begin() + static_cast<std::ptrdiff_t>(before), '\n');
        return refuse(IssueCode::structure, fmt::format("line {}", line),
                      "is no well-formed XML, or is cut off; send the whole document");
    }
    for (const pugi::xml_node& node : document.children())
        if (node.type() == pugi::node_doctype)
            return refuse(IssueCode::forbidden, "document",
                          "declares a document type (entities, external references); send it without DOCTYPE");
    const pugi::xml_node root = document.document_element();
    XINGLIN_CHECK(check_size(root, limits));
    if (local(root) != "ClinicalDocument")
        return refuse(IssueCode::structure, "/" + std::string(local(root)),
                      "is no ClinicalDocument, send a shared document (CDA R2)");
    return root;
}

std::string_view local(const pugi::xml_node& node) {
    const std::string_view name = node.name();
    const std::size_t colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child(pugi::xml_node node, std::string_view path) {
    for (const std::string_view step : text::split(path, '/')) {
        pugi::xml_node found;
        for (const pugi::xml_node& one : node.children()) {
            if (one.type() != pugi::node_element || local(one) != step) continue;
            found = one;
            break;
        }
        if (!found) return {};
        node = found;
    }
    return node;
}

std::vector<pugi::xml_node> children(pugi::xml_node node, std::string_view name) {
    std::vector<pugi::xml_node> all;
    for (const pugi::xml_node& one : node.children())
        if (one.type() == pugi::node_element && local(one) == name) all.push_back(one);
    return all;
}

namespace {
std::string trimmed(std::string_view value) {
    while (!value.empty() && static_cast<unsigned char>(value.front()) <= ' ') value.remove_prefix(1);
    while (!value.empty() && static_cast<unsigned char>(value.back()) <= ' ') value.remove_suffix(1);
    return std::string(value);
}
}  // namespace

std::string attribute(pugi::xml_node node, std::string_view name) {
    for (const pugi::xml_attribute& one : node.attributes()) {
        std::string_view own = one.name();
        if (own.starts_with("xmlns")) continue;
        if (const std::size_t colon = own.find(':'); colon != std::string_view::npos) own.remove_prefix(colon + 1);
        if (own == name) return trimmed(one.value());
    }
    return "";
}

std::string attribute(pugi::xml_node node, std::string_view path, std::string_view name) {
    return attribute(child(node, path), name);
}

std::string text(pugi::xml_node node) {
    std::string out;
    bool blank = false;
    struct Walk : pugi::xml_tree_walker {
        std::string* out;
        bool* blank;
        bool for_each(pugi::xml_node& at) override {
            if (at.type() == pugi::node_element) *blank = true;
            if (at.type() != pugi::node_pcdata && at.type() != pugi::node_cdata) return true;
            for (const char c : std::string_view(at.value())) {
                if (static_cast<unsigned char>(c) <= ' ') {
                    *blank = true;
                    continue;
                }
                if (*blank && !out->empty()) *out += ' ';
                *blank = false;
                *out += c;
            }
            return true;
        }
    } walk;
    walk.out = &out;
    walk.blank = &blank;
    node.traverse(walk);
    return out;
}

std::string place(pugi::xml_node node) {
    std::string path;
    for (; node && node.type() == pugi::node_element; node = node.parent()) path = "/" + std::string(local(node)) + path;
    return path;
}

std::string date_time(std::string_view hl7, std::int16_t offset_minutes) {
    const std::size_t digits = std::min(hl7.find_first_not_of("0123456789"), hl7.size());
    const auto part = [&](std::size_t at, std::size_t count) { return hl7.substr(at, count); };
    if (digits != 4 && digits != 6 && digits != 8 && digits != 10 && digits != 12 && digits != 14) return "";
    std::string out(part(0, 4));
    if (digits >= 6) out += fmt::format("-{}", part(4, 2));
    if (digits >= 8) out += fmt::format("-{}", part(6, 2));
    if (digits >= 10) {
        out += fmt::format("T{}:{}:{}", part(8, 2), digits >= 12 ? part(10, 2) : "00", digits >= 14 ? part(12, 2) : "00");
        std::string_view rest = hl7.substr(digits);
        if (rest.starts_with('.')) rest.remove_prefix(std::min(rest.find_first_not_of("0123456789", 1), rest.size()));
        if (rest == "Z") out += "Z";
        else if (rest.size() == 5 && (rest[0] == '+' || rest[0] == '-'))
            out += fmt::format("{}:{}", rest.substr(0, 3), rest.substr(3));
        else
            out += fmt::format("{}{:02}:{:02}", offset_minutes < 0 ? '-' : '+', std::abs(offset_minutes) / 60,
                               std::abs(offset_minutes) % 60);
    }
    return calendar::parse_date_time(out) ? out : "";
}

std::string hl7_time(std::string_view fhir) {
    std::string out;
    for (std::size_t i = 0; i < fhir.size(); ++i) {
        const char c = fhir[i];
        if (c == '.') {
            while (i + 1 < fhir.size() && fhir[i + 1] >= '0' && fhir[i + 1] <= '9') ++i;
        } else if (c >= '0' && c <= '9') {
            out += c;
        } else if (c == '+' || (c == '-' && i > 10)) {
            out += c;
        } else if (c == 'Z') {
            out += "+0000";
        }
    }
    return out;
}

}  // namespace xinglin::cda
