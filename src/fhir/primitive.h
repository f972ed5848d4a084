// SPDX-License-Identifier: Apache-2.0
// Inside the room: the formats of FHIR's primitive types.
#pragma once

#include <cstdint>
#include <string_view>

#include "fhir/id.h"

namespace xinglin::fhir {

/// How values of a type are checked beyond their elements.
enum class Check : std::uint8_t {
    none,
    // primitives
    boolean,
    integer,
    positive_int,
    unsigned_int,
    decimal,
    string,
    code,
    id,
    uri,
    oid,
    uuid,
    base64,
    date,
    date_time,
    instant,
    time,
    xhtml,
    // complex types with a rule of their own
    reference,
    extension,
    codeable_concept,
    resource,
};

/// The check of the type called `name`; none for most.
Check check_named(std::string_view name);

/// Is `text` the text of a JSON boolean or number (rather than of a string)?
constexpr bool is_json_boolean(Check check) { return check == Check::boolean; }
constexpr bool is_json_number(Check check) { return check >= Check::integer && check <= Check::decimal; }

/// Nothing when `text` has the format of the primitive, otherwise what is wrong, as the end of a sentence. The text itself
/// is never repeated: it may be personal data.
std::string_view format_fault(Check check, std::string_view text);

/// RFC 8259 number.
bool is_decimal(std::string_view text);
/// U+FFFE or U+FFFF, which JSON can hold but XML cannot.
bool has_noncharacter(std::string_view text);

}  // namespace xinglin::fhir
