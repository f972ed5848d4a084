// SPDX-License-Identifier: Apache-2.0
// Decodes the embedded table of R4; its format is described in tools/fhir_tables.py.
//
// The text is ours and fixed when compiling, so a malformed line is a broken invariant, not a refusal.
#include "fhir/tables.h"

#include <algorithm>
#include <bit>
#include <charconv>

extern "C" const char xinglin_fhir_r4_begin[];
extern "C" const char xinglin_fhir_r4_end[];

namespace xinglin::fhir {
namespace {

using Fields = std::span<const std::string_view>;

/// Splits without allocating; the last piece counts even when empty.
template <typename Take>
void each(std::string_view text, char separator, Take take) {
    for (;;) {
        const std::size_t end = text.find(separator);
        take(text.substr(0, end));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

template <typename Take>
void each_line(std::string_view text, Take take) {
    std::vector<std::string_view> fields;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        XINGLIN_ASSERT(end != std::string_view::npos);
        fields.clear();
        each(text.substr(0, end), '\t', [&](std::string_view field) { fields.push_back(field); });
        take(fields[0][0], Fields(fields).subspan(1));
        text.remove_prefix(end + 1);
    }
}

std::uint32_t number(std::string_view digits) {
    std::uint32_t value = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    XINGLIN_ASSERT(end.ec == std::errc() && end.ptr == digits.data() + digits.size());
    return value;
}

TypeKind kind_of(std::string_view letter) {
    switch (letter[0]) {
        case 'p': return TypeKind::primitive;
        case 'c': return TypeKind::complex;
        case 'r': return TypeKind::resource;
        default: return TypeKind::backbone;
    }
}

Binding binding_of(std::string_view letter) {
    if (letter.empty()) return Binding::none;
    switch (letter[0]) {
        case 'e': return Binding::example;
        case 'p': return Binding::preferred;
        case 'x': return Binding::extensible;
        default: return Binding::required;
    }
}

class Decoder {
public:
    explicit Decoder(std::string_view text) : text_(text) {}

    Tables decode() {
        read_types();
        read_rest();
        finish_types();
        return std::move(made_);
    }

private:
    template <typename T>
    std::span<const T> kept(const std::vector<T>& items) {
        if (items.empty()) return {};
        T* place = static_cast<T*>(made_.arena.allocate(sizeof(T) * items.size(), alignof(T)));
        std::uninitialized_copy(items.begin(), items.end(), place);
        return {place, items.size()};
    }

    std::span<const std::string_view> names(std::string_view text, char separator = '|') {
        std::vector<std::string_view> items;
        if (!text.empty()) each(text, separator, [&](std::string_view item) { items.push_back(item); });
        return kept(items);
    }

    // Types first, without elements: elements name types that come later.
    void read_types() {
        std::vector<std::string_view> bases;
        each_line(text_, [&](char letter, Fields f) {
            if (letter == 'T') {
                made_.types.push_back({f[0], kind_of(f[1]), f[2] == "1", nullptr, {}, f[4], nullptr});
                bases.push_back(f[3]);
                own_elements_.push_back(0);
            } else if (letter == 'E') {
                ++own_elements_.back();
            }
        });
        index_names();
        std::size_t all = 0;
        std::vector<std::size_t> count(made_.types.size());
        for (std::size_t i = 0; i < bases.size(); ++i) {
            if (!bases[i].empty()) made_.types[i].base = type_named(bases[i]);
            count[i] = own_elements_[i];
            if (const Type* base = made_.types[i].base) count[i] += count[static_cast<std::size_t>(base - made_.types.data())];
            all += count[i];
        }
        made_.elements.reserve(all);
    }

    void index_names() {
        const std::size_t size = std::bit_ceil(made_.types.size() * 2);
        made_.names.assign(size, {});
        for (const Type& type : made_.types) {
            std::uint64_t at = hash_of(type.name);
            while (made_.names[at & (size - 1)].type) ++at;
            made_.names[at & (size - 1)] = {type.name, &type};
        }
    }

    const Type* type_named(std::string_view name) const {
        const Type* type = made_.find(name);
        XINGLIN_ASSERT(type != nullptr);
        return type;
    }

    void read_rest() {
        std::vector<SearchParameterRow::Component> components;
        made_.rules.resize(made_.types.size());
        std::vector<Rule> rules;
        const auto close_type = [&] {
            if (next_type_ > 0 && !rules.empty()) made_.rules[next_type_ - 1] = kept(rules);
            rules.clear();
        };
        const auto close_parameter = [&] {
            if (!made_.search_parameters.empty()) made_.search_parameters.back().components = kept(components);
            components.clear();
        };
        each_line(text_, [&](char letter, Fields f) {
            switch (letter) {
                case 'T':
                    close_type();
                    begin_type();
                    break;
                case 'I': rules.push_back({f[0], f[1], f[2] == "e", f[3], f[4]}); break;
                case 'E': read_element(f); break;
                case 'V': made_.code_sets.push_back({f[0], names(f[1]), names(f[2])}); break;
                case 'C': made_.compartments.push_back(f[0]); break;
                case 'R': made_.memberships.push_back({made_.compartments.back(), f[0], names(f[1])}); break;
                case 'S':
                    close_parameter();
                    made_.search_parameters.push_back({f[0], f[1], f[2], f[5], f[6], names(f[3]), names(f[4]), {}});
                    break;
                case 'P': components.push_back({f[0], f[1]}); break;
                default: XINGLIN_ASSERT(!"a known letter");
            }
        });
        close_type();
        close_parameter();
        // Our own: where somebody lives, by the beginning of the division code. Its name comes after those of R4, whose numbers stay.
        made_.search_parameters.push_back({"xinglin-division",
                                           "string",
                                           "urn:xinglin:search:Patient-division",
                                           "Patient.address.extension('urn:xinglin:extension:division-code')",
                                           "The division code of an address, or the beginning of it",
                                           names("Patient"),
                                           {},
                                           {}});
    }

    void begin_type() {
        Type& type = made_.types[next_type_++];
        const std::size_t start = made_.elements.size();
        if (type.base) {
            XINGLIN_ASSERT(type.base < &type);  // a base comes before what is derived from it
            for (const Element& inherited : type.base->elements) made_.elements.push_back(inherited);
        }
        const std::size_t count = made_.elements.size() - start + own_elements_[next_type_ - 1];
        type.elements = {made_.elements.data() + start, count};  // the rest is read by the lines that follow
    }

    void read_element(Fields f) {
        Element element{};
        element.name = f[0];
        element.owner = &made_.types[next_type_ - 1];
        for (const char flag : f[1]) {
            element.is_choice |= flag == 'x';
            element.is_summary |= flag == 's';
            element.is_modifier |= flag == 'm';
            element.is_attribute |= flag == 'a';
        }
        element.min = number(f[2]);
        element.max = number(f[3]);
        element.binding = binding_of(f[5]);
        element.value_set = f[6];
        std::vector<TypeRef> types;
        each(f[4], '|', [&](std::string_view text) { types.push_back(type_ref(text)); });
        element.types = kept(types);
        XINGLIN_ASSERT(made_.elements.size() < made_.elements.capacity());
        made_.elements.push_back(element);
    }

    TypeRef type_ref(std::string_view text) {  // Reference(Group,Patient)
        const std::size_t open = text.find('(');
        TypeRef result{type_named(text.substr(0, open)), {}};
        if (open != std::string_view::npos) result.targets = names(text.substr(open + 1, text.size() - open - 2), ',');
        return result;
    }

    void finish_types() {
        for (Type& type : made_.types) {
            type.keys = key_table(type);
            if (type.kind == TypeKind::resource && !type.is_abstract) made_.resources.push_back(&type);
        }
        std::sort(made_.resources.begin(), made_.resources.end(), [](const Type* a, const Type* b) { return a->name < b->name; });
        std::sort(made_.memberships.begin(), made_.memberships.end(), [](const auto& a, const auto& b) {
            return std::pair(a.compartment, a.type) < std::pair(b.compartment, b.type);
        });
        made_.code_sets_of.reserve(made_.elements.size());
        for (const Element& element : made_.elements) {
            const CodeSet* set = nullptr;
            if (element.binding == Binding::required) {
                const auto at = std::lower_bound(made_.code_sets.begin(), made_.code_sets.end(), element.value_set,
                                                 [](const CodeSet& a, std::string_view b) { return a.value_set < b; });
                if (at != made_.code_sets.end() && at->value_set == element.value_set) set = &*at;
            }
            made_.code_sets_of.push_back(set);
        }
    }

    const KeyTable* key_table(const Type& type) {
        std::vector<KeyTable::Slot> entries;
        for (const Element& element : type.elements) {
            for (const TypeRef& ref : element.types) {
                const std::string_view key = element.is_choice ? made_.arena.keep(json_key(element, *ref.type)) : element.name;
                entries.push_back({key, {&element, &ref}});
                if (!element.is_choice) break;
            }
        }
        std::vector<KeyTable::Slot> slots(std::bit_ceil(std::max<std::size_t>(entries.size() * 2, 4)));
        const std::size_t mask = slots.size() - 1;
        for (const KeyTable::Slot& entry : entries) {
            std::uint64_t at = hash_of(entry.key);
            while (slots[at & mask].key.data()) ++at;
            slots[at & mask] = entry;
        }
        XINGLIN_ASSERT(type.elements.size() <= 64);
        std::uint64_t required = 0;
        for (std::size_t i = 0; i < type.elements.size(); ++i) required |= std::uint64_t(type.elements[i].min > 0) << i;
        auto* table = static_cast<KeyTable*>(made_.arena.allocate(sizeof(KeyTable), alignof(KeyTable)));
        return new (table) KeyTable{kept(slots).data(), static_cast<std::uint32_t>(mask), check_named(type.name), required};
    }

    std::string_view text_;
    Tables made_;
    std::vector<std::size_t> own_elements_;
    std::size_t next_type_ = 0;
};

}  // namespace

const Type* Tables::find(std::string_view name) const {
    for (std::uint64_t at = hash_of(name);; ++at) {
        const NameSlot& slot = names[at & (names.size() - 1)];
        if (!slot.type || slot.name == name) return slot.type;
    }
}

Tables decode(std::string_view text) { return Decoder(text).decode(); }

const Tables& tables() {
    static const Tables decoded =
        decode({xinglin_fhir_r4_begin, static_cast<std::size_t>(xinglin_fhir_r4_end - xinglin_fhir_r4_begin)});
    return decoded;
}

}  // namespace xinglin::fhir
