// SPDX-License-Identifier: Apache-2.0
// What System value an item stands for, and items made from values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fhirpath/decimal.h"
#include "fhirpath/fhirpath.h"
#include "fhirpath/unit.h"

namespace xinglin::fhirpath {

/// A System value without copying: borrowed from the item, valid while it lives. kind == node: the item has none.
struct Plain {
    Item::Kind kind = Item::Kind::node;
    bool boolean = false;
    bool recorded = false;  // a quantity read from a FHIR resource
    std::int64_t integer = 0;
    std::string_view text;
    std::string_view unit;

    explicit operator bool() const { return kind != Item::Kind::node; }
    bool is(Item::Kind wanted) const { return kind == wanted; }
    bool is_number() const { return kind == Item::Kind::integer || kind == Item::Kind::decimal; }
    bool is_moment() const { return kind == Item::Kind::date || kind == Item::Kind::date_time; }
    /// Of an integer, decimal or quantity.
    std::optional<Decimal> number() const;
    /// Of a number or quantity; numbers have the unit '1'.
    std::optional<Amount> amount() const;
};
Plain plain(const Item& item);
/// The System kind FHIR's primitive (or Quantity) converts to; node for every other type.
Item::Kind system_kind(const fhir::Type* type);
/// A FHIR primitive or Quantity that has no value to work with: only extensions, or a comparator. Counts as empty.
bool is_valueless(const Item& item);
/// An item of System type with the same value; nothing when it has none.
std::optional<Item> system_item(const Item& item);

Item make(bool value);
Item make(std::int64_t value);
Item make(std::string text);
Item make(const Decimal& value);
Item make(const Decimal& value, std::string unit);
Item make(Item::Kind kind, std::string text);
inline Item make(const char* text) { return make(std::string(text)); }
inline Item make(std::string_view text) { return make(std::string(text)); }

/// As toString() writes it; nothing for items without a System value.
std::optional<std::string> text_of(const Item& item);
/// "4 'mg'", "4 days"
std::string quantity_text(std::string_view value, std::string_view unit);

std::string_view kind_name(Item::Kind kind);  // "boolean", "dateTime", "Quantity"

}  // namespace xinglin::fhirpath
