// SPDX-License-Identifier: Apache-2.0
// A strict scan of XML 1.0 markup, without DTDs.
#include "fhir/markup.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "fhir/primitive.h"

namespace xinglin::fhir {
namespace {

enum class Dialect { xml, narrative };  // narrative: the XHTML that a Narrative may hold; no scripts, no forms

constexpr std::size_t most_nodes = 4'000'000;

constexpr bool is_white(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_name_part(char c) { return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

/// Elements that would do something, load something or belong to a whole page.
constexpr std::string_view unwanted_elements[] = {
    "applet", "area",     "audio",  "base",   "body",   "button", "canvas",   "embed", "fieldset", "form",
    "frame",  "frameset", "head",   "html",   "iframe", "input",  "link",     "map",   "meta",     "object",
    "option", "param",    "script", "select", "style",  "svg",    "textarea", "title", "video",
};

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
               return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
           });
}

/// Does a link run a program? A scheme spelled with character references is taken for one.
bool is_script_link(std::string_view value) {
    const std::string_view scheme = value.substr(0, value.find(':'));
    if (scheme.size() == value.size()) return false;
    const auto letters_of = [](std::string_view text) {  // as browsers read it: without white space
        std::string letters;
        for (const char c : text) {
            if (static_cast<unsigned char>(c) > 0x20) letters += c;
        }
        return letters;
    };
    const std::string letters = letters_of(scheme);
    // A picture may stand in its own link; a page there may not.
    const std::string_view rest = value.substr(scheme.size() + 1);
    const std::string kind = letters_of(rest.substr(0, rest.find_first_of(";,")));
    const bool is_page =
        equals_ignoring_case(letters, "data") && (!kind.starts_with("image/") || kind.find("svg") != std::string::npos);
    return is_page || equals_ignoring_case(letters, "javascript") || equals_ignoring_case(letters, "vbscript") ||
           letters.find("&#") != std::string::npos;
}

bool is_link(std::string_view key) {
    return equals_ignoring_case(key, "href") || equals_ignoring_case(key, "src") || equals_ignoring_case(key, "xlink:href");
}

class Scanner {
public:
    Scanner(std::string_view text, Dialect dialect, std::size_t depth_limit)
        : text_(text), dialect_(dialect), depth_limit_(depth_limit) {}

    std::size_t at() const { return at_; }
    std::string_view fault() const { return fault_; }
    std::string_view root_namespace() const { return namespace_; }
    bool done() const { return at_ == text_.size(); }

    bool skip_white() {
        const std::size_t start = at_;
        while (at_ < text_.size() && is_white(text_[at_])) ++at_;
        return at_ > start;
    }

    /// White space, comments and processing instructions, as they may stand around the root.
    bool skip_around() {
        for (;;) {
            skip_white();
            if (starts("<!--")) {
                if (!skip_comment()) return false;
            } else if (starts("<?")) {
                if (!skip_past("?>", "a processing instruction has no end")) return false;
            } else {
                return true;
            }
        }
    }

    bool element() {
        if (!start_tag()) return false;
        while (!open_.empty()) {
            if (!content()) return false;
        }
        return true;
    }

private:
    bool refuse(std::string_view fault) {
        fault_ = fault;
        return false;
    }
    bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }

    bool skip_past(std::string_view end, std::string_view fault) {
        const std::size_t found = text_.find(end, at_);
        if (found == std::string_view::npos) return refuse(fault);
        if (has_control(text_.substr(at_, found - at_))) return refuse("holds a control character");
        at_ = found + end.size();
        return true;
    }

    bool skip_comment() {
        at_ += 4;
        const std::size_t dashes = text_.find("--", at_);
        if (dashes == std::string_view::npos || text_.substr(dashes, 3) != "-->")
            return refuse("has a comment without a proper end");
        return skip_past("-->", "has a comment without an end");
    }

    static bool has_control(std::string_view text) {
        return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 && !is_white(c); });
    }

    std::string_view name() {
        const std::size_t start = at_;
        if (at_ < text_.size() && is_name_start(text_[at_])) {
            while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
        }
        return text_.substr(start, at_ - start);
    }

    /// &amp; &lt; &gt; &quot; &apos; &#38; &#x26; and no others: without a DTD none is declared.
    bool reference() {
        const std::size_t length = text_.substr(at_, 12).find(';');
        if (length == std::string_view::npos) return refuse("has '&' that is not written as &amp;");
        const std::string_view body = text_.substr(at_ + 1, length - 1);
        at_ += length + 1;
        for (const std::string_view known : {"amp", "lt", "gt", "quot", "apos"}) {
            if (body == known) return true;
        }
        if (body.starts_with("#")) return is_character(body.substr(1)) || refuse("has a character reference to no character");
        return refuse("has an entity that XML does not know; write the character itself");
    }

    static bool is_character(std::string_view digits) {
        const bool hexadecimal = digits.starts_with("x");
        digits.remove_prefix(hexadecimal);
        if (digits.empty()) return false;
        std::uint32_t code = 0;
        for (const char c : digits) {
            const int value = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : 99;
            if (value >= (hexadecimal ? 16 : 10)) return false;
            code = code * (hexadecimal ? 16 : 10) + static_cast<std::uint32_t>(value);
            if (code > 0x10FFFF) return false;
        }
        return code == 9 || code == 10 || code == 13 || (code >= 0x20 && code < 0xD800) ||
               (code > 0xDFFF && code != 0xFFFE && code != 0xFFFF);
    }

    /// A tree of the text takes memory for each tag, attribute and run of text.
    bool count() { return ++nodes_ <= most_nodes || refuse("holds too many elements"); }

    bool text_run() {
        if (!count()) return false;
        while (at_ < text_.size() && text_[at_] != '<') {
            const char c = text_[at_];
            if (c == '&') {
                if (!reference()) return false;
            } else if (static_cast<unsigned char>(c) < 0x20 && !is_white(c)) {
                return refuse("holds a control character");
            } else if (c == '>' && at_ >= 2 && text_.substr(at_ - 2, 2) == "]]") {
                return refuse("has ']]>' outside of a CDATA section");
            } else {
                ++at_;
            }
        }
        return at_ < text_.size() || refuse("ends before its last element is closed");
    }

    bool content() {
        if (at_ == text_.size() || text_[at_] != '<') return text_run();
        if (starts("</")) return end_tag();
        if (starts("<!--")) return skip_comment();
        if (starts("<![CDATA[")) return count() && skip_past("]]>", "has a CDATA section without an end");
        if (starts("<?")) {
            if (dialect_ == Dialect::narrative) return refuse("has a processing instruction");
            return skip_past("?>", "has a processing instruction without an end");
        }
        return start_tag();
    }

    bool start_tag() {
        if (!starts("<")) return refuse("does not start with an element");
        ++at_;
        const std::string_view tag = name();
        if (tag.empty()) return refuse("has '<' that is neither markup nor written as &lt;");
        if (!count()) return false;
        if (open_.size() >= depth_limit_) return refuse("is nested too deeply");
        if (dialect_ == Dialect::narrative && is_unwanted(tag))
            return refuse("has an element that a narrative must not hold, such as script, form or iframe");
        attributes_.clear();
        for (;;) {
            const bool apart = skip_white();
            if (at_ == text_.size()) return refuse("ends inside a tag");
            if (starts("/>")) {
                at_ += 2;
                return true;
            }
            if (text_[at_] == '>') {
                ++at_;
                open_.push_back(tag);
                return true;
            }
            if (!apart || !attribute()) return fault_.empty() ? refuse("has a malformed tag") : false;
        }
    }

    bool attribute() {
        const std::string_view key = name();
        if (key.empty()) return refuse("has a malformed attribute");
        if (std::find(attributes_.begin(), attributes_.end(), key) != attributes_.end())
            return refuse("has the same attribute twice");
        if (!count()) return false;
        if (attributes_.size() >= 200) return refuse("has too many attributes");
        attributes_.push_back(key);
        skip_white();
        if (at_ == text_.size() || text_[at_] != '=') return refuse("has an attribute without a value");
        ++at_;
        skip_white();
        if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '\''))
            return refuse("has an attribute value without quotes");
        const char quote = text_[at_++];
        const std::size_t start = at_;
        while (at_ < text_.size() && text_[at_] != quote) {
            const char c = text_[at_];
            if (c == '<') return refuse("has '<' inside an attribute");
            if (static_cast<unsigned char>(c) < 0x20 && !is_white(c)) return refuse("holds a control character");
            if (c == '&') {
                if (!reference()) return false;
            } else {
                ++at_;
            }
        }
        if (at_ == text_.size()) return refuse("ends inside an attribute");
        const std::string_view value = text_.substr(start, at_ - start);
        ++at_;
        if (dialect_ != Dialect::narrative) return true;
        if (open_.empty() && key == "xmlns") namespace_ = value;
        const bool handler = key.size() > 2 && equals_ignoring_case(key.substr(0, 2), "on");
        if (handler || (is_link(key) && is_script_link(value))) return refuse("has a script in an attribute");
        return true;
    }

    bool end_tag() {
        at_ += 2;
        const std::string_view tag = name();
        skip_white();
        if (at_ == text_.size() || text_[at_] != '>') return refuse("has a malformed end tag");
        ++at_;
        if (tag != open_.back()) return refuse("closes an element that is not the one open");
        open_.pop_back();
        return true;
    }

    static bool is_unwanted(std::string_view tag) {
        tag.remove_prefix(std::min(tag.size(), tag.rfind(':') + 1));
        return std::any_of(std::begin(unwanted_elements), std::end(unwanted_elements),
                           [&](std::string_view name) { return equals_ignoring_case(tag, name); });
    }

    std::string_view text_;
    Dialect dialect_;
    std::size_t depth_limit_;
    std::size_t at_ = 0;
    std::size_t nodes_ = 0;
    std::string_view fault_;
    std::string_view namespace_;  // of the root of a narrative
    std::vector<std::string_view> open_;
    std::vector<std::string_view> attributes_;
};

}  // namespace

Markup scan_element(std::string_view text, std::size_t depth_limit) {
    Scanner scanner(text, Dialect::xml, depth_limit);
    scanner.element();
    return {scanner.at(), scanner.fault()};
}

Markup scan_document(std::string_view text, std::size_t depth_limit) {
    Scanner scanner(text, Dialect::xml, depth_limit);
    if (!scanner.skip_around()) return {0, scanner.fault()};
    if (text.substr(scanner.at()).starts_with("<!")) return {0, "has a document type, which is not read"};
    const std::size_t root = scanner.at();
    if (!scanner.element() || !scanner.skip_around()) return {0, scanner.fault()};
    if (!scanner.done()) return {0, "goes on after its root element"};
    if (has_noncharacter(text)) return {0, "holds U+FFFE or U+FFFF"};
    return {root, {}};
}

std::string_view narrative_fault(std::string_view text) {
    while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
    while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
    if (!text.starts_with("<div") || text.size() < 5 || is_name_part(text[4])) return "must be one <div> element";
    Scanner scanner(text, Dialect::narrative, 200);
    if (!scanner.element()) return scanner.fault();
    if (has_noncharacter(text)) return "holds U+FFFE or U+FFFF";
    if (!scanner.done()) return "must be one <div> element and nothing after it";
    if (scanner.root_namespace() != "http://www.w3.org/1999/xhtml") {
        return "must be in the namespace http://www.w3.org/1999/xhtml";
    }
    return {};
}

}  // namespace xinglin::fhir
