// SPDX-License-Identifier: Apache-2.0
// Inside the room: the table of R4, decoded once from the text embedded in the binary.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "fhir/fhir.h"
#include "fhir/primitive.h"

namespace xinglin::fhir {

/// A hash of a short name: its length, first and last eight bytes. Names of R4 hardly ever collide in it.
inline std::uint64_t hash_of(std::string_view name) {
    const std::size_t size = name.size();
    const auto read = [&](std::size_t at, std::size_t count) {
        std::uint64_t word = 0;
        std::memcpy(&word, name.data() + at, count);
        return word;
    };
    std::uint64_t word = size;
    if (size >= 8) word = read(0, 8) * 0x9E3779B97F4A7C15u + read(size - 8, 8) + size;
    else if (size >= 4) word = read(0, 4) << 32 | read(size - 4, 4);
    else if (size > 0)
        word = std::uint64_t(std::uint8_t(name[0])) << 16 | std::uint8_t(name[size / 2]) << 8 | std::uint8_t(name[size - 1]);
    word = (word + size) * 0xD6E8FEB86659FD93u;
    return word ^ word >> 32;
}

/// What a JSON key of one type means: an open-addressing hash table, at most half full, never changed after decoding.
/// And what validate() asks of the type for every value.
struct KeyTable {
    struct Slot {
        std::string_view key;
        Match match;
    };
    const Slot* slots = nullptr;
    std::uint32_t mask = 0;
    Check check = Check::none;
    std::uint64_t required = 0;  // bit i: element i has min 1

    Match find(std::string_view key) const {
        for (std::uint64_t at = hash_of(key);; ++at) {
            const Slot& slot = slots[at & mask];
            if (slot.key == key || slot.key.data() == nullptr) return slot.match;
        }
    }
};

/// Everything the room knows. Names point into the embedded text; spans into `arena`.
struct Tables {
    std::vector<Type> types;
    std::vector<const Type*> resources;        // concrete, alphabetical
    std::vector<Element> elements;             // of all types, each type's in one run
    std::vector<const CodeSet*> code_sets_of;  // parallel to `elements`: of required bindings, or null
    std::vector<CodeSet> code_sets;            // by value set
    std::vector<std::span<const Rule>> rules;  // parallel to `types`
    std::vector<std::string_view> compartments;
    struct Membership {
        std::string_view compartment;
        std::string_view type;
        std::span<const std::string_view> parameters;
    };
    std::vector<Membership> memberships;  // by compartment and type
    std::vector<SearchParameterRow> search_parameters;
    json::Arena arena;

    const Type* find(std::string_view name) const;
    const CodeSet* code_set_of(const Element& element) const {
        return code_sets_of[static_cast<std::size_t>(&element - elements.data())];
    }

    struct NameSlot {
        std::string_view name;
        const Type* type = nullptr;
    };
    std::vector<NameSlot> names;  // open addressing
};

/// Decoded at the first call, in a few milliseconds; safe from any thread.
const Tables& tables();
Tables decode(std::string_view text);

}  // namespace xinglin::fhir
