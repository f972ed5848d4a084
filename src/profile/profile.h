// SPDX-License-Identifier: Apache-2.0
// Profiles: does a resource keep the rules of R4 and of the StructureDefinitions it claims, or is asked to satisfy?
//
// A Book holds StructureDefinitions, compiled on first use; once shared it is never changed, and safe from any thread. What
// lies outside a resource (value sets, other resources) is asked through Ask. fhir::validate() looks after the structure.
// Source: FHIR R4 4.0.1, profiling.html, structuredefinition.html, elementdefinition.html, terminologies.html.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "fhir/fhir.h"
#include "fhirpath/fhirpath.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::profile {

/// Is the code in the value set? Nothing when the value set is not known. `system` is "" for a plain code.
using MemberOf = std::function<std::optional<bool>(std::string_view value_set, std::string_view system, std::string_view code)>;

/// How to check, and whom to ask about what the resource does not hold itself.
struct Ask {
    std::vector<std::string> profiles;  // canonical URLs it must satisfy besides those of meta.profile
    bool claims = true;                 // look at meta.profile
    /// Warnings and information too; without them only errors are looked for, which is faster.
    bool everything = true;
    std::size_t limit = 100;  // of issues
    MemberOf member_of;       // beside R4's own enumerations
    /// A resource by reference ("Patient/1"), outside the resource and the bundle around it; it lives until the check is over.
    std::function<json::Value(std::string_view reference)> resolve;
    fhirpath::Budget budget = {.steps = 200'000, .items = 20'000};  // of one invariant
};

/// What is known of a profile, for lists.
struct Card {
    std::string url, name, title, title_zh, type, version, status;
    std::string origin;  // "built in", "stored", or the file
    bool is_extension = false;
    std::size_t must_support = 0;  // elements
    std::optional<Issue> fault;    // why it cannot be used
};

class Book {
public:
    Book();
    Book(Book&&) noexcept;
    Book& operator=(Book&&) noexcept;
    ~Book();

    /// Adds a StructureDefinition (copied), or replaces the one of the same url. Refuses what has no url or is no
    /// StructureDefinition; contradictions inside show when it is first used. Before the book is shared.
    Result<Done> add(json::Value definition, std::string_view origin);
    /// The same book with more in it: what was compiled is compiled anew, because bases may have changed.
    Book with(const std::vector<json::Value>& definitions, std::string_view origin) const;

    /// Compiles a definition as if it were added, and refuses it when it contradicts itself: min above max, a fixed value of
    /// another type, slices that need more than there may be, an element that does not exist, a base that leads back to
    /// itself, an invariant that cannot be parsed, anything looser than its base.
    Result<Done> test(json::Value definition) const;

    /// The rules of R4 for the resource and everything in it, its extensions, and the profiles it claims or is asked to satisfy.
    /// `where` of an issue is a FHIRPath from the resource ("Patient.name[0].given[1]"), `key` what was checked ("min", "max",
    /// "type", "fixed", "pattern", "binding", "slice:NAME", "invariant:pat-1", "reference", "extension", "profile", …).
    /// The structure must have been found right, or issues may repeat what fhir::validate() says.
    Outcome check(json::Value resource, const Ask& ask = {}) const;

    /// Is there such a profile (a version after `|` is ignored unless it differs)? R4's own types count.
    bool knows(std::string_view url) const;
    /// Does the item satisfy the profile? Nothing when the profile is not known. For conformsTo().
    std::optional<bool> conforms(std::string_view url, const fhirpath::Item& item, const Ask& ask = {}) const;
    /// Does the item belong to the slice? Nothing when there is no such slice. For slice().
    std::optional<bool> in_slice(std::string_view url, std::string_view slice, const fhirpath::Item& item,
                                 const Ask& ask = {}) const;

    /// All of them by url.
    std::vector<Card> cards() const;
    /// The definition of a url as it was added; nothing when there is none.
    json::Value definition(std::string_view url) const;

    struct Inside;

private:
    std::unique_ptr<Inside> inside_;
};

/// Every StructureDefinition of content/profiles (subfolders too, but not those named `cases`). Refuses a file that is not
/// one, or that contradicts itself (where: the file).
Result<Book> built_in(const content::Files& files);

/// The words of an issue in the language asked for ("zh", "zh-CN", "en", …); English where there are no others. Knows
/// the sentences of fhir::validate() too.
std::string words(const Issue& issue, std::string_view language);

}  // namespace xinglin::profile
