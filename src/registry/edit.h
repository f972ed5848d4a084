// SPDX-License-Identifier: Apache-2.0
// Inside the room: one entry's JSON being changed. Members that it does not know stay as they are.
#pragma once

#include <string>
#include <string_view>

#include "json/json.h"
#include "registry/entry.h"

namespace xinglin::registry {

/// What a licence is called that has a number only: a qualification must have a name.
inline constexpr std::string_view unnamed_licence = "执业证书";

class Edit {
public:
    Edit(json::Arena& arena, json::Value resource) : arena_(arena), it_(resource) {}
    json::Value value() const { return it_; }

    /// An empty text takes the member away, here and below.
    void set_text(std::string_view member, std::string_view text);
    void set_reference(std::string_view member, std::string_view reference);
    void set_coding(std::string_view member, std::string_view system, std::string_view code);  // of type Coding
    /// A concept with one coding; one without code only says its text.
    void set_concept(std::string_view member, std::string_view system, std::string_view code, std::string_view text, bool many);
    /// The type of an Organization of this system; other systems' codings stay.
    void set_type(std::string_view system, std::string_view code, std::string_view display);
    void set_code(std::string_view system, std::string_view value);  // in place, as if it had always been so
    void set_name(std::string_view name);                            // likewise
    void set_area(std::string_view code);
    void set_address(std::string_view text);
    void set_phone(std::string_view number);
    void set_position(std::string_view longitude, std::string_view latitude);
    void set_days(std::string_view from, std::string_view to);
    void set_active(bool active);
    void set_state(std::string_view state);                               // active, inactive, suspended
    void set_display(std::string_view member, std::string_view display);  // of a Reference that names nobody
    void set_udi(std::string_view device_identifier);                     // of a Device
    void set_product_identifier(std::string_view udi);                    // of a DeviceDefinition
    /// The licence's number, or its name; the other stays.
    void set_licence(std::string_view number, std::string_view name, bool is_name);
    Days days() const;

    /// What changed on a day keeps what was before it.
    void rename(std::string_view was, std::string_view name, std::string_view day);
    void recode(std::string_view system, std::string_view value, std::string_view day);
    void set_open(bool open, std::string_view day);
    void add_event(std::string_view kind, std::string_view day, std::string_view target, std::string_view note);
    void set_standing(std::string_view code);                                  // stray, registered
    void add_mapping(std::string_view system, std::string_view value);         // a source's own code, beside the others
    void add_former_parent(std::string_view reference, std::string_view day);  // until the day before
    void set_boundary(std::string_view geojson, std::string_view day);         // from that day; the one before keeps its days
    void replace_references(std::string_view from, std::string_view to);

private:
    json::Arena& arena_;
    json::Value it_;

    std::string_view type() const { return it_["resourceType"].string(); }
    json::Value text(std::string_view text) { return text.empty() ? json::Value{} : arena_.string(text); }
    void put(std::string_view member, json::Value value) { it_ = arena_.with(it_, member, value); }
    json::Value period(std::string_view from, std::string_view to);
    /// The list without what `is` says, with `more` at its end; nothing when it becomes empty.
    template <typename Is>
    json::Value list(json::Value from, Is is, json::Value more);
    void put_extension(std::string_view url, json::Value extension, bool only);
    std::string_view period_member() const;
};

bool is_division(std::string_view code);

}  // namespace xinglin::registry
