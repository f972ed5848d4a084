// SPDX-License-Identifier: Apache-2.0
// Reads the expressions of search parameters into paths, by recursive descent.
#include "search/path.h"

#include <cctype>

namespace xinglin::search {
namespace {

using Paths = std::vector<Path>;
using Kind = Step::Kind;

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    std::optional<Paths> all() {
        auto paths = alternatives();
        skip();
        if (!paths || !text_.empty()) return std::nullopt;
        return paths;
    }

private:
    std::string_view text_;
    int depth_ = 0;

    void skip() {
        while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_.front()))) text_.remove_prefix(1);
    }
    bool take(std::string_view what) {
        skip();
        if (!text_.starts_with(what)) return false;
        text_.remove_prefix(what.size());
        return true;
    }
    bool take_word(std::string_view what) {
        skip();
        const bool whole = text_.starts_with(what) &&
                           (text_.size() == what.size() || !std::isalnum(static_cast<unsigned char>(text_[what.size()])));
        if (whole) text_.remove_prefix(what.size());
        return whole;
    }
    std::string name() {
        skip();
        std::size_t end = 0;
        while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) || text_[end] == '_')) ++end;
        std::string taken(text_.substr(0, end));
        text_.remove_prefix(end);
        return taken;
    }
    std::optional<std::string> quoted() {
        if (!take("'")) return std::nullopt;
        const std::size_t end = text_.find('\'');
        if (end == std::string_view::npos) return std::nullopt;
        std::string taken(text_.substr(0, end));
        text_.remove_prefix(end + 1);
        return taken;
    }

    std::optional<Paths> alternatives() {
        if (++depth_ > 16) return std::nullopt;
        Paths all;
        do {
            auto paths = alternative();
            if (!paths) return std::nullopt;
            all.insert(all.end(), paths->begin(), paths->end());
        } while (take("|"));
        --depth_;
        return all;
    }

    std::optional<Paths> alternative() {
        auto paths = chain();
        if (!paths) return std::nullopt;
        if (take_word("as")) append(*paths, {Kind::of_type, name(), {}});
        if (take_word("and") && !not_false(*paths)) return std::nullopt;
        return paths;
    }

    /// The rest of "x.exists() and x != false", after "and".
    bool not_false(Paths& paths) {
        const auto other = chain();
        if (!other || !take("!=") || !take_word("false") || paths.size() != 1 || other->size() != 1) return false;
        auto& steps = paths[0].steps;
        if (steps.size() != 2 || steps[1].kind != Kind::exists_and_not_false) return false;
        steps.pop_back();
        if (paths[0] != (*other)[0]) return false;
        steps[0].kind = Kind::exists_and_not_false;
        return true;
    }

    std::optional<Paths> chain() {
        Paths paths;
        if (take("(")) {
            auto inner = alternatives();
            if (!inner || !take(")")) return std::nullopt;
            paths = std::move(*inner);
        } else if (take("%resource")) {
            paths.push_back({.from_resource = true, .steps = {}});
        } else {
            std::string first = name();
            if (first.empty()) return std::nullopt;
            const bool type = std::isupper(static_cast<unsigned char>(first[0]));
            paths.push_back({.from_resource = type, .steps = {}});
            if (!type) append(paths, {Kind::child, std::move(first), {}});
        }
        while (take(".")) {
            if (!member(paths)) return std::nullopt;
        }
        return paths;
    }

    bool member(Paths& paths) {
        std::string word = name();
        if (word.empty()) return false;
        if (take("(")) return function(paths, word) && take(")");
        append(paths, {Kind::child, std::move(word), {}});
        if (!take("[0]")) return true;
        append(paths, {Kind::first, {}, {}});
        return true;
    }

    bool function(Paths& paths, std::string_view word) {
        if (word == "as" || word == "ofType") {
            append(paths, {Kind::of_type, name(), {}});
            return true;
        }
        if (word == "exists") {
            append(paths, {Kind::exists_and_not_false, {}, {}});  // not_false() checks the other half
            return true;
        }
        if (word == "extension") {
            auto url = quoted();
            if (url) append(paths, {Kind::extension, {}, *url});
            return url.has_value();
        }
        return word == "where" && condition(paths);
    }

    bool condition(Paths& paths) {
        const std::string word = name();
        if (word == "resolve") {
            if (!take("(") || !take(")") || !take_word("is")) return false;
            append(paths, {Kind::where_target, name(), {}});
            return true;
        }
        if (word == "hasExtension") {
            if (!take("(")) return false;
            auto url = quoted();
            if (!url || !take(")")) return false;
            append(paths, {Kind::where_extension, {}, *url});
            return true;
        }
        if (!take("=")) return false;
        auto value = quoted();
        if (value) append(paths, {Kind::where_equals, word, *value});
        return value.has_value();
    }

    static void append(Paths& paths, const Step& step) {
        for (Path& path : paths) path.steps.push_back(step);
    }
};

}  // namespace

std::optional<std::vector<Path>> parse_paths(std::string_view expression) {
    auto paths = Reader(expression).all();
    if (!paths) return std::nullopt;
    for (const Path& path : *paths) {  // half a test means nothing
        for (const Step& step : path.steps) {
            if (step.kind == Kind::exists_and_not_false && step.name.empty()) return std::nullopt;
        }
    }
    return paths;
}

}  // namespace xinglin::search
