// SPDX-License-Identifier: Apache-2.0
// The simple paths that views are made of (a.b.c, first(), where(use = 'x'), ofType(), exists(), keys …), run straight
// over the JSON: no items, no copies, and no budget needed, as such a path costs at most its input.
//
// Gives exactly what Expression::evaluate gives, or does not compile; quick_test.cpp compares the two.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fhirpath/fhirpath.h"

namespace xinglin::fhirpath {

/// "Patient/p1" out of "https://host/fhir/Patient/p1/_history/2"; "" when there is no literal reference to `wanted_type`
/// ("": to anything). What getReferenceKey() gives.
std::string_view reference_key(std::string_view reference, std::string_view wanted_type);

/// One item of a quick result: an element of the resource, or a value. Texts are borrowed from the resource, the
/// path, or the arena given to run().
struct Spot {
    enum class Kind : std::uint8_t { element, boolean, integer, text };
    Kind kind = Kind::element;
    bool boolean = false;
    std::int64_t integer = 0;
    std::string_view text;
    json::Value value, sidecar;  // of an element
};

/// What a run leans on; `live` are the values of the live variables, in the order they were named in when compiling;
/// an empty text is no item.
struct QuickSite {
    json::Value resource;  // %resource
    std::span<const Spot> live;
    json::Arena* arena = nullptr;  // for keys that are made up
};

class Quick {
public:
    struct Settings {
        const fhir::Type* context = nullptr;                            // exactly the type of the context item
        const fhir::Type* resource = nullptr;                           // of %resource; nullptr: unknown
        std::span<const std::pair<std::string, Collection>> constants;  // %name that never change
        std::span<const std::string_view> live;                         // %name given with each run
    };
    /// Nothing when the expression is not that simple. `expression` must outlive the result, the constants' nodes too.
    static std::optional<Quick> compile(const Expression& expression, const Settings& settings);

    /// FHIR type of the elements it gives; nullptr when it gives values.
    const fhir::Type* type() const { return type_; }
    /// Appends the result to `out`, which is used as a stack meanwhile. Many threads may run one Quick.
    void run(const Spot& context, const QuickSite& site, std::vector<Spot>& out) const;

    /// Gives a boolean or nothing, whatever the resource.
    bool is_test() const;
    /// Of a test: true is possible only if of each list one text at least stands in the JSON text of the resource: as it is,
    /// when that has no \uXXXX in it. Empty: no such thing is known.
    using Needs = std::vector<std::vector<std::string>>;
    Needs needs() const;

    struct Step {
        enum class Kind : std::uint8_t {
            context,
            member,
            extension,
            where,
            first,
            last,
            at,
            count,
            resource,
            live,
            literal,
            exists,
            empty,
            negate,
            equal,
            not_equal,
            both,
            either,
            resource_key,
            reference_key,
        };
        Kind kind = Kind::context;
        bool with_sidecar = false;         // member: of a primitive
        bool from_sidecar = false;         // member: id or extension of a primitive
        int focus = -1;                    // step before the dot; of both and either the left side
        int argument = -1;                 // criterion, or the right side
        std::size_t index = 0;             // at: [n]; live: which
        std::string name, sidecar;         // member: JSON keys; extension: url; reference_key: type wanted; a literal's text
        Spot literal;                      // its text stands in `name`
        const fhir::Type* type = nullptr;  // of the elements it gives
    };

private:
    std::vector<Step> steps_;
    int root_ = -1;
    const fhir::Type* type_ = nullptr;
};

}  // namespace xinglin::fhirpath
