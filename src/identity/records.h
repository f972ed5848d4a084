// SPDX-License-Identifier: Apache-2.0
// Columns of normalised values: each value stands once, with how often it occurs and how it sounds.
#pragma once

#include "identity/door.h"
#include "identity/judge.h"

namespace xinglin::identity {

struct Value {
    std::uint32_t at = 0, sound_at = 0;  // in the column's characters
    std::uint16_t size = 0, sound_size = 0;
    std::uint32_t count = 0;
    std::uint32_t date =
        0;  // of a birth date: yyyymmdd, day or month 0 where it is not told; 0 where it is no date; of a sound number: in it
    std::uint32_t door = 0;  // of a Chinese address: its number, from 1
    bool han = false;        // of a name: it holds Han characters
    bool newborn = false;    // of a name: it is told by the mother's, "…之女"
    bool is_sound = false;   // of a national identifier: length, date and check digit fit
};

/// Value 0 means that it is missing.
class Column {
public:
    explicit Column(Role role, const Wording* wording = nullptr);

    void add(std::string_view raw);
    Role role() const { return role_; }
    const Wording* wording() const { return wording_; }
    std::uint32_t size() const { return static_cast<std::uint32_t>(of_.size()); }
    std::uint32_t of(std::uint32_t record) const { return of_[record]; }
    const Value& value(std::uint32_t number) const { return values_[number]; }
    std::uint32_t values() const { return static_cast<std::uint32_t>(values_.size()); }
    std::string_view text(std::uint32_t number) const { return part(values_[number].at, values_[number].size); }
    std::string_view sound(std::uint32_t number) const { return part(values_[number].sound_at, values_[number].sound_size); }
    const Door& door(std::uint32_t number) const { return doors_[values_[number].door - 1]; }
    /// Of a name: are most values in Han characters?
    bool is_han() const { return han_ * 2 > values(); }
    std::uint32_t present() const { return present_; }
    /// How likely it is that another record has this value by chance.
    double frequency(std::uint32_t number) const;
    /// What is known of a larger table: so many of its records have this value, so many have any.
    void set_frequency(std::uint32_t number, std::uint32_t count, std::uint32_t present) {
        values_[number].count = count;
        present_ = present;
    }

private:
    std::string_view part(std::uint32_t at, std::uint16_t size) const { return {characters_.data() + at, size}; }
    std::uint32_t keep(std::string_view text, std::uint16_t& size);
    std::uint32_t find(std::string_view text);
    void grow();

    Role role_;
    const Wording* wording_;
    std::vector<std::uint32_t> of_;
    std::vector<Value> values_;
    std::vector<Door> doors_;
    std::string characters_;
    std::vector<std::uint32_t> slots_;  // open addressing; numbers of values
    std::uint32_t present_ = 0, han_ = 0;
};

struct Records::Inside {
    std::shared_ptr<const Wording> wording;
    std::vector<Column> columns;
};

/// yyyymmdd of what a folded birth date says, in any usual order; 0 when it is none.
std::uint32_t date_of(std::string_view text);

inline std::uint64_t mixed(std::uint64_t number) {  // the finalizer of SplitMix64 (Steele et al. 2014)
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9ull;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebull;
    return number ^ (number >> 31);
}
std::uint32_t hash_of(std::string_view text);

}  // namespace xinglin::identity
