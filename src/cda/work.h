// SPDX-License-Identifier: Apache-2.0
// Inside the room: a document on its way to FHIR, shared by the header's and the entries' readers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cda/markup.h"
#include "cda/tables.h"

namespace xinglin::cda {

using Members = std::vector<std::pair<std::string_view, json::Value>>;

struct Work {
    const message::Sender& sender;
    const Tables& tables;
    json::Arena& arena;
    message::Draft& draft;
    std::vector<message::Note>& notes;
    std::vector<std::string>& lesser;  // entries that say only what this document needed of them
    pugi::xml_node root;
    const Template* kind = nullptr;  // nullptr: not a template we know
    std::string standard;            // "WS/T 500.7", or the root of the template
    std::string key;                 // of the document, part of the keys of what it says
    std::string at;                  // its effectiveTime as FHIR dateTime

    std::string patient, encounter, organization, author;  // references, "" where there is none
    std::string encounter_id;
    Members encounter_members;
    std::vector<json::Value> diagnoses;  // of the encounter
    std::vector<json::Value> reasons;    // chief complaints
    std::string admitted, discharged;    // found among the entries
    std::size_t number = 0;              // of the next resource made from an entry

    json::Value text(std::string_view value) { return value.empty() ? json::Value() : arena.string(value); }
    json::Value reference(std::string_view literal) {
        return literal.empty() ? json::Value() : arena.object({{"reference", arena.string(literal)}});
    }
    json::Value list(json::Value one) { return one ? arena.array({one}) : json::Value(); }
    json::Value concept_text(std::string_view words) {
        return words.empty() ? json::Value() : arena.object({{"text", arena.string(words)}});
    }
    json::Value coding(std::string_view system, std::string_view code, std::string_view display) {
        return arena.object({{"system", text(system)}, {"code", text(code)}, {"display", text(display)}});
    }
    json::Value coded(std::string_view system, std::string_view code, std::string_view display, std::string_view words = {}) {
        if (code.empty()) return concept_text(words.empty() ? display : words);
        return arena.object(
            {{"coding", arena.array({coding(system, code, display)})}, {"text", text(words.empty() ? display : words)}});
    }
    std::string time(pugi::xml_node node, std::string_view name = "value") {
        return date_time(attribute(node, name), sender.offset_minutes);
    }
    void note(pugi::xml_node where, std::string what, std::string note_key) {
        if (notes.size() < 1'000) notes.push_back({place(where), std::move(what), std::move(note_key)});
    }
    std::string put(std::string_view type, std::string_view resource_key, Members members) {
        members.insert(members.begin(), {"resourceType", arena.string(type)});
        return draft.put(message::stable_id(sender.id, type, resource_key), arena.object(members));
    }
    std::string put_lesser(std::string_view type, std::string_view resource_key, Members members) {
        std::string reference = put(type, resource_key, std::move(members));
        lesser.push_back(reference);
        return reference;
    }
    /// A resource made from an entry; its place in the document is its key.
    std::string put_entry(std::string_view type, Members members) {
        return put(type, "document^" + key + "^" + std::to_string(number++), std::move(members));
    }
};

/// header.cpp: what tells the patient of a patientRole from others: a number, or name with the whole birth date (FHIR); "" for nothing.
std::string patient_key(pugi::xml_node role, std::string_view birth);
/// header.cpp: recordTarget, author, custodian, encompassingEncounter. Refuses a document whose patient can't be told.
Result<Done> read_header(Work& work);
/// The encounter, once the entries have said what they know of it.
void put_encounter(Work& work);

/// entries.cpp: what a section says; the references of what was made are appended.
void read_section(Work& work, pugi::xml_node section, std::vector<std::string>& made);

/// value.cpp: an xsi:type'd value as the members of an Observation ("valueQuantity" …); nothing where there is none.
std::optional<std::pair<std::string_view, json::Value>> read_value(Work& work, pugi::xml_node value, std::string_view unit);
json::Value read_code(Work& work, pugi::xml_node code);
json::Value read_quantity(Work& work, pugi::xml_node quantity, std::string_view unit = {});

}  // namespace xinglin::cda
