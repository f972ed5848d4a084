// SPDX-License-Identifier: Apache-2.0
// Concepts one by one: $lookup, $validate-code, $subsumes, and the pages' tree and search.
#include <algorithm>

#include "terminology/sets.h"
#include "terminology/words.h"
#include "text/text.h"

namespace xinglin::terminology {

namespace {

struct Opened {
    Here edition;
    std::shared_ptr<const Concepts> concepts;
};

Result<Opened> open_system(Library& library, const Now& now, std::string_view system, std::string_view version,
                           std::string_view date) {
    if (system.empty()) return refuse(IssueCode::required, "system", "is needed: which code system is it?");
    const Canonical named(system);
    const std::string_view wanted = version.empty() ? named.version : version;
    const Here edition = library.find(*now, Kind::system, named.url, wanted, date);
    if (!edition) {
        const bool any = now->systems.contains(std::string(named.url));
        return refuse(IssueCode::not_found, any ? "version" : "system",
                      any ? "the code system " + std::string(named.url) + " has no such edition here" +
                                (wanted.empty() ? ", none is in force then" : "")
                          : "the code system " + std::string(named.url) + " is not known here");
    }
    if (!edition->has_concepts)
        return refuse(IssueCode::not_found, "system", "the code system " + edition->url + " has no content here");
    XINGLIN_TRY(auto concepts, library.concepts(edition));
    return Opened{edition, std::move(concepts)};
}

bool same_words(std::string_view a, std::string_view b) { return a == b || text::fold(a) == text::fold(b); }

bool is_named(const Concepts& concepts, Row row, const Set::Override* said, std::string_view display) {
    if (same_words(concepts.display(row), display)) return true;
    if (!concepts.english(row).empty() && same_words(concepts.english(row), display)) return true;
    for (const auto& designation : concepts.designations(row)) {
        if (same_words(concepts.text(designation.value), display)) return true;
    }
    if (!said) return false;
    if (same_words(said->display, display)) return true;
    return std::any_of(said->designations.begin(), said->designations.end(),
                       [&](const Designation& one) { return same_words(one.value, display); });
}

/// What can be wrong with a code that is there.
void judge(const Concepts& concepts, Row row, const Set::Override* said, const ValidateRequest& request, Validation& answer) {
    answer.code = concepts.code(row);
    answer.display = said && !said->display.empty() ? said->display : std::string(concepts.display_in(row, request.language));
    answer.inactive = !concepts.is_active(row);
    answer.result = true;
    if (concepts.is_abstract(row) && !request.abstract_allowed) {
        answer.result = false;
        answer.message = "the code is abstract, a heading that is not meant for recording; take one below it";
    } else if (!request.display.empty() && !is_named(concepts, row, said, request.display)) {
        answer.result = false;
        answer.message = "the display is not a name of this code, which is called " + answer.display;
    } else if (answer.inactive) {
        answer.message = "the code is inactive";
    }
}

Validation not_in(std::string what) {
    Validation answer;
    answer.message = std::move(what);
    return answer;
}

Validation nobody_knows(std::string what) {
    Validation answer = not_in(std::move(what));
    answer.unknown = true;
    return answer;
}

Result<Validation> in_system(Library& library, const Now& now, const ValidateRequest& request) {
    if (const json::Value inline_system = request.inline_definition) {
        XINGLIN_TRY(const auto concepts, read_concepts(inline_system));
        const Row row = concepts->find(request.code);
        if (row == no_row) return not_in("the code is not in the code system");
        Validation answer;
        answer.system = inline_system["url"].string();
        answer.version = inline_system["version"].string();
        judge(*concepts, row, nullptr, request, answer);
        return answer;
    }
    auto opened = open_system(library, now, request.system, request.version, request.date);
    if (!opened.ok()) {
        if (opened.outcome().code() != IssueCode::not_found) return opened.outcome();
        return nobody_knows(opened.outcome().issues.front().what);
    }
    Validation answer;
    answer.system = opened->edition->url;
    answer.version = opened->edition->version;
    const Row row = opened->concepts->find(request.code);
    if (row == no_row) {
        answer.message = "the code is not in the code system " + answer.system +
                         (answer.version.empty() ? "" : " in version " + answer.version);
        return answer;
    }
    judge(*opened->concepts, row, nullptr, request, answer);
    return answer;
}

/// What a system is called in value sets: its url, when an alias is given.
std::string_view main_url(const Now& now, std::string_view system) {
    const auto found = now->systems.find(std::string(system));
    return found == now->systems.end() ? system : std::string_view(found->second.front()->url);
}

Result<Validation> in_set(const Set& set, const Now& now, const ValidateRequest& request) {
    const std::string_view system = main_url(now, request.system);
    Validation found;
    bool any_system = false, is_open = false;
    for (const Set::Part& part : set.parts) {
        if (!system.empty() && part.system != system) continue;
        any_system = true;
        if (!request.version.empty() && !part.version.empty() && part.version != request.version) {
            found.message =
                "the value set has version " + part.version + " of the code system, not " + std::string(request.version);
            continue;
        }
        Validation answer;
        answer.system = part.system;
        answer.version = part.version;
        if (part.concepts) {
            const Row row = part.concepts->find(request.code);
            if (row == no_row || part.has.empty() || !part.has[row]) continue;
            const auto said = part.said.find(row);
            judge(*part.concepts, row, said == part.said.end() ? nullptr : &said->second, request, answer);
        } else {
            const auto at = part.at.find(std::string(request.code));
            is_open = is_open || part.open;
            if (at == part.at.end()) continue;
            const Set::Override& said = part.listed[at->second].said;
            answer.code = request.code;
            answer.display = said.display;
            answer.result = request.display.empty() || said.display.empty() || same_words(said.display, request.display);
            if (!answer.result) answer.message = "the display is not the name of this code, which is called " + said.display;
        }
        if (!found.system.empty() && system.empty() && found.system != answer.system)
            return not_in("several code systems of the value set have this code; say which one");
        found = std::move(answer);
    }
    if (!found.system.empty()) return found;
    if (is_open) return nobody_knows("a code system of the value set has no content here, so that nobody can tell");
    if (!found.message.empty()) return found;
    if (!any_system && !system.empty())
        return not_in("the value set " + set.url + " has no codes of the system " + std::string(system));
    return not_in("the code is not in the value set " + set.url);
}

}  // namespace

std::vector<Designation> designations_of(const Concepts& concepts, Row row, const Set::Override* said) {
    std::vector<Designation> all;
    const auto add = [&](std::string_view language, std::string_view use, std::string_view value) {
        for (const Designation& one : all) {
            if (one.language == language && one.value == value) return;
        }
        if (!value.empty()) all.push_back({std::string(language), std::string(use), std::string(value)});
    };
    add(concepts.language(), "display", concepts.display(row));
    add("en", "display", concepts.english(row));
    for (const auto& one : concepts.designations(row))
        add(concepts.text(one.language), concepts.text(one.use), concepts.text(one.value));
    if (said) {
        for (const Designation& one : said->designations) add(one.language, one.use, one.value);
    }
    return all;
}

std::string_view kind_name(PropertyKind kind) {
    constexpr std::string_view kinds[] = {"string", "code", "boolean", "integer", "decimal", "dateTime", "Coding"};
    return kinds[static_cast<std::size_t>(kind)];
}

Result<Concept> Terminology::lookup(const LookupRequest& request) const {
    const Now now = library_->now();
    XINGLIN_TRY(const Opened opened, open_system(*library_, now, request.system, request.version, request.date));
    if (request.code.empty()) return refuse(IssueCode::required, "code", "is needed: which code is it?");
    const Concepts& concepts = *opened.concepts;
    const Row row = concepts.find(request.code);
    if (row == no_row) return refuse(IssueCode::not_found, "code", "the code is not in the code system " + opened.edition->url);
    Concept found;
    found.name = opened.edition->title.empty() ? opened.edition->url : opened.edition->title;
    found.system = opened.edition->url;
    found.version = opened.edition->version;
    found.code = concepts.code(row);
    found.display = concepts.display_in(row, request.language);
    found.display_en = concepts.display_in(row, "en") == concepts.display(row) && !concepts.language().starts_with("en")
                           ? ""
                           : concepts.display_in(row, "en");
    found.definition = concepts.definition(row);
    found.active = concepts.is_active(row);
    found.is_abstract = concepts.is_abstract(row);
    found.designations = designations_of(concepts, row, nullptr);
    for (const auto& one : concepts.properties(row)) {
        const std::string_view code = concepts.text(one.code);
        if (code == "definition") continue;
        found.properties.push_back({std::string(code), std::string(concepts.text(one.value)), kind_name(one.kind)});
    }
    for (const Row parent : concepts.parents(row)) {
        found.parents.push_back({found.system, found.version, std::string(concepts.code(parent)),
                                 std::string(concepts.display_in(parent, request.language))});
    }
    for (const Row child : concepts.children(row)) found.children.emplace_back(concepts.code(child));
    return found;
}

Result<Validation> Terminology::validate(const ValidateRequest& request) const {
    const Now now = library_->now();
    if (request.code.empty()) return refuse(IssueCode::required, "code", "is needed: which code is it?");
    const bool is_set = !request.value_set.empty() || request.inline_definition["resourceType"].string() == "ValueSet";
    if (!is_set) return in_system(*library_, now, request);
    auto set = request.inline_definition ? sets_->set_of(now, request.inline_definition, request.date)
                                         : sets_->set_of(now, request.value_set, request.value_set_version, request.date);
    if (!set.ok()) return std::move(set).outcome();
    return in_set(**set, now, request);
}

Result<std::string> Terminology::subsumes(std::string_view system, std::string_view version, std::string_view a,
                                          std::string_view b) const {
    XINGLIN_TRY(const Opened opened, open_system(*library_, library_->now(), system, version, ""));
    const Row left = opened.concepts->find(a), right = opened.concepts->find(b);
    if (left == no_row) return refuse(IssueCode::not_found, "codeA", "the code is not in the code system " + opened.edition->url);
    if (right == no_row)
        return refuse(IssueCode::not_found, "codeB", "the code is not in the code system " + opened.edition->url);
    if (left == right) return std::string("equivalent");
    if (opened.concepts->is_below(right, left)) return std::string("subsumes");
    if (opened.concepts->is_below(left, right)) return std::string("subsumed-by");
    return std::string("not-subsumed");
}

Result<ConceptPage> Terminology::concepts(const ConceptsRequest& request) const {
    XINGLIN_TRY(const Opened opened, open_system(*library_, library_->now(), request.system, request.version, request.date));
    const Concepts& concepts = *opened.concepts;
    ConceptPage page;
    page.system = opened.edition->url;
    page.version = opened.edition->version;
    std::vector<Found> found;
    if (!request.words.empty()) {
        found = ranked(concepts.spelling().find(request.words), concepts.spelling(), request.offset, request.count, page.total);
    } else {
        std::span<const Row> rows = concepts.roots();
        if (request.parent && !request.parent->empty()) {
            const Row above = concepts.find(*request.parent);
            if (above == no_row)
                return refuse(IssueCode::not_found, "parent", "the code is not in the code system " + page.system);
            rows = concepts.children(above);
        }
        page.total = rows.size();
        for (std::size_t i = request.offset; i < rows.size() && i - request.offset < request.count; ++i)
            found.push_back({rows[i], Matched::none});
    }
    for (const Found& one : found) {
        ConceptRow row;
        row.code = concepts.code(one.row);
        row.display = concepts.display(one.row);
        row.display_en = concepts.english(one.row);
        if (text::has_han(row.display)) row.pinyin = concepts.spelling().pinyin(one.row);
        row.children = concepts.children(one.row).size();
        for (const Row parent : concepts.parents(one.row)) row.parents.emplace_back(concepts.code(parent));
        row.active = concepts.is_active(one.row);
        row.is_abstract = concepts.is_abstract(one.row);
        row.matched = terminology::text(one.matched);
        page.concepts.push_back(std::move(row));
    }
    return page;
}

}  // namespace xinglin::terminology
