// SPDX-License-Identifier: Apache-2.0
// Items and their System values.
#include <unordered_map>

#include <fmt/format.h>

#include "fhirpath/plain.h"

namespace xinglin::fhirpath {

namespace {

constexpr std::string_view kind_names[] = {"", "boolean", "integer", "decimal", "string", "date", "dateTime", "time", "Quantity"};

std::unordered_map<const fhir::Type*, Item::Kind> kinds_by_type() {
    using Kind = Item::Kind;
    constexpr std::pair<std::string_view, Kind> rows[] = {
        {"boolean", Kind::boolean},
        {"integer", Kind::integer},
        {"positiveInt", Kind::integer},
        {"unsignedInt", Kind::integer},
        {"decimal", Kind::decimal},
        {"string", Kind::string},
        {"code", Kind::string},
        {"id", Kind::string},
        {"uri", Kind::string},
        {"url", Kind::string},
        {"canonical", Kind::string},
        {"oid", Kind::string},
        {"uuid", Kind::string},
        {"markdown", Kind::string},
        {"base64Binary", Kind::string},
        {"xhtml", Kind::string},
        {"date", Kind::date},
        {"dateTime", Kind::date_time},
        {"instant", Kind::date_time},
        {"time", Kind::time},
        {"Quantity", Kind::quantity},
        {"Age", Kind::quantity},
        {"Count", Kind::quantity},
        {"Distance", Kind::quantity},
        {"Duration", Kind::quantity},
        {"SimpleQuantity", Kind::quantity},
        {"MoneyQuantity", Kind::quantity},
    };
    std::unordered_map<const fhir::Type*, Kind> kinds;
    for (const auto& [name, kind] : rows) {
        if (const fhir::Type* type = fhir::find_type(name)) kinds.emplace(type, kind);
    }
    return kinds;
}

Plain plain_quantity(json::Value value) {
    Plain result;
    const json::Value number = value["value"];
    if (!number.is_number() || value["comparator"]) return result;
    const std::string_view code = value["code"].string(), system = value["system"].string();
    constexpr std::string_view ucum = "http://unitsofmeasure.org", words = "http://hl7.org/fhirpath/CodeSystem/calendar-units";
    result.kind = Item::Kind::quantity;
    result.text = number.text();
    result.recorded = system == ucum || system.empty();
    result.unit = !code.empty() && (system == ucum || system == words || system.empty()) ? code : value["unit"].string();
    if (result.unit.empty()) result.unit = code.empty() ? std::string_view("1") : code;
    return result;
}

Plain plain_integer(std::string_view digits) {
    Plain result;
    const auto number = Decimal::parse(digits);
    if (!number) return result;
    result.text = digits;
    const auto whole = number->scale() == 0 ? number->to_integer() : std::nullopt;
    result.kind = whole ? Item::Kind::integer : Item::Kind::decimal;
    result.integer = whole.value_or(0);
    return result;
}

Plain plain_node(const Item& item) {
    Plain result;
    const json::Value value = item.value;
    if (!value || value.is_null()) return result;
    if (!item.type) {  // JSON we have no model for
        if (value.is_string()) result = {.kind = Item::Kind::string, .text = value.text()};
        else if (value.is_boolean()) result = {.kind = Item::Kind::boolean, .boolean = value.as_bool()};
        else if (value.is_number()) result = plain_integer(value.text());
        return result;
    }
    const Item::Kind kind = system_kind(item.type);
    switch (kind) {
        case Item::Kind::node: return result;
        case Item::Kind::boolean:
            if (value.is_boolean()) result = {.kind = kind, .boolean = value.as_bool()};
            return result;
        case Item::Kind::integer: return value.is_number() ? plain_integer(value.text()) : result;
        case Item::Kind::decimal:
            if (value.is_number()) result = {.kind = kind, .text = value.text()};
            return result;
        case Item::Kind::quantity: return value.is_object() ? plain_quantity(value) : result;
        default:
            if (value.is_string()) result = {.kind = kind, .text = value.text()};
            return result;
    }
}

}  // namespace

std::string_view kind_name(Item::Kind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

std::string Item::type_name() const {
    if (kind != Kind::node) return std::string(kind_name(kind));
    if (type) return std::string(type->name);
    if (const Plain value = plain(*this)) return std::string(kind_name(value.kind));
    const std::string_view resource_type = value["resourceType"].string();
    return resource_type.empty() ? "Any" : std::string(resource_type);
}

Item::Kind system_kind(const fhir::Type* type) {
    static const auto kinds = kinds_by_type();
    const auto found = kinds.find(type);
    return found == kinds.end() ? Item::Kind::node : found->second;
}

Plain plain(const Item& item) {
    if (item.kind == Item::Kind::node) return plain_node(item);
    return {.kind = item.kind, .boolean = item.boolean, .integer = item.integer, .text = item.text, .unit = item.unit};
}

bool is_valueless(const Item& item) { return !plain(item) && system_kind(item.type) != Item::Kind::node; }

std::optional<Decimal> Plain::number() const {
    if (kind == Item::Kind::integer) return Decimal(integer);
    if (kind == Item::Kind::decimal || kind == Item::Kind::quantity) return Decimal::parse(text);
    return std::nullopt;
}

std::optional<Amount> Plain::amount() const {
    auto value = number();
    if (!value) return std::nullopt;
    return Amount{std::move(*value), kind == Item::Kind::quantity ? unit : std::string_view("1"), recorded};
}

std::optional<Item> system_item(const Item& item) {
    if (item.kind != Item::Kind::node) return item;
    const Plain value = plain(item);
    if (!value) return std::nullopt;
    Item result;
    result.kind = value.kind;
    result.boolean = value.boolean;
    result.integer = value.integer;
    if (!value.is(Item::Kind::integer)) result.text = value.text;
    result.unit = value.unit;
    return result;
}

Item make(bool value) {
    Item item;
    item.kind = Item::Kind::boolean;
    item.boolean = value;
    return item;
}
Item make(std::int64_t value) {
    Item item;
    item.kind = Item::Kind::integer;
    item.integer = value;
    return item;
}
Item make(Item::Kind kind, std::string text) {
    Item item;
    item.kind = kind;
    item.text = std::move(text);
    return item;
}
Item make(std::string text) { return make(Item::Kind::string, std::move(text)); }
Item make(const Decimal& value) { return make(Item::Kind::decimal, value.text()); }
Item make(const Decimal& value, std::string unit) {
    Item item = make(Item::Kind::quantity, value.text());
    item.unit = std::move(unit);
    return item;
}

std::string quantity_text(std::string_view value, std::string_view unit) {
    if (calendar_unit(unit)) return fmt::format("{} {}", value, unit);
    return fmt::format("{} '{}'", value, unit);
}

std::optional<std::string> text_of(const Item& item) {
    const Plain value = plain(item);
    switch (value.kind) {
        case Item::Kind::node: return std::nullopt;
        case Item::Kind::boolean: return value.boolean ? "true" : "false";
        case Item::Kind::integer: return std::to_string(value.integer);
        case Item::Kind::quantity: return quantity_text(value.text, value.unit);
        default: return std::string(value.text);
    }
}

Item item_of(json::Value resource) {
    Item item;
    item.value = resource;
    item.type = fhir::find_resource(resource["resourceType"].string());
    item.resource = resource;
    item.root_resource = resource;
    return item;
}

std::optional<bool> truth(const Collection& collection) {
    if (collection.empty()) return std::nullopt;
    if (collection.size() > 1) return true;
    const Plain value = plain(collection.front());
    return value.is(Item::Kind::boolean) ? value.boolean : true;
}

}  // namespace xinglin::fhirpath
