// SPDX-License-Identifier: Apache-2.0
// The book of definitions: added once, compiled at first use, asked by many threads.
#include <algorithm>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "profile/element.h"
#include "profile/walk.h"

namespace xinglin::profile {

namespace {

/// A definition as it was added. Shared between a book and the books made from it.
struct Source {
    json::Arena arena;
    json::Value definition;
    std::string origin;
};

/// Compiled at first use.
struct Entry {
    std::shared_ptr<const Source> source;
    mutable std::once_flag once;
    mutable std::shared_ptr<const Profile> profile;
    mutable Issue fault;
};

Result<Done> looks_right(json::Value definition) {
    if (definition["resourceType"].string() != "StructureDefinition")
        return refuse(IssueCode::structure, "resourceType", "is not a StructureDefinition");
    if (definition["url"].string().empty())
        return refuse(IssueCode::required, "StructureDefinition.url", "is required: profiles are named by it");
    if (definition["url"].string().find('|') != std::string_view::npos)
        return refuse(IssueCode::value, "StructureDefinition.url",
                      "holds '|', which begins the version where it is named; leave it out");
    return Done{};
}

/// Definitions of R4's own types, and logical models, are no profiles to check with.
bool is_profile(json::Value definition) {
    return definition["derivation"].string() != "specialization" && definition["kind"].string() != "logical" &&
           definition["baseDefinition"];
}

}  // namespace

struct Book::Inside final : Shelf {
    std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries;

    json::Value definition(std::string_view url) const {
        const auto at = entries.find(without_version(url));
        return at == entries.end() ? json::Value() : at->second->source->definition;
    }

    const Entry* compiled(std::string_view url) const {
        const auto at = entries.find(without_version(url));
        if (at == entries.end()) return nullptr;
        const Entry& entry = *at->second;
        std::call_once(entry.once, [&] {
            auto made = compile(entry.source->definition, [this](std::string_view base) { return definition(base); });
            if (made.ok()) entry.profile = std::move(*made);
            else entry.fault = made.outcome().issues.front();
        });
        return &entry;
    }

    const Profile* find(std::string_view url, const Issue** fault) const override {
        const Entry* entry = compiled(url);
        if (!entry) return nullptr;
        if (!entry->profile && fault) *fault = &entry->fault;
        return entry->profile.get();
    }

    void put(std::shared_ptr<const Source> source) {
        auto entry = std::make_unique<Entry>();
        std::string url(source->definition["url"].string());
        entry->source = std::move(source);
        entries[std::move(url)] = std::move(entry);
    }
};

Book::Book() : inside_(std::make_unique<Inside>()) {}
Book::Book(Book&&) noexcept = default;
Book& Book::operator=(Book&&) noexcept = default;
Book::~Book() = default;

Result<Done> Book::add(json::Value definition, std::string_view origin) {
    XINGLIN_CHECK(looks_right(definition));
    auto source = std::make_shared<Source>();
    source->definition = source->arena.copy(definition);
    source->origin = origin;
    inside_->put(std::move(source));
    return Done{};
}

Book Book::with(const std::vector<json::Value>& definitions, std::string_view origin) const {
    Book made;
    for (const auto& [url, entry] : inside_->entries) made.inside_->put(entry->source);
    for (const json::Value& definition : definitions) {
        if (is_profile(definition)) (void)made.add(definition, origin);
    }
    return made;
}

Result<Done> Book::test(json::Value definition) const {
    XINGLIN_CHECK(looks_right(definition));
    if (!is_profile(definition)) return Done{};
    const std::string_view own = definition["url"].string();
    const auto made =
        compile(definition, [&](std::string_view url) { return url == own ? definition : inside_->definition(url); });
    if (!made.ok()) return made.outcome();
    return Done{};
}

Outcome Book::check(json::Value resource, const Ask& ask) const {
    const fhir::Type* type = type_of_resource(resource);
    if (!type) return refuse(IssueCode::structure, "resourceType", "must name a resource type of FHIR R4");
    Walk walk(*inside_, ask);
    walk.path().push_back({type->name, {}, SIZE_MAX});
    walk.survey(resource);
    const auto claimed = resource["meta"]["profile"].items();
    for (const std::string& url : ask.profiles) {
        const bool is_done = ask.claims && std::any_of(claimed.begin(), claimed.end(), [&](const json::Node& claim) {
                                 return json::Value(&claim).string() == url;
                             });
        if (!is_done) walk.satisfy(url, Spot{resource, {}, type}, Around{resource, resource});
    }
    return std::move(walk).finish();
}

bool Book::knows(std::string_view url) const {
    if (base_type(url)) return true;
    const json::Value definition = inside_->definition(url);
    const std::size_t bar = url.find('|');
    return definition && (bar == std::string_view::npos || definition["version"].string() == url.substr(bar + 1));
}

std::optional<bool> Book::conforms(std::string_view url, const fhirpath::Item& item, const Ask& ask) const {
    if (item.kind != fhirpath::Item::Kind::node || !item.type) return std::nullopt;
    if (const fhir::Type* type = base_type(url)) return item.type->is_a(*type);
    const Profile* profile = inside_->find(url, nullptr);
    if (!profile) return std::nullopt;
    if (!item.type->is_a(*profile->type)) return false;
    const Walk walk(*inside_, ask);
    return walk.passes(*profile->root, Spot{item.value, item.sidecar, item.type}, Around{item.resource, item.root_resource});
}

std::optional<bool> Book::in_slice(std::string_view url, std::string_view slice, const fhirpath::Item& item,
                                   const Ask& ask) const {
    return Walk(*inside_, ask).in_named_slice(url, slice, item);
}

std::vector<Card> Book::cards() const {
    std::vector<Card> all;
    for (const auto& [url, entry] : inside_->entries) {
        const json::Value definition = entry->source->definition;
        const auto text = [&](std::string_view member) { return std::string(definition[member].string()); };
        Card card{url,
                  text("name"),
                  text("title"),
                  chinese(definition, "title"),
                  text("type"),
                  text("version"),
                  text("status"),
                  entry->source->origin,
                  false,
                  0,
                  {}};
        card.is_extension = card.type == "Extension";
        const Entry* made = inside_->compiled(url);
        if (made->profile) card.must_support = made->profile->must_support;
        else card.fault = made->fault;
        all.push_back(std::move(card));
    }
    return all;
}

json::Value Book::definition(std::string_view url) const { return inside_->definition(url); }

Result<Book> built_in(const content::Files& files) {
    Book book;
    for (const std::string& path : files.list("profiles", ".json")) {
        if (path.find("/cases/") != std::string::npos) continue;
        const auto text = files.read(path);
        if (!text || text->empty()) continue;
        json::Arena arena;
        const auto definition = json::parse(*text, arena);
        if (!definition.ok()) return refuse(IssueCode::structure, files.origin(path) + " " + path, definition.outcome().line());
        if (auto added = book.add(*definition, files.origin(path)); !added.ok())
            return refuse(IssueCode::structure, path, added.outcome().line());
    }
    for (const Card& card : book.cards()) {
        if (card.fault) return refuse(IssueCode::invariant, card.url, card.fault->where + ": " + card.fault->what);
    }
    return book;
}

}  // namespace xinglin::profile
