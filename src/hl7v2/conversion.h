// SPDX-License-Identifier: Apache-2.0
// Inside the room: a message on its way to FHIR. What is read is marked, so that what was not read can be named.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"
#include "hl7v2/hl7v2.h"
#include "json/json.h"

namespace xinglin::hl7v2 {

class Conversion;

/// A repetition of a field, a component of it or a subcomponent. Asking for a component marks it as read; asking for the
/// text marks all of it.
class Part {
public:
    Part() = default;
    Part(Conversion* c, std::string_view raw, std::uint32_t cell, int level) : c_(c), raw_(raw), cell_(cell), level_(level) {}

    bool empty() const;  // nothing, only delimiters, or "" (HL7's "there is none")
    explicit operator bool() const { return !empty(); }
    Part operator[](int number) const;
    std::string_view text() const;  // unescaped, trimmed
    std::string_view raw() const { return raw_; }

private:
    Conversion* c_ = nullptr;
    std::string_view raw_;
    std::uint32_t cell_ = 0;
    int level_ = 0;
};

/// A field with its repetitions.
class Field {
public:
    Field() = default;
    Field(Conversion* c, std::string_view raw, std::uint32_t cell) : c_(c), raw_(raw), cell_(cell) {}
    bool empty() const;
    explicit operator bool() const { return !empty(); }
    std::vector<Part> all() const;  // repetitions that hold something
    Part first() const;
    Part operator[](int component) const { return first()[component]; }
    std::string_view text() const { return first().text(); }
    void pass_over() const;  // means nothing for the record: set ids, what the header needs

private:
    Conversion* c_ = nullptr;
    std::string_view raw_;
    std::uint32_t cell_ = 0;
};

/// A segment under conversion.
class Seg {
public:
    Seg() = default;
    Seg(Conversion* c, const Segment* segment) : c_(c), segment_(segment) {}
    explicit operator bool() const { return segment_ != nullptr; }
    Field operator[](std::uint32_t number) const;
    bool has(std::uint32_t number) const;  // without marking it
    std::string_view name() const { return segment_->name; }
    std::string place(std::uint32_t number) const;
    const Segment* segment() const { return segment_; }

private:
    Conversion* c_ = nullptr;
    const Segment* segment_ = nullptr;
};

/// An object of FHIR in the making. Nothing is ever set to nothing.
class Object {
public:
    explicit Object(Conversion& c) : c_(&c) {}
    void set(std::string_view key, json::Value value);  // the first stays
    void put(std::string_view key, json::Value value);  // the last stays
    void add(std::string_view key, json::Value value);  // to a list; the same twice stays once
    void text(std::string_view key, std::string_view text);
    void extend(std::string_view url, std::string_view value_key, json::Value value);
    bool has(std::string_view key) const;
    bool has_value() const;                       // any value[x]
    json::Value get(std::string_view key) const;  // of lists the first
    void drop(std::string_view key);
    std::size_t count(std::string_view key) const;
    bool empty() const { return members_.empty(); }
    json::Value value() const;  // nothing when empty

protected:
    struct Member {
        std::string_view key;
        bool is_list;
        std::vector<json::Value> values;
    };
    Member* find(std::string_view key);
    const Member* find(std::string_view key) const;
    Conversion* c_;
    std::vector<Member> members_;
};

/// A resource in the making.
class Thing : public Object {
public:
    Thing(Conversion& c, std::string_view type, std::string id) : Object(c), type(type), id(std::move(id)) {}
    std::string_view type;
    std::string id;
    bool is_lesser = false;  // says less than an earlier message may have said (message::Converted::lesser)
    json::Value reference(std::string_view display = {}) const;
};

using Maker = json::Value (*)(Conversion&, Part);

/// One line of a mapping: a field, where it goes, how it is made. With `url` it is an extension and `key` its value[x].
struct Line {
    std::uint32_t field;
    std::string_view key;
    Maker make;
    bool many = true;  // a list in FHIR
    std::string_view url = {};
};

class Conversion {
public:
    Conversion(const Message& message, const message::Sender& sender, const Tables& tables, const Limits& limits,
               message::Facts facts);

    /// The resource of this type that the sender calls `key`: made, or found when it was made before.
    Thing& thing(std::string_view type, std::string_view key);
    bool has_thing(std::string_view type, std::string_view key) const;
    /// Carries fields line by line into an object.
    void carry(Seg segment, Object& object, std::span<const Line> lines);
    /// What of this segment was not read goes to this resource as an extension.
    void anchor(Seg segment, Thing& thing);
    void note(std::string where, std::string what, std::string_view key);

    json::Value string(std::string_view text);  // nothing when empty
    json::Value boolean(bool value) { return arena.boolean(value); }
    json::Value coding(std::string_view system, std::string_view code, std::string_view display = {});
    json::Value concept_of(std::string_view system, std::string_view code, std::string_view display = {},
                           std::string_view text = {});
    std::string own_system(std::string_view numbers) const { return message::own_system(sender, numbers); }

    /// Text as Part::text gives it, for values that live as long as the conversion.
    std::string_view keep(std::string_view raw);

    const Message& message;
    const message::Sender& sender;
    const Tables& tables;
    const Limits& limits;
    message::Facts facts;
    json::Arena arena;
    std::vector<message::Note> notes;
    std::deque<Thing> things;
    bool is_chinese = false;
    std::int16_t offset_minutes = 480;  // of times without a zone

    struct Cell {
        std::uint32_t components = 0;   // bit n: component n was read; bit 31: all
        std::uint16_t repetitions = 0;  // read so far
    };
    std::vector<Cell> cells;     // beside Message::fields
    std::uint32_t at_field = 0;  // the field a maker works for: for notes
    const Segment* at_segment = nullptr;
    std::string here() const;

    /// The bundle and the notes about what was left.
    message::Converted finish();
    message::Converted finish_as_tree();

private:
    void put_all(message::Draft& draft, message::Converted& out);
    void leftovers(const Segment& segment);
    void leftover(const Segment& segment, std::uint32_t number, std::vector<std::pair<std::string, std::string_view>>& out);
    void keep_leftovers(const Segment& segment, const std::vector<std::pair<std::string, std::string_view>>& left);

    std::map<std::string, Thing*, std::less<>> by_key_;
    std::map<const Segment*, Thing*> anchors_;
};

// ---- Data types (one function for each, in datatype files) ---------------------------------------------------------------

json::Value as_string(Conversion& c, Part p);
json::Value as_text(Conversion& c, Part p);  // the whole field with delimiters, for what has no better place
json::Value as_markdown(Conversion& c, Part p);
json::Value as_code(Conversion& c, Part p);     // a FHIR code; nothing when it can't be one
json::Value as_concept(Conversion& c, Part p);  // CE, CF, CWE, CNE, IS, ID → CodeableConcept
json::Value as_coding(Conversion& c, Part p);
json::Value as_date(Conversion& c, Part p);
json::Value as_date_time(Conversion& c, Part p);
json::Value as_instant(Conversion& c, Part p);
json::Value as_time(Conversion& c, Part p);
json::Value as_period(Conversion& c, Part p);      // DR
json::Value as_identifier(Conversion& c, Part p);  // CX
json::Value as_entity(Conversion& c, Part p);      // EI → Identifier
json::Value as_name(Conversion& c, Part p);        // XPN → HumanName
json::Value as_name_text(Conversion& c, Part p);
json::Value as_address(Conversion& c, Part p);       // XAD
json::Value as_telecom(Conversion& c, Part p);       // XTN → ContactPoint
json::Value as_practitioner(Conversion& c, Part p);  // XCN → Reference
json::Value as_organization(Conversion& c, Part p);  // XON → Reference
json::Value as_location(Conversion& c, Part p);      // PL → Reference
json::Value as_quantity(Conversion& c, Part p);      // CQ, NM
json::Value as_money(Conversion& c, Part p);         // MO, CP
json::Value as_boolean(Conversion& c, Part p);       // Y, N
json::Value as_positive(Conversion& c, Part p);      // positiveInt
json::Value as_annotation(Conversion& c, Part p);

/// CE and its like with what its table says put first.
json::Value concept_by(Conversion& c, Part p, std::string_view table);
/// The FHIR code a table gives; "" with a note when it gives none.
std::string_view code_by(Conversion& c, Part p, std::string_view table);
std::string_view code_by(Conversion& c, std::string_view code, std::string_view table, std::string_view where);
/// A number of HL7 as JSON writes it; "" when it is none.
std::string number_text(std::string_view text);
json::Value quantity(Conversion& c, std::string_view number, Part unit, std::string_view comparator = {});
/// The system that a coding system's name in HL7 stands for.
std::string system_of(Conversion& c, std::string_view name);
/// HD: a system, and the name of who assigns.
std::string authority_system(Conversion& c, Part hd, std::string_view fallback);
/// The sender's key of an identifier (CX, EI, XCN): "12345^AUTHORITY".
std::string key_of(Part id, Part authority);
std::optional<calendar::Moment> moment_of(Conversion& c, std::string_view text, std::string_view where);
/// Who assigned a number: HD of the authority, HD of the facility; what its system does not say already.
void add_assigner(Conversion& c, Object& identifier, Part authority, Part facility);
json::Value identifier(Conversion& c, std::string_view system, std::string_view value, std::string_view type = {});
json::Value period(Conversion& c, json::Value start, json::Value end);
/// True for a resident ID number with a right check character (GB 11643).
bool is_resident_id(std::string_view text);
/// Telecoms of XTN: a number and a mail address may stand in one.
void add_telecoms(Conversion& c, Object& to, Field field, std::string_view use = {});
Thing* location_of(Conversion& c, Part pl);
Thing* organization_of(Conversion& c, Part xon);
Thing* practitioner_of(Conversion& c, Part xcn);

}  // namespace xinglin::hl7v2
