// SPDX-License-Identifier: Apache-2.0
// Inside the room: what /api/v1/people is written with, and the header of a record.
#pragma once

#include "api/exchange.h"

namespace xinglin::api {

/// JSON built member by member.
class Object {
public:
    Object& text(std::string_view key, std::string_view value) { return raw(key, json_text(value)); }
    Object& number(std::string_view key, std::uint64_t value) { return raw(key, std::to_string(value)); }
    Object& flag(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
    Object& raw(std::string_view key, std::string_view value) {
        text_ += text_.empty() ? '{' : ',';
        text_ += json_text(key) + ':';
        text_ += value;
        return *this;
    }
    std::string finish() { return (text_.empty() ? "{" : std::move(text_)) + "}"; }

private:
    std::string text_;
};

inline std::string list(const std::vector<std::string>& items) {
    std::string out = "[";
    for (const std::string& item : items) out += (out.size() > 1 ? "," : "") + item;
    return out + "]";
}

/// Telephone numbers of Patient.telecom, in order: what `index` counts.
std::vector<std::string> phone_numbers(json::Value patient);
json::Value parsed(const record::Version& version, json::Arena& arena);

struct Union;
/// Who belongs to the person: [{id, relation, code, name, masked, phone, person}]. `number`: the person's own identity number, "" when unknown.
std::string relatives_json(const Exchange& exchange, record::Reader& reader, const Union& all, const std::string& number);

/// GET /api/v1/people/ID: who the person is and what matters at once, of all Patients of the person.
Answer people_header(Exchange& exchange, const std::string& id);

}  // namespace xinglin::api
